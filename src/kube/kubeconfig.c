/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kubeconfig.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/document.h"
#include "pki/issuers.h"

static struct document *put_map(struct document *map, const char *key)
{
	return document_put(map, key, document_new_map());
}

/* A list of one entry with a name; answers with what the name stands for. */
static struct document *put_entry(struct document *root, const char *list,
	const char *name, const char *what)
{
	struct document *entry =
		document_append(document_put(root, list, document_new_list()),
			document_new_map());

	document_put_text(entry, "name", name);
	return put_map(entry, what);
}

static void put_ca(struct document *cluster, const struct buffer *pem)
{
	AUTO_TEXT text = memory_new(BASE64_LEN(pem->len) + 1, 1);

	base64_encode(pem->data, pem->len, text);
	document_put_text(cluster, "certificate-authority-data", text);
}

static struct document *describe_cluster(
	const struct kubeconfig *config, const char *name)
{
	struct document *root = document_new_map(), *entry;

	document_put_text(root, "apiVersion", "v1");
	document_put_text(root, "kind", "Config");
	put_map(root, "preferences");
	entry = put_entry(root, "clusters", name, "cluster");
	document_put_text(entry, "server", config->server);
	put_ca(entry, config->ca_pem);
	return root;
}

/* The root, and in *ret_user where the credentials go. */
static struct document *describe(
	const struct kubeconfig *config, struct document **ret_user)
{
	struct document *root = describe_cluster(config, config->cluster);
	struct document *entry;

	*ret_user = put_entry(root, "users", config->user, "user");
	entry = put_entry(root, "contexts", config->context, "context");
	document_put_text(entry, "cluster", config->cluster);
	document_put_text(entry, "user", config->user);
	document_put_text(root, "current-context", config->context);
	return root;
}

bool kubeconfig_write(
	const struct kubeconfig *config, struct buffer *text, struct error *err)
{
	struct document *user;
	AUTO_FREE(document) root = describe(config, &user);

	assert(config->client_certificate && config->client_key);
	document_put_text(
		user, "client-certificate", config->client_certificate);
	document_put_text(user, "client-key", config->client_key);
	return document_write_yaml(root, text, err);
}

bool kubeconfig_write_token(const struct kubeconfig *config, const char *id,
	struct gap *ret_gap, struct error *err)
{
	struct document *user;
	AUTO_FREE(document) root = describe(config, &user);

	assert(!config->client_certificate && !config->client_key);
	document_put_text(user, "token", "");
	if (!gap_write(root, "token", ret_gap, err))
		return false;
	buffer_add_text(&ret_gap->head, id);
	return true;
}

#define BOOTSTRAP_USER "kubelet-bootstrap"

bool kubeconfig_write_bootstrap(const struct cluster *cluster,
	const struct buffer *ca_pem, const struct token *token,
	struct gap *ret_gap, struct error *err)
{
	AUTO_TEXT name = memory_format(BOOTSTRAP_USER "@%s", cluster->name);
	AUTO_TEXT id = memory_format(
		"%s%s", token->id, token->kind == TOKEN_STATIC ? "" : ".");
	const struct kubeconfig config = {.cluster = cluster->name,
		.user = BOOTSTRAP_USER,
		.context = name,
		.server = cluster->server,
		.ca_pem = ca_pem};

	return kubeconfig_write_token(&config, id, ret_gap, err);
}

/* kubeadm: app/util/kubeconfig, GetClusterFromKubeConfig */
bool kubeconfig_write_discovery(
	const struct kubeconfig *config, struct buffer *text, struct error *err)
{
	AUTO_FREE(document) root = describe_cluster(config, "");

	document_put(root, "users", document_new_list());
	document_put(root, "contexts", document_new_list());
	document_put_text(root, "current-context", "");
	return document_write_yaml(root, text, err);
}

/* -- embedded credentials -- */

/* text[0], certificate, text[1], key, text[2]. */
struct kubeconfig_frame {
	char *text[3];
};

/* Cuts at the empty text behind a key that stands once.  Nothing that an
 * operator names can look like it: inside quotes, a quote has a backslash. */
static char *cut(const char **at, const char *gap)
{
	const char *found = strstr(*at, gap), *head = *at;

	assert(found);
	*at = found + strlen(gap) - 1;
	return memory_text_n(head, (size_t)(*at - head));
}

bool kubeconfig_frame_new(const struct kubeconfig *config,
	struct kubeconfig_frame **ret_frame, struct error *err)
{
	struct document *user;
	AUTO_FREE(document) root = describe(config, &user);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct kubeconfig_frame *frame;
	const char *at;

	assert(!config->client_certificate && !config->client_key);
	document_put_text(user, "client-certificate-data", "");
	document_put_text(user, "client-key-data", "");
	if (!document_write_yaml(root, &text, err))
		return false;
	frame = memory_new(1, sizeof(*frame));
	at = text.data;
	frame->text[0] = cut(&at, "\n    client-certificate-data: \"\"");
	frame->text[1] = cut(&at, "\n    client-key-data: \"\"");
	frame->text[2] = memory_text(at);
	*ret_frame = frame;
	return true;
}

struct secret *kubeconfig_fill(const struct kubeconfig_frame *frame,
	const struct buffer *certificate_pem, const struct secret *key_pem)
{
	const struct {
		const void *bytes;
		size_t len;
	} fills[] = {
		{certificate_pem->data, certificate_pem->len},
		{secret_view(key_pem), secret_len(key_pem)},
	};
	size_t lens[ARRAY_SIZE(frame->text)], total = 0;
	struct secret *whole;
	char *at;

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		total += lens[i] = strlen(frame->text[i]);
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++)
		total += BASE64_LEN(fills[i].len);
	whole = secret_new(total);
	at = (char *)secret_bytes(whole);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		memcpy(at, frame->text[i], lens[i]);
		at += lens[i];
		if (i == ARRAY_SIZE(fills))
			break;
		base64_encode(fills[i].bytes, fills[i].len, at);
		at += BASE64_LEN(fills[i].len);
	}
	return whole;
}

void kubeconfig_frame_free(struct kubeconfig_frame *frame)
{
	if (!frame)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(frame->text); i++)
		free(frame->text[i]);
	free(frame);
}

struct certificate *kubeconfig_find_client(const struct secret *text)
{
	static const char key[] = "\n    client-certificate-data:";
	const char *at = (const char *)secret_view(text);
	const char *end = at + secret_len(text), *stop;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it has none, then */
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RELEASE(issuers) chain = {.n_items = 0};
	AUTO_TEXT base64 = NULL;
	AUTO_TEXT pem = NULL;
	size_t len;

	at = memmem(at, (size_t)(end - at), key, strlen(key));
	if (!at)
		return NULL;
	at += strlen(key);
	while (at < end && (*at == ' ' || *at == '"'))
		at++;
	/* no further: behind it is the key */
	for (stop = at; stop < end && !strchr("\" \r\n", *stop);)
		stop++;
	base64 = memory_text_n(at, (size_t)(stop - at));
	pem = memory_new(strlen(base64) + 1, 1);
	if (!base64_decode(base64, strlen(base64), pem, &len) ||
		!issuers_read_behind((struct der){(unsigned char *)pem, len},
			&certificate, &chain, &ignored))
		return NULL;
	return take(&certificate);
}
