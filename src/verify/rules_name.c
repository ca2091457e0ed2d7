/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <string.h>

#include "base/affix.h"
#include "base/utf8.h"
#include "kube/identity.h"
#include "kube/policy.h"
#include "kube/topology.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "verify/chain.h"
#include "verify/rule_groups.h"

/* -- what a certificate says -- */

/* How many attributes of this type the subject has, and whether one of them is
 * the text (NULL: any). */
static size_t count_attributes(const struct certificate *certificate,
	struct der type, const char *text)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	size_t n = 0, n_found = 0;

	if (!name_attributes(certificate->subject, list, &n, &passed_over))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (der_equal(list[i].type, type) &&
			(!text || name_attribute_is(&list[i], text)))
			n_found++;
	return n_found;
}

static bool has_group(const struct certificate *certificate, const char *group)
{
	return count_attributes(certificate, OID_ORGANIZATION, group) > 0;
}

static bool has_alt_name(const struct certificate *certificate,
	enum alt_name_kind kind, const char *text)
{
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (certificate->alt_names[i].kind == kind &&
			address_covers(certificate->alt_names[i].text, text))
			return true;
	return false;
}

static bool has_address(
	const struct certificate *certificate, const char *address)
{
	return has_alt_name(certificate,
		address_kind(address) == ADDRESS_IP ? ALT_NAME_IP
						    : ALT_NAME_DNS,
		address);
}

/* The leaf of a file: what follows it is its chain. */
static bool is_leaf(const struct artifact *artifact)
{
	return artifact->duty && !artifact->duty->is_ca && is_first(artifact) &&
	       !artifact->certificate->is_ca;
}

static bool is_client(const struct artifact *artifact)
{
	return is_leaf(artifact) && artifact->duty->purposes & PURPOSE_CLIENT;
}

/* The kubelet's own, which nobody holds to anything. */
static bool is_self_made(struct examination *x, const struct artifact *artifact)
{
	return chain_of(x, artifact)->end == CHAIN_SELF_SIGNED;
}

static const char *subject_of(const struct artifact *artifact)
{
	const char *name = artifact->certificate->common_name;

	return name ? name : "";
}

/* -- who it says to be -- */

static void name_not_components(
	struct examination *x, const struct artifact *artifact)
{
	if (is_leaf(artifact) && artifact->duty->naming == DUTY_THIS_NAME &&
		strcmp(subject_of(artifact), artifact->duty->common_name) != 0)
		finding(x, "its common name is \"%s\", not \"%s\"",
			subject_of(artifact), artifact->duty->common_name);
}

static void name_not_nodes(
	struct examination *x, const struct artifact *artifact)
{
	if (is_leaf(artifact) && artifact->duty->naming == DUTY_NODE_NAME &&
		!artifact->node)
		finding(x,
			"its common name is \"%s\", which does not begin with "
			"\"%s\"",
			subject_of(artifact), artifact->duty->common_name);
}

static void group_missing(
	struct examination *x, const struct artifact *artifact)
{
	if (is_leaf(artifact) && artifact->duty->organization &&
		!has_group(artifact->certificate, artifact->duty->organization))
		finding(x, "is not in the group \"%s\" (organization)",
			artifact->duty->organization);
}

/* What RBAC binds to cluster-admin: system:masters by itself, the other as
 * kubeadm has it since 1.29. */
static const char *const admin_groups[] = {
	"system:masters", "kubeadm:cluster-admins"};

static const char *admin_group(const struct artifact *artifact)
{
	for (size_t i = 0; i < ARRAY_SIZE(admin_groups); i++)
		if (has_group(artifact->certificate, admin_groups[i]))
			return admin_groups[i];
	return NULL;
}

/* Is it a node's, whatever it is called? */
static bool is_nodes(const struct artifact *artifact)
{
	return artifact->node || duty_is(artifact, "kubelet-client") ||
	       duty_is(artifact, "kubelet-serving");
}

static void node_is_admin(
	struct examination *x, const struct artifact *artifact)
{
	const char *group = admin_group(artifact);

	if (group && is_nodes(artifact) && is_leaf(artifact))
		finding(x, "is a node in the group \"%s\"", group);
}

/* One of those that every cluster has, and that need no group. */
static bool is_component(const struct artifact *artifact)
{
	return artifact->duty && artifact->duty->naming == DUTY_THIS_NAME;
}

static void component_group(
	struct examination *x, const struct artifact *artifact)
{
	const char *group = admin_group(artifact);

	if (!group && has_group(artifact->certificate, "system:nodes"))
		group = "system:nodes";
	if (group && is_component(artifact) && is_leaf(artifact))
		finding(x, "is %s in the group \"%s\"", artifact->duty->name,
			group);
}

static void node_name_bad(
	struct examination *x, const struct artifact *artifact)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (artifact->node && !node_name_check(artifact->node, &err))
		finding(x, "%s", err.message);
}

static const char *node_of_unit(const struct unit *unit)
{
	const struct artifact *client = NULL;

	while ((client = unit_next(
			unit, client, ARTIFACT_CERTIFICATE, "kubelet-client")))
		if (client->node)
			return client->node;
	return NULL;
}

static void nodes_differ(struct examination *x, const struct artifact *artifact)
{
	const char *node = node_of_unit(x->unit);

	if ((x->unit->kind != UNIT_HOST && x->unit->kind != UNIT_KUBERNETES) ||
		!artifact->node || !node || strcmp(artifact->node, node) == 0)
		return;
	finding(x, "is of node \"%s\" on the host of node \"%s\"",
		artifact->node, node);
}

static void node_not_of_path(
	struct examination *x, const struct artifact *artifact)
{
	if (!x->unit->is_named || !x->unit->node || !artifact->node ||
		strcmp(artifact->node, x->unit->node) == 0)
		return;
	finding(x, "is of node \"%s\" in the bundle of node \"%s\"",
		artifact->node, x->unit->node);
}

static void node_unknown(struct examination *x, const struct artifact *artifact)
{
	struct node node;

	if (x->settings->inventory && artifact->node && is_leaf(artifact) &&
		!inventory_find(x->settings->inventory, artifact->node, &node))
		finding(x, "node \"%s\" is not in the inventory",
			artifact->node);
}

static void no_user(struct examination *x, const struct artifact *artifact)
{
	if (is_client(artifact) && !artifact->certificate->common_name &&
		!flaws_find(&artifact->flaws, FLAW_NAME))
		finding(x, "has no common name to log in as");
}

static void two_names(struct examination *x, const struct artifact *artifact)
{
	size_t n =
		count_attributes(artifact->certificate, OID_COMMON_NAME, NULL);

	if (n > 1 && is_leaf(artifact))
		finding(x,
			"has %zu common names; \"%s\" is the one that counts",
			n, subject_of(artifact));
}

static void masters(struct examination *x, const struct artifact *artifact)
{
	if (!is_nodes(artifact) && !is_component(artifact) &&
		has_group(artifact->certificate, "system:masters"))
		finding(x, "is in the group \"system:masters\"");
}

static bool has_hidden(const char *text)
{
	return *text && !name_text_is_valid(text, strlen(text));
}

static void name_hides(struct examination *x, const struct artifact *artifact)
{
	AUTO_RELEASE(identity) identity = IDENTITY_INIT;

	identity_read(artifact->certificate ? artifact->certificate
					    : artifact->request->asked,
		&identity);
	if (has_hidden(identity.user))
		finding(x, "its common name is \"%s\"", identity.user);
	for (size_t i = 0; i < identity.n_groups; i++)
		if (has_hidden(identity.groups[i]))
			finding(x, "is in the group \"%s\" (organization)",
				identity.groups[i]);
}

static void name_long(struct examination *x, const struct artifact *artifact)
{
	size_t len = utf8_count(subject_of(artifact));

	if (len > 64)
		finding(x, "its common name has %zu characters", len);
}

static void serving_name(struct examination *x, const struct artifact *artifact)
{
	if (duty_is(artifact, "kubelet-serving") && is_leaf(artifact) &&
		!artifact->node && !is_self_made(x, artifact))
		finding(x, "its common name is \"%s\", not that of a node",
			subject_of(artifact));
}

static struct der text_view(const char *text)
{
	return (struct der){(const unsigned char *)text, strlen(text)};
}

static void node_again(struct examination *x, const struct artifact *artifact)
{
	const char *where;

	if (!x->seen || !x->unit->node || !artifact->node ||
		!duty_is(artifact, "kubelet-client"))
		return;
	/* another bundle of the same name is the same host, later */
	where = seen_before(x->seen, SEEN_NODE, text_view(artifact->node),
		text_view(x->unit->node), x->unit->path);
	if (where)
		finding(x, "is of node \"%s\", as that in %s is",
			artifact->node, where);
}

/* -- what it is for -- */

static const struct {
	unsigned purpose;
	const char *name;
} purpose_names[] = {
	{PURPOSE_SERVER, "serverAuth"},
	{PURPOSE_CLIENT, "clientAuth"},
};

static void purpose_missing(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	if (!is_leaf(artifact) || !certificate->has_purposes)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(purpose_names); i++)
		if (artifact->duty->purposes & purpose_names[i].purpose &&
			!(certificate->purposes & purpose_names[i].purpose))
			finding(x, "its extKeyUsage lacks %s, as %s needs it",
				purpose_names[i].name, artifact->duty->name);
}

static void no_purposes(struct examination *x, const struct artifact *artifact)
{
	if (is_leaf(artifact) && artifact->duty->purposes &&
		!artifact->certificate->has_purposes &&
		artifact->certificate->version == 3)
		finding(x, "has no extKeyUsage: it is good for anything");
}

static void no_digital_signature(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	if (is_leaf(artifact) && certificate->has_key_usage &&
		!(certificate->key_usage & USAGE_DIGITAL_SIGNATURE))
		finding(x, "its keyUsage lacks digitalSignature");
}

static void leaf_is_ca(struct examination *x, const struct artifact *artifact)
{
	if (artifact->duty && !artifact->duty->is_ca && is_first(artifact) &&
		artifact->certificate->is_ca && !is_self_made(x, artifact))
		finding(x, "is a CA in the place of %s", artifact->duty->name);
}

/* -- subjectAltName -- */

static bool is_server(const struct artifact *artifact)
{
	return is_leaf(artifact) && artifact->duty->serves;
}

static void no_alt_names(struct examination *x, const struct artifact *artifact)
{
	if (is_server(artifact) && artifact->certificate->n_alt_names == 0 &&
		!flaws_find(&artifact->flaws, FLAW_ALT_NAME))
		finding(x, "has no subjectAltName");
}

static bool has_names(const struct artifact *artifact, const char *duty)
{
	return is_server(artifact) && duty_is(artifact, duty) &&
	       artifact->certificate->n_alt_names > 0;
}

static void address_missing(
	struct examination *x, const struct artifact *artifact)
{
	struct node node;

	if (!x->settings->inventory || !artifact->node ||
		!has_names(artifact, "kubelet-serving") ||
		!inventory_find(x->settings->inventory, artifact->node, &node))
		return;
	for (size_t i = 0; i < node.n_addresses; i++)
		if (!has_address(artifact->certificate, node_address(&node, i)))
			finding(x,
				"its subjectAltName lacks the address \"%s\"",
				node_address(&node, i));
}

static void node_name_missing(
	struct examination *x, const struct artifact *artifact)
{
	if (artifact->node && has_names(artifact, "kubelet-serving") &&
		!has_address(artifact->certificate, artifact->node))
		finding(x, "its subjectAltName lacks the node's name");
}

static const char *dns_domain(const struct examination *x)
{
	return x->settings->cluster ? x->settings->cluster->dns_domain
				    : "cluster.local";
}

static void service_name_missing(
	struct examination *x, const struct artifact *artifact)
{
	AUTO_TEXT whole =
		memory_format("kubernetes.default.svc.%s", dns_domain(x));
	const char *const names[] = {"kubernetes", "kubernetes.default",
		"kubernetes.default.svc", whole};

	if (!has_names(artifact, "kube-apiserver"))
		return;
	/* without a cluster file the domain is a guess */
	for (size_t i = 0;
		i < ARRAY_SIZE(names) - (x->settings->cluster ? 0 : 1); i++)
		if (!has_alt_name(
			    artifact->certificate, ALT_NAME_DNS, names[i]))
			finding(x, "its subjectAltName lacks \"%s\"", names[i]);
}

/* The network's address and one. */
static char *first_address(const struct cidr *cidr)
{
	AUTO_TEXT block = NULL;
	struct cidr first = *cidr;
	char *slash;

	first.bytes[first.len - 1]++;
	first.bits = 8u * first.len;
	block = cidr_format(&first);
	slash = strchr(block, '/');
	return memory_text_n(block, (size_t)(slash - block));
}

static void service_address_missing(
	struct examination *x, const struct artifact *artifact)
{
	const struct cluster *cluster = x->settings->cluster;
	AUTO_TEXT address = NULL;

	if (!cluster || !has_names(artifact, "kube-apiserver") ||
		cluster->n_service_cidrs == 0)
		return;
	address = first_address(&cluster->service_cidrs[0]);
	if (!has_alt_name(artifact->certificate, ALT_NAME_IP, address))
		finding(x,
			"its subjectAltName lacks \"%s\", the address of the "
			"service kubernetes",
			address);
}

static void endpoint_missing(
	struct examination *x, const struct artifact *artifact)
{
	const struct cluster *cluster = x->settings->cluster;

	if (cluster && cluster->server_host &&
		has_names(artifact, "kube-apiserver") &&
		!has_address(artifact->certificate, cluster->server_host))
		finding(x, "its subjectAltName lacks the host of %s",
			cluster->server);
}

static void address_as_name(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	for (size_t i = 0; i < certificate->n_alt_names; i++) {
		const struct alt_name *name = &certificate->alt_names[i];

		if (name->kind == ALT_NAME_DNS &&
			address_kind(name->text) == ADDRESS_IP &&
			!has_alt_name(certificate, ALT_NAME_IP, name->text))
			finding(x,
				"has the IP address \"%s\" as a dNSName only",
				name->text);
	}
}

static bool is_for_api_server(const char *name)
{
	return policy_is_api_server(name) || address_is_below(name, "svc");
}

/* A kubelet on a host of the control plane is called as the host is. */
static bool is_control_plane(const struct cluster *cluster, const char *name)
{
	struct node host;

	return cluster->topology &&
	       topology_has(cluster->topology, name, &host);
}

/* What a node may not be called (kube/policy.h). */
static bool is_refused(const struct examination *x, const char *node_name,
	const struct alt_name *name, struct error *err)
{
	const char *const addresses = name->text;
	struct node node = {node_name, NULL, 0, addresses, 1};

	if (!x->settings->cluster)
		return name->kind == ALT_NAME_DNS &&
		       is_for_api_server(name->text) &&
		       !error_set(err, ERROR_REFUSED,
			       "\"%s\": a name of the API server or of a "
			       "service",
			       name->text);
	return is_control_plane(x->settings->cluster, node_name)
		       ? !policy_check_host(x->settings->cluster, &node, err)
		       : !policy_check_node(x->settings->cluster, &node, err);
}

/* Whose kubelet serves with it, whatever it is called; NULL: no node's does, or
 * the kubelet signed it itself, and nobody trusts it. */
static const char *serving_node(
	const struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	if (artifact->node)
		return artifact->node;
	if (!duty_is(artifact, "kubelet-serving") ||
		der_equal(certificate->issuer, certificate->subject))
		return NULL;
	return x->unit->node ? x->unit->node : certificate->common_name;
}

/* DNS names are the same in upper case (RFC 4343). */
static char *lower_case(const char *text)
{
	char *lower = memory_text(text);

	for (char *at = lower; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return lower;
}

static void answers_for_others(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;
	const char *node = serving_node(x, artifact);

	if (!node || !is_leaf(artifact))
		return;
	for (size_t i = 0; i < certificate->n_alt_names; i++) {
		const struct alt_name *name = &certificate->alt_names[i];
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT lower = NULL;

		if (name->kind == ALT_NAME_OTHER)
			continue;
		lower = lower_case(name->text);
		if (is_refused(x, node, &(struct alt_name){name->kind, lower},
			    &err))
			finding(x, "%s", err.message);
	}
}

static bool is_address_of(const struct node *node, const char *text)
{
	if (address_covers(text, node->name))
		return true;
	for (size_t i = 0; i < node->n_addresses; i++)
		if (address_covers(text, node_address(node, i)))
			return true;
	return false;
}

/* The node other than its own that answers by it. */
static const char *other_holder(const struct inventory *inventory,
	const char *node_name, const char *text, struct node *ret_node)
{
	struct node own;

	if (*text != '*' && inventory_find(inventory, node_name, &own) &&
		is_address_of(&own, text))
		return NULL;
	for (size_t i = 0; i < inventory_count(inventory); i++) {
		*ret_node = inventory_node(inventory, i);
		if (strcmp(ret_node->name, node_name) != 0 &&
			is_address_of(ret_node, text))
			return ret_node->name;
	}
	return NULL;
}

static void address_of_other(
	struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;
	const char *own = serving_node(x, artifact);

	if (!x->settings->inventory || !own || !is_leaf(artifact))
		return;
	for (size_t i = 0; i < certificate->n_alt_names; i++) {
		const char *text = certificate->alt_names[i].text;
		struct node node;
		const char *holder = other_holder(
			x->settings->inventory, own, text, &node);

		if (holder)
			finding(x, "has \"%s\", which is node \"%s\"'s", text,
				holder);
	}
}

static void wildcard(struct examination *x, const struct artifact *artifact)
{
	const struct certificate *certificate = artifact->certificate;

	if (!serving_node(x, artifact))
		return;
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (certificate->alt_names[i].kind == ALT_NAME_DNS &&
			certificate->alt_names[i].text[0] == '*')
			finding(x, "answers for \"%s\"",
				certificate->alt_names[i].text);
}

#define X509_USER "Kubernetes: apiserver/pkg/authentication/request/x509"
#define NODE_AUTHORIZER "Kubernetes: plugin/pkg/auth/authorizer/node"
#define PKI_PAGE "Kubernetes: PKI certificates and requirements"

const struct rule name_rules[] = {
	{
		.id = "KPKI-N001",
		.severity = SEVERITY_ERROR,
		.title = "the common name is not the component's",
		.meaning = "RBAC knows the component by it and refuses it "
			   "everything",
		.message = "forbidden: User \"x\" cannot list resource",
		.mend = "issue it again under the right name",
		.source = PKI_PAGE,
		.kinds = KIND(CERTIFICATE),
		.check = name_not_components,
	},
	{
		.id = "KPKI-N002",
		.severity = SEVERITY_ERROR,
		.title = "the common name is not a node's",
		.meaning = "the node authorizer does not know the kubelet, "
			   "and refuses it everything",
		.message = "forbidden: User \"x\" cannot create resource "
			   "\"nodes\"",
		.mend = "issue it again for system:node:NAME",
		.source = NODE_AUTHORIZER,
		.kinds = KIND(CERTIFICATE),
		.check = name_not_nodes,
	},
	{
		.id = "KPKI-N003",
		.severity = SEVERITY_ERROR,
		.title = "the kubelet is not in the group system:nodes",
		.meaning = "the node authorizer does not know the kubelet, "
			   "and refuses it everything",
		.message = "User \"system:node:x\" cannot create resource "
			   "\"nodes\" in API group \"\" at the cluster scope",
		.mend = "issue it again with O=system:nodes",
		.source = "Kubernetes: pkg/auth/nodeidentifier/default.go",
		.kinds = KIND(CERTIFICATE),
		.check = group_missing,
	},
	{
		.id = "KPKI-N004",
		.severity = SEVERITY_ERROR,
		.title = "a node is in a group of administrators",
		.meaning = "whoever has the node has the cluster, and it "
			   "cannot be taken back",
		.mend = "issue it again with O=system:nodes alone, and replace "
			"the CA if it was handed out",
		.source = "Kubernetes: RBAC, user-facing roles",
		.kinds = KIND(CERTIFICATE),
		.check = node_is_admin,
	},
	{
		.id = "KPKI-N005",
		.severity = SEVERITY_ERROR,
		.title = "the node's name is none that a Node can have",
		.meaning = "the kubelet registers in lower case, and is not "
			   "allowed to be another node",
		.message = "node \"W1\" is not allowed to modify node \"w1\"",
		.mend = "issue it again for the name the kubelet registers",
		.source = "Kubernetes: pkg/util/node/node.go",
		.kinds = KIND(CERTIFICATE),
		.check = node_name_bad,
	},
	{
		.id = "KPKI-N006",
		.severity = SEVERITY_ERROR,
		.title = "one host has certificates of two nodes",
		.meaning = "one of them is refused, or answers for the other",
		.message = "node \"w1\" is not allowed to modify node \"w2\"",
		.mend = "make the bundle again",
		.source = NODE_AUTHORIZER,
		.kinds = KIND(CERTIFICATE),
		.check = nodes_differ,
	},
	{
		.id = "KPKI-N007",
		.severity = SEVERITY_ERROR,
		.title = "the certificate is not of the bundle's node",
		.meaning = "laid over that host, it makes it another node",
		.message = "node \"w1\" is not allowed to modify node \"w2\"",
		.mend = "make the bundle again, or bring it to the other host",
		.source = NODE_AUTHORIZER,
		.kinds = KIND(CERTIFICATE),
		.check = node_not_of_path,
	},
	{
		.id = "KPKI-N008",
		.severity = SEVERITY_ERROR,
		.title = "the node is not in the inventory",
		.meaning = "it would join all the same",
		.mend = "add it to the inventory, or destroy the certificate",
		.source = "kpki-inventory(5)",
		.kinds = KIND(CERTIFICATE),
		.check = node_unknown,
	},
	{
		.id = "KPKI-N009",
		.severity = SEVERITY_ERROR,
		.title = "extKeyUsage lacks what the certificate is for",
		.meaning = "its peers refuse it; etcd needs clientAuth in its "
			   "server's certificate, too",
		.message = "x509: certificate specifies an incompatible key "
			   "usage",
		.mend = "issue it again with the right purposes",
		.source = "RFC 5280, 4.2.1.12; Go: crypto/x509/verify.go",
		.kinds = KIND(CERTIFICATE),
		.check = purpose_missing,
	},
	{
		.id = "KPKI-N010",
		.severity = SEVERITY_INFO,
		.title = "there is no extKeyUsage",
		.meaning = "it works: for servers and clients alike",
		.mend = "nothing needs to be done; or issue it for one purpose",
		.source = "RFC 5280, 4.2.1.12",
		.kinds = KIND(CERTIFICATE),
		.check = no_purposes,
	},
	{
		.id = "KPKI-N011",
		.severity = SEVERITY_ERROR,
		.title = "a server has no subjectAltName",
		.meaning = "no client connects: the common name is not looked "
			   "at since Kubernetes 1.19",
		.message = "x509: certificate relies on legacy Common Name "
			   "field, use SANs instead",
		.mend = "issue it again with its names and addresses",
		.source = "RFC 6125, 6.4.4; Go: crypto/x509/verify.go",
		.kinds = KIND(CERTIFICATE),
		.check = no_alt_names,
	},
	{
		.id = "KPKI-N012",
		.severity = SEVERITY_ERROR,
		.title = "subjectAltName lacks an address of the inventory",
		.meaning = "kubectl logs and exec fail where kube-apiserver "
			   "uses that address",
		.message = "x509: certificate is valid for 10.0.0.1, not "
			   "10.0.0.2",
		.mend = "issue it again",
		.source = "Kubernetes: --kubelet-preferred-address-types",
		.kinds = KIND(CERTIFICATE),
		.check = address_missing,
	},
	{
		.id = "KPKI-N013",
		.severity = SEVERITY_WARNING,
		.title = "subjectAltName lacks the node's name",
		.meaning = "kubectl logs and exec fail where kube-apiserver "
			   "uses the Hostname, which comes first by default",
		.message = "x509: certificate is valid for 10.0.0.1, not w1",
		.mend = "issue it again",
		.source = "Kubernetes: --kubelet-preferred-address-types",
		.kinds = KIND(CERTIFICATE),
		.check = node_name_missing,
	},
	{
		.id = "KPKI-N014",
		.severity = SEVERITY_ERROR,
		.title = "the API server lacks a name of the service "
			 "kubernetes",
		.meaning = "pods and webhooks that use it do not connect",
		.message = "x509: certificate is valid for x, not "
			   "kubernetes.default.svc",
		.mend = "issue it again with all of them",
		.source = PKI_PAGE,
		.kinds = KIND(CERTIFICATE),
		.check = service_name_missing,
	},
	{
		.id = "KPKI-N015",
		.severity = SEVERITY_ERROR,
		.title = "the API server lacks the first service address",
		.meaning = "no pod connects to the API server",
		.message = "x509: certificate is valid for x, not 10.96.0.1",
		.mend = "issue it again with it",
		.source = PKI_PAGE,
		.kinds = KIND(CERTIFICATE),
		.check = service_address_missing,
	},
	{
		.id = "KPKI-N016",
		.severity = SEVERITY_ERROR,
		.title = "the API server lacks the cluster's endpoint",
		.meaning = "kubelets and kubectl, which use it, do not connect",
		.message = "x509: certificate is valid for x, not "
			   "api.example.internal",
		.mend = "issue it again with it, or correct cluster.yaml",
		.source = PKI_PAGE,
		.kinds = KIND(CERTIFICATE),
		.check = endpoint_missing,
	},
	{
		.id = "KPKI-N017",
		.severity = SEVERITY_ERROR,
		.title = "an IP address is written as a DNS name",
		.meaning = "clients that connect to the address refuse it",
		.message = "x509: cannot validate certificate for 127.0.0.1 "
			   "because it doesn't contain any IP SANs",
		.mend = "issue it again with an iPAddress",
		.source = "RFC 5280, 4.2.1.6; Go: crypto/x509/verify.go",
		.kinds = KIND(CERTIFICATE),
		.check = address_as_name,
	},
	{
		.id = "KPKI-N018",
		.severity = SEVERITY_ERROR,
		.title = "a node answers for the API server or a service",
		.meaning = "it can pose as the API server to all that trust "
			   "the CA, and take their tokens",
		.mend = "issue it again with the node's own names",
		.source = "kpki-node-bundle(1)",
		.kinds = KIND(CERTIFICATE),
		.check = answers_for_others,
	},
	{
		.id = "KPKI-N019",
		.severity = SEVERITY_ERROR,
		.title = "a client has no common name",
		.meaning = "it cannot log in",
		.message = "User \"system:anonymous\" cannot",
		.mend = "issue it again with a name",
		.source = X509_USER,
		.kinds = KIND(CERTIFICATE),
		.check = no_user,
	},
	{
		.id = "KPKI-N020",
		.severity = SEVERITY_WARNING,
		.title = "there are several common names",
		.meaning = "Kubernetes takes the last, other programs the "
			   "first",
		.mend = "issue it again with one",
		.source = X509_USER,
		.kinds = KIND(CERTIFICATE),
		.check = two_names,
	},
	{
		.id = "KPKI-N021",
		.severity = SEVERITY_INFO,
		.title = "a holder of system:masters",
		.meaning = "it may do everything, whatever RBAC says, until it "
			   "expires or the CA is replaced",
		.mend = "keep its key offline; use a group that RBAC binds",
		.source = "Kubernetes: RBAC, user-facing roles",
		.kinds = KIND(CERTIFICATE),
		.check = masters,
	},
	{
		.id = "KPKI-N022",
		.severity = SEVERITY_INFO,
		.title = "keyUsage lacks digitalSignature",
		.meaning = "Go does not look at it; other TLS libraries do",
		.mend = "issue it again with digitalSignature",
		.source = "RFC 5280, 4.2.1.3; RFC 8446, 4.4.2.2",
		.kinds = KIND(CERTIFICATE),
		.check = no_digital_signature,
	},
	{
		.id = "KPKI-N023",
		.severity = SEVERITY_INFO,
		.title = "the kubelet's serving certificate is not called as "
			 "its node",
		.meaning = "it works; kube-apiserver is going to ask for it "
			   "(KubeletCertCNValidation)",
		.mend = "issue it as system:node:NAME",
		.source = "Kubernetes: KEP-4872",
		.kinds = KIND(CERTIFICATE),
		.check = serving_name,
	},
	{
		.id = "KPKI-N024",
		.severity = SEVERITY_INFO,
		.title = "the common name is longer than 64 characters",
		.meaning = "Kubernetes takes it; OpenSSL does not make it",
		.mend = "nothing needs to be done",
		.source = "RFC 5280, appendix A.1",
		.kinds = KIND(CERTIFICATE),
		.check = name_long,
	},
	{
		.id = "KPKI-N025",
		.severity = SEVERITY_ERROR,
		.title = "a leaf is a CA",
		.meaning = "whoever has its key can make any certificate, "
			   "system:masters among them",
		.mend = "issue it again with CA:FALSE, and replace the CA if "
			"it was handed out",
		.source = "RFC 5280, 4.2.1.9",
		.kinds = KIND(CERTIFICATE),
		.check = leaf_is_ca,
	},
	{
		.id = "KPKI-N026",
		.severity = SEVERITY_ERROR,
		.title = "a node has the address of another",
		.meaning = "it can pose as the other to kube-apiserver",
		.mend = "issue it again, or correct the inventory",
		.source = "kpki-inventory(5)",
		.kinds = KIND(CERTIFICATE),
		.check = address_of_other,
	},
	{
		.id = "KPKI-N027",
		.severity = SEVERITY_WARNING,
		.title = "a node answers for a wildcard",
		.meaning = "it can pose as every host of the domain to "
			   "kube-apiserver",
		.mend = "issue it again with the node's own names",
		.source = "RFC 6125, 7.2",
		.kinds = KIND(CERTIFICATE),
		.check = wildcard,
	},
	{
		.id = "KPKI-N028",
		.severity = SEVERITY_ERROR,
		.title = "two hosts are the same node",
		.meaning = "they overwrite each other's state, and run each "
			   "other's pods",
		.mend = "issue one of them under its own name",
		.source = NODE_AUTHORIZER,
		.kinds = KIND(CERTIFICATE),
		.check = node_again,
	},
	{
		.id = "KPKI-N029",
		.severity = SEVERITY_WARNING,
		.title = "a component is in a group that is not its own",
		.meaning = "whoever has the host, every node in kube-proxy's "
			   "case, has what the group may do",
		.mend = "issue it again without the group: RBAC knows the "
			"component by its name",
		.source = "Kubernetes: RBAC, core component roles",
		.kinds = KIND(CERTIFICATE),
		.check = component_group,
	},
	{
		.id = "KPKI-N030",
		.severity = SEVERITY_ERROR,
		.title = "a name has characters that nobody sees",
		.meaning = "who reads it, or binds a role to it, reads another "
			   "name",
		.mend = "refuse it, or issue it again under a name that is "
			"what it looks like",
		.source = "Unicode: UTS 39, 5.2",
		.kinds = KIND(CERTIFICATE) | KIND(REQUEST),
		.check = name_hides,
	},
	{.id = NULL},
};
