/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_CONSTRAINTS_H
#define PKI_CONSTRAINTS_H

#include "pki/certificate.h"

/*
 * Name constraints of a CA (RFC 5280, 4.2.1.10): below which names and in which
 * networks its certificates may be.
 *
 * One is an alt_name: the text of a DNS name allows it and what is below it,
 * with a dot before it only what is below; the text of an IP is a network,
 * "10.0.0.0/8".  Where no name of a kind is permitted, each of that kind is.
 */

/* Writes the extension, critical; nothing for nothing. */
void constraints_put(struct der_writer *out, const struct alt_name *permitted,
	size_t n_permitted);

/* Reads an extension's value into the certificate.  ERROR_INPUT also for a kind
 * of name that Go does not know there (directoryName and the like). */
MUST_CHECK bool constraints_read(
	struct der value, struct certificate *certificate, struct error *err);

/* Does an extension's value say this, and nothing else? */
bool constraints_are(
	struct der value, const struct alt_name *permitted, size_t n_permitted);

/* "example.com" and "10.0.0.0/8" as above; ERROR_INPUT. */
MUST_CHECK bool constraints_check(
	const struct alt_name *permitted, struct error *err);

/* May a certificate that this CA signed, at whatever depth, have this name?
 * ERROR_REFUSED, with Go's words for it (Go: crypto/x509/verify.go). */
MUST_CHECK bool constraints_permit(const struct certificate *ca,
	const struct alt_name *name, struct error *err);

#endif
