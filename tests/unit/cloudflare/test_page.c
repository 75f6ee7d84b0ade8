/* Listings: complete, or nothing at all. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/page.h"

#define ROWS(...) "{\"success\":true,\"errors\":[],\"result\":[" __VA_ARGS__ "]"
#define ID(n)     "{\"id\":\"" n "\"}"
#define PAGE(page, per, count, total, ...)                                                         \
	ROWS(__VA_ARGS__)                                                                          \
	",\"result_info\":{\"page\":" #page ",\"per_page\":" #per ",\"count\":" #count             \
	",\"total_count\":" #total "}}"

static void list(struct cfb *b, struct cf_page *p, int64_t per_page, size_t max_rows)
{
	int before = b->done;

	cf_page_start(b->cf, p, CF_SHARE_READS, "/list?x=1", per_page, max_rows, "DNS: Read",
		      cfb_done, b);
	assert_int_equal(b->done, before);
	cfb_wait(b, before + 1);
}

static int row_joins(const struct json *row, void *owner)
{
	struct buf *out = owner;
	const char *id = json_get_string(row, "id");

	buf_str(out, id ? id : "-");
	return id && str_equal(id, "stop") ? 7 : 0;
}

static void ids_are(const struct cf_page *p, const char *expected)
{
	AUTO(buf_t) ids = {0};

	assert_int_equal(p->task.err.kind, ERR_NONE);
	assert_int_equal(cf_page_each(p, row_joins, &ids), 0);
	assert_string_equal(buf_text(&ids), expected);
	assert_int_equal(p->count, strlen(expected));
}

static void failed(const struct cf_page *p, enum err_kind kind)
{
	AUTO(buf_t) ids = {0};

	assert_int_equal(p->task.err.kind, kind);
	assert_int_equal(p->n_pages, 0);
	assert_int_equal(p->count, 0);
	assert_null(p->rows);
	assert_int_equal(cf_page_each(p, row_joins, &ids), 0);
}

static void pages_in_order(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 2, 2, 5, ID("a") "," ID("b"))},
	       {200, PAGE(2, 2, 2, 5, ID("c") "," ID("d"))}, {200, PAGE(3, 2, 1, 5, ID("e"))});
	list(b, &p, 2, 100);
	ids_are(&p, "abcde");
	assert_int_equal(p.n_pages, 3);
	assert_string_equal(json_get_string(cf_page_row(&p, "d"), "id"), "d");
	assert_null(cf_page_row(&p, "f"));
	cfb_asked_is(b, 0, "GET " PREFIX "/list?x=1&per_page=2&page=1");
	cfb_asked_is(b, 2, "GET " PREFIX "/list?x=1&per_page=2&page=3");
	cf_page_reset(&p);
}

static void a_smaller_page_than_asked_for(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 3, ID("a"))}, {200, PAGE(2, 1, 1, 3, ID("b"))},
	       {200, PAGE(3, 1, 1, 3, ID("c"))});
	list(b, &p, 5000, 50000);
	ids_are(&p, "abc");
	cf_page_reset(&p);
}

#define NULL_PAGE(total)                                                                           \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":null,\"result_info\":{"        \
	"\"page\":1,\"per_page\":50,\"count\":0,\"total_count\":" total "}}"

static void an_empty_listing(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 50, 0, 0, "")}, {200, ROWS("") "}"}, {200, NULL_PAGE("0")},
	       {200, NULL_PAGE("2")});
	list(b, &p, 50, 100);
	ids_are(&p, "");
	list(b, &p, 50, 100); /* silence is not "all gone" */
	failed(&p, ERR_UPSTREAM);
	list(b, &p, 50, 100); /* null is an empty list, if there are none in all */
	ids_are(&p, "");
	list(b, &p, 50, 100);
	failed(&p, ERR_UPSTREAM);
	cf_page_reset(&p);
}

/* Without a total only an empty page, or one smaller than the server's own, is the end. */
static void without_a_total(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS(ID("a") "," ID("b")) "}"}, {200, ROWS(ID("c")) "}"},
	       {200, ROWS("") "}"},
	       {200, ROWS(ID("a") "," ID("b")) ",\"result_info\":{\"page\":1,\"per_page\":2}}"},
	       {200, ROWS(ID("c")) ",\"result_info\":{\"page\":2,\"per_page\":2}}"});
	list(b, &p, 2, 100);
	ids_are(&p, "abc");
	list(b, &p, 2, 100);
	ids_are(&p, "abc");
	cf_page_reset(&p);
}

static void counts_as_text(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b,
	       {200, ROWS(ID("a") "," ID("b")) ",\"result_info\":{\"count\":\"2\",\"total_count\":"
					       "\"2\"}}"});
	list(b, &p, 2, 100);
	ids_are(&p, "ab");
	cf_page_reset(&p);
}

static void cursors_in_both_places(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS(ID("a")) ",\"result_info\":{\"cursor\":\"x/1 &\",\"count\":\"1\"}}"},
	       {200, ROWS(ID("b")) ",\"result_info\":{\"cursors\":{\"after\":\"y2\"}}}"},
	       {200, ROWS(ID("c")) ",\"result_info\":{\"cursor\":\"\"}}"});
	list(b, &p, 1, 100);
	ids_are(&p, "abc");
	cfb_asked_is(b, 1, "GET " PREFIX "/list?x=1&per_page=1&cursor=x/1 &");
	cfb_asked_is(b, 2, "GET " PREFIX "/list?x=1&per_page=1&cursor=y2");
	cf_page_reset(&p);
}

static void a_cursor_that_stands_still(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"},
	       {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"},
	       {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"},
	       {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"},
	       {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"},
	       {200, ROWS("{}") ",\"result_info\":{\"cursor\":\"x\"}}"});
	list(b, &p, 1, 100);
	failed(&p, ERR_UPSTREAM);
	cf_page_reset(&p);
}

/* ---- a listing that changes while it is read ---- */

static void a_row_twice_begins_again(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 2, 2, 4, ID("a") "," ID("b"))},
	       {200, PAGE(2, 2, 2, 4, ID("b") "," ID("c"))},
	       {200, PAGE(1, 2, 2, 3, ID("a") "," ID("b"))}, {200, PAGE(2, 2, 1, 3, ID("c"))});
	list(b, &p, 2, 100);
	ids_are(&p, "abc");
	cfb_asked_is(b, 2, "GET " PREFIX "/list?x=1&per_page=2&page=1");
	cf_page_reset(&p);
}

static void a_total_that_changes_begins_again(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 2, ID("a"))}, {200, PAGE(2, 1, 1, 3, ID("b"))},
	       {200, PAGE(1, 1, 1, 1, ID("c"))});
	list(b, &p, 1, 100);
	ids_are(&p, "c");
	cf_page_reset(&p);
}

static void fewer_rows_than_the_total_are_no_listing(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 2, 1, 2, ID("a"))}, {200, PAGE(2, 2, 0, 2, "")},
	       {200, PAGE(1, 2, 1, 2, ID("a"))}, {200, PAGE(2, 2, 0, 2, "")},
	       {200, PAGE(1, 2, 1, 2, ID("a"))}, {200, PAGE(2, 2, 0, 2, "")});
	list(b, &p, 2, 100);
	failed(&p, ERR_UPSTREAM);
	assert_true(p.task.err.retryable);
	assert_non_null(strstr(p.task.err.message, "changed"));
	cf_page_reset(&p);
}

static void more_rows_than_the_total_are_none_either(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 2, 2, 1, ID("a") "," ID("b"))},
	       {200, PAGE(1, 2, 2, 0, ID("a") "," ID("b"))},
	       {200, PAGE(1, 2, 2, 1, ID("a") "," ID("b"))});
	list(b, &p, 2, 100);
	failed(&p, ERR_UPSTREAM);
	cf_page_reset(&p);
}

static void the_same_page_over_and_over(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 2, "{}")}, {200, PAGE(1, 1, 1, 2, "{}")});
	list(b, &p, 1, 100);
	failed(&p, ERR_UPSTREAM);
	assert_non_null(strstr(p.task.err.message, "another page"));
	cf_page_reset(&p);
}

/* ---- failures ---- */

static void one_page_fails_all(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 3, ID("a"))}, {200, PAGE(2, 1, 1, 3, ID("b"))},
	       {403, FAILURE(10000, "no")}, {200, PAGE(1, 1, 1, 1, ID("z"))});
	list(b, &p, 1, 100);
	failed(&p, ERR_DENIED);
	assert_string_equal(p.task.err.missing_permission, "DNS: Read");
	list(b, &p, 1, 100); /* and may be started again as it is */
	ids_are(&p, "z");
	cf_page_reset(&p);
}

static void results_of_another_type(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, OK_RESULT("null")}, {200, OK_RESULT("{\"id\":\"a\"}")},
	       {200, OK_RESULT("\"text\"")}, {200, "{\"success\":true}"}, {200, "{\"success\":tr"});
	for (int i = 0; i < 5; i++) {
		list(b, &p, 1, 100);
		failed(&p, ERR_UPSTREAM);
	}
	cf_page_reset(&p);
}

static void more_than_wanted_is_refused(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 2, 2, 4, ID("a") "," ID("b"))},
	       {200, PAGE(2, 2, 2, 4, ID("c") "," ID("d"))});
	list(b, &p, 2, 3);
	failed(&p, ERR_UPSTREAM);
	assert_false(p.task.err.retryable);
	cf_page_reset(&p);
}

static void cancelled_between_pages(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 2, ID("a"))}, {200, PAGE(2, 1, 1, 2, ID("b")), .hold = true});
	cf_page_start(b->cf, &p, CF_SHARE_READS, "/list", 1, 100, NULL, cfb_done, b);
	cfb_turn(b, 150);
	assert_int_equal(b->n_asked, 2);
	cfb_asked_is(b, 0, "GET " PREFIX "/list?per_page=1&page=1");
	cf_page_cancel(&p);
	cf_page_cancel(&p);
	cfb_release(b);
	cfb_turn(b, 50);
	assert_int_equal(b->done, 0);
	cf_page_reset(&p);
	cf_page_cancel(&p); /* zeroed */
}

static void refused_before_anything_is_asked(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};
	struct err why;

	(void)err_set(&why, ERR_INVALID, "no");
	cf_page_refuse(b->cf, &p, &why, cfb_done, b);
	assert_int_equal(b->done, 0);
	cfb_wait(b, 1);
	failed(&p, ERR_INVALID);
	cf_page_refuse(b->cf, &p, &why, cfb_done, b);
	cf_page_cancel(&p);
	cfb_turn(b, 20);
	assert_int_equal(b->done, 1);
	cf_page_reset(&p);
}

static void the_walk_can_be_stopped(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};
	AUTO(buf_t) ids = {0};

	SCRIPT(b, {200, PAGE(1, 2, 2, 3, ID("a") "," ID("stop"))},
	       {200, PAGE(2, 2, 1, 3, ID("z"))});
	list(b, &p, 2, 100);
	assert_int_equal(cf_page_each(&p, row_joins, &ids), 7);
	assert_string_equal(buf_text(&ids), "astop");
	cf_page_reset(&p);
}

static void a_429_between_pages(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, PAGE(1, 1, 1, 2, ID("a"))}, {429, "", {"Retry-After: 1"}},
	       {200, PAGE(2, 1, 1, 2, ID("b"))});
	list(b, &p, 1, 100);
	ids_are(&p, "ab");
	cf_page_reset(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_in_order),
		TEST(a_smaller_page_than_asked_for),
		TEST(an_empty_listing),
		TEST(without_a_total),
		TEST(counts_as_text),
		TEST(cursors_in_both_places),
		TEST(a_cursor_that_stands_still),
		TEST(a_row_twice_begins_again),
		TEST(a_total_that_changes_begins_again),
		TEST(fewer_rows_than_the_total_are_no_listing),
		TEST(more_rows_than_the_total_are_none_either),
		TEST(the_same_page_over_and_over),
		TEST(one_page_fails_all),
		TEST(results_of_another_type),
		TEST(more_than_wanted_is_refused),
		TEST(cancelled_between_pages),
		TEST(refused_before_anything_is_asked),
		TEST(the_walk_can_be_stopped),
		TEST(a_429_between_pages),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
