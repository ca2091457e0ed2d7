/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_VERIFY_RULES_H
#define CMD_VERIFY_RULES_H

#include "cli/command.h"

/* `kpki verify --list-rules`: the table, as a report. */
MUST_CHECK bool verify_list_rules(const struct command_call *call,
	struct error *err);

#endif
