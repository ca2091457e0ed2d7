/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <string.h>

#include "base/file.h"
#include "cmd/authorities.h"
#include "kube/renewal_note.h"
#include "pki/pem.h"
#include "pki/recovery.h"

#define CA_PRESET "10y"

/* Which certificate it is, and where. */
struct subject {
	enum control_authority which;
	const char *directory; /* in the PKI directory, or "" */
	const char *name;
};
static const struct subject subjects[CONTROL_AUTHORITIES] = {
	[CONTROL_CA] = {CONTROL_CA, "", CA_CERTIFICATE},
	[CONTROL_FRONT_PROXY_CA] = {CONTROL_FRONT_PROXY_CA, "",
		FRONT_PROXY_CA_CERTIFICATE},
	[CONTROL_ETCD_CA] = {CONTROL_ETCD_CA, "/" ETCD_DIRECTORY,
		CA_CERTIFICATE},
};

static const struct report_column ca_columns[] = {
	{"status", "STATUS", 0},
	{"path", "PATH", 0},
	{"serials", "SERIAL", 0},
	{"notAfter", "EXPIRES", 0},
	{"pin", "PIN", 0},
	{NULL, NULL, 0},
};

static bool report_ca(const struct command_call *call,
	const struct subject *subject, const char *status,
	const struct certificate *ca, struct error *err)
{
	AUTO_TEXT dir = context_directory(call);
	AUTO_TEXT path = memory_format(
		"%s%s/%s", dir, subject->directory, subject->name);
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

/* In the place of the one before, together with its row in the ledger. */
struct change {
	struct context *context;
	const struct subject *subject;
	const struct certificate *ca; /* the new one */
	struct certificate *twins;    /* that somebody else made meanwhile */
	struct release *release;
	struct ledger_issue issue;
	struct release_item item;
};

static void change_release(struct change *change)
{
	release_free(change->release);
	certificate_free(change->twins);
	error_release(&change->item.error);
}
DEFINE_AUTO_RELEASE(change)

/* Who else is at it may have been faster, and its certificate may last longer
 * than this one would: then it stays. */
static bool look_at_live(struct change *change, struct ledger_row *row,
	struct error *err)
{
	const struct certificate *before =
		authority_certificate(change->context->ca);

	change->issue.supersedes = row->event;
	return der_equal(row->body, before->whole) ||
	       row->not_after.seconds < change->ca->not_after.seconds ||
	       certificate_read(row->body, &change->twins, err);
}

static bool find_old(struct change *change, struct error *err)
{
	struct context *context = change->context;
	struct ledger_row row;
	bool found = false, done;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = ledger_live(context->ledger, context->ca_number,
		       control_authority_name(change->subject->which), "",
		       (struct instant){0}, &row, &found, err) &&
	       (!found || look_at_live(change, &row, err));
	ledger_unlock(context->ledger);
	return done;
}

static bool stage(struct change *change, struct error *err)
{
	const struct certificate *ca = change->ca;
	const char *name = change->subject->name;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct file_part part;

	pem_write(&text, "CERTIFICATE", ca->whole);
	part = (struct file_part){text.data, text.len, NULL};
	change->issue.ca = change->context->ca_number;
	change->issue.profile = control_authority_name(change->subject->which);
	change->issue.name = "";
	change->issue.serial = ca->serial;
	change->issue.not_before = ca->not_before;
	change->issue.not_after = ca->not_after;
	change->issue.body = ca->whole;
	change->item = (struct release_item){.name = name,
		.staged = name,
		.target = name,
		.witness = "",
		.replace = true,
		.issues = &change->issue,
		.n_issues = 1};
	return sha256_of(text.data, text.len, &change->item.hash, err) &&
	       file_create(release_directory(change->release, 0), name, 0644,
		       &part, 1, err);
}

static bool publish(
	struct change *change, bool clock_back, bool *ret_raced,
	struct error *err)
{
	struct context *context = change->context;
	AUTO_TEXT place = memory_format(
		"%s%s", context->path, change->subject->directory);
	const struct release_settings settings = {
		.lock_timeout = context->lock_timeout,
		.clock_back = clock_back,
		.n_workers = 1,
		.warn = context_warn};

	*ret_raced = false;
	if (!recovery_run(context->ledger, &settings, err) ||
		!find_old(change, err))
		return false;
	if (change->twins)
		return true;
	if (!release_open(context->ledger, place, &settings, &change->release,
		    err) ||
		!stage(change, err) ||
		!release_commit(change->release, &change->item, 1, err))
		return false;
	*ret_raced = change->item.state == RELEASE_RACED;
	if (change->item.error.kind) {
		error_move(err, &change->item.error);
		return false;
	}
	return release_close(change->release, err);
}

/* Each time somebody else got on, so this ends. */
static bool publish_patiently(
	struct change *change, bool clock_back, struct error *err)
{
	bool raced = false;

	while (!publish(change, clock_back, &raced, err)) {
		if (!raced)
			return false;
		error_release(err);
		release_free(take(&change->release));
	}
	return true;
}

static bool write_note(const struct context *context,
	const struct subject *subject, const char *path, struct error *err)
{
	const struct renew renew = {.out = path};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_CLOSE out = -1;

	renewal_note_ca(subject->which, context->cluster->layout,
		authority_certificate(context->ca)->not_after, &text);
	return directory_ensure(path, &out, err) &&
	       renew_write_note(&renew, out,
		       control_authority_name(subject->which), &text, err);
}

static bool choose_end(const char *validity, struct instant now,
	struct instant *ret_end, struct error *err)
{
	return instant_parse_or_span(
		       validity ? validity : CA_PRESET, now, ret_end, err) ||
	       context_blame(err, "--validity");
}

bool renew_ca(const struct command_call *call,
	const struct renew_ca_settings *settings, struct error *err)
{
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(certificate) ca = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(change) change = {0};
	enum control_authority which = CONTROL_CA;
	struct instant end;

	if (!context_open(call,
		    NEEDS_CLUSTER | NEEDS_CA |
			    (settings->plan ? NEEDS_LEDGER
					    : NEEDS_LEDGER_WRITE),
		    &context, err) ||
		!context_check_out(context, settings->out, err) ||
		!choose_end(settings->validity, context->now, &end, err) ||
		!authorities_choose(context, settings->name, &which, err) ||
		!authority_renew(context->ca, end, &der, err) ||
		!certificate_read(der_of(&der), &ca, err))
		return false;
	change.context = context;
	change.subject = &subjects[which];
	change.ca = ca;
	if (settings->plan)
		return report_ca(call, change.subject, "planned", ca, err);
	if ((settings->out && !write_note(context, change.subject,
				      settings->out, err)) ||
		!publish_patiently(&change, settings->clock_back, err))
		return false;
	return report_ca(call, change.subject,
		change.twins ? "unchanged" : "issued",
		change.twins ? change.twins : ca, err);
}
