/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/rotate_ca.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/authorities.h"
#include "cmd/control_plane.h"
#include "cmd/nodes.h"
#include "cmd/product.h"
#include "cmd/renew.h"
#include "kube/kubelet_config.h"
#include "kube/rotation_note.h"
#include "pki/pem.h"

/* -- hosts of the control plane -- */

static bool has_control_plane(const struct context *context)
{
	const struct topology *topology = context->cluster->topology;

	return topology && topology->hosts &&
	       file_exists(context->dir, SERVICE_ACCOUNT_KEY);
}

static bool write_control_plane(
	const struct rotate *rotate, const char *out, struct error *err)
{
	const struct rotate_ca_settings *is = rotate->settings;
	AUTO_RELEASE(text_list) hosts = {0};
	struct control_plane_settings settings = {.out = out,
		.with_ca_key = is->with_ca_key || rotate->with_ca_key,
		.with_admin_conf = rotate->with_admin,
		.with_super_admin = rotate->with_super_admin,
		.reissue = true,
		.staged = true,
		.layout = rotate->layout,
		.validity = is->validity,
		.allow_clock_back = is->allow_clock_back};

	/* Of the cluster's CA all have something, and the administrator. */
	for (size_t i = 0; i < rotate->n_subjects; i++)
		if (rotate->target != ROTATION_CA)
			text_list_add(&hosts, rotate->subjects[i].name);
	settings.hosts = hosts;
	return !has_control_plane(rotate->context) ||
	       control_plane_trees(rotate->context, &settings,
		       rotate->call->shared->quiet, rotate->report, err);
}

/* -- nodes -- */

static bool write_nodes(
	const struct rotate *rotate, const char *out, struct error *err)
{
	const struct rotate_ca_settings *settings = rotate->settings;
	const struct nodes_wanted wanted = {.inventory = settings->inventory};
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_FREE(document) base = NULL;
	bool kubelet_config = true;
	AUTO_RELEASE(renew)
	renew = {.context = rotate->context,
		.call = rotate->call,
		.out = out,
		.clock_back = settings->allow_clock_back,
		.quiet = rotate->call->shared->quiet,
		.since = rotate_state(rotate)->event,
		.report = rotate->report};

	if (settings->inventory &&
		(!nodes_read(&wanted, &inventory, err) ||
			!nodes_check(renew.context, inventory, err)))
		return false;
	renew.inventory = inventory;
	if (!kubelet_config_open_base(settings->kubelet_config_base,
		    &kubelet_config, &base, err))
		return false;
	renew.no_kubelet_config = !kubelet_config;
	renew.kubelet_config_base = base;
	if (!renew_choose_lifetime(&renew, settings->validity, err))
		return false;
	for (size_t i = 0; i < rotate->n_subjects; i++)
		if (rotate->subjects[i].places == ROTATION_NODE &&
			!renew_add_node(&renew, rotate->subjects[i].name, err))
			return false;
	return renew_staged(&renew, err);
}

/* -- notes -- */

static bool has_tree(const struct rotate *rotate, int out, const char *name)
{
	return (has_control_plane(rotate->context) ||
		       strcmp(name, CONTROL_ADMIN_NAME) != 0) &&
	       file_exists(out, name);
}

static bool write_note(const struct rotate *rotate, int out, const char *path,
	const struct rotate_subject *subject, struct error *err)
{
	const struct ledger_rotation *state = rotate_state(rotate);
	const struct renew renew = {.out = path};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	const struct rotation_note note = {.target = rotate->target,
		.stage = state->stage,
		.from = state->from,
		.host = subject->name,
		.places = subject->places,
		.cluster = rotate->context->cluster};

	rotation_note_write(&note, &text);
	return renew_write_note_as(
		&renew, out, subject->name, "rotation", &text, err);
}

static bool write_notes(
	const struct rotate *rotate, const char *path, struct error *err)
{
	AUTO_CLOSE out = -1;

	if (!directory_ensure(path, &out, err))
		return false;
	for (size_t i = 0; i < rotate->n_subjects; i++)
		if (!rotate->subjects[i].is_user &&
			has_tree(rotate, out, rotate->subjects[i].name) &&
			!write_note(rotate, out, path, &rotate->subjects[i],
				err))
			return false;
	return true;
}

/* -- what the old CA says of the new one -- */

struct cross {
	struct der new_key;
	struct buffer pem; /* empty: there is none */
};

static bool find_cross(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct cross *cross = data;
	AUTO_FREE(certificate) is = NULL;

	if (!certificate_read(row->body, &is, err))
		return false;
	if (der_equal(is->public_key, cross->new_key)) {
		buffer_reset(&cross->pem);
		pem_write(&cross->pem, "CERTIFICATE", row->body);
	}
	return true;
}

static bool read_new_key(const struct rotate *rotate,
	struct certificate **ret_new, struct error *err)
{
	const struct ledger_rotation *state = rotate_state(rotate);
	bool signs = rotation_stages[state->stage].signer == ROTATION_NEW;
	const char *path = signs ? trust_place(rotate->target)->certificate
				 : trust_other_place(rotate->target)->certificate;
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	struct sha256 pin;

	return trust_read(rotate->context, path, rotate->target, &pem, &pin,
		       err) &&
	       certificate_read_pem(pem.data, pem.len, true, ret_new, err);
}

/* The ledger keeps it. */
static bool write_cross(
	const struct rotate *rotate, const char *path, struct error *err)
{
	struct context *context = rotate->context;
	const struct ledger_filter filter = {.profile = ROTATE_CROSS_PROFILE,
		.live_only = true,
		.at = context->now};
	AUTO_TEXT name = memory_format(
		"%s-cross.crt", rotation_target_name(rotate->target));
	AUTO_FREE(certificate) is = NULL;
	struct cross cross = {.pem = BUFFER_INIT};
	bool done, fresh;

	if (rotate->target == ROTATION_SERVICE_ACCOUNT)
		return true;
	if (!read_new_key(rotate, &is, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_SHARED,
			context->lock_timeout, err))
		return false;
	cross.new_key = is->public_key;
	done = ledger_each(context->ledger, &filter, find_cross, &cross, err);
	ledger_unlock(context->ledger);
	done = done && (!cross.pem.len ||
			       product_save_in(
				       path, name, &cross.pem, &fresh, err));
	buffer_release(&cross.pem);
	return done;
}

/* -- the whole -- */

/* Both are tried, and the first failure is the answer. */
static bool write_trees(
	const struct rotate *rotate, const char *path, struct error *err)
{
	AUTO_RELEASE(error) second = ERROR_INIT;
	bool first = write_control_plane(rotate, path, err);
	bool nodes = rotate->target != ROTATION_CA ||
		     write_nodes(rotate, path, first ? err : &second);
	bool notes = write_notes(
		rotate, path, first && nodes ? err : &second);

	error_release(&second);
	return first && nodes && notes;
}

bool rotate_stage(struct rotate *rotate, unsigned stage, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/stage-%u", rotate->out, stage);
	const struct ledger_rotation *state = rotate_state(rotate);
	AUTO_CLOSE out = -1;

	if (!cluster_require_server(rotate->context->cluster,
		    rotate->context->cluster_path, err))
		return false;
	if ((state->event == 0 || state->stage != stage) &&
		!rotate_enter(rotate, stage, err))
		return false;
	return directory_ensure(rotate->out, &out, err) &&
	       write_trees(rotate, path, err) &&
	       write_cross(rotate, path, err);
}
