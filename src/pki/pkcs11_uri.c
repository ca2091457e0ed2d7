/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/pkcs11_uri.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/buffer.h"

#define SCHEME "pkcs11:"

enum part { PART_TOKEN, PART_KEY, PART_QUERY };

static const struct {
	const char *name;
	enum part part;
} attributes[] = {
	{"token", PART_TOKEN},
	{"serial", PART_TOKEN},
	{"model", PART_TOKEN},
	{"manufacturer", PART_TOKEN},
	{"slot-id", PART_TOKEN},
	{"slot-description", PART_TOKEN},
	{"slot-manufacturer", PART_TOKEN},
	{"library-description", PART_TOKEN},
	{"library-manufacturer", PART_TOKEN},
	{"library-version", PART_TOKEN},
	{"object", PART_KEY},
	{"id", PART_KEY},
	{"type", PART_KEY},
	{"module-path", PART_QUERY},
	{"pin-source", PART_QUERY},
};

/* One attribute as it stands in the text. */
struct attribute {
	size_t row;
	const char *start; /* of its name */
	size_t len;	   /* with its value */
	char *value;	   /* decoded */
	size_t value_len;
};

bool pkcs11_uri_is(const char *text)
{
	return text_begins(text, SCHEME);
}

/* -- one attribute -- */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char lower = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
	const char *at = lower ? strchr(digits, lower) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 7512, 2.3: pk11-pchar and pk11-qchar. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~:[]@!$'()*+,=/", c));
}

static bool decode(struct attribute *attribute, const char *text, size_t len)
{
	char *out = attribute->value = memory_new(len + 1, 1);

	for (size_t i = 0; i < len; i++) {
		int high = -1, low = -1;

		if (text[i] == '%' && i + 2 < len) {
			high = hex_digit(text[i + 1]);
			low = hex_digit(text[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			*out++ = (char)(high << 4 | low);
			i += 2;
		} else if (is_plain(text[i])) {
			*out++ = text[i];
		} else {
			return false;
		}
	}
	attribute->value_len = (size_t)(out - attribute->value);
	return true;
}

static bool find_row(const char *name, size_t len, bool query, size_t *ret_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (strlen(attributes[i].name) != len ||
			strncmp(attributes[i].name, name, len) != 0 ||
			(attributes[i].part == PART_QUERY) != query)
			continue;
		*ret_row = i;
		return true;
	}
	return false;
}

static bool take_attribute(const char *start, size_t len, bool query,
	struct attribute *ret_attribute, struct error *err)
{
	const char *equals = memchr(start, '=', len);
	size_t name_len = equals ? (size_t)(equals - start) : len;

	*ret_attribute = (struct attribute){.start = start, .len = len};
	if (name_len == strlen("pin-value") &&
		strncmp(start, "pin-value", name_len) == 0)
		return error_set(err, ERROR_INPUT,
			"attribute \"pin-value\": a URI is no place for a PIN");
	if (!equals || !find_row(start, name_len, query, &ret_attribute->row))
		return error_set(err, ERROR_INPUT,
			"attribute \"%.*s\": none that is known here",
			(int)name_len, start);
	if (!decode(ret_attribute, equals + 1, len - name_len - 1) ||
		ret_attribute->value_len == 0)
		return error_set(err, ERROR_INPUT,
			"attribute \"%.*s\": its value is empty, or has a "
			"character that must be percent-encoded (RFC 7512, "
			"2.3)",
			(int)name_len, start);
	return true;
}

/* -- the whole -- */

static const char *name_of(const struct attribute *attribute)
{
	return attributes[attribute->row].name;
}

static bool require_text(const struct attribute *attribute, struct error *err)
{
	return !memchr(attribute->value, '\0', attribute->value_len) ||
	       error_set(err, ERROR_INPUT, "attribute \"%s\": has a NUL",
		       name_of(attribute));
}

static bool set_path(
	char **path, const struct attribute *attribute, struct error *err)
{
	static const char prefix[] = "file:";
	const char *value = attribute->value;

	if (text_begins(value, prefix))
		value += strlen(prefix);
	if (*value != '/')
		return error_set(err, ERROR_INPUT,
			"attribute \"%s\": not the absolute path of a file",
			name_of(attribute));
	*path = memory_text(value);
	return true;
}

static bool keep(
	struct pkcs11_uri *uri, struct attribute *attribute, struct error *err)
{
	const char *name = name_of(attribute);

	if (strcmp(name, "id") == 0) {
		uri->id = take(&attribute->value);
		uri->id_len = attribute->value_len;
		return true;
	}
	if (!require_text(attribute, err))
		return false;
	if (strcmp(name, "object") == 0)
		uri->object = take(&attribute->value);
	if (strcmp(name, "module-path") == 0)
		return set_path(&uri->module_path, attribute, err);
	if (strcmp(name, "pin-source") == 0)
		return set_path(&uri->pin_source, attribute, err);
	if (strcmp(name, "type") == 0 &&
		strcmp(attribute->value, "private") != 0)
		return error_set(err, ERROR_INPUT,
			"attribute \"type\": not \"private\"");
	return true;
}

struct parts {
	struct buffer token, key; /* what the two shorter URIs have */
	bool seen[ARRAY_SIZE(attributes)];
};
static void parts_release(struct parts *parts)
{
	buffer_release(&parts->token);
	buffer_release(&parts->key);
}
DEFINE_AUTO_RELEASE(parts)

static void add_part(struct buffer *text, const struct attribute *attribute)
{
	buffer_add_text(text, text->len ? ";" : SCHEME);
	buffer_add(text, attribute->start, attribute->len);
}

static bool add_attribute(struct pkcs11_uri *uri, struct parts *parts,
	struct attribute *attribute, struct error *err)
{
	enum part part = attributes[attribute->row].part;

	if (parts->seen[attribute->row])
		return error_set(err, ERROR_INPUT,
			"attribute \"%s\": there twice", name_of(attribute));
	parts->seen[attribute->row] = true;
	if (part == PART_TOKEN)
		add_part(&parts->token, attribute);
	if (part != PART_QUERY && strcmp(name_of(attribute), "type") != 0)
		add_part(&parts->key, attribute);
	return keep(uri, attribute, err);
}

static bool take_attributes(
	struct pkcs11_uri *uri, struct parts *parts, struct error *err)
{
	const char *at = uri->text + strlen(SCHEME);
	bool query = false;

	for (;;) {
		size_t len = strcspn(at, query ? "&" : ";?");
		struct attribute attribute;
		bool done = take_attribute(at, len, query, &attribute, err) &&
			    add_attribute(uri, parts, &attribute, err);

		free(attribute.value);
		if (!done)
			return false;
		if (!at[len])
			return true;
		query = query || at[len] == '?';
		at += len + 1;
	}
}

static bool parse(struct pkcs11_uri *uri, struct error *err)
{
	AUTO_RELEASE(parts) parts = {BUFFER_INIT, BUFFER_INIT, {false}};

	if (!pkcs11_uri_is(uri->text))
		return error_set(
			err, ERROR_INPUT, "does not begin with \"" SCHEME "\"");
	if (strlen(uri->text) > PKCS11_URI_MOST)
		return error_set(err, ERROR_INPUT, "longer than %d bytes",
			PKCS11_URI_MOST);
	if (!take_attributes(uri, &parts, err))
		return false;
	if (parts.token.len == 0)
		return error_set(err, ERROR_INPUT, "names no token");
	if (!uri->object && !uri->id)
		return error_set(
			err, ERROR_INPUT, "names no key, by object or id");
	buffer_add_text(&parts.key, ";type=private");
	uri->token = buffer_detach(&parts.token);
	uri->key = buffer_detach(&parts.key);
	return true;
}

bool pkcs11_uri_parse(
	const char *text, struct pkcs11_uri *ret_uri, struct error *err)
{
	AUTO_RELEASE(pkcs11_uri) uri = {.text = memory_text(text)};

	if (!parse(&uri, err))
		return error_context(err, "PKCS#11 URI");
	*ret_uri = uri;
	uri = (struct pkcs11_uri)PKCS11_URI_INIT;
	return true;
}

void pkcs11_uri_release(struct pkcs11_uri *uri)
{
	free(uri->text);
	free(uri->token);
	free(uri->key);
	free(uri->object);
	free(uri->id);
	free(uri->module_path);
	free(uri->pin_source);
}
