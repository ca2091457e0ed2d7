/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void memory_exhausted(void)
{
	static const char words[] = "kpki: out of memory\n";

	/* A short or failed write changes nothing: the process ends here. */
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		abort();
	abort();
}

void *memory_new(size_t count, size_t size)
{
	bool none = count == 0 || size == 0;
	void *memory = none ? calloc(1, 1) : calloc(count, size);

	if (!memory)
		memory_exhausted();
	return memory;
}

void *memory_grow(void *old, size_t *allocated, size_t wanted, size_t size)
{
	enum { FIRST = 8 };
	size_t count = *allocated > SIZE_MAX / 2 ? SIZE_MAX : *allocated * 2;
	size_t len;
	void *memory;

	if (old && wanted <= *allocated)
		return old;
	if (count < FIRST)
		count = FIRST;
	if (count < wanted)
		count = wanted;
	if (__builtin_mul_overflow(count, size, &len))
		memory_exhausted();
	memory = realloc(old, len);
	if (!memory)
		memory_exhausted();
	*allocated = count;
	return memory;
}

void *memory_copy(const void *bytes, size_t len)
{
	void *copy = memory_new(len, 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *memory_text(const char *text)
{
	return memory_text_n(text, strlen(text));
}

char *memory_text_n(const char *text, size_t len)
{
	char *copy = len < SIZE_MAX ? malloc(len + 1) : NULL;

	if (!copy)
		memory_exhausted();
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *memory_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = memory_vformat(format, args);
	va_end(args);
	return text;
}

char *memory_vformat(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		memory_exhausted();
	return text;
}

void memory_auto_text(char **text)
{
	free(*text);
}
