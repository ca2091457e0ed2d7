/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "verify/duty.h"
#include "verify/seen.h"
#include "verify/unit.h"

static void add_link(struct unit *unit, const char *inside, const char *link)
{
	unit_add(unit, inside)->link = memory_text(link);
}

static struct unit *host(void)
{
	struct unit *unit = unit_new(UNIT_HOST, "copy", "w1");

	unit_add(unit, "etc/kubernetes/pki/ca.crt");
	unit_add(unit, "var/lib/kubelet/pki/kubelet-client-1.pem");
	add_link(unit, "var/lib/kubelet/pki/kubelet-client-current.pem",
		"kubelet-client-1.pem");
	add_link(unit, "etc/kubernetes/absolute",
		"/var/lib/kubelet/pki/kubelet-client-current.pem");
	add_link(unit, "etc/kubernetes/up", "../../../../etc/passwd");
	add_link(unit, "etc/kubernetes/round", "round");
	add_link(unit, "etc/kubernetes/nothing", "pki/none.crt");
	return unit;
}

static void links_end_inside_the_unit(void **state)
{
	static const struct {
		const char *from, *to;
		bool leaves;
	} rows[] = {
		{"var/lib/kubelet/pki/kubelet-client-current.pem",
			"var/lib/kubelet/pki/kubelet-client-1.pem", false},
		{"etc/kubernetes/absolute",
			"var/lib/kubelet/pki/kubelet-client-1.pem", false},
		{"etc/kubernetes/up", NULL, true},
		{"etc/kubernetes/round", NULL, false},
		{"etc/kubernetes/nothing", NULL, false},
	};
	AUTO_FREE(unit) unit = host();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct file *found = unit_find(unit, rows[i].from);
		const struct file *link = NULL;

		for (size_t k = 0; k < unit->n_files; k++)
			if (!strcmp(unit->files[k]->inside, rows[i].from))
				link = unit->files[k];
		assert_int_equal(
			unit_leaves(unit, link, link->link), rows[i].leaves);
		assert_int_equal(found != NULL, rows[i].to != NULL);
		if (found)
			assert_string_equal(found->inside, rows[i].to);
	}
}

static void paths_of_a_host_are_found_below_its_root(void **state)
{
	AUTO_FREE(unit) unit = host();
	AUTO_FREE(unit) pki = unit_new(UNIT_PKI, "pki", NULL);
	const struct file *from = unit->files[0], *ca;

	(void)state;
	assert_ptr_equal(unit_find_from(unit, from, "/etc/kubernetes/pki/ca.crt"),
		from);
	assert_ptr_equal(unit_find_from(unit, from, "../pki/./ca.crt"), from);
	assert_null(unit_find_from(unit, from, "/etc/kubernetes/pki"));
	ca = unit_add(pki, "ca.crt");
	assert_ptr_equal(
		unit_find_from(pki, ca, "/etc/kubernetes/pki/ca.crt"), ca);
	assert_true(unit_leaves(pki, ca, "/etc/passwd"));
	assert_true(unit_leaves(pki, ca, "../ca.crt"));
}

static void a_file_that_is_there_twice_is_marked(void **state)
{
	AUTO_FREE(unit) unit = host();

	(void)state;
	assert_false(unit->files[0]->is_twice);
	assert_ptr_equal(
		unit_add(unit, "etc/kubernetes/pki/ca.crt"), unit->files[0]);
	assert_true(unit->files[0]->is_twice);
}

static void duties_are_told_by_paths(void **state)
{
	static const struct {
		const char *path, *duty, *issuer;
	} rows[] = {
		{"etc/kubernetes/pki/ca.crt", "ca", NULL},
		{"etc/kubernetes/pki/etcd/ca.crt", "etcd-ca", NULL},
		{"x/pki/etcd/server.crt", "etcd-server", "etcd-ca"},
		{"pki/apiserver.crt", "kube-apiserver", "ca"},
		{"pki/apiserver.key", "kube-apiserver", "ca"},
		{"server/tls/serving-kube-apiserver.crt", "kube-apiserver",
			"server-ca"},
		{"server/tls/client-admin.key", "admin", "client-ca"},
		{"pki/kubernetes-key.pem", "kube-apiserver", "ca"},
		{"var/lib/kubelet/pki/kubelet-client-current.pem",
			"kubelet-client", "ca"},
		{"var/lib/kubelet/pki/kubelet-client-2026.pem",
			"kubelet-client", "ca"},
		{"var/lib/kubelet/pki/kubelet.key", "kubelet-serving", "ca"},
		{"etc/kubernetes/admin.conf", "admin", "ca"},
		{"etc/kubernetes/not-admin.conf", NULL, NULL},
		{"apiserver.crt", NULL, NULL},
		{"xpki/apiserver.crt", NULL, NULL},
		{"pki/apiserver.crt.old", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct duty *duty = duty_of_path(rows[i].path);

		if (!rows[i].duty != !duty)
			fail_msg("%s", rows[i].path);
		if (!duty)
			continue;
		assert_string_equal(duty->name, rows[i].duty);
		if (rows[i].issuer)
			assert_string_equal(duty->issuer, rows[i].issuer);
		else
			assert_null(duty->issuer);
	}
}

static struct der view(const char *text)
{
	return (struct der){(const unsigned char *)text, strlen(text)};
}

static void what_was_seen_is_known_with_its_place(void **state)
{
	AUTO_FREE(seen) seen = seen_new();

	(void)state;
	for (int i = 0; i < 5000; i++) {
		AUTO_TEXT thing = memory_format("thing %d", i);

		assert_null(seen_before(
			seen, SEEN_KEY, view(thing), view("a"), thing));
		assert_null(seen_before(
			seen, SEEN_KEY, view(thing), view("a"), "again"));
	}
	assert_string_equal(seen_before(seen, SEEN_KEY, view("thing 17"),
				    view("b"), "there"),
		"thing 17");
	assert_null(seen_before(
		seen, SEEN_NODE, view("thing 17"), view("b"), "there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_end_inside_the_unit),
		cmocka_unit_test(paths_of_a_host_are_found_below_its_root),
		cmocka_unit_test(a_file_that_is_there_twice_is_marked),
		cmocka_unit_test(duties_are_told_by_paths),
		cmocka_unit_test(what_was_seen_is_known_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
