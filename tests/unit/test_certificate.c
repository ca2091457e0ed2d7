/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "pki/certificate.h"
#include "pki/oid.h"

static bool is_slow(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload && strstr(preload, "vgpreload");
}

static struct key *generate(enum key_type type)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct key *key = NULL;

	assert_true(key_generate(type, &key, &err));
	return key;
}

static void make_name(
	const char *organization, const char *common_name, struct buffer *name)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(certificate_name(&organization, organization ? 1 : 0,
		common_name, name, &err));
}

/* -- the small parts -- */

static void names_are_an_rdn_each(void **state)
{
	AUTO_RELEASE(buffer) name = BUFFER_INIT;

	(void)state;
	make_name("system:nodes", "w_1", &name);
	assert_true(der_equal(der_of(&name),
		OID("\x30\x25"
		    "\x31\x15\x30\x13\x06\x03\x55\x04\x0a\x13\x0csystem:nodes"
		    "\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03w_1")));
	buffer_reset(&name);
	make_name(NULL, "kubernetes", &name);
	assert_true(der_equal(der_of(&name),
		OID("\x30\x15\x31\x13\x30\x11\x06\x03\x55\x04\x03\x13\x0a"
		    "kubernetes")));
}

static void odd_names_are_refused(void **state)
{
	static const char *const rows[] = {"", "a\nb", "\x1b[2J", "\x7f",
		"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
		"\xe2\x82"};
	AUTO_RELEASE(buffer) name = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) first = ERROR_INIT;
		AUTO_RELEASE(error) second = ERROR_INIT;

		assert_false(certificate_name(NULL, 0, rows[i], &name, &first));
		assert_int_equal(first.kind, ERROR_INPUT);
		assert_false(certificate_name(&rows[i], 1, "x", &name, &second));
		assert_int_equal(second.kind, ERROR_INPUT);
	}
	assert_int_equal(name.len, 0);
}

static void serials_have_twenty_octets_and_differ(void **state)
{
	unsigned char last[SERIAL_MAX] = {0};

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		unsigned char serial[SERIAL_MAX];
		size_t len = 0;

		assert_true(certificate_serial(serial, &len, &err));
		assert_int_equal(len, SERIAL_MAX);
		assert_in_range(serial[0], 1, 0x7f);
		assert_memory_not_equal(serial + SERIAL_MINUTES,
			last + SERIAL_MINUTES, SERIAL_MAX - SERIAL_MINUTES);
		memcpy(last, serial, sizeof(last));
	}
}

/* -- plans -- */

struct fixture {
	struct key *ca_key, *key;
	struct buffer issuer, subject;
	unsigned char ca_key_id[KEY_ID_LEN];
	struct alt_name alt_names[3];
};

static int make_fixture(void **state)
{
	struct fixture *f = memory_new(1, sizeof(*f));
	AUTO_RELEASE(error) err = ERROR_INIT;

	f->ca_key = generate(KEY_ECDSA_P256);
	f->key = generate(KEY_ECDSA_P256);
	f->issuer = f->subject = (struct buffer)BUFFER_INIT;
	make_name(NULL, "kubernetes", &f->issuer);
	make_name("system:nodes", "system:node:worker-1", &f->subject);
	if (!certificate_key_id(key_public(f->ca_key), f->ca_key_id, &err))
		return -1;
	f->alt_names[0] = (struct alt_name){ALT_NAME_DNS, "worker-1"};
	f->alt_names[1] = (struct alt_name){ALT_NAME_IP, "10.0.0.11"};
	f->alt_names[2] = (struct alt_name){ALT_NAME_IP, "2001:db8::11"};
	*state = f;
	return 0;
}

static int free_fixture(void **state)
{
	struct fixture *f = *state;

	key_free(f->ca_key);
	key_free(f->key);
	buffer_release(&f->issuer);
	buffer_release(&f->subject);
	free(f);
	return 0;
}

static struct certificate_plan leaf_plan(const struct fixture *f)
{
	return (struct certificate_plan){
		.issuer = der_of(&f->issuer),
		.subject = der_of(&f->subject),
		.public_key = key_public(f->key),
		.serial = {0x8f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
			15},
		.serial_len = 16,
		.not_before = {1795482899},
		.not_after = {1795482899 + SPAN_YEAR},
		.path_len = -1,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.purposes = PURPOSE_SERVER,
		.alt_names = f->alt_names,
		.n_alt_names = ARRAY_SIZE(f->alt_names),
		.authority_key_id = {f->ca_key_id, KEY_ID_LEN},
	};
}

static struct certificate_plan ca_plan(const struct fixture *f)
{
	struct certificate_plan plan = leaf_plan(f);

	plan.subject = plan.issuer;
	plan.public_key = key_public(f->ca_key);
	plan.is_ca = true;
	plan.path_len = 0;
	plan.key_usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN;
	plan.purposes = 0;
	plan.n_alt_names = 0;
	plan.authority_key_id.len = 0;
	return plan;
}

static void sign(const struct certificate_plan *plan, const struct key *signer,
	struct buffer *der)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (!certificate_sign(plan, signer, der, &err))
		fail_msg("%s", err.message);
}

static void what_is_signed_is_what_the_plan_says(void **state)
{
	struct fixture *f = *state;
	struct certificate_plan plan = leaf_plan(f);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(certificate) read = NULL;

	sign(&plan, f->ca_key, &der);
	assert_true(certificate_lint(der_of(&der), &plan, f->ca_key, &err));
	assert_true(certificate_read(der_of(&der), &read, &err));
	assert_true(certificate_verify(read, key_public(f->ca_key), &err));
	assert_true(certificate_verify_der(
		der_of(&der), key_public(f->ca_key), &err));
	assert_int_equal(read->version, 3);
	assert_true(der_equal(
		read->serial, (struct der){plan.serial, plan.serial_len}));
	assert_true(der_equal(read->issuer, plan.issuer));
	assert_true(der_equal(read->subject, plan.subject));
	assert_true(der_equal(read->public_key, plan.public_key));
	assert_true(der_equal(read->authority_key_id, plan.authority_key_id));
	assert_int_equal(read->subject_key_id.len, KEY_ID_LEN);
	assert_int_equal(read->not_before.seconds, plan.not_before.seconds);
	assert_int_equal(read->not_after.seconds, plan.not_after.seconds);
	assert_true(read->has_basic_constraints && !read->is_ca);
	assert_int_equal(read->path_len, -1);
	assert_true(read->has_key_usage && read->has_purposes);
	assert_int_equal(read->key_usage, USAGE_DIGITAL_SIGNATURE);
	assert_int_equal(read->purposes, PURPOSE_SERVER);
	assert_string_equal(
		read->subject_text, "CN=system:node:worker-1,O=system:nodes");
	assert_string_equal(read->common_name, "system:node:worker-1");
	assert_int_equal(read->n_alt_names, plan.n_alt_names);
	for (size_t i = 0; i < plan.n_alt_names; i++) {
		assert_int_equal(
			read->alt_names[i].kind, plan.alt_names[i].kind);
		assert_string_equal(
			read->alt_names[i].text, plan.alt_names[i].text);
	}
}

static void a_ca_is_read_as_one(void **state)
{
	struct fixture *f = *state;
	struct certificate_plan plan = ca_plan(f);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_FREE(certificate) read = NULL;

	plan.path_len = 300;
	sign(&plan, f->ca_key, &der);
	assert_true(certificate_lint(der_of(&der), &plan, f->ca_key, &err));
	assert_true(certificate_read(der_of(&der), &read, &err));
	assert_true(read->is_ca && !read->has_purposes);
	assert_int_equal(read->path_len, 300);
	assert_int_equal(read->key_usage, USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN);
	assert_int_equal(read->authority_key_id.len, 0);
	assert_int_equal(read->n_alt_names, 0);
}

static void no_certificate_is_made_of_a_bad_plan(void **state)
{
	static const struct alt_name bad_names[] = {
		{ALT_NAME_DNS, ""},
		{ALT_NAME_DNS, "a..b"},
		{ALT_NAME_DNS, "a.b."},
		{ALT_NAME_DNS, "a b"},
		{ALT_NAME_DNS, "-a"},
		{ALT_NAME_DNS, "b\xc3\xbc"},
		{ALT_NAME_IP, "10.0.0"},
		{ALT_NAME_IP, "worker-1"},
		{ALT_NAME_IP, "::ffff:10.0.0.1"},
		{ALT_NAME_OTHER, "email:x"},
	};
	struct fixture *f = *state;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	for (size_t i = 0; i < 11 + ARRAY_SIZE(bad_names); i++) {
		struct certificate_plan plan = leaf_plan(f);
		AUTO_RELEASE(error) err = ERROR_INIT;

		switch (i) {
		case 0:
			plan.serial_len = 0;
			break;
		case 1:
			plan.serial_len = SERIAL_MAX;
			break;
		case 2:
			plan.serial[0] = 0;
			break;
		case 3:
			plan.serial_len = SERIAL_MAX + 1;
			break;
		case 4:
			plan.not_after.seconds = plan.not_before.seconds - 1;
			break;
		case 5:
			plan.key_usage = 0;
			break;
		case 6:
			plan.key_usage = 1 << 7;
			break;
		case 7:
			plan.key_usage |= USAGE_KEY_CERT_SIGN;
			break;
		case 8:
			plan.is_ca = true;
			break;
		case 9:
			plan.path_len = 0;
			break;
		case 10:
			plan.purposes = PURPOSE_OTHER;
			break;
		default:
			plan.alt_names = &bad_names[i - 11];
			plan.n_alt_names = 1;
		}
		if (certificate_sign(&plan, f->ca_key, &der, &err))
			fail_msg("bad plan %zu was signed", i);
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_int_equal(der.len, 0);
	}
}

/* -- lint -- */

/* Whatever bit of a certificate is flipped, either the lint or the signature
 * tells. */
static void any_flipped_bit_is_found(void **state)
{
	struct fixture *f = *state;
	struct certificate_plan plans[] = {leaf_plan(f), ca_plan(f)};
	size_t n_verified = 0, step = is_slow() ? 31 : 1;

	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		sign(&plans[i], f->ca_key, &der);
		for (size_t bit = 0; bit < 8 * der.len; bit += step) {
			AUTO_RELEASE(error) err = ERROR_INIT;

			der.data[bit / 8] ^= (char)(1 << bit % 8);
			if (certificate_lint(der_of(&der), &plans[i],
				    f->ca_key, &err)) {
				n_verified++;
				if (certificate_verify_der(der_of(&der),
					    key_public(f->ca_key), &err))
					fail_msg("bit %zu was not found", bit);
			}
			der.data[bit / 8] ^= (char)(1 << bit % 8);
		}
		/* only in the two numbers of the signature */
		assert_true(n_verified <= 2 * 8 * 2 * 32);
	}
}

static void each_field_is_held_to_the_plan(void **state)
{
	static const struct alt_name others[] = {{ALT_NAME_DNS, "worker-2"},
		{ALT_NAME_IP, "10.0.0.11"}, {ALT_NAME_IP, "2001:db8::11"}};
	struct fixture *f = *state;
	static const char *const fields[] = {"serial number", "issuer",
		"validity", "validity", "subject", "public key",
		"basicConstraints extension", "keyUsage extension",
		"extKeyUsage extension", "extKeyUsage extension",
		"authorityKeyIdentifier extension", "subjectAltName extension",
		"subjectAltName extension", "list of extensions"};
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	struct certificate_plan signed_plan = leaf_plan(f);

	sign(&signed_plan, f->ca_key, &der);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct certificate_plan plan = leaf_plan(f);
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_TEXT expected = memory_format("certificate made: its %s "
						   "is not what was planned",
			fields[i]);

		switch (i) {
		case 0:
			plan.serial[15]++;
			break;
		case 1:
			plan.issuer = plan.subject;
			break;
		case 2:
			plan.not_before.seconds++;
			break;
		case 3:
			plan.not_after.seconds--;
			break;
		case 4:
			plan.subject = plan.issuer;
			break;
		case 5:
			plan.public_key = key_public(f->ca_key);
			break;
		case 6:
			plan.is_ca = true;
			break;
		case 7:
			plan.key_usage |= USAGE_KEY_ENCIPHERMENT;
			break;
		case 8:
			plan.purposes |= PURPOSE_CLIENT;
			break;
		case 9:
			plan.purposes = PURPOSE_CLIENT;
			break;
		case 10:
			plan.authority_key_id.len--;
			break;
		case 11:
			plan.alt_names = others;
			break;
		case 12:
			plan.n_alt_names--;
			break;
		case 13:
			plan.n_alt_names = 0;
			break;
		}
		assert_false(certificate_lint(
			der_of(&der), &plan, f->ca_key, &err));
		assert_int_equal(err.kind, ERROR_FAILED);
		assert_string_equal(err.message, expected);
	}
}

/* -- other extensions than planned, the lengths around them made right -- */

struct extensions {
	struct der list[16];
	size_t n;
};

/* What is in front of the extensions, them, and what is behind. */
static void take_apart(struct der der, struct der *ret_front,
	struct extensions *ret_extensions, struct der *ret_back)
{
	struct der at, tbs, wrapped, list;

	ret_extensions->n = 0;
	assert_true(der_take(&der, DER_SEQUENCE, &at, NULL));
	assert_true(der_take(&at, DER_SEQUENCE, &tbs, NULL));
	*ret_back = at;
	ret_front->bytes = tbs.bytes;
	while (der_next(&tbs) != (DER_CONTEXT_CONSTRUCTED | 3))
		assert_true(der_take(&tbs, der_next(&tbs), NULL, NULL));
	ret_front->len = (size_t)(tbs.bytes - ret_front->bytes);
	assert_true(
		der_take(&tbs, DER_CONTEXT_CONSTRUCTED | 3, &wrapped, NULL));
	assert_true(der_take(&wrapped, DER_SEQUENCE, &list, NULL));
	while (list.len > 0)
		assert_true(der_take(&list, DER_SEQUENCE, NULL,
			&ret_extensions->list[ret_extensions->n++]));
}

static struct der put_together(struct der front,
	const struct extensions *extensions, struct der back,
	struct der_writer *out)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der der;
	size_t mark;

	der_put_raw(out, back.bytes, back.len);
	mark = der_mark(out);
	for (size_t i = extensions->n; i > 0; i--)
		der_put_raw(out, extensions->list[i - 1].bytes,
			extensions->list[i - 1].len);
	der_wrap(out, DER_SEQUENCE, mark);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 3, mark);
	der_put_raw(out, front.bytes, front.len);
	der_wrap(out, DER_SEQUENCE, mark);
	der_wrap(out, DER_SEQUENCE, 0);
	assert_true(der_written(out, &der, &err));
	return der;
}

/* The same extension with its criticality the other way round. */
static struct der turn_critical(struct der extension, struct der_writer *out)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct der at, oid, value, der;
	bool critical = false;

	assert_true(der_take(&extension, DER_SEQUENCE, &at, NULL));
	assert_true(der_take(&at, DER_OID, &oid, NULL));
	if (der_next(&at) == DER_BOOLEAN)
		assert_true(der_take_boolean(&at, &critical));
	assert_true(der_take(&at, DER_OCTET_STRING, &value, NULL));
	der_put(out, DER_OCTET_STRING, value.bytes, value.len);
	if (!critical)
		der_put_boolean(out, true);
	der_put_oid(out, oid);
	der_wrap(out, DER_SEQUENCE, 0);
	assert_true(der_written(out, &der, &err));
	return der;
}

static void extensions_are_held_to_the_plan(void **state)
{
	static const char *const fields[] = {"basicConstraints", "keyUsage",
		"extKeyUsage", "subjectKeyIdentifier", "authorityKeyIdentifier",
		"subjectAltName"};
	struct fixture *f = *state;
	struct certificate_plan plan = leaf_plan(f);
	AUTO_RELEASE(buffer) signed_der = BUFFER_INIT;
	struct extensions whole, changed;
	struct der front, back;

	sign(&plan, f->ca_key, &signed_der);
	take_apart(der_of(&signed_der), &front, &whole, &back);
	assert_int_equal(whole.n, ARRAY_SIZE(fields));
	/* unchanged; critical or not; without; twice; in another order */
	for (size_t i = 0; i < 1 + 4 * whole.n; i++) {
		unsigned char storage[2048], extension[256];
		struct der_writer out = der_writer(storage, sizeof(storage));
		struct der_writer one =
			der_writer(extension, sizeof(extension));
		AUTO_RELEASE(error) err = ERROR_INIT;
		size_t which = i / 4, next = (which + 1) % whole.n;

		changed = whole;
		if (i == 4 * whole.n) {
			assert_true(certificate_lint(
				put_together(front, &changed, back, &out),
				&plan, f->ca_key, &err));
			continue;
		}
		switch (i % 4) {
		case 0:
			changed.list[which] =
				turn_critical(whole.list[which], &one);
			break;
		case 1:
			changed.n--;
			memmove(&changed.list[which], &changed.list[which + 1],
				(changed.n - which) * sizeof(struct der));
			break;
		case 2:
			changed.list[changed.n++] = whole.list[which];
			break;
		case 3:
			changed.list[which] = whole.list[next];
			changed.list[next] = whole.list[which];
			break;
		}
		assert_false(certificate_lint(
			put_together(front, &changed, back, &out), &plan,
			f->ca_key, &err));
		assert_int_equal(err.kind, ERROR_FAILED);
		assert_non_null(strstr(err.message,
			i % 4 == 2
				? "list of extensions"
				: fields[i % 4 == 3 && next == 0 ? 0 : which]));
	}
}

static void nothing_may_follow_or_be_cut(void **state)
{
	struct fixture *f = *state;
	struct certificate_plan plan = leaf_plan(f);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	sign(&plan, f->ca_key, &der);
	buffer_add_byte(&der, 0);
	for (size_t len = 0; len <= der.len; len++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		struct der cut = {der_of(&der).bytes, len};

		if (len != der.len - 1)
			assert_false(
				certificate_lint(cut, &plan, f->ca_key, &err));
	}
}

static void a_signature_has_the_shape_of_its_key(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_ED25519, KEY_RSA_2048};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct certificate_plan plan = leaf_plan(f);
		AUTO_FREE(key) signer = generate(types[i]);
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		sign(&plan, signer, &der);
		assert_true(
			certificate_lint(der_of(&der), &plan, signer, &err));
		assert_true(certificate_verify_der(
			der_of(&der), key_public(signer), &err));
		/* by another kind of key */
		if (types[i] != KEY_ECDSA_P256)
			assert_false(certificate_lint(
				der_of(&der), &plan, f->ca_key, &err));
	}
}

/* -- the same as the library builds -- */

static uint64_t random_state = 20261124;

static unsigned pick(unsigned n)
{
	random_state =
		random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % n;
}

/* Some of these fit PrintableString and some do not.  An apostrophe does, which
 * GnuTLS does not know. */
static void random_text(char *text, size_t most)
{
	static const char *const pieces[] = {"a", "Z", "7", "-", ".", ":", "/",
		"(", ")", "+", ",", "=", "?", " x", "_", "@", "*", "&", "\"",
		"\\", "#", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	/* most names are of what fits */
	unsigned n = pick(3) ? 14 : ARRAY_SIZE(pieces);
	size_t wanted = 1 + pick((unsigned)most);

	for (*text = '\0'; strlen(text) < wanted;)
		strcat(text, pieces[pick(n)]);
}

static void random_alt_name(struct alt_name *name, char text[static 128])
{
	unsigned char address[16];

	for (size_t i = 0; i < sizeof(address); i++)
		address[i] = (unsigned char)pick(256);
	name->text = text;
	name->kind = pick(2) ? ALT_NAME_DNS : ALT_NAME_IP;
	if (name->kind == ALT_NAME_DNS)
		snprintf(text, 128, "%sn%u.x-%u.example", pick(9) ? "" : "*.",
			pick(1u << 30), pick(1000));
	else if (pick(2))
		inet_ntop(AF_INET, address, text, 128);
	else
		inet_ntop(AF_INET6, address, text, 128);
}

#define CHECK(call) assert_return_code(call, 0)

static void set_alt_name(gnutls_x509_crt_t crt, const struct alt_name *name)
{
	unsigned char address[16];

	if (name->kind == ALT_NAME_DNS)
		CHECK(gnutls_x509_crt_set_subject_alt_name(crt,
			GNUTLS_SAN_DNSNAME, name->text,
			(unsigned)strlen(name->text), GNUTLS_FSAN_APPEND));
	else if (inet_pton(AF_INET, name->text, address) == 1)
		CHECK(gnutls_x509_crt_set_subject_alt_name(crt,
			GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND));
	else if (inet_pton(AF_INET6, name->text, address) == 1)
		CHECK(gnutls_x509_crt_set_subject_alt_name(crt,
			GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND));
	else
		fail();
}

static void set_extensions(
	gnutls_x509_crt_t crt, const struct certificate_plan *plan)
{
	static const struct {
		enum key_usage usage;
		unsigned theirs;
	} usages[] = {
		{USAGE_DIGITAL_SIGNATURE, GNUTLS_KEY_DIGITAL_SIGNATURE},
		{USAGE_KEY_ENCIPHERMENT, GNUTLS_KEY_KEY_ENCIPHERMENT},
		{USAGE_KEY_CERT_SIGN, GNUTLS_KEY_KEY_CERT_SIGN},
		{USAGE_CRL_SIGN, GNUTLS_KEY_CRL_SIGN},
	};
	unsigned char key_id[KEY_ID_LEN];
	AUTO_RELEASE(error) err = ERROR_INIT;
	unsigned usage = 0;

	CHECK(gnutls_x509_crt_set_basic_constraints(
		crt, plan->is_ca, plan->path_len));
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (plan->key_usage & usages[i].usage)
			usage |= usages[i].theirs;
	CHECK(gnutls_x509_crt_set_key_usage(crt, usage));
	if (plan->purposes & PURPOSE_SERVER)
		CHECK(gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_SERVER, 0));
	if (plan->purposes & PURPOSE_CLIENT)
		CHECK(gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_CLIENT, 0));
	assert_true(certificate_key_id(plan->public_key, key_id, &err));
	CHECK(gnutls_x509_crt_set_subject_key_id(crt, key_id, KEY_ID_LEN));
	if (plan->authority_key_id.len > 0)
		CHECK(gnutls_x509_crt_set_authority_key_id(crt,
			plan->authority_key_id.bytes,
			plan->authority_key_id.len));
	for (size_t i = 0; i < plan->n_alt_names; i++)
		set_alt_name(crt, &plan->alt_names[i]);
}

static void set_fields(gnutls_x509_crt_t crt,
	const struct certificate_plan *plan, const char *organization,
	const char *common_name)
{
	unsigned char serial[SERIAL_MAX + 1] = {0};
	size_t sign_octet = plan->serial[0] >> 7;

	memcpy(serial + sign_octet, plan->serial, plan->serial_len);
	CHECK(gnutls_x509_crt_set_version(crt, 3));
	CHECK(gnutls_x509_crt_set_serial(
		crt, serial, plan->serial_len + sign_octet));
	CHECK(gnutls_x509_crt_set_activation_time(
		crt, plan->not_before.seconds));
	CHECK(gnutls_x509_crt_set_expiration_time(
		crt, plan->not_after.seconds));
	if (organization)
		CHECK(gnutls_x509_crt_set_dn_by_oid(crt,
			GNUTLS_OID_X520_ORGANIZATION_NAME, 0, organization,
			(unsigned)strlen(organization)));
	CHECK(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
		common_name, (unsigned)strlen(common_name)));
	set_extensions(crt, plan);
}

/* Tag, length and contents of what is signed. */
static struct der tbs_of(struct der der)
{
	struct der at = {NULL, 0}, tbs = {NULL, 0};

	assert_true(der_take(&der, DER_SEQUENCE, &at, NULL));
	assert_true(der_take(&at, DER_SEQUENCE, NULL, &tbs));
	return tbs;
}

static gnutls_privkey_t import(const struct key *key)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(secret) pem = NULL;
	gnutls_privkey_t theirs;
	gnutls_datum_t data;

	assert_true(key_write(key, &pem, &err));
	data.data = (unsigned char *)secret_view(pem);
	data.size = (unsigned)secret_len(pem);
	CHECK(gnutls_privkey_init(&theirs));
	CHECK(gnutls_privkey_import_x509_raw(
		theirs, &data, GNUTLS_X509_FMT_PEM, NULL, 0));
	return theirs;
}

static void set_public_key(gnutls_x509_crt_t crt, struct der public_key)
{
	gnutls_datum_t spki = {
		(unsigned char *)public_key.bytes, (unsigned)public_key.len};
	gnutls_pubkey_t pubkey;

	CHECK(gnutls_pubkey_init(&pubkey));
	CHECK(gnutls_pubkey_import(pubkey, &spki, GNUTLS_X509_FMT_DER));
	CHECK(gnutls_x509_crt_set_pubkey(crt, pubkey));
	gnutls_pubkey_deinit(pubkey);
}

/* A CA of theirs with this name and key, as far as signing asks for it. */
static gnutls_x509_crt_t their_ca(
	const char *common_name, const struct key *key)
{
	gnutls_x509_crt_t ca;

	CHECK(gnutls_x509_crt_init(&ca));
	set_public_key(ca, key_public(key));
	CHECK(gnutls_x509_crt_set_dn_by_oid(ca, GNUTLS_OID_X520_COMMON_NAME, 0,
		common_name, (unsigned)strlen(common_name)));
	return ca;
}

static void assert_same_as_theirs(const struct certificate_plan *plan,
	const struct fixture *f, gnutls_x509_crt_t ca, gnutls_privkey_t ca_key,
	const char *organization, const char *common_name)
{
	gnutls_digest_algorithm_t digest = key_type(f->ca_key) == KEY_ECDSA_P384
						   ? GNUTLS_DIG_SHA384
						   : GNUTLS_DIG_SHA256;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	gnutls_datum_t theirs;
	gnutls_x509_crt_t crt;
	struct der tbs;

	sign(plan, f->ca_key, &der);
	CHECK(gnutls_x509_crt_init(&crt));
	set_public_key(crt, plan->public_key);
	set_fields(crt, plan, organization, common_name);
	CHECK(gnutls_x509_crt_privkey_sign(crt, ca, ca_key, digest, 0));
	CHECK(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &theirs));
	tbs = tbs_of((struct der){theirs.data, theirs.size});
	if (!der_equal(tbs, tbs_of(der_of(&der))))
		fail_msg("differs for CN \"%s\"", common_name);
	gnutls_free(theirs.data);
	gnutls_x509_crt_deinit(crt);
}

static void a_random_leaf_is_what_gnutls_builds(
	const struct fixture *f, gnutls_x509_crt_t ca, gnutls_privkey_t ca_key)
{
	char organization[128], common_name[128], texts[8][128];
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	struct certificate_plan plan = leaf_plan(f);
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct alt_name names[8];
	bool with_organization = pick(4) > 0;

	random_text(organization, 60);
	random_text(common_name, 60);
	make_name(
		with_organization ? organization : NULL, common_name, &subject);
	assert_true(certificate_serial(plan.serial, &plan.serial_len, &err));
	plan.subject = der_of(&subject);
	plan.not_before.seconds = (int64_t)pick(1u << 31);
	plan.not_after.seconds =
		plan.not_before.seconds + (int64_t)pick(1u << 31);
	plan.key_usage = 1u << 2 * pick(2);
	plan.purposes = pick(4);
	plan.n_alt_names = pick(ARRAY_SIZE(names) + 1);
	plan.alt_names = names;
	for (size_t i = 0; i < plan.n_alt_names; i++)
		random_alt_name(&names[i], texts[i]);
	assert_same_as_theirs(&plan, f, ca, ca_key,
		with_organization ? organization : NULL, common_name);
}

static void thousands_of_leaves_are_what_gnutls_builds(void **state)
{
	struct fixture *f = *state;
	gnutls_privkey_t ca_key = import(f->ca_key);
	gnutls_x509_crt_t ca = their_ca("kubernetes", f->ca_key);
	size_t n = is_slow() ? 50 : 5000;

	for (size_t i = 0; i < n; i++)
		a_random_leaf_is_what_gnutls_builds(f, ca, ca_key);
	gnutls_x509_crt_deinit(ca);
	gnutls_privkey_deinit(ca_key);
}

static void cas_and_all_kinds_of_keys_are_what_gnutls_builds(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct fixture other = *f;
		AUTO_FREE(key) key = generate(types[i]);
		gnutls_privkey_t ca_key = import(key);
		gnutls_x509_crt_t ca = their_ca("kubernetes", key);
		struct certificate_plan plan;

		other.ca_key = key;
		plan = ca_plan(&other);
		for (plan.path_len = -1; plan.path_len < 3; plan.path_len++)
			assert_same_as_theirs(
				&plan, &other, ca, ca_key, NULL, "kubernetes");
		gnutls_x509_crt_deinit(ca);
		gnutls_privkey_deinit(ca_key);
	}
}

#define WITH_FIXTURE(test)                                                     \
	cmocka_unit_test_setup_teardown(test, make_fixture, free_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_an_rdn_each),
		cmocka_unit_test(odd_names_are_refused),
		cmocka_unit_test(serials_have_twenty_octets_and_differ),
		WITH_FIXTURE(what_is_signed_is_what_the_plan_says),
		WITH_FIXTURE(a_ca_is_read_as_one),
		WITH_FIXTURE(no_certificate_is_made_of_a_bad_plan),
		WITH_FIXTURE(any_flipped_bit_is_found),
		WITH_FIXTURE(each_field_is_held_to_the_plan),
		WITH_FIXTURE(extensions_are_held_to_the_plan),
		WITH_FIXTURE(nothing_may_follow_or_be_cut),
		WITH_FIXTURE(a_signature_has_the_shape_of_its_key),
		WITH_FIXTURE(thousands_of_leaves_are_what_gnutls_builds),
		WITH_FIXTURE(cas_and_all_kinds_of_keys_are_what_gnutls_builds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
