/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

/* A thread that is called off leaves the marks that the address sanitizer made
 * on its stack, and trips over them at its end: no marks where it can happen. */
#define CAN_BE_CALLED_OFF __attribute__((no_sanitize_address))

CAN_BE_CALLED_OFF
static int turnstile(int fd, int command, short type)
{
	struct flock first_byte = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = 0,
		.l_len = 1,
	};

	return UNINTERRUPTED(fcntl(fd, command, &first_byte));
}

/* False when somebody stands in it.  Where there are no such locks nobody
 * can. */
CAN_BE_CALLED_OFF
static bool turnstile_enter(int fd, int command)
{
	if (turnstile(fd, command, F_WRLCK) == 0)
		return true;
	if (errno == EBADF && turnstile(fd, command, F_RDLCK) == 0)
		return true;
	return errno != EAGAIN && errno != EACCES;
}

static void turnstile_leave(int fd)
{
	/* It fails only where entering failed. */
	(void)turnstile(fd, F_OFD_SETLK, F_UNLCK);
}

struct waiter {
	int fd;
	int operation;
	int number; /* errno, or 0 */
	sem_t done;
};

/* Neither call knows a time-out, so a thread waits that can be called off in
 * the middle of either. */
CAN_BE_CALLED_OFF
static void *wait_in_line(void *data)
{
	struct waiter *waiter = data;
	int old;

	if (pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old) != 0)
		abort();
	(void)turnstile_enter(waiter->fd, F_OFD_SETLKW);
	if (UNINTERRUPTED(flock(waiter->fd, waiter->operation)) != 0)
		waiter->number = errno;
	if (pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old) != 0 ||
		sem_post(&waiter->done) != 0)
		abort();
	return NULL;
}

/* All signals are blocked in it: they are the caller's. */
static int start(pthread_t *ret_thread, struct waiter *waiter)
{
	sigset_t all, old;
	int number;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old) != 0)
		abort();
	number = pthread_create(ret_thread, NULL, wait_in_line, waiter);
	if (pthread_sigmask(SIG_SETMASK, &old, NULL) != 0)
		abort();
	return number;
}

/* 0 when the lock is held, or an errno, which is ETIMEDOUT in the end. */
static int wait_for(struct waiter *waiter, int64_t timeout)
{
	const int64_t longest = INT32_MAX;
	struct timespec end;
	pthread_t thread;
	int number = start(&thread, waiter);

	/* Its EAGAIN would read as "somebody holds it". */
	if (number != 0)
		return ENOMEM;
	if (clock_gettime(CLOCK_MONOTONIC, &end) != 0)
		abort();
	end.tv_sec += timeout < longest ? timeout : longest;
	if (sem_clockwait(&waiter->done, CLOCK_MONOTONIC, &end) != 0) {
		number = errno;
		if (pthread_cancel(thread) != 0)
			abort();
	}
	if (pthread_join(thread, NULL) != 0)
		abort();
	return number == 0 ? waiter->number : number;
}

static bool lock_patiently(int fd, int operation, int64_t timeout)
{
	struct waiter waiter = {.fd = fd, .operation = operation};
	bool held = turnstile_enter(fd, F_OFD_SETLK) &&
		    UNINTERRUPTED(flock(fd, operation | LOCK_NB)) == 0;
	int number = 0;

	if (!held) {
		if (sem_init(&waiter.done, 0, 0) != 0)
			abort();
		number = wait_for(&waiter, timeout);
		if (sem_destroy(&waiter.done) != 0)
			abort();
	}
	turnstile_leave(fd);
	/* A thread that is called off may have got it at the last moment. */
	if (number == ETIMEDOUT)
		return UNINTERRUPTED(flock(fd, operation | LOCK_NB)) == 0;
	if (number != 0)
		file_unlock(fd);
	errno = number;
	return number == 0;
}

bool file_lock(int fd, enum file_lock lock, int64_t timeout, bool *ret_held,
	struct error *err)
{
	int operation = lock == FILE_LOCK_SHARED ? LOCK_SH : LOCK_EX;
	bool held = timeout > 0 ? lock_patiently(fd, operation, timeout)
				: UNINTERRUPTED(
					  flock(fd, operation | LOCK_NB)) == 0;

	if (!held && errno != EWOULDBLOCK)
		return error_errno(err, "cannot lock");
	*ret_held = held;
	return true;
}

void file_unlock(int fd)
{
	/* Fails only for what is no descriptor, and so holds no lock. */
	(void)flock(fd, LOCK_UN);
}
