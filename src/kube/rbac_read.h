/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_RBAC_READ_H
#define KUBE_RBAC_READ_H

#include "kube/object.h"

/*
 * Roles and bindings of rbac.authorization.k8s.io/v1 that somebody else wrote.
 *
 * Reading takes everything of the right shape, kinds and names that the API
 * server would refuse among it; the API server's own defaults are filled in
 * (Kubernetes: apis/rbac/v1/defaults.go).  "" is what is not there.
 */
#define RBAC_GROUP "rbac.authorization.k8s.io"

enum rbac_kind {
	RBAC_ROLE,
	RBAC_CLUSTER_ROLE,
	RBAC_ROLE_BINDING,
	RBAC_CLUSTER_ROLE_BINDING,
	RBAC_KINDS
};

struct rbac_subject {
	const char *kind, *name, *namespace, *api_group;
	unsigned line;
};

struct rbac_object {
	struct document *root; /* a copy, which all texts point into */
	enum rbac_kind kind;
	const char *name, *namespace;
	unsigned line;
	/* of a binding */
	const char *role_kind, *role_name, *role_group;
	struct rbac_subject *subjects;
	size_t n_subjects;
};

/* "RoleBinding", … */
const char *rbac_kind_name(enum rbac_kind kind);

/* Whether an object is one of these; which goes to *ret_kind. */
bool rbac_is(const struct object *object, enum rbac_kind *ret_kind);

/* ERROR_INPUT for a field of another type. */
MUST_CHECK bool rbac_read(const struct object *object,
	struct rbac_object **ret_rbac, struct error *err);
void rbac_object_free(struct rbac_object *rbac);
DEFINE_AUTO_FREE(rbac_object)

bool rbac_is_binding(const struct rbac_object *rbac);

/* A ClusterRole that kube-apiserver makes when it starts, or that kubeadm adds
 * (Kubernetes: rbac/bootstrappolicy). */
bool rbac_role_is_built_in(const char *name);

#endif
