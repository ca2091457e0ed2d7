/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pki/der.h"
#include "pki/oid.h"

static void assert_der(struct der der, struct der expected)
{
	assert_int_equal(der.len, expected.len);
	assert_memory_equal(der.bytes, expected.bytes, expected.len);
}

static struct der written(const struct der_writer *out)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der der;

	assert_true(der_written(out, &der, &err));
	return der;
}

static void a_sequence_is_said_in_reverse(void **state)
{
	unsigned char storage[64];
	struct der_writer out = der_writer(storage, sizeof(storage));
	size_t end = der_mark(&out);

	(void)state;
	der_put(&out, DER_NULL, NULL, 0);
	der_put_integer(&out, 5);
	der_wrap(&out, DER_SEQUENCE, end);
	assert_der(written(&out), OID("\x30\x05\x02\x01\x05\x05\x00"));
}

static void a_mark_in_the_middle_wraps_what_follows_it(void **state)
{
	unsigned char storage[64];
	struct der_writer out = der_writer(storage, sizeof(storage));
	size_t mark;

	(void)state;
	der_put_boolean(&out, false);
	mark = der_mark(&out);
	der_put_boolean(&out, true);
	der_wrap(&out, DER_CONTEXT_CONSTRUCTED | 3, mark);
	der_put_oid(&out, OID_COMMON_NAME);
	assert_der(written(&out),
		OID("\x06\x03\x55\x04\x03\xa3\x03\x01\x01\xff\x01\x01\x00"));
}

/* X.690, 8.1.3 and 10.1 */
static void lengths_take_the_fewest_octets(void **state)
{
	static const struct {
		size_t len;
		struct der header;
	} rows[] = {
		{0, DER_LITERAL("\x04\x00")},
		{1, DER_LITERAL("\x04\x01")},
		{127, DER_LITERAL("\x04\x7f")},
		{128, DER_LITERAL("\x04\x81\x80")},
		{255, DER_LITERAL("\x04\x81\xff")},
		{256, DER_LITERAL("\x04\x82\x01\x00")},
		{65535, DER_LITERAL("\x04\x82\xff\xff")},
		{65536, DER_LITERAL("\x04\x83\x01\x00\x00")},
	};
	unsigned char *bytes = memory_new(1, 65536);
	unsigned char *storage = memory_new(1, 65600);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct der_writer out = der_writer(storage, 65600);
		struct der der, contents, whole;

		der_put(&out, DER_OCTET_STRING, bytes, rows[i].len);
		der = written(&out);
		assert_int_equal(der.len, rows[i].header.len + rows[i].len);
		assert_memory_equal(
			der.bytes, rows[i].header.bytes, rows[i].header.len);
		assert_true(
			der_take(&der, DER_OCTET_STRING, &contents, &whole));
		assert_int_equal(contents.len, rows[i].len);
		assert_int_equal(whole.len, rows[i].header.len + rows[i].len);
		assert_int_equal(der.len, 0);
	}
	free(bytes);
	free(storage);
}

static void numbers_are_minimal_and_never_negative(void **state)
{
	static const struct {
		struct der number, der, read;
	} rows[] = {
		{DER_LITERAL(""), DER_LITERAL("\x02\x01\x00"),
			DER_LITERAL("\x00")},
		{DER_LITERAL("\x00\x00"), DER_LITERAL("\x02\x01\x00"),
			DER_LITERAL("\x00")},
		{DER_LITERAL("\x7f"), DER_LITERAL("\x02\x01\x7f"),
			DER_LITERAL("\x7f")},
		{DER_LITERAL("\x80"), DER_LITERAL("\x02\x02\x00\x80"),
			DER_LITERAL("\x80")},
		{DER_LITERAL("\x00\x00\x01\x00"),
			DER_LITERAL("\x02\x02\x01\x00"),
			DER_LITERAL("\x01\x00")},
		{DER_LITERAL("\xff\xff"), DER_LITERAL("\x02\x03\x00\xff\xff"),
			DER_LITERAL("\xff\xff")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned char storage[16];
		struct der_writer out = der_writer(storage, sizeof(storage));
		struct der der, value;

		der_put_unsigned(
			&out, rows[i].number.bytes, rows[i].number.len);
		der = written(&out);
		assert_der(der, rows[i].der);
		assert_true(der_take_unsigned(&der, &value));
		assert_der(value, rows[i].read);
	}
}

static void integers_are_written_whole(void **state)
{
	static const struct {
		unsigned value;
		struct der der;
	} rows[] = {
		{0, DER_LITERAL("\x02\x01\x00")},
		{128, DER_LITERAL("\x02\x02\x00\x80")},
		{65536, DER_LITERAL("\x02\x03\x01\x00\x00")},
		{0xffffffff, DER_LITERAL("\x02\x05\x00\xff\xff\xff\xff")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned char storage[16];
		struct der_writer out = der_writer(storage, sizeof(storage));

		der_put_integer(&out, rows[i].value);
		assert_der(written(&out), rows[i].der);
	}
}

static void running_out_of_storage_is_remembered(void **state)
{
	unsigned char storage[8];
	struct der_writer out = der_writer(storage, sizeof(storage));
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der der = {NULL, 77};

	(void)state;
	memset(storage, 0xaa, sizeof(storage));
	der_put(&out, DER_OCTET_STRING, "0123456789", 10);
	der_put_boolean(&out, true);
	assert_false(der_written(&out, &der, &err));
	assert_string_equal(
		err.message, "DER: longer than the 8 bytes reserved for it");
	assert_int_equal(der.len, 77);
	for (size_t i = 0; i < sizeof(storage); i++)
		assert_int_equal(storage[i], 0xaa);
}

/* RFC 5280, 4.1.2.5 */
static void times_have_the_form_of_their_year(void **state)
{
	static const struct {
		int64_t seconds;
		struct der der;
	} rows[] = {
		{0, DER_LITERAL("\x17\x0d"
				"700101000000Z")},
		{951782399, DER_LITERAL("\x17\x0d"
					"000228235959Z")},
		{951782400, DER_LITERAL("\x17\x0d"
					"000229000000Z")},
		{1795482899, DER_LITERAL("\x17\x0d"
					 "261124011459Z")},
		{2524607999, DER_LITERAL("\x17\x0d"
					 "491231235959Z")},
		{2524608000, DER_LITERAL("\x18\x0f"
					 "20500101000000Z")},
		{4107542400, DER_LITERAL("\x18\x0f"
					 "21000301000000Z")},
		{253402300799, DER_LITERAL("\x18\x0f"
					   "99991231235959Z")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned char storage[32];
		struct der_writer out = der_writer(storage, sizeof(storage));
		struct instant at = {rows[i].seconds}, read;
		struct der der;

		der_put_time(&out, at);
		der = written(&out);
		assert_der(der, rows[i].der);
		assert_true(der_take_time(&der, &read));
		assert_int_equal(read.seconds, at.seconds);
		assert_int_equal(der.len, 0);
	}
}

/* The writer and the cursor count days each in its own way. */
static void every_time_comes_back(void **state)
{
	(void)state;
	for (int64_t at = 0; at < INT64_C(253402300800);
		at += 86400 * 37 + 3607) {
		unsigned char storage[32];
		struct der_writer out = der_writer(storage, sizeof(storage));
		struct instant read;
		struct der der;

		der_put_time(&out, (struct instant){at});
		der = written(&out);
		assert_true(der_take_time(&der, &read));
		assert_int_equal(read.seconds, at);
	}
}

static void other_times_are_refused(void **state)
{
	static const struct der rows[] = {
		DER_LITERAL("\x17\x0b"
			    "2611240114Z"),
		DER_LITERAL("\x17\x0d"
			    "261124011459z"),
		DER_LITERAL("\x17\x11"
			    "261124011459+0100"),
		DER_LITERAL("\x17\x0d"
			    "261324011459Z"),
		DER_LITERAL("\x17\x0d"
			    "260024011459Z"),
		DER_LITERAL("\x17\x0d"
			    "260229011459Z"),
		DER_LITERAL("\x17\x0d"
			    "261100011459Z"),
		DER_LITERAL("\x17\x0d"
			    "261131011459Z"),
		DER_LITERAL("\x17\x0d"
			    "261124241459Z"),
		DER_LITERAL("\x17\x0d"
			    "261124016059Z"),
		DER_LITERAL("\x17\x0d"
			    "261124011460Z"),
		DER_LITERAL("\x17\x0d"
			    "2611240114 9Z"),
		DER_LITERAL("\x17\x0d"
			    "26112401145\0Z"),
		DER_LITERAL("\x18\x0f"
			    "20491231235959Z"),
		DER_LITERAL("\x18\x11"
			    "20500101000000.5Z"),
		DER_LITERAL("\x18\x0f"
			    "21000229000000Z"),
		DER_LITERAL("\x18\x03"
			    "205"),
		DER_LITERAL("\x17\x01"
			    "2"),
		DER_LITERAL("\x17\x00"),
		DER_LITERAL("\x02\x01\x05"),
		DER_LITERAL(""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct instant at = {42};
		struct der cursor = rows[i];

		if (der_take_time(&cursor, &at))
			fail_msg("row %zu was taken", i);
		assert_int_equal(at.seconds, 42);
		assert_int_equal(cursor.len, rows[i].len);
	}
}

static void text_is_printable_where_it_fits(void **state)
{
	static const struct {
		const char *text;
		struct der der;
	} rows[] = {
		{"kubernetes", DER_LITERAL("\x13\x0akubernetes")},
		{"system:nodes", DER_LITERAL("\x13\x0csystem:nodes")},
		{"a_b", DER_LITERAL("\x0c\x03"
				    "a_b")},
		{"a@b", DER_LITERAL("\x0c\x03"
				    "a@b")},
		{"*", DER_LITERAL("\x0c\x01*")},
		{"A&B", DER_LITERAL("\x0c\x03"
				    "A&B")},
		{"\xc3\xa9", DER_LITERAL("\x0c\x02\xc3\xa9")},
		{" '()+,-./:=?", DER_LITERAL("\x13\x0c '()+,-./:=?")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned char storage[64];
		struct der_writer out = der_writer(storage, sizeof(storage));

		der_put_directory_string(&out, rows[i].text);
		assert_der(written(&out), rows[i].der);
	}
}

static void the_cursor_takes_one_element_after_the_other(void **state)
{
	struct der cursor = OID("\x02\x01\x05\x01\x01\xff\x05\x00"), value;
	bool boolean = false;

	(void)state;
	assert_int_equal(der_next(&cursor), DER_INTEGER);
	assert_true(der_take_unsigned(&cursor, &value));
	assert_der(value, OID("\x05"));
	assert_true(der_take_boolean(&cursor, &boolean));
	assert_true(boolean);
	assert_true(der_take(&cursor, DER_NULL, &value, NULL));
	assert_int_equal(value.len, 0);
	assert_int_equal(der_next(&cursor), 0);
	assert_false(der_take(&cursor, DER_NULL, &value, NULL));
}

static void what_is_not_der_is_not_taken(void **state)
{
	static const struct {
		const char *why;
		unsigned tag;
		struct der der;
	} rows[] = {
		{"nothing", 0x04, DER_LITERAL("")},
		{"no length", 0x04, DER_LITERAL("\x04")},
		{"another tag", 0x04, DER_LITERAL("\x05\x00")},
		{"too short", 0x04, DER_LITERAL("\x04\x02\x00")},
		{"indefinite", 0x30, DER_LITERAL("\x30\x80\x00\x00")},
		{"long form of 1", 0x04, DER_LITERAL("\x04\x81\x01\x00")},
		{"leading zero", 0x04, DER_LITERAL("\x04\x82\x00\x80\x00")},
		{"length of length cut", 0x04, DER_LITERAL("\x04\x82\x01")},
		{"huge", 0x04, DER_LITERAL("\x04\x84\xff\xff\xff\xff\x00")},
		{"five octets", 0x04,
			DER_LITERAL("\x04\x85\x01\x00\x00\x00\x00\x00")},
		{"reserved", 0x04, DER_LITERAL("\x04\xff\x00")},
		{"multi-byte tag", 0x1f, DER_LITERAL("\x1f\x01\x00")},
		{"end of contents", 0x00, DER_LITERAL("\x00\x00")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct der cursor = rows[i].der;

		if (der_take(&cursor, rows[i].tag, NULL, NULL))
			fail_msg("%s was taken", rows[i].why);
		assert_int_equal(cursor.len, rows[i].der.len);
	}
}

/* All there is to take is there; only the way its length is said is wrong. */
static void lengths_in_too_many_octets_are_not_taken(void **state)
{
	unsigned char bytes[300] = {0x04, 0x82, 0x00, 0x80};
	struct der cursor = {bytes, 4 + 128}, contents;

	(void)state;
	assert_false(der_take(&cursor, 0x04, NULL, NULL));
	memcpy(bytes, "\x04\x83\x00\x01\x00", 5);
	cursor.len = 5 + 256;
	assert_false(der_take(&cursor, 0x04, NULL, NULL));
	memcpy(bytes, "\x04\x82\x01\x00", 4);
	cursor.len = 4 + 256;
	assert_true(der_take(&cursor, 0x04, &contents, NULL));
	assert_int_equal(contents.len, 256);
}

static void odd_numbers_and_booleans_are_not_taken(void **state)
{
	static const struct der numbers[] = {
		DER_LITERAL("\x02\x00"),
		DER_LITERAL("\x02\x01\x80"),
		DER_LITERAL("\x02\x02\x00\x7f"),
		DER_LITERAL("\x02\x02\x00\x00"),
		DER_LITERAL("\x02\x02\xff\x80"),
		DER_LITERAL("\x03\x01\x05"),
	};
	static const struct der booleans[] = {
		DER_LITERAL("\x01\x00"),
		DER_LITERAL("\x01\x01\x01"),
		DER_LITERAL("\x01\x02\xff\xff"),
		DER_LITERAL("\x02\x01\x00"),
	};
	struct der value = {NULL, 7};
	bool boolean = false;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct der cursor = numbers[i];

		assert_false(der_take_unsigned(&cursor, &value));
		assert_int_equal(cursor.len, numbers[i].len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(booleans); i++) {
		struct der cursor = booleans[i];

		assert_false(der_take_boolean(&cursor, &boolean));
		assert_int_equal(cursor.len, booleans[i].len);
	}
	assert_int_equal(value.len, 7);
}

static void views_are_equal_by_their_bytes(void **state)
{
	struct der nothing = {NULL, 0};

	(void)state;
	assert_true(der_equal(OID("abc"), OID("abc")));
	assert_false(der_equal(OID("abc"), OID("abd")));
	assert_false(der_equal(OID("abc"), OID("ab")));
	assert_true(der_equal(nothing, OID("")));
}

static void object_identifiers_have_a_dotted_form(void **state)
{
	static const struct {
		struct der oid;
		const char *text;
	} rows[] = {
		{DER_LITERAL("\x55\x04\x03"), "2.5.4.3"},
		{DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"),
			"1.2.840.113549.1.1.11"},
		{DER_LITERAL("\x88\x37\x03"), "2.999.3"},
		{DER_LITERAL("\x00"), "0.0"},
		{DER_LITERAL("\x27"), "0.39"},
		{DER_LITERAL("\x2b\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
			"1.3.9223372036854775807"},
		{DER_LITERAL(""), "?"},
		{DER_LITERAL("\x55\x80\x03"), "?"},
		{DER_LITERAL("\x55\x84"), "?"},
		{DER_LITERAL("\x2b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
			"?"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_TEXT text = oid_format(rows[i].oid);

		assert_string_equal(text, rows[i].text);
		assert_int_equal(oid_is_valid(rows[i].oid), text[0] != '?');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_is_said_in_reverse),
		cmocka_unit_test(a_mark_in_the_middle_wraps_what_follows_it),
		cmocka_unit_test(lengths_take_the_fewest_octets),
		cmocka_unit_test(numbers_are_minimal_and_never_negative),
		cmocka_unit_test(integers_are_written_whole),
		cmocka_unit_test(running_out_of_storage_is_remembered),
		cmocka_unit_test(times_have_the_form_of_their_year),
		cmocka_unit_test(every_time_comes_back),
		cmocka_unit_test(other_times_are_refused),
		cmocka_unit_test(text_is_printable_where_it_fits),
		cmocka_unit_test(the_cursor_takes_one_element_after_the_other),
		cmocka_unit_test(what_is_not_der_is_not_taken),
		cmocka_unit_test(lengths_in_too_many_octets_are_not_taken),
		cmocka_unit_test(odd_numbers_and_booleans_are_not_taken),
		cmocka_unit_test(views_are_equal_by_their_bytes),
		cmocka_unit_test(object_identifiers_have_a_dotted_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
