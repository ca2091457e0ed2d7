/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/rotate_ca.h"

#include <string.h>

#include "base/file.h"
#include "cmd/authorities.h"
#include "pki/pem.h"

#define CA_PRESET "10y"

/* What stage 1 makes, and what an exchange moves. */
struct pair {
	struct authority *authority; /* NULL: a key for service accounts */
	struct key *key;
	struct buffer certificate; /* PEM */
	struct secret *text;	   /* of the key's file */
	struct buffer cross; /* DER: the old CA's of the new key; or empty */
	struct certificate_plan cross_plan;
	struct sha256 cross_by; /* the old one's pin */
	struct sha256 pin;
};

static void pair_release(struct pair *pair)
{
	authority_free(pair->authority);
	key_free(pair->key);
	buffer_release(&pair->certificate);
	buffer_release(&pair->cross);
	secret_free(pair->text);
}
DEFINE_AUTO_RELEASE(pair)
#define PAIR_INIT {.certificate = BUFFER_INIT, .cross = BUFFER_INIT}

/* -- may it be entered? -- */

static bool require_shown(const struct rotate *rotate, struct error *err)
{
	for (size_t i = 0; i < rotate->n_subjects; i++)
		if (!rotate->subjects[i].shown)
			return error_set(err, ERROR_REFUSED,
				"stage %u of %s is not shown to be done on "
				"\"%s\": status PATH... shows it, --vouch "
				"takes your word",
				rotate_state(rotate)->stage,
				rotation_target_name(rotate->target),
				rotate->subjects[i].name);
	return true;
}

/* A rotation that is through, or was taken back, may begin once more. */
static bool is_over(const struct ledger_rotation *state)
{
	return state->event == 0 || state->stage == ROTATION_LAST;
}

/* Of hosts that were on their way to here from there, going back asks for
 * nothing: they are at one of the two. */
static bool check_step(
	const struct rotate *rotate, unsigned stage, struct error *err)
{
	const struct ledger_rotation *state = rotate_state(rotate);
	unsigned from = state->stage == ROTATION_LAST && stage == 1
				? 0
				: state->stage;

	if (!rotation_check(
		    rotation_stages, rotate->target, from, stage, err))
		return error_context(err, "stage %u from stage %u", stage,
			state->stage);
	if (state->event == 0 || stage == state->from ||
		rotate->settings->vouch)
		return true;
	return require_shown(rotate, err);
}

/* -- the old pair -- */

static bool read_pair(const struct rotate *rotate,
	const struct trust_place *place, struct pair *pair, struct error *err)
{
	const struct context *context = rotate->context;

	if (!file_exists(context->dir, place->certificate))
		return error_set(err, ERROR_INPUT,
			"\"%s/%s\": is not there, and is what would be rotated",
			context->path, place->certificate);
	return trust_read(context, place->certificate, rotate->target,
		       &pair->certificate, &pair->pin, err) &&
	       (file_read_secret(context->dir, place->key, CA_KEY_MAX,
			&pair->text, err) ||
		       error_context(err, "\"%s\"", context->path));
}

/* -- the new pair -- */

static bool open_old(const struct rotate *rotate,
	struct authority **ret_opened, const struct authority **ret_old,
	struct error *err)
{
	static const enum control_authority kinds[] = {
		[ROTATION_CA] = CONTROL_CA,
		[ROTATION_FRONT_PROXY_CA] = CONTROL_FRONT_PROXY_CA,
		[ROTATION_ETCD_CA] = CONTROL_ETCD_CA};

	*ret_old = rotate->context->ca;
	if (rotate->target == ROTATION_CA)
		return true;
	if (!authorities_open_one(rotate->context, kinds[rotate->target],
		    ret_opened, err))
		return false;
	*ret_old = *ret_opened;
	return true;
}

static bool choose_type(const struct rotate *rotate, const struct key *old,
	enum key_type *ret_type, struct error *err)
{
	const char *wanted = rotate->settings->key_type;

	if (wanted)
		return key_type_parse(wanted, ret_type, err) ||
		       context_blame(err, "--key-type");
	*ret_type = key_type(old) == KEY_OTHER ? KEY_ECDSA_P256 : key_type(old);
	return true;
}

/* Two of one name could be told apart by their keys alone. */
static bool choose_name(const struct rotate *rotate,
	const struct certificate *old, char **ret_name, struct error *err)
{
	const char *wanted = rotate->settings->common_name;
	const char *name = rotation_target_name(rotate->target);
	char at[INSTANT_TEXT];

	if (wanted && old->common_name && !strcmp(wanted, old->common_name))
		return error_set(err, ERROR_REFUSED,
			"--common-name \"%s\": is the old one's, and both will "
			"be trusted at once",
			wanted);
	instant_format_file(rotate->context->now, at);
	*ret_name = wanted ? memory_text(wanted)
			   : memory_format("%s-%s",
				     profile_find(name)->common_name, at);
	return true;
}

static bool require_not_in_token(const struct rotate *rotate,
	const struct authority *old, struct error *err)
{
	if (key_custody(authority_key(old)) != KEY_IN_TOKEN)
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s/%s\": is in a token, and the new key would stand in a "
		"file beside it",
		rotate->context->path, trust_place(rotate->target)->key);
}

/* The new one is a root, and what signs has no chain. */
static bool require_root(const struct rotate *rotate, struct error *err)
{
	if (rotate->target != ROTATION_CA ||
		rotate->context->issuers.n_items == 0)
		return true;
	return error_set(err, ERROR_REFUSED,
		"\"%s/" CA_CERTIFICATE "\": is signed by another CA, and the "
		"new one would be a root",
		rotate->context->path);
}

static struct instant earlier(struct instant a, struct instant b)
{
	return a.seconds < b.seconds ? a : b;
}

/* Under the old one's name and key, for who trusts nothing else: in the place of
 * a root behind what the new one issues. */
static bool cross_sign(const struct rotate *rotate, const struct authority *old,
	struct pair *pair, struct error *err)
{
	const struct certificate *is = authority_certificate(pair->authority);
	const struct certificate *by = authority_certificate(old);
	const struct profile *profile = profile_find(ROTATE_CROSS_PROFILE);

	pair->cross_plan = (struct certificate_plan){.subject = is->subject,
		.public_key = is->public_key,
		.subject_key_id = is->subject_key_id,
		.not_before = is->not_before.seconds > by->not_before.seconds
				      ? is->not_before
				      : by->not_before,
		.not_after = earlier(is->not_after, by->not_after),
		.is_ca = true,
		.key_usage = profile->key_usage};
	pair->cross_by = by->pin;
	return !rotate->settings->cross_sign ||
	       authority_issue_ca(old, &pair->cross_plan, &pair->cross, err) ||
	       error_context(err, "--cross-sign");
}

/* But for what a rotation had cross-signed, which is an authority of ours. */
static bool refuse_orphan(
	void *data, const struct ledger_row *row, struct error *err)
{
	const struct context *context = data;
	AUTO_FREE(certificate) is = NULL;
	int64_t number = 0;

	if (!certificate_read(row->body, &is, err) ||
		!ledger_authority(context->ledger, &is->pin, &number, err))
		return false;
	return number || error_set(err, ERROR_REFUSED,
				 "\"%s/" CA_CERTIFICATE
				 "\": signed \"%s\", the CA of another cluster, "
				 "which nobody would trust any more",
				 context->path, row->name);
}

static bool require_no_subordinate(
	const struct rotate *rotate, struct error *err)
{
	struct context *context = rotate->context;
	const struct ledger_filter filter = {.profile = ROTATE_CROSS_PROFILE,
		.live_only = true,
		.at = context->now};
	bool done;

	if (rotate->target != ROTATION_CA)
		return true;
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = ledger_each(
		context->ledger, &filter, refuse_orphan, context, err);
	ledger_unlock(context->ledger);
	return done;
}

static bool make_authority(const struct rotate *rotate,
	const struct authority *old, struct pair *pair, struct error *err)
{
	const struct rotate_ca_settings *settings = rotate->settings;
	struct context *context = rotate->context;
	struct authority_request request = {
		.not_before = instant_add(context->now, -PROFILE_BACKDATE)};
	AUTO_TEXT name = NULL;

	if (!require_root(rotate, err) ||
		!require_no_subordinate(rotate, err) ||
		!require_not_in_token(rotate, old, err) ||
		!choose_name(rotate, authority_certificate(old), &name, err) ||
		!choose_type(rotate, authority_key(old), &request.key_type,
			err) ||
		(!instant_parse_or_span(settings->ca_validity
						? settings->ca_validity
						: CA_PRESET,
			 context->now, &request.not_after, err) &&
			!context_blame(err, "--ca-validity")))
		return false;
	request.common_name = name;
	if (!authority_create(&request, &pair->authority, err) ||
		!context_write_key(context, authority_key(pair->authority),
			&pair->text, err))
		return false;
	pair->pin = authority_certificate(pair->authority)->pin;
	buffer_add(&pair->certificate, authority_pem(pair->authority)->data,
		authority_pem(pair->authority)->len);
	return cross_sign(rotate, old, pair, err);
}

/* kubeadm 1.20 takes no key for service accounts but RSA. */
static bool make_key(
	const struct rotate *rotate, struct pair *pair, struct error *err)
{
	const char *wanted = rotate->settings->key_type;
	enum key_type type = KEY_RSA_2048;
	struct der public;

	if (rotate->settings->common_name || rotate->settings->ca_validity ||
		rotate->settings->cross_sign)
		return error_set(err, ERROR_USAGE,
			"--common-name, --ca-validity and --cross-sign go with "
			"a CA: the key for service accounts has no "
			"certificate");
	if (wanted && !key_type_parse(wanted, &type, err))
		return context_blame(err, "--key-type");
	if (type == KEY_ED25519)
		return error_set(err, ERROR_REFUSED,
			"--key-type \"ed25519\": Kubernetes signs tokens with "
			"RSA and ECDSA only");
	if (!key_generate(type, &pair->key, err) ||
		!key_write(pair->key, &pair->text, err))
		return false;
	public = key_public(pair->key);
	pem_write(&pair->certificate, "PUBLIC KEY", public);
	return sha256_of(public.bytes, public.len, &pair->pin, err);
}

static bool make_pair(
	const struct rotate *rotate, struct pair *pair, struct error *err)
{
	AUTO_FREE(authority) opened = NULL;
	const struct authority *old = NULL;

	if (rotate->target == ROTATION_SERVICE_ACCOUNT)
		return make_key(rotate, pair, err);
	return open_old(rotate, &opened, &old, err) &&
	       make_authority(rotate, old, pair, err);
}

/* -- entering -- */

struct step {
	struct rotate *rotate;
	struct ledger_rotation to;
	const struct pair *fresh; /* made for it, or NULL */
};

static bool vouch(const struct rotate *rotate, struct error *err)
{
	for (size_t i = 0; rotate->settings->vouch && i < rotate->n_subjects;
		i++)
		if (!rotate->subjects[i].shown &&
			!ledger_rotation_show(rotate->context->ledger,
				rotation_target_name(rotate->target),
				rotate->subjects[i].name, "vouched", err))
			return false;
	return true;
}

static bool record_cross(
	struct ledger *ledger, const struct pair *fresh, struct error *err)
{
	const struct certificate_plan *plan = &fresh->cross_plan;
	struct ledger_issue issue = {.profile = ROTATE_CROSS_PROFILE,
		.serial = {plan->serial, plan->serial_len},
		.not_before = plan->not_before,
		.not_after = plan->not_after,
		.body = der_of(&fresh->cross)};
	int64_t event;

	if (!fresh->cross.len)
		return true;
	issue.name = authority_certificate(fresh->authority)->common_name;
	return ledger_authority(ledger, &fresh->cross_by, &issue.ca, err) &&
	       ledger_issue(ledger, &issue, &event, err);
}

static bool record_fresh(
	const struct step *step, const char *what, struct error *err)
{
	struct ledger *ledger = step->rotate->context->ledger;
	const struct pair *fresh = step->fresh;
	int64_t number;

	return !fresh || !fresh->authority ||
	       (ledger_add_authority(ledger, what,
			authority_certificate(fresh->authority), &number,
			err) &&
		       record_cross(ledger, fresh, err));
}

static bool record(const struct step *step, struct error *err)
{
	struct rotate *rotate = step->rotate;
	struct ledger *ledger = rotate->context->ledger;
	const char *what = rotation_target_name(rotate->target);
	bool clock_back = rotate->settings->allow_clock_back;

	if (!ledger_begin(ledger, instant_now(), clock_back, err))
		return false;
	if ((rotate_state(rotate)->event == 0 || vouch(rotate, err)) &&
		record_fresh(step, what, err) &&
		ledger_rotation_enter(ledger, what, &step->to, err) &&
		ledger_commit(ledger, err))
		return true;
	ledger_rollback(ledger);
	return false;
}

static struct trust_pair staged(const struct pair *pair)
{
	return (struct trust_pair){&pair->certificate, pair->text};
}

/* The files that this step moves: a new pair, or both when another key is to
 * sign. */
static bool stage_files(const struct step *step, struct error *err)
{
	const struct rotate *rotate = step->rotate;
	const struct ledger_rotation *state = rotate_state(rotate);
	AUTO_RELEASE(pair) signs = PAIR_INIT;
	AUTO_RELEASE(pair) other = PAIR_INIT;
	struct trust_pair pairs[2];

	if (step->fresh) {
		pairs[0] = staged(step->fresh);
		return trust_stage(rotate->context, rotate->target, NULL,
			&pairs[0], err);
	}
	if (rotation_stages[state->stage].signer ==
		rotation_stages[step->to.stage].signer)
		return true;
	if (!read_pair(rotate, trust_place(rotate->target), &signs, err) ||
		!read_pair(rotate, trust_other_place(rotate->target), &other,
			err))
		return false;
	pairs[0] = staged(&signs);
	pairs[1] = staged(&other);
	return trust_stage(
		rotate->context, rotate->target, &pairs[1], &pairs[0], err);
}

/* Whatever became of it, the files follow the ledger. */
static bool take_locked(const struct step *step, struct error *err)
{
	const struct context *context = step->rotate->context;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the first one counts */

	if (!trust_settle(context, err))
		return false;
	if (ledger_rotation_prepare(context->ledger, err) &&
		stage_files(step, err) && record(step, err))
		return trust_settle(context, err);
	if (!trust_settle(context, &ignored))
		error_release(&ignored);
	return false;
}

static bool take_step(const struct step *step, struct error *err)
{
	struct context *context = step->rotate->context;
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = take_locked(step, err);
	ledger_unlock(context->ledger);
	return done;
}

bool rotate_enter(struct rotate *rotate, unsigned stage, struct error *err)
{
	const struct ledger_rotation *state = rotate_state(rotate);
	AUTO_RELEASE(pair) fresh = PAIR_INIT;
	AUTO_RELEASE(pair) signs = PAIR_INIT;
	struct step step = {.rotate = rotate, .to = *state};

	if (!check_step(rotate, stage, err))
		return false;
	step.to.stage = stage;
	step.to.from = state->stage;
	if (stage == 1 && is_over(state)) {
		if (!read_pair(rotate, trust_place(rotate->target), &signs,
			    err) ||
			!make_pair(rotate, &fresh, err))
			return false;
		step.fresh = &fresh;
		step.to.old = signs.pin;
		step.to.fresh = fresh.pin;
		step.to.from = 0;
	} else if (rotate->settings->key_type || rotate->settings->common_name ||
		   rotate->settings->ca_validity ||
		   rotate->settings->cross_sign) {
		return error_set(err, ERROR_USAGE,
			"--key-type, --ca-validity, --common-name and "
			"--cross-sign go with the stage 1 that makes the new "
			"key");
	}
	return take_step(&step, err) && context_reload(rotate->context, err) &&
	       rotate_find_subjects(rotate, err);
}
