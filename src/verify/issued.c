/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/issued.h"

#include "verify/examination.h"

/* The authority is borrowed for the question. */
static struct artifact *add_authority(
	struct unit *unit, const struct issued *issued)
{
	struct file *file = unit_add(unit, "authority");
	struct artifact *artifact = file_add(file, ARTIFACT_CERTIFICATE);

	artifact->certificate = (struct certificate *)issued->ca;
	artifact->duty = duty_find(issued->profile->issuer);
	return artifact;
}

static bool add_issued(
	struct unit *unit, const struct issued *issued, struct error *err)
{
	struct file *file = unit_add(unit, issued->profile->name);
	struct artifact *artifact = file_add(file, ARTIFACT_CERTIFICATE);
	const char *node;

	if (!certificate_examine(issued->der, &artifact->flaws,
		    &artifact->certificate, err))
		return false;
	artifact->duty = duty_find(issued->profile->is_ca
					   ? issued->profile->issuer
					   : issued->profile->name);
	if (!artifact->duty)
		artifact->duty = duty_find("kube-apiserver-client");
	node = duty_node_of(artifact->certificate->common_name);
	if (node)
		artifact->node = memory_text(node);
	return true;
}

static bool require_no_error(
	const struct findings *findings, struct error *err)
{
	for (size_t i = 0; i < findings->n_items; i++)
		if (findings->items[i].severity == SEVERITY_ERROR)
			return error_set(err, ERROR_FAILED,
				"certificate made: %s: %s",
				findings->items[i].rule->id,
				findings->items[i].text);
	return true;
}

bool issued_check(const struct cluster *cluster, struct instant now,
	const struct issued *issued, struct error *err)
{
	const struct verify_settings settings = {
		.at = now, .cluster = cluster, .signatures_known = true};
	AUTO_FREE(unit) unit = unit_new(UNIT_FILES, "", NULL);
	AUTO_FREE(unit) other = unit_new(UNIT_PKI, "", NULL);
	struct unit *const others[] = {other};
	struct artifact *authority = add_authority(other, issued);
	AUTO_RELEASE(examination) x = {
		.settings = &settings,
		.unit = unit,
		.others = others,
		/* a CA is the authority of another place */
		.n_others = issued->profile->is_ca ? 0 : 1,
	};
	bool done = add_issued(unit, issued, err) && examine(&x, err) &&
		    require_no_error(&x.findings, err);

	authority->certificate = NULL;
	return done;
}
