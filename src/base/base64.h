/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/error.h"
#include <stddef.h>

/*
 * Base64 (RFC 4648, 4) with padding and without line breaks, and its form for
 * URLs (5).
 *
 * Encoding looks nothing up in memory by secret bytes more than it must and
 * keeps no copy, so it serves private keys too: the caller says where the text
 * goes.
 */

/* Characters that len bytes become. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_LEN(len) characters and no NUL. */
void base64_encode(const void *bytes, size_t len, char *text);

/* The alphabet for URLs and no padding, as JWS wants it (RFC 7515, 2); for
 * public bytes.  For free(). */
char *base64url(const void *bytes, size_t len);

/* Strict: exact padding, zero trailing bits, no other character.  Writes at
 * most text_len / 4 * 3 bytes.  False when text is not base64. */
MUST_CHECK bool base64_decode(const char *text, size_t text_len, void *bytes,
	size_t *ret_len);

#endif
