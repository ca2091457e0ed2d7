/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

/* Text as a terminal may see it: control characters, characters that nobody
 * sees, and bytes that are not UTF-8 become \xNN, as in the sentence of an
 * error.  For the caller to free(). */
char *printable(const char *text);

#endif
