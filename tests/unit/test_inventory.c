/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "kube/inventory_read.h"

#define FILE_NAME "nodes"

static bool read_text(
	const char *text, struct inventory **ret_inventory, struct error *err)
{
	AUTO_FREE(source)
	source = source_of_text(FILE_NAME, text, strlen(text));

	return inventory_read(source, ret_inventory, err);
}

/* "w1@2=10.0.0.1,w1.example w2@3=": name, line, addresses. */
static char *describe(const struct inventory *inventory)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	for (size_t i = 0; i < inventory_count(inventory); i++) {
		struct node node = inventory_node(inventory, i);

		buffer_format(&text, "%s%s@%u=", i > 0 ? " " : "", node.name,
			node.line);
		for (size_t j = 0; j < node.n_addresses; j++)
			buffer_format(&text, "%s%s", j > 0 ? "," : "",
				node_address(&node, j));
	}
	return buffer_detach(&text);
}

static void assert_reads(const char *text, const char *expected)
{
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	if (!read_text(text, &inventory, &err))
		fail_msg("%s\nin: %s", err.message, text);
	found = describe(inventory);
	assert_string_equal(found, expected);
}

static void assert_refuses(const char *text, const char *expected)
{
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	if (read_text(text, &inventory, &err))
		fail_msg("accepted: %s", text);
	found = error_text(&err);
	assert_string_equal(found, expected);
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_null(inventory);
}

#define OWN "apiVersion: kpki/v1\nkind: NodeInventory\nnodes:\n"

static void our_own_kind_is_read(void **state)
{
	(void)state;
	assert_reads(OWN "- name: w2\n"
			 "  addresses: [10.0.0.2, w2.example]\n"
			 "- addresses:\n"
			 "  - FD00::1\n"
			 "  name: w1\n",
		"w1@8=fd00::1 w2@4=10.0.0.2,w2.example");
	assert_reads(OWN "- name: w1\n", "w1@4=");
	assert_reads(OWN "- {name: w1, addresses: []}\n", "w1@4=");
	assert_reads("# comment\n\n  # another\n" OWN "- name: w1\n", "w1@7=");
	assert_reads("---\n" OWN "- name: \"w1\"\n", "w1@5=");
	assert_reads("%YAML 1.1\n---\n" OWN "- name: w1\n", "w1@6=");
	assert_reads("nodes:\n- name: w1\nkind: NodeInventory\n"
		     "apiVersion: kpki/v1\n",
		"w1@2=");
	assert_reads("{\"nodes\": [\n{\"name\": \"w1\", \"addresses\": "
		     "[\"10.0.0.1\"]}],\n\"apiVersion\": \"kpki/v1\", "
		     "\"kind\": \"NodeInventory\"}\n",
		"w1@2=10.0.0.1");
}

static void our_own_kind_is_strict(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{OWN "- nam: w1\n", "nodes:4: key \"nam\": unknown (did you "
				    "mean \"name\"?)"},
		{OWN "- name: w1\n  ip: 10.0.0.1\n",
			"nodes:5: key \"ip\": unknown"},
		{OWN "- addresses: [10.0.0.1]\n", "nodes:4: name: missing"},
		{OWN "- w1\n", "nodes:4: node \"w1\": must be a map, is text"},
		{OWN "- name: 7\n",
			"nodes:4: name \"7\": must be text, is a number (quote "
			"it)"},
		{OWN "- name: true\n",
			"nodes:4: name \"true\": must be text, is a boolean "
			"(quote it)"},
		{OWN "- name: [w1]\n",
			"nodes:4: name: must be text, is a list"},
		{OWN "- name: W1\n",
			"nodes:4: node \"W1\": has upper case (Kubernetes: "
			"IsDNS1123Subdomain)"},
		{OWN "- name: w1\n  addresses: 10.0.0.1\n",
			"nodes:5: addresses \"10.0.0.1\": must be a list, is "
			"text"},
		{OWN "- name: w1\n  addresses:\n",
			"nodes:5: addresses: must be a list, is null"},
		{OWN "- name: w1\n  addresses:\n  - 10.0.0.1\n  - 10.5\n",
			"nodes:7: address \"10.5\": must be text, is a number "
			"(quote it)"},
		{OWN "- name: w1\n  addresses:\n  - 10.0.0.1\n"
		     "  - 10.0.0\n",
			"nodes:7: node \"w1\": address \"10.0.0\": not an IP "
			"address or DNS name: the last label is a number "
			"(RFC 1123, 2.1)"},
		{OWN "- name: w1\n  addresses: [127.0.0.1]\n",
			"nodes:5: node \"w1\": address \"127.0.0.1\": a "
			"loopback address (Kubernetes: validateNodeIP)"},
		{OWN "- name: w1\n  addresses: [10.0.0.1, w1.a, 10.0.0.1]\n",
			"nodes:5: node \"w1\": address \"10.0.0.1\": stands "
			"twice"},
		{OWN "- name: w1\n  addresses: [fd00::1, \"FD00:0::1\"]\n",
			"nodes:5: node \"w1\": address \"FD00:0::1\": stands "
			"twice"},
		{OWN "- name: w1\n- name: w2\n- name: w1\n",
			"nodes:6: node \"w1\": stands twice, first in line 4"},
		{OWN "- name: w1\n  name: w2\n",
			"nodes:5: key \"name\": stands twice"},
		{"apiVersion: kpki/v1\nkind: NodeInventory\nnodes: 7\n",
			"nodes:3: nodes \"7\": must be a list, is a number"},
		{OWN "extra: 1\n", "nodes:4: key \"extra\": unknown"},
		{OWN "- name: w1\nextra: 1\n",
			"nodes:5: key \"extra\": unknown"},
		{OWN "- name: w1\nitems: []\n",
			"nodes:5: key \"items\": unknown"},
		{OWN "  []\n", "nodes: the inventory has no nodes"},
		{"apiVersion: kpki/v1\nkind: NodeInventory\n",
			"nodes:1: nodes: missing"},
		{"apiVersion: kpki/v2\nkind: NodeInventory\nnodes:\n"
		 "- name: w1\n",
			"nodes:1: apiVersion \"kpki/v2\": must be \"kpki/v1\""},
		{"apiVersion: kpki/v1\nkind: Cluster\nnodes:\n- name: w1\n",
			"nodes:2: kind \"Cluster\": must be \"NodeInventory\""},
		{"kind: NodeInventory\nnodes:\n- name: w1\n",
			"nodes:1: apiVersion: missing, must be \"kpki/v1\""},
		{"apiVersion: kpki/v1\nnodes:\n- name: w1\n",
			"nodes:1: kind: missing, must be \"NodeInventory\""},
		{"{\"apiVersion\": \"kpki/v1\", \"kind\": "
		 "\"NodeInventory\",\n\"nodes\": [{\"name\": \"w1\",\n"
		 "\"adresses\": []}]}",
			"nodes:3: key \"adresses\": unknown (did you mean "
			"\"addresses\"?)"},
		{"{\"apiVersion\": \"kpki/v1\", \"kind\": "
		 "\"NodeInventory\",\n\"nodes\": [{\"name\":\n7}]}",
			"nodes:3: name \"7\": must be text, is a number (quote "
			"it)"},
		{"[]", "nodes:1: inventory: must be a map, is a list"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refuses(rows[i].text, rows[i].message);
}

static void the_own_name_among_the_addresses_says_nothing(void **state)
{
	(void)state;
	assert_reads(OWN "- name: w1\n  addresses: [w1, 10.0.0.1, w1]\n",
		"w1@4=10.0.0.1");
	assert_reads("10.0.0.1 10.0.0.1 w1\n", "10.0.0.1@1=w1");
}

static void plain_text_is_a_node_a_line(void **state)
{
	(void)state;
	assert_reads("w1\n", "w1@1=");
	assert_reads("w1", "w1@1=");
	assert_reads("# all of them\n\n  w2\t10.0.0.2  w2.example \n"
		     "w1 10.0.0.1 # the first\n   # none\n",
		"w1@4=10.0.0.1 w2@3=10.0.0.2,w2.example");
	assert_reads("w1 FD00::A\n", "w1@1=fd00::a");
}

static void plain_text_is_strict(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "nodes: the inventory has no nodes"},
		{"\n# none\n", "nodes: the inventory has no nodes"},
		{"w1\nW2\n",
			"nodes:2: node \"W2\": has upper case (Kubernetes: "
			"IsDNS1123Subdomain)"},
		{"w1\n\nw2 10.0.0.256\n",
			"nodes:3: node \"w2\": address \"10.0.0.256\": not an "
			"IP address or DNS name: the last label is a number "
			"(RFC 1123, 2.1)"},
		{"w1 10.0.0.1 10.0.0.1\n",
			"nodes:1: node \"w1\": address \"10.0.0.1\": stands "
			"twice"},
		{"w1#x\n", "nodes:1: node \"w1#x\": has a character other than "
			   "a-z, 0-9, \"-\" and \".\" (Kubernetes: "
			   "IsDNS1123Subdomain)"},
		{"w1,10.0.0.1\n",
			"nodes:1: node \"w1,10.0.0.1\": has a character other "
			"than a-z, 0-9, \"-\" and \".\" (Kubernetes: "
			"IsDNS1123Subdomain)"},
		{"b\nc\na\nc\nb\n",
			"nodes:4: node \"c\": stands twice, first in line 2"},
		{"a\na\na\n",
			"nodes:2: node \"a\": stands twice, first in line 1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refuses(rows[i].text, rows[i].message);
}

#define NODE(name, addresses)                                                  \
	"- apiVersion: v1\n"                                                   \
	"  kind: Node\n"                                                       \
	"  metadata:\n"                                                        \
	"    annotations:\n"                                                   \
	"      volumes.kubernetes.io/controller-managed-attach-detach: "       \
	"\"true\"\n"                                                           \
	"    name: " name "\n"                                                 \
	"    uid: 4c1bd1d1-d8b2-4c1b-9b0f-0a4d5f2c0001\n"                      \
	"  spec: {}\n"                                                         \
	"  status:\n"                                                          \
	"    addresses:\n" addresses "    daemonEndpoints:\n"                  \
	"      kubeletEndpoint:\n"                                             \
	"        Port: 10250\n"
#define ADDRESS(type, address)                                                 \
	"    - address: " address "\n      type: " type "\n"
#define LIST_END "kind: List\nmetadata:\n  resourceVersion: \"\"\n"

static void what_kubectl_prints_is_read(void **state)
{
	(void)state;
	assert_reads(
		"apiVersion: v1\nitems:\n" NODE("w2",
			ADDRESS("InternalIP", "10.0.0.2")
				ADDRESS("Hostname", "W2")) NODE("w1",
			ADDRESS("InternalIP", "10.0.0.1") ADDRESS(
				"ExternalIP", "192.0.2.1") ADDRESS("InternalIP",
				"FD00::1") ADDRESS("Hostname",
				"w1") ADDRESS("InternalDNS",
				"W1.Example.internal") ADDRESS("ExternalDNS",
				"w1.example") ADDRESS("ExternalDNS", "\"\"")
				ADDRESS("InternalIP", "10.0.0.1")) LIST_END,
		"w1@25=10.0.0.1,192.0.2.1,fd00::1,w1.example.internal,"
		"w1.example w2@8=10.0.0.2");
	assert_reads("{\"apiVersion\": \"v1\", \"items\": [{\n"
		     "\"apiVersion\": \"v1\", \"kind\": \"Node\",\n"
		     "\"metadata\": {\"name\": \"w1\"},\n"
		     "\"status\": {\"addresses\": [{\"type\": \"Hostname\", "
		     "\"address\": \"w1\"}, {\"type\": \"InternalIP\", "
		     "\"address\": \"10.0.0.1\"}], \"capacity\": 1.5}}],\n"
		     "\"kind\": \"List\"}",
		"w1@3=10.0.0.1");
	assert_reads("kind: NodeList\napiVersion: v1\nitems:\n"
		     "- metadata: {name: w1}\n",
		"w1@4=");
	assert_reads("apiVersion: v1\nkind: Node\nmetadata:\n  name: w1\n"
		     "status:\n  addresses:\n"
		     "  - {type: InternalIP, address: 10.0.0.1}\n",
		"w1@4=10.0.0.1");
}

static void objects_of_other_kinds_are_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n"
		 "  kind: Pod\n  metadata: {name: p}\n",
			"nodes:5: kind \"Pod\": must be \"Node\""},
		{"apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n"
		 "  kind: Node\n  metadata: {name: p}\n",
			"nodes:4: apiVersion \"apps/v1\": must be \"v1\""},
		{"apiVersion: v1\nkind: List\nitems:\n"
		 "- metadata: {name: w1}\n",
			"nodes:4: kind: missing"},
		{"apiVersion: v1\nkind: List\n", "nodes:1: items: missing"},
		{"apiVersion: v1\nkind: List\nitems: []\n",
			"nodes: the inventory has no nodes"},
		{"apiVersion: v1\nkind: List\nitems: 7\n",
			"nodes:3: items \"7\": must be a list, is a number"},
		{"apiVersion: v2\nkind: List\nitems: []\n",
			"nodes:1: apiVersion \"v2\": must be \"v1\""},
		{"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
			"nodes:2: kind \"Pod\": not NodeInventory (kpki/v1), "
			"List, NodeList or Node (v1)"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: a}\nitems: "
		 "[]\n",
			"nodes:2: kind \"Node\": not NodeInventory (kpki/v1), "
			"List, NodeList or Node (v1)"},
		{"apiVersion: v1\n", "nodes:1: kind: missing"},
		{"apiVersion: v1\nkind: Node\n", "nodes:1: metadata: missing"},
		{"apiVersion: v1\nkind: Node\nmetadata:\n  uid: x\n",
			"nodes:4: metadata.name: missing"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: w1}\nstatus: "
		 "{addresses: [{type: LegacyHostIP, address: 10.0.0.1}]}\n",
			"nodes:4: status.addresses.type \"LegacyHostIP\": "
			"unknown (Kubernetes: NodeAddressType)"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: w1}\nstatus: "
		 "{addresses: [{type: InternalIP}]}\n",
			"nodes:4: status.addresses.address: missing"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: w1}\nstatus: "
		 "{addresses: [10.0.0.1]}\n",
			"nodes:4: status.addresses \"10.0.0.1\": must be a "
			"map, is text"},
		{"apiVersion: v1\nkind: Node\nmetadata: {name: w1}\nstatus: "
		 "{addresses: [{type: InternalIP, address: 127.0.0.1}]}\n",
			"nodes:4: node \"w1\": address \"127.0.0.1\": a "
			"loopback address (Kubernetes: validateNodeIP)"},
		{"apiVersion: v1\nkind: List\nnodes:\n- name: w1\nitems: "
		 "[]\n",
			"nodes:1: apiVersion \"v1\": must be \"kpki/v1\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refuses(rows[i].text, rows[i].message);
}

static void a_long_comment_hides_the_shape(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	(void)state;
	while (text.len < 4000)
		buffer_add_text(&text, "# comment\n");
	buffer_add_text(&text, OWN "- name: w1\n");
	assert_reads(text.data, "w1@404=");
	buffer_reset(&text);
	while (text.len < 5000)
		buffer_add_text(&text, "# comment\n");
	buffer_add_text(&text, OWN "- name: w1\n");
	assert_refuses(text.data,
		"nodes: the first 4096 bytes are comments: what follows them "
		"cannot be told apart");
}

static void a_node_has_at_most_64_addresses(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	buffer_add_text(&text, "w1");
	for (unsigned i = 0; i < NODE_ADDRESSES_MAX; i++)
		buffer_format(&text, " 10.0.0.%u", i);
	assert_true(read_text(text.data, &inventory, &err));
	assert_int_equal(inventory_node(inventory, 0).n_addresses, 64);
	buffer_add_text(&text, " 10.0.1.1");
	assert_refuses(text.data, "nodes:1: node \"w1\": address "
				  "\"10.0.1.1\": a node has at most 64");
}

static void no_two_nodes_share_an_address(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"w1 10.0.0.1\nw2 10.0.0.2\n", NULL},
		{"a 10.0.0.1\nb 10.0.0.2 fd00::1\nc x.example FD00:0::1\n",
			"nodes:3: node \"c\": address \"fd00::1\": node \"b\" "
			"has it (line 2)"},
		{"c 10.0.0.1\nb 10.0.0.1\na 10.0.0.1\n",
			"nodes:2: node \"b\": address \"10.0.0.1\": node \"c\" "
			"has it (line 1)"},
		{"w1 10.0.0.1\nw2 w1\n",
			"nodes:2: node \"w2\": address \"w1\": it is the name "
			"of another node (line 1)"},
		{"w2 w1\nw1 10.0.0.1\n",
			"nodes:2: node \"w1\": node \"w2\" has this name as "
			"an address (line 1)"},
		{"10.0.0.1\nw1 10.0.0.1\n",
			"nodes:2: node \"w1\": address \"10.0.0.1\": it is the "
			"name of another node (line 1)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(inventory) inventory = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT found = NULL;

		assert_true(read_text(rows[i].text, &inventory, &err));
		if (inventory_check_shared(inventory, &err)) {
			assert_null(rows[i].message);
			continue;
		}
		found = error_text(&err);
		assert_string_equal(
			found, rows[i].message ? rows[i].message : "accepted");
		assert_int_equal(err.kind, ERROR_REFUSED);
	}
}

static struct inventory *three_nodes(void)
{
	struct inventory *inventory = NULL;
	struct error err = ERROR_INIT;

	assert_true(read_text(
		"worker-2 10.0.0.2\nworker-10\nworker-1\n", &inventory, &err));
	return inventory;
}

static void a_node_is_found_by_its_name(void **state)
{
	AUTO_FREE(inventory) inventory = three_nodes();
	struct node node;

	(void)state;
	assert_true(inventory_find(inventory, "worker-2", &node));
	assert_string_equal(node.name, "worker-2");
	assert_string_equal(node.file, FILE_NAME);
	assert_int_equal(node.line, 1);
	assert_string_equal(node_address(&node, 0), "10.0.0.2");
	assert_true(inventory_find(inventory, "worker-1", &node));
	assert_int_equal(node.n_addresses, 0);
	assert_false(inventory_find(inventory, "worker-3", &node));
	assert_false(inventory_find(inventory, "", &node));
	assert_false(inventory_find(inventory, "z", &node));
}

static void selecting_keeps_what_is_named(void **state)
{
	static const char *const names[] = {"worker-2", "worker-1"};
	AUTO_FREE(inventory) inventory = three_nodes();
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	(void)state;
	assert_true(inventory_select(inventory, names, 2, &err));
	found = describe(inventory);
	assert_string_equal(found, "worker-1@3= worker-2@1=10.0.0.2");
}

static void selecting_what_is_not_there_names_the_nearest(void **state)
{
	static const struct {
		const char *names[2];
		const char *message;
	} rows[] = {
		{{"worker-1", "worker-20"},
			"nodes: node \"worker-20\": not in the inventory (did "
			"you mean \"worker-10\"?)"},
		{{"worker-1", "x"}, "nodes: node \"x\": not in the inventory"},
		{{"worker-1", "worker-1"}, "node \"worker-1\": stands twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(inventory) inventory = three_nodes();
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT found = NULL;

		assert_false(
			inventory_select(inventory, rows[i].names, 2, &err));
		found = error_text(&err);
		assert_string_equal(found, rows[i].message);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(inventory_count(inventory), 3);
	}
}

static void names_on_the_command_line_have_no_place(void **state)
{
	static const char *const addresses[] = {"10.0.0.1", "w1.example"};
	static const char *const twice[] = {"10.0.0.1", "10.0.0.1"};
	AUTO_FREE(inventory) inventory = inventory_new(NULL);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	(void)state;
	assert_true(inventory_add(inventory, "w2", NULL, 0, 0, &err));
	assert_false(inventory_add(inventory, "w1", twice, 2, 0, &err));
	assert_string_equal(
		err.message, "node \"w1\": address \"10.0.0.1\": stands twice");
	assert_null(err.file);
	error_release(&err);
	assert_true(inventory_add(inventory, "w1", addresses, 2, 0, &err));
	assert_true(inventory_seal(inventory, &err));
	found = describe(inventory);
	assert_string_equal(found, "w1@0=10.0.0.1,w1.example w2@0=");
	assert_true(inventory_add(inventory, "w3", addresses, 1, 0, &err));
	assert_true(inventory_seal(inventory, &err));
	assert_false(inventory_check_shared(inventory, &err));
	assert_string_equal(err.message,
		"node \"w3\": address \"10.0.0.1\": node \"w1\" has it");
	error_release(&err);
	assert_true(inventory_add(inventory, "w2", addresses, 1, 0, &err));
	assert_false(inventory_seal(inventory, &err));
	assert_string_equal(err.message, "node \"w2\": stands twice");
}

static void ten_thousand_nodes_are_read(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct node node;

	(void)state;
	buffer_add_text(&text, OWN);
	for (unsigned i = 0; i < 10000; i++)
		buffer_format(&text,
			"- name: worker-%u\n"
			"  addresses: [10.1.%u.%u, worker-%u.example]\n",
			i, i / 256, i % 256, i);
	assert_true(read_text(text.data, &inventory, &err));
	assert_true(inventory_check_shared(inventory, &err));
	assert_int_equal(inventory_count(inventory), 10000);
	for (size_t i = 1; i < 10000; i++)
		assert_true(strcmp(inventory_node(inventory, i - 1).name,
				    inventory_node(inventory, i).name) < 0);
	assert_true(inventory_find(inventory, "worker-9999", &node));
	assert_string_equal(node_address(&node, 0), "10.1.39.15");
	assert_string_equal(node_address(&node, 1), "worker-9999.example");
	assert_int_equal(node.line, 4 + 2 * 9999);
}

static void there_are_at_most_a_million_nodes(void **state)
{
	AUTO_FREE(inventory) inventory = inventory_new(FILE_NAME);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < INVENTORY_NODES_MAX; i++) {
		snprintf(name, sizeof(name), "w%u", i);
		assert_true(
			inventory_add(inventory, name, NULL, 0, i + 1, &err));
	}
	assert_false(inventory_add(
		inventory, "w", NULL, 0, INVENTORY_NODES_MAX + 1, &err));
	found = error_text(&err);
	assert_string_equal(found,
		"nodes:1000001: node \"w\": there are more than 1000000 "
		"nodes");
}

static void the_template_is_an_inventory(void **state)
{
	const char *top = getenv("top_srcdir");
	AUTO_TEXT path = NULL;
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(inventory) inventory = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT found = NULL;

	(void)state;
	if (!top)
		skip(); /* run by hand: the build always says where it is */
	path = memory_format("%s/templates/inventory.yaml", top);
	if (!source_open(path, 65536, &source, &err) ||
		!inventory_read(source, &inventory, &err) ||
		!inventory_check_shared(inventory, &err))
		fail_msg("%s", err.message);
	found = describe(inventory);
	assert_string_equal(found,
		"worker-1@14=10.0.0.11,worker-1.example.internal "
		"worker-2@19=10.0.0.12,worker-2.example.internal "
		"worker-3@25=10.0.0.13,worker-3.example.internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_kind_is_read),
		cmocka_unit_test(our_own_kind_is_strict),
		cmocka_unit_test(the_own_name_among_the_addresses_says_nothing),
		cmocka_unit_test(plain_text_is_a_node_a_line),
		cmocka_unit_test(plain_text_is_strict),
		cmocka_unit_test(what_kubectl_prints_is_read),
		cmocka_unit_test(objects_of_other_kinds_are_refused),
		cmocka_unit_test(a_long_comment_hides_the_shape),
		cmocka_unit_test(a_node_has_at_most_64_addresses),
		cmocka_unit_test(no_two_nodes_share_an_address),
		cmocka_unit_test(a_node_is_found_by_its_name),
		cmocka_unit_test(selecting_keeps_what_is_named),
		cmocka_unit_test(selecting_what_is_not_there_names_the_nearest),
		cmocka_unit_test(names_on_the_command_line_have_no_place),
		cmocka_unit_test(ten_thousand_nodes_are_read),
		cmocka_unit_test(there_are_at_most_a_million_nodes),
		cmocka_unit_test(the_template_is_an_inventory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
