/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/redact.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/json.h"
#include "base/plain.h"

#define PLACEHOLDER "<secret "

struct redacted {
	char *name; /* of the source */
	struct buffer text;
	struct secret **secrets;
	size_t n_secrets, allocated;
};

/* -- what stands where -- */

struct scan {
	struct redacted *out;
	const char *text, *end;
	const char *copied; /* up to here it is in out->text */
	const char *const *keys;
	size_t n_keys;
};

/* A piece of the text. */
struct span {
	const char *at, *end;
};

static bool refuse(const struct scan *scan, struct span key, const char *rule,
	struct error *err)
{
	unsigned line = 1;

	for (const char *at = scan->text; at < key.at; at++)
		line += *at == '\n';
	error_set(err, ERROR_INPUT, "key \"%.*s\": %s", (int)(key.end - key.at),
		key.at, rule);
	return error_at(err, scan->out->name, line);
}

static const char *skip_blanks(const struct scan *scan, const char *at)
{
	while (at < scan->end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* At the beginning of a line or of an item, or within braces. */
static bool starts_key(const struct scan *scan, const char *at)
{
	const char *before;

	if (at > scan->text && (at[-1] == '"' || at[-1] == '\''))
		at--;
	before = at;
	while (before > scan->text && (before[-1] == ' ' || before[-1] == '\t'))
		before--;
	return before == scan->text || strchr("\n{,", before[-1]) ||
	       (before < at && strchr("-?", before[-1]));
}

/* The key that stands at a place, without its quotes; false for none. */
static bool find_key(
	const struct scan *scan, const char *at, struct span *ret_key)
{
	size_t left = (size_t)(scan->end - at), len;

	for (size_t i = 0; i < scan->n_keys; i++) {
		len = strlen(scan->keys[i]);
		if (left <= len || memcmp(at, scan->keys[i], len) != 0 ||
			!starts_key(scan, at))
			continue;
		*ret_key = (struct span){at, at + len};
		return true;
	}
	return false;
}

/* Where the value of a key starts; NULL when what looks like a key is none. */
static const char *find_value(const struct scan *scan, struct span key)
{
	char before = key.at > scan->text ? key.at[-1] : ' ';
	bool quoted = before == '"' || before == '\'';
	const char *at = key.end;

	if (quoted && *at++ != before)
		return NULL;
	at = skip_blanks(scan, at);
	if (at == scan->end || *at++ != ':')
		return NULL;
	if (!quoted && at < scan->end && !strchr(" \t\r\n", *at))
		return NULL;
	return skip_blanks(scan, at);
}

static bool take_quoted(const struct scan *scan, struct span key,
	struct span *value, struct error *err)
{
	char quote = *value->at++;

	for (value->end = value->at; value->end < scan->end; value->end++) {
		if (*value->end == quote)
			return true;
		if (*value->end == '\n' ||
			(*value->end == '\\' && quote == '"'))
			break;
	}
	return refuse(scan, key,
		"its value is not on one line with it, or has an escape", err);
}

/* What may follow a plain value that is not in quotes. */
static bool ends_value(const struct scan *scan, const char *at)
{
	const char *next = skip_blanks(scan, at);

	return next == scan->end || strchr("\r\n,}]", *next) ||
	       (*next == '#' && next > at);
}

static bool take_plain(const struct scan *scan, struct span key,
	struct span *value, struct error *err)
{
	AUTO_TEXT word = NULL;
	enum document_kind kind;
	size_t len;

	while (value->end < scan->end && !strchr(" \t\r\n,}]", *value->end))
		value->end++;
	len = (size_t)(value->end - value->at);
	if (!ends_value(scan, value->end) || strchr("|>&*!%@`", *value->at))
		return refuse(scan, key,
			"its value is not on one line with it, or not in "
			"quotes",
			err);
	word = memory_text_n(value->at, len);
	kind = plain_kind(word);
	secret_wipe(word, len);
	if (kind == DOCUMENT_NULL)
		value->end = value->at;
	else if (kind != DOCUMENT_TEXT)
		return refuse(scan, key,
			"its value must be text, and is none without quotes",
			err);
	return true;
}

/* The value that stands at a place; empty when there is none. */
static bool take_value(const struct scan *scan, struct span key, const char *at,
	struct span *ret_value, struct error *err)
{
	struct span value = {at, at};
	bool done = true;

	if (at < scan->end && (*at == '"' || *at == '\''))
		done = take_quoted(scan, key, &value, err);
	else if (at < scan->end && !strchr("\r\n#,}]", *at))
		done = take_plain(scan, key, &value, err);
	*ret_value = value;
	return done;
}

/* -- putting aside -- */

static void put_aside(struct scan *scan, struct span value)
{
	struct redacted *out = scan->out;
	size_t len = (size_t)(value.end - value.at);
	struct secret *secret = secret_new(len);
	bool quoted = strchr("\"'", value.at[-1]) != NULL;

	memcpy(secret_bytes(secret), value.at, len);
	out->secrets = memory_grow(out->secrets, &out->allocated,
		out->n_secrets + 1, sizeof(struct secret *));
	buffer_add(&out->text, scan->copied, (size_t)(value.at - scan->copied));
	buffer_format(&out->text, "%s" PLACEHOLDER "%zu>%s", quoted ? "" : "\"",
		out->n_secrets, quoted ? "" : "\"");
	out->secrets[out->n_secrets++] = secret;
	scan->copied = value.end;
}

static bool redact_text(struct scan *scan, struct error *err)
{
	struct span key, value;
	const char *at = scan->text, *start;

	while (at < scan->end) {
		if (!find_key(scan, at, &key)) {
			at++;
			continue;
		}
		at = key.end;
		start = find_value(scan, key);
		if (!start)
			continue;
		if (!take_value(scan, key, start, &value, err))
			return false;
		if (value.end > value.at)
			put_aside(scan, value);
		at = value.end;
	}
	buffer_add(&scan->out->text, scan->copied,
		(size_t)(scan->end - scan->copied));
	return true;
}

bool redact(struct source *source, const char *const keys[], size_t n_keys,
	struct redacted **ret_redacted, struct error *err)
{
	AUTO_FREE(redacted) out = memory_new(1, sizeof(*out));
	AUTO_FREE(secret) whole = NULL;
	struct scan scan = {.out = out, .keys = keys, .n_keys = n_keys};

	out->name = memory_text(source_name(source));
	out->text = (struct buffer)BUFFER_INIT;
	if (!source_read_secret(source, REDACT_MAX, &whole, err))
		return false;
	scan.text = (const char *)secret_view(whole);
	scan.end = scan.text + secret_len(whole);
	scan.copied = scan.text;
	if (memchr(scan.text, '\0', secret_len(whole))) {
		error_set(err, ERROR_INPUT, "holds a NUL byte: no text");
		return error_at(err, out->name, 0);
	}
	if (!redact_text(&scan, err))
		return false;
	*ret_redacted = take(&out);
	return true;
}

/* -- the rest of it -- */

static bool is_json(const struct buffer *text)
{
	return text->data[strspn(text->data, " \t\r\n")] == '{';
}

bool redacted_parse(const struct redacted *redacted, struct document **ret_root,
	struct error *err)
{
	const struct buffer *text = &redacted->text;
	AUTO_FREE(source)
	source = source_of_text(redacted->name, text->data, text->len);

	return is_json(text) ? json_read(source, ret_root, err)
			     : document_read_yaml(source, ret_root, err);
}

bool redacted_parse_all(const struct redacted *redacted,
	struct document **ret_list, struct error *err)
{
	const struct buffer *text = &redacted->text;
	AUTO_FREE(source)
	source = source_of_text(redacted->name, text->data, text->len);
	struct document *root;

	if (!is_json(text))
		return document_read_yaml_all(source, ret_list, err);
	if (!json_read(source, &root, err))
		return false;
	*ret_list = document_new_list();
	document_append(*ret_list, root);
	return true;
}

const struct secret *redacted_secret(
	const struct redacted *redacted, const char *text)
{
	unsigned long number;
	char *end;

	if (!text_begins(text, PLACEHOLDER))
		return NULL;
	number = strtoul(text + strlen(PLACEHOLDER), &end, 10);
	return *end == '>' && number < redacted->n_secrets
		       ? redacted->secrets[number]
		       : NULL;
}

void redacted_free(struct redacted *redacted)
{
	if (!redacted)
		return;
	for (size_t i = 0; i < redacted->n_secrets; i++)
		secret_free(redacted->secrets[i]);
	free(redacted->secrets);
	buffer_release(&redacted->text);
	free(redacted->name);
	free(redacted);
}
