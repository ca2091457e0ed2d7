/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "ledger_fixture.h"

#define CLIENT "kubelet-client"
#define SERVING "kubelet-serving"

/* 1 the authority, 2 w1 client, 3 w1 serving, 4 of 2: superseded, 5 w1 client,
 * 6 w2 client, 7 w2 serving */
static int set_up_history(void **state)
{
	struct fixture *fixture;
	int64_t old;

	if (set_up(state) != 0)
		return -1;
	fixture = *state;
	old = record(fixture, 1, WISH("w1", CLIENT));
	record(fixture, 1,
		WISH("w1", SERVING, .addresses = ADDRESSES("10.0.0.1", "w1")));
	record(fixture, 2, WISH("w1", CLIENT, .supersedes = old));
	record(fixture, 2, WISH("w2", CLIENT));
	record(fixture, 2,
		WISH("w2", SERVING, .addresses = ADDRESSES("10.0.0.2")));
	return 0;
}

static bool pass(void *data, const struct ledger_row *row, struct error *err)
{
	(void)data;
	(void)row;
	(void)err;
	return true;
}

enum finder { FOUND_BY_LOCK, FOUND_BY_EACH, FOUND_BY_VERIFY };

/* Fails as it must at this step, after those before it passed. */
static bool look(struct fixture *fixture, enum finder finder, struct error *err)
{
	struct ledger_filter all = {.at = DAY(2)};
	bool fine = ledger_lock(fixture->ledger, FILE_LOCK_SHARED, 10, err);

	if (fine && finder >= FOUND_BY_EACH)
		fine = ledger_each(fixture->ledger, &all, pass, NULL, err);
	if (fine && finder >= FOUND_BY_VERIFY)
		fine = ledger_verify(fixture->ledger, err);
	ledger_unlock(fixture->ledger);
	return fine;
}

#define UPDATE_EVENT "UPDATE event SET "
#define COPY_OF_7                                                              \
	"kind, at, ca, x'99', profile, 'w3', detail, not_before, not_after, "  \
	"ref, addresses, body, hash FROM event WHERE seq = 7"

static const struct row {
	const char *sql;
	enum finder finder;
	const char *words;
} edits[] = {
	{"PRAGMA application_id = 0", FOUND_BY_LOCK, "not a ledger of kpki"},
	{"PRAGMA user_version = 3", FOUND_BY_LOCK,
		"schema 3: newer than this kpki, which knows 2"},
	{"PRAGMA user_version = 0", FOUND_BY_LOCK,
		"schema 0: there was no such schema"},
	{"DROP TRIGGER event_delete", FOUND_BY_LOCK,
		"19 of the 20 tables, indexes and triggers are there"},
	{"DROP INDEX event_serial", FOUND_BY_LOCK, "19 of the 20"},
	{"DROP INDEX event_serial; CREATE INDEX event_serial ON event (serial)",
		FOUND_BY_LOCK, "index \"event_serial\": was changed"},
	{"DROP TABLE pending", FOUND_BY_LOCK, "19 of the 20"},
	{"CREATE TABLE mine (a)", FOUND_BY_LOCK,
		"\"mine\": does not belong in a ledger"},
	{"CREATE TRIGGER mine AFTER INSERT ON live BEGIN DELETE FROM live; END",
		FOUND_BY_LOCK, "\"mine\": does not belong in a ledger"},
	{"ALTER TABLE live ADD COLUMN more TEXT", FOUND_BY_LOCK,
		"table \"live\": was changed"},
	{"UPDATE meta SET count = 8", FOUND_BY_LOCK,
		"says that it has 8 entries, and the last is 7"},
	{"UPDATE meta SET head = zeroblob(32)", FOUND_BY_LOCK,
		"entry 7: is not the last that was added"},
	{"UPDATE meta SET schema = 3", FOUND_BY_LOCK,
		"the row about itself was changed"},
	{"DELETE FROM meta", FOUND_BY_LOCK, "the row about itself was changed"},
	{"INSERT INTO event SELECT 8, " COPY_OF_7, FOUND_BY_LOCK,
		"says that it has 7 entries, and the last is 8"},
	{"INSERT INTO event SELECT 0, " COPY_OF_7, FOUND_BY_EACH,
		"entry 0: the entry before it is missing"},
	{"DELETE FROM event WHERE seq = 7", FOUND_BY_LOCK,
		"says that it has 7 entries, and the last is 6"},
	{"DELETE FROM event", FOUND_BY_LOCK,
		"says that it has 7 entries, and the last is 0"},
	{UPDATE_EVENT "name = 'w9' WHERE seq = 7", FOUND_BY_LOCK,
		"entry 7: it or the one before it was changed"},
	{UPDATE_EVENT "at = at + 1 WHERE seq = 7", FOUND_BY_LOCK, "entry 7: "},
	{UPDATE_EVENT "hash = zeroblob(32) WHERE seq = 7", FOUND_BY_LOCK,
		"entry 7: "},
	{UPDATE_EVENT "hash = zeroblob(32) WHERE seq = 6", FOUND_BY_LOCK,
		"entry 7: "},
	{UPDATE_EVENT "body = x'00' WHERE seq = 3", FOUND_BY_EACH, "entry 3: "},
	{UPDATE_EVENT "serial = x'05' WHERE seq = 2", FOUND_BY_EACH,
		"entry 2: "},
	{UPDATE_EVENT "profile = 'ca' WHERE seq = 3", FOUND_BY_EACH,
		"entry 3: "},
	{UPDATE_EVENT "name = 'w7' WHERE seq = 3", FOUND_BY_EACH, "entry 3: "},
	{UPDATE_EVENT "detail = '' WHERE seq = 3", FOUND_BY_EACH, "entry 3: "},
	{UPDATE_EVENT "not_before = 1 WHERE seq = 3", FOUND_BY_EACH,
		"entry 3: "},
	{UPDATE_EVENT "not_after = 1 WHERE seq = 3", FOUND_BY_EACH,
		"entry 3: "},
	{UPDATE_EVENT "addresses = 'w1' WHERE seq = 3", FOUND_BY_EACH,
		"entry 3: "},
	{UPDATE_EVENT "ca = 2 WHERE seq = 3", FOUND_BY_EACH, "entry 3: "},
	{UPDATE_EVENT "ref = 3 WHERE seq = 4", FOUND_BY_EACH, "entry 4: "},
	{UPDATE_EVENT "kind = 'lost' WHERE seq = 4", FOUND_BY_EACH,
		"entry 4: "},
	{UPDATE_EVENT "seq = 9 WHERE seq = 3; " UPDATE_EVENT
		      "seq = 3 WHERE seq = 2; " UPDATE_EVENT
		      "seq = 2 WHERE seq = 9",
		FOUND_BY_EACH, "entry 2: "},
	{"DELETE FROM event WHERE seq = 4", FOUND_BY_EACH,
		"entry 5: the entry before it is missing"},
	{"DELETE FROM event WHERE seq = 3", FOUND_BY_EACH,
		"entry 4: the entry before it is missing"},
	{"DELETE FROM live WHERE name = 'w1' AND profile = 'kubelet-client'",
		FOUND_BY_VERIFY, "has no kubelet-client certificate of entry"},
	{"UPDATE live SET event = 2 WHERE event = 5", FOUND_BY_VERIFY,
		"has no kubelet-client certificate of entry 5"},
	{"UPDATE live SET not_after = 5 WHERE event = 5", FOUND_BY_VERIFY,
		"has no kubelet-client certificate of entry 5"},
	{"INSERT INTO live VALUES ('w1', 'other', 1, 2, 5)", FOUND_BY_VERIFY,
		"has 6 live names where its entries make 5"},
	{"DELETE FROM address WHERE address = '10.0.0.1'", FOUND_BY_VERIFY,
		"an address of entry 3 is not \"w1\"'s"},
	{"UPDATE address SET name = 'w2' WHERE address = '10.0.0.1'",
		FOUND_BY_VERIFY, "an address of entry 3 is not \"w1\"'s"},
	{"INSERT INTO address VALUES ('10.0.0.9', 1, 3, 'w1')", FOUND_BY_VERIFY,
		"has 4 addresses where its entries make 3"},
	{"DELETE FROM authority", FOUND_BY_VERIFY,
		"the authority of entry 1 was changed"},
	{"UPDATE authority SET pin = zeroblob(32)", FOUND_BY_VERIFY,
		"the authority of entry 1 was changed"},
	{"INSERT INTO authority VALUES (2, zeroblob(32))", FOUND_BY_VERIFY,
		"has 2 authorities where its entries make 1"},
	{"INSERT INTO pending VALUES (2, 3, 9, '', '', '', '', zeroblob(32), "
	 "0)",
		FOUND_BY_VERIFY, "what is pending was changed: entry 2"},
};

static void an_edit_is_found_and_named(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		const struct row *row = &edits[i];
		struct fixture *fixture = *state;

		print_message("# %s\n", row->sql);
		if (!strstr(row->sql, "DROP") && !strstr(row->sql, "CREATE"))
			edit_past_triggers(fixture, row->sql);
		else
			edit(fixture, row->sql);
		if (row->finder > FOUND_BY_LOCK)
			SUCCEEDS(look(fixture, row->finder - 1, &err));
		/* Both by who had it open and by who opens it. */
		FAILS(look(fixture, row->finder, &err), ERROR_INPUT,
			row->words);
		reopen(fixture, LEDGER_READ);
		FAILS(look(fixture, row->finder, &err), ERROR_INPUT,
			row->words);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up_history(state), 0);
	}
}

static void triggers_refuse_what_no_entry_says(void **state)
{
	static const struct {
		const char *sql, *words;
	} rows[] = {
		{"UPDATE event SET name = 'w9' WHERE seq = 3",
			"entries are never"},
		{"DELETE FROM event WHERE seq = 7", "entries are never"},
		{"UPDATE live SET event = 2", "live is never changed"},
		{"DELETE FROM live WHERE name = 'w2'", "by an entry only"},
		{"UPDATE address SET name = 'w2'", "never changed"},
		{"DELETE FROM address", "by an entry only"},
	};
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL),
			SQLITE_CONSTRAINT);
		assert_non_null(strstr(sqlite3_errmsg(db), rows[i].words));
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	SUCCEEDS(look(fixture, FOUND_BY_VERIFY, &err));
}

static void what_is_live_must_point_to_its_own_entry(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_row row;
	bool found = false;

	edit_past_triggers(
		fixture, "UPDATE live SET event = 6 WHERE event = 5");
	lock(fixture, FILE_LOCK_SHARED);
	FAILS(ledger_live(fixture->ledger, 1, CLIENT, "w1", DAY(2), &row,
		      &found, &err),
		ERROR_INPUT, "entry 6 is not of \"w1\"");
	ledger_unlock(fixture->ledger);
}

static void an_edit_during_a_visit_is_found_at_the_next(void **state)
{
	struct fixture *fixture = *state;

	lock(fixture, FILE_LOCK_EXCLUSIVE);
	edit_past_triggers(fixture, "DELETE FROM event WHERE seq = 7");
	FAILS(ledger_begin(fixture->ledger, DAY(3), false, &err), ERROR_INPUT,
		"says that it has 7 entries");
	ledger_unlock(fixture->ledger);
}

/* -- the file itself -- */

struct content {
	char *bytes;
	size_t len;
};

static struct content read_file(const char *path)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct content content;

	SUCCEEDS(file_read(AT_FDCWD, path, 1 << 24, &text, &err));
	content.len = text.len;
	content.bytes = buffer_detach(&text);
	return content;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void a_file_that_is_no_ledger_is_refused(void **state)
{
	static const struct {
		size_t keep;	  /* so many bytes of the ledger, … */
		const char *text; /* … or this */
		const char *words;
	} rows[] = {
		{0, "", "not a ledger of kpki"},
		{0, "hello\n", "file is not a database"},
		{100, NULL, "malformed"},
		{4096, NULL, "malformed"},
		{20000, NULL, "malformed"},
	};
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	struct content content;

	ledger_free(take(&fixture->ledger));
	content = read_file(path);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *bytes = rows[i].text ? rows[i].text : content.bytes;

		write_file(path, bytes,
			rows[i].text ? strlen(bytes) : rows[i].keep);
		for (int access = LEDGER_READ; access <= LEDGER_WRITE;
			access++) {
			reopen(fixture, access);
			FAILS(look(fixture, FOUND_BY_VERIFY, &err), ERROR_INPUT,
				rows[i].words);
		}
		ledger_free(take(&fixture->ledger));
	}
	free(content.bytes);
}

static bool add_row(void *data, const struct ledger_row *row, struct error *err)
{
	struct buffer *text = data;

	(void)err;
	buffer_format(text, "%s %s %s %s %s %d %d %lld;", row->name,
		row->profile, row->detail, row->status,
		(const char *)row->body.bytes, row->pending, row->lost,
		(long long)row->not_after.seconds);
	return true;
}

/* Empty when there was something to refuse. */
static char *list(const char *dir)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* any will do */
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(ledger) ledger = NULL;
	struct ledger_filter all = {.at = DAY(2)};

	if (!ledger_open(dir, LEDGER_READ, &ledger, &ignored) ||
		!ledger_lock(ledger, FILE_LOCK_SHARED, 10, &ignored) ||
		!ledger_each(ledger, &all, add_row, &text, &ignored) ||
		!ledger_verify(ledger, &ignored))
		return memory_text("");
	return buffer_detach(&text);
}

static void no_flipped_bit_changes_what_a_sound_ledger_lists(void **state)
{
	enum { STEP = 61 };
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	AUTO_TEXT wanted = NULL;
	struct content content;
	size_t n_found = 0;

	ledger_free(take(&fixture->ledger));
	content = read_file(path);
	wanted = list(fixture->dir);
	assert_string_not_equal(wanted, "");
	for (size_t i = 0; i < content.len; i += STEP) {
		AUTO_TEXT text = NULL;

		content.bytes[i] ^= (char)(1 << i % 8);
		write_file(path, content.bytes, content.len);
		content.bytes[i] ^= (char)(1 << i % 8);
		text = list(fixture->dir);
		n_found += text[0] == '\0';
		if (text[0] != '\0')
			assert_string_equal(text, wanted);
	}
	assert_true(n_found > 50);
	free(content.bytes);
}

/* -- the chain -- */

static void add_number(struct buffer *bytes, uint64_t value, int n_bytes)
{
	for (int i = n_bytes - 1; i >= 0; i--)
		buffer_add_byte(bytes, (char)(value >> 8 * i));
}

static void add_column(struct buffer *bytes, sqlite3_stmt *statement, int i)
{
	int len = sqlite3_column_bytes(statement, i);

	switch (sqlite3_column_type(statement, i)) {
	case SQLITE_NULL:
		add_number(bytes, 0xffffffff, 4);
		break;
	case SQLITE_INTEGER:
		add_number(bytes, 8, 4);
		add_number(
			bytes, (uint64_t)sqlite3_column_int64(statement, i), 8);
		break;
	default:
		add_number(bytes, (uint64_t)len, 4);
		buffer_add(
			bytes, sqlite3_column_blob(statement, i), (size_t)len);
	}
}

static void the_chain_is_what_its_description_says(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	struct sha256 hash = {{0}};
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;
	int n_events = 0;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
			"SELECT seq, kind, at, ca, serial, profile, name, "
			"detail, not_before, not_after, ref, addresses, body, "
			"hash FROM event ORDER BY seq",
			-1, &statement, NULL),
		SQLITE_OK);
	for (; sqlite3_step(statement) == SQLITE_ROW; n_events++) {
		AUTO_RELEASE(buffer) bytes = BUFFER_INIT;

		buffer_add(&bytes, hash.bytes, sizeof(hash.bytes));
		for (int i = 0; i < 13; i++)
			add_column(&bytes, statement, i);
		SUCCEEDS(sha256_of(bytes.data, bytes.len, &hash, &err));
		assert_memory_equal(sqlite3_column_blob(statement, 13),
			hash.bytes, sizeof(hash.bytes));
	}
	assert_int_equal(n_events, 7);
	assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up_history, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_edit_is_found_and_named),
		TEST(triggers_refuse_what_no_entry_says),
		TEST(what_is_live_must_point_to_its_own_entry),
		TEST(an_edit_during_a_visit_is_found_at_the_next),
		TEST(a_file_that_is_no_ledger_is_refused),
		TEST(no_flipped_bit_changes_what_a_sound_ledger_lists),
		TEST(the_chain_is_what_its_description_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
