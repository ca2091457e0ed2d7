/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/affix.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

/* -- what is here -- */

static bool is_of_kinds(
	const struct artifact *artifact, unsigned kinds, const char *duty)
{
	return kinds & 1u << artifact->kind && !artifact->embedded_kind &&
	       duty_is(artifact, duty);
}

/* One in a kubeconfig serves nobody else. */
static bool has_in_file(
	const struct unit *unit, unsigned kinds, const char *duty)
{
	for (size_t i = 0; i < unit->n_files; i++)
		for (size_t k = 0; k < unit->files[i]->n_artifacts; k++)
			if (is_of_kinds(unit->files[i]->artifacts[k], kinds,
				    duty))
				return true;
	return false;
}

static bool has_any(const struct unit *unit, unsigned kinds,
	const char *const *wanted)
{
	for (; *wanted; wanted++)
		if (has_in_file(unit, kinds, *wanted))
			return true;
	return false;
}

static bool has_only_duties(
	const struct unit *unit, const char *one, const char *other)
{
	for (size_t i = 0; i < unit->n_files; i++)
		for (size_t k = 0; k < unit->files[i]->n_artifacts; k++) {
			const struct artifact *at =
				unit->files[i]->artifacts[k];

			if (!at->embedded_kind && !duty_is(at, one) &&
				!duty_is(at, other))
				return false;
		}
	return true;
}

static bool is_administrators(const struct unit *unit)
{
	return has_only_duties(unit, "admin", "super-admin");
}

static bool is_host(const struct unit *unit)
{
	return unit->kind == UNIT_HOST ||
	       (unit->kind == UNIT_KUBERNETES && !is_administrators(unit));
}

#define ANY_KIND (~0u)
#define CERTIFICATE_FILE (KIND(CERTIFICATE) | KIND(UNREADABLE))

/* -- a node -- */

static bool has_login(const struct unit *unit)
{
	static const char *const logins[] = {
		"kubelet-client", "bootstrap", NULL};

	return has_any(unit, ANY_KIND, logins);
}

/* A named bundle is a node's, unless it is a host of etcd alone. */
static bool is_to_join(const struct examination *x)
{
	return x->settings->roles & ROLE_NODE ||
	       (x->unit->is_named && x->unit->kind == UNIT_HOST &&
		       !(examination_roles(x) & ROLE_CONTROL_PLANE));
}

static void no_login(struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (is_host(x->unit) && !has_login(x->unit) && is_to_join(x))
		finding(x, "has nothing that a kubelet could log in with");
}

static void no_ca_on_host(struct examination *x, const struct artifact *unused)
{
	static const char *const authorities[] = {"ca", "client-ca", NULL};

	(void)unused;
	if (is_host(x->unit) && has_login(x->unit) &&
		!has_any(x->unit, CERTIFICATE_FILE, authorities))
		finding(x, "has no CA certificate");
}

/* -- a control plane -- */

/* Who needs it. */
enum need_of {
	OF_ALL,
	OF_HOSTS,     /* not where only pki/ is */
	OF_EXTENDED,  /* a kube-apiserver as kubeadm and kpki have it; the hard
	                 way does without */
	OF_ETCD_TOO,  /* the same, and a host of etcd alone */
	OF_ETCD,      /* where a member of etcd is */
};

static const struct need {
	const char *what;
	const char *duties[3]; /* one of them */
	unsigned kinds;
	enum need_of of;
	bool k3s_without; /* k3s has it not, or only with some databases */
} needs[] = {
	{"certificate of the CA", {"ca", "server-ca"}, CERTIFICATE_FILE,
		OF_ALL, false},
	{"certificate of kube-apiserver", {"kube-apiserver"}, CERTIFICATE_FILE,
		OF_ALL, false},
	{"key of service accounts", {"service-account"},
		KIND(KEY) | KIND(UNREADABLE), OF_ALL, false},
	{"public key of service accounts", {"service-account"},
		KIND(PUBLIC_KEY) | CERTIFICATE_FILE, OF_ALL, true},
	{"kubeconfig of kube-controller-manager", {"controller-manager"},
		KIND(KUBECONFIG) | KIND(UNREADABLE), OF_HOSTS, false},
	{"kubeconfig of kube-scheduler", {"scheduler"},
		KIND(KUBECONFIG) | KIND(UNREADABLE), OF_HOSTS, false},
	{"certificate by which kube-apiserver calls kubelets",
		{"kube-apiserver-kubelet-client"}, CERTIFICATE_FILE,
		OF_EXTENDED, false},
	{"certificate of the front proxy's CA", {"front-proxy-ca"},
		CERTIFICATE_FILE, OF_EXTENDED, false},
	{"certificate of the front proxy", {"front-proxy-client"},
		CERTIFICATE_FILE, OF_EXTENDED, false},
	{"certificate of etcd's CA", {"etcd-ca"}, CERTIFICATE_FILE, OF_ETCD_TOO,
		true},
	{"certificate by which kube-apiserver calls etcd",
		{"kube-apiserver-etcd-client"}, CERTIFICATE_FILE, OF_EXTENDED,
		true},
	{"certificate of etcd", {"etcd-server"}, CERTIFICATE_FILE, OF_ETCD,
		false},
	{"certificate of etcd for its peers", {"etcd-peer"}, CERTIFICATE_FILE,
		OF_ETCD, false},
	{"certificate for etcd's health checks", {"etcd-healthcheck-client"},
		CERTIFICATE_FILE, OF_ETCD, true},
};

static bool has_file_called(const struct unit *unit, const char *path)
{
	for (size_t i = 0; i < unit->n_files; i++) {
		const char *inside = unit->files[i]->inside;
		size_t len = strlen(inside), end = strlen(path);

		if (text_ends(inside, path) &&
			(len == end || inside[len - end - 1] == '/'))
			return true;
	}
	return false;
}

static const char *const etcd_members[] = {
	"etcd-server", "etcd-peer", "etcd-healthcheck-client", NULL};

static bool is_etcds_alone(const struct unit *unit)
{
	static const char *const others[] = {"kube-apiserver",
		"controller-manager", "scheduler", "service-account",
		"kube-apiserver-kubelet-client", NULL};

	return has_any(unit, ANY_KIND, etcd_members) &&
	       !has_any(unit, ANY_KIND, others);
}

static bool has_etcd(const struct examination *x)
{
	const struct cluster *cluster = x->settings->cluster;

	if (has_any(x->unit, ANY_KIND, etcd_members) ||
		has_file_called(x->unit, "manifests/etcd.yaml"))
		return true;
	return cluster && cluster->topology && cluster->topology->hosts &&
	       !cluster->topology->etcd_hosts;
}

static bool is_extended(const struct unit *unit)
{
	static const char *const extensions[] = {
		"kube-apiserver-kubelet-client", "kube-apiserver-etcd-client",
		"front-proxy-ca", "front-proxy-client", "etcd-ca", NULL};

	return has_any(unit, ANY_KIND, extensions) ||
	       has_file_called(unit, "apiserver.crt");
}

static bool is_needed(const struct examination *x, const struct need *need)
{
	const struct unit *unit = x->unit;

	if (need->k3s_without &&
		has_in_file(unit, CERTIFICATE_FILE, "server-ca"))
		return false;
	if (is_etcds_alone(unit))
		return need->of == OF_ETCD || need->of == OF_ETCD_TOO;
	switch (need->of) {
	case OF_ALL:
		return true;
	case OF_HOSTS:
		return unit->kind != UNIT_PKI;
	case OF_EXTENDED:
	case OF_ETCD_TOO:
		return is_extended(unit);
	case OF_ETCD:
		return has_etcd(x);
	}
	return false;
}

/* A copy of /etc/kubernetes/pki is asked, and kpki's own directory is not. */
static bool is_control_plane(const struct unit *unit)
{
	return is_host(unit) ||
	       (unit->kind == UNIT_PKI && !unit->is_stray &&
		       !is_administrators(unit) &&
		       !unit_next(unit, NULL, ARTIFACT_CLUSTER, NULL));
}

static void missing_for_role(
	struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (!(x->settings->roles & ROLE_CONTROL_PLANE) ||
		!is_control_plane(x->unit))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++)
		if (is_needed(x, &needs[i]) &&
			!has_any(x->unit, needs[i].kinds, needs[i].duties))
			finding(x, "has no %s", needs[i].what);
}

static void ca_key_missing(struct examination *x, const struct artifact *ca)
{
	if (x->settings->roles & ROLE_CA && duty_is(ca, "ca") &&
		!ca->embedded_kind && is_first(ca) && !key_of(x, ca))
		finding(x, "its private key is not here");
}

const struct rule host_rules[] = {
	{
		.id = "KPKI-F019",
		.severity = SEVERITY_ERROR,
		.title = "a node has nothing to log in with",
		.meaning = "it does not join",
		.message = "unable to load bootstrap kubeconfig",
		.mend = "make the bundle again",
		.source = "Kubernetes: pkg/kubelet/certificate/bootstrap",
		.check = no_login,
	},
	{
		.id = "KPKI-F020",
		.severity = SEVERITY_ERROR,
		.title = "a host has no CA certificate",
		.meaning = "its kubelet does not start, or trusts nobody",
		.message = "unable to load client CA file",
		.mend = "bring ca.crt",
		.source = "Kubernetes: cmd/kubelet/app/server.go",
		.check = no_ca_on_host,
	},
	{
		.id = "KPKI-F021",
		.severity = SEVERITY_ERROR,
		.title = "a control plane lacks a file",
		.meaning = "the component that reads it does not start",
		.message = "open: no such file or directory",
		.mend = "bring it",
		.source = "Kubernetes: PKI certificates and requirements",
		.check = missing_for_role,
	},
	{
		.id = "KPKI-F022",
		.severity = SEVERITY_ERROR,
		.title = "the key of a CA is not where it should be",
		.meaning = "nothing can be signed here",
		.mend = "bring it, or say another --role",
		.source = "kpki-verify(1)",
		.kinds = KIND(CERTIFICATE),
		.check = ca_key_missing,
	},
	{.id = NULL},
};
