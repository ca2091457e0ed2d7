/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ledger_fixture.h"

#define CLIENT "kubelet-client"

/* -- children: assertions do not reach the parent, exit statuses do -- */

/* 0: done; 1: refused; 2: failed otherwise. */
static int issue_once(const char *dir, unsigned number, const char *name)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(ledger) ledger = NULL;
	struct fixture fixture = {.ca = 1, .n_serials = number};
	const struct wish wish =
		WISH(name, CLIENT, .addresses = ADDRESSES(name));
	int64_t event = 0;

	if (!ledger_open(dir, LEDGER_WRITE, &ledger, &err) ||
		!ledger_lock(ledger, FILE_LOCK_EXCLUSIVE, 60, &err) ||
		!ledger_begin(ledger, DAY(1), false, &err))
		return 2;
	fixture.ledger = ledger;
	if (!try_issue(&fixture, &wish, &event, &err))
		return err.kind == ERROR_REFUSED ? 1 : 2;
	return ledger_commit(ledger, &err) ? 0 : 2;
}

static int wait_for(pid_t child)
{
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool count_row(
	void *data, const struct ledger_row *row, struct error *err)
{
	size_t *count = data;

	(void)row;
	(void)err;
	++*count;
	return true;
}

static size_t count(struct fixture *fixture)
{
	struct ledger_filter all = {.at = DAY(1)};
	size_t n_rows = 0;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_each(fixture->ledger, &all, count_row, &n_rows, &err));
	SUCCEEDS(ledger_verify(fixture->ledger, &err));
	ledger_unlock(fixture->ledger);
	return n_rows;
}

static void issue_many(struct fixture *fixture, const char *prefix, int n_names)
{
	for (int i = 0; i < n_names; i++) {
		AUTO_TEXT name = memory_format("%s-%d", prefix, i);

		issue(fixture,
			WISH(name, CLIENT, .addresses = ADDRESSES(name)));
	}
}

/* Dies after so many certificates and before the commit. */
static void die_after(struct fixture *fixture, int n_names)
{
	pid_t child;

	ledger_free(take(&fixture->ledger));
	child = fork();
	if (child == 0) {
		reopen(fixture, LEDGER_WRITE);
		begin(fixture, DAY(1));
		issue_many(fixture, "dead", n_names);
		_exit(0);
	}
	assert_int_equal(wait_for(child), 0);
}

static off_t journal_size(const struct fixture *fixture)
{
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE "-journal");
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void a_process_that_dies_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;

	die_after(fixture, 10);
	reopen(fixture, LEDGER_WRITE);
	assert_int_equal(count(fixture), 1);
	assert_int_equal(record(fixture, 1, WISH("dead-1", CLIENT)), 2);
}

/* More than the cache holds, so that some of it is in the file already. */
static void a_reader_leaves_a_hot_journal_to_the_next_writer(void **state)
{
	struct fixture *fixture = *state;

	record(fixture, 1, WISH("w1", CLIENT));
	die_after(fixture, 20000);
	assert_true(journal_size(fixture) > 512);
	reopen(fixture, LEDGER_READ);
	FAILS(ledger_lock(fixture->ledger, FILE_LOCK_SHARED, 0, &err),
		ERROR_FAILED, "the next one that may write mends it");
	assert_true(journal_size(fixture) > 512);
	reopen(fixture, LEDGER_WRITE);
	assert_int_equal(count(fixture), 2);
	reopen(fixture, LEDGER_READ);
	assert_int_equal(count(fixture), 2);
}

static void writers_queue_and_nothing_is_issued_twice(void **state)
{
	enum { N_WRITERS = 8, N_EACH = 10 };
	struct fixture *fixture = *state;
	pid_t children[N_WRITERS];
	int n_common = 0;

	ledger_free(take(&fixture->ledger));
	for (unsigned i = 0; i < N_WRITERS; i++) {
		children[i] = fork();
		for (unsigned j = 0; children[i] == 0 && j < N_EACH; j++) {
			AUTO_TEXT name = memory_format("w%u-%u", i, j);

			if (issue_once(fixture->dir, i * 100 + j, name) != 0)
				_exit(2);
		}
		if (children[i] == 0)
			_exit(issue_once(
				fixture->dir, i * 100 + N_EACH, "same"));
	}
	for (size_t i = 0; i < N_WRITERS; i++) {
		int status = wait_for(children[i]);

		assert_in_range(status, 0, 1);
		n_common += status == 0;
	}
	assert_int_equal(n_common, 1);
	reopen(fixture, LEDGER_READ);
	assert_int_equal(count(fixture), 1 + N_WRITERS * N_EACH + 1);
}

static void what_another_process_wrote_is_seen_at_the_next_lock(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;

	record(fixture, 1, WISH("w1", CLIENT));
	child = fork();
	if (child == 0)
		_exit(issue_once(fixture->dir, 99, "w2"));
	assert_int_equal(wait_for(child), 0);
	assert_int_equal(record(fixture, 1, WISH("w3", CLIENT)), 4);
	assert_int_equal(count(fixture), 4);
}

static void a_lock_that_is_held_too_long_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT path = path_in(fixture, LEDGER_LOCK);
	AUTO_CLOSE fd = open(path, O_RDWR | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_SH), 0);
	FAILS(ledger_lock(fixture->ledger, FILE_LOCK_EXCLUSIVE, 0, &err),
		ERROR_FAILED, "another process has held its lock");
	lock(fixture, FILE_LOCK_SHARED);
	ledger_unlock(fixture->ledger);
	assert_int_equal(flock(fd, LOCK_UN), 0);
	lock(fixture, FILE_LOCK_EXCLUSIVE);
	ledger_unlock(fixture->ledger);
}

/* -- a full disk -- */

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t ledger_size(const struct fixture *fixture)
{
	AUTO_TEXT path = path_in(fixture, LEDGER_FILE);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (rlim_t)status.st_size;
}

static void a_commit_without_room_did_not_happen(void **state)
{
	struct fixture *fixture = *state;
	unsigned char serial[16] = {1};
	bool has = true;

	begin(fixture, DAY(1));
	issue_many(fixture, "w", 100);
	memcpy(serial + 8, &fixture->n_serials, sizeof(fixture->n_serials));
	limit_files(ledger_size(fixture));
	FAILS(ledger_commit(fixture->ledger, &err), ERROR_FAILED,
		"cannot commit: disk I/O error");
	limit_files(RLIM_INFINITY);
	SUCCEEDS(ledger_has(
		fixture->ledger, 1, (struct der){serial, 16}, &has, &err));
	assert_false(has);
	ledger_unlock(fixture->ledger);
	assert_int_equal(count(fixture), 1);
	assert_int_equal(record(fixture, 1, WISH("w-1", CLIENT)), 2);
	reopen(fixture, LEDGER_WRITE);
	assert_int_equal(count(fixture), 2);
}

static void issuing_without_room_fails_and_goes_on_failing(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool fine = true;

	begin(fixture, DAY(1));
	limit_files(ledger_size(fixture) + 65536);
	for (int i = 0; fine && i < 40000; i++) {
		AUTO_TEXT name = memory_format("w-%d", i);
		int64_t event;

		fine = try_issue(fixture, &WISH(name, CLIENT), &event, &why);
	}
	limit_files(RLIM_INFINITY);
	assert_false(fine);
	assert_int_equal(why.kind, ERROR_FAILED);
	FAILS(ledger_savepoint(fixture->ledger, &err), ERROR_FAILED,
		"the transaction was rolled back");
	FAILS(ledger_commit(fixture->ledger, &err), ERROR_FAILED,
		"the transaction was rolled back");
	ledger_unlock(fixture->ledger);
	assert_int_equal(count(fixture), 1);
	assert_int_equal(record(fixture, 1, WISH("w-1", CLIENT)), 2);
	assert_int_equal(count(fixture), 2);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_that_dies_leaves_nothing),
		TEST(a_reader_leaves_a_hot_journal_to_the_next_writer),
		TEST(writers_queue_and_nothing_is_issued_twice),
		TEST(what_another_process_wrote_is_seen_at_the_next_lock),
		TEST(a_lock_that_is_held_too_long_is_an_error),
		TEST(a_commit_without_room_did_not_happen),
		TEST(issuing_without_room_fails_and_goes_on_failing),
	};

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
