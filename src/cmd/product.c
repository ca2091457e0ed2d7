/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/product.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "cmd/context.h"

static const struct report_column product_columns[] = {
	{"status", "STATUS", 9},
	{"path", "PATH", 0},
	{NULL, NULL, 0},
};

bool product_is_stream(const char *out)
{
	return !out || !strcmp(out, "-");
}

bool product_check_usage(
	const struct command_call *call, const char *out, struct error *err)
{
	if (call->shared->json && product_is_stream(out))
		return error_set(err, ERROR_USAGE,
			"--json needs --out FILE: without it standard output "
			"has the product");
	return true;
}

/* Opens the directory of a path; *ret_name is the rest. */
static bool open_parent(const char *path, int *ret_dir, const char **ret_name,
	struct error *err)
{
	AUTO_TEXT parent = NULL;

	return context_split_out(path, &parent, ret_name, err) &&
	       directory_open(AT_FDCWD, parent, ret_dir, err);
}

static bool compare(int dir, const char *name, const char *path,
	const struct buffer *text, struct error *err)
{
	AUTO_RELEASE(buffer) is = BUFFER_INIT;
	AUTO_RELEASE(error) longer = ERROR_INIT;

	if (!file_read(dir, name, text->len, &is, &longer)) {
		if (longer.kind != ERROR_INPUT) {
			error_move(err, &longer);
			return false;
		}
	} else if (is.len == text->len &&
		   !memcmp(is.data, text->data, text->len))
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s\": is there and says something else", path);
}

/* *ret_exists: somebody was faster. */
static bool create(int dir, const char *name, const char *path,
	const struct buffer *text, bool *ret_exists, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};
	AUTO_RELEASE(draft) draft = DRAFT_INIT;

	return draft_open(dir, 0644, &draft, err) &&
	       file_write_parts(draft.fd, &part, 1, path, err) &&
	       draft_publish(&draft, name, false, ret_exists, err);
}

bool product_save(const char *path, const struct buffer *text, bool *ret_fresh,
	struct error *err)
{
	AUTO_CLOSE dir = -1;
	const char *name;
	bool exists;

	if (!open_parent(path, &dir, &name, err))
		return false;
	exists = file_exists(dir, name);
	if (!exists && create(dir, name, path, text, &exists, err)) {
		*ret_fresh = true;
		return true;
	}
	if (!exists || !compare(dir, name, path, text, err))
		return false;
	*ret_fresh = false;
	return true;
}

static bool make_parent(int dir, const char *name, struct error *err)
{
	const char *slash = strchr(name, '/');
	AUTO_TEXT parent = NULL;

	if (!slash)
		return true;
	parent = memory_text_n(name, (size_t)(slash - name));
	return file_exists(dir, parent) ||
	       directory_create(dir, parent, 0755, err);
}

bool product_save_in(const char *out, const char *name,
	const struct buffer *text, bool *ret_fresh, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/%s", out, name);
	AUTO_CLOSE dir = -1;

	return directory_ensure(out, &dir, err) &&
	       make_parent(dir, name, err) &&
	       product_save(path, text, ret_fresh, err);
}

bool product_print(const struct buffer *text, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};

	return file_write_parts(
		STDOUT_FILENO, &part, 1, "standard output", err);
}

bool product_deliver(const struct command_call *call, const char *out,
	const struct buffer *text, struct error *err)
{
	AUTO_FREE(report) report = NULL;
	bool fresh;

	if (product_is_stream(out))
		return product_print(text, err);
	if (!product_save(out, text, &fresh, err))
		return false;
	report = product_report(call);
	product_row(report, out, fresh);
	return report_close(report, true, err);
}

struct report *product_report(const struct command_call *call)
{
	return context_report(call, product_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
}

void product_row(struct report *report, const char *path, bool fresh)
{
	struct document *row = document_new_map();

	document_put_text(row, "status", fresh ? "issued" : "unchanged");
	document_put_text(row, "path", path);
	report_row(report, row);
}
