/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_NODE_CSR_H
#define CMD_NODE_CSR_H

#include "base/placement.h"
#include "cli/command.h"
#include "cli/report.h"

/*
 * node-csr has two halves: it makes keys and requests, and later puts the
 * certificates that came back in their places.
 */
struct node_csr_settings {
	struct text_list addresses;
	const char *profile;
	const char *key_type;
	const char *out;
	struct text_list complete;
	const char *root;
	const char *kubelet_config_base;
};

/* The second half. */
MUST_CHECK bool node_csr_complete(const struct command_call *call,
	struct error *err);

/* The directory of the keys: --out, or the node's name; nobody else works in it
 * as long as it is open. */
const char *node_csr_directory(const struct node_csr_settings *settings,
	const char *node);
MUST_CHECK bool node_csr_lock(int dir, const char *path, struct error *err);

/* A report with a row for each file. */
struct report *node_csr_report(const struct command_call *call);
struct document *node_csr_row(const char *node, const char *path,
	enum placement_way way);

#endif
