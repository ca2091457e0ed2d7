/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_RELEASE_H
#define PKI_RELEASE_H

#include "pki/ledger.h"

/*
 * How files and their ledger rows appear together.
 *
 * Two stores, a directory and the ledger, share no atomic instant.  What can be
 * kept is this: at every instant an item (a node's bundle) is published, or
 * recorded and recoverable, or does not exist.
 *
 *	staged      in OUT/.kpki-<random>/; removed if nobody goes on
 *	recorded    its rows are committed: nothing ever deletes it, it may
 *	            hold the only key of a live certificate
 *	published   renamed to its place
 *
 *	release_open      probes OUT, records the stage, creates and locks it
 *	  fill            workers write release_directory(release, worker)/<name>
 *	  release_commit  syncs, records and publishes a chunk of items
 *	release_close     removes the stage
 *
 * A stream (a tar to standard output) cannot be renamed.  Its stage is in a
 * spool inside the PKI directory, and its items stay recorded until
 * release_delivered says that the last byte went out; a later run finds them
 * by recovery_find and sends the same bytes again.
 *
 * A process that dies leaves its stage; flock on it is gone with the process,
 * and pki/recovery.h finishes what was recorded and deletes what was not.
 *
 * Knows names, files and hashes; has never heard of Kubernetes.
 */
struct release;

#define RELEASE_STAGE_PREFIX ".kpki-"
#define RELEASE_SPOOL_PREFIX ".kpki-spool-"
#define RELEASE_SPOOL "spool" /* in the PKI directory */

struct release_settings {
	int64_t lock_timeout; /* seconds */
	bool clock_back;      /* see ledger_begin */
	bool spool;           /* the output is a spool, see above */
	bool links;           /* what is staged has symbolic links */
	unsigned n_workers;
	/* Called for what an operator must hear: a lost bundle, an output
	 * directory out of reach. */
	void (*warn)(const char *sentence);
};

/*
 * Opens a stage in the directory at out_path, which is created (0700) when it
 * is not there.  ERROR_FAILED when its file system cannot keep modes or links,
 * rename without replacing, or exchange.  The release borrows the ledger.
 */
MUST_CHECK bool release_open(struct ledger *ledger, const char *out_path,
	const struct release_settings *settings, struct release **ret_release,
	struct error *err);

/* The directory this worker fills; the output directory.  Borrowed. */
int release_directory(const struct release *release, unsigned worker);
int release_output(const struct release *release);

/* Writes a new file, 0600, into such a directory, and tells the hash of what it
 * holds. */
MUST_CHECK bool release_write(int directory, const char *name,
	const struct file_part *parts, size_t n_parts, struct sha256 *ret_hash,
	struct error *err);

enum release_state {
	RELEASE_NOTHING,   /* not recorded, or withdrawn again */
	RELEASE_PUBLISHED,
	RELEASE_RECORDED,  /* in a spool; or its rename failed, and the next
	                      command will finish it */
	RELEASE_RACED,     /* somebody else issued this name meanwhile */
};

struct release_item {
	const char *name;    /* for the ledger and messages */
	unsigned worker;     /* whose directory it is staged in … */
	const char *staged;  /* … and under which name */
	const char *target;  /* its name in the output directory */
	const char *witness; /* see struct ledger_pending */
	struct sha256 hash;
	bool replace;        /* the target is there and gives way */
	const struct ledger_token *token; /* this, or NULL, … */
	struct ledger_issue *issues; /* … and then all of them, or none */
	size_t n_issues;
	int64_t retires; /* a live event of a kind that is in neither, or 0 */
	/* out */
	enum release_state state;
	int64_t event, last_event; /* the first and last, once recorded */
	struct error error; /* why not published; the caller releases it */
};

/*
 * Makes a chunk of staged items durable, records them in one transaction and
 * renames each to its place.  SIGINT and SIGTERM wait meanwhile, but for the wait
 * for the ledger's lock, which they end, here and in release_open, unless they
 * are ignored.  Items may exchange addresses, also with those behind them.  False when nothing of the chunk happened; otherwise each item
 * says how it went.
 */
MUST_CHECK bool release_commit(struct release *release,
	struct release_item *items, size_t n_items, struct error *err);

/* These bundles went out: their rows are no longer pending. */
MUST_CHECK bool release_delivered(struct release *release,
	const int64_t *events, size_t n_events, struct error *err);

/* Deletes the stage and its row; what is recorded and not published stays. */
MUST_CHECK bool release_close(struct release *release, struct error *err);
void release_free(struct release *release); /* closes, ignoring failure */
DEFINE_AUTO_FREE(release)

#endif
