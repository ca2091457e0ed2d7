/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_EXPEL_H
#define KUBE_EXPEL_H

#include "base/buffer.h"
#include "base/instant.h"
#include "pki/certificate.h"

/*
 * What takes effect in a cluster against somebody whose certificate was
 * revoked: kube-apiserver reads no revocation list, and accepts a certificate
 * until it expires.  Each appends lines for a shell that has kubectl, and jq
 * for users, with comments on what they do not stop.
 */

/* Deletes the Node. */
void expel_node(const char *node, struct instant until, struct buffer *text);

/* Deletes the Secret of a bootstrap token. */
void expel_bootstrap_token(const char *id, struct buffer *text);
void expel_static_token(const char *id, struct buffer *text);

/* Deletes the bindings that have no subject but this user, and shows those that
 * have others too; groups are told, and kept. */
MUST_CHECK bool expel_user(const struct certificate *certificate,
	struct buffer *text, struct error *err);

/* Of what has no object in the cluster. */
void expel_other(const char *profile, const char *name, struct instant until,
	struct buffer *text);

#endif
