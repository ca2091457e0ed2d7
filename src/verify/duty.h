/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_DUTY_H
#define VERIFY_DUTY_H

#include "verify/file.h"

/*
 * What Kubernetes uses a certificate, key or kubeconfig for, known by where it
 * stands (kubeadm, k3s and the hard way have names of their own) or by what it
 * says: one table.
 */
enum host_role {
	ROLE_NODE = 1,
	ROLE_CONTROL_PLANE = 2,
	ROLE_CA = 4, /* where the keys of the authorities are */
};

/* How a name is held to the table's. */
enum duty_name {
	DUTY_ANY_NAME,
	DUTY_THIS_NAME,
	DUTY_NODE_NAME, /* "system:node:" and a node */
};

struct duty {
	const char *name;    /* "kubelet-client", "etcd-server", "ca", …: that
	                        of its profile, where kube/profile.h has one */
	const char *issuer;  /* the duty of the CA that must have signed it; NULL
	                        of a CA, and of what is no certificate */
	unsigned purposes;   /* those that it must allow */
	enum duty_name naming;
	const char *common_name;
	const char *organization; /* must be among its groups, or NULL */
	bool is_ca;
	bool serves; /* clients hold it to its subjectAltName */
	unsigned roles; /* the hosts on which it belongs */
	const char *stops; /* what stops working when it expires */
	/* ends of paths, whole components; "*" stands for a part of the last */
	const char *paths[12];
};

extern const struct duty duties[]; /* ends with a NULL name */
const struct duty *duty_find(const char *name);
bool duty_is(const struct artifact *artifact, const char *name);

/* By a file's path below its root; NULL when it says nothing. */
const struct duty *duty_of_path(const char *inside);
/* By what the certificate says; NULL of a CA that is not called as a node. */
const struct duty *duty_of_certificate(const struct certificate *certificate);

/* The name of the node behind "system:node:", or NULL. */
const char *duty_node_of(const char *common_name);

#endif
