/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "pki/pkcs11_uri.h"

/* The parts say no more than the whole, and lead back to themselves. */
static void require_parts(const struct pkcs11_uri *uri, const char *text)
{
	AUTO_RELEASE(pkcs11_uri) key = PKCS11_URI_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	hold(!strcmp(uri->text, text));
	hold(uri->object || uri->id);
	hold(!uri->module_path || uri->module_path[0] == '/');
	hold(!uri->pin_source || uri->pin_source[0] == '/');
	hold(!strchr(uri->key, '?') && !strchr(uri->token, '?'));
	hold(pkcs11_uri_parse(uri->key, &key, &err));
	hold(!strcmp(key.key, uri->key) && !strcmp(key.token, uri->token));
	hold(key.id_len == uri->id_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_TEXT text = memory_text_n((const char *)data, len);
	AUTO_RELEASE(pkcs11_uri) uri = PKCS11_URI_INIT;
	AUTO_RELEASE(error) err = ERROR_INIT;

	if (pkcs11_uri_parse(text, &uri, &err))
		require_parts(&uri, text);
	else
		hold_refusal(&err);
	return 0;
}
