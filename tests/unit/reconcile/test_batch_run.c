/* Several writes in one request, and many looks in one listing: what each of them makes of what
 * came back, of a refusal, of no answer, and of a disk that is full by then. */
#include "reconcile/batch.h"
#include "reconcile/deleting.h"
#include "tests/unit/reconcile/bench.h"

#define LEADS REMOTE ".cfargotunnel.com"
#define BATCH RECORDS "/batch"
#define OTHER "00112233445566778899aabbccddeeff"

struct going {
	struct record *r[3];
	struct act *acts[3];
	struct batch *batch;
	struct list batches;
	size_t n;
	int acted, failed, ended;
	struct err last;
};

static void member_acted(struct task *t, void *owner)
{
	struct going *g = owner;
	g->acted++;
	if (t->err.kind != ERR_NONE) {
		g->failed++;
		g->last = t->err;
	}
}

static void batch_over(struct task *t, void *owner)
{
	struct going *g = owner;
	(void)t;
	g->ended++;
}

static void prepare(struct bench *b, struct going *g, size_t n, bool made)
{
	static const char *const names[] = {"app.example.com", "www.example.com",
					    "ftp.example.com"};
	static const char *const ids[] = {RECORD, OTHER, "ffeeddccbbaa99887766554433221100"};
	struct tunnel *t = bench_tunnel(b, true);
	*g = (struct going){.n = n};
	if (!world_zone(b->world, ZONE))
		world_add_zone(b->world, zone_new(ZONE, "example.com"));
	for (size_t i = 0; i < n; i++) {
		g->r[i] = bench_record(b, t, made);
		str_set(&g->r[i]->name, names[i]);
		if (made)
			(void)str_copy(g->r[i]->remote_id, CF_ID_SIZE, ids[i]);
		bench_save(b, NULL, g->r[i]);
	}
}

static void start(struct bench *b, struct going *g, enum action_kind kind)
{
	struct action actions[3];
	size_t n = g->n;
	AUTO(batch_groups_t) groups = {0};
	for (size_t i = 0; i < n; i++) {
		actions[i] = (struct action){.kind = kind, .reason = "test"};
		(void)str_copy(actions[i].object_id, ID_SIZE, g->r[i]->id);
		g->acts[i] = mem_alloc(sizeof(struct act));
		act_join(&b->x, g->acts[i], &actions[i], member_acted, g);
	}
	batch_group(b->world, actions, n, &groups);
	assert_int_equal(groups.n, 1);
	g->batch = mem_alloc(sizeof(*g->batch));
	batch_start(&b->x, g->batch, &groups.items[0], g->acts, batch_over, g);
	list_init(&g->batches);
	list_append(&g->batches, &g->batch->node);
}

static void begin(struct bench *b, struct going *g, enum action_kind kind, size_t n, bool made)
{
	prepare(b, g, n, made);
	start(b, g, kind);
}

static void finish(struct bench *b, struct going *g)
{
	UNTIL(b, g->ended && g->acted == (int)g->n);
	batch_free(g->batch);
	for (size_t i = 0; i < g->n; i++) {
		act_fini(g->acts[i]);
		free(g->acts[i]);
	}
}

static char *row(const char *id, const char *name, const char *mark)
{
	return str_format("{\"id\":\"%s\",\"name\":\"%s\",\"type\":\"CNAME\",\"content\":\"" LEADS
			  "\",\"proxied\":true,\"ttl\":1,\"comment\":\"%s\"}",
			  id, name, mark);
}

/* Both were made; the second row is of that name. */
static char *made(const struct bench *b, const char *second)
{
	AUTO(str_t) one = row(RECORD, "app.example.com", b->mark);
	AUTO(str_t) two = row(OTHER, second, b->mark);
	return str_format(RESULT("{\"deletes\":[],\"patches\":[],\"puts\":[],\"posts\":[%s,%s]}"),
			  one, two);
}

static void two_are_made_by_one_request(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) answer = made(b, "www.example.com");
	bench_answers(b, "POST", BATCH, 200, answer, 1);
	begin(b, &g, ACT_RECORD_CREATE, 2, false);
	finish(b, &g);
	assert_int_equal(g.failed, 0);
	assert_int_equal(b->n_asked, 1);
	assert_string_equal(g.r[0]->remote_id, RECORD);
	assert_string_equal(g.r[1]->remote_id, OTHER);
	assert_int_equal(g.r[0]->create_sent_ms + g.r[1]->create_sent_ms, 0);
}

/* Which of them, only each by itself can tell. */
static void what_is_refused_for_one_is_tried_without_it(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) one = row(RECORD, "app.example.com", b->mark);
	AUTO(str_t) alone = str_format(RESULT("%s"), one);
	bench_answers(b, "POST", BATCH, 400, FAILURE(9005), 1);
	bench_answers(b, "POST", RECORDS, 200, alone, 1);
	bench_answers(b, "POST", RECORDS, 400, FAILURE(9005), 1);
	begin(b, &g, ACT_RECORD_CREATE, 2, false);
	finish(b, &g);
	assert_int_equal(g.failed, 1);
	assert_int_equal(b->n_asked, 3);
	assert_int_equal((g.r[0]->remote_id[0] != 0) + (g.r[1]->remote_id[0] != 0), 1);
}

static void what_no_half_heals_is_not_halved(void **state)
{
	static const struct {
		int status;
		const char *body;
		bool sent; /* it may have taken effect */
	} rows[] = {
		{400, FAILURE(81045), false},
		{502, "", true},
		{200, "no JSON", true},
		{403, FAILURE(9109), false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		void *own = NULL;
		struct going g;
		(void)bench_open(&own);
		struct bench *b = own;
		bench_answers(b, "POST", BATCH, rows[i].status, rows[i].body, 0);
		begin(b, &g, ACT_RECORD_CREATE, 2, false);
		finish(b, &g);
		assert_int_equal(b->n_asked, 1);
		assert_int_equal(g.failed, 2);
		print_message("%d: %s\n", rows[i].status, g.last.message);
		for (size_t k = 0; k < g.n; k++)
			assert_int_equal(g.r[k]->create_sent_ms != 0, rows[i].sent);
		(void)bench_close(&own);
	}
	(void)state;
}

/* An answer about something else says nothing about ours: it may have been made. */
static void an_answer_about_another_name_is_none(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) answer = made(b, "else.example.com");
	bench_answers(b, "POST", BATCH, 200, answer, 1);
	begin(b, &g, ACT_RECORD_CREATE, 2, false);
	finish(b, &g);
	assert_int_equal(g.failed, 1);
	assert_string_equal(g.r[0]->remote_id, RECORD);
	assert_string_equal(g.r[1]->remote_id, "");
	assert_int_equal(g.r[0]->create_sent_ms, 0);
	assert_true(g.r[1]->create_sent_ms != 0);
}

/* What is there by now is not made twice, though the store does not say so yet. */
static void a_result_that_the_disk_refuses_is_known_and_told(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) answer = made(b, "www.example.com");
	b->rules[b->n_rules++] = (struct rule_of){"POST", BATCH, 200, answer, 1, true};
	begin(b, &g, ACT_RECORD_CREATE, 2, false);
	UNTIL(b, b->held);
	bench_full(b, true);
	bench_release(b);
	finish(b, &g);
	bench_full(b, false);
	assert_int_equal(g.failed, 2);
	assert_string_equal(g.r[0]->remote_id, RECORD);
	assert_string_equal(g.r[1]->remote_id, OTHER);
	assert_int_equal(g.r[0]->observed.looked_ms, 0);
	assert_true(g.r[0]->applied_generation != g.r[0]->generation);
}

static void a_full_disk_lets_no_batch_leave(void **state)
{
	struct bench *b = *state;
	struct going g;
	prepare(b, &g, 2, false);
	bench_full(b, true);
	start(b, &g, ACT_RECORD_CREATE);
	finish(b, &g);
	bench_full(b, false);
	assert_int_equal(g.failed, 2);
	assert_int_equal(b->n_asked, 0);
	assert_int_equal(g.r[0]->create_sent_ms + g.r[1]->create_sent_ms, 0);
}

static void deletes_of_which_one_is_gone_are_all_done(void **state)
{
	struct bench *b = *state;
	struct going g;
	bench_answers(b, "POST", BATCH, 404, FAILURE(81044), 1);
	bench_answers(b, "DELETE", RECORD_AT, 404, FAILURE(81044), 1);
	bench_answers(b, "DELETE", RECORDS "/" OTHER, 200, RESULT("{\"id\":\"" OTHER "\"}"), 1);
	begin(b, &g, ACT_RECORD_DELETE, 2, true);
	g.r[0]->want = g.r[1]->want = WANT_ABSENT;
	finish(b, &g);
	assert_int_equal(g.failed, 0);
	assert_int_equal(b->world->records.n, 0);
}

static size_t noted(struct bench *b)
{
	AUTO(strlist_t) keys = {0};
	struct err e;
	assert_int_equal(store_list_meta(b->store, "deleting:", &keys, &e), 0);
	return keys.n;
}

static void deletes_on_their_way_are_in_the_store(void **state)
{
	struct bench *b = *state;
	struct going g;
	b->rules[b->n_rules++] = (struct rule_of){"POST", BATCH, 502, "", 1, true};
	begin(b, &g, ACT_RECORD_DELETE, 2, true);
	g.r[0]->want = g.r[1]->want = WANT_ABSENT;
	UNTIL(b, b->held);
	assert_int_equal(noted(b), 2);
	bench_release(b);
	finish(b, &g);
	assert_int_equal(g.failed, 2);
	assert_int_equal(noted(b), 2);
	assert_true(g.r[0]->observed.deleting_ms && g.r[1]->observed.deleting_ms);
}

/* ---- looks ---- */

static void a_listing_ends_the_doubt_about_deletes(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) one = row(RECORD, "app.example.com", b->mark);
	AUTO(str_t) two = row(OTHER, "www.example.com", b->mark);
	AUTO(str_t) list = str_format(LISTING("%s,%s", 2), one, two);
	bench_answers(b, "GET", RECORDS, 200, list, 1);
	bench_answers(b, "GET", NULL, 404, FAILURE(81044), 0);
	prepare(b, &g, 3, true);
	for (int i = 0; i < 3; i++) {
		g.r[i]->observed.deleting_ms = clock_wall_ms() - (i ? SETTLE_MS : 1000);
		deleting_became(b->store, g.r[i]->id, g.r[i]->observed.deleting_ms);
	}
	start(b, &g, ACT_RECORD_READ);
	finish(b, &g);
	assert_int_equal(noted(b), 1);
	assert_true(g.r[0]->observed.deleting_ms && !g.r[1]->observed.deleting_ms);
}

static void a_listing_that_cannot_be_read_is_looked_at_one_by_one(void **state)
{
	struct bench *b = *state;
	struct going g;
	bench_answers(b, "GET", RECORDS, 200, LISTING("{\"id\":7}", 1), 1);
	bench_answers(b, "GET", NULL, 404, FAILURE(81044), 0);
	begin(b, &g, ACT_RECORD_READ, 3, true);
	finish(b, &g);
	assert_int_equal(g.failed, 0);
	assert_int_equal(b->n_asked, 4);
	assert_true(g.r[0]->observed.gone && g.r[1]->observed.gone && g.r[2]->observed.gone);
	assert_true(world_zone(b->world, ZONE)->records > LISTED_MOST);
}

/* Absence is believed by the id only. */
static void what_the_listing_lacks_is_asked_for_by_its_id(void **state)
{
	struct bench *b = *state;
	struct going g;
	AUTO(str_t) one = row(RECORD, "app.example.com", b->mark);
	AUTO(str_t) two = row(OTHER, "www.example.com", b->mark);
	AUTO(str_t) list = str_format(LISTING("%s,%s", 2), one, two);
	bench_answers(b, "GET", RECORDS, 200, list, 1);
	bench_answers(b, "GET", NULL, 404, FAILURE(81044), 0);
	begin(b, &g, ACT_RECORD_READ, 3, true);
	finish(b, &g);
	assert_int_equal(g.failed, 0);
	assert_int_equal(b->n_asked, 2);
	assert_true(g.r[0]->observed.found && g.r[1]->observed.found && g.r[2]->observed.gone);
	assert_int_equal(world_zone(b->world, ZONE)->records, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_are_made_by_one_request),
		TEST(what_is_refused_for_one_is_tried_without_it),
		cmocka_unit_test(what_no_half_heals_is_not_halved),
		TEST(an_answer_about_another_name_is_none),
		TEST(a_result_that_the_disk_refuses_is_known_and_told),
		TEST(a_full_disk_lets_no_batch_leave),
		TEST(deletes_of_which_one_is_gone_are_all_done),
		TEST(deletes_on_their_way_are_in_the_store),
		TEST(a_listing_ends_the_doubt_about_deletes),
		TEST(a_listing_that_cannot_be_read_is_looked_at_one_by_one),
		TEST(what_the_listing_lacks_is_asked_for_by_its_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
