/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/nearest.h"
#include "cli/help.h"
#include "cli/prompt.h"

enum {
	LOCK_TIMEOUT = 600,
	LOCK_TIMEOUT_MOST = 86400,
	FD_MOST = 65535,
	FD_NONE = FD_MOST + 1,
};

const struct option_spec shared_options[] = {
	OPTION_TEXT(struct shared_settings, dir, "dir", "DIR",
		"the PKI directory", .letter = 'd', .needs = TAKES_DIR,
		.value = OPTION_VALUE_DIRECTORY, .preset = "$KPKI_DIR or pki"),
	OPTION_COUNT(struct shared_settings, lock_timeout, "lock-timeout",
		"SECONDS", "how long to wait for other kpki processes", 0,
		LOCK_TIMEOUT_MOST, .needs = TAKES_DIR, .preset = "600"),
	OPTION_TEXT(struct shared_settings, passphrase_file, "passphrase-file",
		"FILE", "a file with the passphrase of the CA's key",
		.needs = TAKES_PASSPHRASE, .value = OPTION_VALUE_INPUT),
	OPTION_COUNT(struct shared_settings, passphrase_fd, "passphrase-fd",
		"N", "a file descriptor whose first line is that passphrase", 0,
		FD_MOST, .needs = TAKES_PASSPHRASE),
	OPTION_TEXT(struct shared_settings, at, "at", "TIME",
		"look at things as of a time (RFC 3339) or a span from now",
		.needs = TAKES_AT, .preset = "now"),
	OPTION_FLAG(struct shared_settings, json, "json",
		"report as one JSON object on standard output",
		.needs = TAKES_JSON),
	OPTION_FLAG(struct shared_settings, quiet, "quiet",
		"no notes and no progress bar", .letter = 'q'),
	OPTION_FLAG(struct shared_settings, help, "help", "show this help",
		.letter = 'h'),
	OPTION_FLAG(struct shared_settings, version, "version",
		"show the version", .letter = 'V'),
	OPTION_END,
};

struct parser {
	const struct program *program;
	const struct command *command; /* NULL until its name came */
	struct shared_settings shared;
	void *settings;
	struct secret *passphrase;
	char **next; /* of argv */
	bool options_ended;
	struct text_list operands;
	size_t n_stdin;			  /* how many times it is to be read */
	const struct option_spec **given; /* each once */
	size_t n_given, given_allocated;
};

static void parser_release(struct parser *parser)
{
	if (parser->command)
		option_release_lists(
			parser->command->options, parser->settings);
	free(parser->settings);
	secret_free(parser->passphrase);
	text_list_release(&parser->operands);
	free(parser->given);
}
DEFINE_AUTO_RELEASE(parser)

bool option_is_taken(
	const struct option_spec *shared, const struct command *command)
{
	return !command || (shared->needs & ~command->takes) == 0;
}

/* -- options -- */

/* False when it was there before. */
static bool note_given(struct parser *parser, const struct option_spec *option)
{
	for (size_t i = 0; i < parser->n_given; i++)
		if (parser->given[i] == option)
			return false;
	parser->given = memory_grow(parser->given, &parser->given_allocated,
		parser->n_given + 1, sizeof(*parser->given));
	parser->given[parser->n_given++] = option;
	return true;
}

/* `attached` is what followed "=" or the letter, or NULL. */
static bool take_option(struct parser *parser, const struct option_spec *option,
	void *settings, const char *attached, struct error *err)
{
	const char *value = attached;

	if (!note_given(parser, option) && option_is_single(option))
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": given twice", option->name);
	if (option_is_flag(option) && attached)
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": takes no value", option->name);
	if (option_is_flag(option))
		return option_store(option, settings, NULL, err);
	if (!value && *parser->next && strncmp(*parser->next, "--", 2) != 0)
		value = *parser->next++;
	if (!value || !*value)
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": needs a value (%s)", option->name,
			option->metavar);
	parser->n_stdin += option_reads_stdin(option, value);
	return option_store(option, settings, value, err);
}

static const struct option_spec *own_options(const struct parser *parser)
{
	return parser->command ? parser->command->options : NULL;
}

static void collect_names(struct text_list *names,
	const struct option_spec *options, const struct command *command)
{
	for (; options && options->name; options++)
		if (option_is_taken(options, command))
			text_list_add(names, options->name);
}

static bool refuse_option(
	const struct parser *parser, const char *name, struct error *err)
{
	const struct command *command = parser->command;
	const char *program = parser->program->name;
	AUTO_RELEASE(text_list) names = {0};
	const char *near;

	collect_names(&names, own_options(parser), command);
	collect_names(&names, shared_options, command);
	near = nearest(name, names.items, names.n_items);
	if (near)
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": unknown, did you mean --%s?", name,
			near);
	if (!command)
		return error_set(err, ERROR_USAGE,
			"option \"--%s\": unknown before a command's name, "
			"\"%s --help\" lists what there is",
			name, program);
	return error_set(err, ERROR_USAGE,
		"option \"--%s\": unknown, \"%s %s --help\" lists what there "
		"is",
		name, program, command->name);
}

static bool take_long(
	struct parser *parser, const char *argument, struct error *err)
{
	const char *name = argument + strlen("--");
	size_t len = strcspn(name, "=");
	const char *attached = name[len] ? name + len + 1 : NULL;
	const struct option_spec *shared =
		option_find(shared_options, name, len);
	const struct option_spec *own =
		option_find(own_options(parser), name, len);
	AUTO_TEXT unknown = NULL;

	if (shared)
		return take_option(
			parser, shared, &parser->shared, attached, err);
	if (own)
		return take_option(
			parser, own, parser->settings, attached, err);
	unknown = memory_text_n(name, len);
	return refuse_option(parser, unknown, err);
}

/* A letter may be one of another alphabet: its bytes belong together. */
static int letter_len(const char *letter)
{
	int len = 1;

	while (((unsigned char)letter[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* "-q", "-qd DIR", "-dDIR". */
static bool take_letters(
	struct parser *parser, const char *argument, struct error *err)
{
	for (const char *at = argument + 1; *at; at++) {
		const struct option_spec *option =
			option_find_letter(shared_options, *at);
		void *settings = option ? &parser->shared : parser->settings;

		if (!option)
			option = option_find_letter(own_options(parser), *at);
		if (!option)
			return error_set(err, ERROR_USAGE,
				"option \"-%.*s\": unknown in \"%s\"",
				letter_len(at), at, argument);
		if (!option_is_flag(option))
			return take_option(parser, option, settings,
				at[1] ? at + 1 : NULL, err);
		if (!take_option(parser, option, settings, NULL, err))
			return false;
	}
	return true;
}

/* -- words -- */

static bool take_command(
	struct parser *parser, const char *name, struct error *err)
{
	AUTO_RELEASE(text_list) names = {0};
	const char *near;

	for (size_t i = 0; parser->program->commands[i]; i++) {
		const struct command *command = parser->program->commands[i];

		if (strcmp(command->name, name) == 0) {
			parser->command = command;
			parser->settings =
				memory_new(1, command->settings_size + 1);
			return true;
		}
		text_list_add(&names, command->name);
	}
	near = nearest(name, names.items, names.n_items);
	if (near)
		return error_set(err, ERROR_USAGE,
			"command \"%s\": unknown, did you mean %s?", name,
			near);
	return error_set(err, ERROR_USAGE,
		"command \"%s\": unknown, \"%s --help\" lists what there is",
		name, parser->program->name);
}

static bool take_argument(
	struct parser *parser, const char *argument, struct error *err)
{
	if (!parser->options_ended && argument[0] == '-' && argument[1]) {
		if (argument[1] != '-')
			return take_letters(parser, argument, err);
		if (argument[2])
			return take_long(parser, argument, err);
		parser->options_ended = true;
		return true;
	}
	if (!parser->command)
		return take_command(parser, argument, err);
	parser->n_stdin +=
		parser->command->reads_operands && strcmp(argument, "-") == 0;
	text_list_add(&parser->operands, argument);
	return true;
}

static bool parse(struct parser *parser, char *argv[], struct error *err)
{
	parser->shared.lock_timeout = LOCK_TIMEOUT;
	parser->shared.passphrase_fd = FD_NONE;
	parser->next = argv + 1;
	while (*parser->next) {
		const char *argument = *parser->next++;

		if (!take_argument(parser, argument, err))
			return false;
	}
	return true;
}

static bool require_taken(const struct parser *parser, struct error *err)
{
	const struct command *command = parser->command;

	for (size_t i = 0; i < parser->n_given; i++)
		if (!option_is_taken(parser->given[i], command))
			return error_set(err, ERROR_USAGE,
				"option \"--%s\": not taken by %s",
				parser->given[i]->name, command->name);
	return true;
}

static bool require_operands(const struct parser *parser, struct error *err)
{
	const struct command *command = parser->command;

	const struct text_list *operands = &parser->operands;

	if (operands->n_items < command->least)
		return error_set(err, ERROR_USAGE, "operand \"%s\": missing",
			command->operands);
	if (operands->n_items <= command->most)
		return true;
	if (command->most == 0)
		return error_set(err, ERROR_USAGE,
			"operand \"%s\": %s takes none", operands->items[0],
			command->name);
	return error_set(err, ERROR_USAGE,
		"operand \"%s\": %s takes at most %u",
		operands->items[command->most], command->name, command->most);
}

static bool require_one_stdin(const struct parser *parser, struct error *err)
{
	return parser->n_stdin <= 1 ||
	       error_set(err, ERROR_USAGE,
		       "standard input can be read only once");
}

/* -- running -- */

static bool print(const struct buffer *text, struct error *err)
{
	if (fwrite(text->data, 1, text->len, stdout) != text->len ||
		fflush(stdout) != 0)
		return error_errno(err, "standard output");
	return true;
}

/* Also when something before it is wrong.  No value can look like it. */
static bool asks_for_json(int argc, char *argv[])
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static bool show(const struct parser *parser, struct error *err)
{
	const struct program *program = parser->program;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (!parser->shared.help)
		buffer_format(
			&text, "%s %s\n", program->name, program->version);
	else if (parser->command)
		help_command(program, parser->command, &text);
	else
		help_program(program, &text);
	return print(&text, err);
}

static bool run(const struct parser *parser, bool *reported, struct error *err)
{
	struct command_call call = {
		.command = parser->command,
		.shared = &parser->shared,
		.settings = parser->settings,
		.operands = parser->operands.items,
		.n_operands = parser->operands.n_items,
		.reported = reported,
	};

	return parser->command->run(&call, err);
}

static bool read_passphrase(struct parser *parser, struct error *err)
{
	struct shared_settings *shared = &parser->shared;
	bool has_fd = shared->passphrase_fd != FD_NONE;

	if (shared->passphrase_file && has_fd)
		return error_set(err, ERROR_USAGE,
			"--passphrase-file and --passphrase-fd exclude each "
			"other");
	if (shared->passphrase_file &&
		!passphrase_read_file(
			shared->passphrase_file, &parser->passphrase, err))
		return error_context(err, "--passphrase-file");
	if (has_fd && !passphrase_read_fd((int)shared->passphrase_fd,
			      &parser->passphrase, err))
		return error_context(err, "--passphrase-fd");
	shared->passphrase = parser->passphrase;
	return true;
}

static bool dispatch(struct parser *parser, bool *reported, struct error *err)
{
	if (parser->shared.help || parser->shared.version)
		return show(parser, err);
	if (!parser->command)
		return error_set(err, ERROR_USAGE, "no command given");
	return require_taken(parser, err) && require_operands(parser, err) &&
	       require_one_stdin(parser, err) && read_passphrase(parser, err) &&
	       run(parser, reported, err);
}

bool program_run(const struct program *program, int argc, char *argv[],
	struct program_outcome *ret_outcome, struct error *err)
{
	AUTO_RELEASE(parser) parser = {.program = program};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	bool done;

	*ret_outcome = (struct program_outcome){0};
	if (argc < 2) {
		help_program(program, &text);
		fputs(text.data, stderr);
		return error_set(err, ERROR_USAGE, "no command given");
	}
	if (argc == 2 && strcmp(argv[1], "--describe-cli") == 0) {
		help_describe(program, &text);
		return print(&text, err);
	}
	done = parse(&parser, argv, err);
	ret_outcome->command = parser.command;
	ret_outcome->json =
		asks_for_json(argc, argv) &&
		(!parser.command || parser.command->takes & TAKES_JSON);
	return done && dispatch(&parser, &ret_outcome->reported, err);
}

/* -- the table's own mistakes -- */

static bool check_twins(const struct option_spec *option,
	const struct option_spec *others, struct error *err)
{
	if (option_find(others, option->name, strlen(option->name)))
		return error_set(err, ERROR_FAILED,
			"option \"--%s\": there twice", option->name);
	if (option->letter && option_find_letter(others, option->letter))
		return error_set(err, ERROR_FAILED,
			"option \"--%s\": letter \"%c\" is there twice",
			option->name, option->letter);
	return true;
}

static bool check_options(const struct option_spec *options,
	size_t settings_size, const struct option_spec *others,
	struct error *err)
{
	for (; options && options->name; options++)
		if (!option_check(options, settings_size, err) ||
			!check_twins(options, options + 1, err) ||
			!check_twins(options, others, err))
			return false;
	return true;
}

static bool check_command(const struct command *command, struct error *err)
{
	bool has_json = (command->takes & TAKES_JSON) != 0;
	const char *rule = NULL;

	if (!option_help_is_plain(command->summary))
		rule = "summary is not lower case without a full stop";
	else if (command->least > command->most ||
		 (command->most > 0) != (command->operands != NULL) ||
		 (command->operands && command->operands[0] == '['))
		rule = "operands and their numbers do not agree";
	else if (has_json != (command->report_kind != NULL))
		rule = "a report's kind goes with JSON, and only with it";
	else if (!command->run)
		rule = "nothing to run";
	if (rule)
		return error_set(err, ERROR_FAILED, "%s", rule);
	return check_options(
		command->options, command->settings_size, shared_options, err);
}

bool program_check(const struct program *program, struct error *err)
{
	const struct command *const *commands = program->commands;

	if (!check_options(
		    shared_options, sizeof(struct shared_settings), NULL, err))
		return false;
	for (size_t i = 0; commands[i]; i++) {
		if (!check_command(commands[i], err))
			return error_context(
				err, "command \"%s\"", commands[i]->name);
		for (size_t j = 0; j < i; j++)
			if (strcmp(commands[i]->name, commands[j]->name) == 0)
				return error_set(err, ERROR_FAILED,
					"command \"%s\": there twice",
					commands[i]->name);
	}
	return true;
}
