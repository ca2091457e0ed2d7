/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUBDOMAIN "Kubernetes: IsDNS1123Subdomain"
#define LABEL_MAX 63

struct ip {
	unsigned char bytes[16];
	unsigned char len;
};

static bool ip_read(const char *text, struct ip *ret_ip)
{
	if (inet_pton(AF_INET, text, ret_ip->bytes) == 1)
		ret_ip->len = 4;
	else if (inet_pton(AF_INET6, text, ret_ip->bytes) == 1)
		ret_ip->len = 16;
	else
		return false;
	return true;
}

static void ip_write(
	const unsigned char *bytes, size_t len, char text[static ADDRESS_MAX])
{
	const char *written = inet_ntop(
		len == 4 ? AF_INET : AF_INET6, bytes, text, ADDRESS_MAX);

	assert(written);
}

static bool block_has(const struct cidr *block, const struct ip *ip)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;

	if (block->len != ip->len || memcmp(block->bytes, ip->bytes, whole))
		return false;
	return rest == 0 ||
	       (block->bytes[whole] ^ ip->bytes[whole]) >> (8 - rest) == 0;
}

#define NODE_IP "(Kubernetes: validateNodeIP)"

/* The first row that has the address counts. */
static const struct {
	struct cidr block;
	bool fine_for_endpoint;
	const char *rule;
} forbidden_blocks[] = {
	{{{0}, 4, 8}, false, "an unspecified address " NODE_IP},
	{{{127}, 4, 8}, true, "a loopback address " NODE_IP},
	{{{169, 254}, 4, 16}, true, "a link-local address " NODE_IP},
	{{{224}, 4, 4}, false, "a multicast address " NODE_IP},
	{{{255, 255, 255, 255}, 4, 32}, false,
		"the broadcast address (RFC 919, 7)"},
	{{{0}, 16, 128}, false, "the unspecified address " NODE_IP},
	{{{[15] = 1}, 16, 128}, true, "the loopback address " NODE_IP},
	{{{[10] = 0xff, 0xff}, 16, 96}, false,
		"an IPv4-mapped IPv6 address; write the IPv4 address "
		"(Go: crypto/x509 refuses it in a certificate)"},
	{{{0}, 16, 96}, false,
		"an IPv4-compatible IPv6 address (RFC 4291, 2.5.5.1)"},
	{{{0xfe, 0x80}, 16, 10}, true, "a link-local address " NODE_IP},
	{{{0xff}, 16, 8}, false, "a multicast address " NODE_IP},
};

static const char *ip_forbidden(const struct ip *ip, bool for_endpoint)
{
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_blocks); i++) {
		if (!block_has(&forbidden_blocks[i].block, ip))
			continue;
		if (for_endpoint && forbidden_blocks[i].fine_for_endpoint)
			return NULL;
		return forbidden_blocks[i].rule;
	}
	return NULL;
}

bool address_is_below(const char *name, const char *domain)
{
	size_t len = strlen(name), domain_len = strlen(domain);

	return len > domain_len && name[len - domain_len - 1] == '.' &&
	       strcmp(name + len - domain_len, domain) == 0;
}

const char *address_forbidden(const char *canonical)
{
	struct ip ip;

	if (ip_read(canonical, &ip))
		return ip_forbidden(&ip, false);
	if (strcmp(canonical, "localhost") == 0 ||
		address_is_below(canonical, "localhost"))
		return "every host calls itself that (RFC 6761, 6.3)";
	return NULL;
}

enum address_kind address_kind(const char *canonical)
{
	struct ip ip;

	return ip_read(canonical, &ip) ? ADDRESS_IP : ADDRESS_DNS;
}

bool address_covers(const char *dns_name, const char *name)
{
	const char *rest = name + strcspn(name, ".");

	if (strcasecmp(dns_name, name) == 0)
		return true;
	return *dns_name == '*' && rest != name &&
	       strcasecmp(dns_name + 1, rest) == 0 &&
	       address_kind(name) == ADDRESS_DNS;
}

/* -- names -- */

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct {
	const char *characters;
	const char *rule;
} forbidden_characters[] = {
	{UPPER, "has upper case (" SUBDOMAIN ")"},
	{"_", "has an underscore (RFC 1123, 2.1)"},
	{"*", "is a wildcard; a node answers for names of its own "
	      "(RFC 6125, 7.2)"},
	{"/", "has a slash; neither a path nor a network is a name "
	      "(RFC 1123, 2.1)"},
	{":", "has a colon; a name comes without port or scheme "
	      "(RFC 1123, 2.1)"},
	{" \t", "has white space (RFC 1123, 2.1)"},
};

static const char *character_rule(const char *bad)
{
	unsigned char byte = (unsigned char)*bad;

	for (size_t i = 0; i < ARRAY_SIZE(forbidden_characters); i++)
		if (strchr(forbidden_characters[i].characters, byte))
			return forbidden_characters[i].rule;
	if (byte >= 0x80)
		return "is not ASCII; an internationalized name is written "
		       "as xn--... (RFC 5890, 2.3.2.1)";
	if (byte < 0x20 || byte == 0x7f)
		return "has a control character (RFC 1123, 2.1)";
	return "has a character other than a-z, 0-9, \"-\" and \".\" "
	       "(" SUBDOMAIN ")";
}

static const char *label_rule(const char *label, size_t len)
{
	if (len == 0)
		return "has an empty label (RFC 1035, 2.3.1)";
	if (len > LABEL_MAX)
		return "has a label longer than 63 characters "
		       "(RFC 1035, 2.3.4)";
	if (label[0] == '-')
		return "has a label that begins with a dash (RFC 1123, 2.1)";
	if (label[len - 1] == '-')
		return "has a label that ends with a dash (RFC 1123, 2.1)";
	return NULL;
}

static const char *subdomain_rule(const char *text)
{
	size_t len = strlen(text);
	size_t good = strspn(text, LOWER DIGITS "-.");
	const char *label = text;

	if (len == 0)
		return "is empty (" SUBDOMAIN ")";
	if (len >= ADDRESS_MAX)
		return "is longer than 253 characters (" SUBDOMAIN ")";
	if (text[good])
		return character_rule(text + good);
	if (text[0] == '.')
		return "begins with a dot (" SUBDOMAIN ")";
	if (text[len - 1] == '.')
		return "ends with a dot; no client finds such a name in a "
		       "certificate (" SUBDOMAIN ")";
	for (;;) {
		size_t label_len = strcspn(label, ".");
		const char *rule = label_rule(label, label_len);

		if (rule || !label[label_len])
			return rule;
		label += label_len + 1;
	}
}

bool address_is_subdomain(const char *text, const char **ret_rule)
{
	const char *rule = subdomain_rule(text);

	if (rule)
		*ret_rule = rule;
	return !rule;
}

/* -- addresses -- */

/* Decimal, or hexadecimal as inet_aton takes it. */
static bool is_number(const char *label)
{
	if (strncmp(label, "0x", 2) == 0)
		return label[2 + strspn(label + 2, DIGITS "abcdef")] == '\0';
	return label[strspn(label, DIGITS)] == '\0';
}

static const char *ipv6_rule(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strstr(text, "://"))
		return "a URL; only the host is an address";
	if (strpbrk(text, "[]"))
		return "has brackets; outside a URL an IPv6 address has none "
		       "(RFC 3986, 3.2.2)";
	if (strchr(text, '%'))
		return "has a zone, which means nothing to other hosts "
		       "(RFC 4007, 11.2)";
	if (strchr(text, '/'))
		return "a network, not an address";
	if (colon && is_number(colon + 1) && colon[1] && colon != text)
		return "has a port; an address comes without";
	return "not an IPv6 address (RFC 4291, 2.2)";
}

/* The rule that text breaks as a host; NULL when it is one. */
static const char *host_rule(
	const char *text, bool for_endpoint, char canonical[static ADDRESS_MAX])
{
	struct ip ip;
	const char *rule, *last;

	if (!*text)
		return "is empty";
	if (ip_read(text, &ip)) {
		ip_write(ip.bytes, ip.len, canonical);
		return ip_forbidden(&ip, for_endpoint);
	}
	if (strlen(text) < ADDRESS_MAX && strpbrk(text, ":[]%"))
		return ipv6_rule(text);
	rule = subdomain_rule(text);
	if (rule)
		return rule;
	last = strrchr(text, '.');
	if (is_number(last ? last + 1 : text))
		return "not an IP address or DNS name: the last label is a "
		       "number (RFC 1123, 2.1)";
	strcpy(canonical, text);
	return for_endpoint ? NULL : address_forbidden(canonical);
}

/* Over-long text would drown its rule. */
#define SHOWN_MAX 80
#define SHOWN(text) SHOWN_MAX, (text), strlen(text) > SHOWN_MAX ? "..." : ""

bool address_parse(const char *text, enum address_kind *ret_kind,
	char ret_canonical[static ADDRESS_MAX], struct error *err)
{
	char canonical[ADDRESS_MAX];
	const char *rule = host_rule(text, false, canonical);

	if (rule)
		return error_set(err, ERROR_INPUT, "address \"%.*s%s\": %s",
			SHOWN(text), rule);
	*ret_kind = address_kind(canonical);
	strcpy(ret_canonical, canonical);
	return true;
}

bool address_parse_service(const char *text,
	char ret_canonical[static ADDRESS_MAX], struct error *err)
{
	char canonical[ADDRESS_MAX];
	const char *rule = host_rule(text, true, canonical);

	if (rule)
		return error_set(
			err, ERROR_INPUT, "\"%.*s%s\": %s", SHOWN(text), rule);
	strcpy(ret_canonical, canonical);
	return true;
}

/* -- networks -- */

/* A decimal number of at most `max`, without sign or leading zero. */
static bool small_number(const char *text, unsigned max, unsigned *ret_number)
{
	size_t len = strspn(text, DIGITS);
	unsigned long number;

	if (len == 0 || len > 5 || text[len] || (text[0] == '0' && len > 1))
		return false;
	number = strtoul(text, NULL, 10);
	if (number > max)
		return false;
	*ret_number = (unsigned)number;
	return true;
}

static void clear_host_bits(struct cidr *cidr)
{
	for (unsigned bit = cidr->bits; bit < cidr->len * 8u; bit++)
		cidr->bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

bool cidr_parse(const char *text, struct cidr *ret_cidr, struct error *err)
{
	size_t len = strcspn(text, "/");
	AUTO_TEXT host = memory_text_n(text, len);
	AUTO_TEXT network = NULL;
	struct cidr cidr = {{0}, 0, 0}, given;
	struct ip ip = {{0}, 0};

	if (!text[len])
		return error_set(err, ERROR_INPUT,
			"\"%.*s%s\": not ADDRESS/BITS (RFC 4632, 3.1)",
			SHOWN(text));
	if (!ip_read(host, &ip))
		return error_set(err, ERROR_INPUT,
			"\"%.*s%s\": does not begin with an IP address",
			SHOWN(text));
	if (!small_number(text + len + 1, ip.len * 8u, &cidr.bits))
		return error_set(err, ERROR_INPUT,
			"\"%.*s%s\": the prefix length is not a number from 0 "
			"to %u",
			SHOWN(text), ip.len * 8u);
	memcpy(cidr.bytes, ip.bytes, ip.len);
	cidr.len = ip.len;
	given = cidr;
	clear_host_bits(&cidr);
	network = cidr_format(&cidr);
	if (memcmp(given.bytes, cidr.bytes, cidr.len))
		return error_set(err, ERROR_INPUT,
			"\"%s\": host bits are set; the network is %s", text,
			network);
	*ret_cidr = cidr;
	return true;
}

char *cidr_format(const struct cidr *cidr)
{
	char text[ADDRESS_MAX];

	ip_write(cidr->bytes, cidr->len, text);
	return memory_format("%s/%u", text, cidr->bits);
}

char *cidr_first(const struct cidr *cidr)
{
	unsigned char bytes[16];
	char text[ADDRESS_MAX];

	memcpy(bytes, cidr->bytes, sizeof(bytes));
	if (cidr->bits < cidr->len * 8u)
		bytes[cidr->len - 1] |= 1;
	ip_write(bytes, cidr->len, text);
	return memory_text(text);
}

bool cidr_has(const struct cidr *cidr, const char *canonical)
{
	struct ip ip;

	return ip_read(canonical, &ip) && block_has(cidr, &ip);
}

/* -- the endpoint -- */

static const struct {
	const char *characters;
	const char *rule;
} forbidden_in_url[] = {
	{" \t\r\n", "has white space (RFC 3986, 2)"},
	{"@", "has a user (RFC 3986, 3.2.1); a server has none"},
	{"?", "has a query (RFC 3986, 3.4); a server has none"},
	{"#", "has a fragment (RFC 3986, 3.5); a server has none"},
	{"\\", "has a backslash (RFC 3986, 2)"},
};

static const char *url_rule(const char *url)
{
	const char *slash;

	if (strncmp(url, "https://", 8) != 0)
		return "not an https URL (https://HOST:PORT)";
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_in_url); i++)
		if (strpbrk(url, forbidden_in_url[i].characters))
			return forbidden_in_url[i].rule;
	slash = strchr(url + 8, '/');
	if (slash && slash[1])
		return "has a path (RFC 3986, 3.3); a server has none";
	return NULL;
}

/* Splits "HOST", "HOST:PORT", "[IPV6]" or "[IPV6]:PORT" in place. */
static const char *split_authority(
	char *authority, const char **ret_host, const char **ret_port)
{
	char *host = authority, *end;

	if (*host == '[') {
		host++;
		end = strchr(host, ']');
		if (!end || !memchr(host, ':', (size_t)(end - host)))
			return "its brackets hold no IPv6 address "
			       "(RFC 3986, 3.2.2)";
		*end++ = '\0';
	} else {
		end = host + strcspn(host, ":");
		if (*end && strchr(end + 1, ':'))
			return "an IPv6 address in a URL stands in brackets "
			       "(RFC 3986, 3.2.2)";
	}
	if (*end && *end != ':')
		return "has text after the brackets (RFC 3986, 3.2.2)";
	*ret_port = *end ? end + 1 : "443";
	*end = '\0';
	*ret_host = host;
	return NULL;
}

/* "HOST" or "HOST:PORT"; the rule that it breaks, or NULL.  *ret_host is
 * what the rule is about when that is the host. */
static const char *authority_rule(char *authority,
	char canonical[static ADDRESS_MAX], unsigned *ret_port,
	const char **ret_host)
{
	const char *host = NULL, *digits = NULL;
	const char *rule = split_authority(authority, &host, &digits);

	if (rule)
		return rule;
	if (!small_number(digits, 65535, ret_port) || *ret_port == 0)
		return "the port is not a number from 1 to 65535";
	*ret_host = host;
	return host_rule(host, true, canonical);
}

static bool refuse_endpoint(
	const char *text, const char *host, const char *rule, struct error *err)
{
	if (!host)
		return error_set(
			err, ERROR_INPUT, "\"%.*s%s\": %s", SHOWN(text), rule);
	return error_set(err, ERROR_INPUT, "\"%.*s%s\": host \"%.*s%s\": %s",
		SHOWN(text), SHOWN(host), rule);
}

bool endpoint_parse(const char *url, char ret_host[static ADDRESS_MAX],
	unsigned *ret_port, struct error *err)
{
	char canonical[ADDRESS_MAX];
	const char *host = NULL, *rule = url_rule(url);
	AUTO_TEXT authority = NULL;
	unsigned port = 0;

	if (!rule) {
		authority = memory_text_n(url + 8, strcspn(url + 8, "/"));
		rule = authority_rule(authority, canonical, &port, &host);
	}
	if (rule)
		return refuse_endpoint(url, host, rule, err);
	strcpy(ret_host, canonical);
	*ret_port = port;
	return true;
}

bool endpoint_parse_authority(
	const char *text, char ret_host[static ADDRESS_MAX], struct error *err)
{
	char canonical[ADDRESS_MAX];
	const char *host = NULL, *rule = NULL;
	AUTO_TEXT authority = memory_text(text);
	unsigned port = 0;

	if (strstr(text, "://"))
		rule = "a URL; it is HOST or HOST:PORT here";
	if (!rule)
		rule = authority_rule(authority, canonical, &port, &host);
	if (rule)
		return refuse_endpoint(text, host, rule, err);
	strcpy(ret_host, canonical);
	return true;
}
