/* Differences: every kind of object and field, which policy is in force, and what is never put back
 * unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/drift.h"

#define NOW    1700000000000LL
#define REMOTE "11111111-2222-4333-8444-555555555555"
#define ZONE   "0123456789abcdef0123456789abcdef"

struct site {
	struct world *w;
	struct tunnel *t;
	struct route *r;
	struct record *d, *own;
};

static struct tunnel *add_tunnel(struct world *w)
{
	struct tunnel *t = tunnel_new("web");
	(void)str_copy(t->remote_id, UUID_SIZE, REMOTE);
	t->applied_generation = t->generation;
	str_set(&t->observed.name, "web");
	world_add_tunnel(w, t);
	return t;
}

static struct record *add_record(struct world *w, const char *type, const char *content)
{
	struct record *d = record_new("app.example.com", type);
	(void)str_copy(d->remote_id, CF_ID_SIZE, ZONE);
	d->applied_generation = d->generation;
	d->proxied = false;
	d->ttl = d->observed.ttl = 1;
	d->observed.looked_ms = NOW;
	d->observed.found = d->observed.marked = true;
	str_set(&d->observed.type, type);
	str_set(&d->observed.content, content);
	str_set(&d->observed.comment, "adit:edge1/a1b2c3d4");
	world_add_record(w, d);
	return d;
}

static void set_up(struct site *s)
{
	s->w = world_new();
	str_set(&s->w->system.owner, "edge1");
	(void)str_copy(s->w->system.install, sizeof(s->w->system.install), "a1b2c3d4");
	s->t = add_tunnel(s->w);
	s->r = route_new();
	(void)str_copy(s->r->tunnel_id, ID_SIZE, s->t->id);
	str_set(&s->r->hostname, "app.example.com");
	str_set(&s->r->service, "http://127.0.0.1:80");
	s->r->applied_generation = s->r->generation;
	world_add_route(s->w, s->r);
	s->d = add_record(s->w, "CNAME", REMOTE ".cfargotunnel.com");
	(void)str_copy(s->d->tunnel_id, ID_SIZE, s->t->id);
	s->d->proxied = s->d->observed.proxied = true;
	s->own = add_record(s->w, "MX", "mx.example.net");
	str_set(&s->own->content, "mx.example.net");
	s->own->priority = s->own->observed.priority = 10;
}

/* The only difference, as "object kind field policy: hindrance"; "" = none, "many". */
static const char *only(const struct site *s)
{
	static char text[256];
	AUTO(drift_list_t) l = {0};
	drift_find(s->w, &l);
	text[0] = '\0';
	if (l.n > 1)
		return "many";
	if (l.n)
		(void)snprintf(text, sizeof(text), "%s %s %s %s: %s",
			       object_type_name(l.items[0].type), drift_kind_name(l.items[0].kind),
			       l.items[0].field, drift_policy_name(l.items[0].policy),
			       l.items[0].hindrance ? l.items[0].hindrance : "-");
	return text;
}

static void as_wanted_differs_nothing(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	assert_string_equal(only(&s), "");
	/* Cloudflare's spelling is no difference. */
	str_set(&s.d->observed.content, "11111111-2222-4333-8444-555555555555.CFargotunnel.com");
	assert_string_equal(only(&s), "");
	world_free(s.w);
}

static void content_elsewhere(struct site *s)
{
	str_set(&s->d->observed.content, "evil.example.net");
}
static void unproxied(struct site *s)
{
	s->d->observed.proxied = false;
}
static void record_gone(struct site *s)
{
	s->d->observed.gone = true;
}
static void record_missing(struct site *s)
{
	s->d->observed.gone = s->d->observed.missing = true;
}
static void unmarked(struct site *s)
{
	s->d->observed.marked = false;
}
static void own_priority(struct site *s)
{
	s->own->observed.priority = 20;
}
static void own_ttl(struct site *s)
{
	s->own->observed.ttl = 300;
}
static void own_comment(struct site *s)
{
	str_set(&s->own->observed.comment, "adit:edge1/a1b2c3d4 mine");
}
static void own_proxied(struct site *s)
{
	s->own->observed.proxied = true;
}
static void own_on_its_way(struct site *s)
{
	s->own->observed.priority = 20;
	s->own->generation++;
}
static void record_renamed(struct site *s)
{
	str_set(&s->d->observed.renamed, "old.example.com");
}
static void own_renamed(struct site *s)
{
	str_set(&s->own->observed.renamed, "old.example.com");
}
static void tunnel_gone(struct site *s)
{
	s->t->observed.gone = true;
	s->r->observed.seen = ROUTE_REMOVED;
}
static void tunnel_renamed(struct site *s)
{
	str_set(&s->t->observed.name, "other");
}
static void joined_renamed(struct site *s)
{
	s->t->joined = true;
	str_set(&s->t->observed.name, "other");
}
static void rule_removed(struct site *s)
{
	s->r->observed.seen = ROUTE_REMOVED;
}

static void standing(struct site *s, const char *rule)
{
	s->r->observed.seen = ROUTE_EDITED;
	free(s->t->observed.config);
	s->t->observed.config =
		str_format("{\"ingress\":[{\"hostname\":\"other.example.com\",\"service\":\"x\"},"
			   "%s,{\"service\":\"http_status:404\"}]}",
			   rule);
}
static void rule_edited(struct site *s)
{
	str_set(&s->r->observed.service, "http://127.0.0.1:81");
	standing(s, "{\"hostname\":\"APP.example.com\",\"service\":\"http://127.0.0.1:81\"}");
}
static void rule_closed(struct site *s)
{
	str_set(&s->r->observed.service, "http_status:503");
	standing(s, "{\"hostname\":\"app.example.com\",\"service\":\"http_status:503\"}");
}
static void rule_with_access(struct site *s)
{
	str_set(&s->r->observed.service, "http://127.0.0.1:80");
	standing(s, "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","
		    "\"originRequest\":{\"access\":{\"required\":true,\"teamName\":\"a\"}}}");
}
static void rule_verified(struct site *s)
{
	str_set(&s->r->origin, "{\"noTLSVerify\":true}");
	str_set(&s->r->observed.service, "http://127.0.0.1:80");
	standing(s, "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\"}");
}
static void rule_unverified(struct site *s)
{
	str_set(&s->r->observed.service, "http://127.0.0.1:80");
	standing(s, "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","
		    "\"originRequest\":{\"noTLSVerify\":true}}");
}
static void rule_for_another_team(struct site *s)
{
	str_set(&s->r->origin, "{\"access\":{\"required\":true,\"teamName\":\"a\"}}");
	str_set(&s->r->observed.service, "http://127.0.0.1:80");
	standing(s, "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\","
		    "\"originRequest\":{\"access\":{\"required\":true,\"teamName\":\"b\"}}}");
}
static void rule_not_standing(struct site *s)
{
	str_set(&s->r->observed.service, "http://127.0.0.1:81");
	standing(s, "{\"hostname\":\"app.example.com\",\"path\":\"^/api\",\"service\":\"x\"}");
}
static void tunnel_on_its_way(struct site *s)
{
	tunnel_renamed(s);
	str_set(&s->t->renames, "other");
}
static void rule_on_its_way(struct site *s)
{
	rule_removed(s);
	s->r->generation++;
}
static void rule_not_known(struct site *s)
{
	rule_edited(s);
	str_set(&s->t->observed.config, "{\"ingress\":");
}
static void fought_over(struct site *s)
{
	content_elsewhere(s);
	s->d->observed.drift.fought = true;
}

static const struct {
	void (*happens)(struct site *s);
	const char *expected;
} cases[] = {
	{content_elsewhere, "record changed content repair: -"},
	{unproxied, "record changed proxied repair: it would publish a name again"},
	{record_gone, "record gone record repair: somebody deleted it"},
	{record_missing, ""},
	{unmarked, "record unmarked mark repair: somebody took adit's mark away"},
	{own_priority, "record changed priority repair: -"},
	{own_ttl, "record changed ttl repair: -"},
	{own_comment, "record changed comment repair: -"},
	{own_proxied, "record changed proxied repair: it would lift a protection"},
	{own_on_its_way, ""},
	{record_renamed, "record changed name repair: somebody gave it another name"},
	{own_renamed, "record changed name repair: somebody gave it another name"},
	{tunnel_gone, "tunnel gone tunnel repair: somebody deleted it"},
	{tunnel_renamed, "tunnel changed name repair: -"},
	{joined_renamed, ""},
	{rule_removed, "route removed rule repair: it would publish a name again"},
	{rule_edited, "route edited service repair: -"},
	{rule_closed, "route edited service repair: it would publish a name again"},
	{rule_with_access, "route edited originRequest repair: it would lift a protection"},
	{rule_verified, "route edited originRequest repair: it would lift a protection"},
	{rule_unverified, "route edited originRequest repair: -"},
	{rule_on_its_way, ""},
	{tunnel_on_its_way, ""},
	{rule_for_another_team, "route edited originRequest repair: it would lift a protection"},
	{rule_not_standing, "route edited service repair: it would publish a name again"},
	{rule_not_known, "route edited service repair: it would lift a protection"},
	{fought_over, "record changed content repair: somebody undoes it again and again"},
};

static void each_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site s;
		set_up(&s);
		s.w->system.drift = DRIFT_REPAIR;
		cases[i].happens(&s);
		if (strcmp(only(&s), cases[i].expected) != 0)
			fail_msg("case %zu: %s, not %s", i, only(&s), cases[i].expected);
		world_free(s.w);
	}
}

static void the_nearest_policy_is_in_force(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	content_elsewhere(&s);
	assert_string_equal(only(&s), "record changed content report: -");
	s.w->system.drift = DRIFT_REPAIR;
	s.t->drift = DRIFT_IGNORE;
	assert_string_equal(only(&s), "");
	s.d->drift = DRIFT_REPORT;
	assert_string_equal(only(&s), "record changed content report: -");
	s.d->drift = DRIFT_IGNORE;
	s.d->observed.gone = true; /* what is gone is told all the same */
	assert_string_equal(only(&s), "record gone record ignore: somebody deleted it");
	s.d->observed.gone = s.d->observed.marked = false; /* nor is it quiet that it is not ours */
	assert_string_equal(only(&s),
			    "record unmarked mark ignore: somebody took adit's mark away");
	world_free(s.w);
}

static void since_when_is_noted_and_ends(void **state)
{
	struct site s;
	size_t all = 9;
	(void)state;
	set_up(&s);
	assert_int_equal(drift_note(s.w, NOW, &all), 0);
	assert_int_equal(all, 0);
	content_elsewhere(&s);
	s.d->observed.proxied = false; /* two fields, one object */
	assert_int_equal(drift_note(s.w, NOW, &all), 1);
	assert_int_equal(all, 1);
	s.d->observed.drift.held = true;
	assert_int_equal(drift_note(s.w, NOW + 5, &all), 0);
	assert_true(s.d->observed.drift.held);
	assert_int_equal(s.d->observed.drift.since_ms, NOW);
	str_set(&s.d->observed.content, REMOTE ".cfargotunnel.com");
	s.d->observed.proxied = true;
	s.d->observed.drift.fought = true;
	s.d->observed.drift.held = true; /* by a plan that nothing waits for any more */
	s.d->observed.drift.repaired_ms[DRIFT_REPAIRS_MAX - 1] = NOW;
	assert_int_equal(drift_note(s.w, NOW + DRIFT_FIGHT_MS, &all), 0);
	assert_int_equal(s.d->observed.drift.since_ms, 0);
	assert_true(s.d->observed.drift.fought);
	assert_false(s.d->observed.drift.held);
	(void)drift_note(s.w, NOW + DRIFT_FIGHT_MS + 1, &all);
	assert_false(s.d->observed.drift.fought);
	world_free(s.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_wanted_differs_nothing),
		cmocka_unit_test(each_difference),
		cmocka_unit_test(the_nearest_policy_is_in_force),
		cmocka_unit_test(since_when_is_noted_and_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
