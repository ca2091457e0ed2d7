/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_AUTHORITIES_H
#define CMD_AUTHORITIES_H

#include "cmd/context.h"
#include "kube/control_plane.h"

/*
 * What a control plane has beside the cluster's CA: the authorities of the front
 * proxy and of etcd, and the key that signs tokens of service accounts.
 *
 * They come into being together.  All six files are written in a stage inside
 * the PKI directory, the authorities are recorded in the ledger, and only then
 * are the files renamed to their places.  authorities_recover, which every
 * command that writes calls, finishes that once it was recorded, and removes
 * the stage otherwise.
 */
#define AUTHORITIES_STAGE ".kpki-authorities"
#define FRONT_PROXY_CA_CERTIFICATE "front-proxy-ca.crt"
#define FRONT_PROXY_CA_KEY "front-proxy-ca.key"
#define ETCD_DIRECTORY "etcd"
#define ETCD_CA_CERTIFICATE ETCD_DIRECTORY "/ca.crt"
#define ETCD_CA_KEY ETCD_DIRECTORY "/ca.key"
#define SERVICE_ACCOUNT_KEY "sa.key"
#define SERVICE_ACCOUNT_PUBLIC "sa.pub"

struct authorities {
	/* CONTROL_CA is the context's */
	const struct authority *all[CONTROL_AUTHORITIES];
	int64_t numbers[CONTROL_AUTHORITIES]; /* in the ledger */
	struct authority *front_proxy, *etcd;
	struct key *service_account;
	bool fresh; /* made just now */
};

/* The context has NEEDS_CLUSTER, NEEDS_CA and NEEDS_LEDGER_WRITE.  ERROR_INPUT
 * when some of the files are there and others not, when two do not belong
 * together, or when the ledger does not know an authority. */
MUST_CHECK bool authorities_open(struct context *context, bool clock_back,
	struct authorities **ret_authorities, struct error *err);
void authorities_free(struct authorities *authorities);
DEFINE_AUTO_FREE(authorities)

/* The front proxy's or etcd's alone.  The context has NEEDS_CA. */
MUST_CHECK bool authorities_open_one(const struct context *context,
	enum control_authority which, struct authority **ret_authority,
	struct error *err);

/* What is trusted of each, as rotations have it. */
void authorities_bundles(const struct context *context,
	struct control_settings *settings);

/* When the stages of rotations were entered that they are at; see struct
 * batch. */
void authorities_since(const struct context *context,
	int64_t since[CONTROL_AUTHORITIES]);

/* By the name of its profile, NULL being the cluster's.  It takes the place of the
 * cluster's in the context, and so does its number. */
MUST_CHECK bool authorities_choose(struct context *context, const char *name,
	enum control_authority *ret_which, struct error *err);

/* Under no lock. */
MUST_CHECK bool authorities_recover(const struct context *context,
	struct error *err);

#endif
