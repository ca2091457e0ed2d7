/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

#include <string.h>

#include "pki/seal.h"

/* An INTEGER of three or more octets may be a count that takes seconds, and
 * shows nothing that a small one does not. */
static bool is_slow(const uint8_t *data, size_t len)
{
	return memmem(data, len, "\x02\x03", 2) ||
	       memmem(data, len, "\x02\x04", 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_FREE(secret) passphrase = secret_new(6);
	AUTO_FREE(secret) plain = NULL;
	AUTO_RELEASE(error) err = ERROR_INIT;
	bool opened = false;

	if (is_slow(data, len))
		return 0;
	memcpy(secret_bytes(passphrase), "secret", 6);
	if (!seal_open((struct der){data, len}, passphrase, &plain, &opened,
		    &err)) {
		hold(!plain && !opened);
		hold_refusal(&err);
		return 0;
	}
	hold(opened == (plain != NULL));
	/* What comes out is one SEQUENCE, and goes in again. */
	hold(!opened || secret_view(plain)[0] == DER_SEQUENCE);
	return 0;
}
