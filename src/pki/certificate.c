/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/certificate.h"

#include <arpa/inet.h>
#include <string.h>

#include "pki/constraints.h"
#include "pki/extensions.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/signed.h"

/* -- what a plan needs -- */

static bool require_name_text(
	const char *what, const char *text, struct error *err)
{
	if (name_text_is_valid(text, strlen(text)))
		return true;
	return error_set(err, ERROR_INPUT,
		"%s \"%s\": empty, not UTF-8, or with control "
		"characters or invisible ones",
		what,
		text);
}

static void put_attribute(
	struct der_writer *out, struct der oid, const char *text)
{
	size_t mark = der_mark(out);

	der_put_directory_string(out, text);
	der_put_oid(out, oid);
	der_wrap(out, DER_SEQUENCE, mark);
	der_wrap(out, DER_SET, mark);
}

bool certificate_name(const char *const *organizations, size_t n_organizations,
	const char *common_name, struct buffer *der, struct error *err)
{
	size_t room = 64 + strlen(common_name);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	struct der_writer out;
	struct der name;

	if (!require_name_text("common name", common_name, err))
		return false;
	for (size_t i = 0; i < n_organizations; i++) {
		if (!require_name_text("organization", organizations[i], err))
			return false;
		room += 64 + strlen(organizations[i]);
	}
	out = der_writer(buffer_room(&work, room), room);
	put_attribute(&out, OID_COMMON_NAME, common_name);
	for (size_t i = n_organizations; i > 0; i--)
		put_attribute(&out, OID_ORGANIZATION, organizations[i - 1]);
	der_wrap(&out, DER_SEQUENCE, 0);
	if (!der_written(&out, &name, err))
		return false;
	buffer_add(der, name.bytes, name.len);
	return true;
}

bool certificate_serial(unsigned char serial[static SERIAL_MAX],
	size_t *ret_len, struct error *err)
{
	uint64_t minutes = (uint64_t)instant_now().seconds / SPAN_MINUTE;
	unsigned char octets[SERIAL_MAX];

	for (size_t i = 0; i < SERIAL_MINUTES; i++)
		octets[i] = (unsigned char)(minutes >>
					    8 * (SERIAL_MINUTES - 1 - i));
	if (!random_bytes(octets + SERIAL_MINUTES,
		    sizeof(octets) - SERIAL_MINUTES, err))
		return false;
	memcpy(serial, octets, sizeof(octets));
	*ret_len = sizeof(octets);
	return true;
}

bool certificate_key_id(struct der public_key,
	unsigned char ret_id[static KEY_ID_LEN], struct error *err)
{
	struct der at = {NULL, 0}, bits;
	struct sha256 hash;

	if (!der_take(&public_key, DER_SEQUENCE, &at, NULL) ||
		!der_take(&at, DER_SEQUENCE, NULL, NULL) ||
		!der_take(&at, DER_BIT_STRING, &bits, NULL) || bits.len < 1)
		return error_set(err, ERROR_INPUT,
			"public key: not a SubjectPublicKeyInfo (RFC 5280, "
			"4.1.2.7)");
	if (!sha256_of(bits.bytes + 1, bits.len - 1, &hash, err))
		return false;
	memcpy(ret_id, hash.bytes, KEY_ID_LEN);
	return true;
}

bool certificate_plan_key_id(const struct certificate_plan *plan,
	unsigned char ret_octets[static KEY_ID_LEN], struct der *ret_id,
	struct error *err)
{
	*ret_id = plan->subject_key_id;
	if (ret_id->len > 0)
		return true;
	*ret_id = (struct der){ret_octets, KEY_ID_LEN};
	return certificate_key_id(plan->public_key, ret_octets, err);
}

/* -- what no plan may say -- */

static bool bad_plan(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "certificate: %s", rule);
}

static bool is_address(const char *text)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) == 1)
		return true;
	/* Go refuses a certificate with an IPv4 address in IPv6's clothes. */
	return inet_pton(AF_INET6, text, &six) == 1 &&
	       !IN6_IS_ADDR_V4MAPPED(&six);
}

static bool require_alt_name(const struct alt_name *name, struct error *err)
{
	switch (name->kind) {
	case ALT_NAME_DNS:
		return dns_name_is_valid(name->text, strlen(name->text)) ||
		       error_set(err, ERROR_INPUT,
			       "alternative name \"%s\": not a DNS name "
			       "(RFC 5280, 4.2.1.6)",
			       name->text);
	case ALT_NAME_IP:
		return is_address(name->text) ||
		       error_set(err, ERROR_INPUT,
			       "alternative name \"%s\": not an IP address",
			       name->text);
	case ALT_NAME_OTHER:
		break;
	}
	return error_set(err, ERROR_INPUT,
		"alternative name \"%s\": neither a DNS name nor an IP address",
		name->text);
}

#define USAGES_PLANNED                                                         \
	(USAGE_DIGITAL_SIGNATURE | USAGE_KEY_ENCIPHERMENT |                    \
		USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN)

static bool require_usages(
	const struct certificate_plan *plan, struct error *err)
{
	bool signs = (plan->key_usage & USAGE_KEY_CERT_SIGN) != 0;

	if (plan->key_usage == 0 || plan->key_usage & ~USAGES_PLANNED)
		return bad_plan(err,
			"key usage is empty or has a bit that is never used");
	if (plan->purposes & ~(PURPOSE_SERVER | PURPOSE_CLIENT))
		return bad_plan(err, "a purpose that is never used");
	if (plan->is_ca != signs)
		return bad_plan(err,
			"keyCertSign and CA:TRUE go together (RFC 5280, "
			"4.2.1.3)");
	if (!plan->is_ca && plan->path_len >= 0)
		return bad_plan(
			err, "a path length needs CA:TRUE (RFC 5280, 4.2.1.9)");
	return true;
}

static bool require_plan(const struct certificate_plan *plan, struct error *err)
{
	if (plan->serial_len == 0 || plan->serial_len > SERIAL_MAX ||
		plan->serial[0] == 0 ||
		(plan->serial_len == SERIAL_MAX && plan->serial[0] & 0x80))
		return bad_plan(err,
			"serial number is zero or longer than 20 octets "
			"(RFC 5280, 4.1.2.2)");
	if (plan->not_after.seconds < plan->not_before.seconds)
		return bad_plan(err, "ends before it begins");
	for (size_t i = 0; i < plan->n_alt_names; i++)
		if (!require_alt_name(&plan->alt_names[i], err))
			return false;
	for (size_t i = 0; i < plan->n_permitted; i++)
		if (!constraints_check(&plan->permitted[i], err))
			return error_context(err, "name constraint");
	if (plan->n_permitted > 0 && !plan->is_ca)
		return bad_plan(err,
			"name constraints need CA:TRUE (RFC 5280, 4.2.1.10)");
	return require_usages(plan, err);
}

/* -- extensions, each from the back to the front -- */

static void put_key_ids(struct der_writer *out,
	const struct certificate_plan *plan, struct der key_id)
{
	size_t mark = der_mark(out);

	if (plan->authority_key_id.len > 0) {
		der_put(out, DER_CONTEXT | 0, plan->authority_key_id.bytes,
			plan->authority_key_id.len);
		der_wrap(out, DER_SEQUENCE, mark);
		extension_put(out, OID_AUTHORITY_KEY_ID, false, mark);
	}
	mark = der_mark(out);
	der_put(out, DER_OCTET_STRING, key_id.bytes, key_id.len);
	extension_put(out, OID_SUBJECT_KEY_ID, false, mark);
}

static void put_basic_constraints(
	struct der_writer *out, const struct certificate_plan *plan)
{
	size_t mark = der_mark(out);

	if (plan->is_ca && plan->path_len >= 0)
		der_put_integer(out, (unsigned)plan->path_len);
	if (plan->is_ca)
		der_put_boolean(out, true);
	der_wrap(out, DER_SEQUENCE, mark);
	extension_put(out, OID_BASIC_CONSTRAINTS, true, mark);
}

/* -- the whole -- */

static void put_tbs(struct der_writer *out, const struct certificate_plan *plan,
	struct der algorithm, struct der key_id)
{
	size_t mark;

	constraints_put(out, plan->permitted, plan->n_permitted);
	extension_put_alt_names(out, plan->alt_names, plan->n_alt_names);
	put_key_ids(out, plan, key_id);
	extension_put_purposes(out, plan->purposes);
	extension_put_key_usage(out, plan->key_usage);
	put_basic_constraints(out, plan);
	der_wrap(out, DER_SEQUENCE, 0);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 3, 0);
	der_put_raw(out, plan->public_key.bytes, plan->public_key.len);
	der_put_raw(out, plan->subject.bytes, plan->subject.len);
	mark = der_mark(out);
	der_put_time(out, plan->not_after);
	der_put_time(out, plan->not_before);
	der_wrap(out, DER_SEQUENCE, mark);
	der_put_raw(out, plan->issuer.bytes, plan->issuer.len);
	der_put_raw(out, algorithm.bytes, algorithm.len);
	der_put_unsigned(out, plan->serial, plan->serial_len);
	mark = der_mark(out);
	der_put_integer(out, 2);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 0, mark);
	der_wrap(out, DER_SEQUENCE, 0);
}

static size_t room_for(const struct certificate_plan *plan)
{
	size_t room = 512 + plan->issuer.len + plan->subject.len +
		      plan->public_key.len + plan->authority_key_id.len +
		      plan->subject_key_id.len;

	for (size_t i = 0; i < plan->n_alt_names; i++)
		room += 32 + strlen(plan->alt_names[i].text);
	for (size_t i = 0; i < plan->n_permitted; i++)
		room += 64 + strlen(plan->permitted[i].text);
	return room;
}

bool certificate_sign(const struct certificate_plan *plan,
	const struct key *signer, struct buffer *der, struct error *err)
{
	struct der algorithm = key_signature_algorithm(signer), tbs;
	size_t room = room_for(plan);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);
	unsigned char octets[KEY_ID_LEN];
	struct der key_id;

	if (!require_plan(plan, err) ||
		!certificate_plan_key_id(plan, octets, &key_id, err))
		return false;
	put_tbs(&out, plan, algorithm, key_id);
	if (!der_written(&out, &tbs, err))
		return false;
	if (!key_sign(signer, tbs, &signature, err))
		return false;
	return signed_join(tbs, algorithm, &signature, der, err);
}
