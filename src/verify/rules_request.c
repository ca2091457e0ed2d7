/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/affix.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/public_key.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

static const struct certificate *asked(const struct artifact *artifact)
{
	return artifact->request->asked;
}

static void unreadable(struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, "request: "))
		finding(x, "%s", artifact->problem);
}

static bool asks_for_group(
	const struct artifact *artifact, const char *group, bool *ret_others)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	bool found = false;
	size_t n = 0;

	if (!name_attributes(asked(artifact)->subject, list, &n, &passed_over))
		return false;
	*ret_others = false;
	for (size_t i = 0; i < n; i++) {
		if (!der_equal(list[i].type, OID_ORGANIZATION))
			continue;
		if (name_attribute_is(&list[i], group))
			found = true;
		else
			*ret_others = true;
	}
	return found;
}

static void masters(struct examination *x, const struct artifact *artifact)
{
	bool others;

	if (asks_for_group(artifact, "system:masters", &others))
		finding(x, "asks for the group \"system:masters\"");
}

static void node_groups(struct examination *x, const struct artifact *artifact)
{
	const char *name = asked(artifact)->common_name;
	bool others = false;

	if (!duty_node_of(name))
		return;
	if (!asks_for_group(artifact, "system:nodes", &others))
		finding(x,
			"asks to be \"%s\" without the group "
			"\"system:nodes\"",
			name);
	else if (others)
		finding(x,
			"asks to be \"%s\" in another group than "
			"\"system:nodes\"",
			name);
}

static void authority(struct examination *x, const struct artifact *artifact)
{
	if (asked(artifact)->is_ca)
		finding(x, "asks to be a CA");
}

static void weak_key(struct examination *x, const struct artifact *artifact)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	struct public_key key;

	if (public_key_read(asked(artifact)->public_key, &key, &passed_over) &&
		key.is_rsa && key.bits < 2048)
		finding(x, "its RSA key has %u bits", key.bits);
}

static void other_key(struct examination *x, const struct artifact *artifact)
{
	const struct artifact *key = NULL;
	const char *dot = strrchr(artifact->file->inside, '.');
	AUTO_TEXT path = NULL;
	const struct file *file;

	if (!dot)
		return;
	path = memory_format("%.*s.key", (int)(dot - artifact->file->inside),
		artifact->file->inside);
	file = unit_find(x->unit, path);
	for (size_t i = 0; file && i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_KEY)
			key = file->artifacts[i];
	if (key && !key->problem &&
		!der_equal(asked(artifact)->public_key,
			(struct der){
				(const unsigned char *)key->public_key.data,
				key->public_key.len}))
		finding(x, "the key in %s is not its own", file->path);
}

const struct rule request_rules_of_files[] = {
	{
		.id = "KPKI-Q001",
		.severity = SEVERITY_ERROR,
		.title = "the request cannot be read",
		.meaning = "nobody signs it: it is not DER, or not signed by "
			   "the key it names",
		.message = "x509: malformed certificate request",
		.mend = "make it again",
		.source = "RFC 2986, 4",
		.kinds = KIND(UNREADABLE),
		.check = unreadable,
	},
	{
		.id = "KPKI-Q002",
		.severity = SEVERITY_ERROR,
		.title = "the request asks for system:masters",
		.meaning = "who signs it gives the cluster away; kpki and "
			   "kube-apiserver refuse it",
		.message = "use of kubernetes.io/kube-apiserver-client signer "
			   "with system:masters group is not allowed",
		.mend = "ask for a group that RBAC binds",
		.source =
			"Kubernetes: "
			"plugin/pkg/admission/certificates/subjectrestriction",
		.kinds = KIND(REQUEST),
		.check = masters,
	},
	{
		.id = "KPKI-Q003",
		.severity = SEVERITY_ERROR,
		.title = "a node's request has other groups than system:nodes",
		.meaning = "no signer of Kubernetes takes it",
		.message = "subject organization is not system:nodes",
		.mend = "ask for O=system:nodes alone",
		.source = "Kubernetes: pkg/apis/certificates/helpers.go",
		.kinds = KIND(REQUEST),
		.check = node_groups,
	},
	{
		.id = "KPKI-Q004",
		.severity = SEVERITY_ERROR,
		.title = "the request asks for a CA",
		.meaning = "who copies what it asks for gives away a CA; kpki "
			   "and Kubernetes do not",
		.mend = "ask without basicConstraints",
		.source = "RFC 5280, 4.2.1.9",
		.kinds = KIND(REQUEST),
		.check = authority,
	},
	{
		.id = "KPKI-Q005",
		.severity = SEVERITY_WARNING,
		.title = "the request's RSA key is shorter than 2048 bits",
		.meaning = "kpki refuses it; Kubernetes signs it",
		.mend = "make a longer key",
		.source = "NIST SP 800-57, part 1",
		.kinds = KIND(REQUEST),
		.check = weak_key,
	},
	{
		.id = "KPKI-Q006",
		.severity = SEVERITY_ERROR,
		.title = "the key beside the request is another",
		.meaning = "the certificate will not fit it",
		.message = "tls: private key does not match public key",
		.mend = "make the request again with the key that is kept",
		.source = "RFC 2986, 4",
		.kinds = KIND(REQUEST),
		.check = other_key,
	},
	{.id = NULL},
};
