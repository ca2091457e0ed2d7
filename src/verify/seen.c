/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pki/digest.h"

enum { FIRST_SLOTS = 256 };

struct entry {
	uint64_t hash;
	uint32_t mark;
	uint32_t place; /* from 1; 0: free */
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

static uint32_t keep_place(struct seen *seen, const char *where)
{
	if (seen->n_places > 0 &&
		strcmp(seen->places[seen->n_places - 1], where) == 0)
		return (uint32_t)seen->n_places;
	seen->places = memory_grow(seen->places, &seen->allocated,
		seen->n_places + 1, sizeof(char *));
	seen->places[seen->n_places++] = memory_text(where);
	return (uint32_t)seen->n_places;
}

static struct entry *find_slot(
	struct entry *slots, size_t n_slots, uint64_t hash)
{
	size_t at = (size_t)hash & (n_slots - 1);

	while (slots[at].place && slots[at].hash != hash)
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

static void grow(struct seen *seen)
{
	size_t n_slots = 2 * seen->n_slots;
	struct entry *slots = memory_new(n_slots, sizeof(*slots));

	for (size_t i = 0; i < seen->n_slots; i++)
		if (seen->slots[i].place)
			*find_slot(slots, n_slots, seen->slots[i].hash) =
				seen->slots[i];
	free(seen->slots);
	seen->slots = slots;
	seen->n_slots = n_slots;
}

/* 0 when nothing can be hashed: others say so. */
static uint64_t hash_of(unsigned char kind, struct der bytes)
{
	const struct digest_piece pieces[] = {
		{&kind, 1}, {bytes.bytes, bytes.len}};
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	struct sha256 hash = {{0}};
	uint64_t number;

	if (!sha256_of_pieces(pieces, 2, &hash, &passed_over))
		return 0;
	memcpy(&number, hash.bytes, sizeof(number));
	return number;
}

const char *seen_before(struct seen *seen, enum seen_kind kind,
	struct der thing, struct der mark, const char *where)
{
	uint64_t hash = hash_of((unsigned char)kind, thing);
	uint32_t short_mark = (uint32_t)hash_of(0xff, mark);
	struct entry *entry;

	if (2 * seen->n_entries >= seen->n_slots)
		grow(seen);
	entry = find_slot(seen->slots, seen->n_slots, hash);
	if (entry->place)
		return entry->mark == short_mark
			       ? NULL
			       : seen->places[entry->place - 1];
	*entry = (struct entry){hash, short_mark, keep_place(seen, where)};
	seen->n_entries++;
	return NULL;
}
