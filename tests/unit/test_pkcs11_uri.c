/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pki/pkcs11_uri.h"

static void a_uri_is_taken_apart(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;

	(void)state;
	assert_true(pkcs11_uri_parse(
		"pkcs11:type=private;object=the%20key;token=a%3bb;id=%00%ff;"
		"serial=1?pin-source=file:/etc/pin&module-path=/usr/lib/x.so",
		&uri, &err));
	assert_string_equal(uri.token, "pkcs11:token=a%3bb;serial=1");
	assert_string_equal(uri.key,
		"pkcs11:object=the%20key;token=a%3bb;id=%00%ff;serial=1;"
		"type=private");
	assert_string_equal(uri.object, "the key");
	assert_int_equal(uri.id_len, 2);
	assert_memory_equal(uri.id, "\0\xff", 2);
	assert_string_equal(uri.pin_source, "/etc/pin");
	assert_string_equal(uri.module_path, "/usr/lib/x.so");
}

static void the_least_is_a_token_and_a_key(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;

	(void)state;
	assert_true(pkcs11_uri_parse("pkcs11:slot-id=0;id=%01", &uri, &err));
	assert_null(uri.object);
	assert_null(uri.pin_source);
	assert_null(uri.module_path);
	assert_string_equal(uri.key, "pkcs11:slot-id=0;id=%01;type=private");
}

#define VALUE(name)                                                            \
	"attribute \"" name "\": its value is empty, or has a character that " \
	"must be percent-encoded (RFC 7512, 2.3)"

static void what_breaks_a_rule_is_refused(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "does not begin with \"pkcs11:\""},
		{"PKCS11:token=a;id=b", "does not begin with \"pkcs11:\""},
		{"pkcs11:", "attribute \"\": none that is known here"},
		{"pkcs11:token=a;", "attribute \"\": none that is known here"},
		{"pkcs11:token",
			"attribute \"token\": none that is known here"},
		{"pkcs11:token=a;pin-source=/x",
			"attribute \"pin-source\": none that is known here"},
		{"pkcs11:token=a;id=b?object=c",
			"attribute \"object\": none that is known here"},
		{"pkcs11:token=a;id=b?pin-value=1",
			"attribute \"pin-value\": a URI is no place for a PIN"},
		{"pkcs11:token=a;pin-value=1",
			"attribute \"pin-value\": a URI is no place for a PIN"},
		{"pkcs11:token=a;id=b;id=c", "attribute \"id\": there twice"},
		{"pkcs11:token=;id=b", VALUE("token")},
		{"pkcs11:token=%;id=b", VALUE("token")},
		{"pkcs11:token=%4;id=b", VALUE("token")},
		{"pkcs11:token=%4g;id=b", VALUE("token")},
		{"pkcs11:token=a\nb;id=b", VALUE("token")},
		{"pkcs11:token=a%00b;object=c",
			"attribute \"token\": has a NUL"},
		{"pkcs11:object=c", "names no token"},
		{"pkcs11:token=a", "names no key, by object or id"},
		{"pkcs11:token=a;id=b;type=cert",
			"attribute \"type\": not \"private\""},
		{"pkcs11:token=a;id=b?module-path=x.so",
			"attribute \"module-path\": not the absolute path of a "
			"file"},
		{"pkcs11:token=a;id=b?pin-source=file:x",
			"attribute \"pin-source\": not the absolute path of a "
			"file"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;

		assert_false(pkcs11_uri_parse(rows[i].text, &uri, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(err.rule, rows[i].message);
	}
}

static void a_uri_has_a_bound(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;
	char text[PKCS11_URI_MOST + 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "pkcs11:token=a;object=", 22);
	text[PKCS11_URI_MOST + 1] = '\0';
	assert_false(pkcs11_uri_parse(text, &uri, &err));
	assert_string_equal(err.rule, "longer than 2048 bytes");
	error_release(&err);
	text[PKCS11_URI_MOST] = '\0';
	assert_true(pkcs11_uri_parse(text, &uri, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_is_taken_apart),
		cmocka_unit_test(the_least_is_a_token_and_a_key),
		cmocka_unit_test(what_breaks_a_rule_is_refused),
		cmocka_unit_test(a_uri_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
