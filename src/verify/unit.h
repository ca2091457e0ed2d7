/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_UNIT_H
#define VERIFY_UNIT_H

#include "verify/file.h"

/*
 * What belongs together: the files of one host or of one PKI directory, or all
 * the single files of a command line.
 *
 * Nothing is followed: a link, or a path in a kubeconfig, is looked up among the
 * files of the unit, and is nothing else.
 */
enum unit_kind { UNIT_FILES, UNIT_PKI, UNIT_KUBERNETES, UNIT_HOST };

struct unit {
	enum unit_kind kind;
	char *path; /* the operand, or below it; "" of UNIT_FILES */
	char *node; /* of a host: its name as far as the path tells, or NULL */
	bool is_named; /* and the path does tell: one of many bundles */
	bool is_stray; /* what lies beside bundles, and is none */
	struct file **files; /* in the order of their paths */
	size_t n_files, allocated;
	size_t n_artifacts; /* in all of them, as far as they were read */
	/* with nothing in them but modes; the root, "", among them */
	struct file **directories;
	size_t n_directories, directories_allocated;
};

#define UNIT_FILES_MAX 4096
#define UNIT_ARTIFACTS_MAX 16384

struct unit *unit_new(enum unit_kind kind, const char *path, const char *node);

/* A new file, zeroed but for its paths; one that is there already is marked as
 * being there twice. */
struct file *unit_add(struct unit *unit, const char *inside);

/* A directory that has files, or may have. */
void unit_add_directory(struct unit *unit, const char *inside, mode_t mode);

/* When all files are there: gives each artifact its duty, and looks into what
 * can only be told then. */
void unit_seal(struct unit *unit);

/* A file by its path below the root, links resolved inside the unit; NULL when
 * there is none or the link leaves it. */
const struct file *unit_find(const struct unit *unit, const char *inside);
/* The same for a path as a host knows it ("/etc/kubernetes/pki/ca.crt"), or
 * relative to the directory of another file of the unit. */
const struct file *unit_find_from(const struct unit *unit,
	const struct file *from, const char *path);
/* Is there anything in the directory of a path, as above?  Of one that is not
 * here nobody knows what it holds. */
bool unit_has_beside(const struct unit *unit, const struct file *from,
	const char *path);
/* Does this link, or path in a file, lead out of the tree? */
bool unit_leaves(const struct unit *unit, const struct file *from,
	const char *path);

/* One after the other: NULL begins, NULL ends.  Of one kind; a duty NULL: any. */
const struct artifact *unit_next(const struct unit *unit,
	const struct artifact *previous, enum artifact_kind kind,
	const char *duty);

void unit_free(struct unit *unit);
DEFINE_AUTO_FREE(unit)

#endif
