/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BIRTH_H
#define CMD_BIRTH_H

#include "kube/cluster.h"
#include "pki/authority.h"
#include "pki/issuers.h"

/*
 * A PKI directory comes into being all at once: it is made beside its place,
 * under a name of its own that no command looks at, made durable, and renamed.
 * What a process that died left there is removed by the next one.
 */

enum birth_state {
	BIRTH_NOTHING,	 /* or an empty directory */
	BIRTH_REQUESTED, /* a key, and the request that somebody is to sign */
	BIRTH_DONE,	 /* a PKI directory */
};

/* What stands at path; something else is ERROR_REFUSED. */
MUST_CHECK bool birth_look(
	const char *path, enum birth_state *ret_state, struct error *err);

/* Reads a CA that was made elsewhere, by authority_new's rules. */
struct birth_source {
	const char *certificate_path, *key_path;
	const struct key_custodian *custodian;
};
MUST_CHECK bool birth_import(const struct birth_source *source,
	struct instant now, struct authority **ret_authority,
	struct error *err);

/* What the directory is to hold. */
struct birth_plan {
	const struct cluster *cluster;
	const struct key *key;
	const struct secret *passphrase; /* of the key, or NULL */
	const struct certificate *ca;	 /* NULL: another CA is to sign … */
	struct der request;		 /* … this */
};

/* Makes the directory, waiting at most so many seconds for others who make
 * one.  *ret_raced: somebody else's was there first, and nothing was done. */
MUST_CHECK bool birth_make(const char *path, const struct birth_plan *plan,
	int64_t lock_timeout, bool *ret_raced, struct error *err);

/*
 * Makes a PKI directory of what has been BIRTH_REQUESTED: its certificate, who
 * signed it, and a ledger.  They are made beside it, and moved there one by
 * one, the certificate last: until then nothing has changed, and it can be done
 * again.  *ret_raced: somebody else was faster.
 */
MUST_CHECK bool birth_complete(const char *path, const struct certificate *ca,
	const struct issuers *issuers, int64_t lock_timeout, bool *ret_raced,
	struct error *err);

/* Removes what birth_complete had still to remove when it was cut short. */
MUST_CHECK bool birth_tidy(const char *path, int64_t lock_timeout,
	struct error *err);

#endif
