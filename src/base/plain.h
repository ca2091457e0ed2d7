/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "base/document.h"

/*
 * What a plain (unquoted) YAML scalar is: text only when YAML 1.1, YAML 1.2
 * and the readers of Kubernetes, which take a little of each, agree that it is.
 *
 *	number   42  1_000  017  0o17  0x1f  0b1  1e3  .5  .inf  12:30  2026-11-24
 *	boolean  true  false  yes  no  on  off  y  n     (or True, or TRUE)
 *	null     null  ~  and nothing
 *	text     10.0.0.1  1.31.2  fd00::1  .  -
 */
enum document_kind plain_kind(const char *text);

#endif
