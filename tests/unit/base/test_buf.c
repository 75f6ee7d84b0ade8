/* Buffers and the string helpers of base/mem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void grows_and_ends_in_nul(void **state)
{
	AUTO(buf_t) b = {0};

	(void)state;
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(buf_char(&b, (char)('a' + i % 26)), 0);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(b.len, 10000);
	assert_int_equal(b.data[9999], 'a' + 9999 % 26);
	buf_reset(&b);
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(buf_printf(&b, "%s-%d", "x", 7), 0);
	assert_string_equal(b.data, "x-7");
	assert_int_equal(buf_add(&b, NULL, 0), 0);
	assert_int_equal(b.len, 3);
}

static void bytes_are_put_between(void **state)
{
	AUTO(buf_t) b = {0};
	AUTO(buf_t) small = {.limit = 4};

	(void)state;
	buf_expect(&b, 1000);
	assert_true(b.cap > 1000 && b.len == 0);
	assert_int_equal(buf_insert(&b, 0, "cd", 2), 0);
	assert_int_equal(buf_insert(&b, 0, "ab", 2), 0);
	assert_int_equal(buf_insert(&b, 4, "ef", 2), 0);
	assert_int_equal(buf_insert(&b, 2, "", 0), 0);
	assert_string_equal(b.data, "abcdef");
	buf_expect(&small, 1000);
	assert_int_equal(buf_str(&small, "abc"), 0);
	assert_int_equal(buf_insert(&small, 1, "xy", 2), -1);
	assert_string_equal(small.data, "abc");
}

static void limit_drops_whole_additions(void **state)
{
	AUTO(buf_t) b = {.limit = 5};

	(void)state;
	assert_int_equal(buf_str(&b, "abc"), 0);
	assert_int_equal(buf_str(&b, "def"), -1);
	assert_true(b.truncated);
	assert_string_equal(b.data, "abc");
	assert_int_equal(buf_printf(&b, "%d", 12345), -1);
	assert_string_equal(b.data, "abc");
	assert_int_equal(buf_str(&b, "de"), 0);
	assert_int_equal(buf_char(&b, 'f'), -1);
	assert_string_equal(b.data, "abcde");
	assert_int_equal(buf_add(&b, "x", SIZE_MAX), -1);
	buf_reset(&b);
	assert_false(b.truncated);
}

static void names_that_do_not_fit_are_missed(void **state)
{
	AUTO(buf_t) b = {.limit = 9};

	(void)state;
	buf_name(&b, "one");
	buf_name(&b, "two");
	assert_string_equal(b.data, "one, two");
	assert_false(b.truncated);
	buf_name(&b, "three");
	buf_name(&b, "x"); /* which would have room: the order would be wrong */
	assert_string_equal(b.data, "one, two, ...");
	assert_true(b.truncated);
}

static void room_is_filled_by_the_caller(void **state)
{
	(void)state;
	AUTO(buf_t) b = {.limit = 5};
	memcpy(buf_more(&b, 3), "abc", 3);
	assert_null(buf_more(&b, 3));
	assert_true(b.truncated);
	memcpy(buf_more(&b, 2), "de", 2);
	assert_string_equal(buf_text(&b), "abcde");
	assert_non_null(buf_more(&b, 0));
}

static void consume_keeps_the_rest(void **state)
{
	AUTO(buf_t) b = {0};

	(void)state;
	buf_consume(&b, 3);
	buf_str(&b, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(b.data, "world");
	buf_consume(&b, 0);
	buf_consume(&b, 99);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_text(&b), "");
}

static void steal_gives_text_away(void **state)
{
	struct buf b = {0};
	char *text = buf_steal(&b);

	(void)state;
	assert_string_equal(text, "");
	free(text);
	buf_str(&b, "mine");
	text = buf_steal(&b);
	assert_string_equal(text, "mine");
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
	free(text);
}

static void secret_bytes_are_wiped_in_place(void **state)
{
	struct buf b = {.secret = true};

	(void)state;
	buf_str(&b, "hunter2 and more");
	buf_consume(&b, 8);
	assert_string_equal(b.data, "and more");
	for (size_t i = b.len; i < 16; i++)
		assert_int_equal(b.data[i], 0);
	for (int i = 0; i < 1000; i++)
		buf_str(&b, "grow");
	assert_int_equal(b.len, 8 + 4000);
	assert_memory_equal(b.data, "and moregrow", 12);
	buf_reset(&b);
	for (size_t i = 0; i < 4008; i++)
		assert_int_equal(b.data[i], 0);
	buf_wipe(&b);
	assert_null(b.data);
	buf_wipe(&b);
}

static void string_helpers(void **state)
{
	AUTO(str_t) s = NULL;
	char fixed[4];

	(void)state;
	str_set(&s, "abc");
	str_set(&s, s + 1);
	assert_string_equal(s, "bc");
	str_set(&s, NULL);
	assert_null(s);
	assert_null(str_dup(NULL));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal("", NULL));
	assert_true(str_starts("abc", "ab"));
	assert_false(str_starts("a", "ab"));
	assert_true(str_ends("abc", "bc"));
	assert_false(str_ends("c", "bc"));
	assert_true(str_copy(fixed, sizeof(fixed), "abc"));
	assert_string_equal(fixed, "abc");
	assert_false(str_copy(fixed, sizeof(fixed), "abcd"));
	assert_string_equal(fixed, "");
	s = str_ndup("abcdef", 3);
	assert_string_equal(s, "abc");
	{
		char *taken = steal(&s);

		assert_null(s);
		free(taken);
	}
}

static void strlist_owns_copies(void **state)
{
	AUTO(strlist_t) l = {0};
	char word[] = "one";

	(void)state;
	strlist_add(&l, word);
	word[0] = 'x';
	strlist_add(&l, "two");
	assert_int_equal(l.n, 2);
	assert_true(strlist_has(&l, "one"));
	assert_false(strlist_has(&l, "xne"));
	strlist_free(&l);
	assert_int_equal(l.n, 0);
	assert_false(strlist_has(&l, "two"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_ends_in_nul),
		cmocka_unit_test(bytes_are_put_between),
		cmocka_unit_test(limit_drops_whole_additions),
		cmocka_unit_test(names_that_do_not_fit_are_missed),
		cmocka_unit_test(room_is_filled_by_the_caller),
		cmocka_unit_test(consume_keeps_the_rest),
		cmocka_unit_test(steal_gives_text_away),
		cmocka_unit_test(secret_bytes_are_wiped_in_place),
		cmocka_unit_test(string_helpers),
		cmocka_unit_test(strlist_owns_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
