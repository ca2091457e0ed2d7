/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * ledger_check DIR
 *
 * Verifies the whole ledger of a PKI directory, and prints what it holds, one
 * thing a line, its parts separated by blanks:
 *
 *	issued EVENT PROFILE NAME SERIAL STATUS
 *	pending EVENT NAME
 *	lost EVENT NAME
 *	stage ID PATH/NAME
 *
 * NAME is "-" for a CA.  Exits 1, and says why on stderr, when the ledger is
 * not sound.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "pki/digest.h"
#include "pki/ledger.h"

static bool print_row(void *data, const struct ledger_row *row,
	struct error *err)
{
	const char *name = *row->name ? row->name : "-";
	AUTO_TEXT serial = hex_of(row->serial.bytes, row->serial.len);
	long long event = row->event;

	(void)data;
	(void)err;
	printf("issued %lld %s %s %s %s\n", event, row->profile, name, serial,
		row->status);
	if (row->pending)
		printf("pending %lld %s\n", event, name);
	if (row->lost)
		printf("lost %lld %s\n", event, name);
	return true;
}

static bool print_stages(struct ledger *ledger, struct error *err)
{
	AUTO_RELEASE(ledger_stages) stages = {NULL, 0};

	if (!ledger_stages(ledger, &stages, err))
		return false;
	for (size_t i = 0; i < stages.n_items; i++)
		printf("stage %lld %s/%s\n", (long long)stages.items[i].id,
			stages.items[i].path, stages.items[i].name);
	return true;
}

static bool check(const char *dir, struct error *err)
{
	struct ledger_filter all = {.at = instant_now()};
	AUTO_FREE(ledger) ledger = NULL;

	return ledger_open(dir, LEDGER_READ, &ledger, err) &&
	       ledger_lock(ledger, FILE_LOCK_SHARED, 60, err) &&
	       ledger_verify(ledger, err) &&
	       ledger_each(ledger, &all, print_row, NULL, err) &&
	       print_stages(ledger, err);
}

int main(int argc, char *argv[])
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (argc != 2)
		return 2;
	if (check(argv[1], &err) && fflush(stdout) == 0)
		return 0;
	fprintf(stderr, "ledger_check: %s\n", err.kind ? err.message : "stdout");
	return 1;
}
