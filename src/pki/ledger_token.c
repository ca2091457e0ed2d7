/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <string.h>

static struct cell cell_id(const char *id)
{
	return cell_blob(id, strlen(id));
}

static bool require_unused(
	struct ledger *ledger, const char *id, struct error *err)
{
	int64_t seq = 0;
	bool found = false;

	if (!ledger_ask(ledger, SQL_TOKEN_ID, CELLS(cell_id(id)), &seq, 1,
		    &found, err))
		return false;
	return !found ||
	       error_set(err, ERROR_REFUSED,
		       "token \"%s\": the ledger has this id already", id);
}

/* *ret_old: the event that gives way, or 0. */
static bool require_name(struct ledger *ledger,
	const struct ledger_token *token, int64_t *ret_old, struct error *err)
{
	enum { TOKEN_EVENT, TOKEN_NOT_AFTER, TOKEN_COLUMNS };
	int64_t row[TOKEN_COLUMNS] = {0};
	char until[INSTANT_TEXT];
	bool found = false;

	if (!ledger_ask(ledger, SQL_TOKEN_FIND, CELLS(cell_text(token->name)),
		    row, TOKEN_COLUMNS, &found, err))
		return false;
	if (token->supersedes != 0 && row[TOKEN_EVENT] != token->supersedes)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": the token to replace is no longer live",
			token->name);
	if (found && token->supersedes == 0 &&
		row[TOKEN_NOT_AFTER] >= ledger->now.seconds)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": has a live token until %s", token->name,
			instant_format(
				(struct instant){row[TOKEN_NOT_AFTER]}, until));
	*ret_old = row[TOKEN_EVENT];
	return true;
}

static bool add_event(struct ledger *ledger, const struct ledger_token *token,
	struct event *event, struct error *err)
{
	*event = (struct event){
		.cells = {[EVENT_KIND] =
				  cell_text(ledger_kind_name(LEDGER_TOKEN)),
			[EVENT_SERIAL] = cell_id(token->id),
			[EVENT_PROFILE] = cell_text(token->kind),
			[EVENT_NAME] = cell_text(token->name),
			[EVENT_DETAIL] = cell_text(token->groups),
			[EVENT_NOT_BEFORE] = cell_integer(ledger->now.seconds),
			[EVENT_NOT_AFTER] =
				cell_integer(token->not_after.seconds)}};
	if (token->ca) {
		event->cells[EVENT_CA] = cell_integer(token->ca);
		event->cells[EVENT_BODY] =
			cell_blob(token->body.bytes, token->body.len);
	}
	return ledger_chain_append(ledger, event, err);
}

bool ledger_add_token(struct ledger *ledger, const struct ledger_token *token,
	int64_t *ret_event, struct error *err)
{
	bool of_node = *token->name != '\0';
	struct event event;
	int64_t old = 0;

	if (!require_unused(ledger, token->id, err) ||
		(of_node && !require_name(ledger, token, &old, err)) ||
		!ledger_supersede(ledger, old, err) ||
		!add_event(ledger, token, &event, err) ||
		(of_node && !ledger_change(ledger, SQL_TOKEN_ADD,
				    CELLS(event.cells[EVENT_NAME],
					    event.cells[EVENT_SEQ],
					    event.cells[EVENT_NOT_AFTER]),
				    err)))
		return false;
	*ret_event = event_integer(&event, EVENT_SEQ);
	return true;
}

/* The row of an event that a look-up found, which must say the same. */
static bool read_row(struct ledger *ledger, int64_t seq,
	enum event_column column, const struct cell *key, struct instant now,
	struct ledger_row *ret_row, struct error *err)
{
	const struct cell *said;
	struct event event;

	if (!ledger_chain_read(ledger, seq, &event, err))
		return false;
	said = &event.cells[column];
	if (!event_is(&event, LEDGER_TOKEN) || said->len != key->len ||
		memcmp(said->bytes, key->bytes, key->len) != 0)
		return ledger_damaged(ledger, err,
			"what is live was changed: entry %lld is no token of "
			"\"%.*s\"",
			(long long)seq, (int)key->len,
			(const char *)key->bytes);
	return ledger_row_of(ledger, &event, now, ret_row, err);
}

bool ledger_token(struct ledger *ledger, const char *id, struct instant now,
	struct ledger_row *ret_row, bool *ret_found, struct error *err)
{
	struct cell key = cell_id(id);
	int64_t seq = 0;
	bool found = false;

	if (!ledger_ask(ledger, SQL_TOKEN_ID, &key, 1, &seq, 1, &found, err) ||
		(found && !read_row(ledger, seq, EVENT_SERIAL, &key, now,
				  ret_row, err)))
		return false;
	*ret_found = found;
	return true;
}

bool ledger_token_last(struct ledger *ledger, const char *name,
	struct instant now, struct ledger_row *ret_row, bool *ret_found,
	struct error *err)
{
	struct cell key = cell_text(name);
	int64_t row[2] = {0};
	bool found = false;

	if (!ledger_ask(ledger, SQL_TOKEN_FIND, &key, 1, row, ARRAY_SIZE(row),
		    &found, err) ||
		(found && !read_row(ledger, row[0], EVENT_NAME, &key, now,
				  ret_row, err)))
		return false;
	*ret_found = found;
	return true;
}

bool ledger_token_of(struct ledger *ledger, const char *name,
	struct instant now, struct ledger_row *ret_row, bool *ret_found,
	struct error *err)
{
	bool found = false;

	if (!ledger_token_last(ledger, name, now, ret_row, &found, err))
		return false;
	*ret_found = found && ret_row->not_after.seconds >= now.seconds;
	return true;
}
