/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/recognise.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "kube/identity.h"
#include "pki/names.h"
#include "pki/oid.h"

/* What belongs to Kubernetes itself, and is never a user's name. */
#define SYSTEM "system:"

void recognised_release(struct recognised *recognised)
{
	free(recognised->name);
	*recognised = (struct recognised){0};
}

/* More than Kubernetes asks: what it would pass over cannot be recorded. */
static bool require_plain_subject(
	const struct certificate *certificate, struct error *err)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	size_t n = 0, n_names = 0, n_groups = 0;

	if (!name_attributes(certificate->subject, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct der *value = &list[i].value;

		if (!name_text_is_valid((const char *)value->bytes, value->len))
			return error_set(err, ERROR_REFUSED,
				"subject \"%s\": control characters or "
				"invisible ones in it, or nothing",
				certificate->subject_text);
		n_groups += der_equal(list[i].type, OID_ORGANIZATION);
		n_names += der_equal(list[i].type, OID_COMMON_NAME);
	}
	return (n_names == 1 && n_names + n_groups == n) ||
	       error_set(err, ERROR_REFUSED,
		       "subject \"%s\": more or less than one CN, and O",
		       certificate->subject_text);
}

static bool is_node_name(const char *name)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it is none */

	return node_name_check(name, &ignored);
}

/* The part of the subject that the row leaves open; NULL: not of this row. */
static const char *name_in(
	const struct profile *profile, const struct identity *identity)
{
	size_t len;

	if (!identity_fits(identity, profile))
		return NULL;
	if (profile->for_user)
		return text_begins(identity->user, SYSTEM) ? NULL
							   : identity->user;
	if (!profile->for_node)
		return strcmp(identity->user, profile->common_name) ? NULL : "";
	len = strlen(profile->common_name);
	if (strncmp(identity->user, profile->common_name, len) ||
		!is_node_name(identity->user + len))
		return NULL;
	return identity->user + len;
}

static bool has_odd_name(const struct certificate *certificate)
{
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (certificate->alt_names[i].kind == ALT_NAME_OTHER)
			return true;
	return false;
}

static bool is_root(const struct certificate *certificate)
{
	return certificate->is_ca &&
	       der_equal(certificate->issuer, certificate->subject);
}

/* RSA leaves may have keyEncipherment, and with openssl's help others too. */
static bool has_usages(
	const struct profile *profile, const struct certificate *certificate)
{
	unsigned usage =
		certificate->key_usage & ~(unsigned)USAGE_KEY_ENCIPHERMENT;

	return profile->is_ca == certificate->is_ca &&
	       !profile_is_authority(profile) && !is_root(certificate) &&
	       certificate->purposes == profile->purposes &&
	       usage == profile->key_usage && !has_odd_name(certificate) &&
	       (profile->names != NAMES_NONE || !certificate->n_alt_names);
}

/* What is looked at, and by whom it was issued. */
struct subject {
	const struct certificate *certificate;
	const struct recognise_by *by;
	const struct identity *identity;
};

static const char *fit(
	const struct profile *profile, const struct subject *subject)
{
	if (subject->by->profile && strcmp(profile->name, subject->by->profile))
		return NULL;
	return strcmp(profile->issuer, subject->by->issuer) ||
			       !has_usages(profile, subject->certificate)
		       ? NULL
		       : name_in(profile, subject->identity);
}

/* What a row says less is for what no row that says more has taken. */
enum rank { RANK_FIXED, RANK_USER_IN_GROUP, RANK_USER, RANKS };

static enum rank rank_of(const struct profile *profile)
{
	if (!profile->for_user)
		return RANK_FIXED;
	return profile->organization ? RANK_USER_IN_GROUP : RANK_USER;
}

static bool find_row(const struct subject *subject, enum rank rank,
	struct recognised *found, struct error *err)
{
	for (const struct profile *profile = profiles; profile->name;
		profile++) {
		const char *name =
			rank_of(profile) == rank ? fit(profile, subject) : NULL;

		if (!name)
			continue;
		if (found->profile)
			return error_set(err, ERROR_REFUSED,
				"subject \"%s\": could be of %s and of %s",
				subject->certificate->subject_text,
				found->profile->name, profile->name);
		found->profile = profile;
		found->name = *name ? memory_text(name) : NULL;
	}
	return true;
}

bool recognise(const struct certificate *certificate,
	const struct recognise_by *by, struct recognised *ret_recognised,
	struct error *err)
{
	AUTO_RELEASE(recognised) found = {0};
	AUTO_RELEASE(identity) identity = IDENTITY_INIT;
	struct subject subject = {certificate, by, &identity};

	if (!require_plain_subject(certificate, err))
		return false;
	identity_read(certificate, &identity);
	for (enum rank rank = 0; rank < RANKS && !found.profile; rank++)
		if (!find_row(&subject, rank, &found, err))
			return false;
	if (!found.profile)
		return error_set(err, ERROR_REFUSED,
			"subject \"%s\": with its usages and names it is of no "
			"profile",
			certificate->subject_text);
	*ret_recognised = found;
	found = (struct recognised){0};
	return true;
}
