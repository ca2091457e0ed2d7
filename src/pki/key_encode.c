/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/key_numbers.h"

#include <assert.h>
#include <string.h>

#include "pki/oid.h"

static const struct {
	size_t len;
	struct der identifier;
} algorithms[] = {
	[KEY_ALGORITHM_P256] = {32,
		DER_LITERAL("\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
			    "\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")},
	[KEY_ALGORITHM_P384] = {48,
		DER_LITERAL("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
			    "\x05\x2b\x81\x04\x00\x22")},
	[KEY_ALGORITHM_P521] = {66,
		DER_LITERAL("\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06"
			    "\x05\x2b\x81\x04\x00\x23")},
	[KEY_ALGORITHM_RSA] = {0,
		DER_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
			    "\x01\x05\x00")},
	[KEY_ALGORITHM_ED25519] = {32,
		DER_LITERAL("\x30\x05\x06\x03\x2b\x65\x70")},
};

struct der key_algorithm_identifier(enum key_algorithm algorithm)
{
	return algorithms[algorithm].identifier;
}

size_t key_algorithm_len(enum key_algorithm algorithm)
{
	return algorithms[algorithm].len;
}

bool key_algorithm_find(
	struct der identifier, enum key_algorithm *ret_algorithm)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (!der_equal(identifier, algorithms[i].identifier))
			continue;
		*ret_algorithm = (enum key_algorithm)i;
		return true;
	}
	return false;
}

/* Room that is enough for either form of these numbers. */
static size_t room_for(const struct key_numbers *numbers)
{
	size_t room = 128 + numbers->scalar.len + numbers->point.len;

	for (size_t i = 0; i < RSA_NUMBERS; i++)
		room += numbers->rsa[i].len + 8;
	return room;
}

static void put_bit_string(
	struct der_writer *out, unsigned tag, struct der bytes, size_t mark)
{
	der_put_raw(out, bytes.bytes, bytes.len);
	der_put_raw(out, "", 1);
	der_wrap(out, tag, mark);
}

static void put_rsa(struct der_writer *out, const struct key_numbers *numbers,
	size_t n_numbers)
{
	for (size_t i = n_numbers; i > 0; i--)
		der_put_unsigned(out, numbers->rsa[i - 1].bytes,
			numbers->rsa[i - 1].len);
}

void key_encode_public(const struct key_numbers *numbers, struct buffer *der)
{
	struct der identifier = key_algorithm_identifier(numbers->algorithm);
	size_t room = room_for(numbers);
	AUTO_RELEASE(buffer) work = BUFFER_INIT;
	struct der_writer out = der_writer(buffer_room(&work, room), room);

	if (numbers->algorithm == KEY_ALGORITHM_RSA) {
		put_rsa(&out, numbers, RSA_PUBLIC_EXPONENT + 1);
		der_wrap(&out, DER_SEQUENCE, 0);
	}
	put_bit_string(&out, DER_BIT_STRING, numbers->point, 0);
	der_put_raw(&out, identifier.bytes, identifier.len);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert(!out.overflow);
	buffer_add(der, out.at, der_mark(&out));
}

/* RFC 5915, 3: the scalar has the length of the curve's order, always. */
static void put_ec(struct der_writer *out, const struct key_numbers *numbers)
{
	static const unsigned char zeros[66];
	size_t len = key_algorithm_len(numbers->algorithm), mark;

	put_bit_string(out, DER_BIT_STRING, numbers->point, 0);
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 1, 0);
	mark = der_mark(out);
	assert(numbers->scalar.len <= len);
	der_put_raw(out, numbers->scalar.bytes, numbers->scalar.len);
	der_put_raw(out, zeros, len - numbers->scalar.len);
	der_wrap(out, DER_OCTET_STRING, mark);
	der_put_integer(out, 1);
	der_wrap(out, DER_SEQUENCE, 0);
}

static void put_private(
	struct der_writer *out, const struct key_numbers *numbers)
{
	switch (numbers->algorithm) {
	case KEY_ALGORITHM_P256:
	case KEY_ALGORITHM_P384:
	case KEY_ALGORITHM_P521:
		put_ec(out, numbers);
		break;
	case KEY_ALGORITHM_RSA:
		put_rsa(out, numbers, RSA_NUMBERS);
		der_put_integer(out, 0);
		der_wrap(out, DER_SEQUENCE, 0);
		break;
	case KEY_ALGORITHM_ED25519:
		der_put(out, DER_OCTET_STRING, numbers->scalar.bytes,
			numbers->scalar.len);
		break;
	}
}

struct secret *key_encode_private(const struct key_numbers *numbers)
{
	struct der identifier = key_algorithm_identifier(numbers->algorithm);
	struct secret *der = secret_new(room_for(numbers));
	struct der_writer out = der_writer(secret_bytes(der), secret_len(der));

	put_private(&out, numbers);
	der_wrap(&out, DER_OCTET_STRING, 0);
	der_put_raw(&out, identifier.bytes, identifier.len);
	der_put_integer(&out, 0);
	der_wrap(&out, DER_SEQUENCE, 0);
	assert(!out.overflow);
	memmove(out.start, out.at, der_mark(&out));
	secret_shorten(der, der_mark(&out));
	return der;
}
