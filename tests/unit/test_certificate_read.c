/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pki/certificate.h"
#include "pki/names.h"
#include "pki/oid.h"
#include "pki/pem.h"

/* A certificate put together from parts that are DER already. */
enum part {
	VERSION,
	SERIAL,
	INNER,
	ISSUER,
	VALIDITY,
	SUBJECT,
	PUBLIC_KEY,
	UNIQUE_IDS,
	EXTENSIONS, /* inside their SEQUENCE; empty: no [3] */
	OUTER,
	SIGNATURE,
	END,
	PARTS,
};

#define ECDSA "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define NAME_OF(letter)                                                        \
	"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01" letter
#define POINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define EC_KEY                                                                 \
	"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86" \
	"\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04" POINT
#define TIMES(from, to) "\x30\x1e\x17\x0d" from "\x17\x0d" to
#define CA_FALSE "\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00"
#define CA_TRUE                                                                \
	"\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff"
#define SAN_A "\x30\x0c\x06\x03\x55\x1d\x11\x04\x05\x30\x03\x82\x01\x61"
#define CRITICAL_SAN_A                                                         \
	"\x30\x0f\x06\x03\x55\x1d\x11\x01\x01\xff\x04\x05\x30\x03\x82\x01\x61"

static const struct der good[PARTS] = {
	[VERSION] = DER_LITERAL("\xa0\x03\x02\x01\x02"),
	[SERIAL] = DER_LITERAL("\x02\x01\x05"),
	[INNER] = DER_LITERAL(ECDSA),
	[ISSUER] = DER_LITERAL(NAME_OF("C")),
	[VALIDITY] = DER_LITERAL(TIMES("261124000000Z", "271124000000Z")),
	[SUBJECT] = DER_LITERAL(NAME_OF("S")),
	[PUBLIC_KEY] = DER_LITERAL(EC_KEY),
	[EXTENSIONS] = DER_LITERAL(CA_FALSE),
	[UNIQUE_IDS] = DER_LITERAL(""),
	[OUTER] = DER_LITERAL(ECDSA),
	[SIGNATURE] = DER_LITERAL("\x03\x05\x00sign"),
	[END] = DER_LITERAL(""),
};

static void put_parts(
	struct der_writer *out, const struct der *parts, int from, int to)
{
	for (int part = to; part >= from; part--)
		der_put_raw(out, parts[part].bytes, parts[part].len);
}

static struct der build(
	const struct der *parts, unsigned char *storage, size_t size)
{
	struct der_writer out = der_writer(storage, size);
	AUTO_RELEASE(error) err = ERROR_INIT;
	size_t whole, tbs;
	struct der der;

	put_parts(&out, parts, END, END);
	whole = der_mark(&out);
	put_parts(&out, parts, OUTER, SIGNATURE);
	tbs = der_mark(&out);
	put_parts(&out, parts, EXTENSIONS, EXTENSIONS);
	if (der_mark(&out) > tbs) {
		der_wrap(&out, DER_SEQUENCE, tbs);
		der_wrap(&out, DER_CONTEXT_CONSTRUCTED | 3, tbs);
	}
	put_parts(&out, parts, VERSION, UNIQUE_IDS);
	der_wrap(&out, DER_SEQUENCE, tbs);
	der_wrap(&out, DER_SEQUENCE, whole);
	assert_true(der_written(&out, &der, &err));
	return der;
}

struct row {
	enum part part;
	struct der der;
	const char *message; /* NULL: it is read */
};

/* One part of a good certificate is replaced. */
static void check_rows(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		unsigned char storage[8192];
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(certificate) read = NULL;
		struct der parts[PARTS];

		memcpy(parts, good, sizeof(parts));
		parts[rows[i].part] = rows[i].der;
		if (certificate_read(build(parts, storage, sizeof(storage)),
			    &read, &err)) {
			if (rows[i].message)
				fail_msg("row %zu was read, not: %s", i,
					rows[i].message);
			continue;
		}
		if (!rows[i].message)
			fail_msg("row %zu: %s", i, err.message);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(err.message, rows[i].message);
	}
}
#define CHECK_ROWS(rows) check_rows(rows, ARRAY_SIZE(rows))

static void a_good_certificate_is_read(void **state)
{
	static const struct row rows[] = {{END, DER_LITERAL(""), NULL}};

	(void)state;
	CHECK_ROWS(rows);
}

static void the_whole_is_exact(void **state)
{
	static const char message[] = "not a certificate in DER, or something "
				      "behind it (RFC 5280, 4.1)";
	static const struct row rows[] = {
		{END, DER_LITERAL("\x00"), message},
		{SIGNATURE, DER_LITERAL(""), message},
		{SIGNATURE, DER_LITERAL("\x03\x05\x01sign"), message},
		{SIGNATURE, DER_LITERAL("\x03\x01\x00"), message},
		{SIGNATURE, DER_LITERAL("\x03\x05\x00sign\x05\x00"), message},
		{SIGNATURE, DER_LITERAL("\x03\x81\x05\x00sign"), message},
		{SIGNATURE, DER_LITERAL("\x04\x05\x00sign"), message},
		{OUTER, DER_LITERAL("\x30\x00"), message},
		{OUTER, DER_LITERAL("\x30\x06\x06\x00\x05\x00\x05\x00"),
			message},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void fields_are_checked_by_the_rfc(void **state)
{
	static const char version[] =
		"version: neither 2 nor 3, which it must be where it is "
		"written (RFC 5280, 4.1.2.1)";
	static const char serial[] = "serial number: negative or malformed "
				     "(RFC 5280, 4.1.2.2)";
	static const char differ[] = "signature algorithm: inner and outer "
				     "differ (RFC 5280, 4.1.1.2)";
	static const char public_key[] =
		"public key: not a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7)";
	static const struct row rows[] = {
		{VERSION, DER_LITERAL("\xa0\x03\x02\x01\x00"), version},
		{VERSION, DER_LITERAL("\xa0\x03\x02\x01\x03"), version},
		{VERSION, DER_LITERAL("\xa0\x04\x02\x02\x00\x02"), version},
		{VERSION, DER_LITERAL("\xa0\x05\x02\x01\x02\x05\x00"), version},
		{VERSION, DER_LITERAL(""),
			"extensions: only in version 3 (RFC 5280, 4.1.2.9)"},
		{VERSION, DER_LITERAL("\xa0\x03\x02\x01\x01"),
			"extensions: only in version 3 (RFC 5280, 4.1.2.9)"},
		{SERIAL, DER_LITERAL("\x02\x01\x00"),
			"serial number: zero (RFC 5280, 4.1.2.2)"},
		{SERIAL, DER_LITERAL("\x02\x01\x85"), serial},
		{SERIAL, DER_LITERAL("\x02\x00"), serial},
		{SERIAL, DER_LITERAL("\x02\x02\x00\x05"), serial},
		{SERIAL,
			DER_LITERAL("\x02\x14\x7f"
				    "123456789012345678\x01"),
			NULL},
		{SERIAL,
			DER_LITERAL("\x02\x15\x00\x80"
				    "123456789012345678\x01"),
			"serial number: longer than 20 octets (RFC 5280, "
			"4.1.2.2)"},
		{SERIAL,
			DER_LITERAL("\x02\x15\x01"
				    "1234567890123456789\x01"),
			"serial number: longer than 20 octets (RFC 5280, "
			"4.1.2.2)"},
		{INNER,
			DER_LITERAL("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04"
				    "\x03\x03"),
			differ},
		{OUTER,
			DER_LITERAL("\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04"
				    "\x03\x02\x05\x00"),
			differ},
		{INNER, DER_LITERAL("\x30\x00"),
			"inner signature algorithm: malformed (RFC 5280, "
			"4.1.2.3)"},
		{PUBLIC_KEY, DER_LITERAL("\x30\x00"), public_key},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x0b\x30\x05\x06\x03\x2b\x65\x70"
				    "\x03\x02\x01k"),
			public_key},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x0a\x30\x05\x06\x03\x2b\x65\x70"
				    "\x03\x01\x00"),
			public_key},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x0b\x30\x05\x06\x03\x2b\x65\x70"
				    "\x03\x02\x00k"),
			NULL},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x17\x30\x0b\x06\x09\x2a\x86\x48\x86"
				    "\xf7\x0d\x01\x01\x01\x03\x08\x00\x30\x05"
				    "\x02\x01\x21\x02\x00"),
			"RSA public key: without NULL parameters (RFC 3279, "
			"2.3.1)"},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x19\x30\x0d\x06\x09\x2a\x86\x48\x86"
				    "\xf7\x0d\x01\x01\x01\x05\x00\x03\x08\x00"
				    "\x30\x05\x02\x01\x21\x02\x00"),
			"RSA public key: malformed (RFC 3279, 2.3.1)"},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x1a\x30\x0d\x06\x09\x2a\x86\x48\x86"
				    "\xf7\x0d\x01\x01\x01\x05\x00\x03\x09\x00"
				    "\x30\x06\x02\x01\x21\x02\x01\x03"),
			NULL},
		{PUBLIC_KEY,
			DER_LITERAL("\x30\x11\x30\x0b\x06\x07\x2a\x86\x48\xce"
				    "\x3d\x02\x01\x30\x00\x03\x02\x00k"),
			"EC public key: its curve has no name (RFC 5480, "
			"2.1.1)"},
		{UNIQUE_IDS, DER_LITERAL("\x81\x02\x00i\x82\x02\x00s"), NULL},
		{UNIQUE_IDS, DER_LITERAL("\x05\x00"),
			"signed part: malformed at its end (RFC 5280, 4.1)"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void times_are_checked_by_the_rfc(void **state)
{
	static const char begin[] =
		"notBefore: not a time in Z, with seconds, of the form for "
		"its year (RFC 5280, 4.1.2.5)";
	static const char end[] =
		"notAfter: not a time in Z, with seconds, of the form for its "
		"year (RFC 5280, 4.1.2.5)";
	static const struct row rows[] = {
		{VALIDITY, DER_LITERAL(TIMES("261124000000Z", "261124000000Z")),
			NULL},
		{VALIDITY, DER_LITERAL(TIMES("261124000001Z", "261124000000Z")),
			"validity: ends before it begins"},
		{VALIDITY, DER_LITERAL(TIMES("261324000000Z", "271124000000Z")),
			begin},
		{VALIDITY, DER_LITERAL(TIMES("261124000000Z", "270229000000Z")),
			end},
		{VALIDITY,
			DER_LITERAL("\x30\x20\x18\x0f"
				    "20261124000000Z\x17\x0d"
				    "271124000000Z"),
			begin},
		{VALIDITY,
			DER_LITERAL("\x30\x20\x17\x0d"
				    "261124000000Z\x18\x0f"
				    "99991231235959Z"),
			NULL},
		{VALIDITY,
			DER_LITERAL("\x30\x20\x17\x0d"
				    "261124000000Z\x17\x0d"
				    "271124000000Z\x05\x00"),
			"validity: malformed (RFC 5280, 4.1.2.5)"},
		{VALIDITY, DER_LITERAL("\x31\x00"),
			"validity: malformed (RFC 5280, 4.1.2.5)"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* -- names -- */

static void names_are_checked_by_the_rfc(void **state)
{
	static const struct row rows[] = {
		{ISSUER, DER_LITERAL("\x30\x00"),
			"issuer: empty (RFC 5280, 4.1.2.4)"},
		{ISSUER, DER_LITERAL("\x31\x00"),
			"issuer: not a Name in DER (RFC 5280, 4.1.2.4)"},
		{SUBJECT, DER_LITERAL("\x30\x02\x31\x00"),
			"subject: not a Name in DER (RFC 5280, 4.1.2.4)"},
		{SUBJECT, DER_LITERAL("\x30\x00"),
			"subject: empty, and no subjectAltName (RFC 5280, "
			"4.1.2.6)"},
		{SUBJECT, DER_LITERAL(NAME_OF("_")),
			"subject: a character that does not belong in its "
			"PrintableString (RFC 5280, 4.1.2.4)"},
		{SUBJECT, DER_LITERAL(NAME_OF("*")), NULL},
		{SUBJECT, DER_LITERAL(NAME_OF("\0")),
			"subject: a NUL character in a name"},
		{SUBJECT,
			DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04"
				    "\x03\x0c\x01\xff"),
			"subject: a character that does not belong in its "
			"UTF8String (RFC 5280, 4.1.2.4)"},
		{SUBJECT,
			DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04"
				    "\x03\x16\x01\x80"),
			"subject: a character that does not belong in its "
			"IA5String (RFC 5280, 4.1.2.4)"},
		{SUBJECT,
			DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04"
				    "\x03\x14\x01S"),
			"subject: common name: neither PrintableString nor "
			"UTF8String (RFC 5280, 4.1.2.4)"},
		{SUBJECT,
			DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04"
				    "\x0a\x14\x01S"),
			NULL},
		{SUBJECT,
			DER_LITERAL("\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04"
				    "\x03\x13\x00"),
			"subject: common name: empty (RFC 5280, appendix A.1)"},
		/* the elements of a set ascend */
		{SUBJECT,
			DER_LITERAL("\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04"
				    "\x0a\x13\x01O\x30\x08\x06\x03\x55\x04\x03"
				    "\x13\x01S"),
			"subject: not a Name in DER (RFC 5280, 4.1.2.4)"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void names_are_shown_as_rfc_4514_says(void **state)
{
	static const struct {
		struct der name;
		const char *text, *common_name;
	} rows[] = {
		{DER_LITERAL("\x30\x00"), "", NULL},
		{DER_LITERAL("\x30\x18\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x13"
			     "\x01O\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13"
			     "\x01N"),
			"CN=N,O=O", "N"},
		/* two CNs: the last is the user */
		{DER_LITERAL("\x30\x18\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13"
			     "\x01"
			     "A\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01"
			     "B"),
			"CN=B,CN=A", "B"},
		{DER_LITERAL("\x30\x16\x31\x14\x30\x08\x06\x03\x55\x04\x03\x13"
			     "\x01"
			     "A\x30\x08\x06\x03\x55\x04\x0a\x13\x01"
			     "B"),
			"CN=A+O=B", "A"},
		{DER_LITERAL("\x30\x14\x31\x12\x30\x10\x06\x03\x55\x04\x03\x0c"
			     "\x09 a,+\"\\<>;"),
			"CN=\\ a\\,\\+\\\"\\\\\\<\\>\\;", " a,+\"\\<>;"},
		{DER_LITERAL("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c"
			     "\x04#\x1b\x7f "),
			"CN=\\#\\1B\\7F\\ ", "#\x1b\x7f "},
		{DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x05\x13"
			     "\x01"
			     "7"),
			"2.5.4.5=#130137", NULL},
		{DER_LITERAL("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x14"
			     "\x01"
			     "7"),
			"O=#140137", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT text = NULL;
		AUTO_TEXT common_name = NULL;

		if (!name_read(rows[i].name, &text, &common_name, &err))
			fail_msg("row %zu: %s", i, err.message);
		assert_string_equal(text, rows[i].text);
		if (rows[i].common_name)
			assert_string_equal(common_name, rows[i].common_name);
		else
			assert_null(common_name);
	}
}

static void a_name_of_very_many_parts_is_refused(void **state)
{
	unsigned char storage[2048];
	struct der_writer out = der_writer(storage, sizeof(storage));
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_TEXT text = NULL;
	AUTO_TEXT common_name = NULL;
	struct der name;

	(void)state;
	for (int i = 0; i < 65; i++)
		der_put_raw(&out,
			"\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01N", 12);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_true(der_written(&out, &name, &err));
	assert_false(name_read(name, &text, &common_name, &err));
	assert_string_equal(err.message, "a name of more than 64 attributes");
}

#define LABEL_OF_64                                                            \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void dns_names_have_the_preferred_syntax(void **state)
{
	static const char *const good_names[] = {"a", "worker-1",
		"a.b.c.example", "*.example", "_tcp.example", "A-1.b_c", "123",
		"xn--bcher-kva.example"};
	static const char *const bad_names[] = {"", ".", "a.", ".a", "a..b",
		"-a", "a-", "a.-b", "*", "*a.b", "a.*.b", "**.b", "*.", "a b",
		"a/b", "a:b", "b\xc3\xbc", "a\n",
		LABEL_OF_64};
	char longest[254], *at = longest;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good_names); i++)
		assert_true(dns_name_is_valid(
			good_names[i], strlen(good_names[i])));
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++)
		if (dns_name_is_valid(bad_names[i], strlen(bad_names[i])))
			fail_msg("\"%s\" was taken", bad_names[i]);
	assert_false(dns_name_is_valid("a\0b", 3));
	for (int i = 0; i < 127; i++, at += 2)
		memcpy(at, "a.", 2);
	assert_true(dns_name_is_valid(longest, 253));
	assert_false(dns_name_is_valid(longest, 254));
}

/* -- extensions -- */

#define KU(len, bits) "\x30" len "\x06\x03\x55\x1d\x0f\x04" bits
#define SAN(len, value) "\x30" len "\x06\x03\x55\x1d\x11\x04" value

static void extensions_are_checked_by_the_rfc(void **state)
{
	static const char minimal[] = "keyUsage: bits not minimal (X.690, "
				      "11.2)";
	static const char nine[] =
		"keyUsage: not 1 to 9 bits (RFC 5280, 4.2.1.3)";
	static const char boolean[] = "basicConstraints: cA is there, and not "
				      "TRUE (X.690, 11.1 and 11.5)";
	static const char constraints[] =
		"basicConstraints: pathLenConstraint is not a number from 0 "
		"up (RFC 5280, 4.2.1.9)";
	static const char purposes[] =
		"extKeyUsage: malformed or empty (RFC 5280, 4.2.1.12)";
	static const char authority[] =
		"authorityKeyIdentifier: malformed (RFC 5280, 4.2.1.1)";
	static const struct row rows[] = {
		{EXTENSIONS, DER_LITERAL(""), NULL},
		{EXTENSIONS, DER_LITERAL(CA_FALSE CA_FALSE),
			"extension: there twice (RFC 5280, 4.2)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x08\x06\x02\x2a\x03\x04\x02\x05\x00"
				    "\x30\x08\x06\x02\x2a\x03\x04\x02\x05\x00"),
			"extension: there twice (RFC 5280, 4.2)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x08\x06\x02\x2a\x03\x04\x02\x05\x00"),
			NULL},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0b\x06\x02\x2a\x03\x01\x01\xff\x04"
				    "\x02\x05\x00"),
			"extension 1.2.3: critical and not understood (RFC "
			"5280, 4.2)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0b\x06\x02\x2a\x03\x01\x01\x00\x04"
				    "\x02\x05\x00"),
			"extension: critical is there, and not TRUE (X.690, "
			"11.1 and 11.5)"},
		{EXTENSIONS, DER_LITERAL("\x30\x00"),
			"extension: malformed (RFC 5280, 4.1)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0a\x06\x02\x2a\x03\x04\x02\x05\x00"
				    "\x05\x00"),
			"extension: malformed (RFC 5280, 4.1)"},

		{EXTENSIONS, DER_LITERAL(CA_TRUE), NULL},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30"
				    "\x03\x01\x01\x00"),
			boolean},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30"
				    "\x03\x01\x01\x01"),
			boolean},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0c\x06\x03\x55\x1d\x13\x04\x05\x30"
				    "\x03\x02\x01\x00"),
			"basicConstraints: pathLenConstraint without cA (RFC "
			"5280, 4.2.1.9)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0f\x06\x03\x55\x1d\x13\x04\x08\x30"
				    "\x06\x01\x01\xff\x02\x01\xff"),
			constraints},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0f\x06\x03\x55\x1d\x13\x04\x08\x30"
				    "\x06\x01\x01\xff\x02\x01\x01"),
			NULL},
		{EXTENSIONS,
			DER_LITERAL("\x30\x11\x06\x03\x55\x1d\x13\x04\x0a\x30"
				    "\x08\x01\x01\xff\x02\x03\x01\x00\x00"),
			"basicConstraints: pathLenConstraint is above 65535"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0b\x06\x03\x55\x1d\x13\x04\x04\x30"
				    "\x00\x05\x00"),
			"basicConstraints: malformed (RFC 5280, 4.2.1.9)"},

		{EXTENSIONS, DER_LITERAL(KU("\x0b", "\x04\x03\x02\x07\x80")),
			NULL},
		{EXTENSIONS, DER_LITERAL(KU("\x0b", "\x04\x03\x02\x06\x80")),
			minimal},
		{EXTENSIONS, DER_LITERAL(KU("\x0b", "\x04\x03\x02\x07\xc0")),
			minimal},
		{EXTENSIONS, DER_LITERAL(KU("\x0b", "\x04\x03\x02\x00\x00")),
			minimal},
		{EXTENSIONS, DER_LITERAL(KU("\x0a", "\x03\x03\x01\x00")), nine},
		{EXTENSIONS, DER_LITERAL(KU("\x0b", "\x04\x03\x02\x08\x80")),
			nine},
		{EXTENSIONS,
			DER_LITERAL(KU("\x0c", "\x05\x03\x03\x07\x00\x80")),
			NULL},
		{EXTENSIONS,
			DER_LITERAL(KU("\x0c", "\x05\x03\x03\x06\x00\x40")),
			nine},
		{EXTENSIONS,
			DER_LITERAL(KU("\x0d", "\x06\x03\x04\x07\x00\x00\x80")),
			nine},
		{EXTENSIONS, DER_LITERAL(KU("\x09", "\x02\x05\x00")),
			"keyUsage: malformed (RFC 5280, 4.2.1.3)"},

		{EXTENSIONS,
			DER_LITERAL("\x30\x09\x06\x03\x55\x1d\x25\x04\x02\x30"
				    "\x00"),
			purposes},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0b\x06\x03\x55\x1d\x25\x04\x04\x30"
				    "\x02\x05\x00"),
			"extKeyUsage: malformed (RFC 5280, 4.2.1.12)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x11\x06\x03\x55\x1d\x25\x04\x0a\x30"
				    "\x08\x06\x02\x2a\x03\x06\x02\x2a\x03"),
			"extKeyUsage: a purpose that is there twice"},

		{EXTENSIONS,
			DER_LITERAL("\x30\x0d\x06\x03\x55\x1d\x0e\x01\x01\xff"
				    "\x04\x03\x04\x01k"),
			"subjectKeyIdentifier: critical (RFC 5280, 4.2.1.2)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x09\x06\x03\x55\x1d\x0e\x04\x02\x04"
				    "\x00"),
			"subjectKeyIdentifier: malformed or empty (RFC 5280, "
			"4.2.1.2)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30"
				    "\x03\x80\x01k"),
			NULL},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0f\x06\x03\x55\x1d\x23\x01\x01\xff"
				    "\x04\x05\x30\x03\x80\x01k"),
			"authorityKeyIdentifier: critical (RFC 5280, "
			"4.2.1.1)"},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30"
				    "\x03\x82\x01\x07"),
			authority},
		{EXTENSIONS,
			DER_LITERAL("\x30\x0b\x06\x03\x55\x1d\x23\x04\x04\x30"
				    "\x02\x80\x00"),
			authority},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void alternative_names_are_checked_by_the_rfc(void **state)
{
	static const char empty[] =
		"subjectAltName: malformed or empty (RFC 5280, 4.2.1.6)";
	static const struct row rows[] = {
		{EXTENSIONS, DER_LITERAL(SAN("\x09", "\x02\x30\x00")), empty},
		{EXTENSIONS, DER_LITERAL(SAN("\x09", "\x02\x04\x00")), empty},
		{EXTENSIONS, DER_LITERAL(SAN_A), NULL},
		{EXTENSIONS, DER_LITERAL(SAN("\x0b", "\x04\x30\x02\x82\x00")),
			"subjectAltName: dNSName \"\": not a DNS name (RFC "
			"5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0e", "\x07\x30\x05\x82\x03"
						"a.b")),
			NULL},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0e", "\x07\x30\x05\x82\x03"
						"a b")),
			"subjectAltName: dNSName \"a b\": not a DNS name (RFC "
			"5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0f", "\x08\x30\x06\x87\x04\x0a\0\0"
						"\x01")),
			NULL},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0e", "\x07\x30\x05\x87\x03\x0a\0"
						"\0")),
			"subjectAltName: iPAddress of 3 octets: neither 4 nor "
			"16 (RFC 5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x1b",
				"\x14\x30\x12\x87\x10\0\0\0\0\0\0\0\0\0\0\xff"
				"\xff\x0a\0\0\x01")),
			"subjectAltName: iPAddress: an IPv4 address written "
			"as IPv6"},
		{EXTENSIONS, DER_LITERAL(SAN("\x0c", "\x05\x30\x03\x86\x01 ")),
			"subjectAltName: URI name: empty, or not visible ASCII "
			"(RFC 5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0c", "\x05\x30\x03\x81\x01\xe9")),
			"subjectAltName: email name: empty, or not visible "
			"ASCII (RFC 5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0c", "\x05\x30\x03\x88\x01\x80")),
			"subjectAltName: registeredID: malformed"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0c", "\x05\x30\x03\x89\x01\x61")),
			"subjectAltName: not a GeneralName (RFC 5280, "
			"4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0c", "\x05\x30\x03\x82\x02\x61")),
			"subjectAltName: malformed (RFC 5280, 4.2.1.6)"},
		{EXTENSIONS,
			DER_LITERAL(SAN("\x0d", "\x06\x30\x04\xa4\x02\x31\0")),
			"subjectAltName: directoryName: not a Name in DER (RFC "
			"5280, 4.1.2.4)"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static bool read_parts(const struct der *parts, struct certificate **ret_read,
	struct error *err)
{
	unsigned char storage[4096];

	return certificate_read(
		build(parts, storage, sizeof(storage)), ret_read, err);
}

static void an_empty_subject_wants_a_critical_name(void **state)
{
	static const struct {
		struct der extensions;
		const char *message;
	} rows[] = {
		{DER_LITERAL(SAN_A),
			"subjectAltName: not critical though the subject is "
			"empty (RFC 5280, 4.2.1.6)"},
		{DER_LITERAL(CRITICAL_SAN_A), NULL},
		{DER_LITERAL(CA_TRUE CRITICAL_SAN_A),
			"subject: empty in a CA (RFC 5280, 4.1.2.6)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(certificate) read = NULL;
		struct der parts[PARTS];

		memcpy(parts, good, sizeof(parts));
		parts[SUBJECT] = OID("\x30\x00");
		parts[EXTENSIONS] = rows[i].extensions;
		if (read_parts(parts, &read, &err)) {
			assert_null(rows[i].message);
			assert_string_equal(read->subject_text, "");
			assert_null(read->common_name);
			continue;
		}
		assert_non_null(rows[i].message);
		assert_string_equal(err.message, rows[i].message);
	}
}

static void version_1_has_no_extensions(void **state)
{
	AUTO_RELEASE(error) first = ERROR_INIT;
	AUTO_RELEASE(error) second = ERROR_INIT;
	AUTO_FREE(certificate) read = NULL;
	struct der parts[PARTS];

	(void)state;
	memcpy(parts, good, sizeof(parts));
	parts[VERSION].len = 0;
	parts[EXTENSIONS].len = 0;
	assert_true(read_parts(parts, &read, &first));
	assert_int_equal(read->version, 1);
	assert_false(read->is_ca || read->has_key_usage || read->has_purposes);
	parts[UNIQUE_IDS] = OID("\x81\x02\x00i");
	certificate_free(take(&read));
	assert_false(read_parts(parts, &read, &second));
	assert_string_equal(second.message,
		"unique identifier: not in version 1 (RFC 5280, 4.1.2.8)");
}

static void all_kinds_of_names_and_purposes_are_shown(void **state)
{
	static const char *const texts[] = {"otherName", "email:a@b",
		"x.example", "x400Address", "directoryName:CN=C",
		"ediPartyName", "URI:u:v", "10.0.0.1", "registeredID:1.2.3"};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(certificate) read = NULL;
	struct der parts[PARTS];

	(void)state;
	memcpy(parts, good, sizeof(parts));
	parts[EXTENSIONS] = OID("\x30\x3e\x06\x03\x55\x1d\x11\x04\x37\x30\x35"
				"\xa0\x00\x81\x03"
				"a@b\x82\x09x.example\xa3\x00\xa4\x0e" NAME_OF(
					"C") "\xa5\x00\x86\x03u:v\x87\x04\x0a"
					     "\0\0\x01\x88\x02\x2a\x03"
					     "\x30\x0f\x06\x03\x55\x1d\x25\x04"
					     "\x08\x30\x06\x06\x04\x55\x1d\x25"
					     "\x00");
	if (!read_parts(parts, &read, &err))
		fail_msg("%s", err.message);
	assert_int_equal(read->n_alt_names, ARRAY_SIZE(texts));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_string_equal(read->alt_names[i].text, texts[i]);
	assert_int_equal(read->alt_names[2].kind, ALT_NAME_DNS);
	assert_int_equal(read->alt_names[7].kind, ALT_NAME_IP);
	assert_int_equal(read->alt_names[6].kind, ALT_NAME_OTHER);
	/* anyExtendedKeyUsage is all of them */
	assert_int_equal(read->purposes,
		PURPOSE_SERVER | PURPOSE_CLIENT | PURPOSE_OTHER);
}

static void every_cut_and_every_changed_byte_is_survived(void **state)
{
	unsigned char storage[4096];
	struct der parts[PARTS], der;

	(void)state;
	memcpy(parts, good, sizeof(parts));
	parts[EXTENSIONS] = OID(CA_TRUE CRITICAL_SAN_A);
	der = build(parts, storage, sizeof(storage));
	for (size_t i = 0; i < der.len; i++) {
		unsigned char *octets = memory_copy(der.bytes, der.len);

		for (unsigned value = 0; value < 256; value += 3) {
			AUTO_RELEASE(error) err = ERROR_INIT;
			AUTO_FREE(certificate) read = NULL;

			octets[i] = (unsigned char)(octets[i] + 3);
			if (!certificate_read(
				    (struct der){octets, der.len}, &read, &err))
				assert_int_equal(err.kind, ERROR_INPUT);
		}
		free(octets);
	}
	for (size_t len = 0; len < der.len; len++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(certificate) read = NULL;
		unsigned char *octets = memory_copy(der.bytes, len);

		assert_false(certificate_read(
			(struct der){octets, len}, &read, &err));
		assert_null(read);
		free(octets);
	}
}

static void pem_is_one_block(void **state)
{
	unsigned char storage[4096];
	struct der der = build(good, storage, sizeof(storage));
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_RELEASE(error) first = ERROR_INIT;
	AUTO_RELEASE(error) second = ERROR_INIT;
	AUTO_FREE(certificate) strict = NULL;
	AUTO_FREE(certificate) lax = NULL;
	char pin[PIN_TEXT];

	(void)state;
	pem_write(&text, "CERTIFICATE", der);
	assert_true(certificate_read_pem(
		text.data, text.len, true, &strict, &first));
	assert_true(der_equal(strict->whole, der));
	assert_string_equal(strict->subject_text, "CN=S");
	sha256_pin(&strict->pin, pin);
	assert_int_equal(strlen(pin), PIN_TEXT - 1);
	buffer_add_text(&text, "that was it\n");
	assert_true(
		certificate_read_pem(text.data, text.len, false, &lax, &first));
	assert_false(
		certificate_read_pem(text.data, text.len, true, &lax, &second));
	assert_string_equal(second.message,
		"PEM block \"CERTIFICATE\": no text may stand around it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_certificate_is_read),
		cmocka_unit_test(the_whole_is_exact),
		cmocka_unit_test(fields_are_checked_by_the_rfc),
		cmocka_unit_test(times_are_checked_by_the_rfc),
		cmocka_unit_test(names_are_checked_by_the_rfc),
		cmocka_unit_test(names_are_shown_as_rfc_4514_says),
		cmocka_unit_test(a_name_of_very_many_parts_is_refused),
		cmocka_unit_test(dns_names_have_the_preferred_syntax),
		cmocka_unit_test(extensions_are_checked_by_the_rfc),
		cmocka_unit_test(alternative_names_are_checked_by_the_rfc),
		cmocka_unit_test(an_empty_subject_wants_a_critical_name),
		cmocka_unit_test(version_1_has_no_extensions),
		cmocka_unit_test(all_kinds_of_names_and_purposes_are_shown),
		cmocka_unit_test(every_cut_and_every_changed_byte_is_survived),
		cmocka_unit_test(pem_is_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
