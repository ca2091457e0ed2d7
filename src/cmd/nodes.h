/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_NODES_H
#define CMD_NODES_H

#include "cmd/context.h"
#include "kube/inventory.h"

/*
 * The nodes that a command is about: named, or an inventory's, or those of an
 * inventory that are named.
 */
struct nodes_wanted {
	const char *inventory; /* FILE or "-", or NULL */
	const char *const *names;
	size_t n_names;
	const struct text_list *addresses; /* of the one name; or NULL */
};

/* Sealed; no two share an address. */
MUST_CHECK bool nodes_read(const struct nodes_wanted *wanted,
	struct inventory **ret_inventory, struct error *err);

/* Of a name that is long, or an IP address. */
void nodes_warn(const struct node *node);

/* Holds each to the policy, and warns as nodes_warn. */
MUST_CHECK bool nodes_check(const struct context *context,
	const struct inventory *inventory, struct error *err);

#endif
