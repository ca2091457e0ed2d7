/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/cluster_info.h"

/* kubeadm: phases/bootstraptoken/clusterinfo */
#define ROLE "kubeadm:bootstrap-signer-clusterinfo"
#define RBAC_GROUP "rbac.authorization.k8s.io"

static struct document *new_object(
	const char *api_version, const char *kind, const char *name)
{
	struct document *root = document_new_map(), *metadata;

	document_put_text(root, "apiVersion", api_version);
	document_put_text(root, "kind", kind);
	metadata = document_put(root, "metadata", document_new_map());
	document_put_text(metadata, "name", name);
	document_put_text(metadata, "namespace", "kube-public");
	return root;
}

struct document *cluster_info_new(const struct buffer *kubeconfig)
{
	struct document *root = new_object("v1", "ConfigMap", "cluster-info");
	struct document *data = document_put(root, "data", document_new_map());

	document_put_text(data, "kubeconfig", kubeconfig->data);
	return root;
}

bool cluster_info_sign(struct document *config_map, const struct token *token,
	const struct buffer *kubeconfig, struct error *err)
{
	struct document *data = document_edit(config_map, "data");
	AUTO_TEXT key = memory_format("jws-kubeconfig-%s", token->id);
	AUTO_TEXT signature = NULL;

	if (token->kind == TOKEN_STATIC)
		return error_set(err, ERROR_REFUSED,
			"a static token signs nothing: cluster-info is for "
			"bootstrap tokens");
	if (document_find(data, key))
		return error_set(err, ERROR_INPUT,
			"token \"%s\": is there twice", token->id);
	if (!token_sign(token, kubeconfig, &signature, err))
		return false;
	document_put_text(data, key, signature);
	return true;
}

static struct document *list_of(const char *text)
{
	struct document *list = document_new_list();

	document_append(list, document_new_text(text));
	return list;
}

static struct document *new_role(void)
{
	struct document *root = new_object(RBAC_GROUP "/v1", "Role", ROLE);
	struct document *rule = document_append(
		document_put(root, "rules", document_new_list()),
		document_new_map());

	document_put(rule, "apiGroups", list_of(""));
	document_put(rule, "resources", list_of("configmaps"));
	document_put(rule, "resourceNames", list_of("cluster-info"));
	document_put(rule, "verbs", list_of("get"));
	return root;
}

static void put_reference(
	struct document *map, const char *kind, const char *name)
{
	document_put_text(map, "apiGroup", RBAC_GROUP);
	document_put_text(map, "kind", kind);
	document_put_text(map, "name", name);
}

static struct document *new_binding(void)
{
	struct document *root =
		new_object(RBAC_GROUP "/v1", "RoleBinding", ROLE);

	put_reference(document_put(root, "roleRef", document_new_map()), "Role",
		ROLE);
	put_reference(document_append(document_put(root, "subjects",
					      document_new_list()),
			      document_new_map()),
		"User", "system:anonymous");
	return root;
}

bool cluster_info_write(const struct document *config_map, struct buffer *text,
	struct error *err)
{
	AUTO_FREE(document) role = new_role();
	AUTO_FREE(document) binding = new_binding();
	const struct document *const objects[] = {config_map, role, binding};

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		if (i > 0)
			buffer_add_text(text, "---\n");
		if (!document_write_yaml(objects[i], text, err))
			return false;
	}
	return true;
}
