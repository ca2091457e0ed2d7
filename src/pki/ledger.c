/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "pki/ledger_history.h"
#include "pki/ledger_private.h"

/* Only strangers are waited for: kpki's own processes queue at the lock. */
#define STRANGER_TIMEOUT 5000

bool ledger_is_cut_short(const char *dir)
{
	AUTO_TEXT journal = memory_format("%s/" LEDGER_FILE "-journal", dir);
	struct stat status;

	return stat(journal, &status) == 0 && status.st_size > 0;
}

static bool open_database(struct ledger *ledger, struct error *err)
{
	static const int flags[] = {
		[LEDGER_READ] = SQLITE_OPEN_READONLY,
		[LEDGER_WRITE] = SQLITE_OPEN_READWRITE,
		[LEDGER_BUILD] = SQLITE_OPEN_READWRITE,
	};
	AUTO_TEXT dir = NULL;
	AUTO_TEXT path = NULL;
	struct stat status;

	/* Not opened: closing it again would drop SQLite's locks. */
	if (fstatat(ledger->dir, ledger->file, &status, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "ledger \"%s\"", ledger->label);
	if (!S_ISREG(status.st_mode))
		return ledger_damaged(ledger, err, "not a regular file");
	/* An absolute path without links is no URI, and may be NOFOLLOW. */
	if (!directory_path(ledger->dir, &dir, err))
		return false;
	path = memory_format("%s/%s", dir, ledger->file);
	if (sqlite3_open_v2(path, &ledger->db,
		    flags[ledger->access] | SQLITE_OPEN_NOMUTEX |
			    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
		    NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(ledger->db, STRANGER_TIMEOUT) != SQLITE_OK)
		return ledger_sql_error(ledger, "cannot open", err);
	return true;
}

static bool open_lock(struct ledger *ledger, struct error *err)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	struct stat status;

	flags |= ledger->access != LEDGER_READ ? O_RDWR | O_CREAT : O_RDONLY;
	ledger->lock_fd = openat(ledger->dir, LEDGER_LOCK, flags, 0600);
	if (ledger->lock_fd < 0 && errno == ENOENT &&
		ledger->access == LEDGER_READ)
		return true;
	if (ledger->lock_fd < 0 || fstat(ledger->lock_fd, &status))
		return error_errno(err, "ledger \"%s\": lock file \"%s\"",
			ledger->label, LEDGER_LOCK);
	if (!S_ISREG(status.st_mode))
		return ledger_damaged(ledger, err,
			"lock file \"%s\": not a regular file", LEDGER_LOCK);
	return true;
}

static struct ledger *ledger_new(
	const char *label, const char *file, enum ledger_access access)
{
	struct ledger *ledger = memory_new(1, sizeof(*ledger));

	ledger->label = memory_text(label);
	ledger->file = memory_text(file);
	ledger->access = access;
	ledger->dir = ledger->lock_fd = -1;
	ledger->link = ledger->kept = ledger->names =
		(struct buffer)BUFFER_INIT;
	return ledger;
}

bool ledger_open(const char *dir, enum ledger_access access,
	struct ledger **ret_ledger, struct error *err)
{
	AUTO_TEXT label = memory_format("%s/" LEDGER_FILE, dir);
	AUTO_FREE(ledger) ledger = ledger_new(label, LEDGER_FILE, access);

	if (!directory_open(AT_FDCWD, dir, &ledger->dir, err) ||
		!open_database(ledger, err) || !open_lock(ledger, err))
		return false;
	*ret_ledger = take(&ledger);
	return true;
}

static bool open_file(
	const char *path, struct ledger **ret_ledger, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_TEXT dir = slash == path ? memory_text("/")
			: slash ? memory_text_n(path, (size_t)(slash - path))
				: memory_text(".");
	AUTO_FREE(ledger) ledger = ledger_new(path, name, LEDGER_READ);

	if (!directory_open(AT_FDCWD, dir, &ledger->dir, err) ||
		!open_database(ledger, err))
		return false;
	/* Beside it may be another ledger's lock. */
	if (!strcmp(name, LEDGER_FILE) && !open_lock(ledger, err))
		return false;
	*ret_ledger = take(&ledger);
	return true;
}

bool ledger_open_copy(
	const char *path, struct ledger **ret_ledger, struct error *err)
{
	struct stat status;

	if (stat(path, &status))
		return error_errno(err, "ledger \"%s\"", path);
	return S_ISDIR(status.st_mode)
		       ? ledger_open(path, LEDGER_READ, ret_ledger, err)
		       : open_file(path, ret_ledger, err);
}

void ledger_free(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	ledger_unlock(ledger);
	ledger_finalize(ledger);
	/* Fails only while statements are left. */
	(void)sqlite3_close(ledger->db);
	file_auto_close(&ledger->lock_fd);
	file_auto_close(&ledger->dir);
	ledger_pendings_release(&ledger->found);
	buffer_release(&ledger->link);
	buffer_release(&ledger->kept);
	buffer_release(&ledger->names);
	free(ledger->label);
	free(ledger->file);
	free(ledger);
}

static bool fill_directory(const char *path, struct error *err)
{
	AUTO_FREE(ledger) ledger = NULL;

	return ledger_open(path, LEDGER_BUILD, &ledger, err) &&
	       ledger_schema_create(ledger, err);
}

bool ledger_create(const char *dir, struct error *err)
{
	static const char *const names[] = {
		LEDGER_LOCK, LEDGER_FILE, LEDGER_FILE "-journal"};
	AUTO_CLOSE fd = -1;
	size_t n_made = 0;

	if (!directory_open(AT_FDCWD, dir, &fd, err))
		return false;
	for (; n_made < 2; n_made++)
		if (!file_create(fd, names[n_made], 0600, NULL, 0, err))
			break;
	if (n_made == 2 && fill_directory(dir, err))
		return true;
	for (size_t i = 0; i < (n_made == 2 ? 3 : n_made); i++) {
		AUTO_RELEASE(error) ignored = ERROR_INIT; /* one is enough */

		if (!file_remove_tree(fd, names[i], &ignored))
			continue;
	}
	return false;
}

/* The first time also what needs the file to be quiet: a journal that somebody
 * left is rolled back by the first look. */
static bool enter(struct ledger *ledger, enum file_lock lock, struct error *err)
{
	if (!ledger->prepared && !ledger_schema_prepare(ledger, err))
		return false;
	ledger->prepared = true;
	/* One read transaction for the whole visit spares one per look. */
	return (lock != FILE_LOCK_SHARED ||
		       ledger_run(ledger, SQL_BEGIN_READING, NO_CELLS, err)) &&
	       ledger_schema_check(ledger, err);
}

bool ledger_lock(struct ledger *ledger, enum file_lock lock, int64_t timeout,
	struct error *err)
{
	bool held = true;

	assert(!ledger->locked);
	assert(ledger->access != LEDGER_READ || lock == FILE_LOCK_SHARED);
	if (ledger->lock_fd >= 0 &&
		!file_lock(ledger->lock_fd, lock, timeout, &held, err))
		return error_context(err, "ledger \"%s\"", ledger->label);
	if (!held)
		return error_set(err, ERROR_FAILED,
			"ledger \"%s\": another process has held its lock for "
			"%lld seconds",
			ledger->label, (long long)timeout);
	ledger->locked = true;
	if (enter(ledger, lock, err))
		return true;
	ledger_unlock(ledger);
	return false;
}

static void end_transaction(struct ledger *ledger)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* rolled back all the same */

	if (sqlite3_get_autocommit(ledger->db) == 0 &&
		!ledger_run(ledger, SQL_ROLLBACK, NO_CELLS, &ignored))
		ledger->checked = false;
}

void ledger_unlock(struct ledger *ledger)
{
	if (!ledger->locked)
		return;
	ledger_rollback(ledger);
	end_transaction(ledger);
	if (ledger->lock_fd >= 0)
		file_unlock(ledger->lock_fd);
	ledger->locked = false;
}

static bool check_clock(const struct ledger *ledger, struct error *err)
{
	char now[INSTANT_TEXT];
	char last[INSTANT_TEXT];

	if (ledger->now.seconds >= ledger->tail.at.seconds)
		return true;
	return error_set(err, ERROR_REFUSED,
		"the clock says %s, the ledger's last entry is of %s: time "
		"does not run backwards",
		instant_format(ledger->now, now),
		instant_format(ledger->tail.at, last));
}

bool ledger_begin(struct ledger *ledger, struct instant now, bool clock_back,
	struct error *err)
{
	assert(ledger->locked && !ledger->writing);
	if (!ledger_run(ledger, SQL_BEGIN, NO_CELLS, err))
		return false;
	ledger->now = now;
	if (!ledger_schema_check(ledger, err) ||
		!ledger_rotation_check(ledger, err) ||
		(!clock_back && !check_clock(ledger, err))) {
		end_transaction(ledger);
		return false;
	}
	ledger->writing = true;
	ledger->tail_at_begin = ledger->tail;
	return true;
}

void ledger_rollback(struct ledger *ledger)
{
	if (!ledger->writing)
		return;
	end_transaction(ledger);
	ledger->writing = false;
	ledger->tail = ledger->tail_at_begin;
}

static bool write_tail(struct ledger *ledger, struct error *err)
{
	if (ledger->tail.count == ledger->tail_at_begin.count)
		return true;
	return ledger_change(ledger, SQL_META_WRITE,
		CELLS(cell_integer(ledger->tail.count),
			cell_blob(ledger->tail.head.bytes, SHA256_LEN)),
		err);
}

bool ledger_commit(struct ledger *ledger, struct error *err)
{
	assert(ledger->writing);
	if (write_tail(ledger, err) &&
		ledger_change(ledger, SQL_COMMIT, NO_CELLS, err)) {
		ledger->writing = false;
		return true;
	}
	ledger_rollback(ledger);
	ledger->checked = false;
	return false;
}

bool ledger_savepoint(struct ledger *ledger, struct error *err)
{
	ledger->tail_at_savepoint = ledger->tail;
	return ledger_change(ledger, SQL_SAVEPOINT, NO_CELLS, err);
}

bool ledger_savepoint_keep(struct ledger *ledger, struct error *err)
{
	return ledger_change(ledger, SQL_SAVEPOINT_KEEP, NO_CELLS, err);
}

bool ledger_savepoint_undo(struct ledger *ledger, struct error *err)
{
	if (!ledger_change(ledger, SQL_SAVEPOINT_UNDO, NO_CELLS, err))
		return false;
	ledger->tail = ledger->tail_at_savepoint;
	return ledger_savepoint_keep(ledger, err);
}
