/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kube/recognise.h"

#define CLIENT PURPOSE_CLIENT
#define SERVER PURPOSE_SERVER
#define SIGNS USAGE_DIGITAL_SIGNATURE

struct row {
	const char *common_name, *organizations[3], *alt_name;
	unsigned purposes, key_usage;
	bool is_ca;
	const char *profile, *name; /* or, when refused, words of why */
};

static struct certificate *make(const struct row *row, const struct key *key)
{
	const struct alt_name name = {ALT_NAME_DNS, row->alt_name};
	AUTO_RELEASE(buffer) subject = BUFFER_INIT;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	struct error err = ERROR_INIT;
	struct certificate *certificate = NULL;
	struct certificate_plan plan = {
		.public_key = key_public(key),
		.serial = {1},
		.serial_len = 1,
		.not_before = {1795482899},
		.not_after = {1795482999},
		.is_ca = row->is_ca,
		.path_len = -1,
		.key_usage = row->key_usage,
		.purposes = row->purposes,
		.alt_names = &name,
		.n_alt_names = row->alt_name != NULL,
	};
	size_t n = 0;

	while (row->organizations[n])
		n++;
	if (!certificate_name(
		    row->organizations, n, row->common_name, &subject, &err))
		fail_msg("%s", err.message);
	plan.subject = plan.issuer =
		der_of(&subject);
	if (!certificate_sign(&plan, key, &der, &err) ||
		!certificate_read(
			der_of(&der),
			&certificate, &err))
		fail_msg("%s", err.message);
	return certificate;
}

static const struct row rows[] = {
	{"system:node:w1", {"system:nodes"}, NULL, CLIENT, SIGNS, false,
		"kubelet-client", "w1"},
	{"system:node:w1", {"system:nodes"}, NULL, CLIENT,
		SIGNS | USAGE_KEY_ENCIPHERMENT, false, "kubelet-client", "w1"},
	{"system:node:w1", {"system:nodes"}, "w1.example", SERVER, SIGNS, false,
		"kubelet-serving", "w1"},
	{"alice", {"team-a", "team-b"}, NULL, CLIENT, SIGNS, false,
		"kube-apiserver-client", "alice"},
	{"alice", {NULL}, NULL, CLIENT, SIGNS, false, "kube-apiserver-client",
		"alice"},
	{"alice", {"kubeadm:cluster-admins", "team-a"}, NULL, CLIENT, SIGNS,
		false, "kube-apiserver-admin", "alice"},
	{"alice", {"team-a", "system:masters"}, NULL, CLIENT, SIGNS, false,
		"break-glass", "alice"},
	{"alice", {"kubeadm:cluster-admins", "system:masters"}, NULL, CLIENT,
		SIGNS, false, NULL, "could be of"},
	/* of a host, and it does not say of which */
	{"kube-apiserver", {NULL}, "kubernetes", SERVER, SIGNS, false,
		"kube-apiserver", NULL},
	{"kube-apiserver-kubelet-client", {"system:masters"}, NULL, CLIENT,
		SIGNS, false, "kube-apiserver-kubelet-client", NULL},
	{"kube-apiserver-kubelet-client", {"kubeadm:cluster-admins"}, NULL,
		CLIENT, SIGNS, false, "kube-apiserver-kubelet-client", NULL},
	/* of an authority that is not asked about */
	{"w1", {NULL}, "w1", CLIENT | SERVER, SIGNS, false, NULL, "no profile"},
	/* what is nearly one of these */
	{"system:node:w1", {NULL}, NULL, CLIENT, SIGNS, false, NULL,
		"no profile"},
	{"system:node:w1", {"system:nodes", "system:masters"}, NULL, CLIENT,
		SIGNS, false, NULL, "no profile"},
	{"system:node:W1", {"system:nodes"}, NULL, CLIENT, SIGNS, false, NULL,
		"no profile"},
	{"system:node:", {"system:nodes"}, NULL, CLIENT, SIGNS, false, NULL,
		"no profile"},
	{"system:node:w1", {"system:nodes"}, "w1", CLIENT, SIGNS, false, NULL,
		"no profile"},
	{"system:node:w1", {"system:nodes"}, NULL, CLIENT | SERVER, SIGNS,
		false, NULL, "no profile"},
	{"system:node:w1", {"system:nodes"}, NULL, 0, SIGNS, false, NULL,
		"no profile"},
	{"system:node:w1", {"system:nodes"}, NULL, CLIENT,
		SIGNS | USAGE_CRL_SIGN, false, NULL, "no profile"},
	{"system:anonymous", {NULL}, NULL, CLIENT, SIGNS, false, NULL,
		"no profile"},
	{"www.example", {NULL}, "www.example", SERVER, SIGNS, false, NULL,
		"no profile"},
	{"kubernetes", {NULL}, NULL, 0, SIGNS | USAGE_KEY_CERT_SIGN, true, NULL,
		"no profile"},
};

static void a_certificate_is_of_the_row_that_it_fits(void **state)
{
	const struct key *key = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE(certificate) certificate = make(&rows[i], key);
		AUTO_RELEASE(recognised) is = {0};
		AUTO_RELEASE(error) err = ERROR_INIT;
		bool done = recognise(certificate,
			&(struct recognise_by){"ca", NULL}, &is, &err);

		if (done != (rows[i].profile != NULL))
			fail_msg("row %zu: %s", i,
				done ? is.profile->name : err.message);
		if (done) {
			assert_string_equal(is.profile->name, rows[i].profile);
			if (rows[i].name)
				assert_string_equal(is.name, rows[i].name);
			else
				assert_null(is.name);
			continue;
		}
		assert_int_equal(err.kind, ERROR_REFUSED);
		assert_non_null(strstr(err.message, rows[i].name));
	}
}

static void two_rows_that_say_the_same_are_not_told_apart(void **state)
{
	static const struct row row = {
		.common_name = "w1",
		.alt_name = "w1",
		.purposes = CLIENT | SERVER,
		.key_usage = SIGNS,
	};
	AUTO_FREE(certificate) certificate = make(&row, *state);
	AUTO_RELEASE(recognised) is = {0};
	AUTO_RELEASE(error) err = ERROR_INIT;

	assert_false(recognise(certificate,
		&(struct recognise_by){"etcd-ca", NULL}, &is, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_non_null(strstr(
		err.message, "could be of etcd-server and of etcd-peer"));
	/* but by whoever knows it */
	error_release(&err);
	assert_true(recognise(certificate,
		&(struct recognise_by){"etcd-ca", "etcd-peer"}, &is, &err));
	assert_string_equal(is.profile->name, "etcd-peer");
	assert_string_equal(is.name, "w1");
}

/* Whatever row there will be: what kpki issues, it knows again, or it says
 * that it cannot. */
static void no_row_is_taken_for_another(void **state)
{
	const struct key *key = *state;

	for (const struct profile *profile = profiles; profile->name;
		profile++) {
		AUTO_TEXT name = memory_format("%s%s",
			profile->for_user ? "alice" : profile->common_name,
			profile->for_node ? "w1" : "");
		const struct row row = {name, {profile->organization}, NULL,
			profile->purposes, profile->key_usage, profile->is_ca,
			NULL, NULL};
		AUTO_FREE(certificate) certificate = make(&row, key);
		AUTO_RELEASE(recognised) is = {0};
		AUTO_RELEASE(error) err = ERROR_INIT;

		if (recognise(certificate,
			    &(struct recognise_by){profile->issuer, NULL}, &is,
			    &err) &&
			is.profile != profile)
			fail_msg("%s is taken for %s", profile->name,
				is.profile->name);
	}
}

static int set_up(void **state)
{
	struct error err = ERROR_INIT;
	struct key *key = NULL;

	if (!key_generate(KEY_ECDSA_P256, &key, &err))
		fail_msg("%s", err.message);
	*state = key;
	return 0;
}

static int tear_down(void **state)
{
	key_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_of_the_row_that_it_fits),
		cmocka_unit_test(two_rows_that_say_the_same_are_not_told_apart),
		cmocka_unit_test(no_row_is_taken_for_another),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
