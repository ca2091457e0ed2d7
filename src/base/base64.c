/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"

/* Arithmetic in the place of tables: what is encoded may be a private key, and
 * which cache lines were touched would tell of it. */

/* All ones (in the low 24 bits) when least <= value <= most, else 0. */
static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
	return ((least - 1 - value) & (value - most - 1)) >> 8;
}

static char letter(uint32_t six)
{
	return (char)((within(six, 0, 25) & (six + 'A')) |
		      (within(six, 26, 51) & (six - 26 + 'a')) |
		      (within(six, 52, 61) & (six - 52 + '0')) |
		      (within(six, 62, 62) & '+') |
		      (within(six, 63, 63) & '/'));
}

/* 64 and more: no letter of the alphabet. */
static uint32_t six_bits(char text)
{
	uint32_t c = (unsigned char)text;
	uint32_t plus_one = (within(c, 'A', 'Z') & (c - 'A' + 1)) |
			    (within(c, 'a', 'z') & (c - 'a' + 27)) |
			    (within(c, '0', '9') & (c - '0' + 53)) |
			    (within(c, '+', '+') & 63) |
			    (within(c, '/', '/') & 64);

	return plus_one - 1;
}

void base64_encode(const void *bytes, size_t len, char *text)
{
	const unsigned char *in = bytes;

	for (; len >= 3; len -= 3, in += 3, text += 4) {
		uint32_t group =
			(uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		text[0] = letter(group >> 18);
		text[1] = letter(group >> 12 & 63);
		text[2] = letter(group >> 6 & 63);
		text[3] = letter(group & 63);
	}
	if (len > 0) {
		uint32_t group = (uint32_t)in[0] << 16 |
				 (len > 1 ? (uint32_t)in[1] << 8 : 0);

		text[0] = letter(group >> 18);
		text[1] = letter(group >> 12 & 63);
		text[2] = '=';
		if (len > 1)
			text[2] = letter(group >> 6 & 63);
		text[3] = '=';
	}
}

char *base64url(const void *bytes, size_t len)
{
	char *text = memory_new(BASE64_LEN(len) + 1, 1);

	base64_encode(bytes, len, text);
	text[strcspn(text, "=")] = '\0';
	for (char *at = text; *at; at++)
		*at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
	return text;
}

/* n letters (2 to 4) are n - 1 bytes; what is left of the last must be 0. */
static bool decode_group(const char *text, size_t n, unsigned char *out)
{
	uint32_t group = 0;
	uint32_t seen = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t six = i < n ? six_bits(text[i]) : 0;

		seen |= six;
		group = group << 6 | (six & 63);
	}
	if (seen > 63 || (group & (0xffffffu >> 8 * (n - 1))) != 0)
		return false;
	for (size_t i = 0; i + 1 < n; i++)
		out[i] = (unsigned char)(group >> (16 - 8 * i));
	return true;
}

bool base64_decode(
	const char *text, size_t text_len, void *bytes, size_t *ret_len)
{
	unsigned char *out = bytes;
	size_t n_letters = text_len;

	if (text_len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && n_letters > 0; i++)
		if (text[n_letters - 1] == '=')
			n_letters--;
	for (size_t at = 0; at < n_letters; at += 4) {
		size_t left = n_letters - at;

		if (!decode_group(text + at, left < 4 ? left : 4, out))
			return false;
		out += left < 4 ? left - 1 : 3;
	}
	*ret_len = (size_t)(out - (unsigned char *)bytes);
	return true;
}
