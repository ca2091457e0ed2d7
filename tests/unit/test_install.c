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

#include "kube/install.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

static const struct node node = {.name = "worker-1", .addresses = ""};

struct world {
	char *path;
	int root;
	struct cluster *cluster;
	struct authority *ca;
	struct key *keys[KUBELET_PAIRS];
};

static struct authority *new_authority(const char *common_name)
{
	const struct authority_request request = {
		.common_name = common_name,
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_YEAR),
		.not_after = instant_add(now, 10 * SPAN_YEAR),
	};
	struct authority *ca = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(authority_create(&request, &ca, &err));
	return ca;
}

static struct key *new_key(void)
{
	struct key *key = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(key_generate(KEY_ECDSA_P256, &key, &err));
	return key;
}

static int make_world(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct world *world = memory_new(1, sizeof(*world));
	AUTO_RELEASE(error) err = ERROR_INIT;

	world->path =
		memory_format("%s/test_install.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(world->path));
	assert_true(directory_open(AT_FDCWD, world->path, &world->root, &err));
	world->cluster = cluster_new();
	assert_true(cluster_set(
		world->cluster, "server", "https://api.example:6443", &err));
	world->ca = new_authority("kubernetes");
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		world->keys[i] = new_key();
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;

	cluster_free(world->cluster);
	authority_free(world->ca);
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		key_free(world->keys[i]);
	close(world->root);
	assert_true(file_remove_tree(AT_FDCWD, world->path, &err));
	free(world->path);
	free(world);
	return 0;
}

static struct certificate *issue(const struct world *world,
	const struct authority *ca, enum kubelet_pair pair, struct instant at)
{
	const struct profile_order order = {.profile = profile_of_pair(pair),
		.ca = ca,
		.holder = {.node = &node},
		.public_key = key_public(world->keys[pair]),
		.lifetime = {instant_add(at, -PROFILE_BACKDATE),
			instant_add(at, SPAN_YEAR)}};
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct certificate *made = NULL;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;

	if (!profile_issue(&order, &der, serial, &serial_len, &err) ||
		!certificate_read(
			(struct der){(unsigned char *)der.data, der.len}, &made,
			&err))
		fail_msg("%s", err.message);
	return made;
}

/* What came back, all issued at one moment. */
struct answer {
	struct node_certificates file;
	struct certificate *leaves[KUBELET_PAIRS];
};

static void answer_init(struct answer *answer, const struct world *world,
	const struct authority *ca, struct instant at)
{
	*answer = (struct answer){.file = {.node = node.name,
					  .cluster = world->cluster,
					  .layout = LAYOUT_KUBEADM,
					  .ca_pem = authority_pem(ca),
					  .ca = authority_certificate(ca)}};
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		answer->leaves[i] = issue(world, ca, i, at);
		answer->file.leaves[i] = answer->leaves[i];
		answer->file.certificates[i] = answer->leaves[i]->whole;
	}
}

static void answer_release(struct answer *answer)
{
	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		certificate_free(answer->leaves[i]);
}
DEFINE_AUTO_RELEASE(answer)

static struct install_settings settings_of(
	const struct world *world, const struct node_certificates *file)
{
	return (struct install_settings){.root = world->root,
		.file = file,
		.keys = {world->keys[0], world->keys[1]},
		.kubelet_config = true};
}

static struct install *plan(
	const struct world *world, const struct node_certificates *file)
{
	const struct install_settings settings = settings_of(world, file);
	struct install *install = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!install_plan(&settings, &install, &err))
		fail_msg("%s", err.message);
	return install;
}

/* A letter for each file: kept, new, or replaced. */
static void assert_ways(const struct install *install, const char *expected)
{
	static const char letters[] = {[PLACEMENT_KEEP] = 'k',
		[PLACEMENT_NEW] = 'n',
		[PLACEMENT_REPLACE] = 'r'};
	char ways[INSTALL_FILES_MAX + 1] = "";

	for (size_t i = 0; i < install->n_files; i++)
		ways[i] = letters[install->files[i].way];
	assert_string_equal(ways, expected);
}

static void carry_out(const struct world *world,
	const struct node_certificates *file, const char *ways)
{
	AUTO_FREE(install) install = plan(world, file);
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_ways(install, ways);
	if (!install_carry_out(install, &err))
		fail_msg("%s", err.message);
}

static void is_refused(const struct world *world,
	const struct node_certificates *file, const char *words)
{
	const struct install_settings settings = settings_of(world, file);
	AUTO_FREE(install) install = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_false(install_plan(&settings, &install, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.message, words);
}

#define PKI "var/lib/kubelet/pki/"

static void assert_link(const struct world *world, const char *expected)
{
	char target[256] = "";

	assert_true(readlinkat(world->root, PKI "kubelet-client-current.pem",
			    target, sizeof(target) - 1) > 0);
	assert_string_equal(target, expected);
}

static void all_is_new_and_then_all_is_there(void **state)
{
	static const enum layout layouts[] = {LAYOUT_KUBEADM, LAYOUT_PEM};
	const struct world *world = *state;
	AUTO_RELEASE(answer) answer;

	answer_init(&answer, world, world->ca, now);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		AUTO_FREE(install) again = NULL;

		answer.file.layout = layouts[i];
		/* the client's file is where it is in both */
		carry_out(world, &answer.file, i ? "nnkknnn" : "nnnnnnn");
		again = plan(world, &answer.file);
		assert_ways(again, "kkkkkkk");
	}
	assert_link(world, "kubelet-client-2026-11-24-01-14-59.pem");
}

static void a_younger_pair_takes_the_place(void **state)
{
	const struct world *world = *state;
	AUTO_RELEASE(answer) old;
	AUTO_RELEASE(answer) young;

	answer_init(&old, world, world->ca, now);
	answer_init(&young, world, world->ca, instant_add(now, SPAN_DAY));
	carry_out(world, &old.file, "nnnnnnn");
	carry_out(world, &young.file, "kkknrrk");
	assert_link(world, "kubelet-client-2026-11-25-01-14-59.pem");
	carry_out(world, &young.file, "kkkkkkk");
	is_refused(world, &old.file,
		"\"" PKI "kubelet-client-current.pem\": the certificate that "
		"is there is newer, of 2026-11-25T01:09:59Z");
}

static void a_younger_pair_may_have_other_keys(void **state)
{
	struct world *world = *state;
	AUTO_RELEASE(answer) old;
	AUTO_RELEASE(answer) young;

	answer_init(&old, world, world->ca, now);
	carry_out(world, &old.file, "nnnnnnn");
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		key_free(world->keys[i]);
		world->keys[i] = new_key();
	}
	answer_init(&young, world, world->ca, instant_add(now, 1));
	carry_out(world, &young.file, "kkknrrr");
	carry_out(world, &young.file, "kkkkkkk");
}

static void two_of_one_second_have_files_of_their_own(void **state)
{
	const struct world *world = *state;
	AUTO_RELEASE(answer) one;
	AUTO_RELEASE(answer) other;

	answer_init(&one, world, world->ca, now);
	answer_init(&other, world, world->ca, now);
	carry_out(world, &one.file, "nnnnnnn");
	carry_out(world, &other.file, "kkknrrk");
	assert_link(world, "kubelet-client-2026-11-24-01-15-00.pem");
	carry_out(world, &other.file, "kkkkkkk");
}

static void another_authority_is_refused(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(authority) ca = new_authority("kubernetes");
	AUTO_RELEASE(answer) ours;
	AUTO_RELEASE(answer) theirs;
	AUTO_RELEASE(error) err = ERROR_INIT;

	answer_init(&ours, world, world->ca, now);
	answer_init(&theirs, world, ca, instant_add(now, SPAN_DAY));
	carry_out(world, &ours.file, "nnnnnnn");
	is_refused(world, &theirs.file,
		"\"etc/kubernetes/kubelet.conf\": is there and says something "
		"else");
	assert_true(file_remove_tree(world->root, "etc", &err));
	is_refused(world, &theirs.file,
		"\"" PKI "kubelet-client-current.pem\": is there, and no "
		"certificate of this node from this CA");
	assert_true(file_remove_tree(
		world->root, PKI "kubelet-client-current.pem", &err));
	is_refused(world, &theirs.file,
		"\"" PKI "kubelet.crt\": is there, and no certificate of this "
		"node from this CA");
}

static void put(const struct world *world, const char *path, const char *text)
{
	int fd = openat(world->root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void what_is_foreign_is_refused(void **state)
{
	static const struct {
		const char *path;
		const char *link; /* or a file of nonsense */
		const char *rule;
	} rows[] = {
		{"etc/kubernetes/kubelet.conf", NULL,
			"is there and says something else"},
		{"etc/kubernetes/kubelet.conf", "/dev/null", "a symbolic link"},
		{"etc/kubernetes/pki/ca.crt", NULL,
			"is there and says something else"},
		{"var/lib/kubelet/config.yaml", NULL,
			"is there and says something else"},
		{PKI "kubelet.crt", NULL, "is there, and not one certificate"},
		{PKI "kubelet.crt", "kubelet.key", "a symbolic link"},
		{PKI "kubelet.key", NULL,
			"is there, and not the key of the certificate beside "
			"it"},
		{PKI "kubelet-client-current.pem", NULL,
			"is there, and not a link"},
		{PKI "kubelet-client-current.pem", "kubelet.crt",
			"is there, and leads to no client certificate of this "
			"node"},
		{PKI "kubelet-client-current.pem", "../x",
			"is there, and leads to no client certificate of this "
			"node"},
		{"var/lib/kubelet/pki", "/tmp",
			"not a directory, or a link to one"},
		{"etc", NULL, "not a directory, or a link to one"},
	};
	const struct world *world = *state;
	AUTO_RELEASE(answer) answer;

	answer_init(&answer, world, world->ca, now);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT words =
			memory_format("\"%s\": %s", rows[i].path, rows[i].rule);

		carry_out(world, &answer.file, "nnnnnnn");
		assert_true(file_remove_tree(world->root, rows[i].path, &err));
		if (rows[i].link)
			assert_int_equal(symlinkat(rows[i].link, world->root,
						 rows[i].path),
				0);
		else
			put(world, rows[i].path, "nonsense");
		is_refused(world, &answer.file, words);
		assert_true(file_remove_tree(world->root, "etc", &err));
		assert_true(file_remove_tree(world->root, "var", &err));
	}
}

static void an_open_key_is_refused(void **state)
{
	const struct world *world = *state;
	AUTO_RELEASE(answer) answer;

	answer_init(&answer, world, world->ca, now);
	carry_out(world, &answer.file, "nnnnnnn");
	assert_int_equal(fchmodat(world->root, PKI "kubelet.key", 0640, 0), 0);
	is_refused(world, &answer.file,
		"\"" PKI "kubelet.key\": is there, and open to others than its "
		"owner");
}

static void what_fails_leaves_no_directory(void **state)
{
	const struct world *world = *state;
	AUTO_RELEASE(answer) answer;
	AUTO_FREE(install) install = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	answer_init(&answer, world, world->ca, now);
	install = plan(world, &answer.file);
	/* after the plan */
	assert_int_equal(mkdirat(world->root, "etc", 0755), 0);
	assert_int_equal(mkdirat(world->root, "etc/kubernetes", 0755), 0);
	put(world, "etc/kubernetes/kubelet.conf", "nonsense");
	assert_false(install_carry_out(install, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_false(file_exists(world->root, "var"));
	assert_false(file_exists(world->root, "etc/kubernetes/pki"));
	assert_true(file_exists(world->root, "etc/kubernetes/kubelet.conf"));
}

#define IN_WORLD(test)                                                         \
	cmocka_unit_test_setup_teardown(test, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(all_is_new_and_then_all_is_there),
		IN_WORLD(a_younger_pair_takes_the_place),
		IN_WORLD(a_younger_pair_may_have_other_keys),
		IN_WORLD(two_of_one_second_have_files_of_their_own),
		IN_WORLD(another_authority_is_refused),
		IN_WORLD(what_is_foreign_is_refused),
		IN_WORLD(an_open_key_is_refused),
		IN_WORLD(what_fails_leaves_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
