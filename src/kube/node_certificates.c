/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/node_certificates.h"

#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "kube/inventory.h"
#include "pki/issuers.h"
#include "pki/pem.h"

#define FILE_VERSION "kpki/v1"
#define FILE_KIND "NodeCertificates"

static const char *const root_keys[] = {"apiVersion", "kind", "node", "layout",
	"cluster", "ca", "chain", "certificates"};

/* What kube/bundle.c takes from a cluster for kubelet.conf and the
 * KubeletConfiguration. */
static const char *const needed_keys[] = {"server", "signing"};

/* -- writing -- */

static void write_block(
	const struct buffer *pem, const char *indent, struct buffer *text)
{
	const char *line = pem->data;

	buffer_add_text(text, "|\n");
	while (*line) {
		size_t len = strcspn(line, "\n");

		buffer_format(text, "%s%.*s\n", indent, (int)len, line);
		line += len + (line[len] ? 1 : 0);
	}
}

static void write_value(const char *key, const char *value, struct buffer *text)
{
	buffer_format(text, "%s: ", key);
	document_quote(value, text);
	buffer_add_byte(text, '\n');
}

static void write_cluster(const struct cluster *cluster, struct buffer *text)
{
	buffer_add_text(text, "cluster:\n");
	for (size_t i = 0; i < ARRAY_SIZE(needed_keys); i++) {
		AUTO_TEXT value = cluster_get(cluster, needed_keys[i]);

		buffer_add_text(text, "  ");
		write_value(needed_keys[i], value, text);
	}
}

static void write_certificates(
	const struct node_certificates *file, struct buffer *text)
{
	buffer_add_text(text, "certificates:\n");
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		AUTO_RELEASE(buffer) pem = BUFFER_INIT;

		if (!file->certificates[i].len)
			continue;
		pem_write(&pem, "CERTIFICATE", file->certificates[i]);
		buffer_add_text(text, "  - ");
		write_block(&pem, "    ", text);
	}
}

bool node_certificates_write(const struct node_certificates *file,
	struct buffer *text, struct error *err)
{
	if (!cluster_require_server(file->cluster, CLUSTER_FILE, err))
		return false;
	buffer_format(text,
		"# What kpki node-csr --complete puts in place on the node.\n"
		"apiVersion: %s\nkind: %s\n",
		FILE_VERSION, FILE_KIND);
	write_value("node", file->node, text);
	write_value("layout", layout_name(file->layout), text);
	write_cluster(file->cluster, text);
	buffer_add_text(text, "ca: ");
	write_block(file->ca_pem, "  ", text);
	if (file->chain_pem && file->chain_pem->len > 0) {
		buffer_add_text(text, "chain: ");
		write_block(file->chain_pem, "  ", text);
	}
	write_certificates(file, text);
	return true;
}

/* -- reading -- */

struct node_certificates_parts {
	char *node;
	struct cluster *cluster;
	struct buffer ca_pem, chain_pem;
	struct certificate *ca, *leaves[KUBELET_PAIRS];
};

struct reading {
	const char *file;
	struct instant now;
	struct node_certificates *into;
	struct node_certificates_parts *parts;
};

static bool require_field(const struct reading *reading,
	const struct document *map, const char *key, enum document_kind kind,
	const struct document **ret_field, struct error *err)
{
	const struct document *field = document_find(map, key);

	if (field) {
		*ret_field = field;
		return document_require(field, kind, reading->file, key, err);
	}
	error_set(err, ERROR_INPUT, "%s: missing", key);
	return error_at(err, reading->file, document_line(map));
}

static bool read_node(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const struct document *field;

	if (!require_field(reading, root, "node", DOCUMENT_TEXT, &field, err))
		return false;
	if (!node_name_check(document_text(field), err))
		return error_at(err, reading->file, document_line(field));
	reading->into->node = reading->parts->node =
		memory_text(document_text(field));
	return true;
}

static bool read_layout(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const struct document *field;

	if (!require_field(reading, root, "layout", DOCUMENT_TEXT, &field, err))
		return false;
	if (layout_parse(document_text(field), &reading->into->layout, err))
		return true;
	error_context(err, "layout");
	return error_at(err, reading->file, document_line(field));
}

static bool read_key(const struct reading *reading, const struct document *map,
	const char *key, struct error *err)
{
	const struct document *field;

	if (!require_field(reading, map, key, DOCUMENT_TEXT, &field, err))
		return false;
	if (cluster_set(
		    reading->parts->cluster, key, document_text(field), err))
		return true;
	error_context(err, "key \"%s\"", key);
	return error_at(err, reading->file, document_line(field));
}

static bool read_cluster(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const struct document *map;

	if (!require_field(reading, root, "cluster", DOCUMENT_MAP, &map, err) ||
		!document_require_keys(map, needed_keys,
			ARRAY_SIZE(needed_keys), reading->file, err))
		return false;
	reading->into->cluster = reading->parts->cluster = cluster_new();
	for (size_t i = 0; i < ARRAY_SIZE(needed_keys); i++)
		if (!read_key(reading, map, needed_keys[i], err))
			return false;
	return true;
}

static bool parse_pem(const struct document *field,
	struct certificate **ret_certificate, struct error *err)
{
	const char *text = document_text(field);

	return certificate_read_pem(
		text, strlen(text), true, ret_certificate, err);
}

static bool read_ca(const struct reading *reading, const struct document *root,
	struct error *err)
{
	struct node_certificates_parts *parts = reading->parts;
	const struct document *field;

	if (!require_field(reading, root, "ca", DOCUMENT_TEXT, &field, err))
		return false;
	if (!parse_pem(field, &parts->ca, err)) {
		error_context(err, "ca");
		return error_at(err, reading->file, document_line(field));
	}
	if (!authority_check_certificate(parts->ca, reading->now, err))
		return error_at(err, reading->file, document_line(field));
	pem_write(&parts->ca_pem, "CERTIFICATE", parts->ca->whole);
	reading->into->ca = parts->ca;
	reading->into->ca_pem = &parts->ca_pem;
	return true;
}

/* Which of a kubelet's profiles it is for; KUBELET_PAIRS: none. */
/* The CA once more, and whoever signed it. */
static bool check_chain(const struct reading *reading, const char *text,
	struct issuers *ret_chain, struct error *err)
{
	const struct certificate *ca = reading->into->ca;
	AUTO_FREE(certificate) first = NULL;

	if (!issuers_read_behind(
		    (struct der){(const unsigned char *)text, strlen(text)},
		    &first, ret_chain, err))
		return false;
	if (!der_equal(first->whole, ca->whole))
		return error_set(err, ERROR_INPUT,
			"does not begin with the CA of the file");
	return issuers_check(ret_chain, ca, reading->now, err);
}

static bool read_chain(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const struct document *field = document_find(root, "chain");
	AUTO_RELEASE(issuers) chain = {.n_items = 0};

	if (!field)
		return true;
	if (!document_require(
		    field, DOCUMENT_TEXT, reading->file, "chain", err))
		return false;
	if (!check_chain(reading, document_text(field), &chain, err)) {
		error_context(err, "chain");
		return error_at(err, reading->file, document_line(field));
	}
	issuers_write_chain(
		&chain, reading->into->ca, &reading->parts->chain_pem);
	return true;
}

static enum kubelet_pair pair_of(const struct certificate *certificate)
{
	enum kubelet_pair pair = KUBELET_CLIENT;

	while (pair < KUBELET_PAIRS &&
		certificate->purposes != profile_of_pair(pair)->purposes)
		pair++;
	return pair;
}

/* The node with those addresses that the certificate has: they are what the
 * file cannot know, but an inventory must take them. */
static bool add_node(struct inventory *inventory, const char *name,
	const struct certificate *certificate, struct error *err)
{
	if (!inventory_begin(inventory, name, 0, err))
		return false;
	for (size_t i = 0; i < certificate->n_alt_names; i++) {
		const struct alt_name *alt_name = &certificate->alt_names[i];

		if (alt_name->kind != ALT_NAME_OTHER &&
			!inventory_address(inventory, alt_name->text, 0,
				INVENTORY_REPEAT_REFUSED, err))
			return false;
	}
	inventory_end(inventory);
	return inventory_seal(inventory, err);
}

static bool require_profile(const struct profile *profile, const char *name,
	const struct certificate *certificate, struct error *err)
{
	AUTO_FREE(inventory) inventory = inventory_new(NULL);
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	struct node node;
	const struct holder holder = {.node = &node};

	if (!add_node(inventory, name, certificate, err))
		return false;
	node = inventory_node(inventory, 0);
	profile_compare(profile, &holder, certificate, &drift);
	if (!drift.len)
		return true;
	return error_set(err, ERROR_INPUT, "%s", drift.data);
}

static bool require_signed(const struct certificate *certificate,
	const struct certificate *ca, struct error *err)
{
	AUTO_RELEASE(error) cause = ERROR_INIT;

	if (!der_equal(certificate->issuer, ca->subject))
		return error_set(err, ERROR_INPUT,
			"issued by another CA than that of the file");
	if (certificate_verify(certificate, ca->public_key, &cause))
		return true;
	return error_set(err, cause.kind, "not signed by the CA of the file");
}

static bool require_valid(const struct certificate *certificate,
	struct instant now, struct error *err)
{
	char text[INSTANT_TEXT];

	if (now.seconds < certificate->not_before.seconds)
		return error_set(err, ERROR_INPUT, "not valid before %s",
			instant_format(certificate->not_before, text));
	if (now.seconds > certificate->not_after.seconds)
		return error_set(err, ERROR_INPUT, "expired at %s",
			instant_format(certificate->not_after, text));
	return true;
}

static bool check_leaf(const struct reading *reading,
	const struct profile *profile, const struct certificate *leaf,
	struct error *err)
{
	return (require_profile(profile, reading->into->node, leaf, err) &&
		       require_signed(leaf, reading->into->ca, err) &&
		       require_valid(leaf, reading->now, err)) ||
	       error_context(err, "certificate \"%s\"", profile->name);
}

static bool take_leaf(const struct reading *reading,
	struct certificate **taken_leaf, struct error *err)
{
	enum kubelet_pair pair = pair_of(*taken_leaf);
	struct certificate *leaf = *taken_leaf;

	if (pair == KUBELET_PAIRS)
		return error_set(err, ERROR_INPUT,
			"certificate \"%s\": its purposes are those of no "
			"certificate of a kubelet",
			leaf->subject_text);
	if (reading->parts->leaves[pair])
		return error_set(err, ERROR_INPUT,
			"certificate \"%s\": there twice",
			profile_of_pair(pair)->name);
	if (!check_leaf(reading, profile_of_pair(pair), leaf, err))
		return false;
	reading->into->certificates[pair] = leaf->whole;
	reading->into->leaves[pair] = leaf;
	reading->parts->leaves[pair] = take(taken_leaf);
	return true;
}

static bool read_leaf(const struct reading *reading,
	const struct document *item, struct error *err)
{
	AUTO_FREE(certificate) leaf = NULL;

	if (!document_require(
		    item, DOCUMENT_TEXT, reading->file, "certificate", err))
		return false;
	if (!parse_pem(item, &leaf, err)) {
		error_context(err, "certificate");
		return error_at(err, reading->file, document_line(item));
	}
	return take_leaf(reading, &leaf, err) ||
	       error_at(err, reading->file, document_line(item));
}

static bool read_leaves(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const struct document *list;

	if (!require_field(
		    reading, root, "certificates", DOCUMENT_LIST, &list, err))
		return false;
	if (!document_count(list)) {
		error_set(err, ERROR_INPUT, "certificates: none in the list");
		return error_at(err, reading->file, document_line(list));
	}
	for (size_t i = 0; i < document_count(list); i++)
		if (!read_leaf(reading, document_at(list, i), err))
			return false;
	return true;
}

static struct node_certificates *new_file(void)
{
	struct node_certificates *file = memory_new(1, sizeof(*file));

	file->parts = memory_new(1, sizeof(*file->parts));
	file->parts->ca_pem = file->parts->chain_pem =
		(struct buffer)BUFFER_INIT;
	file->chain_pem = &file->parts->chain_pem;
	return file;
}

bool node_certificates_read(struct source *source, struct instant now,
	struct node_certificates **ret_file, struct error *err)
{
	AUTO_FREE(node_certificates) file = new_file();
	AUTO_FREE(document) root = NULL;
	const struct reading reading = {
		source_name(source), now, file, file->parts};

	if (!document_read_yaml(source, &root, err) ||
		!document_require_kind(
			root, FILE_VERSION, FILE_KIND, reading.file, err) ||
		!document_require_keys(root, root_keys, ARRAY_SIZE(root_keys),
			reading.file, err) ||
		!read_node(&reading, root, err) ||
		!read_layout(&reading, root, err) ||
		!read_cluster(&reading, root, err) ||
		!read_ca(&reading, root, err) ||
		!read_chain(&reading, root, err) ||
		!read_leaves(&reading, root, err))
		return false;
	*ret_file = take(&file);
	return true;
}

/* -- joining -- */

static bool disagree(const char *what, const char *value, const char *other,
	struct error *err)
{
	return error_set(err, ERROR_INPUT, "%s \"%s\": another file has \"%s\"",
		what, value, other);
}

static bool require_same_cluster(const struct node_certificates *more,
	const struct node_certificates *whole, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(needed_keys); i++) {
		const char *key = needed_keys[i];
		AUTO_TEXT value = cluster_get(more->cluster, key);
		AUTO_TEXT other = cluster_get(whole->cluster, key);

		if (strcmp(value, other) != 0)
			return disagree(key, value, other, err);
	}
	return true;
}

static bool require_same(const struct node_certificates *more,
	const struct node_certificates *whole, struct error *err)
{
	if (strcmp(more->node, whole->node) != 0)
		return disagree("node", more->node, whole->node, err);
	if (more->layout != whole->layout)
		return disagree("layout", layout_name(more->layout),
			layout_name(whole->layout), err);
	if (!der_equal(more->ca->whole, whole->ca->whole))
		return error_set(
			err, ERROR_INPUT, "ca: another file has another one");
	return require_same_cluster(more, whole, err);
}

static bool join_leaf(const struct node_certificates *more,
	enum kubelet_pair pair, struct node_certificates *whole,
	struct error *err)
{
	if (!more->leaves[pair])
		return true;
	if (whole->leaves[pair] &&
		!der_equal(more->certificates[pair], whole->certificates[pair]))
		return error_set(err, ERROR_INPUT,
			"certificate \"%s\": another file has another one",
			profile_of_pair(pair)->name);
	whole->certificates[pair] = more->certificates[pair];
	whole->leaves[pair] = more->leaves[pair];
	return true;
}

bool node_certificates_join(const struct node_certificates *more,
	struct node_certificates *whole, struct error *err)
{
	if (!whole->node) {
		*whole = *more;
		whole->parts = NULL;
		return true;
	}
	if (!require_same(more, whole, err))
		return false;
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (!join_leaf(more, i, whole, err))
			return false;
	return true;
}

void node_certificates_free(struct node_certificates *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		certificate_free(file->parts->leaves[i]);
	certificate_free(file->parts->ca);
	buffer_release(&file->parts->ca_pem);
	buffer_release(&file->parts->chain_pem);
	cluster_free(file->parts->cluster);
	free(file->parts->node);
	free(file->parts);
	free(file);
}
