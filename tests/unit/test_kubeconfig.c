/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/document.h"
#include "kube/kubeconfig.h"
#include "pki/authority.h"

static char ca_text[] = "ca\n";
static const struct buffer ca = {ca_text, sizeof(ca_text) - 1, 0};

static struct kubeconfig embedded(void)
{
	return (struct kubeconfig){
		.cluster = "kubernetes",
		.user = "default-auth",
		.context = "default-context",
		.server = "https://api.example:6443",
		.ca_pem = &ca,
	};
}

static struct document *read_good(const char *text, size_t len)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(source) source = source_of_text("kubeconfig", text, len);
	struct document *root = NULL;

	if (!document_read_yaml(source, &root, &err))
		fail_msg("%s", err.message);
	return root;
}

static const char *field(const struct document *root, const char *list,
	const char *what, const char *key)
{
	const struct document *entry =
		document_at(document_find(root, list), 0);

	return document_text(document_find(document_find(entry, what), key));
}

static void paths_stand_where_kubernetes_looks(void **state)
{
	struct kubeconfig config = embedded();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	config.client_certificate = "/pki/current.pem";
	config.client_key = "/pki/current.pem";
	assert_true(kubeconfig_write(&config, &text, &err));
	assert_string_equal(text.data,
		"apiVersion: \"v1\"\n"
		"kind: \"Config\"\n"
		"preferences: {}\n"
		"clusters:\n"
		"- name: \"kubernetes\"\n"
		"  cluster:\n"
		"    server: \"https://api.example:6443\"\n"
		"    certificate-authority-data: \"Y2EK\"\n"
		"users:\n"
		"- name: \"default-auth\"\n"
		"  user:\n"
		"    client-certificate: \"/pki/current.pem\"\n"
		"    client-key: \"/pki/current.pem\"\n"
		"contexts:\n"
		"- name: \"default-context\"\n"
		"  context:\n"
		"    cluster: \"kubernetes\"\n"
		"    user: \"default-auth\"\n"
		"current-context: \"default-context\"\n");
}

static struct secret *fill(const struct kubeconfig *config,
	const char *certificate, size_t key_len)
{
	AUTO_FREE(kubeconfig_frame) frame = NULL;
	AUTO_FREE(secret) key = secret_new(key_len);
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	memset(secret_bytes(key), 'k', key_len);
	buffer_add_text(&pem, certificate);
	assert_true(kubeconfig_frame_new(config, &frame, &err));
	return kubeconfig_fill(frame, &pem, key);
}

static void credentials_are_embedded_in_the_gaps(void **state)
{
	static const char expected[] =
		"users:\n"
		"- name: \"default-auth\"\n"
		"  user:\n"
		"    client-certificate-data: \"Y2VydA==\"\n"
		"    client-key-data: \"a2traw==\"\n"
		"contexts:\n";
	struct kubeconfig config = embedded();
	AUTO_FREE(secret) whole = fill(&config, "cert", 4);
	AUTO_TEXT text = memory_text_n(
		(const char *)secret_view(whole), secret_len(whole));

	(void)state;
	assert_non_null(strstr(text, expected));
	document_free(read_good(text, strlen(text)));
}

static void every_length_fits_exactly(void **state)
{
	static const char certificate[] = "abcdefghijklmnop";
	struct kubeconfig config = embedded();

	(void)state;
	for (size_t i = 0; i < sizeof(certificate); i++) {
		AUTO_FREE(secret) whole = fill(&config, certificate + i, i);
		AUTO_FREE(document)
		root = read_good(
			(const char *)secret_view(whole), secret_len(whole));
		const char *data =
			field(root, "users", "user", "client-key-data");
		unsigned char key[32];
		size_t len;

		assert_true(base64_decode(data, strlen(data), key, &len));
		assert_int_equal(len, i);
		data = field(root, "users", "user", "client-certificate-data");
		assert_true(base64_decode(data, strlen(data), key, &len));
		assert_int_equal(len, sizeof(certificate) - 1 - i);
		assert_memory_equal(key, certificate + i, len);
	}
}

static void no_name_can_become_syntax_or_a_gap(void **state)
{
	static const char *const names[] = {
		"\"",
		"true",
		"a: b",
		"\n    client-key-data: \"\"",
		"client-certificate-data: \"\"\n",
		"'",
		"&a",
		"{{x}}",
		"\\",
		"\xe2\x80\xa8",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct kubeconfig config = {names[i], names[i], names[i],
			names[i], &ca, NULL, NULL};
		AUTO_FREE(secret) whole = fill(&config, "cert", 4);
		AUTO_FREE(document)
		root = read_good(
			(const char *)secret_view(whole), secret_len(whole));

		assert_int_equal(document_count(root), 7);
		assert_string_equal(
			field(root, "clusters", "cluster", "server"), names[i]);
		assert_string_equal(
			field(root, "contexts", "context", "user"), names[i]);
		assert_string_equal(
			field(root, "users", "user", "client-key-data"),
			"a2traw==");
	}
}

static void a_token_goes_into_the_gap_behind_its_id(void **state)
{
	struct kubeconfig config = embedded();
	AUTO_RELEASE(gap) gap = GAP_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	config.user = "    token: \"\"\n";
	assert_true(kubeconfig_write_token(&config, "abcdef.", &gap, &err));
	assert_non_null(strstr(gap.head.data, "\n    token: \"abcdef."));
	assert_string_equal(
		strrchr(gap.head.data, '\n'), "\n    token: \"abcdef.");
	assert_memory_equal(gap.tail.data, "\"\ncontexts:\n", 12);
}

static void one_to_bootstrap_from_names_the_cluster_and_the_token(void **state)
{
	static const struct {
		enum token_kind kind;
		const char *user;
	} rows[] = {
		{TOKEN_BOOTSTRAP, "    token: \"abcdef."},
		{TOKEN_STATIC, "    token: \""},
	};
	AUTO_FREE(cluster) cluster = cluster_new();
	AUTO_RELEASE(error) why = ERROR_INIT;

	(void)state;
	assert_true(cluster_set(cluster, "name", "demo", &why));
	assert_true(cluster_set(
		cluster, "server", "https://api.example:6443", &why));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token token = {.kind = rows[i].kind};
		AUTO_RELEASE(buffer) pem = BUFFER_INIT;
		AUTO_RELEASE(gap) gap = GAP_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (token.kind == TOKEN_BOOTSTRAP)
			memcpy(token.id, "abcdef", TOKEN_ID_LEN);
		buffer_add_text(&pem, "ca\n");
		assert_true(kubeconfig_write_bootstrap(
			cluster, &pem, &token, &gap, &err));
		assert_non_null(strstr(gap.head.data, "- name: \"demo\"\n"));
		assert_string_equal(
			strrchr(gap.head.data, '\n') + 1, rows[i].user);
		assert_string_equal(gap.tail.data,
			"\"\n"
			"contexts:\n"
			"- name: \"kubelet-bootstrap@demo\"\n"
			"  context:\n"
			"    cluster: \"demo\"\n"
			"    user: \"kubelet-bootstrap\"\n"
			"current-context: \"kubelet-bootstrap@demo\"\n");
	}
}

static void discovery_knows_one_cluster_without_a_name(void **state)
{
	struct kubeconfig config = embedded();
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(kubeconfig_write_discovery(&config, &text, &err));
	assert_string_equal(text.data,
		"apiVersion: \"v1\"\n"
		"kind: \"Config\"\n"
		"preferences: {}\n"
		"clusters:\n"
		"- name: \"\"\n"
		"  cluster:\n"
		"    server: \"https://api.example:6443\"\n"
		"    certificate-authority-data: \"Y2EK\"\n"
		"users: []\n"
		"contexts: []\n"
		"current-context: \"\"\n");
}

static struct secret *secret_of(const char *text)
{
	struct secret *secret = secret_new(strlen(text));

	memcpy(secret_bytes(secret), text, strlen(text));
	return secret;
}

static void the_embedded_certificate_is_found_again(void **state)
{
	const struct authority_request request = {.common_name = "alice",
		.key_type = KEY_ECDSA_P256,
		.not_after = {SPAN_YEAR}};
	struct kubeconfig config = embedded();
	AUTO_FREE(authority) authority = NULL;
	AUTO_FREE(secret) whole = NULL;
	AUTO_FREE(certificate) found = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	const struct buffer *pem;

	(void)state;
	assert_true(authority_create(&request, &authority, &err));
	pem = authority_pem(authority);
	config.user = "client-certificate-data: \"QQ==\"";
	whole = fill(&config, pem->data, pem->len);
	found = kubeconfig_find_client(whole);
	assert_non_null(found);
	assert_string_equal(found->common_name, "alice");
}

static void what_embeds_no_certificate_has_none(void **state)
{
	static const char *const texts[] = {
		"\n",
		"\n    client-certificate-data:",
		"\n    client-certificate-data: ",
		"\n    client-certificate-data: \"",
		"\n    client-certificate-data: \"\"",
		"\n    client-certificate-data: \"QQ==\"",
		"\n    client-certificate-data: \"QQ=\"",
		"\n    client-certificate-data: QQ==\n",
		"client-certificate: /a\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		AUTO_FREE(secret) text = secret_of(texts[i]);

		assert_null(kubeconfig_find_client(text));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_stand_where_kubernetes_looks),
		cmocka_unit_test(credentials_are_embedded_in_the_gaps),
		cmocka_unit_test(every_length_fits_exactly),
		cmocka_unit_test(no_name_can_become_syntax_or_a_gap),
		cmocka_unit_test(a_token_goes_into_the_gap_behind_its_id),
		cmocka_unit_test(
			one_to_bootstrap_from_names_the_cluster_and_the_token),
		cmocka_unit_test(discovery_knows_one_cluster_without_a_name),
		cmocka_unit_test(the_embedded_certificate_is_found_again),
		cmocka_unit_test(what_embeds_no_certificate_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
