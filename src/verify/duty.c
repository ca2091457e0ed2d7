/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/duty.h"

#include <string.h>

#include "base/affix.h"

#define NODE_PREFIX "system:node:"
#define KUBELET "var/lib/kubelet/"
#define KUBELET_PKI KUBELET "pki/"
#define PEM "var/lib/kubernetes/"

/* Kubernetes: PKI certificates and requirements; the names of files are those
 * of kubeadm, of k3s (server/tls, agent), of the hard way, and of kpki's layout
 * pem, which are much like it. */
const struct duty duties[] = {
	{
		.name = "ca",
		.is_ca = true,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "everything: no certificate it signed is accepted",
		.paths = {"pki/ca.crt", "pki/ca.pem", "rotation/ca.crt", PEM "ca.crt", PEM "ca.pem",
			KUBELET "ca.crt", KUBELET "ca.pem"},
	},
	{
		.name = "ca-chain",
		.is_ca = true,
		.roles = ROLE_CA,
		.stops = "the CA that it signed, and everything with that",
		.paths = {"pki/ca-chain.crt"},
	},
	{
		.name = "etcd-ca",
		.is_ca = true,
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "etcd, and with it the API server",
		.paths = {"pki/etcd/ca.crt", "pki/etcd/ca.pem",
			"pki/etcd-ca.crt", "pki/etcd-ca.pem", PEM "etcd/ca.pem",
			"rotation/etcd-ca.crt",
			"tls/etcd/server-ca.crt", "tls/etcd/peer-ca.crt"},
	},
	{
		.name = "front-proxy-ca",
		.is_ca = true,
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "aggregated APIs, metrics-server among them",
		.paths = {"pki/front-proxy-ca.crt", "pki/front-proxy-ca.pem",
			PEM "front-proxy-ca.pem",
			"rotation/front-proxy-ca.crt",
			"tls/request-header-ca.crt"},
	},
	{
		.name = "client-ca",
		.is_ca = true,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "every login by certificate",
		.paths = {"tls/client-ca.crt", "agent/client-ca.crt"},
	},
	{
		.name = "server-ca",
		.is_ca = true,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "every connection to the API server and kubelets",
		.paths = {"tls/server-ca.crt", "agent/server-ca.crt"},
	},
	{
		.name = "kube-apiserver",
		.issuer = "ca",
		.purposes = PURPOSE_SERVER,
		.serves = true,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "every connection to the API server",
		.paths = {"pki/apiserver.crt", "pki/kube-apiserver.crt",
			"pki/kube-apiserver.pem", "pki/kube-api-server.crt",
			"pki/kubernetes.pem", "pki/kubernetes.crt",
			PEM "kubernetes.pem", PEM "kube-api-server.crt"},
	},
	{
		.name = "kube-apiserver",
		.issuer = "server-ca",
		.purposes = PURPOSE_SERVER,
		.serves = true,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "every connection to the API server",
		.paths = {"tls/serving-kube-apiserver.crt"},
	},
	{
		.name = "kube-apiserver-kubelet-client",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "kubectl logs, exec, attach and port-forward",
		.paths = {"pki/apiserver-kubelet-client.crt",
			"pki/kube-apiserver-kubelet-client.crt",
			"pki/apiserver-kubelet-client.pem",
			PEM "apiserver-kubelet-client.pem"},
	},
	{
		.name = "kube-apiserver-kubelet-client",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "kubectl logs, exec, attach and port-forward",
		.paths = {"tls/client-kube-apiserver.crt"},
	},
	{
		.name = "kube-apiserver-etcd-client",
		.issuer = "etcd-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "the API server, which loses etcd",
		.paths = {"pki/apiserver-etcd-client.crt",
			"pki/kube-apiserver-etcd-client.crt",
			"pki/apiserver-etcd-client.pem",
			PEM "apiserver-etcd-client.pem",
			"tls/etcd/client.crt"},
	},
	{
		.name = "front-proxy-client",
		.issuer = "front-proxy-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "aggregated APIs, metrics-server among them",
		.paths = {"pki/front-proxy-client.crt",
			"pki/front-proxy-client.pem",
			PEM "front-proxy-client.pem",
			"tls/client-auth-proxy.crt"},
	},
	{
		.name = "etcd-server",
		.issuer = "etcd-ca",
		/* its gateway dials itself with it */
		.purposes = PURPOSE_SERVER | PURPOSE_CLIENT,
		.serves = true,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "etcd for its clients: the API server",
		.paths = {"pki/etcd/server.crt", "pki/etcd-server.crt",
			"pki/etcd/server.pem", PEM "etcd/server.pem",
			"tls/etcd/server-client.crt"},
	},
	{
		.name = "etcd-peer",
		.issuer = "etcd-ca",
		.purposes = PURPOSE_SERVER | PURPOSE_CLIENT,
		.serves = true,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "etcd among its members: quorum",
		.paths = {"pki/etcd/peer.crt", "pki/etcd-peer.crt",
			"pki/etcd/peer.pem", PEM "etcd/peer.pem",
			"tls/etcd/peer-server-client.crt"},
	},
	{
		.name = "etcd-healthcheck-client",
		.issuer = "etcd-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE,
		.stops = "health checks of etcd, which is then restarted",
		.paths = {"pki/etcd/healthcheck-client.crt",
			"pki/etcd-healthcheck-client.crt",
			"pki/etcd/healthcheck-client.pem",
			PEM "etcd/healthcheck-client.pem"},
	},
	{
		.name = "super-admin",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "the way in when RBAC is broken",
		.paths = {"super-admin.conf", "super-admin.kubeconfig"},
	},
	{
		.name = "admin",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "kubectl of the administrators",
		.paths = {"admin.conf", "pki/admin.crt", "pki/admin.pem",
			"admin.kubeconfig"},
	},
	{
		.name = "admin",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "kubectl of the administrators",
		.paths = {"tls/client-admin.crt", "k3s/k3s.yaml",
			"cred/admin.kubeconfig"},
	},
	{
		.name = "controller-manager",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-controller-manager",
		.roles = ROLE_CONTROL_PLANE,
		.stops = "all controllers: nothing is repaired or scaled",
		.paths = {"controller-manager.conf",
			"kube-controller-manager.kubeconfig",
			"pki/kube-controller-manager.crt",
			"pki/kube-controller-manager.pem"},
	},
	{
		.name = "controller-manager",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-controller-manager",
		.roles = ROLE_CONTROL_PLANE,
		.stops = "all controllers: nothing is repaired or scaled",
		.paths = {"tls/client-controller.crt",
			"cred/controller.kubeconfig"},
	},
	{
		.name = "scheduler",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-scheduler",
		.roles = ROLE_CONTROL_PLANE,
		.stops = "scheduling: new pods stay Pending",
		.paths = {"scheduler.conf", "kube-scheduler.kubeconfig",
			"pki/kube-scheduler.crt", "pki/kube-scheduler.pem"},
	},
	{
		.name = "scheduler",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-scheduler",
		.roles = ROLE_CONTROL_PLANE,
		.stops = "scheduling: new pods stay Pending",
		.paths = {"tls/client-scheduler.crt",
			"cred/scheduler.kubeconfig"},
	},
	{
		.name = "kube-proxy",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-proxy",
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "changes of Services on the node",
		.paths = {"kube-proxy.kubeconfig", "kube-proxy.conf",
			"pki/kube-proxy.crt", "pki/kube-proxy.pem",
			"var/lib/kube-proxy/kubeconfig"},
	},
	{
		.name = "kube-proxy",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_THIS_NAME,
		.common_name = "system:kube-proxy",
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "changes of Services on the node",
		.paths = {"tls/client-kube-proxy.crt",
			"agent/client-kube-proxy.crt",
			"agent/kubeproxy.kubeconfig"},
	},
	{
		.name = "k3s-controller",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "network policies and flannel of k3s",
		.paths = {"tls/client-k3s-controller.crt",
			"tls/client-k3s-cloud-controller.crt",
			"tls/client-supervisor.crt",
			"agent/client-k3s-controller.crt",
			"agent/k3scontroller.kubeconfig"},
	},
	{
		.name = "kubelet-client",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_NODE_NAME,
		.common_name = NODE_PREFIX,
		.organization = "system:nodes",
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "the node: NotReady, its pods are evicted",
		.paths = {KUBELET_PKI "kubelet-client-*",
			"kubernetes/kubelet.conf", "kubelet.conf",
			"kubelet.kubeconfig", "var/lib/kubelet/kubeconfig"},
	},
	{
		.name = "kubelet-client",
		.issuer = "client-ca",
		.purposes = PURPOSE_CLIENT,
		.naming = DUTY_NODE_NAME,
		.common_name = NODE_PREFIX,
		.organization = "system:nodes",
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "the node: NotReady, its pods are evicted",
		.paths = {"agent/client-kubelet.crt",
			"agent/kubelet.kubeconfig"},
	},
	{
		.name = "kubelet-serving",
		.issuer = "ca",
		.purposes = PURPOSE_SERVER,
		.serves = true,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "kubectl logs and exec on the node; its metrics",
		.paths = {KUBELET_PKI "kubelet-server-*",
			KUBELET_PKI "kubelet.crt", KUBELET "*.pem",
			KUBELET_PKI "kubelet.pem"},
	},
	{
		.name = "kubelet-serving",
		.issuer = "server-ca",
		.purposes = PURPOSE_SERVER,
		.serves = true,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE,
		.stops = "kubectl logs and exec on the node; its metrics",
		.paths = {"agent/serving-kubelet.crt"},
	},
	{
		.name = "bootstrap",
		.roles = ROLE_NODE,
		.stops = "the node's first login",
		.paths = {"bootstrap-kubelet.conf", "bootstrap-kubeconfig",
			"bootstrap.kubeconfig"},
	},
	{
		.name = "service-account",
		.issuer = "ca",
		.roles = ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "nothing: only its key is looked at",
		.paths = {"pki/sa.key", "pki/sa.pub", "pki/service-account.pem",
			"rotation/sa.key", "rotation/sa.pub",
			"pki/service-accounts.crt",
			PEM "service-account.pem", PEM "service-accounts.crt",
			"tls/service.key", "tls/service.current.key"},
	},
	{
		.name = "kube-apiserver-client",
		.issuer = "ca",
		.purposes = PURPOSE_CLIENT,
		.roles = ROLE_NODE | ROLE_CONTROL_PLANE | ROLE_CA,
		.stops = "whoever logs in with it",
	},
	{.name = NULL},
};

const struct duty *duty_find(const char *name)
{
	for (const struct duty *duty = duties; duty->name; duty++)
		if (strcmp(duty->name, name) == 0)
			return duty;
	return NULL;
}

bool duty_is(const struct artifact *artifact, const char *name)
{
	return artifact->duty && strcmp(artifact->duty->name, name) == 0;
}

const char *duty_node_of(const char *common_name)
{
	size_t len = strlen(NODE_PREFIX);

	return common_name && strncmp(common_name, NODE_PREFIX, len) == 0
		       ? common_name + len
		       : NULL;
}

/* -- by path -- */

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whole components from the end; a "*" stands in the last one. */
static bool fits(const char *path, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	size_t len = star ? (size_t)(star - pattern) : strlen(pattern);
	size_t head = (size_t)(last_component(pattern) - pattern);
	size_t path_head = (size_t)(last_component(path) - path);
	const char *at;

	if (path_head < head)
		return false;
	at = path + path_head - head;
	return (at == path || at[-1] == '/') && strncmp(at, pattern, len) == 0 &&
	       text_ends(at + len, star ? star + 1 : "") &&
	       (star || at[len] == '\0');
}

static const struct duty *find_path(const char *path)
{
	for (const struct duty *duty = duties; duty->name; duty++)
		for (size_t i = 0; i < ARRAY_SIZE(duty->paths); i++)
			if (duty->paths[i] && fits(path, duty->paths[i]))
				return duty;
	return NULL;
}

/* A key has the duty of its certificate. */
static char *certificate_path(const char *path)
{
	size_t len = strlen(path);

	if (len > 8 && strcmp(path + len - 8, "-key.pem") == 0)
		return memory_format("%.*s.pem", (int)(len - 8), path);
	if (len > 4 && strcmp(path + len - 4, ".key") == 0)
		return memory_format("%.*s.crt", (int)(len - 4), path);
	return memory_text(path);
}

const struct duty *duty_of_path(const char *inside)
{
	const struct duty *duty = find_path(inside);
	AUTO_TEXT path = NULL;

	if (duty)
		return duty;
	path = certificate_path(inside);
	return find_path(path);
}

/* -- by what it says -- */

static bool is_among(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

static const struct {
	const char *duty;
	const char *names[6];
} known_names[] = {
	{"kube-apiserver", {"kube-apiserver", "kubernetes", "kube-api-server"}},
	{"kube-apiserver-kubelet-client", {"kube-apiserver-kubelet-client"}},
	{"kube-apiserver-etcd-client", {"kube-apiserver-etcd-client"}},
	{"etcd-healthcheck-client", {"kube-etcd-healthcheck-client"}},
	{"etcd-server", {"kube-etcd"}},
	{"etcd-peer", {"kube-etcd-peer"}},
	{"front-proxy-client", {"front-proxy-client"}},
	{"controller-manager", {"system:kube-controller-manager"}},
	{"scheduler", {"system:kube-scheduler"}},
	{"kube-proxy", {"system:kube-proxy"}},
	{"super-admin", {"kubernetes-super-admin"}},
	{"admin", {"kubernetes-admin", "admin", "system:admin"}},
	{"service-account", {"service-accounts"}},
};

static const struct duty *duty_of_name(const struct certificate *certificate)
{
	const char *name = certificate->common_name;
	bool server_only = certificate->has_purposes &&
			   !(certificate->purposes & PURPOSE_CLIENT);

	if (!name)
		return NULL;
	if (duty_node_of(name))
		return duty_find(
			server_only ? "kubelet-serving" : "kubelet-client");
	for (size_t i = 0; i < ARRAY_SIZE(known_names); i++)
		if (is_among(name, known_names[i].names))
			return duty_find(known_names[i].duty);
	return NULL;
}

const struct duty *duty_of_certificate(const struct certificate *certificate)
{
	const struct duty *duty;

	/* no CA is called as a node */
	if (certificate->is_ca && !duty_node_of(certificate->common_name))
		return NULL;
	duty = duty_of_name(certificate);
	if (!duty && certificate->has_purposes &&
		certificate->purposes == PURPOSE_CLIENT)
		duty = duty_find("kube-apiserver-client");
	return duty;
}
