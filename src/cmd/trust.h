/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TRUST_H
#define CMD_TRUST_H

#include "kube/rotation.h"
#include "pki/ledger_rotation.h"

/*
 * How far the rotations of a PKI directory have come, and what is therefore
 * trusted beside the key that signs.
 *
 * The directory's own files (ca.crt, ca.key …) are always those of the key that
 * signs; rotation/ has the other one.  The ledger says which is which.  Files
 * follow it: they are staged, the stage is recorded, and only then are they
 * renamed to their places, which trust_recover finishes for whoever died.
 */
#define ROTATION_DIRECTORY "rotation"

struct context;

/* A pair of files in the PKI directory. */
struct trust_place {
	const char *certificate, *key;
};
const struct trust_place *trust_place(enum rotation_target target);
const struct trust_place *trust_other_place(enum rotation_target target);

struct trust {
	struct ledger_rotation rotations[ROTATION_TARGETS];
	/* What is trusted, PEM, of the key that signs first; empty when there
	 * never was a rotation. */
	struct buffer pem[ROTATION_TARGETS];
};

/* From the ledger and the directory; under no lock.  ERROR_INPUT when the files
 * are not those that the ledger says. */
MUST_CHECK bool trust_load(struct context *context, struct error *err);
void trust_release(struct trust *trust);

/* Of one public file: its PEM block, without text around it, and its pin. */
MUST_CHECK bool trust_read(const struct context *context, const char *path,
	enum rotation_target target, struct buffer *pem,
	struct sha256 *ret_pin, struct error *err);

/* Under no lock. */
MUST_CHECK bool trust_recover(const struct context *context,
	struct error *err);

/* -- a change -- */

/* Stages a pair, of which key is text as it stands in its file, as the other
 * one; on its own, or in exchange for what signs now.  What is staged is durable
 * and nothing until the ledger has its stage. */
struct trust_pair {
	const struct buffer *certificate;
	const struct secret *key;
};
MUST_CHECK bool trust_stage(const struct context *context,
	enum rotation_target target, const struct trust_pair *signer,
	const struct trust_pair *other, struct error *err);

/* Under an exclusive lock: to their places what was recorded, away what was
 * not. */
MUST_CHECK bool trust_settle(const struct context *context, struct error *err);

#endif
