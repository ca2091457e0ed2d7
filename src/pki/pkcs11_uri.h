/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_PKCS11_URI_H
#define PKI_PKCS11_URI_H

#include "base/memory.h"

/*
 * The URI of a private key in a PKCS#11 token (RFC 7512), read strictly.
 *
 * It says which token, by one or more of token, serial, model, manufacturer and
 * the slot- and library- attributes; which key in it, by object, id, or both;
 * and perhaps, behind the "?", module-path, the module to be loaded, and
 * pin-source, the file with the PIN.  Everything else is refused, twice the
 * same attribute is, and so is pin-value: a URI is no place for a PIN.
 */
enum { PKCS11_URI_MOST = 2048 };

struct pkcs11_uri {
	char *text;        /* as it was */
	char *token;       /* the URI of the token alone */
	char *key;         /* … and of the key, without the query */
	char *object;      /* decoded, or NULL */
	char *id;          /* bytes, or NULL */
	size_t id_len;
	char *module_path; /* absolute, or NULL */
	char *pin_source;  /* an absolute path, or NULL */
};
#define PKCS11_URI_INIT {0}

/* Whether it begins like one. */
bool pkcs11_uri_is(const char *text);

MUST_CHECK bool pkcs11_uri_parse(const char *text, struct pkcs11_uri *ret_uri,
	struct error *err);
void pkcs11_uri_release(struct pkcs11_uri *uri);
DEFINE_AUTO_RELEASE(pkcs11_uri)

#endif
