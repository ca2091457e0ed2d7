/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "base/memory.h"

static void times_are_read_as_rfc_3339_says(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01Z", 1},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T23:00:00-01:00", 0},
		{"2026-11-24T01:14:59Z", 1795482899},
		{"2026-11-24t01:14:59z", 1795482899},
		{"2026-11-24T01:14:59.999999Z", 1795482899},
		{"2026-11-24T06:44:59+05:30", 1795482899},
		{"2000-02-29T12:00:00Z", 951825600},
		{"2024-02-29T00:00:00Z", 1709164800},
		{"2100-03-01T00:00:00Z", 4107542400},
		{"2038-01-19T03:14:08Z", 2147483648},
		{"9999-12-31T23:59:59Z", 253402300799},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct instant at = {-1};

		assert_true(instant_parse(rows[i].text, &at, &err));
		assert_int_equal(at.seconds, rows[i].seconds);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const rows[] = {"", "2026", "2026-11-24",
		"2026-13-01", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-11-00T00:00:00Z", "2026-11-31T00:00:00Z",
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"2026-11-24 01:14:59Z", "2026-11-24T01:14:59",
		"2026-11-24T01:14Z", "2026-11-24T24:00:00Z",
		"2026-11-24T01:60:00Z", "2026-11-24T01:14:60Z",
		"2026-11-24T01:14:59.Z", "2026-11-24T01:14:59,5Z",
		"2026-11-24T01:14:59Zx", "2026-11-24T01:14:59+1:00",
		"2026-11-24T01:14:59+24:00", "2026-11-24T01:14:59+0100",
		"2026-1-24T01:14:59Z", "+2026-11-24T01:14:59Z",
		" 2026-11-24T01:14:59Z", "2026-11-24T01:14:59Z ", "1d", "now",
		"1795482899"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT start = memory_format("\"%s\": not a time", rows[i]);
		struct instant at = {-1};

		assert_false(instant_parse(rows[i], &at, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_memory_equal(err.message, start, strlen(start));
		assert_int_equal(at.seconds, -1);
	}
}

static void years_end_where_certificates_do(void **state)
{
	static const char *const rows[] = {"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59-00:01"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct instant at = {-1};

		assert_false(instant_parse(rows[i], &at, &err));
		assert_non_null(strstr(err.message, "1970 to 9999"));
	}
}

static void adding_stops_at_the_ends(void **state)
{
	static const struct {
		int64_t at, seconds, expected;
	} rows[] = {
		{100, 10, 110},
		{100, -10, 90},
		{100, -101, 0},
		{100, INT64_MIN, 0},
		{100, INT64_MAX, 253402300799},
		{253402300799, 1, 253402300799},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(instant_add((struct instant){rows[i].at},
					 rows[i].seconds)
					 .seconds,
			rows[i].expected);
}

static void spans_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		const char *shortest;
	} rows[] = {
		{"0s", 0, "0s"},
		{"45s", 45, "45s"},
		{"30m", 1800, "30m"},
		{"12h", 43200, "12h"},
		{"90d", 7776000, "90d"},
		{"2w", 1209600, "2w"},
		{"1y", 31536000, "1y"},
		{"365d", 31536000, "1y"},
		{"10y", 315360000, "10y"},
		{"1d12h", 129600, "36h"},
		{"1y1s", 31536001, "1y1s"},
		{"1y2w3d4h5m6s", 33019506, "33019506s"},
		{"60m", 3600, "1h"},
		{"007d", 604800, "1w"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT text = NULL;
		int64_t seconds = -1;
		int64_t again = -1;

		assert_true(span_parse(rows[i].text, &seconds, &err));
		assert_int_equal(seconds, rows[i].seconds);
		text = span_format(seconds);
		assert_string_equal(text, rows[i].shortest);
		assert_true(span_parse(text, &again, &err));
		assert_int_equal(again, seconds);
	}
}

static void what_is_no_span_is_refused(void **state)
{
	static const char *const rows[] = {"", "1", "d", "1D", "-1d", "+1d",
		"1d ", " 1d", "1.5d", "1d2w", "1d1d", "1h1d", "1d12", "1M",
		"99999999999999999999999d", "8100y", "8029y8000y"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		int64_t seconds = -1;

		assert_false(span_parse(rows[i], &seconds, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(seconds, -1);
	}
}

static void either_is_taken_and_a_span_counts_from_then(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{"2026-11-24T01:14:59Z", 1795482899},
		{"1d", 86400 + 1000},
		{"0s", 1000},
		{"8029y", 253202544000 + 1000},
		{"8040y", -1},
		{"9999-12-31T23:59:59-01:00", -1},
		{"tomorrow", -1},
		{"", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct instant at = {-1};
		bool taken = instant_parse_or_span(
			rows[i].text, (struct instant){1000}, &at, &err);

		assert_int_equal(taken, rows[i].seconds >= 0);
		assert_int_equal(at.seconds, rows[i].seconds);
	}
}

static void a_time_written_is_the_time_read(void **state)
{
	(void)state;
	/* A step that visits every day of the month and hour of the day. */
	for (int64_t s = 0; s <= 253402300799; s += 5 * SPAN_DAY + 3607) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		char text[INSTANT_TEXT];
		struct instant at;

		instant_format((struct instant){s}, text);
		assert_true(instant_parse(text, &at, &err));
		assert_int_equal(at.seconds, s);
	}
}

static void a_file_name_has_only_dashes(void **state)
{
	char text[INSTANT_TEXT];
	struct instant at = {1795482899};

	(void)state;
	assert_string_equal(instant_format(at, text), "2026-11-24T01:14:59Z");
	assert_string_equal(
		instant_format_file(at, text), "2026-11-24-01-14-59");
}

static void no_zone_moves_the_clock(void **state)
{
	char text[INSTANT_TEXT];

	(void)state;
	assert_int_equal(setenv("TZ", "Asia/Kolkata", 1), 0);
	assert_string_equal(instant_format((struct instant){0}, text),
		"1970-01-01T00:00:00Z");
	assert_true(instant_now().seconds > 1700000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read_as_rfc_3339_says),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(years_end_where_certificates_do),
		cmocka_unit_test(adding_stops_at_the_ends),
		cmocka_unit_test(spans_are_read),
		cmocka_unit_test(what_is_no_span_is_refused),
		cmocka_unit_test(either_is_taken_and_a_span_counts_from_then),
		cmocka_unit_test(a_time_written_is_the_time_read),
		cmocka_unit_test(a_file_name_has_only_dashes),
		cmocka_unit_test(no_zone_moves_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
