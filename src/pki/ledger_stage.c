/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

bool ledger_stage_add(struct ledger *ledger, const struct ledger_stage *stage,
	int64_t *ret_id, struct error *err)
{
	/* Device and inode keep their bits, whatever the sign. */
	if (!ledger_change(ledger, SQL_STAGE_ADD,
		    CELLS(cell_text(stage->path), cell_text(stage->name),
			    cell_integer((int64_t)stage->device),
			    cell_integer((int64_t)stage->inode)),
		    err))
		return false;
	*ret_id = sqlite3_last_insert_rowid(ledger->db);
	return true;
}

bool ledger_stage_remove(struct ledger *ledger, int64_t id, const char *name,
	struct error *err)
{
	return ledger_change(ledger, SQL_STAGE_REMOVE,
		CELLS(cell_integer(id), cell_text(name)), err);
}

bool ledger_pending_add(struct ledger *ledger,
	const struct ledger_pending *pending, struct error *err)
{
	return ledger_change(ledger, SQL_PENDING_ADD,
		CELLS(cell_integer(pending->event),
			cell_integer(pending->last_event),
			cell_integer(pending->stage), cell_text(pending->name),
			cell_text(pending->staged), cell_text(pending->target),
			cell_text(pending->witness),
			cell_blob(pending->hash.bytes, SHA256_LEN),
			cell_integer(pending->replace)),
		err);
}

bool ledger_pending_remove(
	struct ledger *ledger, int64_t event, struct error *err)
{
	return ledger_change(
		ledger, SQL_PENDING_REMOVE, CELLS(cell_integer(event)), err);
}

static char *text_of(struct sqlite3_stmt *statement, int column)
{
	return memory_text(ledger_text(statement, column));
}

/* A row of SQL_PENDING_FIND or SQL_PENDING_ALL, copied to the end. */
static void add_pending(struct ledger_pendings *pendings, size_t *allocated,
	struct sqlite3_stmt *statement)
{
	struct cell hash = ledger_cell(statement, 7);
	struct ledger_pending pending = {
		.event = ledger_integer(statement, 0),
		.last_event = ledger_integer(statement, 1),
		.stage = ledger_integer(statement, 2),
		.name = text_of(statement, 3),
		.staged = text_of(statement, 4),
		.target = text_of(statement, 5),
		.witness = text_of(statement, 6),
		.replace = ledger_integer(statement, 8) != 0,
	};

	if (hash.len == SHA256_LEN)
		memcpy(pending.hash.bytes, hash.bytes, SHA256_LEN);
	pendings->items = memory_grow(pendings->items, allocated,
		pendings->n_items + 1, sizeof(*pendings->items));
	pendings->items[pendings->n_items++] = pending;
}

bool ledger_pending_find(struct ledger *ledger, int64_t event,
	struct ledger_pending *ret_pending, bool *ret_found, struct error *err)
{
	AUTO_RESET statement = NULL;
	size_t allocated = 0;
	bool found = false;

	if (!ledger_query(ledger, SQL_PENDING_FIND, CELLS(cell_integer(event)),
		    &statement, err) ||
		!ledger_step(ledger, statement, &found, err))
		return false;
	found = found && event <= ledger_integer(statement, 1);
	if (found) {
		ledger_pendings_release(&ledger->found);
		add_pending(&ledger->found, &allocated, statement);
		*ret_pending = ledger->found.items[0];
	}
	*ret_found = found;
	return true;
}

bool ledger_pendings(struct ledger *ledger, int64_t stage,
	struct ledger_pendings *ret_pendings, struct error *err)
{
	AUTO_RESET statement = NULL;
	AUTO_RELEASE(ledger_pendings) pendings = {0};
	size_t allocated = 0;
	bool row = false;

	if (!ledger_query(ledger, SQL_PENDING_ALL, CELLS(cell_integer(stage)),
		    &statement, err))
		return false;
	for (;;) {
		if (!ledger_step(ledger, statement, &row, err))
			return false;
		if (!row)
			break;
		add_pending(&pendings, &allocated, statement);
	}
	*ret_pendings = pendings;
	pendings = (struct ledger_pendings){0};
	return true;
}

static void add_stage(struct ledger_stages *stages, size_t *allocated,
	struct sqlite3_stmt *statement)
{
	stages->items = memory_grow(stages->items, allocated,
		stages->n_items + 1, sizeof(*stages->items));
	stages->items[stages->n_items++] = (struct ledger_stage){
		.id = ledger_integer(statement, 0),
		.path = text_of(statement, 1),
		.name = text_of(statement, 2),
		.device = (uint64_t)ledger_integer(statement, 3),
		.inode = (uint64_t)ledger_integer(statement, 4),
	};
}

bool ledger_stages(struct ledger *ledger, struct ledger_stages *ret_stages,
	struct error *err)
{
	AUTO_RESET statement = NULL;
	AUTO_RELEASE(ledger_stages) stages = {0};
	size_t allocated = 0;
	bool row = false;

	if (!ledger_query(ledger, SQL_STAGE_ALL, NO_CELLS, &statement, err))
		return false;
	for (;;) {
		if (!ledger_step(ledger, statement, &row, err))
			return false;
		if (!row)
			break;
		add_stage(&stages, &allocated, statement);
	}
	*ret_stages = stages;
	stages = (struct ledger_stages){0};
	return true;
}

void ledger_stages_release(struct ledger_stages *stages)
{
	for (size_t i = 0; i < stages->n_items; i++) {
		free((char *)stages->items[i].path);
		free((char *)stages->items[i].name);
	}
	free(stages->items);
	*stages = (struct ledger_stages){0};
}

void ledger_pendings_release(struct ledger_pendings *pendings)
{
	for (size_t i = 0; i < pendings->n_items; i++) {
		const struct ledger_pending *pending = &pendings->items[i];

		free((char *)pending->name);
		free((char *)pending->staged);
		free((char *)pending->target);
		free((char *)pending->witness);
	}
	free(pendings->items);
	*pendings = (struct ledger_pendings){0};
}
