/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/file.h"
#include "base/instant.h"

/*
 * A small tree of files described as rows, written as a directory or as tar.
 *
 * Rows are in the order of strcmp on their paths with '/' first, that is, a
 * directory before what is in it; tests hold the tables that make rows to it.
 * Paths are relative, without "." or ".." or doubled slashes.
 */
enum tree_kind { TREE_DIRECTORY, TREE_FILE, TREE_LINK };

struct tree_entry {
	enum tree_kind kind;
	const char *path;
	mode_t mode;       /* of a directory or file */
	bool on_every_host; /* a directory that needs no member in a tar */
	const char *link;  /* what a link says; relative */
	struct file_part parts[4];
	size_t n_parts;
};

/* strcmp with '/' first. */
int tree_compare_paths(const char *a, const char *b);

/* Creates the tree inside an open directory, which is empty. */
MUST_CHECK bool tree_write_directory(int dir, const struct tree_entry *entries,
	size_t n_entries, struct error *err);

/*
 * Appends the tree to fd as tar members (pax where a name needs it): owner and
 * group 0, mtime as told, each path behind `prefix` ("" or "worker-1/"; a
 * prefix is a 0755 directory member of its own).  Without the two zero blocks
 * that end an archive: fragments can be put one behind the other, and
 * tree_end_tar closes.  File contents pass through memory that is wiped.
 */
MUST_CHECK bool tree_write_tar(int fd, const char *label, const char *prefix,
	const struct tree_entry *entries, size_t n_entries,
	struct instant mtime, struct error *err);
MUST_CHECK bool tree_end_tar(int fd, const char *label, struct error *err);

#endif
