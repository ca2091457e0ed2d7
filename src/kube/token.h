/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_TOKEN_H
#define KUBE_TOKEN_H

#include "base/instant.h"
#include "kube/gap.h"

/*
 * Tokens that a kubelet bootstraps with.
 *
 * A bootstrap token is "id.secret", [a-z0-9]{6}.[a-z0-9]{16}; the cluster knows
 * it by the Secret bootstrap-token-<id> in kube-system, and a client that has
 * it is system:bootstrap:<id> in system:bootstrappers and the token's own
 * groups.  A static token is a line of kube-apiserver's --token-auth-file: 32
 * hexadecimal digits, user, uid, groups; it never expires.
 *
 * The id is public.  The secret part is a struct secret, in files written
 * through kube/gap.h and nowhere else.
 * (Kubernetes: cluster-bootstrap/token/api/types.go, token/util/helpers.go;
 * apiserver/pkg/authentication/token/tokenfile.)
 */
enum token_kind { TOKEN_BOOTSTRAP, TOKEN_STATIC };

enum token_usage {
	TOKEN_AUTHENTICATION = 1, /* against the API server */
	TOKEN_SIGNING = 2,        /* of cluster-info */
};

#define TOKEN_ID_LEN 6
#define TOKEN_SECRET_LEN 16
#define TOKEN_STATIC_LEN 32
#define TOKEN_GROUPS_MAX 16
#define TOKEN_DESCRIPTION_MAX 1024

#define TOKEN_BOOTSTRAPPERS "system:bootstrappers"
/* "system:bootstrappers:kpki:" and 16 digits, and the NUL. */
#define TOKEN_NODE_GROUP 43

struct token {
	enum token_kind kind;
	char id[TOKEN_ID_LEN + 1]; /* of a bootstrap token */
	struct secret *secret;
	/* What follows is not known of one that was read from plain text. */
	bool described;
	unsigned usages;
	bool expires;
	struct instant expiry;
	char *groups;      /* commas between, "" for none */
	char *description; /* or NULL */
	char *user, *uid;  /* of a static token */
};

/* Fresh from the CSPRNG, every character as likely as any other; described,
 * with no groups, no usages, no end. */
MUST_CHECK bool token_new(enum token_kind kind, struct token **ret_token,
	struct error *err);
void token_free(struct token *token);
DEFINE_AUTO_FREE(token)

/* What the ledger knows it by, for free(): the id, or, of a static token,
 * "sha256:" and the first 16 digits of its hash. */
MUST_CHECK bool token_public_id(const struct token *token, char **ret_id,
	struct error *err);

/*
 * \Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z, and system:bootstrappers
 * itself for a static token (of a bootstrap token everybody is in it).  What
 * does not begin so is ERROR_REFUSED, no token makes anybody more than a
 * bootstrapper; what is malformed is ERROR_INPUT.
 */
MUST_CHECK bool token_check_group(enum token_kind kind, const char *group,
	struct error *err);

/* Appends a checked group unless it is there; ERROR_INPUT for too many. */
MUST_CHECK bool token_add_group(struct token *token, const char *group,
	struct error *err);
bool token_has_group(const struct token *token, const char *group);

/* The group that is one node's own.  Names with dots are no group names, so it
 * has the first 16 digits of the name's SHA-256. */
MUST_CHECK bool token_node_group(const char *node,
	char ret_group[static TOKEN_NODE_GROUP], struct error *err);

/* "authentication,signing" */
MUST_CHECK bool token_parse_usages(const char *text, unsigned *ret_usages,
	struct error *err);
char *token_format_usages(unsigned usages); /* for free() */

/* The user and uid of a static token: printable, no blank at either end;
 * ERROR_REFUSED for a user of Kubernetes' own, "system:…". */
MUST_CHECK bool token_set_user(struct token *token, const char *user,
	const char *uid, struct error *err);
/* Printable, of at most TOKEN_DESCRIPTION_MAX bytes. */
MUST_CHECK bool token_set_description(struct token *token, const char *text,
	struct error *err);

/* ERROR_REFUSED unless it has the usage, as far as known, and has not expired
 * at `now`. */
MUST_CHECK bool token_require(const struct token *token,
	enum token_usage usage, struct instant now, struct error *err);

/* -- writing -- */

enum token_format {
	TOKEN_MANIFEST, /* of a bootstrap token */
	TOKEN_CSV,      /* of a static one */
	TOKEN_PLAIN,    /* the token and a newline */
};

MUST_CHECK bool token_write(const struct token *token,
	enum token_format format, struct gap *ret_gap, struct error *err);

/* "jws-kubeconfig-<id>"'s value: the detached signature over a kubeconfig, as
 * Kubernetes: cluster-bootstrap/token/jws makes it; for free(). */
MUST_CHECK bool token_sign(const struct token *token,
	const struct buffer *content, char **ret_signature,
	struct error *err);

#endif
