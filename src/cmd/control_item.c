/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/control_item.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bundle_detail.h"
#include "kube/control_place.h"

const struct report_column control_columns[] = {
	{"status", "STATUS", 9},
	{"node", "HOST", 20},
	{"path", "PATH", 28},
	{"serials", NULL, 0},
	{"notAfter", "EXPIRES", 20},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

struct control_held {
	bool found;
	bool foreign; /* issued by another CA */
	bool lost, pending;
	int64_t event;
	struct instant not_after;
	char *server;
	struct certificate *certificate;
};

void control_item_init(struct control_item *item, const struct control_run *run,
	struct control_plan *taken_plan)
{
	*item = (struct control_item){.run = run,
		.plan = taken_plan,
		.target = place_target(taken_plan->name, run->format),
		.held = memory_new(taken_plan->n_certificates + 1,
			sizeof(struct control_held)),
		.issues = memory_new(taken_plan->n_certificates + 1,
			sizeof(struct ledger_issue)),
		.details = memory_new(
			taken_plan->n_certificates + 1, sizeof(char *))};
}

void control_item_release(struct control_item *item)
{
	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		certificate_free(item->held[i].certificate);
		free(item->held[i].server);
		free(item->details[i]);
	}
	free(item->held);
	free(item->issues);
	free(item->details);
	free(item->target);
	control_tree_free(item->tree);
	control_plan_free(item->plan);
	error_release(&item->error);
}

/* -- what is live -- */

static bool find_live(const struct control_item *item,
	const struct control_certificate *wanted, struct ledger_row *ret_row,
	struct control_held *held, struct error *err)
{
	const struct control_run *run = item->run;

	return ledger_live_or_foreign(run->context->ledger,
		run->authorities->numbers[wanted->issuer],
		wanted->profile->name, wanted->name, run->context->now, ret_row,
		&held->found, &held->foreign, err);
}

static bool hold(struct control_item *item, size_t i, struct error *err)
{
	struct control_held *held = &item->held[i];
	struct ledger_row row;

	if (!find_live(item, &item->plan->certificates[i], &row, held, err))
		return false;
	if (!held->found)
		return true;
	held->event = row.event;
	held->not_after = row.not_after;
	held->lost = row.lost;
	held->pending = row.pending;
	held->server = bundle_detail_server(row.detail);
	return certificate_read(row.body, &held->certificate, err);
}

static void compare_one(const struct control_certificate *wanted,
	const struct control_held *held, struct buffer *drift)
{
	if (!held->found) {
		drift_add(drift, "no certificate is live");
		return;
	}
	if (held->foreign)
		drift_add(drift, "another CA issued the certificate");
	if (strcmp(held->server, wanted->server) != 0)
		drift_add(drift, "the server was \"%s\" and is \"%s\" now",
			held->server, wanted->server);
	profile_compare(
		wanted->profile, &wanted->holder, held->certificate, drift);
}

static int64_t since_of(
	const struct control_item *item, enum control_authority issuer)
{
	const struct control_run *run = item->run;
	bool shares = item->plan->roles & ROLE_CONTROL &&
		      run->since_shared > run->since[issuer];

	return shares ? run->since_shared : run->since[issuer];
}

static void compare(const struct control_item *item, struct buffer *drift)
{
	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		const struct control_certificate *wanted =
			&item->plan->certificates[i];
		AUTO_RELEASE(buffer) own = BUFFER_INIT;

		compare_one(wanted, &item->held[i], &own);
		if (item->held[i].found &&
			item->held[i].event <= since_of(item, wanted->issuer))
			drift_add(&own, "it is of a stage of a rotation before "
					"this one");
		if (own.len)
			drift_add(drift, "%s: %s", wanted->profile->name,
				own.data);
	}
}

/* -- deciding -- */

static void refuse(struct control_item *item, const char *format, ...)
	PRINTF(2, 3);

static void refuse(struct control_item *item, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(&item->error, ERROR_REFUSED, format, args);
	va_end(args);
}

static bool is_planned(
	const struct control_plan *plan, const struct profile *profile)
{
	for (size_t i = 0; i < plan->n_certificates; i++)
		if (plan->certificates[i].profile == profile)
			return true;
	return false;
}

/* Its only key would go with the tree that is replaced. */
static bool require_nothing_orphaned(
	struct control_item *item, struct error *err)
{
	const struct control_plan *plan = item->plan;
	const struct profile *profile;

	for (size_t i = 0; (profile = control_profile(plan->roles, i)); i++) {
		bool admin = plan->roles & ROLE_ADMIN, found = false;
		const char *name = admin ? profile->common_name : plan->name;
		struct ledger_row row;

		if (is_planned(plan, profile))
			continue;
		if (!ledger_live_anywhere(item->run->context->ledger,
			    profile->name, name, item->run->context->now, &row,
			    &found, err))
			return false;
		if (found && !item->error.kind)
			refuse(item,
				"has a live certificate of %s, which would be "
				"left without its key: --with-%s%s",
				profile->name, profile->name,
				strcmp(profile->name, "admin") ? "" : "-conf");
	}
	return true;
}

/* A name that all hosts of the control plane answer by is no node's. */
static bool require_not_a_nodes(
	struct control_item *item, const char *name, struct error *err)
{
	const struct control_run *run = item->run;
	AUTO_TEXT holder = NULL;
	struct node host;

	if (item->error.kind)
		return true;
	if (!ledger_address(run->context->ledger,
		    run->authorities->numbers[CONTROL_CA], name,
		    run->context->now, &holder, err))
		return false;
	if (holder &&
		!topology_has(run->context->cluster->topology, holder, &host))
		refuse(item,
			"\"%s\": node \"%s\" has a live certificate that "
			"answers for it",
			name, holder);
	return true;
}

static bool require_names_free(struct control_item *item, struct error *err)
{
	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		const struct holder *holder =
			&item->plan->certificates[i].holder;

		if (item->plan->certificates[i].profile->names !=
			NAMES_API_SERVER)
			continue;
		for (size_t k = 0; k < holder->n_alt_names; k++)
			if (!require_not_a_nodes(
				    item, holder->alt_names[k].text, err))
				return false;
	}
	return true;
}

static bool is_known(const struct control_run *run,
	const struct control_place *place, bool *ret_known, struct error *err)
{
	*ret_known = false;
	for (size_t i = 0; i < place->n_certificates && !*ret_known; i++)
		if (!ledger_has_anywhere(run->context->ledger,
			    place->certificates[i], ret_known, err))
			return false;
	return true;
}

static bool decide_issue(struct control_item *item,
	const struct control_place *place, struct error *err)
{
	bool known = false;

	if (place->taken && !is_known(item->run, place, &known, err))
		return false;
	if (place->taken && !known) {
		refuse(item,
			"what is in its place in \"%s\" is nothing of this "
			"ledger: move it away",
			item->run->out);
		return true;
	}
	if (!require_nothing_orphaned(item, err) ||
		!require_names_free(item, err))
		return false;
	item->replace = place->taken;
	item->wanted = !item->error.kind;
	return true;
}

static void decide_true(
	struct control_item *item, const struct control_place *place)
{
	bool lost = false, pending = false;

	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		lost = lost || item->held[i].lost;
		pending = pending || item->held[i].pending;
	}
	if (lost)
		refuse(item, "its certificates are live and its tree is lost: "
			     "--reissue makes another");
	else if (pending && !item->present)
		refuse(item, "its certificates are recorded and its tree waits "
			     "where it is out of reach: --reissue makes "
			     "another");
	else if (place->taken && !place->current)
		refuse(item,
			"what is in its place in \"%s\" is not the tree of its "
			"live certificates",
			item->run->out);
	else if (place->missing)
		refuse(item,
			"its certificates are live and its tree does not have "
			"\"%s\" as it should be: --reissue makes another",
			place->missing);
	else if (!item->present && item->run->named)
		refuse(item,
			"its certificates are live and its tree is not here; "
			"its keys were not kept: --reissue makes another");
}

static bool wants_anew(const struct control_item *item, bool differs)
{
	bool lost = false;

	for (size_t i = 0; i < item->plan->n_certificates; i++)
		lost = lost || item->held[i].lost;
	return item->run->reissue &&
	       (differs || lost ||
		       (!item->run->staged &&
			       (item->run->named || !item->present)));
}

static bool look(const struct control_item *item, int out,
	struct control_place *place, struct error *err)
{
	struct der live[CONTROL_CERTIFICATES_MAX] = {0};

	for (size_t i = 0; i < item->plan->n_certificates; i++)
		if (item->held[i].certificate)
			live[i] = item->held[i].certificate->whole;
	return control_place_look(
		out, item->plan, item->run->format, live, place, err);
}

static bool decide_in_place(struct control_item *item,
	const struct control_place *place, struct error *err)
{
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	bool any = false;

	for (size_t i = 0; i < item->plan->n_certificates; i++)
		any = any || item->held[i].found;
	if (any)
		compare(item, &drift);
	item->present = place->current && !place->missing;
	if (!any || wants_anew(item, drift.len > 0))
		return decide_issue(item, place, err);
	if (drift.len)
		refuse(item, "differs: %s; --reissue issues it anew",
			drift.data);
	else
		decide_true(item, place);
	return true;
}

/* What cannot be looked at in one's place is that one's failure. */
bool control_item_decide(struct control_item *item, int out, struct error *err)
{
	AUTO_RELEASE(control_place) place = CONTROL_PLACE_INIT;

	for (size_t i = 0; i < item->plan->n_certificates; i++)
		if (!hold(item, i, err))
			return false;
	return !look(item, out, &place, &item->error) ||
	       decide_in_place(item, &place, err);
}

/* -- making -- */

static bool write_directory(
	const struct control_item *item, int stage, struct error *err)
{
	AUTO_CLOSE dir = -1;

	return directory_create(stage, item->target, 0755, err) &&
	       directory_open_nofollow(stage, item->target, &dir, err) &&
	       tree_write_directory(
		       dir, item->tree->entries, item->tree->n_entries, err);
}

/* A tar's witness is the whole file. */
static bool write_tar(struct control_item *item, int stage, struct error *err)
{
	AUTO_CLOSE fd = openat(stage, item->target,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "create \"%s\"", item->target);
	return tree_write_tar(fd, item->target, "", item->tree->entries,
		       item->tree->n_entries, item->run->archive_time, err) &&
	       tree_end_tar(fd, item->target, err) &&
	       sha256_of_file(fd, item->target, &item->hash, err);
}

static bool check_tree(const struct control_item *item, struct error *err)
{
	const struct control_run *run = item->run;

	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		const struct control_certificate *wanted =
			&item->plan->certificates[i];

		if (!context_check_issued(run->context,
			    run->authorities->all[wanted->issuer],
			    wanted->profile, &item->tree->made[i].der, err))
			return false;
	}
	return true;
}

static bool stage_tree(struct control_item *item, int stage, struct error *err)
{
	item->hash = item->tree->hash;
	return item->run->format == BUNDLE_TAR
		       ? write_tar(item, stage, err)
		       : write_directory(item, stage, err);
}

void control_item_make(struct control_item *item, int stage)
{
	item->issued =
		control_tree_make(item->plan, &item->tree, &item->error) &&
		check_tree(item, &item->error) &&
		stage_tree(item, stage, &item->error);
}

static void fill_issue(struct control_item *item, size_t i)
{
	const struct control_certificate *wanted = &item->plan->certificates[i];
	const struct control_made *made = &item->tree->made[i];
	const struct control_held *held = &item->held[i];
	const struct control_run *run = item->run;

	free(item->details[i]);
	item->details[i] = bundle_detail_write_tree(wanted->server, run->layout,
		run->ca_key && item->plan->roles & ROLE_CONTROL);
	item->issues[i] = (struct ledger_issue){
		.ca = run->authorities->numbers[wanted->issuer],
		.profile = wanted->profile->name,
		.name = wanted->name,
		.detail = item->details[i],
		.serial = {made->serial, made->serial_len},
		.not_before = run->lifetimes[wanted->issuer].not_before,
		.not_after = run->lifetimes[wanted->issuer].not_after,
		.body = der_of(&made->der),
		.addresses = wanted->addresses,
		.n_addresses = wanted->n_addresses,
		.supersedes = held->foreign ? 0 : held->event,
	};
}

struct release_item control_item_offer(struct control_item *item)
{
	for (size_t i = 0; i < item->plan->n_certificates; i++)
		fill_issue(item, i);
	return (struct release_item){.name = item->plan->name,
		.staged = item->target,
		.target = item->target,
		.witness = item->run->format == BUNDLE_TAR
				   ? ""
				   : item->tree->witness,
		.hash = item->hash,
		.replace = item->replace,
		.issues = item->issues,
		.n_issues = item->plan->n_certificates};
}

void control_item_settle(struct control_item *item, struct release_item *offer)
{
	item->issued = offer->state == RELEASE_PUBLISHED;
	if (offer->error.kind)
		error_move(&item->error, &offer->error);
}

/* -- reporting -- */

static const char *status_of(const struct control_item *item)
{
	if (item->issued)
		return "issued";
	if (item->error.kind == ERROR_NONE)
		return "unchanged";
	return item->error.kind == ERROR_REFUSED ? "refused" : "failed";
}

static struct document *serials_of(const struct control_item *item)
{
	struct document *list = document_new_list();

	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		const struct certificate *live = item->held[i].certificate;
		AUTO_TEXT serial = NULL;

		if (item->issued)
			serial = hex_of(item->tree->made[i].serial,
				item->tree->made[i].serial_len);
		else if (live)
			serial = hex_of(live->serial.bytes, live->serial.len);
		if (serial)
			document_append(list, document_new_text(serial));
	}
	return list;
}

/* When the first of its certificates ends. */
static struct instant end_of(const struct control_item *item)
{
	struct instant first = {0};

	for (size_t i = 0; i < item->plan->n_certificates; i++) {
		enum control_authority issuer =
			item->plan->certificates[i].issuer;
		struct instant end =
			item->issued ? item->run->lifetimes[issuer].not_after
				     : item->held[i].not_after;

		if (end.seconds &&
			(!first.seconds || end.seconds < first.seconds))
			first = end;
	}
	return first;
}

struct document *control_item_row(const struct control_item *item)
{
	struct document *row = document_new_map();
	struct instant until = end_of(item);

	document_put_text(row, "status", status_of(item));
	document_put_text(row, "node", item->plan->name);
	if (item->issued || item->present) {
		AUTO_TEXT path =
			memory_format("%s/%s", item->run->out, item->target);

		document_put_text(row, "path", path);
	}
	document_put(row, "serials", serials_of(item));
	if (until.seconds)
		document_put_instant(row, "notAfter", until);
	if (item->error.kind)
		document_put_text(row, "reason", item->error.message);
	return row;
}
