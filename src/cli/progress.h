/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/memory.h"

/*
 * A bar on standard error when that is a terminal; silence in a pipe, with
 * --quiet, or when the total is below 50.  Redrawn at most ten times a second,
 * erased at the end, so it never mixes with a report.
 */
struct progress;

/* NULL when nothing will be drawn, which the other calls take as well.  Not
 * for several threads at once.  `what` is a word of at most 12 letters. */
struct progress *progress_new(const char *what, size_t total, bool quiet);
void progress_update(struct progress *progress, size_t done);
void progress_free(struct progress *progress); /* erases */

#endif
