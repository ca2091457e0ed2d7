/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/memory.h"
#include "base/secret.h"
#include <sys/types.h>

/*
 * Text that comes in: a file, or standard input when the path is "-".
 *
 * Bounded (ERROR_INPUT once more than max bytes come), read once from front to
 * back, with a window at the front that may be looked at before anything is
 * consumed: an inventory is told apart by what it is.  A signal whose handler is
 * not SA_RESTART ends the wait for more as a failure.
 *
 * What came in may be a secret: a source wipes what it held when it is freed.
 */
struct source;

MUST_CHECK bool source_open(const char *path, size_t max,
	struct source **ret_source, struct error *err);

/* From memory, under a name for messages; the bytes are borrowed. */
struct source *source_of_text(const char *name, const void *bytes, size_t len);

/* The name for messages: the path, or "<stdin>". */
const char *source_name(const struct source *source);

/* The first bytes, up to 4096, without consuming them. */
MUST_CHECK bool source_peek(struct source *source, const char **ret_bytes,
	size_t *ret_len, struct error *err);

/* Reads up to len bytes; *ret_len 0 is the end. */
MUST_CHECK bool source_read(struct source *source, void *bytes, size_t len,
	size_t *ret_len, struct error *err);

/* Reads one line without its "\n" into *line (NUL-terminated, valid until the
 * next call); *ret_line NULL is the end.  A NUL byte, a carriage return or
 * more than 8192 bytes in a line are ERROR_INPUT with the place. */
MUST_CHECK bool source_line(struct source *source, const char **ret_line,
	unsigned *ret_number, struct error *err);

/* All that is left, with no copy elsewhere; ERROR_INPUT for more than max
 * bytes. */
MUST_CHECK bool source_read_secret(struct source *source, size_t max,
	struct secret **ret_text, struct error *err);

void source_free(struct source *source);
DEFINE_AUTO_FREE(source)

#endif
