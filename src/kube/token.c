/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "kube/node.h"
#include "pki/digest.h"

/* -- making -- */

/* Kubernetes: cluster-bootstrap/token/util, randBytes: what does not fall
 * evenly on 36 characters is dropped. */
static bool draw_characters(char *text, size_t len, struct error *err)
{
	enum { N_CHARACTERS = 36, EVEN = 252, N_DRAWN = 32 };
	AUTO_FREE(secret) drawn = secret_new(N_DRAWN);
	unsigned char *bytes = secret_bytes(drawn);
	size_t n = 0;

	while (n < len) {
		if (!random_bytes(bytes, N_DRAWN, err))
			return false;
		for (size_t i = 0; i < N_DRAWN && n < len; i++) {
			int number = bytes[i] % N_CHARACTERS;

			if (bytes[i] < EVEN)
				text[n++] =
					(char)(number < 10 ? '0' + number
							   : 'a' + number - 10);
		}
	}
	return true;
}

static bool draw_digits(char *text, struct error *err)
{
	AUTO_FREE(secret) drawn = secret_new(TOKEN_STATIC_LEN / 2);
	unsigned char *bytes = secret_bytes(drawn);

	if (!random_bytes(bytes, TOKEN_STATIC_LEN / 2, err))
		return false;
	for (size_t i = 0; i < TOKEN_STATIC_LEN; i++) {
		int number = i % 2 ? bytes[i / 2] & 0xf : bytes[i / 2] >> 4;

		text[i] =
			(char)(number < 10 ? '0' + number : 'a' + number - 10);
	}
	return true;
}

bool token_new(
	enum token_kind kind, struct token **ret_token, struct error *err)
{
	AUTO_FREE(token) token = memory_new(1, sizeof(*token));
	size_t len = kind == TOKEN_STATIC ? TOKEN_STATIC_LEN : TOKEN_SECRET_LEN;
	char *text;

	token->kind = kind;
	token->described = true;
	token->groups = memory_text("");
	token->secret = secret_new(len);
	text = (char *)secret_bytes(token->secret);
	switch (kind) {
	case TOKEN_BOOTSTRAP:
		if (!draw_characters(token->id, TOKEN_ID_LEN, err) ||
			!draw_characters(text, len, err))
			return false;
		break;
	case TOKEN_STATIC:
		if (!draw_digits(text, err))
			return false;
		break;
	}
	*ret_token = take(&token);
	return true;
}

void token_free(struct token *token)
{
	if (!token)
		return;
	secret_free(token->secret);
	free(token->groups);
	free(token->description);
	free(token->user);
	free(token->uid);
	free(token);
}

bool token_public_id(
	const struct token *token, char **ret_id, struct error *err)
{
	enum { N_BYTES = 8 };
	AUTO_TEXT digits = NULL;
	struct sha256 hash;

	if (token->kind == TOKEN_BOOTSTRAP) {
		*ret_id = memory_text(token->id);
		return true;
	}
	if (!sha256_of(secret_view(token->secret), secret_len(token->secret),
		    &hash, err))
		return false;
	digits = hex_of(hash.bytes, N_BYTES);
	*ret_id = memory_format("sha256:%s", digits);
	return true;
}

/* -- groups -- */

bool token_check_group(
	enum token_kind kind, const char *group, struct error *err)
{
	static const char prefix[] = TOKEN_BOOTSTRAPPERS ":";
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789:-";
	enum { REST_MAX = 256 };
	const char *rest = group + strlen(prefix);
	size_t len;

	if (!strcmp(group, TOKEN_BOOTSTRAPPERS)) {
		if (kind == TOKEN_STATIC)
			return true;
		return error_set(err, ERROR_REFUSED,
			"group \"%s\": every bootstrap token is in it, and the "
			"API server refuses a token that says so",
			group);
	}
	if (strncmp(group, prefix, strlen(prefix)))
		return error_set(err, ERROR_REFUSED,
			"group \"%s\": a token is for groups below "
			"\"" TOKEN_BOOTSTRAPPERS ":\" only",
			group);
	len = strlen(rest);
	if (len < 1 || len > REST_MAX || strspn(rest, alphabet) != len ||
		strchr(":-", rest[len - 1]))
		return error_set(err, ERROR_INPUT,
			"group \"%s\": not \"%s\" and up to 256 of [a-z0-9:-], "
			"the last of [a-z0-9]",
			group, prefix);
	return true;
}

static size_t count_groups(const struct token *token)
{
	size_t n = *token->groups != '\0';

	for (const char *at = token->groups; (at = strchr(at, ',')); at++)
		n++;
	return n;
}

bool token_has_group(const struct token *token, const char *group)
{
	size_t len = strlen(group);

	for (const char *at = token->groups; at && *at;) {
		if (strcspn(at, ",") == len && !strncmp(at, group, len))
			return true;
		at = strchr(at, ',');
		at = at ? at + 1 : NULL;
	}
	return false;
}

bool token_add_group(struct token *token, const char *group, struct error *err)
{
	char *joined;

	if (token_has_group(token, group))
		return true;
	if (count_groups(token) == TOKEN_GROUPS_MAX)
		return error_set(err, ERROR_INPUT,
			"group \"%s\": more than %d groups", group,
			TOKEN_GROUPS_MAX);
	joined = memory_format("%s%s%s", token->groups,
		*token->groups ? "," : "", group);
	free(token->groups);
	token->groups = joined;
	return true;
}

bool token_node_group(const char *node, char ret_group[static TOKEN_NODE_GROUP],
	struct error *err)
{
	enum { N_BYTES = 8 };
	static const char prefix[] = TOKEN_BOOTSTRAPPERS ":kpki:";
	AUTO_TEXT digits = NULL;
	struct sha256 hash;

	if (!sha256_of(node, strlen(node), &hash, err))
		return false;
	digits = hex_of(hash.bytes, N_BYTES);
	memcpy(ret_group, prefix, strlen(prefix));
	memcpy(ret_group + strlen(prefix), digits, 2 * N_BYTES + 1);
	return true;
}

/* -- what else it says -- */

static const struct {
	enum token_usage usage;
	const char *name, *key;
} usages[] = {
	{TOKEN_AUTHENTICATION, "authentication",
		"usage-bootstrap-authentication"},
	{TOKEN_SIGNING, "signing", "usage-bootstrap-signing"},
};

bool token_parse_usages(
	const char *text, unsigned *ret_usages, struct error *err)
{
	unsigned found = 0;

	for (const char *at = text; at;) {
		size_t len = strcspn(at, ","), i = 0;

		while (i < ARRAY_SIZE(usages) &&
			(strlen(usages[i].name) != len ||
				strncmp(usages[i].name, at, len)))
			i++;
		if (i == ARRAY_SIZE(usages))
			return error_set(err, ERROR_INPUT,
				"\"%s\": not authentication, signing, or both "
				"with a comma between",
				text);
		found |= usages[i].usage;
		at = at[len] ? at + len + 1 : NULL;
	}
	*ret_usages = found;
	return true;
}

char *token_format_usages(unsigned bits)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (bits & usages[i].usage)
			buffer_format(&text, "%s%s", text.len ? "," : "",
				usages[i].name);
	return buffer_detach(&text);
}

static const char *unprintable_rule(const char *text, size_t max)
{
	if (strlen(text) > max)
		return "too long";
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return "has a control character";
	return NULL;
}

static bool check_user(const char *what, const char *text, struct error *err)
{
	enum { USER_MAX = 253 };
	const char *rule = unprintable_rule(text, USER_MAX);

	if (!*text)
		rule = "empty";
	else if (!rule && (*text == ' ' || text[strlen(text) - 1] == ' '))
		rule = "has a blank at its beginning or end";
	return !rule ||
	       error_set(err, ERROR_INPUT, "%s \"%s\": %s", what, text, rule);
}

bool token_set_user(struct token *token, const char *user, const char *uid,
	struct error *err)
{
	assert(token->kind == TOKEN_STATIC && !token->user);
	if (!check_user("user", user, err) || !check_user("uid", uid, err))
		return false;
	if (!strncmp(user, "system:", strlen("system:")))
		return error_set(err, ERROR_REFUSED,
			"user \"%s\": names that begin with \"system:\" are "
			"Kubernetes' own",
			user);
	token->user = memory_text(user);
	token->uid = memory_text(uid);
	return true;
}

bool token_set_description(
	struct token *token, const char *text, struct error *err)
{
	const char *rule = unprintable_rule(text, TOKEN_DESCRIPTION_MAX);

	if (rule)
		return error_set(err, ERROR_INPUT, "description: %s", rule);
	free(token->description);
	token->description = memory_text(text);
	return true;
}

bool token_require(const struct token *token, enum token_usage usage,
	struct instant now, struct error *err)
{
	AUTO_TEXT id = NULL;
	AUTO_TEXT wanted = token_format_usages(usage);
	char text[INSTANT_TEXT];

	if (!token_public_id(token, &id, err))
		return false;
	if (token->described && !(token->usages & usage))
		return error_set(err, ERROR_REFUSED,
			"token \"%s\": is not for %s: its usages do not allow "
			"it",
			id, wanted);
	if (token->described && token->expires &&
		token->expiry.seconds <= now.seconds)
		return error_set(err, ERROR_REFUSED,
			"token \"%s\": expired at %s", id,
			instant_format(token->expiry, text));
	return true;
}

/* -- writing -- */

static struct document *describe(const struct token *token)
{
	struct document *root = document_new_map(), *map;
	AUTO_TEXT name = memory_format("bootstrap-token-%s", token->id);
	char text[INSTANT_TEXT];

	document_put_text(root, "apiVersion", "v1");
	document_put_text(root, "kind", "Secret");
	map = document_put(root, "metadata", document_new_map());
	document_put_text(map, "name", name);
	document_put_text(map, "namespace", "kube-system");
	document_put_text(root, "type", "bootstrap.kubernetes.io/token");
	map = document_put(root, "stringData", document_new_map());
	if (token->description)
		document_put_text(map, "description", token->description);
	document_put_text(map, "token-id", token->id);
	document_put_text(map, "token-secret", "");
	if (token->expires)
		document_put_text(
			map, "expiration", instant_format(token->expiry, text));
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (token->usages & usages[i].usage)
			document_put_text(map, usages[i].key, "true");
	if (*token->groups)
		document_put_text(map, "auth-extra-groups", token->groups);
	return root;
}

/* RFC 4180, 2 */
static void put_field(struct buffer *line, const char *text, bool quoted)
{
	if (!quoted && !strpbrk(text, "\",")) {
		buffer_add_text(line, text);
		return;
	}
	buffer_add_byte(line, '"');
	for (; *text; text++) {
		if (*text == '"')
			buffer_add_byte(line, '"');
		buffer_add_byte(line, *text);
	}
	buffer_add_byte(line, '"');
}

/* Kubernetes: authentication/token/tokenfile: an unquoted list is cut at its
 * first comma, so the groups are quoted always. */
static void write_line(const struct token *token, struct gap *gap)
{
	buffer_add_byte(&gap->tail, ',');
	put_field(&gap->tail, token->user, false);
	buffer_add_byte(&gap->tail, ',');
	put_field(&gap->tail, token->uid, false);
	buffer_add_byte(&gap->tail, ',');
	put_field(&gap->tail, token->groups, true);
	buffer_add_byte(&gap->tail, '\n');
}

bool token_write(const struct token *token, enum token_format format,
	struct gap *ret_gap, struct error *err)
{
	AUTO_FREE(document) root = NULL;

	switch (format) {
	case TOKEN_MANIFEST:
		root = describe(token);
		return gap_write(root, "token-secret", ret_gap, err);
	case TOKEN_CSV:
		write_line(token, ret_gap);
		return true;
	case TOKEN_PLAIN:
		buffer_format(&ret_gap->head, "%s%s", token->id,
			token->kind == TOKEN_BOOTSTRAP ? "." : "");
		buffer_add_byte(&ret_gap->tail, '\n');
		return true;
	}
	return true;
}

/* RFC 7515, appendix F: the payload is left out.  The key is the secret part
 * alone, whatever the page on bootstrap tokens says. */
bool token_sign(const struct token *token, const struct buffer *content,
	char **ret_signature, struct error *err)
{
	AUTO_TEXT header =
		memory_format("{\"alg\":\"HS256\",\"kid\":\"%s\"}", token->id);
	AUTO_TEXT head = base64url(header, strlen(header));
	AUTO_TEXT payload = base64url(content->data, content->len);
	AUTO_TEXT input = memory_format("%s.%s", head, payload);
	AUTO_TEXT signature = NULL;
	struct sha256 hash;

	assert(token->kind == TOKEN_BOOTSTRAP);
	if (!hmac_sha256(token->secret, input, strlen(input), &hash, err))
		return false;
	signature = base64url(hash.bytes, SHA256_LEN);
	*ret_signature = memory_format("%s..%s", head, signature);
	return true;
}
