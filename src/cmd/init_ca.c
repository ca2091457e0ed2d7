/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/init_ca.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cmd/commands.h"
#include "kube/profile.h"
#include "pki/key_token.h"
#include "pki/pkcs11_uri.h"

#define S struct init_ca_settings
static const struct option_spec init_ca_options[] = {
	OPTION_TEXT(S, cluster, "cluster", "NAME", "name of the cluster",
		.preset = "kubernetes"),
	OPTION_TEXT(S, server, "server", "URL",
		"the API server as nodes reach it, https://HOST[:PORT]"),
	OPTION_TEXT(S, common_name, "common-name", "CN",
		"subject of the CA certificate", .preset = "kubernetes"),
	OPTION_TEXT(S, key_type, "key-type", "TYPE",
		"ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096: of "
		"the CA, and the default for nodes",
		.preset = "ecdsa-p256"),
	OPTION_TEXT(S, ca_validity, "ca-validity", "DUR|TIME",
		"how long, or until when, the CA is valid", .preset = "10y"),
	OPTION_TEXT(S, validity, "validity", "DUR",
		"how long a node's certificates are valid", .preset = "1y"),
	OPTION_TEXT(S, dns_domain, "dns-domain", "DOMAIN",
		"the cluster's DNS domain", .preset = "cluster.local"),
	OPTION_TEXT(S, service_cidr, "service-cidr", "CIDR[,CIDR]",
		"addresses of services", .preset = "10.96.0.0/12"),
	OPTION_TEXT(S, kubernetes_version, "kubernetes-version", "VERSION",
		"what the cluster runs, such as 1.31"),
	OPTION_TEXT(S, signing, "signing", "offline|in-cluster",
		"who signs kubelets' requests: kpki, or "
		"kube-controller-manager",
		.preset = "offline", .value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, layout, "layout", "kubeadm|pem",
		"names and places of files on hosts", .preset = "kubeadm",
		.value = OPTION_VALUE_CHOICE),
	OPTION_TEXT(S, import_cert, "import-cert", "FILE",
		"take this CA certificate instead of making one",
		.value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, import_key, "import-key", "FILE",
		"the key of --import-cert; or its pkcs11: URI",
		.value = OPTION_VALUE_FILE),
	OPTION_TEXT(S, key, "key", "URI",
		"the pkcs11: URI of the CA's key: made there unless it is"),
	OPTION_FLAG(S, seal, "seal",
		"put the CA's key under a passphrase, asked for twice"),
	OPTION_TEXT(S, issued_by, "issued-by", "DIR",
		"let the CA of this PKI directory sign this one",
		.value = OPTION_VALUE_DIRECTORY),
	OPTION_FLAG(S, request, "request",
		"make the key, and a request for another CA to sign"),
	OPTION_TEXT(S, complete, "complete", "FILE",
		"take the certificate that came back, and who signed it",
		.value = OPTION_VALUE_FILE),
	OPTION_PERMIT(S),
	OPTION_END,
};

static const struct report_column init_ca_columns[] = {
	{"status", "STATUS", 0},
	{"path", "PATH", 0},
	{"subject", "SUBJECT", 0},
	{"fingerprint", "FINGERPRINT", 0},
	{"pin", "PIN", 0},
	{"notAfter", "EXPIRES", 0},
	{NULL, NULL, 0},
};

/* The options that are keys of the cluster file. */
static const struct {
	const char *option, *key;
	size_t offset;
} cluster_options[] = {
	{"--cluster", "name", offsetof(S, cluster)},
	{"--server", "server", offsetof(S, server)},
	{"--kubernetes-version", "kubernetesVersion",
		offsetof(S, kubernetes_version)},
	{"--dns-domain", "dnsDomain", offsetof(S, dns_domain)},
	{"--service-cidr", "serviceCIDRs", offsetof(S, service_cidr)},
	{"--signing", "signing", offsetof(S, signing)},
	{"--layout", "layout", offsetof(S, layout)},
	{"--key-type", "keyType", offsetof(S, key_type)},
	{"--validity", "validity", offsetof(S, validity)},
};

static const char *option_text(const S *settings, size_t i)
{
	return *(const char *const *)((const char *)settings +
				      cluster_options[i].offset);
}

static bool fill_cluster(
	const S *settings, struct cluster *cluster, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(cluster_options); i++) {
		const char *text = option_text(settings, i);

		if (text && !cluster_set(
				    cluster, cluster_options[i].key, text, err))
			return context_blame(err, cluster_options[i].option);
	}
	return true;
}

/* Does another CA sign this one? */
static bool is_subordinate(const S *settings)
{
	return settings->issued_by || settings->request || settings->complete;
}

/* What a run that waits for another CA, or goes on with what is there, has no
 * use for. */
static bool check_signer_usage(const S *settings, struct error *err)
{
	const struct {
		const char *option, *other;
		bool is_wrong;
	} pairs[] = {
		{"--issued-by", "--request",
			settings->issued_by && settings->request},
		{"--issued-by", "--complete",
			settings->issued_by && settings->complete},
		{"--request", "--complete",
			settings->request && settings->complete},
		{"--import-cert", "--issued-by, --request and --complete",
			settings->import_cert && is_subordinate(settings)},
		{"--ca-validity", "--request",
			settings->ca_validity && settings->request},
		{"--ca-validity", "--complete",
			settings->ca_validity && settings->complete},
		{"--key", "--complete", settings->key && settings->complete},
		{"--seal", "--complete", settings->seal && settings->complete},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].is_wrong)
			return error_set(err, ERROR_USAGE,
				"%s and %s exclude each other", pairs[i].option,
				pairs[i].other);
	return true;
}

static bool check_usage(
	const struct command_call *call, const S *settings, struct error *err)
{
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;

	if (!check_signer_usage(settings, err))
		return false;
	if (!settings->issued_by &&
		settings->permit_dns.n_items + settings->permit_ip.n_items)
		return error_set(err, ERROR_USAGE,
			"--permit-dns and --permit-ip go with --issued-by; for "
			"a request kpki sign takes them");
	if (settings->key && (settings->import_cert || settings->seal))
		return error_set(err, ERROR_USAGE,
			"--key and %s exclude each other",
			settings->import_cert ? "--import-cert" : "--seal");
	if (call->shared->passphrase && !settings->seal && !settings->key &&
		!settings->import_key && !settings->issued_by)
		return error_set(err, ERROR_USAGE,
			"a passphrase goes with --seal, --key, --import-key or "
			"--issued-by: without them the key is plain");
	if (settings->key && !pkcs11_uri_parse(settings->key, &uri, err))
		return context_blame(err, "--key");
	if (!settings->import_cert != !settings->import_key)
		return error_set(err, ERROR_USAGE,
			"--import-cert and --import-key go together");
	if (settings->import_cert &&
		(settings->common_name || settings->ca_validity))
		return error_set(err, ERROR_USAGE,
			"%s: an imported CA has its own",
			settings->common_name ? "--common-name"
					      : "--ca-validity");
	return true;
}

static bool check_common_name(const char *name, struct error *err)
{
	enum { BOUND = 64 }; /* X.520, ub-common-name */
	AUTO_RELEASE(buffer) encoded = BUFFER_INIT;

	if (!certificate_name(NULL, 0, name, &encoded, err))
		return context_blame(err, "--common-name");
	if (utf8_count(name) > BOUND)
		return error_set(err, ERROR_USAGE,
			"--common-name \"%s\": longer than %d characters "
			"(RFC 5280, ub-common-name)",
			name, BOUND);
	return true;
}

/* A root must tell its subordinates apart. */
static const char *default_name(
	const S *settings, const struct cluster *cluster)
{
	if (settings->common_name)
		return settings->common_name;
	return is_subordinate(settings) ? cluster->name : "kubernetes";
}

static bool plan_authority(const S *settings, const struct cluster *cluster,
	struct instant now, struct authority_request *ret_request,
	struct error *err)
{
	const char *validity =
		settings->ca_validity ? settings->ca_validity : "10y";

	ret_request->common_name = default_name(settings, cluster);
	ret_request->key_type = cluster->key_type;
	ret_request->not_before = instant_add(now, -PROFILE_BACKDATE);
	if (!check_common_name(ret_request->common_name, err))
		return false;
	if (!instant_parse_or_span(validity, now, &ret_request->not_after, err))
		return context_blame(err, "--ca-validity");
	if (ret_request->not_after.seconds <= now.seconds)
		return error_set(err, ERROR_USAGE,
			"--ca-validity \"%s\": is over already", validity);
	return true;
}

/* What of an existing CA is not as the options say, each with both values. */
void init_ca_differ(struct buffer *drift, const char *option, const char *is,
	const char *asked)
{
	drift_add(
		drift, "%s is \"%s\", not \"%s\"", option, is ? is : "", asked);
}

void init_ca_compare_cluster(const S *settings, const struct cluster *asked,
	const struct cluster *is, struct buffer *drift)
{
	for (size_t i = 0; i < ARRAY_SIZE(cluster_options); i++) {
		const char *key = cluster_options[i].key;
		AUTO_TEXT old = cluster_get(is, key);
		AUTO_TEXT new = cluster_get(asked, key);

		if (option_text(settings, i) && strcmp(old ? old : "", new))
			init_ca_differ(
				drift, cluster_options[i].option, old, new);
	}
}

static void compare_authority(const S *settings,
	const struct authority_request *asked, const struct certificate *is,
	struct buffer *drift)
{
	int64_t life = is->not_after.seconds - is->not_before.seconds;
	int64_t asked_life =
		asked->not_after.seconds - asked->not_before.seconds;
	char old[INSTANT_TEXT], new[INSTANT_TEXT];

	if (settings->common_name &&
		(!is->common_name ||
			strcmp(is->common_name, settings->common_name)))
		init_ca_differ(drift, "--common-name", is->common_name,
			settings->common_name);
	if (settings->ca_validity && life != asked_life &&
		is->not_after.seconds != asked->not_after.seconds)
		init_ca_differ(drift, "--ca-validity (its end)",
			instant_format(is->not_after, old),
			instant_format(asked->not_after, new));
}

static bool import(const S *settings, struct custody *custody,
	struct authority **ret_ca, struct error *err)
{
	const struct birth_source source = {
		.certificate_path = settings->import_cert,
		.key_path = settings->import_key,
		.custodian = custody_of(custody, settings->import_key),
	};

	return birth_import(&source, instant_now(), ret_ca, err);
}

static bool compare_import(const S *settings, const struct context *context,
	const struct certificate *is, struct buffer *drift, struct error *err)
{
	AUTO_FREE(authority) imported = NULL;

	if (!settings->import_cert)
		return true;
	if (!import(settings, context->custody, &imported, err))
		return false;
	if (!der_equal(authority_certificate(imported)->whole, is->whole))
		init_ca_differ(drift, "--import-cert", is->subject_text,
			authority_certificate(imported)->subject_text);
	return true;
}

/* Is it what --issued-by says, or what --complete brings? */
static bool compare_signer(const struct command_call *call,
	const struct certificate *is, struct buffer *drift, struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then another signed it */
	AUTO_FREE(context) signer = NULL;
	AUTO_FREE(certificate) brought = NULL;
	AUTO_RELEASE(issuers) issuers = {.n_items = 0};

	if (settings->request)
		drift_add(drift, "--request asks for another");
	if (settings->complete && !init_ca_read_answer(settings->complete,
					  &brought, &issuers, err))
		return false;
	if (brought && !der_equal(brought->whole, is->whole))
		drift_add(drift, "it is not the one in \"%s\"",
			settings->complete);
	if (!settings->issued_by)
		return true;
	if (!context_open_at(call, settings->issued_by, NEEDS_CA_CERTIFICATE,
		    &signer, err))
		return false;
	if (!der_equal(is->issuer, signer->ca_certificate->subject) ||
		!certificate_verify(
			is, signer->ca_certificate->public_key, &ignored))
		drift_add(drift, "\"%s\" did not sign it", settings->issued_by);
	return true;
}

/* Nobody is asked for a passphrase or a PIN to be told that nothing changes. */
static bool open_kept(const struct command_call *call,
	struct context **ret_context, enum key_custody *ret_custody,
	struct error *err)
{
	AUTO_FREE(context) context = NULL;
	unsigned needs = NEEDS_CLUSTER | NEEDS_LEDGER;

	if (!context_open(call, needs | NEEDS_CA_CERTIFICATE, &context, err) ||
		!context_key_custody(context, ret_custody, err))
		return false;
	if (*ret_custody != KEY_PLAIN) {
		*ret_context = take(&context);
		return true;
	}
	return context_open(call, needs | NEEDS_CA | NEEDS_CA_CERTIFICATE,
		ret_context, err);
}

/* The text of a key that is in a token is no secret; any other is, and is not
 * read here. */
bool init_ca_compare_key(const S *settings, int dir, enum key_custody custody,
	struct buffer *drift, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (settings->seal && custody != KEY_SEALED)
		drift_add(drift, "its key is not sealed");
	if (!settings->key)
		return true;
	if (custody != KEY_IN_TOKEN) {
		drift_add(drift, "its key is in no token");
		return true;
	}
	if (!file_read(dir, CA_KEY, CA_KEY_MAX, &text, err))
		return false;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (strcmp(text.data, settings->key))
		init_ca_differ(drift, "--key", text.data, settings->key);
	return true;
}

static bool keep(const struct command_call *call, const struct cluster *asked,
	const struct authority_request *request,
	struct certificate **ret_certificate, struct error *err)
{
	const S *settings = call->settings;
	AUTO_FREE(context) context = NULL;
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	const struct certificate *is;
	enum key_custody custody;

	if (!open_kept(call, &context, &custody, err))
		return false;
	is = context->ca_certificate;
	init_ca_compare_cluster(settings, asked, context->cluster, &drift);
	compare_authority(settings, request, is, &drift);
	if (!init_ca_compare_key(settings, context->dir, custody, &drift, err))
		return error_context(err, "\"%s\"", context->path);
	if (!compare_import(settings, context, is, &drift, err) ||
		!compare_signer(call, is, &drift, err))
		return false;
	if (drift.len)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": has a CA already, and %s", context->path,
			drift.data);
	return certificate_read(is->whole, ret_certificate, err);
}

bool init_ca_report(const struct command_call *call, const char *path,
	const struct certificate *certificate, bool fresh, struct error *err)
{
	AUTO_FREE(report) report = NULL;
	struct document *row = document_new_map();
	AUTO_TEXT fingerprint =
		hex_of(certificate->fingerprint.bytes, SHA256_LEN);
	char pin[PIN_TEXT];

	document_put_text(row, "status", fresh ? "issued" : "unchanged");
	document_put_text(row, "path", path);
	document_put_text(row, "subject", certificate->subject_text);
	document_put_text(row, "fingerprint", fingerprint);
	document_put_text(row, "pin", sha256_pin(&certificate->pin, pin));
	document_put_instant(row, "notAfter", certificate->not_after);
	report = context_report(call, init_ca_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_RECORD, stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

/* A key that was sealed when it came stays so, under the same passphrase. */
static bool choose_passphrase(const S *settings, const struct authority *ca,
	struct custody *custody, const struct secret **ret_passphrase,
	struct error *err)
{
	if (key_custody(authority_key(ca)) == KEY_SEALED) {
		*ret_passphrase = custody_known(custody);
		return true;
	}
	return !settings->seal ||
	       custody_choose(custody, CA_KEY, ret_passphrase, err);
}

static bool find_authority(const S *settings, struct custody *custody,
	const struct authority_request *request, struct authority **ret_ca,
	struct error *err)
{
	AUTO_FREE(key) key = NULL;

	if (settings->import_cert)
		return import(settings, custody, ret_ca, err);
	if (!settings->key)
		return authority_create(request, ret_ca, err);
	return key_make_uri(settings->key, request->key_type,
		       custody_of(custody, settings->key), &key, err) &&
	       authority_create_with(request, &key, ret_ca, err);
}

static void init_ca_release(struct init_ca *init)
{
	permit_release(&init->permit);
	cluster_free(init->cluster);
	custody_free(init->custody);
	free(init->path);
}
DEFINE_AUTO_RELEASE(init_ca)

bool init_ca_report_kept(const struct init_ca *init, struct error *err)
{
	AUTO_FREE(certificate) kept = NULL;

	return keep(init->call, init->cluster, &init->request, &kept, err) &&
	       birth_tidy(init->path, init->call->shared->lock_timeout, err) &&
	       init_ca_report(init->call, init->path, kept, false, err);
}

/* -- a CA of its own -- */

static bool make(struct init_ca *init, struct error *err)
{
	AUTO_FREE(authority) ca = NULL;
	struct birth_plan plan = {.cluster = init->cluster};
	bool raced;

	if (!find_authority(
		    init->settings, init->custody, &init->request, &ca, err) ||
		!choose_passphrase(init->settings, ca, init->custody,
			&plan.passphrase, err))
		return false;
	plan.key = authority_key(ca);
	plan.ca = authority_certificate(ca);
	init->publishing = true;
	if (!birth_make(init->path, &plan, init->call->shared->lock_timeout,
		    &raced, err))
		return false;
	init->publishing = false;
	return raced ? init_ca_report_kept(init, err)
		     : init_ca_report(
			       init->call, init->path, plan.ca, true, err);
}

static bool run_own(struct init_ca *init, struct error *err)
{
	switch (init->state) {
	case BIRTH_NOTHING:
		return make(init, err);
	case BIRTH_REQUESTED:
		return error_set(err, ERROR_REFUSED,
			"\"%s\": waits for the certificate that \"" CA_REQUEST
			"\" asks for (--complete, --issued-by)",
			init->path);
	case BIRTH_DONE:
		break;
	}
	return init_ca_report_kept(init, err);
}

static bool run(struct init_ca *init, struct error *err)
{
	if (init->settings->request)
		return init_ca_run_request(init, err);
	if (init->settings->complete)
		return init_ca_run_complete(init, err);
	return init->settings->issued_by ? init_ca_run_issued(init, err)
					 : run_own(init, err);
}

/* Did somebody else go on while we did?  A state never goes back. */
static bool was_overtaken(struct init_ca *init)
{
	AUTO_RELEASE(error)
	ignored = ERROR_INIT; /* ours is the one that counts */
	enum birth_state state;

	if (init->publishing || !birth_look(init->path, &state, &ignored) ||
		state <= init->state)
		return false;
	init->state = state;
	return true;
}

static bool init_ca_run(const struct command_call *call, struct error *err)
{
	const S *settings = call->settings;
	AUTO_RELEASE(init_ca)
	init = {.call = call,
		.settings = settings,
		.path = context_directory(call),
		.cluster = cluster_new(),
		.custody = custody_new(call)};

	if (!check_usage(call, settings, err) ||
		!permit_read(&settings->permit_dns, &settings->permit_ip,
			&init.permit, err) ||
		!fill_cluster(settings, init.cluster, err) ||
		!plan_authority(settings, init.cluster, instant_now(),
			&init.request, err) ||
		!birth_look(init.path, &init.state, err))
		return false;
	while (!run(&init, err)) {
		if (!was_overtaken(&init))
			return false;
		error_release(err);
	}
	return true;
}

const struct command command_init_ca = {
	.name = "init-ca",
	.summary = "create, or import, a cluster's CA",
	.takes = TAKES_DIR | TAKES_JSON | TAKES_PASSPHRASE,
	.report_kind = "InitCAReport",
	.options = init_ca_options,
	.settings_size = sizeof(S),
	.run = init_ca_run,
};
