/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_rotation.h"

#include <stdio.h>
#include <string.h>

#include "pki/ledger_private.h"

#define SCHEMA_WITH_ROTATION 2
#define DETAIL "stage %u from %u"

bool ledger_rotation_prepare(struct ledger *ledger, struct error *err)
{
	return ledger_schema_raise(ledger, err);
}

bool ledger_rotation_any(
	struct ledger *ledger, int64_t *ret_event, struct error *err)
{
	bool found = false;

	*ret_event = 0;
	return ledger->schema < SCHEMA_WITH_ROTATION ||
	       ledger_ask(ledger, SQL_ROTATION_ANY, NO_CELLS, ret_event, 1,
		       &found, err);
}

void ledger_expect_rotation(struct ledger *ledger, int64_t event)
{
	ledger->expects = true;
	ledger->rotation = event;
}

bool ledger_rotation_check(struct ledger *ledger, struct error *err)
{
	int64_t last = 0;

	if (!ledger->expects)
		return true;
	if (!ledger_rotation_any(ledger, &last, err))
		return false;
	return last == ledger->rotation ||
	       error_set(err, ERROR_FAILED,
		       "ledger \"%s\": the rotation of a CA went on "
		       "meanwhile: the command has to be run again",
		       ledger->label);
}

static bool read_event(const struct ledger *ledger, const struct event *event,
	struct ledger_rotation *ret_rotation, struct error *err)
{
	struct der pins = event_der(event, EVENT_BODY);
	struct ledger_rotation is = {.event = event_integer(event, EVENT_SEQ),
		.at = event_instant(event, EVENT_AT)};

	if (pins.len != 2 * (size_t)SHA256_LEN ||
		sscanf(event_text(event, EVENT_DETAIL), DETAIL, &is.stage,
			&is.from) != 2)
		return ledger_damaged(ledger, err,
			"entry %lld: enters no stage of a rotation",
			(long long)is.event);
	memcpy(is.old.bytes, pins.bytes, SHA256_LEN);
	memcpy(is.fresh.bytes, pins.bytes + SHA256_LEN, SHA256_LEN);
	*ret_rotation = is;
	return true;
}

bool ledger_rotation(struct ledger *ledger, const char *what,
	struct ledger_rotation *ret_rotation, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct event event;
	bool row = false;

	*ret_rotation = (struct ledger_rotation){0};
	if (ledger->schema < SCHEMA_WITH_ROTATION)
		return true;
	return ledger_query(ledger, SQL_ROTATION_LAST, CELLS(cell_text(what)),
		       &statement, err) &&
	       ledger_chain_step(ledger, statement, &event, &row, err) &&
	       (!row || read_event(ledger, &event, ret_rotation, err));
}

bool ledger_rotation_enter(struct ledger *ledger, const char *what,
	const struct ledger_rotation *rotation, struct error *err)
{
	AUTO_TEXT detail =
		memory_format(DETAIL, rotation->stage, rotation->from);
	unsigned char pins[2 * SHA256_LEN];
	struct event event = {
		.cells = {[EVENT_KIND] =
				  cell_text(ledger_kind_name(LEDGER_ROTATION)),
			[EVENT_PROFILE] = cell_text(what),
			[EVENT_DETAIL] = cell_text(detail),
			[EVENT_BODY] = cell_blob(pins, sizeof(pins))}};

	memcpy(pins, rotation->old.bytes, SHA256_LEN);
	memcpy(pins + SHA256_LEN, rotation->fresh.bytes, SHA256_LEN);
	return ledger_chain_append(ledger, &event, err);
}

bool ledger_rotation_show(struct ledger *ledger, const char *what,
	const char *name, const char *how, struct error *err)
{
	struct event event = {
		.cells = {[EVENT_KIND] =
				  cell_text(ledger_kind_name(LEDGER_ROTATION)),
			[EVENT_PROFILE] = cell_text(what),
			[EVENT_NAME] = cell_text(name),
			[EVENT_DETAIL] = cell_text(how)}};

	return ledger_chain_append(ledger, &event, err);
}

bool ledger_rotation_shown(struct ledger *ledger, const char *what,
	int64_t since, const char *name, bool *ret_shown, struct error *err)
{
	int64_t seq = 0;

	*ret_shown = false;
	return ledger->schema < SCHEMA_WITH_ROTATION ||
	       ledger_ask(ledger, SQL_ROTATION_SHOWN,
		       CELLS(cell_text(what), cell_text(name),
			       cell_integer(since)),
		       &seq, 1, ret_shown, err);
}
