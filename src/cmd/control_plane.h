/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_CONTROL_PLANE_H
#define CMD_CONTROL_PLANE_H

#include "cli/report.h"
#include "cmd/context.h"

/*
 * The trees of a control plane: what `kpki control-plane` is told, and the work,
 * for who does it in the course of something else.
 */
struct control_plane_settings {
	const char *out;
	struct text_list hosts;
	const char *format;
	bool with_ca_key;
	bool with_admin_conf;
	bool with_super_admin;
	bool reissue;
	bool staged; /* only what differs is issued anew */
	const char *key_type;
	const char *validity;
	const char *layout;
	bool allow_clock_back;
};

/* The context has NEEDS_CLUSTER, NEEDS_CA and NEEDS_LEDGER_WRITE, and was
 * recovered.  A row of control_columns for each tree. */
MUST_CHECK bool control_plane_trees(struct context *context,
	const struct control_plane_settings *settings, bool quiet,
	struct report *report, struct error *err);

#endif
