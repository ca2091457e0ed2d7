/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <fcntl.h>

#include "ledger_fixture.h"
#include "pki/ledger_history.h"

static struct checkpoint example(void)
{
	struct checkpoint checkpoint = {.count = 1042, .at = {1795524519}};

	for (size_t i = 0; i < CHECKPOINT_HASH_LEN; i++)
		checkpoint.hash[i] = (unsigned char)(i * 37 + 11);
	return checkpoint;
}

static char *text_of(const struct checkpoint *checkpoint)
{
	char *text = NULL;

	SUCCEEDS(checkpoint_format(checkpoint, &text, &err));
	return text;
}

static void it_is_one_line_that_reads_as_what_it_was(void **state)
{
	const struct checkpoint checkpoint = example();
	AUTO_TEXT text = text_of(&checkpoint);
	struct checkpoint read = {0};

	(void)state;
	assert_ptr_equal(strstr(text, "kpki1 1042 2026-11-24T"), text);
	assert_int_equal(strlen(text), strlen("kpki1 1042 "
					      "2026-11-24T12:48:39Z ") +
					       44);
	for (const char *at = strrchr(text, ' ') + 1; *at; at++)
		assert_null(strchr("ILOU", *at));
	SUCCEEDS(checkpoint_parse(text, &read, &err));
	assert_int_equal(read.count, checkpoint.count);
	assert_int_equal(read.at.seconds, checkpoint.at.seconds);
	assert_memory_equal(read.hash, checkpoint.hash, CHECKPOINT_HASH_LEN);
}

static void it_may_be_typed_as_one_reads_it(void **state)
{
	const struct checkpoint checkpoint = example();
	AUTO_TEXT text = text_of(&checkpoint);
	struct checkpoint read = {0};
	size_t start = strlen("kpki1 1042 2026-11-24T12:48:39Z ");

	(void)state;
	for (char *at = text + start; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
		if (*at == '0')
			*at = 'o';
		if (*at == '1')
			*at = 'l';
	}
	SUCCEEDS(checkpoint_parse(text, &read, &err));
	assert_memory_equal(read.hash, checkpoint.hash, CHECKPOINT_HASH_LEN);
}

/* Not by design but as good as surely: 20 bits check. */
static void every_misread_character_is_found(void **state)
{
	const struct checkpoint checkpoint = example();
	AUTO_TEXT text = text_of(&checkpoint);
	struct checkpoint read;

	(void)state;
	for (char *at = strchr(text, ' ') + 1; *at; at++) {
		AUTO_RELEASE(error) err = ERROR_INIT;
		char was = *at;

		if (strchr("-T:Z ", was))
			continue;
		*at = was == '2' ? '3' : '2';
		if (checkpoint_parse(text, &read, &err))
			fail_msg("\"%s\" is taken", text);
		*at = was;
	}
}

static void what_is_no_checkpoint_is_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"", "does not begin with kpki1"},
		{"kpki2 1 2026-11-24T12:48:39Z 0000", "does not begin"},
		{"kpki1", "not a number of entries"},
		{"kpki1 0 2026-11-24T12:48:39Z 0000", "not a number"},
		{"kpki1 01 2026-11-24T12:48:39Z 0000", "not a number"},
		{"kpki1 9999999999999999999 2026-11-24T12:48:39Z 0000",
			"not a number"},
		{"kpki1 1 2026-11-24 0000", "not a time"},
		{"kpki1 1 2026-11-24T12:48:39Z 0000", "4 letters and digits"},
		{"kpki1 1 2026-11-24T12:48:39Z 000u", "not nine groups"},
		{"kpki1 1 2026-11-24T12:48:39Z 0000-0000-0000-0000-0000-0000-"
		 "0000-0000-00000",
			"not nine groups"},
		{"kpki1 1 2026-11-24T12:48:39Z 0000-0000-0000-0000-0000-0000-"
		 "0000-0000-0000 x",
			"\"x\": follows the end"},
		{"kpki1 1 2026-11-24T12:48:39Z 0000-0000-0000-0000-0000-0000-"
		 "0000-0000-0000",
			"misread"},
	};
	struct checkpoint read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		FAILS(checkpoint_parse(rows[i].text, &read, &err), ERROR_INPUT,
			rows[i].words);
}

/* -- and the ledger that it is of -- */

static struct checkpoint take_one(struct fixture *fixture)
{
	struct checkpoint checkpoint = {0};

	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_checkpoint(fixture->ledger, &checkpoint, &err));
	ledger_unlock(fixture->ledger);
	return checkpoint;
}

static void a_ledger_that_went_on_fits_its_checkpoint(void **state)
{
	struct fixture *fixture = *state;
	struct checkpoint first = take_one(fixture), later;

	record(fixture, 1, WISH("w1", "kubelet-client"));
	later = take_one(fixture);
	assert_int_equal(first.count, 1);
	assert_int_equal(later.count, 2);
	assert_int_equal(later.at.seconds, DAY(1).seconds);
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_check_checkpoint(fixture->ledger, &first, &err));
	SUCCEEDS(ledger_check_checkpoint(fixture->ledger, &later, &err));
	ledger_unlock(fixture->ledger);
}

static void a_shorter_or_another_history_does_not(void **state)
{
	struct fixture *fixture = *state;
	struct checkpoint one, longer;

	record(fixture, 1, WISH("w1", "kubelet-client"));
	one = longer = take_one(fixture);
	longer.count++;
	one.hash[CHECKPOINT_HASH_LEN - 1] ^= 1;
	lock(fixture, FILE_LOCK_SHARED);
	FAILS(ledger_check_checkpoint(fixture->ledger, &longer, &err),
		ERROR_FINDINGS, "has 2 entries, and had 3 at the checkpoint");
	FAILS(ledger_check_checkpoint(fixture->ledger, &one, &err),
		ERROR_FINDINGS, "entry 2 is not the one of the checkpoint");
	ledger_unlock(fixture->ledger);
}

static bool count_entry(
	void *data, const struct ledger_entry *entry, struct error *err)
{
	int64_t *sum = data;

	(void)err;
	*sum = *sum * 10 + entry->seq;
	return true;
}

static void entries_come_in_their_order_from_any_on(void **state)
{
	struct fixture *fixture = *state;
	struct ledger_entry entry;
	int64_t seen = 0;

	record(fixture, 1, WISH("w1", "kubelet-client", ADDRESSES("a", "b")));
	append(fixture, 2, LEDGER_REVOKED, 2);
	lock(fixture, FILE_LOCK_SHARED);
	assert_int_equal(ledger_count(fixture->ledger), 3);
	SUCCEEDS(ledger_entries(fixture->ledger, 2, count_entry, &seen, &err));
	assert_int_equal(seen, 23);
	SUCCEEDS(ledger_entry(fixture->ledger, 2, &entry, &err));
	assert_string_equal(entry.kind, "issued");
	assert_string_equal(entry.addresses, "a\nb");
	assert_true(entry.has_lifetime);
	SUCCEEDS(ledger_entry(fixture->ledger, 3, &entry, &err));
	assert_string_equal(entry.kind, "revoked");
	assert_int_equal(entry.ref, 2);
	assert_null(entry.profile);
	assert_false(entry.has_lifetime);
	ledger_unlock(fixture->ledger);
}

static void copies_part_where_they_were_written_apart(void **state)
{
	struct fixture *fixture = *state;
	AUTO_TEXT from = path_in(fixture, LEDGER_FILE);
	AUTO_TEXT to = path_in(fixture, "a copy of it");
	AUTO_FREE(ledger) copy = NULL;
	AUTO_RELEASE(buffer) bytes = BUFFER_INIT;
	struct file_part part;
	int64_t common = 0;

	record(fixture, 1, WISH("w1", "kubelet-client"));
	SUCCEEDS(file_read(AT_FDCWD, from, 1 << 20, &bytes, &err));
	part = (struct file_part){bytes.data, bytes.len, NULL};
	SUCCEEDS(file_create(AT_FDCWD, to, 0400, &part, 1, &err));
	for (int day = 2; day < 6; day++) {
		SUCCEEDS(ledger_open_copy(to, &copy, &err));
		SUCCEEDS(ledger_lock(copy, FILE_LOCK_SHARED, 0, &err));
		lock(fixture, FILE_LOCK_SHARED);
		SUCCEEDS(ledger_common(fixture->ledger, copy, &common, &err));
		ledger_unlock(fixture->ledger);
		assert_int_equal(common, 2);
		ledger_free(take(&copy));
		record(fixture, day, WISH("w2", "p", .not_after = DAY(day)));
	}
}

static void a_past_certificate_claims_nothing(void **state)
{
	static const unsigned char body[] = "a certificate";
	static const unsigned char serial[] = "a serial";
	static const char *const addresses[] = {"10.0.0.1"};
	struct fixture *fixture = *state;
	struct ledger_issue past = {.ca = fixture->ca,
		.profile = "kubelet-client",
		.name = "w1",
		.serial = {serial, sizeof(serial)},
		.not_before = DAY(0),
		.not_after = DAY(50),
		.body = {body, sizeof(body)},
		.addresses = addresses,
		.n_addresses = 1};
	int64_t live = record(fixture, 1,
		WISH("w1", "kubelet-client", ADDRESSES("10.0.0.1")));
	struct ledger_row row;
	bool found = false;

	begin(fixture, DAY(2));
	SUCCEEDS(ledger_add_past(fixture->ledger, &past, &err));
	commit(fixture);
	verify(fixture);
	lock(fixture, FILE_LOCK_SHARED);
	SUCCEEDS(ledger_live(fixture->ledger, fixture->ca, "kubelet-client",
		"w1", DAY(3), &row, &found, &err));
	assert_true(found);
	assert_int_equal(row.event, live);
	ledger_unlock(fixture->ledger);
	begin(fixture, DAY(3));
	FAILS(ledger_add_past(fixture->ledger, &past, &err), ERROR_FAILED,
		"serial number before");
	ledger_unlock(fixture->ledger);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_one_line_that_reads_as_what_it_was),
		cmocka_unit_test(it_may_be_typed_as_one_reads_it),
		cmocka_unit_test(every_misread_character_is_found),
		cmocka_unit_test(what_is_no_checkpoint_is_refused),
		TEST(a_ledger_that_went_on_fits_its_checkpoint),
		TEST(a_shorter_or_another_history_does_not),
		TEST(entries_come_in_their_order_from_any_on),
		TEST(copies_part_where_they_were_written_apart),
		TEST(a_past_certificate_claims_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
