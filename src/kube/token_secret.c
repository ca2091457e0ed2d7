/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token_secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/base64.h"
#include "kube/token.h"

#define TYPE "bootstrap.kubernetes.io/token"
#define PREFIX "bootstrap-token-"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static bool is_of(const char *text, size_t len, const char *set)
{
	return strlen(text) == len && strspn(text, set) == len;
}

bool token_secret_is(const struct object *object)
{
	const struct document *type = document_find(object->root, "type");
	const char *text = type ? document_text(type) : NULL;

	return !strcmp(object->kind, "Secret") &&
	       !strcmp(object->api_version, "v1") &&
	       ((text && !strcmp(text, TYPE)) ||
		       text_begins(object->name, PREFIX));
}

/* -- reading -- */

struct reading {
	const struct object *object;
	const struct document *plain, *encoded; /* stringData, data; or NULL */
};

static bool broken(const struct reading *reading, const char *key,
	const char *rule, struct error *err)
{
	const struct document *map = document_find(reading->encoded, key)
					     ? reading->encoded
					     : reading->plain;

	error_set(err, ERROR_INPUT, "key \"%s\": %s", key, rule);
	return error_at(err, reading->object->file,
		document_line(document_find(map, key)));
}

static bool decode(const struct reading *reading, const char *key,
	const char *text, char **ret_value, struct error *err)
{
	AUTO_TEXT bytes = memory_new(strlen(text) + 1, 1);
	size_t len;

	if (!base64_decode(text, strlen(text), bytes, &len))
		return broken(reading, key, "not base64", err);
	if (memchr(bytes, '\0', len))
		return broken(reading, key, "holds a NUL byte", err);
	bytes[len] = '\0';
	*ret_value = take(&bytes);
	return true;
}

/* stringData goes before data (Kubernetes: Secret). */
static bool read_value(const struct reading *reading, const char *key,
	char **ret_value, struct error *err)
{
	const struct object *object = reading->object;
	const char *text;

	if (!object_text(object, reading->plain, key, &text, err))
		return false;
	if (text) {
		*ret_value = memory_text(text);
		return true;
	}
	if (!object_text(object, reading->encoded, key, &text, err))
		return false;
	return !text || decode(reading, key, text, ret_value, err);
}

static bool find_secret(const struct reading *reading,
	const struct document *map, const struct secret **ret_secret,
	struct error *err)
{
	static const char key[] = "token-secret";
	const char *text;

	*ret_secret = NULL;
	if (!object_text(reading->object, map, key, &text, err))
		return false;
	if (!text || !*text)
		return true;
	*ret_secret = redacted_secret(reading->object->redacted, text);
	return *ret_secret ||
	       broken(reading, key, "its value is not on one line with it",
		       err);
}

static struct secret *copy_of(const struct secret *secret)
{
	struct secret *copy = secret_new(secret_len(secret));

	memcpy(secret_bytes(copy), secret_view(secret), secret_len(secret));
	return copy;
}

static bool decode_secret(const struct reading *reading,
	const struct secret *text, struct secret **ret_secret,
	struct error *err)
{
	AUTO_FREE(secret) secret = secret_new(secret_len(text));
	size_t len;

	if (!base64_decode((const char *)secret_view(text), secret_len(text),
		    secret_bytes(secret), &len))
		return broken(reading, "token-secret", "not base64", err);
	secret_shorten(secret, len);
	*ret_secret = take(&secret);
	return true;
}

static bool read_secret(const struct reading *reading,
	struct token_secret *token, struct error *err)
{
	const struct secret *plain, *encoded;

	if (!find_secret(reading, reading->plain, &plain, err) ||
		!find_secret(reading, reading->encoded, &encoded, err))
		return false;
	if (plain)
		token->secret = copy_of(plain);
	return plain || !encoded ||
	       decode_secret(reading, encoded, &token->secret, err);
}

static bool read_values(const struct reading *reading,
	struct token_secret *token, struct error *err)
{
	const struct {
		const char *key;
		char **value;
	} rows[] = {
		{"token-id", &token->id},
		{"expiration", &token->expiration},
		{"description", &token->description},
		{"auth-extra-groups", &token->groups},
		{"usage-bootstrap-authentication", &token->authentication},
		{"usage-bootstrap-signing", &token->signing},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!read_value(reading, rows[i].key, rows[i].value, err))
			return false;
	return true;
}

bool token_secret_read(const struct object *object,
	struct token_secret **ret_token, struct error *err)
{
	AUTO_FREE(token_secret) token = memory_new(1, sizeof(*token));
	struct reading reading = {.object = object};
	const char *type;

	token->name = memory_text(object->name);
	token->namespace = memory_text(object->namespace);
	token->line = object->line;
	if (!object_text(object, object->root, "type", &type, err) ||
		!object_field(object, object->root, "stringData", DOCUMENT_MAP,
			&reading.plain, err) ||
		!object_field(object, object->root, "data", DOCUMENT_MAP,
			&reading.encoded, err))
		return false;
	token->type = memory_text(type ? type : "");
	if (!read_values(&reading, token, err) ||
		!read_secret(&reading, token, err))
		return false;
	*ret_token = take(&token);
	return true;
}

void token_secret_free(struct token_secret *token)
{
	if (!token)
		return;
	free(token->name);
	free(token->namespace);
	free(token->type);
	free(token->id);
	free(token->expiration);
	free(token->description);
	free(token->groups);
	free(token->authentication);
	free(token->signing);
	secret_free(token->secret);
	free(token);
}

/* -- judging -- */

bool token_secret_expiry(
	const struct token_secret *token, struct instant *ret_at)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	return token->expiration && *token->expiration &&
	       instant_parse(token->expiration, ret_at, &err);
}

bool token_secret_group_is_valid(const char *group)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	return token_check_group(TOKEN_BOOTSTRAP, group, &err);
}

char *token_secret_next_group(const char **at)
{
	const char *from = *at;
	size_t len;

	if (!from)
		return NULL;
	len = strcspn(from, ",");
	*at = from[len] ? from + len + 1 : NULL;
	return memory_text_n(from, len);
}

static bool groups_are_valid(const struct token_secret *token)
{
	const char *at = token->groups && *token->groups ? token->groups : NULL;

	while (at) {
		AUTO_TEXT group = token_secret_next_group(&at);

		if (!token_secret_group_is_valid(group))
			return false;
	}
	return true;
}

static bool secret_is_valid(const struct token_secret *token)
{
	const char *text;

	if (!token->secret || secret_len(token->secret) != TOKEN_SECRET_LEN)
		return false;
	text = (const char *)secret_view(token->secret);
	for (size_t i = 0; i < TOKEN_SECRET_LEN; i++)
		if (!memchr(letters, text[i], strlen(letters)))
			return false;
	return true;
}

static bool is(const char *value, const char *wanted)
{
	return value && !strcmp(value, wanted);
}

unsigned token_secret_judge(const struct token_secret *token, struct instant at)
{
	size_t prefix = strlen(PREFIX);
	bool is_named = !strncmp(token->name, PREFIX, prefix) &&
			is_of(token->name + prefix, TOKEN_ID_LEN, letters);
	bool has_end = token->expiration && *token->expiration;
	struct instant end = at;
	bool is_time = token_secret_expiry(token, &end);
	const bool faults[TOKEN_FAULTS] = {
		[TOKEN_FAULT_NAMESPACE] = !is(token->namespace, "kube-system"),
		[TOKEN_FAULT_NAME] = !is_named,
		[TOKEN_FAULT_TYPE] = !is(token->type, TYPE),
		[TOKEN_FAULT_SECRET] = !secret_is_valid(token),
		[TOKEN_FAULT_ID] =
			is_named && !is(token->id, token->name + prefix),
		[TOKEN_FAULT_EXPIRATION] = has_end && !is_time,
		[TOKEN_FAULT_EXPIRED] = is_time && end.seconds <= at.seconds,
		[TOKEN_FAULT_AUTHENTICATION] =
			!is(token->authentication, "true"),
		[TOKEN_FAULT_GROUP] = !groups_are_valid(token),
	};
	unsigned bits = 0;

	for (unsigned i = 0; i < TOKEN_FAULTS; i++)
		bits |= faults[i] ? 1u << i : 0;
	return bits;
}
