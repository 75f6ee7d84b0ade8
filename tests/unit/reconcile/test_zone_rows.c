/* Each record is found in its zone and in no other, in order, whatever came or went meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/world.h"
#include "reconcile/zone_rows.h"

static struct record *add(struct world *w, const char *id, const char *zone_id)
{
	struct record *r = record_new("a.example.com", "TXT");

	assert_true(str_copy(r->id, sizeof(r->id), id));
	(void)str_copy(r->remote_id, CF_ID_SIZE, "known");
	(void)str_copy(r->zone_id, CF_ID_SIZE, zone_id);
	world_add_record(w, r);
	return r;
}

static void expect(struct zone_rows *x, const struct world *w, const char *zone_id, const char *ids)
{
	AUTO(buf_t) found = {0};
	const struct record *r;

	for (size_t at = 0; (r = zone_rows_next(x, w, zone_id, &at)) != NULL;)
		(void)buf_printf(&found, "%s%s", found.len ? " " : "", r->id);
	assert_string_equal(buf_text(&found), ids);
}

static void each_is_in_its_zone(void **state)
{
	static const char *const records[][2] = {{"d1", "z1"}, {"d2", "z1"}, {"d3", "z2"},
						 {"d4", "z1"}, {"d5", ""},   {"d6", "z3"},
						 {"d7", "z2"}};
	struct world *w = world_new();
	AUTO(zone_rows_t) x = {0};

	(void)state;
	expect(&x, w, "z1", "");
	for (size_t i = 0; i < ARRAY_LEN(records); i++)
		add(w, records[i][0], records[i][1]);
	add(w, "d8", "z3")->remote_id[0] = '\0';
	for (int turn = 0; turn < 2; turn++) {
		expect(&x, w, "z1", "d1 d2 d4");
		expect(&x, w, "z2", "d3 d7");
		expect(&x, w, "z3", "d6");
		expect(&x, w, "z4", "");
	}
	world_free(w);
}

static void what_came_or_went_is_minded(void **state)
{
	struct world *w = world_new();
	AUTO(zone_rows_t) x = {0};

	(void)state;
	add(w, "d1", "z1");
	add(w, "d2", "z2");
	add(w, "d3", "z1");
	expect(&x, w, "z1", "d1 d3");
	world_drop(w, OBJECT_RECORD, "d1");
	expect(&x, w, "z2", "d2");
	expect(&x, w, "z1", "d3");
	add(w, "d4", "z1");
	world_drop(w, OBJECT_RECORD, "d2");
	expect(&x, w, "z1", "d3 d4");
	expect(&x, w, "z2", "");
	world_free(w);
}

static void one_that_left_its_zone_is_not_in_it(void **state)
{
	struct world *w = world_new();
	AUTO(zone_rows_t) x = {0};

	(void)state;
	add(w, "d1", "z1");
	struct record *moved = add(w, "d2", "z1");
	add(w, "d3", "z1");
	expect(&x, w, "z1", "d1 d2 d3");
	(void)str_copy(moved->zone_id, CF_ID_SIZE, "z2");
	expect(&x, w, "z1", "d1 d3");
	moved->zone_id[0] = '\0';
	expect(&x, w, "z1", "d1 d3");
	world_free(w);
}

/* It is looked for in its zone first, and made there while others are listed. */
static void one_that_was_made_meanwhile_is_in_its_zone(void **state)
{
	struct world *w = world_new();
	AUTO(zone_rows_t) x = {0};

	(void)state;
	add(w, "d1", "z1");
	struct record *made = add(w, "d2", "z2");
	made->remote_id[0] = '\0';
	expect(&x, w, "z1", "d1");
	expect(&x, w, "z2", "");
	(void)str_copy(made->remote_id, CF_ID_SIZE, "made");
	expect(&x, w, "z2", "d2");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_in_its_zone),
		cmocka_unit_test(what_came_or_went_is_minded),
		cmocka_unit_test(one_that_left_its_zone_is_not_in_it),
		cmocka_unit_test(one_that_was_made_meanwhile_is_in_its_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
