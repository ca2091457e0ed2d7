/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/init_ca.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "cmd/subordinate.h"
#include "pki/key_token.h"

/* While another CA has not signed it. */
static const struct report_column request_columns[] = {
	{"status", "STATUS", 0},
	{"path", "PATH", 0},
	{"request", "REQUEST", 0},
	{"subject", "SUBJECT", 0},
	{"pin", "PIN", 0},
	{NULL, NULL, 0},
};

/* -- asking -- */

static bool make_key(
	const struct init_ca *init, struct key **ret_key, struct error *err)
{
	const struct init_ca_settings *settings = init->settings;
	enum key_type type = init->request.key_type;

	if (!authority_check_key_type(type, err))
		return false;
	return settings->key ? key_make_uri(settings->key, type,
				       custody_of(init->custody, settings->key),
				       ret_key, err)
			     : key_generate(type, ret_key, err);
}

/* Whoever is to sign it is asked before anything is written. */
static bool rehearse(const struct subordinate_signer *signer,
	const struct buffer *request, struct error *err)
{
	struct subordinate_signer dry;
	AUTO_FREE(certificate) ignored = NULL;

	if (!signer)
		return true;
	dry = *signer;
	dry.dry = true;
	return subordinate_sign(&dry, der_of(request), &ignored, err);
}

static bool apply(struct init_ca *init, const struct subordinate_signer *signer,
	bool *ret_fresh, struct error *err)
{
	AUTO_FREE(key) key = NULL;
	AUTO_RELEASE(buffer) request = BUFFER_INIT;
	struct birth_plan plan = {.cluster = init->cluster};
	bool raced;

	*ret_fresh = init->state == BIRTH_NOTHING;
	if (!*ret_fresh)
		return true;
	if (!make_key(init, &key, err) ||
		!subordinate_request(
			init->request.common_name, key, &request, err) ||
		!rehearse(signer, &request, err) ||
		(init->settings->seal && !custody_choose(init->custody, CA_KEY,
						 &plan.passphrase, err)))
		return false;
	plan.key = key;
	plan.request = der_of(&request);
	init->publishing = true;
	if (!birth_make(init->path, &plan, init->call->shared->lock_timeout,
		    &raced, err))
		return false;
	init->publishing = false;
	/* somebody else's is as good, or differs, which is found next */
	*ret_fresh = !raced;
	if (!raced)
		init->state = BIRTH_REQUESTED;
	return true;
}

/* Opens what has been asked for, in this run or before. */
static bool open_asked(const struct init_ca *init,
	struct subordinate **ret_subordinate, struct error *err)
{
	const struct init_ca_settings *settings = init->settings;
	AUTO_FREE(subordinate) it = NULL;
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;

	if (!subordinate_open(init->path, &it, err))
		return false;
	init_ca_compare_cluster(settings, init->cluster, it->cluster, &drift);
	if (settings->common_name &&
		strcmp(it->request->asked->common_name, settings->common_name))
		init_ca_differ(&drift, "--common-name",
			it->request->asked->common_name, settings->common_name);
	if (!init_ca_compare_key(settings, it->dir, it->custody, &drift, err))
		return error_context(err, "\"%s\"", init->path);
	if (drift.len)
		return error_set(err, ERROR_REFUSED,
			"\"%s\": has a request already, and %s", init->path,
			drift.data);
	*ret_subordinate = take(&it);
	return true;
}

static bool report_request(const struct init_ca *init,
	const struct subordinate *asked, bool fresh, struct error *err)
{
	const struct certificate *wanted = asked->request->asked;
	AUTO_FREE(report) report = NULL;
	struct document *row = document_new_map();
	AUTO_TEXT file = memory_format("%s/" CA_REQUEST, init->path);
	char pin[PIN_TEXT];

	document_put_text(row, "status", fresh ? "requested" : "unchanged");
	document_put_text(row, "path", init->path);
	document_put_text(row, "request", file);
	document_put_text(row, "subject", wanted->subject_text);
	document_put_text(row, "pin", sha256_pin(&wanted->pin, pin));
	report = context_report(init->call, request_columns,
		init->call->shared->quiet ? REPORT_SILENT : REPORT_RECORD,
		stdout);
	report_row(report, row);
	return report_close(report, true, err);
}

bool init_ca_run_request(struct init_ca *init, struct error *err)
{
	AUTO_FREE(subordinate) asked = NULL;
	bool fresh;

	if (init->state == BIRTH_DONE)
		return init_ca_report_kept(init, err);
	return apply(init, NULL, &fresh, err) &&
	       open_asked(init, &asked, err) &&
	       report_request(init, asked, fresh, err);
}

/* -- taking what was signed -- */

bool init_ca_read_answer(const char *path, struct certificate **ret_certificate,
	struct issuers *ret_issuers, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	return file_read(AT_FDCWD, path, ISSUERS_TEXT_MAX, &text, err) &&
	       (issuers_read_behind(
			der_of(&text), ret_certificate, ret_issuers, err) ||
		       error_context(err, "\"%s\"", path));
}

static bool finish(struct init_ca *init, const struct subordinate *asked,
	const struct certificate *certificate, const struct issuers *issuers,
	struct error *err)
{
	bool raced;

	if (!subordinate_check(asked, certificate, issuers, instant_now(), err))
		return false;
	init->publishing = true;
	if (!birth_complete(init->path, certificate, issuers,
			init->call->shared->lock_timeout, &raced, err))
		return false;
	init->publishing = false;
	return raced ? init_ca_report_kept(init, err)
		     : init_ca_report(
			       init->call, init->path, certificate, true, err);
}

bool init_ca_run_complete(struct init_ca *init, struct error *err)
{
	const char *file = init->settings->complete;
	AUTO_FREE(subordinate) asked = NULL;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RELEASE(issuers) issuers = {.n_items = 0};

	if (init->state == BIRTH_NOTHING)
		return error_set(err, ERROR_INPUT,
			"\"%s\": has no request (kpki init-ca --request makes "
			"one)",
			init->path);
	if (init->state == BIRTH_DONE)
		return init_ca_report_kept(init, err);
	return open_asked(init, &asked, err) &&
	       init_ca_read_answer(file, &certificate, &issuers, err) &&
	       (finish(init, asked, certificate, &issuers, err) ||
		       error_context(err, "\"%s\"", file));
}

static bool open_signer(const struct init_ca *init, struct context **ret_signer,
	struct error *err)
{
	struct stat own, other;
	const char *path = init->settings->issued_by;

	if (!stat(init->path, &own) && !stat(path, &other) &&
		file_is_same(&own, &other))
		return error_set(err, ERROR_USAGE,
			"--issued-by \"%s\": is the PKI directory itself",
			path);
	if (init->state == BIRTH_DONE)
		return true;
	return context_open_at(init->call, path,
		NEEDS_CLUSTER | NEEDS_CA | NEEDS_LEDGER_WRITE, ret_signer, err);
}

static bool add_issuers(const struct context *signer, struct issuers *issuers,
	struct error *err)
{
	if (!issuers_add(issuers, authority_certificate(signer->ca), err))
		return false;
	for (size_t i = 0; i < signer->issuers.n_items; i++)
		if (!issuers_add(issuers, signer->issuers.items[i], err))
			return false;
	return true;
}

bool init_ca_run_issued(struct init_ca *init, struct error *err)
{
	AUTO_FREE(context) root = NULL;
	AUTO_FREE(subordinate) asked = NULL;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RELEASE(issuers) issuers = {.n_items = 0};
	struct subordinate_signer signer = {
		.validity = init->settings->ca_validity};
	bool fresh;

	if (!open_signer(init, &root, err))
		return false;
	if (init->state == BIRTH_DONE)
		return init_ca_report_kept(init, err);
	signer.context = root;
	signer.permit = &init->permit;
	if (!permit_check_cluster(&init->permit, root, init->cluster, err))
		return false;
	return apply(init, &signer, &fresh, err) &&
	       open_asked(init, &asked, err) &&
	       subordinate_sign(&signer, asked->der, &certificate, err) &&
	       add_issuers(root, &issuers, err) &&
	       finish(init, asked, certificate, &issuers, err);
}
