/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/source.h"

static char *path_in_tmp;

static int make_file(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	path_in_tmp =
		memory_format("%s/test_source.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkstemp(path_in_tmp);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	int answer = unlink(path_in_tmp);

	(void)state;
	free(path_in_tmp);
	return answer;
}

static void write_file(const char *bytes, size_t len)
{
	FILE *file = fopen(path_in_tmp, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* n bytes: the letters of the alphabet and a newline, again and again. */
static char *long_text(size_t n)
{
	char *text = memory_new(n + 1, 1);

	for (size_t i = 0; i < n; i++)
		text[i] = i % 27 == 26 ? '\n' : (char)('a' + i % 27);
	return text;
}

static void all_that_is_peeked_is_read(void **state)
{
	static const size_t lens[] = {
		0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 300000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		AUTO_FREE(source) source = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) all = BUFFER_INIT;
		AUTO_TEXT text = long_text(lens[i]);
		const char *peeked;
		size_t len;

		write_file(text, lens[i]);
		assert_true(source_open(path_in_tmp, lens[i], &source, &err));
		assert_string_equal(source_name(source), path_in_tmp);
		for (int twice = 0; twice < 2; twice++) {
			assert_true(source_peek(source, &peeked, &len, &err));
			assert_int_equal(len, lens[i] < 4096 ? lens[i] : 4096);
			assert_memory_equal(peeked, text, len);
		}
		do {
			assert_true(source_read(source, buffer_room(&all, 1000),
				1000, &len, &err));
			buffer_wrote(&all, len);
		} while (len > 0);
		assert_int_equal(all.len, lens[i]);
		assert_memory_equal(all.data, text, lens[i]);
	}
}

static void more_than_the_bound_is_refused(void **state)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT text = long_text(10000);
	AUTO_TEXT said = NULL;
	AUTO_TEXT expected =
		memory_format("%s: more than 9999 bytes", path_in_tmp);
	const char *line = NULL;
	unsigned number = 0;
	bool going = true;

	(void)state;
	write_file(text, 10000);
	assert_true(source_open(path_in_tmp, 9999, &source, &err));
	while (going && (going = source_line(source, &line, &number, &err)))
		assert_non_null(line);
	assert_int_equal(err.kind, ERROR_INPUT);
	said = error_text(&err);
	assert_string_equal(said, expected);
}

static void lines_are_numbered(void **state)
{
	static const char *const expected[] = {"one", "", "three", "", "five"};

	(void)state;
	for (int newline_at_end = 0; newline_at_end < 2; newline_at_end++) {
		AUTO_FREE(source) source = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		const char *text = "one\n\nthree\n\nfive\n";
		const char *line = "";
		unsigned number = 0;

		source = source_of_text(
			"given", text, strlen(text) - (newline_at_end == 0));
		for (unsigned i = 0; i < 5; i++) {
			assert_true(source_line(source, &line, &number, &err));
			assert_string_equal(line, expected[i]);
			assert_int_equal(number, i + 1);
		}
		for (int twice = 0; twice < 2; twice++) {
			line = "";
			assert_true(source_line(source, &line, &number, &err));
			assert_null(line);
		}
	}
}

static void lines_cross_the_window_unharmed(void **state)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT text = long_text(27 * 20000);
	const char *line = "";
	unsigned number = 0;
	unsigned n_lines = 0;

	(void)state;
	write_file(text, 27 * 20000);
	assert_true(source_open(path_in_tmp, SIZE_MAX, &source, &err));
	while (source_line(source, &line, &number, &err) && line) {
		assert_string_equal(line, "abcdefghijklmnopqrstuvwxyz");
		assert_int_equal(number, ++n_lines);
	}
	assert_int_equal(err.kind, ERROR_NONE);
	assert_int_equal(n_lines, 20000);
}

static void a_line_is_short_and_holds_text(void **state)
{
	static const struct {
		size_t n_letters;
		char then;
		const char *said; /* NULL: it is taken */
	} rows[] = {
		{8192, '\n', NULL},
		{8191, 'x', NULL},
		{8193, '\n', "more than 8192 bytes in a line"},
		{100000, '\n', "more than 8192 bytes in a line"},
		{10, '\r', "a carriage return in a line"},
		{10, '\0', "a NUL byte in a line"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_FREE(source) source = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT said = NULL;
		AUTO_TEXT expected = NULL;
		const char *line = NULL;
		unsigned number = 0;
		bool taken;

		buffer_add_text(&text, "first\n");
		memset(buffer_room(&text, rows[i].n_letters), 'l',
			rows[i].n_letters);
		buffer_wrote(&text, rows[i].n_letters);
		buffer_add_byte(&text, rows[i].then);
		write_file(text.data, text.len);
		assert_true(source_open(path_in_tmp, SIZE_MAX, &source, &err));
		assert_true(source_line(source, &line, &number, &err));
		taken = source_line(source, &line, &number, &err);
		assert_int_equal(taken, rows[i].said == NULL);
		if (rows[i].said) {
			said = error_text(&err);
			expected = memory_format(
				"%s:2: %s", path_in_tmp, rows[i].said);
			assert_string_equal(said, expected);
			assert_int_equal(err.kind, ERROR_INPUT);
		}
	}
}

static void a_dash_is_standard_input_however_it_trickles(void **state)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	const char *peeked;
	size_t len;
	int ends[2];
	int old = dup(STDIN_FILENO);
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 5; i++) {
			usleep(1000);
			if (write(ends[1], "ab\n", 3) != 3)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	assert_true(source_open("-", 100, &source, &err));
	assert_string_equal(source_name(source), "<stdin>");
	assert_true(source_peek(source, &peeked, &len, &err));
	assert_int_equal(len, 15);
	assert_memory_equal(peeked, "ab\nab\nab\nab\nab\n", 15);
	source_free(take(&source));
	/* It was not ours to close. */
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	if (old >= 0)
		assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
	close(old);
}

static void do_nothing(int number)
{
	(void)number;
}

static void a_signal_ends_the_wait_for_more(void **state)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct sigaction action = {.sa_handler = do_nothing};
	struct sigaction old;
	const char *peeked;
	size_t len;
	int ends[2];
	char path[32];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_true(source_open(path, 100, &source, &err));
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* More than once, should the first come too early. */
		for (int i = 0; i < 1000; i++) {
			usleep(10000);
			kill(getppid(), SIGUSR1);
		}
		_exit(0);
	}
	assert_false(source_peek(source, &peeked, &len, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	close(ends[0]);
	close(ends[1]);
}

static void what_cannot_be_opened_or_read_is_named(void **state)
{
	AUTO_FREE(source) source = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(error) read_err = ERROR_INIT;
	const char *peeked;
	size_t len;

	(void)state;
	assert_false(source_open("/nowhere/at\tall", 1, &source, &err));
	assert_string_equal(err.message, "file \"/nowhere/at\\x09all\": cannot "
					 "open: No such file or directory");
	assert_true(source_open("/", 1, &source, &read_err));
	assert_false(source_peek(source, &peeked, &len, &read_err));
	assert_string_equal(
		read_err.message, "file \"/\": cannot read: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_peeked_is_read),
		cmocka_unit_test(more_than_the_bound_is_refused),
		cmocka_unit_test(lines_are_numbered),
		cmocka_unit_test(lines_cross_the_window_unharmed),
		cmocka_unit_test(a_line_is_short_and_holds_text),
		cmocka_unit_test(a_dash_is_standard_input_however_it_trickles),
		cmocka_unit_test(a_signal_ends_the_wait_for_more),
		cmocka_unit_test(what_cannot_be_opened_or_read_is_named),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
