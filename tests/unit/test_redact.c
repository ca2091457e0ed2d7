/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const keys[] = {"token", "client-key-data"};

static bool redact_text(
	const char *text, struct redacted **ret_redacted, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("f", text, strlen(text));

	return redact(source, keys, ARRAY_SIZE(keys), ret_redacted, err);
}

/* "token=secret;" for each text of the document that is a placeholder, and
 * "path=text;" for what is none. */
static void describe(const struct redacted *redacted,
	const struct document *node, const char *key, struct buffer *out)
{
	const struct secret *secret;

	if (document_text(node)) {
		secret = redacted_secret(redacted, document_text(node));
		if (secret)
			buffer_format(out, "%s=(%.*s);", key,
				(int)secret_len(secret), secret_view(secret));
		else
			buffer_format(out, "%s=%s;", key, document_text(node));
		return;
	}
	for (size_t i = 0; i < document_count(node); i++)
		describe(redacted, document_at(node, i),
			document_kind(node) == DOCUMENT_MAP
				? document_key(node, i)
				: "-",
			out);
}

static void values_are_put_aside(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{"token: abc\n", "token=(abc);"},
		{"token: abc", "token=(abc);"},
		{"token:   \"a b\" # why\nb: c\n", "token=(a b);b=c;"},
		{"token: 'a b'\n", "token=(a b);"},
		{"token: abc  # why\n", "token=(abc);"},
		{"users:\n- user:\n    token: a.b\n  name: n\n",
			"token=(a.b);name=n;"},
		{"u: {token: abc, b: c}\n", "token=(abc);b=c;"},
		{"u: {b: c, \"token\": \"abc\"}\n", "b=c;token=(abc);"},
		{"{\"token\":\"abc\",\"client-key-data\" : \"QUJD\"}",
			"token=(abc);client-key-data=(QUJD);"},
		{"[{token: abc}, {token: def}]\n", "token=(abc);token=(def);"},
		{"- token: abc\n- token: def\n", "token=(abc);token=(def);"},
		{"token: \"\"\nb: c\n", "token=;b=c;"},
		{"token:\nb: c\n", "token=;b=c;"},
		{"token: null\n", "token=null;"},
		{"token: abc\r\nb: c\r\n", "token=(abc);b=c;"},
		/* none of them is this key */
		{"tokenFile: abc\n", "tokenFile=abc;"},
		{"my-token: abc\n", "my-token=abc;"},
		{"a: 'my token: abc'\n", "a=my token: abc;"},
		{"a: token\n", "a=token;"},
		{"# a token: is one of these\nb: c\n", "b=c;"},
		{"token:x: y\n", "token:x=y;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(redacted) redacted = NULL;
		AUTO_FREE(document) root = NULL;
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (!redact_text(rows[i].text, &redacted, &err) ||
			!redacted_parse(redacted, &root, &err))
			fail_msg("%s: %s", rows[i].text, err.message);
		describe(redacted, root, "", &found);
		assert_string_equal(found.data, rows[i].found);
	}
}

static void what_hides_a_value_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{"a: b\ntoken: |\n  abc\n", 2},
		{"token: >-\n  abc\n", 1},
		{"token: \"a\n  b\"\n", 1},
		{"token: \"a\\u0062\"\n", 1},
		{"token: abc def\n", 1},
		{"token: !!str abc\n", 1},
		{"token: &a abc\n", 1},
		{"a: b\n\nu: {token: 123456}\n", 3},
		{"token: 1e3\n", 1},
		{"token: true\n", 1},
		{"token: 'abc", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(redacted) redacted = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (redact_text(rows[i].text, &redacted, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(err.line, rows[i].line);
		assert_non_null(strstr(err.message, "key \"token\": "));
		assert_null(strstr(err.message, "abc"));
		assert_null(strstr(err.message, "123456"));
	}
}

static void a_text_that_looks_like_a_placeholder_is_none(void **state)
{
	AUTO_FREE(redacted) redacted = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(redact_text("token: a\n", &redacted, &err));
	assert_non_null(redacted_secret(redacted, "<secret 0>"));
	assert_null(redacted_secret(redacted, "<secret 1>"));
	assert_null(redacted_secret(redacted, "<secret x"));
	assert_null(redacted_secret(redacted, "a"));
}

static void bounds_hold(void **state)
{
	AUTO_FREE(redacted) redacted = NULL;
	AUTO_TEXT text = memory_new(REDACT_MAX + 2, 1);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(error) nul = ERROR_INIT;
	AUTO_FREE(source) source = source_of_text("f", "a: \0b", 5);

	(void)state;
	memset(text, '#', REDACT_MAX + 1);
	assert_false(redact_text(text, &redacted, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_false(redact(source, keys, 1, &redacted, &nul));
	assert_int_equal(nul.kind, ERROR_INPUT);
}

static void many_documents_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{"a: b\n---\nc: d\n", 2},
		{" {\"a\": \"b\"}\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(redacted) redacted = NULL;
		AUTO_FREE(document) list = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_true(redact_text(rows[i].text, &redacted, &err));
		assert_true(redacted_parse_all(redacted, &list, &err));
		assert_int_equal(document_count(list), rows[i].n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_put_aside),
		cmocka_unit_test(what_hides_a_value_is_refused),
		cmocka_unit_test(a_text_that_looks_like_a_placeholder_is_none),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(many_documents_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
