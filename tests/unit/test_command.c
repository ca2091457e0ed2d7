/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/command.h"
#include "cli/help.h"

struct sow_settings {
	bool dry;
	const char *soil;
	const char *format;
	struct text_list seeds;
	unsigned rows;
};

static const struct option_spec sow_options[] = {
	OPTION_FLAG(struct sow_settings, dry, "dry", "without water",
		.letter = 'n'),
	OPTION_TEXT(struct sow_settings, soil, "soil", "FILE",
		"what is under it", .value = OPTION_VALUE_INPUT, .letter = 's'),
	OPTION_TEXT(struct sow_settings, format, "format", "dir|tar",
		"how it is packed", .value = OPTION_VALUE_CHOICE,
		.preset = "dir"),
	OPTION_LIST(struct sow_settings, seeds, "seed", "KIND",
		"what to sow, and this line of help goes on for so long that "
		"it has to be continued below itself",
		.value = OPTION_VALUE_INPUT),
	OPTION_COUNT(
		struct sow_settings, rows, "rows", "N", "how many rows", 1, 64),
	OPTION_END,
};

/* What the last run saw, as text. */
static char seen[1024];

static void see(const char *format, ...) PRINTF(1, 2);
static void see(const char *format, ...)
{
	size_t len = strlen(seen);
	va_list args;

	va_start(args, format);
	vsnprintf(seen + len, sizeof(seen) - len, format, args);
	va_end(args);
}

static bool sow_run(const struct command_call *call, struct error *err)
{
	const struct sow_settings *settings = call->settings;
	const struct shared_settings *shared = call->shared;

	(void)err;
	*call->reported = true;
	see("%s", call->command->name);
	if (settings->dry)
		see(" dry");
	if (settings->soil)
		see(" soil=%s", settings->soil);
	if (settings->format)
		see(" format=%s", settings->format);
	for (size_t i = 0; i < settings->seeds.n_items; i++)
		see(" seed=%s", settings->seeds.items[i]);
	if (settings->rows)
		see(" rows=%u", settings->rows);
	if (shared->quiet)
		see(" quiet");
	if (shared->json)
		see(" json");
	if (shared->dir)
		see(" dir=%s", shared->dir);
	if (shared->lock_timeout != 600)
		see(" timeout=%u", shared->lock_timeout);
	for (size_t i = 0; i < call->n_operands; i++)
		see(" (%s)", call->operands[i]);
	return true;
}

static bool reap_run(const struct command_call *call, struct error *err)
{
	if (call->settings && call->shared->at)
		see("at=%s ", call->shared->at);
	return error_set(err, ERROR_REFUSED, "not ripe");
}

static const struct command command_sow = {
	.name = "sow",
	.summary = "put seeds into a field",
	.operands = "FIELD...",
	.least = 0,
	.most = UINT_MAX,
	.takes = TAKES_JSON | TAKES_DIR,
	.report_kind = "SowReport",
	.options = sow_options,
	.settings_size = sizeof(struct sow_settings),
	.run = sow_run,
};

static const struct command command_reap = {
	.name = "reap-all",
	.summary = "bring it in",
	.operands = "BARN [BARN]",
	.least = 1,
	.most = 2,
	.reads_operands = true,
	.takes = TAKES_AT,
	.run = reap_run,
};

static const struct command *const commands[] = {
	&command_sow, &command_reap, NULL};

static const struct program farm = {
	.name = "farm",
	.version = "1.2.3",
	.summary = "a farm without a network",
	.commands = commands,
};

/* Splits `line` at blanks and runs it. */
static bool run_on(const struct program *program, const char *line,
	struct program_outcome *ret_outcome, struct error *err)
{
	AUTO_TEXT words = memory_text(line);
	char *argv[32] = {words};
	int argc = 0;
	char *rest = words;
	char *word;

	seen[0] = '\0';
	while ((word = strsep(&rest, " ")) && argc < 31)
		argv[argc++] = word;
	argv[argc] = NULL;
	return program_run(program, argc, argv, ret_outcome, err);
}

static bool run(const char *line, struct program_outcome *ret_outcome,
	struct error *err)
{
	return run_on(&farm, line, ret_outcome, err);
}

static void options_stand_where_they_like(void **state)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{"farm sow", "sow"},
		{"farm sow a b", "sow (a) (b)"},
		{"farm --quiet sow", "sow quiet"},
		{"farm sow -q", "sow quiet"},
		{"farm -q --json sow --json", "sow quiet json"},
		{"farm --dir D sow", "sow dir=D"},
		{"farm --dir sow sow", "sow dir=sow"},
		{"farm --dir=D sow", "sow dir=D"},
		{"farm -d D sow", "sow dir=D"},
		{"farm -dD sow", "sow dir=D"},
		{"farm -qdD sow", "sow quiet dir=D"},
		{"farm sow -qnd D", "sow dry quiet dir=D"},
		{"farm sow -s- a", "sow soil=- (a)"},
		{"farm sow a --dir D b", "sow dir=D (a) (b)"},
		{"farm sow --lock-timeout 0", "sow timeout=0"},
		{"farm --lock-timeout=5 sow", "sow timeout=5"},
		{"farm sow --soil - -", "sow soil=- (-)"},
		{"farm sow --soil -x", "sow soil=-x"},
		{"farm sow --soil=--x", "sow soil=--x"},
		{"farm sow --soil=a=b", "sow soil=a=b"},
		{"farm sow --seed a --seed=b --seed a",
			"sow seed=a seed=b seed=a"},
		{"farm sow --rows 64 --dry --dry", "sow dry rows=64"},
		{"farm sow --format tar", "sow format=tar"},
		{"farm sow -- --dry -x", "sow (--dry) (-x)"},
		{"farm sow a -- b --", "sow (a) (b) (--)"},
		{"farm -- sow --dry", "sow (--dry)"},
		{"farm sow ", "sow ()"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct program_outcome outcome;

		if (!run(rows[i].line, &outcome, &err))
			fail_msg("%s: %s", rows[i].line, err.message);
		assert_string_equal(seen, rows[i].expected);
		assert_ptr_equal(outcome.command, &command_sow);
		assert_true(outcome.reported);
	}
}

static void a_wrong_line_is_refused_before_anything_runs(void **state)
{
	static const struct {
		const char *line, *expected;
	} rows[] = {
		{"farm sew", "command \"sew\": unknown, did you mean sow?"},
		{"farm reapall x",
			"command \"reapall\": unknown, did you mean reap-all?"},
		{"farm help",
			"command \"help\": unknown, \"farm --help\" lists "
			"what there is"},
		{"farm ", "command \"\": unknown, \"farm --help\" lists what "
			  "there is"},
		{"farm --quiet", "no command given"},
		{"farm --", "no command given"},
		{"farm sow --sed x",
			"option \"--sed\": unknown, did you mean --seed?"},
		{"farm sow --sol=x",
			"option \"--sol\": unknown, did you mean --soil?"},
		{"farm sow --quite",
			"option \"--quite\": unknown, did you mean --quiet?"},
		{"farm sow --see", "option \"--see\": unknown, did you mean "
				   "--seed?"},
		{"farm sow --elephant",
			"option \"--elephant\": unknown, \"farm sow --help\" "
			"lists what there is"},
		{"farm --soil x sow",
			"option \"--soil\": unknown before a command's name, "
			"\"farm --help\" lists what there is"},
		{"farm --jsom sow",
			"option \"--jsom\": unknown, did you mean --json?"},
		{"farm sow -x", "option \"-x\": unknown in \"-x\""},
		{"farm sow -qé", "option \"-é\": unknown in \"-qé\""},
		{"farm sow -qx", "option \"-x\": unknown in \"-qx\""},
		{"farm sow --describe-cli",
			"option \"--describe-cli\": unknown, "
			"\"farm sow --help\" lists what there is"},
		{"farm reap-all --json x",
			"option \"--json\": not taken by reap-all"},
		{"farm --dir D reap-all x",
			"option \"--dir\": not taken by reap-all"},
		{"farm --lock-timeout 5 reap-all x",
			"option \"--lock-timeout\": not taken by reap-all"},
		{"farm --at now sow", "option \"--at\": not taken by sow"},
		{"farm sow --soil a --soil a",
			"option \"--soil\": given twice"},
		{"farm sow --soil - --seed -",
			"standard input can be read only once"},
		{"farm sow --seed - --seed -",
			"standard input can be read only once"},
		{"farm reap-all - -", "standard input can be read only once"},
		{"farm -d a sow --dir b", "option \"--dir\": given twice"},
		{"farm sow --rows 1 --rows 1",
			"option \"--rows\": given twice"},
		{"farm sow --soil", "option \"--soil\": needs a value (FILE)"},
		{"farm sow --soil=", "option \"--soil\": needs a value (FILE)"},
		{"farm sow --soil  a",
			"option \"--soil\": needs a value (FILE)"},
		{"farm sow --soil --dry",
			"option \"--soil\": needs a value (FILE)"},
		{"farm sow --soil --",
			"option \"--soil\": needs a value (FILE)"},
		{"farm sow -d", "option \"--dir\": needs a value (DIR)"},
		{"farm sow --seed=", "option \"--seed\": needs a value (KIND)"},
		{"farm sow --dry=yes", "option \"--dry\": takes no value"},
		{"farm sow --dry=", "option \"--dry\": takes no value"},
		{"farm sow --format zip", "option \"--format\": value \"zip\": "
					  "not one of dir|tar"},
		{"farm sow --format dir|tar",
			"option \"--format\": value \"dir|tar\": not one of "
			"dir|tar"},
		{"farm sow --format ta", "option \"--format\": value \"ta\": "
					 "not one of dir|tar"},
		{"farm sow --rows 0", "option \"--rows\": value \"0\": not a "
				      "whole number from 1 to 64"},
		{"farm sow --rows 65", "option \"--rows\": value \"65\": not a "
				       "whole number from 1 to 64"},
		{"farm sow --rows -1", "option \"--rows\": value \"-1\": not a "
				       "whole number from 1 to 64"},
		{"farm sow --rows 1x", "option \"--rows\": value \"1x\": not a "
				       "whole number from 1 to 64"},
		{"farm sow --rows 4294967297",
			"option \"--rows\": value \"4294967297\": not a whole "
			"number from 1 to 64"},
		{"farm sow --rows 18446744073709551617",
			"option \"--rows\": value \"18446744073709551617\": "
			"not a whole number from 1 to 64"},
		{"farm reap-all", "operand \"BARN [BARN]\": missing"},
		{"farm reap-all a b c",
			"operand \"c\": reap-all takes at most 2"},
		{"farm sow \033[31m --x\n",
			"option \"--x\\x0a\": unknown, \"farm sow --help\" "
			"lists what there is"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct program_outcome outcome;

		if (run(rows[i].line, &outcome, &err))
			fail_msg("%s: was taken", rows[i].line);
		assert_string_equal(err.message, rows[i].expected);
		assert_int_equal(err.kind, ERROR_USAGE);
		assert_string_equal(seen, "");
		assert_false(outcome.reported);
	}
}

static void a_command_that_takes_no_operand_refuses_one(void **state)
{
	struct command rest = command_sow;
	const struct command *const only[] = {&rest, NULL};
	struct program still = farm;
	struct program_outcome outcome;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	rest.most = 0;
	rest.operands = NULL;
	still.commands = only;
	assert_false(run_on(&still, "farm sow a", &outcome, &err));
	assert_string_equal(err.message, "operand \"a\": sow takes none");
}

static void the_outcome_says_whose_json_object_is_missing(void **state)
{
	static const struct {
		const char *line;
		const struct command *command;
		bool json;
	} rows[] = {
		{"farm sow --bogus --json", &command_sow, true},
		{"farm sow --json --bogus", &command_sow, true},
		{"farm --json sow --bogus", &command_sow, true},
		{"farm sow --bogus -- --json", &command_sow, false},
		{"farm sow --bogus", &command_sow, false},
		{"farm reap-all --json x", &command_reap, false},
		{"farm sew --json", NULL, true},
		{"farm --json", NULL, true},
		{"farm --bogus sow --json", NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct program_outcome outcome = {&command_reap, true, true};

		assert_false(run(rows[i].line, &outcome, &err));
		assert_ptr_equal(outcome.command, rows[i].command);
		assert_int_equal(outcome.json, rows[i].json);
		assert_false(outcome.reported);
	}
}

static void a_commands_own_failure_comes_back(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct program_outcome outcome;

	(void)state;
	assert_false(run("farm --at now reap-all barn", &outcome, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(seen, "at=now ");
}

static void help_shows_every_row_within_80_columns(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	const char *line;

	(void)state;
	help_command(&farm, &command_sow, &text);
	assert_string_equal(text.data,
		"Usage: farm sow [FIELD...] [--dry] [--soil FILE] "
		"[--format dir|tar]\n"
		"                [--seed KIND]... [--rows N] "
		"[SHARED OPTION]...\n"
		"\n"
		"Put seeds into a field.\n"
		"\n"
		"Options:\n"
		"  -n, --dry                   without water\n"
		"  -s, --soil FILE             what is under it\n"
		"      --format dir|tar        how it is packed "
		"(default: dir)\n"
		"      --seed KIND...          what to sow, and this line of "
		"help goes on for so\n"
		"                              long that it has to be "
		"continued below itself\n"
		"      --rows N                how many rows\n"
		"\n"
		"Shared options, before or after the command's name:\n"
		"  -d, --dir DIR               the PKI directory (default: "
		"$KPKI_DIR or pki)\n"
		"      --lock-timeout SECONDS  how long to wait for other kpki "
		"processes\n"
		"                              (default: 600)\n"
		"      --json                  report as one JSON object on "
		"standard output\n"
		"  -q, --quiet                 no notes and no progress bar\n"
		"  -h, --help                  show this help\n"
		"  -V, --version               show the version\n"
		"\n"
		"farm-sow(1) says more.\n");
	buffer_reset(&text);
	help_program(&farm, &text);
	assert_non_null(strstr(text.data, "\n  sow       put seeds"));
	assert_non_null(strstr(text.data, "\n  4  refused by policy\n"));
	for (line = text.data; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
}

static void a_description_has_a_fact_a_line(void **state)
{
	static const char *const lines[] = {
		"program\tfarm\t1.2.3\ta farm without a network\n",
		"\noption\t-\t--at\t-\tTIME\ttext\tonce\tshared\tnow\t",
		"\ncommand\tsow\tFIELD...\tSowReport\tput seeds into a field\n",
		"\noption\tsow\t--dry\t-n\t-\tflag\tonce\town\t-\twithout",
		"\noption\tsow\t--soil\t-s\tFILE\tfile\tonce\town\t-\t",
		"\noption\tsow\t--format\t-\tdir|tar\tchoice\tonce\town\tdir\t",
		"\noption\tsow\t--seed\t-\tKIND\tfile\tmany\town\t-\twhat",
		"\noption\tsow\t--rows\t-\tN\tcount\tonce\town\t-\thow",
		"\noption\tsow\t--dir\t-d\tDIR\tdirectory\tonce\tshared\t",
		"\ncommand\treap-all\tBARN [BARN]\t-\tbring it in\n",
		"\noption\treap-all\t--at\t-\tTIME\t",
	};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	(void)state;
	help_describe(&farm, &text);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(text.data, lines[i]))
			fail_msg("no %s in %s", lines[i], text.data);
	assert_null(strstr(text.data, "\noption\tsow\t--at\t"));
	assert_null(strstr(text.data, "\noption\treap-all\t--dir\t"));
	assert_null(strstr(text.data, "\t\t"));
}

static void a_sound_table_is_taken(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	if (!program_check(&farm, &err))
		fail_msg("%s", err.message);
}

#define FIELD(f) .offset = offsetof(struct sow_settings, f)

static void a_mistake_in_an_option_is_found(void **state)
{
	static const struct {
		struct option_spec option;
		const char *expected;
	} rows[] = {
		{{.name = "Dry", .help = "x y", FIELD(dry)}, "not a name"},
		{{.name = "--dry", .help = "x y", FIELD(dry)}, "not a name"},
		{{.name = "dry", .help = "Without water", FIELD(dry)}, "help"},
		{{.name = "dry", .help = "without.", FIELD(dry)}, "help"},
		{{.name = "dry", .help = "a\tb", FIELD(dry)}, "help"},
		{{.name = "dry", FIELD(dry)}, "help"},
		{{.name = "dry", .metavar = "X", .help = "x y", FIELD(dry)},
			"metavar"},
		{{.name = "dry", .help = "x y", .preset = "no", FIELD(dry)},
			"metavar"},
		{{.type = OPTION_TYPE_TEXT,
			 .name = "soil",
			 .help = "x y",
			 FIELD(soil)},
			"metavar"},
		{{.type = OPTION_TYPE_TEXT,
			 .name = "soil",
			 .help = "x y",
			 .metavar = "A",
			 .preset = "-",
			 FIELD(soil)},
			"metavar"},
		{{.type = OPTION_TYPE_TEXT,
			 .name = "soil",
			 .help = "x y",
			 .metavar = "a||b",
			 .value = OPTION_VALUE_CHOICE,
			 FIELD(soil)},
			"metavar"},
		{{.type = OPTION_TYPE_COUNT,
			 .name = "rows",
			 .help = "x y",
			 .metavar = "N",
			 .least = 2,
			 .most = 1,
			 FIELD(rows)},
			"metavar"},
		{{.type = OPTION_TYPE_TEXT,
			 .name = "soil",
			 .help = "x y",
			 .metavar = "A",
			 .offset = sizeof(struct sow_settings)},
			"field"},
		{{.name = "quiet", .help = "x y", FIELD(dry)}, "there twice"},
		{{.name = "twin", .help = "x y", FIELD(dry)}, "there twice"},
		{{.name = "dry", .letter = 'V', .help = "x y", FIELD(dry)},
			"letter \"V\" is there twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct option_spec options[] = {rows[i].option,
			{.name = "twin", .help = "x y", FIELD(dry)},
			OPTION_END};
		struct command sow = command_sow;
		const struct command *const only[] = {&sow, NULL};
		struct program bad = farm;
		AUTO_RELEASE(error) err = ERROR_INIT;

		sow.options = options;
		bad.commands = only;
		assert_false(program_check(&bad, &err));
		if (!strstr(err.message, rows[i].expected))
			fail_msg("%zu: %s", i, err.message);
	}
}

static void a_mistake_in_a_command_is_found(void **state)
{
	struct command rows[7];
	AUTO_RELEASE(error) twice = ERROR_INIT;
	const struct command *const two[] = {
		&command_sow, &command_reap, &command_sow, NULL};
	struct program bad = farm;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = command_sow;
	rows[0].summary = "Put seeds";
	rows[1].summary = "put seeds.";
	rows[2].operands = NULL;
	rows[3].operands = "[FIELD...]";
	rows[4].most = 0;
	rows[5].report_kind = NULL;
	rows[6].run = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct command *const only[] = {&rows[i], NULL};
		AUTO_RELEASE(error) err = ERROR_INIT;

		bad.commands = only;
		if (program_check(&bad, &err))
			fail_msg("row %zu was taken", i);
	}
	bad.commands = two;
	assert_false(program_check(&bad, &twice));
	assert_string_equal(twice.message, "command \"sow\": there twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_where_they_like),
		cmocka_unit_test(a_wrong_line_is_refused_before_anything_runs),
		cmocka_unit_test(a_command_that_takes_no_operand_refuses_one),
		cmocka_unit_test(the_outcome_says_whose_json_object_is_missing),
		cmocka_unit_test(a_commands_own_failure_comes_back),
		cmocka_unit_test(help_shows_every_row_within_80_columns),
		cmocka_unit_test(a_description_has_a_fact_a_line),
		cmocka_unit_test(a_sound_table_is_taken),
		cmocka_unit_test(a_mistake_in_an_option_is_found),
		cmocka_unit_test(a_mistake_in_a_command_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
