/* What an adoption takes and what it leaves alone, from Cloudflare's documents to edits and words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "ops/adopt.h"

#define REMOTE              "11111111-2222-4333-8444-555555555555"
#define OTHER               "99999999-2222-4333-8444-555555555555"
#define ZONE                "0123456789abcdef0123456789abcdef"
#define LEADS               REMOTE ".cfargotunnel.com"
#define RULE(host, service) "{\"hostname\":\"" host "\",\"service\":\"" service "\"}"
#define LAST                "{\"service\":\"http_status:404\"}"

static const char *const ids[] = {"00000000000000000000000000000001",
				  "00000000000000000000000000000002",
				  "00000000000000000000000000000003"};

struct desk {
	struct world *world;
	struct guard_policy guard;
	struct tunnel_adopt_args args;
	struct cf_tunnel found;
	struct adopt_record records[3];
	struct adopt_input in;
	struct plan *plan;
	struct err e;
};

static void desk_open(struct desk *d)
{
	memset(d, 0, sizeof(*d));
	d->world = world_new();
	str_set(&d->world->system.owner, "edge1");
	(void)str_copy(d->world->system.install, sizeof(d->world->system.install), "a1b2c3d4");
	world_add_zone(d->world, zone_new(ZONE, "example.com"));
	d->guard.max_delete = 10;
	strlist_add(&d->args.routes, "all");
	d->args.records = true;
	d->args.replicas = -1;
	d->found = (struct cf_tunnel){.id = REMOTE, .name = "web", .remote = true};
	d->in = (struct adopt_input){.world = d->world,
				     .guard = &d->guard,
				     .args = &d->args,
				     .found = &d->found,
				     .records = d->records};
	d->plan = plan_new("tunnel_adopt", "root", NULL);
}

static void desk_close(struct desk *d)
{
	for (size_t i = 0; i < d->in.n_records; i++)
		adopt_record_free(&d->records[i]);
	strlist_free(&d->args.routes);
	plan_free(d->plan);
	world_free(d->world);
}

static void choose(struct desk *d, const char *pattern)
{
	strlist_free(&d->args.routes);
	if (pattern)
		strlist_add(&d->args.routes, pattern);
}

static void add_record(struct desk *d, const char *name, const char *comment)
{
	struct adopt_record *r = &d->records[d->in.n_records];
	(void)str_copy(r->zone_id, sizeof(r->zone_id), ZONE);
	(void)str_copy(r->id, sizeof(r->id), ids[d->in.n_records++]);
	r->name = str_dup(name);
	r->content = str_dup(LEADS);
	r->comment = str_dup(comment);
	r->proxied = true;
	r->ttl = 1;
}

static int run(struct desk *d)
{
	return adopt_plan(&d->in, d->plan, &d->e);
}

static void must(struct desk *d)
{
	if (run(d) < 0)
		fail_msg("%s", d->e.message);
}

static void must_not(struct desk *d, enum err_kind kind, const char *part)
{
	assert_int_equal(run(d), -1);
	assert_int_equal(d->e.kind, kind);
	if (!strstr(d->e.message, part) && !strstr(d->e.hint, part))
		fail_msg("no \"%s\" in: %s (%s)", part, d->e.message, d->e.hint);
}

static const struct edit *edit_at(const struct desk *d, enum edit_kind kind, size_t n)
{
	for (size_t i = 0; i < d->plan->n_edits; i++)
		if (d->plan->edits[i].kind == kind && n-- == 0)
			return &d->plan->edits[i];
	fail_msg("no such edit");
	abort();
}

static size_t edits(const struct desk *d, enum edit_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < d->plan->n_edits; i++)
		n += d->plan->edits[i].kind == kind;
	return n;
}

/* The detail of a change, NULL when there is none. */
static const char *told(const struct desk *d, char sign, const char *object, const char *name)
{
	for (size_t i = 0; i < d->plan->n_changes; i++) {
		const struct change *c = &d->plan->changes[i];
		if (c->sign == sign && str_equal(c->object, object) && strstr(c->name, name))
			return c->detail;
	}
	return NULL;
}

/* What others wrote there is shown beside. */
static const char *theirs(const struct desk *d, const char *name)
{
	for (size_t i = 0; i < d->plan->n_changes; i++)
		if (str_equal(d->plan->changes[i].name, name) && d->plan->changes[i].theirs)
			return d->plan->changes[i].theirs;
	return NULL;
}

static void assert_told(const struct desk *d, char sign, const char *object, const char *name,
			const char *part)
{
	const char *detail = told(d, sign, object, name);
	if (!detail || !strstr(detail, part))
		fail_msg("%c %s %s says \"%s\", not \"%s\"", sign, object, name,
			 detail ? detail : "nothing", part);
}

static struct tunnel *add_row(struct desk *d, const char *remote)
{
	struct tunnel *t = tunnel_new("web");
	(void)str_copy(t->remote_id, UUID_SIZE, remote);
	world_add_tunnel(d->world, t);
	return t;
}

/* ---- rules ---- */

static const struct {
	const char *config, *chosen;
	size_t taken;
	const char *left,
		*why; /* a part of a name and of its reason; NULL = nothing is looked for */
} cases[] = {
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}", "all", 1,
	 "rule 2", "no other rule"},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}", NULL, 0,
	 "a.example.com", "not chosen"},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}", "none", 0,
	 "a.example.com", "not chosen"},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}",
	 "*.example.com", 1, NULL, NULL},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}",
	 "b.example.com", 0, "a.example.com", "not chosen"},
	/* no host name; a name that is none; a service that is none, or not allowed */
	{"{\"ingress\":[{\"path\":\"^/x$\",\"service\":\"http://127.0.0.1:80\"}," LAST "]}", "all",
	 0, "rule 1", "no host name"},
	{"{\"ingress\":[" RULE("a_b..c", "http://127.0.0.1:80") "," LAST "]}", "all", 0, "rule 1",
	 "none that adit accepts"},
	{"{\"ingress\":[" RULE("a.example.com", "gopher://x") "," LAST "]}", "all", 0,
	 "a.example.com", "its service"},
	{"{\"ingress\":[" RULE("a.example.com", "unix:/run/x") "," LAST "]}", "all", 0,
	 "a.example.com", "allow_services"},
	{"{\"ingress\":[" RULE("a.example.com", "bastion") "," LAST "]}", "all", 0, "a.example.com",
	 "allow_services"},
	{"{\"ingress\":[{\"hostname\":\"a.example.com\",\"path\":\"(?=x)\","
	 "\"service\":\"http://127.0.0.1:80\"}," LAST "]}",
	 "all", 0, "a.example.com", "its path"},
	/* what is never reached, and what adit would have to move */
	{"{\"ingress\":[" RULE("*.example.com", "http://127.0.0.1:80") "," RULE(
		 "a.example.com", "http://127.0.0.1:81") "," LAST "]}",
	 "all", 1, "a.example.com", "never reached"},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," RULE(
		 "a.example.com", "http://127.0.0.1:81") "," LAST "]}",
	 "all", 1, "rule 2", "never reached"},
	{"{\"ingress\":[{\"hostname\":\"*.example.com\",\"path\":\"^/api\","
	 "\"service\":\"http://127.0.0.1:80\"}," RULE("a.example.com",
						      "http://127.0.0.1:81") "," LAST "]}",
	 "all", 1, "*.example.com", "before the narrower rule 2"},
	{"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:81") "," RULE(
		 "*.example.com", "http://127.0.0.1:80") "," LAST "]}",
	 "all", 2, NULL, NULL},
	{NULL, "all", 0, NULL, NULL},
};

static void rules_become_routes_or_are_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct desk d;
		desk_open(&d);
		choose(&d, cases[i].chosen);
		d.in.config = cases[i].config;
		must(&d);
		if (edits(&d, EDIT_ROUTE_PUT) != cases[i].taken)
			fail_msg("case %zu takes %zu rules", i, edits(&d, EDIT_ROUTE_PUT));
		if (cases[i].left)
			assert_told(&d, '=', "rule", cases[i].left, cases[i].why);
		assert_int_equal(edits(&d, EDIT_TUNNEL_PUT), 1);
		assert_string_equal(edit_at(&d, EDIT_TUNNEL_PUT, 0)->remote_id, REMOTE);
		desk_close(&d);
	}
}

/* The edit holds the rule as it stands, and names it by its very bytes. */
static void a_route_is_the_rule_as_it_stands(void **state)
{
	static const char rule[] = "{ \"service\":\"https://127.0.0.1:8443\", \"x\":1.50,"
				   "\"hostname\":\"A.example.com\",\"path\":\"^/p\","
				   "\"originRequest\":{\"noTLSVerify\":true} }";
	char hash[SHA256_HEX_SIZE];
	struct desk d;
	(void)state;
	desk_open(&d);
	AUTO(str_t) config = str_format("{\"ingress\":[%s," LAST "]}", rule);
	d.in.config = config;
	must(&d);
	const struct edit *ed = edit_at(&d, EDIT_ROUTE_PUT, 0);
	assert_string_equal(ed->name, "a.example.com");
	assert_string_equal(ed->path, "^/p");
	assert_string_equal(ed->service, "https://127.0.0.1:8443");
	assert_string_equal(ed->origin, "{\"noTLSVerify\":true}");
	sha256_hex(rule, strlen(rule), hash);
	assert_non_null(strstr(ed->takes, hash));
	assert_string_equal(ed->tunnel_id, edit_at(&d, EDIT_TUNNEL_PUT, 0)->id);
	desk_close(&d);
}

/* ---- records ---- */

static const char one[] =
	"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," LAST "]}";

static void only_the_mark_is_added(void **state)
{
	char seen[SHA256_HEX_SIZE];
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.config = one;
	add_record(&d, "a.example.com", "ask Ann");
	add_record(&d, "b.example.com", NULL);
	must(&d);
	assert_int_equal(edits(&d, EDIT_RECORD_PUT), 1);
	const struct edit *ed = edit_at(&d, EDIT_RECORD_PUT, 0);
	assert_string_equal(ed->comment, "ask Ann");
	assert_string_equal(ed->remote_id, ids[0]);
	assert_string_equal(ed->zone_id, ZONE);
	assert_true(ed->proxied && ed->ttl == 0);
	record_seen_hash("CNAME", LEADS, "ask Ann", true, 1, 0, seen);
	assert_non_null(strstr(ed->takes, seen));
	assert_told(&d, '+', "record", "a.example.com", "its comment gets adit's mark");
	assert_string_equal(theirs(&d, "a.example.com"), "adit:edge1/a1b2c3d4 ask Ann");
	assert_told(&d, '=', "record", "b.example.com", "no route");
	desk_close(&d);
}

/* One that is not proxied has a time to live of its own, which stays. */
static void the_rest_of_the_record_stays(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.config = one;
	add_record(&d, "a.example.com", NULL);
	d.records[0].proxied = false;
	d.records[0].ttl = 300;
	must(&d);
	const struct edit *ed = edit_at(&d, EDIT_RECORD_PUT, 0);
	assert_true(!ed->proxied && ed->ttl == 300);
	assert_int_equal(d.plan->warnings.n, 1);
	desk_close(&d);
}

static void nothing_is_cut(void **state)
{
	char comment[101];
	struct desk d;
	(void)state;
	memset(comment, 'x', 100);
	comment[100] = '\0';
	desk_open(&d);
	d.in.config = one;
	add_record(&d, "a.example.com", comment);
	must(&d);
	assert_int_equal(edits(&d, EDIT_RECORD_PUT), 0);
	assert_int_equal(edits(&d, EDIT_ROUTE_PUT), 1);
	assert_told(&d, '=', "record", "a.example.com", "shorten it");
	desk_close(&d);
}

static const struct {
	const char *comment, *said, *chosen;
	enum err_kind refused; /* ERR_NONE = taken, with the user's own text */
	const char *part;
} owners[] = {
	{"adit:edge2/0a1b2c3d old", NULL, "all", ERR_CONFLICT, "edge2/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", "edge3", "all", ERR_CONFLICT, "edge2/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", "edge2/ffffffff", "all", ERR_CONFLICT, "edge2/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", "edge", "all", ERR_CONFLICT, "edge2/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", NULL, "none", ERR_CONFLICT, "edge2/0a1b2c3d"},
	{"adit:edge1/0a1b2c3d old", NULL, "all", ERR_CONFLICT, "edge1/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", "edge2", "all", ERR_NONE, "taken over from edge2/0a1b2c3d"},
	{"adit:edge2/0a1b2c3d old", "edge2/0a1b2c3d", "all", ERR_NONE, "taken over"},
	{"adit:edge1/a1b2c3d4 old", NULL, "all", ERR_NONE, "its comment gets adit's mark"},
	{"old", "edge2", "all", ERR_NOT_FOUND, "edge2"},
};

static void anothers_records_are_taken_only_from_whom_was_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		struct desk d;
		AUTO(str_t) said = str_dup(owners[i].said);
		desk_open(&d);
		choose(&d, owners[i].chosen);
		d.in.config = one;
		d.args.take_over = said;
		add_record(&d, "a.example.com", owners[i].comment);
		if (owners[i].refused != ERR_NONE)
			must_not(&d, owners[i].refused, owners[i].part);
		else {
			must(&d);
			assert_told(&d, '+', "record", "a.example.com", owners[i].part);
			assert_string_equal(edit_at(&d, EDIT_RECORD_PUT, 0)->comment, "old");
		}
		desk_close(&d);
	}
}

static void a_living_owner_is_warned_of(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.config = one;
	d.args.take_over = (char[]){"edge2"};
	d.in.connections = 4;
	d.in.others = 4;
	add_record(&d, "a.example.com", "adit:edge2/0a1b2c3d");
	must(&d);
	assert_int_equal(d.plan->warnings.n, 1);
	assert_non_null(strstr(d.plan->warnings.items[0], "alive"));
	d.args.take_over = NULL;
	desk_close(&d);
}

static void records_that_are_too_many_are_told(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.config = one;
	d.in.records_more = true;
	add_record(&d, "a.example.com", NULL);
	must(&d);
	assert_int_equal(d.plan->warnings.n, 1);
	assert_string_equal(d.plan->warnings.items[0],
			    "More than 1 records lead to tunnel web: the others are left alone.");
	desk_close(&d);
}

/* A name that was not chosen stays whose it is. */
static void an_unchosen_name_of_another_is_left_alone(void **state)
{
	static const char two[] =
		"{\"ingress\":[" RULE("a.example.com", "http://127.0.0.1:80") "," RULE(
			"b.example.com", "http://127.0.0.1:80") "," LAST "]}";
	struct desk d;
	(void)state;
	desk_open(&d);
	choose(&d, "a.example.com");
	d.in.config = two;
	add_record(&d, "b.example.com", "adit:edge2/0a1b2c3d");
	must(&d);
	assert_told(&d, '=', "record", "b.example.com", "edge2/0a1b2c3d");
	assert_int_equal(edits(&d, EDIT_RECORD_PUT), 0);
	desk_close(&d);
}

/* ---- rows that are there ---- */

static void a_row_that_waits_for_its_name_becomes_the_tunnel(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	struct tunnel *t = add_row(&d, "");
	must(&d);
	assert_string_equal(edit_at(&d, EDIT_TUNNEL_PUT, 0)->id, t->id);
	assert_string_equal(edit_at(&d, EDIT_TUNNEL_PUT, 0)->remote_id, REMOTE);
	desk_close(&d);
}

static void rows_that_are_in_the_way(void **state)
{
	struct desk d;
	(void)state;
	for (int i = 0; i < 4; i++) {
		desk_open(&d);
		struct tunnel *t = add_row(&d, i == 0 ? OTHER : i == 3 ? "" : REMOTE);
		t->want = i == 1 ? WANT_ABSENT : i == 2 ? WANT_RELEASED : WANT_PRESENT;
		t->create_sent_ms = i == 3;
		must_not(&d, i == 3 ? ERR_BUSY : ERR_CONFLICT,
			 i == 0   ? OTHER
			 : i == 1 ? "deleted"
			 : i == 2 ? "given back"
				  : "created");
		desk_close(&d);
	}
}

static void a_joined_tunnel_becomes_our_own(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	struct tunnel *t = add_row(&d, REMOTE);
	t->joined = true;
	t->replicas = 3;
	must(&d);
	const struct edit *ed = edit_at(&d, EDIT_TUNNEL_PUT, 0);
	assert_false(ed->joined);
	assert_int_equal(ed->replicas, 3);
	assert_told(&d, '+', "tunnel", "web", "joined until now");
	desk_close(&d);
}

static void what_is_ours_already_needs_no_plan(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	struct tunnel *t = add_row(&d, REMOTE);
	struct route *r = route_new();
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, "a.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(d.world, r);
	struct record *x = record_new("a.example.com", "CNAME");
	(void)str_copy(x->tunnel_id, ID_SIZE, t->id);
	(void)str_copy(x->remote_id, CF_ID_SIZE, ids[0]);
	world_add_record(d.world, x);
	add_record(&d, "a.example.com", "adit:edge1/a1b2c3d4 mine");
	d.in.config = one;
	d.in.rules = "[" RULE("a.example.com", "http://127.0.0.1:80") "]";
	must(&d);
	assert_int_equal(d.plan->n_edits, 0);
	/* Its mark is gone: only the record is taken again, in the row that it has. */
	str_set(&d.records[0].comment, "mine");
	must(&d);
	assert_int_equal(d.plan->n_edits, 1);
	assert_string_equal(edit_at(&d, EDIT_RECORD_PUT, 0)->id, x->id);
	/* Its rule is not what we put: it is taken as it stands by now. */
	d.in.rules = "[" RULE("a.example.com", "http://127.0.0.1:99") "]";
	str_set(&d.records[0].comment, "adit:edge1/a1b2c3d4 mine");
	plan_free(d.plan);
	d.plan = plan_new("tunnel_adopt", "root", NULL);
	must(&d);
	assert_string_equal(edit_at(&d, EDIT_ROUTE_PUT, 0)->id, r->id);
	assert_int_equal(edits(&d, EDIT_TUNNEL_PUT), 1);
	assert_null(edit_at(&d, EDIT_TUNNEL_PUT, 0)->remote_id);
	desk_close(&d);
}

static void a_route_through_another_tunnel_keeps_its_name(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	struct tunnel *t = tunnel_new("mine");
	world_add_tunnel(d.world, t);
	struct route *r = route_new();
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, "a.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(d.world, r);
	d.in.config = one;
	must(&d);
	assert_int_equal(edits(&d, EDIT_ROUTE_PUT), 0);
	assert_told(&d, '=', "rule", "a.example.com", "through tunnel mine");
	desk_close(&d);
}

/* ---- a tunnel that a file configures ---- */

static void a_local_tunnel_takes_a_clear_word(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.local = true;
	must_not(&d, ERR_CONFLICT, "config.yml");
	d.args.convert = true;
	must(&d);
	assert_true(edit_at(&d, EDIT_TUNNEL_PUT, 0)->convert);
	assert_int_equal(d.plan->warnings.n, 1);
	assert_non_null(strstr(d.plan->warnings.items[0], "no way back"));
	assert_non_null(strstr(d.plan->warnings.items[0], "manifest_import"));
	desk_close(&d);
}

static void a_document_that_is_not_understood_is_not_taken(void **state)
{
	struct desk d;
	(void)state;
	desk_open(&d);
	d.in.config = "{\"ingress\":5}";
	assert_int_equal(run(&d), -1);
	assert_int_equal(d.plan->n_edits, 0);
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_become_routes_or_are_left_alone),
		cmocka_unit_test(a_route_is_the_rule_as_it_stands),
		cmocka_unit_test(only_the_mark_is_added),
		cmocka_unit_test(the_rest_of_the_record_stays),
		cmocka_unit_test(nothing_is_cut),
		cmocka_unit_test(anothers_records_are_taken_only_from_whom_was_named),
		cmocka_unit_test(a_living_owner_is_warned_of),
		cmocka_unit_test(records_that_are_too_many_are_told),
		cmocka_unit_test(an_unchosen_name_of_another_is_left_alone),
		cmocka_unit_test(a_row_that_waits_for_its_name_becomes_the_tunnel),
		cmocka_unit_test(rows_that_are_in_the_way),
		cmocka_unit_test(a_joined_tunnel_becomes_our_own),
		cmocka_unit_test(what_is_ours_already_needs_no_plan),
		cmocka_unit_test(a_route_through_another_tunnel_keeps_its_name),
		cmocka_unit_test(a_local_tunnel_takes_a_clear_word),
		cmocka_unit_test(a_document_that_is_not_understood_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
