/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Since Linux 5.8 (commit "vfs: track per-sb writeback errors and report them
 * to syncfs") a write that failed behind our back is told. */
static bool kernel_tells(void)
{
	struct utsname name;
	unsigned major, minor;

	return uname(&name) == 0 &&
	       sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 8));
}

/* Local file systems that keep what syncfs promises; any other is synced file
 * by file. */
static bool file_system_tells(int fd)
{
	static const long trusted[] = {EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
		XFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC,
		OVERLAYFS_SUPER_MAGIC};
	struct statfs status;

	if (fstatfs(fd, &status) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(trusted); i++)
		if ((long)status.f_type == trusted[i])
			return true;
	return false;
}

static bool sync_one(
	int dir, const char *name, const char *label, struct error *err)
{
	AUTO_CLOSE fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "\"%s\": cannot sync", label);
	return file_sync(fd, label, err);
}

static bool sync_below(
	int dir, const char *name, const char *label, struct error *err);

static bool sync_entry(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	const char *const *label = data;

	switch (type) {
	case S_IFDIR:
		return sync_below(dir, name, *label, err);
	case S_IFLNK: /* its directory's sync is its own */
		return true;
	default:
		return sync_one(dir, name, *label, err);
	}
}

static bool sync_below(
	int dir, const char *name, const char *label, struct error *err)
{
	AUTO_CLOSE fd = openat(
		dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "\"%s\": cannot sync", label);
	return directory_each(fd, label, sync_entry, &label, err) &&
	       file_sync(fd, label, err);
}

bool file_sync_tree(
	int dir, const char *name, const char *label, struct error *err)
{
	if (kernel_tells() && file_system_tells(dir))
		return file_sync_system(dir, label, err);
	return sync_below(dir, name, label, err) && file_sync(dir, label, err);
}
