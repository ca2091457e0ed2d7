/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/error.h"
#include <stddef.h>

/*
 * Allocation that succeeds or ends the process, and guards that clean up.
 *
 * Running out of memory is not an error that a caller could mend: the message
 * "kpki: out of memory" goes to standard error and the process aborts.  A
 * staging directory makes that harmless: nothing half done is ever published.
 *
 * Every owned local carries its guard and is initialised where it is declared,
 * so that leaving a function early is always right:
 *
 *	AUTO_FREE(key) ca_key = NULL;            struct key *, key_free()
 *	AUTO_RELEASE(buffer) text = BUFFER_INIT; struct buffer, buffer_release()
 *	AUTO_TEXT name = NULL;                   char *, free()
 *
 * and ownership is handed over by name: *ret_key = take(&ca_key);
 */

#define NEVER_NULL __attribute__((returns_nonnull))

/* What an allocator of another kind (mmap, a library) calls when it has got
 * nothing. */
void memory_exhausted(void) __attribute__((noreturn, cold));

/* Zeroed.  The product of count and size may not overflow. */
void *memory_new(size_t count, size_t size) NEVER_NULL
	__attribute__((malloc));

/* Grows an array to hold at least `wanted` elements, doubling *allocated. */
void *memory_grow(void *old, size_t *allocated, size_t wanted, size_t size)
	NEVER_NULL;

/* Copies; text is NUL-terminated. */
void *memory_copy(const void *bytes, size_t len) NEVER_NULL;
char *memory_text(const char *text) NEVER_NULL;
char *memory_text_n(const char *text, size_t len) NEVER_NULL;
char *memory_format(const char *format, ...) PRINTF(1, 2) NEVER_NULL;
char *memory_vformat(const char *format, va_list args) PRINTF(1, 0) NEVER_NULL;

/* Put in a header once per type, to make AUTO_FREE or AUTO_RELEASE work. */
#define DEFINE_AUTO_FREE(type)                                                 \
	static inline void type##_auto_free(struct type **pointer)             \
	{                                                                      \
		type##_free(*pointer);                                         \
	}
#define DEFINE_AUTO_RELEASE(type)                                              \
	static inline void type##_auto_release(struct type *value)             \
	{                                                                      \
		type##_release(value);                                         \
	}

#define AUTO_FREE(type)                                                        \
	__attribute__((cleanup(type##_auto_free))) struct type *
#define AUTO_RELEASE(type)                                                     \
	__attribute__((cleanup(type##_auto_release))) struct type
#define AUTO_TEXT __attribute__((cleanup(memory_auto_text))) char *

void memory_auto_text(char **text);

/* The pointer's value; the pointer itself becomes NULL. */
#define take(pointer)                                                          \
	({                                                                     \
		__typeof__(*(pointer)) taken_ = *(pointer);                    \
		*(pointer) = NULL;                                             \
		taken_;                                                        \
	})

DEFINE_AUTO_RELEASE(error)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
