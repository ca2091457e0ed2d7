/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/topology.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "kube/inventory_read.h"

struct reader {
	const char *file;
	struct topology *topology;
};

/* -- values -- */

static bool require_text(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	return document_require(value, DOCUMENT_TEXT, reader->file, key, err);
}

/* Always false. */
static bool blame(const struct reader *reader, const struct document *value,
	const char *key, struct error *err)
{
	error_context(err, "key \"%s\"", key);
	return error_at(err, reader->file, document_line(value));
}

static bool read_endpoint(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	struct topology *topology = reader->topology;
	char host[ADDRESS_MAX];

	if (!require_text(reader, value, key, err))
		return false;
	if (!endpoint_parse_authority(document_text(value), host, err))
		return blame(reader, value, key, err);
	topology->endpoint = memory_text(document_text(value));
	topology->endpoint_host = memory_text(host);
	return true;
}

static bool read_port(const struct reader *reader, const struct document *value,
	const char *key, struct error *err)
{
	enum { PORT_MAX = 65535, DIGITS_MOST = 5 };
	const char *text = document_text(value);
	size_t digits = text ? strspn(text, "0123456789") : 0;
	unsigned long port = digits ? strtoul(text, NULL, 10) : 0;

	if (!digits || text[digits] || digits > DIGITS_MOST || *text == '0' ||
		port > PORT_MAX) {
		error_set(err, ERROR_INPUT, "\"%s\": not a number from 1 to %d",
			text ? text : document_kind_name(document_kind(value)),
			PORT_MAX);
		return blame(reader, value, key, err);
	}
	reader->topology->bind_port = (unsigned)port;
	return true;
}

bool host_names_have(const struct host_names *names, const char *text)
{
	for (size_t i = 0; i < names->n_items; i++)
		if (address_covers(text, names->items[i]))
			return true;
	return false;
}

static bool add_name(const struct reader *reader, const struct document *item,
	const char *key, struct host_names *names, struct error *err)
{
	char canonical[ADDRESS_MAX];

	if (!require_text(reader, item, key, err))
		return false;
	if (!address_parse_service(document_text(item), canonical, err))
		return blame(reader, item, key, err);
	if (host_names_have(names, canonical)) {
		error_set(err, ERROR_INPUT, "\"%s\": stands twice",
			document_text(item));
		return blame(reader, item, key, err);
	}
	names->items[names->n_items++] = memory_text(canonical);
	return true;
}

static bool read_names(const struct reader *reader,
	const struct document *value, const char *key, struct host_names *names,
	struct error *err)
{
	size_t n;

	if (!document_require(value, DOCUMENT_LIST, reader->file, key, err))
		return false;
	n = document_count(value);
	if (n > NODE_ADDRESSES_MAX) {
		error_set(err, ERROR_INPUT, "more than %d names",
			NODE_ADDRESSES_MAX);
		return blame(reader, value, key, err);
	}
	names->items = memory_new(n + 1, sizeof(*names->items));
	for (size_t i = 0; i < n; i++)
		if (!add_name(reader, document_at(value, i), key, names, err))
			return false;
	return true;
}

static bool read_cert_sans(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	return read_names(
		reader, value, key, &reader->topology->cert_sans, err);
}

static bool read_etcd_cert_sans(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	return read_names(
		reader, value, key, &reader->topology->etcd_cert_sans, err);
}

/* -- hosts -- */

const char *topology_advertised(const struct node *host)
{
	for (size_t i = 0; i < host->n_addresses; i++)
		if (address_kind(node_address(host, i)) == ADDRESS_IP)
			return node_address(host, i);
	return NULL;
}

static bool require_advertised(const struct inventory *hosts, struct error *err)
{
	for (size_t i = 0; i < inventory_count(hosts); i++) {
		struct node host = inventory_node(hosts, i);

		if (topology_advertised(&host))
			continue;
		error_set(err, ERROR_INPUT,
			"host \"%s\": no IP address is among its addresses",
			host.name);
		return error_at(err, host.file, host.line);
	}
	return true;
}

static bool read_hosts(const struct reader *reader,
	const struct document *value, const char *key,
	struct inventory **ret_hosts, struct error *err)
{
	AUTO_FREE(inventory) hosts = NULL;

	if (!document_require(value, DOCUMENT_LIST, reader->file, key, err))
		return false;
	if (!document_count(value)) {
		error_set(err, ERROR_INPUT, "no host is in the list");
		return blame(reader, value, key, err);
	}
	if (!inventory_read_list(value, reader->file, &hosts, err) ||
		!require_advertised(hosts, err))
		return false;
	*ret_hosts = take(&hosts);
	return true;
}

static bool read_control_hosts(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	return read_hosts(reader, value, key, &reader->topology->hosts, err);
}

static bool read_etcd_hosts(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	return read_hosts(
		reader, value, key, &reader->topology->etcd_hosts, err);
}

static bool read_etcd_topology(const struct reader *reader,
	const struct document *value, const char *key, struct error *err)
{
	const char *text;

	if (!require_text(reader, value, key, err))
		return false;
	text = document_text(value);
	if (!strcmp(text, "stacked") || !strcmp(text, "external"))
		return true;
	error_set(err, ERROR_INPUT, "\"%s\": not stacked or external", text);
	return blame(reader, value, key, err);
}

/* -- the table -- */

typedef bool read_value(const struct reader *reader,
	const struct document *value, const char *key, struct error *err);

struct key_row {
	const char *path; /* "etcd.hosts" */
	read_value *read;
};

static const struct key_row control_plane_rows[] = {
	{"controlPlane.endpoint", read_endpoint},
	{"controlPlane.bindPort", read_port},
	{"controlPlane.certSANs", read_cert_sans},
	{"controlPlane.hosts", read_control_hosts},
};

static const struct key_row etcd_rows[] = {
	{"etcd.topology", read_etcd_topology},
	{"etcd.certSANs", read_etcd_cert_sans},
	{"etcd.hosts", read_etcd_hosts},
};

#define ROWS_MAX ARRAY_SIZE(control_plane_rows)

static const char *key_of(const struct key_row *row)
{
	return strchr(row->path, '.') + 1;
}

static bool read_section(const struct reader *reader,
	const struct document *map, const char *name,
	const struct key_row *rows, size_t n_rows, struct error *err)
{
	const char *keys[ROWS_MAX];

	if (!map)
		return true;
	for (size_t i = 0; i < n_rows; i++)
		keys[i] = key_of(&rows[i]);
	if (!document_require(map, DOCUMENT_MAP, reader->file, name, err) ||
		!document_require_keys(map, keys, n_rows, reader->file, err))
		return false;
	for (size_t i = 0; i < n_rows; i++) {
		const struct document *value = document_find(map, keys[i]);

		if (value && !rows[i].read(reader, value, rows[i].path, err))
			return false;
	}
	return true;
}

/* -- what holds between them -- */

static bool add_all(
	const struct inventory *from, struct inventory *to, struct error *err)
{
	for (size_t i = 0; from && i < inventory_count(from); i++) {
		struct node host = inventory_node(from, i);

		if (!inventory_begin(to, host.name, host.line, err))
			return false;
		for (size_t k = 0; k < host.n_addresses; k++)
			if (!inventory_address(to, node_address(&host, k),
				    host.line, INVENTORY_REPEAT_COUNTS_ONCE,
				    err))
				return false;
		inventory_end(to);
	}
	return true;
}

static bool join_hosts(const struct reader *reader, struct error *err)
{
	struct topology *topology = reader->topology;
	AUTO_FREE(inventory) all = inventory_new(reader->file);

	if (!topology->hosts && !topology->etcd_hosts)
		return true;
	if (!add_all(topology->hosts, all, err) ||
		!add_all(topology->etcd_hosts, all, err) ||
		!inventory_seal(all, err))
		return false;
	if (!inventory_check_shared(all, err)) {
		err->kind = ERROR_INPUT;
		return false;
	}
	topology->all = take(&all);
	return true;
}

static bool check_etcd(const struct reader *reader, const struct document *etcd,
	struct error *err)
{
	const struct document *word = document_find(etcd, "topology");
	bool external = word && !strcmp(document_text(word), "external");
	bool has_hosts = reader->topology->etcd_hosts;

	if (!word || external == has_hosts)
		return true;
	error_set(err, ERROR_INPUT, "\"%s\": %s", document_text(word),
		external ? "\"hosts\" is missing"
			 : "the members are on the hosts of the control plane, "
			   "and \"hosts\" names others");
	return blame(reader, word, "etcd.topology", err);
}

bool topology_read(const struct document *control_plane,
	const struct document *etcd, const char *file,
	struct topology **ret_topology, struct error *err)
{
	AUTO_FREE(topology) topology = memory_new(1, sizeof(*topology));
	const struct reader reader = {file, topology};

	if (!read_section(&reader, control_plane, "controlPlane",
		    control_plane_rows, ARRAY_SIZE(control_plane_rows), err) ||
		!read_section(&reader, etcd, "etcd", etcd_rows,
			ARRAY_SIZE(etcd_rows), err) ||
		!check_etcd(&reader, etcd, err) || !join_hosts(&reader, err))
		return false;
	*ret_topology = take(&topology);
	return true;
}

/* -- asking -- */

char *topology_local_server(
	const struct topology *topology, const struct node *host)
{
	const char *address = topology_advertised(host);
	bool is_ipv6 = strchr(address, ':');

	if (!topology->bind_port)
		return NULL;
	return memory_format("https://%s%s%s:%u", is_ipv6 ? "[" : "", address,
		is_ipv6 ? "]" : "", topology->bind_port);
}

bool topology_host_has(const struct node *host, const char *text)
{
	if (address_covers(text, host->name))
		return true;
	for (size_t i = 0; i < host->n_addresses; i++)
		if (address_covers(text, node_address(host, i)))
			return true;
	return false;
}

bool topology_has(const struct topology *topology, const char *text,
	struct node *ret_host)
{
	size_t n = topology->all ? inventory_count(topology->all) : 0;

	for (size_t i = 0; i < n; i++) {
		struct node host = inventory_node(topology->all, i);

		if (!topology_host_has(&host, text))
			continue;
		*ret_host = host;
		return true;
	}
	return false;
}

static void host_names_release(struct host_names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free(names->items[i]);
	free(names->items);
}

void topology_free(struct topology *topology)
{
	if (!topology)
		return;
	free(topology->endpoint);
	free(topology->endpoint_host);
	host_names_release(&topology->cert_sans);
	host_names_release(&topology->etcd_cert_sans);
	inventory_free(topology->hosts);
	inventory_free(topology->etcd_hosts);
	inventory_free(topology->all);
	free(topology);
}
