/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * halt [-n N] [-x COMMAND] [-o LOG] PROGRAM [ARGUMENT...]
 *
 * Runs a program, numbers its state-changing system calls over all threads,
 * and kills it just before the N-th of them runs: every N is one point at
 * which a process can die.  COMMAND, if there is one, is run by the shell while
 * the program stands still there.  LOG gets a line for each call: its number
 * and name.
 *
 * Exits like the program, with 128 + 9 when it was killed, and with 99 when
 * something is wrong here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	long number;
	const char *name;
	int flags_at; /* only when this argument has O_CREAT or O_TRUNC */
} calls[] = {
#ifdef SYS_open
	{SYS_open, "open", 1},
	{SYS_mkdir, "mkdir", -1},
	{SYS_rename, "rename", -1},
	{SYS_rmdir, "rmdir", -1},
	{SYS_symlink, "symlink", -1},
	{SYS_link, "link", -1},
	{SYS_unlink, "unlink", -1},
	{SYS_chmod, "chmod", -1},
#endif
#ifdef SYS_renameat
	{SYS_renameat, "renameat", -1},
#endif
	{SYS_openat, "openat", 2},
	{SYS_mkdirat, "mkdirat", -1},
	{SYS_renameat2, "renameat2", -1},
	{SYS_symlinkat, "symlinkat", -1},
	{SYS_linkat, "linkat", -1},
	{SYS_unlinkat, "unlinkat", -1},
	{SYS_fchmod, "fchmod", -1},
	{SYS_fchmodat, "fchmodat", -1},
	{SYS_fchown, "fchown", -1},
	{SYS_fallocate, "fallocate", -1},
	{SYS_ftruncate, "ftruncate", -1},
	{SYS_write, "write", -1},
	{SYS_writev, "writev", -1},
	{SYS_pwrite64, "pwrite64", -1},
	{SYS_pwritev, "pwritev", -1},
	{SYS_fsync, "fsync", -1},
	{SYS_fdatasync, "fdatasync", -1},
	{SYS_syncfs, "syncfs", -1},
	{SYS_flock, "flock", -1},
};

struct run {
	pid_t program;
	unsigned long n_calls, halt_at;
	const char *command;
	FILE *log;
};

static void fail(const char *what)
{
	fprintf(stderr, "halt: %s: %s\n", what, strerror(errno));
	exit(99);
}

static const char *changes(const struct __ptrace_syscall_info *info)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((long)info->entry.nr != calls[i].number)
			continue;
		if (calls[i].flags_at >= 0 &&
			!(info->entry.args[calls[i].flags_at] &
				(O_CREAT | O_TRUNC)))
			return NULL;
		return calls[i].name;
	}
	return NULL;
}

static void halt(const struct run *run)
{
	int status;

	if (run->command && system(run->command) != 0)
		fail(run->command);
	if (kill(run->program, SIGKILL) != 0)
		fail("kill");
	while (waitpid(-1, &status, __WALL) > 0)
		;
	exit(128 + SIGKILL);
}

static void on_syscall(struct run *run, pid_t thread)
{
	struct __ptrace_syscall_info info = {0};
	const char *name;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0)
		fail("PTRACE_GET_SYSCALL_INFO");
	name = info.op == PTRACE_SYSCALL_INFO_ENTRY ? changes(&info) : NULL;
	if (!name)
		return;
	run->n_calls++;
	if (run->log && fprintf(run->log, "%lu %s\n", run->n_calls, name) < 0)
		fail("log");
	if (run->n_calls == run->halt_at)
		halt(run);
}

/* The signal to go on with. */
static int on_stop(struct run *run, pid_t thread, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		on_syscall(run, thread);
		return 0;
	}
	/* An event, or a new thread that says hello. */
	if (status >> 16 || signal == SIGSTOP || signal == SIGTRAP)
		return 0;
	return signal;
}

static int follow(struct run *run)
{
	for (;;) {
		int status, signal;
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0)
			fail("wait");
		if (WIFSTOPPED(status)) {
			signal = on_stop(run, thread, status);
			/* A thread may be gone already. */
			if (ptrace(PTRACE_SYSCALL, thread, 0, signal) != 0 &&
				errno != ESRCH)
				fail("PTRACE_SYSCALL");
		} else if (thread == run->program) {
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   128 + WTERMSIG(status);
		}
	}
}

static void start(struct run *run, char *argv[])
{
	int status;

	run->program = fork();
	if (run->program < 0)
		fail("fork");
	if (run->program == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0 || raise(SIGSTOP) != 0)
			fail("PTRACE_TRACEME");
		execvp(argv[0], argv);
		fail(argv[0]);
	}
	if (waitpid(run->program, &status, 0) < 0 || !WIFSTOPPED(status))
		fail("start");
	if (ptrace(PTRACE_SETOPTIONS, run->program, 0,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
			    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0 ||
		ptrace(PTRACE_SYSCALL, run->program, 0, 0) != 0)
		fail("ptrace");
}

int main(int argc, char *argv[])
{
	struct run run = {0};
	int option, status;

	while ((option = getopt(argc, argv, "+n:o:x:")) != -1) {
		if (option == 'n')
			run.halt_at = strtoul(optarg, NULL, 10);
		else if (option == 'x')
			run.command = optarg;
		else if (option != 'o' || !(run.log = fopen(optarg, "we")))
			fail(optarg ? optarg : "usage");
	}
	if (optind == argc)
		fail("usage");
	start(&run, argv + optind);
	status = follow(&run);
	if (run.log && fclose(run.log) != 0)
		fail("log");
	return status;
}
