/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "ledger_fixture.h"
#include "pki/crl.h"
#include "pki/ledger_revoke.h"

static const unsigned char small[] = {0x05}, high[] = {0xff, 0x01};

static const struct crl_entry entries[] = {
	{{small, sizeof(small)}, {1800000000}, 0},
	{{high, sizeof(high)}, {1800000060}, 1},
	{{high, 1}, {2600000000}, 9}, /* in 2052: GeneralizedTime */
};

static struct crl_plan plan_of(size_t n_entries)
{
	return (struct crl_plan){.entries = entries,
		.n_entries = n_entries,
		.this_update = DAY(1),
		.next_update = DAY(31),
		.number = UINT64_C(0x8000000000000001)};
}

static void a_list_is_read_as_what_was_planned(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t n = 0; n <= ARRAY_SIZE(entries); n++) {
		const struct crl_plan plan = plan_of(n);
		AUTO_RELEASE(buffer) der = BUFFER_INIT;
		uint64_t number = 0;

		SUCCEEDS(crl_sign(fixture->authority, &plan, &der, &err));
		SUCCEEDS(crl_read(der_of(&der),
			authority_certificate(fixture->authority), &number,
			&err));
		assert_true(number == plan.number);
	}
}

/* As X.690 wants them: positive numbers, and the time by its year. */
static void an_entry_has_the_octets_that_it_must(void **state)
{
	static const char *const wanted[] = {
		"\x30\x12\x02\x01\x05\x17\x0d"
		"270115080000Z",
		"\x30\x22\x02\x03\x00\xff\x01\x17\x0d"
		"270115080100Z"
		"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01",
		"\x18\x0f"
		"20520522141320Z",
	};
	static const size_t lens[] = {20, 36, 17};
	const struct fixture *fixture = *state;
	const struct crl_plan plan = plan_of(3);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;

	SUCCEEDS(crl_sign(fixture->authority, &plan, &der, &err));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!memmem(der.data, der.len, wanted[i], lens[i]))
			fail_msg("entry %zu is not there", i);
}

static void who_may_not_sign_signs_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct crl_plan plan = plan_of(1);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	struct certificate *ca =
		(struct certificate *)authority_certificate(fixture->authority);

	plan.next_update = DAY(4000);
	FAILS(crl_sign(fixture->authority, &plan, &der, &err), ERROR_REFUSED,
		"after the CA's end");
	plan = plan_of(1);
	ca->key_usage &= ~(unsigned)USAGE_CRL_SIGN;
	FAILS(crl_sign(fixture->authority, &plan, &der, &err), ERROR_REFUSED,
		"without cRLSign");
	assert_int_equal(der.len, 0);
}

static void another_authoritys_or_an_edited_list_is_none(void **state)
{
	struct fixture *fixture = *state;
	const struct crl_plan plan = plan_of(2);
	const struct certificate *ca =
		authority_certificate(fixture->authority);
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	uint64_t number = 0;

	SUCCEEDS(crl_sign(fixture->authority, &plan, &der, &err));
	for (size_t i = 0; i < der.len; i++) {
		AUTO_RELEASE(error) err = ERROR_INIT;

		der.data[i] ^= 1;
		if (crl_read(der_of(&der), ca, &number, &err))
			fail_msg("octet %zu may be changed", i);
		assert_int_equal(err.kind, ERROR_INPUT);
		der.data[i] ^= 1;
	}
	der.len--;
	FAILS(crl_read(der_of(&der), ca, &number, &err), ERROR_INPUT,
		"no certificate revocation list");
	FAILS(crl_read(ca->whole, ca, &number, &err), ERROR_INPUT,
		"without a number");
}

static void reasons_are_those_that_are_for_good(void **state)
{
	(void)state;
	assert_int_equal(crl_reason("unspecified"), 0);
	assert_int_equal(crl_reason("keyCompromise"), 1);
	assert_int_equal(crl_reason("privilegeWithdrawn"), 9);
	assert_int_equal(crl_reason("certificateHold"), -1);
	assert_int_equal(crl_reason("removeFromCRL"), -1);
	assert_int_equal(crl_reason("cACompromise"), -1);
	assert_int_equal(crl_reason("keycompromise"), -1);
	assert_int_equal(crl_reason(""), -1);
}

/* -- in the ledger -- */

static void take_back(struct fixture *fixture, int day, int64_t event)
{
	begin(fixture, DAY(day));
	SUCCEEDS(ledger_revoke(fixture->ledger, event, "keyCompromise", &err));
	commit(fixture);
}

static bool count(void *data, const struct ledger_revocation *revocation,
	struct error *err)
{
	(void)err;
	assert_string_equal(revocation->reason, "keyCompromise");
	assert_int_equal(revocation->serial.len, 16);
	++*(int *)data;
	return true;
}

static int count_revoked(struct fixture *fixture, int64_t ca)
{
	int n = 0;

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_each_revoked(fixture->ledger, ca, count, &n, &err));
	ledger_unlock(fixture->ledger);
	return n;
}

static void what_is_revoked_frees_its_name_once(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = record(fixture, 1,
		WISH("w1", "kubelet-client", ADDRESSES("10.0.0.1")));

	take_back(fixture, 2, first);
	verify(fixture);
	begin(fixture, DAY(3));
	FAILS(ledger_revoke(fixture->ledger, first, "superseded", &err),
		ERROR_REFUSED, "revoked already");
	ledger_unlock(fixture->ledger);
	record(fixture, 4, WISH("w2", "kubelet-client", ADDRESSES("10.0.0.1")));
	record(fixture, 5, WISH("w1", "kubelet-client"));
	verify(fixture);
	assert_int_equal(count_revoked(fixture, fixture->ca), 1);
	assert_int_equal(count_revoked(fixture, fixture->ca + 1), 0);
}

static void what_was_superseded_or_has_expired_can_be_revoked(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = record(
		fixture, 1, WISH("w1", "kubelet-client", .not_after = DAY(3)));
	int64_t next = record(
		fixture, 2, WISH("w1", "kubelet-client", .supersedes = first));

	take_back(fixture, 5, first);
	verify(fixture);
	take_back(fixture, 6, next);
	verify(fixture);
	assert_int_equal(count_revoked(fixture, fixture->ca), 2);
}

static bool note_event(
	void *data, const struct ledger_row *row, struct error *err)
{
	(void)err;
	*(int64_t *)data = row->event;
	return true;
}

static void a_certificate_is_found_by_its_serial(void **state)
{
	struct fixture *fixture = *state;
	int64_t event = record(fixture, 1, WISH("w1", "kubelet-client"));
	unsigned char serial[16] = {1};
	int64_t found = 0;

	memcpy(serial + 8, &fixture->n_serials, sizeof(fixture->n_serials));
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_each_serial(fixture->ledger,
		(struct der){serial, sizeof(serial)}, DAY(2), note_event,
		&found, &err));
	assert_int_equal(found, event);
	found = 0;
	serial[0] = 2;
	SUCCEEDS(ledger_each_serial(fixture->ledger,
		(struct der){serial, sizeof(serial)}, DAY(2), note_event,
		&found, &err));
	assert_int_equal(found, 0);
	ledger_unlock(fixture->ledger);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_read_as_what_was_planned),
		TEST(an_entry_has_the_octets_that_it_must),
		TEST(who_may_not_sign_signs_nothing),
		TEST(another_authoritys_or_an_edited_list_is_none),
		cmocka_unit_test(reasons_are_those_that_are_for_good),
		TEST(what_is_revoked_frees_its_name_once),
		TEST(what_was_superseded_or_has_expired_can_be_revoked),
		TEST(a_certificate_is_found_by_its_serial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
