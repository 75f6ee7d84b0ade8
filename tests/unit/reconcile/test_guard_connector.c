/* Stopping connectors: when a person has to agree, and what comes of the edit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "reconcile/apply.h"
#include "reconcile/guard.h"

static const struct guard_policy policy = {.max_delete = 10, .socket = "/run/adit/adit.sock"};

struct scene {
	struct world *w;
	struct tunnel *web;
	struct connector *one, *two;
};

static struct connector *add_connector(struct world *w, const struct tunnel *t, int slot)
{
	struct connector *c = connector_new(t->id, slot);

	c->state = CONNECTOR_READY;
	c->edge_connections = 4;
	world_add_connector(w, c);
	return c;
}

static void add_route(struct world *w, const struct tunnel *t, const char *hostname)
{
	struct route *r = route_new();

	str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, hostname);
	str_set(&r->service, "http://h:1");
	world_add_route(w, r);
}

static int setup(void **state)
{
	struct scene *s = mem_alloc(sizeof(*s));

	s->w = world_new();
	s->web = tunnel_new("web");
	s->web->replicas = 2;
	s->web->observed.connections = 8;
	world_add_tunnel(s->w, s->web);
	s->one = add_connector(s->w, s->web, 1);
	s->two = add_connector(s->w, s->web, 2);
	add_route(s->w, s->web, "a.ex.org");
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	world_free(s->w);
	free(s);
	return 0;
}

/* The reasons for approval of stopping these two; NULL leaves one alone. */
static char *needs(const struct scene *s, const struct connector *a, const struct connector *b)
{
	struct plan *p = plan_new("connector_stop", "ops", NULL);
	const struct connector *const all[] = {a, b};
	char *why = NULL;
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			(void)plan_edit(p, EDIT_CONNECTOR_STOP, all[i]->id);
	assert_int_equal(guard_check(s->w, &policy, p, &e), 0);
	assert_true(p->approvals.n <= 1);
	assert_int_equal(guard_drops(p), 0);
	plan_edit(p, EDIT_RECORD_PUT, "d1")->overwrites = 3; /* each is gone for good */
	plan_edit(p, EDIT_ROUTE_DROP, "r1");
	assert_int_equal(guard_drops(p), 4);
	why = p->approvals.n ? str_dup(p->approvals.items[0]) : NULL;
	plan_free(p);
	return why;
}

static void one_of_two_needs_nobody(void **state)
{
	const struct scene *s = *state;
	AUTO(str_t) why = needs(s, s->one, NULL);

	assert_null(why);
}

static void both_need_a_person(void **state)
{
	const struct scene *s = *state;
	AUTO(str_t) why = needs(s, s->one, s->two);

	assert_string_equal(why, "Stops the last connector that serves a.ex.org (tunnel web).");
}

static void the_other_does_not_serve(void **state)
{
	const struct scene *s = *state;

	s->two->state = CONNECTOR_RESTARTING;
	AUTO(str_t) why = needs(s, s->one, NULL);
	assert_non_null(why);
	AUTO(str_t) none = needs(s, s->two, NULL);
	assert_null(none);
	s->two->state = CONNECTOR_READY;
	connector_set_stopped(s->two, &(struct connector_stop){0});
	AUTO(str_t) again = needs(s, s->one, NULL);
	assert_non_null(again);
}

static void another_host_serves(void **state)
{
	const struct scene *s = *state;

	s->web->observed.connections = 12;
	AUTO(str_t) why = needs(s, s->one, s->two);
	assert_null(why);
}

static void list_client(const struct scene *s, const char *id, int64_t connections)
{
	struct tunnel_connections *l = &s->web->observed.clients;
	struct tunnel_client *items = mem_array(l->n + 1, sizeof(*items));

	if (l->n)
		memcpy(items, l->items, l->n * sizeof(*items));
	free(l->items);
	l->items = items;
	str_copy(l->items[l->n].id, UUID_SIZE, id);
	l->items[l->n++].connections = connections;
	s->web->observed.clients_seen_ms = 1;
}

/* A process that drains, or has just ended, serves nobody tomorrow. */
static void our_own_that_goes_is_no_other_host(void **state)
{
	static const char one[] = "11111111-2222-4333-8444-555555555551",
			  two[] = "11111111-2222-4333-8444-555555555552",
			  old[] = "11111111-2222-4333-8444-555555555553",
			  theirs[] = "11111111-2222-4333-8444-555555555554";
	const struct scene *s = *state;

	s->web->observed.connections = 12;
	s->one->connector_id = uuid_read(one);
	str_copy(connector_past_make(s->one)->other_id, UUID_SIZE, old);
	s->two->connector_id = uuid_read(two);
	list_client(s, one, 4);
	list_client(s, two, 4);
	list_client(s, old, 4);
	AUTO(str_t) why = needs(s, s->one, s->two);
	assert_non_null(why);
	list_client(s, theirs, 0);
	AUTO(str_t) idle = needs(s, s->one, s->two);
	assert_non_null(idle);
	list_client(s, theirs, 4);
	AUTO(str_t) none = needs(s, s->one, s->two);
	assert_null(none);
}

static void many_names_are_counted(void **state)
{
	const struct scene *s = *state;

	for (int i = 0; i < 4; i++) {
		AUTO(str_t) name = str_format("b%d.ex.org", i);
		add_route(s->w, s->web, name);
	}
	AUTO(str_t) why = needs(s, s->one, s->two);
	assert_non_null(strstr(why, " and 2 more"));
}

static void no_names_need_nobody_but_a_joined_tunnel(void **state)
{
	const struct scene *s = *state;
	char id[ID_SIZE];

	TABLE_EACH (i, struct route, r, &s->w->routes)
		str_copy(id, sizeof(id), r->id);
	world_drop(s->w, OBJECT_ROUTE, id);
	AUTO(str_t) none = needs(s, s->one, s->two);
	assert_null(none);
	s->web->joined = true;
	AUTO(str_t) why = needs(s, s->one, s->two);
	assert_non_null(strstr(why, "another host"));
}

static void what_is_not_there_is_refused(void **state)
{
	const struct scene *s = *state;
	static const enum edit_kind kinds[] = {EDIT_CONNECTOR_STOP, EDIT_CONNECTOR_START};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct plan *p = plan_new("connector_stop", "ops", NULL);

		(void)plan_edit(p, kinds[i], "t0-1");
		assert_int_equal(guard_check(s->w, &policy, p, &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
		plan_free(p);
	}
}

static void applied_to_the_world(void **state)
{
	const struct scene *s = *state;
	struct plan *p = plan_new("connector_stop", "ops", NULL);
	struct edit *d = plan_edit(p, EDIT_CONNECTOR_STOP, s->one->id);

	clock_freeze(1000, 5000);
	str_set(&d->name, "ops (uid 7)");
	str_set(&d->comment, "a new disk");
	d->for_ms = 60000;
	apply_world(s->w, p);
	assert_true(s->one->stopped_by_user);
	assert_string_equal(connector_past(s->one)->stopped_by, "ops (uid 7)");
	assert_string_equal(connector_past(s->one)->stopped_why, "a new disk");
	assert_int_equal(s->one->stopped_until_ms, 65000);
	assert_false(s->two->stopped_by_user);
	plan_free(p);
	p = plan_new("connector_start", "ops", NULL);
	(void)plan_edit(p, EDIT_CONNECTOR_START, s->one->id);
	apply_world(s->w, p);
	clock_freeze(0, 0);
	assert_false(s->one->stopped_by_user);
	assert_null(connector_past(s->one)->stopped_by);
	assert_null(connector_past(s->one)->stopped_why);
	assert_int_equal(s->one->stopped_until_ms, 0);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(one_of_two_needs_nobody),
		TEST(both_need_a_person),
		TEST(the_other_does_not_serve),
		TEST(another_host_serves),
		TEST(our_own_that_goes_is_no_other_host),
		TEST(many_names_are_counted),
		TEST(no_names_need_nobody_but_a_joined_tunnel),
		TEST(what_is_not_there_is_refused),
		TEST(applied_to_the_world),
	};

	return cmocka_run_group_tests_name("guard_connector", tests, NULL, NULL);
}
