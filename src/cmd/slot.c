/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/slot.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bundle_secrets.h"

void slot_init(struct slot *slot, const struct batch *batch, struct node node)
{
	/* A stream has no files of its own that could want a suffix. */
	enum bundle_format format =
		batch->stream ? BUNDLE_DIRECTORY : batch->format;

	*slot = (struct slot){.batch = batch,
		.node = node,
		.target = place_name(&node, format),
		.decision = DECISION_INIT};
}

static bool write_directory(int stage, const char *name,
	const struct bundle *bundle, struct error *err)
{
	AUTO_CLOSE dir = -1;

	return directory_create(stage, name, 0755, err) &&
	       directory_open_nofollow(stage, name, &dir, err) &&
	       tree_write_directory(
		       dir, bundle->entries, bundle->n_entries, err);
}

/* A tar's witness is the whole file. */
static bool write_tar(struct slot *slot, int stage, const struct bundle *bundle,
	struct error *err)
{
	const struct batch *batch = slot->batch;
	AUTO_TEXT prefix = memory_format("%s/", slot->node.name);
	AUTO_CLOSE fd = openat(stage, slot->target,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "create \"%s\"", slot->target);
	return tree_write_tar(fd, slot->target, batch->stream ? prefix : "",
		       bundle->entries, bundle->n_entries, batch->archive_time,
		       err) &&
	       (!batch->stream || !batch->wish ||
		       bundle_secrets_add(fd, slot->target, &slot->node,
			       slot->decision.token, batch->archive_time,
			       err)) &&
	       (batch->stream || tree_end_tar(fd, slot->target, err)) &&
	       sha256_of_file(fd, slot->target, &slot->hash, err);
}

static bool stage_bundle(
	struct slot *slot, int stage, struct bundle *bundle, struct error *err)
{
	const struct batch *batch = slot->batch;

	if (batch->stream || batch->format == BUNDLE_TAR) {
		slot->witness = memory_text("");
		if (!write_tar(slot, stage, bundle, err))
			return false;
	} else {
		slot->witness = memory_text(bundle->witness);
		slot->hash = bundle->hash;
		if (!write_directory(stage, slot->target, bundle, err))
			return false;
	}
	slot->n_certificates = bundle->n_certificates;
	for (size_t i = 0; i < bundle->n_certificates; i++) {
		slot->certificates[i] = bundle->certificates[i];
		bundle->certificates[i].der = (struct buffer)BUFFER_INIT;
	}
	return true;
}

static bool check_bundle(
	const struct slot *slot, const struct bundle *bundle, struct error *err)
{
	const struct context *context = slot->batch->context;

	for (size_t i = 0; i < bundle->n_certificates; i++)
		if (!context_check_issued(context, context->ca,
			    bundle->certificates[i].profile,
			    &bundle->certificates[i].der, err))
			return false;
	return true;
}

void slot_make(struct slot *slot, int stage, unsigned worker, bool verify)
{
	const struct bundle_order order = {.node = &slot->node,
		.token = slot->decision.token,
		.verify = verify};
	AUTO_FREE(bundle) bundle = NULL;

	slot->worker = worker;
	slot->issued =
		bundle_make(slot->batch->kit, &order, &bundle, &slot->error) &&
		check_bundle(slot, bundle, &slot->error) &&
		stage_bundle(slot, stage, bundle, &slot->error);
}

/* Those that nobody else may have; of what does not say who the node is, none.
 */
static size_t count_addresses(
	const struct slot *slot, const struct profile *profile)
{
	if (!profile->for_node)
		return 0;
	return profile->names == NAMES_NODE ? slot->node.n_addresses + 1 : 1;
}

static void fill_issue(struct slot *slot, size_t i)
{
	const struct batch *batch = slot->batch;
	const struct bundle_certificate *made = &slot->certificates[i];
	const struct profile *profile = made->profile;
	size_t index = 0;

	while (profile != decision_profile(index))
		index++;
	slot->issues[i] = (struct ledger_issue){
		.ca = batch->context->ca_number,
		.profile = profile->name,
		.name = slot->node.name,
		.detail = batch->detail,
		.serial = {made->serial, made->serial_len},
		.not_before = batch->lifetime.not_before,
		.not_after = batch->lifetime.not_after,
		.body = {(const unsigned char *)made->der.data, made->der.len},
		.addresses = slot->addresses,
		.n_addresses = count_addresses(slot, profile),
		.supersedes = slot->decision.supersedes[index],
	};
}

/* What re-runs compare of a certificate is beside it; of a token, in it. */
static const struct ledger_token *fill_token(struct slot *slot)
{
	const struct token *token = slot->decision.token;
	const struct context *context = slot->batch->context;
	const char *server = context->cluster->server;

	if (!token)
		return NULL;
	slot->token = token_entry(token, token->id, slot->node.name,
		slot->decision.supersedes_token);
	slot->token.ca = context->ca_number;
	slot->token.body =
		(struct der){(const unsigned char *)server, strlen(server)};
	return &slot->token;
}

struct release_item slot_offer(struct slot *slot)
{
	size_t n = slot->node.n_addresses;

	slot->addresses = memory_new(n + 1, sizeof(*slot->addresses));
	slot->addresses[0] = slot->node.name;
	for (size_t i = 0; i < n; i++)
		slot->addresses[i + 1] = node_address(&slot->node, i);
	for (size_t i = 0; i < slot->n_certificates; i++)
		fill_issue(slot, i);
	return (struct release_item){.name = slot->node.name,
		.worker = slot->worker,
		.staged = slot->target,
		.target = slot->target,
		.witness = slot->witness,
		.hash = slot->hash,
		.replace = slot->decision.replace,
		.token = fill_token(slot),
		.retires = slot->decision.retires,
		.issues = slot->issues,
		.n_issues = slot->n_certificates};
}

static struct document *serials_of(const struct slot *slot)
{
	struct document *list = document_new_list();

	for (size_t i = 0; slot->issued && i < slot->n_certificates; i++) {
		AUTO_TEXT serial = hex_of(slot->certificates[i].serial,
			slot->certificates[i].serial_len);

		document_append(list, document_new_text(serial));
	}
	if (document_count(list))
		return list;
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		if (slot->decision.serials[i])
			document_append(list,
				document_new_text(slot->decision.serials[i]));
	return list;
}

static const char *status_of(const struct slot *slot)
{
	if (slot->issued)
		return "issued";
	if (slot->error.kind == ERROR_NONE)
		return "unchanged";
	return slot->error.kind == ERROR_REFUSED ? "refused" : "failed";
}

/* When the first of what is in the bundle ends. */
static struct instant end_of(const struct slot *slot, bool fresh)
{
	const struct token *token = slot->decision.token;
	struct instant end = slot->batch->lifetime.not_after;

	if (!fresh)
		return slot->decision.not_after;
	if (token && (slot->n_certificates == 0 ||
			     token->expiry.seconds < end.seconds))
		return token->expiry;
	return end;
}

struct document *slot_row(const struct slot *slot)
{
	const struct batch *batch = slot->batch;
	struct document *row = document_new_map();
	bool fresh = slot->issued && slot->decision.verdict == VERDICT_ISSUE;
	struct instant until = end_of(slot, fresh);
	const char *id = fresh && slot->decision.token
				 ? slot->decision.token->id
				 : slot->decision.id;

	document_put_text(row, "status", status_of(slot));
	document_put_text(row, "node", slot->node.name);
	if (id)
		document_put_text(row, "id", id);
	if (!batch->stream && (slot->issued || slot->decision.present)) {
		AUTO_TEXT path =
			memory_format("%s/%s", batch->out, slot->target);

		document_put_text(row, "path", path);
	}
	document_put(row, "serials", serials_of(slot));
	if (until.seconds)
		document_put_instant(row, "notAfter", until);
	if (slot->error.kind)
		document_put_text(row, "reason", slot->error.message);
	return row;
}

void slot_release(struct slot *slot)
{
	for (size_t i = 0; i < slot->n_certificates; i++)
		buffer_release(&slot->certificates[i].der);
	decision_release(&slot->decision);
	error_release(&slot->error);
	free(slot->addresses);
	free(slot->witness);
	free(slot->target);
}
