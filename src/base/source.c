/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { PEEK_MAX = 4096, LINE_MAX_LEN = 8192, WINDOW = 64 * 1024 };

struct source {
	char *name;
	int fd; /* -1: from memory */
	size_t max;
	size_t n_come; /* bytes so far, consumed or not */
	bool ended;
	char *window;	   /* NULL: from memory */
	const char *bytes; /* what has come and is not consumed */
	size_t len;
	unsigned line;
	char text[LINE_MAX_LEN + 1];
};

static struct source *source_new(const char *name)
{
	struct source *source = memory_new(1, sizeof(*source));

	source->name = memory_text(name);
	source->fd = -1;
	source->bytes = "";
	return source;
}

bool source_open(const char *path, size_t max, struct source **ret_source,
	struct error *err)
{
	bool standard = strcmp(path, "-") == 0;
	AUTO_CLOSE fd = -1;

	if (standard)
		fd = STDIN_FILENO;
	else
		fd = UNINTERRUPTED(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
	if (fd < 0)
		return error_errno(err, "file \"%s\": cannot open", path);
	*ret_source = source_new(standard ? "<stdin>" : path);
	(*ret_source)->fd = fd;
	(*ret_source)->max = max;
	(*ret_source)->window = memory_new(WINDOW, 1);
	(*ret_source)->bytes = (*ret_source)->window;
	fd = -1;
	return true;
}

struct source *source_of_text(const char *name, const void *bytes, size_t len)
{
	struct source *source = source_new(name);

	if (len > 0)
		source->bytes = bytes;
	source->len = len;
	source->ended = true;
	return source;
}

const char *source_name(const struct source *source)
{
	return source->name;
}

/* Reads once into the free end of the window. */
static bool read_more(struct source *source, struct error *err)
{
	ssize_t got;

	if (source->bytes != source->window) {
		memmove(source->window, source->bytes, source->len);
		source->bytes = source->window;
	}
	got = read(
		source->fd, source->window + source->len, WINDOW - source->len);
	if (got < 0)
		return error_errno(
			err, "file \"%s\": cannot read", source->name);
	source->ended = got == 0;
	source->len += (size_t)got;
	source->n_come += (size_t)got;
	if (source->n_come <= source->max)
		return true;
	error_set(err, ERROR_INPUT, "more than %zu bytes", source->max);
	return error_at(err, source->name, 0);
}

/* Until wanted bytes are there, or the end. */
static bool fill(struct source *source, size_t wanted, struct error *err)
{
	assert(source->ended || wanted <= WINDOW);
	while (source->len < wanted && !source->ended)
		if (!read_more(source, err))
			return false;
	return true;
}

static void consume(struct source *source, size_t len)
{
	source->bytes += len;
	source->len -= len;
}

bool source_peek(struct source *source, const char **ret_bytes, size_t *ret_len,
	struct error *err)
{
	if (!fill(source, PEEK_MAX, err))
		return false;
	*ret_bytes = source->bytes;
	*ret_len = source->len < PEEK_MAX ? source->len : PEEK_MAX;
	return true;
}

bool source_read(struct source *source, void *bytes, size_t len,
	size_t *ret_len, struct error *err)
{
	if (!fill(source, len > 0 ? 1 : 0, err))
		return false;
	if (len > source->len)
		len = source->len;
	if (len > 0)
		memcpy(bytes, source->bytes, len);
	consume(source, len);
	*ret_len = len;
	return true;
}

/* The end of the line that the window starts with, reading on as needed. */
static bool find_end(struct source *source, size_t *ret_len, struct error *err)
{
	const char *end = NULL;
	size_t seen = 0;

	for (;;) {
		end = memchr(source->bytes + seen, '\n', source->len - seen);
		seen = source->len;
		if (end || source->ended || seen > LINE_MAX_LEN)
			break;
		if (!fill(source, seen + 1, err))
			return false;
	}
	*ret_len = end ? (size_t)(end - source->bytes) : source->len;
	return true;
}

static bool check_line(
	const struct source *source, size_t len, struct error *err)
{
	const char *rule = NULL;

	if (len > LINE_MAX_LEN)
		rule = "more than 8192 bytes in a line";
	else if (memchr(source->bytes, '\0', len))
		rule = "a NUL byte in a line";
	else if (memchr(source->bytes, '\r', len))
		rule = "a carriage return in a line";
	if (!rule)
		return true;
	error_set(err, ERROR_INPUT, "%s", rule);
	return error_at(err, source->name, source->line + 1);
}

bool source_line(struct source *source, const char **ret_line,
	unsigned *ret_number, struct error *err)
{
	size_t len;

	if (!find_end(source, &len, err))
		return false;
	if (len == 0 && source->len == 0) {
		*ret_line = NULL;
		return true;
	}
	if (!check_line(source, len, err))
		return false;
	memcpy(source->text, source->bytes, len);
	source->text[len] = '\0';
	consume(source, len < source->len ? len + 1 : len);
	source->line++;
	*ret_line = source->text;
	*ret_number = source->line;
	return true;
}

static void grow(struct secret **secret)
{
	size_t len = secret_len(*secret);
	struct secret *larger = secret_new(2 * len);

	memcpy(secret_bytes(larger), secret_view(*secret), len);
	secret_free(*secret);
	*secret = larger;
}

bool source_read_secret(struct source *source, size_t max,
	struct secret **ret_text, struct error *err)
{
	AUTO_FREE(secret) text = secret_new(WINDOW);
	size_t len = 0, got;

	do {
		if (len == secret_len(text))
			grow(&text);
		if (!source_read(source, secret_bytes(text) + len,
			    secret_len(text) - len, &got, err))
			return false;
		len += got;
		if (len > max) {
			error_set(err, ERROR_INPUT, "more than %zu bytes", max);
			return error_at(err, source->name, 0);
		}
	} while (got > 0);
	secret_shorten(text, len);
	*ret_text = take(&text);
	return true;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	if (source->fd > STDIN_FILENO)
		(void)close(source->fd);
	if (source->window)
		secret_wipe(source->window, WINDOW);
	secret_wipe(source->text, sizeof(source->text));
	free(source->name);
	free(source->window);
	free(source);
}
