/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_ROTATION_NOTE_H
#define KUBE_ROTATION_NOTE_H

#include "kube/cluster.h"
#include "kube/rotation.h"

/*
 * What whoever carries the tree of a stage to a host has to know: which flags
 * take the bundle, what is restarted and in which order, how it is shown to be
 * done, and how to go back.
 */
struct rotation_note {
	enum rotation_target target;
	unsigned stage, from;
	const char *host;
	unsigned places; /* bits of enum rotation_place */
	const struct cluster *cluster;
};
void rotation_note_write(
	const struct rotation_note *note, struct buffer *text);

#endif
