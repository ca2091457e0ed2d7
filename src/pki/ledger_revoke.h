/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_LEDGER_REVOKE_H
#define PKI_LEDGER_REVOKE_H

#include "pki/ledger.h"

/*
 * Taking back: an entry of its own, with the reason, which frees the name and
 * the addresses.  It is final.
 */

/* Of a certificate or token that was neither revoked nor withdrawn (else
 * ERROR_REFUSED).  In a transaction. */
MUST_CHECK bool ledger_revoke(struct ledger *ledger, int64_t event,
	const char *reason, struct error *err);

/* The certificates of this serial number, whichever CA issued them.  Under any
 * lock; the visitor may look at the ledger. */
MUST_CHECK bool ledger_each_serial(struct ledger *ledger, struct der serial,
	struct instant at, ledger_visit *visit, void *data, struct error *err);

/* The revoked certificates of a CA, expired ones too, in the order in which
 * they were revoked. */
struct ledger_revocation {
	struct der serial;
	struct instant at;
	const char *reason;
};
typedef bool ledger_revocation_visit(void *data,
	const struct ledger_revocation *revocation, struct error *err);
MUST_CHECK bool ledger_each_revoked(struct ledger *ledger, int64_t ca,
	ledger_revocation_visit *visit, void *data, struct error *err);

#endif
