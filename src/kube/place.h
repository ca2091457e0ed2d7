/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_PLACE_H
#define KUBE_PLACE_H

#include "kube/cluster.h"
#include "kube/node.h"
#include "pki/certificate.h"

/*
 * What stands in the place where a node's bundle would go.
 */
enum bundle_format {
	BUNDLE_DIRECTORY, /* OUT/NAME/ */
	BUNDLE_TAR,       /* OUT/NAME.tar */
};

enum place {
	PLACE_EMPTY,
	PLACE_BUNDLE,  /* a bundle of this node, as its client certificate
	                  says */
	PLACE_FOREIGN, /* anything else */
};

/* "NAME" or "NAME.tar", for free(). */
char *place_name(const struct node *node, enum bundle_format format);

/* out is the output directory, or -1 when there is none yet.  *ret_client is
 * set for PLACE_BUNDLE only.  Follows no link; a file that cannot be read is
 * an error. */
MUST_CHECK bool place_look(int out, const struct node *node,
	enum bundle_format format, enum layout layout, enum place *ret_place,
	struct certificate **ret_client, struct error *err);

/* The client certificate of a node in a PEM file, which may have its key in it;
 * NULL when the file is none that holds it.  Follows no link. */
MUST_CHECK bool place_read_client(int dir, const char *name,
	const struct node *node, struct certificate **ret_client,
	struct error *err);

#endif
