/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/profile_match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/identity.h"

static struct key *key;

static int make_key(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	return key_generate(KEY_ECDSA_P256, &key, &err) ? 0 : -1;
}

static int free_key(void **state)
{
	(void)state;
	key_free(key);
	return 0;
}

struct want {
	const char *common_name;
	const char *groups[3];
	const char *names[4];
	unsigned purposes, key_usage;
	bool is_ca;
};

static struct certificate *make(const struct want *want)
{
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct alt_name names[4];
	struct certificate_plan plan = {
		.public_key = key_public(key),
		.not_before = instant_now(),
		.not_after = instant_add(instant_now(), SPAN_DAY),
		.is_ca = want->is_ca,
		.path_len = -1,
		.purposes = want->purposes,
		.key_usage = want->key_usage,
		.alt_names = names,
	};
	struct certificate *certificate = NULL;
	size_t n_groups = 0;

	while (n_groups < 3 && want->groups[n_groups])
		n_groups++;
	for (; plan.n_alt_names < 4 && want->names[plan.n_alt_names];
		plan.n_alt_names++) {
		const char *text = want->names[plan.n_alt_names];

		names[plan.n_alt_names] = (struct alt_name){
			*text >= '0' && *text <= '9' ? ALT_NAME_IP
						     : ALT_NAME_DNS,
			text};
	}
	if (!certificate_name(want->groups, n_groups, want->common_name,
		    &subject, &err))
		fail_msg("%s", err.message);
	plan.subject = plan.issuer = der_of(&subject);
	if (!certificate_serial(plan.serial, &plan.serial_len, &err) ||
		!certificate_sign(&plan, key, &der, &err) ||
		!certificate_read(der_of(&der), &certificate, &err))
		fail_msg("%s", err.message);
	return certificate;
}

enum {
	SIGN = USAGE_DIGITAL_SIGNATURE,
	SIGN_CA = SIGN | USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
	CLIENT = PURPOSE_CLIENT,
	SERVER = PURPOSE_SERVER,
};

static void the_nearest_row_is_found(void **state)
{
	static const struct {
		struct want want;
		const char *profile, *differs;
	} rows[] = {
		{{"system:node:w1", {"system:nodes"}, {0}, CLIENT, SIGN, false},
			"kubelet-client", ""},
		{{"system:node:w1", {"system:nodes"}, {"w1", "10.0.0.1"},
			 SERVER, SIGN, false},
			"kubelet-serving", ""},
		/* kubeadm's keyEncipherment is not looked at */
		{{"system:node:w1", {"system:nodes"}, {0}, CLIENT,
			 SIGN | USAGE_KEY_ENCIPHERMENT, false},
			"kubelet-client", ""},
		{{"system:node:w1", {0}, {0}, CLIENT, SIGN, false},
			"kubelet-client",
			"it is not in group \"system:nodes\""},
		{{"system:node:w1", {"system:nodes", "x"}, {"a"}, CLIENT, SIGN,
			 false},
			"kubelet-client",
			"it has more groups than \"system:nodes\"; it has a "
			"subjectAltName"},
		{{"kubernetes-admin", {"system:masters"}, {0}, CLIENT, SIGN,
			 false},
			"admin", ""},
		{{"kubernetes-admin", {"kubeadm:cluster-admins"}, {0}, CLIENT,
			 SIGN, false},
			"admin", ""},
		{{"alice", {"devs"}, {0}, CLIENT, SIGN, false},
			"kube-apiserver-client", ""},
		{{"kube-apiserver", {0},
			 {"kubernetes", "kubernetes.default",
				 "kubernetes.default.svc", "10.96.0.1"},
			 SERVER, SIGN, false},
			"kube-apiserver", ""},
		/* the hard way calls it so */
		{{"kubernetes", {"Kubernetes"},
			 {"kubernetes", "kubernetes.default",
				 "kubernetes.default.svc"},
			 SERVER | CLIENT, SIGN, false},
			"kube-apiserver",
			"the common name is \"kubernetes\", not "
			"\"kube-apiserver\"; it has a group; extKeyUsage is "
			"server auth, client auth, not server auth"},
		{{"cp-1", {0}, {"cp-1", "localhost", "127.0.0.1"},
			 SERVER | CLIENT, SIGN, false},
			"etcd-server", ""},
		{{"cp-1", {0}, {"cp-1"}, SERVER | CLIENT, SIGN, false},
			"etcd-server",
			"it has no name \"localhost\"; it has no name "
			"\"127.0.0.1\""},
		{{"kubernetes", {0}, {0}, 0, SIGN_CA, true}, "ca", ""},
		{{"etcd-ca", {0}, {0}, 0, SIGN_CA, true}, "etcd-ca", ""},
		{{"my-ca", {0}, {0}, 0, SIGN | USAGE_KEY_CERT_SIGN, true}, "ca",
			"the common name is \"my-ca\", not \"kubernetes\"; "
			"keyUsage is digital signature, cert sign, not digital "
			"signature, cert sign, crl sign"},
		{{"web", {0}, {"web"}, SERVER, SIGN, false}, "kube-apiserver",
			"the common name is \"web\", not \"kube-apiserver\"; "
			"it has no name \"kubernetes\"; it has no name "
			"\"kubernetes.default\"; it has no name "
			"\"kubernetes.default.svc\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate) certificate = make(&rows[i].want);
		AUTO_RELEASE(profile_match) match = {0};

		profile_match(certificate, &match);
		if (strcmp(match.profile->name, rows[i].profile) != 0 ||
			strcmp(match.differs.data, rows[i].differs) != 0)
			fail_msg("%zu %s: %s", i, match.profile->name,
				match.differs.data);
	}
}

static void what_others_left_out_is_said(void **state)
{
	const struct want want = {
		"system:kube-scheduler", {0}, {0}, CLIENT, SIGN, false};
	AUTO_FREE(certificate) certificate = make(&want);
	AUTO_RELEASE(profile_match) match = {0};

	(void)state;
	certificate->has_purposes = certificate->has_key_usage = false;
	certificate->purposes = certificate->key_usage = 0;
	profile_match(certificate, &match);
	assert_string_equal(match.profile->name, "scheduler");
	assert_string_equal(match.differs.data,
		"extKeyUsage is missing, not client auth; keyUsage is missing");
}

static void twins_are_both_named(void **state)
{
	const struct want want = {"cp-1", {0},
		{"cp-1", "localhost", "127.0.0.1"}, SERVER | CLIENT, SIGN,
		false};
	AUTO_FREE(certificate) certificate = make(&want);
	AUTO_RELEASE(profile_match) match = {0};

	(void)state;
	profile_match(certificate, &match);
	assert_string_equal(match.profile->name, "etcd-server");
	assert_string_equal(match.twin->name, "etcd-peer");
}

static void an_identity_is_what_kube_apiserver_reads(void **state)
{
	static const struct {
		struct want want;
		const char *node;
		size_t n_groups;
	} rows[] = {
		{{"system:node:w1", {"system:nodes", "x"}, {0}, CLIENT, SIGN,
			 false},
			"w1", 2},
		{{"system:node:w1", {"x"}, {0}, CLIENT, SIGN, false}, NULL, 1},
		{{"w1", {"system:nodes"}, {0}, CLIENT, SIGN, false}, NULL, 1},
		{{"w1", {0}, {0}, CLIENT, SIGN, false}, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate) certificate = make(&rows[i].want);
		AUTO_RELEASE(identity) identity = IDENTITY_INIT;

		identity_read(certificate, &identity);
		assert_string_equal(identity.user, rows[i].want.common_name);
		assert_int_equal(identity.n_groups, rows[i].n_groups);
		if (rows[i].node)
			assert_string_equal(identity.node, rows[i].node);
		else
			assert_null(identity.node);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_row_is_found),
		cmocka_unit_test(what_others_left_out_is_said),
		cmocka_unit_test(twins_are_both_named),
		cmocka_unit_test(an_identity_is_what_kube_apiserver_reads),
	};

	return cmocka_run_group_tests(tests, make_key, free_key);
}
