/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_REDACT_H
#define KUBE_REDACT_H

#include "base/document.h"
#include "base/secret.h"

/*
 * YAML or JSON whose secrets are taken out before anything parses it.
 *
 * What a parser has read stays behind in memory that nobody wipes.  So the file
 * is read into a secret, the values of some keys are put aside, each into a
 * secret of its own, and only the rest, with placeholders, is parsed:
 *
 *	redact(source, keys, n_keys, &redacted, err)
 *	redacted_parse(redacted, &root, err)
 *	secret = redacted_secret(redacted, document_text(node))
 *
 * A value stands on one line with its key, plain or in quotes, without escapes;
 * ERROR_INPUT for one that is written otherwise, or that YAML would not take for
 * text.  Messages never quote a value.
 */
#define REDACT_MAX ((size_t)4 << 20)

struct redacted;

MUST_CHECK bool redact(struct source *source, const char *const keys[],
	size_t n_keys, struct redacted **ret_redacted, struct error *err);

/* The one document; what begins with a brace is JSON. */
MUST_CHECK bool redacted_parse(const struct redacted *redacted,
	struct document **ret_root, struct error *err);
/* All documents, as document_read_yaml_all. */
MUST_CHECK bool redacted_parse_all(const struct redacted *redacted,
	struct document **ret_list, struct error *err);

/* What a placeholder stands for; NULL when the text is none. */
const struct secret *redacted_secret(const struct redacted *redacted,
	const char *text);

void redacted_free(struct redacted *redacted);
DEFINE_AUTO_FREE(redacted)

#endif
