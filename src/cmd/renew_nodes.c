/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/workers.h"
#include "cmd/interrupt.h"
#include "kube/renewal_note.h"
#include "pki/public_key.h"

enum { CHUNK = 128 };

/* What the bundles of one batch have in common. */
struct shape {
	enum layout layout;
	bool embedded, serving, kube_proxy;
	enum key_type key_type;
};

/* As the predecessor was; what the ledger does not say is the cluster's. */
static bool shape_of(const struct renew *renew, const struct renew_item *item,
	struct shape *ret_shape, struct error *err)
{
	const struct cluster *cluster = renew->context->cluster;
	struct public_key key;

	const struct certificate *model = item->certificates[KUBELET_CLIENT];

	/* In a rotation also a node that got its own from the cluster. */
	if (!model)
		model = item->certificates[KUBELET_SERVING];
	if (!public_key_read(model->public_key, &key, err))
		return false;
	*ret_shape = (struct shape){
		.layout = item->detail.is_bundle ? item->detail.layout
						 : cluster->layout,
		.embedded = item->detail.embedded,
		.kube_proxy = item->kube_proxy,
		.serving = item->certificates[KUBELET_SERVING] != NULL,
		.key_type =
			key.type == KEY_OTHER ? cluster->key_type : key.type,
	};
	return true;
}

static bool is_same(const struct shape *a, const struct shape *b)
{
	return a->layout == b->layout && a->embedded == b->embedded &&
	       a->serving == b->serving && a->kube_proxy == b->kube_proxy &&
	       a->key_type == b->key_type;
}

/* One batch of nodes, and what it is made with. */
struct group {
	struct renew *renew;
	struct shape shape;
	struct inventory *inventory;
	struct bundle_kit *kit;
	struct batch batch;
	char *detail;
};

static void group_release(struct group *group)
{
	inventory_free(group->inventory);
	bundle_kit_free(group->kit);
	free(group->detail);
}
DEFINE_AUTO_RELEASE(group)

static bool make_kit(struct group *group, struct error *err)
{
	const struct renew *renew = group->renew;
	struct context *context = renew->context;
	struct bundle_settings settings = {.cluster = context->cluster,
		.ca = context->ca,
		.trust = context_bundle(context),
		.layout = group->shape.layout,
		.key_type = group->shape.key_type,
		.now = context->now,
		.embed_certificates = group->shape.embedded,
		.serving = group->shape.serving,
		.kube_proxy = group->shape.kube_proxy,
		.kubelet_config = !renew->no_kubelet_config,
		.kubelet_config_base = renew->kubelet_config_base};

	settings.lifetime = group->batch.lifetime = renew->lifetime;
	return bundle_kit_new(&settings, &group->kit, err);
}

static void fill_batch(struct group *group)
{
	const struct renew *renew = group->renew;
	struct context *context = renew->context;

	group->detail = bundle_detail_write(context->cluster->server,
		group->shape.layout, group->shape.embedded);
	group->batch.context = context;
	group->batch.inventory = group->inventory;
	group->batch.kit = group->kit;
	group->batch.detail = group->detail;
	group->batch.format = BUNDLE_DIRECTORY;
	group->batch.out = renew->out;
	group->batch.serving = group->shape.serving;
	group->batch.kube_proxy = group->shape.kube_proxy;
	group->batch.reissue = true;
	group->batch.named = !renew->since;
	group->batch.since = renew->since;
	/* Nothing for being old or away, since what differs is enough. */
	group->batch.has_issued_before = renew->since != 0;
	group->batch.archive_time = context->now;
	group->batch.chunk = CHUNK;
	group->batch.jobs = workers_default_count();
	group->batch.clock_back = renew->clock_back;
	group->batch.quiet = renew->quiet;
}

/* Those of the first node's shape that nobody took before. */
static bool collect(struct group *group, struct error *err)
{
	struct renew *renew = group->renew;
	bool first = true;

	group->inventory = inventory_new(NULL);
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];
		struct shape shape;

		if (item->done)
			continue;
		if (!shape_of(renew, item, &shape, &item->error)) {
			renew_report(renew, item, "failed", NULL);
			continue;
		}
		if (first)
			group->shape = shape;
		first = false;
		if (!is_same(&shape, &group->shape))
			continue;
		if (!renew_node(renew, item, group->inventory))
			renew_report(renew, item, "refused", NULL);
	}
	return inventory_seal(group->inventory, err);
}

/* The batch has reported them, or why there is none is told of each. */
static void end_members(const struct group *group, const struct error *why)
{
	struct renew *renew = group->renew;

	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];
		struct node node;

		if (item->done || !item->of_node ||
			!inventory_find(group->inventory, item->name, &node))
			continue;
		item->done = true;
		if (why)
			error_set(&item->error, why->kind, "%s", why->message);
		if (why)
			renew_report(renew, item, "failed", NULL);
	}
}

/* A note before its bundle: one too many harms nobody. */
static bool write_notes(const struct group *group, struct error *err)
{
	AUTO_CLOSE out = -1;

	if (!directory_ensure(group->renew->out, &out, err))
		return false;
	for (size_t i = 0; i < inventory_count(group->inventory); i++) {
		struct node node = inventory_node(group->inventory, i);
		AUTO_RELEASE(buffer) text = BUFFER_INIT;

		renewal_note_bundle(
			&node, group->shape.layout, group->kit, &text);
		if (!renew_write_note(group->renew, out, node.name, &text, err))
			return false;
	}
	return true;
}

/* Of what did not become a bundle. */
static bool remove_notes(const struct group *group, struct error *err)
{
	AUTO_CLOSE out = -1;

	if (!directory_ensure(group->renew->out, &out, err))
		return false;
	for (size_t i = 0; i < inventory_count(group->inventory); i++) {
		struct node node = inventory_node(group->inventory, i);

		if (!renew_remove_note(out, node.name, err))
			return false;
	}
	return true;
}

static bool prepare(struct group *group, struct error *err)
{
	if (!make_kit(group, err))
		return false;
	fill_batch(group);
	return group->renew->since || write_notes(group, err);
}

static void run_group(struct group *group)
{
	struct renew *renew = group->renew;
	AUTO_RELEASE(error) why = ERROR_INIT;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the batch's counts */
	bool done;

	if (!prepare(group, &why)) {
		end_members(group, &why);
		return;
	}
	done = batch_run(&group->batch, renew->report, &why);
	if ((!renew->since &&
		    !remove_notes(group, done ? &why : &ignored)) ||
		!done)
		tally_add(&renew->tally,
			inventory_node(group->inventory, 0).name, &why);
	end_members(group, NULL);
}

static bool is_left(const struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++)
		if (!renew->items[i].done)
			return true;
	return false;
}

bool renew_bundles(struct renew *renew, struct error *err)
{
	interrupt_watch();
	while (is_left(renew)) {
		AUTO_RELEASE(group) group = {.renew = renew};

		if (!collect(&group, err))
			return false;
		if (inventory_count(group.inventory) > 0)
			run_group(&group);
		if (interrupted())
			return error_set(err, ERROR_FAILED, "interrupted");
	}
	return true;
}
