/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/commands.h"

static const struct command *const commands[] = {
	&command_init_ca,
	&command_control_plane,
	&command_node_bundle,
	&command_node_csr,
	&command_sign,
	&command_token,
	&command_bootstrap_kubeconfig,
	&command_kubeconfig,
	&command_rbac,
	&command_component_config,
	&command_cluster_info,
	&command_ca_bundle,
	&command_list,
	&command_verify,
	&command_show,
	&command_ledger,
	&command_renew,
	&command_rotate_ca,
	&command_revoke,
	&command_crl,
	&command_seal,
	&command_unseal,
	NULL,
};

const struct program kpki = {
	.name = "kpki",
	.version = PACKAGE_VERSION,
	.summary = "offline PKI provisioning for Kubernetes clusters",
	.commands = commands,
};
