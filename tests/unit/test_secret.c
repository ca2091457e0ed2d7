/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/secret.h"

static const size_t lens[] = {0, 1, 241, 480, 481, 1704, 8160, 8161, 100000};

static bool is_zero(const unsigned char *bytes, size_t len)
{
	unsigned char any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

static void a_new_secret_is_zero_even_after_another(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		AUTO_FREE(secret) again = NULL;
		struct secret *secret = secret_new(lens[i]);

		assert_int_equal(secret_len(secret), lens[i]);
		assert_ptr_equal(secret_bytes(secret), secret_view(secret));
		assert_true(is_zero(secret_view(secret), lens[i]));
		memset(secret_bytes(secret), 0xa5, lens[i]);
		secret_free(secret);
		again = secret_new(lens[i]);
		assert_true(is_zero(secret_view(again), lens[i]));
	}
	secret_free(NULL);
}

static void what_is_freed_is_wiped(void **state)
{
	struct secret *secret = secret_new(241);
	const unsigned char *bytes = secret_view(secret);

	(void)state;
	memset(secret_bytes(secret), 0xa5, 241);
	secret_free(secret);
	/* The arena is never unmapped, so looking there is allowed. */
	assert_true(is_zero(bytes, 241));
}

static void what_is_given_up_is_wiped(void **state)
{
	AUTO_FREE(secret) secret = secret_new(100);

	(void)state;
	memset(secret_bytes(secret), 0xa5, 100);
	secret_shorten(secret, 60);
	assert_int_equal(secret_len(secret), 60);
	assert_int_equal(secret_view(secret)[59], 0xa5);
	assert_true(is_zero(secret_view(secret) + 60, 40));
	secret_shorten(secret, 60);
	assert_int_equal(secret_len(secret), 60);
}

static void equal_means_every_byte(void **state)
{
	AUTO_FREE(secret) a = secret_new(32);
	AUTO_FREE(secret) b = secret_new(32);
	AUTO_FREE(secret) longer = secret_new(33);
	AUTO_FREE(secret) none = secret_new(0);

	(void)state;
	assert_true(secret_equal(a, b));
	assert_true(secret_equal(none, none));
	assert_false(secret_equal(a, longer));
	for (size_t i = 0; i < 32; i++) {
		secret_bytes(b)[i] = 0x80;
		assert_false(secret_equal(a, b));
		secret_bytes(b)[i] = 0;
	}
}

static void more_live_at_once_than_the_arena_holds(void **state)
{
	enum { N_SECRETS = 1500 };
	struct secret *secrets[N_SECRETS];

	(void)state;
	for (int i = 0; i < N_SECRETS; i++) {
		secrets[i] = secret_new(241);
		memcpy(secret_bytes(secrets[i]), &i, sizeof(i));
	}
	for (int i = 0; i < N_SECRETS; i++) {
		assert_memory_equal(secret_view(secrets[i]), &i, sizeof(i));
		secret_free(secrets[i]);
	}
}

/* The lines of /proc/self/smaps about the mapping that holds an address. */
static void mapping_flags(const void *address, char *flags, size_t len)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false;

	assert_non_null(maps);
	*flags = '\0';
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t start, end;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) ==
			2)
			inside = (uintptr_t)address >= start &&
				 (uintptr_t)address < end;
		else if (inside && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, len, "%s", line);
	}
	fclose(maps);
}

/* Not where the limit forbids it, or AddressSanitizer takes mlock away. */
static bool can_lock(void)
{
	static unsigned char pages[2 << 20];
	char flags[512];

	if (mlock(pages, sizeof(pages)) != 0)
		return false;
	mapping_flags(pages + 4096, flags, sizeof(flags));
	munlock(pages, sizeof(pages));
	return strstr(flags, " lo") != NULL;
}

static void secrets_stay_out_of_core_dumps_and_swap(void **state)
{
	bool locks = can_lock();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		AUTO_FREE(secret) secret = secret_new(lens[i]);
		char flags[512];

		mapping_flags(secret, flags, sizeof(flags));
		assert_non_null(strstr(flags, " dd"));
		if (locks)
			assert_non_null(strstr(flags, " lo"));
	}
}

static void *make_many(void *data)
{
	unsigned char own = *(unsigned char *)data;
	bool *spoilt = memory_new(1, sizeof(*spoilt));

	for (int i = 0; i < 20000; i++) {
		AUTO_FREE(secret) a = secret_new(241);
		AUTO_FREE(secret) b = secret_new(500);

		*spoilt |= !is_zero(secret_view(a), 241);
		memset(secret_bytes(a), own, 241);
		memset(secret_bytes(b), ~own, 500);
		*spoilt |= secret_view(a)[0] != own;
		*spoilt |= secret_view(a)[240] != own;
	}
	return spoilt;
}

static void threads_do_not_get_each_others(void **state)
{
	unsigned char own[] = {1, 2, 3, 4};
	pthread_t threads[ARRAY_SIZE(own)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make_many, &own[i]),
			0);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		void *spoilt = NULL;

		assert_int_equal(pthread_join(threads[i], &spoilt), 0);
		assert_false(*(bool *)spoilt);
		free(spoilt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_secret_is_zero_even_after_another),
		cmocka_unit_test(what_is_freed_is_wiped),
		cmocka_unit_test(what_is_given_up_is_wiped),
		cmocka_unit_test(equal_means_every_byte),
		cmocka_unit_test(more_live_at_once_than_the_arena_holds),
		cmocka_unit_test(secrets_stay_out_of_core_dumps_and_swap),
		cmocka_unit_test(threads_do_not_get_each_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
