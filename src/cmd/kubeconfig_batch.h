/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_KUBECONFIG_BATCH_H
#define CMD_KUBECONFIG_BATCH_H

#include "cmd/context.h"
#include "kube/inventory.h"
#include "kube/token.h"

/*
 * Bootstrap-kubeconfigs, which can be made again from their tokens and so are
 * in no ledger: one that is there and says the same is unchanged, one that says
 * something else is refused unless it is to be replaced.
 */

/* The kubeconfig with a gap for the token's secret; ERROR_REFUSED when the
 * token is not good for authentication.  The cluster has a server. */
MUST_CHECK bool kubeconfig_of_token(struct context *context,
	const struct token *token, struct gap *ret_gap, struct error *err);

/* path is relative to dir, or to the working directory when dir is AT_FDCWD.
 * *ret_fresh false: it was there. */
MUST_CHECK bool kubeconfig_save(int dir, const char *path,
	const struct gap *gap, const struct token *token, bool replace,
	bool *ret_fresh, struct error *err);

/*
 * OUT/NODE.kubeconfig for each node.  The tokens are a directory that kpki
 * token wrote, or a file with many: a token is a node's when it has the node's
 * own group.
 */
struct kubeconfig_batch {
	struct context *context;
	const struct inventory *inventory;
	const char *token_from;
	const char *out;
	bool replace;
};

/* Does all it can and reports each node, as batch_run; rows are of
 * token_columns. */
MUST_CHECK bool kubeconfig_batch_run(const struct kubeconfig_batch *batch,
	struct report *report, struct error *err);

#endif
