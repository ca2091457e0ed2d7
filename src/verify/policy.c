/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/policy.h"

#include "base/document.h"

static bool set_one(const struct document *severities, size_t i,
	const char *file, struct verify_settings *settings, struct error *err)
{
	const char *id = document_key(severities, i);
	const struct document *value = document_at(severities, i);
	const struct rule *rule = rule_find(id);
	enum severity severity;

	if (!rule) {
		error_set(err, ERROR_INPUT, "\"%s\": no such rule", id);
		return error_at(err, file, document_key_line(severities, i));
	}
	/* "off" is a boolean to YAML 1.1 */
	if (document_kind(value) != DOCUMENT_BOOLEAN &&
		!document_require(value, DOCUMENT_TEXT, file, id, err))
		return false;
	if (!severity_parse(document_text(value), &severity, err)) {
		error_context(err, "%s", id);
		return error_at(err, file, document_line(value));
	}
	settings->severities[rule_index(rule)] = (unsigned char)(1 + severity);
	return true;
}

static void be_strict(struct verify_settings *settings)
{
	for (const struct rule *rule = NULL; (rule = rule_next(rule));)
		if (rule->severity == SEVERITY_WARNING)
			settings->severities[rule_index(rule)] =
				1 + SEVERITY_ERROR;
}

static bool set_all(const struct document *root, const char *file,
	struct verify_settings *settings, struct error *err)
{
	const struct document *strict = document_find(root, "strict");
	const struct document *list = document_find(root, "severities");

	if (strict && !document_require(strict, DOCUMENT_BOOLEAN, file,
			      "strict", err))
		return false;
	if (strict && document_boolean(strict))
		be_strict(settings);
	if (!list)
		return true;
	if (!document_require(list, DOCUMENT_MAP, file, "severities", err))
		return false;
	for (size_t i = 0; i < document_count(list); i++)
		if (!set_one(list, i, file, settings, err))
			return false;
	return true;
}

bool verify_policy_read(struct source *source,
	struct verify_settings *settings, struct error *err)
{
	static const char *const keys[] = {
		"apiVersion", "kind", "strict", "severities"};
	const char *file = source_name(source);
	AUTO_FREE(document) root = NULL;

	return document_read_yaml(source, &root, err) &&
	       document_require_kind(
		       root, "kpki/v1", "VerifyPolicy", file, err) &&
	       document_require_keys(
		       root, keys, ARRAY_SIZE(keys), file, err) &&
	       set_all(root, file, settings, err);
}
