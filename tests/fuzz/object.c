/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include "kube/rbac_read.h"
#include "kube/token_file.h"
#include "kube/token_secret.h"

static const struct instant now = {1700000000};

static void read_token(const struct object *object)
{
	AUTO_FREE(token_secret) token = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	const char *at;
	char *group;

	if (!token_secret_read(object, &token, &err)) {
		hold_refusal(&err);
		return;
	}
	hold(token_secret_judge(token, now) < 1u << TOKEN_FAULTS);
	at = token->groups;
	while ((group = token_secret_next_group(&at)))
		free(group);
}

static void read_role(const struct object *object)
{
	AUTO_FREE(rbac_object) rbac = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!rbac_read(object, &rbac, &err)) {
		hold_refusal(&err);
		return;
	}
	hold(rbac->name && rbac->namespace);
	hold(!rbac_is_binding(rbac) || rbac->role_name);
}

static bool take_object(
	void *data, const struct object *object, struct error *err)
{
	enum rbac_kind kind;

	(void)data;
	(void)err;
	hold(object->kind && object->api_version && object->name &&
		object->namespace);
	if (token_secret_is(object))
		read_token(object);
	if (rbac_is(object, &kind))
		read_role(object);
	return true;
}

static bool take_line(
	void *data, const struct token_line *line, struct error *err)
{
	unsigned *last = data;

	(void)err;
	hold(line->n_columns > 0 && line->line > *last && line->user &&
		line->uid && line->groups);
	*last = line->line;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_FREE(source) source = source_of_text("input", data, len);
	AUTO_FREE(source) lines = source_of_text("input", data, len);
	AUTO_RELEASE(error) err = ERROR_INIT;
	unsigned last = 0;

	if (!objects_read(source, take_object, NULL, &err))
		hold_refusal(&err);
	(void)token_file_look((const char *)data, len);
	if (!token_file_read(lines, take_line, &last, &err))
		hold_refusal(&err);
	return 0;
}
