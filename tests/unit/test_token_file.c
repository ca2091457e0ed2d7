/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"

static bool describe(
	void *data, const struct token_line *line, struct error *err)
{
	(void)err;
	buffer_format(data, "%u/%zu %.*s|%s|%s|%s;", line->line,
		line->n_columns, (int)secret_len(line->token),
		secret_view(line->token), line->user, line->uid, line->groups);
	return true;
}

static bool read_text(const char *text, struct buffer *found, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("f", text, strlen(text));

	return token_file_read(source, describe, found, err);
}

/* As Go's encoding/csv answers. */
static void lines_are_those_of_go(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{"t,u,1\n", "1/3 t|u|1|;"},
		{"t,u,1", "1/3 t|u|1|;"},
		{"\n\nt,u,1\r\n\r\nv,w,2\n", "3/3 t|u|1|;5/3 v|w|2|;"},
		{"t,u,1,\"a,b\"\n", "1/4 t|u|1|a,b;"},
		{"t,u,1,a,b\n", "1/5 t|u|1|a;"},
		{"\"t\",\"u \"\"x\"\"\",1,\n", "1/4 t|u \"x\"|1|;"},
		{"\"t\",\"u\nv\",1\nw,x,2\n", "1/3 t|u\nv|1|;3/3 w|x|2|;"},
		{"t\n", "1/1 t|||;"},
		{",u,1\n", "1/3 |u|1|;"},
		{" t , u,1\n", "1/3  t | u|1|;"},
		{"# a,b,c\n", "1/3 # a|b|c|;"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (!read_text(rows[i].text, &found, &err))
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_string_equal(found.data, rows[i].found);
	}
}

static void what_go_refuses_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{"t,u,1\nt\"x,u,1\n", 2},
		{"\"t\"x,u,1\n", 1},
		{"\"t,u,1\n", 2},
		{"t,u,\"", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &found, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(err.line, rows[i].line);
		assert_null(strstr(err.message, "u,1"));
	}
}

static void a_token_file_is_recognised(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{"t,u,1\n", true},
		{"\nabc,u,1,\"x\"\n", true},
		{"t,u,1\r\n", true},
		{"t,u\n", false},
		{"t,u,\x01\n", false},
		{"a: [b,c,d]\n", false},
		{"-----BEGIN X-----,,,\n", false},
		{"{\"a\":1,\"b\":2,\"c\":3}", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			token_file_look(rows[i].text, strlen(rows[i].text)),
			rows[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_those_of_go),
		cmocka_unit_test(what_go_refuses_is_refused),
		cmocka_unit_test(a_token_file_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
