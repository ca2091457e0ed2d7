/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/ledger_revoke.h"

#include <stdlib.h>
#include <string.h>

#include "pki/ledger_private.h"

bool ledger_revoke(struct ledger *ledger, int64_t seq, const char *reason,
	struct error *err)
{
	struct ledger_row row;
	struct event event;

	if (!ledger_chain_read(ledger, seq, &event, err) ||
		!ledger_row_of(ledger, &event, ledger->now, &row, err))
		return false;
	if (!strcmp(row.status, "revoked") || !strcmp(row.status, "withdrawn"))
		return error_set(err, ERROR_REFUSED,
			"entry %lld: it is %s already", (long long)seq,
			row.status);
	return ledger_act(ledger, LEDGER_REVOKED, seq, reason, err) &&
	       ledger_chain_read(ledger, seq, &event, err) &&
	       ledger_free_names(ledger, &event, err);
}

bool ledger_each_serial(struct ledger *ledger, struct der serial,
	struct instant at, ledger_visit *visit, void *data, struct error *err)
{
	AUTO_RESET statement = NULL;

	return ledger_query(ledger, SQL_SERIAL_ANYWHERE,
		       CELLS(cell_blob(serial.bytes, serial.len)), &statement,
		       err) &&
	       ledger_visit_rows(ledger, statement, at, visit, data, err);
}

bool ledger_each_revoked(struct ledger *ledger, int64_t ca,
	ledger_revocation_visit *visit, void *data, struct error *err)
{
	AUTO_RESET statement = NULL;
	struct event act, event;
	bool more = false;

	if (!ledger_query(ledger, SQL_REVOKED, NO_CELLS, &statement, err))
		return false;
	for (;;) {
		if (!ledger_chain_step(ledger, statement, &act, &more, err))
			return false;
		if (!more)
			return true;
		if (!ledger_chain_read(ledger, event_integer(&act, EVENT_REF),
			    &event, err))
			return false;
		struct ledger_revocation revocation = {
			event_der(&event, EVENT_SERIAL),
			event_instant(&act, EVENT_AT),
			event_text(&act, EVENT_DETAIL)};

		if (event_is(&event, LEDGER_ISSUED) &&
			event_integer(&event, EVENT_CA) == ca &&
			!visit(data, &revocation, err))
			return false;
	}
}
