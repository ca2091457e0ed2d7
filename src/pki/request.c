/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/request.h"

#include <stdlib.h>
#include <string.h>

#include <libtasn1.h>

#include "pki/extensions.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/pem.h"
#include "pki/signed.h"

#include "pki/pkix.asn.h"

/* 1.2.840.113549.1.9.14 (RFC 2985, 5.4.2) */
#define OID_EXTENSION_REQUEST OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")

#define LABEL "CERTIFICATE REQUEST"
#define OLD_LABEL "NEW CERTIFICATE REQUEST"

static bool broken(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "%s", rule);
}

/* -- the second opinion -- */

static void structure_delete(asn1_node *node)
{
	if (*node)
		asn1_delete_structure(node);
}
#define AUTO_STRUCTURE __attribute__((cleanup(structure_delete))) asn1_node

/* Decoded strictly, and encoded again to the same octets. */
static bool survives(asn1_node definitions, struct der der)
{
	char why[ASN1_MAX_ERROR_DESCRIPTION_SIZE];
	AUTO_STRUCTURE request = NULL;
	AUTO_RELEASE(buffer) again = BUFFER_INIT;
	int len = (int)der.len;

	if (asn1_create_element(definitions, "PKIX.CertificationRequest",
		    &request) != ASN1_SUCCESS)
		return false;
	if (asn1_der_decoding2(&request, der.bytes, &len,
		    ASN1_DECODE_FLAG_STRICT_DER, why) != ASN1_SUCCESS ||
		(size_t)len != der.len)
		return false;
	if (asn1_der_coding(request, "", buffer_room(&again, der.len), &len,
		    why) != ASN1_SUCCESS)
		return false;
	return (size_t)len == der.len &&
	       !memcmp(again.data, der.bytes, der.len);
}

static bool require_strict(struct der der, struct error *err)
{
	char why[ASN1_MAX_ERROR_DESCRIPTION_SIZE];
	AUTO_STRUCTURE definitions = NULL;

	if (asn1_array2tree(pkix_asn1, &definitions, why) != ASN1_SUCCESS)
		return error_set(err, ERROR_FAILED, "ASN.1: %s", why);
	return survives(definitions, der) ||
	       broken(err, "not strict DER (X.690, 10 and 11)");
}

/* -- attributes -- */

static bool read_extension_request(
	struct der values, struct request *out, struct error *err)
{
	struct der list;

	if (!der_take(&values, DER_SEQUENCE, &list, NULL) || values.len > 0)
		return broken(err, "extensionRequest: not one list of "
				   "extensions (RFC 2985, 5.4.2)");
	out->has_extensions = true;
	return extensions_read(list, out->asked, NULL, err);
}

static bool take_attribute(struct der *attributes, struct der *ret_type,
	struct request *out, struct error *err)
{
	struct der at, values;

	if (!der_take(attributes, DER_SEQUENCE, &at, NULL) ||
		!der_take(&at, DER_OID, ret_type, NULL) ||
		!oid_is_valid(*ret_type) ||
		!der_take(&at, DER_SET, &values, NULL) || at.len > 0 ||
		values.len == 0)
		return broken(err, "attribute: malformed (RFC 2986, 4.1)");
	if (der_equal(*ret_type, OID_EXTENSION_REQUEST))
		return read_extension_request(values, out, err);
	if (!out->other_attribute)
		out->other_attribute = oid_format(*ret_type);
	return true;
}

/* Many times what any request has. */
#define ATTRIBUTES_MAX 16

static bool read_attributes(
	struct der *at, struct request *out, struct error *err)
{
	struct der list, seen[ATTRIBUTES_MAX];
	size_t n = 0;

	if (!der_take(at, DER_CONTEXT_CONSTRUCTED | 0, &list, NULL))
		return broken(err, "attributes: malformed or not there (RFC "
				   "2986, 4.1)");
	while (list.len > 0) {
		if (n == ATTRIBUTES_MAX)
			return broken(err, "attributes: more than 16");
		if (!take_attribute(&list, &seen[n], out, err))
			return false;
		for (size_t i = 0; i < n; i++)
			if (der_equal(seen[i], seen[n]))
				return broken(err, "attribute: there twice "
						   "(RFC 2986, 4.1)");
		n++;
	}
	return true;
}

/* -- the whole -- */

static bool take_version(struct der *at, struct error *err)
{
	struct der version;

	return (der_take_unsigned(at, &version) && version.len == 1 &&
		       version.bytes[0] == 0) ||
	       broken(err, "version: not 0 (RFC 2986, 4.1)");
}

static bool read_info(struct der at, struct request *out, struct error *err)
{
	struct certificate *asked = out->asked;

	if (!take_version(&at, err))
		return false;
	if (!der_take(&at, DER_SEQUENCE, NULL, &asked->subject))
		return broken(
			err, "subject: not a Name in DER (RFC 5280, 4.1.2.4)");
	if (!signed_public_key(&at, &asked->public_key, err) ||
		!read_attributes(&at, out, err))
		return false;
	if (at.len > 0)
		return broken(err, "something behind the attributes (RFC 2986, "
				   "4.1)");
	return name_read(asked->subject, &asked->subject_text,
		       &asked->common_name, err) ||
	       error_context(err, "subject");
}

static bool read_asked(struct der der, struct request *out, struct error *err)
{
	struct certificate *asked = out->asked;
	struct signed_parts parts;

	asked->whole.bytes = memory_copy(der.bytes, der.len);
	asked->whole.len = der.len;
	if (!signed_split(asked->whole, &parts))
		return broken(err, "not a certification request in DER, or "
				   "something behind it (RFC 2986, 4.2)");
	asked->tbs = parts.tbs;
	asked->signature_algorithm = parts.algorithm;
	asked->signature = parts.signature;
	return read_info(parts.inside, out, err) &&
	       sha256_of(asked->public_key.bytes, asked->public_key.len,
		       &asked->pin, err);
}

bool request_read(
	struct der der, struct request **ret_request, struct error *err)
{
	AUTO_FREE(request) out = memory_new(1, sizeof(*out));

	out->asked = memory_new(1, sizeof(*out->asked));
	out->asked->path_len = -1;
	if (der.len > REQUEST_MAX)
		return error_set(
			err, ERROR_INPUT, "longer than %zu bytes", REQUEST_MAX);
	if (!read_asked(der, out, err) ||
		!require_strict(out->asked->whole, err) ||
		!certificate_verify(out->asked, out->asked->public_key, err))
		return false;
	*ret_request = take(&out);
	return true;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	certificate_free(request->asked);
	free(request->other_attribute);
	free(request);
}

/* -- PEM -- */

static bool decode(
	const struct pem_block *block, struct buffer *der, struct error *err)
{
	size_t len;

	if (PEM_ROOM(block->body.len) > 2 * REQUEST_MAX)
		return error_set(err, ERROR_INPUT,
			"PEM block \"%.*s\": longer than %zu bytes",
			(int)block->label.len, block->label.bytes, REQUEST_MAX);
	if (!pem_decode(block, buffer_room(der, PEM_ROOM(block->body.len)),
		    &len, err))
		return false;
	buffer_wrote(der, len);
	return true;
}

static bool require_request(const struct pem_block *block, struct error *err)
{
	return pem_is_labelled(block, LABEL) ||
	       pem_is_labelled(block, OLD_LABEL) ||
	       error_set(err, ERROR_INPUT,
		       "PEM block \"%.*s\": wanted is \"" LABEL "\"",
		       (int)block->label.len, block->label.bytes);
}

/* All blocks are looked at before the first is visited. */
static bool check_blocks(struct der text, struct error *err)
{
	struct pem_block block;
	size_t n = 0;
	bool found;

	for (;; n++) {
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		if (!pem_next(&text, &block, &found, err))
			return false;
		if (!found)
			break;
		if (!require_request(&block, err) || !decode(&block, &der, err))
			return false;
	}
	return n > 0 ||
	       broken(err, "PEM: no \"-----BEGIN " LABEL "-----\" in it");
}

bool request_each_pem(const char *text, size_t len, request_visit *visit,
	void *data, struct error *err)
{
	struct der rest = {(const unsigned char *)text, len};
	struct pem_block block;
	bool found;

	if (!check_blocks(rest, err))
		return false;
	for (;;) {
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		if (!pem_next(&rest, &block, &found, err))
			return false;
		if (!found)
			return true;
		if (!decode(&block, &der, err) ||
			!visit(data, der_of(&der), err))
			return false;
	}
}

bool request_read_pem(const char *text, size_t len,
	struct request **ret_request, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	return pem_read(text, len, LABEL, true, &der, err) &&
	       request_read(der_of(&der), ret_request, err);
}

/* -- making one -- */

static void put_extensions(
	struct der_writer *out, const struct request_plan *plan)
{
	extension_put_alt_names(out, plan->alt_names, plan->n_alt_names);
	extension_put_purposes(out, plan->purposes);
	extension_put_key_usage(out, plan->key_usage);
	if (der_mark(out) == 0)
		return;
	der_wrap(out, DER_SEQUENCE, 0);
	der_wrap(out, DER_SET, 0);
	der_put_oid(out, OID_EXTENSION_REQUEST);
	der_wrap(out, DER_SEQUENCE, 0);
}

static void put_info(struct der_writer *out, const struct request_plan *plan,
	struct der public_key)
{
	put_extensions(out, plan);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 0, 0);
	der_put_raw(out, public_key.bytes, public_key.len);
	der_put_raw(out, plan->subject.bytes, plan->subject.len);
	der_put_integer(out, 0);
	der_wrap(out, DER_SEQUENCE, 0);
}

static size_t room_for(const struct request_plan *plan, struct der public_key)
{
	size_t room = 256 + plan->subject.len + public_key.len;

	for (size_t i = 0; i < plan->n_alt_names; i++)
		room += 32 + strlen(plan->alt_names[i].text);
	return room;
}

bool request_sign(const struct request_plan *plan, const struct key *key,
	struct buffer *der, struct error *err)
{
	struct der info, public_key = key_public(key);
	size_t room = room_for(plan, public_key);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);

	put_info(&out, plan, public_key);
	return der_written(&out, &info, err) &&
	       key_sign(key, info, &signature, err) &&
	       signed_join(info, key_signature_algorithm(key), &signature, der,
		       err);
}
