/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SLOT_H
#define CMD_SLOT_H

#include "cmd/decision.h"
#include "pki/release.h"

/*
 * One node on its way through a batch: decided, made and staged, offered to
 * the release, reported.  Each step is called once, in this order; only
 * slot_make runs on a worker's thread.
 */
struct slot {
	const struct batch *batch;
	struct node node;
	char *target;             /* its name in the output directory */
	struct decision decision; /* filled by decide() */
	struct error error;       /* why it is not done, whatever the verdict */
	bool issued;              /* so far: made; in the end: published */
	bool raced;               /* the release refused it */
	/* made */
	unsigned worker;
	struct bundle_certificate certificates[DECISION_PROFILES];
	size_t n_certificates;
	char *witness;
	struct sha256 hash;
	/* offered */
	struct ledger_issue issues[DECISION_PROFILES];
	struct ledger_token token;
	const char **addresses; /* the node's name, then its addresses */
};

void slot_init(struct slot *slot, const struct batch *batch,
	struct node node);

/* Makes the bundle and writes it into the directory `stage` of this worker.
 * What fails is kept in the slot. */
void slot_make(struct slot *slot, int stage, unsigned worker, bool verify);

/* What the release is to record; points into the slot. */
struct release_item slot_offer(struct slot *slot);

/* The report's row, of batch_columns; for report_row. */
struct document *slot_row(const struct slot *slot);

void slot_release(struct slot *slot);

#endif
