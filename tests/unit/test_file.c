/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* Takes the place of the system's, to be as short as it is told to. */
static size_t write_at_most = SIZE_MAX;

ssize_t writev(int fd, const struct iovec *pieces, int n_pieces)
{
	for (int i = 0; write_at_most < SIZE_MAX && i < n_pieces; i++) {
		size_t len = pieces[i].iov_len;

		if (len > write_at_most)
			len = write_at_most;
		if (len > 0)
			return write(fd, pieces[i].iov_base, len);
	}
	return syscall(SYS_writev, fd, pieces, n_pieces);
}

static bool readdir_tells = true, readdir_fails;

struct dirent *__real_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream);
struct dirent *__wrap_readdir(DIR *stream)
{
	struct dirent *entry = readdir_fails ? NULL : __real_readdir(stream);

	if (readdir_fails)
		errno = EIO;
	else if (entry && !readdir_tells)
		entry->d_type = DT_UNKNOWN;
	return entry;
}

/* One directory a test: its path, and a descriptor on it. */
struct place {
	char *path;
	int dir;
};

static int make_place(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct place *place = memory_new(1, sizeof(*place));

	place->path = memory_format("%s/test_file.XXXXXX", tmp ? tmp : "/tmp");
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

static mode_t mode_of(int dir, const char *name)
{
	struct stat status;

	assert_int_equal(fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	return status.st_mode & 07777;
}

static void assert_holds(int dir, const char *name, const char *expected)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(file_read(dir, name, 1 << 20, &text, &err));
	assert_string_equal(text.data, expected);
}

static void put(int dir, const char *name, const char *text)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct file_part part = {.bytes = text, .len = strlen(text)};

	assert_true(file_create(dir, name, 0644, &part, 1, &err));
}

static void a_file_is_its_parts_with_its_mode(void **state)
{
	const struct place *place = *state;
	AUTO_FREE(secret) secret = secret_new(6);
	AUTO_RELEASE(error) err = ERROR_INIT;
	const struct file_part parts[] = {
		{.bytes = "public ", .len = 7},
		{.bytes = NULL, .len = 0},
		{.secret = secret},
		{.bytes = "\n", .len = 1},
	};

	memcpy(secret_bytes(secret), "secret", 6);
	assert_true(file_create(
		place->dir, "key", 0600, parts, ARRAY_SIZE(parts), &err));
	assert_int_equal(mode_of(place->dir, "key"), 0600);
	assert_holds(place->dir, "key", "public secret\n");
	assert_true(file_create(place->dir, "empty", 0644, NULL, 0, &err));
	assert_int_equal(mode_of(place->dir, "empty"), 0644);
	assert_holds(place->dir, "empty", "");
}

static void many_parts_are_written_in_order(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	static const char letters[] = "abcdefghijklmnopqrst";
	struct file_part parts[20];

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i] = (struct file_part){.bytes = letters + i, .len = 1};
	assert_true(file_create(place->dir, "many", 0644, parts, 20, &err));
	assert_holds(place->dir, "many", letters);
}

static void nothing_is_overwritten_or_followed(void **state)
{
	const struct place *place = *state;
	static const char *const names[] = {"there", "link", "dangling", "dir"};

	put(place->dir, "there", "old");
	assert_int_equal(symlinkat("there", place->dir, "link"), 0);
	assert_int_equal(symlinkat("nowhere", place->dir, "dangling"), 0);
	assert_int_equal(mkdirat(place->dir, "dir", 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT said = memory_format(
			"file \"%s\": cannot create: File exists", names[i]);

		assert_false(
			file_create(place->dir, names[i], 0600, NULL, 0, &err));
		assert_int_equal(err.kind, ERROR_FAILED);
		assert_string_equal(err.message, said);
	}
	assert_holds(place->dir, "there", "old");
	assert_false(file_exists(place->dir, "nowhere"));
}

/* In a child: no file may grow beyond 1000 bytes, which makes a write short
 * first and then fail, as a full disk does. */
static int write_beyond_the_limit(const struct place *place)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct rlimit limit = {1000, 1000};
	char bytes[700] = "";
	struct file_part parts[] = {
		{.bytes = bytes, .len = sizeof(bytes)},
		{.bytes = bytes, .len = sizeof(bytes)},
	};

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 1;
	if (file_create(place->dir, "big", 0600, parts, 2, &err))
		return 2;
	if (strcmp(err.message, "file \"big\": cannot write: File too large"))
		return 3;
	if (file_exists(place->dir, "big"))
		return 4;
	error_release(&err);
	return file_create(place->dir, "small", 0600, parts, 1, &err) ? 0 : 5;
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
	const struct place *place = *state;
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(write_beyond_the_limit(place));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_full_device_is_told(void **state)
{
	AUTO_CLOSE fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct file_part part = {.bytes = "x", .len = 1};

	(void)state;
	assert_true(fd >= 0);
	assert_false(file_write_parts(fd, &part, 1, "<stdout>", &err));
	assert_string_equal(err.message,
		"file \"<stdout>\": cannot write: No space left on device");
}

static void short_writes_are_gone_on_with(void **state)
{
	static const size_t most[] = {1, 2, 3, 4, 5, 100};
	const struct place *place = *state;
	const struct file_part parts[] = {
		{.bytes = "ab", .len = 2},
		{.bytes = "", .len = 0},
		{.bytes = "cdefg", .len = 5},
		{.bytes = "hij", .len = 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		char name[2] = {(char)('0' + i), '\0'};
		bool created;

		write_at_most = most[i];
		created = file_create(
			place->dir, name, 0600, parts, ARRAY_SIZE(parts), &err);
		write_at_most = SIZE_MAX;
		assert_true(created);
		assert_holds(place->dir, name, "abcdefghij");
	}
}

static void reading_is_bounded(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(secret) secret = NULL;

	put(place->dir, "five", "12345");
	buffer_add_text(&text, "before");
	assert_false(file_read(place->dir, "five", 4, &text, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_string_equal(err.message, "file \"five\": more than 4 bytes");
	assert_string_equal(text.data, "before");
	error_release(&err);
	assert_false(file_read_secret(place->dir, "five", 4, &secret, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_null(secret);
	error_release(&err);
	assert_true(file_read(place->dir, "five", 5, &text, &err));
	assert_string_equal(text.data, "12345");
	assert_true(file_read_secret(place->dir, "five", 5, &secret, &err));
	assert_int_equal(secret_len(secret), 5);
	assert_memory_equal(secret_view(secret), "12345", 5);
}

static void files_that_do_not_know_their_length_are_read_too(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(
		file_read(AT_FDCWD, "/proc/self/status", 1 << 20, &text, &err));
	assert_non_null(strstr(text.data, "Name:"));
	assert_false(file_read(AT_FDCWD, "/proc/self/status", 9, &text, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
}

static void only_regular_files_are_read(void **state)
{
	const struct place *place = *state;
	static const struct {
		const char *name;
		enum error_kind kind;
		const char *said;
	} rows[] = {
		{"fifo", ERROR_INPUT, "file \"fifo\": not a regular file"},
		{".", ERROR_INPUT, "file \".\": not a regular file"},
		{"gone", ERROR_FAILED,
			"file \"gone\": cannot open: No such file or "
			"directory"},
	};

	assert_int_equal(mkfifoat(place->dir, "fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(
			file_read(place->dir, rows[i].name, 9, &text, &err));
		assert_int_equal(err.kind, rows[i].kind);
		assert_string_equal(err.message, rows[i].said);
	}
}

static void a_private_file_is_its_owners_alone(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
		const char *rule;
	} rows[] = {
		{"group", 0640, "its mode is 0640, and only its owner"},
		{"others", 0602, "its mode is 0602, and only its owner"},
		{"link", 0, "a symbolic link"},
		{".", 0, "not a regular file"},
	};
	const struct place *place = *state;
	AUTO_FREE(secret) secret = NULL;
	AUTO_RELEASE(error) none = ERROR_INIT;

	put(place->dir, "own", "12345");
	assert_int_equal(fchmodat(place->dir, "own", 0600, 0), 0);
	assert_int_equal(symlinkat("own", place->dir, "link"), 0);
	assert_true(file_read_private(place->dir, "own", 5, &secret, &none));
	assert_int_equal(secret_len(secret), 5);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(secret) other = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (rows[i].mode) {
			put(place->dir, rows[i].name, "12345");
			assert_int_equal(fchmodat(place->dir, rows[i].name,
						 rows[i].mode, 0),
				0);
		}
		assert_false(file_read_private(
			place->dir, rows[i].name, 64, &other, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].rule))
			fail_msg("%s", err.message);
	}
	assert_false(file_read_private(place->dir, "none", 5, &secret, &none));
	assert_int_equal(none.kind, ERROR_FAILED);
}

static void directories_are_made_once_or_found(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT path = memory_format("%s/out", place->path);
	AUTO_TEXT deep = memory_format("%s/no/parent", place->path);
	AUTO_CLOSE first = -1;
	AUTO_CLOSE second = -1;
	AUTO_CLOSE linked = -1;

	assert_true(directory_ensure(path, &first, &err));
	assert_int_equal(mode_of(place->dir, "out"), 0700);
	assert_true(directory_ensure(path, &second, &err));
	assert_true(directory_create(first, "sub", 0755, &err));
	assert_int_equal(mode_of(second, "sub"), 0755);
	assert_false(directory_create(first, "sub", 0755, &err));
	error_release(&err);
	assert_false(directory_ensure(deep, &linked, &err));
	assert_int_equal(linked, -1);
	error_release(&err);
	assert_int_equal(symlinkat("out", place->dir, "link"), 0);
	assert_true(directory_open(place->dir, "link", &linked, &err));
	assert_false(
		directory_open_nofollow(place->dir, "link", &linked, &err));
	assert_non_null(strstr(err.message, "directory \"link\""));
	error_release(&err);
	put(place->dir, "file", "");
	assert_false(directory_open(place->dir, "file", &linked, &err));
}

static void descriptors_do_not_leak_into_programs(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE fd = -1;

	assert_true(directory_open(place->dir, ".", &fd, &err));
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void a_tree_is_removed_and_links_are_not_followed(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE top = -1;
	AUTO_CLOSE sub = -1;

	assert_true(directory_create(place->dir, "keep", 0700, &err));
	assert_true(directory_open(place->dir, "keep", &sub, &err));
	put(sub, "precious", "mine");
	assert_true(directory_create(place->dir, "top", 0700, &err));
	assert_true(directory_open(place->dir, "top", &top, &err));
	assert_int_equal(symlinkat("../keep", top, "link"), 0);
	assert_int_equal(symlinkat("nowhere", top, "dangling"), 0);
	for (int i = 0; i < 300; i++) {
		char name[16];
		AUTO_CLOSE one = -1;

		snprintf(name, sizeof(name), "d%d", i);
		assert_true(directory_create(top, name, 0700, &err));
		assert_true(directory_open(top, name, &one, &err));
		put(one, "file", "x");
		assert_true(directory_create(one, "empty", 0700, &err));
	}
	assert_true(file_remove_tree(place->dir, "top", &err));
	assert_false(file_exists(place->dir, "top"));
	assert_holds(sub, "precious", "mine");
	/* A link by itself, and what is not there. */
	assert_int_equal(symlinkat("keep", place->dir, "link"), 0);
	assert_true(file_remove_tree(place->dir, "link", &err));
	assert_false(file_exists(place->dir, "link"));
	assert_true(file_remove_tree(place->dir, "link", &err));
	assert_holds(sub, "precious", "mine");
}

struct seen {
	unsigned n_directories, n_files, n_links, n_others;
};

static bool see(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	struct seen *seen = data;

	(void)dir;
	switch (type) {
	case S_IFDIR:
		seen->n_directories++;
		break;
	case S_IFREG:
		seen->n_files++;
		break;
	case S_IFLNK:
		seen->n_links++;
		break;
	default:
		seen->n_others++;
	}
	return strcmp(name, "stop") != 0 ||
	       error_set(err, ERROR_FAILED, "here");
}

static void fill(const struct place *place, int *ret_dir)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(directory_create(place->dir, "d", 0700, &err));
	assert_true(directory_open(place->dir, "d", ret_dir, &err));
	put(*ret_dir, "file", "x");
	put(*ret_dir, "other", "y");
	assert_true(directory_create(*ret_dir, "below", 0700, &err));
	assert_int_equal(symlinkat("below", *ret_dir, "link"), 0);
}

static void entries_are_visited_with_what_they_are(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE dir = -1;

	fill(*state, &dir);
	for (int i = 0; i < 2; i++) {
		struct seen seen = {0};

		/* The second time by a file system that does not tell. */
		readdir_tells = i == 0;
		assert_true(directory_each(dir, "d", see, &seen, &err));
		readdir_tells = true;
		assert_int_equal(seen.n_directories, 1);
		assert_int_equal(seen.n_files, 2);
		assert_int_equal(seen.n_links, 1);
		assert_int_equal(seen.n_others, 0);
	}
}

static void a_visit_that_fails_or_cannot_be_ended_is_a_failure(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE dir = -1;
	struct seen seen = {0};

	fill(*state, &dir);
	readdir_fails = true;
	assert_false(directory_each(dir, "d", see, &seen, &err));
	readdir_fails = false;
	assert_string_equal(err.message,
		"directory \"d\": cannot read: Input/output error");
	error_release(&err);
	put(dir, "stop", "z");
	assert_false(directory_each(dir, "d", see, &seen, &err));
	assert_string_equal(err.message, "here");
}

static void a_link_exists_even_when_it_dangles(void **state)
{
	const struct place *place = *state;

	put(place->dir, "file", "");
	assert_int_equal(symlinkat("nowhere", place->dir, "link"), 0);
	assert_true(file_exists(place->dir, "file"));
	assert_true(file_exists(place->dir, "link"));
	assert_true(file_exists(place->dir, "."));
	assert_false(file_exists(place->dir, "gone"));
	assert_false(file_exists(place->dir, "file/below"));
}

static void renaming_does_not_replace(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool exists = true;

	put(place->dir, "a", "a");
	put(place->dir, "b", "b");
	assert_true(file_rename_new(
		place->dir, "a", place->dir, "c", &exists, &err));
	assert_false(exists);
	assert_holds(place->dir, "c", "a");
	assert_false(file_rename_new(
		place->dir, "b", place->dir, "c", &exists, &err));
	assert_true(exists);
	assert_int_equal(err.kind, ERROR_NONE);
	assert_holds(place->dir, "c", "a");
	assert_false(file_rename_new(
		place->dir, "gone", place->dir, "d", &exists, &err));
	assert_false(exists);
	assert_string_equal(err.message, "\"gone\": cannot rename to \"d\": No "
					 "such file or directory");
}

static void exchanging_keeps_both(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;

	put(place->dir, "a", "a");
	put(place->dir, "b", "b");
	assert_true(file_exchange(place->dir, "a", place->dir, "b", &err));
	assert_holds(place->dir, "a", "b");
	assert_holds(place->dir, "b", "a");
	assert_false(file_exchange(place->dir, "a", place->dir, "c", &err));
	assert_int_equal(err.kind, ERROR_FAILED);
}

static void a_sync_that_fails_is_told(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	int ends[2];

	assert_true(file_sync(place->dir, place->path, &err));
	assert_true(file_sync_system(place->dir, place->path, &err));
	assert_int_equal(pipe(ends), 0);
	assert_false(file_sync(ends[0], "pipe", &err));
	assert_string_equal(
		err.message, "\"pipe\": cannot sync: Invalid argument");
	error_release(&err);
	close(ends[0]);
	close(ends[1]);
	assert_false(file_sync_system(ends[0], "closed", &err));
	assert_int_equal(err.kind, ERROR_FAILED);
}

static void random_names_are_made_of_letters_and_differ(void **state)
{
	AUTO_TEXT last = memory_text("");
	bool seen[256] = {false};
	unsigned n_seen = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		AUTO_TEXT name = file_random_name(".kpki-");

		assert_int_equal(strlen(name), 6 + 16);
		assert_memory_equal(name, ".kpki-", 6);
		assert_int_equal(strspn(name + 6, "abcdefghijklmnopqrstuvwxyz"
						  "0123456789"),
			16);
		assert_string_not_equal(name, last);
		for (const char *at = name + 6; *at; at++) {
			n_seen += !seen[(unsigned char)*at];
			seen[(unsigned char)*at] = true;
		}
		free(last);
		last = take(&name);
	}
	assert_int_equal(n_seen, 36);
}

static void a_directory_knows_its_path_until_it_is_gone(void **state)
{
	const struct place *place = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT expected = realpath(place->path, NULL);
	AUTO_TEXT path = NULL;
	AUTO_TEXT none = NULL;
	AUTO_CLOSE sub = -1;

	assert_true(directory_path(place->dir, &path, &err));
	assert_string_equal(path, expected);
	assert_true(directory_create(place->dir, "sub", 0700, &err));
	assert_true(directory_open(place->dir, "sub", &sub, &err));
	assert_true(file_remove_tree(place->dir, "sub", &err));
	assert_false(directory_path(sub, &none, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_null(none);
}

#define IN_PLACE(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(a_file_is_its_parts_with_its_mode),
		IN_PLACE(many_parts_are_written_in_order),
		IN_PLACE(nothing_is_overwritten_or_followed),
		IN_PLACE(what_cannot_be_written_leaves_nothing),
		cmocka_unit_test(a_full_device_is_told),
		IN_PLACE(short_writes_are_gone_on_with),
		IN_PLACE(reading_is_bounded),
		cmocka_unit_test(
			files_that_do_not_know_their_length_are_read_too),
		IN_PLACE(only_regular_files_are_read),
		IN_PLACE(a_private_file_is_its_owners_alone),
		IN_PLACE(directories_are_made_once_or_found),
		IN_PLACE(descriptors_do_not_leak_into_programs),
		IN_PLACE(a_tree_is_removed_and_links_are_not_followed),
		IN_PLACE(a_link_exists_even_when_it_dangles),
		IN_PLACE(renaming_does_not_replace),
		IN_PLACE(exchanging_keeps_both),
		IN_PLACE(a_sync_that_fails_is_told),
		cmocka_unit_test(random_names_are_made_of_letters_and_differ),
		IN_PLACE(a_directory_knows_its_path_until_it_is_gone),
		IN_PLACE(entries_are_visited_with_what_they_are),
		IN_PLACE(a_visit_that_fails_or_cannot_be_ended_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
