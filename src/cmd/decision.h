/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_DECISION_H
#define CMD_DECISION_H

#include "cmd/batch.h"

/*
 * What is to be done about one node, from what the ledger holds live, what the
 * inventory says, and what stands in the bundle's place.
 *
 *	nothing live                     issue
 *	live and true, bundle there      unchanged
 *	live and true, bundle not there  unchanged; refused when the bundle is
 *	                                 required or the node named
 *	live, and something differs      refused, naming what
 *	… and --reissue                  re-issue what differs, is missing or
 *	                                 is named
 *
 * Live are certificates and, where that is the credential, the token.  A token
 * that has expired differs, and so does one that is in no bundle, and a
 * credential of the other kind.
 */
enum verdict {
	VERDICT_UNDECIDED,
	VERDICT_UNCHANGED,
	VERDICT_REFUSED,
	VERDICT_ISSUE,
	VERDICT_REPLAY, /* a stream that broke has it in the spool */
};

#define DECISION_PROFILES BUNDLE_PAIRS /* client, serving, kube-proxy */

struct decision {
	enum verdict verdict;
	bool replace; /* a predecessor stands in the bundle's place */
	int64_t supersedes[DECISION_PROFILES]; /* events, or 0 */
	int64_t supersedes_token;
	int64_t retires;     /* a credential of the other kind */
	struct token *token; /* to be issued */
	struct error error;  /* why refused */
	/* of what is live, for the report */
	char *serials[DECISION_PROFILES];
	char *id; /* of the token */
	struct instant not_after;
	bool present;  /* the bundle is in its place, and whole */
	char *missing; /* there, but for this file; or NULL */
	bool has_kube_proxy; /* what is there has kube-proxy's kubeconfig */
	/* to replay */
	int64_t event;
	int fd;
};
#define DECISION_INIT {.fd = -1}

/* Under any lock of the ledger.  out is the output directory's descriptor, -1
 * when there is none.  False only when the ledger or the disk failed. */
MUST_CHECK bool decide(const struct batch *batch, int out,
	const struct node *node, struct decision *ret_decision,
	struct error *err);

/* The profile behind an index of the arrays above. */
const struct profile *decision_profile(size_t i);

void decision_release(struct decision *decision);
DEFINE_AUTO_RELEASE(decision)

#endif
