/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_LEDGER_H
#define PKI_LEDGER_H

#include "base/file.h"
#include "base/instant.h"
#include "pki/certificate.h"

/*
 * What was issued, certificates and tokens: a file of events that are only ever appended, each chained
 * to the one before, and beside it projections of what is true now.
 *
 *	lock → begin → … → commit → unlock
 *
 * Every access is under flock on DIR/.lock, so that writers queue instead of
 * starving each other; ledger_lock waits.  Rolling back is what happens when
 * nobody commits.  A commit that returned true survives a power cut.
 *
 * Locking checks the schema, the count and the last link of the chain, and
 * refuses a ledger that is newer or that was edited, saying what is wrong
 * (ERROR_INPUT); a row that is read is held to its link, ledger_verify to all.
 * An unkeyed chain shows damage and naive edits; a rewrite of the whole, or a
 * cut tail, shows only against a checkpoint kept elsewhere.
 *
 * A ledger is used by one thread at a time, and nothing else in the process may
 * open its file.  The file "ledger.db-journal" beside it stays, empty between
 * transactions; one that is not empty is the next writer's to roll back, and
 * LEDGER_READ, which never writes, refuses it (ERROR_FAILED).
 */
struct ledger;

#define LEDGER_SCHEMA 2 /* one of schema 1 becomes it when it has to */
#define LEDGER_FILE "ledger.db"
#define LEDGER_LOCK ".lock"

enum ledger_access {
	LEDGER_READ,
	LEDGER_WRITE,
	LEDGER_BUILD, /* writing one that is not in its place yet: nothing is
	                 synced, which is the caller's before it puts it there */
};

/* Creates DIR/.lock and DIR/ledger.db (0600) in a directory that has neither.
 * Not synced, as by LEDGER_BUILD. */
MUST_CHECK bool ledger_create(const char *dir, struct error *err);

/* Is there a journal with something in it?  So it is while a command writes,
 * and after one was cut short: the next that locks for writing mends it. */
bool ledger_is_cut_short(const char *dir);

/* LEDGER_READ works on a read-only copy, with or without a lock file. */
MUST_CHECK bool ledger_open(const char *dir, enum ledger_access access,
	struct ledger **ret_ledger, struct error *err);
void ledger_free(struct ledger *ledger); /* rolls back, unlocks */
DEFINE_AUTO_FREE(ledger)

/* ERROR_FAILED when somebody else holds the lock for longer than timeout
 * seconds.  The checks above are made at the first lock, and whenever another
 * process has written since.  Locks do not nest. */
MUST_CHECK bool ledger_lock(struct ledger *ledger, enum file_lock lock,
	int64_t timeout, struct error *err);
void ledger_unlock(struct ledger *ledger);

/* -- transactions: under an exclusive lock -- */

/* `now`, read when the lock is held, is the time of every event in it.
 * ERROR_REFUSED when it is earlier than the last event's, unless clock_back,
 * which is recorded, before the first event, as one of its own. */
MUST_CHECK bool ledger_begin(struct ledger *ledger, struct instant now,
	bool clock_back, struct error *err);
/* When it fails, ask ledger_has whether it happened all the same. */
MUST_CHECK bool ledger_commit(struct ledger *ledger, struct error *err);
void ledger_rollback(struct ledger *ledger);
/* One savepoint at a time, inside a transaction. */
MUST_CHECK bool ledger_savepoint(struct ledger *ledger, struct error *err);
MUST_CHECK bool ledger_savepoint_keep(struct ledger *ledger,
	struct error *err);
MUST_CHECK bool ledger_savepoint_undo(struct ledger *ledger,
	struct error *err);

/* -- authorities -- */

/* The number under which certificates of the CA with this pin are kept: the
 * event of its first certificate.  0: the ledger does not know it. */
MUST_CHECK bool ledger_authority(struct ledger *ledger,
	const struct sha256 *pin, int64_t *ret_ca, struct error *err);
/* The CA's own certificate; its profile is "ca" for the cluster's. */
MUST_CHECK bool ledger_add_authority(struct ledger *ledger,
	const char *profile, const struct certificate *certificate,
	int64_t *ret_ca, struct error *err);

/* -- issuing -- */

enum ledger_kind {
	LEDGER_ISSUED,
	LEDGER_SUPERSEDED, /* ref: what no longer counts */
	LEDGER_REVOKED,
	LEDGER_WITHDRAWN, /* ref: recorded, but never handed out */
	LEDGER_LOST,      /* ref: recorded, but its files are gone */
	LEDGER_TOKEN,     /* a token was made; its secret is nowhere here */
	LEDGER_CLOCK,     /* the clock went back, and the operator said so */
	LEDGER_ROTATION,  /* see pki/ledger_rotation.h */
};

struct ledger_issue {
	int64_t ca;
	const char *profile;
	const char *name;   /* the node; "" for a CA */
	const char *detail; /* what else re-runs compare: the server URL */
	struct der serial;
	struct instant not_before, not_after;
	struct der body;       /* the certificate */
	const char *const *addresses; /* its SANs as text; claimed for name */
	size_t n_addresses;
	int64_t supersedes; /* the live event it takes the place of, or 0 */
	/* May be NULL.  Asked when an address is live for another name: does
	 * that one give it up in this transaction?  The release's to say. */
	bool (*gives_way)(void *data, const char *address, const char *holder);
	void *gives_way_data;
};

/*
 * Appends "issued", and before it "superseded" for the certificate it takes
 * the place of; claims the live name and the addresses.  ERROR_REFUSED, with
 * nothing changed: the name is live (and supersedes is not that event), the
 * event to supersede is not live, or an address is live for another name.  What
 * has expired gives way by itself: its name is superseded, its addresses are
 * passed over.  A serial that this CA has used is ERROR_FAILED.  After any
 * failure but a refusal undo the savepoint or roll back.
 */
MUST_CHECK bool ledger_issue(struct ledger *ledger,
	const struct ledger_issue *issue, int64_t *ret_event,
	struct error *err);

/* Appends "issued", and at once "superseded": a certificate that had its place
 * before another that is live took it.  It claims neither name nor addresses.
 * A serial that this CA has used is ERROR_FAILED. */
MUST_CHECK bool ledger_add_past(struct ledger *ledger,
	const struct ledger_issue *issue, struct error *err);

/* A token that does not expire ends here, as RFC 5280, 4.1.2.5 writes it. */
#define LEDGER_NEVER ((struct instant){INT64_C(253402300799)})

struct ledger_token {
	const char *id;     /* public, and no other token's */
	const char *kind;   /* "bootstrap-token": the row's profile */
	const char *name;   /* the node it is for; "" for none */
	const char *groups; /* commas between; the row's detail */
	struct instant not_after;
	int64_t supersedes; /* the node's token it takes the place of, or 0 */
	/* Of a token that is the credential in a bundle: */
	int64_t ca;         /* whom the bundle trusts; 0: it is in none … */
	struct der body;    /* … and what else re-runs compare */
};

/* Appends "token", and before it "superseded" for the node's token before; by
 * ledger_issue's rules.  ERROR_REFUSED also for an id that was used. */
MUST_CHECK bool ledger_add_token(struct ledger *ledger,
	const struct ledger_token *token, int64_t *ret_event,
	struct error *err);

/* Appends "superseded" for a certificate or a node's token whose place is taken
 * by something of another kind.  ERROR_REFUSED when it has its name no
 * longer. */
MUST_CHECK bool ledger_retire(struct ledger *ledger, int64_t event,
	struct error *err);

/* Appends an event (not ISSUED, TOKEN or CLOCK) for each certificate and token
 * from first to last; frees their live names and addresses, except for LOST. */
MUST_CHECK bool ledger_append(struct ledger *ledger, enum ledger_kind kind,
	int64_t first, int64_t last, struct error *err);

/* -- looking: under any lock -- */

/* Valid until the next call on the ledger. */
struct ledger_row {
	int64_t event;
	struct instant at;
	int64_t ca;        /* 0 for a token that is in no bundle */
	struct der serial; /* or a token's id */
	const char *profile, *name, *detail;
	struct instant not_before, not_after;
	struct der body;   /* of a token see struct ledger_token */
	const char *status; /* the first of "withdrawn", "revoked", "expired",
	                       "superseded", "live" that applies; the time
	                       asked for decides only about "expired" */
	bool pending;       /* recorded, not yet published */
	bool lost;          /* its files are gone; the status does not say */
};

/* The live row; *ret_found false when there is none at `now`. */
MUST_CHECK bool ledger_live(struct ledger *ledger, int64_t ca,
	const char *profile, const char *name, struct instant now,
	struct ledger_row *ret_row, bool *ret_found, struct error *err);

/* Any CA's live row of this profile and name: finds what another CA issued. */
MUST_CHECK bool ledger_live_anywhere(struct ledger *ledger,
	const char *profile, const char *name, struct instant now,
	struct ledger_row *ret_row, bool *ret_found, struct error *err);

/* This CA's, and when it has none another one's: *ret_foreign. */
MUST_CHECK bool ledger_live_or_foreign(struct ledger *ledger, int64_t ca,
	const char *profile, const char *name, struct instant now,
	struct ledger_row *ret_row, bool *ret_found, bool *ret_foreign,
	struct error *err);

/* Which name an address is live for; *ret_name NULL when nobody has it; for
 * free(). */
MUST_CHECK bool ledger_address(struct ledger *ledger, int64_t ca,
	const char *address, struct instant now, char **ret_name,
	struct error *err);

/* The token with this id, live or not. */
MUST_CHECK bool ledger_token(struct ledger *ledger, const char *id,
	struct instant now, struct ledger_row *ret_row, bool *ret_found,
	struct error *err);

/* The node's newest token, expired or not, unless it was superseded, revoked or
 * withdrawn. */
MUST_CHECK bool ledger_token_last(struct ledger *ledger, const char *name,
	struct instant now, struct ledger_row *ret_row, bool *ret_found,
	struct error *err);

/* The node's live token; *ret_found false when there is none at `now`. */
MUST_CHECK bool ledger_token_of(struct ledger *ledger, const char *name,
	struct instant now, struct ledger_row *ret_row, bool *ret_found,
	struct error *err);

MUST_CHECK bool ledger_has(struct ledger *ledger, int64_t ca,
	struct der serial, bool *ret_has, struct error *err);

/* This very certificate, and not another with its serial number. */
MUST_CHECK bool ledger_has_certificate(struct ledger *ledger, int64_t ca,
	const struct certificate *certificate, bool *ret_has,
	struct error *err);

/* The same of whatever authority. */
MUST_CHECK bool ledger_has_anywhere(struct ledger *ledger,
	const struct certificate *certificate, bool *ret_has,
	struct error *err);

struct ledger_filter {
	bool tokens; /* instead of certificates */
	const char *name;    /* or NULL */
	const char *profile; /* or NULL */
	bool live_only;
	bool lapsed; /* with live_only: and certificates that expired, of which
	                none of the same profile and name is newer or live */
	struct instant at;
};
typedef bool ledger_visit(void *data, const struct ledger_row *row,
	struct error *err);
/* Every issued event, or token, that passes, oldest first; each link that is read is
 * checked.  The visitor may look at the ledger, except by ledger_each. */
MUST_CHECK bool ledger_each(struct ledger *ledger,
	const struct ledger_filter *filter, ledger_visit *visit, void *data,
	struct error *err);

/* The whole chain, the count, every projection, and SQLite's own check of the
 * file. */
MUST_CHECK bool ledger_verify(struct ledger *ledger, struct error *err);

/* -- stages and what is recorded in them: for release.c and recovery.c -- */

struct ledger_stage {
	int64_t id;
	const char *path; /* absolute, of the directory that has the stage */
	const char *name; /* of the stage in it */
	uint64_t device, inode; /* of the directory at path */
};
MUST_CHECK bool ledger_stage_add(struct ledger *ledger,
	const struct ledger_stage *stage, int64_t *ret_id, struct error *err);
/* By number and name: when recovery was faster, the number may be another
 * stage's by now, and then nothing is removed. */
MUST_CHECK bool ledger_stage_remove(struct ledger *ledger, int64_t id,
	const char *name, struct error *err);

struct ledger_pending {
	int64_t event;      /* the first certificate or token of the bundle */
	int64_t last_event; /* its last; those between are its own too */
	int64_t stage;
	const char *name;    /* the node */
	const char *staged;  /* path in the stage, "0/worker-1" */
	const char *target;  /* name in the output directory */
	const char *witness; /* path in the bundle, "" for the file itself */
	struct sha256 hash;  /* of the witness */
	bool replace;
};
/* One per bundle. */
MUST_CHECK bool ledger_pending_add(struct ledger *ledger,
	const struct ledger_pending *pending, struct error *err);
MUST_CHECK bool ledger_pending_remove(struct ledger *ledger, int64_t event,
	struct error *err);
/* The bundle that this event is of.  *ret_found false when no such is pending;
 * texts valid until the next call. */
MUST_CHECK bool ledger_pending_find(struct ledger *ledger, int64_t event,
	struct ledger_pending *ret_pending, bool *ret_found,
	struct error *err);

/* All rows at once, copied, since recovery changes the tables while it
 * walks. */
struct ledger_stages {
	struct ledger_stage *items;
	size_t n_items;
};
struct ledger_pendings {
	struct ledger_pending *items;
	size_t n_items;
};
MUST_CHECK bool ledger_stages(struct ledger *ledger,
	struct ledger_stages *ret_stages, struct error *err);
MUST_CHECK bool ledger_pendings(struct ledger *ledger, int64_t stage,
	struct ledger_pendings *ret_pendings, struct error *err);
void ledger_stages_release(struct ledger_stages *stages);
void ledger_pendings_release(struct ledger_pendings *pendings);
DEFINE_AUTO_RELEASE(ledger_stages)
DEFINE_AUTO_RELEASE(ledger_pendings)

#endif
