/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/kubeconfig_issue.h"
#include "cmd/options.h"
#include "cmd/product.h"
#include "kube/policy.h"
#include "kube/rbac.h"

struct kubeconfig_settings {
	const char *profile;
	struct text_list groups;
	bool break_glass;
	const char *print_rbac;
	const char *server;
	const char *out;
	const char *key_type;
	const char *validity;
	bool reissue;
	bool allow_clock_back;
};

#define S struct kubeconfig_settings
static const struct option_spec kubeconfig_options[] = {
	OPTION_TEXT(S, profile, "profile", "P",
		"user, admin, kube-proxy, controller-manager or scheduler",
		.preset = "user"),
	OPTION_LIST(S, groups, "group", "G", "a group of the user"),
	OPTION_FLAG(S, break_glass, "break-glass",
		"a member of system:masters, for an emergency"),
	OPTION_TEXT(S, print_rbac, "print-rbac", "ROLE",
		"also print what gives the groups, or the user, this "
		"ClusterRole"),
	OPTION_TEXT(S, server, "server", "URL",
		"the API server as it is reached, https://HOST[:PORT]",
		.preset = "from the cluster file"),
	OPTION_TEXT(S, out, "out", "FILE", "where it goes",
		.preset = "NAME.kubeconfig, or NAME-PROFILE.kubeconfig",
		.value = OPTION_VALUE_FILE),
	OPTION_KEY_TYPE(S),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, the certificate is valid",
		.preset = "from the cluster file; with --break-glass 8h"),
	OPTION_FLAG(S, reissue, "reissue",
		"issue anew although a live one is there, or differs"),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

#define BREAK_GLASS_VALIDITY (8 * SPAN_HOUR)

/* What --profile may say, and the row that it means. */
static const struct {
	const char *word, *profile;
} kinds[] = {
	{"user", "kube-apiserver-client"},
	{"admin", "kube-apiserver-admin"},
	{"kube-proxy", "kube-proxy"},
	{"controller-manager", "controller-manager"},
	{"scheduler", "scheduler"},
};

/* NULL: --profile says something else. */
static const struct profile *profile_of(const S *settings)
{
	const char *word = settings->profile ? settings->profile : "user";

	if (settings->break_glass)
		return profile_find("break-glass");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].word, word))
			return profile_find(kinds[i].profile);
	return NULL;
}

static bool check_usage(const struct command_call *call, const S *settings,
	const struct profile *profile, struct error *err)
{
	if (!profile)
		return error_set(err, ERROR_USAGE,
			"--profile \"%s\": not user, admin, kube-proxy, "
			"controller-manager or scheduler",
			settings->profile);
	if (settings->break_glass && settings->profile)
		return error_set(err, ERROR_USAGE,
			"--break-glass and --profile exclude each "
			"other");
	if (settings->break_glass && settings->groups.n_items)
		return error_set(err, ERROR_USAGE,
			"--break-glass and --group exclude each "
			"other: system:masters may do everything");
	if (!profile->for_user && settings->groups.n_items)
		return error_set(err, ERROR_USAGE, "--group goes with a user");
	if (settings->print_rbac && !profile->for_user)
		return error_set(err, ERROR_USAGE,
			"--print-rbac goes with a user: "
			"kube-apiserver binds its own components");
	if (settings->print_rbac && settings->break_glass)
		return error_set(err, ERROR_USAGE,
			"--print-rbac and --break-glass exclude each "
			"other: no binding counts for "
			"system:masters");
	if (settings->print_rbac && call->shared->json)
		return error_set(err, ERROR_USAGE,
			"--json and --print-rbac both want standard "
			"output");
	if (settings->out && !strcmp(settings->out, "-"))
		return error_set(err, ERROR_USAGE,
			"--out -: a private key goes to a file, and "
			"not to standard output");
	return settings->out || !strchr(call->operands[0], '/') ||
	       error_set(err, ERROR_USAGE,
		       "NAME has a \"/\": --out says where it goes");
}

static bool check_user(
	const char *name, const struct text_list *groups, struct error *err)
{
	AUTO_RELEASE(buffer) encoded = BUFFER_INIT;

	if (!certificate_name(NULL, 0, name, &encoded, err) ||
		!policy_check_user("user", name, err))
		return false;
	if (!certificate_name(
		    groups->items, groups->n_items, name, &encoded, err))
		return context_blame(err, "--group");
	for (size_t i = 0; i < groups->n_items; i++) {
		if (!policy_check_user("group", groups->items[i], err))
			return false;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(groups->items[k], groups->items[i]))
				return error_set(err, ERROR_USAGE,
					"--group \"%s\": given twice",
					groups->items[i]);
	}
	return true;
}

static bool check_name(const char *name, const S *settings,
	const struct profile *profile, struct error *err)
{
	if (profile->for_user)
		return check_user(name, &settings->groups, err);
	return node_name_check(name, err);
}

static bool choose(const struct command_call *call,
	struct kubeconfig_order *order, struct error *err)
{
	const S *settings = call->settings;
	struct context *context = order->context;
	int64_t preset = settings->break_glass ? BREAK_GLASS_VALIDITY
					       : context->cluster->validity;
	char until[INSTANT_TEXT];
	bool clamped = false;

	order->key_type = context->cluster->key_type;
	if (settings->key_type &&
		!key_type_parse(settings->key_type, &order->key_type, err))
		return context_blame(err, "--key-type");
	if (!profile_lifetime(authority_certificate(context->ca),
		    settings->validity, preset, context->now, &order->lifetime,
		    &clamped, err))
		return context_blame(err, "--validity");
	if (clamped)
		note(call->shared->quiet,
			"the certificate ends with the CA, %s",
			instant_format(order->lifetime.not_after, until));
	if (!settings->server)
		return cluster_require_server(
			context->cluster, context->cluster_path, err);
	return cluster_set(context->cluster, "server", settings->server, err) ||
	       context_blame(err, "--server");
}

static bool write_rbac(const struct kubeconfig_order *order, const char *role,
	struct buffer *text, struct error *err)
{
	const char *const own[] = {order->profile->organization};
	const struct holder *holder = &order->holder;
	struct rbac_grant grant = {.role = role,
		.user = holder->user,
		.groups = holder->groups,
		.n_groups = holder->n_groups};

	if (!role)
		return true;
	if (!holder->n_groups && order->profile->organization) {
		grant.groups = own;
		grant.n_groups = ARRAY_SIZE(own);
	}
	return rbac_write_grant(&grant, text, err) ||
	       context_blame(err, "--print-rbac");
}

static bool issue(const struct command_call *call,
	const struct kubeconfig_order *order, struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(buffer) rbac = BUFFER_INIT;
	AUTO_FREE(report) report = NULL;

	if (!write_rbac(order, settings->print_rbac, &rbac, err))
		return false;
	report = context_report(call, kubeconfig_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT,
		settings->print_rbac ? stderr : stdout);
	return report_close(
		       report, kubeconfig_issue(order, report, err), err) &&
	       (!rbac.len || product_print(&rbac, err));
}

/* For free(). */
static char *default_out(const char *name, const S *settings)
{
	const char *kind =
		settings->break_glass ? "break-glass" : settings->profile;

	return kind && strcmp(kind, "user") != 0
		       ? memory_format("%s-%s.kubeconfig", name, kind)
		       : memory_format("%s.kubeconfig", name);
}

static bool kubeconfig_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	const char *name = call->operands[0];
	const struct profile *profile = profile_of(settings);
	AUTO_FREE(context) context = NULL;
	AUTO_TEXT out = settings->out ? memory_text(settings->out)
				      : default_out(name, settings);
	struct kubeconfig_order order = {.profile = profile,
		.name = name,
		.holder = {.user = name,
			.groups = settings->groups.items,
			.n_groups = settings->groups.n_items},
		.out = out,
		.reissue = settings->reissue,
		.clock_back = settings->allow_clock_back};

	if (!check_usage(call, settings, profile, err) ||
		!check_name(name, settings, profile, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE, &context,
			err) ||
		!context_check_out(context, out, err))
		return false;
	order.context = context;
	order.user = profile->for_user ? name : profile->common_name;
	return choose(call, &order, err) && issue(call, &order, err);
}

const struct command command_kubeconfig = {
	.name = "kubeconfig",
	.summary = "make a kubeconfig for a user, an admin or a component",
	.operands = "NAME",
	.least = 1,
	.most = 1,
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "KubeconfigReport",
	.options = kubeconfig_options,
	.settings_size = sizeof(S),
	.run = kubeconfig_run,
};
