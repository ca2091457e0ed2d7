/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kube/recognise.h"

#include <stdlib.h>
#include <string.h>

#include "base/affix.h"
#include "pki/names.h"
#include "pki/oid.h"

/* What belongs to Kubernetes itself, and is never a user's name. */
#define SYSTEM "system:"

void recognised_release(struct recognised *recognised)
{
	free(recognised->name);
	*recognised = (struct recognised){0};
}

/* A subject as Kubernetes reads it. */
struct identity {
	const char *name;   /* the one common name */
	struct der *groups; /* organizations */
	size_t n_groups;
};

static bool read_identity(const struct certificate *certificate,
	struct der groups[static NAME_ATTRIBUTES_MAX],
	struct identity *ret_identity, struct error *err)
{
	struct name_attribute list[NAME_ATTRIBUTES_MAX];
	struct identity identity = {certificate->common_name, groups, 0};
	size_t n = 0, n_names = 0;

	if (!name_attributes(certificate->subject, list, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct der *value = &list[i].value;

		if (!name_text_is_valid((const char *)value->bytes, value->len))
			return error_set(err, ERROR_REFUSED,
				"subject \"%s\": control characters in it, or "
				"nothing",
				certificate->subject_text);
		if (der_equal(list[i].type, OID_ORGANIZATION))
			groups[identity.n_groups++] = list[i].value;
		else if (der_equal(list[i].type, OID_COMMON_NAME))
			n_names++;
	}
	if (n_names != 1 || n_names + identity.n_groups != n)
		return error_set(err, ERROR_REFUSED,
			"subject \"%s\": more or less than one CN, and O",
			certificate->subject_text);
	*ret_identity = identity;
	return true;
}

static bool is_in(const struct identity *identity, const char *group)
{
	size_t len = strlen(group);

	for (size_t i = 0; i < identity->n_groups; i++)
		if (identity->groups[i].len == len &&
			!memcmp(identity->groups[i].bytes, group, len))
			return true;
	return false;
}

static bool is_group(const struct identity *identity, const char *group)
{
	return group ? identity->n_groups == 1 && is_in(identity, group)
		     : identity->n_groups == 0;
}

static bool has_group(
	const struct profile *profile, const struct identity *identity)
{
	if (profile->for_user)
		return !profile->organization ||
		       is_in(identity, profile->organization);
	return is_group(identity, profile->organization) ||
	       (profile->since &&
		       is_group(identity, profile->old_organization));
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

	if (!has_group(profile, identity))
		return NULL;
	if (profile->for_user)
		return text_begins(identity->name, SYSTEM) ? NULL
							   : identity->name;
	if (!profile->for_node)
		return strcmp(identity->name, profile->common_name) ? NULL : "";
	len = strlen(profile->common_name);
	if (strncmp(identity->name, profile->common_name, len) ||
		!is_node_name(identity->name + len))
		return NULL;
	return identity->name + len;
}

static bool has_odd_name(const struct certificate *certificate)
{
	for (size_t i = 0; i < certificate->n_alt_names; i++)
		if (certificate->alt_names[i].kind == ALT_NAME_OTHER)
			return true;
	return false;
}

/* RSA leaves may have keyEncipherment, and with openssl's help others too. */
static bool has_usages(
	const struct profile *profile, const struct certificate *certificate)
{
	unsigned usage =
		certificate->key_usage & ~(unsigned)USAGE_KEY_ENCIPHERMENT;

	return !profile->is_ca && !certificate->is_ca &&
	       certificate->purposes == profile->purposes &&
	       usage == profile->key_usage && !has_odd_name(certificate) &&
	       (profile->names != NAMES_NONE || !certificate->n_alt_names);
}

/* What is looked at, and by whom it was issued. */
struct subject {
	const struct certificate *certificate;
	const struct recognise_by *by;
	struct identity identity;
};

static const char *fit(
	const struct profile *profile, const struct subject *subject)
{
	if (subject->by->profile && strcmp(profile->name, subject->by->profile))
		return NULL;
	return strcmp(profile->issuer, subject->by->issuer) ||
			       !has_usages(profile, subject->certificate)
		       ? NULL
		       : name_in(profile, &subject->identity);
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
	struct der groups[NAME_ATTRIBUTES_MAX];
	struct subject subject = {certificate, by, {0}};

	if (!read_identity(certificate, groups, &subject.identity, err))
		return false;
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
