/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/node.h"

#include <assert.h>
#include <string.h>

bool node_name_check(const char *name, struct error *err)
{
	enum { SHOWN_MAX = 80 };
	const char *rule = NULL;

	if (address_is_subdomain(name, &rule))
		rule = address_forbidden(name);
	if (!rule)
		return true;
	return error_set(err, ERROR_INPUT, "node \"%.*s%s\": %s", SHOWN_MAX,
		name, strlen(name) > SHOWN_MAX ? "..." : "", rule);
}

const char *node_address(const struct node *node, size_t i)
{
	const char *address = node->addresses;

	assert(i < node->n_addresses);
	for (; i > 0; i--)
		address += strlen(address) + 1;
	return address;
}
