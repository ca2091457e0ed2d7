/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_BUNDLE_H
#define KUBE_BUNDLE_H

#include "base/tree.h"
#include "kube/cluster.h"
#include "kube/profile.h"
#include "kube/token.h"

/*
 * A node bundle: everything one node needs, as a tree to be laid over its "/".
 *
 * A kit is what all bundles of a run share, made once; bundle_make is then
 * called from many threads.  Which file goes where is one table per layout in
 * bundle.c; kpki-files(7) is held to it by a test.
 *
 * The node's credential is a client certificate, or, with `bootstrap`, a token
 * of its own, with which the kubelet gets a certificate from the cluster.
 */
struct bundle_kit;

struct bundle_settings {
	const struct cluster *cluster;
	const struct authority *ca;   /* NULL: bundle_make_of only … */
	const struct buffer *ca_pem;  /* … of this CA … */
	const struct buffer *chain_pem; /* … with this behind certificates; or
	                                   NULL */
	const struct buffer *trust;   /* all that are trusted in its place, PEM:
	                                 the bundle has a file of them; or
	                                 NULL */
	enum layout layout;
	enum key_type key_type;
	struct lifetime lifetime;
	struct instant now;      /* names the client's file */
	bool embed_certificates; /* a self-contained kubeconfig */
	bool bootstrap;          /* a token in the place of a certificate */
	bool serving;            /* with a serving pair */
	bool kube_proxy;         /* with kube-proxy's kubeconfig */
	bool kubelet_config;     /* with a KubeletConfiguration */
	const struct document *kubelet_config_base; /* or NULL */
};

MUST_CHECK bool bundle_kit_new(const struct bundle_settings *settings,
	struct bundle_kit **ret_kit, struct error *err);
/* The next file, from *at on, that each bundle of this kit has under this
 * name, for free(); NULL when there is no more.  The client certificate's is
 * not among them: the kubelet renames it. */
char *bundle_next_file(const struct bundle_kit *kit, const struct node *node,
	size_t *at);
void bundle_kit_free(struct bundle_kit *kit);
DEFINE_AUTO_FREE(bundle_kit)

struct bundle_certificate {
	const struct profile *profile;
	struct buffer der;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
};

/* What an entry is for. */
enum content {
	CONTENT_NONE, /* a directory */
	CONTENT_CA,
	CONTENT_CA_BUNDLE,
	CONTENT_KUBECONFIG,
	CONTENT_BOOTSTRAP, /* a kubeconfig with a token */
	CONTENT_KUBELET_CONFIG,
	CONTENT_CLIENT,  /* certificate, then key, as the kubelet writes them */
	CONTENT_CURRENT, /* a link to it: the kubelet rotates only a link */
	CONTENT_SERVING_CERTIFICATE,
	CONTENT_SERVING_KEY,
	CONTENT_KUBE_PROXY, /* a kubeconfig with certificate and key */
};

#define BUNDLE_ENTRIES_MAX 24
#define BUNDLE_PAIRS (KUBELET_PAIRS + 1) /* and kube-proxy's */

struct bundle {
	struct bundle_certificate certificates[BUNDLE_PAIRS];
	size_t n_certificates;
	struct tree_entry entries[BUNDLE_ENTRIES_MAX];
	enum content contents[BUNDLE_ENTRIES_MAX]; /* of the entries */
	size_t n_entries;
	const char *witness;  /* path of the file that tells this bundle from
	                         any other: the one with the credential */
	struct sha256 hash;   /* of that file */
	struct bundle_parts *parts; /* what the entries point into */
};

struct bundle_order {
	const struct node *node;
	const struct token *token; /* its own; to bootstrap with */
	bool verify;               /* signatures too */
};

/* Makes keys and certificates, lints them, and lays out the tree, which borrows
 * the token. */
MUST_CHECK bool bundle_make(const struct bundle_kit *kit,
	const struct bundle_order *order, struct bundle **ret_bundle,
	struct error *err);

/* The same of keys and certificates that are there already, of each pair that
 * the kit has, which is not for kube-proxy.  Whether they belong together is the caller's to know. */
struct bundle_pair {
	const struct key *key;
	const struct certificate *certificate;
};
MUST_CHECK bool bundle_make_of(const struct bundle_kit *kit,
	const struct node *node, const struct bundle_pair pairs[KUBELET_PAIRS],
	struct bundle **ret_bundle, struct error *err);

/* Of what a file's entry would write. */
MUST_CHECK bool bundle_hash_entry(const struct tree_entry *entry,
	struct sha256 *ret_hash, struct error *err);

void bundle_free(struct bundle *bundle);
DEFINE_AUTO_FREE(bundle)

/* Where a layout has the kubelet's current client certificate: the one name that
 * does not change, by which kube/place.h recognises a bundle. */
const char *bundle_current_path(enum layout layout);

/* Where it has the kubeconfig to bootstrap from, by which others are
 * recognised. */
const char *bundle_bootstrap_path(enum layout layout);

/* Where it has kube-proxy's. */
const char *bundle_kube_proxy_path(enum layout layout);

#endif
