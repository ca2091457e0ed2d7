/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/document.h"
#include <stdio.h>

/*
 * What a command says when it is done: rows as aligned text, CSV or versioned
 * JSON.  Rows go out as they come, so a report on a million certificates
 * needs the memory of one row.
 *
 *	report = report_new(kind, format, columns, true, stdout);
 *	report_row(report, row);           … once per item
 *	report_close(report, done, err);   exactly once, on failure too
 *
 * JSON is exactly one object:
 *
 *	{"apiVersion":"kpki/v1","kind":"NodeBundleReport","items":[…],
 *	 "error":{"code","file","line","rule","message"}}
 *
 * where "error" is there only when there is one, its "code" is the exit status,
 * and of the rest what is known.  A JSON item has a line of its own.
 *
 * Text columns are as wide as the table says and wider when a value needs it; a
 * missing value is "-".  Outside of JSON values never carry control characters
 * to a terminal: they are written as \xNN.
 */
enum report_format {
	REPORT_TEXT,   /* a line a row */
	REPORT_RECORD, /* a line a column, with its heading: for one row */
	REPORT_PAGE,   /* the same for many rows, each a paragraph of what it
	                  has, an item of a list a line */
	REPORT_JSON,
	REPORT_CSV,
	REPORT_SILENT, /* nothing: what --quiet asks for */
};

struct report_column {
	const char *key;     /* of the row's map; lists are joined by "," */
	const char *heading; /* upper case; NULL: not in text */
	unsigned width;      /* least, in characters */
};

struct report;

/* columns end with a row whose key is NULL; NULL columns: JSON only.  CSV (RFC
 * 4180: with a header line of the keys, lines end in CR LF) has every column;
 * text those with headings, and a heading line before the first row only when
 * `headings` is set.  kind, columns and out are borrowed. */
struct report *report_new(const char *kind, enum report_format format,
	const struct report_column *columns, bool headings, FILE *out);

/* Adds a member of the JSON object itself, before the first row; nothing in
 * the other formats. */
void report_member(struct report *report, const char *key,
	struct document *taken_value);

/* A row is a map; a member that is NULL or missing is left out or empty.
 * Failing to write is found at report_end. */
void report_row(struct report *report, struct document *taken_row);

/* Ends the object, flushes, and checks that every byte went out
 * (ERROR_FAILED: "standard output: …").  error may be NULL or not set. */
MUST_CHECK bool report_end(struct report *report, const struct error *error,
	struct error *err);

/* Ends with err as the report's error when the work was not done; true when
 * both work and report are. */
MUST_CHECK bool report_close(struct report *report, bool done,
	struct error *err);

void report_free(struct report *report);
DEFINE_AUTO_FREE(report)

#endif
