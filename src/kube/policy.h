/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_POLICY_H
#define KUBE_POLICY_H

#include "kube/cluster.h"
#include "kube/node.h"

/*
 * May this node have what it asks for?  Default: no.
 *
 * A node must never be able to answer for the API server or for a service: its
 * name and its addresses are none of "kubernetes" and names that begin with
 * "kubernetes.", the cluster's DNS domain and names in it, names that end in
 * ".svc", addresses of the service CIDRs, the endpoint's host, and nothing of
 * the control plane's and etcd's hosts and names in the cluster file; nor is one
 * a wildcard that covers any of these (kube/address.h), which somebody else's
 * certificate may have.
 * (kube-apiserver's certificate has these, and webhooks are called by them; a
 * kubelet's serving certificate with one of them could impersonate it to every
 * client that trusts the CA.)
 *
 * ERROR_REFUSED with the node's place and the rule.
 */
MUST_CHECK bool policy_check_node(const struct cluster *cluster,
	const struct node *node, struct error *err);

/* Is it a name of the service kubernetes, or a wildcard that covers one? */
bool policy_is_api_server(const char *text);

/*
 * May a user be called that, or be in that group?  Not if Kubernetes keeps it
 * for itself, as it does what begins with "system:", nor if kubeadm makes a
 * cluster-admin of it, which is a profile of its own.  ERROR_REFUSED; `what` is
 * "common name", "group" or the like.
 */
MUST_CHECK bool policy_check_user(const char *what, const char *text,
	struct error *err);

/* May a host of the control plane be called that?  It may be the endpoint, and
 * is a host of the control plane; otherwise as a node. */
MUST_CHECK bool policy_check_host(const struct cluster *cluster,
	const struct node *host, struct error *err);

#endif
