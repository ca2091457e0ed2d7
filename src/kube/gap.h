/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_GAP_H
#define KUBE_GAP_H

#include "base/document.h"
#include "base/file.h"

/*
 * A text with a gap where a secret goes: what stands before and behind it is
 * public, and the secret itself is only ever put between the two by whoever
 * writes the file.
 */
struct gap {
	struct buffer head, tail;
};
#define GAP_INIT {BUFFER_INIT, BUFFER_INIT}

#define GAP_PARTS 3

/*
 * The document as YAML, with the gap inside the quotes of the one empty text
 * under this key.  Nothing that an operator names can look like it: inside
 * quotes, a quote has a backslash.
 */
MUST_CHECK bool gap_write(const struct document *root, const char *key,
	struct gap *ret_gap, struct error *err);

/* The whole, for whoever writes it; borrows both. */
void gap_fill(const struct gap *gap, const struct secret *secret,
	struct file_part parts[static GAP_PARTS]);

void gap_release(struct gap *gap);
DEFINE_AUTO_RELEASE(gap)

#endif
