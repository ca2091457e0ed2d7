/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/key.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/key_private.h"
#include "pki/key_token.h"
#include "pki/oid.h"
#include "pki/pkcs11_uri.h"
#include "pki/seal.h"

/* -- kinds -- */

static const struct {
	const char *name;
	enum key_algorithm algorithm;
	unsigned bits; /* of an RSA modulus */
} types[] = {
	[KEY_ECDSA_P256] = {"ecdsa-p256", KEY_ALGORITHM_P256, 0},
	[KEY_ECDSA_P384] = {"ecdsa-p384", KEY_ALGORITHM_P384, 0},
	[KEY_RSA_2048] = {"rsa-2048", KEY_ALGORITHM_RSA, 2048},
	[KEY_RSA_3072] = {"rsa-3072", KEY_ALGORITHM_RSA, 3072},
	[KEY_RSA_4096] = {"rsa-4096", KEY_ALGORITHM_RSA, 4096},
	[KEY_ED25519] = {"ed25519", KEY_ALGORITHM_ED25519, 0},
};

static const struct algorithm {
	gnutls_pk_algorithm_t family;
	gnutls_ecc_curve_t curve;
	gnutls_sign_algorithm_t sign;
	struct der identifier; /* of the signature */
} algorithms[] = {
	[KEY_ALGORITHM_P256] = {GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1,
		GNUTLS_SIGN_ECDSA_SHA256, ECDSA_WITH_SHA256},
	[KEY_ALGORITHM_P384] = {GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP384R1,
		GNUTLS_SIGN_ECDSA_SHA384, ECDSA_WITH_SHA384},
	[KEY_ALGORITHM_P521] = {GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP521R1,
		GNUTLS_SIGN_ECDSA_SHA512, ECDSA_WITH_SHA512},
	[KEY_ALGORITHM_RSA] = {GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID,
		GNUTLS_SIGN_RSA_SHA256, SHA256_WITH_RSA},
	[KEY_ALGORITHM_ED25519] = {GNUTLS_PK_EDDSA_ED25519,
		GNUTLS_ECC_CURVE_ED25519, GNUTLS_SIGN_EDDSA_ED25519,
		ED25519_ITSELF},
};

const char *key_type_name(enum key_type type)
{
	return type == KEY_OTHER ? "other" : types[type].name;
}

bool key_type_parse(
	const char *text, enum key_type *ret_type, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcmp(text, types[i].name) != 0)
			continue;
		*ret_type = (enum key_type)i;
		return true;
	}
	return error_set(err, ERROR_INPUT,
		"key type \"%s\": not one of ecdsa-p256, ecdsa-p384, rsa-2048, "
		"rsa-3072, rsa-4096, ed25519",
		text);
}

bool key_library_failed(struct error *err, const char *what, int rc)
{
	return error_set(
		err, ERROR_FAILED, "%s: %s", what, gnutls_strerror_name(rc));
}

/* -- between the library and our numbers -- */

/* What the library hands out; wiped. */
struct exported {
	gnutls_datum_t x, y, scalar;
	gnutls_datum_t rsa[RSA_NUMBERS];
};

static void exported_release(struct exported *out)
{
	gnutls_datum_t *rest[] = {&out->x, &out->y, &out->scalar};

	for (size_t i = 0; i < ARRAY_SIZE(rest) + RSA_NUMBERS; i++) {
		gnutls_datum_t *datum =
			i < ARRAY_SIZE(rest) ? rest[i]
					     : &out->rsa[i - ARRAY_SIZE(rest)];

		if (datum->data)
			secret_wipe(datum->data, datum->size);
		gnutls_free(datum->data);
	}
}
DEFINE_AUTO_RELEASE(exported)

static bool is_ec(enum key_algorithm algorithm)
{
	return algorithms[algorithm].family == GNUTLS_PK_ECDSA;
}

/* Without the octets too many that the library puts in front. */
static struct der trimmed(const gnutls_datum_t *datum)
{
	struct der view = {datum->data, datum->size};

	for (; view.len > 0 && view.bytes[0] == 0; view.len--)
		view.bytes++;
	return view;
}

static int export_rsa(const struct key *key, struct exported *out)
{
	gnutls_datum_t *n = out->rsa;

	return gnutls_x509_privkey_export_rsa_raw2(key->native, &n[RSA_MODULUS],
		&n[RSA_PUBLIC_EXPONENT], &n[RSA_PRIVATE_EXPONENT],
		&n[RSA_PRIME1], &n[RSA_PRIME2], &n[RSA_COEFFICIENT],
		&n[RSA_EXPONENT1], &n[RSA_EXPONENT2]);
}

static struct der view_of(const gnutls_datum_t *datum)
{
	return (struct der){datum->data, datum->size};
}

static struct key_numbers numbers_of(
	const struct key *key, const struct exported *out)
{
	struct key_numbers numbers = {.algorithm = key->algorithm};

	numbers.scalar = is_ec(key->algorithm) ? trimmed(&out->scalar)
					       : view_of(&out->scalar);
	numbers.point = view_of(&out->x);
	for (size_t i = 0; i < RSA_NUMBERS; i++)
		numbers.rsa[i] = view_of(&out->rsa[i]);
	return numbers;
}

#define POINT_MAX (1 + 2 * 66)

/* SEC 1, 2.3.3: both coordinates at the length of the field. */
static struct der encode_point(enum key_algorithm algorithm,
	const struct exported *out, unsigned char point[static POINT_MAX])
{
	size_t len = key_algorithm_len(algorithm);
	struct der x = trimmed(&out->x), y = trimmed(&out->y);

	memset(point, 0, POINT_MAX);
	point[0] = 0x04;
	memcpy(point + 1 + len - x.len, x.bytes, x.len);
	memcpy(point + 1 + 2 * len - y.len, y.bytes, y.len);
	return (struct der){point, 1 + 2 * len};
}

static bool set_public_key(struct key *key, struct error *err)
{
	AUTO_RELEASE(exported) out = {0};
	unsigned char point[POINT_MAX];
	struct key_numbers numbers;
	int rc;

	if (key->algorithm == KEY_ALGORITHM_RSA)
		rc = gnutls_x509_privkey_export_rsa_raw2(key->native,
			&out.rsa[RSA_MODULUS], &out.rsa[RSA_PUBLIC_EXPONENT],
			NULL, NULL, NULL, NULL, NULL, NULL);
	else
		rc = gnutls_x509_privkey_export_ecc_raw(
			key->native, NULL, &out.x, &out.y, NULL);
	if (rc < 0)
		return key_library_failed(err, "public key", rc);
	numbers = numbers_of(key, &out);
	if (is_ec(key->algorithm))
		numbers.point = encode_point(key->algorithm, &out, point);
	key_encode_public(&numbers, &key->public_key);
	return true;
}

void key_describe_numbers(struct key *key)
{
	key->type = KEY_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].algorithm == key->algorithm &&
			types[i].bits == key->rsa_bits)
			key->type = (enum key_type)i;
	if (key->type != KEY_OTHER)
		snprintf(key->name, sizeof(key->name), "%s",
			types[key->type].name);
	else if (key->algorithm == KEY_ALGORITHM_RSA)
		snprintf(key->name, sizeof(key->name), "rsa-%u", key->rsa_bits);
	else
		snprintf(key->name, sizeof(key->name), "ecdsa-p521");
}

/* -- making and reading -- */

static bool key_new(
	enum key_algorithm algorithm, struct key **ret_key, struct error *err)
{
	AUTO_FREE(key) key = memory_new(1, sizeof(*key));
	int rc;

	key->algorithm = algorithm;
	key->public_key = (struct buffer)BUFFER_INIT;
	rc = gnutls_x509_privkey_init(&key->native);
	if (rc >= 0)
		rc = gnutls_privkey_init(&key->signer);
	if (rc < 0)
		return key_library_failed(err, "key", rc);
	*ret_key = take(&key);
	return true;
}

/* Once there is something in key->native. */
static bool key_finish(struct key *key, struct error *err)
{
	int rc = gnutls_privkey_import_x509(key->signer, key->native, 0);

	if (rc < 0)
		return key_library_failed(err, "key", rc);
	if (key->algorithm == KEY_ALGORITHM_RSA)
		gnutls_x509_privkey_get_pk_algorithm2(
			key->native, &key->rsa_bits);
	key_describe_numbers(key);
	return set_public_key(key, err);
}

bool key_generate(enum key_type type, struct key **ret_key, struct error *err)
{
	const struct algorithm *row;
	AUTO_FREE(key) key = NULL;
	unsigned bits;
	int rc;

	if (type == KEY_OTHER)
		return error_set(err, ERROR_INPUT,
			"key type \"other\": none that can be made");
	row = &algorithms[types[type].algorithm];
	bits = types[type].bits > 0 ? types[type].bits
				    : GNUTLS_CURVE_TO_BITS(row->curve);
	if (!key_new(types[type].algorithm, &key, err))
		return false;
	rc = gnutls_x509_privkey_generate(key->native, row->family, bits, 0);
	if (rc < 0)
		return key_library_failed(err, "key generation", rc);
	if (!key_finish(key, err))
		return false;
	*ret_key = take(&key);
	return true;
}

static gnutls_datum_t datum_of(struct der view)
{
	return (gnutls_datum_t){
		(unsigned char *)view.bytes, (unsigned)view.len};
}

static int import_rsa(struct key *key, const struct key_numbers *numbers)
{
	gnutls_datum_t n[RSA_NUMBERS];

	for (size_t i = 0; i < RSA_NUMBERS; i++)
		n[i] = datum_of(numbers->rsa[i]);
	return gnutls_x509_privkey_import_rsa_raw2(key->native, &n[RSA_MODULUS],
		&n[RSA_PUBLIC_EXPONENT], &n[RSA_PRIVATE_EXPONENT],
		&n[RSA_PRIME1], &n[RSA_PRIME2], &n[RSA_COEFFICIENT],
		&n[RSA_EXPONENT1], &n[RSA_EXPONENT2]);
}

static int import_ec(struct key *key, const struct key_numbers *numbers)
{
	size_t len = key_algorithm_len(numbers->algorithm);
	gnutls_datum_t scalar = datum_of(numbers->scalar);
	gnutls_datum_t x =
		datum_of((struct der){numbers->point.bytes + 1, len});
	gnutls_datum_t y =
		datum_of((struct der){numbers->point.bytes + 1 + len, len});

	return gnutls_x509_privkey_import_ecc_raw(key->native,
		algorithms[numbers->algorithm].curve, &x, &y, &scalar);
}

/* The library computes the public key only when it reads PKCS#8, and leaves a
 * copy of the seed behind when it does. */
static int import_ed25519(struct key *key, const struct key_numbers *numbers)
{
	AUTO_FREE(secret) der = key_encode_private(numbers);
	gnutls_datum_t datum =
		datum_of((struct der){secret_view(der), secret_len(der)});

	return gnutls_x509_privkey_import_pkcs8(key->native, &datum,
		GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
}

static bool import(
	struct key *key, const struct key_numbers *numbers, struct error *err)
{
	int rc;

	if (is_ec(numbers->algorithm))
		rc = import_ec(key, numbers);
	else if (numbers->algorithm == KEY_ALGORITHM_RSA)
		rc = import_rsa(key, numbers);
	else
		rc = import_ed25519(key, numbers);
	if (rc >= 0)
		rc = gnutls_x509_privkey_verify_params(key->native);
	if (rc >= 0)
		return key_finish(key, err);
	return error_set(err, ERROR_INPUT,
		"private key: its numbers do not belong together");
}

static bool decode_block(const struct pem_block *block, struct secret **ret_der,
	struct error *err)
{
	AUTO_FREE(secret) der = secret_new(PEM_ROOM(block->body.len));
	size_t len;

	if (!pem_decode(block, secret_bytes(der), &len, err))
		return false;
	secret_shorten(der, len);
	*ret_der = take(&der);
	return true;
}

static bool read_der(const struct pem_block *block, const struct secret *der,
	struct key **ret_key, struct error *err)
{
	AUTO_FREE(key) key = NULL;
	struct key_numbers numbers;

	if (!key_decode(block, der, &numbers, err) ||
		!key_new(numbers.algorithm, &key, err) ||
		!import(key, &numbers, err))
		return false;
	key->sealed = key_block_is_sealed(block);
	*ret_key = take(&key);
	return true;
}

static bool read_block(
	const struct pem_block *block, struct key **ret_key, struct error *err)
{
	AUTO_FREE(secret) der = NULL;

	return decode_block(block, &der, err) &&
	       read_der(block, der, ret_key, err);
}

bool key_read(const struct secret *pem, struct key **ret_key, struct error *err)
{
	struct pem_block block;

	if (!key_find_block(pem, &block, err))
		return false;
	if (key_block_is_sealed(&block))
		return error_set(err, ERROR_INPUT,
			"\"ENCRYPTED PRIVATE KEY\": the key is encrypted; a "
			"plain one is wanted");
	return read_block(&block, ret_key, err);
}

/* The URI of a key that is elsewhere; NULL when the text is no such line. */
static char *uri_in(const struct secret *text)
{
	static const char scheme[] = "pkcs11:";
	const char *bytes = (const char *)secret_view(text);
	size_t len = secret_len(text);

	if (len < strlen(scheme) ||
		memcmp(bytes, scheme, strlen(scheme)) != 0 ||
		memchr(bytes, '\0', len))
		return NULL;
	if (bytes[len - 1] == '\n')
		len--;
	return memory_text_n(bytes, len);
}

static bool unseal(const struct secret *sealed,
	const struct key_custodian *custodian, struct secret **ret_der,
	struct error *err)
{
	struct der view = {secret_view(sealed), secret_len(sealed)};
	const struct secret *passphrase;
	bool opened = false;

	for (unsigned i = 0; i < custodian->tries && !opened; i++)
		if (!custodian->passphrase(custodian->data, "passphrase", i > 0,
			    &passphrase, err) ||
			!seal_open(view, passphrase, ret_der, &opened, err))
			return false;
	return opened ||
	       error_set(err, ERROR_INPUT, "passphrase: does not open the key");
}

bool key_open(const struct secret *pem, const struct key_custodian *custodian,
	struct key **ret_key, struct error *err)
{
	AUTO_FREE(secret) sealed = NULL;
	AUTO_FREE(secret) der = NULL;
	AUTO_TEXT uri = uri_in(pem);
	struct pem_block block;

	if (uri)
		return key_open_uri(uri, custodian, ret_key, err);
	if (!key_find_block(pem, &block, err))
		return false;
	if (!key_block_is_sealed(&block))
		return read_block(&block, ret_key, err);
	return decode_block(&block, &sealed, err) &&
	       unseal(sealed, custodian, &der, err) &&
	       read_der(&block, der, ret_key, err);
}

bool key_text_custody(const struct secret *pem, enum key_custody *ret_custody,
	struct error *err)
{
	AUTO_TEXT uri = uri_in(pem);
	struct pem_block block;

	if (!uri && !key_find_block(pem, &block, err))
		return false;
	*ret_custody = uri			     ? KEY_IN_TOKEN
		       : key_block_is_sealed(&block) ? KEY_SEALED
						     : KEY_PLAIN;
	return true;
}

enum key_custody key_custody(const struct key *key)
{
	if (key->uri)
		return KEY_IN_TOKEN;
	return key->sealed ? KEY_SEALED : KEY_PLAIN;
}

static bool encode(
	const struct key *key, struct secret **ret_der, struct error *err)
{
	AUTO_RELEASE(exported) out = {0};
	struct der all = key_public(key);
	struct key_numbers numbers;
	int rc;

	assert(key->native);
	if (key->algorithm == KEY_ALGORITHM_RSA)
		rc = export_rsa(key, &out);
	else
		rc = gnutls_x509_privkey_export_ecc_raw(
			key->native, NULL, NULL, NULL, &out.scalar);
	if (rc < 0)
		return key_library_failed(err, "private key", rc);
	numbers = numbers_of(key, &out);
	if (is_ec(key->algorithm)) {
		/* what SubjectPublicKeyInfo ends in */
		numbers.point.len = 1 + 2 * key_algorithm_len(key->algorithm);
		numbers.point.bytes = all.bytes + all.len - numbers.point.len;
	}
	*ret_der = key_encode_private(&numbers);
	return true;
}

static struct secret *uri_line(const struct key *key)
{
	size_t len = strlen(key->uri);
	struct secret *line = secret_new(len + 1);

	memcpy(secret_bytes(line), key->uri, len);
	secret_bytes(line)[len] = '\n';
	return line;
}

bool key_write(
	const struct key *key, struct secret **ret_pem, struct error *err)
{
	AUTO_FREE(secret) der = NULL;

	if (key->uri) {
		*ret_pem = uri_line(key);
		return true;
	}
	if (!encode(key, &der, err))
		return false;
	*ret_pem = pem_write_secret("PRIVATE KEY", der);
	return true;
}

bool key_write_sealed(const struct key *key, const struct secret *passphrase,
	struct secret **ret_pem, struct error *err)
{
	AUTO_FREE(secret) der = NULL;
	AUTO_FREE(secret) sealed = NULL;

	if (!encode(key, &der, err) ||
		!seal_close(der, passphrase, SEAL_ITERATIONS, &sealed, err))
		return false;
	*ret_pem = pem_write_secret("ENCRYPTED PRIVATE KEY", sealed);
	return true;
}

void key_free(struct key *key)
{
	if (!key)
		return;
	if (key->signer)
		gnutls_privkey_deinit(key->signer);
	if (key->native)
		gnutls_x509_privkey_deinit(key->native);
	if (key->uri && pthread_mutex_destroy(&key->mutex) != 0)
		abort();
	free(key->uri);
	key_pin_free(key->pin);
	buffer_release(&key->public_key);
	free(key);
}

/* -- asking -- */

enum key_type key_type(const struct key *key)
{
	return key->type;
}

bool key_type_is_rsa(enum key_type type)
{
	return type == KEY_RSA_2048 || type == KEY_RSA_3072 ||
	       type == KEY_RSA_4096;
}

bool key_is_rsa(const struct key *key)
{
	return key->algorithm == KEY_ALGORITHM_RSA;
}

unsigned key_rsa_bits(const struct key *key)
{
	return key->rsa_bits;
}

const char *key_describe(const struct key *key)
{
	return key->name;
}

struct der key_public(const struct key *key)
{
	return (struct der){(const unsigned char *)key->public_key.data,
		key->public_key.len};
}

struct der key_signature_algorithm(const struct key *key)
{
	return algorithms[key->algorithm].identifier;
}

/* -- signatures -- */

bool key_sign(const struct key *key, struct der message,
	struct buffer *signature, struct error *err)
{
	gnutls_sign_algorithm_t sign = algorithms[key->algorithm].sign;
	gnutls_datum_t data = datum_of(message), made = {NULL, 0};
	int rc;

	if (key->uri) {
		if (!key_token_sign(key, sign, &data, &made, err))
			return false;
	} else {
		rc = gnutls_privkey_sign_data2(
			key->signer, sign, 0, &data, &made);
		if (rc < 0)
			return key_library_failed(err, "signature", rc);
	}
	buffer_add(signature, made.data, made.size);
	gnutls_free(made.data);
	return true;
}
