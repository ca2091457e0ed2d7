/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

/*
 * "Did you mean …?": the candidate that is the fewest edits away (insert,
 * delete, change, swap of neighbours), or NULL when none is near enough to be
 * a slip of the hand (more than a third of the word's length, or more than
 * three).  The first of equals wins.  A word of three letters or more that only
 * one candidate begins with means that one.
 */
const char *nearest(const char *word, const char *const candidates[],
	size_t n_candidates);

#endif
