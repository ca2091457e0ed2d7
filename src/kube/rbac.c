/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rbac.h"

#include <string.h>

#include "kube/manifest.h"

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

/* Every bootstrap token is in TOKEN_BOOTSTRAPPERS, said or not. */
static bool is_in(const struct token *token, const char *group)
{
	return token_has_group(token, group) ||
	       (token->kind == TOKEN_BOOTSTRAP &&
		       !strcmp(group, TOKEN_BOOTSTRAPPERS));
}

bool rbac_check_token(
	const struct rbac *rbac, const struct token *token, struct error *err)
{
	const struct instant before_all = {0};
	AUTO_TEXT id = NULL;

	if (!token_require(token, TOKEN_AUTHENTICATION, before_all, err) ||
		!token_public_id(token, &id, err))
		return false;
	for (size_t i = 0; i < rbac->n_groups; i++)
		if (is_in(token, rbac->groups[i]))
			return true;
	if (!token->described)
		return error_set(err, ERROR_REFUSED,
			"token \"%s\": plain text does not say which groups "
			"it is in, and " TOKEN_BOOTSTRAPPERS " is not bound",
			id);
	return error_set(err, ERROR_REFUSED,
		"token \"%s\": none of its groups (%s%s%s) is bound", id,
		token->kind == TOKEN_BOOTSTRAP ? TOKEN_BOOTSTRAPPERS : "",
		token->kind == TOKEN_BOOTSTRAP && *token->groups ? "," : "",
		token->groups);
}

static bool add_for_group(struct manifest *manifest, const char *template,
	const char *group, struct error *err)
{
	const struct manifest_value values[] = {
		{"GROUP", group},
		{"SUFFIX", group + strlen(TOKEN_BOOTSTRAPPERS)},
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

/* Kubernetes: api/validation/path, IsValidPathSegmentName; none of ours is "."
 * or "..". */
static bool check_part(const char *what, const char *text, struct error *err)
{
	return (*text && !strpbrk(text, "/%")) ||
	       error_set(err, ERROR_INPUT,
		       "%s \"%s\": empty, or has a \"/\" or \"%%\", which no "
		       "name of a binding can have",
		       what, text);
}

static bool add_grant(struct manifest *manifest, const char *role,
	const char *kind, const char *subject, struct error *err)
{
	bool is_group = !strcmp(kind, "Group");
	const char *word = is_group ? "group" : "user";
	AUTO_TEXT name = memory_format("kpki:%s:%s:%s", role, word, subject);
	const struct manifest_value values[] = {
		{"NAME", name},
		{"KIND", kind},
		{"SUBJECT", subject},
		{"ROLE", role},
	};

	return check_part(word, subject, err) &&
	       manifest_add(
		       manifest, "grant-role", values, ARRAY_SIZE(values), err);
}

bool rbac_write_grant(
	const struct rbac_grant *grant, struct buffer *text, struct error *err)
{
	AUTO_FREE(manifest) manifest = NULL;

	if (!check_part("role", grant->role, err) ||
		!manifest_new(NULL, &manifest, err))
		return false;
	if (!grant->n_groups &&
		!add_grant(manifest, grant->role, "User", grant->user, err))
		return false;
	for (size_t i = 0; i < grant->n_groups; i++)
		if (!add_grant(manifest, grant->role, "Group", grant->groups[i],
			    err))
			return false;
	return manifest_write(manifest, text, err);
}
