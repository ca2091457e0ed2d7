/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/token_all.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "cmd/token_batch.h"
#include "kube/node.h"
#include "kube/token_read.h"

struct names {
	char **items;
	size_t n_items, allocated;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->n_items; i++)
		free(names->items[i]);
	free(names->items);
}

DEFINE_AUTO_RELEASE(names)

/* NODE.yaml */
static bool is_node_file(const char *name)
{
	static const char end[] = ".yaml";
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* not one, then */
	size_t len = strlen(name);
	AUTO_TEXT node = NULL;

	if (len <= strlen(end) || strcmp(name + len - strlen(end), end))
		return false;
	node = memory_text_n(name, len - strlen(end));
	return node_name_check(node, &ignored);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_names(
	int out, const char *path, struct names *names, struct error *err)
{
	int fd = openat(out, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory) {
		file_auto_close(&fd);
		return error_errno(err, "read \"%s\"", path);
	}
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (!is_node_file(entry->d_name))
			continue;
		names->items = memory_grow(names->items, &names->allocated,
			names->n_items + 1, sizeof(*names->items));
		names->items[names->n_items++] = memory_text(entry->d_name);
	}
	closedir(directory);
	if (names->n_items > 0)
		qsort(names->items, names->n_items, sizeof(*names->items),
			compare_names);
	return true;
}

static bool open_regular(int out, const char *name, int *ret_fd)
{
	AUTO_CLOSE fd = openat(
		out, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return false;
	*ret_fd = fd;
	fd = -1;
	return true;
}

static bool holds_token(const char *path, const char *name)
{
	AUTO_TEXT file = memory_format("%s/%s", path, name);
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* somebody else's, then */
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(token) token = NULL;

	return source_open(file, TOKEN_SOURCE_MAX, &source, &ignored) &&
	       token_read_one(source, &token, &ignored);
}

static bool add_file(
	int out, const char *path, const char *name, int to, struct error *err)
{
	static const struct file_part begin = {"---\n", 4, NULL};
	AUTO_CLOSE from = -1;

	if (!open_regular(out, name, &from) || !holds_token(path, name))
		return true;
	return file_write_parts(to, &begin, 1, TOKEN_BATCH_ALL, err) &&
	       file_copy(from, to, TOKEN_BATCH_ALL, err);
}

/* Has the file that is there the same in it? */
static bool is_current(int out, int draft, bool *ret_current, struct error *err)
{
	AUTO_CLOSE fd = -1;
	struct sha256 is, wanted;

	*ret_current = false;
	if (!open_regular(out, TOKEN_BATCH_ALL, &fd))
		return true;
	if (!sha256_of_file(fd, TOKEN_BATCH_ALL, &is, err) ||
		!sha256_of_file(draft, TOKEN_BATCH_ALL, &wanted, err))
		return false;
	*ret_current = !memcmp(&is, &wanted, sizeof(is));
	return true;
}

bool token_all_publish(int out, struct draft *draft, struct error *err)
{
	bool current = false, exists;

	return is_current(out, draft->fd, &current, err) &&
	       (current || draft_publish(
				   draft, TOKEN_BATCH_ALL, true, &exists, err));
}

bool token_all_update(int out, const char *path, struct error *err)
{
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_RELEASE(names) names = {NULL, 0, 0};

	if (!list_names(out, path, &names, err))
		return false;
	if (names.n_items == 0)
		return true;
	if (!draft_open(out, 0600, &draft, err))
		return false;
	for (size_t i = 0; i < names.n_items; i++)
		if (!add_file(out, path, names.items[i], draft.fd, err))
			return false;
	return token_all_publish(out, &draft, err);
}
