/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/install.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube/bundle.h"
#include "kube/place.h"

#define FILE_MAX ((size_t)1 << 20) /* of what is there already */

/* -- going down -- */

static bool refuse(
	const char *path, int path_len, const char *rule, struct error *err)
{
	return error_set(
		err, ERROR_REFUSED, "\"%.*s\": %s", path_len, path, rule);
}

/* Opens what stands under the first len bytes of a path, or leaves *fd -1 when
 * it is not there. */
static bool step(int *fd, const char *path, size_t len, struct error *err)
{
	size_t start = len;
	AUTO_TEXT part = NULL;
	int next;

	while (start > 0 && path[start - 1] != '/')
		start--;
	part = memory_text_n(path + start, len - start);
	next = UNINTERRUPTED(openat(
		*fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (next < 0 && errno != ENOENT) {
		if (errno == ELOOP || errno == ENOTDIR)
			return refuse(path, (int)len,
				"not a directory, or a link to one", err);
		return error_errno(
			err, "directory \"%.*s\": cannot open", (int)len, path);
	}
	file_auto_close(fd);
	*fd = next;
	return true;
}

/* The directory of a path's last part; *ret_fd -1: there is none yet. */
static bool open_above(
	int root, const char *path, int *ret_fd, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(
		openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0)
		return error_errno(err, "root: cannot open");
	for (const char *slash = strchr(path, '/'); slash && fd >= 0;
		slash = strchr(slash + 1, '/'))
		if (!step(&fd, path, (size_t)(slash - path), err))
			return false;
	*ret_fd = fd;
	fd = -1;
	return true;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* -- the plan -- */

struct install_parts {
	struct install_settings settings;
	struct bundle_kit *kit;
	struct bundle *bundle;
	struct node node;
	struct certificate *serving; /* that is in its place, or NULL */
};

/* What one entry meets. */
struct site {
	const struct install_parts *parts;
	const struct tree_entry *entry;
	enum content content;
	int dir;
	const char *name;
};

static const struct certificate *leaf(
	const struct install_parts *parts, enum kubelet_pair pair)
{
	return parts->settings.file->leaves[pair];
}

static bool refuse_site(
	const struct site *site, const char *rule, struct error *err)
{
	return refuse(site->entry->path, INT_MAX, rule, err);
}

static bool is_same_file(int fd, const struct tree_entry *entry, bool *ret_same,
	struct error *err)
{
	struct sha256 is, wanted;

	if (!sha256_of_file(fd, entry->path, &is, err) ||
		!bundle_hash_entry(entry, &wanted, err))
		return false;
	*ret_same = !memcmp(&is, &wanted, sizeof(is));
	return true;
}

/* A regular file beside the site that says what the entry does. */
static bool look_at(const struct site *site, const char *name,
	struct stat *ret_status, bool *ret_same, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(openat(site->dir, name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));

	if (fd < 0 && errno == ELOOP)
		return refuse_site(site, "a symbolic link", err);
	if (fd < 0 || fstat(fd, ret_status) != 0)
		return error_errno(
			err, "\"%s\": cannot open", site->entry->path);
	if (!S_ISREG(ret_status->st_mode))
		return refuse_site(site, "not a regular file", err);
	return is_same_file(fd, site->entry, ret_same, err);
}

/* One that is there may give way to this one. */
static bool check_successor(const struct site *site,
	const struct certificate *there, const struct certificate *wanted,
	struct error *err)
{
	const struct certificate *ca = site->parts->settings.file->ca;
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	char text[INSTANT_TEXT];

	if (!der_equal(there->subject, wanted->subject) ||
		there->purposes != wanted->purposes ||
		!der_equal(there->issuer, ca->subject) ||
		!certificate_verify(there, ca->public_key, &ignored))
		return refuse_site(site,
			"is there, and no certificate of this node from this "
			"CA",
			err);
	if (there->not_before.seconds <= wanted->not_before.seconds)
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s\": the certificate that is there is newer, of %s",
		site->entry->path, instant_format(there->not_before, text));
}

static bool check_serving_certificate(
	const struct site *site, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	AUTO_FREE(certificate) there = NULL;

	if (!file_read(site->dir, site->name, FILE_MAX, &text, err))
		return false;
	if (!certificate_read_pem(text.data, text.len, false, &there, &ignored))
		return refuse_site(
			site, "is there, and not one certificate", err);
	return check_successor(
		site, there, leaf(site->parts, KUBELET_SERVING), err);
}

/* The key in its place is that of the certificate in its place; whether that
 * may go is asked of the certificate. */
static bool check_serving_key(const struct site *site, struct error *err)
{
	const struct certificate *there = site->parts->serving;
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	AUTO_FREE(secret) pem = NULL;
	AUTO_FREE(key) key = NULL;

	if (!file_read_secret(site->dir, site->name, FILE_MAX, &pem, err))
		return false;
	if (there && key_read(pem, &key, &ignored) &&
		der_equal(key_public(key), there->public_key))
		return true;
	return refuse_site(site,
		"is there, and not the key of the certificate beside it", err);
}

static bool decide_on_other(
	const struct site *site, enum placement_way *ret_way, struct error *err)
{
	*ret_way = PLACEMENT_REPLACE;
	switch (site->content) {
	case CONTENT_SERVING_CERTIFICATE:
		return check_serving_certificate(site, err);
	case CONTENT_SERVING_KEY:
		return check_serving_key(site, err);
	case CONTENT_NONE:
	case CONTENT_CA:
	case CONTENT_KUBECONFIG:
	case CONTENT_KUBELET_CONFIG:
	case CONTENT_CLIENT:
	case CONTENT_CURRENT:
		break;
	}
	return refuse_site(site, "is there and says something else", err);
}

static bool decide_on_file(
	const struct site *site, enum placement_way *ret_way, struct error *err)
{
	struct stat status;
	bool same;

	if (!look_at(site, site->name, &status, &same, err))
		return false;
	if (!same)
		return decide_on_other(site, ret_way, err);
	if (site->entry->mode == 0600 && status.st_mode & 077)
		return refuse_site(site,
			"is there, and open to others than its owner", err);
	*ret_way = PLACEMENT_KEEP;
	return true;
}

static bool decide_on_link(
	const struct site *site, enum placement_way *ret_way, struct error *err)
{
	AUTO_FREE(certificate) there = NULL;
	char target[NAME_MAX + 1];
	ssize_t len = readlinkat(site->dir, site->name, target, NAME_MAX);

	if (len < 0)
		return refuse_site(site, "is there, and not a link", err);
	target[len] = '\0';
	*ret_way = PLACEMENT_KEEP;
	if (strcmp(target, site->entry->link) == 0)
		return true;
	*ret_way = PLACEMENT_REPLACE;
	if (!strchr(target, '/') && !place_read_client(site->dir, target,
					    &site->parts->node, &there, err))
		return false;
	if (!there)
		return refuse_site(site,
			"is there, and leads to no client certificate of this "
			"node",
			err);
	return check_successor(
		site, there, leaf(site->parts, KUBELET_CLIENT), err);
}

static bool decide(
	const struct site *site, enum placement_way *ret_way, struct error *err)
{
	*ret_way = PLACEMENT_NEW;
	if (site->dir < 0 || !file_exists(site->dir, site->name))
		return true;
	return site->entry->kind == TREE_LINK
		       ? decide_on_link(site, ret_way, err)
		       : decide_on_file(site, ret_way, err);
}

/* -- the bundle -- */

static bool make_bundle(
	struct install_parts *parts, struct instant now, struct error *err)
{
	const struct node_certificates *file = parts->settings.file;
	const struct bundle_settings settings = {
		.cluster = file->cluster,
		.ca_pem = file->ca_pem,
		.layout = file->layout,
		.now = now,
		.serving = file->leaves[KUBELET_SERVING] != NULL,
		.kubelet_config = parts->settings.kubelet_config,
		.kubelet_config_base = parts->settings.kubelet_config_base,
	};
	struct bundle_pair pairs[KUBELET_PAIRS];

	for (size_t i = 0; i < KUBELET_PAIRS; i++)
		pairs[i] = (struct bundle_pair){
			parts->settings.keys[i], file->leaves[i]};
	bundle_free(take(&parts->bundle));
	bundle_kit_free(take(&parts->kit));
	return bundle_kit_new(&settings, &parts->kit, err) &&
	       bundle_make_of(
		       parts->kit, &parts->node, pairs, &parts->bundle, err);
}

static size_t find(const struct bundle *bundle, enum content content)
{
	size_t i = 0;

	while (i < bundle->n_entries && bundle->contents[i] != content)
		i++;
	return i;
}

static bool open_site(const struct install_parts *parts, size_t i,
	struct site *site, struct error *err)
{
	const struct tree_entry *entry = &parts->bundle->entries[i];

	*site = (struct site){.parts = parts,
		.entry = entry,
		.content = parts->bundle->contents[i],
		.dir = -1,
		.name = last_part(entry->path)};
	return open_above(parts->settings.root, entry->path, &site->dir, err);
}

static void close_site(struct site *site)
{
	file_auto_close(&site->dir);
}

#define AUTO_SITE __attribute__((cleanup(close_site))) struct site

/* Is the client's file there with something else in it? */
static bool is_taken(
	const struct install_parts *parts, bool *ret_taken, struct error *err)
{
	AUTO_SITE site = {.dir = -1};
	struct stat status;
	bool same = true;

	if (!open_site(parts, find(parts->bundle, CONTENT_CLIENT), &site, err))
		return false;
	if (site.dir >= 0 && file_exists(site.dir, site.name) &&
		!look_at(&site, site.name, &status, &same, err))
		return false;
	*ret_taken = !same;
	return true;
}

/* Two certificates may be of the same second; the next one is as good. */
static bool choose_bundle(struct install_parts *parts, struct error *err)
{
	enum { SECONDS_MOST = 60 };
	struct instant issued = instant_add(
		leaf(parts, KUBELET_CLIENT)->not_before, PROFILE_BACKDATE);
	bool taken = true;

	for (int i = 0; taken && i < SECONDS_MOST; i++)
		if (!make_bundle(parts, instant_add(issued, i), err) ||
			!is_taken(parts, &taken, err))
			return false;
	return true;
}

/* What cannot be read is no certificate of ours, and is refused in its turn. */
static bool read_serving(struct install_parts *parts, struct error *err)
{
	size_t i = find(parts->bundle, CONTENT_SERVING_CERTIFICATE);
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_SITE site = {.dir = -1};

	if (i == parts->bundle->n_entries)
		return true;
	if (!open_site(parts, i, &site, err))
		return false;
	if (site.dir >= 0 &&
		file_read(site.dir, site.name, FILE_MAX, &text, &ignored))
		(void)!certificate_read_pem(
			text.data, text.len, false, &parts->serving, &ignored);
	return true;
}

/* -- planning -- */

static const struct certificate *certificate_in(
	const struct install_parts *parts, enum content content)
{
	switch (content) {
	case CONTENT_CLIENT:
		return leaf(parts, KUBELET_CLIENT);
	case CONTENT_SERVING_CERTIFICATE:
		return leaf(parts, KUBELET_SERVING);
	case CONTENT_NONE:
	case CONTENT_CA:
	case CONTENT_KUBECONFIG:
	case CONTENT_KUBELET_CONFIG:
	case CONTENT_CURRENT:
	case CONTENT_SERVING_KEY:
		return NULL;
	}
	return NULL;
}

static bool plan_entry(struct install *install, size_t i, struct error *err)
{
	struct install_parts *parts = install->parts;
	AUTO_SITE site = {.dir = -1};
	struct install_file file;

	if (!open_site(parts, i, &site, err) || !decide(&site, &file.way, err))
		return false;
	file.path = site.entry->path;
	file.certificate = certificate_in(parts, site.content);
	assert(install->n_files < INSTALL_FILES_MAX);
	install->files[install->n_files++] = file;
	return true;
}

static struct install *new_install(const struct install_settings *settings)
{
	struct install *install = memory_new(1, sizeof(*install));

	assert(settings->file->leaves[KUBELET_CLIENT]);
	install->parts = memory_new(1, sizeof(*install->parts));
	install->parts->settings = *settings;
	install->parts->node =
		(struct node){.name = settings->file->node, .addresses = ""};
	return install;
}

bool install_plan(const struct install_settings *settings,
	struct install **ret_install, struct error *err)
{
	AUTO_FREE(install) install = new_install(settings);
	struct install_parts *parts = install->parts;

	if (!choose_bundle(parts, err) || !read_serving(parts, err))
		return false;
	for (size_t i = 0; i < parts->bundle->n_entries; i++)
		if (parts->bundle->entries[i].kind != TREE_DIRECTORY &&
			!plan_entry(install, i, err))
			return false;
	*ret_install = take(&install);
	return true;
}

/* -- carrying it out -- */

static bool make_directory(const struct install_parts *parts, size_t i,
	bool *ret_made, struct error *err)
{
	const struct tree_entry *entry = &parts->bundle->entries[i];
	AUTO_SITE site = {.dir = -1};

	if (!open_site(parts, i, &site, err))
		return false;
	if (site.dir < 0 || file_exists(site.dir, site.name))
		return true;
	if (!directory_create(site.dir, site.name, entry->mode, err))
		return error_context(err, "\"%s\"", entry->path);
	*ret_made = true;
	return file_sync(site.dir, entry->path, err);
}

static void remove_directory(const struct install_parts *parts, size_t i)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* only in nobody's way */
	AUTO_SITE site = {.dir = -1};

	if (open_site(parts, i, &site, &ignored) && site.dir >= 0)
		(void)unlinkat(site.dir, site.name, AT_REMOVEDIR);
}

struct carrying {
	bool made[BUNDLE_ENTRIES_MAX]; /* directories, by their entries */
	struct site sites[INSTALL_FILES_MAX];
	struct placement list[INSTALL_FILES_MAX];
	size_t n;
};

static void carrying_release(struct carrying *carrying)
{
	for (size_t i = 0; i < carrying->n; i++)
		close_site(&carrying->sites[i]);
}
DEFINE_AUTO_RELEASE(carrying)

static bool make_directories(const struct install_parts *parts,
	struct carrying *carrying, struct error *err)
{
	for (size_t i = 0; i < parts->bundle->n_entries; i++)
		if (parts->bundle->entries[i].kind == TREE_DIRECTORY &&
			!make_directory(parts, i, &carrying->made[i], err))
			return false;
	return true;
}

static enum placement_way way_of(
	const struct install *install, const char *path)
{
	size_t i = 0;

	while (install->files[i].path != path)
		i++;
	return install->files[i].way;
}

static bool add_placement(const struct install *install, size_t i,
	struct carrying *carrying, struct error *err)
{
	struct site *site = &carrying->sites[carrying->n];
	const struct tree_entry *entry = &install->parts->bundle->entries[i];

	if (!open_site(install->parts, i, site, err))
		return false;
	if (site->dir < 0)
		return error_set(err, ERROR_FAILED,
			"\"%s\": its directory is gone", entry->path);
	carrying->list[carrying->n++] =
		(struct placement){.way = way_of(install, entry->path),
			.dir = site->dir,
			.name = site->name,
			.link = entry->kind == TREE_LINK ? entry->link : NULL,
			.mode = entry->mode,
			.parts = entry->parts,
			.n_parts = entry->n_parts};
	return true;
}

/* A key before its certificate, a file before the link to it, and last what
 * makes a kubelet use them. */
static bool line_up(const struct install *install, struct carrying *carrying,
	struct error *err)
{
	static const enum content order[] = {CONTENT_CA, CONTENT_SERVING_KEY,
		CONTENT_SERVING_CERTIFICATE, CONTENT_CLIENT, CONTENT_CURRENT,
		CONTENT_KUBELET_CONFIG, CONTENT_KUBECONFIG};
	const struct bundle *bundle = install->parts->bundle;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		size_t at = find(bundle, order[i]);

		if (at < bundle->n_entries &&
			!add_placement(install, at, carrying, err))
			return false;
	}
	assert(carrying->n == install->n_files);
	return true;
}

bool install_carry_out(struct install *install, struct error *err)
{
	const struct install_parts *parts = install->parts;
	AUTO_RELEASE(carrying) carrying = {0};

	if (make_directories(parts, &carrying, err) &&
		line_up(install, &carrying, err) &&
		placement_all(carrying.list, carrying.n, err))
		return true;
	for (size_t i = parts->bundle->n_entries; i-- > 0;)
		if (carrying.made[i])
			remove_directory(parts, i);
	return false;
}

void install_free(struct install *install)
{
	if (!install)
		return;
	bundle_free(install->parts->bundle);
	bundle_kit_free(install->parts->kit);
	certificate_free(install->parts->serving);
	free(install->parts);
	free(install);
}
