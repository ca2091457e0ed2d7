/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/install_site.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "kube/place.h"
#include "pki/issuers.h"

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

bool install_site_open(const struct install_settings *settings,
	const struct bundle *bundle, size_t entry,
	struct install_site *ret_site, struct error *err)
{
	const struct tree_entry *wanted = &bundle->entries[entry];
	int dir = -1;

	if (!open_above(settings->root, wanted->path, &dir, err))
		return false;
	*ret_site = (struct install_site){.settings = settings,
		.entry = wanted,
		.content = bundle->contents[entry],
		.dir = dir,
		.name = last_part(wanted->path)};
	return true;
}

void install_site_release(struct install_site *site)
{
	file_auto_close(&site->dir);
}

/* -- what is there -- */

static bool refuse_site(
	const struct install_site *site, const char *rule, struct error *err)
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

bool install_site_compare(const struct install_site *site,
	struct stat *ret_status, bool *ret_same, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(openat(site->dir, site->name,
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
static bool check_successor(const struct install_site *site,
	const struct certificate *there, const struct certificate *wanted,
	struct error *err)
{
	const struct certificate *ca = site->settings->file->ca;
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

struct certificate *install_site_certificate(const struct install_site *site)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is none of ours */
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(issuers) chain = {.n_items = 0};
	struct certificate *there = NULL;

	if (install_site_is_empty(site) ||
		!file_read(site->dir, site->name, FILE_MAX, &text, &ignored) ||
		!issuers_read_behind(der_of(&text), &there, &chain, &ignored))
		return NULL;
	return there;
}

static bool check_serving_certificate(
	const struct install_site *site, struct error *err)
{
	AUTO_FREE(certificate) there = install_site_certificate(site);

	if (!there)
		return refuse_site(
			site, "is there, and not one certificate", err);
	return check_successor(site, there,
		site->settings->file->leaves[KUBELET_SERVING], err);
}

/* The key in its place is that of the certificate in its place; whether that
 * may go is asked of the certificate. */
static bool check_serving_key(
	const struct install_site *site, struct error *err)
{
	const struct certificate *there = site->serving;
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

static bool decide_on_other(const struct install_site *site,
	enum placement_way *ret_way, struct error *err)
{
	*ret_way = PLACEMENT_REPLACE;
	switch (site->content) {
	case CONTENT_SERVING_CERTIFICATE:
		return check_serving_certificate(site, err);
	case CONTENT_SERVING_KEY:
		return check_serving_key(site, err);
	case CONTENT_NONE:
	case CONTENT_CA:
	case CONTENT_CA_BUNDLE:
	case CONTENT_KUBECONFIG:
	case CONTENT_BOOTSTRAP:
	case CONTENT_KUBELET_CONFIG:
	case CONTENT_CLIENT:
	case CONTENT_CURRENT:
	case CONTENT_KUBE_PROXY:
		break;
	}
	return refuse_site(site, "is there and says something else", err);
}

static bool decide_on_file(const struct install_site *site,
	enum placement_way *ret_way, struct error *err)
{
	struct stat status;
	bool same;

	if (!install_site_compare(site, &status, &same, err))
		return false;
	if (!same)
		return decide_on_other(site, ret_way, err);
	if (site->entry->mode == 0600 && status.st_mode & 077)
		return refuse_site(site,
			"is there, and open to others than its owner", err);
	*ret_way = PLACEMENT_KEEP;
	return true;
}

static bool decide_on_link(const struct install_site *site,
	enum placement_way *ret_way, struct error *err)
{
	const struct node node = {
		.name = site->settings->file->node, .addresses = ""};
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
	if (!strchr(target, '/') &&
		!place_read_client(site->dir, target, &node, &there, err))
		return false;
	if (!there)
		return refuse_site(site,
			"is there, and leads to no client certificate of this "
			"node",
			err);
	return check_successor(
		site, there, site->settings->file->leaves[KUBELET_CLIENT], err);
}

bool install_site_is_empty(const struct install_site *site)
{
	return site->dir < 0 || !file_exists(site->dir, site->name);
}

bool install_site_decide(const struct install_site *site,
	enum placement_way *ret_way, struct error *err)
{
	*ret_way = PLACEMENT_NEW;
	if (install_site_is_empty(site))
		return true;
	return site->entry->kind == TREE_LINK
		       ? decide_on_link(site, ret_way, err)
		       : decide_on_file(site, ret_way, err);
}
