/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/printable.h"

#include <stdint.h>

#include "base/buffer.h"
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

char *printable(const char *text)
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
