/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/oid.h"
#include "pki/pem.h"
#include "pki/public_key.h"

static struct key *new_key(enum key_type type)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct key *key = NULL;

	assert_true(key_generate(type, &key, &err));
	return key;
}

static void make_subject(struct buffer *name)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(certificate_name((const char *const[]){"system:nodes"}, 1,
		"system:node:w1", name, &err));
}

static void make_request(const struct key *key, struct buffer *der)
{
	static const struct alt_name names[] = {
		{ALT_NAME_DNS, "w1"}, {ALT_NAME_IP, "10.0.0.1"}};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	struct request_plan plan = {.key_usage = USAGE_DIGITAL_SIGNATURE,
		.purposes = PURPOSE_SERVER,
		.alt_names = names,
		.n_alt_names = ARRAY_SIZE(names)};

	make_subject(&subject);
	plan.subject = der_of(&subject);
	if (!request_sign(&plan, key, der, &err))
		fail_msg("%s", err.message);
}

static void what_is_made_is_read(void **state)
{
	(void)state;
	for (int type = 0; type < KEY_OTHER; type++) {
		AUTO_FREE(key) key = new_key((enum key_type)type);
		AUTO_FREE(request) request = NULL;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		const struct certificate *asked;

		make_request(key, &der);
		if (!request_read(der_of(&der), &request, &err))
			fail_msg("%s", err.message);
		asked = request->asked;
		assert_string_equal(asked->subject_text,
			"CN=system:node:w1,O=system:nodes");
		assert_string_equal(asked->common_name, "system:node:w1");
		assert_true(der_equal(asked->public_key, key_public(key)));
		assert_int_equal(asked->key_usage, USAGE_DIGITAL_SIGNATURE);
		assert_int_equal(asked->purposes, PURPOSE_SERVER);
		assert_int_equal(asked->n_alt_names, 2);
		assert_string_equal(asked->alt_names[1].text, "10.0.0.1");
		assert_true(request->has_extensions);
		assert_null(request->other_attribute);
		assert_null(asked->other_extension);
	}
}

static void who_asks_for_nothing_has_no_attributes(void **state)
{
	AUTO_FREE(key) key = new_key(KEY_ECDSA_P256);
	AUTO_FREE(request) request = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct request_plan plan = {.key_usage = 0};

	(void)state;
	make_subject(&subject);
	plan.subject = der_of(&subject);
	assert_true(request_sign(&plan, key, &der, &err));
	assert_true(request_read(der_of(&der), &request, &err));
	assert_false(request->has_extensions);
	assert_int_equal(request->asked->n_alt_names, 0);
	assert_false(request->asked->has_key_usage);
}

/* The signature is over most of it, and the reader strict about the rest. */
static void no_octet_may_change(void **state)
{
	AUTO_FREE(key) key = new_key(KEY_ED25519);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	(void)state;
	make_request(key, &der);
	for (size_t i = 0; i < der.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			AUTO_RELEASE(error) err = ERROR_INIT;
			AUTO_FREE(request) request = NULL;

			der.data[i] ^= (char)(1u << bit);
			assert_false(
				request_read(der_of(&der), &request, &err));
			assert_int_equal(err.kind, ERROR_INPUT);
			der.data[i] ^= (char)(1u << bit);
		}
}

static void no_octet_may_be_missing_or_too_many(void **state)
{
	AUTO_FREE(key) key = new_key(KEY_ECDSA_P256);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	(void)state;
	make_request(key, &der);
	buffer_add_byte(&der, '\0');
	for (size_t len = 0; len <= der.len; len++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(request) request = NULL;

		if (len == der.len - 1)
			continue;
		assert_false(
			request_read((struct der){der_of(&der).bytes, len},
				&request, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
	}
}

/* A request around these attributes, signed by the key. */
static void make_with(const struct key *key, unsigned version,
	struct der attributes, struct buffer *der)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	struct der public_key = key_public(key), info, whole;
	struct der algorithm = key_signature_algorithm(key);
	char storage[4096], storage2[4096];
	struct der_writer out = der_writer(storage, sizeof(storage));

	make_subject(&subject);
	der_put_raw(&out, attributes.bytes, attributes.len);
	der_put_raw(&out, public_key.bytes, public_key.len);
	der_put_raw(&out, subject.data, subject.len);
	der_put_integer(&out, version);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &info, &err));
	assert_true(key_sign(key, info, &signature, &err));
	out = der_writer(storage2, sizeof(storage2));
	der_put_raw(&out, signature.data, signature.len);
	der_put_raw(&out, "", 1);
	der_wrap(&out, DER_BIT_STRING, 0);
	der_put_raw(&out, algorithm.bytes, algorithm.len);
	der_put_raw(&out, info.bytes, info.len);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &whole, &err));
	buffer_add(der, whole.bytes, whole.len);
}

/* extensionRequest and challengePassword */
#define EXTENSION_REQUEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define CHALLENGE "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"
/* basicConstraints: CA:FALSE, in a list */
#define NO_CA "\x30\x0b\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00"

static void odd_frames_are_refused(void **state)
{
	static const struct {
		unsigned version;
		struct der attributes;
		const char *message; /* NULL: taken */
	} rows[] = {
		{0, DER_LITERAL("\xa0\x00"), NULL},
		{0,
			DER_LITERAL("\xa0\x1e\x30\x1c" EXTENSION_REQUEST
				    "\x31\x0f" NO_CA "\x05\x00"),
			"extensionRequest: not one list"},
		{0,
			DER_LITERAL("\xa0\x1c\x30\x1a" EXTENSION_REQUEST
				    "\x31\x0d" NO_CA),
			NULL},
		{0,
			DER_LITERAL("\xa0\x13\x30\x11" CHALLENGE
				    "\x31\x04\x0c\x02pw"),
			NULL},
		{1, DER_LITERAL("\xa0\x00"), "version: not 0"},
		{0, DER_LITERAL(""), "attributes: malformed or not there"},
		{0, DER_LITERAL("\xa0\x00\x05\x00"),
			"something behind the attributes"},
		{0, DER_LITERAL("\xa0\x80\x00\x00"),
			"attributes: malformed or not there"},
		{0, DER_LITERAL("\xa0\x81\x00"),
			"attributes: malformed or not there"},
		{0, DER_LITERAL("\xa1\x00"),
			"attributes: malformed or not there"},
		{0, DER_LITERAL("\xa0\x02\x30\x00"), "attribute: malformed"},
		{0, DER_LITERAL("\xa0\x0f\x30\x0d" CHALLENGE "\x31\x00"),
			"attribute: malformed"},
		{0,
			DER_LITERAL("\xa0\x26\x30\x11" CHALLENGE
				    "\x31\x04\x0c\x02pw"
				    "\x30\x11" CHALLENGE "\x31\x04\x0c\x02pw"),
			"attribute: there twice"},
		/* two attributes, and two values, in descending order */
		{0,
			DER_LITERAL("\xa0\x2f\x30\x1a" EXTENSION_REQUEST
				    "\x31\x0d" NO_CA "\x30\x11" CHALLENGE
				    "\x31\x04\x0c\x02pw"),
			"not strict DER"},
		{0,
			DER_LITERAL("\xa0\x17\x30\x15" CHALLENGE
				    "\x31\x08\x0c\x02pw\x0c\x02pq"),
			"not strict DER"},
	};
	AUTO_FREE(key) key = new_key(KEY_ECDSA_P256);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_FREE(request) request = NULL;
		bool taken;

		make_with(key, rows[i].version, rows[i].attributes, &der);
		taken = request_read(der_of(&der), &request, &err);
		if (!rows[i].message) {
			if (!taken)
				fail_msg("row %zu: %s", i, err.message);
			continue;
		}
		if (taken || !strstr(err.message, rows[i].message))
			fail_msg("row %zu: %s", i, taken ? "" : err.message);
		assert_int_equal(err.kind, ERROR_INPUT);
	}
}

static void another_attribute_is_told(void **state)
{
	AUTO_FREE(key) key = new_key(KEY_ECDSA_P256);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(request) request = NULL;

	(void)state;
	make_with(key, 0,
		OID("\xa0\x13\x30\x11" CHALLENGE "\x31\x04\x0c\x02pw"), &der);
	assert_true(request_read(der_of(&der), &request, &err));
	assert_string_equal(request->other_attribute, "1.2.840.113549.1.9.7");
}

static void somebody_elses_key_does_not_sign(void **state)
{
	AUTO_FREE(key) key = new_key(KEY_ECDSA_P256);
	AUTO_FREE(key) other = new_key(KEY_ECDSA_P256);
	AUTO_FREE(request) request = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der theirs = key_public(other);
	unsigned char *at;

	(void)state;
	make_request(key, &der);
	at = memmem(der.data, der.len, key_public(key).bytes, theirs.len);
	assert_non_null(at);
	memcpy(at, theirs.bytes, theirs.len);
	assert_false(request_read(der_of(&der), &request, &err));
	assert_non_null(strstr(err.message, "signature"));
}

/* -- PEM -- */

static bool count(void *data, struct der der, struct error *err)
{
	(void)der;
	(void)err;
	++*(unsigned *)data;
	return true;
}

#define BLOCK(label)                                                           \
	"-----BEGIN " label "-----\nAAAA\n-----END " label "-----\n"

static void only_requests_may_be_in_a_text(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		const char *message;
	} rows[] = {
		{BLOCK("CERTIFICATE REQUEST"), 1, NULL},
		{BLOCK("NEW CERTIFICATE REQUEST"), 1, NULL},
		{"text\n" BLOCK("CERTIFICATE REQUEST") "more\n" BLOCK(
			 "CERTIFICATE REQUEST"),
			2, NULL},
		{"", 0, "no \"-----BEGIN CERTIFICATE REQUEST-----\""},
		{BLOCK("CERTIFICATE"), 0, "PEM block \"CERTIFICATE\""},
		{BLOCK("CERTIFICATE REQUEST") BLOCK("PRIVATE KEY"), 0,
			"PEM block \"PRIVATE KEY\""},
		{BLOCK("CERTIFICATE REQUEST") "-----BEGIN X-----\n", 0,
			"no END line"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		unsigned n = 0;
		bool done = request_each_pem(
			rows[i].text, strlen(rows[i].text), count, &n, &err);

		assert_int_equal(n, rows[i].n);
		assert_int_equal(done, !rows[i].message);
		if (rows[i].message && !strstr(err.message, rows[i].message))
			fail_msg("row %zu: %s", i, err.message);
	}
}

/* -- keys -- */

static void keys_are_called_by_their_names(void **state)
{
	(void)state;
	for (int type = 0; type < KEY_OTHER; type++) {
		AUTO_FREE(key) key = new_key((enum key_type)type);
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct public_key said;

		assert_true(public_key_read(key_public(key), &said, &err));
		assert_int_equal(said.type, type);
		assert_string_equal(said.name, key_describe(key));
		assert_int_equal(said.is_rsa, key_is_rsa(key));
		if (said.is_rsa)
			assert_int_equal(said.bits, key_rsa_bits(key));
	}
}

#define RSA_FRAME(bits)                                                        \
	"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00" bits

static void odd_keys_are_refused_or_named(void **state)
{
	static const struct {
		struct der key;
		const char *said;
		bool taken;
	} rows[] = {
		/* n = 15 or 14, e = 3, 2 or 1 */
		{DER_LITERAL("\x30\x1a" RSA_FRAME(
			 "\x03\x09\x00\x30\x06\x02\x01\x0f\x02\x01\x03")),
			"rsa-4", true},
		{DER_LITERAL("\x30\x1a" RSA_FRAME(
			 "\x03\x09\x00\x30\x06\x02\x01\x0f\x02\x01\x02")),
			"exponent", false},
		{DER_LITERAL("\x30\x1a" RSA_FRAME(
			 "\x03\x09\x00\x30\x06\x02\x01\x0f\x02\x01\x01")),
			"exponent", false},
		{DER_LITERAL("\x30\x1a" RSA_FRAME(
			 "\x03\x09\x00\x30\x06\x02\x01\x0e\x02\x01\x03")),
			"modulus", false},
		/* secp256k1, X25519, a compressed point of P-256 */
		{DER_LITERAL("\x30\x16\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02"
			     "\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x02\x00"
			     "\x04"),
			"curve 1.3.132.0.10", true},
		{DER_LITERAL("\x30\x0b\x30\x05\x06\x03\x2b\x65\x6e\x03\x02\x00"
			     "\x01"),
			"1.3.101.110", true},
		{DER_LITERAL("\x30\x19\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02"
			     "\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03"
			     "\x02\x00\x02"),
			"uncompressed", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct public_key key = {.name = ""};
		bool taken = public_key_read(rows[i].key, &key, &err);

		if (taken != rows[i].taken)
			fail_msg("row %zu: %s", i, taken ? "" : err.message);
		if (!strstr(taken ? key.name : err.message, rows[i].said))
			fail_msg("row %zu: %s", i,
				taken ? key.name : err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_made_is_read),
		cmocka_unit_test(who_asks_for_nothing_has_no_attributes),
		cmocka_unit_test(no_octet_may_change),
		cmocka_unit_test(no_octet_may_be_missing_or_too_many),
		cmocka_unit_test(odd_frames_are_refused),
		cmocka_unit_test(another_attribute_is_told),
		cmocka_unit_test(somebody_elses_key_does_not_sign),
		cmocka_unit_test(only_requests_may_be_in_a_text),
		cmocka_unit_test(keys_are_called_by_their_names),
		cmocka_unit_test(odd_keys_are_refused_or_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
