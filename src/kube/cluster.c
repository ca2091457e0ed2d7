/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/cluster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"

#define CLUSTER_VERSION "kpki/v1"
#define CLUSTER_KIND "Cluster"

static void set_text(char **text, char *taken_new)
{
	free(*text);
	*text = taken_new;
}

static char *copy_or_none(const char *text)
{
	return text ? memory_text(text) : NULL;
}

/* -- values: one parser and one formatter a key -- */

static bool parse_subdomain(char **value, const char *text, struct error *err)
{
	const char *rule = NULL;

	if (!address_is_subdomain(text, &rule))
		return error_set(err, ERROR_INPUT, "\"%s\": %s", text, rule);
	set_text(value, memory_text(text));
	return true;
}

static bool parse_name(
	struct cluster *cluster, const char *text, struct error *err)
{
	return parse_subdomain(&cluster->name, text, err);
}

static char *format_name(const struct cluster *cluster)
{
	return copy_or_none(cluster->name);
}

/* A number without leading zeros, taken off the front. */
static bool take_number(const char **text, unsigned *ret_number)
{
	size_t len = strspn(*text, "0123456789");

	if (len == 0 || len > 4 || (**text == '0' && len > 1))
		return false;
	*ret_number = (unsigned)strtoul(*text, NULL, 10);
	*text += len;
	return true;
}

static bool is_version(const char *text, unsigned *ret_minor)
{
	unsigned patch;

	if (strncmp(text, "1.", 2) != 0)
		return false;
	text += 2;
	if (!take_number(&text, ret_minor))
		return false;
	if (*text == '.') {
		text++;
		return take_number(&text, &patch) && !*text;
	}
	return !*text;
}

static bool parse_kubernetes_version(
	struct cluster *cluster, const char *text, struct error *err)
{
	enum { OLDEST = 19 };
	const char *bare = *text == 'v' ? text + 1 : text;
	unsigned minor;

	if (!is_version(bare, &minor))
		return error_set(err, ERROR_INPUT,
			"\"%s\": not a Kubernetes version (1.MINOR or "
			"1.MINOR.PATCH)",
			text);
	if (minor < OLDEST)
		return error_set(err, ERROR_INPUT, "\"%s\": older than 1.%d",
			text, OLDEST);
	set_text(&cluster->kubernetes_version, memory_text(bare));
	cluster->minor = minor;
	return true;
}

static char *format_kubernetes_version(const struct cluster *cluster)
{
	return copy_or_none(cluster->kubernetes_version);
}

static bool parse_server(
	struct cluster *cluster, const char *text, struct error *err)
{
	char host[ADDRESS_MAX];
	size_t len = strlen(text);
	unsigned port;

	if (!endpoint_parse(text, host, &port, err))
		return false;
	/* kubeadm compares the URL byte for byte: it stays as it is given. */
	if (text[len - 1] == '/')
		len--;
	set_text(&cluster->server, memory_text_n(text, len));
	set_text(&cluster->server_host, memory_text(host));
	return true;
}

static char *format_server(const struct cluster *cluster)
{
	return copy_or_none(cluster->server);
}

static bool parse_dns_domain(
	struct cluster *cluster, const char *text, struct error *err)
{
	return parse_subdomain(&cluster->dns_domain, text, err);
}

static char *format_dns_domain(const struct cluster *cluster)
{
	return copy_or_none(cluster->dns_domain);
}

/* Kubernetes: kube-apiserver --service-cluster-ip-range takes two networks at
 * most, one of each family. */
static bool parse_service_cidrs(
	struct cluster *cluster, const char *text, struct error *err)
{
	struct cidr cidrs[CLUSTER_CIDRS_MAX];
	size_t n_cidrs = 0;

	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");
		AUTO_TEXT one = memory_text_n(at, len);
		struct cidr cidr;

		if (!cidr_parse(one, &cidr, err))
			return false;
		if (n_cidrs == CLUSTER_CIDRS_MAX ||
			(n_cidrs == 1 && cidrs[0].len == cidr.len))
			return error_set(err, ERROR_INPUT,
				"\"%s\": more than one network of an IP family",
				text);
		cidrs[n_cidrs++] = cidr;
		at += len;
		if (!*at)
			break;
	}
	memcpy(cluster->service_cidrs, cidrs, n_cidrs * sizeof(cidrs[0]));
	cluster->n_service_cidrs = n_cidrs;
	return true;
}

static char *format_service_cidrs(const struct cluster *cluster)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	for (size_t i = 0; i < cluster->n_service_cidrs; i++) {
		AUTO_TEXT one = cidr_format(&cluster->service_cidrs[i]);

		buffer_format(&text, "%s%s", i > 0 ? "," : "", one);
	}
	return buffer_detach(&text);
}

static bool parse_word(const char *const words[], size_t n_words,
	const char *text, unsigned *ret_word, struct error *err)
{
	AUTO_RELEASE(buffer) list = BUFFER_INIT;

	for (size_t i = 0; i < n_words; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret_word = (unsigned)i;
			return true;
		}
		buffer_format(&list, "%s%s", i > 0 ? " or " : "", words[i]);
	}
	return error_set(err, ERROR_INPUT, "\"%s\": not %s", text, list.data);
}

static const char *const signing_words[] = {
	[SIGNING_OFFLINE] = "offline",
	[SIGNING_IN_CLUSTER] = "in-cluster",
};

static bool parse_signing(
	struct cluster *cluster, const char *text, struct error *err)
{
	unsigned word;

	if (!parse_word(
		    signing_words, ARRAY_SIZE(signing_words), text, &word, err))
		return false;
	cluster->signing = (enum cluster_signing)word;
	return true;
}

static char *format_signing(const struct cluster *cluster)
{
	return memory_text(signing_words[cluster->signing]);
}

static const char *const layout_words[] = {
	[LAYOUT_KUBEADM] = "kubeadm",
	[LAYOUT_PEM] = "pem",
};

bool cluster_takes_chains(const struct cluster *cluster)
{
	enum { MINOR_CHAINS = 21 };

	return cluster->minor == 0 || cluster->minor >= MINOR_CHAINS;
}

const char *layout_name(enum layout layout)
{
	return layout_words[layout];
}

bool layout_parse(const char *text, enum layout *ret_layout, struct error *err)
{
	unsigned word;

	if (!parse_word(
		    layout_words, ARRAY_SIZE(layout_words), text, &word, err))
		return false;
	*ret_layout = (enum layout)word;
	return true;
}

static bool parse_layout(
	struct cluster *cluster, const char *text, struct error *err)
{
	return layout_parse(text, &cluster->layout, err);
}

static char *format_layout(const struct cluster *cluster)
{
	return memory_text(layout_name(cluster->layout));
}

static bool parse_key_type(
	struct cluster *cluster, const char *text, struct error *err)
{
	return key_type_parse(text, &cluster->key_type, err);
}

static char *format_key_type(const struct cluster *cluster)
{
	return memory_text(key_type_name(cluster->key_type));
}

static bool parse_validity(
	struct cluster *cluster, const char *text, struct error *err)
{
	int64_t seconds;

	if (!span_parse(text, &seconds, err))
		return false;
	if (seconds <= 0)
		return error_set(err, ERROR_INPUT,
			"\"%s\": a certificate must live for a while", text);
	cluster->validity = seconds;
	return true;
}

static char *format_validity(const struct cluster *cluster)
{
	return span_format(cluster->validity);
}

/* -- the table -- */

struct key_row {
	const char *key;
	bool (*parse)(
		struct cluster *cluster, const char *text, struct error *err);
	char *(*format)(const struct cluster *cluster);
	bool is_list;	     /* texts with commas between, a list in the file */
	const char *preset;  /* what a file without the key means, or NULL */
	const char *example; /* stands in a comment where there is no value */
	const char *comment;
};

static const struct key_row rows[] = {
	{"name", parse_name, format_name, false, "kubernetes", NULL,
		"The cluster's name: a DNS name in lower case."},
	{"kubernetesVersion", parse_kubernetes_version,
		format_kubernetes_version, false, NULL, "1.31",
		"The cluster's Kubernetes version: 1.MINOR or 1.MINOR.PATCH."},
	{"server", parse_server, format_server, false, NULL,
		"https://api.example.internal:6443",
		"Where kubelets and people reach the API server: every "
		"kubeconfig has it.\n"
		"No node may have its host as a name or address."},
	{"dnsDomain", parse_dns_domain, format_dns_domain, false,
		"cluster.local", NULL,
		"The DNS domain of services and pods; no node may have a name "
		"in it."},
	{"serviceCIDRs", parse_service_cidrs, format_service_cidrs, true,
		"10.96.0.0/12", NULL,
		"The networks of service addresses, at most one of each IP "
		"family; no node\n"
		"may have an address in them."},
	{"signing", parse_signing, format_signing, false, "offline", NULL,
		"Who signs: offline (only kpki) or in-cluster "
		"(kube-controller-manager has the\n"
		"CA's key, and kubelets rotate their certificates by "
		"themselves)."},
	{"layout", parse_layout, format_layout, false, "kubeadm", NULL,
		"Names and places of files: kubeadm, or pem as on Kubernetes' "
		"page about TLS\n"
		"bootstrapping."},
	{"keyType", parse_key_type, format_key_type, false, "ecdsa-p256", NULL,
		"The keys of new certificates: ecdsa-p256, ecdsa-p384, "
		"rsa-2048, rsa-3072,\n"
		"rsa-4096 or ed25519."},
	{"validity", parse_validity, format_validity, false, "1y", NULL,
		"How long new certificates live (1y, 90d, 12h), but never "
		"longer than the CA."},
};

const char *const cluster_keys[] = {
	"name",
	"kubernetesVersion",
	"server",
	"dnsDomain",
	"serviceCIDRs",
	"signing",
	"layout",
	"keyType",
	"validity",
	NULL,
};
_Static_assert(ARRAY_SIZE(cluster_keys) == ARRAY_SIZE(rows) + 1,
	"cluster_keys has the key of each row");

static const struct key_row *find_row(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

struct cluster *cluster_new(void)
{
	struct cluster *cluster = memory_new(1, sizeof(*cluster));
	AUTO_RELEASE(error) err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool done = !rows[i].preset ||
			    rows[i].parse(cluster, rows[i].preset, &err);

		assert(done);
	}
	return cluster;
}

void cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return;
	free(cluster->name);
	free(cluster->server);
	free(cluster->server_host);
	free(cluster->kubernetes_version);
	free(cluster->dns_domain);
	topology_free(cluster->topology);
	free(cluster);
}

bool cluster_set(struct cluster *cluster, const char *key, const char *text,
	struct error *err)
{
	const struct key_row *row = find_row(key);

	assert(row);
	return row->parse(cluster, text, err);
}

char *cluster_get(const struct cluster *cluster, const char *key)
{
	const struct key_row *row = find_row(key);

	assert(row);
	return row->format(cluster);
}

bool cluster_require_server(
	const struct cluster *cluster, const char *file, struct error *err)
{
	if (cluster->server)
		return true;
	error_set(err, ERROR_INPUT,
		"key \"server\": missing, and a kubeconfig needs it "
		"(https://HOST:PORT)");
	return error_at(err, file, 0);
}

/* -- reading -- */

static bool join_list(const struct document *list, const char *file,
	const char *key, struct buffer *text, struct error *err)
{
	if (!document_require(list, DOCUMENT_LIST, file, key, err))
		return false;
	for (size_t i = 0; i < document_count(list); i++) {
		const struct document *item = document_at(list, i);

		if (!document_require(item, DOCUMENT_TEXT, file, key, err))
			return false;
		if (strchr(document_text(item), ',')) {
			error_set(err, ERROR_INPUT,
				"key \"%s\": \"%s\": has a comma", key,
				document_text(item));
			return error_at(err, file, document_line(item));
		}
		buffer_format(
			text, "%s%s", i > 0 ? "," : "", document_text(item));
	}
	return true;
}

static bool read_value(struct cluster *cluster, const struct key_row *row,
	const struct document *value, const char *file, struct error *err)
{
	AUTO_RELEASE(buffer) joined = BUFFER_INIT;
	const char *text;

	if (row->is_list) {
		if (!join_list(value, file, row->key, &joined, err))
			return false;
		text = joined.data;
	} else {
		if (!document_require(
			    value, DOCUMENT_TEXT, file, row->key, err))
			return false;
		text = document_text(value);
	}
	if (row->parse(cluster, text, err))
		return true;
	error_context(err, "key \"%s\"", row->key);
	return error_at(err, file, document_line(value));
}

static bool require_keys(
	const struct document *root, const char *file, struct error *err)
{
	const char *keys[ARRAY_SIZE(rows) + 4] = {
		"apiVersion", "kind", "controlPlane", "etcd"};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		keys[i + 4] = rows[i].key;
	return document_require_keys(root, keys, ARRAY_SIZE(keys), file, err);
}

/* An endpoint is a server, where none is named. */
static bool read_topology(struct cluster *cluster, const struct document *root,
	const char *file, struct error *err)
{
	const struct document *control_plane =
		document_find(root, "controlPlane");
	const struct document *etcd = document_find(root, "etcd");
	AUTO_TEXT url = NULL;

	if (!control_plane && !etcd)
		return true;
	if (!topology_read(control_plane, etcd, file, &cluster->topology, err))
		return false;
	if (cluster->server || !cluster->topology->endpoint)
		return true;
	url = memory_format("https://%s", cluster->topology->endpoint);
	return parse_server(cluster, url, err);
}

bool cluster_read(
	struct source *source, struct cluster **ret_cluster, struct error *err)
{
	const char *file = source_name(source);
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_FREE(document) root = NULL;

	if (!document_read_yaml(source, &root, err) ||
		!document_require_kind(
			root, CLUSTER_VERSION, CLUSTER_KIND, file, err) ||
		!require_keys(root, file, err))
		return false;
	for (size_t i = 0; i < document_count(root); i++) {
		const struct key_row *row = find_row(document_key(root, i));

		if (row && !read_value(cluster, row, document_at(root, i), file,
				   err))
			return false;
	}
	if (!read_topology(cluster, root, file, err))
		return false;
	*ret_cluster = take(&cluster);
	return true;
}

/* -- writing -- */

static void write_comment(const char *comment, struct buffer *text)
{
	for (;;) {
		size_t len = strcspn(comment, "\n");

		buffer_format(text, "# %.*s\n", (int)len, comment);
		if (!comment[len])
			return;
		comment += len + 1;
	}
}

static void write_list(const char *key, char *values, struct buffer *text)
{
	char *rest = NULL;

	buffer_format(text, "%s:\n", key);
	for (char *value = strtok_r(values, ",", &rest); value;
		value = strtok_r(NULL, ",", &rest)) {
		buffer_add_text(text, "  - ");
		document_quote(value, text);
		buffer_add_byte(text, '\n');
	}
}

static void write_row(const struct cluster *cluster, const struct key_row *row,
	struct buffer *text)
{
	AUTO_TEXT value = row->format(cluster);

	buffer_add_byte(text, '\n');
	write_comment(row->comment, text);
	if (row->is_list) {
		write_list(row->key, value, text);
		return;
	}
	buffer_format(text, "%s%s: ", value ? "" : "#", row->key);
	document_quote(value ? value : row->example, text);
	buffer_add_byte(text, '\n');
}

static const char topology_example[] =
	"\n"
	"# The hosts of the control plane, and etcd's where it has hosts of "
	"its "
	"own, for\n"
	"# kpki-control-plane(1).  No node may have a name or address of "
	"theirs.\n"
	"#controlPlane:\n"
	"#  endpoint: \"api.example.internal:6443\"\n"
	"#  hosts:\n"
	"#    - name: \"control-1\"\n"
	"#      addresses:\n"
	"#        - \"10.0.0.1\"\n"
	"#etcd:\n"
	"#  topology: \"stacked\"\n";

void cluster_write(const struct cluster *cluster, struct buffer *text)
{
	buffer_add_text(text,
		"# What all commands of this PKI directory agree on: "
		"kpki-cluster(5).\n"
		"apiVersion: " CLUSTER_VERSION "\n"
		"kind: " CLUSTER_KIND "\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		write_row(cluster, &rows[i], text);
	buffer_add_text(text, topology_example);
}
