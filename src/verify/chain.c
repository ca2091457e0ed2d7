/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify/chain.h"

#include <stdlib.h>
#include <string.h>

#include "pki/key.h"
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

bool is_signed_by(const struct certificate *signed_one,
	const struct certificate *issuer)
{
	AUTO_RELEASE(error) passed_over = ERROR_INIT;

	return key_verify_foreign(issuer->public_key,
		signed_one->signature_algorithm, signed_one->tbs,
		signed_one->signature, &passed_over);
}

bool is_authority_itself(const struct artifact *certificate)
{
	return certificate->duty && certificate->duty->is_ca;
}

static bool is_called(const struct certificate *issuer, struct der name)
{
	AUTO_TEXT text = NULL;

	/* of so different lengths no strings are the same characters */
	if (name.len > 4 * issuer->subject.len ||
		issuer->subject.len > 4 * name.len)
		return false;
	text = chain_name(name);
	return strcmp(text, issuer->subject_text) == 0 &&
	       strcmp(text, "?") != 0;
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
	const struct certificate *issuer = candidate->certificate;

	if (!der_equal(issuer->subject, signed_one->issuer)) {
		if (chain->end == CHAIN_OTHER &&
			is_called(issuer, signed_one->issuer)) {
			chain->end = CHAIN_OTHER_OCTETS;
			chain->authority = candidate;
		}
		return false;
	}
	if (x->settings->signatures_known)
		return true;
	if (!key_verifies_foreign(signed_one->signature_algorithm)) {
		chain->end = CHAIN_UNCHECKED;
		chain->authority = candidate;
		return false;
	}
	if (chain->n_tried++ >= CHAIN_TRIES_MAX) {
		chain->end = CHAIN_BAD_SIGNATURE;
		chain->authority = candidate;
		return false;
	}
	if (is_signed_by(signed_one, issuer))
		return true;
	if (chain->end != CHAIN_UNCHECKED)
		chain->end = CHAIN_BAD_SIGNATURE;
	chain->authority = candidate;
	return false;
}

/* Only a hint (RFC 5280, 4.2.1.1): those that it speaks against come last. */
static bool key_id_differs(
	const struct certificate *issuer, const struct certificate *signed_one)
{
	return issuer->subject_key_id.len > 0 &&
	       signed_one->authority_key_id.len > 0 &&
	       !der_equal(issuer->subject_key_id, signed_one->authority_key_id);
}

static const struct artifact *find_by_key_id(const struct examination *x,
	const struct certificate *signed_one, struct chain *chain, bool differs)
{
	const struct artifact *candidate = NULL;

	while ((candidate = authority_next(x, chain->of, candidate))) {
		if (candidate == chain->of ||
			key_id_differs(candidate->certificate, signed_one) !=
				differs)
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

static const struct artifact *find_authority(const struct examination *x,
	const struct certificate *signed_one, struct chain *chain)
{
	const struct artifact *found =
		find_by_key_id(x, signed_one, chain, false);

	return found ? found : find_by_key_id(x, signed_one, chain, true);
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
		chain->n_tried = ignored.n_tried;
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

	for (size_t i = 0; i < x->n_chains; i++) {
		size_t at = (x->chain_hint + i) % x->n_chains;

		if (x->chains[at]->of != certificate)
			continue;
		x->chain_hint = at + 1;
		return x->chains[at];
	}
	chain = memory_new(1, sizeof(*chain));
	chain->of = certificate;
	chain->end = CHAIN_NO_AUTHORITY;
	x->chains = memory_grow(x->chains, &x->chains_allocated,
		x->n_chains + 1, sizeof(struct chain *));
	x->chains[x->n_chains++] = chain;
	build(x, chain);
	return chain;
}
