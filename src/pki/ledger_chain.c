/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <assert.h>
#include <string.h>

static const char *const kind_names[] = {
	[LEDGER_ISSUED] = "issued",
	[LEDGER_SUPERSEDED] = "superseded",
	[LEDGER_REVOKED] = "revoked",
	[LEDGER_WITHDRAWN] = "withdrawn",
	[LEDGER_LOST] = "lost",
	[LEDGER_TOKEN] = "token",
	[LEDGER_CLOCK] = "clock",
	[LEDGER_ROTATION] = "rotation",
};

/* The columns of SQL_EVENT_READ and its kin. */
enum { COLUMN_HASH = EVENT_COLUMNS, COLUMN_PREVIOUS };

const char *ledger_kind_name(enum ledger_kind kind)
{
	return kind_names[kind];
}

int64_t event_integer(const struct event *event, enum event_column column)
{
	return event->cells[column].integer;
}

struct instant event_instant(
	const struct event *event, enum event_column column)
{
	return (struct instant){event_integer(event, column)};
}

const char *event_text(const struct event *event, enum event_column column)
{
	return event->cells[column].kind == CELL_TEXT
		       ? event->cells[column].bytes
		       : "";
}

struct der event_der(const struct event *event, enum event_column column)
{
	return (struct der){
		event->cells[column].bytes, event->cells[column].len};
}

bool event_is(const struct event *event, enum ledger_kind kind)
{
	return strcmp(event_text(event, EVENT_KIND), kind_names[kind]) == 0;
}

bool event_next_address(const char **at, struct cell *ret_address)
{
	size_t len = strcspn(*at, "\n");

	if (**at == '\0')
		return false;
	*ret_address =
		(struct cell){.kind = CELL_TEXT, .bytes = *at, .len = len};
	*at += len + ((*at)[len] == '\n');
	return true;
}

static void put_number(struct buffer *link, uint64_t value, unsigned n_bytes)
{
	char bytes[8];

	for (unsigned i = 0; i < n_bytes; i++)
		bytes[i] = (char)(value >> 8 * (n_bytes - 1 - i));
	buffer_add(link, bytes, n_bytes);
}

static void put_cell(struct buffer *link, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NULL:
		put_number(link, UINT32_MAX, 4);
		break;
	case CELL_INTEGER:
		put_number(link, 8, 4);
		put_number(link, (uint64_t)cell->integer, 8);
		break;
	case CELL_TEXT:
	case CELL_BLOB:
		put_number(link, cell->len, 4);
		buffer_add(link, cell->bytes, cell->len);
		break;
	}
}

static bool hash_event(struct ledger *ledger, const void *previous,
	const struct event *event, struct sha256 *ret_hash, struct error *err)
{
	buffer_reset(&ledger->link);
	buffer_add(&ledger->link, previous, SHA256_LEN);
	for (size_t i = 0; i < EVENT_COLUMNS; i++)
		put_cell(&ledger->link, &event->cells[i]);
	return sha256_of(ledger->link.data, ledger->link.len, ret_hash, err);
}

static bool read_row(struct ledger *ledger, struct sqlite3_stmt *statement,
	struct event *ret_event, struct error *err)
{
	static const unsigned char first[SHA256_LEN];
	struct cell hash = ledger_cell(statement, COLUMN_HASH);
	struct cell previous = ledger_cell(statement, COLUMN_PREVIOUS);
	struct event event;
	struct sha256 proof;
	int64_t seq;

	for (int i = 0; i < EVENT_COLUMNS; i++)
		event.cells[i] = ledger_cell(statement, i);
	seq = event_integer(&event, EVENT_SEQ);
	if (seq == 1)
		previous = cell_blob(first, sizeof(first));
	if (previous.len != SHA256_LEN || seq < 1)
		return ledger_damaged(ledger, err,
			"entry %lld: the entry before it is missing",
			(long long)seq);
	if (!hash_event(ledger, previous.bytes, &event, &proof, err))
		return false;
	if (hash.len != SHA256_LEN ||
		memcmp(hash.bytes, proof.bytes, SHA256_LEN) != 0)
		return ledger_damaged(ledger, err,
			"entry %lld: it or the one before it was changed: "
			"its hash does not fit",
			(long long)seq);
	event.hash = proof;
	*ret_event = event;
	return true;
}

bool ledger_chain_step(struct ledger *ledger, struct sqlite3_stmt *statement,
	struct event *ret_event, bool *ret_more, struct error *err)
{
	return ledger_step(ledger, statement, ret_more, err) &&
	       (!*ret_more || read_row(ledger, statement, ret_event, err));
}

/* Moves the views out of a statement that is about to be reset. */
static void keep_event(struct ledger *ledger, struct event *event)
{
	size_t len = 0;
	char *to;

	for (size_t i = 0; i < EVENT_COLUMNS; i++)
		len += event->cells[i].len + 1;
	buffer_reset(&ledger->kept);
	to = buffer_room(&ledger->kept, len);
	for (size_t i = 0; i < EVENT_COLUMNS; i++) {
		struct cell *cell = &event->cells[i];

		if (cell->len > 0)
			memcpy(to, cell->bytes, cell->len);
		to[cell->len] = '\0';
		cell->bytes = to;
		to += cell->len + 1;
	}
	buffer_wrote(&ledger->kept, len);
}

bool ledger_chain_read(struct ledger *ledger, int64_t seq,
	struct event *ret_event, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct event event;
	bool row = false;

	if (!ledger_query(ledger, SQL_EVENT_READ, CELLS(cell_integer(seq)),
		    &statement, err) ||
		!ledger_chain_step(ledger, statement, &event, &row, err))
		return false;
	if (!row)
		return ledger_damaged(
			ledger, err, "entry %lld: is missing", (long long)seq);
	keep_event(ledger, &event);
	*ret_event = event;
	return true;
}

static bool read_meta(
	struct ledger *ledger, struct ledger_tail *ret_tail, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct cell head;
	bool row = false;

	if (!ledger_query(ledger, SQL_META_READ, NO_CELLS, &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	if (!row || ledger_integer(statement, 0) != ledger->schema)
		return ledger_damaged(
			ledger, err, "the row about itself was changed");
	head = ledger_cell(statement, 2);
	if (head.len != SHA256_LEN)
		return ledger_damaged(
			ledger, err, "the row about itself was changed");
	ret_tail->count = ledger_integer(statement, 1);
	memcpy(ret_tail->head.bytes, head.bytes, SHA256_LEN);
	return true;
}

bool ledger_chain_read_tail(struct ledger *ledger, struct error *err)
{
	static const struct sha256 first;
	struct ledger_tail tail = {0};
	struct event event = {.hash = first};
	int64_t last = 0;
	bool found = false;

	if (!read_meta(ledger, &tail, err) ||
		!ledger_ask(ledger, SQL_LAST_EVENT, NO_CELLS, &last, 1, &found,
			err))
		return false;
	if (last != tail.count)
		return ledger_damaged(ledger, err,
			"says that it has %lld entries, and the last is %lld",
			(long long)tail.count, (long long)last);
	if (last > 0 && !ledger_chain_read(ledger, last, &event, err))
		return false;
	if (memcmp(&event.hash, &tail.head, sizeof(tail.head)) != 0)
		return ledger_damaged(ledger, err,
			"entry %lld: is not the last that was added",
			(long long)last);
	if (last > 0)
		tail.at = event_instant(&event, EVENT_AT);
	ledger->tail = tail;
	return true;
}

int64_t ledger_chain_next(const struct ledger *ledger)
{
	bool back = ledger->now.seconds < ledger->tail.at.seconds;

	return ledger->tail.count + (back ? 2 : 1);
}

static bool add_event(
	struct ledger *ledger, struct event *event, struct error *err)
{
	struct cell cells[EVENT_COLUMNS + 1];

	event->cells[EVENT_SEQ] = cell_integer(ledger->tail.count + 1);
	event->cells[EVENT_AT] = cell_integer(ledger->now.seconds);
	if (!hash_event(
		    ledger, ledger->tail.head.bytes, event, &event->hash, err))
		return false;
	memcpy(cells, event->cells, sizeof(event->cells));
	cells[COLUMN_HASH] = cell_blob(event->hash.bytes, SHA256_LEN);
	if (!ledger_change(
		    ledger, SQL_EVENT_ADD, cells, ARRAY_SIZE(cells), err))
		return false;
	ledger->tail.count++;
	ledger->tail.head = event->hash;
	ledger->tail.at = ledger->now;
	return true;
}

bool ledger_chain_append(
	struct ledger *ledger, struct event *event, struct error *err)
{
	struct event clock = {
		.cells[EVENT_KIND] = cell_text(kind_names[LEDGER_CLOCK])};

	/* ledger_begin let pass only who may do this. */
	if (ledger->now.seconds < ledger->tail.at.seconds &&
		!add_event(ledger, &clock, err))
		return false;
	return add_event(ledger, event, err);
}
