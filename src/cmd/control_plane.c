/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/control_plane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/control_batch.h"
#include "cmd/interrupt.h"
#include "cmd/options.h"
#include "cmd/permit.h"
#include "kube/policy.h"
#include "pki/recovery.h"

#define OUT_PRESET "control-plane"

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
	struct control_batch batch;
};

static void run_release(struct run *run)
{
	control_batch_release(&run->batch);
	control_kit_free(run->kit);
	authorities_free(run->authorities);
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

/* What the CA may not sign is refused before any key is made. */
static bool check_permitted(const struct run *run, struct error *err)
{
	const struct cluster *cluster = run->context->cluster;
	const struct inventory *hosts = cluster->topology->hosts;
	const struct permit none = {NULL, 0};

	for (size_t i = 0; i < inventory_count(hosts); i++) {
		struct node host = inventory_node(hosts, i);

		if (!permit_check_node(run->context, &host, err))
			return false;
	}
	return permit_check_cluster(&none, run->context, cluster, err);
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
	return check_permitted(run, err) && check_named(run, err);
}

/* -- choosing -- */

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
	authorities_bundles(run->context, settings);
	if (options->key_type &&
		!key_type_parse(options->key_type, &settings->key_type, err))
		return context_blame(err, "--key-type");
	if (options->layout &&
		!layout_parse(options->layout, &settings->layout, err))
		return context_blame(err, "--layout");
	return control_batch_lifetimes(run->context, run->authorities,
		options->validity, quiet, settings->lifetimes, err);
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

static void plan(struct run *run)
{
	const struct topology *topology = run->context->cluster->topology;
	struct control_batch *batch = &run->batch;

	for (size_t i = 0; i < inventory_count(topology->all); i++) {
		struct node host = inventory_node(topology->all, i);
		unsigned roles = control_batch_roles(topology, host.name);

		if (!run->settings->hosts.n_items ||
			is_named(run->settings, host.name))
			control_batch_add(batch,
				control_plan_new(run->kit, roles, &host));
	}
	if (!run->settings->hosts.n_items)
		control_batch_add(
			batch, control_plan_new(run->kit, ROLE_ADMIN, NULL));
}

static struct release_settings release_settings_of(const struct run *run)
{
	return (struct release_settings){
		.lock_timeout = run->context->lock_timeout,
		.clock_back = run->settings->allow_clock_back,
		.n_workers = 1,
		.warn = context_warn};
}

static bool work(struct run *run, struct report *report, struct error *err)
{
	AUTO_RELEASE(tally) tally = {.noun = "host"};
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool done = control_batch_run(&run->batch, report, &tally, &why);

	if (!tally_result(&tally, run->batch.n_items, err))
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
	run->batch.clock_back = options->allow_clock_back;
	run->batch.shared = (struct control_run){.context = run->context,
		.authorities = run->authorities,
		.kit = run->kit,
		.layout = settings.layout,
		.ca_key = settings.ca_key,
		.format = options->format && !strcmp(options->format, "tar")
				  ? BUNDLE_TAR
				  : BUNDLE_DIRECTORY,
		.out = out_of(options),
		.reissue = options->reissue,
		.staged = options->staged,
		.named = options->hosts.n_items > 0 && !options->staged};
	memcpy(run->batch.shared.lifetimes, settings.lifetimes,
		sizeof(settings.lifetimes));
	authorities_since(run->context, run->batch.shared.since);
	run->batch.shared.since_shared =
		run->context->trust.rotations[ROTATION_SERVICE_ACCOUNT].event;
	return context_archive_time(
		run->context, &run->batch.shared.archive_time, err);
}

static bool check(const struct run *run, struct error *err)
{
	const struct context *context = run->context;

	return require_plain_key(run, err) &&
	       context_check_out(context, out_of(run->settings), err) &&
	       cluster_require_server(
		       context->cluster, context->cluster_path, err) &&
	       check_hosts(run, err) && check_values(run, err);
}

bool control_plane_trees(struct context *context, const S *settings, bool quiet,
	struct report *report, struct error *err)
{
	AUTO_RELEASE(run) run = {.settings = settings, .context = context};

	if (!check(&run, err) || !prepare(&run, quiet, err))
		return false;
	plan(&run);
	return work(&run, report, err);
}

static bool control_plane_run(
	const struct command_call *call, struct error *err)
{
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(run) run = {.settings = call->settings};
	AUTO_FREE(report) report = NULL;
	struct release_settings settings;

	if (!check_usage(run.settings, err) ||
		!context_open(call,
			NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE, &context,
			err))
		return false;
	run.context = context;
	if (!check(&run, err))
		return false;
	settings = release_settings_of(&run);
	if (!recovery_run(context->ledger, &settings, err) ||
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
