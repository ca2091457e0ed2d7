/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_NODE_REQUEST_H
#define KUBE_NODE_REQUEST_H

#include "base/placement.h"
#include "kube/profile.h"

/*
 * The keys that a node makes itself, and the requests to have them certified:
 * PROFILE.key and PROFILE.csr in a directory of its own.
 *
 *	for each pair
 *	  node_request_prepare   what is there is read; what is missing is made,
 *	                         in memory
 *	node_request_place       all of it, keys first
 *
 * A key that is there is used and never overwritten.  A request that is there
 * and asks for the same stays; ECDSA signs differently each time.
 */
struct node_request_settings {
	const struct node *node;
	bool has_key_type; /* or any that is there, else ecdsa-p256 */
	enum key_type key_type;
};

struct node_request {
	const struct profile *profile;
	char *key_name, *request_name;
	enum placement_way key_way, request_way;
	struct key *key;
	struct secret *key_pem; /* of a new one */
	struct buffer request_pem;
	struct sha256 pin; /* of the public key */
};
#define NODE_REQUEST_INIT                                                      \
	{NULL, NULL, NULL, PLACEMENT_KEEP, PLACEMENT_KEEP, NULL, NULL,         \
		BUFFER_INIT, {{0}}}

/* ERROR_REFUSED for a key of another type; ERROR_INPUT for a request that is
 * none. */
MUST_CHECK bool node_request_prepare(
	const struct node_request_settings *settings, enum kubelet_pair pair,
	int dir, struct node_request *ret_request, struct error *err);
MUST_CHECK bool node_request_place(const struct node_request *requests,
	size_t n_requests, int dir, struct error *err);
void node_request_release(struct node_request *request);
DEFINE_AUTO_RELEASE(node_request)

/* The key of a pair; ERROR_INPUT when it is not there, is a link or no regular
 * file, is open to others than its owner, or is no key. */
MUST_CHECK bool node_request_read_key(enum kubelet_pair pair, int dir,
	struct key **ret_key, struct error *err);

#endif
