/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/crl.h"

#include <string.h>

#include "pki/extensions.h"
#include "pki/oid.h"
#include "pki/signed.h"

enum {
	VERSION_2 = 1, /* RFC 5280, 5.1.2.1 */
	NUMBER_LEN = 8,
	ROOM_FIXED = 512, /* all but names and entries */
	ROOM_ENTRY = 96,
};

static const struct {
	const char *name;
	int number;
} reasons[] = {
	{"unspecified", 0},
	{"keyCompromise", 1},
	{"affiliationChanged", 3},
	{"superseded", 4},
	{"cessationOfOperation", 5},
	{"privilegeWithdrawn", 9},
};

int crl_reason(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (!strcmp(reasons[i].name, name))
			return reasons[i].number;
	return -1;
}

/* -- writing, from the back to the front -- */

/* RFC 5280, 5.3.1: unspecified is said by saying nothing. */
static void put_reason(struct der_writer *out, int reason)
{
	unsigned char octet = (unsigned char)reason;
	size_t mark = der_mark(out);

	if (reason == 0)
		return;
	der_put(out, DER_ENUMERATED, &octet, 1);
	extension_put(out, OID_REASON_CODE, false, mark);
	der_wrap(out, DER_SEQUENCE, mark);
}

static void put_entry(struct der_writer *out, const struct crl_entry *entry)
{
	size_t mark = der_mark(out);

	put_reason(out, entry->reason);
	der_put_time(out, entry->at);
	der_put_unsigned(out, entry->serial.bytes, entry->serial.len);
	der_wrap(out, DER_SEQUENCE, mark);
}

/* RFC 5280, 5.1.2.6: absent when there are none. */
static void put_entries(struct der_writer *out, const struct crl_plan *plan)
{
	size_t mark = der_mark(out);

	if (plan->n_entries == 0)
		return;
	for (size_t i = plan->n_entries; i > 0; i--)
		put_entry(out, &plan->entries[i - 1]);
	der_wrap(out, DER_SEQUENCE, mark);
}

static void put_number(struct der_writer *out, uint64_t number)
{
	unsigned char octets[NUMBER_LEN];
	size_t mark = der_mark(out);

	for (size_t i = 0; i < NUMBER_LEN; i++)
		octets[i] = (unsigned char)(number >> 8 * (NUMBER_LEN - 1 - i));
	der_put_unsigned(out, octets, sizeof(octets));
	extension_put(out, OID_CRL_NUMBER, false, mark);
}

/* An authority that was imported may have no identifier to point to. */
static void put_authority(struct der_writer *out, struct der key_id)
{
	size_t mark = der_mark(out);

	if (key_id.len == 0)
		return;
	der_put(out, DER_CONTEXT | 0, key_id.bytes, key_id.len);
	der_wrap(out, DER_SEQUENCE, mark);
	extension_put(out, OID_AUTHORITY_KEY_ID, false, mark);
}

static void put_extensions(struct der_writer *out, const struct certificate *ca,
	const struct crl_plan *plan)
{
	size_t mark = der_mark(out);

	put_number(out, plan->number);
	put_authority(out, ca->subject_key_id);
	der_wrap(out, DER_SEQUENCE, mark);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 0, mark);
}

static bool write_tbs(const struct authority *authority,
	const struct crl_plan *plan, struct buffer *work, struct der *ret_tbs,
	struct error *err)
{
	const struct certificate *ca = authority_certificate(authority);
	struct der algorithm =
		key_signature_algorithm(authority_key(authority));
	size_t room = ROOM_FIXED + ca->subject.len + ca->subject_key_id.len +
		      plan->n_entries * ROOM_ENTRY;
	struct der_writer out = der_writer(buffer_room(work, room), room);

	put_extensions(&out, ca, plan);
	put_entries(&out, plan);
	der_put_time(&out, plan->next_update);
	der_put_time(&out, plan->this_update);
	der_put_raw(&out, ca->subject.bytes, ca->subject.len);
	der_put_raw(&out, algorithm.bytes, algorithm.len);
	der_put_integer(&out, VERSION_2);
	der_wrap(&out, DER_SEQUENCE, 0);
	return der_written(&out, ret_tbs, err);
}

/* -- reading what was written -- */

static bool unlike(struct error *err, const char *field)
{
	return error_set(err, ERROR_FAILED,
		"revocation list: its %s is not what was to be written", field);
}

static bool read_entry(struct der *list, const struct crl_entry *entry)
{
	struct der at, serial, extensions, extension, value, oid, reason;
	struct instant when;

	if (!der_take(list, DER_SEQUENCE, &at, NULL) ||
		!der_take_unsigned(&at, &serial) ||
		!der_equal(serial, entry->serial) ||
		!der_take_time(&at, &when) || when.seconds != entry->at.seconds)
		return false;
	if (entry->reason == 0)
		return at.len == 0;
	return der_take(&at, DER_SEQUENCE, &extensions, NULL) && at.len == 0 &&
	       der_take(&extensions, DER_SEQUENCE, &extension, NULL) &&
	       extensions.len == 0 &&
	       der_take(&extension, DER_OID, &oid, NULL) &&
	       der_equal(oid, OID_REASON_CODE) &&
	       der_take(&extension, DER_OCTET_STRING, &value, NULL) &&
	       extension.len == 0 &&
	       der_take(&value, DER_ENUMERATED, &reason, NULL) &&
	       value.len == 0 && reason.len == 1 &&
	       reason.bytes[0] == entry->reason;
}

static bool read_entries(struct der *at, const struct crl_plan *plan)
{
	struct der list;

	if (plan->n_entries == 0)
		return der_next(at) != DER_SEQUENCE;
	if (!der_take(at, DER_SEQUENCE, &list, NULL))
		return false;
	for (size_t i = 0; i < plan->n_entries; i++)
		if (!read_entry(&list, &plan->entries[i]))
			return false;
	return list.len == 0;
}

static bool read_head(
	struct der *at, const struct certificate *ca, struct der algorithm)
{
	struct der version, whole, oid, parameters, name;

	return der_take_unsigned(at, &version) && version.len == 1 &&
	       version.bytes[0] == VERSION_2 &&
	       signed_algorithm(at, &whole, &oid, &parameters) &&
	       der_equal(whole, algorithm) &&
	       der_take(at, DER_SEQUENCE, NULL, &name) &&
	       der_equal(name, ca->subject);
}

static bool read_times(struct der *at, const struct crl_plan *plan)
{
	struct instant this_update, next_update;

	return der_take_time(at, &this_update) &&
	       der_take_time(at, &next_update) &&
	       this_update.seconds == plan->this_update.seconds &&
	       next_update.seconds == plan->next_update.seconds;
}

static bool check(const struct authority *authority,
	const struct crl_plan *plan, struct der der, struct error *err)
{
	const struct certificate *ca = authority_certificate(authority);
	struct signed_parts parts;
	struct der at, extensions;

	if (!signed_split(der, &parts))
		return unlike(err, "form");
	at = parts.inside;
	if (!read_head(&at, ca, parts.algorithm))
		return unlike(err, "issuer");
	if (!read_times(&at, plan))
		return unlike(err, "time");
	if (!read_entries(&at, plan))
		return unlike(err, "list of certificates");
	if (!der_take(&at, DER_CONTEXT_CONSTRUCTED | 0, &extensions, NULL) ||
		at.len > 0)
		return unlike(err, "list of extensions");
	return key_verify(ca->public_key, parts.algorithm, parts.tbs,
		parts.signature, err);
}

/* -- reading what is there -- */

static bool find_number(struct der at, uint64_t *ret_number)
{
	struct der list, extension, oid, value, number;
	uint64_t found = 0;

	while (at.len > 0 && der_next(&at) != (DER_CONTEXT_CONSTRUCTED | 0))
		if (!der_take(&at, der_next(&at), NULL, NULL))
			return false;
	if (!der_take(&at, DER_CONTEXT_CONSTRUCTED | 0, &at, NULL) ||
		!der_take(&at, DER_SEQUENCE, &list, NULL))
		return false;
	while (der_take(&list, DER_SEQUENCE, &extension, NULL)) {
		if (!der_take(&extension, DER_OID, &oid, NULL) ||
			!der_equal(oid, OID_CRL_NUMBER))
			continue;
		if (!der_take(&extension, DER_OCTET_STRING, &value, NULL) ||
			!der_take_unsigned(&value, &number) ||
			number.len > NUMBER_LEN)
			return false;
		for (size_t i = 0; i < number.len; i++)
			found = found << 8 | number.bytes[i];
		*ret_number = found;
		return true;
	}
	return false;
}

bool crl_read(struct der der, const struct certificate *ca,
	uint64_t *ret_number, struct error *err)
{
	struct signed_parts parts;

	if (!signed_split(der, &parts))
		return error_set(err, ERROR_INPUT,
			"no certificate revocation list (RFC 5280, 5.1)");
	if (!key_verify(ca->public_key, parts.algorithm, parts.tbs,
		    parts.signature, err))
		return error_context(
			err, "\"%s\" did not sign it", ca->subject_text);
	return find_number(parts.inside, ret_number) ||
	       error_set(err, ERROR_INPUT,
		       "a revocation list without a number (RFC 5280, 5.2.3)");
}

/* -- signing -- */

static bool require_right(const struct certificate *ca,
	const struct crl_plan *plan, struct error *err)
{
	char next[INSTANT_TEXT], end[INSTANT_TEXT];

	if (ca->has_key_usage && !(ca->key_usage & USAGE_CRL_SIGN))
		return error_set(err, ERROR_REFUSED,
			"\"%s\": its keyUsage is without cRLSign, and it may "
			"sign no revocation list (RFC 5280, 4.2.1.3)",
			ca->subject_text);
	if (plan->next_update.seconds > ca->not_after.seconds)
		return error_set(err, ERROR_REFUSED,
			"the next update, %s, would be after the CA's end, %s",
			instant_format(plan->next_update, next),
			instant_format(ca->not_after, end));
	return true;
}

bool crl_sign(const struct authority *ca, const struct crl_plan *plan,
	struct buffer *der, struct error *err)
{
	const struct key *key = authority_key(ca);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	AUTO_RELEASE(buffer) whole = BUFFER_INIT;
	struct der tbs;

	if (!require_right(authority_certificate(ca), plan, err) ||
		!write_tbs(ca, plan, &work, &tbs, err) ||
		!key_sign(key, tbs, &signature, err) ||
		!signed_join(tbs, key_signature_algorithm(key), &signature,
			&whole, err) ||
		!check(ca, plan, der_of(&whole), err))
		return false;
	buffer_add(der, whole.data, whole.len);
	return true;
}
