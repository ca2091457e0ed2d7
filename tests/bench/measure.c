/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * measure LOG COMMAND [ARG...]
 *
 * Runs a command with its output appended to LOG and prints its figures, its
 * waited-for children's included.  Peak memory is that of the largest single
 * process.  Small and spawning without a copy of itself, so that nothing of
 * its own is in them.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "figures.h"

extern char **environ;

static int start(const char *log, char **command, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int code = posix_spawn_file_actions_init(&actions);

	if (code)
		return code;
	code = posix_spawn_file_actions_addopen(
		&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!code)
		code = posix_spawn_file_actions_addopen(
			&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (!code)
		code = posix_spawn_file_actions_adddup2(&actions, 1, 2);
	if (!code)
		code = posix_spawnp(
			ret_pid, command[0], &actions, NULL, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	return code;
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	struct rusage usage;
	pid_t pid;
	int status, code;

	if (argc < 3) {
		fprintf(stderr, "usage: measure LOG COMMAND [ARG...]\n");
		return 2;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	code = start(argv[1], argv + 2, &pid);
	if (code) {
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(code));
		return 127;
	}
	if (wait4(pid, &status, 0, &usage) != pid) {
		perror("measure: wait4");
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "measure: %s: %s %d\n", argv[2],
			WIFEXITED(status) ? "exit status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status)
					  : WTERMSIG(status));
		return 1;
	}
	figures_print(figures_seconds(from, to), figures_cpu(&usage),
		usage.ru_maxrss);
	return fflush(stdout) == 0 ? 0 : 1;
}
