/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CONTROL_PLACE_H
#define KUBE_CONTROL_PLACE_H

#include "kube/control_plane.h"
#include "kube/place.h"

/*
 * What stands in the place where a tree of the control plane would go, as a
 * directory or a tar.
 */
struct control_place {
	bool taken;
	bool current;  /* one of its certificates is the live one */
	char *missing; /* a file that is not there, or that does not say what
	                  it should; or NULL */
	/* Those that are in its files, for who does not know it. */
	struct certificate **certificates;
	size_t n_certificates, allocated;
};
#define CONTROL_PLACE_INIT {0}

/* `live` has the certificate of each of the plan's, with len 0 for one that is
 * not live; out is -1 when there is no output directory.  Follows no link. */
MUST_CHECK bool control_place_look(int out, const struct control_plan *plan,
	enum bundle_format format, const struct der *live,
	struct control_place *ret_place, struct error *err);
void control_place_release(struct control_place *place);
DEFINE_AUTO_RELEASE(control_place)

#endif
