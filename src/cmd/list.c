/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/token_make.h"
#include "kube/profile.h"

struct list_settings {
	const char *node;
	const char *profile;
	bool live;
	bool all;
	const char *expiring;
	bool csv;
	bool tokens;
};

#define S struct list_settings
static const struct option_spec list_options[] = {
	OPTION_TEXT(S, node, "node", "NODE", "only this node's"),
	OPTION_TEXT(S, profile, "profile", "PROFILE", "only of this profile"),
	OPTION_FLAG(S, live, "live",
		"only what is live: neither superseded nor expired"),
	OPTION_FLAG(S, all, "all", "everything ever issued, as when not told"),
	OPTION_TEXT(S, expiring, "expiring", "DUR",
		"what expires within DUR or has expired; exits 5 if any does"),
	OPTION_FLAG(S, csv, "csv", "comma-separated values"),
	OPTION_FLAG(S, tokens, "tokens", "tokens, and not certificates"),
	OPTION_END,
};

static const struct report_column list_columns[] = {
	{"status", "STATUS", 10},
	{"profile", "PROFILE", 29},
	{"node", "NODE", 20},
	{"serial", "SERIAL", 40},
	{"notAfter", "EXPIRES", 20},
	{"notBefore", NULL, 0},
	{"subject", NULL, 0},
	{"dnsNames", NULL, 0},
	{"ipAddresses", NULL, 0},
	{"fingerprint", NULL, 0},
	{"pin", NULL, 0},
	{"pending", "PENDING", 7},
	{"lost", NULL, 0},
	{NULL, NULL, 0},
};

static const struct report_column token_list_columns[] = {
	{"status", "STATUS", 10},
	{"id", "ID", 6},
	{"node", "NODE", 20},
	{"expires", "EXPIRES", 20},
	{"groups", "GROUPS", 6},
	{"type", NULL, 0},
	{"created", NULL, 0},
	{"pending", "PENDING", 7},
	{"lost", NULL, 0},
	{NULL, NULL, 0},
};

struct listing {
	struct report *report;
	struct instant expires_by; /* with --expiring */
	bool expiring;
	size_t n_live, n_lapsed; /* rows */
};

static struct document *names_of(
	const struct certificate *certificate, enum alt_name_kind kind)
{
	struct document *list = document_new_list();

	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (certificate->alt_names[i].kind == kind)
			document_append(
				list, document_new_text(
					      certificate->alt_names[i].text));
	return list;
}

static void put_certificate(
	struct document *row, const struct certificate *certificate)
{
	AUTO_TEXT serial =
		hex_of(certificate->serial.bytes, certificate->serial.len);
	AUTO_TEXT fingerprint =
		hex_of(certificate->fingerprint.bytes, SHA256_LEN);
	char pin[PIN_TEXT];

	document_put_text(row, "serial", serial);
	document_put_text(row, "subject", certificate->subject_text);
	document_put(row, "dnsNames", names_of(certificate, ALT_NAME_DNS));
	document_put(row, "ipAddresses", names_of(certificate, ALT_NAME_IP));
	document_put_instant(row, "notBefore", certificate->not_before);
	document_put_instant(row, "notAfter", certificate->not_after);
	document_put_text(row, "fingerprint", fingerprint);
	document_put_text(row, "pin", sha256_pin(&certificate->pin, pin));
}

static void put_row(struct listing *listing, const struct ledger_row *row,
	struct document *map)
{
	document_put_text(map, "status", row->status);
	if (row->pending)
		document_put_boolean(map, "pending", true);
	if (row->lost)
		document_put_boolean(map, "lost", true);
	report_row(listing->report, map);
	if (strcmp(row->status, "expired") == 0)
		listing->n_lapsed++;
	else
		listing->n_live++;
}

static bool is_later(
	const struct listing *listing, const struct ledger_row *row)
{
	return listing->expiring &&
	       row->not_after.seconds > listing->expires_by.seconds;
}

static bool list_token(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct listing *listing = data;
	AUTO_TEXT id =
		memory_text_n((const char *)row->serial.bytes, row->serial.len);
	struct document *map;

	(void)err;
	if (is_later(listing, row))
		return true;
	map = document_new_map();
	document_put_text(map, "id", id);
	document_put_text(map, "type", row->profile);
	if (*row->name)
		document_put_text(map, "node", row->name);
	document_put(map, "groups", token_groups(row->detail));
	document_put_instant(map, "created", row->not_before);
	if (row->not_after.seconds < LEDGER_NEVER.seconds)
		document_put_instant(map, "expires", row->not_after);
	put_row(listing, row, map);
	return true;
}

static bool list_certificate(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct listing *listing = data;
	AUTO_FREE(certificate) certificate = NULL;
	struct document *map;

	if (is_later(listing, row))
		return true;
	if (!certificate_read(row->body, &certificate, err))
		return error_context(
			err, "ledger event %lld", (long long)row->event);
	map = document_new_map();
	document_put_text(map, "profile", row->profile);
	if (row->name && *row->name)
		document_put_text(map, "node", row->name);
	put_certificate(map, certificate);
	put_row(listing, row, map);
	return true;
}

/* The findings of --expiring. */
static bool require_none(
	const struct listing *listing, bool tokens, struct error *err)
{
	AUTO_RELEASE(buffer) found = BUFFER_INIT;
	char by[INSTANT_TEXT];

	if (listing->n_lapsed)
		buffer_format(&found, "%zu certificate%s expired",
			listing->n_lapsed,
			listing->n_lapsed == 1 ? " has" : "s have");
	if (listing->n_live)
		buffer_format(&found, "%s%zu live %s%s by %s",
			found.len ? ", " : "", listing->n_live,
			tokens ? "token" : "certificate",
			listing->n_live == 1 ? " expires" : "s expire",
			instant_format(listing->expires_by, by));
	return !found.len || error_set(err, ERROR_FINDINGS, "%s", found.data);
}

static bool list_ledger(struct context *context,
	const struct ledger_filter *filter, struct listing *listing,
	struct error *err)
{
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = ledger_each(context->ledger, filter,
		filter->tokens ? list_token : list_certificate, listing, err);
	ledger_unlock(context->ledger);
	return done && (!listing->expiring ||
			       require_none(listing, filter->tokens, err));
}

static bool check_profile(const char *name, struct error *err)
{
	AUTO_RELEASE(buffer) names = BUFFER_INIT;

	if (!name || profile_find(name))
		return true;
	for (const struct profile *profile = profiles; profile->name; profile++)
		buffer_format(
			&names, "%s%s", names.len ? "|" : "", profile->name);
	return error_set(err, ERROR_USAGE, "--profile \"%s\": not one of %s",
		name, names.data);
}

static bool fill_filter(const struct command_call *call, const S *settings,
	struct ledger_filter *filter, struct listing *listing,
	struct error *err)
{
	int64_t span = 0;

	if (settings->live && settings->all)
		return error_set(err, ERROR_USAGE,
			"--live and --all exclude each other");
	if (settings->csv && call->shared->json)
		return error_set(err, ERROR_USAGE,
			"--csv and --json exclude each other");
	if (settings->tokens && settings->profile)
		return error_set(err, ERROR_USAGE,
			"--tokens and --profile exclude each other");
	if (!check_profile(settings->profile, err))
		return false;
	if (!context_at(call, &filter->at, err))
		return false;
	filter->name = settings->node;
	filter->profile = settings->profile;
	filter->tokens = settings->tokens;
	filter->live_only = settings->live || settings->expiring;
	filter->lapsed =
		settings->expiring && !settings->live && !settings->tokens;
	listing->expiring = settings->expiring != NULL;
	if (!settings->expiring)
		return true;
	if (!span_parse(settings->expiring, &span, err)) {
		err->kind = ERROR_USAGE;
		return error_context(err, "--expiring");
	}
	listing->expires_by = instant_add(filter->at, span);
	return true;
}

static bool list_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	struct ledger_filter filter = {0};
	struct listing listing = {0};

	if (!fill_filter(call, settings, &filter, &listing, err) ||
		!context_open(call, NEEDS_LEDGER, &context, err))
		return false;
	report = context_report_of(call,
		settings->tokens ? "TokenList" : call->command->report_kind,
		settings->tokens ? token_list_columns : list_columns,
		settings->csv ? REPORT_CSV : REPORT_TEXT, stdout);
	listing.report = report;
	return report_close(
		report, list_ledger(context, &filter, &listing, err), err);
}

const struct command command_list = {
	.name = "list",
	.summary = "show what was issued, to whom, and until when",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_AT,
	.report_kind = "CertificateList",
	.options = list_options,
	.settings_size = sizeof(S),
	.run = list_run,
};
