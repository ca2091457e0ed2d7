/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_FLAWS_H
#define PKI_FLAWS_H

#include "pki/certificate.h"

/*
 * Reading a certificate that others made: what is wrong is named, and reading
 * goes on wherever the next field can still be found.
 *
 * One reader does both: certificate_read() refuses at the first flaw,
 * certificate_examine() collects them.
 */
enum flaw_kind {
	FLAW_TRAILING,         /* something follows the certificate */
	FLAW_VERSION,          /* v1 with extensions, DEFAULT written … */
	FLAW_SERIAL_NEGATIVE,
	FLAW_SERIAL_ZERO,
	FLAW_SERIAL_LONG,
	FLAW_SERIAL_ENCODING,
	FLAW_ALGORITHMS,       /* inner and outer differ */
	FLAW_VALIDITY,         /* a time in a form it must not have */
	FLAW_VALIDITY_ORDER,
	FLAW_NAME,             /* issuer or subject: a string that is not valid */
	FLAW_SUBJECT_EMPTY,
	FLAW_PUBLIC_KEY,
	FLAW_EXTENSION_TWICE,
	FLAW_EXTENSION_UNKNOWN,  /* critical, and not understood */
	FLAW_EXTENSION_UNREAD,   /* critical, and understood by others: name
	                            constraints, policies */
	FLAW_FALSE_WRITTEN,      /* DEFAULT FALSE is written */
	FLAW_EXTENSION,          /* malformed */
	FLAW_ALT_NAME,           /* malformed subjectAltName */
};

struct flaw {
	enum flaw_kind kind;
	char *text; /* the sentence that certificate_read would have refused by */
};

struct flaws {
	struct flaw *items;
	size_t n_items, allocated;
};
#define FLAWS_INIT {NULL, 0, 0}

/* certificate_read with flaws NULL; with them, ERROR_INPUT only when it is no certificate at all, or not DER where its
 * fields could not be told apart. */
MUST_CHECK bool certificate_examine(struct der der, struct flaws *flaws,
	struct certificate **ret_certificate, struct error *err);

/* Keeps an error that is set as a flaw, releases it, and is true; false, with
 * the error as it was, when flaws is NULL. */
bool flaws_forgive(struct flaws *flaws, enum flaw_kind kind,
	struct error *err);

const struct flaw *flaws_find(const struct flaws *flaws, enum flaw_kind kind);
void flaws_release(struct flaws *flaws);
DEFINE_AUTO_RELEASE(flaws)

#endif
