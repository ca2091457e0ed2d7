/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/document.h"
#include "base/plain.h"

static int collect(void *data, unsigned char *bytes, size_t len)
{
	buffer_add(data, bytes, len);
	return 1;
}

/* libyaml's own doubts are memory, and text that is not UTF-8. */
static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int is_made,
	struct error *err)
{
	if (!is_made)
		return error_set(err, ERROR_INPUT, "text is not UTF-8");
	if (yaml_emitter_emit(emitter, event))
		return true;
	return error_set(err, ERROR_FAILED, "YAML: %s",
		emitter->problem ? emitter->problem : "cannot be written");
}

/* Keys that stay text for every reader: letters first, nothing odd after. */
static bool is_plain_key(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_./";

	return isalpha((unsigned char)*text) && !text[strspn(text, safe)] &&
	       plain_kind(text) == DOCUMENT_TEXT;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text,
	bool is_plain, struct error *err)
{
	yaml_event_t event;
	int is_made = yaml_scalar_event_initialize(&event, NULL, NULL,
		(const yaml_char_t *)text, (int)strlen(text), is_plain,
		!is_plain,
		is_plain ? YAML_PLAIN_SCALAR_STYLE
			 : YAML_DOUBLE_QUOTED_SCALAR_STYLE);

	return emit(emitter, &event, is_made, err);
}

static bool emit_node(yaml_emitter_t *emitter, const struct document *node,
	struct error *err);

static bool emit_list(
	yaml_emitter_t *emitter, const struct document *list, struct error *err)
{
	yaml_event_t event;
	int is_made = yaml_sequence_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);

	if (!emit(emitter, &event, is_made, err))
		return false;
	for (size_t i = 0; i < document_count(list); i++)
		if (!emit_node(emitter, document_at(list, i), err))
			return false;
	is_made = yaml_sequence_end_event_initialize(&event);
	return emit(emitter, &event, is_made, err);
}

static bool emit_map(
	yaml_emitter_t *emitter, const struct document *map, struct error *err)
{
	yaml_event_t event;
	int is_made = yaml_mapping_start_event_initialize(
		&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);

	if (!emit(emitter, &event, is_made, err))
		return false;
	for (size_t i = 0; i < document_count(map); i++) {
		const char *key = document_key(map, i);
		if (!emit_scalar(emitter, key, is_plain_key(key), err) ||
			!emit_node(emitter, document_at(map, i), err))
			return false;
	}
	is_made = yaml_mapping_end_event_initialize(&event);
	return emit(emitter, &event, is_made, err);
}

static bool emit_node(
	yaml_emitter_t *emitter, const struct document *node, struct error *err)
{
	switch (document_kind(node)) {
	case DOCUMENT_MAP:
		return emit_map(emitter, node, err);
	case DOCUMENT_LIST:
		return emit_list(emitter, node, err);
	case DOCUMENT_TEXT:
		return emit_scalar(emitter, document_text(node), false, err);
	case DOCUMENT_NUMBER:
		return emit_scalar(emitter, document_text(node), true, err);
	case DOCUMENT_BOOLEAN:
		return emit_scalar(emitter,
			document_boolean(node) ? "true" : "false", true, err);
	case DOCUMENT_NULL:
		return emit_scalar(emitter, "null", true, err);
	}
	abort();
}

static bool emit_document(
	yaml_emitter_t *emitter, const struct document *root, struct error *err)
{
	yaml_event_t event;
	int is_made =
		yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);

	if (!emit(emitter, &event, is_made, err))
		return false;
	is_made = yaml_document_start_event_initialize(
		&event, NULL, NULL, NULL, 1);
	if (!emit(emitter, &event, is_made, err) ||
		!emit_node(emitter, root, err))
		return false;
	is_made = yaml_document_end_event_initialize(&event, 1);
	if (!emit(emitter, &event, is_made, err))
		return false;
	is_made = yaml_stream_end_event_initialize(&event);
	return emit(emitter, &event, is_made, err);
}

bool document_write_yaml(
	const struct document *root, struct buffer *text, struct error *err)
{
	AUTO_RELEASE(buffer) written = BUFFER_INIT;
	yaml_emitter_t emitter;
	bool done;

	if (!yaml_emitter_initialize(&emitter))
		memory_exhausted();
	yaml_emitter_set_output(&emitter, collect, &written);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	done = emit_document(&emitter, root, err);
	yaml_emitter_delete(&emitter);
	if (done)
		buffer_add(text, written.data, written.len);
	return done;
}

bool document_write_yaml_all(
	const struct document *list, struct buffer *text, struct error *err)
{
	AUTO_RELEASE(buffer) written = BUFFER_INIT;

	for (size_t i = 0; i < document_count(list); i++) {
		if (i > 0)
			buffer_add_text(&written, "---\n");
		if (!document_write_yaml(document_at(list, i), &written, err))
			return false;
	}
	buffer_add(text, written.data, written.len);
	return true;
}
