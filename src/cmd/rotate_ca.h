/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CMD_ROTATE_CA_H
#define CMD_ROTATE_CA_H

#include "cmd/context.h"
#include "cmd/tally.h"
#include "kube/inventory.h"
#include "kube/rotation.h"

/*
 * What the verbs of `kpki rotate-ca` share.
 */
struct rotate_ca_settings {
	const char *ca;
	const char *out;
	const char *inventory;
	const char *kubelet_config_base;
	const char *key_type;
	const char *ca_validity;
	const char *common_name;
	const char *validity;
	bool cross_sign;
	bool with_ca_key;
	bool vouch;
	bool allow_clock_back;
};

/* Of whom a stage has to be shown: a host, the administrator's tree, or a user
 * ("user:alice"), of whom only the ledger tells. */
struct rotate_subject {
	char *name;
	unsigned places; /* bits of enum rotation_place */
	int64_t event;   /* of the newest of its certificates */
	bool is_user;
	bool reported;
	bool shown; /* at the stage that the rotation is at */
};

struct rotate {
	const struct command_call *call;
	const struct rotate_ca_settings *settings;
	struct context *context;
	enum rotation_target target;
	const char *out;
	struct rotate_subject *subjects;
	size_t n_subjects, allocated;
	/* What the trees of hosts have, and in which layout. */
	bool with_admin, with_super_admin, with_ca_key;
	const char *layout; /* or NULL: the cluster file's */
	struct report *report;
	size_t n_wrong; /* of what came back */
};

/* The rotation as it stands. */
const struct ledger_rotation *rotate_state(const struct rotate *rotate);

/* All whom the target concerns, and what was shown of them. */
MUST_CHECK bool rotate_find_subjects(
	struct rotate *rotate, struct error *err);
void rotate_free_subjects(struct rotate *rotate);
struct rotate_subject *rotate_find(
	const struct rotate *rotate, const char *name);

/* The verbs; an open context, and a report of their own. */
MUST_CHECK bool rotate_plan(struct rotate *rotate, struct error *err);
MUST_CHECK bool rotate_status(struct rotate *rotate, const char *const *paths,
	size_t n_paths, struct error *err);
MUST_CHECK bool rotate_stage(
	struct rotate *rotate, unsigned stage, struct error *err);

/* The profile of the new CA's certificate by the old one, in the ledger. */
#define ROTATE_CROSS_PROFILE "subordinate-ca"

/* Makes the new pair and enters the stage. */
MUST_CHECK bool rotate_enter(
	struct rotate *rotate, unsigned stage, struct error *err);

#endif
