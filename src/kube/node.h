/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_NODE_H
#define KUBE_NODE_H

#include "kube/address.h"

/*
 * A node: the name it registers under and the addresses others reach it by.
 * A view into the inventory that has it.
 */
struct node {
	const char *name;
	const char *file;      /* where it stands, for messages */
	unsigned line;
	const char *addresses; /* canonical texts, a NUL behind each */
	size_t n_addresses;
};

#define NODE_ADDRESSES_MAX 64

/* Above this the CN "system:node:NAME" passes X.520's bound of 64: Go and
 * GnuTLS accept it, the openssl command line refuses to make it. */
#define NODE_NAME_LONG 52

/*
 * RFC 1123 subdomain of at most 253 characters, lower case (Kubernetes:
 * apimachinery, IsDNS1123Subdomain), labels of at most 63, and none of what
 * address_forbidden() says: the name goes into the serving certificate, as an
 * IP when it is one.  ERROR_INPUT: `node "W1": has upper case …`.
 */
MUST_CHECK bool node_name_check(const char *name, struct error *err);

/* The i-th address. */
const char *node_address(const struct node *node, size_t i);

#endif
