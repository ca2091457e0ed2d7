/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/bundle.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kube/kubeconfig.h"
#include "kube/kubelet_config.h"
#include "pki/pem.h"

/* -- the tables -- */

struct row {
	enum content content;
	mode_t mode;
	const char *path; /* {time} and {node} are filled in */
	bool on_every_host;
};

#define CLIENT_DIRECTORY "var/lib/kubelet/pki"
#define CLIENT_FILE "kubelet-client-{time}.pem"
#define CLIENT_CURRENT "kubelet-client-current.pem"

static const struct row kubeadm_rows[] = {
	{CONTENT_NONE, 0755, "etc", true},
	{CONTENT_NONE, 0755, "etc/kubernetes", false},
	{CONTENT_BOOTSTRAP, 0600, "etc/kubernetes/bootstrap-kubelet.conf",
		false},
	{CONTENT_KUBE_PROXY, 0600, "etc/kubernetes/kube-proxy.conf", false},
	{CONTENT_KUBECONFIG, 0600, "etc/kubernetes/kubelet.conf", false},
	{CONTENT_NONE, 0755, "etc/kubernetes/pki", false},
	{CONTENT_CA_BUNDLE, 0644, "etc/kubernetes/pki/ca-bundle.crt", false},
	{CONTENT_CA, 0644, "etc/kubernetes/pki/ca.crt", false},
	{CONTENT_NONE, 0755, "var", true},
	{CONTENT_NONE, 0755, "var/lib", true},
	{CONTENT_NONE, 0755, "var/lib/kubelet", false},
	{CONTENT_KUBELET_CONFIG, 0644, "var/lib/kubelet/config.yaml", false},
	{CONTENT_NONE, 0700, CLIENT_DIRECTORY, false},
	{CONTENT_CLIENT, 0600, CLIENT_DIRECTORY "/" CLIENT_FILE, false},
	{CONTENT_CURRENT, 0, CLIENT_DIRECTORY "/" CLIENT_CURRENT, false},
	{CONTENT_SERVING_CERTIFICATE, 0644, CLIENT_DIRECTORY "/kubelet.crt",
		false},
	{CONTENT_SERVING_KEY, 0600, CLIENT_DIRECTORY "/kubelet.key", false},
};

static const struct row pem_rows[] = {
	{CONTENT_NONE, 0755, "var", true},
	{CONTENT_NONE, 0755, "var/lib", true},
	{CONTENT_NONE, 0755, "var/lib/kubelet", false},
	{CONTENT_SERVING_KEY, 0600, "var/lib/kubelet/{node}-key.pem", false},
	{CONTENT_SERVING_CERTIFICATE, 0644, "var/lib/kubelet/{node}.pem",
		false},
	{CONTENT_BOOTSTRAP, 0600, "var/lib/kubelet/bootstrap-kubeconfig",
		false},
	{CONTENT_KUBECONFIG, 0600, "var/lib/kubelet/kubeconfig", false},
	{CONTENT_KUBELET_CONFIG, 0644, "var/lib/kubelet/kubelet-config.yaml",
		false},
	{CONTENT_NONE, 0700, CLIENT_DIRECTORY, false},
	{CONTENT_CLIENT, 0600, CLIENT_DIRECTORY "/" CLIENT_FILE, false},
	{CONTENT_CURRENT, 0, CLIENT_DIRECTORY "/" CLIENT_CURRENT, false},
	{CONTENT_NONE, 0755, "var/lib/kubernetes", false},
	{CONTENT_CA_BUNDLE, 0644, "var/lib/kubernetes/ca-bundle.pem", false},
	{CONTENT_CA, 0644, "var/lib/kubernetes/ca.pem", false},
	{CONTENT_KUBE_PROXY, 0600, "var/lib/kubernetes/kube-proxy.kubeconfig",
		false},
};

static const struct {
	const struct row *rows;
	size_t n_rows;
} layouts[] = {
	[LAYOUT_KUBEADM] = {kubeadm_rows, ARRAY_SIZE(kubeadm_rows)},
	[LAYOUT_PEM] = {pem_rows, ARRAY_SIZE(pem_rows)},
};
_Static_assert(ARRAY_SIZE(kubeadm_rows) <= BUNDLE_ENTRIES_MAX &&
		       ARRAY_SIZE(pem_rows) <= BUNDLE_ENTRIES_MAX,
	"a bundle has room for each row");

static size_t row_of(enum layout layout, enum content content)
{
	size_t i = 0;

	while (layouts[layout].rows[i].content != content)
		i++;
	return i;
}

const char *bundle_current_path(enum layout layout)
{
	return layouts[layout].rows[row_of(layout, CONTENT_CURRENT)].path;
}

const char *bundle_bootstrap_path(enum layout layout)
{
	return layouts[layout].rows[row_of(layout, CONTENT_BOOTSTRAP)].path;
}

const char *bundle_kube_proxy_path(enum layout layout)
{
	return layouts[layout].rows[row_of(layout, CONTENT_KUBE_PROXY)].path;
}

/* The text with the token's first occurrence filled in, for free(); NULL when
 * it is not there. */
static char *fill_in(const char *text, const char *token, const char *value)
{
	const char *at = strstr(text, token);

	if (!at)
		return NULL;
	return memory_format(
		"%.*s%s%s", (int)(at - text), text, value, at + strlen(token));
}

/* -- the kit -- */

enum {
	CLIENT = KUBELET_CLIENT,
	SERVING = KUBELET_SERVING,
	PROXY = KUBELET_PAIRS,
	N_PAIRS = BUNDLE_PAIRS,
};

struct bundle_kit {
	struct bundle_settings settings;
	const struct profile *profiles[N_PAIRS]; /* NULL: not wanted */
	const struct row *rows;
	size_t n_rows;
	char *paths[BUNDLE_ENTRIES_MAX]; /* of the rows; {node} is still there
					  */
	char *client_file;
	struct buffer kubeconfig; /* or the frame of an embedded one */
	struct kubeconfig_frame *frame;
	struct kubeconfig_frame *proxy_frame;
	struct buffer kubelet_config; /* empty when it names the node */
};

static const struct buffer *ca_pem(const struct bundle_kit *kit)
{
	const struct bundle_settings *settings = &kit->settings;

	return settings->ca ? authority_pem(settings->ca) : settings->ca_pem;
}

static const struct buffer *trusted_pem(const struct bundle_kit *kit)
{
	return kit->settings.trust ? kit->settings.trust : ca_pem(kit);
}

/* What tells one bundle of a node from another. */
static enum content credential_of(const struct bundle_kit *kit)
{
	return kit->settings.bootstrap ? CONTENT_BOOTSTRAP : CONTENT_CLIENT;
}

static bool wants(const struct bundle_kit *kit, enum content content)
{
	switch (content) {
	case CONTENT_NONE:
	case CONTENT_CA:
		return true;
	case CONTENT_CA_BUNDLE:
		return kit->settings.trust != NULL;
	case CONTENT_BOOTSTRAP:
		return kit->settings.bootstrap;
	case CONTENT_KUBECONFIG:
	case CONTENT_CLIENT:
	case CONTENT_CURRENT:
		return !kit->settings.bootstrap;
	case CONTENT_KUBELET_CONFIG:
		return kit->settings.kubelet_config;
	case CONTENT_SERVING_CERTIFICATE:
	case CONTENT_SERVING_KEY:
		return kit->settings.serving;
	case CONTENT_KUBE_PROXY:
		return kit->settings.kube_proxy;
	}
	return false;
}

/* Where the content will stand on the host, for free(). */
static char *host_path(const struct bundle_kit *kit, enum content content,
	const struct node *node)
{
	const char *path = kit->paths[row_of(kit->settings.layout, content)];
	AUTO_TEXT filled = node ? fill_in(path, "{node}", node->name) : NULL;

	return memory_format("/%s", filled ? filled : path);
}

static bool names_node(const struct bundle_kit *kit, enum content content)
{
	return strstr(
		kit->paths[row_of(kit->settings.layout, content)], "{node}");
}

char *bundle_next_file(
	const struct bundle_kit *kit, const struct node *node, size_t *at)
{
	while (*at < kit->n_rows) {
		size_t i = (*at)++;
		enum content content = kit->rows[i].content;
		char *filled;

		if (content == CONTENT_NONE || content == CONTENT_CLIENT ||
			content == CONTENT_CURRENT || !wants(kit, content))
			continue;
		filled = fill_in(kit->paths[i], "{node}", node->name);
		return filled ? filled : memory_text(kit->paths[i]);
	}
	return NULL;
}

static bool write_kubelet_config(const struct bundle_kit *kit,
	const struct node *node, struct buffer *text, struct error *err)
{
	bool serving = kit->settings.serving;
	AUTO_TEXT ca = host_path(kit,
		kit->settings.trust ? CONTENT_CA_BUNDLE : CONTENT_CA, node);
	AUTO_TEXT cert = host_path(kit, CONTENT_SERVING_CERTIFICATE, node);
	AUTO_TEXT key = host_path(kit, CONTENT_SERVING_KEY, node);
	struct kubelet_config config = {
		.cluster = kit->settings.cluster,
		.client_ca_file = ca,
		.tls_cert_file = serving ? cert : NULL,
		.tls_private_key_file = serving ? key : NULL,
		.bootstrap = kit->settings.bootstrap,
		.base = kit->settings.kubelet_config_base,
	};

	return kubelet_config_write(&config, text, err);
}

static bool prepare_kubelet_config(struct bundle_kit *kit, struct error *err)
{
	if (!kit->settings.kubelet_config ||
		(kit->settings.serving &&
			names_node(kit, CONTENT_SERVING_CERTIFICATE)))
		return true;
	return write_kubelet_config(kit, NULL, &kit->kubelet_config, err);
}

/* The names are the kubelet's own (Kubernetes: pkg/kubelet/certificate/
 * bootstrap, writeKubeconfigFromBootstrapping). */
static bool prepare_kubeconfig(struct bundle_kit *kit, struct error *err)
{
	bool embed = kit->settings.embed_certificates;
	AUTO_TEXT current = host_path(kit, CONTENT_CURRENT, NULL);
	struct kubeconfig config = {
		.cluster = "default-cluster",
		.user = "default-auth",
		.context = "default-context",
		.server = kit->settings.cluster->server,
		.ca_pem = trusted_pem(kit),
		.client_certificate = embed ? NULL : current,
		.client_key = embed ? NULL : current,
	};

	return embed ? kubeconfig_frame_new(&config, &kit->frame, err)
		     : kubeconfig_write(&config, &kit->kubeconfig, err);
}

static bool prepare_kube_proxy(struct bundle_kit *kit, struct error *err)
{
	const struct cluster *cluster = kit->settings.cluster;
	const char *user;
	AUTO_TEXT context = NULL;
	struct kubeconfig config = {.cluster = cluster->name,
		.server = cluster->server,
		.ca_pem = trusted_pem(kit)};

	if (!kit->settings.kube_proxy)
		return true;
	user = kit->profiles[PROXY]->common_name;
	context = memory_format("%s@%s", user, cluster->name);
	config.user = user;
	config.context = context;
	return kubeconfig_frame_new(&config, &kit->proxy_frame, err);
}

static void prepare_paths(struct bundle_kit *kit)
{
	char time[INSTANT_TEXT];

	instant_format_file(kit->settings.now, time);
	kit->client_file = fill_in(CLIENT_FILE, "{time}", time);
	for (size_t i = 0; i < kit->n_rows; i++) {
		const char *path = kit->rows[i].path;
		char *filled = fill_in(path, "{time}", time);

		kit->paths[i] = filled ? filled : memory_text(path);
	}
}

static struct bundle_kit *new_kit(const struct bundle_settings *settings)
{
	struct bundle_kit *kit = memory_new(1, sizeof(*kit));

	kit->settings = *settings;
	kit->kubeconfig = (struct buffer)BUFFER_INIT;
	kit->kubelet_config = (struct buffer)BUFFER_INIT;
	kit->rows = layouts[settings->layout].rows;
	kit->n_rows = layouts[settings->layout].n_rows;
	if (!settings->bootstrap)
		kit->profiles[CLIENT] = profile_of_pair(KUBELET_CLIENT);
	if (settings->serving)
		kit->profiles[SERVING] = profile_of_pair(KUBELET_SERVING);
	if (settings->kube_proxy)
		kit->profiles[PROXY] = profile_find("kube-proxy");
	prepare_paths(kit);
	return kit;
}

bool bundle_kit_new(const struct bundle_settings *settings,
	struct bundle_kit **ret_kit, struct error *err)
{
	AUTO_FREE(bundle_kit) kit = NULL;

	if (!cluster_require_server(settings->cluster, CLUSTER_FILE, err))
		return false;
	kit = new_kit(settings);
	if ((!settings->bootstrap && !prepare_kubeconfig(kit, err)) ||
		!prepare_kube_proxy(kit, err) ||
		!prepare_kubelet_config(kit, err))
		return false;
	*ret_kit = take(&kit);
	return true;
}

void bundle_kit_free(struct bundle_kit *kit)
{
	if (!kit)
		return;
	for (size_t i = 0; i < kit->n_rows; i++)
		free(kit->paths[i]);
	free(kit->client_file);
	buffer_release(&kit->kubeconfig);
	kubeconfig_frame_free(kit->frame);
	kubeconfig_frame_free(kit->proxy_frame);
	buffer_release(&kit->kubelet_config);
	free(kit);
}

/* -- a bundle -- */

struct bundle_parts {
	struct buffer certificates[N_PAIRS]; /* PEM */
	struct secret *keys[N_PAIRS];
	struct secret *kubeconfig; /* an embedded one */
	struct secret *kube_proxy; /* kube-proxy's */
	struct gap bootstrap;	   /* a kubeconfig; the token is borrowed */
	const struct token *token;
	struct buffer kubelet_config;
	char *paths[BUNDLE_ENTRIES_MAX]; /* those that name the node */
	size_t n_paths;
};

static struct bundle *new_bundle(void)
{
	struct bundle *bundle = memory_new(1, sizeof(*bundle));

	bundle->parts = memory_new(1, sizeof(*bundle->parts));
	bundle->parts->kubelet_config = (struct buffer)BUFFER_INIT;
	bundle->parts->bootstrap = (struct gap)GAP_INIT;
	for (size_t i = 0; i < N_PAIRS; i++) {
		bundle->certificates[i].der = (struct buffer)BUFFER_INIT;
		bundle->parts->certificates[i] = (struct buffer)BUFFER_INIT;
	}
	return bundle;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	for (size_t i = 0; i < N_PAIRS; i++) {
		buffer_release(&bundle->certificates[i].der);
		buffer_release(&bundle->parts->certificates[i]);
		secret_free(bundle->parts->keys[i]);
	}
	secret_free(bundle->parts->kubeconfig);
	secret_free(bundle->parts->kube_proxy);
	gap_release(&bundle->parts->bootstrap);
	buffer_release(&bundle->parts->kubelet_config);
	for (size_t i = 0; i < bundle->parts->n_paths; i++)
		free(bundle->parts->paths[i]);
	free(bundle->parts);
	free(bundle);
}

static void write_certificate(const struct bundle_settings *settings,
	struct der certificate, struct buffer *pem)
{
	const struct buffer *chain = settings->chain_pem;

	if (settings->ca) {
		authority_write_leaf(settings->ca, certificate, pem);
		return;
	}
	pem_write(pem, "CERTIFICATE", certificate);
	if (chain)
		buffer_add(pem, chain->data, chain->len);
}

static bool write_pair(const struct bundle_kit *kit, struct bundle *bundle,
	size_t pair, const struct key *key, struct der certificate,
	struct error *err)
{
	if (!key_write(key, &bundle->parts->keys[pair], err))
		return false;
	write_certificate(&kit->settings, certificate,
		&bundle->parts->certificates[pair]);
	bundle->n_certificates++;
	return true;
}

static bool make_pair(const struct bundle_kit *kit, size_t pair,
	const struct bundle_order *order, struct bundle *bundle,
	struct error *err)
{
	struct bundle_certificate *made =
		&bundle->certificates[bundle->n_certificates];
	AUTO_FREE(key) key = NULL;
	struct profile_order wanted = {.profile = kit->profiles[pair],
		.ca = kit->settings.ca,
		.holder = {.node = order->node},
		.lifetime = kit->settings.lifetime,
		.verify = order->verify};

	made->profile = kit->profiles[pair];
	if (!key_generate(kit->settings.key_type, &key, err))
		return error_context(err, "%s", made->profile->name);
	wanted.public_key = key_public(key);
	if (!profile_issue(&wanted, &made->der, made->serial, &made->serial_len,
		    err) ||
		!write_pair(kit, bundle, pair, key,
			(struct der){(const unsigned char *)made->der.data,
				made->der.len},
			err))
		return error_context(err, "%s", made->profile->name);
	return true;
}

static bool make_pairs(const struct bundle_kit *kit,
	const struct bundle_order *order, struct bundle *bundle,
	struct error *err)
{
	for (size_t i = 0; i < N_PAIRS; i++)
		if (kit->profiles[i] && !make_pair(kit, i, order, bundle, err))
			return false;
	return true;
}

static bool take_pair(const struct bundle_kit *kit, size_t pair,
	const struct bundle_pair *given, struct bundle *bundle,
	struct error *err)
{
	struct bundle_certificate *taken =
		&bundle->certificates[bundle->n_certificates];
	const struct certificate *certificate = given->certificate;

	taken->profile = kit->profiles[pair];
	taken->serial_len = certificate->serial.len;
	memcpy(taken->serial, certificate->serial.bytes, taken->serial_len);
	buffer_add(
		&taken->der, certificate->whole.bytes, certificate->whole.len);
	return write_pair(kit, bundle, pair, given->key, certificate->whole,
		       err) ||
	       error_context(err, "%s", taken->profile->name);
}

static bool make_documents(const struct bundle_kit *kit,
	const struct bundle_order *order, struct bundle_parts *parts,
	struct error *err)
{
	parts->token = order->token;
	if (kit->settings.bootstrap &&
		!kubeconfig_write_bootstrap(kit->settings.cluster, trusted_pem(kit),
			order->token, &parts->bootstrap, err))
		return false;
	if (kit->frame)
		parts->kubeconfig = kubeconfig_fill(kit->frame,
			&parts->certificates[CLIENT], parts->keys[CLIENT]);
	if (kit->proxy_frame)
		parts->kube_proxy = kubeconfig_fill(kit->proxy_frame,
			&parts->certificates[PROXY], parts->keys[PROXY]);
	if (!kit->settings.kubelet_config || kit->kubelet_config.len > 0)
		return true;
	return write_kubelet_config(
		kit, order->node, &parts->kubelet_config, err);
}

static struct file_part part_of(const struct buffer *text)
{
	return (struct file_part){text->data, text->len, NULL};
}

static struct file_part secret_part(const struct secret *secret)
{
	return (struct file_part){NULL, 0, secret};
}

/* The parts of a row's file; how many. */
static size_t fill_parts(const struct bundle_kit *kit,
	const struct bundle_parts *parts, enum content content,
	struct file_part to[static 4])
{
	switch (content) {
	case CONTENT_NONE:
	case CONTENT_CURRENT:
		return 0;
	case CONTENT_CA:
		to[0] = part_of(ca_pem(kit));
		return 1;
	case CONTENT_CA_BUNDLE:
		to[0] = part_of(trusted_pem(kit));
		return 1;
	case CONTENT_KUBECONFIG:
		to[0] = parts->kubeconfig ? secret_part(parts->kubeconfig)
					  : part_of(&kit->kubeconfig);
		return 1;
	case CONTENT_BOOTSTRAP:
		gap_fill(&parts->bootstrap, parts->token->secret, to);
		return GAP_PARTS;
	case CONTENT_KUBELET_CONFIG:
		to[0] = part_of(kit->kubelet_config.len > 0
					? &kit->kubelet_config
					: &parts->kubelet_config);
		return 1;
	case CONTENT_CLIENT:
		to[0] = part_of(&parts->certificates[CLIENT]);
		to[1] = secret_part(parts->keys[CLIENT]);
		return 2;
	case CONTENT_SERVING_CERTIFICATE:
		to[0] = part_of(&parts->certificates[SERVING]);
		return 1;
	case CONTENT_SERVING_KEY:
		to[0] = secret_part(parts->keys[SERVING]);
		return 1;
	case CONTENT_KUBE_PROXY:
		to[0] = secret_part(parts->kube_proxy);
		return 1;
	}
	return 0;
}

static enum tree_kind kind_of(enum content content)
{
	if (content == CONTENT_NONE)
		return TREE_DIRECTORY;
	return content == CONTENT_CURRENT ? TREE_LINK : TREE_FILE;
}

/* Rows are nearly in order: only a node's name moves any. */
static void insert_entry(struct bundle *bundle, const struct tree_entry *entry,
	enum content content)
{
	size_t at = bundle->n_entries++;

	for (; at > 0; at--) {
		if (tree_compare_paths(
			    bundle->entries[at - 1].path, entry->path) < 0)
			break;
		bundle->entries[at] = bundle->entries[at - 1];
		bundle->contents[at] = bundle->contents[at - 1];
	}
	bundle->entries[at] = *entry;
	bundle->contents[at] = content;
}

static void add_row(const struct bundle_kit *kit, const struct node *node,
	size_t i, struct bundle *bundle)
{
	const struct row *row = &kit->rows[i];
	struct bundle_parts *parts = bundle->parts;
	char *filled = fill_in(kit->paths[i], "{node}", node->name);
	struct tree_entry entry = {
		.kind = kind_of(row->content),
		.path = filled ? filled : kit->paths[i],
		.mode = row->mode,
		.on_every_host = row->on_every_host,
	};

	if (filled)
		parts->paths[parts->n_paths++] = filled;
	if (entry.kind == TREE_LINK)
		entry.link = kit->client_file;
	entry.n_parts = fill_parts(kit, parts, row->content, entry.parts);
	if (row->content == credential_of(kit))
		bundle->witness = entry.path;
	insert_entry(bundle, &entry, row->content);
}

bool bundle_hash_entry(const struct tree_entry *entry, struct sha256 *ret_hash,
	struct error *err)
{
	struct digest_piece pieces[ARRAY_SIZE(entry->parts)];

	for (size_t i = 0; i < entry->n_parts; i++) {
		const struct file_part *part = &entry->parts[i];

		pieces[i].bytes =
			part->secret ? secret_view(part->secret) : part->bytes;
		pieces[i].len =
			part->secret ? secret_len(part->secret) : part->len;
	}
	return sha256_of_pieces(pieces, entry->n_parts, ret_hash, err);
}

static bool hash_witness(
	const struct bundle_kit *kit, struct bundle *bundle, struct error *err)
{
	size_t i = 0;

	while (bundle->contents[i] != credential_of(kit))
		i++;
	return bundle_hash_entry(&bundle->entries[i], &bundle->hash, err);
}

/* A file name has at most NAME_MAX bytes, and a layout may put some behind the
 * node's name. */
static bool require_names_fit(const struct bundle_kit *kit,
	const struct node *node, struct error *err)
{
	for (size_t i = 0; i < kit->n_rows; i++) {
		const char *name = strrchr(kit->paths[i], '/');
		AUTO_TEXT filled = NULL;

		if (!name || !wants(kit, kit->rows[i].content))
			continue;
		filled = fill_in(name + 1, "{node}", node->name);
		if (filled && strlen(filled) > NAME_MAX)
			return error_set(err, ERROR_REFUSED,
				"in this layout a node's name has at most %d "
				"characters",
				(int)(NAME_MAX + strlen(node->name) -
					strlen(filled)));
	}
	return true;
}

/* All but the pairs. */
static bool finish(const struct bundle_kit *kit,
	const struct bundle_order *order, struct bundle *bundle,
	struct error *err)
{
	if (!make_documents(kit, order, bundle->parts, err))
		return false;
	for (size_t i = 0; i < kit->n_rows; i++)
		if (wants(kit, kit->rows[i].content))
			add_row(kit, order->node, i, bundle);
	return hash_witness(kit, bundle, err);
}

bool bundle_make(const struct bundle_kit *kit, const struct bundle_order *order,
	struct bundle **ret_bundle, struct error *err)
{
	AUTO_FREE(bundle) bundle = NULL;

	assert(kit->settings.bootstrap == (order->token != NULL));
	if (!require_names_fit(kit, order->node, err))
		return false;
	bundle = new_bundle();
	if (!make_pairs(kit, order, bundle, err) ||
		!finish(kit, order, bundle, err))
		return false;
	*ret_bundle = take(&bundle);
	return true;
}

bool bundle_make_of(const struct bundle_kit *kit, const struct node *node,
	const struct bundle_pair pairs[KUBELET_PAIRS],
	struct bundle **ret_bundle, struct error *err)
{
	AUTO_FREE(bundle) bundle = NULL;
	const struct bundle_order order = {.node = node};

	assert(!kit->settings.bootstrap && !kit->settings.kube_proxy);
	if (!require_names_fit(kit, node, err))
		return false;
	bundle = new_bundle();
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		if (kit->profiles[i] &&
			!take_pair(kit, i, &pairs[i], bundle, err))
			return false;
	if (!finish(kit, &order, bundle, err))
		return false;
	*ret_bundle = take(&bundle);
	return true;
}
