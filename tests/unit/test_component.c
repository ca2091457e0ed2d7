/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "kube/component.h"

#define APISERVER COMPONENT_KUBE_APISERVER
#define MANAGER COMPONENT_KUBE_CONTROLLER_MANAGER
#define KUBELET COMPONENT_KUBELET

static const enum component all[] = {APISERVER, MANAGER, KUBELET};

struct row {
	const enum component *components;
	size_t n_components;
	enum component_path path;
	enum component_format format;
	const char *pki;
	const char *cluster; /* "key=value …" of the cluster file */
	const char *expected;
};

#define ONE(which) &all[which], 1
#define ALL all, ARRAY_SIZE(all)

static struct cluster *make_cluster(const char *settings)
{
	struct cluster *cluster = cluster_new();
	AUTO_RELEASE(error) err = ERROR_INIT;

	while (*settings) {
		size_t len = strcspn(settings, " ");
		AUTO_TEXT pair = memory_text_n(settings, len);
		char *value = strchr(pair, '=');

		*value++ = '\0';
		if (!cluster_set(cluster, pair, value, &err))
			fail_msg("%s", err.message);
		settings += len + (settings[len] == ' ');
	}
	return cluster;
}

static char *write_row(const struct row *row)
{
	AUTO_FREE(cluster) cluster = make_cluster(row->cluster);
	const struct component_settings settings = {.cluster = cluster,
		.path = row->path,
		.format = row->format,
		.pki = row->pki};
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!component_write(
		    &settings, row->components, row->n_components, &text, &err))
		fail_msg("%s", err.message);
	return buffer_detach(&text);
}

static void assert_rows(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		AUTO_TEXT text = write_row(&rows[i]);

		assert_string_equal(text, rows[i].expected);
	}
}

static void flags_are_what_the_path_and_the_signer_need(void **state)
{
	static const struct row rows[] = {
		{ONE(APISERVER), COMPONENT_BOOTSTRAP, COMPONENT_FLAGS, NULL, "",
			"--client-ca-file=/etc/kubernetes/pki/ca.crt\n"
			"--enable-bootstrap-token-auth=true\n"
			"--authorization-mode=Node,RBAC\n"
			"--enable-admission-plugins=NodeRestriction\n"
			"--kubelet-client-certificate=/etc/kubernetes/pki/"
			"apiserver-kubelet-client.crt\n"
			"--kubelet-client-key=/etc/kubernetes/pki/"
			"apiserver-kubelet-client.key\n"
			"--kubelet-certificate-authority=/etc/kubernetes/pki/"
			"ca.crt\n"},
		{ONE(APISERVER), COMPONENT_MANUAL, COMPONENT_FLAGS, "/srv/pki",
			"layout=pem",
			"--client-ca-file=/srv/pki/ca.pem\n"
			"--authorization-mode=Node,RBAC\n"
			"--enable-admission-plugins=NodeRestriction\n"
			"--kubelet-client-certificate=/srv/pki/"
			"apiserver-kubelet-client.pem\n"
			"--kubelet-client-key=/srv/pki/"
			"apiserver-kubelet-client-key.pem\n"
			"--kubelet-certificate-authority=/srv/pki/ca.pem\n"},
		{ONE(MANAGER), COMPONENT_BOOTSTRAP, COMPONENT_FLAGS, NULL, "",
			"--cluster-signing-cert-file=\n"
			"--cluster-signing-key-file=\n"
			"--controllers=*,bootstrapsigner,tokencleaner\n"},
		{ONE(MANAGER), COMPONENT_MANUAL, COMPONENT_FLAGS, NULL, "",
			"--cluster-signing-cert-file=\n"
			"--cluster-signing-key-file=\n"},
		{ONE(MANAGER), COMPONENT_BOOTSTRAP, COMPONENT_FLAGS, NULL,
			"signing=in-cluster",
			"--cluster-signing-cert-file=/etc/kubernetes/pki/"
			"ca.crt\n"
			"--cluster-signing-key-file=/etc/kubernetes/pki/"
			"ca.key\n"
			"--cluster-signing-duration=8760h0m0s\n"
			"--controllers=*,bootstrapsigner,tokencleaner\n"},
		{ONE(MANAGER), COMPONENT_MANUAL, COMPONENT_FLAGS, NULL,
			"signing=in-cluster layout=pem validity=1h2m3s",
			"--cluster-signing-cert-file=/var/lib/kubernetes/"
			"ca.pem\n"
			"--cluster-signing-key-file=/var/lib/kubernetes/"
			"ca-key.pem\n"
			"--cluster-signing-duration=1h2m3s\n"},
		{ONE(KUBELET), COMPONENT_BOOTSTRAP, COMPONENT_FLAGS, NULL, "",
			"--bootstrap-kubeconfig=/etc/kubernetes/"
			"bootstrap-kubelet.conf\n"
			"--kubeconfig=/etc/kubernetes/kubelet.conf\n"
			"--cert-dir=/var/lib/kubelet/pki\n"
			"--config=/var/lib/kubelet/config.yaml\n"},
		{ONE(KUBELET), COMPONENT_BOOTSTRAP, COMPONENT_FLAGS, NULL,
			"layout=pem",
			"--bootstrap-kubeconfig=/var/lib/kubelet/"
			"bootstrap-kubeconfig\n"
			"--kubeconfig=/var/lib/kubelet/kubeconfig\n"
			"--cert-dir=/var/lib/kubelet/pki\n"
			"--config=/var/lib/kubelet/kubelet-config.yaml\n"},
		{ONE(KUBELET), COMPONENT_MANUAL, COMPONENT_FLAGS, NULL, "",
			"--kubeconfig=/etc/kubernetes/kubelet.conf\n"
			"--cert-dir=/var/lib/kubelet/pki\n"
			"--config=/var/lib/kubelet/config.yaml\n"},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void a_flag_goes_when_its_last_version_went(void **state)
{
	static const struct {
		const char *cluster;
		bool has_insecure_port;
	} rows[] = {
		{"kubernetesVersion=1.19", true},
		{"kubernetesVersion=1.20.2", true},
		{"kubernetesVersion=1.23.17", true},
		{"kubernetesVersion=1.24", false},
		{"kubernetesVersion=1.36", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row row = {ONE(APISERVER), COMPONENT_BOOTSTRAP,
			COMPONENT_FLAGS, NULL, rows[i].cluster, NULL};
		AUTO_TEXT text = write_row(&row);

		assert_int_equal(strstr(text, "--insecure-port=0\n") != NULL,
			rows[i].has_insecure_port);
	}
}

static void several_are_told_apart(void **state)
{
	static const struct row rows[] = {
		{ALL, COMPONENT_MANUAL, COMPONENT_FLAGS, NULL, "",
			"# kube-apiserver\n"
			"--client-ca-file=/etc/kubernetes/pki/ca.crt\n"
			"--authorization-mode=Node,RBAC\n"
			"--enable-admission-plugins=NodeRestriction\n"
			"--kubelet-client-certificate=/etc/kubernetes/pki/"
			"apiserver-kubelet-client.crt\n"
			"--kubelet-client-key=/etc/kubernetes/pki/"
			"apiserver-kubelet-client.key\n"
			"--kubelet-certificate-authority=/etc/kubernetes/pki/"
			"ca.crt\n"
			"\n"
			"# kube-controller-manager\n"
			"--cluster-signing-cert-file=\n"
			"--cluster-signing-key-file=\n"
			"\n"
			"# kubelet\n"
			"--kubeconfig=/etc/kubernetes/kubelet.conf\n"
			"--cert-dir=/var/lib/kubelet/pki\n"
			"--config=/var/lib/kubelet/config.yaml\n"},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void a_drop_in_sets_one_variable(void **state)
{
	static const struct row rows[] = {
		{ONE(KUBELET), COMPONENT_MANUAL, COMPONENT_SYSTEMD, NULL, "",
			"# /etc/systemd/system/kubelet.service.d/"
			"10-kpki.conf\n"
			"# ExecStart= of kubelet.service has to have "
			"$KPKI_ARGS in it.\n"
			"[Service]\n"
			"Environment=\"KPKI_ARGS=--kubeconfig=/etc/kubernetes/"
			"kubelet.conf \\\n"
			"    --cert-dir=/var/lib/kubelet/pki \\\n"
			"    --config=/var/lib/kubelet/config.yaml\"\n"},
	};
	AUTO_TEXT unit = component_file_name(APISERVER, COMPONENT_SYSTEMD);
	AUTO_TEXT flags = component_file_name(MANAGER, COMPONENT_FLAGS);

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
	assert_string_equal(unit, "kube-apiserver.service.d/10-kpki.conf");
	assert_string_equal(flags, "kube-controller-manager.flags");
}

#define KUBELET_HEAD                                                           \
	"apiVersion: \"kubelet.config.k8s.io/v1beta1\"\n"                      \
	"kind: \"KubeletConfiguration\"\n"                                     \
	"authentication:\n"                                                    \
	"  anonymous:\n"                                                       \
	"    enabled: false\n"                                                 \
	"  webhook:\n"                                                         \
	"    enabled: true\n"                                                  \
	"  x509:\n"
#define KUBELET_MODE                                                           \
	"authorization:\n"                                                     \
	"  mode: \"Webhook\"\n"

static void the_kubelets_file_uses_what_a_bundle_brings(void **state)
{
	static const struct row rows[] = {
		{ONE(KUBELET), COMPONENT_BOOTSTRAP, COMPONENT_FILE, NULL, "",
			KUBELET_HEAD
			"    clientCAFile: \"/etc/kubernetes/pki/"
			"ca.crt\"\n" KUBELET_MODE
			"tlsCertFile: \"/var/lib/kubelet/pki/kubelet.crt\"\n"
			"tlsPrivateKeyFile: \"/var/lib/kubelet/pki/"
			"kubelet.key\"\n"
			"rotateCertificates: false\n"},
		{ONE(KUBELET), COMPONENT_MANUAL, COMPONENT_FILE, NULL,
			"signing=in-cluster layout=pem",
			KUBELET_HEAD "    clientCAFile: \"/var/lib/kubernetes/"
				     "ca.pem\"\n" KUBELET_MODE
				     "rotateCertificates: true\n"},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void kubeadm_is_told_in_the_api_of_its_version(void **state)
{
	static const struct row rows[] = {
		{ONE(MANAGER), COMPONENT_BOOTSTRAP, COMPONENT_KUBEADM, NULL,
			"kubernetesVersion=1.20.2 "
			"server=https://api.example:6443",
			"apiVersion: \"kubeadm.k8s.io/v1beta2\"\n"
			"kind: \"ClusterConfiguration\"\n"
			"clusterName: \"kubernetes\"\n"
			"kubernetesVersion: \"v1.20.2\"\n"
			"certificatesDir: \"/etc/kubernetes/pki\"\n"
			"networking:\n"
			"  dnsDomain: \"cluster.local\"\n"
			"  serviceSubnet: \"10.96.0.0/12\"\n"
			"controlPlaneEndpoint: \"api.example:6443\"\n"
			"controllerManager:\n"
			"  extraArgs:\n"
			"    cluster-signing-cert-file: \"\"\n"
			"    cluster-signing-key-file: \"\"\n"
			"    controllers: "
			"\"*,bootstrapsigner,tokencleaner\"\n"},
		{ONE(MANAGER), COMPONENT_MANUAL, COMPONENT_KUBEADM, "/srv/pki",
			"kubernetesVersion=1.31 server=https://[fd00::1] "
			"serviceCIDRs=10.0.0.0/16,fd01::/108",
			"apiVersion: \"kubeadm.k8s.io/v1beta4\"\n"
			"kind: \"ClusterConfiguration\"\n"
			"clusterName: \"kubernetes\"\n"
			"certificatesDir: \"/srv/pki\"\n"
			"networking:\n"
			"  dnsDomain: \"cluster.local\"\n"
			"  serviceSubnet: \"10.0.0.0/16,fd01::/108\"\n"
			"controlPlaneEndpoint: \"[fd00::1]:443\"\n"
			"controllerManager:\n"
			"  extraArgs:\n"
			"  - name: \"cluster-signing-cert-file\"\n"
			"    value: \"\"\n"
			"  - name: \"cluster-signing-key-file\"\n"
			"    value: \"\"\n"},
		{ONE(KUBELET), COMPONENT_BOOTSTRAP, COMPONENT_KUBEADM, NULL, "",
			KUBELET_HEAD "    clientCAFile: \"/etc/kubernetes/pki/"
				     "ca.crt\"\n" KUBELET_MODE
				     "rotateCertificates: false\n"},
	};
	static const struct {
		const char *cluster, *version;
	} versions[] = {
		{"kubernetesVersion=1.19", "kubeadm.k8s.io/v1beta2"},
		{"kubernetesVersion=1.21.14", "kubeadm.k8s.io/v1beta2"},
		{"kubernetesVersion=1.22", "kubeadm.k8s.io/v1beta3"},
		{"kubernetesVersion=1.30.9", "kubeadm.k8s.io/v1beta3"},
		{"kubernetesVersion=1.31", "kubeadm.k8s.io/v1beta4"},
		{"", "kubeadm.k8s.io/v1beta4"},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		const struct row row = {ONE(APISERVER), COMPONENT_BOOTSTRAP,
			COMPONENT_KUBEADM, NULL, versions[i].cluster, NULL};
		AUTO_TEXT text = write_row(&row);

		assert_non_null(strstr(text, versions[i].version));
	}
}

/* Nodes that join by kubeadm have no serving pair of kpki's, so kube-apiserver
 * must not ask for one. */
static void kubeadms_own_nodes_are_not_asked_for_kpkis_files(void **state)
{
	static const struct {
		enum component_path path;
		bool has_pairs;
	} rows[] = {
		{COMPONENT_BOOTSTRAP, false},
		{COMPONENT_MANUAL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row row = {
			ALL, rows[i].path, COMPONENT_KUBEADM, NULL, "", NULL};
		AUTO_TEXT text = write_row(&row);

		assert_int_equal(
			strstr(text, "kubelet-certificate-authority") != NULL,
			rows[i].has_pairs);
		assert_int_equal(
			strstr(text, "tlsCertFile") != NULL, rows[i].has_pairs);
		assert_non_null(strstr(text, "\n---\n" KUBELET_HEAD));
	}
}

static void only_the_kubelet_takes_a_file(void **state)
{
	(void)state;
	assert_true(component_takes(KUBELET, COMPONENT_FILE));
	assert_false(component_takes(APISERVER, COMPONENT_FILE));
	assert_false(component_takes(MANAGER, COMPONENT_FILE));
	assert_true(component_takes(MANAGER, COMPONENT_KUBEADM));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_are_what_the_path_and_the_signer_need),
		cmocka_unit_test(a_flag_goes_when_its_last_version_went),
		cmocka_unit_test(several_are_told_apart),
		cmocka_unit_test(a_drop_in_sets_one_variable),
		cmocka_unit_test(the_kubelets_file_uses_what_a_bundle_brings),
		cmocka_unit_test(kubeadm_is_told_in_the_api_of_its_version),
		cmocka_unit_test(
			kubeadms_own_nodes_are_not_asked_for_kpkis_files),
		cmocka_unit_test(only_the_kubelet_takes_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
