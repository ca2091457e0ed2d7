/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tree.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 16 };

/* The directories from the root down to where the walk is. */
struct walk {
	int fd[DEPTH_MAX];
	size_t path_len[DEPTH_MAX]; /* 0: the root */
	size_t depth;		    /* fd[0] is the caller's */
};

static void walk_leave(struct walk *walk)
{
	/* Opened for reading only: nothing is lost when close() complains. */
	(void)close(walk->fd[walk->depth--]);
}

static void walk_release(struct walk *walk)
{
	while (walk->depth > 0)
		walk_leave(walk);
}
DEFINE_AUTO_RELEASE(walk)

/* Goes up to the directory that path stands in, and answers with the name. */
static const char *walk_to(
	struct walk *walk, const char *previous, const char *path)
{
	size_t len;

	for (; walk->depth > 0; walk_leave(walk)) {
		len = walk->path_len[walk->depth];
		if (strncmp(previous, path, len) == 0 && path[len] == '/')
			break;
	}
	len = walk->path_len[walk->depth];
	path += len > 0 ? len + 1 : 0;
	assert(*path && !strchr(path, '/'));
	return path;
}

static bool make_directory(struct walk *walk, const struct tree_entry *entry,
	const char *name, struct error *err)
{
	int parent = walk->fd[walk->depth], fd = -1;

	assert(walk->depth + 1 < DEPTH_MAX);
	if (!directory_create(parent, name, entry->mode, err) ||
		!directory_open_nofollow(parent, name, &fd, err))
		return false;
	walk->depth++;
	walk->fd[walk->depth] = fd;
	walk->path_len[walk->depth] = strlen(entry->path);
	return true;
}

static bool make_entry(struct walk *walk, const struct tree_entry *entry,
	const char *name, struct error *err)
{
	int parent = walk->fd[walk->depth];

	switch (entry->kind) {
	case TREE_DIRECTORY:
		return make_directory(walk, entry, name, err);
	case TREE_FILE:
		return file_create(parent, name, entry->mode, entry->parts,
			entry->n_parts, err);
	case TREE_LINK:
		if (symlinkat(entry->link, parent, name) == 0)
			return true;
		return error_errno(err, "link \"%s\": cannot create", name);
	}
	return false;
}

static int rank(char byte)
{
	return byte == '/' ? 1 : byte ? 1 + (unsigned char)byte : 0;
}

int tree_compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return rank(*a) - rank(*b);
}

bool tree_write_directory(int dir, const struct tree_entry *entries,
	size_t n_entries, struct error *err)
{
	AUTO_RELEASE(walk) walk = {.fd = {dir}};
	const char *previous = "";

	for (size_t i = 0; i < n_entries; i++) {
		const char *path = entries[i].path;
		const char *name = walk_to(&walk, previous, path);
		if (!make_entry(&walk, &entries[i], name, err))
			return false;
		previous = path;
	}
	return true;
}
