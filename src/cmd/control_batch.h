/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_CONTROL_BATCH_H
#define CMD_CONTROL_BATCH_H

#include "cmd/control_item.h"
#include "cmd/tally.h"

/*
 * Trees of the control plane that are issued together: decided under one lock,
 * made one after the other, recorded and published in one transaction
 * (cmd/control_item.h, pki/release.h).
 *
 * Who starts one fills in `shared`, and adds the plan of each tree.
 */
struct control_batch {
	struct control_run shared;
	bool clock_back;
	struct control_item *items;
	size_t n_items, allocated;
};

/* When what each authority signs ends, by --validity, or NULL, else by the
 * cluster file. */
MUST_CHECK bool control_batch_lifetimes(const struct context *context,
	const struct authorities *authorities, const char *validity, bool quiet,
	struct lifetime ret_lifetimes[CONTROL_AUTHORITIES], struct error *err);

/* What this host of the topology is for. */
unsigned control_batch_roles(const struct topology *topology, const char *host);

/* Takes the plan. */
void control_batch_add(
	struct control_batch *batch, struct control_plan *taken_plan);

/* Does all it can: each item has its row in the report, and what was not done is
 * in the tally.  False: something failed that is no item's own. */
MUST_CHECK bool control_batch_run(struct control_batch *batch,
	struct report *report, struct tally *tally, struct error *err);

void control_batch_release(struct control_batch *batch);

#endif
