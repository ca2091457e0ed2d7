/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef PKI_DER_H
#define PKI_DER_H

#include "base/buffer.h"
#include "base/instant.h"
#include "base/memory.h"

/*
 * DER (X.690): a writer that goes from the back to the front, so that lengths
 * are known when they are written, and a cursor, written independently of it,
 * that reads strictly.  What the writer wrote, the cursor checks before it is
 * released.
 *
 * Writing "SEQUENCE { INTEGER 5, NULL }" is said in reverse:
 *
 *	struct der_writer out = der_writer(storage, sizeof(storage));
 *	size_t end = der_mark(&out);
 *	der_put(&out, DER_NULL, NULL, 0);
 *	der_put_integer(&out, 5);
 *	der_wrap(&out, DER_SEQUENCE, end);
 *	if (!der_written(&out, &result, err)) …
 *
 * Running out of storage is remembered and reported by der_written.
 */

/* A view of bytes that somebody else owns. */
struct der {
	const unsigned char *bytes;
	size_t len;
};

static inline struct der der_of(const struct buffer *buffer)
{
	return (struct der){(const unsigned char *)buffer->data, buffer->len};
}

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,             /* | number */
	DER_CONTEXT_CONSTRUCTED = 0xa0, /* | number */
};

/* -- writing -- */

struct der_writer {
	unsigned char *start, *at, *end;
	bool overflow;
};

struct der_writer der_writer(void *storage, size_t size);
/* The bytes written so far, as a mark for der_wrap. */
size_t der_mark(const struct der_writer *out);
/* Bytes as they are, without tag and length. */
void der_put_raw(struct der_writer *out, const void *bytes, size_t len);
void der_put(struct der_writer *out, unsigned tag, const void *bytes,
	size_t len);
/* Puts tag and length before all that was written since the mark. */
void der_wrap(struct der_writer *out, unsigned tag, size_t mark);
void der_put_integer(struct der_writer *out, unsigned value);
/* An unsigned big-endian number: leading zeros dropped, one added where the
 * top bit would make it negative. */
void der_put_unsigned(struct der_writer *out, const void *bytes, size_t len);
void der_put_boolean(struct der_writer *out, bool value);
/* The content octets of an OBJECT IDENTIFIER, already encoded. */
void der_put_oid(struct der_writer *out, struct der oid);
/* UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
void der_put_time(struct der_writer *out, struct instant at);
/* PrintableString where every character fits, else UTF8String. */
void der_put_directory_string(struct der_writer *out, const char *text);

MUST_CHECK bool der_written(const struct der_writer *out, struct der *ret_der,
	struct error *err);

/* -- reading: every answer false means "not DER, or not this" -- */

/* Takes one element off the front of *cursor; its contents go to
 * *ret_contents, its whole (tag and length too) to *ret_whole, either of which
 * may be NULL.  Minimal definite lengths only, single-byte tags only. */
MUST_CHECK bool der_take(struct der *cursor, unsigned tag,
	struct der *ret_contents, struct der *ret_whole);
/* The tag at the front; 0 at the end. */
unsigned der_next(const struct der *cursor);
/* INTEGER, positive or zero, minimal; leading zero octet dropped. */
MUST_CHECK bool der_take_unsigned(struct der *cursor, struct der *ret_value);
MUST_CHECK bool der_take_boolean(struct der *cursor, bool *ret_value);
MUST_CHECK bool der_take_time(struct der *cursor, struct instant *ret_at);
bool der_equal(struct der a, struct der b);

#endif
