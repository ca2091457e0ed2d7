/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"

#define CURRENT "var/lib/kubelet/pki/kubelet-client-current.pem"
#define STAMPED "kubelet-client-2026-11-24-01-14-59.pem"

static const struct instant issued = {1795482899};

struct fixture {
	char path[64];
	int dir;
	struct secret *key;
	struct tree_entry entries[12];
	size_t n;
};

static void add(struct fixture *fixture, struct tree_entry entry)
{
	assert_true(fixture->n < ARRAY_SIZE(fixture->entries));
	fixture->entries[fixture->n++] = entry;
}

static void add_directory(
	struct fixture *fixture, const char *path, mode_t mode, bool everywhere)
{
	add(fixture, (struct tree_entry){.kind = TREE_DIRECTORY,
			     .path = path,
			     .mode = mode,
			     .on_every_host = everywhere});
}

static void describe(struct fixture *fixture)
{
	struct file_part key = {.secret = fixture->key};
	struct file_part text = {.bytes = "text\n", .len = 5};

	add_directory(fixture, "etc", 0755, true);
	add_directory(fixture, "etc/kubernetes", 0755, false);
	add(fixture, (struct tree_entry){.kind = TREE_FILE,
			     .path = "etc/kubernetes/kubelet.conf",
			     .mode = 0600,
			     .parts = {text, key, text},
			     .n_parts = 3});
	add_directory(fixture, "etc/kubernetes/pki", 0755, false);
	add(fixture, (struct tree_entry){.kind = TREE_FILE,
			     .path = "etc/kubernetes/pki/ca.crt",
			     .mode = 0644,
			     .parts = {text},
			     .n_parts = 1});
	add(fixture, (struct tree_entry){.kind = TREE_FILE,
			     .path = "etc/kubernetes/pki/empty",
			     .mode = 0644});
	add_directory(fixture, "var", 0755, true);
	add_directory(fixture, "var/lib", 0755, true);
	add_directory(fixture, "var/lib/kubelet", 0755, false);
	add_directory(fixture, "var/lib/kubelet/pki", 0700, false);
	add(fixture, (struct tree_entry){.kind = TREE_FILE,
			     .path = "var/lib/kubelet/pki/" STAMPED,
			     .mode = 0600,
			     .parts = {key},
			     .n_parts = 1});
	add(fixture,
		(struct tree_entry){
			.kind = TREE_LINK, .path = CURRENT, .link = STAMPED});
}

static int set_up(void **state)
{
	struct fixture *fixture = memory_new(1, sizeof(*fixture));
	const char *place = getenv("TMPDIR");

	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/tree-XXXXXX",
		place && strlen(place) < 40 ? place : "/tmp");
	if (!mkdtemp(fixture->path))
		return -1;
	fixture->dir = open(fixture->path, O_RDONLY | O_DIRECTORY);
	fixture->key = secret_new(700);
	memset(secret_bytes(fixture->key), 'k', 700);
	describe(fixture);
	*state = fixture;
	return fixture->dir < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool removed = file_remove_tree(AT_FDCWD, fixture->path, &err);

	secret_free(fixture->key);
	(void)close(fixture->dir);
	free(fixture);
	return removed ? 0 : -1;
}

/* -- as a directory -- */

static void assert_mode(int dir, const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, mode);
}

static void a_directory_is_written_with_exact_modes(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	mode_t umask_before = umask(022);
	char link[100] = "";

	assert_true(tree_write_directory(
		fixture->dir, fixture->entries, fixture->n, &err));
	(void)umask(umask_before);
	for (size_t i = 0; i < fixture->n; i++) {
		const struct tree_entry *entry = &fixture->entries[i];

		assert_mode(fixture->dir, entry->path,
			entry->kind == TREE_DIRECTORY ? S_IFDIR | entry->mode
			: entry->kind == TREE_FILE    ? S_IFREG | entry->mode
						      : S_IFLNK | 0777);
	}
	assert_int_equal(readlinkat(fixture->dir, CURRENT, link, sizeof(link)),
		strlen(STAMPED));
	assert_string_equal(link, STAMPED);
	assert_true(file_read(fixture->dir, "etc/kubernetes/kubelet.conf", 1000,
		&text, &err));
	assert_int_equal(text.len, 710);
	assert_memory_equal(text.data, "text\nk", 6);
	assert_memory_equal(text.data + 704, "ktext\n", 6);
}

static size_t count_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void what_is_there_is_not_overwritten(void **state)
{
	struct fixture *fixture = *state;
	struct tree_entry twice[] = {
		fixture->entries[0], fixture->entries[1], fixture->entries[1]};
	AUTO_RELEASE(error) first = ERROR_INIT;
	AUTO_RELEASE(error) second = ERROR_INIT;
	size_t n_open = count_descriptors();

	assert_false(tree_write_directory(fixture->dir, twice, 3, &first));
	assert_int_equal(first.kind, ERROR_FAILED);
	assert_false(tree_write_directory(
		fixture->dir, fixture->entries, fixture->n, &second));
	assert_int_equal(second.kind, ERROR_FAILED);
	assert_int_equal(count_descriptors(), n_open);
}

/* -- as tar -- */

static int open_tar(struct fixture *fixture, const char *name)
{
	int fd = openat(fixture->dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void write_tar(struct fixture *fixture, const char *name,
	const char *const prefixes[], size_t n_prefixes)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE fd = open_tar(fixture, name);

	for (size_t i = 0; i < n_prefixes; i++)
		assert_true(tree_write_tar(fd, name, prefixes[i],
			fixture->entries, fixture->n, issued, &err));
	assert_true(tree_end_tar(fd, name, &err));
}

static struct buffer read_back(struct fixture *fixture, const char *name)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct buffer text = BUFFER_INIT;

	assert_true(file_read(fixture->dir, name, 1 << 20, &text, &err));
	return text;
}

static void assert_member(struct archive *archive, struct archive_entry *member,
	const struct tree_entry *entry, const char *prefix)
{
	AUTO_TEXT path = memory_format("%s%s%s", prefix, entry->path,
		entry->kind == TREE_DIRECTORY && *entry->path ? "/" : "");
	char bytes[800];

	assert_string_equal(archive_entry_pathname(member), path);
	assert_int_equal(archive_entry_uid(member), 0);
	assert_int_equal(archive_entry_gid(member), 0);
	assert_int_equal(archive_entry_mtime(member), issued.seconds);
	assert_int_equal(archive_entry_perm(member),
		entry->kind == TREE_LINK ? 0777 : entry->mode);
	if (entry->kind == TREE_LINK)
		assert_string_equal(archive_entry_symlink(member), entry->link);
	if (entry->kind == TREE_FILE && entry->n_parts == 3) {
		assert_int_equal(
			archive_read_data(archive, bytes, sizeof(bytes)), 710);
		assert_memory_equal(bytes + 704, "ktext\n", 6);
	}
}

static void assert_members(struct fixture *fixture, const char *name,
	const char *const prefixes[], size_t n_prefixes)
{
	static const struct tree_entry top = {
		.kind = TREE_DIRECTORY, .path = "", .mode = 0755};
	AUTO_RELEASE(buffer) text = read_back(fixture, name);
	struct archive *archive = archive_read_new();
	struct archive_entry *member;

	assert_int_equal(archive_read_support_format_tar(archive), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(archive, text.data, text.len),
		ARCHIVE_OK);
	for (size_t i = 0; i < n_prefixes; i++) {
		if (*prefixes[i]) {
			assert_int_equal(
				archive_read_next_header(archive, &member),
				ARCHIVE_OK);
			assert_member(archive, member, &top, prefixes[i]);
		}
		for (size_t j = 0; j < fixture->n; j++) {
			if (fixture->entries[j].on_every_host)
				continue;
			assert_int_equal(
				archive_read_next_header(archive, &member),
				ARCHIVE_OK);
			assert_member(archive, member, &fixture->entries[j],
				prefixes[i]);
		}
	}
	assert_int_equal(
		archive_read_next_header(archive, &member), ARCHIVE_EOF);
	assert_int_equal(archive_read_free(archive), ARCHIVE_OK);
}

/* 200 and more characters: more than a ustar header holds. */
#define TEN "abcdefghi-"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG FIFTY FIFTY FIFTY FIFTY FIFTY "/"

static void a_tar_is_read_by_libarchive(void **state)
{
	struct fixture *fixture = *state;
	static const char *const rows[][3] = {
		{""},
		{"worker-1/"},
		{"worker-1/", "worker-2/", "worker-3/"},
		{LONG},
		{"a/", LONG, "b/"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i][1] ? 3 : 1;
		char name[16];

		(void)snprintf(name, sizeof(name), "%zu.tar", i);
		write_tar(fixture, name, rows[i], n);
		assert_members(fixture, name, rows[i], n);
	}
}

static void a_tar_is_read_by_tar(void **state)
{
	static const char *const prefixes[] = {"worker-1/", LONG, "worker-2/"};
	struct fixture *fixture = *state;
	AUTO_TEXT command = NULL;
	AUTO_RELEASE(buffer) listed = BUFFER_INIT;
	AUTO_RELEASE(buffer) problems = BUFFER_INIT;
	char *line;
	size_t n = 0;

	write_tar(fixture, "a.tar", prefixes, 3);
	command = memory_format("cd %s && LC_ALL=C TZ=UTC tar tvf a.tar "
				">list 2>problems && tar xf a.tar",
		fixture->path);
	assert_int_equal(system(command), 0);
	listed = read_back(fixture, "list");
	problems = read_back(fixture, "problems");
	assert_string_equal(problems.data, "");
	for (line = strtok(listed.data, "\n"); line; line = strtok(NULL, "\n"))
		n++;
	assert_int_equal(n, 3 * 10);
	assert_mode(
		fixture->dir, "worker-2/var/lib/kubelet/pki", S_IFDIR | 0700);
	assert_mode(fixture->dir, LONG CURRENT, S_IFLNK | 0777);
}

static void a_fragment_is_whole_blocks_without_an_end(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE fd = open_tar(fixture, "a.tar");
	/* Nine members, two of them with two blocks of content, one with one,
	 * and no directory that every host has. */
	static const off_t expected = 512 * (9 + 2 + 2 + 1);
	char last[512];
	static const char zeros[512];

	assert_true(tree_write_tar(
		fd, "a.tar", "", fixture->entries, fixture->n, issued, &err));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), expected);
	assert_int_equal(pread(fd, last, 512, expected - 512), 512);
	assert_memory_not_equal(last, zeros, 512);
}

static void the_same_tree_is_the_same_bytes(void **state)
{
	static const char *const prefixes[] = {LONG};
	struct fixture *fixture = *state;
	AUTO_RELEASE(buffer) a = BUFFER_INIT;
	AUTO_RELEASE(buffer) b = BUFFER_INIT;

	write_tar(fixture, "a.tar", prefixes, 1);
	write_tar(fixture, "b.tar", prefixes, 1);
	a = read_back(fixture, "a.tar");
	b = read_back(fixture, "b.tar");
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
}

static void times_beyond_ustar_are_kept(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_CLOSE fd = open_tar(fixture, "a.tar");
	static const struct instant last = {253402300799};
	struct archive *archive = archive_read_new();
	struct archive_entry *member;

	assert_true(tree_write_tar(
		fd, "a.tar", LONG, fixture->entries, fixture->n, last, &err));
	assert_true(tree_end_tar(fd, "a.tar", &err));
	text = read_back(fixture, "a.tar");
	assert_int_equal(archive_read_support_format_tar(archive), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(archive, text.data, text.len),
		ARCHIVE_OK);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(
			archive_read_next_header(archive, &member), ARCHIVE_OK);
		assert_int_equal(archive_entry_mtime(member), last.seconds);
	}
	assert_int_equal(archive_read_free(archive), ARCHIVE_OK);
}

static void a_full_device_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(error) fragment = ERROR_INIT;
	AUTO_RELEASE(error) end = ERROR_INIT;
	AUTO_CLOSE fd = open("/dev/full", O_WRONLY);

	assert_true(fd >= 0);
	assert_false(tree_write_tar(fd, "x.tar", "", fixture->entries,
		fixture->n, issued, &fragment));
	assert_non_null(strstr(fragment.message, "x.tar"));
	assert_non_null(strstr(fragment.message, strerror(ENOSPC)));
	assert_false(tree_end_tar(fd, "x.tar", &end));
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TREE_TEST(a_directory_is_written_with_exact_modes),
		TREE_TEST(what_is_there_is_not_overwritten),
		TREE_TEST(a_tar_is_read_by_libarchive),
		TREE_TEST(a_tar_is_read_by_tar),
		TREE_TEST(a_fragment_is_whole_blocks_without_an_end),
		TREE_TEST(the_same_tree_is_the_same_bytes),
		TREE_TEST(times_beyond_ustar_are_kept),
		TREE_TEST(a_full_device_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
