/* The planner: what is given back, joined, renamed or converted, and what is never done to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/keep.h"
#include "reconcile/planner.h"

#define NOW     1700000000000LL
#define REMOTE  "11111111-2222-4333-8444-555555555555"
#define ZONE    "0123456789abcdef0123456789abcdef"
#define NOTHING ACTION_KINDS
#define REFUSED (-1)

struct desk {
	struct world *w;
	struct tunnel *t;
	struct record *r;
};

static void desk_open(struct desk *d)
{
	d->w = world_new();
	str_set(&d->w->system.owner, "edge1");
	d->w->system.zones_listed_ms = d->w->system.tunnels_listed_ms = NOW;
	world_add_zone(d->w, zone_new(ZONE, "example.com"));
	d->t = tunnel_new("web");
	(void)str_copy(d->t->remote_id, UUID_SIZE, REMOTE);
	d->t->token_generation = 1;
	d->t->applied_generation = d->t->generation;
	d->t->observed.seen_ms = NOW;
	world_add_tunnel(d->w, d->t);
	d->r = record_new("app.example.com", "CNAME");
	(void)str_copy(d->r->tunnel_id, ID_SIZE, d->t->id);
	(void)str_copy(d->r->remote_id, CF_ID_SIZE, ZONE);
	(void)str_copy(d->r->zone_id, CF_ID_SIZE, ZONE);
	d->r->applied_generation = d->r->generation;
	d->r->observed.looked_ms = NOW;
	d->r->observed.found = d->r->observed.marked = d->r->observed.proxied = true;
	world_add_record(d->w, d->r);
}

static void desk_close(struct desk *d)
{
	world_free(d->w);
}

/* The first action that is due for an object; a refusal comes before it. */
static int due(const struct desk *d, const char *id)
{
	struct work k;
	int found = NOTHING;
	plan_next(d->w, NOW, &k);
	for (size_t i = k.n_actions; i-- > 0;)
		if (str_equal(k.actions[i].object_id, id))
			found = (int)k.actions[i].kind;
	for (size_t i = 0; i < k.n_refusals; i++)
		if (str_equal(k.refusals[i].object_id, id))
			found = REFUSED;
	work_free(&k);
	return found;
}

/* ---- release ---- */

static void a_record_is_looked_at_before_it_is_given_back(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.r->want = WANT_RELEASED;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_RELEASE);
	d.r->observed.looked_ms = NOW - FRESH_MS - 1;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_READ);
	d.r->observed.looked_ms = 0;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_READ);
	/* without a mark, or gone, there is only the row to go */
	d.r->observed.looked_ms = NOW;
	d.r->observed.marked = false;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_RELEASE);
	d.r->observed.gone = true;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_RELEASE);
	desk_close(&d);
}

static void a_record_that_may_still_be_made_is_waited_for(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.r->want = WANT_RELEASED;
	d.r->remote_id[0] = '\0';
	d.r->create_sent_ms = NOW - 1000;
	d.r->observed.looked_ms = 0;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_FIND);
	d.r->create_sent_ms = 0;
	assert_int_equal(due(&d, d.r->id), ACT_RECORD_FORGET);
	desk_close(&d);
}

static void a_tunnel_goes_after_its_records_and_is_never_deleted(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.t->want = d.r->want = WANT_RELEASED;
	assert_int_equal(due(&d, d.t->id), NOTHING);
	(void)world_drop(d.w, OBJECT_RECORD, d.r->id);
	assert_int_equal(due(&d, d.t->id), ACT_TUNNEL_FORGET);
	world_add_connector(d.w, connector_new(d.t->id, 1));
	assert_int_equal(due(&d, d.t->id), NOTHING);
	desk_close(&d);
}

/* ---- join ---- */

static void a_joined_tunnel_gets_its_token_and_nothing_else(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	(void)world_drop(d.w, OBJECT_RECORD, d.r->id);
	d.t->joined = true;
	d.t->applied_generation = 0;
	d.t->token_generation = 0;
	assert_int_equal(due(&d, d.t->id), ACT_TUNNEL_TOKEN);
	d.t->token_generation = 1;
	d.t->renames = str_dup("old");
	assert_int_equal(due(&d, d.t->id), NOTHING);
	d.t->want = WANT_ABSENT;
	assert_int_equal(due(&d, d.t->id), ACT_TUNNEL_FORGET);
	desk_close(&d);
}

/* ---- adopted just now ---- */

static void what_was_never_seen_is_looked_at_once(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.t->observed.seen_ms = 0;
	assert_int_equal(due(&d, d.t->id), ACT_TUNNEL_LOOK);
	d.t->observed.named_ms = NOW;
	assert_int_equal(due(&d, d.t->id), NOTHING);
	desk_close(&d);
}

/* ---- a file's configuration ---- */

static void a_local_configuration_is_left_alone_unless_agreed(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	struct route *r = route_new();
	(void)str_copy(r->tunnel_id, ID_SIZE, d.t->id);
	str_set(&r->hostname, "app.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(d.w, r);
	d.t->generation++;
	d.t->observed.config_seen_ms = NOW;
	d.t->observed.config_local = true;
	assert_int_equal(due(&d, d.t->id), REFUSED);
	d.t->convert = true;
	assert_int_equal(due(&d, d.t->id), ACT_CONFIG_MERGE);
	desk_close(&d);
}

/* ---- names ---- */

static const struct {
	const char *renames, *seen;
	int64_t looked_ms, refused_ms;
	int due;
} names[] = {
	{NULL, "old", NOW, 0, NOTHING}, /* nobody asked for another name */
	{"old", NULL, 0, 0, ACT_TUNNEL_LOOK},
	{"old", "old", NOW - FRESH_MS - 1, 0, ACT_TUNNEL_LOOK},
	{"old", "old", NOW, 0, ACT_TUNNEL_RENAME},
	{"old", "web", NOW, 0, ACT_TUNNEL_RENAME}, /* settles without a request */
	{"old", "third", NOW, 0, REFUSED},
	{"old", "ol", NOW, 0, REFUSED},
	{"older\nold", "old", NOW, 0, ACT_TUNNEL_RENAME},
	{"older\nold", "older", NOW, 0, ACT_TUNNEL_RENAME},
	{"older\nold", "der", NOW, 0, REFUSED},
	{"old", "old", NOW, NOW - 1000, REFUSED},
	{"old", "old", NOW, NOW - TAKEN_MS, ACT_TUNNEL_RENAME},
};

static void only_a_name_that_may_go_is_replaced(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct desk d;
		desk_open(&d);
		d.t->renames = str_dup(names[i].renames);
		d.t->observed.name = str_dup(names[i].seen);
		d.t->observed.named_ms = names[i].looked_ms;
		d.t->observed.name_refused_ms = names[i].refused_ms;
		if (due(&d, d.t->id) != names[i].due)
			fail_msg("case %zu: %d", i, due(&d, d.t->id));
		desk_close(&d);
	}
}

/* ---- another secret ---- */

#define PAST (NOW - SETTLE_MS - 1)

static const struct {
	bool lost;
	int64_t sent_ms, looked_ms, refused_ms;
	int due;
} secrets[] = {
	{false, 0, 0, 0, ACT_TUNNEL_SECRET},
	/* after each PATCH its token is asked, whatever the answer was */
	{false, NOW - 1, 0, 0, ACT_TUNNEL_CONFIRM},
	{false, NOW - 1, NOW - 5, 0, ACT_TUNNEL_CONFIRM},
	{false, PAST, 0, 0, ACT_TUNNEL_CONFIRM},
	/* it had the old one: the new one may still land */
	{false, NOW - 1000, NOW - 500, 0, NOTHING},
	{false, NOW - 6000, NOW - 3500, 0, ACT_TUNNEL_CONFIRM},
	{false, PAST, PAST + 10, 0, ACT_TUNNEL_CONFIRM},
	/* and cannot any more */
	{false, PAST, NOW - 1, 0, ACT_TUNNEL_SECRET},
	{false, PAST - FRESH_MS, NOW - FRESH_MS - 1, 0, ACT_TUNNEL_CONFIRM},
	{false, 0, 0, NOW - 1000, REFUSED},
	{false, 0, 0, NOW - TAKEN_MS, ACT_TUNNEL_SECRET},
	{true, 0, 0, 0, REFUSED},
};

static void a_secret_is_sent_again_only_when_it_cannot_land_any_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		struct desk d;
		desk_open(&d);
		d.t->rotating = true;
		d.t->rotate_lost = secrets[i].lost;
		d.t->rotate_sent_ms = secrets[i].sent_ms;
		d.t->observed.secret_looked_ms = secrets[i].looked_ms;
		d.t->observed.secret_refused_ms = secrets[i].refused_ms;
		if (secrets[i].refused_ms)
			str_set(&d.t->observed.secret_refusal, "no");
		if (due(&d, d.t->id) != secrets[i].due)
			fail_msg("case %zu: %d", i, due(&d, d.t->id));
		d.t->joined = true;
		assert_int_equal(due(&d, d.t->id), NOTHING);
		d.t->joined = false;
		d.t->rotating = false;
		assert_int_equal(due(&d, d.t->id), NOTHING);
		desk_close(&d);
	}
}

static void what_runs_with_the_old_secret_is_told(void **state)
{
	struct desk d;
	struct err e;
	(void)state;
	desk_open(&d);
	struct connector *c = connector_new(d.t->id, 1);
	c->state = CONNECTOR_READY;
	c->token_generation = 1;
	world_add_connector(d.w, c);
	d.t->token_generation = 2;
	assert_int_equal(due(&d, d.t->id), NOTHING); /* it is about to be replaced */
	(void)err_set(&e, ERR_UPSTREAM, "did not come up");
	problem_set(&c->problem, &e, NOW);
	assert_int_equal(due(&d, d.t->id), REFUSED);
	c->token_generation = 2;
	assert_int_equal(due(&d, d.t->id), NOTHING);
	c->token_generation = 1;
	c->state = CONNECTOR_UNREADY; /* then its own problem says it all */
	assert_int_equal(due(&d, d.t->id), NOTHING);
	desk_close(&d);
}

/* ---- what is given back while its PUT is answered ---- */

static const struct {
	const char *rules, *keys, *within;
} sets[] = {
	{NULL, NULL, "[]"},
	{"[{\"hostname\":\"a\",\"service\":\"x\"}]", NULL, "[]"},
	{"[{\"hostname\":\"a\",\"service\":\"x\"}]", "[]", "[]"},
	{"[{\"hostname\":\"a\",\"service\":\"x\"},{\"hostname\":\"b\",\"service\":\"y\"}]",
	 "[{\"hostname\":\"b\",\"service\":\"other\"}]",
	 "[{\"hostname\":\"b\",\"service\":\"y\"}]"},
	{"[{\"hostname\":\"a\",\"path\":\"^/p\",\"service\":\"x\"}]",
	 "[{\"hostname\":\"a\",\"service\":\"x\"}]", "[]"},
};

static void rules_are_kept_by_their_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		AUTO(str_t) within = rules_within(sets[i].rules, sets[i].keys);
		assert_string_equal(within, sets[i].within);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_looked_at_before_it_is_given_back),
		cmocka_unit_test(a_record_that_may_still_be_made_is_waited_for),
		cmocka_unit_test(a_tunnel_goes_after_its_records_and_is_never_deleted),
		cmocka_unit_test(a_joined_tunnel_gets_its_token_and_nothing_else),
		cmocka_unit_test(what_was_never_seen_is_looked_at_once),
		cmocka_unit_test(a_local_configuration_is_left_alone_unless_agreed),
		cmocka_unit_test(only_a_name_that_may_go_is_replaced),
		cmocka_unit_test(a_secret_is_sent_again_only_when_it_cannot_land_any_more),
		cmocka_unit_test(what_runs_with_the_old_secret_is_told),
		cmocka_unit_test(rules_are_kept_by_their_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
