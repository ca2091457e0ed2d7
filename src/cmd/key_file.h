/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include "cmd/context.h"

/*
 * The authorities' keys of a PKI directory, as files that are changed.
 *
 *	key_files_open     those that are there, each as it stands
 *	  key_open …       with nothing locked
 *	key_file_replace   one of them, by other text for the same key
 *
 * A file is replaced at once and durably: whoever reads it finds the old text
 * or the new, and after a crash there is no other file with a key in it.  Once
 * the new one has its name, the old one, which has none any more, is
 *overwritten and let go.
 */
struct key_file {
	char *path; /* as the operator says it */
	int dir;    /* where `name` is */
	const char *name;
	int fd;
	struct secret *text;
	enum key_custody custody;
};

/* In the order in which they are handled; the first is ca.key. */
#define KEY_FILES_MOST 6
struct key_files {
	struct key_file rows[KEY_FILES_MOST];
	size_t n_rows;
};

/* ERROR_REFUSED for a link, and for a file that has another name as well.  What
 * a process left that died while it replaced one is overwritten and removed.
 * Needs the ledger, whose lock is taken for a moment. */
MUST_CHECK bool key_files_open(const struct context *context,
	struct key_files *ret_files, struct error *err);

/* Takes the lock for a moment.  ERROR_FAILED, and *ret_raced, when the file is
 * another by now: then it has been read again, for who would look whether a twin
 * of this process made it what it was to be. */
MUST_CHECK bool key_file_replace(const struct context *context,
	struct key_file *file, const struct secret *text, bool *ret_raced,
	struct error *err);

void key_files_release(struct key_files *files);
DEFINE_AUTO_RELEASE(key_files)

/* A command's report of them. */
extern const struct report_column key_file_columns[];
void key_file_row(
	struct report *report, const struct key_file *file, const char *status);

#endif
