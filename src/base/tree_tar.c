/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tree.h"

#include <assert.h>
#include <string.h>

#include "base/libarchive_private.h"

enum { BLOCK = 512 };

/* A whole fragment, whose size is known well enough before. */
struct fragment {
	const struct libarchive *lib;
	struct archive *archive;
	struct archive_entry *member;
	struct secret *bytes;
	size_t len;
	bool is_complete; /* what comes now ends the archive: not ours */
};

static void fragment_release(struct fragment *fragment)
{
	if (fragment->member)
		fragment->lib->entry_free(fragment->member);
	/* Whatever it still writes, or cannot, is not for the fragment. */
	fragment->is_complete = true;
	if (fragment->archive)
		(void)fragment->lib->write_free(fragment->archive);
	secret_free(fragment->bytes);
}
DEFINE_AUTO_RELEASE(fragment)

static ssize_t collect(
	struct archive *archive, void *data, const void *bytes, size_t len)
{
	struct fragment *fragment = data;

	(void)archive;
	if (fragment->is_complete)
		return (ssize_t)len;
	assert(len <= secret_len(fragment->bytes) - fragment->len);
	memcpy(secret_bytes(fragment->bytes) + fragment->len, bytes, len);
	fragment->len += len;
	return (ssize_t)len;
}

static bool archive_failed(const struct fragment *fragment, struct error *err)
{
	const char *problem = fragment->lib->error_string(fragment->archive);

	return error_set(err, ERROR_FAILED, "tar: %s",
		problem ? problem : "cannot be made");
}

static size_t part_len(const struct file_part *part)
{
	return part->secret ? secret_len(part->secret) : part->len;
}

static size_t content_len(const struct tree_entry *entry)
{
	size_t len = 0;

	for (size_t i = 0; i < entry->n_parts; i++)
		len += part_len(&entry->parts[i]);
	return len;
}

static size_t in_blocks(size_t len)
{
	return (len + BLOCK - 1) / BLOCK * BLOCK;
}

/* At most: a header, pax records with a header of their own, the content. */
static size_t member_bound(const char *prefix, const struct tree_entry *entry)
{
	size_t names = strlen(prefix) + strlen(entry->path) +
		       (entry->link ? strlen(entry->link) : 0);

	return 3 * BLOCK + in_blocks(names + BLOCK) +
	       in_blocks(content_len(entry));
}

static bool fragment_open(
	struct fragment *fragment, size_t bound, struct error *err)
{
	const struct libarchive *lib = NULL;
	struct archive *archive;

	if (!libarchive_load(&lib, err))
		return false;
	fragment->lib = lib;
	fragment->archive = archive = lib->write_new();
	fragment->member = lib->entry_new();
	if (!archive || !fragment->member)
		memory_exhausted();
	fragment->bytes = secret_new(bound);
	/* Without blocks libarchive keeps no copy of what passes through. */
	if (lib->write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
		lib->write_add_filter_none(archive) != ARCHIVE_OK ||
		lib->write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
		lib->write_open(archive, fragment, NULL, collect, NULL) !=
			ARCHIVE_OK)
		return archive_failed(fragment, err);
	return true;
}

static void describe(const struct libarchive *lib, struct archive_entry *member,
	const struct tree_entry *entry, struct instant mtime)
{
	static const unsigned types[] = {
		[TREE_DIRECTORY] = AE_IFDIR,
		[TREE_FILE] = AE_IFREG,
		[TREE_LINK] = AE_IFLNK,
	};
	bool is_link = entry->kind == TREE_LINK;

	lib->entry_set_filetype(member, types[entry->kind]);
	lib->entry_set_perm(member, is_link ? 0777 : entry->mode);
	lib->entry_set_mtime(member, mtime.seconds, 0);
	lib->entry_set_size(member, (int64_t)content_len(entry));
	if (is_link)
		lib->entry_set_symlink(member, entry->link);
}

static bool add_part(struct fragment *fragment, const struct file_part *part,
	struct error *err)
{
	size_t len = part_len(part);
	const void *bytes =
		part->secret ? secret_view(part->secret) : part->bytes;

	if (len == 0 || fragment->lib->write_data(
				fragment->archive, bytes, len) == (ssize_t)len)
		return true;
	return archive_failed(fragment, err);
}

static bool add_member(struct fragment *fragment, const char *prefix,
	const struct tree_entry *entry, struct instant mtime, struct error *err)
{
	AUTO_TEXT path = memory_format("%s%s", prefix, entry->path);
	const struct libarchive *lib = fragment->lib;
	struct archive_entry *member = lib->entry_clear(fragment->member);

	lib->entry_set_pathname(member, path);
	describe(lib, member, entry, mtime);
	if (lib->write_header(fragment->archive, member) != ARCHIVE_OK)
		return archive_failed(fragment, err);
	for (size_t i = 0; i < entry->n_parts; i++)
		if (!add_part(fragment, &entry->parts[i], err))
			return false;
	return lib->write_finish_entry(fragment->archive) == ARCHIVE_OK ||
	       archive_failed(fragment, err);
}

static bool add_members(struct fragment *fragment, const char *prefix,
	const struct tree_entry *entries, size_t n_entries,
	struct instant mtime, struct error *err)
{
	static const struct tree_entry top = {
		.kind = TREE_DIRECTORY, .path = "", .mode = 0755};

	if (*prefix && !add_member(fragment, prefix, &top, mtime, err))
		return false;
	for (size_t i = 0; i < n_entries; i++)
		if (!entries[i].on_every_host &&
			!add_member(fragment, prefix, &entries[i], mtime, err))
			return false;
	return true;
}

bool tree_write_tar(int fd, const char *label, const char *prefix,
	const struct tree_entry *entries, size_t n_entries,
	struct instant mtime, struct error *err)
{
	AUTO_RELEASE(fragment) fragment = {0};
	struct file_part whole = {0};
	size_t bound = member_bound(prefix, &(struct tree_entry){.path = ""});

	for (size_t i = 0; i < n_entries; i++)
		bound += member_bound(prefix, &entries[i]);
	if (!fragment_open(&fragment, bound, err) ||
		!add_members(&fragment, prefix, entries, n_entries, mtime, err))
		return false;
	secret_shorten(fragment.bytes, fragment.len);
	whole.secret = fragment.bytes;
	return file_write_parts(fd, &whole, 1, label, err);
}

bool tree_end_tar(int fd, const char *label, struct error *err)
{
	static const char zeros[2 * BLOCK];
	struct file_part end = {.bytes = zeros, .len = sizeof(zeros)};

	return file_write_parts(fd, &end, 1, label, err);
}
