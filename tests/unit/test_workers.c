/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/workers.h"

enum { N_WORKERS = 4, N_JOBS = 1000 };

struct slots {
	unsigned times[N_JOBS];
	unsigned workers[N_JOBS];
	atomic_uint n_done;
	atomic_bool used[N_WORKERS];
	atomic_bool clash;
};

static void fill_slot(void *data, unsigned worker, size_t job)
{
	struct slots *slots = data;

	/* No two jobs run on one worker at a time. */
	if (atomic_exchange(&slots->used[worker], true))
		slots->clash = true;
	slots->times[job]++;
	slots->workers[job] = worker;
	if (job % 100 == 0)
		usleep(100);
	slots->n_done++;
	slots->used[worker] = false;
}

static void every_job_is_done_once(void **state)
{
	AUTO_FREE(workers) workers = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(workers_new(N_WORKERS, &workers, &err));
	for (int batch = 0; batch < 20; batch++) {
		struct slots slots = {0};

		workers_start(workers, N_JOBS, fill_slot, &slots);
		workers_wait(workers);
		assert_int_equal(slots.n_done, N_JOBS);
		assert_false(slots.clash);
		for (size_t i = 0; i < N_JOBS; i++) {
			assert_int_equal(slots.times[i], 1);
			assert_true(slots.workers[i] < N_WORKERS);
		}
	}
}

static void no_jobs_are_done_at_once(void **state)
{
	AUTO_FREE(workers) workers = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(workers_new(1, &workers, &err));
	workers_wait(workers);
	workers_start(workers, 0, fill_slot, NULL);
	workers_wait(workers);
}

static void freeing_in_a_batch_waits_for_jobs_taken(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct workers *workers = NULL;
	struct slots slots = {0};

	(void)state;
	assert_true(workers_new(2, &workers, &err));
	workers_start(workers, N_JOBS, fill_slot, &slots);
	workers_free(workers);
	workers_free(NULL);
	for (unsigned i = 0; i < 2; i++)
		assert_false(slots.used[i]);
}

static void look_at_the_mask(void *data, unsigned worker, size_t job)
{
	bool *all = data;
	sigset_t mask;

	(void)worker;
	(void)job;
	*all = pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 &&
	       sigismember(&mask, SIGINT) == 1 &&
	       sigismember(&mask, SIGTERM) == 1 &&
	       sigismember(&mask, SIGALRM) == 1;
}

static void signals_are_mains_business(void **state)
{
	AUTO_FREE(workers) workers = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool all = false;
	sigset_t mask;

	(void)state;
	assert_true(workers_new(1, &workers, &err));
	workers_start(workers, 1, look_at_the_mask, &all);
	workers_wait(workers);
	assert_true(all);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
	assert_int_equal(sigismember(&mask, SIGINT), 0);
}

static void there_is_at_least_one_processor(void **state)
{
	(void)state;
	assert_true(workers_default_count() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_is_done_once),
		cmocka_unit_test(no_jobs_are_done_at_once),
		cmocka_unit_test(freeing_in_a_batch_waits_for_jobs_taken),
		cmocka_unit_test(signals_are_mains_business),
		cmocka_unit_test(there_is_at_least_one_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
