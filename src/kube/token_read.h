/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_TOKEN_READ_H
#define KUBE_TOKEN_READ_H

#include "base/source.h"
#include "kube/token.h"

/*
 * Reads back what `kpki token` wrote: a Secret, a combined manifest of many, a
 * token in plain text, lines of a token file.  They are told apart by the first
 * line that says something.
 *
 * A manifest's YAML is read with the secrets taken out, so that they are never
 * in memory that is not wiped; only a line
 *
 *	  token-secret: "abcdefghij012345"
 *
 * is recognised, or the same in single quotes, and one secret a document.
 * Messages never quote what may be a secret.
 */
#define TOKEN_SOURCE_MAX ((size_t)256 << 20)

/* May take() the token; false stops, with err set. */
typedef bool token_visit(void *data, struct token **token,
	struct error *err);

/* One token after the other; ERROR_INPUT when there is none. */
MUST_CHECK bool token_read(struct source *source, token_visit *visit,
	void *data, struct error *err);

/* A token in plain text at the beginning of a text, which goes on with
 * something else; NULL when there is none. */
struct token *token_begin(const char *text, size_t len);

/* A token in plain text that is the whole of a secret, an end of line aside;
 * NULL when it is none. */
struct token *token_of_secret(const struct secret *text);

/* A file that holds exactly one. */
MUST_CHECK bool token_read_one(struct source *source,
	struct token **ret_token, struct error *err);

#endif
