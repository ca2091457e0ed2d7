/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CLI_NOTE_H
#define CLI_NOTE_H

#include "base/error.h"

/*
 * A line to the operator on standard error that is no failure: a default that
 * was clamped, a name past a bound.  "kpki: note: …"; nothing with --quiet.
 * A warning is never silenced: "kpki: warning: …".
 */
void note(bool quiet, const char *format, ...) PRINTF(2, 3);
void warning(const char *format, ...) PRINTF(1, 2);

#endif
