/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SIGN_ISSUE_H
#define CMD_SIGN_ISSUE_H

#include "cmd/sign_item.h"

/*
 * Judges every item, and signs and records those that may be:
 *
 *	nothing live for the name              signed: "new"
 *	live for the same key and names        the same certificate: "retry"
 *	live, and the node itself asks         signed, supersedes: "renewal"
 *	live, and --reissue                    signed, supersedes: "reissue"
 *	live for anything else                 refused: "live"
 *	the key is another's                   refused: "shared-key"
 *
 * What was signed is in the ledger when this returns, so that whatever happens
 * to the files, the same request gets the same certificate again.  Each item
 * keeps its own error; false only when the ledger or the disk failed.
 *
 * `accept` is asked last, before an item is signed or given again what it has:
 * may its answer be written?
 */
typedef bool sign_accept(void *data, struct sign_item *item,
	struct error *err);
MUST_CHECK bool sign_issue(struct sign *sign, sign_accept *accept, void *data,
	struct error *err);

#endif
