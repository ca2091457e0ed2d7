/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rotation.h"

#include <string.h>

#include "base/memory.h"

static const char *const names[ROTATION_TARGETS] = {
	[ROTATION_CA] = "ca",
	[ROTATION_FRONT_PROXY_CA] = "front-proxy-ca",
	[ROTATION_ETCD_CA] = "etcd-ca",
	[ROTATION_SERVICE_ACCOUNT] = "sa",
};

const struct rotation_stage rotation_stages[ROTATION_LAST + 1] = {
	{ROTATION_OLD, ROTATION_OLD, "trust the old, issue from the old"},
	{ROTATION_OLD | ROTATION_NEW, ROTATION_OLD,
		"trust both, issue from the old"},
	{ROTATION_OLD | ROTATION_NEW, ROTATION_NEW,
		"trust both, issue from the new"},
	{ROTATION_NEW, ROTATION_NEW, "trust the new, issue from the new"},
};

#define CONTROL ROTATION_CONTROL
#define ETCD ROTATION_ETCD
#define NODE ROTATION_NODE
#define PEOPLE ROTATION_PEOPLE

#define APISERVER "kube-apiserver"
#define MANAGER "kube-controller-manager"
#define SCHEDULER "kube-scheduler"
#define KUBELET "kubelet"
#define PROXY "kube-proxy"
#define KUBECONFIG "certificate-authority-data"

static const struct rotation_edge edges[] = {
	/* Kubernetes: Manual Rotation of CA Certificates, steps 5 to 8; PKI
	 * certificates and requirements */
	{ROTATION_CA, KUBELET, "its client certificate", NODE, APISERVER,
		"--client-ca-file", CONTROL},
	{ROTATION_CA, MANAGER, "its client certificate", CONTROL, APISERVER,
		"--client-ca-file", CONTROL},
	{ROTATION_CA, SCHEDULER, "its client certificate", CONTROL, APISERVER,
		"--client-ca-file", CONTROL},
	{ROTATION_CA, PROXY, "its client certificate", NODE, APISERVER,
		"--client-ca-file", CONTROL},
	{ROTATION_CA, "kubectl", "a user's client certificate", PEOPLE,
		APISERVER, "--client-ca-file", CONTROL},
	{ROTATION_CA, "kubectl", "a user's client certificate", PEOPLE, MANAGER,
		"--client-ca-file", CONTROL},
	/* Kubernetes: TLS bootstrapping; pkg/controller/certificates/signer */
	{ROTATION_CA, MANAGER, "what --cluster-signing-cert-file signs",
		CONTROL, APISERVER, "--client-ca-file", CONTROL},
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, KUBELET,
		KUBECONFIG, NODE},
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, MANAGER,
		KUBECONFIG, CONTROL},
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, SCHEDULER,
		KUBECONFIG, CONTROL},
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, PROXY,
		KUBECONFIG, NODE},
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, "kubectl",
		KUBECONFIG, PEOPLE},
	/* pkg/controller/certificates/rootcacertpublisher */
	{ROTATION_CA, APISERVER, "its serving certificate", CONTROL, "pods",
		"kube-root-ca.crt (" MANAGER " --root-ca-file)", NODE},
	{ROTATION_CA, KUBELET, "its serving certificate", NODE, APISERVER,
		"--kubelet-certificate-authority", CONTROL},
	{ROTATION_CA, APISERVER, "its client certificate for kubelets", CONTROL,
		KUBELET, "clientCAFile", NODE},

	/* Kubernetes: Configure the Aggregation Layer */
	{ROTATION_FRONT_PROXY_CA, APISERVER, "front-proxy-client", CONTROL,
		APISERVER, "--requestheader-client-ca-file", CONTROL},
	{ROTATION_FRONT_PROXY_CA, APISERVER, "front-proxy-client", CONTROL,
		MANAGER, "--requestheader-client-ca-file", CONTROL},
	{ROTATION_FRONT_PROXY_CA, APISERVER, "front-proxy-client", CONTROL,
		"extension API servers",
		"extension-apiserver-authentication (" APISERVER
		" --requestheader-client-ca-file)",
		NODE},

	/* etcd: Transport security model */
	{ROTATION_ETCD_CA, APISERVER, "its client certificate for etcd",
		CONTROL, "etcd", "--trusted-ca-file", ETCD},
	{ROTATION_ETCD_CA, "etcd probe", "etcd/healthcheck-client", ETCD,
		"etcd", "--trusted-ca-file", ETCD},
	{ROTATION_ETCD_CA, "etcd", "its serving certificate, to its gateway",
		ETCD, "etcd", "--trusted-ca-file", ETCD},
	{ROTATION_ETCD_CA, "etcd", "its serving certificate", ETCD, APISERVER,
		"--etcd-cafile", CONTROL},
	{ROTATION_ETCD_CA, "etcd", "its serving certificate", ETCD,
		"etcd probe", "--cacert", ETCD},
	{ROTATION_ETCD_CA, "etcd", "its peer certificate", ETCD, "etcd",
		"--peer-trusted-ca-file", ETCD},

	/* Kubernetes: Managing Service Accounts */
	{ROTATION_SERVICE_ACCOUNT, MANAGER,
		"what --service-account-private-key-file signs", CONTROL,
		APISERVER, "--service-account-key-file", CONTROL},
	{ROTATION_SERVICE_ACCOUNT, APISERVER,
		"what --service-account-signing-key-file signs", CONTROL,
		APISERVER, "--service-account-key-file", CONTROL},
};

const char *rotation_target_name(enum rotation_target target)
{
	return names[target];
}

bool rotation_target_parse(const char *text, enum rotation_target *ret_target,
	struct error *err)
{
	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		if (!strcmp(names[i], text)) {
			*ret_target = (enum rotation_target)i;
			return true;
		}
	return error_set(err, ERROR_INPUT,
		"\"%s\": not ca, front-proxy-ca, etcd-ca or sa", text);
}

const struct rotation_edge *rotation_edge(size_t i)
{
	return i < ARRAY_SIZE(edges) ? &edges[i] : NULL;
}

static bool check_edge(const struct rotation_stage *stages,
	const struct rotation_edge *edge, unsigned presented, unsigned verified,
	struct error *err)
{
	if (stages[presented].signer & stages[verified].trusted)
		return true;
	return error_set(err, ERROR_REFUSED,
		"%s at stage %u shows %s of the %s key to %s at stage %u, "
		"whose %s does not have it",
		edge->presenter, presented, edge->credential,
		stages[presented].signer == ROTATION_OLD ? "old" : "new",
		edge->verifier, verified, edge->by);
}

bool rotation_check(const struct rotation_stage *stages,
	enum rotation_target target, unsigned from, unsigned to,
	struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		if (edges[i].target == target &&
			(!check_edge(stages, &edges[i], from, from, err) ||
				!check_edge(stages, &edges[i], to, from, err) ||
				!check_edge(stages, &edges[i], from, to, err) ||
				!check_edge(stages, &edges[i], to, to, err)))
			return false;
	return true;
}
