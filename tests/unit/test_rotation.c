/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "kube/rotation.h"

static bool holds(const struct rotation_stage *stages,
	enum rotation_target target, unsigned from, unsigned to)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (rotation_check(stages, target, from, to, &err))
		return true;
	assert_int_equal(err.kind, ERROR_REFUSED);
	return false;
}

static void each_step_keeps_every_edge_both_ways(void **state)
{
	(void)state;
	for (unsigned target = 0; target < ROTATION_TARGETS; target++)
		for (unsigned i = 0; i < ROTATION_LAST; i++) {
			assert_true(holds(rotation_stages, target, i, i + 1));
			assert_true(holds(rotation_stages, target, i + 1, i));
		}
}

static void no_stage_can_be_skipped(void **state)
{
	static const unsigned rows[][2] = {
		{0, 2}, {0, 3}, {1, 3}, {2, 0}, {3, 0}, {3, 1}};

	(void)state;
	for (unsigned target = 0; target < ROTATION_TARGETS; target++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			assert_false(holds(rotation_stages, target, rows[i][0],
				rows[i][1]));
}

/* Whatever single fact of a stage is wrong breaks a step next to it. */
static void a_stage_that_is_wrong_is_found(void **state)
{
	static const struct {
		unsigned stage, trusted;
		enum rotation_key signer;
		unsigned from, to;
	} rows[] = {
		{1, ROTATION_OLD, ROTATION_OLD, 1, 2},
		{1, ROTATION_NEW, ROTATION_OLD, 0, 1},
		{1, ROTATION_OLD | ROTATION_NEW, ROTATION_NEW, 0, 1},
		{2, ROTATION_NEW, ROTATION_NEW, 1, 2},
		{2, ROTATION_OLD, ROTATION_NEW, 1, 2},
		{2, ROTATION_OLD | ROTATION_NEW, ROTATION_OLD, 2, 3},
		{3, ROTATION_OLD, ROTATION_NEW, 2, 3},
		{3, ROTATION_NEW, ROTATION_OLD, 2, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rotation_stage stages[ROTATION_LAST + 1];

		memcpy(stages, rotation_stages, sizeof(stages));
		stages[rows[i].stage].trusted = rows[i].trusted;
		stages[rows[i].stage].signer = rows[i].signer;
		for (unsigned target = 0; target < ROTATION_TARGETS; target++)
			assert_false(holds(
				stages, target, rows[i].from, rows[i].to));
	}
}

/* Every mixture of every edge, by itself: who shows what the verifier has. */
static void the_tables_say_what_the_check_says(void **state)
{
	const struct rotation_edge *edge;

	(void)state;
	for (size_t i = 0; (edge = rotation_edge(i)); i++)
		for (unsigned step = 0; step < ROTATION_LAST; step++)
			for (unsigned mixture = 0; mixture < 4; mixture++) {
				unsigned shows = step + (mixture & 1);
				unsigned takes = step + (mixture >> 1);

				assert_true(rotation_stages[takes].trusted &
					    rotation_stages[shows].signer);
			}
}

static void what_is_broken_is_named(void **state)
{
	static const struct {
		enum rotation_target target;
		const char *text;
	} rows[] = {
		{ROTATION_CA,
			"kubelet at stage 2 shows its client certificate of "
			"the new key to kube-apiserver at stage 0, whose "
			"--client-ca-file does not have it"},
		{ROTATION_FRONT_PROXY_CA,
			"kube-apiserver at stage 2 shows front-proxy-client of "
			"the new key to kube-apiserver at stage 0, whose "
			"--requestheader-client-ca-file does not have it"},
		{ROTATION_ETCD_CA,
			"kube-apiserver at stage 2 shows its client "
			"certificate for etcd of the new key to etcd at stage "
			"0, whose --trusted-ca-file does not have it"},
		{ROTATION_SERVICE_ACCOUNT,
			"kube-controller-manager at stage 2 shows what "
			"--service-account-private-key-file signs of the new "
			"key to kube-apiserver at stage 0, whose "
			"--service-account-key-file does not have it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(rotation_check(
			rotation_stages, rows[i].target, 0, 2, &err));
		assert_string_equal(err.message, rows[i].text);
	}
}

static bool has_edge(enum rotation_target target, const char *presenter,
	const char *verifier, const char *by)
{
	const struct rotation_edge *edge;

	for (size_t i = 0; (edge = rotation_edge(i)); i++)
		if (edge->target == target &&
			!strcmp(edge->presenter, presenter) &&
			!strcmp(edge->verifier, verifier) &&
			strstr(edge->by, by))
			return true;
	return false;
}

/* Kubernetes: Manual Rotation of CA Certificates, and PKI certificates and
 * requirements. */
static void the_edges_of_a_cluster_are_there(void **state)
{
	static const struct {
		enum rotation_target target;
		const char *presenter, *verifier, *by;
	} rows[] = {
		{ROTATION_CA, "kubelet", "kube-apiserver", "client-ca-file"},
		{ROTATION_CA, "kube-controller-manager", "kube-apiserver",
			"client-ca-file"},
		{ROTATION_CA, "kube-scheduler", "kube-apiserver",
			"client-ca-file"},
		{ROTATION_CA, "kube-proxy", "kube-apiserver",
			"client-ca-file"},
		{ROTATION_CA, "kubectl", "kube-apiserver", "client-ca-file"},
		{ROTATION_CA, "kube-apiserver", "kubelet",
			"certificate-authority-data"},
		{ROTATION_CA, "kube-apiserver", "kubelet", "clientCAFile"},
		{ROTATION_CA, "kube-apiserver", "pods", "root-ca-file"},
		{ROTATION_CA, "kube-apiserver", "kubectl",
			"certificate-authority-data"},
		{ROTATION_CA, "kubelet", "kube-apiserver",
			"kubelet-certificate-authority"},
		{ROTATION_FRONT_PROXY_CA, "kube-apiserver",
			"extension API servers", "requestheader"},
		{ROTATION_ETCD_CA, "kube-apiserver", "etcd",
			"trusted-ca-file"},
		{ROTATION_ETCD_CA, "etcd", "kube-apiserver", "etcd-cafile"},
		{ROTATION_ETCD_CA, "etcd", "etcd", "peer-trusted-ca-file"},
		{ROTATION_SERVICE_ACCOUNT, "kube-controller-manager",
			"kube-apiserver", "service-account-key-file"},
		{ROTATION_SERVICE_ACCOUNT, "kube-apiserver", "kube-apiserver",
			"service-account-key-file"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(has_edge(rows[i].target, rows[i].presenter,
			rows[i].verifier, rows[i].by));
}

static void targets_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROTATION_TARGETS; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		enum rotation_target target = ROTATION_TARGETS;

		assert_true(rotation_target_parse(
			rotation_target_name(i), &target, &err));
		assert_int_equal(target, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_keeps_every_edge_both_ways),
		cmocka_unit_test(no_stage_can_be_skipped),
		cmocka_unit_test(a_stage_that_is_wrong_is_found),
		cmocka_unit_test(the_tables_say_what_the_check_says),
		cmocka_unit_test(what_is_broken_is_named),
		cmocka_unit_test(the_edges_of_a_cluster_are_there),
		cmocka_unit_test(targets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
