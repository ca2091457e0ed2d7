/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/report.h"
#include "cmd/commands.h"

/* A file that kpki opens must never become standard output.  What was closed
 * is opened the wrong way round, so that using it fails. */
static bool open_standard_files(struct error *err)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", way) != fd)
			return error_errno(err, "/dev/null");
	}
	return true;
}

/* No core dump and no debugger sees a key, modes are what the creating call
 * says, and a reader that went away or a file that grows past its limit is an
 * error like any other. */
static bool harden(struct error *err)
{
	const struct rlimit none = {0, 0};

	(void)umask(022);
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return error_errno(err, "core limit");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return error_errno(err, "dumpable");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
		signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return error_errno(err, "signals");
	return open_standard_files(err);
}

/* For a failure before the command had a report of its own. */
static void report_failure(
	const struct program_outcome *outcome, const struct error *failure)
{
	const struct command *command = outcome->command;
	const char *kind = command ? command->report_kind : "Report";
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	AUTO_FREE(report) report = NULL;

	if (!outcome->json || outcome->reported)
		return;
	report = report_new(kind, REPORT_JSON, NULL, false, stdout);
	/* The failure itself is what counts. */
	(void)!report_end(report, failure, &passed_over);
}

/* A full disk shows when the last bytes go out. */
static bool flush_output(struct error *err)
{
	if (fflush(stdout) != 0)
		return error_errno(err, "standard output");
	if (ferror(stdout))
		return error_set(err, ERROR_FAILED,
			"standard output: not everything was written");
	return true;
}

static void print_error(
	const struct program_outcome *outcome, const struct error *err)
{
	AUTO_TEXT text = error_text(err);

	fprintf(stderr, "%s%s%s: %s\n", kpki.name, outcome->command ? " " : "",
		outcome->command ? outcome->command->name : "", text);
}

int main(int argc, char *argv[])
{
	struct program_outcome outcome = {0};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(error) output_err = ERROR_INIT;

	if (!harden(&err) || !program_run(&kpki, argc, argv, &outcome, &err))
		report_failure(&outcome, &err);
	if (!flush_output(&output_err) && err.kind == ERROR_NONE)
		error_move(&err, &output_err);
	if (err.kind != ERROR_NONE)
		print_error(&outcome, &err);
	return (int)err.kind;
}
