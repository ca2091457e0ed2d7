/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "kube/inventory_read.h"

static void hold_node(const struct inventory *inventory, size_t i)
{
	struct node node = inventory_node(inventory, i), found;
	AUTO_RELEASE(error) err = ERROR_INIT;

	hold(node_name_check(node.name, &err));
	hold(inventory_find(inventory, node.name, &found) &&
		found.name == node.name &&
		found.n_addresses == node.n_addresses);
	for (size_t k = 0; k < node.n_addresses; k++)
		hold(strcmp(node_address(&node, k), node.name) != 0);
}

/* What is taken has nodes, and each is found by its name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_FREE(source) source = source_of_text("input", data, len);
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!inventory_read(source, &inventory, &err)) {
		hold_refusal(&err);
		return 0;
	}
	hold(inventory_count(inventory) > 0);
	for (size_t i = 0; i < inventory_count(inventory); i++)
		hold_node(inventory, i);
	return 0;
}
