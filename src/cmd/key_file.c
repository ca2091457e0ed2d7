/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/affix.h"
#include "base/draft.h"
#include "base/file.h"

/* Where each may be. */
static const struct {
	const char *directory; /* in the PKI directory, or NULL */
	const char *name;
} places[KEY_FILES_MOST] = {
	{NULL, CA_KEY},
	{NULL, "front-proxy-ca.key"},
	{"etcd", "ca.key"},
	{ROTATION_DIRECTORY, "ca.key"},
	{ROTATION_DIRECTORY, "front-proxy-ca.key"},
	{ROTATION_DIRECTORY, "etcd-ca.key"},
};

const struct report_column key_file_columns[] = {
	{"status", "STATUS", 9},
	{"path", "PATH", 0},
	{NULL, NULL, 0},
};

/* -- opening -- */

static bool require_alone(
	const struct key_file *file, struct stat *ret_status, struct error *err)
{
	if (fstat(file->fd, ret_status))
		return error_errno(err, "\"%s\"", file->path);
	if (!S_ISREG(ret_status->st_mode))
		return error_set(
			err, ERROR_REFUSED, "\"%s\": is no file", file->path);
	if (ret_status->st_nlink > 1)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": has another name as well, which would keep "
			"what is changed here",
			file->path);
	return true;
}

static bool read_file(struct key_file *file, struct error *err)
{
	struct stat status;

	file->fd = UNINTERRUPTED(openat(file->dir, file->name,
		O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	if (file->fd < 0 && errno == ELOOP)
		return error_set(
			err, ERROR_REFUSED, "\"%s\": is a link", file->path);
	if (file->fd < 0)
		return error_errno(err, "\"%s\": cannot open", file->path);
	if (!require_alone(file, &status, err))
		return false;
	if (!file_read_secret(
		    file->dir, file->name, CA_KEY_MAX, &file->text, err) ||
		!key_text_custody(file->text, &file->custody, err))
		return error_context(err, "\"%s\"", file->path);
	return true;
}

static bool add_file(const struct context *context, size_t i,
	struct key_files *files, struct error *err)
{
	const char *directory = places[i].directory;
	AUTO_CLOSE dir = -1;
	struct key_file *file = &files->rows[files->n_rows];

	if (directory && !file_exists(context->dir, directory))
		return true;
	if (!directory_open_nofollow(
		    context->dir, directory ? directory : ".", &dir, err))
		return error_context(err, "\"%s\"", context->path);
	/* A CA whose key is elsewhere has none here; but this one has to. */
	if (i > 0 && !file_exists(dir, places[i].name))
		return true;
	files->n_rows++;
	*file = (struct key_file){.fd = -1, .name = places[i].name};
	file->path = memory_format("%s/%s%s%s", context->path,
		directory ? directory : "", directory ? "/" : "", file->name);
	file->dir = dir;
	dir = -1;
	return read_file(file, err);
}

/* -- what a process left that died while it replaced one -- */

static bool overwrite(int fd, off_t len, const char *label, struct error *err)
{
	static const unsigned char zeros[4096];

	for (off_t at = 0; at < len;) {
		off_t rest = len - at;
		ssize_t put = UNINTERRUPTED(pwrite(fd, zeros,
			rest < (off_t)sizeof(zeros) ? (size_t)rest
						    : sizeof(zeros),
			at));

		if (put <= 0)
			return error_errno(err, "cannot overwrite");
		at += put;
	}
	return file_sync(fd, label, err);
}

static bool remove_draft(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	AUTO_CLOSE fd = -1;
	struct stat status;

	(void)data;
	if (type != S_IFREG || !text_begins(name, DRAFT_PREFIX))
		return true;
	fd = UNINTERRUPTED(openat(
		dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
	if (fd < 0 || fstat(fd, &status))
		return error_errno(err, "\"%s\": is in the way", name);
	return overwrite(fd, status.st_size, name, err) &&
	       file_remove_tree(dir, name, err);
}

/* Under the lock nobody is at work on one. */
static bool remove_drafts(const struct context *context,
	const struct key_files *files, struct error *err)
{
	bool done = true;

	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	for (size_t i = 0; i < files->n_rows && done; i++)
		done = directory_each(files->rows[i].dir, context->path,
			remove_draft, NULL, err);
	ledger_unlock(context->ledger);
	return done;
}

bool key_files_open(const struct context *context, struct key_files *ret_files,
	struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!add_file(context, i, ret_files, err))
			return false;
	return remove_drafts(context, ret_files, err);
}

void key_files_release(struct key_files *files)
{
	for (size_t i = 0; i < files->n_rows; i++) {
		struct key_file *file = &files->rows[i];

		secret_free(file->text);
		file_auto_close(&file->fd);
		file_auto_close(&file->dir);
		free(file->path);
	}
}

/* -- replacing -- */

/* Somebody may have been as patient as we were. */
static bool require_unchanged(
	struct key_file *file, bool *ret_raced, struct error *err)
{
	AUTO_FREE(secret) text = NULL;
	struct stat here, there;

	if (!require_alone(file, &here, err) ||
		!file_read_secret(
			file->dir, file->name, CA_KEY_MAX, &text, err))
		return false;
	if (fstatat(file->dir, file->name, &there, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "\"%s\"", file->path);
	if (file_is_same(&here, &there) && secret_equal(text, file->text))
		return true;
	if (!key_text_custody(text, &file->custody, err))
		return error_context(err, "\"%s\"", file->path);
	secret_free(file->text);
	file->text = take(&text);
	*ret_raced = true;
	return error_set(err, ERROR_FAILED,
		"\"%s\": was changed in the meantime", file->path);
}

static bool exchange(const struct key_file *file, const struct secret *text,
	struct error *err)
{
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	const struct file_part part = {.secret = text};
	bool exists;

	if (!draft_open(file->dir, 0600, &draft, err) ||
		!file_write_parts(draft.fd, &part, 1, file->path, err) ||
		!draft_publish(&draft, file->name, true, &exists, err))
		return error_context(err, "\"%s\"", file->path);
	return overwrite(file->fd, (off_t)secret_len(file->text), file->path,
		       err) ||
	       error_context(err, "\"%s\": was replaced, and what it held",
		       file->path);
}

bool key_file_replace(const struct context *context, struct key_file *file,
	const struct secret *text, bool *ret_raced, struct error *err)
{
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = require_unchanged(file, ret_raced, err) &&
	       exchange(file, text, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- reporting -- */

void key_file_row(
	struct report *report, const struct key_file *file, const char *status)
{
	struct document *row = document_new_map();

	document_put_text(row, "status", status);
	document_put_text(row, "path", file->path);
	report_row(report, row);
}
