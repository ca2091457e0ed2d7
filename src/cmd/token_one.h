/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_TOKEN_ONE_H
#define CMD_TOKEN_ONE_H

#include "cmd/context.h"
#include "cmd/token_make.h"

/*
 * One token, that is for no node in particular, and its report.
 */
struct token_one {
	const struct command_call *call;
	struct context *context;
	const struct token_wish *wish;
	bool clock_back;
};

/* To standard output.  It is recorded first: a token that is out and that
 * nobody knows of is worse than one that is known and not out. */
MUST_CHECK bool token_one_print(const struct token_one *one,
	struct error *err);

/* To a new file, which appears together with its row. */
MUST_CHECK bool token_one_save(const struct token_one *one, const char *path,
	struct error *err);

#endif
