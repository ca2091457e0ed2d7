/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TOKEN_MAKE_H
#define CMD_TOKEN_MAKE_H

#include "cli/option.h"
#include "cli/report.h"
#include "kube/token.h"
#include "pki/ledger.h"

/*
 * A token as it was asked for, on its way into the ledger, a file and the
 * report.
 */
struct token_wish {
	enum token_kind kind;
	enum token_format format;
	unsigned usages;
	bool expires;
	struct instant expiry;
	const struct text_list *groups; /* checked */
	const char *description;        /* or NULL */
	const char *user, *uid;         /* of a static token */
};

/* Draws one whose id the ledger, which is locked, has not seen.  For a node it
 * is also in the node's own group, and described by its name unless told
 * otherwise; node may be NULL. */
MUST_CHECK bool token_make(const struct token_wish *wish, const char *node,
	struct ledger *ledger, struct token **ret_token, struct error *err);

/* What the ledger is to record; id is token_public_id's, and with the rest
 * borrowed. */
struct ledger_token token_entry(const struct token *token, const char *id,
	const char *node, int64_t supersedes);

/* Writes a new file, 0600, and tells what it holds. */
MUST_CHECK bool token_stage(const struct token *token,
	enum token_format format, int dir, const char *name,
	struct sha256 *ret_hash, struct error *err);

/* "a,b" as a list. */
struct document *token_groups(const char *groups);

/* Rows of these columns; node, path and reason may be NULL. */
extern const struct report_column token_columns[];
struct document *token_row(const char *status, const char *node,
	const struct token *token, const char *id, const char *path,
	const char *reason);

#endif
