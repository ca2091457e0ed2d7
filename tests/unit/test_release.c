/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "ledger_fixture.h"
#include "pki/recovery.h"
#include "pki/release.h"

/* -- the world made to fail: the linker sends these calls here -- */

static bool rename_fails, sync_fails, read_fails;

bool __real_file_rename_new(int from_dir, const char *from, int to_dir,
	const char *to, bool *ret_exists, struct error *err);
bool __wrap_file_rename_new(int from_dir, const char *from, int to_dir,
	const char *to, bool *ret_exists, struct error *err);
bool __wrap_file_rename_new(int from_dir, const char *from, int to_dir,
	const char *to, bool *ret_exists, struct error *err)
{
	*ret_exists = false;
	if (rename_fails && from_dir != to_dir)
		return error_set(err, ERROR_FAILED, "the disk is odd today");
	return __real_file_rename_new(
		from_dir, from, to_dir, to, ret_exists, err);
}

bool __real_file_sync_tree(
	int dir, const char *name, const char *label, struct error *err);
bool __wrap_file_sync_tree(
	int dir, const char *name, const char *label, struct error *err);
bool __wrap_file_sync_tree(
	int dir, const char *name, const char *label, struct error *err)
{
	if (sync_fails)
		return error_set(err, ERROR_FAILED, "the disk is odd today");
	return __real_file_sync_tree(dir, name, label, err);
}

bool __real_sha256_of_file(
	int fd, const char *label, struct sha256 *ret_hash, struct error *err);
bool __wrap_sha256_of_file(
	int fd, const char *label, struct sha256 *ret_hash, struct error *err);
bool __wrap_sha256_of_file(
	int fd, const char *label, struct sha256 *ret_hash, struct error *err)
{
	if (read_fails)
		return error_set(err, ERROR_FAILED, "the disk is odd today");
	return __real_sha256_of_file(fd, label, ret_hash, err);
}

/* The next commit happens, or not, and says that it failed. */
static enum { COMMIT_WELL, COMMIT_NOT, COMMIT_SILENTLY } commit_how;

bool __real_ledger_commit(struct ledger *ledger, struct error *err);
bool __wrap_ledger_commit(struct ledger *ledger, struct error *err);
bool __wrap_ledger_commit(struct ledger *ledger, struct error *err)
{
	bool well = commit_how == COMMIT_WELL;

	if (commit_how != COMMIT_NOT && !__real_ledger_commit(ledger, err))
		return false;
	commit_how = COMMIT_WELL;
	return well || error_set(err, ERROR_FAILED, "the disk is odd today");
}

static unsigned n_begun;

bool __real_ledger_begin(struct ledger *ledger, struct instant now,
	bool clock_back, struct error *err);
bool __wrap_ledger_begin(struct ledger *ledger, struct instant now,
	bool clock_back, struct error *err);
bool __wrap_ledger_begin(struct ledger *ledger, struct instant now,
	bool clock_back, struct error *err)
{
	n_begun++;
	return __real_ledger_begin(ledger, now, clock_back, err);
}

/* -- what the tests share -- */

static char warned[256];

static void keep_warning(const char *sentence)
{
	snprintf(warned, sizeof(warned), "%s", sentence);
}

/* The fixture's ledger lives in a later year than we do. */
static const struct release_settings settings = {
	.lock_timeout = 10,
	.clock_back = true,
	.n_workers = 2,
	.warn = keep_warning,
};

static struct release *open_release(struct fixture *fixture)
{
	AUTO_TEXT out = path_in(fixture, "out");
	struct release *release = NULL;

	SUCCEEDS(release_open(fixture->ledger, out, &settings, &release, &err));
	return release;
}

/* A bundle that is one file with its node's name in it. */
struct bundle_wish {
	const char *name;
	bool replace;
	int64_t supersedes;
};

static bool commit_one(struct fixture *fixture, struct release *release,
	struct bundle_wish wish, struct release_item *ret_item,
	struct error *why)
{
	bool done;
	unsigned char serial[16] = {2};
	static const unsigned char body[] = "a certificate";
	AUTO_TEXT content =
		memory_format("%s, %u", wish.name, ++fixture->n_serials);
	const struct file_part part = {content, strlen(content), NULL};
	struct ledger_issue issue = {.ca = fixture->ca,
		.profile = "kubelet-client",
		.name = wish.name,
		.serial = {serial, sizeof(serial)},
		.not_before = DAY(0),
		.not_after = DAY(100),
		.body = {body, sizeof(body)},
		.supersedes = wish.supersedes};
	struct release_item item = {.name = wish.name,
		.worker = 1,
		.staged = wish.name,
		.target = wish.name,
		.witness = "",
		.replace = wish.replace,
		.issues = &issue,
		.n_issues = 1};

	memcpy(serial + 8, &fixture->n_serials, sizeof(fixture->n_serials));
	SUCCEEDS(file_create(release_directory(release, 1), wish.name, 0600,
		&part, 1, &err));
	SUCCEEDS(sha256_of(content, strlen(content), &item.hash, &err));
	done = release_commit(release, &item, 1, why);
	*ret_item = item;
	return done;
}

static enum release_state publish(struct fixture *fixture,
	struct release *release, struct bundle_wish wish, int64_t *ret_event)
{
	struct release_item item;

	SUCCEEDS(commit_one(fixture, release, wish, &item, &err));
	error_release(&item.error);
	*ret_event = item.event;
	return item.state;
}

static bool is_there(struct fixture *fixture, const char *name)
{
	AUTO_TEXT path = memory_format("%s/out/%s", fixture->dir, name);

	return file_exists(AT_FDCWD, path);
}

/* Names that begin with .kpki- in the output directory. */
static size_t count_stages(struct fixture *fixture)
{
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};
	size_t there = 0;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_stages(fixture->ledger, &stages, &err));
	ledger_unlock(fixture->ledger);
	for (size_t i = 0; i < stages.n_items; i++)
		there += is_there(fixture, stages.items[i].name);
	assert_int_equal(there, stages.n_items);
	return there;
}

static void recover(struct fixture *fixture)
{
	warned[0] = '\0';
	SUCCEEDS(recovery_run(fixture->ledger, &settings, &err));
}

static bool is_pending(struct fixture *fixture, int64_t event)
{
	struct ledger_pending pending;
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_pending_find(
		fixture->ledger, event, &pending, &found, &err));
	ledger_unlock(fixture->ledger);
	return found;
}

static bool is_live(struct fixture *fixture, const char *name)
{
	struct ledger_row row;
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, "kubelet-client",
		name, DAY(1), &row, &found, &err));
	ledger_unlock(fixture->ledger);
	return found;
}

/* -- publishing -- */

static void what_is_committed_is_published(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	int64_t event;

	assert_int_equal(count_stages(fixture), 1);
	assert_int_equal(publish(fixture, release,
				 (struct bundle_wish){.name = "w1"}, &event),
		RELEASE_PUBLISHED);
	assert_true(is_there(fixture, "w1"));
	assert_true(is_live(fixture, "w1"));
	SUCCEEDS(release_close(release, &err));
	assert_false(is_pending(fixture, event));
	assert_int_equal(count_stages(fixture), 0);
}

static void what_nobody_commits_is_removed(void **state)
{
	struct fixture *fixture = *state;
	struct release *release = open_release(fixture);
	const struct file_part part = {"key", 3, NULL};

	SUCCEEDS(file_create(
		release_directory(release, 0), "w1", 0600, &part, 1, &err));
	release_free(release);
	assert_int_equal(count_stages(fixture), 0);
	assert_false(is_there(fixture, "w1"));
	assert_false(is_live(fixture, "w1"));
}

static void a_live_name_and_a_target_that_is_there_are_raced(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	const struct file_part part = {"mine", 4, NULL};
	int64_t event;

	publish(fixture, release, (struct bundle_wish){.name = "w1"}, &event);
	assert_int_equal(
		publish(fixture, release,
			(struct bundle_wish){.name = "w1", .replace = true},
			&event),
		RELEASE_RACED);
	SUCCEEDS(file_create(
		release_output(release), "w2", 0600, &part, 1, &err));
	assert_int_equal(publish(fixture, release,
				 (struct bundle_wish){.name = "w2"}, &event),
		RELEASE_RACED);
	assert_false(is_live(fixture, "w2"));
}

static void a_predecessor_gives_way(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	int64_t event;

	publish(fixture, release, (struct bundle_wish){.name = "w1"}, &event);
	assert_int_equal(publish(fixture, release,
				 (struct bundle_wish){.name = "w1",
					 .replace = true,
					 .supersedes = event},
				 &event),
		RELEASE_PUBLISHED);
	SUCCEEDS(file_read(release_output(release), "w1", 99, &text, &err));
	assert_string_equal(text.data, "w1, 2");
	SUCCEEDS(release_close(release, &err));
	assert_int_equal(count_stages(fixture), 0);
}

/* Items that say which address they want; each is a file. */
struct trade {
	const char *name, *address;
	int64_t supersedes;
	enum release_state expected;
};

#define TRADES_MAX 64

static void trade(struct fixture *fixture, struct release *release,
	const struct trade *trades, size_t n_trades)
{
	static const unsigned char body[] = "a certificate";
	unsigned char serials[TRADES_MAX][16] = {{0}};
	struct ledger_issue issues[TRADES_MAX] = {0};
	struct release_item items[TRADES_MAX] = {0};
	const char *addresses[TRADES_MAX];

	for (size_t i = 0; i < n_trades; i++) {
		const struct trade *trade = &trades[i];
		const struct file_part part = {"x", 1, NULL};

		serials[i][0] = (unsigned char)(3 + i);
		serials[i][1] = (unsigned char)fixture->n_serials++;
		addresses[i] = trade->address;
		issues[i] = (struct ledger_issue){.ca = fixture->ca,
			.profile = "kubelet-client",
			.name = trade->name,
			.serial = {serials[i], sizeof(serials[i])},
			.not_after = DAY(100),
			.body = {body, sizeof(body)},
			.addresses = &addresses[i],
			.n_addresses = 1,
			.supersedes = trade->supersedes};
		items[i] = (struct release_item){.name = trade->name,
			.staged = trade->name,
			.target = trade->name,
			.witness = "",
			.replace = trade->supersedes != 0,
			.issues = &issues[i],
			.n_issues = 1};
		SUCCEEDS(file_create(release_directory(release, 0), trade->name,
			0600, &part, 1, &err));
	}
	SUCCEEDS(release_commit(release, items, n_trades, &err));
	for (size_t i = 0; i < n_trades; i++) {
		assert_int_equal(items[i].state, trades[i].expected);
		error_release(&items[i].error);
	}
}

static int64_t live_event(struct fixture *fixture, const char *name)
{
	struct ledger_row row = {0};
	bool found = false;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, "kubelet-client",
		name, DAY(1), &row, &found, &err));
	ledger_unlock(fixture->ledger);
	return found ? row.event : 0;
}

static const char *holder_of(struct fixture *fixture, const char *address)
{
	static char holder[64];
	AUTO_TEXT name = NULL;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_address(
		fixture->ledger, fixture->ca, address, DAY(1), &name, &err));
	ledger_unlock(fixture->ledger);
	snprintf(holder, sizeof(holder), "%s", name ? name : "nobody");
	return holder;
}

static void items_may_exchange_addresses(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	const struct trade first[] = {{"w1", "10.0.0.1", 0, RELEASE_PUBLISHED},
		{"w2", "10.0.0.2", 0, RELEASE_PUBLISHED}};

	trade(fixture, release, first, 2);
	trade(fixture, release,
		(const struct trade[]){
			{"w1", "10.0.0.2", live_event(fixture, "w1"),
				RELEASE_PUBLISHED},
			{"w2", "10.0.0.1", live_event(fixture, "w2"),
				RELEASE_PUBLISHED}},
		2);
	assert_string_equal(holder_of(fixture, "10.0.0.1"), "w2");
	assert_string_equal(holder_of(fixture, "10.0.0.2"), "w1");
}

static void nobody_gets_the_address_of_an_item_that_is_refused(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	const struct trade first[] = {{"w1", "10.0.0.1", 0, RELEASE_PUBLISHED},
		{"w2", "10.0.0.2", 0, RELEASE_PUBLISHED},
		{"w3", "10.0.0.3", 0, RELEASE_PUBLISHED}};

	trade(fixture, release, first, 3);
	/* What w3 is to supersede is not live, so it keeps 10.0.0.3, so w2
	 * keeps 10.0.0.2, so w1 cannot have it. */
	trade(fixture, release,
		(const struct trade[]){
			{"w1", "10.0.0.2", live_event(fixture, "w1"),
				RELEASE_RACED},
			{"w2", "10.0.0.3", live_event(fixture, "w2"),
				RELEASE_RACED},
			{"w3", "10.0.0.9", 1, RELEASE_RACED},
			{"w4", "10.0.0.4", 0, RELEASE_PUBLISHED}},
		4);
	assert_string_equal(holder_of(fixture, "10.0.0.2"), "w2");
	assert_string_equal(holder_of(fixture, "10.0.0.3"), "w3");
	assert_string_equal(holder_of(fixture, "10.0.0.4"), "w4");
	assert_string_equal(holder_of(fixture, "10.0.0.9"), "nobody");
}

/* However many count on each other, all of them are known by one try. */
static void who_counts_on_the_refused_is_refused_at_once(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	char names[TRADES_MAX][8], addresses[TRADES_MAX + 1][16];
	struct trade trades[TRADES_MAX] = {{0}};

	for (size_t i = 0; i < TRADES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "w%02zu", i);
		snprintf(addresses[i], sizeof(addresses[i]), "10.0.0.%zu", i);
		trades[i] = (struct trade){
			names[i], addresses[i], 0, RELEASE_PUBLISHED};
	}
	trade(fixture, release, trades, TRADES_MAX);
	for (size_t i = 0; i < TRADES_MAX; i++)
		trades[i] = (struct trade){names[i],
			addresses[(i + 1) % TRADES_MAX],
			live_event(fixture, names[i]), RELEASE_RACED};
	trades[TRADES_MAX - 1].supersedes = 1; /* is not live */
	n_begun = 0;
	trade(fixture, release, trades, TRADES_MAX);
	assert_int_equal(n_begun, 2);
	for (size_t i = 0; i < TRADES_MAX; i++)
		assert_string_equal(holder_of(fixture, addresses[i]), names[i]);
}

static void two_items_do_not_get_one_address(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);

	trade(fixture, release,
		(const struct trade[]){
			{"w2", "10.0.0.2", 0, RELEASE_PUBLISHED}},
		1);
	trade(fixture, release,
		(const struct trade[]){{"w1", "10.0.0.2", 0, RELEASE_RACED},
			{"w2", "10.0.0.2", live_event(fixture, "w2"),
				RELEASE_RACED}},
		2);
	assert_string_equal(holder_of(fixture, "10.0.0.2"), "w2");
}

static void a_token_is_recorded_before_what_is_issued_with_it(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	static const unsigned char body[] = "a certificate";
	unsigned char serial[16] = {1};
	struct ledger_token token = {.id = "aaaaaa",
		.kind = "bootstrap-token",
		.name = "w1",
		.groups = "",
		.not_after = DAY(100)};
	struct ledger_issue issue = {.ca = fixture->ca,
		.profile = "kubelet-serving",
		.name = "w1",
		.serial = {serial, sizeof(serial)},
		.not_before = DAY(0),
		.not_after = DAY(100),
		.body = {body, sizeof(body)}};
	struct release_item item = {.name = "w1",
		.staged = "w1",
		.target = "w1",
		.witness = "",
		.replace = true,
		.token = &token,
		.issues = &issue,
		.n_issues = 1};
	const struct file_part part = {"x", 1, NULL};
	struct ledger_row row = {0};
	bool found = false;

	publish(fixture, release, (struct bundle_wish){.name = "w1"},
		&item.retires);
	SUCCEEDS(file_create(
		release_directory(release, 0), "w1", 0600, &part, 1, &err));
	SUCCEEDS(release_commit(release, &item, 1, &err));
	assert_int_equal(item.state, RELEASE_PUBLISHED);
	assert_false(is_live(fixture, "w1"));
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_token(
		fixture->ledger, "aaaaaa", DAY(1), &row, &found, &err));
	assert_true(found);
	assert_int_equal(row.event, item.event);
	ledger_unlock(fixture->ledger);
	/* What it took the place of is superseded, and is so once. */
	SUCCEEDS(file_create(
		release_directory(release, 0), "w1", 0600, &part, 1, &err));
	token.id = "bbbbbb";
	token.supersedes = item.event;
	issue.supersedes = item.event + 1;
	serial[0]++;
	SUCCEEDS(release_commit(release, &item, 1, &err));
	assert_int_equal(item.state, RELEASE_RACED);
	assert_non_null(strstr(item.error.message, "no longer live"));
	error_release(&item.error);
	verify(fixture);
}

static void a_chunk_that_cannot_be_synced_did_not_happen(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	struct release_item item = {
		.name = "w1", .staged = "w1", .target = "w1", .witness = ""};

	sync_fails = true;
	FAILS(release_commit(release, &item, 1, &err), ERROR_FAILED, "odd");
	sync_fails = false;
	assert_int_equal(item.state, RELEASE_NOTHING);
	assert_false(is_live(fixture, "w1"));
}

static void on_interrupt(int number)
{
	(void)number;
}

/* A child that interrupts us in a moment. */
static pid_t start_interrupter(void)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		usleep(200000);
		kill(parent, SIGINT);
		_exit(0);
	}
	return child;
}

static void an_interrupted_wait_for_the_lock_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT path = memory_format("%s/" LEDGER_LOCK, fixture->dir);
	AUTO_CLOSE held = open(path, O_RDWR | O_CLOEXEC);
	struct sigaction action = {
		.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
	struct sigaction before, after;
	struct release *release = open_release(fixture);
	struct release_item item;
	pid_t child;

	assert_int_equal(sigaction(SIGINT, &action, &before), 0);
	assert_int_equal(flock(held, LOCK_EX), 0);
	child = start_interrupter();
	FAILS(commit_one(fixture, release, (struct bundle_wish){.name = "w1"},
		      &item, &err),
		ERROR_FAILED, "Interrupted system call");
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(item.state, RELEASE_NOTHING);
	release_free(release);
	assert_int_equal(flock(held, LOCK_UN), 0);
	assert_int_equal(sigaction(SIGINT, &before, &after), 0);
	assert_ptr_equal(after.sa_handler, on_interrupt);
	assert_true(after.sa_flags & SA_RESTART);
	recover(fixture);
	assert_int_equal(count_stages(fixture), 0);
	assert_false(is_live(fixture, "w1"));
	assert_false(is_there(fixture, "w1"));
}

static void a_commit_that_failed_did_not_happen(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	struct release_item item;

	commit_how = COMMIT_NOT;
	FAILS(commit_one(fixture, release, (struct bundle_wish){.name = "w1"},
		      &item, &err),
		ERROR_FAILED, "odd");
	assert_int_equal(item.state, RELEASE_NOTHING);
	assert_false(is_live(fixture, "w1"));
	SUCCEEDS(release_close(release, &err));
	assert_int_equal(count_stages(fixture), 0);
}

/* What says that it failed may be forgotten when the power fails: it is not
 * published before another transaction came through. */
static void a_commit_that_happened_all_the_same_waits_for_recovery(void **state)
{
	struct fixture *fixture = *state;
	struct release *release = open_release(fixture);
	struct release_item item;

	commit_how = COMMIT_SILENTLY;
	SUCCEEDS(commit_one(fixture, release,
		(struct bundle_wish){.name = "w1"}, &item, &err));
	assert_int_equal(item.state, RELEASE_RECORDED);
	assert_non_null(strstr(item.error.message, "not sure"));
	error_release(&item.error);
	assert_false(is_there(fixture, "w1"));
	release_free(release);
	recover(fixture);
	assert_true(is_there(fixture, "w1"));
	assert_true(is_live(fixture, "w1"));
	assert_int_equal(count_stages(fixture), 0);
}

/* -- recovering -- */

/* Records w1, w2 in a process that dies before it publishes them; answers
 * with the event of w1. */
static int64_t die_recorded(struct fixture *fixture, bool spool)
{
	struct release_settings how = settings;
	AUTO_TEXT out = path_in(fixture, spool ? "spool" : "out");
	int64_t event = 0;
	int status;
	pid_t child;

	how.spool = spool;
	ledger_free(take(&fixture->ledger));
	child = fork();
	if (child == 0) {
		struct release *release = NULL;

		reopen(fixture, LEDGER_WRITE);
		SUCCEEDS(release_open(
			fixture->ledger, out, &how, &release, &err));
		rename_fails = true;
		publish(fixture, release, (struct bundle_wish){.name = "w1"},
			&event);
		publish(fixture, release, (struct bundle_wish){.name = "w2"},
			&event);
		_exit((int)event);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	reopen(fixture, LEDGER_WRITE);
	if (!spool)
		assert_int_equal(count_stages(fixture), 1);
	return WEXITSTATUS(status) - 1;
}

static void what_was_recorded_is_published_later(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);

	assert_true(is_pending(fixture, event));
	assert_false(is_there(fixture, "w1"));
	recover(fixture);
	assert_string_equal(warned, "");
	assert_true(is_there(fixture, "w1") && is_there(fixture, "w2"));
	assert_false(is_pending(fixture, event));
	assert_int_equal(count_stages(fixture), 0);
	recover(fixture);
	assert_true(is_live(fixture, "w1"));
}

static void a_living_process_is_left_alone(void **state)
{
	struct fixture *fixture = *state;
	AUTO_FREE(release) release = open_release(fixture);
	int64_t event;

	rename_fails = true;
	assert_int_equal(publish(fixture, release,
				 (struct bundle_wish){.name = "w1"}, &event),
		RELEASE_RECORDED);
	rename_fails = false;
	recover(fixture);
	assert_true(is_pending(fixture, event));
	assert_int_equal(count_stages(fixture), 1);
}

static void somebody_elses_target_withdraws(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);
	AUTO_TEXT target = path_in(fixture, "out/w1");

	close(open(target, O_CREAT | O_WRONLY, 0600));
	recover(fixture);
	assert_non_null(strstr(warned, "\"w1\": withdrawn"));
	assert_false(is_live(fixture, "w1"));
	assert_true(is_live(fixture, "w2"));
	assert_false(is_pending(fixture, event));
}

static void a_bundle_that_is_nowhere_is_lost_and_told(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};
	AUTO_TEXT staged = NULL;

	die_recorded(fixture, false);
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_stages(fixture->ledger, &stages, &err));
	ledger_unlock(fixture->ledger);
	staged = memory_format(
		"%s/out/%s/1/w1", fixture->dir, stages.items[0].name);
	assert_int_equal(unlink(staged), 0);
	recover(fixture);
	assert_non_null(strstr(warned, "\"w1\": its bundle is lost"));
	assert_true(is_live(fixture, "w1"));
	assert_true(is_there(fixture, "w2"));
}

/* It holds the only key. */
static void a_bundle_that_cannot_be_read_is_not_lost(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);

	read_fails = true;
	recover(fixture);
	read_fails = false;
	assert_non_null(strstr(warned, "cannot be looked at"));
	assert_true(is_pending(fixture, event));
	assert_int_equal(count_stages(fixture), 1);
	recover(fixture);
	assert_true(is_there(fixture, "w1") && is_there(fixture, "w2"));
	assert_int_equal(count_stages(fixture), 0);
}

static void an_output_out_of_reach_keeps_its_rows(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);
	AUTO_TEXT out = path_in(fixture, "out");
	AUTO_TEXT away = path_in(fixture, "away");

	assert_int_equal(rename(out, away), 0);
	recover(fixture);
	assert_non_null(strstr(warned, "out of reach"));
	assert_true(is_pending(fixture, event));
	assert_int_equal(rename(away, out), 0);
	recover(fixture);
	assert_true(is_there(fixture, "w1"));
	assert_false(is_pending(fixture, event));
}

static enum recovery_bundle find(struct fixture *fixture, int64_t event)
{
	enum recovery_bundle where;
	int fd;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(recovery_find(fixture->ledger, event, &where, &fd, &err));
	ledger_unlock(fixture->ledger);
	assert_int_equal(fd, -1);
	return where;
}

static void another_directory_in_its_place_keeps_its_rows(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);
	AUTO_TEXT out = path_in(fixture, "out");
	AUTO_TEXT away = path_in(fixture, "away");

	assert_int_equal(rename(out, away), 0);
	assert_int_equal(mkdir(out, 0700), 0);
	recover(fixture);
	assert_non_null(strstr(warned, "2 bundles recorded there wait"));
	assert_true(is_pending(fixture, event));
	assert_int_equal(find(fixture, event), RECOVERY_WAITS);
	assert_int_equal(rmdir(out), 0);
	assert_int_equal(rename(away, out), 0);
	recover(fixture);
	assert_true(is_there(fixture, "w1"));
	assert_int_equal(find(fixture, event), RECOVERY_NOTHING);
}

/* After a reboot the same disk may have another number. */
static void a_stage_is_known_by_its_name_on_any_device(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = die_recorded(fixture, false);

	edit(fixture, "UPDATE stage SET device = device + 1");
	recover(fixture);
	assert_string_equal(warned, "");
	assert_true(is_there(fixture, "w1") && is_there(fixture, "w2"));
	assert_false(is_pending(fixture, event));
	assert_int_equal(count_stages(fixture), 0);
}

static void a_stage_that_others_can_write_is_not_touched(void **state)
{
	struct fixture *fixture = *state;
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};
	int64_t event = die_recorded(fixture, false);
	AUTO_TEXT stage = NULL;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_stages(fixture->ledger, &stages, &err));
	ledger_unlock(fixture->ledger);
	stage = memory_format("%s/out/%s", fixture->dir, stages.items[0].name);
	assert_int_equal(chmod(stage, 0777), 0);
	recover(fixture);
	assert_non_null(strstr(warned, "not as it was made"));
	assert_true(is_pending(fixture, event));
	assert_false(is_there(fixture, "w1"));
}

static void a_spool_keeps_what_was_recorded(void **state)
{
	struct fixture *fixture = *state;
	int64_t event;
	enum recovery_bundle where;
	int fd = -1;

	event = die_recorded(fixture, true);
	recover(fixture);
	assert_true(is_pending(fixture, event));
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(recovery_find(fixture->ledger, event, &where, &fd, &err));
	ledger_unlock(fixture->ledger);
	assert_int_equal(where, RECOVERY_SPOOLED);
	assert_true(fd >= 0);
	close(fd);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_committed_is_published),
		TEST(what_nobody_commits_is_removed),
		TEST(a_live_name_and_a_target_that_is_there_are_raced),
		TEST(a_predecessor_gives_way),
		TEST(items_may_exchange_addresses),
		TEST(nobody_gets_the_address_of_an_item_that_is_refused),
		TEST(who_counts_on_the_refused_is_refused_at_once),
		TEST(two_items_do_not_get_one_address),
		TEST(a_token_is_recorded_before_what_is_issued_with_it),
		TEST(a_chunk_that_cannot_be_synced_did_not_happen),
		TEST(an_interrupted_wait_for_the_lock_leaves_nothing),
		TEST(a_commit_that_failed_did_not_happen),
		TEST(a_commit_that_happened_all_the_same_waits_for_recovery),
		TEST(what_was_recorded_is_published_later),
		TEST(a_living_process_is_left_alone),
		TEST(somebody_elses_target_withdraws),
		TEST(a_bundle_that_is_nowhere_is_lost_and_told),
		TEST(a_bundle_that_cannot_be_read_is_not_lost),
		TEST(an_output_out_of_reach_keeps_its_rows),
		TEST(another_directory_in_its_place_keeps_its_rows),
		TEST(a_stage_is_known_by_its_name_on_any_device),
		TEST(a_stage_that_others_can_write_is_not_touched),
		TEST(a_spool_keeps_what_was_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
