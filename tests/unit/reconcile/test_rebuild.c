/* What a lost store is rebuilt into: marks, tunnels, rules and folders in, a plan out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/rebuild.h"

#define ONE   "11111111-1111-4111-8111-111111111111"
#define TWO   "22222222-2222-4222-8222-222222222222"
#define GONE  "33333333-3333-4333-8333-333333333333"
#define ZONE  "9a7806061c88ada191ed06f989cc3dac"
#define OURS  "adit:edge1/0123abcd"
#define AWAY  ".cfargotunnel.com"
#define RULE  "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:8080\"}"
#define LAST  "{\"service\":\"http_status:404\"}"
#define RULES "{\"ingress\":[" RULE "," LAST "]}"

struct scene {
	struct world *w, *old;
	struct rebuild b;
	struct guard_policy g;
	struct plan *p;
	int records;
};

static int scene_setup(void **state)
{
	static const struct strlist none;
	struct scene *s = mem_alloc(sizeof(*s));
	s->w = world_new();
	str_set(&s->w->system.owner, "edge1");
	(void)str_copy(s->w->system.install, sizeof(s->w->system.install), "0123abcd");
	s->g = (struct guard_policy){.max_delete = 10,
				     .protect = &none,
				     .allow_services = &none,
				     .socket = "/run/adit/adit.sock"};
	*state = s;
	return 0;
}

static int scene_teardown(void **state)
{
	struct scene *s = *state;
	rebuild_free(&s->b);
	world_free(s->w);
	world_free(s->old);
	plan_free(s->p);
	free(s);
	return 0;
}

static struct rebuild_tunnel *tunnel(struct scene *s, const char *id, const char *name,
				     const char *config)
{
	struct cf_tunnel t = {.remote = true};
	(void)str_copy(t.id, sizeof(t.id), id);
	(void)str_copy(t.name, sizeof(t.name), name);
	rebuild_add_tunnel(&s->b, &t);
	struct rebuild_tunnel *x = map_get(&s->b.by_id, id);
	x->config_read = true;
	x->config = str_dup(config);
	return x;
}

static void folder(struct scene *s, const char *local, int slot, const char *remote)
{
	struct connector *c = connector_new(local, slot);
	(void)str_copy(connector_past_make(c)->remote_tunnel, UUID_SIZE, remote);
	world_add_connector(s->w, c);
}

static void record(struct scene *s, const char *name, const char *type, const char *content,
		   const char *comment)
{
	struct cf_record r = {.name = name, .type = type, .content = content, .comment = comment};
	(void)snprintf(r.id, sizeof(r.id), "%032d", ++s->records);
	r.ttl = 1;
	r.proxied = str_equal(type, "CNAME");
	rebuild_add_record(&s->b, s->w, ZONE, &r);
}

static const struct plan *build(struct scene *s)
{
	s->p = rebuild_plan(&s->b, s->w, s->old, &s->g);
	return s->p;
}

static size_t count(const struct plan *p, enum edit_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; p && i < p->n_edits; i++)
		n += p->edits[i].kind == kind;
	return n;
}

static const struct edit *edit(const struct plan *p, enum edit_kind kind)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (p->edits[i].kind == kind)
			return &p->edits[i];
	fail_msg("no such edit");
	abort();
}

static bool says(const struct plan *p, char sign, const char *object, const char *word)
{
	for (size_t i = 0; i < p->n_changes; i++)
		if (p->changes[i].sign == sign && str_equal(p->changes[i].object, object) &&
		    p->changes[i].detail && strstr(p->changes[i].detail, word))
			return true;
	return false;
}

/* ---- tests ---- */

static void nothing_of_ours_is_no_plan(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "theirs", RULES);
	record(s, "app.example.com", "CNAME", ONE AWAY, NULL);
	record(s, "b.example.com", "A", "192.0.2.1", "adit:edge2/0123abcd");
	record(s, "c.example.com", "A", "192.0.2.1", "adit:edge1/0123abce");
	record(s, "d.example.com", "A", "192.0.2.1", "xadit:edge1/0123abcd");
	record(s, "e.example.com", "A", "192.0.2.1", "adit:edge1/0123abcdef");
	assert_null(build(s));
}

static void a_mark_leads_to_its_tunnel_and_rule(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", RULES);
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS " the shop");
	const struct plan *p = build(s);
	assert_non_null(p);
	assert_int_equal(p->n_edits, 3);
	const struct edit *t = edit(p, EDIT_TUNNEL_PUT), *r = edit(p, EDIT_ROUTE_PUT),
			  *d = edit(p, EDIT_RECORD_PUT);
	assert_string_equal(t->remote_id, ONE);
	assert_string_equal(t->name, "edge1");
	assert_int_equal(t->replicas, 0);
	assert_false(t->joined);
	assert_string_equal(r->tunnel_id, t->id);
	assert_string_equal(r->service, "http://127.0.0.1:8080");
	assert_null(r->origin);
	assert_string_equal(d->tunnel_id, t->id);
	assert_string_equal(d->comment, "the shop");
	assert_string_equal(d->zone_id, ZONE);
	assert_null(d->content);
	assert_null(d->takes); /* it bears our mark already */
}

static void a_route_takes_the_rule_as_it_stands(void **state)
{
	struct scene *s = *state;
	char hash[SHA256_HEX_SIZE];
	tunnel(s, ONE, "edge1", RULES);
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	sha256_hex(RULE, strlen(RULE), hash);
	assert_non_null(strstr(edit(build(s), EDIT_ROUTE_PUT)->takes, hash));
}

static void options_and_paths_stay(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1",
	       "{\"ingress\":[{\"hostname\":\"APP.example.com\",\"path\":\"^/api\",\"service\":"
	       "\"http://127.0.0.1:1\",\"originRequest\":{\"connectTimeout\":1.50}},"
	       "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:2\","
	       "\"originRequest\":{}}," LAST "]}");
	record(s, "app.example.com", "CNAME",
	       "11111111-1111-4111-8111-111111111111.CFARGOTUNNEL.com", OURS);
	const struct plan *p = build(s);
	assert_int_equal(count(p, EDIT_ROUTE_PUT), 2);
	const struct edit *r = edit(p, EDIT_ROUTE_PUT);
	assert_string_equal(r->path, "^/api");
	assert_string_equal(r->name, "app.example.com");
	assert_string_equal(r->origin, "{\"connectTimeout\":1.50}");
}

static void folders_name_the_tunnel_as_it_was_called_here(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", "{\"ingress\":[" LAST "]}");
	folder(s, "tabcdef0123", 1, ONE);
	folder(s, "tabcdef0123", 3, ONE);
	folder(s, "t9999999999", 1, GONE);
	rebuild_add_folders(&s->b, s->w);
	const struct plan *p = build(s);
	const struct edit *t = edit(p, EDIT_TUNNEL_PUT);
	assert_int_equal(p->n_edits, 1);
	assert_string_equal(t->id, "tabcdef0123");
	assert_int_equal(t->replicas, 3);
	assert_false(t->joined);
	assert_true(says(p, '=', "connector", "not in the account"));
}

static void a_folder_of_another_hosts_tunnel_is_joined(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "theirs", RULES);
	folder(s, "tabcdef0123", 1, ONE);
	rebuild_add_folders(&s->b, s->w);
	record(s, "app.example.com", "CNAME", ONE AWAY, "adit:edge2/89abcdef");
	const struct plan *p = build(s);
	assert_true(edit(p, EDIT_TUNNEL_PUT)->joined);
	assert_int_equal(p->n_edits, 1);
}

/* No rule tells, but a record that leads there does. */
static void a_folder_of_a_tunnel_that_another_adit_leads_to_is_joined(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "theirs", "{\"ingress\":[" LAST "]}");
	folder(s, "tabcdef0123", 1, ONE);
	rebuild_add_folders(&s->b, s->w);
	record(s, "app.example.com", "CNAME", ONE AWAY, "adit:edge2/89abcdef");
	assert_true(edit(build(s), EDIT_TUNNEL_PUT)->joined);
}

static void the_first_of_two_names_of_a_tunnel_is_taken_back(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", "{\"ingress\":[" LAST "]}");
	folder(s, "tabcdef0123", 1, ONE);
	folder(s, "t9999999999", 2, ONE);
	rebuild_add_folders(&s->b, s->w);
	const struct plan *p = build(s);
	assert_int_equal(p->n_edits, 1);
	assert_string_equal(p->edits[0].id, "tabcdef0123");
	assert_int_equal(p->edits[0].replicas, 1);
	assert_true(says(p, '=', "connector", "runs on"));
}

/* Joined, or adopted without its routes: nobody's mark tells. */
static void a_folder_of_a_tunnel_with_unmarked_rules_is_joined(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", RULES);
	folder(s, "tabcdef0123", 1, ONE);
	rebuild_add_folders(&s->b, s->w);
	record(s, "app.example.com", "CNAME", ONE AWAY, "made by hand");
	const struct plan *p = build(s);
	assert_int_equal(p->n_edits, 1);
	assert_true(edit(p, EDIT_TUNNEL_PUT)->joined);
	assert_true(says(p, '=', "tunnel", "1 of its rules"));
}

static void rules_without_a_mark_are_left_alone(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1",
	       "{\"ingress\":[" RULE ",{\"hostname\":\"theirs.example.com\",\"service\":"
	       "\"http://127.0.0.1:2\"},{\"hostname\":\"two.example.com\",\"service\":"
	       "\"http://127.0.0.1:3\"}," LAST "]}");
	tunnel(s, TWO, "edge1-b", "{\"ingress\":[" LAST "]}");
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	record(s, "theirs.example.com", "CNAME", ONE AWAY, NULL);
	record(s, "two.example.com", "CNAME", TWO AWAY, OURS); /* leads to the other tunnel */
	const struct plan *p = build(s);
	assert_int_equal(count(p, EDIT_ROUTE_PUT), 1);
	assert_int_equal(count(p, EDIT_TUNNEL_PUT), 2);
	assert_int_equal(count(p, EDIT_RECORD_PUT), 2);
	assert_true(says(p, '=', "tunnel", "2 of its rules"));
}

static void what_the_guard_refuses_is_left_out_with_the_reason(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1",
	       "{\"ingress\":[{\"hostname\":\"app.example.com\",\"service\":"
	       "\"unix:/run/adit/adit.sock\"},{\"hostname\":\"app.example.com\",\"path\":\"x\","
	       "\"service\":\"http://127.0.0.1:2\"},{\"hostname\":\"app.example.com\",\"path\":"
	       "\"y\",\"service\":\"http://169.254.169.254\"}," LAST "]}");
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	const struct plan *p = build(s);
	assert_int_equal(count(p, EDIT_ROUTE_PUT), 1);
	assert_string_equal(edit(p, EDIT_ROUTE_PUT)->path, "x");
	assert_true(says(p, '=', "route", "left alone"));
	struct err e;
	assert_int_equal(guard_check(s->w, &s->g, s->p, &e), 0);
	assert_true(s->p->approvals.n > 0);
}

static void records_of_their_own_come_back(void **state)
{
	struct scene *s = *state;
	record(s, "mail.example.com", "MX", "mx.example.net", OURS);
	record(s, "mail.example.com", "TXT", "\"v=spf1 -all\"", OURS " spf");
	record(s, "mail.example.com", "TXT", "\"second\"", OURS);
	record(s, "lost.example.com", "CNAME", GONE AWAY, OURS);
	const struct plan *p = build(s);
	assert_int_equal(count(p, EDIT_RECORD_PUT), 2);
	assert_string_equal(edit(p, EDIT_RECORD_PUT)->content, "mx.example.net");
	assert_true(says(p, '=', "record", "second one"));
	assert_true(says(p, '=', "record", "not there"));
}

static void a_configuration_that_is_not_ours_to_read_gives_no_routes(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", RULES)->config_local = true;
	tunnel(s, TWO, "edge2", "{\"ingress\":7}");
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	record(s, "b.example.com", "CNAME", TWO AWAY, OURS);
	const struct plan *p = build(s);
	assert_int_equal(count(p, EDIT_ROUTE_PUT), 0);
	assert_int_equal(count(p, EDIT_TUNNEL_PUT), 2);
	assert_true(says(p, '=', "tunnel", "by a file"));
	assert_true(says(p, '=', "tunnel", "cannot be understood"));
}

static void a_tunnel_that_could_not_be_read_keeps_its_records_out(void **state)
{
	struct scene *s = *state;
	tunnel(s, ONE, "edge1", RULES)->config_read = false;
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	assert_null(build(s));
}

static void what_was_made_since_is_not_made_twice(void **state)
{
	struct scene *s = *state;
	struct tunnel *t = tunnel_new("edge1");
	(void)str_copy(t->remote_id, sizeof(t->remote_id), ONE);
	world_add_tunnel(s->w, t);
	world_add_record(s->w, record_new("b.example.com", "A"));
	tunnel(s, ONE, "edge1", RULES);
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	record(s, "b.example.com", "A", "192.0.2.1", OURS);
	record(s, "c.example.com", "A", "192.0.2.1", OURS);
	const struct plan *p = build(s);
	assert_int_equal(p->n_edits, 1);
	assert_string_equal(edit(p, EDIT_RECORD_PUT)->name, "c.example.com");
	assert_true(says(p, '=', "tunnel", "already"));
}

static void what_was_saved_of_the_old_store_fills_in(void **state)
{
	struct scene *s = *state;
	s->old = world_new();
	struct tunnel *t = tunnel_new("old name");
	(void)str_copy(t->remote_id, sizeof(t->remote_id), ONE);
	t->replicas = 4;
	t->drift = DRIFT_REPAIR;
	str_set(&t->manifest, "site");
	world_add_tunnel(s->old, t);
	struct record *r = record_new("app.example.com", "CNAME");
	(void)snprintf(r->remote_id, sizeof(r->remote_id), "%032d", 1);
	r->drift = DRIFT_IGNORE;
	world_add_record(s->old, r);
	tunnel(s, ONE, "edge1", RULES);
	record(s, "app.example.com", "CNAME", ONE AWAY, OURS);
	const struct plan *p = build(s);
	const struct edit *made = edit(p, EDIT_TUNNEL_PUT);
	assert_string_equal(made->id, t->id);
	assert_string_equal(made->name, "edge1"); /* as Cloudflare has it */
	assert_int_equal(made->replicas, 4);
	assert_string_equal(made->drift, "repair");
	assert_string_equal(made->manifest, "site");
	assert_string_equal(edit(p, EDIT_RECORD_PUT)->id, r->id);
	assert_string_equal(edit(p, EDIT_RECORD_PUT)->drift, "ignore");
}

static void many_are_built_in_one_plan(void **state)
{
	struct scene *s = *state;
	AUTO(buf_t) config = {0};
	enum { NAMES = 1000 };
	(void)buf_str(&config, "{\"ingress\":[");
	for (int i = 0; i < NAMES; i++)
		(void)buf_printf(&config,
				 "{\"hostname\":\"n%d.example.com\",\"service\":\"http://127.0.0.1:"
				 "80\"},",
				 i);
	(void)buf_str(&config, LAST "]}");
	tunnel(s, ONE, "edge1", buf_text(&config));
	for (int i = 0; i < NAMES; i++) {
		AUTO(str_t) name = str_format("n%d.example.com", i);
		record(s, name, "CNAME", ONE AWAY, OURS);
	}
	assert_int_equal(build(s)->n_edits, 1 + 2 * NAMES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_of_ours_is_no_plan),
		TEST(a_mark_leads_to_its_tunnel_and_rule),
		TEST(a_route_takes_the_rule_as_it_stands),
		TEST(options_and_paths_stay),
		TEST(folders_name_the_tunnel_as_it_was_called_here),
		TEST(a_folder_of_another_hosts_tunnel_is_joined),
		TEST(a_folder_of_a_tunnel_that_another_adit_leads_to_is_joined),
		TEST(the_first_of_two_names_of_a_tunnel_is_taken_back),
		TEST(a_folder_of_a_tunnel_with_unmarked_rules_is_joined),
		TEST(rules_without_a_mark_are_left_alone),
		TEST(what_the_guard_refuses_is_left_out_with_the_reason),
		TEST(records_of_their_own_come_back),
		TEST(a_configuration_that_is_not_ours_to_read_gives_no_routes),
		TEST(a_tunnel_that_could_not_be_read_keeps_its_records_out),
		TEST(what_was_made_since_is_not_made_twice),
		TEST(what_was_saved_of_the_old_store_fills_in),
		TEST(many_are_built_in_one_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
