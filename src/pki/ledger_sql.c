/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <assert.h>
#include <string.h>

#include <sqlite3.h>

#include "pki/ledger_rotation.h"

#define EVENT                                                                  \
	"e.seq, e.kind, e.at, e.ca, e.serial, e.profile, e.name, e.detail, "   \
	"e.not_before, e.not_after, e.ref, e.addresses, e.body, e.hash, "      \
	"(SELECT p.hash FROM event p WHERE p.seq = e.seq - 1) FROM event e "

struct text {
	const char *text;
	const char *what; /* it does, for messages */
};

static const struct text texts[SQL_SIZE] = {
	[SQL_BEGIN] = {"BEGIN IMMEDIATE", "cannot begin"},
	[SQL_BEGIN_READING] = {"BEGIN", "cannot read"},
	[SQL_COMMIT] = {"COMMIT", "cannot commit"},
	[SQL_ROLLBACK] = {"ROLLBACK", "cannot roll back"},
	[SQL_SAVEPOINT] = {"SAVEPOINT item", "cannot set a savepoint"},
	[SQL_SAVEPOINT_KEEP] = {"RELEASE item", "cannot keep a savepoint"},
	[SQL_SAVEPOINT_UNDO] = {"ROLLBACK TO item", "cannot undo a savepoint"},
	[SQL_DATA_VERSION] = {"PRAGMA data_version", "cannot read"},
	[SQL_META_READ] = {"SELECT schema, count, head FROM meta",
		"cannot read the count"},
	[SQL_META_WRITE] = {"UPDATE meta SET count = ?1, head = ?2",
		"cannot write the count"},
	[SQL_LAST_EVENT] = {"SELECT max(seq) FROM event",
		"cannot read the last entry"},
	[SQL_EVENT_ADD] = {"INSERT INTO event (seq, kind, at, ca, serial, "
			   "profile, name, detail, not_before, not_after, ref, "
			   "addresses, body, hash) VALUES "
			   "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"cannot add an entry"},
	[SQL_EVENT_READ] = {"SELECT " EVENT "WHERE e.seq = ?1",
		"cannot read an entry"},
	[SQL_EVENT_ALL] = {"SELECT " EVENT
			   "WHERE e.seq >= ?1 ORDER BY e.seq",
		"cannot read the entries"},
	[SQL_EVENT_ACTS] = {"SELECT " EVENT "WHERE e.ref = ?1",
		"cannot read the entries about an entry"},
	[SQL_EVENT_SERIAL] = {"SELECT seq FROM event WHERE kind = 'issued' "
			      "AND ca = ?1 AND serial = ?2",
		"cannot look for a serial number"},
	[SQL_EVENT_BODY] = {"SELECT seq FROM event WHERE kind = 'issued' "
			    "AND ca = ?1 AND serial = ?2 AND body = ?3",
		"cannot look for a certificate"},
	[SQL_BODY_ANYWHERE] = {"SELECT e.seq FROM authority a JOIN event e ON "
			       "e.ca = a.ca AND e.serial = ?1 WHERE "
			       "e.kind = 'issued' AND e.body = ?2",
		"cannot look for a certificate"},
	[SQL_SERIAL_ANYWHERE] = {"SELECT " EVENT
				 "WHERE e.kind = 'issued' AND e.serial = ?1 "
				 "ORDER BY e.seq",
		"cannot look for a serial number"},
	[SQL_REVOKED] = {"SELECT " EVENT "WHERE e.ref IS NOT NULL AND "
			 "e.kind = 'revoked' ORDER BY e.seq",
		"cannot read what is revoked"},
	[SQL_EACH] = {"SELECT " EVENT
		      "WHERE e.kind = ?4 AND (?1 IS NULL OR e.name = ?1) "
		      "AND (?2 IS NULL OR e.profile = ?2) AND (?3 IS NULL OR "
		      "((e.not_after >= ?3 OR (?5 AND NOT EXISTS (SELECT 1 "
		      "FROM live l WHERE l.name = e.name AND l.profile = "
		      "e.profile AND (l.event > e.seq OR l.not_after >= ?3)))) "
		      "AND NOT EXISTS (SELECT 1 FROM event f WHERE "
		      "f.ref = e.seq AND f.kind <> 'lost'))) "
		      "ORDER BY e.seq",
		"cannot read the entries"},
	[SQL_AUTHORITY_ADD] = {"INSERT INTO authority (ca, pin) VALUES (?, ?)",
		"cannot add an authority"},
	[SQL_AUTHORITY_FIND] = {"SELECT ca FROM authority WHERE pin = ?1",
		"cannot look for an authority"},
	[SQL_AUTHORITY_READ] = {"SELECT pin FROM authority WHERE ca = ?1",
		"cannot read an authority"},
	[SQL_LIVE_ADD] = {"INSERT INTO live (name, profile, ca, event, "
			  "not_after) VALUES (?, ?, ?, ?, ?)",
		"cannot add a live name"},
	[SQL_LIVE_DROP] = {"DELETE FROM live WHERE name = ?1 AND profile = ?2 "
			   "AND ca = ?3 AND event = ?4",
		"cannot free a live name"},
	[SQL_LIVE_FIND] = {"SELECT event, not_after FROM live WHERE name = ?1 "
			   "AND profile = ?2 AND ca = ?3",
		"cannot look for a live name"},
	[SQL_LIVE_ANYWHERE] = {"SELECT event, not_after, ca FROM live WHERE "
			       "name = ?1 AND profile = ?2 AND not_after >= "
			       "?3 ORDER BY event DESC LIMIT 1",
		"cannot look for a live name"},
	[SQL_ADDRESS_ADD] = {"INSERT INTO address (address, ca, event, name) "
			     "VALUES (?, ?, ?, ?)",
		"cannot add an address"},
	[SQL_ADDRESS_DROP] = {"DELETE FROM address WHERE address = ?1 AND "
			      "ca = ?2 AND event = ?3",
		"cannot free an address"},
	[SQL_ADDRESS_FIND] = {"SELECT a.name FROM address a WHERE "
			      "a.address = ?1 AND a.ca = ?2 AND "
			      "(?3 IS NULL OR a.name <> ?3) AND "
			      "(SELECT e.not_after FROM event e WHERE "
			      "e.seq = a.event) >= ?4",
		"cannot look for an address"},
	[SQL_ADDRESS_READ] = {"SELECT name FROM address WHERE address = ?1 AND "
			      "ca = ?2 AND event = ?3",
		"cannot read an address"},
	[SQL_TOKEN_ADD] = {"INSERT INTO token (name, event, not_after) "
			   "VALUES (?, ?, ?)",
		"cannot add a node's token"},
	[SQL_TOKEN_DROP] = {"DELETE FROM token WHERE name = ?1 AND event = ?2",
		"cannot free a node's token"},
	[SQL_TOKEN_FIND] = {"SELECT event, not_after FROM token WHERE "
			    "name = ?1",
		"cannot look for a node's token"},
	[SQL_TOKEN_ID] = {"SELECT seq FROM event WHERE kind = 'token' AND "
			  "serial = ?1",
		"cannot look for a token"},
	[SQL_ROTATION_LAST] = {"SELECT " EVENT
			       "WHERE e.kind = 'rotation' AND e.profile = ?1 "
			       "AND e.name IS NULL ORDER BY e.seq DESC LIMIT 1",
		"cannot look for a rotation"},
	[SQL_ROTATION_ANY] = {"SELECT coalesce(max(seq), 0) FROM event WHERE "
			      "kind = 'rotation' AND name IS NULL",
		"cannot look for a rotation"},
	[SQL_ROTATION_SHOWN] = {"SELECT seq FROM event WHERE seq = "
				"(SELECT max(seq) FROM event WHERE "
				"kind = 'rotation' AND profile = ?1 AND "
				"name = ?2 AND seq > ?3) AND "
				"detail <> '" LEDGER_SHOWN_WRONG "'",
		"cannot look for what a rotation has shown"},
	[SQL_PROJECTION_COUNTS] = {"SELECT (SELECT count(*) FROM live), "
				   "(SELECT count(*) FROM address), "
				   "(SELECT count(*) FROM authority), "
				   "(SELECT count(*) FROM token)",
		"cannot count"},
	[SQL_STAGE_ADD] = {"INSERT INTO stage (path, name, device, inode) "
			   "VALUES (?, ?, ?, ?)",
		"cannot add a stage"},
	[SQL_STAGE_REMOVE] = {"DELETE FROM stage WHERE id = ?1 AND name = ?2",
		"cannot remove a stage"},
	[SQL_STAGE_ALL] = {"SELECT id, path, name, device, inode FROM stage "
			   "ORDER BY id",
		"cannot read the stages"},
	[SQL_PENDING_ADD] = {"INSERT INTO pending (event, last_event, stage, "
			     "name, staged, target, witness, hash, replace) "
			     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"cannot add what is pending"},
	[SQL_PENDING_REMOVE] = {"DELETE FROM pending WHERE event = ?1",
		"cannot remove what is pending"},
	[SQL_PENDING_FIND] = {"SELECT event, last_event, stage, name, staged, "
			      "target, witness, hash, replace FROM pending "
			      "WHERE event <= ?1 ORDER BY event DESC LIMIT 1",
		"cannot look for what is pending"},
	[SQL_PENDING_ALL] = {"SELECT event, last_event, stage, name, staged, "
			     "target, witness, hash, replace FROM pending "
			     "WHERE stage = ?1 ORDER BY event",
		"cannot read what is pending"},
	[SQL_STRAY_PENDING] = {"SELECT p.event FROM pending p WHERE "
			       "p.stage NOT IN (SELECT id FROM stage) OR NOT "
			       "EXISTS (SELECT 1 FROM event e WHERE e.seq = "
			       "p.event AND e.kind IN ('issued', 'token')) OR "
			       "NOT EXISTS (SELECT 1 FROM event e WHERE "
			       "e.seq = p.last_event AND "
			       "e.kind IN ('issued', 'token'))",
		"cannot check what is pending"},
	[SQL_INTEGRITY] = {"PRAGMA integrity_check(1)", "cannot check"},
};

struct cell cell_integer(int64_t value)
{
	return (struct cell){.kind = CELL_INTEGER, .integer = value};
}

struct cell cell_text(const char *text)
{
	if (text == NULL)
		return (struct cell){.kind = CELL_NULL};
	return (struct cell){
		.kind = CELL_TEXT, .bytes = text, .len = strlen(text)};
}

struct cell cell_blob(const void *bytes, size_t len)
{
	return (struct cell){.kind = CELL_BLOB, .bytes = bytes, .len = len};
}

/* Which errors are the file's own fault. */
static enum error_kind kind_of(int code)
{
	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERROR_INPUT
							       : ERROR_FAILED;
}

bool ledger_sql_error(
	struct ledger *ledger, const char *what, struct error *err)
{
	int code = sqlite3_extended_errcode(ledger->db);
	int number = sqlite3_system_errno(ledger->db);
	int primary = code & 0xff;

	if (code == SQLITE_READONLY_ROLLBACK)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": a command was cut short in the middle "
			"of writing; the next one that may write mends it",
			ledger->label);
	/* The only index that is unique and that no look-up goes before. */
	if (code == SQLITE_CONSTRAINT_UNIQUE)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": %s: this authority has used the serial "
			"number before",
			ledger->label, what);
	if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
		number != 0)
		return error_set(err, ERROR_FAILED, "ledger \"%s\": %s: %s: %s",
			ledger->label, what, sqlite3_errmsg(ledger->db),
			strerror(number));
	return error_set(err, kind_of(primary), "ledger \"%s\": %s: %s",
		ledger->label, what, sqlite3_errmsg(ledger->db));
}

bool ledger_damaged(
	const struct ledger *ledger, struct error *err, const char *format, ...)
{
	AUTO_TEXT rule = NULL;
	va_list args;

	va_start(args, format);
	rule = memory_vformat(format, args);
	va_end(args);
	return error_set(
		err, ERROR_INPUT, "ledger \"%s\": %s", ledger->label, rule);
}

/* Failing is misuse or no memory, and not to be mended. */
static bool bind(
	struct sqlite3_stmt *statement, int index, const struct cell *cell)
{
	const void *bytes = cell->len == 0 ? "" : cell->bytes;

	switch (cell->kind) {
	case CELL_NULL:
		return sqlite3_bind_null(statement, index) == SQLITE_OK;
	case CELL_INTEGER:
		return sqlite3_bind_int64(statement, index, cell->integer) ==
		       SQLITE_OK;
	case CELL_TEXT:
		return sqlite3_bind_text64(statement, index, bytes, cell->len,
			       SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
	case CELL_BLOB:
		return sqlite3_bind_blob64(statement, index, bytes, cell->len,
			       SQLITE_STATIC) == SQLITE_OK;
	}
	return false;
}

void ledger_auto_reset(struct sqlite3_stmt **statement)
{
	/* What it answers was said by the step already. */
	if (*statement != NULL)
		(void)sqlite3_reset(*statement);
}

bool ledger_query(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells,
	struct sqlite3_stmt **ret_statement, struct error *err)
{
	struct sqlite3_stmt *statement = ledger->statements[sql];

	if (statement == NULL && sqlite3_prepare_v3(ledger->db, texts[sql].text,
					 -1, SQLITE_PREPARE_PERSISTENT,
					 &statement, NULL) != SQLITE_OK)
		return ledger_sql_error(ledger, texts[sql].what, err);
	ledger->statements[sql] = statement;
	assert(!sqlite3_stmt_busy(statement));
	for (size_t i = 0; i < n_cells; i++)
		if (!bind(statement, (int)i + 1, &cells[i]))
			return ledger_sql_error(ledger, texts[sql].what, err);
	*ret_statement = statement;
	return true;
}

static const char *what_of(
	const struct ledger *ledger, const struct sqlite3_stmt *statement)
{
	size_t i = 0;

	while (ledger->statements[i] != statement)
		i++;
	return texts[i].what;
}

bool ledger_step(struct ledger *ledger, struct sqlite3_stmt *statement,
	bool *ret_row, struct error *err)
{
	int answer = sqlite3_step(statement);

	if (answer != SQLITE_ROW && answer != SQLITE_DONE)
		return ledger_sql_error(
			ledger, what_of(ledger, statement), err);
	*ret_row = answer == SQLITE_ROW;
	return true;
}

struct cell ledger_cell(struct sqlite3_stmt *statement, int column)
{
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		return cell_integer(sqlite3_column_int64(statement, column));
	case SQLITE_TEXT:
		return (struct cell){.kind = CELL_TEXT,
			.bytes = sqlite3_column_text(statement, column),
			.len = (size_t)sqlite3_column_bytes(statement, column)};
	case SQLITE_BLOB:
		return cell_blob(sqlite3_column_blob(statement, column),
			(size_t)sqlite3_column_bytes(statement, column));
	}
	return (struct cell){.kind = CELL_NULL};
}

const char *ledger_text(struct sqlite3_stmt *statement, int column)
{
	struct cell cell = ledger_cell(statement, column);

	return cell.kind == CELL_TEXT ? cell.bytes : "";
}

int64_t ledger_integer(struct sqlite3_stmt *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

bool ledger_run(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, struct error *err)
{
	AUTO_RESET statement = NULL;
	bool row = false;

	return ledger_query(ledger, sql, cells, n_cells, &statement, err) &&
	       ledger_step(ledger, statement, &row, err);
}

bool ledger_change(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, struct error *err)
{
	/* SQLite gives up the whole transaction on a full disk, and would go
	 * on without one. */
	if (!ledger->writing || sqlite3_get_autocommit(ledger->db) != 0)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": %s: the transaction was rolled back",
			ledger->label, texts[sql].what);
	return ledger_run(ledger, sql, cells, n_cells, err);
}

bool ledger_ask(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, int64_t *ret_values,
	size_t n_values, bool *ret_found, struct error *err)
{
	AUTO_RESET statement = NULL;
	bool row = false;

	if (!ledger_query(ledger, sql, cells, n_cells, &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	for (size_t i = 0; row && i < n_values; i++)
		ret_values[i] = ledger_integer(statement, (int)i);
	*ret_found = row;
	return true;
}

void ledger_finalize(struct ledger *ledger)
{
	for (size_t i = 0; i < SQL_SIZE; i++) {
		/* Answers what the last step did. */
		(void)sqlite3_finalize(ledger->statements[i]);
		ledger->statements[i] = NULL;
	}
}
