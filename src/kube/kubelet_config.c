/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kubelet_config.h"

#include <string.h>

#define BASE_MAX ((size_t)1 << 20)
#define API_VERSION "kubelet.config.k8s.io/v1beta1"
#define KIND "KubeletConfiguration"

/* The maps that are written into; `in` NULL is the root. */
static const struct section {
	const char *in, *key;
} sections[] = {
	{NULL, "authentication"},
	{"authentication", "anonymous"},
	{"authentication", "webhook"},
	{"authentication", "x509"},
	{NULL, "authorization"},
};

static bool is_null(const struct document *node)
{
	return !node || document_kind(node) == DOCUMENT_NULL;
}

static bool check_base(
	const struct document *base, const char *file, struct error *err)
{
	if (!document_require_kind(base, API_VERSION, KIND, file, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *section = &sections[i];
		const struct document *map = document_find(
			section->in ? document_find(base, section->in) : base,
			section->key);
		if (!is_null(map) && !document_require(map, DOCUMENT_MAP, file,
					     section->key, err))
			return false;
	}
	return true;
}

bool kubelet_config_read_base(
	struct source *source, struct document **ret_base, struct error *err)
{
	AUTO_FREE(document) base = NULL;

	if (!document_read_yaml(source, &base, err) ||
		!check_base(base, source_name(source), err))
		return false;
	*ret_base = take(&base);
	return true;
}

bool kubelet_config_open_base(const char *option, bool *ret_wanted,
	struct document **ret_base, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	*ret_wanted = !option || strcmp(option, "none") != 0;
	return !option || !*ret_wanted ||
	       (source_open(option, BASE_MAX, &source, err) &&
		       kubelet_config_read_base(source, ret_base, err));
}

/* The map under a key, made where there is none. */
static struct document *section(struct document *map, const char *key)
{
	if (is_null(document_find(map, key)))
		return document_put(map, key, document_new_map());
	return document_edit(map, key);
}

static void put_default(struct document *map, const char *key, bool value)
{
	if (is_null(document_find(map, key)))
		document_put_boolean(map, key, value);
}

static struct document *new_root(const struct document *base)
{
	struct document *root;

	if (base)
		return document_copy(base);
	root = document_new_map();
	document_put_text(root, "apiVersion", API_VERSION);
	document_put_text(root, "kind", KIND);
	return root;
}

bool kubelet_config_write(const struct kubelet_config *config,
	struct buffer *text, struct error *err)
{
	AUTO_FREE(document) root = new_root(config->base);
	struct document *authentication = section(root, "authentication");
	struct document *authorization = section(root, "authorization");

	put_default(section(authentication, "anonymous"), "enabled", false);
	put_default(section(authentication, "webhook"), "enabled", true);
	document_put_text(section(authentication, "x509"), "clientCAFile",
		config->client_ca_file);
	if (is_null(document_find(authorization, "mode")))
		document_put_text(authorization, "mode", "Webhook");
	if (config->tls_cert_file) {
		document_put_text(root, "tlsCertFile", config->tls_cert_file);
		document_put_text(root, "tlsPrivateKeyFile",
			config->tls_private_key_file);
	}
	document_put_boolean(root, "rotateCertificates",
		config->bootstrap ||
			config->cluster->signing == SIGNING_IN_CLUSTER);
	if (config->bootstrap && !config->tls_cert_file)
		document_put_boolean(root, "serverTLSBootstrap", true);
	return document_write_yaml(root, text, err);
}
