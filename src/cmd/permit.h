/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_PERMIT_H
#define CMD_PERMIT_H

#include "cmd/context.h"

/*
 * The options --permit-dns and --permit-ip: for which names and in which
 * networks a CA may sign.
 */
#define OPTION_PERMIT(settings)                                                \
	OPTION_LIST(settings, permit_dns, "permit-dns", "DOMAIN",              \
		"the CA may sign for names in this domain, and no others"),    \
		OPTION_LIST(settings, permit_ip, "permit-ip", "CIDR",          \
			"the CA may sign for addresses in this network, and "  \
			"no others")

struct permit {
	struct alt_name *items;
	size_t n_items;
};

/* ERROR_USAGE names option and value.  The texts stay the options'. */
MUST_CHECK bool permit_read(const struct text_list *dns,
	const struct text_list *ip, struct permit *ret_permit,
	struct error *err);
void permit_release(struct permit *permit);
DEFINE_AUTO_RELEASE(permit)

/* Does the directory's CA, and whoever signed it, permit each of these?
 * ERROR_REFUSED names the constraint. */
MUST_CHECK bool permit_check_names(const struct context *context,
	const struct alt_name *names, size_t n_names, struct error *err);
MUST_CHECK bool permit_check_node(const struct context *context,
	const struct node *node, struct error *err);

/* Would a CA with these constraints, signed by the signer's (NULL: not known
 * yet), permit what the cluster cannot be without: the names of the API server
 * and its service?  ERROR_REFUSED. */
MUST_CHECK bool permit_check_cluster(const struct permit *permit,
	const struct context *signer, const struct cluster *cluster,
	struct error *err);

#endif
