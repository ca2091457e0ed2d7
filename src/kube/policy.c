/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/policy.h"

#include <stdlib.h>
#include <string.h>

/* A rule answers with the sentence of its refusal, for free(), or NULL. */
typedef char *policy_rule(const struct cluster *cluster, const char *text);

/* Kubernetes: kubeadm, GetAPIServerAltNames */
static char *not_kubernetes(const struct cluster *cluster, const char *text)
{
	size_t len = strlen("kubernetes");

	(void)cluster;
	if (strncmp(text, "kubernetes", len) || (text[len] && text[len] != '.'))
		return NULL;
	return memory_text("a name of the API server's service");
}

static char *not_in_domain(const struct cluster *cluster, const char *text)
{
	const char *domain = cluster->dns_domain;

	if (strcmp(text, domain) != 0 && !address_is_below(text, domain))
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
	if (!cluster->server_host || strcmp(text, cluster->server_host) != 0)
		return NULL;
	return memory_format("the host of the server \"%s\"", cluster->server);
}

static policy_rule *const rules[] = {
	not_kubernetes,
	not_in_domain,
	not_a_service,
	not_a_service_address,
	not_the_endpoint,
};

static char *refusal_of(const struct cluster *cluster, const char *text)
{
	char *refusal = NULL;

	for (size_t i = 0; !refusal && i < ARRAY_SIZE(rules); i++)
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

bool policy_check_node(const struct cluster *cluster, const struct node *node,
	struct error *err)
{
	AUTO_TEXT refusal = refusal_of(cluster, node->name);
	const char *address = node->addresses;

	if (refusal)
		return refuse(node, NULL, refusal, err);
	for (size_t i = 0; i < node->n_addresses; i++) {
		refusal = refusal_of(cluster, address);
		if (refusal)
			return refuse(node, address, refusal, err);
		address += strlen(address) + 1;
	}
	return true;
}

bool policy_check_user(const char *what, const char *text, struct error *err)
{
	return strncmp(text, "system:", 7) != 0 ||
	       error_set(err, ERROR_REFUSED,
		       "%s \"%s\": an identity of Kubernetes' own", what, text);
}
