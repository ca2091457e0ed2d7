/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_WORKERS_H
#define BASE_WORKERS_H

#include "base/memory.h"

/*
 * A handful of threads that take numbered jobs.
 *
 *	workers_start(workers, n, job, data)   hands out jobs 0 … n-1, returns
 *	workers_wait(workers)                  until the last of them is done
 *
 * One batch of jobs at a time.  A job learns which worker it runs on, so that
 * each can have a directory of its own.  Signals are blocked in the threads:
 * they are main's business.  A job cannot fail: it keeps its error in its own
 * slot of data.
 */
struct workers;
typedef void workers_job(void *data, unsigned worker, size_t job);

MUST_CHECK bool workers_new(unsigned n_workers, struct workers **ret_workers,
	struct error *err);
void workers_start(struct workers *workers, size_t n_jobs, workers_job *job,
	void *data);
void workers_wait(struct workers *workers);

/* Processors this process may run on, at least 1. */
unsigned workers_default_count(void);

/* Passes over the jobs that nobody has taken yet, and waits for the others. */
void workers_free(struct workers *workers);
DEFINE_AUTO_FREE(workers)

#endif
