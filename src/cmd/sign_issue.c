/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/sign_issue.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/interrupt.h"
#include "kube/token.h"

/* As many share one transaction. */
#define CHUNK_ITEMS 512

/* A live certificate's key, and whose it is. */
struct holder_key {
	struct sha256 pin;
	char *name;
};

struct run {
	struct sign *sign;
	sign_accept *accept;
	void *data;
	struct holder_key *keys; /* sorted by pin: those of the ledger */
	size_t n_keys, keys_allocated;
};

/* -- whose key is it -- */

static int compare_pins(const void *a, const void *b)
{
	const struct holder_key *left = a, *right = b;

	return memcmp(left->pin.bytes, right->pin.bytes, SHA256_LEN);
}

static bool add_key(void *data, const struct ledger_row *row, struct error *err)
{
	struct run *run = data;
	AUTO_FREE(certificate) certificate = NULL;

	if (!certificate_read(row->body, &certificate, err))
		return error_context(
			err, "ledger: event %lld", (long long)row->event);
	run->keys = memory_grow(run->keys, &run->keys_allocated,
		run->n_keys + 1, sizeof(*run->keys));
	run->keys[run->n_keys++] =
		(struct holder_key){certificate->pin, memory_text(row->name)};
	return true;
}

static void forget_keys(struct run *run)
{
	for (size_t i = 0; i < run->n_keys; i++)
		free(run->keys[i].name);
	run->n_keys = 0;
}

static bool read_keys(struct run *run, struct error *err)
{
	const struct ledger_filter filter = {
		.live_only = true, .at = run->sign->context->now};

	forget_keys(run);
	if (!ledger_each(
		    run->sign->context->ledger, &filter, add_key, run, err))
		return false;
	if (run->n_keys > 0)
		qsort(run->keys, run->n_keys, sizeof(*run->keys), compare_pins);
	return true;
}

static bool refuse_key(const char *name, const char *holder, struct error *err)
{
	return !strcmp(name, holder) ||
	       error_set(err, ERROR_REFUSED,
		       "public key: \"%s\" has a live certificate for it",
		       holder);
}

static bool check_key(
	const struct run *run, const struct sign_item *item, struct error *err)
{
	const struct sign *sign = run->sign;
	const char *name = sign_item_name(item);
	struct holder_key wanted = {.pin = item->request->asked->pin};
	const struct holder_key *found = NULL;

	if (run->n_keys > 0)
		found = bsearch(&wanted, run->keys, run->n_keys,
			sizeof(*run->keys), compare_pins);
	if (found && !refuse_key(name, found->name, err))
		return false;
	for (const struct sign_item *other = sign->items; other < item; other++)
		if (other->would_sign && !other->error.kind &&
			!memcmp(other->request->asked->pin.bytes,
				wanted.pin.bytes, SHA256_LEN) &&
			!refuse_key(name, sign_item_name(other), err))
			return false;
	return true;
}

/* -- which profile -- */

static bool no_profile(struct sign_item *item, const char *why)
{
	item->rule = "profile";
	return error_set(&item->error, ERROR_REFUSED, "%s", why);
}

static bool is_for_node(const struct certificate *asked)
{
	return asked->common_name &&
	       !strncmp(asked->common_name, "system:node:", 12);
}

/* A request names no signer, but may say what it is for. */
static const char *profile_asked(
	const struct sign *sign, const struct certificate *asked)
{
	if (!asked->has_purposes)
		return NULL;
	if (asked->purposes == PURPOSE_SERVER)
		return "kubelet-serving";
	if (asked->purposes != PURPOSE_CLIENT)
		return NULL;
	return sign->user && !is_for_node(asked) ? "kube-apiserver-client"
						 : "kubelet-client";
}

static bool choose_profile(const struct sign *sign, struct sign_item *item)
{
	const char *own = NULL;

	if (item->object)
		own = csr_signer_profile(item->object->signer);
	else if (!sign->profile)
		own = profile_asked(sign, item->request->asked);
	if (item->object && own && sign->profile &&
		strcmp(own, sign->profile)) {
		AUTO_TEXT why =
			memory_format("signer \"%s\": is for %s, not %s",
				item->object->signer_name, own, sign->profile);

		return no_profile(item, why);
	}
	if (item->object && !own && !sign->profile) {
		AUTO_TEXT why = memory_format(
			"signer \"%s\": none of Kubernetes' that kpki knows, "
			"and no --profile was given",
			item->object->signer_name);

		return no_profile(item, why);
	}
	if (!own && !sign->profile)
		return no_profile(item, "extKeyUsage: says neither clientAuth "
					"nor serverAuth, and no --profile was "
					"given");
	item->profile = profile_find(own ? own : sign->profile);
	return true;
}

/* -- what policy says -- */

static bool find_token(const struct sign *sign, const struct sign_item *item,
	char **ret_node, struct error *err)
{
	const char *id = request_token_id(item->object);
	struct ledger_row row;
	bool found = false;

	if (!id)
		return true;
	if (!ledger_token(sign->context->ledger, id, sign->context->now, &row,
		    &found, err))
		return false;
	if (found)
		*ret_node = memory_text(row.name);
	return true;
}

static bool judge(
	const struct sign *sign, struct sign_item *item, struct error *err)
{
	AUTO_TEXT token_node = NULL;
	const struct request_rule *rule = NULL;
	struct request_case question = {.request = item->request,
		.object = item->object,
		.ca = authority_certificate(sign->context->ca),
		.cluster = sign->context->cluster,
		.inventory = sign->inventory,
		.user = sign->user,
		.groups = sign->groups->items,
		.n_groups = sign->groups->n_items};

	if (item->error.kind || !choose_profile(sign, item))
		return true;
	if (!find_token(sign, item, &token_node, err))
		return false;
	question.profile = item->profile;
	question.token_node = token_node;
	if (!request_policy_check(&question, &item->grant, &rule, &item->error))
		item->rule = rule->name;
	return true;
}

/* -- what the ledger says -- */

static bool permits_the_same(
	const struct sign *sign, const struct certificate *live)
{
	bool same = live->n_permitted == sign->n_permitted;

	for (size_t i = 0; same && i < sign->n_permitted; i++)
		same = live->permitted[i].kind == sign->permitted[i].kind &&
		       !strcmp(live->permitted[i].text,
			       sign->permitted[i].text);
	return same;
}

static bool says_the_same(const struct sign *sign, const struct sign_item *item,
	const struct certificate *live)
{
	const struct request_grant *grant = &item->grant;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (memcmp(live->pin.bytes, item->request->asked->pin.bytes,
		    SHA256_LEN) != 0 ||
		live->n_alt_names != grant->n_alt_names)
		return false;
	for (size_t i = 0; i < grant->n_alt_names; i++) {
		bool has = false;

		for (size_t k = 0; k < live->n_alt_names && !has; k++)
			has = !strcmp(live->alt_names[k].text,
				grant->alt_names[i].text);
		if (!has)
			return false;
	}
	if (item->profile->is_ca && !permits_the_same(sign, live))
		return false;
	return profile_subject(item->profile, &grant->holder, &subject, &err) &&
	       der_equal(live->subject, der_of(&subject));
}

static bool refuse_live(
	struct sign_item *item, const struct certificate *live, bool foreign)
{
	AUTO_TEXT serial = hex_of(live->serial.bytes, live->serial.len);
	char until[INSTANT_TEXT];

	item->rule = "live";
	return error_set(&item->error, ERROR_REFUSED,
		"\"%s\" has a live certificate of %s %s: %s, until %s",
		sign_item_name(item), item->profile->name,
		foreign ? "by another CA" : "for another key or other names",
		serial, instant_format(live->not_after, until));
}

/* One request of the run may be the next one's live certificate; only a dry run
 * does not find it in the ledger. */
static bool is_repeated(const struct sign *sign, const struct sign_item *item)
{
	for (const struct sign_item *other = sign->items; other < item; other++)
		if (sign->dry_run && other->would_sign &&
			other->profile == item->profile &&
			!strcmp(sign_item_name(other), sign_item_name(item)))
			return true;
	return false;
}

/* By whatever CA; *ret_live NULL when there is none. */
static bool find_live(const struct sign *sign, const struct sign_item *item,
	struct ledger_row *row, struct certificate **ret_live,
	bool *ret_foreign, struct error *err)
{
	const struct context *context = sign->context;
	bool found = false;

	return ledger_live_or_foreign(context->ledger, context->ca_number,
		       item->profile->name, sign_item_name(item), context->now,
		       row, &found, ret_foreign, err) &&
	       (!found || certificate_read(row->body, ret_live, err));
}

/* Sets the item's rule; *ret_event is what a new certificate supersedes. */
static bool weigh_live(const struct sign *sign, struct sign_item *item,
	int64_t *ret_event, struct error *err)
{
	AUTO_FREE(certificate) live = NULL;
	struct ledger_row row;
	bool foreign = false;

	if (!find_live(sign, item, &row, &live, &foreign, err))
		return false;
	if (!live) {
		item->rule = is_repeated(sign, item) ? "live" : "new";
		if (!strcmp(item->rule, "live"))
			error_set(&item->error, ERROR_REFUSED,
				"\"%s\" gets a certificate of %s for an "
				"earlier request",
				sign_item_name(item), item->profile->name);
		return true;
	}
	if (!foreign && says_the_same(sign, item, live)) {
		item->rule = "retry";
		item->unchanged = true;
		item->certificate = take(&live);
		return true;
	}
	/* Under another CA it has a name of its own. */
	*ret_event = foreign ? 0 : row.event;
	if (request_is_renewal(item->object, item->request))
		item->rule = "renewal";
	else if (sign->reissue)
		item->rule = "reissue";
	else
		refuse_live(item, live, foreign);
	return true;
}

/* -- signing -- */

static struct lifetime lifetime_of(
	const struct sign *sign, const struct sign_item *item)
{
	struct lifetime lifetime = sign->lifetime;

	if (item->object && item->object->expiration > 0) {
		struct instant end = instant_add(
			sign->context->now, item->object->expiration);

		if (end.seconds < lifetime.not_after.seconds)
			lifetime.not_after = end;
	}
	return lifetime;
}

static bool make(const struct sign *sign, struct sign_item *item,
	struct lifetime lifetime, struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
	struct profile_order order = {.profile = item->profile,
		.ca = sign->context->ca,
		.holder = item->grant.holder,
		.public_key = item->request->asked->public_key,
		.lifetime = lifetime,
		.verify = true};

	if (item->profile->is_ca) {
		order.permitted = sign->permitted;
		order.n_permitted = sign->n_permitted;
	}
	order.holder.alt_names = item->grant.alt_names;
	order.holder.n_alt_names = item->grant.n_alt_names;
	return profile_issue(&order, &der, serial, &serial_len, err) &&
	       context_check_issued(
		       sign->context, order.ca, order.profile, &der, err) &&
	       certificate_read(der_of(&der), &item->certificate, err);
}

/* The node's name is its own as much as its addresses are. */
static size_t list_addresses(const struct sign_item *item,
	const char *addresses[static 1 + PROFILE_NAMES_MAX])
{
	const struct request_grant *grant = &item->grant;
	size_t n = 0;

	if (!grant->holder.node)
		return 0;
	addresses[n++] = grant->holder.node->name;
	for (size_t i = 0; i < grant->n_alt_names; i++)
		if (strcmp(grant->alt_names[i].text, addresses[0]) != 0)
			addresses[n++] = grant->alt_names[i].text;
	return n;
}

static bool record(const struct sign *sign, struct sign_item *item,
	int64_t supersedes, struct error *err)
{
	const struct certificate *made = item->certificate;
	const char *addresses[1 + PROFILE_NAMES_MAX];
	int64_t event;
	struct ledger_issue issue = {.ca = sign->context->ca_number,
		.profile = item->profile->name,
		.name = sign_item_name(item),
		.detail = sign->context->cluster->server,
		.serial = made->serial,
		.not_before = made->not_before,
		.not_after = made->not_after,
		.body = made->whole,
		.addresses = addresses,
		.n_addresses = list_addresses(item, addresses),
		.supersedes = supersedes};

	return ledger_issue(sign->context->ledger, &issue, &event, err);
}

static void withdraw(struct sign_item *item)
{
	certificate_free(item->certificate);
	item->certificate = NULL;
	item->signed_now = false;
}

/* In a savepoint of its own: a refusal by the ledger is the item's. */
static bool sign_one(const struct sign *sign, struct sign_item *item,
	int64_t supersedes, struct error *err)
{
	struct ledger *ledger = sign->context->ledger;

	if (!make(sign, item, lifetime_of(sign, item), err) ||
		!ledger_savepoint(ledger, err))
		return false;
	if (record(sign, item, supersedes, &item->error)) {
		item->signed_now = true;
		return ledger_savepoint_keep(ledger, err);
	}
	withdraw(item);
	if (item->error.kind != ERROR_REFUSED) {
		error_move(err, &item->error);
		return false;
	}
	item->rule = "address";
	return ledger_savepoint_undo(ledger, err);
}

static bool handle(struct run *run, struct sign_item *item, struct error *err)
{
	struct sign *sign = run->sign;
	int64_t supersedes = 0;

	if (item->finished)
		return true;
	if (!judge(sign, item, err))
		return false;
	if (item->error.kind)
		return true;
	if (!check_key(run, item, &item->error)) {
		item->rule = "shared-key";
		return true;
	}
	if (!weigh_live(sign, item, &supersedes, err))
		return false;
	if (item->error.kind)
		return true;
	if (!run->accept(run->data, item, &item->error)) {
		item->rule = "output";
		item->unchanged = false;
		return true;
	}
	if (item->unchanged)
		return true;
	item->would_sign = true;
	return sign->dry_run || sign_one(sign, item, supersedes, err);
}

/* -- chunks -- */

static bool handle_all(
	struct run *run, size_t from, size_t to, struct error *err)
{
	if (!read_keys(run, err))
		return false;
	for (size_t i = from; i < to; i++)
		if (!handle(run, &run->sign->items[i], err))
			return false;
	return true;
}

static bool record_chunk(
	struct run *run, size_t from, size_t to, struct error *err)
{
	struct sign *sign = run->sign;
	struct ledger *ledger = sign->context->ledger;

	if (sign->dry_run)
		return handle_all(run, from, to, err);
	return ledger_begin(ledger, instant_now(), sign->clock_back, err) &&
	       handle_all(run, from, to, err) && ledger_commit(ledger, err);
}

/* Nothing of a chunk that was not committed was signed. */
static void fail_chunk(struct sign *sign, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (sign->items[i].signed_now)
			withdraw(&sign->items[i]);
}

static bool run_chunk(
	struct run *run, size_t from, size_t to, struct error *err)
{
	struct sign *sign = run->sign;
	struct context *context = sign->context;
	bool done;

	if (!ledger_lock(context->ledger,
		    sign->dry_run ? FILE_LOCK_SHARED : FILE_LOCK_EXCLUSIVE,
		    context->lock_timeout, err))
		return false;
	done = record_chunk(run, from, to, err);
	if (!done && !sign->dry_run)
		ledger_rollback(context->ledger);
	ledger_unlock(context->ledger);
	if (!done)
		fail_chunk(sign, from, to);
	return done;
}

bool sign_issue(
	struct sign *sign, sign_accept *accept, void *data, struct error *err)
{
	struct run run = {.sign = sign, .accept = accept, .data = data};
	bool done = true;

	for (size_t from = 0; done && from < sign->n_items;
		from += CHUNK_ITEMS) {
		size_t to = from + CHUNK_ITEMS;

		if (interrupted())
			done = error_set(err, ERROR_FAILED, "interrupted");
		else
			done = run_chunk(&run, from,
				to < sign->n_items ? to : sign->n_items, err);
	}
	forget_keys(&run);
	free(run.keys);
	return done;
}
