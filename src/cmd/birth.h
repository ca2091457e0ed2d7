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
MUST_CHECK bool birth_import(const char *certificate_path,
	const char *key_path, struct instant now,
	struct authority **ret_authority, struct error *err);

/* Makes the directory, waiting at most so many seconds for others who make
 * one.  *ret_raced: somebody else's was there first, and nothing was done. */
MUST_CHECK bool birth_make(const char *path, const struct cluster *cluster,
	const struct authority *ca, int64_t lock_timeout, bool *ret_raced,
	struct error *err);

#endif
