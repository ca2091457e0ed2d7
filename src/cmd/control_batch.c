/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/control_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "cmd/interrupt.h"

bool control_batch_lifetimes(const struct context *context,
	const struct authorities *authorities, const char *validity, bool quiet,
	struct lifetime ret_lifetimes[CONTROL_AUTHORITIES], struct error *err)
{
	char until[INSTANT_TEXT];

	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++) {
		const struct certificate *ca =
			authority_certificate(authorities->all[i]);
		bool clamped = false;

		if (!profile_lifetime(ca, validity, context->cluster->validity,
			    context->now, &ret_lifetimes[i], &clamped, err))
			return context_blame(err, "--validity");
		if (clamped)
			note(quiet, "certificates of %s end with it, %s",
				control_authority_name(i),
				instant_format(
					ret_lifetimes[i].not_after, until));
	}
	return true;
}

unsigned control_batch_roles(const struct topology *topology, const char *name)
{
	struct node host;

	if (!inventory_find(topology->hosts, name, &host))
		return ROLE_ETCD;
	return topology->etcd_hosts ? ROLE_CONTROL : ROLE_CONTROL | ROLE_ETCD;
}

void control_batch_add(
	struct control_batch *batch, struct control_plan *taken_plan)
{
	batch->items = memory_grow(batch->items, &batch->allocated,
		batch->n_items + 1, sizeof(*batch->items));
	control_item_init(
		&batch->items[batch->n_items++], &batch->shared, taken_plan);
}

void control_batch_release(struct control_batch *batch)
{
	for (size_t i = 0; i < batch->n_items; i++)
		control_item_release(&batch->items[i]);
	free(batch->items);
}

/* -- deciding -- */

static bool decide(struct control_batch *batch, struct error *err)
{
	struct context *context = batch->shared.context;
	AUTO_CLOSE out =
		open(batch->shared.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = true;

	if (out < 0 && errno != ENOENT)
		return error_errno(
			err, "output directory \"%s\"", batch->shared.out);
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	for (size_t i = 0; done && i < batch->n_items; i++)
		done = control_item_decide(&batch->items[i], out, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- issuing -- */

/* Somebody else was faster; if it was a twin, all is as it should be. */
static void decide_again(struct control_batch *batch, const struct release *release,
	struct control_item *item)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the race is what counts */
	struct control_run patient = batch->shared;
	struct context *context = batch->shared.context;
	struct control_item again;
	bool done;

	patient.reissue = patient.named = false;
	control_item_init(&again, &patient,
		control_plan_new(batch->shared.kit, item->plan->roles,
			&item->plan->host));
	done = ledger_lock(context->ledger, FILE_LOCK_SHARED,
		       context->lock_timeout, &ignored) &&
	       control_item_decide(&again, release_output(release), &ignored);
	ledger_unlock(context->ledger);
	if (done && !again.error.kind && !again.wanted) {
		struct control_item before = *item;

		*item = again;
		item->run = &batch->shared;
		again = before;
	}
	control_item_release(&again);
}

static bool commit(struct control_batch *batch, struct release *release, struct error *err)
{
	struct release_item *offers =
		memory_new(batch->n_items + 1, sizeof(*offers));
	struct control_item **made =
		memory_new(batch->n_items + 1, sizeof(*made));
	size_t n = 0;
	bool done;

	for (size_t i = 0; i < batch->n_items; i++) {
		if (!batch->items[i].issued)
			continue;
		made[n] = &batch->items[i];
		offers[n++] = control_item_offer(&batch->items[i]);
	}
	done = n == 0 || release_commit(release, offers, n, err);
	for (size_t i = 0; i < n; i++) {
		if (done)
			control_item_settle(made[i], &offers[i]);
		else
			made[i]->issued = false;
		error_release(&offers[i].error);
		if (done && offers[i].state == RELEASE_RACED)
			decide_again(batch, release, made[i]);
	}
	free(made);
	free(offers);
	return done;
}

static bool issue(struct control_batch *batch, struct error *err)
{
	const struct release_settings settings = {
		.lock_timeout = batch->shared.context->lock_timeout,
		.clock_back = batch->clock_back,
		.n_workers = 1,
		.warn = context_warn};
	AUTO_FREE(release) release = NULL;
	bool any = false;

	for (size_t i = 0; i < batch->n_items; i++)
		any = any || batch->items[i].wanted;
	if (!any)
		return true;
	if (!release_open(batch->shared.context->ledger, batch->shared.out,
		    &settings, &release, err))
		return false;
	for (size_t i = 0; i < batch->n_items; i++) {
		if (!batch->items[i].wanted)
			continue;
		if (interrupted())
			return error_set(err, ERROR_FAILED, "interrupted");
		control_item_make(
			&batch->items[i], release_directory(release, 0));
	}
	return commit(batch, release, err) && release_close(release, err);
}

/* Why an item that was to be issued, or may have been, was not. */
static void fail_rest(
	struct control_batch *batch, bool decided, const struct error *why)
{
	for (size_t i = 0; i < batch->n_items; i++) {
		struct control_item *item = &batch->items[i];

		if ((item->wanted || !decided) && !item->issued &&
			!item->error.kind)
			error_set(&item->error, why->kind, "%s", why->message);
	}
}

static void report_items(const struct control_batch *batch,
	struct report *report, struct tally *tally)
{
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct control_item *item = &batch->items[i];

		report_row(report, control_item_row(item));
		tally_add(tally, item->plan->name, &item->error);
	}
}

bool control_batch_run(struct control_batch *batch, struct report *report,
	struct tally *tally, struct error *err)
{
	bool decided = decide(batch, err);
	bool done = decided && issue(batch, err);

	if (!done)
		fail_rest(batch, decided, err);
	report_items(batch, report, tally);
	return done;
}
