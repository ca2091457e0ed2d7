/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/rotate_ca.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cmd/bundle_detail.h"
#include "cmd/commands.h"
#include "cmd/interrupt.h"
#include "cmd/options.h"
#include "kube/control_plane.h"
#include "pki/recovery.h"

#define OUT_PRESET "rotation"

#define S struct rotate_ca_settings
static const struct option_spec rotate_ca_options[] = {
	OPTION_TEXT(S, ca, "ca", "ca|front-proxy-ca|etcd-ca|sa",
		"what is rotated; sa: the key for service accounts",
		.preset = "ca", .value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, out, "out", "DIR", "where the trees of stages go",
		.value = OPTION_VALUE_DIRECTORY, .preset = OUT_PRESET),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"nodes and their addresses; without it they stay as they are",
		.value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, kubelet_config_base, "kubelet-config-base", "FILE|none",
		"a KubeletConfiguration to build on; none leaves it out",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, key_type, "key-type", "TYPE",
		"of the new key: ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 "
		"or rsa-4096",
		.preset = "as the old one"),
	OPTION_TEXT(S, ca_validity, "ca-validity", "DUR|TIME",
		"how long, or until when, the new CA is valid",
		.preset = "10y"),
	OPTION_TEXT(S, common_name, "common-name", "CN",
		"what the new CA is called",
		.preset = "the profile's, and the time"),
	OPTION_FLAG(S, cross_sign, "cross-sign",
		"let the old CA certify the new one's key as well"),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, what is issued is valid",
		.preset = "from the cluster file"),
	OPTION_FLAG(S, with_ca_key, "with-ca-key",
		"put the key of the cluster's CA on the hosts"),
	OPTION_FLAG(S, vouch, "vouch",
		"take it from you that the stage before is done everywhere"),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

static const struct report_column tree_columns[] = {
	{"status", "STATUS", 9},
	{"node", "HOST", 20},
	{"path", "PATH", 32},
	{"serials", NULL, 0},
	{"notAfter", "EXPIRES", 20},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

static const struct report_column plan_columns[] = {
	{"stage", "STAGE", 0},
	{"node", "HOST", 20},
	{"component", "COMPONENT", 24},
	{"trusts", "TRUSTS", 8},
	{"by", "BY", 36},
	{"shows", "SHOWS", 5},
	{"reason", "AS", 0},
	{NULL, NULL, 0},
};

static const struct report_column status_columns[] = {
	{"status", "STATUS", 7},
	{"node", "HOST", 20},
	{"stage", "STAGE", 5},
	{"path", NULL, 0},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

const struct ledger_rotation *rotate_state(const struct rotate *rotate)
{
	return &rotate->context->trust.rotations[rotate->target];
}

/* -- whom it concerns -- */

struct rotate_subject *rotate_find(
	const struct rotate *rotate, const char *name)
{
	for (size_t i = 0; i < rotate->n_subjects; i++)
		if (!strcmp(rotate->subjects[i].name, name))
			return &rotate->subjects[i];
	return NULL;
}

static struct rotate_subject *add_subject(
	struct rotate *rotate, const char *name, unsigned places)
{
	struct rotate_subject *subject = rotate_find(rotate, name);

	if (!subject) {
		rotate->subjects = memory_grow(rotate->subjects,
			&rotate->allocated, rotate->n_subjects + 1,
			sizeof(*rotate->subjects));
		subject = &rotate->subjects[rotate->n_subjects++];
		*subject = (struct rotate_subject){.name = memory_text(name)};
	}
	subject->places |= places;
	return subject;
}

/* Where edges of this target end. */
static unsigned places_of(enum rotation_target target)
{
	const struct rotation_edge *edge;
	unsigned places = 0;

	for (size_t i = 0; (edge = rotation_edge(i)); i++)
		if (edge->target == target)
			places |= edge->presented_on | edge->verified_on;
	return places;
}

static unsigned places_of_host(
	const struct topology *topology, const struct node *host)
{
	struct node found;

	if (topology->hosts &&
		inventory_find(topology->hosts, host->name, &found))
		return ROTATION_CONTROL | ROTATION_NODE |
		       (topology->etcd_hosts ? 0 : ROTATION_ETCD);
	return ROTATION_ETCD;
}

static void add_hosts(struct rotate *rotate)
{
	const struct topology *topology = rotate->context->cluster->topology;
	unsigned concerned = places_of(rotate->target);

	if (!topology || !topology->hosts)
		return;
	/* Extension API servers on nodes follow by themselves. */
	if (rotate->target != ROTATION_CA)
		concerned &= ROTATION_CONTROL | ROTATION_ETCD;
	for (size_t i = 0; i < inventory_count(topology->all); i++) {
		struct node host = inventory_node(topology->all, i);
		unsigned places = places_of_host(topology, &host) & concerned;

		if (places)
			add_subject(rotate, host.name, places);
	}
}

struct walk {
	struct rotate *rotate;
	const struct topology *topology; /* or NULL */
};

static bool is_of_node(const struct ledger_row *row)
{
	return !strcmp(row->profile, "kubelet-client") ||
	       !strcmp(row->profile, "kubelet-serving") ||
	       (!strcmp(row->profile, "kube-proxy") &&
		       bundle_detail_read(row->detail).is_bundle);
}

static bool is_of_user(const struct ledger_row *row)
{
	static const char *const of_users[] = {"kube-apiserver-client",
		"kube-apiserver-admin", "break-glass", "kube-proxy"};

	for (size_t i = 0; i < ARRAY_SIZE(of_users); i++)
		if (!strcmp(row->profile, of_users[i]))
			return true;
	return false;
}

static bool add_row(void *data, const struct ledger_row *row, struct error *err)
{
	const struct walk *walk = data;
	struct rotate *rotate = walk->rotate;
	struct bundle_detail detail = bundle_detail_read(row->detail);
	struct rotate_subject *subject = NULL;
	bool host = walk->topology &&
		    inventory_find(walk->topology->all, row->name,
			    &(struct node){0});

	(void)err;
	if (host && detail.control_plane) {
		rotate->layout = layout_name(detail.layout);
		rotate->with_ca_key = rotate->with_ca_key || detail.ca_key;
	}
	if (!strcmp(row->profile, "admin") && host)
		rotate->with_admin = true;
	if (!strcmp(row->profile, "super-admin"))
		rotate->with_super_admin = true;
	if (rotate->target != ROTATION_CA)
		return true;
	if (host)
		subject = rotate_find(rotate, row->name);
	else if (is_of_node(row))
		subject = add_subject(rotate, row->name, ROTATION_NODE);
	else if (!strcmp(row->profile, "admin") ||
		 !strcmp(row->profile, "super-admin"))
		subject = add_subject(
			rotate, CONTROL_ADMIN_NAME, ROTATION_PEOPLE);
	else if (is_of_user(row)) {
		AUTO_TEXT name = memory_format("user:%s", row->name);

		subject = add_subject(rotate, name, ROTATION_PEOPLE);
		subject->is_user = true;
	}
	if (subject && row->event > subject->event)
		subject->event = row->event;
	return true;
}

/* A node that bootstraps without a serving certificate has a token alone. */
static bool add_token(
	void *data, const struct ledger_row *row, struct error *err)
{
	const struct walk *walk = data;

	(void)err;
	if (*row->name && row->ca)
		add_subject(walk->rotate, row->name, ROTATION_NODE);
	return true;
}

static bool read_shown(struct rotate *rotate, struct error *err)
{
	const struct ledger_rotation *state = rotate_state(rotate);

	for (size_t i = 0; i < rotate->n_subjects; i++) {
		struct rotate_subject *subject = &rotate->subjects[i];

		if (!ledger_rotation_shown(rotate->context->ledger,
			    rotation_target_name(rotate->target), state->event,
			    subject->name, &subject->shown, err))
			return false;
		/* The file that was made since is in the operator's hand. */
		if (subject->is_user && subject->event > state->event)
			subject->shown = true;
	}
	return true;
}

static bool walk_ledger(struct rotate *rotate, struct error *err)
{
	struct context *context = rotate->context;
	struct walk walk = {rotate, context->cluster->topology};
	/* The cluster renews what it signs itself, and the ledger hears nothing
	 * of it. */
	struct ledger_filter filter = {.live_only = true,
		.lapsed = context->cluster->signing == SIGNING_IN_CLUSTER,
		.at = context->now};

	if (walk.topology && !walk.topology->all)
		walk.topology = NULL;
	if (!ledger_each(context->ledger, &filter, add_row, &walk, err))
		return false;
	filter.tokens = true;
	return (rotate->target != ROTATION_CA ||
		       ledger_each(context->ledger, &filter, add_token, &walk,
			       err)) &&
	       read_shown(rotate, err);
}

bool rotate_find_subjects(struct rotate *rotate, struct error *err)
{
	struct context *context = rotate->context;
	bool done;

	rotate_free_subjects(rotate);
	add_hosts(rotate);
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = walk_ledger(rotate, err);
	ledger_unlock(context->ledger);
	return done;
}

void rotate_free_subjects(struct rotate *rotate)
{
	for (size_t i = 0; i < rotate->n_subjects; i++)
		free(rotate->subjects[i].name);
	free(rotate->subjects);
	rotate->subjects = NULL;
	rotate->n_subjects = rotate->allocated = 0;
}

/* -- the plan -- */

static const char *keys_of(unsigned keys)
{
	if (keys == ROTATION_OLD)
		return "old";
	return keys == ROTATION_NEW ? "new" : "old, new";
}

static struct document *edge_row(
	unsigned stage, const char *host, const char *component)
{
	struct document *row = document_new_map();

	document_put(row, "stage", document_new_integer(stage));
	document_put_text(row, "node", host);
	document_put_text(row, "component", component);
	return row;
}

/* Each end of each edge that is on this host. */
static void plan_host(const struct rotate *rotate, unsigned stage,
	const struct rotate_subject *subject)
{
	const struct rotation_stage *is = &rotation_stages[stage];
	const struct rotation_edge *edge;

	for (size_t i = 0; (edge = rotation_edge(i)); i++) {
		struct document *row;

		if (edge->target != rotate->target)
			continue;
		if (edge->verified_on & subject->places) {
			row = edge_row(stage, subject->name, edge->verifier);
			document_put_text(row, "trusts", keys_of(is->trusted));
			document_put_text(row, "by", edge->by);
			report_row(rotate->report, row);
		}
		if (edge->presented_on & subject->places) {
			row = edge_row(stage, subject->name, edge->presenter);
			document_put_text(row, "shows", keys_of(is->signer));
			document_put_text(row, "reason", edge->credential);
			report_row(rotate->report, row);
		}
	}
}

bool rotate_plan(struct rotate *rotate, struct error *err)
{
	for (unsigned stage = 1; stage <= ROTATION_LAST; stage++) {
		if (!rotation_check(rotation_stages, rotate->target, stage - 1,
			    stage, err))
			return false;
		for (size_t i = 0; i < rotate->n_subjects; i++)
			plan_host(rotate, stage, &rotate->subjects[i]);
	}
	return true;
}

/* -- the verbs -- */

enum verb { VERB_PLAN, VERB_STAGE, VERB_STATUS, VERB_ROLLBACK, VERBS };

static const struct {
	const char *name;
	const struct report_column *columns;
	unsigned needs;
} verbs[VERBS] = {
	[VERB_PLAN] = {"plan", plan_columns,
		NEEDS_CLUSTER | NEEDS_CA_CERTIFICATE | NEEDS_LEDGER},
	[VERB_STAGE] = {"stage", tree_columns,
		NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE},
	[VERB_STATUS] = {"status", status_columns,
		NEEDS_CLUSTER | NEEDS_CA_CERTIFICATE | NEEDS_LEDGER},
	[VERB_ROLLBACK] = {"rollback", tree_columns,
		NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE},
};

static bool find_verb(const char *name, enum verb *ret_verb, struct error *err)
{
	const char *names[VERBS];
	const char *near;

	for (size_t i = 0; i < VERBS; i++) {
		names[i] = verbs[i].name;
		*ret_verb = (enum verb)i;
		if (!strcmp(names[i], name))
			return true;
	}
	near = nearest(name, names, VERBS);
	return error_set(err, ERROR_USAGE,
		"rotate-ca \"%s\": not one of plan|stage|status|rollback%s%s%s",
		name, near ? ", did you mean " : "", near ? near : "",
		near ? "?" : "");
}

static bool check_operands(const struct command_call *call, enum verb verb,
	unsigned *ret_stage, struct error *err)
{
	const char *word = call->n_operands > 1 ? call->operands[1] : NULL;

	if (verb == VERB_STATUS)
		return true;
	if (verb == VERB_STAGE) {
		if (!word || word[0] < '1' || word[0] > '0' + ROTATION_LAST ||
			word[1] || call->n_operands > 2)
			return error_set(err, ERROR_USAGE,
				"rotate-ca stage \"%s\": takes one number "
				"from 1 to %d; rollback goes back",
				word ? word : "", ROTATION_LAST);
		*ret_stage = (unsigned)(word[0] - '0');
		return true;
	}
	return !word || error_set(err, ERROR_USAGE,
				"operand \"%s\": rotate-ca %s takes none", word,
				verbs[verb].name);
}

static bool check_options(const S *settings, enum verb verb, struct error *err)
{
	bool makes = settings->key_type || settings->ca_validity ||
		     settings->common_name || settings->cross_sign;
	bool writes = settings->out || settings->inventory ||
		      settings->kubelet_config_base ||
		      settings->validity || settings->with_ca_key ||
		      settings->vouch || settings->allow_clock_back;

	if (makes && verb != VERB_STAGE)
		return error_set(err, ERROR_USAGE,
			"--key-type, --ca-validity, --common-name and "
			"--cross-sign go with stage 1, which makes the new "
			"key");
	if (writes && verb != VERB_STAGE && verb != VERB_ROLLBACK)
		return error_set(err, ERROR_USAGE,
			"rotate-ca %s: takes --ca only", verbs[verb].name);
	return true;
}

static bool recover(const struct rotate *rotate, struct error *err)
{
	const struct release_settings settings = {
		.lock_timeout = rotate->context->lock_timeout,
		.clock_back = rotate->settings->allow_clock_back,
		.warn = context_warn};

	return recovery_run(rotate->context->ledger, &settings, err);
}

static bool roll_back(struct rotate *rotate, struct error *err)
{
	unsigned stage = rotate_state(rotate)->stage;

	if (stage == 0)
		return error_set(err, ERROR_REFUSED,
			"%s is at no stage of a rotation: there is nothing to "
			"go back from",
			rotation_target_name(rotate->target));
	return recover(rotate, err) && rotate_stage(rotate, stage - 1, err);
}

static bool go_on(struct rotate *rotate, unsigned stage, struct error *err)
{
	unsigned at = rotate_state(rotate)->stage;

	/* Behind the last one another rotation begins. */
	if (stage < at && !(stage == 1 && at == ROTATION_LAST))
		return error_set(err, ERROR_REFUSED,
			"stage %u of %s: is behind stage %u, which was "
			"entered: rollback goes back",
			stage, rotation_target_name(rotate->target), at);
	return recover(rotate, err) && rotate_stage(rotate, stage, err);
}

static bool run_verb(struct rotate *rotate, enum verb verb, unsigned stage,
	struct error *err)
{
	const struct command_call *call = rotate->call;

	if (!rotate_find_subjects(rotate, err))
		return false;
	switch (verb) {
	case VERB_PLAN:
		return rotate_plan(rotate, err);
	case VERB_STATUS:
		return rotate_status(rotate, call->operands + 1,
			call->n_operands - 1, err);
	case VERB_STAGE:
		return go_on(rotate, stage, err);
	case VERB_ROLLBACK:
		return roll_back(rotate, err);
	case VERBS:
		break;
	}
	return false;
}

static bool rotate_ca_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(report) report = NULL;
	struct rotate rotate = {.call = call,
		.settings = settings,
		.out = settings->out ? settings->out : OUT_PRESET};
	enum verb verb;
	unsigned stage = 0, needs;
	bool done;

	if (!find_verb(call->operands[0], &verb, err) ||
		!check_operands(call, verb, &stage, err) ||
		!check_options(settings, verb, err) ||
		(settings->ca && !rotation_target_parse(
					 settings->ca, &rotate.target, err)))
		return false;
	needs = verbs[verb].needs;
	if (verb == VERB_STATUS && call->n_operands > 1)
		needs |= NEEDS_LEDGER_WRITE;
	if (!context_open(call, needs, &context, err) ||
		!context_check_out(context, rotate.out, err))
		return false;
	rotate.context = context;
	interrupt_watch();
	rotate.report = report = context_report(call, verbs[verb].columns,
		call->shared->quiet && verb != VERB_PLAN ? REPORT_SILENT
							 : REPORT_TEXT,
		stdout);
	done = run_verb(&rotate, verb, stage, err);
	rotate_free_subjects(&rotate);
	return report_close(report, done, err);
}

const struct command command_rotate_ca = {
	.name = "rotate-ca",
	.summary = "put another CA in the place of one, by stages",
	.operands = "plan|stage|status|rollback [N|PATH...]",
	.least = 1,
	.most = UINT_MAX,
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "RotateCAReport",
	.options = rotate_ca_options,
	.settings_size = sizeof(S),
	.run = rotate_ca_run,
};
