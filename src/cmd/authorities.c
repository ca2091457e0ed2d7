/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/authorities.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pki/pem.h"

#define KEY_FILE_MAX ((size_t)64 * 1024)

/* In the order in which they go to their places.  The first certificate is the
 * last: while it is in the stage, the stage is not done with. */
static const struct {
	const char *stage, *place;
} moves[] = {
	{"sa.key", SERVICE_ACCOUNT_KEY},
	{"sa.pub", SERVICE_ACCOUNT_PUBLIC},
	{"etcd", ETCD_DIRECTORY},
	{"front-proxy-ca.key", FRONT_PROXY_CA_KEY},
	{"front-proxy-ca.crt", FRONT_PROXY_CA_CERTIFICATE},
};

static const char *const files[] = {
	FRONT_PROXY_CA_CERTIFICATE,
	FRONT_PROXY_CA_KEY,
	ETCD_CA_CERTIFICATE,
	ETCD_CA_KEY,
	SERVICE_ACCOUNT_KEY,
	SERVICE_ACCOUNT_PUBLIC,
};

void authorities_free(struct authorities *authorities)
{
	if (!authorities)
		return;
	authority_free(authorities->front_proxy);
	authority_free(authorities->etcd);
	key_free(authorities->service_account);
	free(authorities);
}

/* -- recovering -- */

/* Is the authority that the stage would bring in the ledger? */
static bool is_recorded(const struct context *context, int stage,
	bool *ret_recorded, struct error *err)
{
	AUTO_RELEASE(error) unread = ERROR_INIT; /* cut short while writing */
	AUTO_FREE(certificate) certificate = NULL;
	int64_t number = 0;

	*ret_recorded = false;
	if (!authority_read_certificate(stage, FRONT_PROXY_CA_CERTIFICATE,
		    context->now, &certificate, &unread))
		return true;
	if (!ledger_authority(context->ledger, &certificate->pin, &number, err))
		return false;
	*ret_recorded = number != 0;
	return true;
}

static bool move(
	const struct context *context, int stage, size_t i, struct error *err)
{
	bool exists = false;

	if (!file_exists(stage, moves[i].stage) ||
		file_rename_new(stage, moves[i].stage, context->dir,
			moves[i].place, &exists, err))
		return true;
	return !exists ? false
		       : error_set(err, ERROR_REFUSED,
				 "\"%s/%s\": somebody else put it there",
				 context->path, moves[i].place);
}

static bool put_in_place(
	const struct context *context, int stage, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		/* Nothing may come after the last before all others stay. */
		if (i + 1 == ARRAY_SIZE(moves) &&
			!file_sync(context->dir, context->path, err))
			return false;
		if (!move(context, stage, i, err))
			return false;
	}
	return file_sync(context->dir, context->path, err);
}

static bool settle(const struct context *context, struct error *err)
{
	AUTO_CLOSE stage = -1;
	bool recorded = false;

	if (!file_exists(context->dir, AUTHORITIES_STAGE))
		return true;
	if (!directory_open_nofollow(
		    context->dir, AUTHORITIES_STAGE, &stage, err) ||
		!is_recorded(context, stage, &recorded, err) ||
		(recorded && !put_in_place(context, stage, err)))
		return false;
	return file_remove_tree(context->dir, AUTHORITIES_STAGE, err);
}

bool authorities_recover(const struct context *context, struct error *err)
{
	bool done;

	if (!file_exists(context->dir, AUTHORITIES_STAGE))
		return true;
	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = settle(context, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- making -- */

/* As the cluster's own, where kpki can make such a key. */
static enum key_type authority_key_type(const struct context *context)
{
	enum key_type type = key_type(authority_key(context->ca));

	return type == KEY_OTHER ? KEY_ECDSA_P256 : type;
}

static bool make_authority(const struct context *context,
	enum control_authority which, struct authority **ret_authority,
	struct error *err)
{
	const char *name = control_authority_name(which);
	const struct authority_request request = {
		.common_name = profile_find(name)->common_name,
		.key_type = authority_key_type(context),
		.not_before = instant_add(context->now, -PROFILE_BACKDATE),
		.not_after = instant_add(context->now, PROFILE_CA_LIFE)};

	return authority_create(&request, ret_authority, err) ||
	       error_context(err, "%s", name);
}

struct authority_files {
	const char *certificate, *key;
};
static const struct authority_files front_proxy_files = {
	FRONT_PROXY_CA_CERTIFICATE, FRONT_PROXY_CA_KEY};
static const struct authority_files etcd_files = {
	ETCD_CA_CERTIFICATE, ETCD_CA_KEY};

static bool write_authority(const struct context *context, int dir,
	const struct authority_files *names, const struct authority *authority,
	struct error *err)
{
	const struct buffer *pem = authority_pem(authority);
	const struct file_part text = {pem->data, pem->len, NULL};
	AUTO_FREE(secret) key = NULL;
	struct file_part part = {0};

	if (!context_write_key(context, authority_key(authority), &key, err))
		return false;
	part.secret = key;
	return file_create(dir, names->certificate, 0644, &text, 1, err) &&
	       file_create(dir, names->key, 0600, &part, 1, err);
}

static bool write_service_account(
	int dir, const struct key *key, struct error *err)
{
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_FREE(secret) private = NULL;
	struct file_part part = {0};

	pem_write(&pem, "PUBLIC KEY", key_public(key));
	if (!key_write(key, &private, err))
		return false;
	part.secret = private;
	if (!file_create(dir, SERVICE_ACCOUNT_KEY, 0600, &part, 1, err))
		return false;
	part = (struct file_part){pem.data, pem.len, NULL};
	return file_create(dir, SERVICE_ACCOUNT_PUBLIC, 0644, &part, 1, err);
}

static bool write_stage(const struct context *context,
	const struct authorities *made, struct error *err)
{
	AUTO_CLOSE stage = -1;

	return directory_create(context->dir, AUTHORITIES_STAGE, 0700, err) &&
	       directory_open_nofollow(
		       context->dir, AUTHORITIES_STAGE, &stage, err) &&
	       write_authority(context, stage, &front_proxy_files,
		       made->front_proxy, err) &&
	       directory_create(stage, ETCD_DIRECTORY, 0700, err) &&
	       write_authority(context, stage, &etcd_files, made->etcd, err) &&
	       write_service_account(stage, made->service_account, err) &&
	       file_sync_tree(
		       context->dir, AUTHORITIES_STAGE, context->path, err);
}

static bool record_one(struct context *context, enum control_authority which,
	const struct authority *authority, struct error *err)
{
	int64_t number;

	return ledger_add_authority(context->ledger,
		control_authority_name(which), authority_certificate(authority),
		&number, err);
}

static bool record(struct context *context, bool clock_back,
	const struct authorities *made, struct error *err)
{
	if (ledger_begin(context->ledger, instant_now(), clock_back, err) &&
		record_one(context, CONTROL_FRONT_PROXY_CA, made->front_proxy,
			err) &&
		record_one(context, CONTROL_ETCD_CA, made->etcd, err) &&
		ledger_commit(context->ledger, err))
		return true;
	ledger_rollback(context->ledger);
	return false;
}

/* kubeadm 1.20 takes no key for service accounts but RSA. */
static bool make(struct context *context, bool clock_back, struct error *err)
{
	AUTO_FREE(authorities) made = memory_new(1, sizeof(*made));

	return make_authority(context, CONTROL_FRONT_PROXY_CA,
		       &made->front_proxy, err) &&
	       make_authority(context, CONTROL_ETCD_CA, &made->etcd, err) &&
	       key_generate(KEY_RSA_2048, &made->service_account, err) &&
	       write_stage(context, made, err) &&
	       record(context, clock_back, made, err);
}

/* -- reading -- */

static size_t count_files(const struct context *context, const char **ret_there,
	const char **ret_missing)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		bool there = file_exists(context->dir, files[i]);

		n += there;
		*(there ? ret_there : ret_missing) = files[i];
	}
	return n;
}

/* What failed may have been recorded all the same, if only until the power
 * fails: then the next command finds out. */
static void tidy(const struct context *context)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the next one tries again */
	AUTO_CLOSE stage = -1;
	bool recorded = true;

	if (directory_open_nofollow(
		    context->dir, AUTHORITIES_STAGE, &stage, &ignored) &&
		is_recorded(context, stage, &recorded, &ignored) && !recorded &&
		file_remove_tree(context->dir, AUTHORITIES_STAGE, &ignored))
		return;
	error_release(&ignored);
}

/* A lost key is not to be replaced by another in silence. */
static bool require_unknown(struct context *context,
	enum control_authority which, struct error *err)
{
	const char *profile = control_authority_name(which);
	struct ledger_row row;
	bool found = false;

	if (!ledger_live_anywhere(context->ledger, profile, "", context->now,
		    &row, &found, err))
		return false;
	return !found ||
	       error_set(err, ERROR_REFUSED,
		       "\"%s\": the ledger has a live %s, and its files are "
		       "not here: a backup has them",
		       context->path, profile);
}

/* Under an exclusive lock. */
static bool ensure(struct context *context, bool clock_back, bool *ret_fresh,
	struct error *err)
{
	const char *there = NULL, *missing = NULL;
	size_t n;

	if (!settle(context, err))
		return false;
	n = count_files(context, &there, &missing);
	if (n == ARRAY_SIZE(files))
		return true;
	if (n > 0)
		return error_set(err, ERROR_INPUT,
			"\"%s\": \"%s\" is there, and \"%s\" is not: they are "
			"made together",
			context->path, there, missing);
	if (!require_unknown(context, CONTROL_FRONT_PROXY_CA, err) ||
		!require_unknown(context, CONTROL_ETCD_CA, err))
		return false;
	if (!make(context, clock_back, err)) {
		tidy(context);
		return false;
	}
	*ret_fresh = true;
	return settle(context, err);
}

static bool open_authority(const struct context *context,
	const struct authority_files *names, struct authority **ret_authority,
	struct error *err)
{
	AUTO_TEXT file = memory_format("%s/%s", context->path, names->key);
	const struct authority_place place = {
		.dir = context->dir,
		.certificate_name = names->certificate,
		.key_name = names->key,
		.custodian = custody_of(context->custody, file),
	};

	return authority_open(&place, context->now, ret_authority, err) ||
	       error_context(err, "\"%s\"", context->path);
}

bool authorities_open_one(const struct context *context,
	enum control_authority which, struct authority **ret_authority,
	struct error *err)
{
	assert(which != CONTROL_CA);
	return open_authority(context,
		which == CONTROL_ETCD_CA ? &etcd_files : &front_proxy_files,
		ret_authority, err);
}

static bool take_place(struct context *context, enum control_authority which,
	struct error *err)
{
	AUTO_FREE(authority) other = NULL;
	bool done;

	if (!authorities_open_one(context, which, &other, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_SHARED,
			context->lock_timeout, err))
		return false;
	done = ledger_authority(context->ledger,
		&authority_certificate(other)->pin, &context->ca_number, err);
	ledger_unlock(context->ledger);
	if (!done)
		return false;
	if (!context->ca_number)
		return error_set(err, ERROR_INPUT,
			"\"%s\": the ledger does not know its CA \"%s\"",
			context->path, control_authority_name(which));
	authority_free(context->ca);
	context->ca = take(&other);
	return true;
}

bool authorities_choose(struct context *context, const char *name,
	enum control_authority *ret_which, struct error *err)
{
	int which = CONTROL_CA;

	while (name && strcmp(control_authority_name(which), name) != 0)
		which++;
	*ret_which = which;
	return which == CONTROL_CA || take_place(context, which, err);
}

static bool read_service_account(
	const struct context *context, struct key **ret_key, struct error *err)
{
	AUTO_RELEASE(buffer) public = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(secret) pem = NULL;
	AUTO_FREE(key) key = NULL;

	if (!file_read_secret(context->dir, SERVICE_ACCOUNT_KEY, KEY_FILE_MAX,
		    &pem, err) ||
		!file_read(context->dir, SERVICE_ACCOUNT_PUBLIC, KEY_FILE_MAX,
			&public, err))
		return false;
	if (!key_read(pem, &key, err))
		return error_context(err, "\"" SERVICE_ACCOUNT_KEY "\"");
	if (!pem_read(public.data, public.len, "PUBLIC KEY", false, &der, err))
		return error_context(err, "\"" SERVICE_ACCOUNT_PUBLIC "\"");
	if (!der_equal(der_of(&der), key_public(key)))
		return error_set(err, ERROR_INPUT,
			"\"" SERVICE_ACCOUNT_PUBLIC
			"\": not the key of \"" SERVICE_ACCOUNT_KEY "\"");
	if (key_type(key) == KEY_ED25519)
		return error_set(err, ERROR_REFUSED,
			"\"" SERVICE_ACCOUNT_KEY
			"\": an \"ed25519\" key, and Kubernetes signs tokens "
			"with RSA and ECDSA only");
	*ret_key = take(&key);
	return true;
}

/* What one of them signs, who trusts the other accepts: a kubelet could write
 * to etcd, or say that it is the front proxy. */
static bool require_different(const struct context *context,
	const struct authorities *authorities, enum control_authority one,
	enum control_authority other, struct error *err)
{
	const struct authority *const *all = authorities->all;

	if (!der_equal(authority_certificate(all[one])->public_key,
		    authority_certificate(all[other])->public_key))
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s\": %s and %s have one key: what one of them signs, who "
		"trusts the other accepts",
		context->path, control_authority_name(one),
		control_authority_name(other));
}

static bool require_all_different(const struct context *context,
	const struct authorities *authorities, struct error *err)
{
	return require_different(context, authorities, CONTROL_CA,
		       CONTROL_FRONT_PROXY_CA, err) &&
	       require_different(context, authorities, CONTROL_CA,
		       CONTROL_ETCD_CA, err) &&
	       require_different(context, authorities, CONTROL_FRONT_PROXY_CA,
		       CONTROL_ETCD_CA, err);
}

static bool find_numbers(struct context *context,
	struct authorities *authorities, struct error *err)
{
	for (size_t i = 0; i < CONTROL_AUTHORITIES; i++) {
		const struct certificate *certificate =
			authority_certificate(authorities->all[i]);

		if (!ledger_authority(context->ledger, &certificate->pin,
			    &authorities->numbers[i], err))
			return false;
		if (authorities->numbers[i] == 0)
			return error_set(err, ERROR_INPUT,
				"\"%s\": the ledger does not know its %s",
				context->path, control_authority_name(i));
	}
	return true;
}

static bool read_all(struct context *context, struct authorities *authorities,
	struct error *err)
{
	if (!open_authority(context, &front_proxy_files,
		    &authorities->front_proxy, err) ||
		!open_authority(context, &etcd_files, &authorities->etcd, err))
		return false;
	if (!read_service_account(context, &authorities->service_account, err))
		return error_context(err, "\"%s\"", context->path);
	authorities->all[CONTROL_CA] = context->ca;
	authorities->all[CONTROL_FRONT_PROXY_CA] = authorities->front_proxy;
	authorities->all[CONTROL_ETCD_CA] = authorities->etcd;
	return true;
}

bool authorities_open(struct context *context, bool clock_back,
	struct authorities **ret_authorities, struct error *err)
{
	AUTO_FREE(authorities)
	authorities = memory_new(1, sizeof(*authorities));
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = ensure(context, clock_back, &authorities->fresh, err);
	ledger_unlock(context->ledger);
	/* A sealed key may have to wait for somebody's passphrase. */
	if (!done || !read_all(context, authorities, err) ||
		!require_all_different(context, authorities, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_SHARED,
			context->lock_timeout, err))
		return false;
	done = find_numbers(context, authorities, err);
	ledger_unlock(context->ledger);
	if (!done)
		return false;
	*ret_authorities = take(&authorities);
	return true;
}

static const struct buffer *bundle_of(
	const struct context *context, enum rotation_target target)
{
	const struct buffer *bundle = &context->trust.pem[target];

	return bundle->len ? bundle : NULL;
}

void authorities_bundles(
	const struct context *context, struct control_settings *settings)
{
	settings->bundles[CONTROL_CA] = bundle_of(context, ROTATION_CA);
	settings->bundles[CONTROL_FRONT_PROXY_CA] =
		bundle_of(context, ROTATION_FRONT_PROXY_CA);
	settings->bundles[CONTROL_ETCD_CA] =
		bundle_of(context, ROTATION_ETCD_CA);
	settings->service_account_bundle =
		bundle_of(context, ROTATION_SERVICE_ACCOUNT);
}

void authorities_since(
	const struct context *context, int64_t since[CONTROL_AUTHORITIES])
{
	const struct ledger_rotation *all = context->trust.rotations;

	since[CONTROL_CA] = all[ROTATION_CA].event;
	since[CONTROL_FRONT_PROXY_CA] = all[ROTATION_FRONT_PROXY_CA].event;
	since[CONTROL_ETCD_CA] = all[ROTATION_ETCD_CA].event;
}
