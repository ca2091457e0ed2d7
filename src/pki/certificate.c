/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/certificate.h"

#include <arpa/inet.h>
#include <string.h>

#include "pki/names.h"
#include "pki/oid.h"

/* -- what a plan needs -- */

static bool require_name_text(
	const char *what, const char *text, struct error *err)
{
	if (name_text_is_valid(text, strlen(text)))
		return true;
	return error_set(err, ERROR_INPUT,
		"%s \"%s\": empty, not UTF-8, or with control characters", what,
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

bool certificate_name(const char *organization, const char *common_name,
	struct buffer *der, struct error *err)
{
	size_t room = 64 + strlen(common_name) +
		      (organization ? strlen(organization) : 0);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);
	struct der name;

	if (!require_name_text("common name", common_name, err))
		return false;
	if (organization &&
		!require_name_text("organization", organization, err))
		return false;
	put_attribute(&out, OID_COMMON_NAME, common_name);
	if (organization)
		put_attribute(&out, OID_ORGANIZATION, organization);
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
	return require_usages(plan, err);
}

/* -- extensions, each from the back to the front -- */

/* All that was written since the mark becomes the extension's value. */
static void put_extension(
	struct der_writer *out, struct der oid, bool critical, size_t mark)
{
	der_wrap(out, DER_OCTET_STRING, mark);
	if (critical)
		der_put_boolean(out, true);
	der_put_oid(out, oid);
	der_wrap(out, DER_SEQUENCE, mark);
}

static void put_alt_name(struct der_writer *out, const struct alt_name *name)
{
	unsigned char address[16];

	if (name->kind == ALT_NAME_DNS)
		der_put(out, DER_CONTEXT | 2, name->text, strlen(name->text));
	else if (inet_pton(AF_INET, name->text, address) == 1)
		der_put(out, DER_CONTEXT | 7, address, 4);
	else if (inet_pton(AF_INET6, name->text, address) == 1)
		der_put(out, DER_CONTEXT | 7, address, 16);
}

static void put_alt_names(
	struct der_writer *out, const struct certificate_plan *plan)
{
	size_t mark = der_mark(out);

	if (plan->n_alt_names == 0)
		return;
	for (size_t i = plan->n_alt_names; i > 0; i--)
		put_alt_name(out, &plan->alt_names[i - 1]);
	der_wrap(out, DER_SEQUENCE, mark);
	put_extension(out, OID_SUBJECT_ALT_NAME, false, mark);
}

static void put_key_ids(struct der_writer *out,
	const struct certificate_plan *plan,
	const unsigned char key_id[static KEY_ID_LEN])
{
	size_t mark = der_mark(out);

	if (plan->authority_key_id.len > 0) {
		der_put(out, DER_CONTEXT | 0, plan->authority_key_id.bytes,
			plan->authority_key_id.len);
		der_wrap(out, DER_SEQUENCE, mark);
		put_extension(out, OID_AUTHORITY_KEY_ID, false, mark);
	}
	mark = der_mark(out);
	der_put(out, DER_OCTET_STRING, key_id, KEY_ID_LEN);
	put_extension(out, OID_SUBJECT_KEY_ID, false, mark);
}

static void put_purposes(
	struct der_writer *out, const struct certificate_plan *plan)
{
	size_t mark = der_mark(out);

	if (plan->purposes == 0)
		return;
	if (plan->purposes & PURPOSE_CLIENT)
		der_put_oid(out, OID_CLIENT_AUTH);
	if (plan->purposes & PURPOSE_SERVER)
		der_put_oid(out, OID_SERVER_AUTH);
	der_wrap(out, DER_SEQUENCE, mark);
	put_extension(out, OID_EXT_KEY_USAGE, false, mark);
}

/* X.690, 11.2.2: named bits from the left, without zeros at the end. */
static void put_key_usage(
	struct der_writer *out, const struct certificate_plan *plan)
{
	size_t mark = der_mark(out);
	unsigned char octets[2] = {0, 0};
	unsigned last = 0;

	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(plan->key_usage >> bit & 1))
			continue;
		octets[1] |= (unsigned char)(0x80 >> bit);
		last = bit;
	}
	octets[0] = (unsigned char)(7 - last);
	der_put(out, DER_BIT_STRING, octets, sizeof(octets));
	put_extension(out, OID_KEY_USAGE, true, mark);
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
	put_extension(out, OID_BASIC_CONSTRAINTS, true, mark);
}

/* -- the whole -- */

static void put_tbs(struct der_writer *out, const struct certificate_plan *plan,
	struct der algorithm, const unsigned char key_id[static KEY_ID_LEN])
{
	size_t mark;

	put_alt_names(out, plan);
	put_key_ids(out, plan, key_id);
	put_purposes(out, plan);
	put_key_usage(out, plan);
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
		      plan->public_key.len + plan->authority_key_id.len;

	for (size_t i = 0; i < plan->n_alt_names; i++)
		room += 32 + strlen(plan->alt_names[i].text);
	return room;
}

/* Appends tbs, the algorithm and the signature, as one. */
static bool join(struct der tbs, struct der algorithm,
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

bool certificate_sign(const struct certificate_plan *plan,
	const struct key *signer, struct buffer *der, struct error *err)
{
	struct der algorithm = key_signature_algorithm(signer), tbs;
	size_t room = room_for(plan);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);
	unsigned char key_id[KEY_ID_LEN];

	if (!require_plan(plan, err))
		return false;
	if (!certificate_key_id(plan->public_key, key_id, err))
		return false;
	put_tbs(&out, plan, algorithm, key_id);
	if (!der_written(&out, &tbs, err))
		return false;
	if (!key_sign(signer, tbs, &signature, err))
		return false;
	return join(tbs, algorithm, &signature, der, err);
}
