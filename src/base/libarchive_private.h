/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_LIBARCHIVE_PRIVATE_H
#define BASE_LIBARCHIVE_PRIVATE_H

#include "base/error.h"
#include <archive.h>
#include <archive_entry.h>

/*
 * libarchive, loaded when the first tar is wanted.
 *
 * It brings libxml2, ICU and the C++ runtime with it: linked in the ordinary
 * way it would double the time that every command takes to start, --version
 * included.  Only src/base/tree_tar.c and tree_read_tar.c call through this table; a
 * member is called what libarchive calls it, without "archive_".
 */
#define LIBARCHIVE_CALLS(CALL)                                                 \
	CALL(entry_clear)                                                      \
	CALL(entry_filetype)                                                   \
	CALL(entry_free)                                                       \
	CALL(entry_hardlink)                                                   \
	CALL(entry_new)                                                        \
	CALL(entry_pathname)                                                   \
	CALL(entry_perm)                                                       \
	CALL(entry_set_filetype)                                               \
	CALL(entry_set_mtime)                                                  \
	CALL(entry_set_pathname)                                               \
	CALL(entry_set_perm)                                                   \
	CALL(entry_set_size)                                                   \
	CALL(entry_set_symlink)                                                \
	CALL(entry_size)                                                       \
	CALL(entry_symlink)                                                    \
	CALL(entry_uid)                                                        \
	CALL(error_string)                                                     \
	CALL(read_data)                                                        \
	CALL(read_free)                                                        \
	CALL(read_new)                                                         \
	CALL(read_next_header)                                                 \
	CALL(read_open_fd)                                                     \
	CALL(read_support_filter_bzip2)                                        \
	CALL(read_support_filter_gzip)                                         \
	CALL(read_support_filter_xz)                                           \
	CALL(read_support_filter_zstd)                                         \
	CALL(read_support_format_tar)                                                     \
	CALL(write_add_filter_none)                                            \
	CALL(write_data)                                                       \
	CALL(write_finish_entry)                                               \
	CALL(write_free)                                                       \
	CALL(write_header)                                                     \
	CALL(write_new)                                                        \
	CALL(write_open)                                                       \
	CALL(write_set_bytes_per_block)                                        \
	CALL(write_set_format_pax_restricted)

#define LIBARCHIVE_MEMBER(name) __typeof__(archive_##name) *name;
struct libarchive {
	LIBARCHIVE_CALLS(LIBARCHIVE_MEMBER)
};
#undef LIBARCHIVE_MEMBER

/* The same table for everybody, never freed; ERROR_FAILED when the library is
 * not installed.  Thread-safe. */
MUST_CHECK bool libarchive_load(const struct libarchive **ret_library,
	struct error *err);

#endif
