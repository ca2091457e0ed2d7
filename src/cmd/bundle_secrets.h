/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BUNDLE_SECRETS_H
#define CMD_BUNDLE_SECRETS_H

#include "cmd/batch.h"

/*
 * What makes the cluster know the tokens that are in bundles: their Secrets.
 *
 * In a directory of bundles they are one file to apply, TOKEN_BATCH_ALL.  It
 * has what it had before, as far as the ledger says that it is live, and the
 * live token of each bundle that is there: so a bundle that was shipped and
 * deleted keeps its Secret, and what a command that was cut short left out, the
 * next puts in.  When nothing is left the file goes.
 *
 * In a stream each node's files are followed by its own, which is sent again
 * when they are.
 */

/* ERROR_INPUT when the file is there and is something else. */
MUST_CHECK bool bundle_secrets_check(const struct batch *batch, int out,
	struct error *err);

/* Under an exclusive lock of the ledger. */
MUST_CHECK bool bundle_secrets_update(const struct batch *batch, int out,
	struct error *err);

/* Appends bootstrap_tokens/NODE.yaml to a tar. */
MUST_CHECK bool bundle_secrets_add(int fd, const char *label,
	const struct node *node, const struct token *token,
	struct instant mtime, struct error *err);

#endif
