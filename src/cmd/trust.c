/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/trust.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/authorities.h"
#include "cmd/context.h"
#include "pki/pem.h"

#define TRUST_STAGE ".kpki-rotation-"
#define PUBLIC_MAX ((size_t)64 * 1024)

static const struct trust_place places[ROTATION_TARGETS] = {
	[ROTATION_CA] = {CA_CERTIFICATE, CA_KEY},
	[ROTATION_FRONT_PROXY_CA] = {FRONT_PROXY_CA_CERTIFICATE,
		FRONT_PROXY_CA_KEY},
	[ROTATION_ETCD_CA] = {ETCD_CA_CERTIFICATE, ETCD_CA_KEY},
	[ROTATION_SERVICE_ACCOUNT] = {SERVICE_ACCOUNT_PUBLIC,
		SERVICE_ACCOUNT_KEY},
};

static const struct trust_place other_places[ROTATION_TARGETS] = {
	[ROTATION_CA] = {ROTATION_DIRECTORY "/ca.crt",
		ROTATION_DIRECTORY "/ca.key"},
	[ROTATION_FRONT_PROXY_CA] = {ROTATION_DIRECTORY "/front-proxy-ca.crt",
		ROTATION_DIRECTORY "/front-proxy-ca.key"},
	[ROTATION_ETCD_CA] = {ROTATION_DIRECTORY "/etcd-ca.crt",
		ROTATION_DIRECTORY "/etcd-ca.key"},
	[ROTATION_SERVICE_ACCOUNT] = {ROTATION_DIRECTORY "/sa.pub",
		ROTATION_DIRECTORY "/sa.key"},
};

/* The names that a pair has in a stage.  The certificate of the key that is to
 * sign goes to its place last: while it is there, the stage is not done with. */
static const struct trust_place staged_other = {"other.crt", "other.key"};
static const struct trust_place staged_signer = {"signer.crt", "signer.key"};

const struct trust_place *trust_place(enum rotation_target target)
{
	return &places[target];
}

const struct trust_place *trust_other_place(enum rotation_target target)
{
	return &other_places[target];
}

/* -- reading -- */

static bool read_key(const struct buffer *text, struct buffer *pem,
	struct sha256 *ret_pin, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	if (!pem_read(text->data, text->len, "PUBLIC KEY", false, &der, err) ||
		!sha256_of(der.data, der.len, ret_pin, err))
		return false;
	pem_write(pem, "PUBLIC KEY", der_of(&der));
	return true;
}

static bool read_certificate(const struct buffer *text, struct buffer *pem,
	struct sha256 *ret_pin, struct error *err)
{
	AUTO_FREE(certificate) is = NULL;

	if (!certificate_read_pem(text->data, text->len, true, &is, err))
		return false;
	*ret_pin = is->pin;
	pem_write(pem, "CERTIFICATE", is->whole);
	return true;
}

static bool read_public(int dir, const char *path, enum rotation_target target,
	struct buffer *pem, struct sha256 *ret_pin, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	return file_read(dir, path, PUBLIC_MAX, &text, err) &&
	       ((target == ROTATION_SERVICE_ACCOUNT
				? read_key(&text, pem, ret_pin, err)
				: read_certificate(
					  &text, pem, ret_pin, err)) ||
		       error_context(err, "\"%s\"", path));
}

bool trust_read(const struct context *context, const char *path,
	enum rotation_target target, struct buffer *pem, struct sha256 *ret_pin,
	struct error *err)
{
	return read_public(context->dir, path, target, pem, ret_pin, err) ||
	       error_context(err, "\"%s\"", context->path);
}

static const struct sha256 *pin_of(
	const struct ledger_rotation *rotation, bool signs)
{
	bool old = rotation_stages[rotation->stage].signer == ROTATION_OLD;

	return old == signs ? &rotation->old : &rotation->fresh;
}

static bool read_one(const struct context *context, enum rotation_target target,
	bool signs, struct buffer *pem, struct error *err)
{
	const struct ledger_rotation *is = &context->trust.rotations[target];
	const char *path = signs ? places[target].certificate
				 : other_places[target].certificate;
	struct sha256 pin;

	if (!trust_read(context, path, target, pem, &pin, err))
		return false;
	return !memcmp(&pin, pin_of(is, signs), sizeof(pin)) ||
	       error_set(err, ERROR_INPUT,
		       "\"%s/%s\": is not the one that the ledger has there at "
		       "stage %u of its rotation",
		       context->path, path, is->stage);
}

static bool load_one(struct context *context, enum rotation_target target,
	struct error *err)
{
	unsigned stage = context->trust.rotations[target].stage;
	unsigned both = ROTATION_OLD | ROTATION_NEW;
	struct buffer *pem = &context->trust.pem[target];

	buffer_reset(pem);
	return !context->trust.rotations[target].event ||
	       (read_one(context, target, true, pem, err) &&
		       (rotation_stages[stage].trusted != both ||
			       read_one(context, target, false, pem, err)));
}

static bool read_rotations(struct context *context, struct error *err)
{
	int64_t last = 0;

	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		if (!ledger_rotation(context->ledger, rotation_target_name(i),
			    &context->trust.rotations[i], err))
			return false;
		else if (context->trust.rotations[i].stage > ROTATION_LAST)
			return error_set(err, ERROR_INPUT,
				"ledger: %s is at stage %u, and there is no "
				"such",
				rotation_target_name(i),
				context->trust.rotations[i].stage);
	if (!ledger_rotation_any(context->ledger, &last, err))
		return false;
	ledger_expect_rotation(context->ledger, last);
	return true;
}

bool trust_load(struct context *context, struct error *err)
{
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = read_rotations(context, err);
	for (size_t i = 0; done && i < ROTATION_TARGETS; i++)
		done = load_one(context, (enum rotation_target)i, err);
	ledger_unlock(context->ledger);
	return done;
}

void trust_release(struct trust *trust)
{
	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		buffer_release(&trust->pem[i]);
}

/* -- settling -- */

static char *stage_name(enum rotation_target target)
{
	return memory_format(TRUST_STAGE "%s", rotation_target_name(target));
}

/* A stage with a signer is recorded when that one signs, another when its key
 * is the other one of the rotation. */
static bool is_recorded(const struct context *context, int stage,
	enum rotation_target target, bool *ret_recorded, struct error *err)
{
	AUTO_RELEASE(error) unread = ERROR_INIT; /* cut short while writing */
	bool swap = file_exists(stage, staged_signer.certificate);
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	struct ledger_rotation rotation;
	struct sha256 pin;

	*ret_recorded = false;
	if (!read_public(stage,
		    swap ? staged_signer.certificate : staged_other.certificate,
		    target, &pem, &pin, &unread))
		return true;
	if (!ledger_rotation(context->ledger, rotation_target_name(target),
		    &rotation, err))
		return false;
	*ret_recorded =
		rotation.event && file_exists(stage, swap ? "swap" : "new") &&
		!memcmp(&pin, swap ? pin_of(&rotation, true) : &rotation.fresh,
			sizeof(pin));
	return true;
}

static bool move(const struct context *context, int stage, const char *from,
	const char *to, struct error *err)
{
	if (!file_exists(stage, from))
		return true;
	return renameat(stage, from, context->dir, to) == 0 ||
	       error_errno(err, "rename to \"%s/%s\"", context->path, to);
}

static bool sync_places(const struct context *context,
	enum rotation_target target, struct error *err)
{
	AUTO_CLOSE rotation = -1, etcd = -1;

	return directory_open_nofollow(
		       context->dir, ROTATION_DIRECTORY, &rotation, err) &&
	       file_sync(rotation, ROTATION_DIRECTORY, err) &&
	       (target != ROTATION_ETCD_CA ||
		       (directory_open_nofollow(context->dir, ETCD_DIRECTORY,
				&etcd, err) &&
			       file_sync(etcd, ETCD_DIRECTORY, err))) &&
	       file_sync(context->dir, context->path, err);
}

static bool put_in_place(const struct context *context, int stage,
	enum rotation_target target, struct error *err)
{
	const struct trust_place *other = &other_places[target];
	const struct trust_place *signer = &places[target];

	return move(context, stage, staged_other.key, other->key, err) &&
	       (!file_exists(stage, staged_signer.certificate) ||
		       move(context, stage, staged_other.certificate,
			       other->certificate, err)) &&
	       move(context, stage, staged_signer.key, signer->key, err) &&
	       /* Nothing may come after the last before all others stay. */
	       sync_places(context, target, err) &&
	       move(context, stage, staged_other.certificate,
		       other->certificate, err) &&
	       move(context, stage, staged_signer.certificate,
		       signer->certificate, err) &&
	       sync_places(context, target, err);
}

static bool settle_one(const struct context *context,
	enum rotation_target target, struct error *err)
{
	AUTO_TEXT name = stage_name(target);
	AUTO_CLOSE stage = -1;
	bool recorded = false;

	if (!file_exists(context->dir, name))
		return true;
	if (!directory_open_nofollow(context->dir, name, &stage, err) ||
		!is_recorded(context, stage, target, &recorded, err) ||
		(recorded && !put_in_place(context, stage, target, err)))
		return false;
	return file_remove_tree(context->dir, name, err);
}

bool trust_settle(const struct context *context, struct error *err)
{
	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		if (!settle_one(context, (enum rotation_target)i, err))
			return false;
	return true;
}

bool trust_recover(const struct context *context, struct error *err)
{
	bool any = false, done;

	for (size_t i = 0; i < ROTATION_TARGETS; i++) {
		AUTO_TEXT name = stage_name((enum rotation_target)i);

		any = any || file_exists(context->dir, name);
	}
	if (!any)
		return true;
	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = trust_settle(context, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- staging -- */

static bool write_pair(int stage, const struct trust_place *names,
	const struct trust_pair *pair, struct error *err)
{
	const struct file_part text = {
		pair->certificate->data, pair->certificate->len, NULL};
	const struct file_part key = {NULL, 0, pair->key};

	return file_create(stage, names->key, 0600, &key, 1, err) &&
	       file_create(stage, names->certificate, 0644, &text, 1, err);
}

static bool ensure_directory(const struct context *context, struct error *err)
{
	return file_exists(context->dir, ROTATION_DIRECTORY) ||
	       (directory_create(
			context->dir, ROTATION_DIRECTORY, 0700, err) &&
		       file_sync(context->dir, context->path, err));
}

bool trust_stage(const struct context *context, enum rotation_target target,
	const struct trust_pair *signer, const struct trust_pair *other,
	struct error *err)
{
	AUTO_TEXT name = stage_name(target);
	AUTO_CLOSE stage = -1;

	return ensure_directory(context, err) &&
	       directory_create(context->dir, name, 0700, err) &&
	       directory_open_nofollow(context->dir, name, &stage, err) &&
	       /* Which of the two it is, whatever is not written yet. */
	       file_create(stage, signer ? "swap" : "new", 0600, NULL, 0,
		       err) &&
	       (!signer || write_pair(stage, &staged_signer, signer, err)) &&
	       write_pair(stage, &staged_other, other, err) &&
	       file_sync_tree(context->dir, name, context->path, err);
}
