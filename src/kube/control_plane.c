/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/control_plane.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "kube/bundle.h"
#include "kube/kubeconfig.h"
#include "pki/pem.h"

/* -- the table -- */

/* What must be wanted for a file to be there. */
enum with {
	WITH_CA_KEY = 1,
	WITH_ADMIN = 2,
	WITH_SUPER_ADMIN = 4,
	WITH_BUNDLE = 8, /* shifted by the authority */
};

struct row {
	unsigned roles; /* any of them has it */
	unsigned with;	/* all of them are wanted */
	enum control_part part;
	const char *profile;
	const char *paths[2]; /* by layout; {node} is filled in */
};

#define ETC "etc/kubernetes/"
#define PKI ETC "pki/"
#define VAR "var/lib/kubernetes/"
#define KUBELET "var/lib/kubelet/"

#define PAIR(roles, profile, kubeadm, pem)                                     \
	{roles, 0, PART_CERTIFICATE, profile, {kubeadm ".crt", pem ".pem"}},   \
	{                                                                      \
		roles, 0, PART_KEY, profile,                                   \
		{                                                              \
			kubeadm ".key", pem "-key.pem"                         \
		}                                                              \
	}

/* kubeadm: app/constants; Kubernetes: PKI certificates and requirements, and
 * TLS bootstrapping */
static const struct row rows[] = {
	{ROLE_CONTROL, 0, PART_AUTHORITY, "ca", {PKI "ca.crt", VAR "ca.pem"}},
	{ROLE_CONTROL, WITH_BUNDLE << CONTROL_CA, PART_BUNDLE, "ca",
		{PKI "ca-bundle.crt", VAR "ca-bundle.pem"}},
	{ROLE_CONTROL, WITH_CA_KEY, PART_AUTHORITY_KEY, "ca",
		{PKI "ca.key", VAR "ca-key.pem"}},
	PAIR(ROLE_CONTROL, "kube-apiserver", PKI "apiserver", VAR "kubernetes"),
	PAIR(ROLE_CONTROL, "kube-apiserver-kubelet-client",
		PKI "apiserver-kubelet-client", VAR "apiserver-kubelet-client"),
	{ROLE_CONTROL, 0, PART_AUTHORITY, "front-proxy-ca",
		{PKI "front-proxy-ca.crt", VAR "front-proxy-ca.pem"}},
	{ROLE_CONTROL, WITH_BUNDLE << CONTROL_FRONT_PROXY_CA, PART_BUNDLE,
		"front-proxy-ca",
		{PKI "front-proxy-ca-bundle.crt",
			VAR "front-proxy-ca-bundle.pem"}},
	PAIR(ROLE_CONTROL, "front-proxy-client", PKI "front-proxy-client",
		VAR "front-proxy-client"),
	{ROLE_CONTROL, 0, PART_SERVICE_ACCOUNT_KEY, NULL,
		{PKI "sa.key", VAR "service-account-key.pem"}},
	{ROLE_CONTROL, 0, PART_SERVICE_ACCOUNT, NULL,
		{PKI "sa.pub", VAR "service-account.pem"}},
	{ROLE_CONTROL | ROLE_ETCD, 0, PART_AUTHORITY, "etcd-ca",
		{PKI "etcd/ca.crt", VAR "etcd/ca.pem"}},
	{ROLE_CONTROL | ROLE_ETCD, WITH_BUNDLE << CONTROL_ETCD_CA, PART_BUNDLE,
		"etcd-ca",
		{PKI "etcd/ca-bundle.crt", VAR "etcd/ca-bundle.pem"}},
	PAIR(ROLE_CONTROL, "kube-apiserver-etcd-client",
		PKI "apiserver-etcd-client", VAR "apiserver-etcd-client"),
	PAIR(ROLE_ETCD, "etcd-server", PKI "etcd/server", VAR "etcd/server"),
	PAIR(ROLE_ETCD, "etcd-peer", PKI "etcd/peer", VAR "etcd/peer"),
	PAIR(ROLE_ETCD, "etcd-healthcheck-client",
		PKI "etcd/healthcheck-client", VAR "etcd/healthcheck-client"),
	{ROLE_CONTROL, 0, PART_KUBECONFIG, "controller-manager",
		{ETC "controller-manager.conf",
			VAR "kube-controller-manager.kubeconfig"}},
	{ROLE_CONTROL, 0, PART_KUBECONFIG, "scheduler",
		{ETC "scheduler.conf", VAR "kube-scheduler.kubeconfig"}},
	{ROLE_CONTROL, 0, PART_KUBECONFIG, "kubelet-client",
		{ETC "kubelet.conf", KUBELET "kubeconfig"}},
	PAIR(ROLE_CONTROL, "kubelet-serving", KUBELET "pki/kubelet",
		KUBELET "{node}"),
	{ROLE_CONTROL, WITH_ADMIN, PART_KUBECONFIG, "admin",
		{ETC "admin.conf", VAR "admin.kubeconfig"}},
	{ROLE_CONTROL, WITH_ADMIN | WITH_SUPER_ADMIN, PART_KUBECONFIG,
		"super-admin",
		{ETC "super-admin.conf", VAR "super-admin.kubeconfig"}},
	{ROLE_ADMIN, 0, PART_KUBECONFIG, "admin",
		{"admin.conf", "admin.kubeconfig"}},
	{ROLE_ADMIN, WITH_SUPER_ADMIN, PART_KUBECONFIG, "super-admin",
		{"super-admin.conf", "super-admin.kubeconfig"}},
};

static const struct {
	const char *path;
	mode_t mode;
	bool on_every_host;
} directories[] = {
	{"etc", 0755, true},
	{"var", 0755, true},
	{"var/lib", 0755, true},
	{"var/lib/kubelet/pki", 0700, false},
};

static mode_t mode_of(enum control_part part)
{
	switch (part) {
	case PART_AUTHORITY:
	case PART_BUNDLE:
	case PART_SERVICE_ACCOUNT:
	case PART_CERTIFICATE:
		return 0644;
	case PART_AUTHORITY_KEY:
	case PART_SERVICE_ACCOUNT_KEY:
	case PART_KEY:
	case PART_KUBECONFIG:
		break;
	}
	return 0600;
}

static bool has_certificate(enum control_part part)
{
	return part == PART_CERTIFICATE || part == PART_KUBECONFIG;
}

static const char *const authority_names[CONTROL_AUTHORITIES] = {
	[CONTROL_CA] = "ca",
	[CONTROL_FRONT_PROXY_CA] = "front-proxy-ca",
	[CONTROL_ETCD_CA] = "etcd-ca",
};

const char *control_authority_name(enum control_authority authority)
{
	return authority_names[authority];
}

static enum control_authority find_authority(const char *name)
{
	size_t i = 0;

	while (strcmp(authority_names[i], name) != 0)
		i++;
	return (enum control_authority)i;
}

enum control_authority control_issuer_of(const struct profile *profile)
{
	return find_authority(profile->issuer);
}

const struct profile *control_profile(unsigned roles, size_t i)
{
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
		if (rows[k].roles & roles && has_certificate(rows[k].part) &&
			i-- == 0)
			return profile_find(rows[k].profile);
	return NULL;
}

/* -- the kit -- */

struct control_kit {
	struct control_settings settings;
	unsigned with;
	struct secret *ca_key, *service_account_key;
	struct buffer service_account; /* its public key, PEM */
};

bool control_kit_new(const struct control_settings *settings,
	struct control_kit **ret_kit, struct error *err)
{
	AUTO_FREE(control_kit) kit = memory_new(1, sizeof(*kit));
	const struct authority *ca = settings->authorities[CONTROL_CA];

	kit->settings = *settings;
	kit->service_account = (struct buffer)BUFFER_INIT;
	kit->with = (settings->ca_key ? WITH_CA_KEY : 0) |
		    (settings->admin ? WITH_ADMIN : 0) |
		    (settings->super_admin ? WITH_SUPER_ADMIN : 0);
	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++)
		if (settings->bundles[i])
			kit->with |= WITH_BUNDLE << i;
	if (settings->service_account_bundle)
		buffer_add(&kit->service_account,
			settings->service_account_bundle->data,
			settings->service_account_bundle->len);
	else
		pem_write(&kit->service_account, "PUBLIC KEY",
			key_public(settings->service_account_key));
	if (!key_write(settings->service_account_key, &kit->service_account_key,
		    err) ||
		(settings->ca_key &&
			!key_write(authority_key(ca), &kit->ca_key, err)))
		return false;
	*ret_kit = take(&kit);
	return true;
}

void control_kit_free(struct control_kit *kit)
{
	if (!kit)
		return;
	secret_free(kit->ca_key);
	secret_free(kit->service_account_key);
	buffer_release(&kit->service_account);
	free(kit);
}

static bool applies(const struct control_plan *plan, const struct row *row)
{
	return row->roles & plan->roles && !(row->with & ~plan->kit->with);
}

/* -- names -- */

struct alt_names {
	struct alt_name *items; /* texts are owned */
	size_t n_items, allocated;
};

struct control_names {
	struct alt_names api_server, etcd;
	const char **addresses; /* the host's name and addresses; borrowed */
	size_t n_addresses;
};

static void add_name(struct alt_names *names, const char *text)
{
	for (size_t i = 0; i < names->n_items; i++)
		if (!strcmp(names->items[i].text, text))
			return;
	names->items = memory_grow(names->items, &names->allocated,
		names->n_items + 1, sizeof(*names->items));
	names->items[names->n_items++] = (struct alt_name){
		address_kind(text) == ADDRESS_IP ? ALT_NAME_IP : ALT_NAME_DNS,
		memory_text(text)};
}

static void add_names(struct alt_names *names, const struct host_names *more)
{
	for (size_t i = 0; i < more->n_items; i++)
		add_name(names, more->items[i]);
}

static void add_host(struct alt_names *names, const struct node *host)
{
	for (size_t i = 0; i < host->n_addresses; i++)
		add_name(names, node_address(host, i));
}

/* kubeadm: GetAPIServerAltNames, which knows no second service network */
static void add_shared(struct alt_names *names, const struct cluster *cluster)
{
	const struct topology *topology = cluster->topology;
	AUTO_TEXT domain =
		memory_format("kubernetes.default.svc.%s", cluster->dns_domain);

	add_name(names, "kubernetes");
	add_name(names, "kubernetes.default");
	add_name(names, "kubernetes.default.svc");
	add_name(names, domain);
	for (size_t i = 0; i < cluster->n_service_cidrs; i++) {
		AUTO_TEXT first = cidr_first(&cluster->service_cidrs[i]);

		add_name(names, first);
	}
	if (topology->endpoint_host)
		add_name(names, topology->endpoint_host);
	if (cluster->server_host)
		add_name(names, cluster->server_host);
	add_names(names, &topology->cert_sans);
}

static void release_names(struct alt_names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free((char *)names->items[i].text);
	free(names->items);
}

/* etcd dials itself on the loopback, and so does its probe (kubeadm:
 * GetEtcdAltNames). */
static struct control_names *names_new(
	const struct cluster *cluster, const struct node *host)
{
	struct control_names *names = memory_new(1, sizeof(*names));

	add_name(&names->api_server, host->name);
	add_shared(&names->api_server, cluster);
	add_host(&names->api_server, host);
	add_name(&names->etcd, host->name);
	add_name(&names->etcd, "localhost");
	add_host(&names->etcd, host);
	add_name(&names->etcd, "127.0.0.1");
	add_name(&names->etcd, "::1");
	add_names(&names->etcd, &cluster->topology->etcd_cert_sans);
	names->addresses =
		memory_new(1 + host->n_addresses, sizeof(*names->addresses));
	names->addresses[names->n_addresses++] = host->name;
	for (size_t i = 0; i < host->n_addresses; i++)
		names->addresses[names->n_addresses++] = node_address(host, i);
	return names;
}

static void names_free(struct control_names *names)
{
	if (!names)
		return;
	release_names(&names->api_server);
	release_names(&names->etcd);
	free(names->addresses);
	free(names);
}

/* -- a plan -- */

/* Components of a host speak with its own API server where that is known to
 * answer (kubeadm: of one version with it, whatever the others are). */
static void choose_server(const struct control_plan *plan,
	struct control_certificate *certificate)
{
	const struct cluster *cluster = plan->kit->settings.cluster;
	const char *name = certificate->profile->name;
	bool local = !strcmp(name, "controller-manager") ||
		     !strcmp(name, "scheduler");

	if (local && plan->roles & ROLE_CONTROL)
		certificate->kept =
			topology_local_server(cluster->topology, &plan->host);
	certificate->server =
		certificate->kept ? certificate->kept : cluster->server;
}

/* What the host alone answers by. */
static void choose_addresses(const struct control_plan *plan,
	struct control_certificate *certificate)
{
	if (certificate->profile->names != NAMES_NONE) {
		certificate->addresses = plan->names->addresses;
		certificate->n_addresses = plan->names->n_addresses;
	} else if (certificate->profile->for_node) {
		certificate->addresses = plan->names->addresses;
		certificate->n_addresses = 1;
	}
}

static void choose_names(const struct control_plan *plan,
	struct control_certificate *certificate)
{
	const struct alt_names *names = NULL;

	if (certificate->profile->names == NAMES_API_SERVER)
		names = &plan->names->api_server;
	if (certificate->profile->names == NAMES_ETCD)
		names = &plan->names->etcd;
	if (!names)
		return;
	certificate->holder.alt_names = names->items;
	certificate->holder.n_alt_names = names->n_items;
}

static void add_certificate(struct control_plan *plan, const struct row *row)
{
	const struct cluster *cluster = plan->kit->settings.cluster;
	struct control_certificate *certificate =
		&plan->certificates[plan->n_certificates++];
	bool admin = plan->roles & ROLE_ADMIN;

	assert(plan->n_certificates <= CONTROL_CERTIFICATES_MAX);
	certificate->profile = profile_find(row->profile);
	certificate->issuer = control_issuer_of(certificate->profile);
	certificate->name =
		admin ? certificate->profile->common_name : plan->name;
	certificate->holder = (struct holder){.node = &plan->host,
		.minor = cluster->minor,
		.names_from = "cluster file"};
	certificate->server = "";
	if (row->part == PART_KUBECONFIG)
		choose_server(plan, certificate);
	if (admin)
		return;
	choose_addresses(plan, certificate);
	choose_names(plan, certificate);
}

struct control_plan *control_plan_new(
	const struct control_kit *kit, unsigned roles, const struct node *host)
{
	struct control_plan *plan = memory_new(1, sizeof(*plan));

	plan->kit = kit;
	plan->roles = roles;
	plan->name = roles & ROLE_ADMIN ? CONTROL_ADMIN_NAME : host->name;
	if (!(roles & ROLE_ADMIN)) {
		plan->host = *host;
		plan->names = names_new(kit->settings.cluster, host);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (applies(plan, &rows[i]) && has_certificate(rows[i].part))
			add_certificate(plan, &rows[i]);
	return plan;
}

void control_plan_free(struct control_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_certificates; i++)
		free(plan->certificates[i].kept);
	names_free(plan->names);
	free(plan);
}

/* -- its files -- */

static char *path_of(const struct control_plan *plan, const struct row *row)
{
	const char *path = row->paths[plan->kit->settings.layout];
	const char *at = strstr(path, "{node}");

	if (!at)
		return memory_text(path);
	return memory_format("%.*s%s%s", (int)(at - path), path, plan->name,
		at + strlen("{node}"));
}

struct control_files control_files_of(const struct control_plan *plan)
{
	struct control_files files = {
		memory_new(ARRAY_SIZE(rows), sizeof(struct control_file)), 0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (applies(plan, &rows[i]))
			files.items[files.n_items++] = (struct control_file){
				rows[i].part,
				rows[i].profile ? profile_find(rows[i].profile)
						: NULL,
				path_of(plan, &rows[i])};
	return files;
}

void control_files_release(struct control_files *files)
{
	for (size_t i = 0; i < files->n_items; i++)
		free(files->items[i].path);
	free(files->items);
	*files = (struct control_files){0};
}

static const struct authority *authority_called(
	const struct control_kit *kit, const char *name)
{
	return kit->settings.authorities[find_authority(name)];
}

static const struct buffer *authority_text(
	const struct control_kit *kit, const struct profile *profile)
{
	return authority_pem(authority_called(kit, profile->name));
}

static const struct buffer *bundle_text(
	const struct control_kit *kit, const struct profile *profile)
{
	const struct buffer *bundle =
		kit->settings.bundles[find_authority(profile->name)];

	return bundle ? bundle : authority_text(kit, profile);
}

const struct certificate *control_authority_certificate(
	const struct control_kit *kit, const struct profile *profile)
{
	return authority_certificate(
		kit->settings.authorities[find_authority(profile->name)]);
}

void control_public_text(const struct control_kit *kit,
	const struct control_file *file, struct der certificate,
	struct buffer *text)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	const struct buffer *whole = &pem;

	switch (file->part) {
	case PART_AUTHORITY:
		whole = authority_text(kit, file->profile);
		break;
	case PART_BUNDLE:
		whole = bundle_text(kit, file->profile);
		break;
	case PART_SERVICE_ACCOUNT:
		whole = &kit->service_account;
		break;
	case PART_CERTIFICATE:
		authority_write_leaf(
			authority_called(kit, file->profile->issuer),
			certificate, &pem);
		break;
	case PART_KUBECONFIG:
		authority_write_leaf(
			authority_called(kit, file->profile->issuer),
			certificate, &pem);
		base64_encode(pem.data, pem.len,
			buffer_room(text, BASE64_LEN(pem.len)));
		buffer_wrote(text, BASE64_LEN(pem.len));
		return;
	case PART_AUTHORITY_KEY:
	case PART_SERVICE_ACCOUNT_KEY:
	case PART_KEY:
		break;
	}
	buffer_add(text, whole->data, whole->len);
}

const struct secret *control_shared_secret(
	const struct control_kit *kit, const struct control_file *file)
{
	switch (file->part) {
	case PART_AUTHORITY_KEY:
		return kit->ca_key;
	case PART_SERVICE_ACCOUNT_KEY:
		return kit->service_account_key;
	case PART_AUTHORITY:
	case PART_BUNDLE:
	case PART_SERVICE_ACCOUNT:
	case PART_CERTIFICATE:
	case PART_KEY:
	case PART_KUBECONFIG:
		break;
	}
	return NULL;
}

/* -- a tree -- */

struct control_tree_parts {
	struct buffer pems[CONTROL_CERTIFICATES_MAX];
	struct secret *keys[CONTROL_CERTIFICATES_MAX];
	struct secret *kubeconfigs[CONTROL_CERTIFICATES_MAX];
	struct control_files files;
	char **directories; /* paths */
	size_t n_directories, allocated;
	size_t entries_allocated;
};

static struct control_tree *new_tree(void)
{
	struct control_tree *tree = memory_new(1, sizeof(*tree));

	tree->parts = memory_new(1, sizeof(*tree->parts));
	for (size_t i = 0; i < CONTROL_CERTIFICATES_MAX; i++) {
		tree->made[i].der = (struct buffer)BUFFER_INIT;
		tree->parts->pems[i] = (struct buffer)BUFFER_INIT;
	}
	return tree;
}

void control_tree_free(struct control_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < CONTROL_CERTIFICATES_MAX; i++) {
		buffer_release(&tree->made[i].der);
		buffer_release(&tree->parts->pems[i]);
		secret_free(tree->parts->keys[i]);
		secret_free(tree->parts->kubeconfigs[i]);
	}
	control_files_release(&tree->parts->files);
	for (size_t i = 0; i < tree->parts->n_directories; i++)
		free(tree->parts->directories[i]);
	free(tree->parts->directories);
	free(tree->parts);
	free(tree->entries);
	free(tree);
}

static bool make_pair(const struct control_plan *plan, size_t i,
	struct control_tree *tree, struct error *err)
{
	const struct control_certificate *wanted = &plan->certificates[i];
	const struct control_settings *settings = &plan->kit->settings;
	struct control_made *made = &tree->made[i];
	AUTO_FREE(key) key = NULL;
	struct profile_order order = {.profile = wanted->profile,
		.ca = settings->authorities[wanted->issuer],
		.holder = wanted->holder,
		.lifetime = settings->lifetimes[wanted->issuer],
		.verify = true};

	if (!key_generate(settings->key_type, &key, err))
		return false;
	order.public_key = key_public(key);
	if (!profile_issue(
		    &order, &made->der, made->serial, &made->serial_len, err) ||
		!key_write(key, &tree->parts->keys[i], err))
		return false;
	authority_write_leaf(
		order.ca, der_of(&made->der), &tree->parts->pems[i]);
	tree->n_made++;
	return true;
}

/* The names are kubeadm's (app/phases/kubeconfig). */
static bool make_kubeconfig(const struct control_plan *plan, size_t i,
	struct control_tree *tree, struct error *err)
{
	const struct control_certificate *wanted = &plan->certificates[i];
	const struct control_settings *settings = &plan->kit->settings;
	AUTO_TEXT user = memory_format("%s%s", wanted->profile->common_name,
		wanted->profile->for_node ? plan->name : "");
	AUTO_TEXT context =
		memory_format("%s@%s", user, settings->cluster->name);
	AUTO_FREE(kubeconfig_frame) frame = NULL;
	const struct kubeconfig config = {.cluster = settings->cluster->name,
		.user = user,
		.context = context,
		.server = wanted->server,
		.ca_pem = bundle_text(plan->kit, profile_find("ca"))};

	if (!*wanted->server)
		return true;
	if (!kubeconfig_frame_new(&config, &frame, err))
		return false;
	tree->parts->kubeconfigs[i] = kubeconfig_fill(
		frame, &tree->parts->pems[i], tree->parts->keys[i]);
	return true;
}

static size_t find_certificate(
	const struct control_plan *plan, const struct profile *profile)
{
	size_t i = 0;

	while (plan->certificates[i].profile != profile)
		i++;
	return i;
}

static struct file_part public_part(const struct buffer *text)
{
	return (struct file_part){text->data, text->len, NULL};
}

static struct file_part secret_part(const struct secret *secret)
{
	return (struct file_part){NULL, 0, secret};
}

static struct file_part part_of(const struct control_plan *plan,
	const struct control_tree *tree, const struct control_file *file)
{
	const struct control_kit *kit = plan->kit;
	const struct control_tree_parts *parts = tree->parts;

	switch (file->part) {
	case PART_AUTHORITY:
		return public_part(authority_text(kit, file->profile));
	case PART_BUNDLE:
		return public_part(bundle_text(kit, file->profile));
	case PART_AUTHORITY_KEY:
		return secret_part(kit->ca_key);
	case PART_SERVICE_ACCOUNT:
		return public_part(&kit->service_account);
	case PART_SERVICE_ACCOUNT_KEY:
		return secret_part(kit->service_account_key);
	case PART_CERTIFICATE:
		return public_part(
			&parts->pems[find_certificate(plan, file->profile)]);
	case PART_KEY:
		return secret_part(
			parts->keys[find_certificate(plan, file->profile)]);
	case PART_KUBECONFIG:
		break;
	}
	return secret_part(
		parts->kubeconfigs[find_certificate(plan, file->profile)]);
}

static void add_entry(struct control_tree *tree, const struct tree_entry *entry)
{
	tree->entries =
		memory_grow(tree->entries, &tree->parts->entries_allocated,
			tree->n_entries + 1, sizeof(*tree->entries));
	tree->entries[tree->n_entries++] = *entry;
}

static bool has_directory(const struct control_tree *tree, const char *path)
{
	for (size_t i = 0; i < tree->parts->n_directories; i++)
		if (!strcmp(tree->parts->directories[i], path))
			return true;
	return false;
}

static void add_directory(struct control_tree *tree, char *taken_path)
{
	struct control_tree_parts *parts = tree->parts;
	struct tree_entry entry = {
		.kind = TREE_DIRECTORY, .path = taken_path, .mode = 0755};

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		if (strcmp(directories[i].path, taken_path) != 0)
			continue;
		entry.mode = directories[i].mode;
		entry.on_every_host = directories[i].on_every_host;
	}
	parts->directories = memory_grow(parts->directories, &parts->allocated,
		parts->n_directories + 1, sizeof(*parts->directories));
	parts->directories[parts->n_directories++] = taken_path;
	add_entry(tree, &entry);
}

static void add_directories(struct control_tree *tree, const char *path)
{
	for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
		char *directory = memory_text_n(path, (size_t)(at - path));

		if (has_directory(tree, directory))
			free(directory);
		else
			add_directory(tree, directory);
	}
}

static int compare_entries(const void *a, const void *b)
{
	return tree_compare_paths(((const struct tree_entry *)a)->path,
		((const struct tree_entry *)b)->path);
}

static void lay_out(const struct control_plan *plan, struct control_tree *tree)
{
	struct control_files *files = &tree->parts->files;

	*files = control_files_of(plan);
	for (size_t i = 0; i < files->n_items; i++) {
		const struct control_file *file = &files->items[i];
		struct tree_entry entry = {.kind = TREE_FILE,
			.path = file->path,
			.mode = mode_of(file->part),
			.parts = {part_of(plan, tree, file)},
			.n_parts = 1};

		add_directories(tree, file->path);
		add_entry(tree, &entry);
		if (file->part == PART_KEY || file->part == PART_KUBECONFIG)
			tree->witness = file->path;
	}
	qsort(tree->entries, tree->n_entries, sizeof(*tree->entries),
		compare_entries);
}

static bool hash_witness(struct control_tree *tree, struct error *err)
{
	size_t i = 0;

	while (tree->entries[i].path != tree->witness)
		i++;
	return bundle_hash_entry(&tree->entries[i], &tree->hash, err);
}

bool control_tree_make(const struct control_plan *plan,
	struct control_tree **ret_tree, struct error *err)
{
	AUTO_FREE(control_tree) tree = new_tree();

	for (size_t i = 0; i < plan->n_certificates; i++)
		if (!make_pair(plan, i, tree, err) ||
			!make_kubeconfig(plan, i, tree, err))
			return error_context(
				err, "%s", plan->certificates[i].profile->name);
	lay_out(plan, tree);
	if (!hash_witness(tree, err))
		return false;
	*ret_tree = take(&tree);
	return true;
}
