/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/oid.h"

#include <inttypes.h>
#include <stdint.h>

#include "base/buffer.h"

static bool take_arc(struct der *oid, uint64_t *ret_arc)
{
	uint64_t arc = 0;
	size_t i;

	if (oid->len == 0 || oid->bytes[0] == 0x80)
		return false;
	for (i = 0; i < oid->len && i < 9; i++) {
		arc = arc << 7 | (oid->bytes[i] & 0x7f);
		if (oid->bytes[i] & 0x80)
			continue;
		oid->bytes += i + 1;
		oid->len -= i + 1;
		*ret_arc = arc;
		return true;
	}
	return false;
}

bool oid_is_valid(struct der oid)
{
	uint64_t arc;

	if (oid.len == 0)
		return false;
	while (oid.len > 0)
		if (!take_arc(&oid, &arc))
			return false;
	return true;
}

char *oid_format(struct der oid)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	uint64_t arc, first;

	if (!oid_is_valid(oid) || !take_arc(&oid, &arc))
		return memory_text("?");
	first = arc < 80 ? arc / 40 : 2;
	buffer_format(&text, "%" PRIu64 ".%" PRIu64, first, arc - 40 * first);
	while (take_arc(&oid, &arc))
		buffer_format(&text, ".%" PRIu64, arc);
	return buffer_detach(&text);
}
