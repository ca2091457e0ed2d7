/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_PUBLIC_KEY_H
#define PKI_PUBLIC_KEY_H

#include "pki/key.h"

/*
 * What a SubjectPublicKeyInfo says of its key.  Whoever signs a request, or
 * looks at a certificate, has nothing else.
 */
struct public_key {
	enum key_type type; /* KEY_OTHER: none that kpki makes */
	bool is_rsa;
	unsigned bits;  /* of an RSA modulus or a curve; 0: not known */
	char name[64];  /* "rsa-1024", "ecdsa-p521", or a dotted OID */
};

/* ERROR_INPUT when it is malformed, or an RSA exponent is even or below 3. */
MUST_CHECK bool public_key_read(struct der public_key,
	struct public_key *ret_key, struct error *err);

#endif
