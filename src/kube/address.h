/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef KUBE_ADDRESS_H
#define KUBE_ADDRESS_H

#include "base/memory.h"

/*
 * Addresses of nodes and networks of services.
 *
 * A node's address is an IP address or a DNS name (RFC 1123 subdomain in lower
 * case, at most 253 characters, labels at most 63; no wildcard, no trailing
 * dot, no port).  Text that looks like an IPv4 address but is none (its last
 * label is a number) is refused: it would end as a DNS name that nothing
 * matches.  Also refused, as the kubelet refuses them for --node-ip
 * (Kubernetes: pkg/kubelet/kubelet_node_status.go, validateNodeIP): loopback,
 * unspecified, multicast and link-local addresses; broadcast; IPv4-mapped IPv6
 * (newer Go does not parse such a certificate), zones, and the name
 * "localhost" with all names below it.
 */
enum address_kind { ADDRESS_DNS, ADDRESS_IP };

/* Canonical text: an IP as inet_ntop writes it, a name as it is. */
#define ADDRESS_MAX 254

/* Returns ERROR_INPUT: `address "10.0.0": not an IP address or DNS name …`. */
MUST_CHECK bool address_parse(const char *text, enum address_kind *ret_kind,
	char ret_canonical[static ADDRESS_MAX], struct error *err);

/* The same for what a service may answer by: the loopback and link-local
 * addresses and "localhost" too.  ERROR_INPUT: `"10.0.0": not an IP …`. */
MUST_CHECK bool address_parse_service(const char *text,
	char ret_canonical[static ADDRESS_MAX], struct error *err);

/* The kind of text that address_parse accepted. */
enum address_kind address_kind(const char *canonical);

/* The rule by which no node may have this address or name, though it is well
 * formed (loopback, "localhost", …); NULL when there is none. */
const char *address_forbidden(const char *canonical);

/* Is this an RFC 1123 subdomain?  *ret_rule is what it breaks if not. */
bool address_is_subdomain(const char *text, const char **ret_rule);

/* Is this name in the domain, and not the domain itself? */
bool address_is_below(const char *name, const char *domain);

/* Does one that has this dNSName answer for the name, as Go matches them: it is
 * the same, in whatever case, or has "*" for its first label?  A "*" alone
 * covers a name of one label, as in Go before 1.21; none covers an address.
 * (Go: crypto/x509/verify.go, matchHostnames) */
bool address_covers(const char *dns_name, const char *name);

/* A CIDR block, "10.96.0.0/12"; host bits must be zero. */
struct cidr {
	unsigned char bytes[16];
	unsigned char len; /* 4 or 16 */
	unsigned bits;
};
/* ERROR_INPUT: `"10.96.0.1/12": host bits are set …`. */
MUST_CHECK bool cidr_parse(const char *text, struct cidr *ret_cidr,
	struct error *err);
char *cidr_format(const struct cidr *cidr); /* for free() */
/* An address in canonical text; a name is in no block. */
bool cidr_has(const struct cidr *cidr, const char *canonical);

/*
 * The API server's URL: https, a host, an optional port (443 without); nothing
 * after but an optional "/".  A space, user, query, fragment or path is
 * refused.  A host on the loopback is fine: clusters put a balancer on every
 * node.  *ret_host is canonical; ERROR_INPUT: `"http://x": not an https URL …`.
 */
MUST_CHECK bool endpoint_parse(const char *url,
	char ret_host[static ADDRESS_MAX], unsigned *ret_port,
	struct error *err);

/* What stands behind "https://" in one: HOST or HOST:PORT. */
MUST_CHECK bool endpoint_parse_authority(const char *text,
	char ret_host[static ADDRESS_MAX], struct error *err);

/* The first address of a network that a service has: what comes behind the
 * network's own; for free(). */
char *cidr_first(const struct cidr *cidr);

#endif
