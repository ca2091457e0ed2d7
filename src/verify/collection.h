/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_COLLECTION_H
#define VERIFY_COLLECTION_H

#include "verify/unit.h"

/*
 * From PATHs to units.  A PATH is told apart by what it holds:
 *
 *	a file                    PEM, DER, YAML, JSON; a tar is a tree
 *	a host                    etc/kubernetes, var/lib/kubelet … below it: a
 *	                          node bundle, or a copy of a host, of which
 *	                          only the places of Kubernetes are looked at
 *	/etc/kubernetes           *.conf and pki/, as kubeadm has it
 *	a PKI directory           any other directory or tar
 *	many                      a directory of hosts and tars; a tar of NAME/…
 *
 * Of many, each host is a unit that is collected, visited and freed before the
 * next: memory does not grow with their number.  So is each file or directory
 * that lies between them and is none, if it holds something.
 *
 * All input is untrusted (base/tree_read.h).  A link is followed only where the
 * operator named it: as a PATH.
 */
struct collection {
	struct unit **units; /* of the PATHs that are one each */
	size_t n_units, allocated;
	const char **many; /* the other PATHs; borrowed */
	size_t n_many, many_allocated;
};
#define COLLECTION_INIT {NULL, 0, 0, NULL, 0, 0}

/* ERROR_INPUT when a PATH cannot be read at all; what is wrong inside is in the
 * files. */
MUST_CHECK bool collection_read(struct collection *collection,
	const char *const *paths, size_t n_paths, struct error *err);

/* Each host of the PATHs of many. */
typedef bool collection_visit(void *data, struct unit *unit, struct error *err);
MUST_CHECK bool collection_each(const struct collection *collection,
	collection_visit *visit, void *data, struct error *err);

void collection_release(struct collection *collection);
DEFINE_AUTO_RELEASE(collection)

#endif
