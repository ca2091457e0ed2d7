/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/public_key.h"

#include <stdio.h>
#include <string.h>

#include "pki/key_numbers.h"
#include "pki/oid.h"
#include "pki/signed.h"

static bool malformed(struct error *err, const char *what)
{
	return error_set(err, ERROR_INPUT, "public key: %s", what);
}

static unsigned count_bits(struct der number)
{
	unsigned bits = (unsigned)(number.len - 1) * 8;

	for (unsigned top = number.bytes[0]; top > 0; top >>= 1)
		bits++;
	return bits;
}

static bool is_odd(struct der number)
{
	return number.bytes[number.len - 1] & 1;
}

/* RFC 8017, 3.1 */
static bool read_rsa(struct der bits, struct public_key *out, struct error *err)
{
	struct der inside, modulus, exponent;

	if (!der_take(&bits, DER_SEQUENCE, &inside, NULL) ||
		!der_take_unsigned(&inside, &modulus) ||
		!der_take_unsigned(&inside, &exponent))
		return malformed(err, "not an RSAPublicKey (RFC 8017, A.1.1)");
	if (!is_odd(exponent) || (exponent.len == 1 && exponent.bytes[0] < 3))
		return malformed(err,
			"an RSA exponent that is even, or 1 (RFC 8017, "
			"3.1)");
	if (exponent.len > 4 || (exponent.len == 4 && exponent.bytes[0] > 0x7f))
		return malformed(err, "an RSA exponent of more than 31 bits "
				      "(Go: crypto/rsa)");
	if (!is_odd(modulus))
		return malformed(err, "an even RSA modulus (RFC 8017, 3.1)");
	out->is_rsa = true;
	out->bits = count_bits(modulus);
	snprintf(out->name, sizeof(out->name), "rsa-%u", out->bits);
	return true;
}

/* RFC 5480, 2.2; kpki and Kubernetes write points uncompressed. */
static bool read_point(enum key_algorithm algorithm, const char *name,
	struct der bits, struct public_key *out, struct error *err)
{
	size_t len = key_algorithm_len(algorithm);

	if (algorithm != KEY_ALGORITHM_ED25519 &&
		(bits.len != 1 + 2 * len || bits.bytes[0] != 0x04))
		return malformed(err, "not an uncompressed point of its curve "
				      "(RFC 5480, 2.2)");
	if (algorithm == KEY_ALGORITHM_ED25519 && bits.len != len)
		return malformed(err, "not 32 octets (RFC 8410, 4)");
	out->bits = algorithm == KEY_ALGORITHM_P521 ? 521u : 8u * (unsigned)len;
	snprintf(out->name, sizeof(out->name), "%s", name);
	return true;
}

static bool read_known(enum key_algorithm algorithm, struct der bits,
	struct public_key *out, struct error *err)
{
	switch (algorithm) {
	case KEY_ALGORITHM_P256:
		return read_point(algorithm, "ecdsa-p256", bits, out, err);
	case KEY_ALGORITHM_P384:
		return read_point(algorithm, "ecdsa-p384", bits, out, err);
	case KEY_ALGORITHM_P521:
		return read_point(algorithm, "ecdsa-p521", bits, out, err);
	case KEY_ALGORITHM_ED25519:
		return read_point(algorithm, "ed25519", bits, out, err);
	case KEY_ALGORITHM_RSA:
		break;
	}
	return read_rsa(bits, out, err);
}

static enum key_type type_of(const char *name)
{
	for (int type = 0; type < KEY_OTHER; type++)
		if (!strcmp(name, key_type_name((enum key_type)type)))
			return (enum key_type)type;
	return KEY_OTHER;
}

/* An elliptic curve is called by its own name. */
static void name_unknown(
	struct der oid, struct der parameters, struct public_key *out)
{
	struct der curve;
	AUTO_TEXT dotted = NULL;
	bool ec = der_equal(oid, OID_EC_PUBLIC_KEY) &&
		  der_take(&parameters, DER_OID, &curve, NULL);

	dotted = oid_format(ec ? curve : oid);
	snprintf(out->name, sizeof(out->name), "%s%s", ec ? "curve " : "",
		dotted);
}

bool public_key_read(
	struct der public_key, struct public_key *ret_key, struct error *err)
{
	struct der at = public_key, inside, whole, oid, parameters, bits;
	struct public_key out = {.type = KEY_OTHER};
	enum key_algorithm algorithm;

	if (!signed_public_key(&at, &whole, err))
		return false;
	if (!der_take(&public_key, DER_SEQUENCE, &inside, NULL) ||
		!signed_algorithm(&inside, &whole, &oid, &parameters) ||
		!der_take(&inside, DER_BIT_STRING, &bits, NULL))
		return malformed(err, "not a SubjectPublicKeyInfo (RFC 5280, "
				      "4.1.2.7)");
	bits.bytes++;
	bits.len--;
	if (!key_algorithm_find(whole, &algorithm))
		name_unknown(oid, parameters, &out);
	else if (!read_known(algorithm, bits, &out, err))
		return false;
	out.type = type_of(out.name);
	*ret_key = out;
	return true;
}
