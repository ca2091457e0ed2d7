/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rbac.h"

#include <string.h>

#include "kube/manifest.h"

#define GROUP_PREFIX BOOTSTRAP_GROUP ":"
#define GROUP_TAIL_MAX 256
#define GROUP_BYTES "abcdefghijklmnopqrstuvwxyz0123456789:-"

/* Roles come before what binds them. */
static const struct part {
	const char *template;
	unsigned needs; /* bits of rbac_part */
	bool is_for_each_group;
} parts[] = {
	{"role-node-bootstrapper", RBAC_ROLES, false},
	{"role-nodeclient", RBAC_ROLES | RBAC_AUTO_APPROVE, false},
	{"role-selfnodeclient", RBAC_ROLES | RBAC_RENEWAL, false},
	{"role-kubelet-api-admin", RBAC_ROLES | RBAC_CONTROL_PLANE, false},
	{"create-csrs-for-bootstrapping", 0, true},
	{"auto-approve-csrs-for-group", RBAC_AUTO_APPROVE, true},
	{"auto-approve-renewals-for-nodes", RBAC_RENEWAL, false},
	{"control-plane-bindings", RBAC_CONTROL_PLANE, false},
};

bool rbac_check_group(const char *group, struct error *err)
{
	const char *tail = group + strlen(GROUP_PREFIX);
	size_t len;

	if (strcmp(group, BOOTSTRAP_GROUP) == 0)
		return true;
	if (strcmp(group, "system:masters") == 0)
		return error_set(err, ERROR_REFUSED,
			"group \"%s\": may do everything, and a bootstrap "
			"token must not",
			group);
	if (strncmp(group, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0)
		return error_set(err, ERROR_REFUSED,
			"group \"%s\": not " BOOTSTRAP_GROUP
			" or a group below it",
			group);
	len = strlen(tail);
	if (len == 0 || len > GROUP_TAIL_MAX ||
		tail[strspn(tail, GROUP_BYTES)] || strchr(":-", tail[len - 1]))
		return error_set(err, ERROR_INPUT,
			"group \"%s\": must match " GROUP_PREFIX
			"[a-z0-9:-]{0,255}[a-z0-9]",
			group);
	return true;
}

static bool add_for_group(struct manifest *manifest, const char *template,
	const char *group, struct error *err)
{
	const struct manifest_value values[] = {
		{"GROUP", group},
		{"SUFFIX", group + strlen(BOOTSTRAP_GROUP)},
	};

	return manifest_add(
		manifest, template, values, ARRAY_SIZE(values), err);
}

static bool add_part(const struct rbac *rbac, const struct part *part,
	struct manifest *manifest, struct error *err)
{
	if ((rbac->parts & part->needs) != part->needs)
		return true;
	if (!part->is_for_each_group)
		return manifest_add(manifest, part->template, NULL, 0, err);
	for (size_t i = 0; i < rbac->n_groups; i++)
		if (!add_for_group(
			    manifest, part->template, rbac->groups[i], err))
			return false;
	return true;
}

bool rbac_write(const struct rbac *rbac, struct buffer *text, struct error *err)
{
	AUTO_FREE(manifest) manifest = NULL;

	if (!manifest_new(rbac->template_dir, &manifest, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!add_part(rbac, &parts[i], manifest, err))
			return false;
	return manifest_write(manifest, text, err);
}
