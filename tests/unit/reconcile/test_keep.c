/* Which rules a tunnel keeps for names that are on their way to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "model/leaving.h"
#include "reconcile/keep.h"

#define OLD   "11111111-2222-4333-8444-555555555555"
#define NEW   "11111111-2222-4333-8444-666666666666"
#define THIRD "11111111-2222-4333-8444-777777777777"
#define NOW   1800000000000
#define HEX   "0123456789abcdef0123456789abcdef"
#define APP   "{\"hostname\":\"a.ex.org\",\"service\":\"http://h:1\",\"originRequest\":{\"x\":1.50}}"
#define API   "{\"hostname\":\"a.ex.org\",\"path\":\"^/api\",\"service\":\"http://h:2\"}"
#define OTHER "{\"hostname\":\"b.ex.org\",\"service\":\"http://h:3\"}"
#define LAST  "{\"service\":\"http_status:404\"}"

struct site {
	struct world *w;
	struct tunnel *old;
	struct record *d;
	struct route *r;
};

static struct tunnel *add_tunnel(struct world *w, const char *id, const char *remote)
{
	struct tunnel *t = tunnel_new(id);
	str_copy(t->id, ID_SIZE, id);
	str_copy(t->remote_id, UUID_SIZE, remote);
	world_add_tunnel(w, t);
	return t;
}

/* a.ex.org moved from told to tnew, and its record leads to told still. */
static void set_up(struct site *s)
{
	s->w = world_new();
	s->old = add_tunnel(s->w, "told", OLD);
	(void)add_tunnel(s->w, "tnew", NEW);
	s->r = route_new();
	str_copy(s->r->tunnel_id, ID_SIZE, "tnew");
	str_set(&s->r->hostname, "a.ex.org");
	str_set(&s->r->service, "http://h:1");
	world_add_route(s->w, s->r);
	s->d = record_new("a.ex.org", "CNAME");
	str_copy(s->d->tunnel_id, ID_SIZE, "tnew");
	str_copy(s->d->remote_id, CF_ID_SIZE, HEX);
	str_set(&s->d->observed.content, OLD TUNNEL_DOMAIN);
	world_add_record(s->w, s->d);
}

static void as_it_is(struct site *s)
{
	(void)s;
}
static void arrived(struct site *s)
{
	str_set(&s->d->observed.content, NEW TUNNEL_DOMAIN);
}
static void not_looked_at(struct site *s)
{
	str_set(&s->d->observed.content, NULL);
}
static void deleted(struct site *s)
{
	s->d->want = WANT_ABSENT;
}
static void given_back(struct site *s)
{
	s->d->want = WANT_RELEASED;
}
static void gone(struct site *s)
{
	s->d->observed.gone = true;
}
static void not_made(struct site *s)
{
	s->d->remote_id[0] = '\0';
}
static void stays(struct site *s)
{
	str_copy(s->d->tunnel_id, ID_SIZE, "told");
}
static void came_back(struct site *s)
{
	str_copy(s->r->tunnel_id, ID_SIZE, "told");
}

static void arrived_since(struct site *s, int64_t ms)
{
	record_led(s->d, NEW TUNNEL_DOMAIN, NOW - ms);
	arrived(s);
}
static void just_arrived(struct site *s)
{
	arrived_since(s, LEAVING_MS - 1);
}
static void settled(struct site *s)
{
	arrived_since(s, LEAVING_MS);
}
static void came_from_elsewhere(struct site *s)
{
	str_set(&s->d->observed.content, THIRD TUNNEL_DOMAIN);
	just_arrived(s);
}
static void went_two_ways(struct site *s)
{
	record_led(s->d, THIRD TUNNEL_DOMAIN, NOW - 2000);
	str_set(&s->d->observed.content, THIRD TUNNEL_DOMAIN);
	arrived_since(s, 1000);
}
static void seen_for_the_first_time(struct site *s)
{
	not_looked_at(s);
	just_arrived(s);
}
static void never_led_here(struct site *s)
{
	seen_for_the_first_time(s);
	map_free(&s->old->observed.config_keeps);
}
static void deleted_when_just_arrived(struct site *s)
{
	just_arrived(s);
	deleted(s);
}
static void back_when_just_arrived(struct site *s)
{
	just_arrived(s);
	stays(s);
}

static const struct {
	const char *what;
	void (*change)(struct site *s);
	size_t kept; /* of the two rules of a.ex.org */
	bool over;
	int64_t until; /* by time alone; 0 = not */
} cases[] = {
	{"on its way", as_it_is, 2, false, 0},
	{"arrived", arrived, 0, true, 0},
	{"not looked at", not_looked_at, 2, false, 0},
	{"deleted", deleted, 0, true, 0},
	{"given back", given_back, 0, true, 0},
	{"gone", gone, 0, true, 0},
	{"not made", not_made, 0, true, 0},
	{"leads here", stays, 0, true, 0},
	{"one path came back", came_back, 1, false, 0},
	{"just arrived", just_arrived, 2, false, NOW + 1},
	{"settled", settled, 0, true, 0},
	{"came from elsewhere", came_from_elsewhere, 0, true, 0},
	{"went two ways", went_two_ways, 2, false, NOW - 1000 + LEAVING_MS},
	{"first seen", seen_for_the_first_time, 2, false, NOW + 1},
	{"never led here", never_led_here, 0, false, 0},
	{"deleted when just arrived", deleted_when_just_arrived, 0, true, 0},
	{"back when just arrived", back_when_just_arrived, 0, true, 0},
};

static void what_is_on_its_way_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(kept_t) kept = {.n = 0};
		struct site s;
		int64_t until = 0;
		set_up(&s);
		(void)map_set(&s.old->observed.config_keeps, "a.ex.org", s.old);
		cases[i].change(&s);
		AUTO(groups_t) groups = {0};
		groups_of_all(&groups, s.w);
		keep_rules(&groups, s.old, "[" APP "," API "," OTHER "," LAST "]", NOW, &kept);
		bool over = keep_is_over(&groups, s.old, NOW, &until);
		if (kept.n != cases[i].kept || !map_get(&kept.leftover, "b.ex.org") ||
		    !map_get(&kept.leftover, "a.ex.org") || over != cases[i].over ||
		    (!over && until != cases[i].until))
			fail_msg("%s: %zu kept, over %d, until %lld", cases[i].what, kept.n, over,
				 (long long)(until - NOW));
		world_free(s.w);
	}
}

/* One name on its way does not hold the rule of another that was deleted. */
static void what_was_deleted_does_not_wait_for_others(void **state)
{
	struct site s;
	int64_t until = 0;
	(void)state;
	set_up(&s);
	AUTO(groups_t) groups = {0};
	groups_of_all(&groups, s.w);
	assert_false(keep_is_over(&groups, s.old, NOW, &until)); /* it holds none */
	(void)map_set(&s.old->observed.config_keeps, "a.ex.org", s.old);
	assert_false(keep_is_over(&groups, s.old, NOW, &until));
	(void)map_set(&s.old->observed.config_keeps, "b.ex.org", s.old);
	assert_true(keep_is_over(&groups, s.old, NOW, &until));
	world_free(s.w);
}

static void a_kept_rule_is_as_it_was_put(void **state)
{
	AUTO(kept_t) kept = {.n = 0};
	AUTO(kept_t) none = {.n = 0};
	struct site s;
	(void)state;
	set_up(&s);
	AUTO(groups_t) groups = {0};
	groups_of_all(&groups, s.w);
	keep_rules(&groups, s.old, "[" APP "]", NOW, &kept);
	assert_int_equal(kept.n, 1);
	assert_string_equal(kept.items[0]->tunnel_id, "told");
	assert_string_equal(kept.items[0]->service, "http://h:1");
	assert_string_equal(kept.items[0]->origin, "{\"x\":1.50}");
	assert_int_equal(kept.items[0]->applied_generation, kept.items[0]->generation);
	keep_rules(&groups, s.old, "[" LAST "]", NOW, &none);
	assert_int_equal(none.leftover.count, 0);
	world_free(s.w);
}

static void rules_are_taken_out_by_their_key(void **state)
{
	AUTO(str_t) app = rules_without("[" APP "," API "," OTHER "]", "a.ex.org", NULL);
	AUTO(str_t) api = rules_without("[" APP "," API "," OTHER "]", "a.ex.org", "^/api");
	AUTO(str_t) within = rules_within("[" APP "," API "," OTHER "]", "[" OTHER "," API "]");
	AUTO(str_t) nothing = rules_within(NULL, "[" OTHER "]");
	(void)state;
	assert_string_equal(app, "[" API "," OTHER "]");
	assert_string_equal(api, "[" APP "," OTHER "]");
	assert_null(rules_without("[" APP "]", "c.ex.org", NULL));
	assert_null(rules_without("{", "a.ex.org", NULL));
	assert_string_equal(within, "[" API "," OTHER "]");
	assert_string_equal(nothing, "[]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_on_its_way_is_kept),
		cmocka_unit_test(what_was_deleted_does_not_wait_for_others),
		cmocka_unit_test(a_kept_rule_is_as_it_was_put),
		cmocka_unit_test(rules_are_taken_out_by_their_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
