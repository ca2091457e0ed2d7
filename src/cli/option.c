/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/option.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void text_list_add(struct text_list *list, const char *item)
{
	list->items = memory_grow(list->items, &list->allocated,
		list->n_items + 1, sizeof(*list->items));
	list->items[list->n_items++] = item;
}

void text_list_release(struct text_list *list)
{
	free(list->items);
	*list = (struct text_list){0};
}

const struct option_spec *option_find(
	const struct option_spec *options, const char *name, size_t name_len)
{
	for (; options && options->name; options++)
		if (strncmp(options->name, name, name_len) == 0 &&
			options->name[name_len] == '\0')
			return options;
	return NULL;
}

const struct option_spec *option_find_letter(
	const struct option_spec *options, char letter)
{
	for (; options && options->name; options++)
		if (options->letter == letter)
			return options;
	return NULL;
}

bool option_is_single(const struct option_spec *option)
{
	return option->type == OPTION_TYPE_TEXT ||
	       option->type == OPTION_TYPE_COUNT;
}

bool option_reads_stdin(const struct option_spec *option, const char *value)
{
	return option->value == OPTION_VALUE_INPUT && !strcmp(value, "-");
}

bool option_is_flag(const struct option_spec *option)
{
	return option->type == OPTION_TYPE_FLAG;
}

static bool parse_count(const struct option_spec *option, const char *value,
	unsigned *ret_count, struct error *err)
{
	enum { DIGITS_MOST = 10 };
	size_t len = strlen(value);
	unsigned long long count = ULLONG_MAX;

	if (len <= DIGITS_MOST && strspn(value, "0123456789") == len)
		count = strtoull(value, NULL, 10);
	if (count < option->least || count > option->most)
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": value \"%s\": "
			"not a whole number from %u to %u",
			option->name, value, option->least, option->most);
	*ret_count = (unsigned)count;
	return true;
}

static bool require_choice(
	const struct option_spec *option, const char *value, struct error *err)
{
	size_t len = strlen(value);
	const char *choice = option->metavar;

	while (option->value == OPTION_VALUE_CHOICE) {
		size_t choice_len = strcspn(choice, "|");

		if (choice_len == len && memcmp(choice, value, len) == 0)
			break;
		if (choice[choice_len] == '\0')
			return error_set(err, ERROR_USAGE,
				"option \"--%s\": value \"%s\": not one of %s",
				option->name, value, option->metavar);
		choice += choice_len + 1;
	}
	return true;
}

bool option_store(const struct option_spec *option, void *settings,
	const char *value, struct error *err)
{
	void *field = (char *)settings + option->offset;

	switch (option->type) {
	case OPTION_TYPE_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_TYPE_COUNT:
		return parse_count(option, value, field, err);
	case OPTION_TYPE_TEXT:
		if (!require_choice(option, value, err))
			return false;
		*(const char **)field = value;
		return true;
	case OPTION_TYPE_LIST:
		if (!require_choice(option, value, err))
			return false;
		text_list_add(field, value);
		return true;
	}
	abort();
}

void option_release_lists(const struct option_spec *options, void *settings)
{
	for (; options && options->name; options++)
		if (options->type == OPTION_TYPE_LIST)
			text_list_release(
				(void *)((char *)settings + options->offset));
}

/* -- the table's own mistakes -- */

static size_t field_size(const struct option_spec *option)
{
	static const size_t sizes[] = {
		[OPTION_TYPE_FLAG] = sizeof(bool),
		[OPTION_TYPE_TEXT] = sizeof(const char *),
		[OPTION_TYPE_LIST] = sizeof(struct text_list),
		[OPTION_TYPE_COUNT] = sizeof(unsigned),
	};

	return sizes[option->type];
}

static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] ==
		       '\0';
}

/* Not "Like this.", but an acronym may begin it. */
bool option_help_is_plain(const char *help)
{
	size_t len = help ? strlen(help) : 0;

	return len > 1 && help[len - 1] != '.' && !strpbrk(help, "\t\n") &&
	       (!isupper((unsigned char)help[0]) ||
		       isupper((unsigned char)help[1]));
}

static bool choices_are_whole(const char *choices)
{
	size_t len = strlen(choices);

	return len > 0 && choices[0] != '|' && choices[len - 1] != '|' &&
	       !strstr(choices, "||");
}

static bool value_is_sound(const struct option_spec *option)
{
	if (option_is_flag(option))
		return !option->metavar && !option->preset &&
		       option->value == OPTION_VALUE_ANY;
	if (!option->metavar || !option->metavar[0] ||
		strpbrk(option->metavar, "\t\n "))
		return false;
	if (option->preset && (strcmp(option->preset, "-") == 0 ||
				      strpbrk(option->preset, "\t\n")))
		return false;
	if (option->type == OPTION_TYPE_COUNT)
		return option->least <= option->most &&
		       option->value == OPTION_VALUE_ANY;
	return option->value != OPTION_VALUE_CHOICE ||
	       choices_are_whole(option->metavar);
}

bool option_check(const struct option_spec *option, size_t settings_size,
	struct error *err)
{
	const char *rule = NULL;

	if (!is_name(option->name))
		rule = "not a name of lower case";
	else if (!option_help_is_plain(option->help))
		rule = "help is not lower case without a full stop";
	else if (!value_is_sound(option))
		rule = "metavar, default, range or kind of value do not agree";
	else if (option->offset + field_size(option) > settings_size)
		rule = "field outside of the settings";
	if (rule)
		return error_set(err, ERROR_FAILED, "option \"--%s\": %s",
			option->name, rule);
	return true;
}
