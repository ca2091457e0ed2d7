/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include "base/error.h"
#include <stdint.h>

/*
 * flock with patience, and served in turn.
 *
 * flock alone lets whoever has just unlocked lock again before those who wait
 * have woken up.  So everybody who is ready to wait passes a turnstile first,
 * an open file description lock on the first byte of the same file, and stands
 * in it until flock lets him in: nobody overtakes him.  For that fd should be
 * open for writing; without it, flock's own order is what there is.
 *
 * The lock belongs to the open file description and goes with it, however the
 * process ends.
 */
enum file_lock { FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE };

/* Waits at most so many seconds (0: not at all).  *ret_held is false when
 * somebody else holds it still; err is set only when flock itself failed, or a
 * signal whose handler is not SA_RESTART came while waiting. */
MUST_CHECK bool file_lock(int fd, enum file_lock lock, int64_t timeout,
	bool *ret_held, struct error *err);
void file_unlock(int fd);

#endif
