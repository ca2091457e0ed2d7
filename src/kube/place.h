/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_PLACE_H
#define KUBE_PLACE_H

#include "kube/node.h"
#include "kube/token.h"
#include "pki/certificate.h"

/*
 * What stands in the place where a node's bundle would go.
 */
enum bundle_format {
	BUNDLE_DIRECTORY, /* OUT/NAME/ */
	BUNDLE_TAR,       /* OUT/NAME.tar */
};

/* A bundle is known by its credential: a client certificate of this node, or a
 * token, about which the ledger knows whose it is.  With neither, what is there
 * is somebody else's. */
struct place {
	bool taken;
	struct certificate *client;
	struct token *token;
	bool kube_proxy; /* a directory that has kube-proxy's kubeconfig … */
	struct certificate *proxy; /* … and what is in it, or NULL */
};
#define PLACE_INIT {0}

/* "NAME" or "NAME.tar", for free(). */
char *place_target(const char *name, enum bundle_format format);
char *place_name(const struct node *node, enum bundle_format format);

/* out is the output directory, or -1 when there is none yet.  Follows no link;
 * a file that cannot be read is an error. */
MUST_CHECK bool place_look(int out, const struct node *node,
	enum bundle_format format, struct place *ret_place, struct error *err);

void place_release(struct place *place);
DEFINE_AUTO_RELEASE(place)

/* The client certificate of a node in a PEM file, which may have its key in it;
 * NULL when the file is none that holds it.  Follows no link. */
MUST_CHECK bool place_read_client(int dir, const char *name,
	const struct node *node, struct certificate **ret_client,
	struct error *err);

/* The bytes of a regular file below out, of at most 1 MiB and not empty; NULL
 * when there is no such file.  Follows no link. */
MUST_CHECK bool place_read_file(int out, const char *path,
	struct secret **ret_bytes, struct error *err);

/* The first file that a bundle of this kit in OUT/NAME/ lacks, for free();
 * NULL when it has them all. */
struct bundle_kit;
MUST_CHECK bool place_missing(int out, const struct node *node,
	const struct bundle_kit *kit, char **ret_path, struct error *err);

#endif
