/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/decision.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/bundle_detail.h"
#include "pki/recovery.h"

enum { CLIENT, SERVING, PROXY, TOKEN, N_HELD };
_Static_assert(DECISION_PROFILES == TOKEN, "certificates are before tokens");

/* What the ledger holds live for a node: under one profile, or its token. */
struct held {
	bool found;
	bool foreign; /* issued by another CA */
	bool lost, pending;
	bool waits; /* its bundle is recorded, and is where nobody gets it */
	int64_t event;
	struct instant at, not_after;
	char *server;
	struct certificate *certificate;
	/* of a token */
	char *id;
	bool loose;   /* it is in no bundle */
	bool expired; /* and counts as held, since a bundle has it */
};

static void held_release(struct held *held)
{
	certificate_free(held->certificate);
	free(held->server);
	free(held->id);
}

/* What the kubelet is to show the API server, and what it is not. */
static struct held *credential_of(
	const struct batch *batch, struct held held[N_HELD])
{
	return batch->wish ? &held[TOKEN] : &held[CLIENT];
}

static const struct held *rival_of(
	const struct batch *batch, const struct held held[N_HELD])
{
	return batch->wish ? &held[CLIENT] : &held[TOKEN];
}

const struct profile *decision_profile(size_t i)
{
	static const char *const names[DECISION_PROFILES] = {
		[CLIENT] = "kubelet-client",
		[SERVING] = "kubelet-serving",
		[PROXY] = "kube-proxy",
	};

	return profile_find(names[i]);
}

static void held_fill(struct held *held, const struct ledger_row *row)
{
	held->found = true;
	held->event = row->event;
	held->at = row->at;
	held->not_after = row->not_after;
	held->lost = row->lost;
	held->pending = row->pending;
}

static bool held_read(const struct batch *batch, const struct profile *profile,
	const struct node *node, struct held *held, struct error *err)
{
	struct context *context = batch->context;
	struct ledger_row row;
	bool found = false;

	if (!ledger_live_or_foreign(context->ledger, context->ca_number,
		    profile->name, node->name, context->now, &row, &found,
		    &held->foreign, err))
		return false;
	if (!found)
		return true;
	held_fill(held, &row);
	held->server = bundle_detail_server(row.detail);
	return certificate_read(row.body, &held->certificate, err);
}

/* A token that is in no bundle counts while it is live, and only where it would
 * be superseded. */
static bool held_read_token(const struct batch *batch, const struct node *node,
	struct held *held, struct error *err)
{
	struct context *context = batch->context;
	struct ledger_row row;
	bool found = false;

	if (!ledger_token_last(context->ledger, node->name, context->now, &row,
		    &found, err))
		return false;
	held->loose = found && row.ca == 0;
	held->expired = found && row.not_after.seconds < context->now.seconds;
	if (!found || (held->loose && (held->expired || !batch->wish)))
		return true;
	held_fill(held, &row);
	held->foreign = !held->loose && row.ca != context->ca_number;
	held->id =
		memory_text_n((const char *)row.serial.bytes, row.serial.len);
	if (!held->loose)
		held->server = memory_text_n(
			(const char *)row.body.bytes, row.body.len);
	return true;
}

static void compare_token(const struct held *token, struct buffer *drift)
{
	char text[INSTANT_TEXT];

	if (token->foreign)
		drift_add(drift, "its bundle trusts another CA");
	if (token->loose)
		drift_add(drift, "its live token \"%s\" is in no bundle",
			token->id);
	if (token->expired)
		drift_add(drift, "its token \"%s\" expired at %s", token->id,
			instant_format(token->not_after, text));
}

static void compare_credential(const struct batch *batch,
	const struct node *node, struct held held[N_HELD], struct buffer *drift)
{
	const char *server = batch->context->cluster->server;
	const struct held *credential = credential_of(batch, held);
	const struct holder holder = {.node = node};

	/* What was imported does not say what it is for. */
	if (credential->found && !credential->loose && *credential->server &&
		strcmp(credential->server, server))
		drift_add(drift, "the server was \"%s\" and is \"%s\" now",
			credential->server, server);
	if (credential->found && batch->wish)
		compare_token(credential, drift);
	else if (credential->found)
		profile_compare(decision_profile(CLIENT), &holder,
			credential->certificate, drift);
	if (rival_of(batch, held)->found)
		drift_add(drift,
			batch->wish ? "it has a client certificate, and is to "
				      "have a bootstrap token"
				    : "it has a bootstrap token, and is to "
				      "have a client certificate");
	else if (!credential->found)
		drift_add(drift, batch->wish ? "no bootstrap token is live"
					     : "no client certificate is live");
}

static void compare_proxy(const struct batch *batch, const struct held *proxy,
	struct buffer *drift)
{
	const char *server = batch->context->cluster->server;

	if (!proxy->found) {
		drift_add(drift, "no kube-proxy certificate is live");
		return;
	}
	if (strcmp(proxy->server, server) != 0)
		drift_add(drift,
			"the server of kube-proxy was \"%s\" and is \"%s\" "
			"now",
			proxy->server, server);
	profile_compare(decision_profile(PROXY), &(struct holder){0},
		proxy->certificate, drift);
}

static void compare(const struct batch *batch, const struct node *node,
	struct held held[N_HELD], struct buffer *drift)
{
	const struct held *serving = &held[SERVING];
	const struct holder holder = {.node = node};

	const struct held *credential = credential_of(batch, held);

	if (credential->found && credential->event <= batch->since)
		drift_add(drift, "it is of a stage of the CA's rotation before "
				 "this one");
	if ((!batch->wish && held[CLIENT].foreign) ||
		(batch->serving && serving->foreign) || held[PROXY].foreign)
		drift_add(drift, "another CA issued the certificate");
	compare_credential(batch, node, held, drift);
	if (batch->kube_proxy)
		compare_proxy(batch, &held[PROXY], drift);
	if (!batch->serving)
		return;
	if (serving->found)
		profile_compare(decision_profile(SERVING), &holder,
			serving->certificate, drift);
	else
		drift_add(drift, "no serving certificate is live");
}

/* What stands in the bundle's place, and is it this certificate's? */
enum standing {
	STANDING_NOTHING,
	STANDING_CURRENT,
	STANDING_PREDECESSOR, /* as the ledger knows */
	STANDING_FOREIGN,
};

static bool is_known_token(const struct batch *batch, const struct node *node,
	const struct token *token, bool *ret_known, struct error *err)
{
	struct ledger_row row;
	bool found = false;

	if (!ledger_token(batch->context->ledger, token->id,
		    batch->context->now, &row, &found, err))
		return false;
	*ret_known = found && row.ca != 0 && !strcmp(row.name, node->name);
	return true;
}

static bool is_known(const struct batch *batch, const struct node *node,
	const struct place *place, bool *ret_known, struct error *err)
{
	struct context *context = batch->context;

	return place->token
		       ? is_known_token(batch, node, place->token, ret_known,
				 err)
		       : ledger_has_anywhere(context->ledger, place->client,
				 ret_known, err);
}

static bool is_current(const struct batch *batch, const struct place *place,
	const struct held *credential)
{
	if (!credential->found || credential->loose)
		return false;
	if (batch->wish)
		return place->token &&
		       !strcmp(place->token->id, credential->id);
	return place->client &&
	       der_equal(place->client->whole, credential->certificate->whole);
}

/* Somebody gave kube-proxy another certificate, without the bundle. */
static bool has_other_proxy(const struct batch *batch,
	const struct place *place, const struct held *proxy)
{
	return batch->kube_proxy && place->proxy && proxy->certificate &&
	       !der_equal(place->proxy->whole, proxy->certificate->whole);
}

/* What cannot be looked at in one node's place is that node's failure. */
static bool look(const struct batch *batch, int out, const struct node *node,
	const struct held *credential, const struct held *proxy,
	struct decision *decision, enum standing *ret_standing,
	struct error *err)
{
	AUTO_RELEASE(place) place = PLACE_INIT;
	bool known = false;

	if (!batch->stream && !place_look(out, node, batch->format, &place,
				      &decision->error)) {
		decision->verdict = VERDICT_REFUSED;
		return true;
	}
	*ret_standing = place.taken ? STANDING_FOREIGN : STANDING_NOTHING;
	decision->has_kube_proxy = place.kube_proxy;
	if (!place.client && !place.token)
		return true;
	if (is_current(batch, &place, credential)) {
		*ret_standing = has_other_proxy(batch, &place, proxy)
					? STANDING_PREDECESSOR
					: STANDING_CURRENT;
		if (batch->format == BUNDLE_DIRECTORY &&
			!place_missing(out, node, batch->kit,
				&decision->missing, &decision->error))
			decision->verdict = VERDICT_REFUSED;
		return true;
	}
	if (!is_known(batch, node, &place, &known, err))
		return false;
	if (known)
		*ret_standing = STANDING_PREDECESSOR;
	return true;
}

static void refuse(struct decision *decision, const char *format, ...)
	PRINTF(2, 3);

static void refuse(struct decision *decision, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)error_vset(&decision->error, ERROR_REFUSED, format, args);
	va_end(args);
	decision->verdict = VERDICT_REFUSED;
}

static void describe_live(const struct batch *batch,
	const struct held held[N_HELD], struct decision *decision)
{
	size_t n = batch->wish ? N_HELD : DECISION_PROFILES;
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		const struct certificate *live = held[i].certificate;

		if (!held[i].found)
			continue;
		if (live)
			decision->serials[i] =
				hex_of(live->serial.bytes, live->serial.len);
		if (first ||
			held[i].not_after.seconds < decision->not_after.seconds)
			decision->not_after = held[i].not_after;
		first = false;
	}
	if (batch->wish && held[TOKEN].found)
		decision->id = memory_text(held[TOKEN].id);
}

/* For messages, for free(). */
static char *name_of(const struct held *credential)
{
	AUTO_TEXT serial = NULL;

	if (credential->id)
		return memory_format("token \"%s\"", credential->id);
	if (!credential->certificate)
		return memory_text("certificate");
	serial = hex_of(credential->certificate->serial.bytes,
		credential->certificate->serial.len);
	return memory_format("certificate %s", serial);
}

static bool wants_anew(const struct batch *batch, const struct held *credential,
	bool differs, bool present)
{
	if (!batch->reissue)
		return false;
	if (differs || credential->lost)
		return true;
	if (batch->has_issued_before)
		return credential->at.seconds < batch->issued_before.seconds;
	return batch->named || !present;
}

/* What is live says what the inventory says. */
static void decide_true(const struct batch *batch,
	const struct held *credential, bool present, struct decision *decision)
{
	AUTO_TEXT name = name_of(credential);
	char expiry[INSTANT_TEXT];

	instant_format(decision->not_after, expiry);
	if (credential->lost)
		refuse(decision,
			"%s (until %s) is live and its "
			"bundle is lost: --reissue makes another",
			name, expiry);
	else if (!present && credential->waits)
		refuse(decision,
			"%s (until %s) is recorded and its "
			"bundle waits where it is out of reach: --reissue "
			"makes another",
			name, expiry);
	else if (decision->missing && (batch->named || batch->require_bundle))
		refuse(decision,
			"%s (until %s) is live and its "
			"bundle lacks \"%s\": --reissue makes another",
			name, expiry, decision->missing);
	else if (!present && (batch->named || batch->require_bundle))
		refuse(decision,
			"%s (until %s) is live and its "
			"bundle is not here; %s: --reissue makes another",
			name, expiry,
			batch->wish ? "its secret was not kept"
				    : "its key was not kept");
	else
		decision->verdict = VERDICT_UNCHANGED;
}

/* Under another CA it has a name of its own. */
static int64_t superseded_of(const struct held *held)
{
	return held->foreign ? 0 : held->event;
}

static void decide_issue(const struct batch *batch,
	const struct held held[N_HELD], enum standing standing,
	struct decision *decision)
{
	if (standing == STANDING_FOREIGN) {
		refuse(decision,
			"what is in its place in \"%s\" is no bundle "
			"of this ledger: move it away",
			batch->out);
		return;
	}
	/* Its only key would go with the bundle that is replaced. */
	if (!batch->serving && held[SERVING].found) {
		refuse(decision, "has a live serving certificate, which "
				 "--no-serving would leave without its key");
		return;
	}
	if (decision->has_kube_proxy && !batch->kube_proxy) {
		refuse(decision, "its bundle has kube-proxy's kubeconfig, "
				 "which would go without --with-kube-proxy");
		return;
	}
	decision->verdict = VERDICT_ISSUE;
	decision->replace = standing != STANDING_NOTHING;
	decision->retires = rival_of(batch, held)->event;
	decision->supersedes[SERVING] = superseded_of(&held[SERVING]);
	decision->supersedes[PROXY] = superseded_of(&held[PROXY]);
	if (batch->wish)
		decision->supersedes_token = held[TOKEN].event;
	else
		decision->supersedes[CLIENT] = superseded_of(&held[CLIENT]);
}

static void decide_live(const struct batch *batch, struct held held[N_HELD],
	enum standing standing, const char *drift, struct decision *decision)
{
	const struct held *credential = credential_of(batch, held);
	AUTO_TEXT name = name_of(credential);
	bool present = standing == STANDING_CURRENT && !decision->missing;
	bool other = standing == STANDING_PREDECESSOR ||
		     standing == STANDING_FOREIGN;

	decision->present = present;
	if (wants_anew(batch, credential, *drift || other, present))
		decide_issue(batch, held, standing, decision);
	else if (*drift)
		refuse(decision, "differs: %s; --reissue issues it anew",
			drift);
	else if (other)
		refuse(decision,
			"what is in its place in \"%s\" is not the "
			"bundle of its live %s",
			batch->out, name);
	else
		decide_true(batch, credential, present, decision);
}

/* A stream that broke left this bundle in the spool. */
static void decide_spooled(
	const struct batch *batch, int64_t event, struct decision *decision)
{
	if (batch->stream) {
		decision->verdict = VERDICT_REPLAY;
		decision->event = event;
	} else {
		refuse(decision, "its bundle waits in the spool: --format tar "
				 "--out - sends it, --reissue makes another");
	}
}

/* A bundle that is recorded and not published yet. */
static bool decide_pending(const struct batch *batch, struct held *credential,
	struct decision *decision, bool *ret_decided, struct error *err)
{
	enum recovery_bundle where;

	if (!credential->pending)
		return true;
	if (!recovery_find(batch->context->ledger, credential->event, &where,
		    &decision->fd, err))
		return false;
	switch (where) {
	case RECOVERY_NOTHING:
		break;
	case RECOVERY_ALIVE:
		decision->verdict = VERDICT_UNCHANGED;
		*ret_decided = true;
		break;
	case RECOVERY_SPOOLED:
		*ret_decided = batch->stream || !batch->reissue;
		if (*ret_decided)
			decide_spooled(batch, credential->event, decision);
		break;
	case RECOVERY_WAITS:
		credential->waits = true;
		break;
	}
	return true;
}

static bool decide_held(const struct batch *batch, int out,
	const struct node *node, struct held held[N_HELD],
	struct decision *decision, struct error *err)
{
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	struct held *credential = credential_of(batch, held);
	enum standing standing = STANDING_NOTHING;
	bool any = false, decided = false;

	for (size_t i = 0; i < N_HELD; i++)
		any = any || held[i].found;
	describe_live(batch, held, decision);
	if (any)
		compare(batch, node, held, &drift);
	/* Only what is true is sent again. */
	if (!drift.len &&
		!decide_pending(batch, credential, decision, &decided, err))
		return false;
	if (decided)
		return true;
	if (!look(batch, out, node, credential, &held[PROXY], decision,
		    &standing, err))
		return false;
	if (decision->verdict == VERDICT_REFUSED)
		return true;
	if (any)
		decide_live(batch, held, standing, drift.data, decision);
	else
		decide_issue(batch, held, standing, decision);
	return true;
}

static bool target_fits(const struct batch *batch, const struct node *node,
	struct decision *decision)
{
	AUTO_TEXT target = place_name(node, batch->format);
	bool stream = batch->stream && batch->wish;
	size_t len =
		stream ? strlen(node->name) + strlen(".yaml") : strlen(target);

	if ((batch->stream && !stream) || len <= NAME_MAX)
		return true;
	refuse(decision,
		"its file would have a name of more than %d "
		"characters: use --format dir",
		NAME_MAX);
	return false;
}

static bool read_all(const struct batch *batch, const struct node *node,
	struct held held[N_HELD], struct error *err)
{
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		if ((i != PROXY || batch->kube_proxy) &&
			!held_read(batch, decision_profile(i), node, &held[i],
				err))
			return false;
	return held_read_token(batch, node, &held[TOKEN], err);
}

bool decide(const struct batch *batch, int out, const struct node *node,
	struct decision *ret_decision, struct error *err)
{
	struct held held[N_HELD] = {0};
	bool done;

	if (!target_fits(batch, node, ret_decision))
		return true;
	done = read_all(batch, node, held, err) &&
	       decide_held(batch, out, node, held, ret_decision, err);
	if (done && batch->wish && ret_decision->verdict == VERDICT_ISSUE)
		done = token_make(batch->wish, node->name,
			batch->context->ledger, &ret_decision->token, err);
	for (size_t i = 0; i < N_HELD; i++)
		held_release(&held[i]);
	return done;
}

void decision_release(struct decision *decision)
{
	error_release(&decision->error);
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		free(decision->serials[i]);
	free(decision->id);
	token_free(decision->token);
	free(decision->missing);
	if (decision->fd >= 0)
		close(decision->fd);
	*decision = (struct decision)DECISION_INIT;
}
