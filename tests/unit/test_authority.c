/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/x509.h>

#include "base/file.h"
#include "pki/authority.h"
#include "pki/oid.h"
#include "pki/pem.h"

static const struct instant now = {1795482899};

static struct key *generate(enum key_type type)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct key *key = NULL;

	assert_true(key_generate(type, &key, &err));
	return key;
}

static struct authority *create(enum key_type type)
{
	struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = type,
		.not_before = instant_add(now, -5 * SPAN_MINUTE),
		.not_after = instant_add(now, 10 * SPAN_YEAR),
	};
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct authority *ca = NULL;

	if (!authority_create(&request, &ca, &err))
		fail_msg("%s", err.message);
	return ca;
}

static void a_new_ca_is_what_kubernetes_wants(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FREE(authority) ca = create(types[i]);
		const struct certificate *own = authority_certificate(ca);
		AUTO_FREE(certificate) read = NULL;
		AUTO_RELEASE(error) err = ERROR_INIT;
		const struct buffer *pem = authority_pem(ca);

		assert_int_equal(key_type(authority_key(ca)), types[i]);
		assert_true(der_equal(
			own->public_key, key_public(authority_key(ca))));
		assert_string_equal(own->subject_text, "CN=kubernetes");
		assert_true(der_equal(own->issuer, own->subject));
		assert_true(own->is_ca && own->path_len == -1);
		assert_int_equal(
			own->key_usage, USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN |
						USAGE_DIGITAL_SIGNATURE);
		assert_false(own->has_purposes);
		assert_int_equal(own->subject_key_id.len, KEY_ID_LEN);
		assert_int_equal(own->authority_key_id.len, 0);
		assert_int_equal(own->n_alt_names, 0);
		assert_int_equal(own->serial.len, SERIAL_MAX);
		assert_true(certificate_read_pem(
			pem->data, pem->len, true, &read, &err));
		assert_true(der_equal(read->whole, own->whole));
	}
}

static void ed25519_is_not_for_cas(void **state)
{
	struct authority_request request = {
		.common_name = "kubernetes",
		.key_type = KEY_ED25519,
		.not_before = now,
		.not_after = instant_add(now, SPAN_YEAR),
	};
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(authority) ca = NULL;

	(void)state;
	assert_false(authority_create(&request, &ca, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_null(ca);
}

/* -- from what was read -- */

struct pair {
	struct key *key;
	struct buffer name, der;
	struct certificate_plan plan;
};

static int make_pair(void **state)
{
	struct pair *pair = memory_new(1, sizeof(*pair));
	AUTO_RELEASE(error) err = ERROR_INIT;

	pair->name = pair->der = (struct buffer)BUFFER_INIT;
	pair->key = generate(KEY_ECDSA_P256);
	assert_true(certificate_name(NULL, 0, "old", &pair->name, &err));
	pair->plan = (struct certificate_plan){
		.issuer = der_of(&pair->name),
		.subject = der_of(&pair->name),
		.public_key = key_public(pair->key),
		.serial = {1},
		.serial_len = 1,
		.not_before = instant_add(now, -SPAN_DAY),
		.not_after = instant_add(now, SPAN_DAY),
		.is_ca = true,
		.path_len = -1,
		.key_usage = USAGE_KEY_CERT_SIGN,
	};
	*state = pair;
	return 0;
}

static int free_pair(void **state)
{
	struct pair *pair = *state;

	key_free(pair->key);
	buffer_release(&pair->name);
	buffer_release(&pair->der);
	free(pair);
	return 0;
}

/* Signs the plan, reads it, and hands it over; consumes the pair's key. */
static bool import(struct pair *pair, const struct key *signer,
	struct authority **ret_ca, struct error *err)
{
	AUTO_FREE(certificate) certificate = NULL;
	bool done;

	buffer_reset(&pair->der);
	assert_true(certificate_sign(&pair->plan, signer, &pair->der, err));
	assert_true(certificate_read(der_of(&pair->der), &certificate, err));
	done = authority_new(&certificate, &pair->key, now, ret_ca, err);
	assert_int_equal(done, certificate == NULL);
	assert_int_equal(done, pair->key == NULL);
	return done;
}

static void a_ca_made_elsewhere_is_taken(void **state)
{
	struct pair *pair = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(authority) ca = NULL;

	assert_true(import(pair, pair->key, &ca, &err));
	assert_string_equal(authority_certificate(ca)->subject_text, "CN=old");
}

static void an_intermediate_is_taken(void **state)
{
	struct pair *pair = *state;
	AUTO_RELEASE(buffer) root = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(key) root_key = generate(KEY_ECDSA_P256);
	AUTO_FREE(authority) ca = NULL;

	assert_true(certificate_name(NULL, 0, "root", &root, &err));
	pair->plan.issuer = der_of(&root);
	assert_true(import(pair, root_key, &ca, &err));
}

static void what_is_no_usable_ca_is_refused(void **state)
{
	static const char *const messages[] = {
		"CA certificate: not of a CA (RFC 5280, 4.2.1.9)",
		("CA certificate: has an extKeyUsage, which limits what is "
		 "signed by it"),
		"CA certificate: expired at 2026-11-24T01:14:58Z",
		"CA certificate: not valid before 2026-11-24T01:15:00Z",
		"CA key: not the key of the certificate",
		"CA certificate: signature: not made by the key it is held to",
	};
	struct pair *pair = *state;
	struct certificate_plan whole = pair->plan;
	AUTO_FREE(key) other = generate(KEY_ECDSA_P256);

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(authority) ca = NULL;

		pair->plan = whole;
		switch (i) {
		case 0:
			pair->plan.is_ca = false;
			pair->plan.key_usage = USAGE_DIGITAL_SIGNATURE;
			break;
		case 1:
			pair->plan.purposes = PURPOSE_CLIENT;
			break;
		case 2:
			pair->plan.not_after = instant_add(now, -1);
			break;
		case 3:
			pair->plan.not_before = instant_add(now, 1);
			break;
		case 4:
			pair->plan.public_key = key_public(other);
			break;
		}
		assert_false(
			import(pair, i < 5 ? pair->key : other, &ca, &err));
		assert_int_equal(err.kind, ERROR_INPUT);
		assert_string_equal(err.message, messages[i]);
	}
}

static void kinds_of_keys_that_no_ca_may_have_are_refused(void **state)
{
	struct pair *pair = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(authority) ca = NULL;

	key_free(take(&pair->key));
	pair->key = generate(KEY_ED25519);
	pair->plan.public_key = key_public(pair->key);
	assert_false(import(pair, pair->key, &ca, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(err.message, "\"ed25519\""));
}

static struct key *rsa_1024(void)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(secret) pem = NULL;
	struct key *key = NULL;
	gnutls_x509_privkey_t made;
	gnutls_datum_t out;

	assert_int_equal(gnutls_x509_privkey_init(&made), 0);
	assert_int_equal(
		gnutls_x509_privkey_generate(made, GNUTLS_PK_RSA, 1024, 0), 0);
	assert_int_equal(
		gnutls_x509_privkey_export2(made, GNUTLS_X509_FMT_PEM, &out),
		0);
	pem = secret_new(out.size);
	memcpy(secret_bytes(pem), out.data, out.size);
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(made);
	assert_true(key_read(pem, &key, &err));
	return key;
}

static void a_short_rsa_key_is_refused(void **state)
{
	struct pair *pair = *state;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(authority) ca = NULL;

	key_free(take(&pair->key));
	pair->key = rsa_1024();
	pair->plan.public_key = key_public(pair->key);
	assert_false(import(pair, pair->key, &ca, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	assert_string_equal(err.message,
		"CA key of type \"rsa-1024\": shorter than 2048 bits");
}

/* -- from files -- */

static void write_file(int dir, const char *name, const void *bytes, size_t len)
{
	struct file_part part = {.bytes = bytes, .len = len};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_true(file_remove_tree(dir, name, &err));
	assert_true(file_create(dir, name, 0600, &part, 1, &err));
}

static void open_in(int dir)
{
	AUTO_FREE(authority) made = create(KEY_ECDSA_P256);
	const struct buffer *pem = authority_pem(made);
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_RELEASE(buffer) text = BUFFER_INIT;
	AUTO_FREE(secret) key = NULL;
	AUTO_FREE(authority) ca = NULL;
	const struct key_custodian nobody = {0};
	const struct authority_place place = {dir, "ca.crt", "ca.key", &nobody};

	assert_true(key_write(authority_key(made), &key, &err));
	write_file(dir, "ca.crt", pem->data, pem->len);
	assert_false(authority_open(&place, now, &ca, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
	error_release(&err);

	write_file(dir, "ca.key", secret_view(key), secret_len(key));
	assert_true(authority_open(&place, now, &ca, &err));
	assert_memory_equal(authority_pem(ca)->data, pem->data, pem->len);
	authority_free(take(&ca));

	/* kubeadm and kube-controller-manager want no text in ca.crt */
	buffer_add_text(&text, "Certificate:\n");
	buffer_add(&text, pem->data, pem->len);
	write_file(dir, "ca.crt", text.data, text.len);
	assert_false(authority_open(&place, now, &ca, &err));
	assert_string_equal(err.message,
		"\"ca.crt\": PEM block \"CERTIFICATE\": no text may stand "
		"around it");
	error_release(&err);

	buffer_reset(&text);
	buffer_add(&text, pem->data, pem->len);
	buffer_add(&text, pem->data, pem->len);
	write_file(dir, "ca.crt", text.data, text.len);
	assert_false(authority_open(&place, now, &ca, &err));
	assert_int_equal(err.kind, ERROR_INPUT);
	error_release(&err);

	write_file(dir, "ca.crt", pem->data, pem->len);
	write_file(dir, "ca.key", "hello\n", 6);
	assert_false(authority_open(&place, now, &ca, &err));
	assert_string_equal(err.message,
		"\"ca.key\": private key: no \"-----BEGIN PRIVATE KEY-----\" "
		"in it");
}

static void a_ca_is_opened_from_its_two_files(void **state)
{
	const char *tmp = getenv("TMPDIR");
	AUTO_TEXT path =
		memory_format("%s/test_authority.XXXXXX", tmp ? tmp : "/tmp");
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_CLOSE dir = -1;

	(void)state;
	assert_non_null(mkdtemp(path));
	assert_true(directory_open(AT_FDCWD, path, &dir, &err));
	open_in(dir);
	assert_true(file_remove_tree(AT_FDCWD, path, &err));
}

/* -- issuing -- */

struct leaf {
	struct key *key;
	struct buffer subject;
	struct alt_name alt_names[1];
	struct certificate_plan plan;
};

static struct leaf make_leaf(enum key_type type)
{
	AUTO_RELEASE(error) err = ERROR_INIT;
	struct leaf leaf = {.key = generate(type), .subject = BUFFER_INIT};

	assert_true(certificate_name((const char *const[]){"system:nodes"}, 1,
		"system:node:w1", &leaf.subject, &err));
	leaf.plan = (struct certificate_plan){
		.subject = der_of(&leaf.subject),
		.public_key = key_public(leaf.key),
		.not_before = now,
		.not_after = instant_add(now, SPAN_YEAR),
		.path_len = -1,
		.key_usage = USAGE_DIGITAL_SIGNATURE,
		.purposes = PURPOSE_CLIENT,
	};
	return leaf;
}

static void leaf_release(struct leaf *leaf)
{
	key_free(leaf->key);
	buffer_release(&leaf->subject);
}
DEFINE_AUTO_RELEASE(leaf)

static void a_leaf_names_its_ca(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FREE(authority) ca = create(types[i]);
		const struct certificate *own = authority_certificate(ca);
		AUTO_RELEASE(leaf) leaf = make_leaf(KEY_ED25519);
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_FREE(certificate) read = NULL;

		assert_true(authority_issue(ca, &leaf.plan, true, &der, &err));
		assert_true(certificate_read(der_of(&der), &read, &err));
		assert_true(certificate_verify(read, own->public_key, &err));
		assert_true(der_equal(read->issuer, own->subject));
		assert_true(
			der_equal(read->authority_key_id, own->subject_key_id));
		assert_true(der_equal(read->serial,
			(struct der){leaf.plan.serial, leaf.plan.serial_len}));
		assert_int_equal(read->serial.len, SERIAL_MAX);
	}
}

/* The subjectKeyIdentifier of another tool's CA has another length, or is not
 * there. */
static void the_key_id_of_the_ca_is_copied_as_it_is(void **state)
{
	struct pair *pair = *state;
	AUTO_RELEASE(leaf) leaf = make_leaf(KEY_ECDSA_P256);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(certificate) read = NULL;
	AUTO_FREE(authority) ca = NULL;
	unsigned char computed[KEY_ID_LEN];

	assert_true(certificate_sign(&pair->plan, pair->key, &der, &err));
	assert_true(certificate_read(der_of(&der), &certificate, &err));
	assert_true(certificate_key_id(key_public(pair->key), computed, &err));
	certificate->subject_key_id.len = 0;
	assert_true(authority_new(&certificate, &pair->key, now, &ca, &err));
	leaf.plan.not_after = instant_add(now, 1);
	buffer_reset(&der);
	assert_true(authority_issue(ca, &leaf.plan, true, &der, &err));
	assert_true(certificate_read(der_of(&der), &read, &err));
	assert_true(der_equal(
		read->authority_key_id, (struct der){computed, KEY_ID_LEN}));

	((struct certificate *)authority_certificate(ca))->subject_key_id =
		OID("0123456789abcdef0123456789abcdef");
	certificate_free(take(&read));
	buffer_reset(&der);
	assert_true(authority_issue(ca, &leaf.plan, true, &der, &err));
	assert_true(certificate_read(der_of(&der), &read, &err));
	assert_true(der_equal(read->authority_key_id,
		OID("0123456789abcdef0123456789abcdef")));
}

static void what_a_ca_does_not_issue(void **state)
{
	static const char *const messages[] = {
		"certificate: would be a CA; only leaves are issued here",
		"certificate: would be a CA; only leaves are issued here",
		"certificate: would be a CA; only leaves are issued here",
		("expiry \"2036-11-21T01:15:00Z\": beyond the CA's, "
		 "2036-11-21T01:14:59Z"),
		("begin \"2026-11-24T01:09:58Z\": earlier than the CA's, "
		 "2026-11-24T01:09:59Z"),
		"subject \"CN=kubernetes\": the CA's own",
	};
	AUTO_FREE(authority) ca = create(KEY_ECDSA_P256);
	const struct certificate *own = authority_certificate(ca);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		AUTO_RELEASE(leaf) leaf = make_leaf(KEY_ECDSA_P256);
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		switch (i) {
		case 0:
			leaf.plan.is_ca = true;
			break;
		case 1:
			leaf.plan.key_usage |= USAGE_KEY_CERT_SIGN;
			break;
		case 2:
			leaf.plan.key_usage |= USAGE_CRL_SIGN;
			break;
		case 3:
			leaf.plan.not_after = instant_add(own->not_after, 1);
			break;
		case 4:
			leaf.plan.not_before = instant_add(own->not_before, -1);
			break;
		case 5:
			leaf.plan.subject = own->subject;
			break;
		}
		assert_false(authority_issue(ca, &leaf.plan, true, &der, &err));
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_string_equal(err.message, messages[i]);
		assert_int_equal(der.len, 0);
	}
}

/* -- many threads -- */

#define LEAVES 100

struct worker {
	const struct authority *ca;
	struct leaf leaf;
	unsigned char serials[LEAVES][SERIAL_MAX];
	size_t n_issued;
};

static void *issue_many(void *data)
{
	struct worker *worker = data;

	for (size_t i = 0; i < LEAVES; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		if (!authority_issue(
			    worker->ca, &worker->leaf.plan, true, &der, &err))
			return NULL;
		memcpy(worker->serials[i], worker->leaf.plan.serial,
			SERIAL_MAX);
		worker->n_issued++;
	}
	return NULL;
}

static void many_threads_issue_from_one_ca(void **state)
{
	AUTO_FREE(authority) ca = create(KEY_ECDSA_P256);
	struct worker *workers = memory_new(4, sizeof(*workers));
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		workers[i].ca = ca;
		workers[i].leaf = make_leaf(KEY_ECDSA_P256);
		assert_int_equal(pthread_create(&threads[i], NULL, issue_many,
					 &workers[i]),
			0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].n_issued, LEAVES);
		for (size_t j = 0; j < LEAVES; j++)
			assert_memory_not_equal(workers[i].serials[j],
				workers[(i + 1) % 4].serials[j], SERIAL_MAX);
		leaf_release(&workers[i].leaf);
	}
	free(workers);
}

static void a_renewed_ca_is_the_same_for_longer(void **state)
{
	static const enum key_type types[] = {
		KEY_ECDSA_P256, KEY_ECDSA_P384, KEY_RSA_2048};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		AUTO_FREE(authority) ca = create(types[i]);
		const struct certificate *old = authority_certificate(ca);
		struct instant end = instant_add(old->not_after, SPAN_YEAR);
		AUTO_FREE(certificate) new = NULL;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		AUTO_RELEASE(error) err = ERROR_INIT;

		assert_true(authority_renew(ca, end, &der, &err));
		assert_true(certificate_read(der_of(&der), &new, &err));
		assert_true(certificate_verify(new, old->public_key, &err));
		assert_true(der_equal(new->subject, old->subject));
		assert_true(der_equal(new->public_key, old->public_key));
		assert_true(
			der_equal(new->subject_key_id, old->subject_key_id));
		assert_false(der_equal(new->serial, old->serial));
		assert_int_equal(
			new->not_before.seconds, old->not_before.seconds);
		assert_int_equal(new->not_after.seconds, end.seconds);
		assert_int_equal(new->key_usage, old->key_usage);
		assert_int_equal(new->path_len, old->path_len);
	}
}

static void a_ca_is_not_renewed_for_less(void **state)
{
	AUTO_FREE(authority) ca = create(KEY_ECDSA_P256);
	struct certificate *old =
		(struct certificate *)authority_certificate(ca);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	AUTO_RELEASE(error) early = ERROR_INIT;
	AUTO_RELEASE(error) usage = ERROR_INIT;

	(void)state;
	assert_false(authority_renew(ca, old->not_after, &der, &early));
	assert_int_equal(early.kind, ERROR_REFUSED);
	old->key_usage |= 1 << 3;
	assert_false(authority_renew(
		ca, instant_add(old->not_after, SPAN_YEAR), &der, &usage));
	assert_int_equal(usage.kind, ERROR_REFUSED);
	assert_int_equal(der.len, 0);
}

#define WITH_PAIR(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_pair, free_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_ca_is_what_kubernetes_wants),
		cmocka_unit_test(ed25519_is_not_for_cas),
		WITH_PAIR(a_ca_made_elsewhere_is_taken),
		WITH_PAIR(an_intermediate_is_taken),
		WITH_PAIR(what_is_no_usable_ca_is_refused),
		WITH_PAIR(kinds_of_keys_that_no_ca_may_have_are_refused),
		WITH_PAIR(a_short_rsa_key_is_refused),
		cmocka_unit_test(a_ca_is_opened_from_its_two_files),
		cmocka_unit_test(a_leaf_names_its_ca),
		WITH_PAIR(the_key_id_of_the_ca_is_copied_as_it_is),
		cmocka_unit_test(what_a_ca_does_not_issue),
		cmocka_unit_test(a_renewed_ca_is_the_same_for_longer),
		cmocka_unit_test(a_ca_is_not_renewed_for_less),
		cmocka_unit_test(many_threads_issue_from_one_ca),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
