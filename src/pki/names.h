/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_NAMES_H
#define PKI_NAMES_H

#include "pki/der.h"

/*
 * Names in certificates: distinguished names, and what may stand in a dNSName.
 */

/*
 * Reads a Name (RFC 5280, 4.1.2.4) that is a view with tag and length.
 * *ret_text is its RFC 4514 form, *ret_common_name the last CN or NULL; both
 * for free().  Values of other string types than PrintableString, UTF8String,
 * IA5String and NumericString are shown as "#" and hex, and refused in a CN.
 */
MUST_CHECK bool name_read(struct der name, char **ret_text,
	char **ret_common_name, struct error *err);

/* One attribute of a Name, with views into it. */
struct name_attribute {
	struct der type;         /* content octets of its OBJECT IDENTIFIER */
	unsigned tag;            /* of the value: the string type … */
	struct der value, whole; /* … its text, and with tag and length */
	bool joined;             /* in one RDN with the attribute before */
};

/* All of a Name in their order, as strict as name_read. */
#define NAME_ATTRIBUTES_MAX 64
MUST_CHECK bool name_attributes(struct der name,
	struct name_attribute list[static NAME_ATTRIBUTES_MAX], size_t *ret_n,
	struct error *err);

/* Is the value this text, octet by octet? */
bool name_attribute_is(
	const struct name_attribute *attribute, const char *text);

/* "OU=Servers", by RFC 4514; for free(). */
char *name_attribute_text(const struct name_attribute *attribute);

/* Valid UTF-8, not empty, and without NUL and characters that control or hide
 * (base/utf8.h). */
bool name_text_is_valid(const char *text, size_t len);

/* The preferred name syntax (RFC 1034, 3.5; RFC 5280, 4.2.1.6), with "_" too;
 * "*" may be the whole of the first label. */
bool dns_name_is_valid(const char *text, size_t len);

#endif
