/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/manifest.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"

#define TEMPLATE_MAX ((size_t)1 << 20)

#define OPENING "${"
#define NAME_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

struct manifest {
	char *dir;		  /* or NULL */
	struct document *objects; /* a list */
	struct buffer names;	  /* of the templates so far, with commas */
	bool is_overridden;	  /* one of them by a file in dir */
};

/* -- filling in -- */

struct filling {
	const struct manifest_value *values;
	size_t n_values;
	const char *file;
};

static const char *value_of(
	const struct filling *filling, const char *name, size_t len)
{
	for (size_t i = 0; i < filling->n_values; i++)
		if (strlen(filling->values[i].name) == len &&
			memcmp(filling->values[i].name, name, len) == 0)
			return filling->values[i].text;
	return NULL;
}

static bool refuse_unknown(
	const struct filling *filling, const char *name, struct error *err)
{
	const char **names = memory_new(filling->n_values + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < filling->n_values; i++)
		names[i] = filling->values[i].name;
	near = nearest(name, names, filling->n_values);
	free(names);
	if (!near)
		return error_set(err, ERROR_INPUT,
			"placeholder \"${%s}\": unknown", name);
	return error_set(err, ERROR_INPUT,
		"placeholder \"${%s}\": unknown (did you mean \"${%s}\"?)",
		name, near);
}

/* Takes one placeholder off the front of *at. */
static bool fill_placeholder(const struct filling *filling, const char **at,
	struct buffer *text, struct error *err)
{
	const char *name = *at + strlen(OPENING);
	size_t len = strspn(name, NAME_BYTES);
	AUTO_TEXT copy = memory_text_n(name, len);
	const char *value;

	if (len == 0 || name[len] != '}')
		return error_set(err, ERROR_INPUT,
			"\"" OPENING "%s\": not a placeholder (${NAME}, in "
			"upper case)",
			copy);
	value = value_of(filling, name, len);
	if (!value)
		return refuse_unknown(filling, copy, err);
	buffer_add_text(text, value);
	*at = name + len + 1;
	return true;
}

static bool fill_text(const struct filling *filling,
	const struct document *node, struct document **ret_filled,
	struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	const char *at = document_text(node);

	for (const char *open; (open = strstr(at, OPENING));) {
		buffer_add(&text, at, (size_t)(open - at));
		at = open;
		if (!fill_placeholder(filling, &at, &text, err))
			return error_at(
				err, filling->file, document_line(node));
	}
	buffer_add_text(&text, at);
	*ret_filled = document_new_text(text.data);
	return true;
}

static bool require_plain_key(const struct filling *filling,
	const struct document *map, size_t i, struct error *err)
{
	const char *key = document_key(map, i);

	if (!strstr(key, OPENING))
		return true;
	error_set(err, ERROR_INPUT,
		"key \"%s\": a placeholder stands in values only", key);
	return error_at(err, filling->file, document_key_line(map, i));
}

static bool fill(const struct filling *filling, const struct document *node,
	struct document **ret_filled, struct error *err);

static bool fill_children(const struct filling *filling,
	const struct document *node, struct document *filled, struct error *err)
{
	bool is_map = document_kind(node) == DOCUMENT_MAP;

	for (size_t i = 0; i < document_count(node); i++) {
		struct document *child;

		if ((is_map && !require_plain_key(filling, node, i, err)) ||
			!fill(filling, document_at(node, i), &child, err))
			return false;
		if (is_map)
			document_put(filled, document_key(node, i), child);
		else
			document_append(filled, child);
	}
	return true;
}

static bool fill(const struct filling *filling, const struct document *node,
	struct document **ret_filled, struct error *err)
{
	AUTO_FREE(document) filled = NULL;

	switch (document_kind(node)) {
	case DOCUMENT_TEXT:
		return fill_text(filling, node, ret_filled, err);
	case DOCUMENT_NUMBER:
	case DOCUMENT_BOOLEAN:
	case DOCUMENT_NULL:
		*ret_filled = document_copy(node);
		return true;
	case DOCUMENT_MAP:
		filled = document_new_map();
		break;
	case DOCUMENT_LIST:
		filled = document_new_list();
		break;
	}
	if (!fill_children(filling, node, filled, err))
		return false;
	*ret_filled = take(&filled);
	return true;
}

/* -- objects -- */

static const struct document *name_of(const struct document *object)
{
	return document_find(document_find(object, "metadata"), "name");
}

static bool require_text(const struct document *node, const char *what,
	const struct document *object, const char *file, struct error *err)
{
	if (node)
		return document_require(node, DOCUMENT_TEXT, file, what, err);
	error_set(err, ERROR_INPUT, "%s: missing in an object", what);
	return error_at(err, file, document_line(object));
}

static bool require_object(
	const struct document *object, const char *file, struct error *err)
{
	return document_require(object, DOCUMENT_MAP, file, "document", err) &&
	       require_text(document_find(object, "apiVersion"), "apiVersion",
		       object, file, err) &&
	       require_text(document_find(object, "kind"), "kind", object, file,
		       err) &&
	       require_text(
		       name_of(object), "metadata.name", object, file, err);
}

static const char *text_at(const struct document *map, const char *key)
{
	const struct document *node = document_find(map, key);
	const char *text = node ? document_text(node) : NULL;

	return text ? text : "";
}

static bool is_same(const struct document *a, const struct document *b)
{
	return !strcmp(text_at(a, "kind"), text_at(b, "kind")) &&
	       !strcmp(document_text(name_of(a)), document_text(name_of(b))) &&
	       !strcmp(text_at(document_find(a, "metadata"), "namespace"),
		       text_at(document_find(b, "metadata"), "namespace"));
}

static bool require_new(const struct document *objects,
	const struct document *object, struct error *err)
{
	for (size_t i = 0; i < document_count(objects); i++)
		if (is_same(document_at(objects, i), object))
			return error_set(err, ERROR_INPUT,
				"%s \"%s\": made before, and would take its "
				"place",
				text_at(object, "kind"),
				document_text(name_of(object)));
	return true;
}

/* -- templates -- */

static const char *text_of(const char *name)
{
	const struct manifest_template *template = manifest_templates;

	while (template->name && strcmp(template->name, name) != 0)
		template ++;
	assert(template->name);
	return template->text;
}

static bool open_template(struct manifest *manifest, const char *name,
	struct source **ret_source, struct error *err)
{
	const char *text = text_of(name);
	AUTO_TEXT own = memory_format(
		"%s/%s.yaml", manifest->dir ? manifest->dir : "", name);
	AUTO_TEXT shipped = memory_format("templates/%s.yaml", name);

	buffer_format(&manifest->names, "%s%s.yaml",
		manifest->names.len ? ", " : "", name);
	if (manifest->dir && file_exists(AT_FDCWD, own)) {
		manifest->is_overridden = true;
		return source_open(own, TEMPLATE_MAX, ret_source, err);
	}
	*ret_source = source_of_text(shipped, text, strlen(text));
	return true;
}

static bool add_object(struct manifest *manifest, const struct filling *filling,
	const struct document *template, struct error *err)
{
	AUTO_FREE(document) object = NULL;

	if (!require_object(template, filling->file, err) ||
		!fill(filling, template, &object, err))
		return false;
	if (!require_new(manifest->objects, object, err))
		return error_at(
			err, filling->file, document_line(name_of(template)));
	document_append(manifest->objects, take(&object));
	return true;
}

bool manifest_new(
	const char *dir, struct manifest **ret_manifest, struct error *err)
{
	AUTO_FREE(manifest) manifest = NULL;
	AUTO_CLOSE fd = -1;

	if (dir && !directory_open(AT_FDCWD, dir, &fd, err))
		return false;
	manifest = memory_new(1, sizeof(*manifest));
	manifest->dir = dir ? memory_text(dir) : NULL;
	manifest->objects = document_new_list();
	manifest->names = (struct buffer)BUFFER_INIT;
	*ret_manifest = take(&manifest);
	return true;
}

bool manifest_add(struct manifest *manifest, const char *name,
	const struct manifest_value values[], size_t n_values,
	struct error *err)
{
	struct filling filling = {values, n_values, NULL};
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(document) list = NULL;

	if (!open_template(manifest, name, &source, err) ||
		!document_read_yaml_all(source, &list, err))
		return false;
	filling.file = source_name(source);
	for (size_t i = 0; i < document_count(list); i++)
		if (!add_object(manifest, &filling, document_at(list, i), err))
			return false;
	return true;
}

bool manifest_write(
	const struct manifest *manifest, struct buffer *text, struct error *err)
{
	if (manifest->dir && !manifest->is_overridden)
		return error_set(err, ERROR_INPUT,
			"\"%s\": has none of the templates that are used "
			"(%s)",
			manifest->dir, manifest->names.data);
	return document_write_yaml_all(manifest->objects, text, err);
}

void manifest_free(struct manifest *manifest)
{
	if (!manifest)
		return;
	document_free(manifest->objects);
	buffer_release(&manifest->names);
	free(manifest->dir);
	free(manifest);
}
