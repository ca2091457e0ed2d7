/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"

/* What libFuzzer calls, and replay.c: one input; 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What must be true of every input. */
static inline void hold(bool claim)
{
	if (!claim)
		abort();
}

/* What is refused is the input's own fault, and says so. */
static inline void hold_refusal(struct error *err)
{
	hold(err->kind == ERROR_INPUT && err->message && err->message[0]);
	error_release(err);
}

#endif
