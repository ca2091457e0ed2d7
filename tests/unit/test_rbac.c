/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "kube/rbac.h"

static struct token *make_token(enum token_kind kind, const char *group)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct token *token = NULL;

	assert_true(token_new(kind, &token, &err));
	token->usages = TOKEN_AUTHENTICATION;
	if (group)
		assert_true(token_add_group(token, group, &err));
	return token;
}

#define WORKERS "system:bootstrappers:workers"

static void a_token_is_covered_by_a_group_it_is_in(void **state)
{
	static const struct {
		enum token_kind kind;
		const char *group, *bound, *refusal;
	} rows[] = {
		{TOKEN_BOOTSTRAP, NULL, TOKEN_BOOTSTRAPPERS, NULL},
		{TOKEN_BOOTSTRAP, WORKERS, TOKEN_BOOTSTRAPPERS, NULL},
		{TOKEN_BOOTSTRAP, WORKERS, WORKERS, NULL},
		{TOKEN_STATIC, WORKERS, WORKERS, NULL},
		{TOKEN_STATIC, TOKEN_BOOTSTRAPPERS, TOKEN_BOOTSTRAPPERS, NULL},
		{TOKEN_BOOTSTRAP, NULL, WORKERS,
			"none of its groups (system:bootstrappers) is bound"},
		{TOKEN_BOOTSTRAP, WORKERS "2", WORKERS,
			"none of its groups (system:bootstrappers," WORKERS
			"2) is bound"},
		{TOKEN_STATIC, WORKERS, TOKEN_BOOTSTRAPPERS,
			"none of its groups (" WORKERS ") is bound"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token)
		token = make_token(rows[i].kind, rows[i].group);
		const struct rbac rbac = {&rows[i].bound, 1, 0, NULL};
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_int_equal(rbac_check_token(&rbac, token, &err),
			rows[i].refusal == NULL);
		if (!rows[i].refusal)
			continue;
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_non_null(strstr(err.message, rows[i].refusal));
	}
}

static void a_token_for_signing_only_is_refused(void **state)
{
	static const char *const group[] = {TOKEN_BOOTSTRAPPERS};
	const struct rbac rbac = {group, 1, 0, NULL};
	AUTO_FREE(token) token = make_token(TOKEN_BOOTSTRAP, NULL);
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	token->usages = TOKEN_SIGNING;
	assert_false(rbac_check_token(&rbac, token, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.message, "is not for authentication"));
}

static void a_token_in_plain_text_is_a_bootstrapper_at_least(void **state)
{
	static const char *const groups[] = {TOKEN_BOOTSTRAPPERS, WORKERS};
	const struct rbac usual = {&groups[0], 1, 0, NULL};
	const struct rbac other = {&groups[1], 1, 0, NULL};
	AUTO_FREE(token) token = make_token(TOKEN_BOOTSTRAP, NULL);
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	token->described = false;
	assert_true(rbac_check_token(&usual, token, &err));
	assert_false(rbac_check_token(&other, token, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.message, "plain text does not say"));
}

static void an_expired_token_is_covered_all_the_same(void **state)
{
	static const char *const group[] = {TOKEN_BOOTSTRAPPERS};
	const struct rbac rbac = {group, 1, 0, NULL};
	AUTO_FREE(token) token = make_token(TOKEN_BOOTSTRAP, NULL);
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	token->expires = true;
	token->expiry = (struct instant){1};
	assert_true(rbac_check_token(&rbac, token, &err));
}

/* A line for each object: KIND NAME, and what is bound: SUBJECT ROLE. */
static void describe(const struct document *object, struct buffer *to)
{
	const struct document *subjects = document_find(object, "subjects");
	const struct document *role = document_find(object, "roleRef");

	buffer_format(to, "%s %s", document_text(document_find(object, "kind")),
		document_text(document_find(
			document_find(object, "metadata"), "name")));
	if (subjects) {
		const struct document *subject = document_at(subjects, 0);

		assert_int_equal(document_count(subjects), 1);
		buffer_format(to, " %s %s %s",
			document_text(document_find(subject, "kind")),
			document_text(document_find(subject, "name")),
			document_text(document_find(role, "name")));
	}
	buffer_add_byte(to, '\n');
}

static char *describe_all(const struct rbac *rbac)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(buffer) said = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(document) list = NULL;
	AUTO_FREE(source) source = NULL;

	if (!rbac_write(rbac, &text, &err))
		fail_msg("%s", err.message);
	source = source_of_text("rbac", text.data, text.len);
	if (!document_read_yaml_all(source, &list, &err))
		fail_msg("%s", err.message);
	for (size_t i = 0; i < document_count(list); i++)
		describe(document_at(list, i), &said);
	return buffer_detach(&said);
}

#define CSR "system:certificates.k8s.io:certificatesigningrequests:"
#define BINDING "ClusterRoleBinding "
#define CREATE                                                                 \
	BINDING "create-csrs-for-bootstrapping Group system:bootstrappers "    \
		"system:node-bootstrapper\n"
#define APPROVE                                                                \
	BINDING "auto-approve-csrs-for-group Group system:bootstrappers " CSR  \
		"nodeclient\n"
#define RENEW                                                                  \
	BINDING "auto-approve-renewals-for-nodes Group system:nodes " CSR      \
		"selfnodeclient\n"
#define ADMINS                                                                 \
	BINDING "kubeadm:cluster-admins Group kubeadm:cluster-admins "         \
		"cluster-admin\n"
#define KUBELET_API                                                            \
	BINDING "system:kubelet-api-admin User kube-apiserver-kubelet-client " \
		"system:kubelet-api-admin\n"
#define ROLE "ClusterRole "

static void the_parts_that_are_asked_for_are_made(void **state)
{
	static const char *const group[] = {"system:bootstrappers"};
	static const struct {
		unsigned parts;
		const char *expected;
	} rows[] = {
		{0, CREATE},
		{RBAC_AUTO_APPROVE, CREATE APPROVE},
		{RBAC_RENEWAL, CREATE RENEW},
		{RBAC_AUTO_APPROVE | RBAC_RENEWAL, CREATE APPROVE RENEW},
		{RBAC_CONTROL_PLANE, CREATE ADMINS KUBELET_API},
		{RBAC_ROLES, ROLE "system:node-bootstrapper\n" CREATE},
		{RBAC_ROLES | RBAC_AUTO_APPROVE | RBAC_RENEWAL |
				RBAC_CONTROL_PLANE,
			ROLE "system:node-bootstrapper\n" ROLE CSR
			     "nodeclient\n" ROLE CSR "selfnodeclient\n" ROLE
			     "system:kubelet-api-admin\n" CREATE APPROVE RENEW
				     ADMINS KUBELET_API},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rbac rbac = {group, 1, rows[i].parts, NULL};
		AUTO_TEXT said = describe_all(&rbac);

		assert_string_equal(said, rows[i].expected);
	}
}

static void each_group_has_bindings_of_its_own(void **state)
{
	static const char *const groups[] = {"system:bootstrappers:a:b",
		"system:bootstrappers", "system:bootstrappers:c"};
	const struct rbac rbac = {groups, 3, RBAC_AUTO_APPROVE, NULL};
	AUTO_TEXT said = describe_all(&rbac);

	(void)state;
	assert_string_equal(said, BINDING
		"create-csrs-for-bootstrapping:a:b Group "
		"system:bootstrappers:a:b "
		"system:node-bootstrapper\n" CREATE BINDING
		"create-csrs-for-bootstrapping:c Group "
		"system:bootstrappers:c "
		"system:node-bootstrapper\n" BINDING
		"auto-approve-csrs-for-group:a:b Group "
		"system:bootstrappers:a:b " CSR "nodeclient\n" APPROVE BINDING
		"auto-approve-csrs-for-group:c Group "
		"system:bootstrappers:c " CSR "nodeclient\n");
}

static void a_role_is_given_to_each_group_or_the_user(void **state)
{
	static const char *const groups[] = {"dev", "ops"};
	struct rbac_grant grant = {.role = "view",
		.user = "alice",
		.groups = groups,
		.n_groups = ARRAY_SIZE(groups)};
	AUTO_RELEASE(buffer) both = BUFFER_INIT;
	AUTO_RELEASE(buffer) alone = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(rbac_write_grant(&grant, &both, &err));
	assert_non_null(strstr(both.data, "name: \"kpki:view:group:dev\""));
	assert_non_null(strstr(both.data, "name: \"kpki:view:group:ops\""));
	assert_null(strstr(both.data, "alice"));
	grant.n_groups = 0;
	assert_true(rbac_write_grant(&grant, &alone, &err));
	assert_non_null(strstr(alone.data, "name: \"kpki:view:user:alice\""));
	assert_non_null(strstr(alone.data, "kind: \"User\""));
}

static void a_binding_has_a_name_that_it_can_have(void **state)
{
	static const struct {
		const char *role, *user, *group, *message;
	} rows[] = {
		{"a/b", "alice", "dev", "role \"a/b\""},
		{"", "alice", "dev", "role \"\""},
		{"view", "alice", "d%v", "group \"d%v\""},
		{"view", "a/b", NULL, "user \"a/b\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rbac_grant grant = {.role = rows[i].role,
			.user = rows[i].user,
			.groups = &rows[i].group,
			.n_groups = rows[i].group ? 1 : 0};
		AUTO_RELEASE(buffer) text = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(rbac_write_grant(&grant, &text, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_non_null(strstr(err.message, rows[i].message));
		assert_int_equal(text.len, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_covered_by_a_group_it_is_in),
		cmocka_unit_test(a_token_for_signing_only_is_refused),
		cmocka_unit_test(
			a_token_in_plain_text_is_a_bootstrapper_at_least),
		cmocka_unit_test(an_expired_token_is_covered_all_the_same),
		cmocka_unit_test(the_parts_that_are_asked_for_are_made),
		cmocka_unit_test(each_group_has_bindings_of_its_own),
		cmocka_unit_test(a_role_is_given_to_each_group_or_the_user),
		cmocka_unit_test(a_binding_has_a_name_that_it_can_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
