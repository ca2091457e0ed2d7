/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/certificate.h"

#include <arpa/inet.h>
#include <string.h>

#include "pki/constraints.h"
#include "pki/oid.h"

/* A field that is missing, malformed, or not what the plan says. */
static bool differs(struct error *err, const char *field)
{
	return error_set(err, ERROR_FAILED,
		"certificate made: its %s is not what was planned", field);
}

static bool take_same(struct der *at, unsigned tag, struct der planned)
{
	struct der whole;

	return der_take(at, tag, NULL, &whole) && der_equal(whole, planned);
}

/* -- signature -- */

/* An unsigned number of one to `most` octets. */
static bool take_number(struct der *at, size_t most)
{
	struct der number;

	return der_take_unsigned(at, &number) && number.len <= most &&
	       number.bytes[0] != 0;
}

static bool is_ecdsa_signature(struct der signature, size_t most)
{
	struct der at;

	return der_take(&signature, DER_SEQUENCE, &at, NULL) &&
	       signature.len == 0 && take_number(&at, most) &&
	       take_number(&at, most) && at.len == 0;
}

/* Has a signature the shape that this public key's signatures have? */
static bool signature_fits(struct der public_key, struct der signature)
{
	struct der at, algorithm, oid, bits, number;

	if (!der_take(&public_key, DER_SEQUENCE, &at, NULL) ||
		!der_take(&at, DER_SEQUENCE, &algorithm, NULL) ||
		!der_take(&algorithm, DER_OID, &oid, NULL) ||
		!der_take(&at, DER_BIT_STRING, &bits, NULL) || bits.len < 2)
		return false;
	bits.bytes++;
	bits.len--;
	if (der_equal(oid, OID_EC_PUBLIC_KEY))
		return is_ecdsa_signature(signature, bits.len / 2);
	if (!der_equal(oid, OID_RSA_ENCRYPTION))
		return signature.len == 64; /* RFC 8032, 5.1.6 */
	return der_take(&bits, DER_SEQUENCE, &at, NULL) &&
	       der_take_unsigned(&at, &number) && signature.len == number.len;
}

/* -- extensions -- */

/* The next extension must be this one, with this criticality. */
static bool take_extension(struct der *list, struct der planned_oid,
	bool planned_critical, struct der *ret_value)
{
	struct der extension, oid;
	bool critical = false;

	if (!der_take(list, DER_SEQUENCE, &extension, NULL))
		return false;
	if (!der_take(&extension, DER_OID, &oid, NULL))
		return false;
	if (der_next(&extension) == DER_BOOLEAN &&
		(!der_take_boolean(&extension, &critical) || !critical))
		return false;
	if (!der_take(&extension, DER_OCTET_STRING, ret_value, NULL))
		return false;
	return extension.len == 0 && der_equal(oid, planned_oid) &&
	       critical == planned_critical;
}

static bool same_basic_constraints(
	struct der *list, const struct certificate_plan *plan)
{
	bool is_ca = false, has_path_len = plan->is_ca && plan->path_len >= 0;
	struct der value, at, number;
	unsigned path_len = 0;

	if (!take_extension(list, OID_BASIC_CONSTRAINTS, true, &value) ||
		!der_take(&value, DER_SEQUENCE, &at, NULL) || value.len > 0)
		return false;
	if (at.len > 0 && (!der_take_boolean(&at, &is_ca) || !is_ca))
		return false;
	if (is_ca != plan->is_ca || has_path_len != (at.len > 0))
		return false;
	if (!has_path_len)
		return true;
	if (!der_take_unsigned(&at, &number) || number.len > 4)
		return false;
	for (size_t i = 0; i < number.len; i++)
		path_len = path_len << 8 | number.bytes[i];
	return at.len == 0 && path_len == (unsigned)plan->path_len;
}

static bool same_key_usage(
	struct der *list, const struct certificate_plan *plan)
{
	struct der value, bits;
	unsigned usage = 0, unused;

	if (!take_extension(list, OID_KEY_USAGE, true, &value) ||
		!der_take(&value, DER_BIT_STRING, &bits, NULL))
		return false;
	if (value.len > 0 || bits.len != 2 || bits.bytes[0] > 7)
		return false;
	unused = bits.bytes[0];
	/* the last bit counted is set, those not counted are not */
	if ((bits.bytes[1] & ((2u << unused) - 1)) != 1u << unused)
		return false;
	for (unsigned i = 0; i < 8; i++)
		usage |= (unsigned)(bits.bytes[1] >> (7 - i) & 1) << i;
	return usage == plan->key_usage;
}

static bool same_purposes(struct der *list, const struct certificate_plan *plan)
{
	struct der value, at, oid;
	unsigned purposes = 0;

	if (plan->purposes == 0)
		return true;
	if (!take_extension(list, OID_EXT_KEY_USAGE, false, &value) ||
		!der_take(&value, DER_SEQUENCE, &at, NULL) || value.len > 0)
		return false;
	while (at.len > 0) {
		unsigned purpose = PURPOSE_OTHER;

		if (!der_take(&at, DER_OID, &oid, NULL))
			return false;
		if (der_equal(oid, OID_SERVER_AUTH))
			purpose = PURPOSE_SERVER;
		else if (der_equal(oid, OID_CLIENT_AUTH))
			purpose = PURPOSE_CLIENT;
		if (purposes & purpose)
			return false;
		purposes |= purpose;
	}
	return purposes == plan->purposes;
}

static bool same_subject_key_id(struct der *list, struct der key_id)
{
	struct der value, octets;

	return take_extension(list, OID_SUBJECT_KEY_ID, false, &value) &&
	       der_take(&value, DER_OCTET_STRING, &octets, NULL) &&
	       value.len == 0 && der_equal(octets, key_id);
}

static bool same_authority_key_id(
	struct der *list, const struct certificate_plan *plan)
{
	struct der value, at, octets;

	if (plan->authority_key_id.len == 0)
		return true;
	return take_extension(list, OID_AUTHORITY_KEY_ID, false, &value) &&
	       der_take(&value, DER_SEQUENCE, &at, NULL) && value.len == 0 &&
	       der_take(&at, DER_CONTEXT | 0, &octets, NULL) && at.len == 0 &&
	       der_equal(octets, plan->authority_key_id);
}

static bool take_same_alt_name(struct der *at, const struct alt_name *planned)
{
	char text[INET6_ADDRSTRLEN];
	struct der octets;
	int family;

	if (planned->kind == ALT_NAME_DNS)
		return der_take(at, DER_CONTEXT | 2, &octets, NULL) &&
		       octets.len == strlen(planned->text) &&
		       memcmp(octets.bytes, planned->text, octets.len) == 0;
	if (planned->kind != ALT_NAME_IP ||
		!der_take(at, DER_CONTEXT | 7, &octets, NULL))
		return false;
	if (octets.len != 4 && octets.len != 16)
		return false;
	family = octets.len == 4 ? AF_INET : AF_INET6;
	return inet_ntop(family, octets.bytes, text, sizeof(text)) &&
	       strcmp(text, planned->text) == 0;
}

static bool same_alt_names(
	struct der *list, const struct certificate_plan *plan)
{
	struct der value, at;

	if (plan->n_alt_names == 0)
		return true;
	if (!take_extension(list, OID_SUBJECT_ALT_NAME, false, &value) ||
		!der_take(&value, DER_SEQUENCE, &at, NULL) || value.len > 0)
		return false;
	for (size_t i = 0; i < plan->n_alt_names; i++)
		if (!take_same_alt_name(&at, &plan->alt_names[i]))
			return false;
	return at.len == 0;
}

static bool same_constraints(
	struct der *list, const struct certificate_plan *plan)
{
	struct der value;

	return plan->n_permitted == 0 ||
	       (take_extension(list, OID_NAME_CONSTRAINTS, true, &value) &&
		       constraints_are(
			       value, plan->permitted, plan->n_permitted));
}

static bool lint_extensions(
	struct der list, const struct certificate_plan *plan, struct error *err)
{
	unsigned char made[KEY_ID_LEN];
	struct der key_id;

	if (!certificate_plan_key_id(plan, made, &key_id, err))
		return false;
	if (!same_basic_constraints(&list, plan))
		return differs(err, "basicConstraints extension");
	if (!same_key_usage(&list, plan))
		return differs(err, "keyUsage extension");
	if (!same_purposes(&list, plan))
		return differs(err, "extKeyUsage extension");
	if (!same_subject_key_id(&list, key_id))
		return differs(err, "subjectKeyIdentifier extension");
	if (!same_authority_key_id(&list, plan))
		return differs(err, "authorityKeyIdentifier extension");
	if (!same_alt_names(&list, plan))
		return differs(err, "subjectAltName extension");
	if (!same_constraints(&list, plan))
		return differs(err, "nameConstraints extension");
	return list.len == 0 || differs(err, "list of extensions");
}

/* -- fields -- */

static bool take_version_3(struct der *at)
{
	struct der wrapped, version;

	return der_take(at, DER_CONTEXT_CONSTRUCTED | 0, &wrapped, NULL) &&
	       der_take_unsigned(&wrapped, &version) && wrapped.len == 0 &&
	       version.len == 1 && version.bytes[0] == 2;
}

static bool take_same_serial(
	struct der *at, const struct certificate_plan *plan)
{
	struct der serial;

	return der_take_unsigned(at, &serial) && serial.bytes[0] != 0 &&
	       der_equal(serial, (struct der){plan->serial, plan->serial_len});
}

static bool take_same_validity(
	struct der *at, const struct certificate_plan *plan)
{
	struct instant not_before, not_after;
	struct der validity;

	return der_take(at, DER_SEQUENCE, &validity, NULL) &&
	       der_take_time(&validity, &not_before) &&
	       der_take_time(&validity, &not_after) && validity.len == 0 &&
	       not_before.seconds == plan->not_before.seconds &&
	       not_after.seconds == plan->not_after.seconds;
}

static bool lint_fields(struct der at, const struct certificate_plan *plan,
	struct der algorithm, struct error *err)
{
	struct der wrapped, list;

	if (!take_version_3(&at))
		return differs(err, "version");
	if (!take_same_serial(&at, plan))
		return differs(err, "serial number");
	if (!take_same(&at, DER_SEQUENCE, algorithm))
		return differs(err, "inner signature algorithm");
	if (!take_same(&at, DER_SEQUENCE, plan->issuer))
		return differs(err, "issuer");
	if (!take_same_validity(&at, plan))
		return differs(err, "validity");
	if (!take_same(&at, DER_SEQUENCE, plan->subject))
		return differs(err, "subject");
	if (!take_same(&at, DER_SEQUENCE, plan->public_key))
		return differs(err, "public key");
	if (!der_take(&at, DER_CONTEXT_CONSTRUCTED | 3, &wrapped, NULL) ||
		at.len > 0 || !der_take(&wrapped, DER_SEQUENCE, &list, NULL) ||
		wrapped.len > 0)
		return differs(err, "list of extensions");
	return lint_extensions(list, plan, err);
}

bool certificate_lint(struct der der, const struct certificate_plan *plan,
	const struct key *signer, struct error *err)
{
	struct der algorithm = key_signature_algorithm(signer);
	struct der at, tbs, signature;

	if (!der_take(&der, DER_SEQUENCE, &at, NULL) || der.len > 0)
		return differs(err, "outermost length");
	if (!der_take(&at, DER_SEQUENCE, &tbs, NULL))
		return differs(err, "signed part");
	if (!take_same(&at, DER_SEQUENCE, algorithm))
		return differs(err, "outer signature algorithm");
	if (!der_take(&at, DER_BIT_STRING, &signature, NULL) || at.len > 0 ||
		signature.len < 1 || signature.bytes[0] != 0)
		return differs(err, "signature");
	signature.bytes++;
	signature.len--;
	if (!signature_fits(key_public(signer), signature))
		return differs(err, "signature");
	return lint_fields(tbs, plan, algorithm, err);
}
