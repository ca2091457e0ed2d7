/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "ledger_fixture.h"

#define CLIENT "kubelet-client"

struct token_wish {
	const char *id, *name;
	int64_t supersedes;
	int until; /* day; 0: never */
};

static bool try_token(struct fixture *fixture, struct token_wish wish,
	int64_t *ret_event, struct error *err)
{
	struct ledger_token token = {
		.id = wish.id,
		.kind = "bootstrap-token",
		.name = wish.name,
		.groups = "system:bootstrappers:a,system:bootstrappers:b",
		.not_after = wish.until ? DAY(wish.until) : LEDGER_NEVER,
		.supersedes = wish.supersedes,
	};

	return ledger_add_token(fixture->ledger, &token, ret_event, err);
}

static int64_t record_token(
	struct fixture *fixture, int day, struct token_wish wish)
{
	int64_t event = 0;

	begin(fixture, DAY(day));
	SUCCEEDS(try_token(fixture, wish, &event, &err));
	commit(fixture);
	return event;
}

static int64_t token_of(struct fixture *fixture, int day, const char *name)
{
	struct ledger_row row = {0};
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_token_of(
		fixture->ledger, name, DAY(day), &row, &found, &err));
	ledger_unlock(fixture->ledger);
	return found ? row.event : 0;
}

static bool add_row(void *data, const struct ledger_row *row, struct error *err)
{
	struct buffer *text = data;

	(void)err;
	buffer_format(text, "%s%.*s:%s:%s%s", text->len > 0 ? " " : "",
		(int)row->serial.len, (const char *)row->serial.bytes,
		row->name, row->status, row->lost ? "+lost" : "");
	return true;
}

static void assert_tokens(struct fixture *fixture, struct ledger_filter filter,
	const char *wanted)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	filter.tokens = true;
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_each(fixture->ledger, &filter, add_row, &text, &err));
	SUCCEEDS(ledger_verify(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
	assert_string_equal(text.data, wanted);
}

static void it_comes_back_by_its_id_and_by_its_node(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = record_token(
		fixture, 1, (struct token_wish){"abcdef", "w1", 0, 2});
	struct ledger_row row = {0};
	bool found = false;

	record_token(fixture, 1, (struct token_wish){"012345", "", 0, 0});
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_token(
		fixture->ledger, "abcdef", DAY(3), &row, &found, &err));
	assert_true(found);
	assert_int_equal(row.event, event);
	assert_string_equal(row.name, "w1");
	assert_string_equal(row.profile, "bootstrap-token");
	assert_string_equal(
		row.detail, "system:bootstrappers:a,system:bootstrappers:b");
	assert_string_equal(row.status, "expired");
	assert_int_equal(row.ca, 0);
	assert_int_equal(row.not_before.seconds, DAY(1).seconds);
	assert_int_equal(row.not_after.seconds, DAY(2).seconds);
	assert_int_equal(row.body.len, 0);
	SUCCEEDS(ledger_token(
		fixture->ledger, "nobody", DAY(1), &row, &found, &err));
	assert_false(found);
	ledger_unlock(fixture->ledger);
	assert_int_equal(token_of(fixture, 2, "w1"), event);
	assert_int_equal(token_of(fixture, 3, "w1"), 0);
	assert_int_equal(token_of(fixture, 1, ""), 0);
}

static void tokens_and_certificates_are_listed_apart(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_filter all = {.at = DAY(5)};

	record(fixture, 1, WISH("w1", CLIENT));
	record_token(fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 9});
	record_token(fixture, 1, (struct token_wish){"bbbbbb", "w2", 0, 2});
	record_token(fixture, 1, (struct token_wish){"cccccc", "", 0, 0});
	assert_tokens(
		fixture, all, "aaaaaa:w1:live bbbbbb:w2:expired cccccc::live");
	all.live_only = true;
	assert_tokens(fixture, all, "aaaaaa:w1:live cccccc::live");
	all.name = "w1";
	assert_tokens(fixture, all, "aaaaaa:w1:live");
}

static void a_node_has_one_live_token_and_an_id_is_used_once(void **state)
{
	static const struct {
		struct token_wish wish;
		const char *words;
	} rows[] = {
		{{"aaaaaa", "w9", 0, 9}, "token \"aaaaaa\": the ledger has"},
		{{"aaaaaa", "", 0, 9}, "token \"aaaaaa\": the ledger has"},
		{{"bbbbbb", "w1", 0, 9}, "\"w1\": has a live token until"},
		{{"bbbbbb", "w1", 1, 9}, "no longer live"},
		{{"bbbbbb", "w2", 1, 9}, "no longer live"},
	};
	struct fixture *fixture = *state;
	int64_t event;

	record_token(fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
	begin(fixture, DAY(2));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		FAILS(try_token(fixture, rows[i].wish, &event, &err),
			ERROR_REFUSED, rows[i].words);
	ledger_unlock(fixture->ledger);
	assert_tokens(fixture, (struct ledger_filter){.at = DAY(2)},
		"aaaaaa:w1:live");
}

static void the_next_one_supersedes_it_and_what_expired_gives_way(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = record_token(
		fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
	int64_t second = record_token(
		fixture, 2, (struct token_wish){"bbbbbb", "w1", first, 6});

	assert_int_equal(second, first + 2);
	assert_int_equal(token_of(fixture, 2, "w1"), second);
	record_token(fixture, 7, (struct token_wish){"cccccc", "w1", 0, 0});
	assert_tokens(fixture, (struct ledger_filter){.at = DAY(3)},
		"aaaaaa:w1:superseded bbbbbb:w1:superseded cccccc:w1:live");
	assert_tokens(fixture, (struct ledger_filter){.at = DAY(7)},
		"aaaaaa:w1:expired bbbbbb:w1:expired cccccc:w1:live");
}

static void an_act_frees_the_node_unless_it_is_a_loss(void **state)
{
	static const struct {
		enum ledger_kind kind;
		bool frees;
		const char *wanted;
	} rows[] = {
		{LEDGER_REVOKED, true, "aaaaaa:w1:revoked"},
		{LEDGER_WITHDRAWN, true, "aaaaaa:w1:withdrawn"},
		{LEDGER_LOST, false, "aaaaaa:w1:live+lost"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *fixture = *state;
		int64_t event = record_token(
			fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});

		append(fixture, 2, rows[i].kind, event);
		assert_int_equal(
			token_of(fixture, 2, "w1") == 0, rows[i].frees);
		assert_tokens(fixture, (struct ledger_filter){.at = DAY(2)},
			rows[i].wanted);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void a_token_may_be_pending_behind_a_certificate(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_stage stage = {.path = "/srv/out", .name = ".kpki-a"};
	struct ledger_pending pending = {
		.name = "w1", .staged = "0/w1", .target = "w1", .witness = ""};
	struct ledger_row row = {0};
	bool found = false;

	begin(fixture, DAY(1));
	SUCCEEDS(ledger_stage_add(
		fixture->ledger, &stage, &pending.stage, &err));
	pending.event = issue(fixture, WISH("w1", "kubelet-serving"));
	SUCCEEDS(try_token(fixture, (struct token_wish){"aaaaaa", "w1", 0, 5},
		&pending.last_event, &err));
	SUCCEEDS(ledger_pending_add(fixture->ledger, &pending, &err));
	commit(fixture);
	verify(fixture);
	begin(fixture, DAY(1));
	SUCCEEDS(ledger_token_of(
		fixture->ledger, "w1", DAY(1), &row, &found, &err));
	assert_true(found && row.pending);
	SUCCEEDS(ledger_append(fixture->ledger, LEDGER_WITHDRAWN, pending.event,
		pending.last_event, &err));
	SUCCEEDS(ledger_pending_remove(fixture->ledger, pending.event, &err));
	commit(fixture);
	verify(fixture);
	assert_int_equal(token_of(fixture, 1, "w1"), 0);
}

static void a_token_in_a_bundle_says_what_the_bundle_is_for(void **state)
{
	static const char server[] = "https://api.example:6443";
	struct fixture *fixture = *state;
	struct ledger_token token = {.id = "aaaaaa",
		.kind = "bootstrap-token",
		.name = "w1",
		.groups = "",
		.not_after = DAY(2),
		.ca = fixture->ca,
		.body = {(const unsigned char *)server, sizeof(server) - 1}};
	struct ledger_row row = {0};
	bool found = false;
	int64_t event;

	begin(fixture, DAY(1));
	SUCCEEDS(ledger_add_token(fixture->ledger, &token, &event, &err));
	commit(fixture);
	verify(fixture);
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_token_last(
		fixture->ledger, "w1", DAY(9), &row, &found, &err));
	assert_true(found);
	assert_int_equal(row.ca, fixture->ca);
	assert_int_equal(row.body.len, sizeof(server) - 1);
	assert_memory_equal(row.body.bytes, server, row.body.len);
	assert_string_equal(row.status, "expired");
	SUCCEEDS(ledger_token_last(
		fixture->ledger, "w2", DAY(1), &row, &found, &err));
	assert_false(found);
	ledger_unlock(fixture->ledger);
}

static void what_another_kind_takes_the_place_of_is_superseded_once(
	void **state)
{
	struct fixture *fixture = *state;
	int64_t token = record_token(
		fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
	int64_t expired = record_token(
		fixture, 1, (struct token_wish){"bbbbbb", "w2", 0, 1});
	int64_t certificate = record(fixture, 1, WISH("w3", CLIENT));
	const int64_t events[] = {token, expired, certificate};

	begin(fixture, DAY(2));
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		SUCCEEDS(ledger_retire(fixture->ledger, events[i], &err));
		FAILS(ledger_retire(fixture->ledger, events[i], &err),
			ERROR_REFUSED, "no longer live");
	}
	commit(fixture);
	verify(fixture);
	assert_int_equal(token_of(fixture, 2, "w1"), 0);
	assert_tokens(fixture, (struct ledger_filter){.at = DAY(2)},
		"aaaaaa:w1:superseded bbbbbb:w2:expired");
	record(fixture, 2, WISH("w3", CLIENT));
}

/* 1 the authority, 2 and 3 tokens */
static void an_edit_is_found_and_named(void **state)
{
	static const struct {
		const char *sql, *words;
	} rows[] = {
		{"DELETE FROM token WHERE name = 'w1'",
			"\"w1\" has no token of entry 2"},
		{"UPDATE token SET event = 3 WHERE name = 'w1'",
			"\"w1\" has no token of entry 2"},
		{"UPDATE token SET not_after = 1 WHERE name = 'w1'",
			"\"w1\" has no token of entry 2"},
		{"INSERT INTO token VALUES ('w9', 2, 5)",
			"has 3 tokens of nodes where its entries make 2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture *fixture = *state;

		record_token(
			fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
		record_token(
			fixture, 1, (struct token_wish){"bbbbbb", "w2", 0, 5});
		edit_past_triggers(fixture, rows[i].sql);
		lock(fixture, FILE_LOCK_SHARED);
		FAILS(ledger_verify(fixture->ledger, &err), ERROR_INPUT,
			rows[i].words);
		ledger_unlock(fixture->ledger);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void what_is_live_must_point_to_its_own_entry(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_row row;
	bool found = false;

	record_token(fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
	record_token(fixture, 1, (struct token_wish){"bbbbbb", "w2", 0, 5});
	edit_past_triggers(
		fixture, "UPDATE token SET event = 3 WHERE name = 'w1'");
	lock(fixture, FILE_LOCK_SHARED);
	FAILS(ledger_token_of(
		      fixture->ledger, "w1", DAY(1), &row, &found, &err),
		ERROR_INPUT, "entry 3 is no token of \"w1\"");
	ledger_unlock(fixture->ledger);
}

static void triggers_refuse_what_no_entry_says(void **state)
{
	static const struct {
		const char *sql, *words;
	} rows[] = {
		{"UPDATE token SET event = 2", "token is never changed"},
		{"DELETE FROM token", "token ends by an entry only"},
	};
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	sqlite3 *db = NULL;

	record_token(fixture, 1, (struct token_wish){"aaaaaa", "w1", 0, 5});
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL),
			SQLITE_CONSTRAINT);
		assert_non_null(strstr(sqlite3_errmsg(db), rows[i].words));
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_comes_back_by_its_id_and_by_its_node),
		TEST(tokens_and_certificates_are_listed_apart),
		TEST(a_node_has_one_live_token_and_an_id_is_used_once),
		TEST(the_next_one_supersedes_it_and_what_expired_gives_way),
		TEST(an_act_frees_the_node_unless_it_is_a_loss),
		TEST(a_token_may_be_pending_behind_a_certificate),
		TEST(a_token_in_a_bundle_says_what_the_bundle_is_for),
		TEST(what_another_kind_takes_the_place_of_is_superseded_once),
		TEST(an_edit_is_found_and_named),
		TEST(what_is_live_must_point_to_its_own_entry),
		TEST(triggers_refuse_what_no_entry_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
