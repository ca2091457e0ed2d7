/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/der.h"

#include <string.h>

/* -- writing -- */

struct der_writer der_writer(void *storage, size_t size)
{
	unsigned char *start = storage;

	return (struct der_writer){start, start + size, start + size, false};
}

size_t der_mark(const struct der_writer *out)
{
	return (size_t)(out->end - out->at);
}

void der_put_raw(struct der_writer *out, const void *bytes, size_t len)
{
	if (out->overflow || len > (size_t)(out->at - out->start)) {
		out->overflow = true;
		return;
	}
	out->at -= len;
	if (len > 0)
		memcpy(out->at, bytes, len);
}

static void put_byte(struct der_writer *out, unsigned byte)
{
	unsigned char octet = (unsigned char)byte;

	der_put_raw(out, &octet, 1);
}

void der_wrap(struct der_writer *out, unsigned tag, size_t mark)
{
	size_t len = der_mark(out) - mark;
	unsigned n_octets = 0;

	if (len < 0x80) {
		put_byte(out, (unsigned)len);
	} else {
		for (; len > 0; len >>= 8, n_octets++)
			put_byte(out, len & 0xff);
		put_byte(out, 0x80 | n_octets);
	}
	put_byte(out, tag);
}

void der_put(
	struct der_writer *out, unsigned tag, const void *bytes, size_t len)
{
	size_t mark = der_mark(out);

	der_put_raw(out, bytes, len);
	der_wrap(out, tag, mark);
}

void der_put_unsigned(struct der_writer *out, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	size_t mark = der_mark(out);

	for (; len > 0 && *at == 0; len--)
		at++;
	der_put_raw(out, at, len);
	if (len == 0 || at[0] & 0x80)
		put_byte(out, 0);
	der_wrap(out, DER_INTEGER, mark);
}

void der_put_integer(struct der_writer *out, unsigned value)
{
	unsigned char bytes[] = {(unsigned char)(value >> 24),
		(unsigned char)(value >> 16), (unsigned char)(value >> 8),
		(unsigned char)value};

	der_put_unsigned(out, bytes, sizeof(bytes));
}

void der_put_boolean(struct der_writer *out, bool value)
{
	unsigned char octet = value ? 0xff : 0;

	der_put(out, DER_BOOLEAN, &octet, 1);
}

void der_put_oid(struct der_writer *out, struct der oid)
{
	der_put(out, DER_OID, oid.bytes, oid.len);
}

void der_put_time(struct der_writer *out, struct instant at)
{
	char text[INSTANT_TEXT], digits[16];
	size_t len = 0;
	bool utc;

	instant_format(at, text);
	utc = strncmp(text, "2050", 4) < 0;
	for (const char *from = text; *from; from++)
		if (*from >= '0' && *from <= '9')
			digits[len++] = *from;
	digits[len++] = 'Z';
	if (utc)
		der_put(out, DER_UTC_TIME, digits + 2, len - 2);
	else
		der_put(out, DER_GENERALIZED_TIME, digits, len);
}

void der_put_directory_string(struct der_writer *out, const char *text)
{
	/* X.680, 41.4 */
	static const char printable[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"abcdefghijklmnopqrstuvwxyz"
					"0123456789 '()+,-./:=?";
	size_t len = strlen(text);
	bool fits = strspn(text, printable) == len;

	der_put(out, fits ? DER_PRINTABLE_STRING : DER_UTF8_STRING, text, len);
}

bool der_written(
	const struct der_writer *out, struct der *ret_der, struct error *err)
{
	if (out->overflow)
		return error_set(err, ERROR_FAILED,
			"DER: longer than the %zu bytes reserved for it",
			(size_t)(out->end - out->start));
	*ret_der = (struct der){out->at, der_mark(out)};
	return true;
}

/* -- reading -- */

/* X.690, 10.1: the definite form, in the fewest octets. */
static bool read_length(struct der rest, size_t *ret_len, size_t *ret_octets)
{
	size_t n, len = 0;

	if (rest.len == 0)
		return false;
	if (rest.bytes[0] < 0x80) {
		*ret_len = rest.bytes[0];
		*ret_octets = 1;
		return true;
	}
	n = rest.bytes[0] - 0x80u;
	if (n == 0 || n > 4 || rest.len <= n || rest.bytes[1] == 0)
		return false;
	for (size_t i = 1; i <= n; i++)
		len = len * 256 + rest.bytes[i];
	if (len <= 0x7f)
		return false;
	*ret_len = len;
	*ret_octets = 1 + n;
	return true;
}

bool der_take(struct der *cursor, unsigned tag, struct der *ret_contents,
	struct der *ret_whole)
{
	struct der whole = *cursor;
	size_t len, octets;

	if (tag == 0 || (tag & 0x1f) == 0x1f || der_next(cursor) != tag)
		return false;
	if (!read_length((struct der){whole.bytes + 1, whole.len - 1}, &len,
		    &octets))
		return false;
	if (len > whole.len - 1 - octets)
		return false;
	whole.len = 1 + octets + len;
	cursor->bytes += whole.len;
	cursor->len -= whole.len;
	if (ret_contents)
		*ret_contents = (struct der){whole.bytes + 1 + octets, len};
	if (ret_whole)
		*ret_whole = whole;
	return true;
}

unsigned der_next(const struct der *cursor)
{
	return cursor->len > 0 ? cursor->bytes[0] : 0;
}

bool der_take_unsigned(struct der *cursor, struct der *ret_value)
{
	struct der rest = *cursor, value;

	if (!der_take(&rest, DER_INTEGER, &value, NULL) || value.len == 0)
		return false;
	if (value.bytes[0] & 0x80)
		return false;
	if (value.bytes[0] == 0 && value.len > 1) {
		if (!(value.bytes[1] & 0x80))
			return false;
		value.bytes++;
		value.len--;
	}
	*cursor = rest;
	*ret_value = value;
	return true;
}

bool der_take_boolean(struct der *cursor, bool *ret_value)
{
	struct der rest = *cursor, value;

	if (!der_take(&rest, DER_BOOLEAN, &value, NULL) || value.len != 1)
		return false;
	if (value.bytes[0] != 0x00 && value.bytes[0] != 0xff)
		return false;
	*cursor = rest;
	*ret_value = value.bytes[0] != 0;
	return true;
}

static bool read_digits(const unsigned char *at, size_t n, unsigned *ret_value)
{
	unsigned value = 0;

	for (size_t i = 0; i < n; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		value = value * 10 + (at[i] - '0');
	}
	*ret_value = value;
	return true;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	int64_t before = (int64_t)year - 1;
	int64_t days = before * 365 + before / 4 - before / 100 + before / 400;

	for (unsigned m = 1; m < month; m++)
		days += days_in_month(year, m);
	return days + day - 1 - 719162;
}

/* month, day, hour, minute, second */
static bool read_clock(unsigned year, struct der text, struct instant *ret_at)
{
	unsigned part[5];

	if (text.len != 11 || text.bytes[10] != 'Z')
		return false;
	for (size_t i = 0; i < 5; i++)
		if (!read_digits(text.bytes + 2 * i, 2, &part[i]))
			return false;
	if (part[0] < 1 || part[0] > 12 || part[1] < 1)
		return false;
	if (part[1] > days_in_month(year, part[0]))
		return false;
	if (part[2] > 23 || part[3] > 59 || part[4] > 59)
		return false;
	ret_at->seconds = days_since_1970(year, part[0], part[1]) * SPAN_DAY +
			  part[2] * SPAN_HOUR + part[3] * SPAN_MINUTE + part[4];
	return true;
}

bool der_take_time(struct der *cursor, struct instant *ret_at)
{
	bool utc = der_next(cursor) == DER_UTC_TIME;
	size_t digits = utc ? 2 : 4;
	struct der rest = *cursor, text;
	struct instant at;
	unsigned year;

	if (!der_take(&rest, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, &text,
		    NULL))
		return false;
	if (text.len < digits || !read_digits(text.bytes, digits, &year))
		return false;
	/* RFC 5280, 4.1.2.5: each form has years of its own */
	if (utc)
		year += year < 50 ? 2000 : 1900;
	else if (year < 2050)
		return false;
	text.bytes += digits;
	text.len -= digits;
	if (!read_clock(year, text, &at))
		return false;
	*cursor = rest;
	*ret_at = at;
	return true;
}

bool der_equal(struct der a, struct der b)
{
	if (a.len != b.len)
		return false;
	return a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0;
}
