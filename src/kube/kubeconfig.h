/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_KUBECONFIG_H
#define KUBE_KUBECONFIG_H

#include "base/buffer.h"
#include "base/secret.h"
#include "kube/cluster.h"
#include "kube/token.h"
#include "pki/certificate.h"

/*
 * The kubeconfig document (Kubernetes: client-go/tools/clientcmd/api/v1).
 *
 * The CA is embedded, one certificate without text around it: kubeadm compares
 * it byte for byte.  Credentials are paths, or embedded.
 */
struct kubeconfig {
	const char *cluster, *user, *context; /* names of the three entries */
	const char *server;
	const struct buffer *ca_pem;
	/* Paths on the host, or NULL for embedded ones. */
	const char *client_certificate;
	const char *client_key;
};

/* A kubeconfig whose credentials are paths. */
MUST_CHECK bool kubeconfig_write(const struct kubeconfig *config,
	struct buffer *text, struct error *err);

/* One whose credential is a token (client_certificate and client_key NULL), with
 * a gap for the token's secret part; id is what stands before it, with its dot,
 * or "". */
MUST_CHECK bool kubeconfig_write_token(const struct kubeconfig *config,
	const char *id, struct gap *ret_gap, struct error *err);

/* What a kubelet bootstraps from: the cluster's server, which is set, and this
 * token, the gap for whose secret is in it. */
MUST_CHECK bool kubeconfig_write_bootstrap(const struct cluster *cluster,
	const struct buffer *ca_pem, const struct token *token,
	struct gap *ret_gap, struct error *err);

/* No credential, and one cluster whose name is empty: what kubeadm takes for
 * discovery.  Only server and ca_pem count. */
MUST_CHECK bool kubeconfig_write_discovery(const struct kubeconfig *config,
	struct buffer *text, struct error *err);

/*
 * One whose credentials are embedded, made in two steps because a batch makes
 * many that differ in nothing else: the frame once, and then for each node the
 * base64 of its certificate and key put in its two gaps.
 */
struct kubeconfig_frame;
MUST_CHECK bool kubeconfig_frame_new(const struct kubeconfig *config,
	struct kubeconfig_frame **ret_frame, struct error *err);
struct secret *kubeconfig_fill(const struct kubeconfig_frame *frame,
	const struct buffer *certificate_pem, const struct secret *key_pem);
void kubeconfig_frame_free(struct kubeconfig_frame *frame);
DEFINE_AUTO_FREE(kubeconfig_frame)

/* The client certificate that a kubeconfig embeds, for certificate_free(); NULL
 * when it has none.  Also of a file that kubectl has written again. */
struct certificate *kubeconfig_find_client(const struct secret *text);

#endif
