/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/placement.h"

#include <stdio.h>
#include <unistd.h>

static bool write_draft(struct placement *placement, struct error *err)
{
	const char *name = placement->name;

	return draft_open(placement->dir, placement->mode, &placement->draft,
		       err) &&
	       file_write_parts(placement->draft.fd, placement->parts,
		       placement->n_parts, name, err) &&
	       file_sync(placement->draft.fd, name, err);
}

static bool write_drafts(struct placement *list, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].way != PLACEMENT_KEEP && !list[i].link &&
			!write_draft(&list[i], err))
			return false;
	return true;
}

/* A link cannot be made without a name.  One that is left of a process that
 * died says nothing that this one does not say better. */
static bool make_link(
	const struct placement *placement, const char *draft, struct error *err)
{
	if ((unlinkat(placement->dir, draft, 0) != 0 && errno != ENOENT) ||
		symlinkat(placement->link, placement->dir, draft) != 0)
		return error_errno(
			err, "link \"%s\": cannot create", placement->name);
	return true;
}

static bool rename_link(const struct placement *placement, const char *draft,
	bool *ret_exists, struct error *err)
{
	int dir = placement->dir;

	if (placement->way == PLACEMENT_NEW)
		return file_rename_new(
			dir, draft, dir, placement->name, ret_exists, err);
	if (renameat(dir, draft, dir, placement->name) != 0)
		return error_errno(err, "link \"%s\": cannot rename to \"%s\"",
			draft, placement->name);
	return true;
}

static bool put_link(
	const struct placement *placement, bool *ret_exists, struct error *err)
{
	AUTO_TEXT draft = memory_format(DRAFT_PREFIX "%s", placement->name);

	if (!make_link(placement, draft, err))
		return false;
	if (rename_link(placement, draft, ret_exists, err))
		return file_sync(placement->dir, placement->name, err);
	/* What stays behind is hidden, and made anew next time. */
	(void)unlinkat(placement->dir, draft, 0);
	return false;
}

static bool put_one(struct placement *placement, struct error *err)
{
	bool exists = false;

	if (placement->way == PLACEMENT_KEEP)
		return true;
	if (placement->link ? put_link(placement, &exists, err)
			    : draft_publish(&placement->draft, placement->name,
				      placement->way == PLACEMENT_REPLACE,
				      &exists, err))
		return true;
	return exists ? error_set(err, ERROR_FAILED,
				"file \"%s\": another process has just made it",
				placement->name)
		      : false;
}

static void take_away(const struct placement *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].way == PLACEMENT_REPLACE)
			return;
	/* Whoever tries again finds what could not be taken away. */
	while (n-- > 0)
		if (list[n].way == PLACEMENT_NEW)
			(void)unlinkat(list[n].dir, list[n].name, 0);
}

static bool put_all(struct placement *list, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		if (put_one(&list[i], err))
			continue;
		take_away(list, i);
		return false;
	}
	return true;
}

bool placement_all(struct placement *list, size_t n, struct error *err)
{
	bool done;

	for (size_t i = 0; i < n; i++)
		list[i].draft = (struct draft)DRAFT_INIT;
	done = write_drafts(list, n, err) && put_all(list, n, err);
	for (size_t i = 0; i < n; i++)
		draft_release(&list[i].draft);
	return done;
}
