/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_history.h"

#include <string.h>

#include "pki/ledger_private.h"

int64_t ledger_count(const struct ledger *ledger)
{
	return ledger->tail.count;
}

static const char *text_or_null(
	const struct event *event, enum event_column column)
{
	return event->cells[column].kind == CELL_TEXT
		       ? event->cells[column].bytes
		       : NULL;
}

static struct ledger_entry entry_of(const struct event *event)
{
	return (struct ledger_entry){
		.seq = event_integer(event, EVENT_SEQ),
		.kind = event_text(event, EVENT_KIND),
		.at = event_instant(event, EVENT_AT),
		.ca = event_integer(event, EVENT_CA),
		.serial = event_der(event, EVENT_SERIAL),
		.profile = text_or_null(event, EVENT_PROFILE),
		.name = text_or_null(event, EVENT_NAME),
		.detail = text_or_null(event, EVENT_DETAIL),
		.has_lifetime =
			event->cells[EVENT_NOT_AFTER].kind == CELL_INTEGER,
		.not_before = event_instant(event, EVENT_NOT_BEFORE),
		.not_after = event_instant(event, EVENT_NOT_AFTER),
		.ref = event_integer(event, EVENT_REF),
		.addresses = text_or_null(event, EVENT_ADDRESSES),
		.body = event_der(event, EVENT_BODY),
		.hash = event->hash,
	};
}

bool ledger_entries(struct ledger *ledger, int64_t from,
	ledger_entry_visit *visit, void *data, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct ledger_entry entry;
	struct event event;
	bool more = false;

	if (!ledger_query(ledger, SQL_EVENT_ALL, CELLS(cell_integer(from)),
		    &statement, err))
		return false;
	for (;;) {
		if (!ledger_chain_step(ledger, statement, &event, &more, err))
			return false;
		if (!more)
			return true;
		entry = entry_of(&event);
		if (!visit(data, &entry, err))
			return false;
	}
}

bool ledger_entry(struct ledger *ledger, int64_t seq,
	struct ledger_entry *ret_entry, struct error *err)
{
	struct event event;

	if (!ledger_chain_read(ledger, seq, &event, err))
		return false;
	*ret_entry = entry_of(&event);
	return true;
}

static bool is_alike(struct ledger *a, struct ledger *b, int64_t seq,
	bool *ret_alike, struct error *err)
{
	struct event left, right;

	if (!ledger_chain_read(a, seq, &left, err) ||
		!ledger_chain_read(b, seq, &right, err))
		return false;
	*ret_alike = memcmp(left.hash.bytes, right.hash.bytes, SHA256_LEN) == 0;
	return true;
}

/* A hash stands for all before it, so what is alike is alike from the first on:
 * the place is found by halving. */
bool ledger_common(struct ledger *a, struct ledger *b, int64_t *ret_common,
	struct error *err)
{
	int64_t low = 0;
	int64_t high = ledger_count(a) < ledger_count(b) ? ledger_count(a)
							 : ledger_count(b);

	while (low < high) {
		int64_t middle = low + (high - low + 1) / 2;
		bool alike = false;

		if (!is_alike(a, b, middle, &alike, err))
			return false;
		if (alike)
			low = middle;
		else
			high = middle - 1;
	}
	*ret_common = low;
	return true;
}

bool ledger_checkpoint(struct ledger *ledger, struct checkpoint *ret_checkpoint,
	struct error *err)
{
	if (ledger->tail.count == 0)
		return error_set(err, ERROR_REFUSED,
			"ledger \"%s\": has no entry", ledger->label);
	ret_checkpoint->count = ledger->tail.count;
	ret_checkpoint->at = ledger->tail.at;
	memcpy(ret_checkpoint->hash, ledger->tail.head.bytes,
		CHECKPOINT_HASH_LEN);
	return true;
}

bool ledger_check_checkpoint(struct ledger *ledger,
	const struct checkpoint *checkpoint, struct error *err)
{
	struct event event;

	if (ledger->tail.count < checkpoint->count)
		return error_set(err, ERROR_FINDINGS,
			"ledger \"%s\": has %lld entries, and had %lld at the "
			"checkpoint: its end was cut off, or this is an older "
			"copy",
			ledger->label, (long long)ledger->tail.count,
			(long long)checkpoint->count);
	if (!ledger_chain_read(ledger, checkpoint->count, &event, err))
		return false;
	if (memcmp(event.hash.bytes, checkpoint->hash, CHECKPOINT_HASH_LEN) ||
		event_integer(&event, EVENT_AT) != checkpoint->at.seconds)
		return error_set(err, ERROR_FINDINGS,
			"ledger \"%s\": entry %lld is not the one of the "
			"checkpoint: this is another history",
			ledger->label, (long long)checkpoint->count);
	return true;
}
