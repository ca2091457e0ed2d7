/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_CHECKPOINT_H
#define PKI_CHECKPOINT_H

#include "base/instant.h"
#include "pki/digest.h"

/*
 * How far a ledger had come, in one line for paper:
 *
 *	kpki1 1042 2026-11-24T12:48:39Z 7KQP-…-3F0A-ZJ2M
 *
 * How many entries there were, when the last was made, and the first 160 bits
 * of its hash, which stands for all before it, in eight groups; a ninth
 * group checks the line.  Groups are base32 by Crockford: no I, L, O and U.
 * Whoever types it in may use lower case, O for 0, and I or L for 1.
 */
#define CHECKPOINT_HASH_LEN 20
#define CHECKPOINT_MARK "kpki1"

struct checkpoint {
	int64_t count;
	struct instant at;
	unsigned char hash[CHECKPOINT_HASH_LEN];
};

/* For free(). */
MUST_CHECK bool checkpoint_format(const struct checkpoint *checkpoint,
	char **ret_text, struct error *err);

/* White space around it is passed over.  ERROR_INPUT with what is wrong; a
 * character that was misread is found by the ninth group. */
MUST_CHECK bool checkpoint_parse(
	const char *text, struct checkpoint *ret_checkpoint, struct error *err);

#endif
