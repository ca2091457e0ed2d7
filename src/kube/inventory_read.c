/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/inventory_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/json.h"
#include "base/plain.h"

#define OWN_VERSION "kpki/v1"
#define OWN_KIND "NodeInventory"

/* -- plain text -- */

static void cut_comment(char *line)
{
	for (char *at = line; *at; at++) {
		if (*at != '#' ||
			(at > line && !isblank((unsigned char)at[-1])))
			continue;
		*at = '\0';
		return;
	}
}

static bool read_line(struct inventory *inventory, const char *line,
	unsigned number, struct error *err)
{
	AUTO_TEXT text = memory_text(line);
	char *rest = NULL, *word;

	cut_comment(text);
	word = strtok_r(text, " \t", &rest);
	if (!word)
		return true;
	if (!inventory_begin(inventory, word, number, err))
		return false;
	while ((word = strtok_r(NULL, " \t", &rest)))
		if (!inventory_address(inventory, word, number,
			    INVENTORY_REPEAT_REFUSED, err))
			return false;
	inventory_end(inventory);
	return true;
}

static bool read_lines(
	struct source *source, struct inventory *inventory, struct error *err)
{
	for (;;) {
		const char *line = NULL;
		unsigned number = 0;

		if (!source_line(source, &line, &number, err))
			return false;
		if (!line)
			return true;
		if (!read_line(inventory, line, number, err))
			return false;
	}
}

/* -- documents -- */

struct reader {
	struct inventory *inventory;
	const char *file;
	unsigned untyped_line; /* of the first item that has no kind */
};

/* What stands under a key of a map and is of one kind; `path` is what messages
 * call it. */
static bool require_field(const struct reader *reader,
	const struct document *map, const char *path, enum document_kind kind,
	const struct document **ret_field, struct error *err)
{
	const char *dot = strrchr(path, '.');
	const struct document *field = document_find(map, dot ? dot + 1 : path);

	if (field) {
		*ret_field = field;
		return document_require(field, kind, reader->file, path, err);
	}
	error_set(err, ERROR_INPUT, "%s: missing", path);
	return error_at(err, reader->file, document_line(map));
}

static bool own_addresses(const struct reader *reader,
	const struct document *list, struct error *err)
{
	if (!document_require(
		    list, DOCUMENT_LIST, reader->file, "addresses", err))
		return false;
	for (size_t i = 0; i < document_count(list); i++) {
		const struct document *address = document_at(list, i);

		if (!document_require(address, DOCUMENT_TEXT, reader->file,
			    "address", err))
			return false;
		if (!inventory_address(reader->inventory,
			    document_text(address), document_line(address),
			    INVENTORY_REPEAT_REFUSED, err))
			return false;
	}
	return true;
}

static bool own_node(const struct reader *reader, const struct document *item,
	struct error *err)
{
	static const char *const keys[] = {"name", "addresses"};
	const struct document *name, *addresses;

	if (!document_require(item, DOCUMENT_MAP, reader->file, "node", err) ||
		!document_require_keys(
			item, keys, ARRAY_SIZE(keys), reader->file, err) ||
		!require_field(reader, item, "name", DOCUMENT_TEXT, &name, err))
		return false;
	if (!inventory_begin(reader->inventory, document_text(name),
		    document_line(name), err))
		return false;
	addresses = document_find(item, "addresses");
	if (addresses && !own_addresses(reader, addresses, err))
		return false;
	inventory_end(reader->inventory);
	return true;
}

/* Kubernetes: core/v1, NodeAddressType */
static const char *const address_types[] = {
	"InternalIP",
	"ExternalIP",
	"Hostname",
	"InternalDNS",
	"ExternalDNS",
};

static bool require_type(const struct reader *reader,
	const struct document *type, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(address_types); i++)
		if (strcmp(document_text(type), address_types[i]) == 0)
			return true;
	error_set(err, ERROR_INPUT,
		"status.addresses.type \"%s\": unknown (Kubernetes: "
		"NodeAddressType)",
		document_text(type));
	return error_at(err, reader->file, document_line(type));
}

static bool object_address(const struct reader *reader,
	const struct document *item, struct error *err)
{
	const struct document *type, *address;
	AUTO_TEXT text = NULL;

	if (!document_require(item, DOCUMENT_MAP, reader->file,
		    "status.addresses", err) ||
		!require_field(reader, item, "status.addresses.type",
			DOCUMENT_TEXT, &type, err) ||
		!require_field(reader, item, "status.addresses.address",
			DOCUMENT_TEXT, &address, err) ||
		!require_type(reader, type, err))
		return false;
	text = memory_text(document_text(address));
	for (char *at = text; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at += 'a' - 'A';
	/* Kubernetes: pkg/kubelet/certificate, addressesToHostnamesAndIPs */
	if (!*text)
		return true;
	return inventory_address(reader->inventory, text,
		document_line(address), INVENTORY_REPEAT_COUNTS_ONCE, err);
}

static bool object_addresses(const struct reader *reader,
	const struct document *list, struct error *err)
{
	if (!document_require(
		    list, DOCUMENT_LIST, reader->file, "status.addresses", err))
		return false;
	for (size_t i = 0; i < document_count(list); i++)
		if (!object_address(reader, document_at(list, i), err))
			return false;
	return true;
}

/* An item of a NodeList does not say what it is (as `kubectl get --raw` shows
 * it), an item of a List must. */
static bool require_node_kind(
	struct reader *reader, const struct document *item, struct error *err)
{
	if (document_find(item, "kind") || document_find(item, "apiVersion"))
		return document_require_kind(
			item, "v1", "Node", reader->file, err);
	if (reader->untyped_line == 0)
		reader->untyped_line = document_line(item);
	return true;
}

static bool object_node(
	struct reader *reader, const struct document *item, struct error *err)
{
	const struct document *metadata, *name, *addresses;

	if (!document_require(item, DOCUMENT_MAP, reader->file, "item", err) ||
		!require_node_kind(reader, item, err) ||
		!require_field(reader, item, "metadata", DOCUMENT_MAP,
			&metadata, err) ||
		!require_field(reader, metadata, "metadata.name", DOCUMENT_TEXT,
			&name, err))
		return false;
	if (!inventory_begin(reader->inventory, document_text(name),
		    document_line(name), err))
		return false;
	addresses = document_find(document_find(item, "status"), "addresses");
	if (addresses && !object_addresses(reader, addresses, err))
		return false;
	inventory_end(reader->inventory);
	return true;
}

/* The root's kind may stand behind the items, as kubectl writes it: the list's
 * key tells what they are, and the kind is held to it at the end. */
static bool read_item(void *data, const char *key, const struct document *item,
	struct error *err)
{
	struct reader *reader = data;

	return strcmp(key, "nodes") == 0 ? own_node(reader, item, err)
					 : object_node(reader, item, err);
}

static const char *const list_keys[] = {"nodes", "items"};

static bool check_own(const struct reader *reader, const struct document *root,
	struct error *err)
{
	static const char *const keys[] = {"apiVersion", "kind", "nodes"};
	const struct document *nodes;

	return document_require_kind(
		       root, OWN_VERSION, OWN_KIND, reader->file, err) &&
	       document_require_keys(
		       root, keys, ARRAY_SIZE(keys), reader->file, err) &&
	       require_field(reader, root, "nodes", DOCUMENT_LIST, &nodes, err);
}

static bool check_list(const struct reader *reader, const struct document *root,
	const char *kind, struct error *err)
{
	const struct document *items;

	if (!document_require_kind(root, "v1", kind, reader->file, err) ||
		!require_field(
			reader, root, "items", DOCUMENT_LIST, &items, err))
		return false;
	if (reader->untyped_line == 0 || strcmp(kind, "NodeList") == 0)
		return true;
	error_set(err, ERROR_INPUT, "kind: missing");
	return error_at(err, reader->file, reader->untyped_line);
}

static bool check_root(
	struct reader *reader, const struct document *root, struct error *err)
{
	const struct document *kind = document_find(root, "kind");
	const char *version = NULL, *word;

	if (document_find(root, "apiVersion"))
		version = document_text(document_find(root, "apiVersion"));
	if (document_find(root, "nodes") ||
		(version && strcmp(version, OWN_VERSION) == 0))
		return check_own(reader, root, err);
	if (!require_field(reader, root, "kind", DOCUMENT_TEXT, &kind, err))
		return false;
	word = document_text(kind);
	if (strcmp(word, "List") == 0 || strcmp(word, "NodeList") == 0)
		return check_list(reader, root, word, err);
	if (strcmp(word, "Node") == 0 && !document_find(root, "items"))
		return object_node(reader, root, err);
	error_set(err, ERROR_INPUT,
		"kind \"%s\": not NodeInventory (kpki/v1), List, NodeList or "
		"Node (v1)",
		word);
	return error_at(err, reader->file, document_line(kind));
}

static bool read_yaml(
	struct source *source, struct inventory *inventory, struct error *err)
{
	struct reader reader = {inventory, source_name(source), 0};
	AUTO_FREE(document) root = NULL;

	return document_read_yaml_items(source, list_keys,
		       ARRAY_SIZE(list_keys), read_item, &reader, &root, err) &&
	       check_root(&reader, root, err);
}

static bool read_json(
	struct source *source, struct inventory *inventory, struct error *err)
{
	struct reader reader = {inventory, source_name(source), 0};
	AUTO_FREE(document) root = NULL;

	if (!json_read(source, &root, err) ||
		!document_require(
			root, DOCUMENT_MAP, reader.file, "inventory", err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(list_keys); i++) {
		const struct document *list = document_find(root, list_keys[i]);

		if (!list || document_kind(list) != DOCUMENT_LIST)
			continue;
		for (size_t j = 0; j < document_count(list); j++)
			if (!read_item(&reader, list_keys[i],
				    document_at(list, j), err))
				return false;
	}
	return check_root(&reader, root, err);
}

/* -- which shape -- */

/* As much as source_peek shows. */
#define WINDOW 4096

static bool is_white(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t skip_comments(const char *bytes, size_t len)
{
	bool comment = false;
	size_t at;

	for (at = 0; at < len; at++) {
		if (bytes[at] == '\n')
			comment = false;
		else if (bytes[at] == '#')
			comment = true;
		else if (!comment && !is_white(bytes[at]))
			break;
	}
	return at;
}

typedef bool read_shape(
	struct source *source, struct inventory *inventory, struct error *err);

static read_shape *shape_of(const char *bytes, size_t len)
{
	size_t word = 0;

	while (word < len && !is_white(bytes[word]))
		word++;
	if (word == 0)
		return read_lines;
	if (bytes[0] == '{' || bytes[0] == '[')
		return read_json;
	if (bytes[0] == '%' || bytes[word - 1] == ':' ||
		(word == 1 && bytes[0] == '-') ||
		(word >= 3 && memcmp(bytes, "---", 3) == 0))
		return read_yaml;
	return read_lines;
}

/* "null" is what a filter prints that found nothing, and no node. */
static bool require_text(const struct source *source, const char *bytes,
	size_t len, size_t start, struct error *err)
{
	size_t end = start;
	unsigned line = 1;
	AUTO_TEXT word = NULL;
	enum document_kind kind;

	while (end < len && !is_white(bytes[end]))
		end++;
	if (end == start || len >= WINDOW ||
		end + skip_comments(bytes + end, len - end) < len)
		return true;
	word = memory_text_n(bytes + start, end - start);
	kind = plain_kind(word);
	if (kind == DOCUMENT_TEXT || !*word)
		return true;
	for (size_t i = 0; i < start; i++)
		line += bytes[i] == '\n';
	error_set(err, ERROR_INPUT, "\"%s\" alone is %s and names no node",
		word, document_kind_name(kind));
	return error_at(err, source_name(source), line);
}

static bool read_nodes(
	struct source *source, struct inventory *inventory, struct error *err)
{
	read_shape *shape;
	const char *bytes;
	size_t len, start;

	if (!source_peek(source, &bytes, &len, err))
		return false;
	start = skip_comments(bytes, len);
	if (start == len && len >= WINDOW) {
		error_set(err, ERROR_INPUT,
			"the first %d bytes are comments: what follows them "
			"cannot be told apart",
			WINDOW);
		return error_at(err, source_name(source), 0);
	}
	shape = shape_of(bytes + start, len - start);
	return (shape != read_lines ||
		       require_text(source, bytes, len, start, err)) &&
	       shape(source, inventory, err);
}

bool inventory_read(struct source *source, struct inventory **ret_inventory,
	struct error *err)
{
	AUTO_FREE(inventory) inventory = inventory_new(source_name(source));

	if (!read_nodes(source, inventory, err))
		return false;
	if (inventory_count(inventory) == 0) {
		error_set(err, ERROR_INPUT, "the inventory has no nodes");
		return error_at(err, source_name(source), 0);
	}
	if (!inventory_seal(inventory, err))
		return false;
	*ret_inventory = take(&inventory);
	return true;
}

bool inventory_read_list(const struct document *list, const char *file,
	struct inventory **ret_inventory, struct error *err)
{
	AUTO_FREE(inventory) inventory = inventory_new(file);
	const struct reader reader = {inventory, file, 0};

	for (size_t i = 0; i < document_count(list); i++)
		if (!own_node(&reader, document_at(list, i), err))
			return false;
	if (!inventory_seal(inventory, err))
		return false;
	*ret_inventory = take(&inventory);
	return true;
}
