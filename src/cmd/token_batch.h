/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TOKEN_BATCH_H
#define CMD_TOKEN_BATCH_H

#include "cmd/context.h"
#include "cmd/token_make.h"
#include "kube/inventory.h"

/*
 * A token for each node: OUT/NODE.yaml, and all of the directory's in one,
 * OUT/bootstrap_tokens.yaml (no node has a "_" in its name).
 *
 *	no file, or one whose token has expired or was superseded    issue
 *	a file with the node's live token                            unchanged
 *	… that differs in groups or usages                           refused;
 *	                                                             issue with
 *	                                                             reissue
 *	anything else in its place                                   refused
 *
 * What the ledger had live for the node is superseded by what is issued.
 */
struct token_batch {
	struct context *context;
	const struct inventory *inventory;
	const struct token_wish *wish;
	const char *out;
	bool reissue;
	bool clock_back;
	bool quiet;
};

#define TOKEN_BATCH_ALL "bootstrap_tokens.yaml"

/* The file of one node, for free(). */
char *token_batch_name(const char *node);

/* Does all it can and reports each node, as batch_run. */
MUST_CHECK bool token_batch_run(const struct token_batch *batch,
	struct report *report, struct error *err);

#endif
