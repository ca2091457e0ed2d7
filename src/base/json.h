/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/document.h"

/*
 * JSON (RFC 8259) into and out of the tree of base/document.h, with the same
 * strictness: no duplicate keys, no NUL, at most 64 deep, nothing after the
 * end.  Every node knows its line.
 *
 * The text is held in memory while it is read: source limits are the bound.
 */
MUST_CHECK bool json_read(struct source *source, struct document **ret_root,
	struct error *err);

/* Compact on one line, or indented by two; no newline at the end. */
enum json_style { JSON_COMPACT, JSON_INDENTED };
void json_write(const struct document *root, enum json_style style,
	struct buffer *text);

#endif
