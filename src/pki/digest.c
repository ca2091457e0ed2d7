/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/digest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static void put_hex(char *text, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 0xf];
	}
	*text = '\0';
}

bool sha256_of(const void *bytes, size_t len, struct sha256 *ret_hash,
	struct error *err)
{
	struct sha256 hash;
	int rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, hash.bytes);

	if (rc < 0)
		return error_set(err, ERROR_FAILED, "SHA-256: %s",
			gnutls_strerror_name(rc));
	*ret_hash = hash;
	return true;
}

bool sha256_of_pieces(const struct digest_piece *pieces, size_t n_pieces,
	struct sha256 *ret_hash, struct error *err)
{
	gnutls_hash_hd_t hash;
	int rc = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);

	if (rc < 0)
		return error_set(err, ERROR_FAILED, "SHA-256: %s",
			gnutls_strerror_name(rc));
	for (size_t i = 0; i < n_pieces && rc >= 0; i++)
		rc = gnutls_hash(hash, pieces[i].bytes, pieces[i].len);
	if (rc < 0) {
		gnutls_hash_deinit(hash, NULL);
		return error_set(err, ERROR_FAILED, "SHA-256: %s",
			gnutls_strerror_name(rc));
	}
	gnutls_hash_deinit(hash, ret_hash->bytes);
	return true;
}

static bool hash_file(
	gnutls_hash_hd_t hash, int fd, const char *label, struct error *err)
{
	unsigned char piece[8192];
	off_t at = 0;
	ssize_t got;
	int rc = 0;

	do {
		got = pread(fd, piece, sizeof(piece), at);
		if (got > 0) {
			rc = gnutls_hash(hash, piece, (size_t)got);
			at += got;
		}
	} while (rc >= 0 && (got > 0 || (got < 0 && errno == EINTR)));
	secret_wipe(piece, sizeof(piece));
	if (rc < 0)
		return error_set(err, ERROR_FAILED, "SHA-256: %s",
			gnutls_strerror_name(rc));
	return got == 0 || error_errno(err, "\"%s\": cannot read", label);
}

bool sha256_of_file(
	int fd, const char *label, struct sha256 *ret_hash, struct error *err)
{
	gnutls_hash_hd_t hash;
	struct sha256 result;
	int rc = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
	bool done;

	if (rc < 0)
		return error_set(err, ERROR_FAILED, "SHA-256: %s",
			gnutls_strerror_name(rc));
	done = hash_file(hash, fd, label, err);
	gnutls_hash_deinit(hash, result.bytes);
	if (done)
		*ret_hash = result;
	return done;
}

bool hmac_sha256(const struct secret *key, const void *bytes, size_t len,
	struct sha256 *ret_hash, struct error *err)
{
	struct sha256 hash;
	int rc = gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret_view(key),
		secret_len(key), bytes, len, hash.bytes);

	if (rc < 0)
		return error_set(err, ERROR_FAILED, "HMAC-SHA-256: %s",
			gnutls_strerror_name(rc));
	*ret_hash = hash;
	return true;
}

char *sha256_pin(const struct sha256 *hash, char text[static PIN_TEXT])
{
	static const char prefix[] = "sha256:";

	memcpy(text, prefix, sizeof(prefix) - 1);
	put_hex(text + sizeof(prefix) - 1, hash->bytes, SHA256_LEN);
	return text;
}

char *hex_of(const void *bytes, size_t len)
{
	char *text = memory_new(2 * len + 1, 1);

	put_hex(text, bytes, len);
	return text;
}

bool random_bytes(void *bytes, size_t len, struct error *err)
{
	int rc = gnutls_rnd(GNUTLS_RND_RANDOM, bytes, len);

	if (rc < 0)
		return error_set(err, ERROR_FAILED, "random bytes: %s",
			gnutls_strerror_name(rc));
	return true;
}
