/* One page of a listing that may be too long to be read whole, by cursor and by number, and where
 * it goes on. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/reads.h"

#define LOG_AT "GET " PREFIX "/accounts/" ACCOUNT "/logs/audit?direction=desc&limit="
#define OLD_AT "GET " PREFIX "/accounts/" ACCOUNT "/audit_logs?direction=desc&per_page="
#define ROWS(info, ...)                                                                            \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[" __VA_ARGS__                 \
	"],\"result_info\":" info "}"
#define ROW(n)       "{\"id\":\"" n "\"}"
#define PIECE(from_) (&(struct cf_target){.query = "direction=desc", .rows = 2, .cursor = (from_)})

static void piece(struct cfb *b, struct cf_reads *x, struct cf_read *r, enum cf_source s,
		  const struct cf_target *t, int64_t max_age_ms)
{
	int before = b->done;

	cf_read_start(x, r, s, t, max_age_ms, cfb_done, b);
	cfb_wait(b, before + 1);
}

static void is(const struct cf_read *r, size_t rows, const char *next)
{
	assert_int_equal(r->task.err.kind, ERR_NONE);
	assert_int_equal(cf_listing_count(r->listing), rows);
	assert_true(str_equal(cf_listing_next(r->listing), next));
}

static void by_cursor(void **state)
{
	struct cfb *b = *state;
	struct cf_reads *x = cf_reads_new(b->cf);
	struct cf_read r = {0};

	SCRIPT(b, {200, ROWS("{\"cursor\":\"a b\"}", ROW("1") "," ROW("2"))},
	       {200, ROWS("{\"cursors\":{\"after\":\"c\"}}", ROW("3"))},
	       {200, ROWS("{\"count\":\"0\"}", "")});
	piece(b, x, &r, CF_SOURCE_AUDIT, PIECE(NULL), 60000);
	is(&r, 2, "a b");
	cfb_asked_is(b, 0, LOG_AT "2");
	piece(b, x, &r, CF_SOURCE_AUDIT, PIECE("a b"), 60000);
	is(&r, 1, "c"); /* fewer than asked for are no end */
	cfb_asked_is(b, 1, LOG_AT "2&cursor=a b");
	piece(b, x, &r, CF_SOURCE_AUDIT, PIECE("c"), 60000);
	is(&r, 0, NULL);
	piece(b, x, &r, CF_SOURCE_AUDIT, PIECE("a b"), 60000);
	is(&r, 1, "c");
	assert_int_equal(b->n_asked, 3); /* kept, each page apart */
	cf_read_reset(&r);
	cf_reads_free(x);
}

static void by_number(void **state)
{
	struct cfb *b = *state;
	struct cf_reads *x = cf_reads_new(b->cf);
	struct cf_read r = {0};

	SCRIPT(b,
	       {200, ROWS("{\"page\":1,\"per_page\":2,\"total_count\":3}", ROW("1") "," ROW("2"))},
	       {200, ROWS("{\"page\":2,\"per_page\":2,\"total_count\":3}", ROW("3"))},
	       {200, ROWS("{\"page\":2,\"per_page\":2}", ROW("3"))}, {200, ROWS("{}", "")});
	piece(b, x, &r, CF_SOURCE_AUDIT_OLD, PIECE(NULL), 0);
	is(&r, 2, "2");
	cfb_asked_is(b, 0, OLD_AT "2&page=1");
	piece(b, x, &r, CF_SOURCE_AUDIT_OLD, PIECE("2"), 0);
	is(&r, 1, NULL);
	cfb_asked_is(b, 1, OLD_AT "2&page=2");
	piece(b, x, &r, CF_SOURCE_AUDIT_OLD, PIECE("2"), 0);
	is(&r, 1, NULL);
	piece(b, x, &r, CF_SOURCE_AUDIT_OLD, PIECE(NULL), 0);
	is(&r, 0, NULL); /* nothing came, and nothing is concluded from it */
	piece(b, x, &r, CF_SOURCE_AUDIT_OLD, PIECE("0x"), 0);
	assert_int_equal(r.task.err.kind, ERR_INVALID);
	assert_int_equal(b->n_asked, 4);
	cf_read_reset(&r);
	cf_reads_free(x);
}

/* A cursor that leads to itself would be followed for ever. */
static void a_cursor_that_stays(void **state)
{
	struct cfb *b = *state;
	struct cf_reads *x = cf_reads_new(b->cf);
	struct cf_read r = {0};

	SCRIPT(b, {200, ROWS("{\"cursor\":\"c\"}", ROW("1"))},
	       {200, ROWS("{\"cursor\":\"c\"}", ROW("1"))},
	       {200, ROWS("{\"cursor\":\"c\"}", ROW("1"))}, {404, FAILURE(7003, "no")});
	piece(b, x, &r, CF_SOURCE_AUDIT, PIECE("c"), 0);
	assert_int_not_equal(r.task.err.kind, ERR_NONE);
	cf_read_reset(&r);
	cf_reads_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_cursor),
		TEST(by_number),
		TEST(a_cursor_that_stays),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
