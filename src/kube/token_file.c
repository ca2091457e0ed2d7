/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { COLUMN_TOKEN, COLUMN_USER, COLUMN_UID, COLUMN_GROUPS, COLUMNS };

struct reading {
	const char *file;
	const char *at, *end;
	unsigned line;
	token_line_visit *visit;
	void *data;
};

/* A column as it stands in the text, quotes aside. */
struct column {
	const char *at;
	size_t len;
	bool quoted;
};

static bool broken(
	const struct reading *reading, const char *rule, struct error *err)
{
	error_set(err, ERROR_INPUT, "token file: %s (RFC 4180)", rule);
	return error_at(err, reading->file, reading->line);
}

/* A line's end, "\n", "\r\n" or that of the text; 0: none. */
static size_t end_len(const struct reading *reading)
{
	size_t left = (size_t)(reading->end - reading->at);

	if (left > 1 && reading->at[0] == '\r' && reading->at[1] == '\n')
		return 2;
	return left > 0 && *reading->at == '\n';
}

static bool is_at_end(const struct reading *reading)
{
	return reading->at == reading->end || end_len(reading) > 0;
}

static bool take_quoted(
	struct reading *reading, struct column *out, struct error *err)
{
	const char *at = reading->at + 1;

	out->at = at;
	out->quoted = true;
	for (; at < reading->end; at++) {
		reading->line += *at == '\n';
		if (*at != '"')
			continue;
		if (at + 1 == reading->end || at[1] != '"')
			break;
		at++;
	}
	if (at == reading->end)
		return broken(reading, "a quote does not end", err);
	out->len = (size_t)(at - out->at);
	reading->at = at + 1;
	return is_at_end(reading) || *reading->at == ',' ||
	       broken(reading, "something behind a column in quotes", err);
}

static bool take_column(
	struct reading *reading, struct column *out, struct error *err)
{
	*out = (struct column){.at = reading->at};
	if (reading->at < reading->end && *reading->at == '"')
		return take_quoted(reading, out, err);
	while (!is_at_end(reading) && *reading->at != ',') {
		if (*reading->at == '"')
			return broken(reading,
				"a quote in a column that is not in quotes",
				err);
		reading->at++;
	}
	out->len = (size_t)(reading->at - out->at);
	return true;
}

/* What a column says: "" in quotes is one quote. */
static size_t column_text(const struct column *column, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < column->len; i++) {
		out[n++] = column->at[i];
		if (column->quoted && column->at[i] == '"')
			i++;
	}
	return n;
}

static char *text_of(const struct column *column)
{
	char *text = memory_new(column->len + 1, 1);

	(void)column_text(column, text);
	return text;
}

static struct secret *secret_of(const struct column *column)
{
	struct secret *secret = secret_new(column->len);

	secret_shorten(
		secret, column_text(column, (char *)secret_bytes(secret)));
	return secret;
}

static bool give(const struct reading *reading, unsigned line,
	const struct column columns[static COLUMNS], size_t n_columns,
	struct error *err)
{
	AUTO_FREE(secret) token = secret_of(&columns[COLUMN_TOKEN]);
	AUTO_TEXT user = text_of(&columns[COLUMN_USER]);
	AUTO_TEXT uid = text_of(&columns[COLUMN_UID]);
	AUTO_TEXT groups = text_of(&columns[COLUMN_GROUPS]);
	const struct token_line out = {
		line, n_columns, token, user, uid, groups};

	return reading->visit(reading->data, &out, err);
}

static bool read_line(struct reading *reading, struct error *err)
{
	struct column columns[COLUMNS] = {{0}}, column;
	unsigned line = reading->line;
	size_t n = 0;

	for (;;) {
		if (!take_column(reading, &column, err))
			return false;
		if (n < COLUMNS)
			columns[n] = column;
		n++;
		if (is_at_end(reading))
			break;
		reading->at++;
	}
	return give(reading, line, columns, n, err);
}

bool token_file_read(struct source *source, token_line_visit *visit, void *data,
	struct error *err)
{
	AUTO_FREE(secret) text = NULL;
	struct reading reading = {.file = source_name(source),
		.line = 1,
		.visit = visit,
		.data = data};

	if (!source_read_secret(source, TOKEN_FILE_MAX, &text, err))
		return false;
	reading.at = (const char *)secret_view(text);
	reading.end = reading.at + secret_len(text);
	if (memchr(reading.at, '\0', secret_len(text)))
		return broken(&reading, "a NUL byte", err);
	while (reading.at < reading.end) {
		if (!end_len(&reading) && !read_line(&reading, err))
			return false;
		reading.at += end_len(&reading);
		reading.line++;
	}
	return true;
}

/* None of a text's, but the end of its line. */
static bool is_control(char byte)
{
	return (unsigned char)byte < ' ' && byte != '\t' && byte != '\r';
}

bool token_file_look(const char *text, size_t len)
{
	size_t i = 0, commas = 0;

	while (i < len && strchr("\r\n", text[i]) && text[i])
		i++;
	for (; i < len && text[i] != '\n'; i++) {
		if (is_control(text[i]))
			return false;
		if (commas == 0 && strchr(" \t:{<-", text[i]))
			return false;
		commas += text[i] == ',';
	}
	return commas >= 2;
}
