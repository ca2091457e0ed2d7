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
#include "pki/pem.h"
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

static bool is_requested(int dir)
{
	return !file_exists(dir, CA_CERTIFICATE) &&
	       file_exists(dir, CA_REQUEST) && file_exists(dir, CLUSTER_FILE);
}

bool birth_look(
	const char *path, enum birth_state *ret_state, struct error *err)
{
	AUTO_CLOSE dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool empty = true;

	*ret_state = BIRTH_NOTHING;
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
	*ret_state = is_requested(dir) ? BIRTH_REQUESTED : BIRTH_DONE;
	return *ret_state == BIRTH_REQUESTED || require_parts(dir, path, err);
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
	AUTO_FREE(secret) pem = NULL;
	struct file_part part = {0};

	if (plan->passphrase ? !key_write_sealed(
				       plan->key, plan->passphrase, &pem, err)
			     : !key_write(plan->key, &pem, err))
		return false;
	part.secret = pem;
	return file_create(dir, CA_KEY, 0600, &part, 1, err);
}

static bool write_public(
	int dir, const char *name, const struct buffer *text, struct error *err)
{
	const struct file_part part = {text->data, text->len, NULL};

	return file_create(dir, name, 0644, &part, 1, err);
}

static bool write_pem(int dir, const char *name, const char *label,
	struct der der, struct error *err)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;

	pem_write(&pem, label, der);
	return write_public(dir, name, &pem, err);
}

static bool write_files(
	int dir, const struct birth_plan *plan, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	cluster_write(plan->cluster, &text);
	return write_public(dir, CLUSTER_FILE, &text, err) &&
	       (plan->ca ? write_pem(dir, CA_CERTIFICATE, "CERTIFICATE",
				   plan->ca->whole, err)
			 : write_pem(dir, CA_REQUEST, "CERTIFICATE REQUEST",
				   plan->request, err)) &&
	       write_key(dir, plan, err);
}

static bool write_ledger(
	const char *path, const struct certificate *ca, struct error *err)
{
	AUTO_FREE(ledger) ledger = NULL;
	int64_t number;

	return ledger_create(path, err) &&
	       ledger_open(path, LEDGER_BUILD, &ledger, err) &&
	       ledger_lock(ledger, FILE_LOCK_EXCLUSIVE, 0, err) &&
	       ledger_begin(ledger, instant_now(), false, err) &&
	       ledger_add_authority(ledger, "ca", ca, &number, err) &&
	       ledger_commit(ledger, err);
}

static bool open_stage(struct birth *birth, int *ret_dir, struct error *err)
{
	birth->stage = file_random_name(STAGE_PREFIX);
	return directory_create(birth->dir, birth->stage, 0700, err) &&
	       directory_open_nofollow(birth->dir, birth->stage, ret_dir, err);
}

static char *path_in(const struct birth *birth, const char *name)
{
	return memory_format("%s/%s", birth->parent, name);
}

static bool fill_stage(
	struct birth *birth, const struct birth_plan *plan, struct error *err)
{
	AUTO_TEXT path = NULL;
	AUTO_CLOSE dir = -1;

	if (!open_stage(birth, &dir, err))
		return false;
	path = path_in(birth, birth->stage);
	return write_files(dir, plan, err) &&
	       (!plan->ca || write_ledger(path, plan->ca, err)) &&
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

/* Locks the parent, and looks again. */
static bool begin(struct birth *birth, const char *path,
	enum birth_state wanted, bool *ret_raced, struct error *err)
{
	enum birth_state state;

	if (!open_parent(birth, path, err) || !remove_dead_stages(birth, err) ||
		!birth_look(path, &state, err))
		return false;
	*ret_raced = state != wanted;
	return true;
}

bool birth_make(const char *path, const struct birth_plan *plan,
	int64_t lock_timeout, bool *ret_raced, struct error *err)
{
	AUTO_RELEASE(birth) birth = {.dir = -1, .lock_timeout = lock_timeout};

	if (!begin(&birth, path, BIRTH_NOTHING, ret_raced, err))
		return false;
	return *ret_raced ||
	       (fill_stage(&birth, plan, err) && put_in_place(&birth, err));
}

/* -- completing -- */

struct move {
	int to;
	const char *path;
};

/* What an earlier try has put there gives way. */
static bool move_one(
	void *data, int dir, const char *name, mode_t type, struct error *err)
{
	const struct move *move = data;

	(void)type;
	return !strcmp(name, CA_CERTIFICATE) ||
	       !renameat(dir, name, move->to, name) ||
	       error_errno(err, "rename to \"%s/%s\"", move->path, name);
}

/* Durable before the certificate is there, and once more behind it. */
static bool move_all(int stage, int to, const char *path, struct error *err)
{
	struct move move = {to, path};

	if (!directory_each(stage, path, move_one, &move, err) ||
		!file_sync(to, path, err))
		return false;
	if (renameat(stage, CA_CERTIFICATE, to, CA_CERTIFICATE))
		return error_errno(
			err, "rename to \"%s/" CA_CERTIFICATE "\"", path);
	return file_sync(to, path, err);
}

/* The request is the last to go: while it is there, this is not done with. */
static bool tidy(
	struct birth *birth, int to, const char *path, struct error *err)
{
	return remove_dead_stages(birth, err) &&
	       file_remove_tree(to, CA_REQUEST, err) &&
	       file_sync(to, path, err);
}

bool birth_tidy(const char *path, int64_t lock_timeout, struct error *err)
{
	AUTO_RELEASE(birth) birth = {.dir = -1, .lock_timeout = lock_timeout};
	AUTO_CLOSE to = -1;

	if (!directory_open(AT_FDCWD, path, &to, err))
		return false;
	if (!file_exists(to, CA_REQUEST) || !file_exists(to, CA_CERTIFICATE))
		return true;
	return open_parent(&birth, path, err) && tidy(&birth, to, path, err);
}

static bool fill_rest(struct birth *birth, const struct certificate *ca,
	const struct issuers *issuers, int *ret_dir, struct error *err)
{
	AUTO_RELEASE(buffer) chain = BUFFER_INIT;
	AUTO_TEXT path = NULL;

	if (!open_stage(birth, ret_dir, err))
		return false;
	path = path_in(birth, birth->stage);
	issuers_write(issuers, &chain);
	return write_pem(*ret_dir, CA_CERTIFICATE, "CERTIFICATE", ca->whole,
		       err) &&
	       write_public(*ret_dir, CA_CHAIN, &chain, err) &&
	       write_ledger(path, ca, err) &&
	       file_sync_tree(birth->dir, birth->stage, path, err);
}

bool birth_complete(const char *path, const struct certificate *ca,
	const struct issuers *issuers, int64_t lock_timeout, bool *ret_raced,
	struct error *err)
{
	AUTO_RELEASE(birth) birth = {.dir = -1, .lock_timeout = lock_timeout};
	AUTO_CLOSE stage = -1;
	AUTO_CLOSE to = -1;

	if (!begin(&birth, path, BIRTH_REQUESTED, ret_raced, err))
		return false;
	return *ret_raced || (fill_rest(&birth, ca, issuers, &stage, err) &&
				     directory_open(AT_FDCWD, path, &to, err) &&
				     move_all(stage, to, path, err) &&
				     tidy(&birth, to, path, err));
}
