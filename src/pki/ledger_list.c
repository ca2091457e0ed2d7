/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_private.h"

#include <string.h>

/* What was done to a certificate or token since it was issued. */
struct acts {
	bool kinds[LEDGER_ROTATION + 1];
};

static bool read_acts(struct ledger *ledger, int64_t seq, struct acts *ret_acts,
	struct error *err)
{
	AUTO_RESET statement = NULL;
	struct acts acts = {0};
	struct event event;
	bool row = false;

	if (!ledger_query(ledger, SQL_EVENT_ACTS, CELLS(cell_integer(seq)),
		    &statement, err))
		return false;
	for (;;) {
		if (!ledger_chain_step(ledger, statement, &event, &row, err))
			return false;
		if (!row)
			break;
		for (size_t i = 0; i < ARRAY_SIZE(acts.kinds); i++)
			if (event_is(&event, i))
				acts.kinds[i] = true;
	}
	*ret_acts = acts;
	return true;
}

/* The first that applies: what is superseded Kubernetes still accepts, what is
 * expired it does not. */
static const char *status_of(
	const struct acts *acts, struct instant not_after, struct instant at)
{
	if (acts->kinds[LEDGER_WITHDRAWN])
		return "withdrawn";
	if (acts->kinds[LEDGER_REVOKED])
		return "revoked";
	if (not_after.seconds < at.seconds)
		return "expired";
	if (acts->kinds[LEDGER_SUPERSEDED])
		return "superseded";
	return "live";
}

static bool is_freed(const struct acts *acts)
{
	return acts->kinds[LEDGER_WITHDRAWN] || acts->kinds[LEDGER_REVOKED] ||
	       acts->kinds[LEDGER_SUPERSEDED];
}

static bool is_pending(struct ledger *ledger, int64_t seq, bool *ret_pending,
	struct error *err)
{
	int64_t range[2] = {0};
	bool found = false;

	if (!ledger_ask(ledger, SQL_PENDING_FIND, CELLS(cell_integer(seq)),
		    range, ARRAY_SIZE(range), &found, err))
		return false;
	*ret_pending = found && seq <= range[1];
	return true;
}

bool ledger_row_of(struct ledger *ledger, const struct event *event,
	struct instant at, struct ledger_row *ret_row, struct error *err)
{
	struct acts acts;
	bool pending = false;
	int64_t seq = event_integer(event, EVENT_SEQ);

	if (!read_acts(ledger, seq, &acts, err) ||
		!is_pending(ledger, seq, &pending, err))
		return false;
	*ret_row = (struct ledger_row){
		.event = seq,
		.at = event_instant(event, EVENT_AT),
		.ca = event_integer(event, EVENT_CA),
		.serial = event_der(event, EVENT_SERIAL),
		.profile = event_text(event, EVENT_PROFILE),
		.name = event_text(event, EVENT_NAME),
		.detail = event_text(event, EVENT_DETAIL),
		.not_before = event_instant(event, EVENT_NOT_BEFORE),
		.not_after = event_instant(event, EVENT_NOT_AFTER),
		.body = event_der(event, EVENT_BODY),
		.status = status_of(
			&acts, event_instant(event, EVENT_NOT_AFTER), at),
		.pending = pending,
		.lost = acts.kinds[LEDGER_LOST],
	};
	return true;
}

bool ledger_visit_rows(struct ledger *ledger, struct sqlite3_stmt *statement,
	struct instant at, ledger_visit *visit, void *data, struct error *err)
{
	struct ledger_row row;
	struct event event;
	bool more = false;

	for (;;) {
		if (!ledger_chain_step(ledger, statement, &event, &more, err))
			return false;
		if (!more)
			return true;
		if (!ledger_row_of(ledger, &event, at, &row, err) ||
			!visit(data, &row, err))
			return false;
	}
}

bool ledger_each(struct ledger *ledger, const struct ledger_filter *filter,
	ledger_visit *visit, void *data, struct error *err)
{
	AUTO_RESET statement = NULL;
	enum ledger_kind kind = filter->tokens ? LEDGER_TOKEN : LEDGER_ISSUED;
	struct cell live = {.kind = CELL_NULL};

	if (filter->live_only)
		live = cell_integer(filter->at.seconds);
	return ledger_query(ledger, SQL_EACH,
		       CELLS(cell_text(filter->name),
			       cell_text(filter->profile), live,
			       cell_text(ledger_kind_name(kind)),
			       cell_integer(filter->lapsed)),
		       &statement, err) &&
	       ledger_visit_rows(
		       ledger, statement, filter->at, visit, data, err);
}

/* -- the proof of the whole -- */

/* What the projections must hold when the events are true. */
struct proof {
	int64_t count;
	int64_t n_live, n_addresses, n_authorities, n_tokens;
	struct sha256 head;
};

static bool prove_authority(
	struct ledger *ledger, const struct event *event, struct error *err)
{
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_RESET statement = NULL;
	struct cell pin;
	bool row = false;

	if (!certificate_read(event_der(event, EVENT_BODY), &certificate, err))
		return error_context(err, "ledger \"%s\": entry %lld",
			ledger->label,
			(long long)event_integer(event, EVENT_SEQ));
	if (!ledger_query(ledger, SQL_AUTHORITY_READ,
		    CELLS(event->cells[EVENT_SEQ]), &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	pin = ledger_cell(statement, 0);
	if (!row || pin.len != SHA256_LEN ||
		memcmp(pin.bytes, certificate->pin.bytes, SHA256_LEN) != 0)
		return ledger_damaged(ledger, err,
			"the authority of entry %lld was changed",
			(long long)event_integer(event, EVENT_SEQ));
	return true;
}

static bool prove_live(
	struct ledger *ledger, const struct event *event, struct error *err)
{
	int64_t live[2] = {0};
	bool found = false;

	if (!ledger_ask(ledger, SQL_LIVE_FIND,
		    CELLS(event->cells[EVENT_NAME], event->cells[EVENT_PROFILE],
			    event->cells[EVENT_CA]),
		    live, ARRAY_SIZE(live), &found, err))
		return false;
	if (!found || live[0] != event_integer(event, EVENT_SEQ) ||
		live[1] != event_integer(event, EVENT_NOT_AFTER))
		return ledger_damaged(ledger, err,
			"what is live was changed: \"%s\" has no %s "
			"certificate of entry %lld",
			event_text(event, EVENT_NAME),
			event_text(event, EVENT_PROFILE),
			(long long)event_integer(event, EVENT_SEQ));
	return true;
}

static bool prove_address(struct ledger *ledger, const struct event *event,
	const struct cell *address, struct error *err)
{
	AUTO_RESET statement = NULL;
	bool row = false;

	if (!ledger_query(ledger, SQL_ADDRESS_READ,
		    CELLS(*address, event->cells[EVENT_CA],
			    event->cells[EVENT_SEQ]),
		    &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	if (!row || strcmp(ledger_text(statement, 0),
			    event_text(event, EVENT_NAME)) != 0)
		return ledger_damaged(ledger, err,
			"what is live was changed: an address of entry %lld "
			"is not \"%s\"'s",
			(long long)event_integer(event, EVENT_SEQ),
			event_text(event, EVENT_NAME));
	return true;
}

static bool prove_addresses(struct ledger *ledger, const struct event *event,
	struct proof *proof, struct error *err)
{
	const char *at = event_text(event, EVENT_ADDRESSES);
	struct cell address;

	while (event_next_address(&at, &address)) {
		if (!prove_address(ledger, event, &address, err))
			return false;
		proof->n_addresses++;
	}
	return true;
}

static bool prove_issued(struct ledger *ledger, const struct event *event,
	struct proof *proof, struct error *err)
{
	int64_t seq = event_integer(event, EVENT_SEQ);
	struct acts acts;

	if (event_integer(event, EVENT_CA) == seq) {
		proof->n_authorities++;
		if (!prove_authority(ledger, event, err))
			return false;
	}
	if (!read_acts(ledger, seq, &acts, err))
		return false;
	if (is_freed(&acts))
		return true;
	proof->n_live++;
	return prove_live(ledger, event, err) &&
	       prove_addresses(ledger, event, proof, err);
}

static bool prove_token(struct ledger *ledger, const struct event *event,
	struct proof *proof, struct error *err)
{
	int64_t seq = event_integer(event, EVENT_SEQ);
	int64_t row[2] = {0};
	struct acts acts;
	bool found = false;

	if (!read_acts(ledger, seq, &acts, err))
		return false;
	if (is_freed(&acts) || *event_text(event, EVENT_NAME) == '\0')
		return true;
	proof->n_tokens++;
	if (!ledger_ask(ledger, SQL_TOKEN_FIND, CELLS(event->cells[EVENT_NAME]),
		    row, ARRAY_SIZE(row), &found, err))
		return false;
	if (!found || row[0] != seq ||
		row[1] != event_integer(event, EVENT_NOT_AFTER))
		return ledger_damaged(ledger, err,
			"what is live was changed: \"%s\" has no token of "
			"entry %lld",
			event_text(event, EVENT_NAME), (long long)seq);
	return true;
}

static bool prove_event(struct ledger *ledger, const struct event *event,
	struct proof *proof, struct error *err)
{
	int64_t seq = event_integer(event, EVENT_SEQ);

	if (seq != proof->count + 1)
		return ledger_damaged(ledger, err, "entry %lld: is missing",
			(long long)proof->count + 1);
	proof->count = seq;
	proof->head = event->hash;
	if (event_is(event, LEDGER_TOKEN))
		return prove_token(ledger, event, proof, err);
	return !event_is(event, LEDGER_ISSUED) ||
	       prove_issued(ledger, event, proof, err);
}

static bool prove_events(
	struct ledger *ledger, struct proof *proof, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct event event;
	bool row = false;

	if (!ledger_query(ledger, SQL_EVENT_ALL, CELLS(cell_integer(1)),
		    &statement, err))
		return false;
	for (;;) {
		if (!ledger_chain_step(ledger, statement, &event, &row, err))
			return false;
		if (!row)
			return true;
		if (!prove_event(ledger, &event, proof, err))
			return false;
	}
}

static bool prove_counts(
	struct ledger *ledger, const struct proof *proof, struct error *err)
{
	static const char *const things[] = {
		"live names", "addresses", "authorities", "tokens of nodes"};
	const int64_t wanted[] = {proof->n_live, proof->n_addresses,
		proof->n_authorities, proof->n_tokens};
	int64_t counts[ARRAY_SIZE(wanted)] = {0};
	bool found = false;

	if (proof->count != ledger->tail.count ||
		memcmp(&proof->head, &ledger->tail.head, sizeof(proof->head)) !=
			0)
		return ledger_damaged(ledger, err,
			"says that it has %lld entries, and has %lld",
			(long long)ledger->tail.count, (long long)proof->count);
	if (!ledger_ask(ledger, SQL_PROJECTION_COUNTS, NO_CELLS, counts,
		    ARRAY_SIZE(counts), &found, err))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (counts[i] != wanted[i])
			return ledger_damaged(ledger, err,
				"has %lld %s where its entries make %lld",
				(long long)counts[i], things[i],
				(long long)wanted[i]);
	return true;
}

static bool prove_file(struct ledger *ledger, struct error *err)
{
	AUTO_RESET statement = NULL;
	bool row = false;

	if (!ledger_query(ledger, SQL_INTEGRITY, NO_CELLS, &statement, err) ||
		!ledger_step(ledger, statement, &row, err))
		return false;
	if (strcmp(ledger_text(statement, 0), "ok") != 0)
		return ledger_damaged(
			ledger, err, "%s", ledger_text(statement, 0));
	return true;
}

static bool prove_pending(struct ledger *ledger, struct error *err)
{
	int64_t seq = 0;
	bool found = false;

	if (!ledger_ask(
		    ledger, SQL_STRAY_PENDING, NO_CELLS, &seq, 1, &found, err))
		return false;
	if (found)
		return ledger_damaged(ledger, err,
			"what is pending was changed: entry %lld",
			(long long)seq);
	return true;
}

bool ledger_verify(struct ledger *ledger, struct error *err)
{
	struct proof proof = {0};

	return prove_file(ledger, err) && prove_events(ledger, &proof, err) &&
	       prove_counts(ledger, &proof, err) && prove_pending(ledger, err);
}
