/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_HOST_PATH_H
#define KUBE_HOST_PATH_H

#include "kube/cluster.h"

/*
 * Where files stand on a host, by layout: on control-plane hosts and on nodes
 * alike.  What a node bundle brings is where kube/bundle.c puts it; a test holds
 * the two together.
 */
enum host_file {
	HOST_FILE_NONE,
	HOST_FILE_PKI, /* the directory of the next five */
	HOST_FILE_CA,
	HOST_FILE_CA_BUNDLE,
	HOST_FILE_CA_KEY,
	HOST_FILE_APISERVER_KUBELET_CLIENT,
	HOST_FILE_APISERVER_KUBELET_CLIENT_KEY,
	HOST_FILE_KUBECONFIG, /* the kubelet's, as the next five */
	HOST_FILE_BOOTSTRAP_KUBECONFIG,
	HOST_FILE_KUBELET_CONFIG,
	HOST_FILE_KUBELET_PKI, /* a directory */
	HOST_FILE_SERVING,
	HOST_FILE_SERVING_KEY,
};

/* For free(); NULL when it depends on the node's name.  pki takes the place of
 * the layout's PKI directory unless it is NULL. */
char *host_path(enum host_file file, enum layout layout, const char *pki);

/* An absolute path that stands in command lines, units and YAML without
 * quotes: letters, digits and "/._-", no part of it "." or "..", no slash
 * doubled or at its end.  ERROR_INPUT with the rule. */
MUST_CHECK bool host_path_check(const char *path, struct error *err);

#endif
