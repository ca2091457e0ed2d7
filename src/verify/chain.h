/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_CHAIN_H
#define VERIFY_CHAIN_H

#include "verify/examination.h"

/*
 * From a certificate to the authority that its duty asks for, by the
 * certificates that stand beside it, as a TLS peer would send them.  Issuers are
 * known by the octets of their names, as in Go.
 */
enum chain_end {
	CHAIN_GOOD,          /* the last link is the authority */
	CHAIN_UNCHECKED,     /* a signature by an algorithm that is not known */
	CHAIN_NO_AUTHORITY,  /* none is there to hold it to */
	CHAIN_OTHER,         /* none of the authorities has the issuer's name … */
	CHAIN_OTHER_OCTETS,  /* … though one has it in other octets */
	CHAIN_BAD_SIGNATURE, /* one has it, and another key; or too many do */
	CHAIN_SELF_SIGNED,   /* it ends in a root that is no authority */
};

#define CHAIN_MAX 8
#define CHAIN_TRIES_MAX 100 /* signatures that are checked for it, as in Go */

struct chain {
	const struct artifact *of;
	enum chain_end end;
	const struct artifact *links[CHAIN_MAX]; /* issuers, nearest first */
	size_t n_links;
	unsigned n_tried; /* signatures */
	/* CHAIN_OTHER_OCTETS, CHAIN_BAD_SIGNATURE: the authority; CHAIN_OTHER:
	 * one of them */
	const struct artifact *authority;
};

/* The chain of a certificate; made once, and kept by the examination. */
const struct chain *chain_of(
	struct examination *x, const struct artifact *certificate);

/* Does this certificate stand where an authority does? */
bool is_authority_itself(const struct artifact *certificate);

/* By the key alone, whatever the names. */
bool is_signed_by(const struct certificate *signed_one,
	const struct certificate *issuer);

/* RFC 4514, of a Name that may be malformed; for free(). */
char *chain_name(struct der name);

#endif
