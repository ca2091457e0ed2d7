/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/kubeconfig_batch.h"
#include "cmd/nodes.h"
#include "cmd/product.h"
#include "cmd/stream.h"
#include "cmd/token_make.h"
#include "kube/token_read.h"

struct bootstrap_kubeconfig_settings {
	const char *token_from;
	const char *server;
	const char *out;
	struct text_list nodes;
	const char *inventory;
	bool replace;
};

#define S struct bootstrap_kubeconfig_settings
static const struct option_spec bootstrap_kubeconfig_options[] = {
	OPTION_TEXT(S, token_from, "token-from", "FILE|DIR",
		"what kpki token wrote; - is standard input",
		.preset = "for nodes, the directory tokens",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, server, "server", "URL",
		"the API server as nodes reach it, https://HOST[:PORT]",
		.preset = "from the cluster file"),
	OPTION_TEXT(S, out, "out", "FILE|DIR",
		"where it goes; - is standard output",
		.preset = "-; for nodes, the directory kubeconfigs",
		.value = OPTION_VALUE_FILE),
	OPTION_LIST(S, nodes, "node", "NODE",
		"one for this node, from its own token"),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"one for each node; - is standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_FLAG(S, replace, "replace",
		"in the place of a file that says something else"),
	OPTION_END,
};

static bool is_batch(const S *settings)
{
	return settings->nodes.n_items > 0 || settings->inventory;
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	bool stream = product_is_stream(settings->out);

	if (is_batch(settings) && settings->out && stream)
		return error_set(err, ERROR_USAGE,
			"kubeconfigs of nodes go to a directory, not to "
			"standard output");
	if (is_batch(settings))
		return true;
	if (!settings->token_from)
		return error_set(err, ERROR_USAGE,
			"no token: --token-from says where it is");
	if (stream && call->shared->json)
		return error_set(err, ERROR_USAGE,
			"--json and a kubeconfig on standard output: --out "
			"FILE keeps them apart");
	if (stream && settings->replace)
		return error_set(
			err, ERROR_USAGE, "--replace goes with --out FILE");
	return true;
}

static bool set_server(
	const S *settings, struct context *context, struct error *err)
{
	if (!settings->server)
		return cluster_require_server(
			context->cluster, context->cluster_path, err);
	return cluster_set(context->cluster, "server", settings->server, err) ||
	       context_blame(err, "--server");
}

static bool read_token(
	const char *path, struct token **ret_token, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	return source_open(path, TOKEN_SOURCE_MAX, &source, err) &&
	       token_read_one(source, ret_token, err);
}

static bool print(
	const struct gap *gap, const struct token *token, struct error *err)
{
	struct file_part parts[GAP_PARTS];

	stream_warn();
	gap_fill(gap, token->secret, parts);
	return file_write_parts(
		STDOUT_FILENO, parts, GAP_PARTS, "standard output", err);
}

static bool save(const struct command_call *call, const struct gap *gap,
	const struct token *token, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(report) report = NULL;
	AUTO_TEXT id = NULL;
	bool fresh;

	if (!token_public_id(token, &id, err) ||
		!kubeconfig_save(AT_FDCWD, settings->out, gap, token,
			settings->replace, &fresh, err))
		return false;
	report = context_report(call, token_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	report_row(report, token_row(fresh ? "issued" : "unchanged", NULL,
				   token, id, settings->out, NULL));
	return report_close(report, true, err);
}

static bool make_one(const struct command_call *call, struct context *context,
	struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(token) token = NULL;
	AUTO_RELEASE(gap) gap = GAP_INIT;

	if (!read_token(settings->token_from, &token, err) ||
		!kubeconfig_of_token(context, token, &gap, err))
		return false;
	return product_is_stream(settings->out) ? print(&gap, token, err)
						: save(call, &gap, token, err);
}

static bool make_many(const struct command_call *call, struct context *context,
	struct error *err)
{
	const S *settings = call->settings;
	const struct nodes_wanted nodes = {.inventory = settings->inventory,
		.names = settings->nodes.items,
		.n_names = settings->nodes.n_items};
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_FREE(report) report = NULL;
	struct kubeconfig_batch batch = {.context = context,
		.token_from =
			settings->token_from ? settings->token_from : "tokens",
		.out = settings->out ? settings->out : "kubeconfigs",
		.replace = settings->replace};

	if (!nodes_read(&nodes, &inventory, err) ||
		!nodes_check(context, inventory, err))
		return false;
	batch.inventory = inventory;
	report = context_report(call, token_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(
		report, kubeconfig_batch_run(&batch, report, err), err);
}

static bool bootstrap_kubeconfig_run(
	const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;

	if (!check_usage(call, settings, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA_CERTIFICATE | NEEDS_LEDGER,
			&context, err) ||
		!context_check_out(context,
			settings->out || !is_batch(settings) ? settings->out
							     : "kubeconfigs",
			err) ||
		!set_server(settings, context, err))
		return false;
	return is_batch(settings) ? make_many(call, context, err)
				  : make_one(call, context, err);
}

const struct command command_bootstrap_kubeconfig = {
	.name = "bootstrap-kubeconfig",
	.summary = "make the kubeconfig that a kubelet bootstraps from",
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "BootstrapKubeconfigReport",
	.options = bootstrap_kubeconfig_options,
	.settings_size = sizeof(S),
	.run = bootstrap_kubeconfig_run,
};
