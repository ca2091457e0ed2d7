/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/bundle_secrets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/token_all.h"
#include "cmd/token_batch.h"
#include "kube/token_read.h"

#define STREAM_DIRECTORY "bootstrap_tokens"

/* Names of nodes, sorted. */
struct names {
	char **items;
	size_t n_items, allocated;
};

struct update {
	const struct batch *batch;
	int out;
	struct draft draft;
	struct names written;
	struct names there; /* what may be bundles */
};

/* Where it is, or would be. */
static size_t names_seek(
	const struct names *names, const char *name, bool *ret_found)
{
	size_t from = 0, to = names->n_items;

	*ret_found = false;
	while (from < to && !*ret_found) {
		size_t middle = from + (to - from) / 2;
		int order = strcmp(name, names->items[middle]);

		*ret_found = order == 0;
		if (order > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return to;
}

/* False: it was there already. */
static bool names_add(struct names *names, const char *name)
{
	bool found;
	size_t at = names_seek(names, name, &found);

	if (found)
		return false;
	names->items = memory_grow(names->items, &names->allocated,
		names->n_items + 1, sizeof(*names->items));
	memmove(&names->items[at + 1], &names->items[at],
		(names->n_items - at) * sizeof(*names->items));
	names->items[at] = memory_text(name);
	names->n_items++;
	return true;
}

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free(names->items[i]);
	free(names->items);
}

static void update_release(struct update *update)
{
	names_release(&update->written);
	names_release(&update->there);
	draft_release(&update->draft);
}

DEFINE_AUTO_RELEASE(update)

static bool write_secret(
	struct update *update, const struct token *token, struct error *err)
{
	static const struct file_part begin = {"---\n", 4, NULL};
	AUTO_RELEASE(gap) gap = GAP_INIT;
	struct file_part parts[GAP_PARTS];

	if (!token_write(token, TOKEN_MANIFEST, &gap, err))
		return false;
	gap_fill(&gap, token->secret, parts);
	return file_write_parts(
		       update->draft.fd, &begin, 1, TOKEN_BATCH_ALL, err) &&
	       file_write_parts(update->draft.fd, parts, GAP_PARTS,
		       TOKEN_BATCH_ALL, err);
}

/* -- what the file has -- */

static bool read_file(const struct batch *batch, int out, token_visit *visit,
	void *data, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/" TOKEN_BATCH_ALL, batch->out);
	AUTO_FREE(source) source = NULL;
	struct stat status;

	if (fstatat(out, TOKEN_BATCH_ALL, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT || error_errno(err, "\"%s\"", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_INPUT, "\"%s\": is no file", path);
	return source_open(path, TOKEN_SOURCE_MAX, &source, err) &&
	       token_read(source, visit, data, err);
}

static bool pass_over(void *data, struct token **token, struct error *err)
{
	(void)data;
	(void)token;
	(void)err;
	return true;
}

static bool keep_live(void *data, struct token **token, struct error *err)
{
	struct update *update = data;
	const struct context *context = update->batch->context;
	AUTO_TEXT id = NULL;
	struct ledger_row row;
	bool found = false;

	if (!token_public_id(*token, &id, err) ||
		!ledger_token(
			context->ledger, id, context->now, &row, &found, err))
		return false;
	return !found || strcmp(row.status, "live") ||
	       !names_add(&update->written, row.name) ||
	       write_secret(update, *token, err);
}

/* -- what bundles have -- */

static bool remember(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	static const char end[] = ".tar";
	struct update *update = data;
	size_t len = strlen(name), end_len = strlen(end);
	bool tar = type == S_IFREG && len > end_len &&
		   !strcmp(name + len - end_len, end);
	AUTO_TEXT node = memory_text_n(name, tar ? len - end_len : len);
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* no node's, then */

	(void)dir;
	(void)err;
	if ((tar || type == S_IFDIR) && node_name_check(node, &ignored))
		names_add(&update->there, node);
	return true;
}

static bool find_token(const struct update *update, const struct node *node,
	struct token **ret_token, struct error *err)
{
	static const enum bundle_format formats[] = {
		BUNDLE_DIRECTORY, BUNDLE_TAR};

	for (size_t i = 0; !*ret_token && i < ARRAY_SIZE(formats); i++) {
		AUTO_RELEASE(place) place = PLACE_INIT;

		if (!place_look(update->out, node, formats[i], &place, err))
			return false;
		*ret_token = take(&place.token);
	}
	return true;
}

/* The bundle has the token alone; the rest is as it was recorded. */
static bool describe(
	struct token *token, const struct ledger_row *row, struct error *err)
{
	AUTO_TEXT text = memory_format("node %s", row->name);
	AUTO_TEXT groups = memory_text(row->detail);

	token->described = token->expires = true;
	token->usages = TOKEN_AUTHENTICATION;
	token->expiry = row->not_after;
	for (char *at = groups, *group; (group = strsep(&at, ","));)
		if (!token_add_group(token, group, err))
			return false;
	return token_set_description(token, text, err);
}

static bool add_node(struct update *update, const char *name, struct error *err)
{
	const struct context *context = update->batch->context;
	const struct node node = {.name = name};
	AUTO_FREE(token) token = NULL;
	struct ledger_row row;
	bool found = false;

	names_seek(&update->written, name, &found);
	if (found)
		return true;
	if (!ledger_token_of(
		    context->ledger, name, context->now, &row, &found, err))
		return false;
	if (!found || row.ca == 0)
		return true;
	if (!find_token(update, &node, &token, err))
		return false;
	if (!token || row.serial.len != strlen(token->id) ||
		memcmp(token->id, row.serial.bytes, row.serial.len) != 0)
		return true;
	names_add(&update->written, name);
	return describe(token, &row, err) && write_secret(update, token, err);
}

static bool add_bundles(struct update *update, struct error *err)
{
	if (!directory_each(
		    update->out, update->batch->out, remember, update, err))
		return false;
	for (size_t i = 0; i < update->there.n_items; i++)
		if (!add_node(update, update->there.items[i], err))
			return false;
	return true;
}

/* -- the whole -- */

static bool is_there(const struct batch *batch, int out)
{
	return batch->wish || file_exists(out, TOKEN_BATCH_ALL);
}

bool bundle_secrets_check(const struct batch *batch, int out, struct error *err)
{
	return read_file(batch, out, pass_over, NULL, err);
}

bool bundle_secrets_update(
	const struct batch *batch, int out, struct error *err)
{
	AUTO_RELEASE(update)
	update = {.batch = batch, .out = out, .draft = DRAFT_INIT};

	if (!is_there(batch, out))
		return true;
	if (!draft_open(out, 0600, &update.draft, err) ||
		!read_file(batch, out, keep_live, &update, err) ||
		!add_bundles(&update, err))
		return false;
	if (update.written.n_items == 0)
		return file_remove_tree(out, TOKEN_BATCH_ALL, err);
	return token_all_publish(out, &update.draft, err);
}

bool bundle_secrets_add(int fd, const char *label, const struct node *node,
	const struct token *token, struct instant mtime, struct error *err)
{
	AUTO_TEXT path = memory_format(STREAM_DIRECTORY "/%s.yaml", node->name);
	AUTO_RELEASE(gap) gap = GAP_INIT;
	struct tree_entry entries[] = {
		{.kind = TREE_DIRECTORY,
			.path = STREAM_DIRECTORY,
			.mode = 0700},
		{.kind = TREE_FILE,
			.path = path,
			.mode = 0600,
			.n_parts = GAP_PARTS},
	};

	if (!token_write(token, TOKEN_MANIFEST, &gap, err))
		return false;
	gap_fill(&gap, token->secret, entries[1].parts);
	return tree_write_tar(
		fd, label, "", entries, ARRAY_SIZE(entries), mtime, err);
}
