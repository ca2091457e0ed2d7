/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_SIGN_ITEM_H
#define CMD_SIGN_ITEM_H

#include "cmd/context.h"
#include "kube/request_policy.h"

/*
 * One request on its way through `kpki sign`: read (cmd/sign_read.h), judged
 * and signed (cmd/sign_issue.h), written (cmd/sign_write.h), reported.
 */
struct sign_item {
	char *label;   /* how the operator knows it: the object's name, or
	                  FILE, or FILE:2 for the second in a file */
	char *file;    /* and where it stands, for messages */
	unsigned line;
	struct csr_object *object; /* it came in, or NULL */
	struct request *request;   /* the object's, or its own */
	bool finished; /* an object that has had its answer already */
	const struct profile *profile;
	struct request_grant grant; /* of what may be signed */
	const char *rule;           /* that decided */
	/* what came of it */
	bool would_sign; /* everything speaks for it */
	bool signed_now, unchanged;
	struct certificate *certificate; /* new, or the one it has */
	char *path;                      /* where it was written, or NULL */
	struct error error;
};

struct sign {
	struct context *context;
	const struct inventory *inventory; /* or NULL */
	const char *profile;               /* that was asked for, or NULL */
	const char *user;
	const struct text_list *groups;
	struct lifetime lifetime;
	/* of a CA: what it may sign for */
	const struct alt_name *permitted;
	size_t n_permitted;
	bool reissue, deny, dry_run, clock_back;
	struct sign_item *items;
	size_t n_items, allocated;
};

/* Appends an empty one; label and file are copied. */
struct sign_item *sign_add(struct sign *sign, const char *label,
	const char *file, unsigned line);
void sign_release(struct sign *sign);
/* Those from the n-th on. */
void sign_forget(struct sign *sign, size_t n);
DEFINE_AUTO_RELEASE(sign)

/* The name the certificate is for: a node, or a user; "-" while none is
 * granted. */
const char *sign_item_name(const struct sign_item *item);

extern const struct report_column sign_columns[];
struct document *sign_row(const struct sign_item *item);

#endif
