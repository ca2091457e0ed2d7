/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_CSR_OBJECT_H
#define KUBE_CSR_OBJECT_H

#include "base/document.h"
#include "pki/request.h"

/*
 * CertificateSigningRequest objects of certificates.k8s.io/v1, in and out.
 * (Kubernetes: api/certificates/v1/types.go, apis/certificates/validation.)
 *
 * They come as one object, as several YAML documents, as a List (what `kubectl
 * get csr -o yaml` or -o json prints) or as a CertificateSigningRequestList.
 * What is in spec is read strictly; metadata and status are the API server's,
 * and are handed back as they came.
 */

#define CSR_OBJECT_API "certificates.k8s.io/v1"
#define CSR_OBJECT_KIND "CertificateSigningRequest"

/* "digital signature", … (Kubernetes: KeyUsage). */
enum csr_usage {
	CSR_DIGITAL_SIGNATURE = 1 << 0,
	CSR_KEY_ENCIPHERMENT = 1 << 1,
	CSR_CLIENT_AUTH = 1 << 2,
	CSR_SERVER_AUTH = 1 << 3,
	CSR_OTHER_USAGE = 1 << 4,
};

enum csr_signer {
	CSR_SIGNER_KUBELET_CLIENT,  /* kubernetes.io/kube-apiserver-client-kubelet */
	CSR_SIGNER_KUBELET_SERVING, /* kubernetes.io/kubelet-serving */
	CSR_SIGNER_CLIENT,          /* kubernetes.io/kube-apiserver-client */
	CSR_SIGNER_OTHER,
};

#define CSR_GROUPS_MAX 64

struct csr_object {
	struct document *root; /* the whole object */
	unsigned line;
	const char *name, *signer_name; /* into root, as the rest */
	enum csr_signer signer;
	unsigned usages;         /* bits of csr_usage */
	const char *other_usage; /* the first of CSR_OTHER_USAGE */
	int64_t expiration;      /* seconds, or 0 */
	const char *username;    /* or NULL: nobody submitted it yet */
	const char *groups[CSR_GROUPS_MAX];
	size_t n_groups;
	bool approved, denied, failed, has_certificate;
	const char *certificate; /* base64 of PEM; NULL: none */
	struct request *request; /* NULL, and why not, when it is malformed */
	struct error request_error;
};

/* The profile that belongs to a signer, or NULL. */
const char *csr_signer_profile(enum csr_signer signer);

/*
 * Hands out one object after the other, for the visitor to take().
 * ERROR_INPUT with file and line for what is no CertificateSigningRequest, a
 * name that cannot be in a path (Kubernetes: ValidatePathSegmentName) or
 * begins with a dot, an unknown key in spec, and everything that the API
 * server would not have taken.  A request inside that is malformed is the
 * object's own trouble.
 */
#define CSR_SOURCE_MAX ((size_t)64 << 20)
typedef bool csr_object_visit(void *data, struct csr_object **object,
	struct error *err);
MUST_CHECK bool csr_objects_read(struct source *source,
	csr_object_visit *visit, void *data, struct error *err);
void csr_object_free(struct csr_object *object);
DEFINE_AUTO_FREE(csr_object)

/* One that stands in a document of others, or in a list, where it need not say
 * what it is; copied. */
MUST_CHECK bool csr_object_of(const struct document *root, const char *file,
	struct csr_object **ret_object, struct error *err);

/* Does the text look like one of these, rather than PEM? */
bool csr_objects_look(const char *bytes, size_t len);

/*
 * What goes back to the API server, in two steps because it takes them at two
 * places: the condition at …/approval, the certificate at …/status.  For both,
 * resourceVersion, which would be old by then, and managedFields are left out;
 * the condition has no times, for the server fills them in.
 */
#define CSR_REASON "KpkiPolicy"
struct document *csr_object_approved(const struct csr_object *object,
	const char *message);
struct document *csr_object_denied(const struct csr_object *object,
	const char *message);
/* On what csr_object_approved made (which leaves an object that is approved
 * already as it is); pem is one CERTIFICATE block. */
void csr_object_add_certificate(struct document *approved,
	const struct buffer *pem);

#endif
