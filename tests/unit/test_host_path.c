/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/bundle.h"
#include "kube/host_path.h"
#include "kube/inventory.h"

static void paths_are_those_of_the_layout(void **state)
{
	static const struct {
		enum host_file file;
		enum layout layout;
		const char *pki, *expected;
	} rows[] = {
		{HOST_FILE_PKI, LAYOUT_KUBEADM, NULL, "/etc/kubernetes/pki"},
		{HOST_FILE_PKI, LAYOUT_PEM, NULL, "/var/lib/kubernetes"},
		{HOST_FILE_PKI, LAYOUT_PEM, "/srv/pki", "/srv/pki"},
		{HOST_FILE_CA, LAYOUT_KUBEADM, NULL,
			"/etc/kubernetes/pki/ca.crt"},
		{HOST_FILE_CA, LAYOUT_PEM, NULL, "/var/lib/kubernetes/ca.pem"},
		{HOST_FILE_CA_KEY, LAYOUT_PEM, NULL,
			"/var/lib/kubernetes/ca-key.pem"},
		{HOST_FILE_CA_KEY, LAYOUT_KUBEADM, "/srv/pki",
			"/srv/pki/ca.key"},
		{HOST_FILE_BOOTSTRAP_KUBECONFIG, LAYOUT_KUBEADM, "/srv/pki",
			"/etc/kubernetes/bootstrap-kubelet.conf"},
		{HOST_FILE_BOOTSTRAP_KUBECONFIG, LAYOUT_PEM, NULL,
			"/var/lib/kubelet/bootstrap-kubeconfig"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_TEXT path =
			host_path(rows[i].file, rows[i].layout, rows[i].pki);

		assert_string_equal(path, rows[i].expected);
	}
	assert_null(host_path(HOST_FILE_SERVING, LAYOUT_PEM, NULL));
	assert_null(host_path(HOST_FILE_SERVING_KEY, LAYOUT_PEM, NULL));
}

static struct bundle *make_bundle(enum layout layout)
{
	const struct instant now = instant_now();
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, SPAN_YEAR),
	};
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_FREE(authority) ca = NULL;
	AUTO_FREE(inventory) inventory = inventory_new(NULL);
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct bundle_settings settings = {
		.cluster = cluster,
		.layout = layout,
		.key_type = KEY_ECDSA_P256,
		.lifetime = {now, instant_add(now, SPAN_DAY)},
		.now = now,
		.serving = true,
		.kubelet_config = true,
	};
	struct bundle *bundle = NULL;
	struct node node;

	assert_true(cluster_set(
		cluster, "server", "https://api.example:6443", &err));
	assert_true(authority_create(&request, &ca, &err));
	assert_true(inventory_add(inventory, "w1", NULL, 0, 0, &err));
	node = inventory_node(inventory, 0);
	settings.ca = ca;
	assert_true(bundle_kit_new(&settings, &kit, &err));
	assert_true(bundle_make(kit, &(struct bundle_order){&node, NULL, false},
		&bundle, &err));
	/* Paths of the kit's rows go with the kit. */
	for (size_t i = 0; i < bundle->n_entries; i++)
		bundle->entries[i].path = memory_text(bundle->entries[i].path);
	return bundle;
}

static bool has(const struct bundle *bundle, const char *path)
{
	for (size_t i = 0; i < bundle->n_entries; i++)
		if (!strcmp(bundle->entries[i].path, path + 1))
			return true;
	return false;
}

static void a_bundle_has_them_in_the_same_places(void **state)
{
	static const enum host_file files[] = {HOST_FILE_CA,
		HOST_FILE_KUBECONFIG, HOST_FILE_KUBELET_CONFIG,
		HOST_FILE_KUBELET_PKI, HOST_FILE_SERVING,
		HOST_FILE_SERVING_KEY};
	static const enum layout layouts[] = {LAYOUT_KUBEADM, LAYOUT_PEM};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct bundle *bundle = make_bundle(layouts[i]);
		AUTO_TEXT bootstrap = host_path(
			HOST_FILE_BOOTSTRAP_KUBECONFIG, layouts[i], NULL);

		for (size_t j = 0; j < ARRAY_SIZE(files); j++) {
			AUTO_TEXT path = host_path(files[j], layouts[i], NULL);

			if (path && !has(bundle, path))
				fail_msg("no %s in a bundle", path);
		}
		assert_string_equal(
			bootstrap + 1, bundle_bootstrap_path(layouts[i]));
		for (size_t j = 0; j < bundle->n_entries; j++)
			free((char *)bundle->entries[j].path);
		bundle_free(bundle);
	}
}

static void a_path_stands_everywhere_without_quotes(void **state)
{
	static const struct {
		const char *path, *rule;
	} rows[] = {
		{"/etc/kubernetes/pki", NULL},
		{"/srv/k8s_1.31/.pki-2", NULL},
		{"/..a/b..", NULL},
		{"pki", "not an absolute path"},
		{"", "not an absolute path"},
		{"/", "a slash doubled or at the end"},
		{"/srv/", "a slash doubled or at the end"},
		{"//srv", "a slash doubled or at the end"},
		{"/srv//pki", "a slash doubled or at the end"},
		{"/srv/../etc", "has a part \".\" or \"..\""},
		{"/srv/.", "has a part \".\" or \"..\""},
		{"/srv/a b", "has more than letters, digits and /._- in it"},
		{"/srv/%H", "has more than letters, digits and /._- in it"},
		{"/srv/\"x", "has more than letters, digits and /._- in it"},
		{"/srv/$x", "has more than letters, digits and /._- in it"},
		{"/srv/a\nb", "has more than letters, digits and /._- in it"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		bool good = host_path_check(rows[i].path, &err);

		assert_int_equal(good, rows[i].rule == NULL);
		if (rows[i].rule)
			assert_non_null(strstr(err.message, rows[i].rule));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_those_of_the_layout),
		cmocka_unit_test(a_bundle_has_them_in_the_same_places),
		cmocka_unit_test(a_path_stands_everywhere_without_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
