/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_TOPOLOGY_H
#define KUBE_TOPOLOGY_H

#include "base/document.h"
#include "kube/inventory.h"

/*
 * Which hosts the control plane and etcd run on: two keys of the cluster file,
 * kpki-cluster(5).
 *
 *	controlPlane:
 *	  endpoint: api.example.internal:6443
 *	  hosts:
 *	    - name: control-1
 *	      addresses: [10.0.0.1]
 *	etcd:
 *	  hosts:
 *	    - name: etcd-1
 *	      addresses: [10.0.0.4]
 *
 * A host has at least one IP address; the first is the one it advertises.  No
 * two hosts of either kind share a name or an address.
 */
struct host_names {
	char **items; /* canonical */
	size_t n_items;
};

struct topology {
	char *endpoint;      /* "HOST:PORT" as it was given, or NULL … */
	char *endpoint_host; /* … and its host, canonical */
	unsigned bind_port;  /* of each host's own kube-apiserver; 0: not said */
	struct host_names cert_sans;
	struct inventory *hosts; /* sealed; NULL: none are known */
	struct host_names etcd_cert_sans;
	struct inventory *etcd_hosts; /* external ones; NULL: each host of the
	                                 control plane has a member (stacked) */
	struct inventory *all;        /* of both kinds; NULL: none */
};

/* `control_plane` and `etcd` are the values of the two keys, NULL for one that
 * is missing. */
MUST_CHECK bool topology_read(const struct document *control_plane,
	const struct document *etcd, const char *file,
	struct topology **ret_topology, struct error *err);

/* The first of the host's addresses that is an IP address. */
const char *topology_advertised(const struct node *host);

/* Where a host's own kube-apiserver answers, "https://10.0.0.1:6443"; NULL
 * without a bindPort; for free(). */
char *topology_local_server(
	const struct topology *topology, const struct node *host);

/* Has this host, or one of them, this name or address, or one that it covers as
 * a wildcard? */
bool topology_host_has(const struct node *host, const char *text);
bool topology_has(const struct topology *topology, const char *text,
	struct node *ret_host);

bool host_names_have(const struct host_names *names, const char *text);

void topology_free(struct topology *topology);
DEFINE_AUTO_FREE(topology)

#endif
