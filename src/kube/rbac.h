/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_RBAC_H
#define KUBE_RBAC_H

#include "kube/token.h"

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

/* Whether who has this token may do what the bindings are for: it is for
 * authentication, and one of its groups is bound.  When it expires is not
 * looked at, bindings outlive tokens.  ERROR_REFUSED with the reason. */
MUST_CHECK bool rbac_check_token(const struct rbac *rbac,
	const struct token *token, struct error *err);

/* The groups are different ones that token_check_group takes for a static
 * token. */
MUST_CHECK bool rbac_write(const struct rbac *rbac, struct buffer *text,
	struct error *err);

/* What gives a user's groups, or a user who is in none, the rights of a
 * ClusterRole: a binding for each, "kpki:ROLE:group:GROUP" or
 * "kpki:ROLE:user:USER". */
struct rbac_grant {
	const char *role;
	const char *user;
	const char *const *groups; /* none of them twice */
	size_t n_groups;
};

/* ERROR_INPUT for a name that no object in Kubernetes can have. */
MUST_CHECK bool rbac_write_grant(const struct rbac_grant *grant,
	struct buffer *text, struct error *err);

#endif
