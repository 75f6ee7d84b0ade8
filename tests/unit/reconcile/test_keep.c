/* Which rules a tunnel keeps for names that are on their way to another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/keep.h"

#define OLD   "11111111-2222-4333-8444-555555555555"
#define NEW   "11111111-2222-4333-8444-666666666666"
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

static const struct {
	const char *what;
	void (*change)(struct site *s);
	size_t kept; /* of the two rules of a.ex.org */
	bool waits, leftover;
} cases[] = {
	{"on its way", as_it_is, 2, true, true},          {"arrived", arrived, 0, false, true},
	{"not looked at", not_looked_at, 2, true, true},  {"deleted", deleted, 0, false, true},
	{"given back", given_back, 0, false, true},       {"gone", gone, 0, false, true},
	{"not made", not_made, 0, false, true},           {"leads here", stays, 0, false, true},
	{"one path came back", came_back, 1, true, true},
};

static void what_is_on_its_way_is_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(kept_t) kept = {0};
		struct site s;
		set_up(&s);
		cases[i].change(&s);
		keep_rules(s.w, s.old, "[" APP "," API "," OTHER "," LAST "]", &kept);
		if (kept.n != cases[i].kept || kept.leftover != cases[i].leftover ||
		    keep_waits(s.w, s.old) != cases[i].waits)
			fail_msg("%s: %zu kept, %d left over, %d waits", cases[i].what, kept.n,
				 kept.leftover, keep_waits(s.w, s.old));
		world_free(s.w);
	}
}

static void a_kept_rule_is_as_it_was_put(void **state)
{
	AUTO(kept_t) kept = {0};
	AUTO(kept_t) none = {0};
	struct site s;
	(void)state;
	set_up(&s);
	keep_rules(s.w, s.old, "[" APP "]", &kept);
	assert_int_equal(kept.n, 1);
	assert_string_equal(kept.items[0]->tunnel_id, "told");
	assert_string_equal(kept.items[0]->service, "http://h:1");
	assert_string_equal(kept.items[0]->origin, "{\"x\":1.50}");
	assert_int_equal(kept.items[0]->applied_generation, kept.items[0]->generation);
	keep_rules(s.w, s.old, "[" LAST "]", &none);
	assert_false(none.leftover);
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
		cmocka_unit_test(a_kept_rule_is_as_it_was_put),
		cmocka_unit_test(rules_are_taken_out_by_their_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
