/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_CONTEXT_H
#define CMD_CONTEXT_H

#include "cli/command.h"
#include "cli/report.h"
#include "cmd/custody.h"
#include "cmd/trust.h"
#include "kube/cluster.h"
#include "kube/profile.h"
#include "pki/authority.h"
#include "pki/issuers.h"
#include "pki/ledger.h"

/*
 * What most commands start from: a PKI directory, opened as far as they need.
 */
#define CA_CERTIFICATE "ca.crt"
#define CA_KEY "ca.key"
#define CA_REQUEST "ca.csr" /* instead of ca.crt, until another CA signs it */
#define CA_CHAIN "ca-chain.crt" /* those who signed ca.crt */
#define CA_KEY_MAX ((size_t)64 * 1024)

enum context_needs {
	NEEDS_CLUSTER = 1,
	NEEDS_CA = 2,           /* certificate and key, valid now; the command
				 * has to take TAKES_PASSPHRASE */
	NEEDS_LEDGER = 4,       /* for reading */
	NEEDS_LEDGER_WRITE = 8,
	NEEDS_CA_CERTIFICATE = 16, /* without the key, valid now */
	MAY_LACK_LEDGER = 32,	   /* also during a rotation, of which it tells */
};

struct context {
	char *path; /* of the PKI directory, as the operator says it */
	int dir;
	struct instant now;
	int64_t lock_timeout; /* seconds */
	char *cluster_path;
	struct cluster *cluster;
	struct custody *custody;
	struct authority *ca;
	struct certificate *ca_certificate; /* see NEEDS_CA_CERTIFICATE … */
	struct buffer ca_pem;               /* … and without text around it */
	struct issuers issuers;             /* of either; none of a root */
	struct ledger *ledger;
	int64_t ca_number; /* in the ledger */
	struct trust trust;
};

/* --dir, else $KPKI_DIR, else "pki"; for free(). */
char *context_directory(const struct command_call *call);

MUST_CHECK bool context_open(const struct command_call *call, unsigned needs,
	struct context **ret_context, struct error *err);
/* The same of the PKI directory at path, whatever --dir is. */
MUST_CHECK bool context_open_at(const struct command_call *call,
	const char *path, unsigned needs, struct context **ret_context,
	struct error *err);
void context_free(struct context *context);
DEFINE_AUTO_FREE(context)

/* What takes a bundle gets this: the CA's certificate, and behind it, while the
 * CA is rotated, the other one that is trusted.  Needs NEEDS_CA or
 * NEEDS_CA_CERTIFICATE. */
const struct buffer *context_trust(const struct context *context);
/* The same while there is a bundle at all, which is since the CA's first
 * rotation; else NULL. */
const struct buffer *context_bundle(const struct context *context);

/* ERROR_REFUSED while two are trusted: what a node puts in place itself has
 * one. */
MUST_CHECK bool context_require_one_ca(const struct context *context,
	struct error *err);

/* Reads the CA and what is trusted again, after the rotation went on. */
MUST_CHECK bool context_reload(struct context *context, struct error *err);

/* The key of a further authority of the directory, as the first one's is kept:
 * plain, or sealed under the same passphrase; plain beside one in a token.  Needs NEEDS_CA. */
MUST_CHECK bool context_write_key(const struct context *context,
	const struct key *key, struct secret **ret_pem, struct error *err);

/* How ca.key is kept. */
MUST_CHECK bool context_key_custody(const struct context *context,
	enum key_custody *ret_custody, struct error *err);

/* ERROR_REFUSED when a file or directory at out is the PKI directory or would
 * be anywhere in it.  NULL and "-" are standard output. */
MUST_CHECK bool context_check_out(const struct context *context,
	const char *out, struct error *err);

/* A file's path taken apart: its directory, for free(), and its name in there.
 * ERROR_USAGE when it has none. */
MUST_CHECK bool context_split_out(const char *out, char **ret_directory,
	const char **ret_name, struct error *err);

/* --at, else now. */
MUST_CHECK bool context_at(const struct command_call *call,
	struct instant *ret_at, struct error *err);

/* The time that members of a tar have: SOURCE_DATE_EPOCH, for tars that do not
 * depend on the hour, else now. */
MUST_CHECK bool context_archive_time(const struct context *context,
	struct instant *ret_time, struct error *err);

/* An option's value that breaks a rule is the command line's fault: ERROR_INPUT
 * becomes ERROR_USAGE.  Always false. */
bool context_blame(struct error *err, const char *option);

/* The command's report, begun: JSON when --json was given, otherwise in
 * `format`. */
struct report *context_report(const struct command_call *call,
	const struct report_column *columns, enum report_format format,
	FILE *out);
/* The same for a report that is not of the command's usual kind. */
struct report *context_report_of(const struct command_call *call,
	const char *kind, const struct report_column *columns,
	enum report_format format, FILE *out);

/* Holds a certificate that this CA has just issued to the rules of kpki verify
 * (verify/issued.h): ERROR_FAILED.  Thread-safe. */
MUST_CHECK bool context_check_issued(const struct context *context,
	const struct authority *ca, const struct profile *profile,
	const struct buffer *der, struct error *err);

/* What the pki floor says to the operator. */
void context_warn(const char *sentence);

#endif
