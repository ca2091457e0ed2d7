/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_BATCH_H
#define CMD_BATCH_H

#include "cli/report.h"
#include "cmd/context.h"
#include "cmd/token_make.h"
#include "kube/bundle.h"
#include "kube/inventory.h"
#include "kube/place.h"

/*
 * Issuing bundles for many nodes, a chunk at a time: decide what each node
 * needs (cmd/decision.h), make and stage its bundle on all cores, and record
 * and publish one chunk (pki/release.h) while the next is being made.  In the
 * end the Secrets that go with tokens are brought up to date
 * (cmd/bundle_secrets.h).
 */
struct batch {
	struct context *context;
	const struct inventory *inventory;
	const struct bundle_kit *kit;
	struct lifetime lifetime;
	const char *detail; /* bundle_detail_write's, for the ledger */
	enum bundle_format format;
	bool stream;      /* one tar of all nodes on standard output */
	const char *out;  /* the output directory, unless a stream */
	const struct token_wish *wish; /* of the tokens to bootstrap with; NULL:
	                                  credentials are certificates */
	bool serving;
	bool kube_proxy;
	bool reissue;
	bool require_bundle;
	bool named;       /* the nodes were named on the command line */
	int64_t since;    /* what is of this entry of the ledger, or before it,
	                     differs; 0: nothing does for that */
	bool has_issued_before;
	struct instant issued_before;
	struct instant archive_time; /* mtime of tar members */
	unsigned chunk;   /* nodes */
	unsigned jobs;    /* threads */
	bool clock_back;
	bool quiet;
};

/* Rows of these columns, one a node, in the order of the names. */
extern const struct report_column batch_columns[];
extern const struct report_column batch_bootstrap_columns[];

/*
 * Does all it can and reports each node.  False with one summary error of the
 * worst kind when any node was not done; the report has every node either
 * way.
 */
MUST_CHECK bool batch_run(const struct batch *batch, struct report *report,
	struct error *err);

#endif
