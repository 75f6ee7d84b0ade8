/* Whoever brings a question's state back proves that we asked, once, about that very call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/ask_state.h"

#define NOW 1700000000000LL

static const unsigned char key[ASK_KEY] = "0123456789abcdef0123456789abcdef";
static const struct ask_bond bond = {"grant a", "route_set", "{\"hostname\":\"a.example.com\"}"};

static void ask(struct ask_state *s, char out[ASK_STATE_SIZE])
{
	*s = (struct ask_state){.plan = "p7", .hash = "0123456789abcdef"};
	ask_state_write(key, s, &bond, NOW, out);
}

static void what_was_asked_comes_back(void **state)
{
	struct ask_state s, back;
	char text[ASK_STATE_SIZE];
	(void)state;
	ask(&s, text);
	assert_true(ask_state_read(key, text, &bond, NOW + ASK_MS, &back));
	assert_string_equal(back.plan, "p7");
	assert_string_equal(back.hash, "0123456789abcdef");
	assert_string_equal(back.nonce, s.nonce);
	assert_false(ask_state_read(key, text, &bond, NOW + ASK_MS + 1, &back));
}

static void a_call_that_makes_no_plan_has_one_too(void **state)
{
	struct ask_state s = {0}, back;
	char text[ASK_STATE_SIZE];
	(void)state;
	ask_state_write(key, &s, &bond, NOW, text);
	assert_true(ask_state_read(key, text, &bond, NOW, &back));
	assert_string_equal(back.plan, "");
}

static void it_holds_for_nothing_else(void **state)
{
	static const struct ask_bond others[] = {
		{"grant b", "route_set", "{\"hostname\":\"a.example.com\"}"},
		{"grant a", "route_delete", "{\"hostname\":\"a.example.com\"}"},
		{"grant a", "route_set", "{\"hostname\":\"b.example.com\"}"},
		{"grant aroute_set", "", "{\"hostname\":\"a.example.com\"}"},
	};
	static const unsigned char other_key[ASK_KEY] = "1123456789abcdef0123456789abcdef";
	struct ask_state s, back;
	char text[ASK_STATE_SIZE];
	(void)state;
	ask(&s, text);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(ask_state_read(key, text, &others[i], NOW, &back));
	assert_false(ask_state_read(other_key, text, &bond, NOW, &back));
}

static void each_byte_counts(void **state)
{
	static const char *const made_up[] = {"", "-", "----", "p7",
					      "p7-0123-99999999999999-aa-bb"};
	struct ask_state s, back;
	char text[ASK_STATE_SIZE];
	(void)state;
	ask(&s, text);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		text[i] = was == 'x' ? 'y' : 'x';
		assert_false(ask_state_read(key, text, &bond, NOW, &back));
		text[i] = '\0';
		assert_false(ask_state_read(key, text, &bond, NOW, &back));
		text[i] = was;
	}
	for (size_t i = 0; i < ARRAY_LEN(made_up); i++)
		assert_false(ask_state_read(key, made_up[i], &bond, NOW, &back));
}

static void each_is_good_once(void **state)
{
	struct ask_spent spent;
	char nonce[33];
	(void)state;
	ask_spent_init(&spent);
	assert_true(ask_spend(&spent, "a", NOW));
	assert_false(ask_spend(&spent, "a", NOW + ASK_MS));
	assert_true(ask_spend(&spent, "b", NOW));
	for (int i = 2; i < ASK_SPENT_MAX; i++) {
		(void)snprintf(nonce, sizeof(nonce), "%d", i);
		assert_true(ask_spend(&spent, nonce, NOW));
	}
	assert_false(ask_spend(&spent, "one more", NOW));
	assert_true(ask_spend(&spent, "later", NOW + ASK_MS + 1));
	assert_int_equal(spent.n, 1);
	ask_spent_free(&spent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_comes_back),
		cmocka_unit_test(a_call_that_makes_no_plan_has_one_too),
		cmocka_unit_test(it_holds_for_nothing_else),
		cmocka_unit_test(each_byte_counts),
		cmocka_unit_test(each_is_good_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
