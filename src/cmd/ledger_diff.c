/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "cli/note.h"
#include "cmd/ledger.h"

static const struct report_column diff_columns[] = {
	{"status", "STATUS", 7},
	{"path", "IN", 16},
	{"entry", "ENTRY", 5},
	{"kind", "KIND", 10},
	{"at", "AT", 20},
	{"profile", "PROFILE", 15},
	{"node", "NODE", 20},
	{"serial", "SERIAL", 40},
	{NULL, NULL, 0},
};

/* An entry, by what it says and not by where it stands. */
struct mark {
	struct sha256 key;
	int64_t seq;
};

struct side {
	const char *path;
	struct ledger *ledger;
	struct mark *marks; /* those behind what is common */
	size_t n_marks, allocated;
	size_t n_extra; /* that the other side lacks */
};

static void side_release(struct side *side)
{
	ledger_free(side->ledger);
	free(side->marks);
}
DEFINE_AUTO_RELEASE(side)

static bool open_side(const struct command_call *call, const char *path,
	struct side *side, struct error *err)
{
	side->path = path;
	return ledger_open_copy(path, &side->ledger, err) &&
	       ledger_lock(side->ledger, FILE_LOCK_SHARED,
		       call->shared->lock_timeout, err) &&
	       ledger_verify(side->ledger, err);
}

/* The certificate or token that an entry is, or is about. */
static bool thing_of(struct ledger *ledger, const struct ledger_entry *entry,
	struct ledger_entry *ret_thing, struct error *err)
{
	if (entry->ref)
		return ledger_entry(ledger, entry->ref, ret_thing, err);
	*ret_thing = *entry;
	return true;
}

/* A certificate is known by itself, a token by its id, and a clock that went
 * back by when it did. */
static bool add_mark(
	void *data, const struct ledger_entry *entry, struct error *err)
{
	struct side *side = data;
	AUTO_TEXT kind = memory_text(entry->kind);
	int64_t at = entry->at.seconds, seq = entry->seq;
	struct ledger_entry thing;
	struct der what;
	struct mark mark = {.seq = seq};

	if (!thing_of(side->ledger, entry, &thing, err))
		return false;
	what = strcmp(thing.kind, "issued") ? thing.serial : thing.body;
	if (!what.len)
		what = (struct der){(const unsigned char *)&at, sizeof(at)};
	const struct digest_piece pieces[] = {
		{kind, strlen(kind) + 1}, {what.bytes, what.len}};

	if (!sha256_of_pieces(pieces, ARRAY_SIZE(pieces), &mark.key, err))
		return false;
	side->marks = memory_grow(side->marks, &side->allocated,
		side->n_marks + 1, sizeof(*side->marks));
	side->marks[side->n_marks++] = mark;
	return true;
}

static int compare_marks(const void *a, const void *b)
{
	return memcmp(((const struct mark *)a)->key.bytes,
		((const struct mark *)b)->key.bytes, SHA256_LEN);
}

static int compare_places(const void *a, const void *b)
{
	int64_t left = ((const struct mark *)a)->seq;
	int64_t right = ((const struct mark *)b)->seq;

	return (left > right) - (left < right);
}

static void sort(struct side *side)
{
	if (side->n_marks > 0)
		qsort(side->marks, side->n_marks, sizeof(*side->marks),
			compare_marks);
}

static bool has(const struct side *side, const struct mark *mark)
{
	return side->n_marks > 0 && bsearch(mark, side->marks, side->n_marks,
					    sizeof(*mark), compare_marks);
}

/* Those that the other side lacks, in their order; for free(). */
static struct mark *extra_of(struct side *side, const struct side *other)
{
	struct mark *extra = memory_new(side->n_marks + 1, sizeof(*extra));

	side->n_extra = 0;
	for (size_t i = 0; i < side->n_marks; i++)
		if (!has(other, &side->marks[i]))
			extra[side->n_extra++] = side->marks[i];
	if (side->n_extra > 0)
		qsort(extra, side->n_extra, sizeof(*extra), compare_places);
	return extra;
}

static void put_thing(struct document *row, const struct ledger_entry *thing)
{
	bool token = !strcmp(thing->kind, "token");
	AUTO_TEXT serial =
		token ? memory_text_n((const char *)thing->serial.bytes,
				thing->serial.len)
		      : hex_of(thing->serial.bytes, thing->serial.len);

	if (thing->profile)
		document_put_text(row, "profile", thing->profile);
	if (thing->name && *thing->name)
		document_put_text(row, "node", thing->name);
	if (*serial)
		document_put_text(row, "serial", serial);
}

static bool report_entry(struct report *report, const struct side *side,
	int64_t seq, struct error *err)
{
	struct document *row;
	struct ledger_entry entry, thing;

	if (!ledger_entry(side->ledger, seq, &entry, err))
		return false;
	row = document_new_map();
	document_put_text(row, "status", "only");
	document_put_text(row, "path", side->path);
	document_put(row, "entry", document_new_integer(seq));
	document_put_text(row, "kind", entry.kind);
	document_put_instant(row, "at", entry.at);
	if (!thing_of(side->ledger, &entry, &thing, err)) {
		document_free(row);
		return false;
	}
	put_thing(row, &thing);
	report_row(report, row);
	return true;
}

static bool report_extra(struct report *report, struct side *side,
	const struct side *other, struct error *err)
{
	struct mark *extra = extra_of(side, other);
	bool done = true;

	for (size_t i = 0; done && i < side->n_extra; i++)
		done = report_entry(report, side, extra[i].seq, err);
	free(extra);
	return done;
}

/* One is the other, is an older copy of it, or they part. */
static bool conclude(const struct command_call *call, const struct side *a,
	const struct side *b, int64_t common, struct error *err)
{
	int64_t left = ledger_count(a->ledger), right = ledger_count(b->ledger);

	if (left == common && right == common) {
		note(call->shared->quiet, "the two are the same: %lld entries",
			(long long)common);
		return true;
	}
	if (left == common || right == common)
		return error_set(err, ERROR_FINDINGS,
			"\"%s\": is an older copy, without the last %lld "
			"entries of \"%s\"",
			left == common ? a->path : b->path,
			(long long)(left > right ? left - right : right - left),
			left == common ? b->path : a->path);
	return error_set(err, ERROR_FINDINGS,
		"the two part after entry %lld: \"%s\" has %zu that \"%s\" "
		"lacks, and lacks %zu",
		(long long)common, a->path, a->n_extra, b->path, b->n_extra);
}

static bool compare(const struct command_call *call, struct report *report,
	struct side *a, struct side *b, struct error *err)
{
	int64_t common = 0;

	if (!ledger_common(a->ledger, b->ledger, &common, err) ||
		!ledger_entries(a->ledger, common + 1, add_mark, a, err) ||
		!ledger_entries(b->ledger, common + 1, add_mark, b, err))
		return false;
	sort(a);
	sort(b);
	report_member(report, "common", document_new_integer(common));
	return report_extra(report, a, b, err) &&
	       report_extra(report, b, a, err) &&
	       conclude(call, a, b, common, err);
}

bool ledger_run_diff(const struct command_call *call, struct error *err)
{
	AUTO_TEXT own = context_directory(call);
	bool two = call->n_operands > 2;
	const char *first = two ? call->operands[1] : own;
	const char *second = call->operands[two ? 2 : 1];
	AUTO_RELEASE(side) a = {0};
	AUTO_RELEASE(side) b = {0};
	AUTO_FREE(report) report = NULL;

	if (!open_side(call, first, &a, err) ||
		!open_side(call, second, &b, err))
		return false;
	report = context_report(call, diff_columns,
		call->shared->quiet ? REPORT_SILENT : REPORT_TEXT, stdout);
	return report_close(report, compare(call, report, &a, &b, err), err);
}
