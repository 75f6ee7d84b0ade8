/* What each family asks for, and what it believes of answers. */
#include "tests/unit/cloudflare/cf_bench.h"

#include "base/log.h"
#include "cloudflare/configs.h"
#include "cloudflare/connections.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"

#define SECRET  "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" /* 32 bytes */
#define TUNNELS PREFIX "/accounts/" ACCOUNT "/cfd_tunnel"
#define RECORDS PREFIX "/zones/" ZONE "/dns_records"

/* ---- requests ---- */

static void ask_all_tunnels(struct cfb *b, struct cf_call *c, const struct secret *secret)
{
	cf_tunnel_create(b->cf, &c[0], "o0", "web \"1\"", secret, cfb_done, b);
	cf_tunnel_create(b->cf, &c[1], "o1", "web-1", secret, cfb_done, b);
	cfb_wait(b, 2);
	cf_tunnel_find(b->cf, &c[2], "o2", "web 1&x", cfb_done, b);
	cfb_wait(b, 3);
	cf_tunnel_get(b->cf, &c[3], TUNNEL, cfb_done, b);
	cfb_wait(b, 4);
	cf_tunnel_token(b->cf, &c[4], TUNNEL, cfb_done, b);
	cfb_wait(b, 5);
	cf_tunnel_delete(b->cf, &c[5], TUNNEL, cfb_done, b);
	cfb_wait(b, 6);
	cf_connections_ask(b->cf, &c[6], CF_SHARE_READS, TUNNEL, cfb_done, b);
	cfb_wait(b, 7);
	cf_connections_delete(b->cf, &c[7], TUNNEL, cfb_done, b);
	cfb_wait(b, 8);
}

static void tunnel_requests(void **state)
{
	struct cfb *b = *state;
	struct cf_call c[8] = {0};
	struct secret secret = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {200, OK_RESULT("[]")}, {200, OK_RESULT("{}")},
	       {403, FAILURE(10000, "no")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("[]")},
	       {200, OK_RESULT("null")});
	secret_set(&secret, SECRET, strlen(SECRET));
	ask_all_tunnels(b, c, &secret);
	secret_free(&secret);
	assert_int_equal(c[0].task.err.kind, ERR_INVALID); /* the name */
	cfb_asked_is(b, 0, "POST " TUNNELS);
	assert_string_equal(b->asked[0].body, "{\"name\":\"web-1\",\"config_src\":\"cloudflare\","
					      "\"tunnel_secret\":\"" SECRET "\"}");
	cfb_asked_is(b, 1, "GET " TUNNELS "?name=web 1&x&is_deleted=false&per_page=1000");
	cfb_asked_is(b, 2, "GET " TUNNELS "/" TUNNEL);
	cfb_asked_is(b, 3, "GET " TUNNELS "/" TUNNEL "/token");
	assert_string_equal(c[4].task.err.missing_permission, "Cloudflare Tunnel: Edit");
	cfb_asked_is(b, 4, "DELETE " TUNNELS "/" TUNNEL);
	cfb_asked_is(b, 5, "GET " TUNNELS "/" TUNNEL "/connections");
	cfb_asked_is(b, 6, "DELETE " TUNNELS "/" TUNNEL "/connections");
	for (int i = 0; i < 8; i++)
		cf_call_reset(&c[i]);
}

static void secrets_that_are_none(void **state)
{
	static const char *const bad[] = {"", "not base64!", "c2hvcnQ="};
	struct cfb *b = *state;
	struct cf_call c = {0};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct secret secret = {0};

		secret_set(&secret, bad[i], strlen(bad[i]));
		cf_tunnel_create(b->cf, &c, "o", "web", &secret, cfb_done, b);
		secret_free(&secret);
		cfb_wait(b, (int)i + 1);
		assert_int_equal(c.task.err.kind, ERR_INTERNAL);
		assert_true(!*bad[i] || !strstr(c.task.err.message, bad[i]));
	}
	cf_call_reset(&c);
}

static void record_requests(void **state)
{
	static const struct cf_record_body full = {
		"CNAME", "a.example.com", "t.cfargotunnel.com", "adit:\"x\"/1", true, 1};
	static const struct cf_record_body some = {.proxied = false};
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("[]")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")},
	       {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")});
	cf_record_find(b->cf, &c, "r", ZONE, "*.example.com", cfb_done, b);
	cfb_wait(b, 1);
	cf_record_get(b->cf, &c, "r", ZONE, RECORD, cfb_done, b);
	cfb_wait(b, 2);
	cf_record_create(b->cf, &c, "r", ZONE, &full, cfb_done, b);
	cfb_wait(b, 3);
	cf_record_patch(b->cf, &c, "r", ZONE, RECORD, &full, cfb_done, b);
	cfb_wait(b, 4);
	cf_record_patch(b->cf, &c, "r", ZONE, RECORD, &some, cfb_done, b);
	cfb_wait(b, 5);
	cf_record_delete(b->cf, &c, "r", ZONE, RECORD, cfb_done, b);
	cfb_wait(b, 6);
	cfb_asked_is(b, 0, "GET " RECORDS "?name.exact=*.example.com&per_page=5000");
	cfb_asked_is(b, 1, "GET " RECORDS "/" RECORD);
	cfb_asked_is(b, 2, "POST " RECORDS);
	assert_string_equal(b->asked[2].body,
			    "{\"type\":\"CNAME\",\"name\":\"a.example.com\",\"content\":"
			    "\"t.cfargotunnel.com\",\"proxied\":true,\"ttl\":1,\"comment\":"
			    "\"adit:\\\"x\\\"/1\"}");
	cfb_asked_is(b, 3, "PATCH " RECORDS "/" RECORD);
	assert_string_equal(b->asked[3].body, b->asked[2].body);
	assert_string_equal(b->asked[4].body, "{\"proxied\":false}");
	cfb_asked_is(b, 5, "DELETE " RECORDS "/" RECORD);
	assert_string_equal(b->asked[5].body, "");
	cf_call_reset(&c);
}

static void config_requests(void **state)
{
	static const char *const bad[] = {"[]", "", "{", "{}}", "null", "{\"a\":1,\"a\":2}"};
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("{}")}, {200, OK_RESULT("{}")});
	cf_config_get(b->cf, &c, TUNNEL, cfb_done, b);
	cfb_wait(b, 1);
	cf_config_put(b->cf, &c, TUNNEL, " {\"ingress\": [1.50]}", cfb_done, b);
	cfb_wait(b, 2);
	cfb_asked_is(b, 0, "GET " TUNNELS "/" TUNNEL "/configurations");
	cfb_asked_is(b, 1, "PUT " TUNNELS "/" TUNNEL "/configurations");
	assert_string_equal(b->asked[1].body, "{\"config\": {\"ingress\": [1.50]}}");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cf_config_put(b->cf, &c, TUNNEL, bad[i], cfb_done, b);
		cfb_wait(b, 3 + (int)i);
		assert_int_equal(c.task.err.kind, ERR_INVALID);
	}
	cf_call_reset(&c);
}

static void lists_and_the_token(void **state)
{
	struct cfb *b = *state;
	struct cf_page p = {0};
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("[]")}, {200, OK_RESULT("[]")}, {200, OK_RESULT("[]")},
	       {200, OK_RESULT("[]")}, {401, FAILURE(1000, "Invalid API Token")},
	       {401, FAILURE(1000, "Invalid API Token")});
	cf_tunnel_list(b->cf, &p, CF_SHARE_READS, cfb_done, b);
	cfb_wait(b, 1);
	cf_record_list(b->cf, &p, CF_SHARE_READS, ZONE, NULL, cfb_done, b);
	cfb_wait(b, 2);
	cf_record_list(b->cf, &p, CF_SHARE_READS, ZONE, "type=CNAME", cfb_done, b);
	cfb_wait(b, 3);
	cf_zone_list(b->cf, &p, CF_SHARE_READS, cfb_done, b);
	cfb_wait(b, 4);
	cf_token_verify(b->cf, &c, false, cfb_done, b);
	cfb_wait(b, 5);
	assert_int_equal(b->world->system.access, ACCESS_OK);
	cf_token_verify(b->cf, &c, true, cfb_done, b);
	cfb_wait(b, 6);
	assert_int_equal(b->world->system.access, ACCESS_OK);
	assert_int_equal(c.task.err.kind, ERR_DENIED);
	cfb_asked_is(b, 0, "GET " TUNNELS "?is_deleted=false&per_page=1000&page=1");
	cfb_asked_is(b, 1, "GET " RECORDS "?per_page=5000&page=1");
	cfb_asked_is(b, 2, "GET " RECORDS "?type=CNAME&per_page=5000&page=1");
	cfb_asked_is(b, 3, "GET " PREFIX "/zones?account.id=" ACCOUNT "&per_page=50&page=1");
	cfb_asked_is(b, 4, "GET " PREFIX "/user/tokens/verify");
	cfb_asked_is(b, 5, "GET " PREFIX "/accounts/" ACCOUNT "/tokens/verify");
	cf_page_reset(&p);
	cf_call_reset(&c);
}

/* A find is one answer: it must be a list, and all of it. */
static void finds_are_complete(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("null")}, {200, OK_RESULT("{}")},
	       {200, "{\"success\":true,\"result\":[{}],\"result_info\":{\"total_count\":2}}"},
	       {200, "{\"success\":true,\"result\":[{}],\"result_info\":{\"total_count\":1}}"},
	       {200, OK_RESULT("[]")});
	for (int i = 0; i < 5; i++) {
		if (i % 2)
			cf_tunnel_find(b->cf, &c, "x", "web", cfb_done, b);
		else
			cf_record_find(b->cf, &c, "x", ZONE, "a.example.com", cfb_done, b);
		cfb_wait(b, i + 1);
		assert_int_equal(c.task.err.kind, i < 3 ? ERR_UPSTREAM : ERR_NONE);
		assert_int_equal(json_type(c.result), i < 3 ? JSON_NULL : JSON_ARRAY);
	}
	cf_call_reset(&c);
}

/* ---- ids ---- */

static void bad_tunnel_ids(struct cfb *b, struct cf_call *c, const char *id)
{
	cf_tunnel_get(b->cf, &c[0], id, cfb_done, b);
	cf_tunnel_token(b->cf, &c[1], id, cfb_done, b);
	cf_tunnel_delete(b->cf, &c[2], id, cfb_done, b);
	cf_connections_ask(b->cf, &c[3], CF_SHARE_READS, id, cfb_done, b);
	cf_connections_delete(b->cf, &c[4], id, cfb_done, b);
	cf_config_get(b->cf, &c[5], id, cfb_done, b);
	cf_config_put(b->cf, &c[6], id, "{}", cfb_done, b);
}

static void bad_record_ids(struct cfb *b, struct cf_call *c, const char *id)
{
	static const struct cf_record_body body = {"A", "a", "1.2.3.4", NULL, false, 1};

	cf_record_find(b->cf, &c[0], "o", id, "x", cfb_done, b);
	cf_record_create(b->cf, &c[1], "o", id, &body, cfb_done, b);
	cf_record_get(b->cf, &c[2], "o", id, RECORD, cfb_done, b);
	cf_record_get(b->cf, &c[3], "o", ZONE, id, cfb_done, b);
	cf_record_patch(b->cf, &c[4], "o", ZONE, id, &body, cfb_done, b);
	cf_record_delete(b->cf, &c[5], "o", ZONE, id, cfb_done, b);
	cf_record_delete(b->cf, &c[6], "o", id, RECORD, cfb_done, b);
}

static void malformed_ids_reach_no_path(void **state)
{
	static const char *const ids[] = {NULL,
					  "",
					  "x",
					  "../../user/tokens",
					  RECORD "/",
					  RECORD "0",
					  "372e67954025e0ba6aaa6d586b9e0b5g",
					  TUNNEL "?x",
					  "f70ff985_a4ef_4643_bbbc_4a0ed4fc8415"};
	struct cfb *b = *state;
	struct cf_call c[7] = {0};
	struct cf_page p = {0};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		for (int family = 0; family < 2; family++) {
			b->done = 0;
			(family ? bad_tunnel_ids : bad_record_ids)(b, c, ids[i]);
			assert_int_equal(b->done, 0);
			cfb_wait(b, 7);
			for (int j = 0; j < 7; j++)
				assert_int_equal(c[j].task.err.kind, ERR_INVALID);
		}
		b->done = 0;
		cf_record_list(b->cf, &p, CF_SHARE_READS, ids[i], NULL, cfb_done, b);
		cfb_wait(b, 1);
		assert_int_equal(p.task.err.kind, ERR_INVALID);
	}
	for (int j = 0; j < 7; j++)
		cf_call_reset(&c[j]);
	cf_page_reset(&p);
}

static void without_an_account(void **state)
{
	struct cfb *b = *state;
	struct cf_options o = {"https://example.com", "", 600, 300000};
	struct cf_call c[7] = {0}, verify = {0}, find = {0};
	struct cf_page p = {0}, z = {0};
	struct err e;

	cf_free(b->cf);
	assert_int_equal(cf_new(b->loop, b->http, b->world, &o, &b->cf, &e), 0);
	bad_tunnel_ids(b, c, TUNNEL);
	cf_token_verify(b->cf, &verify, true, cfb_done, b);
	cf_tunnel_find(b->cf, &find, NULL, "x", cfb_done, b);
	cf_tunnel_list(b->cf, &p, CF_SHARE_READS, cfb_done, b);
	cf_zone_list(b->cf, &z, CF_SHARE_READS, cfb_done, b);
	cfb_wait(b, 11);
	for (int j = 0; j < 7; j++) {
		assert_int_equal(c[j].task.err.kind, ERR_DENIED);
		cf_call_reset(&c[j]);
	}
	assert_int_equal(verify.task.err.kind, ERR_DENIED);
	assert_int_equal(find.task.err.kind, ERR_DENIED);
	assert_int_equal(p.task.err.kind, ERR_DENIED);
	assert_int_equal(z.task.err.kind, ERR_DENIED);
	cf_call_reset(&verify);
	cf_call_reset(&find);
	cf_page_reset(&p);
	cf_page_reset(&z);
}

/* ---- a configuration that was read ---- */

#define CONFIG_OF(version, config)                                                                 \
	OK_RESULT("{\"tunnel_id\":\"" TUNNEL "\",\"version\":" version ",\"source\":"              \
		  "\"cloudflare\",\"config\":" config "}")

static void configs_read(void **state)
{
	static const char raw[] =
		"{ \"ingress\" : [ {\"service\":\"x\"} ],\"big\":12345678901234567890.50 }";
	struct cfb *b = *state;
	struct cf_call c = {0};
	struct cf_config out;
	struct err e;

	SCRIPT(b,
	       {200, CONFIG_OF("7", "{ \"ingress\" : [ {\"service\":\"x\"} "
				    "],\"big\":12345678901234567890.50 }")},
	       {200, CONFIG_OF("0", "null")},
	       {200, OK_RESULT("{\"version\":1,\"source\":\"local\",\"config\":{}}")},
	       {200, OK_RESULT("{\"version\":0}")});
	for (int i = 0; i < 4; i++) {
		cf_config_get(b->cf, &c, TUNNEL, cfb_done, b);
		cfb_wait(b, i + 1);
		if (cf_config_read(&c, &out, &e) < 0)
			fail_msg("%s / %s", c.task.err.message, e.message);
		assert_int_equal(out.version, i == 0 ? 7 : i == 2 ? 1 : 0);
		assert_int_equal(out.local, i == 2);
		assert_int_equal(out.config.len, i == 0 ? strlen(raw) : i == 2 ? 2 : 0);
		if (i == 0)
			assert_memory_equal(out.config.p, raw, strlen(raw));
	}
	cf_call_reset(&c);
}

static void configs_refused(void **state)
{
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b, {200, OK_RESULT("null")}, {200, OK_RESULT("[]")}, {200, OK_RESULT("{}")},
	       {200, CONFIG_OF("\"7\"", "{}")}, {200, CONFIG_OF("-1", "{}")},
	       {200, CONFIG_OF("1.5", "{}")}, {200, CONFIG_OF("1", "[]")},
	       {200, CONFIG_OF("1", "\"{}\"")}, {200, CONFIG_OF("1e300", "{}")},
	       {200, OK_RESULT("{\"tunnel_id\":\"00000000-a4ef-4643-bbbc-4a0ed4fc8415\","
			       "\"version\":1,\"config\":{}}")},
	       {200, OK_RESULT("{\"tunnel_id\":5,\"version\":1,\"config\":{}}")},
	       {200, OK_RESULT("{\"tunnel_id\":\"f\",\"version\":1,\"config\":{}}")});
	for (size_t i = 0; i < b->n_script; i++) {
		struct cf_config out = {.version = 99};
		struct err e;

		cf_config_get(b->cf, &c, TUNNEL, cfb_done, b);
		cfb_wait(b, (int)i + 1);
		assert_int_equal(c.task.err.kind, ERR_NONE);
		if (cf_config_read(&c, &out, &e) == 0)
			fail_msg("row %zu was believed", i);
		assert_int_equal(e.kind, ERR_UPSTREAM);
		assert_int_equal(out.version, 99);
	}
	cf_call_reset(&c);
}

static void batches(void **state)
{
	static const struct cf_record_body mail = {
		"MX", "m.example.com", "mx.example.net", "c", false, 60, 5};
	static const struct cf_record_body only = {.content = "192.0.2.1", .proxied = true};
	const struct cf_step steps[] = {
		{.kind = CF_STEP_POST, .body = mail},
		{.kind = CF_STEP_PATCH, .id = RECORD, .body = only},
		{.kind = CF_STEP_DELETE, .id = ZONE},
		{.kind = CF_STEP_DELETE, .id = RECORD},
	};
	struct cfb *b = *state;
	struct cf_call c = {0};

	SCRIPT(b,
	       {200, OK_RESULT("{\"deletes\":[{\"id\":\"d\"}],\"patches\":null,"
			       "\"posts\":[{\"id\":\"a\"},{\"id\":\"b\"}]}")},
	       {400, FAILURE(81044, "Record does not exist.")});
	cf_record_batch(b->cf, &c, ZONE, steps, ARRAY_LEN(steps), cfb_done, b);
	cfb_wait(b, 1);
	cfb_asked_is(b, 0, "POST " RECORDS "/batch");
	assert_string_equal(b->asked[0].body,
			    "{\"deletes\":[{\"id\":\"" ZONE "\"},{\"id\":\"" RECORD "\"}],"
			    "\"patches\":[{\"id\":\"" RECORD "\",\"content\":\"192.0.2.1\","
			    "\"proxied\":true}],\"posts\":[{\"type\":\"MX\","
			    "\"name\":\"m.example.com\",\"content\":\"mx.example.net\","
			    "\"proxied\":false,\"ttl\":60,\"priority\":5,\"comment\":\"c\"}]}");
	assert_string_equal(json_get_string(cf_batch_row(c.result, CF_STEP_POST, 1), "id"), "b");
	assert_string_equal(json_get_string(cf_batch_row(c.result, CF_STEP_DELETE, 0), "id"), "d");
	assert_null(cf_batch_row(c.result, CF_STEP_POST, 2));
	assert_null(cf_batch_row(c.result, CF_STEP_PATCH, 0));
	assert_null(cf_batch_row(NULL, CF_STEP_POST, 0));
	cf_call_reset(&c);
	cf_record_batch(b->cf, &c, ZONE, steps + 2, 1, cfb_done, b);
	cfb_wait(b, 2);
	assert_string_equal(b->asked[1].body,
			    "{\"deletes\":[{\"id\":\"" ZONE "\"}],\"patches\":[],\"posts\":[]}");
	assert_int_equal(c.task.err.kind, ERR_NOT_FOUND);
	assert_false(c.unknown);
	cf_call_reset(&c);
	cf_record_batch(b->cf, &c, "../x", steps, 1, cfb_done, b);
	cfb_wait(b, 3);
	assert_int_equal(c.task.err.kind, ERR_INVALID);
	cf_call_reset(&c);
}

static void how_large_a_batch_may_be(void **state)
{
	(void)state;
	assert_int_equal(cf_batch_max(NULL), 200);
	assert_int_equal(cf_batch_max("Free Website"), 200);
	assert_int_equal(cf_batch_max("Pro Website"), 3500);
	assert_int_equal(cf_batch_max("Business Website"), 3500);
	assert_int_equal(cf_batch_max("enterprise"), 3500);
	assert_int_equal(cf_batch_max("what comes next"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tunnel_requests),
		TEST(secrets_that_are_none),
		TEST(record_requests),
		TEST(batches),
		cmocka_unit_test(how_large_a_batch_may_be),
		TEST(config_requests),
		TEST(lists_and_the_token),
		TEST(finds_are_complete),
		TEST(malformed_ids_reach_no_path),
		TEST(without_an_account),
		TEST(configs_read),
		TEST(configs_refused),
	};

	log_init("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
