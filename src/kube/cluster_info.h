/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CLUSTER_INFO_H
#define KUBE_CLUSTER_INFO_H

#include "kube/token.h"

/*
 * The ConfigMap cluster-info in kube-public, by which a machine that has a
 * token and nothing else finds the cluster: a kubeconfig without credentials,
 * and for each token a signature over its bytes.  (Kubernetes:
 * pkg/controller/bootstrap/bootstrapsigner.go, kubeadm token discovery.)
 */
struct document *cluster_info_new(const struct buffer *kubeconfig);

/* Adds the token's signature; ERROR_INPUT for an id that is there, ERROR_REFUSED
 * for a static token. */
MUST_CHECK bool cluster_info_sign(struct document *config_map,
	const struct token *token, const struct buffer *kubeconfig,
	struct error *err);

/* The ConfigMap, and the Role and RoleBinding that let anybody read it, as one
 * YAML stream. */
MUST_CHECK bool cluster_info_write(const struct document *config_map,
	struct buffer *text, struct error *err);

#endif
