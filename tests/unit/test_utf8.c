/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

static void the_first_and_last_of_each_length_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		uint32_t point;
	} rows[] = {
		{"", 1, 0},
		{"\x7f", 1, 0x7f},
		{"\xc2\x80", 2, 0x80},
		{"\xdf\xbf", 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 0x800},
		{"\xed\x9f\xbf", 3, 0xd7ff},
		{"\xee\x80\x80", 3, 0xe000},
		{"\xef\xbf\xbf", 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t point = UINT32_MAX;

		assert_int_equal(utf8_decode(rows[i].text, UTF8_MAX, &point),
			rows[i].len);
		assert_int_equal(point, rows[i].point);
		assert_int_equal(
			utf8_decode(rows[i].text, rows[i].len - 1, &point), 0);
	}
}

static void what_is_no_utf8_is_none(void **state)
{
	static const char *const rows[] = {
		"\x80",		    /* goes on with nothing */
		"\xbf", "\xc0\x80", /* overlong */
		"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",			    /* surrogates */
		"\xed\xbf\xbf", "\xf4\x90\x80\x80", /* too large */
		"\xf8\x88\x80\x80", "\xff",
		"\xc3", /* cut off by the end of the text */
		"\xe2\x82", "\xf0\x9f\x98",
		"\xe2(\xa1", /* cut off by another */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t point = UINT32_MAX;

		assert_int_equal(utf8_decode(rows[i], UTF8_MAX, &point), 0);
		assert_int_equal(point, UINT32_MAX);
	}
}

static void characters_are_counted(void **state)
{
	(void)state;
	assert_int_equal(utf8_count(""), 0);
	assert_int_equal(utf8_count("kpki"), 4);
	assert_int_equal(utf8_count("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_and_last_of_each_length_are_read),
		cmocka_unit_test(what_is_no_utf8_is_none),
		cmocka_unit_test(characters_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
