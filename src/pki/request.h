/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_REQUEST_H
#define PKI_REQUEST_H

#include "pki/certificate.h"

/*
 * Certification requests (PKCS#10, RFC 2986): read strictly, and made.
 *
 * A request is what somebody else wishes for.  It is read to be compared, never
 * to be copied: whoever signs takes the public key from it and builds the rest
 * from a profile.
 *
 * Two readers that know nothing of each other must agree on each request: a
 * cursor of our own, whose views are what everybody uses, and libtasn1, which
 * decodes the same octets strictly and must encode them again without a
 * difference.
 */
#define REQUEST_MAX ((size_t)64 * 1024) /* octets of DER */

struct request {
	/* The certificate that is wished for: whole is the request's, and so
	 * are tbs (its CertificationRequestInfo) and the signature; subject,
	 * public_key, pin and what extensions say are asked for; the rest of
	 * the fields is zero. */
	struct certificate *asked;
	bool has_extensions;
	/* Dotted, of the first attribute besides extensionRequest, or NULL. */
	char *other_attribute;
};

/*
 * Strict DER, exact length, signed by the key it names.  ERROR_INPUT with what
 * is wrong: version, names as certificate_read takes them, an attribute or an
 * extension that is there twice, an extensionRequest that is malformed, …
 */
MUST_CHECK bool request_read(struct der der, struct request **ret_request,
	struct error *err);
void request_free(struct request *request);
DEFINE_AUTO_FREE(request)

/*
 * The requests in a text, one after the other: blocks "CERTIFICATE REQUEST", or
 * "NEW CERTIFICATE REQUEST" (RFC 7468, 7), and no other kind; any explanatory
 * text around them.  ERROR_INPUT when there is none, and for the whole text
 * when one block cannot be decoded.  What is in a block is request_read's.
 */
typedef bool request_visit(void *data, struct der der, struct error *err);
MUST_CHECK bool request_each_pem(const char *text, size_t len,
	request_visit *visit, void *data, struct error *err);

/* The one request in a CertificateSigningRequest object: a single block
 * "CERTIFICATE REQUEST" without text around it (Kubernetes:
 * apis/certificates/helpers.go, ParseCSR, which passes over what follows). */
MUST_CHECK bool request_read_pem(const char *text, size_t len,
	struct request **ret_request, struct error *err);

/* What is asked for, for request_sign. */
struct request_plan {
	struct der subject; /* Name */
	unsigned key_usage; /* as certificate_plan's */
	unsigned purposes;
	const struct alt_name *alt_names;
	size_t n_alt_names;
};

/* Appends the request in DER; with one extensionRequest for keyUsage, purposes
 * and alternative names. */
MUST_CHECK bool request_sign(const struct request_plan *plan,
	const struct key *key, struct buffer *der, struct error *err);

#endif
