/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_CRL_H
#define PKI_CRL_H

#include "pki/authority.h"

/*
 * Certificate revocation lists (RFC 5280, 5): full ones, of an authority's own
 * certificates.  Version 2, with authorityKeyIdentifier and cRLNumber; an entry
 * has a reason unless it is "unspecified" (5.3.1).
 */

/* The spelling of RFC 5280, 5.3.1, and its number: "keyCompromise" is 1.  -1
 * for what is none, or is not for a certificate that is revoked for good:
 * certificateHold, removeFromCRL, and those of authorities. */
int crl_reason(const char *name);

struct crl_entry {
	struct der serial;
	struct instant at;
	int reason; /* 0: unspecified */
};

struct crl_plan {
	const struct crl_entry *entries;
	size_t n_entries;
	struct instant this_update, next_update;
	uint64_t number;
};

/* Appends the list in DER, read again and its signature verified.
 * ERROR_REFUSED when the authority's key may not sign lists (4.2.1.3), or ends
 * before the next update. */
MUST_CHECK bool crl_sign(const struct authority *ca,
	const struct crl_plan *plan, struct buffer *der, struct error *err);

/* The number of a list that this CA signed.  ERROR_INPUT when it is none. */
MUST_CHECK bool crl_read(struct der der, const struct certificate *ca,
	uint64_t *ret_number, struct error *err);

#endif
