/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/describe.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "kube/identity.h"
#include "kube/profile_match.h"
#include "kube/token_read.h"
#include "pki/digest.h"
#include "pki/names.h"
#include "pki/public_key.h"

/* A row that is being written. */
struct page {
	struct document *row;
	struct document *meaning; /* in it */
	struct instant at;
};

static void say(struct page *page, const char *format, ...) PRINTF(2, 3);
static void say(struct page *page, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	document_append(page->meaning, document_new_text(sentence));
}

static void put(struct page *page, const char *key, const char *text)
{
	if (text && *text)
		document_put_text(page->row, key, text);
}

static void put_instant(struct page *page, const char *key, struct instant at)
{
	char text[INSTANT_TEXT];

	put(page, key, instant_format(at, text));
}

static void put_pin(struct page *page, struct der public_key)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct sha256 hash;
	char pin[PIN_TEXT];

	if (sha256_of(public_key.bytes, public_key.len, &hash, &err))
		put(page, "pin", sha256_pin(&hash, pin));
}

/* "a", "a and b", "a, b and c" */
static void join(struct buffer *text, size_t i, size_t n, const char *item)
{
	buffer_format(text, "%s%s",
		i == 0	    ? ""
		: i + 1 < n ? ", "
			    : " and ",
		item);
}

/* -- certificates -- */

static char *groups_text(char *const *groups, size_t n)
{
	struct buffer text = BUFFER_INIT;

	buffer_add_text(&text, n == 0	? "no group"
			       : n == 1 ? "group "
					: "groups ");
	for (size_t i = 0; i < n; i++)
		join(&text, i, n, groups[i]);
	return buffer_detach(&text);
}

/* "until …", or why not at all. */
static char *span_text(const struct certificate *certificate, struct instant at)
{
	char from[INSTANT_TEXT], until[INSTANT_TEXT];

	instant_format(certificate->not_before, from);
	instant_format(certificate->not_after, until);
	if (at.seconds > certificate->not_after.seconds)
		return memory_format("no longer: it expired %s", until);
	if (at.seconds < certificate->not_before.seconds)
		return memory_format("from %s until %s", from, until);
	return memory_format("until %s", until);
}

static bool is_self_issued(const struct certificate *certificate)
{
	return der_equal(certificate->issuer, certificate->subject);
}

static void say_user(struct page *page, const struct identity *identity)
{
	static const char node[] = "system:node:";

	if (identity->node)
		say(page,
			"the node authorizer takes it for the kubelet of node "
			"%s",
			identity->node);
	else if (text_begins(identity->user, node))
		say(page, "the node authorizer does not take it for a kubelet: "
			  "it is not in group system:nodes");
	if (identity_has_group(identity, "system:masters"))
		say(page,
			"may do everything: system:masters stands above RBAC, "
			"and nothing but another authority ends that");
}

static void say_client(struct page *page, const struct certificate *certificate)
{
	AUTO_RELEASE(identity) identity = IDENTITY_INIT;
	AUTO_TEXT groups = NULL;
	AUTO_TEXT span = span_text(certificate, page->at);

	identity_read(certificate, &identity);
	if (!*identity.user) {
		say(page, "as a client it is nobody: without a common name "
			  "kube-apiserver takes it for system:anonymous");
		return;
	}
	groups = groups_text(identity.groups, identity.n_groups);
	say(page, "authenticates as user %s in %s", identity.user, groups);
	say(page,
		"accepted by kube-apiserver %s, where its authority is "
		"trusted",
		span);
	say_user(page, &identity);
}

static void say_server(struct page *page, const struct certificate *certificate)
{
	AUTO_RELEASE(buffer) names = BUFFER_INIT;
	AUTO_TEXT span = span_text(certificate, page->at);
	size_t n = certificate->n_alt_names;

	for (size_t i = 0; i < n; i++)
		join(&names, i, n, certificate->alt_names[i].text);
	if (n == 0)
		say(page,
			"as a server it answers for no name: without a "
			"subjectAltName every client refuses it, whatever its "
			"common name");
	else
		say(page, "as a server it answers for %s %s", names.data, span);
}

static void say_authority(
	struct page *page, const struct certificate *certificate)
{
	AUTO_TEXT span = span_text(certificate, page->at);
	bool signs = !certificate->has_key_usage ||
		     certificate->key_usage & USAGE_KEY_CERT_SIGN;
	bool lists = !certificate->has_key_usage ||
		     certificate->key_usage & USAGE_CRL_SIGN;

	if (!signs)
		say(page,
			"an authority that may sign nothing: its keyUsage has "
			"no cert sign");
	else
		say(page, "an authority: may sign certificates%s %s",
			lists ? " and revocation lists" : "", span);
	if (certificate->path_len == 0)
		say(page, "there may be no further authority below it");
	else if (certificate->path_len > 0)
		say(page, "there may be %d further authorities below it",
			certificate->path_len);
	if (is_self_issued(certificate))
		say(page, "a root: it is its own issuer");
	else
		say(page, "an intermediate: clients need what is above it, or "
			  "must be told to trust this one");
}

static void put_names(struct page *page, const struct certificate *certificate)
{
	struct document *names;

	if (certificate->n_alt_names == 0)
		return;
	names = document_put(page->row, "names", document_new_list());
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		document_append(names,
			document_new_text(certificate->alt_names[i].text));
}

static void put_profile(
	struct page *page, const struct certificate *certificate)
{
	AUTO_RELEASE(profile_match) match = {0};
	AUTO_TEXT name = NULL;

	profile_match(certificate, &match);
	name = match.twin ? memory_format("%s or %s", match.profile->name,
				    match.twin->name)
			  : memory_text(match.profile->name);
	put(page, match.differs.len ? "nearestProfile" : "profile", name);
	put(page, "differs", match.differs.data);
	put(page, "consumer", match.profile->consumer);
}

static void put_key(struct page *page, struct der public_key)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct public_key key;

	put(page, "key",
		public_key_read(public_key, &key, &err) ? key.name
							: err.message);
	put_pin(page, public_key);
}

/* What a certificate and a request have alike. */
static void put_asked(struct page *page, const struct certificate *certificate)
{
	AUTO_TEXT usage = usage_text(certificate->key_usage);
	AUTO_TEXT purposes = purpose_text(certificate->purposes);

	put(page, "subject", certificate->subject_text);
	put_names(page, certificate);
	put(page, "usages", usage);
	put(page, "purposes", purposes);
	put_key(page, certificate->public_key);
	put_profile(page, certificate);
}

static void put_issued(struct page *page, const struct certificate *certificate)
{
	AUTO_TEXT serial =
		hex_of(certificate->serial.bytes, certificate->serial.len);
	AUTO_TEXT fingerprint =
		hex_of(certificate->fingerprint.bytes, SHA256_LEN);
	AUTO_TEXT issuer = NULL;
	AUTO_TEXT common_name = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (name_read(certificate->issuer, &issuer, &common_name, &err))
		put(page, "issuer", issuer);
	put(page, "serial", serial);
	put_instant(page, "notBefore", certificate->not_before);
	put_instant(page, "notAfter", certificate->not_after);
	put(page, "fingerprint", fingerprint);
}

static void put_flaws(struct page *page, const struct flaws *flaws)
{
	struct document *list;

	if (flaws->n_items == 0)
		return;
	list = document_put(page->row, "flaws", document_new_list());
	for (size_t i = 0; i < flaws->n_items; i++)
		document_append(list, document_new_text(flaws->items[i].text));
}

static bool allows(const struct certificate *certificate, enum purpose purpose)
{
	return !certificate->has_purposes || certificate->purposes & purpose;
}

static void describe_certificate(
	struct page *page, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	if (certificate->is_ca)
		say_authority(page, certificate);
	else if (certificate->has_purposes &&
		 !(certificate->purposes & (PURPOSE_CLIENT | PURPOSE_SERVER)))
		say(page, "neither for clients nor for servers: its "
			  "extKeyUsage has other purposes only");
	if (!certificate->is_ca && allows(certificate, PURPOSE_CLIENT))
		say_client(page, certificate);
	if (!certificate->is_ca && allows(certificate, PURPOSE_SERVER))
		say_server(page, certificate);
	put_asked(page, certificate);
	put_issued(page, certificate);
	put_flaws(page, &artifact->flaws);
}

/* What the API server has noted about it. */
static void say_object(struct page *page, const struct csr_object *object)
{
	say(page, "asks the signer %s", object->signer_name);
	if (object->username)
		say(page, "was submitted by user %s", object->username);
	if (object->denied)
		say(page, "was denied");
	else if (object->failed)
		say(page, "was approved, and no certificate could be issued");
	else if (object->has_certificate)
		say(page, "its certificate was issued");
	else
		say(page, object->approved ? "was approved, and waits for its "
					     "certificate"
					   : "waits for somebody to approve it");
}

static void describe_request(struct page *page, const struct artifact *artifact)
{
	const struct certificate *asked = artifact->request->asked;
	AUTO_RELEASE(identity) identity = IDENTITY_INIT;
	AUTO_RELEASE(buffer) names = BUFFER_INIT;
	AUTO_TEXT groups = NULL;

	identity_read(asked, &identity);
	groups = groups_text(identity.groups, identity.n_groups);
	for (size_t i = 0; i < asked->n_alt_names; i++)
		join(&names, i, asked->n_alt_names, asked->alt_names[i].text);
	say(page, "a request: a wish, which nobody has granted by it");
	say(page, "asks to be user %s in %s", identity.user, groups);
	if (names.len)
		say(page, "asks to answer for %s", names.data);
	say(page, "is signed by the key it names");
	if (artifact->object)
		say_object(page, artifact->object);
	put_asked(page, asked);
}

/* -- keys -- */

static void describe_key(struct page *page, const struct artifact *artifact)
{
	const struct buffer *key = &artifact->public_key;

	if (artifact->kind == ARTIFACT_KEY)
		say(page, "a private key, of which only the public half is "
			  "shown");
	else
		say(page, "a public key: verifies what its private half signs, "
			  "service account tokens for one");
	put(page, "key", artifact->key_name);
	if (key->len > 0)
		put_pin(page, der_of(key));
}

/* -- kubeconfigs -- */

static void say_token(struct page *page, const struct secret *token)
{
	AUTO_FREE(token) bootstrap = token_of_secret(token);
	const char *id = bootstrap ? bootstrap->id : NULL;

	if (id)
		say(page,
			"has bootstrap token %s, whose secret is not shown: "
			"user system:bootstrap:%s in group "
			"system:bootstrappers",
			id, id);
	else
		say(page, "has a token, which is not shown");
}

static void say_credential(
	struct page *page, const struct kubeconfig_user *user)
{
	if (user->certificate_pem.len)
		say(page, "shows the client certificate that is embedded");
	else if (user->certificate_file)
		say(page, "shows the client certificate in %s",
			user->certificate_file);
	if (user->token)
		say_token(page, user->token);
	else if (user->token_file)
		say(page, "has the token in %s", user->token_file);
	if (user->username)
		say(page,
			"has a password for user %s, which kube-apiserver "
			"takes no more",
			user->username);
	if (user->exec_command)
		say(page, "asks the program %s for its credential",
			user->exec_command);
	if (user->auth_provider)
		say(page, "asks the provider %s for its credential",
			user->auth_provider);
	if (user->as)
		say(page, "acts as user %s", user->as);
}

static void say_cluster(
	struct page *page, const struct kubeconfig_cluster *cluster)
{
	const char *server = cluster->server ? cluster->server : "nowhere";

	say(page, "goes to %s", server);
	if (text_begins(server, "http://"))
		say(page, "uses no TLS: everybody on the way can read and "
			  "change what is said");
	else if (cluster->insecure)
		say(page, "takes whoever answers: insecure-skip-tls-verify");
	else if (cluster->ca_pem.len)
		say(page, "trusts the authority that is embedded");
	else if (cluster->ca_file)
		say(page, "trusts the authority in %s", cluster->ca_file);
	else
		say(page, "trusts the authorities of the host it is on");
	if (cluster->server_name)
		say(page, "holds the server to the name %s",
			cluster->server_name);
	put(page, "server", cluster->server);
}

static void describe_kubeconfig(
	struct page *page, const struct artifact *artifact)
{
	const struct kubeconfig_file *file = artifact->kubeconfig;
	struct kubeconfig_choice choice = kubeconfig_current(file);

	put(page, "context", file->current_context);
	if (!choice.context)
		say(page, "nothing says where to go: %s",
			file->current_context
				? "no context is called like current-context"
				: "there is no current-context");
	else {
		put(page, "cluster", choice.context->cluster);
		put(page, "user", choice.context->user);
	}
	if (choice.cluster)
		say_cluster(page, choice.cluster);
	if (choice.user)
		say_credential(page, choice.user);
	if (file->n_contexts > 1)
		say(page, "has %zu more context%s", file->n_contexts - 1,
			file->n_contexts == 2 ? "" : "s");
}

/* -- tokens -- */

static const char *const fault_texts[TOKEN_FAULTS] = {
	[TOKEN_FAULT_NAMESPACE] = "it is not in kube-system",
	[TOKEN_FAULT_NAME] = "it is not called bootstrap-token-ID",
	[TOKEN_FAULT_TYPE] = "its type is not bootstrap.kubernetes.io/token",
	[TOKEN_FAULT_SECRET] = "its token-secret is not 16 of [a-z0-9]",
	[TOKEN_FAULT_ID] = "its token-id is not the one in its name",
	[TOKEN_FAULT_EXPIRATION] = "its expiration is no time",
	[TOKEN_FAULT_EXPIRED] = "it has expired",
	[TOKEN_FAULT_AUTHENTICATION] = "it is not for authentication",
	[TOKEN_FAULT_GROUP] = "one of its groups is not system:bootstrappers:*",
};

static void say_groups(struct page *page, const struct token_secret *token)
{
	struct document *list =
		document_put(page->row, "groups", document_new_list());
	const char *at = token->groups && *token->groups ? token->groups : NULL;

	document_append(list, document_new_text("system:bootstrappers"));
	while (at) {
		AUTO_TEXT group = token_secret_next_group(&at);

		document_append(list, document_new_text(group));
	}
}

static void describe_token(struct page *page, const struct artifact *artifact)
{
	const struct token_secret *token = artifact->token;
	unsigned faults = token_secret_judge(token, page->at);
	char text[INSTANT_TEXT];
	struct instant end;
	const char *until = token_secret_expiry(token, &end)
				    ? instant_format(end, text)
				    : NULL;

	put(page, "name", token->name);
	put(page, "id", token->id);
	put(page, "expires", token->expiration);
	put(page, "description", token->description);
	say_groups(page, token);
	if (!faults)
		say(page,
			"lets in whoever has it, as user system:bootstrap:%s, "
			"%s%s",
			token->id, until ? "until " : "for ever",
			until ? until : "");
	for (unsigned i = 0; i < TOKEN_FAULTS; i++)
		if (faults & 1u << i)
			say(page, "kube-apiserver lets nobody in by it: %s",
				fault_texts[i]);
	if (token->signing && !strcmp(token->signing, "true"))
		say(page, "signs cluster-info for kubeadm join");
}

static void describe_static_token(
	struct page *page, const struct artifact *artifact)
{
	const struct static_token *line = artifact->static_token;
	const char *at = *line->groups ? line->groups : NULL;
	struct document *list = document_new_list();

	while (at) {
		AUTO_TEXT group = token_secret_next_group(&at);

		document_append(list, document_new_text(group));
	}
	say(page,
		"lets in whoever has the token, which is not shown, as user "
		"%s, for as long as kube-apiserver runs with this file",
		line->user);
	put(page, "user", line->user);
	put(page, "uid", line->uid);
	document_put(page->row, "groups", list);
}

static void describe_bare_token(
	struct page *page, const struct artifact *artifact)
{
	say(page,
		"a bootstrap token, whose secret is not shown: user "
		"system:bootstrap:%s in group system:bootstrappers, and in "
		"those of its Secret",
		artifact->token_id);
	put(page, "id", artifact->token_id);
}

/* -- RBAC -- */

static void say_subject(struct page *page, const struct rbac_object *rbac,
	const struct rbac_subject *subject)
{
	AUTO_TEXT within = *rbac->namespace ? memory_format(" in namespace %s",
						      rbac->namespace)
					    : memory_text("");

	say(page, "gives %s %s to %s %s%s%s%s", rbac->role_kind,
		rbac->role_name, subject->kind, subject->namespace,
		*subject->namespace ? "/" : "", subject->name, within);
}

static void describe_rbac(struct page *page, const struct artifact *artifact)
{
	const struct rbac_object *rbac = artifact->rbac;

	put(page, "name", rbac->name);
	put(page, "namespace", rbac->namespace);
	for (size_t i = 0; i < rbac->n_subjects; i++)
		say_subject(page, rbac, &rbac->subjects[i]);
	if (rbac_is_binding(rbac) && rbac->n_subjects == 0)
		say(page, "gives %s %s to nobody", rbac->role_kind,
			rbac->role_name);
	if (!rbac_is_binding(rbac))
		say(page, "a role: by itself it gives nothing to anybody");
}

static void describe_nothing(struct page *page, const struct artifact *artifact)
{
	(void)page;
	(void)artifact;
}

/* -- all of them -- */

static const struct {
	const char *name;
	void (*describe)(struct page *page, const struct artifact *artifact);
} kinds[ARTIFACT_KINDS] = {
	[ARTIFACT_CERTIFICATE] = {"certificate", describe_certificate},
	[ARTIFACT_KEY] = {"private key", describe_key},
	[ARTIFACT_PUBLIC_KEY] = {"public key", describe_key},
	[ARTIFACT_REQUEST] = {"request", describe_request},
	[ARTIFACT_KUBECONFIG] = {"kubeconfig", describe_kubeconfig},
	[ARTIFACT_TOKEN] = {"bootstrap token", describe_token},
	[ARTIFACT_STATIC_TOKEN] = {"static token", describe_static_token},
	[ARTIFACT_BARE_TOKEN] = {"bootstrap token", describe_bare_token},
	[ARTIFACT_RBAC] = {"RBAC", describe_rbac},
	[ARTIFACT_CLUSTER] = {"cluster file", describe_nothing},
	[ARTIFACT_UNREADABLE] = {"unreadable", describe_nothing},
};

static void put_place(struct page *page, const struct artifact *artifact)
{
	put(page, "file", artifact->file->path);
	if (artifact->line)
		document_put(page->row, "line",
			document_new_integer(artifact->line));
	if (artifact->embedded_kind) {
		AUTO_TEXT within = memory_format("%s \"%s\"",
			artifact->embedded_kind, artifact->embedded_key);

		put(page, "embeddedIn", within);
	}
	put(page, "kind",
		artifact->kind == ARTIFACT_RBAC
			? rbac_kind_name(artifact->rbac->kind)
			: kinds[artifact->kind].name);
}

struct document *describe_artifact(
	const struct artifact *artifact, struct instant at)
{
	struct page page = {.row = document_new_map(), .at = at};

	put_place(&page, artifact);
	page.meaning = document_put(page.row, "meaning", document_new_list());
	put(&page, "problem", artifact->problem);
	kinds[artifact->kind].describe(&page, artifact);
	return page.row;
}
