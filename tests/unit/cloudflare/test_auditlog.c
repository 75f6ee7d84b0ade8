/* The audit log: what is asked, when a listing is over, what a row must hold, whose write it was.
 */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/auditlog.h"
#include "cloudflare/rays.h"

#define ROWS(info, ...)                                                                            \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[" __VA_ARGS__                 \
	"],\"result_info\":" info "}"
#define ROW(id) "{\"id\":\"" id "\",\"action\":{\"time\":\"2026-11-20T10:00:00Z\"}}"
#define LOG_AT  "GET " PREFIX "/accounts/" ACCOUNT "/logs/audit"
#define SINCE   1763632800000LL /* 2025-11-20T10:00:00Z */
#define RAY     "8e9b1c60ef9e1c9a"

static void list(struct cfb *b, struct cf_page *p, const struct cf_audit_filter *f, size_t n)
{
	int before = b->done;

	cf_audit_list(b->cf, p, CF_SHARE_READS, SINCE, SINCE + 60000, f, n, cfb_done, b);
	cfb_wait(b, before + 1);
}

static void what_is_asked(void **state)
{
	static const struct cf_audit_filter filters[] = {{"action_type.not", "view"},
							 {"resource_product", "a b"}};
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{\"count\":\"0\",\"cursor\":\"\"}", "")});
	list(b, &p, filters, ARRAY_LEN(filters));
	assert_int_equal(p.task.err.kind, ERR_NONE);
	assert_int_equal(p.count, 0);
	assert_string_equal(b->asked[0].line,
			    LOG_AT "?direction=asc&since=2025-11-20T10:00:00.000Z"
				   "&before=2025-11-20T10:01:00.000Z&action_type.not=view"
				   "&resource_product=a b&limit=1000");
	cf_page_reset(&p);
}

/* The cursor stands in one place or the other; fewer rows than the limit are no end. */
static void pages_by_cursor(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{\"count\":\"1\",\"cursor\":\"x y\"}", ROW("a"))},
	       {200, ROWS("{\"count\":1,\"cursors\":{\"after\":\"z\"}}", ROW("b"))},
	       {200, ROWS("{\"count\":\"1\"}", ROW("c"))});
	list(b, &p, NULL, 0);
	assert_int_equal(p.task.err.kind, ERR_NONE);
	assert_int_equal(p.count, 3);
	assert_int_equal(b->n_asked, 3);
	assert_non_null(strstr(b->asked[1].line, "&cursor=x y"));
	assert_non_null(strstr(b->asked[2].line, "&cursor=z"));
	cf_page_reset(&p);
}

static void a_cursor_that_is_always_there_ends(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{\"cursor\":\"x\"}", ROW("a"))},
	       {200, ROWS("{\"cursor\":\"y\"}", "")}, {200, OK_RESULT("null")});
	list(b, &p, NULL, 0);
	assert_int_equal(p.count, 1);
	assert_int_equal(b->n_asked, 2);
	/* and no rows at all may be written as null */
	list(b, &p, NULL, 0);
	assert_int_equal(p.task.err.kind, ERR_NONE);
	assert_int_equal(p.count, 0);
	cf_page_reset(&p);
}

static void half_a_listing_is_none(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{\"cursor\":\"x\"}", ROW("a"))}, {500, FAILURE(7, "no")},
	       {200, OK_RESULT("{}")});
	list(b, &p, NULL, 0);
	assert_int_not_equal(p.task.err.kind, ERR_NONE);
	assert_int_equal(p.count, 0);
	list(b, &p, NULL, 0);
	assert_int_equal(p.task.err.kind, ERR_UPSTREAM);
	cf_page_reset(&p);
}

/* The permission is optional: that it lacks says nothing of the token. */
static void a_refusal_is_no_problem_of_access(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};

	SCRIPT(b, {200, ROWS("{}", "")}, {403, FAILURE(10000, "Authentication error")});
	list(b, &p, NULL, 0);
	list(b, &p, NULL, 0);
	assert_int_equal(p.task.err.kind, ERR_DENIED);
	assert_int_not_equal(b->world->system.access, ACCESS_REFUSED);
	assert_null(b->world->system.access_problem);
	assert_null(b->world->system.writes_off);
	cf_page_reset(&p);
}

static void our_writes_are_known_by_their_ray(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct cf_audit_entry ours = {.ray = RAY}, other = {.ray = "8e9b1c60ef9e1c9b"}, none = {0};
	int before = b->done;

	SCRIPT(b, {200, OK_RESULT("{}"), {"cf-ray: " RAY "-FRA", NULL}},
	       {200, OK_RESULT("{}"), {"cf-ray: 8e9b1c60ef9e1c9b-FRA", NULL}});
	cf_call_start(b->cf, &c, CF_SHARE_PEOPLE, "PUT", "/x", "{}", NULL, "DNS: Edit", cfb_done,
		      b);
	cfb_wait(b, before + 1);
	cf_call_reset(&c);
	cf_call_start(b->cf, &c, CF_SHARE_PEOPLE, "GET", "/x", NULL, NULL, "DNS: Edit", cfb_done,
		      b);
	cfb_wait(b, before + 2);
	cf_call_reset(&c);
	assert_true(cf_audit_ours(b->cf, &ours));
	assert_false(cf_audit_ours(b->cf, &other)); /* only read */
	assert_false(cf_audit_ours(b->cf, &none));
}

static void rays(void **state)
{
	static struct rays r;
	char ray[32];

	(void)state;
	rays_add(&r, "not a ray");
	rays_add(&r, "0000000000000000-FRA");
	assert_false(rays_has(&r, "not a ray"));
	assert_false(rays_has(&r, "0000000000000000"));
	assert_false(rays_has(&r, NULL));
	for (unsigned i = 1; i <= RAYS_KEPT + 1; i++) {
		(void)snprintf(ray, sizeof(ray), "%016x-FRA", i);
		rays_add(&r, ray);
	}
	assert_false(rays_has(&r, "0000000000000001"));
	assert_true(rays_has(&r, "0000000000000002-AMS"));
	assert_false(rays_has(&r, "00000000000000022"));
}

/* ---- rows ---- */

static int read_row(const char *text, struct json_doc **doc, struct cf_audit_entry *x)
{
	struct err e;

	assert_int_equal(json_parse(text, strlen(text), NULL, doc, &e), 0);
	return cf_audit_read(json_root(*doc), x, &e);
}

static void a_whole_row(void **state)
{
	AUTO(json_doc_t) doc = NULL;
	struct cf_audit_entry x;
	char id[UUID_SIZE];

	(void)state;
	assert_int_equal(
		read_row(
			"{\"id\":\"f174be97-19b1-40d6-954d-70cd5fbd52db\",\"account\":{\"id\":"
			"\"1\"},"
			"\"action\":{\"description\":\"d\",\"result\":\"failure\","
			"\"time\":\"2024-04-26T17:31:07Z\",\"type\":\"update\"},"
			"\"actor\":{\"email\":\"alice\\u001b@example.com\",\"context\":\"api_"
			"token\","
			"\"token_id\":\"5\",\"token_name\":\"CI\",\"ip_address\":\"198.51.100.1\"},"
			"\"raw\":{\"cf_ray_id\":\"" RAY "\",\"method\":\"PUT\",\"status_code\":200,"
			"\"uri\":\"/client/v4/accounts/1/cfd_tunnel/" TUNNEL "/configurations?a\"},"
			"\"resource\":{\"id\":\"r\",\"product\":\"p\",\"type\":\"t\"},"
			"\"zone\":{\"id\":\"z\",\"name\":\"example.com\"}}",
			&doc, &x),
		0);
	assert_int_equal(x.time_ms, 1714152667000);
	assert_int_equal(x.action, CF_AUDIT_UPDATE);
	assert_true(x.failed);
	assert_string_equal(x.resource_product, "p");
	assert_string_equal(x.zone_id, "z");
	cf_audit_uri_id(&x, "cfd_tunnel", id, sizeof(id));
	assert_string_equal(id, TUNNEL);
	cf_audit_uri_id(&x, "dns_records", id, sizeof(id));
	assert_string_equal(id, "");
	AUTO(str_t) actor = cf_audit_actor(&x);
	assert_string_equal(actor, "alice?@example.com, token CI");
}

static void rows_with_little(void **state)
{
	static const struct {
		const char *text;
		int rc;
		const char *actor;
	} cases[] = {
		{ROW("a"), 0, NULL},
		{"{\"id\":\"a\",\"action\":{\"time\":\"2026-11-20T10:00:00Z\",\"type\":\"x\"},"
		 "\"actor\":{\"context\":\"dash\"}}",
		 0, "by dash"},
		{"{\"id\":\"a\",\"action\":{\"time\":\"2026-11-20T10:00:00Z\"},"
		 "\"actor\":{\"email\":\"a@b\",\"context\":\"dash\"},\"zone\":null,\"raw\":[]}",
		 0, "a@b by dash"},
		{"{\"id\":\"a\",\"action\":{\"time\":\"48h\"}}", -1, NULL},
		{"{\"id\":\"a\",\"action\":{\"time\":7}}", -1, NULL},
		{"{\"id\":\"a\"}", -1, NULL},
		{"{\"action\":{\"time\":\"2026-11-20T10:00:00Z\"}}", -1, NULL},
		{"7", -1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_audit_entry x = {0};
		assert_int_equal(read_row(cases[i].text, &doc, &x), cases[i].rc);
		AUTO(str_t) actor = cf_audit_actor(&x);
		if (!cases[i].actor)
			assert_null(actor);
		else
			assert_string_equal(actor, cases[i].actor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_asked),
		TEST(pages_by_cursor),
		TEST(a_cursor_that_is_always_there_ends),
		TEST(half_a_listing_is_none),
		TEST(a_refusal_is_no_problem_of_access),
		TEST(our_writes_are_known_by_their_ray),
		cmocka_unit_test(rays),
		cmocka_unit_test(a_whole_row),
		cmocka_unit_test(rows_with_little),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
