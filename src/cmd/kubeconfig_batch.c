/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/kubeconfig_batch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "cmd/tally.h"
#include "cmd/token_batch.h"
#include "cmd/token_make.h"
#include "cmd/token_use.h"
#include "kube/kubeconfig.h"
#include "kube/token_read.h"

bool kubeconfig_of_token(struct context *context, const struct token *token,
	struct gap *ret_gap, struct error *err)
{
	return token_use(context, token, TOKEN_AUTHENTICATION, err) &&
	       kubeconfig_write_bootstrap(
		       context->cluster, context_trust(context), token,
		       ret_gap, err);
}

/* -- one file -- */

static bool open_parent(int dir, const char *path, int *ret_dir,
	const char **ret_name, struct error *err)
{
	AUTO_TEXT parent = NULL;

	return context_split_out(path, &parent, ret_name, err) &&
	       directory_open(dir, parent, ret_dir, err);
}

/* Is what is there the same as the draft? */
static bool is_same(int dir, const char *name, const struct draft *draft,
	bool *ret_same, struct error *err)
{
	AUTO_CLOSE fd = openat(
		dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct sha256 is, wanted;
	struct stat status;

	*ret_same = false;
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return true;
	if (!sha256_of_file(fd, name, &is, err) ||
		!sha256_of_file(draft->fd, name, &wanted, err))
		return false;
	*ret_same = !memcmp(&is, &wanted, sizeof(is));
	return true;
}

static bool publish(int dir, const char *name, struct draft *draft,
	bool replace, bool *ret_fresh, struct error *err)
{
	bool exists = file_exists(dir, name), same = false;

	if (exists && !is_same(dir, name, draft, &same, err))
		return false;
	*ret_fresh = !same;
	if (same)
		return true;
	if ((exists && !replace) ||
		!draft_publish(draft, name, replace, &exists, err))
		return exists ? error_set(err, ERROR_REFUSED,
					"\"%s\": is there and says something "
					"else: --replace puts this in its "
					"place",
					name)
			      : false;
	return true;
}

bool kubeconfig_save(int dir, const char *path, const struct gap *gap,
	const struct token *token, bool replace, bool *ret_fresh,
	struct error *err)
{
	AUTO_RELEASE(draft) draft = DRAFT_INIT;
	AUTO_CLOSE parent = -1;
	struct file_part parts[GAP_PARTS];
	const char *name;

	gap_fill(gap, token->secret, parts);
	return open_parent(dir, path, &parent, &name, err) &&
	       draft_open(parent, 0600, &draft, err) &&
	       file_write_parts(draft.fd, parts, GAP_PARTS, name, err) &&
	       publish(parent, name, &draft, replace, ret_fresh, err);
}

/* -- one for each node -- */

struct key {
	char group[TOKEN_NODE_GROUP];
	size_t node;
};

struct run {
	const struct kubeconfig_batch *batch;
	struct report *report;
	int out;
	struct key *keys; /* sorted by group */
	bool *done;	  /* of each node: it had a token */
	struct tally tally;
};

static const char *status_of(const struct error *why, bool fresh)
{
	if (why->kind == ERROR_NONE)
		return fresh ? "issued" : "unchanged";
	return why->kind == ERROR_REFUSED ? "refused" : "failed";
}

/* Consumes the error, which may be none. */
static void report_node(struct run *run, const char *node,
	const struct token *token, bool fresh, struct error *why)
{
	bool fine = why->kind == ERROR_NONE;
	AUTO_TEXT path =
		memory_format("%s/%s.kubeconfig", run->batch->out, node);

	report_row(run->report,
		token_row(status_of(why, fresh), node, fine ? token : NULL,
			fine ? token->id : NULL, fine ? path : NULL,
			why->message));
	tally_add(&run->tally, node, why);
	error_release(why);
}

static void make_node(struct run *run, size_t i, const struct token *token)
{
	struct node node = inventory_node(run->batch->inventory, i);
	AUTO_TEXT name = memory_format("%s.kubeconfig", node.name);
	AUTO_RELEASE(gap) gap = GAP_INIT;
	AUTO_RELEASE(error) why = ERROR_INIT;
	bool fresh = false;

	if (run->done[i])
		error_set(&why, ERROR_INPUT, "has two tokens in \"%s\"",
			run->batch->token_from);
	else if (kubeconfig_of_token(run->batch->context, token, &gap, &why))
		fresh = kubeconfig_save(run->out, name, &gap, token,
				run->batch->replace, &fresh, &why) &&
			fresh;
	run->done[i] = true;
	report_node(run, node.name, token, fresh, &why);
}

static void fail_node(struct run *run, const char *node, struct error *why)
{
	report_node(run, node, NULL, false, why);
}

/* -- tokens in a directory -- */

static bool read_node(const struct run *run, const char *node,
	struct token **ret_token, struct error *err)
{
	AUTO_TEXT name = token_batch_name(node);
	AUTO_TEXT path = memory_format("%s/%s", run->batch->token_from, name);
	AUTO_FREE(source) source = NULL;
	AUTO_FREE(token) token = NULL;
	char group[TOKEN_NODE_GROUP];

	if (!source_open(path, TOKEN_SOURCE_MAX, &source, err) ||
		!token_read_one(source, &token, err) ||
		!token_node_group(node, group, err))
		return false;
	if (!token_has_group(token, group)) {
		error_set(err, ERROR_INPUT,
			"token \"%s\": is not this node's: it lacks the group "
			"\"%s\"",
			token->id, group);
		return error_at(err, path, 0);
	}
	*ret_token = take(&token);
	return true;
}

static void run_directory(struct run *run)
{
	for (size_t i = 0; i < inventory_count(run->batch->inventory); i++) {
		struct node node = inventory_node(run->batch->inventory, i);
		AUTO_RELEASE(error) why = ERROR_INIT;
		AUTO_FREE(token) token = NULL;

		if (read_node(run, node.name, &token, &why))
			make_node(run, i, token);
		else
			fail_node(run, node.name, &why);
	}
}

/* -- tokens in one file -- */

static int compare_keys(const void *a, const void *b)
{
	const struct key *one = a, *other = b;

	return strcmp(one->group, other->group);
}

static bool make_keys(struct run *run, struct error *err)
{
	size_t n = inventory_count(run->batch->inventory);

	run->keys = memory_new(n + 1, sizeof(*run->keys));
	for (size_t i = 0; i < n; i++) {
		run->keys[i].node = i;
		if (!token_node_group(
			    inventory_node(run->batch->inventory, i).name,
			    run->keys[i].group, err))
			return false;
	}
	qsort(run->keys, n, sizeof(*run->keys), compare_keys);
	return true;
}

/* The node whose own group the token has; NULL when that is none of ours. */
static const struct key *find_node(
	const struct run *run, const struct token *token)
{
	const char *at = token->groups;

	while (*at) {
		size_t len = strcspn(at, ",");
		const struct key *found = NULL;
		struct key key;

		if (len < sizeof(key.group)) {
			memcpy(key.group, at, len);
			key.group[len] = '\0';
			found = bsearch(&key, run->keys,
				inventory_count(run->batch->inventory),
				sizeof(*run->keys), compare_keys);
		}
		if (found)
			return found;
		at += len + (at[len] == ',');
	}
	return NULL;
}

static bool visit(void *data, struct token **token, struct error *err)
{
	struct run *run = data;
	const struct key *key = find_node(run, *token);

	(void)err;
	if (key)
		make_node(run, key->node, *token);
	return true;
}

static bool run_file(struct run *run, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	if (!make_keys(run, err) ||
		!source_open(run->batch->token_from, TOKEN_SOURCE_MAX, &source,
			err) ||
		!token_read(source, visit, run, err))
		return false;
	for (size_t i = 0; i < inventory_count(run->batch->inventory); i++) {
		AUTO_RELEASE(error) why = ERROR_INIT;

		if (run->done[i])
			continue;
		error_set(&why, ERROR_INPUT, "no token of this node in \"%s\"",
			source_name(source));
		fail_node(run, inventory_node(run->batch->inventory, i).name,
			&why);
	}
	return true;
}

/* -- the whole -- */

static bool run_all(struct run *run, struct error *err)
{
	const struct kubeconfig_batch *batch = run->batch;
	struct stat status;

	if (!directory_ensure(batch->out, &run->out, err))
		return false;
	if (strcmp(batch->token_from, "-") &&
		!stat(batch->token_from, &status) && S_ISDIR(status.st_mode))
		run_directory(run);
	else if (!run_file(run, err))
		return false;
	return tally_result(
		&run->tally, inventory_count(batch->inventory), err);
}

bool kubeconfig_batch_run(const struct kubeconfig_batch *batch,
	struct report *report, struct error *err)
{
	struct run run = {.batch = batch, .report = report, .out = -1};
	bool done;

	run.done = memory_new(
		inventory_count(batch->inventory) + 1, sizeof(*run.done));
	done = run_all(&run, err);
	free(run.keys);
	free(run.done);
	file_auto_close(&run.out);
	tally_release(&run.tally);
	return done;
}
