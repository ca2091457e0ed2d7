/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/authority.h"

#include <stdlib.h>

#include "base/file.h"
#include "pki/constraints.h"
#include "pki/pem.h"

struct authority {
	struct certificate *certificate;
	struct key *key;
	struct buffer pem, chain;
	/* what leaves name it by, where its certificate says nothing */
	unsigned char own_key_id[KEY_ID_LEN];
};

/* -- what a certificate and a key must be -- */

static bool is_self_signed(const struct certificate *certificate)
{
	struct der issuer_id = certificate->authority_key_id;

	return der_equal(certificate->issuer, certificate->subject) &&
	       (issuer_id.len == 0 ||
		       der_equal(issuer_id, certificate->subject_key_id));
}

static bool require_ca(const struct certificate *certificate, struct error *err)
{
	if (certificate->version != 3)
		return error_set(err, ERROR_INPUT,
			"CA certificate: of version %u, not 3 (RFC 5280, "
			"4.1.2.1)",
			certificate->version);
	if (!certificate->is_ca)
		return error_set(err, ERROR_INPUT,
			"CA certificate: not of a CA (RFC 5280, 4.2.1.9)");
	if (certificate->has_key_usage &&
		!(certificate->key_usage & USAGE_KEY_CERT_SIGN))
		return error_set(err, ERROR_INPUT,
			"CA certificate: may not sign certificates (RFC 5280, "
			"4.2.1.3)");
	if (certificate->has_purposes)
		return error_set(err, ERROR_INPUT,
			"CA certificate: has an extKeyUsage, which limits "
			"what is signed by it");
	return true;
}

static bool require_valid_at(const struct certificate *certificate,
	struct instant now, struct error *err)
{
	char text[INSTANT_TEXT];

	if (now.seconds < certificate->not_before.seconds)
		return error_set(err, ERROR_INPUT,
			"CA certificate: not valid before %s",
			instant_format(certificate->not_before, text));
	if (now.seconds > certificate->not_after.seconds)
		return error_set(err, ERROR_INPUT,
			"CA certificate: expired at %s",
			instant_format(certificate->not_after, text));
	return true;
}

bool authority_check_certificate(const struct certificate *certificate,
	struct instant now, struct error *err)
{
	return require_ca(certificate, err) &&
	       require_valid_at(certificate, now, err);
}

bool authority_check_key_type(enum key_type type, struct error *err)
{
	if (type != KEY_ED25519)
		return true;
	return error_set(err, ERROR_REFUSED,
		"CA key of type \"ed25519\": kube-controller-manager and "
		"kubeadm take RSA and ECDSA only");
}

static bool require_key(const struct certificate *certificate,
	const struct key *key, struct error *err)
{
	if (!der_equal(certificate->public_key, key_public(key)))
		return error_set(err, ERROR_INPUT,
			"CA key: not the key of the certificate");
	if (key_is_rsa(key) && key_rsa_bits(key) < 2048)
		return error_set(err, ERROR_INPUT,
			"CA key of type \"%s\": shorter than 2048 bits",
			key_describe(key));
	if (!authority_check_key_type(key_type(key), err))
		return false;
	if (!is_self_signed(certificate))
		return true;
	return certificate_verify(certificate, key_public(key), err) ||
	       error_context(err, "CA certificate");
}

/* -- making one -- */

bool authority_new(struct certificate **taken_certificate,
	struct key **taken_key, struct instant now,
	struct authority **ret_authority, struct error *err)
{
	AUTO_FREE(authority) ca = memory_new(1, sizeof(*ca));

	ca->pem = ca->chain = (struct buffer)BUFFER_INIT;
	if (!authority_check_certificate(*taken_certificate, now, err) ||
		!require_key(*taken_certificate, *taken_key, err))
		return false;
	if (!certificate_key_id(key_public(*taken_key), ca->own_key_id, err))
		return false;
	ca->certificate = take(taken_certificate);
	ca->key = take(taken_key);
	pem_write(&ca->pem, "CERTIFICATE", ca->certificate->whole);
	*ret_authority = take(&ca);
	return true;
}

static bool self_sign(const struct authority_request *request,
	const struct key *key, struct buffer *der, struct error *err)
{
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	struct certificate_plan plan = {
		.public_key = key_public(key),
		.not_before = request->not_before,
		.not_after = request->not_after,
		.is_ca = true,
		.path_len = -1,
		.key_usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN |
			     USAGE_DIGITAL_SIGNATURE,
	};

	if (!certificate_name(NULL, 0, request->common_name, &name, err))
		return false;
	plan.issuer = plan.subject = der_of(&name);
	return certificate_serial(plan.serial, &plan.serial_len, err) &&
	       certificate_sign(&plan, key, der, err) &&
	       certificate_lint(der_of(der), &plan, key, err);
}

bool authority_create_with(const struct authority_request *request,
	struct key **taken_key, struct authority **ret_authority,
	struct error *err)
{
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	/* verifies; a CA may be made for a time to come */
	return authority_check_key_type(key_type(*taken_key), err) &&
	       self_sign(request, *taken_key, &der, err) &&
	       certificate_read(der_of(&der), &certificate, err) &&
	       authority_new(&certificate, taken_key, request->not_before,
		       ret_authority, err);
}

bool authority_create(const struct authority_request *request,
	struct authority **ret_authority, struct error *err)
{
	AUTO_FREE(key) key = NULL;

	return authority_check_key_type(request->key_type, err) &&
	       key_generate(request->key_type, &key, err) &&
	       authority_create_with(request, &key, ret_authority, err);
}

static bool refuse_renewal(
	const struct certificate *ca, const char *why, struct error *err)
{
	return error_set(err, ERROR_REFUSED,
		"\"%s\": cannot be renewed with its key: %s", ca->subject_text,
		why);
}

static bool require_plain(const struct certificate *ca,
	struct instant not_after, struct error *err)
{
	unsigned ours =
		USAGE_DIGITAL_SIGNATURE | USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN;
	char end[INSTANT_TEXT];

	if (!der_equal(ca->issuer, ca->subject))
		return refuse_renewal(ca, "another CA signed it", err);
	if (ca->other_extension || ca->n_permitted || ca->n_excluded ||
		ca->n_alt_names > 0 || ca->has_purposes ||
		(ca->key_usage & ~ours))
		return refuse_renewal(ca,
			"it has an extension or a usage that the new one "
			"would lack",
			err);
	if (not_after.seconds <= ca->not_after.seconds)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": ends %s, which is no earlier",
			ca->subject_text, instant_format(ca->not_after, end));
	return true;
}

bool authority_renew(const struct authority *authority,
	struct instant not_after, struct buffer *der, struct error *err)
{
	const struct certificate *ca = authority_certificate(authority);
	const struct key *key = authority_key(authority);
	AUTO_RELEASE(buffer) made = BUFFER_INIT;
	struct certificate_plan plan = {
		.issuer = ca->subject,
		.subject = ca->subject,
		.public_key = ca->public_key,
		.not_before = ca->not_before,
		.not_after = not_after,
		.is_ca = true,
		.path_len = ca->path_len,
		.key_usage =
			ca->has_key_usage ? ca->key_usage : USAGE_KEY_CERT_SIGN,
		.subject_key_id = ca->subject_key_id,
	};

	if (!require_plain(ca, not_after, err) ||
		!certificate_serial(plan.serial, &plan.serial_len, err) ||
		!certificate_sign(&plan, key, &made, err) ||
		!certificate_lint(der_of(&made), &plan, key, err) ||
		!certificate_verify_der(der_of(&made), ca->public_key, err))
		return false;
	buffer_add(der, made.data, made.len);
	return true;
}

/* ca.crt and ca.key, with text around them, are kilobytes. */
#define CERTIFICATE_FILE_MAX ((size_t)64 * 1024)
#define KEY_FILE_MAX ((size_t)64 * 1024)

static bool read_certificate(int dir, const char *name,
	struct certificate **ret_certificate, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (!file_read(dir, name, CERTIFICATE_FILE_MAX, &text, err))
		return false;
	if (!certificate_read_pem(
		    text.data, text.len, true, ret_certificate, err))
		return error_context(err, "\"%s\"", name);
	return true;
}

static bool read_key(const struct authority_place *place, struct key **ret_key,
	struct error *err)
{
	AUTO_FREE(secret) pem = NULL;

	if (!file_read_secret(
		    place->dir, place->key_name, KEY_FILE_MAX, &pem, err))
		return false;
	if (!key_open(pem, place->custodian, ret_key, err))
		return error_context(err, "\"%s\"", place->key_name);
	return true;
}

bool authority_open(const struct authority_place *place, struct instant now,
	struct authority **ret_authority, struct error *err)
{
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(key) key = NULL;

	if (!read_certificate(
		    place->dir, place->certificate_name, &certificate, err) ||
		!read_key(place, &key, err))
		return false;
	if (!authority_new(&certificate, &key, now, ret_authority, err))
		return error_context(err, "\"%s\"", place->certificate_name);
	return true;
}

bool authority_read_certificate(int dir, const char *name, struct instant now,
	struct certificate **ret_certificate, struct error *err)
{
	AUTO_FREE(certificate) certificate = NULL;

	if (!read_certificate(dir, name, &certificate, err))
		return false;
	if (!authority_check_certificate(certificate, now, err))
		return error_context(err, "\"%s\"", name);
	*ret_certificate = take(&certificate);
	return true;
}

void authority_free(struct authority *ca)
{
	if (!ca)
		return;
	certificate_free(ca->certificate);
	key_free(ca->key);
	buffer_release(&ca->pem);
	buffer_release(&ca->chain);
	free(ca);
}

const struct certificate *authority_certificate(const struct authority *ca)
{
	return ca->certificate;
}

const struct key *authority_key(const struct authority *ca)
{
	return ca->key;
}

const struct buffer *authority_pem(const struct authority *ca)
{
	return &ca->pem;
}

const struct buffer *authority_chain(const struct authority *ca)
{
	return &ca->chain;
}

void authority_set_chain(struct authority *ca, struct buffer *taken_pem)
{
	buffer_release(&ca->chain);
	ca->chain = *taken_pem;
	*taken_pem = (struct buffer)BUFFER_INIT;
}

void authority_write_leaf(const struct authority *ca, struct der certificate,
	struct buffer *pem)
{
	pem_write(pem, "CERTIFICATE", certificate);
	buffer_add(pem, ca->chain.data, ca->chain.len);
}

/* -- issuing -- */

static bool require_within(const struct authority *ca,
	const struct certificate_plan *plan, struct error *err)
{
	const struct certificate *own = ca->certificate;
	char text[INSTANT_TEXT], limit[INSTANT_TEXT];

	if (der_equal(plan->subject, own->subject))
		return error_set(err, ERROR_REFUSED,
			"subject \"%s\": the CA's own", own->subject_text);
	if (plan->not_after.seconds > own->not_after.seconds)
		return error_set(err, ERROR_REFUSED,
			"expiry \"%s\": beyond the CA's, %s",
			instant_format(plan->not_after, text),
			instant_format(own->not_after, limit));
	if (plan->not_before.seconds < own->not_before.seconds)
		return error_set(err, ERROR_REFUSED,
			"begin \"%s\": earlier than the CA's, %s",
			instant_format(plan->not_before, text),
			instant_format(own->not_before, limit));
	return true;
}

/* A signature of ours that does not verify is our failure, not bad input. */
static bool verify_own(
	const struct authority *ca, const struct buffer *der, struct error *err)
{
	AUTO_RELEASE(error) cause = ERROR_INIT;

	if (certificate_verify_der(
		    der_of(der), ca->certificate->public_key, &cause))
		return true;
	return error_set(
		err, ERROR_FAILED, "certificate made: %s", cause.message);
}

static bool issue(const struct authority *ca, struct certificate_plan *plan,
	bool verify, struct buffer *der, struct error *err)
{
	struct der own_id = ca->certificate->subject_key_id;
	AUTO_RELEASE(buffer) made = BUFFER_INIT;

	if (own_id.len == 0)
		own_id = (struct der){ca->own_key_id, KEY_ID_LEN};
	plan->issuer = ca->certificate->subject;
	plan->authority_key_id = own_id;
	if (!require_within(ca, plan, err))
		return false;
	for (size_t i = 0; i < plan->n_alt_names; i++)
		if (!constraints_permit(
			    ca->certificate, &plan->alt_names[i], err))
			return false;
	if (!certificate_serial(plan->serial, &plan->serial_len, err) ||
		!certificate_sign(plan, ca->key, &made, err) ||
		!certificate_lint(der_of(&made), plan, ca->key, err))
		return false;
	/* RSA: a fault in the computation would give the key away. */
	if ((verify || key_is_rsa(ca->key)) && !verify_own(ca, &made, err))
		return false;
	buffer_add(der, made.data, made.len);
	return true;
}

bool authority_issue(const struct authority *ca, struct certificate_plan *plan,
	bool verify, struct buffer *der, struct error *err)
{
	if (plan->is_ca ||
		plan->key_usage & (USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN))
		return error_set(err, ERROR_REFUSED,
			"certificate: would be a CA; only leaves are issued "
			"here");
	return issue(ca, plan, verify, der, err);
}

bool authority_check_path(
	const struct certificate *ca, int path_len, struct error *err)
{
	if (ca->path_len < 0 || ca->path_len > path_len)
		return true;
	if (ca->path_len == 0)
		return error_set(err, ERROR_REFUSED,
			"CA \"%s\": its pathLenConstraint is 0, so it may sign "
			"no CA (RFC 5280, 4.2.1.9)",
			ca->subject_text);
	return error_set(err, ERROR_REFUSED,
		"CA \"%s\": its pathLenConstraint is %d, so a CA that it signs "
		"has less than %d (RFC 5280, 4.2.1.9)",
		ca->subject_text, ca->path_len, ca->path_len);
}

bool authority_issue_ca(const struct authority *ca,
	struct certificate_plan *plan, struct buffer *der, struct error *err)
{
	if (!plan->is_ca || plan->path_len < 0)
		return error_set(err, ERROR_REFUSED,
			"certificate: not a CA's, or without a path length");
	return authority_check_path(ca->certificate, plan->path_len, err) &&
	       issue(ca, plan, true, der, err);
}
