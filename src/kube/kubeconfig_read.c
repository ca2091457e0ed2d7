/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kubeconfig_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "kube/redact.h"

/* client-go: clientcmd/api/v1, and what its auth providers keep. */
static const char *const secret_keys[] = {"client-key-data", "token",
	"password", "access-token", "refresh-token", "id-token",
	"client-secret"};

struct reading {
	const char *name; /* of the file */
	const struct redacted *redacted;
};

/* -- fields -- */

static bool is_absent(const struct document *node)
{
	return !node || document_kind(node) == DOCUMENT_NULL;
}

static bool read_text(const struct reading *reading, const struct document *map,
	const char *key, const char **ret_text, struct error *err)
{
	const struct document *node = document_find(map, key);

	*ret_text = NULL;
	if (is_absent(node))
		return true;
	if (!document_require(node, DOCUMENT_TEXT, reading->name, key, err))
		return false;
	if (*document_text(node))
		*ret_text = document_text(node);
	return true;
}

struct text_field {
	const char *key;
	size_t offset; /* of a const char * */
};

static bool read_texts(const struct reading *reading,
	const struct document *map, const struct text_field *fields, void *out,
	struct error *err)
{
	const char *text;

	for (const struct text_field *field = fields; field->key; field++) {
		if (!read_text(reading, map, field->key, &text, err))
			return false;
		memcpy((char *)out + field->offset, &text, sizeof(text));
	}
	return true;
}

static bool read_boolean(const struct reading *reading,
	const struct document *map, const char *key, bool *ret_value,
	struct error *err)
{
	const struct document *node = document_find(map, key);

	*ret_value = false;
	if (is_absent(node))
		return true;
	if (!document_require(node, DOCUMENT_BOOLEAN, reading->name, key, err))
		return false;
	*ret_value = document_boolean(node);
	return true;
}

static bool broken(const struct reading *reading, const struct document *map,
	const char *key, const char *rule, struct error *err)
{
	const struct document *node = document_find(map, key);

	error_set(err, ERROR_INPUT, "%s: %s", key, rule);
	return error_at(err, reading->name, document_line(node ? node : map));
}

/* Go's decoder passes over line breaks. */
static size_t without_breaks(const char *text, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] != '\n' && text[i] != '\r')
			out[n++] = text[i];
	return n;
}

static bool read_data(const struct reading *reading, const struct document *map,
	const char *key, struct buffer *data, struct error *err)
{
	AUTO_TEXT joined = NULL;
	const char *text;
	size_t len, n;

	if (!read_text(reading, map, key, &text, err))
		return false;
	if (!text)
		return true;
	len = strlen(text);
	joined = memory_new(len + 1, 1);
	n = without_breaks(text, len, joined);
	if (!base64_decode(joined, n, buffer_room(data, n), &len))
		return broken(reading, map, key, "not base64", err);
	buffer_wrote(data, len);
	return true;
}

/* -- secrets -- */

static bool read_secret(const struct reading *reading,
	const struct document *map, const char *key,
	const struct secret **ret_secret, struct error *err)
{
	const char *text;

	*ret_secret = NULL;
	if (!read_text(reading, map, key, &text, err))
		return false;
	if (!text)
		return true;
	*ret_secret = redacted_secret(reading->redacted, text);
	return *ret_secret ||
	       broken(reading, map, key, "its value is not on one line with it",
		       err);
}

static bool read_token(const struct reading *reading,
	const struct document *map, struct kubeconfig_user *user,
	struct error *err)
{
	const struct secret *secret;

	if (!read_secret(reading, map, "token", &secret, err))
		return false;
	if (!secret)
		return true;
	user->token = secret_new(secret_len(secret));
	memcpy(secret_bytes(user->token), secret_view(secret),
		secret_len(secret));
	return true;
}

static bool read_key(const struct reading *reading, const struct document *map,
	struct kubeconfig_user *user, struct error *err)
{
	AUTO_FREE(secret) key = NULL;
	const struct secret *text;
	size_t len;

	if (!read_secret(reading, map, "client-key-data", &text, err))
		return false;
	if (!text)
		return true;
	key = secret_new(secret_len(text));
	if (!base64_decode((const char *)secret_view(text), secret_len(text),
		    secret_bytes(key), &len))
		return broken(
			reading, map, "client-key-data", "not base64", err);
	secret_shorten(key, len);
	user->key_pem = take(&key);
	return true;
}

/* -- entries -- */

#define AT(member) offsetof(struct kubeconfig_cluster, member)
static const struct text_field cluster_texts[] = {
	{"server", AT(server)},
	{"tls-server-name", AT(server_name)},
	{"proxy-url", AT(proxy)},
	{"certificate-authority", AT(ca_file)},
	{NULL, 0},
};
#undef AT

static bool read_cluster(const struct reading *reading,
	const struct document *map, void *entry, struct error *err)
{
	struct kubeconfig_cluster *cluster = entry;

	cluster->ca_pem = (struct buffer)BUFFER_INIT;
	return read_texts(reading, map, cluster_texts, cluster, err) &&
	       read_data(reading, map, "certificate-authority-data",
		       &cluster->ca_pem, err) &&
	       read_boolean(reading, map, "insecure-skip-tls-verify",
		       &cluster->insecure, err);
}

#define AT(member) offsetof(struct kubeconfig_user, member)
static const struct text_field user_texts[] = {
	{"client-certificate", AT(certificate_file)},
	{"client-key", AT(key_file)},
	{"tokenFile", AT(token_file)},
	{"username", AT(username)},
	{"as", AT(as)},
	{NULL, 0},
};
#undef AT

static bool read_outside(const struct reading *reading,
	const struct document *map, struct kubeconfig_user *user,
	struct error *err)
{
	const struct document *exec = document_find(map, "exec");
	const struct document *provider = document_find(map, "auth-provider");

	return (is_absent(exec) ||
		       (document_require(exec, DOCUMENT_MAP, reading->name,
				"exec", err) &&
			       read_text(reading, exec, "command",
				       &user->exec_command, err))) &&
	       (is_absent(provider) ||
		       (document_require(provider, DOCUMENT_MAP, reading->name,
				"auth-provider", err) &&
			       read_text(reading, provider, "name",
				       &user->auth_provider, err)));
}

static bool read_user(const struct reading *reading, const struct document *map,
	void *entry, struct error *err)
{
	struct kubeconfig_user *user = entry;
	const struct secret *password;

	user->certificate_pem = (struct buffer)BUFFER_INIT;
	if (!read_texts(reading, map, user_texts, user, err) ||
		!read_secret(reading, map, "password", &password, err) ||
		!read_outside(reading, map, user, err))
		return false;
	user->has_password = password != NULL;
	return read_data(reading, map, "client-certificate-data",
		       &user->certificate_pem, err) &&
	       read_key(reading, map, user, err) &&
	       read_token(reading, map, user, err);
}

#define AT(member) offsetof(struct kubeconfig_context, member)
static const struct text_field context_texts[] = {
	{"cluster", AT(cluster)},
	{"user", AT(user)},
	{"namespace", AT(namespace)},
	{NULL, 0},
};
#undef AT

static bool read_context(const struct reading *reading,
	const struct document *map, void *entry, struct error *err)
{
	return read_texts(reading, map, context_texts, entry, err);
}

/* -- the three lists -- */

/* Each entry begins with its name and line, as the three structs do. */
struct entry_head {
	const char *name;
	unsigned line;
};

struct list {
	const char *key, *item; /* "clusters", "cluster" */
	size_t size;		/* of an entry */
	size_t entries, count;	/* where the file has them */
	bool (*read)(const struct reading *reading, const struct document *map,
		void *entry, struct error *err);
};

static struct entry_head *head_at(
	const struct list *list, void *entries, size_t i)
{
	return (struct entry_head *)(void *)((char *)entries + i * list->size);
}

/* client-go: Convert_Slice_v1_NamedCluster_To_Map, and its like */
static bool require_new(const struct reading *reading, const struct list *list,
	void *entries, size_t i, struct error *err)
{
	const struct entry_head *head = head_at(list, entries, i);

	for (size_t j = 0; j < i; j++) {
		if (strcmp(head_at(list, entries, j)->name, head->name) != 0)
			continue;
		error_set(err, ERROR_INPUT, "%s \"%s\": is there twice",
			list->item, head->name);
		return error_at(err, reading->name, head->line);
	}
	return true;
}

static bool read_entry(const struct reading *reading, const struct list *list,
	const struct document *item, struct entry_head *head, struct error *err)
{
	const struct document *map = document_find(item, list->item);
	AUTO_FREE(document) none = NULL;

	if (!document_require(
		    item, DOCUMENT_MAP, reading->name, list->item, err) ||
		!read_text(reading, item, "name", &head->name, err))
		return false;
	head->line = document_line(item);
	if (!head->name)
		head->name = "";
	if (is_absent(map))
		map = none = document_new_map();
	return document_require(
		       map, DOCUMENT_MAP, reading->name, list->item, err) &&
	       list->read(reading, map, head, err);
}

static bool read_entries(const struct reading *reading, const struct list *list,
	const struct document *node, struct kubeconfig_file *file,
	struct error *err)
{
	void *entries = memory_new(document_count(node) + 1, list->size);
	size_t *n = (size_t *)(void *)((char *)file + list->count);

	memcpy((char *)file + list->entries, &entries, sizeof(entries));
	for (size_t i = 0; i < document_count(node); i++) {
		*n = i + 1; /* so that half an entry is freed, too */
		if (!read_entry(reading, list, document_at(node, i),
			    head_at(list, entries, i), err) ||
			!require_new(reading, list, entries, i, err))
			return false;
	}
	return true;
}

static bool read_list(const struct reading *reading, const struct list *list,
	struct kubeconfig_file *file, struct error *err)
{
	const struct document *node = document_find(file->root, list->key);

	return is_absent(node) ||
	       (document_require(
			node, DOCUMENT_LIST, reading->name, list->key, err) &&
		       read_entries(reading, list, node, file, err));
}

#define AT(member) offsetof(struct kubeconfig_file, member)
static const struct list lists[] = {
	{"clusters", "cluster", sizeof(struct kubeconfig_cluster), AT(clusters),
		AT(n_clusters), read_cluster},
	{"users", "user", sizeof(struct kubeconfig_user), AT(users),
		AT(n_users), read_user},
	{"contexts", "context", sizeof(struct kubeconfig_context), AT(contexts),
		AT(n_contexts), read_context},
};
#undef AT

static bool read_frame(const struct reading *reading,
	const struct document *root, struct error *err)
{
	const char *version, *kind;

	if (!document_require(
		    root, DOCUMENT_MAP, reading->name, "kubeconfig", err) ||
		!read_text(reading, root, "apiVersion", &version, err) ||
		!read_text(reading, root, "kind", &kind, err))
		return false;
	if (kind && strcmp(kind, "Config") != 0)
		return broken(reading, root, "kind", "not \"Config\"", err);
	return !version || strcmp(version, "v1") == 0 ||
	       broken(reading, root, "apiVersion", "not \"v1\"", err);
}

static bool read_root(const struct reading *reading,
	struct kubeconfig_file *file, struct error *err)
{
	const struct document *current =
		document_find(file->root, "current-context");

	file->current_line = document_line(current ? current : file->root);
	if (!read_frame(reading, file->root, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (!read_list(reading, &lists[i], file, err))
			return false;
	return read_text(reading, file->root, "current-context",
		&file->current_context, err);
}

bool kubeconfig_read(struct source *source, struct kubeconfig_file **ret_file,
	struct error *err)
{
	AUTO_FREE(redacted) redacted = NULL;
	AUTO_FREE(kubeconfig_file) file = memory_new(1, sizeof(*file));
	struct reading reading = {source_name(source), NULL};

	if (!redact(source, secret_keys, ARRAY_SIZE(secret_keys), &redacted,
		    err) ||
		!redacted_parse(redacted, &file->root, err))
		return false;
	reading.redacted = redacted;
	if (!read_root(&reading, file, err))
		return false;
	*ret_file = take(&file);
	return true;
}

bool kubeconfig_read_secret(const char *name, const struct secret *text,
	struct kubeconfig_file **ret_file, struct error *err)
{
	AUTO_FREE(source)
	source = source_of_text(name, secret_view(text), secret_len(text));

	return kubeconfig_read(source, ret_file, err);
}

void kubeconfig_file_free(struct kubeconfig_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->n_clusters; i++)
		buffer_release(&file->clusters[i].ca_pem);
	for (size_t i = 0; i < file->n_users; i++) {
		buffer_release(&file->users[i].certificate_pem);
		secret_free(file->users[i].key_pem);
		secret_free(file->users[i].token);
	}
	free(file->clusters);
	free(file->users);
	free(file->contexts);
	document_free(file->root);
	free(file);
}

/* -- looking -- */

static bool is_named(const char *entry, const char *name)
{
	return name && strcmp(entry, name) == 0;
}

const struct kubeconfig_cluster *kubeconfig_find_cluster(
	const struct kubeconfig_file *file, const char *name)
{
	for (size_t i = 0; i < file->n_clusters; i++)
		if (is_named(file->clusters[i].name, name))
			return &file->clusters[i];
	return NULL;
}

const struct kubeconfig_user *kubeconfig_find_user(
	const struct kubeconfig_file *file, const char *name)
{
	for (size_t i = 0; i < file->n_users; i++)
		if (is_named(file->users[i].name, name))
			return &file->users[i];
	return NULL;
}

const struct kubeconfig_context *kubeconfig_find_context(
	const struct kubeconfig_file *file, const char *name)
{
	for (size_t i = 0; i < file->n_contexts; i++)
		if (is_named(file->contexts[i].name, name))
			return &file->contexts[i];
	return NULL;
}

struct kubeconfig_choice kubeconfig_current(const struct kubeconfig_file *file)
{
	struct kubeconfig_choice choice = {0};

	choice.context = kubeconfig_find_context(file, file->current_context);
	if (!choice.context)
		return choice;
	choice.cluster = kubeconfig_find_cluster(file, choice.context->cluster);
	choice.user = kubeconfig_find_user(file, choice.context->user);
	return choice;
}
