/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"
#include "base/nearest.h"

static void a_slip_of_the_hand_is_understood(void **state)
{
	static const char *const commands[] = {
		"init-ca", "node-bundle", "list", "token", "sign"};
	static const struct {
		const char *word;
		const char *expected;
	} rows[] = {
		{"init-ca", "init-ca"},
		{"initca", "init-ca"},
		{"inti-ca", "init-ca"},
		{"node-bundel", "node-bundle"},
		{"node_bundles", "node-bundle"},
		{"lst", "list"},
		{"lits", "list"},
		{"liist", "list"},
		{"sing", "sign"},
		{"toke", "token"},
		{"ls", NULL},
		{"l", NULL},
		{"", NULL},
		{"verify", NULL},
		{"bundle", NULL},
		{"node-bu", "node-bundle"},
		{"nod", "node-bundle"},
		{"no", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *found =
			nearest(rows[i].word, commands, ARRAY_SIZE(commands));

		if (rows[i].expected) {
			assert_non_null(found);
			assert_string_equal(found, rows[i].expected);
		} else {
			assert_null(found);
		}
	}
}

static void the_first_of_equals_wins(void **state)
{
	static const char *const words[] = {"cart", "card", "care"};

	(void)state;
	assert_string_equal(nearest("carx", words, 3), "cart");
	assert_null(nearest("carx", words, 0));
}

static void no_length_does_harm(void **state)
{
	char longest[65];
	char longer[300];
	const char *const words[] = {longer, longest};

	(void)state;
	memset(longest, 'w', 64);
	longest[64] = '\0';
	memset(longer, 'w', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(nearest(longer, words, 2));
	assert_ptr_equal(nearest(longest, words, 2), longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slip_of_the_hand_is_understood),
		cmocka_unit_test(the_first_of_equals_wins),
		cmocka_unit_test(no_length_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
