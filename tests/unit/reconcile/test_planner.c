/* The planner: (what is wanted, what was seen) to the next action; and, against a small model of
 * Cloudflare that loses answers, that asking again and again always ends with what was wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "model/leaving.h"
#include "reconcile/planner.h"

#define NOW    1700000000000LL
#define REMOTE "11111111-2222-4333-8444-555555555555"
#define ZONE   "0123456789abcdef0123456789abcdef"

static struct world *new_world(void)
{
	struct world *w = world_new();
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "a1b2c3d4");
	w->system.zones_listed_ms = NOW;
	world_add_zone(w, zone_new(ZONE, "example.com"));
	return w;
}

static struct tunnel *add_tunnel(struct world *w)
{
	struct tunnel *t = tunnel_new("web");
	world_add_tunnel(w, t);
	return t;
}

static struct tunnel *add_made_tunnel(struct world *w)
{
	struct tunnel *t = add_tunnel(w);
	(void)str_copy(t->remote_id, UUID_SIZE, REMOTE);
	t->token_generation = 1;
	t->applied_generation = t->generation;
	return t;
}

static struct route *add_route(struct world *w, struct tunnel *t)
{
	struct route *r = route_new();
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, "app.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(w, r);
	return r;
}

/* A rule for the name that Cloudflare confirmed. */
static struct route *add_served(struct world *w, struct tunnel *t, const char *hostname)
{
	struct route *r = add_route(w, t);
	str_set(&r->hostname, hostname);
	r->applied_generation = r->generation;
	return r;
}

static struct record *add_record(struct world *w, struct tunnel *t)
{
	struct record *r = record_new("app.example.com", "CNAME");
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	r->proxied = true;
	world_add_record(w, r);
	return r;
}

static struct record *add_made_record(struct world *w, struct tunnel *t)
{
	struct record *r = add_record(w, t);
	(void)str_copy(r->remote_id, CF_ID_SIZE, ZONE);
	(void)str_copy(r->zone_id, CF_ID_SIZE, ZONE);
	r->applied_generation = r->generation;
	r->observed.looked_ms = NOW;
	r->observed.found = r->observed.marked = r->observed.proxied = true;
	str_set(&r->observed.type, "CNAME");
	str_set(&r->observed.content, REMOTE ".cfargotunnel.com");
	return r;
}

/* The one action that is due for an object; ACTION_KINDS = none, -1 = refused. */
static int due(const struct world *w, int64_t now, const char *id)
{
	struct work k;
	int found = ACTION_KINDS;
	plan_next(w, now, &k);
	for (size_t i = 0; i < k.n_actions; i++)
		if (str_equal(k.actions[i].object_id, id))
			found = (int)k.actions[i].kind;
	for (size_t i = 0; i < k.n_refusals; i++)
		if (str_equal(k.refusals[i].object_id, id))
			found = -1;
	work_free(&k);
	return found;
}

#define NOTHING ACTION_KINDS
#define REFUSED (-1)

static void each_action_has_a_name(void **state)
{
	(void)state;
	for (int k = 0; k < ACTION_KINDS; k++)
		if (!action_name((enum action_kind)k))
			fail_msg("action %d has none", k);
}

/* ---- a new tunnel ---- */

static void a_new_tunnel_is_looked_for_before_it_is_made(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_tunnel(w);
	(void)state;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FIND);
	t->observed.looked_ms = NOW;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_CREATE);
	/* an old look is no look */
	assert_int_equal(due(w, NOW + FRESH_MS + 1, t->id), ACT_TUNNEL_FIND);
	world_free(w);
}

static void a_foreign_tunnel_of_the_name_is_refused(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_tunnel(w);
	(void)state;
	t->observed.looked_ms = NOW;
	(void)str_copy(t->observed.found_id, UUID_SIZE, REMOTE);
	assert_int_equal(due(w, NOW, t->id), REFUSED);
	/* somebody may have freed the name */
	assert_int_equal(due(w, NOW + TAKEN_MS, t->id), ACT_TUNNEL_FIND);
	/* one that may be ours is asked for its secret */
	t->create_sent_ms = NOW - 5;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_CLAIM);
	/* but not by a look from before the POST */
	t->observed.looked_ms = NOW - 10;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FIND);
	world_free(w);
}

static void what_is_not_ours_ends_no_doubt_while_our_post_may_land(void **state)
{
	static const enum want wants[] = {WANT_PRESENT, WANT_ABSENT};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		struct world *w = new_world();
		struct tunnel *t = add_tunnel(w);
		t->want = wants[i];
		t->create_sent_ms = NOW;
		t->observed.looked_ms = t->observed.refuted_ms = NOW + 5;
		(void)str_copy(t->observed.found_id, UUID_SIZE, REMOTE);
		assert_int_equal(due(w, NOW + SETTLE_MS - 1, t->id),
				 wants[i] == WANT_PRESENT ? REFUSED : NOTHING);
		assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_TUNNEL_FIND);
		t->observed.looked_ms = NOW + SETTLE_MS;
		assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_TUNNEL_CLAIM);
		world_free(w);
	}
}

static void a_lost_create_is_not_repeated_while_it_may_land(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_tunnel(w);
	(void)state;
	t->create_sent_ms = NOW;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FIND);
	for (int64_t now = NOW; now < NOW + SETTLE_MS; now += 500) {
		int next = due(w, now, t->id);
		assert_int_not_equal(next, ACT_TUNNEL_CREATE);
		if (next == ACT_TUNNEL_FIND)
			t->observed.looked_ms = now;
	}
	assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_TUNNEL_FIND);
	t->observed.looked_ms = NOW + SETTLE_MS;
	/* somebody may have renamed it */
	assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_TUNNEL_SEARCH);
	t->observed.searched_ms = NOW + SETTLE_MS;
	assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_TUNNEL_CREATE);
	world_free(w);
}

static void a_made_tunnel_needs_its_token_then_nothing(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	(void)state;
	t->token_generation = 0;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_TOKEN);
	t->token_generation = 1;
	assert_int_equal(due(w, NOW, t->id), NOTHING);
	world_free(w);
}

static void a_tunnel_that_somebody_deleted_is_not_made_again(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	(void)state;
	t->observed.gone = true;
	assert_int_equal(due(w, NOW, t->id), REFUSED);
	t->want = WANT_ABSENT;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FORGET);
	world_free(w);
}

/* ---- its configuration ---- */

static void the_configuration_is_read_right_before_it_is_put(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	(void)state;
	add_route(w, t);
	t->generation++;
	assert_int_equal(due(w, NOW, t->id), ACT_CONFIG_READ);
	t->observed.config_seen_ms = NOW;
	assert_int_equal(due(w, NOW, t->id), ACT_CONFIG_MERGE);
	assert_int_equal(due(w, NOW + CONFIG_FRESH_MS + 1, t->id), ACT_CONFIG_READ);
	t->observed.config_local = true;
	assert_int_equal(due(w, NOW, t->id), REFUSED);
	world_free(w);
}

/* Only what was read when a lost PUT could land no more tells what became of it. */
static void a_lost_put_is_settled_by_a_late_read(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	(void)state;
	add_served(w, t, "app.example.com");
	t->config_version = 1;
	t->observed.put_unknown_ms = NOW;
	t->observed.config_seen_ms = NOW + SETTLE_MS - 1;
	assert_int_equal(due(w, NOW + SETTLE_MS - 1, t->id), NOTHING);
	assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_CONFIG_READ);
	t->observed.config_seen_ms = NOW + SETTLE_MS;
	assert_int_equal(due(w, NOW + SETTLE_MS, t->id), ACT_CONFIG_MERGE);
	world_free(w);
}

static void nothing_is_read_before_the_first_route(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	(void)state;
	t->generation++;
	assert_int_equal(due(w, NOW, t->id), ACT_CONFIG_MERGE);
	world_free(w);
}

/* ---- records ---- */

static void a_record_waits_for_the_configuration(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_record(w, t);
	(void)state;
	t->generation++;
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	t->applied_generation = t->generation;
	/* nor while every rule of its name is left out */
	struct route *route = add_served(w, t, "app.example.com");
	route->applied_generation = 0;
	(void)add_served(w, t, "www.example.com");
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	route->applied_generation = route->generation;
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_FIND);
	r->observed.looked_ms = NOW;
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_CREATE);
	str_set(&r->observed.conflict, "A (not adit's)");
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	assert_int_equal(due(w, NOW + TAKEN_MS, r->id), ACT_RECORD_FIND);
	world_free(w);
}

static void a_name_without_a_zone_is_refused(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_record(w, t);
	(void)state;
	str_set(&r->name, "app.example.org");
	add_served(w, t, "app.example.org");
	add_served(w, t, "www.example.org");
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	w->system.zones_listed_ms = 0;
	/* one of all that wait asks */
	struct record *other = add_record(w, t);
	str_set(&other->name, "www.example.org");
	assert_int_equal(due(w, NOW, r->id), ACT_ZONES_LIST);
	assert_int_equal(due(w, NOW, other->id), NOTHING);
	world_free(w);
}

static void a_made_record(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_made_record(w, t);
	(void)state;
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	str_set(&r->observed.content, "elsewhere.example.net");
	assert_int_equal(due(w, NOW, r->id), REFUSED); /* drift is told, not repaired */
	r->observed.marked = false;
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	r->observed.gone = true;
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	r->observed.gone = false;
	r->observed.looked_ms = 0;
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_READ);
	world_free(w);
}

static void a_record_that_was_renamed_is_not_written_to(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_made_record(w, t);
	char seen[SHA256_HEX_SIZE];
	(void)state;
	(void)add_served(w, t, "app.example.com");
	t->replicas = 0;
	str_set(&r->observed.renamed, "old.example.com");
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	r->drift = DRIFT_IGNORE;
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	r->generation++;
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	record_observed_hash(r, seen);
	record_takes_add(&r->takes, r->remote_id, seen, "it");
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_PATCH);
	r->want = WANT_ABSENT;
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	r->want = WANT_RELEASED;
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_RELEASE);
	world_free(w);
}

static bool may_lead(const struct world *w, const struct record *r)
{
	struct serving s = {.found = false};
	bool may = plan_may_lead(w, &s, r);
	assert_int_equal(plan_may_lead(w, &s, r), may);
	serving_free(&s);
	return may;
}

static void a_record_moves_only_when_the_new_way_serves(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_made_record(w, t);
	(void)state;
	t->config_version = 3;
	add_served(w, t, "app.example.com");
	r->generation++;
	str_set(&r->observed.content, "99999999-2222-4333-8444-555555555555.cfargotunnel.com");
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	struct connector *c = connector_new(t->id, 1);
	world_add_connector(w, c);
	c->state = CONNECTOR_READY;
	c->config_version = 2;
	assert_int_equal(due(w, NOW, r->id), NOTHING);
	/* What may not be written yet is not looked at either. */
	assert_int_equal(due(w, NOW + FRESH_MS + 1, r->id), NOTHING);
	assert_false(may_lead(w, r));
	c->config_version = 3;
	assert_true(may_lead(w, r));
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_PATCH);
	assert_int_equal(due(w, NOW + FRESH_MS + 1, r->id), ACT_RECORD_READ);
	world_free(w);
}

static void a_kept_rule_goes_when_its_name_has_moved(void **state)
{
	struct world *w = new_world();
	struct tunnel *old = add_made_tunnel(w), *new = add_tunnel(w);
	struct record *r = add_made_record(w, old);
	(void)state;
	(void)str_copy(new->remote_id, UUID_SIZE, "99999999-2222-4333-8444-555555555555");
	(void)str_copy(r->tunnel_id, ID_SIZE, new->id);
	old->config_version = 1;
	assert_int_equal(due(w, NOW, old->id), NOTHING);
	(void)map_set(&old->observed.config_keeps, r->name, old);
	assert_int_equal(due(w, NOW, old->id), NOTHING);
	record_led(r, "99999999-2222-4333-8444-555555555555.cfargotunnel.com", NOW);
	str_set(&r->observed.content, "99999999-2222-4333-8444-555555555555.cfargotunnel.com");
	assert_int_equal(due(w, NOW + LEAVING_MS - 1, old->id), NOTHING);
	assert_int_equal(due(w, NOW + LEAVING_MS, old->id), ACT_CONFIG_READ);
	str_set(&r->observed.content, NULL); /* not looked at yet: it may lead there */
	assert_int_equal(due(w, NOW, old->id), NOTHING);
	world_free(w);
}

/* ---- deleting ---- */

/* Requests still come to it: names that move away are not there yet. */
static void a_tunnel_that_names_leave_is_deleted_last(void **state)
{
	struct world *w = new_world();
	struct tunnel *old = add_made_tunnel(w), *new = add_tunnel(w);
	struct record *r = add_made_record(w, old);
	(void)state;
	(void)str_copy(new->remote_id, UUID_SIZE, "99999999-2222-4333-8444-555555555555");
	(void)str_copy(r->tunnel_id, ID_SIZE, new->id);
	old->want = WANT_ABSENT;
	old->observed.connections_cleared = true;
	assert_int_equal(due(w, NOW, old->id), NOTHING);
	struct err held = {.kind = ERR_CONFLICT};
	problem_set(&r->problem, &held, NOW);
	assert_int_equal(due(w, NOW, old->id), REFUSED); /* it says why it waits */
	problem_clear(&r->problem);
	problem_set(&new->problem, &held, NOW); /* it goes nowhere where that is stuck */
	assert_int_equal(due(w, NOW, old->id), REFUSED);
	problem_clear(&new->problem);
	assert_int_equal(due(w, NOW, old->id), NOTHING);
	record_led(r, "99999999-2222-4333-8444-555555555555.cfargotunnel.com", NOW);
	str_set(&r->observed.content, "99999999-2222-4333-8444-555555555555.cfargotunnel.com");
	assert_int_equal(due(w, NOW + LEAVING_MS - 1, old->id), NOTHING);
	assert_int_equal(due(w, NOW + LEAVING_MS, old->id), ACT_TUNNEL_DELETE);
	world_free(w);
}

static void deleting_goes_in_the_order_that_works(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_made_tunnel(w);
	struct record *r = add_made_record(w, t);
	struct connector *c = connector_new(t->id, 1);
	(void)state;
	world_add_connector(w, c);
	t->want = r->want = WANT_ABSENT;
	assert_int_equal(due(w, NOW, t->id), NOTHING);
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_DELETE);
	assert_int_equal(due(w, NOW + FRESH_MS + 1, r->id), ACT_RECORD_READ);
	r->observed.marked = false;
	assert_int_equal(due(w, NOW, r->id), REFUSED);
	struct err held = {.kind = ERR_CONFLICT};
	problem_set(&r->problem, &held, NOW);
	assert_int_equal(due(w, NOW, t->id), REFUSED); /* it says why it waits */
	r->problem->next_try_ms = 1;                   /* a failure that is tried again */
	assert_int_equal(due(w, NOW, t->id), NOTHING);
	assert_true(world_drop(w, OBJECT_RECORD, r->id));
	assert_int_equal(due(w, NOW, t->id), NOTHING);
	assert_true(world_drop(w, OBJECT_CONNECTOR, c->id));
	assert_int_equal(due(w, NOW, t->id), ACT_CONNECTIONS_CLEAR);
	t->observed.connections_cleared = true;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_DELETE);
	world_free(w);
}

static void what_was_never_made_is_forgotten(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_tunnel(w);
	struct record *r = add_record(w, t);
	(void)state;
	t->want = r->want = WANT_ABSENT;
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_FORGET);
	r->create_sent_ms = NOW;
	(void)str_copy(r->zone_id, CF_ID_SIZE, ZONE);
	assert_int_equal(due(w, NOW, r->id), ACT_RECORD_FIND);
	assert_true(world_drop(w, OBJECT_RECORD, r->id));
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FORGET);
	t->create_sent_ms = NOW;
	assert_int_equal(due(w, NOW, t->id), ACT_TUNNEL_FIND);
	world_free(w);
}

static void nothing_is_done_while_writes_are_off(void **state)
{
	struct world *w = new_world();
	struct tunnel *t = add_tunnel(w);
	(void)state;
	str_set(&w->system.writes_off, "no token");
	assert_int_equal(due(w, NOW, t->id), NOTHING);
	world_free(w);
}

/* ---- histories against a model of Cloudflare ---- */

struct model {
	struct world *w;
	int64_t now;
	int tunnels, records, puts, writes; /* what exists there, and how often it was written */
	bool tunnel_late, record_late;      /* a POST that has not taken effect yet */
	int64_t late_at;
	uint64_t seed;
};

static uint64_t roll(struct model *m)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return m->seed >> 33;
}

static void land(struct model *m)
{
	if (m->now < m->late_at)
		return;
	m->tunnels += m->tunnel_late;
	m->records += m->record_late;
	m->tunnel_late = m->record_late = false;
}

/* One POST: 0 answered, 1 answer lost, 2 lost before it came, 3 takes effect late. */
static bool post(struct model *m, int *count, bool *late)
{
	unsigned fate = (unsigned)(roll(m) % 4);
	m->writes++;
	if (fate == 0 || fate == 1)
		(*count)++;
	if (fate == 3) {
		*late = true;
		m->late_at = m->now + (int64_t)(roll(m) % 30000);
	}
	return fate == 0;
}

static void do_tunnel(struct model *m, const struct action *a, struct tunnel *t)
{
	switch ((int)a->kind) {
	case ACT_TUNNEL_FIND:
		(void)str_copy(t->observed.found_id, UUID_SIZE, m->tunnels ? REMOTE : "");
		t->observed.looked_ms = m->now;
		break;
	case ACT_TUNNEL_SEARCH:
		t->observed.searched_ms = m->now;
		break;
	case ACT_TUNNEL_CREATE:
		t->create_sent_ms = m->now;
		t->observed.looked_ms = 0;
		if (!post(m, &m->tunnels, &m->tunnel_late))
			break;
		__attribute__((fallthrough));
	case ACT_TUNNEL_CLAIM:
		(void)str_copy(t->remote_id, UUID_SIZE, REMOTE);
		t->create_sent_ms = 0;
		break;
	case ACT_TUNNEL_TOKEN:
		t->token_generation = 1;
		break;
	case ACT_CONFIG_READ:
		t->observed.config_seen_ms = m->now;
		break;
	case ACT_CONFIG_MERGE:
		m->puts++;
		t->observed.config_seen_ms = 0;
		if (roll(m) % 2)
			break;
		t->applied_generation = t->generation;
		TABLE_EACH (i, struct route, x, &m->w->routes)
			x->applied_generation = x->generation;
		break;
	default:
		fail_msg("unexpected %s", action_name(a->kind));
	}
}

static void do_record(struct model *m, const struct action *a, struct record *r)
{
	bool made = false;
	if (a->kind == ACT_RECORD_FIND) {
		r->observed.looked_ms = m->now;
		made = m->records > 0 && r->create_sent_ms;
	} else if (a->kind == ACT_RECORD_CREATE) {
		r->create_sent_ms = m->now;
		r->observed.looked_ms = 0;
		made = post(m, &m->records, &m->record_late);
	} else
		fail_msg("unexpected %s", action_name(a->kind));
	if (!made)
		return;
	(void)str_copy(r->remote_id, CF_ID_SIZE, ZONE);
	r->create_sent_ms = 0;
	r->applied_generation = r->generation;
	r->observed.looked_ms = m->now;
	r->observed.found = r->observed.marked = r->observed.proxied = true;
	str_set(&r->observed.content, REMOTE ".cfargotunnel.com");
}

/* One turn: do what is due, or let time pass. false when nothing is left to do. */
static bool turn(struct model *m)
{
	struct work k;
	land(m);
	plan_next(m->w, m->now, &k);
	assert_int_equal(k.n_refusals, 0);
	bool busy = k.n_actions > 0 || k.wake_wall_ms > 0;
	if (!k.n_actions && k.wake_wall_ms)
		m->now = k.wake_wall_ms > m->now ? k.wake_wall_ms : m->now + 1;
	for (size_t i = 0; i < k.n_actions; i++) {
		const char *id = k.actions[i].object_id;
		struct tunnel *t = world_tunnel(m->w, id);
		if (t)
			do_tunnel(m, &k.actions[i], t);
		else
			do_record(m, &k.actions[i], world_record(m->w, id));
		m->now += 50;
	}
	work_free(&k);
	return busy;
}

static void histories_converge_without_a_second_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		struct model m = {.w = new_world(), .now = NOW, .seed = seed};
		struct tunnel *t = add_tunnel(m.w);
		struct record *r = add_record(m.w, t);
		add_route(m.w, t);
		int turns = 0;
		while (turn(&m) && ++turns < 2000)
			;
		if (turns >= 2000 || m.tunnels != 1 || m.records != 1 || !t->remote_id[0] ||
		    !r->remote_id[0] || t->applied_generation != t->generation)
			fail_msg("seed %llu: %d turns, %d tunnels, %d records",
				 (unsigned long long)seed, turns, m.tunnels, m.records);
		world_free(m.w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_put_is_settled_by_a_late_read),
		cmocka_unit_test(each_action_has_a_name),
		cmocka_unit_test(a_new_tunnel_is_looked_for_before_it_is_made),
		cmocka_unit_test(a_foreign_tunnel_of_the_name_is_refused),
		cmocka_unit_test(what_is_not_ours_ends_no_doubt_while_our_post_may_land),
		cmocka_unit_test(a_lost_create_is_not_repeated_while_it_may_land),
		cmocka_unit_test(a_made_tunnel_needs_its_token_then_nothing),
		cmocka_unit_test(a_tunnel_that_somebody_deleted_is_not_made_again),
		cmocka_unit_test(the_configuration_is_read_right_before_it_is_put),
		cmocka_unit_test(nothing_is_read_before_the_first_route),
		cmocka_unit_test(a_record_waits_for_the_configuration),
		cmocka_unit_test(a_name_without_a_zone_is_refused),
		cmocka_unit_test(a_made_record),
		cmocka_unit_test(a_record_that_was_renamed_is_not_written_to),
		cmocka_unit_test(a_record_moves_only_when_the_new_way_serves),
		cmocka_unit_test(a_kept_rule_goes_when_its_name_has_moved),
		cmocka_unit_test(a_tunnel_that_names_leave_is_deleted_last),
		cmocka_unit_test(deleting_goes_in_the_order_that_works),
		cmocka_unit_test(what_was_never_made_is_forgotten),
		cmocka_unit_test(nothing_is_done_while_writes_are_off),
		cmocka_unit_test(histories_converge_without_a_second_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
