/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cmd/commands.h"

static void the_table_has_no_mistake(void **state)
{
	AUTO_RELEASE(error) err = ERROR_INIT;

	(void)state;
	if (!program_check(&kpki, &err))
		fail_msg("%s", err.message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_no_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
