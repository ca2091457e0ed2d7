/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pki/pem.h"

static void lines_are_64_columns(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	unsigned char zeros[50] = {0};

	(void)state;
	pem_write(&text, "CERTIFICATE", (struct der){zeros, 48});
	assert_string_equal(text.data, "-----BEGIN CERTIFICATE-----\n"
				       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				       "-----END CERTIFICATE-----\n");
	buffer_reset(&text);
	pem_write(&text, "X", (struct der){zeros, 50});
	assert_string_equal(text.data, "-----BEGIN X-----\n"
				       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
				       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
				       "AAA=\n"
				       "-----END X-----\n");
}

static void every_length_comes_back(void **state)
{
	unsigned char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		pem_write(&text, "DATA", (struct der){bytes, len});
		assert_true(pem_read(
			text.data, text.len, "DATA", true, &der, &err));
		assert_int_equal(der.len, len);
		assert_memory_equal(der.data, bytes, len);
	}
}

static void a_secret_is_written_like_anything_else(void **state)
{
	AUTO_FREE(secret) der = secret_new(121);
	AUTO_FREE(secret) pem = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	(void)state;
	memset(secret_bytes(der), 0x5a, secret_len(der));
	pem = pem_write_secret("PRIVATE KEY", der);
	pem_write(&text, "PRIVATE KEY",
		(struct der){secret_view(der), secret_len(der)});
	assert_int_equal(secret_len(pem), text.len);
	assert_memory_equal(secret_view(pem), text.data, text.len);
}

#define BLOCK "-----BEGIN T-----\nAQID\n-----END T-----\n"

static void what_stands_around_a_block(void **state)
{
	static const struct {
		const char *text;
		bool strict_takes, lax_takes;
	} rows[] = {
		{BLOCK, true, true},
		{"-----BEGIN T-----\nAQID\n-----END T-----", true, true},
		{"-----BEGIN T-----\r\nAQID\r\n-----END T-----\r\n", true,
			true},
		{"-----BEGIN T-----  \nAQID \t\n-----END T----- \n", true,
			true},
		{"\n \n" BLOCK "\n\n", true, true},
		{"-----BEGIN T-----\nA\nQI\n\nD\n-----END T-----\n", true,
			true},
		{"Certificate:\n" BLOCK, false, true},
		{BLOCK "the end", false, true},
		{"\xef\xbb\xbf" BLOCK, false, false},
		{" " BLOCK, false, false},
		{BLOCK BLOCK, false, false},
		{BLOCK "-----BEGIN U-----\nAQID\n-----END U-----\n", false,
			false},
		{BLOCK "-----BEGIN T-----\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int strict = 0; strict < 2; strict++) {
			AUTO_RELEASE(error) err = ERROR_INIT;
			AUTO_RELEASE(buffer) der = BUFFER_INIT;
			bool took = pem_read(rows[i].text, strlen(rows[i].text),
				"T", strict, &der, &err);

			if (took != (strict ? rows[i].strict_takes
					    : rows[i].lax_takes))
				fail_msg("row %zu, strict %d", i, strict);
			if (!took) {
				assert_int_equal(err.kind, ERROR_INPUT);
				assert_int_equal(der.len, 0);
				continue;
			}
			assert_int_equal(der.len, 3);
			assert_memory_equal(der.data, "\1\2\3", 3);
		}
	}
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "PEM: no \"-----BEGIN T-----\" in it"},
		{"hello", "PEM: no \"-----BEGIN T-----\" in it"},
		{"-----BEGIN T----\nAQID\n-----END T-----\n",
			"PEM: no \"-----BEGIN T-----\" in it"},
		{"-----BEGIN T-----\nAQID\n",
			"\"-----BEGIN T-----\": no END line of the same name "
			"follows"},
		{"-----BEGIN T-----\nAQID\n-----END U-----\n",
			"\"-----BEGIN T-----\": no END line of the same name "
			"follows"},
		{"-----BEGIN T-----\n" BLOCK,
			"\"-----BEGIN T-----\": no END line of the same name "
			"follows"},
		{"-----BEGIN U-----\nAQID\n-----END U-----\n",
			"PEM block \"U\": wanted is \"T\""},
		{BLOCK BLOCK,
			"PEM block \"T\": a second one; only one \"T\" may be "
			"here"},
		{"-----BEGIN T-----\n-----END T-----\n",
			"PEM block \"T\": not base64 (RFC 7468, 3)"},
		{"-----BEGIN T-----\nAQI\n-----END T-----\n",
			"PEM block \"T\": not base64 (RFC 7468, 3)"},
		{"-----BEGIN T-----\nAQ==AQID\n-----END T-----\n",
			"PEM block \"T\": not base64 (RFC 7468, 3)"},
		{"-----BEGIN T-----\nAQI!\n-----END T-----\n",
			"PEM block \"T\": not base64 (RFC 7468, 3)"},
		{"-----BEGIN T-----\nAQJ=\n-----END T-----\n",
			"PEM block \"T\": not base64 (RFC 7468, 3)"},
		{"-----BEGIN T-----\nKey: x\n\nAQID\n-----END T-----\n",
			"PEM block \"T\": headers are not allowed in it (RFC "
			"7468, 2)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		assert_false(pem_read(rows[i].text, strlen(rows[i].text), "T",
			false, &der, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(err.message, rows[i].message);
	}
}

static void padding_ends_the_block(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	buffer_add_text(&text, "-----BEGIN T-----\n");
	for (size_t i = 0; i < 15; i++)
		buffer_add_text(&text, "AAAA");
	buffer_add_text(&text, "AA==\nAAAA\n-----END T-----\n");
	assert_false(pem_read(text.data, text.len, "T", false, &der, &err));
	assert_int_equal(der.len, 0);
}

static void nul_bytes_do_not_end_the_text(void **state)
{
	static const char text[] = "a\0b\n" BLOCK;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(pem_read(text, sizeof(text) - 1, "T", false, &der, &err));
	assert_int_equal(der.len, 3);
}

static void blocks_come_one_by_one(void **state)
{
	static const char text[] =
		"one\n" BLOCK "two\n-----BEGIN U-----\nBAUG\n-----END U-----\n";
	struct der rest = {(const unsigned char *)text, sizeof(text) - 1};
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct pem_block block;
	unsigned char bytes[8];
	bool found;
	size_t len;

	(void)state;
	assert_true(pem_next(&rest, &block, &found, &err) && found);
	assert_true(pem_is_labelled(&block, "T"));
	assert_int_equal(block.before.len, 4);
	assert_true(pem_next(&rest, &block, &found, &err) && found);
	assert_true(pem_is_labelled(&block, "U"));
	assert_false(pem_is_labelled(&block, "UU"));
	assert_memory_equal(block.before.bytes, "two\n", 4);
	assert_true(pem_decode(&block, bytes, &len, &err));
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "\4\5\6", 3);
	assert_true(pem_next(&rest, &block, &found, &err));
	assert_false(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_64_columns),
		cmocka_unit_test(every_length_comes_back),
		cmocka_unit_test(a_secret_is_written_like_anything_else),
		cmocka_unit_test(what_stands_around_a_block),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(padding_ends_the_block),
		cmocka_unit_test(nul_bytes_do_not_end_the_text),
		cmocka_unit_test(blocks_come_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
