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
 * does nothing more.  Where another directory stands at the path of the output
 * directory, nothing is lost: what it does not have waits.
 *
 * The paths come from a file: everything is reached by descriptors, no link is
 * followed, and only directories named .kpki-* that are 0700 and belong to this
 * user are touched.
 */

/* Takes the ledger's lock and gives it back.  An output directory that is out
 * of reach keeps its rows and fails nothing; what is in a spool stays. */
MUST_CHECK bool recovery_run(struct ledger *ledger,
	const struct release_settings *settings, struct error *err);

enum recovery_bundle {
	RECOVERY_NOTHING, /* it is not pending, or published just now */
	RECOVERY_ALIVE,	  /* spooled by a process that lives and sends it */
	RECOVERY_SPOOLED, /* a stream that broke left it; *ret_fd reads it */
	RECOVERY_WAITS,	  /* out of reach, or it could not be published */
};

/* Where the bundle of a pending event is, the ledger being locked.  *ret_fd is
 * -1 but for what is spooled. */
MUST_CHECK bool recovery_find(struct ledger *ledger, int64_t event,
	enum recovery_bundle *ret_bundle, int *ret_fd, struct error *err);

#endif
