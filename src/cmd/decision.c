/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/decision.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pki/recovery.h"

/* What the ledger holds live for a node under one profile. */
struct held {
	bool found;
	bool foreign; /* issued by another CA */
	bool lost, pending;
	int64_t event;
	struct instant at;
	char *server;
	struct certificate *certificate;
};

static void held_release(struct held *held)
{
	certificate_free(held->certificate);
	free(held->server);
}

const struct profile *decision_profile(size_t i)
{
	static const char *const names[DECISION_PROFILES] = {
		"kubelet-client", "kubelet-serving"};

	return profile_find(names[i]);
}

static bool held_read(const struct batch *batch, const struct profile *profile,
	const struct node *node, struct held *held, struct error *err)
{
	struct context *context = batch->context;
	struct ledger_row row;
	bool found = false;

	if (!ledger_live(context->ledger, context->ca_number, profile->name,
		    node->name, context->now, &row, &found, err))
		return false;
	if (!found) {
		if (!ledger_live_anywhere(context->ledger, profile->name,
			    node->name, context->now, &row, &found, err))
			return false;
		held->foreign = found;
	}
	if (!found)
		return true;
	held->found = true;
	held->event = row.event;
	held->at = row.at;
	held->lost = row.lost;
	held->pending = row.pending;
	held->server = memory_text(row.detail ? row.detail : "");
	return certificate_read(row.body, &held->certificate, err);
}

static void add_drift(struct buffer *drift, const char *format, ...)
	PRINTF(2, 3);

static void add_drift(struct buffer *drift, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	buffer_format(drift, "%s%s", drift->len ? "; " : "", sentence);
}

static void compare(const struct batch *batch, const struct node *node,
	const struct held held[DECISION_PROFILES], struct buffer *drift)
{
	const char *server = batch->context->cluster->server;

	if (held[0].foreign || held[1].foreign)
		add_drift(drift, "another CA issued the certificate");
	if (held[0].found && strcmp(held[0].server, server))
		add_drift(drift, "the server was \"%s\" and is \"%s\" now",
			held[0].server, server);
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		if (held[i].found)
			profile_compare(decision_profile(i), node,
				held[i].certificate, drift);
	if (!held[0].found)
		add_drift(drift, "no client certificate is live");
	if (batch->serving && !held[1].found)
		add_drift(drift, "no serving certificate is live");
}

/* What stands in the bundle's place, and is it this certificate's? */
enum standing {
	STANDING_NOTHING,
	STANDING_CURRENT,
	STANDING_PREDECESSOR, /* of this CA, as the ledger knows */
	STANDING_FOREIGN,
};

static bool look(const struct batch *batch, int out, const struct node *node,
	const struct held *client, enum standing *ret_standing,
	struct error *err)
{
	AUTO_FREE(certificate) there = NULL;
	struct context *context = batch->context;
	enum place place = PLACE_EMPTY;
	bool known = false;

	if (!batch->stream && !place_look(out, node, batch->format,
				      batch->layout, &place, &there, err))
		return false;
	*ret_standing =
		place == PLACE_EMPTY ? STANDING_NOTHING : STANDING_FOREIGN;
	if (place != PLACE_BUNDLE)
		return true;
	if (client->found &&
		der_equal(there->whole, client->certificate->whole)) {
		*ret_standing = STANDING_CURRENT;
		return true;
	}
	if (!ledger_has(context->ledger, context->ca_number, there->serial,
		    &known, err))
		return false;
	if (known)
		*ret_standing = STANDING_PREDECESSOR;
	return true;
}

static void refuse(struct decision *decision, const char *format, ...)
	PRINTF(2, 3);

static void refuse(struct decision *decision, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	decision->verdict = VERDICT_REFUSED;
	error_set(&decision->error, ERROR_REFUSED, "%s", sentence);
}

static void describe_live(
	const struct held held[DECISION_PROFILES], struct decision *decision)
{
	bool first = true;

	for (size_t i = 0; i < DECISION_PROFILES; i++) {
		const struct certificate *live = held[i].certificate;

		if (!held[i].found)
			continue;
		decision->serials[i] =
			hex_of(live->serial.bytes, live->serial.len);
		if (first ||
			live->not_after.seconds < decision->not_after.seconds)
			decision->not_after = live->not_after;
		first = false;
	}
}

static bool wants_anew(const struct batch *batch, const struct held *client,
	bool differs, bool present)
{
	if (!batch->reissue)
		return false;
	if (differs || client->lost)
		return true;
	if (batch->has_issued_before)
		return client->at.seconds < batch->issued_before.seconds;
	return batch->named || !present;
}

/* The live certificates say what the inventory says. */
static void decide_true(const struct batch *batch, const struct held *client,
	bool present, struct decision *decision)
{
	char expiry[INSTANT_TEXT];

	instant_format(decision->not_after, expiry);
	if (client->lost)
		refuse(decision,
			"certificate %s (until %s) is live and its "
			"bundle is lost: --reissue makes another",
			decision->serials[0], expiry);
	else if (!present && (batch->named || batch->require_bundle))
		refuse(decision,
			"certificate %s (until %s) is live and its "
			"bundle is not here; its key was not kept: --reissue "
			"makes another",
			decision->serials[0], expiry);
	else
		decision->verdict = VERDICT_UNCHANGED;
}

static void decide_issue(const struct batch *batch, const struct held *held,
	enum standing standing, struct decision *decision)
{
	if (standing == STANDING_FOREIGN) {
		refuse(decision,
			"what is in its place in \"%s\" is no bundle "
			"of this ledger: move it away",
			batch->out);
		return;
	}
	decision->verdict = VERDICT_ISSUE;
	decision->replace = standing != STANDING_NOTHING;
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		decision->supersedes[i] = held[i].event;
}

static void decide_live(const struct batch *batch,
	const struct held held[DECISION_PROFILES], enum standing standing,
	const char *drift, struct decision *decision)
{
	bool present = standing == STANDING_CURRENT;
	bool other = standing == STANDING_PREDECESSOR ||
		     standing == STANDING_FOREIGN;

	decision->present = present;
	if (wants_anew(batch, &held[0], *drift || other, present))
		decide_issue(batch, held, standing, decision);
	else if (*drift)
		refuse(decision, "differs: %s; --reissue issues it anew",
			drift);
	else if (other)
		refuse(decision,
			"what is in its place in \"%s\" is not the "
			"bundle of its live certificate %s",
			batch->out, decision->serials[0]);
	else
		decide_true(batch, &held[0], present, decision);
}

/* A stream that broke left this bundle in the spool. */
static bool decide_spooled(const struct batch *batch, const struct held *client,
	struct decision *decision, bool *ret_decided, struct error *err)
{
	bool alive = false;

	if (!client->pending ||
		!recovery_spooled(batch->context->ledger, client->event,
			&decision->fd, &alive, err))
		return !client->pending;
	*ret_decided = alive || decision->fd >= 0;
	if (alive) {
		decision->verdict = VERDICT_UNCHANGED;
	} else if (decision->fd >= 0 && batch->stream) {
		decision->verdict = VERDICT_REPLAY;
		decision->event = client->event;
	} else if (decision->fd >= 0) {
		*ret_decided = !batch->reissue;
		refuse(decision, "its bundle waits in the spool: --format tar "
				 "--out - sends it, --reissue makes another");
	}
	return true;
}

static bool decide_held(const struct batch *batch, int out,
	const struct node *node, const struct held held[DECISION_PROFILES],
	struct decision *decision, struct error *err)
{
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	enum standing standing = STANDING_NOTHING;
	bool decided = false;

	describe_live(held, decision);
	if (!decide_spooled(batch, &held[0], decision, &decided, err))
		return false;
	if (decided)
		return true;
	error_release(&decision->error);
	if (!look(batch, out, node, &held[0], &standing, err))
		return false;
	if (!held[0].found && !held[1].found) {
		decide_issue(batch, held, standing, decision);
		return true;
	}
	compare(batch, node, held, &drift);
	decide_live(batch, held, standing, drift.data, decision);
	return true;
}

static bool target_fits(const struct batch *batch, const struct node *node,
	struct decision *decision)
{
	AUTO_TEXT target = place_name(node, batch->format);

	if (batch->stream || strlen(target) <= NAME_MAX)
		return true;
	refuse(decision,
		"its file would have a name of more than %d "
		"characters: use --format dir",
		NAME_MAX);
	return false;
}

bool decide(const struct batch *batch, int out, const struct node *node,
	struct decision *ret_decision, struct error *err)
{
	struct held held[DECISION_PROFILES] = {0};
	size_t wanted = batch->serving ? 2 : 1;
	bool done = true;

	if (!target_fits(batch, node, ret_decision))
		return true;
	for (size_t i = 0; done && i < wanted; i++)
		done = held_read(
			batch, decision_profile(i), node, &held[i], err);
	done = done && decide_held(batch, out, node, held, ret_decision, err);
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		held_release(&held[i]);
	return done;
}

void decision_release(struct decision *decision)
{
	error_release(&decision->error);
	for (size_t i = 0; i < DECISION_PROFILES; i++)
		free(decision->serials[i]);
	if (decision->fd >= 0)
		close(decision->fd);
	*decision = (struct decision)DECISION_INIT;
}
