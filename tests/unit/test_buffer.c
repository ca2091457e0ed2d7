/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static void an_empty_buffer_is_an_empty_text(void **state)
{
	AUTO_RELEASE(buffer) buffer = BUFFER_INIT;

	(void)state;
	assert_string_equal(buffer.data, "");
	buffer_add(&buffer, NULL, 0);
	buffer_add_text(&buffer, "");
	buffer_reset(&buffer);
	assert_int_equal(buffer.len, 0);
	assert_int_equal(buffer.allocated, 0);
	buffer_release(&buffer);
	assert_string_equal(buffer.data, "");
}

static void it_is_a_text_at_any_moment(void **state)
{
	AUTO_RELEASE(buffer) buffer = BUFFER_INIT;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		buffer_add_byte(&buffer, 'x');
		assert_int_equal(buffer.len, i + 1);
		assert_int_equal(strlen(buffer.data), i + 1);
	}
	buffer_reset(&buffer);
	assert_string_equal(buffer.data, "");
	buffer_add_text(&buffer, "again");
	assert_string_equal(buffer.data, "again");
}

static void bytes_may_be_zero(void **state)
{
	AUTO_RELEASE(buffer) buffer = BUFFER_INIT;

	(void)state;
	buffer_add(&buffer, "a\0b", 3);
	buffer_add_byte(&buffer, '\0');
	assert_int_equal(buffer.len, 4);
	assert_memory_equal(buffer.data, "a\0b\0\0", 5);
}

static void format_makes_room(void **state)
{
	static const size_t lens[] = {0, 1, 62, 63, 64, 65, 127, 128, 1000};
	char word[1001];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[1000] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		AUTO_RELEASE(buffer) buffer = BUFFER_INIT;

		buffer_add_text(&buffer, "<");
		buffer_format(&buffer, "%.*s", (int)lens[i], word);
		buffer_format(&buffer, ">%d", 7);
		assert_int_equal(buffer.len, lens[i] + 3);
		assert_int_equal(buffer.data[0], '<');
		assert_memory_equal(buffer.data + 1, word, lens[i]);
		assert_string_equal(buffer.data + 1 + lens[i], ">7");
	}
}

static void room_is_for_writing(void **state)
{
	AUTO_RELEASE(buffer) buffer = BUFFER_INIT;

	(void)state;
	memcpy(buffer_room(&buffer, 100), "abc", 3);
	buffer_wrote(&buffer, 3);
	memcpy(buffer_room(&buffer, 2), "de", 2);
	buffer_wrote(&buffer, 2);
	assert_string_equal(buffer.data, "abcde");
	(void)buffer_room(&buffer, 0);
	buffer_wrote(&buffer, 0);
	assert_string_equal(buffer.data, "abcde");
}

static void detaching_gives_the_bytes_away(void **state)
{
	AUTO_RELEASE(buffer) buffer = BUFFER_INIT;
	AUTO_TEXT none = buffer_detach(&buffer);
	AUTO_TEXT text = NULL;

	(void)state;
	assert_string_equal(none, "");
	assert_ptr_not_equal(none, buffer_empty);
	buffer_add_text(&buffer, "mine");
	text = buffer_detach(&buffer);
	assert_string_equal(text, "mine");
	assert_int_equal(buffer.len, 0);
	assert_ptr_equal(buffer.data, buffer_empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(it_is_a_text_at_any_moment),
		cmocka_unit_test(bytes_may_be_zero),
		cmocka_unit_test(format_makes_room),
		cmocka_unit_test(room_is_for_writing),
		cmocka_unit_test(detaching_gives_the_bytes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
