/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/key_numbers.h"

#include <string.h>

#include "pki/oid.h"

/* -- which block -- */

static bool contains(struct der text, const char *word)
{
	return memmem(text.bytes, text.len, word, strlen(word)) != NULL;
}

bool key_block_is_sealed(const struct pem_block *block)
{
	return pem_is_labelled(block, "ENCRYPTED PRIVATE KEY");
}

static bool is_private_key(const struct pem_block *block)
{
	static const char ending[] = "PRIVATE KEY";
	size_t len = sizeof(ending) - 1;

	return block->label.len >= len &&
	       memcmp(block->label.bytes + block->label.len - len, ending,
		       len) == 0;
}

static bool require_form(const struct pem_block *block, struct error *err)
{
	if (contains(block->body, "Proc-Type:"))
		return error_set(err, ERROR_INPUT,
			"\"Proc-Type: 4,ENCRYPTED\": the key is encrypted, and "
			"not in PKCS#8 form");
	if (key_block_is_sealed(block) ||
		pem_is_labelled(block, "PRIVATE KEY") ||
		pem_is_labelled(block, "EC PRIVATE KEY") ||
		pem_is_labelled(block, "RSA PRIVATE KEY"))
		return true;
	return error_set(err, ERROR_INPUT,
		"\"%.*s\": not a key in PKCS#8, SEC1 or PKCS#1 form",
		(int)block->label.len, block->label.bytes);
}

bool key_find_block(const struct secret *pem, struct pem_block *ret_block,
	struct error *err)
{
	struct der rest = {secret_view(pem), secret_len(pem)};
	struct pem_block block;
	bool found, have = false;

	for (;;) {
		if (!pem_next(&rest, &block, &found, err))
			return false;
		if (!found)
			break;
		/* certificates, "EC PARAMETERS" */
		if (!is_private_key(&block))
			continue;
		if (have)
			return error_set(err, ERROR_INPUT,
				"private key: more than one in it");
		if (!require_form(&block, err))
			return false;
		have = true;
		*ret_block = block;
	}
	if (!have)
		return error_set(err, ERROR_INPUT,
			"private key: no \"-----BEGIN PRIVATE KEY-----\" in "
			"it");
	return true;
}

/* -- what is in it: false means "not that form" -- */

static bool take_version(struct der *at, unsigned most, unsigned *ret_version)
{
	struct der value;

	if (!der_take_unsigned(at, &value) || value.len != 1)
		return false;
	*ret_version = value.bytes[0];
	return *ret_version <= most;
}

static bool decode_rsa(struct der der, struct key_numbers *numbers)
{
	unsigned version;
	struct der at;

	if (!der_take(&der, DER_SEQUENCE, &at, NULL) || der.len > 0)
		return false;
	if (!take_version(&at, 0, &version))
		return false;
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		if (!der_take_unsigned(&at, &numbers->rsa[i]))
			return false;
	return at.len == 0;
}

static bool take_curve(struct der *at, struct der *ret_identifier)
{
	struct der parameters;

	ret_identifier->len = 0;
	if (der_next(at) != (DER_CONTEXT_CONSTRUCTED | 0))
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 0, &parameters, NULL))
		return false;
	return der_take(&parameters, DER_OID, NULL, ret_identifier) &&
	       parameters.len == 0;
}

static bool take_point(struct der *at, struct der *ret_point)
{
	struct der bits, wrapped;

	if (der_next(at) != (DER_CONTEXT_CONSTRUCTED | 1))
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 1, &wrapped, NULL))
		return false;
	if (!der_take(&wrapped, DER_BIT_STRING, &bits, NULL))
		return false;
	if (wrapped.len > 0 || bits.len < 1 || bits.bytes[0] != 0)
		return false;
	*ret_point = (struct der){bits.bytes + 1, bits.len - 1};
	return true;
}

/* The parameters of our identifier: the OID of the named curve. */
static bool is_curve_of(enum key_algorithm algorithm, struct der curve)
{
	struct der at = key_algorithm_identifier(algorithm), rest;

	return der_take(&at, DER_SEQUENCE, &rest, NULL) &&
	       der_take(&rest, DER_OID, NULL, NULL) && der_equal(rest, curve);
}

static bool find_curve(struct der curve, enum key_algorithm *ret_algorithm)
{
	static const enum key_algorithm curves[] = {
		KEY_ALGORITHM_P256, KEY_ALGORITHM_P384, KEY_ALGORITHM_P521};

	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!is_curve_of(curves[i], curve))
			continue;
		*ret_algorithm = curves[i];
		return true;
	}
	return false;
}

/* RFC 5915, 3.  Octets too many at the front of the scalar are passed over:
 * GnuTLS writes them. */
static bool decode_ec(
	struct der der, struct key_numbers *numbers, struct der *ret_curve)
{
	struct der at;
	unsigned version;

	if (!der_take(&der, DER_SEQUENCE, &at, NULL) || der.len > 0)
		return false;
	if (!take_version(&at, 1, &version) || version != 1)
		return false;
	if (!der_take(&at, DER_OCTET_STRING, &numbers->scalar, NULL))
		return false;
	while (numbers->scalar.len > 0 && numbers->scalar.bytes[0] == 0) {
		numbers->scalar.bytes++;
		numbers->scalar.len--;
	}
	return take_curve(&at, ret_curve) && take_point(&at, &numbers->point) &&
	       at.len == 0;
}

static bool decode_ed25519(struct der der, struct key_numbers *numbers)
{
	return der_take(&der, DER_OCTET_STRING, &numbers->scalar, NULL) &&
	       der.len == 0 &&
	       numbers->scalar.len == key_algorithm_len(KEY_ALGORITHM_ED25519);
}

/* RFC 5208, 5; of RFC 5958's additions the public key is passed over. */
static bool unwrap(
	struct der der, struct der *ret_identifier, struct der *ret_private)
{
	struct der at;
	unsigned version;

	if (!der_take(&der, DER_SEQUENCE, &at, NULL) || der.len > 0)
		return false;
	if (!take_version(&at, 1, &version))
		return false;
	if (!der_take(&at, DER_SEQUENCE, NULL, ret_identifier))
		return false;
	if (!der_take(&at, DER_OCTET_STRING, ret_private, NULL))
		return false;
	if (der_next(&at) == (DER_CONTEXT_CONSTRUCTED | 0) &&
		!der_take(&at, DER_CONTEXT_CONSTRUCTED | 0, NULL, NULL))
		return false;
	if (version == 1 && der_next(&at) == (DER_CONTEXT | 1) &&
		!der_take(&at, DER_CONTEXT | 1, NULL, NULL))
		return false;
	return at.len == 0;
}

/* -- the three forms -- */

static bool malformed(struct error *err, const char *form)
{
	return error_set(err, ERROR_INPUT, "private key: not %s in DER", form);
}

static bool require_lengths(
	const struct key_numbers *numbers, struct error *err)
{
	size_t len = key_algorithm_len(numbers->algorithm);

	if (numbers->point.len == 0)
		return error_set(err, ERROR_INPUT,
			"private key: the public key is not beside it (RFC "
			"5915, 3)");
	if (numbers->scalar.len > len || numbers->point.len != 1 + 2 * len ||
		numbers->point.bytes[0] != 0x04)
		return error_set(err, ERROR_INPUT,
			"private key: scalar or point is not of the curve's "
			"length (RFC 5915, 3)");
	return true;
}

static bool decode_pkcs8_ec(
	struct der der, struct key_numbers *numbers, struct error *err)
{
	struct der curve;

	if (!decode_ec(der, numbers, &curve))
		return malformed(err, "ECPrivateKey (RFC 5915, 3)");
	if (curve.len > 0 && !is_curve_of(numbers->algorithm, curve))
		return error_set(err, ERROR_INPUT,
			"private key: names two different curves");
	return require_lengths(numbers, err);
}

static bool decode_sec1(
	struct der der, struct key_numbers *numbers, struct error *err)
{
	struct der curve;

	if (!decode_ec(der, numbers, &curve))
		return malformed(err, "ECPrivateKey (RFC 5915, 3)");
	if (curve.len == 0)
		return error_set(err, ERROR_INPUT,
			"private key: names no curve (RFC 5915, 3)");
	if (!find_curve(curve, &numbers->algorithm))
		return error_set(err, ERROR_INPUT,
			"private key: its curve is none of P-256, P-384 and "
			"P-521");
	return require_lengths(numbers, err);
}

static bool decode_pkcs1(
	struct der der, struct key_numbers *numbers, struct error *err)
{
	numbers->algorithm = KEY_ALGORITHM_RSA;
	if (!decode_rsa(der, numbers))
		return malformed(err, "RSAPrivateKey (RFC 8017, A.1.2)");
	return true;
}

static bool decode_pkcs8(
	struct der der, struct key_numbers *numbers, struct error *err)
{
	struct der identifier, private;

	if (!unwrap(der, &identifier, &private))
		return malformed(err, "PrivateKeyInfo (RFC 5208, 5)");
	if (!key_algorithm_find(identifier, &numbers->algorithm))
		return error_set(err, ERROR_INPUT,
			"private key: its algorithm is none of RSA, ECDSA on "
			"P-256, P-384 or P-521, and Ed25519");
	switch (numbers->algorithm) {
	case KEY_ALGORITHM_P256:
	case KEY_ALGORITHM_P384:
	case KEY_ALGORITHM_P521:
		return decode_pkcs8_ec(private, numbers, err);
	case KEY_ALGORITHM_RSA:
		return decode_pkcs1(private, numbers, err);
	case KEY_ALGORITHM_ED25519:
		return decode_ed25519(private, numbers) ||
		       malformed(err, "CurvePrivateKey (RFC 8410, 7)");
	}
	return false;
}

bool key_decode(const struct pem_block *block, const struct secret *der,
	struct key_numbers *ret_numbers, struct error *err)
{
	struct der view = {secret_view(der), secret_len(der)};
	struct key_numbers numbers = {0};
	bool done;

	if (pem_is_labelled(block, "PRIVATE KEY") || key_block_is_sealed(block))
		done = decode_pkcs8(view, &numbers, err);
	else if (pem_is_labelled(block, "EC PRIVATE KEY"))
		done = decode_sec1(view, &numbers, err);
	else
		done = decode_pkcs1(view, &numbers, err);
	if (done)
		*ret_numbers = numbers;
	return done;
}
