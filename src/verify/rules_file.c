/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/stat.h>

#include "base/affix.h"
#include "verify/chain.h"
#include "verify/rule_groups.h"

enum { OTHERS_READ = 0044, OTHERS_WRITE = 0022 };

/* -- who may read and write -- */

static bool is_secret(const struct artifact *artifact)
{
	return artifact->kind == ARTIFACT_KEY ||
	       artifact->kind == ARTIFACT_TOKEN;
}

static bool has_secret(const struct file *file)
{
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (is_secret(file->artifacts[i]))
			return true;
	return false;
}

static void key_readable(struct examination *x, const struct artifact *unused)
{
	const struct file *file = x->file;

	(void)unused;
	if (file->has_mode && file->kind == TREE_READ_FILE &&
		file->mode & OTHERS_READ && has_secret(file))
		finding(x, "has a secret, and mode %04o", (unsigned)file->mode);
}

static bool is_below(const struct file *file, const struct file *directory)
{
	size_t len = strlen(directory->inside);

	return text_begins(file->inside, directory->inside) &&
	       (len == 0 || file->inside[len] == '/');
}

/* Who can write to a directory can put another file in a file's place, unless
 * the directory is sticky. */
static bool holds_something(
	const struct unit *unit, const struct file *directory)
{
	if (directory->mode & S_ISVTX)
		return false;
	/* one of bundles, by itself */
	if (unit->is_stray && unit->n_files == 0)
		return true;
	for (size_t i = 0; i < unit->n_files; i++)
		if (unit->files[i]->n_artifacts > 0 &&
			is_below(unit->files[i], directory))
			return true;
	return false;
}

static void others_can_change(
	struct examination *x, const struct artifact *unused)
{
	const struct file *file = x->file;

	(void)unused;
	if (!file->has_mode || !(file->mode & OTHERS_WRITE))
		return;
	if (file->kind == TREE_READ_DIRECTORY
			? holds_something(x->unit, file)
			: file->kind == TREE_READ_FILE && file->n_artifacts > 0)
		finding(x, "can be changed by others: mode %04o",
			(unsigned)file->mode);
}

static bool is_on_a_host(const struct unit *unit)
{
	return unit->kind == UNIT_HOST || unit->kind == UNIT_KUBERNETES;
}

/* A key that is neither root's nor of whom the most of the tree is. */
static void key_owner(struct examination *x, const struct artifact *unused)
{
	const struct file *file = x->file;
	const struct unit *unit = x->unit;

	(void)unused;
	if (!file->has_mode || !has_secret(file) || file->uid == 0 ||
		!is_on_a_host(unit))
		return;
	for (size_t i = 0; i < unit->n_files; i++)
		if (unit->files[i]->has_mode &&
			unit->files[i]->uid != file->uid) {
			finding(x, "belongs to user %lu, as not all do here",
				(unsigned long)file->uid);
			return;
		}
}

/* -- what a tree has -- */

static void link_leaves(struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (x->file->link && unit_leaves(x->unit, x->file, x->file->link))
		finding(x, "is a link that leaves the tree: \"%s\"",
			x->file->link);
}

static void link_dangles(struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (x->file->link && !unit_leaves(x->unit, x->file, x->file->link) &&
		!unit_find(x->unit, x->file->inside))
		finding(x, "is a link to nothing: \"%s\"", x->file->link);
}

static void not_read(struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (x->file->problem)
		finding(x, "%s", x->file->problem);
}

static void member_twice(struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (x->file->is_twice && x->unit->kind != UNIT_FILES)
		finding(x, "stands twice in the archive");
}

static void current_no_link(
	struct examination *x, const struct artifact *unused)
{
	(void)unused;
	if (x->file->kind == TREE_READ_FILE &&
		text_ends(x->file->inside, "-current.pem") &&
		is_on_a_host(x->unit))
		finding(x, "is a file, and no link: the kubelet cannot rotate "
			   "it");
}

/* Where certificates stand alone. */
static void key_in_certificate_file(
	struct examination *x, const struct artifact *key)
{
	const struct file *file = key->file;
	const struct artifact *certificate = NULL;

	if (key->embedded_kind || text_ends(file->inside, ".key") ||
		duty_is(key, "kubelet-client") ||
		strstr(file->inside, "kubelet-server-"))
		return;
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_CERTIFICATE)
			certificate = file->artifacts[i];
	if (certificate)
		finding(x, "a private key stands in the file of a certificate");
}

static bool is_key_of_ca(const struct unit *unit, const struct artifact *key)
{
	const struct artifact *ca = NULL;

	while ((ca = unit_next(unit, ca, ARTIFACT_CERTIFICATE, NULL)))
		if (ca->certificate->is_ca &&
			der_equal(ca->certificate->public_key,
				der_of(&key->public_key)))
			return true;
	return false;
}

/* Whatever its file is called. */
static bool is_ca_key(const struct examination *x, const struct artifact *key)
{
	if ((key->duty && key->duty->is_ca) || is_key_of_ca(x->unit, key))
		return true;
	for (size_t i = 0; i < x->n_others; i++)
		if (is_key_of_ca(x->others[i], key))
			return true;
	return false;
}

static void ca_key_on_node(struct examination *x, const struct artifact *key)
{
	unsigned roles = examination_roles(x);

	if (is_on_a_host(x->unit) && !(roles & ROLE_CONTROL_PLANE) &&
		roles & ROLE_NODE && is_ca_key(x, key))
		finding(x, "is the key of a CA on a node");
}

/* -- pairs -- */

/* Where the authorities are kept their keys may be sealed; a component reads
 * none that is. */
static void key_unreadable(struct examination *x, const struct artifact *key)
{
	if (key->problem && !(key->is_sealed && x->unit->kind == UNIT_PKI))
		finding(x, "%s", key->problem);
}

static void block_broken(struct examination *x, const struct artifact *artifact)
{
	static const char *const elsewhere[] = {"certificate: ", "request: ",
		"kubeconfig: ", "token: ", "token file: ", "RBAC: "};

	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (text_begins(artifact->problem, elsewhere[i]))
			return;
	finding(x, "%s", artifact->problem);
}

static void key_mismatch(
	struct examination *x, const struct artifact *certificate)
{
	const struct artifact *key = key_of(x, certificate);

	if (key && !key->problem &&
		!der_equal(der_of(&key->public_key),
			certificate->certificate->public_key))
		finding(x, "the key in %s is not its own", key->file->path);
}

static void key_missing(
	struct examination *x, const struct artifact *certificate)
{
	const struct duty *duty = certificate->duty;

	if (!is_on_a_host(x->unit) || !duty || duty->is_ca ||
		certificate->embedded_kind || !is_first(certificate) ||
		duty_is(certificate, "service-account"))
		return;
	if (!key_of(x, certificate))
		finding(x, "its private key is not here");
}

static void key_shared(
	struct examination *x, const struct artifact *certificate)
{
	const char *where;

	if (!x->seen || !certificate->node)
		return;
	where = seen_before(x->seen, SEEN_KEY,
		certificate->certificate->public_key,
		(struct der){(const unsigned char *)certificate->node,
			strlen(certificate->node)},
		*x->unit->path ? x->unit->path : certificate->file->path);
	if (where)
		finding(x, "has the key of another node's, in %s", where);
}

static bool is_same_identity(const struct artifact *a, const struct artifact *b)
{
	return der_equal(a->certificate->subject, b->certificate->subject);
}

static void key_of_two_names(
	struct examination *x, const struct artifact *certificate)
{
	const struct artifact *other = certificate;

	if (!is_first(certificate))
		return;
	while ((other = unit_next(x->unit, other, ARTIFACT_CERTIFICATE, NULL)))
		if (!is_same_identity(certificate, other) &&
			der_equal(certificate->certificate->public_key,
				other->certificate->public_key)) {
			finding(x, "has the key of \"%s\" in %s",
				other->certificate->subject_text,
				other->file->path);
			return;
		}
}

/* -- service accounts -- */

static bool is_service_account(const struct artifact *artifact)
{
	return duty_is(artifact, "service-account") && !artifact->problem;
}

static bool has_private_half(
	const struct examination *x, const struct artifact *public)
{
	const struct artifact *key = NULL;

	while ((key = unit_next(x->unit, key, ARTIFACT_KEY, "service-account")))
		if (key->problem || der_equal(der_of(&key->public_key),
					    der_of(&public->public_key)))
			return true;
	return false;
}

/* kube-apiserver takes several, of which the others verify only. */
static void sa_mismatch(struct examination *x, const struct artifact *public)
{
	const struct file *file = public->file;
	const struct artifact *key;

	if (!is_service_account(public))
		return;
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_PUBLIC_KEY &&
			has_private_half(x, file->artifacts[i]))
			return;
	key = unit_next(x->unit, NULL, ARTIFACT_KEY, "service-account");
	if (key)
		finding(x, "is not the public half of %s", key->file->path);
}

static void sa_kind(struct examination *x, const struct artifact *key)
{
	if (is_service_account(key) && key->key_name &&
		!text_begins(key->key_name, "rsa-") &&
		!text_begins(key->key_name, "ecdsa-"))
		finding(x, "is %s, with which no token can be signed",
			key->key_name);
}

const struct rule file_rules[] = {
	{
		.id = "KPKI-F001",
		.severity = SEVERITY_ERROR,
		.title = "others can read a secret",
		.meaning = "every user of the host can be who the key says; no "
			   "component checks it",
		.mend = "chmod 600 FILE",
		.source = "CIS Kubernetes Benchmark, 1.1 and 4.1",
		.per_file = true,
		.check = key_readable,
	},
	{
		.id = "KPKI-F002",
		.severity = SEVERITY_ERROR,
		.title = "others can change a file or its directory",
		.meaning = "who can change a CA, a certificate or a kubeconfig "
			   "decides whom the host trusts",
		.mend = "chmod go-w FILE",
		.source = "CIS Kubernetes Benchmark, 1.1 and 4.1",
		.per_file = true,
		.check = others_can_change,
	},
	{
		.id = "KPKI-F003",
		.severity = SEVERITY_WARNING,
		.title = "a secret has an owner of its own",
		.meaning = "that user can be who the key says",
		.mend = "chown root:root FILE",
		.source = "CIS Kubernetes Benchmark, 1.1 and 4.1",
		.per_file = true,
		.check = key_owner,
	},
	{
		.id = "KPKI-F004",
		.severity = SEVERITY_WARNING,
		.title = "a link leaves the tree",
		.meaning = "what it leads to was not looked at, and may be "
			   "anything on the host",
		.mend = "bring the file itself",
		.source = "kpki-verify(1)",
		.per_file = true,
		.check = link_leaves,
	},
	{
		.id = "KPKI-F005",
		.severity = SEVERITY_ERROR,
		.title = "a link leads to nothing",
		.meaning = "the component does not start",
		.message = "no such file or directory",
		.mend = "bring the file it names",
		.source = "kpki-verify(1)",
		.per_file = true,
		.check = link_dangles,
	},
	{
		.id = "KPKI-F006",
		.severity = SEVERITY_WARNING,
		.title = "a file was not looked at",
		.meaning = "what it holds is not known",
		.mend = "look at it by hand",
		.source = "kpki-verify(1)",
		.per_file = true,
		.check = not_read,
	},
	{
		.id = "KPKI-F007",
		.severity = SEVERITY_ERROR,
		.title = "a file stands twice in the archive",
		.meaning = "which of them is laid down depends on the program "
			   "that unpacks it; the second was not looked at",
		.mend = "make the archive again",
		.source = "kpki-verify(1)",
		.per_file = true,
		.check = member_twice,
	},
	{
		.id = "KPKI-F008",
		.severity = SEVERITY_WARNING,
		.title = "the kubelet's current certificate is no link",
		.meaning = "it works until the kubelet rotates",
		.message = "expected \"kubelet-client-current.pem\" to be a "
			   "symlink but it is a file",
		.mend = "rename it and make a link to it",
		.source = "Kubernetes: "
			  "client-go/util/certificate/certificate_store.go",
		.per_file = true,
		.check = current_no_link,
	},
	{
		.id = "KPKI-F009",
		.severity = SEVERITY_ERROR,
		.title = "a private key stands in a certificate's file",
		.meaning = "files of certificates are handed around and read "
			   "by all",
		.mend = "take it out; if the file was handed out, make another "
			"key",
		.source = "Kubernetes: PKI certificates and requirements",
		.kinds = KIND(KEY),
		.check = key_in_certificate_file,
	},
	{
		.id = "KPKI-F010",
		.severity = SEVERITY_ERROR,
		.title = "the key of a CA is on a node",
		.meaning = "whoever has the node can make any certificate",
		.mend = "remove it; if the node was out of your hands, replace "
			"the CA",
		.source = "Kubernetes: PKI certificates and requirements",
		.kinds = KIND(KEY),
		.check = ca_key_on_node,
	},
	{
		.id = "KPKI-F011",
		.severity = SEVERITY_ERROR,
		.title = "a private key cannot be read",
		.meaning = "the component does not start: it is encrypted, of "
			   "a kind that is not known, or damaged",
		.message = "tls: failed to parse private key",
		.mend = "write it without a password, as PKCS #8",
		.source = "Kubernetes: client-go/util/keyutil/key.go",
		.kinds = KIND(KEY) | KIND(PUBLIC_KEY),
		.check = key_unreadable,
	},
	{
		.id = "KPKI-F012",
		.severity = SEVERITY_ERROR,
		.title = "a file cannot be read as what it should be",
		.meaning = "the component that wants it does not start",
		.message = "unable to load",
		.mend = "make it again",
		.source = "Kubernetes: client-go/util/cert/pem.go",
		.kinds = KIND(UNREADABLE),
		.check = block_broken,
	},
	{
		.id = "KPKI-F013",
		.severity = SEVERITY_ERROR,
		.title = "the key is not the certificate's",
		.meaning = "the component does not start",
		.message = "tls: private key does not match public key",
		.mend = "bring the key it was made with; in a file of several "
			"the leaf comes first",
		.source = "Go: crypto/tls/tls.go",
		.kinds = KIND(CERTIFICATE),
		.check = key_mismatch,
	},
	{
		.id = "KPKI-F014",
		.severity = SEVERITY_ERROR,
		.title = "a certificate has no key beside it",
		.meaning = "the component does not start",
		.message = "open: no such file or directory",
		.mend = "bring the key",
		.source = "Go: crypto/tls/tls.go",
		.kinds = KIND(CERTIFICATE),
		.check = key_missing,
	},
	{
		.id = "KPKI-F015",
		.severity = SEVERITY_ERROR,
		.title = "two nodes share a key",
		.meaning = "who has one of them has both",
		.mend = "make a key on each, and issue anew",
		.source = "NIST SP 800-57, part 1",
		.kinds = KIND(CERTIFICATE),
		.check = key_shared,
	},
	{
		.id = "KPKI-F016",
		.severity = SEVERITY_WARNING,
		.title = "two names share a key",
		.meaning = "who may be the one may be the other",
		.mend = "make a key for each, and issue anew",
		.source = "NIST SP 800-57, part 1",
		.kinds = KIND(CERTIFICATE),
		.check = key_of_two_names,
	},
	{
		.id = "KPKI-F017",
		.severity = SEVERITY_ERROR,
		.title = "sa.pub is not of sa.key",
		.meaning = "no token of a service account is accepted",
		.message = "invalid bearer token: no keys found",
		.mend = "openssl pkey -in sa.key -pubout -out sa.pub",
		.source = "Kubernetes: pkg/serviceaccount/jwt.go",
		.kinds = KIND(PUBLIC_KEY),
		.check = sa_mismatch,
	},
	{
		.id = "KPKI-F018",
		.severity = SEVERITY_ERROR,
		.title = "the service accounts' key is neither RSA nor ECDSA",
		.meaning = "kube-controller-manager and kube-apiserver do not "
			   "start",
		.message =
			"unknown private key type ed25519.PrivateKey, must be "
			"*rsa.PrivateKey, *ecdsa.PrivateKey",
		.mend = "make one of RSA",
		.source = "Kubernetes: pkg/serviceaccount/jwt.go",
		.kinds = KIND(KEY),
		.check = sa_kind,
	},
	{.id = NULL},
};
