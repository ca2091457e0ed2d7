/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/request_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/oid.h"

/*
 * Every profile against everything that may not be asked for.  A wish is what a
 * good request of the profile says, with one thing changed.
 */

#define OID_ORGANIZATIONAL_UNIT OID("\x55\x04\x0b")
#define BMP_STRING 0x1e

/* -- building requests -- */

struct part {
	struct der type;
	unsigned tag;
	const char *text;
	bool joined; /* to the one before */
};

#define PARTS_MAX 5
#define O(name)                                                                \
	{                                                                      \
		OID_ORGANIZATION, DER_UTF8_STRING, name, false                 \
	}
#define CN(name)                                                               \
	{                                                                      \
		OID_COMMON_NAME, DER_PRINTABLE_STRING, name, false             \
	}

struct wish {
	struct part parts[PARTS_MAX]; /* ends with a NULL text */
	unsigned key_usage, purposes;
	struct alt_name names[4]; /* ends with a NULL text */
	struct der attribute;	  /* instead of an extensionRequest */
};

static void put_part(struct der_writer *out, const struct part *part)
{
	size_t mark = der_mark(out);

	der_put(out, part->tag, part->text, strlen(part->text));
	der_put_oid(out, part->type);
	der_wrap(out, DER_SEQUENCE, mark);
}

static struct der write_subject(
	const struct part parts[static PARTS_MAX], void *storage, size_t size)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der_writer out = der_writer(storage, size);
	struct der name = {NULL, 0};
	size_t n = 0, mark = 0;

	while (n < PARTS_MAX && parts[n].text)
		n++;
	for (; n > 0; n--) {
		put_part(&out, &parts[n - 1]);
		if (parts[n - 1].joined)
			continue;
		der_wrap(&out, DER_SET, mark);
		mark = der_mark(&out);
	}
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &name, &err));
	return name;
}

/* The request around attributes that request_sign would not write. */
static void sign_with_attribute(const struct key *key, struct der subject,
	struct der attribute, struct buffer *der, struct error *err)
{
	AUTO_RELEASE(buffer) signature = BUFFER_INIT;
	struct der public_key = key_public(key), info, whole;
	struct der algorithm = key_signature_algorithm(key);
	unsigned char inner[4096], outer[4096];
	struct der_writer out = der_writer(inner, sizeof(inner));

	der_put_raw(&out, attribute.bytes, attribute.len);
	der_wrap(&out, DER_CONTEXT_CONSTRUCTED | 0, 0);
	der_put_raw(&out, public_key.bytes, public_key.len);
	der_put_raw(&out, subject.bytes, subject.len);
	der_put_integer(&out, 0);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &info, err));
	assert_true(key_sign(key, info, &signature, err));
	out = der_writer(outer, sizeof(outer));
	der_put_raw(&out, signature.data, signature.len);
	der_put_raw(&out, "", 1);
	der_wrap(&out, DER_BIT_STRING, 0);
	der_put_raw(&out, algorithm.bytes, algorithm.len);
	der_put_raw(&out, info.bytes, info.len);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &whole, err));
	buffer_add(der, whole.bytes, whole.len);
}

static struct request *make(const struct key *key, const struct wish *wish)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	unsigned char storage[1024];
	struct request *request = NULL;
	struct request_plan plan = {
		.subject = write_subject(wish->parts, storage, sizeof(storage)),
		.key_usage = wish->key_usage,
		.purposes = wish->purposes,
		.alt_names = wish->names,
	};

	while (plan.n_alt_names < ARRAY_SIZE(wish->names) &&
		wish->names[plan.n_alt_names].text)
		plan.n_alt_names++;
	if (wish->attribute.len > 0)
		sign_with_attribute(
			key, plan.subject, wish->attribute, &der, &err);
	else
		assert_true(request_sign(&plan, key, &der, &err));
	if (!request_read((struct der){(unsigned char *)der.data, der.len},
		    &request, &err))
		fail_msg("%s", err.message);
	return request;
}

/* -- the world they come into -- */

struct world {
	struct key *key, *ca_key;
	struct authority *ca;
	struct cluster *cluster;
	struct inventory *inventory;
};

static int begin(void **state)
{
	static const char *const first[] = {"10.0.0.1", "w1.example"};
	static const char *const second[] = {"10.0.0.2"};
	const struct authority_request wanted = {.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = {1700000000},
		.not_after = {2000000000}};
	struct error err = ERROR_INIT;
	struct world *world = memory_new(1, sizeof(*world));

	assert_true(key_generate(KEY_ED25519, &world->key, &err));
	assert_true(authority_create(&wanted, &world->ca, &err));
	world->cluster = cluster_new();
	world->inventory = inventory_new("nodes");
	assert_true(inventory_add(world->inventory, "w1", first, 2, 1, &err));
	assert_true(inventory_add(world->inventory, "w2", second, 1, 2, &err));
	assert_true(inventory_add(
		world->inventory, "kubernetes", NULL, 0, 3, &err));
	assert_true(inventory_seal(world->inventory, &err));
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	key_free(world->key);
	authority_free(world->ca);
	cluster_free(world->cluster);
	inventory_free(world->inventory);
	free(world);
	return 0;
}

static const char *const groups[] = {"dev", "ops"};

static struct request_case case_of(
	const struct world *world, const char *profile)
{
	return (struct request_case){.profile = profile_find(profile),
		.ca = authority_certificate(world->ca),
		.cluster = world->cluster,
		.inventory = world->inventory,
		.user = "jane",
		.groups = groups,
		.n_groups = ARRAY_SIZE(groups)};
}

/* Empty when it is granted. */
static void ask(struct request_case *question, const struct request *request,
	const char *rule, const char *message, const char *what)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	const struct request_rule *decided = NULL;
	struct request_grant grant;
	bool granted;

	question->request = request;
	granted = request_policy_check(question, &grant, &decided, &err);
	if (granted != !rule)
		fail_msg("%s, %s: %s", question->profile->name, what,
			granted ? "granted" : err.message);
	if (granted)
		return;
	if (strcmp(decided->name, rule) != 0 || !strstr(err.message, message))
		fail_msg("%s, %s: rule %s: %s", question->profile->name, what,
			decided->name, err.message);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static const struct {
	const char *profile;
	struct wish wish;
} good[] = {
	{"kubelet-client", {.parts = {O("system:nodes"), CN("system:node:w1")},
				   .key_usage = USAGE_DIGITAL_SIGNATURE,
				   .purposes = PURPOSE_CLIENT}},
	{"kubelet-serving", {.parts = {O("system:nodes"), CN("system:node:w1")},
				    .key_usage = USAGE_DIGITAL_SIGNATURE |
						 USAGE_KEY_ENCIPHERMENT,
				    .purposes = PURPOSE_SERVER,
				    .names = {{ALT_NAME_DNS, "w1"},
					    {ALT_NAME_IP, "10.0.0.1"}}}},
	{"kube-apiserver-client", {.parts = {O("ops"), O("dev"), CN("jane")},
					  .key_usage = USAGE_DIGITAL_SIGNATURE,
					  .purposes = PURPOSE_CLIENT}},
};
#define N_PROFILES ARRAY_SIZE(good)

static void what_is_right_is_granted(void **state)
{
	static const struct wish bare = {
		.parts = {CN("system:node:w2"), O("system:nodes")}};
	const struct world *world = *state;

	for (size_t i = 0; i < N_PROFILES; i++) {
		AUTO_FREE(request) request = make(world->key, &good[i].wish);
		struct request_case question = case_of(world, good[i].profile);

		ask(&question, request, NULL, NULL, "good");
	}
	AUTO_FREE(request) request = make(world->key, &bare);
	struct request_case question = case_of(world, "kubelet-client");

	ask(&question, request, NULL, NULL, "bare");
}

static void only_what_was_asked_for_is_granted(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(request) request = make(world->key, &good[1].wish);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct request_case question = case_of(world, "kubelet-serving");
	const struct request_rule *rule;
	struct request_grant grant;

	question.request = request;
	assert_true(request_policy_check(&question, &grant, &rule, &err));
	assert_string_equal(grant.holder.node->name, "w1");
	assert_int_equal(grant.n_alt_names, 2);
	assert_string_equal(grant.alt_names[0].text, "w1");
	assert_string_equal(grant.alt_names[1].text, "10.0.0.1");
}

/* -- subjects: the same table for all, a message for each -- */

#define NODES "system:nodes"
#define NODE "system:node:w1"

static void no_other_subject_is_granted(void **state)
{
	/* rule and message for a node's profiles, then for a user's */
	static const struct {
		const char *what;
		struct part parts[PARTS_MAX];
		const char *rule, *message, *user_rule, *user_message;
	} rows[] = {
		{"nothing", {{.text = NULL}}, "subject", "not exactly one",
			"subject", "not exactly one"},
		{"masters too", {O(NODES), O("system:masters"), CN(NODE)},
			"organization",
			"\"system:masters\": not \"system:nodes\"",
			"common-name", "Kubernetes' own"},
		{"masters first", {O("system:masters"), O(NODES), CN(NODE)},
			"organization", "\"system:masters\"", "common-name",
			"Kubernetes' own"},
		{"masters behind the name",
			{O(NODES), CN(NODE), O("system:masters")},
			"organization", "\"system:masters\"", "common-name",
			"Kubernetes' own"},
		{"masters alone", {O("system:masters"), CN(NODE)},
			"organization", "\"system:masters\"", "common-name",
			"Kubernetes' own"},
		{"masters of a user",
			{O("dev"), O("ops"), O("system:masters"), CN("jane")},
			"common-name", "does not begin with", "organization",
			"\"system:masters\": not a group that was named"},
		{"the group twice", {O(NODES), O(NODES), CN(NODE)},
			"organization", "there twice", "common-name",
			"Kubernetes' own"},
		{"no group", {CN(NODE)}, "organization",
			"not in group \"system:nodes\"", "common-name",
			"Kubernetes' own"},
		{"one group of two", {O("dev"), CN("jane")}, "common-name",
			"does not begin with", "organization",
			"not in every group"},
		{"another group", {O("system:node"), CN(NODE)}, "organization",
			"\"system:node\"", "common-name", "Kubernetes' own"},
		{"a group with a blank", {O(NODES " "), CN(NODE)},
			"organization", "\"system:nodes \"", "common-name",
			"Kubernetes' own"},
		{"a group in upper case", {O("System:Nodes"), CN(NODE)},
			"organization", "\"System:Nodes\"", "common-name",
			"Kubernetes' own"},
		{"a look-alike group", {O("s\xd1\x83stem:nodes"), CN(NODE)},
			"organization", "stem:nodes\": not", "common-name",
			"Kubernetes' own"},
		{"two names", {O(NODES), CN(NODE), CN("system:node:w2")},
			"subject", "not exactly one common name", "subject",
			"not exactly one common name"},
		{"the same name twice", {O(NODES), CN(NODE), CN(NODE)},
			"subject", "not exactly one common name", "subject",
			"not exactly one common name"},
		{"an OU",
			{{OID_ORGANIZATIONAL_UNIT, DER_UTF8_STRING, "x", false},
				O(NODES), CN(NODE)},
			"subject", "\"OU=x\" is neither O nor CN", "subject",
			"\"OU=x\" is neither O nor CN"},
		{"one RDN",
			{O(NODES), {OID_COMMON_NAME, DER_PRINTABLE_STRING, NODE,
					   true}},
			"subject", "two attributes in one RDN", "subject",
			"two attributes in one RDN"},
		{"a group of another string type",
			{{OID_ORGANIZATION, DER_IA5_STRING, NODES, false},
				CN(NODE)},
			"subject", "neither PrintableString nor", "subject",
			"neither PrintableString nor"},
		{"a group of wide characters",
			{{OID_ORGANIZATION, BMP_STRING, "\1s\1y", false},
				CN(NODE)},
			"subject", "neither PrintableString nor", "subject",
			"neither PrintableString nor"},
		{"no prefix", {O(NODES), CN("w1")}, "common-name",
			"\"w1\": does not begin with \"system:node:\"",
			"common-name", "\"w1\": not \"jane\""},
		{"another prefix", {O(NODES), CN("system:nodes:w1")},
			"common-name", "does not begin with", "common-name",
			"Kubernetes' own"},
		{"no node", {O(NODES), CN("system:node:")}, "common-name",
			"node \"\"", "common-name", "Kubernetes' own"},
		{"upper case", {O(NODES), CN("system:node:W1")}, "common-name",
			"upper case", "common-name", "Kubernetes' own"},
		{"a path", {O(NODES), CN("system:node:../w1")}, "common-name",
			"node \"../w1\"", "common-name", "Kubernetes' own"},
		{"a stranger", {O(NODES), CN("system:node:w9")}, "inventory",
			"node \"w9\": not in the inventory", "common-name",
			"Kubernetes' own"},
		{"the API server", {O(NODES), CN("system:node:kubernetes")},
			"inventory", "a name of the API server's service",
			"common-name", "Kubernetes' own"},
		{"another user", {O("dev"), O("ops"), CN("john")},
			"common-name", "does not begin with", "common-name",
			"\"john\": not \"jane\""},
		{"a component", {CN("system:kube-scheduler")}, "common-name",
			"does not begin with", "common-name",
			"Kubernetes' own"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < N_PROFILES; k++) {
			struct request_case question =
				case_of(world, good[k].profile);
			bool user = question.profile->for_user;
			struct wish wish = good[k].wish;
			AUTO_FREE(request) request = NULL;

			memcpy(wish.parts, rows[i].parts, sizeof(wish.parts));
			request = make(world->key, &wish);
			ask(&question, request,
				user ? rows[i].user_rule : rows[i].rule,
				user ? rows[i].user_message : rows[i].message,
				rows[i].what);
		}
}

/* -- everything else that may be asked for -- */

#define EXTENSION_REQUEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
/* An extensionRequest of one extension; the lengths are for ten octets. */
#define TEN_OCTETS(extension)                                                  \
	DER_LITERAL("\x30\x1b" EXTENSION_REQUEST "\x31\x0e\x30\x0c" extension)

static void nothing_else_is_granted(void **state)
{
	static const struct {
		const char *what;
		struct wish change; /* what is not zero replaces the good */
		const char *rule;
		const char *messages[N_PROFILES];
	} rows[] = {
		{"certificates to sign",
			{.key_usage = USAGE_DIGITAL_SIGNATURE |
				      USAGE_KEY_CERT_SIGN},
			"key-usage",
			{"keyUsage: more than", "keyUsage: more than",
				"keyUsage: more than"}},
		{"lists to sign", {.key_usage = USAGE_CRL_SIGN}, "key-usage",
			{"keyUsage: more than", "keyUsage: more than",
				"keyUsage: more than"}},
		{"non-repudiation", {.key_usage = 1 << 1}, "key-usage",
			{"keyUsage: more than", "keyUsage: more than",
				"keyUsage: more than"}},
		{"both purposes", {.purposes = PURPOSE_CLIENT | PURPOSE_SERVER},
			"purposes",
			{"something else than clientAuth",
				"something else than serverAuth",
				"something else than clientAuth"}},
		{"another password",
			{.attribute = DER_LITERAL(
				 "\x30\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
				 "\x09\x07\x31\x04\x0c\x02pw")},
			"attributes",
			{"attribute 1.2.840.113549.1.9.7",
				"attribute 1.2.840.113549.1.9.7",
				"attribute 1.2.840.113549.1.9.7"}},
		{"an extension that nobody knows",
			{.attribute = TEN_OCTETS("\x30\x0a\x06\x03\x2a\x03\x04"
						 "\x04\x03\x02\x01\x05")},
			"extensions",
			{"extension 1.2.3.4", "extension 1.2.3.4",
				"extension 1.2.3.4"}},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < N_PROFILES; k++) {
			struct request_case question =
				case_of(world, good[k].profile);
			const struct wish *change = &rows[i].change;
			struct wish wish = good[k].wish;
			AUTO_FREE(request) request = NULL;

			if (change->key_usage)
				wish.key_usage = change->key_usage;
			if (change->purposes)
				wish.purposes = change->purposes;
			wish.attribute = change->attribute;
			request = make(world->key, &wish);
			ask(&question, request, rows[i].rule,
				rows[i].messages[k], rows[i].what);
		}
}

static void no_ca_is_granted(void **state)
{
	/* SEQUENCE { cA TRUE }, and with a path length */
	static const struct der attributes[] = {
		DER_LITERAL("\x30\x1d" EXTENSION_REQUEST
			    "\x31\x10\x30\x0e\x30\x0c\x06\x03\x55\x1d\x13\x04"
			    "\x05\x30\x03\x01\x01\xff"),
		DER_LITERAL("\x30\x20" EXTENSION_REQUEST
			    "\x31\x13\x30\x11\x30\x0f\x06\x03\x55\x1d\x13\x04"
			    "\x08\x30\x06\x01\x01\xff\x02\x01\x00"),
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		for (size_t k = 0; k < N_PROFILES; k++) {
			struct request_case question =
				case_of(world, good[k].profile);
			struct wish wish = good[k].wish;
			AUTO_FREE(request) request = NULL;

			wish.attribute = attributes[i];
			request = make(world->key, &wish);
			ask(&question, request, "basic-constraints",
				"asks for CA:TRUE", "to be a CA");
		}
}

static void no_name_of_others_is_granted(void **state)
{
	static const struct {
		const char *what;
		struct alt_name names[4];
		const char *message; /* for serving; others may have none */
	} rows[] = {
		{"none", {{.text = NULL}}, "no DNS name and no IP address"},
		{"another node's address", {{ALT_NAME_IP, "10.0.0.2"}},
			"\"10.0.0.2\": the inventory does not give it"},
		{"another node's name",
			{{ALT_NAME_DNS, "w1"}, {ALT_NAME_DNS, "w2"}},
			"\"w2\": the inventory does not give it"},
		{"the API server's", {{ALT_NAME_DNS, "kubernetes.default"}},
			"\"kubernetes.default\": the inventory"},
		{"a service's address", {{ALT_NAME_IP, "10.96.0.1"}},
			"\"10.96.0.1\": the inventory"},
		{"a wildcard", {{ALT_NAME_DNS, "*.example"}},
			"\"*.example\": the inventory"},
		{"upper case", {{ALT_NAME_DNS, "W1"}}, "\"W1\": the inventory"},
		{"twice", {{ALT_NAME_DNS, "w1"}, {ALT_NAME_DNS, "w1"}},
			"\"w1\": there twice"},
		{"an address as a name", {{ALT_NAME_DNS, "10.0.0.9"}},
			"\"10.0.0.9\": an IP address as a dNSName"},
		{"the node's own address as a name",
			{{ALT_NAME_DNS, "10.0.0.1"}},
			"\"10.0.0.1\": an IP address as a dNSName"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < N_PROFILES; k++) {
			struct request_case question =
				case_of(world, good[k].profile);
			bool serving = question.profile->names == NAMES_NODE;
			struct wish wish = good[k].wish;
			AUTO_FREE(request) request = NULL;

			if (!serving && !rows[i].names[0].text)
				continue;
			memcpy(wish.names, rows[i].names, sizeof(wish.names));
			request = make(world->key, &wish);
			ask(&question, request, "alt-names",
				serving ? rows[i].message : "has none",
				rows[i].what);
		}
}

static void weak_and_foreign_keys_are_refused(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(request)
	request = make(authority_key(world->ca), &good[0].wish);

	for (size_t k = 0; k < N_PROFILES; k++) {
		struct request_case question = case_of(world, good[k].profile);

		ask(&question, request, "public-key", "the CA's own", "key");
	}
}

static void nobody_is_granted_anything_without_a_list(void **state)
{
	const struct world *world = *state;

	for (size_t k = 0; k < N_PROFILES; k++) {
		struct request_case question = case_of(world, good[k].profile);
		AUTO_FREE(request) request = make(world->key, &good[k].wish);

		question.inventory = NULL;
		question.user = NULL;
		question.n_groups = 0;
		ask(&question, request,
			question.profile->for_user ? "common-name"
						   : "inventory",
			question.profile->for_user ? "no user was named"
						   : "not in the inventory",
			"no list");
	}
}

static void kubernetes_own_groups_are_not_a_users(void **state)
{
	static const char *const masters[] = {"system:masters"};
	static const struct wish wish = {
		.parts = {O("system:masters"), CN("jane")}};
	const struct world *world = *state;
	AUTO_FREE(request) request = make(world->key, &wish);
	struct request_case question = case_of(world, "kube-apiserver-client");

	question.groups = masters;
	question.n_groups = 1;
	ask(&question, request, "organization", "Kubernetes' own", "masters");
}

/* -- objects -- */

static void objects_are_held_to_their_signers(void **state)
{
	static const unsigned ds = CSR_DIGITAL_SIGNATURE,
			      ke = CSR_KEY_ENCIPHERMENT, ca = CSR_CLIENT_AUTH,
			      sa = CSR_SERVER_AUTH, other = CSR_OTHER_USAGE;
	const struct {
		size_t profile;
		unsigned usages;
		const char *message; /* NULL: granted */
	} rows[] = {
		{0, ds | ca, NULL},
		{0, ds | ke | ca, NULL},
		{0, ca,
			"not exactly \"digital signature\" and \"client "
			"auth\""},
		{0, ds | sa, "not exactly"},
		{0, ds | ca | sa, "not exactly"},
		{0, ds | ca | other, "not exactly"},
		{1, ds | sa, NULL},
		{1, ds | ke | sa, NULL},
		{1, ds | ca, "and \"server auth\""},
		{1, sa | ke, "not exactly"},
		{2, ca, NULL},
		{2, ds | ke | ca, NULL},
		{2, ds, "\"client auth\" is missing"},
		{2, ca | sa, "\"server auth\" is not a client's"},
		{2, ca | other, "\"any\" is not a client's"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t k = rows[i].profile;
		struct request_case question = case_of(world, good[k].profile);
		AUTO_FREE(request) request = make(world->key, &good[k].wish);
		struct csr_object object = {.usages = rows[i].usages,
			.other_usage = rows[i].usages & other ? "any" : NULL};

		question.object = &object;
		ask(&question, request, rows[i].message ? "usages" : NULL,
			rows[i].message, "usages");
	}
}

static void who_asks_must_be_who_it_is_for(void **state)
{
	static const struct {
		const char *username, *group;
		const char *token_node;
		const char *client, *serving; /* messages; NULL: granted */
	} rows[] = {
		{NULL, NULL, NULL, NULL, NULL},
		{"system:node:w1", "system:nodes", NULL, NULL, NULL},
		{"system:node:w2", "system:nodes", NULL,
			"asks for \"system:node:w1\"",
			"asks for \"system:node:w1\""},
		{"system:node:w1", "x", NULL, "not in group \"system:nodes\"",
			"not in group \"system:nodes\""},
		{"system:bootstrap:abcdef", "system:bootstrappers", NULL, NULL,
			"only node \"w1\" itself"},
		{"system:bootstrap:abcdef", "system:bootstrappers", "", NULL,
			"only node \"w1\" itself"},
		{"system:bootstrap:abcdef", "system:bootstrappers", "w1", NULL,
			"only node \"w1\" itself"},
		{"system:bootstrap:abcdef", "system:bootstrappers", "w2",
			"the token of node \"w2\" asks for \"w1\"",
			"only node \"w1\" itself"},
		{"system:bootstrap:abcdef", "x", "w1",
			"not in group \"system:bootstrappers\"",
			"only node \"w1\" itself"},
		{"kubelet-bootstrap", "system:bootstrappers", NULL, NULL,
			"only node \"w1\" itself"},
		{"kubernetes-admin", "system:masters", NULL,
			"neither the node nor a bootstrapper",
			"only node \"w1\" itself"},
		{"system:serviceaccount:a:b", "system:serviceaccounts", NULL,
			"neither the node nor a bootstrapper",
			"only node \"w1\" itself"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t k = 0; k < 2; k++) {
			struct request_case question =
				case_of(world, good[k].profile);
			AUTO_FREE(request)
			request = make(world->key, &good[k].wish);
			const char *message =
				k == 0 ? rows[i].client : rows[i].serving;
			struct csr_object object = {
				.usages = CSR_DIGITAL_SIGNATURE |
					  (k == 0 ? CSR_CLIENT_AUTH
						  : CSR_SERVER_AUTH),
				.username = rows[i].username,
				.groups = {rows[i].group},
				.n_groups = rows[i].group != NULL};

			question.object = &object;
			question.token_node = rows[i].token_node;
			ask(&question, request, message ? "requester" : NULL,
				message, rows[i].username);
		}
}

static void every_rule_says_what_it_demands(void **state)
{
	(void)state;
	for (const struct request_rule *rule = request_rules; rule->name;
		rule++) {
		assert_non_null(rule->says);
		for (const struct request_rule *other = request_rules;
			other < rule; other++)
			assert_string_not_equal(other->name, rule->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_granted),
		cmocka_unit_test(only_what_was_asked_for_is_granted),
		cmocka_unit_test(no_other_subject_is_granted),
		cmocka_unit_test(nothing_else_is_granted),
		cmocka_unit_test(no_ca_is_granted),
		cmocka_unit_test(no_name_of_others_is_granted),
		cmocka_unit_test(weak_and_foreign_keys_are_refused),
		cmocka_unit_test(nobody_is_granted_anything_without_a_list),
		cmocka_unit_test(kubernetes_own_groups_are_not_a_users),
		cmocka_unit_test(objects_are_held_to_their_signers),
		cmocka_unit_test(who_asks_must_be_who_it_is_for),
		cmocka_unit_test(every_rule_says_what_it_demands),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
