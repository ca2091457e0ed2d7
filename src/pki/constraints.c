/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/constraints.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pki/extensions.h"
#include "pki/names.h"
#include "pki/oid.h"

/* -- networks -- */

struct network {
	unsigned char address[16], mask[16];
	size_t len; /* 4 or 16 */
};

static void fill_mask(unsigned bits, struct network *network)
{
	for (size_t i = 0; i < network->len; i++) {
		unsigned here = bits > 8 ? 8 : bits;

		network->mask[i] = (unsigned char)(0xff00u >> here);
		bits -= here;
	}
}

static bool parse_network(const char *text, struct network *ret_network)
{
	AUTO_TEXT address = memory_text_n(text, strcspn(text, "/"));
	const char *slash = strchr(text, '/');
	struct network network = {.len = strchr(text, ':') ? 16 : 4};
	char *end = NULL;
	unsigned long bits;

	if (!slash || slash[1] < '0' || slash[1] > '9' ||
		inet_pton(network.len == 4 ? AF_INET : AF_INET6, address,
			network.address) != 1)
		return false;
	bits = strtoul(slash + 1, &end, 10);
	if (*end || bits > 8 * network.len)
		return false;
	fill_mask((unsigned)bits, &network);
	for (size_t i = 0; i < network.len; i++)
		if (network.address[i] & ~network.mask[i])
			return false;
	*ret_network = network;
	return true;
}

/* -1: the ones of the mask are not all at its front, which Go refuses. */
static int bits_of(const struct network *network)
{
	struct network same = {.len = network->len};
	int bits = 0;

	while (bits < (int)(8 * network->len) &&
		network->mask[bits / 8] >> (7 - bits % 8) & 1)
		bits++;
	fill_mask((unsigned)bits, &same);
	return memcmp(same.mask, network->mask, network->len) ? -1 : bits;
}

static char *format_network(struct der value)
{
	struct network network = {.len = value.len / 2};
	char text[INET6_ADDRSTRLEN];
	int bits;

	memcpy(network.address, value.bytes, network.len);
	memcpy(network.mask, value.bytes + network.len, network.len);
	for (size_t i = 0; i < network.len; i++)
		network.address[i] &= network.mask[i];
	bits = bits_of(&network);
	if (bits < 0 || !inet_ntop(network.len == 4 ? AF_INET : AF_INET6,
				network.address, text, sizeof(text)))
		return NULL;
	return memory_format("%s/%d", text, bits);
}

/* -- writing -- */

static void put_name(struct der_writer *out, const struct alt_name *name)
{
	unsigned char octets[32];
	struct network network;

	if (name->kind == ALT_NAME_DNS) {
		der_put(out, DER_CONTEXT | 2, name->text, strlen(name->text));
		return;
	}
	if (!parse_network(name->text, &network))
		return;
	memcpy(octets, network.address, network.len);
	memcpy(octets + network.len, network.mask, network.len);
	der_put(out, DER_CONTEXT | 7, octets, 2 * network.len);
}

void constraints_put(struct der_writer *out, const struct alt_name *permitted,
	size_t n_permitted)
{
	size_t mark = der_mark(out);

	if (n_permitted == 0)
		return;
	for (size_t i = n_permitted; i > 0; i--) {
		size_t here = der_mark(out);

		put_name(out, &permitted[i - 1]);
		der_wrap(out, DER_SEQUENCE, here);
	}
	der_wrap(out, DER_CONTEXT_CONSTRUCTED | 0, mark);
	der_wrap(out, DER_SEQUENCE, mark);
	extension_put(out, OID_NAME_CONSTRAINTS, true, mark);
}

/* -- reading -- */

static bool malformed(struct error *err)
{
	return error_set(err, ERROR_INPUT, "malformed (RFC 5280, 4.2.1.10)");
}

static bool read_dns(struct der value, struct alt_name *name, struct error *err)
{
	const char *text = (const char *)value.bytes;
	size_t dot = value.len > 0 && text[0] == '.';

	if (value.len > dot && !dns_name_is_valid(text + dot, value.len - dot))
		return malformed(err);
	name->kind = ALT_NAME_DNS;
	name->text = memory_text_n(text, value.len);
	return true;
}

static bool read_network(
	struct der value, struct alt_name *name, struct error *err)
{
	char *text = value.len == 8 || value.len == 32 ? format_network(value)
						       : NULL;

	if (!text)
		return malformed(err);
	name->kind = ALT_NAME_IP;
	name->text = text;
	return true;
}

/* Of mailboxes and URIs, which no certificate of Kubernetes has. */
static bool read_other(struct der value, struct alt_name *name)
{
	name->kind = ALT_NAME_OTHER;
	name->text = memory_text_n((const char *)value.bytes, value.len);
	return true;
}

static bool read_base(struct der *at, struct alt_name *name, struct error *err)
{
	unsigned tag = der_next(at);
	struct der value;

	if (!der_take(at, tag, &value, NULL) || at->len > 0)
		return malformed(err);
	switch (tag) {
	case DER_CONTEXT | 1:
	case DER_CONTEXT | 6:
		return read_other(value, name);
	case DER_CONTEXT | 2:
		return read_dns(value, name, err);
	case DER_CONTEXT | 7:
		return read_network(value, name, err);
	}
	return error_set(err, ERROR_INPUT,
		"of a kind of name that is not known (Go: crypto/x509)");
}

static bool read_list(struct der list, struct alt_name **names, size_t *n_names,
	struct error *err)
{
	size_t allocated = 0;
	struct der at = {NULL, 0};

	if (list.len == 0)
		return malformed(err);
	while (list.len > 0) {
		struct alt_name name = {.text = NULL};

		if (!der_take(&list, DER_SEQUENCE, &at, NULL))
			return malformed(err);
		if (!read_base(&at, &name, err))
			return false;
		*names = memory_grow(
			*names, &allocated, *n_names + 1, sizeof(name));
		(*names)[(*n_names)++] = name;
	}
	return true;
}

bool constraints_read(
	struct der value, struct certificate *certificate, struct error *err)
{
	struct der at = {NULL, 0}, list;

	if (!der_take(&value, DER_SEQUENCE, &at, NULL) || value.len > 0 ||
		at.len == 0)
		return malformed(err);
	if (der_next(&at) == (DER_CONTEXT_CONSTRUCTED | 0) &&
		(!der_take(&at, DER_CONTEXT_CONSTRUCTED | 0, &list, NULL) ||
			!read_list(list, &certificate->permitted,
				&certificate->n_permitted, err)))
		return err->kind ? false : malformed(err);
	if (at.len > 0 &&
		(!der_take(&at, DER_CONTEXT_CONSTRUCTED | 1, &list, NULL) ||
			!read_list(list, &certificate->excluded,
				&certificate->n_excluded, err)))
		return err->kind ? false : malformed(err);
	return at.len == 0 || malformed(err);
}

bool constraints_are(
	struct der value, const struct alt_name *permitted, size_t n_permitted)
{
	AUTO_FREE(certificate) read = memory_new(1, sizeof(*read));
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is not this */
	bool same = constraints_read(value, read, &ignored) &&
		    read->n_permitted == n_permitted && read->n_excluded == 0;

	for (size_t i = 0; same && i < n_permitted; i++)
		same = read->permitted[i].kind == permitted[i].kind &&
		       !strcmp(read->permitted[i].text, permitted[i].text);
	return same;
}

/* -- what they permit -- */

bool constraints_check(const struct alt_name *permitted, struct error *err)
{
	const char *text = permitted->text;
	size_t dot = text[0] == '.';
	struct network network;

	if (permitted->kind == ALT_NAME_IP)
		return parse_network(text, &network) ||
		       error_set(err, ERROR_INPUT,
			       "\"%s\": not a network, ADDRESS/BITS, whose "
			       "host "
			       "bits are not set",
			       text);
	return (text[dot] != '*' &&
		       dns_name_is_valid(text + dot, strlen(text + dot))) ||
	       error_set(err, ERROR_INPUT,
		       "\"%s\": not a DNS name (RFC 5280, 4.2.1.10)", text);
}

static bool is_dns_within(const char *name, const char *constraint)
{
	bool only_below = constraint[0] == '.';
	size_t len = strlen(name), n;

	constraint += only_below;
	n = strlen(constraint);
	if (n == 0)
		return true;
	if (len < n || strcasecmp(name + len - n, constraint) != 0)
		return false;
	return len == n ? !only_below : name[len - n - 1] == '.';
}

static bool is_in_network(const char *address, const char *constraint)
{
	unsigned char octets[16];
	struct network network;
	size_t len = strchr(address, ':') ? 16 : 4;

	if (!parse_network(constraint, &network) || network.len != len ||
		inet_pton(len == 4 ? AF_INET : AF_INET6, address, octets) != 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((octets[i] ^ network.address[i]) & network.mask[i])
			return false;
	return true;
}

static bool is_within(
	const struct alt_name *name, const struct alt_name *constraint)
{
	if (name->kind != constraint->kind)
		return false;
	return name->kind == ALT_NAME_DNS
		       ? is_dns_within(name->text, constraint->text)
		       : name->kind == ALT_NAME_IP &&
				 is_in_network(name->text, constraint->text);
}

static const char *kind_of(const struct alt_name *name)
{
	return name->kind == ALT_NAME_IP ? "IP address" : "DNS name";
}

static bool is_permitted(
	const struct certificate *ca, const struct alt_name *name)
{
	bool any = false;

	for (size_t i = 0; i < ca->n_permitted; i++) {
		if (is_within(name, &ca->permitted[i]))
			return true;
		any |= ca->permitted[i].kind == name->kind;
	}
	return !any;
}

bool constraints_permit(const struct certificate *ca,
	const struct alt_name *name, struct error *err)
{
	for (size_t i = 0; i < ca->n_excluded; i++)
		if (is_within(name, &ca->excluded[i]))
			return error_set(err, ERROR_REFUSED,
				"%s \"%s\" is excluded by constraint \"%s\" of "
				"CA \"%s\"",
				kind_of(name), name->text, ca->excluded[i].text,
				ca->subject_text);
	return is_permitted(ca, name) ||
	       error_set(err, ERROR_REFUSED,
		       "%s \"%s\" is not permitted by any constraint of CA "
		       "\"%s\"",
		       kind_of(name), name->text, ca->subject_text);
}
