/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_KEY_PRIVATE_H
#define PKI_KEY_PRIVATE_H

#include <pthread.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/key.h"
#include "pki/key_numbers.h"

/*
 * What a key is, between pki/key.c and pki/key_token.c, which has the keys in
 * PKCS#11 tokens.
 */

/* What a token asks for; it belongs to the key, because some ask again before
 * every signature. */
struct key_pin {
	const struct key_custodian *custodian; /* while the key is opened */
	struct secret *pin;
	struct error err; /* what went wrong in the library's callback */
};

struct key {
	enum key_type type;
	enum key_algorithm algorithm;
	unsigned rsa_bits;
	bool sealed;
	char name[16];
	gnutls_x509_privkey_t native; /* NULL: in a token */
	gnutls_privkey_t signer;      /* borrows native */
	struct buffer public_key;

	/* In a token, where one thread signs at a time. */
	char *uri;
	struct key_pin *pin;
	pthread_mutex_t mutex;
};

/* Names what is in key->native. */
void key_describe_numbers(struct key *key);

bool key_library_failed(struct error *err, const char *what, int rc);

/* Signs in the token. */
MUST_CHECK bool key_token_sign(const struct key *key,
	gnutls_sign_algorithm_t sign, const gnutls_datum_t *message,
	gnutls_datum_t *ret_signature, struct error *err);
void key_pin_free(struct key_pin *pin);

#endif
