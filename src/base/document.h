/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_DOCUMENT_H
#define BASE_DOCUMENT_H

#include "base/buffer.h"
#include "base/instant.h"
#include "base/source.h"
#include <stdint.h>

/*
 * A strict tree of maps, lists and scalars, with line numbers; YAML in and
 * out, and JSON by base/json.h into the same tree.
 *
 * Strict: one document unless all are asked for, UTF-8, no duplicate keys, no
 * anchors or aliases, no tags, keys are strings, no NUL in a scalar, at most 64
 * deep; from YAML, at most 16 MiB of scalars and 1048576 nodes in one tree.  A plain YAML scalar
 * that YAML 1.1 or 1.2 would not read as a string (42, 1e3, 0x1f, true, yes,
 * null, ~, 2026-11-24, 12:30) is no text: whoever asks for text refuses it, as
 * Kubernetes would (base/plain.h).  Dates and times count as numbers.
 *
 * A child belongs to its parent; whoever has the root frees the whole.
 */
struct document;

enum document_kind {
	DOCUMENT_MAP,
	DOCUMENT_LIST,
	DOCUMENT_TEXT,
	DOCUMENT_NUMBER,
	DOCUMENT_BOOLEAN,
	DOCUMENT_NULL,
};

/* "a map", "a list", "text", … for messages. */
const char *document_kind_name(enum document_kind kind);

/* -- looking -- */

enum document_kind document_kind(const struct document *node);
unsigned document_line(const struct document *node); /* 1-based; 0: built */
size_t document_count(const struct document *node);  /* of a map or list */

/* The i-th element of a list, or the i-th value of a map in file order. */
const struct document *document_at(const struct document *node, size_t i);
/* The i-th key of a map. */
const char *document_key(const struct document *map, size_t i);
unsigned document_key_line(const struct document *map, size_t i);
/* A map's value by key, or NULL.  NULL also when `map` is NULL or no map, so
 * that a chain of look-ups needs one check at its end. */
const struct document *document_find(const struct document *map,
	const char *key);
/* The spelling of any scalar; NULL for a map or list. */
const char *document_text(const struct document *node);
bool document_boolean(const struct document *node);

/* -- requiring: ERROR_INPUT with file and line -- */

/* NULL is a node that is missing, which has no line: whoever knows its parent
 * may look for NULL first. */
MUST_CHECK bool document_require(const struct document *node,
	enum document_kind kind, const char *file, const char *what,
	struct error *err);
/* Refuses keys outside the list, naming the nearest. */
MUST_CHECK bool document_require_keys(const struct document *map,
	const char *const keys[], size_t n_keys, const char *file,
	struct error *err);
/* `apiVersion` and `kind` are exactly these. */
MUST_CHECK bool document_require_kind(const struct document *map,
	const char *api_version, const char *kind, const char *file,
	struct error *err);

/* -- building -- */

struct document *document_new_map(void);
struct document *document_new_list(void);
struct document *document_new_text(const char *text);
struct document *document_new_integer(int64_t value);
struct document *document_new_boolean(bool value);
struct document *document_new_null(void);

/* Appends; a key that is there already is replaced in its place.  Returns the
 * child, so that building nests. */
struct document *document_put(struct document *map, const char *key,
	struct document *taken_value);
struct document *document_put_text(struct document *map, const char *key,
	const char *text);
struct document *document_put_boolean(struct document *map, const char *key,
	bool value);
/* As instant_format writes it. */
struct document *document_put_instant(struct document *map, const char *key,
	struct instant at);
struct document *document_append(struct document *list,
	struct document *taken_value);
/* The whole below node once more. */
struct document *document_copy(const struct document *node);
/* A child for changing, or NULL. */
struct document *document_edit(struct document *map, const char *key);

void document_free(struct document *node);
DEFINE_AUTO_FREE(document)

/* -- YAML -- */

MUST_CHECK bool document_read_yaml(struct source *source,
	struct document **ret_root, struct error *err);

/* Each document of a stream, as the elements of a list, which is never empty:
 * a document with nothing in it is passed over, as kubectl does.  The bounds
 * above are those of the whole stream. */
MUST_CHECK bool document_read_yaml_all(struct source *source,
	struct document **ret_list, struct error *err);

/*
 * Reads a document whose root is a map, handing each element of the lists
 * under the named root keys to `item` as a small tree that is freed after the
 * call: memory does not grow with their number.  *ret_root is the rest, with
 * empty lists in those places.  `item` returns false to stop, with err set.
 */
typedef bool document_item(void *data, const char *key,
	const struct document *item, struct error *err);
MUST_CHECK bool document_read_yaml_items(struct source *source,
	const char *const keys[], size_t n_keys, document_item *item,
	void *data, struct document **ret_root, struct error *err);

/* Text is always double-quoted, keys are plain where that is safe, so no value
 * can become syntax. */
MUST_CHECK bool document_write_yaml(const struct document *root,
	struct buffer *text, struct error *err);
/* The elements of a list as the documents of one stream. */
MUST_CHECK bool document_write_yaml_all(const struct document *list,
	struct buffer *text, struct error *err);

/* One text scalar as it stands in YAML and JSON alike, quotes included. */
void document_quote(const char *text, struct buffer *quoted);

#endif
