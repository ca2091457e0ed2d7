/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/secret.h"
#include "cli/option.h"

/*
 * A command is a table: what it is called, its options, what runs it.  Help,
 * completion, `kpki --describe-cli` and the tests read the same rows.
 */

/* The options that commands share; they stand before or after the command's
 * name.  A command takes some of them only when its `takes` says so. */
struct shared_settings {
	bool help;
	bool version;
	bool quiet;
	bool json;
	const char *dir; /* NULL: $KPKI_DIR, else "pki"; cmd/ decides */
	const char *at;
	unsigned lock_timeout; /* seconds; 600 unless told */
	const char *passphrase_file;
	unsigned passphrase_fd;
	/* The line that one of these two gave, or NULL.  It is read before the
	 * command runs, so what follows on the descriptor is the command's. */
	const struct secret *passphrase;
};

enum command_takes {
	TAKES_JSON = 1,
	TAKES_AT = 2,
	TAKES_DIR = 4, /* --dir, and with it --lock-timeout */
	TAKES_PASSPHRASE = 8, /* --passphrase-file and -fd; opens a CA's key */
};

/* The rows of the above, ended by OPTION_END. */
extern const struct option_spec shared_options[];

struct command;

struct command_call {
	const struct command *command;
	const struct shared_settings *shared;
	const void *settings; /* of the command's own type */
	const char *const *operands;
	size_t n_operands;
	/* To be set once a report was begun: the command ends it itself, with
	 * the error if there is one.  Until then a JSON object for a failure
	 * is main's to print. */
	bool *reported;
};

struct command {
	const char *name;
	const char *summary;  /* one line: lower case, no full stop */
	const char *operands; /* "NODE...", or NULL when it takes none; help
			       * brackets them when `least` is 0; the first
			       * is one of "a|b|c" for completion */
	unsigned least, most; /* operands; most UINT_MAX: any number */
	bool reads_operands;  /* as files; "-" is standard input */
	unsigned takes;       /* bits of command_takes */
	const char *report_kind; /* "NodeBundleReport"; with TAKES_JSON only */
	const struct option_spec *options; /* ended by OPTION_END, or NULL */
	size_t settings_size;
	bool (*run)(const struct command_call *call, struct error *err);
};

/* The program's whole command line: commands[] ends with a NULL. */
struct program {
	const char *name;    /* "kpki" */
	const char *version; /* "0.1.0" */
	const char *summary; /* for the head of the help */
	const struct command *const *commands;
};

/* Whether a shared option goes with a command; with NULL, all of them do. */
bool option_is_taken(const struct option_spec *shared,
	const struct command *command);

/* What is known about a call when it is over, well or not. */
struct program_outcome {
	const struct command *command; /* NULL: not known */
	bool json;     /* --json was given, and nothing known speaks against */
	bool reported; /* the command printed its report itself */
};

/*
 * Parses argv, prints help, version or description when asked, or runs the
 * command.  *ret_outcome is always set.  ERROR_USAGE, before anything ran:
 *
 * - an unknown command or option, with the nearest name;
 * - a shared option that the command does not take;
 * - an option that is no flag and no list given twice (a flag twice is a flag);
 * - a missing or empty value, one that is not among the choices or no count
 *   in its range;
 * - too few or too many operands;
 * - standard input more than once among the files to read.
 *
 * "--name=value" and "--name value" are the same, and "-d value" and
 * "-dvalue"; names are never abbreviated.  A value may start with "-", but one
 * that starts with "--" has to be written "--name=value".  Options may stand
 * after operands, "--" ends them, and "-" alone is an operand or a value.
 *
 * A program called with nothing at all writes its help to standard error and
 * fails with ERROR_USAGE.
 *
 * `kpki --describe-cli`, alone, prints the tables for completion and tests, one
 * fact a line, columns separated by tabs, what is absent as "-":
 *
 *	program  NAME VERSION SUMMARY
 *	command  NAME OPERANDS REPORT-KIND SUMMARY
 *	option   COMMAND --NAME -LETTER METAVAR VALUE TIMES SCOPE DEFAULT HELP
 *
 * VALUE is flag, count, text, file, directory or choice (METAVAR is "a|b|c");
 * TIMES is once or many; SCOPE is own or shared.  The rows of COMMAND "-" are
 * the options that may stand before a command's name; a command's own rows
 * hold everything it takes, the shared ones last.
 */
MUST_CHECK bool program_run(const struct program *program, int argc,
	char *argv[], struct program_outcome *ret_outcome, struct error *err);

/* Mistakes that a table can hold: a name or letter twice, a shared option
 * defined again, a line of help in upper case (an acronym may begin it) or
 * with a full stop, a flag with a metavar or another option without one, a
 * choice of nothing, an empty range, a field outside of the settings, JSON
 * without a report's kind.  For the unit tests. */
MUST_CHECK bool program_check(const struct program *program,
	struct error *err);

#endif
