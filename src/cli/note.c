/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/note.h"

#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/printable.h"

static void say(const char *prefix, const char *format, va_list args)
	PRINTF(2, 0);

/* A bar that cli/progress.h has drawn gives way to the line. */
static void say(const char *prefix, const char *format, va_list args)
{
	AUTO_TEXT raw = memory_vformat(format, args);
	AUTO_TEXT text = printable(raw);

	fprintf(stderr, "%s%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "",
		prefix, text);
}

void note(bool quiet, const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	say("kpki: note: ", format, args);
	va_end(args);
}

void warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("kpki: warning: ", format, args);
	va_end(args);
}
