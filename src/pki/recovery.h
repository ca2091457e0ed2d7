/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_RECOVERY_H
#define PKI_RECOVERY_H

#include "pki/release.h"

/*
 * Finishes what processes that died left in their stages (pki/release.h).
 *
 * For each bundle that was recorded: the target has the witness, so it was
 * published and only its row is left over; or the stage has it, so it is
 * published now; or neither, so its files are gone, which is recorded as lost
 * and told to the operator.  A target that somebody else put there meanwhile
 * withdraws the bundle.  What was never recorded is deleted.  Doing it twice
 * does nothing more.
 *
 * The paths come from a file: everything is reached by descriptors, no link is
 * followed, and only directories named .kpki-* that are 0700 and belong to this
 * user are touched.
 */

/* Takes the ledger's lock and gives it back.  An output directory that is out
 * of reach keeps its rows and fails nothing; what is in a spool stays. */
MUST_CHECK bool recovery_run(struct ledger *ledger,
	const struct release_settings *settings, struct error *err);

/* Opens for reading what a spool still holds for this event; the ledger is
 * locked.  *ret_fd is -1 when there is nothing, or when the process that
 * spooled it is alive and sends it itself (*ret_alive). */
MUST_CHECK bool recovery_spooled(struct ledger *ledger, int64_t event,
	int *ret_fd, bool *ret_alive, struct error *err);

#endif
