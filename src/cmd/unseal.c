/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/commands.h"
#include "cmd/key_file.h"

/* Whether a twin was faster is seen by what it left. */
static bool unseal_one(struct context *context, struct key_file *file,
	bool *ret_fresh, struct error *err)
{
	bool raced = false;
	AUTO_FREE(key) key = NULL;
	AUTO_FREE(secret) text = NULL;

	if (!key_open(file->text, custody_of(context->custody, file->path),
		    &key, err))
		return error_context(err, "\"%s\"", file->path);
	if (!key_write(key, &text, err))
		return false;
	*ret_fresh = key_file_replace(context, file, text, &raced, err);
	if (*ret_fresh)
		return true;
	if (!raced || !secret_equal(file->text, text))
		return false;
	error_release(err);
	return true;
}

static bool unseal_all(struct context *context, struct key_files *files,
	struct report *report, struct error *err)
{
	for (size_t i = 0; i < files->n_rows; i++) {
		struct key_file *file = &files->rows[i];
		bool fresh = false;

		if (file->custody == KEY_SEALED &&
			!unseal_one(context, file, &fresh, err))
			return false;
		key_file_row(report, file, fresh ? "unsealed" : "unchanged");
	}
	return true;
}

static bool unseal_run(const struct command_call *call, struct error *err)
{
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(key_files) files = {0};
	AUTO_FREE(report) report = NULL;

	if (!context_open(call, NEEDS_LEDGER_WRITE, &context, err) ||
		!key_files_open(context, &files, err))
		return false;
	report = context_report(call, key_file_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(
		report, unseal_all(context, &files, report, err), err);
}

const struct command command_unseal = {
	.name = "unseal",
	.summary = "take the passphrase from a CA's key",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "UnsealReport",
	.run = unseal_run,
};
