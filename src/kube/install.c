/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/install.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "kube/install_site.h"

struct install_parts {
	struct install_settings settings;
	struct bundle_kit *kit;
	struct bundle *bundle;
	struct node node;
	struct certificate *serving; /* that is in its place, or NULL */
};

static const struct certificate *leaf(
	const struct install_parts *parts, enum kubelet_pair pair)
{
	return parts->settings.file->leaves[pair];
}

/* -- the bundle -- */

static bool make_bundle(
	struct install_parts *parts, struct instant now, struct error *err)
{
	const struct node_certificates *file = parts->settings.file;
	const struct bundle_settings settings = {
		.cluster = file->cluster,
		.ca_pem = file->ca_pem,
		.chain_pem = file->chain_pem,
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
	struct install_site *ret_site, struct error *err)
{
	if (!install_site_open(
		    &parts->settings, parts->bundle, i, ret_site, err))
		return false;
	ret_site->serving = parts->serving;
	return true;
}

/* Is the client's file there with something else in it? */
static bool is_taken(
	const struct install_parts *parts, bool *ret_taken, struct error *err)
{
	AUTO_RELEASE(install_site) site = INSTALL_SITE_INIT;
	struct stat status;
	bool same = true;

	if (!open_site(parts, find(parts->bundle, CONTENT_CLIENT), &site, err))
		return false;
	if (!install_site_is_empty(&site) &&
		!install_site_compare(&site, &status, &same, err))
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

static bool read_serving(struct install_parts *parts, struct error *err)
{
	size_t i = find(parts->bundle, CONTENT_SERVING_CERTIFICATE);
	AUTO_RELEASE(install_site) site = INSTALL_SITE_INIT;

	if (i == parts->bundle->n_entries)
		return true;
	if (!open_site(parts, i, &site, err))
		return false;
	parts->serving = install_site_certificate(&site);
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
	case CONTENT_CA_BUNDLE:
	case CONTENT_KUBECONFIG:
	case CONTENT_BOOTSTRAP:
	case CONTENT_KUBELET_CONFIG:
	case CONTENT_CURRENT:
	case CONTENT_SERVING_KEY:
	case CONTENT_KUBE_PROXY:
		return NULL;
	}
	return NULL;
}

static bool plan_entry(struct install *install, size_t i, struct error *err)
{
	struct install_parts *parts = install->parts;
	AUTO_RELEASE(install_site) site = INSTALL_SITE_INIT;
	struct install_file file;

	if (!open_site(parts, i, &site, err) ||
		!install_site_decide(&site, &file.way, err))
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
	AUTO_RELEASE(install_site) site = INSTALL_SITE_INIT;

	if (!open_site(parts, i, &site, err))
		return false;
	if (site.dir < 0 || !install_site_is_empty(&site))
		return true;
	if (!directory_create(site.dir, site.name, entry->mode, err))
		return error_context(err, "\"%s\"", entry->path);
	*ret_made = true;
	return file_sync(site.dir, entry->path, err);
}

static void remove_directory(const struct install_parts *parts, size_t i)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* only in nobody's way */
	AUTO_RELEASE(install_site) site = INSTALL_SITE_INIT;

	if (open_site(parts, i, &site, &ignored) && site.dir >= 0)
		(void)unlinkat(site.dir, site.name, AT_REMOVEDIR);
}

struct carrying {
	bool made[BUNDLE_ENTRIES_MAX]; /* directories, by their entries */
	struct install_site sites[INSTALL_FILES_MAX];
	struct placement list[INSTALL_FILES_MAX];
	size_t n;
};

static void carrying_release(struct carrying *carrying)
{
	for (size_t i = 0; i < carrying->n; i++)
		install_site_release(&carrying->sites[i]);
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
	struct install_site *site = &carrying->sites[carrying->n];
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
