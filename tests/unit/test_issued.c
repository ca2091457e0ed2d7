/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "verify/duty.h"
#include "verify/issued.h"

static const struct instant now = {1795482899};

struct fixture {
	struct authority *ca;
	struct key *key;
	struct cluster *cluster;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -60),
		.not_after = instant_add(now, SPAN_YEAR),
	};
	struct error err = ERROR_INIT;

	assert_true(authority_create(&request, &fixture.ca, &err));
	assert_true(key_generate(KEY_ECDSA_P256, &fixture.key, &err));
	fixture.cluster = cluster_new();
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	authority_free(fixture->ca);
	key_free(fixture->key);
	cluster_free(fixture->cluster);
	return 0;
}

static const char *const nodes[] = {"system:nodes"};

/* A good plan of a node's certificate. */
static void plan_for(const struct fixture *fixture, const char *common_name,
	struct buffer *name, struct certificate_plan *plan)
{
	struct error err = ERROR_INIT;

	assert_true(certificate_name(nodes, 1, common_name, name, &err));
	*plan = (struct certificate_plan){
		.subject = der_of(name),
		.public_key = key_public(fixture->key),
		.not_before = instant_add(now, -60),
		.not_after = instant_add(now, SPAN_YEAR / 2),
		.path_len = -1,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.purposes = PURPOSE_CLIENT,
	};
}

static void check(const struct fixture *fixture, struct certificate_plan *plan,
	const char *profile, const char *expected)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct issued issued = {profile_find(profile),
		authority_certificate(fixture->ca), {NULL, 0}};

	assert_true(authority_issue(fixture->ca, plan, true, &der, &err));
	issued.der = der_of(&der);
	if (issued_check(fixture->cluster, now, &issued, &err)) {
		assert_null(expected);
		return;
	}
	assert_non_null(expected);
	assert_int_equal(err.kind, ERROR_FAILED);
	if (!strstr(err.message, expected))
		fail_msg("\"%s\" is not in: %s", expected, err.message);
}

static void what_its_profile_wants_is_released(void **state)
{
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	struct certificate_plan plan;

	plan_for(*state, "system:node:w1", &name, &plan);
	check(*state, &plan, "kubelet-client", NULL);
}

static void what_verify_would_find_is_not(void **state)
{
	static const struct alt_name service[] = {
		{ALT_NAME_DNS, "w1"}, {ALT_NAME_DNS, "kubernetes.default.svc"}};
	AUTO_RELEASE(buffer) good = BUFFER_INIT;
	AUTO_RELEASE(buffer) other = BUFFER_INIT;
	struct certificate_plan plan;

	plan_for(*state, "w1", &other, &plan);
	check(*state, &plan, "kubelet-client", "KPKI-N002");
	plan_for(*state, "system:node:w1", &good, &plan);
	plan.purposes = PURPOSE_SERVER;
	check(*state, &plan, "kubelet-client", "KPKI-N009");
	check(*state, &plan, "kubelet-serving", "KPKI-N011");
	plan.alt_names = service;
	plan.n_alt_names = 2;
	check(*state, &plan, "kubelet-serving", "KPKI-N018");
	plan.n_alt_names = 1;
	check(*state, &plan, "kubelet-serving", NULL);
	plan.purposes = PURPOSE_CLIENT;
	plan.n_alt_names = 0;
	check(*state, &plan, "scheduler", "KPKI-N001");
}

static void another_authority_is_found_out(void **state)
{
	const struct fixture *fixture = *state;
	struct fixture other = *fixture;
	const struct authority_request request = {
		.common_name = "another",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -60),
		.not_after = instant_add(now, SPAN_YEAR),
	};
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct certificate_plan plan;
	struct issued issued = {profile_find("kubelet-client"),
		authority_certificate(fixture->ca), {NULL, 0}};

	assert_true(authority_create(&request, &other.ca, &err));
	plan_for(fixture, "system:node:w1", &name, &plan);
	assert_true(authority_issue(other.ca, &plan, true, &der, &err));
	issued.der = der_of(&der);
	assert_false(issued_check(fixture->cluster, now, &issued, &err));
	assert_non_null(strstr(err.message, "KPKI-A002"));
	authority_free(other.ca);
}

/* Two tables that must say the same. */
static void duties_are_those_of_the_profiles(void **state)
{
	(void)state;
	for (const struct profile *row = profiles; row->name; row++) {
		const struct duty *duty = duty_find(row->name);

		/* the kinds of users are one duty */
		if (row->names == NAMES_NONE && row->for_user && !duty)
			continue;
		if (!duty)
			fail_msg("no duty is called %s", row->name);
		assert_int_equal(duty->is_ca, row->is_ca);
		assert_int_equal(duty->purposes, row->purposes);
		if (!row->is_ca)
			assert_string_equal(duty->issuer, row->issuer);
		if (duty->naming != DUTY_ANY_NAME)
			assert_string_equal(
				duty->common_name, row->common_name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_its_profile_wants_is_released),
		cmocka_unit_test(what_verify_would_find_is_not),
		cmocka_unit_test(another_authority_is_found_out),
		cmocka_unit_test(duties_are_those_of_the_profiles),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
