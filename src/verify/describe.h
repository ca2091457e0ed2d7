/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_DESCRIBE_H
#define VERIFY_DESCRIBE_H

#include "base/instant.h"
#include "verify/file.h"

/*
 * What an artifact is, in Kubernetes' words: a row for a report, in whose
 * member "meaning" are the sentences, and around it what they rest on.
 *
 * Nothing is judged, that is what rules are for; and no secret is in a row, be
 * it a key, a token or a password.  Texts are the file's own: printable is the
 * caller's to make.
 */
struct document *describe_artifact(
	const struct artifact *artifact, struct instant at);

#endif
