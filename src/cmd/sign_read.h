/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SIGN_READ_H
#define CMD_SIGN_READ_H

#include "cmd/sign_item.h"

/*
 * Reads a file ("-" is standard input) of PEM requests, or of
 * CertificateSigningRequest objects, into items.  A file that cannot be read as
 * a whole becomes one item that failed, and nothing of it is signed; only a
 * failure that is not the input's (ERROR_FAILED) ends the run.
 */
MUST_CHECK bool sign_read(struct sign *sign, const char *file,
	struct error *err);

#endif
