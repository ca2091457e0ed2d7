/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_INVENTORY_READ_H
#define KUBE_INVENTORY_READ_H

#include "base/source.h"
#include "kube/inventory.h"

/*
 * The inventory's three shapes: kpki-inventory(5).
 *
 *   - our own kind (kpki/v1, NodeInventory), YAML or JSON; unknown keys and an
 *     address that stands twice in a node are refused;
 *   - Kubernetes' List, NodeList or Node, YAML or JSON; what we do not need is
 *     passed over, a name among the addresses is taken in lower case, what
 *     stands twice in a node counts once, empty addresses count for nothing
 *     (as for the kubelet);
 *   - plain text with a node a line: its name and then its addresses, with
 *     blanks between; "#" begins a comment.
 *
 * They are told apart by what they begin with, comments aside: JSON with "{" or
 * "["; YAML with "---", "%", "- " or a word that ends in a colon; all else is
 * plain text.
 *
 * YAML and plain text are read in a stream; JSON stands in memory as a whole.
 */
#define INVENTORY_SOURCE_MAX ((size_t)1 << 30)

/* Sealed; holds at least one node. */
MUST_CHECK bool inventory_read(struct source *source,
	struct inventory **ret_inventory, struct error *err);

/* The same of what stands under `nodes` in a NodeInventory, in another file of
 * ours. */
struct document;
MUST_CHECK bool inventory_read_list(const struct document *list,
	const char *file, struct inventory **ret_inventory,
	struct error *err);

#endif
