/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include "base/secret.h"

/*
 * Passphrases: one line each, of at most PASSPHRASE_MOST bytes, without control
 * characters, and not empty (ERROR_INPUT).  They are read straight into a
 * secret.
 *
 * The terminal is /dev/tty, whatever the standard files are, and shows nothing
 * of what is typed.  However the question ends, by a signal too, it echoes
 * again afterwards.
 */
enum { PASSPHRASE_MOST = 1024 };

/* Shows the question; ERROR_USAGE when there is no terminal. */
MUST_CHECK bool prompt_passphrase(const char *question,
	struct secret **ret_passphrase, struct error *err);

/* The one line of a file, or of a pipe by a name; warns of a file that others
 * can read.  "-" is the first line of standard input. */
MUST_CHECK bool passphrase_read_file(const char *path,
	struct secret **ret_passphrase, struct error *err);

/* The first line of an open descriptor, and nothing behind it. */
MUST_CHECK bool passphrase_read_fd(int fd, struct secret **ret_passphrase,
	struct error *err);

#endif
