/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/printable.h"

#include "base/memory.h"

char *printable(const char *text)
{
	AUTO_RELEASE(error) sentence = ERROR_INIT;

	error_set(&sentence, ERROR_FAILED, "%s", text);
	return take(&sentence.rule);
}
