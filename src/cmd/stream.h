/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_STREAM_H
#define CMD_STREAM_H

#include "pki/release.h"

/*
 * Secrets on standard output: one tar, from pieces that are in the spool, and
 * tokens.
 */

/* When it is a file that others can read. */
void stream_warn(void);

/* Copies the whole file to standard output. */
MUST_CHECK bool stream_copy(int fd, struct error *err);

/* Ends the archive, and makes sure that it arrived as far as can be told:
 * where standard output is a file, by fsync. */
MUST_CHECK bool stream_end(struct error *err);

#endif
