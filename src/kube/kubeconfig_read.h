/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_KUBECONFIG_READ_H
#define KUBE_KUBECONFIG_READ_H

#include "base/buffer.h"
#include "base/document.h"
#include "base/secret.h"

/*
 * A kubeconfig that somebody else wrote, YAML or JSON, as client-go reads it
 * (Kubernetes: client-go/tools/clientcmd/api/v1, clientcmd/loader.go).
 *
 * ERROR_INPUT for what client-go cannot decode: a field of another type, what
 * is no base64, one name twice.  Unknown fields are passed over, as there; what
 * says nothing, "" or null, is not there.  Whether the rest makes sense is for
 * whoever asks.
 *
 * Secrets (a key, a token, a password) are taken out before the text is parsed,
 * kube/redact.h says how.
 */
struct kubeconfig_cluster {
	const char *name; /* "" is a name */
	unsigned line;
	const char *server, *server_name, *proxy; /* or NULL, as all texts */
	const char *ca_file;
	struct buffer ca_pem; /* what is embedded; len 0: nothing */
	bool insecure;        /* insecure-skip-tls-verify */
};

struct kubeconfig_user {
	const char *name;
	unsigned line;
	const char *certificate_file, *key_file, *token_file;
	struct buffer certificate_pem;
	struct secret *key_pem, *token; /* or NULL */
	const char *username;
	bool has_password;
	const char *as;            /* whom it impersonates */
	const char *exec_command;  /* what a client would run … */
	const char *auth_provider; /* … or ask */
};

struct kubeconfig_context {
	const char *name;
	unsigned line;
	const char *cluster, *user, *namespace;
};

struct kubeconfig_file {
	struct document *root; /* what the texts point into */
	struct kubeconfig_cluster *clusters;
	struct kubeconfig_user *users;
	struct kubeconfig_context *contexts;
	size_t n_clusters, n_users, n_contexts;
	const char *current_context; /* or NULL */
	unsigned current_line;
};

MUST_CHECK bool kubeconfig_read(struct source *source,
	struct kubeconfig_file **ret_file, struct error *err);
/* The same of a file that was read as a secret; `name` is for messages. */
MUST_CHECK bool kubeconfig_read_secret(const char *name,
	const struct secret *text, struct kubeconfig_file **ret_file,
	struct error *err);
void kubeconfig_file_free(struct kubeconfig_file *file);
DEFINE_AUTO_FREE(kubeconfig_file)

/* By name, or NULL; a name that is NULL names nothing. */
const struct kubeconfig_cluster *kubeconfig_find_cluster(
	const struct kubeconfig_file *file, const char *name);
const struct kubeconfig_user *kubeconfig_find_user(
	const struct kubeconfig_file *file, const char *name);
const struct kubeconfig_context *kubeconfig_find_context(
	const struct kubeconfig_file *file, const char *name);

/* What a client uses that is told nothing else; *ret_context may be NULL, and
 * so may what it names. */
struct kubeconfig_choice {
	const struct kubeconfig_context *context;
	const struct kubeconfig_cluster *cluster;
	const struct kubeconfig_user *user;
};
struct kubeconfig_choice kubeconfig_current(const struct kubeconfig_file *file);

#endif
