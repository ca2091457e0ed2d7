/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "pki/extensions.h"
#include "pki/flaws.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/pem.h"
#include "pki/signed.h"

static bool broken(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "%s", rule);
}

/* A certificate that is being read.  Without flaws the first of them ends it;
 * with them it is kept, and reading goes on. */
struct reading {
	struct certificate *out;
	struct flaws *flaws;
	struct error *err;
};

static bool forgive(const struct reading *reading, enum flaw_kind kind)
{
	return flaws_forgive(reading->flaws, kind, reading->err);
}

static bool flawed(
	const struct reading *reading, enum flaw_kind kind, const char *rule)
{
	return broken(reading->err, rule) || forgive(reading, kind);
}

/* -- fields, in the order they come -- */

static const char version_rule[] =
	"version: neither 2 nor 3, which it must be where it is written (RFC "
	"5280, 4.1.2.1)";

/* DEFAULT v1 is not written (X.690, 11.5). */
static bool take_version(struct der *at, const struct reading *reading)
{
	struct der wrapped, number;

	reading->out->version = 1;
	if (der_next(at) != (DER_CONTEXT_CONSTRUCTED | 0))
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 0, &wrapped, NULL) ||
		!der_take_unsigned(&wrapped, &number) || wrapped.len > 0 ||
		number.len != 1)
		return broken(reading->err, version_rule);
	reading->out->version = number.bytes[0] + 1u;
	return (number.bytes[0] >= 1 && number.bytes[0] <= 2) ||
	       flawed(reading, FLAW_VERSION, version_rule);
}

static const char serial_rule[] =
	"serial number: negative or malformed (RFC 5280, 4.1.2.2)";

static bool take_serial(struct der *at, const struct reading *reading)
{
	struct der *serial = &reading->out->serial;
	bool positive = der_take_unsigned(at, serial);

	if (!positive &&
		(!der_take(at, DER_INTEGER, serial, NULL) || serial->len == 0))
		return broken(reading->err, serial_rule);
	if (!positive && !flawed(reading,
				 serial->bytes[0] & 0x80 ? FLAW_SERIAL_NEGATIVE
							 : FLAW_SERIAL_ENCODING,
				 serial_rule))
		return false;
	if (serial->len == 1 && serial->bytes[0] == 0)
		return flawed(reading, FLAW_SERIAL_ZERO,
			"serial number: zero (RFC 5280, 4.1.2.2)");
	if (serial->len + (positive ? serial->bytes[0] >> 7 : 0) > SERIAL_MAX)
		return flawed(reading, FLAW_SERIAL_LONG,
			"serial number: longer than 20 octets (RFC 5280, "
			"4.1.2.2)");
	return true;
}

static bool take_name(struct der *at, struct der *ret_whole, const char *what,
	struct error *err)
{
	return der_take(at, DER_SEQUENCE, NULL, ret_whole) ||
	       error_set(err, ERROR_INPUT,
		       "%s: not a Name in DER (RFC 5280, 4.1.2.4)", what);
}

/* What is no time is passed over, and stays 1970. */
static bool take_time(struct der *at, const struct reading *reading,
	struct instant *ret_at, const char *what)
{
	if (der_take_time(at, ret_at))
		return true;
	error_set(reading->err, ERROR_INPUT,
		"%s: not a time in Z, with seconds, of the form for its year "
		"(RFC 5280, 4.1.2.5)",
		what);
	return forgive(reading, FLAW_VALIDITY) &&
	       (der_take(at, der_next(at), NULL, NULL) ||
		       broken(reading->err,
			       "validity: malformed (RFC 5280, 4.1.2.5)"));
}

static bool take_validity(struct der *at, const struct reading *reading)
{
	struct certificate *out = reading->out;
	struct der validity;

	if (!der_take(at, DER_SEQUENCE, &validity, NULL))
		return broken(reading->err,
			"validity: malformed (RFC 5280, 4.1.2.5)");
	if (!take_time(&validity, reading, &out->not_before, "notBefore") ||
		!take_time(&validity, reading, &out->not_after, "notAfter"))
		return false;
	if (validity.len > 0)
		return broken(reading->err,
			"validity: malformed (RFC 5280, 4.1.2.5)");
	return out->not_after.seconds >= out->not_before.seconds ||
	       flawed(reading, FLAW_VALIDITY_ORDER,
		       "validity: ends before it begins");
}

static bool take_public_key(struct der *at, const struct reading *reading)
{
	struct der *key = &reading->out->public_key;
	struct der start = *at;

	if (signed_public_key(at, key, reading->err))
		return true;
	*at = start;
	return forgive(reading, FLAW_PUBLIC_KEY) &&
	       (der_take(at, DER_SEQUENCE, NULL, key) ||
		       broken(reading->err, "public key: malformed"));
}

/* issuerUniqueID and subjectUniqueID are passed over (RFC 5280, 4.1.2.8). */
static bool take_unique_ids(struct der *at, const struct reading *reading)
{
	for (unsigned tag = DER_CONTEXT | 1; tag <= (DER_CONTEXT | 2); tag++) {
		if (der_next(at) != tag)
			continue;
		if (reading->out->version < 2 &&
			!flawed(reading, FLAW_VERSION,
				"unique identifier: not in version 1 (RFC "
				"5280, 4.1.2.8)"))
			return false;
		if (!der_take(at, tag, NULL, NULL))
			return broken(reading->err,
				"unique identifier: malformed (RFC 5280, "
				"4.1.2.8)");
	}
	return true;
}

static bool take_extensions(struct der *at, const struct reading *reading)
{
	struct der wrapped, list;

	if (at->len == 0)
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 3, &wrapped, NULL))
		return broken(reading->err,
			"signed part: malformed at its end (RFC 5280, 4.1)");
	if (reading->out->version != 3 &&
		!flawed(reading, FLAW_VERSION,
			"extensions: only in version 3 (RFC 5280, 4.1.2.9)"))
		return false;
	if (at->len > 0 || !der_take(&wrapped, DER_SEQUENCE, &list, NULL) ||
		wrapped.len > 0)
		return broken(reading->err,
			"extensions: malformed (RFC 5280, 4.1.2.9)");
	return extensions_read(
		list, reading->out, reading->flaws, reading->err);
}

/* -- the whole -- */

static bool read_issuer(const struct reading *reading)
{
	AUTO_TEXT text = NULL;
	AUTO_TEXT common_name = NULL;

	if (!name_read(
		    reading->out->issuer, &text, &common_name, reading->err)) {
		error_context(reading->err, "issuer");
		return forgive(reading, FLAW_NAME);
	}
	return text[0] != '\0' ||
	       flawed(reading, FLAW_NAME, "issuer: empty (RFC 5280, 4.1.2.4)");
}

static bool read_subject(const struct reading *reading)
{
	struct certificate *out = reading->out;

	if (name_read(out->subject, &out->subject_text, &out->common_name,
		    reading->err))
		return true;
	error_context(reading->err, "subject");
	if (!forgive(reading, FLAW_NAME))
		return false;
	out->subject_text = memory_text("?");
	return true;
}

static bool read_names(const struct reading *reading)
{
	struct certificate *out = reading->out;

	if (!read_issuer(reading) || !read_subject(reading))
		return false;
	if (out->subject_text[0] != '\0')
		return true;
	if (out->is_ca)
		return flawed(reading, FLAW_SUBJECT_EMPTY,
			"subject: empty in a CA (RFC 5280, 4.1.2.6)");
	if (out->n_alt_names == 0)
		return flawed(reading, FLAW_SUBJECT_EMPTY,
			"subject: empty, and no subjectAltName (RFC 5280, "
			"4.1.2.6)");
	return out->alt_names_critical ||
	       flawed(reading, FLAW_SUBJECT_EMPTY,
		       "subjectAltName: not critical though the subject is "
		       "empty (RFC 5280, 4.2.1.6)");
}

static bool read_tbs(struct der at, struct der outer_algorithm,
	const struct reading *reading)
{
	struct certificate *out = reading->out;
	struct der algorithm, oid, parameters;

	if (!take_version(&at, reading) || !take_serial(&at, reading))
		return false;
	if (!signed_algorithm(&at, &algorithm, &oid, &parameters))
		return broken(reading->err,
			"inner signature algorithm: malformed (RFC 5280, "
			"4.1.2.3)");
	if (!der_equal(algorithm, outer_algorithm) &&
		!flawed(reading, FLAW_ALGORITHMS,
			"signature algorithm: inner and outer differ (RFC "
			"5280, 4.1.1.2)"))
		return false;
	return take_name(&at, &out->issuer, "issuer", reading->err) &&
	       take_validity(&at, reading) &&
	       take_name(&at, &out->subject, "subject", reading->err) &&
	       take_public_key(&at, reading) && take_unique_ids(&at, reading) &&
	       take_extensions(&at, reading) && read_names(reading);
}

static const char whole_rule[] =
	"not a certificate in DER, or something behind it (RFC 5280, 4.1)";

/* Leaves out what follows the first element. */
static bool cut_trailing(const struct reading *reading)
{
	struct der at = reading->out->whole, first;

	if (!der_take(&at, DER_SEQUENCE, NULL, &first))
		return broken(reading->err, whole_rule);
	reading->out->whole.len = first.len;
	return at.len == 0 || flawed(reading, FLAW_TRAILING, whole_rule);
}

static bool read_whole(const struct reading *reading)
{
	struct certificate *out = reading->out;
	struct signed_parts parts;

	if (!cut_trailing(reading))
		return false;
	if (!signed_split(out->whole, &parts))
		return broken(reading->err, whole_rule);
	out->tbs = parts.tbs;
	out->signature_algorithm = parts.algorithm;
	out->signature = parts.signature;
	return read_tbs(parts.inside, parts.algorithm, reading) &&
	       sha256_of(out->whole.bytes, out->whole.len, &out->fingerprint,
		       reading->err) &&
	       sha256_of(out->public_key.bytes, out->public_key.len, &out->pin,
		       reading->err);
}

bool certificate_examine(struct der der, struct flaws *flaws,
	struct certificate **ret_certificate, struct error *err)
{
	AUTO_FREE(certificate) out = memory_new(1, sizeof(*out));
	const struct reading reading = {out, flaws, err};

	out->path_len = -1;
	out->whole.bytes = memory_copy(der.bytes, der.len);
	out->whole.len = der.len;
	if (!read_whole(&reading))
		return false;
	*ret_certificate = take(&out);
	return true;
}

bool certificate_read(
	struct der der, struct certificate **ret_certificate, struct error *err)
{
	return certificate_examine(der, NULL, ret_certificate, err);
}

bool certificate_read_pem(const char *text, size_t len, bool strict,
	struct certificate **ret_certificate, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	if (!pem_read(text, len, "CERTIFICATE", strict, &der, err))
		return false;
	return certificate_read(der_of(&der), ret_certificate, err);
}

bool certificate_verify(const struct certificate *certificate,
	struct der issuer_public_key, struct error *err)
{
	return key_verify(issuer_public_key, certificate->signature_algorithm,
		certificate->tbs, certificate->signature, err);
}

bool certificate_verify_der(
	struct der der, struct der issuer_public_key, struct error *err)
{
	struct signed_parts parts;

	if (!signed_split(der, &parts))
		return broken(err, whole_rule);
	return key_verify(issuer_public_key, parts.algorithm, parts.tbs,
		parts.signature, err);
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		free((char *)certificate->alt_names[i].text);
	free(certificate->alt_names);
	for (size_t i = 0; i < certificate->n_permitted; i++)
		free((char *)certificate->permitted[i].text);
	for (size_t i = 0; i < certificate->n_excluded; i++)
		free((char *)certificate->excluded[i].text);
	free(certificate->permitted);
	free(certificate->excluded);
	free(certificate->other_extension);
	free(certificate->subject_text);
	free(certificate->common_name);
	free((unsigned char *)certificate->whole.bytes);
	free(certificate);
}
