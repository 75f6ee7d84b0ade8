/* Desired state: every field comes back, in order of creation; secrets go with their tunnel. */
#include "tests/unit/store/fixture.h"

#define REMOTE "c1744f8b-faa1-48a4-9e5c-02ac921467fa"
#define CANARY "canary-9f86d081884c7d65"

static struct tunnel *make_tunnel(struct fixture *f, const char *name)
{
	struct tunnel *t = tunnel_new(name);

	OK(f, store_save_tunnel(f->s, t, &f->e));
	return t;
}

static struct world *load(struct fixture *f)
{
	struct world *w = world_new();

	OK(f, store_load(f->s, w, &f->e));
	return w;
}

static void an_empty_store_loads_empty(void **state)
{
	struct fixture *f = *state;
	struct world *w;

	open_store(f);
	w = load(f);
	assert_int_equal(w->tunnels.n + w->routes.n + w->records.n + w->connectors.n, 0);
	assert_int_equal(w->revision, 0);
	world_free(w);
}

static void tunnels_come_back(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t = tunnel_new("web \xc3\xa9");
	struct tunnel *back;
	struct world *w;

	t->want = WANT_ABSENT;
	t->replicas = 3;
	t->generation = 7;
	t->applied_generation = 6;
	str_copy(t->remote_id, sizeof(t->remote_id), REMOTE);
	t->create_sent_ms = 1700000000123;
	t->token_generation = 2;
	t->config_version = 41;
	t->observed.gone = true;
	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_save_tunnel(f->s, t, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	w = load(f);
	assert_int_equal(w->tunnels.n, 1);
	back = world_tunnel(w, t->id);
	assert_non_null(back);
	assert_string_equal(back->name, t->name);
	assert_int_equal(back->want, WANT_ABSENT);
	assert_int_equal(back->replicas, 3);
	assert_int_equal(back->generation, 7);
	assert_int_equal(back->applied_generation, 6);
	assert_string_equal(back->remote_id, REMOTE);
	assert_int_equal(back->create_sent_ms, 1700000000123);
	assert_int_equal(back->token_generation, 2);
	assert_int_equal(back->config_version, 41);
	assert_false(back->observed.gone);
	world_free(w);
	tunnel_free(t);
}

static void an_update_changes_every_field(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t, *back;
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	str_set(&t->name, "shop");
	t->want = WANT_ABSENT;
	t->replicas = 25;
	t->generation = 2;
	t->applied_generation = 1;
	str_copy(t->remote_id, sizeof(t->remote_id), REMOTE);
	t->create_sent_ms = 5;
	t->token_generation = 6;
	t->config_version = 7;
	OK(f, store_save_tunnel(f->s, t, &f->e));
	OK(f, store_commit(f->s, &f->e));
	w = load(f);
	assert_int_equal(w->tunnels.n, 1);
	back = world_tunnel(w, t->id);
	assert_string_equal(back->name, "shop");
	assert_int_equal(back->want, WANT_ABSENT);
	assert_int_equal(back->replicas, 25);
	assert_int_equal(back->generation, 2);
	assert_int_equal(back->applied_generation, 1);
	assert_string_equal(back->remote_id, REMOTE);
	assert_int_equal(back->create_sent_ms, 5);
	assert_int_equal(back->token_generation, 6);
	assert_int_equal(back->config_version, 7);
	world_free(w);
	tunnel_free(t);
}

static struct route *fill_route(const struct tunnel *t, const char *path, const char *origin)
{
	struct route *r = route_new();

	str_copy(r->tunnel_id, sizeof(r->tunnel_id), t->id);
	str_set(&r->hostname, "app.example.com");
	str_set(&r->path, path);
	str_set(&r->service, "http://127.0.0.1:8080");
	str_set(&r->origin, origin);
	r->generation = 9;
	return r;
}

static void same_route(const struct route *a, const struct route *b)
{
	assert_non_null(b);
	assert_string_equal(a->tunnel_id, b->tunnel_id);
	assert_string_equal(a->hostname, b->hostname);
	assert_true(str_equal(a->path, b->path));
	assert_string_equal(a->service, b->service);
	assert_true(str_equal(a->origin, b->origin));
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->probing, b->probing);
	assert_int_equal(a->until_ms, b->until_ms);
}

static void routes_come_back(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t, *other;
	struct route *full, *bare;
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	other = make_tunnel(f, "other");
	full = fill_route(t, "^/api", "{\"noTLSVerify\":true}");
	bare = fill_route(t, NULL, NULL);
	full->probing = PROBE_HTTP;
	full->until_ms = 1700000000000;
	OK(f, store_save_route(f->s, full, &f->e));
	OK(f, store_save_route(f->s, bare, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	w = load(f);
	same_route(full, world_route(w, full->id));
	same_route(bare, world_route(w, bare->id));
	world_free(w);

	str_copy(full->tunnel_id, sizeof(full->tunnel_id), other->id);
	str_set(&full->hostname, "b.example.com");
	str_set(&full->path, NULL);
	str_set(&full->service, "https://127.0.0.1:1");
	str_set(&full->origin, "{}");
	full->generation = 10;
	full->probing = PROBE_NONE;
	full->until_ms = 0;
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_save_route(f->s, full, &f->e));
	OK(f, store_commit(f->s, &f->e));
	w = load(f);
	same_route(full, world_route(w, full->id));
	world_free(w);
	route_free(full);
	route_free(bare);
	tunnel_free(t);
	tunnel_free(other);
}

static void same_record(const struct record *a, const struct record *b)
{
	assert_non_null(b);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->type, b->type);
	assert_string_equal(a->tunnel_id, b->tunnel_id);
	assert_true(str_equal(a->content, b->content));
	assert_true(str_equal(a->comment, b->comment));
	assert_int_equal(a->proxied, b->proxied);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->want, b->want);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->applied_generation, b->applied_generation);
	assert_string_equal(a->zone_id, b->zone_id);
	assert_string_equal(a->remote_id, b->remote_id);
	assert_int_equal(a->create_sent_ms, b->create_sent_ms);
}

static void fill_record(struct record *r)
{
	str_set(&r->name, "b.example.com");
	str_set(&r->type, "A");
	str_copy(r->tunnel_id, sizeof(r->tunnel_id), "t0123456789");
	str_set(&r->content, "192.0.2.1");
	str_set(&r->comment, "the shop");
	r->proxied = !r->proxied;
	r->ttl = 300;
	r->want = WANT_ABSENT;
	r->generation = 4;
	r->applied_generation = 3;
	str_copy(r->zone_id, sizeof(r->zone_id), ACCOUNT);
	str_copy(r->remote_id, sizeof(r->remote_id), "372e67954025e0ba6aaa6d586b9e0b59");
	r->create_sent_ms = 1700000000456;
}

static void records_come_back(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new("a.example.com", "CNAME");
	struct world *w;

	open_store(f);
	for (int full = 0; full < 2; full++) {
		if (full)
			fill_record(r);
		OK(f, store_begin(f->s, &f->e));
		OK(f, store_save_record(f->s, r, &f->e));
		OK(f, store_commit(f->s, &f->e));
		reopen_store(f);
		w = load(f);
		assert_int_equal(w->records.n, 1);
		same_record(r, world_record(w, r->id));
		world_free(w);
	}
	record_free(r);
}

static void mx_records_keep_their_priority(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new("a.example.com", "MX");
	struct world *w;

	open_store(f);
	for (int n = 0; n < 3; n++) {
		str_set(&r->content, n == 2 ? NULL : "mx.example.net");
		r->priority = n == 1 ? 65535 : 0;
		OK(f, store_begin(f->s, &f->e));
		OK(f, store_save_record(f->s, r, &f->e));
		OK(f, store_commit(f->s, &f->e));
		reopen_store(f);
		w = load(f);
		same_record(r, world_record(w, r->id));
		world_free(w);
	}
	close_store(f);
	for (int n = 0; n < 3; n++) {
		raw(f, n == 0   ? "UPDATE record SET content = 'mx.example.net'"
		       : n == 1 ? "UPDATE record SET content = '10'"
				: "UPDATE record SET content = '10mx.example.net'");
		open_store(f);
		w = world_new();
		REFUSED(f, ERR_INTERNAL, store_load(f->s, w, &f->e));
		world_free(w);
		close_store(f);
	}
	record_free(r);
}

static enum want want_of(int i)
{
	return i == 3 ? WANT_RELEASED : i == 4 ? WANT_ABSENT : WANT_PRESENT;
}

/* One at a time, so that none is kept in another's place. */
static void every_mark_of_a_tunnel_comes_back(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t = tunnel_new("web");

	open_store(f);
	for (int i = 0; i < 6; i++) {
		t->joined = i == 0;
		t->convert = i == 1;
		t->token_stale = i == 2;
		t->want = want_of(i);
		t->drift = (enum drift_policy)(i % DRIFT_POLICIES);
		str_set(&t->manifest, i % 2 ? "site" : NULL);
		OK(f, store_begin(f->s, &f->e));
		OK(f, store_save_tunnel(f->s, t, &f->e));
		OK(f, store_commit(f->s, &f->e));
		struct world *w = load(f);
		const struct tunnel *back = world_tunnel(w, t->id);
		assert_int_equal(back->joined, t->joined);
		assert_int_equal(back->convert, t->convert);
		assert_int_equal(back->token_stale, t->token_stale);
		assert_int_equal(back->want, t->want);
		assert_int_equal(back->drift, t->drift);
		assert_true(str_equal(back->manifest, t->manifest));
		world_free(w);
	}
	tunnel_free(t);
}

static bool is_adopted(struct fixture *f, const char *id)
{
	struct world *w = load(f);
	bool adopted = world_tunnel(w, id)->adopted;

	world_free(w);
	return adopted;
}

/* Whoever made a tunnel has its secret. */
static void a_tunnel_without_our_secret_is_adopted(void **state)
{
	struct fixture *f = *state;
	AUTO(secret_t) secret = {0};
	struct tunnel *t;

	secret_set(&secret, CANARY, strlen(CANARY));
	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	assert_false(is_adopted(f, t->id)); /* not made yet */
	str_copy(t->remote_id, sizeof(t->remote_id), REMOTE);
	OK(f, store_save_tunnel(f->s, t, &f->e));
	assert_true(is_adopted(f, t->id));
	OK(f, store_save_secret(f->s, t->id, &secret, &f->e));
	assert_false(is_adopted(f, t->id));
	OK(f, store_commit(f->s, &f->e));
	tunnel_free(t);
}

static void what_may_be_taken_comes_back(void **state)
{
	struct fixture *f = *state;
	struct record *d = record_new("a.example.com", "TXT");
	struct route *r;
	struct tunnel *t;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	r = fill_route(t, NULL, NULL);
	for (int i = 0; i < 6; i++) {
		r->applied_generation = i;
		r->drift = d->drift = (enum drift_policy)(i % DRIFT_POLICIES);
		d->want = want_of(i);
		str_set(&r->takes, i % 2 ? "[1]" : NULL);
		str_set(&d->takes, i % 2 ? "[2]" : NULL);
		str_set(&d->applied, i % 2 ? "{}" : NULL);
		str_set(&d->asked, i % 2 ? NULL : "p4");
		str_set(&r->manifest, i % 3 ? "site" : NULL);
		str_set(&d->manifest, i % 3 ? "zone" : NULL);
		OK(f, store_save_route(f->s, r, &f->e));
		OK(f, store_save_record(f->s, d, &f->e));
		struct world *w = load(f);
		const struct route *route = world_route(w, r->id);
		const struct record *record = world_record(w, d->id);
		assert_int_equal(route->applied_generation, i);
		assert_int_equal(route->drift, r->drift);
		assert_true(str_equal(route->takes, r->takes));
		assert_true(str_equal(route->manifest, r->manifest));
		assert_int_equal(record->want, d->want);
		assert_int_equal(record->drift, d->drift);
		assert_true(str_equal(record->takes, d->takes));
		assert_true(str_equal(record->applied, d->applied));
		assert_true(str_equal(record->asked, d->asked));
		assert_true(str_equal(record->manifest, d->manifest));
		world_free(w);
	}
	OK(f, store_commit(f->s, &f->e));
	tunnel_free(t);
	route_free(r);
	record_free(d);
}

static void connectors_come_back(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t;
	struct connector *c, *back;
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	c = connector_new(t->id, 25);
	OK(f, store_save_connector(f->s, c, &f->e));
	c->want = WANT_ABSENT;
	connector_set_stopped(c, &(struct connector_stop){"ops", "a new disk", 1234567890123});
	c->token_generation = 3;
	c->restarts = 12;
	c->restart_asked = 4;
	c->pid = 4711;
	OK(f, store_save_connector(f->s, c, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	w = load(f);
	back = world_connector(w, c->id);
	assert_non_null(back);
	assert_string_equal(back->tunnel_id, t->id);
	assert_int_equal(back->slot, 25);
	assert_int_equal(back->want, WANT_ABSENT);
	assert_true(back->stopped_by_user);
	assert_string_equal(connector_past(back)->stopped_by, "ops");
	assert_string_equal(connector_past(back)->stopped_why, "a new disk");
	assert_int_equal(back->stopped_until_ms, 1234567890123);
	assert_int_equal(back->token_generation, 3);
	assert_int_equal(back->restarts, 12);
	assert_int_equal(back->restart_asked, 0);
	assert_int_equal(back->pid, 0);
	assert_int_equal(back->state, CONNECTOR_STOPPED);
	world_free(w);
	connector_free(c);
	tunnel_free(t);
}

static void order_of_creation_stays(void **state)
{
	struct fixture *f = *state;
	char ids[40][ID_SIZE];
	struct world *w;

	open_store(f);
	for (int i = 0; i < 40; i++) {
		struct tunnel *t;

		if (i % 10 == 0)
			reopen_store(f);
		OK(f, store_begin(f->s, &f->e));
		t = make_tunnel(f, "web");
		str_copy(ids[i], sizeof(ids[i]), t->id);
		OK(f, store_commit(f->s, &f->e));
		tunnel_free(t);
	}
	w = load(f);
	OK(f, store_begin(f->s, &f->e));
	for (int i = 39; i >= 0; i -= 3)
		OK(f, store_save_tunnel(f->s, world_tunnel(w, ids[i]), &f->e));
	OK(f, store_commit(f->s, &f->e));
	world_free(w);
	w = load(f);
	assert_int_equal(w->tunnels.n, 40);
	for (size_t i = 0; i < 40; i++)
		assert_string_equal(((struct tunnel *)w->tunnels.items[i])->id, ids[i]);
	world_free(w);
}

/* ---- secrets, rules, dropping ---- */

static void save_all_of(struct fixture *f, const struct tunnel *t)
{
	struct secret secret = {0}, token = {0};
	struct connector *c = connector_new(t->id, 1);

	secret_set(&secret, CANARY "\0secret", sizeof(CANARY "\0secret") - 1);
	secret_set(&token, CANARY "token", sizeof(CANARY "token") - 1);
	OK(f, store_save_secret(f->s, t->id, &token, &f->e));
	OK(f, store_save_secret(f->s, t->id, &secret, &f->e));
	OK(f, store_save_token(f->s, t->id, &token, &f->e));
	OK(f, store_save_rules(f->s, t->id, "[]", &f->e));
	OK(f, store_save_rules(f->s, t->id, "[{\"service\":\"x\"}]", &f->e));
	OK(f, store_save_connector(f->s, c, &f->e));
	connector_free(c);
	secret_free(&secret);
	secret_free(&token);
}

static void secrets_and_rules_come_back(void **state)
{
	struct fixture *f = *state;
	struct secret secret = {0}, token = {0};
	struct tunnel *t;
	AUTO(str_t) rules = NULL;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	REFUSED(f, ERR_NOT_FOUND, store_load_secret(f->s, t->id, &secret, &f->e));
	REFUSED(f, ERR_NOT_FOUND, store_load_token(f->s, t->id, &token, &f->e));
	assert_null(secret.data);
	OK(f, store_load_rules(f->s, t->id, &rules, &f->e));
	assert_string_equal(rules, "[]");
	free(steal(&rules));
	save_all_of(f, t);
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	OK(f, store_load_secret(f->s, t->id, &secret, &f->e));
	assert_int_equal(secret.len, sizeof(CANARY "\0secret") - 1);
	assert_memory_equal(secret.data, CANARY "\0secret", secret.len);
	OK(f, store_load_token(f->s, t->id, &token, &f->e));
	assert_string_equal(token.data, CANARY "token");
	OK(f, store_load_rules(f->s, t->id, &rules, &f->e));
	assert_string_equal(rules, "[{\"service\":\"x\"}]");
	secret_free(&secret);
	secret_free(&token);
	tunnel_free(t);
}

static bool file_holds(struct fixture *f, const char *text)
{
	AUTO(str_t) path = path_in(f, "adit.db");
	char *bytes = mem_alloc(1 << 20);
	FILE *file = fopen(path, "re");
	size_t n;
	bool found;

	assert_non_null(file);
	n = fread(bytes, 1, 1 << 20, file);
	assert_true(n > 0 && n < 1 << 20);
	fclose(file);
	found = memmem(bytes, n, text, strlen(text)) != NULL;
	free(bytes);
	return found;
}

static void a_dropped_tunnel_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct secret secret = {0};
	struct tunnel *t;
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	save_all_of(f, t);
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	assert_true(file_holds(f, CANARY));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_drop(f->s, OBJECT_TUNNEL, t->id, &f->e));
	OK(f, store_drop(f->s, OBJECT_TUNNEL, t->id, &f->e));
	OK(f, store_commit(f->s, &f->e));
	REFUSED(f, ERR_NOT_FOUND, store_load_secret(f->s, t->id, &secret, &f->e));
	REFUSED(f, ERR_NOT_FOUND, store_load_token(f->s, t->id, &secret, &f->e));
	w = load(f);
	assert_int_equal(w->tunnels.n + w->connectors.n, 0);
	world_free(w);
	close_store(f);
	assert_false(file_holds(f, CANARY));
	tunnel_free(t);
}

static void a_tunnel_with_routes_is_not_dropped(void **state)
{
	struct fixture *f = *state;
	struct tunnel *t;
	struct route *r;
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	t = make_tunnel(f, "web");
	r = fill_route(t, NULL, NULL);
	OK(f, store_save_route(f->s, r, &f->e));
	OK(f, store_commit(f->s, &f->e));
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_drop(f->s, OBJECT_TUNNEL, t->id, &f->e));
	REFUSED(f, ERR_INTERNAL, store_commit(f->s, &f->e));
	w = load(f);
	assert_int_equal(w->tunnels.n, 1);
	world_free(w);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_drop(f->s, OBJECT_TUNNEL, t->id, &f->e));
	OK(f, store_drop(f->s, OBJECT_ROUTE, r->id, &f->e));
	OK(f, store_commit(f->s, &f->e));
	route_free(r);
	tunnel_free(t);
}

static void only_what_is_kept_can_be_dropped(void **state)
{
	struct fixture *f = *state;
	struct record *r = record_new("a.example.com", "CNAME");
	struct connector *c = connector_new("t0123456789", 1);
	struct world *w;

	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_save_record(f->s, r, &f->e));
	OK(f, store_save_connector(f->s, c, &f->e));
	OK(f, store_drop(f->s, OBJECT_RECORD, r->id, &f->e));
	OK(f, store_drop(f->s, OBJECT_CONNECTOR, c->id, &f->e));
	REFUSED(f, ERR_INTERNAL, store_drop(f->s, OBJECT_ZONE, "z", &f->e));
	REFUSED(f, ERR_INTERNAL, store_drop(f->s, OBJECT_PLAN, "p1", &f->e));
	REFUSED(f, ERR_INTERNAL, store_drop(f->s, OBJECT_SYSTEM, "", &f->e));
	OK(f, store_commit(f->s, &f->e));
	w = load(f);
	assert_int_equal(w->records.n + w->connectors.n, 0);
	world_free(w);
	record_free(r);
	connector_free(c);
}

static void rows_that_do_not_fit_are_refused(void **state)
{
	static const char *const spoils[] = {
		"UPDATE tunnel SET remote_id = printf('%40s', 'x')",
		"UPDATE tunnel SET id = ''",
		"UPDATE connector SET slot = 0",
		"UPDATE connector SET slot = 4294967297",
		"UPDATE connector SET tunnel_id = printf('%40s', 'x')",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
		struct tunnel *t;
		struct connector *c;
		struct world *w = world_new();

		open_store(f);
		OK(f, store_begin(f->s, &f->e));
		t = make_tunnel(f, "web");
		c = connector_new(t->id, 1);
		OK(f, store_save_connector(f->s, c, &f->e));
		OK(f, store_commit(f->s, &f->e));
		raw(f, spoils[i]);
		REFUSED(f, ERR_INTERNAL, store_load(f->s, w, &f->e));
		SAYS(f, "not readable");
		world_free(w);
		connector_free(c);
		tunnel_free(t);
		close_store(f);
		remove_files(f->dir);
	}
}

/* ---- revisions ---- */

static void revisions_keep_plan_and_edits(void **state)
{
	struct fixture *f = *state;
	struct plan *p = plan_new("route_set", "uid 0 (root)", NULL);
	struct world *w;

	str_set(&plan_edit(p, EDIT_ROUTE_PUT, "r0123456789")->name, "app.example.com");
	plan_seal(p);
	open_store(f);
	OK(f, store_begin(f->s, &f->e));
	OK(f, store_add_plan(f->s, p, &f->e));
	OK(f, store_add_revision(f->s, 1, p, &f->e));
	p->number = 0;
	OK(f, store_add_revision(f->s, 2, p, &f->e));
	OK(f, store_commit(f->s, &f->e));
	reopen_store(f);
	w = load(f);
	assert_int_equal(w->revision, 2);
	world_free(w);
	assert_int_equal(raw_int(f, "SELECT plan FROM revision WHERE number = 1"), 1);
	assert_int_equal(raw_int(f, "SELECT plan IS NULL FROM revision WHERE number = 2"), 1);
	assert_int_equal(raw_int(f, "SELECT principal = 'uid 0 (root)' AND at_ms > 0"
				    " FROM revision WHERE number = 1"),
			 1);
	assert_int_equal(raw_int(f, "SELECT json_array_length(edits) FROM revision"), 1);
	assert_int_equal(raw_int(f, "SELECT edits LIKE '%r0123456789%' FROM revision"), 1);
	OK(f, store_begin(f->s, &f->e));
	REFUSED(f, ERR_INTERNAL, store_add_revision(f->s, 2, p, &f->e));
	store_rollback(f->s);
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_store_loads_empty),
		TEST(tunnels_come_back),
		TEST(an_update_changes_every_field),
		TEST(routes_come_back),
		TEST(records_come_back),
		TEST(mx_records_keep_their_priority),
		TEST(every_mark_of_a_tunnel_comes_back),
		TEST(a_tunnel_without_our_secret_is_adopted),
		TEST(what_may_be_taken_comes_back),
		TEST(connectors_come_back),
		TEST(order_of_creation_stays),
		TEST(secrets_and_rules_come_back),
		TEST(a_dropped_tunnel_leaves_nothing_behind),
		TEST(a_tunnel_with_routes_is_not_dropped),
		TEST(only_what_is_kept_can_be_dropped),
		TEST(rows_that_do_not_fit_are_refused),
		TEST(revisions_keep_plan_and_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
