/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/nodes.h"
#include "cmd/options.h"
#include "cmd/product.h"
#include "cmd/token_batch.h"
#include "cmd/token_one.h"
#include "pki/recovery.h"

struct token_settings {
	const char *ttl;
	const char *expires;
	const char *usage;
	struct text_list groups;
	const char *description;
	const char *format;
	const char *user;
	const char *uid;
	const char *out;
	struct text_list nodes;
	const char *inventory;
	bool reissue;
	bool no_expiry;
	bool yes;
	bool allow_clock_back;
};

#define S struct token_settings
static const struct option_spec token_options[] = {
	OPTION_TEXT(S, ttl, "ttl", "DUR", "how long the token is good",
		.preset = "24h"),
	OPTION_TEXT(
		S, expires, "expires", "TIME", "until when the token is good"),
	OPTION_TEXT(S, usage, "usage", "USAGE[,USAGE]",
		"authentication, signing, or both",
		.preset = "both; for nodes, authentication"),
	OPTION_LIST(
		S, groups, "group", "G", "another group of who has the token"),
	OPTION_TEXT(S, description, "description", "T",
		"what the token is for, in words"),
	OPTION_TEXT(S, format, "format", "manifest|csv|plain",
		"a Secret, a line of a static token file, or the token alone",
		.preset = "manifest", .value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, user, "user", "NAME", "with csv: who has the token",
		.preset = "kubelet-bootstrap"),
	OPTION_TEXT(S, uid, "uid", "UID", "with csv: that user's uid",
		.preset = "10001"),
	OPTION_TEXT(S, out, "out", "FILE|DIR",
		"where it goes; - is standard output",
		.preset = "-; for nodes, the directory tokens",
		.value = OPTION_VALUE_FILE),
	OPTION_LIST(S, nodes, "node", "NODE", "a token for this node alone"),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"a token for each node; - is standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_FLAG(S, reissue, "reissue",
		"with nodes: make another where groups or usages differ"),
	OPTION_FLAG(S, no_expiry, "no-expiry",
		"a token that never expires; needs --yes"),
	OPTION_FLAG(S, yes, "yes", "--no-expiry is meant"),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

static bool is_csv(const S *settings)
{
	return settings->format && !strcmp(settings->format, "csv");
}

static bool is_batch(const S *settings)
{
	return settings->nodes.n_items > 0 || settings->inventory;
}

static bool is_stream(const S *settings)
{
	return !is_batch(settings) && product_is_stream(settings->out);
}

static bool check_csv(const S *settings, struct error *err)
{
	if (!is_csv(settings))
		return settings->user || settings->uid
			       ? error_set(err, ERROR_USAGE,
					 "--user and --uid go with --format "
					 "csv")
			       : true;
	if (settings->ttl || settings->expires || settings->usage)
		return error_set(err, ERROR_USAGE,
			"--%s: a static token has no end and no usages",
			settings->ttl	    ? "ttl"
			: settings->expires ? "expires"
					    : "usage");
	if (settings->description)
		return error_set(err, ERROR_USAGE,
			"--description: a line of a token file has "
			"no room for it");
	if (!settings->no_expiry || !settings->yes)
		return error_set(err, ERROR_USAGE,
			"--format csv needs --no-expiry --yes: a "
			"static token never expires");
	return true;
}

static bool check_batch(const S *settings, struct error *err)
{
	if (!is_batch(settings))
		return settings->reissue ? error_set(err, ERROR_USAGE,
						   "--reissue goes with "
						   "--node or --inventory")
					 : true;
	if (settings->format && strcmp(settings->format, "manifest"))
		return error_set(err, ERROR_USAGE,
			"tokens for nodes are manifests: --format "
			"goes without --node and --inventory");
	if (settings->out && product_is_stream(settings->out))
		return error_set(err, ERROR_USAGE,
			"tokens for nodes go to a directory, not to "
			"standard output");
	return true;
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	if (!check_csv(settings, err) || !check_batch(settings, err))
		return false;
	if (settings->ttl && settings->expires)
		return error_set(err, ERROR_USAGE,
			"--ttl and --expires exclude each other");
	if (settings->yes && !settings->no_expiry)
		return error_set(
			err, ERROR_USAGE, "--yes goes with --no-expiry");
	if (settings->expires && settings->no_expiry)
		return error_set(err, ERROR_USAGE,
			"--expires and --no-expiry exclude each "
			"other");
	if (is_stream(settings) && call->shared->json)
		return error_set(err, ERROR_USAGE,
			"--json and a token on standard output: "
			"--out FILE keeps them apart");
	return true;
}

/* -- what is wanted -- */

static bool choose_end(const S *settings, struct instant now,
	struct token_wish *wish, struct error *err)
{
	int64_t span = SPAN_DAY;

	wish->expires = !settings->no_expiry;
	if (settings->ttl && strcmp(settings->ttl, "0") &&
		!span_parse(settings->ttl, &span, err))
		return context_blame(err, "--ttl");
	if (settings->ttl && !strcmp(settings->ttl, "0"))
		span = 0;
	if (settings->no_expiry && settings->ttl && span > 0)
		return error_set(err, ERROR_USAGE,
			"--ttl and --no-expiry exclude each other");
	if ((span == 0 || settings->no_expiry) &&
		!(settings->no_expiry && settings->yes))
		return error_set(err, ERROR_REFUSED,
			"a token that never expires lets whoever finds it in "
			"for ever: --no-expiry --yes says that it is meant");
	wish->expiry = instant_add(now, span);
	if (settings->expires &&
		!instant_parse(settings->expires, &wish->expiry, err))
		return context_blame(err, "--expires");
	if (wish->expires && wish->expiry.seconds <= now.seconds)
		return error_set(err, ERROR_USAGE,
			"--expires \"%s\": is over already", settings->expires);
	return true;
}

static bool choose_groups(
	const S *settings, struct token_wish *wish, struct error *err)
{
	static const char *bootstrappers[] = {TOKEN_BOOTSTRAPPERS};
	static const struct text_list preset = {bootstrappers, 1, 0};

	for (size_t i = 0; i < settings->groups.n_items; i++)
		if (!token_check_group(
			    wish->kind, settings->groups.items[i], err))
			return context_blame(err, "--group");
	wish->groups = &settings->groups;
	if (is_csv(settings) && settings->groups.n_items == 0)
		wish->groups = &preset;
	return true;
}

/* What only making a token shows, before anything is recorded. */
static bool try_wish(const struct token_wish *wish, struct error *err)
{
	AUTO_FREE(token) token = NULL;

	if (!token_new(wish->kind, &token, err))
		return false;
	if (wish->description &&
		!token_set_description(token, wish->description, err))
		return context_blame(err, "--description");
	if (wish->kind == TOKEN_STATIC &&
		!token_set_user(token, wish->user, wish->uid, err))
		return context_blame(err, "--format csv");
	for (size_t i = 0; i < wish->groups->n_items; i++)
		if (!token_add_group(token, wish->groups->items[i], err))
			return context_blame(err, "--group");
	return true;
}

static bool choose(const S *settings, struct instant now,
	struct token_wish *wish, struct error *err)
{
	wish->kind = is_csv(settings) ? TOKEN_STATIC : TOKEN_BOOTSTRAP;
	wish->format = is_csv(settings) ? TOKEN_CSV : TOKEN_MANIFEST;
	if (settings->format && !strcmp(settings->format, "plain"))
		wish->format = TOKEN_PLAIN;
	wish->usages = TOKEN_AUTHENTICATION;
	if (!is_batch(settings) && !is_csv(settings))
		wish->usages |= TOKEN_SIGNING;
	wish->description = settings->description;
	wish->user = settings->user ? settings->user : "kubelet-bootstrap";
	wish->uid = settings->uid ? settings->uid : "10001";
	if (settings->usage &&
		!token_parse_usages(settings->usage, &wish->usages, err))
		return context_blame(err, "--usage");
	return choose_end(settings, now, wish, err) &&
	       choose_groups(settings, wish, err) && try_wish(wish, err);
}

/* -- a token for each node -- */

static bool issue_to_nodes(const struct command_call *call,
	struct context *context, const struct token_wish *wish,
	const struct inventory *inventory, struct error *err)
{
	const S *settings = call->settings;
	const struct token_batch batch = {.context = context,
		.inventory = inventory,
		.wish = wish,
		.out = settings->out ? settings->out : "tokens",
		.reissue = settings->reissue,
		.clock_back = settings->allow_clock_back,
		.quiet = call->shared->quiet};
	AUTO_FREE(report) report = NULL;

	interrupt_watch();
	report = context_report(call, token_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(report, token_batch_run(&batch, report, err), err);
}

static bool recover(
	const S *settings, struct context *context, struct error *err)
{
	const struct release_settings release_settings = {
		.lock_timeout = context->lock_timeout,
		.clock_back = settings->allow_clock_back,
		.warn = context_warn};

	return recovery_run(context->ledger, &release_settings, err);
}

static bool token_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	const struct nodes_wanted nodes = {.inventory = settings->inventory,
		.names = settings->nodes.items,
		.n_names = settings->nodes.n_items};
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(inventory) inventory = NULL;
	struct token_wish wish = {0};
	struct token_one one = {.call = call,
		.wish = &wish,
		.clock_back = settings->allow_clock_back};

	if (!check_usage(call, settings, err) ||
		!choose(settings, instant_now(), &wish, err) ||
		!context_open(call, NEEDS_CLUSTER | NEEDS_LEDGER_WRITE,
			&context, err) ||
		!context_check_out(context,
			settings->out || !is_batch(settings) ? settings->out
							     : "tokens",
			err) ||
		(is_batch(settings) &&
			(!nodes_read(&nodes, &inventory, err) ||
				!nodes_check(context, inventory, err))) ||
		!recover(settings, context, err))
		return false;
	if (is_batch(settings))
		return issue_to_nodes(call, context, &wish, inventory, err);
	one.context = context;
	return is_stream(settings) ? token_one_print(&one, err)
				   : token_one_save(&one, settings->out, err);
}

const struct command command_token = {
	.name = "token",
	.summary = "make bootstrap tokens: one, or one for each node",
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "TokenReport",
	.options = token_options,
	.settings_size = sizeof(S),
	.run = token_run,
};
