/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/birth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/context.h"
#include "pki/key_token.h"
#include "pki/pkcs11_uri.h"

#define STAGE_PREFIX ".kpki-init-"
#define PEM_MAX ((size_t)1 << 16)

/* -- looking -- */

static bool note_entry(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	bool *empty = data;

	(void)dir, (void)name, (void)type, (void)err;
	*empty = false;
	return true;
}

static bool require_parts(int dir, const char *path, struct error *err)
{
	static const char *const parts[] = {
		CA_CERTIFICATE, CLUSTER_FILE, LEDGER_FILE};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!file_exists(dir, parts[i]))
			return error_set(err, ERROR_REFUSED,
				"\"%s\": is not empty, and without \"%s\" it "
				"is no PKI directory",
				path, parts[i]);
	return true;
}

bool birth_look(const char *path, bool *ret_exists, struct error *err)
{
	AUTO_CLOSE dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool empty = true;

	*ret_exists = false;
	if (dir < 0 && errno == ENOENT)
		return true;
	if (dir < 0 && errno == ENOTDIR)
		return error_set(
			err, ERROR_REFUSED, "\"%s\": is no directory", path);
	if (dir < 0)
		return error_errno(err, "open \"%s\"", path);
	if (!directory_each(dir, path, note_entry, &empty, err))
		return false;
	if (empty)
		return true;
	*ret_exists = true;
	return require_parts(dir, path, err);
}

/* -- importing -- */

static bool open_key(const struct birth_source *source, struct key **ret_key,
	struct error *err)
{
	AUTO_FREE(secret) pem = NULL;

	if (pkcs11_uri_is(source->key_path))
		return key_open_uri(
			source->key_path, source->custodian, ret_key, err);
	return file_read_secret(
		       AT_FDCWD, source->key_path, PEM_MAX, &pem, err) &&
	       (key_open(pem, source->custodian, ret_key, err) ||
		       error_context(err, "\"%s\"", source->key_path));
}

bool birth_import(const struct birth_source *source, struct instant now,
	struct authority **ret_authority, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(key) key = NULL;

	if (!file_read(AT_FDCWD, source->certificate_path, PEM_MAX, &text, err))
		return false;
	if (!certificate_read_pem(
		    text.data, text.len, false, &certificate, err))
		return error_context(err, "\"%s\"", source->certificate_path);
	if (!open_key(source, &key, err))
		return false;
	if (!authority_new(&certificate, &key, now, ret_authority, err))
		return error_context(err, "\"%s\"", source->certificate_path);
	return true;
}

/* -- making -- */

struct birth {
	char *parent; /* absolute */
	char *name;   /* in it */
	char *stage;  /* in it, until it is renamed */
	int dir;      /* the parent; locked while something is made in it */
	int64_t lock_timeout; /* seconds */
	bool made;
};

static void birth_release(struct birth *birth)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the next one removes it */

	if (birth->stage && !birth->made &&
		!file_remove_tree(birth->dir, birth->stage, &ignored))
		error_release(&ignored);
	if (birth->dir >= 0)
		close(birth->dir);
	free(birth->parent);
	free(birth->name);
	free(birth->stage);
}

DEFINE_AUTO_RELEASE(birth)

static bool open_parent(
	struct birth *birth, const char *path, struct error *err)
{
	AUTO_TEXT trimmed = memory_text(path);
	size_t len = strlen(trimmed);
	char *slash;
	bool held;

	while (len > 1 && trimmed[len - 1] == '/')
		trimmed[--len] = '\0';
	slash = strrchr(trimmed, '/');
	birth->name = memory_text(slash ? slash + 1 : trimmed);
	if (!*birth->name || !strcmp(birth->name, ".") ||
		!strcmp(birth->name, ".."))
		return error_set(err, ERROR_USAGE,
			"\"%s\": name a directory that can be made", path);
	if (slash)
		slash[slash == trimmed] = '\0';
	if (!directory_open(
		    AT_FDCWD, slash ? trimmed : ".", &birth->dir, err) ||
		!directory_path(birth->dir, &birth->parent, err) ||
		!file_lock(birth->dir, FILE_LOCK_EXCLUSIVE, birth->lock_timeout,
			&held, err))
		return false;
	if (!held)
		return error_set(err, ERROR_FAILED,
			"\"%s\": somebody else has locked it", birth->parent);
	return true;
}

static bool remove_dead_stage(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	struct stat status;

	(void)data;
	if (type != S_IFDIR ||
		strncmp(name, STAGE_PREFIX, strlen(STAGE_PREFIX)) ||
		fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) ||
		status.st_uid != geteuid() || (status.st_mode & 07777) != 0700)
		return true;
	return file_remove_tree(dir, name, err);
}

/* Whoever makes one holds the parent's lock, so these have no maker. */
static bool remove_dead_stages(const struct birth *birth, struct error *err)
{
	return directory_each(
		birth->dir, birth->parent, remove_dead_stage, NULL, err);
}

static bool write_key(int dir, const struct birth_plan *plan, struct error *err)
{
	const struct key *key = authority_key(plan->ca);
	AUTO_FREE(secret) pem = NULL;
	struct file_part part = {0};

	if (plan->passphrase
			? !key_write_sealed(key, plan->passphrase, &pem, err)
			: !key_write(key, &pem, err))
		return false;
	part.secret = pem;
	return file_create(dir, CA_KEY, 0600, &part, 1, err);
}

static bool write_files(
	int dir, const struct birth_plan *plan, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	const struct buffer *certificate = authority_pem(plan->ca);
	struct file_part part = {0};

	cluster_write(plan->cluster, &text);
	part = (struct file_part){text.data, text.len, NULL};
	if (!file_create(dir, CLUSTER_FILE, 0644, &part, 1, err))
		return false;
	part = (struct file_part){certificate->data, certificate->len, NULL};
	return file_create(dir, CA_CERTIFICATE, 0644, &part, 1, err) &&
	       write_key(dir, plan, err);
}

static bool write_ledger(
	const char *path, const struct authority *ca, struct error *err)
{
	AUTO_FREE(ledger) ledger = NULL;
	int64_t number;

	return ledger_create(path, err) &&
	       ledger_open(path, LEDGER_BUILD, &ledger, err) &&
	       ledger_lock(ledger, FILE_LOCK_EXCLUSIVE, 0, err) &&
	       ledger_begin(ledger, instant_now(), false, err) &&
	       ledger_add_authority(
		       ledger, "ca", authority_certificate(ca), &number, err) &&
	       ledger_commit(ledger, err);
}

static bool fill_stage(const struct birth *birth, const struct birth_plan *plan,
	struct error *err)
{
	AUTO_TEXT path = memory_format("%s/%s", birth->parent, birth->stage);
	AUTO_CLOSE dir = -1;

	return directory_create(birth->dir, birth->stage, 0700, err) &&
	       directory_open_nofollow(birth->dir, birth->stage, &dir, err) &&
	       write_files(dir, plan, err) &&
	       write_ledger(path, plan->ca, err) &&
	       file_sync_tree(birth->dir, birth->stage, path, err);
}

/* An empty directory gives way; anything else does not. */
static bool put_in_place(struct birth *birth, struct error *err)
{
	if (renameat(birth->dir, birth->stage, birth->dir, birth->name))
		return error_errno(
			err, "rename to \"%s/%s\"", birth->parent, birth->name);
	birth->made = true;
	return file_sync(birth->dir, birth->parent, err);
}

bool birth_make(const char *path, const struct birth_plan *plan,
	int64_t lock_timeout, bool *ret_raced, struct error *err)
{
	AUTO_RELEASE(birth) birth = {.dir = -1, .lock_timeout = lock_timeout};

	if (!open_parent(&birth, path, err) ||
		!remove_dead_stages(&birth, err) ||
		!birth_look(path, ret_raced, err))
		return false;
	if (*ret_raced)
		return true;
	birth.stage = file_random_name(STAGE_PREFIX);
	return fill_stage(&birth, plan, err) && put_in_place(&birth, err);
}
