/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prompt.h"
#include "cmd/commands.h"
#include "cmd/key_file.h"

struct seal_settings {
	bool change;
	const char *new_passphrase_file;
};

#define S struct seal_settings
static const struct option_spec seal_options[] = {
	OPTION_FLAG(S, change, "change",
		"give keys that are sealed a new passphrase"),
	OPTION_TEXT(S, new_passphrase_file, "new-passphrase-file", "FILE",
		"a file with the passphrase for --change",
		.value = OPTION_VALUE_INPUT),
	OPTION_END,
};

struct seal {
	struct context *context;
	struct key_files files;
	struct key *keys[KEY_FILES_MOST];
	struct secret *read;		 /* from a file */
	const struct secret *passphrase; /* that they get */
	bool change;
	bool is_done[KEY_FILES_MOST]; /* it has that passphrase already */
};

static void seal_release(struct seal *seal)
{
	for (size_t i = 0; i < seal->files.n_rows; i++)
		key_free(seal->keys[i]);
	key_files_release(&seal->files);
	secret_free(seal->read);
	context_free(seal->context);
}
DEFINE_AUTO_RELEASE(seal)

static bool is_to_change(const struct seal *seal, size_t i)
{
	enum key_custody custody = seal->files.rows[i].custody;

	return custody == KEY_PLAIN || (seal->change && custody == KEY_SEALED);
}

static bool has_work(const struct seal *seal)
{
	for (size_t i = 0; i < seal->files.n_rows; i++)
		if (is_to_change(seal, i))
			return true;
	return false;
}

static bool hand_over(void *data, const char *what, bool again,
	const struct secret **ret_passphrase, struct error *err)
{
	const struct seal *seal = data;

	(void)what, (void)again, (void)err;
	*ret_passphrase = seal->passphrase;
	return true;
}

/* With the passphrase that it gets. */
static bool open_with_new(struct seal *seal, const struct secret *text,
	struct key **ret_key, struct error *err)
{
	const struct key_custodian custodian = {
		.tries = 1, .passphrase = hand_over, .data = seal};

	return key_open(text, &custodian, ret_key, err);
}

/* A run that died between two keys gave the first its new passphrase. */
static bool is_sealed_anew(struct seal *seal, const struct key_file *file)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the old one's counts */
	AUTO_FREE(key) key = NULL;

	return file->custody == KEY_SEALED && seal->passphrase &&
	       open_with_new(seal, file->text, &key, &ignored);
}

static bool open_one(struct seal *seal, size_t i, struct error *err)
{
	const struct key_file *file = &seal->files.rows[i];

	if (file->custody == KEY_IN_TOKEN ||
		key_open(file->text,
			custody_of(seal->context->custody, file->path),
			&seal->keys[i], err))
		return true;
	seal->is_done[i] =
		err->kind == ERROR_INPUT && is_sealed_anew(seal, file);
	if (!seal->is_done[i])
		return error_context(err, "\"%s\"", file->path);
	error_release(err);
	return true;
}

/* All of them, so that one passphrase is known to open them. */
static bool open_keys(struct seal *seal, struct error *err)
{
	for (size_t i = 0; i < seal->files.n_rows; i++)
		if (!open_one(seal, i, err))
			return false;
	return true;
}

static bool read_passphrase(
	struct seal *seal, const S *settings, struct error *err)
{
	if (!settings->new_passphrase_file)
		return true;
	if (!passphrase_read_file(
		    settings->new_passphrase_file, &seal->read, err))
		return error_context(err, "--new-passphrase-file");
	seal->passphrase = seal->read;
	return true;
}

static bool choose_passphrase(struct seal *seal, struct error *err)
{
	struct custody *custody = seal->context->custody;
	const char *path = seal->files.rows[0].path;

	if (seal->passphrase)
		return true;
	if (seal->change)
		return custody_ask_new(custody, path, &seal->passphrase, err);
	seal->passphrase = custody_known(custody);
	return seal->passphrase ||
	       custody_choose(custody, path, &seal->passphrase, err);
}

/* What cannot be opened again must not take a key's place. */
static bool check_sealed(struct seal *seal, const struct secret *text,
	const struct key *key, struct error *err)
{
	AUTO_FREE(key) back = NULL;

	return open_with_new(seal, text, &back, err) &&
	       (der_equal(key_public(back), key_public(key)) ||
		       error_set(err, ERROR_FAILED,
			       "sealing: made another key of it"));
}

/* Whether a twin was faster is seen by what it left. */
static bool seal_one(
	struct seal *seal, size_t i, bool *ret_fresh, struct error *err)
{
	struct key_file *file = &seal->files.rows[i];
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the race is what counts */
	AUTO_FREE(secret) text = NULL;
	bool raced = false;

	if (!key_write_sealed(seal->keys[i], seal->passphrase, &text, err) ||
		!check_sealed(seal, text, seal->keys[i], err))
		return false;
	*ret_fresh = key_file_replace(seal->context, file, text, &raced, err);
	if (*ret_fresh)
		return true;
	if (!raced || file->custody != KEY_SEALED ||
		!check_sealed(seal, file->text, seal->keys[i], &ignored))
		return false;
	error_release(err);
	return true;
}

static bool seal_all(
	struct seal *seal, struct report *report, struct error *err)
{
	for (size_t i = 0; i < seal->files.n_rows; i++) {
		bool fresh = false;

		if (is_to_change(seal, i) && !seal->is_done[i] &&
			!seal_one(seal, i, &fresh, err))
			return false;
		key_file_row(report, &seal->files.rows[i],
			fresh ? "sealed" : "unchanged");
	}
	return true;
}

static bool check_usage(const S *settings, struct error *err)
{
	return settings->change || !settings->new_passphrase_file ||
	       error_set(err, ERROR_USAGE,
		       "--new-passphrase-file: goes with --change");
}

static bool seal_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(seal) seal = {.change = settings->change};
	AUTO_FREE(report) report = NULL;

	if (!check_usage(settings, err) ||
		!context_open(call, NEEDS_LEDGER_WRITE, &seal.context, err) ||
		!key_files_open(seal.context, &seal.files, err))
		return false;
	if (has_work(&seal) &&
		(!read_passphrase(&seal, settings, err) ||
			!open_keys(&seal, err) ||
			!choose_passphrase(&seal, err)))
		return false;
	report = context_report(call, key_file_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(report, seal_all(&seal, report, err), err);
}

const struct command command_seal = {
	.name = "seal",
	.summary = "put a CA's key under a passphrase, or under another one",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "SealReport",
	.options = seal_options,
	.settings_size = sizeof(S),
	.run = seal_run,
};
