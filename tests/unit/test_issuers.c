/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/issuers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/authority.h"
#include "pki/pem.h"

/* 2026-11-24T01:14:59Z */
static const struct instant now = {1795482899};

/* A root, and CAs below it, each signed by the one before. */
#define DEPTH 3
struct family {
	struct authority *all[DEPTH];
};

static struct authority *new_root(const char *name)
{
	const struct authority_request request = {
		.common_name = name,
		.key_type = KEY_ECDSA_P256,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, SPAN_YEAR),
	};
	struct authority *root = NULL;
	struct error err = ERROR_INIT;

	if (!authority_create(&request, &root, &err))
		fail_msg("%s", err.message);
	return root;
}

static bool issue(const struct authority *by, const char *name, int path_len,
	struct authority **ret_ca, struct error *err)
{
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(key) key = NULL;
	struct certificate_plan plan = {
		.not_before = authority_certificate(by)->not_before,
		.not_after = authority_certificate(by)->not_after,
		.is_ca = true,
		.path_len = path_len,
		.key_usage = USAGE_KEY_CERT_SIGN,
	};

	assert_true(key_generate(KEY_ECDSA_P256, &key, err));
	assert_true(certificate_name(NULL, 0, name, &subject, err));
	plan.subject = der_of(&subject);
	plan.public_key = key_public(key);
	if (!authority_issue_ca(by, &plan, &der, err))
		return false;
	assert_true(certificate_read(der_of(&der), &certificate, err));
	assert_true(authority_new(&certificate, &key, now, ret_ca, err));
	return true;
}

static int begin(void **state)
{
	struct family *family = memory_new(1, sizeof(*family));
	struct error err = ERROR_INIT;

	family->all[0] = new_root("root");
	if (!issue(family->all[0], "middle", 1, &family->all[1], &err) ||
		!issue(family->all[1], "low", 0, &family->all[2], &err))
		fail_msg("%s", err.message);
	*state = family;
	return 0;
}

static int end(void **state)
{
	struct family *family = *state;

	for (size_t i = 0; i < DEPTH; i++)
		authority_free(family->all[i]);
	free(family);
	return 0;
}

static const struct certificate *at(const struct family *family, size_t i)
{
	return authority_certificate(family->all[i]);
}

/* "" when it is right. */
static void expect(const struct issuers *issuers, const struct certificate *ca,
	struct instant when, const char *message)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool done = issuers_check(issuers, ca, when, &err);

	if (done != !*message || (!done && !strstr(err.message, message)))
		fail_msg("\"%s\", not \"%s\"", done ? "" : err.message,
			message);
	if (!done)
		assert_int_equal(err.kind, ERROR_INPUT);
}

static void each_signs_the_one_before(void **state)
{
	const struct family *family = *state;
	AUTO_FREE(authority) twin = new_root("root");
	AUTO_RELEASE(issuers) whole = {.n_items = 0};
	AUTO_RELEASE(issuers) turned = {.n_items = 0};
	AUTO_RELEASE(issuers) foreign = {.n_items = 0};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(issuers_add(&whole, at(family, 1), &err));
	expect(&whole, at(family, 2), now, "");
	assert_true(issuers_add(&whole, at(family, 0), &err));
	expect(&whole, at(family, 2), now, "");
	expect(&whole, at(family, 1), now, "is not the issuer of");
	expect(&whole, at(family, 2), instant_add(now, 2 * SPAN_YEAR),
		"chain: \"CN=middle\": CA certificate: expired");
	assert_true(issuers_add(&turned, at(family, 0), &err));
	expect(&turned, at(family, 2), now,
		"chain: \"CN=root\" is not the issuer of \"CN=low\"");
	assert_true(issuers_add(
		&foreign, authority_certificate(twin), &err));
	expect(&foreign, at(family, 1), now,
		"chain: \"CN=middle\", which \"CN=root\" is to have signed");
}

static void path_lengths_leave_room(void **state)
{
	const struct family *family = *state;
	AUTO_RELEASE(error) none = ERROR_INIT;
	AUTO_RELEASE(error) leaf = ERROR_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct authority *made = NULL;

	assert_false(issue(family->all[2], "below", 0, &made, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.message, "pathLenConstraint is 0"));
	assert_false(issue(family->all[1], "wide", 1, &made, &none));
	assert_non_null(strstr(none.message, "has less than 1"));
	assert_false(issue(family->all[0], "endless", -1, &made, &leaf));
	assert_non_null(strstr(leaf.message, "without a path length"));
}

static void what_was_written_is_read(void **state)
{
	const struct family *family = *state;
	AUTO_RELEASE(issuers) written = {.n_items = 0};
	AUTO_RELEASE(issuers) read = {.n_items = 0};
	AUTO_RELEASE(issuers) behind = {.n_items = 0};
	AUTO_FREE(certificate) first = NULL;
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	for (size_t i = DEPTH; i > 0; i--)
		assert_true(issuers_add(&written, at(family, i - 1), &err));
	issuers_write(&written, &pem);
	assert_true(issuers_read(der_of(&pem), &read, &err));
	assert_int_equal(read.n_items, DEPTH);
	for (size_t i = 0; i < DEPTH; i++)
		assert_true(der_equal(
			read.items[i]->whole, at(family, 2 - i)->whole));
	assert_true(issuers_read_behind(der_of(&pem), &first, &behind, &err));
	assert_true(der_equal(first->whole, at(family, 2)->whole));
	assert_int_equal(behind.n_items, DEPTH - 1);
}

static void nothing_else_is_read(void **state)
{
	const struct family *family = *state;
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "no certificate in it"},
		{"text\n", "no certificate in it"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
		 "\n",
			"\"PRIVATE KEY\" block"},
		{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
		 "\n",
			"certificate 1: "},
	};
	AUTO_RELEASE(buffer) many = BUFFER_INIT;
	struct issuers issuers = {.n_items = 0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct der text = {(const unsigned char *)rows[i].text,
			strlen(rows[i].text)};
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_false(issuers_read(text, &issuers, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_non_null(strstr(err.message, rows[i].message));
	}
	for (size_t i = 0; i <= ISSUERS_MAX; i++)
		pem_write(&many, "CERTIFICATE", at(family, 0)->whole);
	AUTO_RELEASE(error) err = ERROR_INIT;
	assert_false(issuers_read(der_of(&many), &issuers, &err));
	assert_non_null(strstr(err.message, "more than 8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_signs_the_one_before),
		cmocka_unit_test(path_lengths_leave_room),
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(nothing_else_is_read),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
