/* Listings that people ask for: asked once for all that want them, kept for a while, whole or not
 * at all. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/reads.h"

#define ROWS(total, ...)                                                                           \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[" __VA_ARGS__                 \
	"],\"result_info\":{\"page\":1,\"per_page\":50,\"total_count\":" #total "}}"
#define ROW(n)      "{\"id\":\"" n "\"}"
#define ROLES       "GET " PREFIX "/accounts/" ACCOUNT "/roles?per_page=50&page=1"
#define MINUTE      60000
#define CUSTOM      "http_request_firewall_custom"
#define ENTRY_PATH  PREFIX "/zones/" ZONE "/rulesets/phases/" CUSTOM "/entrypoint"
#define WALL_MS     1763632800000LL
#define READS(b, x) struct cf_reads *x = cf_reads_new((b)->cf)

static void ask(struct cfb *b, struct cf_reads *x, struct cf_read *r, int64_t max_age_ms)
{
	int before = b->done;

	cf_read_start(x, r, CF_SOURCE_ROLES, &(struct cf_target){0}, max_age_ms, cfb_done, b);
	assert_int_equal(b->done, before);
}

static void whole_read(struct cfb *b, struct cf_reads *x, struct cf_read *r, int64_t max_age_ms)
{
	int before = b->done;

	ask(b, x, r, max_age_ms);
	cfb_wait(b, before + 1);
}

static int row_joins(const struct json *row, void *owner)
{
	buf_str(owner, json_get_string(row, "id"));
	return 0;
}

static void has(const struct cf_read *r, const char *ids)
{
	AUTO(buf_t) text = {0};

	assert_int_equal(r->task.err.kind, ERR_NONE);
	assert_non_null(r->listing);
	assert_int_equal(cf_listing_each(r->listing, row_joins, &text), 0);
	assert_string_equal(buf_text(&text), ids);
	assert_int_equal(cf_listing_count(r->listing), strlen(ids));
}

/* So many requests have come to the server, which holds them. */
static void arrived(struct cfb *b, size_t n)
{
	for (int i = 0; i < 400 && b->n_asked < n; i++)
		cfb_turn(b, 25);
	assert_int_equal(b->n_asked, n);
}

static void asked_once_for_all(void **state)
{
	struct cfb *b = *state;
	struct cf_read r[3] = {0};

	SCRIPT(b, {.status = 200, .body = ROWS(2, ROW("a") "," ROW("b")), .hold = true});
	READS(b, x);
	for (size_t i = 0; i < 3; i++)
		ask(b, x, &r[i], i == 1 ? 0 : MINUTE);
	arrived(b, 1);
	cfb_turn(b, 50);
	assert_int_equal(b->n_asked, 1);
	cfb_release(b);
	cfb_wait(b, 3);
	cfb_asked_is(b, 0, ROLES);
	for (size_t i = 0; i < 3; i++) {
		has(&r[i], "ab");
		assert_ptr_equal(r[i].listing, r[0].listing);
	}
	for (size_t i = 0; i < 3; i++)
		cf_read_reset(&r[i]);
	cf_reads_free(x);
}

static void kept_until_too_old(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0}, old = {0};

	SCRIPT(b, {200, ROWS(1, ROW("a"))}, {200, ROWS(1, ROW("b"))}, {200, ROWS(1, ROW("c"))});
	READS(b, x);
	whole_read(b, x, &old, MINUTE);
	int64_t as_of = cf_listing_as_of(old.listing);
	assert_true(as_of > 0 && as_of <= clock_wall_ms());
	whole_read(b, x, &r, MINUTE);
	has(&r, "a");
	whole_read(b, x, &r, 0);
	has(&r, "b");
	whole_read(b, x, &r, MINUTE);
	has(&r, "b");
	cf_reads_use(x, b->cf);
	whole_read(b, x, &r, MINUTE);
	has(&r, "c");
	has(&old, "a"); /* whoever has one keeps it */
	cf_read_reset(&old);
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void read_in_parts(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0};
	AUTO(buf_t) text = {0};
	size_t at = 0, object = 0;

	SCRIPT(b, {200, ROWS(3, ROW("a") "," ROW("b") "," ROW("c"))}, {200, OK_RESULT(ROW("d"))});
	READS(b, x);
	whole_read(b, x, &r, 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(cf_listing_some(r.listing, &at, 2, row_joins, &text), 0);
		buf_char(&text, ';');
		assert_int_equal(at, i ? 3 : 2);
	}
	cf_read_start(x, &r, CF_SOURCE_ZONE_ENTRY, &(struct cf_target){.zone = ZONE, .id = CUSTOM},
		      0, cfb_done, b);
	cfb_wait(b, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(cf_listing_some(r.listing, &object, 2, row_joins, &text), 0);
	assert_string_equal(buf_text(&text), "ab;c;;d");
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void failures_are_told_to_all_and_not_kept(void **state)
{
	struct cfb *b = *state;
	struct cf_read r[2] = {0};

	SCRIPT(b, {.status = 403, .body = FAILURE(9109, "no"), .hold = true},
	       {200, ROWS(1, ROW("a"))});
	READS(b, x);
	ask(b, x, &r[0], MINUTE);
	ask(b, x, &r[1], MINUTE);
	arrived(b, 1);
	cfb_release(b);
	cfb_wait(b, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r[i].task.err.kind, ERR_DENIED);
		assert_string_equal(r[i].task.err.missing_permission, "Account Settings: Read");
		assert_null(r[i].listing);
	}
	whole_read(b, x, &r[0], MINUTE);
	has(&r[0], "a");
	cf_read_reset(&r[0]);
	cf_read_reset(&r[1]);
	cf_reads_free(x);
}

static void what_may_pass_is_tried_once_more(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0};

	SCRIPT(b, {502, "<html>"}, {200, ROWS(1, ROW("a"))}, {502, "<html>"}, {502, "<html>"});
	READS(b, x);
	whole_read(b, x, &r, 0);
	has(&r, "a");
	whole_read(b, x, &r, 0);
	assert_int_equal(r.task.err.kind, ERR_UPSTREAM);
	assert_null(r.listing);
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void one_object_or_none(void **state)
{
	const struct cf_target t = {.zone = ZONE, .id = CUSTOM};
	struct cfb *b = *state;
	struct cf_read r = {0};

	SCRIPT(b, {200, OK_RESULT(ROW("a"))}, {404, FAILURE(10003, "could not find entrypoint")});
	READS(b, x);
	cf_read_start(x, &r, CF_SOURCE_ZONE_ENTRY, &t, 0, cfb_done, b);
	cfb_wait(b, 1);
	cfb_asked_is(b, 0, "GET " ENTRY_PATH);
	has(&r, "a");
	assert_string_equal(json_get_string(cf_listing_object(r.listing), "id"), "a");
	cf_read_start(x, &r, CF_SOURCE_ZONE_ENTRY, &t, 0, cfb_done, b);
	cfb_wait(b, 2);
	has(&r, "");
	assert_null(cf_listing_object(r.listing));
	/* That there is none is known, and kept as other knowledge is. */
	cf_read_start(x, &r, CF_SOURCE_ZONE_ENTRY, &t, MINUTE, cfb_done, b);
	cfb_wait(b, 3);
	has(&r, "");
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void nothing_is_sent_for_a_wrong_id(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0};

	SCRIPT(b, {200, ROWS(1, ROW("a"))});
	READS(b, x);
	cf_read_start(x, &r, CF_SOURCE_LOCKDOWNS, &(struct cf_target){.zone = "../x"}, 0, cfb_done,
		      b);
	cfb_wait(b, 1);
	assert_int_equal(r.task.err.kind, ERR_INVALID);
	whole_read(b, x, &r, 0);
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void who_leaves_is_not_told(void **state)
{
	struct cfb *b = *state;
	struct cf_read r[2] = {0};

	SCRIPT(b, {.status = 200, .body = ROWS(1, ROW("a")), .hold = true},
	       {.status = 200, .body = ROWS(1, ROW("b")), .hold = true});
	READS(b, x);
	ask(b, x, &r[0], MINUTE);
	ask(b, x, &r[1], MINUTE);
	arrived(b, 1);
	cf_read_cancel(&r[0]);
	cf_read_cancel(&r[0]);
	cfb_release(b);
	cfb_wait(b, 1);
	has(&r[1], "a");
	/* The last one: the request ends too. */
	ask(b, x, &r[0], 0);
	arrived(b, 2);
	cf_read_cancel(&r[0]);
	cfb_release(b);
	cfb_turn(b, 50);
	assert_int_equal(b->done, 1);
	cf_read_reset(&r[0]);
	cf_read_reset(&r[1]);
	cf_reads_free(x);
}

static void what_runs_ends_with_the_reads(void **state)
{
	struct cfb *b = *state;
	struct cf_read r[2] = {0};

	SCRIPT(b, {.status = 200, .body = ROWS(1, ROW("a")), .hold = true});
	READS(b, x);
	ask(b, x, &r[0], 0);
	ask(b, x, &r[1], 0);
	arrived(b, 1);
	cf_reads_free(x);
	cfb_turn(b, 50);
	assert_int_equal(b->done, 0);
	cf_read_reset(&r[0]);
	cf_read_reset(&r[1]);
}

/* As many paths as are asked for, and no more memory than is set for them. */
static void old_ones_make_room(void **state)
{
	static struct said_answer script[SAID_MAX];
	struct cfb *b = *state;
	struct cf_read r = {0};
	int done = 0;

	for (size_t i = 0; i < SAID_MAX; i++)
		script[i] = (struct said_answer){200, ROWS(1, ROW("a"))};
	b->script = script;
	b->n_script = SAID_MAX;
	READS(b, x);
	for (int i = 0; i < SAID_MAX; i++) {
		AUTO(str_t) query = str_format("name=n%d", i);
		cf_read_start(x, &r, CF_SOURCE_ROLES, &(struct cf_target){.query = query}, MINUTE,
			      cfb_done, b);
		cfb_wait(b, ++done);
		has(&r, "a");
	}
	cf_read_start(x, &r, CF_SOURCE_ROLES, &(struct cf_target){.query = "name=n63"}, MINUTE,
		      cfb_done, b);
	cfb_wait(b, ++done);
	has(&r, "a");
	cf_read_reset(&r);
	cf_reads_free(x);
}

#define RULESET(x, n)                                                                              \
	cf_read_start(x, &r, CF_SOURCE_ZONE_RULESET, &(struct cf_target){.zone = ZONE, .id = n},   \
		      MINUTE, cfb_done, b)

/* Of an object the tree is what takes the memory: 400 KiB of text are more than 12 MiB. */
static void trees_are_counted(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0};
	AUTO(buf_t) big = {0};

	buf_str(&big, "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":{\"id\":\"a\","
		      "\"x\":[0");
	for (int i = 0; i < 200000; i++)
		buf_str(&big, ",0");
	buf_str(&big, "]}}");
	const struct said_answer script[] = {
		{200, buf_text(&big)}, {200, buf_text(&big)}, {200, OK_RESULT(ROW("c"))}};
	b->script = script;
	b->n_script = ARRAY_LEN(script);
	READS(b, x);
	RULESET(x, ZONE);
	cfb_wait(b, 1);
	RULESET(x, ACCOUNT);
	cfb_wait(b, 2);
	has(&r, "a");
	RULESET(x, ACCOUNT);
	cfb_wait(b, 3);
	has(&r, "a");
	RULESET(x, ZONE);
	cfb_wait(b, 4);
	has(&r, "c");
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void nothing_is_kept_for_long(void **state)
{
	struct cfb *b = *state;
	struct cf_read r = {0};

	SCRIPT(b, {200, ROWS(1, ROW("a"))}, {200, ROWS(1, ROW("b"))});
	READS(b, x);
	whole_read(b, x, &r, 0);
	int64_t late = cf_listing_as_of(r.listing) + CF_READS_KEPT_MS, mono = clock_mono_ms();
	for (int i = 0; i < 2; i++) {
		clock_freeze(mono, late - 1 + i);
		cf_read_start(x, &r, CF_SOURCE_ROLES, &(struct cf_target){0}, 2 * CF_READS_KEPT_MS,
			      cfb_done, b);
		clock_freeze(0, 0);
		cfb_wait(b, 2 + i);
		has(&r, i ? "b" : "a");
	}
	cf_read_reset(&r);
	cf_reads_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asked_once_for_all),
		TEST(kept_until_too_old),
		TEST(read_in_parts),
		TEST(failures_are_told_to_all_and_not_kept),
		TEST(what_may_pass_is_tried_once_more),
		TEST(one_object_or_none),
		TEST(nothing_is_sent_for_a_wrong_id),
		TEST(who_leaves_is_not_told),
		TEST(what_runs_ends_with_the_reads),
		TEST(old_ones_make_room),
		TEST(trees_are_counted),
		TEST(nothing_is_kept_for_long),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
