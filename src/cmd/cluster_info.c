/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/product.h"
#include "cmd/token_use.h"
#include "kube/cluster_info.h"
#include "kube/kubeconfig.h"
#include "kube/token_read.h"

struct cluster_info_settings {
	struct text_list token_from;
	const char *format;
};

#define S struct cluster_info_settings
static const struct option_spec cluster_info_options[] = {
	OPTION_LIST(S, token_from, "token-from", "FILE",
		"sign by the tokens in this file; - is standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, format, "format", "pin|discovery-file|configmap",
		"the CA's pin, kubeadm's file, or the ConfigMap",
		.preset = "pin", .value = OPTION_VALUE_CHOICE),
	OPTION_END,
};

static const struct report_column cluster_info_columns[] = {
	{"pin", "PIN", 0},
	{"server", "SERVER", 0},
	{"notAfter", "EXPIRES", 0},
	{NULL, NULL, 0},
};

static bool format_is(const S *settings, const char *format)
{
	return !strcmp(settings->format ? settings->format : "pin", format);
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	if (settings->token_from.n_items && !format_is(settings, "configmap"))
		return error_set(err, ERROR_USAGE,
			"--token-from goes with --format configmap");
	if (call->shared->json && !format_is(settings, "pin"))
		return error_set(err, ERROR_USAGE,
			"--json goes with --format pin: with another one "
			"standard output has the product");
	return true;
}

static bool print_pin(const struct command_call *call,
	const struct context *context, struct error *err)
{
	const struct certificate *ca = context->ca_certificate;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(report) report = NULL;
	struct document *row;
	char pin[PIN_TEXT];

	sha256_pin(&ca->pin, pin);
	buffer_format(&text, "%s\n", pin);
	if (!call->shared->json)
		return product_print(&text, err);
	row = document_new_map();
	document_put_text(row, "pin", pin);
	if (context->cluster->server)
		document_put_text(row, "server", context->cluster->server);
	document_put_instant(row, "notAfter", ca->not_after);
	report = context_report(
		call, cluster_info_columns, REPORT_RECORD, stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

struct signing {
	struct context *context;
	struct document *config_map;
	const struct buffer *kubeconfig;
};

static bool sign(void *data, struct token **token, struct error *err)
{
	struct signing *signing = data;

	return ((*token)->kind == TOKEN_STATIC ||
		       token_use(
			       signing->context, *token, TOKEN_SIGNING, err)) &&
	       cluster_info_sign(
		       signing->config_map, *token, signing->kubeconfig, err);
}

static bool print_config_map(const S *settings, struct context *context,
	const struct buffer *kubeconfig, struct error *err)
{
	AUTO_FREE(document) config_map = cluster_info_new(kubeconfig);
	struct signing signing = {context, config_map, kubeconfig};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	for (size_t i = 0; i < settings->token_from.n_items; i++) {
		AUTO_FREE(source) source = NULL;

		if (!source_open(settings->token_from.items[i],
			    TOKEN_SOURCE_MAX, &source, err))
			return false;
		if (!token_read(source, sign, &signing, err))
			return error_at(err, source_name(source), 0);
	}
	return cluster_info_write(config_map, &text, err) &&
	       product_print(&text, err);
}

static bool cluster_info_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(buffer) kubeconfig = BUFFER_INIT;
	struct kubeconfig config = {0};
	unsigned needs = NEEDS_CLUSTER | NEEDS_CA_CERTIFICATE;

	if (settings->token_from.n_items)
		needs |= NEEDS_LEDGER;
	if (!check_usage(call, settings, err) ||
		!context_open(call, needs, &context, err))
		return false;
	if (format_is(settings, "pin"))
		return print_pin(call, context, err);
	if (!cluster_require_server(
		    context->cluster, context->cluster_path, err))
		return false;
	config.server = context->cluster->server;
	config.ca_pem = context_trust(context);
	if (!kubeconfig_write_discovery(&config, &kubeconfig, err))
		return false;
	if (format_is(settings, "discovery-file"))
		return product_print(&kubeconfig, err);
	return print_config_map(settings, context, &kubeconfig, err);
}

const struct command command_cluster_info = {
	.name = "cluster-info",
	.summary = "tell how to find the cluster and know its CA",
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "ClusterInfoReport",
	.options = cluster_info_options,
	.settings_size = sizeof(S),
	.run = cluster_info_run,
};
