/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_KEY_NUMBERS_H
#define PKI_KEY_NUMBERS_H

#include "base/secret.h"
#include "pki/der.h"
#include "pki/pem.h"

/*
 * The numbers a key consists of, and how they are written down: between
 * pki/key.c, which has them from the library, and the files.  All are views.
 */
enum key_algorithm {
	KEY_ALGORITHM_P256,
	KEY_ALGORITHM_P384,
	KEY_ALGORITHM_P521,
	KEY_ALGORITHM_RSA,
	KEY_ALGORITHM_ED25519,
};

/* In the order of RFC 8017, A.1.2. */
enum rsa_number {
	RSA_MODULUS,
	RSA_PUBLIC_EXPONENT,
	RSA_PRIVATE_EXPONENT,
	RSA_PRIME1,
	RSA_PRIME2,
	RSA_EXPONENT1,
	RSA_EXPONENT2,
	RSA_COEFFICIENT,
	RSA_NUMBERS,
};

struct key_numbers {
	enum key_algorithm algorithm;
	struct der scalar; /* EC: big-endian; Ed25519: the seed */
	struct der point;  /* EC: 04 X Y; Ed25519: the public key */
	struct der rsa[RSA_NUMBERS];
};

/* AlgorithmIdentifier as it stands in SubjectPublicKeyInfo and PKCS#8. */
struct der key_algorithm_identifier(enum key_algorithm algorithm);
/* Octets of a scalar or coordinate; 0 for RSA. */
size_t key_algorithm_len(enum key_algorithm algorithm);
/* False when the identifier is none of ours. */
MUST_CHECK bool key_algorithm_find(struct der identifier,
	enum key_algorithm *ret_algorithm);

/* SubjectPublicKeyInfo (RFC 5280, 4.1.2.7). */
void key_encode_public(const struct key_numbers *numbers, struct buffer *der);

/* PrivateKeyInfo (RFC 5208, 5) around ECPrivateKey with its publicKey (RFC
 * 5915, 3), RSAPrivateKey (RFC 8017) or CurvePrivateKey (RFC 8410, 7). */
struct secret *key_encode_private(const struct key_numbers *numbers);

/* The one private key in a text.  ERROR_INPUT when there is none, more than
 * one, or one of a form that is not read. */
MUST_CHECK bool key_find_block(const struct secret *pem,
	struct pem_block *ret_block, struct error *err);

/* EncryptedPrivateKeyInfo (pki/seal.h). */
bool key_block_is_sealed(const struct pem_block *block);

/* The numbers in a "PRIVATE KEY", "EC PRIVATE KEY" or "RSA PRIVATE KEY", or in
 * what a sealed one holds; views into der. */
MUST_CHECK bool key_decode(const struct pem_block *block,
	const struct secret *der, struct key_numbers *ret_numbers,
	struct error *err);

#endif
