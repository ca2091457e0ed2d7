/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/buffer.h"
#include "cli/command.h"

/*
 * What the tables of cli/command.h say to people, 80 columns wide, and to
 * programs.  Nothing here is written twice: usage lines, defaults and columns
 * are made from the rows.
 */
void help_program(const struct program *program, struct buffer *text);
void help_command(const struct program *program,
	const struct command *command, struct buffer *text);

/* The facts of --describe-cli. */
void help_describe(const struct program *program, struct buffer *text);

#endif
