/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_CONTROL_ITEM_H
#define CMD_CONTROL_ITEM_H

#include "cli/report.h"
#include "cmd/authorities.h"
#include "cmd/context.h"
#include "kube/control_plane.h"
#include "kube/place.h"
#include "pki/release.h"

/*
 * One tree of the control plane on its way through `kpki control-plane`:
 * decided, made and staged, offered to the release, settled, reported.
 *
 * Decided by the rules of cmd/decision.h, but all certificates of a tree go
 * together: one that differs, is missing or whose file is not as it was re-issues
 * the whole tree.
 */
struct control_run {
	struct context *context;
	const struct authorities *authorities;
	const struct control_kit *kit;
	struct lifetime lifetimes[CONTROL_AUTHORITIES];
	enum bundle_format format;
	enum layout layout;
	bool ca_key; /* goes with the trees */
	const char *out;
	bool reissue;
	bool staged; /* only what differs is issued anew */
	bool named; /* the hosts were named on the command line */
	/* See struct batch: by who issued it, and of a host that has the key for
	 * service accounts. */
	int64_t since[CONTROL_AUTHORITIES], since_shared;
	struct instant archive_time; /* mtime of tar members */
};

struct control_held; /* what the ledger holds live */

struct control_item {
	const struct control_run *run;
	struct control_plan *plan; /* owned */
	char *target;
	struct control_held *held; /* of the plan's certificates */
	bool wanted;  /* to be issued */
	bool present; /* the tree is in its place, and whole */
	bool replace; /* a predecessor stands there */
	bool issued;  /* so far: made; in the end: published */
	struct error error; /* why it is not done */
	/* made */
	struct control_tree *tree;
	struct sha256 hash; /* of the witness, or the tar */
	/* offered */
	struct ledger_issue *issues;
	char **details; /* of the issues */
};

/* Takes the plan. */
void control_item_init(struct control_item *item,
	const struct control_run *run, struct control_plan *taken_plan);

/* Under any lock of the ledger; out is -1 when there is no output directory.
 * False only when the ledger failed. */
MUST_CHECK bool control_item_decide(
	struct control_item *item, int out, struct error *err);

/* What fails is kept in the item. */
void control_item_make(struct control_item *item, int stage);

/* What the release is to record; points into the item. */
struct release_item control_item_offer(struct control_item *item);
void control_item_settle(
	struct control_item *item, struct release_item *offer);

extern const struct report_column control_columns[];
struct document *control_item_row(const struct control_item *item);

void control_item_release(struct control_item *item);

#endif
