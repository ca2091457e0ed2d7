/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/control_item.h"
#include "cmd/interrupt.h"
#include "cmd/options.h"
#include "cmd/tally.h"
#include "kube/policy.h"
#include "pki/recovery.h"

#define OUT_PRESET "control-plane"

struct control_plane_settings {
	const char *out;
	struct text_list hosts;
	const char *format;
	bool with_ca_key;
	bool with_admin_conf;
	bool with_super_admin;
	bool reissue;
	const char *key_type;
	const char *validity;
	const char *layout;
	bool allow_clock_back;
};

#define S struct control_plane_settings
static const struct option_spec control_plane_options[] = {
	OPTION_TEXT(S, out, "out", "DIR", "where the trees go",
		.value = OPTION_VALUE_DIRECTORY, .preset = OUT_PRESET),
	OPTION_LIST(S, hosts, "host", "NAME",
		"only this host of the cluster file, and not the "
		"administrator's files"),
	OPTION_TEXT(S, format, "format", "dir|tar",
		"a directory or a tar for each host", .preset = "dir",
		.value = OPTION_VALUE_CHOICE),
	OPTION_FLAG(S, with_ca_key, "with-ca-key",
		"put the key of the cluster's CA on the hosts"),
	OPTION_FLAG(S, with_admin_conf, "with-admin-conf",
		"put an admin.conf on the hosts, as kubeadm wants it"),
	OPTION_FLAG(S, with_super_admin, "with-super-admin",
		"beside each admin.conf one of system:masters"),
	OPTION_FLAG(S, reissue, "reissue",
		"issue anew what differs, is missing or is named"),
	OPTION_KEY_TYPE(S),
	OPTION_TEXT(S, validity, "validity", "DUR|TIME",
		"how long, or until when, certificates are valid",
		.preset = "from the cluster file"),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"names and places of files on the hosts",
		.preset = "from the cluster file",
		.value = OPTION_VALUE_CHOICE),
	OPTION_CLOCK_BACK(S),
	OPTION_END,
};

struct run {
	const S *settings;
	struct context *context;
	struct authorities *authorities;
	struct control_kit *kit;
	struct control_run shared;
	struct control_item *items;
	size_t n_items;
};

static void run_release(struct run *run)
{
	for (size_t i = 0; i < run->n_items; i++)
		control_item_release(&run->items[i]);
	free(run->items);
	control_kit_free(run->kit);
	authorities_free(run->authorities);
	context_free(run->context);
}
DEFINE_AUTO_RELEASE(run)

/* -- checking -- */

static const char *out_of(const S *settings)
{
	return settings->out ? settings->out : OUT_PRESET;
}

static bool is_named(const S *settings, const char *name)
{
	for (size_t i = 0; i < settings->hosts.n_items; i++)
		if (!strcmp(settings->hosts.items[i], name))
			return true;
	return false;
}

static bool check_usage(const S *settings, struct error *err)
{
	if (!strcmp(out_of(settings), "-"))
		return error_set(err, ERROR_USAGE,
			"--out -: trees go to a directory, with --format tar "
			"as tars");
	if (settings->hosts.n_items && settings->with_super_admin &&
		!settings->with_admin_conf)
		return error_set(err, ERROR_USAGE,
			"--with-super-admin with --host needs "
			"--with-admin-conf: the administrator's own files are "
			"not made");
	return true;
}

/* Before the authorities are made. */
static bool check_values(const struct run *run, struct error *err)
{
	const S *settings = run->settings;
	const struct context *context = run->context;
	enum key_type type;
	struct lifetime lifetime;
	bool clamped;

	if (settings->key_type &&
		!key_type_parse(settings->key_type, &type, err))
		return context_blame(err, "--key-type");
	return profile_lifetime(authority_certificate(context->ca),
		       settings->validity, context->cluster->validity,
		       context->now, &lifetime, &clamped, err) ||
	       context_blame(err, "--validity");
}

static bool check_named(const struct run *run, struct error *err)
{
	const struct inventory *all = run->context->cluster->topology->all;
	size_t n = inventory_count(all);
	const char **names = memory_new(n + 1, sizeof(*names));
	struct node host;
	bool done = true;

	for (size_t i = 0; i < n; i++)
		names[i] = inventory_node(all, i).name;
	for (size_t i = 0; done && i < run->settings->hosts.n_items; i++) {
		const char *name = run->settings->hosts.items[i];
		const char *near = nearest(name, names, n);

		if (inventory_find(all, name, &host))
			continue;
		done = error_set(err, ERROR_INPUT,
			"--host \"%s\": no host of \"%s\"%s%s%s", name,
			run->context->cluster_path,
			near ? " (did you mean \"" : "", near ? near : "",
			near ? "\"?)" : "");
	}
	free(names);
	return done;
}

static bool check_hosts(const struct run *run, struct error *err)
{
	const struct cluster *cluster = run->context->cluster;

	if (!cluster->topology || !cluster->topology->hosts) {
		error_set(err, ERROR_INPUT,
			"key \"controlPlane.hosts\": missing, and the control "
			"plane has a tree for each");
		return error_at(err, run->context->cluster_path, 0);
	}
	for (size_t i = 0; i < inventory_count(cluster->topology->all); i++) {
		struct node host = inventory_node(cluster->topology->all, i);

		if (!policy_check_host(cluster, &host, err))
			return false;
		if (strcmp(host.name, CONTROL_ADMIN_NAME) != 0)
			continue;
		error_set(err, ERROR_INPUT,
			"host \"" CONTROL_ADMIN_NAME
			"\": the administrator's own files have this name");
		return error_at(err, host.file, host.line);
	}
	return check_named(run, err);
}

/* -- choosing -- */

static bool choose_lifetimes(const struct run *run, bool quiet,
	struct lifetime *lifetimes, struct error *err)
{
	char until[INSTANT_TEXT];

	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++) {
		const struct certificate *ca =
			authority_certificate(run->authorities->all[i]);
		bool clamped = false;

		if (!profile_lifetime(ca, run->settings->validity,
			    run->context->cluster->validity, run->context->now,
			    &lifetimes[i], &clamped, err))
			return context_blame(err, "--validity");
		if (clamped)
			note(quiet, "certificates of %s end with it, %s",
				control_authority_name(i),
				instant_format(lifetimes[i].not_after, until));
	}
	return true;
}

static bool ships_ca_key(const struct run *run)
{
	return run->settings->with_ca_key ||
	       run->context->cluster->signing == SIGNING_IN_CLUSTER;
}

static bool require_plain_key(const struct run *run, struct error *err)
{
	enum key_custody custody = key_custody(authority_key(run->context->ca));

	if (!ships_ca_key(run) || custody == KEY_PLAIN)
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s/" CA_KEY "\": is %s, and would go to the hosts (%s), "
		"where kube-controller-manager reads plain keys only",
		run->context->path,
		custody == KEY_SEALED ? "sealed" : "in a token",
		run->settings->with_ca_key ? "--with-ca-key"
					   : "signing: in-cluster");
}

static bool choose(const struct run *run, bool quiet,
	struct control_settings *settings, struct error *err)
{
	const S *options = run->settings;
	const struct cluster *cluster = run->context->cluster;

	*settings = (struct control_settings){.cluster = cluster,
		.service_account_key = run->authorities->service_account,
		.layout = cluster->layout,
		.key_type = cluster->key_type,
		.ca_key = ships_ca_key(run),
		.admin = options->with_admin_conf,
		.super_admin = options->with_super_admin};
	memcpy(settings->authorities, run->authorities->all,
		sizeof(settings->authorities));
	if (options->key_type &&
		!key_type_parse(options->key_type, &settings->key_type, err))
		return context_blame(err, "--key-type");
	if (options->layout &&
		!layout_parse(options->layout, &settings->layout, err))
		return context_blame(err, "--layout");
	return choose_lifetimes(run, quiet, settings->lifetimes, err);
}

/* What an operator should know, whatever is issued. */
static void tell(const struct run *run, bool quiet,
	const struct control_settings *settings)
{
	if (settings->key_type == KEY_ED25519)
		warning("ed25519 keys: kubeadm takes RSA and ECDSA only");
	if (settings->cluster->signing == SIGNING_OFFLINE)
		note(quiet, "signing is offline: what kubelets request is "
			    "signed by kpki sign, and by nobody in the "
			    "cluster");
	if (settings->ca_key)
		note(quiet,
			"ca.key goes to the hosts of the control plane (%s)",
			run->settings->with_ca_key ? "--with-ca-key"
						   : "signing: in-cluster");
}

/* -- the items -- */

static unsigned roles_of(const struct topology *topology, const char *name)
{
	struct node host;

	if (!inventory_find(topology->hosts, name, &host))
		return ROLE_ETCD;
	return topology->etcd_hosts ? ROLE_CONTROL : ROLE_CONTROL | ROLE_ETCD;
}

static void add_item(struct run *run, struct control_plan *taken_plan)
{
	control_item_init(
		&run->items[run->n_items++], &run->shared, taken_plan);
}

static void plan(struct run *run)
{
	const struct topology *topology = run->context->cluster->topology;
	size_t n = inventory_count(topology->all);

	run->items = memory_new(n + 1, sizeof(*run->items));
	for (size_t i = 0; i < n; i++) {
		struct node host = inventory_node(topology->all, i);
		unsigned roles = roles_of(topology, host.name);

		if (!run->settings->hosts.n_items ||
			is_named(run->settings, host.name))
			add_item(run, control_plan_new(run->kit, roles, &host));
	}
	if (!run->settings->hosts.n_items)
		add_item(run, control_plan_new(run->kit, ROLE_ADMIN, NULL));
}

static bool decide(struct run *run, int out, struct error *err)
{
	struct ledger *ledger = run->context->ledger;
	bool done = true;

	if (!ledger_lock(
		    ledger, FILE_LOCK_SHARED, run->context->lock_timeout, err))
		return false;
	for (size_t i = 0; done && i < run->n_items; i++)
		done = control_item_decide(&run->items[i], out, err);
	ledger_unlock(ledger);
	return done;
}

/* -- issuing -- */

static struct release_settings release_settings_of(const struct run *run)
{
	return (struct release_settings){
		.lock_timeout = run->context->lock_timeout,
		.clock_back = run->settings->allow_clock_back,
		.n_workers = 1,
		.warn = context_warn};
}

/* Somebody else was faster; if it was a twin, all is as it should be. */
static void decide_again(struct run *run, const struct release *release,
	struct control_item *item)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the race is what counts */
	struct control_run patient = run->shared;
	struct ledger *ledger = run->context->ledger;
	struct control_item again;
	bool done;

	patient.reissue = patient.named = false;
	control_item_init(&again, &patient,
		control_plan_new(
			run->kit, item->plan->roles, &item->plan->host));
	done = ledger_lock(ledger, FILE_LOCK_SHARED, run->context->lock_timeout,
		       &ignored) &&
	       control_item_decide(&again, release_output(release), &ignored);
	ledger_unlock(ledger);
	if (done && !again.error.kind && !again.wanted) {
		struct control_item before = *item;

		*item = again;
		item->run = &run->shared;
		again = before;
	}
	control_item_release(&again);
}

static bool commit(struct run *run, struct release *release, struct error *err)
{
	struct release_item *offers =
		memory_new(run->n_items + 1, sizeof(*offers));
	struct control_item **made =
		memory_new(run->n_items + 1, sizeof(*made));
	size_t n = 0;
	bool done;

	for (size_t i = 0; i < run->n_items; i++) {
		if (!run->items[i].issued)
			continue;
		made[n] = &run->items[i];
		offers[n++] = control_item_offer(&run->items[i]);
	}
	done = n == 0 || release_commit(release, offers, n, err);
	for (size_t i = 0; i < n; i++) {
		if (done)
			control_item_settle(made[i], &offers[i]);
		else
			made[i]->issued = false;
		error_release(&offers[i].error);
		if (done && offers[i].state == RELEASE_RACED)
			decide_again(run, release, made[i]);
	}
	free(made);
	free(offers);
	return done;
}

static bool issue(struct run *run, struct error *err)
{
	struct release_settings settings = release_settings_of(run);
	AUTO_FREE(release) release = NULL;
	bool any = false;

	for (size_t i = 0; i < run->n_items; i++)
		any = any || run->items[i].wanted;
	if (!any)
		return true;
	if (!release_open(run->context->ledger, run->shared.out, &settings,
		    &release, err))
		return false;
	for (size_t i = 0; i < run->n_items; i++) {
		if (!run->items[i].wanted)
			continue;
		if (interrupted())
			return error_set(err, ERROR_FAILED, "interrupted");
		control_item_make(
			&run->items[i], release_directory(release, 0));
	}
	return commit(run, release, err) && release_close(release, err);
}

/* Why an item that was to be issued was not. */
static void fail_rest(struct run *run, const struct error *why)
{
	for (size_t i = 0; i < run->n_items; i++) {
		struct control_item *item = &run->items[i];

		if (item->wanted && !item->issued && !item->error.kind)
			error_set(&item->error, why->kind, "%s", why->message);
	}
}

static bool report_items(
	struct run *run, struct report *report, struct error *err)
{
	AUTO_RELEASE(tally) tally = {.noun = "host"};

	for (size_t i = 0; i < run->n_items; i++) {
		report_row(report, control_item_row(&run->items[i]));
		tally_add(
			&tally, run->items[i].plan->name, &run->items[i].error);
	}
	return tally_result(&tally, run->n_items, err);
}

static bool work(struct run *run, struct report *report, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	AUTO_CLOSE out =
		open(run->shared.out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done;

	if (out < 0 && errno != ENOENT)
		return error_errno(
			err, "output directory \"%s\"", run->shared.out);
	if (!decide(run, out, err))
		return false;
	done = issue(run, &why);
	if (!done)
		fail_rest(run, &why);
	if (!report_items(run, report, err))
		return false;
	if (!done)
		error_move(err, &why);
	return done;
}

static bool prepare(struct run *run, bool quiet, struct error *err)
{
	const S *options = run->settings;
	struct control_settings settings;

	if (!authorities_open(run->context, options->allow_clock_back,
		    &run->authorities, err) ||
		!choose(run, quiet, &settings, err) ||
		!control_kit_new(&settings, &run->kit, err))
		return false;
	tell(run, quiet, &settings);
	run->shared = (struct control_run){.context = run->context,
		.authorities = run->authorities,
		.kit = run->kit,
		.format = options->format && !strcmp(options->format, "tar")
				  ? BUNDLE_TAR
				  : BUNDLE_DIRECTORY,
		.out = out_of(options),
		.reissue = options->reissue,
		.named = options->hosts.n_items > 0};
	memcpy(run->shared.lifetimes, settings.lifetimes,
		sizeof(settings.lifetimes));
	return context_archive_time(
		run->context, &run->shared.archive_time, err);
}

static bool control_plane_run(
	const struct command_call *call, struct error *err)
{
	AUTO_RELEASE(run) run = {.settings = call->settings};
	AUTO_FREE(report) report = NULL;
	struct release_settings settings;

	if (!check_usage(run.settings, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE,
			&run.context, err) ||
		!require_plain_key(&run, err) ||
		!context_check_out(run.context, out_of(run.settings), err) ||
		!cluster_require_server(
			run.context->cluster, run.context->cluster_path, err) ||
		!check_hosts(&run, err) || !check_values(&run, err))
		return false;
	settings = release_settings_of(&run);
	if (!recovery_run(run.context->ledger, &settings, err) ||
		!prepare(&run, call->shared->quiet, err))
		return false;
	plan(&run);
	interrupt_watch();
	report = context_report(call, control_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(report, work(&run, report, err), err);
}

const struct command command_control_plane = {
	.name = "control-plane",
	.summary = "make every certificate, key and kubeconfig of the control "
		   "plane",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "ControlPlaneReport",
	.options = control_plane_options,
	.settings_size = sizeof(S),
	.run = control_plane_run,
};
