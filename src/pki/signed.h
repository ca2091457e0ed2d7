/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_SIGNED_H
#define PKI_SIGNED_H

#include "base/buffer.h"
#include "pki/der.h"

/*
 * What certificates, requests and revocation lists are made of: something, the
 * algorithm it is signed by, and the signature (RFC 5280, 4.1.1).  All are
 * views; false means "not this, or not DER".
 */
struct signed_parts {
	struct der tbs, inside; /* what is signed; its contents */
	struct der algorithm;   /* AlgorithmIdentifier */
	struct der signature;   /* the octets of the BIT STRING */
};

/* The whole of der, and nothing behind it. */
MUST_CHECK bool signed_split(struct der der, struct signed_parts *ret_parts);

/* Puts one together again; the result is appended. */
MUST_CHECK bool signed_join(struct der tbs, struct der algorithm,
	const struct buffer *signature, struct buffer *der, struct error *err);

/* AlgorithmIdentifier (RFC 5280, 4.1.1.2): the contents of its OID, and its
 * parameters, if any. */
MUST_CHECK bool signed_algorithm(struct der *at, struct der *ret_whole,
	struct der *ret_oid, struct der *ret_parameters);

/* SubjectPublicKeyInfo (RFC 5280, 4.1.2.7); ERROR_INPUT for an RSA key that is
 * malformed or lacks its NULL, and a curve without a name. */
MUST_CHECK bool signed_public_key(struct der *at, struct der *ret_public_key,
	struct error *err);

#endif
