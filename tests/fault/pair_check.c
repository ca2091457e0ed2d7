/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * pair_check [CERTIFICATE KEY]...
 *
 * Prints the serial of each certificate; both files are PEM and may be one.
 * Exits 1 when one cannot be read, or a key is not its certificate's.  What
 * openssl could say, for hundreds of pairs in no time.
 */
#include <stdio.h>
#include <string.h>

#include <gnutls/x509.h>

#define ID_MAX 64

static int read_certificate(const char *path, unsigned char id[ID_MAX])
{
	gnutls_datum_t text = {NULL, 0};
	gnutls_x509_crt_t certificate = NULL;
	unsigned char serial[32];
	size_t len = sizeof(serial), id_len = ID_MAX;
	int code = gnutls_load_file(path, &text);

	if (code >= 0)
		code = gnutls_x509_crt_init(&certificate);
	if (code >= 0)
		code = gnutls_x509_crt_import(certificate, &text,
			GNUTLS_X509_FMT_PEM);
	if (code >= 0)
		code = gnutls_x509_crt_get_serial(certificate, serial, &len);
	if (code >= 0)
		code = gnutls_x509_crt_get_key_id(certificate, 0, id, &id_len);
	for (size_t i = 0; code >= 0 && i < len; i++)
		printf("%02x%s", serial[i], i + 1 < len ? "" : "\n");
	gnutls_free(text.data);
	gnutls_x509_crt_deinit(certificate);
	return code;
}

static int read_key(const char *path, unsigned char id[ID_MAX])
{
	gnutls_datum_t text = {NULL, 0};
	gnutls_x509_privkey_t key = NULL;
	size_t id_len = ID_MAX;
	int code = gnutls_load_file(path, &text);

	if (code >= 0)
		code = gnutls_x509_privkey_init(&key);
	if (code >= 0)
		code = gnutls_x509_privkey_import(key, &text,
			GNUTLS_X509_FMT_PEM);
	if (code >= 0)
		code = gnutls_x509_privkey_get_key_id(key, 0, id, &id_len);
	gnutls_free(text.data);
	gnutls_x509_privkey_deinit(key);
	return code;
}

int main(int argc, char *argv[])
{
	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned char of_certificate[ID_MAX] = {0}, of_key[ID_MAX] = {0};
		int code = read_certificate(argv[i], of_certificate);

		if (code >= 0)
			code = read_key(argv[i + 1], of_key);
		if (code < 0 || memcmp(of_certificate, of_key, ID_MAX) != 0) {
			fprintf(stderr, "pair_check: %s %s: %s\n", argv[i],
				argv[i + 1], code < 0 ? gnutls_strerror(code) :
							"not its key");
			return 1;
		}
	}
	return argc % 2 == 0;
}
