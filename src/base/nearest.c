/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/nearest.h"

#include <string.h>

enum { WORD_MAX_LEN = 64, FAR = 3, BEGINNING = 3 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Edits between two words of at most WORD_MAX_LEN bytes, where no part of a
 * word is edited twice. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][WORD_MAX_LEN + 1] = {{0}};
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		before = above;
		above = row;
		row = spare;
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], above[j] + 1);
			row[j] = least(row[j], row[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

/* The beginning of a word, typed by who thought that it would do. */
static const char *only_completion(
	const char *word, const char *const candidates[], size_t n_candidates)
{
	size_t len = strlen(word);
	const char *found = NULL;

	for (size_t i = 0; i < n_candidates; i++) {
		if (len < BEGINNING || strncmp(word, candidates[i], len) != 0)
			continue;
		if (found)
			return NULL;
		found = candidates[i];
	}
	return found;
}

const char *nearest(
	const char *word, const char *const candidates[], size_t n_candidates)
{
	size_t len = strlen(word);
	unsigned best = least((unsigned)(len / 3), FAR) + 1;
	const char *found = NULL;

	if (len > WORD_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n_candidates; i++) {
		unsigned edits;

		if (strlen(candidates[i]) > WORD_MAX_LEN)
			continue;
		edits = distance(word, candidates[i]);
		if (edits < best) {
			best = edits;
			found = candidates[i];
		}
	}
	return found ? found
		     : only_completion(word, candidates, n_candidates);
}
