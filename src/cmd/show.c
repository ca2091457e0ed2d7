/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "verify/collection.h"
#include "verify/describe.h"

static const struct report_column show_columns[] = {
	{"file", "FILE", 0},
	{"line", "LINE", 0},
	{"kind", "KIND", 0},
	{"embeddedIn", "EMBEDDED IN", 0},
	{"name", "NAME", 0},
	{"namespace", "NAMESPACE", 0},
	{"problem", "PROBLEM", 0},
	{"meaning", "MEANING", 0},
	{"profile", "PROFILE", 0},
	{"nearestProfile", "NEAREST", 0},
	{"differs", "DIFFERS", 0},
	{"consumer", "CONSUMER", 0},
	{"subject", "SUBJECT", 0},
	{"issuer", "ISSUER", 0},
	{"names", "NAMES", 0},
	{"usages", "USAGES", 0},
	{"purposes", "PURPOSES", 0},
	{"notBefore", "NOT BEFORE", 0},
	{"notAfter", "NOT AFTER", 0},
	{"serial", "SERIAL", 0},
	{"key", "KEY", 0},
	{"pin", "PIN", 0},
	{"fingerprint", "FINGERPRINT", 0},
	{"flaws", "FLAWS", 0},
	{"context", "CONTEXT", 0},
	{"cluster", "CLUSTER", 0},
	{"server", "SERVER", 0},
	{"id", "ID", 0},
	{"user", "USER", 0},
	{"uid", "UID", 0},
	{"groups", "GROUPS", 0},
	{"expires", "EXPIRES", 0},
	{"description", "DESCRIPTION", 0},
	{NULL, NULL, 0},
};

struct showing {
	struct report *report;
	struct instant at;
	size_t n_shown;
	struct error *broken; /* of the first artifact that cannot be read */
};

static void note_problem(
	struct showing *showing, const struct artifact *artifact)
{
	if (artifact->kind != ARTIFACT_UNREADABLE ||
		showing->broken->kind != ERROR_NONE)
		return;
	(void)error_set(
		showing->broken, ERROR_INPUT, "%s", artifact->problem);
	(void)error_at(showing->broken, artifact->file->path, artifact->line);
}

static void note_file(struct showing *showing, const struct file *file)
{
	if (!file->problem || showing->broken->kind != ERROR_NONE)
		return;
	(void)error_set(showing->broken, ERROR_INPUT, "%s", file->problem);
	(void)error_at(showing->broken, file->path, 0);
}

static bool show_unit(void *data, struct unit *unit, struct error *err)
{
	struct showing *showing = data;

	(void)err;
	for (size_t i = 0; i < unit->n_files; i++) {
		const struct file *file = unit->files[i];

		note_file(showing, file);
		for (size_t k = 0; k < file->n_artifacts; k++) {
			note_problem(showing, file->artifacts[k]);
			report_row(showing->report,
				describe_artifact(
					file->artifacts[k], showing->at));
			showing->n_shown++;
		}
	}
	return true;
}

static bool show_stdin(struct showing *showing, struct error *err)
{
	AUTO_FREE(unit) unit = unit_new(UNIT_FILES, "", NULL);
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(secret) bytes = NULL;
	struct file *file;

	if (!source_open("-", TREE_READ_FILE_MAX, &source, err) ||
		!source_read_secret(source, TREE_READ_FILE_MAX, &bytes, err))
		return false;
	file = unit_add(unit, source_name(source));
	file_classify(file, bytes);
	unit_seal(unit);
	return show_unit(showing, unit, err);
}

static bool show_path(
	struct showing *showing, const char *path, struct error *err)
{
	AUTO_RELEASE(collection) collection = COLLECTION_INIT;

	if (strcmp(path, "-") == 0)
		return show_stdin(showing, err);
	if (!collection_read(&collection, &path, 1, err))
		return false;
	for (size_t i = 0; i < collection.n_units; i++)
		if (!show_unit(showing, collection.units[i], err))
			return false;
	return collection_each(&collection, show_unit, showing, err);
}

static bool show_all(const struct command_call *call, struct showing *showing,
	struct error *err)
{
	for (size_t i = 0; i < call->n_operands; i++) {
		size_t before = showing->n_shown;

		if (!show_path(showing, call->operands[i], err))
			return false;
		if (showing->n_shown == before &&
			showing->broken->kind == ERROR_NONE)
			return error_set(err, ERROR_INPUT,
				"\"%s\": holds no certificate, request, key, "
				"kubeconfig, token or role",
				call->operands[i]);
	}
	if (showing->broken->kind == ERROR_NONE)
		return true;
	error_move(err, showing->broken);
	return false;
}

static bool show_run(const struct command_call *call, struct error *err)
{
	AUTO_RELEASE(error) broken = ERROR_INIT;
	AUTO_FREE(report) report = NULL;
	struct showing showing = {.broken = &broken};

	if (!context_at(call, &showing.at, err))
		return false;
	report = context_report(call, show_columns, REPORT_PAGE, stdout);
	showing.report = report;
	return report_close(report, show_all(call, &showing, err), err);
}

const struct command command_show = {
	.name = "show",
	.summary = "explain a certificate, kubeconfig, token or bundle",
	.operands = "FILE...",
	.least = 1,
	.most = UINT_MAX,
	.reads_operands = true,
	.takes = TAKES_JSON | TAKES_AT,
	.report_kind = "Description",
	.run = show_run,
};
