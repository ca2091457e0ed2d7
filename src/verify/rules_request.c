/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/affix.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/public_key.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

#define HELPERS "Kubernetes: pkg/apis/certificates/helpers.go"

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

/* A certificate of the key is here: the request has been granted, or refused by
 * granting something else. */
static bool is_settled(const struct examination *x, const struct artifact *request)
{
	const struct artifact *certificate = NULL;

	while ((certificate = unit_next(x->unit, certificate,
			ARTIFACT_CERTIFICATE, NULL)))
		if (der_equal(certificate->certificate->public_key,
			    asked(request)->public_key))
			return true;
	return false;
}

static void masters(struct examination *x, const struct artifact *artifact)
{
	bool others;

	if (asks_for_group(artifact, "system:masters", &others))
		finding_at_most(x,
			is_settled(x, artifact) ? SEVERITY_INFO
						: SEVERITY_ERROR,
			"asks for the group \"system:masters\"");
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

/* -- in a CertificateSigningRequest -- */

#define BOTH (CSR_DIGITAL_SIGNATURE | CSR_KEY_ENCIPHERMENT)

/* Kubernetes: pkg/controller/certificates/signer/signer.go; until 1.26 a
 * kubelet's must be for encipherment, whatever the key. */
static const struct {
	unsigned must, may;
} usages_of[] = {
	[CSR_SIGNER_KUBELET_CLIENT] = {CSR_DIGITAL_SIGNATURE | CSR_CLIENT_AUTH,
		CSR_KEY_ENCIPHERMENT},
	[CSR_SIGNER_KUBELET_SERVING] = {CSR_DIGITAL_SIGNATURE | CSR_SERVER_AUTH,
		CSR_KEY_ENCIPHERMENT},
	[CSR_SIGNER_CLIENT] = {CSR_CLIENT_AUTH, BOTH},
};

static bool is_kubelets(const struct csr_object *object)
{
	return object->signer == CSR_SIGNER_KUBELET_CLIENT ||
	       object->signer == CSR_SIGNER_KUBELET_SERVING;
}

/* The first alternative name that is, or is not, a DNS name or IP address. */
static const struct alt_name *alt_name_of(
	const struct certificate *asked_for, bool plain)
{
	for (size_t i = 0; i < asked_for->n_alt_names; i++)
		if ((asked_for->alt_names[i].kind != ALT_NAME_OTHER) == plain)
			return &asked_for->alt_names[i];
	return NULL;
}

static void names_refused(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *wish = asked(artifact);
	bool serves = artifact->object->signer == CSR_SIGNER_KUBELET_SERVING;
	const struct alt_name *plain = alt_name_of(wish, true);
	const struct alt_name *other = alt_name_of(wish, false);

	if (!duty_node_of(wish->common_name))
		finding(x,
			"its common name is \"%s\", which does not begin with "
			"\"system:node:\"",
			wish->common_name ? wish->common_name : "");
	if (serves && !plain)
		finding(x, "asks to answer for no DNS name or IP address");
	if (!serves && plain)
		finding(x, "is for a client, and asks to answer for \"%s\"",
			plain->text);
	if (other)
		finding(x, "asks for the alternative name \"%s\"", other->text);
}

static void signer_refuses(
	struct examination *x, const struct artifact *artifact)
{
	const struct csr_object *object = artifact->object;
	unsigned must, may;

	if (!object || object->signer == CSR_SIGNER_OTHER)
		return;
	must = usages_of[object->signer].must;
	may = must | usages_of[object->signer].may;
	if (is_kubelets(object) && !is_since(x, 27))
		must |= CSR_KEY_ENCIPHERMENT;
	if ((object->usages & must) != must)
		finding(x, "its usages lack one that %s wants",
			object->signer_name);
	if (object->usages & ~may)
		finding(x, "its usages have one that %s does not give",
			object->signer_name);
	if (is_kubelets(object))
		names_refused(x, artifact);
}

static void issued_to_another(
	struct examination *x, const struct artifact *artifact)
{
	const struct file *file = artifact->file;

	for (size_t i = 0; artifact->object && i < file->n_artifacts; i++) {
		const struct artifact *issued = file->artifacts[i];

		if (issued->kind != ARTIFACT_CERTIFICATE ||
			!issued->embedded_key || !is_first(issued) ||
			strcmp(issued->embedded_key, artifact->embedded_key))
			continue;
		if (!der_equal(issued->certificate->public_key,
			    asked(artifact)->public_key))
			finding(x, "its certificate has another key");
		if (!der_equal(issued->certificate->subject,
			    asked(artifact)->subject))
			finding(x, "its certificate is of \"%s\"",
				issued->certificate->subject_text);
	}
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
		.source = HELPERS,
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
	{
		.id = "KPKI-Q007",
		.severity = SEVERITY_ERROR,
		.title = "the object's signer does not take the request",
		.meaning = "kube-controller-manager marks it as failed, and "
			   "nobody gets a certificate",
		.message = "usages did not match",
		.mend = "make the object again for this signer",
		.source = HELPERS,
		.kinds = KIND(REQUEST),
		.check = signer_refuses,
	},
	{
		.id = "KPKI-Q008",
		.severity = SEVERITY_ERROR,
		.title = "the certificate in the object is not what was asked "
			 "for",
		.meaning = "who made the request cannot use it, or is "
			   "somebody else with it",
		.message = "tls: private key does not match public key",
		.mend = "issue it again, and find out who wrote the status",
		.source = "Kubernetes: "
			  "client-go/util/certificate/certificate_manager.go",
		.kinds = KIND(REQUEST),
		.check = issued_to_another,
	},
	{.id = NULL},
};
