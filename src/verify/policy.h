/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_POLICY_H
#define VERIFY_POLICY_H

#include "base/source.h"
#include "verify/examination.h"

/*
 * What an operator makes of the rules:
 *
 *	apiVersion: kpki/v1
 *	kind: VerifyPolicy
 *	strict: true        what is a warning in the table is an error
 *	severities:
 *	  KPKI-N021: error
 *	  KPKI-F008: off
 *
 * Read strictly: ERROR_INPUT for an unknown key, rule or severity.
 */
MUST_CHECK bool verify_policy_read(struct source *source,
	struct verify_settings *settings, struct error *err);

#endif
