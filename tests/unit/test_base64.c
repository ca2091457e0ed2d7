/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/base64.h"
#include "base/memory.h"

/* RFC 4648, 10, and the letters that those do not use. */
static const struct {
	const char *bytes;
	size_t len;
	const char *text;
} rows[] = {
	{"", 0, ""},
	{"f", 1, "Zg=="},
	{"fo", 2, "Zm8="},
	{"foo", 3, "Zm9v"},
	{"foob", 4, "Zm9vYg=="},
	{"fooba", 5, "Zm9vYmE="},
	{"foobar", 6, "Zm9vYmFy"},
	{"\xfb\xff\xbe\x00", 4, "+/++AA=="},
	{"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f", 12,
		"ABCDEFGHIJKLMNOP"},
	{"\x41\x14\x93\x51\x55\x97\x61\x96\x9b\x71\xd7\x9f", 12,
		"QRSTUVWXYZabcdef"},
	{"\x82\x18\xa3\x92\x59\xa7\xa2\x9a\xab\xb2\xdb\xaf", 12,
		"ghijklmnopqrstuv"},
	{"\xc3\x1c\xb3\xd3\x5d\xb7\xe3\x9e\xbb\xf3\xdf\xbf", 12,
		"wxyz0123456789+/"},
};

static void bytes_become_letters(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];

		memset(text, '?', sizeof(text));
		base64_encode(rows[i].bytes, rows[i].len, text);
		assert_int_equal(BASE64_LEN(rows[i].len), strlen(rows[i].text));
		assert_memory_equal(
			text, rows[i].text, BASE64_LEN(rows[i].len));
		assert_int_equal(text[BASE64_LEN(rows[i].len)], '?');
	}
}

/* RFC 7515, A.1 and C */
static void for_urls_there_are_other_letters_and_no_padding(void **state)
{
	static const struct {
		const char *bytes, *text;
	} urls[] = {
		{"", ""},
		{"f", "Zg"},
		{"fo", "Zm8"},
		{"foo", "Zm9v"},
		{"\x03\xec\xff\xe0\xc1", "A-z_4ME"},
		{"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}",
			"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		AUTO_TEXT text =
			base64url(urls[i].bytes, strlen(urls[i].bytes));

		assert_string_equal(text, urls[i].text);
	}
}

static void letters_become_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char bytes[64];
		size_t len = 99;

		memset(bytes, '?', sizeof(bytes));
		assert_true(base64_decode(
			rows[i].text, strlen(rows[i].text), bytes, &len));
		assert_int_equal(len, rows[i].len);
		assert_memory_equal(bytes, rows[i].bytes, len);
		assert_int_equal(bytes[len], '?');
	}
}

static void what_is_not_strict_is_refused(void **state)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Z===", "Zm9v=", "Zm9vZg",
		"Zh==", "Zm9=", "Zg==Zg==", "Zm=v", "Z=8=", "Zm9v\n",
		"Zm 9v===", "Zm9-", "Zm9_", "Zm9@", "Zm9[", "Zm9`", "Zm9{",
		"Zm9:", "Zm9,", "Zm9.", "Zm9\x80", "Zm9\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char bytes[64];
		size_t len = 99;

		assert_false(
			base64_decode(bad[i], strlen(bad[i]), bytes, &len));
		assert_int_equal(len, 99);
	}
}

static void every_byte_but_the_alphabet_is_refused(void **state)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/=";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[4] = {'A', 'A', 'A', (char)c};
		char bytes[3];
		size_t len;

		assert_int_equal(base64_decode(text, 4, bytes, &len),
			c != 0 && strchr(alphabet, c) != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_letters),
		cmocka_unit_test(
			for_urls_there_are_other_letters_and_no_padding),
		cmocka_unit_test(letters_become_bytes),
		cmocka_unit_test(what_is_not_strict_is_refused),
		cmocka_unit_test(every_byte_but_the_alphabet_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
