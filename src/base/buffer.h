/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/memory.h"

/*
 * Bytes that grow.  data is never NULL and always ends in a NUL that len does
 * not count, so that text in a buffer is a C string at any moment.
 *
 * For text and public bytes only: what grows leaves copies behind.  Secrets
 * have a type of their own, base/secret.h, and there is no way from there to
 * here.
 */
struct buffer {
	char *data;
	size_t len;
	size_t allocated; /* 0: data is not ours yet */
};

extern char buffer_empty[];
#define BUFFER_INIT {buffer_empty, 0, 0}

void buffer_add(struct buffer *buffer, const void *bytes, size_t len);
void buffer_add_byte(struct buffer *buffer, char byte);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...) PRINTF(2, 3);

/* Makes room for len more bytes and returns where they go; the caller writes
 * them and adds what it wrote to buffer->len by buffer_wrote(). */
char *buffer_room(struct buffer *buffer, size_t len);
void buffer_wrote(struct buffer *buffer, size_t len);

/* Empties; keeps the memory. */
void buffer_reset(struct buffer *buffer);

/* The bytes, for the caller to free(); the buffer is empty afterwards. */
char *buffer_detach(struct buffer *buffer);

void buffer_release(struct buffer *buffer);
DEFINE_AUTO_RELEASE(buffer)

#endif
