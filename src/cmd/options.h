/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include "cli/option.h"

/*
 * Rows that several commands have, each with a field of that name.
 */
#define OPTION_KEY_TYPE(settings)                                              \
	OPTION_TEXT(settings, key_type, "key-type", "TYPE",                    \
		"ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096 or "     \
		"ed25519",                                                     \
		.preset = "from the cluster file")
#define OPTION_CLOCK_BACK(settings)                                            \
	OPTION_FLAG(settings, allow_clock_back, "allow-clock-back",            \
		"go on although the clock is behind the ledger, and record "   \
		"it")

#endif
