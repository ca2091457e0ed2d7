/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CLUSTER_H
#define KUBE_CLUSTER_H

#include "base/instant.h"
#include "base/source.h"
#include "kube/address.h"
#include "kube/topology.h"
#include "pki/key.h"

/*
 * The cluster file: kpki-cluster(5).  One place for what all commands of a PKI
 * directory agree on.  Read strictly: unknown and duplicate keys are refused
 * with line and nearest name.
 */
#define CLUSTER_FILE "cluster.yaml"
#define CLUSTER_CIDRS_MAX 2 /* dual stack */

enum cluster_signing {
	SIGNING_OFFLINE,    /* only kpki signs */
	SIGNING_IN_CLUSTER, /* kube-controller-manager holds the CA key */
};

enum layout {
	LAYOUT_KUBEADM, /* kubeadm's names and places */
	LAYOUT_PEM,     /* those of the Kubernetes TLS bootstrapping page */
};

struct cluster {
	char *name;
	char *server; /* "https://host:port" as it was given, without a slash
	                 at its end, or of the control plane's endpoint; or
	                 NULL */
	char *server_host; /* canonical; NULL without a server */
	char *kubernetes_version; /* "1.31" or "1.31.2", or NULL */
	unsigned minor; /* of it; 0 when it is not known */
	char *dns_domain;
	struct cidr service_cidrs[CLUSTER_CIDRS_MAX];
	size_t n_service_cidrs;
	enum cluster_signing signing;
	enum layout layout;
	enum key_type key_type;
	int64_t validity;    /* seconds, of a leaf */
	struct topology *topology; /* NULL: none is in the file */
};

/* What a cluster file without the key means: name "kubernetes", DNS domain
 * "cluster.local", service CIDR 10.96.0.0/12, offline, kubeadm, ecdsa-p256,
 * 1y. */
struct cluster *cluster_new(void);

/* Sets one value from text by the name of its key in the file ("server",
 * "dnsDomain", "serviceCIDRs" with commas between, …), with the file's own
 * rules; ERROR_INPUT names value and rule, the caller the key or option.  For
 * the options of init-ca. */
MUST_CHECK bool cluster_set(struct cluster *cluster, const char *key,
	const char *text, struct error *err);

/* The value as cluster_set takes it; NULL when it has none; for free(). */
char *cluster_get(const struct cluster *cluster, const char *key);

/* The keys in the order of the file; ends with NULL. */
extern const char *const cluster_keys[];

MUST_CHECK bool cluster_read(struct source *source,
	struct cluster **ret_cluster, struct error *err);

/* The whole file, a comment above each key; a key without a value stands in a
 * comment. */
void cluster_write(const struct cluster *cluster, struct buffer *text);

/* ERROR_INPUT when the cluster has no server: `cluster.yaml: key "server": …`. */
MUST_CHECK bool cluster_require_server(const struct cluster *cluster,
	const char *file, struct error *err);

/* Does what the cluster runs take files with a chain behind a certificate?
 * kubeadm does since 1.21; before, it wants exactly one (kubeadm,
 * pkiutil.TryLoadCertFromDisk). */
bool cluster_takes_chains(const struct cluster *cluster);

const char *layout_name(enum layout layout);
MUST_CHECK bool layout_parse(const char *text, enum layout *ret_layout,
	struct error *err);

void cluster_free(struct cluster *cluster);
DEFINE_AUTO_FREE(cluster)

#endif
