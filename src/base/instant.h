/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include "base/error.h"
#include <stdint.h>

/*
 * A moment in time, in whole seconds, always UTC; and spans between moments.
 *
 * Text is RFC 3339 ("2026-11-24T01:14:59Z"; an offset is accepted and turned
 * into UTC, a fraction of a second is cut off) and nothing else.  A span is a
 * whole number and a unit, or several of them in a row from large to small:
 * "90d", "1y", "12h", "1d12h", "30m", "45s", "2w".  A year is 365 days, as
 * everywhere in Kubernetes.  Years run from 1970 to 9999, the last that a
 * certificate can say (RFC 5280, 4.1.2.5).
 */
struct instant {
	int64_t seconds; /* since 1970-01-01T00:00:00Z */
};

#define SPAN_MINUTE ((int64_t)60)
#define SPAN_HOUR (60 * SPAN_MINUTE)
#define SPAN_DAY (24 * SPAN_HOUR)
#define SPAN_YEAR (365 * SPAN_DAY)

/* Room for "9999-12-31T23:59:59Z" and the NUL. */
#define INSTANT_TEXT 21

struct instant instant_now(void);

/* Later by so many seconds, which may be negative; stops at either end of the
 * years above. */
struct instant instant_add(struct instant at, int64_t seconds);

/* ERROR_INPUT: `"2026-13-01": not a time (RFC 3339) …`. */
MUST_CHECK bool instant_parse(const char *text, struct instant *ret_at,
	struct error *err);
MUST_CHECK bool span_parse(const char *text, int64_t *ret_seconds,
	struct error *err);

/* Either of them; a span counts from `from`. */
MUST_CHECK bool instant_parse_or_span(const char *text, struct instant from,
	struct instant *ret_at, struct error *err);

/* RFC 3339 in UTC; returns text. */
char *instant_format(struct instant at, char text[static INSTANT_TEXT]);

/* As the kubelet writes it in file names: "2026-11-24-01-14-59". */
char *instant_format_file(struct instant at, char text[static INSTANT_TEXT]);

/* The shortest spelling that span_parse reads as the same: "1y", "90d", "36h".
 * For the caller to free(). */
char *span_format(int64_t seconds);

#endif
