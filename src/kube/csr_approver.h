/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CSR_APPROVER_H
#define KUBE_CSR_APPROVER_H

#include "kube/cluster.h"
#include "kube/inventory.h"

/*
 * What an approver inside the cluster has to be told so that it takes serving
 * requests for what the inventory says, and for nothing else: two ConfigMaps of
 * kube-system.
 *
 * kubelet-csr-approver has the environment of the controller of that name
 * (postfinance/kubelet-csr-approver: internal/cmd/cmd.go): the names that may
 * be asked for as one regular expression, the addresses as prefixes, the
 * longest validity, and how many names one node may ask for.  It does not tie
 * an address to its node.
 *
 * kpki-node-addresses does: a key for each node, its names and addresses with
 * commas between.  For approvers that read it.
 *
 * ERROR_INPUT when a value would be longer than an environment variable can be
 * (Linux: MAX_ARG_STRLEN), or a ConfigMap than the API server takes (1 MiB).
 */
MUST_CHECK bool csr_approver_write(const struct cluster *cluster,
	const struct inventory *inventory, struct buffer *text,
	struct error *err);

#endif
