/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/workers.h"
#include "cli/note.h"
#include "cmd/batch.h"
#include "cmd/bundle_detail.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/nodes.h"
#include "cmd/options.h"
#include "kube/kubelet_config.h"
#include "pki/recovery.h"

#define JOBS_MAX 256

/* Large enough to share one sync among many, small enough that memory stays
 * flat and a stop is soon; an RSA key takes a thousand times longer. */
#define CHUNK_NODES 256
#define CHUNK_NODES_RSA 16

struct node_bundle_settings {
	const char *inventory;
	struct text_list addresses;
	const char *out;
	const char *format;
	bool embed_certs;
	bool no_serving;
	bool with_kube_proxy;
	bool bootstrap;
	const char *ttl;
	const char *key_type;
	const char *validity;
	bool reissue;
	const char *issued_before;
	bool require_bundle;
	const char *kubelet_config_base;
	const char *layout;
	unsigned jobs;
	bool allow_clock_back;
};

#define S struct node_bundle_settings
static const struct option_spec node_bundle_options[] = {
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"nodes and their addresses; - is standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_LIST(S, addresses, "address", "A",
		"IP address or DNS name of the one NODE"),
	OPTION_TEXT(S, out, "out", "DIR",
		"where bundles go; - is standard output, for a tar",
		.value = OPTION_VALUE_DIRECTORY, .preset = "bundles"),
	OPTION_TEXT(S, format, "format", "dir|tar",
		"a directory or a tar for each node", .preset = "dir",
		.value = OPTION_VALUE_CHOICE),
	OPTION_FLAG(S, embed_certs, "embed-certs",
		"put certificate and key into the kubeconfig"),
	OPTION_FLAG(S, no_serving, "no-serving",
		"leave out the serving certificate"),
	OPTION_FLAG(S, with_kube_proxy, "with-kube-proxy",
		"also the kubeconfig of kube-proxy"),
	OPTION_FLAG(S, bootstrap, "bootstrap",
		"a bootstrap token of the node's own, and no client "
		"certificate"),
	OPTION_TEXT(S, ttl, "ttl", "DUR",
		"with --bootstrap: how long the token is good",
		.preset = "24h"),
	OPTION_KEY_TYPE(S),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, certificates are valid",
		.preset = "from the cluster file"),
	OPTION_FLAG(S, reissue, "reissue",
		"issue anew what differs, is missing or is named"),
	OPTION_TEXT(S, issued_before, "issued-before", "TIME",
		"with --reissue: also what was issued before, and of the "
		"named only that"),
	OPTION_FLAG(S, require_bundle, "require-bundle",
		"refuse a live node whose bundle is not there"),
	OPTION_TEXT(S, kubelet_config_base, "kubelet-config-base", "FILE|none",
		"a KubeletConfiguration to build on; none leaves it out",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"names and places of files on the node",
		.preset = "from the cluster file",
		.value = OPTION_VALUE_CHOICE),
	OPTION_COUNT(S, jobs, "jobs", "N", "threads to work on", 1, JOBS_MAX,
		.preset = "one a processor"),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

static bool check_bootstrap(const S *settings, struct error *err)
{
	int64_t span = 0;

	if (!settings->bootstrap)
		return !settings->ttl || error_set(err, ERROR_USAGE,
						 "--ttl goes with --bootstrap");
	if (settings->embed_certs)
		return error_set(err, ERROR_USAGE,
			"--embed-certs and --bootstrap exclude each "
			"other: there is no certificate to embed");
	if (settings->no_serving && !settings->with_kube_proxy &&
		(settings->validity || settings->key_type))
		return error_set(err, ERROR_USAGE,
			"--%s: with --bootstrap and --no-serving no "
			"certificate is made",
			settings->validity ? "validity" : "key-type");
	if (!settings->ttl)
		return true;
	if (!span_parse(settings->ttl, &span, err))
		return context_blame(err, "--ttl");
	return span > 0 || error_set(err, ERROR_USAGE,
				   "--ttl: \"%s\": a token that is good for no "
				   "time",
				   settings->ttl);
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	bool stream = settings->out && !strcmp(settings->out, "-");
	bool tar = settings->format && !strcmp(settings->format, "tar");

	if (!settings->inventory && call->n_operands == 0)
		return error_set(err, ERROR_USAGE,
			"no nodes: name them, or give --inventory");
	if (settings->addresses.n_items && settings->inventory)
		return error_set(err, ERROR_USAGE,
			"--address goes with a NODE, not with "
			"--inventory");
	if (settings->addresses.n_items && call->n_operands != 1)
		return error_set(
			err, ERROR_USAGE, "--address needs exactly one NODE");
	if (stream && !tar)
		return error_set(
			err, ERROR_USAGE, "--out - needs --format tar");
	if (stream && call->shared->json)
		return error_set(err, ERROR_USAGE,
			"--json and --out - both want standard "
			"output");
	if (stream && settings->require_bundle)
		return error_set(err, ERROR_USAGE,
			"--require-bundle looks for bundles, and "
			"--out - keeps none");
	if (stream && isatty(STDOUT_FILENO))
		return error_set(err, ERROR_USAGE,
			"--out - writes private keys, and standard "
			"output is a terminal");
	if (settings->issued_before && !settings->reissue)
		return error_set(err, ERROR_USAGE,
			"--issued-before goes with --reissue");
	return check_bootstrap(settings, err);
}

static bool choose(const S *settings, const struct context *context, bool quiet,
	struct bundle_settings *bundle, struct error *err)
{
	bool clamped = false;

	bundle->key_type = context->cluster->key_type;
	bundle->layout = context->cluster->layout;
	if (settings->key_type &&
		!key_type_parse(settings->key_type, &bundle->key_type, err))
		return context_blame(err, "--key-type");
	if (settings->layout &&
		!layout_parse(settings->layout, &bundle->layout, err))
		return context_blame(err, "--layout");
	if (!profile_lifetime(authority_certificate(context->ca),
		    settings->validity, context->cluster->validity,
		    context->now, &bundle->lifetime, &clamped, err))
		return context_blame(err, "--validity");
	if (clamped &&
		(!bundle->bootstrap || bundle->serving || bundle->kube_proxy)) {
		char until[INSTANT_TEXT];

		note(quiet, "certificates end with the CA, %s",
			instant_format(bundle->lifetime.not_after, until));
	}
	return true;
}

/* Checked by check_bootstrap. */
static bool choose_tokens(const S *settings, struct instant now,
	struct token_wish *wish, struct error *err)
{
	static const struct text_list none = {0};
	int64_t span = SPAN_DAY;

	if (settings->ttl && !span_parse(settings->ttl, &span, err))
		return false;
	*wish = (struct token_wish){.kind = TOKEN_BOOTSTRAP,
		.format = TOKEN_MANIFEST,
		.usages = TOKEN_AUTHENTICATION,
		.expires = true,
		.expiry = instant_add(now, span),
		.groups = &none};
	return true;
}

static bool fill_batch(const struct command_call *call, const S *settings,
	struct batch *batch, struct error *err)
{
	batch->stream = settings->out && !strcmp(settings->out, "-");
	batch->out = settings->out ? settings->out : "bundles";
	batch->format = settings->format && !strcmp(settings->format, "tar")
				? BUNDLE_TAR
				: BUNDLE_DIRECTORY;
	batch->serving = !settings->no_serving;
	batch->kube_proxy = settings->with_kube_proxy;
	batch->reissue = settings->reissue;
	batch->require_bundle = settings->require_bundle;
	batch->named = call->n_operands > 0;
	batch->jobs = settings->jobs ? settings->jobs : workers_default_count();
	batch->clock_back = settings->allow_clock_back;
	batch->quiet = call->shared->quiet;
	batch->has_issued_before = settings->issued_before != NULL;
	if (settings->issued_before && !instant_parse(settings->issued_before,
					       &batch->issued_before, err))
		return context_blame(err, "--issued-before");
	if (batch->has_issued_before &&
		batch->issued_before.seconds > batch->context->now.seconds)
		return error_set(err, ERROR_USAGE,
			"--issued-before \"%s\": is in the future, and every "
			"run would issue anew",
			settings->issued_before);
	return context_archive_time(batch->context, &batch->archive_time, err);
}

static bool recover(const struct batch *batch, struct error *err)
{
	struct release_settings settings = {
		.lock_timeout = batch->context->lock_timeout,
		.clock_back = batch->clock_back,
		.warn = context_warn};

	return recovery_run(batch->context->ledger, &settings, err);
}

/* The spool of a stream that broke and was sent now holds keys that nobody
 * needs any more. */
static bool run_batch(
	const struct batch *batch, struct report *report, struct error *err)
{
	AUTO_RELEASE(error)
	ignored = ERROR_INIT; /* the work's failure counts */
	bool done = batch_run(batch, report, err);

	if (!batch->stream)
		return done;
	return recover(batch, done ? err : &ignored) && done;
}

static bool issue(const struct command_call *call, const struct batch *batch,
	struct error *err)
{
	AUTO_FREE(report) report = NULL;

	if (!recover(batch, err))
		return false;
	interrupt_watch();
	report = context_report(call,
		batch->wish ? batch_bootstrap_columns : batch_columns,
		batch->quiet ? REPORT_SILENT : REPORT_TEXT,
		batch->stream ? stderr : stdout);
	return report_close(report, run_batch(batch, report, err), err);
}

static bool node_bundle_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_FREE(document) base = NULL;
	AUTO_TEXT detail = NULL;
	struct token_wish wish;
	struct bundle_settings bundle = {.bootstrap = settings->bootstrap,
		.serving = !settings->no_serving,
		.kube_proxy = settings->with_kube_proxy,
		.embed_certificates = settings->embed_certs};
	const struct nodes_wanted nodes = {.inventory = settings->inventory,
		.names = call->operands,
		.n_names = call->n_operands,
		.addresses = &settings->addresses};
	struct batch batch = {0};

	if (!check_usage(call, settings, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE, &context,
			err) ||
		!context_check_out(context,
			settings->out ? settings->out : "bundles", err) ||
		!nodes_read(&nodes, &inventory, err) ||
		!cluster_require_server(
			context->cluster, context->cluster_path, err) ||
		!nodes_check(context, inventory, err) ||
		!choose(settings, context, call->shared->quiet, &bundle, err) ||
		!choose_tokens(settings, context->now, &wish, err) ||
		!kubelet_config_open_base(settings->kubelet_config_base,
			&bundle.kubelet_config, &base, err))
		return false;
	bundle.kubelet_config_base = base;
	bundle.cluster = context->cluster;
	bundle.ca = context->ca;
	bundle.trust = context_bundle(context);
	bundle.now = context->now;
	if (!bundle_kit_new(&bundle, &kit, err))
		return false;
	batch.context = context;
	batch.since = context->trust.rotations[ROTATION_CA].event;
	batch.inventory = inventory;
	batch.kit = kit;
	batch.lifetime = bundle.lifetime;
	detail = bundle_detail_write(
		context->cluster->server, bundle.layout, bundle.embed_certificates);
	batch.detail = detail;
	batch.wish = settings->bootstrap ? &wish : NULL;
	batch.chunk = key_type_is_rsa(bundle.key_type) ? CHUNK_NODES_RSA
						       : CHUNK_NODES;
	return fill_batch(call, settings, &batch, err) &&
	       issue(call, &batch, err);
}

const struct command command_node_bundle = {
	.name = "node-bundle",
	.summary = "make everything a node needs: key, certificates, "
		   "kubeconfig, configuration",
	.operands = "NODE...",
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "NodeBundleReport",
	.options = node_bundle_options,
	.settings_size = sizeof(S),
	.run = node_bundle_run,
};
