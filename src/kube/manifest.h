/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_MANIFEST_H
#define KUBE_MANIFEST_H

#include "base/document.h"

/*
 * Kubernetes objects from templates.
 *
 * A template is YAML, one or more documents, in whose values ${NAME} stands for
 * text: as a whole scalar or within one.  It is parsed first, filled in scalar
 * by scalar, and written again, so a value can never become syntax, a key or
 * another type.  There is no logic in a template.
 *
 *	manifest_new(dir, &manifest, err)
 *	manifest_add(manifest, template, values, n_values, err)   … for each
 *	manifest_write(manifest, &text, err)
 *
 * ERROR_INPUT with file and line: a placeholder that is unknown, does not end
 * or stands in a key; a document that is no object (apiVersion, kind and
 * metadata.name); an object that was added before.
 */
struct manifest;

struct manifest_value {
	const char *name; /* of the placeholder: "GROUP" */
	const char *text;
};

/* The templates of the project, part of the program; ends with NULL. */
struct manifest_template {
	const char *name; /* "auto-approve-csrs-for-group" */
	const char *text;
};
extern const struct manifest_template manifest_templates[];

/* A template is DIR/NAME.yaml when dir is given and has it, and the program's
 * otherwise. */
MUST_CHECK bool manifest_new(const char *dir, struct manifest **ret_manifest,
	struct error *err);

/* Adds what one of manifest_templates makes of the values. */
MUST_CHECK bool manifest_add(struct manifest *manifest, const char *name,
	const struct manifest_value values[], size_t n_values,
	struct error *err);

/* All objects as one YAML stream.  ERROR_INPUT when a directory was given and
 * none of the templates was found there: it is not the one that was meant. */
MUST_CHECK bool manifest_write(const struct manifest *manifest,
	struct buffer *text, struct error *err);

void manifest_free(struct manifest *manifest);
DEFINE_AUTO_FREE(manifest)

#endif
