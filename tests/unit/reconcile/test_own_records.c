/* Records that lead to no tunnel: what the planner does about them, and what the guard asks a
 * person for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/guard.h"
#include "reconcile/planner.h"

#define NOW 1700000000000LL
#define HEX "0123456789abcdef0123456789abcdef"

static struct world *new_world(void)
{
	struct world *w = world_new();
	w->system.zones_listed_ms = NOW;
	world_add_zone(w, zone_new(HEX, "example.com"));
	return w;
}

static struct record *add_record(struct world *w, const char *type, const char *content)
{
	struct record *r = record_new("a.example.com", type);
	str_set(&r->content, content);
	r->proxied = false;
	world_add_record(w, r);
	return r;
}

static struct record *add_made(struct world *w, const char *type, const char *content)
{
	struct record *r = add_record(w, type, content);
	(void)str_copy(r->remote_id, CF_ID_SIZE, HEX);
	(void)str_copy(r->zone_id, CF_ID_SIZE, HEX);
	r->applied_generation = r->generation;
	r->observed.looked_ms = NOW;
	r->observed.found = r->observed.marked = true;
	r->observed.ttl = 1;
	str_set(&r->observed.type, type);
	str_set(&r->observed.content, content);
	str_set(&r->observed.comment, "adit:edge1/a1b2c3d4");
	return r;
}

#define NOTHING ACTION_KINDS
#define REFUSED (-1)

static int due(const struct world *w, char *hint, size_t size)
{
	struct work k;
	int found = NOTHING;
	plan_next(w, NOW, &k);
	if (k.n_actions)
		found = (int)k.actions[0].kind;
	if (k.n_refusals) {
		found = REFUSED;
		(void)str_copy(hint, size, k.refusals[0].err.hint);
	}
	work_free(&k);
	return found;
}

static void waits_for_no_tunnel(void **state)
{
	struct world *w = new_world();
	struct record *r = add_record(w, "A", "192.0.2.1");
	char hint[256] = "";
	(void)state;
	assert_int_equal(due(w, hint, sizeof(hint)), ACT_RECORD_FIND);
	r->observed.looked_ms = NOW;
	assert_int_equal(due(w, hint, sizeof(hint)), ACT_RECORD_CREATE);
	r->observed.conflict = str_dup("A (not adit's)");
	assert_int_equal(due(w, hint, sizeof(hint)), REFUSED);
	assert_non_null(strstr(hint, "adit dns delete a.example.com A"));
	world_free(w);
}

static void a_change_is_patched_and_drift_refused(void **state)
{
	struct world *w = new_world();
	struct record *r = add_made(w, "A", "192.0.2.1");
	char hint[256] = "";
	(void)state;
	assert_int_equal(due(w, hint, sizeof(hint)), NOTHING);
	r->observed.ttl = 300;
	assert_int_equal(due(w, hint, sizeof(hint)), REFUSED);
	assert_non_null(strstr(hint, "adit plan create --drift --object a.example.com"));
	r->generation++;
	assert_int_equal(due(w, hint, sizeof(hint)), ACT_RECORD_PATCH);
	r->observed.marked = false;
	assert_int_equal(due(w, hint, sizeof(hint)), REFUSED);
	world_free(w);
}

static void gone_is_not_made_again(void **state)
{
	struct world *w = new_world();
	struct record *r = add_made(w, "TXT", "a b");
	char hint[256] = "";
	(void)state;
	r->observed.gone = true;
	assert_int_equal(due(w, hint, sizeof(hint)), REFUSED);
	assert_non_null(strstr(hint, "adit dns delete a.example.com TXT"));
	r->want = WANT_ABSENT;
	assert_int_equal(due(w, hint, sizeof(hint)), ACT_RECORD_FORGET);
	world_free(w);
}

/* ---- the guard ---- */

struct row {
	const char *type, *content; /* of the record that is there; NULL = none */
	bool proxied;
	const char *new_type, *new_content;
	bool new_proxied;
	const char *told; /* part of the approval, or of the refusal; NULL = none */
	bool refused;
};

static const struct guard_policy policy = {.max_delete = 3};

static void add_wildcard(struct world *w)
{
	struct tunnel *t = tunnel_new("web");
	struct route *r = route_new();
	world_add_tunnel(w, t);
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), t->id);
	str_set(&r->hostname, "*.wild.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(w, r);
}

static int judge(struct world *w, const struct record *r, const char *name, const struct row *x,
		 struct plan *p, struct err *e)
{
	bool same = r && str_equal(x->type, x->new_type);
	struct edit *ed = plan_edit(p, EDIT_RECORD_PUT, same ? r->id : "dnew");
	str_set(&ed->name, name);
	str_set(&ed->type, x->new_type);
	str_set(&ed->content, x->new_content);
	ed->proxied = x->new_proxied;
	return guard_check(w, &policy, p, e);
}

static void check_row(const struct row *x)
{
	struct world *w = new_world();
	struct record *r = x->type ? add_made(w, x->type, x->content) : NULL;
	AUTO(plan_t) p = plan_new("dns_set", "somebody", NULL);
	struct err e = {.kind = ERR_NONE};
	if (r)
		r->proxied = x->proxied;
	int rc = judge(w, r, "a.example.com", x, p, &e);
	assert_int_equal(rc, x->refused ? -1 : 0);
	if (x->refused) {
		assert_int_equal(e.kind, ERR_CONFLICT);
		assert_non_null(strstr(e.message, x->told));
	} else {
		assert_int_equal(p->approvals.n, x->told ? 1 : 0);
		assert_true(!x->told || strstr(p->approvals.items[0], x->told));
	}
	world_free(w);
}

static void the_guard_asks(void **state)
{
	static const struct row rows[] = {
		{NULL, NULL, false, "A", "192.0.2.1", false, NULL, false},
		{NULL, NULL, false, "A", "169.254.169.254", true, NULL, false},
		{"A", "192.0.2.1", false, "A", "192.0.2.1", false, NULL, false},
		{"A", "192.0.2.1", false, "A", "192.0.2.1", true, NULL, false},
		{"A", "192.0.2.1", false, "A", "192.0.2.2", false, "from 192.0.2.1 to 192.0.2.2",
		 false},
		{"A", "192.0.2.1", true, "A", "192.0.2.1", false, "proxy", false},
		{"AAAA", "::1", false, "AAAA", "0::1", false, NULL, false},
		{"MX", "a.b", false, "MX", "c.d", false, "Repoints", false},
		{"TXT", "a", false, "TXT", "b", false, NULL, false},
		{"A", "192.0.2.1", false, "AAAA", "::1", false, NULL, false},
		{"A", "192.0.2.1", false, "CNAME", "a.b", false, "already (A)", true},
		{"CNAME", "a.b", false, "A", "192.0.2.1", false, "already (CNAME)", true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

static void a_name_below_a_wildcard_is_asked_for(void **state)
{
	static const struct row address = {.new_type = "A", .new_content = "192.0.2.1"};
	static const struct row text = {.new_type = "TXT", .new_content = "x"};
	struct world *w = new_world();
	AUTO(plan_t) p = plan_new("dns_set", "somebody", NULL);
	AUTO(plan_t) q = plan_new("dns_set", "somebody", NULL);
	AUTO(plan_t) r = plan_new("dns_set", "somebody", NULL);
	struct err e;
	(void)state;
	add_wildcard(w);
	assert_int_equal(judge(w, NULL, "x.wild.example.com", &address, p, &e), 0);
	assert_int_equal(p->approvals.n, 1);
	assert_non_null(strstr(p->approvals.items[0], "*.wild.example.com"));
	assert_int_equal(judge(w, NULL, "x.wild.example.com", &text, q, &e), 0);
	assert_int_equal(q->approvals.n, 1);
	assert_int_equal(judge(w, NULL, "_acme.wild.example.com", &text, r, &e), 0);
	assert_int_equal(r->approvals.n, 0);
	/* A record that was never made answers nobody yet; one that was made does. */
	AUTO(plan_t) s = plan_new("dns_set", "somebody", NULL);
	struct record *other = add_record(w, "TXT", "x");
	str_set(&other->name, "x.wild.example.com");
	assert_int_equal(judge(w, NULL, "x.wild.example.com", &address, s, &e), 0);
	assert_int_equal(s->approvals.n, 1);
	(void)str_copy(other->remote_id, CF_ID_SIZE, HEX);
	assert_int_equal(guard_check(w, &policy, s, &e), 0);
	assert_int_equal(s->approvals.n, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_for_no_tunnel),
		cmocka_unit_test(a_change_is_patched_and_drift_refused),
		cmocka_unit_test(gone_is_not_made_again),
		cmocka_unit_test(the_guard_asks),
		cmocka_unit_test(a_name_below_a_wildcard_is_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
