/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pki/digest.h"

enum { FIRST_SLOTS = 256 };

struct entry {
	unsigned char hash[16], mark[16];
	const char *where; /* NULL: free */
};

/* Open addressing, at most half full; a place is kept once. */
struct seen {
	struct entry *slots;
	size_t n_slots, n_entries;
	char **places;
	size_t n_places, allocated;
};

struct seen *seen_new(void)
{
	struct seen *seen = memory_new(1, sizeof(*seen));

	seen->n_slots = FIRST_SLOTS;
	seen->slots = memory_new(seen->n_slots, sizeof(struct entry));
	return seen;
}

void seen_free(struct seen *seen)
{
	if (!seen)
		return;
	for (size_t i = 0; i < seen->n_places; i++)
		free(seen->places[i]);
	free(seen->places);
	free(seen->slots);
	free(seen);
}

static const char *keep_place(struct seen *seen, const char *where)
{
	if (seen->n_places > 0 &&
		strcmp(seen->places[seen->n_places - 1], where) == 0)
		return seen->places[seen->n_places - 1];
	seen->places = memory_grow(seen->places, &seen->allocated,
		seen->n_places + 1, sizeof(char *));
	seen->places[seen->n_places] = memory_text(where);
	return seen->places[seen->n_places++];
}

static struct entry *find_slot(
	struct entry *slots, size_t n_slots, const unsigned char *hash)
{
	size_t at;

	memcpy(&at, hash, sizeof(at));
	for (at &= n_slots - 1; slots[at].where; at = (at + 1) & (n_slots - 1))
		if (memcmp(slots[at].hash, hash, sizeof(slots[at].hash)) == 0)
			break;
	return &slots[at];
}

static void grow(struct seen *seen)
{
	size_t n_slots = 2 * seen->n_slots;
	struct entry *slots = memory_new(n_slots, sizeof(*slots));

	for (size_t i = 0; i < seen->n_slots; i++)
		if (seen->slots[i].where)
			*find_slot(slots, n_slots, seen->slots[i].hash) =
				seen->slots[i];
	free(seen->slots);
	seen->slots = slots;
	seen->n_slots = n_slots;
}

static bool hash_of(
	unsigned char kind, struct der bytes, unsigned char ret_hash[static 16])
{
	const struct digest_piece pieces[] = {
		{&kind, 1}, {bytes.bytes, bytes.len}};
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	struct sha256 hash;

	if (!sha256_of_pieces(pieces, 2, &hash, &passed_over))
		return false; /* nothing works then, and others say so */
	memcpy(ret_hash, hash.bytes, 16);
	return true;
}

const char *seen_before(struct seen *seen, enum seen_kind kind,
	struct der thing, struct der mark, const char *where)
{
	struct entry new, *entry;

	if (!hash_of((unsigned char)kind, thing, new.hash) ||
		!hash_of(0xff, mark, new.mark))
		return NULL;
	if (2 * seen->n_entries >= seen->n_slots)
		grow(seen);
	entry = find_slot(seen->slots, seen->n_slots, new.hash);
	if (entry->where)
		return memcmp(entry->mark, new.mark, sizeof(new.mark)) == 0
			       ? NULL
			       : entry->where;
	new.where = keep_place(seen, where);
	*entry = new;
	seen->n_entries++;
	return NULL;
}
