/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/inventory.h"
#include "kube/node_request.h"
#include "pki/request.h"

struct world {
	char *path;
	int dir;
	struct inventory *inventory;
	struct node node, moved; /* the same with another address */
};

static int make_world(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.11", "fd00::11", "worker-1.example.internal"};
	const char *tmp = getenv("TMPDIR");
	struct world *world = memory_new(1, sizeof(*world));
	AUTO_RELEASE(error) err = ERROR_INIT;

	world->path = memory_format(
		"%s/test_node_request.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(world->path));
	assert_true(directory_open(AT_FDCWD, world->path, &world->dir, &err));
	world->inventory = inventory_new(NULL);
	assert_true(inventory_add(
		world->inventory, "worker-1", addresses, 3, 0, &err));
	world->node = inventory_node(world->inventory, 0);
	world->moved = world->node;
	world->moved.n_addresses = 1;
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;

	inventory_free(world->inventory);
	close(world->dir);
	assert_true(file_remove_tree(AT_FDCWD, world->path, &err));
	free(world->path);
	free(world);
	return 0;
}

static struct node_request_settings any_key(const struct world *world)
{
	return (struct node_request_settings){.node = &world->node};
}

static void prepare(const struct world *world,
	const struct node_request_settings *settings, enum kubelet_pair pair,
	struct node_request *request)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!node_request_prepare(settings, pair, world->dir, request, &err))
		fail_msg("%s", err.message);
}

static void place(const struct world *world,
	const struct node_request *requests, size_t n)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!node_request_place(requests, n, world->dir, &err))
		fail_msg("%s", err.message);
}

static struct request *read_back(const struct node_request *request)
{
	struct request *read = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!request_read_pem(request->request_pem.data,
		    request->request_pem.len, &read, &err))
		fail_msg("%s", err.message);
	return read;
}

static void a_request_asks_for_what_its_profile_gives(void **state)
{
	static const struct {
		const char *file;
		unsigned purposes;
		size_t n_names;
	} rows[KUBELET_PAIRS] = {
		{"kubelet-client.csr", PURPOSE_CLIENT, 0},
		{"kubelet-serving.csr", PURPOSE_SERVER, 4},
	};
	static const char *const names[] = {"worker-1", "10.0.0.11", "fd00::11",
		"worker-1.example.internal"};
	const struct world *world = *state;
	const struct node_request_settings settings = any_key(world);

	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		AUTO_RELEASE(node_request) request = NODE_REQUEST_INIT;
		AUTO_FREE(request) read = NULL;

		prepare(world, &settings, i, &request);
		read = read_back(&request);
		assert_string_equal(request.request_name, rows[i].file);
		assert_string_equal(read->asked->subject_text,
			"CN=system:node:worker-1,O=system:nodes");
		assert_int_equal(
			read->asked->key_usage, USAGE_DIGITAL_SIGNATURE);
		assert_int_equal(read->asked->purposes, rows[i].purposes);
		assert_false(read->asked->has_basic_constraints);
		assert_null(read->asked->other_extension);
		assert_null(read->other_attribute);
		assert_int_equal(read->asked->n_alt_names, rows[i].n_names);
		for (size_t j = 0; j < rows[i].n_names; j++)
			assert_string_equal(
				read->asked->alt_names[j].text, names[j]);
		assert_true(der_equal(
			read->asked->public_key, key_public(request.key)));
		assert_memory_equal(
			&read->asked->pin, &request.pin, sizeof(request.pin));
		assert_int_equal(request.key_way, PLACEMENT_NEW);
		assert_int_equal(request.request_way, PLACEMENT_NEW);
	}
}

static void a_request_would_get_the_certificate_that_is_issued(void **state)
{
	const struct world *world = *state;
	const struct node_request_settings settings = any_key(world);
	const struct holder holder = {.node = &world->node};

	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		AUTO_RELEASE(node_request) request = NODE_REQUEST_INIT;
		AUTO_FREE(request) read = NULL;
		AUTO_RELEASE(buffer) drift = BUFFER_INIT;

		prepare(world, &settings, i, &request);
		read = read_back(&request);
		profile_compare(
			profile_of_pair(i), &holder, read->asked, &drift);
		assert_string_equal(drift.data, "");
	}
}

static void only_rsa_enciphers_keys(void **state)
{
	const struct world *world = *state;
	struct node_request_settings settings = any_key(world);

	settings.has_key_type = true;
	for (int type = 0; type < KEY_OTHER; type++) {
		AUTO_RELEASE(node_request) request = NODE_REQUEST_INIT;
		AUTO_FREE(request) read = NULL;
		bool is_rsa = key_type_is_rsa((enum key_type)type);

		settings.key_type = (enum key_type)type;
		prepare(world, &settings, KUBELET_CLIENT, &request);
		read = read_back(&request);
		assert_int_equal(read->asked->key_usage,
			USAGE_DIGITAL_SIGNATURE |
				(is_rsa ? USAGE_KEY_ENCIPHERMENT : 0));
		assert_int_equal(key_type(request.key), type);
	}
}

static void what_is_there_and_says_the_same_is_kept(void **state)
{
	const struct world *world = *state;
	struct node_request_settings settings = any_key(world);
	AUTO_RELEASE(node_request) first = NODE_REQUEST_INIT;
	AUTO_RELEASE(node_request) second = NODE_REQUEST_INIT;
	AUTO_RELEASE(node_request) third = NODE_REQUEST_INIT;

	prepare(world, &settings, KUBELET_SERVING, &first);
	place(world, &first, 1);
	prepare(world, &settings, KUBELET_SERVING, &second);
	assert_int_equal(second.key_way, PLACEMENT_KEEP);
	assert_int_equal(second.request_way, PLACEMENT_KEEP);
	assert_true(der_equal(key_public(first.key), key_public(second.key)));
	settings.node = &world->moved;
	prepare(world, &settings, KUBELET_SERVING, &third);
	assert_int_equal(third.key_way, PLACEMENT_KEEP);
	assert_int_equal(third.request_way, PLACEMENT_REPLACE);
}

static void a_request_of_a_key_that_is_gone_is_replaced(void **state)
{
	const struct world *world = *state;
	const struct node_request_settings settings = any_key(world);
	AUTO_RELEASE(node_request) first = NODE_REQUEST_INIT;
	AUTO_RELEASE(node_request) second = NODE_REQUEST_INIT;

	prepare(world, &settings, KUBELET_CLIENT, &first);
	place(world, &first, 1);
	assert_int_equal(unlinkat(world->dir, "kubelet-client.key", 0), 0);
	prepare(world, &settings, KUBELET_CLIENT, &second);
	assert_int_equal(second.key_way, PLACEMENT_NEW);
	assert_int_equal(second.request_way, PLACEMENT_REPLACE);
}

static void another_type_of_key_is_refused(void **state)
{
	const struct world *world = *state;
	struct node_request_settings settings = any_key(world);
	AUTO_RELEASE(node_request) first = NODE_REQUEST_INIT;
	AUTO_RELEASE(node_request) second = NODE_REQUEST_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	prepare(world, &settings, KUBELET_CLIENT, &first);
	place(world, &first, 1);
	settings.has_key_type = true;
	settings.key_type = KEY_ED25519;
	assert_false(node_request_prepare(
		&settings, KUBELET_CLIENT, world->dir, &second, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.message,
		"file \"kubelet-client.key\": a key of type \"ecdsa-p256\", "
		"not \"ed25519\", and no key is ever overwritten");
}

static void put(const struct world *world, const char *name, mode_t mode,
	const char *text)
{
	const struct file_part part = {text, strlen(text), NULL};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(file_create(world->dir, name, mode, &part, 1, &err));
}

static void what_is_no_key_and_no_request_is_refused(void **state)
{
	static const struct {
		const char *name;
		mode_t mode; /* 0: a link */
		const char *rule;
	} rows[] = {
		{"kubelet-client.key", 0600, "\"kubelet-client.key\": "},
		{"kubelet-client.key", 0640, "its mode is 0640"},
		{"kubelet-client.key", 0, "a symbolic link"},
		{"kubelet-client.csr", 0600, "\"kubelet-client.csr\": PEM"},
		{"kubelet-client.csr", 0, "not a regular file"},
	};
	const struct world *world = *state;
	const struct node_request_settings settings = any_key(world);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(node_request) request = NODE_REQUEST_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (rows[i].mode)
			put(world, rows[i].name, rows[i].mode, "nonsense");
		else
			assert_int_equal(symlinkat("/dev/null", world->dir,
						 rows[i].name),
				0);
		assert_false(node_request_prepare(
			&settings, KUBELET_CLIENT, world->dir, &request, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].rule))
			fail_msg("%s", err.message);
		assert_int_equal(unlinkat(world->dir, rows[i].name, 0), 0);
	}
}

#define IN_WORLD(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_request_asks_for_what_its_profile_gives),
		IN_WORLD(a_request_would_get_the_certificate_that_is_issued),
		IN_WORLD(only_rsa_enciphers_keys),
		IN_WORLD(what_is_there_and_says_the_same_is_kept),
		IN_WORLD(a_request_of_a_key_that_is_gone_is_replaced),
		IN_WORLD(another_type_of_key_is_refused),
		IN_WORLD(what_is_no_key_and_no_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
