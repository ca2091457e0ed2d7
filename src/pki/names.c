/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "pki/digest.h"
#include "pki/oid.h"

/* -- characters -- */

static bool none_hidden(uint32_t point)
{
	return !utf8_is_hidden(point);
}

static bool any(uint32_t point)
{
	(void)point;
	return true;
}

static bool is_made_of(struct der text, bool (*may_be)(uint32_t point))
{
	while (text.len > 0) {
		uint32_t point;
		size_t n = utf8_decode(text.bytes, text.len, &point);

		if (n == 0 || !may_be(point))
			return false;
		text.bytes += n;
		text.len -= n;
	}
	return true;
}

static bool is_utf8(struct der text)
{
	return is_made_of(text, any);
}

bool name_text_is_valid(const char *text, size_t len)
{
	const struct der view = {(const unsigned char *)text, len};

	return len > 0 && is_made_of(view, none_hidden);
}

static bool is_letter_or_digit(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool label_is_valid(const char *label, size_t len)
{
	if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_letter_or_digit((unsigned char)label[i]) &&
			label[i] != '-' && label[i] != '_')
			return false;
	return true;
}

bool dns_name_is_valid(const char *text, size_t len)
{
	if (len > 253)
		return false;
	if (len > 2 && text[0] == '*' && text[1] == '.') {
		text += 2;
		len -= 2;
	}
	for (;;) {
		const char *dot = memchr(text, '.', len);
		size_t label = dot ? (size_t)(dot - text) : len;

		if (!label_is_valid(text, label))
			return false;
		if (!dot)
			return true;
		text += label + 1;
		len -= label + 1;
	}
}

/* -- attribute values -- */

static bool is_ascii(struct der text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.bytes[i] > 0x7f)
			return false;
	return true;
}

static bool is_numeric(struct der text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.bytes[i] < '0' || text.bytes[i] > '9') &&
			text.bytes[i] != ' ')
			return false;
	return true;
}

/* X.680, 41.4; "*" and "&", which do not belong there, are common, and Go
 * takes them. */
static bool is_printable(struct der text)
{
	static const char others[] = " '()+,-./:=?*&";

	for (size_t i = 0; i < text.len; i++)
		if (!is_letter_or_digit(text.bytes[i]) &&
			(text.bytes[i] == 0 || !strchr(others, text.bytes[i])))
			return false;
	return true;
}

#define NUMERIC_STRING 0x12

static const struct string_type {
	unsigned tag;
	const char *name;
	bool (*fits)(struct der text);
} string_types[] = {
	{DER_UTF8_STRING, "UTF8String", is_utf8},
	{NUMERIC_STRING, "NumericString", is_numeric},
	{DER_PRINTABLE_STRING, "PrintableString", is_printable},
	{DER_IA5_STRING, "IA5String", is_ascii},
};

static const struct string_type *find_string_type(unsigned tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(string_types); i++)
		if (string_types[i].tag == tag)
			return &string_types[i];
	return NULL;
}

/* RFC 4514, 3. */
static const struct {
	const char *name;
	struct der oid;
} attribute_types[] = {
	{"CN", DER_LITERAL("\x55\x04\x03")},
	{"L", DER_LITERAL("\x55\x04\x07")},
	{"ST", DER_LITERAL("\x55\x04\x08")},
	{"O", DER_LITERAL("\x55\x04\x0a")},
	{"OU", DER_LITERAL("\x55\x04\x0b")},
	{"C", DER_LITERAL("\x55\x04\x06")},
	{"STREET", DER_LITERAL("\x55\x04\x09")},
	{"DC", DER_LITERAL("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19")},
	{"UID", DER_LITERAL("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01")},
};

/* RFC 4514, 2.4. */
static void write_escaped(struct buffer *out, struct der text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.bytes[i];
		bool edge = (c == ' ' && (i == 0 || i + 1 == text.len)) ||
			    (c == '#' && i == 0);

		if (text.bytes[i] < 0x20 || c == 0x7f) {
			buffer_format(out, "\\%02X", text.bytes[i]);
			continue;
		}
		if (edge || strchr("\"+,;<>\\", c))
			buffer_add_byte(out, '\\');
		buffer_add_byte(out, c);
	}
}

/* Type, "=" and value; the value as "#" and hex where RFC 4514, 2.4 has no
 * better. */
static void write_attribute(
	struct buffer *out, const struct name_attribute *attribute)
{
	const char *name = NULL;
	AUTO_TEXT dotted = NULL;
	AUTO_TEXT hex = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(attribute_types); i++)
		if (der_equal(attribute->type, attribute_types[i].oid))
			name = attribute_types[i].name;
	dotted = oid_format(attribute->type);
	buffer_format(out, "%s=", name ? name : dotted);
	if (name && find_string_type(attribute->tag)) {
		write_escaped(out, attribute->value);
		return;
	}
	hex = hex_of(attribute->whole.bytes, attribute->whole.len);
	buffer_format(out, "#%s", hex);
}

bool name_attribute_is(const struct name_attribute *attribute, const char *text)
{
	size_t len = strlen(text);

	return attribute->value.len == len &&
	       memcmp(attribute->value.bytes, text, len) == 0;
}

char *name_attribute_text(const struct name_attribute *attribute)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	write_attribute(&text, attribute);
	return buffer_detach(&text);
}

/* -- reading -- */

static bool malformed(struct error *err)
{
	return error_set(
		err, ERROR_INPUT, "not a Name in DER (RFC 5280, 4.1.2.4)");
}

static bool check_value(
	const struct name_attribute *attribute, struct error *err)
{
	const struct string_type *type = find_string_type(attribute->tag);
	bool is_common_name = der_equal(attribute->type, OID_COMMON_NAME);

	if (!type && is_common_name)
		return error_set(err, ERROR_INPUT,
			"common name: neither PrintableString nor UTF8String "
			"(RFC 5280, 4.1.2.4)");
	if (!type)
		return true;
	if (memchr(attribute->value.bytes, 0, attribute->value.len))
		return error_set(err, ERROR_INPUT, "a NUL character in a name");
	if (!type->fits(attribute->value))
		return error_set(err, ERROR_INPUT,
			"a character that does not belong in its %s "
			"(RFC 5280, 4.1.2.4)",
			type->name);
	if (attribute->value.len == 0 && is_common_name)
		return error_set(err, ERROR_INPUT,
			"common name: empty (RFC 5280, appendix A.1)");
	return true;
}

static bool take_attribute(
	struct der *set, struct name_attribute *attribute, struct error *err)
{
	struct der pair;

	if (!der_take(set, DER_SEQUENCE, &pair, NULL) ||
		!der_take(&pair, DER_OID, &attribute->type, NULL) ||
		!oid_is_valid(attribute->type))
		return malformed(err);
	attribute->tag = der_next(&pair);
	if (!der_take(&pair, attribute->tag, &attribute->value,
		    &attribute->whole) ||
		pair.len > 0)
		return malformed(err);
	return check_value(attribute, err);
}

/* X.690, 11.6: the elements of a SET OF ascend. */
static bool ascends(struct der previous, struct der next)
{
	size_t len = previous.len < next.len ? previous.len : next.len;
	int order = memcmp(previous.bytes, next.bytes, len);

	return order < 0 || (order == 0 && previous.len <= next.len);
}

static bool take_rdn(struct der *name,
	struct name_attribute list[static NAME_ATTRIBUTES_MAX], size_t *n,
	struct error *err)
{
	struct der set, previous = {NULL, 0};

	if (!der_take(name, DER_SET, &set, NULL) || set.len == 0)
		return malformed(err);
	while (set.len > 0) {
		struct der at = set;

		if (*n == NAME_ATTRIBUTES_MAX)
			return error_set(err, ERROR_INPUT,
				"a name of more than 64 attributes");
		list[*n].joined = previous.len > 0;
		if (!take_attribute(&set, &list[(*n)++], err))
			return false;
		at.len -= set.len;
		if (previous.len > 0 && !ascends(previous, at))
			return malformed(err);
		previous = at;
	}
	return true;
}

bool name_attributes(struct der name,
	struct name_attribute list[static NAME_ATTRIBUTES_MAX], size_t *ret_n,
	struct error *err)
{
	struct der rdns;
	size_t n = 0;

	if (!der_take(&name, DER_SEQUENCE, &rdns, NULL) || name.len > 0)
		return malformed(err);
	while (rdns.len > 0)
		if (!take_rdn(&rdns, list, &n, err))
			return false;
	*ret_n = n;
	return true;
}

/* RFC 4514, 2.1: the last RDN comes first. */
static void write_name(
	struct buffer *text, const struct name_attribute *list, size_t n)
{
	for (size_t end = n, start; end > 0; end = start) {
		for (start = end - 1; list[start].joined;)
			start--;
		for (size_t i = start; i < end; i++) {
			if (i > start)
				buffer_add_byte(text, '+');
			write_attribute(text, &list[i]);
		}
		if (start > 0)
			buffer_add_byte(text, ',');
	}
}

bool name_read(struct der name, char **ret_text, char **ret_common_name,
	struct error *err)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	struct der last = {NULL, 0};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	size_t n;

	if (!name_attributes(name, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (der_equal(list[i].type, OID_COMMON_NAME))
			last = list[i].value;
	write_name(&text, list, n);
	*ret_common_name =
		last.len == 0
			? NULL
			: memory_text_n((const char *)last.bytes, last.len);
	*ret_text = buffer_detach(&text);
	return true;
}
