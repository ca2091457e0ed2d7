/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/renew.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/nodes.h"
#include "cmd/options.h"
#include "kube/control_plane.h"
#include "pki/recovery.h"

#define OUT_PRESET "renewals"
#define BREAK_GLASS "break-glass"
#define EXPIRING_PRESET "30d"
#define KUBE_PROXY "kube-proxy"

struct renew_settings {
	const char *expiring;
	const char *inventory;
	struct text_list nodes;
	bool ca;
	const char *ca_name;
	bool same_key;
	const char *out;
	bool plan;
	const char *validity;
	bool allow_clock_back;
};

#define S struct renew_settings
static const struct option_spec renew_options[] = {
	OPTION_TEXT(S, expiring, "expiring", "DUR",
		"what expires within DUR, or has expired; with --node all, "
		"unless it is given",
		.preset = EXPIRING_PRESET),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"nodes and their addresses; without it they stay as they are",
		.value = OPTION_VALUE_FILE),
	OPTION_LIST(S, nodes, "node", "NODE",
		"only this node's, host's or user's"),
	OPTION_FLAG(S, ca, "ca", "the CA's own certificate; with --same-key"),
	OPTION_TEXT(S, ca_name, "ca-name", "ca|etcd-ca|front-proxy-ca",
		"with --ca: of which authority", .preset = "ca",
		.value = OPTION_VALUE_CHOICE),
	OPTION_FLAG(S, same_key, "same-key",
		"certify the keys that are there, and make none"),
	OPTION_TEXT(S, out, "out", "DIR", "where bundles, trees and notes go",
		.value = OPTION_VALUE_DIRECTORY, .preset = OUT_PRESET),
	OPTION_FLAG(S, plan, "plan", "tell what would be done; write nothing"),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, what is renewed is valid; the CA "
		"10y",
		.preset = "from the cluster file"),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

/* -- what is there -- */

static void item_release(struct renew_item *item)
{
	free(item->name);
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		certificate_free(item->certificates[i]);
	document_free(item->serials);
	error_release(&item->error);
}

void renew_release(struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++)
		item_release(&renew->items[i]);
	free(renew->items);
	tally_release(&renew->tally);
}

/* Which rows are asked for. */
struct search {
	struct renew *renew;
	const struct text_list *names;
	struct instant expires_by;
	bool all; /* whenever they expire */
};

static bool is_wanted(const struct search *search, const struct ledger_row *row,
	const char *name)
{
	if (!search->all && row->not_after.seconds > search->expires_by.seconds)
		return false;
	for (size_t i = 0; i < search->names->n_items; i++)
		if (!strcmp(search->names->items[i], name))
			return true;
	return search->names->n_items == 0;
}

static bool is_of_node(const struct profile *profile)
{
	return profile == profile_of_pair(KUBELET_CLIENT) ||
	       profile == profile_of_pair(KUBELET_SERVING);
}

/* Whose kubeconfig kpki kubeconfig makes as well. */
static bool is_component(const struct profile *profile)
{
	return !strcmp(profile->name, "controller-manager") ||
	       !strcmp(profile->name, "scheduler");
}

static bool is_administrator(const struct profile *profile)
{
	return !strcmp(profile->name, "admin") ||
	       !strcmp(profile->name, "super-admin");
}

/* The kubeconfig of kube-proxy is in a bundle, or by itself. */
static bool is_in_bundle(const struct ledger_row *row)
{
	return !strcmp(row->profile, KUBE_PROXY) &&
	       bundle_detail_read(row->detail).is_bundle;
}

/* What only a tree has, and what a host has in its tree. */
static bool is_of_control(const struct search *search,
	const struct profile *profile, const struct ledger_row *row)
{
	const struct topology *topology =
		search->renew->context->cluster->topology;
	struct node host;

	if (profile->is_ca || profile->for_user ||
		!strcmp(profile->name, KUBE_PROXY))
		return false;
	return bundle_detail_read(row->detail).control_plane ||
	       (topology && topology->all &&
		       inventory_find(topology->all, row->name, &host)) ||
	       (!is_of_node(profile) && !is_component(profile));
}

/* The administrator's own tree has a name, and what is in it the common name. */
static const char *name_of(
	const struct profile *profile, const struct ledger_row *row)
{
	bool own = !profile->for_user && profile->common_name &&
		   is_administrator(profile) &&
		   !strcmp(profile->common_name, row->name);

	return own ? CONTROL_ADMIN_NAME : row->name;
}

static struct renew_item *add_item(struct renew *renew)
{
	renew->items = memory_grow(renew->items, &renew->allocated,
		renew->n_items + 1, sizeof(*renew->items));
	renew->items[renew->n_items] = (struct renew_item){0};
	return &renew->items[renew->n_items++];
}

static bool add_row(void *data, const struct ledger_row *row, struct error *err)
{
	const struct search *search = data;
	const struct profile *profile = profile_find(row->profile);
	struct renew_item *item;

	if (!profile)
		return error_set(err, ERROR_INPUT,
			"ledger: entry %lld: profile \"%s\": not known",
			(long long)row->event, row->profile);
	if (!is_wanted(search, row, name_of(profile, row)))
		return true;
	item = add_item(search->renew);
	item->name = memory_text(name_of(profile, row));
	item->profile = profile;
	item->not_after = row->not_after;
	item->detail = bundle_detail_read(row->detail);
	item->of_control = is_of_control(search, profile, row);
	item->of_node = !item->of_control &&
			(is_of_node(profile) || is_in_bundle(row));
	item->events[0] = row->event;
	return certificate_read(row->body, &item->certificates[0], err);
}

/* By name, what belongs to one bundle or tree together. */
static int compare_items(const void *a, const void *b)
{
	const struct renew_item *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order || left->of_node != right->of_node)
		return order ? order : left->of_node - right->of_node;
	if (left->of_control != right->of_control)
		return left->of_control - right->of_control;
	if (!left->of_node && !left->of_control)
		return strcmp(left->profile->name, right->profile->name);
	return (left->not_after.seconds > right->not_after.seconds) -
	       (left->not_after.seconds < right->not_after.seconds);
}

static bool belong_together(
	const struct renew_item *a, const struct renew_item *b)
{
	return ((a->of_node && b->of_node) ||
		       (a->of_control && b->of_control)) &&
	       !strcmp(a->name, b->name);
}

static void join(struct renew *renew)
{
	size_t n = 0;

	if (renew->n_items > 0)
		qsort(renew->items, renew->n_items, sizeof(*renew->items),
			compare_items);
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];

		if (n > 0 && belong_together(item, &renew->items[n - 1]))
			item_release(item);
		else
			renew->items[n++] = *item;
	}
	renew->n_items = n;
}

/* Expired or not; in a rotation the other CA's as well. */
static bool find_live(const struct renew *renew, const char *profile,
	const char *name, struct ledger_row *ret_row, bool *ret_found,
	struct error *err)
{
	struct ledger *ledger = renew->context->ledger;
	const struct instant any = {0};

	return renew->since
		       ? ledger_live_anywhere(ledger, profile, name, any,
				 ret_row, ret_found, err)
		       : ledger_live(ledger, renew->context->ca_number, profile,
				 name, any, ret_row, ret_found, err);
}

/* Both of a node's, whatever made it an item. */
static bool read_pairs(
	struct renew *renew, struct renew_item *item, struct error *err)
{
	certificate_free(item->certificates[0]);
	item->certificates[0] = NULL;
	item->events[0] = 0;
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		struct ledger_row row;
		bool found = false;

		if (!find_live(renew, profile_of_pair(i)->name, item->name,
			    &row, &found, err))
			return false;
		if (!found)
			continue;
		item->events[i] = row.event;
		item->detail = bundle_detail_read(row.detail);
		if (!certificate_read(row.body, &item->certificates[i], err))
			return false;
	}
	return true;
}

static bool find_kube_proxy(
	struct renew *renew, struct renew_item *item, struct error *err)
{
	struct ledger_row row;
	bool found = false;

	if (!find_live(renew, KUBE_PROXY, item->name, &row, &found, err))
		return false;
	item->kube_proxy = found && is_in_bundle(&row);
	return true;
}

static bool search_ledger(struct search *search, struct error *err)
{
	struct renew *renew = search->renew;
	const struct ledger_filter filter = {
		.live_only = true, .lapsed = true, .at = renew->context->now};

	if (!ledger_each(renew->context->ledger, &filter, add_row, search, err))
		return false;
	join(renew);
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];

		if (item->of_node && (!read_pairs(renew, item, err) ||
					     !find_kube_proxy(renew, item, err)))
			return false;
		if (item->of_control && !renew_read_tree(renew, item, err))
			return false;
	}
	return true;
}

static bool find_items(
	struct renew *renew, const S *settings, struct error *err)
{
	const char *expiring =
		settings->expiring ? settings->expiring : EXPIRING_PRESET;
	struct search search = {.renew = renew,
		.names = &settings->nodes,
		.all = settings->nodes.n_items > 0 && !settings->expiring};
	int64_t span = 0;
	bool done;

	if (!span_parse(expiring, &span, err))
		return context_blame(err, "--expiring");
	search.expires_by = instant_add(renew->context->now, span);
	if (!ledger_lock(renew->context->ledger, FILE_LOCK_SHARED,
		    renew->context->lock_timeout, err))
		return false;
	done = search_ledger(&search, err);
	ledger_unlock(renew->context->ledger);
	return done;
}

static bool require_named(
	const struct renew *renew, const S *settings, struct error *err)
{
	for (size_t k = 0; !settings->expiring && k < settings->nodes.n_items;
		k++) {
		bool found = false;

		for (size_t i = 0; i < renew->n_items && !found; i++)
			found = !strcmp(
				renew->items[i].name, settings->nodes.items[k]);
		if (!found)
			return error_set(err, ERROR_INPUT,
				"--node \"%s\": the ledger has nothing of it "
				"that could be renewed",
				settings->nodes.items[k]);
	}
	return true;
}

/* -- what all ways share -- */

/* By itself: a name that policy forbids now fails no other. */
static bool check_node(const struct renew *renew, struct renew_item *item,
	const char *const *addresses, size_t n)
{
	AUTO_FREE(inventory) alone = inventory_new(NULL);

	return inventory_add(
		       alone, item->name, addresses, n, 0, &item->error) &&
	       inventory_seal(alone, &item->error) &&
	       nodes_check(renew->context, alone, &item->error);
}

bool renew_node(const struct renew *renew, struct renew_item *item,
	struct inventory *inventory)
{
	const struct certificate *serving = item->certificates[KUBELET_SERVING];
	const char *addresses[PROFILE_NAMES_MAX];
	struct node node;
	size_t n = 0;

	if (renew->inventory) {
		if (!inventory_find(renew->inventory, item->name, &node))
			return error_set(&item->error, ERROR_REFUSED,
				"is not in the inventory");
		for (; n < node.n_addresses; n++)
			addresses[n] = node_address(&node, n);
	}
	for (size_t i = 0; !renew->inventory && serving &&
			   i < serving->n_alt_names && n < NODE_ADDRESSES_MAX;
		i++)
		if (strcmp(serving->alt_names[i].text, item->name))
			addresses[n++] = serving->alt_names[i].text;
	return check_node(renew, item, addresses, n) &&
	       inventory_add(
		       inventory, item->name, addresses, n, 0, &item->error);
}

static struct document *serials_of(struct renew_item *item)
{
	struct document *list = take(&item->serials);

	if (list)
		return list;
	list = document_new_list();
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		const struct certificate *is = item->certificates[i];
		AUTO_TEXT serial =
			is ? hex_of(is->serial.bytes, is->serial.len) : NULL;

		if (serial)
			document_append(list, document_new_text(serial));
	}
	return list;
}

void renew_report(struct renew *renew, struct renew_item *item,
	const char *status, const char *path)
{
	struct document *row = document_new_map();

	if (item->error.kind)
		status = item->error.kind == ERROR_REFUSED ? "refused"
							   : "failed";
	document_put_text(row, "status", status);
	document_put_text(row, "node", item->name);
	if (path && !item->error.kind)
		document_put_text(row, "path", path);
	document_put(row, "serials", serials_of(item));
	document_put_instant(row, "notAfter", item->not_after);
	if (item->error.kind)
		document_put_text(row, "reason", item->error.message);
	report_row(renew->report, row);
	tally_add(&renew->tally, item->name, &item->error);
	item->done = true;
}

bool renew_write_note(const struct renew *renew, int out, const char *name,
	const struct buffer *text, struct error *err)
{
	return renew_write_note_as(renew, out, name, "renewal", text, err);
}

bool renew_write_note_as(const struct renew *renew, int out, const char *name,
	const char *end, const struct buffer *text, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};
	/* No node has an underscore in its name. */
	AUTO_TEXT file = memory_format("%s_%s.txt", name, end);
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	bool exists;

	return (draft_open(out, 0644, &draft, err) &&
		       file_write_parts(draft.fd, &part, 1, file, err) &&
		       draft_publish(&draft, file, true, &exists, err)) ||
	       error_context(err, "\"%s/%s\"", renew->out, file);
}

bool renew_remove_note(int out, const char *name, struct error *err)
{
	AUTO_TEXT file = memory_format("%s_renewal.txt", name);

	return file_exists(out, name) || file_remove_tree(out, file, err);
}

/* -- the whole -- */

static void plan_item(struct renew *renew, struct renew_item *item)
{
	AUTO_FREE(inventory) inventory = inventory_new(NULL);
	AUTO_TEXT path = NULL;

	if (!item->error.kind && item->of_control &&
		renew_check_host(renew, item))
		path = memory_format("%s/%s", renew->out, item->name);
	else if (!item->error.kind && item->of_node &&
		renew_node(renew, item, inventory))
		path = memory_format("%s/%s%s", renew->out, item->name,
			renew->same_key ? ".yaml" : "");
	else if (!item->error.kind)
		path = memory_format("%s/%s.%s.crt", renew->out, item->name,
			item->profile->name);
	renew_report(renew, item, "planned", path);
}

/* What neither way can do. */
static void sort_out(struct renew *renew)
{
	for (size_t i = 0; i < renew->n_items; i++) {
		struct renew_item *item = &renew->items[i];

		if (!strcmp(item->profile->name, BREAK_GLASS))
			error_set(&item->error, ERROR_REFUSED,
				"%s: is of one emergency, and not prolonged: "
				"kpki kubeconfig --break-glass makes another",
				item->profile->name);
		else if (renew->same_key && strchr(item->name, '/'))
			error_set(&item->error, ERROR_REFUSED,
				"has a \"/\" in its name, which no file can "
				"have: kpki kubeconfig --reissue --out says "
				"where it goes");
		else if (item->profile->is_ca &&
			 !profile_is_authority(item->profile))
			error_set(&item->error, ERROR_REFUSED,
				"%s: is signed for a request of its own: kpki "
				"sign --profile %s --reissue",
				item->profile->name, item->profile->name);
		else if (item->profile->is_ca)
			error_set(&item->error, ERROR_REFUSED,
				"%s: is a CA's own certificate: --ca "
				"--same-key --ca-name %s extends it",
				item->profile->name, item->profile->name);
		else if (item->of_node && !item->certificates[KUBELET_CLIENT] &&
			 !item->certificates[KUBELET_SERVING])
			error_set(&item->error, ERROR_REFUSED,
				"another CA issued its certificates: kpki "
				"node-bundle --reissue makes its bundle");
		else if (item->of_node && !item->certificates[KUBELET_CLIENT])
			error_set(&item->error, ERROR_REFUSED,
				"has no client certificate of this CA: its "
				"kubelet gets one from the cluster, and "
				"kpki node-bundle --bootstrap --reissue makes "
				"its bundle");
		else if (item->of_control && renew->same_key)
			error_set(&item->error, ERROR_REFUSED,
				"is of the control plane: without --same-key "
				"its tree is made, with new keys");
		else if (!item->of_node && !item->of_control && !renew->same_key)
			error_set(&item->error, ERROR_REFUSED,
				"%s: its key is not here: --same-key certifies "
				"it again, kpki kubeconfig --reissue makes "
				"another",
				item->profile->name);
	}
}

/* The worst of what was refused before and of what failed. */
static bool answer(struct renew *renew, bool done, struct error *err)
{
	enum error_kind before = renew->tally.first.kind;

	if (!done && error_worse(before, err->kind) != before)
		return false;
	if (!done && before == ERROR_NONE)
		return false;
	error_release(err);
	return tally_result(&renew->tally, renew->n_items, err);
}

static bool renew_all(struct renew *renew, struct error *err)
{
	bool done = true;

	sort_out(renew);
	for (size_t i = 0; i < renew->n_items; i++)
		if (renew->plan)
			plan_item(renew, &renew->items[i]);
		else if (renew->items[i].error.kind)
			renew_report(renew, &renew->items[i], "refused", NULL);
	if (!renew->plan)
		done = renew->same_key ? renew_same_key(renew, err)
				       : renew_control(renew, err) &&
						 renew_bundles(renew, err);
	return answer(renew, done, err);
}

/* -- by other rules -- */

bool renew_add_node(struct renew *renew, const char *name, struct error *err)
{
	struct renew_item *item = add_item(renew);
	struct context *context = renew->context;
	bool done;

	item->name = memory_text(name);
	item->profile = profile_of_pair(KUBELET_CLIENT);
	item->of_node = true;
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = read_pairs(renew, item, err) && find_kube_proxy(renew, item, err);
	ledger_unlock(context->ledger);
	return done;
}

bool renew_staged(struct renew *renew, struct error *err)
{
	for (size_t i = 0; i < renew->n_items; i++)
		if (!renew->items[i].certificates[KUBELET_CLIENT] &&
			!renew->items[i].certificates[KUBELET_SERVING]) {
			error_set(&renew->items[i].error, ERROR_REFUSED,
				"has a token alone: kpki node-bundle "
				"--bootstrap --reissue makes its bundle");
			renew_report(renew, &renew->items[i], "refused", NULL);
		}
	return answer(renew, renew_bundles(renew, err), err);
}

static bool check_usage(const S *settings, struct error *err)
{
	if (settings->out && !strcmp(settings->out, "-"))
		return error_set(err, ERROR_USAGE,
			"--out -: bundles, trees and notes go to a directory");
	if (settings->ca && !settings->same_key)
		return error_set(err, ERROR_USAGE,
			"--ca needs --same-key: with another key it would be "
			"another CA");
	if (settings->ca_name && !settings->ca)
		return error_set(err, ERROR_USAGE, "--ca-name goes with --ca");
	if (settings->ca && (settings->expiring || settings->inventory ||
				    settings->nodes.n_items))
		return error_set(err, ERROR_USAGE,
			"--ca goes with --ca-name, --same-key, --validity, "
			"--out and --plan only");
	return true;
}

static bool recover(const struct renew *renew, struct error *err)
{
	struct release_settings settings = {
		.lock_timeout = renew->context->lock_timeout,
		.clock_back = renew->clock_back,
		.warn = context_warn};

	return renew->plan ||
	       recovery_run(renew->context->ledger, &settings, err);
}

bool renew_choose_lifetime(
	struct renew *renew, const char *validity, struct error *err)
{
	const struct context *context = renew->context;
	char until[INSTANT_TEXT];
	bool clamped = false;

	if (!profile_lifetime(authority_certificate(context->ca), validity,
		    context->cluster->validity, context->now, &renew->lifetime,
		    &clamped, err))
		return context_blame(err, "--validity");
	if (clamped)
		note(renew->quiet, "certificates end with the CA, %s",
			instant_format(renew->lifetime.not_after, until));
	return true;
}

static bool renew_leaves(
	const struct command_call *call, struct renew *renew, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_FREE(report) report = NULL;
	const struct nodes_wanted wanted = {.inventory = settings->inventory};

	if (settings->inventory &&
		(!nodes_read(&wanted, &inventory, err) ||
			!nodes_check(renew->context, inventory, err)))
		return false;
	renew->inventory = inventory;
	if (!cluster_require_server(renew->context->cluster,
		    renew->context->cluster_path, err) ||
		!renew_choose_lifetime(renew, settings->validity, err) ||
		!recover(renew, err) || !find_items(renew, settings, err) ||
		!require_named(renew, settings, err))
		return false;
	report = context_report(call, batch_columns,
		renew->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	renew->report = report;
	return report_close(report, renew_all(renew, err), err);
}

static bool renew_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(renew)
	renew = {.call = call,
		.out = settings->out ? settings->out : OUT_PRESET,
		.validity = settings->validity,
		.same_key = settings->same_key,
		.plan = settings->plan,
		.clock_back = settings->allow_clock_back,
		.quiet = call->shared->quiet};

	const struct renew_ca_settings of_ca = {.name = settings->ca_name,
		.out = settings->out,
		.validity = settings->validity,
		.plan = settings->plan,
		.clock_back = settings->allow_clock_back};

	if (!check_usage(settings, err))
		return false;
	if (settings->ca)
		return renew_ca(call, &of_ca, err);
	if (!context_open(call,
		    NEEDS_CLUSTER | NEEDS_CA |
			    (settings->plan ? NEEDS_LEDGER
					    : NEEDS_LEDGER_WRITE),
		    &context, err) ||
		!context_check_out(context, renew.out, err))
		return false;
	renew.context = context;
	return renew_leaves(call, &renew, err);
}

const struct command command_renew = {
	.name = "renew",
	.summary = "issue anew what will soon expire, or has expired",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "RenewReport",
	.options = renew_options,
	.settings_size = sizeof(S),
	.run = renew_run,
};
