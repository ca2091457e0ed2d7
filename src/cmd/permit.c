/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/permit.h"

#include <stdlib.h>
#include <string.h>

#include "kube/address.h"
#include "pki/constraints.h"

void permit_release(struct permit *permit)
{
	free(permit->items);
}

static bool add_all(const struct text_list *texts, enum alt_name_kind kind,
	const char *option, struct permit *permit, struct error *err)
{
	for (size_t i = 0; i < texts->n_items; i++) {
		struct alt_name *name = &permit->items[permit->n_items++];

		*name = (struct alt_name){kind, texts->items[i]};
		if (!constraints_check(name, err))
			return context_blame(err, option);
	}
	return true;
}

bool permit_read(const struct text_list *dns, const struct text_list *ip,
	struct permit *ret_permit, struct error *err)
{
	ret_permit->items = memory_new(
		dns->n_items + ip->n_items + 1, sizeof(*ret_permit->items));
	return add_all(dns, ALT_NAME_DNS, "--permit-dns", ret_permit, err) &&
	       add_all(ip, ALT_NAME_IP, "--permit-ip", ret_permit, err);
}

/* -- names of nodes and hosts -- */

static bool check_one(const struct context *context,
	const struct alt_name *name, struct error *err)
{
	const struct certificate *ca =
		context->ca ? authority_certificate(context->ca)
			    : context->ca_certificate;

	if (!ca)
		return true; /* a command that needs none */
	if (!constraints_permit(ca, name, err))
		return false;
	for (size_t i = 0; i < context->issuers.n_items; i++)
		if (!constraints_permit(context->issuers.items[i], name, err))
			return false;
	return true;
}

bool permit_check_names(const struct context *context,
	const struct alt_name *names, size_t n_names, struct error *err)
{
	for (size_t i = 0; i < n_names; i++)
		if (!check_one(context, &names[i], err))
			return false;
	return true;
}

bool permit_check_node(const struct context *context, const struct node *node,
	struct error *err)
{
	const struct profile *serving = profile_of_pair(KUBELET_SERVING);
	struct alt_name names[PROFILE_NAMES_MAX];
	size_t n = profile_alt_names(serving, node, names);

	if (permit_check_names(context, names, n, err))
		return true;
	error_context(err, "node \"%s\"", node->name);
	return node->file ? error_at(err, node->file, node->line) : false;
}

/* -- what a cluster needs -- */

struct needs {
	const struct permit *permit;
	const struct context *signer;
	struct error *err;
};

static bool needs(const struct needs *needs, const char *text)
{
	const struct alt_name name = {
		address_kind(text) == ADDRESS_IP ? ALT_NAME_IP : ALT_NAME_DNS,
		text};
	struct certificate wanted = {.subject_text = (char *)"the new one",
		.permitted = needs->permit->items,
		.n_permitted = needs->permit->n_items};

	return (constraints_permit(&wanted, &name, needs->err) &&
		       (!needs->signer ||
			       check_one(needs->signer, &name, needs->err))) ||
	       error_context(needs->err, "the cluster's API server");
}

static bool needs_topology(
	const struct needs *all, const struct topology *topology)
{
	if (!topology)
		return true;
	if (topology->endpoint_host && !needs(all, topology->endpoint_host))
		return false;
	for (size_t i = 0; i < topology->cert_sans.n_items; i++)
		if (!needs(all, topology->cert_sans.items[i]))
			return false;
	return true;
}

bool permit_check_cluster(const struct permit *permit,
	const struct context *signer, const struct cluster *cluster,
	struct error *err)
{
	const struct needs all = {permit, signer, err};
	AUTO_TEXT full =
		memory_format("kubernetes.default.svc.%s", cluster->dns_domain);

	for (size_t i = 0; i < cluster->n_service_cidrs; i++) {
		AUTO_TEXT service = cidr_first(&cluster->service_cidrs[i]);

		if (service && !needs(&all, service))
			return false;
	}
	return needs(&all, "kubernetes") && needs(&all, "kubernetes.default") &&
	       needs(&all, "kubernetes.default.svc") && needs(&all, full) &&
	       (!cluster->server_host || needs(&all, cluster->server_host)) &&
	       needs_topology(&all, cluster->topology);
}
