/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_LEDGER_HISTORY_H
#define PKI_LEDGER_HISTORY_H

#include "pki/checkpoint.h"
#include "pki/ledger.h"

/*
 * The ledger's entries as they were made, in their order: for whoever exports
 * them, compares two copies, or notes down how far they have come.  Under any
 * lock.
 */

/* What a column does not have is NULL, 0 or of length 0, and has_lifetime says
 * whether there are times. */
struct ledger_entry {
	int64_t seq;
	const char *kind; /* ledger_kind_name's: "issued", "superseded", … */
	struct instant at;
	int64_t ca;
	struct der serial; /* or a token's id */
	const char *profile, *name, *detail;
	bool has_lifetime;
	struct instant not_before, not_after;
	int64_t ref;
	const char *addresses; /* one a line */
	struct der body;
	struct sha256 hash;
};

/* A copy for reading: a directory that has a ledger, or the file itself under
 * whatever name. */
MUST_CHECK bool ledger_open_copy(
	const char *path, struct ledger **ret_ledger, struct error *err);

int64_t ledger_count(const struct ledger *ledger);

/* Every entry from seq on, each held to its link. */
typedef bool ledger_entry_visit(
	void *data, const struct ledger_entry *entry, struct error *err);
MUST_CHECK bool ledger_entries(struct ledger *ledger, int64_t from,
	ledger_entry_visit *visit, void *data, struct error *err);

/* One of them; valid until the next call on the ledger. */
MUST_CHECK bool ledger_entry(struct ledger *ledger, int64_t seq,
	struct ledger_entry *ret_entry, struct error *err);

/* How many entries two ledgers have in common before the first difference;
 * both are locked. */
MUST_CHECK bool ledger_common(struct ledger *a, struct ledger *b,
	int64_t *ret_common, struct error *err);

/* ERROR_REFUSED for a ledger without an entry. */
MUST_CHECK bool ledger_checkpoint(struct ledger *ledger,
	struct checkpoint *ret_checkpoint, struct error *err);

/* ERROR_FINDINGS when this ledger is not one that had come that far: it has
 * fewer entries, or another one in that place. */
MUST_CHECK bool ledger_check_checkpoint(struct ledger *ledger,
	const struct checkpoint *checkpoint, struct error *err);

#endif
