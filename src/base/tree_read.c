/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tree_read.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walk {
	const char *label;
	tree_read_enter *enter;
	tree_read_visit *visit;
	void *data;
	unsigned depth;
};

struct names {
	char **items;
	size_t n_items, allocated;
};
#define NAMES_INIT {NULL, 0, 0}

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free(names->items[i]);
	free(names->items);
}
DEFINE_AUTO_RELEASE(names)

static bool collect_name(void *data, int dir, const char *name, mode_t type,
	struct error *err)
{
	struct names *names = data;

	(void)dir;
	(void)type;
	if (names->n_items == TREE_READ_ENTRIES_MAX)
		return error_set(err, ERROR_INPUT, "more than %d entries",
			TREE_READ_ENTRIES_MAX);
	names->items = memory_grow(names->items, &names->allocated,
		names->n_items + 1, sizeof(*names->items));
	names->items[names->n_items++] = memory_text(name);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void describe(const struct stat *status, struct tree_read_entry *entry)
{
	entry->mode = status->st_mode & 07777;
	entry->uid = status->st_uid;
	entry->kind = S_ISREG(status->st_mode)   ? TREE_READ_FILE
		      : S_ISDIR(status->st_mode) ? TREE_READ_DIRECTORY
		      : S_ISLNK(status->st_mode) ? TREE_READ_LINK
						 : TREE_READ_OTHER;
}

static bool visit_open(int fd, const struct walk *walk,
	struct tree_read_entry *entry, struct error *err)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	AUTO_FREE(secret) bytes = NULL;
	struct stat status;

	if (fstat(fd, &status) != 0)
		return error_errno(err, "file \"%s\"", entry->path);
	describe(&status, entry);
	if (entry->kind != TREE_READ_FILE)
		entry->problem = "no regular file";
	else if (status.st_size > (off_t)TREE_READ_FILE_MAX)
		entry->problem = "longer than 1 MiB";
	else if (!file_read_open(fd, entry->path, (size_t)status.st_size,
			 &bytes, &passed_over))
		entry->problem = "cannot be read, or changes meanwhile";
	entry->bytes = bytes;
	return walk->visit(walk->data, entry, err);
}

/* O_NONBLOCK, for what became a pipe meanwhile. */
static bool visit_file(int dir, const char *name, const struct walk *walk,
	struct tree_read_entry *entry, struct error *err)
{
	AUTO_CLOSE fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		return visit_open(fd, walk, entry, err);
	entry->problem = errno == EACCES ? "may not be read" : "cannot be read";
	return walk->visit(walk->data, entry, err);
}

static bool visit_link(int dir, const char *name, const struct walk *walk,
	struct tree_read_entry *entry, struct error *err)
{
	char link[4096];
	ssize_t len = readlinkat(dir, name, link, sizeof(link) - 1);

	if (len < 0)
		return error_errno(err, "link \"%s\"", entry->path);
	link[len] = '\0';
	entry->link = link;
	return walk->visit(walk->data, entry, err);
}

static bool walk_directory(int dir, const char *below, const struct walk *walk,
	struct error *err);

static bool visit_directory(int dir, const char *name, const struct walk *walk,
	struct tree_read_entry *entry, struct error *err)
{
	struct walk deeper = *walk;
	AUTO_CLOSE fd = -1;

	if (walk->enter && !walk->enter(walk->data, entry->path))
		return true;
	if (++deeper.depth > TREE_READ_DEPTH_MAX)
		return error_set(err, ERROR_INPUT,
			"\"%s\": more than %d directories deep", entry->path,
			TREE_READ_DEPTH_MAX);
	fd = openat(dir, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		entry->problem = "may not be read";
	if (!walk->visit(walk->data, entry, err))
		return false;
	return fd < 0 || walk_directory(fd, entry->path, &deeper, err);
}

static bool visit_name(int dir, const char *below, const char *name,
	const struct walk *walk, struct error *err)
{
	AUTO_TEXT path =
		memory_format("%s%s%s", below, *below ? "/" : "", name);
	struct tree_read_entry entry = {.path = path};
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT || error_errno(err, "\"%s\"", path);
	describe(&status, &entry);
	switch (entry.kind) {
	case TREE_READ_DIRECTORY:
		return visit_directory(dir, name, walk, &entry, err);
	case TREE_READ_FILE:
		return visit_file(dir, name, walk, &entry, err);
	case TREE_READ_LINK:
		return visit_link(dir, name, walk, &entry, err);
	case TREE_READ_OTHER:
		break;
	}
	entry.problem = "no regular file";
	return walk->visit(walk->data, &entry, err);
}

static bool walk_directory(int dir, const char *below, const struct walk *walk,
	struct error *err)
{
	AUTO_RELEASE(names) names = NAMES_INIT;

	if (!directory_each(dir, walk->label, collect_name, &names, err))
		return false;
	if (names.n_items > 0)
		qsort(names.items, names.n_items, sizeof(*names.items),
			compare_names);
	for (size_t i = 0; i < names.n_items; i++)
		if (!visit_name(dir, below, names.items[i], walk, err))
			return false;
	return true;
}

bool tree_read_directory(int dir, const char *label, tree_read_enter *enter,
	tree_read_visit *visit, void *data, struct error *err)
{
	const struct walk walk = {label, enter, visit, data, 0};

	return walk_directory(dir, "", &walk, err) ||
	       error_context(err, "directory \"%s\"", label);
}

bool tree_read_file(int fd, const char *label, tree_read_visit *visit,
	void *data, struct error *err)
{
	const struct walk walk = {label, NULL, visit, data, 0};
	struct tree_read_entry entry = {.path = label};

	return visit_open(fd, &walk, &entry, err);
}
