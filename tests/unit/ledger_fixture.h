/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_LEDGER_FIXTURE_H
#define TESTS_LEDGER_FIXTURE_H

/* A directory with a ledger that knows one authority, for each test anew.
 * Include behind cmocka.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "pki/authority.h"
#include "pki/ledger.h"

#define DAY(number) ((struct instant){1800000000 + (number)*SPAN_DAY})

struct fixture {
	char *dir;
	struct authority *authority;
	struct ledger *ledger;
	int64_t ca;
	unsigned n_serials;
};

static inline void succeeds(bool answer, struct error *err)
{
	if (!answer)
		fail_msg("%s", err->message);
}
#define SUCCEEDS(call)                                                         \
	do {                                                                   \
		AUTO_RELEASE(error) err = ERROR_INIT;                          \
		succeeds((call), &err);                                        \
	} while (0)

/* Fails in this way, and a part of the message is this. */
#define FAILS(call, wanted, words)                                             \
	do {                                                                   \
		AUTO_RELEASE(error) err = ERROR_INIT;                          \
		assert_false(call);                                            \
		if (err.kind != (wanted) || !strstr(err.message, words))       \
			fail_msg("%d: %s", err.kind, err.message);             \
	} while (0)

static inline void lock(struct fixture *fixture, enum file_lock kind)
{
	SUCCEEDS(ledger_lock(fixture->ledger, kind, 10, &err));
}

static inline void begin(struct fixture *fixture, struct instant now)
{
	lock(fixture, FILE_LOCK_EXCLUSIVE);
	SUCCEEDS(ledger_begin(fixture->ledger, now, false, &err));
}

static inline void commit(struct fixture *fixture)
{
	SUCCEEDS(ledger_commit(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
}

static inline void reopen(struct fixture *fixture, enum ledger_access access)
{
	ledger_free(take(&fixture->ledger));
	SUCCEEDS(ledger_open(fixture->dir, access, &fixture->ledger, &err));
}

static inline char *path_in(const struct fixture *fixture, const char *name)
{
	return memory_format("%s/%s", fixture->dir, name);
}

static inline int set_up(void **state)
{
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = DAY(0),
		.not_after = DAY(3650),
	};
	struct fixture *fixture = memory_new(1, sizeof(*fixture));
	const char *tmp = getenv("TMPDIR");

	fixture->dir = memory_format("%s/ledger.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(fixture->dir));
	SUCCEEDS(authority_create(&request, &fixture->authority, &err));
	SUCCEEDS(ledger_create(fixture->dir, &err));
	reopen(fixture, LEDGER_WRITE);
	begin(fixture, DAY(0));
	SUCCEEDS(ledger_add_authority(fixture->ledger, "ca",
		authority_certificate(fixture->authority), &fixture->ca, &err));
	commit(fixture);
	*state = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	ledger_free(fixture->ledger);
	authority_free(fixture->authority);
	SUCCEEDS(file_remove_tree(AT_FDCWD, fixture->dir, &err));
	free(fixture->dir);
	free(fixture);
	return 0;
}

/* -- issuing -- */

#define ADDRESSES(...)                                                         \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

struct wish {
	const char *name, *profile;
	const char *const *addresses; /* NULL at the end */
	int64_t supersedes;
	struct instant not_after; /* 0: day 100 */
	bool (*gives_way)(
		void *data, const char *address, const char *holder);
};

#define WISH(name_, profile_, ...)                                             \
	((const struct wish){                                                  \
		.name = (name_), .profile = (profile_), ##__VA_ARGS__})

static inline bool try_issue(struct fixture *fixture, const struct wish *wish,
	int64_t *ret_event, struct error *err)
{
	unsigned char serial[16] = {1};
	static const unsigned char body[] = "a certificate";
	struct ledger_issue issue = {
		.ca = fixture->ca,
		.profile = wish->profile,
		.name = wish->name,
		.detail = "https://api.example:6443",
		.serial = {serial, sizeof(serial)},
		.not_before = DAY(0),
		.not_after = wish->not_after,
		.body = {body, sizeof(body)},
		.addresses = wish->addresses,
		.supersedes = wish->supersedes,
		.gives_way = wish->gives_way,
	};

	fixture->n_serials++;
	memcpy(serial + 8, &fixture->n_serials, sizeof(fixture->n_serials));
	if (issue.not_after.seconds == 0)
		issue.not_after = DAY(100);
	while (issue.addresses && issue.addresses[issue.n_addresses])
		issue.n_addresses++;
	return ledger_issue(fixture->ledger, &issue, ret_event, err);
}

static inline int64_t issue(struct fixture *fixture, struct wish wish)
{
	int64_t event = 0;

	SUCCEEDS(try_issue(fixture, &wish, &event, &err));
	return event;
}

/* In a transaction of its own. */
static inline int64_t record(struct fixture *fixture, int day, struct wish wish)
{
	int64_t event;

	begin(fixture, DAY(day));
	event = issue(fixture, wish);
	commit(fixture);
	return event;
}

static inline void append(
	struct fixture *fixture, int day, enum ledger_kind kind, int64_t event)
{
	begin(fixture, DAY(day));
	SUCCEEDS(ledger_append(fixture->ledger, kind, event, event, &err));
	commit(fixture);
}

static inline void verify(struct fixture *fixture)
{
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_verify(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
}

/* What somebody with a SQLite of his own does. */
static inline void edit(struct fixture *fixture, const char *sql)
{
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline int keep_text(void *data, int n, char **values, char **names)
{
	struct buffer *text = data;

	(void)names;
	for (int i = 0; i < n; i++)
		buffer_format(text, "%s;", values[i]);
	return 0;
}

/* As somebody would who knows of the triggers. */
static inline void edit_past_triggers(struct fixture *fixture, const char *sql)
{
	AUTO_RELEASE(buffer) drops = BUFFER_INIT;
	AUTO_RELEASE(buffer) triggers = BUFFER_INIT;
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	AUTO_TEXT all = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			"SELECT 'DROP TRIGGER ' || name FROM sqlite_schema "
			"WHERE type = 'trigger'",
			keep_text, &drops, NULL),
		SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			"SELECT sql FROM sqlite_schema WHERE type = 'trigger'",
			keep_text, &triggers, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	all = memory_format("%s%s; %s", drops.data, sql, triggers.data);
	edit(fixture, all);
}

#endif
