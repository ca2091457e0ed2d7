/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_IDENTITY_H
#define KUBE_IDENTITY_H

#include "kube/profile.h"

/*
 * Whom a certificate names, as kube-apiserver reads its subject: the last CN is
 * the user, each O a group (Kubernetes: apiserver/pkg/authentication/request/
 * x509, CommonNameUserConversion).
 *
 * The texts are the certificate's own: printable is the caller's to make.
 */
struct identity {
	char *user; /* "" when there is no CN: nobody */
	char **groups;
	size_t n_groups;
	/* Of a user that the node authorizer takes for a kubelet, the node's
	 * name, in user; else NULL (Kubernetes: auth/nodeidentifier). */
	const char *node;
};
#define IDENTITY_INIT {NULL, NULL, 0, NULL}

/* A subject that cannot be read has no user and no groups. */
void identity_read(
	const struct certificate *certificate, struct identity *ret_identity);
bool identity_has_group(const struct identity *identity, const char *group);
/* Are its groups those of the row?  A user may have more; of anybody else only
 * the row's, of whichever version of Kubernetes. */
bool identity_fits(
	const struct identity *identity, const struct profile *profile);
void identity_release(struct identity *identity);
DEFINE_AUTO_RELEASE(identity)

#endif
