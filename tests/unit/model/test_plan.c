/* Plans: their body survives the store, their hash tells every difference, damage is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/plan.h"

/* ---- random plans from a fixed seed ---- */

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static char *draw_text(uint64_t *seed)
{
	static const char *const texts[] = {
		"",
		"web",
		"a.example.com",
		"^/api/\\d+\"x\"",
		"line\nbreak\ttab",
		"\xc3\xa4\xe2\x82\xac",
		"{\"noTLSVerify\":true}",
		"\x01\x1f\x7f",
		"back\\slash/",
		"\xf0\x9f\x9a\x87 deep",
	};
	uint64_t n = draw(seed) % (ARRAY_LEN(texts) + 2);

	return n < ARRAY_LEN(texts) ? str_dup(texts[n]) : NULL;
}

static void draw_id(uint64_t *seed, char out[ID_SIZE])
{
	size_t len = 1 + draw(seed) % (ID_SIZE - 1);

	for (size_t i = 0; i < len; i++)
		out[i] = (char)('a' + draw(seed) % 26);
	out[len] = '\0';
}

static void draw_edit(struct plan *p, uint64_t *seed)
{
	char id[ID_SIZE];
	struct edit *d;

	draw_id(seed, id);
	d = plan_edit(p, (enum edit_kind)(draw(seed) % EDIT_KINDS), id);
	if (draw(seed) % 2)
		draw_id(seed, d->tunnel_id);
	d->name = draw_text(seed);
	d->path = draw_text(seed);
	d->service = draw_text(seed);
	d->origin = draw_text(seed);
	d->type = draw_text(seed);
	d->comment = draw_text(seed);
	d->content = draw_text(seed);
	d->ttl = (int64_t)(draw(seed) % 3);
	d->priority = (int64_t)(draw(seed) % 3);
	d->replicas = (int64_t)(draw(seed) % 26);
	d->proxied = draw(seed) % 2;
	d->drift = draw_text(seed);
	d->manifest = draw_text(seed);
	d->remote_id = draw_text(seed);
	d->zone_id = draw_text(seed);
	d->takes = draw_text(seed);
	d->seen = draw_text(seed);
	d->overwrites = (int64_t)(draw(seed) % 3);
	d->joined = draw(seed) % 2;
	d->convert = draw(seed) % 2;
	d->anew = draw(seed) % 2;
	d->rotate = draw(seed) % 2;
	d->others = draw_text(seed);
}

static struct plan *draw_plan(uint64_t *seed)
{
	static const char signs[] = "+~-=";
	struct plan *p = plan_new("route_set", "uid:1000", NULL);
	size_t edits = draw(seed) % 6, others = draw(seed) % 6;

	for (size_t i = 0; i < edits; i++)
		draw_edit(p, seed);
	for (size_t i = 0; i < others; i++) {
		AUTO(str_t) name = draw_text(seed);
		AUTO(str_t) detail = draw_text(seed);
		char id[ID_SIZE];

		if (detail)
			plan_change(p, signs[i % 4], "route", name ? name : "n", "%s", detail);
		else
			plan_change(p, signs[i % 4], "route", name ? name : "n", NULL);
		p->changes[p->n_changes - 1].in = draw_text(seed);
		draw_id(seed, id);
		plan_touch(p, id, (int64_t)(draw(seed) % (1ull << 53)));
		strlist_add(&p->approvals, name ? name : "a");
		strlist_add(&p->warnings, detail ? detail : "w");
	}
	p->base = (int64_t)(draw(seed) % 3);
	return p;
}

static bool same_edit(const struct edit *a, const struct edit *b)
{
	return a->kind == b->kind && str_equal(a->id, b->id) &&
	       str_equal(a->tunnel_id, b->tunnel_id) && str_equal(a->name, b->name) &&
	       str_equal(a->path, b->path) && str_equal(a->service, b->service) &&
	       str_equal(a->origin, b->origin) && str_equal(a->type, b->type) &&
	       str_equal(a->comment, b->comment) && str_equal(a->content, b->content) &&
	       a->ttl == b->ttl && a->priority == b->priority && a->replicas == b->replicas &&
	       a->proxied == b->proxied && str_equal(a->drift, b->drift) &&
	       str_equal(a->manifest, b->manifest) && str_equal(a->remote_id, b->remote_id) &&
	       str_equal(a->zone_id, b->zone_id) && str_equal(a->takes, b->takes) &&
	       str_equal(a->seen, b->seen) && a->overwrites == b->overwrites &&
	       a->joined == b->joined && a->convert == b->convert && a->anew == b->anew &&
	       a->rotate == b->rotate && str_equal(a->others, b->others);
}

static void expect_same(const struct plan *a, const struct plan *b)
{
	assert_int_equal(a->n_edits, b->n_edits);
	assert_int_equal(a->n_changes, b->n_changes);
	assert_int_equal(a->n_touches, b->n_touches);
	assert_int_equal(a->approvals.n, b->approvals.n);
	assert_int_equal(a->warnings.n, b->warnings.n);
	assert_int_equal(a->base, b->base);
	for (size_t i = 0; i < a->n_edits; i++)
		assert_true(same_edit(&a->edits[i], &b->edits[i]));
	for (size_t i = 0; i < a->n_changes; i++) {
		assert_int_equal(a->changes[i].sign, b->changes[i].sign);
		assert_true(str_equal(a->changes[i].object, b->changes[i].object));
		assert_true(str_equal(a->changes[i].name, b->changes[i].name));
		assert_true(str_equal(a->changes[i].detail, b->changes[i].detail));
		assert_true(str_equal(a->changes[i].in, b->changes[i].in));
	}
	for (size_t i = 0; i < a->n_touches; i++) {
		assert_string_equal(a->touches[i].id, b->touches[i].id);
		assert_int_equal(a->touches[i].generation, b->touches[i].generation);
	}
	for (size_t i = 0; i < a->approvals.n; i++)
		assert_string_equal(a->approvals.items[i], b->approvals.items[i]);
	for (size_t i = 0; i < a->warnings.n; i++)
		assert_string_equal(a->warnings.items[i], b->warnings.items[i]);
}

static void any_body_round_trips(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;

	(void)state;
	for (int round = 0; round < 500; round++) {
		AUTO(plan_t) p = draw_plan(&seed);
		AUTO(plan_t) q = draw_plan(&seed); /* what it held is replaced */
		AUTO(buf_t) text = {0};
		AUTO(buf_t) again = {0};
		struct err e = {0};

		plan_write_body(p, &text);
		if (plan_read_body(q, buf_text(&text), text.len, &e) < 0)
			fail_msg("%s: %s", e.message, buf_text(&text));
		expect_same(p, q);
		plan_write_body(q, &again);
		assert_string_equal(buf_text(&text), buf_text(&again));
		plan_seal(p);
		plan_seal(q);
		assert_string_equal(p->hash, q->hash);
	}
}

/* ---- the hash ---- */

static struct plan *sample(void)
{
	struct plan *p = plan_new("route_set", "uid:1000", "first");
	struct edit *d = plan_edit(p, EDIT_ROUTE_PUT, "r0000000001");

	strcpy(d->tunnel_id, "t0000000001");
	d->name = str_dup("a.example.com");
	d->service = str_dup("http://127.0.0.1:8080");
	plan_change(p, '+', "route", "a.example.com", "to %s", "http://127.0.0.1:8080");
	plan_touch(p, "t0000000001", 4);
	plan_seal(p);
	return p;
}

static void vary_operation(struct plan *p)
{
	str_set(&p->operation, "route_delete");
}
static void vary_edit_kind(struct plan *p)
{
	p->edits[0].kind = EDIT_ROUTE_DROP;
}
static void vary_edit_id(struct plan *p)
{
	p->edits[0].id[4] = '7';
}
static void vary_edit_tunnel(struct plan *p)
{
	p->edits[0].tunnel_id[4] = '7';
}
static void vary_edit_service(struct plan *p)
{
	str_set(&p->edits[0].service, "http://127.0.0.1:8081");
}
static void vary_edit_path(struct plan *p)
{
	str_set(&p->edits[0].path, "");
}
static void vary_edit_proxied(struct plan *p)
{
	p->edits[0].proxied = true;
}
static void vary_edit_replicas(struct plan *p)
{
	p->edits[0].replicas = 1;
}
static void vary_edit_content(struct plan *p)
{
	str_set(&p->edits[0].content, "192.0.2.1");
}
static void vary_edit_ttl(struct plan *p)
{
	p->edits[0].ttl = 300;
}
static void vary_edit_priority(struct plan *p)
{
	p->edits[0].priority = 300;
}
static void vary_edit_drift(struct plan *p)
{
	str_set(&p->edits[0].drift, "other");
}
static void vary_edit_manifest(struct plan *p)
{
	str_set(&p->edits[0].manifest, "other");
}
static void vary_edit_remote_id(struct plan *p)
{
	str_set(&p->edits[0].remote_id, "other");
}
static void vary_edit_zone_id(struct plan *p)
{
	str_set(&p->edits[0].zone_id, "other");
}
static void vary_edit_takes(struct plan *p)
{
	str_set(&p->edits[0].takes, "other");
}
static void vary_edit_seen(struct plan *p)
{
	str_set(&p->edits[0].seen, "other");
}

static void vary_edit_overwrites(struct plan *p)
{
	p->edits[0].overwrites = 3;
}

static void vary_edit_type(struct plan *p)
{
	str_set(&p->edits[0].type, "other");
}
static void vary_edit_comment(struct plan *p)
{
	str_set(&p->edits[0].comment, "other");
}
static void vary_edit_origin(struct plan *p)
{
	str_set(&p->edits[0].origin, "other");
}
static void vary_edit_name(struct plan *p)
{
	str_set(&p->edits[0].name, "other");
}
static void vary_edit_joined(struct plan *p)
{
	p->edits[0].joined = true;
}
static void vary_edit_convert(struct plan *p)
{
	p->edits[0].convert = true;
}
static void vary_edit_anew(struct plan *p)
{
	p->edits[0].anew = true;
}
static void vary_edit_rotate(struct plan *p)
{
	p->edits[0].rotate = true;
}
static void vary_edit_others(struct plan *p)
{
	str_set(&p->edits[0].others, "other");
}
static void vary_change_in(struct plan *p)
{
	str_set(&p->changes[0].in, "other");
}
static void vary_change_sign(struct plan *p)
{
	p->changes[0].sign = '~';
}
static void vary_change_detail(struct plan *p)
{
	str_set(&p->changes[0].detail, NULL);
}
static void vary_touch(struct plan *p)
{
	p->touches[0].generation++;
}
static void vary_more(struct plan *p)
{
	plan_touch(p, "d0000000001", 0);
}
static void vary_approval(struct plan *p)
{
	strlist_add(&p->approvals, "It does something else.");
}
static void vary_principal(struct plan *p)
{
	str_set(&p->principal, "uid:0");
}
static void vary_reason(struct plan *p)
{
	str_set(&p->reason, "second");
}
static void vary_state(struct plan *p)
{
	p->state = PLAN_APPLIED;
	p->number = 9;
	p->made_ms = 5;
}

static void hash_tells_every_difference(void **state)
{
	static const struct {
		void (*vary)(struct plan *p);
		bool same;
	} rows[] = {
		{vary_operation, false},      {vary_edit_kind, false},
		{vary_edit_id, false},        {vary_edit_tunnel, false},
		{vary_edit_service, false},   {vary_edit_path, false},
		{vary_edit_proxied, false},   {vary_edit_replicas, false},
		{vary_change_sign, false},    {vary_change_detail, false},
		{vary_touch, false},          {vary_more, false},
		{vary_edit_content, false},   {vary_edit_ttl, false},
		{vary_edit_priority, false},  {vary_approval, false},
		{vary_edit_drift, false},     {vary_edit_manifest, false},
		{vary_edit_remote_id, false}, {vary_edit_zone_id, false},
		{vary_edit_seen, false},      {vary_edit_overwrites, false},
		{vary_edit_takes, false},     {vary_edit_type, false},
		{vary_edit_comment, false},   {vary_edit_origin, false},
		{vary_edit_name, false},      {vary_edit_joined, false},
		{vary_edit_convert, false},   {vary_edit_anew, false},
		{vary_edit_rotate, false},    {vary_edit_others, false},
		{vary_change_in, false},      {vary_principal, true},
		{vary_reason, true},          {vary_state, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(plan_t) p = sample();
		char before[SHA256_HEX_SIZE];

		assert_true(hex_valid(p->hash, 64));
		strcpy(before, p->hash);
		rows[i].vary(p);
		plan_seal(p);
		if (str_equal(before, p->hash) != rows[i].same)
			fail_msg("row %zu", i);
	}
}

/* ---- damage ---- */

#define EDIT(rest)                                                                                 \
	"{\"edits\":[" rest "],\"changes\":[],\"touches\":[],\"approvals\":[],\"warnings\":[]}"
#define CHANGE(rest)                                                                               \
	"{\"edits\":[],\"changes\":[" rest "],\"touches\":[],\"approvals\":[],\"warnings\":[]}"
#define TOUCH(rest)                                                                                \
	"{\"edits\":[],\"changes\":[],\"touches\":[" rest "],\"approvals\":[],\"warnings\":[]}"

/* As they were stored before records had contents of their own. */
static void an_older_body_is_read(void **state)
{
	static const char text[] =
		EDIT("{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"t1\",\"name\":\"a.b\","
		     "\"type\":\"CNAME\",\"replicas\":0,\"proxied\":true}");
	AUTO(plan_t) p = plan_new("route_set", "uid:0", NULL);
	AUTO(buf_t) again = {0};
	struct err e;

	(void)state;
	assert_int_equal(plan_read_body(p, text, strlen(text), &e), 0);
	assert_null(p->edits[0].content);
	assert_int_equal(p->edits[0].ttl, 0);
	assert_int_equal(p->edits[0].priority, 0);
	plan_write_body(p, &again);
	assert_string_equal(buf_text(&again), text);
}

static void damage_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		"{\"edits\":[],\"changes\":[],\"touches\":[],\"approvals\":[]}",
		"{\"edits\":{},\"changes\":[],\"touches\":[],\"approvals\":[],\"warnings\":[]}",
		"{\"edits\":[],\"changes\":[],\"touches\":[],\"approvals\":[1],\"warnings\":[]}",
		"{\"edits\":[],\"changes\":[],\"touches\":[],\"approvals\":[],\"warnings\":[null]}",
		EDIT("null"),
		EDIT("{\"kind\":\"route_put\",\"tunnel_id\":\"\",\"replicas\":0}"),
		EDIT("{\"kind\":\"drop_all\",\"id\":\"r1\",\"tunnel_id\":\"\",\"replicas\":0}"),
		EDIT("{\"kind\":\"route_put\",\"id\":\"r1\",\"replicas\":0}"),
		EDIT("{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"\"}"),
		EDIT("{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"\",\"replicas\":"
		     "\"1\"}"),
		EDIT("{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"\",\"replicas\":0,"
		     "\"ttl\":\"1\"}"),
		EDIT("{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"\",\"replicas\":0,"
		     "\"priority\":1.5}"),
		EDIT("{\"kind\":\"record_put\",\"id\":\"d1\",\"tunnel_id\":\"\",\"replicas\":0,"
		     "\"content\":1}"),
		EDIT("{\"kind\":\"route_put\",\"id\":\"r1\",\"tunnel_id\":\"\",\"replicas\":0,"
		     "\"name\":5}"),
		EDIT("{\"kind\":\"route_put\",\"id\":\"r12345678901234567890123\",\"tunnel_id\":"
		     "\"\","
		     "\"replicas\":0}"),
		CHANGE("{\"sign\":\"++\",\"object\":\"route\",\"name\":\"x\"}"),
		CHANGE("{\"sign\":\"+\",\"name\":\"x\"}"),
		CHANGE("{\"sign\":\"+\",\"object\":\"route\"}"),
		TOUCH("{\"id\":\"r1\"}"),
		TOUCH("{\"generation\":1}"),
		TOUCH("{\"id\":\"r1\",\"generation\":1.5}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(plan_t) p = sample();
		AUTO(plan_t) untouched = sample();
		struct err e = {0};

		if (plan_read_body(p, rows[i], strlen(rows[i]), &e) == 0)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(e.kind, ERR_INVALID);
		expect_same(p, untouched);
	}
}

static void a_list_of_any_length_is_refused(void **state)
{
	AUTO(plan_t) p = sample();
	AUTO(plan_t) untouched = sample();
	AUTO(buf_t) text = {0};
	struct err e = {0};

	(void)state;
	(void)buf_str(&text, "{\"edits\":[],\"changes\":[],\"touches\":[],\"approvals\":[],"
			     "\"warnings\":[\"\"");
	for (int i = 0; i < 100000; i++)
		(void)buf_str(&text, ",\"\"");
	(void)buf_str(&text, "]}");
	assert_int_equal(plan_read_body(p, buf_text(&text), text.len, &e), -1);
	assert_non_null(strstr(e.message, "too long"));
	expect_same(p, untouched);
}

/* ---- objects as they are ---- */

static void an_object_is_put_as_it_is(void **state)
{
	AUTO(plan_t) p = plan_new("x", "y", NULL);
	struct tunnel *t = tunnel_new("web");
	struct route *r = route_new();
	struct record *d = record_new("a.example.com", "A");
	const struct edit *ed;

	(void)state;
	t->joined = true;
	t->replicas = 3;
	t->generation = 5;
	t->drift = DRIFT_REPAIR;
	str_set(&t->manifest, "site");
	ed = plan_put_tunnel(p, t);
	assert_true(ed->joined && ed->replicas == 3 && str_equal(ed->name, "web"));
	assert_true(str_equal(ed->drift, "repair") && str_equal(ed->manifest, "site"));
	assert_int_equal(p->touches[0].generation, 5);
	str_set(&r->hostname, "a.example.com");
	str_set(&r->path, "^/x");
	str_set(&r->service, "hello_world");
	str_set(&r->origin, "{}");
	ed = plan_put_route(p, r);
	assert_true(str_equal(ed->name, r->hostname) && str_equal(ed->path, r->path));
	assert_true(str_equal(ed->service, r->service) && str_equal(ed->origin, r->origin));
	assert_null(ed->drift);
	str_set(&d->content, "192.0.2.1");
	str_set(&d->comment, "words");
	ed = plan_put_record(p, d);
	assert_int_equal(ed->ttl, 0); /* automatic is not said */
	assert_true(ed->proxied && str_equal(ed->content, d->content));
	assert_true(str_equal(ed->comment, d->comment) && str_equal(ed->type, "A"));
	assert_ptr_equal(plan_put_record(p, d), ed);
	assert_int_equal(p->n_edits, 3);
	record_free(d);
	d = record_new("b.example.com", "MX");
	d->ttl = 300;
	d->priority = 7;
	ed = plan_put_record(p, d);
	assert_int_equal(ed->ttl, 300);
	assert_int_equal(ed->priority, 7);
	tunnel_free(t);
	route_free(r);
	record_free(d);
}

/* ---- the rest ---- */

static void a_touch_is_kept_once(void **state)
{
	AUTO(plan_t) p = plan_new("route_set", "uid:0", NULL);

	(void)state;
	plan_touch(p, "t1", 4);
	plan_touch(p, "t2", 1);
	plan_touch(p, "t1", 5);
	assert_int_equal(p->n_touches, 2);
	assert_int_equal(p->touches[0].generation, 4);
}

static void an_edit_begins_empty(void **state)
{
	AUTO(plan_t) p = plan_new("route_set", "uid:0", NULL);

	(void)state;
	for (int i = 0; i < 20; i++) {
		const struct edit *d = plan_edit(p, EDIT_RECORD_DROP, "d1");

		assert_int_equal(d->kind, EDIT_RECORD_DROP);
		assert_null(d->name);
		assert_null(d->comment);
		assert_int_equal(d->tunnel_id[0], 0);
		assert_false(d->proxied);
	}
	plan_free(NULL);
}

static void states_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < PLAN_STATES; i++)
		assert_int_equal(plan_state_by_name(plan_state_name((enum plan_state)i)), i);
	assert_string_equal(plan_state_name(PLAN_NEEDS_APPROVAL), "needs_approval");
	assert_int_equal(plan_state_by_name("Applied"), -1);
	assert_int_equal(plan_state_by_name(""), -1);
	assert_int_equal(plan_state_by_name(NULL), -1);
}

static void plan_ids_are_read_strictly(void **state)
{
	static const struct {
		const char *id;
		int64_t number; /* 0 = refused */
	} rows[] = {
		{"p1", 1},  {"p7", 7},   {"p123456789012345678", 123456789012345678},
		{"", 0},    {"p", 0},    {"7", 0},
		{"p0", 0},  {"p07", 0},  {"p-7", 0},
		{"p7 ", 0}, {"P7", 0},   {"p7x", 0},
		{"p 7", 0}, {"plan", 0}, {"p1234567890123456789", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t number = -5;
		struct err e = {0};
		char id[24];
		int result = plan_number(rows[i].id, &number, &e);

		assert_int_equal(result, rows[i].number ? 0 : -1);
		assert_int_equal(number, rows[i].number ? rows[i].number : -5);
		assert_int_equal(e.kind, rows[i].number ? ERR_NONE : ERR_INVALID);
		if (result == 0) {
			plan_id(number, id);
			assert_string_equal(id, rows[i].id);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_body_round_trips),
		cmocka_unit_test(hash_tells_every_difference),
		cmocka_unit_test(an_older_body_is_read),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(a_list_of_any_length_is_refused),
		cmocka_unit_test(an_object_is_put_as_it_is),
		cmocka_unit_test(a_touch_is_kept_once),
		cmocka_unit_test(an_edit_begins_empty),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(plan_ids_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
