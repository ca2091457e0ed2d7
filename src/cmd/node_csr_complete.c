/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/context.h"
#include "cmd/node_csr.h"
#include "kube/install.h"
#include "kube/kubelet_config.h"
#include "kube/node_request.h"


/* What came back, from one file or several. */
struct answer {
	struct node_certificates **files;
	size_t n_files;
	struct node_certificates whole; /* a view of them */
	struct key *keys[KUBELET_PAIRS];
	struct document *base;
};

static void answer_release(struct answer *answer)
{
	for (size_t i = 0; i < answer->n_files; i++)
		node_certificates_free(answer->files[i]);
	free(answer->files);
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		key_free(answer->keys[i]);
	document_free(answer->base);
}
DEFINE_AUTO_RELEASE(answer)

static bool read_file(
	const char *path, struct answer *answer, struct error *err)
{
	AUTO_FREE(source) source = NULL;
	struct node_certificates **file = &answer->files[answer->n_files];

	if (!source_open(path, NODE_CERTIFICATES_SOURCE_MAX, &source, err) ||
		!node_certificates_read(source, instant_now(), file, err))
		return false;
	answer->n_files++;
	return node_certificates_join(*file, &answer->whole, err) ||
	       error_at(err, source_name(source), 0);
}

/* --complete FILE..., whichever of them are the option's and which operands. */
static bool read_files(const struct command_call *call,
	const struct text_list *paths, struct answer *answer, struct error *err)
{
	answer->files = memory_new(
		paths->n_items + call->n_operands, sizeof(*answer->files));
	for (size_t i = 0; i < paths->n_items; i++)
		if (!read_file(paths->items[i], answer, err))
			return false;
	for (size_t i = 0; i < call->n_operands; i++)
		if (!read_file(call->operands[i], answer, err))
			return false;
	if (answer->whole.leaves[KUBELET_CLIENT])
		return true;
	error_set(err, ERROR_INPUT,
		"certificate \"kubelet-client\": not there, and a kubeconfig "
		"needs it");
	return error_at(err, paths->items[0], 0);
}

static bool read_key(struct answer *answer, enum kubelet_pair pair, int dir,
	struct error *err)
{
	const struct certificate *leaf = answer->whole.leaves[pair];

	if (!leaf)
		return true;
	if (!node_request_read_key(pair, dir, &answer->keys[pair], err))
		return false;
	if (der_equal(leaf->public_key, key_public(answer->keys[pair])))
		return true;
	return error_set(err, ERROR_INPUT,
		"certificate \"%s\": not of the key that is there",
		profile_of_pair(pair)->name);
}

static bool read_keys(
	const char *path, int dir, struct answer *answer, struct error *err)
{
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (!read_key(answer, i, dir, err))
			return error_context(err, "\"%s\"", path);
	return true;
}

static void add_row(struct report *report, const char *root, const char *node,
	const struct install_file *file)
{
	size_t len = strlen(root);
	AUTO_TEXT path = memory_format("%s%s%s", root,
		len && root[len - 1] == '/' ? "" : "/", file->path);
	struct document *row = node_csr_row(node, path, file->way);

	if (file->certificate)
		document_put_instant(
			row, "notAfter", file->certificate->not_after);
	report_row(report, row);
}

static bool install(const struct command_call *call,
	const struct install_settings *settings, const char *root,
	struct error *err)
{
	AUTO_FREE(install) install = NULL;
	AUTO_FREE(report) report = NULL;

	if (!install_plan(settings, &install, err) ||
		!install_carry_out(install, err))
		return error_context(err, "\"%s\"", root);
	report = node_csr_report(call);
	for (size_t i = 0; i < install->n_files; i++)
		add_row(report, root, settings->file->node, &install->files[i]);
	return report_close(report, true, err);
}

bool node_csr_complete(const struct command_call *call, struct error *err)
{
	const struct node_csr_settings *settings = call->settings;
	const char *root = settings->root ? settings->root : "/", *path;
	AUTO_RELEASE(answer) answer = {0};
	AUTO_CLOSE dir = -1;
	AUTO_CLOSE root_dir = -1;
	struct install_settings wanted = {.file = &answer.whole};

	if (!read_files(call, &settings->complete, &answer, err) ||
		!kubelet_config_open_base(settings->kubelet_config_base,
			&wanted.kubelet_config, &answer.base, err))
		return false;
	wanted.kubelet_config_base = answer.base;
	path = node_csr_directory(settings, answer.whole.node);
	if (!directory_open(AT_FDCWD, path, &dir, err) ||
		!node_csr_lock(dir, path, err) ||
		!read_keys(path, dir, &answer, err) ||
		!directory_open(AT_FDCWD, root, &root_dir, err))
		return false;
	wanted.root = root_dir;
	memcpy(wanted.keys, answer.keys, sizeof(wanted.keys));
	return install(call, &wanted, root, err);
}
