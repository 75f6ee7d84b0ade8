/* One write of a record: what is sent, what counts as its answer, and what is known after each. */
#include "reconcile/deleting.h"
#include "reconcile/record_write.h"
#include "tests/unit/reconcile/bench.h"

#define LEADS REMOTE ".cfargotunnel.com"
#define OTHER "00112233445566778899aabbccddeeff"

static void begin(struct bench *b, struct act *a, enum action_kind kind, const struct record *r)
{
	struct action action = {.kind = kind, .reason = "test"};
	(void)str_copy(action.object_id, ID_SIZE, r->id);
	b->done = 0;
	act_join(&b->x, a, &action, bench_acted, b);
}

static enum err_kind run(struct bench *b, enum action_kind kind, const struct record *r)
{
	struct act a;
	struct err e;
	begin(b, &a, kind, r);
	if (write_prepare(&a, &e) < 0 || store_begin(b->store, &e) < 0 ||
	    write_intent_rows(&a, &e) < 0 || store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
	write_intended(&a);
	write_send(&a);
	UNTIL(b, b->done);
	act_fini(&a);
	return b->failure.kind;
}

static void drop(struct act *a)
{
	act_cancel(a);
	act_fini(a);
}

/* The comment that a PATCH sends: NULL = it is left as it stands. */
static void the_comment_is_written_where_it_has_to_be(void **state)
{
	static const struct {
		bool marked;
		const char *text; /* that is wanted behind the mark */
		bool sent;
	} rows[] = {
		{true, NULL, false}, /* somebody's words behind it stay */
		{true, "mine", true},
		{false, NULL, true},
		{false, "mine", true},
	};
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct act a;
		struct cf_step step;
		struct err e;
		r->observed.marked = rows[i].marked;
		str_set(&r->comment, rows[i].text);
		begin(b, &a, ACT_RECORD_PATCH, r);
		assert_int_equal(write_prepare(&a, &e), 0);
		assert_int_equal(write_count(&a), 1);
		write_steps(&a, &step);
		assert_true((step.body.comment != NULL) == rows[i].sent);
		if (rows[i].sent) {
			assert_true(str_starts(step.body.comment, b->mark));
			assert_true(!rows[i].text || strstr(step.body.comment, rows[i].text));
		}
		drop(&a);
	}
}

static void what_gives_way_is_deleted_once(void **state)
{
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	struct act a;
	struct cf_step steps[3];
	struct err e;
	strlist_add(&r->observed.taking, RECORD);
	strlist_add(&r->observed.taking, OTHER);
	begin(b, &a, ACT_RECORD_REPLACE, r);
	assert_int_equal(write_prepare(&a, &e), 0);
	assert_int_equal(write_count(&a), 3);
	write_steps(&a, steps);
	assert_string_equal(steps[0].id, RECORD);
	assert_string_equal(steps[1].id, OTHER);
	assert_int_equal(steps[2].kind, CF_STEP_POST);
	drop(&a);
}

static void only_an_answer_about_it_is_one(void **state)
{
	static const struct {
		enum action_kind kind;
		const char *id, *name, *type;
		bool answers;
	} rows[] = {
		{ACT_RECORD_PATCH, RECORD, "app.example.com", "CNAME", true},
		{ACT_RECORD_PATCH, RECORD, "APP.example.com", "CNAME", true},
		{ACT_RECORD_PATCH, OTHER, "app.example.com", "CNAME", false},
		{ACT_RECORD_PATCH, RECORD, "www.example.com", "CNAME", false},
		{ACT_RECORD_PATCH, RECORD, "app.example.com", "A", false},
		{ACT_RECORD_CREATE, OTHER, "app.example.com", "CNAME", true},
		{ACT_RECORD_CREATE, OTHER, "www.example.com", "CNAME", false},
		{ACT_RECORD_CREATE, OTHER, "app.example.com", "A", false},
	};
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t)
		text = str_format("{\"id\":\"%s\",\"name\":\"%s\",\"type\":\"%s\",\"content\":"
				  "\"192.0.2.1\",\"proxied\":true,\"ttl\":1}",
				  rows[i].id, rows[i].name, rows[i].type);
		AUTO(json_doc_t) doc = NULL;
		struct act a;
		struct err e;
		assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &e), 0);
		begin(b, &a, rows[i].kind, r);
		assert_int_equal(write_prepare(&a, &e), 0);
		if (write_answered(&a, json_root(doc), &e) != rows[i].answers)
			fail_msg("row %zu", i);
		drop(&a);
	}
}

/* What becomes ours only by the PATCH may become ours late. */
static void a_lost_patch_of_what_is_taken_stays_open(void **state)
{
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	bench_answers(b, "PATCH", RECORD_AT, 502, "", 0);
	assert_int_equal(run(b, ACT_RECORD_PATCH, r), ERR_UPSTREAM);
	assert_int_equal(r->create_sent_ms, 0);
	record_takes_add(&r->takes, RECORD, "h", "A 192.0.2.1");
	assert_int_equal(run(b, ACT_RECORD_PATCH, r), ERR_UPSTREAM);
	assert_true(r->create_sent_ms != 0);
	assert_non_null(r->takes);
}

static void a_delete_without_an_answer_may_still_land(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool may_land;
	} rows[] = {{403, FAILURE(9109), false}, {502, "", true}};
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	r->want = WANT_ABSENT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		b->n_rules = 0;
		bench_answers(b, "DELETE", RECORD_AT, rows[i].status, rows[i].body, 0);
		assert_int_not_equal(run(b, ACT_RECORD_DELETE, r), ERR_NONE);
		assert_int_equal(r->observed.deleting_ms != 0, rows[i].may_land);
	}
}

static char *noted(struct bench *b, const struct record *r)
{
	AUTO(str_t) key = str_format("deleting:%s", r->id);
	return store_get_meta(b->store, key);
}

static void note(struct bench *b, const char *id, int64_t lost_ms)
{
	struct err e;
	if (store_begin(b->store, &e) < 0 || deleting_note(b->store, id, lost_ms, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

/* Before a DELETE leaves the store has it, and until it is known what became of it. */
static void the_store_knows_a_delete_on_its_way(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool ours; /* our record is still there */
		bool noted;
	} rows[] = {
		{403, FAILURE(9109), true, false},
		{502, "", true, true},
		{403, FAILURE(9109), true, true}, /* the one before it may still land */
		{200, RESULT("{\"id\":\"" RECORD "\"}"), false, false},
	};
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	AUTO(str_t) id = str_dup(r->id);
	r->want = WANT_ABSENT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record gone = {.generation = 1};
		struct act a;
		struct err e;
		b->n_rules = 0;
		b->rules[b->n_rules++] = (struct rule_of){"DELETE",     RECORD_AT, rows[i].status,
							  rows[i].body, 0,         true};
		begin(b, &a, ACT_RECORD_DELETE, r);
		if (write_prepare(&a, &e) < 0 || store_begin(b->store, &e) < 0 ||
		    write_intent_rows(&a, &e) < 0 || store_commit(b->store, &e) < 0)
			fail_msg("%s", e.message);
		write_intended(&a);
		write_send(&a);
		UNTIL(b, b->held);
		AUTO(str_t) sent = noted(b, r);
		assert_string_equal(sent, "0");
		assert_true(r->observed.deleting_ms != 0);
		bench_release(b);
		UNTIL(b, b->done);
		act_fini(&a);
		(void)str_copy(gone.id, sizeof(gone.id), id);
		AUTO(str_t) after = noted(b, &gone);
		assert_true((after != NULL) == rows[i].noted);
		assert_true((world_record(b->world, id) != NULL) == rows[i].ours);
		if (rows[i].ours)
			assert_true((r->observed.deleting_ms != 0) == rows[i].noted);
		if (rows[i].noted)
			assert_true(strtoll(after, NULL, 10) == r->observed.deleting_ms);
	}
}

/* A daemon that starts doubts as long as the one before it would have. */
static void a_delete_of_an_earlier_life_may_still_land(void **state)
{
	struct bench *b = *state;
	struct record *r = bench_record(b, bench_tunnel(b, true), true);
	int64_t now = clock_wall_ms();
	const struct {
		int64_t noted;
		bool may_land;
	} rows[] = {
		{DELETING_ON_ITS_WAY, true},
		{now - 1000, true},
		{now - SETTLE_MS - 1, false},
		{now + 3600 * INT64_C(1000), true}, /* the clock was set back */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r->observed.deleting_ms = 0;
		note(b, r->id, rows[i].noted);
		deleting_recall(&b->x);
		AUTO(str_t) kept = noted(b, r);
		assert_true((kept != NULL) == rows[i].may_land);
		assert_true((r->observed.deleting_ms != 0) == rows[i].may_land);
		assert_true(r->observed.deleting_ms <= clock_wall_ms());
		if (rows[i].noted == now - 1000)
			assert_true(r->observed.deleting_ms == rows[i].noted);
	}
	/* of a record that is gone */
	note(b, "d0000000000", now);
	deleting_recall(&b->x);
	AUTO(str_t) left = store_get_meta(b->store, "deleting:d0000000000");
	assert_null(left);
}

static void who_waits_for_the_name_looks_again(void **state)
{
	struct bench *b = *state;
	struct tunnel *t = bench_tunnel(b, true);
	struct record *r = bench_record(b, t, true), *waits = bench_record(b, t, false);
	struct record *elsewhere = bench_record(b, t, false);
	str_set(&elsewhere->name, "www.example.com");
	str_set(&waits->observed.conflict, "A (adit's own)");
	str_set(&elsewhere->observed.conflict, "A (adit's own)");
	waits->observed.looked_ms = elsewhere->observed.looked_ms = 5;
	r->want = WANT_ABSENT;
	bench_answers(b, "DELETE", RECORD_AT, 200, RESULT("{\"id\":\"" RECORD "\"}"), 1);
	assert_int_equal(run(b, ACT_RECORD_DELETE, r), ERR_NONE);
	assert_int_equal(waits->observed.looked_ms, 0);
	assert_int_equal(elsewhere->observed.looked_ms, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_comment_is_written_where_it_has_to_be),
		TEST(what_gives_way_is_deleted_once),
		TEST(only_an_answer_about_it_is_one),
		TEST(a_lost_patch_of_what_is_taken_stays_open),
		TEST(a_delete_without_an_answer_may_still_land),
		TEST(the_store_knows_a_delete_on_its_way),
		TEST(a_delete_of_an_earlier_life_may_still_land),
		TEST(who_waits_for_the_name_looks_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
