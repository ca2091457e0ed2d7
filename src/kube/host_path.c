/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/host_path.h"

#include <string.h>

/* A path that begins with a slash stands by itself, any other in the PKI
 * directory.  (Kubernetes: PKI certificates and requirements; TLS
 * bootstrapping) */
static const char *const paths[][2] = {
	[HOST_FILE_PKI] = {"/etc/kubernetes/pki", "/var/lib/kubernetes"},
	[HOST_FILE_CA] = {"ca.crt", "ca.pem"},
	[HOST_FILE_CA_BUNDLE] = {"ca-bundle.crt", "ca-bundle.pem"},
	[HOST_FILE_CA_KEY] = {"ca.key", "ca-key.pem"},
	[HOST_FILE_APISERVER_KUBELET_CLIENT] = {"apiserver-kubelet-client.crt",
		"apiserver-kubelet-client.pem"},
	[HOST_FILE_APISERVER_KUBELET_CLIENT_KEY] =
		{"apiserver-kubelet-client.key",
			"apiserver-kubelet-client-key.pem"},
	[HOST_FILE_KUBECONFIG] = {"/etc/kubernetes/kubelet.conf",
		"/var/lib/kubelet/kubeconfig"},
	[HOST_FILE_BOOTSTRAP_KUBECONFIG] =
		{"/etc/kubernetes/bootstrap-kubelet.conf",
			"/var/lib/kubelet/bootstrap-kubeconfig"},
	[HOST_FILE_KUBELET_CONFIG] = {"/var/lib/kubelet/config.yaml",
		"/var/lib/kubelet/kubelet-config.yaml"},
	[HOST_FILE_KUBELET_PKI] = {"/var/lib/kubelet/pki",
		"/var/lib/kubelet/pki"},
	[HOST_FILE_SERVING] = {"/var/lib/kubelet/pki/kubelet.crt", NULL},
	[HOST_FILE_SERVING_KEY] = {"/var/lib/kubelet/pki/kubelet.key", NULL},
};

char *host_path(enum host_file file, enum layout layout, const char *pki)
{
	const char *path = paths[file][layout];

	if (!pki)
		pki = paths[HOST_FILE_PKI][layout];
	if (file == HOST_FILE_PKI)
		return memory_text(pki);
	if (!path)
		return NULL;
	return *path == '/' ? memory_text(path)
			    : memory_format("%s/%s", pki, path);
}

static bool refuse(const char *path, const char *rule, struct error *err)
{
	return error_set(err, ERROR_INPUT, "\"%s\": %s", path, rule);
}

bool host_path_check(const char *path, struct error *err)
{
	static const char bytes[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-";

	if (*path != '/')
		return refuse(path, "not an absolute path", err);
	if (path[strspn(path, bytes)])
		return refuse(path,
			"has more than letters, digits and /._- in it", err);
	for (const char *part = path + 1;; part++) {
		size_t len = strcspn(part, "/");

		if (len == 0)
			return refuse(
				path, "a slash doubled or at the end", err);
		if (!strncmp(part, "..", len) && len <= 2)
			return refuse(path, "has a part \".\" or \"..\"", err);
		part += len;
		if (!*part)
			return true;
	}
}
