/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_DIGEST_H
#define PKI_DIGEST_H

#include "base/secret.h"

/*
 * SHA-256, HMAC, random bytes, and the texts made of them.  Thread-safe.
 */
#define SHA256_LEN 32
/* "sha256:" and 64 digits, and the NUL. */
#define PIN_TEXT 72

struct sha256 {
	unsigned char bytes[SHA256_LEN];
};

MUST_CHECK bool sha256_of(const void *bytes, size_t len,
	struct sha256 *ret_hash, struct error *err);

/* Over several pieces, one after the other. */
struct digest_piece {
	const void *bytes;
	size_t len;
};
MUST_CHECK bool sha256_of_pieces(const struct digest_piece *pieces,
	size_t n_pieces, struct sha256 *ret_hash, struct error *err);

/* Over a file from its first byte to its last, which may be a secret: what is
 * read is wiped.  The file's offset does not matter and is not moved. */
MUST_CHECK bool sha256_of_file(int fd, const char *label,
	struct sha256 *ret_hash, struct error *err);

/* HMAC-SHA-256 (RFC 2104) of public bytes; the key may be empty. */
MUST_CHECK bool hmac_sha256(const struct secret *key, const void *bytes,
	size_t len, struct sha256 *ret_hash, struct error *err);

/* The pin as kubeadm writes it (--discovery-token-ca-cert-hash): "sha256:" and
 * lower-case hex.  Returns text. */
char *sha256_pin(const struct sha256 *hash, char text[static PIN_TEXT]);

/* Lower-case hex of any bytes, for free(). */
char *hex_of(const void *bytes, size_t len);

/* From the CSPRNG. */
MUST_CHECK bool random_bytes(void *bytes, size_t len, struct error *err);

#endif
