/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "kube/cluster.h"

static bool read_text(
	const char *text, struct cluster **ret_cluster, struct error *err)
{
	AUTO_FREE(source)
	source = source_of_text(CLUSTER_FILE, text, strlen(text));

	return cluster_read(source, ret_cluster, err);
}

static void assert_value(
	const struct cluster *cluster, const char *key, const char *expected)
{
	AUTO_TEXT value = cluster_get(cluster, key);

	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
}

static const struct {
	const char *key, *preset, *other;
} values[] = {
	{"name", "kubernetes", "prod-1.example"},
	{"kubernetesVersion", NULL, "1.31.2"},
	{"server", NULL, "https://api.example:6443"},
	{"dnsDomain", "cluster.local", "k8s.example"},
	{"serviceCIDRs", "10.96.0.0/12", "10.32.0.0/16,fd00:32::/108"},
	{"signing", "offline", "in-cluster"},
	{"layout", "kubeadm", "pem"},
	{"keyType", "ecdsa-p256", "ed25519"},
	{"validity", "1y", "90d"},
};

static void a_new_cluster_has_the_defaults(void **state)
{
	AUTO_FREE(cluster) cluster = cluster_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_string_equal(cluster_keys[i], values[i].key);
		assert_value(cluster, values[i].key, values[i].preset);
	}
	assert_null(cluster_keys[ARRAY_SIZE(values)]);
	assert_int_equal(cluster->signing, SIGNING_OFFLINE);
	assert_int_equal(cluster->layout, LAYOUT_KUBEADM);
	assert_int_equal(cluster->key_type, KEY_ECDSA_P256);
	assert_int_equal(cluster->validity, SPAN_YEAR);
	assert_int_equal(cluster->n_service_cidrs, 1);
}

static void a_file_without_keys_means_the_defaults(void **state)
{
	AUTO_FREE(cluster) cluster = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(read_text(
		"apiVersion: kpki/v1\nkind: Cluster\n", &cluster, &err));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_value(cluster, values[i].key, values[i].preset);
}

static void what_is_written_reads_as_the_same(void **state)
{
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_FREE(cluster) copy = NULL;
	AUTO_FREE(cluster) plain = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	cluster_write(cluster, &text);
	assert_true(read_text(text.data, &plain, &err));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_value(plain, values[i].key, values[i].preset);
		assert_true(cluster_set(
			cluster, values[i].key, values[i].other, &err));
	}
	buffer_reset(&text);
	cluster_write(cluster, &text);
	assert_true(read_text(text.data, &copy, &err));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_value(copy, values[i].key, values[i].other);
	assert_string_equal(copy->server_host, "api.example");
	assert_int_equal(copy->signing, SIGNING_IN_CLUSTER);
}

static void each_key_has_a_comment_above_it(void **state)
{
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	(void)state;
	cluster_write(cluster, &text);
	for (size_t i = 0; cluster_keys[i]; i++) {
		AUTO_TEXT line =
			memory_format("\n%s%s:", values[i].preset ? "" : "#",
				cluster_keys[i]);
		const char *at = strstr(text.data, line);

		assert_non_null(at);
		while (at > text.data && at[-1] != '\n')
			at--;
		assert_memory_equal(at, "# ", 2);
	}
	assert_non_null(strstr(text.data,
		"\n#server: \"https://api.example.internal:6443\"\n"));
	assert_non_null(
		strstr(text.data, "\nserviceCIDRs:\n  - \"10.96.0.0/12\"\n"));
	for (char *line = strtok(text.data, "\n"); line;
		line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 80);
}

static void values_are_kept_in_one_spelling(void **state)
{
	static const struct {
		const char *key, *text, *kept;
	} rows[] = {
		{"kubernetesVersion", "v1.31.2", "1.31.2"},
		{"kubernetesVersion", "1.19", "1.19"},
		{"kubernetesVersion", "1.100.0", "1.100.0"},
		{"server", "https://api.example/", "https://api.example"},
		{"server", "https://[FD00::1]:6443", "https://[FD00::1]:6443"},
		{"serviceCIDRs", "FD00::/108,10.0.0.0/8",
			"fd00::/108,10.0.0.0/8"},
		{"validity", "365d", "1y"},
		{"validity", "24h", "1d"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(cluster) cluster = cluster_new();
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_true(
			cluster_set(cluster, rows[i].key, rows[i].text, &err));
		assert_value(cluster, rows[i].key, rows[i].kept);
	}
}

static void a_bad_value_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *key, *text, *message;
	} rows[] = {
		{"name", "Prod",
			"\"Prod\": has upper case (Kubernetes: "
			"IsDNS1123Subdomain)"},
		{"name", "", "\"\": is empty (Kubernetes: IsDNS1123Subdomain)"},
		{"kubernetesVersion", "2.0",
			"\"2.0\": not a Kubernetes version (1.MINOR or "
			"1.MINOR.PATCH)"},
		{"kubernetesVersion", "1.031",
			"\"1.031\": not a Kubernetes version (1.MINOR or "
			"1.MINOR.PATCH)"},
		{"kubernetesVersion", "1.31.",
			"\"1.31.\": not a Kubernetes version (1.MINOR or "
			"1.MINOR.PATCH)"},
		{"kubernetesVersion", "1.31.0-rc.1",
			"\"1.31.0-rc.1\": not a Kubernetes version (1.MINOR "
			"or 1.MINOR.PATCH)"},
		{"kubernetesVersion", "vv1.31",
			"\"vv1.31\": not a Kubernetes version (1.MINOR or "
			"1.MINOR.PATCH)"},
		{"kubernetesVersion", "1.18", "\"1.18\": older than 1.19"},
		{"server", "http://x",
			"\"http://x\": not an https URL (https://HOST:PORT)"},
		{"dnsDomain", "cluster.local.",
			"\"cluster.local.\": ends with a dot; no client finds "
			"such a name in a certificate (Kubernetes: "
			"IsDNS1123Subdomain)"},
		{"serviceCIDRs", "10.96.0.1/12",
			"\"10.96.0.1/12\": host bits are set; the network is "
			"10.96.0.0/12"},
		{"serviceCIDRs", "10.96.0.0/12,",
			"\"\": not ADDRESS/BITS (RFC 4632, 3.1)"},
		{"serviceCIDRs", "10.96.0.0/12,10.0.0.0/16",
			"\"10.96.0.0/12,10.0.0.0/16\": more than one network "
			"of an IP family"},
		{"serviceCIDRs", "10.0.0.0/16,fd00::/108,fd01::/108",
			"\"10.0.0.0/16,fd00::/108,fd01::/108\": more than one "
			"network of an IP family"},
		{"signing", "online", "\"online\": not offline or in-cluster"},
		{"layout", "k3s", "\"k3s\": not kubeadm or pem"},
		{"validity", "0s", NULL},
		{"validity", "1x", NULL},
		{"validity", "-1d", NULL},
		{"keyType", "dsa", NULL},
		{"keyType", "rsa-1024", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(cluster) cluster = cluster_new();
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT before = cluster_get(cluster, rows[i].key);

		if (cluster_set(cluster, rows[i].key, rows[i].text, &err))
			fail_msg("%s \"%s\" was accepted", rows[i].key,
				rows[i].text);
		if (rows[i].message)
			assert_string_equal(err.message, rows[i].message);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_value(cluster, rows[i].key, before);
	}
}

#define HEAD "apiVersion: kpki/v1\nkind: Cluster\n"

static void a_bad_file_is_refused_by_line(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{HEAD "server: http://x\n",
			"cluster.yaml:3: key \"server\": \"http://x\": not an "
			"https URL (https://HOST:PORT)"},
		{HEAD "\n# x\nserviceCIDRs:\n  - 10.96.0.0\n",
			"cluster.yaml:6: key \"serviceCIDRs\": \"10.96.0.0\": "
			"not ADDRESS/BITS (RFC 4632, 3.1)"},
		{HEAD "serviceCIDRs: []\n",
			"cluster.yaml:3: key \"serviceCIDRs\": \"\": not "
			"ADDRESS/BITS (RFC 4632, 3.1)"},
		{HEAD "serviceCIDRs: 10.96.0.0/12\n",
			"cluster.yaml:3: serviceCIDRs \"10.96.0.0/12\": must "
			"be a list, is text"},
		{HEAD "serviceCIDRs: [\"10.0.0.0/16,fd00::/108\"]\n",
			"cluster.yaml:3: key \"serviceCIDRs\": "
			"\"10.0.0.0/16,fd00::/108\": has a comma"},
		{HEAD "kubernetesVersion: 1.31\n",
			"cluster.yaml:3: kubernetesVersion \"1.31\": must be "
			"text, is a number (quote it)"},
		{HEAD "name:\n", "cluster.yaml:3: name: must be text, is null"},
		{HEAD "sever: https://x\n",
			"cluster.yaml:3: key \"sever\": unknown (did you mean "
			"\"server\"?)"},
		{HEAD "name: a\nname: b\n",
			"cluster.yaml:4: key \"name\": stands twice"},
		{"apiVersion: kpki/v2\nkind: Cluster\n",
			"cluster.yaml:1: apiVersion \"kpki/v2\": must be "
			"\"kpki/v1\""},
		{"apiVersion: kpki/v1\nkind: NodeInventory\n",
			"cluster.yaml:2: kind \"NodeInventory\": must be "
			"\"Cluster\""},
		{"kind: Cluster\n", "cluster.yaml:1: apiVersion: missing, must "
				    "be \"kpki/v1\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(cluster) cluster = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT found = NULL;

		if (read_text(rows[i].text, &cluster, &err))
			fail_msg("accepted: %s", rows[i].text);
		found = error_text(&err);
		assert_string_equal(found, rows[i].message);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_null(cluster);
	}
}

static void a_missing_server_is_named(void **state)
{
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	(void)state;
	assert_false(cluster_require_server(cluster, "pki/cluster.yaml", &err));
	found = error_text(&err);
	assert_string_equal(found,
		"pki/cluster.yaml: key \"server\": missing, and a kubeconfig "
		"needs it (https://HOST:PORT)");
	assert_int_equal(err.kind, ERROR_INPUT);
	error_release(&err);
	assert_true(cluster_set(cluster, "server", "https://x", &err));
	assert_true(cluster_require_server(cluster, "x", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_cluster_has_the_defaults),
		cmocka_unit_test(a_file_without_keys_means_the_defaults),
		cmocka_unit_test(what_is_written_reads_as_the_same),
		cmocka_unit_test(each_key_has_a_comment_above_it),
		cmocka_unit_test(values_are_kept_in_one_spelling),
		cmocka_unit_test(a_bad_value_is_refused_and_changes_nothing),
		cmocka_unit_test(a_bad_file_is_refused_by_line),
		cmocka_unit_test(a_missing_server_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
