/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/address.h"

#define L10 "abcdefghij"
#define L50 L10 L10 L10 L10 L10
#define L63 L50 L10 "abc"
#define N253 L63 "." L63 "." L63 "." L50 L10 "a"

static void an_address_is_taken_in_canonical_text(void **state)
{
	static const struct {
		const char *text;
		enum address_kind kind;
		const char *canonical;
	} rows[] = {
		{"10.0.0.11", ADDRESS_IP, "10.0.0.11"},
		{"255.255.255.254", ADDRESS_IP, "255.255.255.254"},
		{"fd00::1", ADDRESS_IP, "fd00::1"},
		{"FD00:0:0::000A", ADDRESS_IP, "fd00::a"},
		{"2001:DB8:0:0:1:0:0:1", ADDRESS_IP, "2001:db8::1:0:0:1"},
		{"64:ff9b::10.0.0.1", ADDRESS_IP, "64:ff9b::a00:1"},
		{"worker-1", ADDRESS_DNS, "worker-1"},
		{"w", ADDRESS_DNS, "w"},
		{"1a", ADDRESS_DNS, "1a"},
		{"10.0.0.x", ADDRESS_DNS, "10.0.0.x"},
		{"xn--bcher-kva.example", ADDRESS_DNS, "xn--bcher-kva.example"},
		{"localhost.example", ADDRESS_DNS, "localhost.example"},
		{L63, ADDRESS_DNS, L63},
		{N253, ADDRESS_DNS, N253},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		enum address_kind kind;
		char canonical[ADDRESS_MAX];

		if (!address_parse(rows[i].text, &kind, canonical, &err))
			fail_msg("%s", err.message);
		assert_string_equal(canonical, rows[i].canonical);
		assert_int_equal(kind, rows[i].kind);
		assert_int_equal(address_kind(canonical), rows[i].kind);
	}
}

#define NODE_IP "(Kubernetes: validateNodeIP)"
#define SUBDOMAIN "(Kubernetes: IsDNS1123Subdomain)"

static void each_refusal_names_its_rule(void **state)
{
	static const struct {
		const char *text, *rule;
	} rows[] = {
		{"", "is empty"},
		{"0.0.0.0", "an unspecified address " NODE_IP},
		{"0.1.2.3", "an unspecified address " NODE_IP},
		{"127.0.0.1", "a loopback address " NODE_IP},
		{"127.255.255.255", "a loopback address " NODE_IP},
		{"169.254.169.254", "a link-local address " NODE_IP},
		{"224.0.0.1", "a multicast address " NODE_IP},
		{"239.255.255.255", "a multicast address " NODE_IP},
		{"255.255.255.255", "the broadcast address (RFC 919, 7)"},
		{"::", "the unspecified address " NODE_IP},
		{"::1", "the loopback address " NODE_IP},
		{"0:0:0:0:0:0:0:1", "the loopback address " NODE_IP},
		{"::ffff:10.0.0.1",
			"an IPv4-mapped IPv6 address; write the IPv4 address "
			"(Go: crypto/x509 refuses it in a certificate)"},
		{"::10.0.0.1", "an IPv4-compatible IPv6 address "
			       "(RFC 4291, 2.5.5.1)"},
		{"fe80::1", "a link-local address " NODE_IP},
		{"febf::1", "a link-local address " NODE_IP},
		{"ff02::1", "a multicast address " NODE_IP},
		{"fe80::1%eth0",
			"has a zone, which means nothing to other hosts "
			"(RFC 4007, 11.2)"},
		{"[fd00::1]",
			"has brackets; outside a URL an IPv6 address has none "
			"(RFC 3986, 3.2.2)"},
		{"fd00::1::2", "not an IPv6 address (RFC 4291, 2.2)"},
		{"fd00::12345", "not an IPv6 address (RFC 4291, 2.2)"},
		{"a:b", "not an IPv6 address (RFC 4291, 2.2)"},
		{":", "not an IPv6 address (RFC 4291, 2.2)"},
		{"10.0.0.1:8080", "has a port; an address comes without"},
		{"w1.example:443", "has a port; an address comes without"},
		{"https://w1", "a URL; only the host is an address"},
		{"fd00::/64", "a network, not an address"},
		{"10.0.0.0/8",
			"has a slash; neither a path nor a network is a name "
			"(RFC 1123, 2.1)"},
		{"../../etc/shadow",
			"has a slash; neither a path nor a network is a name "
			"(RFC 1123, 2.1)"},
		{"10.0.0", "not an IP address or DNS name: the last label is a "
			   "number (RFC 1123, 2.1)"},
		{"10.0.0.256",
			"not an IP address or DNS name: the last label is a "
			"number (RFC 1123, 2.1)"},
		{"10.0.0.01",
			"not an IP address or DNS name: the last label is a "
			"number (RFC 1123, 2.1)"},
		{"10.0.0.0x1",
			"not an IP address or DNS name: the last label is a "
			"number (RFC 1123, 2.1)"},
		{"node.7", "not an IP address or DNS name: the last label is a "
			   "number (RFC 1123, 2.1)"},
		{"2130706433",
			"not an IP address or DNS name: the last label is a "
			"number (RFC 1123, 2.1)"},
		{"localhost", "every host calls itself that (RFC 6761, 6.3)"},
		{"w1.localhost",
			"every host calls itself that (RFC 6761, 6.3)"},
		{"*.example",
			"is a wildcard; a node answers for names of its own "
			"(RFC 6125, 7.2)"},
		{"W1.example", "has upper case " SUBDOMAIN},
		{"w_1.example", "has an underscore (RFC 1123, 2.1)"},
		{"w1 example", "has white space (RFC 1123, 2.1)"},
		{"w1\texample", "has white space (RFC 1123, 2.1)"},
		{"w1\nw2", "has a control character (RFC 1123, 2.1)"},
		{"w1\x1b[2J", "has brackets; outside a URL an IPv6 address has "
			      "none (RFC 3986, 3.2.2)"},
		{"w1\x1b", "has a control character (RFC 1123, 2.1)"},
		{"w1\x7f", "has a control character (RFC 1123, 2.1)"},
		{"b\xc3\xbc"
		 "cher.example",
			"is not ASCII; an internationalized name is written "
			"as xn--... (RFC 5890, 2.3.2.1)"},
		{"w1\xff", "is not ASCII; an internationalized name is written "
			   "as xn--... (RFC 5890, 2.3.2.1)"},
		{"w1,w2", "has a character other than a-z, 0-9, \"-\" and "
			  "\".\" " SUBDOMAIN},
		{"w1;reboot", "has a character other than a-z, 0-9, \"-\" and "
			      "\".\" " SUBDOMAIN},
		{".w1", "begins with a dot " SUBDOMAIN},
		{"..", "begins with a dot " SUBDOMAIN},
		{"w1.", "ends with a dot; no client finds such a name in a "
			"certificate " SUBDOMAIN},
		{"w1..example", "has an empty label (RFC 1035, 2.3.1)"},
		{"-rf", "has a label that begins with a dash (RFC 1123, 2.1)"},
		{"w1.-x", "has a label that begins with a dash "
			  "(RFC 1123, 2.1)"},
		{"w1-", "has a label that ends with a dash (RFC 1123, 2.1)"},
		{"w1-.x", "has a label that ends with a dash (RFC 1123, 2.1)"},
		{L63 "d", "has a label longer than 63 characters "
			  "(RFC 1035, 2.3.4)"},
		{N253 "b", "is longer than 253 characters " SUBDOMAIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		enum address_kind kind = ADDRESS_DNS;
		char canonical[ADDRESS_MAX] = "untouched";
		const char *rule;

		if (address_parse(rows[i].text, &kind, canonical, &err))
			fail_msg("\"%s\" was accepted", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(canonical, "untouched");
		assert_memory_equal(err.message, "address \"", 9);
		rule = strstr(err.message, "\": ");
		assert_non_null(rule);
		assert_string_equal(rule + 3, rows[i].rule);
		error_release(&err);
	}
}

static void an_over_long_text_does_not_drown_its_rule(void **state)
{
	struct error err = ERROR_INIT;
	enum address_kind kind;
	char canonical[ADDRESS_MAX];
	char *text = memory_new(100001, 1);

	(void)state;
	memset(text, 'a', 100000);
	assert_false(address_parse(text, &kind, canonical, &err));
	assert_true(strlen(err.message) < 200);
	assert_non_null(strstr(err.message, "aaa...\": is longer than 253"));
	error_release(&err);
	memset(text, ':', 100000);
	assert_false(address_parse(text, &kind, canonical, &err));
	assert_non_null(strstr(err.message, ":...\": is longer than 253"));
	error_release(&err);
	free(text);
}

static void a_block_has_zero_host_bits(void **state)
{
	static const struct {
		const char *text, *canonical, *message;
	} rows[] = {
		{"10.96.0.0/12", "10.96.0.0/12", NULL},
		{"0.0.0.0/0", "0.0.0.0/0", NULL},
		{"10.0.0.1/32", "10.0.0.1/32", NULL},
		{"FD00:10:96::/108", "fd00:10:96::/108", NULL},
		{"fd00::1/128", "fd00::1/128", NULL},
		{"10.96.0.1/12", NULL,
			"\"10.96.0.1/12\": host bits are set; the network is "
			"10.96.0.0/12"},
		{"10.97.0.0/12", NULL,
			"\"10.97.0.0/12\": host bits are set; the network is "
			"10.96.0.0/12"},
		{"fd00::1/64", NULL,
			"\"fd00::1/64\": host bits are set; the network is "
			"fd00::/64"},
		{"10.96.0.0", NULL,
			"\"10.96.0.0\": not ADDRESS/BITS (RFC 4632, 3.1)"},
		{"", NULL, "\"\": not ADDRESS/BITS (RFC 4632, 3.1)"},
		{"10.96/12", NULL,
			"\"10.96/12\": does not begin with an IP address"},
		{"/12", NULL, "\"/12\": does not begin with an IP address"},
		{"10.96.0.0/", NULL,
			"\"10.96.0.0/\": the prefix length is not a number "
			"from 0 to 32"},
		{"10.96.0.0/33", NULL,
			"\"10.96.0.0/33\": the prefix length is not a number "
			"from 0 to 32"},
		{"10.96.0.0/012", NULL,
			"\"10.96.0.0/012\": the prefix length is not a number "
			"from 0 to 32"},
		{"10.96.0.0/+12", NULL,
			"\"10.96.0.0/+12\": the prefix length is not a number "
			"from 0 to 32"},
		{"10.96.0.0/12 ", NULL,
			"\"10.96.0.0/12 \": the prefix length is not a number "
			"from 0 to 32"},
		{"10.96.0.0/12/12", NULL,
			"\"10.96.0.0/12/12\": the prefix length is not a "
			"number from 0 to 32"},
		{"fd00::/129", NULL,
			"\"fd00::/129\": the prefix length is not a number "
			"from 0 to 128"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct cidr cidr;
		AUTO_TEXT text = NULL;

		if (cidr_parse(rows[i].text, &cidr, &err)) {
			assert_non_null(rows[i].canonical);
			text = cidr_format(&cidr);
			assert_string_equal(text, rows[i].canonical);
			continue;
		}
		assert_string_equal(err.message,
			rows[i].message ? rows[i].message : "accepted");
		assert_int_equal(err.kind, ERROR_INPUT);
		error_release(&err);
	}
}

static void a_block_has_the_addresses_between_its_ends(void **state)
{
	static const struct {
		const char *block, *address;
		bool has;
	} rows[] = {
		{"10.96.0.0/12", "10.96.0.0", true},
		{"10.96.0.0/12", "10.111.255.255", true},
		{"10.96.0.0/12", "10.112.0.0", false},
		{"10.96.0.0/12", "10.95.255.255", false},
		{"10.96.0.0/12", "w1.example", false},
		{"10.96.0.0/12", "fd00::1", false},
		{"0.0.0.0/0", "192.0.2.1", true},
		{"0.0.0.0/0", "fd00::1", false},
		{"192.0.2.1/32", "192.0.2.1", true},
		{"192.0.2.1/32", "192.0.2.2", false},
		{"fd00:10:96::/108", "fd00:10:96::f:ffff", true},
		{"fd00:10:96::/108", "fd00:10:96::10:0", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct cidr cidr;

		assert_true(cidr_parse(rows[i].block, &cidr, &err));
		assert_int_equal(cidr_has(&cidr, rows[i].address), rows[i].has);
	}
}

static void an_endpoint_is_https_host_and_port(void **state)
{
	static const struct {
		const char *url, *host;
		unsigned port;
	} rows[] = {
		{"https://api.example:6443", "api.example", 6443},
		{"https://api.example", "api.example", 443},
		{"https://api.example/", "api.example", 443},
		{"https://10.0.0.1:6443/", "10.0.0.1", 6443},
		{"https://[FD00::1]:6443", "fd00::1", 6443},
		{"https://[fd00::1]", "fd00::1", 443},
		{"https://127.0.0.1:6443", "127.0.0.1", 6443},
		{"https://localhost:6443", "localhost", 6443},
		{"https://[::1]:65535", "::1", 65535},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		char host[ADDRESS_MAX];
		unsigned port;

		if (!endpoint_parse(rows[i].url, host, &port, &err))
			fail_msg("%s", err.message);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
}

static void anything_else_is_no_endpoint(void **state)
{
	static const struct {
		const char *url, *rule;
	} rows[] = {
		{"", "not an https URL (https://HOST:PORT)"},
		{"http://x", "not an https URL (https://HOST:PORT)"},
		{"HTTPS://x", "not an https URL (https://HOST:PORT)"},
		{"x:6443", "not an https URL (https://HOST:PORT)"},
		{"https://", "host \"\": is empty"},
		{"https:///", "host \"\": is empty"},
		{"https://:6443", "host \"\": is empty"},
		{"https://x y", "has white space (RFC 3986, 2)"},
		{"https://x\n", "has white space (RFC 3986, 2)"},
		{"https://me@x",
			"has a user (RFC 3986, 3.2.1); a server has none"},
		{"https://x?a=b",
			"has a query (RFC 3986, 3.4); a server has none"},
		{"https://x#a",
			"has a fragment (RFC 3986, 3.5); a server has none"},
		{"https://x\\y", "has a backslash (RFC 3986, 2)"},
		{"https://x/y",
			"has a path (RFC 3986, 3.3); a server has none"},
		{"https://x//",
			"has a path (RFC 3986, 3.3); a server has none"},
		{"https://x:", "the port is not a number from 1 to 65535"},
		{"https://x:0", "the port is not a number from 1 to 65535"},
		{"https://x:65536", "the port is not a number from 1 to 65535"},
		{"https://x:06443", "the port is not a number from 1 to 65535"},
		{"https://x:6443x", "the port is not a number from 1 to 65535"},
		{"https://x:-1", "the port is not a number from 1 to 65535"},
		{"https://fd00::1:6443",
			"an IPv6 address in a URL stands in brackets "
			"(RFC 3986, 3.2.2)"},
		{"https://[fd00::1",
			"its brackets hold no IPv6 address (RFC 3986, 3.2.2)"},
		{"https://[10.0.0.1]",
			"its brackets hold no IPv6 address (RFC 3986, 3.2.2)"},
		{"https://[fd00::1]6443",
			"has text after the brackets (RFC 3986, 3.2.2)"},
		{"https://[fd00::x]", "host \"fd00::x\": not an IPv6 address "
				      "(RFC 4291, 2.2)"},
		{"https://[fe80::1%25eth0]",
			"host \"fe80::1%25eth0\": has a zone, which means "
			"nothing to other hosts (RFC 4007, 11.2)"},
		{"https://API.example",
			"host \"API.example\": has upper case " SUBDOMAIN},
		{"https://10.0.0",
			"host \"10.0.0\": not an IP address or DNS name: the "
			"last label is a number (RFC 1123, 2.1)"},
		{"https://0.0.0.0:6443",
			"host \"0.0.0.0\": an unspecified address " NODE_IP},
		{"https://224.0.0.1",
			"host \"224.0.0.1\": a multicast address " NODE_IP},
		{"https://x%41",
			"host \"x%41\": has a zone, which means nothing to "
			"other hosts (RFC 4007, 11.2)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		char host[ADDRESS_MAX] = "untouched";
		unsigned port = 7;
		const char *rule;

		if (endpoint_parse(rows[i].url, host, &port, &err))
			fail_msg("\"%s\" was accepted", rows[i].url);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(port, 7);
		assert_string_equal(host, "untouched");
		rule = strstr(err.message, "\": ");
		assert_non_null(rule);
		assert_string_equal(rule + 3, rows[i].rule);
		error_release(&err);
	}
}

static void the_first_address_is_behind_the_networks_own(void **state)
{
	static const struct {
		const char *cidr, *first;
	} rows[] = {
		{"10.96.0.0/12", "10.96.0.1"},
		{"10.0.0.254/31", "10.0.0.255"},
		{"2001:db8:1::/112", "2001:db8:1::1"},
		{"10.0.0.7/32", "10.0.0.7"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct cidr cidr;
		AUTO_TEXT first = NULL;

		assert_true(cidr_parse(rows[i].cidr, &cidr, &err));
		first = cidr_first(&cidr);
		assert_string_equal(first, rows[i].first);
	}
}

static void a_service_may_be_on_the_loopback(void **state)
{
	static const struct {
		const char *text, *canonical; /* NULL: refused */
	} rows[] = {
		{"127.0.0.1", "127.0.0.1"},
		{"localhost", "localhost"},
		{"FE80::1", "fe80::1"},
		{"api.example", "api.example"},
		{"0.0.0.0", NULL},
		{"::ffff:10.0.0.1", NULL},
		{"*.example", NULL},
		{"api.example:6443", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		char canonical[ADDRESS_MAX];

		if (!address_parse_service(rows[i].text, canonical, &err))
			assert_null(rows[i].canonical);
		else
			assert_string_equal(canonical, rows[i].canonical);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_taken_in_canonical_text),
		cmocka_unit_test(each_refusal_names_its_rule),
		cmocka_unit_test(an_over_long_text_does_not_drown_its_rule),
		cmocka_unit_test(a_block_has_zero_host_bits),
		cmocka_unit_test(a_block_has_the_addresses_between_its_ends),
		cmocka_unit_test(the_first_address_is_behind_the_networks_own),
		cmocka_unit_test(a_service_may_be_on_the_loopback),
		cmocka_unit_test(an_endpoint_is_https_host_and_port),
		cmocka_unit_test(anything_else_is_no_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
