/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 80, HELP_COLUMN = 30 };

/* Words that follow each other and go on, indented, in the next line. */
struct flow {
	struct buffer *text;
	size_t indent, column;
};

static void flow_word(struct flow *flow, const char *word, size_t len)
{
	bool first = flow->column <= flow->indent;

	if (!first && flow->column + 1 + len > WIDTH) {
		buffer_add_byte(flow->text, '\n');
		flow->column = 0;
		first = true;
	}
	if (!first) {
		buffer_add_byte(flow->text, ' ');
		flow->column++;
	}
	for (; flow->column < flow->indent; flow->column++)
		buffer_add_byte(flow->text, ' ');
	buffer_add(flow->text, word, len);
	flow->column += len;
}

static void flow_text(struct flow *flow, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (len > 0)
			flow_word(flow, words, len);
		words += len + (words[len] == ' ');
	}
}

static const char *repeats(const struct option_spec *spec)
{
	return spec->type == OPTION_TYPE_LIST ? "..." : "";
}

/* A line that begins with `left`, and has `right` in its second column. */
static void add_row(
	struct buffer *text, const char *left, const char *right, size_t column)
{
	struct flow flow = {text, column, strlen(left)};

	buffer_add_text(text, left);
	if (flow.column + 2 > column) {
		buffer_add_byte(text, '\n');
		flow.column = 0;
	}
	flow_text(&flow, right);
	buffer_add_byte(text, '\n');
}

static void add_option(struct buffer *text, const struct option_spec *spec)
{
	AUTO_RELEASE(buffer) left = BUFFER_INIT;
	AUTO_RELEASE(buffer) right = BUFFER_INIT;

	if (spec->letter)
		buffer_format(&left, "  -%c, ", spec->letter);
	else
		buffer_add_text(&left, "      ");
	buffer_format(&left, "--%s", spec->name);
	if (spec->metavar)
		buffer_format(&left, " %s%s", spec->metavar, repeats(spec));
	buffer_add_text(&right, spec->help);
	if (spec->preset)
		buffer_format(&right, " (default: %s)", spec->preset);
	add_row(text, left.data, right.data, HELP_COLUMN);
}

static void add_shared(struct buffer *text, const struct command *command)
{
	for (const struct option_spec *spec = shared_options; spec->name;
		spec++)
		if (option_is_taken(spec, command))
			add_option(text, spec);
}

/* A summary as a sentence. */
static void add_sentence(struct buffer *text, const char *summary)
{
	AUTO_TEXT sentence = memory_format("%s.", summary);
	struct flow flow = {text, 0, 0};

	sentence[0] = (char)toupper((unsigned char)sentence[0]);
	flow_text(&flow, sentence);
	buffer_add_byte(text, '\n');
}

static void add_exit_statuses(struct buffer *text)
{
	static const struct {
		enum error_kind kind;
		const char *meaning;
	} rows[] = {
		{ERROR_NONE, "done"},
		{ERROR_FAILED, "failed: input or output, cryptography, a lock "
			       "that was not got"},
		{ERROR_USAGE, "the command line is wrong"},
		{ERROR_INPUT, "a file or value breaks a rule"},
		{ERROR_REFUSED, "refused by policy"},
		{ERROR_FINDINGS, "a check found what it looks for"},
	};

	buffer_add_text(text, "\nExit status:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		buffer_format(
			text, "  %d  %s\n", (int)rows[i].kind, rows[i].meaning);
}

static void add_commands(
	struct buffer *text, const struct command *const commands[])
{
	size_t longest = 0;

	for (size_t i = 0; commands[i]; i++)
		if (strlen(commands[i]->name) > longest)
			longest = strlen(commands[i]->name);
	for (size_t i = 0; commands[i]; i++) {
		AUTO_TEXT left = memory_format("  %s", commands[i]->name);

		add_row(text, left, commands[i]->summary, longest + 4);
	}
}

void help_program(const struct program *program, struct buffer *text)
{
	buffer_format(text, "Usage: %s [OPTION...] COMMAND [ARGUMENT...]\n\n",
		program->name);
	add_sentence(text, program->summary);
	buffer_add_text(text, "\nCommands:\n");
	add_commands(text, program->commands);
	buffer_add_text(text, "\nOptions, before or after the command's name, "
			      "where the command takes them:\n");
	add_shared(text, NULL);
	add_exit_statuses(text);
	buffer_format(text,
		"\n\"%s COMMAND --help\" shows what a command takes; "
		"%s(1) and %s-COMMAND(1)\nsay more.\n",
		program->name, program->name, program->name);
}

static void add_usage(const struct program *program,
	const struct command *command, struct buffer *text)
{
	AUTO_TEXT head =
		memory_format("Usage: %s %s ", program->name, command->name);
	struct flow flow = {text, strlen(head), strlen(head)};

	buffer_add_text(text, head);
	if (command->operands) {
		AUTO_TEXT word = memory_format(
			command->least == 0 ? "[%s]" : "%s", command->operands);

		flow_word(&flow, word, strlen(word));
	}
	for (const struct option_spec *spec = command->options;
		spec && spec->name; spec++) {
		AUTO_TEXT word = memory_format("[--%s%s%s]%s", spec->name,
			spec->metavar ? " " : "",
			spec->metavar ? spec->metavar : "", repeats(spec));

		flow_word(&flow, word, strlen(word));
	}
	flow_text(&flow, "[SHARED OPTION]...");
	buffer_add_byte(text, '\n');
}

void help_command(const struct program *program, const struct command *command,
	struct buffer *text)
{
	add_usage(program, command, text);
	buffer_add_byte(text, '\n');
	add_sentence(text, command->summary);
	if (command->options && command->options->name)
		buffer_add_text(text, "\nOptions:\n");
	for (const struct option_spec *spec = command->options;
		spec && spec->name; spec++)
		add_option(text, spec);
	buffer_add_text(text,
		"\nShared options, before or after the command's name:\n");
	add_shared(text, command);
	buffer_format(
		text, "\n%s-%s(1) says more.\n", program->name, command->name);
}

static const char *value_word(const struct option_spec *spec)
{
	if (spec->type == OPTION_TYPE_FLAG)
		return "flag";
	if (spec->type == OPTION_TYPE_COUNT)
		return "count";
	switch (spec->value) {
	case OPTION_VALUE_FILE:
	case OPTION_VALUE_INPUT:
		return "file";
	case OPTION_VALUE_DIRECTORY:
		return "directory";
	case OPTION_VALUE_CHOICE:
		return "choice";
	case OPTION_VALUE_ANY:
		break;
	}
	return "text";
}

static void describe_option(struct buffer *text, const char *command,
	const struct option_spec *spec, const char *scope)
{
	const char letter[] = {'-', spec->letter, '\0'};

	buffer_format(text, "option\t%s\t--%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
		command, spec->name, letter,
		spec->metavar ? spec->metavar : "-", value_word(spec),
		spec->type == OPTION_TYPE_LIST ? "many" : "once", scope,
		spec->preset ? spec->preset : "-", spec->help);
}

static void describe_shared(struct buffer *text, const struct command *command)
{
	for (const struct option_spec *spec = shared_options; spec->name;
		spec++)
		if (option_is_taken(spec, command))
			describe_option(text, command ? command->name : "-",
				spec, "shared");
}

void help_describe(const struct program *program, struct buffer *text)
{
	buffer_format(text, "program\t%s\t%s\t%s\n", program->name,
		program->version, program->summary);
	describe_shared(text, NULL);
	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *command = program->commands[i];

		buffer_format(text, "command\t%s\t%s\t%s\t%s\n", command->name,
			command->operands ? command->operands : "-",
			command->report_kind ? command->report_kind : "-",
			command->summary);
		for (const struct option_spec *spec = command->options;
			spec && spec->name; spec++)
			describe_option(text, command->name, spec, "own");
		describe_shared(text, command);
	}
}
