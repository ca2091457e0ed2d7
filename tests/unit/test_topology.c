/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/cluster.h"

#define HEAD "apiVersion: kpki/v1\nkind: Cluster\n"

static struct cluster *read_text(const char *text)
{
	AUTO_TEXT whole = memory_format(HEAD "%s", text);
	AUTO_FREE(source)
	source = source_of_text(CLUSTER_FILE, whole, strlen(whole));
	struct cluster *cluster = NULL;
	struct error err = ERROR_INIT;

	if (!cluster_read(source, &cluster, &err))
		fail_msg("%s", err.message);
	return cluster;
}

static void a_file_without_the_keys_knows_no_hosts(void **state)
{
	AUTO_FREE(cluster) cluster = read_text("name: demo\n");

	(void)state;
	assert_null(cluster->topology);
}

static void hosts_are_read_with_their_addresses(void **state)
{
	AUTO_FREE(cluster)
	cluster = read_text("controlPlane:\n"
			    "  endpoint: api.example:6443\n"
			    "  bindPort: 6444\n"
			    "  certSANs: [\"FD00:0::1\", localhost]\n"
			    "  hosts:\n"
			    "    - name: cp-2\n"
			    "      addresses: [cp-2.example, 10.0.0.2]\n"
			    "    - name: cp-1\n"
			    "      addresses: [\"fd00::11\", 10.0.0.1]\n"
			    "etcd:\n"
			    "  hosts:\n"
			    "    - name: etcd-1\n"
			    "      addresses: [10.0.0.4]\n");
	const struct topology *topology = cluster->topology;
	AUTO_TEXT local = NULL;
	AUTO_TEXT six = NULL;
	struct node host;

	(void)state;
	assert_string_equal(cluster->server, "https://api.example:6443");
	assert_string_equal(cluster->server_host, "api.example");
	assert_string_equal(topology->endpoint_host, "api.example");
	assert_int_equal(topology->cert_sans.n_items, 2);
	assert_true(host_names_have(&topology->cert_sans, "fd00::1"));
	assert_true(host_names_have(&topology->cert_sans, "localhost"));
	assert_int_equal(inventory_count(topology->hosts), 2);
	assert_int_equal(inventory_count(topology->etcd_hosts), 1);
	assert_int_equal(inventory_count(topology->all), 3);
	host = inventory_node(topology->hosts, 1);
	assert_string_equal(host.name, "cp-2");
	assert_int_equal(host.line, 8);
	assert_string_equal(topology_advertised(&host), "10.0.0.2");
	local = topology_local_server(topology, &host);
	assert_string_equal(local, "https://10.0.0.2:6444");
	host = inventory_node(topology->hosts, 0);
	six = topology_local_server(topology, &host);
	assert_string_equal(six, "https://[fd00::11]:6444");
}

static void whose_a_name_or_address_is(void **state)
{
	static const struct {
		const char *text, *host;
	} rows[] = {
		{"cp-1", "cp-1"},
		{"cp-1.example", "cp-1"},
		{"10.0.0.1", "cp-1"},
		{"etcd-1", "etcd-1"},
		{"10.0.0.4", "etcd-1"},
		{"10.0.0.11", NULL},
		{"cp", NULL},
	};
	AUTO_FREE(cluster)
	cluster = read_text("controlPlane:\n"
			    "  hosts:\n"
			    "    - name: cp-1\n"
			    "      addresses: [10.0.0.1, cp-1.example]\n"
			    "etcd:\n"
			    "  topology: external\n"
			    "  hosts:\n"
			    "    - name: etcd-1\n"
			    "      addresses: [10.0.0.4]\n");

	(void)state;
	assert_null(cluster->server);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct node host;
		bool has = topology_has(cluster->topology, rows[i].text, &host);

		assert_int_equal(has, rows[i].host != NULL);
		if (has)
			assert_string_equal(host.name, rows[i].host);
	}
}

static void a_server_that_is_named_counts(void **state)
{
	AUTO_FREE(cluster)
	cluster = read_text("server: https://one.example\n"
			    "controlPlane:\n"
			    "  endpoint: two.example\n");

	(void)state;
	assert_string_equal(cluster->server, "https://one.example");
	assert_string_equal(cluster->topology->endpoint_host, "two.example");
	assert_null(cluster->topology->hosts);
	assert_null(cluster->topology->all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_without_the_keys_knows_no_hosts),
		cmocka_unit_test(hosts_are_read_with_their_addresses),
		cmocka_unit_test(whose_a_name_or_address_is),
		cmocka_unit_test(a_server_that_is_named_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
