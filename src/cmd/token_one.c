/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/token_one.h"

#include <fcntl.h>
#include <unistd.h>

#include "cmd/stream.h"
#include "pki/release.h"

static bool report(const struct token_one *one, const struct token *token,
	const char *id, const char *path, struct error *err)
{
	bool quiet = one->call->shared->quiet;
	AUTO_FREE(report)
	report = context_report(one->call, token_columns,
		quiet ? REPORT_SILENT : REPORT_TEXT, path ? stdout : stderr);

	report_row(report, token_row("issued", NULL, token, id, path, NULL));
	return report_close(report, true, err);
}

/* -- to standard output -- */

static bool record(const struct token_one *one, struct token **ret_token,
	char **ret_id, struct error *err)
{
	struct ledger *ledger = one->context->ledger;
	struct ledger_token entry;
	int64_t event;

	if (!token_make(one->wish, NULL, ledger, ret_token, err) ||
		!token_public_id(*ret_token, ret_id, err))
		return false;
	entry = token_entry(*ret_token, *ret_id, NULL, 0);
	return ledger_begin(ledger, instant_now(), one->clock_back, err) &&
	       ledger_add_token(ledger, &entry, &event, err) &&
	       ledger_commit(ledger, err);
}

static bool print(const struct token_one *one, const struct token *token,
	const char *id, struct error *err)
{
	AUTO_RELEASE(gap) gap = GAP_INIT;
	struct file_part parts[GAP_PARTS];

	if (!token_write(token, one->wish->format, &gap, err))
		return false;
	stream_warn();
	gap_fill(&gap, token->secret, parts);
	return file_write_parts(STDOUT_FILENO, parts, GAP_PARTS,
		       "standard output", err) ||
	       error_context(err,
		       "token \"%s\" was recorded, and did not get out", id);
}

bool token_one_print(const struct token_one *one, struct error *err)
{
	AUTO_FREE(token) token = NULL;
	AUTO_TEXT id = NULL;
	bool done;

	if (!ledger_lock(one->context->ledger, FILE_LOCK_EXCLUSIVE,
		    one->context->lock_timeout, err))
		return false;
	done = record(one, &token, &id, err);
	ledger_unlock(one->context->ledger);
	return done && print(one, token, id, err) &&
	       report(one, token, id, NULL, err);
}

/* -- to a file -- */

static bool make(const struct token_one *one, struct token **ret_token,
	char **ret_id, struct error *err)
{
	struct ledger *ledger = one->context->ledger;
	bool done;

	if (!ledger_lock(
		    ledger, FILE_LOCK_SHARED, one->context->lock_timeout, err))
		return false;
	done = token_make(one->wish, NULL, ledger, ret_token, err);
	ledger_unlock(ledger);
	return done && token_public_id(*ret_token, ret_id, err);
}

static bool publish(const struct token_one *one, struct release *release,
	const struct token *token, const char *id, const char *name,
	struct error *err)
{
	struct ledger_token entry = token_entry(token, id, NULL, 0);
	struct release_item item = {.name = id,
		.staged = name,
		.target = name,
		.witness = "",
		.token = &entry};

	if (!token_stage(token, one->wish->format,
		    release_directory(release, 0), name, &item.hash, err) ||
		!release_commit(release, &item, 1, err))
		return false;
	if (item.error.kind)
		error_move(err, &item.error);
	return item.state == RELEASE_PUBLISHED;
}

bool token_one_save(
	const struct token_one *one, const char *path, struct error *err)
{
	const struct release_settings settings = {
		.lock_timeout = one->context->lock_timeout,
		.clock_back = one->clock_back,
		.n_workers = 1,
		.warn = context_warn};
	AUTO_FREE(release) release = NULL;
	AUTO_FREE(token) token = NULL;
	AUTO_TEXT directory = NULL;
	AUTO_TEXT id = NULL;
	const char *name;

	if (!context_split_out(path, &directory, &name, err))
		return false;
	if (file_exists(AT_FDCWD, path))
		return error_set(
			err, ERROR_REFUSED, "\"%s\": is there already", path);
	return make(one, &token, &id, err) &&
	       release_open(one->context->ledger, directory, &settings,
		       &release, err) &&
	       publish(one, release, token, id, name, err) &&
	       release_close(release, err) && report(one, token, id, path, err);
}
