/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/document.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/document_build.h"
#include "base/nearest.h"
#include "base/utf8.h"

struct entry {
	char *key; /* NULL in a list */
	struct document *value;
	unsigned key_line;
};

struct document {
	enum document_kind kind;
	unsigned line;
	char *text; /* behind the struct, in the same allocation */
	struct entry *entries;
	size_t n_entries, allocated;
};

const char *document_kind_name(enum document_kind kind)
{
	static const char *const names[] = {
		[DOCUMENT_MAP] = "a map",
		[DOCUMENT_LIST] = "a list",
		[DOCUMENT_TEXT] = "text",
		[DOCUMENT_NUMBER] = "a number",
		[DOCUMENT_BOOLEAN] = "a boolean",
		[DOCUMENT_NULL] = "null",
	};

	return names[kind];
}

/* -- looking -- */

enum document_kind document_kind(const struct document *node)
{
	return node->kind;
}

unsigned document_line(const struct document *node)
{
	return node->line;
}

size_t document_count(const struct document *node)
{
	return node->n_entries;
}

const struct document *document_at(const struct document *node, size_t i)
{
	assert(i < node->n_entries);
	return node->entries[i].value;
}

const char *document_key(const struct document *map, size_t i)
{
	assert(map->kind == DOCUMENT_MAP && i < map->n_entries);
	return map->entries[i].key;
}

unsigned document_key_line(const struct document *map, size_t i)
{
	assert(map->kind == DOCUMENT_MAP && i < map->n_entries);
	return map->entries[i].key_line;
}

static struct entry *find_entry(const struct document *map, const char *key)
{
	if (!map || map->kind != DOCUMENT_MAP)
		return NULL;
	for (size_t i = 0; i < map->n_entries; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i];
	return NULL;
}

const struct document *document_find(
	const struct document *map, const char *key)
{
	const struct entry *entry = find_entry(map, key);

	return entry ? entry->value : NULL;
}

const char *document_text(const struct document *node)
{
	return node->text;
}

bool document_boolean(const struct document *node)
{
	static const char *const yes[] = {"true", "yes", "on", "y"};

	assert(node->kind == DOCUMENT_BOOLEAN);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcasecmp(node->text, yes[i]) == 0)
			return true;
	return false;
}

/* -- requiring -- */

bool document_require(const struct document *node, enum document_kind kind,
	const char *file, const char *what, struct error *err)
{
	if (!node) {
		error_set(err, ERROR_INPUT, "%s: missing", what);
		return error_at(err, file, 0);
	}
	if (node->kind == kind)
		return true;
	const char *wanted = document_kind_name(kind);
	const char *found = document_kind_name(node->kind);
	if (!node->text || !*node->text)
		error_set(err, ERROR_INPUT, "%s: must be %s, is %s", what,
			wanted, found);
	else if (kind == DOCUMENT_TEXT)
		error_set(err, ERROR_INPUT,
			"%s \"%s\": must be text, is %s (quote it)", what,
			node->text, found);
	else
		error_set(err, ERROR_INPUT, "%s \"%s\": must be %s, is %s",
			what, node->text, wanted, found);
	return error_at(err, file, node->line);
}

static bool has_word(const char *const words[], size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

bool document_require_keys(const struct document *map, const char *const keys[],
	size_t n_keys, const char *file, struct error *err)
{
	for (size_t i = 0; i < map->n_entries; i++) {
		const struct entry *entry = &map->entries[i];
		if (has_word(keys, n_keys, entry->key))
			continue;
		const char *near = nearest(entry->key, keys, n_keys);
		if (near)
			error_set(err, ERROR_INPUT,
				"key \"%s\": unknown (did you mean \"%s\"?)",
				entry->key, near);
		else
			error_set(err, ERROR_INPUT, "key \"%s\": unknown",
				entry->key);
		return error_at(err, file, entry->key_line);
	}
	return true;
}

static bool require_word(const struct document *map, const char *key,
	const char *word, const char *file, struct error *err)
{
	const struct document *node = document_find(map, key);

	if (!node) {
		error_set(err, ERROR_INPUT, "%s: missing, must be \"%s\"", key,
			word);
		return error_at(err, file, map->line);
	}
	if (!document_require(node, DOCUMENT_TEXT, file, key, err))
		return false;
	if (strcmp(node->text, word) == 0)
		return true;
	error_set(err, ERROR_INPUT, "%s \"%s\": must be \"%s\"", key,
		node->text, word);
	return error_at(err, file, node->line);
}

bool document_require_kind(const struct document *map, const char *api_version,
	const char *kind, const char *file, struct error *err)
{
	return document_require(map, DOCUMENT_MAP, file, "document", err) &&
	       require_word(map, "apiVersion", api_version, file, err) &&
	       require_word(map, "kind", kind, file, err);
}

/* By key, and equal keys in the order of the file. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;
	int order = strcmp((*left)->key, (*right)->key);

	return order ? order : (*left > *right) - (*left < *right);
}

bool document_require_unique(
	const struct document *map, const char *file, struct error *err)
{
	const struct entry *few[16], **sorted = few, *twice = NULL;
	size_t n = map->n_entries;

	if (n > ARRAY_SIZE(few))
		sorted = memory_new(n, sizeof(*sorted));
	for (size_t i = 0; i < n; i++)
		sorted[i] = &map->entries[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_entries);
	/* The first in the file: the operator meets it first. */
	for (size_t i = 1; i < n; i++)
		if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 &&
			(!twice || sorted[i] < twice))
			twice = sorted[i];
	if (sorted != few)
		free(sorted);
	if (!twice)
		return true;
	error_set(err, ERROR_INPUT, "key \"%s\": stands twice", twice->key);
	return error_at(err, file, twice->key_line);
}

/* -- building -- */

struct document *document_new_at(
	enum document_kind kind, const char *text, size_t len, unsigned line)
{
	struct document *node;

	node = memory_new(1, sizeof(*node) + (text ? len + 1 : 0));
	node->kind = kind;
	node->line = line;
	if (text) {
		node->text = (char *)(node + 1);
		memcpy(node->text, text, len);
	}
	return node;
}

struct document *document_add(struct document *parent, char *taken_key,
	unsigned key_line, struct document *taken_child)
{
	assert(parent->kind == (taken_key ? DOCUMENT_MAP : DOCUMENT_LIST));
	parent->entries = memory_grow(parent->entries, &parent->allocated,
		parent->n_entries + 1, sizeof(*parent->entries));
	parent->entries[parent->n_entries++] = (struct entry){
		.key = taken_key,
		.value = taken_child,
		.key_line = key_line,
	};
	return taken_child;
}

struct document *document_new_map(void)
{
	return document_new_at(DOCUMENT_MAP, NULL, 0, 0);
}

struct document *document_new_list(void)
{
	return document_new_at(DOCUMENT_LIST, NULL, 0, 0);
}

static struct document *new_scalar(enum document_kind kind, const char *text)
{
	return document_new_at(kind, text, strlen(text), 0);
}

struct document *document_new_text(const char *text)
{
	return new_scalar(DOCUMENT_TEXT, text);
}

struct document *document_new_integer(int64_t value)
{
	AUTO_TEXT text = memory_format("%" PRId64, value);

	return new_scalar(DOCUMENT_NUMBER, text);
}

struct document *document_new_boolean(bool value)
{
	return new_scalar(DOCUMENT_BOOLEAN, value ? "true" : "false");
}

struct document *document_new_null(void)
{
	return new_scalar(DOCUMENT_NULL, "null");
}

struct document *document_copy(const struct document *node)
{
	struct document *copy = document_new_at(node->kind, node->text,
		node->text ? strlen(node->text) : 0, node->line);

	for (size_t i = 0; i < node->n_entries; i++) {
		const struct entry *entry = &node->entries[i];
		document_add(copy, entry->key ? memory_text(entry->key) : NULL,
			entry->key_line, document_copy(entry->value));
	}
	return copy;
}

struct document *document_put(
	struct document *map, const char *key, struct document *taken_value)
{
	struct entry *entry = find_entry(map, key);

	if (!entry)
		return document_add(map, memory_text(key), 0, taken_value);
	document_free(entry->value);
	return entry->value = taken_value;
}

struct document *document_put_text(
	struct document *map, const char *key, const char *text)
{
	return document_put(map, key, document_new_text(text));
}

struct document *document_put_boolean(
	struct document *map, const char *key, bool value)
{
	return document_put(map, key, document_new_boolean(value));
}

struct document *document_put_instant(
	struct document *map, const char *key, struct instant at)
{
	char text[INSTANT_TEXT];

	return document_put_text(map, key, instant_format(at, text));
}

struct document *document_append(
	struct document *list, struct document *taken_value)
{
	return document_add(list, NULL, 0, taken_value);
}

struct document *document_edit(struct document *map, const char *key)
{
	struct entry *entry = find_entry(map, key);

	return entry ? entry->value : NULL;
}

void document_free(struct document *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n_entries; i++) {
		free(node->entries[i].key);
		document_free(node->entries[i].value);
	}
	free(node->entries);
	free(node);
}

/* -- one scalar -- */

/* What YAML takes for a line break or refuses to see unescaped: controls, DEL,
 * C1, the two separators, the byte order mark and the noncharacters. */
static bool must_escape(uint32_t rune)
{
	return rune < 0x20 || (rune >= 0x7f && rune <= 0x9f) ||
	       rune == 0x2028 || rune == 0x2029 || rune == 0xfeff ||
	       rune == 0xfffe || rune == 0xffff;
}

void document_quote(const char *text, struct buffer *quoted)
{
	static const char special[] = "\"\\\b\f\n\r\t", name[] = "\"\\bfnrt";
	const unsigned char *at = (const unsigned char *)text;

	buffer_add_byte(quoted, '"');
	while (*at) {
		uint32_t rune = 0;
		size_t len = utf8_decode(at, UTF8_MAX, &rune);
		const char *known = strchr(special, *at);
		if (len == 0)
			buffer_add_text(quoted, "\xef\xbf\xbd"); /* U+FFFD */
		else if (known) {
			buffer_add_byte(quoted, '\\');
			buffer_add_byte(quoted, name[known - special]);
		} else if (must_escape(rune))
			buffer_format(quoted, "\\u%04x", rune);
		else
			buffer_add(quoted, at, len);
		at += len ? len : 1;
	}
	buffer_add_byte(quoted, '"');
}
