/* What is told of many objects takes so many steps for each of them, however many there are: four
 * times as many of all of them take four times as many steps, and not sixteen times. */
#include "ops/screen.h"
#include "tests/unit/ops/scope_desk.h"
#include "tests/unit/steps.h"

#define ROUTES_EACH 10 /* of a tunnel */
#define REMOTE      "6ff42ae2-765d-4adf-8112-31c55c1551ef"

static void add_route(struct world *w, const struct tunnel *t, int n)
{
	AUTO(str_t) name = str_format("app%d.example.com", n);
	struct route *r = route_new();
	struct record *d = record_new(name, "CNAME");

	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, name);
	str_set(&r->service, "http://127.0.0.1:80");
	r->applied_generation = r->generation;
	world_add_route(w, r);
	(void)str_copy(d->tunnel_id, ID_SIZE, t->id);
	(void)snprintf(d->remote_id, CF_ID_SIZE, "%032x", (unsigned)n);
	d->applied_generation = d->generation;
	d->observed.found = d->observed.marked = d->observed.proxied = true;
	d->observed.looked_ms = 1;
	d->proxied = n % 50 != 0; /* some are not as wanted */
	str_set(&d->observed.content, REMOTE TUNNEL_DOMAIN);
	world_add_record(w, d);
}

/* More of everything, up to so many tunnels. */
static void grow(struct world *w, size_t tunnels)
{
	while (w->tunnels.n < tunnels) {
		AUTO(str_t) name = str_format("t%zu", w->tunnels.n);
		struct tunnel *t = tunnel_new(name);

		strcpy(t->remote_id, REMOTE);
		strcpy(t->observed.status, "healthy");
		t->applied_generation = t->generation;
		t->config_version = 1;
		t->replicas = 2;
		world_add_tunnel(w, t);
		for (int slot = 1; slot <= 2; slot++) {
			struct connector *c = connector_new(t->id, slot);

			c->state = CONNECTOR_READY;
			c->config_version = 1;
			world_add_connector(w, c);
		}
		for (int i = 0; i < ROUTES_EACH; i++)
			add_route(w, t, (int)w->routes.n);
	}
}

static const struct {
	const char *op, *args;
} calls[] = {
	{"status_get", "{}"},
	{"tunnel_list", "{\"limit\":1000}"},
	{"tunnel_get", "{\"tunnel\":\"t1\"}"},
	{"route_list", "{}"},
	{"route_list", "{\"limit\":1000}"},
	{"route_list", "{\"hostname\":\"app7.example.com\"}"},
	{"connector_list", "{\"limit\":1000}"},
	{"dns_list", "{\"limit\":1000}"},
	{"drift_list", "{\"limit\":1000}"},
	{"manifest_export", "{}"},
};

static size_t steps_of(struct desk *d, const char *op, const char *args)
{
	steps_done = 0;
	(void)run(d, &root, op, args);
	assert_int_equal(d->call.task.err.kind, ERR_NONE);
	return steps_done;
}

/* Sorting takes a little more for each. */
static void steps_grow_with_the_rows(void **state)
{
	enum { FEW = 25, MANY = 4 * FEW };
	struct desk *d = *state;
	size_t few[ARRAY_LEN(calls)];

	grow(d->world, FEW);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		few[i] = steps_of(d, calls[i].op, calls[i].args);
	grow(d->world, MANY);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		size_t many = steps_of(d, calls[i].op, calls[i].args);

		if (many > 6 * few[i])
			fail_msg("%s %s: %zu comparisons, and %zu for four times as much",
				 calls[i].op, calls[i].args, few[i], many);
	}
}

/* A sentence with so many words that may be host names, and one more behind them. */
static struct plan *plan_with(int words, const char *last)
{
	struct plan *p = plan_new("route_set", "root", NULL);
	AUTO(buf_t) text = {0};

	for (int i = 0; i < words; i++)
		(void)buf_printf(&text, "app%d.example.org ", i);
	(void)buf_str(&text, last);
	strlist_add(&p->warnings, buf_text(&text));
	return p;
}

static size_t steps_to_screen(struct desk *d, const struct principal *who, int words)
{
	AUTO(plan_t) p = plan_with(words, "");

	steps_done = 0;
	screen_plan(&d->ops, who, p);
	assert_non_null(strstr(p->warnings.items[0], "app1.example.org"));
	return steps_done;
}

static void names_outside_are_looked_for_all_at_once(void **state)
{
	static const char *const hidden[] = {"app7.example.com", "Rule.Example.com",
					     "APP9.example.com"};
	struct desk *d = *state;
	struct principal who;

	zone_make(d, "example.net");
	who = grant_make(d, "narrow", "{\"role\":\"auditor\",\"zones\":[\"example.net\"]}");
	grow(d->world, 25);
	size_t few = steps_to_screen(d, &who, 100);
	grow(d->world, 100);
	size_t many = steps_to_screen(d, &who, 400);

	if (many > 6 * few)
		fail_msg("%zu comparisons, and %zu for four times as much", few, many);
	str_set(&((struct tunnel *)d->world->tunnels.items[3])->observed.config,
		"{\"ingress\":[{\"hostname\":\"rule.example.COM\",\"service\":\"x\"}]}");
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		for (int words = 0; words < 20; words++) {
			AUTO(plan_t) p = plan_with(words, hidden[i]);

			screen_plan(&d->ops, &who, p);
			assert_string_equal(p->warnings.items[0],
					    "More of it is outside of what this grant may see.");
		}
}

/* Of a call that waits for a record of its own, when anything changes. */
static size_t steps_to_look(struct desk *d, const char *args)
{
	struct call c;

	d->done = 0;
	begin(d, &c, &root, "dns_set", args);
	for (int i = 0; i < 5; i++)
		loop_turn(d->loop);
	steps_done = 0;
	world_changed(d->world, OBJECT_SYSTEM, "");
	for (int i = 0; i < 5; i++)
		loop_turn(d->loop);
	assert_int_equal(d->done, 0);
	assert_int_equal(c.task.err.kind, ERR_NONE);
	size_t steps = steps_done;
	call_cancel(&c);
	call_fini(&c);
	return steps;
}

static void who_waits_for_one_record_looks_at_no_other_object(void **state)
{
	struct desk *d = *state;

	grow(d->world, 25);
	size_t few = steps_to_look(d, "{\"name\":\"a.example.org\",\"type\":\"A\",\"content\":"
				      "\"192.0.2.1\"}");
	grow(d->world, 100);
	assert_true(steps_to_look(d, "{\"name\":\"b.example.org\",\"type\":\"A\",\"content\":"
				     "\"192.0.2.1\"}") <= few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(steps_grow_with_the_rows, desk_open, desk_close),
		cmocka_unit_test_setup_teardown(who_waits_for_one_record_looks_at_no_other_object,
						desk_open, desk_close),
		cmocka_unit_test_setup_teardown(names_outside_are_looked_for_all_at_once, desk_open,
						desk_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
