/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_TOKEN_SECRET_H
#define KUBE_TOKEN_SECRET_H

#include "base/instant.h"
#include "kube/object.h"

/*
 * The Secret of a bootstrap token as somebody else wrote it, in stringData or
 * base64 in data; kube/token_read.h reads those of our own.
 *
 * Reading takes what kube-apiserver would store, and judging says what its
 * authenticator makes of it.
 * (Kubernetes: plugin/pkg/auth/authenticator/token/bootstrap, cluster-bootstrap/
 * util/secrets.)
 */
struct token_secret {
	char *name, *namespace; /* of the Secret; "" for none */
	unsigned line;
	char *type;
	/* What stands under the keys, or NULL. */
	char *id, *expiration, *description, *groups;
	char *authentication, *signing; /* usage-bootstrap-… */
	struct secret *secret;
};

/* Whether an object is, or by its name means to be, one of these. */
bool token_secret_is(const struct object *object);

/* ERROR_INPUT for a value that is no text, or no base64 where it must be. */
MUST_CHECK bool token_secret_read(const struct object *object,
	struct token_secret **ret_token, struct error *err);
void token_secret_free(struct token_secret *token);
DEFINE_AUTO_FREE(token_secret)

/* What may be wrong with one, in the order in which kube-apiserver finds it. */
enum token_fault {
	TOKEN_FAULT_NAMESPACE,      /* not kube-system */
	TOKEN_FAULT_NAME,           /* not "bootstrap-token-" and 6 of [a-z0-9] */
	TOKEN_FAULT_TYPE,
	TOKEN_FAULT_SECRET,         /* not 16 of [a-z0-9] */
	TOKEN_FAULT_ID,             /* not what the name says */
	TOKEN_FAULT_EXPIRATION,     /* no time: counts as past */
	TOKEN_FAULT_EXPIRED,
	TOKEN_FAULT_AUTHENTICATION, /* its usage is not exactly "true" */
	TOKEN_FAULT_GROUP,          /* one of them is none */
	TOKEN_FAULTS
};

/* Bits of 1 << enum token_fault; 0: who has it is let in at that time. */
unsigned token_secret_judge(
	const struct token_secret *token, struct instant at);

/* When it ends; false when it never does, or nobody can say when. */
bool token_secret_expiry(
	const struct token_secret *token, struct instant *ret_at);

/* The next of the groups it names from *at on, which starts as its groups, for
 * free(); NULL when there is no more. */
char *token_secret_next_group(const char **at);
/* \Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z */
bool token_secret_group_is_valid(const char *group);

#endif
