/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/token_use.h"

#include <string.h>

#include "cli/note.h"

static bool check_row(
	const struct ledger_row *row, const char *id, struct error *err)
{
	char text[INSTANT_TEXT];

	if (!strcmp(row->status, "live"))
		return true;
	if (!strcmp(row->status, "superseded")) {
		warning("token \"%s\": another was made for node \"%s\" since",
			id, row->name);
		return true;
	}
	if (!strcmp(row->status, "expired"))
		return error_set(err, ERROR_REFUSED,
			"token \"%s\": expired at %s", id,
			instant_format(row->not_after, text));
	return error_set(
		err, ERROR_REFUSED, "token \"%s\": was %s", id, row->status);
}

bool token_use(struct context *context, const struct token *token,
	enum token_usage usage, struct error *err)
{
	AUTO_TEXT id = NULL;
	struct ledger_row row;
	bool found = false, done;

	if (!token_require(token, usage, context->now, err) ||
		!token_public_id(token, &id, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_SHARED,
			context->lock_timeout, err))
		return false;
	done = ledger_token(
		context->ledger, id, context->now, &row, &found, err);
	if (done && found)
		done = check_row(&row, id, err);
	ledger_unlock(context->ledger);
	return done;
}
