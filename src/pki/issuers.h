/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_ISSUERS_H
#define PKI_ISSUERS_H

#include "pki/certificate.h"

/*
 * Those who signed a CA: its issuer first, then that one's, up to a root where
 * they reach one.
 */
#define ISSUERS_MAX 8
#define ISSUERS_TEXT_MAX ((size_t)256 * 1024)

struct issuers {
	struct certificate *items[ISSUERS_MAX];
	size_t n_items;
};

/* The certificates in PEM, of which there is at least one, in their order.
 * Nothing else than CERTIFICATE blocks may be there; text may.  ERROR_INPUT. */
MUST_CHECK bool issuers_read(
	struct der text, struct issuers *ret_issuers, struct error *err);

/* The same; the first of them is a certificate of its own, and not among
 * them. */
MUST_CHECK bool issuers_read_behind(struct der text,
	struct certificate **ret_first, struct issuers *ret_issuers,
	struct error *err);

/* Appends a copy. */
MUST_CHECK bool issuers_add(struct issuers *issuers,
	const struct certificate *certificate, struct error *err);

/*
 * Did each sign the one before it, and the first this CA, as one who may
 * (RFC 5280, 6.1.4)?  ERROR_INPUT names the one that did not, or is not valid
 * now.
 */
MUST_CHECK bool issuers_check(const struct issuers *issuers,
	const struct certificate *ca, struct instant now, struct error *err);

/* Appends them in PEM. */
void issuers_write(const struct issuers *issuers, struct buffer *pem);

/* Appends what is sent behind a certificate of this CA: the CA, and those of
 * its issuers that are no root.  Nothing of a root, which whoever trusts it has
 * (RFC 8446, 4.4.2); no issuers that are another CA's. */
void issuers_write_chain(const struct issuers *issuers,
	const struct certificate *ca, struct buffer *pem);

void issuers_release(struct issuers *issuers);
DEFINE_AUTO_RELEASE(issuers)

#endif
