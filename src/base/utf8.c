/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include "base/memory.h"

static bool goes_on(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t utf8_decode(const void *bytes, size_t len, uint32_t *ret_point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[UTF8_MAX] = {
		{0x80, 0x00, 0},
		{0xe0, 0xc0, 0x80},
		{0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000},
	};
	const unsigned char *at = bytes;
	uint32_t point;
	size_t n = 0;

	if (len == 0)
		return 0;
	while (n < UTF8_MAX && (at[0] & forms[n].mask) != forms[n].lead)
		n++;
	if (n == UTF8_MAX || n >= len)
		return 0;
	point = at[0] & (unsigned char)~forms[n].mask;
	for (size_t i = 1; i <= n; i++) {
		if (!goes_on(at[i]))
			return 0;
		point = point << 6 | (at[i] & 0x3f);
	}
	if (point < forms[n].least || point > 0x10ffff ||
		(point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret_point = point;
	return n + 1;
}

size_t utf8_count(const char *text)
{
	size_t n_characters = 0;

	for (; *text; text++)
		n_characters += !goes_on((unsigned char)*text);
	return n_characters;
}

bool utf8_is_hidden(uint32_t point)
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
