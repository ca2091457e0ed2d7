/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/control_batch.h"
#include "cmd/interrupt.h"
#include "kube/policy.h"
#include "kube/renewal_note.h"
#include "pki/public_key.h"

static bool is_administrators(const struct renew_item *item)
{
	return !strcmp(item->name, CONTROL_ADMIN_NAME);
}

/* -- what there is -- */

static bool add_row(struct renew_item *item, const struct profile *profile,
	const struct ledger_row *row, struct error *err)
{
	struct bundle_detail detail = bundle_detail_read(row->detail);
	AUTO_TEXT serial = hex_of(row->serial.bytes, row->serial.len);

	document_append(item->serials, document_new_text(serial));
	item->admin = item->admin || !strcmp(profile->name, "admin");
	item->super_admin =
		item->super_admin || !strcmp(profile->name, "super-admin");
	if (detail.is_bundle)
		item->detail = detail;
	return item->certificates[0] ||
	       certificate_read(row->body, &item->certificates[0], err);
}

bool renew_read_tree(
	const struct renew *renew, struct renew_item *item, struct error *err)
{
	bool own = is_administrators(item);
	unsigned roles = own ? ROLE_ADMIN : ROLE_CONTROL | ROLE_ETCD;
	const struct profile *profile;

	certificate_free(item->certificates[0]);
	item->certificates[0] = NULL;
	item->serials = document_new_list();
	for (size_t i = 0; (profile = control_profile(roles, i)); i++) {
		struct ledger_row row;
		bool found = false;

		if (!ledger_live_anywhere(renew->context->ledger, profile->name,
			    own ? profile->common_name : item->name,
			    (struct instant){0}, &row, &found, err) ||
			(found && !add_row(item, profile, &row, err)))
			return false;
	}
	return true;
}

bool renew_check_host(const struct renew *renew, struct renew_item *item)
{
	const struct cluster *cluster = renew->context->cluster;
	const struct topology *topology = cluster->topology;
	struct node host;

	if (!topology || !topology->hosts)
		return error_set(&item->error, ERROR_REFUSED,
			"is of a control plane, and \"%s\" has none",
			renew->context->cluster_path);
	if (is_administrators(item))
		return true;
	if (!inventory_find(topology->all, item->name, &host))
		return error_set(&item->error, ERROR_REFUSED,
			"is no host of \"%s\"", renew->context->cluster_path);
	return policy_check_host(cluster, &host, &item->error);
}

/* What the trees of one batch have in common. */
struct shape {
	enum layout layout;
	enum key_type key_type;
	bool ca_key, admin, super_admin;
};

/* As the predecessor was; what the ledger does not say is the cluster's. */
static bool shape_of(const struct renew *renew, const struct renew_item *item,
	struct shape *ret_shape, struct error *err)
{
	const struct cluster *cluster = renew->context->cluster;
	struct public_key key;

	if (!item->certificates[0])
		return error_set(err, ERROR_REFUSED,
			"has nothing live that its tree could be made like");
	if (!public_key_read(item->certificates[0]->public_key, &key, err))
		return false;
	*ret_shape = (struct shape){
		.layout = item->detail.is_bundle ? item->detail.layout
						 : cluster->layout,
		.key_type =
			key.type == KEY_OTHER ? cluster->key_type : key.type,
		.ca_key = item->detail.ca_key ||
			  cluster->signing == SIGNING_IN_CLUSTER,
		.admin = item->admin && !is_administrators(item),
		.super_admin = item->super_admin,
	};
	return true;
}

static bool is_same(const struct shape *a, const struct shape *b)
{
	return a->layout == b->layout && a->key_type == b->key_type &&
	       a->ca_key == b->ca_key && a->admin == b->admin &&
	       a->super_admin == b->super_admin;
}

/* -- one batch -- */

struct group {
	struct renew *renew;
	const struct authorities *authorities;
	const struct lifetime *lifetimes;
	struct shape shape;
	struct renew_item **members;
	size_t n_members;
	struct control_kit *kit;
	struct control_batch batch;
};

static void group_release(struct group *group)
{
	control_batch_release(&group->batch);
	control_kit_free(group->kit);
	free(group->members);
}
DEFINE_AUTO_RELEASE(group)

/* Those of the first one's shape that nobody took before. */
static void collect(struct group *group)
{
	struct renew *renew = group->renew;

	group->members =
		memory_new(renew->n_items + 1, sizeof(*group->members));
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];
		struct shape shape;

		if (!item->of_control || item->done)
			continue;
		if (!shape_of(renew, item, &shape, &item->error)) {
			renew_report(renew, item, "failed", NULL);
			continue;
		}
		if (group->n_members == 0)
			group->shape = shape;
		if (is_same(&shape, &group->shape))
			group->members[group->n_members++] = item;
	}
}

static bool make_kit(struct group *group, struct error *err)
{
	const struct context *context = group->renew->context;
	struct control_settings settings = {.cluster = context->cluster,
		.service_account_key = group->authorities->service_account,
		.layout = group->shape.layout,
		.key_type = group->shape.key_type,
		.ca_key = group->shape.ca_key,
		.admin = group->shape.admin,
		.super_admin = group->shape.super_admin};

	if (group->shape.ca_key &&
		key_custody(authority_key(context->ca)) != KEY_PLAIN)
		return error_set(err, ERROR_REFUSED,
			"its tree has the key of the CA, which is not plain "
			"any more");
	memcpy(settings.authorities, group->authorities->all,
		sizeof(settings.authorities));
	authorities_bundles(context, &settings);
	memcpy(settings.lifetimes, group->lifetimes,
		sizeof(settings.lifetimes));
	return control_kit_new(&settings, &group->kit, err);
}

static bool fill_batch(struct group *group, struct error *err)
{
	struct renew *renew = group->renew;
	struct control_run *shared = &group->batch.shared;

	group->batch.clock_back = renew->clock_back;
	*shared = (struct control_run){.context = renew->context,
		.authorities = group->authorities,
		.kit = group->kit,
		.format = BUNDLE_DIRECTORY,
		.layout = group->shape.layout,
		.ca_key = group->shape.ca_key,
		.out = renew->out,
		.reissue = true,
		.named = true};
	memcpy(shared->lifetimes, group->lifetimes, sizeof(shared->lifetimes));
	return context_archive_time(
		renew->context, &shared->archive_time, err);
}

static void add_plans(struct group *group)
{
	const struct topology *topology =
		group->renew->context->cluster->topology;

	for (size_t i = 0; i < group->n_members; i++) {
		const struct renew_item *item = group->members[i];
		unsigned roles = ROLE_ADMIN;
		struct node host = {0};

		if (!is_administrators(item) &&
			inventory_find(topology->all, item->name, &host))
			roles = control_batch_roles(topology, item->name);
		control_batch_add(&group->batch,
			control_plan_new(group->kit, roles, &host));
	}
}

/* A note before its tree: one too many harms nobody. */
static bool write_notes(const struct group *group, struct error *err)
{
	AUTO_CLOSE out = -1;

	if (!directory_ensure(group->renew->out, &out, err))
		return false;
	for (size_t i = 0; i < group->batch.n_items; i++) {
		const struct control_plan *plan = group->batch.items[i].plan;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;

		renewal_note_tree(plan, &text);
		if (!renew_write_note(
			    group->renew, out, plan->name, &text, err))
			return false;
	}
	return true;
}

/* Of what did not become a tree. */
static bool remove_notes(const struct group *group, struct error *err)
{
	AUTO_CLOSE out = -1;

	if (!directory_ensure(group->renew->out, &out, err))
		return false;
	for (size_t i = 0; i < group->n_members; i++)
		if (!renew_remove_note(out, group->members[i]->name, err))
			return false;
	return true;
}

static bool prepare(struct group *group, struct error *err)
{
	if (!make_kit(group, err) || !fill_batch(group, err))
		return false;
	add_plans(group);
	return write_notes(group, err);
}

static bool run_group(struct group *group, struct error *err)
{
	struct renew *renew = group->renew;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the batch's counts */
	bool done = control_batch_run(
		&group->batch, renew->report, &renew->tally, err);

	for (size_t i = 0; i < group->n_members; i++)
		group->members[i]->done = true;
	return remove_notes(group, done ? err : &ignored) && done;
}

/* -- the whole -- */

static bool is_left(const struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++)
		if (renew->items[i].of_control && !renew->items[i].done)
			return true;
	return false;
}

static void check_hosts(struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];

		if (item->of_control && !item->done &&
			!renew_check_host(renew, item))
			renew_report(renew, item, "refused", NULL);
	}
}

/* All of these, or all that is left. */
static void fail_rest(struct renew *renew, const struct error *why)
{
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];

		if (!item->of_control || item->done)
			continue;
		error_set(&item->error, why->kind, "%s", why->message);
		renew_report(renew, item, "failed", NULL);
	}
}

/* What was issued is not to be made anew by the way. */
static bool open_authorities(const struct renew *renew,
	struct authorities **ret_authorities, struct error *err)
{
	struct context *context = renew->context;

	if (!file_exists(context->dir, ETCD_CA_CERTIFICATE))
		return error_set(err, ERROR_REFUSED,
			"\"%s/" ETCD_CA_CERTIFICATE
			"\": is not there, and another authority would not be "
			"the one that issued before",
			context->path);
	return authorities_open(
		context, renew->clock_back, ret_authorities, err);
}

static bool run_groups(struct renew *renew, struct error *err)
{
	AUTO_FREE(authorities) authorities = NULL;
	struct lifetime lifetimes[CONTROL_AUTHORITIES];

	if (!open_authorities(renew, &authorities, err) ||
		!control_batch_lifetimes(renew->context, authorities,
			renew->validity, renew->quiet, lifetimes, err))
		return false;
	while (is_left(renew)) {
		AUTO_RELEASE(group) group = {.renew = renew,
			.authorities = authorities,
			.lifetimes = lifetimes};

		collect(&group);
		if (group.n_members > 0 && (!prepare(&group, err) ||
						   !run_group(&group, err)))
			return false;
		if (interrupted())
			return error_set(err, ERROR_FAILED, "interrupted");
	}
	return true;
}

bool renew_control(struct renew *renew, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	check_hosts(renew);
	if (!is_left(renew))
		return true;
	interrupt_watch();
	if (run_groups(renew, &why))
		return true;
	fail_rest(renew, &why);
	return !interrupted() || error_set(err, why.kind, "%s", why.message);
}
