/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_PROFILE_H
#define KUBE_PROFILE_H

#include "kube/node.h"
#include "pki/authority.h"

/* What stands in the subjectAltName. */
enum profile_names {
	NAMES_NONE,
	NAMES_NODE,       /* the node's name and its addresses */
	NAMES_API_SERVER, /* the host's, and those of the service */
	NAMES_ETCD,       /* the host's, and those of the loopback */
};

/*
 * THE table of certificates that Kubernetes wants: who, for what, signed by
 * whom.  Every command, kpki-files(7) and the tests read the same rows.  A
 * certificate is built from its row; input only fills in the name and, where
 * the row takes them, the addresses.
 */
struct profile {
	const char *name;          /* "kubelet-client" */
	const char *issuer;        /* the profile of its CA: "ca", "etcd-ca" … */
	const char *common_name;   /* when for_node, a name is put behind it */
	const char *organization;  /* the group, or NULL … */
	const char *old_organization; /* … and of a Kubernetes that is older … */
	unsigned since;            /* … than 1.THIS; 0: it was always so */
	bool for_node;
	bool for_user;             /* the name is the user's, and so are groups
	                              behind the row's own; or a CA's */
	bool by_request;           /* a request may ask for it: kpki-sign(1) */
	bool is_ca;
	enum profile_names names;
	unsigned purposes;         /* bits of enum purpose */
	unsigned key_usage;        /* with any key; RSA leaves add
	                              keyEncipherment (RFC 8813, 3 forbids it
	                              for EC keys) */
	const char *consumer;      /* who reads it, in Kubernetes' words */
	const char *source;        /* who says that it is so */
};

extern const struct profile profiles[]; /* ends with a NULL name */
const struct profile *profile_find(const char *name);

/* Of an authority that a PKI directory has; not of one that it signed. */
bool profile_is_authority(const struct profile *profile);

/* The certificates that a kubelet has: each with a key of its own. */
enum kubelet_pair { KUBELET_CLIENT, KUBELET_SERVING, KUBELET_PAIRS };
const struct profile *profile_of_pair(enum kubelet_pair pair);

/* Five minutes, against clocks that differ (as kube-controller-manager). */
#define PROFILE_BACKDATE (5 * SPAN_MINUTE)
/* What an authority lives when nothing else is said. */
#define PROFILE_CA_LIFE (10 * SPAN_YEAR)

/*
 * How long a leaf lives.  notBefore is backdated, but never before the CA's.
 * Asked for nothing, it lives `preset` seconds, clamped to the CA's end
 * (*ret_clamped); asked for longer than the CA: ERROR_REFUSED; for an end that
 * is past: ERROR_INPUT.
 */
struct lifetime {
	struct instant not_before, not_after;
};
MUST_CHECK bool profile_lifetime(const struct certificate *ca,
	const char *asked, int64_t preset, struct instant now,
	struct lifetime *ret_lifetime, bool *ret_clamped, struct error *err);

/* Whom a certificate is for: what the row leaves open. */
struct holder {
	const struct node *node;   /* for_node */
	const char *user;          /* for_user: the common name … */
	const char *const *groups; /* … and the organizations */
	size_t n_groups;
	unsigned minor;            /* of the cluster's Kubernetes; 0: not
	                              known, and taken for the newest */
	/* Of a row that takes names: these, which NULL leaves to the node's name
	 * and all its addresses (NAMES_NODE only). */
	const struct alt_name *alt_names;
	size_t n_alt_names;
	const char *names_from;    /* for messages; NULL: "inventory" */
};

struct profile_order {
	const struct profile *profile;
	const struct authority *ca;
	struct holder holder;
	struct der public_key; /* SubjectPublicKeyInfo */
	struct lifetime lifetime;
	bool verify; /* the signature too */
	/* Of a CA: what it may sign for (pki/constraints.h). */
	const struct alt_name *permitted;
	size_t n_permitted;
};

/* The certificate, linted; its serial goes to ret_serial. */
MUST_CHECK bool profile_issue(const struct profile_order *order,
	struct buffer *der, unsigned char ret_serial[static SERIAL_MAX],
	size_t *ret_serial_len, struct error *err);

/* The request in DER with which a node asks for what profile_issue would give
 * it, and for nothing else. */
MUST_CHECK bool profile_request(const struct profile *profile,
	const struct node *node, const struct key *key, struct buffer *der,
	struct error *err);

/* The group that the row gives in a Kubernetes of this minor, or NULL. */
const char *profile_group(const struct profile *profile, unsigned minor);

/* Appends the Name that the row gives this holder. */
MUST_CHECK bool profile_subject(const struct profile *profile,
	const struct holder *holder, struct buffer *name, struct error *err);

/* The node's name, then its addresses in their order; none of a row that is not
 * NAMES_NODE.  How many. */
#define PROFILE_NAMES_MAX (1 + NODE_ADDRESSES_MAX)
size_t profile_alt_names(const struct profile *profile,
	const struct node *node,
	struct alt_name names[static PROFILE_NAMES_MAX]);

/* One more way in which something is not as it should be: drift is a sentence
 * whose parts are joined by "; ". */
void drift_add(struct buffer *drift, const char *format, ...) PRINTF(2, 3);

/* Does this certificate say what the profile would say for this holder?  What
 * differs is added to the drift. */
void profile_compare(const struct profile *profile,
	const struct holder *holder, const struct certificate *certificate,
	struct buffer *drift);

#endif
