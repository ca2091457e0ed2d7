/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/bundle.h"
#include "kube/kubeconfig.h"
#include "kube/token_read.h"

#define PLACE_MAX ((off_t)1 << 20) /* of a file that is looked into */

static const char block_begin[] = "-----BEGIN CERTIFICATE-----";
static const char block_end[] = "-----END CERTIFICATE-----";
static const char token_key[] = "\n    token: \"";

char *place_target(const char *name, enum bundle_format format)
{
	return memory_format("%s%s", name, format == BUNDLE_TAR ? ".tar" : "");
}

char *place_name(const struct node *node, enum bundle_format format)
{
	return place_target(node->name, format);
}

static bool is_client_of(
	const struct certificate *certificate, const struct node *node)
{
	const struct profile *profile = profile_find("kubelet-client");
	AUTO_TEXT wanted =
		memory_format("%s%s", profile->common_name, node->name);

	return certificate->common_name &&
	       !strcmp(certificate->common_name, wanted) &&
	       certificate->purposes == profile->purposes;
}

/* The first certificate in these bytes, PEM among anything else, that is the
 * node's client certificate. */
static struct certificate *find_client(
	const struct secret *bytes, const struct node *node)
{
	const char *at = (const char *)secret_view(bytes);
	const char *end = at + secret_len(bytes);

	for (;;) {
		AUTO_RELEASE(error) ignored = ERROR_INIT; /* not this one */
		AUTO_FREE(certificate) certificate = NULL;
		const char *stop;

		at = memmem(at, end - at, block_begin, strlen(block_begin));
		stop = at ? memmem(at, end - at, block_end, strlen(block_end))
			  : NULL;
		if (!stop)
			return NULL;
		stop += strlen(block_end);
		if (certificate_read_pem(
			    at, stop - at, true, &certificate, &ignored) &&
			is_client_of(certificate, node))
			return take(&certificate);
		at = stop;
	}
}

/* The token of a kubeconfig among these bytes. */
static struct token *find_token(const struct secret *bytes)
{
	const char *at = (const char *)secret_view(bytes);
	const char *end = at + secret_len(bytes);
	struct token *token = NULL;

	while (!token &&
		(at = memmem(at, end - at, token_key, strlen(token_key)))) {
		at += strlen(token_key);
		token = token_begin(at, end - at);
	}
	return token;
}

/* Opens every directory of a path but the last part without following links;
 * *ret_dir -1: there is no such directory. */
static bool open_below(int dir, const char *path, int *ret_dir,
	const char **ret_last, struct error *err)
{
	AUTO_CLOSE at = dup(dir);

	while (at >= 0 && strchr(path, '/')) {
		AUTO_TEXT part = memory_text_n(path, strcspn(path, "/"));
		int next = openat(at, part,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0 && errno != ENOENT && errno != ENOTDIR &&
			errno != ELOOP)
			return error_errno(err, "open \"%s\"", part);
		close(at);
		at = next;
		path += strlen(part) + 1;
	}
	*ret_dir = at;
	*ret_last = path;
	at = -1;
	return true;
}

/* *ret_bytes stays NULL when there is nothing that could be a bundle's. */
static bool read_bytes(
	int dir, const char *name, struct secret **ret_bytes, struct error *err)
{
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(status.st_mode) || status.st_size == 0 ||
		status.st_size > PLACE_MAX)
		return true;
	return file_read_secret(dir, name, PLACE_MAX, ret_bytes, err);
}

bool place_read_file(
	int out, const char *path, struct secret **ret_bytes, struct error *err)
{
	AUTO_CLOSE dir = -1;
	const char *last = NULL;

	return open_below(out, path, &dir, &last, err) &&
	       (dir < 0 || read_bytes(dir, last, ret_bytes, err));
}

bool place_read_client(int dir, const char *name, const struct node *node,
	struct certificate **ret_client, struct error *err)
{
	AUTO_FREE(secret) bytes = NULL;

	if (!read_bytes(dir, name, &bytes, err))
		return false;
	if (bytes)
		*ret_client = find_client(bytes, node);
	return true;
}

/* Looks for the node's credential in a file, which may not be there. */
static bool look_into(int dir, const char *name, const struct node *node,
	struct place *place, struct error *err)
{
	AUTO_FREE(secret) bytes = NULL;

	if (!read_bytes(dir, name, &bytes, err))
		return false;
	if (!bytes)
		return true;
	place->client = find_client(bytes, node);
	if (!place->client)
		place->token = find_token(bytes);
	return true;
}

/* Where a bundle has its credential: in a file, or in one beside it to which a
 * link leads. */
struct spot {
	const char *path;
	bool is_link;
};

/* The file's own name; "" when the spot is not as it should be. */
static void resolve(const struct spot *spot, int dir, const char *last,
	char ret_name[NAME_MAX + 1])
{
	ssize_t len = readlinkat(dir, last, ret_name, NAME_MAX);

	ret_name[len > 0 ? len : 0] = '\0';
	if (strchr(ret_name, '/') || (len >= 0) != spot->is_link)
		ret_name[0] = '\0';
	else if (len < 0)
		snprintf(ret_name, NAME_MAX + 1, "%s", last);
}

static bool look_at(int out, const struct node *node, const struct spot *spot,
	struct place *place, struct error *err)
{
	AUTO_TEXT whole = memory_format("%s/%s", node->name, spot->path);
	char name[NAME_MAX + 1];
	AUTO_CLOSE dir = -1;
	const char *last;

	if (place->client || place->token)
		return true;
	if (!open_below(out, whole, &dir, &last, err))
		return false;
	if (dir < 0)
		return true;
	resolve(spot, dir, last, name);
	return !*name || look_into(dir, name, node, place, err);
}

/* What was made in one layout is known in the other. */
static bool look_into_directory(int out, const struct node *node,
	struct place *place, struct error *err)
{
	const struct spot spots[] = {
		{bundle_current_path(LAYOUT_KUBEADM), true},
		{bundle_current_path(LAYOUT_PEM), true},
		{bundle_bootstrap_path(LAYOUT_KUBEADM), false},
		{bundle_bootstrap_path(LAYOUT_PEM), false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(spots); i++)
		if (!look_at(out, node, &spots[i], place, err))
			return false;
	return true;
}

static bool is_file_there(
	int out, const char *path, bool *ret_there, struct error *err)
{
	AUTO_CLOSE dir = -1;
	const char *last = NULL;
	struct stat status;

	if (!open_below(out, path, &dir, &last, err))
		return false;
	*ret_there = dir >= 0 &&
		     !fstatat(dir, last, &status, AT_SYMLINK_NOFOLLOW) &&
		     S_ISREG(status.st_mode);
	return true;
}

/* In either layout. */
static bool find_kube_proxy(int out, const struct node *node,
	struct place *place, struct error *err)
{
	static const enum layout layouts[] = {LAYOUT_KUBEADM, LAYOUT_PEM};

	for (size_t i = 0; !place->kube_proxy && i < ARRAY_SIZE(layouts); i++) {
		AUTO_TEXT path = memory_format("%s/%s", node->name,
			bundle_kube_proxy_path(layouts[i]));
		AUTO_FREE(secret) bytes = NULL;

		if (!is_file_there(out, path, &place->kube_proxy, err) ||
			!place_read_file(out, path, &bytes, err))
			return false;
		if (bytes)
			place->proxy = kubeconfig_find_client(bytes);
	}
	return true;
}

bool place_look(int out, const struct node *node, enum bundle_format format,
	struct place *ret_place, struct error *err)
{
	AUTO_TEXT target = place_name(node, format);
	AUTO_RELEASE(place) place = PLACE_INIT;
	bool done = true;

	place.taken = out >= 0 && file_exists(out, target);
	if (place.taken && format == BUNDLE_DIRECTORY)
		done = (look_into_directory(out, node, &place, err) &&
			       find_kube_proxy(out, node, &place, err)) ||
		       error_context(err, "\"%s\"", target);
	else if (place.taken)
		done = look_into(out, target, node, &place, err);
	if (!done)
		return false;
	*ret_place = place;
	place = (struct place)PLACE_INIT;
	return true;
}

void place_release(struct place *place)
{
	certificate_free(place->client);
	certificate_free(place->proxy);
	token_free(place->token);
}

bool place_missing(int out, const struct node *node,
	const struct bundle_kit *kit, char **ret_path, struct error *err)
{
	size_t at = 0;
	bool there = true;

	for (;;) {
		AUTO_TEXT path = bundle_next_file(kit, node, &at);
		AUTO_TEXT full = NULL;

		if (!path)
			return true;
		full = memory_format("%s/%s", node->name, path);
		if (!is_file_there(out, full, &there, err))
			return false;
		if (there)
			continue;
		*ret_path = take(&path);
		return true;
	}
}
