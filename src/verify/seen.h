/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_SEEN_H
#define VERIFY_SEEN_H

#include "pki/der.h"

/*
 * What was seen in the units before, of which nothing else is kept: names of
 * nodes, keys, serial numbers: by hashes, 32 bytes each, and a path for each
 * place.
 */
enum seen_kind { SEEN_KEY, SEEN_SERIAL, SEEN_NODE };

struct seen;
struct seen *seen_new(void);
void seen_free(struct seen *seen);
DEFINE_AUTO_FREE(seen)

/* Notes that this thing was seen here; where it was seen before with another
 * mark, or NULL. */
const char *seen_before(struct seen *seen, enum seen_kind kind,
	struct der thing, struct der mark, const char *where);

#endif
