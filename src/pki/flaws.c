/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/flaws.h"

#include <stdlib.h>

bool flaws_forgive(
	struct flaws *flaws, enum flaw_kind kind, struct error *err)
{
	if (!flaws)
		return false;
	flaws->items = memory_grow(flaws->items, &flaws->allocated,
		flaws->n_items + 1, sizeof(*flaws->items));
	flaws->items[flaws->n_items++] =
		(struct flaw){kind, memory_text(err->message)};
	error_release(err);
	return true;
}

const struct flaw *flaws_find(const struct flaws *flaws, enum flaw_kind kind)
{
	for (size_t i = 0; i < flaws->n_items; i++)
		if (flaws->items[i].kind == kind)
			return &flaws->items[i];
	return NULL;
}

void flaws_release(struct flaws *flaws)
{
	for (size_t i = 0; i < flaws->n_items; i++)
		free(flaws->items[i].text);
	free(flaws->items);
	*flaws = (struct flaws)FLAWS_INIT;
}
