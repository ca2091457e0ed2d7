/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TALLY_H
#define CMD_TALLY_H

#include "base/memory.h"

/*
 * What a batch answers with: it does all it can, and fails with the worst of
 * what was not done.
 */
struct tally {
	const char *noun; /* NULL: "node" */
	size_t n_bad;
	struct error first; /* of the worst kind so far */
};

/* One of them that was not done, and why; nothing when `why` is not set. */
void tally_add(struct tally *tally, const char *name, const struct error *why);

/* False with one summary error when any of so many was not done. */
MUST_CHECK bool tally_result(struct tally *tally, size_t n_nodes,
	struct error *err);

void tally_release(struct tally *tally);
DEFINE_AUTO_RELEASE(tally)

#endif
