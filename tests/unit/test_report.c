/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

static const struct report_column columns[] = {
	{"node", "NODE", 8},
	{"status", "STATUS", 6},
	{"serials", NULL, 0},
	{"path", "PATH", 10},
	{NULL, NULL, 0},
};

static struct document *row(
	const char *node, const char *status, const char *path)
{
	struct document *map = document_new_map();

	document_put_text(map, "node", node);
	document_put_text(map, "status", status);
	if (path)
		document_put_text(map, "path", path);
	return map;
}

static void put_serials(struct document *map)
{
	struct document *list =
		document_put(map, "serials", document_new_list());

	document_append(list, document_new_text("0a"));
	document_append(list, document_new_text("0b"));
}

/* A report into memory. */
struct sheet {
	char *text;
	size_t len;
	FILE *out;
};

static struct report *begin(
	struct sheet *sheet, enum report_format format, bool headings)
{
	*sheet = (struct sheet){0};
	sheet->out = open_memstream(&sheet->text, &sheet->len);
	assert_non_null(sheet->out);
	return report_new("Harvest", format,
		format == REPORT_JSON ? NULL : columns, headings, sheet->out);
}

static void expect(struct sheet *sheet, struct report *report,
	const struct error *error, const char *expected)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(report) ended = report;

	assert_true(report_end(ended, error, &err));
	fclose(sheet->out);
	assert_string_equal(sheet->text, expected);
	free(sheet->text);
}

static void json_is_one_object_with_a_line_an_item(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_JSON, false);
	struct document *second = row("w\"2", "failed", NULL);

	(void)state;
	report_member(report, "pin", document_new_text("sha256:00"));
	report_member(report, "count", document_new_integer(2));
	report_row(report, row("w1", "issued", "b/w1"));
	put_serials(second);
	document_put_boolean(second, "expired", false);
	report_row(report, second);
	expect(&sheet, report, NULL,
		"{\"apiVersion\":\"kpki/v1\",\"kind\":\"Harvest\","
		"\"pin\":\"sha256:00\",\"count\":2,\"items\":[\n"
		"{\"node\":\"w1\",\"status\":\"issued\",\"path\":\"b/w1\"},\n"
		"{\"node\":\"w\\\"2\",\"status\":\"failed\","
		"\"serials\":[\"0a\",\"0b\"],\"expired\":false}\n"
		"]}\n");
}

static void what_is_absent_is_left_out_of_json(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_JSON, false);
	struct document *map = document_new_map();

	(void)state;
	report_member(report, "pin", document_new_null());
	report_member(report, "pin", NULL);
	document_put(map, "reason", document_new_null());
	report_row(report, map);
	map = document_new_map();
	document_put(map, "reason", document_new_null());
	document_put_text(map, "node", "");
	document_put(map, "path", document_new_null());
	report_row(report, map);
	expect(&sheet, report, NULL,
		"{\"apiVersion\":\"kpki/v1\",\"kind\":\"Harvest\",\"items\":[\n"
		"{},\n"
		"{\"node\":\"\"}\n"
		"]}\n");
}

static void json_ends_with_the_error(void **state)
{
	AUTO_RELEASE(error) placed = ERROR_INIT;
	AUTO_RELEASE(error) bare = ERROR_INIT;
	AUTO_RELEASE(error) none = ERROR_INIT;
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_JSON, false);

	(void)state;
	error_set(&placed, ERROR_INPUT, "address \"x\": not an IP");
	error_context(&placed, "node \"w1\"");
	error_at(&placed, "nodes.yaml", 12);
	expect(&sheet, report, &placed,
		"{\"apiVersion\":\"kpki/v1\",\"kind\":\"Harvest\",\"items\":[],"
		"\"error\":{\"code\":3,\"file\":\"nodes.yaml\",\"line\":12,"
		"\"rule\":\"address \\\"x\\\": not an IP\",\"message\":"
		"\"node \\\"w1\\\": address \\\"x\\\": not an IP\"}}\n");
	report = begin(&sheet, REPORT_JSON, false);
	report_row(report, row("w1", "failed", NULL));
	error_set(&bare, ERROR_FAILED, "no luck");
	expect(&sheet, report, &bare,
		"{\"apiVersion\":\"kpki/v1\",\"kind\":\"Harvest\",\"items\":[\n"
		"{\"node\":\"w1\",\"status\":\"failed\"}\n"
		"],\"error\":{\"code\":1,\"rule\":\"no luck\","
		"\"message\":\"no luck\"}}\n");
	report = begin(&sheet, REPORT_JSON, false);
	expect(&sheet, report, &none,
		"{\"apiVersion\":\"kpki/v1\",\"kind\":\"Harvest\","
		"\"items\":[]}\n");
}

static void text_stands_in_columns(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_TEXT, true);
	struct document *second = row("a-long-name", "", NULL);

	(void)state;
	put_serials(second);
	report_member(report, "pin", document_new_text("sha256:00"));
	report_row(report, row("w1", "issued", "b/w1"));
	report_row(report, second);
	report_row(report, row("\xc3\xa4\xc3\xb6", "issued", "p"));
	expect(&sheet, report, NULL,
		"NODE      STATUS  PATH\n"
		"w1        issued  b/w1\n"
		"a-long-name  -       -\n"
		"\xc3\xa4\xc3\xb6        issued  p\n");
}

static void text_without_rows_or_headings_says_nothing(void **state)
{
	AUTO_RELEASE(error) error = ERROR_INIT;
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_TEXT, true);

	(void)state;
	error_set(&error, ERROR_FAILED, "no luck");
	expect(&sheet, report, &error, "");
	report = begin(&sheet, REPORT_TEXT, false);
	report_row(report, row("w1", "issued", "p"));
	expect(&sheet, report, NULL, "w1        issued  p\n");
}

static void a_page_has_a_paragraph_a_row(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_PAGE, true);
	struct document *first = row("w1", "a", NULL), *list;

	(void)state;
	list = document_put(first, "path", document_new_list());
	document_append(list, document_new_text("b/w1, c"));
	document_append(list, document_new_text("\033[2J"));
	put_serials(first);
	report_row(report, first);
	report_row(report, row("w2", "b", ""));
	expect(&sheet, report, NULL,
		"NODE         w1\n"
		"STATUS       a\n"
		"PATH         b/w1, c\n"
		"             \\x1b[2J\n"
		"\n"
		"NODE         w2\n"
		"STATUS       b\n");
}

static void csv_has_every_column_and_quotes(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_CSV, false);
	struct document *second = row("w2", "a \"b\"", "x,y");

	(void)state;
	report_row(report, row("w1", "issued", NULL));
	put_serials(second);
	report_row(report, second);
	expect(&sheet, report, NULL,
		"node,status,serials,path\r\n"
		"w1,issued,,\r\n"
		"w2,\"a \"\"b\"\"\",\"0a,0b\",\"x,y\"\r\n");
	report = begin(&sheet, REPORT_CSV, false);
	expect(&sheet, report, NULL, "node,status,serials,path\r\n");
}

static void no_value_drives_a_terminal(void **state)
{
	struct sheet sheet;
	struct report *report = begin(&sheet, REPORT_TEXT, false);

	(void)state;
	report_row(report, row("\033[2J", "a\nb", "\xc2\x9b\x7f"));
	expect(&sheet, report, NULL, "\\x1b[2J   a\\x0ab  \\xc2\\x9b\\x7f\n");
	report = begin(&sheet, REPORT_CSV, false);
	report_row(report, row("\033[2J", "a\nb", "p"));
	expect(&sheet, report, NULL,
		"node,status,serials,path\r\n\\x1b[2J,a\\x0ab,,p\r\n");
}

/* With and without a buffer: at the end, or in the middle of it all. */
static void a_full_disk_is_found_at_the_end(void **state)
{
	static const int modes[] = {_IOFBF, _IONBF};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(report) report = NULL;
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		setvbuf(full, NULL, modes[i], modes[i] == _IOFBF ? 4096 : 0);
		report = report_new("Harvest", REPORT_JSON, NULL, false, full);
		report_row(report, row("w1", "issued", NULL));
		assert_false(report_end(report, NULL, &err));
		assert_int_equal(err.kind, ERROR_FAILED);
		assert_string_equal(err.message,
			"standard output: No space left on device");
		fclose(full);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_one_object_with_a_line_an_item),
		cmocka_unit_test(what_is_absent_is_left_out_of_json),
		cmocka_unit_test(json_ends_with_the_error),
		cmocka_unit_test(text_stands_in_columns),
		cmocka_unit_test(text_without_rows_or_headings_says_nothing),
		cmocka_unit_test(a_page_has_a_paragraph_a_row),
		cmocka_unit_test(csv_has_every_column_and_quotes),
		cmocka_unit_test(no_value_drives_a_terminal),
		cmocka_unit_test(a_full_disk_is_found_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
