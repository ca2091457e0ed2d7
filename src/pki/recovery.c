/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define WITNESS_MAX ((off_t)16 << 20)

struct recovery {
	struct ledger *ledger;
	const struct release_settings *settings;
};

static void warn(const struct recovery *recovery, const char *format, ...)
	PRINTF(2, 3);

static void warn(const struct recovery *recovery, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	recovery->settings->warn(sentence);
}

static bool stage_is_spool(const struct ledger_stage *stage)
{
	return !strncmp(stage->name, RELEASE_SPOOL_PREFIX,
		strlen(RELEASE_SPOOL_PREFIX));
}

/* -- going down, by descriptors only -- */

static bool is_plain_name(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") &&
	       !strchr(name, '/');
}

/* Opens the directory that has the last part of path; *ret_last is that part.
 * False: there is no such directory, or a link is in the way. */
static bool open_parent(
	int dir, const char *path, int *ret_dir, const char **ret_last)
{
	AUTO_TEXT parts = memory_text(path);
	char *part = parts, *slash;
	int at = dup(dir);

	while (at >= 0 && (slash = strchr(part, '/'))) {
		int next = -1;

		*slash = '\0';
		if (is_plain_name(part))
			next = openat(at, part,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);
		close(at);
		at = next;
		part = slash + 1;
	}
	if (at < 0)
		return false;
	*ret_dir = at;
	*ret_last = path + (part - parts);
	return true;
}

/* Has dir/path a regular file with this hash?  Whatever is in the way of
 * telling means no. */
static bool has_witness(int dir, const char *path, const char *witness,
	const struct sha256 *hash)
{
	AUTO_TEXT whole = *witness ? memory_format("%s/%s", path, witness)
				   : memory_text(path);
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	AUTO_CLOSE parent = -1;
	AUTO_CLOSE fd = -1;
	struct sha256 found;
	struct stat status;
	const char *last;

	if (!open_parent(dir, whole, &parent, &last) || !is_plain_name(last))
		return false;
	fd = openat(
		parent, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
	       status.st_size <= WITNESS_MAX &&
	       sha256_of_file(fd, last, &found, &ignored) &&
	       !memcmp(&found, hash, sizeof(found));
}

/* The directory that a stage's row names, if it is that one still. */
static bool open_output(const struct ledger_stage *stage, int *ret_fd)
{
	AUTO_CLOSE fd = open(stage->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || status.st_dev != stage->device ||
		status.st_ino != stage->inode)
		return false;
	*ret_fd = fd;
	fd = -1;
	return true;
}

enum stage_state {
	STAGE_GONE,
	STAGE_ALIVE,   /* its process lives */
	STAGE_FOREIGN, /* not made by us: hands off */
	STAGE_DEAD,    /* ours to finish; locked */
};

static enum stage_state open_stage(
	int out, const struct ledger_stage *stage, int *ret_fd)
{
	AUTO_CLOSE fd = -1;
	struct stat status;

	if (!is_plain_name(stage->name) ||
		strncmp(stage->name, RELEASE_STAGE_PREFIX,
			strlen(RELEASE_STAGE_PREFIX)))
		return STAGE_FOREIGN;
	fd = openat(out, stage->name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? STAGE_GONE : STAGE_FOREIGN;
	if (fstat(fd, &status) || status.st_uid != geteuid() ||
		(status.st_mode & 07777) != 0700)
		return STAGE_FOREIGN;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return STAGE_ALIVE;
	*ret_fd = fd;
	fd = -1;
	return STAGE_DEAD;
}

/* -- what becomes of each recorded bundle -- */

enum fate {
	FATE_PUBLISHED, /* now or before */
	FATE_WITHDRAWN, /* somebody else's target is in its place */
	FATE_LOST,
	FATE_KEPT, /* spooled, or it could not be renamed yet */
};

static enum fate publish(const struct recovery *recovery, int out, int stage,
	const struct ledger_pending *pending)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	AUTO_CLOSE from = -1;
	const char *last;
	bool exists = false, done;

	if (!open_parent(stage, pending->staged, &from, &last))
		return FATE_KEPT;
	if (pending->replace && file_exists(out, pending->target))
		done = file_exchange(from, last, out, pending->target, &why);
	else
		done = file_rename_new(
			from, last, out, pending->target, &exists, &why);
	if (done)
		return FATE_PUBLISHED;
	if (exists) {
		warn(recovery,
			"\"%s\": withdrawn, since somebody else put "
			"\"%s\" there",
			pending->name, pending->target);
		return FATE_WITHDRAWN;
	}
	warn(recovery, "\"%s\": recorded, and not published yet: %s",
		pending->name, why.message);
	return FATE_KEPT;
}

static enum fate settle(const struct recovery *recovery,
	const struct ledger_stage *row, int out, int stage,
	const struct ledger_pending *pending)
{
	bool staged = stage >= 0 && has_witness(stage, pending->staged,
					    pending->witness, &pending->hash);

	if (!is_plain_name(pending->target))
		return FATE_KEPT;
	if (stage_is_spool(row) && staged)
		return FATE_KEPT;
	if (!stage_is_spool(row) && has_witness(out, pending->target,
					    pending->witness, &pending->hash))
		return FATE_PUBLISHED;
	if (staged)
		return publish(recovery, out, stage, pending);
	warn(recovery,
		"\"%s\": its bundle is lost, neither in \"%s\" nor in "
		"its stage; issue it anew with --reissue",
		pending->name, row->path);
	return FATE_LOST;
}

static bool record_fate(const struct recovery *recovery,
	const struct ledger_pending *pending, enum fate fate, struct error *err)
{
	switch (fate) {
	case FATE_KEPT:
		return true;
	case FATE_PUBLISHED:
		break;
	case FATE_WITHDRAWN:
		if (!ledger_append(recovery->ledger, LEDGER_WITHDRAWN,
			    pending->event, pending->last_event, err))
			return false;
		break;
	case FATE_LOST:
		if (!ledger_append(recovery->ledger, LEDGER_LOST,
			    pending->event, pending->last_event, err))
			return false;
		break;
	}
	return ledger_pending_remove(recovery->ledger, pending->event, err);
}

static bool record_fates(const struct recovery *recovery,
	const struct ledger_pendings *pendings, const enum fate *fates,
	struct error *err)
{
	if (!ledger_begin(recovery->ledger, instant_now(),
		    recovery->settings->clock_back, err))
		return false;
	for (size_t i = 0; i < pendings->n_items; i++)
		if (!record_fate(recovery, &pendings->items[i], fates[i], err))
			return false;
	return ledger_commit(recovery->ledger, err);
}

/* -- the stage afterwards -- */

/* Paths in the stage that must stay, sorted. */
struct kept {
	const char **paths;
	size_t n_paths;
};

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct kept kept_paths(
	const struct ledger_pendings *pendings, const enum fate *fates)
{
	struct kept kept = {
		memory_new(pendings->n_items + 1, sizeof(*kept.paths)), 0};

	for (size_t i = 0; i < pendings->n_items; i++)
		if (fates[i] == FATE_KEPT)
			kept.paths[kept.n_paths++] = pendings->items[i].staged;
	qsort(kept.paths, kept.n_paths, sizeof(*kept.paths), compare_paths);
	return kept;
}

/* Deletes what was never recorded from one worker's directory. */
static bool sweep_worker(int stage, const char *worker, const struct kept *kept,
	struct error *err)
{
	DIR *directory;
	int fd = -1;
	bool done = true;

	if (!directory_open_nofollow(stage, worker, &fd, err))
		return false;
	directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return error_errno(err, "read stage");
	}
	for (struct dirent *entry; done && (entry = readdir(directory));) {
		AUTO_TEXT path = memory_format("%s/%s", worker, entry->d_name);

		if (is_plain_name(entry->d_name) &&
			!bsearch(&path, kept->paths, kept->n_paths,
				sizeof(*kept->paths), compare_paths))
			done = file_remove_tree(fd, entry->d_name, err);
	}
	closedir(directory);
	return done;
}

static bool sweep(int stage, const struct kept *kept, struct error *err)
{
	int fd = openat(stage, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	bool done = true;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return error_errno(err, "read stage");
	}
	for (struct dirent *entry; done && (entry = readdir(directory));)
		if (is_plain_name(entry->d_name) && entry->d_type == DT_DIR)
			done = sweep_worker(stage, entry->d_name, kept, err);
	closedir(directory);
	return done;
}

static bool forget_stage(const struct recovery *recovery,
	const struct ledger_stage *row, struct error *err)
{
	return ledger_begin(recovery->ledger, instant_now(),
		       recovery->settings->clock_back, err) &&
	       ledger_stage_remove(
		       recovery->ledger, row->id, row->name, err) &&
	       ledger_commit(recovery->ledger, err);
}

/* What cannot be tidied away now is told, and tried again by the next
 * command. */
static bool tidy(const struct recovery *recovery,
	const struct ledger_stage *row, int out, int stage,
	const struct kept *kept, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool done = true;

	if (stage >= 0 && kept->n_paths == 0)
		done = file_remove_tree(out, row->name, &why) &&
		       file_sync(out, row->path, &why);
	else if (stage >= 0)
		done = sweep(stage, kept, &why);
	if (!done)
		warn(recovery, "\"%s/%s\": cannot be removed yet: %s",
			row->path, row->name, why.message);
	return !done || kept->n_paths > 0 || forget_stage(recovery, row, err);
}

static bool settle_all(const struct recovery *recovery,
	const struct ledger_stage *row, int out, int stage,
	const struct ledger_pendings *pendings, enum fate *fates,
	struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	for (size_t i = 0; i < pendings->n_items; i++)
		fates[i] =
			settle(recovery, row, out, stage, &pendings->items[i]);
	if (pendings->n_items == 0)
		return true;
	if (file_sync(out, row->path, &why))
		return record_fates(recovery, pendings, fates, err);
	warn(recovery, "\"%s\": %s", row->path, why.message);
	for (size_t i = 0; i < pendings->n_items; i++)
		fates[i] = FATE_KEPT;
	return true;
}

static bool finish_stage(const struct recovery *recovery,
	const struct ledger_stage *row, int out, int stage, struct error *err)
{
	AUTO_RELEASE(ledger_pendings) pendings = {NULL, 0};
	enum fate *fates;
	struct kept kept;
	bool done;

	if (!ledger_pendings(recovery->ledger, row->id, &pendings, err))
		return false;
	fates = memory_new(pendings.n_items + 1, sizeof(*fates));
	done = settle_all(recovery, row, out, stage, &pendings, fates, err);
	kept = kept_paths(&pendings, fates);
	if (done)
		done = tidy(recovery, row, out, stage, &kept, err);
	free(kept.paths);
	free(fates);
	return done;
}

/* Rows whose directory cannot be reached stay if a bundle waits there. */
static bool leave_stage(const struct recovery *recovery,
	const struct ledger_stage *row, const char *why, struct error *err)
{
	AUTO_RELEASE(ledger_pendings) pendings = {NULL, 0};

	if (!ledger_pendings(recovery->ledger, row->id, &pendings, err))
		return false;
	if (pendings.n_items == 0)
		return forget_stage(recovery, row, err);
	warn(recovery,
		"\"%s\": %s; %zu bundles recorded there wait (the first: "
		"\"%s\")",
		row->path, why, pendings.n_items, pendings.items[0].name);
	return true;
}

static bool recover_stage(const struct recovery *recovery,
	const struct ledger_stage *row, struct error *err)
{
	AUTO_CLOSE out = -1;
	AUTO_CLOSE stage = -1;

	if (!open_output(row, &out))
		return leave_stage(recovery, row,
			"the output directory is out of reach", err);
	switch (open_stage(out, row, &stage)) {
	case STAGE_ALIVE:
		return true;
	case STAGE_FOREIGN:
		return leave_stage(recovery, row,
			"the stage in it is not as it was made", err);
	case STAGE_GONE:
	case STAGE_DEAD:
		break;
	}
	return finish_stage(recovery, row, out, stage, err);
}

static bool recover_all(const struct recovery *recovery, struct error *err)
{
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};

	if (!ledger_stages(recovery->ledger, &stages, err))
		return false;
	for (size_t i = 0; i < stages.n_items; i++)
		if (!recover_stage(recovery, &stages.items[i], err))
			return error_context(err, "recovery in \"%s\"",
				stages.items[i].path);
	return true;
}

bool recovery_run(struct ledger *ledger,
	const struct release_settings *settings, struct error *err)
{
	struct recovery recovery = {ledger, settings};
	bool done;

	if (!ledger_lock(
		    ledger, FILE_LOCK_EXCLUSIVE, settings->lock_timeout, err))
		return false;
	done = recover_all(&recovery, err);
	if (!done)
		ledger_rollback(ledger);
	ledger_unlock(ledger);
	return done;
}

static bool find_stage(struct ledger *ledger, int64_t id,
	struct ledger_stages *stages, const struct ledger_stage **ret_row,
	struct error *err)
{
	if (!ledger_stages(ledger, stages, err))
		return false;
	*ret_row = NULL;
	for (size_t i = 0; i < stages->n_items; i++)
		if (stages->items[i].id == id)
			*ret_row = &stages->items[i];
	return true;
}

bool recovery_spooled(struct ledger *ledger, int64_t event, int *ret_fd,
	bool *ret_alive, struct error *err)
{
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};
	AUTO_TEXT staged = NULL;
	AUTO_CLOSE out = -1;
	AUTO_CLOSE stage = -1;
	AUTO_CLOSE parent = -1;
	struct ledger_pending pending;
	const struct ledger_stage *row;
	const char *last;
	bool found = false;

	*ret_fd = -1;
	*ret_alive = false;
	if (!ledger_pending_find(ledger, event, &pending, &found, err))
		return false;
	if (!found)
		return true;
	staged = memory_text(pending.staged);
	if (!find_stage(ledger, pending.stage, &stages, &row, err))
		return false;
	if (!row || !stage_is_spool(row) || !open_output(row, &out))
		return true;
	switch (open_stage(out, row, &stage)) {
	case STAGE_ALIVE:
		*ret_alive = true;
		return true;
	case STAGE_GONE:
	case STAGE_FOREIGN:
		return true;
	case STAGE_DEAD:
		break;
	}
	if (open_parent(stage, staged, &parent, &last))
		*ret_fd =
			openat(parent, last, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return true;
}
