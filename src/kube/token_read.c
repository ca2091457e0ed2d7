/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token_read.h"

#include <stdlib.h>
#include <string.h>

#define MANIFEST_MAX ((size_t)1 << 16)
#define PLACEHOLDER "****************"
#define PLAIN_LEN (TOKEN_ID_LEN + 1 + TOKEN_SECRET_LEN)

static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char digits[] = "0123456789abcdef";

/* -- what a line is -- */

static bool is_plain_token(const char *line)
{
	return strspn(line, letters) == TOKEN_ID_LEN &&
	       line[TOKEN_ID_LEN] == '.' &&
	       strspn(line + TOKEN_ID_LEN + 1, letters) == TOKEN_SECRET_LEN &&
	       !line[PLAIN_LEN];
}

static bool is_csv_line(const char *line)
{
	return strspn(line, digits) == TOKEN_STATIC_LEN &&
	       line[TOKEN_STATIC_LEN] == ',';
}

static bool says_nothing(const char *line)
{
	line += strspn(line, " ");
	return !*line || *line == '#';
}

static struct token *token_start(enum token_kind kind, const char *secret)
{
	struct token *token = memory_new(1, sizeof(*token));
	size_t len = kind == TOKEN_STATIC ? TOKEN_STATIC_LEN : TOKEN_SECRET_LEN;

	token->kind = kind;
	token->groups = memory_text("");
	token->secret = secret_new(len);
	memcpy(secret_bytes(token->secret), secret, len);
	return token;
}

/* -- plain text -- */

static struct token *read_plain(const char *line)
{
	struct token *token =
		token_start(TOKEN_BOOTSTRAP, line + TOKEN_ID_LEN + 1);

	memcpy(token->id, line, TOKEN_ID_LEN);
	return token;
}

struct token *token_begin(const char *text, size_t len)
{
	char line[PLAIN_LEN + 1];
	struct token *token;

	if (len < sizeof(line))
		return NULL;
	memcpy(line, text, sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	token = is_plain_token(line) && !strchr(letters, text[sizeof(line) - 1])
			? read_plain(line)
			: NULL;
	secret_wipe(line, sizeof(line));
	return token;
}

struct token *token_of_secret(const struct secret *text)
{
	size_t len = secret_len(text);
	char line[PLAIN_LEN + 1];
	struct token *token;

	if (len != PLAIN_LEN &&
		(len != PLAIN_LEN + 1 || secret_view(text)[len - 1] != '\n'))
		return NULL;
	memcpy(line, secret_view(text), PLAIN_LEN);
	line[PLAIN_LEN] = '\0';
	token = is_plain_token(line) ? read_plain(line) : NULL;
	secret_wipe(line, sizeof(line));
	return token;
}

/* -- lines of a token file -- */

/* One field off the front of *at, which stands behind a comma; for free(), or
 * NULL. */
static char *next_field(const char **at)
{
	AUTO_RELEASE(buffer) field = BUFFER_INIT;
	const char *from = *at;
	bool quoted = *from == '"';

	for (from += quoted; *from; from++) {
		if (quoted && from[0] == '"' && from[1] == '"')
			from++;
		else if (quoted ? *from == '"' : *from == ',')
			break;
		buffer_add_byte(&field, *from);
	}
	if (quoted && *from++ != '"')
		return NULL;
	if (*from && *from != ',')
		return NULL;
	*at = *from ? from + 1 : from;
	return buffer_detach(&field);
}

static bool add_groups(struct token *token, char *list, struct error *err)
{
	for (char *at = list, *group; (group = strsep(&at, ","));)
		if (!token_check_group(token->kind, group, err) ||
			!token_add_group(token, group, err))
			return false;
	return true;
}

static bool read_csv(
	const char *line, struct token **ret_token, struct error *err)
{
	AUTO_FREE(token) token = token_start(TOKEN_STATIC, line);
	const char *at = line + TOKEN_STATIC_LEN + 1;
	AUTO_TEXT user = next_field(&at);
	AUTO_TEXT uid = user ? next_field(&at) : NULL;
	AUTO_TEXT groups = uid ? next_field(&at) : NULL;

	if (!groups || *at)
		return error_set(err, ERROR_INPUT,
			"token file: not a line of token, user, uid and "
			"quoted groups (RFC 4180)");
	token->described = true;
	token->usages = TOKEN_AUTHENTICATION;
	if (!token_set_user(token, user, uid, err) ||
		(*groups && !add_groups(token, groups, err)))
		return false;
	*ret_token = take(&token);
	return true;
}

/* -- manifests -- */

struct reader {
	struct source *source;
	token_visit *visit;
	void *data;
	size_t n_tokens;
	/* of the document at hand */
	struct buffer text;
	unsigned first_line;
	struct token *token; /* with its secret already */
};

static bool input(const struct reader *reader, unsigned line, struct error *err,
	const char *rule)
{
	error_set(err, ERROR_INPUT, "%s", rule);
	return error_at(err, source_name(reader->source), line);
}

static bool says_secret(const char *line)
{
	line += strspn(line, " ");
	return strstr(line, "token-secret") && *line != '#';
}

/* `  token-secret: "…"`: where the secret starts, or NULL. */
static const char *find_secret(const char *line)
{
	static const char key[] = "token-secret:";
	const char *at = line + strspn(line, " ");
	char quote;

	if (strncmp(at, key, strlen(key)))
		return NULL;
	at += strlen(key);
	at += strspn(at, " ");
	quote = *at++;
	if ((quote != '"' && quote != '\'') ||
		strspn(at, letters) != TOKEN_SECRET_LEN ||
		at[TOKEN_SECRET_LEN] != quote)
		return NULL;
	line = at + TOKEN_SECRET_LEN + 1;
	return line[strspn(line, " ")] ? NULL : at;
}

static bool add_line(struct reader *reader, const char *line, unsigned number,
	struct error *err)
{
	const char *secret = NULL;

	if (!reader->text.len)
		reader->first_line = number;
	if (reader->text.len > MANIFEST_MAX)
		return input(reader, number, err,
			"more than 65536 bytes in a document: no token's "
			"Secret");
	if (!says_secret(line)) {
		buffer_add_text(&reader->text, line);
		buffer_add_byte(&reader->text, '\n');
		return true;
	}
	secret = find_secret(line);
	if (!secret)
		return input(reader, number, err,
			"key \"token-secret\": not 16 of [a-z0-9] in quotes");
	if (reader->token)
		return input(reader, number, err,
			"key \"token-secret\": is there twice");
	reader->token = token_start(TOKEN_BOOTSTRAP, secret);
	buffer_format(&reader->text, "%.*s%s%c\n", (int)(secret - line), line,
		PLACEHOLDER, secret[-1]);
	return true;
}

/* The text of a Secret's own field; NULL, with no error, where it is not. */
static bool read_text(const struct document *map, const char *key,
	const char *file, const char **ret_text, struct error *err)
{
	const struct document *value = document_find(map, key);

	*ret_text = NULL;
	if (!value)
		return true;
	if (!document_require(value, DOCUMENT_TEXT, file, key, err))
		return false;
	*ret_text = document_text(value);
	return true;
}

static bool require_text(const struct document *map, const char *key,
	const char *wanted, const char *file, struct error *err)
{
	const char *text;

	if (!read_text(map, key, file, &text, err))
		return false;
	if (text && !strcmp(text, wanted))
		return true;
	error_set(err, ERROR_INPUT, "key \"%s\": not \"%s\"", key, wanted);
	return error_at(err, file, document_line(map));
}

static bool check_frame(
	const struct document *root, const char *file, struct error *err)
{
	static const char *const keys[] = {
		"apiVersion", "kind", "metadata", "type", "stringData"};

	return document_require_kind(root, "v1", "Secret", file, err) &&
	       document_require_keys(root, keys, ARRAY_SIZE(keys), file, err) &&
	       document_require(document_find(root, "stringData"), DOCUMENT_MAP,
		       file, "stringData", err) &&
	       require_text(root, "type", "bootstrap.kubernetes.io/token", file,
		       err) &&
	       require_text(document_find(root, "metadata"), "namespace",
		       "kube-system", file, err);
}

static bool read_id(struct token *token, const struct document *root,
	const struct document *data, const char *file, struct error *err)
{
	AUTO_TEXT name = NULL;
	const char *id;

	if (!read_text(data, "token-id", file, &id, err))
		return false;
	if (!id || strlen(id) != TOKEN_ID_LEN ||
		strspn(id, letters) != TOKEN_ID_LEN) {
		error_set(err, ERROR_INPUT,
			"key \"token-id\": not 6 of [a-z0-9]");
		return error_at(err, file, document_line(data));
	}
	memcpy(token->id, id, TOKEN_ID_LEN);
	name = memory_format("bootstrap-token-%s", id);
	return require_text(document_find(root, "metadata"), "name", name, file,
		       err) &&
	       require_text(data, "token-secret", PLACEHOLDER, file, err);
}

static bool read_usage(struct token *token, const struct document *data,
	enum token_usage usage, const char *key, const char *file,
	struct error *err)
{
	const char *text;

	if (!read_text(data, key, file, &text, err))
		return false;
	if (text && !strcmp(text, "true"))
		token->usages |= usage;
	return true;
}

static bool read_rest(struct token *token, const struct document *data,
	const char *file, struct error *err)
{
	const char *expiry, *description, *groups;
	AUTO_TEXT list = NULL;

	if (!read_text(data, "expiration", file, &expiry, err) ||
		!read_text(data, "description", file, &description, err) ||
		!read_text(data, "auth-extra-groups", file, &groups, err) ||
		!read_usage(token, data, TOKEN_AUTHENTICATION,
			"usage-bootstrap-authentication", file, err) ||
		!read_usage(token, data, TOKEN_SIGNING,
			"usage-bootstrap-signing", file, err) ||
		(description &&
			!token_set_description(token, description, err)))
		return false;
	token->expires = expiry != NULL;
	if (expiry && !instant_parse(expiry, &token->expiry, err))
		return error_context(err, "key \"expiration\"");
	list = groups ? memory_text(groups) : NULL;
	return !list || add_groups(token, list, err);
}

static bool read_secret(struct token *token, const struct document *root,
	const char *file, struct error *err)
{
	static const char *const keys[] = {"token-id", "token-secret",
		"expiration", "description", "usage-bootstrap-authentication",
		"usage-bootstrap-signing", "auth-extra-groups"};
	const struct document *data = document_find(root, "stringData");

	token->described = true;
	return check_frame(root, file, err) &&
	       document_require_keys(data, keys, ARRAY_SIZE(keys), file, err) &&
	       read_id(token, root, data, file, err) &&
	       (read_rest(token, data, file, err) ||
		       error_at(err, file, document_line(data)));
}

static bool read_document(struct reader *reader, struct error *err)
{
	const char *file = source_name(reader->source);
	AUTO_FREE(source)
	source = source_of_text(file, reader->text.data, reader->text.len);
	AUTO_FREE(document) root = NULL;

	if (!document_read_yaml(source, &root, err))
		return false;
	if (!reader->token) {
		error_set(err, ERROR_INPUT,
			"no Secret of a bootstrap token, or its secret is not "
			"in stringData");
		return error_at(err, file, document_line(root));
	}
	return read_secret(reader->token, root, file, err);
}

static bool give(struct reader *reader, struct token **token, struct error *err)
{
	reader->n_tokens++;
	return reader->visit(reader->data, token, err);
}

static bool end_document(struct reader *reader, struct error *err)
{
	AUTO_FREE(token) token = NULL;
	bool empty = !reader->text.len;

	if (!empty && !read_document(reader, err)) {
		/* The lines of a document are counted from its own first. */
		if (err->line)
			err->line += reader->first_line - 1;
		return false;
	}
	token = take(&reader->token);
	buffer_reset(&reader->text);
	return empty || give(reader, &token, err);
}

static bool read_manifest_line(struct reader *reader, const char *line,
	unsigned number, struct error *err)
{
	if (!strcmp(line, "---"))
		return end_document(reader, err);
	if (!reader->text.len && says_nothing(line))
		return true;
	return add_line(reader, line, number, err);
}

/* -- the whole -- */

enum shape { SHAPE_UNKNOWN, SHAPE_PLAIN, SHAPE_CSV, SHAPE_MANIFEST };

/* A mistake in a token must not make it look like a manifest, which is kept in
 * memory that is not wiped. */
static enum shape shape_of(const char *line)
{
	if (says_nothing(line))
		return SHAPE_UNKNOWN;
	if (!strcmp(line, "---"))
		return SHAPE_MANIFEST;
	switch (line[strcspn(line, ",:")]) {
	case ',':
		return SHAPE_CSV;
	case ':':
		return SHAPE_MANIFEST;
	}
	return SHAPE_PLAIN;
}

static bool read_line(struct reader *reader, enum shape shape, const char *line,
	unsigned number, struct error *err)
{
	AUTO_FREE(token) token = NULL;

	switch (shape) {
	case SHAPE_UNKNOWN:
		return true;
	case SHAPE_PLAIN:
		if (!is_plain_token(line))
			return input(reader, number, err,
				"not a token, [a-z0-9]{6}.[a-z0-9]{16}");
		token = read_plain(line);
		return give(reader, &token, err);
	case SHAPE_CSV:
		if (!is_csv_line(line))
			return input(reader, number, err,
				"not a token of 32 hexadecimal digits and a "
				"comma");
		if (!read_csv(line, &token, err))
			return error_at(
				err, source_name(reader->source), number);
		return give(reader, &token, err);
	case SHAPE_MANIFEST:
		return read_manifest_line(reader, line, number, err);
	}
	return true;
}

static bool read_lines(struct reader *reader, struct error *err)
{
	enum shape shape = SHAPE_UNKNOWN;
	const char *line;
	unsigned number;

	for (;;) {
		if (!source_line(reader->source, &line, &number, err))
			return false;
		if (!line)
			break;
		if (shape == SHAPE_UNKNOWN)
			shape = shape_of(line);
		if (shape != SHAPE_MANIFEST && says_nothing(line))
			continue;
		if (!read_line(reader, shape, line, number, err))
			return false;
	}
	if (!end_document(reader, err))
		return false;
	return reader->n_tokens > 0 || input(reader, 0, err, "holds no token");
}

bool token_read(struct source *source, token_visit *visit, void *data,
	struct error *err)
{
	struct reader reader = {.source = source,
		.visit = visit,
		.data = data,
		.text = BUFFER_INIT};
	bool done = read_lines(&reader, err);

	token_free(reader.token);
	buffer_release(&reader.text);
	return done;
}

static bool keep_one(void *data, struct token **token, struct error *err)
{
	struct token **kept = data;

	if (*kept)
		return error_set(err, ERROR_INPUT, "holds more than one token");
	*kept = take(token);
	return true;
}

bool token_read_one(
	struct source *source, struct token **ret_token, struct error *err)
{
	AUTO_FREE(token) token = NULL;

	if (!token_read(source, keep_one, &token, err))
		return error_at(err, source_name(source), 0);
	*ret_token = take(&token);
	return true;
}
