/* Look-ups by what people write, and convergence: each fact alone keeps an object from being done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/groups.h"

#define REMOTE    "6ff42ae2-765d-4adf-8112-31c55c1551ef"
#define RECORD_ID "0123456789abcdef0123456789abcdef"
#define ZONE_ID   "023e105f4ecef8ad9ca31a8372d0c353"

static struct tunnel *add_tunnel(struct world *w, const char *id, const char *name,
				 const char *remote_id)
{
	struct tunnel *t = tunnel_new(name);

	assert_true(str_copy(t->id, sizeof(t->id), id));
	assert_true(str_copy(t->remote_id, sizeof(t->remote_id), remote_id));
	world_add_tunnel(w, t);
	return t;
}

static struct route *add_route(struct world *w, const char *tunnel_id, const char *hostname,
			       const char *path)
{
	struct route *r = route_new();

	assert_true(str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel_id));
	str_set(&r->hostname, hostname);
	str_set(&r->path, path);
	str_set(&r->service, "http://127.0.0.1:8080");
	world_add_route(w, r);
	return r;
}

static struct record *add_record(struct world *w, const char *tunnel_id, const char *name)
{
	struct record *r = record_new(name, "CNAME");

	assert_true(str_copy(r->tunnel_id, sizeof(r->tunnel_id), tunnel_id));
	world_add_record(w, r);
	return r;
}

/* ---- tables ---- */

static void order_of_creation_is_kept(void **state)
{
	struct world *w = world_new();
	char id[ID_SIZE];
	int next = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "t%d", i);
		add_tunnel(w, id, id, "");
	}
	for (int i = 0; i < 100; i += 3) {
		snprintf(id, sizeof(id), "t%d", i);
		assert_true(world_drop(w, OBJECT_TUNNEL, id));
		assert_null(world_tunnel(w, id));
	}
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		next += next % 3 == 0;
		assert_int_equal(atoi(t->id + 1), next++);
		assert_ptr_equal(world_tunnel(w, t->id), t);
	}
	assert_int_equal(w->tunnels.n, 66);
	assert_int_equal(w->sequence, 134);
	world_free(w);
}

static void a_table_walk_breaks_and_continues(void **state)
{
	struct world *w = world_new();
	int seen = 0;

	(void)state;
	for (int i = 0; i < 5; i++) {
		char id[ID_SIZE];

		snprintf(id, sizeof(id), "t%d", i);
		add_tunnel(w, id, id, "");
	}
	TABLE_EACH (i, struct tunnel, t, &w->tunnels) {
		if (i == 1)
			continue;
		if (str_equal(t->id, "t3"))
			break;
		seen++;
	}
	assert_int_equal(seen, 2);
	world_free(w);
}

static void every_type_is_freed(void **state)
{
	struct world *w = world_new();
	struct err e;

	(void)state;
	add_tunnel(w, "t1", "web", REMOTE);
	add_route(w, "t1", "a.example.com", NULL);
	add_record(w, "t1", "a.example.com");
	world_add_connector(w, connector_new("t1", 1));
	world_add_zone(w, zone_new(ZONE_ID, "example.com"));
	world_add_zone(w, zone_new(RECORD_ID, "example.org"));
	str_set(&w->system.owner, "edge1");
	str_set(&w->system.writes_off, "no token");
	err_set(&e, ERR_DENIED, "the token is refused");
	problem_set(&w->system.access_problem, &e, 1);
	world_clear_zones(w);
	assert_int_equal(w->zones.n, 0);
	assert_null(world_zone(w, ZONE_ID));
	assert_true(world_drop(w, OBJECT_CONNECTOR, "t1-1"));
	world_free(w);
	world_free(NULL);
}

static void types_and_states_have_names(void **state)
{
	(void)state;
	assert_string_equal(object_type_name(OBJECT_TUNNEL), "tunnel");
	assert_string_equal(object_type_name(OBJECT_CONNECTOR), "connector");
	assert_string_equal(object_type_name(OBJECT_SYSTEM), "system");
	assert_string_equal(access_state_name(ACCESS_UNCHECKED), "unchecked");
	assert_string_equal(access_state_name(ACCESS_UNREACHABLE), "unreachable");
	for (int i = 0; i < CONNECTOR_STATES; i++) {
		assert_true(*connector_state_name((enum connector_state)i));
		assert_true(*connector_state_doc((enum connector_state)i));
	}
	assert_string_equal(connector_state_name(CONNECTOR_DRAINING), "draining");
}

/* ---- look-ups ---- */

static void tunnels_are_found(void **state)
{
	static const struct {
		const char *asked, *id;
	} rows[] = {
		{"t1", "t1"},   {REMOTE, "t1"}, {"6FF42AE2-765D-4ADF-8112-31C55C1551EF", "t1"},
		{"web", "t1"},  {"WEB", "t1"},  {"Shop", "t4"}, /* exact before other case */
		{"shop", "t3"}, {"old", "t6"},                  /* the one that stays */
		{"OLD", "t6"},  {"t3", "t3"},                   /* an id before a name */
		{"", NULL},     {"we", NULL},
	};
	struct world *w = world_new();

	(void)state;
	add_tunnel(w, "t1", "web", REMOTE);
	add_tunnel(w, "t2", "t3", "");
	add_tunnel(w, "t3", "shop", "");
	add_tunnel(w, "t4", "Shop", "");
	add_tunnel(w, "t5", "old", "")->want = WANT_ABSENT;
	add_tunnel(w, "t6", "Old", "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tunnel *t = world_find_tunnel(w, rows[i].asked);

		if (!str_equal(t ? t->id : NULL, rows[i].id))
			fail_msg("%s found %s", rows[i].asked, t ? t->id : "nothing");
	}
	world_free(w);
}

static void connectors_are_found(void **state)
{
	static const struct {
		const char *asked, *id;
	} rows[] = {
		{"t1-1", "t1-1"}, {"web/1", "t1-1"}, {"WEB/12", "t1-12"}, {"t1/1", "t1-1"},
		{"web/2", NULL},  {"web/", NULL},    {"web/01", NULL},    {"web/1x", NULL},
		{"web/-1", NULL}, {"web", NULL},     {"/1", NULL},        {"web/112", NULL},
	};
	struct world *w = world_new();
	char name[80];

	(void)state;
	add_tunnel(w, "t1", "web", REMOTE);
	world_add_connector(w, connector_new("t1", 1));
	world_add_connector(w, connector_new("t1", 12));
	world_add_connector(w, connector_new("t9", 3));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct connector *c = world_find_connector(w, rows[i].asked);

		if (!str_equal(c ? c->id : NULL, rows[i].id))
			fail_msg("%s found %s", rows[i].asked, c ? c->id : "nothing");
	}
	connector_name(w, world_connector(w, "t1-12"), name, sizeof(name));
	assert_string_equal(name, "web/12");
	connector_name(w, world_connector(w, "t9-3"), name, sizeof(name));
	assert_string_equal(name, "t9/3");
	world_free(w);
}

static void the_longest_zone_holds_a_name(void **state)
{
	static const struct {
		const char *hostname, *zone;
	} rows[] = {
		{"app.example.com", "example.com"},
		{"example.com", "example.com"},
		{"app.dev.example.com", "dev.example.com"},
		{"dev.example.com", "dev.example.com"},
		{"*.example.com", "example.com"},
		{"*.dev.example.com", "dev.example.com"},
		{"notexample.com", NULL},
		{"app.example.org", NULL},
	};
	struct world *w = world_new();

	(void)state;
	world_add_zone(w, zone_new(ZONE_ID, "example.com"));
	world_add_zone(w, zone_new(RECORD_ID, "dev.example.com"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct zone *z = world_zone_of(w, rows[i].hostname);

		if (!str_equal(z ? z->name : NULL, rows[i].zone))
			fail_msg("%s lies in %s", rows[i].hostname, z ? z->name : "none");
	}
	assert_ptr_equal(world_find_zone(w, ZONE_ID), world_find_zone(w, "Example.COM"));
	assert_null(world_find_zone(w, "example.org"));
	world_free(w);
}

static void routes_and_records_are_found(void **state)
{
	struct world *w = world_new();
	const struct route *all = add_route(w, "t1", "a.example.com", NULL);
	const struct route *api = add_route(w, "t1", "a.example.com", "^/api/");
	const struct record *d = add_record(w, "t1", "a.example.com");

	(void)state;
	assert_ptr_equal(world_find_route(w, "A.example.com", NULL), all);
	assert_ptr_equal(world_find_route(w, "a.example.com", "^/api/"), api);
	assert_null(world_find_route(w, "a.example.com", "^/"));
	assert_ptr_equal(world_find_record(w, "a.EXAMPLE.com", "cname"), d);
	assert_null(world_find_record(w, "a.example.com", "A"));
	world_free(w);
}

/* ---- convergence ---- */

/* A tunnel of two connectors with one route and its record: all as wanted. */
struct site {
	struct world *w;
	struct tunnel *t;
	struct route *r;
	struct record *d;
	struct connector *c[2];
};

static void site_open(struct site *s)
{
	s->w = world_new();
	s->t = add_tunnel(s->w, "t1", "web", REMOTE);
	s->t->replicas = 2;
	s->t->generation = s->t->applied_generation = 3;
	s->t->config_version = 7;
	s->r = add_route(s->w, "t1", "a.example.com", NULL);
	s->r->applied_generation = s->r->generation;
	s->d = add_record(s->w, "t1", "a.example.com");
	strcpy(s->d->remote_id, RECORD_ID);
	s->d->applied_generation = s->d->generation;
	s->d->observed.found = s->d->observed.marked = s->d->observed.proxied = true;
	str_set(&s->d->observed.type, "CNAME");
	str_set(&s->d->observed.content, REMOTE ".CFargotunnel.com");
	for (int i = 0; i < 2; i++) {
		s->c[i] = connector_new("t1", i + 1);
		s->c[i]->state = CONNECTOR_READY;
		s->c[i]->config_version = 7;
		world_add_connector(s->w, s->c[i]);
	}
}

static void fault(struct problem **slot)
{
	struct err e;

	err_set(&e, ERR_DENIED, "the token lacks a permission");
	problem_set(slot, &e, 1);
}

static void absent_record(struct site *s)
{
	s->d->want = WANT_ABSENT;
}
static void record_without_id(struct site *s)
{
	s->d->remote_id[0] = '\0';
}
static void record_gone(struct site *s)
{
	s->d->observed.gone = true;
}
static void record_unseen(struct site *s)
{
	s->d->observed.found = false;
}
static void record_unmarked(struct site *s)
{
	s->d->observed.marked = false;
}
static void record_elsewhere(struct site *s)
{
	str_set(&s->d->observed.content, "other.cfargotunnel.com");
}
static void record_without_content(struct site *s)
{
	str_set(&s->d->observed.content, NULL);
}
static void record_of_other_type(struct site *s)
{
	str_set(&s->d->observed.type, "A");
}
static void record_not_proxied(struct site *s)
{
	s->d->observed.proxied = false;
}
static void record_still_proxied(struct site *s)
{
	s->d->proxied = false;
}
static void record_behind(struct site *s)
{
	s->d->generation++;
}
static void record_problem(struct site *s)
{
	fault(&s->d->problem);
}
static void absent_tunnel(struct site *s)
{
	s->t->want = WANT_ABSENT;
}
static void tunnel_without_id(struct site *s)
{
	s->t->remote_id[0] = '\0';
}
static void tunnel_gone(struct site *s)
{
	s->t->observed.gone = true;
}
static void tunnel_problem(struct site *s)
{
	fault(&s->t->problem);
}
static void tunnel_behind(struct site *s)
{
	s->t->generation++;
}
static void route_problem(struct site *s)
{
	fault(&s->r->problem);
}
static void route_behind(struct site *s)
{
	s->r->generation++;
	str_set(&s->r->path, "^/api");
}
static void route_edited(struct site *s)
{
	s->r->observed.seen = ROUTE_EDITED;
}
static void route_removed(struct site *s)
{
	s->r->observed.seen = ROUTE_REMOVED;
}
static void route_ignored(struct site *s)
{
	s->r->observed.seen = ROUTE_EDITED;
	s->r->drift = DRIFT_IGNORE;
}
static void put_unknown(struct site *s)
{
	s->t->observed.put_unknown_ms = 1;
}
static void connector_missing(struct site *s)
{
	world_drop(s->w, OBJECT_CONNECTOR, "t1-2");
}
static void connector_not_ready(struct site *s)
{
	s->c[1]->state = CONNECTOR_UNREADY;
}
static void connector_blocked(struct site *s)
{
	s->c[0]->state = CONNECTOR_BLOCKED;
	str_set(&s->c[0]->reason, "the token was refused");
}
static void connector_problem(struct site *s)
{
	fault(&s->c[1]->problem);
}
static void connector_behind(struct site *s)
{
	s->c[1]->config_version = 6;
}
static void connector_too_many(struct site *s)
{
	s->t->replicas = 1;
}
static void connector_ahead(struct site *s)
{
	s->c[1]->config_version = 8;
}
static void connector_degraded(struct site *s)
{
	s->c[1]->state = CONNECTOR_DEGRADED;
}
static void unread_type(struct site *s)
{
	str_set(&s->d->observed.type, NULL);
}
static void nothing(struct site *s)
{
	(void)s;
}
/* Never configured, no route: a connector that knows no configuration is as wanted. */
static void bare_tunnel(struct site *s)
{
	world_drop(s->w, OBJECT_ROUTE, s->r->id);
	s->t->config_version = s->t->applied_generation = 0;
	s->c[0]->config_version = s->c[1]->config_version = -1;
}
/* The last route went: the configuration without it must still be put. */
static void emptied_tunnel(struct site *s)
{
	world_drop(s->w, OBJECT_ROUTE, s->r->id);
	s->t->generation++;
}
static void none_here(struct site *s)
{
	world_drop(s->w, OBJECT_CONNECTOR, "t1-1");
	world_drop(s->w, OBJECT_CONNECTOR, "t1-2");
	s->t->replicas = 0;
}
static void other_record_fails(struct site *s)
{
	fault(&add_record(s->w, "t1", "b.example.com")->problem);
}
static void other_route_fails(struct site *s)
{
	fault(&add_route(s->w, "t2", "b.example.com", NULL)->problem);
}

struct row {
	void (*change)(struct site *s);
	const char *why; /* part of the sentence; NULL = converged */
};

static const struct row record_rows[] = {
	{nothing, NULL},
	{unread_type, NULL},
	{tunnel_problem, NULL},
	{absent_record, "record a.example.com: it is not deleted yet"},
	{record_without_id, "not created"},
	{record_gone, "gone"},
	{record_unseen, "not seen"},
	{record_unmarked, "mark"},
	{record_elsewhere, "does not lead to " REMOTE ".cfargotunnel.com"},
	{record_without_content, "does not lead to"},
	{record_of_other_type, "CNAME"},
	{record_not_proxied, "not yet proxied"},
	{record_still_proxied, "still proxied"},
	{record_behind, "last change"},
	{record_problem, "record a.example.com: the token lacks a permission"},
	{tunnel_without_id, "its tunnel does not exist"},
};

static const struct row tunnel_rows[] = {
	{nothing, NULL},
	{connector_ahead, NULL},
	{connector_degraded, NULL},
	{bare_tunnel, NULL},
	{none_here, NULL},
	{other_record_fails, NULL},
	{other_route_fails, NULL},
	{absent_tunnel, "tunnel web: it is not deleted yet"},
	{tunnel_without_id, "not created"},
	{tunnel_gone, "gone"},
	{tunnel_problem, "tunnel web: the token lacks a permission"},
	{tunnel_behind, "configuration is not put"},
	{emptied_tunnel, "configuration is not put"},
	{route_problem, "route a.example.com: the token lacks a permission"},
	{record_problem, "record a.example.com: the token lacks a permission"},
	{record_unmarked, "mark"},
	{connector_missing, "connector web/2: it does not exist"},
	{connector_not_ready, "connector web/2: it is unready"},
	{connector_blocked, "connector web/1: it is blocked: the token was refused"},
	{connector_problem, "connector web/2: the token lacks a permission"},
	{connector_behind, "connector web/2: it does not run configuration 7"},
	{connector_too_many, "connector web/2: it is not stopped"},
	{route_behind, "route a.example.com ^/api: its rule is not put"},
	{route_edited, "route a.example.com: its rule was changed at Cloudflare"},
	{route_removed, "route a.example.com: its rule was removed at Cloudflare"},
	{route_ignored, NULL},
	{put_unknown, "had no answer and may still take effect"},
};

typedef bool converged_fn(const struct world *w, const char *id, char **why);

/* By its own group, and among all of them. */
static bool a_tunnel_converged(const struct world *w, const char *id, char **why)
{
	AUTO(groups_t) one = {0};
	AUTO(groups_t) all = {0};

	groups_of_one(&one, w, id);
	groups_of_all(&all, w);
	bool done = tunnel_converged(&one, world_tunnel(w, id), why);
	assert_int_equal(tunnel_converged(&all, world_tunnel(w, id), NULL), done);
	return done;
}

static void check_row(const struct row *row, size_t i, converged_fn *converged, bool of_record)
{
	struct site s;
	AUTO(str_t) why = NULL;
	const char *id;
	bool done;

	site_open(&s);
	id = of_record ? s.d->id : s.t->id;
	row->change(&s);
	done = converged(s.w, id, &why);
	assert_int_equal(converged(s.w, id, NULL), done);
	if (done != !row->why || (row->why && !strstr(why, row->why)))
		fail_msg("row %zu: %s", i, why ? why : "converged");
	if (done)
		assert_null(why);
	world_free(s.w);
}

static void records_converge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(record_rows); i++)
		check_row(&record_rows[i], i, world_record_converged, true);
}

static void tunnels_converge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tunnel_rows); i++)
		check_row(&tunnel_rows[i], i, a_tunnel_converged, false);
}

static void content_of_its_own_counts(void **state)
{
	struct site s;
	AUTO(str_t) content = NULL;

	(void)state;
	site_open(&s);
	s.d->tunnel_id[0] = '\0';
	str_set(&s.d->content, "origin.example.net");
	assert_false(world_record_converged(s.w, s.d->id, NULL));
	str_set(&s.d->observed.content, "Origin.example.net");
	assert_true(world_record_converged(s.w, s.d->id, NULL));
	content = record_content(s.w, s.d);
	assert_string_equal(content, "origin.example.net");
	strcpy(s.d->tunnel_id, "t404");
	assert_null(record_content(s.w, s.d));
	assert_false(world_record_converged(s.w, s.d->id, NULL));
	world_free(s.w);
}

static void what_is_gone_is_converged(void **state)
{
	struct world *w = world_new();
	char *why = NULL;

	(void)state;
	assert_true(world_record_converged(w, "d1", &why));
	assert_null(why);
	world_free(w);
}

static void a_store_that_came_late_is_taken_in(void **state)
{
	struct world *w = world_new(), *from = world_new();
	struct tunnel *t = tunnel_new("web");
	struct connector *runs = connector_new(t->id, 1), *row = connector_new(t->id, 1);

	(void)state;
	runs->pid = 4711;
	runs->stopped_by_user = true;
	runs->restarts = 2;
	row->restarts = 5;
	world_add_connector(w, runs);
	world_add_tunnel(from, t);
	world_add_route(from, route_new());
	world_add_record(from, record_new("a.example.com", "A"));
	world_add_connector(from, row);
	world_add_connector(from, connector_new(t->id, 2));
	from->revision = 7;
	world_take(w, from);
	world_free(from);
	assert_ptr_equal(world_tunnel(w, t->id), t);
	assert_int_equal(w->routes.n, 1);
	assert_int_equal(w->records.n, 1);
	assert_int_equal(w->connectors.n, 2);
	assert_ptr_equal(world_connector(w, runs->id), runs);
	assert_int_equal(runs->restarts, 7);
	assert_int_equal(runs->pid, 4711);
	assert_true(runs->stopped_by_user);
	assert_int_equal(w->revision, 7);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_creation_is_kept),
		cmocka_unit_test(a_table_walk_breaks_and_continues),
		cmocka_unit_test(every_type_is_freed),
		cmocka_unit_test(types_and_states_have_names),
		cmocka_unit_test(tunnels_are_found),
		cmocka_unit_test(connectors_are_found),
		cmocka_unit_test(the_longest_zone_holds_a_name),
		cmocka_unit_test(routes_and_records_are_found),
		cmocka_unit_test(records_converge),
		cmocka_unit_test(tunnels_converge),
		cmocka_unit_test(content_of_its_own_counts),
		cmocka_unit_test(what_is_gone_is_converged),
		cmocka_unit_test(a_store_that_came_late_is_taken_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
