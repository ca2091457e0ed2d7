/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BIRTH_H
#define CMD_BIRTH_H

#include "kube/cluster.h"
#include "pki/authority.h"

/*
 * A PKI directory comes into being all at once: it is made beside its place,
 * under a name of its own that no command looks at, made durable, and renamed.
 * What a process that died left there is removed by the next one.
 */

/* What stands at path: nothing (or an empty directory), a PKI directory, or
 * something else (ERROR_REFUSED). */
MUST_CHECK bool birth_look(const char *path, bool *ret_exists,
	struct error *err);

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
	const struct authority *ca;
	const struct secret *passphrase; /* of its key, or NULL */
};

/* Makes the directory, waiting at most so many seconds for others who make
 * one.  *ret_raced: somebody else's was there first, and nothing was done. */
MUST_CHECK bool birth_make(const char *path, const struct birth_plan *plan,
	int64_t lock_timeout, bool *ret_raced, struct error *err);

#endif
