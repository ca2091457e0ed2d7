/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/sign_item.h"

#include <stdlib.h>

#include "pki/digest.h"

struct sign_item *sign_add(
	struct sign *sign, const char *label, const char *file, unsigned line)
{
	struct sign_item *item;

	sign->items = memory_grow(sign->items, &sign->allocated,
		sign->n_items + 1, sizeof(*sign->items));
	item = &sign->items[sign->n_items++];
	*item = (struct sign_item){.label = memory_text(label),
		.file = memory_text(file),
		.line = line};
	return item;
}

static void release_item(struct sign_item *item)
{
	if (item->object)
		csr_object_free(item->object);
	else
		request_free(item->request);
	certificate_free(item->certificate);
	error_release(&item->error);
	free(item->label);
	free(item->file);
	free(item->path);
}

void sign_forget(struct sign *sign, size_t n)
{
	while (sign->n_items > n)
		release_item(&sign->items[--sign->n_items]);
}

void sign_release(struct sign *sign)
{
	sign_forget(sign, 0);
	free(sign->items);
}

const char *sign_item_name(const struct sign_item *item)
{
	if (item->grant.holder.node)
		return item->grant.holder.node->name;
	return item->grant.holder.user ? item->grant.holder.user : "-";
}

/* -- the report -- */

const struct report_column sign_columns[] = {
	{"status", "STATUS", 9},
	{"request", "REQUEST", 20},
	{"profile", "PROFILE", 15},
	{"node", "NODE", 12},
	{"user", NULL, 0},
	{"rule", "RULE", 9},
	{"serials", NULL, 0},
	{"notAfter", "NOT AFTER", 20},
	{"path", NULL, 0},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

static const char *status_of(const struct sign_item *item)
{
	if (item->error.kind == ERROR_NONE)
		return item->would_sign ? "issued" : "unchanged";
	return item->error.kind == ERROR_REFUSED ? "refused" : "failed";
}

static void put_certificate(
	struct document *row, const struct certificate *certificate)
{
	AUTO_TEXT serial =
		hex_of(certificate->serial.bytes, certificate->serial.len);

	document_append(document_put(row, "serials", document_new_list()),
		document_new_text(serial));
	document_put_instant(row, "notAfter", certificate->not_after);
}

struct document *sign_row(const struct sign_item *item)
{
	struct document *row = document_new_map();

	document_put_text(row, "status", status_of(item));
	document_put_text(row, "request", item->label);
	if (item->profile)
		document_put_text(row, "profile", item->profile->name);
	if (item->grant.holder.node)
		document_put_text(row, "node", item->grant.holder.node->name);
	if (item->grant.holder.user)
		document_put_text(row, "user", item->grant.holder.user);
	if (item->rule)
		document_put_text(row, "rule", item->rule);
	if (item->certificate)
		put_certificate(row, item->certificate);
	if (item->path)
		document_put_text(row, "path", item->path);
	if (item->error.kind)
		document_put_text(row, "reason", item->error.message);
	else if (item->grant.note)
		document_put_text(row, "reason", item->grant.note);
	return row;
}
