/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/signed.h"

#include "pki/oid.h"

static bool broken(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "%s", rule);
}

bool signed_algorithm(struct der *at, struct der *ret_whole,
	struct der *ret_oid, struct der *ret_parameters)
{
	struct der inside;

	if (!der_take(at, DER_SEQUENCE, &inside, ret_whole) ||
		!der_take(&inside, DER_OID, ret_oid, NULL) ||
		!oid_is_valid(*ret_oid))
		return false;
	*ret_parameters = inside;
	return inside.len == 0 ||
	       (der_take(&inside, der_next(&inside), NULL, NULL) &&
		       inside.len == 0);
}

bool signed_split(struct der der, struct signed_parts *ret_parts)
{
	struct der at, oid, parameters;
	struct signed_parts parts;

	if (!der_take(&der, DER_SEQUENCE, &at, NULL) || der.len > 0 ||
		!der_take(&at, DER_SEQUENCE, &parts.inside, &parts.tbs) ||
		!signed_algorithm(&at, &parts.algorithm, &oid, &parameters) ||
		!der_take(&at, DER_BIT_STRING, &parts.signature, NULL) ||
		at.len > 0 || parts.signature.len < 2 ||
		parts.signature.bytes[0] != 0)
		return false;
	parts.signature.bytes++;
	parts.signature.len--;
	*ret_parts = parts;
	return true;
}

bool signed_join(struct der tbs, struct der algorithm,
	const struct buffer *signature, struct buffer *der, struct error *err)
{
	size_t room = tbs.len + algorithm.len + signature->len + 32;
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);
	struct der whole;

	der_put_raw(&out, signature->data, signature->len);
	der_put_raw(&out, "", 1);
	der_wrap(&out, DER_BIT_STRING, 0);
	der_put_raw(&out, algorithm.bytes, algorithm.len);
	der_put_raw(&out, tbs.bytes, tbs.len);
	der_wrap(&out, DER_SEQUENCE, 0);
	if (!der_written(&out, &whole, err))
		return false;
	buffer_add(der, whole.bytes, whole.len);
	return true;
}

static bool is_rsa_key(struct der key)
{
	struct der at, number;

	return der_take(&key, DER_SEQUENCE, &at, NULL) && key.len == 0 &&
	       der_take_unsigned(&at, &number) && number.bytes[0] != 0 &&
	       der_take_unsigned(&at, &number) && number.bytes[0] != 0 &&
	       at.len == 0;
}

static bool check_public_key(struct der oid, struct der parameters,
	struct der key, struct error *err)
{
	if (der_equal(oid, OID_RSA_ENCRYPTION)) {
		if (!der_equal(parameters, OID("\x05\x00")))
			return broken(err, "RSA public key: without NULL "
					   "parameters (RFC 3279, 2.3.1)");
		if (!is_rsa_key(key))
			return broken(err, "RSA public key: malformed (RFC "
					   "3279, 2.3.1)");
	}
	if (der_equal(oid, OID_EC_PUBLIC_KEY) &&
		der_next(&parameters) != DER_OID)
		return broken(err, "EC public key: its curve has no name (RFC "
				   "5480, 2.1.1)");
	return true;
}

bool signed_public_key(
	struct der *at, struct der *ret_public_key, struct error *err)
{
	struct der inside, spki, whole, oid, parameters, bits;

	if (!der_take(at, DER_SEQUENCE, &inside, &spki) ||
		!signed_algorithm(&inside, &whole, &oid, &parameters) ||
		!der_take(&inside, DER_BIT_STRING, &bits, NULL) ||
		inside.len > 0 || bits.len < 2 || bits.bytes[0] != 0)
		return broken(err, "public key: not a SubjectPublicKeyInfo "
				   "(RFC 5280, 4.1.2.7)");
	bits.bytes++;
	bits.len--;
	if (!check_public_key(oid, parameters, bits, err))
		return false;
	*ret_public_key = spki;
	return true;
}
