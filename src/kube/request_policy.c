/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/request_policy.h"

#include <stdarg.h>
#include <string.h>

#include "base/affix.h"
#include "base/utf8.h"
#include "kube/address.h"
#include "kube/policy.h"
#include "kube/token.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/public_key.h"

#define NODE_PREFIX "system:node:"
#define NODES_GROUP "system:nodes"
#define TOKEN_PREFIX "system:bootstrap:"

/* crypto/tls shakes no hand with a larger one. */
#define RSA_MIN 2048
#define RSA_MAX 8192

#define CHECK(name)                                                            \
	static bool name(const struct request_case *question,                  \
		struct request_grant *grant, struct error *err)

static bool refuse(struct error *err, const char *format, ...) PRINTF(2, 3);

static bool refuse(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(err, ERROR_REFUSED, format, args);
	va_end(args);
	return false;
}

/* -- the key -- */

CHECK(check_key)
{
	struct der asked = question->request->asked->public_key;
	struct public_key key;

	(void)grant;
	if (!public_key_read(asked, &key, err)) {
		err->kind = ERROR_REFUSED;
		return false;
	}
	if (key.bits == 0)
		return refuse(err,
			"public key \"%s\": none of RSA, P-256, P-384, P-521 "
			"and Ed25519",
			key.name);
	if (key.is_rsa && (key.bits < RSA_MIN || key.bits > RSA_MAX))
		return refuse(err, "public key \"%s\": not of %d to %d bits",
			key.name, RSA_MIN, RSA_MAX);
	if (question->profile->is_ca && key.type == KEY_ED25519)
		return refuse(err,
			"public key \"ed25519\": kube-controller-manager and "
			"kubeadm take RSA and ECDSA only");
	return !der_equal(asked, question->ca->public_key) ||
	       refuse(err, "public key \"%s\": the CA's own", key.name);
}

/* -- what else is asked for -- */

CHECK(check_attributes)
{
	const char *other = question->request->other_attribute;

	(void)grant;
	return !other || refuse(err,
				 "attribute %s: only extensionRequest may be "
				 "in a request",
				 other);
}

CHECK(check_extensions)
{
	const struct certificate *asked = question->request->asked;

	(void)grant;
	if (asked->n_permitted || asked->n_excluded)
		return refuse(err, "extension 2.5.29.30: no profile has it");
	if (asked->other_extension)
		return refuse(err, "extension %s: no profile has it",
			asked->other_extension);
	return !asked->has_key_ids ||
	       refuse(err, "key identifier: the signer's to compute");
}

/* certtool always asks for CA:FALSE, which is what a leaf gets. */
CHECK(check_basic_constraints)
{
	const struct certificate *asked = question->request->asked;

	(void)grant;
	return !asked->is_ca || question->profile->is_ca ||
	       refuse(err, "basicConstraints: asks for CA:TRUE");
}

CHECK(check_path_length)
{
	(void)grant;
	return !question->profile->is_ca ||
	       authority_check_path(question->ca, 0, err);
}

CHECK(check_key_usage)
{
	const struct certificate *asked = question->request->asked;
	const struct profile *profile = question->profile;
	unsigned allowed = profile->key_usage |
			   (profile->is_ca ? 0 : USAGE_KEY_ENCIPHERMENT);

	(void)grant;
	return !(asked->key_usage & ~allowed) ||
	       refuse(err, "keyUsage: more than digitalSignature%s",
		       profile->is_ca ? ", keyCertSign and cRLSign"
				      : " and keyEncipherment");
}

CHECK(check_purposes)
{
	const struct certificate *asked = question->request->asked;
	bool client = question->profile->purposes == PURPOSE_CLIENT;

	(void)grant;
	if (question->profile->is_ca)
		return !asked->has_purposes ||
		       refuse(err, "extKeyUsage: would limit what the CA "
				   "signs");
	return !asked->has_purposes ||
	       asked->purposes == question->profile->purposes ||
	       refuse(err, "extKeyUsage: something else than %s",
		       client ? "clientAuth" : "serverAuth");
}

/* -- the subject -- */

static bool check_attribute(const struct name_attribute *attribute,
	const char *subject, struct error *err)
{
	AUTO_TEXT text = name_attribute_text(attribute);

	if (!der_equal(attribute->type, OID_COMMON_NAME) &&
		!der_equal(attribute->type, OID_ORGANIZATION))
		return refuse(err, "subject \"%s\": \"%s\" is neither O nor CN",
			subject, text);
	if (attribute->joined)
		return refuse(err, "subject \"%s\": two attributes in one RDN",
			subject);
	if (attribute->tag != DER_PRINTABLE_STRING &&
		attribute->tag != DER_UTF8_STRING)
		return refuse(err,
			"subject \"%s\": \"%s\" is neither PrintableString nor "
			"UTF8String",
			subject, text);
	return true;
}

CHECK(check_subject)
{
	const struct certificate *asked = question->request->asked;
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	size_t n, n_common_names = 0;

	(void)grant;
	if (!name_attributes(asked->subject, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!check_attribute(&list[i], asked->subject_text, err))
			return false;
		n_common_names += der_equal(list[i].type, OID_COMMON_NAME);
	}
	return n_common_names == 1 ||
	       refuse(err, "subject \"%s\": not exactly one common name",
		       asked->subject_text);
}

/* The name of a CA is its own to choose; X.520, ub-common-name. */
static bool check_ca_name(
	const struct request_case *question, const char *name, struct error *err)
{
	const char *own = question->ca->common_name;
	enum { BOUND = 64 };

	if (utf8_count(name) > BOUND)
		return refuse(err,
			"common name \"%s\": longer than %d characters (RFC "
			"5280, ub-common-name)",
			name, BOUND);
	if (own && !strcmp(own, name))
		return refuse(err, "common name \"%s\": the signer's own", name);
	return policy_check_user("common name", name, err);
}

CHECK(check_common_name)
{
	const struct profile *profile = question->profile;
	const char *name = question->request->asked->common_name;
	size_t len = strlen(NODE_PREFIX);

	(void)grant;
	if (profile->is_ca)
		return check_ca_name(question, name, err);
	if (profile->for_user && !question->user)
		return refuse(err,
			"common name \"%s\": no user was named for profile %s",
			name, profile->name);
	if (profile->for_user)
		return policy_check_user("common name", name, err) &&
		       (!strcmp(name, question->user) ||
			       refuse(err, "common name \"%s\": not \"%s\"",
				       name, question->user));
	if (strncmp(name, NODE_PREFIX, len) != 0)
		return refuse(err,
			"common name \"%s\": does not begin with \"" NODE_PREFIX
			"\"",
			name);
	if (node_name_check(name + len, err))
		return true;
	err->kind = ERROR_REFUSED;
	return error_context(err, "common name");
}

static bool is_named(
	const char *const *names, size_t n_names, const char *name, size_t len)
{
	for (size_t i = 0; i < n_names; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return true;
	return false;
}

static const char *what_is_wanted(const struct profile *profile)
{
	if (profile->is_ca)
		return "a CA has a common name only";
	return profile->for_user ? "not a group that was named"
				 : "not \"" NODES_GROUP "\"";
}

static bool check_organizations_of(const struct request_case *question,
	const char *const *groups, size_t n_groups, struct error *err)
{
	const struct certificate *asked = question->request->asked;
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	size_t n, n_organizations = 0;

	if (!name_attributes(asked->subject, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct der value = list[i].value;

		if (!der_equal(list[i].type, OID_ORGANIZATION))
			continue;
		n_organizations++;
		for (size_t k = 0; k < i; k++)
			if (der_equal(list[i].whole, list[k].whole))
				return refuse(err,
					"organization \"%.*s\": there twice",
					(int)value.len, value.bytes);
		if (!is_named(groups, n_groups, (const char *)value.bytes,
			    value.len))
			return refuse(err, "organization \"%.*s\": %s",
				(int)value.len, value.bytes,
				what_is_wanted(question->profile));
	}
	return n_organizations == n_groups ||
	       refuse(err, "subject \"%s\": not in %s", asked->subject_text,
		       question->profile->for_user
			       ? "every group that was named"
			       : "group \"" NODES_GROUP "\"");
}

static bool check_user_groups(
	const struct request_case *question, struct error *err)
{
	for (size_t i = 0; i < question->n_groups; i++)
		if (!policy_check_user("group", question->groups[i], err))
			return false;
	return true;
}

CHECK(check_organization)
{
	static const char *const nodes[] = {NODES_GROUP};

	(void)grant;
	if (question->profile->is_ca)
		return check_organizations_of(question, NULL, 0, err);
	if (!question->profile->for_user)
		return check_organizations_of(question, nodes, 1, err);
	return check_user_groups(question, err) &&
	       check_organizations_of(
		       question, question->groups, question->n_groups, err);
}

/* -- who it is for -- */

CHECK(check_holder)
{
	const char *common_name = question->request->asked->common_name;
	const char *name = common_name + strlen(NODE_PREFIX);

	if (question->profile->is_ca) {
		grant->holder.user = common_name;
		return true;
	}
	if (question->profile->for_user) {
		grant->holder.user = question->user;
		grant->holder.groups = question->groups;
		grant->holder.n_groups = question->n_groups;
		return true;
	}
	if (!question->inventory ||
		!inventory_find(question->inventory, name, &grant->node))
		return refuse(err, "node \"%s\": not in the inventory", name);
	grant->holder.node = &grant->node;
	return policy_check_node(question->cluster, &grant->node, err);
}

static bool node_has(const struct node *node, const char *text)
{
	if (!strcmp(text, node->name))
		return true;
	for (size_t i = 0; i < node->n_addresses; i++)
		if (!strcmp(text, node_address(node, i)))
			return true;
	return false;
}

static bool grant_name(const struct alt_name *name, struct request_grant *grant,
	struct error *err)
{
	if (name->kind == ALT_NAME_OTHER)
		return refuse(err,
			"subjectAltName \"%s\": neither a DNS name nor an IP "
			"address",
			name->text);
	/* it would match no client that looks for the address */
	if (name->kind == ALT_NAME_DNS &&
		address_kind(name->text) == ADDRESS_IP)
		return refuse(err,
			"subjectAltName \"%s\": an IP address as a dNSName "
			"(RFC 5280, 4.2.1.6)",
			name->text);
	if (!node_has(&grant->node, name->text))
		return refuse(err,
			"subjectAltName \"%s\": the inventory does not give it "
			"to node \"%s\"",
			name->text, grant->node.name);
	for (size_t i = 0; i < grant->n_alt_names; i++)
		if (!strcmp(grant->alt_names[i].text, name->text))
			return refuse(err, "subjectAltName \"%s\": there twice",
				name->text);
	grant->alt_names[grant->n_alt_names++] = *name;
	return true;
}

CHECK(check_alt_names)
{
	const struct certificate *asked = question->request->asked;

	if (question->profile->names == NAMES_NONE)
		return asked->n_alt_names == 0 ||
		       refuse(err,
			       "subjectAltName \"%s\": a certificate of %s has "
			       "none",
			       asked->alt_names[0].text,
			       question->profile->name);
	if (asked->n_alt_names == 0)
		return refuse(
			err, "subjectAltName: no DNS name and no IP address");
	for (size_t i = 0; i < asked->n_alt_names; i++)
		if (!grant_name(&asked->alt_names[i], grant, err))
			return false;
	return true;
}

/* -- of objects -- */

static bool check_kubelet_usages(
	const struct csr_object *object, unsigned auth, struct error *err)
{
	unsigned wanted = auth | CSR_DIGITAL_SIGNATURE;

	return (object->usages & ~(unsigned)CSR_KEY_ENCIPHERMENT) == wanted ||
	       refuse(err,
		       "usages: not exactly \"digital signature\" and \"%s\", "
		       "and perhaps \"key encipherment\"",
		       auth == CSR_CLIENT_AUTH ? "client auth" : "server auth");
}

/* Kubernetes: apis/certificates/helpers.go, signer/signer.go */
CHECK(check_usages)
{
	const struct csr_object *object = question->object;
	unsigned client =
		CSR_CLIENT_AUTH | CSR_DIGITAL_SIGNATURE | CSR_KEY_ENCIPHERMENT;

	(void)grant;
	if (!object)
		return true;
	if (question->profile->is_ca)
		return refuse(err, "usages: no signer of Kubernetes' signs "
				   "CAs");
	if (!question->profile->for_user)
		return check_kubelet_usages(object,
			question->profile->purposes == PURPOSE_CLIENT
				? CSR_CLIENT_AUTH
				: CSR_SERVER_AUTH,
			err);
	if (!(object->usages & CSR_CLIENT_AUTH))
		return refuse(err, "usages: \"client auth\" is missing");
	return !(object->usages & ~client) ||
	       refuse(err, "usages: \"%s\" is not a client's",
		       object->other_usage ? object->other_usage
					   : "server auth");
}

static bool is_in(const struct csr_object *object, const char *group)
{
	return is_named(object->groups, object->n_groups, group, strlen(group));
}

const char *request_token_id(const struct csr_object *object)
{
	if (!object || !object->username ||
		!text_begins(object->username, TOKEN_PREFIX))
		return NULL;
	return object->username + strlen(TOKEN_PREFIX);
}

bool request_is_renewal(
	const struct csr_object *object, const struct request *request)
{
	return object && object->username && request->asked->common_name &&
	       text_begins(object->username, NODE_PREFIX) &&
	       is_in(object, NODES_GROUP) &&
	       !strcmp(object->username, request->asked->common_name);
}

/* A node asks for itself, whichever profile it is. */
static bool check_node_requester(
	const struct request_case *question, struct error *err)
{
	const struct csr_object *object = question->object;

	if (!is_in(object, NODES_GROUP))
		return refuse(err, "requester \"%s\": not in group \"%s\"",
			object->username, NODES_GROUP);
	return request_is_renewal(object, question->request) ||
	       refuse(err, "requester \"%s\": asks for \"%s\"",
		       object->username, question->request->asked->common_name);
}

static bool check_token_requester(const struct request_case *question,
	struct request_grant *grant, struct error *err)
{
	const struct csr_object *object = question->object;
	const char *of = question->token_node;

	if (!is_in(object, TOKEN_BOOTSTRAPPERS))
		return refuse(err, "requester \"%s\": not in group \"%s\"",
			object->username, TOKEN_BOOTSTRAPPERS);
	if (!of)
		grant->note = "by a token that the ledger does not know";
	else if (!*of)
		grant->note = "by a token that is no node's own";
	return !of || !*of || !strcmp(of, grant->node.name) ||
	       refuse(err,
		       "requester \"%s\": the token of node \"%s\" asks for "
		       "\"%s\"",
		       object->username, of, grant->node.name);
}

/* Kubernetes: approver/sarapprove.go; a serving certificate is asked for by the
 * node itself only (Kubernetes: TLS bootstrapping, certificate rotation). */
CHECK(check_requester)
{
	const struct csr_object *object = question->object;

	if (!object || question->profile->for_user)
		return true;
	if (!object->username) {
		grant->note = "by nobody, as far as it says";
		return true;
	}
	if (text_begins(object->username, NODE_PREFIX))
		return check_node_requester(question, err);
	if (question->profile->purposes == PURPOSE_SERVER)
		return refuse(err,
			"requester \"%s\": only node \"%s\" itself may ask for "
			"this",
			object->username, grant->node.name);
	if (request_token_id(object))
		return check_token_requester(question, grant, err);
	grant->note = "by a bootstrapper whom the ledger does not know";
	return is_in(object, TOKEN_BOOTSTRAPPERS) ||
	       refuse(err,
		       "requester \"%s\": neither the node nor a bootstrapper",
		       object->username);
}

/* -- the table -- */

const struct request_rule request_rules[] = {
	{"public-key",
		"RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519, and "
		"not the CA's own",
		check_key},
	{"attributes", "none but extensionRequest", check_attributes},
	{"extensions", "none but those below", check_extensions},
	{"basic-constraints", "no CA, but of subordinate-ca",
		check_basic_constraints},
	{"path-length", "of subordinate-ca: the signer's leaves room for it",
		check_path_length},
	{"key-usage",
		"digitalSignature, keyEncipherment; of subordinate-ca: "
		"digitalSignature, keyCertSign, cRLSign",
		check_key_usage},
	{"purposes", "the profile's, when there are any", check_purposes},
	{"subject", "O and one CN, an RDN each, PrintableString or UTF8String",
		check_subject},
	{"common-name",
		"system:node:NAME, or the user that was named; of "
		"subordinate-ca: not the signer's, nor one of Kubernetes' own",
		check_common_name},
	{"organization",
		"system:nodes and nothing else, or the groups that were named; "
		"of subordinate-ca: none",
		check_organization},
	{"inventory", "the node is in it, and may be called that",
		check_holder},
	{"alt-names",
		"of a serving certificate: one or more of the node's own; of "
		"others: none",
		check_alt_names},
	{"usages", "of an object: as its signer demands", check_usages},
	{"requester",
		"of an object: the node itself, or a bootstrapper; a token of "
		"one node for that node only",
		check_requester},
	{.name = NULL},
};

bool request_policy_check(const struct request_case *question,
	struct request_grant *ret_grant, const struct request_rule **ret_rule,
	struct error *err)
{
	struct request_grant grant = {.n_alt_names = 0};

	for (const struct request_rule *rule = request_rules; rule->name;
		rule++) {
		*ret_rule = rule;
		if (!rule->check(question, &grant, err))
			return false;
	}
	*ret_grant = grant;
	if (grant.holder.node)
		ret_grant->holder.node = &ret_grant->node;
	return true;
}
