/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_COMPONENT_H
#define KUBE_COMPONENT_H

#include "kube/cluster.h"

/*
 * What the components of a cluster have to be told so that kubelets and
 * kube-apiserver know each other by certificate: one table of flags in
 * component.c, and the forms in which an operator may want them.
 */
enum component {
	COMPONENT_KUBE_APISERVER,
	COMPONENT_KUBE_CONTROLLER_MANAGER,
	COMPONENT_KUBELET,
};
#define COMPONENTS 3

enum component_format {
	COMPONENT_FLAGS,   /* a flag a line */
	COMPONENT_SYSTEMD, /* a drop-in that sets $KPKI_ARGS */
	COMPONENT_KUBEADM, /* ClusterConfiguration, KubeletConfiguration */
	COMPONENT_FILE,    /* KubeletConfiguration */
};

enum component_path {
	COMPONENT_BOOTSTRAP, /* kubelets ask for certificates with a token */
	COMPONENT_MANUAL,    /* kubelets get them from kpki */
};

struct component_settings {
	const struct cluster *cluster; /* its version, layout and signing too */
	enum component_path path;
	enum component_format format;
	const char *pki; /* on control-plane hosts; NULL: by layout */
	bool bundle; /* the CA was rotated: what takes a bundle gets it */
};

/* "kube-apiserver" */
const char *component_name(enum component component);

/* Whether the format says anything to this component: COMPONENT_FILE is the
 * kubelet's alone. */
bool component_takes(enum component component, enum component_format format);

/* Where its part goes below an --out directory: "kube-apiserver.flags",
 * "kube-apiserver.service.d/10-kpki.conf"; for free().  The other formats are
 * one file for all. */
char *component_file_name(
	enum component component, enum component_format format);

/* What the format says to these components, which it takes.  COMPONENT_KUBEADM
 * wants kubeadm's layout: it finds its files by their names. */
MUST_CHECK bool component_write(const struct component_settings *settings,
	const enum component *components, size_t n_components,
	struct buffer *text, struct error *err);

#endif
