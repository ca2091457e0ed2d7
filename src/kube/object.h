/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "kube/redact.h"

/*
 * Kubernetes objects that somebody else wrote: one, many YAML documents, a List,
 * or a list of one kind (what `kubectl get -o yaml` or -o json prints).
 *
 * The secrets in them (of a bootstrap token, of a kubeconfig) are taken out
 * before the text is parsed; where one was is its placeholder.
 */
struct object {
	const struct document *root;
	const char *file; /* for messages … */
	unsigned line;    /* … with it */
	const char *api_version, *kind;
	const char *name, *namespace; /* of metadata; "" for none */
	const struct redacted *redacted;
};

/*
 * Hands out one object after the other, while the call lasts.  ERROR_INPUT for
 * what has no apiVersion and kind, an item that is of another kind than its
 * list's, or a name that is no text.
 */
typedef bool object_visit(void *data, const struct object *object,
	struct error *err);
MUST_CHECK bool objects_read(struct source *source, object_visit *visit,
	void *data, struct error *err);

/* A field that is text; *ret_text is NULL where it is not there, or null. */
MUST_CHECK bool object_text(const struct object *object,
	const struct document *map, const char *key, const char **ret_text,
	struct error *err);
/* A field that is a list or a map, in the same way. */
MUST_CHECK bool object_field(const struct object *object,
	const struct document *map, const char *key, enum document_kind kind,
	const struct document **ret_field, struct error *err);

#endif
