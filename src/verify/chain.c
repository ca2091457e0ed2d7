/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/chain.h"

#include <stdlib.h>
#include <string.h>

#include "pki/names.h"

char *chain_name(struct der name)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	AUTO_TEXT common_name = NULL;
	char *text = NULL;

	return name_read(name, &text, &common_name, &passed_over)
		       ? text
		       : memory_text("?");
}

bool is_authority_itself(const struct artifact *certificate)
{
	return certificate->duty && certificate->duty->is_ca;
}

static bool is_same_name(struct der a, struct der b)
{
	AUTO_TEXT one = chain_name(a);
	AUTO_TEXT two = chain_name(b);

	return strcmp(one, two) == 0 && strcmp(one, "?") != 0;
}

static bool signs_itself(const struct certificate *certificate)
{
	return der_equal(certificate->issuer, certificate->subject);
}

/* Whether this one has signed that; *end is made worse by what speaks against
 * it. */
static bool has_signed(const struct examination *x,
	const struct artifact *candidate, const struct certificate *signed_one,
	struct chain *chain)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;
	const struct certificate *issuer = candidate->certificate;

	if (!der_equal(issuer->subject, signed_one->issuer)) {
		if (chain->end == CHAIN_OTHER &&
			is_same_name(issuer->subject, signed_one->issuer)) {
			chain->end = CHAIN_OTHER_OCTETS;
			chain->authority = candidate;
		}
		return false;
	}
	if (x->settings->signatures_known)
		return true;
	if (!key_verifies(signed_one->signature_algorithm)) {
		chain->end = CHAIN_UNCHECKED;
		chain->authority = candidate;
		return false;
	}
	if (certificate_verify(signed_one, issuer->public_key, &passed_over))
		return true;
	if (chain->end != CHAIN_UNCHECKED)
		chain->end = CHAIN_BAD_SIGNATURE;
	chain->authority = candidate;
	return false;
}

static const struct artifact *find_authority(const struct examination *x,
	const struct certificate *signed_one, struct chain *chain)
{
	const struct artifact *candidate = NULL;

	while ((candidate = authority_next(x, chain->of, candidate))) {
		if (candidate == chain->of)
			continue;
		if (!chain->authority)
			chain->authority = candidate;
		if (chain->end == CHAIN_NO_AUTHORITY)
			chain->end = CHAIN_OTHER;
		if (has_signed(x, candidate, signed_one, chain))
			return candidate;
	}
	return NULL;
}

static const struct artifact *find_beside(const struct examination *x,
	const struct certificate *signed_one, struct chain *chain)
{
	const struct artifact *candidate = NULL;

	while ((candidate = chain_next(chain->of, candidate))) {
		struct chain ignored = *chain;

		if (candidate->certificate != signed_one &&
			has_signed(x, candidate, signed_one, &ignored))
			return candidate;
	}
	return NULL;
}

static void build(const struct examination *x, struct chain *chain)
{
	const struct certificate *at = chain->of->certificate;

	while (chain->n_links < CHAIN_MAX) {
		const struct artifact *link = find_authority(x, at, chain);

		if (link)
			chain->end = CHAIN_GOOD;
		else
			link = find_beside(x, at, chain);
		if (!link)
			break;
		chain->links[chain->n_links++] = link;
		if (chain->end == CHAIN_GOOD)
			return;
		at = link->certificate;
		chain->end = CHAIN_NO_AUTHORITY;
		chain->authority = NULL;
	}
	if (signs_itself(at) && (chain->end == CHAIN_OTHER ||
				 chain->end == CHAIN_NO_AUTHORITY))
		chain->end = CHAIN_SELF_SIGNED;
}

const struct chain *chain_of(
	struct examination *x, const struct artifact *certificate)
{
	struct chain *chain;

	for (size_t i = 0; i < x->n_chains; i++)
		if (x->chains[i]->of == certificate)
			return x->chains[i];
	chain = memory_new(1, sizeof(*chain));
	chain->of = certificate;
	chain->end = CHAIN_NO_AUTHORITY;
	x->chains = memory_grow(x->chains, &x->chains_allocated,
		x->n_chains + 1, sizeof(struct chain *));
	x->chains[x->n_chains++] = chain;
	build(x, chain);
	return chain;
}
