/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/file.h"
#include "cmd/authorities.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/product.h"
#include "pki/crl.h"
#include "pki/ledger_history.h"
#include "pki/ledger_revoke.h"
#include "pki/pem.h"

#define CRL_LABEL "X509 CRL"
#define CRL_MAX ((size_t)64 << 20)

struct crl_settings {
	const char *ca;
	const char *out;
	const char *next_update;
	const char *format;
};

#define S struct crl_settings
static const struct option_spec crl_options[] = {
	OPTION_TEXT(S, ca, "ca", "ca|etcd-ca|front-proxy-ca",
		"of which authority", .preset = "ca",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, out, "out", "FILE",
		"where it goes; a list of this CA that is there is replaced",
		.preset = "standard output", .value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, next_update, "next-update", "DUR|TIME",
		"until when there will be another", .preset = "30d"),
	OPTION_TEXT(S, format, "format", "pem|der", "how it is written",
		.preset = "pem", .value = OPTION_VALUE_CHOICE),
	OPTION_END,
};

static const struct report_column crl_columns[] = {
	{"status", "STATUS", 0},
	{"path", "PATH", 0},
	{"number", "NUMBER", 0},
	{"entries", "ENTRIES", 0},
	{"thisUpdate", "THIS UPDATE", 0},
	{"nextUpdate", "NEXT UPDATE", 0},
	{NULL, NULL, 0},
};

/* -- what is in it -- */

struct listing {
	struct crl_entry *entries;
	size_t n_entries, allocated;
};

static void listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->n_entries; i++)
		free((void *)listing->entries[i].serial.bytes);
	free(listing->entries);
}
DEFINE_AUTO_RELEASE(listing)

static bool add(void *data, const struct ledger_revocation *revocation,
	struct error *err)
{
	struct listing *listing = data;
	unsigned char *serial = memory_new(1, revocation->serial.len + 1);
	int reason = crl_reason(revocation->reason);

	(void)err;
	memcpy(serial, revocation->serial.bytes, revocation->serial.len);
	listing->entries = memory_grow(listing->entries, &listing->allocated,
		listing->n_entries + 1, sizeof(*listing->entries));
	listing->entries[listing->n_entries++] = (struct crl_entry){
		.serial = {serial, revocation->serial.len},
		.at = revocation->at,
		.reason = reason < 0 ? 0 : reason,
	};
	return true;
}

/* Grows with time and with the ledger, and needs no place of its own to be
 * kept: seconds, then how many entries the ledger had. */
static uint64_t number_of(struct instant now, int64_t count)
{
	return (uint64_t)now.seconds << 32 | ((uint64_t)count & UINT32_MAX);
}

static bool read_ledger(struct context *context, struct listing *listing,
	struct crl_plan *plan, struct error *err)
{
	struct checkpoint tail;
	char now[INSTANT_TEXT], last[INSTANT_TEXT];

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	plan->this_update = instant_now();
	if (!ledger_checkpoint(context->ledger, &tail, err) ||
		!ledger_each_revoked(
			context->ledger, context->ca_number, add, listing, err))
		return false;
	ledger_unlock(context->ledger);
	if (plan->this_update.seconds < tail.at.seconds)
		return error_set(err, ERROR_REFUSED,
			"the clock says %s, the ledger's last entry is of %s: "
			"a list of before would lack what was revoked since",
			instant_format(plan->this_update, now),
			instant_format(tail.at, last));
	plan->entries = listing->entries;
	plan->n_entries = listing->n_entries;
	plan->number = number_of(plan->this_update, tail.count);
	return true;
}

static bool choose_next(
	const S *settings, struct crl_plan *plan, struct error *err)
{
	const char *next =
		settings->next_update ? settings->next_update : "30d";

	if (!instant_parse_or_span(
		    next, plan->this_update, &plan->next_update, err))
		return context_blame(err, "--next-update");
	if (plan->next_update.seconds <= plan->this_update.seconds)
		return error_set(err, ERROR_USAGE,
			"--next-update \"%s\": is past", next);
	return true;
}

/* -- where it goes -- */

static bool decode(
	const struct buffer *file, struct buffer *der, struct error *err)
{
	if (file->len > 0 && file->data[0] == DER_SEQUENCE) {
		buffer_add(der, file->data, file->len);
		return true;
	}
	return pem_read(file->data, file->len, CRL_LABEL, false, der, err);
}

/* Only an older list of the same authority gives way. */
static bool require_older(const struct context *context, int dir,
	const char *name, uint64_t number, struct error *err)
{
	AUTO_RELEASE(buffer) file = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	uint64_t there = 0;

	if (!file_exists(dir, name))
		return true;
	if (!file_read(dir, name, CRL_MAX, &file, err))
		return false;
	if (!decode(&file, &der, err) ||
		!crl_read(der_of(&der), authority_certificate(context->ca),
			&there, err)) {
		err->kind = ERROR_REFUSED;
		return error_context(err, "is there, and no list of this CA");
	}
	return there <= number ||
	       error_set(err, ERROR_REFUSED,
		       "the list that is there has number %" PRIu64
		       ", and this one %" PRIu64
		       ": the clock went back, or the ledger is an older copy",
		       there, number);
}

static bool replace(const struct context *context, const char *path,
	uint64_t number, const struct buffer *text, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_TEXT parent = NULL;
	AUTO_CLOSE dir = -1;
	const char *name;
	bool exists, held = false;

	if (!context_split_out(path, &parent, &name, err) ||
		!directory_open(AT_FDCWD, parent, &dir, err) ||
		!file_lock(dir, FILE_LOCK_EXCLUSIVE, context->lock_timeout,
			&held, err))
		return false;
	if (!held)
		return error_set(err, ERROR_FAILED,
			"\"%s\": somebody else has locked its directory", path);
	return (require_older(context, dir, name, number, err) &&
		       draft_open(dir, 0644, &draft, err) &&
		       file_write_parts(draft.fd, &part, 1, path, err) &&
		       draft_publish(&draft, name, true, &exists, err)) ||
	       error_context(err, "\"%s\"", path);
}

static bool report_list(const struct command_call *call,
	const struct crl_plan *plan, const char *path, struct error *err)
{
	struct document *row = document_new_map();
	AUTO_TEXT number = memory_format("%" PRIu64, plan->number);
	AUTO_FREE(report) report = NULL;

	document_put_text(row, "status", "issued");
	document_put_text(row, "path", path);
	document_put_text(row, "number", number);
	document_put(
		row, "entries", document_new_integer((int64_t)plan->n_entries));
	document_put_instant(row, "thisUpdate", plan->this_update);
	document_put_instant(row, "nextUpdate", plan->next_update);
	report = context_report(call, crl_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_RECORD, stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

static bool deliver(const struct command_call *call,
	const struct context *context, const struct crl_plan *plan,
	const struct buffer *der, struct error *err)
{
	const S *settings = call->settings;
	bool pem = !settings->format || !strcmp(settings->format, "pem");
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (pem)
		pem_write(&text, CRL_LABEL, der_of(der));
	else
		buffer_add(&text, der->data, der->len);
	if (product_is_stream(settings->out))
		return product_print(&text, err);
	return replace(context, settings->out, plan->number, &text, err) &&
	       report_list(call, plan, settings->out, err);
}

static bool crl_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(listing) listing = {0};
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	struct crl_plan plan = {0};
	enum control_authority which;

	return product_check_usage(call, settings->out, err) &&
	       context_open(call, NEEDS_CA | NEEDS_LEDGER, &context, err) &&
	       context_check_out(context, settings->out, err) &&
	       authorities_choose(context, settings->ca, &which, err) &&
	       read_ledger(context, &listing, &plan, err) &&
	       choose_next(settings, &plan, err) &&
	       crl_sign(context->ca, &plan, &der, err) &&
	       deliver(call, context, &plan, &der, err);
}

const struct command command_crl = {
	.name = "crl",
	.summary = "sign the list of the certificates that were revoked",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "CRLReport",
	.options = crl_options,
	.settings_size = sizeof(S),
	.run = crl_run,
};
