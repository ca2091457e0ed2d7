/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/harvest.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "base/file.h"
#include "base/source.h"
#include "kube/kubeconfig_read.h"
#include "pki/pem.h"
#include "pki/release.h"

enum { DEPTH_MAX = 32 };
#define FILE_MAX ((size_t)1 << 20)

struct reading {
	struct harvest *harvest;
	const char *path;
	unsigned depth;
};

static struct harvest_item *add(struct harvest *harvest, const char *path)
{
	harvest->items = memory_grow(harvest->items, &harvest->allocated,
		harvest->n_items + 1, sizeof(*harvest->items));
	harvest->items[harvest->n_items] =
		(struct harvest_item){.path = memory_text(path)};
	return &harvest->items[harvest->n_items++];
}

static bool add_certificate(void *data, struct der der, struct error *err)
{
	struct reading *reading = data;
	struct harvest_item *item = add(reading->harvest, reading->path);

	(void)err;
	if (!certificate_read(der, &item->certificate, &item->error))
		error_context(&item->error, "\"%s\"", item->path);
	return true;
}

/* The certificates of the users in a kubeconfig, if it is one. */
static void read_kubeconfig(struct reading *reading)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it is none */
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(kubeconfig_file) file = NULL;

	if (!source_open(reading->path, FILE_MAX, &source, &ignored) ||
		!kubeconfig_read(source, &file, &ignored))
		return;
	for (size_t i = 0; i < file->n_users; i++)
		if (!pem_each_in(der_of(&file->users[i].certificate_pem),
			    "CERTIFICATE", add_certificate, reading, &ignored))
			return;
}

/* What is no PEM is that file's fault, and fails nothing else. */
static bool read_file(
	struct reading *reading, int dir, const char *name, struct error *err)
{
	AUTO_FREE(secret) text = NULL;
	AUTO_RELEASE(error) fault = ERROR_INIT;
	size_t before = reading->harvest->n_items;

	if (!file_read_secret(dir, name, FILE_MAX, &text, err))
		return err->kind == ERROR_INPUT
			       ? error_context(err, "\"%s\"", reading->path)
			       : false;
	if (pem_each(text, "CERTIFICATE", add_certificate, reading, &fault)) {
		if (reading->harvest->n_items == before)
			read_kubeconfig(reading);
		return true;
	}
	error_context(&fault, "\"%s\"", reading->path);
	error_move(&add(reading->harvest, reading->path)->error, &fault);
	return true;
}

/* Below a directory, what is too large has no certificate of ours. */
static bool is_small(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode) && status.st_size > 0 &&
	       (size_t)status.st_size <= FILE_MAX;
}

static bool read_entry(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	const struct reading *above = data;
	AUTO_TEXT path = memory_format("%s/%s", above->path, name);
	AUTO_CLOSE below = -1;
	struct reading reading = {above->harvest, path, above->depth + 1};

	/* What a command that died never handed out. */
	if (text_begins(name, RELEASE_STAGE_PREFIX))
		return true;
	if (type == S_IFREG)
		return !is_small(dir, name) ||
		       read_file(&reading, dir, name, err);
	if (type != S_IFDIR)
		return true;
	if (reading.depth > DEPTH_MAX)
		return error_set(err, ERROR_INPUT,
			"\"%s\": more than %d directories deep", path,
			DEPTH_MAX);
	return directory_open_nofollow(dir, name, &below, err) &&
	       directory_each(below, path, read_entry, &reading, err);
}

static bool read_path(
	struct harvest *harvest, const char *path, struct error *err)
{
	AUTO_CLOSE dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct reading reading = {harvest, path, 0};
	size_t before = harvest->n_items;

	if (dir < 0 && errno != ENOTDIR)
		return error_errno(err, "open \"%s\"", path);
	if (dir >= 0 ? !directory_each(dir, path, read_entry, &reading, err)
		     : !read_file(&reading, AT_FDCWD, path, err))
		return false;
	return harvest->n_items > before ||
	       error_set(err, ERROR_INPUT,
		       "\"%s\": no \"-----BEGIN CERTIFICATE-----\" in it",
		       path);
}

/* Those that could not be read come first. */
static int compare(const void *a, const void *b)
{
	const struct certificate *left =
		((const struct harvest_item *)a)->certificate;
	const struct certificate *right =
		((const struct harvest_item *)b)->certificate;

	if (!left || !right)
		return (left != NULL) - (right != NULL);
	if (left->not_before.seconds != right->not_before.seconds)
		return left->not_before.seconds < right->not_before.seconds ? -1
									    : 1;
	return memcmp(
		left->fingerprint.bytes, right->fingerprint.bytes, SHA256_LEN);
}

static void item_release(struct harvest_item *item)
{
	free(item->path);
	certificate_free(item->certificate);
	error_release(&item->error);
}

void harvest_release(struct harvest *harvest)
{
	for (size_t i = 0; i < harvest->n_items; i++)
		item_release(&harvest->items[i]);
	free(harvest->items);
	*harvest = (struct harvest){0};
}

static void drop_twins(struct harvest *harvest)
{
	size_t n = 0;

	for (size_t i = 0; i < harvest->n_items; i++) {
		struct harvest_item *item = &harvest->items[i];

		if (n > 0 && item->certificate &&
			compare(&harvest->items[n - 1], item) == 0)
			item_release(item);
		else
			harvest->items[n++] = *item;
	}
	harvest->n_items = n;
}

bool harvest_read(const char *const *paths, size_t n_paths,
	struct harvest *ret_harvest, struct error *err)
{
	AUTO_RELEASE(harvest) harvest = {0};

	for (size_t i = 0; i < n_paths; i++)
		if (!read_path(&harvest, paths[i], err))
			return false;
	if (harvest.n_items > 0)
		qsort(harvest.items, harvest.n_items, sizeof(*harvest.items),
			compare);
	drop_twins(&harvest);
	*ret_harvest = harvest;
	harvest = (struct harvest){0};
	return true;
}
