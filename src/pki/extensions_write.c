/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/extensions.h"

#include <arpa/inet.h>
#include <string.h>

#include "pki/oid.h"

void extension_put(
	struct der_writer *out, struct der oid, bool critical, size_t mark)
{
	der_wrap(out, DER_OCTET_STRING, mark);
	if (critical)
		der_put_boolean(out, true);
	der_put_oid(out, oid);
	der_wrap(out, DER_SEQUENCE, mark);
}

static void put_alt_name(struct der_writer *out, const struct alt_name *name)
{
	unsigned char address[16];

	if (name->kind == ALT_NAME_DNS)
		der_put(out, DER_CONTEXT | 2, name->text, strlen(name->text));
	else if (inet_pton(AF_INET, name->text, address) == 1)
		der_put(out, DER_CONTEXT | 7, address, 4);
	else if (inet_pton(AF_INET6, name->text, address) == 1)
		der_put(out, DER_CONTEXT | 7, address, 16);
}

void extension_put_alt_names(
	struct der_writer *out, const struct alt_name *names, size_t n_names)
{
	size_t mark = der_mark(out);

	if (n_names == 0)
		return;
	for (size_t i = n_names; i > 0; i--)
		put_alt_name(out, &names[i - 1]);
	der_wrap(out, DER_SEQUENCE, mark);
	extension_put(out, OID_SUBJECT_ALT_NAME, false, mark);
}

void extension_put_purposes(struct der_writer *out, unsigned purposes)
{
	size_t mark = der_mark(out);

	if (purposes == 0)
		return;
	if (purposes & PURPOSE_CLIENT)
		der_put_oid(out, OID_CLIENT_AUTH);
	if (purposes & PURPOSE_SERVER)
		der_put_oid(out, OID_SERVER_AUTH);
	der_wrap(out, DER_SEQUENCE, mark);
	extension_put(out, OID_EXT_KEY_USAGE, false, mark);
}

/* X.690, 11.2.2: named bits from the left, without zeros at the end. */
void extension_put_key_usage(struct der_writer *out, unsigned key_usage)
{
	size_t mark = der_mark(out);
	unsigned char octets[2] = {0, 0};
	unsigned last = 0;

	if (key_usage == 0)
		return;
	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(key_usage >> bit & 1))
			continue;
		octets[1] |= (unsigned char)(0x80 >> bit);
		last = bit;
	}
	octets[0] = (unsigned char)(7 - last);
	der_put(out, DER_BIT_STRING, octets, sizeof(octets));
	extension_put(out, OID_KEY_USAGE, true, mark);
}
