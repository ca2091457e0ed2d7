/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/memory.h"

/*
 * Bytes that are wiped, never swapped where the limit allows, and never in a
 * core dump.
 *
 * A secret has the length it is born with: it cannot grow, so no stale copy is
 * left behind.  It has no text form, there is no function from a secret to a
 * buffer, and only the files that tests/lint/layers.sh names may call
 * secret_bytes() or secret_view().  A prototype that takes `const struct secret *` says that
 * secrets pass there.
 *
 * Small secrets come from one arena of locked pages that is made at the first
 * call (MADV_DONTDUMP, mlock as far as RLIMIT_MEMLOCK allows, no complaint
 * beyond it); large ones from pages of their own.  Thread-safe.
 */
struct secret;

/* len bytes, zero. */
struct secret *secret_new(size_t len) NEVER_NULL;

unsigned char *secret_bytes(struct secret *secret) NEVER_NULL;
const unsigned char *secret_view(const struct secret *secret) NEVER_NULL;
size_t secret_len(const struct secret *secret);

/* Gives up the tail, which is wiped.  len is at most the length. */
void secret_shorten(struct secret *secret, size_t len);

/* In a time that does not depend on the bytes. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Wipes memory that a library handed out, before it is freed. */
void secret_wipe(void *bytes, size_t len);

/* Wipes what finished calls left on the stack below the caller's frame: what
 * a library computed there, it did not wipe. */
void secret_wipe_stack(void);

void secret_free(struct secret *secret);
DEFINE_AUTO_FREE(secret)

#endif
