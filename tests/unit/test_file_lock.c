/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

static char *path;

static int make_file(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	path = memory_format("%s/test_file_lock.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	int answer = unlink(path);

	(void)state;
	free(path);
	return answer;
}

static int open_it(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static double now(void)
{
	struct timespec time;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static bool lock(int fd, enum file_lock kind, int64_t timeout)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool held = false;

	assert_true(file_lock(fd, kind, timeout, &held, &err));
	return held;
}

static void exclusive_excludes_and_shared_shares(void **state)
{
	AUTO_CLOSE a = open_it();
	AUTO_CLOSE b = open_it();

	(void)state;
	assert_true(lock(a, FILE_LOCK_SHARED, 0));
	assert_true(lock(b, FILE_LOCK_SHARED, 10));
	assert_false(lock(b, FILE_LOCK_EXCLUSIVE, 0));
	file_unlock(b);
	file_unlock(a);
	assert_true(lock(b, FILE_LOCK_EXCLUSIVE, 10));
	assert_false(lock(a, FILE_LOCK_SHARED, 0));
	assert_false(lock(a, FILE_LOCK_EXCLUSIVE, 0));
	file_unlock(b);
	assert_true(lock(a, FILE_LOCK_EXCLUSIVE, 0));
}

static void waiting_ends_in_time_and_leaves_nothing_locked(void **state)
{
	AUTO_CLOSE a = open_it();
	AUTO_CLOSE b = open_it();
	AUTO_CLOSE c = open_it();
	double start;
	double waited;

	(void)state;
	assert_true(lock(a, FILE_LOCK_EXCLUSIVE, 0));
	start = now();
	assert_false(lock(b, FILE_LOCK_EXCLUSIVE, 1));
	waited = now() - start;
	assert_true(waited >= 0.99 && waited < 5);
	file_unlock(a);
	/* b did not stay in line, and got nothing afterwards. */
	assert_true(lock(c, FILE_LOCK_EXCLUSIVE, 5));
}

static void the_next_in_line_gets_it_at_once(void **state)
{
	AUTO_CLOSE a = open_it();
	int status = 0;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		AUTO_CLOSE own = open_it();

		if (!lock(own, FILE_LOCK_EXCLUSIVE, 0))
			_exit(1);
		usleep(200000);
		_exit(0);
	}
	while (lock(a, FILE_LOCK_EXCLUSIVE, 0)) {
		file_unlock(a);
		usleep(1000);
	}
	/* The child's end lets go of it. */
	assert_true(lock(a, FILE_LOCK_EXCLUSIVE, 60));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What two processes share. */
struct shared {
	atomic_uint n_rounds;
	atomic_bool enough;
};

/* Locks again as soon as it has let go. */
static int be_greedy(struct shared *shared)
{
	int fd = open_it();

	while (!shared->enough) {
		if (!lock(fd, FILE_LOCK_EXCLUSIVE, 60))
			return 1;
		shared->n_rounds++;
		usleep(1000);
		file_unlock(fd);
	}
	return 0;
}

static void the_greedy_do_not_overtake(void **state)
{
	enum { N_TURNS = 50 };
	AUTO_CLOSE fd = open_it();
	struct shared *shared = mmap(NULL, sizeof(*shared),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned n_overtaken = 0;
	int status = 0;
	pid_t child;

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(be_greedy(shared));
	while (shared->n_rounds == 0)
		usleep(1000);
	for (int i = 0; i < N_TURNS; i++) {
		unsigned before = shared->n_rounds;

		assert_true(lock(fd, FILE_LOCK_EXCLUSIVE, 60));
		n_overtaken += shared->n_rounds - before;
		file_unlock(fd);
		usleep(1000);
	}
	shared->enough = true;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	munmap(shared, sizeof(*shared));
	/* Once a turn may be: before we stand in line. */
	assert_true(n_overtaken <= N_TURNS);
}

static void do_nothing(int number)
{
	(void)number;
}

static void a_signal_ends_the_wait(void **state)
{
	AUTO_CLOSE a = open_it();
	AUTO_CLOSE b = open_it();
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct sigaction action = {.sa_handler = do_nothing};
	struct sigaction old;
	bool held = true;
	pid_t child;

	(void)state;
	assert_true(lock(a, FILE_LOCK_EXCLUSIVE, 0));
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* More than once, should the first come too early. */
		for (int i = 0; i < 1000; i++) {
			usleep(10000);
			kill(getppid(), SIGUSR1);
		}
		_exit(0);
	}
	assert_false(file_lock(b, FILE_LOCK_EXCLUSIVE, 60, &held, &err));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	assert_string_equal(
		err.message, "cannot lock: Interrupted system call");
	assert_true(held);
}

static void what_is_no_descriptor_is_an_error(void **state)
{
	static const int64_t timeouts[] = {0, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		bool held = true;

		assert_false(file_lock(
			-1, FILE_LOCK_SHARED, timeouts[i], &held, &err));
		assert_string_equal(
			err.message, "cannot lock: Bad file descriptor");
		assert_true(held);
	}
}

static void a_descriptor_for_reading_waits_too(void **state)
{
	AUTO_CLOSE a = open_it();
	AUTO_CLOSE b = open(path, O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(lock(b, FILE_LOCK_EXCLUSIVE, 5));
	assert_false(lock(a, FILE_LOCK_SHARED, 1));
	file_unlock(b);
	assert_true(lock(a, FILE_LOCK_EXCLUSIVE, 5));
	assert_false(lock(b, FILE_LOCK_SHARED, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exclusive_excludes_and_shared_shares),
		cmocka_unit_test(
			waiting_ends_in_time_and_leaves_nothing_locked),
		cmocka_unit_test(the_next_in_line_gets_it_at_once),
		cmocka_unit_test(the_greedy_do_not_overtake),
		cmocka_unit_test(a_signal_ends_the_wait),
		cmocka_unit_test(what_is_no_descriptor_is_an_error),
		cmocka_unit_test(a_descriptor_for_reading_waits_too),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
