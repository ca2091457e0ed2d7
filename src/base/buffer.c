/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buffer.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shared by all empty buffers and all threads: never written. */
char buffer_empty[] = "";

char *buffer_room(struct buffer *buffer, size_t len)
{
	size_t wanted;

	/* More than there is: memory_grow() ends the process. */
	if (__builtin_add_overflow(buffer->len, len, &wanted) ||
		wanted == SIZE_MAX)
		wanted = SIZE_MAX - 1;
	buffer->data = memory_grow(buffer->allocated > 0 ? buffer->data : NULL,
		&buffer->allocated, wanted + 1, 1);
	buffer->data[buffer->len] = '\0';
	return buffer->data + buffer->len;
}

void buffer_wrote(struct buffer *buffer, size_t len)
{
	if (len == 0)
		return;
	assert(len < buffer->allocated - buffer->len);
	buffer->len += len;
	buffer->data[buffer->len] = '\0';
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	memcpy(buffer_room(buffer, len), bytes, len);
	buffer_wrote(buffer, len);
}

void buffer_add_byte(struct buffer *buffer, char byte)
{
	*buffer_room(buffer, 1) = byte;
	buffer_wrote(buffer, 1);
}

void buffer_add_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
	enum { GUESS = 64 };
	char *at = buffer_room(buffer, GUESS);
	size_t free_len = buffer->allocated - buffer->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(at, free_len, format, args);
	va_end(args);
	if (len < 0)
		memory_exhausted();
	if ((size_t)len >= free_len) {
		at = buffer_room(buffer, (size_t)len);
		va_start(args, format);
		len = vsnprintf(at, (size_t)len + 1, format, args);
		va_end(args);
	}
	buffer_wrote(buffer, (size_t)len);
}

void buffer_reset(struct buffer *buffer)
{
	buffer->len = 0;
	if (buffer->allocated > 0)
		buffer->data[0] = '\0';
}

char *buffer_detach(struct buffer *buffer)
{
	char *data = buffer_room(buffer, 0) - buffer->len;

	*buffer = (struct buffer)BUFFER_INIT;
	return data;
}

void buffer_release(struct buffer *buffer)
{
	if (buffer->allocated > 0)
		free(buffer->data);
	*buffer = (struct buffer)BUFFER_INIT;
}
