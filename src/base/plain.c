/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/plain.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* true, True and TRUE, but not tRue. */
static bool is_spelling(const char *text, const char *word)
{
	size_t n_upper = 0, len = strlen(word);

	if (strcasecmp(text, word) != 0)
		return false;
	for (size_t i = 0; i < len; i++)
		n_upper += isupper((unsigned char)text[i]) != 0;
	return n_upper == 0 || n_upper == len ||
	       (n_upper == 1 && isupper((unsigned char)text[0]));
}

/* One or two digits; the first of two is at most `most`. */
static size_t short_number(const char *text, char most)
{
	if (!isdigit((unsigned char)text[0]))
		return 0;
	if (!isdigit((unsigned char)text[1]))
		return 1;
	return text[0] <= most ? 2 : 0;
}

/* YAML 1.1 (timestamp): 2026-11-24, and with a time behind T or a blank. */
static bool is_date(const char *text)
{
	size_t len;

	if (strspn(text, "0123456789") != 4 || text[4] != '-')
		return false;
	text += 5;
	len = short_number(text, '9');
	if (len == 0 || text[len] != '-')
		return false;
	text += len + 1;
	len = short_number(text, '9');
	if (len == 0)
		return false;
	text += len;
	return !*text ||
	       (strchr("Tt \t", *text) &&
		       !text[1 + strspn(text + 1, "0123456789:.+-Zz \t")]);
}

/* YAML 1.1 and 1.2 (int, float), and what Go takes for an integer. */
static bool is_number(const char *text)
{
	static const char digits[] = "0123456789_";
	static const struct {
		const char *prefix, *digits;
	} bases[] = {
		{"0x", "0123456789abcdefABCDEF_"},
		{"0o", "01234567_"},
		{"0b", "01_"},
	};

	text += *text == '+' || *text == '-';
	if (strcasecmp(text, ".inf") == 0 || strcasecmp(text, ".nan") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		if (strncasecmp(text, bases[i].prefix, 2) == 0)
			return text[2] &&
			       !text[2 + strspn(text + 2, bases[i].digits)];
	if (!isdigit((unsigned char)text[*text == '.']))
		return false;
	text += strspn(text, digits);
	while (*text == ':' && short_number(text + 1, '5'))
		text += 1 + short_number(text + 1, '5');
	if (*text == '.')
		text += 1 + strspn(text + 1, digits);
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		if (!isdigit((unsigned char)*text))
			return false;
		text += strspn(text, digits);
	}
	return !*text;
}

enum document_kind plain_kind(const char *text)
{
	static const struct {
		const char *word;
		enum document_kind kind;
	} words[] = {
		{"", DOCUMENT_NULL},
		{"~", DOCUMENT_NULL},
		{"null", DOCUMENT_NULL},
		{"true", DOCUMENT_BOOLEAN},
		{"false", DOCUMENT_BOOLEAN},
		{"yes", DOCUMENT_BOOLEAN},
		{"no", DOCUMENT_BOOLEAN},
		{"on", DOCUMENT_BOOLEAN},
		{"off", DOCUMENT_BOOLEAN},
		{"y", DOCUMENT_BOOLEAN},
		{"n", DOCUMENT_BOOLEAN},
	};

	if (*text && strchr("+-.0123456789", *text))
		return is_number(text) || is_date(text) ? DOCUMENT_NUMBER
							: DOCUMENT_TEXT;
	if (strlen(text) > sizeof("false") - 1)
		return DOCUMENT_TEXT;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (is_spelling(text, words[i].word))
			return words[i].kind;
	return DOCUMENT_TEXT;
}
