/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_ISSUED_H
#define VERIFY_ISSUED_H

#include "kube/cluster.h"
#include "kube/profile.h"

/*
 * The rules of kpki verify, asked of what kpki has made itself, before anybody
 * gets it: one table, two uses.
 */
struct issued {
	const struct profile *profile;
	const struct certificate *ca;
	struct der der;
};

/* ERROR_FAILED with the first of what verify would call an error.  Signatures
 * were checked when they were made, as far as they are to be, and are not
 * again.  Thread-safe. */
MUST_CHECK bool issued_check(const struct cluster *cluster, struct instant now,
	const struct issued *issued, struct error *err);

#endif
