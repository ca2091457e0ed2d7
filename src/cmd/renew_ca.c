/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <string.h>

#include "base/file.h"
#include "kube/renewal_note.h"
#include "pki/pem.h"
#include "pki/recovery.h"

#define CA_PRESET "10y"

static const struct report_column ca_columns[] = {
	{"status", "STATUS", 0},
	{"path", "PATH", 0},
	{"serials", "SERIAL", 0},
	{"notAfter", "EXPIRES", 0},
	{"pin", "PIN", 0},
	{NULL, NULL, 0},
};

static bool report_ca(const struct command_call *call, const char *status,
	const struct certificate *ca, struct error *err)
{
	AUTO_TEXT dir = context_directory(call);
	AUTO_TEXT path = memory_format("%s/" CA_CERTIFICATE, dir);
	AUTO_TEXT serial = hex_of(ca->serial.bytes, ca->serial.len);
	AUTO_FREE(report) report = NULL;
	struct document *row = document_new_map();
	char pin[PIN_TEXT];

	document_put_text(row, "status", status);
	document_put_text(row, "path", path);
	document_append(document_put(row, "serials", document_new_list()),
		document_new_text(serial));
	document_put_instant(row, "notAfter", ca->not_after);
	document_put_text(row, "pin", sha256_pin(&ca->pin, pin));
	report = context_report(call, ca_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_RECORD, stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

/* In the place of ca.crt, together with its row in the ledger. */
struct change {
	struct context *context;
	struct release *release;
	struct ledger_issue issue;
	struct release_item item;
};

static void change_release(struct change *change)
{
	release_free(change->release);
	error_release(&change->item.error);
}
DEFINE_AUTO_RELEASE(change)

static bool find_old(struct change *change, struct error *err)
{
	struct context *context = change->context;
	struct ledger_row row;
	bool found = false;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	if (!ledger_live(context->ledger, context->ca_number, "ca", "",
		    (struct instant){0}, &row, &found, err))
		return false;
	change->issue.supersedes = found ? row.event : 0;
	ledger_unlock(context->ledger);
	return true;
}

static bool stage(
	struct change *change, const struct certificate *ca, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct file_part part;

	pem_write(&text, "CERTIFICATE", ca->whole);
	part = (struct file_part){text.data, text.len, NULL};
	change->issue.ca = change->context->ca_number;
	change->issue.profile = "ca";
	change->issue.name = "";
	change->issue.serial = ca->serial;
	change->issue.not_before = ca->not_before;
	change->issue.not_after = ca->not_after;
	change->issue.body = ca->whole;
	change->item = (struct release_item){.name = CA_CERTIFICATE,
		.staged = CA_CERTIFICATE,
		.target = CA_CERTIFICATE,
		.witness = "",
		.replace = true,
		.issues = &change->issue,
		.n_issues = 1};
	return sha256_of(text.data, text.len, &change->item.hash, err) &&
	       file_create(release_directory(change->release, 0),
		       CA_CERTIFICATE, 0644, &part, 1, err);
}

static bool publish(struct change *change, const struct certificate *ca,
	bool clock_back, struct error *err)
{
	struct context *context = change->context;
	const struct release_settings settings = {
		.lock_timeout = context->lock_timeout,
		.clock_back = clock_back,
		.n_workers = 1,
		.warn = context_warn};

	if (!recovery_run(context->ledger, &settings, err) ||
		!find_old(change, err) ||
		!release_open(context->ledger, context->path, &settings,
			&change->release, err) ||
		!stage(change, ca, err) ||
		!release_commit(change->release, &change->item, 1, err))
		return false;
	if (change->item.error.kind) {
		error_move(err, &change->item.error);
		return false;
	}
	return release_close(change->release, err);
}

static bool write_note(
	const struct context *context, const char *path, struct error *err)
{
	const struct renew renew = {.out = path};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_CLOSE out = -1;

	renewal_note_ca(context->cluster->layout,
		authority_certificate(context->ca)->not_after, &text);
	return directory_ensure(path, &out, err) &&
	       renew_write_note(&renew, out, "ca", &text, err);
}

static bool choose_end(const char *validity, struct instant now,
	struct instant *ret_end, struct error *err)
{
	return instant_parse_or_span(
		       validity ? validity : CA_PRESET, now, ret_end, err) ||
	       context_blame(err, "--validity");
}

bool renew_ca(const struct command_call *call, const char *out,
	const char *validity, bool plan, bool clock_back, struct error *err)
{
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(certificate) ca = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(change) change = {0};
	struct instant end;

	if (!context_open(call,
		    NEEDS_CLUSTER | NEEDS_CA |
			    (plan ? NEEDS_LEDGER : NEEDS_LEDGER_WRITE),
		    &context, err) ||
		!context_check_out(context, out, err) ||
		!choose_end(validity, context->now, &end, err) ||
		!authority_renew(context->ca, end, &der, err) ||
		!certificate_read(der_of(&der), &ca, err))
		return false;
	change.context = context;
	if (plan)
		return report_ca(call, "planned", ca, err);
	return (!out || write_note(context, out, err)) &&
	       publish(&change, ca, clock_back, err) &&
	       report_ca(call, "issued", ca, err);
}
