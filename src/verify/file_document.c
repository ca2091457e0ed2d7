/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/file.h"

#include <string.h>

#include "base/base64.h"
#include "base/json.h"

/* -- which documents are looked at -- */

#define RBAC "rbac.authorization.k8s.io/v1"

static const struct {
	const char *kind;
	const char *version; /* or NULL: any */
	enum artifact_kind artifact;
} kinds[] = {
	{"Config", "v1", ARTIFACT_KUBECONFIG},
	{"Secret", "v1", ARTIFACT_TOKEN},
	{"Role", RBAC, ARTIFACT_RBAC},
	{"ClusterRole", RBAC, ARTIFACT_RBAC},
	{"RoleBinding", RBAC, ARTIFACT_RBAC},
	{"ClusterRoleBinding", RBAC, ARTIFACT_RBAC},
	{"Cluster", "kpki/v1", ARTIFACT_CLUSTER},
};

static const char *text_of(const struct document *map, const char *key)
{
	const struct document *value = document_find(map, key);

	return value && document_kind(value) == DOCUMENT_TEXT
		       ? document_text(value)
		       : "";
}

static bool find_kind(
	const struct document *document, enum artifact_kind *ret_kind)
{
	const char *kind = text_of(document, "kind");
	const char *version = text_of(document, "apiVersion");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].kind, kind) != 0 ||
			strcmp(kinds[i].version, version) != 0)
			continue;
		*ret_kind = kinds[i].artifact;
		return true;
	}
	return false;
}

/* -- what stands inside a kubeconfig -- */

static void embed(struct file *file, const char *kind, const char *name,
	const struct document *value)
{
	const char *text = value ? document_text(value) : NULL;
	AUTO_FREE(secret) pem = NULL;
	size_t len = text ? strlen(text) : 0;

	if (len == 0)
		return;
	pem = secret_new(len);
	if (!base64_decode(text, len, secret_bytes(pem), &len))
		return;
	secret_shorten(pem, len);
	(void)file_add_pem(file, kind, name, pem);
}

static void embed_all(struct file *file, const struct document *config,
	const char *list_key, const char *kind, const char *const *keys)
{
	const struct document *list = document_find(config, list_key);

	if (!list || document_kind(list) != DOCUMENT_LIST)
		return;
	for (size_t i = 0; i < document_count(list); i++) {
		const struct document *entry = document_at(list, i);
		const struct document *body = document_find(entry, kind);

		for (size_t k = 0; keys[k]; k++)
			embed(file, kind, text_of(entry, "name"),
				document_find(body, keys[k]));
	}
}

static void embed_kubeconfig(
	struct file *file, const struct document *config)
{
	static const char *const cluster[] = {
		"certificate-authority-data", NULL};
	static const char *const user[] = {
		"client-certificate-data", "client-key-data", NULL};

	embed_all(file, config, "clusters", "cluster", cluster);
	embed_all(file, config, "users", "user", user);
}

/* -- reading -- */

static void add_document(struct file *file, struct document *taken_document)
{
	AUTO_FREE(document) document = taken_document;
	struct artifact *artifact;
	enum artifact_kind kind;

	if (!find_kind(document, &kind))
		return;
	if (kind == ARTIFACT_TOKEN && strcmp(text_of(document, "type"),
					      "bootstrap.kubernetes.io/token"))
		return;
	artifact = file_add(file, kind);
	artifact->line = document_line(document);
	artifact->document = take(&document);
	if (kind == ARTIFACT_KUBECONFIG)
		embed_kubeconfig(file, artifact->document);
}

static void add_items(struct file *file, const struct document *list)
{
	const struct document *items = document_find(list, "items");

	if (strcmp(text_of(list, "kind"), "List") != 0) {
		add_document(file, document_copy(list));
		return;
	}
	for (size_t i = 0; items && i < document_count(items); i++)
		add_document(file, document_copy(document_at(items, i)));
}

/* Only what looks like one of ours may be called broken. */
static bool is_ours(const char *text, size_t len)
{
	static const char *const marks[] = {
		"kind: Config",
		"\"kind\": \"Config\"",
		"\"kind\":\"Config\"",
		"bootstrap.kubernetes.io/token",
		RBAC,
		"kpki/v1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *at = memmem(text, len, marks[i], strlen(marks[i]));

		if (at && (at == text || at[-1] == '\n' || i > 0))
			return true;
	}
	return false;
}

static bool read_list(struct source *source, char first,
	struct document **ret_list, struct error *err)
{
	struct document *list, *root = NULL;

	if (first != '{')
		return document_read_yaml_all(source, ret_list, err);
	if (!json_read(source, &root, err))
		return false;
	list = document_new_list();
	document_append(list, root);
	*ret_list = list;
	return true;
}

void file_add_documents(struct file *file, const struct secret *bytes)
{
	const char *text = (const char *)secret_view(bytes);
	size_t len = secret_len(bytes);
	AUTO_FREE(source) source = source_of_text(file->path, text, len);
	AUTO_FREE(document) list = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (len == 0 || !is_ours(text, len))
		return;
	if (!read_list(source, *text, &list, &err)) {
		struct artifact *artifact =
			file_add(file, ARTIFACT_UNREADABLE);

		artifact->line = err.line;
		artifact->problem = memory_format(
			"document: %s", err.message);
		return;
	}
	for (size_t i = 0; i < document_count(list); i++)
		add_items(file, document_at(list, i));
}
