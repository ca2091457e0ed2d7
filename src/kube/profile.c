/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/profile.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "pki/names.h"
#include "pki/public_key.h"
#include "pki/request.h"

#define PAGE "Kubernetes, PKI certificates and requirements"
#define KUBEADM "kubeadm, certlist.go"

enum {
	USAGE_CA =
		USAGE_DIGITAL_SIGNATURE | USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
	MINOR_ADMINS = 29, /* KEP-4214: fewer in system:masters */
};

/* etcd dials itself with its server's pair, and peers dial each other: both
 * purposes.  The serving certificate of a kubelet says system:node:NAME too,
 * because kube-apiserver is going to ask for it (KEP-4872). */
const struct profile profiles[] = {
	{
		.name = "ca",
		.issuer = "ca",
		.common_name = "kubernetes",
		.is_ca = true,
		.key_usage = USAGE_CA,
		.consumer = "kube-apiserver, kube-controller-manager, kubelet",
		.source = KUBEADM,
	},
	{
		.name = "front-proxy-ca",
		.issuer = "front-proxy-ca",
		.common_name = "front-proxy-ca",
		.is_ca = true,
		.key_usage = USAGE_CA,
		.consumer = "kube-apiserver, kube-controller-manager, "
			    "extension API servers",
		.source = KUBEADM,
	},
	{
		.name = "etcd-ca",
		.issuer = "etcd-ca",
		.common_name = "etcd-ca",
		.is_ca = true,
		.key_usage = USAGE_CA,
		.consumer = "etcd, kube-apiserver",
		.source = KUBEADM,
	},
	{
		.name = "subordinate-ca",
		.issuer = "ca",
		.for_user = true,
		.by_request = true,
		.is_ca = true,
		.key_usage = USAGE_CA,
		.consumer = "a cluster of its own, whose \"ca\" it is",
		.source = "RFC 5280, 4.2.1.9",
	},
	{
		.name = "kube-apiserver",
		.issuer = "ca",
		.common_name = "kube-apiserver",
		.names = NAMES_API_SERVER,
		.purposes = PURPOSE_SERVER,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-apiserver, to its clients",
		.source = KUBEADM,
	},
	{
		.name = "kube-apiserver-kubelet-client",
		.issuer = "ca",
		.common_name = "kube-apiserver-kubelet-client",
		.organization = "kubeadm:cluster-admins",
		.old_organization = "system:masters",
		.since = MINOR_ADMINS,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-apiserver, to kubelets",
		.source = KUBEADM,
	},
	{
		.name = "front-proxy-client",
		.issuer = "front-proxy-ca",
		.common_name = "front-proxy-client",
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-apiserver, to extension API servers",
		.source = KUBEADM,
	},
	{
		.name = "kube-apiserver-etcd-client",
		.issuer = "etcd-ca",
		.common_name = "kube-apiserver-etcd-client",
		.old_organization = "system:masters",
		.since = MINOR_ADMINS,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-apiserver, to etcd",
		.source = KUBEADM,
	},
	{
		.name = "etcd-server",
		.issuer = "etcd-ca",
		.common_name = "",
		.for_node = true,
		.names = NAMES_ETCD,
		.purposes = PURPOSE_SERVER | PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "etcd, to its clients and to itself",
		.source = KUBEADM,
	},
	{
		.name = "etcd-peer",
		.issuer = "etcd-ca",
		.common_name = "",
		.for_node = true,
		.names = NAMES_ETCD,
		.purposes = PURPOSE_SERVER | PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "etcd, to and from its peers",
		.source = KUBEADM,
	},
	{
		.name = "etcd-healthcheck-client",
		.issuer = "etcd-ca",
		.common_name = "kube-etcd-healthcheck-client",
		.old_organization = "system:masters",
		.since = MINOR_ADMINS,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "etcdctl and liveness probes, to etcd",
		.source = KUBEADM,
	},
	{
		.name = "controller-manager",
		.issuer = "ca",
		.common_name = "system:kube-controller-manager",
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-controller-manager, to kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "scheduler",
		.issuer = "ca",
		.common_name = "system:kube-scheduler",
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-scheduler, to kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "admin",
		.issuer = "ca",
		.common_name = "kubernetes-admin",
		.organization = "kubeadm:cluster-admins",
		.old_organization = "system:masters",
		.since = MINOR_ADMINS,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "an administrator, to kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "super-admin",
		.issuer = "ca",
		.common_name = "kubernetes-super-admin",
		.organization = "system:masters",
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "an administrator whom RBAC does not bind, to "
			    "kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "kubelet-client",
		.issuer = "ca",
		.common_name = "system:node:",
		.organization = "system:nodes",
		.for_node = true,
		.by_request = true,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kubelet, to kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "kubelet-serving",
		.issuer = "ca",
		.common_name = "system:node:",
		.organization = "system:nodes",
		.for_node = true,
		.by_request = true,
		.names = NAMES_NODE,
		.purposes = PURPOSE_SERVER,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kubelet, to kube-apiserver and metrics clients",
		.source = PAGE,
	},
	{
		.name = "kube-proxy",
		.issuer = "ca",
		.common_name = "system:kube-proxy",
		.organization = "system:node-proxier",
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "kube-proxy, to kube-apiserver",
		.source = "Kubernetes, bootstrappolicy: system:node-proxier",
	},
	{
		.name = "kube-apiserver-client",
		.issuer = "ca",
		.for_user = true,
		.by_request = true,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "a user's client, to kube-apiserver",
		.source = PAGE,
	},
	{
		.name = "kube-apiserver-admin",
		.issuer = "ca",
		.organization = "kubeadm:cluster-admins",
		.for_user = true,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "a user's client that administrates, to "
			    "kube-apiserver",
		.source = KUBEADM,
	},
	{
		.name = "break-glass",
		.issuer = "ca",
		.organization = "system:masters",
		.for_user = true,
		.purposes = PURPOSE_CLIENT,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.consumer = "a user's client whom RBAC does not bind, to "
			    "kube-apiserver",
		.source = PAGE,
	},
	{.name = NULL},
};

const struct profile *profile_find(const char *name)
{
	for (const struct profile *profile = profiles; profile->name; profile++)
		if (strcmp(profile->name, name) == 0)
			return profile;
	return NULL;
}

bool profile_is_authority(const struct profile *profile)
{
	return profile->is_ca && !strcmp(profile->issuer, profile->name);
}

const struct profile *profile_of_pair(enum kubelet_pair pair)
{
	static const char *const names[KUBELET_PAIRS] = {
		[KUBELET_CLIENT] = "kubelet-client",
		[KUBELET_SERVING] = "kubelet-serving",
	};

	return profile_find(names[pair]);
}

/* -- lifetime -- */

static bool asked_end(const struct certificate *ca, const char *asked,
	struct instant now, struct instant *ret_end, struct error *err)
{
	char text[INSTANT_TEXT], ca_text[INSTANT_TEXT];
	struct instant end;

	if (!instant_parse_or_span(asked, now, &end, err))
		return false;
	if (end.seconds <= now.seconds)
		return error_set(err, ERROR_INPUT, "\"%s\": is past", asked);
	if (end.seconds > ca->not_after.seconds)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": ends %s, after the CA, which ends %s", asked,
			instant_format(end, text),
			instant_format(ca->not_after, ca_text));
	*ret_end = end;
	return true;
}

bool profile_lifetime(const struct certificate *ca, const char *asked,
	int64_t preset, struct instant now, struct lifetime *ret_lifetime,
	bool *ret_clamped, struct error *err)
{
	char text[INSTANT_TEXT];
	struct instant start = instant_add(now, -PROFILE_BACKDATE);
	struct instant end = instant_add(now, preset);
	bool clamped = !asked && end.seconds > ca->not_after.seconds;

	if (ca->not_after.seconds <= now.seconds)
		return error_set(err, ERROR_REFUSED, "the CA has ended on %s",
			instant_format(ca->not_after, text));
	if (asked && !asked_end(ca, asked, now, &end, err))
		return false;
	if (start.seconds < ca->not_before.seconds)
		start = ca->not_before;
	ret_lifetime->not_before = start;
	ret_lifetime->not_after = clamped ? ca->not_after : end;
	*ret_clamped = clamped;
	return true;
}

/* -- what a certificate of a profile says -- */

const char *profile_group(const struct profile *profile, unsigned minor)
{
	return minor && minor < profile->since ? profile->old_organization
					       : profile->organization;
}

static char *common_name_of(
	const struct profile *profile, const struct holder *holder)
{
	return memory_format("%s%s", profile->common_name,
		profile->for_node ? holder->node->name : "");
}

static bool user_subject(const struct profile *profile,
	const struct holder *holder, struct buffer *name, struct error *err)
{
	const char *own = profile_group(profile, holder->minor);
	const char **groups = memory_new(holder->n_groups + 1, sizeof(*groups));
	size_t n = 0;
	bool done;

	if (own)
		groups[n++] = own;
	for (size_t i = 0; i < holder->n_groups; i++)
		groups[n++] = holder->groups[i];
	done = certificate_name(groups, n, holder->user, name, err);
	free(groups);
	return done;
}

bool profile_subject(const struct profile *profile, const struct holder *holder,
	struct buffer *name, struct error *err)
{
	const char *const own[] = {profile_group(profile, holder->minor)};
	AUTO_TEXT common_name = NULL;

	if (profile->for_user)
		return user_subject(profile, holder, name, err);
	common_name = common_name_of(profile, holder);
	return certificate_name(own, own[0] ? 1 : 0, common_name, name, err);
}

static struct alt_name alt_name_of(const char *text)
{
	bool is_ip = address_kind(text) == ADDRESS_IP;

	return (struct alt_name){is_ip ? ALT_NAME_IP : ALT_NAME_DNS, text};
}

/* None of them twice: the inventory sees to that. */
size_t profile_alt_names(const struct profile *profile, const struct node *node,
	struct alt_name names[static PROFILE_NAMES_MAX])
{
	const char *address;

	if (profile->names != NAMES_NODE)
		return 0;
	address = node->addresses;
	names[0] = alt_name_of(node->name);
	for (size_t i = 0; i < node->n_addresses; i++) {
		names[i + 1] = alt_name_of(address);
		address += strlen(address) + 1;
	}
	return 1 + node->n_addresses;
}

/* Those that the certificate of this holder has; how many. */
static size_t names_of(const struct profile *profile,
	const struct holder *holder, struct alt_name own[PROFILE_NAMES_MAX],
	const struct alt_name **ret_names)
{
	assert(holder->alt_names || profile->names < NAMES_API_SERVER);
	*ret_names = holder->alt_names ? holder->alt_names : own;
	if (profile->names == NAMES_NONE)
		return 0;
	return holder->alt_names
		       ? holder->n_alt_names
		       : profile_alt_names(profile, holder->node, own);
}

/* RFC 8813, 3: keyEncipherment is not for EC keys */
static unsigned usage_with(const struct profile *profile, bool is_rsa)
{
	return profile->key_usage |
	       (!profile->is_ca && is_rsa ? USAGE_KEY_ENCIPHERMENT : 0);
}

bool profile_issue(const struct profile_order *order, struct buffer *der,
	unsigned char ret_serial[static SERIAL_MAX], size_t *ret_serial_len,
	struct error *err)
{
	const struct profile *profile = order->profile;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	struct alt_name names[PROFILE_NAMES_MAX];
	struct public_key key;
	struct certificate_plan plan = {
		.public_key = order->public_key,
		.not_before = order->lifetime.not_before,
		.not_after = order->lifetime.not_after,
		.is_ca = profile->is_ca,
		.path_len = profile->is_ca ? 0 : -1,
		.purposes = profile->purposes,
		.permitted = order->permitted,
		.n_permitted = order->n_permitted,
	};

	if (!public_key_read(order->public_key, &key, err) ||
		!profile_subject(profile, &order->holder, &subject, err))
		return false;
	plan.key_usage = usage_with(profile, key.is_rsa);
	plan.n_alt_names =
		names_of(profile, &order->holder, names, &plan.alt_names);
	plan.subject = der_of(&subject);
	if (profile->is_ca ? !authority_issue_ca(order->ca, &plan, der, err)
			   : !authority_issue(order->ca, &plan, order->verify,
				     der, err))
		return false;
	memcpy(ret_serial, plan.serial, plan.serial_len);
	*ret_serial_len = plan.serial_len;
	return true;
}

bool profile_request(const struct profile *profile, const struct node *node,
	const struct key *key, struct buffer *der, struct error *err)
{
	const struct holder holder = {.node = node};
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	struct alt_name names[PROFILE_NAMES_MAX];
	struct request_plan plan = {
		.key_usage = usage_with(profile, key_is_rsa(key)),
		.purposes = profile->purposes,
		.alt_names = names,
		.n_alt_names = profile_alt_names(profile, node, names),
	};

	if (!profile_subject(profile, &holder, &subject, err))
		return false;
	plan.subject = der_of(&subject);
	return request_sign(&plan, key, der, err);
}

/* -- comparing -- */

void drift_add(struct buffer *drift, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	buffer_format(drift, "%s%s", drift->len > 0 ? "; " : "", sentence);
}

static void compare_subject(const struct profile *profile,
	const struct holder *holder, const struct certificate *certificate,
	struct buffer *drift)
{
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT wanted = NULL;
	AUTO_TEXT common_name = NULL;

	/* A name that cannot be encoded is in no certificate. */
	if (profile_subject(profile, holder, &subject, &err) &&
		der_equal(certificate->subject, der_of(&subject)))
		return;
	if (err.kind ||
		!name_read(der_of(&subject), &wanted, &common_name, &err))
		wanted = memory_text("");
	drift_add(drift, "the subject is \"%s\", not \"%s\"",
		certificate->subject_text, wanted);
}

static bool has_name(const struct alt_name *names, size_t n_names,
	const struct alt_name *wanted)
{
	for (size_t i = 0; i < n_names; i++)
		if (names[i].kind == wanted->kind &&
			strcmp(names[i].text, wanted->text) == 0)
			return true;
	return false;
}

static void compare_alt_names(const struct profile *profile,
	const struct holder *holder, const struct certificate *certificate,
	struct buffer *drift)
{
	const char *from =
		holder->names_from ? holder->names_from : "inventory";
	struct alt_name own[PROFILE_NAMES_MAX];
	const struct alt_name *names;
	size_t n_names = names_of(profile, holder, own, &names);

	for (size_t i = 0; i < n_names; i++)
		if (!has_name(certificate->alt_names, certificate->n_alt_names,
			    &names[i]))
			drift_add(drift, "%s \"%s\" is not in the certificate",
				i == 0 ? "name" : "address", names[i].text);
	for (size_t i = 0; i < certificate->n_alt_names; i++) {
		const struct alt_name *name = &certificate->alt_names[i];

		if (name->kind == ALT_NAME_OTHER)
			drift_add(drift, "the certificate has a name that is "
					 "neither DNS nor IP");
		else if (!has_name(names, n_names, name))
			drift_add(drift,
				"the certificate has \"%s\", the %s does not",
				name->text,
				profile->names == NAMES_NONE ? "profile"
							     : from);
	}
}

static void compare_usage(const struct profile *profile,
	const struct certificate *certificate, struct buffer *drift)
{
	unsigned usage =
		certificate->key_usage & ~(unsigned)USAGE_KEY_ENCIPHERMENT;

	if (certificate->is_ca != profile->is_ca ||
		certificate->purposes != profile->purposes ||
		usage != profile->key_usage)
		drift_add(
			drift, "the usages are not those of %s", profile->name);
}

void profile_compare(const struct profile *profile, const struct holder *holder,
	const struct certificate *certificate, struct buffer *drift)
{
	compare_subject(profile, holder, certificate, drift);
	compare_alt_names(profile, holder, certificate, drift);
	compare_usage(profile, certificate, drift);
}
