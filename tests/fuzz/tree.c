/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/tree_read.h"

/* No path leaves the tree, and no file is larger than what may be. */
static bool look(
	void *data, const struct tree_read_entry *entry, struct error *err)
{
	size_t *n = data;

	hold(entry->path[0] != '\0' && entry->path[0] != '/');
	hold(strcmp(entry->path, "..") != 0 &&
		strncmp(entry->path, "../", 3) != 0 &&
		!strstr(entry->path, "/../") && !strstr(entry->path, "//"));
	hold(!entry->bytes || secret_len(entry->bytes) <= TREE_READ_FILE_MAX);
	hold((entry->kind == TREE_READ_LINK) == (entry->link != NULL));
	return ++*n < 1000 ||
	       error_set(err, ERROR_INPUT, "more than are wanted");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tree", MFD_CLOEXEC);
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t n = 0;

	hold(fd >= 0 && write(fd, data, size) == (ssize_t)size &&
		lseek(fd, 0, SEEK_SET) == 0);
	if (!tree_read_tar(fd, "tree", look, &n, &err))
		hold_refusal(&err);
	close(fd);
	return 0;
}
