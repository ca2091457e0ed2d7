/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/verify_rules.h"

#include "cmd/context.h"
#include "verify/rule.h"

static const struct report_column columns[] = {
	{"id", "ID", 9},
	{"severity", "SEVERITY", 8},
	{"title", "FINDING", 20},
	{"meaning", NULL, 0},
	{"message", NULL, 0},
	{"mend", NULL, 0},
	{"source", NULL, 0},
	{NULL, NULL, 0},
};

static void put(struct document *row, const char *key, const char *text)
{
	if (text)
		document_put_text(row, key, text);
}

bool verify_list_rules(const struct command_call *call, struct error *err)
{
	AUTO_FREE(report) report = context_report_of(
		call, "VerificationRuleList", columns, REPORT_TEXT, stdout);

	for (const struct rule *rule = NULL; (rule = rule_next(rule));) {
		struct document *row = document_new_map();

		put(row, "id", rule->id);
		put(row, "severity", severity_name(rule->severity));
		put(row, "title", rule->title);
		put(row, "meaning", rule->meaning);
		put(row, "message", rule->message);
		put(row, "mend", rule->mend);
		put(row, "source", rule->source);
		report_row(report, row);
	}
	return report_close(report, true, err);
}
