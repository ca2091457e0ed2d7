/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/unit.h"

#include <stdlib.h>
#include <string.h>

#include "verify/duty.h"

#define LINKS_MAX 8

struct unit *unit_new(enum unit_kind kind, const char *path, const char *node)
{
	struct unit *unit = memory_new(1, sizeof(*unit));

	unit->kind = kind;
	unit->path = memory_text(path);
	if (node)
		unit->node = memory_text(node);
	return unit;
}

static struct file *find(const struct unit *unit, const char *inside)
{
	for (size_t i = 0; i < unit->n_files; i++)
		if (strcmp(unit->files[i]->inside, inside) == 0)
			return unit->files[i];
	return NULL;
}

static struct file *new_file(const struct unit *unit, const char *inside)
{
	struct file *file = memory_new(1, sizeof(*file));

	file->unit = unit;
	file->place = unit->n_files;
	file->inside = memory_text(inside);
	file->path = !*inside	   ? memory_text(unit->path)
		     : *unit->path ? memory_format("%s/%s", unit->path, inside)
				   : memory_text(inside);
	return file;
}

void unit_add_directory(struct unit *unit, const char *inside, mode_t mode)
{
	struct file *directory = new_file(unit, inside);

	directory->kind = TREE_READ_DIRECTORY;
	directory->mode = mode;
	directory->has_mode = true;
	unit->directories = memory_grow(unit->directories,
		&unit->directories_allocated, unit->n_directories + 1,
		sizeof(struct file *));
	unit->directories[unit->n_directories++] = directory;
}

struct file *unit_add(struct unit *unit, const char *inside)
{
	struct file *file = find(unit, inside);

	if (file) {
		file->is_twice = true;
		return file;
	}
	file = new_file(unit, inside);
	unit->files = memory_grow(unit->files, &unit->allocated,
		unit->n_files + 1, sizeof(struct file *));
	unit->files[unit->n_files++] = file;
	return file;
}

void unit_free(struct unit *unit)
{
	if (!unit)
		return;
	for (size_t i = 0; i < unit->n_files; i++)
		file_free(unit->files[i]);
	for (size_t i = 0; i < unit->n_directories; i++)
		file_free(unit->directories[i]);
	free(unit->files);
	free(unit->directories);
	free(unit->path);
	free(unit->node);
	free(unit);
}

/* -- looking up -- */

/* Where a path of the host begins below the root. */
static const char *const roots[][3] = {
	[UNIT_FILES] = {NULL},
	[UNIT_PKI] = {"/etc/kubernetes/pki/", "/var/lib/kubernetes/", NULL},
	[UNIT_KUBERNETES] = {"/etc/kubernetes/", NULL},
	[UNIT_HOST] = {"/", NULL},
};

/* One component more, or one less; false above the root. */
static bool step(struct buffer *path, const char *part, size_t len)
{
	size_t keep = path->len;

	if (len == 0 || (len == 1 && *part == '.'))
		return true;
	if (len != 2 || memcmp(part, "..", 2) != 0) {
		if (path->len > 0)
			buffer_add_byte(path, '/');
		buffer_add(path, part, len);
		return true;
	}
	if (keep == 0)
		return false;
	while (keep > 0 && path->data[keep - 1] != '/')
		keep--;
	path->len = keep > 0 ? keep - 1 : 0;
	path->data[path->len] = '\0';
	return true;
}

static bool walk(struct buffer *path, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "/");

		if (!step(path, text, len))
			return false;
		text += len;
		text += strspn(text, "/");
	}
	return true;
}

static bool from_root(
	const struct unit *unit, const char *path, struct buffer *out)
{
	for (const char *const *root = roots[unit->kind]; *root; root++) {
		size_t len = strlen(*root);

		if (strncmp(path, *root, len) == 0)
			return walk(out, path + len);
	}
	if (unit->kind != UNIT_FILES || !find(unit, path))
		return false;
	buffer_add_text(out, path);
	return true;
}

/* The path below the root that another file speaks of. */
static bool resolve(const struct unit *unit, const struct file *from,
	const char *path, struct buffer *out)
{
	const char *slash = strrchr(from->inside, '/');
	AUTO_TEXT directory = memory_text_n(
		from->inside, slash ? (size_t)(slash - from->inside) : 0);

	if (*path == '/')
		return from_root(unit, path, out);
	if (*directory == '/')
		buffer_add_byte(out, '/');
	return walk(out, directory) && walk(out, path);
}

const struct file *unit_find_from(
	const struct unit *unit, const struct file *from, const char *path)
{
	const struct file *file = from;

	for (unsigned i = 0; i < LINKS_MAX; i++) {
		AUTO_RELEASE(buffer) inside = BUFFER_INIT;

		if (!resolve(unit, file, path, &inside))
			return NULL;
		file = find(unit, inside.data);
		if (!file || !file->link)
			return file;
		path = file->link;
	}
	return NULL;
}

const struct file *unit_find(const struct unit *unit, const char *inside)
{
	const struct file *file = find(unit, inside);

	return file && file->link ? unit_find_from(unit, file, file->link)
				  : file;
}

bool unit_has_beside(
	const struct unit *unit, const struct file *from, const char *path)
{
	AUTO_RELEASE(buffer) inside = BUFFER_INIT;
	const char *slash;
	size_t len;

	if (!resolve(unit, from, path, &inside))
		return false;
	slash = strrchr(inside.data, '/');
	len = slash ? (size_t)(slash - inside.data) + 1 : 0;
	for (size_t i = 0; i < unit->n_files; i++)
		if (!strncmp(unit->files[i]->inside, inside.data, len))
			return true;
	return false;
}

bool unit_leaves(
	const struct unit *unit, const struct file *from, const char *path)
{
	AUTO_RELEASE(buffer) inside = BUFFER_INIT;

	return !resolve(unit, from, path, &inside);
}

static bool fits(const struct artifact *artifact, enum artifact_kind kind,
	const char *duty)
{
	return artifact->kind == kind && (!duty || duty_is(artifact, duty));
}

const struct artifact *unit_next(const struct unit *unit,
	const struct artifact *previous, enum artifact_kind kind,
	const char *duty)
{
	size_t i = previous ? previous->file->place : 0;
	size_t k = previous ? previous->place + 1 : 0;

	for (; i < unit->n_files; i++, k = 0)
		for (; k < unit->files[i]->n_artifacts; k++)
			if (fits(unit->files[i]->artifacts[k], kind, duty))
				return unit->files[i]->artifacts[k];
	return NULL;
}

/* -- duties -- */

/* Also as if it stood where it is going to. */
static const struct duty *duty_by_path(
	const struct unit *unit, const struct file *file)
{
	static const char *const befores[] = {
		"pki/", "server/tls/", "var/lib/kubelet/pki/", "kubernetes/"};
	const struct duty *duty = duty_of_path(file->path);

	if (unit->kind == UNIT_HOST || duty)
		return duty;
	for (size_t i = 0; !duty && i < ARRAY_SIZE(befores); i++) {
		const char *name = strrchr(file->inside, '/');
		AUTO_TEXT path = memory_format("%s%s", befores[i],
			unit->kind == UNIT_FILES && name ? name + 1
							 : file->inside);

		duty = duty_of_path(path);
	}
	return duty;
}

static const struct duty *duty_of_embedded_ca(const struct duty *of_file)
{
	bool k3s = of_file && of_file->issuer &&
		   strcmp(of_file->issuer, "client-ca") == 0;

	return duty_find(k3s ? "server-ca" : "ca");
}

static const struct duty *duty_of(
	const struct duty *of_file, const struct artifact *artifact)
{
	bool embedded = artifact->embedded_kind != NULL;

	if (artifact->kind != ARTIFACT_CERTIFICATE)
		return of_file;
	if (embedded && strcmp(artifact->embedded_kind, "cluster") == 0)
		return duty_of_embedded_ca(of_file);
	/* what follows a leaf is its chain; in a bundle all are the same */
	if (of_file && !of_file->is_ca && artifact->certificate->is_ca &&
		artifact->number > 1)
		return NULL;
	return of_file ? of_file : duty_of_certificate(artifact->certificate);
}

static void settle(const struct unit *unit, struct file *file)
{
	const struct duty *of_file = duty_by_path(unit, file);

	if (of_file && file->kind == TREE_READ_FILE && !file->problem &&
		file->n_artifacts == 0)
		file_add(file, ARTIFACT_UNREADABLE)->problem = memory_text(
			"has nothing that Kubernetes would read there");
	for (size_t i = 0; i < file->n_artifacts; i++) {
		struct artifact *artifact = file->artifacts[i];
		const char *node = NULL;

		artifact->duty = duty_of(of_file, artifact);
		if (artifact->certificate)
			node = duty_node_of(artifact->certificate->common_name);
		if (node && !artifact->node)
			artifact->node = memory_text(node);
	}
}

static const char *ca_duty_of_name(const struct certificate *certificate)
{
	const char *name = certificate->common_name;

	if (name && strstr(name, "etcd"))
		return "etcd-ca";
	if (name &&
		(strstr(name, "front-proxy") || strstr(name, "request-header")))
		return "front-proxy-ca";
	return "ca";
}

static bool signs_itself(const struct certificate *certificate)
{
	return der_equal(certificate->issuer, certificate->subject);
}

/* A root of no known name is what its own name says, unless another is. */
static void settle_roots(struct unit *unit)
{
	for (size_t i = 0; i < unit->n_files; i++)
		for (size_t k = 0; k < unit->files[i]->n_artifacts; k++) {
			struct artifact *artifact =
				unit->files[i]->artifacts[k];
			const char *duty;

			if (artifact->kind != ARTIFACT_CERTIFICATE ||
				artifact->duty ||
				!artifact->certificate->is_ca ||
				!signs_itself(artifact->certificate))
				continue;
			duty = ca_duty_of_name(artifact->certificate);
			if (!unit_next(unit, NULL, ARTIFACT_CERTIFICATE, duty))
				artifact->duty = duty_find(duty);
		}
}

void unit_seal(struct unit *unit)
{
	for (size_t i = 0; i < unit->n_files; i++)
		settle(unit, unit->files[i]);
	settle_roots(unit);
}
