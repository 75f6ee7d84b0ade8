/* The mark of ownership: written whole or not at all, and read by exactly its own word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/record.h"

#define INSTALL "0a1b2c3d"

static void mark_is_written(void **state)
{
	static const struct {
		const char *text, *comment;
	} rows[] = {
		{NULL, "adit:edge1/" INSTALL},
		{"", "adit:edge1/" INSTALL},
		{"shop of Ann", "adit:edge1/" INSTALL " shop of Ann"},
		{" two  blanks", "adit:edge1/" INSTALL "  two  blanks"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) comment = NULL;
		struct err e;

		assert_int_equal(mark_write("edge1", INSTALL, rows[i].text, &comment, &e), 0);
		assert_string_equal(comment, rows[i].comment);
		assert_true(mark_is(comment, "edge1", INSTALL));
		assert_string_equal(mark_text(comment), rows[i].text ? rows[i].text : "");
	}
}

/* "adit:edge1/0a1b2c3d " has 20 characters, so 80 remain. */
static void nothing_is_cut(void **state)
{
	static const struct {
		size_t characters;
		const char *character;
		int result;
	} rows[] = {{80, "x", 0},         {81, "x", -1},   {80, "\xc3\xa4", 0},
		    {81, "\xc3\xa4", -1}, {80, "\xff", 0}, {81, "\xff", -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256] = "";
		AUTO(str_t) comment = NULL;
		struct err e = {0};

		for (size_t k = 0; k < rows[i].characters; k++)
			strcat(text, rows[i].character);
		assert_int_equal(mark_write("edge1", INSTALL, text, &comment, &e), rows[i].result);
		assert_int_equal(comment == NULL, rows[i].result == -1);
		assert_int_equal(e.kind, rows[i].result ? ERR_INVALID : ERR_NONE);
		if (rows[i].result)
			assert_non_null(strstr(e.message, "101"));
	}
}

static void mark_is_one_word(void **state)
{
	static const struct {
		const char *comment;
		bool ours;
		const char *text; /* NULL = no mark of any adit */
	} rows[] = {
		{"adit:edge1/0a1b2c3d", true, ""},
		{"adit:edge1/0a1b2c3d text", true, "text"},
		{"adit:edge1/0a1b2c3dx", false, NULL},
		{"adit:edge1/0a1b2c3", false, NULL},
		{"adit:edge1/0a1b2c3e", false, ""},
		{"adit:edge/0a1b2c3d", false, ""},
		{"adit:edge11/0a1b2c3d", false, ""},
		{"adit:Edge1/0a1b2c3d", false, ""},
		{"adit:edge1/0A1B2C3D", false, NULL},
		{"adit:/0a1b2c3d", false, NULL},
		{"adit:edge1", false, NULL},
		{"adit:edge1 /0a1b2c3d", false, NULL},
		{" adit:edge1/0a1b2c3d", false, NULL},
		{"Adit:edge1/0a1b2c3d", false, NULL},
		{"see adit:edge1/0a1b2c3d", false, NULL},
		{"adit:edge1/0a1b2c3d\ttext", false, NULL},
		{"", false, NULL},
		{NULL, false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = mark_text(rows[i].comment);

		assert_int_equal(mark_is(rows[i].comment, "edge1", INSTALL), rows[i].ours);
		if (!str_equal(text, rows[i].text))
			fail_msg("row %zu: %s", i, text ? text : "no mark");
	}
}

/* Named again after it changed: the newer entry counts. */
static void what_may_be_taken_is_what_was_shown_last(void **state)
{
	char *takes = NULL;

	(void)state;
	assert_int_equal(record_take(takes, "a", "1"), TAKE_UNNAMED);
	assert_false(record_takes_unseen(takes));
	record_takes_add(&takes, "a", "1", "words");
	assert_int_equal(record_take(takes, "a", "1"), TAKE_AS_SEEN);
	assert_int_equal(record_take(takes, "a", "2"), TAKE_CHANGED);
	assert_int_equal(record_take(takes, "b", "1"), TAKE_UNNAMED);
	assert_false(record_takes_unseen(takes));
	record_takes_add(&takes, "a", "2", "words");
	assert_int_equal(record_take(takes, "a", "2"), TAKE_AS_SEEN);
	record_takes_add(&takes, "b", NULL, NULL);
	assert_int_equal(record_take(takes, "b", "1"), TAKE_CHANGED);
	assert_true(record_takes_unseen(takes));
	free(takes);
}

static void new_record_is_proxied(void **state)
{
	struct record *r = record_new("a.example.com", "CNAME");

	(void)state;
	assert_int_equal(r->id[0], 'd');
	assert_int_equal(strlen(r->id), 1 + ID_DIGITS);
	assert_true(r->proxied);
	assert_int_equal(r->ttl, 1);
	assert_int_equal(r->generation, 1);
	assert_int_equal(r->applied_generation, 0);
	assert_int_equal(r->want, WANT_PRESENT);
	record_free(r);
	record_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark_is_written),
		cmocka_unit_test(nothing_is_cut),
		cmocka_unit_test(mark_is_one_word),
		cmocka_unit_test(what_may_be_taken_is_what_was_shown_last),
		cmocka_unit_test(new_record_is_proxied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
