/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_PEM_H
#define PKI_PEM_H

#include "base/buffer.h"
#include "base/secret.h"
#include "pki/der.h"

/*
 * PEM (RFC 7468): 64 columns, LF, no text around it, no headers.
 */

/* Appends "-----BEGIN label-----" … "-----END label-----\n". */
void pem_write(struct buffer *text, const char *label, struct der der);

/* The same for a secret; the result is as long as it must be. */
struct secret *pem_write_secret(const char *label,
	const struct secret *der);

/*
 * Reads text that holds exactly one block of this label and, around it,
 * nothing but white space when `strict`, any explanatory text otherwise (as
 * openssl and certtool write it; RFC 7468, 2).  A second block, of whatever
 * label, is ERROR_INPUT either way.  *der gets the decoded bytes.
 */
MUST_CHECK bool pem_read(const char *text, size_t len, const char *label,
	bool strict, struct buffer *der, struct error *err);

/* Hands over what each block of this label in a text decodes to, and passes over
 * all else, which may be secret. */
typedef bool pem_visit(void *data, struct der der, struct error *err);
MUST_CHECK bool pem_each(const struct secret *text, const char *label,
	pem_visit *visit, void *data, struct error *err);
MUST_CHECK bool pem_each_in(struct der text, const char *label,
	pem_visit *visit, void *data, struct error *err);

/* One block as it stands in a text: views into it. */
struct pem_block {
	struct der before; /* the text in front of it */
	struct der label, body;
};

/* Takes the text through the next block off the front of *text; *ret_found is
 * false when there is none, and then *text is left as it was. */
MUST_CHECK bool pem_next(struct der *text, struct pem_block *ret_block,
	bool *ret_found, struct error *err);

/* Writes at most PEM_ROOM(body.len) bytes.  Lines may have any length, as in
 * RFC 7468, 3 (laxbase64text); headers are ERROR_INPUT. */
#define PEM_ROOM(len) ((len) / 4 * 3)
MUST_CHECK bool pem_decode(const struct pem_block *block, void *bytes,
	size_t *ret_len, struct error *err);

bool pem_is_labelled(const struct pem_block *block, const char *label);

#endif
