/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_PRODUCT_H
#define CMD_PRODUCT_H

#include "base/buffer.h"
#include "cli/command.h"

/*
 * A public text that a command makes: to standard output, or to a file.
 *
 * A file appears whole or not at all, and nothing is ever overwritten: one that
 * is there and says the same is `unchanged`, one that says something else is
 * ERROR_REFUSED.  With standard output as the product there is no report:
 * --json is then ERROR_USAGE.
 */

/* Whether --out, which may be NULL, means standard output. */
bool product_is_stream(const char *out);

/* Refuses --json beside a product on standard output. */
MUST_CHECK bool product_check_usage(const struct command_call *call,
	const char *out, struct error *err);

/* Makes the file, mode 0644; *ret_fresh false: it was there already. */
MUST_CHECK bool product_save(const char *path, const struct buffer *text,
	bool *ret_fresh, struct error *err);

/* The same below a directory, which is made, 0700, and one in it, 0755, where
 * the name has a slash. */
MUST_CHECK bool product_save_in(const char *out, const char *name,
	const struct buffer *text, bool *ret_fresh, struct error *err);

/* To standard output. */
MUST_CHECK bool product_print(const struct buffer *text, struct error *err);

/* One file or standard output, and the report. */
MUST_CHECK bool product_deliver(const struct command_call *call,
	const char *out, const struct buffer *text, struct error *err);

/* For commands that make several files: a report with a row for each. */
struct report *product_report(const struct command_call *call);
void product_row(struct report *report, const char *path, bool fresh);

#endif
