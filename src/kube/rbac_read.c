/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rbac_read.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[RBAC_KINDS] = {
	[RBAC_ROLE] = "Role",
	[RBAC_CLUSTER_ROLE] = "ClusterRole",
	[RBAC_ROLE_BINDING] = "RoleBinding",
	[RBAC_CLUSTER_ROLE_BINDING] = "ClusterRoleBinding",
};

const char *rbac_kind_name(enum rbac_kind kind)
{
	return kind_names[kind];
}

bool rbac_is(const struct object *object, enum rbac_kind *ret_kind)
{
	if (strcmp(object->api_version, RBAC_GROUP "/v1") != 0)
		return false;
	for (size_t i = 0; i < RBAC_KINDS; i++) {
		if (strcmp(object->kind, kind_names[i]) != 0)
			continue;
		*ret_kind = (enum rbac_kind)i;
		return true;
	}
	return false;
}

bool rbac_is_binding(const struct rbac_object *rbac)
{
	return rbac->kind == RBAC_ROLE_BINDING ||
	       rbac->kind == RBAC_CLUSTER_ROLE_BINDING;
}

static bool read_text(const struct object *object, const struct document *map,
	const char *key, const char **ret_text, struct error *err)
{
	if (!object_text(object, map, key, ret_text, err))
		return false;
	if (!*ret_text)
		*ret_text = "";
	return true;
}

static bool read_subject(const struct object *object,
	const struct document *map, struct rbac_subject *out, struct error *err)
{
	if (!document_require(
		    map, DOCUMENT_MAP, object->file, "subject", err) ||
		!read_text(object, map, "kind", &out->kind, err) ||
		!read_text(object, map, "name", &out->name, err) ||
		!read_text(object, map, "namespace", &out->namespace, err) ||
		!read_text(object, map, "apiGroup", &out->api_group, err))
		return false;
	out->line = document_line(map);
	if (!*out->api_group &&
		(!strcmp(out->kind, "User") || !strcmp(out->kind, "Group")))
		out->api_group = RBAC_GROUP;
	return true;
}

static bool read_subjects(
	const struct object *object, struct rbac_object *out, struct error *err)
{
	const struct document *list;

	if (!object_field(object, object->root, "subjects", DOCUMENT_LIST,
		    &list, err))
		return false;
	if (!list)
		return true;
	out->subjects =
		memory_new(document_count(list) + 1, sizeof(*out->subjects));
	for (size_t i = 0; i < document_count(list); i++)
		if (!read_subject(object, document_at(list, i),
			    &out->subjects[out->n_subjects++], err))
			return false;
	return true;
}

static bool read_role(
	const struct object *object, struct rbac_object *out, struct error *err)
{
	const struct document *reference;

	if (!object_field(object, object->root, "roleRef", DOCUMENT_MAP,
		    &reference, err) ||
		!read_text(object, reference, "kind", &out->role_kind, err) ||
		!read_text(object, reference, "name", &out->role_name, err) ||
		!read_text(
			object, reference, "apiGroup", &out->role_group, err))
		return false;
	if (!*out->role_group)
		out->role_group = RBAC_GROUP;
	return true;
}

static bool read_name(
	const struct object *object, struct rbac_object *out, struct error *err)
{
	const struct document *metadata =
		document_find(object->root, "metadata");

	return read_text(object, metadata, "name", &out->name, err) &&
	       read_text(object, metadata, "namespace", &out->namespace, err);
}

bool rbac_read(const struct object *object, struct rbac_object **ret_rbac,
	struct error *err)
{
	AUTO_FREE(rbac_object) out = memory_new(1, sizeof(*out));
	struct object own = *object;

	if (!rbac_is(object, &out->kind)) {
		error_set(err, ERROR_INPUT,
			"kind \"%s\": neither a role nor a binding of %s/v1",
			object->kind, RBAC_GROUP);
		return error_at(err, object->file, object->line);
	}
	own.root = out->root = document_copy(object->root);
	out->line = object->line;
	if (!read_name(&own, out, err) ||
		(rbac_is_binding(out) &&
			(!read_role(&own, out, err) ||
				!read_subjects(&own, out, err))))
		return false;
	*ret_rbac = take(&out);
	return true;
}

void rbac_object_free(struct rbac_object *rbac)
{
	if (!rbac)
		return;
	free(rbac->subjects);
	document_free(rbac->root);
	free(rbac);
}

/* -- roles that are there -- */

static const char *const built_in[] = {
	"admin",
	"cluster-admin",
	"edit",
	"kubeadm:get-nodes",
	"view",
};

/* Whatever else begins so is kube-apiserver's or one of its controllers'. */
static const char *const built_in_systems[] = {
	"aggregate-to-admin",
	"aggregate-to-edit",
	"aggregate-to-view",
	"auth-delegator",
	"basic-user",
	"certificates.k8s.io:certificatesigningrequests:nodeclient",
	"certificates.k8s.io:certificatesigningrequests:selfnodeclient",
	"certificates.k8s.io:kube-apiserver-client-approver",
	"certificates.k8s.io:kube-apiserver-client-kubelet-approver",
	"certificates.k8s.io:kubelet-serving-approver",
	"certificates.k8s.io:legacy-unknown-approver",
	"cluster-trust-bundle-discovery",
	"discovery",
	"heapster",
	"kube-aggregator",
	"kube-controller-manager",
	"kube-dns",
	"kube-scheduler",
	"kubelet-api-admin",
	"monitoring",
	"node",
	"node-bootstrapper",
	"node-problem-detector",
	"node-proxier",
	"persistent-volume-provisioner",
	"public-info-viewer",
	"service-account-issuer-discovery",
	"volume-scheduler",
};

static bool is_among(const char *name, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

bool rbac_role_is_built_in(const char *name)
{
	static const char system[] = "system:", controller[] = "controller:";
	const char *rest;

	if (strncmp(name, system, strlen(system)) != 0)
		return is_among(name, built_in, ARRAY_SIZE(built_in));
	rest = name + strlen(system);
	return !strncmp(rest, controller, strlen(controller)) ||
	       is_among(rest, built_in_systems, ARRAY_SIZE(built_in_systems));
}
