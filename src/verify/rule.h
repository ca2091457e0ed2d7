/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_RULE_H
#define VERIFY_RULE_H

#include "verify/duty.h"
#include "verify/unit.h"

/*
 * THE table of rules: what may be wrong, what that means in the cluster, what
 * the component would say, how to mend it, and where it is written.  The
 * program, kpki-verify(1) and the tests read the same rows.
 *
 * A rule is a short function over one artifact and its relations
 * (verify/examination.h); it says what it finds by finding(), as often as it
 * must, and nothing when all is well.  Rules stand in files by group, each
 * ending with its rows:
 *
 *	static void expired(struct examination *x, const struct artifact *a)
 *	{
 *		if (a->certificate->not_after.seconds < x->settings->at.seconds)
 *			finding(x, "expired on %s", …);
 *	}
 *	const struct rule validity_rules[] = {
 *		{.id = "KPKI-C001", .check = expired, …},
 *		{.id = NULL},
 *	};
 *
 * and rule.c lists the groups.  An id is never given to another rule.  The
 * letter is the group: C certificates, A authorities and chains, N nodes and
 * names, F files, Q requests, K kubeconfigs, T tokens, R RBAC.
 */
enum severity {
	SEVERITY_OFF, /* by a policy */
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};
const char *severity_name(enum severity severity);
/* "info|warning|error", or "off". */
MUST_CHECK bool severity_parse(const char *text, enum severity *ret_severity,
	struct error *err);

struct examination;

struct rule {
	const char *id; /* "KPKI-N012" */
	enum severity severity;
	const char *title;   /* "the certificate has expired" */
	const char *meaning; /* in the cluster */
	const char *message; /* the component's own, or NULL: none says it */
	const char *mend;
	const char *source; /* RFC clause, or Kubernetes file */
	/* Asked for each artifact of these kinds (bits of KIND); 0: for each
	 * file and directory, or once for the unit. */
	unsigned kinds;
	bool per_file;
	/* Asked by artifact or by file; by unit without an artifact. */
	void (*check)(struct examination *x, const struct artifact *artifact);
};

#define KIND(kind) (1u << ARTIFACT_##kind)

/* All rows in the order of their ids; NULL begins and ends.  *index counts
 * them. */
#define RULES_MAX 192
const struct rule *rule_next(const struct rule *previous);
const struct rule *rule_find(const char *id);
size_t rule_index(const struct rule *rule);

#endif
