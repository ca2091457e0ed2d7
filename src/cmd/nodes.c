/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/nodes.h"

#include <string.h>

#include "cli/note.h"
#include "cmd/permit.h"
#include "kube/inventory_read.h"
#include "kube/address.h"
#include "kube/policy.h"

static bool read_inventory(const struct nodes_wanted *wanted,
	struct inventory **ret_inventory, struct error *err)
{
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_FREE(source) source = NULL;

	if (!source_open(
		    wanted->inventory, INVENTORY_SOURCE_MAX, &source, err) ||
		!inventory_read(source, &inventory, err) ||
		!inventory_check_shared(inventory, err) ||
		(wanted->n_names && !inventory_select(inventory, wanted->names,
					    wanted->n_names, err)))
		return false;
	*ret_inventory = take(&inventory);
	return true;
}

bool nodes_read(const struct nodes_wanted *wanted,
	struct inventory **ret_inventory, struct error *err)
{
	static const struct text_list none;
	const struct text_list *addresses =
		wanted->addresses ? wanted->addresses : &none;
	AUTO_FREE(inventory) inventory = NULL;

	if (wanted->inventory)
		return read_inventory(wanted, ret_inventory, err);
	inventory = inventory_new(NULL);
	for (size_t i = 0; i < wanted->n_names; i++)
		if (!inventory_add(inventory, wanted->names[i],
			    addresses->items, addresses->n_items, 0, err))
			return false;
	if (!inventory_seal(inventory, err) ||
		!inventory_check_shared(inventory, err))
		return false;
	*ret_inventory = take(&inventory);
	return true;
}

void nodes_warn(const struct node *node)
{
	if (address_kind(node->name) == ADDRESS_IP)
		warning("node \"%s\": its name is an IP address, by which the "
			"kubelet has to register",
			node->name);
	if (strlen(node->name) > NODE_NAME_LONG)
		warning("node \"%s\": CN system:node:NAME is longer "
			"than 64 characters (X.520, ub-common-name): "
			"Kubernetes takes it, some tools do not",
			node->name);
}

bool nodes_check(const struct context *context,
	const struct inventory *inventory, struct error *err)
{
	for (size_t i = 0; i < inventory_count(inventory); i++) {
		struct node node = inventory_node(inventory, i);

		if (!policy_check_node(context->cluster, &node, err) ||
			!permit_check_node(context, &node, err))
			return false;
		nodes_warn(&node);
	}
	return true;
}
