/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pki/issuers.h"

#include "pki/authority.h"
#include "pki/pem.h"

void issuers_release(struct issuers *issuers)
{
	while (issuers->n_items > 0)
		certificate_free(issuers->items[--issuers->n_items]);
}

/* -- reading -- */

static bool add(struct issuers *issuers, struct der der, struct error *err)
{
	if (issuers->n_items == ISSUERS_MAX)
		return error_set(err, ERROR_INPUT,
			"a chain of more than %d certificates", ISSUERS_MAX);
	if (!certificate_read(der, &issuers->items[issuers->n_items], err))
		return error_context(
			err, "certificate %zu", issuers->n_items + 1);
	issuers->n_items++;
	return true;
}

static bool add_block(struct issuers *issuers, const struct pem_block *block,
	struct error *err)
{
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	size_t len = 0;
	void *bytes;

	if (!pem_is_labelled(block, "CERTIFICATE"))
		return error_set(err, ERROR_INPUT,
			"a \"%.*s\" block: none but CERTIFICATE belongs there",
			(int)block->label.len, block->label.bytes);
	bytes = buffer_room(&der, PEM_ROOM(block->body.len));
	return pem_decode(block, bytes, &len, err) &&
	       add(issuers, (struct der){bytes, len}, err);
}

bool issuers_read(
	struct der text, struct issuers *ret_issuers, struct error *err)
{
	AUTO_RELEASE(issuers) read = {.n_items = 0};
	struct pem_block block;
	bool found = true;

	for (;;) {
		if (!pem_next(&text, &block, &found, err))
			return false;
		if (!found)
			break;
		if (!add_block(&read, &block, err))
			return false;
	}
	if (read.n_items == 0)
		return error_set(err, ERROR_INPUT, "no certificate in it");
	*ret_issuers = read;
	read.n_items = 0;
	return true;
}

bool issuers_read_behind(struct der text, struct certificate **ret_first,
	struct issuers *ret_issuers, struct error *err)
{
	struct issuers all;

	if (!issuers_read(text, &all, err))
		return false;
	*ret_first = all.items[0];
	ret_issuers->n_items = 0;
	for (size_t i = 1; i < all.n_items; i++)
		ret_issuers->items[ret_issuers->n_items++] = all.items[i];
	return true;
}

bool issuers_add(struct issuers *issuers, const struct certificate *certificate,
	struct error *err)
{
	return add(issuers, certificate->whole, err);
}

/* -- checking -- */

static bool check_link(const struct certificate *issuer,
	const struct certificate *of, struct instant now, struct error *err)
{
	if (!der_equal(of->issuer, issuer->subject))
		return error_set(err, ERROR_INPUT,
			"chain: \"%s\" is not the issuer of \"%s\", which "
			"comes before it",
			issuer->subject_text, of->subject_text);
	if (!certificate_verify(of, issuer->public_key, err))
		return error_context(err,
			"chain: \"%s\", which \"%s\" is to have signed",
			of->subject_text, issuer->subject_text);
	return authority_check_certificate(issuer, now, err) ||
	       error_context(err, "chain: \"%s\"", issuer->subject_text);
}

bool issuers_check(const struct issuers *issuers, const struct certificate *ca,
	struct instant now, struct error *err)
{
	const struct certificate *of = ca;
	char end[INSTANT_TEXT], limit[INSTANT_TEXT];

	for (size_t i = 0; i < issuers->n_items; i++) {
		const struct certificate *issuer = issuers->items[i];

		if (!check_link(issuer, of, now, err))
			return false;
		if (issuer->path_len >= 0 && (size_t)issuer->path_len <= i)
			return error_set(err, ERROR_INPUT,
				"chain: \"%s\": its pathLenConstraint is %d, "
				"and %zu CAs are below it (RFC 5280, 4.2.1.9)",
				issuer->subject_text, issuer->path_len, i + 1);
		if (ca->not_after.seconds > issuer->not_after.seconds)
			return error_set(err, ERROR_INPUT,
				"\"%s\": ends %s, after \"%s\", which signed "
				"it and ends %s",
				ca->subject_text,
				instant_format(ca->not_after, end),
				issuer->subject_text,
				instant_format(issuer->not_after, limit));
		of = issuer;
	}
	return true;
}

void issuers_write(const struct issuers *issuers, struct buffer *pem)
{
	for (size_t i = 0; i < issuers->n_items; i++)
		pem_write(pem, "CERTIFICATE", issuers->items[i]->whole);
}

static void write_unless_root(
	const struct certificate *certificate, struct buffer *pem)
{
	if (!der_equal(certificate->issuer, certificate->subject))
		pem_write(pem, "CERTIFICATE", certificate->whole);
}

void issuers_write_chain(const struct issuers *issuers,
	const struct certificate *ca, struct buffer *pem)
{
	write_unless_root(ca, pem);
	if (issuers->n_items == 0 ||
		!der_equal(ca->issuer, issuers->items[0]->subject))
		return;
	for (size_t i = 0; i < issuers->n_items; i++)
		write_unless_root(issuers->items[i], pem);
}
