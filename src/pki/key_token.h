/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_KEY_TOKEN_H
#define PKI_KEY_TOKEN_H

#include "pki/key.h"

/*
 * Keys that stay in a PKCS#11 token: an HSM, a smart card, a TPM.
 *
 * A key file may have the URI of one (pki/pkcs11_uri.h) in the place of a key,
 * in a line of its own; key_open() finds it.  The module is loaded when a URI
 * asks for it, and never otherwise: the one that module-path names, else those
 * that p11-kit is configured for.
 *
 * The PIN is in the file that pin-source names, or the custodian's to say.  One
 * that was given is tried once, and the last try before a token locks itself
 * never is.  A token signs for one thread at a time; others wait.
 *
 * ERROR_INPUT for a URI that breaks a rule, a PIN that is not the token's, and a
 * key that is not there; ERROR_FAILED for a token that is not there, or that
 * goes away.
 */
MUST_CHECK bool key_open_uri(const char *uri,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err);

/* The key if it is there, of whatever type; else makes it in the token, where
 * it is sensitive and not extractable. */
MUST_CHECK bool key_make_uri(const char *uri, enum key_type type,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err);

#endif
