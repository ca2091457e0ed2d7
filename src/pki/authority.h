/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_AUTHORITY_H
#define PKI_AUTHORITY_H

#include "pki/certificate.h"

/*
 * A certification authority: its certificate and its key, together.
 *
 * Issuing from many threads at once is safe.
 */
struct authority;

struct authority_request {
	const char *common_name;
	enum key_type key_type; /* not Ed25519: ERROR_REFUSED */
	struct instant not_before, not_after;
};

/* ERROR_REFUSED for Ed25519, which kube-controller-manager and kubeadm do not
 * take from a CA. */
MUST_CHECK bool authority_check_key_type(enum key_type type,
	struct error *err);

/* A new key and its self-signed certificate, verified and linted. */
MUST_CHECK bool authority_create(const struct authority_request *request,
	struct authority **ret_authority, struct error *err);

/* The same with a key that is there already, which may be in a token; its type
 * counts, not the request's.  Consumes it on success. */
MUST_CHECK bool authority_create_with(const struct authority_request *request,
	struct key **taken_key, struct authority **ret_authority,
	struct error *err);

/*
 * From what was read.  ERROR_INPUT when the key is not the certificate's, the
 * certificate is no CA, may not sign certificates, has an extKeyUsage, is not
 * valid at `now`, or is not version 3; ERROR_REFUSED for an Ed25519 key, which
 * kube-controller-manager and kubeadm do not take.  Consumes both on success.
 */
MUST_CHECK bool authority_new(struct certificate **taken_certificate,
	struct key **taken_key, struct instant now,
	struct authority **ret_authority, struct error *err);

/* Opens DIR/ca.crt (one block, no text) and DIR/ca.key, by the same rules. */
struct authority_place {
	int dir;
	const char *certificate_name, *key_name;
	const struct key_custodian *custodian;
};
MUST_CHECK bool authority_open(const struct authority_place *place,
	struct instant now, struct authority **ret_authority,
	struct error *err);

/* The certificate alone, for who needs no key. */
MUST_CHECK bool authority_read_certificate(int dir, const char *name,
	struct instant now, struct certificate **ret_certificate,
	struct error *err);

/* One that came some other way, by the rules of authority_new. */
MUST_CHECK bool authority_check_certificate(
	const struct certificate *certificate, struct instant now,
	struct error *err);

const struct certificate *authority_certificate(const struct authority *ca);
const struct key *authority_key(const struct authority *ca);
/* "-----BEGIN CERTIFICATE-----…", one block; owned. */
const struct buffer *authority_pem(const struct authority *ca);

/*
 * What a TLS peer that has a certificate of this CA sends behind it (RFC 8446,
 * 4.4.2): nothing, unless it was said otherwise.  PEM, in the order in which
 * each signed the one before; owned.
 */
const struct buffer *authority_chain(const struct authority *ca);
void authority_set_chain(struct authority *ca, struct buffer *taken_pem);
/* Appends a certificate of this CA, and its chain. */
void authority_write_leaf(const struct authority *ca, struct der certificate,
	struct buffer *pem);

/*
 * Signs a leaf: fills the plan's issuer, serial and authorityKeyIdentifier,
 * signs, and lints the result; `verify` checks the signature too.  Refuses
 * (ERROR_REFUSED) a plan that is a CA, or that outlives or precedes this
 * authority.
 */
MUST_CHECK bool authority_issue(const struct authority *ca,
	struct certificate_plan *plan, bool verify, struct buffer *der,
	struct error *err);

/*
 * Signs a subordinate authority, as authority_issue signs a leaf.  Refuses
 * (ERROR_REFUSED) a plan that is no CA's or has no path length, and what this
 * authority's own path length does not leave room for.
 */
MUST_CHECK bool authority_issue_ca(const struct authority *ca,
	struct certificate_plan *plan, struct buffer *der, struct error *err);

/* May the CA of this certificate sign another one, below which there are that
 * many more?  ERROR_REFUSED (RFC 5280, 4.2.1.9). */
MUST_CHECK bool authority_check_path(const struct certificate *ca,
	int path_len, struct error *err);

/*
 * The authority's certificate once more, with the same key, name and
 * identifiers, and valid for longer: whatever it signed stays valid, and so does
 * its pin.  ERROR_REFUSED when it is not self-signed, has something that the
 * new one would lack, or ends no later.
 */
MUST_CHECK bool authority_renew(const struct authority *ca,
	struct instant not_after, struct buffer *der, struct error *err);

void authority_free(struct authority *ca);
DEFINE_AUTO_FREE(authority)

#endif
