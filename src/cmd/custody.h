/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_CUSTODY_H
#define CMD_CUSTODY_H

#include "cli/command.h"
#include "pki/key.h"

/*
 * Passphrases of authorities' keys, for one run of a command: what
 * --passphrase-file or --passphrase-fd gave, else what is typed on the
 * terminal, asked for when the first sealed key turns up, and kept for the next
 * key until custody_free.
 *
 * No lock may be held meanwhile: people take their time.
 */
struct custody;

struct custody *custody_new(const struct command_call *call) NEVER_NULL;

/* For a key that is read; its file is named in the question. */
const struct key_custodian *custody_of(
	struct custody *custody, const char *file) NEVER_NULL;

/* The passphrase that opened the last sealed key; NULL: there was none.  The
 * custody's own. */
const struct secret *custody_known(const struct custody *custody);

/* One to seal the key in file with: given, or asked for twice. */
MUST_CHECK bool custody_choose(struct custody *custody, const char *file,
	const struct secret **ret_passphrase, struct error *err);

/* The same, whatever an option gave, which is the old one. */
MUST_CHECK bool custody_ask_new(struct custody *custody, const char *file,
	const struct secret **ret_passphrase, struct error *err);

void custody_free(struct custody *custody);
DEFINE_AUTO_FREE(custody)

#endif
