/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/component.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "kube/host_path.h"
#include "kube/kubelet_config.h"

/* -- the table -- */

/* What must be so for a flag to be wanted. */
enum need {
	BOOTSTRAP = 1,
	OFFLINE = 2,
	IN_CLUSTER = 4,
	SERVING = 8, /* kubelets serve with kpki's certificates */
	ROTATED = 16,
};

/* The CA, or all that are trusted in its place. */
#define TRUST HOST_FILE_CA_BUNDLE
#define VALIDITY "{validity}" /* of the cluster file */

#define APISERVER COMPONENT_KUBE_APISERVER
#define MANAGER COMPONENT_KUBE_CONTROLLER_MANAGER

static const struct flag {
	enum component component;
	const char *name;
	const char *text; /* NULL: the path of */
	enum host_file file;
	unsigned needs;
	unsigned until; /* the last 1.x that takes it; 0: all do */
} flags[] = {
	/* Kubernetes: TLS bootstrapping */
	{APISERVER, "client-ca-file", NULL, TRUST, 0, 0},
	{APISERVER, "enable-bootstrap-token-auth", "true", 0, BOOTSTRAP, 0},
	/* Kubernetes: Using Node Authorization */
	{APISERVER, "authorization-mode", "Node,RBAC", 0, 0, 0},
	{APISERVER, "enable-admission-plugins", "NodeRestriction", 0, 0, 0},
	/* Kubernetes: PKI certificates and requirements */
	{APISERVER, "kubelet-client-certificate", NULL,
		HOST_FILE_APISERVER_KUBELET_CLIENT, 0, 0},
	{APISERVER, "kubelet-client-key", NULL,
		HOST_FILE_APISERVER_KUBELET_CLIENT_KEY, 0, 0},
	/* Without it serving certificates are not looked at (Kubernetes:
	 * pkg/kubelet/client). */
	{APISERVER, "kubelet-certificate-authority", NULL, TRUST, SERVING, 0},
	/* Until 1.19 a port that asks for no certificate was open unless told;
	 * until 1.23 the flag takes nothing else. */
	{APISERVER, "insecure-port", "0", 0, 0, 23},

	/* Kubernetes: TLS bootstrapping; both empty: the signer is off
	 * (cmd/kube-controller-manager/app/certificates.go) */
	{MANAGER, "cluster-signing-cert-file", NULL, HOST_FILE_CA, IN_CLUSTER,
		0},
	{MANAGER, "cluster-signing-key-file", NULL, HOST_FILE_CA_KEY,
		IN_CLUSTER, 0},
	{MANAGER, "cluster-signing-duration", VALIDITY, 0, IN_CLUSTER, 0},
	{MANAGER, "cluster-signing-cert-file", "", 0, OFFLINE, 0},
	{MANAGER, "cluster-signing-key-file", "", 0, OFFLINE, 0},
	/* Kubernetes: Authenticating with Bootstrap Tokens */
	/* Kubernetes: Manual Rotation of CA Certificates */
	{MANAGER, "root-ca-file", NULL, TRUST, ROTATED, 0},
	{MANAGER, "client-ca-file", NULL, TRUST, ROTATED, 0},
	{MANAGER, "controllers", "*,bootstrapsigner,tokencleaner", 0, BOOTSTRAP,
		0},

	/* Kubernetes: TLS bootstrapping */
	{COMPONENT_KUBELET, "bootstrap-kubeconfig", NULL,
		HOST_FILE_BOOTSTRAP_KUBECONFIG, BOOTSTRAP, 0},
	{COMPONENT_KUBELET, "kubeconfig", NULL, HOST_FILE_KUBECONFIG, 0, 0},
	{COMPONENT_KUBELET, "cert-dir", NULL, HOST_FILE_KUBELET_PKI, 0, 0},
	{COMPONENT_KUBELET, "config", NULL, HOST_FILE_KUBELET_CONFIG, 0, 0},
};

/* The 1.x that a kubeadm API begins with (Kubernetes:
 * cmd/kubeadm/app/apis/kubeadm). */
static const struct {
	unsigned from;
	const char *version;
} kubeadm_apis[] = {
	{31, "kubeadm.k8s.io/v1beta4"},
	{22, "kubeadm.k8s.io/v1beta3"},
	{0, "kubeadm.k8s.io/v1beta2"},
};
#define EXTRA_ARGS_ARE_LISTS 31

static const struct {
	const char *name;
	const char *kubeadm; /* its section of the ClusterConfiguration */
} names[] = {
	[COMPONENT_KUBE_APISERVER] = {"kube-apiserver", "apiServer"},
	[COMPONENT_KUBE_CONTROLLER_MANAGER] = {"kube-controller-manager",
		"controllerManager"},
	[COMPONENT_KUBELET] = {"kubelet", NULL},
};

const char *component_name(enum component component)
{
	return names[component].name;
}

/* -- which flags, with which values -- */

/* The x of 1.x; without a version the newest. */
static unsigned minor_of(const struct cluster *cluster)
{
	return cluster->minor ? cluster->minor : UINT_MAX;
}

/* Nodes that join by kubeadm bring no files of kpki. */
static bool has_serving(const struct component_settings *settings)
{
	return settings->format != COMPONENT_KUBEADM ||
	       settings->path == COMPONENT_MANUAL;
}

static unsigned situation(const struct component_settings *settings)
{
	return (settings->path == COMPONENT_BOOTSTRAP ? BOOTSTRAP : 0) |
	       (has_serving(settings) ? SERVING : 0) |
	       (settings->bundle ? ROTATED : 0) |
	       (settings->cluster->signing == SIGNING_IN_CLUSTER ? IN_CLUSTER
								 : OFFLINE);
}

/* As Go writes a duration: 8760h0m0s. */
static char *validity_of(const struct cluster *cluster)
{
	int64_t seconds = cluster->validity;

	return memory_format("%" PRId64 "h%" PRId64 "m%" PRId64 "s",
		seconds / SPAN_HOUR, seconds % SPAN_HOUR / SPAN_MINUTE,
		seconds % SPAN_MINUTE);
}

static enum host_file trust_file(const struct component_settings *settings)
{
	return settings->bundle ? HOST_FILE_CA_BUNDLE : HOST_FILE_CA;
}

static char *value_of(
	const struct component_settings *settings, const struct flag *flag)
{
	if (!flag->text)
		return host_path(
			flag->file == TRUST ? trust_file(settings) : flag->file,
			settings->cluster->layout, settings->pki);
	if (!strcmp(flag->text, VALIDITY))
		return validity_of(settings->cluster);
	return memory_text(flag->text);
}

/* A map from flags to their values. */
static struct document *flags_of(
	const struct component_settings *settings, enum component component)
{
	struct document *map = document_new_map();
	unsigned is = situation(settings);
	unsigned minor = minor_of(settings->cluster);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const struct flag *flag = &flags[i];
		AUTO_TEXT value = NULL;

		if (flag->component != component ||
			(is & flag->needs) != flag->needs ||
			(flag->until && minor > flag->until))
			continue;
		value = value_of(settings, flag);
		document_put_text(map, flag->name, value);
	}
	return map;
}

/* -- flags and units -- */

static void write_flags(
	const struct document *map, const char *between, struct buffer *text)
{
	for (size_t i = 0; i < document_count(map); i++)
		buffer_format(text, "%s--%s=%s", i > 0 ? between : "",
			document_key(map, i),
			document_text(document_at(map, i)));
}

char *component_file_name(
	enum component component, enum component_format format)
{
	return memory_format(format == COMPONENT_SYSTEMD
				     ? "%s.service.d/10-kpki.conf"
				     : "%s.flags",
		component_name(component));
}

/* Several are told apart by their names. */
static void write_lines(const struct component_settings *settings,
	enum component component, bool is_alone, struct buffer *text)
{
	AUTO_FREE(document) map = flags_of(settings, component);

	if (!is_alone)
		buffer_format(text, "# %s\n", component_name(component));
	write_flags(map, "\n", text);
	buffer_add_text(text, "\n");
}

/* No value needs quoting: flags are the table's, paths and times are plain.
 * (systemd.exec, Environment=; systemd.service, COMMAND LINES) */
static void write_unit(const struct component_settings *settings,
	enum component component, struct buffer *text)
{
	AUTO_FREE(document) map = flags_of(settings, component);
	AUTO_TEXT file = component_file_name(component, COMPONENT_SYSTEMD);

	buffer_format(text,
		"# /etc/systemd/system/%s\n"
		"# ExecStart= of %s.service has to have $KPKI_ARGS in it.\n"
		"[Service]\n"
		"Environment=\"KPKI_ARGS=",
		file, component_name(component));
	write_flags(map, " \\\n    ", text);
	buffer_add_text(text, "\"\n");
}

/* -- kubeadm and the kubelet's file -- */

static bool write_kubelet_config(const struct component_settings *settings,
	struct buffer *text, struct error *err)
{
	enum layout layout = settings->cluster->layout;
	bool serving = has_serving(settings);
	AUTO_TEXT ca = host_path(trust_file(settings), layout, settings->pki);
	AUTO_TEXT cert = host_path(HOST_FILE_SERVING, layout, NULL);
	AUTO_TEXT key = host_path(HOST_FILE_SERVING_KEY, layout, NULL);
	struct kubelet_config config = {
		.cluster = settings->cluster,
		.client_ca_file = ca,
		.tls_cert_file = serving ? cert : NULL,
		.tls_private_key_file = serving ? key : NULL,
	};

	return kubelet_config_write(&config, text, err);
}

/* HOST:PORT; kubeadm means 6443 when there is no port, a URL 443. */
static char *endpoint_of(const struct cluster *cluster, struct error *err)
{
	char host[ADDRESS_MAX];
	unsigned port;

	if (!endpoint_parse(cluster->server, host, &port, err))
		return NULL;
	return memory_format(
		strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

static bool put_cluster(const struct component_settings *settings,
	struct document *root, struct error *err)
{
	const struct cluster *cluster = settings->cluster;
	const char *version = cluster->kubernetes_version;
	struct document *networking = document_new_map();
	AUTO_TEXT pki =
		host_path(HOST_FILE_PKI, cluster->layout, settings->pki);
	AUTO_TEXT subnets = cluster_get(cluster, "serviceCIDRs");
	AUTO_TEXT endpoint = NULL;

	document_put_text(root, "clusterName", cluster->name);
	/* With less than a whole version kubeadm asks the internet. */
	if (version && strchr(version + strlen("1."), '.')) {
		AUTO_TEXT whole = memory_format("v%s", version);

		document_put_text(root, "kubernetesVersion", whole);
	}
	document_put_text(root, "certificatesDir", pki);
	document_put(root, "networking", networking);
	document_put_text(networking, "dnsDomain", cluster->dns_domain);
	document_put_text(networking, "serviceSubnet", subnets);
	if (!cluster->server)
		return true;
	endpoint = endpoint_of(cluster, err);
	if (!endpoint)
		return false;
	document_put_text(root, "controlPlaneEndpoint", endpoint);
	return true;
}

static struct document *list_of(const struct document *map)
{
	struct document *list = document_new_list();

	for (size_t i = 0; i < document_count(map); i++) {
		struct document *item =
			document_append(list, document_new_map());

		document_put_text(item, "name", document_key(map, i));
		document_put_text(
			item, "value", document_text(document_at(map, i)));
	}
	return list;
}

static void put_extra_args(const struct component_settings *settings,
	enum component component, struct document *root)
{
	AUTO_FREE(document) map = flags_of(settings, component);
	struct document *section = document_put(
		root, names[component].kubeadm, document_new_map());
	bool is_list = minor_of(settings->cluster) >= EXTRA_ARGS_ARE_LISTS;

	document_put(section, "extraArgs", is_list ? list_of(map) : take(&map));
}

static struct document *new_cluster_configuration(unsigned minor)
{
	struct document *root = document_new_map();
	size_t i = 0;

	while (kubeadm_apis[i].from > minor)
		i++;
	document_put_text(root, "apiVersion", kubeadm_apis[i].version);
	document_put_text(root, "kind", "ClusterConfiguration");
	return root;
}

static bool write_kubeadm(const struct component_settings *settings,
	const enum component *components, size_t n_components,
	struct buffer *text, struct error *err)
{
	AUTO_FREE(document)
	root = new_cluster_configuration(minor_of(settings->cluster));
	size_t n_sections = 0;

	assert(settings->cluster->layout == LAYOUT_KUBEADM);
	if (!put_cluster(settings, root, err))
		return false;
	for (size_t i = 0; i < n_components; i++)
		if (names[components[i]].kubeadm) {
			put_extra_args(settings, components[i], root);
			n_sections++;
		}
	if (n_sections && !document_write_yaml(root, text, err))
		return false;
	if (n_sections == n_components)
		return true;
	if (n_sections)
		buffer_add_text(text, "---\n");
	return write_kubelet_config(settings, text, err);
}

/* -- all of them -- */

bool component_takes(enum component component, enum component_format format)
{
	return format != COMPONENT_FILE || component == COMPONENT_KUBELET;
}

bool component_write(const struct component_settings *settings,
	const enum component *components, size_t n_components,
	struct buffer *text, struct error *err)
{
	switch (settings->format) {
	case COMPONENT_FLAGS:
	case COMPONENT_SYSTEMD:
		break;
	case COMPONENT_KUBEADM:
		return write_kubeadm(
			settings, components, n_components, text, err);
	case COMPONENT_FILE:
		return write_kubelet_config(settings, text, err);
	}
	for (size_t i = 0; i < n_components; i++) {
		if (i > 0)
			buffer_add_text(text, "\n");
		if (settings->format == COMPONENT_FLAGS)
			write_lines(settings, components[i], n_components == 1,
				text);
		else
			write_unit(settings, components[i], text);
	}
	return true;
}
