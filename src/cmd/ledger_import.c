/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/file.h"
#include "cli/note.h"
#include "cmd/authorities.h"
#include "cmd/harvest.h"
#include "cmd/ledger.h"
#include "cmd/tally.h"
#include "kube/recognise.h"

/* A lost ledger is made again here, inside the PKI directory. */
#define STAGE_PREFIX ".kpki-ledger-"

static const struct report_column import_columns[] = {
	{"status", "STATUS", 9},
	{"profile", "PROFILE", 15},
	{"node", "NODE", 20},
	{"serial", "SERIAL", 40},
	{"notAfter", "EXPIRES", 20},
	{"path", "PATH", 28},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

/* Where the ledger is, or is being made. */
struct site {
	const struct context *context;
	int lock_fd; /* of a PKI directory without a ledger; or -1 */
	char *stage; /* in it, or NULL */
	struct ledger *ledger;
};

static void site_release(struct site *site)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the next one removes it */

	ledger_free(site->ledger);
	if (site->stage &&
		!file_remove_tree(site->context->dir, site->stage, &ignored))
		error_release(&ignored);
	free(site->stage);
	file_auto_close(&site->lock_fd);
}
DEFINE_AUTO_RELEASE(site)

static bool lock_directory(struct site *site, struct error *err)
{
	bool held = false;

	site->lock_fd = openat(site->context->dir, LEDGER_LOCK,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (site->lock_fd < 0)
		return error_errno(
			err, "\"%s/" LEDGER_LOCK "\"", site->context->path);
	if (!file_lock(site->lock_fd, FILE_LOCK_EXCLUSIVE,
		    site->context->lock_timeout, &held, err))
		return false;
	return held || error_set(err, ERROR_FAILED,
			       "\"%s\": another process has held its lock for "
			       "%lld seconds",
			       site->context->path,
			       (long long)site->context->lock_timeout);
}

/* Whoever makes one holds the lock, so these have no maker. */
static bool remove_dead(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	(void)data;
	return type != S_IFDIR || !text_begins(name, STAGE_PREFIX) ||
	       file_remove_tree(dir, name, err);
}

static bool open_for_writing(struct site *site, const char *path,
	enum ledger_access access, struct error *err)
{
	return ledger_open(path, access, &site->ledger, err) &&
	       ledger_lock(site->ledger, FILE_LOCK_EXCLUSIVE,
		       site->context->lock_timeout, err);
}

static bool make_stage(struct site *site, struct error *err)
{
	AUTO_TEXT path = NULL;

	site->stage = file_random_name(STAGE_PREFIX);
	path = memory_format("%s/%s", site->context->path, site->stage);
	return directory_create(site->context->dir, site->stage, 0700, err) &&
	       ledger_create(path, err) &&
	       open_for_writing(site, path, LEDGER_BUILD, err) &&
	       (!file_exists(site->context->dir, ROTATION_DIRECTORY) ||
		       ledger_rotation_prepare(site->ledger, err));
}

static bool open_site(struct site *site, struct error *err)
{
	if (!lock_directory(site, err) ||
		!directory_each(site->context->dir, site->context->path,
			remove_dead, NULL, err))
		return false;
	if (!file_exists(site->context->dir, LEDGER_FILE))
		return make_stage(site, err);
	file_auto_close(&site->lock_fd);
	site->lock_fd = -1;
	return open_for_writing(site, site->context->path, LEDGER_WRITE, err);
}

/* What a lost ledger's last writer left would be rolled back into the new
 * one. */
static bool put_in_place(struct site *site, struct error *err)
{
	const struct context *context = site->context;
	AUTO_CLOSE stage = -1;
	bool exists = false;

	ledger_free(take(&site->ledger));
	if (!site->stage)
		return true;
	if (!file_remove_tree(context->dir, LEDGER_FILE "-journal", err) ||
		!file_sync_tree(
			context->dir, site->stage, context->path, err) ||
		!directory_open_nofollow(
			context->dir, site->stage, &stage, err))
		return false;
	if (!file_rename_new(stage, LEDGER_FILE, context->dir, LEDGER_FILE,
		    &exists, err))
		return exists ? error_set(err, ERROR_FAILED,
					"\"%s/" LEDGER_FILE
					"\": somebody put one there",
					context->path)
			      : false;
	return file_sync(context->dir, context->path, err);
}

/* -- what is recorded -- */

enum state { STATE_NOTHING, STATE_IMPORTED, STATE_UNCHANGED };

/* An authority of the PKI directory. */
struct issuer {
	const char *profile;
	struct certificate *certificate;
	int64_t number; /* in the ledger */
};

struct import {
	/* What a rotation puts beside them, too. */
	struct issuer issuers[CONTROL_AUTHORITIES + ROTATION_TARGETS];
	size_t n_issuers;
	const struct issuer **signers; /* one an item, or NULL */
	const char *node, *profile;    /* or NULL */
	struct ledger *ledger;
	struct harvest harvest;
	struct recognised *found; /* one an item */
	enum state *states;
};

static void import_release(struct import *import)
{
	for (size_t i = 0; import->found && i < import->harvest.n_items; i++)
		recognised_release(&import->found[i]);
	for (size_t i = 0; i < import->n_issuers; i++)
		certificate_free(import->issuers[i].certificate);
	free(import->signers);
	free(import->found);
	free(import->states);
	harvest_release(&import->harvest);
}
DEFINE_AUTO_RELEASE(import)

static bool read_issuer(const struct context *context, struct import *import,
	const char *path, const char *profile, struct error *err)
{
	struct issuer *issuer = &import->issuers[import->n_issuers];

	if (!file_exists(context->dir, path))
		return true;
	if (!authority_read_certificate(context->dir, path, context->now,
		    &issuer->certificate, err))
		return error_context(err, "\"%s\"", context->path);
	issuer->profile = profile;
	import->n_issuers++;
	return true;
}

/* Those of a control plane are there, or not; as is what each is rotated with. */
static bool read_issuers(
	const struct context *context, struct import *import, struct error *err)
{
	for (size_t i = 0; i < ROTATION_TARGETS; i++) {
		const char *profile = rotation_target_name(i);

		if (i != ROTATION_SERVICE_ACCOUNT &&
			(!read_issuer(context, import,
				 trust_place(i)->certificate, profile, err) ||
				!read_issuer(context, import,
					trust_other_place(i)->certificate,
					profile, err)))
			return false;
	}
	return true;
}

/* Of one of them, the newest or an older. */
static bool is_issuer(const struct import *import, const struct certificate *is)
{
	for (size_t i = 0; is && is->is_ca && i < import->n_issuers; i++)
		if (!memcmp(import->issuers[i].certificate->pin.bytes,
			    is->pin.bytes, SHA256_LEN))
			return true;
	return false;
}

static const struct issuer *signer_of(
	const struct import *import, const struct certificate *is)
{
	for (size_t i = 0; i < import->n_issuers; i++) {
		const struct certificate *ca = import->issuers[i].certificate;
		AUTO_RELEASE(error) ignored = ERROR_INIT; /* not this one */

		if (der_equal(is->issuer, ca->subject) &&
			certificate_verify(is, ca->public_key, &ignored))
			return &import->issuers[i];
	}
	return NULL;
}

/* Those of a control plane do not say it. */
static void name_host(struct import *import, size_t i)
{
	struct recognised *found = &import->found[i];

	if (!found->name && import->node)
		found->name = memory_text(import->node);
	if (!found->name)
		error_set(&import->harvest.items[i].error, ERROR_REFUSED,
			"subject \"%s\": of %s, and does not say of which "
			"host: --node does",
			import->harvest.items[i].certificate->subject_text,
			found->profile->name);
}

static bool find_row(struct import *import, size_t i, struct error *err)
{
	const struct certificate *is = import->harvest.items[i].certificate;

	import->signers[i] = signer_of(import, is);
	if (!import->signers[i])
		return error_set(err, ERROR_REFUSED,
			"\"%s\": no CA of the PKI directory signed it",
			is->subject_text);
	return recognise(is,
		&(struct recognise_by){
			import->signers[i]->profile, import->profile},
		&import->found[i], err);
}

static void judge(struct import *import, size_t i)
{
	struct harvest_item *item = &import->harvest.items[i];

	if (!item->error.kind && !is_issuer(import, item->certificate) &&
		find_row(import, i, &item->error))
		name_host(import, i);
}

static bool read_all(const struct command_call *call, struct import *import,
	struct error *err)
{
	size_t n;

	if (!harvest_read(call->operands + 1, call->n_operands - 1,
		    &import->harvest, err))
		return false;
	n = import->harvest.n_items;
	import->signers = memory_new(n + 1, sizeof(*import->signers));
	import->found = memory_new(n + 1, sizeof(*import->found));
	import->states = memory_new(n + 1, sizeof(*import->states));
	for (size_t i = 0; i < n; i++)
		judge(import, i);
	return true;
}

/* Whom an address belonged to before does not matter any more. */
static bool gives_way(void *data, const char *address, const char *holder)
{
	(void)data;
	(void)address;
	(void)holder;
	return true;
}

static const char **addresses_of(const struct recognised *found,
	const struct certificate *is, size_t *ret_n)
{
	const char **list = memory_new(is->n_alt_names + 2, sizeof(*list));
	size_t n = 0;

	if (found->profile->for_node) {
		list[n++] = found->name;
		/* etcd's are those of the loopback, too */
		for (size_t i = 0; found->profile->names == NAMES_NODE &&
				   i < is->n_alt_names;
			i++)
			list[n++] = is->alt_names[i].text;
	}
	*ret_n = n;
	return list;
}

/* One that began before the live one of its name is a past one. */
static bool add(
	struct import *import, struct ledger_issue *issue, struct error *err)
{
	struct ledger_row live;
	int64_t event;
	bool found = false;

	if (!ledger_live(import->ledger, issue->ca, issue->profile, issue->name,
		    (struct instant){0}, &live, &found, err))
		return false;
	if (found && live.not_before.seconds > issue->not_before.seconds)
		return ledger_add_past(import->ledger, issue, err);
	issue->supersedes = found ? live.event : 0;
	return ledger_issue(import->ledger, issue, &event, err);
}

static bool record(struct import *import, size_t i, struct error *err)
{
	const struct certificate *is = import->harvest.items[i].certificate;
	const struct recognised *found = &import->found[i];
	struct ledger_issue issue = {.ca = import->signers[i]->number,
		.profile = found->profile->name,
		.name = found->name,
		.serial = is->serial,
		.not_before = is->not_before,
		.not_after = is->not_after,
		.body = is->whole,
		.gives_way = gives_way};
	const char **addresses = addresses_of(found, is, &issue.n_addresses);
	bool done;

	issue.addresses = addresses;
	done = add(import, &issue, err);
	free(addresses);
	return done;
}

/* A CA that gives a number twice is not to be told apart from a thief who has
 * its key. */
static void refuse_serial(struct harvest_item *item)
{
	AUTO_TEXT serial = hex_of(
		item->certificate->serial.bytes, item->certificate->serial.len);

	error_set(&item->error, ERROR_REFUSED,
		"\"%s\": serial number %s: another certificate, which the "
		"ledger has, has it",
		item->certificate->subject_text, serial);
}

static bool record_item(struct import *import, size_t i, struct error *err)
{
	struct harvest_item *item = &import->harvest.items[i];
	bool has = is_issuer(import, item->certificate), has_serial = false;
	int64_t ca;

	if (item->error.kind)
		return true;
	ca = has ? 0 : import->signers[i]->number;
	if (!has &&
		(!ledger_has_certificate(
			 import->ledger, ca, item->certificate, &has, err) ||
			!ledger_has(import->ledger, ca,
				item->certificate->serial, &has_serial, err)))
		return false;
	if (!has && has_serial) {
		refuse_serial(item);
		return true;
	}
	import->states[i] = has ? STATE_UNCHANGED : STATE_IMPORTED;
	return has || record(import, i, err);
}

static bool record_issuer(
	struct ledger *ledger, struct issuer *issuer, struct error *err)
{
	return ledger_authority(ledger, &issuer->certificate->pin,
		       &issuer->number, err) &&
	       (issuer->number ||
		       ledger_add_authority(ledger, issuer->profile,
			       issuer->certificate, &issuer->number, err));
}

/* -- rotations, whose stage was lost with the ledger -- */

/* Both are trusted at the stage that is taken, so that nobody is shut out by it:
 * the first if the older one signs, else the second.  Keys have no date. */
static unsigned guess_stage(const struct import *import, const char *profile)
{
	const struct certificate *pair[2] = {NULL, NULL};
	size_t n = 0;

	for (size_t i = 0; i < import->n_issuers && n < 2; i++)
		if (!strcmp(import->issuers[i].profile, profile))
			pair[n++] = import->issuers[i].certificate;
	return n == 2 && pair[0]->not_before.seconds >
				 pair[1]->not_before.seconds
		       ? 2
		       : 1;
}

static bool enter_rotation(const struct import *import, const struct site *site,
	enum rotation_target target, struct error *err)
{
	const struct context *context = site->context;
	const char *name = rotation_target_name(target);
	unsigned stage = guess_stage(import, name);
	bool old_signs = rotation_stages[stage].signer == ROTATION_OLD;
	struct ledger_rotation to = {.stage = stage, .from = stage};
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;

	if (!file_exists(context->dir, trust_other_place(target)->certificate))
		return true;
	if (!trust_read(context, trust_place(target)->certificate, target, &pem,
		    old_signs ? &to.old : &to.fresh, err) ||
		!trust_read(context, trust_other_place(target)->certificate,
			target, &pem, old_signs ? &to.fresh : &to.old, err) ||
		!ledger_rotation_enter(site->ledger, name, &to, err))
		return false;
	warning("the rotation of %s is taken to be at stage %u, where both are "
		"trusted: the ledger that knew its stage is lost",
		name, stage);
	return true;
}

static bool enter_rotations(const struct import *import,
	const struct site *site, struct error *err)
{
	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		if (!enter_rotation(import, site, (enum rotation_target)i, err))
			return false;
	return true;
}

static bool record_all(struct import *import, const struct site *site,
	bool clock_back, struct error *err)
{
	if (!ledger_begin(import->ledger, instant_now(), clock_back, err))
		return false;
	for (size_t i = 0; i < import->n_issuers; i++)
		if (!record_issuer(import->ledger, &import->issuers[i], err))
			return false;
	if (site->stage && !enter_rotations(import, site, err))
		return false;
	for (size_t i = 0; i < import->harvest.n_items; i++)
		if (!record_item(import, i, err))
			return error_context(
				err, "\"%s\"", import->harvest.items[i].path);
	return ledger_commit(import->ledger, err);
}

/* -- the report -- */

static struct document *row_of(const struct import *import, size_t i)
{
	static const char *const words[] = {[STATE_NOTHING] = "refused",
		[STATE_IMPORTED] = "imported",
		[STATE_UNCHANGED] = "unchanged"};
	const struct harvest_item *item = &import->harvest.items[i];
	const struct recognised *found = &import->found[i];
	struct document *row = document_new_map();

	document_put_text(row, "status", words[import->states[i]]);
	document_put_text(row, "path", item->path);
	if (found->profile)
		document_put_text(row, "profile", found->profile->name);
	if (found->name)
		document_put_text(row, "node", found->name);
	if (item->certificate) {
		AUTO_TEXT serial = hex_of(item->certificate->serial.bytes,
			item->certificate->serial.len);

		document_put_text(row, "serial", serial);
		document_put_instant(
			row, "notAfter", item->certificate->not_after);
	}
	if (item->error.kind)
		document_put_text(row, "reason", item->error.message);
	return row;
}

static bool report_all(
	const struct import *import, struct report *report, struct error *err)
{
	AUTO_RELEASE(tally) tally = {.noun = "file"};

	for (size_t i = 0; i < import->harvest.n_items; i++) {
		report_row(report, row_of(import, i));
		tally_add(&tally, import->harvest.items[i].path,
			&import->harvest.items[i].error);
	}
	return tally_result(&tally, import->harvest.n_items, err);
}

bool ledger_run_import(const struct command_call *call, struct error *err)
{
	const struct ledger_settings *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	AUTO_RELEASE(import) import = {0};
	AUTO_RELEASE(site) site = {.lock_fd = -1};

	if (!context_open(call, NEEDS_CA_CERTIFICATE | MAY_LACK_LEDGER,
		    &context, err))
		return false;
	site.context = context;
	import.node = settings->node;
	import.profile = settings->profile;
	if (settings->node && !node_name_check(settings->node, err))
		return context_blame(err, "--node");
	if (settings->profile && !profile_find(settings->profile))
		return error_set(err, ERROR_USAGE,
			"--profile \"%s\": none of kpki-files(7)",
			settings->profile);
	if (!read_issuers(context, &import, err) ||
		!read_all(call, &import, err) || !open_site(&site, err))
		return false;
	import.ledger = site.ledger;
	if (!record_all(&import, &site, settings->allow_clock_back, err) ||
		!put_in_place(&site, err))
		return false;
	report = context_report(call, import_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(report, report_all(&import, report, err), err);
}
