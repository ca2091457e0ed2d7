/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/printable.h"

#include "base/buffer.h"
#include "base/utf8.h"

char *printable(const char *text)
{
	AUTO_RELEASE(buffer) escaped = BUFFER_INIT;
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		uint32_t point = 0;
		size_t len = utf8_decode(at, UTF8_MAX, &point);
		bool bad = len == 0 || utf8_is_hidden(point);

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
