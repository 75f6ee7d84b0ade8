/* A round of planning, and the sight of all zones, take so many steps for each object, however many
 * there are: four times as many of all of them take four times as many, and not sixteen times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/planner.h"
#include "reconcile/zone_rows.h"
#include "tests/unit/steps.h"

#define NOW         1700000000000LL
#define REMOTE      "6ff42ae2-765d-4adf-8112-31c55c1551ef"
#define ROUTES_EACH 10 /* of a tunnel, in a zone of their own */

static void zone_id_of(size_t n, char out[CF_ID_SIZE])
{
	(void)snprintf(out, CF_ID_SIZE, "%032x", (unsigned)n + 1);
}

static void add_route(struct world *w, const struct tunnel *t, size_t zone)
{
	AUTO(str_t) name = str_format("app%zu.example.com", w->routes.n);
	struct route *r = route_new();
	struct record *d = record_new(name, "CNAME");

	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, name);
	str_set(&r->service, "http://127.0.0.1:80");
	r->applied_generation = r->generation;
	world_add_route(w, r);
	(void)str_copy(d->tunnel_id, ID_SIZE, t->id);
	(void)snprintf(d->remote_id, CF_ID_SIZE, "%032x", (unsigned)w->records.n);
	zone_id_of(zone, d->zone_id);
	d->applied_generation = d->generation;
	d->observed.looked_ms = NOW;
	d->observed.found = d->observed.marked = d->observed.proxied = d->proxied = true;
	str_set(&d->observed.content, REMOTE TUNNEL_DOMAIN);
	world_add_record(w, d);
}

/* More of everything, up to so many tunnels. */
static void grow(struct world *w, size_t tunnels)
{
	while (w->tunnels.n < tunnels) {
		AUTO(str_t) name = str_format("t%zu", w->tunnels.n);
		struct tunnel *t = tunnel_new(name);
		struct connector *c = connector_new(t->id, 1);

		strcpy(t->remote_id, REMOTE);
		t->applied_generation = t->generation;
		t->token_generation = t->config_version = 1;
		t->observed.seen_ms = t->observed.config_seen_ms = NOW;
		c->state = CONNECTOR_READY;
		c->config_version = c->token_generation = 1;
		world_add_tunnel(w, t);
		world_add_connector(w, c);
		for (int i = 0; i < ROUTES_EACH; i++)
			add_route(w, t, w->tunnels.n - 1);
	}
}

/* ---- what is to be done ---- */

static void nothing(struct world *w)
{
	(void)w;
}

static void all_rules(struct world *w)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		r->applied_generation = 0;
	TABLE_EACH (j, struct tunnel, t, &w->tunnels) {
		t->applied_generation = 0;
		t->config_version = 0;
	}
}

static void all_rules_blocked(struct world *w)
{
	struct err e;

	(void)err_set(&e, ERR_CONFLICT, "something is in the way");
	TABLE_EACH (i, struct route, r, &w->routes) {
		r->observed.seen = ROUTE_BLOCKED;
		r->observed.seen_ms = NOW;
		if (!r->problem)
			problem_set(&r->problem, &e, NOW);
	}
}

static void all_names_kept(struct world *w)
{
	TABLE_EACH (i, struct route, r, &w->routes) {
		struct tunnel *t = world_tunnel(w, r->tunnel_id);

		if (!map_get(&t->observed.config_keeps, r->hostname))
			(void)map_set(&t->observed.config_keeps, r->hostname, t);
	}
}

static void all_connectors_stuck(struct world *w)
{
	struct err e;

	(void)err_set(&e, ERR_TIMEOUT, "it did not come up");
	TABLE_EACH (i, struct connector, c, &w->connectors)
		if (!c->problem)
			problem_set(&c->problem, &e, NOW);
}

static void all_names_taken(struct world *w)
{
	TABLE_EACH (i, struct record, d, &w->records) {
		d->remote_id[0] = '\0';
		str_set(&d->observed.conflict, "CNAME (not adit's)");
	}
}

static void all_types_changed(struct world *w)
{
	TABLE_EACH (i, struct record, d, &w->records) {
		d->applied_generation = 0;
		str_set(&d->observed.type, "A");
	}
}

static const struct {
	const char *what;
	void (*happens)(struct world *w);
} rounds[] = {
	{"nothing", nothing},
	{"all rules", all_rules},
	{"all rules blocked", all_rules_blocked},
	{"all names kept", all_names_kept},
	{"all connectors stuck", all_connectors_stuck},
	{"all names taken", all_names_taken},
	{"all types changed", all_types_changed},
};

static size_t steps_of_round(size_t tunnels, void (*happens)(struct world *w))
{
	struct world *w = world_new();
	struct work work;

	w->system.tunnels_listed_ms = w->system.zones_listed_ms = NOW;
	grow(w, tunnels);
	happens(w);
	steps_done = 0;
	plan_next(w, NOW, &work);
	size_t steps = steps_done;
	work_free(&work);
	world_free(w);
	return steps;
}

static void a_round_grows_with_the_objects(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		size_t few = steps_of_round(25, rounds[i].happens);
		size_t many = steps_of_round(100, rounds[i].happens);

		if (many > 6 * few)
			fail_msg("%s: %zu comparisons, and %zu for four times as much",
				 rounds[i].what, few, many);
	}
}

static size_t steps_of_zones(size_t zones)
{
	struct world *w = world_new();
	AUTO(zone_rows_t) rows = {0};
	size_t seen = 0;

	grow(w, zones);
	steps_done = 0;
	for (size_t i = 0; i < zones; i++) {
		char zone[CF_ID_SIZE];

		zone_id_of(i, zone);
		for (size_t at = 0; zone_rows_next(&rows, w, zone, &at);)
			seen++;
	}
	assert_int_equal(seen, ROUTES_EACH * zones);
	world_free(w);
	return steps_done;
}

static void zones_grow_with_the_records(void **state)
{
	size_t few = steps_of_zones(25), many = steps_of_zones(100);

	(void)state;
	assert_in_range(many, 1, 6 * few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_round_grows_with_the_objects),
		cmocka_unit_test(zones_grow_with_the_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
