/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_LEDGER_PRIVATE_H
#define PKI_LEDGER_PRIVATE_H

#include "pki/ledger.h"

/*
 * What the files of the ledger share, and nobody else.
 *
 *	ledger.c         opening, locks, transactions
 *	ledger_sql.c     every statement, and the way to and from SQLite
 *	ledger_schema.c  tables, pragmas, what opening checks
 *	ledger_chain.c   events and the chain over them
 *	ledger_issue.c   what is live
 *	ledger_token.c   tokens
 *	ledger_revoke.c  what is taken back (pki/ledger_revoke.h)
 *	ledger_rotation.c  stages of a rotation (pki/ledger_rotation.h)
 *	ledger_list.c    rows for the reader, and the proof of the whole
 *	ledger_history.c entries in their order (pki/ledger_history.h)
 *	ledger_stage.c   stages and what is pending in them
 */
struct sqlite3;
struct sqlite3_stmt;

/* -- values on their way in and out -- */

enum cell_kind { CELL_NULL, CELL_INTEGER, CELL_TEXT, CELL_BLOB };

struct cell {
	enum cell_kind kind;
	int64_t integer;
	const void *bytes; /* of text and blob; text has a NUL behind it */
	size_t len;
};

struct cell cell_integer(int64_t value);
struct cell cell_text(const char *text);
struct cell cell_blob(const void *bytes, size_t len);

/* Two arguments: an array of cells and how many. */
#define CELLS(...)                                                             \
	(const struct cell[]){__VA_ARGS__},                                    \
		ARRAY_SIZE(((const struct cell[]){__VA_ARGS__}))
#define NO_CELLS NULL, 0

/* -- statements -- */

enum ledger_sql {
	SQL_BEGIN,
	SQL_BEGIN_READING,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SAVEPOINT,
	SQL_SAVEPOINT_KEEP,
	SQL_SAVEPOINT_UNDO,
	SQL_DATA_VERSION,
	SQL_META_READ,
	SQL_META_WRITE,
	SQL_LAST_EVENT,
	SQL_EVENT_ADD,
	SQL_EVENT_READ,
	SQL_EVENT_ALL,
	SQL_EVENT_ACTS,
	SQL_EVENT_SERIAL,
	SQL_EVENT_BODY,
	SQL_BODY_ANYWHERE,
	SQL_SERIAL_ANYWHERE,
	SQL_REVOKED,
	SQL_EACH,
	SQL_AUTHORITY_ADD,
	SQL_AUTHORITY_FIND,
	SQL_AUTHORITY_READ,
	SQL_LIVE_ADD,
	SQL_LIVE_DROP,
	SQL_LIVE_FIND,
	SQL_LIVE_ANYWHERE,
	SQL_ADDRESS_ADD,
	SQL_ADDRESS_DROP,
	SQL_ADDRESS_FIND,
	SQL_ADDRESS_READ,
	SQL_TOKEN_ADD,
	SQL_TOKEN_DROP,
	SQL_TOKEN_FIND,
	SQL_TOKEN_ID,
	SQL_ROTATION_LAST,
	SQL_ROTATION_ANY,
	SQL_ROTATION_SHOWN,
	SQL_PROJECTION_COUNTS,
	SQL_STAGE_ADD,
	SQL_STAGE_REMOVE,
	SQL_STAGE_ALL,
	SQL_PENDING_ADD,
	SQL_PENDING_REMOVE,
	SQL_PENDING_FIND,
	SQL_PENDING_ALL,
	SQL_STRAY_PENDING,
	SQL_INTEGRITY,
	SQL_SIZE,
};

/* -- events -- */

enum event_column {
	EVENT_SEQ,
	EVENT_KIND,
	EVENT_AT,
	EVENT_CA,
	EVENT_SERIAL,
	EVENT_PROFILE,
	EVENT_NAME,
	EVENT_DETAIL,
	EVENT_NOT_BEFORE,
	EVENT_NOT_AFTER,
	EVENT_REF,
	EVENT_ADDRESSES, /* one a line */
	EVENT_BODY,
	EVENT_COLUMNS,
};

/* The hash of an event is SHA-256 over the hash before it (32 zero bytes at the
 * first) and each column above in order: four bytes of length and the value;
 * an integer is eight bytes, both most significant byte first; NULL is the
 * length ff ff ff ff alone. */
struct event {
	struct cell cells[EVENT_COLUMNS];
	struct sha256 hash;
};

struct ledger_tail {
	int64_t count;
	struct sha256 head;
	struct instant at;
};

/* -- the ledger -- */

struct ledger {
	char *label; /* the file as the operator calls it */
	char *file;  /* its name in the directory */
	enum ledger_access access;
	int dir;
	int lock_fd; /* -1: a copy that has no lock file */
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[SQL_SIZE];

	bool locked;
	bool prepared;     /* the pragmas are set */
	bool checked;      /* … and the file was as data_version says */
	int schema;        /* of the file, once it was checked */
	bool expects;      /* no other rotation than … */
	int64_t rotation;  /* … this entry's, the last of any; 0: of none */
	int64_t data_version;

	bool writing;      /* between begin and commit */
	struct instant now;
	struct ledger_tail tail;
	struct ledger_tail tail_at_begin, tail_at_savepoint;

	struct buffer link;  /* what is hashed */
	struct buffer kept;  /* what the last answer points into */
	struct buffer names; /* the addresses of one issue */
	struct ledger_pendings found;
};

/* -- ledger_sql.c -- */

/* A statement in use; leaving its scope resets it. */
#define AUTO_RESET                                                             \
	__attribute__((cleanup(ledger_auto_reset))) struct sqlite3_stmt *
void ledger_auto_reset(struct sqlite3_stmt **statement);

MUST_CHECK bool ledger_query(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells,
	struct sqlite3_stmt **ret_statement, struct error *err);
/* *ret_row false at the end. */
MUST_CHECK bool ledger_step(struct ledger *ledger,
	struct sqlite3_stmt *statement, bool *ret_row, struct error *err);
struct cell ledger_cell(struct sqlite3_stmt *statement, int column);
int64_t ledger_integer(struct sqlite3_stmt *statement, int column);
/* "" for what is no text. */
const char *ledger_text(struct sqlite3_stmt *statement, int column);

/* Runs what answers nothing. */
MUST_CHECK bool ledger_run(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, struct error *err);
/* The same for what changes rows: refuses outside a transaction. */
MUST_CHECK bool ledger_change(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, struct error *err);
/* The first row's integers; *ret_found false when there is none. */
MUST_CHECK bool ledger_ask(struct ledger *ledger, enum ledger_sql sql,
	const struct cell *cells, size_t n_cells, int64_t *ret_values,
	size_t n_values, bool *ret_found, struct error *err);

/* SQLite's last error, and what it came in the way of.  Always false. */
bool ledger_sql_error(struct ledger *ledger, const char *what,
	struct error *err);
/* ERROR_INPUT: what is wrong with this file.  Always false. */
bool ledger_damaged(const struct ledger *ledger, struct error *err,
	const char *format, ...) PRINTF(3, 4);
void ledger_finalize(struct ledger *ledger);

/* -- ledger_schema.c -- */

MUST_CHECK bool ledger_schema_create(struct ledger *ledger, struct error *err);
MUST_CHECK bool ledger_schema_prepare(struct ledger *ledger,
	struct error *err);
/* Looks at the whole again when somebody else has written meanwhile. */
MUST_CHECK bool ledger_schema_check(struct ledger *ledger, struct error *err);
/* To LEDGER_SCHEMA: under an exclusive lock, outside of a transaction. */
MUST_CHECK bool ledger_schema_raise(struct ledger *ledger, struct error *err);

/* -- ledger_chain.c -- */

const char *ledger_kind_name(enum ledger_kind kind);
struct instant event_instant(const struct event *event,
	enum event_column column);
const char *event_text(const struct event *event, enum event_column column);
int64_t event_integer(const struct event *event, enum event_column column);
struct der event_der(const struct event *event, enum event_column column);
bool event_is(const struct event *event, enum ledger_kind kind);
/* The next of an event's addresses; *at begins as the event_text of
 * EVENT_ADDRESSES.  False at the end. */
bool event_next_address(const char **at, struct cell *ret_address);

MUST_CHECK bool ledger_chain_read_tail(struct ledger *ledger,
	struct error *err);
/* Fills in seq, time and hash, after a "clock" event when the clock is back. */
MUST_CHECK bool ledger_chain_append(struct ledger *ledger,
	struct event *event, struct error *err);
/* Number the next event will have. */
int64_t ledger_chain_next(const struct ledger *ledger);
/* The next row of a query for events, its link checked; views into the
 * statement.  *ret_more false at the end. */
MUST_CHECK bool ledger_chain_step(struct ledger *ledger,
	struct sqlite3_stmt *statement, struct event *ret_event,
	bool *ret_more, struct error *err);
/* The same by number; views that stay until the next call. */
MUST_CHECK bool ledger_chain_read(struct ledger *ledger, int64_t seq,
	struct event *ret_event, struct error *err);

/* -- ledger_issue.c -- */

/* Appends an event about another; detail may be NULL. */
MUST_CHECK bool ledger_act(struct ledger *ledger, enum ledger_kind kind,
	int64_t on, const char *detail, struct error *err);
/* Takes away what an event is live for. */
MUST_CHECK bool ledger_free_names(struct ledger *ledger,
	const struct event *event, struct error *err);
/* Appends "superseded" and frees what the event had; 0 is nothing. */
MUST_CHECK bool ledger_supersede(struct ledger *ledger, int64_t event,
	struct error *err);

/* -- ledger_rotation.c -- */

/* Holds a transaction to ledger_expect_rotation. */
MUST_CHECK bool ledger_rotation_check(struct ledger *ledger,
	struct error *err);

/* -- ledger_list.c -- */

MUST_CHECK bool ledger_row_of(struct ledger *ledger,
	const struct event *event, struct instant at,
	struct ledger_row *ret_row, struct error *err);
/* The rest of a query for events, as rows. */
MUST_CHECK bool ledger_visit_rows(struct ledger *ledger,
	struct sqlite3_stmt *statement, struct instant at,
	ledger_visit *visit, void *data, struct error *err);

#endif
