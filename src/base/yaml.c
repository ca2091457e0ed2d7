/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/document.h"

#include <limits.h>
#include <string.h>
#include <yaml.h>

#include "base/document_build.h"
#include "base/plain.h"

/* Of one tree; and of text between two nodes, which libyaml would hold. */
#define TEXT_MAX ((size_t)16 << 20)
#define NODES_MAX ((size_t)1 << 20)

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the one at hand, until next() */
	struct source *source;
	const char *file;
	struct error *err;
	size_t pending;		  /* bytes read since the last event */
	size_t text_len, n_nodes; /* of the tree at hand */
	unsigned depth;
	/* Lists handed on item by item, under these keys of the root. */
	const char *const *keys;
	size_t n_keys;
	document_item *item;
	void *data;
};

static void reader_release(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
}
DEFINE_AUTO_RELEASE(reader)

static unsigned line_of(const yaml_mark_t *mark)
{
	return mark->line < UINT_MAX ? (unsigned)mark->line + 1 : UINT_MAX;
}

static bool refuse_at(struct reader *reader, unsigned line, const char *format,
	...) PRINTF(3, 4);
static bool refuse_at(
	struct reader *reader, unsigned line, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	error_set(reader->err, ERROR_INPUT, "%s", sentence);
	return error_at(reader->err, reader->file, line);
}

static bool refuse(struct reader *reader, const char *sentence)
{
	unsigned line = line_of(&reader->event.start_mark);

	return refuse_at(reader, line, "%s", sentence);
}

/* For libyaml: 1 is success, and no bytes are the end. */
static int feed(void *data, unsigned char *bytes, size_t size, size_t *ret_size)
{
	struct reader *reader = data;

	if (!source_read(reader->source, bytes, size, ret_size, reader->err))
		return 0;
	reader->pending += *ret_size;
	return reader->pending <= TEXT_MAX;
}

/* libyaml knows no line for a bad byte: it stands behind what was decoded and
 * not scanned yet. */
static unsigned undecoded_line(const yaml_parser_t *parser)
{
	unsigned line = line_of(&parser->mark);

	for (const unsigned char *at = parser->buffer.pointer;
		at < parser->buffer.last; at++)
		line += *at == '\n';
	return line;
}

static bool parse_failed(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const char *problem = parser->problem ? parser->problem : "no event";

	if (reader->err->kind != ERROR_NONE)
		return false;
	if (parser->error == YAML_MEMORY_ERROR)
		memory_exhausted();
	if (reader->pending > TEXT_MAX)
		return refuse_at(reader, line_of(&parser->mark),
			"more than 16 MiB in one piece");
	if (parser->error == YAML_READER_ERROR)
		return refuse_at(reader, undecoded_line(parser), "not YAML: %s",
			problem);
	return refuse_at(reader, line_of(&parser->problem_mark),
		"not YAML: %s%s%s", problem, parser->context ? " " : "",
		parser->context ? parser->context : "");
}

/* What would be a second way to say a thing, or another type than it looks. */
static bool check_plainness(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch ((int)event->type) {
	case YAML_ALIAS_EVENT:
		return refuse(reader, "an alias (*) is not allowed");
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	}
	if (anchor)
		return refuse(reader, "an anchor (&) is not allowed");
	return !tag || refuse(reader, "a tag (!) is not allowed");
}

/* A parser in error answers success and no event for ever. */
static bool next(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event) ||
		reader->event.type == YAML_NO_EVENT)
		return parse_failed(reader);
	reader->pending = 0;
	return check_plainness(reader);
}

/* Counts the node at hand against the bounds of a tree. */
static bool charge(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;

	if (event->type == YAML_SCALAR_EVENT)
		reader->text_len += event->data.scalar.length;
	if (++reader->n_nodes > NODES_MAX)
		return refuse(reader, "more than 1048576 nodes in one tree");
	return reader->text_len <= TEXT_MAX ||
	       refuse(reader, "more than 16 MiB of text in one tree");
}

static enum document_kind event_kind(const yaml_event_t *event)
{
	if (event->type == YAML_MAPPING_START_EVENT)
		return DOCUMENT_MAP;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return DOCUMENT_LIST;
	if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return plain_kind((const char *)event->data.scalar.value);
	return DOCUMENT_TEXT;
}

static bool check_text(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const char *text = (const char *)event->data.scalar.value;

	return strlen(text) == event->data.scalar.length ||
	       refuse(reader, "a NUL in text is not allowed");
}

/* A node without what is in it, from the event at hand. */
static bool read_head(struct reader *reader, struct document **ret_node)
{
	const yaml_event_t *event = &reader->event;
	const char *text = NULL;
	size_t len = 0;

	if (!charge(reader))
		return false;
	if (event->type == YAML_SCALAR_EVENT) {
		if (!check_text(reader))
			return false;
		text = (const char *)event->data.scalar.value;
		len = event->data.scalar.length;
	}
	*ret_node = document_new_at(
		event_kind(event), text, len, line_of(&event->start_mark));
	return true;
}

static bool read_node(struct reader *reader, struct document **ret_node);

/* `true: 1` and `<<: {…}` are not what they look like. */
static bool read_key(struct reader *reader, char **ret_key, unsigned *ret_line)
{
	const yaml_event_t *event = &reader->event;
	const char *key = (const char *)event->data.scalar.value;
	enum document_kind kind;

	if (event->type != YAML_SCALAR_EVENT)
		return refuse(reader, "a key must be text");
	kind = event_kind(event);
	*ret_line = line_of(&event->start_mark);
	if (kind != DOCUMENT_TEXT)
		return refuse_at(reader, *ret_line,
			"key \"%s\": must be text, is %s (quote it)", key,
			document_kind_name(kind));
	if (strcmp(key, "<<") == 0 &&
		event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return refuse(reader, "a merge key (<<) is not allowed");
	if (!charge(reader) || !check_text(reader))
		return false;
	*ret_key = memory_text_n(key, event->data.scalar.length);
	return next(reader);
}

static bool is_end(const struct reader *reader)
{
	return reader->event.type == YAML_MAPPING_END_EVENT ||
	       reader->event.type == YAML_SEQUENCE_END_EVENT;
}

static bool descend(struct reader *reader)
{
	if (reader->depth == DOCUMENT_DEPTH_MAX)
		return refuse(reader, "nested more than 64 deep");
	reader->depth++;
	return true;
}

static bool read_items(struct reader *reader, const char *key)
{
	size_t text_len = reader->text_len, n_nodes = reader->n_nodes;

	if (!descend(reader))
		return false;
	while (next(reader)) {
		AUTO_FREE(document) item = NULL;

		reader->text_len = text_len;
		reader->n_nodes = n_nodes;
		if (is_end(reader)) {
			reader->depth--;
			return true;
		}
		if (!read_node(reader, &item) ||
			!reader->item(reader->data, key, item, reader->err))
			return false;
	}
	return false;
}

static bool is_streamed(const struct reader *reader, const char *key)
{
	if (reader->depth != 1 || !key ||
		reader->event.type != YAML_SEQUENCE_START_EVENT)
		return false;
	for (size_t i = 0; i < reader->n_keys; i++)
		if (strcmp(reader->keys[i], key) == 0)
			return true;
	return false;
}

static bool read_value(
	struct reader *reader, const char *key, struct document **ret_value)
{
	AUTO_FREE(document) list = NULL;

	if (!is_streamed(reader, key))
		return read_node(reader, ret_value);
	if (!read_head(reader, &list) || !read_items(reader, key))
		return false;
	*ret_value = take(&list);
	return true;
}

static bool read_children(struct reader *reader, struct document *node)
{
	bool is_map = document_kind(node) == DOCUMENT_MAP;

	if (!descend(reader))
		return false;
	while (next(reader)) {
		AUTO_TEXT key = NULL;
		struct document *child;
		unsigned key_line = 0;

		if (is_end(reader)) {
			reader->depth--;
			return !is_map || document_require_unique(node,
						  reader->file, reader->err);
		}
		if ((is_map && !read_key(reader, &key, &key_line)) ||
			!read_value(reader, key, &child))
			return false;
		document_add(node, take(&key), key_line, child);
	}
	return false;
}

/* Begins at the event at hand and ends at the node's last. */
static bool read_node(struct reader *reader, struct document **ret_node)
{
	AUTO_FREE(document) node = NULL;

	if (!read_head(reader, &node))
		return false;
	if (!document_text(node) && !read_children(reader, node))
		return false;
	*ret_node = take(&node);
	return true;
}

/* Begins at a document's start, and ends at what comes behind it. */
static bool read_document(struct reader *reader, struct document **ret_root)
{
	const yaml_event_t *event = &reader->event;
	AUTO_FREE(document) root = NULL;

	if (event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		return refuse(reader, "a %TAG directive is not allowed");
	if (!next(reader) || !read_node(reader, &root) || !next(reader) ||
		!next(reader))
		return false;
	*ret_root = take(&root);
	return true;
}

static bool begin_stream(struct reader *reader)
{
	if (!next(reader) || !next(reader))
		return false;
	return reader->event.type != YAML_STREAM_END_EVENT ||
	       refuse(reader, "no document in it");
}

static bool read_single(struct reader *reader, struct document **ret_root)
{
	AUTO_FREE(document) root = NULL;

	if (!begin_stream(reader) || !read_document(reader, &root))
		return false;
	if (reader->event.type != YAML_STREAM_END_EVENT)
		return refuse(reader, "more than one document");
	*ret_root = take(&root);
	return true;
}

/* Nothing stands between two lines of "---". */
static bool is_empty(const struct document *root)
{
	const char *text = document_text(root);

	return document_kind(root) == DOCUMENT_NULL && !*text;
}

static bool read_each(struct reader *reader, struct document **ret_list)
{
	AUTO_FREE(document) list = document_new_list();

	if (!begin_stream(reader))
		return false;
	while (reader->event.type != YAML_STREAM_END_EVENT) {
		AUTO_FREE(document) root = NULL;

		if (!read_document(reader, &root))
			return false;
		if (!is_empty(root))
			document_append(list, take(&root));
	}
	if (document_count(list) == 0)
		return refuse(reader, "no document in it");
	*ret_list = take(&list);
	return true;
}

static void begin(
	struct reader *reader, struct source *source, struct error *err)
{
	reader->source = source;
	reader->file = source_name(source);
	reader->err = err;
	if (!yaml_parser_initialize(&reader->parser))
		memory_exhausted();
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input(&reader->parser, feed, reader);
}

bool document_read_yaml(
	struct source *source, struct document **ret_root, struct error *err)
{
	AUTO_RELEASE(reader) reader = {0};

	begin(&reader, source, err);
	return read_single(&reader, ret_root);
}

bool document_read_yaml_all(
	struct source *source, struct document **ret_list, struct error *err)
{
	AUTO_RELEASE(reader) reader = {0};

	begin(&reader, source, err);
	return read_each(&reader, ret_list);
}

bool document_read_yaml_items(struct source *source, const char *const keys[],
	size_t n_keys, document_item *item, void *data,
	struct document **ret_root, struct error *err)
{
	AUTO_FREE(document) root = NULL;
	AUTO_RELEASE(reader) reader = {0};

	reader.keys = keys;
	reader.n_keys = n_keys;
	reader.item = item;
	reader.data = data;
	begin(&reader, source, err);
	if (!read_single(&reader, &root) ||
		!document_require(
			root, DOCUMENT_MAP, reader.file, "document", err))
		return false;
	*ret_root = take(&root);
	return true;
}
