/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_LEDGER_H
#define CMD_LEDGER_H

#include "cmd/context.h"
#include "pki/ledger_history.h"

/*
 * The actions of `kpki ledger`; cmd/ledger.c has their table.  Each has the
 * command's settings.
 */
struct ledger_settings {
	const char *checkpoint;
	const char *out;
	const char *node;
	const char *profile;
	bool allow_clock_back;
};

/* Entries as JSON Lines to standard output. */
MUST_CHECK bool ledger_run_export(
	const struct command_call *call, struct error *err);

/* Two copies: what each lacks. */
MUST_CHECK bool ledger_run_diff(
	const struct command_call *call, struct error *err);

/* Certificates into a ledger, which is made when it is not there. */
MUST_CHECK bool ledger_run_import(
	const struct command_call *call, struct error *err);

#endif
