/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/workers.h"
#include "kube/bundle.h"
#include "kube/kubeconfig.h"
#include "kube/inventory.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

struct world {
	struct cluster *cluster;
	struct authority *ca;
	struct inventory *inventory;
	struct node node;
};

static int make_world(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.11", "worker-1.example.internal"};
	const struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, 10 * SPAN_YEAR),
	};
	struct world *world = memory_new(1, sizeof(*world));
	struct error err = ERROR_INIT;

	world->cluster = cluster_new();
	world->inventory = inventory_new(NULL);
	if (!cluster_set(world->cluster, "server", "https://api.example:6443",
		    &err) ||
		!authority_create(&request, &world->ca, &err) ||
		!inventory_add(
			world->inventory, "worker-1", addresses, 2, 0, &err))
		return -1;
	world->node = inventory_node(world->inventory, 0);
	*state = world;
	return 0;
}

static int free_world(void **state)
{
	struct world *world = *state;

	cluster_free(world->cluster);
	authority_free(world->ca);
	inventory_free(world->inventory);
	free(world);
	return 0;
}

static struct bundle_settings defaults(const struct world *world)
{
	return (struct bundle_settings){
		.cluster = world->cluster,
		.ca = world->ca,
		.layout = LAYOUT_KUBEADM,
		.key_type = KEY_ECDSA_P256,
		.lifetime = {instant_add(now, -300),
			instant_add(now, SPAN_YEAR)},
		.now = now,
		.serving = true,
		.kubelet_config = true,
	};
}

static struct bundle_kit *new_kit(const struct bundle_settings *settings)
{
	struct bundle_kit *kit = NULL;
	struct error err = ERROR_INIT;

	if (!bundle_kit_new(settings, &kit, &err))
		fail_msg("%s", err.message);
	return kit;
}

static struct bundle *make_with(const struct bundle_kit *kit,
	const struct node *node, const struct token *token)
{
	struct bundle *bundle = NULL;
	struct error err = ERROR_INIT;

	if (!bundle_make(kit, &(struct bundle_order){node, token, true},
		    &bundle, &err))
		fail_msg("%s", err.message);
	return bundle;
}

static struct bundle *make(
	const struct bundle_kit *kit, const struct node *node)
{
	return make_with(kit, node, NULL);
}

static struct token *new_token(void)
{
	struct token *token = NULL;
	struct error err = ERROR_INIT;

	if (!token_new(TOKEN_BOOTSTRAP, &token, &err))
		fail_msg("%s", err.message);
	return token;
}

/* A line an entry: mode, path, "/" behind a directory, what a link says, "*"
 * for what every host has. */
static char *describe(const struct bundle *bundle)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	for (size_t i = 0; i < bundle->n_entries; i++) {
		const struct tree_entry *entry = &bundle->entries[i];

		if (entry->kind == TREE_LINK)
			buffer_format(&text, "link %s -> %s\n", entry->path,
				entry->link);
		else
			buffer_format(&text, "%04o %s%s%s\n",
				(unsigned)entry->mode, entry->path,
				entry->kind == TREE_DIRECTORY ? "/" : "",
				entry->on_every_host ? " *" : "");
	}
	return buffer_detach(&text);
}

#define CLIENT                                                                 \
	"0600 var/lib/kubelet/pki/kubelet-client-2026-11-24-01-14-59.pem\n"    \
	"link var/lib/kubelet/pki/kubelet-client-current.pem -> "              \
	"kubelet-client-2026-11-24-01-14-59.pem\n"
#define KUBEADM_ETC                                                            \
	"0755 etc/ *\n"                                                        \
	"0755 etc/kubernetes/\n"                                               \
	"0600 etc/kubernetes/kubelet.conf\n"                                   \
	"0755 etc/kubernetes/pki/\n"                                           \
	"0644 etc/kubernetes/pki/ca.crt\n"
#define VAR                                                                    \
	"0755 var/ *\n"                                                        \
	"0755 var/lib/ *\n"                                                    \
	"0755 var/lib/kubelet/\n"
#define KUBEADM_CONFIG "0644 var/lib/kubelet/config.yaml\n"
#define PKI "0700 var/lib/kubelet/pki/\n"
#define KUBEADM_SERVING                                                        \
	"0644 var/lib/kubelet/pki/kubelet.crt\n"                               \
	"0600 var/lib/kubelet/pki/kubelet.key\n"
#define PEM_SERVING                                                            \
	"0600 var/lib/kubelet/worker-1-key.pem\n"                              \
	"0644 var/lib/kubelet/worker-1.pem\n"
#define PEM_KUBECONFIG "0600 var/lib/kubelet/kubeconfig\n"
#define PEM_CONFIG "0644 var/lib/kubelet/kubelet-config.yaml\n"
#define PEM_CA                                                                 \
	"0755 var/lib/kubernetes/\n"                                           \
	"0644 var/lib/kubernetes/ca.pem\n"

static void each_option_has_its_tree(void **state)
{
	static const struct {
		enum layout layout;
		bool embed, serving, config;
		const char *tree;
	} rows[] = {
		{LAYOUT_KUBEADM, false, true, true,
			KUBEADM_ETC VAR KUBEADM_CONFIG PKI CLIENT
				KUBEADM_SERVING},
		{LAYOUT_KUBEADM, true, true, true,
			KUBEADM_ETC VAR KUBEADM_CONFIG PKI CLIENT
				KUBEADM_SERVING},
		{LAYOUT_KUBEADM, false, false, true,
			KUBEADM_ETC VAR KUBEADM_CONFIG PKI CLIENT},
		{LAYOUT_KUBEADM, false, true, false,
			KUBEADM_ETC VAR PKI CLIENT KUBEADM_SERVING},
		{LAYOUT_KUBEADM, false, false, false,
			KUBEADM_ETC VAR PKI CLIENT},
		{LAYOUT_PEM, false, true, true,
			VAR PEM_KUBECONFIG PEM_CONFIG PKI CLIENT PEM_SERVING
				PEM_CA},
		{LAYOUT_PEM, true, false, true,
			VAR PEM_KUBECONFIG PEM_CONFIG PKI CLIENT PEM_CA},
		{LAYOUT_PEM, false, false, false,
			VAR PEM_KUBECONFIG PKI CLIENT PEM_CA},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bundle_settings settings = defaults(world);
		AUTO_FREE(bundle_kit) kit = NULL;
		AUTO_FREE(bundle) bundle = NULL;
		AUTO_TEXT tree = NULL;

		settings.layout = rows[i].layout;
		settings.embed_certificates = rows[i].embed;
		settings.serving = rows[i].serving;
		settings.kubelet_config = rows[i].config;
		kit = new_kit(&settings);
		bundle = make(kit, &world->node);
		tree = describe(bundle);
		assert_string_equal(tree, rows[i].tree);
		assert_int_equal(
			bundle->n_certificates, rows[i].serving ? 2 : 1);
	}
}

#define BOOTSTRAP_ETC                                                          \
	"0755 etc/ *\n"                                                        \
	"0755 etc/kubernetes/\n"                                               \
	"0600 etc/kubernetes/bootstrap-kubelet.conf\n"                         \
	"0755 etc/kubernetes/pki/\n"                                           \
	"0644 etc/kubernetes/pki/ca.crt\n"
#define PEM_BOOTSTRAP "0600 var/lib/kubelet/bootstrap-kubeconfig\n"

static void a_token_takes_the_place_of_a_certificate(void **state)
{
	static const struct {
		enum layout layout;
		bool serving;
		const char *tree, *witness;
	} rows[] = {
		{LAYOUT_KUBEADM, true,
			BOOTSTRAP_ETC VAR KUBEADM_CONFIG PKI KUBEADM_SERVING,
			"etc/kubernetes/bootstrap-kubelet.conf"},
		{LAYOUT_KUBEADM, false, BOOTSTRAP_ETC VAR KUBEADM_CONFIG PKI,
			"etc/kubernetes/bootstrap-kubelet.conf"},
		{LAYOUT_PEM, true,
			VAR PEM_BOOTSTRAP PEM_CONFIG PKI PEM_SERVING PEM_CA,
			"var/lib/kubelet/bootstrap-kubeconfig"},
		{LAYOUT_PEM, false, VAR PEM_BOOTSTRAP PEM_CONFIG PKI PEM_CA,
			"var/lib/kubelet/bootstrap-kubeconfig"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bundle_settings settings = defaults(world);
		AUTO_FREE(token) token = new_token();
		AUTO_FREE(bundle_kit) kit = NULL;
		AUTO_FREE(bundle) bundle = NULL;
		AUTO_TEXT tree = NULL;

		settings.layout = rows[i].layout;
		settings.bootstrap = true;
		settings.serving = rows[i].serving;
		kit = new_kit(&settings);
		bundle = make_with(kit, &world->node, token);
		tree = describe(bundle);
		assert_string_equal(tree, rows[i].tree);
		assert_int_equal(bundle->n_certificates, rows[i].serving);
		assert_string_equal(bundle->witness, rows[i].witness);
		assert_string_equal(
			bundle->witness, bundle_bootstrap_path(rows[i].layout));
		if (rows[i].serving)
			assert_string_equal(
				bundle->certificates[0].profile->name,
				"kubelet-serving");
	}
}

static void kube_proxy_has_a_kubeconfig_of_its_own(void **state)
{
	static const char *const paths[] = {
		[LAYOUT_KUBEADM] = "etc/kubernetes/kube-proxy.conf",
		[LAYOUT_PEM] = "var/lib/kubernetes/kube-proxy.kubeconfig",
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct bundle_settings settings = defaults(world);
		AUTO_FREE(bundle_kit) kit = NULL;
		AUTO_FREE(bundle) bundle = NULL;
		AUTO_FREE(certificate) client = NULL;
		const struct tree_entry *entry = NULL;

		settings.layout = i;
		settings.kube_proxy = true;
		kit = new_kit(&settings);
		bundle = make(kit, &world->node);
		assert_int_equal(bundle->n_certificates, 3);
		assert_string_equal(
			bundle->certificates[2].profile->name, "kube-proxy");
		assert_string_equal(bundle_kube_proxy_path(i), paths[i]);
		for (size_t k = 0; k < bundle->n_entries; k++)
			if (bundle->contents[k] == CONTENT_KUBE_PROXY)
				entry = &bundle->entries[k];
		assert_non_null(entry);
		assert_string_equal(entry->path, paths[i]);
		assert_int_equal(entry->mode, 0600);
		client = kubeconfig_find_client(entry->parts[0].secret);
		assert_non_null(client);
		assert_string_equal(client->common_name, "system:kube-proxy");
		assert_memory_equal(client->whole.bytes,
			bundle->certificates[2].der.data, client->whole.len);
	}
}

static unsigned rank(char byte)
{
	return byte == '/' ? 1 : byte ? 1u + (unsigned char)byte : 0;
}

static void entries_are_in_the_order_of_a_tree(void **state)
{
	static const char *const names[] = {
		"worker-1", "a", "zebra", "pki", "kubeconfig", "l.m"};
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = NULL;

	settings.layout = LAYOUT_PEM;
	kit = new_kit(&settings);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct node node = {.name = names[i], .addresses = ""};
		AUTO_FREE(bundle) bundle = make(kit, &node);

		for (size_t j = 1; j < bundle->n_entries; j++) {
			const char *a = bundle->entries[j - 1].path;
			const char *b = bundle->entries[j].path;

			while (*a && *a == *b)
				a++, b++;
			assert_true(rank(*a) < rank(*b));
		}
	}
}

/* -- what is in the files -- */

static char *scratch_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *path = memory_format(
		"%s/kpki-bundle-XXXXXX", parent ? parent : "/tmp");

	assert_non_null(mkdtemp(path));
	return path;
}

static void remove_scratch(const char *path)
{
	struct error err = ERROR_INIT;

	if (!file_remove_tree(AT_FDCWD, path, &err))
		fail_msg("%s", err.message);
}

struct tree {
	char *path;
	int fd;
};

/* Lays the bundle out in a directory of its own. */
static struct tree lay_out(const struct bundle *bundle)
{
	struct tree tree = {scratch_directory(), -1};
	mode_t mask = umask(022);
	struct error err = ERROR_INIT;

	tree.fd = open(tree.path, O_DIRECTORY | O_RDONLY);
	assert_true(tree.fd >= 0);
	if (!tree_write_directory(
		    tree.fd, bundle->entries, bundle->n_entries, &err))
		fail_msg("%s", err.message);
	umask(mask);
	return tree;
}

static void clear_away(struct tree *tree)
{
	close(tree->fd);
	remove_scratch(tree->path);
	free(tree->path);
}

static char *read_file(const struct tree *tree, const char *path)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	int fd = openat(tree->fd, path, O_RDONLY);
	char bytes[4096];
	ssize_t len;

	assert_true(fd >= 0);
	while ((len = read(fd, bytes, sizeof(bytes))) > 0)
		buffer_add(&text, bytes, (size_t)len);
	close(fd);
	return buffer_detach(&text);
}

static void assert_pair(const char *certificate_pem, const char *key_pem,
	const struct bundle_certificate *made)
{
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(key) key = NULL;
	AUTO_FREE(secret) secret = secret_new(strlen(key_pem));
	AUTO_RELEASE(error) err = ERROR_INIT;

	memcpy(secret_bytes(secret), key_pem, strlen(key_pem));
	assert_true(certificate_read_pem(certificate_pem,
		strlen(certificate_pem), false, &certificate, &err));
	assert_true(key_read(secret, &key, &err));
	assert_true(der_equal(certificate->public_key, key_public(key)));
	assert_true(der_equal(certificate->whole,
		(struct der){
			(const unsigned char *)made->der.data, made->der.len}));
	assert_true(der_equal(certificate->serial,
		(struct der){made->serial, made->serial_len}));
}

static void the_files_hold_what_they_are_called(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = new_kit(&settings);
	AUTO_FREE(bundle) bundle = make(kit, &world->node);
	struct tree tree = lay_out(bundle);
	AUTO_TEXT ca = read_file(&tree, "etc/kubernetes/pki/ca.crt");
	AUTO_TEXT client = read_file(
		&tree, "var/lib/kubelet/pki/kubelet-client-current.pem");
	AUTO_TEXT certificate =
		read_file(&tree, "var/lib/kubelet/pki/kubelet.crt");
	AUTO_TEXT key = read_file(&tree, "var/lib/kubelet/pki/kubelet.key");
	char *between = strstr(client, "-----BEGIN PRIVATE KEY-----");

	assert_string_equal(ca, authority_pem(world->ca)->data);
	assert_memory_equal(client, "-----BEGIN CERTIFICATE-----", 27);
	assert_non_null(between);
	assert_memory_equal(between - 26, "-----END CERTIFICATE-----\n", 26);
	assert_pair(certificate, key, &bundle->certificates[1]);
	assert_string_equal(
		bundle->certificates[0].profile->name, "kubelet-client");
	assert_string_equal(
		bundle->certificates[1].profile->name, "kubelet-serving");
	*between = '\0';
	AUTO_TEXT client_certificate = memory_text(client);
	*between = '-';
	assert_pair(client_certificate, between, &bundle->certificates[0]);
	clear_away(&tree);
}

static void modes_are_what_the_table_says(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = new_kit(&settings);
	AUTO_FREE(bundle) bundle = make(kit, &world->node);
	struct tree tree = lay_out(bundle);

	for (size_t i = 0; i < bundle->n_entries; i++) {
		const struct tree_entry *entry = &bundle->entries[i];
		struct stat status;

		assert_int_equal(fstatat(tree.fd, entry->path, &status,
					 AT_SYMLINK_NOFOLLOW),
			0);
		if (entry->kind == TREE_LINK)
			assert_true(S_ISLNK(status.st_mode));
		else
			assert_int_equal(status.st_mode & 07777, entry->mode);
	}
	clear_away(&tree);
}

static void the_witness_is_the_clients_file(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = new_kit(&settings);
	AUTO_FREE(bundle) bundle = make(kit, &world->node);
	AUTO_FREE(bundle) other = make(kit, &world->node);
	struct tree tree = lay_out(bundle);
	AUTO_TEXT client = read_file(&tree, bundle->witness);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct sha256 hash;

	assert_string_equal(bundle->witness,
		"var/lib/kubelet/pki/kubelet-client-2026-11-24-01-14-59.pem");
	assert_true(sha256_of(client, strlen(client), &hash, &err));
	assert_memory_equal(&hash, &bundle->hash, sizeof(hash));
	assert_memory_not_equal(&hash, &other->hash, sizeof(hash));
	assert_string_equal(bundle_current_path(LAYOUT_KUBEADM),
		"var/lib/kubelet/pki/kubelet-client-current.pem");
	assert_string_equal(bundle_current_path(LAYOUT_PEM),
		"var/lib/kubelet/pki/kubelet-client-current.pem");
	clear_away(&tree);
}

static void the_witness_of_a_token_is_its_kubeconfig(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(token) token = new_token();
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_FREE(bundle) bundle = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT text = NULL;
	AUTO_TEXT id = memory_format("    token: \"%s.", token->id);
	struct sha256 hash;
	struct tree tree;

	settings.bootstrap = true;
	kit = new_kit(&settings);
	bundle = make_with(kit, &world->node, token);
	tree = lay_out(bundle);
	text = read_file(&tree, bundle->witness);
	assert_non_null(strstr(text, id));
	assert_true(sha256_of(text, strlen(text), &hash, &err));
	assert_memory_equal(&hash, &bundle->hash, sizeof(hash));
	clear_away(&tree);
}

static void documents_name_the_places_on_the_host(void **state)
{
	static const struct {
		enum layout layout;
		bool embed, serving;
		const char *file;
		const char *has[5], *has_not;
	} rows[] = {
		{LAYOUT_KUBEADM, false, true, "etc/kubernetes/kubelet.conf",
			{"client-certificate: \"/var/lib/kubelet/pki/"
			 "kubelet-client-current.pem\"",
				"client-key: \"/var/lib/kubelet/pki/"
				"kubelet-client-current.pem\"",
				"server: \"https://api.example:6443\"",
				"current-context: \"default-context\"",
				"user: \"default-auth\""},
			"client-key-data"},
		{LAYOUT_KUBEADM, true, true, "etc/kubernetes/kubelet.conf",
			{"client-certificate-data: \"LS0t",
				"client-key-data: \"LS0t",
				"cluster: \"default-cluster\""},
			"/var/lib"},
		{LAYOUT_KUBEADM, false, true, "var/lib/kubelet/config.yaml",
			{"clientCAFile: \"/etc/kubernetes/pki/ca.crt\"",
				"tlsCertFile: \"/var/lib/kubelet/pki/"
				"kubelet.crt\"",
				"tlsPrivateKeyFile: \"/var/lib/kubelet/pki/"
				"kubelet.key\"",
				"rotateCertificates: false"},
			"{node}"},
		{LAYOUT_KUBEADM, false, false, "var/lib/kubelet/config.yaml",
			{"clientCAFile: \"/etc/kubernetes/pki/ca.crt\""},
			"tlsCertFile"},
		{LAYOUT_PEM, false, true, "var/lib/kubelet/kubelet-config.yaml",
			{"clientCAFile: \"/var/lib/kubernetes/ca.pem\"",
				"tlsCertFile: \"/var/lib/kubelet/"
				"worker-1.pem\"",
				"tlsPrivateKeyFile: \"/var/lib/kubelet/"
				"worker-1-key.pem\""},
			"{node}"},
		{LAYOUT_PEM, false, false,
			"var/lib/kubelet/kubelet-config.yaml",
			{"clientCAFile: \"/var/lib/kubernetes/ca.pem\""},
			"tlsCertFile"},
		{LAYOUT_PEM, false, true, "var/lib/kubelet/kubeconfig",
			{"client-key: \"/var/lib/kubelet/pki/"
			 "kubelet-client-current.pem\""},
			"client-key-data"},
	};
	const struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bundle_settings settings = defaults(world);
		AUTO_FREE(bundle_kit) kit = NULL;
		AUTO_FREE(bundle) bundle = NULL;
		AUTO_TEXT text = NULL;
		struct tree tree;

		settings.layout = rows[i].layout;
		settings.embed_certificates = rows[i].embed;
		settings.serving = rows[i].serving;
		kit = new_kit(&settings);
		bundle = make(kit, &world->node);
		tree = lay_out(bundle);
		text = read_file(&tree, rows[i].file);
		for (size_t j = 0; j < 5 && rows[i].has[j]; j++)
			if (!strstr(text, rows[i].has[j]))
				fail_msg("%s is not in:\n%s", rows[i].has[j],
					text);
		if (strstr(text, rows[i].has_not))
			fail_msg("%s is in:\n%s", rows[i].has_not, text);
		clear_away(&tree);
	}
}

static void without_a_server_there_is_no_kit(void **state)
{
	const struct world *world = *state;
	AUTO_FREE(cluster) cluster = cluster_new();
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	settings.cluster = cluster;
	assert_false(bundle_kit_new(&settings, &kit, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_null(kit);
}

static void a_name_that_makes_a_file_name_too_long_is_refused(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	char name[254];
	const struct node node = {.name = name, .addresses = ""};

	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name) - 1; i += 50)
		name[i] = '.';
	for (unsigned with = 0; with < 4; with++) {
		bool long_name = with & 1, pem = with & 2;
		AUTO_FREE(bundle_kit) kit = NULL;
		AUTO_FREE(bundle) bundle = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		name[long_name ? 248 : 247] = '\0';
		settings.layout = pem ? LAYOUT_PEM : LAYOUT_KUBEADM;
		kit = new_kit(&settings);
		assert_int_equal(
			bundle_make(kit,
				&(struct bundle_order){&node, NULL, true},
				&bundle, &err),
			!(long_name && pem));
		name[long_name ? 248 : 247] = 'a';
		if (bundle)
			continue;
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_string_equal(err.message,
			"in this layout a node's name has at most 247 "
			"characters");
	}
}

static void an_error_names_the_profile(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_FREE(bundle) bundle = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	settings.lifetime.not_after = instant_add(now, 11 * SPAN_YEAR);
	kit = new_kit(&settings);
	assert_false(bundle_make(kit,
		&(struct bundle_order){&world->node, NULL, true}, &bundle,
		&err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_memory_equal(err.message, "kubelet-client: ", 16);
	assert_null(bundle);
}

/* -- of what is there already -- */

static struct key *read_key(const struct tree *tree, const char *path)
{
	AUTO_FREE(secret) pem = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct key *key = NULL;

	if (!file_read_secret(tree->fd, path, 1 << 16, &pem, &err) ||
		!key_read(pem, &key, &err))
		fail_msg("%s", err.message);
	return key;
}

static struct certificate *read_certificate(
	const struct bundle_certificate *made)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct certificate *certificate = NULL;

	if (!certificate_read(
		    (struct der){(const unsigned char *)made->der.data,
			    made->der.len},
		    &certificate, &err))
		fail_msg("%s", err.message);
	return certificate;
}

static void assert_same(const struct bundle *a, const struct bundle *b)
{
	AUTO_TEXT tree_a = describe(a);
	AUTO_TEXT tree_b = describe(b);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct sha256 hash_a, hash_b;

	assert_string_equal(tree_a, tree_b);
	assert_memory_equal(a->contents, b->contents,
		a->n_entries * sizeof(a->contents[0]));
	for (size_t i = 0; i < a->n_entries; i++) {
		assert_true(bundle_hash_entry(&a->entries[i], &hash_a, &err));
		assert_true(bundle_hash_entry(&b->entries[i], &hash_b, &err));
		assert_memory_equal(&hash_a, &hash_b, sizeof(hash_a));
	}
}

static void one_of_given_pairs_is_the_same(void **state)
{
	static const char *const keys[KUBELET_PAIRS] = {
		"var/lib/kubelet/pki/kubelet-client-current.pem",
		"var/lib/kubelet/pki/kubelet.key"};
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = new_kit(&settings);
	AUTO_FREE(bundle) bundle = make(kit, &world->node);
	AUTO_FREE(bundle_kit) keyless = NULL;
	AUTO_FREE(bundle) again = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct tree tree = lay_out(bundle);
	struct bundle_pair pairs[KUBELET_PAIRS];
	struct key *read[KUBELET_PAIRS];
	struct certificate *certificates[KUBELET_PAIRS];

	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		pairs[i].key = read[i] = read_key(&tree, keys[i]);
		pairs[i].certificate = certificates[i] =
			read_certificate(&bundle->certificates[i]);
	}
	settings.ca = NULL;
	settings.ca_pem = authority_pem(world->ca);
	keyless = new_kit(&settings);
	assert_true(bundle_make_of(keyless, &world->node, pairs, &again, &err));
	assert_same(bundle, again);
	assert_memory_equal(&bundle->hash, &again->hash, sizeof(again->hash));
	for (size_t i = 0; i < KUBELET_PAIRS; i++) {
		assert_memory_equal(bundle->certificates[i].serial,
			again->certificates[i].serial, 16);
		assert_ptr_equal(again->certificates[i].profile,
			bundle->certificates[i].profile);
		key_free(read[i]);
		certificate_free(certificates[i]);
	}
	clear_away(&tree);
}

/* -- many threads -- */

enum { N_JOBS = 32 };

struct batch {
	const struct bundle_kit *kit;
	const struct node *node;
	struct bundle *bundles[N_JOBS];
};

static void make_one(void *data, unsigned worker, size_t job)
{
	struct batch *batch = data;
	struct error err = ERROR_INIT;

	(void)worker;
	if (!bundle_make(batch->kit,
		    &(struct bundle_order){batch->node, NULL, false},
		    &batch->bundles[job], &err))
		error_release(&err);
}

static void many_threads_share_a_kit(void **state)
{
	const struct world *world = *state;
	struct bundle_settings settings = defaults(world);
	AUTO_FREE(bundle_kit) kit = NULL;
	AUTO_FREE(workers) workers = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct batch batch = {.node = &world->node};

	settings.embed_certificates = true;
	kit = new_kit(&settings);
	batch.kit = kit;
	assert_true(workers_new(4, &workers, &err));
	workers_start(workers, N_JOBS, make_one, &batch);
	workers_wait(workers);
	for (size_t i = 0; i < N_JOBS; i++) {
		assert_non_null(batch.bundles[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
				batch.bundles[i]->certificates[0].serial,
				batch.bundles[j]->certificates[0].serial, 16);
	}
	for (size_t i = 0; i < N_JOBS; i++)
		bundle_free(batch.bundles[i]);
}

#define WORLD_TEST(test)                                                       \
	cmocka_unit_test_setup_teardown(test, make_world, free_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(each_option_has_its_tree),
		WORLD_TEST(a_token_takes_the_place_of_a_certificate),
		WORLD_TEST(kube_proxy_has_a_kubeconfig_of_its_own),
		WORLD_TEST(entries_are_in_the_order_of_a_tree),
		WORLD_TEST(the_files_hold_what_they_are_called),
		WORLD_TEST(modes_are_what_the_table_says),
		WORLD_TEST(the_witness_is_the_clients_file),
		WORLD_TEST(the_witness_of_a_token_is_its_kubeconfig),
		WORLD_TEST(documents_name_the_places_on_the_host),
		WORLD_TEST(without_a_server_there_is_no_kit),
		WORLD_TEST(a_name_that_makes_a_file_name_too_long_is_refused),
		WORLD_TEST(an_error_names_the_profile),
		WORLD_TEST(one_of_given_pairs_is_the_same),
		WORLD_TEST(many_threads_share_a_kit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
