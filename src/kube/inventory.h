/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_INVENTORY_H
#define KUBE_INVENTORY_H

#include "kube/node.h"

/*
 * The nodes of a cluster, and where each of them stands.  kube/inventory_read.h
 * makes one from a file.
 *
 * Names and addresses are checked as they are added.  The node's own name among
 * its addresses says nothing new and is left out.  Memory is what the texts
 * need and nine bytes a node: about 60 bytes with two addresses.
 */
struct inventory;

#define INVENTORY_NODES_MAX 1000000

/* One for names on the command line; file is what messages call the place, or
 * NULL. */
struct inventory *inventory_new(const char *file);
MUST_CHECK bool inventory_add(struct inventory *inventory, const char *name,
	const char *const *addresses, size_t n_addresses, unsigned line,
	struct error *err);

/* The same in steps, for a reader: begin, each address with its own line, end.
 * After a failure only the next begin is good. */
enum inventory_repeat {
	INVENTORY_REPEAT_REFUSED,    /* an address that stands twice in a node */
	INVENTORY_REPEAT_COUNTS_ONCE,
};
MUST_CHECK bool inventory_begin(struct inventory *inventory, const char *name,
	unsigned line, struct error *err);
MUST_CHECK bool inventory_address(struct inventory *inventory,
	const char *text, unsigned line, enum inventory_repeat repeat,
	struct error *err);
void inventory_end(struct inventory *inventory);

/* Sorts by name; refuses a name that stands twice (ERROR_INPUT).  What follows
 * wants a sealed inventory. */
MUST_CHECK bool inventory_seal(struct inventory *inventory,
	struct error *err);

/* No address is another node's address or name: ERROR_REFUSED with the place
 * and the other node.  To be asked before inventory_select. */
MUST_CHECK bool inventory_check_shared(const struct inventory *inventory,
	struct error *err);

/* Keeps only these nodes; ERROR_INPUT for a name that is not there, with the
 * nearest, or that is given twice. */
MUST_CHECK bool inventory_select(struct inventory *inventory,
	const char *const *names, size_t n_names, struct error *err);

size_t inventory_count(const struct inventory *inventory);
struct node inventory_node(const struct inventory *inventory, size_t i);
/* By name; false when there is none. */
bool inventory_find(const struct inventory *inventory, const char *name,
	struct node *ret_node);

void inventory_free(struct inventory *inventory);
DEFINE_AUTO_FREE(inventory)

#endif
