/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/tally.h"

static const char *noun_of(const struct tally *tally)
{
	return tally->noun ? tally->noun : "node";
}

void tally_add(struct tally *tally, const char *name, const struct error *why)
{
	enum error_kind worse;

	if (why->kind == ERROR_NONE)
		return;
	tally->n_bad++;
	worse = error_worse(tally->first.kind, why->kind);
	if (worse == tally->first.kind)
		return;
	error_release(&tally->first);
	error_set(&tally->first, worse, "%s", why->message);
	error_context(&tally->first, "%s \"%s\"", noun_of(tally), name);
	if (why->file)
		error_at(&tally->first, why->file, why->line);
}

bool tally_result(struct tally *tally, size_t n_nodes, struct error *err)
{
	if (!tally->n_bad)
		return true;
	error_move(err, &tally->first);
	if (n_nodes > 1)
		error_context(err, "%zu of %zu %ss are not done; the first",
			tally->n_bad, n_nodes, noun_of(tally));
	return false;
}

void tally_release(struct tally *tally)
{
	error_release(&tally->first);
}
