/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

/*
 * What every program here answers on standard output, in one line: wall
 * seconds, CPU seconds (user and system), peak memory in KiB.
 */
static inline double figures_seconds(struct timespec from, struct timespec to)
{
	return (double)(to.tv_sec - from.tv_sec) +
		(double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static inline double figures_cpu(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
		(double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) /
		1e6;
}

struct figures {
	struct timespec clock;
	struct rusage usage;
};

static inline struct figures figures_now(void)
{
	struct figures now;

	getrusage(RUSAGE_SELF, &now.usage);
	clock_gettime(CLOCK_MONOTONIC, &now.clock);
	return now;
}

static inline void figures_print(double wall, double cpu, long peak)
{
	printf("%.6f %.6f %ld\n", wall, cpu, peak);
}

static inline void figures_print_since(const struct figures *start)
{
	struct figures now = figures_now();

	figures_print(figures_seconds(start->clock, now.clock),
		figures_cpu(&now.usage) - figures_cpu(&start->usage),
		now.usage.ru_maxrss);
}

#endif
