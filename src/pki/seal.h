/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_SEAL_H
#define PKI_SEAL_H

#include "base/secret.h"
#include "pki/der.h"

/*
 * A private key under a passphrase: EncryptedPrivateKeyInfo (RFC 5958, 3) by
 * PBES2 (RFC 8018, 6.2).
 *
 * It is written with PBKDF2, HMAC-SHA-256, SEAL_ITERATIONS (fewer are for tests
 * alone) and a random salt, and with AES-256 in CBC mode: the strongest that
 * openssl and GnuTLS both read.  Other parameters are read as well: PBKDF2 with SHA-1 or any of SHA-2
 * up to SEAL_ITERATIONS_MOST, and AES or triple DES in CBC mode.
 */
enum {
	SEAL_ITERATIONS = 600000,
	/* Seconds of work: no file can ask for more. */
	SEAL_ITERATIONS_MOST = 10000000,
	SEAL_SALT_MOST = 256,
};

/* PrivateKeyInfo in, EncryptedPrivateKeyInfo out. */
MUST_CHECK bool seal_close(const struct secret *der,
	const struct secret *passphrase, unsigned iterations,
	struct secret **ret_sealed, struct error *err);

/* And back.  *ret_opened is false, and err not set, when what comes out is no
 * PrivateKeyInfo: the passphrase is another one, or the file was damaged.
 * ERROR_INPUT for what is malformed, of another scheme, or out of bounds. */
MUST_CHECK bool seal_open(struct der sealed, const struct secret *passphrase,
	struct secret **ret_der, bool *ret_opened, struct error *err);

#endif
