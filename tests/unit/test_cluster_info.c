/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/cluster_info.h"

static char config_text[] = "kind: \"Config\"\n";
static const struct buffer config = {config_text, sizeof(config_text) - 1, 0};

static struct token *make(enum token_kind kind)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct token *token = NULL;

	assert_true(token_new(kind, &token, &err));
	if (kind == TOKEN_BOOTSTRAP)
		snprintf(token->id, sizeof(token->id), "abcdef");
	return token;
}

static void it_holds_the_bytes_that_are_signed(void **state)
{
	AUTO_FREE(document) map = cluster_info_new(&config);
	AUTO_FREE(token) token = make(TOKEN_BOOTSTRAP);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT signature = NULL;
	const struct document *data;

	(void)state;
	assert_true(cluster_info_sign(map, token, &config, &err));
	assert_true(token_sign(token, &config, &signature, &err));
	data = document_find(map, "data");
	assert_int_equal(document_count(data), 2);
	assert_string_equal(
		document_text(document_find(data, "kubeconfig")), config_text);
	assert_string_equal(
		document_text(document_find(data, "jws-kubeconfig-abcdef")),
		signature);
}

static void a_token_signs_once_and_a_static_one_never(void **state)
{
	AUTO_FREE(document) map = cluster_info_new(&config);
	AUTO_FREE(token) token = make(TOKEN_BOOTSTRAP);
	AUTO_FREE(token) line = make(TOKEN_STATIC);
	AUTO_RELEASE(error) twice = ERROR_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(cluster_info_sign(map, token, &config, &err));
	assert_false(cluster_info_sign(map, token, &config, &twice));
	assert_int_equal(twice.kind, ERROR_INPUT);
	assert_false(cluster_info_sign(map, line, &config, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_int_equal(document_count(document_find(map, "data")), 2);
}

static void anybody_may_read_it_and_nothing_else(void **state)
{
	AUTO_FREE(document) map = cluster_info_new(&config);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(cluster_info_write(map, &text, &err));
	assert_string_equal(text.data,
		"apiVersion: \"v1\"\n"
		"kind: \"ConfigMap\"\n"
		"metadata:\n"
		"  name: \"cluster-info\"\n"
		"  namespace: \"kube-public\"\n"
		"data:\n"
		"  kubeconfig: \"kind: \\\"Config\\\"\\n\"\n"
		"---\n"
		"apiVersion: \"rbac.authorization.k8s.io/v1\"\n"
		"kind: \"Role\"\n"
		"metadata:\n"
		"  name: \"kubeadm:bootstrap-signer-clusterinfo\"\n"
		"  namespace: \"kube-public\"\n"
		"rules:\n"
		"- apiGroups:\n"
		"  - \"\"\n"
		"  resources:\n"
		"  - \"configmaps\"\n"
		"  resourceNames:\n"
		"  - \"cluster-info\"\n"
		"  verbs:\n"
		"  - \"get\"\n"
		"---\n"
		"apiVersion: \"rbac.authorization.k8s.io/v1\"\n"
		"kind: \"RoleBinding\"\n"
		"metadata:\n"
		"  name: \"kubeadm:bootstrap-signer-clusterinfo\"\n"
		"  namespace: \"kube-public\"\n"
		"roleRef:\n"
		"  apiGroup: \"rbac.authorization.k8s.io\"\n"
		"  kind: \"Role\"\n"
		"  name: \"kubeadm:bootstrap-signer-clusterinfo\"\n"
		"subjects:\n"
		"- apiGroup: \"rbac.authorization.k8s.io\"\n"
		"  kind: \"User\"\n"
		"  name: \"system:anonymous\"\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_the_bytes_that_are_signed),
		cmocka_unit_test(a_token_signs_once_and_a_static_one_never),
		cmocka_unit_test(anybody_may_read_it_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
