/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_KUBECONFIG_ISSUE_H
#define CMD_KUBECONFIG_ISSUE_H

#include "cli/report.h"
#include "cmd/context.h"
#include "kube/profile.h"

/*
 * One kubeconfig with a key and a certificate of its own, which appears in its
 * file together with its row in the ledger (pki/release.h).
 *
 * What is done follows from what the ledger holds live of the profile and the
 * name, and from what stands in the file's place:
 *
 *	nothing live                     issue
 *	live and true, file there        unchanged
 *	live and true, file not there    refused: the key was not kept
 *	live, and something differs      refused, naming what
 *	live, and --reissue              issue anew
 *
 * A file that is there gives way only to its successor: to a kubeconfig of the
 * same profile and name.
 */
struct kubeconfig_order {
	struct context *context; /* its cluster has the server */
	const struct profile *profile;
	const char *name;   /* in the ledger: the user, or the host */
	const char *user;   /* in the kubeconfig: the common name */
	struct holder holder;
	enum key_type key_type;
	struct lifetime lifetime;
	const char *out; /* a file */
	bool reissue, clock_back;
};

/* Does it, and adds a row of kubeconfig_columns, also when it fails. */
extern const struct report_column kubeconfig_columns[];
MUST_CHECK bool kubeconfig_issue(const struct kubeconfig_order *order,
	struct report *report, struct error *err);

#endif
