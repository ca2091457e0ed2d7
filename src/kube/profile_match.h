/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_PROFILE_MATCH_H
#define KUBE_PROFILE_MATCH_H

#include "kube/profile.h"

/*
 * Which row of the table of profiles a certificate, of whoever made it, comes
 * nearest to, and what is different.
 *
 * A row is known by the name it gives, or, of kube-apiserver's own, by the
 * service's name; when no row is, by everything else.  Names are compared as
 * text, with the group of any Kubernetes; keyEncipherment, which kubeadm sets
 * whatever the key, is not looked at.
 */
struct profile_match {
	const struct profile *profile; /* never NULL */
	const struct profile *twin;    /* another row it fits as well, or NULL */
	struct buffer differs;         /* sentences joined by "; ", or "" */
};

void profile_match(
	const struct certificate *certificate, struct profile_match *ret_match);
void profile_match_release(struct profile_match *match);
DEFINE_AUTO_RELEASE(profile_match)

/* "digital signature, cert sign", …, in the words of the API (KeyUsage); for
 * free(), "" for none. */
char *usage_text(unsigned key_usage);
/* "server auth, client auth" */
char *purpose_text(unsigned purposes);

#endif
