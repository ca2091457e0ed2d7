/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/csr_approver.h"

#include <string.h>

#include "base/document.h"

#define VARIABLE_MAX ((size_t)128 * 1024 - 64)
#define CONFIG_MAP_MAX ((size_t)1 << 20)
/* It takes no longer one. */
#define VALIDITY_MAX (367 * SPAN_DAY)

/* The values as they grow, node by node. */
struct values {
	struct buffer names, prefixes;
	size_t names_most, map_len;
};

static void values_release(struct values *values)
{
	buffer_release(&values->names);
	buffer_release(&values->prefixes);
}
DEFINE_AUTO_RELEASE(values)

static void add_comma(struct buffer *list)
{
	if (list->len > 0)
		buffer_add_byte(list, ',');
}

static void add_name(struct buffer *names, const char *name)
{
	if (names->len > 0)
		buffer_add_byte(names, '|');
	for (; *name; name++) {
		if (*name == '.')
			buffer_add_byte(names, '\\');
		buffer_add_byte(names, *name);
	}
}

static void add_prefix(struct buffer *prefixes, const char *address)
{
	add_comma(prefixes);
	buffer_format(
		prefixes, "%s/%d", address, strchr(address, ':') ? 128 : 32);
}

static void add_address(struct values *values, const char *address,
	size_t *n_names, struct buffer *all)
{
	add_comma(all);
	buffer_add_text(all, address);
	if (address_kind(address) == ADDRESS_IP) {
		add_prefix(&values->prefixes, address);
		return;
	}
	add_name(&values->names, address);
	++*n_names;
}

static void add_node(
	struct values *values, const struct node *node, struct document *map)
{
	AUTO_RELEASE(buffer) all = BUFFER_INIT;
	size_t n_names = 0;

	add_address(values, node->name, &n_names, &all);
	for (size_t i = 0; i < node->n_addresses; i++)
		add_address(values, node_address(node, i), &n_names, &all);
	if (n_names > values->names_most)
		values->names_most = n_names;
	document_put_text(map, node->name, all.data);
	values->map_len += strlen(node->name) + all.len;
}

static bool check_size(const char *what, size_t len, size_t most,
	const char *limit, struct error *err)
{
	return len <= most ||
	       error_set(err, ERROR_INPUT, "%s of %zu bytes: longer than %s",
		       what, len, limit);
}

static bool check_sizes(const struct values *values, struct error *err)
{
	return check_size("PROVIDER_REGEX", values->names.len, VARIABLE_MAX,
		       "an environment variable can be", err) &&
	       check_size("PROVIDER_IP_PREFIXES", values->prefixes.len,
		       VARIABLE_MAX, "an environment variable can be", err) &&
	       check_size("ConfigMap \"kpki-node-addresses\"", values->map_len,
		       CONFIG_MAP_MAX, "the API server takes, 1 MiB", err);
}

/* Its data, to be filled. */
static struct document *add_config_map(struct document *list, const char *name)
{
	struct document *map = document_append(list, document_new_map());
	struct document *metadata;

	document_put_text(map, "apiVersion", "v1");
	document_put_text(map, "kind", "ConfigMap");
	metadata = document_put(map, "metadata", document_new_map());
	document_put_text(metadata, "name", name);
	document_put_text(metadata, "namespace", "kube-system");
	return document_put(map, "data", document_new_map());
}

static void put_settings(const struct cluster *cluster,
	const struct values *values, struct document *data)
{
	int64_t validity = cluster->validity < VALIDITY_MAX ? cluster->validity
							    : VALIDITY_MAX;
	AUTO_TEXT regex = memory_format("^(%s)$", values->names.data);
	AUTO_TEXT seconds = memory_format("%lld", (long long)validity);
	AUTO_TEXT names = memory_format("%zu", values->names_most);

	document_put_text(data, "PROVIDER_REGEX", regex);
	document_put_text(data, "PROVIDER_IP_PREFIXES", values->prefixes.data);
	document_put_text(data, "MAX_EXPIRATION_SEC", seconds);
	document_put_text(data, "ALLOWED_DNS_NAMES", names);
}

bool csr_approver_write(const struct cluster *cluster,
	const struct inventory *inventory, struct buffer *text,
	struct error *err)
{
	AUTO_RELEASE(values) values = {BUFFER_INIT, BUFFER_INIT, 0, 0};
	AUTO_FREE(document) list = document_new_list();
	struct document *settings =
		add_config_map(list, "kubelet-csr-approver");
	struct document *map = add_config_map(list, "kpki-node-addresses");

	for (size_t i = 0; i < inventory_count(inventory); i++) {
		struct node node = inventory_node(inventory, i);

		add_node(&values, &node, map);
		if (!check_sizes(&values, err))
			return false;
	}
	if (values.prefixes.len == 0)
		return error_set(err, ERROR_INPUT,
			"no node has an IP address, and the approver takes no "
			"empty list");
	put_settings(cluster, &values, settings);
	return document_write_yaml_all(list, text, err);
}
