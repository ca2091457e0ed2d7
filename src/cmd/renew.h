/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_RENEW_H
#define CMD_RENEW_H

#include "cmd/batch.h"
#include "cmd/bundle_detail.h"
#include "cmd/tally.h"

/*
 * What `kpki renew` works on: the certificates that soon expire, or have, found
 * in the ledger; nodes with both of theirs.
 */
struct renew_item {
	char *name;		       /* node, user or host */
	const struct profile *profile; /* of the first that was found */
	struct instant not_after;      /* that of the first to expire */
	/* of a node: what it has, expired or not; of others only the first */
	struct certificate *certificates[KUBELET_PAIRS];
	int64_t events[KUBELET_PAIRS];
	struct bundle_detail detail;
	bool of_node;
	bool kube_proxy; /* its bundle has the kubeconfig of kube-proxy */
	bool of_control; /* a host of the control plane, or its administrator */
	bool admin, super_admin; /* a host's tree has their kubeconfigs */
	struct document *serials; /* of what a tree has; NULL of others */
	bool done;	    /* it has its row in the report */
	struct error error; /* why it is not renewed */
};

struct renew {
	struct context *context;
	const struct command_call *call;
	const struct inventory *inventory; /* or NULL: addresses as they are */
	const char *out;
	const char *validity;
	struct lifetime lifetime;
	bool no_kubelet_config;
	const struct document *kubelet_config_base; /* or NULL */
	int64_t since; /* of a stage of the CA's rotation: only what is of this
	                  entry, or before it, of whatever CA; or 0 */
	bool same_key, plan, clock_back, quiet;
	struct renew_item *items; /* sorted by name */
	size_t n_items, allocated;
	struct report *report;
	struct tally tally;
};

/* The node behind an item, in an inventory of its own that the caller frees;
 * what is wrong is the item's error. */
bool renew_node(const struct renew *renew, struct renew_item *item,
	struct inventory *inventory);

/* Adds the item's row: with a path and the new end when it was renewed. */
void renew_report(struct renew *renew, struct renew_item *item,
	const char *status, const char *path);

/* Writes NAME_renewal.txt into the output directory, in the place of one that
 * is there. */
MUST_CHECK bool renew_write_note(const struct renew *renew, int out,
	const char *name, const struct buffer *text, struct error *err);
/* Away with it, unless NAME is there. */
MUST_CHECK bool renew_remove_note(int out, const char *name, struct error *err);

MUST_CHECK bool renew_write_note_as(const struct renew *renew, int out,
	const char *name, const char *end, const struct buffer *text,
	struct error *err);

/* For who renews by other rules than this command's: begin with neither items
 * nor lifetime, and add nodes by name. */
MUST_CHECK bool renew_choose_lifetime(struct renew *renew,
	const char *validity, struct error *err);
MUST_CHECK bool renew_add_node(
	struct renew *renew, const char *name, struct error *err);
MUST_CHECK bool renew_staged(struct renew *renew, struct error *err);
void renew_release(struct renew *renew);
DEFINE_AUTO_RELEASE(renew)

/* What the ledger has of a tree, under the lock that found the item. */
MUST_CHECK bool renew_read_tree(const struct renew *renew,
	struct renew_item *item, struct error *err);
/* Is it a host of today's cluster file?  If not, that is the item's error. */
bool renew_check_host(const struct renew *renew, struct renew_item *item);

/* New keys: bundles of nodes … */
MUST_CHECK bool renew_bundles(struct renew *renew, struct error *err);
/* … and trees of the control plane. */
MUST_CHECK bool renew_control(struct renew *renew, struct error *err);

/* Certificates for the keys that are there already. */
MUST_CHECK bool renew_same_key(struct renew *renew, struct error *err);

/* An authority's own. */
struct renew_ca_settings {
	const char *name; /* "etcd-ca"; NULL: the cluster's */
	const char *out, *validity;
	bool plan, clock_back;
};
MUST_CHECK bool renew_ca(const struct command_call *call,
	const struct renew_ca_settings *settings, struct error *err);

#endif
