/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/constraints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/authority.h"
#include "pki/oid.h"

/* -- what they permit: as Go does (crypto/x509/verify.go) -- */

struct row {
	const char *permitted, *excluded; /* one each, or NULL */
	const char *name;
	bool is_permitted;
};

static struct alt_name name_of(const char *text)
{
	bool is_ip = strchr(text, ':') || strchr("0123456789", text[0]);

	return (struct alt_name){is_ip ? ALT_NAME_IP : ALT_NAME_DNS, text};
}

static const struct row rows[] = {
	{NULL, NULL, "w1", true},
	{"example.com", NULL, "example.com", true},
	{"example.com", NULL, "a.example.com", true},
	{"example.com", NULL, "a.b.example.com", true},
	{"example.com", NULL, "A.EXAMPLE.COM", true},
	{"example.com", NULL, "*.example.com", true},
	{"example.com", NULL, "badexample.com", false},
	{"example.com", NULL, "com", false},
	{"example.com", NULL, "example.com.evil", false},
	{".example.com", NULL, "a.example.com", true},
	{".example.com", NULL, "example.com", false},
	{"w1", NULL, "w1", true},
	{"w1", NULL, "w11", false},
	{"example.com", NULL, "10.0.0.1", true},
	{"10.0.0.0/8", NULL, "10.255.255.255", true},
	{"10.0.0.0/8", NULL, "11.0.0.0", false},
	{"10.20.16.0/20", NULL, "10.20.31.255", true},
	{"10.20.16.0/20", NULL, "10.20.32.0", false},
	{"0.0.0.0/0", NULL, "192.0.2.1", true},
	{"10.0.0.0/8", NULL, "2001:db8::1", false},
	{"10.0.0.0/8", NULL, "w1", true},
	{"2001:db8::/33", NULL, "2001:db8:7fff::1", true},
	{"2001:db8::/33", NULL, "2001:db8:8000::1", false},
	{"192.0.2.1/32", NULL, "192.0.2.1", true},
	{"192.0.2.1/32", NULL, "192.0.2.0", false},
	{NULL, "example.com", "a.example.com", false},
	{NULL, "example.com", "a.example.org", true},
	{"example.com", "b.example.com", "b.example.com", false},
	{"10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", false},
	{"10.0.0.0/8", "10.1.0.0/16", "10.2.2.3", true},
};

static void names_are_held_to_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct alt_name permitted = {0}, excluded = {0};
		struct alt_name name = name_of(row->name);
		struct certificate ca = {.subject_text = (char *)"CN=ca",
			.permitted = &permitted,
			.n_permitted = row->permitted != NULL,
			.excluded = &excluded,
			.n_excluded = row->excluded != NULL};
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (row->permitted)
			permitted = name_of(row->permitted);
		if (row->excluded)
			excluded = name_of(row->excluded);
		if (constraints_permit(&ca, &name, &err) != row->is_permitted)
			fail_msg("row %zu: %s", i, row->name);
		if (!row->is_permitted)
			assert_int_equal(err.kind, ERROR_REFUSED);
	}
}

static void what_is_no_constraint_is_refused(void **state)
{
	static const struct {
		enum alt_name_kind kind;
		const char *text;
		bool is_good;
	} texts[] = {
		{ALT_NAME_DNS, "example.com", true},
		{ALT_NAME_DNS, ".example.com", true},
		{ALT_NAME_DNS, "*.example.com", false},
		{ALT_NAME_DNS, "", false},
		{ALT_NAME_DNS, ".", false},
		{ALT_NAME_DNS, "a b", false},
		{ALT_NAME_IP, "10.0.0.0/8", true},
		{ALT_NAME_IP, "0.0.0.0/0", true},
		{ALT_NAME_IP, "2001:db8::/32", true},
		{ALT_NAME_IP, "10.0.0.1/8", false},
		{ALT_NAME_IP, "10.0.0.0", false},
		{ALT_NAME_IP, "10.0.0.0/", false},
		{ALT_NAME_IP, "10.0.0.0/33", false},
		{ALT_NAME_IP, "10.0.0.0/-1", false},
		{ALT_NAME_IP, "10.0.0.0/8x", false},
		{ALT_NAME_IP, "example/8", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct alt_name name = {texts[i].kind, texts[i].text};
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (constraints_check(&name, &err) != texts[i].is_good)
			fail_msg("\"%s\"", texts[i].text);
	}
}

/* -- in certificates -- */

static const struct alt_name allowed[] = {
	{ALT_NAME_DNS, "example.com"},
	{ALT_NAME_DNS, ".svc"},
	{ALT_NAME_IP, "10.0.0.0/8"},
	{ALT_NAME_IP, "2001:db8::/33"},
	{ALT_NAME_IP, "0.0.0.0/0"},
};

static struct authority *new_root(void)
{
	const struct authority_request request = {.common_name = "root",
		.key_type = KEY_ECDSA_P256,
		.not_before = {1795482899},
		.not_after = {1895482899}};
	struct authority *root = NULL;
	struct error err = ERROR_INIT;

	if (!authority_create(&request, &root, &err))
		fail_msg("%s", err.message);
	return root;
}

static void what_is_written_is_read(void **state)
{
	AUTO_FREE(authority) root = new_root();
	AUTO_FREE(key) key = NULL;
	AUTO_FREE(certificate) made = NULL;
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(error) none = ERROR_INIT;
	struct certificate_plan plan = {.not_before = {1795482899},
		.not_after = {1895482899},
		.is_ca = true,
		.key_usage = USAGE_KEY_CERT_SIGN,
		.permitted = allowed,
		.n_permitted = ARRAY_SIZE(allowed)};

	(void)state;
	assert_true(key_generate(KEY_ECDSA_P256, &key, &err));
	assert_true(certificate_name(NULL, 0, "site", &subject, &err));
	plan.subject = der_of(&subject);
	plan.public_key = key_public(key);
	assert_true(authority_issue_ca(root, &plan, &der, &err));
	assert_true(certificate_read(der_of(&der), &made, &err));
	assert_int_equal(made->n_permitted, ARRAY_SIZE(allowed));
	assert_int_equal(made->n_excluded, 0);
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		assert_int_equal(made->permitted[i].kind, allowed[i].kind);
		assert_string_equal(made->permitted[i].text, allowed[i].text);
	}
	/* nothing less is what was planned */
	plan.n_permitted--;
	assert_false(certificate_lint(
		der_of(&der), &plan, authority_key(root), &none));
}

static void what_is_malformed_is_not_read(void **state)
{
	static const struct {
		const char *what;
		struct der value;
	} values[] = {
		{"empty", DER_LITERAL("\x30\x00")},
		{"an empty list", DER_LITERAL("\x30\x02\xa0\x00")},
		{"a directory name",
			DER_LITERAL("\x30\x08\xa0\x06\x30\x04\xa4\x02\x30\x00")},
		{"an address without a mask",
			DER_LITERAL("\x30\x0a\xa0\x08\x30\x06\x87\x04\x0a\x00"
				    "\x00\x00")},
		{"a mask with a hole",
			DER_LITERAL("\x30\x0e\xa0\x0c\x30\x0a\x87\x08\x0a\x00"
				    "\x00\x00\xff\x00\xff\x00")},
		{"a minimum",
			DER_LITERAL("\x30\x0a\xa0\x08\x30\x06\x82\x01\x61\x80"
				    "\x01\x00")},
		{"a wildcard",
			DER_LITERAL("\x30\x0a\xa0\x08\x30\x06\x82\x04\x2a\x2e"
				    "\x2e\x61")},
		{"something behind", DER_LITERAL("\x30\x00\x05\x00")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		AUTO_FREE(certificate) into = memory_new(1, sizeof(*into));
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (constraints_read(values[i].value, into, &err))
			fail_msg("%s was read", values[i].what);
		assert_int_equal(err.kind, ERROR_INPUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_held_to_them),
		cmocka_unit_test(what_is_no_constraint_is_refused),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_malformed_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
