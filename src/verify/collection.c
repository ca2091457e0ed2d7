/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/collection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/affix.h"
#include "pki/ledger.h"

/* -- which files of a host are looked at -- */

static const struct {
	const char *path;
	bool deep; /* what is below it, too */
} places[] = {
	{"etc/kubernetes", true},
	{"etc/etcd", true},
	{"etc/ssl/etcd", true},
	{"etc/rancher", true},
	{"var/lib/kube-controller-manager", true},
	{"var/lib/kube-proxy", true},
	{"var/lib/kube-scheduler", true},
	{"var/lib/kubelet", false},
	{"var/lib/kubelet/pki", true},
	{"var/lib/kubernetes", true},
	{"var/lib/rancher/k3s/agent", false},
	{"var/lib/rancher/k3s/server", false},
	{"var/lib/rancher/k3s/server/cred", true},
	{"var/lib/rancher/k3s/server/tls", true},
};

static bool is_at_or_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	return strncmp(path, above, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

/* Is anything in this directory, or further down, of a host looked at? */
static bool host_enters(const char *directory)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (is_at_or_below(places[i].path, directory) ||
			(places[i].deep &&
				is_at_or_below(directory, places[i].path)))
			return true;
	return false;
}

static bool host_has(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i].path);

		if (!is_at_or_below(path, places[i].path) || !path[len])
			continue;
		if (places[i].deep || !strchr(path + len + 1, '/'))
			return true;
	}
	return false;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* kpki's own, in its own directory. */
static bool is_passed_over(const char *name)
{
	static const char *const own[] = {
		LEDGER_FILE, LEDGER_FILE "-journal", LEDGER_LOCK};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return text_begins(name, ".kpki-");
}

/* -- filling a unit -- */

static void classify(
	struct unit *unit, struct file *file, const struct secret *bytes)
{
	if (unit->n_artifacts < UNIT_ARTIFACTS_MAX)
		file_classify(file, bytes);
	else
		file->problem = memory_format("behind more than %d things",
			UNIT_ARTIFACTS_MAX);
	unit->n_artifacts += file->n_artifacts;
}

static bool fill(struct unit *unit, const char *inside,
	const struct tree_read_entry *entry, struct error *err)
{
	struct file *file;

	if (entry->kind == TREE_READ_DIRECTORY && !entry->problem) {
		if (unit->kind == UNIT_HOST && !host_enters(inside))
			return true;
		if (unit->n_directories > UNIT_FILES_MAX)
			return error_set(err, ERROR_INPUT,
				"more than %d directories", UNIT_FILES_MAX);
		unit_add_directory(unit, inside, entry->mode);
		return true;
	}
	if (unit->kind == UNIT_HOST && !host_has(inside))
		return true;
	if (unit->kind == UNIT_PKI && is_passed_over(last_component(inside)))
		return true;
	if (unit->n_files == UNIT_FILES_MAX)
		return error_set(
			err, ERROR_INPUT, "more than %d files", UNIT_FILES_MAX);
	file = unit_add(unit, inside);
	if (file->is_twice)
		return true;
	file->kind = entry->kind;
	file->mode = entry->mode;
	file->uid = entry->uid;
	file->has_mode = true;
	if (entry->link)
		file->link = memory_text(entry->link);
	if (entry->problem)
		file->problem = memory_text(entry->problem);
	if (entry->bytes)
		classify(unit, file, entry->bytes);
	return true;
}

static bool visit_unit(
	void *data, const struct tree_read_entry *entry, struct error *err)
{
	return fill(data, entry->path, entry, err);
}

static bool enter_unit(void *data, const char *path)
{
	const struct unit *unit = data;

	if (unit->kind == UNIT_HOST)
		return host_enters(path);
	return !text_begins(last_component(path), ".kpki-") &&
	       strcmp(last_component(path), ".git") != 0;
}

/* -- what a directory is -- */

static bool has_directory(int dir, const char *name)
{
	struct stat status;

	return fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

static bool is_host(int dir)
{
	return has_directory(dir, "etc/kubernetes") ||
	       has_directory(dir, "var/lib/kubelet") ||
	       has_directory(dir, "var/lib/kubernetes") ||
	       has_directory(dir, "var/lib/rancher/k3s");
}

static bool is_kubernetes(int dir)
{
	static const char *const names[] = {"admin.conf", "kubelet.conf",
		"bootstrap-kubelet.conf", "controller-manager.conf",
		"scheduler.conf"};

	if (has_directory(dir, "pki"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (file_exists(dir, names[i]))
			return true;
	return false;
}

/* How long the name is without this end; 0: it has none, or is nothing else. */
static size_t stem_len(const char *name, const char *end)
{
	return text_ends(name, end) ? strlen(name) - strlen(end) : 0;
}

static const char *const tar_ends[] = {
	".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"};

/* How long the name is without what makes it a tar's; 0: it is none. */
static size_t tar_stem(const char *name)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tar_ends) && len == 0; i++)
		len = stem_len(name, tar_ends[i]);
	return len;
}

/* A bundle in a directory of bundles. */
static bool is_one_of_many(int dir, const char *name, mode_t type)
{
	AUTO_CLOSE fd = -1;

	if (*name == '.')
		return false;
	if (S_ISREG(type))
		return tar_stem(name) > 0;
	if (!S_ISDIR(type))
		return false;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && is_host(fd);
}

static bool look_for_many(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	bool *many = data;

	(void)err;
	*many |= is_one_of_many(dir, name, type);
	return true;
}

static bool unit_of_directory(int dir, const char *path, enum unit_kind kind,
	const char *node, struct unit **ret_unit, struct error *err)
{
	AUTO_FREE(unit) unit = unit_new(kind, path, node);
	struct stat status;

	if (fstat(dir, &status) != 0)
		return error_errno(err, "\"%s\"", path);
	unit_add_directory(unit, "", status.st_mode & 07777);
	if (!tree_read_directory(dir, path, enter_unit, visit_unit, unit, err))
		return false;
	unit_seal(unit);
	*ret_unit = take(&unit);
	return true;
}

/* -- what a tar is -- */

struct tar_look {
	enum unit_kind kind;
	bool decided, many; /* of NAME/etc/… */
};

static bool is_host_top(const char *path)
{
	return is_at_or_below(path, "etc") || is_at_or_below(path, "var");
}

static bool look_into_tar(
	void *data, const struct tree_read_entry *entry, struct error *err)
{
	struct tar_look *look = data;
	const char *slash = strchr(entry->path, '/');

	if (!slash && entry->kind == TREE_READ_DIRECTORY)
		return true;
	look->decided = true;
	if (slash && is_host_top(entry->path))
		look->kind = UNIT_HOST;
	else if (slash && is_host_top(slash + 1))
		look->many = true;
	else if (entry->kind == TREE_READ_DIRECTORY ||
		 stem_len(entry->path, ".conf") > 0)
		look->kind = UNIT_KUBERNETES;
	return error_set(err, ERROR_FAILED, "decided");
}

static bool look_at_tar(
	int fd, const char *path, struct tar_look *look, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	look->kind = UNIT_PKI;
	if (!tree_read_tar(fd, path, look_into_tar, look, &why) &&
		!look->decided) {
		error_move(err, &why);
		return false;
	}
	return lseek(fd, 0, SEEK_SET) == 0 || error_errno(err, "%s", path);
}

static bool unit_of_tar(int fd, const char *path, enum unit_kind kind,
	const char *node, struct unit **ret_unit, struct error *err)
{
	AUTO_FREE(unit) unit = unit_new(kind, path, node);

	if (!tree_read_tar(fd, path, visit_unit, unit, err))
		return false;
	unit_seal(unit);
	*ret_unit = take(&unit);
	return true;
}

/* One stream of NAME/…, a unit at a time. */
struct stream {
	const char *path;
	struct unit *unit;
	collection_visit *visit;
	void *data;
};

static bool end_unit(struct stream *stream, struct error *err)
{
	AUTO_FREE(unit) unit = take(&stream->unit);

	if (!unit)
		return true;
	unit_seal(unit);
	return stream->visit(stream->data, unit, err);
}

static bool visit_stream(
	void *data, const struct tree_read_entry *entry, struct error *err)
{
	struct stream *stream = data;
	AUTO_TEXT name = memory_text_n(entry->path, strcspn(entry->path, "/"));
	AUTO_TEXT path = NULL;

	if (!stream->unit || strcmp(stream->unit->node, name) != 0) {
		if (!end_unit(stream, err))
			return false;
		path = memory_format("%s/%s", stream->path, name);
		stream->unit = unit_new(UNIT_HOST, path, name);
		stream->unit->is_named = true;
	}
	if (!entry->path[strlen(name)])
		return true;
	return fill(stream->unit, entry->path + strlen(name) + 1, entry, err);
}

static bool each_of_stream(int fd, const char *path, collection_visit *visit,
	void *data, struct error *err)
{
	struct stream stream = {path, NULL, visit, data};
	bool done = tree_read_tar(fd, path, visit_stream, &stream, err) &&
		    end_unit(&stream, err);

	unit_free(stream.unit);
	return done;
}

/* -- PATHs -- */

static void keep_unit(struct collection *collection, struct unit *taken_unit)
{
	collection->units =
		memory_grow(collection->units, &collection->allocated,
			collection->n_units + 1, sizeof(struct unit *));
	collection->units[collection->n_units++] = taken_unit;
}

static void keep_many(struct collection *collection, const char *path)
{
	collection->many =
		memory_grow(collection->many, &collection->many_allocated,
			collection->n_many + 1, sizeof(const char *));
	collection->many[collection->n_many++] = path;
}

static char *node_of_path(const char *path)
{
	size_t len = strlen(path);
	AUTO_TEXT name = NULL;

	while (len > 1 && path[len - 1] == '/')
		len--;
	name = memory_text_n(path, len);
	path = last_component(name);
	len = tar_stem(path);
	return len > 0 ? memory_text_n(path, len) : memory_text(path);
}

static bool is_root(const char *path)
{
	return strspn(path, "/") == strlen(path);
}

static bool read_directory(struct collection *collection, int dir,
	const char *path, struct error *err)
{
	AUTO_TEXT node = node_of_path(path);
	bool host = is_host(dir) || is_root(path), many = false;
	struct unit *unit = NULL;

	if (!host && !is_kubernetes(dir) && !file_exists(dir, "cluster.yaml") &&
		!directory_each(dir, path, look_for_many, &many, err))
		return false;
	if (many) {
		keep_many(collection, path);
		return true;
	}
	if (!unit_of_directory(dir, path,
		    host		 ? UNIT_HOST
		    : is_kubernetes(dir) ? UNIT_KUBERNETES
					 : UNIT_PKI,
		    host ? node : NULL, &unit, err))
		return false;
	keep_unit(collection, unit);
	return true;
}

static bool read_tar(struct collection *collection, int fd, const char *path,
	struct error *err)
{
	AUTO_TEXT node = node_of_path(path);
	struct tar_look look = {0};
	struct unit *unit = NULL;

	if (!look_at_tar(fd, path, &look, err))
		return false;
	if (look.many) {
		keep_many(collection, path);
		return true;
	}
	if (!unit_of_tar(fd, path, look.kind,
		    look.kind == UNIT_HOST ? node : NULL, &unit, err))
		return false;
	keep_unit(collection, unit);
	return true;
}

/* All single files are one unit. */
static bool read_file(struct collection *collection, int fd, const char *path,
	struct error *err)
{
	struct unit *unit = NULL;

	for (size_t i = 0; i < collection->n_units; i++)
		if (collection->units[i]->kind == UNIT_FILES)
			unit = collection->units[i];
	if (!unit) {
		unit = unit_new(UNIT_FILES, "", NULL);
		keep_unit(collection, unit);
	}
	return tree_read_file(fd, path, visit_unit, unit, err);
}

static bool is_tar(int fd)
{
	char head[512];
	ssize_t got = pread(fd, head, sizeof(head), 0);

	return got > 0 && tree_read_is_tar(head, (size_t)got);
}

static bool read_path(
	struct collection *collection, const char *path, struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0) {
		error_errno(err, "\"%s\": cannot open", path);
		err->kind = ERROR_INPUT;
		return false;
	}
	if (S_ISDIR(status.st_mode))
		return read_directory(collection, fd, path, err);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ERROR_INPUT,
			"\"%s\": neither a regular file nor a directory", path);
	if (is_tar(fd))
		return read_tar(collection, fd, path, err);
	return read_file(collection, fd, path, err);
}

bool collection_read(struct collection *collection, const char *const *paths,
	size_t n_paths, struct error *err)
{
	for (size_t i = 0; i < n_paths; i++)
		if (!read_path(collection, paths[i], err))
			return false;
	for (size_t i = 0; i < collection->n_units; i++)
		if (collection->units[i]->kind == UNIT_FILES)
			unit_seal(collection->units[i]);
	return true;
}

/* -- many -- */

struct bundles {
	const char *path;
	collection_visit *visit;
	void *data;
	char **names;
	size_t n_names, allocated;
};

static bool visit_taken(
	struct bundles *bundles, struct unit *taken_unit, struct error *err)
{
	AUTO_FREE(unit) unit = taken_unit;

	unit->is_named = true;
	return bundles->visit(bundles->data, unit, err);
}

/* What cannot be walked is a file that was not looked at. */
static bool read_stray(int dir, const char *name, mode_t type,
	struct unit *unit, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	AUTO_CLOSE fd =
		S_ISDIR(type) || S_ISREG(type)
			? openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
			: -1;
	bool done;

	if (S_ISLNK(type))
		return true;
	if (fd < 0)
		(void)error_set(&why, ERROR_INPUT, "cannot be read");
	done = fd >= 0 &&
	       (S_ISDIR(type)
			       ? tree_read_directory(fd, unit->path, enter_unit,
					 visit_unit, unit, &why)
			       : tree_read_file(
					 fd, name, visit_unit, unit, &why));
	if (!done && why.kind != ERROR_INPUT) {
		error_move(err, &why);
		return false;
	}
	if (!done)
		unit_add(unit, S_ISDIR(type) ? "." : name)->problem =
			memory_text(why.message);
	return true;
}

static bool holds_something(const struct unit *unit)
{
	for (size_t i = 0; i < unit->n_files; i++)
		if (unit->files[i]->n_artifacts > 0 || unit->files[i]->problem)
			return true;
	return false;
}

static bool visit_stray(struct bundles *bundles, int dir, const char *name,
	mode_t type, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/%s", bundles->path, name);
	AUTO_FREE(unit) unit = unit_new(UNIT_PKI,
		S_ISDIR(type) ? path : bundles->path, NULL);

	unit->is_stray = true;
	if (!read_stray(dir, name, type, unit, err))
		return false;
	unit_seal(unit);
	return !holds_something(unit) ||
	       bundles->visit(bundles->data, unit, err);
}

static bool visit_bundle(
	struct bundles *bundles, int dir, const char *name, struct error *err)
{
	AUTO_TEXT path = memory_format("%s/%s", bundles->path, name);
	AUTO_TEXT node = node_of_path(name);
	AUTO_CLOSE fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct tar_look look = {0};
	struct unit *unit = NULL;

	if (fd < 0)
		return error_errno(err, "\"%s\"", path);
	if (tar_stem(name) == 0)
		return unit_of_directory(
			       fd, path, UNIT_HOST, node, &unit, err) &&
		       visit_taken(bundles, unit, err);
	if (!look_at_tar(fd, path, &look, err))
		return false;
	if (look.many)
		return each_of_stream(
			fd, path, bundles->visit, bundles->data, err);
	return unit_of_tar(fd, path, look.kind, node, &unit, err) &&
	       visit_taken(bundles, unit, err);
}

static bool collect_bundle(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	struct bundles *bundles = data;

	(void)err;
	(void)dir;
	(void)type;
	if (is_passed_over(name))
		return true;
	bundles->names = memory_grow(bundles->names, &bundles->allocated,
		bundles->n_names + 1, sizeof(char *));
	bundles->names[bundles->n_names++] = memory_text(name);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool visit_name(
	struct bundles *bundles, int dir, const char *name, struct error *err)
{
	struct stat status;

	if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ||
		       error_errno(err, "\"%s/%s\"", bundles->path, name);
	return is_one_of_many(dir, name, status.st_mode)
		       ? visit_bundle(bundles, dir, name, err)
		       : visit_stray(bundles, dir, name, status.st_mode, err);
}

/* Without files, for its mode. */
static bool visit_directory_itself(
	struct bundles *bundles, int dir, struct error *err)
{
	AUTO_FREE(unit) unit = unit_new(UNIT_PKI, bundles->path, NULL);
	struct stat status;

	if (fstat(dir, &status) != 0)
		return error_errno(err, "\"%s\"", bundles->path);
	unit->is_stray = true;
	unit_add_directory(unit, "", status.st_mode & 07777);
	return bundles->visit(bundles->data, unit, err);
}

static bool each_of_directory(int dir, const char *path,
	collection_visit *visit, void *data, struct error *err)
{
	struct bundles bundles = {.path = path, .visit = visit, .data = data};
	bool done = visit_directory_itself(&bundles, dir, err) &&
		    directory_each(dir, path, collect_bundle, &bundles, err);

	if (bundles.n_names > 0)
		qsort(bundles.names, bundles.n_names, sizeof(char *),
			compare_names);
	for (size_t i = 0; i < bundles.n_names; i++) {
		done = done &&
		       visit_name(&bundles, dir, bundles.names[i], err);
		free(bundles.names[i]);
	}
	free(bundles.names);
	return done;
}

bool collection_each(const struct collection *collection,
	collection_visit *visit, void *data, struct error *err)
{
	for (size_t i = 0; i < collection->n_many; i++) {
		const char *path = collection->many[i];
		AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC);
		struct stat status;

		if (fd < 0 || fstat(fd, &status) != 0)
			return error_errno(err, "\"%s\"", path);
		if (S_ISDIR(status.st_mode)
				? !each_of_directory(fd, path, visit, data, err)
				: !each_of_stream(fd, path, visit, data, err))
			return false;
	}
	return true;
}

void collection_release(struct collection *collection)
{
	for (size_t i = 0; i < collection->n_units; i++)
		unit_free(collection->units[i]);
	free(collection->units);
	free(collection->many);
	*collection = (struct collection)COLLECTION_INIT;
}
