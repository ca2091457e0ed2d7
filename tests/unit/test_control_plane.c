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

#include "kube/control_place.h"
#include "kube/control_plane.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

struct world {
	struct cluster *cluster;
	struct authority *authorities[CONTROL_AUTHORITIES];
	struct key *service_account;
	struct control_settings settings;
};

static struct authority *new_ca(const char *name)
{
	const struct authority_request request = {.common_name = name,
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, 10 * SPAN_YEAR)};
	struct authority *ca = NULL;
	struct error err = ERROR_INIT;

	if (!authority_create(&request, &ca, &err))
		fail_msg("%s", err.message);
	return ca;
}

static struct cluster *new_cluster(void)
{
	static const char text[] = "apiVersion: kpki/v1\nkind: Cluster\n"
				   "server: https://api.example:6443\n"
				   "controlPlane:\n"
				   "  hosts:\n"
				   "    - name: cp-1\n"
				   "      addresses: [10.0.0.1]\n";
	AUTO_FREE(source)
	source = source_of_text(CLUSTER_FILE, text, strlen(text));
	struct cluster *cluster = NULL;
	struct error err = ERROR_INIT;

	if (!cluster_read(source, &cluster, &err))
		fail_msg("%s", err.message);
	return cluster;
}

static int set_up(void **state)
{
	struct world *world = memory_new(1, sizeof(*world));
	struct error err = ERROR_INIT;

	world->cluster = new_cluster();
	assert_true(
		key_generate(KEY_ECDSA_P256, &world->service_account, &err));
	world->settings = (struct control_settings){.cluster = world->cluster,
		.service_account_key = world->service_account,
		.key_type = KEY_ECDSA_P256,
		.ca_key = true,
		.admin = true,
		.super_admin = true};
	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++) {
		world->authorities[i] = new_ca(control_authority_name(i));
		world->settings.authorities[i] = world->authorities[i];
		world->settings.lifetimes[i] = (struct lifetime){
			instant_add(now, -300), instant_add(now, SPAN_YEAR)};
	}
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++)
		authority_free(world->authorities[i]);
	key_free(world->service_account);
	cluster_free(world->cluster);
	free(world);
	return 0;
}

static struct control_kit *new_kit(const struct world *world)
{
	struct control_kit *kit = NULL;
	struct error err = ERROR_INIT;

	if (!control_kit_new(&world->settings, &kit, &err))
		fail_msg("%s", err.message);
	return kit;
}

static struct control_tree *make(const struct control_plan *plan)
{
	struct control_tree *tree = NULL;
	struct error err = ERROR_INIT;

	if (!control_tree_make(plan, &tree, &err))
		fail_msg("%s", err.message);
	return tree;
}

static struct node host_of(const struct world *world)
{
	return inventory_node(world->cluster->topology->hosts, 0);
}

static void each_certificate_is_true_to_its_row_and_its_ca(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(control_kit) kit = new_kit(world);
	struct node host = host_of(world);
	AUTO_FREE(control_plan)
	plan = control_plan_new(kit, ROLE_CONTROL | ROLE_ETCD, &host);
	AUTO_FREE(control_tree) tree = make(plan);

	assert_int_equal(plan->n_certificates, 13);
	assert_int_equal(tree->n_made, plan->n_certificates);
	for (size_t i = 0; i < plan->n_certificates; i++) {
		const struct control_certificate *wanted =
			&plan->certificates[i];
		const struct certificate *ca = authority_certificate(
			world->authorities[wanted->issuer]);
		AUTO_FREE(certificate) made = NULL;
		AUTO_RELEASE(buffer) drift = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_true(certificate_read(
			der_of(&tree->made[i].der), &made, &err));
		profile_compare(wanted->profile, &wanted->holder, made, &drift);
		assert_string_equal(drift.data, "");
		assert_string_equal(
			ca->common_name, wanted->profile->issuer[0] == 'c'
						 ? "ca"
						 : wanted->profile->issuer);
		assert_true(der_equal(made->issuer, ca->subject));
		assert_true(certificate_verify(made, ca->public_key, &err));
		assert_string_equal(wanted->name, "cp-1");
	}
}

static void only_what_is_the_hosts_own_is_claimed(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(control_kit) kit = new_kit(world);
	struct node host = host_of(world);
	AUTO_FREE(control_plan)
	plan = control_plan_new(kit, ROLE_CONTROL | ROLE_ETCD, &host);

	for (size_t i = 0; i < plan->n_certificates; i++) {
		const struct control_certificate *wanted =
			&plan->certificates[i];
		bool names = wanted->profile->names != NAMES_NONE;

		assert_int_equal(
			wanted->n_addresses, names			 ? 2
					     : wanted->profile->for_node ? 1
									 : 0);
		if (wanted->n_addresses)
			assert_string_equal(wanted->addresses[0], "cp-1");
		if (names)
			assert_string_equal(wanted->addresses[1], "10.0.0.1");
	}
}

static void the_administrators_are_named_for_themselves(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(control_kit) kit = new_kit(world);
	AUTO_FREE(control_plan) plan = control_plan_new(kit, ROLE_ADMIN, NULL);

	assert_string_equal(plan->name, "admin");
	assert_int_equal(plan->n_certificates, 2);
	assert_string_equal(plan->certificates[0].name, "kubernetes-admin");
	assert_string_equal(
		plan->certificates[1].name, "kubernetes-super-admin");
	assert_int_equal(plan->certificates[0].n_addresses, 0);
}

/* A directory before what is in it, and nothing twice; the witness holds a
 * private key, which no other tree has. */
static void a_tree_is_in_order(void **state)
{
	struct world *world = *state;

	for (size_t layout = LAYOUT_KUBEADM; layout <= LAYOUT_PEM; layout++) {
		AUTO_FREE(control_kit) kit = NULL;
		AUTO_FREE(control_plan) plan = NULL;
		AUTO_FREE(control_tree) tree = NULL;
		struct node host = host_of(world);
		bool witness = false;

		world->settings.layout = layout;
		kit = new_kit(world);
		plan = control_plan_new(kit, ROLE_CONTROL | ROLE_ETCD, &host);
		tree = make(plan);
		for (size_t i = 0; i < tree->n_entries; i++) {
			const struct tree_entry *entry = &tree->entries[i];

			if (i > 0)
				assert_true(tree_compare_paths(
						    tree->entries[i - 1].path,
						    entry->path) < 0);
			if (entry->kind == TREE_FILE && entry->parts[0].secret)
				assert_int_equal(entry->mode, 0600);
			if (entry->path == tree->witness)
				witness = entry->parts[0].secret != NULL;
		}
		assert_true(witness);
	}
	world->settings.layout = LAYOUT_KUBEADM;
}

static void roles_have_their_files(void **state)
{
	static const struct {
		unsigned roles;
		bool ca_key, admin, super_admin;
		size_t n_files, n_certificates;
	} rows[] = {
		{ROLE_CONTROL | ROLE_ETCD, false, false, false, 24, 11},
		{ROLE_CONTROL | ROLE_ETCD, true, false, false, 25, 11},
		{ROLE_CONTROL | ROLE_ETCD, true, true, true, 27, 13},
		{ROLE_CONTROL, false, false, true, 18, 8},
		{ROLE_ETCD, true, true, true, 7, 3},
		{ROLE_ADMIN, true, true, false, 1, 1},
		{ROLE_ADMIN, false, false, true, 2, 2},
	};
	struct world *world = *state;
	struct control_settings before = world->settings;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(control_kit) kit = NULL;
		AUTO_FREE(control_plan) plan = NULL;
		AUTO_RELEASE(control_files) files = {0};
		struct node host = host_of(world);

		world->settings.ca_key = rows[i].ca_key;
		world->settings.admin = rows[i].admin;
		world->settings.super_admin = rows[i].super_admin;
		kit = new_kit(world);
		plan = control_plan_new(kit, rows[i].roles, &host);
		files = control_files_of(plan);
		assert_int_equal(files.n_items, rows[i].n_files);
		assert_int_equal(plan->n_certificates, rows[i].n_certificates);
	}
	world->settings = before;
}

/* -- what stands in its place -- */

static void look(const struct control_plan *plan, enum bundle_format format,
	const struct control_tree *tree, struct control_place *ret_place)
{
	struct der live[CONTROL_CERTIFICATES_MAX] = {0};
	AUTO_CLOSE out = -1;
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < plan->n_certificates; i++)
		live[i] = der_of(&tree->made[i].der);
	assert_true(directory_open(AT_FDCWD, ".", &out, &err));
	if (!control_place_look(out, plan, format, live, ret_place, &err))
		fail_msg("%s", err.message);
}

static void write_tree(const struct control_tree *tree)
{
	AUTO_CLOSE dir = -1;
	AUTO_CLOSE tar = -1;
	struct error err = ERROR_INIT;

	if (!directory_create(AT_FDCWD, "cp-1", 0700, &err) ||
		!directory_open(AT_FDCWD, "cp-1", &dir, &err) ||
		!tree_write_directory(
			dir, tree->entries, tree->n_entries, &err))
		fail_msg("%s", err.message);
	tar = open("cp-1.tar", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (!tree_write_tar(tar, "cp-1.tar", "", tree->entries, tree->n_entries,
		    now, &err) ||
		!tree_end_tar(tar, "cp-1.tar", &err))
		fail_msg("%s", err.message);
}

static void a_tree_is_known_again_and_a_gap_is_found(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(control_kit) kit = new_kit(world);
	struct node host = host_of(world);
	AUTO_FREE(control_plan)
	plan = control_plan_new(kit, ROLE_CONTROL | ROLE_ETCD, &host);
	AUTO_FREE(control_tree) tree = make(plan);
	AUTO_FREE(control_tree) other = make(plan);
	char directory[] = "/tmp/test_control_plane.XXXXXX";
	struct error err = ERROR_INIT;

	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	for (int format = BUNDLE_DIRECTORY; format <= BUNDLE_TAR; format++) {
		AUTO_RELEASE(control_place) nothing = CONTROL_PLACE_INIT;

		look(plan, format, tree, &nothing);
		assert_false(nothing.taken);
	}
	write_tree(tree);
	for (int format = BUNDLE_DIRECTORY; format <= BUNDLE_TAR; format++) {
		AUTO_RELEASE(control_place) place = CONTROL_PLACE_INIT;
		AUTO_RELEASE(control_place) stranger = CONTROL_PLACE_INIT;

		look(plan, format, tree, &place);
		assert_true(place.taken && place.current);
		assert_null(place.missing);
		/* and the three authorities' */
		assert_int_equal(place.n_certificates, 13 + 3);
		look(plan, format, other, &stranger);
		assert_true(stranger.taken && !stranger.current);
		assert_non_null(stranger.missing);
	}
	assert_int_equal(unlink("cp-1/etc/kubernetes/scheduler.conf"), 0);
	{
		AUTO_RELEASE(control_place) place = CONTROL_PLACE_INIT;

		look(plan, BUNDLE_DIRECTORY, tree, &place);
		assert_true(place.current);
		assert_string_equal(
			place.missing, "etc/kubernetes/scheduler.conf");
	}
	assert_int_equal(chdir("/"), 0);
	assert_true(file_remove_tree(AT_FDCWD, directory, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			each_certificate_is_true_to_its_row_and_its_ca),
		cmocka_unit_test(only_what_is_the_hosts_own_is_claimed),
		cmocka_unit_test(the_administrators_are_named_for_themselves),
		cmocka_unit_test(a_tree_is_in_order),
		cmocka_unit_test(roles_have_their_files),
		cmocka_unit_test(a_tree_is_known_again_and_a_gap_is_found),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
