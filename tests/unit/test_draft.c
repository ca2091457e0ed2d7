/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"

/* Takes the place of the system's, on a file system that is old. */
static bool has_unnamed_files = true;

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (!has_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

struct place {
	char *path;
	int dir;
};

static int make_place(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct place *place = memory_new(1, sizeof(*place));

	place->path = memory_format("%s/test_draft.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(place->path))
		return -1;
	place->dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = place;
	return place->dir < 0 ? -1 : 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool removed = file_remove_tree(AT_FDCWD, place->path, &err);

	close(place->dir);
	free(place->path);
	free(place);
	return removed ? 0 : -1;
}

static size_t count_files(const struct place *place)
{
	DIR *stream = opendir(place->path);
	size_t n = 0;

	assert_non_null(stream);
	for (struct dirent *entry; (entry = readdir(stream));)
		n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(stream);
	return n;
}

static void write_text(const struct draft *draft, const char *text)
{
	struct file_part part = {text, strlen(text), NULL};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(file_write_parts(draft->fd, &part, 1, "draft", &err));
}

static bool publish(const struct place *place, const char *text, bool replace,
	bool *ret_exists)
{
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(draft_open(place->dir, 0600, &draft, &err));
	write_text(&draft, text);
	if (draft_publish(&draft, "name", replace, ret_exists, &err))
		return true;
	assert_int_equal(err.kind, ERROR_NONE);
	return false;
}

static void assert_holds(const struct place *place, const char *text)
{
	AUTO_RELEASE(buffer) found = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct stat status;

	assert_true(file_read(place->dir, "name", 100, &found, &err));
	assert_string_equal(found.data, text);
	assert_int_equal(fstatat(place->dir, "name", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(count_files(place), 1);
}

static void it_appears_whole_and_is_never_replaced_unasked(void **state)
{
	for (int round = 0; round < 2; round++) {
		struct place *place = *state;
		bool exists;

		has_unnamed_files = round == 0;
		assert_true(publish(place, "one", false, &exists));
		assert_holds(place, "one");
		assert_false(publish(place, "two", false, &exists));
		assert_true(exists);
		assert_holds(place, "one");
		assert_true(publish(place, "three", true, &exists));
		assert_holds(place, "three");
		assert_int_equal(unlinkat(place->dir, "name", 0), 0);
		assert_true(publish(place, "four", true, &exists));
		assert_holds(place, "four");
		assert_int_equal(unlinkat(place->dir, "name", 0), 0);
	}
	has_unnamed_files = true;
}

static void nobody_publishes_and_nothing_is_left(void **state)
{
	for (int round = 0; round < 2; round++) {
		struct place *place = *state;
		AUTO_RELEASE(draft) draft = DRAFT_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		has_unnamed_files = round == 0;
		assert_true(draft_open(place->dir, 0600, &draft, &err));
		write_text(&draft, "text");
		assert_int_equal(count_files(place), round);
		draft_release(&draft);
		assert_int_equal(count_files(place), 0);
	}
	has_unnamed_files = true;
}

static void a_directory_that_cannot_be_written_is_an_error(void **state)
{
	AUTO_CLOSE proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(proc >= 0);
	assert_false(draft_open(proc, 0600, &draft, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			it_appears_whole_and_is_never_replaced_unasked,
			make_place, remove_place),
		cmocka_unit_test_setup_teardown(
			nobody_publishes_and_nothing_is_left, make_place,
			remove_place),
		cmocka_unit_test(
			a_directory_that_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
