/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SUBORDINATE_H
#define CMD_SUBORDINATE_H

#include "cmd/birth.h"
#include "cmd/context.h"
#include "cmd/permit.h"
#include "pki/request.h"

/*
 * A CA that another one signs.
 *
 *	subordinate_make      a directory with its key, and a request for it
 *	  subordinate_open    looks at it again, in this run or a later one
 *	  subordinate_sign    what the signer's PKI directory gives for it
 *	subordinate_complete  makes a PKI directory of it
 *
 * Whatever ends a run, the next one goes on where it stopped: the key is in its
 * place before anybody signs it, and a signer gives the same request the same
 * certificate again (cmd/sign_issue.h).
 */
struct subordinate {
	char *path;
	int dir;
	struct cluster *cluster;
	struct request *request;
	struct der der; /* the request's */
	enum key_custody custody;
};

/* The request for a CA of this name, which key signs. */
MUST_CHECK bool subordinate_request(const char *common_name,
	const struct key *key, struct buffer *der, struct error *err);

/* What stands at path, which is BIRTH_REQUESTED.  ERROR_INPUT when its parts do
 * not belong together; a sealed key, or one in a token, is not asked. */
MUST_CHECK bool subordinate_open(const char *path,
	struct subordinate **ret_subordinate, struct error *err);
void subordinate_free(struct subordinate *subordinate);
DEFINE_AUTO_FREE(subordinate)

/*
 * Signs a request under the profile subordinate-ca, and records it, or finds
 * that it was.  The signer has NEEDS_CLUSTER, NEEDS_CA and NEEDS_LEDGER_WRITE;
 * validity is "DUR|TIME", or NULL.  `dry` only asks, and *ret_certificate may
 * stay NULL.
 */
struct subordinate_signer {
	struct context *context;
	const char *validity;
	const struct permit *permit;
	bool dry;
};
MUST_CHECK bool subordinate_sign(const struct subordinate_signer *signer,
	struct der request, struct certificate **ret_certificate,
	struct error *err);

/* Is this certificate what was asked for, by whom these say?  ERROR_INPUT, or
 * ERROR_REFUSED for a CA that may sign no leaf. */
MUST_CHECK bool subordinate_check(const struct subordinate *subordinate,
	const struct certificate *certificate, const struct issuers *issuers,
	struct instant now, struct error *err);

#endif
