/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BUNDLE_DETAIL_H
#define CMD_BUNDLE_DETAIL_H

#include "kube/cluster.h"

/*
 * What the ledger keeps of a bundle besides its certificates: the server's URL,
 * and in a second line how it was made, so that it can be made again like that:
 *
 *	https://api.example.internal:6443
 *	kubeadm
 *
 * the layout, and " embedded" behind it when the kubeconfig has the
 * certificate.  A certificate that came in no bundle has the first line only.
 */
struct bundle_detail {
	bool is_bundle; /* of what follows */
	enum layout layout;
	bool embedded;
};

/* For free(). */
char *bundle_detail_write(
	const char *server, enum layout layout, bool embedded);
char *bundle_detail_server(const char *detail);

struct bundle_detail bundle_detail_read(const char *detail);

#endif
