/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pki/digest.h"

/* FIPS 180-4's own examples. */
static const struct {
	const char *text;
	const char *pin;
} rows[] = {
	{"", "sha256:e3b0c44298fc1c149afbf4c8996fb924"
	     "27ae41e4649b934ca495991b7852b855"},
	{"abc", "sha256:ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		"sha256:248d6a61d20638b8e5c026930c3e6039"
		"a33ce45964ff2167f6ecedd419db06c1"},
};

static void the_pin_is_sha256_in_lower_case_hex(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct sha256 hash;
		char text[PIN_TEXT];

		assert_true(sha256_of(
			rows[i].text, strlen(rows[i].text), &hash, &err));
		assert_ptr_equal(sha256_pin(&hash, text), text);
		assert_string_equal(text, rows[i].pin);
	}
}

static void pieces_are_hashed_one_after_the_other(void **state)
{
	const char *text = rows[2].text;
	size_t len = strlen(text);
	struct sha256 hash;
	char pin[PIN_TEXT];

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct digest_piece pieces[] = {
			{text, cut}, {NULL, 0}, {text + cut, len - cut}};

		assert_true(sha256_of_pieces(
			pieces, ARRAY_SIZE(pieces), &hash, &err));
		assert_string_equal(sha256_pin(&hash, pin), rows[2].pin);
	}
}

/* RFC 4231's own examples, and a key of nothing. */
static void hmac_takes_keys_of_any_length(void **state)
{
	static const struct {
		const char *key, *text, *hmac;
	} hmacs[] = {
		{"Jefe", "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c7"
			"5a003f089d2739839dec58b964ec3843"},
		{"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
		 "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
			"Hi There",
			"b0344c61d8db38535ca8afceaf0bf12b"
			"881dc200c9833da726e9376c2e32cff7"},
		{"", "",
			"b613679a0814d9ec772f95d778c35fc5"
			"ff1697c493715653c6c712144292c5ad"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hmacs); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		size_t len = strlen(hmacs[i].key);
		AUTO_FREE(secret) key = secret_new(len);
		AUTO_TEXT text = NULL;
		struct sha256 hash;

		memcpy(secret_bytes(key), hmacs[i].key, len);
		assert_true(hmac_sha256(key, hmacs[i].text,
			strlen(hmacs[i].text), &hash, &err));
		text = hex_of(hash.bytes, SHA256_LEN);
		assert_string_equal(text, hmacs[i].hmac);
	}
}

static void hex_has_two_lower_case_digits_a_byte(void **state)
{
	AUTO_TEXT text = hex_of("\x00\x0f\xa0\xff", 4);
	AUTO_TEXT empty = hex_of("", 0);

	(void)state;
	assert_string_equal(text, "000fa0ff");
	assert_string_equal(empty, "");
}

static void random_bytes_differ(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	unsigned char a[32] = {0}, b[32] = {0}, zero[32] = {0};

	(void)state;
	assert_true(random_bytes(a, sizeof(a), &err));
	assert_true(random_bytes(b, sizeof(b), &err));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zero, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pin_is_sha256_in_lower_case_hex),
		cmocka_unit_test(pieces_are_hashed_one_after_the_other),
		cmocka_unit_test(hmac_takes_keys_of_any_length),
		cmocka_unit_test(hex_has_two_lower_case_digits_a_byte),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
