/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/seal.h"

#include <assert.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "pki/digest.h"
#include "pki/oid.h"

#define PBES2 OID("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d")
#define PBKDF2 OID("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c")
#define HMAC_WITH(octet)                                                       \
	DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x02" octet) /* RFC 8018, B.1 */
#define AES(octet)                                                             \
	DER_LITERAL("\x60\x86\x48\x01\x65\x03\x04\x01" octet) /* RFC 3565 */
#define TRIPLE_DES DER_LITERAL("\x2a\x86\x48\x86\xf7\x0d\x03\x07")

enum { SALT_LEN = 16, BLOCK_MOST = 16, KEY_MOST = 32 };

struct scheme {
	gnutls_mac_algorithm_t mac;
	gnutls_cipher_algorithm_t cipher;
	size_t key_len, block;
	unsigned iterations;
	struct der salt, iv;
};

static bool failed(struct error *err, const char *what, int rc)
{
	return error_set(
		err, ERROR_FAILED, "%s: %s", what, gnutls_strerror_name(rc));
}

/* -- the computation -- */

static bool derive(const struct scheme *scheme, const struct secret *passphrase,
	struct secret **ret_key, struct error *err)
{
	AUTO_FREE(secret) key = secret_new(scheme->key_len);
	gnutls_datum_t from = {(unsigned char *)secret_view(passphrase),
		(unsigned)secret_len(passphrase)};
	gnutls_datum_t salt = {(unsigned char *)scheme->salt.bytes,
		(unsigned)scheme->salt.len};
	int rc = gnutls_pbkdf2(scheme->mac, &from, &salt, scheme->iterations,
		secret_bytes(key), scheme->key_len);

	secret_wipe_stack();
	if (rc < 0)
		return failed(err, "PBKDF2", rc);
	*ret_key = take(&key);
	return true;
}

static bool crypt(const struct scheme *scheme, const struct secret *key,
	bool encrypt, struct secret *bytes, struct error *err)
{
	gnutls_datum_t with = {
		(unsigned char *)secret_view(key), (unsigned)secret_len(key)};
	gnutls_datum_t iv = {
		(unsigned char *)scheme->iv.bytes, (unsigned)scheme->iv.len};
	unsigned char *at = secret_bytes(bytes);
	size_t len = secret_len(bytes);
	gnutls_cipher_hd_t handle;
	int rc = gnutls_cipher_init(&handle, scheme->cipher, &with, &iv);

	if (rc < 0)
		return failed(err, "cipher", rc);
	rc = encrypt ? gnutls_cipher_encrypt(handle, at, len)
		     : gnutls_cipher_decrypt(handle, at, len);
	gnutls_cipher_deinit(handle);
	secret_wipe_stack();
	return rc >= 0 || failed(err, "cipher", rc);
}

/* -- closing -- */

static void put_kdf(struct der_writer *out, const struct scheme *scheme)
{
	size_t mark = der_mark(out);

	der_put(out, DER_NULL, NULL, 0);
	der_put_oid(out, (struct der)HMAC_WITH("\x09"));
	der_wrap(out, DER_SEQUENCE, mark);
	der_put_integer(out, scheme->iterations);
	der_put(out, DER_OCTET_STRING, scheme->salt.bytes, scheme->salt.len);
	der_wrap(out, DER_SEQUENCE, mark);
	der_put_oid(out, PBKDF2);
	der_wrap(out, DER_SEQUENCE, mark);
}

static void put_scheme(struct der_writer *out, const struct scheme *scheme)
{
	size_t mark = der_mark(out);

	der_put(out, DER_OCTET_STRING, scheme->iv.bytes, scheme->iv.len);
	der_put_oid(out, (struct der)AES("\x2a"));
	der_wrap(out, DER_SEQUENCE, mark);
	put_kdf(out, scheme);
	der_wrap(out, DER_SEQUENCE, mark);
	der_put_oid(out, PBES2);
	der_wrap(out, DER_SEQUENCE, mark);
}

static struct secret *wrap(
	const struct scheme *scheme, const struct secret *encrypted)
{
	enum { ROOM = 256 };
	struct secret *sealed = secret_new(secret_len(encrypted) + ROOM);
	struct der_writer out =
		der_writer(secret_bytes(sealed), secret_len(sealed));

	der_put(&out, DER_OCTET_STRING, secret_view(encrypted),
		secret_len(encrypted));
	put_scheme(&out, scheme);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert(!out.overflow);
	memmove(out.start, out.at, der_mark(&out));
	secret_shorten(sealed, der_mark(&out));
	return sealed;
}

/* With the padding of RFC 8018, 6.1.1. */
static struct secret *padded(const struct secret *der)
{
	size_t len = secret_len(der), pad = BLOCK_MOST - len % BLOCK_MOST;
	struct secret *copy = secret_new(len + pad);

	memcpy(secret_bytes(copy), secret_view(der), len);
	memset(secret_bytes(copy) + len, (int)pad, pad);
	return copy;
}

bool seal_close(const struct secret *der, const struct secret *passphrase,
	unsigned iterations, struct secret **ret_sealed, struct error *err)
{
	unsigned char salt[SALT_LEN], iv[BLOCK_MOST];
	struct scheme scheme = {
		.mac = GNUTLS_MAC_SHA256,
		.cipher = GNUTLS_CIPHER_AES_256_CBC,
		.key_len = KEY_MOST,
		.block = BLOCK_MOST,
		.iterations = iterations,
		.salt = {salt, sizeof(salt)},
		.iv = {iv, sizeof(iv)},
	};
	AUTO_FREE(secret) text = padded(der);
	AUTO_FREE(secret) key = NULL;

	if (!random_bytes(salt, sizeof(salt), err) ||
		!random_bytes(iv, sizeof(iv), err) ||
		!derive(&scheme, passphrase, &key, err) ||
		!crypt(&scheme, key, true, text, err))
		return false;
	*ret_sealed = wrap(&scheme, text);
	return true;
}

/* -- opening -- */

static bool malformed(struct error *err)
{
	return error_set(err, ERROR_INPUT,
		"encrypted private key: not EncryptedPrivateKeyInfo in DER "
		"(RFC 5958, 3)");
}

static bool refuse(struct error *err, const char *what, struct der oid)
{
	AUTO_TEXT text = oid_format(oid);

	return error_set(err, ERROR_INPUT,
		"encrypted private key: %s \"%s\": none that is read", what,
		text);
}

/* AlgorithmIdentifier: its name, and what follows it. */
static bool take_algorithm(
	struct der *at, struct der *ret_oid, struct der *ret_parameters)
{
	return der_take(at, DER_SEQUENCE, ret_parameters, NULL) &&
	       der_take(ret_parameters, DER_OID, ret_oid, NULL);
}

static bool find_mac(struct der oid, struct scheme *scheme, struct error *err)
{
	static const struct {
		struct der oid;
		gnutls_mac_algorithm_t mac;
	} rows[] = {
		{HMAC_WITH("\x07"), GNUTLS_MAC_SHA1},
		{HMAC_WITH("\x08"), GNUTLS_MAC_SHA224},
		{HMAC_WITH("\x09"), GNUTLS_MAC_SHA256},
		{HMAC_WITH("\x0a"), GNUTLS_MAC_SHA384},
		{HMAC_WITH("\x0b"), GNUTLS_MAC_SHA512},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!der_equal(oid, rows[i].oid))
			continue;
		scheme->mac = rows[i].mac;
		return true;
	}
	return refuse(err, "pseudorandom function", oid);
}

static bool find_cipher(
	struct der oid, struct scheme *scheme, struct error *err)
{
	static const struct {
		struct der oid;
		gnutls_cipher_algorithm_t cipher;
		size_t key_len, block;
	} rows[] = {
		{AES("\x2a"), GNUTLS_CIPHER_AES_256_CBC, 32, 16},
		{AES("\x16"), GNUTLS_CIPHER_AES_192_CBC, 24, 16},
		{AES("\x02"), GNUTLS_CIPHER_AES_128_CBC, 16, 16},
		{TRIPLE_DES, GNUTLS_CIPHER_3DES_CBC, 24, 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!der_equal(oid, rows[i].oid))
			continue;
		scheme->cipher = rows[i].cipher;
		scheme->key_len = rows[i].key_len;
		scheme->block = rows[i].block;
		return true;
	}
	return refuse(err, "cipher", oid);
}

static bool take_iterations(
	struct der *at, struct scheme *scheme, struct error *err)
{
	struct der value;
	unsigned long count = 0;

	if (!der_take_unsigned(at, &value))
		return malformed(err);
	for (size_t i = 0; i < value.len && value.len <= sizeof(count) / 2; i++)
		count = count << 8 | value.bytes[i];
	if (count < 1 || count > SEAL_ITERATIONS_MOST)
		return error_set(err, ERROR_INPUT,
			"encrypted private key: its iteration count is not "
			"from 1 to %d",
			SEAL_ITERATIONS_MOST);
	scheme->iterations = (unsigned)count;
	return true;
}

/* The length of the key says nothing that the cipher does not. */
static bool take_key_len(struct der *at, size_t *ret_key_len, struct error *err)
{
	struct der value;

	*ret_key_len = 0;
	if (der_next(at) != DER_INTEGER)
		return true;
	if (!der_take_unsigned(at, &value) || value.len != 1)
		return malformed(err);
	*ret_key_len = value.bytes[0];
	return true;
}

static bool take_prf(struct der *at, struct scheme *scheme, struct error *err)
{
	struct der oid, rest;

	scheme->mac = GNUTLS_MAC_SHA1; /* the default of RFC 8018, A.2 */
	if (at->len == 0)
		return true;
	if (!take_algorithm(at, &oid, &rest) || at->len > 0 ||
		(rest.len > 0 && (!der_take(&rest, DER_NULL, NULL, NULL) ||
					 rest.len > 0)))
		return malformed(err);
	return find_mac(oid, scheme, err);
}

static bool read_kdf(struct der oid, struct der rest, struct scheme *scheme,
	size_t *ret_key_len, struct error *err)
{
	struct der at;

	if (!der_equal(oid, PBKDF2))
		return refuse(err, "key derivation", oid);
	if (!der_take(&rest, DER_SEQUENCE, &at, NULL) || rest.len > 0 ||
		!der_take(&at, DER_OCTET_STRING, &scheme->salt, NULL))
		return malformed(err);
	if (scheme->salt.len < 1 || scheme->salt.len > SEAL_SALT_MOST)
		return error_set(err, ERROR_INPUT,
			"encrypted private key: its salt has not 1 to %d "
			"octets",
			SEAL_SALT_MOST);
	return take_iterations(&at, scheme, err) &&
	       take_key_len(&at, ret_key_len, err) &&
	       take_prf(&at, scheme, err);
}

static bool read_cipher(struct der oid, struct der rest, struct scheme *scheme,
	struct error *err)
{
	if (!find_cipher(oid, scheme, err))
		return false;
	if (!der_take(&rest, DER_OCTET_STRING, &scheme->iv, NULL) ||
		rest.len > 0 || scheme->iv.len != scheme->block)
		return malformed(err);
	return true;
}

static bool read_scheme(
	struct der algorithm, struct scheme *scheme, struct error *err)
{
	struct der oid, rest, at, kdf, kdf_rest, cipher, cipher_rest;
	size_t key_len = 0;

	if (!der_take(&algorithm, DER_OID, &oid, NULL))
		return malformed(err);
	if (!der_equal(oid, PBES2))
		return refuse(err, "scheme", oid);
	rest = algorithm;
	if (!der_take(&rest, DER_SEQUENCE, &at, NULL) || rest.len > 0 ||
		!take_algorithm(&at, &kdf, &kdf_rest) ||
		!take_algorithm(&at, &cipher, &cipher_rest) || at.len > 0)
		return malformed(err);
	if (!read_kdf(kdf, kdf_rest, scheme, &key_len, err) ||
		!read_cipher(cipher, cipher_rest, scheme, err))
		return false;
	return key_len == 0 || key_len == scheme->key_len || malformed(err);
}

/* Whether the last block's padding is one; its length then. */
static bool find_padding(
	const struct secret *text, size_t block, size_t *ret_pad)
{
	const unsigned char *end = secret_view(text) + secret_len(text);
	size_t pad = end[-1];

	if (pad < 1 || pad > block)
		return false;
	for (size_t i = 1; i <= pad; i++)
		if (end[-(ptrdiff_t)i] != pad)
			return false;
	*ret_pad = pad;
	return true;
}

static bool is_whole(const struct secret *der)
{
	struct der at = {secret_view(der), secret_len(der)};

	return der_take(&at, DER_SEQUENCE, NULL, NULL) && at.len == 0;
}

bool seal_open(struct der sealed, const struct secret *passphrase,
	struct secret **ret_der, bool *ret_opened, struct error *err)
{
	AUTO_FREE(secret) key = NULL;
	AUTO_FREE(secret) text = NULL;
	struct der at, algorithm, bytes;
	struct scheme scheme = {0};
	size_t pad;

	*ret_opened = false;
	if (!der_take(&sealed, DER_SEQUENCE, &at, NULL) || sealed.len > 0 ||
		!der_take(&at, DER_SEQUENCE, &algorithm, NULL) ||
		!der_take(&at, DER_OCTET_STRING, &bytes, NULL) || at.len > 0)
		return malformed(err);
	if (!read_scheme(algorithm, &scheme, err))
		return false;
	if (bytes.len < scheme.block || bytes.len % scheme.block != 0)
		return malformed(err);
	text = secret_new(bytes.len);
	memcpy(secret_bytes(text), bytes.bytes, bytes.len);
	if (!derive(&scheme, passphrase, &key, err) ||
		!crypt(&scheme, key, false, text, err))
		return false;
	if (!find_padding(text, scheme.block, &pad))
		return true;
	secret_shorten(text, secret_len(text) - pad);
	if (!is_whole(text))
		return true;
	*ret_der = take(&text);
	*ret_opened = true;
	return true;
}
