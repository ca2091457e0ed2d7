/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/rbac_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(kind)                                                             \
	"apiVersion: rbac.authorization.k8s.io/v1\nkind: " kind "\n"           \
	"metadata: {name: m}\n"

static bool take_rbac(
	void *data, const struct object *object, struct error *err)
{
	return rbac_read(object, data, err);
}

static bool read_text(
	const char *text, struct rbac_object **ret_rbac, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("r", text, strlen(text));

	return objects_read(source, take_rbac, ret_rbac, err);
}

static char *describe(const struct rbac_object *rbac)
{
	struct buffer text = BUFFER_INIT;

	buffer_format(&text, "%s %s/%s", rbac_kind_name(rbac->kind),
		rbac->namespace, rbac->name);
	if (rbac_is_binding(rbac))
		buffer_format(&text, " -> %s %s %s", rbac->role_kind,
			rbac->role_name, rbac->role_group);
	for (size_t i = 0; i < rbac->n_subjects; i++) {
		const struct rbac_subject *subject = &rbac->subjects[i];

		buffer_format(&text, "; %s %s/%s %s", subject->kind,
			subject->namespace, subject->name, subject->api_group);
	}
	return buffer_detach(&text);
}

static void roles_and_bindings_are_read(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{HEAD("ClusterRole") "rules: []\n", "ClusterRole /m"},
		{"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n"
		 "metadata: {name: m, namespace: s}\n",
			"Role s/m"},
		{HEAD("ClusterRoleBinding") "roleRef: {kind: ClusterRole, "
					    "name: r}\n"
					    "subjects:\n"
					    "- {kind: Group, name: g}\n"
					    "- {kind: ServiceAccount, name: a, "
					    "namespace: s}\n",
			"ClusterRoleBinding /m -> ClusterRole r " RBAC_GROUP
			"; Group /g " RBAC_GROUP "; ServiceAccount s/a "},
		{HEAD("RoleBinding") "roleRef: {apiGroup: x, kind: Role, name: "
				     "r}\n"
				     "subjects: [{kind: Node, name: m}]\n",
			"RoleBinding /m -> Role r x; Node /m "},
		{HEAD("RoleBinding"), "RoleBinding /m ->   " RBAC_GROUP},
		{"apiVersion: rbac.authorization.k8s.io/v1\n"
		 "kind: ClusterRoleList\nitems: [{metadata: {name: x}}]\n",
			"ClusterRole /x"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(rbac_object) rbac = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT found = NULL;

		if (!read_text(rows[i].text, &rbac, &err))
			fail_msg("%s: %s", rows[i].text, err.message);
		found = describe(rbac);
		assert_string_equal(found, rows[i].found);
	}
}

static void what_has_another_shape_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"apiVersion: v1\nkind: Role\n", "kind \"Role\": neither"},
		{HEAD("RoleBinding") "subjects: {}\n",
			"subjects: must be a list"},
		{HEAD("RoleBinding") "subjects: [x]\n",
			"subject \"x\": must be a map"},
		{HEAD("RoleBinding") "subjects: [{name: 1}]\n",
			"name \"1\": must be text"},
		{HEAD("RoleBinding") "roleRef: r\n",
			"roleRef \"r\": must be a map"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rbac_object *rbac = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &rbac, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("%s: %s", rows[i].text, err.message);
	}
}

static void roles_of_kubernetes_are_known(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} rows[] = {
		{"cluster-admin", true},
		{"view", true},
		{"system:node-bootstrapper", true},
		{"system:controller:token-cleaner", true},
		{"system:certificates.k8s.io:certificatesigningrequests:"
		 "nodeclient",
			true},
		{"system:certificates.k8s.io:certificatesigningrequests:"
		 "nodeclients",
			false},
		{"node-bootstrapper", false},
		{"system:", false},
		{"system:masters", false},
		{"mine", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			rbac_role_is_built_in(rows[i].name), rows[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_and_bindings_are_read),
		cmocka_unit_test(what_has_another_shape_is_refused),
		cmocka_unit_test(roles_of_kubernetes_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
