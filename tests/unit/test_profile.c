/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/inventory.h"
#include "kube/profile.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

static struct authority *new_ca(int64_t begins, int64_t ends)
{
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, begins),
		.not_after = instant_add(now, ends),
	};
	struct authority *ca = NULL;
	struct error err = ERROR_INIT;

	if (!authority_create(&request, &ca, &err))
		fail_msg("%s", err.message);
	return ca;
}

static struct inventory *one_node(
	const char *name, const char *const *addresses, size_t n_addresses)
{
	struct inventory *inventory = inventory_new(NULL);
	struct error err = ERROR_INIT;

	assert_true(inventory_add(
		inventory, name, addresses, n_addresses, 0, &err));
	return inventory;
}

static void assert_same(const char *a, const char *b)
{
	if (a && b)
		assert_string_equal(a, b);
	else
		assert_ptr_equal(a, b);
}

static void the_table_says_what_kubernetes_wants(void **state)
{
	enum { SERVER = PURPOSE_SERVER, CLIENT = PURPOSE_CLIENT };
	static const struct {
		const char *name, *issuer, *common_name;
		const char *group, *group_1_28;
		enum profile_names names;
		bool for_node, by_request;
		unsigned purposes; /* 0: a CA */
	} rows[] = {
		{"ca", "ca", "kubernetes", NULL, NULL, NAMES_NONE, false, false,
			0},
		{"front-proxy-ca", "front-proxy-ca", "front-proxy-ca", NULL,
			NULL, NAMES_NONE, false, false, 0},
		{"etcd-ca", "etcd-ca", "etcd-ca", NULL, NULL, NAMES_NONE, false,
			false, 0},
		{"subordinate-ca", "ca", NULL, NULL, NULL, NAMES_NONE, false,
			true, 0},
		{"kube-apiserver", "ca", "kube-apiserver", NULL, NULL,
			NAMES_API_SERVER, false, false, SERVER},
		{"kube-apiserver-kubelet-client", "ca",
			"kube-apiserver-kubelet-client",
			"kubeadm:cluster-admins", "system:masters", NAMES_NONE,
			false, false, CLIENT},
		{"front-proxy-client", "front-proxy-ca", "front-proxy-client",
			NULL, NULL, NAMES_NONE, false, false, CLIENT},
		{"kube-apiserver-etcd-client", "etcd-ca",
			"kube-apiserver-etcd-client", NULL, "system:masters",
			NAMES_NONE, false, false, CLIENT},
		{"etcd-server", "etcd-ca", "", NULL, NULL, NAMES_ETCD, true,
			false, SERVER | CLIENT},
		{"etcd-peer", "etcd-ca", "", NULL, NULL, NAMES_ETCD, true,
			false, SERVER | CLIENT},
		{"etcd-healthcheck-client", "etcd-ca",
			"kube-etcd-healthcheck-client", NULL, "system:masters",
			NAMES_NONE, false, false, CLIENT},
		{"controller-manager", "ca", "system:kube-controller-manager",
			NULL, NULL, NAMES_NONE, false, false, CLIENT},
		{"scheduler", "ca", "system:kube-scheduler", NULL, NULL,
			NAMES_NONE, false, false, CLIENT},
		{"admin", "ca", "kubernetes-admin", "kubeadm:cluster-admins",
			"system:masters", NAMES_NONE, false, false, CLIENT},
		{"super-admin", "ca", "kubernetes-super-admin",
			"system:masters", "system:masters", NAMES_NONE, false,
			false, CLIENT},
		{"kubelet-client", "ca", "system:node:", "system:nodes",
			"system:nodes", NAMES_NONE, true, true, CLIENT},
		{"kubelet-serving", "ca", "system:node:", "system:nodes",
			"system:nodes", NAMES_NODE, true, true, SERVER},
		{"kube-proxy", "ca", "system:kube-proxy", "system:node-proxier",
			"system:node-proxier", NAMES_NONE, false, false,
			CLIENT},
		{"kube-apiserver-client", "ca", NULL, NULL, NULL, NAMES_NONE,
			false, true, CLIENT},
		{"kube-apiserver-admin", "ca", NULL, "kubeadm:cluster-admins",
			"kubeadm:cluster-admins", NAMES_NONE, false, false,
			CLIENT},
		{"break-glass", "ca", NULL, "system:masters", "system:masters",
			NAMES_NONE, false, false, CLIENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct profile *profile = profile_find(rows[i].name);
		bool is_ca = rows[i].purposes == 0;

		assert_ptr_equal(profile, &profiles[i]);
		assert_string_equal(profile->issuer, rows[i].issuer);
		assert_true(profile_find(profile->issuer)->is_ca);
		assert_same(profile->common_name, rows[i].common_name);
		assert_int_equal(profile->for_user, !rows[i].common_name);
		assert_same(profile_group(profile, 0), rows[i].group);
		assert_same(profile_group(profile, 29), rows[i].group);
		assert_same(profile_group(profile, 28), rows[i].group_1_28);
		assert_same(profile_group(profile, 20), rows[i].group_1_28);
		assert_int_equal(profile->is_ca, is_ca);
		assert_int_equal(profile->for_node, rows[i].for_node);
		assert_int_equal(profile->by_request, rows[i].by_request);
		assert_int_equal(profile->names, rows[i].names);
		assert_int_equal(profile->purposes, rows[i].purposes);
		assert_int_equal(profile->key_usage,
			is_ca ? USAGE_DIGITAL_SIGNATURE | USAGE_KEY_CERT_SIGN |
					USAGE_CRL_SIGN
			      : USAGE_DIGITAL_SIGNATURE);
		assert_non_null(profile->consumer);
		assert_non_null(profile->source);
	}
	assert_null(profiles[ARRAY_SIZE(rows)].name);
	assert_null(profile_find("system:masters"));
}

/* Whoever is in this group is bound by nothing, and only what says so is. */
static void few_are_in_system_masters(void **state)
{
	(void)state;
	for (const struct profile *profile = profiles; profile->name;
		profile++) {
		const char *group = profile_group(profile, 0);

		if (group && !strcmp(group, "system:masters"))
			assert_true(!strcmp(profile->name, "super-admin") ||
				    !strcmp(profile->name, "break-glass"));
		assert_false(profile->by_request && profile->since);
	}
}

static void a_leaf_lives_as_long_as_it_may(void **state)
{
	static const struct {
		int64_t ca_begins, ca_ends; /* from now */
		const char *asked;
		int64_t begins, ends;
		bool clamped;
		const char *message;
		enum error_kind kind;
	} rows[] = {
		{-SPAN_DAY, 10 * SPAN_YEAR, NULL, -300, SPAN_YEAR, false, NULL,
			ERROR_NONE},
		{-60, 10 * SPAN_YEAR, NULL, -60, SPAN_YEAR, false, NULL,
			ERROR_NONE},
		{-SPAN_DAY, SPAN_YEAR, NULL, -300, SPAN_YEAR, false, NULL,
			ERROR_NONE},
		{-SPAN_DAY, SPAN_YEAR - 1, NULL, -300, SPAN_YEAR - 1, true,
			NULL, ERROR_NONE},
		{-SPAN_DAY, 10 * SPAN_YEAR, "90d", -300, 90 * SPAN_DAY, false,
			NULL, ERROR_NONE},
		{-SPAN_DAY, 10 * SPAN_YEAR, "2026-11-24T02:14:59Z", -300, 3600,
			false, NULL, ERROR_NONE},
		{-SPAN_DAY, SPAN_YEAR, "1y", -300, SPAN_YEAR, false, NULL,
			ERROR_NONE},
		{-SPAN_DAY, SPAN_YEAR, "366d", 0, 0, false,
			"\"366d\": ends 2027-11-25T01:14:59Z, after the CA, "
			"which ends 2027-11-24T01:14:59Z",
			ERROR_REFUSED},
		{-SPAN_DAY, SPAN_YEAR, "2026-11-24T01:14:59Z", 0, 0, false,
			"\"2026-11-24T01:14:59Z\": is past", ERROR_INPUT},
		{-SPAN_DAY, SPAN_YEAR, "soon", 0, 0, false, NULL, ERROR_INPUT},
		{-SPAN_DAY, 0, NULL, 0, 0, false,
			"the CA has ended on 2026-11-24T01:14:59Z",
			ERROR_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		const struct certificate ca = {
			.not_before = instant_add(now, rows[i].ca_begins),
			.not_after = instant_add(now, rows[i].ca_ends),
		};
		struct lifetime lifetime = {{1}, {2}};
		bool clamped = false;

		if (!profile_lifetime(&ca, rows[i].asked, SPAN_YEAR, now,
			    &lifetime, &clamped, &err)) {
			assert_int_equal(err.kind, rows[i].kind);
			if (rows[i].message)
				assert_string_equal(
					err.message, rows[i].message);
			assert_int_equal(lifetime.not_before.seconds, 1);
			continue;
		}
		assert_int_equal(rows[i].kind, ERROR_NONE);
		assert_int_equal(lifetime.not_before.seconds,
			now.seconds + rows[i].begins);
		assert_int_equal(
			lifetime.not_after.seconds, now.seconds + rows[i].ends);
		assert_int_equal(clamped, rows[i].clamped);
	}
}

static struct certificate *issue_to(const struct authority *ca,
	const char *profile, const struct holder *holder, enum key_type type)
{
	const struct lifetime lifetime = {
		instant_add(now, -300), instant_add(now, SPAN_YEAR)};
	AUTO_FREE(key) key = NULL;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	struct error err = ERROR_INIT;
	struct certificate *certificate = NULL;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len = 0;

	if (!key_generate(type, &key, &err) ||
		!profile_issue(&(struct profile_order){profile_find(profile),
				       ca, *holder, key_public(key), lifetime,
				       .verify = true},
			&der, serial, &serial_len, &err) ||
		!certificate_read(
			(struct der){(unsigned char *)der.data, der.len},
			&certificate, &err))
		fail_msg("%s", err.message);
	assert_true(der_equal(
		certificate->serial, (struct der){serial, serial_len}));
	assert_true(der_equal(certificate->public_key, key_public(key)));
	return certificate;
}

static struct certificate *issue(const struct authority *ca,
	const char *profile, const struct node *node, enum key_type type)
{
	return issue_to(ca, profile, &(struct holder){.node = node}, type);
}

static void a_client_has_no_names(void **state)
{
	static const char *const addresses[] = {"10.0.0.11", "w1.example"};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("w1", addresses, 2);
	struct node node = inventory_node(inventory, 0);
	AUTO_FREE(certificate)
	certificate = issue(ca, "kubelet-client", &node, KEY_ECDSA_P256);

	(void)state;
	assert_string_equal(
		certificate->subject_text, "CN=system:node:w1,O=system:nodes");
	assert_int_equal(certificate->purposes, PURPOSE_CLIENT);
	assert_int_equal(certificate->key_usage, USAGE_DIGITAL_SIGNATURE);
	assert_int_equal(certificate->n_alt_names, 0);
	assert_true(certificate->has_basic_constraints);
	assert_false(certificate->is_ca);
	assert_int_equal(certificate->not_before.seconds, now.seconds - 300);
	assert_int_equal(
		certificate->not_after.seconds, now.seconds + SPAN_YEAR);
}

static void a_server_has_its_name_and_then_its_addresses(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.11", "w1.example", "w1", "FD00::B"};
	static const struct alt_name expected[] = {
		{ALT_NAME_DNS, "w1"},
		{ALT_NAME_IP, "10.0.0.11"},
		{ALT_NAME_DNS, "w1.example"},
		{ALT_NAME_IP, "fd00::b"},
	};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("w1", addresses, 4);
	struct node node = inventory_node(inventory, 0);
	AUTO_FREE(certificate)
	certificate = issue(ca, "kubelet-serving", &node, KEY_ECDSA_P256);

	(void)state;
	assert_string_equal(
		certificate->subject_text, "CN=system:node:w1,O=system:nodes");
	assert_int_equal(certificate->purposes, PURPOSE_SERVER);
	assert_int_equal(certificate->n_alt_names, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct alt_name *name = &certificate->alt_names[i];

		assert_int_equal(name->kind, expected[i].kind);
		assert_string_equal(name->text, expected[i].text);
	}
}

/* Kubernetes: pkg/kubelet/certificate, addressesToHostnamesAndIPs */
static void a_name_that_is_an_ip_becomes_one(void **state)
{
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("10.0.0.7", NULL, 0);
	struct node node = inventory_node(inventory, 0);
	AUTO_FREE(certificate)
	certificate = issue(ca, "kubelet-serving", &node, KEY_ECDSA_P256);

	(void)state;
	assert_int_equal(certificate->n_alt_names, 1);
	assert_int_equal(certificate->alt_names[0].kind, ALT_NAME_IP);
	assert_string_equal(certificate->alt_names[0].text, "10.0.0.7");
}

static void only_rsa_enciphers_keys(void **state)
{
	static const struct {
		enum key_type type;
		unsigned usage;
	} rows[] = {
		{KEY_ECDSA_P384, USAGE_DIGITAL_SIGNATURE},
		{KEY_ED25519, USAGE_DIGITAL_SIGNATURE},
		{KEY_RSA_2048,
			USAGE_DIGITAL_SIGNATURE | USAGE_KEY_ENCIPHERMENT},
	};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("w1", NULL, 0);
	struct node node = inventory_node(inventory, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate)
		certificate = issue(ca, "kubelet-serving", &node, rows[i].type);

		assert_int_equal(certificate->key_usage, rows[i].usage);
	}
}

static void a_ca_is_no_leaf(void **state)
{
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("w1", NULL, 0);
	struct node node = inventory_node(inventory, 0);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(key) key = NULL;
	struct profile_order order = {.profile = profile_find("ca"),
		.ca = ca,
		.holder = {.node = &node},
		.lifetime = {now, instant_add(now, SPAN_YEAR)},
		.verify = true};
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;

	(void)state;
	assert_true(key_generate(KEY_ECDSA_P256, &key, &err));
	order.public_key = key_public(key);
	assert_false(profile_issue(&order, &der, serial, &serial_len, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	error_release(&err);
	order.profile = profile_find("kubelet-client");
	order.lifetime.not_after = instant_add(now, 11 * SPAN_YEAR);
	assert_false(profile_issue(&order, &der, serial, &serial_len, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void drift_is_named(void **state)
{
	static const char *const issued[] = {"10.0.0.11", "w1.example"};
	static const struct {
		const char *issued, *compared;
		const char *name;
		const char *addresses[3];
		size_t n_addresses;
		const char *drift;
	} rows[] = {
		{"kubelet-serving", "kubelet-serving", "w1",
			{"10.0.0.11", "w1.example"}, 2, ""},
		{"kubelet-serving", "kubelet-serving", "w1",
			{"w1.example", "10.0.0.11"}, 2, ""},
		{"kubelet-serving", "kubelet-serving", "w1",
			{"10.0.0.12", "w1.example"}, 2,
			"address \"10.0.0.12\" is not in the certificate; the "
			"certificate has \"10.0.0.11\", the inventory does "
			"not"},
		{"kubelet-serving", "kubelet-serving", "w1", {"10.0.0.11"}, 1,
			"the certificate has \"w1.example\", the inventory "
			"does not"},
		{"kubelet-serving", "kubelet-serving", "w2",
			{"10.0.0.11", "w1.example", "w1"}, 3,
			"the subject is \"CN=system:node:w1,O=system:nodes\", "
			"not \"CN=system:node:w2,O=system:nodes\"; name "
			"\"w2\" is not in the certificate"},
		{"kubelet-client", "kubelet-client", "w1", {NULL}, 0, ""},
		{"kubelet-client", "kubelet-client", "w1", {"10.0.0.99"}, 1,
			""},
		{"kubelet-client", "kubelet-client", "w2", {NULL}, 0,
			"the subject is \"CN=system:node:w1,O=system:nodes\", "
			"not \"CN=system:node:w2,O=system:nodes\""},
		{"kubelet-client", "kubelet-serving", "w1", {NULL}, 0,
			"name \"w1\" is not in the certificate; the usages "
			"are not those of kubelet-serving"},
		{"kubelet-serving", "kubelet-client", "w1", {NULL}, 0,
			"the certificate has \"w1\", the profile does not; "
			"the certificate has \"10.0.0.11\", the profile does "
			"not; the certificate has \"w1.example\", the profile "
			"does not; the usages are not those of "
			"kubelet-client"},
	};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("w1", issued, 2);
	struct node node = inventory_node(inventory, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate)
		certificate = issue(ca, rows[i].issued, &node, KEY_ECDSA_P256);
		AUTO_FREE(inventory)
		other = one_node(
			rows[i].name, rows[i].addresses, rows[i].n_addresses);
		AUTO_RELEASE(buffer) drift = BUFFER_INIT;
		struct node wanted = inventory_node(other, 0);

		profile_compare(profile_find(rows[i].compared),
			&(struct holder){.node = &wanted}, certificate, &drift);
		assert_string_equal(drift.data, rows[i].drift);
	}
}

static const struct alt_name service[] = {
	{ALT_NAME_DNS, "cp-1"},
	{ALT_NAME_DNS, "kubernetes"},
	{ALT_NAME_IP, "10.96.0.1"},
};

/* Each row's certificate is true to its row, and to no other version of the
 * group. */
static void each_leaf_is_true_to_its_row(void **state)
{
	static const char *const groups[] = {"developers", "auditors"};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_FREE(inventory) inventory = one_node("cp-1", NULL, 0);
	struct node node = inventory_node(inventory, 0);

	(void)state;
	for (const struct profile *profile = profiles; profile->name;
		profile++) {
		struct holder holder = {.node = &node,
			.user = "jane",
			.groups = groups,
			.n_groups = ARRAY_SIZE(groups),
			.minor = 28,
			.alt_names = service,
			.n_alt_names = ARRAY_SIZE(service)};
		bool changed = !profile->for_user &&
			       profile_group(profile, 28) !=
				       profile_group(profile, 29);
		AUTO_FREE(certificate) made = NULL;
		AUTO_RELEASE(buffer) drift = BUFFER_INIT;

		if (profile->is_ca)
			continue;
		made = issue_to(ca, profile->name, &holder, KEY_ECDSA_P256);
		profile_compare(profile, &holder, made, &drift);
		assert_string_equal(drift.data, "");
		assert_int_equal(made->n_alt_names,
			profile->names == NAMES_NONE ? 0 : ARRAY_SIZE(service));
		assert_int_equal(made->purposes, profile->purposes);
		holder.minor = 29;
		profile_compare(profile, &holder, made, &drift);
		assert_int_equal(drift.len > 0, changed);
	}
}

static void drift_of_given_names_is_named(void **state)
{
	static const struct alt_name wanted[] = {
		{ALT_NAME_DNS, "cp-1"},
		{ALT_NAME_DNS, "kubernetes"},
		{ALT_NAME_DNS, "api.example"},
	};
	AUTO_FREE(authority) ca = new_ca(-SPAN_DAY, 10 * SPAN_YEAR);
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	struct holder holder = {.alt_names = service,
		.n_alt_names = ARRAY_SIZE(service),
		.names_from = "cluster file"};
	AUTO_FREE(certificate)
	made = issue_to(ca, "kube-apiserver", &holder, KEY_ECDSA_P256);

	(void)state;
	holder.alt_names = wanted;
	profile_compare(profile_find("kube-apiserver"), &holder, made, &drift);
	assert_string_equal(drift.data,
		"address \"api.example\" is not in the certificate; the "
		"certificate has \"10.96.0.1\", the cluster file does not");
	buffer_reset(&drift);
	profile_compare(profile_find("admin"), &(struct holder){.minor = 28},
		made, &drift);
	assert_non_null(
		strstr(drift.data, "the subject is \"CN=kube-apiserver\", not "
				   "\"CN=kubernetes-admin,O=system:masters\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_says_what_kubernetes_wants),
		cmocka_unit_test(few_are_in_system_masters),
		cmocka_unit_test(each_leaf_is_true_to_its_row),
		cmocka_unit_test(drift_of_given_names_is_named),
		cmocka_unit_test(a_leaf_lives_as_long_as_it_may),
		cmocka_unit_test(a_client_has_no_names),
		cmocka_unit_test(a_server_has_its_name_and_then_its_addresses),
		cmocka_unit_test(a_name_that_is_an_ip_becomes_one),
		cmocka_unit_test(only_rsa_enciphers_keys),
		cmocka_unit_test(a_ca_is_no_leaf),
		cmocka_unit_test(drift_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
