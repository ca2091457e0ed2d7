/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/inventory.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/nearest.h"

/* A node's texts begin here in the arena: its name, its addresses, and an
 * empty text, a NUL behind each. */
struct record {
	uint32_t text;
	uint32_t line;
};

struct inventory {
	char *file; /* or NULL */
	struct buffer arena;
	struct record *records;
	size_t n_records, allocated;
	size_t n_addresses; /* of the node that is being added */
};

struct inventory *inventory_new(const char *file)
{
	struct inventory *inventory = memory_new(1, sizeof(*inventory));

	inventory->file = file ? memory_text(file) : NULL;
	inventory->arena = (struct buffer)BUFFER_INIT;
	return inventory;
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	free(inventory->file);
	buffer_release(&inventory->arena);
	free(inventory->records);
	free(inventory);
}

/* Always false, as error_at. */
static bool at_line(
	const struct inventory *inventory, unsigned line, struct error *err)
{
	return inventory->file ? error_at(err, inventory->file, line) : false;
}

static const char *text_of(
	const struct inventory *inventory, const struct record *record)
{
	return inventory->arena.data + record->text;
}

static const char *next_text(const char *text)
{
	return text + strlen(text) + 1;
}

/* -- adding -- */

bool inventory_begin(struct inventory *inventory, const char *name,
	unsigned line, struct error *err)
{
	struct record record = {(uint32_t)inventory->arena.len, line};

	if (!node_name_check(name, err))
		return at_line(inventory, line, err);
	if (inventory->n_records == INVENTORY_NODES_MAX) {
		error_set(err, ERROR_INPUT,
			"node \"%s\": there are more than %d nodes", name,
			INVENTORY_NODES_MAX);
		return at_line(inventory, line, err);
	}
	/* The source's bound keeps the arena far below. */
	assert(inventory->arena.len < UINT32_MAX / 2);
	inventory->records =
		memory_grow(inventory->records, &inventory->allocated,
			inventory->n_records + 1, sizeof(*inventory->records));
	inventory->records[inventory->n_records] = record;
	inventory->n_addresses = 0;
	buffer_add(&inventory->arena, name, strlen(name) + 1);
	return true;
}

static bool has_address(const struct inventory *inventory, const char *address)
{
	const char *at =
		text_of(inventory, &inventory->records[inventory->n_records]);

	for (size_t i = 0; i < inventory->n_addresses; i++) {
		at = next_text(at);
		if (strcmp(at, address) == 0)
			return true;
	}
	return false;
}

static bool check_address(const struct inventory *inventory, const char *text,
	char canonical[static ADDRESS_MAX], enum inventory_repeat repeat,
	struct error *err)
{
	enum address_kind kind;

	if (!address_parse(text, &kind, canonical, err))
		return false;
	if (repeat == INVENTORY_REPEAT_REFUSED &&
		has_address(inventory, canonical))
		return error_set(
			err, ERROR_INPUT, "address \"%s\": stands twice", text);
	if (inventory->n_addresses == NODE_ADDRESSES_MAX)
		return error_set(err, ERROR_INPUT,
			"address \"%s\": a node has at most %d", text,
			NODE_ADDRESSES_MAX);
	return true;
}

bool inventory_address(struct inventory *inventory, const char *text,
	unsigned line, enum inventory_repeat repeat, struct error *err)
{
	const char *name =
		text_of(inventory, &inventory->records[inventory->n_records]);
	char canonical[ADDRESS_MAX];

	if (!check_address(inventory, text, canonical, repeat, err)) {
		error_context(err, "node \"%s\"", name);
		return at_line(inventory, line, err);
	}
	if (strcmp(canonical, name) == 0 || has_address(inventory, canonical))
		return true;
	buffer_add(&inventory->arena, canonical, strlen(canonical) + 1);
	inventory->n_addresses++;
	return true;
}

void inventory_end(struct inventory *inventory)
{
	buffer_add_byte(&inventory->arena, '\0');
	inventory->n_records++;
}

bool inventory_add(struct inventory *inventory, const char *name,
	const char *const *addresses, size_t n_addresses, unsigned line,
	struct error *err)
{
	if (!inventory_begin(inventory, name, line, err))
		return false;
	for (size_t i = 0; i < n_addresses; i++)
		if (!inventory_address(inventory, addresses[i], line,
			    INVENTORY_REPEAT_REFUSED, err))
			return false;
	inventory_end(inventory);
	return true;
}

/* -- sorting, finding -- */

/* By name, and equal names in the order of the file. */
static int compare_records(const void *a, const void *b, void *arena)
{
	const struct record *left = a, *right = b;
	int order =
		strcmp((char *)arena + left->text, (char *)arena + right->text);

	return order ? order
		     : (left->text > right->text) - (left->text < right->text);
}

static bool is_sorted(const struct inventory *inventory)
{
	for (size_t i = 1; i < inventory->n_records; i++)
		if (compare_records(&inventory->records[i - 1],
			    &inventory->records[i], inventory->arena.data) > 0)
			return false;
	return true;
}

static bool refuse_twice(const struct inventory *inventory,
	const struct record *second, const struct record *first,
	struct error *err)
{
	const char *name = text_of(inventory, second);

	if (!inventory->file)
		return error_set(
			err, ERROR_INPUT, "node \"%s\": stands twice", name);
	error_set(err, ERROR_INPUT,
		"node \"%s\": stands twice, first in line %u", name,
		first->line);
	return at_line(inventory, second->line, err);
}

bool inventory_seal(struct inventory *inventory, struct error *err)
{
	struct record *records = inventory->records, *second = NULL;

	if (inventory->n_records < 2)
		return true;
	/* Most come in order, and sorting takes a copy. */
	if (!is_sorted(inventory))
		qsort_r(records, inventory->n_records, sizeof(*records),
			compare_records, inventory->arena.data);
	/* The first in the file: the operator meets it first. */
	for (size_t i = 1; i < inventory->n_records; i++)
		if (strcmp(text_of(inventory, &records[i - 1]),
			    text_of(inventory, &records[i])) == 0 &&
			(!second || records[i].text < second->text))
			second = &records[i];
	return second ? refuse_twice(inventory, second, second - 1, err) : true;
}

size_t inventory_count(const struct inventory *inventory)
{
	return inventory->n_records;
}

struct node inventory_node(const struct inventory *inventory, size_t i)
{
	const struct record *record = &inventory->records[i];
	const char *name = text_of(inventory, record);
	struct node node = {
		.name = name,
		.file = inventory->file,
		.line = record->line,
		.addresses = next_text(name),
	};

	assert(i < inventory->n_records);
	for (const char *at = node.addresses; *at; at = next_text(at))
		node.n_addresses++;
	return node;
}

/* The count when there is none. */
static size_t index_of(const struct inventory *inventory, const char *name)
{
	size_t low = 0, high = inventory->n_records;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(
			name, text_of(inventory, &inventory->records[middle]));

		if (order == 0)
			return middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return inventory->n_records;
}

bool inventory_find(const struct inventory *inventory, const char *name,
	struct node *ret_node)
{
	size_t i = index_of(inventory, name);

	if (i == inventory->n_records)
		return false;
	*ret_node = inventory_node(inventory, i);
	return true;
}

static bool refuse_unknown(
	const struct inventory *inventory, const char *name, struct error *err)
{
	size_t n = inventory->n_records;
	const char **names = memory_new(n, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < n; i++)
		names[i] = text_of(inventory, &inventory->records[i]);
	near = nearest(name, names, n);
	free(names);
	if (near)
		error_set(err, ERROR_INPUT,
			"node \"%s\": not in the inventory (did you mean "
			"\"%s\"?)",
			name, near);
	else
		error_set(err, ERROR_INPUT, "node \"%s\": not in the inventory",
			name);
	return at_line(inventory, 0, err);
}

bool inventory_select(struct inventory *inventory, const char *const *names,
	size_t n_names, struct error *err)
{
	size_t n_kept = 0;
	AUTO_TEXT kept = memory_new(inventory->n_records, 1);

	for (size_t i = 0; i < n_names; i++) {
		size_t found = index_of(inventory, names[i]);

		if (found == inventory->n_records)
			return refuse_unknown(inventory, names[i], err);
		if (kept[found])
			return error_set(err, ERROR_INPUT,
				"node \"%s\": stands twice", names[i]);
		kept[found] = 1;
	}
	for (size_t i = 0; i < inventory->n_records; i++)
		if (kept[i])
			inventory->records[n_kept++] = inventory->records[i];
	inventory->n_records = n_kept;
	return true;
}

/* -- what two nodes share -- */

/* Open addressing, at most half full.  A slot is a place in the arena plus one,
 * or 0.  Large inventories are gone through several times, each with the texts
 * of another share of all hashes, so that the set stays small beside them. */
struct text_set {
	uint32_t *slots;
	size_t mask;
	size_t share, n_shares;
};

#define SHARE_TEXTS 32768

/* FNV-1a */
static size_t text_hash(const char *text)
{
	uint64_t hash = 14695981039346656037u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return (size_t)(hash ^ hash >> 29);
}

static size_t share_of(const char *text, size_t n_shares)
{
	return (text_hash(text) >> 32) % n_shares;
}

/* NULL when the text belongs to another share. */
static uint32_t *slot_of(
	const struct text_set *set, const char *arena, const char *text)
{
	size_t at = text_hash(text) & set->mask;

	if (share_of(text, set->n_shares) != set->share)
		return NULL;

	while (set->slots[at] && strcmp(arena + set->slots[at] - 1, text) != 0)
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

static const struct record *owner_of(
	const struct inventory *inventory, uint32_t text)
{
	const struct record *owner = NULL;

	for (size_t i = 0; i < inventory->n_records; i++) {
		const struct record *record = &inventory->records[i];

		if (record->text <= text &&
			(!owner || record->text > owner->text))
			owner = record;
	}
	return owner;
}

static bool refuse_shared(const struct inventory *inventory, uint32_t first,
	uint32_t second, struct error *err)
{
	const struct record *one = owner_of(inventory, first);
	const struct record *other = owner_of(inventory, second);
	const char *text = inventory->arena.data + second;
	AUTO_TEXT place = one->line ? memory_format(" (line %u)", one->line)
				    : memory_text("");

	if (second == other->text)
		error_set(err, ERROR_REFUSED,
			"node \"%s\": node \"%s\" has this name as an "
			"address%s",
			text, text_of(inventory, one), place);
	else if (first == one->text)
		error_set(err, ERROR_REFUSED,
			"node \"%s\": address \"%s\": it is the name of "
			"another node%s",
			text_of(inventory, other), text, place);
	else
		error_set(err, ERROR_REFUSED,
			"node \"%s\": address \"%s\": node \"%s\" has it%s",
			text_of(inventory, other), text,
			text_of(inventory, one), place);
	return at_line(inventory, other->line, err);
}

static size_t count_texts(const struct inventory *inventory)
{
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_records; i++)
		n += 1 + inventory_node(inventory, i).n_addresses;
	return n;
}

/* How many texts the largest share has; hostile names may fall into one. */
static size_t largest_share(const struct inventory *inventory, size_t n_shares)
{
	size_t *counts = memory_new(n_shares, sizeof(*counts)), most = 0;

	for (size_t i = 0; i < inventory->n_records; i++) {
		const char *at = text_of(inventory, &inventory->records[i]);

		for (; *at; at = next_text(at)) {
			size_t *count = &counts[share_of(at, n_shares)];

			*count += 1;
			most = *count > most ? *count : most;
		}
	}
	free(counts);
	return most;
}

/* A node's own texts differ, so what stands twice stands in two nodes.  The
 * pair whose second comes first in the file is the one to tell; *second starts
 * as UINT32_MAX. */
static void find_shared(const struct inventory *inventory,
	const struct text_set *set, uint32_t *found_first,
	uint32_t *found_second)
{
	const char *arena = inventory->arena.data;

	for (size_t i = 0; i < inventory->n_records; i++) {
		const char *at = text_of(inventory, &inventory->records[i]);

		for (; *at; at = next_text(at)) {
			uint32_t here = (uint32_t)(at - arena);
			uint32_t *slot = slot_of(set, arena, at);
			uint32_t there = slot && *slot ? *slot - 1 : here;
			uint32_t first = here < there ? here : there;
			uint32_t second = here < there ? there : here;

			if (slot)
				*slot = first + 1;
			if (first == second || second > *found_second)
				continue;
			*found_first = first;
			*found_second = second;
		}
	}
}

bool inventory_check_shared(
	const struct inventory *inventory, struct error *err)
{
	size_t n_shares = count_texts(inventory) / SHARE_TEXTS + 1;
	size_t most = largest_share(inventory, n_shares), size = 16;
	uint32_t first = 0, second = UINT32_MAX;
	struct text_set set = {.n_shares = n_shares};

	while (size < 2 * most)
		size *= 2;
	set.slots = memory_new(size, sizeof(*set.slots));
	set.mask = size - 1;
	for (; set.share < n_shares; set.share++) {
		memset(set.slots, 0, size * sizeof(*set.slots));
		find_shared(inventory, &set, &first, &second);
	}
	free(set.slots);
	return second == UINT32_MAX ||
	       refuse_shared(inventory, first, second, err);
}
