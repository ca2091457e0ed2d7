/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_DOCUMENT_BUILD_H
#define BASE_DOCUMENT_BUILD_H

#include "base/document.h"

/*
 * How a reader of some format makes the tree of base/document.h: nodes that
 * know their line, children that are added without a look at those before.
 *
 *	map = document_new_at(DOCUMENT_MAP, NULL, 0, line);
 *	document_add(map, take(&key), key_line, child);   for each
 *	if (!document_require_unique(map, file, err)) once, at its end
 */

/* Deeper nesting is refused by every reader, before it recurses. */
#define DOCUMENT_DEPTH_MAX 64

/* text is copied; NULL for a map or list. */
struct document *document_new_at(enum document_kind kind, const char *text,
	size_t len, unsigned line);

/* Appends to a map, or to a list with key NULL; returns the child. */
struct document *document_add(struct document *parent, char *taken_key,
	unsigned key_line, struct document *taken_child);

/* No key stands twice; ERROR_INPUT with the second one's place.  Sorts, so
 * that a map of a million keys is no way to stop us. */
MUST_CHECK bool document_require_unique(const struct document *map,
	const char *file, struct error *err);

#endif
