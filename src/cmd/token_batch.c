/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/token_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cmd/interrupt.h"
#include "cmd/tally.h"
#include "cmd/token_all.h"
#include "kube/token_read.h"
#include "pki/release.h"

/* As many share one sync and one transaction; and their secrets fit into the
 * arena (base/secret.c). */
#define CHUNK_NODES 256

/* Who loses a race looks again; how often. */
#define TRIES 3

struct token_slot {
	struct node node;
	char *target;
	struct token *token; /* to be issued, or the one that is there */
	char *id;
	bool issue, replace, issued;
	int64_t supersedes;
	struct sha256 hash;
	struct ledger_token entry;
	struct error error;
};

struct run {
	const struct token_batch *batch;
	struct report *report;
	struct progress *progress;
	struct release *release; /* NULL until something is issued */
	int out;		 /* -1 until it is there */
	struct token_slot slots[CHUNK_NODES];
	size_t n_slots, next;
	struct tally tally;
	struct error stop; /* why the rest is not even tried */
};

char *token_batch_name(const char *node)
{
	return memory_format("%s.yaml", node);
}

static void slot_release(struct token_slot *slot)
{
	token_free(slot->token);
	free(slot->target);
	free(slot->id);
	error_release(&slot->error);
	memset(slot, 0, sizeof(*slot));
}

/* -- deciding: under the ledger's lock -- */

static void refuse(struct token_slot *slot, const char *format, ...)
	PRINTF(2, 3);

static void refuse(struct token_slot *slot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(&slot->error, ERROR_REFUSED, format, args);
	va_end(args);
}

/* The token in the node's place; NULL when it is something else. */
static bool read_place(struct run *run, const struct token_slot *slot,
	struct token **ret_token, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/%s", run->batch->out, slot->target);
	AUTO_RELEASE(error) why = ERROR_INIT;
	AUTO_FREE(source) source = NULL;
	struct stat status;

	if (fstatat(run->out, slot->target, &status, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "\"%s\"", path);
	if (!S_ISREG(status.st_mode))
		return true;
	if (!source_open(path, TOKEN_SOURCE_MAX, &source, err))
		return false;
	if (token_read_one(source, ret_token, &why) || why.kind != ERROR_FAILED)
		return true;
	error_move(err, &why);
	return false;
}

static void set_token(
	struct token_slot *slot, struct token **taken_token, char *taken_id)
{
	token_free(slot->token);
	free(slot->id);
	slot->token = take(taken_token);
	slot->id = taken_id;
}

static void plan_issue(struct token_slot *slot, bool replace)
{
	slot->issue = true;
	slot->replace = replace;
}

/* The file has the node's live token: does it say what is wanted? */
static void decide_live(
	const struct run *run, struct token_slot *slot, struct token **there)
{
	AUTO_TEXT is = token_format_usages((*there)->usages);
	AUTO_TEXT wanted = token_format_usages(slot->token->usages);
	bool same_groups = !strcmp((*there)->groups, slot->token->groups);

	if (same_groups && !strcmp(is, wanted))
		set_token(slot, there, memory_text((*there)->id));
	else if (run->batch->reissue)
		plan_issue(slot, true);
	else if (!same_groups)
		refuse(slot,
			"differs: its token has the groups \"%s\"; --reissue "
			"makes another",
			(*there)->groups);
	else
		refuse(slot,
			"differs: its token is for \"%s\"; --reissue makes "
			"another",
			is);
}

static bool decide_place(struct run *run, struct token_slot *slot, bool is_live,
	struct error *err)
{
	AUTO_FREE(token) there = NULL;
	struct ledger_row row;
	bool known = false;

	if (!read_place(run, slot, &there, err) ||
		(there && !ledger_token(run->batch->context->ledger, there->id,
				  run->batch->context->now, &row, &known, err)))
		return false;
	if (!known || strcmp(row.name, slot->node.name))
		refuse(slot,
			"\"%s/%s\": is there and holds no token of this node; "
			"move it away",
			run->batch->out, slot->target);
	else if (is_live && row.event == slot->supersedes)
		decide_live(run, slot, &there);
	else
		plan_issue(slot, true);
	return true;
}

static bool decide(struct run *run, struct token_slot *slot, struct error *err)
{
	struct context *context = run->batch->context;
	AUTO_FREE(token) fresh = NULL;
	struct ledger_row row;
	bool is_live = false;

	slot->issue = slot->replace = false;
	error_release(&slot->error);
	if (!token_make(run->batch->wish, slot->node.name, context->ledger,
		    &fresh, err) ||
		!ledger_token_of(context->ledger, slot->node.name, context->now,
			&row, &is_live, err))
		return false;
	slot->supersedes = is_live ? row.event : 0;
	set_token(slot, &fresh, NULL);
	slot->id = memory_text(slot->token->id);
	if (run->out >= 0 && file_exists(run->out, slot->target))
		return decide_place(run, slot, is_live, err);
	plan_issue(slot, false);
	return true;
}

/* Those that are still open. */
static bool decide_slots(
	struct run *run, bool again, size_t *ret_n, struct error *err)
{
	struct context *context = run->batch->context;
	bool done = true;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	*ret_n = 0;
	for (size_t i = 0; done && i < run->n_slots; i++) {
		struct token_slot *slot = &run->slots[i];

		if (again && !slot->issue)
			continue;
		done = decide(run, slot, err) ||
		       error_context(err, "node \"%s\"", slot->node.name);
		*ret_n += done && slot->issue;
	}
	ledger_unlock(context->ledger);
	return done;
}

/* -- issuing -- */

static bool open_release(struct run *run, struct error *err)
{
	const struct release_settings settings = {
		.lock_timeout = run->batch->context->lock_timeout,
		.clock_back = run->batch->clock_back,
		.n_workers = 1,
		.warn = context_warn};

	if (run->release)
		return true;
	if (!release_open(run->batch->context->ledger, run->batch->out,
		    &settings, &run->release, err))
		return false;
	if (run->out < 0)
		run->out = dup(release_output(run->release));
	return run->out >= 0 || error_errno(err, "\"%s\"", run->batch->out);
}

static struct release_item offer(struct token_slot *slot)
{
	slot->entry = token_entry(
		slot->token, slot->id, slot->node.name, slot->supersedes);
	return (struct release_item){.name = slot->node.name,
		.staged = slot->target,
		.target = slot->target,
		.witness = "",
		.hash = slot->hash,
		.replace = slot->replace,
		.token = &slot->entry};
}

/* *ret_raced: one lost a race, and is still to be issued. */
static void settle(
	struct token_slot *slot, struct release_item *item, bool *ret_raced)
{
	slot->issued = item->state == RELEASE_PUBLISHED;
	slot->issue = item->state == RELEASE_RACED;
	*ret_raced = *ret_raced || slot->issue;
	if (item->error.kind)
		error_move(&slot->error, &item->error);
}

static bool issue_slots(struct run *run, bool *ret_raced, struct error *err)
{
	struct release_item items[CHUNK_NODES];
	struct token_slot *offered[CHUNK_NODES];
	size_t n = 0;

	*ret_raced = false;
	for (size_t i = 0; i < run->n_slots; i++) {
		struct token_slot *slot = &run->slots[i];

		if (!slot->issue)
			continue;
		if (!token_stage(slot->token, TOKEN_MANIFEST,
			    release_directory(run->release, 0), slot->target,
			    &slot->hash, err))
			return false;
		offered[n] = slot;
		items[n++] = offer(slot);
	}
	if (!release_commit(run->release, items, n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		settle(offered[i], &items[i], ret_raced);
	return true;
}

static bool do_chunk(struct run *run, struct error *err)
{
	bool raced = false;
	size_t n = 0;

	for (int i = 0; i < TRIES && (i == 0 || raced); i++) {
		if (!decide_slots(run, i > 0, &n, err))
			return false;
		raced = false;
		if (n > 0 && (!open_release(run, err) ||
				     !issue_slots(run, &raced, err)))
			return false;
	}
	return true;
}

/* -- reporting -- */

static const char *status_of(const struct token_slot *slot)
{
	if (slot->issued)
		return "issued";
	if (slot->error.kind == ERROR_NONE)
		return "unchanged";
	return slot->error.kind == ERROR_REFUSED ? "refused" : "failed";
}

static void report_slot(struct run *run, const struct token_slot *slot)
{
	bool fine = slot->error.kind == ERROR_NONE;
	AUTO_TEXT path = memory_format("%s/%s", run->batch->out, slot->target);

	report_row(run->report,
		token_row(status_of(slot), slot->node.name,
			fine ? slot->token : NULL, fine ? slot->id : NULL,
			fine ? path : NULL, slot->error.message));
	tally_add(&run->tally, slot->node.name, &slot->error);
}

/* -- the whole -- */

static void stop(struct run *run, struct error *why)
{
	if (run->stop.kind)
		error_release(why);
	else
		error_move(&run->stop, why);
}

static void begin_chunk(struct run *run)
{
	size_t left = inventory_count(run->batch->inventory) - run->next;

	run->n_slots = left < CHUNK_NODES ? left : CHUNK_NODES;
	for (size_t i = 0; i < run->n_slots; i++) {
		struct token_slot *slot = &run->slots[i];

		slot->node =
			inventory_node(run->batch->inventory, run->next + i);
		slot->target = token_batch_name(slot->node.name);
		slot->issue = true;
	}
	run->next += run->n_slots;
}

static void end_chunk(struct run *run)
{
	for (size_t i = 0; i < run->n_slots; i++) {
		struct token_slot *slot = &run->slots[i];

		if (run->stop.kind && slot->issue && !slot->error.kind)
			error_set(&slot->error, run->stop.kind, "%s",
				run->stop.message);
		report_slot(run, slot);
		slot_release(slot);
	}
	progress_update(run->progress, run->next);
}

static void run_chunks(struct run *run)
{
	while (run->next < inventory_count(run->batch->inventory)) {
		struct error why = ERROR_INIT;

		begin_chunk(run);
		if (interrupted() && !run->stop.kind)
			error_set(&run->stop, ERROR_FAILED, "interrupted");
		if (!run->stop.kind && !do_chunk(run, &why))
			stop(run, &why);
		end_chunk(run);
	}
}

/* Also after a failure: what was published is in it. */
static bool update_all(struct run *run, struct error *err)
{
	struct context *context = run->batch->context;
	bool done;

	if (run->out < 0)
		return true;
	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = token_all_update(run->out, run->batch->out, err);
	ledger_unlock(context->ledger);
	return done;
}

static bool open_run(struct run *run, struct error *err)
{
	const struct token_batch *batch = run->batch;

	run->progress = progress_new(
		"tokens", inventory_count(batch->inventory), batch->quiet);
	run->out = open(batch->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run->out < 0 && errno != ENOENT)
		return error_errno(err, "output directory \"%s\"", batch->out);
	return true;
}

static bool close_run(struct run *run, struct error *err)
{
	struct error why = ERROR_INIT;

	if (run->release && !release_close(run->release, &why))
		stop(run, &why);
	if (!update_all(run, &why))
		stop(run, &why);
	if (run->stop.kind && !run->tally.n_bad) {
		error_move(err, &run->stop);
		return false;
	}
	return tally_result(
		&run->tally, inventory_count(run->batch->inventory), err);
}

bool token_batch_run(const struct token_batch *batch, struct report *report,
	struct error *err)
{
	struct run *run = memory_new(1, sizeof(*run));
	bool done;

	run->batch = batch;
	run->report = report;
	run->out = -1;
	done = open_run(run, err);
	if (done) {
		run_chunks(run);
		done = close_run(run, err);
	}
	progress_free(run->progress);
	release_free(run->release);
	tally_release(&run->tally);
	error_release(&run->stop);
	file_auto_close(&run->out);
	free(run);
	return done;
}
