/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "cli/note.h"
#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/nodes.h"
#include "cmd/product.h"
#include "kube/component.h"
#include "kube/csr_approver.h"
#include "kube/host_path.h"

struct component_config_settings {
	const char *format;
	const char *path;
	const char *pki_path;
	const char *kubernetes_version;
	const char *layout;
	const char *inventory;
	const char *out;
};

#define S struct component_config_settings
static const struct option_spec component_config_options[] = {
	OPTION_TEXT(S, format, "format", "flags|systemd|kubeadm|file",
		"how it is said", .preset = "flags",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, path, "path", "bootstrap|manual",
		"kubelets ask for certificates, or get them from kpki",
		.preset = "bootstrap", .value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, pki_path, "pki-path", "DIR",
		"directory of the CA's files on hosts",
		.preset = "by the layout"),
	OPTION_TEXT(S, kubernetes_version, "kubernetes-version", "VERSION",
		"what the components are, such as 1.31",
		.preset = "from the cluster file"),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"names and places of files on hosts",
		.preset = "from the cluster file",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, inventory, "inventory", "FILE",
		"of kubelet-csr-approver: the nodes it may approve; - is "
		"standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_TEXT(S, out, "out", "FILE|DIR",
		"where it goes; a directory when it is several files",
		.preset = "standard output", .value = OPTION_VALUE_FILE),
	OPTION_END,
};

#define ALL "all"
#define APPROVER "kubelet-csr-approver"

static const char *const format_words[] = {
	[COMPONENT_FLAGS] = "flags",
	[COMPONENT_SYSTEMD] = "systemd",
	[COMPONENT_KUBEADM] = "kubeadm",
	[COMPONENT_FILE] = "file",
};

struct choice {
	enum component components[COMPONENTS];
	size_t n_components;
	bool has_many_files;
};

static bool choose_components(
	const char *word, struct choice *choice, struct error *err)
{
	for (size_t i = 0; i < COMPONENTS; i++)
		if (!strcmp(word, ALL) ||
			!strcmp(word, component_name((enum component)i)))
			choice->components[choice->n_components++] =
				(enum component)i;
	if (choice->n_components)
		return true;
	return error_set(err, ERROR_USAGE,
		"\"%s\": not kube-apiserver, kube-controller-manager, "
		"kubelet, " APPROVER " or all",
		word);
}

static enum component_format format_of(const S *settings)
{
	enum component_format format = COMPONENT_FLAGS;

	if (settings->format)
		while (strcmp(settings->format, format_words[format]) != 0)
			format++;
	return format;
}

static bool check_format(
	enum component_format format, struct choice *choice, struct error *err)
{
	for (size_t i = 0; i < choice->n_components; i++)
		if (!component_takes(choice->components[i], format))
			return error_set(err, ERROR_USAGE,
				"--format file: %s has no configuration file, "
				"only the kubelet has",
				component_name(choice->components[i]));
	choice->has_many_files =
		choice->n_components > 1 &&
		(format == COMPONENT_FLAGS || format == COMPONENT_SYSTEMD);
	return true;
}

/* Options are the cluster file's values for once. */
static bool override_cluster(
	const S *settings, struct cluster *cluster, struct error *err)
{
	if (settings->kubernetes_version &&
		!cluster_set(cluster, "kubernetesVersion",
			settings->kubernetes_version, err))
		return context_blame(err, "--kubernetes-version");
	if (settings->layout &&
		!cluster_set(cluster, "layout", settings->layout, err))
		return context_blame(err, "--layout");
	if (settings->pki_path && !host_path_check(settings->pki_path, err))
		return context_blame(err, "--pki-path");
	return true;
}

static bool check_layout(const struct component_settings *component, bool quiet,
	struct error *err)
{
	if (component->cluster->layout == LAYOUT_KUBEADM)
		return true;
	if (component->format == COMPONENT_KUBEADM)
		return error_set(err, ERROR_USAGE,
			"--format kubeadm: kubeadm finds its files by its own "
			"names (--layout kubeadm), not by those of layout "
			"\"pem\"");
	if (component->format == COMPONENT_FILE)
		note(quiet, "in layout \"pem\" the serving pair is named after "
			    "its node: kpki node-bundle writes tlsCertFile "
			    "and tlsPrivateKeyFile");
	return true;
}

static bool save_one(const struct component_settings *settings,
	const enum component *component, const char *out, struct report *report,
	struct error *err)
{
	AUTO_TEXT name = component_file_name(*component, settings->format);
	AUTO_TEXT path = memory_format("%s/%s", out, name);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	bool fresh;

	if (!component_write(settings, component, 1, &text, err) ||
		!product_save_in(out, name, &text, &fresh, err))
		return false;
	product_row(report, path, fresh);
	return true;
}

static bool save_each(const struct command_call *call,
	const struct component_settings *settings, const struct choice *choice,
	const char *out, struct error *err)
{
	AUTO_FREE(report) report = product_report(call);
	bool done = true;

	for (size_t i = 0; done && i < choice->n_components; i++)
		done = save_one(
			settings, &choice->components[i], out, report, err);
	return report_close(report, done, err);
}

static bool deliver(const struct command_call *call,
	const struct component_settings *component, const struct choice *choice,
	struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (choice->has_many_files && !product_is_stream(settings->out))
		return save_each(call, component, choice, settings->out, err);
	return component_write(component, choice->components,
		       choice->n_components, &text, err) &&
	       product_deliver(call, settings->out, &text, err);
}

/* -- the approver, which is told of nodes, and not of files -- */

static bool check_approver_usage(const S *settings, struct error *err)
{
	if (!settings->inventory)
		return error_set(err, ERROR_USAGE,
			APPROVER ": needs --inventory, from which it is made");
	if (settings->format || settings->path || settings->pki_path ||
		settings->kubernetes_version || settings->layout)
		return error_set(err, ERROR_USAGE,
			APPROVER ": takes --inventory and --out, no other");
	return true;
}

static bool write_approver(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	const struct nodes_wanted wanted = {.inventory = settings->inventory};
	AUTO_FREE(context) context = NULL;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	return check_approver_usage(settings, err) &&
	       context_open(call, NEEDS_CLUSTER, &context, err) &&
	       nodes_read(&wanted, &inventory, err) &&
	       nodes_check(context, inventory, err) &&
	       csr_approver_write(context->cluster, inventory, &text, err) &&
	       product_deliver(call, settings->out, &text, err);
}

static bool component_config_run(
	const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	bool manual = settings->path && !strcmp(settings->path, "manual");
	AUTO_FREE(context) context = NULL;
	struct choice choice = {0};
	struct component_settings component = {
		.path = manual ? COMPONENT_MANUAL : COMPONENT_BOOTSTRAP,
		.format = format_of(settings),
		.pki = settings->pki_path,
	};

	if (!product_check_usage(call, settings->out, err))
		return false;
	if (!strcmp(call->operands[0], APPROVER))
		return write_approver(call, err);
	if (settings->inventory)
		return error_set(err, ERROR_USAGE,
			"--inventory goes with " APPROVER " only");
	if (!choose_components(call->operands[0], &choice, err) ||
		!check_format(component.format, &choice, err) ||
		!context_open(call, NEEDS_CLUSTER, &context, err) ||
		!override_cluster(settings, context->cluster, err))
		return false;
	component.cluster = context->cluster;
	component.bundle = context->trust.rotations[ROTATION_CA].event != 0;
	return check_layout(&component, call->shared->quiet, err) &&
	       deliver(call, &component, &choice, err);
}

const struct command command_component_config = {
	.name = "component-config",
	.summary = "write the options that the cluster's components need",
	.operands = "COMPONENT",
	.least = 1,
	.most = 1,
	.takes = TAKES_DIR | TAKES_JSON,
	.report_kind = "ComponentConfigReport",
	.options = component_config_options,
	.settings_size = sizeof(S),
	.run = component_config_run,
};
