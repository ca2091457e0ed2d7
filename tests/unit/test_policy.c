/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/inventory.h"
#include "kube/policy.h"

struct row {
	const char *name, *address; /* address may be NULL */
	const char *rule;	    /* NULL: accepted */
};

static struct cluster *test_cluster(const char *server)
{
	struct cluster *cluster = cluster_new();
	struct error err = ERROR_INIT;

	assert_true(cluster_set(
		cluster, "serviceCIDRs", "10.96.0.0/12,fd00:96::/108", &err));
	assert_true(cluster_set(cluster, "server", server, &err));
	return cluster;
}

/* What no inventory has, and a certificate may. */
static void a_wildcard_is_what_it_covers(void **state)
{
	AUTO_FREE(cluster) cluster =
		test_cluster("https://api.example.internal:6443");
	static const struct {
		const char *name;
		bool refused;
	} cases[] = {
		{"*.example.internal", true},
		{"*.EXAMPLE.internal", true},
		{"*.internal", false},
		{"*.api.example.internal", false},
		{"a*.example.internal", false},
		{"*.default", true},
		{"*", true},
		{"*.local", true},
		{"*.other.local", false},
		{"*.96.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct node node = {"w1", NULL, 0, cases[i].name, 1};
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (policy_check_node(cluster, &node, &err) == cases[i].refused)
			fail_msg("%s", cases[i].name);
	}
}

static void assert_row(const struct cluster *cluster, const struct row *row)
{
	AUTO_FREE(inventory) inventory = inventory_new("nodes.yaml");
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;
	AUTO_TEXT expected = NULL;
	struct node node;

	assert_true(inventory_add(inventory, row->name, &row->address,
		row->address ? 1 : 0, 7, &err));
	node = inventory_node(inventory, 0);
	if (policy_check_node(cluster, &node, &err)) {
		if (row->rule)
			fail_msg("accepted: %s %s", row->name, row->address);
		return;
	}
	found = error_text(&err);
	expected = row->address
			   ? memory_format("nodes.yaml:7: node \"%s\": "
					   "address \"%s\": no node may "
					   "answer for it: %s",
				     row->name, row->address,
				     row->rule ? row->rule : "accepted")
			   : memory_format("nodes.yaml:7: node \"%s\": no "
					   "node may answer for this name: %s",
				     row->name,
				     row->rule ? row->rule : "accepted");
	assert_string_equal(found, expected);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

#define API "a name of the API server's service"
#define DOMAIN "in the cluster's DNS domain \"cluster.local\""
#define SERVICE "a service's name"

static void what_the_api_server_is_called_is_no_nodes(void **state)
{
	static const struct row rows[] = {
		{"worker-1", NULL, NULL},
		{"kubernetes-worker-1", NULL, NULL},
		{"kubernetes1", NULL, NULL},
		{"my.kubernetes", NULL, NULL},
		{"cluster.local.example", NULL, NULL},
		{"mycluster.local", NULL, NULL},
		{"svc", NULL, NULL},
		{"w.svc.example", NULL, NULL},
		{"10.0.0.1", NULL, NULL},
		{"kubernetes", NULL, API},
		{"kubernetes.default", NULL, API},
		{"kubernetes.default.svc", NULL, API},
		{"kubernetes.default.svc.cluster.local", NULL, API},
		{"kubernetes.example", NULL, API},
		{"cluster.local", NULL, DOMAIN},
		{"w1.cluster.local", NULL, DOMAIN},
		{"a.b.svc.cluster.local", NULL, DOMAIN},
		{"hook.default.svc", NULL, SERVICE},
		{"api.example", NULL,
			"the host of the server \"https://api.example:6443\""},
		{"10.96.0.1", NULL, "in the service CIDR 10.96.0.0/12"},
		{"w1", "10.95.255.255", NULL},
		{"w1", "10.112.0.0", NULL},
		{"w1", "fd00:97::1", NULL},
		{"w1", "w1.api.example", NULL},
		{"w1", "10.96.0.1", "in the service CIDR 10.96.0.0/12"},
		{"w1", "10.111.255.255", "in the service CIDR 10.96.0.0/12"},
		{"w1", "kubernetes", API},
		{"w1", "kubernetes.default.svc", API},
		{"w1", "w1.cluster.local", DOMAIN},
		{"w1", "x.y.svc", SERVICE},
		{"w1", "api.example",
			"the host of the server \"https://api.example:6443\""},
	};
	AUTO_FREE(cluster) cluster = test_cluster("https://api.example:6443");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_row(cluster, &rows[i]);
}

static void an_endpoint_is_compared_in_canonical_text(void **state)
{
	static const struct row rows[] = {
		{"w1", "fd00::1",
			"the host of the server \"https://[FD00:0::1]:6443\""},
		{"w1", "fd00::2", NULL},
		{"w1", "fd00:96::a", "in the service CIDR fd00:96::/108"},
	};
	static const struct row four = {"w1", "192.0.2.1",
		"the host of the server \"https://192.0.2.1\""};
	AUTO_FREE(cluster) six = test_cluster("https://[FD00:0::1]:6443");
	AUTO_FREE(cluster) cluster = test_cluster("https://192.0.2.1");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_row(six, &rows[i]);
	assert_row(cluster, &four);
}

static void the_last_address_is_looked_at_too(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.1", "w1.example", "10.96.0.10"};
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_FREE(inventory) inventory = inventory_new(NULL);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct node node;

	(void)state;
	assert_true(inventory_add(inventory, "w1", addresses, 3, 0, &err));
	node = inventory_node(inventory, 0);
	assert_false(policy_check_node(cluster, &node, &err));
	assert_string_equal(err.message,
		"node \"w1\": address \"10.96.0.10\": no node may answer for "
		"it: in the service CIDR 10.96.0.0/12");
	assert_null(err.file);
}

static void no_user_is_kubernetes_own(void **state)
{
	static const struct {
		const char *text;
		bool taken;
	} rows[] = {
		{"alice", true},
		{"alice@example.org", true},
		{"systemic", true},
		{"System:masters", true},
		{"a:system:masters", true},
		{"system", true},
		{"system:", false},
		{"system:masters", false},
		{"kubeadm:cluster-admins", false},
		{"kubeadm:cluster-adminsx", true},
		{"system:node:w1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_int_equal(policy_check_user("user", rows[i].text, &err),
			rows[i].taken);
		if (rows[i].taken)
			continue;
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_non_null(strstr(err.message, rows[i].text));
	}
}

static struct cluster *cluster_with_hosts(void)
{
	static const char text[] = "apiVersion: kpki/v1\nkind: Cluster\n"
				   "controlPlane:\n"
				   "  endpoint: cp-1.example:6443\n"
				   "  certSANs: [k8s.example, 10.0.0.100]\n"
				   "  hosts:\n"
				   "    - name: cp-1\n"
				   "      addresses: [10.0.0.1, cp-1.example]\n"
				   "etcd:\n"
				   "  certSANs: [etcd.example]\n"
				   "  hosts:\n"
				   "    - name: etcd-1\n"
				   "      addresses: [10.0.0.4]\n";
	AUTO_FREE(source)
	source = source_of_text(CLUSTER_FILE, text, strlen(text));
	struct cluster *cluster = NULL;
	struct error err = ERROR_INIT;

	if (!cluster_read(source, &cluster, &err))
		fail_msg("%s", err.message);
	return cluster;
}

static void what_the_control_plane_is_called_is_no_nodes(void **state)
{
	static const struct row rows[] = {
		{"cp-1", NULL,
			"a name or address of host \"cp-1\" of the control "
			"plane"},
		{"w1", "10.0.0.1",
			"a name or address of host \"cp-1\" of the control "
			"plane"},
		{"w1", "cp-1.example",
			"the host of the server \"https://cp-1.example:6443\""},
		{"w1", "10.0.0.4",
			"a name or address of host \"etcd-1\" of the control "
			"plane"},
		{"w1", "k8s.example", "a name of the control plane (certSANs)"},
		{"w1", "10.0.0.100", "a name of the control plane (certSANs)"},
		{"etcd.example", NULL,
			"a name of the control plane (certSANs)"},
		{"w1", "10.0.0.11", NULL},
	};
	AUTO_FREE(cluster) cluster = cluster_with_hosts();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_row(cluster, &rows[i]);
}

static void a_host_may_be_the_endpoint_and_no_service(void **state)
{
	static const struct {
		const char *name;
		bool fine;
	} rows[] = {
		{"cp-1", true},
		{"k8s.example", true},
		{"kubernetes", false},
		{"cp.cluster.local", false},
		{"a.b.svc", false},
		{"10.96.0.1", false},
	};
	AUTO_FREE(cluster) cluster = cluster_with_hosts();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(inventory) inventory = inventory_new(NULL);
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct node host;

		assert_true(inventory_add(
			inventory, rows[i].name, NULL, 0, 0, &err));
		host = inventory_node(inventory, 0);
		assert_int_equal(
			policy_check_host(cluster, &host, &err), rows[i].fine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wildcard_is_what_it_covers),
		cmocka_unit_test(what_the_api_server_is_called_is_no_nodes),
		cmocka_unit_test(an_endpoint_is_compared_in_canonical_text),
		cmocka_unit_test(the_last_address_is_looked_at_too),
		cmocka_unit_test(no_user_is_kubernetes_own),
		cmocka_unit_test(what_the_control_plane_is_called_is_no_nodes),
		cmocka_unit_test(a_host_may_be_the_endpoint_and_no_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
