/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/progress.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct progress {
	char *what;
	size_t total;
	int64_t drawn_at; /* milliseconds */
};

enum { TOTAL_WORTH_A_BAR = 50, REDRAW_MS = 100, CELLS = 40 };

static const char erase_line[] = "\r\033[K";

static int64_t milliseconds(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct progress *progress_new(const char *what, size_t total, bool quiet)
{
	struct progress *progress;

	if (quiet || total < TOTAL_WORTH_A_BAR || !isatty(STDERR_FILENO))
		return NULL;
	progress = memory_new(1, sizeof(*progress));
	progress->what = memory_text(what);
	progress->total = total;
	return progress;
}

void progress_update(struct progress *progress, size_t done)
{
	char bar[CELLS + 1];
	int64_t now;
	size_t filled;

	if (!progress)
		return;
	now = milliseconds();
	if (progress->drawn_at && now - progress->drawn_at < REDRAW_MS)
		return;
	progress->drawn_at = now;
	if (done > progress->total)
		done = progress->total;
	filled = (size_t)((double)done / (double)progress->total * CELLS);
	for (size_t i = 0; i < CELLS; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[CELLS] = '\0';
	fprintf(stderr, "%s%.12s [%s] %zu/%zu", erase_line, progress->what, bar,
		done, progress->total);
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	if (progress->drawn_at)
		fputs(erase_line, stderr);
	free(progress->what);
	free(progress);
}
