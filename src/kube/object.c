/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/object.h"

#include <string.h>

/* Kubernetes: cluster-bootstrap/token/api, client-go/tools/clientcmd/api */
static const char *const secret_keys[] = {
	"token-secret", "client-key-data", "token", "password"};

struct reading {
	const char *file;
	const struct redacted *redacted;
	object_visit *visit;
	void *data;
};

bool object_field(const struct object *object, const struct document *map,
	const char *key, enum document_kind kind,
	const struct document **ret_field, struct error *err)
{
	const struct document *node = document_find(map, key);

	*ret_field = NULL;
	if (!node || document_kind(node) == DOCUMENT_NULL)
		return true;
	if (!document_require(node, kind, object->file, key, err))
		return false;
	*ret_field = node;
	return true;
}

bool object_text(const struct object *object, const struct document *map,
	const char *key, const char **ret_text, struct error *err)
{
	const struct document *node;

	*ret_text = NULL;
	if (!object_field(object, map, key, DOCUMENT_TEXT, &node, err))
		return false;
	if (node)
		*ret_text = document_text(node);
	return true;
}

static bool read_frame(
	struct object *out, const struct document *root, struct error *err)
{
	const struct document *metadata;

	if (!document_require(root, DOCUMENT_MAP, out->file, "object", err) ||
		!object_text(out, root, "apiVersion", &out->api_version, err) ||
		!object_text(out, root, "kind", &out->kind, err) ||
		!object_field(
			out, root, "metadata", DOCUMENT_MAP, &metadata, err) ||
		!object_text(out, metadata, "name", &out->name, err) ||
		!object_text(out, metadata, "namespace", &out->namespace, err))
		return false;
	if (!out->name)
		out->name = "";
	if (!out->namespace)
		out->namespace = "";
	return true;
}

/* `of` is what an item may leave out, which is in a list of one kind. */
static bool read_object(const struct reading *reading,
	const struct document *root, const struct object *of, struct error *err)
{
	struct object object = {.root = root,
		.file = reading->file,
		.line = document_line(root),
		.redacted = reading->redacted};

	if (!read_frame(&object, root, err))
		return false;
	if (of && !object.kind)
		object.kind = of->kind;
	if (of && !object.api_version)
		object.api_version = of->api_version;
	if (object.kind && object.api_version)
		return reading->visit(reading->data, &object, err);
	error_set(err, ERROR_INPUT, "object: no %s",
		object.kind ? "apiVersion" : "kind");
	return error_at(err, reading->file, object.line);
}

static bool is_list(const char *kind, size_t *ret_len)
{
	size_t len = kind ? strlen(kind) : 0;

	if (len < 4 || strcmp(kind + len - 4, "List") != 0)
		return false;
	*ret_len = len - 4;
	return true;
}

static bool read_items(const struct reading *reading,
	const struct document *items, const struct object *of,
	struct error *err)
{
	for (size_t i = 0; items && i < document_count(items); i++)
		if (!read_object(reading, document_at(items, i), of, err))
			return false;
	return true;
}

/* "RoleBindingList" says what its items need not; "List" says nothing. */
static bool read_list(const struct reading *reading, const struct object *list,
	size_t len, struct error *err)
{
	AUTO_TEXT kind = memory_text_n(list->kind, len);
	const struct object of = {
		.kind = kind, .api_version = list->api_version};
	const struct document *items;

	return object_field(
		       list, list->root, "items", DOCUMENT_LIST, &items, err) &&
	       read_items(reading, items, len ? &of : NULL, err);
}

static bool read_document(const struct reading *reading,
	const struct document *root, struct error *err)
{
	struct object object = {.root = root, .file = reading->file};
	size_t len;

	if (!read_frame(&object, root, err))
		return false;
	if (is_list(object.kind, &len) && document_find(root, "items"))
		return read_list(reading, &object, len, err);
	return read_object(reading, root, NULL, err);
}

bool objects_read(struct source *source, object_visit *visit, void *data,
	struct error *err)
{
	AUTO_FREE(redacted) redacted = NULL;
	AUTO_FREE(document) list = NULL;
	struct reading reading = {
		.file = source_name(source), .visit = visit, .data = data};

	if (!redact(source, secret_keys, ARRAY_SIZE(secret_keys), &redacted,
		    err) ||
		!redacted_parse_all(redacted, &list, err))
		return false;
	reading.redacted = redacted;
	for (size_t i = 0; i < document_count(list); i++)
		if (!read_document(&reading, document_at(list, i), err))
			return false;
	return true;
}
