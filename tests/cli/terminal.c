/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * terminal [-s SIGNAL] [-c] LOG ANSWERS PROGRAM [ARGUMENT...]
 *
 * Runs a program that has a terminal of its own as /dev/tty, while its standard
 * files are the caller's.  Each line of the file ANSWERS is typed when the
 * program has asked, that is when the terminal shows something that ends in
 * ": " and does not echo.  With -s SIGNAL the program gets that signal when it
 * asks first, and with -c then SIGCONT.  LOG gets all that the terminal showed.
 *
 * Exits like the program, with 128 + its number when a signal ended it, with 98
 * when the terminal does not echo afterwards, and with 99 when something is
 * wrong here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int number;
static bool go_on;

static void die(const char *what)
{
	fprintf(stderr, "terminal: %s: %s\n", what, strerror(errno));
	exit(99);
}

static bool echoes(int terminal)
{
	struct termios now;

	if (tcgetattr(terminal, &now))
		die("tcgetattr");
	return now.c_lflag & ECHO;
}

/* A group of its own in the foreground, as a shell's child has: one that is an
 * orphan cannot be stopped from the keyboard. */
static pid_t start(int slave, char *argv[])
{
	pid_t pid = fork();

	if (pid) {
		(void)setpgid(pid, pid);
		return pid;
	}
	(void)setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (tcsetpgrp(slave, getpid()))
		die("foreground");
	/* What runs in the background may be deaf to some. */
	for (int i = 1; i < SIGSYS; i++)
		signal(i, SIG_DFL);
	execvp(argv[0], argv);
	die(argv[0]);
	return -1;
}

/* Whoever has the terminal leads its session, and is nobody's leader before. */
static void lead(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (setsid() < 0)
			die("setsid");
		return;
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

static void pass_on(int master, FILE *log, bool *asked)
{
	char text[4096];
	ssize_t got = read(master, text, sizeof(text));

	if (got <= 0)
		return;
	fwrite(text, 1, (size_t)got, log);
	fflush(log);
	*asked = got > 1 && !memcmp(text + got - 2, ": ", 2);
}

static void send_signal(pid_t pid)
{
	kill(pid, number);
	number = 0;
	if (!go_on)
		return;
	if (waitpid(pid, NULL, WUNTRACED) != pid)
		die("waitpid");
	kill(pid, SIGCONT);
}

static void type_next(int master, FILE *answers)
{
	char line[4096];

	if (!fgets(line, sizeof(line), answers))
		return;
	if (write(master, line, strlen(line)) < 0)
		die("write");
}

static int run(int master, int slave, pid_t pid, FILE *log, FILE *answers)
{
	struct pollfd wait = {master, POLLIN, 0};
	bool asked = false;
	int status;

	for (;;) {
		if (poll(&wait, 1, 20) > 0)
			pass_on(master, log, &asked);
		else if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		if (!asked || echoes(slave))
			continue;
		asked = false;
		if (number)
			send_signal(pid);
		else
			type_next(master, answers);
	}
}

int main(int argc, char *argv[])
{
	int option, master, slave, status;
	FILE *log, *answers;

	while ((option = getopt(argc, argv, "+s:c")) > 0) {
		if (option == 's')
			number = atoi(optarg);
		go_on = go_on || option == 'c';
	}
	if (argc - optind < 3)
		return 99;
	lead();
	log = fopen(argv[optind], "we");
	answers = fopen(argv[optind + 1], "re");
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (!log || !answers || master < 0 || grantpt(master) ||
		unlockpt(master))
		die("open");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0))
		die("open");
	status = run(
		master, slave, start(slave, argv + optind + 2), log, answers);
	if (fclose(log))
		die("log");
	if (!echoes(slave))
		return 98;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}
