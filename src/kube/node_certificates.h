/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_NODE_CERTIFICATES_H
#define KUBE_NODE_CERTIFICATES_H

#include "base/buffer.h"
#include "base/source.h"
#include "kube/cluster.h"
#include "kube/profile.h"

/*
 * What goes back to a node whose keys never left it: the certificates signed
 * for it, and all else that its kubelet needs to use them.  Nothing in it is
 * secret.
 *
 *	apiVersion: kpki/v1
 *	kind: NodeCertificates
 *	node: worker-1
 *	layout: kubeadm
 *	cluster:
 *	  server: https://api.example.internal:6443
 *	  signing: offline
 *	ca: |
 *	  -----BEGIN CERTIFICATE-----
 *	  …
 *	chain: |
 *	  …
 *	certificates:
 *	  - |
 *	    -----BEGIN CERTIFICATE-----
 *	    …
 *
 * Under `cluster` stand the keys of the cluster file that kubelet.conf and the
 * KubeletConfiguration need, by the same names and rules, and no others.
 */
#define NODE_CERTIFICATES_SOURCE_MAX ((size_t)256 * 1024)

struct node_certificates {
	const char *node;
	const struct cluster *cluster; /* its server and signing count */
	enum layout layout;
	const struct buffer *ca_pem; /* one block without text around it */
	/* What stands behind each certificate in its file, as authority_chain()
	 * says; NULL or empty: nothing. */
	const struct buffer *chain_pem;
	struct der certificates[KUBELET_PAIRS]; /* len 0: none */

	/* Of one that was read: the certificates once more, taken apart, NULL
	 * for none; and what all of the above points into. */
	const struct certificate *ca, *leaves[KUBELET_PAIRS];
	struct node_certificates_parts *parts;
};

/* Appends the file.  ERROR_INPUT when the cluster has no server. */
MUST_CHECK bool node_certificates_write(const struct node_certificates *file,
	struct buffer *text, struct error *err);

/*
 * Strict: no key is missing, unknown or there twice.  ERROR_INPUT with file and
 * line also for what is signed: a CA that is none; a certificate that is of no
 * profile of a kubelet, or of one that was there already, that says something
 * else than its profile does for this node (the addresses aside, which are what
 * an inventory takes), that the CA did not sign, or that is not valid `now`.
 */
MUST_CHECK bool node_certificates_read(struct source *source,
	struct instant now, struct node_certificates **ret_file,
	struct error *err);

/* Adds what one more file has to `whole`, which owns nothing and starts zeroed.
 * ERROR_INPUT when the two are not of one node, layout, cluster and CA, or have
 * two certificates for one profile. */
MUST_CHECK bool node_certificates_join(const struct node_certificates *more,
	struct node_certificates *whole, struct error *err);

void node_certificates_free(struct node_certificates *file);
DEFINE_AUTO_FREE(node_certificates)

#endif
