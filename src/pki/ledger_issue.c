/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool ledger_authority(struct ledger *ledger, const struct sha256 *pin,
	int64_t *ret_ca, struct error *err)
{
	int64_t ca = 0;
	bool found = false;

	if (!ledger_ask(ledger, SQL_AUTHORITY_FIND,
		    CELLS(cell_blob(pin->bytes, SHA256_LEN)), &ca, 1, &found,
		    err))
		return false;
	*ret_ca = found ? ca : 0;
	return true;
}

static bool is_among(
	const char *const *addresses, size_t n_addresses, const char *address)
{
	for (size_t i = 0; i < n_addresses; i++)
		if (strcmp(addresses[i], address) == 0)
			return true;
	return false;
}

static bool gives_way(const struct ledger_issue *issue, const char *address,
	const char *holder)
{
	return issue->gives_way &&
	       issue->gives_way(issue->gives_way_data, address, holder);
}

/* Whoever has it, now, and is not this name. */
static bool require_free(struct ledger *ledger,
	const struct ledger_issue *issue, const char *address,
	struct error *err)
{
	AUTO_RESET statement = NULL;
	bool row = false;

	if (address[0] == '\0' || strchr(address, '\n') != NULL)
		return error_set(err, ERROR_INPUT,
			"address \"%s\": empty or more than a line", address);
	if (!ledger_query(ledger, SQL_ADDRESS_FIND,
		    CELLS(cell_text(address), cell_integer(issue->ca),
			    cell_text(issue->name),
			    cell_integer(ledger->now.seconds)),
		    &statement, err))
		return false;
	do {
		if (!ledger_step(ledger, statement, &row, err))
			return false;
		if (row &&
			!gives_way(issue, address, ledger_text(statement, 0)))
			return error_set(err, ERROR_REFUSED,
				"address \"%s\": node \"%s\" has it", address,
				ledger_text(statement, 0));
	} while (row);
	return true;
}

static bool require_addresses(struct ledger *ledger,
	const struct ledger_issue *issue, struct error *err)
{
	for (size_t i = 0; i < issue->n_addresses; i++)
		if (!require_free(ledger, issue, issue->addresses[i], err))
			return false;
	return true;
}

/* *ret_old: the event that gives way, or 0. */
static bool require_name(struct ledger *ledger,
	const struct ledger_issue *issue, int64_t *ret_old, struct error *err)
{
	enum { LIVE_EVENT, LIVE_NOT_AFTER, LIVE_COLUMNS };
	int64_t live[LIVE_COLUMNS] = {0};
	char until[INSTANT_TEXT];
	bool found = false;

	if (!ledger_ask(ledger, SQL_LIVE_FIND,
		    CELLS(cell_text(issue->name), cell_text(issue->profile),
			    cell_integer(issue->ca)),
		    live, LIVE_COLUMNS, &found, err))
		return false;
	if (issue->supersedes != 0 && live[LIVE_EVENT] != issue->supersedes)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": the %s certificate to replace is no "
			"longer live",
			issue->name, issue->profile);
	if (found && issue->supersedes == 0 &&
		live[LIVE_NOT_AFTER] >= ledger->now.seconds)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": has a live %s certificate until %s",
			issue->name, issue->profile,
			instant_format(
				(struct instant){live[LIVE_NOT_AFTER]}, until));
	*ret_old = live[LIVE_EVENT];
	return true;
}

/* Drops or adds each of the event's addresses. */
static bool change_addresses(struct ledger *ledger, enum ledger_sql sql,
	const struct event *event, struct error *err)
{
	const char *at = event_text(event, EVENT_ADDRESSES);
	struct cell cells[] = {{0}, event->cells[EVENT_CA],
		event->cells[EVENT_SEQ], event->cells[EVENT_NAME]};

	while (event_next_address(&at, &cells[0]))
		if (!ledger_change(ledger, sql, cells,
			    sql == SQL_ADDRESS_DROP ? 3 : 4, err))
			return false;
	return true;
}

bool ledger_free_names(
	struct ledger *ledger, const struct event *event, struct error *err)
{
	if (event_is(event, LEDGER_TOKEN))
		return ledger_change(ledger, SQL_TOKEN_DROP,
			CELLS(event->cells[EVENT_NAME],
				event->cells[EVENT_SEQ]),
			err);
	return ledger_change(ledger, SQL_LIVE_DROP,
		       CELLS(event->cells[EVENT_NAME],
			       event->cells[EVENT_PROFILE],
			       event->cells[EVENT_CA], event->cells[EVENT_SEQ]),
		       err) &&
	       change_addresses(ledger, SQL_ADDRESS_DROP, event, err);
}

bool ledger_act(struct ledger *ledger, enum ledger_kind kind, int64_t on,
	const char *detail, struct error *err)
{
	struct event event = {
		.cells = {[EVENT_KIND] = cell_text(ledger_kind_name(kind)),
			[EVENT_DETAIL] = cell_text(detail),
			[EVENT_REF] = cell_integer(on)}};

	return ledger_chain_append(ledger, &event, err);
}

bool ledger_supersede(struct ledger *ledger, int64_t old, struct error *err)
{
	struct event event;

	return old == 0 ||
	       (ledger_act(ledger, LEDGER_SUPERSEDED, old, NULL, err) &&
		       ledger_chain_read(ledger, old, &event, err) &&
		       ledger_free_names(ledger, &event, err));
}

static void join_addresses(
	const struct ledger_issue *issue, struct buffer *names)
{
	buffer_reset(names);
	for (size_t i = 0; i < issue->n_addresses; i++) {
		if (is_among(issue->addresses, i, issue->addresses[i]))
			continue;
		if (names->len > 0)
			buffer_add_byte(names, '\n');
		buffer_add_text(names, issue->addresses[i]);
	}
}

static bool add_issued(struct ledger *ledger, const struct ledger_issue *issue,
	struct event *event, struct error *err)
{
	join_addresses(issue, &ledger->names);
	*event = (struct event){
		.cells = {[EVENT_KIND] =
				  cell_text(ledger_kind_name(LEDGER_ISSUED)),
			[EVENT_CA] = cell_integer(issue->ca),
			[EVENT_SERIAL] = cell_blob(
				issue->serial.bytes, issue->serial.len),
			[EVENT_PROFILE] = cell_text(issue->profile),
			[EVENT_NAME] = cell_text(issue->name),
			[EVENT_DETAIL] = cell_text(
				issue->detail == NULL ? "" : issue->detail),
			[EVENT_NOT_BEFORE] =
				cell_integer(issue->not_before.seconds),
			[EVENT_NOT_AFTER] =
				cell_integer(issue->not_after.seconds),
			[EVENT_ADDRESSES] = cell_text(ledger->names.data),
			[EVENT_BODY] =
				cell_blob(issue->body.bytes, issue->body.len)}};
	return ledger_chain_append(ledger, event, err);
}

bool ledger_issue(struct ledger *ledger, const struct ledger_issue *issue,
	int64_t *ret_event, struct error *err)
{
	struct event event;
	int64_t old = 0;

	if (!require_name(ledger, issue, &old, err) ||
		!require_addresses(ledger, issue, err) ||
		!ledger_supersede(ledger, old, err) ||
		!add_issued(ledger, issue, &event, err) ||
		!ledger_change(ledger, SQL_LIVE_ADD,
			CELLS(event.cells[EVENT_NAME],
				event.cells[EVENT_PROFILE],
				event.cells[EVENT_CA], event.cells[EVENT_SEQ],
				event.cells[EVENT_NOT_AFTER]),
			err) ||
		!change_addresses(ledger, SQL_ADDRESS_ADD, &event, err))
		return false;
	*ret_event = event_integer(&event, EVENT_SEQ);
	return true;
}

bool ledger_add_past(struct ledger *ledger, const struct ledger_issue *issue,
	struct error *err)
{
	struct event event;

	return add_issued(ledger, issue, &event, err) &&
	       ledger_act(ledger, LEDGER_SUPERSEDED,
		       event_integer(&event, EVENT_SEQ), NULL, err);
}

bool ledger_add_authority(struct ledger *ledger, const char *profile,
	const struct certificate *certificate, int64_t *ret_ca,
	struct error *err)
{
	struct ledger_issue issue = {
		.ca = ledger_chain_next(ledger),
		.profile = profile,
		.name = "",
		.serial = certificate->serial,
		.not_before = certificate->not_before,
		.not_after = certificate->not_after,
		.body = certificate->whole,
	};
	int64_t ca = 0;

	if (!ledger_authority(ledger, &certificate->pin, &ca, err))
		return false;
	if (ca != 0)
		return error_set(err, ERROR_REFUSED,
			"authority \"%s\": the ledger has it already",
			certificate->subject_text);
	if (!ledger_issue(ledger, &issue, &ca, err) ||
		!ledger_change(ledger, SQL_AUTHORITY_ADD,
			CELLS(cell_integer(ca),
				cell_blob(certificate->pin.bytes, SHA256_LEN)),
			err))
		return false;
	*ret_ca = ca;
	return true;
}

/* Has the event its name still? */
static bool holds_name(struct ledger *ledger, const struct event *event,
	bool *ret_holds, struct error *err)
{
	bool token = event_is(event, LEDGER_TOKEN), found = false;
	int64_t seq = event_integer(event, EVENT_SEQ), holder = 0;
	struct cell keys[] = {event->cells[EVENT_NAME],
		event->cells[EVENT_PROFILE], event->cells[EVENT_CA]};

	if (!ledger_ask(ledger, token ? SQL_TOKEN_FIND : SQL_LIVE_FIND, keys,
		    token ? 1 : ARRAY_SIZE(keys), &holder, 1, &found, err))
		return false;
	*ret_holds = found && holder == seq;
	return true;
}

bool ledger_retire(struct ledger *ledger, int64_t seq, struct error *err)
{
	struct event event;
	bool holds = false;

	if (!ledger_chain_read(ledger, seq, &event, err) ||
		!holds_name(ledger, &event, &holds, err))
		return false;
	if (!holds)
		return error_set(err, ERROR_REFUSED,
			"entry %lld: what is to be replaced is no longer live",
			(long long)seq);
	return ledger_supersede(ledger, seq, err);
}

bool ledger_append(struct ledger *ledger, enum ledger_kind kind, int64_t first,
	int64_t last, struct error *err)
{
	bool any = false;

	assert(kind != LEDGER_ISSUED && kind != LEDGER_TOKEN &&
		kind != LEDGER_CLOCK);
	for (int64_t seq = first; seq <= last; seq++) {
		struct event event;

		if (!ledger_chain_read(ledger, seq, &event, err))
			return false;
		if (!event_is(&event, LEDGER_ISSUED) &&
			!event_is(&event, LEDGER_TOKEN))
			continue;
		any = true;
		if (!ledger_act(ledger, kind, seq, NULL, err) ||
			!ledger_chain_read(ledger, seq, &event, err) ||
			(kind != LEDGER_LOST &&
				!ledger_free_names(ledger, &event, err)))
			return false;
	}
	if (!any)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": entry %lld: is no certificate "
			"and no token",
			ledger->label, (long long)first);
	return true;
}

/* The row that a projection points to, which must say the same. */
static bool read_live(struct ledger *ledger, int64_t seq,
	const struct cell key[static 3], struct event *ret_event,
	struct error *err)
{
	struct event event;

	if (!ledger_chain_read(ledger, seq, &event, err))
		return false;
	if (!event_is(&event, LEDGER_ISSUED) ||
		strcmp(event_text(&event, EVENT_NAME), key[0].bytes) != 0 ||
		strcmp(event_text(&event, EVENT_PROFILE), key[1].bytes) != 0 ||
		event_integer(&event, EVENT_CA) != key[2].integer)
		return ledger_damaged(ledger, err,
			"what is live was changed: entry %lld is not of \"%s\"",
			(long long)seq, (const char *)key[0].bytes);
	*ret_event = event;
	return true;
}

bool ledger_live(struct ledger *ledger, int64_t ca, const char *profile,
	const char *name, struct instant now, struct ledger_row *ret_row,
	bool *ret_found, struct error *err)
{
	struct cell key[] = {
		cell_text(name), cell_text(profile), cell_integer(ca)};
	int64_t live[2] = {0};
	struct event event;
	bool found = false;

	if (!ledger_ask(ledger, SQL_LIVE_FIND, key, ARRAY_SIZE(key), live,
		    ARRAY_SIZE(live), &found, err))
		return false;
	found = found && live[1] >= now.seconds;
	if (found && (!read_live(ledger, live[0], key, &event, err) ||
			     !ledger_row_of(ledger, &event, now, ret_row, err)))
		return false;
	*ret_found = found;
	return true;
}

bool ledger_live_anywhere(struct ledger *ledger, const char *profile,
	const char *name, struct instant now, struct ledger_row *ret_row,
	bool *ret_found, struct error *err)
{
	int64_t live[3] = {0};
	bool found = false;

	if (!ledger_ask(ledger, SQL_LIVE_ANYWHERE,
		    CELLS(cell_text(name), cell_text(profile),
			    cell_integer(now.seconds)),
		    live, ARRAY_SIZE(live), &found, err))
		return false;
	if (found)
		return ledger_live(ledger, live[2], profile, name, now, ret_row,
			ret_found, err);
	*ret_found = false;
	return true;
}

bool ledger_live_or_foreign(struct ledger *ledger, int64_t ca,
	const char *profile, const char *name, struct instant now,
	struct ledger_row *ret_row, bool *ret_found, bool *ret_foreign,
	struct error *err)
{
	bool found = false;

	if (!ledger_live(ledger, ca, profile, name, now, ret_row, &found, err))
		return false;
	*ret_foreign = false;
	*ret_found = found;
	if (found)
		return true;
	if (!ledger_live_anywhere(
		    ledger, profile, name, now, ret_row, ret_found, err))
		return false;
	*ret_foreign = *ret_found;
	return true;
}

bool ledger_address(struct ledger *ledger, int64_t ca, const char *address,
	struct instant now, char **ret_name, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct cell any = {.kind = CELL_NULL};
	bool row = false;

	if (!ledger_query(ledger, SQL_ADDRESS_FIND,
		    CELLS(cell_text(address), cell_integer(ca), any,
			    cell_integer(now.seconds)),
		    &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	*ret_name = row ? memory_text(ledger_text(statement, 0)) : NULL;
	return true;
}

bool ledger_has(struct ledger *ledger, int64_t ca, struct der serial,
	bool *ret_has, struct error *err)
{
	int64_t seq = 0;

	return ledger_ask(ledger, SQL_EVENT_SERIAL,
		CELLS(cell_integer(ca), cell_blob(serial.bytes, serial.len)),
		&seq, 1, ret_has, err);
}

bool ledger_has_certificate(struct ledger *ledger, int64_t ca,
	const struct certificate *certificate, bool *ret_has, struct error *err)
{
	struct der serial = certificate->serial, whole = certificate->whole;
	int64_t seq = 0;

	return ledger_ask(ledger, SQL_EVENT_BODY,
		CELLS(cell_integer(ca), cell_blob(serial.bytes, serial.len),
			cell_blob(whole.bytes, whole.len)),
		&seq, 1, ret_has, err);
}

bool ledger_has_anywhere(struct ledger *ledger,
	const struct certificate *certificate, bool *ret_has, struct error *err)
{
	struct der serial = certificate->serial, whole = certificate->whole;
	int64_t seq = 0;

	return ledger_ask(ledger, SQL_BODY_ANYWHERE,
		CELLS(cell_blob(serial.bytes, serial.len),
			cell_blob(whole.bytes, whole.len)),
		&seq, 1, ret_has, err);
}
