/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PLACEMENT_H
#define BASE_PLACEMENT_H

#include "base/draft.h"
#include "base/file.h"

/*
 * Several files that are put in their places one after the other, once all of
 * them are written.
 *
 * Each appears under its name whole and durable, or not at all (base/draft.h),
 * in the order of the list, and none before the last is written and synced: a
 * full disk shows before anything is in place.  What fails after that takes the
 * new files away again, unless one was replaced already: then what is done
 * stays, as after a crash, and whoever tries again finds the rest to do.
 */
enum placement_way {
	PLACEMENT_KEEP,    /* what is there is what is wanted */
	PLACEMENT_NEW,     /* nothing is there; ERROR_FAILED if something is */
	PLACEMENT_REPLACE, /* in one step */
};

struct placement {
	enum placement_way way;
	int dir;          /* borrowed, as all that follows */
	const char *name;
	const char *link; /* a symbolic link that says so; NULL: a file of … */
	mode_t mode;
	const struct file_part *parts;
	size_t n_parts;

	struct draft draft; /* placement_all's own */
};

MUST_CHECK bool placement_all(struct placement *list, size_t n,
	struct error *err);

#endif
