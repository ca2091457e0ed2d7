/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/custody.h"

#include <stdlib.h>

#include "cli/prompt.h"

enum { TRIES_ON_TERMINAL = 3 };

struct custody {
	const struct secret *given; /* by an option */
	struct secret *typed, *fresh;
	struct key_custodian custodian;
	char *file; /* that is asked about */
	bool used;
};

static bool answer(void *data, const char *what, bool again,
	const struct secret **ret_passphrase, struct error *err)
{
	struct custody *custody = data;
	AUTO_TEXT question = NULL;

	custody->used = true;
	if (custody->given) {
		*ret_passphrase = custody->given;
		return true;
	}
	if (again)
		secret_free(take(&custody->typed));
	question = memory_format(
		"%s%s of \"%s\": ", again ? "this one does not open it; " : "",
		what, custody->file);
	if (!custody->typed &&
		!prompt_passphrase(question, &custody->typed, err))
		return false;
	*ret_passphrase = custody->typed;
	return true;
}

struct custody *custody_new(const struct command_call *call)
{
	struct custody *custody = memory_new(1, sizeof(*custody));

	custody->given = call->shared->passphrase;
	custody->custodian = (struct key_custodian){
		.tries = custody->given ? 1 : TRIES_ON_TERMINAL,
		.passphrase = answer,
		.data = custody,
	};
	return custody;
}

const struct key_custodian *custody_of(
	struct custody *custody, const char *file)
{
	free(custody->file);
	custody->file = memory_text(file);
	return &custody->custodian;
}

const struct secret *custody_known(const struct custody *custody)
{
	if (!custody->used)
		return NULL;
	return custody->given ? custody->given : custody->typed;
}

static bool ask_twice(
	const char *file, struct secret **ret_passphrase, struct error *err)
{
	AUTO_TEXT question = memory_format("new passphrase for \"%s\": ", file);
	AUTO_FREE(secret) first = NULL;
	AUTO_FREE(secret) second = NULL;

	if (!prompt_passphrase(question, &first, err) ||
		!prompt_passphrase("the same again: ", &second, err))
		return false;
	if (!secret_equal(first, second))
		return error_set(err, ERROR_INPUT,
			"passphrase: was not typed the same twice");
	*ret_passphrase = take(&first);
	return true;
}

bool custody_ask_new(struct custody *custody, const char *file,
	const struct secret **ret_passphrase, struct error *err)
{
	struct secret *fresh = NULL;

	if (!ask_twice(file, &fresh, err))
		return false;
	secret_free(custody->fresh);
	*ret_passphrase = custody->fresh = fresh;
	return true;
}

bool custody_choose(struct custody *custody, const char *file,
	const struct secret **ret_passphrase, struct error *err)
{
	if (!custody->given)
		return custody_ask_new(custody, file, ret_passphrase, err);
	*ret_passphrase = custody->given;
	return true;
}

void custody_free(struct custody *custody)
{
	if (!custody)
		return;
	secret_free(custody->typed);
	secret_free(custody->fresh);
	free(custody->file);
	free(custody);
}
