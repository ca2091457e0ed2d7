/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "pki/extensions.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/pem.h"
#include "pki/signed.h"

static bool broken(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "%s", rule);
}

/* -- fields, in the order they come -- */

/* DEFAULT v1 is not written (X.690, 11.5). */
static bool take_version(
	struct der *at, struct certificate *out, struct error *err)
{
	struct der wrapped, number;

	out->version = 1;
	if (der_next(at) != (DER_CONTEXT_CONSTRUCTED | 0))
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 0, &wrapped, NULL) ||
		!der_take_unsigned(&wrapped, &number) || wrapped.len > 0 ||
		number.len != 1 || number.bytes[0] < 1 || number.bytes[0] > 2)
		return broken(err,
			"version: neither 2 nor 3, which it must "
			"be where it is written (RFC 5280, 4.1.2.1)");
	out->version = number.bytes[0] + 1u;
	return true;
}

static bool take_serial(
	struct der *at, struct certificate *out, struct error *err)
{
	if (!der_take_unsigned(at, &out->serial))
		return broken(err, "serial number: negative or malformed (RFC "
				   "5280, 4.1.2.2)");
	if (out->serial.len == 1 && out->serial.bytes[0] == 0)
		return broken(err, "serial number: zero (RFC 5280, 4.1.2.2)");
	if (out->serial.len + (out->serial.bytes[0] >> 7) > SERIAL_MAX)
		return broken(err, "serial number: longer than 20 octets (RFC "
				   "5280, 4.1.2.2)");
	return true;
}

static bool take_name(struct der *at, struct der *ret_whole, const char *what,
	struct error *err)
{
	return der_take(at, DER_SEQUENCE, NULL, ret_whole) ||
	       error_set(err, ERROR_INPUT,
		       "%s: not a Name in DER (RFC 5280, 4.1.2.4)", what);
}

static bool take_validity(
	struct der *at, struct certificate *out, struct error *err)
{
	struct der validity;

	if (!der_take(at, DER_SEQUENCE, &validity, NULL))
		return broken(err, "validity: malformed (RFC 5280, 4.1.2.5)");
	if (!der_take_time(&validity, &out->not_before))
		return broken(err, "notBefore: not a time in Z, with seconds, "
				   "of the form for its year (RFC 5280, "
				   "4.1.2.5)");
	if (!der_take_time(&validity, &out->not_after))
		return broken(err, "notAfter: not a time in Z, with seconds, "
				   "of the form for its year (RFC 5280, "
				   "4.1.2.5)");
	if (validity.len > 0)
		return broken(err, "validity: malformed (RFC 5280, 4.1.2.5)");
	if (out->not_after.seconds < out->not_before.seconds)
		return broken(err, "validity: ends before it begins");
	return true;
}

/* issuerUniqueID and subjectUniqueID are passed over (RFC 5280, 4.1.2.8). */
static bool take_unique_ids(
	struct der *at, const struct certificate *out, struct error *err)
{
	for (unsigned tag = DER_CONTEXT | 1; tag <= (DER_CONTEXT | 2); tag++) {
		if (der_next(at) != tag)
			continue;
		if (out->version < 2)
			return broken(err, "unique identifier: not in version "
					   "1 (RFC 5280, 4.1.2.8)");
		if (!der_take(at, tag, NULL, NULL))
			return broken(err, "unique identifier: malformed (RFC "
					   "5280, 4.1.2.8)");
	}
	return true;
}

static bool take_extensions(
	struct der *at, struct certificate *out, struct error *err)
{
	struct der wrapped, list;

	if (at->len == 0)
		return true;
	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 3, &wrapped, NULL))
		return broken(err, "signed part: malformed at its end (RFC "
				   "5280, 4.1)");
	if (out->version != 3)
		return broken(err, "extensions: only in version 3 (RFC 5280, "
				   "4.1.2.9)");
	if (at->len > 0 || !der_take(&wrapped, DER_SEQUENCE, &list, NULL) ||
		wrapped.len > 0)
		return broken(err, "extensions: malformed (RFC 5280, 4.1.2.9)");
	return extensions_read(list, out, err);
}

/* -- the whole -- */

static bool read_names(struct certificate *out, struct error *err)
{
	AUTO_TEXT issuer = NULL;
	AUTO_TEXT issuer_common_name = NULL;

	if (!name_read(out->issuer, &issuer, &issuer_common_name, err))
		return error_context(err, "issuer");
	if (issuer[0] == '\0')
		return broken(err, "issuer: empty (RFC 5280, 4.1.2.4)");
	if (!name_read(
		    out->subject, &out->subject_text, &out->common_name, err))
		return error_context(err, "subject");
	if (out->subject_text[0] != '\0')
		return true;
	if (out->is_ca)
		return broken(
			err, "subject: empty in a CA (RFC 5280, 4.1.2.6)");
	if (out->n_alt_names == 0)
		return broken(err, "subject: empty, and no subjectAltName "
				   "(RFC 5280, 4.1.2.6)");
	if (!out->alt_names_critical)
		return broken(err,
			"subjectAltName: not critical though the subject is "
			"empty (RFC 5280, 4.2.1.6)");
	return true;
}

static bool read_tbs(struct der at, struct der outer_algorithm,
	struct certificate *out, struct error *err)
{
	struct der algorithm, oid, parameters;

	if (!take_version(&at, out, err) || !take_serial(&at, out, err))
		return false;
	if (!signed_algorithm(&at, &algorithm, &oid, &parameters))
		return broken(err, "inner signature algorithm: malformed (RFC "
				   "5280, 4.1.2.3)");
	if (!der_equal(algorithm, outer_algorithm))
		return broken(err, "signature algorithm: inner and outer "
				   "differ (RFC 5280, 4.1.1.2)");
	return take_name(&at, &out->issuer, "issuer", err) &&
	       take_validity(&at, out, err) &&
	       take_name(&at, &out->subject, "subject", err) &&
	       signed_public_key(&at, &out->public_key, err) &&
	       take_unique_ids(&at, out, err) &&
	       take_extensions(&at, out, err) && read_names(out, err);
}

static bool not_a_certificate(struct error *err)
{
	return broken(err, "not a certificate in DER, or something behind it "
			   "(RFC 5280, 4.1)");
}

bool certificate_read(
	struct der der, struct certificate **ret_certificate, struct error *err)
{
	AUTO_FREE(certificate) out = memory_new(1, sizeof(*out));
	struct signed_parts parts;

	out->path_len = -1;
	out->whole.bytes = memory_copy(der.bytes, der.len);
	out->whole.len = der.len;
	if (!signed_split(out->whole, &parts))
		return not_a_certificate(err);
	out->tbs = parts.tbs;
	out->signature_algorithm = parts.algorithm;
	out->signature = parts.signature;
	if (!read_tbs(parts.inside, parts.algorithm, out, err))
		return false;
	if (!sha256_of(
		    out->whole.bytes, out->whole.len, &out->fingerprint, err) ||
		!sha256_of(out->public_key.bytes, out->public_key.len,
			&out->pin, err))
		return false;
	*ret_certificate = take(&out);
	return true;
}

bool certificate_read_pem(const char *text, size_t len, bool strict,
	struct certificate **ret_certificate, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	if (!pem_read(text, len, "CERTIFICATE", strict, &der, err))
		return false;
	return certificate_read(
		(struct der){(const unsigned char *)der.data, der.len},
		ret_certificate, err);
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
		return not_a_certificate(err);
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
	free(certificate->other_extension);
	free(certificate->subject_text);
	free(certificate->common_name);
	free((unsigned char *)certificate->whole.bytes);
	free(certificate);
}
