/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "verify/chain.h"
#include "verify/rule_groups.h"

/* The ledger's number of the authority that signed this leaf; 0 when it is not
 * to be asked. */
static int64_t ledger_ca(struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain;
	int64_t ca = 0;

	if (!x->settings->ledger || artifact->certificate->is_ca ||
		!is_first(artifact))
		return 0;
	chain = chain_of(x, artifact);
	if (chain->n_links > 0 &&
		!ledger_authority(x->settings->ledger,
			&chain->links[0]->certificate->pin, &ca, x->err))
		x->broken = true;
	return ca;
}

static void not_in_ledger(
	struct examination *x, const struct artifact *artifact)
{
	int64_t ca = ledger_ca(x, artifact);
	bool has = true;

	if (ca == 0 || x->broken)
		return;
	if (!ledger_has_certificate(x->settings->ledger, ca,
		    artifact->certificate, &has, x->err))
		x->broken = true;
	else if (!has)
		finding(x, "the ledger does not know it");
}

struct search {
	const struct certificate *certificate;
	char *status; /* NULL: not found */
};

static bool look_for(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct search *search = data;

	(void)err;
	if (!search->status && der_equal(row->body, search->certificate->whole))
		search->status = memory_text(row->status);
	return true;
}

static void ended_in_ledger(
	struct examination *x, const struct artifact *artifact)
{
	struct search search = {artifact->certificate, NULL};
	struct ledger_filter filter = {
		.name = artifact->node, .at = x->settings->at};
	AUTO_TEXT status = NULL;

	if (ledger_ca(x, artifact) == 0 || x->broken)
		return;
	if (!ledger_each(
		    x->settings->ledger, &filter, look_for, &search, x->err)) {
		x->broken = true;
		return;
	}
	status = search.status;
	if (status && strcmp(status, "live") != 0 &&
		strcmp(status, "expired") != 0)
		finding(x, "is %s by the ledger", status);
}

const struct rule ledger_rules[] = {
	{
		.id = "KPKI-F023",
		.severity = SEVERITY_ERROR,
		.title = "the ledger does not know the certificate",
		.meaning = "it was signed by this CA, and not by kpki: by "
			   "whom?",
		.mend = "find out who has the CA's key",
		.source = "kpki-list(1)",
		.kinds = KIND(CERTIFICATE),
		.check = not_in_ledger,
	},
	{
		.id = "KPKI-F024",
		.severity = SEVERITY_WARNING,
		.title = "the ledger has ended the certificate",
		.meaning = "Kubernetes accepts it all the same until it "
			   "expires",
		.mend = "destroy its key, and use what took its place",
		.source = "kpki-list(1)",
		.kinds = KIND(CERTIFICATE),
		.check = ended_in_ledger,
	},
	{.id = NULL},
};
