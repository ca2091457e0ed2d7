/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

static void what_is_new_is_zero(void **state)
{
	unsigned char *bytes = memory_new(100, 7);
	void *none = memory_new(0, 7);

	(void)state;
	for (size_t i = 0; i < 700; i++)
		assert_int_equal(bytes[i], 0);
	assert_non_null(none);
	free(bytes);
	free(none);
}

static void an_array_grows_by_doubling(void **state)
{
	size_t allocated = 0;
	size_t n_moves = 0;
	size_t last = 0;
	int *list = NULL;

	(void)state;
	for (size_t i = 0; i < 10000; i++) {
		list = memory_grow(list, &allocated, i + 1, sizeof(*list));
		assert_true(allocated > i);
		n_moves += allocated != last;
		last = allocated;
		list[i] = (int)i;
	}
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(list[i], i);
	assert_true(n_moves < 16);
	free(list);
}

static void copies_are_their_own(void **state)
{
	char original[] = "text";
	AUTO_TEXT text = memory_text(original);
	AUTO_TEXT part = memory_text_n(original, 2);
	AUTO_TEXT bytes = memory_copy(original, sizeof(original));
	AUTO_TEXT made = memory_format("%s-%d", original, 7);
	AUTO_TEXT none = memory_copy(NULL, 0);

	(void)state;
	original[0] = 'n';
	assert_string_equal(text, "text");
	assert_string_equal(part, "te");
	assert_string_equal(bytes, "text");
	assert_string_equal(made, "text-7");
	assert_non_null(none);
}

static void taking_leaves_null(void **state)
{
	AUTO_TEXT text = memory_text("mine");
	AUTO_TEXT taken = take(&text);

	(void)state;
	assert_null(text);
	assert_string_equal(taken, "mine");
}

static void want_too_many(void)
{
	volatile size_t count = SIZE_MAX / 2;

	free(memory_new(count, 3));
}

static void grow_too_far(void)
{
	size_t allocated = 0;

	free(memory_grow(NULL, &allocated, SIZE_MAX / 2, 3));
}

/* AddressSanitizer would end the process in its own way. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* A child that does this says so, and then aborts. */
static void assert_ends(void (*act)(void))
{
	static const char words[] = "kpki: out of memory\n";
	char said[4096] = "";
	size_t len = 0;
	ssize_t got;
	int ends[2];
	int status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		act();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	while ((got = read(ends[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)got;
	close(ends[0]);
	assert_true(len >= strlen(words));
	assert_string_equal(said + len - strlen(words), words);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void running_out_ends_the_process_with_a_word(void **state)
{
	(void)state;
	assert_ends(memory_exhausted);
	assert_ends(grow_too_far);
	assert_ends(want_too_many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_new_is_zero),
		cmocka_unit_test(an_array_grows_by_doubling),
		cmocka_unit_test(copies_are_their_own),
		cmocka_unit_test(taking_leaves_null),
		cmocka_unit_test(running_out_ends_the_process_with_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
