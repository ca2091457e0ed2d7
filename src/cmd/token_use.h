/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TOKEN_USE_H
#define CMD_TOKEN_USE_H

#include "cmd/context.h"
#include "kube/token.h"

/* ERROR_REFUSED unless the token is good for this, as far as it says itself and
 * as the ledger knows of it; a warning when another was made for its node. */
MUST_CHECK bool token_use(struct context *context, const struct token *token,
	enum token_usage usage, struct error *err);

#endif
