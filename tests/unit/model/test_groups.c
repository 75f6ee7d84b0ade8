/* What belongs together: each object in the group of its tunnel and in no other, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/leaving.h"

#define REMOTE    "6ff42ae2-765d-4adf-8112-31c55c1551ef"
#define RECORD_ID "0123456789abcdef0123456789abcdef"
#define WALL      1763733600000

static struct tunnel *add_tunnel(struct world *w, const char *id)
{
	struct tunnel *t = tunnel_new(id);

	assert_true(str_copy(t->id, sizeof(t->id), id));
	strcpy(t->remote_id, REMOTE);
	world_add_tunnel(w, t);
	return t;
}

static struct route *add_route(struct world *w, const char *id, const char *tunnel_id)
{
	struct route *r = route_new();

	assert_true(str_copy(r->id, sizeof(r->id), id));
	assert_true(str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel_id));
	str_set(&r->hostname, id);
	world_add_route(w, r);
	return r;
}

/* One that is as wanted. */
static struct record *add_record(struct world *w, const char *id, const char *name,
				 const char *type)
{
	struct record *r = record_new(name, type);

	assert_true(str_copy(r->id, sizeof(r->id), id));
	strcpy(r->tunnel_id, "t1");
	strcpy(r->remote_id, RECORD_ID);
	r->applied_generation = r->generation;
	r->observed.found = r->observed.marked = true;
	r->proxied = r->observed.proxied = true;
	str_set(&r->observed.content, REMOTE TUNNEL_DOMAIN);
	world_add_record(w, r);
	return r;
}

/* The ids of members, one behind the other. */
static char *said(const struct members *m)
{
	struct buf text = {0};

	TABLE_EACH (i, const char, id, m)
		(void)buf_printf(&text, "%s%s", i ? " " : "", id);
	return text.len ? buf_steal(&text) : str_dup("");
}

static void expect(const struct group *g, const char *tunnel, const char *routes,
		   const char *connectors)
{
	AUTO(str_t) said_routes = said(&g->routes);
	AUTO(str_t) said_connectors = said(&g->connectors);

	assert_string_equal(g->tunnel ? g->tunnel->id : "none", tunnel);
	assert_string_equal(said_routes, routes);
	assert_string_equal(said_connectors, connectors);
}

/* ---- by tunnel ---- */

static const struct {
	const char *tunnel, *routes, *connectors;
} rows[] = {
	{"t1", "r1 r3 r6", "t1-1 t1-2"},
	{"t2", "", ""},
	{"t3", "r2", "t3-2"},
	{"t4", "r7", ""},
};

/* Of tunnels in turns, of one that is not there, and of none. */
static struct world *mixed(void)
{
	static const char *const owners[][2] = {{"r1", "t1"}, {"r2", "t3"}, {"r3", "t1"},
						{"r4", "t9"}, {"r5", ""},   {"r6", "t1"},
						{"r7", "t4"}};
	struct world *w = world_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		add_tunnel(w, rows[i].tunnel);
	for (size_t i = 0; i < ARRAY_LEN(owners); i++)
		add_route(w, owners[i][0], owners[i][1]);
	world_add_connector(w, connector_new("t1", 1));
	world_add_connector(w, connector_new("t9", 1));
	world_add_connector(w, connector_new("t3", 2));
	world_add_connector(w, connector_new("t1", 2));
	return w;
}

static void each_object_is_in_its_group(void **state)
{
	struct world *w = mixed();
	struct groups all;

	(void)state;
	groups_of_all(&all, w);
	for (size_t turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			expect(group_of(&all, rows[i].tunnel), rows[i].tunnel, rows[i].routes,
			       rows[i].connectors);
	expect(group_of(&all, "t9"), "none", "", "");
	expect(group_of(&all, ""), "none", "", "");
	groups_t_cleanup(&all);
	world_free(w);
}

static void one_group_alone_is_the_same(void **state)
{
	struct world *w = mixed();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(groups_t) one = {0};

		groups_of_one(&one, w, rows[i].tunnel);
		expect(group_of(&one, rows[i].tunnel), rows[i].tunnel, rows[i].routes,
		       rows[i].connectors);
		expect(group_of(&one, "t9"), "none", "", "");
	}
	for (size_t i = 0; i < 2; i++) {
		AUTO(groups_t) none = {0};

		groups_of_one(&none, w, i ? "t9" : "");
		expect(group_of(&none, i ? "t9" : ""), "none", "", "");
		expect(group_of(&none, "t1"), "none", "", "");
	}
	world_free(w);
}

static void of_nothing_there_is_nothing(void **state)
{
	struct world *w = world_new();
	AUTO(groups_t) x = {0};

	(void)state;
	groups_of_all(&x, w);
	expect(group_of(&x, "t1"), "none", "", "");
	assert_null(groups_record(&x, "a.example.com"));
	assert_null(groups_unsettled(&x, "a.example.com"));
	assert_int_equal(groups_keeper(&x, "a.example.com"), 0);
	world_free(w);
}

/* ---- by name ---- */

/* The same answer from the first question on, though all are put in order behind a few. */
static void a_name_has_its_first_cname(void **state)
{
	struct world *w = world_new();
	AUTO(groups_t) x = {0};

	(void)state;
	add_record(w, "d1", "a.example.com", "A");
	struct record *first = add_record(w, "d2", "a.example.com", "CNAME");
	add_record(w, "d3", "a.example.com", "CNAME");
	add_record(w, "d4", "b.example.com", "TXT");
	groups_of_all(&x, w);
	for (int i = 0; i < 30; i++) {
		assert_ptr_equal(groups_record(&x, "a.example.com"), first);
		assert_null(groups_record(&x, "b.example.com"));
		assert_null(groups_record(&x, "c.example.com"));
	}
	world_free(w);
}

static void only_what_is_not_as_wanted_is_unsettled(void **state)
{
	struct world *w = world_new();
	AUTO(groups_t) x = {0};

	(void)state;
	add_tunnel(w, "t1");
	add_record(w, "d1", "a.example.com", "CNAME");
	struct record *b = add_record(w, "d2", "b.example.com", "CNAME");
	struct record *c = add_record(w, "d3", "c.example.com", "CNAME");
	b->observed.marked = false;
	c->observed.marked = false;
	c->tunnel_id[0] = '\0'; /* a person's own */
	groups_of_all(&x, w);
	assert_null(groups_unsettled(&x, "a.example.com"));
	assert_ptr_equal(groups_unsettled(&x, "b.example.com"), b);
	assert_null(groups_unsettled(&x, "c.example.com"));
	world_free(w);
}

/* A name that left more than one tunnel: those are looked at in order, from the first one on. */
static void a_name_that_moved_is_told_of_the_tunnel_that_it_left(void **state)
{
	struct world *w = world_new();
	struct tunnel *t[3];
	AUTO(groups_t) x = {0};

	(void)state;
	clock_freeze(100000, WALL);
	for (int i = 0; i < 3; i++) {
		char id[] = {'t', (char)('1' + i), '\0'};

		t[i] = add_tunnel(w, id);
		t[i]->remote_id[0] = (char)('1' + i);
	}
	struct route *r = add_route(w, "a.example.com", "t1");
	struct record *d = add_record(w, "d1", "a.example.com", "CNAME");
	(void)map_set(&t[1]->observed.config_keeps, "a.example.com", w);
	(void)map_set(&t[2]->observed.config_keeps, "a.example.com", w);
	(void)map_set(&t[2]->observed.config_keeps, "b.example.com", w);
	str_set(&d->observed.content, "3ff42ae2-765d-4adf-8112-31c55c1551ef" TUNNEL_DOMAIN);
	groups_of_all(&x, w);
	assert_int_equal(groups_keeper(&x, "a.example.com"), 1);
	assert_int_equal(groups_keeper(&x, "b.example.com"), 2);
	assert_int_equal(groups_keeper(&x, "c.example.com"), 3);
	assert_ptr_equal(route_left(&x, r, d), t[2]);
	str_set(&d->observed.content, "2ff42ae2-765d-4adf-8112-31c55c1551ef" TUNNEL_DOMAIN);
	assert_ptr_equal(route_left(&x, r, d), t[1]);
	str_set(&d->observed.content, "1ff42ae2-765d-4adf-8112-31c55c1551ef" TUNNEL_DOMAIN);
	assert_null(route_left(&x, r, d));
	world_free(w);
	clock_freeze(0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_object_is_in_its_group),
		cmocka_unit_test(one_group_alone_is_the_same),
		cmocka_unit_test(of_nothing_there_is_nothing),
		cmocka_unit_test(a_name_has_its_first_cname),
		cmocka_unit_test(only_what_is_not_as_wanted_is_unsettled),
		cmocka_unit_test(a_name_that_moved_is_told_of_the_tunnel_that_it_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
