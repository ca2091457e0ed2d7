/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_AFFIX_H
#define BASE_AFFIX_H

#include <stdbool.h>

/* A text begins and ends with itself, and with "". */
bool text_begins(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

#endif
