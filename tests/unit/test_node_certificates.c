/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/inventory.h"
#include "kube/node_certificates.h"
#include "pki/pem.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

struct world {
	struct cluster *cluster;
	struct authority *ca;
	struct inventory *inventory;
	struct buffer leaves[KUBELET_PAIRS]; /* DER */
	struct buffer text;		     /* the file with both */
};

static struct authority *new_authority(const char *common_name)
{
	const struct authority_request request = {
		.common_name = common_name,
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, 10 * SPAN_YEAR),
	};
	struct authority *ca = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(authority_create(&request, &ca, &err));
	return ca;
}

static struct lifetime one_year(void)
{
	return (struct lifetime){
		instant_add(now, -300), instant_add(now, SPAN_YEAR)};
}

static void issue(const struct authority *ca, const struct profile *profile,
	const struct node *node, struct lifetime lifetime, struct buffer *der)
{
	AUTO_FREE(key) key = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct profile_order order = {.profile = profile,
		.ca = ca,
		.holder = {.node = node},
		.lifetime = lifetime};
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;

	assert_true(key_generate(KEY_ECDSA_P256, &key, &err));
	order.public_key = key_public(key);
	if (!profile_issue(&order, der, serial, &serial_len, &err))
		fail_msg("%s", err.message);
}

static struct node_certificates describe(const struct world *world)
{
	return (struct node_certificates){
		.node = "worker-1",
		.cluster = world->cluster,
		.layout = LAYOUT_KUBEADM,
		.ca_pem = authority_pem(world->ca),
		.certificates = {der_of(&world->leaves[KUBELET_CLIENT]),
			der_of(&world->leaves[KUBELET_SERVING])},
	};
}

static void write_file(
	const struct node_certificates *file, struct buffer *text)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!node_certificates_write(file, text, &err))
		fail_msg("%s", err.message);
}

static int make_world(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.11", "worker-1.example.internal", "fd00::11"};
	struct world *world = memory_new(1, sizeof(*world));
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct node_certificates file;
	struct node node;

	world->text = (struct buffer)BUFFER_INIT;
	world->cluster = cluster_new();
	world->ca = new_authority("kubernetes");
	world->inventory = inventory_new(NULL);
	assert_true(cluster_set(
		world->cluster, "server", "https://api.example:6443", &err));
	assert_true(inventory_add(
		world->inventory, "worker-1", addresses, 3, 0, &err));
	node = inventory_node(world->inventory, 0);
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		world->leaves[i] = (struct buffer)BUFFER_INIT;
		issue(world->ca, profile_of_pair(i), &node, one_year(),
			&world->leaves[i]);
	}
	file = describe(world);
	write_file(&file, &world->text);
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;

	cluster_free(world->cluster);
	authority_free(world->ca);
	inventory_free(world->inventory);
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		buffer_release(&world->leaves[i]);
	buffer_release(&world->text);
	free(world);
	return 0;
}

static bool read_at(const char *text, struct instant at,
	struct node_certificates **ret_file, struct error *err)
{
	AUTO_FREE(source)
	source = source_of_text("w.yaml", text, strlen(text));

	return node_certificates_read(source, at, ret_file, err);
}

static void refuses_at(
	const char *text, struct instant at, unsigned line, const char *words)
{
	AUTO_FREE(node_certificates) file = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (read_at(text, at, &file, &err))
		fail_msg("taken, not refused with \"%s\"", words);
	assert_int_equal(err.kind, ERROR_INPUT);
	if (!strstr(err.message, words) || (line && err.line != line))
		fail_msg("%u: %s", err.line, err.message);
	assert_string_equal(err.file, "w.yaml");
}

static void refuses(const char *text, unsigned line, const char *words)
{
	refuses_at(text, now, line, words);
}

static void what_is_written_reads_as_the_same(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(node_certificates) file = NULL;
	AUTO_RELEASE(buffer) again = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!read_at(world->text.data, now, &file, &err))
		fail_msg("%s", err.message);
	assert_string_equal(file->node, "worker-1");
	assert_string_equal(file->cluster->server, "https://api.example:6443");
	assert_int_equal(file->cluster->signing, SIGNING_OFFLINE);
	assert_true(der_equal(
		file->ca->whole, authority_certificate(world->ca)->whole));
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		assert_true(der_equal(
			file->certificates[i], der_of(&world->leaves[i])));
		assert_true(der_equal(
			file->leaves[i]->whole, file->certificates[i]));
	}
	write_file(file, &again);
	assert_string_equal(again.data, world->text.data);
}

static void one_certificate_and_another_layout_are_fine(void **state)
{
	const struct world *world = *state;
	struct node_certificates says = describe(world);
	AUTO_FREE(node_certificates) file = NULL;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	says.certificates[KUBELET_CLIENT].len = 0;
	says.layout = LAYOUT_PEM;
	write_file(&says, &text);
	if (!read_at(text.data, now, &file, &err))
		fail_msg("%s", err.message);
	assert_int_equal(file->layout, LAYOUT_PEM);
	assert_null(file->leaves[KUBELET_CLIENT]);
	assert_int_equal(file->certificates[KUBELET_CLIENT].len, 0);
	assert_non_null(file->leaves[KUBELET_SERVING]);
}

static void a_cluster_without_a_server_is_refused(void **state)
{
	const struct world *world = *state;
	struct node_certificates says = describe(world);
	AUTO_FREE(cluster) bare = cluster_new();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	says.cluster = bare;
	assert_false(node_certificates_write(&says, &text, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_int_equal(text.len, 0);
}

/* The file with the first `from` in it made `to`. */
static char *with(const struct world *world, const char *from, const char *to)
{
	const char *at = strstr(world->text.data, from);

	assert_non_null(at);
	return memory_format("%.*s%s%s", (int)(at - world->text.data),
		world->text.data, to, at + strlen(from));
}

static void edits_are_refused_with_line_and_rule(void **state)
{
	static const struct {
		const char *from, *to;
		unsigned line;
		const char *words;
	} edits[] = {
		{"kpki/v1", "kpki/v2", 2, "must be \"kpki/v1\""},
		{"NodeCertificates", "Cluster", 3, "NodeCertificates"},
		{"node:", "nodes:", 4, "did you mean \"node\"?"},
		{"node: \"worker-1\"\n", "", 2, "node: missing"},
		{"\"worker-1\"", "1", 4, "node \"1\": must be text"},
		{"\"worker-1\"", "Worker-1", 4, "node \"Worker-1\": has upper"},
		{"\"worker-1\"", "../up", 4, "node \"../up\""},
		{"node: \"worker-1\"\n", "node: w\nnode: w\n", 5, "\"node\""},
		{"layout: \"kubeadm\"\n", "", 2, "layout: missing"},
		{"\"kubeadm\"", "kind", 5, "not kubeadm or pem"},
		{"cluster:\n", "cluster: {}\nx:\n", 7, "key \"x\": unknown"},
		{"  signing: \"offline\"\n", "", 7, "signing: missing"},
		{"signing: \"offline\"", "signing: maybe", 8, "not offline or"},
		{"  signing:", "  dnsDomain: a.b\n  signing:", 8,
			"key \"dnsDomain\": unknown"},
		{"  signing:", "  server: https://a\n  signing:", 8,
			"\"server\""},
		{"https:", "http:", 7, "not an https URL"},
		{"ca: |\n", "ca: |\n  x\n", 9, "ca: "},
		{"ca: |\n  -----BEGIN", "ca: |\n  -----BEGUN", 9, "ca: "},
		{"certificates:\n", "certificates: []\nx:\n", 0, "\"x\""},
		{"certificates:\n  - |", "certificates:\n  - 5\n  - |", 0,
			"certificate \"5\": must be text"},
		{"certificates:\n", "certificate:\n", 0, "did you mean"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		AUTO_TEXT text = with(world, edits[i].from, edits[i].to);

		refuses(text, edits[i].line, edits[i].words);
	}
}

static void an_empty_list_and_a_list_of_three_are_refused(void **state)
{
	const struct world *world = *state;
	const char *list = strstr(world->text.data, "certificates:\n");
	AUTO_TEXT empty = memory_format("%.*scertificates: []\n",
		(int)(list - world->text.data), world->text.data);
	AUTO_TEXT three = memory_format(
		"%s%s", world->text.data, list + strlen("certificates:\n"));

	refuses(empty, 0, "certificates: none in the list");
	refuses(three, 0, "certificate \"kubelet-client\": there twice");
}

static void another_node_than_the_certificates_is_refused(void **state)
{
	AUTO_TEXT text = with(*state, "\"worker-1\"", "\"worker-2\"");

	refuses(text, 0,
		"certificate \"kubelet-client\": the subject is "
		"\"CN=system:node:worker-1,O=system:nodes\", not "
		"\"CN=system:node:worker-2,O=system:nodes\"");
}

static void only_its_time_counts(void **state)
{
	const struct world *world = *state;

	refuses_at(world->text.data, instant_add(now, -SPAN_HOUR), 0,
		"certificate \"kubelet-client\": not valid before 2026-11-24");
	refuses_at(world->text.data, instant_add(now, SPAN_YEAR + 1), 0,
		"certificate \"kubelet-client\": expired at 2027-11-24");
	refuses_at(world->text.data, instant_add(now, 11 * SPAN_YEAR), 9,
		"CA certificate: expired at");
}

static void another_ca_is_refused(void **state)
{
	static const struct {
		const char *name, *words;
	} cas[] = {
		{"other", "issued by another CA than that of the file"},
		{"kubernetes", "not signed by the CA of the file"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cas); i++) {
		AUTO_FREE(authority) other = new_authority(cas[i].name);
		struct node_certificates says = describe(world);
		AUTO_RELEASE(buffer) text = BUFFER_INIT;

		says.ca_pem = authority_pem(other);
		write_file(&says, &text);
		refuses(text.data, 0, cas[i].words);
	}
}

static void a_leaf_is_no_ca(void **state)
{
	const struct world *world = *state;
	struct node_certificates says = describe(world);
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	pem_write(&pem, "CERTIFICATE", der_of(&world->leaves[0]));
	says.ca_pem = &pem;
	write_file(&says, &text);
	refuses(text.data, 9, "CA certificate: not of a CA");
}

static void what_the_profiles_do_not_say_is_refused(void **state)
{
	const struct world *world = *state;
	const struct node node = inventory_node(world->inventory, 0);
	struct profile odd[] = {
		*profile_find("kubelet-client"),
		*profile_find("kubelet-client"),
		*profile_find("kubelet-client"),
		*profile_find("kubelet-serving"),
		*profile_find("kubelet-serving"),
	};
	static const char *const words[] = {
		"the subject is \"CN=system:node:worker-1,O=system:masters\"",
		"the certificate has \"10.0.0.11\", the profile does not",
		"its purposes are those of no certificate of a kubelet",
		"name \"worker-1\" is not in the certificate",
		"the usages are not those of kubelet-serving",
	};

	odd[0].organization = "system:masters";
	odd[1].names = NAMES_NODE;
	odd[2].purposes |= PURPOSE_SERVER;
	odd[3].names = NAMES_NONE;
	odd[4].key_usage = USAGE_KEY_ENCIPHERMENT;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct node_certificates says = describe(world);
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(buffer) text = BUFFER_INIT;

		issue(world->ca, &odd[i], &node, one_year(), &der);
		says.certificates[0] = der_of(&der);
		says.certificates[1].len = 0;
		write_file(&says, &text);
		refuses(text.data, 0, words[i]);
	}
}

/* Reads the file with one pair only, edited; for the caller to free. */
static struct node_certificates *read_half(const struct world *world,
	enum kubelet_pair pair, enum layout layout, const char *server)
{
	struct node_certificates says = describe(world), *file = NULL;
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(cluster_set(cluster, "server", server, &err));
	says.cluster = cluster;
	says.layout = layout;
	says.certificates[!pair].len = 0;
	write_file(&says, &text);
	if (!read_at(text.data, now, &file, &err))
		fail_msg("%s", err.message);
	return file;
}

#define SERVER "https://api.example:6443"

static void files_that_agree_are_joined(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(node_certificates)
	client = read_half(world, KUBELET_CLIENT, LAYOUT_KUBEADM, SERVER);
	AUTO_FREE(node_certificates)
	serving = read_half(world, KUBELET_SERVING, LAYOUT_KUBEADM, SERVER);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct node_certificates whole = {0};

	assert_true(node_certificates_join(serving, &whole, &err));
	assert_true(node_certificates_join(client, &whole, &err));
	assert_true(node_certificates_join(client, &whole, &err));
	assert_null(whole.parts);
	write_file(&whole, &text);
	assert_string_equal(text.data, world->text.data);
}

static void refuses_to_join(const struct node_certificates *a,
	const struct node_certificates *b, const char *words)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct node_certificates whole = {0};

	assert_true(node_certificates_join(a, &whole, &err));
	assert_false(node_certificates_join(b, &whole, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_string_equal(err.message, words);
}

static void files_that_disagree_are_refused(void **state)
{
	const struct world *world = *state;
	const struct node node = inventory_node(world->inventory, 0);
	AUTO_FREE(node_certificates)
	client = read_half(world, KUBELET_CLIENT, LAYOUT_KUBEADM, SERVER);
	AUTO_FREE(node_certificates)
	pem = read_half(world, KUBELET_SERVING, LAYOUT_PEM, SERVER);
	AUTO_FREE(node_certificates)
	moved = read_half(
		world, KUBELET_SERVING, LAYOUT_KUBEADM, "https://other");
	struct node_certificates other = *client;
	AUTO_FREE(authority) ca = new_authority("kubernetes");
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	refuses_to_join(
		client, pem, "layout \"pem\": another file has \"kubeadm\"");
	refuses_to_join(client, moved,
		"server \"https://other\": another file has \"" SERVER "\"");
	other.node = "worker-2";
	refuses_to_join(client, &other,
		"node \"worker-2\": another file has \"worker-1\"");
	other = *client;
	other.ca = authority_certificate(ca);
	refuses_to_join(client, &other, "ca: another file has another one");
	issue(world->ca, profile_of_pair(KUBELET_CLIENT), &node, one_year(),
		&der);
	other = *client;
	other.certificates[KUBELET_CLIENT] = der_of(&der);
	refuses_to_join(client, &other,
		"certificate \"kubelet-client\": another file has another "
		"one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_as_the_same),
		cmocka_unit_test(one_certificate_and_another_layout_are_fine),
		cmocka_unit_test(a_cluster_without_a_server_is_refused),
		cmocka_unit_test(edits_are_refused_with_line_and_rule),
		cmocka_unit_test(an_empty_list_and_a_list_of_three_are_refused),
		cmocka_unit_test(another_node_than_the_certificates_is_refused),
		cmocka_unit_test(only_its_time_counts),
		cmocka_unit_test(another_ca_is_refused),
		cmocka_unit_test(a_leaf_is_no_ca),
		cmocka_unit_test(what_the_profiles_do_not_say_is_refused),
		cmocka_unit_test(files_that_agree_are_joined),
		cmocka_unit_test(files_that_disagree_are_refused),
	};

	return cmocka_run_group_tests(tests, make_world, free_world);
}
