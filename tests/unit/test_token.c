/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kube/token.h"

#define ALPHABET "abcdefghijklmnopqrstuvwxyz0123456789"

static struct token *make(enum token_kind kind)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct token *token = NULL;

	if (!token_new(kind, &token, &err))
		fail_msg("%s", err.message);
	return token;
}

/* One with nothing that is random. */
static struct token *make_known(const char *id, const char *secret)
{
	struct token *token = make(TOKEN_BOOTSTRAP);

	snprintf(token->id, sizeof(token->id), "%s", id);
	secret_free(token->secret);
	token->secret = secret_new(strlen(secret));
	memcpy(secret_bytes(token->secret), secret, strlen(secret));
	return token;
}

/* As it would stand in a file. */
static char *write_all(const struct token *token, enum token_format format)
{
	AUTO_RELEASE(gap) gap = GAP_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct file_part parts[GAP_PARTS];

	if (!token_write(token, format, &gap, &err))
		fail_msg("%s", err.message);
	gap_fill(&gap, token->secret, parts);
	assert_ptr_equal(parts[1].secret, token->secret);
	return memory_format("%s%.*s%s", gap.head.data,
		(int)secret_len(token->secret),
		(const char *)secret_view(token->secret), gap.tail.data);
}

/* Were 256 values taken mod 36, the first four characters would come an eighth
 * more often; by chance they come that often once in far more runs than there
 * will be. */
static void every_character_is_as_likely_as_any_other(void **state)
{
	enum { N_TOKENS = 12000, N_LETTERS = 36 };
	const double expected = (double)N_TOKENS *
				(TOKEN_ID_LEN + TOKEN_SECRET_LEN) / N_LETTERS;
	unsigned counts[256] = {0};

	(void)state;
	for (int i = 0; i < N_TOKENS; i++) {
		AUTO_FREE(token) token = make(TOKEN_BOOTSTRAP);

		assert_int_equal(secret_len(token->secret), TOKEN_SECRET_LEN);
		assert_int_equal(strlen(token->id), TOKEN_ID_LEN);
		for (int c = 0; c < TOKEN_ID_LEN; c++)
			counts[(unsigned char)token->id[c]]++;
		for (int c = 0; c < TOKEN_SECRET_LEN; c++)
			counts[secret_view(token->secret)[c]]++;
	}
	for (const char *at = ALPHABET; *at; at++) {
		double there = counts[(unsigned char)*at];

		assert_true(there > expected * 0.93);
		assert_true(there < expected * 1.07);
		counts[(unsigned char)*at] = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_int_equal(counts[i], 0);
}

static void a_static_token_is_sixteen_bytes_in_hex(void **state)
{
	AUTO_FREE(token) one = make(TOKEN_STATIC);
	AUTO_FREE(token) two = make(TOKEN_STATIC);

	(void)state;
	assert_int_equal(secret_len(one->secret), 32);
	for (int i = 0; i < 32; i++)
		assert_non_null(memchr(
			"0123456789abcdef", secret_view(one->secret)[i], 16));
	assert_false(secret_equal(one->secret, two->secret));
}

static void the_ledger_never_learns_a_secret(void **state)
{
	AUTO_FREE(token) token = make(TOKEN_STATIC);
	AUTO_FREE(token) other = make_known("abcdef", "0123456789abcdef");
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT id = NULL;
	AUTO_TEXT other_id = NULL;

	(void)state;
	memcpy(secret_bytes(token->secret), "02b50b05283e98dd0fd71db496ef01e8",
		32);
	assert_true(token_public_id(token, &id, &err));
	/* printf %s 02b5… | sha256sum */
	assert_string_equal(id, "sha256:2d5dc0f4fdf688fd");
	assert_true(token_public_id(other, &other_id, &err));
	assert_string_equal(other_id, "abcdef");
}

static void groups_are_held_to_the_rule(void **state)
{
	static char longest[22 + 256], longer[22 + 257];
	static const struct {
		const char *group;
		enum error_kind secret, csv;
	} rows[] = {
		{"system:bootstrappers", ERROR_REFUSED, ERROR_NONE},
		{"system:bootstrappers:a", ERROR_NONE, ERROR_NONE},
		{"system:bootstrappers:kubeadm:default-node-token", ERROR_NONE,
			ERROR_NONE},
		{longest, ERROR_NONE, ERROR_NONE},
		{longer, ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:", ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:A", ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:a:", ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:a-", ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:a.b", ERROR_INPUT, ERROR_INPUT},
		{"system:bootstrappers:a,system:masters", ERROR_INPUT,
			ERROR_INPUT},
		{"system:bootstrappers:a\n", ERROR_INPUT, ERROR_INPUT},
		{"system:masters", ERROR_REFUSED, ERROR_REFUSED},
		{"system:nodes", ERROR_REFUSED, ERROR_REFUSED},
		{" system:bootstrappers:a", ERROR_REFUSED, ERROR_REFUSED},
		{"system:bootstrappersx", ERROR_REFUSED, ERROR_REFUSED},
		{"", ERROR_REFUSED, ERROR_REFUSED},
	};

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	memset(longer, 'a', sizeof(longer) - 1);
	memcpy(longest, "system:bootstrappers:", 21);
	memcpy(longer, "system:bootstrappers:", 21);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(error) csv_err = ERROR_INIT;

		assert_int_equal(
			token_check_group(TOKEN_BOOTSTRAP, rows[i].group, &err),
			rows[i].secret == ERROR_NONE);
		assert_int_equal(err.kind, rows[i].secret);
		assert_int_equal(token_check_group(
					 TOKEN_STATIC, rows[i].group, &csv_err),
			rows[i].csv == ERROR_NONE);
		assert_int_equal(csv_err.kind, rows[i].csv);
	}
}

static void a_group_is_there_once_and_found_whole(void **state)
{
	AUTO_FREE(token) token = make(TOKEN_BOOTSTRAP);
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_false(token_has_group(token, "system:bootstrappers:a"));
	assert_true(token_add_group(token, "system:bootstrappers:ab", &err));
	assert_false(token_has_group(token, "system:bootstrappers:a"));
	assert_true(token_add_group(token, "system:bootstrappers:a", &err));
	assert_true(token_add_group(token, "system:bootstrappers:a", &err));
	assert_true(token_has_group(token, "system:bootstrappers:a"));
	assert_string_equal(token->groups,
		"system:bootstrappers:ab,system:bootstrappers:a");
	for (char c = 'b'; c < 'b' + TOKEN_GROUPS_MAX - 2; c++) {
		AUTO_TEXT group = memory_format("system:bootstrappers:%c", c);

		assert_true(token_add_group(token, group, &err));
	}
	assert_false(token_add_group(token, "system:bootstrappers:z", &err));
	assert_int_equal(err.kind, ERROR_INPUT);
}

static void a_node_has_a_group_of_its_own(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	char group[TOKEN_NODE_GROUP];

	(void)state;
	/* printf worker-1.example | sha256sum | cut -c1-16 */
	assert_true(token_node_group("worker-1.example", group, &err));
	assert_string_equal(
		group, "system:bootstrappers:kpki:f615b9184c9c9fd0");
	assert_true(token_check_group(TOKEN_BOOTSTRAP, group, &err));
}

static void usages_are_words_with_commas(void **state)
{
	static const struct {
		const char *text;
		unsigned usages;
	} rows[] = {
		{"authentication", TOKEN_AUTHENTICATION},
		{"signing", TOKEN_SIGNING},
		{"signing,authentication",
			TOKEN_AUTHENTICATION | TOKEN_SIGNING},
		{"", 0},
		{"sign", 0},
		{"signing,", 0},
		{",signing", 0},
		{"signing, authentication", 0},
		{"Signing", 0},
	};
	AUTO_TEXT both =
		token_format_usages(TOKEN_AUTHENTICATION | TOKEN_SIGNING);

	(void)state;
	assert_string_equal(both, "authentication,signing");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		unsigned usages = 0;

		assert_int_equal(
			token_parse_usages(rows[i].text, &usages, &err),
			rows[i].usages != 0);
		assert_int_equal(usages, rows[i].usages);
	}
}

static void a_manifest_quotes_every_scalar(void **state)
{
	AUTO_FREE(token) token = make_known("123456", "1234567890123456");
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT text = NULL;

	(void)state;
	token->usages = TOKEN_AUTHENTICATION | TOKEN_SIGNING;
	token->expires = true;
	token->expiry = (struct instant){1893553445};
	assert_true(token_add_group(token, "system:bootstrappers:a", &err));
	assert_true(token_add_group(token, "system:bootstrappers:b", &err));
	assert_true(token_set_description(
		token, "a \"token-secret: \"\" here", &err));
	text = write_all(token, TOKEN_MANIFEST);
	assert_string_equal(text,
		"apiVersion: \"v1\"\n"
		"kind: \"Secret\"\n"
		"metadata:\n"
		"  name: \"bootstrap-token-123456\"\n"
		"  namespace: \"kube-system\"\n"
		"type: \"bootstrap.kubernetes.io/token\"\n"
		"stringData:\n"
		"  description: \"a \\\"token-secret: \\\"\\\" here\"\n"
		"  token-id: \"123456\"\n"
		"  token-secret: \"1234567890123456\"\n"
		"  expiration: \"2030-01-02T03:04:05Z\"\n"
		"  usage-bootstrap-authentication: \"true\"\n"
		"  usage-bootstrap-signing: \"true\"\n"
		"  auth-extra-groups: "
		"\"system:bootstrappers:a,system:bootstrappers:b\"\n");
}

static void a_manifest_says_nothing_that_is_not_so(void **state)
{
	AUTO_FREE(token) token = make_known("abcdef", "0123456789abcdef");
	AUTO_TEXT text = write_all(token, TOKEN_MANIFEST);

	(void)state;
	assert_null(strstr(text, "expiration"));
	assert_null(strstr(text, "usage-"));
	assert_null(strstr(text, "groups"));
	assert_null(strstr(text, "description"));
}

static void a_line_quotes_what_must_be_and_the_groups_always(void **state)
{
	static const struct {
		const char *user, *uid, *line;
	} rows[] = {
		{"kubelet-bootstrap", "10001",
			",kubelet-bootstrap,10001,\"system:bootstrappers\"\n"},
		{"a,b", "\"", ",\"a,b\",\"\"\"\",\"system:bootstrappers\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token) token = make(TOKEN_STATIC);
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT text = NULL;

		assert_true(
			token_set_user(token, rows[i].user, rows[i].uid, &err));
		assert_true(
			token_add_group(token, "system:bootstrappers", &err));
		text = write_all(token, TOKEN_CSV);
		assert_string_equal(text + 32, rows[i].line);
	}
}

static void a_user_is_not_one_of_kubernetes_own(void **state)
{
	static const struct {
		const char *user, *uid;
		enum error_kind kind;
	} rows[] = {
		{"system:kube-scheduler", "1", ERROR_REFUSED},
		{"system:", "1", ERROR_REFUSED},
		{"", "1", ERROR_INPUT},
		{"a", "", ERROR_INPUT},
		{" a", "1", ERROR_INPUT},
		{"a", "1 ", ERROR_INPUT},
		{"a\nb", "1", ERROR_INPUT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token) token = make(TOKEN_STATIC);
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(
			token_set_user(token, rows[i].user, rows[i].uid, &err));
		assert_int_equal(err.kind, rows[i].kind);
		assert_null(token->user);
	}
}

static void plain_text_is_the_token_and_a_newline(void **state)
{
	AUTO_FREE(token) token = make_known("abcdef", "0123456789abcdef");
	AUTO_TEXT text = write_all(token, TOKEN_PLAIN);

	(void)state;
	assert_string_equal(text, "abcdef.0123456789abcdef\n");
}

static void what_it_is_not_for_is_refused(void **state)
{
	AUTO_FREE(token) token = make_known("abcdef", "0123456789abcdef");
	struct instant end = {1000}, before = {999};
	AUTO_RELEASE(error) usage_err = ERROR_INIT;
	AUTO_RELEASE(error) expired_err = ERROR_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	token->usages = TOKEN_SIGNING;
	assert_false(
		token_require(token, TOKEN_AUTHENTICATION, end, &usage_err));
	assert_int_equal(usage_err.kind, ERROR_REFUSED);
	assert_true(token_require(token, TOKEN_SIGNING, end, &err));
	token->expires = true;
	token->expiry = end;
	assert_true(token_require(token, TOKEN_SIGNING, before, &err));
	assert_false(token_require(token, TOKEN_SIGNING, end, &expired_err));
	assert_int_equal(expired_err.kind, ERROR_REFUSED);
	assert_string_equal(expired_err.message,
		"token \"abcdef\": expired at 1970-01-01T00:16:40Z");
	token->described = false;
	assert_true(token_require(token, TOKEN_AUTHENTICATION, end, &err));
}

/* Kubernetes: cluster-bootstrap/token/jws/jws_test.go */
static void a_signature_is_the_one_kubernetes_makes(void **state)
{
	static const char hello[] = "Hello from the other side. I must have "
				    "called a thousand times.";
	static const char passcode[] = "my voice is my passcode";
	static const struct {
		const char *content, *secret, *signature;
	} rows[] = {
		{hello, passcode,
			"VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"},
		{"", passcode, "7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"},
		{hello, "", "UfkqvDGiIFxrMnFseDj9LYJOLNrvjW8aHhF71mvvAs8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token) token = make_known("joshua", rows[i].secret);
		AUTO_RELEASE(buffer) content = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT wanted = memory_format(
			"eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..%s",
			rows[i].signature);
		AUTO_TEXT signature = NULL;

		buffer_add_text(&content, rows[i].content);
		assert_true(token_sign(token, &content, &signature, &err));
		assert_string_equal(signature, wanted);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_is_as_likely_as_any_other),
		cmocka_unit_test(a_static_token_is_sixteen_bytes_in_hex),
		cmocka_unit_test(the_ledger_never_learns_a_secret),
		cmocka_unit_test(groups_are_held_to_the_rule),
		cmocka_unit_test(a_group_is_there_once_and_found_whole),
		cmocka_unit_test(a_node_has_a_group_of_its_own),
		cmocka_unit_test(usages_are_words_with_commas),
		cmocka_unit_test(a_manifest_quotes_every_scalar),
		cmocka_unit_test(a_manifest_says_nothing_that_is_not_so),
		cmocka_unit_test(
			a_line_quotes_what_must_be_and_the_groups_always),
		cmocka_unit_test(a_user_is_not_one_of_kubernetes_own),
		cmocka_unit_test(plain_text_is_the_token_and_a_newline),
		cmocka_unit_test(what_it_is_not_for_is_refused),
		cmocka_unit_test(a_signature_is_the_one_kubernetes_makes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
