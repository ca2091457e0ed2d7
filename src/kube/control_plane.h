/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CONTROL_PLANE_H
#define KUBE_CONTROL_PLANE_H

#include "base/tree.h"
#include "kube/cluster.h"
#include "kube/profile.h"

/*
 * The files of the control plane: of each of its hosts, of etcd's own hosts, and
 * of the administrator, as trees.  Which file goes where is one table for both
 * layouts in control_plane.c; kpki-files(7) is held to it by a test.
 *
 *	control_kit_new     what all trees of a run share
 *	control_plan_new    which certificates one tree has, and their holders
 *	control_tree_make   makes keys and certificates, and lays out the tree
 */
enum control_authority {
	CONTROL_CA,
	CONTROL_FRONT_PROXY_CA,
	CONTROL_ETCD_CA,
	CONTROL_AUTHORITIES,
};

/* The profile of an authority, and which authority signs for a profile. */
const char *control_authority_name(enum control_authority authority);
enum control_authority control_issuer_of(const struct profile *profile);

/* What a tree is for. */
enum control_role {
	ROLE_CONTROL = 1, /* a host of the control plane … */
	ROLE_ETCD = 2,    /* … or of etcd, or of both */
	ROLE_ADMIN = 4,   /* no host's: the administrator's own */
};
#define CONTROL_ADMIN_NAME "admin"

struct control_settings {
	const struct cluster *cluster; /* with a topology and a server */
	const struct authority *authorities[CONTROL_AUTHORITIES];
	const struct key *service_account_key;
	/* What is trusted of each, PEM, when there is a bundle of it; else NULL:
	 * the authority, or the key above, alone. */
	const struct buffer *bundles[CONTROL_AUTHORITIES];
	const struct buffer *service_account_bundle;
	enum layout layout;
	enum key_type key_type;
	struct lifetime lifetimes[CONTROL_AUTHORITIES];
	bool ca_key;      /* with the key of the cluster's CA */
	bool admin;       /* with admin.conf on hosts */
	bool super_admin; /* with super-admin.conf where admin.conf is */
};

struct control_kit;
MUST_CHECK bool control_kit_new(const struct control_settings *settings,
	struct control_kit **ret_kit, struct error *err);
void control_kit_free(struct control_kit *kit);
DEFINE_AUTO_FREE(control_kit)

/* -- a plan -- */

struct control_certificate {
	const struct profile *profile;
	enum control_authority issuer;
	const char *name;     /* in the ledger: the host, or for whom it is */
	struct holder holder;
	const char *server;   /* of its kubeconfig; "" when it is in none */
	/* That nobody else may have, and is claimed. */
	const char *const *addresses;
	size_t n_addresses;
	char *kept; /* owned: server */
};

#define CONTROL_CERTIFICATES_MAX 16

struct control_plan {
	const struct control_kit *kit;
	const char *name; /* the host's, or CONTROL_ADMIN_NAME */
	unsigned roles;
	struct node host; /* unless ROLE_ADMIN */
	struct control_certificate certificates[CONTROL_CERTIFICATES_MAX];
	size_t n_certificates;
	struct control_names *names; /* what the holders point into */
};

/* The plan borrows kit and host. */
struct control_plan *control_plan_new(const struct control_kit *kit,
	unsigned roles, const struct node *host);
void control_plan_free(struct control_plan *plan);
DEFINE_AUTO_FREE(control_plan)

/* Profiles that a tree of these roles may have, wanted or not: the i-th, NULL
 * behind the last. */
const struct profile *control_profile(unsigned roles, size_t i);

/* -- a tree -- */

enum control_part {
	PART_AUTHORITY,     /* certificate of one */
	PART_BUNDLE,        /* of all that are trusted in its place */
	PART_AUTHORITY_KEY,
	PART_SERVICE_ACCOUNT,
	PART_SERVICE_ACCOUNT_KEY,
	PART_CERTIFICATE,
	PART_KEY,
	PART_KUBECONFIG, /* with both in it */
};

/* A file that the tree of a plan has. */
struct control_file {
	enum control_part part;
	const struct profile *profile; /* or of the authority; NULL */
	char *path;                    /* owned */
};
struct control_files {
	struct control_file *items;
	size_t n_items;
};
struct control_files control_files_of(const struct control_plan *plan);
void control_files_release(struct control_files *files);
DEFINE_AUTO_RELEASE(control_files)

/* What stands in a file of this part for everybody to read, as it would be
 * written: of PART_CERTIFICATE and PART_KUBECONFIG it is a part of the file.
 * *text stays empty when there is no such thing. */
void control_public_text(const struct control_kit *kit,
	const struct control_file *file, struct der certificate,
	struct buffer *text);

/* Of the authority with this profile. */
const struct certificate *control_authority_certificate(
	const struct control_kit *kit, const struct profile *profile);

/* The secret that a file of this part is, when all trees have the same; NULL of
 * others.  The kit owns it. */
const struct secret *control_shared_secret(
	const struct control_kit *kit, const struct control_file *file);

struct control_made {
	struct buffer der;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
};

struct control_tree {
	struct control_made made[CONTROL_CERTIFICATES_MAX]; /* the plan's */
	size_t n_made;
	struct tree_entry *entries;
	size_t n_entries;
	const char *witness; /* see struct ledger_pending */
	struct sha256 hash;
	struct control_tree_parts *parts;
};

MUST_CHECK bool control_tree_make(const struct control_plan *plan,
	struct control_tree **ret_tree, struct error *err);
void control_tree_free(struct control_tree *tree);
DEFINE_AUTO_FREE(control_tree)

#endif
