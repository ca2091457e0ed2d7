/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_LEDGER_ROTATION_H
#define PKI_LEDGER_ROTATION_H

#include "pki/ledger.h"

/*
 * Rotation: another key in the place of one, by stages.
 *
 * The ledger keeps which stage was entered when, and of whom it was shown that
 * the stage is done there; both are entries of the chain.  What a stage means
 * is the caller's to know (kube/rotation.h).
 */
struct ledger_rotation {
	int64_t event; /* that entered the stage; 0: none was ever begun */
	struct instant at;
	unsigned stage, from;    /* the stage before */
	struct sha256 old, fresh; /* pins of both keys */
};

/* The last stage that was entered for `what`, "front-proxy-ca"; under any
 * lock. */
MUST_CHECK bool ledger_rotation(struct ledger *ledger, const char *what,
	struct ledger_rotation *ret_rotation, struct error *err);

/* Enters a stage; event and at are the ledger's to say.  In a transaction, of a
 * ledger that ledger_rotation_prepare has made ready before it began. */
MUST_CHECK bool ledger_rotation_prepare(struct ledger *ledger,
	struct error *err);
MUST_CHECK bool ledger_rotation_enter(struct ledger *ledger, const char *what,
	const struct ledger_rotation *rotation, struct error *err);

/* The stage is done on the host of this name; `how` is "shown" or "vouched", or
 * takes that back.  The last one counts. */
#define LEDGER_SHOWN_WRONG "wrong"
MUST_CHECK bool ledger_rotation_show(struct ledger *ledger, const char *what,
	const char *name, const char *how, struct error *err);
MUST_CHECK bool ledger_rotation_shown(struct ledger *ledger, const char *what,
	int64_t since, const char *name, bool *ret_shown, struct error *err);

/* The last entry that entered a stage of anything; 0: none. */
MUST_CHECK bool ledger_rotation_any(struct ledger *ledger, int64_t *ret_event,
	struct error *err);

/* From now on ledger_begin refuses (ERROR_FAILED) when a stage was entered
 * after this one: whatever was prepared goes by what is no longer so. */
void ledger_expect_rotation(struct ledger *ledger, int64_t event);

#endif
