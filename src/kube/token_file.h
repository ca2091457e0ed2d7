/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_TOKEN_FILE_H
#define KUBE_TOKEN_FILE_H

#include "base/secret.h"
#include "base/source.h"

/*
 * kube-apiserver's --token-auth-file as it reads it, whoever wrote it: lines of
 * token, user, uid and a column of groups (Kubernetes: apiserver/pkg/
 * authentication/token/tokenfile; Go: encoding/csv).
 */
#define TOKEN_FILE_MAX ((size_t)16 << 20)

struct token_line {
	unsigned line;
	size_t n_columns;
	const struct secret *token; /* as long as it stands there; may be empty */
	const char *user, *uid;     /* "" where there is no such column */
	const char *groups;         /* the fourth column, commas between */
};

/* Hands out one line after the other, while the call lasts.  ERROR_INPUT for
 * what encoding/csv refuses: a quote in the middle of a column, or one that
 * does not end.  The number of columns is for the visitor to judge. */
typedef bool token_line_visit(void *data, const struct token_line *line,
	struct error *err);
MUST_CHECK bool token_file_read(struct source *source,
	token_line_visit *visit, void *data, struct error *err);

/* Does a text look like one?  Its first line that is not empty has three
 * columns or more, no control characters, and no blank or colon in the first
 * column. */
bool token_file_look(const char *text, size_t len);

#endif
