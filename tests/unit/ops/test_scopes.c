/* What lies inside a grant: by table, each dimension by itself and with the others; and that writes
 * are judged by what they would change, whatever they were asked for. */
#include "ops/inside.h"
#include "ops/screen.h"
#include "ops/sight.h"
#include "tests/unit/ops/scope_desk.h"

/*
 * web   app.example.com api.example.com            edge1: nothing
 * both  mix.example.com other.example.net          far   far.example.net
 * beside: the record static.example.com, which leads to no tunnel
 */
static void world_make(struct desk *d)
{
	zone_make(d, "example.com");
	zone_make(d, "example.net");
	zone_make(d, "sub.example.com");
	struct tunnel *web = tunnel_make(d, "web");
	struct tunnel *both = tunnel_make(d, "both");
	struct tunnel *far = tunnel_make(d, "far");
	(void)tunnel_make(d, "edge1");
	(void)route_make(d, "app.example.com", web);
	(void)route_make(d, "api.example.com", web);
	(void)route_make(d, "mix.example.com", both);
	(void)route_make(d, "other.example.net", both);
	(void)route_make(d, "far.example.net", far);
	(void)record_make(d, "static.example.com", "A", NULL);
	(void)record_make(d, "a.sub.example.com", "A", NULL);
}

static char *names_of(const struct json *items, const char *member)
{
	AUTO(buf_t) out = {0};
	JSON_EACH (row, items)
		(void)buf_printf(&out, "%s%s", out.len ? " " : "", json_get_string(row, member));
	return str_dup(buf_text(&out));
}

static void check_list(struct desk *d, const struct principal *who, const char *op,
		       const char *member, const char *expected)
{
	RUNS(d, who, op, "{}", "");
	AUTO(str_t) names = names_of(json_get(json_root(d->answer), "items"), member);
	int64_t count = json_get_int(json_root(d->answer), "total", -1), wanted = *expected != 0;
	assert_string_equal(names, expected);
	for (const char *c = expected; *c; c++)
		wanted += *c == ' ';
	assert_int_equal(count, wanted);
}

static const struct row {
	const char *name, *spec;
	const char *tunnels, *routes, *records, *zones, *connectors;
} rows[] = {
	{"all", "{\"role\":\"viewer\"}", "web both far edge1",
	 "api.example.com app.example.com mix.example.com other.example.net far.example.net",
	 "app.example.com api.example.com mix.example.com other.example.net far.example.net "
	 "static.example.com a.sub.example.com",
	 "example.com example.net sub.example.com", "web/1 both/1 far/1 edge1/1"},
	{"zone", "{\"role\":\"viewer\",\"zones\":[\"example.com\"]}", "web both",
	 "api.example.com app.example.com mix.example.com",
	 "app.example.com api.example.com mix.example.com static.example.com", "example.com",
	 "web/1 both/1"},
	{"subzone", "{\"role\":\"viewer\",\"zones\":[\"sub.example.com\"]}", "", "",
	 "a.sub.example.com", "sub.example.com", ""},
	{"host", "{\"role\":\"viewer\",\"hosts\":[\"app.example.com\"]}", "web", "app.example.com",
	 "app.example.com", "example.com", "web/1"},
	{"hosts", "{\"role\":\"viewer\",\"hosts\":[\"*.example.net\"]}", "both far",
	 "other.example.net far.example.net", "other.example.net far.example.net", "example.net",
	 "both/1 far/1"},
	{"tunnel", "{\"role\":\"viewer\",\"tunnels\":[\"both\"]}", "both",
	 "mix.example.com other.example.net", "mix.example.com other.example.net",
	 "example.com example.net", "both/1"},
	{"empty", "{\"role\":\"viewer\",\"tunnels\":[\"edge1\"]}", "edge1", "", "", "", "edge1/1"},
	{"two", "{\"role\":\"viewer\",\"tunnels\":[\"both\"],\"zones\":[\"example.com\"]}", "both",
	 "mix.example.com", "mix.example.com", "example.com", "both/1"},
	{"three",
	 "{\"role\":\"viewer\",\"tunnels\":[\"both\",\"web\"],\"zones\":[\"example.com\"],"
	 "\"hosts\":[\"*.example.com\",\"far.example.net\"]}",
	 "web both", "api.example.com app.example.com mix.example.com",
	 "app.example.com api.example.com mix.example.com", "example.com", "web/1 both/1"},
	{"nothing", "{\"role\":\"viewer\",\"hosts\":[\"none.example.org\"]}", "", "", "", "", ""},
};

static void rows_are_filtered_before_they_are_counted(void **state)
{
	struct desk *d = *state;
	world_make(d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct principal who = grant_make(d, rows[i].name, rows[i].spec);
		check_list(d, &who, "tunnel_list", "name", rows[i].tunnels);
		check_list(d, &who, "route_list", "hostname", rows[i].routes);
		check_list(d, &who, "dns_list", "name", rows[i].records);
		check_list(d, &who, "zone_list", "name", rows[i].zones);
		check_list(d, &who, "connector_list", "name", rows[i].connectors);
	}
}

static void pages_of_a_part_go_on_without_holes(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "pages", rows[4].spec);
	RUNS(d, &who, "route_list", "{\"limit\":1}", "");
	const char *next = json_get_string(json_root(d->answer), "next_cursor");
	assert_string_equal(next, "1");
	RUNS(d, &who, "route_list", "{\"limit\":1,\"cursor\":\"1\"}", "");
	assert_null(json_get_string(json_root(d->answer), "next_cursor"));
	assert_int_equal(json_get_int(json_root(d->answer), "total", 0), 2);
	AUTO(str_t) names = names_of(json_get(json_root(d->answer), "items"), "hostname");
	assert_string_equal(names, "far.example.net");
}

/* ---- what is outside is as if it were not there ---- */

/* The same call for what is outside and for what is not there at all: the answers differ in the
 * name alone. */
static void check_same_words(struct desk *d, const struct principal *who, const char *op,
			     const char *format, const char *outside, const char *nowhere)
{
	AUTO(str_t)
	ask_outside = str_format("%.*s%s%s", (int)strcspn(format, "@"), format, outside,
				 strchr(format, '@') + 1);
	AUTO(str_t)
	ask_nowhere = str_format("%.*s%s%s", (int)strcspn(format, "@"), format, nowhere,
				 strchr(format, '@') + 1);
	RUNS(d, who, op, ask_outside, run(d, who, op, ask_outside));
	struct err first = d->call.task.err;
	(void)run(d, who, op, ask_nowhere);
	struct err second = d->call.task.err;
	assert_int_not_equal(first.kind, ERR_NONE);
	assert_int_equal(first.kind, second.kind);
	const char *texts[][2] = {{first.message, second.message}, {first.hint, second.hint}};
	for (size_t i = 0; i < 2; i++) {
		const char *a = texts[i][0], *b = texts[i][1];
		while (*a && *b) {
			bool named = str_starts(a, outside) && str_starts(b, nowhere);
			assert_true(named || *a == *b);
			a += named ? strlen(outside) : 1;
			b += named ? strlen(nowhere) : 1;
		}
		assert_int_equal(*a, *b);
	}
}

static const struct {
	const char *op, *args, *outside, *nowhere;
} gone[] = {
	{"tunnel_get", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"tunnel_delete", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"tunnel_update", "{\"tunnel\":\"@\",\"replicas\":2}", "far", "fax"},
	{"tunnel_rotate", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"tunnel_release", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"route_list", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"route_delete", "{\"hostname\":\"@\"}", "far.example.net", "fax.example.net"},
	{"route_set", "{\"hostname\":\"@\",\"service\":\"http://127.0.0.1:1\"}", "far.example.net",
	 "fax.example.net"},
	{"route_set",
	 "{\"hostname\":\"new.example.com\",\"tunnel\":\"@\",\"service\":\"http://127.0.0.1:1\"}",
	 "far", "fax"},
	{"route_test", "{\"url\":\"https://@/\"}", "far.example.net", "fax.example.net"},
	{"health_get", "{\"host\":\"@\"}", "far.example.net", "fax.example.net"},
	{"dns_set", "{\"name\":\"@\",\"type\":\"A\",\"content\":\"192.0.2.7\"}", "far.example.net",
	 "fax.example.net"},
	{"dns_delete", "{\"name\":\"@\",\"type\":\"CNAME\"}", "far.example.net", "fax.example.net"},
	{"dns_list", "{\"zone\":\"@\"}", "example.net", "example.nex"},
	{"dns_usage", "{\"zone\":\"@\"}", "example.net", "example.nex"},
	{"drift_list", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"drift_list", "{\"zone\":\"@\"}", "example.net", "example.nex"},
	{"plan_create", "{\"drift\":true,\"object\":\"@\"}", "far.example.net", "fax.example.net"},
	{"connector_list", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"connector_stop", "{\"connector\":\"@\"}", "far/1", "fax/1"},
	{"connector_start", "{\"connector\":\"@\"}", "far/1", "fax/1"},
	{"connector_restart", "{\"connector\":\"@\"}", "far/1", "fax/1"},
	{"connector_upgrade", "{\"connector\":\"@\"}", "far/1", "fax/1"},
	{"log_search", "{\"connector\":\"@\"}", "far/1", "fax/1"},
	{"log_search", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"manifest_export", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"tunnel_adopt", "{\"tunnel\":\"@\"}", "far", "fax"},
	{"tunnel_join", "{\"tunnel\":\"@\",\"replicas\":1}", "far", "fax"},
};

static void what_is_outside_is_not_found_in_the_same_words(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who =
		grant_make(d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]}");
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		check_same_words(d, &who, gone[i].op, gone[i].args, gone[i].outside,
				 gone[i].nowhere);
	assert_int_equal(d->world->revision, 0);
}

static void a_grant_that_has_ended_sees_nothing(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "gone", rows[1].spec);
	assert_int_equal(sight_world(&d->ops, &who)->routes.n, 3);
	who.grant++;
	assert_int_equal(sight_world(&d->ops, &who)->routes.n, 0);
	assert_int_equal(sight_world(&d->ops, &who)->zones.n, 0);
	assert_false(screen_allows(&d->ops, &who, "Tunnel web is down"));
}

static void who_is_not_narrowed_gets_the_world_itself(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "all", rows[0].spec);
	assert_ptr_equal(sight_world(&d->ops, &who), d->world);
	assert_ptr_equal(sight_world(&d->ops, &operator), d->world);
	assert_null(d->ops.sights);
}

static void a_view_follows_the_world(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "host", rows[4].spec);
	assert_int_equal(sight_world(&d->ops, &who)->routes.n, 2);
	(void)route_make(d, "third.example.net", world_find_tunnel(d->world, "web"));
	assert_int_equal(sight_world(&d->ops, &who)->routes.n, 3);
	assert_int_equal(sight_world(&d->ops, &who)->tunnels.n, 3);
	assert_true(world_drop(d->world, OBJECT_ROUTE,
			       world_find_route(d->world, "third.example.net", NULL)->id));
	assert_int_equal(sight_world(&d->ops, &who)->routes.n, 2);
}

static void more_grants_than_views_are_kept(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal whos[40];
	for (size_t i = 0; i < ARRAY_LEN(whos); i++) {
		char name[24];
		(void)snprintf(name, sizeof(name), "g%zu", i);
		whos[i] = grant_make(d, name, rows[1 + i % 9].spec);
	}
	for (size_t i = 0; i < 200; i++) {
		const struct row *row = &rows[1 + (i % 40) % 9];
		check_list(d, &whos[i % 40], "tunnel_list", "name", row->tunnels);
	}
}

/* ---- sentences ---- */

static void sentences_that_name_what_is_outside_are_not_shown(void **state)
{
	static const struct {
		const char *text;
		bool allowed;
	} table[] = {
		{"Tunnel web is down", true},
		{"Tunnel far is down", false},
		{"far", false},
		{"far/1 starts", false},
		{"It is not far-fetched, nor afar", true},
		{"app.example.com is served", true},
		{"far.example.net is served", false},
		{"FAR.Example.NET is served", false},
		{"rule 3 (*.example.net)", false},
		{"https://new.example.net:8443/x", false},
		{"example.net.", false},
		{"a.sub.example.com", false},
		{"example.com", true},
		{"more than safety.max_delete allows, see config.yml", true},
		{"http://127.0.0.1:8080 and http://grafana.internal:3000", true},
		{"", true},
	};
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "part", rows[1].spec);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (screen_allows(&d->ops, &who, table[i].text) != table[i].allowed)
			fail_msg("%s", table[i].text);
	assert_true(screen_allows(&d->ops, &operator, "far.example.net"));
}

/* ---- writes ---- */

#define SERVICE "\"service\":\"http://127.0.0.1:8080\""

static const struct {
	const char *op, *args, *expected;
} writes[] = {
	/* inside: example.com, tunnels web and both */
	{"route_set", "{\"hostname\":\"new.example.com\",\"tunnel\":\"web\"," SERVICE "}",
	 "planned"},
	{"route_set", "{\"hostname\":\"new.example.com\",\"tunnel\":\"both\"," SERVICE "}",
	 "planned"},
	{"dns_set", "{\"name\":\"n.example.com\",\"type\":\"A\",\"content\":\"192.0.2.7\"}",
	 "planned"},
	{"route_delete", "{\"hostname\":\"mix.example.com\"}", "needs_approval"},
	{"tunnel_update", "{\"tunnel\":\"web\",\"replicas\":2}", "planned"},
	{"connector_stop", "{\"connector\":\"web/1\"}", "planned"},
	/* reaches outside */
	{"tunnel_update", "{\"tunnel\":\"both\",\"replicas\":2}", "denied"},
	{"tunnel_update", "{\"tunnel\":\"both\",\"name\":\"theirs\"}", "denied"},
	{"tunnel_update", "{\"tunnel\":\"both\",\"drift\":\"ignore\"}", "denied"},
	{"tunnel_update", "{\"tunnel\":\"web\",\"name\":\"far\"}", "denied"},
	{"tunnel_delete", "{\"tunnel\":\"both\",\"cascade\":true}", "denied"},
	{"tunnel_rotate", "{\"tunnel\":\"both\"}", "denied"},
	{"tunnel_release", "{\"tunnel\":\"both\"}", "denied"},
	{"tunnel_create", "{\"name\":\"far\"}", "denied"},
	{"tunnel_create", "{\"name\":\"both\",\"replicas\":3}", "denied"},
	{"connector_stop", "{\"connector\":\"both/1\"}", "denied"},
	{"connector_stop", "{\"tunnel\":\"both\"}", "denied"},
	{"connector_restart", "{\"connector\":\"both/1\"}", "denied"},
	{"connector_upgrade", "{\"connector\":\"both/1\"}", "denied"},
	{"route_set", "{\"hostname\":\"new.example.net\",\"tunnel\":\"web\"," SERVICE "}",
	 "denied"},
	{"route_set", "{\"hostname\":\"other.example.net\",\"tunnel\":\"web\"," SERVICE "}",
	 "denied"},
	{"route_set", "{\"hostname\":\"x.sub.example.com\",\"tunnel\":\"web\"," SERVICE "}",
	 "denied"},
	{"dns_set", "{\"name\":\"a.sub.example.com\",\"type\":\"A\",\"content\":\"192.0.2.7\"}",
	 "denied"},
	{"manifest_apply",
	 "{\"text\":\"manifest: m\\ntunnels:\\n- name: web\\n  routes:\\n  - hostname: "
	 "bad.example.net\\n    service: http://127.0.0.1:1\\n\"}",
	 "denied"},
	{"manifest_apply",
	 "{\"text\":\"manifest: m\\ntunnels:\\n- name: far\\n  routes:\\n  - hostname: "
	 "good.example.com\\n    service: http://127.0.0.1:1\\n\"}",
	 "denied"},
	{"manifest_import",
	 "{\"text\":\"ingress:\\n- hostname: bad.example.net\\n  service: http://127.0.0.1:1\\n- "
	 "service: http_status:404\\n\",\"tunnel\":\"web\"}",
	 "denied"},
};

#define WIDE_ORIGIN "\"origins\":[\"http://127.0.0.1:8080\"]"

static void writes_are_judged_by_what_they_change(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	for (size_t i = 0; i < ARRAY_LEN(writes); i++) {
		bool plan = !str_equal(writes[i].op, "connector_restart") &&
			    !str_equal(writes[i].op, "connector_upgrade");
		AUTO(str_t)
		args = str_format("%s%s", plan ? "{\"dry_run\":true," : "{", writes[i].args + 1);
		const char *said = run(d, &who, writes[i].op, args);
		if (!str_equal(said, writes[i].expected))
			fail_msg("%s %s: %s %s, not %s", writes[i].op, args, said,
				 d->call.task.err.message, writes[i].expected);
		assert_null(strstr(d->call.task.err.message, "far."));
		assert_null(strstr(d->call.task.err.message, "other.example.net"));
	}
	assert_int_equal(d->world->revision, 0);
}

static void a_foreign_rule_counts_as_served(void **state)
{
	static const char *const configs[] = {
		"{\"ingress\":[{\"hostname\":\"old.example.net\",\"service\":\"http://h:1\"},"
		"{\"service\":\"http_status:404\"}]}",
		"{\"ingress\":[{\"hostname\":\"app.example.com\",\"service\":\"http://h:1\"},"
		"{\"service\":\"http://everything:80\"}]}",
		"{\"ingress\":[{\"hostname\":\"old.example.com\",\"service\":\"http://h:1\"},"
		"{\"service\":\"http_status:404\"}]}",
	};
	static const char *const said[] = {"denied", "denied", "planned"};
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "part",
					  "{\"role\":\"operator\",\"zones\":"
					  "[\"example.com\"]}");
	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		str_set(&world_find_tunnel(d->world, "web")->observed.config, configs[i]);
		RUNS(d, &who, "tunnel_update",
		     "{\"tunnel\":\"web\",\"replicas\":2,\"dry_run\":true}", said[i]);
	}
}

static bool has_approval(const struct desk *d, const char *part)
{
	JSON_EACH (v, json_get(json_root(d->answer), "approvals"))
		if (strstr(json_string(v), part))
			return true;
	return false;
}

static void origins_of_a_grant_need_no_approval_and_others_do(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"tunnels\":[\"web\"]," WIDE_ORIGIN "}");
	struct principal none = grant_make(d, "none", "{\"role\":\"operator\"}");
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "planned");
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\",\"service\":\"http://10.0.0.9:1\","
	     "\"dry_run\":true}",
	     "needs_approval");
	assert_true(has_approval(d, "http://10.0.0.9:1"));
	assert_true(has_approval(d, "origins of grant part"));
	RUNS(d, &none, "route_set",
	     "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "needs_approval");
	RUNS(d, &operator, "route_set",
	     "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "planned");
}

static void a_grant_carries_out_its_own_plans_alone(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	struct principal other = grant_make(
		d, "other", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	RUNS(d, &other, "route_delete", "{\"hostname\":\"app.example.com\",\"wait\":false}",
	     "needs_approval");
	RUNS(d, &who, "plan_get", "{\"plan\":\"p1\"}", "needs_approval");
	RUNS(d, &who, "plan_apply", "{\"plan\":\"p1\",\"wait\":false}", "denied");
	RUNS(d, &other, "plan_apply", "{\"plan\":\"p1\",\"wait\":false}", "needs_approval");
	check_plan(d, 1, PLAN_NEEDS_APPROVAL);
}

/* What a plan was allowed to do when it was made, its grant may not any more when it is approved.
 */
static void an_approved_plan_is_judged_by_its_grant_again(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	RUNS(d, &who, "tunnel_rotate", "{\"tunnel\":\"web\",\"wait\":false}", "needs_approval");
	AUTO(str_t) approve = approval(d, NULL);
	str_set(&world_find_tunnel(d->world, "web")->observed.config,
		"{\"ingress\":[{\"hostname\":\"old.example.net\",\"service\":\"http://h:1\"},"
		"{\"service\":\"http_status:404\"}]}");
	RUNS(d, &root, "plan_approve", approve, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "outside of grant part"));
	check_plan(d, 1, PLAN_STALE);
	assert_int_equal(d->world->revision, 0);
}

static void methods_are_judged_by_what_a_plan_does(void **state)
{
	static const struct {
		const char *method, *op, *args, *expected;
	} table[] = {
		{"create", "route_set",
		 "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
		 "planned"},
		{"update", "route_set",
		 "{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
		 "denied"},
		{"create", "route_set",
		 "{\"hostname\":\"app.example.com\",\"tunnel\":\"web\",\"service\":"
		 "\"http://127.0.0.1:9\",\"dry_run\":true}",
		 "denied"},
		{"update", "route_set",
		 "{\"hostname\":\"app.example.com\",\"tunnel\":\"web\",\"service\":"
		 "\"http://127.0.0.1:9\",\"dry_run\":true}",
		 "needs_approval"},
		{"update", "route_delete", "{\"hostname\":\"app.example.com\",\"dry_run\":true}",
		 "denied"},
		{"delete", "route_delete", "{\"hostname\":\"app.example.com\",\"dry_run\":true}",
		 "needs_approval"},
		{"create", "tunnel_create", "{\"name\":\"n\",\"dry_run\":true}", "planned"},
		{"create", "tunnel_create", "{\"name\":\"web\",\"replicas\":4,\"dry_run\":true}",
		 "denied"},
	};
	struct desk *d = *state;
	world_make(d);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(str_t) name = str_format("m%zu", i);
		AUTO(str_t)
		spec = str_format("{\"role\":\"operator\",\"methods\":[\"%s\"]," WIDE_ORIGIN "}",
				  table[i].method);
		struct principal who = grant_make(d, name, spec);
		const char *said = run(d, &who, table[i].op, table[i].args);
		if (!str_equal(said, table[i].expected))
			fail_msg("%s %s %s: %s %s", table[i].method, table[i].op, table[i].args,
				 said, d->call.task.err.message);
	}
}

/* ---- what is outside though nothing of it is asked for ---- */

static void a_record_without_a_route_counts_as_served(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who =
		grant_make(d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]}");
	static const char args[] = "{\"tunnel\":\"web\",\"replicas\":2,\"dry_run\":true}";
	RUNS(d, &who, "tunnel_update", args, "planned");
	(void)record_make(d, "left.example.net", "CNAME", world_find_tunnel(d->world, "web"));
	RUNS(d, &who, "tunnel_update", args, "denied");
}

static void a_name_that_others_hold_is_not_taken(void **state)
{
	struct desk *d = *state;
	world_make(d);
	(void)record_make(d, "held.example.com", "CNAME", world_find_tunnel(d->world, "far"));
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"tunnels\":[\"web\"]," WIDE_ORIGIN "}");
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"held.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "denied");
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"mix.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "denied");
	const struct record *r = world_find_record(d->world, "mix.example.com", "CNAME");
	assert_true(world_drop(d->world, OBJECT_RECORD, r->id));
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"mix.example.com\",\"tunnel\":\"web\"," SERVICE ",\"dry_run\":true}",
	     "denied");
	RUNS(d, &who, "dns_set",
	     "{\"name\":\"n.example.com\",\"type\":\"A\",\"content\":\"192.0.2.7\"}", "denied");
}

static void a_wildcard_of_his_opens_no_zone_of_others(void **state)
{
	struct desk *d = *state;
	world_make(d);
	(void)route_make(d, "*.example.com", world_find_tunnel(d->world, "web"));
	struct principal who = grant_make(d, "part", rows[1].spec);
	RUNS(d, &who, "health_get", "{\"host\":\"x.sub.example.com\"}", "not_found");
	RUNS(d, &who, "route_test", "{\"url\":\"https://x.sub.example.com/\"}", "not_found");
	RUNS(d, &who, "route_test", "{\"url\":\"https://x.example.com/\"}", "");
}

/* A tunnel's own name is everybody's whom it serves: it is not put back by one of them. */
static void drift_is_put_back_of_what_is_inside_alone(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	str_set(&world_find_tunnel(d->world, "both")->observed.name, "renamed");
	RUNS(d, &operator, "plan_create", "{\"drift\":true}", "planned");
	RUNS(d, &who, "plan_create", "{\"drift\":true}", "unchanged");
	str_set(&world_find_tunnel(d->world, "web")->observed.name, "renamed");
	RUNS(d, &who, "plan_create", "{\"drift\":true}", "planned");
	assert_int_equal(json_count(json_get(json_root(d->answer), "changes")), 1);
}

static void what_cannot_be_judged_is_for_those_who_see_all(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "part",
					  "{\"role\":\"operator\",\"zones\":"
					  "[\"example.com\"]}");
	struct principal all = grant_make(d, "all", "{\"role\":\"operator\"}");
	RUNS(d, &who, "tunnel_adopt", "{\"tunnel\":\"web\"}", "denied");
	assert_non_null(strstr(d->call.task.err.message, "narrowed"));
	RUNS(d, &who, "tunnel_join", "{\"tunnel\":\"web\",\"replicas\":1}", "denied");
	assert_non_null(strstr(d->call.task.err.message, "narrowed"));
	RUNS(d, &all, "tunnel_adopt", "{\"tunnel\":\"web\"}", "denied");
	assert_non_null(strstr(d->call.task.err.message, "Cloudflare cannot be asked"));
}

static void errors_do_not_name_what_is_outside(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(
		d, "part", "{\"role\":\"operator\",\"zones\":[\"example.com\"]," WIDE_ORIGIN "}");
	static const char args[] =
		"{\"hostname\":\"n.example.com\",\"tunnel\":\"web\"," SERVICE "}";
	str_set(&d->world->system.writes_held, "Tunnel far was made by another machine");
	RUNS(d, &who, "route_set", args, "conflict");
	assert_null(strstr(d->call.task.err.message, "far"));
	RUNS(d, &operator, "route_set", args, "conflict");
	assert_non_null(strstr(d->call.task.err.message, "far"));
}

static void revisions_differ_by_what_is_inside(void **state)
{
	struct desk *d = *state;
	zone_make(d, "example.com");
	zone_make(d, "example.net");
	struct principal who = grant_make(d, "part", rows[1].spec);
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	RUNS(d, &operator, "route_set",
	     "{\"hostname\":\"far.example.net\"," SERVICE ",\"wait\":false}", "applied");
	RUNS(d, &operator, "route_set",
	     "{\"hostname\":\"b.example.com\"," SERVICE ",\"wait\":false}", "applied");
	RUNS(d, &operator, "revision_diff", "{\"from\":1}", "");
	assert_int_equal(json_get_int(json_root(d->answer), "count", 0), 4);
	RUNS(d, &who, "revision_diff", "{\"from\":1}", "");
	assert_int_equal(json_get_int(json_root(d->answer), "count", 0), 2);
	assert_null(strstr(buf_text(&d->call.result), "far."));
	check_list(d, &who, "revision_list", "operation", "route_set route_set");
	check_list(d, &who, "plan_list", "operation", "route_set route_set");
}

/* Lines that a plan leaves alone may be of anybody's, and reasons for approval too. */
static void a_plan_tells_of_what_is_outside_without_a_count(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "part", rows[1].spec);
	AUTO(plan_t) p = plan_new("route_set", "root (uid 0)", NULL);
	struct err e;
	(void)plan_put_route(p, world_find_route(d->world, "app.example.com", NULL));
	plan_change(p, '~', "route", "app.example.com", "from far to web");
	plan_change(p, '=', "route", "far.example.net", "left alone");
	plan_change(p, '=', "route", "two.example.net", "left alone");
	strlist_add(&p->approvals, "Touches far.example.net.");
	strlist_add(&p->approvals, "Touches two.example.net.");
	strlist_add(&p->approvals, "Touches app.example.com.");
	strlist_add(&p->warnings, "Tunnel far is down.");
	p->state = PLAN_NEEDS_APPROVAL;
	p->made_ms = clock_wall_ms();
	p->expires_ms = p->made_ms + PLAN_LIFE_MS;
	plan_seal(p);
	assert_int_equal(store_begin(d->store, &e), 0);
	assert_int_equal(store_add_plan(d->store, p, &e), 0);
	assert_int_equal(store_commit(d->store, &e), 0);
	RUNS(d, &who, "plan_get", "{\"plan\":\"p1\"}", "needs_approval");
	const struct json *plan = json_root(d->answer);
	assert_int_equal(json_count(json_get(plan, "changes")), 1);
	assert_int_equal(json_count(json_get(plan, "approvals")), 2);
	assert_int_equal(json_count(json_get(plan, "warnings")), 1);
	assert_null(strstr(buf_text(&d->call.result), "example.net"));
	assert_null(strstr(buf_text(&d->call.result), "far"));
	RUNS(d, &who, "plan_list", "{}", "");
	assert_int_equal(
		json_get_int(json_first(json_get(json_root(d->answer), "items")), "approvals", 0),
		2);
}

/* ---- tunnels that serve nothing ---- */

static void an_empty_tunnel_is_seen_by_who_made_it(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who =
		grant_make(d, "maker", "{\"role\":\"operator\",\"hosts\":[\"*.example.com\"]}");
	struct principal other =
		grant_make(d, "other", "{\"role\":\"operator\",\"hosts\":[\"*.example.com\"]}");
	RUNS(d, &who, "tunnel_create", "{\"name\":\"mine\",\"wait\":false}", "applied");
	RUNS(d, &who, "tunnel_get", "{\"tunnel\":\"mine\"}", "pending");
	RUNS(d, &other, "tunnel_get", "{\"tunnel\":\"mine\"}", "not_found");
	RUNS(d, &other, "tunnel_get", "{\"tunnel\":\"edge1\"}", "not_found");
	RUNS(d, &other, "tunnel_update", "{\"tunnel\":\"mine\",\"replicas\":2}", "not_found");
}

/* This host's own tunnel takes a name of whoever may publish, though he has none there yet. */
static void the_first_name_goes_through_the_hosts_own_tunnel(void **state)
{
	struct desk *d = *state;
	world_make(d);
	struct principal who = grant_make(d, "pub",
					  "{\"role\":\"operator\",\"hosts\":"
					  "[\"*.example.com\"]," WIDE_ORIGIN "}");
	RUNS(d, &who, "route_set",
	     "{\"hostname\":\"first.example.com\"," SERVICE ",\"wait\":false}", "applied");
	const struct route *r = world_find_route(d->world, "first.example.com", NULL);
	assert_string_equal(world_tunnel(d->world, r->tunnel_id)->name, "edge1");
	assert_int_equal(world_tunnel(d->world, r->tunnel_id)->generation, 2);
	RUNS(d, &who, "tunnel_get", "{\"tunnel\":\"edge1\"}", "pending");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_filtered_before_they_are_counted),
		TEST(pages_of_a_part_go_on_without_holes),
		TEST(what_is_outside_is_not_found_in_the_same_words),
		TEST(a_grant_that_has_ended_sees_nothing),
		TEST(who_is_not_narrowed_gets_the_world_itself),
		TEST(a_view_follows_the_world),
		TEST(more_grants_than_views_are_kept),
		TEST(sentences_that_name_what_is_outside_are_not_shown),
		TEST(writes_are_judged_by_what_they_change),
		TEST(a_foreign_rule_counts_as_served),
		TEST(origins_of_a_grant_need_no_approval_and_others_do),
		TEST(a_grant_carries_out_its_own_plans_alone),
		TEST(an_approved_plan_is_judged_by_its_grant_again),
		TEST(methods_are_judged_by_what_a_plan_does),
		TEST(a_record_without_a_route_counts_as_served),
		TEST(a_name_that_others_hold_is_not_taken),
		TEST(a_wildcard_of_his_opens_no_zone_of_others),
		TEST(drift_is_put_back_of_what_is_inside_alone),
		TEST(what_cannot_be_judged_is_for_those_who_see_all),
		TEST(errors_do_not_name_what_is_outside),
		TEST(revisions_differ_by_what_is_inside),
		TEST(a_plan_tells_of_what_is_outside_without_a_count),
		TEST(an_empty_tunnel_is_seen_by_who_made_it),
		TEST(the_first_name_goes_through_the_hosts_own_tunnel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
