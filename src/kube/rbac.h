/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_RBAC_H
#define KUBE_RBAC_H

#include "base/buffer.h"

/*
 * What a cluster needs so that kubelets can ask for certificates, and get them:
 * bindings of groups to roles that kube-apiserver brings, from templates.
 *
 * Each group of bootstrap tokens has bindings of its own.  Their names are those
 * of the Kubernetes page for system:bootstrappers, and have ":NAME" behind them
 * for system:bootstrappers:NAME, so what is applied for one group takes
 * nothing from another.  Everything else has one name and one content, and may
 * be applied any number of times.
 */
#define BOOTSTRAP_GROUP "system:bootstrappers"

enum rbac_part {
	RBAC_AUTO_APPROVE = 1,  /* of a group's first client certificates */
	RBAC_RENEWAL = 2,       /* … and of those that nodes ask for later */
	RBAC_CONTROL_PLANE = 4, /* what its certificates rely on, kubeadm 1.29 */
	RBAC_ROLES = 8,         /* also the roles that are bound */
};

struct rbac {
	const char *const *groups;
	size_t n_groups;
	unsigned parts;
	const char *template_dir; /* or NULL */
};

/* BOOTSTRAP_GROUP, or a group below it as Kubernetes takes it in a token
 * (cluster-bootstrap, ValidateBootstrapGroupName).  ERROR_REFUSED for any
 * other group, ERROR_INPUT for one that is not well formed. */
MUST_CHECK bool rbac_check_group(const char *group, struct error *err);

/* The groups are checked and differ. */
MUST_CHECK bool rbac_write(const struct rbac *rbac, struct buffer *text,
	struct error *err);

#endif
