/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_INSTALL_H
#define KUBE_INSTALL_H

#include "base/document.h"
#include "base/placement.h"
#include "kube/node_certificates.h"

/*
 * Puts what a node bundle would bring in its places on the node itself, below a
 * root: the keys are the node's own, the certificates came back.
 *
 *	install_plan     looks at what is there, and refuses; changes nothing
 *	install_carry_out
 *
 * What is there and equal stays.  A pair that is there, of this node and from
 * this CA, gives way to one that is not older, as the kubelet itself renews: a
 * new file for the client, and its link moved in one step.  Anything else that
 * is there is refused.  Directories are made with the modes of a bundle, and
 * those that are there stay as they are.  No link below the root is followed,
 * the client's own aside.
 *
 * The kubeconfig comes last: without it no kubelet uses the rest.  The client's
 * file is named after the moment when its certificate was issued, so that a run
 * that was cut short and the one after it mean the same file.
 */
struct install_settings {
	int root;
	const struct node_certificates *file; /* with a client certificate */
	const struct key *keys[KUBELET_PAIRS]; /* of each there is */
	bool kubelet_config;
	const struct document *kubelet_config_base; /* or NULL */
};

#define INSTALL_FILES_MAX 8

struct install_file {
	const char *path; /* below the root */
	const struct certificate *certificate; /* in it; NULL for others */
	enum placement_way way;
};

struct install {
	struct install_file files[INSTALL_FILES_MAX]; /* by path */
	size_t n_files;
	struct install_parts *parts;
};

/* ERROR_REFUSED: `"etc/kubernetes/kubelet.conf": is there and says something
 * else`. */
MUST_CHECK bool install_plan(const struct install_settings *settings,
	struct install **ret_install, struct error *err);
MUST_CHECK bool install_carry_out(struct install *install,
	struct error *err);
void install_free(struct install *install);
DEFINE_AUTO_FREE(install)

#endif
