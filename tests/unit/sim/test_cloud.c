/* The simulated API from outside: who may, what is where, tunnels and their configurations. */
#include "tests/unit/sim/cloud_fixture.h"

#include <stdio.h>

#include "base/text.h"

#define TUNNELS   "/accounts/" ACCOUNT "/cfd_tunnel"
#define NO_TUNNEL TUNNELS "/0b0b0b0b-0000-4000-8000-000000000000"

static const struct {
	const char *token, *method, *target, *body;
	int status;
	int64_t code;
} refusals[] = {
	/* who asks */
	{NULL, "GET", "/zones", NULL, 401, 1001},
	{"short", "GET", "/zones", NULL, 400, 6003},
	{"spaces in the token, no", "GET", "/zones", NULL, 400, 6003},
	{"unknown-token-00000001", "GET", "/zones", NULL, 401, 10000},
	{"unknown-token-00000001", "GET", "/user/tokens/verify", NULL, 401, 1000},
	{"expired-token-0000001", "GET", "/zones", NULL, 401, 10000},
	{"cfat_owned-token-0001", "GET", "/user/tokens/verify", NULL, 401, 1000},
	{"cfat_owned-token-0001", "GET", "/accounts", NULL, 400, 1001},
	{ALL, "GET", "/accounts/" ACCOUNT "/tokens/verify", NULL, 401, 1000},
	/* who may */
	{"cfat_owned-token-0001", "GET", "/accounts/" OTHER, NULL, 403, 10000},
	{"cfat_owned-token-0001", "GET", "/zones/" FOREIGN, NULL, 403, 9109},
	{"reads-dns-only-000001", "GET", TUNNELS, NULL, 403, 10000},
	{"reads-dns-only-000001", "GET", "/zones/" FOREIGN "/dns_records", NULL, 403, 9109},
	{"reads-dns-only-000001", "POST", "/zones/" ZONE "/dns_records", "{}", 403, 9109},
	{ALL, "GET", "/zones/00000000000000000000000000000000", NULL, 403, 9109},
	/* what is where */
	{ALL, "GET", "/nothing", NULL, 404, 7003},
	{ALL, "GET", "/zones/", NULL, 404, 7003},
	{ALL, "GET", "/zones/xyz", NULL, 404, 7003},
	{ALL, "GET", TUNNELS "/not-a-uuid", NULL, 404, 7003},
	{ALL, "DELETE", "/zones", NULL, 405, 7001},
	{ALL, "PUT", TUNNELS, "{}", 405, 7001},
	{ALL, "GET", NO_TUNNEL, NULL, 404, 1003},
	{ALL, "GET", "/zones/" ZONE "/dns_records/00000000000000000000000000000000", NULL, 404,
	 81044},
	{ALL, "GET", "/zones/" ZONE "/firewall/rules", NULL, 410, 7400},
	{ALL, "GET", "/zones/" ZONE "/rulesets/phases/http_ratelimit/entrypoint", NULL, 404, 10003},
	/* arguments */
	{ALL, "GET", "/zones?per_page=51", NULL, 400, 7400},
	{ALL, "GET", "/zones?per_page=4", NULL, 400, 7400},
	{ALL, "GET", "/zones?page=0", NULL, 400, 7400},
	{ALL, "GET", TUNNELS "?per_page=1001", NULL, 400, 7400},
	{ALL, "GET", TUNNELS "?is_deleted=no", NULL, 400, 7400},
	{ALL, "GET", TUNNELS "?existed_at=yesterday", NULL, 400, 7400},
	{ALL, "POST", TUNNELS, "{", 400, 6007},
	{ALL, "POST", TUNNELS, "[]", 400, 9207},
	{ALL, "POST", TUNNELS, "{}", 400, 7400},
	{ALL, "POST", TUNNELS, "{\"name\":7}", 400, 7400},
	{ALL, "POST", TUNNELS, "{\"name\":\"\"}", 400, 7400},
	{ALL, "POST", TUNNELS, "{\"name\":\"a\",\"config_src\":\"remote\"}", 400, 7400},
	{ALL, "POST", TUNNELS, "{\"name\":\"a\",\"tunnel_secret\":\"c2hvcnQ=\"}", 400, 7400},
};

static void each_mistake_has_its_code(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		f->token = refusals[i].token;
		int status = ask(f, refusals[i].method, refusals[i].target, refusals[i].body);
		if (status != refusals[i].status || code(f) != refusals[i].code)
			fail_msg("%s %s %s: %d/%ld, not %d/%ld", refusals[i].method,
				 refusals[i].target, refusals[i].body ? refusals[i].body : "",
				 status, (long)code(f), refusals[i].status, (long)refusals[i].code);
		assert_non_null(answer_header(f, "cf-ray"));
		assert_non_null(answer_header(f, "Ratelimit"));
		assert_non_null(answer_header(f, "Ratelimit-Policy"));
		assert_false(json_bool(json_get(json_root(f->doc), "success"), true));
	}
}

static void headers_that_cloudflare_refuses(void **state)
{
	struct fixture *f = *state;
	struct cloud_request q = {.method = "GET",
				  .path = CLOUD_BASE_PATH "/zones",
				  .auth_key = "all-powerful-token-0001"};

	cloud_answer(f->c, &q, &f->r);
	assert_int_equal(f->r.status, 400);
	assert_non_null(strstr(buf_text(&f->r.body), "6103"));
	fixture_forget(f);
	q.authorization = "Bearer " ALL;
	q.transfer_encoding = true;
	cloud_answer(f->c, &q, &f->r);
	assert_int_equal(f->r.status, 400);
	fixture_forget(f);
	q.transfer_encoding = false;
	q.path = "/zones";
	cloud_answer(f->c, &q, &f->r);
	assert_int_equal(f->r.status, 404);
	fixture_forget(f);
	q = (struct cloud_request){.method = "POST",
				   .path = CLOUD_BASE_PATH TUNNELS,
				   .authorization = "Bearer " ALL,
				   .content_type = "text/plain",
				   .body = "{\"name\":\"a\"}",
				   .body_len = 12};
	cloud_answer(f->c, &q, &f->r);
	assert_int_equal(f->r.status, 415);
}

static void lists_have_pages(void **state)
{
	struct fixture *f = *state;
	const struct json *info;

	for (int i = 0; i < 7; i++) {
		AUTO(str_t) body = str_format("{\"name\":\"t%d\"}", i);
		free(make(f, TUNNELS, body));
	}
	assert_int_equal(ask(f, "GET", TUNNELS "?per_page=3&page=3", NULL), 200);
	info = json_get(json_root(f->doc), "result_info");
	assert_int_equal(json_count(result(f)), 1);
	assert_int_equal(json_get_int(info, "total_count", 0), 7);
	assert_int_equal(json_get_int(info, "total_pages", 0), 3);
	assert_int_equal(json_get_int(info, "count", 0), 1);
	assert_int_equal(ask(f, "GET", TUNNELS "?per_page=3&page=4", NULL), 200);
	assert_int_equal(json_type(result(f)), JSON_ARRAY);
	assert_int_equal(json_count(result(f)), 0);
}

static void a_tunnel_lives_and_dies(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) id = make(f, TUNNELS, "{\"name\":\"web\",\"config_src\":\"cloudflare\"}");
	AUTO(str_t) path = str_format(TUNNELS "/%s", id);

	assert_non_null(json_get_string(result(f), "token"));
	assert_non_null(json_get(result(f), "credentials_file"));
	assert_string_equal(json_get_string(result(f), "status"), "inactive");
	assert_true(json_is_null(json_get(result(f), "conns_active_at")));
	assert_string_equal(json_get_string(result(f), "conns_inactive_at"),
			    json_get_string(result(f), "created_at"));
	assert_int_equal(ask(f, "POST", TUNNELS, "{\"name\":\"web\"}"), 409);
	assert_int_equal(code(f), 1013);
	assert_int_equal(ask(f, "GET", path, NULL), 200);
	assert_null(json_get(result(f), "token"));
	assert_int_equal(ask(f, "PATCH", path, "{\"name\":\"web2\"}"), 200);
	assert_int_equal(ask(f, "DELETE", path, NULL), 200);
	assert_int_equal(ask(f, "GET", path, NULL), 200);
	assert_non_null(json_get_string(result(f), "deleted_at"));
	assert_int_equal(ask(f, "DELETE", path, NULL), 404);
	assert_int_equal(ask(f, "GET", TUNNELS "?name=web2", NULL), 200);
	assert_int_equal(json_count(result(f)), 0);
	assert_int_equal(ask(f, "GET", TUNNELS "?name=web2&is_deleted=true", NULL), 200);
	assert_int_equal(json_count(result(f)), 1);
	/* a deleted tunnel's name is free again */
	free(make(f, TUNNELS, "{\"name\":\"web2\"}"));
}

static void a_token_proves_the_secret(void **state)
{
	struct fixture *f = *state;
	static const char secret[] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
	AUTO(str_t) body = str_format("{\"name\":\"web\",\"tunnel_secret\":\"%s\"}", secret);
	AUTO(str_t) id = make(f, TUNNELS, body);
	AUTO(str_t) path = str_format(TUNNELS "/%s/token", id);

	cloud_set_edge_address(f->c, "127.0.0.1:7");
	assert_int_equal(ask(f, "GET", path, NULL), 200);
	AUTO(str_t) text = base64_decode(json_string(result(f)), NULL);
	AUTO(str_t)
	want = str_format("{\"a\":\"" ACCOUNT "\",\"t\":\"%s\",\"s\":\"%s\",\"e\":\"127.0.0.1:7\"}",
			  id, secret);
	assert_string_equal(text, want);
}

static const struct {
	const char *config;
	int64_t code; /* 0 = accepted */
} configs[] = {
	{"{\"ingress\":[{\"service\":\"http_status:404\"}]}", 0},
	{"{}", 0},
	{"{\"ingress\":[{\"hostname\":\"*.example.com\",\"service\":\"http://[::1]:80\"},"
	 "{\"service\":\"http_status:404\"}]}",
	 0},
	{"{\"ingress\":[{\"hostname\":\"a.example.com\",\"path\":\"^/x\",\"service\":"
	 "\"https://10.0.0.1:443\",\"originRequest\":{\"noTLSVerify\":true,\"connectTimeout\":10,"
	 "\"access\":{\"required\":true,\"teamName\":\"t\",\"audTag\":[\"x\"]}}},"
	 "{\"service\":\"http_status:404\"}]}",
	 0},
	{"null", 1056},
	{"{\"ingress\":[]}", 1056},
	{"{\"ingress\":{}}", 1056},
	{"{\"ingress\":[\"x\"]}", 1056},
	{"{\"ingress\":[{\"hostname\":\"a.example.com\",\"service\":\"http://127.0.0.1:1\"}]}",
	 1056},
	{"{\"ingress\":[{\"path\":\"/x\",\"service\":\"http://127.0.0.1:1\"}]}", 1056},
	{"{\"ingress\":[{\"service\":\"http_status:404\"},{\"service\":\"http_status:404\"}]}",
	 1056},
	{"{\"ingress\":[{\"service\":\"gopher://x\"}]}", 1056},
	{"{\"ingress\":[{}]}", 1056},
	{"{\"ingress\":[{\"hostname\":\"a.*.com\",\"service\":\"http://127.0.0.1:1\"},"
	 "{\"service\":\"http_status:404\"}]}",
	 1056},
	{"{\"ingress\":[{\"hostname\":\"a.com:80\",\"service\":\"http://127.0.0.1:1\"},"
	 "{\"service\":\"http_status:404\"}]}",
	 1056},
	{"{\"ingress\":[{\"service\":\"http_status:404\",\"originRequest\":"
	 "{\"connectTimeout\":\"30s\"}}]}",
	 1056},
	{"{\"ingress\":[{\"service\":\"http_status:404\",\"originRequest\":{\"access\":{}}}]}",
	 1056},
	{"{\"originRequest\":{\"noTLSVerify\":\"yes\"}}", 1056},
};

static void configurations_are_checked(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) id = make(f, TUNNELS, "{\"name\":\"web\",\"config_src\":\"cloudflare\"}");
	AUTO(str_t) path = str_format(TUNNELS "/%s/configurations", id);

	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		AUTO(str_t) body = str_format("{\"config\":%s}", configs[i].config);
		int status = ask(f, "PUT", path, body);
		if (status != (configs[i].code ? 400 : 200) || code(f) != configs[i].code)
			fail_msg("%s: %d %s", configs[i].config, status, buf_text(&f->r.body));
	}
}

static void configurations_come_back_as_sent(void **state)
{
	struct fixture *f = *state;
	static const char body[] =
		"{ \"config\" : {\"zz\" : 1.500e0,\"ingress\":[{\"service\":\"http_status:404\", "
		"\"\\u0061\":[ ]}]} }";
	AUTO(str_t) id = make(f, TUNNELS, "{\"name\":\"web\"}");
	AUTO(str_t) path = str_format(TUNNELS "/%s/configurations", id);
	int64_t version;

	assert_int_equal(ask(f, "GET", path, NULL), 200);
	assert_true(json_is_null(json_get(result(f), "config")));
	assert_int_equal(json_get_int(result(f), "version", -1), 0);
	assert_string_equal(json_get_string(result(f), "source"), "local");
	assert_int_equal(ask(f, "PUT", path, body), 200);
	assert_int_equal(json_get_int(result(f), "version", -1), 1);
	assert_int_equal(ask(f, "PUT", path, body), 200);
	assert_int_equal(json_get_int(result(f), "version", -1), 2);
	assert_int_equal(ask(f, "GET", path, NULL), 200);
	assert_non_null(strstr(buf_text(&f->r.body),
			       "{\"zz\" : 1.500e0,\"ingress\":[{\"service\":\"http_status:404\", "
			       "\"\\u0061\":[ ]}]}"));
	assert_string_equal(json_get_string(result(f), "source"), "cloudflare");
	assert_non_null(cloud_edge_config(f->c, id, &version));
	assert_int_equal(version, 2);
}

static void the_first_version_can_be_zero(void **state)
{
	struct fixture *f = *state;
	AUTO(str_t) id = make(f, TUNNELS, "{\"name\":\"web\"}");
	AUTO(str_t) path = str_format(TUNNELS "/%s/configurations", id);

	fixture_load(f, "{\"limits\":{\"first_version\":0}}");
	assert_int_equal(ask(f, "PUT", path, "{\"config\":{}}"), 200);
	assert_int_equal(json_get_int(result(f), "version", -1), 0);
	assert_int_equal(ask(f, "PUT", path, "{\"config\":{}}"), 200);
	assert_int_equal(json_get_int(result(f), "version", -1), 1);
}

/* ---- the edge's side ---- */

#define CONNECTOR "0c0c0c0c-0000-4000-8000-000000000001"

static void count_drop(const char *tunnel, const char *connector, void *owner)
{
	(void)tunnel;
	(void)connector;
	(*(int *)owner)++;
}

static void connections_make_a_tunnel_healthy(void **state)
{
	struct fixture *f = *state;
	static const char secret[] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
	AUTO(str_t) body = str_format("{\"name\":\"web\",\"tunnel_secret\":\"%s\"}", secret);
	AUTO(str_t) id = make(f, TUNNELS, body);
	AUTO(str_t) path = str_format(TUNNELS "/%s", id);
	AUTO(str_t) connections = str_format(TUNNELS "/%s/connections", id);
	const char *why = NULL;
	int dropped = 0;
	const struct cloud_edge_events events = {.connections_dropped = count_drop,
						 .owner = &dropped};

	cloud_set_edge(f->c, &events);
	assert_int_equal(cloud_edge_register(f->c, ACCOUNT, id, "other", CONNECTOR, 0, "1", &why),
			 -1);
	assert_string_equal(why, "Unauthorized: Invalid tunnel secret");
	assert_int_equal(cloud_edge_register(f->c, OTHER, id, secret, CONNECTOR, 0, "1", &why), -1);
	assert_string_equal(why, "Unauthorized: Failed to get tunnel");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
			cloud_edge_register(f->c, ACCOUNT, id, secret, CONNECTOR, i, "1", &why), 0);
		ask(f, "GET", path, NULL);
		assert_string_equal(json_get_string(result(f), "status"),
				    i == 3 ? "healthy" : "degraded");
	}
	cloud_edge_running(f->c, id, CONNECTOR, 5);
	ask(f, "GET", connections, NULL);
	assert_int_equal(json_get_int(json_first(result(f)), "config_version", 0), 5);
	assert_int_equal(json_count(json_get(json_first(result(f)), "conns")), 4);
	assert_int_equal(ask(f, "DELETE", path, NULL), 400);
	assert_int_equal(code(f), 1022);
	assert_int_equal(ask(f, "DELETE", connections, NULL), 200);
	assert_int_equal(dropped, 1);
	/* the edge may say so again, for connections that are not there any more */
	cloud_edge_unregister(f->c, id, CONNECTOR, 0);
	ask(f, "GET", path, NULL);
	assert_string_equal(json_get_string(result(f), "status"), "down");
	assert_int_equal(ask(f, "DELETE", path, NULL), 200);
	assert_int_equal(cloud_edge_register(f->c, ACCOUNT, id, secret, CONNECTOR, 0, "1", &why),
			 -1);
	assert_string_equal(why, "Unauthorized: Failed to get tunnel");
}

static void expect_tunnel(struct fixture *f, const char *host, const char *want, bool want_known)
{
	bool known;
	const char *id = cloud_edge_tunnel_of(f->c, host, &known);

	if (!str_equal(id, want) || known != want_known)
		fail_msg("%s leads to \"%s\", known %d", host, id, known);
}

static void a_name_leads_to_its_tunnel(void **state)
{
	struct fixture *f = *state;
	static const char row[] = "{\"type\":\"CNAME\",\"name\":\"%s\",\"content\":"
				  "\"%s.cfargotunnel.com\",\"proxied\":%s}";
	AUTO(str_t) id = make(f, TUNNELS, "{\"name\":\"web\"}");
	static const struct {
		const char *zone, *name;
		const char *proxied;
	} rows[] = {{ZONE, "app", "true"},
		    {ZONE, "plain", "false"},
		    {ZONE, "*.wild", "true"},
		    {FOREIGN, "app", "true"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(str_t) target = str_format("/zones/%s/dns_records", rows[i].zone);
		char body[256];
		snprintf(body, sizeof body, row, rows[i].name, id, rows[i].proxied);
		free(make(f, target, body));
	}
	free(make(f, "/zones/" ZONE "/dns_records",
		  "{\"type\":\"A\",\"name\":\"x.wild\",\"content\":\"192.0.2.1\"}"));
	expect_tunnel(f, "app.example.com", id, true);
	expect_tunnel(f, "plain.example.com", "", true);
	expect_tunnel(f, "a.wild.example.com", id, true);
	expect_tunnel(f, "x.wild.example.com", "", true);
	expect_tunnel(f, "none.example.com", "", false);
	expect_tunnel(f, "app.example.net", "", false);
	/* a tunnel works in zones of its own account only */
	expect_tunnel(f, "app.example.org", "", true);
}

/* ---- the allowance ---- */

static void the_allowance_ends_and_comes_back(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"limits\":{\"requests\":3,\"window_s\":60,\"block_s\":120}}");
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(f, "GET", "/zones", NULL), 200);
	assert_string_equal(answer_header(f, "Ratelimit"), "\"default\";r=0;t=60");
	assert_string_equal(answer_header(f, "Ratelimit-Policy"), "\"default\";q=3;w=60");
	assert_int_equal(ask(f, "GET", "/zones", NULL), 429);
	assert_int_equal(code(f), 971);
	assert_string_equal(answer_header(f, "retry-after"), "120");
	f->now_ms += 61000;
	assert_int_equal(ask(f, "GET", "/zones", NULL), 429);
	assert_string_equal(answer_header(f, "retry-after"), "59");
	/* another token has an allowance of its own */
	f->token = "second-token-00000001";
	assert_int_equal(ask(f, "GET", "/zones", NULL), 200);
	f->token = ALL;
	f->now_ms += 60000;
	assert_int_equal(ask(f, "GET", "/zones", NULL), 200);
	assert_string_equal(answer_header(f, "Ratelimit"), "\"default\";r=2;t=60");
}

static void a_burst_is_told_and_refused(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"limits\":{\"burst\":2,\"block_s\":1}}");
	ask(f, "GET", "/zones", NULL);
	assert_string_equal(answer_header(f, "Ratelimit"),
			    "\"default\";r=1199;t=300, \"burst\";r=1;t=1");
	ask(f, "GET", "/zones", NULL);
	assert_int_equal(ask(f, "GET", "/zones", NULL), 429);
	f->now_ms += 1000;
	assert_int_equal(ask(f, "GET", "/zones", NULL), 200);
}

/* ---- somebody else ---- */

static void edits_are_somebody_elses(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct cloud_response r = {0};
	AUTO(json_doc_t) doc = NULL;
	static const char edit[] = "{\"method\":\"POST\",\"path\":\"/zones/@example.com/dns_records"
				   "\",\"body\":{\"type\":\"A\",\"name\":\"x\",\"content\":"
				   "\"192.0.2.1\"}}";

	assert_int_equal(json_parse(edit, strlen(edit), NULL, &doc, &e), 0);
	assert_int_equal(cloud_edit(f->c, json_root(doc), f->now_ms, &r, &e), 0);
	assert_int_equal(r.status, 200);
	assert_false(r.foreign);
	AUTO(str_t) path = str_format("/zones/" ZONE "/dns_records/%s", r.object);
	cloud_response_free(&r);
	assert_int_equal(ask(f, "PATCH", path, "{\"ttl\":300}"), 200);
	assert_true(f->r.foreign);
	AUTO(str_t)
	own = make(f, "/zones/" ZONE "/dns_records",
		   "{\"type\":\"A\",\"name\":\"y\",\"content\":\"192.0.2.1\"}");
	AUTO(str_t) own_path = str_format("/zones/" ZONE "/dns_records/%s", own);
	assert_int_equal(ask(f, "PATCH", own_path, "{\"ttl\":300}"), 200);
	assert_false(f->r.foreign);
	f->token = "second-token-00000001";
	assert_int_equal(ask(f, "DELETE", own_path, NULL), 200);
	assert_true(f->r.foreign);
}

static void a_fixture_answers_for_a_path(void **state)
{
	struct fixture *f = *state;

	fixture_load(f, "{\"fixtures\":{\"/zones/@example.com/rulesets\":[{\"id\":\"r\"}]}}");
	assert_int_equal(ask(f, "GET", "/zones/" ZONE "/rulesets", NULL), 200);
	assert_int_equal(json_count(result(f)), 1);
	fixture_load(f, "{\"fixtures\":{\"/zones/@example.com/rulesets\":null}}");
	assert_int_equal(ask(f, "GET", "/zones/" ZONE "/rulesets", NULL), 200);
	assert_int_equal(json_count(result(f)), 0);
}

static void the_state_has_no_secrets(void **state)
{
	struct fixture *f = *state;
	AUTO(buf_t) out = {0};
	struct err e = {0};

	free(make(f, TUNNELS, "{\"name\":\"web\"}"));
	AUTO(str_t)
	secret = str_dup(json_get_string(json_get(result(f), "credentials_file"), "TunnelSecret"));
	cloud_state(f->c, &out);
	assert_int_equal(json_check(out.data, out.len, NULL, &e), 0);
	assert_null(strstr(out.data, secret));
	assert_null(strstr(out.data, ALL));
	assert_non_null(strstr(out.data, "\"web\""));
	cloud_reset(f->c);
	assert_int_equal(ask(f, "GET", "/zones", NULL), 401);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)
	const struct CMUnitTest tests[] = {
		CASE(each_mistake_has_its_code),
		CASE(headers_that_cloudflare_refuses),
		CASE(lists_have_pages),
		CASE(a_tunnel_lives_and_dies),
		CASE(a_token_proves_the_secret),
		CASE(configurations_are_checked),
		CASE(configurations_come_back_as_sent),
		CASE(the_first_version_can_be_zero),
		CASE(connections_make_a_tunnel_healthy),
		CASE(a_name_leads_to_its_tunnel),
		CASE(the_allowance_ends_and_comes_back),
		CASE(a_burst_is_told_and_refused),
		CASE(edits_are_somebody_elses),
		CASE(a_fixture_answers_for_a_path),
		CASE(the_state_has_no_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
