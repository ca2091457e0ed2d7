/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kube/token_read.h"

#define SECRET                                                                 \
	"apiVersion: \"v1\"\n"                                                 \
	"kind: \"Secret\"\n"                                                   \
	"metadata:\n"                                                          \
	"  name: \"bootstrap-token-abcdef\"\n"                                 \
	"  namespace: \"kube-system\"\n"                                       \
	"type: \"bootstrap.kubernetes.io/token\"\n"                            \
	"stringData:\n"
#define ID "  token-id: \"abcdef\"\n"
#define PART "  token-secret: \"0123456789abcdef\"\n"
#define LINE "02b50b05283e98dd0fd71db496ef01e8,kubelet-bootstrap,10001,"

static bool describe(void *data, struct token **token, struct error *err)
{
	struct buffer *text = data;
	AUTO_TEXT id = NULL;
	AUTO_TEXT usages = token_format_usages((*token)->usages);

	if (!token_public_id(*token, &id, err))
		return false;
	buffer_format(text, "%s%s %.4s %s [%s] %lld", text->len ? "; " : "", id,
		(const char *)secret_view((*token)->secret), usages,
		(*token)->groups,
		(*token)->expires ? (long long)(*token)->expiry.seconds : -1LL);
	return true;
}

static bool read_text(const char *text, struct buffer *found, struct error *err)
{
	AUTO_FREE(source) source = source_of_text("t", text, strlen(text));

	return token_read(source, describe, found, err);
}

static void what_kpki_writes_is_read_back(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{"abcdef.0123456789abcdef\n", "abcdef 0123  [] -1"},
		{"# mine\n\nabcdef.0123456789abcdef", "abcdef 0123  [] -1"},
		{"abcdef.0123456789abcdef\nghijkl.1123456789abcdef\n",
			"abcdef 0123  [] -1; ghijkl 1123  [] -1"},
		{LINE "\"system:bootstrappers\"\n",
			"sha256:2d5dc0f4fdf688fd 02b5 authentication "
			"[system:bootstrappers] -1"},
		{LINE "\"system:bootstrappers,system:bootstrappers:a\"\n",
			"sha256:2d5dc0f4fdf688fd 02b5 authentication "
			"[system:bootstrappers,system:bootstrappers:a] -1"},
		{SECRET ID PART, "abcdef 0123  [] -1"},
		{"# one\n---\n" SECRET PART ID "---\n---\n",
			"abcdef 0123  [] -1"},
		{SECRET ID "  token-secret: '0123456789abcdef'  \n",
			"abcdef 0123  [] -1"},
		{SECRET ID PART
			"  # token-secret: none of anybody's business\n"
			"  usage-bootstrap-authentication: \"true\"\n"
			"  usage-bootstrap-signing: \"false\"\n"
			"  expiration: \"1970-01-01T00:00:09Z\"\n"
			"  description: \"d\"\n"
			"  auth-extra-groups: "
			"\"system:bootstrappers:a,system:bootstrappers:b\"\n",
			"abcdef 0123 authentication "
			"[system:bootstrappers:a,system:bootstrappers:b] 9"},
		{SECRET ID PART "---\n" SECRET ID
				"  token-secret: \"9999999999999999\"\n",
			"abcdef 0123  [] -1; abcdef 9999  [] -1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (!read_text(rows[i].text, &found, &err))
			fail_msg("%zu: %s", i, err.message);
		assert_string_equal(found.data, rows[i].found);
	}
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} rows[] = {
		{"", 0, "holds no token"},
		{"# nothing\n---\n", 0, "holds no token"},
		{"abcdef.0123456789abcde\n", 1, "not a token"},
		{"Abcdef.0123456789abcdef\n", 1, "not a token"},
		{"abcdef.0123456789abcdef0\n", 1, "not a token"},
		{" abcdef.0123456789abcdef\n", 1, "not a token"},
		{"abcdef.0123456789abcdef\nxyz\n", 2, "not a token"},
		{"02b50b05283e98dd0fd71db496ef01e,a,b,\"c\"\n", 1,
			"not a token of 32"},
		{LINE "system:bootstrappers,system:bootstrappers:a\n", 1,
			"not a line of"},
		{LINE "\"system:bootstrappers\n", 1, "not a line of"},
		{LINE "\"system:bootstrappers\"x\n", 1, "not a line of"},
		{"02b50b05283e98dd0fd71db496ef01e8,a\n", 1, "uid \"\": empty"},
		{LINE "\"system:masters\"\n", 1, "\"system:masters\""},
		{SECRET ID, 1, "its secret is not in stringData"},
		{SECRET ID PART PART, 10, "is there twice"},
		{SECRET ID "  token-secret: \"0123456789abcdeF\"\n", 9,
			"not 16 of"},
		{SECRET ID "  token-secret: 0123456789abcdef\n", 9,
			"not 16 of"},
		{SECRET ID "  token-secret: \"0123456789abcdef\" # x\n", 9,
			"not 16 of"},
		{"data: {\"token-secret\": \"MDEyMzQ1Njc4OWFiY2RlZg==\"}\n", 1,
			"not 16 of"},
		{"---\n" SECRET ID PART "  more: \"x\"\n", 11, "key \"more\""},
		{SECRET "  token-id: \"abcdeF\"\n" PART, 8, "token-id"},
		{SECRET "  token-id: \"abcdeg\"\n" PART, 4, "\"name\""},
		{SECRET "  token-id: 123456\n" PART, 8, "token-id"},
		{SECRET ID PART "  expiration: \"tomorrow\"\n", 8,
			"\"expiration\""},
		{SECRET ID PART "  auth-extra-groups: \"system:masters\"\n", 8,
			"system:masters"},
		{SECRET ID PART "---\nkind: \"List\"\n", 11, "no Secret"},
		{SECRET ID PART "---\n" SECRET ID
				"  token-secret: \"0123456789abcdef\"\n bad\n",
			20, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(buffer) found = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		print_message("# %zu\n", i);
		assert_false(read_text(rows[i].text, &found, &err));
		if (err.line != rows[i].line ||
			!strstr(err.message, rows[i].words))
			fail_msg("%u: %s", err.line, err.message);
		assert_string_equal(err.file, "t");
		assert_null(strstr(err.message, "0123456789abcde"));
		assert_null(strstr(err.message, "MDEyMz"));
		assert_null(strstr(err.message, "02b50b05"));
	}
}

static void one_is_one(void **state)
{
	static const char two[] =
		"abcdef.0123456789abcdef\nghijkl.0123456789abcdef\n";
	AUTO_FREE(source) one_source = source_of_text("t", two, 24);
	AUTO_FREE(source)
	two_source = source_of_text("t", two, sizeof(two) - 1);
	AUTO_FREE(token) token = NULL;
	AUTO_FREE(token) none = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	assert_true(token_read_one(one_source, &token, &err));
	assert_string_equal(token->id, "abcdef");
	assert_false(token->described);
	assert_false(token_read_one(two_source, &none, &err));
	assert_null(none);
	assert_string_equal(err.message, "holds more than one token");
}

static void a_token_is_found_at_the_beginning_of_a_text(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{"abcdef.0123456789abcdef\"\n", true},
		{"abcdef.0123456789abcdef", false}, /* it may go on */
		{"abcdef.0123456789abcdefg\"", false},
		{"abcdef.0123456789abcde\"\n", false},
		{"abcdefg.0123456789abcdef\"", false},
		{"Abcdef.0123456789abcdef\"", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(token)
		token = token_begin(rows[i].text, strlen(rows[i].text));

		assert_int_equal(token != NULL, rows[i].is);
		if (!token)
			continue;
		assert_string_equal(token->id, "abcdef");
		assert_memory_equal(
			secret_view(token->secret), "0123456789abcdef", 16);
	}
}

static void a_manifest_comes_back_as_it_was(void **state)
{
	AUTO_FREE(token) token = NULL;
	AUTO_FREE(token) again = NULL;
	AUTO_RELEASE(gap) gap = GAP_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct file_part parts[GAP_PARTS];
	AUTO_TEXT text = NULL;
	AUTO_FREE(source) source = NULL;

	(void)state;
	assert_true(token_new(TOKEN_BOOTSTRAP, &token, &err));
	assert_true(token_set_description(token, "\"it\": 'x' # y", &err));
	token->usages = TOKEN_SIGNING;
	assert_true(token_write(token, TOKEN_MANIFEST, &gap, &err));
	gap_fill(&gap, token->secret, parts);
	text = memory_format("%s%.16s%s", gap.head.data,
		(const char *)secret_view(parts[1].secret), gap.tail.data);
	source = source_of_text("t", text, strlen(text));
	assert_true(token_read_one(source, &again, &err));
	assert_string_equal(again->id, token->id);
	assert_true(secret_equal(again->secret, token->secret));
	assert_string_equal(again->description, token->description);
	assert_true(again->described);
	assert_int_equal(again->usages, TOKEN_SIGNING);
	assert_false(again->expires);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_kpki_writes_is_read_back),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(one_is_one),
		cmocka_unit_test(a_token_is_found_at_the_beginning_of_a_text),
		cmocka_unit_test(a_manifest_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
