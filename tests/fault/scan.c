/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * scan NEEDLES PROGRAM [ARGUMENT...]
 *
 * Runs a program, stops it where it has done all it does and is about to exit,
 * and looks through its whole memory: stack, heap, what was freed of it, and
 * everything that is mapped.  Each line of the file NEEDLES has a name and the
 * bytes to look for, in hexadecimal; the name of each that was found, and the
 * mapping, go to standard error.
 *
 * Exits with 1 when something was found, like the program when it fails, with
 * 77 when looking is not permitted, and with 99 when something is wrong here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct needle {
	char name[64];
	unsigned char bytes[512];
	size_t len;
} needles[32];
static size_t n_needles;

static void fail(const char *what, int status)
{
	fprintf(stderr, "scan: %s: %s\n", what, strerror(errno));
	exit(status);
}

static void read_needles(const char *path)
{
	FILE *file = fopen(path, "re");
	char name[64], hex[1024 + 1];

	if (!file)
		fail(path, 99);
	while (fscanf(file, "%63s %1024s", name, hex) == 2) {
		struct needle *needle = &needles[n_needles++];

		strcpy(needle->name, name);
		needle->len = strlen(hex) / 2;
		for (size_t i = 0; i < needle->len; i++)
			sscanf(hex + 2 * i, "%2hhx", &needle->bytes[i]);
	}
	fclose(file);
}

static bool scan_range(
	int memory, unsigned long from, unsigned long to, const char *mapping)
{
	size_t len = to - from;
	unsigned char *bytes = malloc(len);
	ssize_t got;
	bool found = false;

	if (!bytes)
		fail("memory", 99);
	got = pread(memory, bytes, len, (off_t)from);
	for (size_t i = 0; got > 0 && i < n_needles; i++) {
		if (!memmem(bytes, (size_t)got, needles[i].bytes,
			    needles[i].len))
			continue;
		fprintf(stderr, "found %s in %s", needles[i].name, mapping);
		found = true;
	}
	free(bytes);
	return found;
}

static bool scan(pid_t pid)
{
	char path[64], line[4096];
	bool found = false;
	int memory;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		fail(path, errno == EACCES || errno == EPERM ? 77 : 99);
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		fail(path, 99);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode;

		if (sscanf(line, "%lx-%lx %c", &from, &to, &mode) == 3 &&
			mode == 'r' && !strstr(line, "[v"))
			found = scan_range(memory, from, to, line) || found;
	}
	fclose(maps);
	close(memory);
	return found;
}

static pid_t start(char *argv[])
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
			fail("PTRACE_TRACEME", 99);
		execvp(argv[0], argv);
		fail(argv[0], 99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 ||
		ptrace(PTRACE_SETOPTIONS, pid, 0,
			PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE |
				PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) ||
		ptrace(PTRACE_CONT, pid, 0, 0))
		fail("ptrace", 99);
	return pid;
}

int main(int argc, char *argv[])
{
	bool found = false;
	pid_t program;

	if (argc < 3)
		return 99;
	read_needles(argv[1]);
	program = start(argv + 2);
	for (;;) {
		int status, signal, event;
		pid_t thread = waitpid(-1, &status, __WALL);

		if (thread < 0)
			fail("wait", 99);
		if (!WIFSTOPPED(status)) {
			if (thread != program)
				continue;
			return found ? 1 : WEXITSTATUS(status);
		}
		signal = WSTOPSIG(status);
		event = status >> 16;
		if (event == PTRACE_EVENT_EXIT && thread == program)
			found = scan(program);
		if (event || signal == SIGSTOP || signal == SIGTRAP)
			signal = 0;
		ptrace(PTRACE_CONT, thread, 0, signal);
	}
}
