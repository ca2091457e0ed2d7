/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "ledger_fixture.h"
#include "pki/ledger_private.h"

#define CLIENT "kubelet-client"
#define SERVING "kubelet-serving"

/* The event that is live, or 0. */
static int64_t live(struct fixture *fixture, int day, const char *name)
{
	struct ledger_row row = {0};
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, CLIENT, name,
		DAY(day), &row, &found, &err));
	ledger_unlock(fixture->ledger);
	return found ? row.event : 0;
}

static void assert_address(
	struct fixture *fixture, int day, const char *address, const char *who)
{
	AUTO_TEXT name = NULL;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_address(
		fixture->ledger, fixture->ca, address, DAY(day), &name, &err));
	ledger_unlock(fixture->ledger);
	assert_string_equal(name ? name : "nobody", who);
}

/* "name:status" of each row, in order. */
static bool add_row(void *data, const struct ledger_row *row, struct error *err)
{
	struct buffer *text = data;

	(void)err;
	buffer_format(text, "%s%s:%s%s%s", text->len > 0 ? " " : "",
		row->name[0] != '\0' ? row->name : row->profile, row->status,
		row->pending ? "+pending" : "", row->lost ? "+lost" : "");
	return true;
}

static void assert_list(struct fixture *fixture, struct ledger_filter filter,
	const char *wanted)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_each(fixture->ledger, &filter, add_row, &text, &err));
	ledger_unlock(fixture->ledger);
	assert_string_equal(text.data, wanted);
}

/* -- creating and opening -- */

static void it_is_created_private_and_only_once(void **state)
{
	static const char *const names[] = {LEDGER_FILE, LEDGER_LOCK};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_TEXT path = path_in(fixture, names[i]);
		struct stat status;

		assert_int_equal(lstat(path, &status), 0);
		assert_int_equal(status.st_mode, S_IFREG | 0600);
	}
	FAILS(ledger_create(fixture->dir, &err), ERROR_FAILED, "exists");
	verify(fixture);
}

static void a_creation_that_fails_leaves_what_was_there(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT lock_file = path_in(fixture, LEDGER_LOCK);
	AUTO_TEXT file = path_in(fixture, LEDGER_FILE);

	assert_int_equal(unlink(lock_file), 0);
	FAILS(ledger_create(fixture->dir, &err), ERROR_FAILED, "exists");
	assert_int_equal(access(lock_file, F_OK), -1);
	assert_int_equal(access(file, F_OK), 0);
}

static void a_missing_ledger_or_directory_is_named(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT file = path_in(fixture, LEDGER_FILE);
	AUTO_TEXT nowhere = path_in(fixture, "nowhere");
	AUTO_FREE(ledger) ledger = NULL;

	FAILS(ledger_open(nowhere, LEDGER_READ, &ledger, &err), ERROR_FAILED,
		"nowhere");
	assert_int_equal(unlink(file), 0);
	FAILS(ledger_open(fixture->dir, LEDGER_READ, &ledger, &err),
		ERROR_FAILED, file);
	assert_int_equal(symlink("/etc/passwd", file), 0);
	FAILS(ledger_open(fixture->dir, LEDGER_READ, &ledger, &err),
		ERROR_INPUT, "not a regular file");
}

static void a_directory_behind_a_link_or_with_odd_letters_opens(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT link = memory_format("%s-file:?a=%%41&x", fixture->dir);
	AUTO_FREE(ledger) ledger = NULL;

	assert_int_equal(symlink(fixture->dir, link), 0);
	SUCCEEDS(ledger_open(link, LEDGER_READ, &ledger, &err));
	SUCCEEDS(ledger_lock(ledger, FILE_LOCK_SHARED, 0, &err));
	assert_int_equal(unlink(link), 0);
}

static void a_copy_without_lock_is_read_and_not_touched(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT lock_file = path_in(fixture, LEDGER_LOCK);
	AUTO_TEXT journal = path_in(fixture, LEDGER_FILE "-journal");
	AUTO_TEXT file = path_in(fixture, LEDGER_FILE);
	struct stat before, after;

	record(fixture, 1, WISH("w1", CLIENT));
	ledger_free(take(&fixture->ledger));
	assert_int_equal(unlink(lock_file), 0);
	assert_int_equal(unlink(journal), 0);
	assert_int_equal(stat(file, &before), 0);
	reopen(fixture, LEDGER_READ);
	assert_list(fixture, (struct ledger_filter){.at = DAY(1)},
		"ca:live w1:live");
	verify(fixture);
	assert_int_equal(stat(file, &after), 0);
	assert_memory_equal(
		&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim));
	assert_int_equal(access(lock_file, F_OK), -1);
	assert_int_equal(access(journal, F_OK), -1);
}

static int keep_value(void *data, int n, char **values, char **names)
{
	buffer_format(data, "%s ", n == 1 ? values[0] : names[0]);
	return 0;
}

/* SQLite's own defaults lose the last commit in a power cut. */
static void what_is_committed_survives_a_power_cut(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	assert_int_equal(sqlite3_exec(fixture->ledger->db,
				 "PRAGMA journal_mode; PRAGMA synchronous;"
				 "PRAGMA foreign_keys; PRAGMA trusted_schema;"
				 "PRAGMA cell_size_check; PRAGMA temp_store;",
				 keep_value, &text, NULL),
		SQLITE_OK);
	assert_string_equal(text.data, "truncate 3 1 0 1 2 ");
}

/* -- issuing -- */

static void what_is_issued_is_live_and_comes_back_whole(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = record(fixture, 1,
		WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1", "w1")));
	struct ledger_row row;
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, CLIENT, "w1", DAY(2),
		&row, &found, &err));
	assert_true(found);
	assert_int_equal(row.event, event);
	assert_int_equal(row.at.seconds, DAY(1).seconds);
	assert_int_equal(row.ca, fixture->ca);
	assert_string_equal(row.name, "w1");
	assert_string_equal(row.profile, CLIENT);
	assert_string_equal(row.detail, "https://api.example:6443");
	assert_string_equal(row.status, "live");
	assert_int_equal(row.not_before.seconds, DAY(0).seconds);
	assert_int_equal(row.not_after.seconds, DAY(100).seconds);
	assert_int_equal(row.serial.len, 16);
	assert_int_equal(row.body.len, sizeof("a certificate"));
	assert_string_equal((const char *)row.body.bytes, "a certificate");
	assert_false(row.pending || row.lost);
	ledger_unlock(fixture->ledger);
	assert_address(fixture, 2, "10.0.0.1", "w1");
	assert_address(fixture, 2, "10.0.0.2", "nobody");
	assert_int_equal(live(fixture, 2, "w2"), 0);
	assert_int_equal(live(fixture, 100, "w1"), event);
	assert_int_equal(live(fixture, 101, "w1"), 0);
}

static void an_authority_is_known_by_its_pin(void **state)
{
	struct fixture *fixture = *state;
	const struct certificate *certificate =
		authority_certificate(fixture->authority);
	struct sha256 other = {{0}};
	int64_t ca = -1;

	begin(fixture, DAY(1));
	SUCCEEDS(ledger_authority(
		fixture->ledger, &certificate->pin, &ca, &err));
	assert_int_equal(ca, fixture->ca);
	SUCCEEDS(ledger_authority(fixture->ledger, &other, &ca, &err));
	assert_int_equal(ca, 0);
	FAILS(ledger_add_authority(fixture->ledger, "ca", certificate, &ca, &err),
		ERROR_REFUSED, "the ledger has it already");
	ledger_unlock(fixture->ledger);
}

/* Beside w1, live with these addresses to day 100, and w2, expired on day 5. */
static const struct attempt {
	struct wish wish;
	const char *refusal; /* NULL: issued */
} attempts[] = {
	{{.name = "w1", .profile = CLIENT},
		"\"w1\": has a live kubelet-client certificate until"},
	{{.name = "w1",
		 .profile = SERVING,
		 .addresses = ADDRESSES("10.0.0.1", "w1")},
		NULL},
	{{.name = "w3",
		 .profile = CLIENT,
		 .addresses = ADDRESSES("10.0.0.3", "10.0.0.1")},
		"address \"10.0.0.1\": node \"w1\" has it"},
	{{.name = "w3", .profile = CLIENT, .addresses = ADDRESSES("10.0.0.2")},
		NULL},
	{{.name = "w3",
		 .profile = CLIENT,
		 .addresses = ADDRESSES("10.0.0.3", "10.0.0.3")},
		NULL},
	{{.name = "w2", .profile = CLIENT, .addresses = ADDRESSES("10.0.0.2")},
		NULL},
	{{.name = "w1", .profile = CLIENT, .supersedes = 3},
		"to replace is no longer live"},
	{{.name = "w3", .profile = CLIENT, .supersedes = 2},
		"to replace is no longer live"},
	{{.name = "w1",
		 .profile = CLIENT,
		 .addresses = ADDRESSES("10.0.0.1"),
		 .supersedes = 2},
		NULL},
	{{.name = "w2", .profile = CLIENT, .supersedes = 3}, NULL},
};

static void a_name_and_an_address_are_live_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		record(fixture, 1,
			WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1"))),
		2);
	assert_int_equal(
		record(fixture, 1,
			WISH("w2", CLIENT, .addresses = ADDRESSES("10.0.0.2"),
				.not_after = DAY(5))),
		3);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		const struct attempt *attempt = &attempts[i];
		int64_t event = 0;

		begin(fixture, DAY(6));
		if (attempt->refusal != NULL)
			FAILS(try_issue(fixture, &attempt->wish, &event, &err),
				ERROR_REFUSED, attempt->refusal);
		else
			SUCCEEDS(try_issue(
				fixture, &attempt->wish, &event, &err));
		SUCCEEDS(ledger_verify(fixture->ledger, &err));
		ledger_unlock(fixture->ledger);
	}
	verify(fixture);
}

static bool only_w1(void *data, const char *address, const char *holder)
{
	(void)data;
	(void)address;
	return strcmp(holder, "w1") == 0;
}

static void an_address_moves_when_its_holder_gives_way(void **state)
{
	struct fixture *fixture = *state;
	struct wish both = WISH("w3", CLIENT,
		.addresses = ADDRESSES("10.0.0.1", "10.0.0.2"),
		.gives_way = only_w1);
	struct wish first = WISH("w3", CLIENT,
		.addresses = ADDRESSES("10.0.0.1"), .gives_way = only_w1);
	int64_t event = 0;

	record(fixture, 1,
		WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1")));
	record(fixture, 1,
		WISH("w2", CLIENT, .addresses = ADDRESSES("10.0.0.2")));
	begin(fixture, DAY(2));
	FAILS(try_issue(fixture, &both, &event, &err), ERROR_REFUSED,
		"address \"10.0.0.2\": node \"w2\" has it");
	SUCCEEDS(try_issue(fixture, &first, &event, &err));
	SUCCEEDS(ledger_verify(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
}

static void an_address_that_is_no_line_is_refused(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = 0;

	begin(fixture, DAY(1));
	FAILS(try_issue(fixture,
		      &WISH("w1", CLIENT, .addresses = ADDRESSES("a\nb")),
		      &event, &err),
		ERROR_INPUT, "address \"a\\x0ab\"");
	FAILS(try_issue(fixture,
		      &WISH("w1", CLIENT, .addresses = ADDRESSES("")), &event,
		      &err),
		ERROR_INPUT, "address \"\"");
	ledger_unlock(fixture->ledger);
}

static void a_serial_is_used_once_by_an_authority(void **state)
{
	struct fixture *fixture = *state;
	unsigned char serial[16] = {1};
	bool has = true;
	int64_t event = 0;

	record(fixture, 1, WISH("w1", CLIENT));
	begin(fixture, DAY(1));
	memcpy(serial + 8, &fixture->n_serials, sizeof(fixture->n_serials));
	SUCCEEDS(ledger_has(fixture->ledger, fixture->ca,
		(struct der){serial, 16}, &has, &err));
	assert_true(has);
	SUCCEEDS(ledger_has(fixture->ledger, fixture->ca,
		(struct der){serial, 15}, &has, &err));
	assert_false(has);
	fixture->n_serials--;
	FAILS(try_issue(fixture, &WISH("w2", CLIENT), &event, &err),
		ERROR_FAILED, "has used the serial number before");
	ledger_unlock(fixture->ledger);
	verify(fixture);
}

static void what_takes_the_place_of_another_supersedes_it(void **state)
{
	struct fixture *fixture = *state;
	int64_t old = record(fixture, 1,
		WISH("w1", CLIENT,
			.addresses = ADDRESSES("10.0.0.1", "10.0.0.2")));
	int64_t event = record(fixture, 2,
		WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1"),
			.supersedes = old));

	assert_int_equal(event, old + 2);
	assert_int_equal(live(fixture, 2, "w1"), event);
	assert_address(fixture, 2, "10.0.0.1", "w1");
	assert_address(fixture, 2, "10.0.0.2", "nobody");
	assert_list(fixture, (struct ledger_filter){.at = DAY(2)},
		"ca:live w1:superseded w1:live");
	verify(fixture);
}

static void what_has_expired_gives_way(void **state)
{
	struct fixture *fixture = *state;
	const char *const *both = ADDRESSES("10.0.0.1", "10.0.0.2");

	record(fixture, 1,
		WISH("w1", CLIENT, .addresses = both, .not_after = DAY(5)));
	assert_address(fixture, 5, "10.0.0.2", "w1");
	assert_address(fixture, 6, "10.0.0.2", "nobody");
	record(fixture, 6,
		WISH("w2", CLIENT, .addresses = ADDRESSES("10.0.0.2")));
	assert_address(fixture, 6, "10.0.0.2", "w2");
	record(fixture, 6,
		WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1")));
	assert_list(fixture, (struct ledger_filter){.at = DAY(6)},
		"ca:live w1:expired w2:live w1:live");
	verify(fixture);
}

/* What becomes of a live certificate with an address. */
static const struct fate {
	enum ledger_kind kind;
	bool frees;
	const char *status;
} fates[] = {
	{LEDGER_WITHDRAWN, true, "w1:withdrawn"},
	{LEDGER_REVOKED, true, "w1:revoked"},
	{LEDGER_SUPERSEDED, true, "w1:superseded"},
	{LEDGER_LOST, false, "w1:live+lost"},
};

static void an_act_frees_names_unless_it_is_a_loss(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fates); i++) {
		struct fixture *fixture = *state;
		int64_t event = record(fixture, 1,
			WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1")));

		append(fixture, 2, fates[i].kind, event);
		assert_int_equal(
			live(fixture, 2, "w1"), fates[i].frees ? 0 : event);
		assert_address(fixture, 2, "10.0.0.1",
			fates[i].frees ? "nobody" : "w1");
		assert_list(fixture,
			(struct ledger_filter){.name = "w1", .at = DAY(2)},
			fates[i].status);
		verify(fixture);
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

static void an_act_needs_a_certificate(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = record(fixture, 1, WISH("w1", CLIENT));

	append(fixture, 2, LEDGER_LOST, event);
	begin(fixture, DAY(2));
	FAILS(ledger_append(fixture->ledger, LEDGER_REVOKED, event + 1,
		      event + 1, &err),
		ERROR_FAILED, "is no certificate");
	FAILS(ledger_append(fixture->ledger, LEDGER_REVOKED, event + 2,
		      event + 2, &err),
		ERROR_INPUT, "is missing");
	ledger_unlock(fixture->ledger);
}

static void a_range_of_certificates_is_withdrawn_at_once(void **state)
{
	struct fixture *fixture = *state;
	int64_t old = record(fixture, 1, WISH("w1", SERVING));
	int64_t first, last;

	begin(fixture, DAY(2));
	first = issue(fixture, WISH("w1", CLIENT));
	last = issue(fixture, WISH("w1", SERVING, .supersedes = old));
	SUCCEEDS(ledger_append(
		fixture->ledger, LEDGER_WITHDRAWN, first, last, &err));
	commit(fixture);
	assert_int_equal(last, first + 2);
	assert_list(fixture, (struct ledger_filter){.at = DAY(2)},
		"ca:live w1:superseded w1:withdrawn w1:withdrawn");
	verify(fixture);
}

/* -- looking -- */

static void a_list_is_filtered(void **state)
{
	static const struct {
		struct ledger_filter filter;
		const char *wanted;
	} rows[] = {
		{{0}, "ca:live w1:live w2:revoked w1:live w3:live"},
		{{.name = "w1"}, "w1:live w1:live"},
		{{.name = "w"}, ""},
		{{.name = "w1", .profile = SERVING}, "w1:live"},
		{{.profile = "ca"}, "ca:live"},
		{{.live_only = true}, "ca:live w1:live w1:live w3:live"},
		{{.live_only = true, .at = {1800000000 + 60 * SPAN_DAY}},
			"ca:live w1:live w1:live"},
		{{.live_only = true,
			 .lapsed = true,
			 .at = {1800000000 + 60 * SPAN_DAY}},
			"ca:live w1:live w1:live w3:expired"},
		{{.name = "w3", .at = {1800000000 + 60 * SPAN_DAY}},
			"w3:expired"},
	};
	struct fixture *fixture = *state;
	int64_t event;

	record(fixture, 1, WISH("w1", CLIENT));
	event = record(fixture, 1, WISH("w2", CLIENT));
	record(fixture, 1, WISH("w1", SERVING));
	record(fixture, 1, WISH("w3", CLIENT, .not_after = DAY(50)));
	append(fixture, 1, LEDGER_REVOKED, event);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_list(fixture, rows[i].filter, rows[i].wanted);
}

static bool stop(void *data, const struct ledger_row *row, struct error *err)
{
	(void)data;
	return error_set(err, ERROR_FINDINGS, "at %s", row->profile);
}

static void a_visitor_may_stop(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_filter all = {0};

	lock(fixture, FILE_LOCK_SHARED);
	FAILS(ledger_each(fixture->ledger, &all, stop, NULL, &err),
		ERROR_FINDINGS, "at ca");
	SUCCEEDS(ledger_verify(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
}

static void another_authority_has_names_of_its_own(void **state)
{
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = DAY(0),
		.not_after = DAY(3650),
	};
	struct fixture *fixture = *state;
	AUTO_FREE(authority) second = NULL;
	struct ledger_row row;
	bool found = false;
	int64_t event;

	event = record(fixture, 1,
		WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1")));
	SUCCEEDS(authority_create(&request, &second, &err));
	begin(fixture, DAY(1));
	SUCCEEDS(ledger_add_authority(fixture->ledger, "ca",
		authority_certificate(second), &fixture->ca, &err));
	SUCCEEDS(ledger_live_anywhere(
		fixture->ledger, CLIENT, "w1", DAY(1), &row, &found, &err));
	assert_true(found && row.event == event && row.ca == 1);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, CLIENT, "w1", DAY(1),
		&row, &found, &err));
	assert_false(found);
	issue(fixture, WISH("w1", CLIENT, .addresses = ADDRESSES("10.0.0.1")));
	SUCCEEDS(ledger_live_anywhere(
		fixture->ledger, CLIENT, "w1", DAY(101), &row, &found, &err));
	assert_false(found);
	commit(fixture);
	verify(fixture);
}

/* -- transactions -- */

static void a_clock_that_went_back_is_refused_or_recorded(void **state)
{
	struct fixture *fixture = *state;

	record(fixture, 10, WISH("w1", CLIENT));
	lock(fixture, FILE_LOCK_EXCLUSIVE);
	FAILS(ledger_begin(fixture->ledger, DAY(9), false, &err), ERROR_REFUSED,
		"the clock says 2027-01-24T08:00:00Z, the ledger's last entry "
		"is of 2027-01-25T08:00:00Z: ");
	SUCCEEDS(ledger_begin(fixture->ledger, DAY(9), true, &err));
	assert_int_equal(issue(fixture, WISH("w2", CLIENT)), 4);
	assert_int_equal(issue(fixture, WISH("w3", CLIENT)), 5);
	SUCCEEDS(ledger_commit(fixture->ledger, &err));
	SUCCEEDS(ledger_begin(fixture->ledger, DAY(9), false, &err));
	ledger_unlock(fixture->ledger);
	verify(fixture);
}

static void an_authority_may_come_right_after_the_clock_went_back(void **state)
{
	struct fixture *fixture = *state;
	struct certificate other = *authority_certificate(fixture->authority);
	int64_t ca = 0;

	lock(fixture, FILE_LOCK_EXCLUSIVE);
	SUCCEEDS(ledger_begin(fixture->ledger, DAY(-1), true, &err));
	other.pin.bytes[0] ^= 1;
	SUCCEEDS(ledger_add_authority(fixture->ledger, "ca", &other, &ca, &err));
	assert_int_equal(ca, 3);
	commit(fixture);
	assert_list(fixture, (struct ledger_filter){0}, "ca:live ca:live");
}

static void nobody_commits_and_nothing_happened(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, DAY(1));
	issue(fixture, WISH("w1", CLIENT));
	ledger_rollback(fixture->ledger);
	ledger_unlock(fixture->ledger);
	begin(fixture, DAY(1));
	issue(fixture, WISH("w1", CLIENT));
	ledger_unlock(fixture->ledger);
	begin(fixture, DAY(1));
	issue(fixture, WISH("w1", CLIENT));
	reopen(fixture, LEDGER_WRITE);
	assert_list(fixture, (struct ledger_filter){0}, "ca:live");
	assert_int_equal(record(fixture, 1, WISH("w1", CLIENT)), 2);
	verify(fixture);
}

static void a_savepoint_takes_back_one_item(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, DAY(1));
	for (int i = 0; i < 6; i++) {
		const char name[] = {(char)('a' + i), '\0'};

		SUCCEEDS(ledger_savepoint(fixture->ledger, &err));
		issue(fixture,
			WISH(name, CLIENT, .addresses = ADDRESSES(name)));
		issue(fixture,
			WISH(name, SERVING, .addresses = ADDRESSES(name)));
		if (i % 2 == 0)
			SUCCEEDS(ledger_savepoint_keep(fixture->ledger, &err));
		else
			SUCCEEDS(ledger_savepoint_undo(fixture->ledger, &err));
	}
	commit(fixture);
	assert_list(fixture, (struct ledger_filter){.profile = CLIENT},
		"a:live c:live e:live");
	assert_address(fixture, 1, "c", "c");
	assert_address(fixture, 1, "d", "nobody");
	verify(fixture);
}

static void changes_outside_a_transaction_are_refused(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = 0;

	lock(fixture, FILE_LOCK_EXCLUSIVE);
	FAILS(try_issue(fixture, &WISH("w1", CLIENT), &event, &err),
		ERROR_FAILED, "the transaction was rolled back");
	FAILS(ledger_stage_remove(fixture->ledger, 1, "s", &err), ERROR_FAILED,
		"the transaction was rolled back");
	ledger_unlock(fixture->ledger);
}

/* -- stages -- */

static int64_t add_stage(struct fixture *fixture, const char *name)
{
	struct ledger_stage stage = {0, "/srv/out", name, UINT64_MAX, 7};
	int64_t id = 0;

	SUCCEEDS(ledger_stage_add(fixture->ledger, &stage, &id, &err));
	return id;
}

static void stages_and_what_is_pending_come_back_as_they_were(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(ledger_stages) stages = {0};
	AUTO_RELEASE(ledger_pendings) pendings = {0};
	struct ledger_pending pending = {.name = "w1",
		.staged = "0/w1",
		.target = "w1.tar",
		.witness = "",
		.hash = {{1, 2, 3}},
		.replace = true};
	AUTO_RELEASE(ledger_stages) left = {NULL, 0};
	struct ledger_pending other;
	bool found = false;

	begin(fixture, DAY(1));
	add_stage(fixture, ".kpki-a");
	pending.stage = add_stage(fixture, ".kpki-b");
	pending.event = issue(fixture, WISH("w1", CLIENT));
	pending.last_event = issue(fixture, WISH("w1", SERVING));
	SUCCEEDS(ledger_pending_add(fixture->ledger, &pending, &err));
	issue(fixture, WISH("w2", CLIENT));
	commit(fixture);
	verify(fixture);
	assert_list(fixture, (struct ledger_filter){0},
		"ca:live w1:live+pending w1:live+pending w2:live");

	begin(fixture, DAY(1));
	SUCCEEDS(ledger_stages(fixture->ledger, &stages, &err));
	assert_int_equal(stages.n_items, 2);
	assert_string_equal(stages.items[1].name, ".kpki-b");
	assert_string_equal(stages.items[1].path, "/srv/out");
	assert_true(stages.items[1].device == UINT64_MAX);
	assert_true(stages.items[1].inode == 7);
	SUCCEEDS(ledger_pendings(
		fixture->ledger, pending.stage, &pendings, &err));
	assert_int_equal(pendings.n_items, 1);
	for (int64_t event = pending.event - 1; event <= pending.last_event + 1;
		event++) {
		SUCCEEDS(ledger_pending_find(
			fixture->ledger, event, &other, &found, &err));
		assert_int_equal(found,
			event >= pending.event && event <= pending.last_event);
	}
	SUCCEEDS(ledger_pending_find(
		fixture->ledger, pending.last_event, &other, &found, &err));
	assert_int_equal(other.event, pending.event);
	assert_string_equal(other.name, "w1");
	assert_string_equal(other.staged, "0/w1");
	assert_string_equal(other.target, "w1.tar");
	assert_string_equal(other.witness, "");
	assert_memory_equal(&other.hash, &pending.hash, sizeof(other.hash));
	assert_true(other.replace);
	FAILS(ledger_stage_remove(
		      fixture->ledger, pending.stage, ".kpki-b", &err),
		ERROR_FAILED, "FOREIGN KEY");
	SUCCEEDS(ledger_stage_remove(
		fixture->ledger, pending.stage, ".kpki-a", &err));
	SUCCEEDS(ledger_pending_remove(fixture->ledger, pending.event, &err));
	SUCCEEDS(ledger_stages(fixture->ledger, &left, &err));
	assert_int_equal(left.n_items, 2);
	SUCCEEDS(ledger_stage_remove(
		fixture->ledger, pending.stage, ".kpki-b", &err));
	commit(fixture);
	assert_list(fixture, (struct ledger_filter){.name = "w1"},
		"w1:live w1:live");
	verify(fixture);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_created_private_and_only_once),
		TEST(a_creation_that_fails_leaves_what_was_there),
		TEST(a_missing_ledger_or_directory_is_named),
		TEST(a_directory_behind_a_link_or_with_odd_letters_opens),
		TEST(a_copy_without_lock_is_read_and_not_touched),
		TEST(what_is_committed_survives_a_power_cut),
		TEST(what_is_issued_is_live_and_comes_back_whole),
		TEST(an_authority_is_known_by_its_pin),
		TEST(a_name_and_an_address_are_live_once),
		TEST(an_address_moves_when_its_holder_gives_way),
		TEST(an_address_that_is_no_line_is_refused),
		TEST(a_serial_is_used_once_by_an_authority),
		TEST(what_takes_the_place_of_another_supersedes_it),
		TEST(what_has_expired_gives_way),
		TEST(an_act_frees_names_unless_it_is_a_loss),
		TEST(an_act_needs_a_certificate),
		TEST(a_range_of_certificates_is_withdrawn_at_once),
		TEST(a_list_is_filtered),
		TEST(a_visitor_may_stop),
		TEST(another_authority_has_names_of_its_own),
		TEST(a_clock_that_went_back_is_refused_or_recorded),
		TEST(an_authority_may_come_right_after_the_clock_went_back),
		TEST(nobody_commits_and_nothing_happened),
		TEST(a_savepoint_takes_back_one_item),
		TEST(changes_outside_a_transaction_are_refused),
		TEST(stages_and_what_is_pending_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
