/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/kubeconfig_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kube/kubeconfig.h"

#define HEAD "apiVersion: v1\nkind: Config\n"

static bool read_text(
	const char *text, struct kubeconfig_file **ret_file, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("k", text, strlen(text));

	return kubeconfig_read(source, ret_file, err);
}

static struct kubeconfig_file *must_read(const char *text)
{
	struct kubeconfig_file *file = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!read_text(text, &file, &err))
		fail_msg("%s: %s", text, err.message);
	return file;
}

static bool holds(const struct secret *secret, const char *text)
{
	return secret && secret_len(secret) == strlen(text) &&
	       !memcmp(secret_view(secret), text, strlen(text));
}

static void every_field_is_read(void **state)
{
	AUTO_FREE(kubeconfig_file)
	file = must_read(
		HEAD "preferences: {}\n"
		     "clusters:\n"
		     "- name: c\n"
		     "  cluster:\n"
		     "    server: https://a:6443\n"
		     "    tls-server-name: b\n"
		     "    proxy-url: http://p\n"
		     "    certificate-authority: ca.crt\n"
		     "    certificate-authority-data: QUJD\n"
		     "    insecure-skip-tls-verify: true\n"
		     "users:\n"
		     "- name: u\n"
		     "  user:\n"
		     "    client-certificate: u.crt\n"
		     "    client-certificate-data: REVG\n"
		     "    client-key: u.key\n"
		     "    client-key-data: R0hJ\n"
		     "    token: t\n"
		     "    tokenFile: tf\n"
		     "    username: m\n"
		     "    password: p\n"
		     "    as: root\n"
		     "    exec: {command: aws}\n"
		     "    auth-provider: {name: oidc, config: {id-token: x}}\n"
		     "contexts:\n"
		     "- name: x\n"
		     "  context: {cluster: c, user: u, namespace: ns}\n"
		     "current-context: x\n");
	struct kubeconfig_choice choice = kubeconfig_current(file);

	(void)state;
	assert_string_equal(choice.cluster->server, "https://a:6443");
	assert_string_equal(choice.cluster->server_name, "b");
	assert_string_equal(choice.cluster->proxy, "http://p");
	assert_string_equal(choice.cluster->ca_file, "ca.crt");
	assert_string_equal(choice.cluster->ca_pem.data, "ABC");
	assert_true(choice.cluster->insecure);
	assert_int_equal(choice.cluster->line, 5);
	assert_string_equal(choice.user->certificate_file, "u.crt");
	assert_string_equal(choice.user->certificate_pem.data, "DEF");
	assert_string_equal(choice.user->key_file, "u.key");
	assert_true(holds(choice.user->key_pem, "GHI"));
	assert_true(holds(choice.user->token, "t"));
	assert_string_equal(choice.user->token_file, "tf");
	assert_string_equal(choice.user->username, "m");
	assert_true(choice.user->has_password);
	assert_string_equal(choice.user->as, "root");
	assert_string_equal(choice.user->exec_command, "aws");
	assert_string_equal(choice.user->auth_provider, "oidc");
	assert_string_equal(choice.context->namespace, "ns");
	assert_int_equal(file->current_line, 30);
}

/* client-go: what is "" or null is not there, and unknown fields are nothing.
 */
static void what_says_nothing_is_not_there(void **state)
{
	static const char *const rows[] = {
		"{}\n",
		HEAD,
		HEAD "clusters: null\nusers: []\ncontexts:\ncurrent-context: ''"
		     "\n",
		HEAD "cluster: [x]\nclustres: 5\n",
		"{\"kind\":\"Config\",\"apiVersion\":\"v1\",\"users\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(kubeconfig_file) file = must_read(rows[i]);

		assert_int_equal(file->n_clusters, 0);
		assert_int_equal(file->n_users, 0);
		assert_null(file->current_context);
		assert_null(kubeconfig_current(file).context);
	}
}

static void empty_fields_are_not_there(void **state)
{
	AUTO_FREE(kubeconfig_file)
	file = must_read(
		HEAD "clusters:\n"
		     "- cluster: {server: '', certificate-authority-data: ''}\n"
		     "- name: d\n"
		     "users:\n"
		     "- name: u\n"
		     "  user: {token: '', client-key-data: ''}\n"
		     "contexts:\n"
		     "- name: x\n"
		     "  context: {cluster: e, user: u}\n"
		     "current-context: x\n");
	struct kubeconfig_choice choice = kubeconfig_current(file);

	(void)state;
	assert_string_equal(file->clusters[0].name, "");
	assert_null(file->clusters[0].server);
	assert_int_equal(file->clusters[0].ca_pem.len, 0);
	assert_null(file->clusters[1].server);
	assert_non_null(choice.context);
	assert_null(choice.cluster);
	assert_null(choice.user->token);
	assert_null(choice.user->key_pem);
}

static void line_breaks_in_base64_are_passed_over(void **state)
{
	AUTO_FREE(kubeconfig_file)
	file = must_read(HEAD "clusters:\n"
			      "- name: c\n"
			      "  cluster:\n"
			      "    certificate-authority-data: |\n"
			      "      QU\n"
			      "      JD\n");

	(void)state;
	assert_string_equal(file->clusters[0].ca_pem.data, "ABC");
}

static void what_client_go_cannot_decode_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
		unsigned line;
	} rows[] = {
		{"[]\n", "kubeconfig: must be a map", 1},
		{"kind: Pod\n", "kind: not \"Config\"", 1},
		{"apiVersion: v2\n", "apiVersion: not \"v1\"", 1},
		{HEAD "clusters: {}\n", "clusters: must be a list", 3},
		{HEAD "clusters: [x]\n", "cluster \"x\": must be a map", 3},
		{HEAD "clusters: [{name: 1}]\n", "name \"1\": must be text", 3},
		{HEAD "clusters: [{cluster: {server: 1}}]\n",
			"server \"1\": must be text", 3},
		{HEAD "clusters: [{cluster: {insecure-skip-tls-verify: 'x'}}]"
		      "\n",
			"must be a boolean", 3},
		{HEAD "clusters:\n- name: c\n- name: c\n",
			"cluster \"c\": is there twice", 5},
		{HEAD "users: [{user: {token: 42}}]\n",
			"key \"token\": its value must be text", 3},
		{HEAD "users: [{user: {client-key-data: '*'}}]\n",
			"client-key-data: not base64", 3},
		{HEAD "users: [{user: {client-certificate-data: 'A'}}]\n",
			"client-certificate-data: not base64", 3},
		{HEAD "users: [{user: {exec: aws}}]\n",
			"exec \"aws\": must be a map", 3},
		{HEAD "users:\n- name: u\n  user:\n    token:\n      abc\n",
			"token: its value is not on one line with it", 7},
		{HEAD "current-context: 1\n", "current-context \"1\"", 3},
		{HEAD "---\n" HEAD, "", 3},
		{"a: [\n", "not YAML", 2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct kubeconfig_file *file = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (read_text(rows[i].text, &file, &err))
			fail_msg("taken: %s", rows[i].text);
		assert_int_equal(err.kind, ERROR_INPUT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_int_equal(err.line, rows[i].line);
		assert_null(strstr(err.message, "abc"));
		assert_null(strstr(err.message, "42"));
	}
}

static void what_we_write_is_read(void **state)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(buffer) ca = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	const struct kubeconfig config = {
		.cluster = "c",
		.user = "u",
		.context = "x",
		.server = "https://a",
		.ca_pem = &ca,
		.client_certificate = "/a.pem",
		.client_key = "/b.pem",
	};
	AUTO_FREE(kubeconfig_file) file = NULL;

	(void)state;
	buffer_add_text(&ca, "CA");
	assert_true(kubeconfig_write(&config, &text, &err));
	file = must_read(text.data);
	assert_string_equal(
		kubeconfig_current(file).user->certificate_file, "/a.pem");
	assert_string_equal(
		kubeconfig_current(file).cluster->ca_pem.data, "CA");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(what_says_nothing_is_not_there),
		cmocka_unit_test(empty_fields_are_not_there),
		cmocka_unit_test(line_breaks_in_base64_are_passed_over),
		cmocka_unit_test(what_client_go_cannot_decode_is_refused),
		cmocka_unit_test(what_we_write_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
