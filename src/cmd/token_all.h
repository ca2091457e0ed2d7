/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TOKEN_ALL_H
#define CMD_TOKEN_ALL_H

#include "base/draft.h"
#include "base/error.h"

/*
 * Brings the combined manifest of a directory of tokens up to date: every file
 * that has a node's name and holds one token, in the order of names.  Written
 * only when it would change.  path is the directory's, for messages; to be
 * called under an exclusive lock that all who write there take.
 */
MUST_CHECK bool token_all_update(int out, const char *path, struct error *err);

/* Puts this draft of it in its place, unless it says the same. */
MUST_CHECK bool token_all_publish(int out, struct draft *draft,
	struct error *err);

#endif
