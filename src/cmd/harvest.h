/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_HARVEST_H
#define CMD_HARVEST_H

#include "pki/certificate.h"

/*
 * The certificates that are in files and, below directories, in all regular
 * files, each once: PEM blocks, with whatever stands around them, and those of
 * users in kubeconfigs.  Private
 * keys are passed over, and what is read is wiped.
 */
struct harvest_item {
	char *path; /* of the first file that has it */
	struct certificate *certificate;
	struct error error; /* why it could not be read, or what the rest of
			       the work says */
};

struct harvest {
	struct harvest_item *items; /* oldest first, by their notBefore */
	size_t n_items, allocated;
};

/* What breaks a rule is an item of its own, with its error; a path that is
 * named must have a certificate (ERROR_INPUT).  Below a directory, no link
 * is followed, and what a command left in a stage does not count. */
MUST_CHECK bool harvest_read(const char *const *paths, size_t n_paths,
	struct harvest *ret_harvest, struct error *err);
void harvest_release(struct harvest *harvest);
DEFINE_AUTO_RELEASE(harvest)

#endif
