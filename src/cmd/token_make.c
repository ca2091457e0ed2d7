/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/token_make.h"

#include <string.h>

#include "pki/release.h"

const struct report_column token_columns[] = {
	{"status", "STATUS", 9},
	{"node", "NODE", 20},
	{"id", "ID", 6},
	{"path", "PATH", 28},
	{"notAfter", "EXPIRES", 20},
	{"groups", NULL, 0},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

static bool draw(const struct token_wish *wish, struct token **ret_token,
	struct error *err)
{
	AUTO_FREE(token) token = NULL;

	if (!token_new(wish->kind, &token, err))
		return false;
	token->usages = wish->usages;
	token->expires = wish->expires;
	token->expiry = wish->expiry;
	for (size_t i = 0; i < wish->groups->n_items; i++)
		if (!token_add_group(token, wish->groups->items[i], err))
			return false;
	if (wish->description &&
		!token_set_description(token, wish->description, err))
		return false;
	if (wish->kind == TOKEN_STATIC &&
		!token_set_user(token, wish->user, wish->uid, err))
		return false;
	*ret_token = take(&token);
	return true;
}

static bool mark_node(const struct token_wish *wish, const char *node,
	struct token *token, struct error *err)
{
	AUTO_TEXT description = memory_format("node %s", node);
	char group[TOKEN_NODE_GROUP];

	return token_node_group(node, group, err) &&
	       token_add_group(token, group, err) &&
	       (wish->description ||
		       token_set_description(token, description, err));
}

static bool is_used(struct ledger *ledger, const struct token *token,
	bool *ret_used, struct error *err)
{
	AUTO_TEXT id = NULL;
	struct ledger_row row;

	return token_public_id(token, &id, err) &&
	       ledger_token(ledger, id, instant_now(), &row, ret_used, err);
}

bool token_make(const struct token_wish *wish, const char *node,
	struct ledger *ledger, struct token **ret_token, struct error *err)
{
	bool used = true;

	while (used) {
		AUTO_FREE(token) token = NULL;

		if (!draw(wish, &token, err) ||
			(node && !mark_node(wish, node, token, err)) ||
			!is_used(ledger, token, &used, err))
			return false;
		if (!used)
			*ret_token = take(&token);
	}
	return true;
}

struct ledger_token token_entry(const struct token *token, const char *id,
	const char *node, int64_t supersedes)
{
	return (struct ledger_token){.id = id,
		.kind = token->kind == TOKEN_STATIC ? "static-token"
						    : "bootstrap-token",
		.name = node ? node : "",
		.groups = token->groups,
		.not_after = token->expires ? token->expiry : LEDGER_NEVER,
		.supersedes = supersedes};
}

bool token_stage(const struct token *token, enum token_format format, int dir,
	const char *name, struct sha256 *ret_hash, struct error *err)
{
	AUTO_RELEASE(gap) gap = GAP_INIT;
	struct file_part parts[GAP_PARTS];

	if (!token_write(token, format, &gap, err))
		return false;
	gap_fill(&gap, token->secret, parts);
	return release_write(dir, name, parts, GAP_PARTS, ret_hash, err);
}

struct document *token_groups(const char *groups)
{
	struct document *list = document_new_list();

	while (*groups) {
		size_t len = strcspn(groups, ",");
		AUTO_TEXT group = memory_text_n(groups, len);

		document_append(list, document_new_text(group));
		groups += len + (groups[len] == ',');
	}
	return list;
}

struct document *token_row(const char *status, const char *node,
	const struct token *token, const char *id, const char *path,
	const char *reason)
{
	struct document *row = document_new_map();

	document_put_text(row, "status", status);
	if (node && *node)
		document_put_text(row, "node", node);
	if (id)
		document_put_text(row, "id", id);
	if (path)
		document_put_text(row, "path", path);
	if (token && token->expires)
		document_put_instant(row, "notAfter", token->expiry);
	if (token)
		document_put(row, "groups", token_groups(token->groups));
	if (reason)
		document_put_text(row, "reason", reason);
	return row;
}
