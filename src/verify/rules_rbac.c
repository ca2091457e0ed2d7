/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/affix.h"
#include "kube/rbac_read.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

#define BROKEN "RBAC: "

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void unreadable(struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, BROKEN))
		finding(x, "%s", artifact->problem);
}

/* -- what the API server does not take -- */

static bool refers_to_role(const struct rbac_object *rbac)
{
	return is(rbac->role_kind, "ClusterRole") ||
	       (rbac->kind == RBAC_ROLE_BINDING && is(rbac->role_kind, "Role"));
}

static void role_kind(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac_is_binding(rbac) && !refers_to_role(rbac))
		finding(x, "%s \"%s\": roleRef is of kind \"%s\"",
			rbac_kind_name(rbac->kind), rbac->name,
			rbac->role_kind);
}

static void name_missing(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac_is_binding(rbac) && !*rbac->role_name)
		finding(x, "%s \"%s\": roleRef has no name",
			rbac_kind_name(rbac->kind), rbac->name);
	for (size_t i = 0; i < rbac->n_subjects; i++)
		if (!*rbac->subjects[i].name)
			finding(x, "%s \"%s\": subject %zu has no name",
				rbac_kind_name(rbac->kind), rbac->name, i + 1);
}

static void api_group(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac_is_binding(rbac) && !is(rbac->role_group, RBAC_GROUP))
		finding(x, "%s \"%s\": roleRef is of apiGroup \"%s\"",
			rbac_kind_name(rbac->kind), rbac->name,
			rbac->role_group);
	for (size_t i = 0; i < rbac->n_subjects; i++) {
		const struct rbac_subject *subject = &rbac->subjects[i];

		if (is(subject->api_group, is(subject->kind, "ServiceAccount")
						   ? ""
						   : RBAC_GROUP) ||
			!(is(subject->kind, "User") ||
				is(subject->kind, "Group") ||
				is(subject->kind, "ServiceAccount")))
			continue;
		finding(x, "%s \"%s\" is of apiGroup \"%s\"", subject->kind,
			subject->name, subject->api_group);
	}
}

static void subject_kind(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	for (size_t i = 0; i < rbac->n_subjects; i++) {
		const char *kind = rbac->subjects[i].kind;

		if (!is(kind, "User") && !is(kind, "Group") &&
			!is(kind, "ServiceAccount"))
			finding(x, "subject \"%s\" is of kind \"%s\"",
				rbac->subjects[i].name, kind);
	}
}

static void account_without_namespace(
	struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac->kind != RBAC_CLUSTER_ROLE_BINDING)
		return;
	for (size_t i = 0; i < rbac->n_subjects; i++)
		if (is(rbac->subjects[i].kind, "ServiceAccount") &&
			!*rbac->subjects[i].namespace)
			finding(x, "ServiceAccount \"%s\" has no namespace",
				rbac->subjects[i].name);
}

/* -- what it takes, and what gives nothing -- */

/* Names that are users' or groups' by what Kubernetes makes of them. */
static const struct {
	const char *name, *kind;
	bool is_start;
} names[] = {
	{"system:anonymous", "User", false},
	{"system:kube-apiserver", "User", false},
	{"system:kube-controller-manager", "User", false},
	{"system:kube-proxy", "User", false},
	{"system:kube-scheduler", "User", false},
	{"system:node:", "User", true},
	{"system:bootstrap:", "User", true},
	{"system:serviceaccount:", "User", true},
	{"system:authenticated", "Group", false},
	{"system:unauthenticated", "Group", false},
	{"system:masters", "Group", false},
	{"system:nodes", "Group", false},
	{"system:bootstrappers", "Group", false},
	{"system:bootstrappers:", "Group", true},
	{"system:serviceaccounts", "Group", false},
	{"system:serviceaccounts:", "Group", true},
	{"kubeadm:cluster-admins", "Group", false},
};

static const char *kind_of_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].is_start ? text_begins(name, names[i].name)
				      : is(name, names[i].name))
			return names[i].kind;
	return NULL;
}

static void other_kind(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	for (size_t i = 0; i < rbac->n_subjects; i++) {
		const struct rbac_subject *subject = &rbac->subjects[i];
		const char *kind = kind_of_name(subject->name);

		if (kind &&
			(is(subject->kind, "User") ||
				is(subject->kind, "Group")) &&
			!is(kind, subject->kind))
			finding(x, "\"%s\" is a %s, not a %s", subject->name,
				kind, subject->kind);
	}
}

static bool has_role(const struct unit *unit, const struct rbac_object *binding)
{
	const struct artifact *at = NULL;

	while ((at = unit_next(unit, at, ARTIFACT_RBAC, NULL))) {
		const struct rbac_object *role = at->rbac;

		if (!rbac_is_binding(role) &&
			is(rbac_kind_name(role->kind), binding->role_kind) &&
			is(role->name, binding->role_name) &&
			(role->kind == RBAC_CLUSTER_ROLE ||
				is(role->namespace, binding->namespace)))
			return true;
	}
	return false;
}

static void role_missing(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (!rbac_is_binding(rbac) || !refers_to_role(rbac) ||
		!*rbac->role_name || has_role(x->unit, rbac) ||
		(is(rbac->role_kind, "ClusterRole") &&
			rbac_role_is_built_in(rbac->role_name)))
		return;
	for (size_t i = 0; i < x->n_others; i++)
		if (has_role(x->others[i], rbac))
			return;
	finding(x,
		"%s \"%s\": %s \"%s\" is not here, and Kubernetes brings "
		"none",
		rbac_kind_name(rbac->kind), rbac->name, rbac->role_kind,
		rbac->role_name);
}

static void no_subjects(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac_is_binding(rbac) && rbac->n_subjects == 0)
		finding(x, "%s \"%s\" has no subjects",
			rbac_kind_name(rbac->kind), rbac->name);
}

/* -- what gives too much -- */

static bool is_anybody(const struct rbac_subject *subject)
{
	return is(subject->name, "system:anonymous") ||
	       is(subject->name, "system:unauthenticated");
}

/* kubeadm join reads cluster-info before it is anybody, and kube-apiserver
 * itself lets its version be seen. */
static bool may_be_anybodys(const struct rbac_object *rbac)
{
	return (rbac->kind == RBAC_ROLE_BINDING &&
		       is(rbac->namespace, "kube-public")) ||
	       is(rbac->role_name, "system:public-info-viewer");
}

static void anybody(struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	for (size_t i = 0; i < rbac->n_subjects; i++)
		if (is_anybody(&rbac->subjects[i]) && !may_be_anybodys(rbac))
			finding(x, "gives %s \"%s\" to \"%s\"", rbac->role_kind,
				rbac->role_name, rbac->subjects[i].name);
}

static bool is_bootstrapper(const char *name)
{
	return is(name, "system:bootstrappers") ||
	       text_begins(name, "system:bootstrappers:");
}

static void admin_of_many(
	struct examination *x, const struct artifact *artifact)
{
	static const char *const many[] = {"system:authenticated",
		"system:nodes", "system:serviceaccounts"};
	const struct rbac_object *rbac = artifact->rbac;

	if (!rbac_is_binding(rbac) || !is(rbac->role_name, "cluster-admin"))
		return;
	for (size_t i = 0; i < rbac->n_subjects; i++) {
		const char *name = rbac->subjects[i].name;
		bool found = is_bootstrapper(name);

		for (size_t k = 0; k < ARRAY_SIZE(many); k++)
			found |= is(name, many[k]);
		if (found)
			finding(x, "makes \"%s\" cluster-admin", name);
	}
}

static void role_of_nodes(
	struct examination *x, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	if (rbac->kind != RBAC_CLUSTER_ROLE_BINDING ||
		!is(rbac->role_name, "system:node"))
		return;
	for (size_t i = 0; i < rbac->n_subjects; i++)
		finding(x, "gives ClusterRole \"system:node\" to \"%s\"",
			rbac->subjects[i].name);
}

/* -- the rows -- */

#define VALIDATION "Kubernetes: pkg/apis/rbac/validation/validation.go"
#define POLICY "Kubernetes: rbac/bootstrappolicy"

const struct rule rbac_rules[] = {
	{
		.id = "KPKI-R001",
		.severity = SEVERITY_ERROR,
		.title = "a role or binding cannot be read",
		.meaning = "the API server does not take it",
		.message = "error validating data",
		.mend = "put every text in quotes, and lists where lists "
			"belong",
		.source = "Kubernetes: api/rbac/v1",
		.kinds = KIND(UNREADABLE),
		.check = unreadable,
	},
	{
		.id = "KPKI-R002",
		.severity = SEVERITY_ERROR,
		.title = "a binding refers to no role",
		.meaning = "the API server does not take it",
		.message = "roleRef.kind: Unsupported value",
		.mend = "kind: ClusterRole; or Role, in a RoleBinding",
		.source = VALIDATION,
		.kinds = KIND(RBAC),
		.check = role_kind,
	},
	{
		.id = "KPKI-R003",
		.severity = SEVERITY_ERROR,
		.title = "a binding lacks a name",
		.meaning = "the API server does not take it",
		.message = "Required value",
		.mend = "name the role, and each subject",
		.source = VALIDATION,
		.kinds = KIND(RBAC),
		.check = name_missing,
	},
	{
		.id = "KPKI-R004",
		.severity = SEVERITY_ERROR,
		.title = "a binding has another apiGroup",
		.meaning = "the API server does not take it",
		.message = "apiGroup: Unsupported value",
		.mend = "apiGroup: rbac.authorization.k8s.io; none of a "
			"ServiceAccount",
		.source = VALIDATION,
		.kinds = KIND(RBAC),
		.check = api_group,
	},
	{
		.id = "KPKI-R005",
		.severity = SEVERITY_ERROR,
		.title = "a subject is neither User, Group nor ServiceAccount",
		.meaning = "the API server does not take it",
		.message = "kind: Unsupported value",
		.mend = "write one of them",
		.source = VALIDATION,
		.kinds = KIND(RBAC),
		.check = subject_kind,
	},
	{
		.id = "KPKI-R006",
		.severity = SEVERITY_ERROR,
		.title = "a ServiceAccount has no namespace",
		.meaning = "the API server does not take it",
		.message = "namespace: Required value",
		.mend = "write its namespace",
		.source = VALIDATION,
		.kinds = KIND(RBAC),
		.check = account_without_namespace,
	},
	{
		.id = "KPKI-R007",
		.severity = SEVERITY_ERROR,
		.title = "a user is bound as a group, or a group as a user",
		.meaning = "the binding gives nothing to anybody",
		.message = "is forbidden",
		.mend = "write the other kind",
		.source = "Kubernetes: apiserver/pkg/authentication/user",
		.kinds = KIND(RBAC),
		.check = other_kind,
	},
	{
		.id = "KPKI-R008",
		.severity = SEVERITY_WARNING,
		.title = "the role of a binding is missing",
		.meaning = "the binding gives nothing, unless the cluster has "
			   "a role that is not here",
		.message = "not found",
		.mend = "apply the role, or bind the one you mean",
		.source = POLICY,
		.kinds = KIND(RBAC),
		.check = role_missing,
	},
	{
		.id = "KPKI-R009",
		.severity = SEVERITY_WARNING,
		.title = "a binding has no subjects",
		.meaning = "it gives nothing to anybody",
		.mend = "name a subject",
		.source = "Kubernetes: api/rbac/v1",
		.kinds = KIND(RBAC),
		.check = no_subjects,
	},
	{
		.id = "KPKI-R010",
		.severity = SEVERITY_WARNING,
		.title = "everybody is given a role, known or not",
		.meaning = "who reaches the API server needs no credential for "
			   "it",
		.mend = "bind a group of those who need it",
		.source = "Kubernetes: apiserver/pkg/authentication/user",
		.kinds = KIND(RBAC),
		.check = anybody,
	},
	{
		.id = "KPKI-R011",
		.severity = SEVERITY_WARNING,
		.title = "many are given cluster-admin",
		.meaning = "each node, token or account of them may do "
			   "everything",
		.mend = "bind a role that has what they need",
		.source = POLICY,
		.kinds = KIND(RBAC),
		.check = admin_of_many,
	},
	{
		.id = "KPKI-R012",
		.severity = SEVERITY_WARNING,
		.title = "nodes are given the role system:node",
		.meaning = "a node may read every Secret: the node authorizer "
			   "no longer limits it to those of its pods",
		.mend = "remove the binding; authorization-mode Node gives "
			"what a node needs",
		.source = "Kubernetes: using node authorization",
		.kinds = KIND(RBAC),
		.check = role_of_nodes,
	},
	{.id = NULL},
};
