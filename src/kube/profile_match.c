/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/profile_match.h"

#include <stdarg.h>
#include <string.h>

#include "base/affix.h"
#include "kube/identity.h"

/* -- words -- */

struct word {
	unsigned bit;
	const char *text;
};

/* Kubernetes: api/certificates/v1, KeyUsage, in the order of RFC 5280's bits */
static const struct word usage_words[] = {
	{USAGE_DIGITAL_SIGNATURE, "digital signature"},
	{1 << 1, "content commitment"},
	{USAGE_KEY_ENCIPHERMENT, "key encipherment"},
	{1 << 3, "data encipherment"},
	{1 << 4, "key agreement"},
	{USAGE_KEY_CERT_SIGN, "cert sign"},
	{USAGE_CRL_SIGN, "crl sign"},
	{1 << 7, "encipher only"},
	{1 << 8, "decipher only"},
	{0, NULL},
};

static const struct word purpose_words[] = {
	{PURPOSE_SERVER, "server auth"},
	{PURPOSE_CLIENT, "client auth"},
	{PURPOSE_OTHER, "others"},
	{0, NULL},
};

static char *words_of(const struct word *words, unsigned bits)
{
	struct buffer text = BUFFER_INIT;

	for (; words->text; words++)
		if (bits & words->bit)
			buffer_format(&text, "%s%s", text.len ? ", " : "",
				words->text);
	return buffer_detach(&text);
}

char *usage_text(unsigned key_usage)
{
	return words_of(usage_words, key_usage);
}

char *purpose_text(unsigned purposes)
{
	return words_of(purpose_words, purposes);
}

/* -- one row -- */

struct candidate {
	const struct certificate *certificate;
	const struct identity *identity;
	const struct profile *profile;
	struct buffer *differs; /* or NULL: only the distance is asked for */
	unsigned distance;
};

static void differ(struct candidate *it, unsigned distance, const char *format,
	...) PRINTF(3, 4);
static void differ(
	struct candidate *it, unsigned distance, const char *format, ...)
{
	AUTO_TEXT sentence = NULL;
	va_list args;

	it->distance += distance;
	if (!it->differs)
		return;
	va_start(args, format);
	sentence = memory_vformat(format, args);
	va_end(args);
	drift_add(it->differs, "%s", sentence);
}

static bool has_name(const struct certificate *certificate, const char *name)
{
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (!strcmp(certificate->alt_names[i].text, name))
			return true;
	return false;
}

static bool fits_name(const struct candidate *it)
{
	const struct profile *profile = it->profile;
	const char *user = it->identity->user;

	if (profile->for_user)
		return *user && !text_begins(user, "system:");
	if (profile->for_node)
		return text_begins(user, profile->common_name) &&
		       user[strlen(profile->common_name)] &&
		       (*profile->common_name || !text_begins(user, "system:"));
	return !strcmp(user, profile->common_name);
}

static void compare_name(struct candidate *it)
{
	const struct profile *profile = it->profile;

	if (fits_name(it))
		return;
	if (profile->for_user || (profile->for_node && !*profile->common_name))
		differ(it, 4, "the common name is \"%s\", not %s",
			it->identity->user,
			profile->for_user ? "a user's" : "a host's");
	else
		differ(it, 4, "the common name is \"%s\", not \"%s%s\"",
			it->identity->user, profile->common_name,
			profile->for_node ? "NODE" : "");
}

static void compare_groups(struct candidate *it)
{
	const struct profile *profile = it->profile;
	const char *group = profile->organization;

	if (identity_fits(it->identity, profile))
		return;
	if (!group)
		differ(it, 2, "it has a group");
	else if (!identity_has_group(it->identity, group))
		differ(it, 2, "it is not in group \"%s\"", group);
	else
		differ(it, 2, "it has more groups than \"%s\"", group);
}

static void compare_purposes(struct candidate *it)
{
	AUTO_TEXT wanted = purpose_text(it->profile->purposes);
	AUTO_TEXT found = purpose_text(it->certificate->purposes);

	if (it->certificate->has_purposes
			? it->certificate->purposes == it->profile->purposes
			: !it->profile->purposes)
		return;
	differ(it, 8, "extKeyUsage is %s, not %s",
		it->certificate->has_purposes ? found : "missing",
		*wanted ? wanted : "missing");
}

static void compare_usage(struct candidate *it)
{
	unsigned ignored = USAGE_KEY_ENCIPHERMENT;
	unsigned found = it->certificate->key_usage & ~ignored;
	unsigned wanted = it->profile->key_usage & ~ignored;
	AUTO_TEXT found_text = usage_text(it->certificate->key_usage);
	AUTO_TEXT wanted_text = usage_text(wanted);

	if (!it->certificate->has_key_usage)
		differ(it, 1, "keyUsage is missing");
	else if (found != wanted)
		differ(it, 1, "keyUsage is %s, not %s", found_text,
			wanted_text);
}

static const char *const service_names[] = {
	"kubernetes", "kubernetes.default", "kubernetes.default.svc", NULL};
static const char *const loopback_names[] = {"localhost", "127.0.0.1", NULL};
static const char *const no_names[] = {NULL};

static void require_names(struct candidate *it, const char *const *names)
{
	unsigned distance = 1;

	if (it->certificate->n_alt_names == 0)
		differ(it, 1, "it has no subjectAltName");
	for (; *names && it->certificate->n_alt_names > 0; names++) {
		if (has_name(it->certificate, *names))
			continue;
		differ(it, distance, "it has no name \"%s\"", *names);
		distance = 0;
	}
}

static void compare_alt_names(struct candidate *it)
{
	switch (it->profile->names) {
	case NAMES_NONE:
		/* kubeadm's CA has its name there, too */
		if (it->certificate->n_alt_names > 0 && !it->profile->is_ca)
			differ(it, 1, "it has a subjectAltName");
		return;
	case NAMES_NODE:
		require_names(it, no_names);
		return;
	case NAMES_API_SERVER:
		require_names(it, service_names);
		return;
	case NAMES_ETCD:
		require_names(it, loopback_names);
		return;
	}
}

static unsigned compare(struct candidate *it)
{
	it->distance = 0;
	compare_name(it);
	compare_groups(it);
	compare_purposes(it);
	compare_usage(it);
	compare_alt_names(it);
	return it->distance;
}

/* -- all rows -- */

static bool is_known_by_name(const struct candidate *it)
{
	const struct profile *profile = it->profile;

	if (profile->names == NAMES_API_SERVER &&
		has_name(it->certificate, "kubernetes.default.svc"))
		return true;
	return !profile->for_user && *profile->common_name && fits_name(it);
}

/* A root is nobody's subordinate. */
static bool is_other_ca(const struct candidate *it)
{
	return it->profile->is_ca && !profile_is_authority(it->profile) &&
	       der_equal(it->certificate->issuer, it->certificate->subject);
}

static const struct profile *nearest(
	struct candidate it, bool by_name, const struct profile **ret_twin)
{
	const struct profile *best = NULL;
	unsigned least = 0, distance;

	*ret_twin = NULL;
	for (it.profile = profiles; it.profile->name; it.profile++) {
		if (it.profile->is_ca != it.certificate->is_ca ||
			is_other_ca(&it) || (by_name && !is_known_by_name(&it)))
			continue;
		distance = compare(&it);
		if (best && distance == least && distance == 0 && !*ret_twin)
			*ret_twin = it.profile;
		if (best && distance >= least)
			continue;
		best = it.profile;
		least = distance;
		*ret_twin = NULL;
	}
	return best;
}

void profile_match(
	const struct certificate *certificate, struct profile_match *ret_match)
{
	AUTO_RELEASE(identity) identity = IDENTITY_INIT;
	struct candidate it = {
		.certificate = certificate, .identity = &identity};

	identity_read(certificate, &identity);
	ret_match->differs = (struct buffer)BUFFER_INIT;
	it.profile = nearest(it, true, &ret_match->twin);
	if (!it.profile)
		it.profile = nearest(it, false, &ret_match->twin);
	ret_match->profile = it.profile;
	it.differs = &ret_match->differs;
	(void)compare(&it);
}

void profile_match_release(struct profile_match *match)
{
	buffer_release(&match->differs);
}
