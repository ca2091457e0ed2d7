/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/pem.h"

#include <string.h>

#include "base/base64.h"

#define LINE_BYTES 48 /* 64 characters */

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
/* A longer line is no boundary: labels go into messages. */
#define BOUNDARY_MAX 96

/* -- writing -- */

static size_t text_len(size_t label_len, size_t len)
{
	size_t lines = (len + LINE_BYTES - 1) / LINE_BYTES;

	return strlen(BEGIN DASHES "\n" END DASHES "\n") + 2 * label_len +
	       BASE64_LEN(len) + lines;
}

static char *put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

static char *put_boundary(char *at, const char *dashes, const char *label)
{
	at = put(at, dashes, strlen(dashes));
	at = put(at, label, strlen(label));
	return put(at, DASHES "\n", strlen(DASHES "\n"));
}

static void write_text(char *at, const char *label, struct der der)
{
	at = put_boundary(at, BEGIN, label);
	while (der.len > 0) {
		size_t n = der.len < LINE_BYTES ? der.len : LINE_BYTES;

		base64_encode(der.bytes, n, at);
		at += BASE64_LEN(n);
		*at++ = '\n';
		der.bytes += n;
		der.len -= n;
	}
	put_boundary(at, END, label);
}

void pem_write(struct buffer *text, const char *label, struct der der)
{
	size_t len = text_len(strlen(label), der.len);

	write_text(buffer_room(text, len), label, der);
	buffer_wrote(text, len);
}

struct secret *pem_write_secret(const char *label, const struct secret *der)
{
	struct der view = {secret_view(der), secret_len(der)};
	struct secret *text = secret_new(text_len(strlen(label), view.len));

	write_text((char *)secret_bytes(text), label, view);
	return text;
}

/* -- reading -- */

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_all_blank(struct der text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_blank(text.bytes[i]))
			return false;
	return true;
}

/* Takes a line, and leaves out the white space at its end (RFC 7468, 2). */
static struct der take_line(struct der *text)
{
	const unsigned char *end = memchr(text->bytes, '\n', text->len);
	size_t len = end ? (size_t)(end - text->bytes) + 1 : text->len;
	struct der line = {text->bytes, len};

	text->bytes += len;
	text->len -= len;
	while (line.len > 0 && is_blank(line.bytes[line.len - 1]))
		line.len--;
	return line;
}

static bool read_boundary(
	struct der line, const char *dashes, struct der *ret_label)
{
	size_t start = strlen(dashes), end = strlen(DASHES);

	if (line.len < start + end || line.len > BOUNDARY_MAX)
		return false;
	if (memcmp(line.bytes, dashes, start) != 0)
		return false;
	if (memcmp(line.bytes + line.len - end, DASHES, end) != 0)
		return false;
	*ret_label = (struct der){line.bytes + start, line.len - start - end};
	return true;
}

static bool find_end(struct der *rest, struct pem_block *block)
{
	struct der label;

	block->body = (struct der){rest->bytes, 0};
	while (rest->len > 0) {
		struct der line = take_line(rest);

		if (read_boundary(line, BEGIN, &label))
			return false;
		if (read_boundary(line, END, &label))
			return der_equal(label, block->label);
		block->body.len = (size_t)(rest->bytes - block->body.bytes);
	}
	return false;
}

bool pem_next(struct der *text, struct pem_block *ret_block, bool *ret_found,
	struct error *err)
{
	struct der rest = *text;
	struct pem_block block = {.before = {text->bytes, 0}};

	while (rest.len > 0) {
		block.before.len = (size_t)(rest.bytes - text->bytes);
		if (!read_boundary(take_line(&rest), BEGIN, &block.label))
			continue;
		if (!find_end(&rest, &block))
			return error_set(err, ERROR_INPUT,
				"\"-----BEGIN %.*s-----\": no END line of the "
				"same name follows",
				(int)block.label.len, block.label.bytes);
		*text = rest;
		*ret_block = block;
		*ret_found = true;
		return true;
	}
	*ret_found = false;
	return true;
}

/* Lines of any length: what is not white space is taken 64 characters at a
 * time, and only the last of those may be padded. */
static bool decode_body(struct der body, unsigned char *out, size_t *ret_len)
{
	char chunk[LINE_BYTES / 3 * 4];
	size_t len = 0, n_chunk = 0, n = LINE_BYTES;
	bool good = true;

	for (size_t i = 0; i <= body.len && good; i++) {
		bool at_end = i == body.len;

		if (!at_end && !is_blank(body.bytes[i]))
			chunk[n_chunk++] = (char)body.bytes[i];
		if (n_chunk == 0 || (n_chunk < sizeof(chunk) && !at_end))
			continue;
		good = n == LINE_BYTES &&
		       base64_decode(chunk, n_chunk, out + len, &n);
		len += good ? n : 0;
		n_chunk = 0;
	}
	secret_wipe(chunk, sizeof(chunk));
	*ret_len = len;
	return good && len > 0;
}

bool pem_decode(const struct pem_block *block, void *bytes, size_t *ret_len,
	struct error *err)
{
	if (memchr(block->body.bytes, ':', block->body.len))
		return error_set(err, ERROR_INPUT,
			"PEM block \"%.*s\": headers are not allowed in it "
			"(RFC 7468, 2)",
			(int)block->label.len, block->label.bytes);
	if (!decode_body(block->body, bytes, ret_len))
		return error_set(err, ERROR_INPUT,
			"PEM block \"%.*s\": not base64 (RFC 7468, 3)",
			(int)block->label.len, block->label.bytes);
	return true;
}

bool pem_is_labelled(const struct pem_block *block, const char *label)
{
	return block->label.len == strlen(label) &&
	       memcmp(block->label.bytes, label, block->label.len) == 0;
}

static bool require_lone(const struct pem_block *block, struct der after,
	const char *label, bool strict, struct error *err)
{
	struct pem_block second;
	struct der rest = after;
	bool found;

	if (!pem_is_labelled(block, label))
		return error_set(err, ERROR_INPUT,
			"PEM block \"%.*s\": wanted is \"%s\"",
			(int)block->label.len, block->label.bytes, label);
	if (!pem_next(&rest, &second, &found, err))
		return false;
	if (found)
		return error_set(err, ERROR_INPUT,
			"PEM block \"%.*s\": a second one; only one \"%s\" may "
			"be here",
			(int)second.label.len, second.label.bytes, label);
	if (strict && !(is_all_blank(block->before) && is_all_blank(after)))
		return error_set(err, ERROR_INPUT,
			"PEM block \"%s\": no text may stand around it", label);
	return true;
}

bool pem_read(const char *text, size_t len, const char *label, bool strict,
	struct buffer *der, struct error *err)
{
	struct der rest = {(const unsigned char *)text, len};
	struct pem_block block;
	size_t decoded;
	bool found;

	if (!pem_next(&rest, &block, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_INPUT,
			"PEM: no \"-----BEGIN %s-----\" in it", label);
	if (!require_lone(&block, rest, label, strict, err))
		return false;
	if (!pem_decode(&block, buffer_room(der, PEM_ROOM(block.body.len)),
		    &decoded, err))
		return false;
	buffer_wrote(der, decoded);
	return true;
}

static bool visit_block(const struct pem_block *block, pem_visit *visit,
	void *data, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	size_t len = 0;

	if (!pem_decode(block, buffer_room(&der, PEM_ROOM(block->body.len)),
		    &len, err))
		return false;
	buffer_wrote(&der, len);
	return visit(data, der_of(&der), err);
}

bool pem_each(const struct secret *text, const char *label, pem_visit *visit,
	void *data, struct error *err)
{
	return pem_each_in((struct der){secret_view(text), secret_len(text)},
		label, visit, data, err);
}

bool pem_each_in(struct der rest, const char *label, pem_visit *visit,
	void *data, struct error *err)
{
	struct pem_block block;
	bool found;

	for (;;) {
		if (!pem_next(&rest, &block, &found, err))
			return false;
		if (!found)
			return true;
		if (pem_is_labelled(&block, label) &&
			!visit_block(&block, visit, data, err))
			return false;
	}
}
