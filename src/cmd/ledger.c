/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/ledger.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/source.h"
#include "cmd/commands.h"
#include "cmd/product.h"

#define CHECKPOINTS_MAX ((size_t)1 << 20) /* of a file of them */

#define S struct ledger_settings
static const struct option_spec ledger_options[] = {
	OPTION_TEXT(S, checkpoint, "checkpoint", "FILE|TEXT",
		"verify: was the ledger once as far as this says",
		.value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, out, "out", "FILE",
		"checkpoint: where it goes; - is standard output",
		.preset = "standard output", .value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, node, "node", "NODE",
		"import: the host of certificates that do not say whose they "
		"are"),
	OPTION_TEXT(S, profile, "profile", "PROFILE",
		"import: of which profile they are, where it could be "
		"several"),
	OPTION_FLAG(S, allow_clock_back, "allow-clock-back",
		"import: go on although the clock is behind the ledger, and "
		"record it"),
	OPTION_END,
};

static bool open_ledger(const struct command_call *call,
	struct context **ret_context, struct error *err)
{
	AUTO_FREE(context) context = NULL;

	if (!context_open(call, NEEDS_LEDGER, &context, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_SHARED,
			context->lock_timeout, err))
		return false;
	*ret_context = take(&context);
	return true;
}

/* -- verify -- */

static const struct report_column verify_columns[] = {
	{"status", "STATUS", 0},
	{"path", "LEDGER", 0},
	{"entries", "ENTRIES", 0},
	{"at", "LAST", 0},
	{"checkpoint", "CHECKPOINT", 0},
	{"held", "HELD AGAINST", 0},
	{NULL, NULL, 0},
};

static bool check_one(struct ledger *ledger,
	const struct checkpoint *checkpoint, int64_t *n_held, struct error *err)
{
	if (!ledger_check_checkpoint(ledger, checkpoint, err))
		return false;
	++*n_held;
	return true;
}

/* A notebook: a checkpoint a line, "#" begins a comment. */
static bool check_file(struct ledger *ledger, const char *path, int64_t *n_held,
	struct error *err)
{
	AUTO_FREE(source) source = NULL;
	struct checkpoint checkpoint;
	const char *line;
	unsigned number;

	if (!source_open(path, CHECKPOINTS_MAX, &source, err))
		return false;
	for (;;) {
		if (!source_line(source, &line, &number, err))
			return false;
		if (!line)
			break;
		line += strspn(line, " \t");
		if (*line && *line != '#' &&
			(!checkpoint_parse(line, &checkpoint, err) ||
				!check_one(ledger, &checkpoint, n_held, err)))
			return error_at(err, source_name(source), number);
	}
	return *n_held > 0 ||
	       error_set(err, ERROR_INPUT, "\"%s\": no checkpoint in it", path);
}

static bool check_against(struct ledger *ledger, const char *checkpoint,
	int64_t *n_held, struct error *err)
{
	size_t len = strlen(CHECKPOINT_MARK " ");
	struct checkpoint parsed;

	if (!checkpoint)
		return true;
	if (strncasecmp(checkpoint, CHECKPOINT_MARK " ", len))
		return check_file(ledger, checkpoint, n_held, err);
	if (!checkpoint_parse(checkpoint, &parsed, err))
		return context_blame(err, "--checkpoint");
	return check_one(ledger, &parsed, n_held, err);
}

static void put_checkpoint(struct document *row,
	const struct checkpoint *checkpoint, const char *text)
{

	document_put(row, "entries", document_new_integer(checkpoint->count));
	document_put_instant(row, "at", checkpoint->at);
	document_put_text(row, "checkpoint", text);
}

static bool verify(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	AUTO_TEXT text = NULL;
	struct checkpoint checkpoint;
	struct document *row;
	int64_t n_held = 0;

	if (!open_ledger(call, &context, err) ||
		!ledger_verify(context->ledger, err) ||
		!check_against(
			context->ledger, settings->checkpoint, &n_held, err) ||
		!ledger_checkpoint(context->ledger, &checkpoint, err) ||
		!checkpoint_format(&checkpoint, &text, err))
		return false;
	row = document_new_map();
	document_put_text(row, "status", "verified");
	document_put_text(row, "path", context->path);
	put_checkpoint(row, &checkpoint, text);
	document_put(row, "held", document_new_integer(n_held));
	report = context_report(call, verify_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_RECORD, stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

/* -- checkpoint -- */

static bool report_checkpoint(const struct command_call *call,
	const struct checkpoint *checkpoint, const char *text,
	struct error *err)
{
	struct document *row = document_new_map();
	AUTO_FREE(report)
	report = context_report(call, verify_columns, REPORT_SILENT, stdout);

	put_checkpoint(row, checkpoint, text);
	report_row(report, row);
	return report_close(report, true, err);
}

static bool checkpoint(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(buffer) line = BUFFER_INIT;
	AUTO_TEXT text = NULL;
	struct checkpoint checkpoint;

	if (!open_ledger(call, &context, err) ||
		!context_check_out(context, settings->out, err) ||
		!ledger_verify(context->ledger, err) ||
		!ledger_checkpoint(context->ledger, &checkpoint, err) ||
		!checkpoint_format(&checkpoint, &text, err))
		return false;
	if (call->shared->json && !settings->out)
		return report_checkpoint(call, &checkpoint, text, err);
	buffer_format(&line, "%s\n", text);
	return product_check_usage(call, settings->out, err) &&
	       product_deliver(call, settings->out, &line, err);
}

/* -- the table -- */

static const struct action {
	const char *name;
	const char *paths;    /* what it takes besides, or NULL … */
	unsigned least, most; /* … and how many */
	bool json;
	bool (*run)(const struct command_call *call, struct error *err);
} actions[] = {
	{"verify", NULL, 0, 0, true, verify},
	{"export", NULL, 0, 0, false, ledger_run_export},
	{"diff", "PATH [PATH]", 1, 2, true, ledger_run_diff},
	{"checkpoint", NULL, 0, 0, true, checkpoint},
	{"import", "PATH...", 1, UINT_MAX, true, ledger_run_import},
};

/* Which action an option goes with. */
static bool check_options(
	const struct action *action, const S *settings, struct error *err)
{
	const struct {
		const char *option, *action;
		bool given;
	} rows[] = {
		{"checkpoint", "verify", settings->checkpoint != NULL},
		{"out", "checkpoint", settings->out != NULL},
		{"node", "import", settings->node != NULL},
		{"profile", "import", settings->profile != NULL},
		{"allow-clock-back", "import", settings->allow_clock_back},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].given && strcmp(rows[i].action, action->name))
			return error_set(err, ERROR_USAGE,
				"option \"--%s\": goes with ledger %s",
				rows[i].option, rows[i].action);
	return true;
}

static bool check_operands(const struct command_call *call,
	const struct action *action, struct error *err)
{
	size_t n = call->n_operands - 1;

	if (n < action->least)
		return error_set(err, ERROR_USAGE, "ledger %s: needs %s",
			action->name, action->paths);
	if (n > action->most)
		return error_set(err, ERROR_USAGE,
			"operand \"%s\": ledger %s takes %s",
			call->operands[1 + action->most], action->name,
			action->paths ? action->paths : "none");
	if (call->shared->json && !action->json)
		return error_set(err, ERROR_USAGE,
			"--json: ledger %s prints JSON Lines, and no report",
			action->name);
	return true;
}

static const struct action *find_action(const char *name, struct error *err)
{
	const char *names[ARRAY_SIZE(actions)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!strcmp(actions[i].name, name))
			return &actions[i];
		names[i] = actions[i].name;
	}
	near = nearest(name, names, ARRAY_SIZE(names));
	if (near)
		error_set(err, ERROR_USAGE,
			"ledger \"%s\": unknown, did you mean %s?", name, near);
	else
		error_set(err, ERROR_USAGE,
			"ledger \"%s\": not one of "
			"verify|export|diff|checkpoint|import",
			name);
	return NULL;
}

static bool ledger_run(const struct command_call *call, struct error *err)
{
	const struct action *action = find_action(call->operands[0], err);

	return action && check_options(action, call->settings, err) &&
	       check_operands(call, action, err) && action->run(call, err);
}

const struct command command_ledger = {
	.name = "ledger",
	.summary = "check, export, compare, note down or rebuild the ledger",
	.operands = "verify|export|diff|checkpoint|import [PATH...]",
	.least = 1,
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "LedgerReport",
	.options = ledger_options,
	.settings_size = sizeof(S),
	.run = ledger_run,
};
