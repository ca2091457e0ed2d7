/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_EXTENSIONS_H
#define PKI_EXTENSIONS_H

#include "pki/certificate.h"

/*
 * Reads the extensions of a certificate (RFC 5280, 4.2) into its fields; list
 * is what is inside their SEQUENCE.  On failure the certificate may be half
 * filled; certificate_free() copes.
 */
MUST_CHECK bool extensions_read(struct der list,
	struct certificate *certificate, struct error *err);

#endif
