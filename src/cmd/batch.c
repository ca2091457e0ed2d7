/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/workers.h"
#include "cli/progress.h"
#include "cmd/decision.h"
#include "cmd/interrupt.h"
#include "cmd/stream.h"
#include "pki/recovery.h"

const struct report_column batch_columns[] = {
	{"status", "STATUS", 9},
	{"node", "NODE", 20},
	{"path", "PATH", 28},
	{"serials", NULL, 0},
	{"notAfter", "EXPIRES", 20},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

/* One node on its way. */
struct slot {
	struct node node;
	char *target;
	struct decision decision;
	struct error error; /* why it is not done, whatever the verdict */
	/* made by a worker */
	unsigned worker;
	size_t n_certificates;
	struct bundle_certificate certificates[DECISION_PROFILES];
	char *witness;
	struct sha256 hash;
	bool issued;
};

struct chunk {
	const struct batch *batch;
	const struct release *release;
	struct slot *slots;
	size_t n_slots;
	size_t *todo; /* which slots workers make */
	size_t n_todo;
	bool decided;
};

struct run {
	const struct batch *batch;
	struct report *report;
	struct workers *workers;
	struct progress *progress;
	struct release *release; /* NULL until something is issued */
	int out;		 /* -1 until it is there */
	size_t next, n_reported, n_bad;
	struct error first; /* of the worst kind so far */
	struct error stop;  /* why the rest is not even tried */
	bool broken;	    /* nothing more can be recorded or sent */
	int64_t *sent;	    /* events of a stream */
	size_t n_sent, sent_allocated;
};

/* -- making: on a worker's thread -- */

static bool write_directory(int stage, const char *name,
	const struct bundle *bundle, struct error *err)
{
	AUTO_CLOSE dir = -1;

	return directory_create(stage, name, 0755, err) &&
	       directory_open_nofollow(stage, name, &dir, err) &&
	       tree_write_directory(
		       dir, bundle->entries, bundle->n_entries, err);
}

/* A tar's witness is the whole file. */
static bool write_tar(const struct batch *batch, int stage, struct slot *slot,
	const struct bundle *bundle, struct error *err)
{
	AUTO_TEXT prefix = memory_format("%s/", slot->node.name);
	AUTO_CLOSE fd = openat(stage, slot->target,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "create \"%s\"", slot->target);
	return tree_write_tar(fd, slot->target, batch->stream ? prefix : "",
		       bundle->entries, bundle->n_entries, batch->archive_time,
		       err) &&
	       (batch->stream || tree_end_tar(fd, slot->target, err)) &&
	       sha256_of_file(fd, slot->target, &slot->hash, err);
}

static bool stage_bundle(const struct batch *batch, int stage,
	struct slot *slot, struct bundle *bundle, struct error *err)
{
	if (batch->stream || batch->format == BUNDLE_TAR) {
		slot->witness = memory_text("");
		if (!write_tar(batch, stage, slot, bundle, err))
			return false;
	} else {
		slot->witness = memory_text(bundle->witness);
		slot->hash = bundle->hash;
		if (!write_directory(stage, slot->target, bundle, err))
			return false;
	}
	slot->n_certificates = bundle->n_certificates;
	for (size_t i = 0; i < bundle->n_certificates; i++) {
		slot->certificates[i] = bundle->certificates[i];
		bundle->certificates[i].der = (struct buffer)BUFFER_INIT;
	}
	return true;
}

static void make_job(void *data, unsigned worker, size_t job)
{
	struct chunk *chunk = data;
	struct slot *slot = &chunk->slots[chunk->todo[job]];
	AUTO_FREE(bundle) bundle = NULL;
	int stage = release_directory(chunk->release, worker);
	bool verify = job == 0; /* one signature of each chunk */

	slot->worker = worker;
	if (!bundle_make(chunk->batch->kit, &slot->node, verify, &bundle,
		    &slot->error))
		return;
	slot->issued =
		stage_bundle(chunk->batch, stage, slot, bundle, &slot->error);
}

/* -- deciding -- */

static struct chunk *chunk_new(struct run *run)
{
	struct chunk *chunk = memory_new(1, sizeof(*chunk));
	const struct batch *batch = run->batch;
	size_t left = inventory_count(batch->inventory) - run->next;

	chunk->batch = batch;
	chunk->n_slots = left < batch->chunk ? left : batch->chunk;
	chunk->slots = memory_new(chunk->n_slots + 1, sizeof(struct slot));
	chunk->todo = memory_new(chunk->n_slots + 1, sizeof(size_t));
	for (size_t i = 0; i < chunk->n_slots; i++) {
		struct slot *slot = &chunk->slots[i];

		slot->node = inventory_node(batch->inventory, run->next + i);
		slot->target = place_name(&slot->node,
			batch->stream ? BUNDLE_DIRECTORY : batch->format);
		slot->decision = (struct decision)DECISION_INIT;
	}
	run->next += chunk->n_slots;
	return chunk;
}

static void chunk_free(struct chunk *chunk)
{
	if (!chunk)
		return;
	for (size_t i = 0; i < chunk->n_slots; i++) {
		struct slot *slot = &chunk->slots[i];

		for (size_t c = 0; c < slot->n_certificates; c++)
			buffer_release(&slot->certificates[c].der);
		decision_release(&slot->decision);
		error_release(&slot->error);
		free(slot->witness);
		free(slot->target);
	}
	free(chunk->slots);
	free(chunk->todo);
	free(chunk);
}

DEFINE_AUTO_FREE(chunk)

static bool decide_chunk(
	struct run *run, struct chunk *chunk, struct error *err)
{
	struct ledger *ledger = run->batch->context->ledger;
	bool done = true;

	if (!ledger_lock(ledger, FILE_LOCK_SHARED,
		    run->batch->context->lock_timeout, err))
		return false;
	for (size_t i = 0; done && i < chunk->n_slots; i++) {
		struct slot *slot = &chunk->slots[i];

		done = decide(run->batch, run->out, &slot->node,
			&slot->decision, err);
		if (done && slot->decision.verdict == VERDICT_ISSUE)
			chunk->todo[chunk->n_todo++] = i;
		if (done && slot->decision.verdict == VERDICT_REFUSED)
			error_move(&slot->error, &slot->decision.error);
		if (!done)
			error_context(err, "node \"%s\"", slot->node.name);
	}
	ledger_unlock(ledger);
	return done;
}

/* Somebody else was faster: what does the world look like now? */
static bool decide_again(struct run *run, struct slot *slot, struct error *err)
{
	struct batch patient = *run->batch;
	struct context *context = run->batch->context;
	AUTO_RELEASE(decision) again = DECISION_INIT;
	bool done;

	patient.reissue = patient.named = patient.require_bundle = false;
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = decide(&patient, run->out, &slot->node, &again, err);
	ledger_unlock(context->ledger);
	if (done && again.verdict == VERDICT_UNCHANGED) {
		error_release(&slot->error);
		decision_release(&slot->decision);
		slot->decision = again;
		again = (struct decision)DECISION_INIT;
	}
	return done;
}

/* -- recording and publishing -- */

/* The inventory gives this address to another node, and that other node's
 * certificate, which still has it, is issued anew in this run too. */
static bool gives_way(const void *data, const char *holder)
{
	struct node node;

	return inventory_find(data, holder, &node);
}

static void fill_issue(const struct run *run, struct slot *slot, size_t i,
	const char **addresses, struct ledger_issue *issue)
{
	struct bundle_certificate *made = &slot->certificates[i];
	const struct profile *profile = made->profile;
	size_t index = profile == decision_profile(0) ? 0 : 1;

	issue->ca = run->batch->context->ca_number;
	issue->profile = profile->name;
	issue->name = slot->node.name;
	issue->detail = run->batch->context->cluster->server;
	issue->serial = (struct der){made->serial, made->serial_len};
	issue->not_before = run->batch->lifetime.not_before;
	issue->not_after = run->batch->lifetime.not_after;
	issue->body = (struct der){
		(const unsigned char *)made->der.data, made->der.len};
	issue->addresses = addresses;
	issue->n_addresses =
		profile->takes_addresses ? slot->node.n_addresses + 1 : 1;
	issue->supersedes = slot->decision.supersedes[index];
	issue->gives_way = run->batch->reissue ? gives_way : NULL;
	issue->gives_way_data = run->batch->inventory;
}

struct offer {
	struct release_item item;
	struct ledger_issue issues[DECISION_PROFILES];
	const char **addresses; /* the node's name, then its addresses */
	struct slot *slot;
};

static void offer_init(
	const struct run *run, struct slot *slot, struct offer *offer)
{
	size_t n = slot->node.n_addresses;

	offer->slot = slot;
	offer->addresses = memory_new(n + 1, sizeof(*offer->addresses));
	offer->addresses[0] = slot->node.name;
	for (size_t i = 0; i < n; i++)
		offer->addresses[i + 1] = node_address(&slot->node, i);
	for (size_t i = 0; i < slot->n_certificates; i++)
		fill_issue(run, slot, i, offer->addresses, &offer->issues[i]);
	offer->item = (struct release_item){.name = slot->node.name,
		.worker = slot->worker,
		.staged = slot->target,
		.target = slot->target,
		.witness = slot->witness,
		.hash = slot->hash,
		.replace = slot->decision.replace,
		.issues = offer->issues,
		.n_issues = slot->n_certificates};
}

static struct offer *offers_new(
	const struct run *run, struct chunk *chunk, size_t *ret_n)
{
	struct offer *offers = memory_new(chunk->n_todo + 1, sizeof(*offers));

	*ret_n = 0;
	for (size_t i = 0; i < chunk->n_todo; i++) {
		struct slot *slot = &chunk->slots[chunk->todo[i]];

		if (slot->issued)
			offer_init(run, slot, &offers[(*ret_n)++]);
	}
	return offers;
}

static void offers_free(struct offer *offers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(offers[i].addresses);
	free(offers);
}

static void remember_sent(struct run *run, int64_t event)
{
	run->sent = memory_grow(run->sent, &run->sent_allocated,
		run->n_sent + 1, sizeof(*run->sent));
	run->sent[run->n_sent++] = event;
}

static bool settle_offer(
	struct run *run, struct offer *offer, struct error *err)
{
	struct slot *slot = offer->slot;
	struct release_item *item = &offer->item;

	slot->issued = item->state == RELEASE_PUBLISHED;
	slot->decision.event = item->event;
	if (item->error.kind)
		error_move(&slot->error, &item->error);
	switch (item->state) {
	case RELEASE_NOTHING:
	case RELEASE_PUBLISHED:
		return true;
	case RELEASE_RECORDED:
		slot->issued = run->batch->stream && !slot->error.kind;
		return true;
	case RELEASE_RACED:
		return decide_again(run, slot, err);
	}
	return true;
}

static bool commit_offers(
	struct run *run, struct offer *offers, size_t n, struct error *err)
{
	struct release_item *items = memory_new(n + 1, sizeof(*items));
	bool done;

	for (size_t i = 0; i < n; i++)
		items[i] = offers[i].item;
	done = n == 0 || release_commit(run->release, items, n, err);
	for (size_t i = 0; done && i < n; i++) {
		offers[i].item = items[i];
		done = settle_offer(run, &offers[i], err);
	}
	free(items);
	return done;
}

static bool commit_chunk(
	struct run *run, struct chunk *chunk, struct error *err)
{
	size_t n;
	struct offer *offers = offers_new(run, chunk, &n);
	bool done = commit_offers(run, offers, n, err);

	for (size_t i = 0; !done && i < n; i++)
		offers[i].slot->issued = false;
	offers_free(offers, n);
	return done;
}

/* -- sending a stream -- */

static bool send_slot(struct run *run, struct slot *slot, struct error *err)
{
	AUTO_CLOSE staged = -1;
	int fd = slot->decision.fd;

	if (slot->issued) {
		staged = openat(release_directory(run->release, slot->worker),
			slot->target, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		fd = staged;
	}
	if (fd < 0)
		return error_errno(err, "spool: \"%s\"", slot->target);
	if (!stream_copy(fd, err))
		return false;
	remember_sent(run, slot->decision.event);
	slot->issued = true;
	return true;
}

static bool send_chunk(struct run *run, struct chunk *chunk, struct error *err)
{
	for (size_t i = 0; i < chunk->n_slots; i++) {
		struct slot *slot = &chunk->slots[i];

		if (!slot->issued && slot->decision.verdict != VERDICT_REPLAY)
			continue;
		if (!send_slot(run, slot, err)) {
			for (size_t k = i; k < chunk->n_slots; k++)
				chunk->slots[k].issued = false;
			return false;
		}
	}
	return true;
}

/* -- reporting -- */

static struct document *serials_of(const struct slot *slot)
{
	struct document *list = document_new_list();

	for (size_t i = 0; slot->issued && i < slot->n_certificates; i++) {
		AUTO_TEXT serial = hex_of(slot->certificates[i].serial,
			slot->certificates[i].serial_len);

		document_append(list, document_new_text(serial));
	}
	if (document_count(list))
		return list;
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		if (slot->decision.serials[i])
			document_append(list,
				document_new_text(slot->decision.serials[i]));
	return list;
}

static const char *status_of(const struct slot *slot)
{
	if (slot->issued)
		return "issued";
	if (slot->error.kind == ERROR_NONE)
		return "unchanged";
	return slot->error.kind == ERROR_REFUSED ? "refused" : "failed";
}

static void report_slot(struct run *run, const struct slot *slot)
{
	struct document *row = document_new_map();
	bool fresh = slot->issued && slot->decision.verdict == VERDICT_ISSUE;
	struct instant until = fresh ? run->batch->lifetime.not_after
				     : slot->decision.not_after;
	char text[INSTANT_TEXT];

	document_put_text(row, "status", status_of(slot));
	document_put_text(row, "node", slot->node.name);
	if (!run->batch->stream && (slot->issued || slot->decision.present)) {
		AUTO_TEXT path =
			memory_format("%s/%s", run->batch->out, slot->target);

		document_put_text(row, "path", path);
	}
	document_put(row, "serials", serials_of(slot));
	if (until.seconds)
		document_put_text(row, "notAfter", instant_format(until, text));
	if (slot->error.kind)
		document_put_text(row, "reason", slot->error.message);
	report_row(run->report, row);
}

static void count_bad(struct run *run, const struct slot *slot)
{
	enum error_kind worse;

	if (!slot->error.kind)
		return;
	run->n_bad++;
	worse = error_worse(run->first.kind, slot->error.kind);
	if (worse == run->first.kind)
		return;
	error_release(&run->first);
	error_set(&run->first, worse, "%s", slot->error.message);
	error_context(&run->first, "node \"%s\"", slot->node.name);
	if (slot->error.file)
		error_at(&run->first, slot->error.file, slot->error.line);
}

static void report_chunk(struct run *run, const struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->n_slots; i++) {
		report_slot(run, &chunk->slots[i]);
		count_bad(run, &chunk->slots[i]);
	}
	run->n_reported += chunk->n_slots;
	progress_update(run->progress, run->n_reported);
}

/* -- the whole -- */

static void stop(struct run *run, struct error *why)
{
	if (run->stop.kind)
		error_release(why);
	else
		error_move(&run->stop, why);
}

/* Nodes of a chunk that did not come to their end, and why. */
static void fail_rest(struct run *run, struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->n_slots; i++) {
		struct slot *slot = &chunk->slots[i];
		bool open = slot->decision.verdict != VERDICT_UNCHANGED &&
			    slot->decision.verdict != VERDICT_REFUSED;

		if (open && !slot->issued && !slot->error.kind)
			error_set(&slot->error, run->stop.kind, "%s",
				run->stop.message);
	}
}

/* A chunk that was made is recorded even when the batch is to stop. */
static void finish_chunk(struct run *run, struct chunk *chunk)
{
	struct error why = ERROR_INIT;

	if (chunk->decided && !run->broken &&
		(!commit_chunk(run, chunk, &why) ||
			(run->batch->stream &&
				!send_chunk(run, chunk, &why)))) {
		run->broken = true;
		stop(run, &why);
	}
	if (run->stop.kind)
		fail_rest(run, chunk);
	report_chunk(run, chunk);
}

static bool open_release(
	struct run *run, const struct chunk *chunk, struct error *err)
{
	const struct batch *batch = run->batch;
	AUTO_TEXT spool =
		memory_format("%s/" RELEASE_SPOOL, batch->context->path);
	struct release_settings settings = {
		.lock_timeout = batch->context->lock_timeout,
		.clock_back = batch->clock_back,
		.spool = batch->stream,
		.links = batch->format == BUNDLE_DIRECTORY,
		.n_workers = batch->jobs,
		.warn = context_warn};
	bool needed = batch->stream || chunk->n_todo > 0;

	if (run->release || !needed)
		return true;
	if (!release_open(batch->context->ledger,
		    batch->stream ? spool : batch->out, &settings,
		    &run->release, err))
		return false;
	if (run->out < 0 && !batch->stream)
		run->out = dup(release_output(run->release));
	return true;
}

/* Workers make this chunk while the one before is recorded. */
static bool start_chunk(struct run *run, struct chunk *chunk, struct error *err)
{
	if (!decide_chunk(run, chunk, err) || !open_release(run, chunk, err))
		return false;
	chunk->release = run->release;
	chunk->decided = true;
	workers_start(run->workers, chunk->n_todo, make_job, chunk);
	return true;
}

static void check_interrupt(struct run *run)
{
	struct error why = ERROR_INIT;

	if (!interrupted() || run->stop.kind)
		return;
	error_set(&why, ERROR_FAILED, "interrupted");
	stop(run, &why);
}

static void run_chunks(struct run *run)
{
	size_t total = inventory_count(run->batch->inventory);
	struct chunk *before = NULL, *chunk;

	while (run->next < total) {
		struct error why = ERROR_INIT;

		chunk = chunk_new(run);
		check_interrupt(run);
		if (!run->stop.kind && !start_chunk(run, chunk, &why))
			stop(run, &why);
		if (before)
			finish_chunk(run, before);
		workers_wait(run->workers);
		chunk_free(before);
		before = chunk;
	}
	if (before)
		finish_chunk(run, before);
	chunk_free(before);
}

static bool end_stream(struct run *run, struct error *err)
{
	return stream_end(err) &&
	       (run->n_sent == 0 || release_delivered(run->release, run->sent,
					    run->n_sent, err));
}

static bool close_run(struct run *run, struct error *err)
{
	if (!run->broken && run->batch->stream && !end_stream(run, err))
		return false;
	return !run->release || release_close(run->release, err);
}

static bool summarize(struct run *run, struct error *err)
{
	size_t total = inventory_count(run->batch->inventory);

	if (run->stop.kind && !run->n_bad) {
		error_move(err, &run->stop);
		return false;
	}
	if (!run->n_bad)
		return true;
	error_move(err, &run->first);
	if (total > 1)
		error_context(err, "%zu of %zu nodes are not done; the first",
			run->n_bad, total);
	return false;
}

static bool open_run(struct run *run, struct error *err)
{
	const struct batch *batch = run->batch;

	if (!workers_new(batch->jobs, &run->workers, err))
		return false;
	run->progress = progress_new(
		"nodes", inventory_count(batch->inventory), batch->quiet);
	if (batch->stream)
		return true;
	run->out = open(batch->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->out < 0 && errno != ENOENT)
		return error_errno(err, "output directory \"%s\"", batch->out);
	return true;
}

static void close_parts(struct run *run)
{
	workers_free(run->workers);
	progress_free(run->progress);
	release_free(run->release);
	error_release(&run->first);
	error_release(&run->stop);
	if (run->out >= 0)
		close(run->out);
	free(run->sent);
}

bool batch_run(
	const struct batch *batch, struct report *report, struct error *err)
{
	struct run run = {.batch = batch, .report = report, .out = -1};
	bool done = open_run(&run, err);

	if (done) {
		struct error why = ERROR_INIT;

		run_chunks(&run);
		if (!close_run(&run, &why))
			stop(&run, &why);
		done = summarize(&run, err);
	}
	close_parts(&run);
	return done;
}
