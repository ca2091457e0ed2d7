/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

static bool read_bytes(const char *text, size_t len, struct document **ret_root,
	struct error *err)
{
	AUTO_FREE(source) source = source_of_text("a.json", text, len);

	return json_read(source, ret_root, err);
}

static struct document *read_good(const char *text)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *root = NULL;

	if (read_bytes(text, strlen(text), &root, &err))
		return root;
	fail_msg("%s: %s", text, err.message);
	return NULL;
}

static char *repeat(const char *text, size_t n)
{
	AUTO_RELEASE(buffer) many = BUFFER_INIT;

	for (size_t i = 0; i < n; i++)
		buffer_add_text(&many, text);
	return buffer_detach(&many);
}

static void every_node_knows_its_line(void **state)
{
	AUTO_FREE(document)
	root = read_good("\n{ \"a\" : 1,\n"
			 "  \"b{\\\"[\":\n"
			 "  [ \"x\\\\\", {\n"
			 "    \"c\": null } ,\n"
			 "    [], {}, true\n"
			 "  ]\n"
			 ",\"d\" : \"\\u00e9\\n\" }\n");
	const struct document *list = document_find(root, "b{\"[");

	(void)state;
	assert_int_equal(document_line(root), 2);
	assert_int_equal(document_key_line(root, 0), 2);
	assert_int_equal(document_key_line(root, 1), 3);
	assert_int_equal(document_line(list), 4);
	assert_string_equal(document_text(document_at(list, 0)), "x\\");
	assert_int_equal(document_line(document_at(list, 0)), 4);
	assert_int_equal(document_line(document_at(list, 1)), 4);
	assert_int_equal(
		document_line(document_find(document_at(list, 1), "c")), 5);
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(document_line(document_at(list, i)), 6);
	assert_int_equal(document_key_line(root, 2), 8);
	assert_string_equal(
		document_text(document_find(root, "d")), "\xc3\xa9\n");
}

static void scalars_keep_their_spelling(void **state)
{
	static const struct {
		const char *text;
		enum document_kind kind;
		const char *spelling;
	} rows[] = {
		{"[1]", DOCUMENT_NUMBER, "1"},
		{"[ -0.5e+10 ]", DOCUMENT_NUMBER, "-0.5e+10"},
		{"[12345678901234567890]", DOCUMENT_NUMBER,
			"12345678901234567890"},
		{"[true\n]", DOCUMENT_BOOLEAN, "true"},
		{"[false]", DOCUMENT_BOOLEAN, "false"},
		{"[null]", DOCUMENT_NULL, "null"},
		{"[\"1\"]", DOCUMENT_TEXT, "1"},
		{"[\"\"]", DOCUMENT_TEXT, ""},
		{"[\"\\ud83d\\ude00\\/\"]", DOCUMENT_TEXT, "\xf0\x9f\x98\x80/"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(document) root = read_good(rows[i].text);
		const struct document *node = document_at(root, 0);

		assert_int_equal(document_kind(node), rows[i].kind);
		assert_string_equal(document_text(node), rows[i].spelling);
	}
}

static void what_is_not_strict_is_refused_with_its_line(void **state)
{
#define ROW(text, message)                                                     \
	{                                                                      \
		text, sizeof(text) - 1, message                                \
	}
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} rows[] = {
		ROW("", "a.json:1: not JSON: '[' or '{' expected near end of "
			"file"),
		ROW("1", "a.json:1: not JSON: '[' or '{' expected near '1'"),
		ROW("{\"a\": 1,\n\"a\": 2}",
			"a.json:2: not JSON: duplicate object key near "
			"'\"a\"'"),
		ROW("{\"a\": {\"b\": 1, \"b\": 1}}",
			"a.json:1: not JSON: duplicate object key near "
			"'\"b\"'"),
		ROW("[1]\n[2]",
			"a.json:2: not JSON: end of file expected near '['"),
		ROW("[1,\n]", "a.json:2: not JSON: unexpected token near ']'"),
		ROW("[\"a\\u0000b\"]",
			"a.json:1: not JSON: \\u0000 is not allowed without "
			"JSON_ALLOW_NUL near '\"a\\u0000b\"'"),
		ROW("[\"a\0b\"]", "a.json:1: not JSON: control character 0x0 "
				  "near '\"a'"),
		ROW("[1]\0",
			"a.json:1: not JSON: end of file expected near end of "
			"file"),
		ROW("[\"\xff\"]", "a.json:1: not JSON: unable to decode byte "
				  "0xff near '\"'"),
		ROW("[NaN]", "a.json:1: not JSON: invalid token near 'NaN'"),
		ROW("[01]", "a.json:1: not JSON: invalid token near '0'"),
		ROW("['a']", "a.json:1: not JSON: invalid token near '''"),
		ROW("[1e999]", "a.json:1: not JSON: real number overflow near "
			       "'1e999'"),
		ROW("[\"", "a.json:1: not JSON: premature end of input near "
			   "'\"'"),
		ROW("[\"\\", "a.json:1: not JSON: invalid escape near "
			     "'\"\\'"),
		ROW("]]]]", "a.json:1: not JSON: '[' or '{' expected near "
			    "']'"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT text = NULL;
		struct document *root = NULL;

		assert_false(
			read_bytes(rows[i].text, rows[i].len, &root, &err));
		assert_null(root);
		assert_int_equal(err.kind, ERROR_INPUT);
		text = error_text(&err);
		assert_string_equal(text, rows[i].message);
	}
#undef ROW
}

static void depth_is_bounded_before_anything_recurses(void **state)
{
	AUTO_TEXT open = repeat("[\n", 64);
	AUTO_TEXT close = repeat("]", 64);
	AUTO_TEXT strings = repeat("\"[{\",", 100);
	AUTO_TEXT good = memory_format("%s%s1%s", open, strings, close);
	AUTO_TEXT bad = repeat("[\n", 1000000);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *root = NULL;

	(void)state;
	document_free(read_good(good));
	assert_false(read_bytes(bad, strlen(bad), &root, &err));
	assert_string_equal(err.message, "nested more than 64 deep");
	assert_int_equal(err.line, 65);
}

static void much_is_read_quickly(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(document) root = NULL;
	clock_t start;

	(void)state;
	buffer_add_byte(&text, '{');
	for (unsigned i = 0; i < 50000; i++)
		buffer_format(&text, "\"key-%u\":\n[%u],", i, i);
	buffer_add_text(&text, "\"z\":0}");
	start = clock();
	root = read_good(text.data);
	assert_true(clock() - start < 20 * CLOCKS_PER_SEC);
	assert_int_equal(document_count(root), 50001);
	assert_int_equal(document_line(document_at(root, 50000)), 50001);
}

static void it_is_written_compact_or_indented(void **state)
{
	static const char compact[] = "{\"a\":[1,\"x\",true,null,[],{}],"
				      "\"b \\\"\":{\"c\":false}}";
	static const char indented[] = "{\n"
				       "  \"a\": [\n"
				       "    1,\n"
				       "    \"x\",\n"
				       "    true,\n"
				       "    null,\n"
				       "    [],\n"
				       "    {}\n"
				       "  ],\n"
				       "  \"b \\\"\": {\n"
				       "    \"c\": false\n"
				       "  }\n"
				       "}";
	AUTO_FREE(document) root = read_good(compact);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	(void)state;
	json_write(root, JSON_COMPACT, &text);
	assert_string_equal(text.data, compact);
	buffer_reset(&text);
	json_write(root, JSON_INDENTED, &text);
	assert_string_equal(text.data, indented);
}

static void what_json_has_no_number_for_is_written_as_text(void **state)
{
	static const struct {
		const char *yaml, *json;
	} rows[] = {
		{"42", "[42]"},
		{"-0.5e-3", "[-0.5e-3]"},
		{"1E5", "[1E5]"},
		{"0", "[0]"},
		{"0x1f", "[\"0x1f\"]"},
		{"017", "[\"017\"]"},
		{"+1", "[\"+1\"]"},
		{"1_000", "[\"1_000\"]"},
		{"1.", "[\"1.\"]"},
		{".5", "[\".5\"]"},
		{".inf", "[\".inf\"]"},
		{"2026-11-24", "[\"2026-11-24\"]"},
		{"12:30", "[\"12:30\"]"},
		{"yes", "[true]"},
		{"off", "[false]"},
		{"~", "[null]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_TEXT yaml = memory_format("[%s]", rows[i].yaml);
		AUTO_FREE(source)
		source = source_of_text("y", yaml, strlen(yaml));
		AUTO_FREE(document) root = NULL;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_true(document_read_yaml(source, &root, &err));
		json_write(root, JSON_COMPACT, &text);
		assert_string_equal(text.data, rows[i].json);
	}
}

static void any_text_is_written_as_valid_json(void **state)
{
	uint64_t dice = 3;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		AUTO_FREE(document) root = document_new_list();
		AUTO_FREE(document) again = NULL;
		AUTO_FREE(document) twice = NULL;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(buffer) second = BUFFER_INIT;
		char bytes[20] = "";

		for (size_t at = 0; at < sizeof(bytes) - 1; at++) {
			dice = dice * 6364136223846793005u +
			       1442695040888963407u;
			bytes[at] = (char)(dice >> 56);
		}
		document_append(root, document_new_text(bytes));
		json_write(root, JSON_COMPACT, &text);
		again = read_good(text.data);
		json_write(again, JSON_COMPACT, &second);
		twice = read_good(second.data);
		assert_string_equal(document_text(document_at(again, 0)),
			document_text(document_at(twice, 0)));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_knows_its_line),
		cmocka_unit_test(scalars_keep_their_spelling),
		cmocka_unit_test(what_is_not_strict_is_refused_with_its_line),
		cmocka_unit_test(depth_is_bounded_before_anything_recurses),
		cmocka_unit_test(much_is_read_quickly),
		cmocka_unit_test(it_is_written_compact_or_indented),
		cmocka_unit_test(
			what_json_has_no_number_for_is_written_as_text),
		cmocka_unit_test(any_text_is_written_as_valid_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
