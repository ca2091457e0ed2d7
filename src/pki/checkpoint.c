/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/checkpoint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"

enum {
	BITS = 5, /* of a character */
	GROUP = 4,
	HASH_CHARACTERS = CHECKPOINT_HASH_LEN * 8 / BITS,
	CHECK_CHARACTERS = GROUP,
	CHARACTERS = HASH_CHARACTERS + CHECK_CHARACTERS,
};

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static char character_at(const unsigned char *bytes, size_t i)
{
	unsigned value = 0;

	for (size_t bit = i * BITS; bit < (i + 1) * BITS; bit++)
		value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
	return alphabet[value];
}

/* What the ninth group is made of, and all that stands before the groups. */
static char *head_of(const struct checkpoint *checkpoint)
{
	char at[INSTANT_TEXT];

	return memory_format(CHECKPOINT_MARK " %" PRId64 " %s",
		checkpoint->count, instant_format(checkpoint->at, at));
}

static bool check_of(const struct checkpoint *checkpoint,
	struct sha256 *ret_check, struct error *err)
{
	AUTO_TEXT head = head_of(checkpoint);
	const struct digest_piece pieces[] = {
		{head, strlen(head)}, {checkpoint->hash, CHECKPOINT_HASH_LEN}};

	return sha256_of_pieces(pieces, ARRAY_SIZE(pieces), ret_check, err);
}

bool checkpoint_format(
	const struct checkpoint *checkpoint, char **ret_text, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_TEXT head = head_of(checkpoint);
	struct sha256 check;

	if (!check_of(checkpoint, &check, err))
		return false;
	buffer_add_text(&text, head);
	for (size_t i = 0; i < CHARACTERS; i++) {
		if (i % GROUP == 0)
			buffer_add_byte(&text, i == 0 ? ' ' : '-');
		buffer_add_byte(&text,
			i < HASH_CHARACTERS ? character_at(checkpoint->hash, i)
					    : character_at(check.bytes,
						      i - HASH_CHARACTERS));
	}
	*ret_text = buffer_detach(&text);
	return true;
}

/* -- reading -- */

/* The next word, or "". */
static char *take_word(const char **at)
{
	const char *start = *at + strspn(*at, " \t\r\n");
	size_t len = strcspn(start, " \t\r\n");

	*at = start + len;
	return memory_text_n(start, len);
}

static bool value_of(char character, unsigned *ret_value)
{
	int upper = toupper((unsigned char)character);
	const char *found;

	if (upper == 'O')
		upper = '0';
	if (upper == 'I' || upper == 'L')
		upper = '1';
	found = upper ? strchr(alphabet, upper) : NULL;
	if (found)
		*ret_value = (unsigned)(found - alphabet);
	return found != NULL;
}

/* Hyphens may stand anywhere, and be left out. */
static bool read_groups(const char *groups, char characters[static CHARACTERS],
	struct error *err)
{
	size_t n = 0;
	unsigned value;

	for (; *groups; groups++) {
		if (*groups == '-')
			continue;
		if (n == CHARACTERS || !value_of(*groups, &value))
			return error_set(err, ERROR_INPUT,
				"\"%s\": not nine groups of four letters and "
				"digits",
				groups);
		characters[n++] = alphabet[value];
	}
	return n == CHARACTERS ||
	       error_set(err, ERROR_INPUT,
		       "%zu letters and digits where nine groups of four "
		       "belong",
		       n);
}

static void fill_hash(const char characters[static CHARACTERS],
	unsigned char hash[static CHECKPOINT_HASH_LEN])
{
	memset(hash, 0, CHECKPOINT_HASH_LEN);
	for (size_t bit = 0; bit < CHECKPOINT_HASH_LEN * 8; bit++) {
		unsigned value =
			(unsigned)(strchr(alphabet, characters[bit / BITS]) -
				   alphabet);

		if (value >> (BITS - 1 - bit % BITS) & 1)
			hash[bit / 8] |= (unsigned char)(1u << (7 - bit % 8));
	}
}

static bool parse_count(const char *word, int64_t *ret_count, struct error *err)
{
	enum { DIGITS_MOST = 18 };

	if (!*word || strlen(word) > DIGITS_MOST ||
		word[strspn(word, "0123456789")] || *word == '0')
		return error_set(err, ERROR_INPUT,
			"\"%s\": not a number of entries", word);
	*ret_count = strtoll(word, NULL, 10);
	return true;
}

static bool require_check(const struct checkpoint *checkpoint,
	const char characters[static CHARACTERS], struct error *err)
{
	struct sha256 check;

	if (!check_of(checkpoint, &check, err))
		return false;
	for (size_t i = 0; i < CHECK_CHARACTERS; i++)
		if (characters[HASH_CHARACTERS + i] !=
			character_at(check.bytes, i))
			return error_set(err, ERROR_INPUT,
				"the last group does not fit the rest: a "
				"character was misread");
	return true;
}

static bool parse(
	const char *text, struct checkpoint *checkpoint, struct error *err)
{
	AUTO_TEXT mark = take_word(&text);
	AUTO_TEXT count = take_word(&text);
	AUTO_TEXT at = take_word(&text);
	AUTO_TEXT groups = take_word(&text);
	AUTO_TEXT rest = take_word(&text);
	char characters[CHARACTERS];

	if (strcasecmp(mark, CHECKPOINT_MARK) != 0)
		return error_set(err, ERROR_INPUT,
			"\"%s\": does not begin with " CHECKPOINT_MARK, mark);
	if (*rest)
		return error_set(
			err, ERROR_INPUT, "\"%s\": follows the end", rest);
	if (!parse_count(count, &checkpoint->count, err) ||
		!instant_parse(at, &checkpoint->at, err) ||
		!read_groups(groups, characters, err))
		return false;
	fill_hash(characters, checkpoint->hash);
	return require_check(checkpoint, characters, err);
}

bool checkpoint_parse(
	const char *text, struct checkpoint *ret_checkpoint, struct error *err)
{
	struct checkpoint checkpoint;

	if (!parse(text, &checkpoint, err))
		return error_context(err, "checkpoint");
	*ret_checkpoint = checkpoint;
	return true;
}
