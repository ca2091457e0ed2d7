/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_DATA_NOTATION_H
#define TESTS_DATA_NOTATION_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "pki/key.h"

/*
 * Octets that no library would write, composed of parts: a part is a text in
 * this notation, and a bad input is a good one in which some are replaced.
 *
 *	0a000001    octets in hex
 *	'w1'        characters
 *	$name       the part of that name, or the public key
 *	TAG{ … }    an element: tag in hex or a name of tags[]; TAG/2{ has two
 *	            octets of length behind the first, TAG/i{ has no length
 *	3*{ … }     three times
 *	cut{ … }    all but the last octet; half{ … } the first half
 *	base64{ … } in lines of 64 characters
 *	KEY{ … }    the signature by the key of that name
 */

static const struct {
	const char *name;
	unsigned tag;
} tags[] = {
	{"seq", 0x30},
	{"set", 0x31},
	{"int", 0x02},
	{"bits", 0x03},
	{"octets", 0x04},
	{"oid", 0x06},
	{"utf8", 0x0c},
	{"numeric", 0x12},
	{"printable", 0x13},
	{"t61", 0x14},
	{"ia5", 0x16},
	{"universal", 0x1c},
	{"bmp", 0x1e},
};

struct notation {
	/* The text of a part, or NULL. */
	const char *(*part)(const void *data, const char *name);
	const struct key *(*key)(const void *data, const char *name);
	const void *data;
};

static void expand(const struct notation *notation, const char **text,
	struct buffer *out);

__attribute__((noreturn)) static void give_up(
	const char *what, const char *where)
{
	fprintf(stderr, "generate: %s: %.40s\n", what, where);
	exit(1);
}

static const struct key *find_key(
	const struct notation *notation, const char *name)
{
	return notation->key(notation->data, name);
}

static void put_part(const struct notation *notation, const char *name,
	struct buffer *out)
{
	const char *text = notation->part(notation->data, name);
	const struct key *key = find_key(notation, name);

	if (!text && !key)
		give_up("no such part", name);
	if (text)
		expand(notation, &text, out);
	else
		buffer_add(out, key_public(key).bytes, key_public(key).len);
}

/* -- functions -- */

static void put_base64(const struct buffer *in, struct buffer *out)
{
	for (size_t at = 0; at < in->len; at += 48) {
		size_t len = in->len - at < 48 ? in->len - at : 48;

		base64_encode(
			in->data + at, len, buffer_room(out, BASE64_LEN(len)));
		buffer_wrote(out, BASE64_LEN(len));
		buffer_add_byte(out, '\n');
	}
}

static unsigned least_octets(size_t len)
{
	unsigned n = 0;

	for (; len > 0; len >>= 8)
		n++;
	return n;
}

/* form: how many octets behind the first, or -1 for as few as possible. */
static void put_length(size_t len, int form, struct buffer *out)
{
	unsigned n = form >= 0 ? (unsigned)form : least_octets(len);

	if (form < 0 && len < 128) {
		buffer_add_byte(out, (char)len);
		return;
	}
	buffer_add_byte(out, (char)(0x80 | n));
	while (n-- > 0)
		buffer_add_byte(out, (char)(len >> 8 * n));
}

static void put_element(unsigned tag, const char *form, const struct buffer *in,
	struct buffer *out)
{
	buffer_add_byte(out, (char)tag);
	if (form && *form == 'i') {
		buffer_add_byte(out, (char)0x80);
		buffer_add(out, in->data, in->len);
		buffer_add(out, "\0\0", 2);
		return;
	}
	put_length(in->len, form ? atoi(form) : -1, out);
	buffer_add(out, in->data, in->len);
}

static bool find_tag(const char *word, unsigned *ret_tag)
{
	char *end;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (!strcmp(tags[i].name, word)) {
			*ret_tag = tags[i].tag;
			return true;
		}
	*ret_tag = (unsigned)strtoul(word, &end, 16);
	return strlen(word) == 2 && !*end;
}

static void sign(
	const struct key *key, const struct buffer *in, struct buffer *out)
{
	struct der message = {(const unsigned char *)in->data, in->len};
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!key_sign(key, message, out, &err))
		give_up("cannot sign", err.message);
}

static void apply(const struct notation *notation, char *word,
	const struct buffer *in, struct buffer *out)
{
	char *form = strchr(word, '/');
	unsigned tag;

	if (form)
		*form++ = '\0';
	if (!strcmp(word, "base64"))
		put_base64(in, out);
	else if (!strcmp(word, "cut"))
		buffer_add(out, in->data, in->len - 1);
	else if (!strcmp(word, "half"))
		buffer_add(out, in->data, in->len / 2);
	else if (find_key(notation, word))
		sign(find_key(notation, word), in, out);
	else if (find_tag(word, &tag))
		put_element(tag, form, in, out);
	else
		give_up("no such tag or function", word);
}

/* -- the notation -- */

static size_t word_len(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789_/");
}

static void take_word(const char **text, char word[static 32])
{
	size_t len = word_len(*text);

	if (len == 0 || len >= 32)
		give_up("no word", *text);
	memcpy(word, *text, len);
	word[len] = '\0';
	*text += len;
}

static void take_hex(const char **text, struct buffer *out)
{
	if (!isxdigit((unsigned char)**text))
		give_up("no hex", *text);
	while (isxdigit((unsigned char)**text)) {
		char pair[3] = {(*text)[0], (*text)[1]};
		char *end;

		buffer_add_byte(out, (char)strtoul(pair, &end, 16));
		if (end != pair + 2)
			give_up("no hex", *text);
		*text += 2;
	}
}

static void take_characters(const char **text, struct buffer *out)
{
	const char *end = strchr(*text + 1, '\'');

	if (!end)
		give_up("no end", *text);
	buffer_add(out, *text + 1, (size_t)(end - *text - 1));
	*text = end + 1;
}

/* What is in braces goes to out, and the text is behind them. */
static void take_braces(const struct notation *notation, const char **text,
	struct buffer *out)
{
	++*text;
	expand(notation, text, out);
	if (**text != '}')
		give_up("no end", *text);
	++*text;
}

static void take_function(const struct notation *notation, const char **text,
	struct buffer *out)
{
	AUTO_RELEASE(buffer) in = BUFFER_INIT;
	char word[32];

	take_word(text, word);
	if (**text == '*') {
		++*text;
		take_braces(notation, text, &in);
		for (int i = 0; i < atoi(word); i++)
			buffer_add(out, in.data, in.len);
	} else {
		take_braces(notation, text, &in);
		apply(notation, word, &in, out);
	}
}

static bool is_function(const char *text)
{
	char next = text[word_len(text)];

	return next == '*' || next == '{';
}

/* To the end of the text, or of the braces around it. */
static void expand(const struct notation *notation, const char **text,
	struct buffer *out)
{
	char word[32];

	while (**text && **text != '}') {
		if (**text == ' ') {
			++*text;
		} else if (**text == '\'') {
			take_characters(text, out);
		} else if (**text == '$') {
			++*text;
			take_word(text, word);
			put_part(notation, word, out);
		} else if (is_function(*text)) {
			take_function(notation, text, out);
		} else {
			take_hex(text, out);
		}
	}
}

#endif
