/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_TREE_READ_H
#define BASE_TREE_READ_H

#include "base/file.h"

/*
 * A tree that somebody else made, read without trust: a directory or a tar.
 *
 * Both are walked alike.  Directories are opened by descriptor, one component
 * at a time, and no link is followed; a link is reported for what it says.  A
 * tar with a path that is absolute or goes up by ".." is refused as a whole.
 * Devices, sockets and pipes are never opened, and a hard link in a tar is no
 * file.
 *
 * Bounds: of a file that is longer than TREE_READ_FILE_MAX only that it is
 * there; deeper than TREE_READ_DEPTH_MAX or more than TREE_READ_ENTRIES_MAX
 * entries in one directory, and a tar of which more than TREE_READ_SKIP_MAX
 * bytes would be passed over, are ERROR_INPUT.
 */
#define TREE_READ_FILE_MAX ((size_t)1024 * 1024)
#define TREE_READ_DEPTH_MAX 16
#define TREE_READ_ENTRIES_MAX 65536
#define TREE_READ_SKIP_MAX (INT64_C(1) << 30)

enum tree_read_kind {
	TREE_READ_DIRECTORY,
	TREE_READ_FILE,
	TREE_READ_LINK,
	TREE_READ_OTHER,
};

struct tree_read_entry {
	enum tree_read_kind kind;
	const char *path; /* below the root, without a slash at its end */
	mode_t mode;      /* permission bits */
	uid_t uid;
	const char *link; /* of a link */
	const struct secret *bytes; /* of a file; NULL with a problem */
	const char *problem; /* why there are no bytes: a clause */
};

/* Valid during the call.  False ends it, with err set. */
typedef bool tree_read_visit(void *data, const struct tree_read_entry *entry,
	struct error *err);

/* A directory in the order of names, depth first, a directory before what is in
 * it.  `enter`, or NULL, says whether to go into a directory at all: path is
 * relative as above. */
typedef bool tree_read_enter(void *data, const char *path);
MUST_CHECK bool tree_read_directory(int dir, const char *label,
	tree_read_enter *enter, tree_read_visit *visit, void *data,
	struct error *err);

/* One file by descriptor, whatever it is. */
MUST_CHECK bool tree_read_file(int fd, const char *label,
	tree_read_visit *visit, void *data, struct error *err);

/* A tar, plain or compressed, in its own order; from an open file. */
MUST_CHECK bool tree_read_tar(int fd, const char *label,
	tree_read_visit *visit, void *data, struct error *err);

/* Does it begin as a tar does, compressed or not? */
bool tree_read_is_tar(const void *bytes, size_t len);

#endif
