/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool describe(void *data, const struct object *object, struct error *err)
{
	(void)err;
	buffer_format(data, "%s %s %s/%s:%u;", object->api_version,
		object->kind, object->namespace, object->name, object->line);
	return true;
}

static bool read_text(const char *text, struct buffer *found, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("o", text, strlen(text));

	return objects_read(source, describe, found, err);
}

static void objects_come_in_many_shapes(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{"apiVersion: v1\nkind: A\nmetadata: {name: m, namespace: s}\n",
			"v1 A s/m:1;"},
		{"---\napiVersion: v1\nkind: A\n---\n---\n"
		 "apiVersion: v2\nkind: B\nmetadata:\n",
			"v1 A /:2;v2 B /:6;"},
		{"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		 "{\"apiVersion\":\"v1\",\"kind\":\"A\"},\n"
		 "{\"apiVersion\":\"v2\",\"kind\":\"B\"}]}",
			"v1 A /:1;v2 B /:2;"},
		{"apiVersion: v3\nkind: BList\nitems:\n"
		 "- metadata: {name: x}\n"
		 "- metadata: {name: z}\n",
			"v3 B /x:4;v3 B /z:5;"},
		{"apiVersion: v1\nkind: List\nitems: []\n", ""},
		{"apiVersion: v1\nkind: ShoppingList\n",
			"v1 ShoppingList /:1;"},
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

static void what_is_no_object_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
		unsigned line;
	} rows[] = {
		{"a\n", "object \"a\": must be a map", 1},
		{"kind: A\n", "object: no apiVersion", 1},
		{"apiVersion: v1\n", "object: no kind", 1},
		{"apiVersion: 1\nkind: A\n", "apiVersion \"1\": must be", 1},
		{"apiVersion: v1\nkind: A\nmetadata: []\n",
			"metadata: must be a map", 3},
		{"apiVersion: v1\nkind: A\nmetadata:\n  name: 1e3\n",
			"name \"1e3\": must be text", 4},
		{"apiVersion: v1\nkind: List\nitems: {}\n",
			"items: must be a list", 3},
		{"apiVersion: v1\nkind: List\nitems:\n- {kind: A}\n",
			"object: no apiVersion", 4},
		{"", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &found, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("%s: %s", rows[i].text, err.message);
		if (rows[i].line)
			assert_int_equal(err.line, rows[i].line);
	}
}

static bool require_hidden(
	void *data, const struct object *object, struct error *err)
{
	const struct document *map = document_find(object->root, "stringData");
	const char *text;

	assert_true(object_text(object, map, data, &text, err));
	assert_non_null(text);
	assert_non_null(redacted_secret(object->redacted, text));
	return true;
}

static void secrets_are_taken_out(void **state)
{
	static const char text[] = "apiVersion: v1\nkind: Secret\nstringData:\n"
				   "  token-secret: abcdefgh\n";
	AUTO_FREE(source) source = source_of_text("o", text, strlen(text));
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(objects_read(
		source, require_hidden, (void *)"token-secret", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_come_in_many_shapes),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(secrets_are_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
