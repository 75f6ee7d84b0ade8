/* The history against what really happened: after any changes the store's history adds up to the
 * world, and any revision can be gone back to. A real store, no network. */
#include "tests/unit/ops/write_desk.h"

static const struct principal viewer = {
	.role = ROLE_VIEWER, .door = OP_DOOR_SOCKET, .uid = 1000, .name = "eve (uid 1000)"};

static uint64_t seed;

static int history_open(void **state)
{
	int rc = desk_open(state);
	((struct desk *)*state)->settings.safety.max_delete = 100000;
	seed = 88172645463325252;
	return rc;
}

/* The result as text, or the error's kind. The caller frees it. */
static char *answer_of(struct desk *d, const struct principal *who, const char *op,
		       const char *args)
{
	struct call c;
	char *text;
	d->done = 0;
	begin(d, &c, who, op, args);
	wait_for(d, 1);
	text = str_dup(c.task.err.kind ? err_kind_name(c.task.err.kind) : buf_text(&c.result));
	call_fini(&c);
	return text;
}

PRINTF(3, 4) static char *run_fmt(struct desk *d, const char *op, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) args = str_vformat(fmt, ap);
	va_end(ap);
	return answer_of(d, &root, op, args);
}

static void load(struct desk *d, int64_t revision, struct snapshot *s)
{
	struct err e;
	if (store_load_snapshot(d->store, revision, s, &e) < 0)
		fail_msg("revision %lld: %s", (long long)revision, e.message);
}

/* ---- history and world ---- */

static void check_tunnel(const struct world *w, const struct edit *d)
{
	const struct tunnel *t = world_tunnel(w, d->id);
	assert_non_null(t);
	assert_int_equal(t->want, WANT_PRESENT);
	assert_string_equal(t->name, d->name);
	assert_int_equal(t->replicas, d->replicas);
	assert_int_equal(t->joined, d->joined);
	assert_true(str_equal(drift_policy_name(t->drift), d->drift));
}

static void check_route(const struct world *w, const struct edit *d)
{
	const struct route *r = world_route(w, d->id);
	assert_non_null(r);
	assert_string_equal(r->tunnel_id, d->tunnel_id);
	assert_string_equal(r->hostname, d->name);
	assert_string_equal(r->service, d->service);
	assert_true(str_equal(r->path, d->path));
	assert_true(str_equal(r->origin, d->origin));
	assert_true(str_equal(drift_policy_name(r->drift), d->drift));
}

static void check_record(const struct world *w, const struct edit *d)
{
	const struct record *r = world_record(w, d->id);
	assert_non_null(r);
	assert_int_equal(r->want, WANT_PRESENT);
	assert_string_equal(r->tunnel_id, d->tunnel_id);
	assert_string_equal(r->name, d->name);
	assert_string_equal(r->type, d->type);
	assert_int_equal(r->proxied, d->proxied);
	assert_true(str_equal(r->comment, d->comment));
	assert_true(str_equal(r->content, d->content));
	assert_int_equal(r->ttl, d->ttl ? d->ttl : 1);
	assert_int_equal(r->priority, d->priority);
	assert_true(str_equal(drift_policy_name(r->drift), d->drift));
}

static size_t count_wanted(const struct world *w)
{
	size_t n = w->routes.n;
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		n += t->want == WANT_PRESENT;
	TABLE_EACH (j, struct record, r, &w->records)
		n += r->want == WANT_PRESENT;
	return n;
}

static void check_history(struct desk *d)
{
	AUTO(snapshot_t) s = {0};
	load(d, d->world->revision, &s);
	assert_int_equal(s.n, count_wanted(d->world));
	for (size_t i = 0; i < s.n; i++)
		if (s.items[i].kind == EDIT_TUNNEL_PUT)
			check_tunnel(d->world, &s.items[i]);
		else if (s.items[i].kind == EDIT_ROUTE_PUT)
			check_route(d->world, &s.items[i]);
		else
			check_record(d->world, &s.items[i]);
}

/* ---- random changes ---- */

static uint64_t draw(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* What is to be deleted goes, as the reconciler does it. */
static void sweep(struct desk *d)
{
	struct strlist gone = {0};
	struct err e;
	TABLE_EACH (i, struct record, r, &d->world->records)
		if (r->want == WANT_ABSENT)
			strlist_add(&gone, r->id);
	TABLE_EACH (j, struct tunnel, t, &d->world->tunnels)
		if (t->want == WANT_ABSENT)
			strlist_add(&gone, t->id);
	for (size_t k = 0; k < gone.n; k++) {
		enum object_type type = gone.items[k][0] == 't' ? OBJECT_TUNNEL : OBJECT_RECORD;
		assert_int_equal(store_begin(d->store, &e), 0);
		assert_int_equal(store_drop(d->store, type, gone.items[k], &e), 0);
		assert_int_equal(store_commit(d->store, &e), 0);
		assert_true(world_drop(d->world, type, gone.items[k]));
	}
	strlist_free(&gone);
}

static char *change(struct desk *d)
{
	int name = (int)draw(4), tunnel = (int)draw(3), number = (int)draw(5);
	const char *path = draw(3) ? "" : ",\"path\":\"^/x\"";
	switch (draw(8)) {
	case 0:
		return run_fmt(d, "tunnel_create", "{\"name\":\"t%d\",\"replicas\":%d,%s}", tunnel,
			       number, "\"wait\":false,\"approve\":true");
	case 1:
		return run_fmt(d, "tunnel_delete", "{\"tunnel\":\"t%d\",\"cascade\":true,%s}",
			       tunnel, "\"wait\":false,\"approve\":true");
	case 2:
		return run_fmt(d, "route_delete", "{\"hostname\":\"n%d.example.com\"%s,%s}", name,
			       path, "\"wait\":false,\"approve\":true");
	case 3:
		return run_fmt(d, "dns_set",
			       "{\"name\":\"m%d.example.com\",\"type\":\"%s\",\"content\":"
			       "\"192.0.2.%d\",\"ttl\":%d,\"wait\":false,\"approve\":true}",
			       name, draw(2) ? "A" : "TXT", number, number ? 300 : 1);
	case 4:
		return run_fmt(d, "dns_delete", "{\"name\":\"m%d.example.com\",\"type\":\"A\",%s}",
			       name, "\"wait\":false,\"approve\":true");
	default:
		return run_fmt(d, "route_set",
			       "{\"hostname\":\"n%d.example.com\",\"service\":"
			       "\"http://127.0.0.1:%d\",\"tunnel\":\"t%d\"%s%s,"
			       "\"wait\":false,\"approve\":true}",
			       name, 8000 + number, tunnel, path,
			       draw(4) ? "" : ",\"drift\":\"repair\"");
	}
}

/* A stored plan changes nothing until it is applied, or approved where it needs that. */
static void carry_out(struct desk *d, const char *text)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (json_parse(text, strlen(text), NULL, &doc, &e) < 0)
		fail_msg("%s: %s", text, e.message);
	const struct json *plan = json_root(doc);
	bool waits = str_equal(json_get_string(plan, "state"), "needs_approval");
	AUTO(str_t)
	done = run_fmt(d, waits ? "plan_approve" : "plan_apply",
		       "{\"plan\":\"%s\",\"hash\":\"%s\",\"wait\":false}",
		       json_get_string(plan, "plan"), json_get_string(plan, "hash"));
	if (!strstr(done, "\"applied\""))
		fail_msg("%s: %s", text, done);
}

static void goes_back(struct desk *d, int64_t revision)
{
	AUTO(snapshot_t) then = {0};
	AUTO(snapshot_t) now = {0};
	AUTO(plan_t) p = plan_new("x", "y", NULL);
	AUTO(str_t)
	text = run_fmt(d, "plan_create", "{\"revision\":%lld}", (long long)revision);
	if (!strstr(text, "\"unchanged\""))
		carry_out(d, text);
	load(d, revision, &then);
	load(d, d->world->revision, &now);
	snapshot_align(&then, &now, NULL);
	snapshot_diff(&then, &now, p);
	assert_int_equal(p->n_edits, 0);
}

static void says(struct desk *d, const struct principal *who, const char *op, const char *args,
		 const char *part)
{
	AUTO(str_t) text = answer_of(d, who, op, args);
	if (!strstr(text, part))
		fail_msg("%s %s: \"%s\" is not in %s", op, args, part, text);
}

static void every_kind_took_part(struct desk *d)
{
	static const char *const ops[] = {"route_set",  "route_delete",  "dns_set",
					  "dns_delete", "tunnel_create", "tunnel_delete",
					  "plan_create"};
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		says(d, &viewer, "revision_list", "{\"limit\":1000}", ops[i]);
}

static void any_revision_can_be_gone_back_to(void **state)
{
	struct desk *d = *state;
	int applied = 0;
	for (int i = 0; i < 250; i++) {
		AUTO(str_t) told = change(d);
		applied += strstr(told, "\"applied\"") != NULL;
		check_history(d);
		if (draw(3) == 0)
			sweep(d);
		if (i % 5 || d->world->revision < 2)
			continue;
		sweep(d);
		goes_back(d, 1 + (int64_t)draw((uint64_t)d->world->revision));
		check_history(d);
	}
	assert_true(applied > 60);
	every_kind_took_part(d);
}

/* ---- what is refused ---- */

static void who_may_and_what_is_there(void **state)
{
	struct desk *d = *state;
	says(d, &viewer, "revision_list", "{}", "\"total\":0");
	says(d, &root, "plan_create", "{\"revision\":1}", "not_found");
	says(d, &root, "route_set", PUBLISH, "\"applied\"");
	says(d, &viewer, "plan_create", "{\"revision\":1}", "denied");
	says(d, &viewer, "revision_diff", "{\"from\":0}", "\"count\":3");
	says(d, &viewer, "revision_diff", "{\"from\":0,\"to\":2}", "not_found");
	says(d, &viewer, "revision_list", "{\"object\":\"APP.example.com\"}", "\"total\":1");
	says(d, &viewer, "revision_list", "{\"object\":\"b.example.com\"}", "\"total\":0");
	says(d, &viewer, "revision_list", "{\"cursor\":\"x\"}", "invalid");
	says(d, &root, "plan_create", "{\"revision\":1}", "\"unchanged\"");
	d->ops.store = NULL;
	says(d, &viewer, "revision_list", "{}", "internal");
	says(d, &viewer, "revision_diff", "{\"from\":0}", "internal");
	says(d, &root, "plan_create", "{\"revision\":1}", "internal");
}

static void a_tunnel_on_its_way_out_is_waited_for(void **state)
{
	struct desk *d = *state;
	says(d, &root, "route_set", PUBLISH, "\"applied\"");
	says(d, &root, "tunnel_delete",
	     "{\"tunnel\":\"edge1\",\"cascade\":true,\"wait\":false,\"approve\":true}",
	     "\"applied\"");
	says(d, &root, "plan_create", "{\"revision\":1}", "conflict");
	sweep(d);
	says(d, &root, "plan_create", "{\"revision\":1,\"dry_run\":true}", "made anew");
	says(d, &root, "plan_create", "{\"revision\":1}", "\"planned\"");
	says(d, &root, "revision_list", "{}", "\"total\":2");
	says(d, &viewer, "plan_apply", "{\"plan\":\"p3\"}", "denied");
	says(d, &root, "plan_apply", "{\"plan\":\"p3\",\"wait\":false}", "\"applied\"");
	says(d, &root, "revision_diff", "{\"from\":1}", "deleted and made anew");
	check_history(d);
}

#define HISTORY_TEST(name) cmocka_unit_test_setup_teardown(name, history_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HISTORY_TEST(any_revision_can_be_gone_back_to),
		HISTORY_TEST(who_may_and_what_is_there),
		HISTORY_TEST(a_tunnel_on_its_way_out_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
