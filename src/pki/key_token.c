/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/key_token.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/pkcs11.h>

#include "base/file.h"
#include "pki/digest.h"
#include "pki/key_private.h"
#include "pki/pkcs11_uri.h"

/* -- what the library says -- */

static bool token_failed(
	struct error *err, const struct pkcs11_uri *uri, int rc)
{
	static const struct {
		int rc;
		enum error_kind kind;
		const char *words;
	} rows[] = {
		{GNUTLS_E_PKCS11_PIN_ERROR, ERROR_INPUT,
			"the PIN is not the token's"},
		{GNUTLS_E_PKCS11_PIN_LOCKED, ERROR_FAILED,
			"the token takes no PIN any more"},
		{GNUTLS_E_PKCS11_PIN_EXPIRED, ERROR_FAILED,
			"the PIN has expired"},
		{GNUTLS_E_PKCS11_DEVICE_ERROR, ERROR_FAILED,
			"the token does not answer, or is gone"},
		{GNUTLS_E_PKCS11_TOKEN_ERROR, ERROR_FAILED,
			"the token does not answer, or is gone"},
		{GNUTLS_E_PKCS11_SESSION_ERROR, ERROR_FAILED,
			"the token does not answer, or is gone"},
		{GNUTLS_E_PKCS11_SLOT_ERROR, ERROR_FAILED,
			"the token does not answer, or is gone"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].rc == rc)
			return error_set(err, rows[i].kind, "\"%s\": %s",
				uri->token, rows[i].words);
	return error_set(err, ERROR_FAILED, "\"%s\": %s", uri->token,
		gnutls_strerror_name(rc));
}

/* -- the PIN -- */

void key_pin_free(struct key_pin *pin)
{
	if (!pin)
		return;
	secret_free(pin->pin);
	error_release(&pin->err);
	free(pin);
}

static struct secret *copy_secret(const struct secret *from)
{
	struct secret *copy = secret_new(secret_len(from));

	memcpy(secret_bytes(copy), secret_view(from), secret_len(from));
	return copy;
}

static bool read_pin_source(
	const char *path, struct secret **ret_pin, struct error *err)
{
	AUTO_FREE(secret) pin = NULL;
	size_t len;

	if (!file_read_secret(
		    AT_FDCWD, path, GNUTLS_PKCS11_MAX_PIN_LEN, &pin, err))
		return error_context(err, "pin-source");
	len = secret_len(pin);
	if (len > 0 && secret_view(pin)[len - 1] == '\n')
		secret_shorten(pin, len - 1);
	*ret_pin = take(&pin);
	return true;
}

/* A wrong PIN brings a token nearer to locking itself, so one that was given is
 * tried once, and the last try is nobody's here. */
static bool find_pin(struct key_pin *pin, unsigned flags, int attempt)
{
	bool wrong = flags & GNUTLS_PIN_WRONG || attempt > 0;
	const struct secret *answer;

	if (flags & GNUTLS_PIN_FINAL_TRY)
		return error_set(&pin->err, ERROR_FAILED,
			"the token has one try left, which is not used up "
			"here");
	if (pin->pin && !wrong)
		return true;
	if (!pin->custodian || (unsigned)attempt >= pin->custodian->tries)
		return false;
	if (!pin->custodian->passphrase(
		    pin->custodian->data, "PIN", wrong, &answer, &pin->err))
		return false;
	secret_free(pin->pin);
	pin->pin = copy_secret(answer);
	return true;
}

static int give_pin(void *data, int attempt, const char *token_url,
	const char *token_label, unsigned flags, char *text, size_t room)
{
	struct key_pin *pin = data;

	(void)token_url, (void)token_label;
	if (pin->err.kind != ERROR_NONE || !find_pin(pin, flags, attempt) ||
		secret_len(pin->pin) >= room)
		return GNUTLS_E_PKCS11_PIN_ERROR;
	memcpy(text, secret_view(pin->pin), secret_len(pin->pin));
	text[secret_len(pin->pin)] = '\0';
	return 0;
}

/* -- the module -- */

/* The one that the URI names; without a name those that p11-kit knows of.
 * Nothing is ever loaded before the first URI. */
static bool load_module(const struct pkcs11_uri *uri, struct error *err)
{
	int rc = gnutls_pkcs11_init(uri->module_path ? GNUTLS_PKCS11_FLAG_MANUAL
						     : GNUTLS_PKCS11_FLAG_AUTO,
		NULL);

	if (rc >= 0 && uri->module_path) {
		rc = gnutls_pkcs11_add_provider(uri->module_path, NULL);
		if (rc == GNUTLS_E_INT_RET_0) /* it is there already */
			rc = 0;
	}
	if (rc >= 0)
		return true;
	return error_set(err, ERROR_FAILED, "PKCS#11 module \"%s\": %s",
		uri->module_path ? uri->module_path : "of p11-kit",
		gnutls_strerror_name(rc));
}

static bool require_token(const struct pkcs11_uri *uri, struct error *err)
{
	unsigned flags;
	int rc = gnutls_pkcs11_token_get_flags(uri->token, &flags);

	if (rc >= 0)
		return true;
	if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return error_set(err, ERROR_FAILED,
			"\"%s\": no such token is there", uri->token);
	return token_failed(err, uri, rc);
}

/* -- the key -- */

static bool set_public_key(
	struct key *key, const struct pkcs11_uri *uri, struct error *err)
{
	gnutls_datum_t der = {NULL, 0};
	gnutls_pubkey_t pubkey;
	int rc = gnutls_pubkey_init(&pubkey);

	if (rc < 0)
		return key_library_failed(err, "public key", rc);
	rc = gnutls_pubkey_import_privkey(pubkey, key->signer, 0, 0);
	if (rc >= 0)
		rc = gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, &der);
	if (rc >= 0)
		gnutls_pubkey_get_pk_algorithm(pubkey, &key->rsa_bits);
	gnutls_pubkey_deinit(pubkey);
	if (rc < 0)
		return error_set(err, ERROR_INPUT,
			"\"%s\": the token has no public key beside it",
			uri->key);
	buffer_add(&key->public_key, der.data, der.size);
	gnutls_free(der.data);
	return true;
}

/* SubjectPublicKeyInfo begins with who it is. */
static bool find_algorithm(
	struct key *key, const struct pkcs11_uri *uri, struct error *err)
{
	struct der all = key_public(key), at, identifier;

	if (der_take(&all, DER_SEQUENCE, &at, NULL) &&
		der_take(&at, DER_SEQUENCE, NULL, &identifier) &&
		key_algorithm_find(identifier, &key->algorithm))
		return true;
	return error_set(err, ERROR_INPUT,
		"\"%s\": none of RSA, ECDSA on P-256, P-384 or P-521, and "
		"Ed25519",
		uri->key);
}

static bool new_key(const struct pkcs11_uri *uri,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err)
{
	AUTO_FREE(key) key = memory_new(1, sizeof(*key));
	int rc;

	key->public_key = (struct buffer)BUFFER_INIT;
	key->uri = memory_text(uri->text);
	key->pin = memory_new(1, sizeof(*key->pin));
	key->pin->custodian = custodian;
	if (pthread_mutex_init(&key->mutex, NULL) != 0)
		abort();
	rc = gnutls_privkey_init(&key->signer);
	if (rc < 0)
		return key_library_failed(err, "key", rc);
	gnutls_privkey_set_pin_function(key->signer, give_pin, key->pin);
	if (uri->pin_source &&
		!read_pin_source(uri->pin_source, &key->pin->pin, err))
		return false;
	*ret_key = take(&key);
	return true;
}

/* *ret_found is false, and err not set, when the token has no such key. */
static bool import(struct key *key, const struct pkcs11_uri *uri,
	bool *ret_found, struct error *err)
{
	int rc = gnutls_privkey_import_url(
		key->signer, uri->key, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);

	secret_wipe_stack();
	*ret_found = rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	if (rc >= 0 || !*ret_found)
		return true;
	if (key->pin->err.kind != ERROR_NONE) {
		error_move(err, &key->pin->err);
		return error_context(err, "\"%s\"", uri->token);
	}
	return token_failed(err, uri, rc);
}

static bool finish(
	struct key *key, const struct pkcs11_uri *uri, struct error *err)
{
	/* Nobody is asked once threads sign. */
	key->pin->custodian = NULL;
	if (!set_public_key(key, uri, err) || !find_algorithm(key, uri, err))
		return false;
	if (key->algorithm != KEY_ALGORITHM_RSA)
		key->rsa_bits = 0;
	key_describe_numbers(key);
	return true;
}

static bool open_parsed(const struct pkcs11_uri *uri,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err)
{
	AUTO_FREE(key) key = NULL;
	bool found;

	if (!load_module(uri, err) || !require_token(uri, err) ||
		!new_key(uri, custodian, &key, err) ||
		!import(key, uri, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_INPUT,
			"\"%s\": no such private key is there", uri->key);
	if (!finish(key, uri, err))
		return false;
	*ret_key = take(&key);
	return true;
}

bool key_open_uri(const char *text, const struct key_custodian *custodian,
	struct key **ret_key, struct error *err)
{
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;

	return pkcs11_uri_parse(text, &uri, err) &&
	       open_parsed(&uri, custodian, ret_key, err);
}

/* -- making one -- */

static const struct {
	gnutls_pk_algorithm_t algorithm;
	unsigned bits;
} kinds[] = {
	[KEY_ECDSA_P256] = {GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
	[KEY_ECDSA_P384] = {GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)},
	[KEY_RSA_2048] = {GNUTLS_PK_RSA, 2048},
	[KEY_RSA_3072] = {GNUTLS_PK_RSA, 3072},
	[KEY_RSA_4096] = {GNUTLS_PK_RSA, 4096},
};

/* An id of its own, where the URI says none: tokens pair keys by it. */
static bool choose_id(const struct pkcs11_uri *uri, unsigned char random[16],
	gnutls_datum_t *ret_id, struct error *err)
{
	if (uri->id) {
		*ret_id = (gnutls_datum_t){
			(unsigned char *)uri->id, (unsigned)uri->id_len};
		return true;
	}
	*ret_id = (gnutls_datum_t){random, 16};
	return random_bytes(random, 16, err);
}

static bool make(struct key *key, const struct pkcs11_uri *uri,
	enum key_type type, struct error *err)
{
	unsigned char random[16];
	gnutls_datum_t id;
	int rc;

	if (!choose_id(uri, random, &id, err))
		return false;
	/* The library has no callback for one call: its own is the program's.
	 */
	gnutls_pkcs11_set_pin_function(give_pin, key->pin);
	rc = gnutls_pkcs11_privkey_generate3(uri->token, kinds[type].algorithm,
		kinds[type].bits, uri->object, &id, 0, NULL,
		GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN |
			GNUTLS_KEY_CRL_SIGN,
		GNUTLS_PKCS11_OBJ_FLAG_LOGIN |
			GNUTLS_PKCS11_OBJ_FLAG_MARK_SENSITIVE |
			GNUTLS_PKCS11_OBJ_FLAG_MARK_PRIVATE);
	gnutls_pkcs11_set_pin_function(NULL, NULL);
	secret_wipe_stack();
	if (rc >= 0)
		return true;
	if (key->pin->err.kind != ERROR_NONE) {
		error_move(err, &key->pin->err);
		return error_context(err, "\"%s\"", uri->token);
	}
	return token_failed(err, uri, rc);
}

bool key_make_uri(const char *text, enum key_type type,
	const struct key_custodian *custodian, struct key **ret_key,
	struct error *err)
{
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;
	AUTO_FREE(key) key = NULL;
	bool found;

	if (type == KEY_ED25519 || type == KEY_OTHER)
		return error_set(err, ERROR_REFUSED,
			"key type \"%s\": none that is made in a token",
			key_type_name(type));
	if (!pkcs11_uri_parse(text, &uri, err) || !load_module(&uri, err) ||
		!require_token(&uri, err) ||
		!new_key(&uri, custodian, &key, err) ||
		!import(key, &uri, &found, err))
		return false;
	if (!found && (!make(key, &uri, type, err) ||
			      !import(key, &uri, &found, err)))
		return false;
	if (!found)
		return error_set(err, ERROR_FAILED,
			"\"%s\": was made, and is not there", uri.key);
	if (!finish(key, &uri, err))
		return false;
	*ret_key = take(&key);
	return true;
}

/* -- using it -- */

bool key_token_sign(const struct key *key, gnutls_sign_algorithm_t sign,
	const gnutls_datum_t *message, gnutls_datum_t *ret_signature,
	struct error *err)
{
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;
	struct key *held = (struct key *)key;
	int rc;

	if (pthread_mutex_lock(&held->mutex) != 0)
		abort();
	rc = gnutls_privkey_sign_data2(
		key->signer, sign, 0, message, ret_signature);
	if (pthread_mutex_unlock(&held->mutex) != 0)
		abort();
	secret_wipe_stack();
	if (rc >= 0)
		return true;
	return pkcs11_uri_parse(key->uri, &uri, err) &&
	       token_failed(err, &uri, rc);
}
