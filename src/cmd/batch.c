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
#include "cmd/bundle_secrets.h"
#include "cmd/interrupt.h"
#include "cmd/slot.h"
#include "cmd/stream.h"
#include "cmd/tally.h"
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

const struct report_column batch_bootstrap_columns[] = {
	{"status", "STATUS", 9},
	{"node", "NODE", 20},
	{"id", "TOKEN", 6},
	{"path", "PATH", 28},
	{"serials", NULL, 0},
	{"notAfter", "EXPIRES", 20},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

struct chunk {
	const struct release *release;
	size_t *nodes; /* of the slots, in the inventory */
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
	size_t next, n_reported;
	size_t *again; /* nodes that may fare better in the end */
	size_t n_again, again_allocated;
	bool ending; /* it is the end */
	struct tally tally;
	struct error stop; /* why the rest is not even tried */
	bool broken;	   /* nothing more can be recorded or sent */
	int64_t *sent;	   /* events of a stream */
	size_t n_sent, sent_allocated;
};

static void make_job(void *data, unsigned worker, size_t job)
{
	const struct chunk *chunk = data;
	int stage = release_directory(chunk->release, worker);
	bool verify = job == 0; /* one signature of each chunk */

	slot_make(&chunk->slots[chunk->todo[job]], stage, worker, verify);
}

/* -- deciding -- */

/* Takes the nodes, which are places in the inventory. */
static struct chunk *chunk_new(
	const struct batch *batch, size_t *taken_nodes, size_t n_nodes)
{
	struct chunk *chunk = memory_new(1, sizeof(*chunk));

	chunk->nodes = taken_nodes;
	chunk->n_slots = n_nodes;
	chunk->slots = memory_new(n_nodes + 1, sizeof(struct slot));
	chunk->todo = memory_new(n_nodes + 1, sizeof(size_t));
	for (size_t i = 0; i < n_nodes; i++)
		slot_init(&chunk->slots[i], batch,
			inventory_node(batch->inventory, taken_nodes[i]));
	return chunk;
}

static struct chunk *next_chunk(struct run *run)
{
	const struct batch *batch = run->batch;
	size_t left = inventory_count(batch->inventory) - run->next;
	size_t n = left < batch->chunk ? left : batch->chunk;
	size_t *nodes = memory_new(n + 1, sizeof(*nodes));

	for (size_t i = 0; i < n; i++)
		nodes[i] = run->next++;
	return chunk_new(batch, nodes, n);
}

static struct chunk *last_chunk(struct run *run)
{
	size_t *nodes = run->again;

	run->again = NULL;
	run->ending = true;
	return chunk_new(run->batch, nodes, run->n_again);
}

static void chunk_free(struct chunk *chunk)
{
	if (!chunk)
		return;
	for (size_t i = 0; i < chunk->n_slots; i++)
		slot_release(&chunk->slots[i]);
	free(chunk->slots);
	free(chunk->todo);
	free(chunk->nodes);
	free(chunk);
}

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

static bool look_again(
	struct run *run, const struct node *node, struct decision *ret_decision)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the race is what counts */
	struct batch patient = *run->batch;
	struct context *context = run->batch->context;
	bool done;

	patient.reissue = patient.named = patient.require_bundle = false;
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, &ignored))
		return false;
	done = decide(&patient, run->out, node, ret_decision, &ignored);
	ledger_unlock(context->ledger);
	return done && ret_decision->verdict == VERDICT_UNCHANGED;
}

/* Somebody else was faster; if it was a twin, all is as it should be. */
static void decide_again(struct run *run, struct slot *slot)
{
	AUTO_RELEASE(decision) again = DECISION_INIT;

	if (!look_again(run, &slot->node, &again))
		return;
	error_release(&slot->error);
	decision_release(&slot->decision);
	slot->decision = again;
	again = (struct decision)DECISION_INIT;
}

/* -- recording and publishing -- */

static void remember_sent(struct run *run, int64_t event)
{
	run->sent = memory_grow(run->sent, &run->sent_allocated,
		run->n_sent + 1, sizeof(*run->sent));
	run->sent[run->n_sent++] = event;
}

static void settle(
	struct run *run, struct slot *slot, struct release_item *item)
{
	slot->decision.event = item->event;
	slot->issued = item->state == RELEASE_PUBLISHED;
	if (item->error.kind)
		error_move(&slot->error, &item->error);
	switch (item->state) {
	case RELEASE_NOTHING:
	case RELEASE_PUBLISHED:
		break;
	case RELEASE_RECORDED:
		slot->issued = run->batch->stream && !slot->error.kind;
		break;
	case RELEASE_RACED:
		slot->raced = true;
		decide_again(run, slot);
		break;
	}
}

/* The slots that were made, in order, and as many offers. */
static size_t collect_offers(
	struct chunk *chunk, struct slot **made, struct release_item *offers)
{
	size_t n = 0;

	for (size_t i = 0; i < chunk->n_todo; i++) {
		struct slot *slot = &chunk->slots[chunk->todo[i]];

		if (!slot->issued)
			continue;
		made[n] = slot;
		offers[n++] = slot_offer(slot);
	}
	return n;
}

static bool commit_chunk(
	struct run *run, struct chunk *chunk, struct error *err)
{
	struct slot **made = memory_new(chunk->n_todo + 1, sizeof(*made));
	struct release_item *offers =
		memory_new(chunk->n_todo + 1, sizeof(*offers));
	size_t n = collect_offers(chunk, made, offers);
	bool done = n == 0 || release_commit(run->release, offers, n, err);

	for (size_t i = 0; i < n; i++) {
		if (done)
			settle(run, made[i], &offers[i]);
		else
			made[i]->issued = false;
		error_release(&offers[i].error);
	}
	free(offers);
	free(made);
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

/* An address changes hands within one transaction, and whoever has it may be in
 * a later chunk: refused here, it is tried once more when all others are
 * through. */
static bool is_put_off(const struct run *run, const struct slot *slot)
{
	return slot->raced && slot->error.kind == ERROR_REFUSED &&
	       run->batch->reissue && !run->ending && !run->stop.kind;
}

static void put_off(struct run *run, size_t node)
{
	run->again = memory_grow(run->again, &run->again_allocated,
		run->n_again + 1, sizeof(*run->again));
	run->again[run->n_again++] = node;
}

static void report_slot(struct run *run, const struct slot *slot)
{
	report_row(run->report, slot_row(slot));
	tally_add(&run->tally, slot->node.name, &slot->error);
	run->n_reported++;
}

static void report_chunk(struct run *run, const struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->n_slots; i++)
		if (is_put_off(run, &chunk->slots[i]))
			put_off(run, chunk->nodes[i]);
		else
			report_slot(run, &chunk->slots[i]);
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
static void finish_chunk(struct run *run, struct chunk *taken_chunk)
{
	struct chunk *chunk = taken_chunk;
	struct error why = ERROR_INIT;

	if (!chunk)
		return;
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
	chunk_free(chunk);
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

static bool prepare_chunk(
	struct run *run, struct chunk *chunk, struct error *err)
{
	if (!decide_chunk(run, chunk, err) || !open_release(run, chunk, err))
		return false;
	chunk->release = run->release;
	chunk->decided = true;
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

static void start_chunk(struct run *run, struct chunk *chunk)
{
	struct error why = ERROR_INIT;

	check_interrupt(run);
	if (!run->stop.kind && !prepare_chunk(run, chunk, &why))
		stop(run, &why);
	workers_wait(run->workers);
	if (chunk->decided)
		workers_start(run->workers, chunk->n_todo, make_job, chunk);
}

/* Workers are never without a chunk: one is recorded and the next decided while
 * they make the one between. */
static void run_chunks(struct run *run)
{
	size_t total = inventory_count(run->batch->inventory);
	struct chunk *before = NULL, *chunk;

	while (run->next < total) {
		chunk = next_chunk(run);
		start_chunk(run, chunk);
		finish_chunk(run, before);
		before = chunk;
	}
	workers_wait(run->workers);
	finish_chunk(run, before);
	if (run->n_again == 0)
		return;
	chunk = last_chunk(run);
	start_chunk(run, chunk);
	workers_wait(run->workers);
	finish_chunk(run, chunk);
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

/* Also after a failure: what was published is in it. */
static bool update_secrets(struct run *run, struct error *err)
{
	struct context *context = run->batch->context;
	bool done;

	if (run->batch->stream || run->out < 0)
		return true;
	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = bundle_secrets_update(run->batch, run->out, err);
	ledger_unlock(context->ledger);
	return done;
}

static bool summarize(struct run *run, struct error *err)
{
	if (run->stop.kind && !run->tally.n_bad) {
		error_move(err, &run->stop);
		return false;
	}
	return tally_result(
		&run->tally, inventory_count(run->batch->inventory), err);
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
	return run->out < 0 || bundle_secrets_check(batch, run->out, err);
}

static void close_parts(struct run *run)
{
	workers_free(run->workers);
	progress_free(run->progress);
	release_free(run->release);
	tally_release(&run->tally);
	error_release(&run->stop);
	if (run->out >= 0)
		close(run->out);
	free(run->sent);
	free(run->again);
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
		if (!update_secrets(&run, &why))
			stop(&run, &why);
		done = summarize(&run, err);
	}
	close_parts(&run);
	return done;
}
