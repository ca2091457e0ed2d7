/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/options.h"
#include "cmd/product.h"
#include "kube/expel.h"
#include "kube/profile.h"
#include "pki/crl.h"
#include "pki/ledger_revoke.h"
#include "pki/recovery.h"

#define BOOTSTRAP_TOKEN "bootstrap-token"

struct revoke_settings {
	const char *reason;
	const char *out;
	bool allow_clock_back;
};

#define S struct revoke_settings
static const struct option_spec revoke_options[] = {
	OPTION_TEXT(S, reason, "reason", "REASON",
		"why: unspecified, keyCompromise, affiliationChanged, "
		"superseded, cessationOfOperation or privilegeWithdrawn",
		.preset = "unspecified"),
	OPTION_TEXT(S, out, "out", "FILE",
		"write the kubectl commands that take effect in the cluster; "
		"- is standard output",
		.value = OPTION_VALUE_FILE),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

static const struct report_column revoke_columns[] = {
	{"status", "STATUS", 9},
	{"profile", "PROFILE", 15},
	{"node", "NODE", 20},
	{"serial", "SERIAL", 40},
	{"notAfter", "ACCEPTED UNTIL", 20},
	{NULL, NULL, 0},
};

/* A certificate or token that is to go. */
struct target {
	int64_t event;
	char *profile, *name, *id; /* the serial in hex, or a token's id */
	bool is_token;
	bool revoked; /* it was before */
	struct instant not_after;
	struct certificate *certificate; /* unless it is a token */
};

struct revocation {
	struct context *context;
	const char *operand;
	struct target *targets;
	size_t n_targets, allocated;
	size_t n_matches; /* of operands with targets, some there before */
};

static void revocation_release(struct revocation *revocation)
{
	for (size_t i = 0; i < revocation->n_targets; i++) {
		struct target *target = &revocation->targets[i];

		free(target->profile);
		free(target->name);
		free(target->id);
		certificate_free(target->certificate);
	}
	free(revocation->targets);
}
DEFINE_AUTO_RELEASE(revocation)

/* -- finding -- */

static bool has_target(const struct revocation *revocation, int64_t event)
{
	for (size_t i = 0; i < revocation->n_targets; i++)
		if (revocation->targets[i].event == event)
			return true;
	return false;
}

static struct target target_of(const struct ledger_row *row)
{
	return (struct target){.event = row->event,
		.profile = memory_text(row->profile),
		.name = memory_text(row->name),
		.revoked = !strcmp(row->status, "revoked"),
		.not_after = row->not_after};
}

static void append(struct revocation *revocation, struct target target)
{
	revocation->targets = memory_grow(revocation->targets,
		&revocation->allocated, revocation->n_targets + 1,
		sizeof(*revocation->targets));
	revocation->targets[revocation->n_targets++] = target;
}

static bool add_certificate(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct revocation *revocation = data;
	const struct profile *profile = profile_find(row->profile);
	AUTO_FREE(certificate) certificate = NULL;
	struct target target;

	if (!strcmp(row->status, "withdrawn"))
		return true;
	revocation->n_matches++;
	if (has_target(revocation, row->event))
		return true;
	if (!profile || profile_is_authority(profile))
		return error_set(err, ERROR_REFUSED,
			"\"%s\": is a CA's own certificate, which no list that "
			"it signs itself can take back",
			revocation->operand);
	if (!certificate_read(row->body, &certificate, err))
		return error_context(
			err, "ledger: entry %lld", (long long)row->event);
	target = target_of(row);
	target.id = hex_of(row->serial.bytes, row->serial.len);
	target.certificate = take(&certificate);
	append(revocation, target);
	return true;
}

/* Of a name: what is valid, and what was revoked already. */
static bool add_valid(
	void *data, const struct ledger_row *row, struct error *err)
{
	return !strcmp(row->status, "expired") ||
	       add_certificate(data, row, err);
}

static bool add_token(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct revocation *revocation = data;
	struct target target;

	(void)err;
	if (!strcmp(row->status, "expired") ||
		!strcmp(row->status, "withdrawn"))
		return true;
	revocation->n_matches++;
	if (has_target(revocation, row->event))
		return true;
	target = target_of(row);
	target.is_token = true;
	target.id =
		memory_text_n((const char *)row->serial.bytes, row->serial.len);
	append(revocation, target);
	return true;
}

static int nibble_of(char digit)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = strchr(digits, digit);

	if (!found)
		return -1;
	return (int)(found - digits) - (found - digits > 15 ? 6 : 0);
}

/* "0a:1B" and the like, from the back to the front: the octets end at the end
 * of the array, without zeros in front.  False for what is no serial. */
static bool parse_serial(const char *text,
	unsigned char octets[static SERIAL_MAX], struct der *ret_serial)
{
	size_t n = 0;

	memset(octets, 0, SERIAL_MAX);
	for (size_t i = strlen(text); i > 0; i--) {
		int nibble = nibble_of(text[i - 1]);

		if (text[i - 1] == ':')
			continue;
		if (nibble < 0 || (n == (size_t)2 * SERIAL_MAX && nibble > 0))
			return false;
		if (n == (size_t)2 * SERIAL_MAX)
			continue;
		octets[SERIAL_MAX - 1 - n / 2] |=
			(unsigned char)(nibble << 4 * (n % 2));
		n++;
	}
	*ret_serial = (struct der){octets, SERIAL_MAX};
	while (ret_serial->len > 0 && *ret_serial->bytes == 0) {
		ret_serial->bytes++;
		ret_serial->len--;
	}
	return ret_serial->len > 0;
}

/* What has expired and is nobody's predecessor still has the name. */
static bool find_named(
	struct revocation *revocation, const char *name, struct error *err)
{
	struct ledger *ledger = revocation->context->ledger;
	struct ledger_filter filter = {
		.name = name, .at = revocation->context->now};

	if (!ledger_each(ledger, &filter, add_valid, revocation, err))
		return false;
	filter.live_only = filter.lapsed = true;
	if (!ledger_each(ledger, &filter, add_certificate, revocation, err))
		return false;
	filter.live_only = filter.lapsed = false;
	filter.tokens = true;
	return ledger_each(ledger, &filter, add_token, revocation, err);
}

static bool find_operand(
	struct revocation *revocation, const char *operand, struct error *err)
{
	size_t before = revocation->n_matches, found;
	unsigned char octets[SERIAL_MAX];
	struct der serial;

	revocation->operand = operand;
	if (parse_serial(operand, octets, &serial) &&
		!ledger_each_serial(revocation->context->ledger, serial,
			revocation->context->now, add_certificate, revocation,
			err))
		return false;
	found = revocation->n_matches;
	if (*operand && !find_named(revocation, operand, err))
		return false;
	if (found > before && revocation->n_matches > found)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": is a serial number and a name: write colons "
			"into the serial number, or say another",
			operand);
	return revocation->n_matches > before ||
	       error_set(err, ERROR_INPUT,
		       "\"%s\": the ledger has no certificate of this serial "
		       "number, and of this name nothing that counts",
		       operand);
}

/* -- revoking -- */

static bool record(struct revocation *revocation, const char *reason,
	bool clock_back, const struct command_call *call, struct error *err)
{
	struct ledger *ledger = revocation->context->ledger;

	if (!ledger_begin(ledger, instant_now(), clock_back, err))
		return false;
	for (size_t i = 0; i < call->n_operands; i++)
		if (!find_operand(revocation, call->operands[i], err))
			return false;
	for (size_t i = 0; i < revocation->n_targets; i++)
		if (!revocation->targets[i].revoked &&
			!ledger_revoke(ledger, revocation->targets[i].event,
				reason, err))
			return false;
	return ledger_commit(ledger, err);
}

static bool recover(const struct command_call *call, struct context *context,
	struct error *err)
{
	const S *settings = call->settings;
	struct release_settings release = {
		.lock_timeout = context->lock_timeout,
		.clock_back = settings->allow_clock_back,
		.warn = context_warn};

	return recovery_run(context->ledger, &release, err);
}

static bool revoke_all(const struct command_call *call,
	struct revocation *revocation, struct error *err)
{
	const S *settings = call->settings;
	struct context *context = revocation->context;
	bool done;

	if (!recover(call, context, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
			context->lock_timeout, err))
		return false;
	done = record(revocation,
		settings->reason ? settings->reason : "unspecified",
		settings->allow_clock_back, call, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- what takes effect -- */

static struct instant latest_of(
	const struct revocation *revocation, const struct target *target)
{
	struct instant latest = target->not_after;

	for (size_t i = 0; i < revocation->n_targets; i++) {
		const struct target *other = &revocation->targets[i];

		if (!other->is_token && !strcmp(other->name, target->name) &&
			other->not_after.seconds > latest.seconds)
			latest = other->not_after;
	}
	return latest;
}

static bool is_of_node(const struct target *target)
{
	const struct profile *profile = profile_find(target->profile);

	return profile->for_node && !strcmp(profile->issuer, "ca");
}

/* Are both the same object in the cluster? */
static bool is_same(const struct target *a, const struct target *b)
{
	return !a->is_token && !b->is_token && !strcmp(a->name, b->name) &&
	       (!strcmp(a->profile, b->profile) ||
		       (is_of_node(a) && is_of_node(b)));
}

static bool is_said(const struct revocation *revocation, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_same(&revocation->targets[i], &revocation->targets[n]))
			return true;
	return false;
}

static bool expel(const struct revocation *revocation, size_t i,
	struct buffer *text, struct error *err)
{
	const struct target *target = &revocation->targets[i];
	const struct profile *profile = profile_find(target->profile);
	struct instant until = latest_of(revocation, target);

	if (target->is_token && !strcmp(target->profile, BOOTSTRAP_TOKEN))
		expel_bootstrap_token(target->id, text);
	else if (target->is_token)
		expel_static_token(target->id, text);
	else if (is_said(revocation, i))
		return true;
	else if (profile->for_user && !profile->is_ca)
		return expel_user(target->certificate, text, err);
	else if (is_of_node(target))
		expel_node(target->name, until, text);
	else
		expel_other(target->profile, target->name, until, text);
	return true;
}

static bool write_commands(const struct command_call *call,
	const struct revocation *revocation, struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	bool fresh;

	for (size_t i = 0; i < revocation->n_targets; i++)
		if (!expel(revocation, i, &text, err))
			return false;
	return product_is_stream(settings->out)
		       ? product_print(&text, err)
		       : product_save(settings->out, &text, &fresh, err);
}

/* -- the report -- */

static void report_target(struct report *report, const struct target *target)
{
	struct document *row = document_new_map();

	document_put_text(
		row, "status", target->revoked ? "unchanged" : "revoked");
	document_put_text(row, "profile", target->profile);
	if (*target->name)
		document_put_text(row, "node", target->name);
	document_put_text(row, "serial", target->id);
	if (target->not_after.seconds < LEDGER_NEVER.seconds)
		document_put_instant(row, "notAfter", target->not_after);
	report_row(report, row);
}

static bool answer(const struct command_call *call,
	const struct revocation *revocation, struct report *report,
	struct error *err)
{
	const S *settings = call->settings;

	for (size_t i = 0; i < revocation->n_targets; i++)
		report_target(report, &revocation->targets[i]);
	if (settings->out)
		return write_commands(call, revocation, err);
	note(call->shared->quiet,
		"kube-apiserver reads no revocation list: --out writes what "
		"takes effect");
	return true;
}

static bool check_reason(const S *settings, struct error *err)
{
	return !settings->reason || crl_reason(settings->reason) >= 0 ||
	       error_set(err, ERROR_USAGE,
		       "--reason \"%s\": not unspecified, keyCompromise, "
		       "affiliationChanged, superseded, cessationOfOperation "
		       "or privilegeWithdrawn",
		       settings->reason);
}

static bool revoke_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	AUTO_RELEASE(revocation) revocation = {0};
	bool stream = settings->out && product_is_stream(settings->out);

	if (!check_reason(settings, err) ||
		(settings->out &&
			!product_check_usage(call, settings->out, err)) ||
		!context_open(call, NEEDS_LEDGER_WRITE, &context, err) ||
		!context_check_out(context, settings->out, err))
		return false;
	revocation.context = context;
	if (!revoke_all(call, &revocation, err))
		return false;
	report = context_report(call, revoke_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT,
		stream ? stderr : stdout);
	return report_close(
		report, answer(call, &revocation, report, err), err);
}

const struct command command_revoke = {
	.name = "revoke",
	.summary = "take back a certificate, or all that a node has",
	.operands = "SERIAL|NODE...",
	.least = 1,
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "RevokeReport",
	.options = revoke_options,
	.settings_size = sizeof(S),
	.run = revoke_run,
};
