/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kube/bundle.h"

#define PLACE_MAX ((off_t)1 << 20) /* of a file that is looked into */

static const char block_begin[] = "-----BEGIN CERTIFICATE-----";
static const char block_end[] = "-----END CERTIFICATE-----";

char *place_name(const struct node *node, enum bundle_format format)
{
	return memory_format(
		"%s%s", node->name, format == BUNDLE_TAR ? ".tar" : "");
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

/* The current client certificate is a link to a file beside it. */
static bool open_client_file(int out, const struct node *node,
	enum layout layout, int *ret_dir, char ret_name[NAME_MAX + 1],
	struct error *err)
{
	AUTO_TEXT path =
		memory_format("%s/%s", node->name, bundle_current_path(layout));
	const char *last = NULL;
	ssize_t len;

	if (!open_below(out, path, ret_dir, &last, err))
		return false;
	ret_name[0] = '\0';
	if (*ret_dir < 0)
		return true;
	len = readlinkat(*ret_dir, last, ret_name, NAME_MAX);
	ret_name[len > 0 ? len : 0] = '\0';
	if (strchr(ret_name, '/'))
		ret_name[0] = '\0';
	return true;
}

bool place_read_client(int dir, const char *name, const struct node *node,
	struct certificate **ret_client, struct error *err)
{
	AUTO_FREE(secret) bytes = NULL;
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(status.st_mode) || status.st_size == 0 ||
		status.st_size > PLACE_MAX)
		return true;
	if (!file_read_secret(dir, name, PLACE_MAX, &bytes, err))
		return false;
	*ret_client = find_client(bytes, node);
	return true;
}

bool place_look(int out, const struct node *node, enum bundle_format format,
	enum layout layout, enum place *ret_place,
	struct certificate **ret_client, struct error *err)
{
	AUTO_TEXT target = place_name(node, format);
	AUTO_FREE(certificate) client = NULL;
	AUTO_CLOSE dir = -1;
	char name[NAME_MAX + 1];

	*ret_place = PLACE_EMPTY;
	if (out < 0 || !file_exists(out, target))
		return true;
	switch (format) {
	case BUNDLE_DIRECTORY:
		if (!open_client_file(out, node, layout, &dir, name, err))
			return false;
		if (*name && !place_read_client(dir, name, node, &client, err))
			return error_context(err, "\"%s\"", target);
		break;
	case BUNDLE_TAR:
		if (!place_read_client(out, target, node, &client, err))
			return false;
		break;
	}
	*ret_place = client ? PLACE_BUNDLE : PLACE_FOREIGN;
	if (client)
		*ret_client = take(&client);
	return true;
}
