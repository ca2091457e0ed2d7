/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/extensions.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "pki/constraints.h"
#include "pki/names.h"
#include "pki/oid.h"

struct extension {
	struct der oid, value;
	bool critical;
};

static bool broken(struct error *err, const char *rule)
{
	return error_set(err, ERROR_INPUT, "%s", rule);
}

/* What the octets hold must be one element, and nothing behind it. */
static bool take_whole(struct der value, unsigned tag, struct der *ret_contents)
{
	return der_take(&value, tag, ret_contents, NULL) && value.len == 0;
}

static bool read_basic_constraints(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	struct der at, number;

	out->has_basic_constraints = true;
	if (!take_whole(extension->value, DER_SEQUENCE, &at))
		return broken(err, "malformed (RFC 5280, 4.2.1.9)");
	if (der_next(&at) == DER_BOOLEAN &&
		(!der_take_boolean(&at, &out->is_ca) || !out->is_ca))
		return broken(err,
			"cA is there, and not TRUE (X.690, 11.1 and 11.5)");
	if (at.len == 0)
		return true;
	if (!der_take_unsigned(&at, &number) || at.len > 0)
		return broken(err,
			"pathLenConstraint is not a number from 0 up (RFC "
			"5280, 4.2.1.9)");
	if (!out->is_ca)
		return broken(err,
			"pathLenConstraint without cA (RFC 5280, 4.2.1.9)");
	if (number.len > 2)
		return broken(err, "pathLenConstraint is above 65535");
	out->path_len = number.bytes[0];
	if (number.len == 2)
		out->path_len = out->path_len * 256 + number.bytes[1];
	return true;
}

static bool read_key_usage(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	struct der bits;
	unsigned unused, last;

	out->has_key_usage = true;
	if (!take_whole(extension->value, DER_BIT_STRING, &bits))
		return broken(err, "malformed (RFC 5280, 4.2.1.3)");
	if (bits.len < 2 || bits.len > 3 || bits.bytes[0] > 7)
		return broken(err, "not 1 to 9 bits (RFC 5280, 4.2.1.3)");
	unused = bits.bytes[0];
	last = bits.bytes[bits.len - 1];
	if ((last & ((2u << unused) - 1)) != 1u << unused)
		return broken(err, "bits not minimal (X.690, 11.2)");
	if (bits.len == 3 && unused < 7)
		return broken(err, "not 1 to 9 bits (RFC 5280, 4.2.1.3)");
	for (unsigned i = 0; i < 8 * (bits.len - 1); i++)
		if (bits.bytes[1 + i / 8] >> (7 - i % 8) & 1)
			out->key_usage |= 1u << i;
	return true;
}

static unsigned purpose_of(struct der oid)
{
	if (der_equal(oid, OID_SERVER_AUTH))
		return PURPOSE_SERVER;
	if (der_equal(oid, OID_CLIENT_AUTH))
		return PURPOSE_CLIENT;
	if (der_equal(oid, OID_ANY_PURPOSE))
		return PURPOSE_SERVER | PURPOSE_CLIENT | PURPOSE_OTHER;
	return PURPOSE_OTHER;
}

static bool is_among(const struct der *list, size_t n, struct der oid)
{
	for (size_t i = 0; i < n; i++)
		if (der_equal(list[i], oid))
			return true;
	return false;
}

/* Many times what any certificate has. */
#define PURPOSES_MAX 64

static bool read_purposes(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	struct der at, oid, seen[PURPOSES_MAX];
	size_t n = 0;

	out->has_purposes = true;
	if (!take_whole(extension->value, DER_SEQUENCE, &at) || at.len == 0)
		return broken(err, "malformed or empty (RFC 5280, 4.2.1.12)");
	while (at.len > 0) {
		if (!der_take(&at, DER_OID, &oid, NULL) || !oid_is_valid(oid))
			return broken(err, "malformed (RFC 5280, 4.2.1.12)");
		if (n == PURPOSES_MAX)
			return broken(err, "more than 64 purposes");
		if (is_among(seen, n, oid))
			return broken(err, "a purpose that is there twice");
		seen[n++] = oid;
		out->purposes |= purpose_of(oid);
	}
	return true;
}

static bool read_subject_key_id(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	out->has_key_ids = true;
	if (extension->critical)
		return broken(err, "critical (RFC 5280, 4.2.1.2)");
	if (!take_whole(
		    extension->value, DER_OCTET_STRING, &out->subject_key_id) ||
		out->subject_key_id.len == 0)
		return broken(err, "malformed or empty (RFC 5280, 4.2.1.2)");
	return true;
}

static bool read_authority_key_id(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	struct der at, id = {NULL, 0};
	bool has_issuer, has_serial;

	out->has_key_ids = true;
	if (extension->critical)
		return broken(err, "critical (RFC 5280, 4.2.1.1)");
	if (!take_whole(extension->value, DER_SEQUENCE, &at))
		return broken(err, "malformed (RFC 5280, 4.2.1.1)");
	if (der_next(&at) == (DER_CONTEXT | 0) &&
		(!der_take(&at, DER_CONTEXT | 0, &id, NULL) || id.len == 0))
		return broken(err, "malformed (RFC 5280, 4.2.1.1)");
	has_issuer = der_take(&at, DER_CONTEXT_CONSTRUCTED | 1, NULL, NULL);
	has_serial = der_take(&at, DER_CONTEXT | 2, NULL, NULL);
	if (at.len > 0 || has_issuer != has_serial)
		return broken(err, "malformed (RFC 5280, 4.2.1.1)");
	out->authority_key_id = id;
	return true;
}

/* -- alternative names -- */

static bool is_visible_ascii(struct der text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.bytes[i] <= 0x20 || text.bytes[i] >= 0x7f)
			return false;
	return text.len > 0;
}

static bool read_dns_name(
	struct der value, struct alt_name *name, struct error *err)
{
	const char *text = (const char *)value.bytes;

	/* it would end the message, which then names another */
	if (memchr(text, 0, value.len))
		return broken(err, "dNSName: a NUL character in it (RFC 5280, "
				   "4.2.1.6)");
	if (!dns_name_is_valid(text, value.len))
		return error_set(err, ERROR_INPUT,
			"dNSName \"%.*s\": not a DNS name (RFC 5280, 4.2.1.6)",
			(int)value.len, text);
	name->kind = ALT_NAME_DNS;
	name->text = memory_text_n(text, value.len);
	return true;
}

static bool read_address(
	struct der value, struct alt_name *name, struct error *err)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];

	if (value.len != 4 && value.len != 16)
		return error_set(err, ERROR_INPUT,
			"iPAddress of %zu octets: neither 4 nor 16 (RFC 5280, "
			"4.2.1.6)",
			value.len);
	if (value.len == 16 && memcmp(value.bytes, mapped, 12) == 0)
		return broken(
			err, "iPAddress: an IPv4 address written as IPv6");
	if (!inet_ntop(value.len == 4 ? AF_INET : AF_INET6, value.bytes, text,
		    sizeof(text)))
		return error_errno(err, "iPAddress");
	name->kind = ALT_NAME_IP;
	name->text = memory_text(text);
	return true;
}

static bool read_directory_name(
	struct der value, struct alt_name *name, struct error *err)
{
	AUTO_TEXT text = NULL;
	AUTO_TEXT common_name = NULL;

	if (!name_read(value, &text, &common_name, err))
		return error_context(err, "directoryName");
	name->text = memory_format("directoryName:%s", text);
	return true;
}

static bool read_ia5(struct der value, const char *prefix,
	struct alt_name *name, struct error *err)
{
	if (!is_visible_ascii(value))
		return error_set(err, ERROR_INPUT,
			"%s name: empty, or not visible ASCII (RFC 5280, "
			"4.2.1.6)",
			prefix);
	name->text = memory_format(
		"%s:%.*s", prefix, (int)value.len, (const char *)value.bytes);
	return true;
}

static bool read_registered_id(
	struct der value, struct alt_name *name, struct error *err)
{
	AUTO_TEXT dotted = oid_format(value);

	if (!oid_is_valid(value))
		return broken(err, "registeredID: malformed");
	name->text = memory_format("registeredID:%s", dotted);
	return true;
}

/* GeneralName (RFC 5280, 4.2.1.6). */
static bool take_alt_name(
	struct der *at, struct alt_name *name, struct error *err)
{
	unsigned tag = der_next(at);
	struct der value;

	if (!der_take(at, tag, &value, NULL))
		return broken(err, "malformed (RFC 5280, 4.2.1.6)");
	name->kind = ALT_NAME_OTHER;
	switch (tag) {
	case DER_CONTEXT | 1:
		return read_ia5(value, "email", name, err);
	case DER_CONTEXT | 2:
		return read_dns_name(value, name, err);
	case DER_CONTEXT_CONSTRUCTED | 4:
		return read_directory_name(value, name, err);
	case DER_CONTEXT | 6:
		return read_ia5(value, "URI", name, err);
	case DER_CONTEXT | 7:
		return read_address(value, name, err);
	case DER_CONTEXT | 8:
		return read_registered_id(value, name, err);
	case DER_CONTEXT_CONSTRUCTED | 0:
		name->text = memory_text("otherName");
		return true;
	case DER_CONTEXT_CONSTRUCTED | 3:
		name->text = memory_text("x400Address");
		return true;
	case DER_CONTEXT_CONSTRUCTED | 5:
		name->text = memory_text("ediPartyName");
		return true;
	}
	return broken(err, "not a GeneralName (RFC 5280, 4.2.1.6)");
}

static bool read_alt_names(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	size_t allocated = 0;
	struct der at;

	if (!take_whole(extension->value, DER_SEQUENCE, &at) || at.len == 0)
		return broken(err, "malformed or empty (RFC 5280, 4.2.1.6)");
	out->alt_names_critical = extension->critical;
	while (at.len > 0) {
		struct alt_name name = {.text = NULL};

		if (!take_alt_name(&at, &name, err))
			return false;
		out->alt_names = memory_grow(out->alt_names, &allocated,
			out->n_alt_names + 1, sizeof(name));
		out->alt_names[out->n_alt_names++] = name;
	}
	return true;
}

static bool read_constraints(const struct extension *extension,
	struct certificate *out, struct error *err)
{
	return constraints_read(extension->value, out, err);
}

/* -- the list -- */

static const struct extension_type {
	const char *name;
	struct der oid;
	bool (*read)(const struct extension *extension,
		struct certificate *certificate, struct error *err);
} types[] = {
	{"basicConstraints", DER_LITERAL("\x55\x1d\x13"),
		read_basic_constraints},
	{"keyUsage", DER_LITERAL("\x55\x1d\x0f"), read_key_usage},
	{"extKeyUsage", DER_LITERAL("\x55\x1d\x25"), read_purposes},
	{"subjectKeyIdentifier", DER_LITERAL("\x55\x1d\x0e"),
		read_subject_key_id},
	{"authorityKeyIdentifier", DER_LITERAL("\x55\x1d\x23"),
		read_authority_key_id},
	{"subjectAltName", DER_LITERAL("\x55\x1d\x11"), read_alt_names},
	{"nameConstraints", DER_LITERAL("\x55\x1d\x1e"), read_constraints},
};

static const char malformed[] = "extension: malformed (RFC 5280, 4.1)";

/* DEFAULT FALSE is not written. */
static bool take_critical(struct der *at, bool *ret_critical,
	struct flaws *flaws, struct error *err)
{
	bool is_there = der_next(at) == DER_BOOLEAN, is_read;

	*ret_critical = false;
	is_read = !is_there || der_take_boolean(at, ret_critical);
	if (is_read && *ret_critical == is_there)
		return true;
	broken(err, "extension: critical is there, and not TRUE (X.690, 11.1 "
		    "and 11.5)");
	if (!flaws_forgive(flaws, is_read ? FLAW_FALSE_WRITTEN : FLAW_EXTENSION,
		    err))
		return false;
	return is_read || der_take(at, DER_BOOLEAN, NULL, NULL) ||
	       broken(err, malformed);
}

static bool take_extension(struct der *list, struct extension *extension,
	struct flaws *flaws, struct error *err)
{
	struct der at;

	if (!der_take(list, DER_SEQUENCE, &at, NULL) ||
		!der_take(&at, DER_OID, &extension->oid, NULL) ||
		!oid_is_valid(extension->oid))
		return broken(err, malformed);
	if (!take_critical(&at, &extension->critical, flaws, err))
		return false;
	return (der_take(&at, DER_OCTET_STRING, &extension->value, NULL) &&
		       at.len == 0) ||
	       broken(err, malformed);
}

/* Critical ones that Go understands, though no field here is for them: policies
 * (Go: crypto/x509/parser.go). */
static bool is_left_to_others(struct der oid)
{
	return der_equal(oid, OID("\x55\x1d\x20"));
}

static bool read_other(const struct extension *extension,
	struct certificate *out, struct flaws *flaws, struct error *err)
{
	AUTO_TEXT dotted = oid_format(extension->oid);

	if (!extension->critical) {
		if (!out->other_extension)
			out->other_extension = take(&dotted);
		return true;
	}
	error_set(err, ERROR_INPUT,
		"extension %s: critical and not understood (RFC 5280, 4.2)",
		dotted);
	return flaws_forgive(flaws,
		is_left_to_others(extension->oid) ? FLAW_EXTENSION_UNREAD
						  : FLAW_EXTENSION_UNKNOWN,
		err);
}

/* Of one that cannot be read.  Many write "cA FALSE" (X.690, 11.5). */
static enum flaw_kind kind_of_flaw(const struct extension *extension)
{
	if (der_equal(extension->oid, OID_SUBJECT_ALT_NAME))
		return FLAW_ALT_NAME;
	if (der_equal(extension->oid, OID_NAME_CONSTRAINTS))
		return FLAW_EXTENSION_UNREAD;
	if (der_equal(extension->oid, OID_BASIC_CONSTRAINTS) &&
		der_equal(extension->value, OID("\x30\x03\x01\x01\x00")))
		return FLAW_FALSE_WRITTEN;
	return FLAW_EXTENSION;
}

static bool read_one(const struct extension *extension, struct certificate *out,
	struct flaws *flaws, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!der_equal(extension->oid, types[i].oid))
			continue;
		if (types[i].read(extension, out, err))
			return true;
		error_context(err, "%s", types[i].name);
		return flaws_forgive(flaws, kind_of_flaw(extension), err);
	}
	return read_other(extension, out, flaws, err);
}

/* Many times what any certificate has. */
#define EXTENSIONS_MAX 64

/* One that is there twice is not read again. */
static bool read_unless_seen(const struct extension *extension,
	const struct der *seen, size_t n_seen, struct certificate *out,
	struct flaws *flaws, struct error *err)
{
	if (!is_among(seen, n_seen, extension->oid))
		return read_one(extension, out, flaws, err);
	return broken(err, "extension: there twice (RFC 5280, 4.2)") ||
	       flaws_forgive(flaws, FLAW_EXTENSION_TWICE, err);
}

bool extensions_read(struct der list, struct certificate *certificate,
	struct flaws *flaws, struct error *err)
{
	struct der seen[EXTENSIONS_MAX];
	struct extension extension;
	size_t n_seen = 0;

	if (list.len == 0)
		return broken(err, "extensions: none in the list (RFC 5280, "
				   "4.1.2.9)") ||
		       flaws_forgive(flaws, FLAW_EXTENSION, err);
	while (list.len > 0) {
		if (n_seen == EXTENSIONS_MAX)
			return broken(err, "extensions: more than 64");
		if (!take_extension(&list, &extension, flaws, err) ||
			!read_unless_seen(&extension, seen, n_seen, certificate,
				flaws, err))
			return false;
		seen[n_seen++] = extension.oid;
	}
	return true;
}
