/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

static void assert_text(const struct error *err, const char *expected)
{
	AUTO_TEXT text = error_text(err);

	assert_string_equal(text, expected);
}

static void context_goes_before_the_message(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_false(error_set(
		&err, ERROR_INPUT, "address \"%s\": not an IP", "10.0"));
	assert_false(error_context(&err, "node \"%s\"", "w1"));
	assert_false(error_context(&err, "batch"));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_string_equal(
		err.message, "batch: node \"w1\": address \"10.0\": not an IP");
	assert_string_equal(err.rule, "address \"10.0\": not an IP");
	assert_text(&err, "batch: node \"w1\": address \"10.0\": not an IP");
}

static bool wrapped(struct error *err, const char *format, ...) PRINTF(2, 3);

static bool wrapped(struct error *err, const char *format, ...)
{
	bool done;
	va_list args;

	va_start(args, format);
	done = error_vset(err, ERROR_REFUSED, format, args);
	va_end(args);
	return done;
}

static void a_wrapper_sets_what_it_was_given(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_false(wrapped(&err, "node \"%s\": %d%%\x1b", "w1", 7));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_text(&err, "node \"w1\": 7%\\x1b");
}

static void the_place_goes_first_and_the_first_to_say_it_knows(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_INPUT, "wrong");
	assert_false(error_at(&err, "nodes.yaml", 12));
	assert_false(error_at(&err, "other.yaml", 1));
	error_context(&err, "node \"w1\"");
	assert_text(&err, "nodes.yaml:12: node \"w1\": wrong");
}

static void a_place_may_have_no_line(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	error_set(&err, ERROR_INPUT, "wrong");
	error_at(&err, "nodes.yaml", 0);
	assert_text(&err, "nodes.yaml: wrong");
}

static void a_failed_call_is_told_in_words(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	errno = ENOSPC;
	assert_false(error_errno(&err, "file \"%s\": cannot write", "a"));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_text(&err, "file \"a\": cannot write: No space left on device");
}

static void nothing_drives_the_terminal(void **state)
{
	static const struct {
		const char *given;
		const char *expected;
	} rows[] = {
		{"plain", "plain"},
		{"a\nb\tc", "a\\x0ab\\x09c"},
		{"\x1b[31mred", "\\x1b[31mred"},
		{"\x7f", "\\x7f"},
		{"a\xe2\x80\x8b", "a\\xe2\\x80\\x8b"}, /* zero width */
		{"\xef\xbb\xbf"
		 "a",
			"\\xef\\xbb\\xbf"
			"a"},
		{"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"}, /* a tag */
		{"\xc2\x9b", "\\xc2\\x9b"},		      /* C1 */
		{"\x9b", "\\x9b"},			      /* a lone byte */
		{"caf\xc3\xa9", "caf\xc3\xa9"},		      /* 2 bytes */
		{"\xe2\x82\xac", "\xe2\x82\xac"},	      /* 3 bytes */
		{"\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91"},     /* 4 bytes */
		{"\xc0\xaf", "\\xc0\\xaf"},		      /* over-long */
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	      /* over-long */
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},	      /* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* too high */
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
		{"end\xe2\x82", "end\\xe2\\x82"}, /* cut short */
		{"\xe2\x80\xae"
		 "gpj",
			"\\xe2\\x80\\xaegpj"},	     /* RLO */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* LS */
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT whole = memory_format("%s:1: %s: \"%s\"",
			rows[i].expected, rows[i].expected, rows[i].expected);

		error_set(&err, ERROR_INPUT, "\"%s\"", rows[i].given);
		error_context(&err, "%s", rows[i].given);
		error_at(&err, rows[i].given, 1);
		assert_text(&err, whole);
	}
}

/* The signal that ends a child which does this. */
static int fate_of(void (*act)(struct error *err))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};
		struct error err = ERROR_INIT;

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		act(&err);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void put_context(struct error *err)
{
	error_context(err, "nothing");
}

static void put_place(struct error *err)
{
	error_at(err, "nowhere", 1);
}

static void set_twice(struct error *err)
{
	error_set(err, ERROR_INPUT, "once");
	error_set(err, ERROR_INPUT, "twice");
}

static void misuse_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(fate_of(put_context), SIGABRT);
	assert_int_equal(fate_of(put_place), SIGABRT);
	assert_int_equal(fate_of(set_twice), SIGABRT);
}

static void moving_leaves_nothing_behind(void **state)
{
	AUTO_RELEASE(error) from = ERROR_INIT;
	AUTO_RELEASE(error) to = ERROR_INIT;

	(void)state;
	error_set(&from, ERROR_REFUSED, "no");
	error_move(&to, &from);
	assert_int_equal(from.kind, ERROR_NONE);
	assert_null(from.message);
	assert_int_equal(to.kind, ERROR_REFUSED);
	assert_text(&to, "no");
	error_release(&to);
	assert_int_equal(to.kind, ERROR_NONE);
	assert_null(to.message);
	assert_null(to.rule);
}

static void the_worst_of_a_batch_is_its_answer(void **state)
{
	static const enum error_kind worst_first[] = {ERROR_FAILED, ERROR_INPUT,
		ERROR_REFUSED, ERROR_FINDINGS, ERROR_NONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(worst_first); i++)
		for (size_t j = 0; j < ARRAY_SIZE(worst_first); j++)
			assert_int_equal(
				error_worse(worst_first[i], worst_first[j]),
				worst_first[i < j ? i : j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(context_goes_before_the_message),
		cmocka_unit_test(a_wrapper_sets_what_it_was_given),
		cmocka_unit_test(
			the_place_goes_first_and_the_first_to_say_it_knows),
		cmocka_unit_test(a_place_may_have_no_line),
		cmocka_unit_test(a_failed_call_is_told_in_words),
		cmocka_unit_test(nothing_drives_the_terminal),
		cmocka_unit_test(misuse_ends_the_process),
		cmocka_unit_test(moving_leaves_nothing_behind),
		cmocka_unit_test(the_worst_of_a_batch_is_its_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
