/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_REQUEST_POLICY_H
#define KUBE_REQUEST_POLICY_H

#include "kube/cluster.h"
#include "kube/csr_object.h"
#include "kube/inventory.h"
#include "kube/profile.h"

/*
 * May this request be signed under this profile?  Default: no.
 *
 * One table of rules, request_rules[], in the order in which they are asked;
 * the first that says no decides.  Everything that no rule names is refused by
 * one of them: the subject, the alternative names and the usages are held to
 * the profile's row and to the inventory, and no other attribute, extension or
 * part of a subject is let through.
 *
 * Where a request came in a CertificateSigningRequest, what Kubernetes' own
 * approver and signer hold it to is asked as well (Kubernetes:
 * pkg/controller/certificates/approver/sarapprove.go, signer/signer.go,
 * apis/certificates/helpers.go).  What it says of who submitted it is as
 * trustworthy as whoever carried it here.
 */
struct request_case {
	const struct profile *profile;
	const struct request *request;
	const struct csr_object *object; /* it came in, or NULL */
	const struct certificate *ca;
	const struct cluster *cluster;
	/* The nodes that may have certificates, sealed; NULL: none. */
	const struct inventory *inventory;
	/* Of a profile for users: whom the operator names; NULL: nobody. */
	const char *user;
	const char *const *groups;
	size_t n_groups;
	/* Of an object that a bootstrap token submitted: the node that the
	 * ledger gave it to, "" for none; NULL when it knows no such token. */
	const char *token_node;
};

/* What may be signed.  Views into the case. */
struct request_grant {
	struct holder holder;
	struct node node;   /* holder.node's */
	struct alt_name alt_names[PROFILE_NAMES_MAX]; /* those asked for */
	size_t n_alt_names;
	const char *note; /* what an operator should know, or NULL */
};

struct request_rule {
	const char *name; /* "subject", … */
	const char *says; /* what it demands, for the man page's table */
	bool (*check)(const struct request_case *question,
		struct request_grant *grant, struct error *err);
};
extern const struct request_rule request_rules[]; /* ends with a NULL name */

/* ERROR_REFUSED, and *ret_rule is the rule that decided. */
MUST_CHECK bool request_policy_check(const struct request_case *question,
	struct request_grant *ret_grant, const struct request_rule **ret_rule,
	struct error *err);

/* The user whom a bootstrap token logs in as: the token's id, or NULL. */
const char *request_token_id(const struct csr_object *object);

/* Does a node ask for its own next certificate? */
bool request_is_renewal(const struct csr_object *object,
	const struct request *request);

#endif
