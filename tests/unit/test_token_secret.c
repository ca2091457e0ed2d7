/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/token_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD(name) "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " name "\n"
#define FRAME                                                                  \
	HEAD("bootstrap-token-07401b")                                         \
	"  namespace: kube-system\ntype: bootstrap.kubernetes.io/token\n"      \
	"stringData:\n  token-id: \"07401b\"\n"
#define SECRET "  token-secret: f395accd246ae52d\n"
#define LOGIN "  usage-bootstrap-authentication: \"true\"\n"

static bool take_token(
	void *data, const struct object *object, struct error *err)
{
	assert_true(token_secret_is(object));
	return token_secret_read(object, data, err);
}

static bool read_text(
	const char *text, struct token_secret **ret_token, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("t", text, strlen(text));

	return objects_read(source, take_token, ret_token, err);
}

static const struct instant now = {1700000000}; /* 2023-11-14T22:13:20Z */

static void faults_are_those_of_the_api_server(void **state)
{
	static const struct {
		const char *text;
		unsigned faults;
	} rows[] = {
		{FRAME SECRET LOGIN, 0},
		{FRAME SECRET LOGIN "  expiration: \"2030-01-02T03:04:05Z\"\n",
			0},
		{FRAME SECRET LOGIN "  expiration: \"\"\n", 0},
		{FRAME SECRET LOGIN "  expiration: \"2023-11-14T22:13:20Z\"\n",
			1 << TOKEN_FAULT_EXPIRED},
		{FRAME SECRET LOGIN "  expiration: tomorrow\n",
			1 << TOKEN_FAULT_EXPIRATION},
		{FRAME SECRET, 1 << TOKEN_FAULT_AUTHENTICATION},
		{FRAME SECRET "  usage-bootstrap-authentication: \"True\"\n",
			1 << TOKEN_FAULT_AUTHENTICATION},
		{FRAME LOGIN, 1 << TOKEN_FAULT_SECRET},
		{FRAME LOGIN "  token-secret: f395accd246ae52\n",
			1 << TOKEN_FAULT_SECRET},
		{FRAME LOGIN "  token-secret: F395accd246ae52d\n",
			1 << TOKEN_FAULT_SECRET},
		{FRAME SECRET LOGIN
			"  auth-extra-groups: system:bootstrappers:a\n",
			0},
		{FRAME SECRET LOGIN
			"  auth-extra-groups: system:bootstrappers:a,"
			"system:bootstrappers:b\n",
			0},
		{FRAME SECRET LOGIN
			"  auth-extra-groups: system:bootstrappers:a, "
			"system:bootstrappers:b\n",
			1 << TOKEN_FAULT_GROUP},
		{FRAME SECRET LOGIN
			"  auth-extra-groups: system:bootstrappers\n",
			1 << TOKEN_FAULT_GROUP},
		{FRAME SECRET LOGIN "  auth-extra-groups: system:masters\n",
			1 << TOKEN_FAULT_GROUP},
		{HEAD("bootstrap-token-aaaaaa") "  namespace: kube-system\n"
						"type: "
						"bootstrap.kubernetes.io/"
						"token\nstringData:\n"
						"  token-id: 07401b\n" SECRET
							LOGIN,
			1 << TOKEN_FAULT_ID},
		{HEAD("bootstrap-token-AAAAAA") "  namespace: kube-system\n"
						"type: "
						"bootstrap.kubernetes.io/"
						"token\nstringData:\n"
						"  token-id: AAAAAA\n" SECRET
							LOGIN,
			1 << TOKEN_FAULT_NAME},
		{HEAD("bootstrap-token-07401b") "type: Opaque\nstringData:\n"
						"  token-id: 07401b\n" SECRET
							LOGIN,
			1 << TOKEN_FAULT_NAMESPACE | 1 << TOKEN_FAULT_TYPE},
		/* the same in base64, and with a newline too much */
		{HEAD("bootstrap-token-07401b") "  namespace: kube-system\n"
						"type: "
						"bootstrap.kubernetes.io/"
						"token\ndata:\n"
						"  token-id: MDc0MDFi\n"
						"  token-secret: "
						"ZjM5NWFjY2QyNDZhZTUyZA==\n"
						"  "
						"usage-bootstrap-"
						"authentication: dHJ1ZQ==\n",
			0},
		{HEAD("bootstrap-token-07401b") "  namespace: kube-system\n"
						"type: "
						"bootstrap.kubernetes.io/"
						"token\ndata:\n"
						"  token-id: MDc0MDFiCg==\n"
						"  token-secret: "
						"ZjM5NWFjY2QyNDZhZTUyZAo=\n"
						"  "
						"usage-bootstrap-"
						"authentication: dHJ1ZQo=\n",
			1 << TOKEN_FAULT_ID | 1 << TOKEN_FAULT_SECRET |
				1 << TOKEN_FAULT_AUTHENTICATION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token_secret) token = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (!read_text(rows[i].text, &token, &err))
			fail_msg("%s: %s", rows[i].text, err.message);
		if (token_secret_judge(token, now) != rows[i].faults)
			fail_msg("%s: %x", rows[i].text,
				token_secret_judge(token, now));
	}
}

static void what_the_api_server_would_not_store_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{FRAME "  expiration: 2030-01-02T03:04:05Z\n",
			"expiration \"2030-01-02T03:04:05Z\": must be text"},
		{FRAME "  usage-bootstrap-signing: true\n",
			"usage-bootstrap-signing \"true\": must be text"},
		{FRAME "  token-secret: 1234567890123456\n",
			"key \"token-secret\": its value must be text"},
		{FRAME "data: {expiration: '*'}\n",
			"key \"expiration\": not base64"},
		{FRAME "data: {expiration: AAAA}\n",
			"key \"expiration\": holds a NUL byte"},
		{FRAME "data: {token-secret: '*'}\n",
			"key \"token-secret\": not base64"},
		{FRAME "data: []\n", "data: must be a map"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token_secret *token = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &token, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_true(err.line > 0);
		assert_null(strstr(err.message, "1234567890123456"));
	}
}

static void groups_are_split(void **state)
{
	const char *at = "a,b,,c";
	static const char *const groups[] = {"a", "b", "", "c"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		AUTO_TEXT group = token_secret_next_group(&at);

		assert_string_equal(group, groups[i]);
	}
	assert_null(token_secret_next_group(&at));
}

static bool is_none(void *data, const struct object *object, struct error *err)
{
	(void)err;
	*(bool *)data = !token_secret_is(object);
	return true;
}

static void other_secrets_are_none(void **state)
{
	static const char *const rows[] = {
		HEAD("a") "type: Opaque\n",
		HEAD("a"),
		"apiVersion: v2\nkind: Secret\n"
		"type: bootstrap.kubernetes.io/token\n",
		"apiVersion: v1\nkind: ConfigMap\n"
		"metadata: {name: bootstrap-token-abcdef}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(source)
		source = source_of_text("t", rows[i], strlen(rows[i]));
		AUTO_RELEASE(error) err = ERROR_INIT;
		bool none = false;

		assert_true(objects_read(source, is_none, &none, &err));
		assert_true(none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_those_of_the_api_server),
		cmocka_unit_test(
			what_the_api_server_would_not_store_is_refused),
		cmocka_unit_test(groups_are_split),
		cmocka_unit_test(other_secrets_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
