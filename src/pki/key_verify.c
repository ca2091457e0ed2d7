/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/key.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "pki/oid.h"

static gnutls_datum_t datum_of(struct der view)
{
	return (gnutls_datum_t){
		(unsigned char *)view.bytes, (unsigned)view.len};
}

static bool find_sign(struct der identifier, bool foreign,
	gnutls_sign_algorithm_t *ret_sign)
{
	static const struct {
		struct der identifier;
		gnutls_sign_algorithm_t sign;
		bool foreign;
	} rows[] = {
		{ECDSA_WITH_SHA256, GNUTLS_SIGN_ECDSA_SHA256, false},
		{ECDSA_WITH_SHA384, GNUTLS_SIGN_ECDSA_SHA384, false},
		{ECDSA_WITH_SHA512, GNUTLS_SIGN_ECDSA_SHA512, false},
		{SHA256_WITH_RSA, GNUTLS_SIGN_RSA_SHA256, false},
		{SHA384_WITH_RSA, GNUTLS_SIGN_RSA_SHA384, false},
		{SHA512_WITH_RSA, GNUTLS_SIGN_RSA_SHA512, false},
		{BARE_SHA256_WITH_RSA, GNUTLS_SIGN_RSA_SHA256, false},
		{BARE_SHA384_WITH_RSA, GNUTLS_SIGN_RSA_SHA384, false},
		{BARE_SHA512_WITH_RSA, GNUTLS_SIGN_RSA_SHA512, false},
		{ED25519_ITSELF, GNUTLS_SIGN_EDDSA_ED25519, false},
		{PSS_SHA256, GNUTLS_SIGN_RSA_PSS_SHA256, true},
		{PSS_SHA384, GNUTLS_SIGN_RSA_PSS_SHA384, true},
		{PSS_SHA512, GNUTLS_SIGN_RSA_PSS_SHA512, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!der_equal(identifier, rows[i].identifier) ||
			(rows[i].foreign && !foreign))
			continue;
		*ret_sign = rows[i].sign;
		return true;
	}
	return false;
}

bool key_verifies_foreign(struct der algorithm)
{
	gnutls_sign_algorithm_t sign;

	return find_sign(algorithm, true, &sign);
}

static bool refuse_algorithm(struct der identifier, struct error *err)
{
	struct der at = {NULL, 0}, oid = {NULL, 0};
	AUTO_TEXT text = NULL;

	if (der_take(&identifier, DER_SEQUENCE, &at, NULL) &&
		!der_take(&at, DER_OID, &oid, NULL))
		oid.len = 0;
	text = oid_format(oid);
	return error_set(err, ERROR_INPUT,
		"signature algorithm \"%s\": none of ECDSA and RSA with "
		"SHA-256, SHA-384 or SHA-512, and Ed25519",
		text);
}

static void pubkey_deinit(gnutls_pubkey_t *pubkey)
{
	if (*pubkey)
		gnutls_pubkey_deinit(*pubkey);
}

bool key_verify_foreign(struct der public_key, struct der algorithm,
	struct der message, struct der signature, struct error *err)
{
	__attribute__((cleanup(pubkey_deinit))) gnutls_pubkey_t pubkey = NULL;
	gnutls_datum_t spki = datum_of(public_key), data = datum_of(message);
	gnutls_datum_t sig = datum_of(signature);
	gnutls_sign_algorithm_t sign;
	int rc;

	if (!find_sign(algorithm, true, &sign))
		return refuse_algorithm(algorithm, err);
	rc = gnutls_pubkey_init(&pubkey);
	if (rc < 0)
		return error_set(err, ERROR_FAILED, "public key: %s",
			gnutls_strerror_name(rc));
	rc = gnutls_pubkey_import(pubkey, &spki, GNUTLS_X509_FMT_DER);
	if (rc < 0)
		return error_set(err, ERROR_INPUT,
			"public key: malformed, or of no kind that is known");
	rc = gnutls_pubkey_verify_data2(pubkey, sign, 0, &data, &sig);
	if (rc < 0)
		return error_set(err, ERROR_INPUT,
			"signature: not made by the key it is held to");
	return true;
}

bool key_verify(struct der public_key, struct der algorithm, struct der message,
	struct der signature, struct error *err)
{
	gnutls_sign_algorithm_t sign;

	if (!find_sign(algorithm, false, &sign))
		return refuse_algorithm(algorithm, err);
	return key_verify_foreign(
		public_key, algorithm, message, signature, err);
}
