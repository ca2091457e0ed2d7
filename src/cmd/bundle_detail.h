/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BUNDLE_DETAIL_H
#define CMD_BUNDLE_DETAIL_H

#include "kube/cluster.h"

/*
 * What the ledger keeps of a bundle, or of a tree of the control plane, besides
 * its certificates: the server's URL, and in a second line how it was made, so
 * that it can be made again like that:
 *
 *	https://api.example.internal:6443
 *	kubeadm
 *
 * the layout, and behind it " embedded" when a bundle's kubeconfig has the
 * certificate; " control-plane" of a tree, and " ca-key" when the key of the
 * cluster's CA went with it.  A certificate that came in neither has the first
 * line only, and so has what kpki issued before it wrote the second.
 */
struct bundle_detail {
	bool is_bundle; /* of what follows */
	enum layout layout;
	bool embedded;
	bool control_plane;
	bool ca_key;
};

/* For free(). */
char *bundle_detail_write(
	const char *server, enum layout layout, bool embedded);
char *bundle_detail_write_tree(
	const char *server, enum layout layout, bool ca_key);
char *bundle_detail_server(const char *detail);

struct bundle_detail bundle_detail_read(const char *detail);

#endif
