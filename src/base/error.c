/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/utf8.h"

/* What drives a terminal (C0, DEL, C1, separators of lines), and what it does
 * not show although it is there (Unicode: Default_Ignorable_Code_Point), such
 * as what turns the direction of writing. */
static bool is_hidden(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001f},
		{0x007f, 0x009f},
		{0x00ad, 0x00ad},
		{0x034f, 0x034f},
		{0x061c, 0x061c},
		{0x115f, 0x1160},
		{0x17b4, 0x17b5},
		{0x180b, 0x180f},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0x3164, 0x3164},
		{0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},
		{0xffa0, 0xffa0},
		{0xfff0, 0xfffb},
		{0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a},
		{0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

static char *escape(const char *text)
{
	AUTO_RELEASE(buffer) escaped = BUFFER_INIT;
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		uint32_t point = 0;
		size_t len = utf8_decode(at, UTF8_MAX, &point);
		bool bad = len == 0 || is_hidden(point);

		if (len == 0)
			len = 1;
		if (!bad)
			buffer_add(&escaped, at, len);
		for (size_t i = 0; bad && i < len; i++)
			buffer_format(&escaped, "\\x%02x", at[i]);
		at += len;
	}
	return buffer_detach(&escaped);
}

static bool set(struct error *err, enum error_kind kind, const char *sentence)
{
	assert(err->kind == ERROR_NONE && kind != ERROR_NONE);
	err->kind = kind;
	err->rule = escape(sentence);
	err->message = memory_text(err->rule);
	return false;
}

bool error_vset(struct error *err, enum error_kind kind, const char *format,
	va_list args)
{
	AUTO_TEXT sentence = memory_vformat(format, args);

	return set(err, kind, sentence);
}

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(err, kind, format, args);
	va_end(args);
	return false;
}

bool error_errno(struct error *err, const char *format, ...)
{
	int number = errno;
	AUTO_TEXT thing = NULL;
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	thing = memory_vformat(format, args);
	va_end(args);
	errno = number;
	sentence = memory_format("%s: %m", thing);
	return set(err, ERROR_FAILED, sentence);
}

bool error_context(struct error *err, const char *format, ...)
{
	AUTO_TEXT context = NULL;
	AUTO_TEXT escaped = NULL;
	AUTO_TEXT message = err->message;
	va_list args;

	if (err->kind == ERROR_NONE)
		abort();
	va_start(args, format);
	context = memory_vformat(format, args);
	va_end(args);
	escaped = escape(context);
	err->message = memory_format("%s: %s", escaped, message);
	return false;
}

bool error_at(struct error *err, const char *file, unsigned line)
{
	if (err->kind == ERROR_NONE)
		abort();
	if (err->file)
		return false;
	err->file = escape(file);
	err->line = line;
	return false;
}

char *error_text(const struct error *err)
{
	const char *message = err->message ? err->message : "";

	if (!err->file)
		return memory_text(message);
	if (err->line == 0)
		return memory_format("%s: %s", err->file, message);
	return memory_format("%s:%u: %s", err->file, err->line, message);
}

void error_move(struct error *to, struct error *from)
{
	assert(to->kind == ERROR_NONE);
	*to = *from;
	*from = (struct error)ERROR_INIT;
}

void error_release(struct error *err)
{
	free(err->message);
	free(err->rule);
	free(err->file);
	*err = (struct error)ERROR_INIT;
}

enum error_kind error_worse(enum error_kind a, enum error_kind b)
{
	static const unsigned rank[] = {
		[ERROR_NONE] = 0,
		[ERROR_FINDINGS] = 1,
		[ERROR_REFUSED] = 2,
		[ERROR_INPUT] = 3,
		[ERROR_FAILED] = 4,
	};

	assert(a != ERROR_USAGE && b != ERROR_USAGE);
	return rank[a] >= rank[b] ? a : b;
}
