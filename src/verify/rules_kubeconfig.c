/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "kube/address.h"
#include "kube/kubeconfig_read.h"
#include "verify/examination.h"
#include "verify/rule_groups.h"

#define BROKEN "kubeconfig: "

/* -- what a client looks at -- */

static struct kubeconfig_choice choice_of(const struct artifact *artifact)
{
	return kubeconfig_current(artifact->kubeconfig);
}

/* One cluster and nothing else: what kubeadm join reads. */
static bool is_discovery(const struct kubeconfig_file *file)
{
	return file->n_clusters == 1 && file->n_contexts == 0 &&
	       file->n_users == 0 && !file->current_context;
}

/* The next certificate, or key, that stands in an entry of the kubeconfig. */
static const struct artifact *embedded_next(const struct artifact *config,
	enum artifact_kind kind, const char *entry_kind, const char *name,
	const struct artifact *previous)
{
	const struct file *file = config->file;
	bool passed = !previous;

	for (size_t i = 0; i < file->n_artifacts; i++) {
		const struct artifact *artifact = file->artifacts[i];

		if (passed && artifact->kind == kind &&
			artifact->embedded_kind &&
			!strcmp(artifact->embedded_kind, entry_kind) &&
			!strcmp(artifact->embedded_key, name))
			return artifact;
		passed |= artifact == previous;
	}
	return NULL;
}

static const struct artifact *first_in(
	const struct file *file, enum artifact_kind kind)
{
	for (size_t i = 0; file && i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == kind)
			return file->artifacts[i];
	return NULL;
}

/* -- contexts -- */

static void unreadable(struct examination *x, const struct artifact *artifact)
{
	if (text_begins(artifact->problem, BROKEN))
		finding(x, "%s", artifact->problem);
}

static void context_missing(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_file *file = artifact->kubeconfig;

	if (is_discovery(file) || choice_of(artifact).context)
		return;
	if (!file->current_context)
		finding(x, "has no current-context");
	else
		finding(x, "current-context \"%s\" is none of its contexts",
			file->current_context);
}

static void cluster_missing(
	struct examination *x, const struct artifact *artifact)
{
	struct kubeconfig_choice choice = choice_of(artifact);

	if (choice.context && !choice.cluster)
		finding(x, "context \"%s\": cluster \"%s\" is not there",
			choice.context->name,
			choice.context->cluster ? choice.context->cluster : "");
}

static void user_missing(struct examination *x, const struct artifact *artifact)
{
	struct kubeconfig_choice choice = choice_of(artifact);

	if (choice.context && !choice.user)
		finding(x, "context \"%s\": user \"%s\" is not there",
			choice.context->name,
			choice.context->user ? choice.context->user : "");
}

/* RFC 1123, as Kubernetes: IsDNS1123Label. */
static bool is_label(const char *text)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strlen(text);

	return len > 0 && len <= 63 && strspn(text, set) == len &&
	       text[0] != '-' && text[len - 1] != '-';
}

static void namespace_malformed(
	struct examination *x, const struct artifact *artifact)
{
	struct kubeconfig_choice choice = choice_of(artifact);

	if (choice.context && choice.context->namespace &&
		!is_label(choice.context->namespace))
		finding(x, "context \"%s\": namespace \"%s\" is no DNS label",
			choice.context->name, choice.context->namespace);
}

/* -- the server -- */

/* The cluster that counts: the current context's, or the only one. */
static const struct kubeconfig_cluster *cluster_of(
	const struct artifact *artifact)
{
	return is_discovery(artifact->kubeconfig)
		       ? artifact->kubeconfig->clusters
		       : choice_of(artifact).cluster;
}

static void server_missing(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (cluster && !cluster->server)
		finding(x, "cluster \"%s\" has no server", cluster->name);
}

/* The host of a server's URL, for free(); NULL when it is none.  What has no
 * scheme is a host and a port (client-go: rest/url_utils.go). */
static char *host_of(const char *server)
{
	const char *scheme = strstr(server, "://");
	const char *host = scheme ? scheme + 3 : server, *end, *port;

	if (scheme && !text_begins(server, "https://") &&
		!text_begins(server, "http://"))
		return NULL;
	end = host + strcspn(host, *host == '[' ? "]/" : ":/");
	port = end;
	if (*host == '[') {
		if (*end != ']')
			return NULL;
		host++;
		port = end + 1;
	}
	if (*port == ':') {
		size_t len = strspn(port + 1, "0123456789");

		port += 1 + len;
		if (len > 5)
			return NULL;
	}
	if (end == host || (*port && *port != '/') || (!scheme && *port == '/'))
		return NULL;
	return memory_text_n(host, (size_t)(end - host));
}

static void server_malformed(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	AUTO_TEXT host =
		cluster && cluster->server ? host_of(cluster->server) : NULL;

	if (cluster && cluster->server && !host)
		finding(x, "server \"%s\" is no URL of https", cluster->server);
}

/* What has no scheme is tried without TLS, too. */
static bool is_http(const struct kubeconfig_cluster *cluster)
{
	AUTO_TEXT host =
		cluster && cluster->server ? host_of(cluster->server) : NULL;

	return host && !text_begins(cluster->server, "https://");
}

static void server_is_http(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (is_http(cluster))
		finding(x, "server \"%s\" is without TLS", cluster->server);
}

static void insecure(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (cluster && cluster->insecure && !cluster->ca_pem.len &&
		!cluster->ca_file)
		finding(x, "cluster \"%s\" has insecure-skip-tls-verify",
			cluster->name);
}

static void insecure_with_ca(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (cluster && cluster->insecure &&
		(cluster->ca_pem.len || cluster->ca_file))
		finding(x,
			"cluster \"%s\" has insecure-skip-tls-verify and a CA",
			cluster->name);
}

static void no_ca(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (cluster && cluster->server && !is_http(cluster) &&
		!cluster->insecure && !cluster->ca_pem.len && !cluster->ca_file)
		finding(x, "cluster \"%s\" has no CA", cluster->name);
}

/* -- the name of the server -- */

/* An IP address as certificates have it. */
static void canonicalize(char *host, char out[static INET6_ADDRSTRLEN])
{
	struct in6_addr six;
	struct in_addr four;

	out[0] = '\0';
	if (inet_pton(AF_INET, host, &four) == 1)
		(void)!inet_ntop(AF_INET, &four, out, INET6_ADDRSTRLEN);
	else if (inet_pton(AF_INET6, host, &six) == 1)
		(void)!inet_ntop(AF_INET6, &six, out, INET6_ADDRSTRLEN);
}

static bool covers(
	const struct alt_name *name, const char *host, const char *ip)
{
	return *ip ? name->kind == ALT_NAME_IP && !strcmp(name->text, ip)
		   : name->kind == ALT_NAME_DNS &&
			       address_covers(name->text, host);
}

static bool answers_for(const struct artifact *server, char *host)
{
	const struct certificate *certificate = server->certificate;
	char ip[INET6_ADDRSTRLEN];

	canonicalize(host, ip);
	/* a dot at the end says that nothing follows */
	if (!*ip && text_ends(host, "."))
		host[strlen(host) - 1] = '\0';
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (covers(&certificate->alt_names[i], host, ip))
			return true;
	return false;
}

/* Whether any API server that is here answers for the host; *ret_some is one
 * of them. */
static bool any_answers(
	const struct unit *unit, char *host, const struct artifact **ret_some)
{
	const struct artifact *server = NULL;

	while ((server = unit_next(unit, server, ARTIFACT_CERTIFICATE,
			"kube-apiserver"))) {
		if (server->certificate->is_ca)
			continue;
		*ret_some = server;
		if (answers_for(server, host))
			return true;
	}
	return false;
}

static void name_not_served(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	const struct artifact *some = NULL;
	AUTO_TEXT host = NULL;

	if (!cluster || !cluster->server || cluster->insecure ||
		is_http(cluster))
		return;
	host = cluster->server_name ? memory_text(cluster->server_name)
				    : host_of(cluster->server);
	if (!host || any_answers(x->unit, host, &some))
		return;
	for (size_t i = 0; i < x->n_others; i++)
		if (any_answers(x->others[i], host, &some))
			return;
	if (some)
		finding(x, "\"%s\" is no name of the API server, %s", host,
			some->file->path);
}

/* -- the CA -- */

static bool is_trusted(const struct artifact *config,
	const struct kubeconfig_cluster *cluster, const struct artifact *ca)
{
	const struct artifact *at = NULL;

	while ((at = embedded_next(config, ARTIFACT_CERTIFICATE, "cluster",
			cluster->name, at)))
		if (der_equal(at->certificate->public_key,
			    ca->certificate->public_key))
			return true;
	return false;
}

static void other_ca(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	const struct artifact *own, *ca = NULL, *some = NULL;

	if (!cluster)
		return;
	own = embedded_next(
		artifact, ARTIFACT_CERTIFICATE, "cluster", cluster->name, NULL);
	while (own && (ca = authority_named(x, own->duty->name, ca))) {
		if (is_trusted(artifact, cluster, ca))
			return;
		some = ca;
	}
	if (some)
		finding(x, "cluster \"%s\": its CA is not the cluster's, %s",
			cluster->name, some->file->path);
}

static void ca_without_certificate(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);

	if (cluster && cluster->ca_pem.len &&
		!embedded_next(artifact, ARTIFACT_CERTIFICATE, "cluster",
			cluster->name, NULL))
		finding(x,
			"cluster \"%s\": certificate-authority-data holds no "
			"certificate",
			cluster->name);
}

/* kubeadm: kubeconfig.go, validateKubeConfig compares them as text. */
static void ca_not_plain(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	const struct artifact *ca;

	if (!cluster || !cluster->ca_pem.len)
		return;
	ca = embedded_next(
		artifact, ARTIFACT_CERTIFICATE, "cluster", cluster->name, NULL);
	if (!ca)
		return;
	if (embedded_next(artifact, ARTIFACT_CERTIFICATE, "cluster",
		    cluster->name, ca))
		finding(x, "cluster \"%s\": its CA is several certificates",
			cluster->name);
	else if (!text_begins(cluster->ca_pem.data, "-----BEGIN "))
		finding(x, "cluster \"%s\": its CA has text around it",
			cluster->name);
}

/* -- the user -- */

static void two_sources(
	struct examination *x, const char *key, bool data, const char *file)
{
	if (data && file)
		finding(x, "%s and %s-data are both given", key, key);
}

static void given_twice(struct examination *x, const struct artifact *artifact)
{
	struct kubeconfig_choice choice = choice_of(artifact);
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	const struct kubeconfig_user *user = choice.user;

	if (cluster)
		two_sources(x, "certificate-authority", cluster->ca_pem.len > 0,
			cluster->ca_file);
	if (!user)
		return;
	two_sources(x, "client-certificate", user->certificate_pem.len > 0,
		user->certificate_file);
	two_sources(x, "client-key", user->key_pem != NULL, user->key_file);
}

static bool has_certificate(const struct kubeconfig_user *user)
{
	return user->certificate_pem.len > 0 || user->certificate_file;
}

static bool has_key(const struct kubeconfig_user *user)
{
	return user->key_pem || user->key_file;
}

static void half_a_pair(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && has_certificate(user) != has_key(user))
		finding(x, "user \"%s\" has a client %s and no %s", user->name,
			has_key(user) ? "key" : "certificate",
			has_key(user) ? "certificate" : "key");
}

static void certificate_without_certificate(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && user->certificate_pem.len &&
		!embedded_next(artifact, ARTIFACT_CERTIFICATE, "user",
			user->name, NULL))
		finding(x,
			"user \"%s\": client-certificate-data holds no "
			"certificate",
			user->name);
}

/* What is embedded as a pair is held together by KPKI-F013. */
static void pair_mismatch(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;
	const struct artifact *certificate, *key;

	if (!user || (user->certificate_pem.len && user->key_pem) ||
		!has_certificate(user) || !has_key(user))
		return;
	certificate = user->certificate_pem.len
			      ? embedded_next(artifact, ARTIFACT_CERTIFICATE,
					"user", user->name, NULL)
			      : first_in(unit_find_from(x->unit, artifact->file,
						 user->certificate_file),
					ARTIFACT_CERTIFICATE);
	key = user->key_pem ? embedded_next(artifact, ARTIFACT_KEY, "user",
				      user->name, NULL)
			    : first_in(unit_find_from(x->unit, artifact->file,
					       user->key_file),
				      ARTIFACT_KEY);
	if (certificate && key && key->public_key.len &&
		!der_equal(certificate->certificate->public_key,
			der_of(&key->public_key)))
		finding(x,
			"user \"%s\": its client key is not its client "
			"certificate's",
			user->name);
}

static void two_methods(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && user->token && (user->username || user->has_password))
		finding(x, "user \"%s\" has a token and a password",
			user->name);
}

static void password(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && !user->token && (user->username || user->has_password))
		finding(x, "user \"%s\" has a password", user->name);
}

static void no_credential(
	struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && !has_certificate(user) && !has_key(user) && !user->token &&
		!user->token_file && !user->username && !user->has_password &&
		!user->exec_command && !user->auth_provider)
		finding(x, "user \"%s\" has no credential", user->name);
}

static void runs_program(struct examination *x, const struct artifact *artifact)
{
	const struct kubeconfig_user *user = choice_of(artifact).user;

	if (user && user->exec_command)
		finding(x, "user \"%s\": asks the program \"%s\"", user->name,
			user->exec_command);
}

/* -- paths -- */

struct path_field {
	const char *key, *path;
};

static size_t paths_of(
	const struct artifact *artifact, struct path_field out[4])
{
	const struct kubeconfig_cluster *cluster = cluster_of(artifact);
	const struct kubeconfig_user *user = choice_of(artifact).user;
	const struct path_field fields[4] = {
		{"certificate-authority", cluster ? cluster->ca_file : NULL},
		{"client-certificate", user ? user->certificate_file : NULL},
		{"client-key", user ? user->key_file : NULL},
		{"tokenFile", user ? user->token_file : NULL},
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].path)
			out[n++] = fields[i];
	return n;
}

static void relative_path(
	struct examination *x, const struct artifact *artifact)
{
	struct path_field fields[4];
	size_t n = paths_of(artifact, fields);

	for (size_t i = 0; i < n; i++)
		if (*fields[i].path != '/')
			finding(x, "%s \"%s\" is relative to the kubeconfig",
				fields[i].key, fields[i].path);
}

static void file_missing(struct examination *x, const struct artifact *artifact)
{
	struct path_field fields[4];
	size_t n = paths_of(artifact, fields);

	for (size_t i = 0; i < n; i++) {
		const char *path = fields[i].path;

		if (x->unit->kind != UNIT_FILES &&
			!unit_find_from(x->unit, artifact->file, path) &&
			unit_has_beside(x->unit, artifact->file, path))
			finding(x, "%s \"%s\" is not there", fields[i].key,
				path);
	}
}

/* -- the rows -- */

#define VALIDATION "Kubernetes: client-go/tools/clientcmd/validation.go"

const struct rule kubeconfig_rules[] = {
	{
		.id = "KPKI-K001",
		.severity = SEVERITY_ERROR,
		.title = "a kubeconfig cannot be read",
		.meaning = "no client starts with it",
		.message = "error loading config file",
		.mend = "put every text in quotes, and each name once",
		.source = "Kubernetes: client-go/tools/clientcmd/api/v1",
		.kinds = KIND(UNREADABLE),
		.check = unreadable,
	},
	{
		.id = "KPKI-K002",
		.severity = SEVERITY_ERROR,
		.title = "current-context is none of the contexts",
		.meaning = "kubectl goes to localhost, and a kubelet does not "
			   "start",
		.message = "context was not found for specified context",
		.mend = "kubectl config use-context",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = context_missing,
	},
	{
		.id = "KPKI-K003",
		.severity = SEVERITY_ERROR,
		.title = "the context's cluster is not there",
		.meaning = "no client starts with it; kubectl goes to "
			   "localhost",
		.message = "invalid configuration: no configuration has been "
			   "provided",
		.mend = "kubectl config set-context --cluster",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = cluster_missing,
	},
	{
		.id = "KPKI-K004",
		.severity = SEVERITY_ERROR,
		.title = "the context's user is not there",
		.meaning = "kubectl asks for a name and a password; to the API "
			   "server any other client is system:anonymous",
		.message = "Please enter Username",
		.mend = "kubectl config set-context --user",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = user_missing,
	},
	{
		.id = "KPKI-K005",
		.severity = SEVERITY_WARNING,
		.title = "the context's namespace is no DNS label",
		.meaning = "no namespace is called so, and clients that check "
			   "all of the file do not start",
		.message = "does not conform to the kubernetes DNS_LABEL rules",
		.mend = "kubectl config set-context --namespace",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = namespace_malformed,
	},
	{
		.id = "KPKI-K006",
		.severity = SEVERITY_ERROR,
		.title = "the cluster has no server",
		.meaning = "no client starts with it",
		.message = "no server found for cluster",
		.mend = "kubectl config set-cluster --server",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = server_missing,
	},
	{
		.id = "KPKI-K007",
		.severity = SEVERITY_ERROR,
		.title = "the server is no URL",
		.meaning = "no client starts with it",
		.message = "host must be a URL or a host:port pair",
		.mend = "write https://HOST:PORT, an IPv6 address in brackets",
		.source = "Kubernetes: client-go/rest/url_utils.go",
		.kinds = KIND(KUBECONFIG),
		.check = server_malformed,
	},
	{
		.id = "KPKI-K008",
		.severity = SEVERITY_ERROR,
		.title = "the server is spoken to without TLS",
		.meaning = "kube-apiserver does not answer; who does, sees the "
			   "token",
		.message = "Client sent an HTTP request to an HTTPS server",
		.mend = "write https://",
		.source = "Go: net/http/server.go",
		.kinds = KIND(KUBECONFIG),
		.check = server_is_http,
	},
	{
		.id = "KPKI-K009",
		.severity = SEVERITY_WARNING,
		.title = "whoever answers is taken for the API server",
		.meaning = "anybody on the way can take its place, and what it "
			   "is told",
		.mend = "put certificate-authority-data in the place of "
			"insecure-skip-tls-verify",
		.source = "Kubernetes: client-go/rest/config.go",
		.kinds = KIND(KUBECONFIG),
		.check = insecure,
	},
	{
		.id = "KPKI-K010",
		.severity = SEVERITY_ERROR,
		.title = "insecure-skip-tls-verify stands beside a CA",
		.meaning = "no client starts with it",
		.message = "specifying a root certificates file with the "
			   "insecure flag is not allowed",
		.mend = "remove insecure-skip-tls-verify",
		.source = "Kubernetes: client-go/transport/transport.go",
		.kinds = KIND(KUBECONFIG),
		.check = insecure_with_ca,
	},
	{
		.id = "KPKI-K011",
		.severity = SEVERITY_WARNING,
		.title = "the cluster has no CA",
		.meaning = "the client goes by the host's list of CAs, which "
			   "has none of a cluster",
		.message = "x509: certificate signed by unknown authority",
		.mend = "kubectl config set-cluster --certificate-authority",
		.source = "Kubernetes: client-go/rest/config.go",
		.kinds = KIND(KUBECONFIG),
		.check = no_ca,
	},
	{
		.id = "KPKI-K012",
		.severity = SEVERITY_ERROR,
		.title = "the CA in a kubeconfig is not the cluster's",
		.meaning = "the client refuses the API server",
		.message = "x509: certificate signed by unknown authority",
		.mend = "embed the ca.crt of the cluster",
		.source = "Kubernetes: client-go/transport/transport.go",
		.kinds = KIND(KUBECONFIG),
		.check = other_ca,
	},
	{
		.id = "KPKI-K013",
		.severity = SEVERITY_ERROR,
		.title = "the CA in a kubeconfig is no certificate",
		.meaning = "no client starts with it",
		.message = "x509: certificate signed by unknown authority; "
			   "later versions: unable to parse bytes as PEM block",
		.mend = "embed ca.crt as PEM, in base64",
		.source = "Kubernetes: client-go/transport/transport.go",
		.kinds = KIND(KUBECONFIG),
		.check = ca_without_certificate,
	},
	{
		.id = "KPKI-K014",
		.severity = SEVERITY_WARNING,
		.title = "the CA in a kubeconfig is more than one certificate",
		.meaning = "kubeadm before 1.30 refuses the file; clients take "
			   "it",
		.message = "a kubeconfig file exists already but has got the "
			   "wrong CA cert",
		.mend = "embed the one certificate, with no text around it",
		.source = "Kubernetes: cmd/kubeadm, kubeconfig.go",
		.kinds = KIND(KUBECONFIG),
		.check = ca_not_plain,
	},
	{
		.id = "KPKI-K015",
		.severity = SEVERITY_ERROR,
		.title = "the server's name is none of the API server's",
		.meaning = "the client refuses the API server",
		.message = "x509: certificate is valid for",
		.mend = "issue the API server's certificate with the name, or "
			"go by one that it has",
		.source = "Go: crypto/x509/verify.go",
		.kinds = KIND(KUBECONFIG),
		.check = name_not_served,
	},
	{
		.id = "KPKI-K016",
		.severity = SEVERITY_ERROR,
		.title = "a path and what it should hold are both given",
		.meaning = "no client starts with it",
		.message = "are both specified for",
		.mend = "remove one of them",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = given_twice,
	},
	{
		.id = "KPKI-K017",
		.severity = SEVERITY_ERROR,
		.title = "a client certificate without key, or a key without "
			 "certificate",
		.meaning = "no client starts with it, or it is nobody to the "
			   "API server",
		.message = "must be specified",
		.mend = "kubectl config set-credentials --client-key",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = half_a_pair,
	},
	{
		.id = "KPKI-K018",
		.severity = SEVERITY_ERROR,
		.title = "the client certificate in a kubeconfig is none",
		.meaning = "no client starts with it",
		.message = "tls: failed to find any PEM data in certificate "
			   "input",
		.mend = "embed the certificate as PEM, in base64",
		.source = "Go: crypto/tls/tls.go",
		.kinds = KIND(KUBECONFIG),
		.check = certificate_without_certificate,
	},
	{
		.id = "KPKI-K019",
		.severity = SEVERITY_ERROR,
		.title = "the client key is not the client certificate's",
		.meaning = "no client starts with it",
		.message = "tls: private key does not match public key",
		.mend = "name the pair that belongs together",
		.source = "Go: crypto/tls/tls.go",
		.kinds = KIND(KUBECONFIG),
		.check = pair_mismatch,
	},
	{
		.id = "KPKI-K020",
		.severity = SEVERITY_ERROR,
		.title = "a user has a token and a password",
		.meaning = "no client starts with it",
		.message = "more than one authentication method found",
		.mend = "remove the password",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = two_methods,
	},
	{
		.id = "KPKI-K021",
		.severity = SEVERITY_ERROR,
		.title = "a user has a password",
		.meaning = "kube-apiserver takes none since 1.19: to it the "
			   "client is system:anonymous",
		.message = "User \"system:anonymous\" cannot",
		.mend = "issue a client certificate",
		.source = "Kubernetes 1.19: basic authentication is removed",
		.kinds = KIND(KUBECONFIG),
		.check = password,
	},
	{
		.id = "KPKI-K022",
		.severity = SEVERITY_WARNING,
		.title = "a user has no credential",
		.meaning = "to the API server it is system:anonymous",
		.message = "User \"system:anonymous\" cannot",
		.mend = "kubectl config set-credentials",
		.source = "Kubernetes: client-go/tools/clientcmd",
		.kinds = KIND(KUBECONFIG),
		.check = no_credential,
	},
	{
		.id = "KPKI-K023",
		.severity = SEVERITY_INFO,
		.title = "a kubeconfig has a program to run",
		.meaning = "the client runs it for its credential; whoever "
			   "wrote the file chose it",
		.mend = "nothing needs to be done, if you know the program",
		.source = "Kubernetes: client-go/plugin/pkg/client/auth/exec",
		.kinds = KIND(KUBECONFIG),
		.check = runs_program,
	},
	{
		.id = "KPKI-K024",
		.severity = SEVERITY_INFO,
		.title = "a path is relative",
		.meaning = "it holds from the kubeconfig's own directory, and "
			   "breaks when that is moved alone",
		.mend = "nothing needs to be done, or write the whole path",
		.source = "Kubernetes: client-go/tools/clientcmd/loader.go",
		.kinds = KIND(KUBECONFIG),
		.check = relative_path,
	},
	{
		.id = "KPKI-K025",
		.severity = SEVERITY_ERROR,
		.title = "a file that a kubeconfig names is not there",
		.meaning = "no client starts with it",
		.message = "no such file or directory",
		.mend = "bring the file",
		.source = VALIDATION,
		.kinds = KIND(KUBECONFIG),
		.check = file_missing,
	},
	{.id = NULL},
};
