/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/node.h"

#define L21 "abcdefghijklmnopqrstu"
#define L63 L21 L21 L21

static void a_name_that_kubernetes_takes_is_taken(void **state)
{
	static const char *const names[] = {
		"w",
		"worker-1",
		"kubernetes-worker-1",
		"ip-10-0-0-11.eu-central-1.compute.internal",
		"10.0.0.11",
		"7",
		"node.7",
		"1a.2b",
		L63,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct error err = ERROR_INIT;

		if (!node_name_check(names[i], &err))
			fail_msg("%s", err.message);
	}
}

static void a_name_that_kubernetes_refuses_is_refused(void **state)
{
	static const struct {
		const char *name, *message;
	} rows[] = {
		{"", "node \"\": is empty (Kubernetes: IsDNS1123Subdomain)"},
		{"W1", "node \"W1\": has upper case (Kubernetes: "
		       "IsDNS1123Subdomain)"},
		{"w_1", "node \"w_1\": has an underscore (RFC 1123, 2.1)"},
		{"-w", "node \"-w\": has a label that begins with a dash "
		       "(RFC 1123, 2.1)"},
		{"../w", "node \"../w\": has a slash; neither a path nor a "
			 "network is a name (RFC 1123, 2.1)"},
		{"w:1", "node \"w:1\": has a colon; a name comes without port "
			"or scheme (RFC 1123, 2.1)"},
		{"fd00::1", "node \"fd00::1\": has a colon; a name comes "
			    "without port or scheme (RFC 1123, 2.1)"},
		{"a\x1b[2J", "node \"a\\x1b[2J\": has a control character "
			     "(RFC 1123, 2.1)"},
		{"localhost", "node \"localhost\": every host calls itself "
			      "that (RFC 6761, 6.3)"},
		{"127.0.0.1", "node \"127.0.0.1\": a loopback address "
			      "(Kubernetes: validateNodeIP)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;

		assert_false(node_name_check(rows[i].name, &err));
		assert_string_equal(err.message, rows[i].message);
		assert_int_equal(err.kind, ERROR_INPUT);
		error_release(&err);
	}
}

static void the_bound_is_253_characters(void **state)
{
	char name[255];
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 254; i++)
		name[i] = i % 60 == 59 ? '.' : 'a';
	name[254] = '\0';
	assert_false(node_name_check(name, &err));
	assert_non_null(strstr(err.message, "...\": is longer than 253"));
	error_release(&err);
	name[253] = '\0';
	assert_true(node_name_check(name, &err));
}

static void addresses_are_found_by_their_place(void **state)
{
	static const char addresses[] = "10.0.0.1\0w1.example\0fd00::1\0";
	const struct node node = {
		.name = "w1", .addresses = addresses, .n_addresses = 3};

	(void)state;
	assert_string_equal(node_address(&node, 0), "10.0.0.1");
	assert_string_equal(node_address(&node, 1), "w1.example");
	assert_string_equal(node_address(&node, 2), "fd00::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_kubernetes_takes_is_taken),
		cmocka_unit_test(a_name_that_kubernetes_refuses_is_refused),
		cmocka_unit_test(the_bound_is_253_characters),
		cmocka_unit_test(addresses_are_found_by_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
