/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VERIFY_FILE_H
#define VERIFY_FILE_H

#include "base/tree_read.h"
#include "kube/cluster.h"
#include "kube/csr_object.h"
#include "kube/kubeconfig_read.h"
#include "kube/rbac_read.h"
#include "kube/token_secret.h"
#include "pki/flaws.h"
#include "pki/request.h"

/*
 * A file that was found, and the typed things in it.
 *
 * The bytes are a secret until they are known to be none: the artifacts hold
 * what rules may look at, and of a private key that is its public half.
 */
enum artifact_kind {
	ARTIFACT_CERTIFICATE,
	ARTIFACT_KEY,        /* a private key, of which only the public half
	                        and what it is called are kept */
	ARTIFACT_PUBLIC_KEY, /* "PUBLIC KEY": sa.pub */
	ARTIFACT_REQUEST,
	ARTIFACT_KUBECONFIG,
	ARTIFACT_TOKEN,      /* a Secret with a bootstrap token */
	ARTIFACT_RBAC,       /* Role, ClusterRole and their bindings */
	ARTIFACT_STATIC_TOKEN, /* a line of a token file */
	ARTIFACT_BARE_TOKEN, /* "id.secret" and nothing else */
	ARTIFACT_CLUSTER,    /* kpki-cluster(5) */
	ARTIFACT_UNREADABLE, /* should be one of these; `problem` says what is
	                        wrong */
};
#define ARTIFACT_KINDS (ARTIFACT_UNREADABLE + 1)

struct file;
struct duty;
struct unit;

/* kube/token_file.h has what a line of it is. */
struct static_token {
	struct secret *token;
	char *user, *uid, *groups;
	size_t n_columns;
};
void static_token_free(struct static_token *token);

struct artifact {
	enum artifact_kind kind;
	const struct file *file;
	size_t place;    /* in its file's list */
	unsigned number; /* in its file, of its kind, from 1 */
	unsigned line;   /* where it begins; 0: not known */
	/* What Kubernetes uses it for (verify/duty.h), or NULL. */
	const struct duty *duty;
	char *node; /* of a duty of one node: its name, as far as told */

	struct certificate *certificate; /* CERTIFICATE; else NULL */
	struct flaws flaws;              /* of it */
	struct request *request;         /* REQUEST; else NULL */
	struct csr_object *object;       /* that it came in, or NULL */

	/* KEY, PUBLIC_KEY: SubjectPublicKeyInfo, len 0 when it could not be
	 * read, and then `problem` says why */
	struct buffer public_key;
	char *key_name; /* "rsa-2048" */
	bool is_sealed; /* a KEY under a passphrase; it counts as unread */
	bool is_der;    /* where Kubernetes reads nothing but PEM */

	/* KUBECONFIG, TOKEN, RBAC, STATIC_TOKEN: as its reader gives it; else
	 * NULL.  Of a client key in a kubeconfig is only known that it is there. */
	struct kubeconfig_file *kubeconfig;
	struct token_secret *token;
	struct rbac_object *rbac;
	struct static_token *static_token;
	char *token_id;          /* BARE_TOKEN; else NULL */
	struct cluster *cluster; /* CLUSTER; else, or when broken, NULL */

	/* Of what stands inside a kubeconfig: "user" or "cluster", and the name
	 * there; of a CertificateSigningRequest: "object", and its name; or
	 * NULL. */
	const char *embedded_kind;
	char *embedded_key;

	char *problem; /* why it is not what it should be, or NULL */
};

struct file {
	const struct unit *unit; /* that has it, and where in its list */
	size_t place;
	char *path;   /* for messages: the operand's, and what is below it */
	char *inside; /* below the unit's root: "etc/kubernetes/pki/ca.crt" */
	enum tree_read_kind kind;
	mode_t mode; /* permission bits */
	uid_t uid;
	bool has_mode; /* false of what was made in memory */
	char *link;    /* what a link says, or NULL */
	char *problem; /* too large, not readable, …: not looked at, or not at
	                  all of it; or NULL */
	bool is_twice; /* stands twice in an archive */
	bool text_around; /* text outside of the PEM blocks */
	struct artifact **artifacts; /* in their order */
	size_t n_artifacts, allocated;
};

/* In one file: a bundle of all the CAs of the world has 150.  False when there
 * are that many, and the file's problem says so. */
#define FILE_ARTIFACTS_MAX 4096
bool file_has_room(struct file *file);

/* A new artifact of the file, zeroed but for kind, file and number. */
struct artifact *file_add(struct file *file, enum artifact_kind kind);

/* Takes apart what a file holds by what it is: PEM, DER, YAML or JSON.  What is
 * none of ours gives no artifact; what should be and is broken gives one of
 * ARTIFACT_UNREADABLE, or one with a problem or flaws. */
void file_classify(struct file *file, const struct secret *bytes);

/* The certificates and keys of a PEM text that stands inside a document, each
 * under this label; how many.  For the reader of kubeconfigs. */
size_t file_add_pem(struct file *file, const char *embedded_kind,
	const char *embedded_key, const struct secret *pem);

/* What is text and no PEM: a kubeconfig, with what is embedded in it, objects of
 * Kubernetes, tokens.  (verify/file_document.c) */
void file_add_documents(struct file *file, const struct secret *bytes);

void file_free(struct file *file);

#endif
