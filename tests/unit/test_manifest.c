/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/manifest.h"

/* Tests take the place of this one with a file of their own. */
#define NAME "create-csrs-for-bootstrapping"
#define OTHER "auto-approve-renewals-for-nodes"

#define OBJECT                                                                 \
	"apiVersion: v1\n"                                                     \
	"kind: ConfigMap\n"                                                    \
	"metadata:\n"                                                          \
	"  name: a\n"

static const struct manifest_value values[] = {
	{"GROUP", "system:bootstrappers:w"},
	{"SUFFIX", ":w"},
	{"NAME", "kpki:view:group:dev"},
	{"KIND", "Group"},
	{"SUBJECT", "dev"},
	{"ROLE", "view"},
};

static int make_directory(void **state)
{
	const char *tmp = getenv("TMPDIR");

	*state = memory_format("%s/kpki-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	return mkdtemp(*state) ? 0 : -1;
}

static int remove_directory(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool done = file_remove_tree(AT_FDCWD, *state, &err);

	free(*state);
	return done ? 0 : -1;
}

static void put_template(const char *dir, const char *text)
{
	const struct file_part part = {text, strlen(text), NULL};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE fd = -1;

	if (!directory_open(AT_FDCWD, dir, &fd, &err) ||
		!file_create(fd, NAME ".yaml", 0644, &part, 1, &err))
		fail_msg("%s", err.message);
}

static void drop_template(const char *dir)
{
	AUTO_TEXT path = memory_format("%s/" NAME ".yaml", dir);

	assert_int_equal(unlink(path), 0);
}

static bool make(const char *dir, const char *text, struct buffer *made,
	struct error *err)
{
	AUTO_FREE(manifest) manifest = NULL;
	bool done;

	if (text)
		put_template(dir, text);
	done = manifest_new(dir, &manifest, err) &&
	       manifest_add(manifest, NAME, values, ARRAY_SIZE(values), err) &&
	       manifest_write(manifest, made, err);
	if (text)
		drop_template(dir);
	return done;
}

static void assert_made(const char *dir, const char *text, const char *expected)
{
	AUTO_RELEASE(buffer) made = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!make(dir, text, &made, &err))
		fail_msg("%s", err.message);
	assert_string_equal(made.data, expected);
}

static struct document *read_back(const struct buffer *text)
{
	AUTO_FREE(source)
	source = source_of_text("made", text->data, text->len);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct document *list = NULL;

	if (!document_read_yaml_all(source, &list, &err))
		fail_msg("%s", err.message);
	return list;
}

static void every_template_of_the_project_is_filled_in(void **state)
{
	AUTO_FREE(manifest) manifest = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t n_templates = 0;

	(void)state;
	assert_true(manifest_new(NULL, &manifest, &err));
	while (manifest_templates[n_templates].name)
		if (!manifest_add(manifest,
			    manifest_templates[n_templates++].name, values,
			    ARRAY_SIZE(values), &err))
			fail_msg("%s", err.message);
	assert_true(n_templates > 4);
	assert_true(manifest_write(manifest, &text, &err));
	assert_null(strstr(text.data, "${"));
	assert_non_null(strstr(text.data, "\"system:bootstrappers:w\""));
}

static void templates_are_the_files_of_the_source_tree(void **state)
{
	const char *top = getenv("top_srcdir");

	(void)state;
	for (size_t i = 0; top && manifest_templates[i].name; i++) {
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT path = memory_format("%s/templates/%s.yaml", top,
			manifest_templates[i].name);

		assert_true(file_read(AT_FDCWD, path, 1 << 20, &text, &err));
		assert_string_equal(manifest_templates[i].text, text.data);
	}
}

static void placeholders_stand_for_text_in_values(void **state)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{"x: ${GROUP}", "x: \"system:bootstrappers:w\""},
		{"x: \"${GROUP}\"", "x: \"system:bootstrappers:w\""},
		{"x: a${SUFFIX}b${SUFFIX}", "x: \"a:wb:w\""},
		{"x: [\"${SUFFIX}\", {z: [\"${SUFFIX}\"]}]",
			"x:\n- \":w\"\n- z:\n  - \":w\""},
		{"x: $GROUP {GROUP} $ {GROUP} $", "x: \"$GROUP {GROUP} $ "
						  "{GROUP} $\""},
		{"x: $${SUFFIX}", "x: \"$:w\""},
		{"x: [1, 1.5, yes, ~, null, \"1\"]",
			"x:\n- 1\n- 1.5\n- true\n- null\n- null\n- \"1\""},
		{"x: [{}, []]", "x:\n- {}\n- []"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_TEXT text =
			memory_format("# x\n" OBJECT "%s\n", rows[i].line);
		AUTO_TEXT expected = memory_format(
			"apiVersion: \"v1\"\nkind: \"ConfigMap\"\n"
			"metadata:\n  name: \"a\"\n%s\n",
			rows[i].expected);

		assert_made(*state, text, expected);
	}
}

static void a_value_never_becomes_syntax(void **state)
{
	static const char *const texts[] = {
		"x\"\n  name: evil",
		"x: {z: [",
		"# no comment",
		"true",
		"0x1f",
		"~",
		"--- \n...\n",
		"${GROUP}",
		"*a &b !c |",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const struct manifest_value value = {"GROUP", texts[i]};
		AUTO_FREE(manifest) manifest = NULL;
		AUTO_FREE(document) list = NULL;
		AUTO_RELEASE(buffer) made = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		const struct document *x;

		put_template(*state, OBJECT "x: ${GROUP}\n");
		assert_true(manifest_new(*state, &manifest, &err));
		assert_true(manifest_add(manifest, NAME, &value, 1, &err));
		assert_true(manifest_write(manifest, &made, &err));
		drop_template(*state);
		list = read_back(&made);
		assert_int_equal(document_count(list), 1);
		assert_int_equal(document_count(document_at(list, 0)), 4);
		x = document_find(document_at(list, 0), "x");
		assert_int_equal(document_kind(x), DOCUMENT_TEXT);
		assert_string_equal(document_text(x), texts[i]);
	}
}

static void what_is_wrong_in_a_template_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{OBJECT "x:\n- ${GRUOP}\n",
			":6: placeholder \"${GRUOP}\": unknown (did you mean "
			"\"${GROUP}\"?)"},
		{OBJECT "x: ${HOME}\n", ":5: placeholder \"${HOME}\": unknown"},
		{OBJECT "x: ${GROUP\n",
			":5: \"${GROUP\": not a placeholder (${NAME}, in upper "
			"case)"},
		{OBJECT "x: ${}\n",
			":5: \"${\": not a placeholder (${NAME}, in upper "
			"case)"},
		{OBJECT "x: ${group}\n",
			":5: \"${\": not a placeholder (${NAME}, in upper "
			"case)"},
		{OBJECT "x:\n  ${GROUP}: 1\n",
			":6: key \"${GROUP}\": a placeholder stands in values "
			"only"},
		{"- a\n", ":1: document: must be a map, is a list"},
		{OBJECT "---\nkind: x\n",
			":6: apiVersion: missing in an object"},
		{"apiVersion: v1\nmetadata: {name: x}\n",
			":1: kind: missing in an object"},
		{"apiVersion: v1\nkind: x\nmetadata: {}\n",
			":1: metadata.name: missing in an object"},
		{"apiVersion: v1\nkind: x\nmetadata:\n  name: 12\n",
			":4: metadata.name \"12\": must be text, is a number "
			"(quote it)"},
		{OBJECT "---\n" OBJECT,
			":9: ConfigMap \"a\": made before, and would take its "
			"place"},
		{"a: &x 1\n", ":1: an anchor (&) is not allowed"},
		{"# nothing\n", ":2: no document in it"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) made = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT expected = memory_format("%s/" NAME ".yaml%s",
			(const char *)*state, rows[i].message);
		AUTO_TEXT text = NULL;

		assert_false(make(*state, rows[i].text, &made, &err));
		text = error_text(&err);
		assert_string_equal(text, expected);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(made.len, 0);
	}
}

static void objects_differ_by_kind_namespace_or_name(void **state)
{
	assert_made(*state,
		OBJECT "---\n" OBJECT "  namespace: ${GROUP}\n---\n"
		       "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
		"apiVersion: \"v1\"\nkind: \"ConfigMap\"\n"
		"metadata:\n  name: \"a\"\n---\n"
		"apiVersion: \"v1\"\nkind: \"ConfigMap\"\n"
		"metadata:\n  name: \"a\"\n"
		"  namespace: \"system:bootstrappers:w\"\n---\n"
		"apiVersion: \"v1\"\nkind: \"Secret\"\n"
		"metadata:\n  name: \"a\"\n");
}

static void a_directory_overrides_what_it_has(void **state)
{
	AUTO_FREE(manifest) manifest = NULL;
	AUTO_RELEASE(buffer) made = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	put_template(*state, OBJECT "own: ${GROUP}\n");
	assert_true(manifest_new(*state, &manifest, &err));
	assert_true(manifest_add(manifest, OTHER, NULL, 0, &err));
	assert_true(
		manifest_add(manifest, NAME, values, ARRAY_SIZE(values), &err));
	assert_true(manifest_write(manifest, &made, &err));
	drop_template(*state);
	assert_non_null(strstr(made.data, "own: \"system:bootstrappers:w\""));
	assert_non_null(strstr(made.data, "\"" OTHER "\""));
	assert_null(strstr(made.data, "\"" NAME));
}

static void a_directory_without_any_of_them_is_refused(void **state)
{
	AUTO_RELEASE(buffer) made = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT expected = memory_format(
		"\"%s\": has none of the templates that are used (" NAME
		".yaml)",
		(const char *)*state);

	assert_false(make(*state, NULL, &made, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_string_equal(err.message, expected);
	error_release(&err);
	assert_false(make("/nonexistent/templates", NULL, &made, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_int_equal(made.len, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_template_of_the_project_is_filled_in),
		cmocka_unit_test(templates_are_the_files_of_the_source_tree),
		cmocka_unit_test(placeholders_stand_for_text_in_values),
		cmocka_unit_test(a_value_never_becomes_syntax),
		cmocka_unit_test(
			what_is_wrong_in_a_template_is_said_with_its_line),
		cmocka_unit_test(objects_differ_by_kind_namespace_or_name),
		cmocka_unit_test(a_directory_overrides_what_it_has),
		cmocka_unit_test(a_directory_without_any_of_them_is_refused),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
