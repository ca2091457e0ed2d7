/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rotation_note.h"

#include <string.h>

#define KUBEADM "/etc/kubernetes/pki/"
#define PEM "/var/lib/kubernetes/"

/* What takes a bundle (Kubernetes: Manual Rotation of CA Certificates), by
 * layout.  cluster-signing-cert-file takes exactly one certificate, and stays at
 * the CA's own file. */
static const struct flag {
	enum rotation_target target;
	unsigned place;
	const char *component, *name;
	const char *files[2];
} flags[] = {
	{ROTATION_CA, ROTATION_CONTROL, "kube-apiserver", "client-ca-file",
		{KUBEADM "ca-bundle.crt", PEM "ca-bundle.pem"}},
	{ROTATION_CA, ROTATION_CONTROL, "kube-apiserver",
		"kubelet-certificate-authority",
		{KUBEADM "ca-bundle.crt", PEM "ca-bundle.pem"}},
	{ROTATION_CA, ROTATION_CONTROL, "kube-controller-manager",
		"root-ca-file", {KUBEADM "ca-bundle.crt", PEM "ca-bundle.pem"}},
	{ROTATION_CA, ROTATION_CONTROL, "kube-controller-manager",
		"client-ca-file",
		{KUBEADM "ca-bundle.crt", PEM "ca-bundle.pem"}},
	{ROTATION_CA, ROTATION_CONTROL, "kube-scheduler", "client-ca-file",
		{KUBEADM "ca-bundle.crt", PEM "ca-bundle.pem"}},
	{ROTATION_FRONT_PROXY_CA, ROTATION_CONTROL, "kube-apiserver",
		"requestheader-client-ca-file",
		{KUBEADM "front-proxy-ca-bundle.crt",
			PEM "front-proxy-ca-bundle.pem"}},
	{ROTATION_FRONT_PROXY_CA, ROTATION_CONTROL, "kube-controller-manager",
		"requestheader-client-ca-file",
		{KUBEADM "front-proxy-ca-bundle.crt",
			PEM "front-proxy-ca-bundle.pem"}},
	{ROTATION_ETCD_CA, ROTATION_ETCD, "etcd", "trusted-ca-file",
		{KUBEADM "etcd/ca-bundle.crt", PEM "etcd/ca-bundle.pem"}},
	{ROTATION_ETCD_CA, ROTATION_ETCD, "etcd", "peer-trusted-ca-file",
		{KUBEADM "etcd/ca-bundle.crt", PEM "etcd/ca-bundle.pem"}},
	{ROTATION_ETCD_CA, ROTATION_CONTROL, "kube-apiserver", "etcd-cafile",
		{KUBEADM "etcd/ca-bundle.crt", PEM "etcd/ca-bundle.pem"}},
	{ROTATION_SERVICE_ACCOUNT, ROTATION_CONTROL, "kube-apiserver",
		"service-account-key-file",
		{KUBEADM "sa.pub", PEM "service-account.pem"}},
};

/* What is restarted, in this order; bits of targets. */
#define OF(target) (1u << (target))
static const struct restart {
	unsigned targets;
	unsigned place;
	const char *component;
} restarts[] = {
	{OF(ROTATION_ETCD_CA), ROTATION_ETCD, "etcd"},
	{OF(ROTATION_CA) | OF(ROTATION_FRONT_PROXY_CA) | OF(ROTATION_ETCD_CA) |
			OF(ROTATION_SERVICE_ACCOUNT),
		ROTATION_CONTROL, "kube-apiserver"},
	{OF(ROTATION_CA) | OF(ROTATION_FRONT_PROXY_CA) |
			OF(ROTATION_SERVICE_ACCOUNT),
		ROTATION_CONTROL, "kube-controller-manager"},
	{OF(ROTATION_CA), ROTATION_CONTROL, "kube-scheduler"},
	{OF(ROTATION_CA), ROTATION_NODE, "kubelet"},
	{OF(ROTATION_CA), ROTATION_NODE, "kube-proxy"},
};

/* kube-apiserver only ever adds to it. */
#define FORGET                                                                 \
	"kubectl -n kube-system delete configmap "                             \
	"extension-apiserver-authentication\n     kube-apiserver writes it "   \
	"again, without the CA that is trusted no more"

/* What the cluster is told when all hosts are done. */
static const struct {
	enum rotation_target target;
	bool stages[ROTATION_LAST + 1];
	const char *text;
} afterwards[] = {
	{ROTATION_CA, {true, true, true, true},
		"kpki cluster-info --format configmap | kubectl apply -f -"},
	{ROTATION_CA, {false, true, false, false},
		"kube-root-ca.crt follows --root-ca-file by itself; pods read "
		"it when they start:\n     restart those that speak with the "
		"API server before stage 2, and give webhooks\n     and "
		"APIServices of this CA both in caBundle"},
	{ROTATION_CA, {false, true, true, true},
		"users' kubeconfigs: kpki kubeconfig NAME --reissue"},
	/* Kubernetes: pkg/controlplane/controller/clusterauthenticationtrust */
	{ROTATION_CA, {true, false, false, true}, FORGET},
	{ROTATION_FRONT_PROXY_CA, {true, false, false, true}, FORGET},
	{ROTATION_SERVICE_ACCOUNT, {false, false, true, false},
		"tokens in Secrets stay signed by the old key, and die at "
		"stage 3: delete those\n     Secrets before it, and the "
		"cluster makes others; tokens in pods are renewed\n     "
		"within the hour"},
	{ROTATION_SERVICE_ACCOUNT, {false, false, false, true},
		"tokens that the old key signed are refused from now on"},
};

static void write_flags(const struct rotation_note *note, struct buffer *text)
{
	enum layout layout = note->cluster->layout;
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].target != note->target ||
			!(flags[i].place & note->places))
			continue;
		if (!any)
			buffer_add_text(text,
				"   These flags name the bundle, from stage 1 "
				"on:\n");
		any = true;
		buffer_format(text, "     %s --%s=%s\n", flags[i].component,
			flags[i].name, flags[i].files[layout]);
	}
	if (any && note->target == ROTATION_CA)
		buffer_format(text,
			"   kube-controller-manager "
			"--cluster-signing-cert-file stays at %s.\n",
			layout == LAYOUT_PEM ? PEM "ca.pem" : KUBEADM "ca.crt");
}

/* A node's tree says it itself, and knows no more of the kubelet's settings than
 * it was told. */
static void write_kubelet(const struct rotation_note *note, struct buffer *text)
{
	bool node = note->places == ROTATION_NODE;

	if (note->target != ROTATION_CA || !(note->places & ROTATION_NODE))
		return;
	buffer_format(text,
		"   authentication.x509.clientCAFile of the kubelet's "
		"configuration is the bundle, too%s\n",
		node ? ":\n   config.yaml in the tree says so, and replaces "
		       "the host's; --kubelet-config-base builds\n   on the "
		       "settings that it has, or leaves it out."
		     : ".");
}

static void write_restarts(
	const struct rotation_note *note, struct buffer *text)
{
	const char *before = " ";

	buffer_add_text(text, "2. Restart, in this order:");
	for (size_t i = 0; i < ARRAY_SIZE(restarts); i++) {
		if (!(restarts[i].targets & OF(note->target)) ||
			!(restarts[i].place & note->places))
			continue;
		buffer_format(text, "%s%s", before, restarts[i].component);
		before = ", ";
	}
	buffer_add_text(text,
		".\n   Hosts of the control plane come first, one after the "
		"other, then nodes.\n");
}

static void write_check(const struct rotation_note *note, struct buffer *text)
{
	buffer_format(text,
		"3. Bring back what the host has in /etc/kubernetes, "
		"/var/lib/kubelet and\n   /var/lib/kubernetes, as a tar or a "
		"directory called %s:\n"
		"     kpki verify %s.tar\n"
		"     kpki rotate-ca status --ca %s %s.tar\n",
		note->host, note->host, rotation_target_name(note->target),
		note->host);
}

static void write_afterwards(
	const struct rotation_note *note, struct buffer *text)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(afterwards); i++) {
		if (afterwards[i].target != note->target ||
			!afterwards[i].stages[note->stage] ||
			!(note->places & ROTATION_CONTROL))
			continue;
		if (!any)
			buffer_add_text(text,
				"4. When all hosts are done, in the "
				"cluster:\n");
		any = true;
		buffer_format(text, "   - %s\n", afterwards[i].text);
	}
}

static void write_back(const struct rotation_note *note, struct buffer *text)
{
	if (note->stage == 0)
		return;
	buffer_format(text,
		"To go back:\n     kpki rotate-ca rollback --ca %s\n   writes "
		"the tree of stage %u for this host, and its note.\n",
		rotation_target_name(note->target), note->stage - 1);
}

void rotation_note_write(const struct rotation_note *note, struct buffer *text)
{
	bool host = note->places & ~(unsigned)ROTATION_PEOPLE;

	buffer_format(text, "%s: rotation of %s, stage %u: %s.\n\n", note->host,
		rotation_target_name(note->target), note->stage,
		rotation_stages[note->stage].summary);
	if (!host) {
		buffer_format(text,
			"1. What is in %s/ takes the place of the "
			"administrator's files.\n"
			"2. Show it to be done:\n"
			"     kpki rotate-ca status --ca %s %s\n",
			note->host, rotation_target_name(note->target),
			note->host);
		write_back(note, text);
		return;
	}
	buffer_format(text, "1. Lay what is in %s/ over / of the host, each file by "
		"renaming it (rsync -a does):\n   somebody may be "
		"reading.\n",
		note->host);
	write_flags(note, text);
	write_kubelet(note, text);
	write_restarts(note, text);
	write_check(note, text);
	write_afterwards(note, text);
	write_back(note, text);
}
