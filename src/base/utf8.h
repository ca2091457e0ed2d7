/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * UTF-8 (RFC 3629, 4): no overlong form, no surrogate, nothing beyond U+10FFFF.
 */

#define UTF8_MAX 4 /* bytes of a character */

/* How many of these len bytes the first character takes, and its code point; 0
 * when they do not begin with one.  A NUL ends a sequence like any byte that
 * does not go on with it, so for C strings UTF8_MAX will do as len. */
size_t utf8_decode(const void *bytes, size_t len, uint32_t *ret_point);

/* The characters of a text that is UTF-8. */
size_t utf8_count(const char *text);

/* What drives a terminal (C0, DEL, C1, separators of lines), and what it does
 * not show although it is there (Unicode: Default_Ignorable_Code_Point), such
 * as what turns the direction of writing. */
bool utf8_is_hidden(uint32_t point);

#endif
