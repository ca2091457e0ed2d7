/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "pki/public_key.h"
#include "pki/constraints.h"
#include "verify/chain.h"
#include "verify/rule_groups.h"

/* -- chains -- */

/* Of a leaf, or what stands in its place; not what follows it. */
static const struct chain *leaf_chain(
	struct examination *x, const struct artifact *artifact)
{
	return is_authority_itself(artifact) || !is_first(artifact)
		       ? NULL
		       : chain_of(x, artifact);
}

static void signature_bad(
	struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);

	if (chain && chain->end == CHAIN_BAD_SIGNATURE)
		finding(x,
			"its issuer has the name of the CA in %s, whose key "
			"has not signed it",
			chain->authority->file->path);
}

static bool is_kubelets_own(const struct artifact *artifact)
{
	return duty_is(artifact, "kubelet-serving");
}

static void issuer_wrong(struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);
	AUTO_TEXT issuer = NULL;

	if (!chain ||
		(chain->end != CHAIN_OTHER && chain->end != CHAIN_SELF_SIGNED))
		return;
	if (chain->end == CHAIN_SELF_SIGNED && is_kubelets_own(artifact))
		return;
	issuer = chain_name(chain->n_links > 0
				    ? chain->links[chain->n_links - 1]
					      ->certificate->issuer
				    : artifact->certificate->issuer);
	if (chain->authority)
		finding(x, "is issued by \"%s\", not by the CA in %s (\"%s\")",
			issuer, chain->authority->file->path,
			chain->authority->certificate->subject_text);
	else
		finding(x, "is issued by \"%s\", which is no CA here", issuer);
}

static void issuer_absent(
	struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);
	AUTO_TEXT issuer = NULL;

	if (!chain || chain->end != CHAIN_NO_AUTHORITY)
		return;
	issuer = chain_name(artifact->certificate->issuer);
	finding(x, "its CA, \"%s\", is not here: its signature is not checked",
		issuer);
}

static void issuer_octets(
	struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);

	if (chain && chain->end == CHAIN_OTHER_OCTETS)
		finding(x,
			"its issuer is the CA in %s by its characters, not by "
			"its octets",
			chain->authority->file->path);
}

static void self_signed_serving(
	struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);

	if (chain && chain->end == CHAIN_SELF_SIGNED &&
		is_kubelets_own(artifact))
		finding(x, "the kubelet has signed it itself");
}

/* -- the authorities of a chain -- */

/* Each that has signed something, and the roots. */
typedef bool link_check(const struct chain *chain, size_t i);

static void check_links(struct examination *x, const struct artifact *artifact,
	link_check *is_bad, const char *what)
{
	const struct chain *chain = leaf_chain(x, artifact);

	for (size_t i = 0; chain && i < chain->n_links; i++)
		if (is_bad(chain, i))
			finding(x, "the CA \"%s\" in %s %s",
				chain->links[i]->certificate->subject_text,
				chain->links[i]->file->path, what);
}

static const struct certificate *link_at(const struct chain *chain, size_t i)
{
	return chain->links[i]->certificate;
}

static bool lacks_purpose(const struct chain *chain, size_t i)
{
	const struct certificate *ca = link_at(chain, i);
	const struct duty *duty = chain->of->duty;
	unsigned wanted = duty && duty->purposes
				  ? duty->purposes
				  : chain->of->certificate->purposes;

	wanted &= PURPOSE_SERVER | PURPOSE_CLIENT;
	return ca->has_purposes && (ca->purposes & wanted) != wanted;
}

static void ca_purposes(struct examination *x, const struct artifact *artifact)
{
	check_links(x, artifact, lacks_purpose,
		"has an extKeyUsage that does not allow what this is for");
}

/* i intermediates stand between it and the leaf. */
static bool is_too_short(const struct chain *chain, size_t i)
{
	int limit = link_at(chain, i)->path_len;

	return limit >= 0 && (size_t)limit < i;
}

static void path_length(struct examination *x, const struct artifact *artifact)
{
	check_links(x, artifact, is_too_short,
		"has a pathLenConstraint that is below the number of "
		"intermediates");
}

static bool ends_before_leaf(const struct chain *chain, size_t i)
{
	return link_at(chain, i)->not_after.seconds <
	       chain->of->certificate->not_after.seconds;
}

static void outlives(struct examination *x, const struct artifact *artifact)
{
	check_links(x, artifact, ends_before_leaf, "ends before it");
}

static bool has_other_id(const struct chain *chain, size_t i)
{
	const struct certificate *below =
		i == 0 ? chain->of->certificate : link_at(chain, i - 1);
	struct der id = link_at(chain, i)->subject_key_id;

	return below->authority_key_id.len > 0 && id.len > 0 &&
	       !der_equal(below->authority_key_id, id);
}

static void key_id_differs(
	struct examination *x, const struct artifact *artifact)
{
	check_links(x, artifact, has_other_id,
		"has a subjectKeyIdentifier that is not its "
		"authorityKeyIdentifier");
}

/* Go's words, without who is meant, which check_links says. */
static void not_permitted(
	struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);
	const struct certificate *leaf = artifact->certificate;

	for (size_t i = 0; chain && i < chain->n_links; i++)
		for (size_t k = 0; k < leaf->n_alt_names; k++) {
			AUTO_RELEASE(error) why = ERROR_INIT;

			if (!constraints_permit(link_at(chain, i),
				    &leaf->alt_names[k], &why))
				finding(x, "%s, in %s", why.message,
					chain->links[i]->file->path);
		}
}

static bool is_no_link(const struct chain *chain, size_t i)
{
	const struct certificate *ca = link_at(chain, i);

	return ca->version == 3 && !ca->is_ca;
}

static void no_ca_link(struct examination *x, const struct artifact *artifact)
{
	const struct chain *chain = leaf_chain(x, artifact);

	/* where a CA belongs, the CA itself is blamed */
	for (size_t i = 0; chain && i < chain->n_links; i++)
		if (is_no_link(chain, i) &&
			!is_authority_itself(chain->links[i]))
			finding(x, "is signed by \"%s\", which is no CA",
				link_at(chain, i)->subject_text);
}

static void no_ca(struct examination *x, const struct artifact *artifact)
{
	const struct certificate *ca = artifact->certificate;

	if (!is_authority_itself(artifact) || ca->is_ca || ca->version < 3)
		return;
	finding(x, ca->has_basic_constraints
			   ? "stands where the CA belongs, and is none "
			     "(basicConstraints without cA)"
			   : "stands where the CA belongs, and has no "
			     "basicConstraints");
}

/* -- an authority by itself -- */

static void no_cert_sign(struct examination *x, const struct artifact *artifact)
{
	const struct certificate *ca = artifact->certificate;

	if (ca->is_ca && ca->has_key_usage &&
		!(ca->key_usage & USAGE_KEY_CERT_SIGN))
		finding(x, "is a CA without keyCertSign");
}

static void no_crl_sign(struct examination *x, const struct artifact *artifact)
{
	const struct certificate *ca = artifact->certificate;

	if (ca->is_ca && ca->has_key_usage &&
		ca->key_usage & USAGE_KEY_CERT_SIGN &&
		!(ca->key_usage & USAGE_CRL_SIGN))
		finding(x, "is a CA without cRLSign");
}

static void no_key_usage(struct examination *x, const struct artifact *artifact)
{
	if (artifact->certificate->is_ca &&
		!artifact->certificate->has_key_usage)
		finding(x, "is a CA without keyUsage");
}

static void no_key_id(struct examination *x, const struct artifact *artifact)
{
	if (artifact->certificate->is_ca &&
		artifact->certificate->subject_key_id.len == 0)
		finding(x, "is a CA without subjectKeyIdentifier");
}

static void ca_key_kind(struct examination *x, const struct artifact *artifact)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	struct public_key key;

	if (is_authority_itself(artifact) &&
		public_key_read(artifact->certificate->public_key, &key,
			&passed_over) &&
		key.type == KEY_ED25519)
		finding(x, "is a CA whose key is Ed25519");
}

static void broken_signature_of_root(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *ca = artifact->certificate;

	if (!ca->is_ca || !der_equal(ca->issuer, ca->subject) ||
		!key_verifies_foreign(ca->signature_algorithm))
		return;
	if (!is_signed_by(ca, ca))
		finding(x, "names itself as its issuer, and its key has not "
			   "signed it");
}

/* -- authorities among each other -- */

static const struct artifact *first_ca(
	const struct unit *unit, const char *duty)
{
	const struct artifact *ca = NULL;

	while ((ca = unit_next(unit, ca, ARTIFACT_CERTIFICATE, duty)))
		if (!ca->embedded_kind)
			return ca;
	return NULL;
}

static bool is_same_key(const struct artifact *a, const struct artifact *b)
{
	return der_equal(
		a->certificate->public_key, b->certificate->public_key);
}

static void same_as_client_ca(
	struct examination *x, const struct artifact *artifact, const char *duty)
{
	static const char *const clients[] = {"ca", "client-ca"};

	if (!duty_is(artifact, duty) || artifact->embedded_kind)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		const struct artifact *ca = NULL;

		while ((ca = unit_next(x->unit, ca, ARTIFACT_CERTIFICATE,
				clients[i])))
			if (is_same_key(ca, artifact)) {
				finding(x, "is the CA of clients, in %s, too",
					ca->file->path);
				return;
			}
	}
}

static void front_proxy_is_client(
	struct examination *x, const struct artifact *artifact)
{
	same_as_client_ca(x, artifact, "front-proxy-ca");
}

static void etcd_is_client(
	struct examination *x, const struct artifact *artifact)
{
	same_as_client_ca(x, artifact, "etcd-ca");
}

static bool has_key_of(const struct unit *unit, const struct artifact *of,
	const char *duty)
{
	const struct artifact *ca = NULL;

	while ((ca = unit_next(unit, ca, ARTIFACT_CERTIFICATE, duty)))
		if (!ca->embedded_kind && is_same_key(ca, of))
			return true;
	return false;
}

/* A PKI directory says what the CA is; bundles and hosts trust it. */
static void other_clusters_ca(
	struct examination *x, const struct artifact *artifact)
{
	if (!duty_is(artifact, "ca") || artifact->embedded_kind ||
		artifact->number > 1 || x->unit->kind == UNIT_PKI)
		return;
	for (size_t i = 0; i < x->n_others; i++) {
		const struct unit *other = x->others[i];
		const struct artifact *ca;

		if (other == x->unit || other->kind != UNIT_PKI)
			continue;
		ca = first_ca(other, "ca");
		if (ca && !has_key_of(x->unit, ca, "ca"))
			finding(x, "is not the CA in %s", ca->file->path);
	}
}

static size_t count_certificates(const struct file *file)
{
	size_t n = 0;

	for (size_t i = 0; i < file->n_artifacts; i++)
		n += file->artifacts[i]->kind == ARTIFACT_CERTIFICATE;
	return n;
}

static void several_beside_key(
	struct examination *x, const struct artifact *artifact)
{
	if (is_authority_itself(artifact) && !artifact->embedded_kind &&
		is_first(artifact) && count_certificates(artifact->file) > 1 &&
		key_of(x, artifact))
		finding(x,
			"is one of %zu certificates in a file whose key signs",
			count_certificates(artifact->file));
}

static void text_around(struct examination *x, const struct artifact *artifact)
{
	if (duty_is(artifact, "ca") && !artifact->embedded_kind &&
		artifact->number == 1 && artifact->file->text_around)
		finding(x, "has text around it");
}

#define GO_VERIFY "Go: crypto/x509/verify.go"

const struct rule authority_rules[] = {
	{
		.id = "KPKI-A001",
		.severity = SEVERITY_ERROR,
		.title = "the signature is not the CA's",
		.meaning = "nobody accepts the certificate: the CA was made "
			   "again under its old name, or the certificate was "
			   "changed",
		.message = "x509: certificate signed by unknown authority "
			   "(possibly because of \"crypto/rsa: verification "
			   "error\" while trying to verify candidate "
			   "authority certificate)",
		.mend = "issue it again by this CA, or bring the CA that "
			"signed it",
		.source = "RFC 5280, 6.1.3; " GO_VERIFY,
		.kinds = KIND(CERTIFICATE),
		.check = signature_bad,
	},
	{
		.id = "KPKI-A002",
		.severity = SEVERITY_ERROR,
		.title = "the issuer is not the CA it should be",
		.meaning = "nobody accepts the certificate",
		.message = "x509: certificate signed by unknown authority",
		.mend = "issue it again by the right CA, or put the missing "
			"intermediates behind it in its file",
		.source = "RFC 5280, 6.1.3; " GO_VERIFY,
		.kinds = KIND(CERTIFICATE),
		.check = issuer_wrong,
	},
	{
		.id = "KPKI-A003",
		.severity = SEVERITY_INFO,
		.title = "the CA is not here",
		.meaning = "the signature was not checked",
		.mend = "name the CA's file as well",
		.source = "RFC 5280, 6.1.3",
		.kinds = KIND(CERTIFICATE),
		.check = issuer_absent,
	},
	{
		.id = "KPKI-A004",
		.severity = SEVERITY_ERROR,
		.title = "the issuer is the CA in characters, not in octets",
		.meaning = "nobody accepts the certificate: Go compares names "
			   "as they are encoded, PrintableString or UTF8String",
		.message = "x509: certificate signed by unknown authority",
		.mend = "issue it again with the CA's subject copied",
		.source = "RFC 5280, 7.1; Go: crypto/x509/cert_pool.go",
		.kinds = KIND(CERTIFICATE),
		.check = issuer_octets,
	},
	{
		.id = "KPKI-A005",
		.severity = SEVERITY_INFO,
		.title = "the kubelet's serving certificate is its own",
		.meaning = "it works where kube-apiserver has no "
			   "--kubelet-certificate-authority, as with kubeadm",
		.mend = "nothing needs to be done; or issue one by the CA",
		.source = "Kubernetes: cmd/kubelet/app/server.go",
		.kinds = KIND(CERTIFICATE),
		.check = self_signed_serving,
	},
	{
		.id = "KPKI-A006",
		.severity = SEVERITY_ERROR,
		.title = "a CA's extKeyUsage forbids what its certificate is "
			 "for",
		.meaning = "nobody accepts the certificate",
		.message = "x509: certificate specifies an incompatible key "
			   "usage",
		.mend = "make the CA again, without extKeyUsage",
		.source = GO_VERIFY,
		.kinds = KIND(CERTIFICATE),
		.check = ca_purposes,
	},
	{
		.id = "KPKI-A007",
		.severity = SEVERITY_ERROR,
		.title = "a CA's pathLenConstraint is too low",
		.meaning = "nobody accepts the certificate",
		.message = "x509: too many intermediates for path length "
			   "constraint",
		.mend = "issue it by the CA itself, or make the CA again",
		.source = "RFC 5280, 4.2.1.9; " GO_VERIFY,
		.kinds = KIND(CERTIFICATE),
		.check = path_length,
	},
	{
		.id = "KPKI-A008",
		.severity = SEVERITY_INFO,
		.title = "the certificate outlives its CA",
		.meaning = "it works until the CA ends, whatever it says",
		.mend = "nothing needs to be done; renew the CA in time",
		.source = "RFC 5280, 6.1.3",
		.kinds = KIND(CERTIFICATE),
		.check = outlives,
	},
	{
		.id = "KPKI-A009",
		.severity = SEVERITY_WARNING,
		.title = "authorityKeyIdentifier is not the CA's",
		.meaning = "Go accepts it; OpenSSL does not find the issuer",
		.mend = "issue it again",
		.source = "RFC 5280, 4.2.1.1",
		.kinds = KIND(CERTIFICATE),
		.check = key_id_differs,
	},
	{
		.id = "KPKI-A010",
		.severity = SEVERITY_ERROR,
		.title = "a certificate is signed by one that is no CA",
		.meaning = "nobody accepts it",
		.message = "x509: invalid signature: parent certificate cannot "
			   "sign this kind of certificate",
		.mend = "issue it again by a CA",
		.source = "RFC 5280, 4.2.1.9; Go: crypto/x509/x509.go",
		.kinds = KIND(CERTIFICATE),
		.check = no_ca_link,
	},
	{
		.id = "KPKI-A011",
		.severity = SEVERITY_ERROR,
		.title = "what stands in the place of the CA is none",
		.meaning = "nobody accepts what it has signed",
		.message = "x509: invalid signature: parent certificate cannot "
			   "sign this kind of certificate",
		.mend = "make the CA again, with basicConstraints CA:TRUE",
		.source = "RFC 5280, 4.2.1.9; kubeadm: pkiutil/pki_helpers.go",
		.kinds = KIND(CERTIFICATE),
		.check = no_ca,
	},
	{
		.id = "KPKI-A012",
		.severity = SEVERITY_ERROR,
		.title = "a CA has no keyCertSign",
		.meaning = "nobody accepts what it has signed",
		.message = "x509: invalid signature: parent certificate cannot "
			   "sign this kind of certificate",
		.mend = "make the CA again, with keyCertSign",
		.source = "RFC 5280, 4.2.1.3; Go: crypto/x509/x509.go",
		.kinds = KIND(CERTIFICATE),
		.check = no_cert_sign,
	},
	{
		.id = "KPKI-A013",
		.severity = SEVERITY_INFO,
		.title = "a CA has no cRLSign",
		.meaning = "it works; a CRL for etcd cannot be made by it",
		.mend = "nothing needs to be done",
		.source = "RFC 5280, 4.2.1.3",
		.kinds = KIND(CERTIFICATE),
		.check = no_crl_sign,
	},
	{
		.id = "KPKI-A014",
		.severity = SEVERITY_WARNING,
		.title = "a CA has no keyUsage",
		.meaning = "Go accepts it; OpenSSL with -x509_strict does not",
		.mend = "make the CA again, with keyCertSign and cRLSign",
		.source = "RFC 5280, 4.2.1.3",
		.kinds = KIND(CERTIFICATE),
		.check = no_key_usage,
	},
	{
		.id = "KPKI-A015",
		.severity = SEVERITY_INFO,
		.title = "a CA has no subjectKeyIdentifier",
		.meaning = "it works; OpenSSL with -x509_strict refuses it",
		.mend = "nothing needs to be done",
		.source = "RFC 5280, 4.2.1.2",
		.kinds = KIND(CERTIFICATE),
		.check = no_key_id,
	},
	{
		.id = "KPKI-A016",
		.severity = SEVERITY_ERROR,
		.title = "the CA's key is Ed25519",
		.meaning = "kube-controller-manager and kubeadm do not read "
			   "the key",
		.message = "the private key file is neither in RSA nor ECDSA "
			   "format",
		.mend = "make the CA again, with an ECDSA or RSA key",
		.source = "Kubernetes: client-go/util/keyutil/key.go",
		.kinds = KIND(CERTIFICATE),
		.check = ca_key_kind,
	},
	{
		.id = "KPKI-A017",
		.severity = SEVERITY_ERROR,
		.title = "a root's own signature is bad",
		.meaning = "Go does not look at it, but the file was changed "
			   "or is damaged",
		.mend = "fetch the CA again",
		.source = "RFC 5280, 3.2",
		.kinds = KIND(CERTIFICATE),
		.check = broken_signature_of_root,
	},
	{
		.id = "KPKI-A018",
		.severity = SEVERITY_ERROR,
		.title = "the front-proxy CA is the CA of clients",
		.meaning = "whoever has a client certificate, every kubelet "
			   "too, may say to be anybody: an escalation of "
			   "privilege",
		.mend = "make a CA of its own for the front proxy",
		.source = "Kubernetes: Configure the Aggregation Layer",
		.kinds = KIND(CERTIFICATE),
		.check = front_proxy_is_client,
	},
	{
		.id = "KPKI-A019",
		.severity = SEVERITY_ERROR,
		.title = "the etcd CA is the CA of clients",
		.meaning = "whoever has a client certificate, every kubelet "
			   "too, may read and write all of etcd",
		.mend = "make a CA of its own for etcd",
		.source = "Kubernetes: PKI certificates and requirements",
		.kinds = KIND(CERTIFICATE),
		.check = etcd_is_client,
	},
	{
		.id = "KPKI-A020",
		.severity = SEVERITY_ERROR,
		.title = "the CA is not the cluster's",
		.meaning = "the host and the cluster do not trust each other",
		.message = "x509: certificate signed by unknown authority",
		.mend = "make the bundle again from the right PKI directory",
		.source = "Kubernetes: TLS bootstrapping",
		.kinds = KIND(CERTIFICATE),
		.check = other_clusters_ca,
	},
	{
		.id = "KPKI-A021",
		.severity = SEVERITY_WARNING,
		.title = "the file of a signing CA has several certificates",
		.meaning = "kube-controller-manager does not start with it",
		.message = "error reading CA cert file: expected 1 "
			   "certificate, found 2",
		.mend = "leave one; a trust bundle belongs in another file",
		.source = "Kubernetes: "
			  "pkg/controller/certificates/signer/ca_provider.go",
		.kinds = KIND(CERTIFICATE),
		.check = several_beside_key,
	},
	{
		.id = "KPKI-A022",
		.severity = SEVERITY_INFO,
		.title = "the CA has text around it",
		.meaning = "components read it; a kubeconfig that embeds it as "
			   "it is, text and all, is refused by kubeadm",
		.message = "a kubeconfig file exists already but has got the "
			   "wrong CA cert",
		.mend = "leave the block alone in the file",
		.source = "kubeadm: app/phases/kubeconfig/kubeconfig.go",
		.kinds = KIND(CERTIFICATE),
		.check = text_around,
	},
	{
		.id = "KPKI-A023",
		.severity = SEVERITY_ERROR,
		.title = "the CA may not sign for the name",
		.meaning = "no client accepts the certificate, not even for "
			   "another name",
		.message = "x509: a root or intermediate certificate is not "
			   "authorized to sign for this name: DNS name "
			   "\"other.org\" is not permitted by any constraint",
		.mend = "issue it again without the name, or by a CA with "
			"other name constraints",
		.source = "RFC 5280, 4.2.1.10; Go: crypto/x509/verify.go",
		.kinds = KIND(CERTIFICATE),
		.check = not_permitted,
	},
	{.id = NULL},
};
