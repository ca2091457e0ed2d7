/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static bool open_named(struct draft *draft, mode_t mode, struct error *err)
{
	draft->name = file_random_name(DRAFT_PREFIX);
	draft->fd = UNINTERRUPTED(openat(draft->dir, draft->name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
	if (draft->fd >= 0)
		return true;
	error_errno(err, "file \"%s\": cannot create", draft->name);
	free(take(&draft->name));
	return false;
}

bool draft_open(
	int dir, mode_t mode, struct draft *ret_draft, struct error *err)
{
	struct draft draft = {.dir = dir, .fd = -1};

	draft.fd = UNINTERRUPTED(
		openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
	/* A kernel or file system without O_TMPFILE sees a directory that is
	 * opened for writing. */
	if (draft.fd < 0 && errno != EOPNOTSUPP && errno != EISDIR &&
		errno != ENOENT)
		return error_errno(err, "file without a name: cannot create");
	if (draft.fd < 0 && !open_named(&draft, mode, err))
		return false;
	*ret_draft = draft;
	return true;
}

static bool link_unnamed(const struct draft *draft, const char *name,
	bool *ret_exists, struct error *err)
{
	AUTO_TEXT proc = memory_format("/proc/self/fd/%d", draft->fd);

	if (linkat(AT_FDCWD, proc, draft->dir, name, AT_SYMLINK_FOLLOW) == 0)
		return true;
	*ret_exists = errno == EEXIST;
	if (*ret_exists)
		return false;
	return error_errno(err, "file \"%s\": cannot create", name);
}

static bool publish_new(struct draft *draft, const char *name, bool *ret_exists,
	struct error *err)
{
	if (!draft->name)
		return link_unnamed(draft, name, ret_exists, err);
	if (!file_rename_new(
		    draft->dir, draft->name, draft->dir, name, ret_exists, err))
		return false;
	free(take(&draft->name));
	return true;
}

/* A link never replaces, so the file gets a name of its own first. */
static bool publish_over(
	struct draft *draft, const char *name, struct error *err)
{
	bool exists = false;

	if (!draft->name) {
		AUTO_TEXT own = file_random_name(DRAFT_PREFIX);

		if (!link_unnamed(draft, own, &exists, err))
			return exists ? error_set(err, ERROR_FAILED,
						"file \"%s\": is there", own)
				      : false;
		draft->name = take(&own);
	}
	if (renameat(draft->dir, draft->name, draft->dir, name))
		return error_errno(err, "\"%s\": cannot rename to \"%s\"",
			draft->name, name);
	free(take(&draft->name));
	return true;
}

bool draft_publish(struct draft *draft, const char *name, bool replace,
	bool *ret_exists, struct error *err)
{
	*ret_exists = false;
	return file_sync(draft->fd, name, err) &&
	       (replace ? publish_over(draft, name, err)
			: publish_new(draft, name, ret_exists, err)) &&
	       file_sync(draft->dir, name, err);
}

void draft_release(struct draft *draft)
{
	if (draft->name)
		/* What stays behind is hidden, and only in the way. */
		(void)unlinkat(draft->dir, draft->name, 0);
	free(draft->name);
	file_auto_close(&draft->fd);
	*draft = (struct draft)DRAFT_INIT;
}
