/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cli/command.h"

/* The commands, in the order in which help and kpki(1) show them. */
extern const struct program kpki;

extern const struct command command_init_ca;
extern const struct command command_control_plane;
extern const struct command command_node_bundle;
extern const struct command command_node_csr;
extern const struct command command_sign;
extern const struct command command_token;
extern const struct command command_bootstrap_kubeconfig;
extern const struct command command_kubeconfig;
extern const struct command command_rbac;
extern const struct command command_component_config;
extern const struct command command_cluster_info;
extern const struct command command_ca_bundle;
extern const struct command command_list;
extern const struct command command_verify;
extern const struct command command_show;
extern const struct command command_ledger;
extern const struct command command_renew;
extern const struct command command_rotate_ca;
extern const struct command command_revoke;
extern const struct command command_crl;
extern const struct command command_seal;
extern const struct command command_unseal;

#endif
