/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_RENEWAL_NOTE_H
#define KUBE_RENEWAL_NOTE_H

#include "kube/bundle.h"
#include "kube/control_plane.h"

/*
 * What whoever carries something renewed to a host has to know: which files
 * change, what is restarted, and in which order.
 */

/* Of a node's bundle, which stands in a directory NAME beside the note. */
void renewal_note_bundle(const struct node *node, enum layout layout,
	const struct bundle_kit *kit, struct buffer *text);

/* Of a tree of the control plane, which stands in a directory NAME beside it. */
void renewal_note_tree(const struct control_plan *plan, struct buffer *text);

/* Of certificates for keys that the node has, in NAME.yaml beside it. */
void renewal_note_certificates(const struct node *node, struct buffer *text);

/* Of an authority's own certificate. */
void renewal_note_ca(enum control_authority which, enum layout layout,
	struct instant before, struct buffer *text);

#endif
