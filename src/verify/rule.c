/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/rule.h"

#include <string.h>

#include "verify/rule_groups.h"

static const char *const severities[] = {
	[SEVERITY_OFF] = "off",
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

const char *severity_name(enum severity severity)
{
	return severities[severity];
}

bool severity_parse(
	const char *text, enum severity *ret_severity, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(severities); i++) {
		if (strcmp(severities[i], text) != 0)
			continue;
		*ret_severity = (enum severity)i;
		return true;
	}
	return error_set(err, ERROR_INPUT,
		"\"%s\": not one of off, info, warning, error", text);
}

/* In the order of the ids. */
static const struct rule *const groups[] = {
	authority_rules,
	certificate_rules,
	file_rules,
	host_rules,
	ledger_rules,
	kubeconfig_rules,
	name_rules,
	request_rules_of_files,
	rbac_rules,
	token_rules,
};

/* The row without an id ends its group. */
static const struct rule *after_group(const struct rule *end)
{
	for (size_t i = 0; i + 1 < ARRAY_SIZE(groups); i++) {
		const struct rule *rule = groups[i];

		while (rule->id)
			rule++;
		if (rule == end)
			return groups[i + 1];
	}
	return NULL;
}

const struct rule *rule_next(const struct rule *previous)
{
	if (!previous)
		return groups[0];
	return previous[1].id ? previous + 1 : after_group(previous + 1);
}

const struct rule *rule_find(const char *id)
{
	for (const struct rule *rule = NULL; (rule = rule_next(rule));)
		if (strcmp(rule->id, id) == 0)
			return rule;
	return NULL;
}

size_t rule_index(const struct rule *rule)
{
	size_t index = 0;

	for (const struct rule *at = NULL; (at = rule_next(at));) {
		if (at == rule)
			return index;
		index++;
	}
	return index;
}
