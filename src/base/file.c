/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

void file_auto_close(int *fd)
{
	int number = errno;

	/* For reading and after errors; file_create() closes for itself. */
	if (*fd >= 0)
		(void)close(*fd);
	errno = number;
}

static int give(int *fd)
{
	int given = *fd;

	*fd = -1;
	return given;
}

static bool open_directory(
	int dir, const char *path, int flags, int *ret_fd, struct error *err)
{
	int fd = UNINTERRUPTED(
		openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));

	if (fd < 0)
		return error_errno(err, "directory \"%s\": cannot open", path);
	*ret_fd = fd;
	return true;
}

bool directory_open(int dir, const char *path, int *ret_fd, struct error *err)
{
	return open_directory(dir, path, 0, ret_fd, err);
}

bool directory_open_nofollow(
	int dir, const char *name, int *ret_fd, struct error *err)
{
	return open_directory(dir, name, O_NOFOLLOW, ret_fd, err);
}

bool directory_create(int dir, const char *name, mode_t mode, struct error *err)
{
	if (mkdirat(dir, name, mode) != 0)
		return error_errno(
			err, "directory \"%s\": cannot create", name);
	return true;
}

/* A parent that may be written and not read is synced with all the rest. */
static bool sync_parent(int dir, const char *label, struct error *err)
{
	AUTO_CLOSE parent =
		openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return parent >= 0 ? file_sync(parent, label, err)
			   : file_sync_system(dir, label, err);
}

bool directory_ensure(const char *path, int *ret_fd, struct error *err)
{
	bool made = mkdir(path, 0700) == 0;
	AUTO_CLOSE fd = -1;

	if (!made && errno != EEXIST)
		return error_errno(
			err, "directory \"%s\": cannot create", path);
	if (!directory_open(AT_FDCWD, path, &fd, err) ||
		(made && !sync_parent(fd, path, err)))
		return false;
	*ret_fd = give(&fd);
	return true;
}

static void close_stream(DIR **stream)
{
	if (*stream)
		(void)closedir(*stream);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* File systems need not say in a directory what an entry is. */
static mode_t type_of(int dir, const struct dirent *entry)
{
	struct stat status;

	if (entry->d_type != DT_UNKNOWN)
		return DTTOIF(entry->d_type);
	if (fstatat(dir, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return status.st_mode & S_IFMT;
}

static bool visit_entries(int taken_dir, const char *label,
	directory_visit *visit, void *data, struct error *err)
{
	__attribute__((cleanup(close_stream))) DIR *stream = NULL;
	AUTO_CLOSE fd = taken_dir;
	const struct dirent *entry;

	stream = fdopendir(fd);
	if (!stream)
		return error_errno(err, "directory \"%s\": cannot read", label);
	(void)give(&fd);
	while (errno = 0, (entry = readdir(stream)) != NULL)
		if (!is_dots(entry->d_name) &&
			!visit(data, taken_dir, entry->d_name,
				type_of(taken_dir, entry), err))
			return false;
	if (errno != 0)
		return error_errno(err, "directory \"%s\": cannot read", label);
	return true;
}

bool directory_each(int dir, const char *label, directory_visit *visit,
	void *data, struct error *err)
{
	/* Reading moves on; the caller's descriptor stays where it is. */
	int fd = UNINTERRUPTED(
		openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0)
		return error_errno(err, "directory \"%s\": cannot read", label);
	return visit_entries(fd, label, visit, data, err);
}

static bool remove_entry(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	const char *const *above = data;

	(void)type;
	return file_remove_tree(dir, name, err) ||
	       error_context(err, "directory \"%s\"", *above);
}

static bool empty_directory(int dir, const char *name, struct error *err)
{
	int fd = -1;

	return directory_open_nofollow(dir, name, &fd, err) &&
	       visit_entries(fd, name, remove_entry, &name, err);
}

bool file_remove_tree(int dir, const char *name, struct error *err)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return true;
	/* Linux answers EISDIR for a directory, POSIX EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return error_errno(err, "file \"%s\": cannot remove", name);
	if (!empty_directory(dir, name, err))
		return false;
	if (unlinkat(dir, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return error_errno(
			err, "directory \"%s\": cannot remove", name);
	return true;
}

static void unwritten(const struct file_part *part, struct iovec *ret_piece)
{
	const struct secret *secret = part->secret;
	const void *bytes = secret ? secret_view(secret) : part->bytes;

	/* writev() only reads what iov_base points to. */
	ret_piece->iov_base = (void *)(uintptr_t)bytes;
	ret_piece->iov_len = secret ? secret_len(secret) : part->len;
}

/* Writes all pieces, which it uses up. */
static bool write_pieces(int fd, struct iovec *piece, size_t n_pieces)
{
	while (n_pieces > 0) {
		ssize_t wrote;

		if (piece->iov_len == 0) {
			piece++;
			n_pieces--;
			continue;
		}
		wrote = UNINTERRUPTED(writev(fd, piece, (int)n_pieces));
		if (wrote == 0)
			errno = EIO;
		if (wrote <= 0)
			return false;
		while (n_pieces > 0 && (size_t)wrote >= piece->iov_len) {
			wrote -= (ssize_t)piece->iov_len;
			piece++;
			n_pieces--;
		}
		if (n_pieces > 0) {
			piece->iov_base = (char *)piece->iov_base + wrote;
			piece->iov_len -= (size_t)wrote;
		}
	}
	return true;
}

static bool write_parts(int fd, const struct file_part *parts, size_t n_parts)
{
	struct iovec pieces[8];

	while (n_parts > 0) {
		size_t n = n_parts < ARRAY_SIZE(pieces) ? n_parts
							: ARRAY_SIZE(pieces);

		for (size_t i = 0; i < n; i++)
			unwritten(&parts[i], &pieces[i]);
		if (!write_pieces(fd, pieces, n))
			return false;
		parts += n;
		n_parts -= n;
	}
	return true;
}

bool file_write_parts(int fd, const struct file_part *parts, size_t n_parts,
	const char *label, struct error *err)
{
	if (!write_parts(fd, parts, n_parts))
		return error_errno(err, "file \"%s\": cannot write", label);
	return true;
}

bool file_create(int dir, const char *name, mode_t mode,
	const struct file_part *parts, size_t n_parts, struct error *err)
{
	int fd = UNINTERRUPTED(openat(dir, name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
	bool written;
	int number;

	if (fd < 0)
		return error_errno(err, "file \"%s\": cannot create", name);
	written = write_parts(fd, parts, n_parts);
	number = errno;
	/* After EINTR the descriptor is closed all the same. */
	if (close(fd) != 0 && written && errno != EINTR) {
		written = false;
		number = errno;
	}
	if (written)
		return true;
	/* What stays behind if this fails too is only in the way. */
	(void)unlinkat(dir, name, 0);
	errno = number;
	return error_errno(err, "file \"%s\": cannot write", name);
}

static bool check_regular(int fd, const char *path, size_t max, size_t *ret_len,
	struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return error_errno(err, "file \"%s\": cannot open", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_INPUT,
			"file \"%s\": not a regular file", path);
	if ((uintmax_t)status.st_size > max)
		return error_set(err, ERROR_INPUT,
			"file \"%s\": more than %zu bytes", path, max);
	*ret_len = (size_t)status.st_size;
	return true;
}

/* O_NONBLOCK: a FIFO may not hold us up before it is refused. */
static bool open_regular(int dir, const char *path, size_t max, int *ret_fd,
	size_t *ret_len, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(openat(
		dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));

	if (fd < 0)
		return error_errno(err, "file \"%s\": cannot open", path);
	if (!check_regular(fd, path, max, ret_len, err))
		return false;
	*ret_fd = give(&fd);
	return true;
}

static bool check_private(int fd, const char *name, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return error_errno(err, "file \"%s\": cannot open", name);
	if (status.st_mode & 077)
		return error_set(err, ERROR_INPUT,
			"file \"%s\": its mode is %04o, and only its owner may "
			"have access",
			name, (unsigned)(status.st_mode & 07777));
	return true;
}

static bool open_private(int dir, const char *name, size_t max, int *ret_fd,
	size_t *ret_len, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(openat(dir, name,
		O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));

	if (fd < 0 && errno == ELOOP)
		return error_set(
			err, ERROR_INPUT, "file \"%s\": a symbolic link", name);
	if (fd < 0)
		return error_errno(err, "file \"%s\": cannot open", name);
	if (!check_regular(fd, name, max, ret_len, err) ||
		!check_private(fd, name, err))
		return false;
	*ret_fd = give(&fd);
	return true;
}

/* Reads to the end or until len bytes are there. */
static bool read_up_to(int fd, void *bytes, size_t len, size_t *ret_len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = UNINTERRUPTED(
			read(fd, (char *)bytes + done, len - done));

		if (got < 0)
			return false;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*ret_len = done;
	return true;
}

bool file_read(int dir, const char *path, size_t max, struct buffer *text,
	struct error *err)
{
	AUTO_RELEASE(buffer) all = BUFFER_INIT;
	AUTO_CLOSE fd = -1;
	size_t len;
	size_t got;

	if (!open_regular(dir, path, max, &fd, &len, err))
		return false;
	/* One byte more than it is long, to see the end; and then as much
	 * again for as long as it grows under us. */
	do {
		if (!read_up_to(fd, buffer_room(&all, len + 1), len + 1, &got))
			return error_errno(
				err, "file \"%s\": cannot read", path);
		buffer_wrote(&all, got);
		if (all.len > max)
			return error_set(err, ERROR_INPUT,
				"file \"%s\": more than %zu bytes", path, max);
	} while (got == len + 1);
	buffer_release(text);
	*text = all;
	all = (struct buffer)BUFFER_INIT;
	return true;
}

bool file_read_open(int fd, const char *label, size_t len,
	struct secret **ret_secret, struct error *err)
{
	AUTO_FREE(secret) secret = secret_new(len + 1);
	size_t got;

	if (!read_up_to(fd, secret_bytes(secret), len + 1, &got))
		return error_errno(err, "file \"%s\": cannot read", label);
	if (got > len)
		return error_set(err, ERROR_FAILED,
			"file \"%s\": grew while it was read", label);
	secret_shorten(secret, got);
	*ret_secret = take(&secret);
	return true;
}

static bool read_once(int dir, const char *path, size_t max,
	struct secret **ret_secret, bool *ret_replaced, struct error *err)
{
	AUTO_CLOSE fd = -1;
	struct stat status;
	size_t len = 0;

	if (!open_regular(dir, path, max, &fd, &len, err) ||
		!file_read_open(fd, path, len, ret_secret, err))
		return false;
	*ret_replaced = fstat(fd, &status) == 0 && status.st_nlink == 0;
	return true;
}

bool file_read_secret(int dir, const char *path, size_t max,
	struct secret **ret_secret, struct error *err)
{
	struct secret *secret = NULL;
	bool replaced = true;

	while (replaced) {
		secret_free(take(&secret));
		if (!read_once(dir, path, max, &secret, &replaced, err))
			return false;
	}
	*ret_secret = secret;
	return true;
}

bool file_read_private(int dir, const char *name, size_t max,
	struct secret **ret_secret, struct error *err)
{
	AUTO_CLOSE fd = -1;
	size_t len = 0;

	return open_private(dir, name, max, &fd, &len, err) &&
	       file_read_open(fd, name, len, ret_secret, err);
}

/* A piece at a time, in memory that is wiped. */
bool file_copy(int from, int to, const char *label, struct error *err)
{
	enum { PIECE = 65536 };
	AUTO_FREE(secret) piece = secret_new(PIECE);
	unsigned char *bytes = secret_bytes(piece);
	off_t at = 0;
	ssize_t got;

	while ((got = UNINTERRUPTED(pread(from, bytes, PIECE, at))) > 0) {
		const struct file_part part = {bytes, (size_t)got, NULL};

		if (!file_write_parts(to, &part, 1, label, err))
			return false;
		at += got;
	}
	if (got < 0)
		return error_errno(err, "%s: cannot read what to copy", label);
	return true;
}

bool file_exists(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG);
}

bool file_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool file_rename_new(int from_dir, const char *from, int to_dir, const char *to,
	bool *ret_exists, struct error *err)
{
	*ret_exists = false;
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return true;
	*ret_exists = errno == EEXIST;
	if (*ret_exists)
		return false;
	return error_errno(err, "\"%s\": cannot rename to \"%s\"", from, to);
}

bool file_exchange(
	int a_dir, const char *a, int b_dir, const char *b, struct error *err)
{
	if (renameat2(a_dir, a, b_dir, b, RENAME_EXCHANGE) != 0)
		return error_errno(
			err, "\"%s\": cannot exchange with \"%s\"", a, b);
	return true;
}

bool file_sync(int fd, const char *label, struct error *err)
{
	if (UNINTERRUPTED(fsync(fd)) != 0)
		return error_errno(err, "\"%s\": cannot sync", label);
	return true;
}

bool file_sync_system(int fd, const char *label, struct error *err)
{
	if (UNINTERRUPTED(syncfs(fd)) != 0)
		return error_errno(
			err, "\"%s\": cannot sync the file system", label);
	return true;
}

char *file_random_name(const char *prefix)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	/* The most bytes that fall evenly on 36 letters. */
	enum { N_LETTERS = 36, EVEN = 252, N_WANTED = 16 };
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	unsigned char random[2 * N_WANTED];
	size_t wanted = strlen(prefix) + N_WANTED;

	buffer_add_text(&name, prefix);
	while (name.len < wanted) {
		/* As little as this comes whole, or the kernel has no
		 * getrandom at all. */
		if (UNINTERRUPTED(getrandom(random, sizeof(random), 0)) !=
			(ssize_t)sizeof(random))
			abort();
		for (size_t i = 0; i < sizeof(random) && name.len < wanted; i++)
			if (random[i] < EVEN)
				buffer_add_byte(
					&name, letters[random[i] % N_LETTERS]);
	}
	return buffer_detach(&name);
}

bool directory_path(int fd, char **ret_path, struct error *err)
{
	AUTO_TEXT proc = memory_format("/proc/self/fd/%d", fd);
	AUTO_TEXT path = realpath(proc, NULL);
	struct stat there;
	struct stat here;

	if (!path || stat(path, &there) != 0 || fstat(fd, &here) != 0)
		return error_errno(err, "cannot find a directory's path");
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return error_set(err, ERROR_FAILED,
			"directory \"%s\": was moved or removed", path);
	*ret_path = take(&path);
	return true;
}
