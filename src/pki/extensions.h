/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_EXTENSIONS_H
#define PKI_EXTENSIONS_H

#include "pki/flaws.h"

/*
 * Extensions (RFC 5280, 4.2), read and written.
 */

/*
 * Reads the extensions of a certificate (RFC 5280, 4.2) into its fields; list
 * is what is inside their SEQUENCE.  Without flaws (NULL) the first of them is a
 * failure, after which the certificate may be half filled; certificate_free()
 * copes.
 */
MUST_CHECK bool extensions_read(struct der list,
	struct certificate *certificate, struct flaws *flaws,
	struct error *err);

/* Writing, from the back to the front.  All that was written since the mark
 * becomes an extension's value. */
void extension_put(struct der_writer *out, struct der oid, bool critical,
	size_t mark);

/* What certificates and requests say alike; nothing for nothing. */
void extension_put_alt_names(struct der_writer *out,
	const struct alt_name *names, size_t n_names);
void extension_put_purposes(struct der_writer *out, unsigned purposes);
void extension_put_key_usage(struct der_writer *out, unsigned key_usage);

#endif
