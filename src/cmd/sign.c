/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/nodes.h"
#include "cmd/options.h"
#include "cmd/permit.h"
#include "cmd/product.h"
#include "cmd/sign_issue.h"
#include "cmd/sign_read.h"
#include "cmd/sign_write.h"
#include "cmd/tally.h"
#include "pki/recovery.h"

struct sign_settings {
	const char *profile;
	const char *inventory;
	struct text_list nodes;
	const char *user;
	struct text_list groups;
	const char *validity;
	const char *out;
	bool bundle;
	const char *layout;
	bool deny;
	bool reissue;
	bool dry_run;
	bool allow_clock_back;
	struct text_list permit_dns, permit_ip;
};

#define S struct sign_settings
static const struct option_spec sign_options[] = {
	OPTION_TEXT(S, profile, "profile", "P",
		"the profile, where a request does not say what it is for"),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"the nodes that may ask, and their addresses; - is standard "
		"input",
		.value = OPTION_VALUE_INPUT),
	OPTION_LIST(S, nodes, "node", "NODE",
		"sign for this node only; without --inventory, it has no "
		"address but its name"),
	OPTION_TEXT(S, user, "user", "NAME",
		"the user for whom a kube-apiserver-client certificate may be"),
	OPTION_LIST(S, groups, "group", "G", "a group of the user"),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, certificates are valid",
		.preset = "from the cluster file"),
	OPTION_TEXT(S, out, "out", "DIR",
		"where the answers go; - is standard output",
		.preset = "standard output", .value = OPTION_VALUE_DIRECTORY),
	OPTION_FLAG(S, bundle, "bundle",
		"one file a node, with all that node-csr --complete needs"),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"with --bundle: names and places of files on the node",
		.preset = "from the cluster file",
		.value = OPTION_VALUE_CHOICE),
	OPTION_FLAG(S, deny, "deny",
		"answer objects that are refused with a Denied condition"),
	OPTION_FLAG(S, reissue, "reissue",
		"sign although a live certificate has another key or other "
		"names"),
	OPTION_FLAG(S, dry_run, "dry-run",
		"tell what would be done, and by which rule; write nothing"),
	OPTION_PERMIT(S),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

#define SUBORDINATE_CA "subordinate-ca"

static bool signs_cas(const S *settings)
{
	return settings->profile && !strcmp(settings->profile, SUBORDINATE_CA);
}

/* A CA is asked for by its request alone. */
static bool check_ca_usage(const S *settings, struct error *err)
{
	const struct {
		const char *option;
		bool given;
	} options[] = {
		{"--inventory", settings->inventory},
		{"--node", settings->nodes.n_items},
		{"--user", settings->user},
		{"--group", settings->groups.n_items},
		{"--bundle", settings->bundle},
		{"--deny", settings->deny},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].given)
			return error_set(err, ERROR_USAGE,
				"%s: not with --profile " SUBORDINATE_CA,
				options[i].option);
	return true;
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	if (signs_cas(settings) && !check_ca_usage(settings, err))
		return false;
	if (!signs_cas(settings) &&
		settings->permit_dns.n_items + settings->permit_ip.n_items)
		return error_set(err, ERROR_USAGE,
			"--permit-dns and --permit-ip go with --profile "
			SUBORDINATE_CA);
	if (!signs_cas(settings) && !settings->inventory && !settings->nodes.n_items && !settings->user)
		return error_set(err, ERROR_USAGE,
			"nobody may ask: --inventory, --node or --user says "
			"who may");
	if (settings->groups.n_items && !settings->user)
		return error_set(err, ERROR_USAGE, "--group goes with --user");
	if (settings->layout && !settings->bundle)
		return error_set(
			err, ERROR_USAGE, "--layout goes with --bundle");
	if (settings->deny && settings->bundle)
		return error_set(err, ERROR_USAGE,
			"--deny is for objects, --bundle is not");
	if (settings->dry_run && settings->out)
		return error_set(err, ERROR_USAGE,
			"--dry-run writes nothing, and --out would");
	if (call->shared->json && product_is_stream(settings->out) &&
		!settings->dry_run)
		return error_set(err, ERROR_USAGE,
			"--json needs --out DIR: without it standard "
			"output has the answers");
	return true;
}

static bool check_profile(const S *settings, struct error *err)
{
	const struct profile *profile =
		settings->profile ? profile_find(settings->profile) : NULL;

	return !settings->profile || (profile && profile->by_request) ||
	       error_set(err, ERROR_USAGE,
		       "--profile \"%s\": not kubelet-client, kubelet-serving, "
		       "kube-apiserver-client or " SUBORDINATE_CA,
		       settings->profile);
}

static bool check_user(const S *settings, struct error *err)
{
	AUTO_RELEASE(buffer) name = BUFFER_INIT;

	if (!settings->user)
		return true;
	return certificate_name(settings->groups.items,
		       settings->groups.n_items, settings->user, &name, err) ||
	       context_blame(err, "--user and --group");
}

static bool read_nodes(const S *settings, const struct context *context,
	struct inventory **ret_inventory, struct error *err)
{
	const struct nodes_wanted wanted = {.inventory = settings->inventory,
		.names = settings->nodes.items,
		.n_names = settings->nodes.n_items};

	if (!settings->inventory && !settings->nodes.n_items)
		return true;
	return nodes_read(&wanted, ret_inventory, err) &&
	       nodes_check(context, *ret_inventory, err);
}

static bool choose_lifetime(const struct command_call *call, const S *settings,
	struct sign *sign, struct error *err)
{
	const struct context *context = sign->context;
	int64_t preset = signs_cas(settings) ? PROFILE_CA_LIFE
					     : context->cluster->validity;
	char until[INSTANT_TEXT];
	bool clamped = false;

	if (!profile_lifetime(authority_certificate(context->ca),
		    settings->validity, preset, context->now, &sign->lifetime,
		    &clamped, err))
		return context_blame(err, "--validity");
	if (clamped)
		note(call->shared->quiet, "certificates end with the CA, %s",
			instant_format(sign->lifetime.not_after, until));
	return true;
}

static bool choose_layout(const S *settings, const struct context *context,
	struct sign_output *output, struct error *err)
{
	output->layout = context->cluster->layout;
	if (settings->bundle && (!context_require_one_ca(context, err) ||
					!cluster_require_server(
						context->cluster,
						context->cluster_path, err)))
		return false;
	return !settings->layout ||
	       layout_parse(settings->layout, &output->layout, err) ||
	       context_blame(err, "--layout");
}

static bool recover(const struct sign *sign, struct error *err)
{
	struct release_settings settings = {
		.lock_timeout = sign->context->lock_timeout,
		.clock_back = sign->clock_back,
		.warn = context_warn};

	return sign->dry_run ||
	       recovery_run(sign->context->ledger, &settings, err);
}

static bool summarize(
	const struct sign *sign, struct report *report, struct error *err)
{
	AUTO_RELEASE(tally) tally = {.noun = "request"};

	for (size_t i = 0; i < sign->n_items; i++) {
		report_row(report, sign_row(&sign->items[i]));
		tally_add(&tally, sign->items[i].label, &sign->items[i].error);
	}
	return tally_result(&tally, sign->n_items, err);
}

/* Those that nobody came to, and why. */
static void fail_rest(struct sign *sign, const struct error *why)
{
	for (size_t i = 0; i < sign->n_items; i++) {
		struct sign_item *item = &sign->items[i];

		if (item->finished || item->certificate || item->error.kind)
			continue;
		item->rule = NULL;
		error_set(&item->error, why->kind, "%s", why->message);
	}
}

static bool sign_all(struct sign *sign, struct sign_output *output,
	struct report *report, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	interrupt_watch();
	if (!recover(sign, &why) ||
		!sign_issue(sign, sign_output_accept, output, &why))
		fail_rest(sign, &why);
	/* what was signed before a failure is written all the same */
	if (!sign->dry_run && !sign_output_write(output, err))
		return false;
	return summarize(sign, report, err);
}

static bool answer(const struct command_call *call, struct sign *sign,
	struct sign_output *output, struct error *err)
{
	bool to_stderr = product_is_stream(output->out) && !sign->dry_run;
	AUTO_FREE(report)
	report = context_report(call, sign_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT,
		to_stderr ? stderr : stdout);

	if (sign->dry_run)
		report_member(report, "dryRun", document_new_boolean(true));
	return report_close(report, sign_all(sign, output, report, err), err);
}

static bool sign_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(permit) permit = {NULL, 0};
	AUTO_RELEASE(sign)
	sign = {.profile = settings->profile,
		.user = settings->user,
		.groups = &settings->groups,
		.reissue = settings->reissue,
		.deny = settings->deny,
		.dry_run = settings->dry_run,
		.clock_back = settings->allow_clock_back};
	AUTO_RELEASE(sign_output)
	output = {.sign = &sign,
		.out = settings->out,
		.bundle = settings->bundle,
		.dir = -1};

	if (!check_usage(call, settings, err) ||
		!check_profile(settings, err) || !check_user(settings, err) ||
		!permit_read(&settings->permit_dns, &settings->permit_ip,
			&permit, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA |
				(settings->dry_run ? NEEDS_LEDGER
						   : NEEDS_LEDGER_WRITE),
			&context, err) ||
		!context_check_out(context, settings->out, err))
		return false;
	sign.context = context;
	sign.permitted = permit.items;
	sign.n_permitted = permit.n_items;
	if (!read_nodes(settings, context, &inventory, err) ||
		!choose_lifetime(call, settings, &sign, err) ||
		!choose_layout(settings, context, &output, err))
		return false;
	sign.inventory = inventory;
	for (size_t i = 0; i < call->n_operands; i++)
		if (!sign_read(&sign, call->operands[i], err))
			return false;
	return sign_output_open(&output, err) &&
	       answer(call, &sign, &output, err);
}

const struct command command_sign = {
	.name = "sign",
	.summary = "sign requests of nodes, and of Kubernetes, under a policy",
	.operands = "FILE...",
	.reads_operands = true,
	.least = 1,
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "SignReport",
	.options = sign_options,
	.settings_size = sizeof(S),
	.run = sign_run,
};
