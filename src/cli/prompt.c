/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/note.h"

/* -- what a passphrase is -- */

static bool check(const struct secret *line, struct error *err)
{
	const unsigned char *bytes = secret_view(line);
	size_t len = secret_len(line);
	const char *rule = NULL;

	if (len == 0)
		rule = "is empty";
	else if (len > PASSPHRASE_MOST)
		rule = "is longer than 1024 bytes";
	for (size_t i = 0; i < len && !rule; i++)
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			rule = "has a control character, or a second line";
	return !rule || error_set(err, ERROR_INPUT, "passphrase: %s", rule);
}

/* Room for the longest line, and to see that one is longer. */
static struct secret *new_line(void)
{
	return secret_new(PASSPHRASE_MOST + 2);
}

/* Of what was read, without the end of the line. */
static bool finish(struct secret **taken_line, size_t len,
	struct secret **ret_passphrase, struct error *err)
{
	AUTO_FREE(secret) line = take(taken_line);

	if (len > 0 && secret_view(line)[len - 1] == '\n')
		len--;
	secret_shorten(line, len);
	if (!check(line, err))
		return false;
	*ret_passphrase = take(&line);
	return true;
}

/* -- files -- */

bool passphrase_read_file(
	const char *path, struct secret **ret_passphrase, struct error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	AUTO_CLOSE fd =
		is_stdin ? -1 : UNINTERRUPTED(open(path, O_RDONLY | O_CLOEXEC));
	AUTO_FREE(secret) line = new_line();
	size_t len = 0;
	struct stat status;
	ssize_t got = 1;

	if (is_stdin)
		return passphrase_read_fd(STDIN_FILENO, ret_passphrase, err);
	if (fd < 0 || fstat(fd, &status))
		return error_errno(err, "file \"%s\": cannot open", path);
	if (S_ISREG(status.st_mode) && status.st_mode & 077)
		warning("file \"%s\": others than its owner can get at it "
			"(mode %04o)",
			path, (unsigned)(status.st_mode & 07777));
	while (got > 0 && len < secret_len(line)) {
		got = UNINTERRUPTED(read(
			fd, secret_bytes(line) + len, secret_len(line) - len));
		len += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return error_errno(err, "file \"%s\": cannot read", path);
	return finish(&line, len, ret_passphrase, err) ||
	       error_context(err, "file \"%s\"", path);
}

/* An octet at a time: what follows the line is somebody else's. */
bool passphrase_read_fd(
	int fd, struct secret **ret_passphrase, struct error *err)
{
	AUTO_FREE(secret) line = new_line();
	unsigned char *bytes = secret_bytes(line);
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < secret_len(line) &&
		(len == 0 || bytes[len - 1] != '\n')) {
		got = UNINTERRUPTED(read(fd, bytes + len, 1));
		len += got > 0 ? (size_t)got : 0;
	}
	if (got < 0 && errno == EBADF)
		return error_set(err, ERROR_USAGE,
			"file descriptor %d: not open for reading", fd);
	if (got < 0)
		return error_errno(err, "file descriptor %d: cannot read", fd);
	return finish(&line, len, ret_passphrase, err) ||
	       error_context(err, "file descriptor %d", fd);
}

/* -- the terminal -- */

struct terminal {
	int fd;
	int signals; /* readable when one of `held` has come */
	sigset_t held, before;
	struct termios echoing;
};

/* Those that are ignored, as by nohup, stay so. */
static void choose_signals(sigset_t *set)
{
	static const int numbers[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (sigaction(numbers[i], NULL, &action) == 0 &&
			action.sa_handler != SIG_IGN)
			sigaddset(set, numbers[i]);
}

/* Signals wait until the terminal is as it was. */
static bool hold_signals(struct terminal *terminal, struct error *err)
{
	choose_signals(&terminal->held);
	terminal->signals = signalfd(-1, &terminal->held, SFD_CLOEXEC);
	if (terminal->signals < 0)
		return error_errno(err, "signals");
	return sigprocmask(SIG_BLOCK, &terminal->held, &terminal->before) ==
		       0 ||
	       error_errno(err, "signals");
}

static bool set_echo(const struct terminal *terminal, bool on)
{
	struct termios wanted = terminal->echoing;

	if (!on)
		wanted.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	return UNINTERRUPTED(tcsetattr(
		       terminal->fd, on ? TCSADRAIN : TCSAFLUSH, &wanted)) == 0;
}

static bool say(
	const struct terminal *terminal, const char *text, struct error *err)
{
	const struct file_part part = {text, strlen(text), NULL};

	return file_write_parts(terminal->fd, &part, 1, "/dev/tty", err);
}

/* A line, or *ret_signalled. */
static bool read_line(const struct terminal *terminal, struct secret *line,
	size_t *ret_len, bool *ret_signalled, struct error *err)
{
	struct pollfd both[] = {
		{terminal->fd, POLLIN, 0}, {terminal->signals, POLLIN, 0}};
	ssize_t got = -1;

	if (UNINTERRUPTED(poll(both, ARRAY_SIZE(both), -1)) < 0)
		return error_errno(err, "/dev/tty");
	*ret_signalled = both[1].revents != 0;
	if (*ret_signalled)
		return true;
	got = UNINTERRUPTED(
		read(terminal->fd, secret_bytes(line), secret_len(line)));
	if (got < 0)
		return error_errno(err, "/dev/tty: cannot read");
	*ret_len = (size_t)got;
	return true;
}

static bool ask(struct terminal *terminal, const char *question,
	struct secret *line, size_t *ret_len, bool *ret_signalled,
	struct error *err)
{
	AUTO_RELEASE(error) unsaid = ERROR_INIT;
	bool done;

	if (tcgetattr(terminal->fd, &terminal->echoing) ||
		!set_echo(terminal, false))
		return error_errno(err, "/dev/tty: cannot turn off its echo");
	done = say(terminal, question, err) &&
	       read_line(terminal, line, ret_len, ret_signalled, err);
	if (!set_echo(terminal, true) && done)
		done = error_errno(err, "/dev/tty: cannot turn on its echo");
	/* The newline that was typed was not shown. */
	(void)!say(terminal, "\n", &unsaid);
	return done;
}

/* One that stops the process is no answer yet: it goes on, and is asked again;
 * others end it here, or are for who handles them. */
static bool let_signals_in(struct terminal *terminal, bool *ret_stopped)
{
	sigset_t pending;

	*ret_stopped = sigpending(&pending) == 0 &&
		       sigismember(&pending, SIGTSTP) == 1;
	return sigprocmask(SIG_SETMASK, &terminal->before, NULL) == 0;
}

static bool ask_once(const char *question, struct secret *line, size_t *ret_len,
	bool *ret_again, struct error *err)
{
	struct terminal terminal = {.fd = -1};
	AUTO_CLOSE fd =
		UNINTERRUPTED(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
	AUTO_CLOSE signals = -1;
	bool done, signalled = false;

	*ret_again = false;
	if (fd < 0)
		return error_set(err, ERROR_USAGE,
			"passphrase: no terminal to ask for it on, and neither "
			"--passphrase-file nor --passphrase-fd");
	terminal.fd = fd;
	if (!hold_signals(&terminal, err))
		return false;
	signals = terminal.signals;
	done = ask(&terminal, question, line, ret_len, &signalled, err);
	if (!let_signals_in(&terminal, ret_again) && done)
		return error_errno(err, "signals");
	if (done && signalled && !*ret_again)
		return error_set(err, ERROR_FAILED, "passphrase: interrupted");
	return done;
}

bool prompt_passphrase(
	const char *question, struct secret **ret_passphrase, struct error *err)
{
	AUTO_FREE(secret) line = new_line();
	bool again = true;
	size_t len = 0;

	while (again)
		if (!ask_once(question, line, &len, &again, err))
			return false;
	return finish(&line, len, ret_passphrase, err);
}
