/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/document_build.h"

static bool read_text(
	struct source *source, struct buffer *text, struct error *err)
{
	enum { STEP = 1 << 16 };

	for (;;) {
		char *room = buffer_room(text, STEP);
		size_t len;
		if (!source_read(source, room, STEP, &len, err))
			return false;
		if (len == 0)
			return true;
		buffer_wrote(text, len);
	}
}

/* A walk over text in the order of Jansson, which forgets the lines. */
struct walk {
	const char *at;
	unsigned line;
};

static void skip_blank(struct walk *walk)
{
	for (; *walk->at && strchr(" \t\r\n", *walk->at); walk->at++)
		walk->line += *walk->at == '\n';
}

static void skip_string(struct walk *walk)
{
	do
		walk->at += *walk->at == '\\' && walk->at[1] ? 2 : 1;
	while (*walk->at && *walk->at != '"');
	walk->at += *walk->at == '"';
}

static void skip_mark(struct walk *walk, char mark)
{
	skip_blank(walk);
	walk->at += *walk->at == mark;
}

/* Before Jansson, which recurses far deeper; text may be anything yet. */
static bool require_shallow(
	const char *text, const char *file, struct error *err)
{
	struct walk walk = {text, 1};
	unsigned depth = 0;

	for (skip_blank(&walk); *walk.at; skip_blank(&walk)) {
		if (*walk.at == '"') {
			skip_string(&walk);
			continue;
		}
		if (*walk.at == '{' || *walk.at == '[')
			depth++;
		else if (depth > 0 && (*walk.at == '}' || *walk.at == ']'))
			depth--;
		if (depth > DOCUMENT_DEPTH_MAX) {
			error_set(err, ERROR_INPUT, "nested more than %d deep",
				DOCUMENT_DEPTH_MAX);
			return error_at(err, file, walk.line);
		}
		walk.at++;
	}
	return true;
}

static struct document *build(struct walk *walk, json_t *value);

static struct document *build_map(struct walk *walk, json_t *object)
{
	struct document *map =
		document_new_at(DOCUMENT_MAP, NULL, 0, walk->line);
	const char *key;
	json_t *value;

	skip_mark(walk, '{');
	json_object_foreach(object, key, value)
	{
		skip_blank(walk);
		unsigned line = walk->line;
		skip_string(walk);
		skip_mark(walk, ':');
		document_add(map, memory_text(key), line, build(walk, value));
		skip_mark(walk, ',');
	}
	skip_mark(walk, '}');
	return map;
}

static struct document *build_list(struct walk *walk, json_t *array)
{
	struct document *list =
		document_new_at(DOCUMENT_LIST, NULL, 0, walk->line);

	skip_mark(walk, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		document_append(list, build(walk, json_array_get(array, i)));
		skip_mark(walk, ',');
	}
	skip_mark(walk, ']');
	return list;
}

/* A word or number, spelled as it stands. */
static struct document *build_plain(struct walk *walk, enum document_kind kind)
{
	const char *word = walk->at;

	walk->at += strcspn(walk->at, " \t\r\n,]}");
	return document_new_at(
		kind, word, (size_t)(walk->at - word), walk->line);
}

static struct document *build(struct walk *walk, json_t *value)
{
	skip_blank(walk);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return build_map(walk, value);
	case JSON_ARRAY:
		return build_list(walk, value);
	case JSON_STRING:
		skip_string(walk);
		return document_new_at(DOCUMENT_TEXT, json_string_value(value),
			json_string_length(value), walk->line);
	case JSON_INTEGER:
	case JSON_REAL:
		return build_plain(walk, DOCUMENT_NUMBER);
	case JSON_TRUE:
	case JSON_FALSE:
		return build_plain(walk, DOCUMENT_BOOLEAN);
	case JSON_NULL:
		return build_plain(walk, DOCUMENT_NULL);
	}
	abort();
}

bool json_read(
	struct source *source, struct document **ret_root, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	const char *file = source_name(source);
	json_error_t fault;
	json_t *root;

	if (!read_text(source, &text, err) ||
		!require_shallow(text.data, file, err))
		return false;
	root = json_loadb(text.data, text.len,
		JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &fault);
	if (!root) {
		error_set(err, ERROR_INPUT, "not JSON: %s", fault.text);
		return error_at(err, file, (unsigned)fault.line);
	}
	*ret_root = build(&(struct walk){text.data, 1}, root);
	json_decref(root);
	return true;
}

/* -- writing -- */

/* RFC 8259, 6: less than YAML takes for a number. */
static bool is_number(const char *text)
{
	static const char digits[] = "0123456789";
	size_t len;

	text += *text == '-';
	len = strspn(text, digits);
	if (len == 0 || (len > 1 && *text == '0'))
		return false;
	text += len;
	if (*text == '.') {
		len = strspn(text + 1, digits);
		if (len == 0)
			return false;
		text += 1 + len;
	}
	if (*text == 'e' || *text == 'E') {
		text += text[1] == '+' || text[1] == '-' ? 2 : 1;
		len = strspn(text, digits);
		if (len == 0)
			return false;
		text += len;
	}
	return !*text;
}

static void new_line(struct buffer *text, enum json_style style, size_t depth)
{
	if (style != JSON_INDENTED)
		return;
	buffer_add_byte(text, '\n');
	for (size_t i = 0; i < depth; i++)
		buffer_add_text(text, "  ");
}

static void write_node(const struct document *node, enum json_style style,
	size_t depth, struct buffer *text);

static void write_entries(const struct document *node, enum json_style style,
	size_t depth, struct buffer *text)
{
	bool is_map = document_kind(node) == DOCUMENT_MAP;
	size_t n = document_count(node);

	buffer_add_byte(text, is_map ? '{' : '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_add_byte(text, ',');
		new_line(text, style, depth + 1);
		if (is_map) {
			document_quote(document_key(node, i), text);
			buffer_add_text(
				text, style == JSON_INDENTED ? ": " : ":");
		}
		write_node(document_at(node, i), style, depth + 1, text);
	}
	if (n > 0)
		new_line(text, style, depth);
	buffer_add_byte(text, is_map ? '}' : ']');
}

static void write_node(const struct document *node, enum json_style style,
	size_t depth, struct buffer *text)
{
	switch (document_kind(node)) {
	case DOCUMENT_MAP:
	case DOCUMENT_LIST:
		write_entries(node, style, depth, text);
		return;
	case DOCUMENT_TEXT:
		document_quote(document_text(node), text);
		return;
	case DOCUMENT_NUMBER:
		if (is_number(document_text(node)))
			buffer_add_text(text, document_text(node));
		else
			document_quote(document_text(node), text);
		return;
	case DOCUMENT_BOOLEAN:
		buffer_add_text(
			text, document_boolean(node) ? "true" : "false");
		return;
	case DOCUMENT_NULL:
		buffer_add_text(text, "null");
		return;
	}
}

void json_write(
	const struct document *root, enum json_style style, struct buffer *text)
{
	write_node(root, style, 0, text);
}
