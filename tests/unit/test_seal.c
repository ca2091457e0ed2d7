/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pki/key.h"
#include "pki/seal.h"

/* How many there are says nothing of what is shown, and takes minutes under
 * valgrind. */
enum { FEW = 1000 };

static struct secret *secret_of(const void *bytes, size_t len)
{
	struct secret *secret = secret_new(len);

	memcpy(secret_bytes(secret), bytes, len);
	return secret;
}

static struct der view_of(const struct secret *secret)
{
	return (struct der){secret_view(secret), secret_len(secret)};
}

/* -- round trips, and what others write -- */

static void what_is_sealed_opens_with_its_passphrase_alone(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	/* every length of padding */
	for (size_t len = 2; len < 20; len++) {
		unsigned char der[20] = {
			DER_SEQUENCE, (unsigned char)(len - 2)};
		AUTO_FREE(secret) plain = secret_of(der, len);
		AUTO_FREE(secret) right = secret_of("secret", 6);
		AUTO_FREE(secret) wrong = secret_of("Secret", 6);
		AUTO_FREE(secret) sealed = NULL;
		AUTO_FREE(secret) back = NULL;
		bool opened;

		assert_true(seal_close(plain, right, FEW, &sealed, &err));
		assert_true(seal_open(
			view_of(sealed), wrong, &back, &opened, &err));
		assert_false(opened);
		assert_null(back);
		assert_true(seal_open(
			view_of(sealed), right, &back, &opened, &err));
		assert_true(opened);
		assert_true(secret_equal(back, plain));
	}
}

static void no_two_seals_are_the_same(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(secret) plain = secret_of("\x30\x00", 2);
	AUTO_FREE(secret) passphrase = secret_of("secret", 6);
	AUTO_FREE(secret) one = NULL;
	AUTO_FREE(secret) two = NULL;

	(void)state;
	assert_true(seal_close(plain, passphrase, FEW, &one, &err));
	assert_true(seal_close(plain, passphrase, FEW, &two, &err));
	assert_false(secret_equal(one, two));
}

struct answers {
	const char *const *texts;
	unsigned n_asked, n_again;
	struct secret *last;
};

static bool answer(void *data, const char *what, bool again,
	const struct secret **ret_passphrase, struct error *err)
{
	struct answers *answers = data;
	const char *text = answers->texts[answers->n_asked++];

	assert_string_equal(what, "passphrase");

	answers->n_again += again;
	if (!text)
		return error_set(err, ERROR_FAILED, "nobody there");
	secret_free(answers->last);
	answers->last = secret_of(text, strlen(text));
	*ret_passphrase = answers->last;
	return true;
}

static bool open_key(const struct secret *pem, struct answers *answers,
	struct key **ret_key, struct error *err)
{
	const struct key_custodian custodian = {
		.tries = 2, .passphrase = answer, .data = answers};

	return key_open(pem, &custodian, ret_key, err);
}

static void keys_of_every_kind_come_back_sealed(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048, KEY_ED25519};
	static const char *const texts[] = {"secret"};
	AUTO_FREE(secret) passphrase = secret_of("secret", 6);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(key) key = NULL;
		AUTO_FREE(key) back = NULL;
		AUTO_FREE(secret) pem = NULL;
		struct answers answers = {texts, 0, 0, NULL};
		enum key_custody custody = KEY_PLAIN;

		assert_true(key_generate(types[i], &key, &err));
		assert_int_equal(key_custody(key), KEY_PLAIN);
		assert_true(key_write_sealed(key, passphrase, &pem, &err));
		assert_true(key_text_custody(pem, &custody, &err));
		assert_int_equal(custody, KEY_SEALED);
		assert_true(open_key(pem, &answers, &back, &err));
		assert_int_equal(key_custody(back), KEY_SEALED);
		assert_true(der_equal(key_public(key), key_public(back)));
		secret_free(answers.last);
	}
}

static void a_passphrase_is_asked_for_as_often_as_said(void **state)
{
	static const char *const second[] = {"no", "secret", NULL};
	static const char *const never[] = {"no", "neither", "secret"};
	static const char *const nobody[] = {NULL};
	static const struct {
		const char *const *texts;
		unsigned n_asked, n_again;
		const char *message;
	} rows[] = {
		{second, 2, 1, NULL},
		{never, 2, 1, "passphrase: does not open the key"},
		{nobody, 1, 0, "nobody there"},
	};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(secret) passphrase = secret_of("secret", 6);
	AUTO_FREE(secret) sealed = NULL;
	AUTO_FREE(secret) plain = NULL;
	AUTO_FREE(key) key = NULL;
	struct answers unasked = {nobody, 0, 0, NULL};

	(void)state;
	assert_true(key_generate(KEY_ECDSA_P256, &key, &err));
	assert_true(key_write(key, &plain, &err));
	assert_true(key_write_sealed(key, passphrase, &sealed, &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answers answers = {rows[i].texts, 0, 0, NULL};
		AUTO_FREE(key) back = NULL;

		assert_int_equal(open_key(sealed, &answers, &back, &err),
			!rows[i].message);
		if (rows[i].message)
			assert_string_equal(err.message, rows[i].message);
		assert_int_equal(answers.n_asked, rows[i].n_asked);
		assert_int_equal(answers.n_again, rows[i].n_again);
		secret_free(answers.last);
		error_release(&err);
	}
	key_free(take(&key));
	assert_true(open_key(plain, &unasked, &key, &err));
	assert_int_equal(unasked.n_asked, 0);
	assert_int_equal(key_custody(key), KEY_PLAIN);
}

/* -- what is asked of a scheme -- */

/* What is not said is as usual; NO_TEXT and NOTHING are what is not there. */
struct recipe {
	const char *scheme, *kdf, *prf, *cipher; /* OIDs, in octets */
	unsigned salt_len, iv_len, iterations, len, key_len;
};
#define NO_TEXT ""
#define NOTHING UINT32_MAX

static const char *or_text(const char *text, const char *usual)
{
	return text ? text : usual;
}

static unsigned or_count(unsigned count, unsigned usual)
{
	return count == NOTHING ? 0 : count ? count : usual;
}

static void put_oid(struct der_writer *out, const char *octets)
{
	der_put(out, DER_OID, octets, strlen(octets));
}

static void put_kdf(struct der_writer *out, const struct recipe *recipe)
{
	static const unsigned char zeros[512];
	const char *prf =
		or_text(recipe->prf, "\x2a\x86\x48\x86\xf7\x0d\x02\x09");
	size_t mark = der_mark(out);

	if (*prf) {
		der_put(out, DER_NULL, NULL, 0);
		put_oid(out, prf);
		der_wrap(out, DER_SEQUENCE, mark);
	}
	if (recipe->key_len)
		der_put_integer(out, recipe->key_len);
	der_put_integer(out, or_count(recipe->iterations, 1));
	der_put(out, DER_OCTET_STRING, zeros, or_count(recipe->salt_len, 8));
	der_wrap(out, DER_SEQUENCE, mark);
	put_oid(out,
		or_text(recipe->kdf, "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"));
	der_wrap(out, DER_SEQUENCE, mark);
}

static struct der cook(
	const struct recipe *recipe, unsigned char storage[static 2048])
{
	static const unsigned char zeros[512];
	struct der_writer out = der_writer(storage, 2048);
	size_t mark;

	der_put(&out, DER_OCTET_STRING, zeros, or_count(recipe->len, 32));
	mark = der_mark(&out);
	der_put(&out, DER_OCTET_STRING, zeros, or_count(recipe->iv_len, 16));
	put_oid(&out, or_text(recipe->cipher,
			      "\x60\x86\x48\x01\x65\x03\x04\x01\x2a"));
	der_wrap(&out, DER_SEQUENCE, mark);
	put_kdf(&out, recipe);
	der_wrap(&out, DER_SEQUENCE, mark);
	put_oid(&out, or_text(recipe->scheme,
			      "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"));
	der_wrap(&out, DER_SEQUENCE, mark);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert_false(out.overflow);
	return (struct der){out.at, der_mark(&out)};
}

#define NOT_THAT                                                               \
	"encrypted private key: not EncryptedPrivateKeyInfo in DER "           \
	"(RFC 5958, 3)"
#define NOT_READ(what) "encrypted private key: " what ": none that is read"
#define COUNT                                                                  \
	"encrypted private key: its iteration count is not from 1 to "         \
	"10000000"
#define SALT "encrypted private key: its salt has not 1 to 256 octets"

static void a_scheme_is_read_within_bounds_and_refused_by_name(void **state)
{
	static const struct {
		struct recipe recipe;
		const char *message; /* NULL: read, and opened by nothing */
	} rows[] = {
		{{.key_len = 0}, NULL},
		{{.prf = NO_TEXT}, NULL},
		{{.prf = "\x2a\x86\x48\x86\xf7\x0d\x02\x07"}, NULL},
		{{.prf = "\x2a\x86\x48\x86\xf7\x0d\x02\x08"}, NULL},
		{{.prf = "\x2a\x86\x48\x86\xf7\x0d\x02\x0a"}, NULL},
		{{.prf = "\x2a\x86\x48\x86\xf7\x0d\x02\x0b"}, NULL},
		{{.key_len = 32}, NULL},
		{{.salt_len = 256}, NULL},
		{{.cipher = "\x60\x86\x48\x01\x65\x03\x04\x01\x16"}, NULL},
		{{.cipher = "\x60\x86\x48\x01\x65\x03\x04\x01\x02",
			 .key_len = 16},
			NULL},
		{{.cipher = "\x2a\x86\x48\x86\xf7\x0d\x03\x07", .iv_len = 8},
			NULL},
		/* PBES1, scrypt, HMAC-MD5, AES-256-GCM */
		{{.scheme = "\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03"},
			NOT_READ("scheme \"1.2.840.113549.1.5.3\"")},
		{{.kdf = "\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"},
			NOT_READ("key derivation \"1.3.6.1.4.1.11591.4.11\"")},
		{{.prf = "\x2a\x86\x48\x86\xf7\x0d\x02\x06"},
			NOT_READ("pseudorandom function "
				 "\"1.2.840.113549.2.6\"")},
		{{.cipher = "\x60\x86\x48\x01\x65\x03\x04\x01\x2e"},
			NOT_READ("cipher \"2.16.840.1.101.3.4.1.46\"")},
		{{.iterations = NOTHING}, COUNT},
		{{.iterations = SEAL_ITERATIONS_MOST + 1}, COUNT},
		{{.iterations = 4294967294}, COUNT},
		{{.salt_len = NOTHING}, SALT},
		{{.salt_len = 257}, SALT},
		{{.key_len = 16}, NOT_THAT},
		{{.iv_len = 12}, NOT_THAT},
		{{.len = NOTHING}, NOT_THAT},
		{{.len = 33}, NOT_THAT},
	};
	AUTO_FREE(secret) passphrase = secret_of("secret", 6);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(secret) der = NULL;
		unsigned char storage[2048];
		struct der sealed = cook(&rows[i].recipe, storage);
		bool opened;

		if (seal_open(sealed, passphrase, &der, &opened, &err)) {
			assert_null(rows[i].message);
			assert_false(opened);
			continue;
		}
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_non_null(rows[i].message);
		assert_string_equal(err.message, rows[i].message);
	}
}

/* Whatever a damaged file says, it is refused or does not open, and never costs
 * more than its bound. */
static void no_flipped_octet_passes(void **state)
{
	static const struct recipe recipe = {0};
	AUTO_FREE(secret) passphrase = secret_of("secret", 6);
	unsigned char storage[2048];
	struct der sealed = cook(&recipe, storage);

	(void)state;
	for (size_t i = 0; i < sealed.len; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(secret) der = NULL;
		unsigned char *at = (unsigned char *)sealed.bytes + i;
		bool opened = false;

		*at ^= 0x41;
		if (seal_open(sealed, passphrase, &der, &opened, &err))
			assert_false(opened);
		else
			assert_int_equal(err.kind, ERROR_INPUT);
		*at ^= 0x41;
		sealed.len--; /* and cut short, from the end */
		assert_false(!err.kind && seal_open(sealed, passphrase, &der,
						  &opened, &err));
		sealed.len++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_sealed_opens_with_its_passphrase_alone),
		cmocka_unit_test(no_two_seals_are_the_same),
		cmocka_unit_test(keys_of_every_kind_come_back_sealed),
		cmocka_unit_test(a_passphrase_is_asked_for_as_often_as_said),
		cmocka_unit_test(
			a_scheme_is_read_within_bounds_and_refused_by_name),
		cmocka_unit_test(no_flipped_octet_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
