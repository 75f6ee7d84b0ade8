/*
 * What a narrowed grant is answered, it would be answered if nothing else existed. Two worlds, one
 * with things outside of the grant and one without: every operation that reads says the same of
 * both, to the byte. And where what is inside tells of what is outside (a problem, a plan's
 * reasons, a log line), no name of it comes out, in no answer and no error.
 */
#include "supervise/launch_folder.h"
#include "tests/unit/ops/scope_desk.h"

#define SECRET "zzsecret"
#define NOW_MS 1760000000000
#define MOST   8

/* Of every operation that MCP has: a new one is told of here. @ is a name that is outside. */
static const struct {
	const char *op, *args[MOST];
} calls[] = {
	{"status_get", {"{}"}},
	{"health_get",
	 {"{\"host\":\"app.example.com\"}", "{\"host\":\"@.example.net\"}",
	  "{\"host\":\"@-shared.example.net\"}", "{\"host\":\"x.example.com\"}"}},
	{"tunnel_list", {"{}", "{\"limit\":1}", "{\"name\":\"e\"}", "{\"name\":\"@\"}"}},
	{"tunnel_get", {"{\"tunnel\":\"web\"}", "{\"tunnel\":\"@\"}", "{\"tunnel\":\"@-tun\"}"}},
	{"route_list",
	 {"{}", "{\"limit\":1}", "{\"tunnel\":\"web\"}", "{\"tunnel\":\"@-tun\"}",
	  "{\"hostname\":\"@-shared.example.net\"}", "{\"limit\":1,\"cursor\":\"1\"}",
	  "{\"fields\":[\"hostname\"]}"}},
	{"route_test",
	 {"{\"url\":\"https://app.example.com/\"}", "{\"url\":\"https://app.example.com/api\"}",
	  "{\"url\":\"https://none.example.com/\"}", "{\"url\":\"https://@-shared.example.net/\"}",
	  "{\"url\":\"https://@-shared.example.net/\",\"tunnel\":\"web\"}",
	  "{\"url\":\"https://old.@.org/\",\"tunnel\":\"web\"}"}},
	{"dns_list",
	 {"{}", "{\"limit\":1}", "{\"name\":\"@-shared.example.net\"}", "{\"type\":\"A\"}",
	  "{\"zone\":\"@.org\"}", "{\"zone\":\"example.com\"}"}},
	{"dns_usage", {"{\"zone\":\"@.org\"}", "{\"zone\":\"example.net\"}"}},
	{"zone_list", {"{}", "{\"limit\":1}", "{\"name\":\"@\"}"}},
	{"account_list", {"{}", "{\"name\":\"@\"}"}},
	{"ruleset_list", {"{}", "{\"zone\":\"@.org\"}"}},
	{"ruleset_get", {"{\"phase\":\"ddos_l7\"}", "{\"phase\":\"ddos_l7\",\"zone\":\"@.org\"}"}},
	{"firewall_rule_list", {"{\"zone\":\"@.org\"}"}},
	{"waf_override_list", {"{\"zone\":\"@.org\"}"}},
	{"member_list", {"{}", "{\"text\":\"@\"}", "{\"account\":\"@\"}"}},
	{"access_review", {"{}", "{\"can\":\"dns\"}", "{\"format\":\"markdown\"}"}},
	{"role_list", {"{}", "{\"text\":\"@\"}", "{\"members\":true}"}},
	{"incident_capsule",
	 {"{\"name\":\"app.example.com\"}", "{\"name\":\"@-shared.example.net\"}",
	  "{\"name\":\"@.org\"}", "{\"name\":\"example.com\"}"}},
	{"security_change_report", {"{\"zone\":\"@.org\"}", "{\"zone\":\"@\"}"}},
	{"audit_log_list", {"{}", "{\"zone\":\"@.org\"}", "{\"zone\":\"example.com\"}"}},
	{"token_check", {"{}"}},
	{"plan_list", {"{}", "{\"limit\":1}", "{\"state\":\"waiting\"}"}},
	{"plan_get", {"{\"plan\":\"p1\"}", "{\"plan\":\"p2\"}", "{\"plan\":\"p3\"}"}},
	{"drift_list",
	 {"{}", "{\"limit\":1}", "{\"tunnel\":\"web\"}", "{\"tunnel\":\"@-tun\"}",
	  "{\"zone\":\"@.org\"}"}},
	{"manifest_export",
	 {"{}", "{\"tunnel\":\"web\"}", "{\"tunnel\":\"@-tun\"}", "{\"name\":\"@\"}"}},
	{"revision_list", {"{}", "{\"limit\":1}", "{\"object\":\"@-shared.example.net\"}"}},
	/* numbers of revisions and plans are everybody's */
	{"revision_diff", {"{\"from\":1}"}},
	{"connector_list", {"{}", "{\"tunnel\":\"web\"}", "{\"tunnel\":\"@-tun\"}"}},
	{"log_search",
	 {"{}", "{\"limit\":1}", "{\"tunnel\":\"web\"}", "{\"connector\":\"@-tun/1\"}",
	  "{\"text\":\"@\"}", "{\"text\":\"request\",\"limit\":2}"}},
	{"event_list",
	 {"{}", "{\"limit\":1}", "{\"object\":\"@-tun\"}", "{\"object\":\"web\"}",
	  "{\"kind\":\"plan_made\"}"}},
	/* writes, of which none leaves anything: see main */
	{"tunnel_create", {"{\"name\":\"@-tun\"}"}},
	{"tunnel_update", {"{\"tunnel\":\"@-tun\",\"replicas\":2}"}},
	{"tunnel_delete", {"{\"tunnel\":\"@-tun\"}"}},
	{"tunnel_adopt", {"{\"tunnel\":\"@-tun\"}", "{\"tunnel\":\"web\"}"}},
	{"tunnel_join", {"{\"tunnel\":\"@-tun\",\"replicas\":1}"}},
	{"tunnel_release", {"{\"tunnel\":\"@-tun\"}"}},
	{"tunnel_rotate", {"{\"tunnel\":\"@-tun\"}"}},
	{"route_set",
	 {"{\"hostname\":\"@-shared.example.net\",\"service\":\"http://127.0.0.1:1\"}",
	  "{\"hostname\":\"n.example.com\",\"service\":\"http://127.0.0.1:1\"}",
	  "{\"hostname\":\"n.example.com\",\"service\":\"http://"
	  "127.0.0.1:1\",\"tunnel\":\"@-tun\"}",
	  "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:1\"}"}},
	{"route_probe",
	 {"{\"hostname\":\"@-shared.example.net\"}", "{\"hostname\":\"app.example.com\"}",
	  "{\"hostname\":\"app.example.com\",\"end\":true}"}},
	{"route_delete",
	 {"{\"hostname\":\"@-shared.example.net\"}", "{\"hostname\":\"app.example.com\"}"}},
	{"dns_set",
	 {"{\"name\":\"@.org\",\"type\":\"A\",\"content\":\"192.0.2.7\"}",
	  "{\"name\":\"n.example.com\",\"type\":\"A\",\"content\":\"192.0.2.7\"}"}},
	{"dns_delete", {"{\"name\":\"@-shared.example.net\",\"type\":\"CNAME\"}"}},
	{"plan_apply", {"{\"plan\":\"p2\"}", "{\"plan\":\"p3\"}"}},
	{"plan_create",
	 {"{\"drift\":true}", "{\"drift\":true,\"object\":\"@-shared.example.net\"}",
	  "{\"drift\":true,\"object\":\"@-tun\"}"}},
	{"manifest_apply",
	 {"{\"text\":\"manifest: @\\ntunnels:\\n- name: web\\n  routes: []\\n\",\"prune\":true}",
	  "{\"text\":\"manifest: m\\ntunnels:\\n- name: @-tun\\n  routes: []\\n\"}"}},
	{"manifest_import",
	 {"{\"text\":\"tunnel: @-tun\\ningress:\\n- hostname: n.example.com\\n  service: "
	  "http://127.0.0.1:1\\n- service: http_status:404\\n\"}"}},
	{"connector_start", {"{\"connector\":\"@-tun/1\"}"}},
	{"connector_stop", {"{\"connector\":\"@-tun/1\"}", "{\"tunnel\":\"@-tun\"}"}},
	{"connector_restart", {"{\"connector\":\"@-tun/1\"}", "{\"connector\":\"web/1\"}"}},
	{"connector_upgrade", {"{\"connector\":\"@-tun/1\"}", "{\"connector\":\"web/1\"}"}},
};

static size_t call_of(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (str_equal(calls[i].op, op))
			return i;
	return ARRAY_LEN(calls);
}

static void every_operation_is_asked(void **state)
{
	(void)state;
	for (const char *const *name = op_names(); *name; name++)
		if ((op_find(*name)->doors & OP_DOOR_MCP) && call_of(*name) == ARRAY_LEN(calls))
			fail_msg("%s is not asked here whether it leaks", *name);
}

/* ---- two worlds ---- */

static void write_log(struct desk *d, const char *id, const char *text)
{
	struct err e;
	int fd = -1;
	d->ops.state_dirfd = d->dirfd;
	assert_int_equal(folder_open(d->dirfd, id, true, &fd, &e), 0);
	int log = openat(fd, "log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(log, text, strlen(text)), strlen(text));
	(void)close(log);
	(void)close(fd);
}

static void event_make(struct desk *d, enum object_type type, const char *id, const char *name,
		       const char *message)
{
	struct event ev = {
		.at_ms = NOW_MS,
		.object_type = type,
		.object_id = str_dup(id),
		.object_name = str_dup(name),
		.kind = str_dup("plan_made"),
		.message = str_dup(message),
	};
	struct err e;
	assert_int_equal(store_begin(d->store, &e), 0);
	assert_int_equal(store_add_event(d->store, &ev, &e), 0);
	assert_int_equal(store_commit(d->store, &e), 0);
	event_free(&ev);
}

static void revision_make(struct desk *d, const char *hostname, const char *approval_text)
{
	AUTO(plan_t) p = plan_new("route_delete", "root (uid 0)", NULL);
	const struct route *r = world_find_route(d->world, hostname, NULL);
	struct err e;
	(void)plan_take_off(p, EDIT_ROUTE_DROP, r->id, r->generation);
	plan_change(p, '-', "route", hostname, "to %s", r->service);
	strlist_add(&p->approvals, approval_text);
	p->state = PLAN_NEEDS_APPROVAL;
	p->made_ms = NOW_MS;
	p->expires_ms = NOW_MS + PLAN_LIFE_MS;
	plan_seal(p);
	assert_int_equal(store_begin(d->store, &e), 0);
	assert_int_equal(store_add_plan(d->store, p, &e), 0);
	assert_int_equal(store_add_revision(d->store, ++d->world->revision, p, &e), 0);
	assert_int_equal(store_commit(d->store, &e), 0);
}

static struct route *drifted_make(struct desk *d, const char *hostname, const struct tunnel *t)
{
	struct route *r = route_make(d, hostname, t);
	r->observed.seen = ROUTE_REMOVED;
	r->observed.seen_ms = 1;
	return r;
}

static void inside_make(struct desk *d)
{
	static const char log[] = "2026-11-22T07:00:00Z INF request to app.example.com\n"
				  "2026-11-22T07:00:01Z INF request to api.example.com\n";
	clock_freeze(1000, NOW_MS);
	zone_make(d, "example.com");
	struct tunnel *web = tunnel_make(d, "web");
	(void)route_make(d, "app.example.com", web);
	(void)drifted_make(d, "api.example.com", web);
	(void)record_make(d, "static.example.com", "A", NULL);
	str_set(&web->observed.config,
		"{\"ingress\":[{\"hostname\":\"app.example.com\",\"service\":"
		"\"http://127.0.0.1:8080\"},{\"service\":\"http_status:404\"}]}");
	AUTO(str_t) connector = str_format("%s-1", web->id);
	write_log(d, connector, log);
	event_make(d, OBJECT_TUNNEL, web->id, "web", "Tunnel web was made");
	revision_make(d, "app.example.com", "Deletes it.");
}

/* Rows that are counted through all objects come last, so that those before have their numbers. */
static void outside_make(struct desk *d)
{
	static const char log[] =
		"2026-11-22T06:59:59Z INF request to " SECRET "-shared.example.net\n"
		"2026-11-22T07:00:00Z INF request to app.example.com\n"
		"2026-11-22T07:00:01Z INF request to api.example.com\n"
		"2026-11-22T07:00:02Z ERR request to old." SECRET ".org: tunnel " SECRET "-tun\n";
	zone_make(d, "example.net");
	zone_make(d, SECRET ".org");
	zone_make(d, SECRET "-sub.example.com");
	struct tunnel *web = world_find_tunnel(d->world, "web");
	struct tunnel *other = tunnel_make(d, SECRET "-tun");
	struct route *r = drifted_make(d, SECRET "-shared.example.net", web);
	(void)drifted_make(d, "a." SECRET ".org", other);
	(void)route_make(d, "x." SECRET "-sub.example.com", web);
	(void)record_make(d, SECRET ".example.net", "A", NULL);
	str_set(&r->manifest, SECRET);
	str_set(&other->manifest, SECRET);
	str_set(&web->observed.config,
		"{\"ingress\":[{\"hostname\":\"old." SECRET ".org\",\"service\":\"http://" SECRET
		":1\"},{\"hostname\":\"" SECRET "-shared.example.net\",\"service\":\"http://h:1\"},"
		"{\"hostname\":\"app.example.com\",\"service\":"
		"\"http://127.0.0.1:8080\"},{\"service\":\"http_status:404\"}]}");
	AUTO(str_t) mine = str_format("%s-1", web->id);
	AUTO(str_t) theirs = str_format("%s-1", other->id);
	write_log(d, mine, log);
	write_log(d, theirs, log);
	event_make(d, OBJECT_TUNNEL, other->id, other->name, "Tunnel " SECRET "-tun was made");
	event_make(d, OBJECT_ROUTE, "r0000000000", "b." SECRET ".org", "It is gone");
	event_make(d, OBJECT_TUNNEL, web->id, "web", "It lost old." SECRET ".org");
	event_make(d, OBJECT_SYSTEM, "", "", "Zone " SECRET ".org went away");
	int64_t revision = d->world->revision;
	revision_make(d, "a." SECRET ".org", "Deletes a." SECRET ".org.");
	d->world->revision = revision;
	struct err e;
	(void)err_set(&e, ERR_CONFLICT, "Zone " SECRET ".org went away");
	world_notice(d->world, SECRET, &e, NOW_MS);
}

static struct principal part(struct desk *d)
{
	return grant_make(d, "part",
			  "{\"role\":\"operator\",\"zones\":[\"example.com\"],"
			  "\"origins\":[\"http://127.0.0.1:1\"]}");
}

/* ---- what comes out ---- */

static char *with_name(const char *args, const char *name)
{
	AUTO(buf_t) out = {0};
	for (; *args; args++)
		(void)(*args == '@' ? buf_str(&out, name) : buf_char(&out, *args));
	return str_dup(buf_text(&out));
}

static bool has_plan(const struct op *op)
{
	return op->effects != OP_READS && fields_find(op->args, "dry_run");
}

/* Nothing is changed by asking. */
static char *told(struct desk *d, const struct principal *who, const char *op, const char *template)
{
	AUTO(str_t) args = with_name(template, SECRET);
	AUTO(str_t) dry = str_format("{\"dry_run\":true%s%s", args[1] == '}' ? "" : ",", args + 1);
	bool keeps = str_equal(op, "plan_apply") || str_equal(op, "plan_create");
	(void)run(d, who, op, has_plan(op_find(op)) && !keeps ? dry : args);
	const struct err *e = &d->call.task.err;
	return e->kind ? str_format("%s: %s (%s)", err_kind_name(e->kind), e->message, e->hint)
		       : str_dup(buf_text(&d->call.result));
}

/* New ids of what a dry run would make, and the hash over them, are other ones each time. */
static bool is_same_each_time(const char *op)
{
	return op_find(op)->effects == OP_READS;
}

/* A place in a log counts its bytes, whoever may read them. */
static void cut_place(char *text, const char *key)
{
	char *place = strstr(text, key);
	char *end = place ? strchr(place + strlen(key), '"') : NULL;
	if (end && memchr(place, ';', (size_t)(end - place)))
		memmove(place, end, strlen(end) + 1);
}

static void cut_places(char *text)
{
	cut_place(text, "\"newest\":\"");
	cut_place(text, "\"next_cursor\":\"");
}

static void reads_say_the_same_with_and_without_what_is_outside(void **state)
{
	struct desk *alone = *state, *full;
	void *other = NULL;
	assert_int_equal(desk_open(&other), 0);
	full = other;
	inside_make(alone);
	inside_make(full);
	outside_make(full);
	struct principal who = part(alone), same = part(full);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		for (size_t k = 0; k < MOST && calls[i].args[k]; k++) {
			if (!is_same_each_time(calls[i].op))
				continue;
			AUTO(str_t) less = told(alone, &who, calls[i].op, calls[i].args[k]);
			AUTO(str_t) more = told(full, &same, calls[i].op, calls[i].args[k]);
			cut_places(less);
			cut_places(more);
			if (!str_equal(less, more))
				fail_msg("%s %s:\n%s\n%s", calls[i].op, calls[i].args[k], less,
					 more);
		}
	}
	assert_int_equal(desk_close(&other), 0);
}

/* ---- words ---- */

/* What is inside tells of what is outside. */
static void words_make(struct desk *d)
{
	static const char words[] =
		"Rule 1 (old." SECRET ".org) of tunnel " SECRET "-tun stands in the way";
	struct tunnel *web = world_find_tunnel(d->world, "web");
	struct route *r = world_find_route(d->world, "app.example.com", NULL);
	struct record *rec = world_find_record(d->world, "app.example.com", "CNAME");
	struct connector *c = d->world->connectors.items[0];
	struct err e;
	(void)err_set(&e, ERR_CONFLICT, "%s", words);
	(void)err_hint(&e, "Mend %s-tun.", SECRET);
	problem_set(&web->problem, &e, NOW_MS);
	problem_set(&r->problem, &e, NOW_MS);
	problem_set(&rec->problem, &e, NOW_MS);
	problem_set(&c->problem, &e, NOW_MS);
	problem_set(&d->world->system.access_problem, &e, NOW_MS);
	str_set(&d->world->system.writes_off, words);
	str_set(&c->reason, words);
	str_set(&c->last_line, words);
	str_set(&connector_past_make(c)->last_exit, words);
	str_set(&rec->observed.comment, words);
	str_set(&rec->observed.content, SECRET ".org");
	rec->observed.found = true;
	rec->observed.looked_ms = rec->observed.named_ms = 1;
	d->world->revision = 2;
	revision_make(d, "app.example.com", words);
}

/* The words of whoever asks are his own. */
static void check_clean(const char *op, const char *template, const char *text)
{
	AUTO(str_t) args = with_name(template, SECRET);
	bool echoes = strstr(args, SECRET) &&
		      (!str_starts(text, "{") || str_equal(op, "manifest_export"));
	if (strstr(text, SECRET) && !echoes)
		fail_msg("%s %s: %s", op, args, text);
	if (strstr(text, "old.") || strstr(text, "Mend "))
		fail_msg("%s %s: %s", op, args, text);
}

static void no_name_comes_out_in_words(void **state)
{
	struct desk *d = *state;
	inside_make(d);
	outside_make(d);
	words_make(d);
	struct principal who = part(d);
	size_t asked = 0;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		for (size_t k = 0; k < MOST && calls[i].args[k]; k++) {
			/* the caller's own word is in it */
			if (strstr(calls[i].args[k], "old.@"))
				continue;
			AUTO(str_t) text = told(d, &who, calls[i].op, calls[i].args[k]);
			check_clean(calls[i].op, calls[i].args[k], text);
			asked++;
		}
	}
	assert_true(asked > 80);
	(void)run(d, &root, "status_get", "{}");
	assert_non_null(strstr(buf_text(&d->call.result), SECRET));
}

/* Ids of what is outside, and Cloudflare's ids of it. */
static void no_id_comes_out(void **state)
{
	struct desk *d = *state;
	inside_make(d);
	outside_make(d);
	words_make(d);
	struct principal who = part(d);
	const struct tunnel *t = world_find_tunnel(d->world, SECRET "-tun");
	const struct zone *z = world_find_zone(d->world, SECRET ".org");
	const struct route *r = world_find_route(d->world, SECRET "-shared.example.net", NULL);
	const char *ids[] = {t->id, t->remote_id, z->id, r->id};
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		for (size_t k = 0; k < MOST && calls[i].args[k]; k++) {
			AUTO(str_t) text = told(d, &who, calls[i].op, calls[i].args[k]);
			for (size_t n = 0; n < ARRAY_LEN(ids); n++)
				if (strstr(text, ids[n]))
					fail_msg("%s: %s", calls[i].op, text);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_asked),
		TEST(reads_say_the_same_with_and_without_what_is_outside),
		TEST(no_name_comes_out_in_words),
		TEST(no_id_comes_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
