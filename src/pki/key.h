/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_KEY_H
#define PKI_KEY_H

#include "base/buffer.h"
#include "base/secret.h"
#include "pki/der.h"

/*
 * Private keys: made, written, read, used.
 *
 * A key is written as PKCS#8 "PRIVATE KEY" PEM by code of our own, into a
 * secret: the library's exporter leaves copies of the scalar on the heap, and
 * writes one leading zero too many in half of all EC keys where RFC 5915, 3
 * wants exactly the curve's length.
 *
 * Signing with one key from many threads at once is safe.
 */
enum key_type {
	KEY_ECDSA_P256,
	KEY_ECDSA_P384,
	KEY_RSA_2048,
	KEY_RSA_3072,
	KEY_RSA_4096,
	KEY_ED25519,
	KEY_OTHER, /* read, not made by us: RSA of another size, P-521, … */
};

/* The spelling of --key-type: "ecdsa-p256", …; "rsa-8192", "ecdsa-p521" …
 * for a key that was read is key_describe's. */
const char *key_type_name(enum key_type type);
MUST_CHECK bool key_type_parse(const char *text, enum key_type *ret_type,
	struct error *err);

struct key;

MUST_CHECK bool key_generate(enum key_type type, struct key **ret_key,
	struct error *err);

/* PKCS#8, SEC1 or PKCS#1 PEM, with or without text and other blocks around it
 * (one key).  An encrypted key is refused by name (ERROR_INPUT), and so is one
 * whose public and private numbers do not belong together.  Of an Ed25519 seed
 * that is read, the library leaves a copy in memory it has freed. */
MUST_CHECK bool key_read(const struct secret *pem, struct key **ret_key,
	struct error *err);

/*
 * Who knows the passphrase of a key that is sealed, or the PIN of a token (that
 * is `what`), when one turns up.  `again` says that the last answer did not open
 * it; it is asked `tries` times.
 */
struct key_custodian {
	unsigned tries;
	bool (*passphrase)(void *data, const char *what, bool again,
		const struct secret **ret_passphrase, struct error *err);
	void *data;
};

/* The same, and a key that is sealed: ERROR_INPUT when no answer opens it.  The
 * URI of a key in a token opens that. */
MUST_CHECK bool key_open(const struct secret *pem,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err);

/* How a key is kept: in plain, under a passphrase (pki/seal.h), or in a PKCS#11
 * token, with its URI in the place of the key (pki/key_token.h). */
enum key_custody { KEY_PLAIN, KEY_SEALED, KEY_IN_TOKEN };

/* That of what stands in a file, and that of a key when it was read. */
MUST_CHECK bool key_text_custody(const struct secret *pem,
	enum key_custody *ret_custody, struct error *err);
enum key_custody key_custody(const struct key *key);

/* PKCS#8 PEM, or the URI of a key in a token; with a passphrase, sealed, which
 * a key in a token cannot be. */
MUST_CHECK bool key_write(const struct key *key, struct secret **ret_pem,
	struct error *err);
MUST_CHECK bool key_write_sealed(const struct key *key,
	const struct secret *passphrase, struct secret **ret_pem,
	struct error *err);

enum key_type key_type(const struct key *key);
bool key_is_rsa(const struct key *key);
bool key_type_is_rsa(enum key_type type);
unsigned key_rsa_bits(const struct key *key); /* 0: no RSA key */
/* "rsa-2048", "ecdsa-p521", …; static or owned by the key. */
const char *key_describe(const struct key *key);

/* SubjectPublicKeyInfo; the key owns it. */
struct der key_public(const struct key *key);

/* The AlgorithmIdentifier that key_sign's signatures go with (RFC 5758,
 * RFC 8410; RSA with its NULL): SHA-256 for P-256 and RSA, SHA-384 for P-384,
 * SHA-512 for P-521. */
struct der key_signature_algorithm(const struct key *key);
MUST_CHECK bool key_sign(const struct key *key, struct der message,
	struct buffer *signature, struct error *err);

/* Verifies with an SPKI and the AlgorithmIdentifier that came with the
 * signature.  ERROR_INPUT when it does not hold, and for SHA-1, MD5 and every
 * other algorithm than those that key_sign uses. */
MUST_CHECK bool key_verify(struct der public_key, struct der algorithm,
	struct der message, struct der signature, struct error *err);
/* The same of all that Go's crypto/x509 takes today: RSA-PSS as well, with a
 * salt as long as the hash. */
MUST_CHECK bool key_verify_foreign(struct der public_key,
	struct der algorithm, struct der message, struct der signature,
	struct error *err);
bool key_verifies_foreign(struct der algorithm);

void key_free(struct key *key);
DEFINE_AUTO_FREE(key)

#endif
