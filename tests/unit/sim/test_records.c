/* DNS records of the simulated API: forms, names that clash, lists, batches. */
#include "tests/unit/sim/cloud_fixture.h"

#include <stdio.h>

#define RECORDS "/zones/" ZONE "/dns_records"

static const struct {
	const char *body;
	int64_t code; /* 0 = made */
} posts[] = {
	{"{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\"}", 0},
	{"{\"type\":\"A\",\"name\":\"a.example.com\",\"content\":\"192.0.2.1\"}", 81058},
	{"{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.2\"}", 0},
	{"{\"type\":\"AAAA\",\"name\":\"a\",\"content\":\"2001:db8::1\",\"proxied\":true}", 0},
	{"{\"type\":\"CNAME\",\"name\":\"a\",\"content\":\"x.example.net\"}", 81053},
	{"{\"type\":\"CNAME\",\"name\":\"c\",\"content\":\"X.example.net.\"}", 0},
	{"{\"type\":\"CNAME\",\"name\":\"c\",\"content\":\"x.example.net\"}", 81058},
	{"{\"type\":\"CNAME\",\"name\":\"c\",\"content\":\"y.example.net\"}", 81053},
	{"{\"type\":\"A\",\"name\":\"c\",\"content\":\"192.0.2.1\"}", 81054},
	{"{\"type\":\"TXT\",\"name\":\"c\",\"content\":\"hello\"}", 0},
	{"{\"type\":\"TXT\",\"name\":\"c\",\"content\":\"hello\",\"proxied\":true}", 9041},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"x\"}", 9005},
	{"{\"type\":\"AAAA\",\"name\":\"d\",\"content\":\"192.0.2.1\"}", 9006},
	{"{\"type\":\"CNAME\",\"name\":\"d\",\"content\":\"192.0.2.1\"}", 9007},
	{"{\"type\":\"CNAME\",\"name\":\"d\",\"content\":\"http://x.net\"}", 9007},
	{"{\"type\":\"CNAME\",\"name\":\"d\",\"content\":\"d.example.com\"}", 9007},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"ttl\":59}", 9021},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"ttl\":86401}", 9021},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"ttl\":\"60\"}", 9207},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"tags\":[\"a:b\"]}", 9300},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"tags\":\"a\"}", 9207},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"proxied\":\"yes\"}", 9207},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"comment\":5}", 9207},
	{"{\"type\":\"A\",\"name\":\"d\",\"content\":\"192.0.2.1\",\"comment\":\"a\\nb\"}", 7400},
	{"{\"type\":\"A\",\"name\":\"d d\",\"content\":\"192.0.2.1\"}", 9000},
	{"{\"type\":\"A\",\"name\":\"x.*\",\"content\":\"192.0.2.1\"}", 9000},
	{"{\"type\":\"A\",\"name\":\"\\u00e4\",\"content\":\"192.0.2.1\"}", 9000},
	{"{\"type\":\"A\",\"name\":\"*\",\"content\":\"192.0.2.1\"}", 0},
	{"{\"type\":\"A\",\"name\":\"@\",\"content\":\"192.0.2.1\"}", 0},
	{"{\"type\":\"NOPE\",\"name\":\"d\",\"content\":\"192.0.2.1\"}", 9020},
	{"{\"type\":\"A\",\"content\":\"192.0.2.1\"}", 9207},
	{"{\"name\":\"d\",\"content\":\"192.0.2.1\"}", 9207},
	{"{\"type\":\"A\",\"name\":\"d\"}", 9207},
	{"{\"type\":\"MX\",\"name\":\"d\",\"content\":\"m.example.net\",\"priority\":10}", 0},
	{"{\"type\":\"SRV\",\"name\":\"_x._tcp\",\"data\":{\"port\":1}}", 9101},
	{"{\"type\":\"SRV\",\"name\":\"_x._tcp\",\"content\":\"1 2 3 a.net\"}", 9101},
	{"{\"type\":\"CAA\",\"name\":\"d\",\"data\":{\"flags\":0,\"tag\":1,\"value\":\"\"}}", 9101},
	{"{\"type\":\"URI\",\"name\":\"d\",\"data\":{\"weight\":1,\"target\":\"a\"}}", 9101},
	{"{\"type\":\"SRV\",\"name\":\"_x._tcp\",\"data\":{\"priority\":1,\"weight\":2,\"port\":3,"
	 "\"target\":\"a.net\"}}",
	 0},
};

static void records_are_checked(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(posts); i++) {
		int status = ask(f, "POST", RECORDS, posts[i].body);
		if (status != (posts[i].code ? 400 : 200) || code(f) != posts[i].code)
			fail_msg("%s: %d %s", posts[i].body, status, buf_text(&f->r.body));
	}
}

static void a_comment_has_100_characters(void **state)
{
	struct fixture *f = *state;
	char comment[203] = "", body[400];

	for (size_t i = 0; i < 100; i++)
		memcpy(comment + 2 * i, "\xc3\xa4", 3);
	snprintf(body, sizeof body,
		 "{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\",\"comment\":\"%s\"}",
		 comment);
	assert_int_equal(ask(f, "POST", RECORDS, body), 200);
	snprintf(body, sizeof body,
		 "{\"type\":\"A\",\"name\":\"b\",\"content\":\"192.0.2.1\",\"comment\":\"%sx\"}",
		 comment);
	assert_int_equal(ask(f, "POST", RECORDS, body), 400);
	assert_int_equal(code(f), 9313);
}

static void put_resets_and_patch_merges(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t)
	id = make(f, RECORDS,
		  "{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\",\"ttl\":300,"
		  "\"comment\":\"mark\"}");
	AUTO(str_t) path = str_format(RECORDS "/%s", id);

	assert_int_equal(ask(f, "PATCH", path, "{\"proxied\":true}"), 200);
	assert_string_equal(json_get_string(result(f), "comment"), "mark");
	assert_int_equal(json_get_int(result(f), "ttl", 0), 1);
	assert_int_equal(ask(f, "PATCH", path, "{\"comment\":\"\"}"), 200);
	assert_true(json_is_null(json_get(result(f), "comment")));
	assert_non_null(json_get(result(f), "comment"));
	assert_int_equal(ask(f, "PATCH", path, "{\"comment\":\"again\"}"), 200);
	assert_int_equal(
		ask(f, "PUT", path, "{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.9\"}"),
		200);
	assert_true(json_is_null(json_get(result(f), "comment")));
	assert_false(json_get_bool(result(f), "proxied", true));
	assert_int_equal(ask(f, "PATCH", path, "{\"type\":\"AAAA\"}"), 400);
	assert_int_equal(ask(f, "PUT", path, "{\"content\":\"192.0.2.9\"}"), 400);
	assert_int_equal(ask(f, "DELETE", path, NULL), 200);
	assert_string_equal(json_get_string(result(f), "id"), id);
	assert_int_equal(ask(f, "DELETE", path, NULL), 404);
	assert_int_equal(code(f), 81044);
}

static const struct {
	const char *query;
	size_t count;
} lists[] = {
	{"", 4},
	{"?name=a.example.com", 2},
	{"?name=contains:a", 0},
	{"?name.exact=A.example.com", 2},
	{"?name.startswith=b", 1},
	{"?name.endswith=example.com", 4},
	{"?name.contains=zz", 0},
	{"?type=TXT", 1},
	{"?type=CNAME&proxied=true", 1},
	{"?proxied=false", 3},
	{"?content=192.0.2.1", 1},
	{"?comment.startswith=adit:", 2},
	{"?comment.exact=adit:x/1", 1},
	{"?comment.present", 2},
	{"?comment.absent=", 2},
	{"?match=any&type=TXT&proxied=true", 2},
	{"?match=all&type=TXT&proxied=true", 0},
	{"?search=192.0.2", 2},
	{"?per_page=3&page=2", 1},
	{"?per_page=5000000", 4},
};

static void lists_are_filtered(void **state)
{
	struct fixture *f = *state;
	static const char *const rows[] = {
		"{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\"}",
		"{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.2\"}",
		("{\"type\":\"CNAME\",\"name\":\"b\",\"content\":\"x.net\",\"proxied\":true,"
		 "\"comment\":\"adit:x/1\"}"),
		"{\"type\":\"TXT\",\"name\":\"c\",\"content\":\"t\",\"comment\":\"adit:y/2\"}"};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		free(make(f, RECORDS, rows[i]));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		AUTO(str_t) target = str_format(RECORDS "%s", lists[i].query);
		assert_int_equal(ask(f, "GET", target, NULL), 200);
		if (json_count(result(f)) != lists[i].count)
			fail_msg("%s: %zu rows", lists[i].query, json_count(result(f)));
	}
	assert_int_equal(ask(f, "GET", RECORDS "?match=some", NULL), 400);
	assert_int_equal(ask(f, "GET", RECORDS "?type=X", NULL), 400);
	ask(f, "GET", RECORDS "?order=type&direction=desc", NULL);
	assert_string_equal(json_get_string(json_first(result(f)), "type"), "TXT");
}

static void a_batch_is_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t)
	old = make(f, RECORDS, "{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\"}");
	AUTO(str_t)
	kept = make(f, RECORDS, "{\"type\":\"A\",\"name\":\"k\",\"content\":\"192.0.2.1\"}");
	AUTO(str_t)
	bad = str_format("{\"deletes\":[{\"id\":\"%s\"}],\"patches\":[{\"id\":\"%s\",\"ttl\":60}],"
			 "\"posts\":[{\"type\":\"CNAME\",\"name\":\"a\",\"content\":\"x.net\"},"
			 "{\"type\":\"A\",\"name\":\"a\",\"content\":\"192.0.2.1\"}]}",
			 old, kept);
	AUTO(str_t)
	good = str_format("{\"deletes\":[{\"id\":\"%s\"}],\"patches\":[{\"id\":\"%s\",\"ttl\":60}],"
			  "\"puts\":[{\"id\":\"%s\",\"type\":\"A\",\"name\":\"k2\",\"content\":"
			  "\"192.0.2.3\"}],"
			  "\"posts\":[{\"type\":\"CNAME\",\"name\":\"a\",\"content\":\"x.net\"}]}",
			  old, kept, kept);

	assert_int_equal(ask(f, "POST", RECORDS "/batch", bad), 400);
	assert_int_equal(code(f), 81054);
	assert_non_null(strstr(buf_text(&f->r.body), "/posts/1"));
	ask(f, "GET", RECORDS, NULL);
	assert_int_equal(json_count(result(f)), 2);
	assert_int_equal(json_get_int(json_first(result(f)), "ttl", 0), 1);
	assert_int_equal(ask(f, "POST", RECORDS "/batch", good), 200);
	assert_int_equal(json_count(json_get(result(f), "deletes")), 1);
	assert_string_equal(json_get_string(json_first(json_get(result(f), "puts")), "name"),
			    "k2.example.com");
	ask(f, "GET", RECORDS, NULL);
	assert_int_equal(json_count(result(f)), 2);
	assert_int_equal(ask(f, "POST", RECORDS "/batch", "{}"), 400);
	assert_int_equal(ask(f, "POST", RECORDS "/batch", "{\"posts\":{}}"), 400);
	assert_int_equal(ask(f, "POST", RECORDS "/batch", "{\"patches\":[{\"ttl\":60}]}"), 400);
}

static void a_free_zone_has_its_limits(void **state)
{
	struct fixture *f = *state;
	AUTO(buf_t) body = {0};

	buf_str(&body, "{\"posts\":[");
	for (int i = 0; i < 201; i++)
		buf_printf(&body, "%s{\"type\":\"A\",\"name\":\"n%d\",\"content\":\"192.0.2.1\"}",
			   i ? "," : "", i);
	buf_str(&body, "]}");
	assert_int_equal(ask(f, "POST", RECORDS "/batch", body.data), 400);
	fixture_load(f, "{\"zones\":[{\"name\":\"example.com\",\"id\":\"" ZONE
			"\",\"plan\":\"pro\",\"record_quota\":201}]}");
	assert_int_equal(ask(f, "POST", RECORDS "/batch", body.data), 200);
	assert_int_equal(ask(f, "GET", RECORDS "/usage", NULL), 200);
	assert_int_equal(json_get_int(result(f), "record_usage", 0), 201);
	assert_int_equal(json_get_int(result(f), "record_quota", 0), 201);
	assert_int_equal(ask(f, "POST", RECORDS,
			     "{\"type\":\"A\",\"name\":\"z\",\"content\":\"192.0.2.1\"}"),
			 400);
	assert_int_equal(code(f), 81045);
	assert_int_equal(ask(f, "GET", "/accounts/" ACCOUNT "/dns_records/usage", NULL), 200);
	assert_true(json_is_null(json_get(result(f), "record_quota")));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		CASE(records_are_checked),         CASE(a_comment_has_100_characters),
		CASE(put_resets_and_patch_merges), CASE(lists_are_filtered),
		CASE(a_batch_is_all_or_nothing),   CASE(a_free_zone_has_its_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
