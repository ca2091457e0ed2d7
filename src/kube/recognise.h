/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_RECOGNISE_H
#define KUBE_RECOGNISE_H

#include "kube/profile.h"

/*
 * Of which row of kube/profile.h a certificate is, and for whom, by nothing but
 * what it says: subject, usages, purposes, and whether it has alternative
 * names.  The order of a subject's attributes does not matter, since others
 * write them in another.
 */
struct recognised {
	const struct profile *profile;
	char *name; /* the node or user; NULL of a row that is for neither */
};

struct recognise_by {
	const char *issuer;  /* the profile of the CA that issued it */
	const char *profile; /* only this row; or NULL */
};

/* A leaf.  ERROR_REFUSED when it is of no row, or could be of several, or has
 * control characters in its subject. */
MUST_CHECK bool recognise(const struct certificate *certificate,
	const struct recognise_by *by, struct recognised *ret_recognised,
	struct error *err);

void recognised_release(struct recognised *recognised);
DEFINE_AUTO_RELEASE(recognised)

#endif
