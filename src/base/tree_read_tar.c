/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tree_read.h"

#include <string.h>
#include <unistd.h>

#include "base/libarchive_private.h"

enum { BLOCK = 512, READ_SIZE = 65536 };

struct reader {
	const struct libarchive *lib;
	struct archive *archive;
	tree_read_visit *visit;
	void *data;
	int64_t skipped;
};

static void reader_release(struct reader *reader)
{
	if (reader->archive)
		(void)reader->lib->read_free(reader->archive);
}
DEFINE_AUTO_RELEASE(reader)

static bool unreadable(const struct reader *reader, struct error *err)
{
	const char *problem = reader->lib->error_string(reader->archive);

	return error_set(err, ERROR_INPUT, "not a tar that can be read: %s",
		problem ? problem : "malformed");
}

/* A filter that would run a program answers ARCHIVE_WARN. */
static bool reader_open(struct reader *reader, int fd, struct error *err)
{
	const struct libarchive *lib = NULL;
	struct archive *archive;

	if (!libarchive_load(&lib, err))
		return false;
	reader->lib = lib;
	reader->archive = archive = lib->read_new();
	if (!archive)
		memory_exhausted();
	if (lib->read_support_format_tar(archive) != ARCHIVE_OK ||
		lib->read_support_filter_gzip(archive) != ARCHIVE_OK ||
		lib->read_support_filter_bzip2(archive) != ARCHIVE_OK ||
		lib->read_support_filter_xz(archive) != ARCHIVE_OK ||
		lib->read_support_filter_zstd(archive) != ARCHIVE_OK)
		return error_set(err, ERROR_FAILED,
			"tar: libarchive lacks a format");
	return lib->read_open_fd(archive, fd, READ_SIZE) == ARCHIVE_OK ||
	       unreadable(reader, err);
}

/* Takes "." and doubled slashes out. */
static bool clean_path(const char *raw, struct buffer *path, struct error *err)
{
	if (*raw == '/')
		return error_set(err, ERROR_INPUT,
			"member \"%s\": an absolute path", raw);
	while (*raw) {
		size_t len = strcspn(raw, "/");

		if (len == 2 && memcmp(raw, "..", 2) == 0)
			return error_set(err, ERROR_INPUT,
				"member \"%s\": a path that goes up", raw);
		if (len > 0 && !(len == 1 && *raw == '.')) {
			if (path->len > 0)
				buffer_add_byte(path, '/');
			buffer_add(path, raw, len);
		}
		raw += len;
		raw += strspn(raw, "/");
	}
	return true;
}

static bool check_depth(const char *path, struct error *err)
{
	unsigned depth = 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth <= TREE_READ_DEPTH_MAX ||
	       error_set(err, ERROR_INPUT,
		       "a member more than %d directories deep",
		       TREE_READ_DEPTH_MAX);
}

static bool read_bytes(struct reader *reader, size_t len,
	struct secret **ret_bytes, struct error *err)
{
	AUTO_FREE(secret) bytes = secret_new(len);
	size_t done = 0;

	while (done < len) {
		ssize_t got = reader->lib->read_data(reader->archive,
			secret_bytes(bytes) + done, len - done);

		if (got <= 0)
			return unreadable(reader, err);
		done += (size_t)got;
	}
	*ret_bytes = take(&bytes);
	return true;
}

static bool read_file(struct reader *reader, struct archive_entry *member,
	struct tree_read_entry *entry, struct error *err)
{
	int64_t len = reader->lib->entry_size(member);
	AUTO_FREE(secret) bytes = NULL;

	if (len < 0 || len > (int64_t)TREE_READ_FILE_MAX) {
		entry->problem = "longer than 1 MiB";
		reader->skipped += len < 0 ? TREE_READ_SKIP_MAX : len;
		if (len > TREE_READ_SKIP_MAX ||
			reader->skipped > TREE_READ_SKIP_MAX)
			return error_set(err, ERROR_INPUT,
				"member \"%s\": more than 1 GiB to be passed "
				"over",
				entry->path);
	} else if (!read_bytes(reader, (size_t)len, &bytes, err)) {
		return false;
	}
	entry->bytes = bytes;
	return reader->visit(reader->data, entry, err);
}

static bool visit_kind(struct reader *reader, struct archive_entry *member,
	struct tree_read_entry *entry, struct error *err)
{
	const struct libarchive *lib = reader->lib;

	switch (lib->entry_filetype(member)) {
	case AE_IFREG:
		if (lib->entry_hardlink(member))
			break;
		entry->kind = TREE_READ_FILE;
		return read_file(reader, member, entry, err);
	case AE_IFDIR:
		entry->kind = TREE_READ_DIRECTORY;
		return reader->visit(reader->data, entry, err);
	case AE_IFLNK:
		entry->kind = TREE_READ_LINK;
		entry->link = lib->entry_symlink(member);
		if (!entry->link)
			break;
		return reader->visit(reader->data, entry, err);
	default:
		break;
	}
	entry->kind = TREE_READ_OTHER;
	entry->problem = "no regular file";
	return reader->visit(reader->data, entry, err);
}

static bool visit_member(struct reader *reader, struct archive_entry *member,
	struct error *err)
{
	const char *raw = reader->lib->entry_pathname(member);
	AUTO_RELEASE(buffer) path = BUFFER_INIT;
	struct tree_read_entry entry = {0};

	if (!raw)
		return error_set(err, ERROR_INPUT,
			"a member whose name is not in the locale's encoding");
	if (!clean_path(raw, &path, err) || !check_depth(path.data, err))
		return false;
	if (path.len == 0)
		return true;
	entry.path = path.data;
	entry.mode = reader->lib->entry_perm(member) & 07777;
	entry.uid = (uid_t)reader->lib->entry_uid(member);
	return visit_kind(reader, member, &entry, err);
}

static bool visit_members(struct reader *reader, struct error *err)
{
	struct archive_entry *member;
	int answer;

	while ((answer = reader->lib->read_next_header(
			reader->archive, &member)) == ARCHIVE_OK)
		if (!visit_member(reader, member, err))
			return false;
	return answer == ARCHIVE_EOF || unreadable(reader, err);
}

bool tree_read_tar(int fd, const char *label, tree_read_visit *visit,
	void *data, struct error *err)
{
	AUTO_RELEASE(reader) reader = {.visit = visit, .data = data};

	if (reader_open(&reader, fd, err) && visit_members(&reader, err))
		return true;
	return error_at(err, label, 0);
}

bool tree_read_is_tar(const void *bytes, size_t len)
{
	static const struct {
		size_t at;
		const char *magic;
	} magics[] = {
		{257, "ustar"},
		{0, "\x1f\x8b"},
		{0, "BZh"},
		{0, "\xfd" "7zXZ"},
		{0, "\x28\xb5\x2f\xfd"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
		size_t n = strlen(magics[i].magic);

		if (len >= magics[i].at + n &&
			memcmp((const char *)bytes + magics[i].at,
				magics[i].magic, n) == 0)
			return true;
	}
	return false;
}
