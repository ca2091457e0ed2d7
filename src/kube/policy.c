/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"

/* A rule answers with the sentence of its refusal, for free(), or NULL. */
typedef char *policy_rule(const struct cluster *cluster, const char *text);

/* Kubernetes: kubeadm, GetAPIServerAltNames */
bool policy_is_api_server(const char *text)
{
	return strcmp(text, "kubernetes") == 0 ||
	       text_begins(text, "kubernetes.") ||
	       address_covers(text, "kubernetes") ||
	       address_covers(text, "kubernetes.default");
}

static char *not_kubernetes(const struct cluster *cluster, const char *text)
{
	(void)cluster;
	return policy_is_api_server(text)
		       ? memory_text("a name of the API server's service")
		       : NULL;
}

static char *not_in_domain(const struct cluster *cluster, const char *text)
{
	const char *domain = cluster->dns_domain;

	if (!address_covers(text, domain) && !address_is_below(text, domain))
		return NULL;
	return memory_format("in the cluster's DNS domain \"%s\"", domain);
}

/* kube-apiserver calls webhooks and aggregated servers as NAME.NAMESPACE.svc */
static char *not_a_service(const struct cluster *cluster, const char *text)
{
	(void)cluster;
	return address_is_below(text, "svc") ? memory_text("a service's name")
					     : NULL;
}

static char *not_a_service_address(
	const struct cluster *cluster, const char *text)
{
	for (size_t i = 0; i < cluster->n_service_cidrs; i++) {
		AUTO_TEXT block = NULL;

		if (!cidr_has(&cluster->service_cidrs[i], text))
			continue;
		block = cidr_format(&cluster->service_cidrs[i]);
		return memory_format("in the service CIDR %s", block);
	}
	return NULL;
}

static char *not_the_endpoint(const struct cluster *cluster, const char *text)
{
	if (!cluster->server_host ||
		!address_covers(text, cluster->server_host))
		return NULL;
	return memory_format("the host of the server \"%s\"", cluster->server);
}

static char *not_a_control_plane_name(
	const struct cluster *cluster, const char *text)
{
	const struct topology *topology = cluster->topology;

	if (!topology)
		return NULL;
	if (topology->endpoint_host &&
		address_covers(text, topology->endpoint_host))
		return memory_format("the control plane's endpoint \"%s\"",
			topology->endpoint);
	if (host_names_have(&topology->cert_sans, text) ||
		host_names_have(&topology->etcd_cert_sans, text))
		return memory_text("a name of the control plane (certSANs)");
	return NULL;
}

static char *not_a_control_plane_host(
	const struct cluster *cluster, const char *text)
{
	struct node host;

	if (!cluster->topology || !topology_has(cluster->topology, text, &host))
		return NULL;
	return memory_format("a name or address of host \"%s\" of the control "
			     "plane",
		host.name);
}

/* The first so many count for hosts of the control plane too. */
static policy_rule *const rules[] = {
	not_kubernetes,
	not_in_domain,
	not_a_service,
	not_a_service_address,
	not_the_endpoint,
	not_a_control_plane_name,
	not_a_control_plane_host,
};
enum { N_RULES_OF_HOSTS = 4 };

static char *refusal_of(
	const struct cluster *cluster, const char *text, size_t n_rules)
{
	char *refusal = NULL;

	for (size_t i = 0; !refusal && i < n_rules; i++)
		refusal = rules[i](cluster, text);
	return refusal;
}

/* `address` is NULL when it is the name that is refused. */
static bool refuse(const struct node *node, const char *address,
	const char *refusal, struct error *err)
{
	error_set(err, ERROR_REFUSED, "no node may answer for %s: %s",
		address ? "it" : "this name", refusal);
	if (address)
		error_context(err, "address \"%s\"", address);
	error_context(err, "node \"%s\"", node->name);
	return node->file ? error_at(err, node->file, node->line) : false;
}

static bool check(const struct cluster *cluster, const struct node *node,
	size_t n_rules, struct error *err)
{
	AUTO_TEXT refusal = refusal_of(cluster, node->name, n_rules);
	const char *address = node->addresses;

	if (refusal)
		return refuse(node, NULL, refusal, err);
	for (size_t i = 0; i < node->n_addresses; i++) {
		refusal = refusal_of(cluster, address, n_rules);
		if (refusal)
			return refuse(node, address, refusal, err);
		address += strlen(address) + 1;
	}
	return true;
}

/* Whom kubeadm binds to cluster-admin (KEP-4214). */
static const char admins[] = "kubeadm:cluster-admins";

bool policy_check_user(const char *what, const char *text, struct error *err)
{
	if (!strncmp(text, "system:", 7))
		return error_set(err, ERROR_REFUSED,
			"%s \"%s\": an identity of Kubernetes' own", what, text);
	return strcmp(text, admins) != 0 ||
	       error_set(err, ERROR_REFUSED,
		       "%s \"%s\": makes a cluster-admin, which is what "
		       "--profile admin is for",
		       what, text);
}

bool policy_check_node(const struct cluster *cluster, const struct node *node,
	struct error *err)
{
	return check(cluster, node, ARRAY_SIZE(rules), err);
}

bool policy_check_host(const struct cluster *cluster, const struct node *host,
	struct error *err)
{
	return check(cluster, host, N_RULES_OF_HOSTS, err);
}
