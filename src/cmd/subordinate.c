/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/subordinate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/sign_issue.h"
#include "pki/pem.h"
#include "pki/recovery.h"

#define CLUSTER_MAX ((size_t)1 << 20)

static const struct profile *profile_of_subordinate(void)
{
	return profile_find("subordinate-ca");
}

/* -- asking -- */

bool subordinate_request(const char *common_name, const struct key *key,
	struct buffer *der, struct error *err)
{
	AUTO_RELEASE(buffer) name = BUFFER_INIT;
	struct request_plan plan = {
		.key_usage = profile_of_subordinate()->key_usage};

	if (!authority_check_key_type(key_type(key), err) ||
		!certificate_name(NULL, 0, common_name, &name, err))
		return false;
	plan.subject = der_of(&name);
	return request_sign(&plan, key, der, err);
}

void subordinate_free(struct subordinate *subordinate)
{
	if (!subordinate)
		return;
	if (subordinate->dir >= 0)
		close(subordinate->dir);
	cluster_free(subordinate->cluster);
	request_free(subordinate->request);
	free(subordinate->path);
	free(subordinate);
}

static bool read_request(
	int dir, struct request **ret_request, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	return file_read(dir, CA_REQUEST, REQUEST_MAX, &text, err) &&
	       (request_read_pem(text.data, text.len, ret_request, err) ||
		       error_context(err, "\"" CA_REQUEST "\""));
}

/* A key that is asked for nothing signed the request, when it was made. */
static bool check_key(struct subordinate *it, struct error *err)
{
	AUTO_FREE(secret) pem = NULL;
	AUTO_FREE(key) key = NULL;

	if (!file_read_secret(it->dir, CA_KEY, CA_KEY_MAX, &pem, err))
		return false;
	if (!key_text_custody(pem, &it->custody, err))
		return error_context(err, "\"" CA_KEY "\"");
	if (it->custody != KEY_PLAIN)
		return true;
	if (!key_open(pem, NULL, &key, err))
		return error_context(err, "\"" CA_KEY "\"");
	return der_equal(key_public(key), it->request->asked->public_key) ||
	       error_set(err, ERROR_INPUT,
		       "\"" CA_KEY "\": not the key of \"" CA_REQUEST "\"");
}

static bool read_cluster(
	const char *path, struct cluster **ret_cluster, struct error *err)
{
	AUTO_TEXT file = memory_format("%s/" CLUSTER_FILE, path);
	AUTO_FREE(source) source = NULL;

	return source_open(file, CLUSTER_MAX, &source, err) &&
	       cluster_read(source, ret_cluster, err);
}

bool subordinate_open(const char *path, struct subordinate **ret_subordinate,
	struct error *err)
{
	AUTO_FREE(subordinate) it = memory_new(1, sizeof(*it));

	it->dir = -1;
	it->path = memory_text(path);
	if (!directory_open(AT_FDCWD, path, &it->dir, err) ||
		!read_cluster(path, &it->cluster, err))
		return false;
	if (!read_request(it->dir, &it->request, err) || !check_key(it, err))
		return error_context(err, "\"%s\"", path);
	it->der = it->request->asked->whole;
	*ret_subordinate = take(&it);
	return true;
}

/* -- signing -- */

static bool accept(void *data, struct sign_item *item, struct error *err)
{
	(void)data, (void)item, (void)err;
	return true;
}

static bool recover(const struct subordinate_signer *signer, struct error *err)
{
	const struct release_settings settings = {
		.lock_timeout = signer->context->lock_timeout,
		.warn = context_warn};

	return signer->dry ||
	       recovery_run(signer->context->ledger, &settings, err);
}

static bool sign_one(const struct subordinate_signer *signer, struct sign *sign,
	struct certificate **ret_certificate, struct error *err)
{
	struct sign_item *item = &sign->items[0];

	if (!recover(signer, err) || !sign_issue(sign, accept, NULL, err))
		return false;
	if (item->error.kind) {
		error_move(err, &item->error);
		return false;
	}
	*ret_certificate = take(&item->certificate);
	return true;
}

bool subordinate_sign(const struct subordinate_signer *signer,
	struct der request, struct certificate **ret_certificate,
	struct error *err)
{
	static const struct text_list no_groups;
	struct context *context = signer->context;
	const struct certificate *ca = authority_certificate(context->ca);
	AUTO_RELEASE(sign)
	sign = {.context = context,
		.profile = profile_of_subordinate()->name,
		.groups = &no_groups,
		.permitted = signer->permit->items,
		.n_permitted = signer->permit->n_items,
		.dry_run = signer->dry};
	bool clamped;

	if (!profile_lifetime(ca, signer->validity, PROFILE_CA_LIFE,
		    context->now, &sign.lifetime, &clamped, err))
		return context_blame(err, "--ca-validity");
	return request_read(request,
		       &sign_add(&sign, CA_REQUEST, CA_REQUEST, 0)->request,
		       err) &&
	       (sign_one(signer, &sign, ret_certificate, err) ||
		       error_context(err, "\"%s\"", context->path));
}

/* -- taking what came back -- */

static bool check_against(const struct request *request,
	const struct certificate *certificate, struct error *err)
{
	const struct certificate *asked = request->asked;

	if (!der_equal(certificate->public_key, asked->public_key))
		return error_set(err, ERROR_INPUT,
			"CA certificate \"%s\": of another key than "
			"\"" CA_REQUEST "\"",
			certificate->subject_text);
	return !strcmp(certificate->subject_text, asked->subject_text) ||
	       error_set(err, ERROR_INPUT,
		       "CA certificate: its subject is \"%s\", not \"%s\", "
		       "which "
		       "was asked for",
		       certificate->subject_text, asked->subject_text);
}

bool subordinate_check(const struct subordinate *subordinate,
	const struct certificate *certificate, const struct issuers *issuers,
	struct instant now, struct error *err)
{
	if (!check_against(subordinate->request, certificate, err) ||
		!authority_check_certificate(certificate, now, err))
		return false;
	if (issuers->n_items == 0)
		return error_set(err, ERROR_INPUT,
			"CA certificate \"%s\": its issuer's certificate does "
			"not follow it",
			certificate->subject_text);
	return issuers_check(issuers, certificate, now, err);
}
