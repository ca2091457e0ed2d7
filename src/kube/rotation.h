/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_ROTATION_H
#define KUBE_ROTATION_H

#include <stddef.h>

#include "base/error.h"

/*
 * Another key in the place of one of the cluster's: what each stage means, and
 * who would no longer accept whom.
 *
 * A stage is two facts: which keys are trusted, and which one signs.  While it is
 * rolled out each host, and each component of it, is still at the stage before
 * or already at this one; a step is good when every edge holds in every mixture
 * of the two.
 */
enum rotation_target {
	ROTATION_CA,
	ROTATION_FRONT_PROXY_CA,
	ROTATION_ETCD_CA,
	ROTATION_SERVICE_ACCOUNT, /* no CA: the key that signs tokens */
	ROTATION_TARGETS,
};

/* "ca", "front-proxy-ca", "etcd-ca", "sa" */
const char *rotation_target_name(enum rotation_target target);
MUST_CHECK bool rotation_target_parse(const char *text,
	enum rotation_target *ret_target, struct error *err);

enum rotation_key {
	ROTATION_OLD = 1,
	ROTATION_NEW = 2,
};

struct rotation_stage {
	unsigned trusted; /* bits of enum rotation_key */
	enum rotation_key signer;
	const char *summary;
};
#define ROTATION_LAST 3
extern const struct rotation_stage rotation_stages[ROTATION_LAST + 1];

/* Where a component runs. */
enum rotation_place {
	ROTATION_CONTROL = 1, /* hosts of the control plane */
	ROTATION_ETCD = 2,    /* hosts of etcd */
	ROTATION_NODE = 4,    /* all that have a kubelet */
	ROTATION_PEOPLE = 8,  /* administrators and users */
};

/* Who shows what to whom, and by what that one knows it. */
struct rotation_edge {
	enum rotation_target target;
	const char *presenter, *credential;
	unsigned presented_on; /* bits of enum rotation_place */
	const char *verifier, *by; /* a flag, a field or a file */
	unsigned verified_on;
};
/* The i-th; NULL behind the last. */
const struct rotation_edge *rotation_edge(size_t i);

/* ERROR_REFUSED naming the edge that a mixture of the two stages breaks.  The
 * stages are rotation_stages, but for a test. */
MUST_CHECK bool rotation_check(const struct rotation_stage *stages,
	enum rotation_target target, unsigned from, unsigned to,
	struct error *err);

#endif
