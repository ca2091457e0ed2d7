/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_KUBELET_CONFIG_H
#define KUBE_KUBELET_CONFIG_H

#include "base/document.h"
#include "kube/cluster.h"

/*
 * The KubeletConfiguration (kubelet.config.k8s.io/v1beta1) that uses what a
 * bundle brings.  With a base, the operator's own file, only what kpki is about
 * is set in it: x509.clientCAFile, the serving pair, rotation; anonymous access
 * off and webhook authentication and authorization on unless the base says
 * otherwise.  The rest stays, in its order; comments are not kept.
 *
 * A kubelet that bootstraps rotates, whoever signs, and asks for the serving
 * certificate too (serverTLSBootstrap) when it is not given one.
 */
struct kubelet_config {
	const struct cluster *cluster;
	const char *client_ca_file;   /* paths on the host */
	const char *tls_cert_file;    /* NULL: no serving pair */
	const char *tls_private_key_file;
	bool bootstrap; /* the kubelet asks the cluster for its certificates */
	const struct document *base;  /* or NULL */
};

/* Reads and checks a base: a KubeletConfiguration of v1beta1. */
MUST_CHECK bool kubelet_config_read_base(struct source *source,
	struct document **ret_base, struct error *err);

/* The same of what an option says: a file, "none", for no configuration at all,
 * or NULL, for one without a base. */
MUST_CHECK bool kubelet_config_open_base(const char *option,
	bool *ret_wanted, struct document **ret_base, struct error *err);

MUST_CHECK bool kubelet_config_write(const struct kubelet_config *config,
	struct buffer *text, struct error *err);

#endif
