/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/node_csr.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/nodes.h"
#include "kube/node_request.h"

#define S struct node_csr_settings
static const struct option_spec node_csr_options[] = {
	OPTION_LIST(S, addresses, "address", "A",
		"IP address or DNS name of the node"),
	OPTION_TEXT(S, profile, "profile",
		"kubelet-client|kubelet-serving|both", "what to ask for",
		.preset = "both", .value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, key_type, "key-type", "TYPE",
		"ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096 or "
		"ed25519",
		.preset = "ecdsa-p256"),
	OPTION_TEXT(S, out, "out", "DIR", "where keys and requests are",
		.preset = "named as the node", .value = OPTION_VALUE_DIRECTORY),
	OPTION_LIST(S, complete, "complete", "FILE",
		"put the certificates in this file in their places; - is "
		"standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, root, "root", "DIR", "with --complete: the node's root",
		.preset = "/", .value = OPTION_VALUE_DIRECTORY),
	OPTION_TEXT(S, kubelet_config_base, "kubelet-config-base", "FILE|none",
		"a KubeletConfiguration to build on; none leaves it out",
		.value = OPTION_VALUE_INPUT),
	OPTION_END,
};

static bool asks_for(const S *settings, enum kubelet_pair pair)
{
	return !settings->profile || !strcmp(settings->profile, "both") ||
	       !strcmp(settings->profile, profile_of_pair(pair)->name);
}

static bool check_usage(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;

	if (settings->complete.n_items) {
		if (settings->addresses.n_items || settings->profile ||
			settings->key_type)
			return error_set(err, ERROR_USAGE,
				"--address, --profile and --key-type are for "
				"requests, not for --complete");
		return true;
	}
	if (!call->n_operands)
		return error_set(err, ERROR_USAGE,
			"no node: name it, or give --complete");
	if (call->n_operands > 1)
		return error_set(err, ERROR_USAGE,
			"operand \"%s\": one node at a time",
			call->operands[1]);
	if (settings->root || settings->kubelet_config_base)
		return error_set(err, ERROR_USAGE,
			"--root and --kubelet-config-base go with "
			"--complete");
	if (settings->addresses.n_items && !asks_for(settings, KUBELET_SERVING))
		return error_set(err, ERROR_USAGE,
			"--address: only kubelet-serving has "
			"addresses");
	return true;
}

/* -- for both halves -- */

const char *node_csr_directory(const S *settings, const char *node)
{
	return settings->out ? settings->out : node;
}

bool node_csr_lock(int dir, const char *path, struct error *err)
{
	enum { SECONDS = 60 };
	bool held = false;

	if (!file_lock(dir, FILE_LOCK_EXCLUSIVE, SECONDS, &held, err))
		return error_context(err, "\"%s\"", path);
	return held || error_set(err, ERROR_FAILED,
			       "\"%s\": another process has worked in it for "
			       "%d seconds",
			       path, SECONDS);
}

struct report *node_csr_report(const struct command_call *call)
{
	static const struct report_column columns[] = {
		{"status", "STATUS", 9},
		{"path", "PATH", 0},
		{NULL, NULL, 0},
	};

	return context_report(call, columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
}

struct document *node_csr_row(
	const char *node, const char *path, enum placement_way way)
{
	static const char *const words[] = {
		[PLACEMENT_KEEP] = "unchanged",
		[PLACEMENT_NEW] = "issued",
		[PLACEMENT_REPLACE] = "replaced",
	};
	struct document *row = document_new_map();

	document_put_text(row, "status", words[way]);
	document_put_text(row, "node", node);
	document_put_text(row, "path", path);
	return row;
}

/* -- requests -- */

struct requests {
	struct node_request list[KUBELET_PAIRS];
	size_t n;
};

static void requests_release(struct requests *requests)
{
	for (size_t i = 0; i < requests->n; i++)
		node_request_release(&requests->list[i]);
}
DEFINE_AUTO_RELEASE(requests)

static bool prepare(const S *settings,
	const struct node_request_settings *wanted, int dir,
	struct requests *requests, struct error *err)
{
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		if (!asks_for(settings, i))
			continue;
		if (!node_request_prepare(
			    wanted, i, dir, &requests->list[requests->n], err))
			return false;
		requests->n++;
	}
	return true;
}

/* A directory that is new is there to stay once the files in it are. */
static bool sync_above(int dir, const char *path, struct error *err)
{
	AUTO_CLOSE above = -1;

	return directory_open(dir, "..", &above, err) &&
	       file_sync(above, path, err);
}

static bool make_in(const S *settings,
	const struct node_request_settings *wanted, const char *path,
	struct requests *requests, struct error *err)
{
	bool is_new = !file_exists(AT_FDCWD, path);
	AUTO_CLOSE dir = -1;

	if (!directory_ensure(path, &dir, err))
		return false;
	if (node_csr_lock(dir, path, err) &&
		(prepare(settings, wanted, dir, requests, err) &&
			node_request_place(
				requests->list, requests->n, dir, err)) &&
		(!is_new || sync_above(dir, path, err)))
		return true;
	if (is_new)
		(void)rmdir(path); /* unless something is in it */
	return error_context(err, "\"%s\"", path);
}

static void add_row(struct report *report, const struct node_request *request,
	const char *node, const char *path, enum placement_way way)
{
	struct document *row = node_csr_row(node, path, way);
	char pin[PIN_TEXT];

	document_put_text(row, "profile", request->profile->name);
	document_put_text(row, "publicKey", sha256_pin(&request->pin, pin));
	report_row(report, row);
}

static bool tell(const struct command_call *call,
	const struct requests *requests, const char *node, struct error *err)
{
	const char *dir = node_csr_directory(call->settings, node);
	AUTO_FREE(report) report = node_csr_report(call);

	for (size_t i = 0; i < requests->n; i++) {
		const struct node_request *request = &requests->list[i];
		AUTO_TEXT key = memory_format("%s/%s", dir, request->key_name);
		AUTO_TEXT csr =
			memory_format("%s/%s", dir, request->request_name);

		add_row(report, request, node, key, request->key_way);
		add_row(report, request, node, csr, request->request_way);
	}
	return report_close(report, true, err);
}

static bool make_requests(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	const struct nodes_wanted nodes = {.names = call->operands,
		.n_names = 1,
		.addresses = &settings->addresses};
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(requests) requests = {0};
	struct node_request_settings wanted = {
		.has_key_type = settings->key_type != NULL};
	struct node node;

	if (wanted.has_key_type &&
		!key_type_parse(settings->key_type, &wanted.key_type, err))
		return context_blame(err, "--key-type");
	if (!nodes_read(&nodes, &inventory, err))
		return false;
	node = inventory_node(inventory, 0);
	wanted.node = &node;
	nodes_warn(&node);
	return make_in(settings, &wanted,
		       node_csr_directory(settings, node.name), &requests,
		       err) &&
	       tell(call, &requests, node.name, err);
}

static bool node_csr_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;

	if (!check_usage(call, err))
		return false;
	return settings->complete.n_items ? node_csr_complete(call, err)
					  : make_requests(call, err);
}

const struct command command_node_csr = {
	.name = "node-csr",
	.summary = "on a node: make keys that stay, ask for certificates, put "
		   "them in place",
	.operands = "NODE|FILE...",
	.reads_operands = true,
	.most = UINT_MAX,
	.takes = TAKES_JSON,
	.report_kind = "NodeCSRReport",
	.options = node_csr_options,
	.settings_size = sizeof(S),
	.run = node_csr_run,
};
