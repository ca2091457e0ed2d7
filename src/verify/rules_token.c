/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/affix.h"
#include "kube/kubeconfig_read.h"
#include "kube/rbac_read.h"
#include "kube/token_read.h"
#include "kube/token_secret.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

#define BROKEN "token: "
#define BROKEN_FILE "token file: "

/* -- the Secret of a bootstrap token -- */

static bool has_fault(const struct examination *x,
	const struct artifact *artifact, enum token_fault fault)
{
	return token_secret_judge(artifact->token, x->settings->at) &
	       1u << fault;
}

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

static void unreadable(struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, BROKEN))
		finding(x, "%s", artifact->problem);
}

static void expired(struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_EXPIRED))
		finding(x, "expired on %s", artifact->token->expiration);
}

static void expiration_malformed(
	struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_EXPIRATION))
		finding(x, "expiration \"%s\" is no time (RFC 3339)",
			artifact->token->expiration);
}

static void never_expires(
	struct examination *x, const struct artifact *artifact)
{
	const char *expiration = artifact->token->expiration;

	if (!expiration || !*expiration)
		finding(x, "has no expiration");
}

static void name_wrong(struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_NAME))
		finding(x, "is called \"%s\", not bootstrap-token-ID",
			artifact->token->name);
}

static void id_wrong(struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_ID))
		finding(x, "token-id is \"%s\", and the Secret \"%s\"",
			or_nothing(artifact->token->id), artifact->token->name);
}

static void type_wrong(struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_TYPE))
		finding(x, "type is \"%s\"", artifact->token->type);
}

static void namespace_wrong(
	struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_NAMESPACE))
		finding(x, "namespace is \"%s\", not kube-system",
			artifact->token->namespace);
}

static void secret_malformed(
	struct examination *x, const struct artifact *artifact)
{
	if (has_fault(x, artifact, TOKEN_FAULT_SECRET))
		finding(x, "token-secret is %s",
			artifact->token->secret ? "not 16 of [a-z0-9]"
						: "missing");
}

static bool is_true(const char *text)
{
	return text && !strcmp(text, "true");
}

/* A token may be there for signing alone. */
static void no_login(struct examination *x, const struct artifact *artifact)
{
	const struct token_secret *token = artifact->token;

	if (has_fault(x, artifact, TOKEN_FAULT_AUTHENTICATION))
		finding_at_most(x,
			is_true(token->signing) && !token->authentication
				? SEVERITY_INFO
				: SEVERITY_ERROR,
			"usage-bootstrap-authentication is \"%s\", not "
			"\"true\"",
			or_nothing(token->authentication));
}

static void no_signing(struct examination *x, const struct artifact *artifact)
{
	if (!is_true(artifact->token->signing))
		finding(x, "usage-bootstrap-signing is \"%s\"",
			or_nothing(artifact->token->signing));
}

static void group_malformed(
	struct examination *x, const struct artifact *artifact)
{
	const char *at = artifact->token->groups;

	while (at && *artifact->token->groups) {
		AUTO_TEXT group = token_secret_next_group(&at);

		if (!token_secret_group_is_valid(group))
			finding(x,
				"auth-extra-groups: \"%s\" is none of "
				"system:bootstrappers:*",
				group);
	}
}

/* -- a token and the bindings that are given -- */

static bool binds(const struct artifact *rbac, const char *group)
{
	const struct rbac_object *binding = rbac->rbac;

	for (size_t i = 0; i < binding->n_subjects; i++)
		if (!strcmp(binding->subjects[i].kind, "Group") &&
			!strcmp(binding->subjects[i].name, group))
			return true;
	return false;
}

/* Among all units; *ret_any tells that there is a binding at all. */
static bool is_bound_in(
	const struct unit *unit, const char *group, bool *ret_any)
{
	const struct artifact *rbac = NULL;

	while ((rbac = unit_next(unit, rbac, ARTIFACT_RBAC, NULL))) {
		if (!rbac_is_binding(rbac->rbac))
			continue;
		*ret_any = true;
		if (binds(rbac, group))
			return true;
	}
	return false;
}

static bool is_bound(
	const struct examination *x, const char *group, bool *ret_any)
{
	if (is_bound_in(x->unit, group, ret_any))
		return true;
	for (size_t i = 0; i < x->n_others; i++)
		if (is_bound_in(x->others[i], group, ret_any))
			return true;
	return false;
}

/* One of its groups is enough to ask for a certificate. */
static void group_not_bound(
	struct examination *x, const struct artifact *artifact)
{
	const char *at = artifact->token->groups;
	bool any = false;

	if (is_bound(x, TOKEN_BOOTSTRAPPERS, &any))
		return;
	while (at && *artifact->token->groups) {
		AUTO_TEXT group = token_secret_next_group(&at);

		if (is_bound(x, group, &any))
			return;
	}
	if (any)
		finding(x, "no binding that is here names one of its groups");
}

/* -- a kubeconfig's token and the Secrets that are given -- */

enum match { MATCH_NONE, MATCH_OTHER, MATCH_SAME };

static enum match match_in(const struct unit *unit, const struct token *token)
{
	const struct artifact *at = NULL;

	while ((at = unit_next(unit, at, ARTIFACT_TOKEN, NULL))) {
		const struct token_secret *secret = at->token;

		if (!secret->id || strcmp(secret->id, token->id) != 0)
			continue;
		return secret->secret && secret_equal(
						 secret->secret, token->secret)
			       ? MATCH_SAME
			       : MATCH_OTHER;
	}
	return MATCH_NONE;
}

static bool has_tokens(const struct unit *unit)
{
	return unit_next(unit, NULL, ARTIFACT_TOKEN, NULL) != NULL;
}

static void token_unknown(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user =
		kubeconfig_current(artifact->kubeconfig).user;
	AUTO_FREE(token)
	token = user && user->token ? token_of_secret(user->token) : NULL;
	enum match match = MATCH_NONE;
	bool any = has_tokens(x->unit);

	if (!token)
		return;
	match = match_in(x->unit, token);
	for (size_t i = 0; i < x->n_others && match == MATCH_NONE; i++) {
		any |= has_tokens(x->others[i]);
		match = match_in(x->others[i], token);
	}
	if (any && match == MATCH_NONE)
		finding(x,
			"token \"%s\" is in none of the Secrets that are "
			"here",
			token->id);
	else if (match == MATCH_OTHER)
		finding(x, "token \"%s\" has another secret in its Secret",
			token->id);
}

/* -- a file of static tokens -- */

static void file_unreadable(
	struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, BROKEN_FILE))
		finding(x, "%s", artifact->problem);
}

static void few_columns(struct examination *x, const struct artifact *artifact)
{
	if (artifact->static_token->n_columns < 3)
		finding(x, "has %zu columns, not token, user and uid",
			artifact->static_token->n_columns);
}

static void groups_unquoted(
	struct examination *x, const struct artifact *artifact)
{
	if (artifact->static_token->n_columns > 4)
		finding(x, "has %zu columns: only group \"%s\" counts",
			artifact->static_token->n_columns,
			artifact->static_token->groups);
}

static void token_empty(struct examination *x, const struct artifact *artifact)
{
	if (secret_len(artifact->static_token->token) == 0)
		finding(x, "has no token");
}

static void token_twice(struct examination *x, const struct artifact *artifact)
{
	const struct file *file = artifact->file;

	for (size_t i = 0; i < file->n_artifacts; i++) {
		const struct artifact *other = file->artifacts[i];

		if (other == artifact)
			return;
		if (other->kind != ARTIFACT_STATIC_TOKEN ||
			!secret_equal(other->static_token->token,
				artifact->static_token->token))
			continue;
		finding(x, "has the token of line %u", other->line);
		return;
	}
}

/* 128 bits are 32 hexadecimal digits (Kubernetes: TLS bootstrapping). */
static void token_short(struct examination *x, const struct artifact *artifact)
{
	size_t len = secret_len(artifact->static_token->token);

	if (len > 0 && len < TOKEN_STATIC_LEN)
		finding(x, "its token has %zu characters", len);
}

static void token_of_masters(
	struct examination *x, const struct artifact *artifact)
{
	const char *at = artifact->static_token->groups;

	while (at && *at) {
		AUTO_TEXT group = token_secret_next_group(&at);

		if (!strcmp(group, "system:masters"))
			finding(x, "user \"%s\" is in system:masters",
				artifact->static_token->user);
	}
}

/* -- the rows -- */

#define AUTHENTICATOR                                                          \
	"Kubernetes: plugin/pkg/auth/authenticator/token/bootstrap"
#define SECRETS "Kubernetes: cluster-bootstrap/util/secrets"
#define TOKENFILE "Kubernetes: apiserver/pkg/authentication/token/tokenfile"

const struct rule token_rules[] = {
	{
		.id = "KPKI-T001",
		.severity = SEVERITY_ERROR,
		.title = "the Secret of a token cannot be read",
		.meaning = "the API server does not take it",
		.message = "cannot be handled as a Secret",
		.mend = "put every text in quotes",
		.source = "Kubernetes: api/core/v1, Secret",
		.kinds = KIND(UNREADABLE),
		.check = unreadable,
	},
	{
		.id = "KPKI-T002",
		.severity = SEVERITY_ERROR,
		.title = "the token has expired",
		.meaning = "nobody gets in by it, and token-cleaner deletes it",
		.message = "Expired bootstrap token in kube-system",
		.mend = "kpki token",
		.source = SECRETS,
		.kinds = KIND(TOKEN),
		.check = expired,
	},
	{
		.id = "KPKI-T003",
		.severity = SEVERITY_ERROR,
		.title = "when the token expires is no time",
		.meaning = "it counts as expired",
		.message = "Unparseable expiration time",
		.mend = "write it as 2030-01-02T03:04:05Z",
		.source = SECRETS,
		.kinds = KIND(TOKEN),
		.check = expiration_malformed,
	},
	{
		.id = "KPKI-T004",
		.severity = SEVERITY_WARNING,
		.title = "the token never expires",
		.meaning = "whoever finds it gets in for ever, with less than "
			   "128 bits of secret",
		.mend = "give it an expiration",
		.source = "Kubernetes: bootstrap tokens",
		.kinds = KIND(TOKEN),
		.check = never_expires,
	},
	{
		.id = "KPKI-T005",
		.severity = SEVERITY_ERROR,
		.title = "the Secret is not called bootstrap-token-ID",
		.meaning = "nobody finds it",
		.message = "to match bootstrap bearer token",
		.mend = "call it so, with the 6 of [a-z0-9] of its token-id",
		.source = AUTHENTICATOR,
		.kinds = KIND(TOKEN),
		.check = name_wrong,
	},
	{
		.id = "KPKI-T006",
		.severity = SEVERITY_ERROR,
		.title = "the token's id is not the one in its Secret's name",
		.meaning = "nobody gets in by it",
		.message = "has invalid value for key token-id",
		.mend = "call the Secret by its token-id; mind a newline that "
			"base64 has taken in",
		.source = AUTHENTICATOR,
		.kinds = KIND(TOKEN),
		.check = id_wrong,
	},
	{
		.id = "KPKI-T007",
		.severity = SEVERITY_ERROR,
		.title = "the Secret has another type",
		.meaning = "nobody gets in by it",
		.message = "has invalid type, expected "
			   "bootstrap.kubernetes.io/token",
		.mend = "make it anew: the type cannot be changed",
		.source = AUTHENTICATOR,
		.kinds = KIND(TOKEN),
		.check = type_wrong,
	},
	{
		.id = "KPKI-T008",
		.severity = SEVERITY_ERROR,
		.title = "the Secret is not in kube-system",
		.meaning = "nobody finds it",
		.message = "to match bootstrap bearer token",
		.mend = "namespace: kube-system",
		.source = AUTHENTICATOR,
		.kinds = KIND(TOKEN),
		.check = namespace_wrong,
	},
	{
		.id = "KPKI-T009",
		.severity = SEVERITY_ERROR,
		.title = "the token's secret is malformed",
		.meaning = "no client can show such a token",
		.message = "has invalid value for key token-secret",
		.mend = "kpki token",
		.source = "Kubernetes: cluster-bootstrap/token/api/types.go",
		.kinds = KIND(TOKEN),
		.check = secret_malformed,
	},
	{
		.id = "KPKI-T010",
		.severity = SEVERITY_ERROR,
		.title = "the token is not for authentication",
		.meaning = "nobody gets in by it",
		.message = "not marked usage-bootstrap-authentication=true",
		.mend = "usage-bootstrap-authentication: \"true\"",
		.source = AUTHENTICATOR,
		.kinds = KIND(TOKEN),
		.check = no_login,
	},
	{
		.id = "KPKI-T011",
		.severity = SEVERITY_INFO,
		.title = "the token is not for signing",
		.meaning = "kubeadm join cannot check cluster-info with it; a "
			   "kubelet needs no signature",
		.message = "could not find a JWS signature in the cluster-info "
			   "ConfigMap",
		.mend = "usage-bootstrap-signing: \"true\", for kubeadm",
		.source = "Kubernetes: pkg/controller/bootstrap",
		.kinds = KIND(TOKEN),
		.check = no_signing,
	},
	{
		.id = "KPKI-T012",
		.severity = SEVERITY_ERROR,
		.title = "a group of the token is none",
		.meaning = "nobody gets in by it, whatever its other groups",
		.message = "has invalid value for key auth-extra-groups",
		.mend = "write system:bootstrappers:NAME, commas between, no "
			"blanks",
		.source = "Kubernetes: cluster-bootstrap/token/util",
		.kinds = KIND(TOKEN),
		.check = group_malformed,
	},
	{
		.id = "KPKI-T013",
		.severity = SEVERITY_WARNING,
		.title = "no binding names a group of the token",
		.meaning = "who gets in by it may not ask for a certificate, "
			   "unless the cluster has a binding that is not here",
		.message = "cannot create resource "
			   "\"certificatesigningrequests\"",
		.mend = "kpki rbac --group",
		.source = "Kubernetes: TLS bootstrapping",
		.kinds = KIND(TOKEN),
		.check = group_not_bound,
	},
	{
		.id = "KPKI-T014",
		.severity = SEVERITY_ERROR,
		.title = "a kubeconfig's token is not that of its Secret",
		.meaning = "the API server does not know it",
		.message = "Unauthorized",
		.mend = "apply the Secret that belongs to it",
		.source = AUTHENTICATOR,
		.kinds = KIND(KUBECONFIG),
		.check = token_unknown,
	},
	{
		.id = "KPKI-T015",
		.severity = SEVERITY_ERROR,
		.title = "a token file cannot be read",
		.meaning = "kube-apiserver does not start",
		.message = "parse error on line",
		.mend = "put a quote only around a whole column",
		.source = TOKENFILE "; RFC 4180",
		.kinds = KIND(UNREADABLE),
		.check = file_unreadable,
	},
	{
		.id = "KPKI-T016",
		.severity = SEVERITY_ERROR,
		.title = "a line of a token file has too few columns",
		.meaning = "kube-apiserver does not start",
		.message = "must have at least 3 columns (token, user name, "
			   "user uid)",
		.mend = "write token, user and uid",
		.source = TOKENFILE,
		.kinds = KIND(STATIC_TOKEN),
		.check = few_columns,
	},
	{
		.id = "KPKI-T017",
		.severity = SEVERITY_WARNING,
		.title = "the groups in a token file are not in quotes",
		.meaning = "the user is in the first of them only",
		.mend = "put all groups in one pair of quotes",
		.source = TOKENFILE,
		.kinds = KIND(STATIC_TOKEN),
		.check = groups_unquoted,
	},
	{
		.id = "KPKI-T018",
		.severity = SEVERITY_WARNING,
		.title = "a line of a token file has no token",
		.meaning = "kube-apiserver passes over it",
		.message = "empty token has been found in token file",
		.mend = "remove the line",
		.source = TOKENFILE,
		.kinds = KIND(STATIC_TOKEN),
		.check = token_empty,
	},
	{
		.id = "KPKI-T019",
		.severity = SEVERITY_WARNING,
		.title = "a token stands in two lines",
		.meaning = "the last of them counts",
		.message = "duplicate token has been found in token file",
		.mend = "remove one of them",
		.source = TOKENFILE,
		.kinds = KIND(STATIC_TOKEN),
		.check = token_twice,
	},
	{
		.id = "KPKI-T020",
		.severity = SEVERITY_WARNING,
		.title = "a static token is short",
		.meaning = "it never expires, and can be guessed",
		.mend = "take 32 hexadecimal digits: kpki token",
		.source = "Kubernetes: TLS bootstrapping",
		.kinds = KIND(STATIC_TOKEN),
		.check = token_short,
	},
	{
		.id = "KPKI-T021",
		.severity = SEVERITY_WARNING,
		.title = "a static token is of system:masters",
		.meaning = "who finds it may do everything, until "
			   "kube-apiserver is started with another file",
		.mend = "take it out, and issue a client certificate",
		.source = "Kubernetes: rbac/bootstrappolicy",
		.kinds = KIND(STATIC_TOKEN),
		.check = token_of_masters,
	},
	{.id = NULL},
};
