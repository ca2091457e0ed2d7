/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/file.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/base64.h"
#include "kube/token_file.h"
#include "kube/token_read.h"

void static_token_free(struct static_token *token)
{
	if (!token)
		return;
	secret_free(token->token);
	free(token->user);
	free(token->uid);
	free(token->groups);
	free(token);
}

static void add_broken(
	struct file *file, const char *what, const struct error *err)
{
	struct artifact *artifact = file_add(file, ARTIFACT_UNREADABLE);

	artifact->line = err->line;
	artifact->problem = memory_format("%s: %s", what, err->message);
}

static struct source *source_of(
	const struct file *file, const struct secret *bytes)
{
	return source_of_text(
		file->path, secret_view(bytes), secret_len(bytes));
}

static bool mentions(const struct secret *bytes, const char *text)
{
	return memmem(
		secret_view(bytes), secret_len(bytes), text, strlen(text));
}

/* -- kubeconfigs -- */

/* Also without a kind, which client-go does not ask for. */
static bool is_kubeconfig(const struct secret *bytes)
{
	static const char *const marks[] = {"\nclusters:", "\"clusters\"",
		"\ncontexts:", "\nusers:", "{clusters:"};
	static const char *const kinds[] = {"\nkind: Config\n",
		"\nkind: \"Config\"\n", "\"kind\": \"Config\"",
		"\"kind\":\"Config\"", "\nkind: Config\r"};
	const char *text = (const char *)secret_view(bytes);
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (mentions(bytes, kinds[i]))
			return true;
	if (secret_len(bytes) > 13 && !memcmp(text, "kind: Config\n", 13))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		n += mentions(bytes, marks[i]);
	return n >= 2;
}

static void embed(struct file *file, const char *kind, const char *name,
	const struct buffer *pem)
{
	AUTO_FREE(secret) copy = secret_new(pem->len);

	memcpy(secret_bytes(copy), pem->data, pem->len);
	(void)file_add_pem(file, kind, name, copy);
}

static void embed_all(struct file *file, const struct kubeconfig_file *config)
{
	for (size_t i = 0; i < config->n_clusters; i++)
		embed(file, "cluster", config->clusters[i].name,
			&config->clusters[i].ca_pem);
	for (size_t i = 0; i < config->n_users; i++) {
		struct kubeconfig_user *user = &config->users[i];

		embed(file, "user", user->name, &user->certificate_pem);
		if (!user->key_pem)
			continue;
		(void)file_add_pem(file, "user", user->name, user->key_pem);
		secret_shorten(user->key_pem, 0);
	}
}

static void add_kubeconfig(struct file *file, const struct secret *bytes)
{
	AUTO_FREE(source) source = source_of(file, bytes);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct kubeconfig_file *config;
	struct artifact *artifact;

	if (!kubeconfig_read(source, &config, &err)) {
		add_broken(file, "kubeconfig", &err);
		return;
	}
	artifact = file_add(file, ARTIFACT_KUBECONFIG);
	artifact->kubeconfig = config;
	embed_all(file, config);
}

/* -- objects -- */

#define TOKEN_TYPE "bootstrap.kubernetes.io/token"

static void add_token(struct file *file, const struct object *object)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct token_secret *token;
	struct artifact *artifact;

	if (!token_secret_read(object, &token, &err)) {
		add_broken(file, "token", &err);
		return;
	}
	artifact = file_add(file, ARTIFACT_TOKEN);
	artifact->line = object->line;
	artifact->token = token;
}

static void add_rbac(struct file *file, const struct object *object)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct rbac_object *rbac;
	struct artifact *artifact;

	if (!rbac_read(object, &rbac, &err)) {
		add_broken(file, "RBAC", &err);
		return;
	}
	artifact = file_add(file, ARTIFACT_RBAC);
	artifact->line = object->line;
	artifact->rbac = rbac;
}

/* The certificate that was issued stands in it as well. */
static void add_issued(struct file *file, const struct csr_object *object)
{
	size_t len = strlen(object->certificate), pem_len;
	AUTO_FREE(secret) pem = secret_new(len);
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (base64_decode(object->certificate, len,
		    (unsigned char *)secret_bytes(pem), &pem_len)) {
		secret_shorten(pem, pem_len);
		if (file_add_pem(file, "object", object->name, pem) > 0)
			return;
	}
	error_set(&err, ERROR_INPUT,
		"object \"%s\": status.certificate is no PEM in base64",
		object->name);
	add_broken(file, "certificate", &err);
}

static void add_csr(struct file *file, const struct object *object)
{
	AUTO_FREE(csr_object) csr = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct artifact *artifact;

	if (!csr_object_of(object->root, file->path, &csr, &err)) {
		add_broken(file, "request", &err);
		return;
	}
	if (csr->has_certificate)
		add_issued(file, csr);
	if (!csr->request) {
		error_move(&err, &csr->request_error);
		error_context(&err, "object \"%s\"", csr->name);
		err.line = object->line;
		add_broken(file, "request", &err);
		return;
	}
	artifact = file_add(file, ARTIFACT_REQUEST);
	artifact->line = object->line;
	artifact->embedded_kind = "object";
	artifact->embedded_key = memory_text(csr->name);
	artifact->request = csr->request;
	csr->request = NULL;
	artifact->object = take(&csr);
}

static void add_cluster(struct file *file, const struct object *object)
{
	struct artifact *artifact = file_add(file, ARTIFACT_CLUSTER);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	AUTO_FREE(source) source = NULL;

	artifact->line = object->line;
	if (!document_write_yaml(object->root, &text, &passed_over))
		return;
	source = source_of_text(file->path, text.data, text.len);
	(void)!cluster_read(source, &artifact->cluster, &passed_over);
}

static bool add_object(
	void *data, const struct object *object, struct error *err)
{
	struct file *file = data;
	enum rbac_kind kind;

	(void)err;
	if (!file_has_room(file))
		return true;
	if (token_secret_is(object))
		add_token(file, object);
	else if (rbac_is(object, &kind))
		add_rbac(file, object);
	else if (!strcmp(object->kind, CSR_OBJECT_KIND))
		add_csr(file, object);
	else if (!strcmp(object->kind, "Cluster") &&
		 !strcmp(object->api_version, "kpki/v1"))
		add_cluster(file, object);
	return true;
}

/* Only what looks like one of ours may be called broken. */
static const char *name_of_objects(const struct secret *bytes)
{
	if (mentions(bytes, TOKEN_TYPE) || mentions(bytes, "bootstrap-token-"))
		return "token";
	if (mentions(bytes, RBAC_GROUP "/v1"))
		return "RBAC";
	if (mentions(bytes, CSR_OBJECT_KIND))
		return "request";
	return mentions(bytes, "kpki/v1") ? "document" : NULL;
}

static void add_objects(struct file *file, const struct secret *bytes)
{
	const char *name = name_of_objects(bytes);
	AUTO_FREE(source) source = source_of(file, bytes);
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (name && !objects_read(source, add_object, file, &err))
		add_broken(file, name, &err);
}

/* -- tokens -- */

static bool add_line(
	void *data, const struct token_line *line, struct error *err)
{
	struct artifact *artifact;
	struct static_token *token;

	(void)err;
	if (!file_has_room(data))
		return true;
	artifact = file_add(data, ARTIFACT_STATIC_TOKEN);
	token = memory_new(1, sizeof(*token));
	artifact->line = line->line;
	artifact->static_token = token;
	token->token = secret_new(secret_len(line->token));
	memcpy(secret_bytes(token->token), secret_view(line->token),
		secret_len(line->token));
	token->user = memory_text(line->user);
	token->uid = memory_text(line->uid);
	token->groups = memory_text(line->groups);
	token->n_columns = line->n_columns;
	return true;
}

/* A table of something else has short words in its first column; one that is
 * called so is a token file whatever it holds. */
static bool is_token_file(const struct file *file, const struct secret *bytes)
{
	const char *slash = strrchr(file->path, '/');
	const char *text = (const char *)secret_view(bytes);
	const char *comma = memchr(text, ',', secret_len(bytes));

	if (text_ends(file->path, ".csv") &&
		strstr(slash ? slash : file->path, "token"))
		return true;
	return comma && comma - text >= 16 &&
	       token_file_look(text, secret_len(bytes));
}

static void add_token_file(struct file *file, const struct secret *bytes)
{
	AUTO_FREE(source) source = source_of(file, bytes);
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!token_file_read(source, add_line, file, &err)) {
		/* its message begins so itself */
		struct artifact *artifact = file_add(file, ARTIFACT_UNREADABLE);

		artifact->line = err.line;
		artifact->problem = memory_text(err.message);
	}
}

static bool add_bare_token(struct file *file, const struct secret *bytes)
{
	AUTO_FREE(token) token = token_of_secret(bytes);

	if (token)
		file_add(file, ARTIFACT_BARE_TOKEN)->token_id =
			memory_text(token->id);
	return token != NULL;
}

static void add_text(struct file *file, const struct secret *bytes)
{
	if (secret_len(bytes) == 0 || add_bare_token(file, bytes))
		return;
	if (is_token_file(file, bytes))
		add_token_file(file, bytes);
	else if (is_kubeconfig(bytes))
		add_kubeconfig(file, bytes);
	else
		add_objects(file, bytes);
}

/* What editors of Windows put first, and kubectl passes over (YAML 1.2, 5.2). */
void file_add_documents(struct file *file, const struct secret *bytes)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t skip = strlen(mark), len = secret_len(bytes);
	AUTO_FREE(secret) rest = NULL;

	if (len < skip || memcmp(secret_view(bytes), mark, skip) != 0) {
		add_text(file, bytes);
		return;
	}
	rest = secret_new(len - skip);
	memcpy(secret_bytes(rest), secret_view(bytes) + skip, len - skip);
	add_text(file, rest);
}
