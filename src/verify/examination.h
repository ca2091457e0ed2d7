/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_EXAMINATION_H
#define VERIFY_EXAMINATION_H

#include "kube/cluster.h"
#include "kube/inventory.h"
#include "pki/ledger.h"
#include "verify/rule.h"
#include "verify/seen.h"

/*
 * Asking the rules of one unit, and what they may look at.
 */
struct verify_settings {
	struct instant at;
	unsigned roles; /* bits of enum host_role; 0: told by what is there */
	unsigned minor; /* Kubernetes 1.minor; 0: not known: the newest */
	const struct inventory *inventory; /* sealed, or NULL */
	const struct cluster *cluster;     /* or NULL */
	bool signatures_known; /* not to be checked again */
	struct ledger *ledger; /* locked: certificates it must know; or NULL */
	/* Severities by a policy, by rule_index; as 1 + enum severity, 0: as the
	 * row says. */
	unsigned char severities[RULES_MAX];
};

struct finding {
	const struct rule *rule;
	enum severity severity;
	const struct file *file;         /* or NULL: the unit */
	const struct artifact *artifact; /* or NULL */
	char *text; /* from untrusted input: for printable() */
};

struct findings {
	struct finding *items;
	size_t n_items, allocated;
};
#define FINDINGS_INIT {NULL, 0, 0}
void findings_release(struct findings *findings);
DEFINE_AUTO_RELEASE(findings)

struct examination {
	const struct verify_settings *settings;
	const struct unit *unit;
	/* the units that are there at once, this one perhaps among them */
	struct unit *const *others;
	size_t n_others;
	struct seen *seen; /* in the units before; or NULL */
	struct findings findings;
	struct chain **chains; /* verify/chain.h; owned */
	size_t n_chains, chains_allocated;
	size_t chain_hint; /* rules ask for one after the other */
	/* the question */
	const struct rule *rule;
	size_t rule_index;
	const struct file *file;
	const struct artifact *artifact;
	struct error *err;
	bool broken; /* err is set: it cannot be examined */
};

void examination_release(struct examination *x);
DEFINE_AUTO_RELEASE(examination)

/* Asks every rule that is not off, and sorts what they find: the worst file
 * first, and in a file the worst first.  False only for what is no finding. */
MUST_CHECK bool examine(struct examination *x, struct error *err);

/* What the rule finds in what it is asked of. */
void finding(struct examination *x, const char *format, ...) PRINTF(2, 3);
/* The same at most so severe, unless a policy says otherwise. */
void finding_at_most(struct examination *x, enum severity most,
	const char *format, ...) PRINTF(3, 4);

/* -- relations that several rules go by -- */

/* What the whole unit is for: bits of enum host_role. */
unsigned examination_roles(const struct examination *x);

/* Each authority that may have signed this certificate, by its duty: those in
 * files of its own unit, else in the other units, else in kubeconfigs.  NULL
 * begins and ends. */
const struct artifact *authority_next(const struct examination *x,
	const struct artifact *of, const struct artifact *previous);

/* In the same way each of this duty, "ca", and never one in a kubeconfig. */
const struct artifact *authority_named(const struct examination *x,
	const char *duty, const struct artifact *previous);

/* Certificates that stand in the same file, or in the same entry of a
 * kubeconfig, as its chain. */
const struct artifact *chain_next(
	const struct artifact *of, const struct artifact *previous);

/* The private key that goes with a certificate by the names of their files, in
 * the same file or in one beside it; NULL: none is there. */
const struct artifact *key_of(
	const struct examination *x, const struct artifact *certificate);

/* Does Kubernetes of at least this minor count?  So it does when the version
 * is not known. */
bool is_since(const struct examination *x, unsigned minor);

/* The first certificate of its file or entry: a leaf, if it is one. */
bool is_first(const struct artifact *certificate);

#endif
