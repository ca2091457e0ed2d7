/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include "base/memory.h"
#include <stddef.h>

/*
 * An option is a row: what it is called and what its value may be.
 *
 * The row holds the offset of a field of the command's settings struct;
 * parsing fills the field, and the macros refuse at compile time a field of
 * another type.  The settings start zeroed: an option that was not given
 * leaves NULL, false, 0 or an empty list.
 */
enum option_type {
	OPTION_TYPE_FLAG, /* bool, true when given */
	OPTION_TYPE_TEXT, /* const char *, given at most once */
	OPTION_TYPE_LIST, /* struct text_list, may be repeated */
	OPTION_TYPE_COUNT /* unsigned, within least … most */
};

struct text_list {
	const char **items; /* the array is owned, the texts are borrowed */
	size_t n_items;
	size_t allocated;
};

/* What a value is, for completion. */
enum option_value {
	OPTION_VALUE_ANY,
	OPTION_VALUE_FILE,
	OPTION_VALUE_INPUT, /* a file to read; "-" is standard input */
	OPTION_VALUE_DIRECTORY,
	OPTION_VALUE_CHOICE /* metavar is "a|b|c", and nothing else is taken */
};

struct option_spec {
	enum option_type type;
	const char *name;    /* without "--" */
	char letter;         /* 0: none */
	const char *metavar; /* NULL for a flag */
	const char *help;    /* lower case, no full stop */
	const char *preset;  /* the default as help shows it, or NULL */
	enum option_value value;
	unsigned least, most; /* of a count */
	unsigned needs;       /* of a shared option: bits of command_takes */
	size_t offset;
};

/* (settings struct, field, name, [metavar,] help); further members of the row,
 * such as .preset or .value, may follow. */
#define OPTION_FLAG(settings, field, option, text, ...)                        \
	{.type = OPTION_TYPE_FLAG, .name = option, .help = text,               \
		.offset = offsetof(settings, field) +                          \
			0 * sizeof((bool *){&((settings *)0)->field}),         \
		__VA_ARGS__}
#define OPTION_TEXT(settings, field, option, meta, text, ...)                  \
	{.type = OPTION_TYPE_TEXT, .name = option, .metavar = meta,            \
		.help = text,                                                  \
		.offset = offsetof(settings, field) +                          \
			0 * sizeof((const char **){                            \
				    &((settings *)0)->field}),                 \
		__VA_ARGS__}
#define OPTION_LIST(settings, field, option, meta, text, ...)                  \
	{.type = OPTION_TYPE_LIST, .name = option, .metavar = meta,            \
		.help = text,                                                  \
		.offset = offsetof(settings, field) +                          \
			0 * sizeof((struct text_list *){                       \
				    &((settings *)0)->field}),                 \
		__VA_ARGS__}
#define OPTION_COUNT(settings, field, option, meta, text, low, high, ...)      \
	{.type = OPTION_TYPE_COUNT, .name = option, .metavar = meta,           \
		.help = text, .least = low, .most = high,                      \
		.offset = offsetof(settings, field) +                          \
			0 * sizeof((unsigned *){&((settings *)0)->field}),     \
		__VA_ARGS__}
#define OPTION_END {.name = NULL}

void text_list_add(struct text_list *list, const char *item);
void text_list_release(struct text_list *list);
DEFINE_AUTO_RELEASE(text_list)

/* In all of these, options may be NULL, as a table without rows. */
const struct option_spec *option_find(const struct option_spec *options,
	const char *name, size_t name_len);
const struct option_spec *option_find_letter(const struct option_spec *options,
	char letter);

/* Whether this value of it is standard input. */
bool option_reads_stdin(const struct option_spec *option, const char *value);

/* Whether it may stand on a command line once only, or takes no value. */
bool option_is_single(const struct option_spec *option);
bool option_is_flag(const struct option_spec *option);

/* Puts a value, which is not empty (NULL for a flag), into its field.
 * ERROR_USAGE when it is not among the choices or no number in the range. */
MUST_CHECK bool option_store(const struct option_spec *option, void *settings,
	const char *value, struct error *err);

/* Frees the lists in a settings struct. */
void option_release_lists(const struct option_spec *options, void *settings);

/* A line of help: lower case (an acronym may begin it), no full stop. */
bool option_help_is_plain(const char *help);

/* A row's own mistakes; program_check() has the list. */
MUST_CHECK bool option_check(const struct option_spec *option,
	size_t settings_size, struct error *err);

#endif
