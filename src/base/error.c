/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/printable.h"

static bool set(struct error *err, enum error_kind kind, const char *sentence)
{
	assert(err->kind == ERROR_NONE && kind != ERROR_NONE);
	err->kind = kind;
	err->rule = printable(sentence);
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
	escaped = printable(context);
	err->message = memory_format("%s: %s", escaped, message);
	return false;
}

bool error_at(struct error *err, const char *file, unsigned line)
{
	if (err->kind == ERROR_NONE)
		abort();
	if (err->file)
		return false;
	err->file = printable(file);
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
