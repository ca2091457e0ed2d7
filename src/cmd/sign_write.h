/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SIGN_WRITE_H
#define CMD_SIGN_WRITE_H

#include "cmd/sign_item.h"

/*
 * Where the answers go.
 *
 *	                 in a directory          on standard output
 *	PEM request      NAME.PROFILE.crt        certificates, one after another
 *	… with bundle    NODE.yaml               the one node's
 *	object           NAME.approval.json      one List of the finished
 *	                 NAME.status.json        objects
 *
 * A file appears whole or not at all.  One that is there gives way when it is
 * an earlier answer to the same: a certificate of this CA for the same subject,
 * an object or a bundle of the same name; anything else is ERROR_REFUSED.
 */
struct sign_output {
	struct sign *sign;
	const char *out; /* a directory; NULL or "-": standard output */
	bool bundle;
	enum layout layout; /* of a bundle */
	int dir;            /* -1 until it is there */
	const char *node;   /* whose bundle standard output gets */
};

/* What cannot be written together is ERROR_INPUT; what cannot be bundled is its
 * item's error. */
MUST_CHECK bool sign_output_open(struct sign_output *output,
	struct error *err);

/* For sign_issue: data is the output. */
MUST_CHECK bool sign_output_accept(void *data, struct sign_item *item,
	struct error *err);

/* Writes the answers of all that were signed, have been before, or are denied. */
MUST_CHECK bool sign_output_write(struct sign_output *output,
	struct error *err);

void sign_output_release(struct sign_output *output);
DEFINE_AUTO_RELEASE(sign_output)

#endif
