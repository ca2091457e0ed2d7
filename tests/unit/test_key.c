/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "pki/key.h"
#include "pki/key_numbers.h"
#include "pki/oid.h"
#include "pki/pem.h"

static const struct der message = DER_LITERAL("to be signed");

static bool is_slow(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

static struct key *generate(enum key_type type)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct key *key = NULL;

	assert_true(key_generate(type, &key, &err));
	return key;
}

static struct secret *write_key(const struct key *key)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct secret *pem = NULL;

	assert_true(key_write(key, &pem, &err));
	return pem;
}

static struct secret *secret_of(const void *bytes, size_t len)
{
	struct secret *secret = secret_new(len);

	memcpy(secret_bytes(secret), bytes, len);
	return secret;
}

static const enum key_type quick_types[] = {
	KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_ED25519, KEY_RSA_2048};

static void types_have_the_names_of_the_option(void **state)
{
	static const struct {
		const char *name;
		enum key_type type;
	} rows[] = {
		{"ecdsa-p256", KEY_ECDSA_P256},
		{"ecdsa-p384", KEY_ECDSA_P384},
		{"rsa-2048", KEY_RSA_2048},
		{"rsa-3072", KEY_RSA_3072},
		{"rsa-4096", KEY_RSA_4096},
		{"ed25519", KEY_ED25519},
	};
	static const char *const others[] = {
		"", "other", "rsa-1024", "RSA-2048", "ecdsa", "ecdsa-p256 "};
	enum key_type type = KEY_OTHER;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_string_equal(key_type_name(rows[i].type), rows[i].name);
		assert_true(key_type_parse(rows[i].name, &type, &err));
		assert_int_equal(type, rows[i].type);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(key_type_parse(others[i], &type, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
	}
}

static void a_key_survives_being_written_and_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quick_types); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(key) key = generate(quick_types[i]);
		AUTO_FREE(secret) pem = write_key(key);
		AUTO_FREE(secret) again = NULL;
		AUTO_FREE(key) read = NULL;

		assert_true(key_read(pem, &read, &err));
		assert_int_equal(key_type(read), quick_types[i]);
		assert_string_equal(
			key_describe(read), key_type_name(quick_types[i]));
		assert_int_equal(
			key_is_rsa(read), quick_types[i] == KEY_RSA_2048);
		assert_int_equal(key_rsa_bits(read),
			quick_types[i] == KEY_RSA_2048 ? 2048 : 0);
		assert_true(der_equal(key_public(read), key_public(key)));
		again = write_key(read);
		assert_true(secret_equal(pem, again));
	}
}

static bool verify(
	const struct key *key, struct der text, const struct buffer *signature)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	return key_verify(key_public(key), key_signature_algorithm(key), text,
		der_of(signature), &err);
}

static void signatures_hold_for_their_key_and_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quick_types); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) signature = BUFFER_INIT;
		AUTO_FREE(key) key = generate(quick_types[i]);
		AUTO_FREE(key) other = generate(quick_types[i]);

		assert_true(key_sign(key, message, &signature, &err));
		assert_true(verify(key, message, &signature));
		assert_false(verify(other, message, &signature));
		assert_false(verify(key, OID("to be signeD"), &signature));
		signature.data[signature.len - 1] ^= 1;
		assert_false(verify(key, message, &signature));
	}
}

static void algorithms_are_written_as_the_rfcs_say(void **state)
{
	static const struct {
		enum key_type type;
		struct der spki_start, signature;
	} rows[] = {
		{KEY_ECDSA_P256,
			DER_LITERAL("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce"
				    "\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d"
				    "\x03\x01\x07\x03\x42\x00\x04"),
			DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04"
				    "\x03\x02")},
		{KEY_ECDSA_P384,
			DER_LITERAL("\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce"
				    "\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
				    "\x03\x62\x00\x04"),
			DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04"
				    "\x03\x03")},
		{KEY_RSA_2048,
			DER_LITERAL("\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86"
				    "\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03"
				    "\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82"
				    "\x01\x01\x00"),
			DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d"
				    "\x01\x01\x0b\x05\x00")},
		{KEY_ED25519,
			DER_LITERAL("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03"
				    "\x21\x00"),
			DER_LITERAL("\x30\x05\x06\x03\x2b\x65\x70")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(key) key = generate(rows[i].type);
		struct der spki = key_public(key);

		assert_true(spki.len > rows[i].spki_start.len);
		assert_memory_equal(spki.bytes, rows[i].spki_start.bytes,
			rows[i].spki_start.len);
		assert_true(der_equal(
			key_signature_algorithm(key), rows[i].signature));
	}
}

/* -- what is written -- */

static struct secret *decode(const struct secret *pem)
{
	struct der rest = {secret_view(pem), secret_len(pem)};
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct pem_block block;
	struct secret *der;
	bool found;
	size_t len;

	assert_true(pem_next(&rest, &block, &found, &err) && found);
	assert_true(pem_is_labelled(&block, "PRIVATE KEY"));
	assert_int_equal(block.before.len, 0);
	assert_int_equal(rest.len, 0);
	der = secret_new(PEM_ROOM(block.body.len));
	assert_true(pem_decode(&block, secret_bytes(der), &len, &err));
	secret_shorten(der, len);
	return der;
}

/* RFC 5915, 3: the scalar has 32 octets, with zeros in front or a high bit set
 * as the case may be. */
static void ten_thousand_scalars_have_32_octets(void **state)
{
	static const struct der start = DER_LITERAL(
		"\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d"
		"\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30"
		"\x6b\x02\x01\x01\x04\x20");
	static const struct der middle =
		DER_LITERAL("\xa1\x44\x03\x42\x00\x04");
	size_t n_keys = is_slow() ? 100 : 10000, n_high = 0, n_zero = 0;

	(void)state;
	for (size_t i = 0; i < n_keys; i++) {
		AUTO_FREE(key) key = generate(KEY_ECDSA_P256);
		AUTO_FREE(secret) pem = write_key(key);
		AUTO_FREE(secret) der = decode(pem);
		const unsigned char *at = secret_view(der);
		struct der spki = key_public(key);

		assert_int_equal(secret_len(der), 138);
		assert_memory_equal(at, start.bytes, start.len);
		assert_memory_equal(at + 68, middle.bytes, middle.len);
		assert_memory_equal(at + 74, spki.bytes + spki.len - 64, 64);
		n_high += at[36] >> 7;
		n_zero += at[36] == 0;
	}
	if (!is_slow())
		assert_true(n_high > 4000 && n_high < 6000 && n_zero > 5);
}

static void the_library_reads_what_we_write(void **state)
{
	(void)state;
	for (size_t i = 0; i < 200; i++) {
		AUTO_FREE(key)
		key = generate(i < 4 ? quick_types[i] : KEY_ECDSA_P256);
		AUTO_FREE(secret) pem = write_key(key);
		gnutls_datum_t data = {(unsigned char *)secret_view(pem),
			(unsigned)secret_len(pem)};
		gnutls_x509_privkey_t theirs;

		assert_int_equal(gnutls_x509_privkey_init(&theirs), 0);
		assert_int_equal(
			gnutls_x509_privkey_import2(theirs, &data,
				GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN),
			0);
		assert_int_equal(gnutls_x509_privkey_verify_params(theirs), 0);
		gnutls_x509_privkey_deinit(theirs);
	}
}

/* -- what is read -- */

/* The PEM that the library writes: SEC1 or PKCS#1, or PKCS#8. */
static struct secret *foreign_pem(gnutls_pk_algorithm_t algorithm,
	unsigned bits, bool pkcs8, const char *password)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t out;
	struct secret *pem;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(
		gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0);
	if (pkcs8)
		assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key,
					 GNUTLS_X509_FMT_PEM, password,
					 password ? GNUTLS_PKCS_PBES2_AES_128
						  : GNUTLS_PKCS_PLAIN,
					 &out),
			0);
	else
		assert_int_equal(gnutls_x509_privkey_export2(
					 key, GNUTLS_X509_FMT_PEM, &out),
			0);
	pem = secret_of(out.data, out.size);
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(key);
	return pem;
}

static void foreign_forms_are_read(void **state)
{
	static const struct {
		gnutls_pk_algorithm_t algorithm;
		unsigned bits;
		bool pkcs8;
		const char *start, *name;
	} rows[] = {
		{GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), false,
			"-----BEGIN EC PRIVATE KEY", "ecdsa-p256"},
		{GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), true,
			"-----BEGIN PRIVATE KEY", "ecdsa-p256"},
		{GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), false,
			"-----BEGIN EC PRIVATE KEY", "ecdsa-p384"},
		{GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1), false,
			"-----BEGIN EC PRIVATE KEY", "ecdsa-p521"},
		{GNUTLS_PK_ECDSA,
			GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1), true,
			"-----BEGIN PRIVATE KEY", "ecdsa-p521"},
		{GNUTLS_PK_RSA, 2048, false, "-----BEGIN RSA PRIVATE KEY",
			"rsa-2048"},
		{GNUTLS_PK_RSA, 1024, true, "-----BEGIN PRIVATE KEY",
			"rsa-1024"},
		{GNUTLS_PK_EDDSA_ED25519, 256, true, "-----BEGIN PRIVATE KEY",
			"ed25519"},
	};

	(void)state;
	/* several of each: half of GnuTLS's scalars have 33 octets */
	for (size_t i = 0; i < 8 * ARRAY_SIZE(rows); i++) {
		size_t row = i % ARRAY_SIZE(rows);
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) signature = BUFFER_INIT;
		AUTO_FREE(secret) pem = NULL;
		AUTO_FREE(key) key = NULL;

		if (rows[row].algorithm == GNUTLS_PK_RSA && i != row)
			continue;
		pem = foreign_pem(rows[row].algorithm, rows[row].bits,
			rows[row].pkcs8, NULL);
		assert_non_null(memmem(secret_view(pem), secret_len(pem),
			rows[row].start, strlen(rows[row].start)));
		assert_true(key_read(pem, &key, &err));
		assert_string_equal(key_describe(key), rows[row].name);
		assert_true(key_sign(key, message, &signature, &err));
		assert_true(verify(key, message, &signature));
	}
}

/* The block of a key, between texts. */
static struct secret *key_between(const char *before, const char *after)
{
	AUTO_FREE(key) key = generate(KEY_ECDSA_P256);
	AUTO_FREE(secret) pem = write_key(key);
	size_t n_before = strlen(before), n_after = strlen(after);
	struct secret *text = secret_new(n_before + secret_len(pem) + n_after);
	unsigned char *at = secret_bytes(text);

	memcpy(at, before, n_before);
	memcpy(at + n_before, secret_view(pem), secret_len(pem));
	memcpy(at + n_before + secret_len(pem), after, n_after);
	return text;
}

#define BLOCK_OF(label)                                                        \
	"-----BEGIN " label "-----\nAQID\n-----END " label "-----\n"

static void what_stands_around_a_key(void **state)
{
	static const struct {
		const char *before, *after, *message;
	} rows[] = {
		{"", "", NULL},
		{"Private-Key: (256 bit)\n", "that was it", NULL},
		{BLOCK_OF("EC PARAMETERS"), "", NULL},
		{BLOCK_OF("CERTIFICATE"), BLOCK_OF("CERTIFICATE"), NULL},
		{"", "garbage\n", NULL},
		{BLOCK_OF("PRIVATE KEY"), "",
			"private key: more than one in it"},
		{"", BLOCK_OF("RSA PRIVATE KEY"),
			"private key: more than one in it"},
		{BLOCK_OF("ENCRYPTED PRIVATE KEY"), "",
			"private key: more than one in it"},
		{BLOCK_OF("OPENSSH PRIVATE KEY"), "",
			"\"OPENSSH PRIVATE KEY\": not a key in PKCS#8, SEC1 or "
			"PKCS#1 form"},
		{"", "-----BEGIN CERTIFICATE-----\n",
			"\"-----BEGIN CERTIFICATE-----\": no END line of the "
			"same name follows"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(secret)
		text = key_between(rows[i].before, rows[i].after);
		AUTO_FREE(key) key = NULL;

		if (key_read(text, &key, &err)) {
			assert_null(rows[i].message);
			continue;
		}
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_non_null(rows[i].message);
		assert_string_equal(err.message, rows[i].message);
	}
}

static void encrypted_keys_are_refused_by_name(void **state)
{
	static const char legacy[] =
		"-----BEGIN EC PRIVATE KEY-----\n"
		"Proc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n"
		"\n"
		"AQIDBAUGBwgJCgsMDQ4PEA==\n"
		"-----END EC PRIVATE KEY-----\n";
	AUTO_RELEASE(error) first = ERROR_INIT;
	AUTO_RELEASE(error) second = ERROR_INIT;
	AUTO_FREE(secret)
	pkcs8 = foreign_pem(GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), true, "x");
	AUTO_FREE(secret) old = secret_of(legacy, strlen(legacy));
	AUTO_FREE(key) key = NULL;

	(void)state;
	assert_false(key_read(pkcs8, &key, &first));
	assert_string_equal(first.message,
		"\"ENCRYPTED PRIVATE KEY\": the key is encrypted; a plain one "
		"is wanted");
	assert_false(key_read(old, &key, &second));
	assert_string_equal(second.message,
		"\"Proc-Type: 4,ENCRYPTED\": the key is encrypted, and not in "
		"PKCS#8 form");
}

/* A flipped bit in a key changes what it is, or makes it no key; it never
 * passes for another. */
static void a_key_with_a_flipped_bit_is_refused(void **state)
{
	AUTO_FREE(key) key = generate(KEY_ECDSA_P256);
	AUTO_FREE(secret) pem = write_key(key);
	AUTO_FREE(secret) der = decode(pem);
	size_t n_bits = 8 * secret_len(der), step = is_slow() ? 41 : 1;

	(void)state;
	for (size_t bit = 0; bit < n_bits; bit += step) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(secret) text = NULL;
		AUTO_FREE(key) read = NULL;
		unsigned char *octet = secret_bytes(der) + bit / 8;

		*octet ^= (unsigned char)(1 << bit % 8);
		text = pem_write_secret("PRIVATE KEY", der);
		*octet ^= (unsigned char)(1 << bit % 8);
		if (key_read(text, &read, &err))
			/* PKCS#8 version 1 may stand there too */
			assert_int_equal(bit, 8 * 5);
		else
			assert_int_equal(err.kind, ERROR_INPUT);
	}
}

static void malformed_keys_are_refused(void **state)
{
	static const struct {
		const char *label;
		struct der der;
		const char *message;
	} rows[] = {
		{"PRIVATE KEY", DER_LITERAL("\x30\x00"),
			"private key: not PrivateKeyInfo (RFC 5208, 5) in DER"},
		{"RSA PRIVATE KEY", DER_LITERAL("\x30\x03\x02\x01\x00"),
			"private key: not RSAPrivateKey (RFC 8017, A.1.2) in "
			"DER"},
		{"EC PRIVATE KEY", DER_LITERAL("\x30\x03\x02\x01\x01"),
			"private key: not ECPrivateKey (RFC 5915, 3) in DER"},
		{"EC PRIVATE KEY",
			DER_LITERAL("\x30\x06\x02\x01\x01\x04\x01\x05"),
			"private key: names no curve (RFC 5915, 3)"},
		{"EC PRIVATE KEY",
			DER_LITERAL("\x30\x0f\x02\x01\x01\x04\x01\x05\xa0\x07"
				    "\x06\x05\x2b\x81\x04\x00\x0a"),
			"private key: its curve is none of P-256, P-384 and "
			"P-521"},
		{"EC PRIVATE KEY",
			DER_LITERAL("\x30\x0f\x02\x01\x01\x04\x01\x05\xa0\x07"
				    "\x06\x05\x2b\x81\x04\x00\x22"),
			"private key: the public key is not beside it (RFC "
			"5915, 3)"},
		{"PRIVATE KEY",
			DER_LITERAL("\x30\x0e\x02\x01\x00\x30\x05\x06\x03\x2b"
				    "\x65\x71\x04\x02\x04\x00"),
			"private key: its algorithm is none of RSA, ECDSA on "
			"P-256, P-384 or P-521, and Ed25519"},
		{"PRIVATE KEY",
			DER_LITERAL("\x30\x0e\x02\x01\x00\x30\x05\x06\x03\x2b"
				    "\x65\x70\x04\x02\x04\x00"),
			"private key: not CurvePrivateKey (RFC 8410, 7) in "
			"DER"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(secret)
		der = secret_of(rows[i].der.bytes, rows[i].der.len);
		AUTO_FREE(secret) pem = pem_write_secret(rows[i].label, der);
		AUTO_FREE(key) key = NULL;

		assert_false(key_read(pem, &key, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(err.message, rows[i].message);
	}
}

static void sha1_and_the_unknown_do_not_verify(void **state)
{
	static const struct {
		struct der algorithm;
		const char *dotted;
	} rows[] = {
		{DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
			     "\x05\x05\x00"),
			"\"1.2.840.113549.1.1.5\""},
		{DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
			     "\x04\x05\x00"),
			"\"1.2.840.113549.1.1.4\""},
		{DER_LITERAL("\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01"),
			"\"1.2.840.10045.4.1\""},
		{DER_LITERAL("\x30\x00"), "\"?\""},
		{DER_LITERAL(""), "\"?\""},
	};
	AUTO_FREE(key) key = generate(KEY_ECDSA_P256);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(key_verify(key_public(key), rows[i].algorithm,
			message, message, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_non_null(strstr(err.message, rows[i].dotted));
	}
}

static void a_signature_of_another_algorithm_does_not_verify(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	AUTO_FREE(key) key = generate(KEY_ECDSA_P256);
	AUTO_FREE(key) other = generate(KEY_ED25519);

	(void)state;
	assert_true(key_sign(key, message, &signature, &err));
	assert_false(key_verify(key_public(key), key_signature_algorithm(other),
		message, der_of(&signature), &err));
	error_release(&err);
	assert_false(key_verify(OID("\x30\x00"), key_signature_algorithm(key),
		message, der_of(&signature), &err));
}

/* -- many threads -- */

static void *sign_many(void *data)
{
	const struct key *key = data;
	size_t n = is_slow() ? 5 : 200;

	for (size_t i = 0; i < n; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) signature = BUFFER_INIT;

		if (!key_sign(key, message, &signature, &err) ||
			!verify(key, message, &signature))
			return NULL;
	}
	return data;
}

static void one_key_signs_in_many_threads(void **state)
{
	static const enum key_type types[] = {KEY_ECDSA_P256, KEY_RSA_2048};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FREE(key) key = generate(types[i]);
		pthread_t threads[4];

		for (size_t j = 0; j < ARRAY_SIZE(threads); j++)
			assert_int_equal(pthread_create(&threads[j], NULL,
						 sign_many, key),
				0);
		for (size_t j = 0; j < ARRAY_SIZE(threads); j++) {
			void *done = NULL;

			pthread_join(threads[j], &done);
			assert_ptr_equal(done, key);
		}
	}
}

/* -- what is left behind -- */

/* Not where a sanitizer or valgrind watches what is read. */
static bool can_look_everywhere(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return false;
#endif
#endif
	return !is_slow();
}

#define NEEDLE 14

/* The needle is kept inverted, so that it does not find itself. */
static size_t count_copies(const unsigned char needle[static NEEDLE])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	size_t n = 0, i;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 ||
			!strstr(line, "rw-p") || strstr(line, "[stack]"))
			continue;
		for (; from + NEEDLE <= to; from++) {
			const unsigned char *at = (void *)from;

			for (i = 0; i < NEEDLE; i++)
				if ((at[i] ^ needle[i]) != 0xff)
					break;
			n += i == NEEDLE;
		}
	}
	fclose(maps);
	return n;
}

static void use_and_free(const struct secret *pem)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	AUTO_FREE(key) key = NULL;

	assert_true(key_read(pem, &key, &err));
	assert_true(key_sign(key, message, &signature, &err));
}

static void no_copy_of_a_key_stays_in_memory(void **state)
{
	/* where a scalar, a prime and a seed stand in PKCS#8, behind the first
	 * 16 octets, which free() would write over */
	static const struct {
		enum key_type type;
		size_t offset;
	} rows[] = {
		{KEY_ECDSA_P256, 53},
		{KEY_RSA_2048, 700},
		{KEY_ED25519, 33},
	};

	(void)state;
	if (!can_look_everywhere())
		return;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		size_t row = i / 2;
		struct key *key = generate(rows[row].type);
		struct secret *pem = write_key(key), *der = decode(pem);
		unsigned char needle[NEEDLE];

		for (size_t j = 0; j < NEEDLE; j++)
			needle[j] =
				secret_view(der)[rows[row].offset + j] ^ 0xff;
		/* the library's reader of Ed25519 leaves one, key.h says */
		if (i % 2 && rows[row].type != KEY_ED25519)
			use_and_free(pem);
		assert_true(count_copies(needle) > 0);
		key_free(key);
		secret_free(pem);
		secret_free(der);
		assert_int_equal(count_copies(needle), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_the_names_of_the_option),
		cmocka_unit_test(a_key_survives_being_written_and_read),
		cmocka_unit_test(signatures_hold_for_their_key_and_message),
		cmocka_unit_test(algorithms_are_written_as_the_rfcs_say),
		cmocka_unit_test(ten_thousand_scalars_have_32_octets),
		cmocka_unit_test(the_library_reads_what_we_write),
		cmocka_unit_test(foreign_forms_are_read),
		cmocka_unit_test(what_stands_around_a_key),
		cmocka_unit_test(encrypted_keys_are_refused_by_name),
		cmocka_unit_test(a_key_with_a_flipped_bit_is_refused),
		cmocka_unit_test(malformed_keys_are_refused),
		cmocka_unit_test(sha1_and_the_unknown_do_not_verify),
		cmocka_unit_test(
			a_signature_of_another_algorithm_does_not_verify),
		cmocka_unit_test(one_key_signs_in_many_threads),
		cmocka_unit_test(no_copy_of_a_key_stays_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
