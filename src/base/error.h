/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

/*
 * An error: what kind, where, and one sentence that grows on its way up.
 *
 * What can fail returns bool (or a pointer) and takes a struct error as its
 * last argument.  True means done, and the error is untouched; false means that
 * the error was set exactly once, by the place that knew, and that every
 * output argument is untouched.  A caller adds only what its callee could not
 * know:
 *
 *	if (!inventory_read(source, &inventory, err))
 *		return false;
 *	if (!address_parse(text, &kind, canonical, err))
 *		return error_context(err, "node \"%s\"", name);
 *
 * Nothing below main() prints an error.  It is printed once, as one line:
 *
 *	kpki node-bundle: nodes.yaml:12: node "w1": address "10.0": not an IP
 *
 * The sentence names the thing in quotes and then the rule it breaks, in lower
 * case, without a full stop.  Control characters, characters that nobody sees,
 * and bytes that are not UTF-8 are written as \xNN when the sentence is set, so
 * that no input can drive the terminal of whoever reads it, or pass for another.
 *
 * err is never NULL.  To pass over a failure, say so with error_release().
 */

/* The kind is the exit status: kpki(1), EXIT STATUS. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_FAILED = 1,   /* I/O, cryptography, a lock that was not got */
	ERROR_USAGE = 2,    /* the command line */
	ERROR_INPUT = 3,    /* a file or value that breaks a rule */
	ERROR_REFUSED = 4,  /* policy says no */
	ERROR_FINDINGS = 5, /* a check found what it looks for */
};

struct error {
	enum error_kind kind;
	char *message; /* contexts and rule, joined by ": " */
	char *rule;    /* the innermost sentence alone */
	char *file;    /* where, or NULL */
	unsigned line; /* 1-based; 0 when the place has no line */
};

#define ERROR_INIT {ERROR_NONE, 0, 0, 0, 0}

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Sets an error that is not set yet.  Always false. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
	PRINTF(3, 4);

/* The same for a function that has its own "...". */
bool error_vset(struct error *err, enum error_kind kind, const char *format,
	va_list args) PRINTF(3, 0);

/* The same for a system call that failed: ERROR_FAILED, and ": " and the words
 * for errno at the end.  Always false. */
bool error_errno(struct error *err, const char *format, ...) PRINTF(2, 3);

/* Puts "context: " before the message of an error that is set; an error that
 * is not set is a bug and aborts.  Always false. */
bool error_context(struct error *err, const char *format, ...) PRINTF(2, 3);

/* Says where the fault stands, unless a callee already did.  Always false. */
bool error_at(struct error *err, const char *file, unsigned line);

/* "file:line: message", for the caller to free(). */
char *error_text(const struct error *err);

/* Moves an error; *to must not be set. */
void error_move(struct error *to, struct error *from);

/* Frees, and leaves ERROR_INIT. */
void error_release(struct error *err);

/* Which of two kinds a batch answers with: failed, input, refused, findings,
 * none, in this order.  A usage error never joins a batch. */
enum error_kind error_worse(enum error_kind a, enum error_kind b);

#endif
