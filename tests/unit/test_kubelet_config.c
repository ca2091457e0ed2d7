/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/kubelet_config.h"

#define HEAD                                                                   \
	"apiVersion: kubelet.config.k8s.io/v1beta1\n"                          \
	"kind: KubeletConfiguration\n"
#define WRITTEN_HEAD                                                           \
	"apiVersion: \"kubelet.config.k8s.io/v1beta1\"\n"                      \
	"kind: \"KubeletConfiguration\"\n"

static bool read_base(
	const char *text, struct document **ret_base, struct error *err)
{
	AUTO_FREE(source)
	source = source_of_text("base.yaml", text, strlen(text));

	return kubelet_config_read_base(source, ret_base, err);
}

struct row {
	const char *base; /* NULL: none */
	enum cluster_signing signing;
	bool serving;
	const char *expected;
};

static void assert_written(const struct row *row, bool bootstrap)
{
	struct cluster cluster = {.signing = row->signing};
	struct kubelet_config config = {
		.cluster = &cluster,
		.client_ca_file = "/pki/ca.crt",
		.tls_cert_file = row->serving ? "/pki/kubelet.crt" : NULL,
		.tls_private_key_file =
			row->serving ? "/pki/kubelet.key" : NULL,
		.bootstrap = bootstrap,
	};
	AUTO_FREE(document) base = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(buffer) again = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (row->base && !read_base(row->base, &base, &err))
		fail_msg("%s", err.message);
	config.base = base;
	assert_true(kubelet_config_write(&config, &text, &err));
	assert_string_equal(text.data, row->expected);
	assert_true(kubelet_config_write(&config, &again, &err));
	assert_string_equal(again.data, row->expected);
}

static void it_uses_what_the_bundle_brings(void **state)
{
	static const struct row rows[] = {
		{NULL, SIGNING_OFFLINE, true,
			WRITTEN_HEAD "authentication:\n"
				     "  anonymous:\n"
				     "    enabled: false\n"
				     "  webhook:\n"
				     "    enabled: true\n"
				     "  x509:\n"
				     "    clientCAFile: \"/pki/ca.crt\"\n"
				     "authorization:\n"
				     "  mode: \"Webhook\"\n"
				     "tlsCertFile: \"/pki/kubelet.crt\"\n"
				     "tlsPrivateKeyFile: \"/pki/kubelet.key\"\n"
				     "rotateCertificates: false\n"},
		{NULL, SIGNING_IN_CLUSTER, false,
			WRITTEN_HEAD "authentication:\n"
				     "  anonymous:\n"
				     "    enabled: false\n"
				     "  webhook:\n"
				     "    enabled: true\n"
				     "  x509:\n"
				     "    clientCAFile: \"/pki/ca.crt\"\n"
				     "authorization:\n"
				     "  mode: \"Webhook\"\n"
				     "rotateCertificates: true\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_written(&rows[i], false);
}

static void one_that_bootstraps_rotates_and_may_ask_for_a_serving_pair(
	void **state)
{
	static const struct row rows[] = {
		{HEAD "authentication: {webhook: {enabled: true}, anonymous: "
		      "{enabled: true}, x509: {}}\n"
		      "authorization: {mode: Webhook}\n"
		      "serverTLSBootstrap: false\n",
			SIGNING_OFFLINE, true,
			WRITTEN_HEAD "authentication:\n"
				     "  webhook:\n"
				     "    enabled: true\n"
				     "  anonymous:\n"
				     "    enabled: true\n"
				     "  x509:\n"
				     "    clientCAFile: \"/pki/ca.crt\"\n"
				     "authorization:\n"
				     "  mode: \"Webhook\"\n"
				     "serverTLSBootstrap: false\n"
				     "tlsCertFile: \"/pki/kubelet.crt\"\n"
				     "tlsPrivateKeyFile: \"/pki/kubelet.key\"\n"
				     "rotateCertificates: true\n"},
		{NULL, SIGNING_OFFLINE, false,
			WRITTEN_HEAD "authentication:\n"
				     "  anonymous:\n"
				     "    enabled: false\n"
				     "  webhook:\n"
				     "    enabled: true\n"
				     "  x509:\n"
				     "    clientCAFile: \"/pki/ca.crt\"\n"
				     "authorization:\n"
				     "  mode: \"Webhook\"\n"
				     "rotateCertificates: true\n"
				     "serverTLSBootstrap: true\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_written(&rows[i], true);
}

static void the_rest_of_a_base_stays_in_its_order(void **state)
{
	static const struct row rows[] = {
		{"kind: KubeletConfiguration\n"
		 "rotateCertificates: true\n"
		 "clusterDNS: [10.96.0.10]\n"
		 "tlsCertFile: /old.crt\n"
		 "authentication:\n"
		 "  webhook: {cacheTTL: 0s}\n"
		 "  x509: {clientCAFile: /old.crt, more: 1}\n"
		 "  anonymous:\n"
		 "maxPods: 110\n"
		 "evictionHard: {memory.available: 5%}\n"
		 "apiVersion: kubelet.config.k8s.io/v1beta1\n",
			SIGNING_OFFLINE, true,
			"kind: \"KubeletConfiguration\"\n"
			"rotateCertificates: false\n"
			"clusterDNS:\n"
			"- \"10.96.0.10\"\n"
			"tlsCertFile: \"/pki/kubelet.crt\"\n"
			"authentication:\n"
			"  webhook:\n"
			"    cacheTTL: \"0s\"\n"
			"    enabled: true\n"
			"  x509:\n"
			"    clientCAFile: \"/pki/ca.crt\"\n"
			"    more: 1\n"
			"  anonymous:\n"
			"    enabled: false\n"
			"maxPods: 110\n"
			"evictionHard:\n"
			"  memory.available: \"5%\"\n"
			"apiVersion: \"kubelet.config.k8s.io/v1beta1\"\n"
			"authorization:\n"
			"  mode: \"Webhook\"\n"
			"tlsPrivateKeyFile: \"/pki/kubelet.key\"\n"},
		{HEAD "tlsCertFile: /own.crt\n"
		      "serverTLSBootstrap: true\n"
		      "authorization: {mode: AlwaysAllow}\n"
		      "authentication:\n"
		      "  anonymous: {enabled: true}\n"
		      "  webhook: {enabled: false}\n",
			SIGNING_IN_CLUSTER, false,
			WRITTEN_HEAD "tlsCertFile: \"/own.crt\"\n"
				     "serverTLSBootstrap: true\n"
				     "authorization:\n"
				     "  mode: \"AlwaysAllow\"\n"
				     "authentication:\n"
				     "  anonymous:\n"
				     "    enabled: true\n"
				     "  webhook:\n"
				     "    enabled: false\n"
				     "  x509:\n"
				     "    clientCAFile: \"/pki/ca.crt\"\n"
				     "rotateCertificates: true\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_written(&rows[i], false);
}

static void other_kinds_are_refused_with_their_place(void **state)
{
	static const struct {
		const char *base, *message;
	} rows[] = {
		{"apiVersion: v1\nkind: Node\n",
			"base.yaml:1: apiVersion \"v1\": must be "
			"\"kubelet.config.k8s.io/v1beta1\""},
		{"apiVersion: kubelet.config.k8s.io/v1beta1\nkind: Node\n",
			"base.yaml:2: kind \"Node\": must be "
			"\"KubeletConfiguration\""},
		{"apiVersion: kubelet.config.k8s.io/v1alpha1\n",
			"base.yaml:1: apiVersion "
			"\"kubelet.config.k8s.io/v1alpha1\": must be "
			"\"kubelet.config.k8s.io/v1beta1\""},
		{"x: 1\n", "base.yaml:1: apiVersion: missing, must be "
			   "\"kubelet.config.k8s.io/v1beta1\""},
		{"[1]\n", "base.yaml:1: document: must be a map, is a list"},
		{HEAD "authentication: none\n",
			"base.yaml:3: authentication \"none\": must be a map, "
			"is text"},
		{HEAD "authentication:\n  x509: [1]\n",
			"base.yaml:4: x509: must be a map, is a list"},
		{HEAD "authorization: Webhook\n",
			"base.yaml:3: authorization \"Webhook\": must be a "
			"map, is text"},
		{HEAD "kind: KubeletConfiguration\n",
			"base.yaml:3: key \"kind\": stands twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT text = NULL;
		struct document *base = NULL;

		assert_false(read_base(rows[i].base, &base, &err));
		assert_null(base);
		assert_int_equal(err.kind, ERROR_INPUT);
		text = error_text(&err);
		assert_string_equal(text, rows[i].message);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_uses_what_the_bundle_brings),
		cmocka_unit_test(
			one_that_bootstraps_rotates_and_may_ask_for_a_serving_pair),
		cmocka_unit_test(the_rest_of_a_base_stays_in_its_order),
		cmocka_unit_test(other_kinds_are_refused_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
