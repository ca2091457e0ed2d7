/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define APPLICATION_ID 0x6b706b69 /* "kpki" */
#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(number) #number

struct object {
	const char *kind, *name, *sql;
	int of; /* only in this schema; 0: in each */
};

#define EVENT_TABLE(kinds, acts, more)                                         \
	"CREATE TABLE event (\n"                                               \
	"	seq INTEGER PRIMARY KEY,\n"                                     \
	"	kind TEXT NOT NULL CHECK (kind IN ('issued', "                  \
	"'superseded', 'revoked', 'withdrawn', 'lost', 'token', "              \
	"'clock'" kinds ")),\n"                                                \
	"	at INTEGER NOT NULL,\n"                                         \
	"	ca INTEGER REFERENCES event,\n"                                 \
	"	serial BLOB,\n"                                                 \
	"	profile TEXT,\n"                                                \
	"	name TEXT,\n"                                                   \
	"	detail TEXT,\n"                                                 \
	"	not_before INTEGER,\n"                                          \
	"	not_after INTEGER,\n"                                           \
	"	ref INTEGER REFERENCES event,\n"                                \
	"	addresses TEXT,\n"                                              \
	"	body BLOB,\n"                                                   \
	"	hash BLOB NOT NULL CHECK (length(hash) = 32),\n"                \
	"	CHECK (kind <> 'issued' OR (ca IS NOT NULL AND "                \
	"serial IS NOT NULL AND profile IS NOT NULL AND "                      \
	"name IS NOT NULL AND detail IS NOT NULL AND "                         \
	"not_before IS NOT NULL AND not_after IS NOT NULL AND "                \
	"addresses IS NOT NULL AND body IS NOT NULL)),\n"                      \
	"	CHECK (kind <> 'token' OR (serial IS NOT NULL AND "             \
	"profile IS NOT NULL AND name IS NOT NULL AND "                        \
	"detail IS NOT NULL AND not_before IS NOT NULL AND "                   \
	"not_after IS NOT NULL)),\n" more                                      \
	"	CHECK ((ref IS NULL) = (kind IN ('issued', 'token', "           \
	"'clock'" acts ")))\n"                                                 \
	") STRICT"

/* SQLite keeps these texts as they stand, so opening can compare them. */
static const struct object objects[] = {
	{"table", "meta",
		"CREATE TABLE meta (\n"
		"	one INTEGER PRIMARY KEY CHECK (one = 1),\n"
		"	schema INTEGER NOT NULL,\n"
		"	count INTEGER NOT NULL,\n"
		"	head BLOB NOT NULL CHECK (length(head) = 32)\n"
		") STRICT", 0},
	{"table", "event", EVENT_TABLE("", "", ""), 1},
	{"table", "event",
		EVENT_TABLE(", 'rotation'", ", 'rotation'",
			"	CHECK (kind <> 'rotation' OR (profile IS NOT "
			"NULL AND detail IS NOT NULL)),\n"),
		2},
	{"index", "event_serial",
		"CREATE UNIQUE INDEX event_serial ON event (ca, serial)\n"
		"	WHERE kind = 'issued'", 0},
	{"index", "event_token",
		"CREATE UNIQUE INDEX event_token ON event (serial)\n"
		"	WHERE kind = 'token'", 0},
	{"index", "event_ref",
		"CREATE INDEX event_ref ON event (ref)\n"
		"	WHERE ref IS NOT NULL", 0},
	{"index", "event_rotation",
		"CREATE INDEX event_rotation ON event (profile, seq)\n"
		"	WHERE kind = 'rotation'",
		2},
	{"trigger", "event_update",
		"CREATE TRIGGER event_update BEFORE UPDATE ON event\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'entries are never changed'); END", 0},
	{"trigger", "event_delete",
		"CREATE TRIGGER event_delete BEFORE DELETE ON event\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'entries are never deleted'); END", 0},
	{"table", "authority",
		"CREATE TABLE authority (\n"
		"	ca INTEGER PRIMARY KEY REFERENCES event,\n"
		"	pin BLOB NOT NULL UNIQUE CHECK (length(pin) = 32)\n"
		") STRICT", 0},
	{"table", "live",
		"CREATE TABLE live (\n"
		"	name TEXT NOT NULL,\n"
		"	profile TEXT NOT NULL,\n"
		"	ca INTEGER NOT NULL,\n"
		"	event INTEGER NOT NULL REFERENCES event,\n"
		"	not_after INTEGER NOT NULL,\n"
		"	PRIMARY KEY (name, profile, ca)\n"
		") STRICT, WITHOUT ROWID", 0},
	{"table", "address",
		"CREATE TABLE address (\n"
		"	address TEXT NOT NULL,\n"
		"	ca INTEGER NOT NULL,\n"
		"	event INTEGER NOT NULL REFERENCES event,\n"
		"	name TEXT NOT NULL,\n"
		"	PRIMARY KEY (address, ca, event)\n"
		") STRICT, WITHOUT ROWID", 0},
	{"table", "token",
		"CREATE TABLE token (\n"
		"	name TEXT PRIMARY KEY NOT NULL,\n"
		"	event INTEGER NOT NULL REFERENCES event,\n"
		"	not_after INTEGER NOT NULL\n"
		") STRICT, WITHOUT ROWID", 0},
	/* A name or address is freed only by an event that says so. */
	{"trigger", "live_update",
		"CREATE TRIGGER live_update BEFORE UPDATE ON live\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'what is live is never changed'); END", 0},
	{"trigger", "live_delete",
		"CREATE TRIGGER live_delete BEFORE DELETE ON live\n"
		"	WHEN NOT EXISTS (SELECT 1 FROM event WHERE "
		"ref = OLD.event AND kind <> 'lost')\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'what is live ends by an entry only'); END", 0},
	{"trigger", "address_update",
		"CREATE TRIGGER address_update BEFORE UPDATE ON address\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'an address is never changed'); END", 0},
	{"trigger", "address_delete",
		"CREATE TRIGGER address_delete BEFORE DELETE ON address\n"
		"	WHEN NOT EXISTS (SELECT 1 FROM event WHERE "
		"ref = OLD.event AND kind <> 'lost')\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'an address ends by an entry only'); END", 0},
	{"trigger", "token_update",
		"CREATE TRIGGER token_update BEFORE UPDATE ON token\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'a node''s token is never changed'); END", 0},
	{"trigger", "token_delete",
		"CREATE TRIGGER token_delete BEFORE DELETE ON token\n"
		"	WHEN NOT EXISTS (SELECT 1 FROM event WHERE "
		"ref = OLD.event AND kind <> 'lost')\n"
		"	BEGIN SELECT RAISE(ABORT, "
		"'a node''s token ends by an entry only'); END", 0},
	{"table", "stage",
		"CREATE TABLE stage (\n"
		"	id INTEGER PRIMARY KEY,\n"
		"	path TEXT NOT NULL,\n"
		"	name TEXT NOT NULL,\n"
		"	device INTEGER NOT NULL,\n"
		"	inode INTEGER NOT NULL\n"
		") STRICT", 0},
	{"table", "pending",
		"CREATE TABLE pending (\n"
		"	event INTEGER PRIMARY KEY REFERENCES event,\n"
		"	last_event INTEGER NOT NULL REFERENCES event,\n"
		"	stage INTEGER NOT NULL REFERENCES stage,\n"
		"	name TEXT NOT NULL,\n"
		"	staged TEXT NOT NULL,\n"
		"	target TEXT NOT NULL,\n"
		"	witness TEXT NOT NULL,\n"
		"	hash BLOB NOT NULL CHECK (length(hash) = 32),\n"
		"	replace INTEGER NOT NULL CHECK (replace IN (0, 1))\n"
		") STRICT", 0},
};

/* Each is set and then read back.  With SQLite's own journal_mode and
 * synchronous a power cut loses the last commit. */
struct pragma {
	const char *name, *value, *answer;
	unsigned access; /* bits of enum ledger_access */
};
enum {
	ON_WRITE = 1 << LEDGER_WRITE,
	ON_BUILD = 1 << LEDGER_BUILD,
	ALWAYS = 1 << LEDGER_READ | ON_WRITE | ON_BUILD,
};
static const struct pragma pragmas[] = {
	{"temp_store", "MEMORY", "2", ALWAYS},
	{"mmap_size", "0", "0", ALWAYS},
	{"foreign_keys", "ON", "1", ALWAYS},
	{"trusted_schema", "OFF", "0", ALWAYS},
	{"cell_size_check", "ON", "1", ALWAYS},
	{"cache_size", "-2048", "-2048", ALWAYS},
	{"secure_delete", "OFF", "0", ALWAYS}, /* nothing in it is secret */
	{"journal_mode", "TRUNCATE", "truncate", ON_WRITE | ON_BUILD},
	{"synchronous", "EXTRA", "3", ON_WRITE},
	{"synchronous", "OFF", "0", ON_BUILD},
};

static int keep_first(void *data, int n_values, char **values, char **names)
{
	char **text = data;

	(void)names;
	if (*text == NULL && n_values > 0 && values[0] != NULL)
		*text = memory_text(values[0]);
	return 0;
}

/* The first value that a statement answers with; "" for none. */
static bool answer(struct ledger *ledger, const char *sql, char **ret_text,
	struct error *err)
{
	AUTO_TEXT text = NULL;

	if (sqlite3_exec(ledger->db, sql, keep_first, &text, NULL) != SQLITE_OK)
		return ledger_sql_error(ledger, "cannot open", err);
	*ret_text = text == NULL ? memory_text("") : take(&text);
	return true;
}

static bool set_pragma(
	struct ledger *ledger, const struct pragma *pragma, struct error *err)
{
	AUTO_TEXT set =
		memory_format("PRAGMA %s = %s", pragma->name, pragma->value);
	AUTO_TEXT get = memory_format("PRAGMA %s", pragma->name);
	AUTO_TEXT ignored = NULL;
	AUTO_TEXT text = NULL;

	if (!answer(ledger, set, &ignored, err) ||
		!answer(ledger, get, &text, err))
		return false;
	if (strcmp(text, pragma->answer) != 0)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": SQLite does not set %s to %s but to "
			"\"%s\"",
			ledger->label, pragma->name, pragma->value, text);
	return true;
}

bool ledger_schema_prepare(struct ledger *ledger, struct error *err)
{
	if (sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) !=
		SQLITE_OK)
		return ledger_sql_error(ledger, "cannot open", err);
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++)
		if ((pragmas[i].access & 1u << ledger->access) != 0 &&
			!set_pragma(ledger, &pragmas[i], err))
			return false;
	return true;
}

static bool execute(struct ledger *ledger, const char *sql, struct error *err)
{
	if (sqlite3_exec(ledger->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return ledger_sql_error(ledger, "cannot create", err);
	return true;
}

static bool is_of(const struct object *object, int schema)
{
	return object->of == 0 || object->of == schema;
}

bool ledger_schema_create(struct ledger *ledger, struct error *err)
{
	if (!execute(ledger, "PRAGMA page_size = 4096", err) ||
		!ledger_schema_prepare(ledger, err) ||
		!execute(ledger,
			"BEGIN IMMEDIATE;"
			"PRAGMA application_id = " TEXT_OF(
				APPLICATION_ID) ";"
						"PRAGMA user_version "
						"= " TEXT_OF(LEDGER_SCHEMA),
			err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (is_of(&objects[i], LEDGER_SCHEMA) &&
			!execute(ledger, objects[i].sql, err))
			return false;
	return execute(ledger,
		"INSERT INTO meta (one, schema, count, head) VALUES "
		"(1, " TEXT_OF(LEDGER_SCHEMA) ", 0, zeroblob(32)); COMMIT",
		err);
}

/* Before anything else of the file is believed. */
static bool check_version(struct ledger *ledger, struct error *err)
{
	AUTO_TEXT id = NULL;
	AUTO_TEXT version = NULL;
	AUTO_TEXT ours = memory_format("%d", APPLICATION_ID);
	long schema;

	if (!answer(ledger, "PRAGMA application_id", &id, err) ||
		!answer(ledger, "PRAGMA user_version", &version, err))
		return false;
	if (strcmp(id, ours) != 0)
		return ledger_damaged(ledger, err, "not a ledger of kpki");
	schema = strtol(version, NULL, 10);
	if (schema > LEDGER_SCHEMA)
		return ledger_damaged(ledger, err,
			"schema %ld: newer than this kpki, which knows %d",
			schema, LEDGER_SCHEMA);
	if (schema < 1)
		return ledger_damaged(ledger, err,
			"schema %ld: there was no such schema", schema);
	ledger->schema = (int)schema;
	return true;
}

static const struct object *object_find(const char *name, int schema)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (strcmp(objects[i].name, name) == 0 &&
			is_of(&objects[i], schema))
			return &objects[i];
	return NULL;
}

static size_t count_objects(int schema)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		n += is_of(&objects[i], schema);
	return n;
}

static bool compare_objects(struct ledger *ledger,
	struct sqlite3_stmt *statement, struct error *err)
{
	size_t n_found = 0;
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name =
			(const char *)sqlite3_column_text(statement, 0);
		const char *sql =
			(const char *)sqlite3_column_text(statement, 1);
		const struct object *object =
			object_find(name == NULL ? "" : name, ledger->schema);

		if (object == NULL)
			return ledger_damaged(ledger, err,
				"\"%s\": does not belong in a ledger",
				name == NULL ? "" : name);
		if (sql == NULL || strcmp(sql, object->sql) != 0)
			return ledger_damaged(ledger, err,
				"%s \"%s\": was changed", object->kind, name);
		n_found++;
	}
	if (code != SQLITE_DONE)
		return ledger_sql_error(ledger, "cannot read the schema", err);
	if (n_found != count_objects(ledger->schema))
		return ledger_damaged(ledger, err,
			"%zu of the %zu tables, indexes and triggers are "
			"there",
			n_found, count_objects(ledger->schema));
	return true;
}

static bool check_objects(struct ledger *ledger, struct error *err)
{
	struct sqlite3_stmt *statement = NULL;
	bool done;

	if (sqlite3_prepare_v2(ledger->db,
		    "SELECT name, sql FROM sqlite_schema WHERE substr(name, 1, "
		    "7) <> 'sqlite_'",
		    -1, &statement, NULL) != SQLITE_OK)
		return ledger_sql_error(ledger, "cannot read the schema", err);
	done = compare_objects(ledger, statement, err);
	/* What it answers, the last step did. */
	(void)sqlite3_finalize(statement);
	return done;
}

bool ledger_schema_check(struct ledger *ledger, struct error *err)
{
	int64_t version = 0;
	bool found = false;

	if (!ledger_ask(ledger, SQL_DATA_VERSION, NO_CELLS, &version, 1, &found,
		    err))
		return false;
	if (ledger->checked && version == ledger->data_version)
		return true;
	ledger->checked = false;
	if (!check_version(ledger, err) || !check_objects(ledger, err) ||
		!ledger_chain_read_tail(ledger, err))
		return false;
	ledger->checked = true;
	ledger->data_version = version;
	return true;
}

/* -- from one schema to the next -- */

/* The table of entries and what SQLite keeps with it is made anew around the
 * same entries; a kind of entry cannot be added to it as it stands. */
static bool rebuild_events(struct ledger *ledger, struct error *err)
{
	if (!execute(ledger,
		    "CREATE TEMP TABLE kept AS SELECT * FROM event; "
		    "DROP TABLE main.event",
		    err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strncmp(objects[i].name, "event", strlen("event")) &&
			is_of(&objects[i], LEDGER_SCHEMA) &&
			!execute(ledger, objects[i].sql, err))
			return false;
	return execute(ledger,
		"INSERT INTO event SELECT * FROM temp.kept ORDER BY seq; "
		"DROP TABLE temp.kept; "
		"UPDATE meta SET schema = " TEXT_OF(LEDGER_SCHEMA) "; "
		"PRAGMA user_version = " TEXT_OF(LEDGER_SCHEMA),
		err);
}

bool ledger_schema_raise(struct ledger *ledger, struct error *err)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the first one counts */
	bool done;

	if (ledger->schema == LEDGER_SCHEMA)
		return true;
	ledger_finalize(ledger);
	ledger->checked = false;
	/* Only outside of a transaction it has an effect. */
	done = execute(ledger, "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE",
		       err) &&
	       rebuild_events(ledger, err) && execute(ledger, "COMMIT", err);
	if (!done && sqlite3_get_autocommit(ledger->db) == 0 &&
		!execute(ledger, "ROLLBACK", &ignored))
		error_release(&ignored);
	if (!execute(ledger, "PRAGMA foreign_keys = ON",
		    done ? err : &ignored))
		return false;
	return done && ledger_schema_check(ledger, err);
}
