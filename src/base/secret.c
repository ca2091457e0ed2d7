/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/secret.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct pool;

/* Header and bytes lie together in locked memory; the bytes of a free slot are
 * zero, because secret_free() wipes them. */
struct secret {
	size_t len;
	size_t mapped;	     /* of a mapping of its own */
	struct pool *pool;   /* or where the slot goes back to */
	struct secret *next; /* in the pool's free list */
	unsigned char bytes[];
};

struct pool {
	size_t slot;
	size_t n_slots;
	unsigned char *fresh; /* slots never used, up to end */
	unsigned char *end;
	struct secret *free;
};

/* An ECDSA key in PEM fits the first, an RSA-4096 key or a kubeconfig the
 * second. */
static struct arena {
	pthread_mutex_t mutex;
	bool made;
	struct pool pools[2];
} arena = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.pools =
		{
			{.slot = 512, .n_slots = 512},
			{.slot = 8192, .n_slots = 32},
		},
};

static unsigned char *map_pages(size_t len)
{
	void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		memory_exhausted();
	/* Where a kernel refuses, main()'s core limit of 0 still holds. */
	(void)madvise(pages, len, MADV_DONTDUMP);
	return pages;
}

/* As much from the front as the limit allows, in halves. */
static void lock_pages(unsigned char *pages, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	while (len >= page && mlock(pages, len) != 0)
		len /= 2;
}

static void arena_make(void)
{
	size_t len = 0;
	unsigned char *at;

	for (size_t i = 0; i < ARRAY_SIZE(arena.pools); i++)
		len += arena.pools[i].slot * arena.pools[i].n_slots;
	at = map_pages(len);
	lock_pages(at, len);
	for (size_t i = 0; i < ARRAY_SIZE(arena.pools); i++) {
		struct pool *pool = &arena.pools[i];

		pool->fresh = at;
		at += pool->slot * pool->n_slots;
		pool->end = at;
	}
	arena.made = true;
}

static struct secret *pool_get(struct pool *pool)
{
	struct secret *secret = pool->free;

	if (secret) {
		pool->free = secret->next;
	} else if (pool->fresh < pool->end) {
		secret = (struct secret *)(void *)pool->fresh;
		pool->fresh += pool->slot;
		secret->pool = pool;
	}
	return secret;
}

static struct secret *arena_get(size_t size)
{
	struct secret *secret = NULL;

	if (pthread_mutex_lock(&arena.mutex) != 0)
		abort();
	if (!arena.made)
		arena_make();
	for (size_t i = 0; !secret && i < ARRAY_SIZE(arena.pools); i++)
		if (size <= arena.pools[i].slot)
			secret = pool_get(&arena.pools[i]);
	if (pthread_mutex_unlock(&arena.mutex) != 0)
		abort();
	return secret;
}

static struct secret *map_get(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = (size + page - 1) / page * page;
	unsigned char *pages;
	struct secret *secret;

	if (len < size)
		memory_exhausted();
	pages = map_pages(len);
	/* Best effort, as the header says. */
	(void)mlock(pages, len);
	secret = (struct secret *)(void *)pages;
	secret->mapped = len;
	return secret;
}

struct secret *secret_new(size_t len)
{
	struct secret *secret;
	size_t size;

	if (__builtin_add_overflow(len, sizeof(*secret), &size))
		memory_exhausted();
	secret = arena_get(size);
	if (!secret)
		secret = map_get(size);
	secret->len = len;
	return secret;
}

unsigned char *secret_bytes(struct secret *secret)
{
	return secret->bytes;
}

const unsigned char *secret_view(const struct secret *secret)
{
	return secret->bytes;
}

size_t secret_len(const struct secret *secret)
{
	return secret->len;
}

void secret_shorten(struct secret *secret, size_t len)
{
	assert(len <= secret->len);
	secret_wipe(secret->bytes + len, secret->len - len);
	secret->len = len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	/* volatile: no early way out may be made of this loop. */
	volatile unsigned char differs = 0;

	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		differs =
			(unsigned char)(differs | (a->bytes[i] ^ b->bytes[i]));
	return differs == 0;
}

void secret_wipe(void *bytes, size_t len)
{
	if (len > 0)
		explicit_bzero(bytes, len);
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
	unsigned char below[32768];

	secret_wipe(below, sizeof(below));
}

void secret_free(struct secret *secret)
{
	struct pool *pool;

	if (!secret)
		return;
	secret_wipe(secret->bytes, secret->len);
	pool = secret->pool;
	if (!pool) {
		if (munmap(secret, secret->mapped) != 0)
			abort();
		return;
	}
	if (pthread_mutex_lock(&arena.mutex) != 0)
		abort();
	secret->next = pool->free;
	pool->free = secret;
	if (pthread_mutex_unlock(&arena.mutex) != 0)
		abort();
}
