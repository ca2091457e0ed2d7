/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_RULE_GROUPS_H
#define VERIFY_RULE_GROUPS_H

#include "verify/rule.h"

/*
 * The groups of rules, each in a file of its own, ended by a NULL id.
 */
extern const struct rule authority_rules[];
extern const struct rule certificate_rules[];
extern const struct rule file_rules[];
extern const struct rule host_rules[];
extern const struct rule kubeconfig_rules[];
extern const struct rule ledger_rules[];
extern const struct rule name_rules[];
extern const struct rule request_rules_of_files[];
extern const struct rule rbac_rules[];
extern const struct rule token_rules[];

#endif
