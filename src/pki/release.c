/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/release.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

struct release {
	struct ledger *ledger;
	struct release_settings settings;
	char *label; /* the output directory as the operator calls it */
	char *path;  /* absolute */
	char *name;  /* of the stage in it */
	int out, stage;
	int *workers; /* a directory each, in the stage */
	int64_t id;   /* of the stage's row */
	/* Published, and their rows still pending: forgotten in the next
	 * transaction, since a row too many costs recovery one look. */
	int64_t *published;
	size_t n_published, allocated;
	size_t n_left; /* recorded, not published */
};

static bool transaction(struct release *release, struct error *err)
{
	return ledger_begin(release->ledger, instant_now(),
		release->settings.clock_back, err);
}

static const int patient[] = {SIGINT, SIGTERM};

static void make_patient(sigset_t *ret_before)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(patient); i++)
		sigaddset(&set, patient[i]);
	pthread_sigmask(SIG_BLOCK, &set, ret_before);
}

/* Swaps one flag, not the handler: that may have put another in its place. */
static void exchange_restart(int number, int *restart)
{
	struct sigaction action;
	int before;

	if (sigaction(number, NULL, &action))
		abort();
	before = action.sa_flags;
	action.sa_flags = (before & ~SA_RESTART) | *restart;
	if (sigaction(number, &action, NULL))
		abort();
	*restart = before & SA_RESTART;
}

static void exchange_restarts(int restarts[ARRAY_SIZE(patient)])
{
	sigset_t before;

	make_patient(&before);
	for (size_t i = 0; i < ARRAY_SIZE(patient); i++)
		exchange_restart(patient[i], &restarts[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A signal ends the wait, though its handler may restart other calls.  Who has
 * waited in vain does not wait again to tidy up. */
static bool lock_ledger(struct release *release, struct error *err)
{
	int restarts[ARRAY_SIZE(patient)] = {0};
	bool held;

	exchange_restarts(restarts);
	held = ledger_lock(release->ledger, FILE_LOCK_EXCLUSIVE,
		release->settings.lock_timeout, err);
	exchange_restarts(restarts);
	if (!held)
		release->settings.lock_timeout = 0;
	return held;
}

/* How a file system says that it has no such thing; EPERM is symlink's way. */
static bool is_lack(int number)
{
	return number == EINVAL || number == ENOSYS || number == EOPNOTSUPP;
}

static bool probe_rename(struct release *release, struct error *err)
{
	const struct file_part none = {"", 0, NULL};
	int stage = release->stage;

	if (!file_create(stage, "a", 0600, &none, 1, err) ||
		!file_create(stage, "b", 0600, &none, 1, err))
		return error_context(err, "stage in \"%s\"", release->label);
	if (!renameat2(stage, "a", stage, "b", RENAME_EXCHANGE) &&
		!renameat2(stage, "a", stage, "c", RENAME_NOREPLACE))
		return file_remove_tree(stage, "b", err);
	if (!is_lack(errno))
		return error_errno(
			err, "\"%s\": cannot rename in it", release->label);
	return error_set(err, ERROR_FAILED,
		"\"%s\": its file system cannot exchange files or "
		"rename them without replacing",
		release->label);
}

static bool probe_links(struct release *release, struct error *err)
{
	if (!release->settings.links || !symlinkat("c", release->stage, "d"))
		return true;
	if (errno != EPERM && !is_lack(errno))
		return error_errno(err, "\"%s\": cannot make a link in it",
			release->label);
	return error_set(err, ERROR_FAILED,
		"\"%s\": its file system has no symbolic links",
		release->label);
}

static bool probe(struct release *release, struct error *err)
{
	struct stat status;

	if (!probe_rename(release, err))
		return false;
	if (fstatat(release->stage, "c", &status, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "stat \"%s\"", release->label);
	if ((status.st_mode & 07777) != 0600)
		return error_set(err, ERROR_FAILED,
			"\"%s\": its file system does not keep the mode of a "
			"secret file",
			release->label);
	return probe_links(release, err) &&
	       file_remove_tree(release->stage, "c", err) &&
	       file_remove_tree(release->stage, "d", err);
}

static bool record_stage(struct release *release, struct error *err)
{
	struct ledger_stage row = {
		.path = release->path, .name = release->name};
	struct stat status;

	if (fstat(release->out, &status))
		return error_errno(err, "stat \"%s\"", release->label);
	row.device = status.st_dev;
	row.inode = status.st_ino;
	return transaction(release, err) &&
	       ledger_stage_add(release->ledger, &row, &release->id, err) &&
	       ledger_commit(release->ledger, err);
}

/* Under the ledger's lock, so that no recovery sees the stage before it has
 * its holder. */
static bool create_stage(struct release *release, struct error *err)
{
	bool held;

	if (!record_stage(release, err)) {
		ledger_rollback(release->ledger);
		release->id = 0;
		return false;
	}
	if (!directory_create(release->out, release->name, 0700, err) ||
		!directory_open_nofollow(
			release->out, release->name, &release->stage, err) ||
		!file_lock(release->stage, FILE_LOCK_EXCLUSIVE, 0, &held, err))
		return error_context(err, "stage in \"%s\"", release->label);
	if (!held)
		return error_set(err, ERROR_FAILED,
			"\"%s/%s\": somebody else holds it", release->path,
			release->name);
	return true;
}

static bool create_workers(struct release *release, struct error *err)
{
	unsigned n = release->settings.n_workers;
	char name[16];

	release->workers = memory_new(n, sizeof(int));
	for (unsigned i = 0; i < n; i++)
		release->workers[i] = -1;
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u", i);
		if (!directory_create(release->stage, name, 0700, err) ||
			!directory_open_nofollow(release->stage, name,
				&release->workers[i], err))
			return error_context(
				err, "stage in \"%s\"", release->label);
	}
	return true;
}

bool release_open(struct ledger *ledger, const char *out_path,
	const struct release_settings *settings, struct release **ret_release,
	struct error *err)
{
	AUTO_FREE(release) release = memory_new(1, sizeof(*release));
	bool created;

	release->ledger = ledger;
	release->settings = *settings;
	release->label = memory_text(out_path);
	release->out = release->stage = -1;
	release->name = file_random_name(
		settings->spool ? RELEASE_SPOOL_PREFIX : RELEASE_STAGE_PREFIX);
	if (!directory_ensure(out_path, &release->out, err) ||
		!directory_path(release->out, &release->path, err))
		return false;
	if (!lock_ledger(release, err))
		return false;
	created = create_stage(release, err);
	ledger_unlock(ledger);
	if (!created || !probe(release, err) || !create_workers(release, err))
		return false;
	*ret_release = take(&release);
	return true;
}

int release_directory(const struct release *release, unsigned worker)
{
	return release->workers[worker];
}

int release_output(const struct release *release)
{
	return release->out;
}

bool release_write(int directory, const char *name,
	const struct file_part *parts, size_t n_parts, struct sha256 *ret_hash,
	struct error *err)
{
	AUTO_CLOSE fd = UNINTERRUPTED(openat(directory, name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));

	if (fd < 0)
		return error_errno(err, "file \"%s\": cannot create", name);
	return file_write_parts(fd, parts, n_parts, name, err) &&
	       sha256_of_file(fd, name, ret_hash, err);
}

/* What is replaced need not be published any more. */
static bool forget_superseded(
	struct release *release, int64_t event, struct error *err)
{
	struct ledger_pending pending;
	bool found = false;

	if (event == 0)
		return true;
	if (!ledger_pending_find(release->ledger, event, &pending, &found, err))
		return false;
	return !found ||
	       ledger_pending_remove(release->ledger, pending.event, err);
}

/* An item counted on an address that another is to give up, whose turn comes
 * later. */
struct lean {
	size_t asker, holder;
	char *address;
};

/* Items that are recorded together. */
struct chunk {
	struct release_item *items;
	size_t n_items;
	size_t *by_name; /* their places */
	size_t turn;	 /* whose it is */
	struct lean *leans;
	size_t n_leans, allocated;
};

static int compare_places(const void *a, const void *b, void *data)
{
	const struct release_item *items = data;
	const size_t *left = a, *right = b;

	return strcmp(items[*left].name, items[*right].name);
}

static struct chunk chunk_of(struct release_item *items, size_t n_items)
{
	struct chunk chunk = {.items = items, .n_items = n_items};

	chunk.by_name = memory_new(n_items + 1, sizeof(*chunk.by_name));
	for (size_t i = 0; i < n_items; i++) {
		items[i].state = RELEASE_NOTHING;
		chunk.by_name[i] = i;
	}
	qsort_r(chunk.by_name, n_items, sizeof(*chunk.by_name), compare_places,
		items);
	return chunk;
}

static void forget_leans(struct chunk *chunk)
{
	for (size_t i = 0; i < chunk->n_leans; i++)
		free(chunk->leans[i].address);
	chunk->n_leans = 0;
}

static void chunk_release(struct chunk *chunk)
{
	forget_leans(chunk);
	free(chunk->leans);
	free(chunk->by_name);
}
DEFINE_AUTO_RELEASE(chunk)

/* The count when there is none. */
static size_t place_of(const struct chunk *chunk, const char *name)
{
	size_t low = 0, high = chunk->n_items;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		size_t place = chunk->by_name[middle];
		int order = strcmp(name, chunk->items[place].name);

		if (order == 0)
			return place;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return chunk->n_items;
}

static bool gives_way(void *data, const char *address, const char *holder)
{
	struct chunk *chunk = data;
	size_t place = place_of(chunk, holder);

	if (place == chunk->n_items ||
		chunk->items[place].state != RELEASE_NOTHING)
		return false;
	chunk->leans = memory_grow(chunk->leans, &chunk->allocated,
		chunk->n_leans + 1, sizeof(*chunk->leans));
	chunk->leans[chunk->n_leans++] =
		(struct lean){chunk->turn, place, memory_text(address)};
	return true;
}

/* Who is refused keeps its addresses, and so who counted on one of them has to
 * be refused, and so on: a holder's turn is later than the asker's, and from
 * the last one back each holder is known before its askers. */
static bool refuse_askers(struct chunk *chunk)
{
	bool refused = false;

	for (size_t i = chunk->n_leans; i-- > 0;) {
		const struct lean *lean = &chunk->leans[i];
		const struct release_item *holder = &chunk->items[lean->holder];
		struct release_item *asker = &chunk->items[lean->asker];

		if (holder->state != RELEASE_RACED ||
			asker->state != RELEASE_RECORDED)
			continue;
		asker->state = RELEASE_RACED;
		error_set(&asker->error, ERROR_REFUSED,
			"address \"%s\": node \"%s\" has it", lean->address,
			holder->name);
		refused = true;
	}
	return refused;
}

static bool record_issues(struct release *release, struct chunk *chunk,
	const struct release_item *item, struct ledger_pending *pending,
	struct error *err)
{
	for (size_t i = 0; i < item->n_issues; i++) {
		item->issues[i].gives_way = gives_way;
		item->issues[i].gives_way_data = chunk;
		if (!forget_superseded(
			    release, item->issues[i].supersedes, err) ||
			!ledger_issue(release->ledger, &item->issues[i],
				&pending->last_event, err))
			return false;
		if (pending->event == 0)
			pending->event = pending->last_event;
	}
	return true;
}

static bool record_token(struct release *release,
	const struct ledger_token *token, struct ledger_pending *pending,
	struct error *err)
{
	if (!token)
		return true;
	if (!forget_superseded(release, token->supersedes, err) ||
		!ledger_add_token(
			release->ledger, token, &pending->last_event, err))
		return false;
	pending->event = pending->last_event;
	return true;
}

static bool retire(struct release *release, int64_t event, struct error *err)
{
	return event == 0 ||
	       (forget_superseded(release, event, err) &&
		       ledger_retire(release->ledger, event, err));
}

static bool record_item(struct release *release, struct chunk *chunk,
	struct release_item *item, struct error *err)
{
	AUTO_TEXT staged = memory_format("%u/%s", item->worker, item->staged);
	struct ledger_pending pending = {.stage = release->id,
		.name = item->name,
		.staged = staged,
		.target = item->target,
		.witness = item->witness,
		.hash = item->hash,
		.replace = item->replace};

	if (!retire(release, item->retires, err) ||
		!record_token(release, item->token, &pending, err) ||
		!record_issues(release, chunk, item, &pending, err))
		return false;
	item->event = pending.event;
	item->last_event = pending.last_event;
	return ledger_pending_add(release->ledger, &pending, err);
}

/* A refusal costs this item alone; any other failure the whole chunk. */
static bool try_item(struct release *release, struct chunk *chunk,
	struct release_item *item, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	if (!release->settings.spool && !item->replace &&
		file_exists(release->out, item->target)) {
		item->state = RELEASE_RACED;
		error_set(&item->error, ERROR_REFUSED,
			"\"%s/%s\": is there already", release->label,
			item->target);
		return true;
	}
	if (!ledger_savepoint(release->ledger, err))
		return false;
	if (record_item(release, chunk, item, &why)) {
		item->state = RELEASE_RECORDED;
		return ledger_savepoint_keep(release->ledger, err);
	}
	if (why.kind != ERROR_REFUSED) {
		error_move(err, &why);
		return false;
	}
	item->state = RELEASE_RACED;
	error_move(&item->error, &why);
	return ledger_savepoint_undo(release->ledger, err);
}

static bool forget_published(struct release *release, struct error *err)
{
	for (size_t i = 0; i < release->n_published; i++)
		if (!ledger_pending_remove(
			    release->ledger, release->published[i], err))
			return false;
	return true;
}

static bool try_items(
	struct release *release, struct chunk *chunk, struct error *err)
{
	forget_leans(chunk);
	if (!transaction(release, err) || !forget_published(release, err))
		return false;
	for (size_t i = 0; i < chunk->n_items; i++)
		if (chunk->items[i].state == RELEASE_RECORDED)
			chunk->items[i].state = RELEASE_NOTHING;
	for (chunk->turn = 0; chunk->turn < chunk->n_items; chunk->turn++) {
		struct release_item *item = &chunk->items[chunk->turn];

		if (item->state == RELEASE_NOTHING &&
			!try_item(release, chunk, item, err))
			return false;
	}
	return true;
}

/* When somebody was refused on whom others counted, they are tried again, all
 * but those. */
static bool record_chunk(struct release *release, struct release_item *items,
	size_t n_items, struct error *err)
{
	AUTO_RELEASE(chunk) chunk = chunk_of(items, n_items);

	do {
		ledger_rollback(release->ledger);
		if (!try_items(release, &chunk, err))
			return false;
	} while (refuse_askers(&chunk));
	return ledger_commit(release->ledger, err);
}

static bool has_item(struct release *release, const struct release_item *item,
	bool *ret_has, struct error *err)
{
	struct ledger_row row;

	if (item->n_issues == 0)
		return ledger_token(release->ledger, item->token->id,
			instant_now(), &row, ret_has, err);
	return ledger_has(release->ledger, item->issues[0].ca,
		item->issues[0].serial, ret_has, err);
}

/* A COMMIT that failed may have happened all the same, if only until the power
 * fails.  The ledger is asked: what it does not have was not recorded. */
static bool may_be_recorded(struct release *release,
	const struct release_item *items, size_t n_items)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it may be */
	bool has = true;

	ledger_rollback(release->ledger);
	for (size_t i = 0; i < n_items; i++)
		if (items[i].state == RELEASE_RECORDED)
			return !has_item(release, &items[i], &has, &ignored) ||
			       has;
	return false;
}

/* Nothing is published that the ledger could still forget. */
static void leave_chunk(struct release *release, struct release_item *items,
	size_t n_items, const struct error *why)
{
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].state != RELEASE_RECORDED)
			continue;
		release->n_left++;
		error_set(&items[i].error, ERROR_FAILED,
			"whether it was recorded is not sure; the next "
			"command finds out: %s",
			why->message);
	}
}

static void remember_published(struct release *release, int64_t event)
{
	release->published =
		memory_grow(release->published, &release->allocated,
			release->n_published + 1, sizeof(*release->published));
	release->published[release->n_published++] = event;
}

static void publish_item(
	struct release *release, struct release_item *item, bool *ret_exists)
{
	int from = release->workers[item->worker];
	bool done;

	*ret_exists = false;
	if (item->replace && file_exists(release->out, item->target))
		done = file_exchange(from, item->staged, release->out,
			item->target, &item->error);
	else
		done = file_rename_new(from, item->staged, release->out,
			item->target, ret_exists, &item->error);
	if (done)
		item->state = RELEASE_PUBLISHED;
	else if (*ret_exists)
		item->state = RELEASE_NOTHING;
	else
		error_context(&item->error,
			"recorded, and the next command will publish it");
}

static bool withdraw(struct release *release, struct release_item *items,
	size_t n_items, struct error *err)
{
	if (!transaction(release, err))
		return false;
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].state != RELEASE_NOTHING)
			continue;
		if (!ledger_append(release->ledger, LEDGER_WITHDRAWN,
			    items[i].event, items[i].last_event, err) ||
			!ledger_pending_remove(
				release->ledger, items[i].event, err))
			return false;
	}
	return ledger_commit(release->ledger, err);
}

/* A target that appeared after its row was committed. */
static void withdraw_existing(
	struct release *release, struct release_item *items, size_t n_items)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool done = withdraw(release, items, n_items, &why);

	if (!done)
		ledger_rollback(release->ledger);
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].state != RELEASE_NOTHING)
			continue;
		if (done) {
			error_set(&items[i].error, ERROR_REFUSED,
				"\"%s/%s\": somebody else put it there",
				release->label, items[i].target);
			continue;
		}
		items[i].state = RELEASE_RECORDED;
		error_set(&items[i].error, ERROR_FAILED, "%s", why.message);
	}
}

static void publish_chunk(
	struct release *release, struct release_item *items, size_t n_items)
{
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool exists, any_exists = false, durable;

	for (size_t i = 0; i < n_items; i++) {
		if (items[i].state != RELEASE_RECORDED)
			continue;
		publish_item(release, &items[i], &exists);
		any_exists = any_exists || exists;
	}
	durable = file_sync(release->out, release->label, &why);
	if (any_exists)
		withdraw_existing(release, items, n_items);
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].state == RELEASE_PUBLISHED && durable)
			remember_published(release, items[i].event);
		if (items[i].state == RELEASE_PUBLISHED && !durable) {
			items[i].state = RELEASE_RECORDED;
			error_set(&items[i].error, ERROR_FAILED, "%s",
				why.message);
		}
		if (items[i].state == RELEASE_RECORDED)
			release->n_left++;
	}
}

static bool record_and_publish(struct release *release,
	struct release_item *items, size_t n_items, struct error *err)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	if (!record_chunk(release, items, n_items, &why)) {
		if (may_be_recorded(release, items, n_items)) {
			leave_chunk(release, items, n_items, &why);
			return true;
		}
		error_move(err, &why);
		return false;
	}
	release->n_published = 0;
	if (!release->settings.spool)
		publish_chunk(release, items, n_items);
	else
		for (size_t i = 0; i < n_items; i++)
			release->n_left += items[i].state == RELEASE_RECORDED;
	return true;
}

static bool locked_commit(struct release *release, struct release_item *items,
	size_t n_items, struct error *err)
{
	sigset_t before;
	bool done;

	if (!lock_ledger(release, err))
		return false;
	make_patient(&before);
	done = record_and_publish(release, items, n_items, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ledger_unlock(release->ledger);
	return done;
}

/* What is still in the stage and will never be published: an item that lost, a
 * chunk that failed, or the tree an exchange brought here. */
static void drop_staged(struct release *release,
	const struct release_item *items, size_t n_items, bool chunk_done)
{
	AUTO_RELEASE(error)
	ignored = ERROR_INIT; /* release_close tries again */

	for (size_t i = 0; i < n_items; i++) {
		bool moved = items[i].state == RELEASE_PUBLISHED &&
			     !items[i].replace;
		bool kept = items[i].state == RELEASE_RECORDED;

		if (chunk_done && (moved || kept))
			continue;
		if (!file_remove_tree(release->workers[items[i].worker],
			    items[i].staged, &ignored))
			error_release(&ignored);
	}
}

bool release_commit(struct release *release, struct release_item *items,
	size_t n_items, struct error *err)
{
	bool done = file_sync_tree(
			    release->out, release->name, release->label, err) &&
		    locked_commit(release, items, n_items, err);

	if (!done)
		for (size_t i = 0; i < n_items; i++)
			items[i].state = RELEASE_NOTHING;
	drop_staged(release, items, n_items, done);
	return done;
}

static bool forget_delivered(struct release *release, const int64_t *events,
	size_t n_events, struct error *err)
{
	if (!transaction(release, err))
		return false;
	for (size_t i = 0; i < n_events; i++)
		if (!ledger_pending_remove(release->ledger, events[i], err))
			return false;
	return ledger_commit(release->ledger, err);
}

bool release_delivered(struct release *release, const int64_t *events,
	size_t n_events, struct error *err)
{
	bool done;

	if (!ledger_lock(release->ledger, FILE_LOCK_EXCLUSIVE,
		    release->settings.lock_timeout, err))
		return false;
	done = forget_delivered(release, events, n_events, err);
	if (done)
		release->n_left = 0;
	else
		ledger_rollback(release->ledger);
	ledger_unlock(release->ledger);
	return done;
}

static bool forget_stage(struct release *release, struct error *err)
{
	return transaction(release, err) && forget_published(release, err) &&
	       (release->n_left > 0 ||
		       ledger_stage_remove(release->ledger, release->id,
			       release->name, err)) &&
	       ledger_commit(release->ledger, err);
}

bool release_close(struct release *release, struct error *err)
{
	bool done;

	if (release->id == 0)
		return true;
	if (release->n_left == 0 &&
		(!file_remove_tree(release->out, release->name, err) ||
			!file_sync(release->out, release->label, err)))
		return false;
	if (!ledger_lock(release->ledger, FILE_LOCK_EXCLUSIVE,
		    release->settings.lock_timeout, err))
		return false;
	done = forget_stage(release, err);
	if (done)
		release->id = 0;
	else
		ledger_rollback(release->ledger);
	ledger_unlock(release->ledger);
	return done;
}

void release_free(struct release *release)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* recovery will do it */

	if (!release)
		return;
	if (!release_close(release, &ignored))
		error_release(&ignored);
	for (unsigned i = 0;
		release->workers && i < release->settings.n_workers; i++)
		if (release->workers[i] >= 0)
			close(release->workers[i]);
	if (release->stage >= 0)
		close(release->stage);
	if (release->out >= 0)
		close(release->out);
	free(release->workers);
	free(release->published);
	free(release->label);
	free(release->path);
	free(release->name);
	free(release);
}
