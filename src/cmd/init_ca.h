/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_INIT_CA_H
#define CMD_INIT_CA_H

#include "cmd/birth.h"
#include "cmd/context.h"
#include "cmd/permit.h"

/*
 * What kpki init-ca does for a CA that another one signs is in a file of its
 * own; this is what the two share.
 */
struct init_ca_settings {
	const char *cluster;
	const char *server;
	const char *common_name;
	const char *key_type;
	const char *ca_validity;
	const char *validity;
	const char *dns_domain;
	const char *service_cidr;
	const char *kubernetes_version;
	const char *signing;
	const char *layout;
	const char *import_cert;
	const char *import_key;
	const char *key;
	bool seal;
	const char *issued_by;
	bool request;
	const char *complete;
	struct text_list permit_dns, permit_ip;
};

/* One run, and what its options ask for. */
struct init_ca {
	const struct command_call *call;
	const struct init_ca_settings *settings;
	char *path;
	struct cluster *cluster;
	struct authority_request request;
	struct custody *custody;
	enum birth_state state;
	bool publishing; /* what fails now has failed, whoever else goes on */
	struct permit permit; /* of the CA that --issued-by signs */
};

/* What of an existing CA is not as the options say, with both values. */
void init_ca_differ(struct buffer *drift, const char *option, const char *is,
	const char *asked);
void init_ca_compare_cluster(const struct init_ca_settings *settings,
	const struct cluster *asked, const struct cluster *is,
	struct buffer *drift);
MUST_CHECK bool init_ca_compare_key(const struct init_ca_settings *settings,
	int dir, enum key_custody custody, struct buffer *drift,
	struct error *err);

/* What a signer gave back: the certificate, and behind it who signed it. */
MUST_CHECK bool init_ca_read_answer(const char *path,
	struct certificate **ret_certificate, struct issuers *ret_issuers,
	struct error *err);

MUST_CHECK bool init_ca_report(const struct command_call *call,
	const char *path, const struct certificate *certificate, bool fresh,
	struct error *err);
/* Holds what is there to the options, and reports it as unchanged. */
MUST_CHECK bool init_ca_report_kept(
	const struct init_ca *init, struct error *err);

/* --request, --complete and --issued-by */
MUST_CHECK bool init_ca_run_request(struct init_ca *init, struct error *err);
MUST_CHECK bool init_ca_run_complete(struct init_ca *init, struct error *err);
MUST_CHECK bool init_ca_run_issued(struct init_ca *init, struct error *err);

#endif
