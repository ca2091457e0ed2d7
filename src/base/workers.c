/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/workers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct worker {
	struct workers *workers;
	unsigned number;
	pthread_t thread;
};

struct workers {
	pthread_mutex_t mutex; /* of all below it */
	pthread_cond_t work;
	pthread_cond_t done;
	workers_job *job;
	void *data;
	size_t next;
	size_t n_jobs;
	unsigned n_busy;
	bool leaving;

	unsigned n_workers;
	struct worker *list;
};

/* None of these calls fails but by misuse. */
static void must(int number)
{
	if (number != 0)
		abort();
}

static void work_off(struct workers *workers, unsigned worker)
{
	workers->n_busy++;
	while (workers->next < workers->n_jobs) {
		size_t job = workers->next++;

		must(pthread_mutex_unlock(&workers->mutex));
		workers->job(workers->data, worker, job);
		must(pthread_mutex_lock(&workers->mutex));
	}
	workers->n_busy--;
	if (workers->n_busy == 0)
		must(pthread_cond_signal(&workers->done));
}

static void *worker_run(void *data)
{
	const struct worker *worker = data;
	struct workers *workers = worker->workers;

	must(pthread_mutex_lock(&workers->mutex));
	while (!workers->leaving) {
		if (workers->next < workers->n_jobs)
			work_off(workers, worker->number);
		else
			must(pthread_cond_wait(
				&workers->work, &workers->mutex));
	}
	must(pthread_mutex_unlock(&workers->mutex));
	return NULL;
}

static int start_threads(struct workers *workers, unsigned n_wanted)
{
	sigset_t all, old;
	int number = 0;

	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &old));
	while (number == 0 && workers->n_workers < n_wanted) {
		struct worker *worker = &workers->list[workers->n_workers];

		worker->workers = workers;
		worker->number = workers->n_workers;
		number = pthread_create(
			&worker->thread, NULL, worker_run, worker);
		if (number == 0)
			workers->n_workers++;
	}
	must(pthread_sigmask(SIG_SETMASK, &old, NULL));
	return number;
}

bool workers_new(
	unsigned n_workers, struct workers **ret_workers, struct error *err)
{
	AUTO_FREE(workers) workers = memory_new(1, sizeof(*workers));
	int number;

	assert(n_workers > 0);
	must(pthread_mutex_init(&workers->mutex, NULL));
	must(pthread_cond_init(&workers->work, NULL));
	must(pthread_cond_init(&workers->done, NULL));
	workers->list = memory_new(n_workers, sizeof(workers->list[0]));
	number = start_threads(workers, n_workers);
	if (number != 0) {
		errno = number;
		return error_errno(err, "cannot start a thread");
	}
	*ret_workers = take(&workers);
	return true;
}

void workers_start(
	struct workers *workers, size_t n_jobs, workers_job *job, void *data)
{
	must(pthread_mutex_lock(&workers->mutex));
	assert(workers->n_busy == 0 && workers->next == workers->n_jobs);
	workers->job = job;
	workers->data = data;
	workers->next = 0;
	workers->n_jobs = n_jobs;
	must(pthread_cond_broadcast(&workers->work));
	must(pthread_mutex_unlock(&workers->mutex));
}

void workers_wait(struct workers *workers)
{
	must(pthread_mutex_lock(&workers->mutex));
	while (workers->n_busy > 0 || workers->next < workers->n_jobs)
		must(pthread_cond_wait(&workers->done, &workers->mutex));
	must(pthread_mutex_unlock(&workers->mutex));
}

unsigned workers_default_count(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	/* More processors than a cpu_set_t holds. */
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	must(pthread_mutex_lock(&workers->mutex));
	workers->next = workers->n_jobs;
	workers->leaving = true;
	must(pthread_cond_broadcast(&workers->work));
	must(pthread_mutex_unlock(&workers->mutex));
	for (unsigned i = 0; i < workers->n_workers; i++)
		must(pthread_join(workers->list[i].thread, NULL));
	must(pthread_mutex_destroy(&workers->mutex));
	must(pthread_cond_destroy(&workers->work));
	must(pthread_cond_destroy(&workers->done));
	free(workers->list);
	free(workers);
}
