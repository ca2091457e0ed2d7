/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buffer.h"
#include "base/file_lock.h"
#include "base/secret.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Files and directories, by descriptor.
 *
 * Everything that creates takes a directory's descriptor and one name without
 * a slash, never overwrites (O_EXCL), never follows a symbolic link
 * (O_NOFOLLOW), and gives the mode in the creating call itself, so that a key
 * is never readable by others, not even for an instant.  main() sets the umask
 * to 022, so modes are what the call says.
 *
 * Nothing here is durable until file_sync or file_sync_system says so.
 * Messages name the file as `label`, the path an operator would recognise.
 */

/* Closes what is not negative; errno stays. */
#define AUTO_CLOSE __attribute__((cleanup(file_auto_close))) int
void file_auto_close(int *fd);

/* A system call, again for as long as a signal interrupts it. */
#define UNINTERRUPTED(call)                                                    \
	({                                                                     \
		__typeof__(call) result_;                                      \
		do                                                             \
			result_ = (call);                                      \
		while (result_ < 0 && errno == EINTR);                         \
		result_;                                                       \
	})

/* A file is written from parts; a part is public bytes or a secret. */
struct file_part {
	const void *bytes;
	size_t len;
	const struct secret *secret; /* when not NULL, instead of bytes */
};

/* Opens a directory (O_DIRECTORY); path is relative to dir, or to the working
 * directory when dir is AT_FDCWD.  *_nofollow refuses a symbolic link. */
MUST_CHECK bool directory_open(int dir, const char *path, int *ret_fd,
	struct error *err);
MUST_CHECK bool directory_open_nofollow(int dir, const char *name, int *ret_fd,
	struct error *err);

/* Creates one directory. */
MUST_CHECK bool directory_create(int dir, const char *name, mode_t mode,
	struct error *err);

/* Opens the directory at path, creating it 0700 first, durably, when it is not
 * there; its parent must exist. */
MUST_CHECK bool directory_ensure(const char *path, int *ret_fd,
	struct error *err);

/* Hands each entry of a directory to `visit`, "." and ".." aside, with what it
 * is: the S_IFMT bits of a mode.  A visitor that answers false ends it, and may
 * remove its entry.  A directory that cannot be read to its end is a failure,
 * under the name `label`. */
typedef bool directory_visit(void *data, int dir, const char *name,
	mode_t type, struct error *err);
MUST_CHECK bool directory_each(int dir, const char *label,
	directory_visit *visit, void *data, struct error *err);

/* Removes a file, link or tree, going down by descriptors only and following
 * nothing.  What is not there counts as removed. */
MUST_CHECK bool file_remove_tree(int dir, const char *name, struct error *err);

/* Creates a regular file; one that could not be written is removed again. */
MUST_CHECK bool file_create(int dir, const char *name, mode_t mode,
	const struct file_part *parts, size_t n_parts, struct error *err);

/* Writes all parts to an open descriptor, going on after short writes. */
MUST_CHECK bool file_write_parts(int fd, const struct file_part *parts,
	size_t n_parts, const char *label, struct error *err);

/* Copies a regular file from its first byte to its last, which may be a
 * secret: what passes through is wiped. */
MUST_CHECK bool file_copy(int from, int to, const char *label,
	struct error *err);

/* Reads a regular file of at most max bytes (ERROR_INPUT beyond, or when it is
 * something else) in the place of what text held. */
MUST_CHECK bool file_read(int dir, const char *path, size_t max,
	struct buffer *text, struct error *err);

/* The same into a secret, with no copy elsewhere; max is at most 1 MiB.  A file
 * that was replaced while it was read may have been overwritten as well: then
 * its successor is read. */
MUST_CHECK bool file_read_secret(int dir, const char *path, size_t max,
	struct secret **ret_secret, struct error *err);

/* The same of a file that is open, and is said to be so long. */
MUST_CHECK bool file_read_open(int fd, const char *label, size_t len,
	struct secret **ret_secret, struct error *err);

/* And of a file that is its owner's alone: ERROR_INPUT for a link, and when
 * group or others have any permission. */
MUST_CHECK bool file_read_private(int dir, const char *name, size_t max,
	struct secret **ret_secret, struct error *err);

/* A link counts as itself, and what may not be looked at counts as there. */
bool file_exists(int dir, const char *name);

/* Is it one and the same, whatever it is called? */
bool file_is_same(const struct stat *a, const struct stat *b);

/* Two different system calls for two different wishes: renameat2 with
 * RENAME_NOREPLACE and with RENAME_EXCHANGE.  *ret_exists tells that the
 * first failed because the target is there (then err is not set and the
 * answer is false). */
MUST_CHECK bool file_rename_new(int from_dir, const char *from, int to_dir,
	const char *to, bool *ret_exists, struct error *err);
MUST_CHECK bool file_exchange(int a_dir, const char *a, int b_dir,
	const char *b, struct error *err);

/* fsync of one file or directory; syncfs of the file system it is on. */
MUST_CHECK bool file_sync(int fd, const char *label, struct error *err);
MUST_CHECK bool file_sync_system(int fd, const char *label, struct error *err);

/* Makes the tree dir/name durable: by one syncfs where that can be trusted to
 * report failures (Linux 5.8, local file systems), file by file elsewhere. */
MUST_CHECK bool file_sync_tree(int dir, const char *name, const char *label,
	struct error *err);

/* "prefix" and 16 random characters of [a-z0-9], for the caller to free(). */
char *file_random_name(const char *prefix);

/* The absolute path that a directory's descriptor stands for, for free(). */
MUST_CHECK bool directory_path(int fd, char **ret_path, struct error *err);

#endif
