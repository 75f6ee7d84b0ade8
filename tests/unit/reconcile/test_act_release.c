/* Giving back and renaming against a Cloudflare that loses answers, and a store that is full. */
#include "model/plan.h"
#include "reconcile/applied.h"
#include "reconcile/apply.h"
#include "reconcile/edited.h"
#include "tests/unit/reconcile/bench.h"

static enum err_kind run(struct bench *b, enum action_kind kind, const char *id)
{
	struct action action = {.kind = kind, .reason = "test"};
	struct act a;
	(void)str_copy(action.object_id, ID_SIZE, id);
	b->done = 0;
	act_start(&b->x, &a, &action, bench_acted, b);
	UNTIL(b, b->done);
	act_fini(&a);
	return b->failure.kind;
}

static struct record *released(struct bench *b, const char *comment)
{
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	r->want = WANT_RELEASED;
	r->observed.looked_ms = clock_wall_ms();
	r->observed.found = true;
	r->observed.marked = comment != NULL;
	str_set(&r->observed.comment, comment);
	return r;
}

static void a_full_disk_lets_nothing_leave(void **state)
{
	struct bench *b = *state;
	struct record *r = released(b, "adit:edge1/a1b2c3d4 text");
	bench_full(b, true);
	assert_int_equal(run(b, ACT_RECORD_RELEASE, r->id), ERR_INTERNAL);
	assert_int_equal(b->n_asked, 0);
	assert_ptr_equal(world_record(b->world, r->id), r);
	bench_full(b, false);
}

static void what_failed_is_looked_at_again(void **state)
{
	struct bench *b = *state;
	struct record *r = released(b, "adit:edge1/a1b2c3d4 text");
	bench_answers(b, "PATCH", RECORD_AT, 500, FAILURE(0), 0);
	assert_int_not_equal(run(b, ACT_RECORD_RELEASE, r->id), ERR_NONE);
	assert_ptr_equal(world_record(b->world, r->id), r);
	assert_int_equal(r->observed.looked_ms, 0);
}

static void without_a_mark_nothing_is_sent_and_the_row_goes(void **state)
{
	struct bench *b = *state;
	struct record *r = released(b, NULL);
	AUTO(str_t) id = str_dup(r->id);
	assert_int_equal(run(b, ACT_RECORD_RELEASE, id), ERR_NONE);
	assert_null(world_record(b->world, id));
	assert_int_equal(b->n_asked, 0);
}

/* ---- an edit that stays ---- */

static void put_as(struct record *r, const char *content, int64_t ttl)
{
	struct edited_face f = edited_seen(r);
	AUTO(str_t) was = NULL;
	f.type = r->type;
	f.content = content;
	f.ttl = ttl;
	was = edited_was(r->remote_id, &f);
	str_set(&r->applied, was);
}

static char *told(struct bench *b)
{
	struct event_filter f = {.limit = 100};
	struct event *events = NULL;
	char *message = NULL;
	size_t n = 0;
	struct err e;
	assert_int_equal(store_list_events(b->store, &f, &events, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		if (str_equal(events[i].kind, "record_released"))
			str_set(&message, events[i].message);
		event_free(&events[i]);
	}
	free(events);
	return message;
}

static void what_somebody_changed_stays_and_is_told(void **state)
{
	static const struct {
		const char *content, *agreed, *said;
		int64_t ttl;
		bool marked;
	} rows[] = {
		{"a.example.org", NULL, "any more", 1, true},
		{"b.example.org", NULL, "stays: content", 1, true},
		{"b.example.org", NULL, "stays: content, ttl", 300, true},
		{"b.example.org", NULL, "stays: content", 1, false},
		{"a.example.org", NULL, "any more", 1, false},
		{"b.example.org", "a plan", "any more", 1, true},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *own = NULL;
		(void)bench_open(&own);
		struct bench *b = own;
		struct record *r = released(b, "adit:edge1/a1b2c3d4 text");
		AUTO(str_t) id = str_dup(r->id);
		(void)str_copy(r->observed.found_id, CF_ID_SIZE, r->remote_id);
		str_set(&r->observed.type, r->type);
		str_set(&r->observed.content, "a.example.org");
		str_set(&r->observed.comment, "adit:edge1/a1b2c3d4 text");
		r->observed.ttl = 1;
		r->observed.proxied = false;
		r->observed.marked = rows[i].marked;
		put_as(r, rows[i].content, rows[i].ttl);
		if (!rows[i].marked)
			str_set(&r->observed.comment, "text");
		if (rows[i].agreed) {
			char seen[SHA256_HEX_SIZE];
			record_observed_hash(r, seen);
			r->asked = str_format("p4 %s", seen);
		}
		bench_answers(b, "PATCH", RECORD_AT, 404, FAILURE(81044), 0);
		assert_int_equal(run(b, ACT_RECORD_RELEASE, id), ERR_NONE);
		AUTO(str_t) message = told(b);
		assert_true(message && str_ends(message, rows[i].said));
		(void)bench_close(&own);
	}
}

static void a_record_that_went_away_meanwhile_is_forgotten(void **state)
{
	struct bench *b = *state;
	struct record *r = released(b, "adit:edge1/a1b2c3d4");
	AUTO(str_t) id = str_dup(r->id);
	bench_answers(b, "PATCH", RECORD_AT, 404, FAILURE(81044), 0);
	assert_int_equal(run(b, ACT_RECORD_RELEASE, id), ERR_NONE);
	assert_null(world_record(b->world, id));
}

static void a_taken_name_does_not_hold_the_tunnel_up(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	str_set(&t->renames, "old");
	str_set(&t->observed.name, "old");
	bench_answers(b, "PATCH", TUNNEL_AT, 409, FAILURE(1013), 0);
	assert_int_equal(run(b, ACT_TUNNEL_RENAME, t->id), ERR_NONE);
	assert_non_null(t->renames);
	assert_true(t->observed.name_refused_ms > 0);
	/* it has its name by now: no request */
	size_t asked = b->n_asked;
	str_set(&t->observed.name, t->name);
	assert_int_equal(run(b, ACT_TUNNEL_RENAME, t->id), ERR_NONE);
	assert_null(t->renames);
	assert_int_equal(b->n_asked, asked);
}

/* ---- what the store remembers of a tunnel's rules ---- */

#define RULE_APP "{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\"}"
#define RULE_WWW "{\"hostname\":\"www.example.com\",\"service\":\"http://127.0.0.1:81\"}"

static void remember(struct bench *b, const struct tunnel *t, const char *rules)
{
	struct err e;
	if (store_begin(b->store, &e) < 0 || store_save_rules(b->store, t->id, rules, &e) < 0 ||
	    applied_save_sent(b->store, t->id, rules, &e) < 0 || store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

static void apply(struct bench *b, const struct plan *p)
{
	struct err e;
	if (store_begin(b->store, &e) < 0 || apply_store(b->world, b->store, p, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

/* Neither what was confirmed nor what may still land is ours then: a merge leaves it. */
static void the_rule_of_a_route_given_back_is_nobodys_of_ours(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	AUTO(plan_t) p = plan_new("route_release", "somebody", NULL);
	AUTO(applied_t) known = {0};
	struct err e;
	bench_route(b, t);
	const struct route *r = b->world->routes.items[0];
	remember(b, t, "[" RULE_APP "," RULE_WWW "]");
	(void)plan_edit(p, EDIT_ROUTE_RELEASE, r->id);
	apply(b, p);
	assert_int_equal(applied_load(b->store, t->id, &known, &e), 0);
	assert_string_equal(known.rules, "[" RULE_WWW "]");
	assert_string_equal(known.sent, "[" RULE_WWW "]");
}

static void a_tunnel_made_anew_remembers_no_rules(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	AUTO(plan_t) p = plan_new("drift_repair", "somebody", NULL);
	AUTO(str_t) rules = NULL;
	struct err e;
	remember(b, t, "[" RULE_APP "]");
	plan_put_tunnel(p, t)->anew = true;
	apply(b, p);
	assert_int_equal(store_load_rules(b->store, t->id, &rules, &e), 0);
	assert_string_equal(rules, "[]");
}

/* What was on its way when a tunnel went is no use to anybody; what is on its way now stays. */
static void what_belongs_to_no_tunnel_is_tidied(void **state)
{
	static const char *const kinds[] = {"sent", "put", "agreed", "renames", "rotate"};
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct err e;
	assert_int_equal(store_begin(b->store, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		AUTO(str_t) here = str_format("%s:%s", kinds[i], t->id);
		AUTO(str_t) gone = str_format("%s:t0000000000", kinds[i]);
		assert_int_equal(store_set_meta(b->store, here, "[]", &e), 0);
		assert_int_equal(store_set_meta(b->store, gone, "[]", &e), 0);
	}
	assert_int_equal(store_commit(b->store, &e), 0);
	assert_int_equal(applied_tidy(b->store, b->world, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		AUTO(str_t) here = str_format("%s:%s", kinds[i], t->id);
		AUTO(str_t) gone = str_format("%s:t0000000000", kinds[i]);
		AUTO(str_t) kept = store_get_meta(b->store, here);
		AUTO(str_t) left = store_get_meta(b->store, gone);
		assert_non_null(kept);
		assert_null(left);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rule_of_a_route_given_back_is_nobodys_of_ours),
		TEST(a_tunnel_made_anew_remembers_no_rules),
		TEST(what_belongs_to_no_tunnel_is_tidied),
		TEST(a_full_disk_lets_nothing_leave),
		TEST(what_failed_is_looked_at_again),
		TEST(without_a_mark_nothing_is_sent_and_the_row_goes),
		cmocka_unit_test(what_somebody_changed_stays_and_is_told),
		TEST(a_record_that_went_away_meanwhile_is_forgotten),
		TEST(a_taken_name_does_not_hold_the_tunnel_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
