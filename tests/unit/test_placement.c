/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/placement.h"

struct place {
	char *path;
	int dir;
};

static int make_place(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct place *place = memory_new(1, sizeof(*place));

	place->path =
		memory_format("%s/test_placement.XXXXXX", tmp ? tmp : "/tmp");
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

static const struct file_part words[] = {{"one ", 4, NULL}, {"two", 3, NULL}};

static struct placement file(
	const struct place *place, enum placement_way way, const char *name)
{
	return (struct placement){.way = way,
		.dir = place->dir,
		.name = name,
		.mode = 0600,
		.parts = words,
		.n_parts = 2};
}

static struct placement link_to(const struct place *place,
	enum placement_way way, const char *name, const char *says)
{
	return (struct placement){
		.way = way, .dir = place->dir, .name = name, .link = says};
}

static void put(const struct place *place, const char *name)
{
	static const struct file_part old = {"old", 3, NULL};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(file_create(place->dir, name, 0644, &old, 1, &err));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "name=content" or "name->link", sorted, with spaces between. */
static char *look(const struct place *place)
{
	DIR *stream = opendir(place->path);
	AUTO_RELEASE(buffer) all = BUFFER_INIT;
	char *found[16];
	size_t n = 0;

	assert_non_null(stream);
	for (struct dirent *entry; (entry = readdir(stream));) {
		char bytes[64] = "";
		ssize_t len;
		int fd;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		len = readlinkat(place->dir, entry->d_name, bytes, 63);
		if (len >= 0) {
			found[n++] =
				memory_format("%s->%s", entry->d_name, bytes);
			continue;
		}
		fd = openat(place->dir, entry->d_name, O_RDONLY | O_NOFOLLOW);
		assert_true(read(fd, bytes, 63) >= 0);
		close(fd);
		found[n++] = memory_format("%s=%s", entry->d_name, bytes);
	}
	closedir(stream);
	qsort(found, n, sizeof(found[0]), by_name);
	for (size_t i = 0; i < n; i++) {
		buffer_format(&all, "%s%s", i ? ", " : "", found[i]);
		free(found[i]);
	}
	return buffer_detach(&all);
}

static void assert_holds(const struct place *place, const char *expected)
{
	AUTO_TEXT is = look(place);

	assert_string_equal(is, expected);
}

static void succeeds(struct placement *list, size_t n)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!placement_all(list, n, &err))
		fail_msg("%s", err.message);
}

static void fails(struct placement *list, size_t n, const char *part)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_false(placement_all(list, n, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	if (!strstr(err.message, part))
		fail_msg("%s", err.message);
}

static void files_and_links_appear_with_their_modes(void **state)
{
	const struct place *place = *state;
	struct placement list[] = {file(place, PLACEMENT_NEW, "a"),
		file(place, PLACEMENT_NEW, "b"),
		link_to(place, PLACEMENT_NEW, "c", "b")};
	struct stat status;

	list[1].mode = 0644;
	succeeds(list, 3);
	assert_holds(place, "a=one two, b=one two, c->b");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			fstatat(place->dir, list[i].name, &status, 0), 0);
		assert_int_equal(status.st_mode & 07777, list[i].mode);
	}
}

static void what_is_kept_is_not_touched(void **state)
{
	const struct place *place = *state;
	struct placement list[] = {file(place, PLACEMENT_KEEP, "a"),
		link_to(place, PLACEMENT_KEEP, "b", "a")};

	put(place, "a");
	succeeds(list, 2);
	assert_holds(place, "a=old");
}

static void what_is_replaced_is_never_gone(void **state)
{
	const struct place *place = *state;
	struct placement list[] = {file(place, PLACEMENT_REPLACE, "a"),
		link_to(place, PLACEMENT_REPLACE, "b", "new")};

	put(place, "a");
	assert_int_equal(symlinkat("old", place->dir, "b"), 0);
	/* of one that died */
	put(place, DRAFT_PREFIX "a");
	assert_int_equal(symlinkat("x", place->dir, DRAFT_PREFIX "b"), 0);
	succeeds(list, 2);
	assert_holds(place, "a=one two, b->new");
}

static void a_name_that_is_taken_undoes_what_is_new(void **state)
{
	const struct place *place = *state;

	put(place, "taken");
	for (int as_link = 0; as_link < 2; as_link++) {
		struct placement list[] = {file(place, PLACEMENT_NEW, "a"),
			link_to(place, PLACEMENT_NEW, "b", "a"),
			as_link ? link_to(place, PLACEMENT_NEW, "taken", "a")
				: file(place, PLACEMENT_NEW, "taken"),
			file(place, PLACEMENT_REPLACE, "c")};

		fails(list, 4,
			"file \"taken\": another process has just made it");
		assert_holds(place, "taken=old");
	}
}

static void once_something_is_replaced_all_stays(void **state)
{
	const struct place *place = *state;
	struct placement list[] = {file(place, PLACEMENT_NEW, "a"),
		file(place, PLACEMENT_REPLACE, "b"),
		file(place, PLACEMENT_NEW, "c"),
		file(place, PLACEMENT_NEW, "taken"),
		file(place, PLACEMENT_NEW, "z")};

	put(place, "b");
	put(place, "taken");
	fails(list, 5, "\"taken\"");
	assert_holds(place, "a=one two, b=one two, c=one two, taken=old");
}

static void nothing_is_in_place_before_all_is_written(void **state)
{
	const struct place *place = *state;
	struct placement list[] = {file(place, PLACEMENT_NEW, "a"),
		file(place, PLACEMENT_REPLACE, "b"),
		file(place, PLACEMENT_NEW, "c")};
	AUTO_CLOSE elsewhere = open("/proc", O_RDONLY | O_DIRECTORY);

	put(place, "b");
	list[2].dir = elsewhere;
	fails(list, 3, "cannot create");
	assert_holds(place, "b=old");
}

#define IN_PLACE(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(files_and_links_appear_with_their_modes),
		IN_PLACE(what_is_kept_is_not_touched),
		IN_PLACE(what_is_replaced_is_never_gone),
		IN_PLACE(a_name_that_is_taken_undoes_what_is_new),
		IN_PLACE(once_something_is_replaced_all_stays),
		IN_PLACE(nothing_is_in_place_before_all_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
