/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_DRAFT_H
#define BASE_DRAFT_H

#include "base/memory.h"
#include <sys/types.h>

/*
 * A file that appears under its name whole and durable, or not at all.
 *
 *	draft_open     a file without a name in a directory
 *	  write        to draft.fd, in any way
 *	draft_publish  syncs it, gives it its name, syncs the directory
 *
 * A process that dies in between leaves nothing behind, where the file system
 * has files without a name (O_TMPFILE); elsewhere a hidden file,
 * ".kpki-draft-<random>".  For files that can be made again; what must not get
 * lost goes through pki/release.h.
 */
struct draft {
	int dir; /* borrowed */
	int fd;
	char *name; /* where it could not do without */
};
#define DRAFT_INIT {-1, -1, NULL}

#define DRAFT_PREFIX ".kpki-draft-"

MUST_CHECK bool draft_open(int dir, mode_t mode, struct draft *ret_draft,
	struct error *err);

/* Never replaces unless told to: *ret_exists tells that the name is taken
 * (then err is not set and the answer is false). */
MUST_CHECK bool draft_publish(struct draft *draft, const char *name,
	bool replace, bool *ret_exists, struct error *err);

void draft_release(struct draft *draft);
DEFINE_AUTO_RELEASE(draft)

#endif
