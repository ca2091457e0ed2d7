/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "pki/names.h"
#include "pki/oid.h"

static char *text_of(const struct name_attribute *attribute)
{
	size_t len = strnlen(
		(const char *)attribute->value.bytes, attribute->value.len);

	return memory_text_n((const char *)attribute->value.bytes, len);
}

static void read_groups(
	const struct certificate *certificate, struct identity *out)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t n;

	if (!name_attributes(certificate->subject, list, &n, &err))
		return;
	out->groups = memory_new(n + 1, sizeof(*out->groups));
	for (size_t i = 0; i < n; i++)
		if (der_equal(list[i].type, OID_ORGANIZATION))
			out->groups[out->n_groups++] = text_of(&list[i]);
}

bool identity_has_group(const struct identity *identity, const char *group)
{
	for (size_t i = 0; i < identity->n_groups; i++)
		if (!strcmp(identity->groups[i], group))
			return true;
	return false;
}

/* NULL: no group at all. */
static bool has_only(const struct identity *identity, const char *group)
{
	return group ? identity->n_groups == 1 &&
			       !strcmp(identity->groups[0], group)
		     : identity->n_groups == 0;
}

bool identity_fits(
	const struct identity *identity, const struct profile *profile)
{
	const char *group = profile->organization;

	if (profile->for_user && !profile->is_ca)
		return !group || identity_has_group(identity, group);
	return has_only(identity, group) ||
	       (profile->since &&
		       has_only(identity, profile->old_organization));
}

void identity_read(
	const struct certificate *certificate, struct identity *ret_identity)
{
	static const char node[] = "system:node:";
	const char *user =
		certificate->common_name ? certificate->common_name : "";
	struct identity out = IDENTITY_INIT;

	out.user = memory_text(user);
	read_groups(certificate, &out);
	if (text_begins(out.user, node) &&
		identity_has_group(&out, "system:nodes"))
		out.node = out.user + strlen(node);
	*ret_identity = out;
}

void identity_release(struct identity *identity)
{
	for (size_t i = 0; i < identity->n_groups; i++)
		free(identity->groups[i]);
	free(identity->groups);
	free(identity->user);
	*identity = (struct identity)IDENTITY_INIT;
}
