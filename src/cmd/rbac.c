/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/context.h"
#include "cmd/product.h"
#include "kube/rbac.h"
#include "kube/token_read.h"

struct rbac_settings {
	struct text_list groups;
	bool no_auto_approve;
	bool no_renewal;
	bool with_roles;
	struct text_list token_from;
	bool control_plane;
	const char *template_dir;
	const char *out;
};

#define S struct rbac_settings
static const struct option_spec rbac_options[] = {
	OPTION_LIST(S, groups, "group", "GROUP",
		"bind this group of bootstrap tokens",
		.preset = TOKEN_BOOTSTRAPPERS),
	OPTION_FLAG(S, no_auto_approve, "no-auto-approve",
		"leave it to people to approve first certificates"),
	OPTION_FLAG(S, no_renewal, "no-renewal",
		"leave it to people to approve renewals"),
	OPTION_FLAG(S, with_roles, "with-roles",
		"also the ClusterRoles, which kube-apiserver brings itself"),
	OPTION_LIST(S, token_from, "token-from", "FILE",
		"refuse unless the tokens in FILE are in a group that is "
		"bound; - is standard input",
		.value = OPTION_VALUE_INPUT),
	OPTION_FLAG(S, control_plane, "control-plane",
		"also what the control plane's certificates rely on"),
	OPTION_TEXT(S, template_dir, "template-dir", "DIR",
		"templates that take the place of the program's own",
		.value = OPTION_VALUE_DIRECTORY),
	OPTION_TEXT(S, out, "out", "FILE", "where the manifests go",
		.preset = "standard output", .value = OPTION_VALUE_FILE),
	OPTION_END,
};

static bool check_groups(const struct text_list *groups, struct error *err)
{
	for (size_t i = 0; i < groups->n_items; i++) {
		if (!token_check_group(TOKEN_STATIC, groups->items[i], err))
			return context_blame(err, "--group");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(groups->items[i], groups->items[j]))
				return error_set(err, ERROR_USAGE,
					"--group \"%s\": given twice",
					groups->items[i]);
	}
	return true;
}

static bool check_token(void *data, struct token **token, struct error *err)
{
	return rbac_check_token(data, *token, err);
}

static bool check_file(const char *file, struct rbac *rbac, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	if (!source_open(file, TOKEN_SOURCE_MAX, &source, err))
		return false;
	return token_read(source, check_token, rbac, err) ||
	       error_at(err, source_name(source), 0);
}

static bool check_tokens(
	const struct text_list *files, struct rbac *rbac, struct error *err)
{
	for (size_t i = 0; i < files->n_items; i++)
		if (!check_file(files->items[i], rbac, err))
			return false;
	return true;
}

static unsigned parts_of(const S *settings)
{
	return (settings->no_auto_approve ? 0 : RBAC_AUTO_APPROVE) |
	       (settings->no_renewal ? 0 : RBAC_RENEWAL) |
	       (settings->with_roles ? RBAC_ROLES : 0) |
	       (settings->control_plane ? RBAC_CONTROL_PLANE : 0);
}

static bool rbac_run(const struct command_call *call, struct error *err)
{
	static const char *const usual[] = {TOKEN_BOOTSTRAPPERS};
	const S *settings = call->settings;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	struct rbac rbac = {
		.groups = usual,
		.n_groups = ARRAY_SIZE(usual),
		.parts = parts_of(settings),
		.template_dir = settings->template_dir,
	};

	if (settings->groups.n_items) {
		rbac.groups = settings->groups.items;
		rbac.n_groups = settings->groups.n_items;
	}
	return product_check_usage(call, settings->out, err) &&
	       check_groups(&settings->groups, err) &&
	       check_tokens(&settings->token_from, &rbac, err) &&
	       rbac_write(&rbac, &text, err) &&
	       product_deliver(call, settings->out, &text, err);
}

const struct command command_rbac = {
	.name = "rbac",
	.summary = "write the bindings that let kubelets ask for certificates",
	.takes = TAKES_JSON,
	.report_kind = "RBACReport",
	.options = rbac_options,
	.settings_size = sizeof(S),
	.run = rbac_run,
};
