/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"

/* Standard error is the slave of a terminal, or /dev/null. */
struct screen {
	int master, slave, saved;
};

static void screen_open(struct screen *screen, bool terminal)
{
	screen->saved = dup(STDERR_FILENO);
	if (terminal) {
		assert_int_equal(openpty(&screen->master, &screen->slave, NULL,
					 NULL, NULL),
			0);
	} else {
		screen->master = -1;
		screen->slave = open("/dev/null", O_WRONLY);
	}
	assert_true(dup2(screen->slave, STDERR_FILENO) >= 0);
}

/* The kernel hands on what was written when it gets to it. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < size && poll(&ready, 1, 500) > 0) {
		got = read(fd, text + len, size - len);
		len += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)len;
}

/* What was written, which is not a byte more than fits. */
static void screen_close(struct screen *screen, char *text, size_t size)
{
	ssize_t len = 0;

	assert_true(dup2(screen->saved, STDERR_FILENO) >= 0);
	close(screen->saved);
	if (screen->master >= 0) {
		len = read_all(screen->master, text, size - 1);
		close(screen->master);
	}
	close(screen->slave);
	text[len > 0 ? len : 0] = '\0';
}

static void a_terminal_gets_a_bar_that_is_erased(void **state)
{
	static const char first[] =
		"\r\033[Knodes [##########..............................] "
		"25/100";
	static const char erased[] = "\r\033[K";
	struct screen screen;
	struct progress *progress;
	char text[4096];

	(void)state;
	screen_open(&screen, true);
	progress = progress_new("nodes", 100, false);
	assert_non_null(progress);
	for (size_t i = 25; i <= 100; i++)
		progress_update(progress, i);
	progress_free(progress);
	screen_close(&screen, text, sizeof(text));
	/* How often it was drawn in between is the machine's affair. */
	assert_int_equal(strncmp(text, first, strlen(first)), 0);
	assert_true(strlen(text) >= strlen(first) + strlen(erased));
	assert_string_equal(text + strlen(text) - strlen(erased), erased);
}

static void a_bar_never_leaves_its_frame(void **state)
{
	struct screen screen;
	struct progress *progress;
	char text[4096];

	(void)state;
	screen_open(&screen, true);
	progress = progress_new("nodes", 50, false);
	progress_update(progress, SIZE_MAX);
	progress_free(progress);
	screen_close(&screen, text, sizeof(text));
	assert_non_null(strstr(text, "#] 50/50\r"));
}

static void silence_is_kept(void **state)
{
	static const struct {
		bool terminal;
		size_t total;
		bool quiet;
	} rows[] = {
		{false, 100, false},
		{true, 49, false},
		{true, 0, false},
		{true, 100, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct screen screen;
		struct progress *progress;
		char text[4096];

		screen_open(&screen, rows[i].terminal);
		progress = progress_new("nodes", rows[i].total, rows[i].quiet);
		progress_update(progress, 1);
		progress_free(progress);
		screen_close(&screen, text, sizeof(text));
		assert_null(progress);
		assert_string_equal(text, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_gets_a_bar_that_is_erased),
		cmocka_unit_test(a_bar_never_leaves_its_frame),
		cmocka_unit_test(silence_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
