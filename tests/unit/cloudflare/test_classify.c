/* What answers mean: a table over statuses, codes and bodies that are no envelope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/client.h"

#define KEY "cloudflare.read_token_file"
#define F(code, text)                                                                              \
	"{\"success\":false,\"errors\":[{\"code\":" #code ",\"message\":\"" text                   \
	"\"}],\"messages\":[],\"result\":null}"
#define CHAIN(code, text, inner, why)                                                              \
	"{\"success\":false,\"errors\":[{\"code\":" #code ",\"message\":\"" text                   \
	"\",\"error_chain\":[{\"code\":" #inner ",\"message\":\"" why "\"}]}],\"result\":null}"
#define EMPTY "{\"success\":false,\"errors\":[],\"messages\":[],\"result\":null}"

struct row {
	int status;
	const char *body; /* NULL = no JSON */
	enum err_kind kind;
	bool absent, again;
	int64_t code;
	const char *says; /* stands in the message; NULL = no matter */
};

static const struct row rows[] = {
	/* success */
	{200, "{\"success\":true,\"result\":{}}", ERR_NONE, false, false, 0, NULL},
	{200, "{\"success\":true,\"errors\":[],\"result\":null}", ERR_NONE, false, false, 0, NULL},
	{201, "{\"success\":true,\"result\":[]}", ERR_NONE, false, false, 0, NULL},
	{204, NULL, ERR_NONE, false, false, 0, NULL},
	/* no envelope, or none that can be believed */
	{200, NULL, ERR_UPSTREAM, false, true, 0, "cut off"},
	{200, "[]", ERR_UPSTREAM, false, true, 0, "cut off"},
	{200, "{}", ERR_UPSTREAM, false, true, 0, "cut off"},
	{200, "{\"success\":\"true\",\"result\":{}}", ERR_UPSTREAM, false, true, 0, NULL},
	{200, "{\"success\":1,\"result\":{}}", ERR_UPSTREAM, false, true, 0, NULL},
	{200, "{\"success\":null}", ERR_UPSTREAM, false, true, 0, NULL},
	{200, F(1234, "no"), ERR_UPSTREAM, false, true, 1234, "at once"},
	{200, F(81044, "Record does not exist."), ERR_UPSTREAM, false, true, 81044, NULL},
	{200, F(81057, "exists"), ERR_CONFLICT, false, false, 81057, NULL},
	{301, NULL, ERR_UPSTREAM, false, false, 0, "redirect"},
	{302, EMPTY, ERR_UPSTREAM, false, false, 0, "redirect"},
	{0, NULL, ERR_UPSTREAM, false, true, 0, NULL},
	{999, NULL, ERR_UPSTREAM, false, true, 0, NULL},
	/* 400: authorization */
	{400, F(6003, "Invalid request headers"), ERR_DENIED, false, false, 6003, "malformed"},
	{400, CHAIN(6003, "Invalid request headers", 6103, "Invalid format for X-Auth-Key header"),
	 ERR_DENIED, false, false, 6003, "X-Auth-Key"},
	{400,
	 CHAIN(6003, "Invalid request headers", 6111, "Invalid format for Authorization header"),
	 ERR_DENIED, false, false, 6003, "Authorization header"},
	{400, F(6111, "Invalid format for Authorization header"), ERR_DENIED, false, false, 6111,
	 NULL},
	{400, F(1001, "List accounts endpoint does not support account owned tokens."), ERR_INVALID,
	 false, false, 1001, "account owned"},
	/* 400: DNS records */
	{400, F(81053, "An A, AAAA, or CNAME record with that host already exists."), ERR_CONFLICT,
	 false, false, 81053, "already exists"},
	{400, F(81054, "A CNAME record with that host already exists."), ERR_CONFLICT, false, false,
	 81054, NULL},
	{400, F(81057, "The record already exists."), ERR_CONFLICT, false, false, 81057, NULL},
	{400, F(81058, "An identical record already exists."), ERR_CONFLICT, false, false, 81058,
	 "identical"},
	{400, F(81044, "Record does not exist."), ERR_NOT_FOUND, true, false, 81044, NULL},
	{404, F(81044, "Record does not exist."), ERR_NOT_FOUND, true, false, 81044, NULL},
	{400, F(9005, "Content for A record must be a valid IPv4 address."), ERR_INVALID, false,
	 false, 9005, NULL},
	{400, F(9007, "Content for CNAME record is invalid."), ERR_INVALID, false, false, 9007,
	 NULL},
	{400, F(9021, "Invalid TTL."), ERR_INVALID, false, false, 9021, NULL},
	{400, F(9041, "This DNS record cannot be proxied."), ERR_INVALID, false, false, 9041, NULL},
	{400, F(9300, "DNS record has 1 tags, exceeding the quota of 0."), ERR_INVALID, false,
	 false, 9300, "quota of 0"},
	{400, F(9313, "exceeds the maximum length of 100 characters"), ERR_INVALID, false, false,
	 9313, "comment"},
	{400, CHAIN(1004, "DNS Validation Error", 81057, "The record already exists."),
	 ERR_CONFLICT, false, false, 81057, "DNS Validation Error: The record already exists."},
	{400, CHAIN(1004, "DNS Validation Error", 9021, "Invalid TTL."), ERR_INVALID, false, false,
	 9021, NULL},
	{400, F(1004, "DNS Validation Error"), ERR_INVALID, false, false, 1004, NULL},
	/* tunnels */
	{409, F(1013, "You already have a tunnel with this name."), ERR_CONFLICT, false, false,
	 1013, "another tunnel"},
	{400, F(1013, "You already have a tunnel with this name."), ERR_CONFLICT, false, false,
	 1013, NULL},
	{400, F(1022, "tunnel has active connections"), ERR_CONFLICT, false, true, 1022,
	 "connectors"},
	{409, F(1022, "tunnel has active connections"), ERR_CONFLICT, false, true, 1022, NULL},
	{400, F(1023, "tunnel has routes"), ERR_CONFLICT, false, true, 1023, "routes"},
	{404, F(1015, "Route not found"), ERR_NOT_FOUND, true, false, 1015, NULL},
	{404, F(1003, "Tunnel not found"), ERR_NOT_FOUND, true, false, 1003, NULL},
	{400, F(1003, "A, AAAA or CNAME exists"), ERR_INVALID, false, false, 1003, NULL},
	{400, F(1015, "odd"), ERR_INVALID, false, false, 1015, NULL},
	{400, F(1056, "Bad Configuration: The last ingress rule must match all URLs"), ERR_INVALID,
	 false, false, 1056, "last ingress rule"},
	/* the token */
	{401, F(1000, "Invalid API Token"), ERR_DENIED, false, false, 1000, "was refused"},
	{401, F(1001, "Missing token"), ERR_DENIED, false, false, 1001, NULL},
	{401, F(10000, "Authentication error"), ERR_DENIED, false, false, 10000, NULL},
	{401, NULL, ERR_DENIED, false, false, 0, "was refused"},
	{403, F(10000, "Authentication error"), ERR_DENIED, false, false, 10000, "does not allow"},
	{403, F(9109, "Unauthorized to access requested resource"), ERR_DENIED, false, false, 9109,
	 NULL},
	{403, F(9109, "Invalid access token"), ERR_DENIED, false, false, 9109, "was refused"},
	{403, F(9109, "Cannot use the access token from location: 192.0.2.1"), ERR_DENIED, false,
	 false, 9109, "was refused"},
	{403, F(81044, "Record does not exist."), ERR_DENIED, false, false, 81044, NULL},
	{403, NULL, ERR_DENIED, false, false, 0, NULL},
	/* addresses and methods */
	{404, F(7003, "Could not route to /zones/x, perhaps your object identifier is invalid?"),
	 ERR_INVALID, false, false, 7003, "does not know this address"},
	{400, F(7003, "Could not route"), ERR_INVALID, false, false, 7003, NULL},
	{404, F(7000, "No route for that URI"), ERR_INVALID, false, false, 7000, NULL},
	{405, F(7001, "Method not allowed"), ERR_INVALID, false, false, 7001, NULL},
	{405, F(10405, "Method not allowed for this authentication scheme"), ERR_INVALID, false,
	 false, 10405, NULL},
	{405, F(10000, "PUT method not allowed for the api_token authentication scheme"),
	 ERR_INVALID, false, false, 10000, "PUT method"},
	{400, F(7001, "Method not allowed"), ERR_INVALID, false, false, 7001, NULL},
	/* absence */
	{404, F(10003, "could not find entrypoint ruleset in the phase"), ERR_NOT_FOUND, true,
	 false, 10003, NULL},
	{404, EMPTY, ERR_NOT_FOUND, true, false, 0, "HTTP 404"},
	{404, NULL, ERR_UPSTREAM, false, true, 0, "did not come from"},
	{404, "{\"error\":\"not found\"}", ERR_UPSTREAM, false, true, 0, NULL},
	{404, "{\"success\":true,\"result\":null}", ERR_UPSTREAM, false, true, 0, NULL},
	{404, "[]", ERR_UPSTREAM, false, true, 0, NULL},
	{404, F(10000, "Authentication error"), ERR_NOT_FOUND, false, false, 10000, NULL},
	{410, F(0, "This API has been retired"), ERR_NOT_FOUND, false, false, 0, "retired"},
	{410, NULL, ERR_NOT_FOUND, false, false, 0, NULL},
	/* others */
	{408, NULL, ERR_TIMEOUT, false, true, 0, NULL},
	{409, EMPTY, ERR_CONFLICT, false, false, 0, NULL},
	{409, NULL, ERR_CONFLICT, false, false, 0, NULL},
	{413, NULL, ERR_INVALID, false, false, 0, "HTTP 413"},
	{422, F(12345, "odd"), ERR_INVALID, false, false, 12345, NULL},
	{429, F(971, "Please wait and consider throttling your request speed"), ERR_RATE_LIMITED,
	 false, true, 971, "throttling"},
	{429, F(10000, "Rate limited."), ERR_RATE_LIMITED, false, true, 10000, NULL},
	{429, EMPTY, ERR_RATE_LIMITED, false, true, 0, NULL},
	{429, NULL, ERR_RATE_LIMITED, false, true, 0, NULL},
	{500, F(10001, "internal"), ERR_UPSTREAM, false, true, 10001, "internal"},
	{500, F(81044, "no record"), ERR_UPSTREAM, false, true, 81044, NULL},
	{501, NULL, ERR_UPSTREAM, false, false, 0, NULL},
	{502, NULL, ERR_UPSTREAM, false, true, 0, "HTTP 502"},
	{503, "{\"success\":false,\"errors\":[{\"message\":\"gateway_timeout\"}]}", ERR_UPSTREAM,
	 false, true, 0, "gateway_timeout"},
	{504, "{\"success\":true,\"result\":{}}", ERR_UPSTREAM, false, true, 0, NULL},
	{524, NULL, ERR_UPSTREAM, false, true, 0, NULL},
	/* shapes of the error list */
	{400, "{\"success\":false,\"errors\":[\"plain text\"]}", ERR_INVALID, false, false, 0,
	 "plain text"},
	{400, "{\"success\":false,\"messages\":[\"said here\"],\"errors\":[]}", ERR_INVALID, false,
	 false, 0, "said here"},
	{400, "{\"success\":false,\"messages\":[{\"code\":7,\"message\":\"so\"}]}", ERR_INVALID,
	 false, false, 7, "so"},
	{400, "{\"success\":false,\"errors\":{\"code\":81057}}", ERR_INVALID, false, false, 0,
	 NULL},
	{400, "{\"success\":false,\"errors\":[null]}", ERR_INVALID, false, false, 0, NULL},
	{400, "{\"success\":false,\"errors\":\"text\"}", ERR_INVALID, false, false, 0, NULL},
	{400, "{\"success\":false,\"errors\":[{\"code\":\"81057\",\"message\":5}]}", ERR_INVALID,
	 false, false, 0, NULL},
	{400, "{\"success\":false,\"errors\":[{\"code\":1.5,\"message\":\"x\"}]}", ERR_INVALID,
	 false, false, 0, NULL},
};

static void classify(const struct row *r, const char *ray, const char *after, struct err *e,
		     bool *absent)
{
	AUTO(json_doc_t) doc = NULL;
	struct err why;

	if (r->body && json_parse(r->body, strlen(r->body), NULL, &doc, &why) < 0)
		fail_msg("%s: %s", r->body, why.message);
	cf_classify(r->status, doc ? json_root(doc) : NULL, ray, "DNS: Edit", after, KEY, e,
		    absent);
}

static void all_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct err e;
		bool absent = !r->absent;

		classify(r, "8f0a1b2c3d4e5f60-AMS", NULL, &e, &absent);
		bool fits = e.kind == r->kind && absent == r->absent && e.retryable == r->again &&
			    e.cloudflare.code == r->code &&
			    (!r->says || strstr(e.message, r->says) ||
			     strstr(e.cloudflare.said, r->says));
		if (!fits)
			fail_msg("row %zu (%d %s): %s absent=%d again=%d code=%lld: %s", i,
				 r->status, r->body ? r->body : "-", err_kind_name(e.kind), absent,
				 e.retryable, (long long)e.cloudflare.code, e.message);
		if (e.kind == ERR_NONE)
			continue;
		assert_int_equal(e.cloudflare.status, r->status);
		assert_string_equal(e.cloudflare.ray, "8f0a1b2c3d4e5f60-AMS");
		assert_non_null(strstr(e.message, "ray 8f0a1b2c3d4e5f60-AMS"));
	}
}

static struct err one(int status, const char *body, const char *ray, const char *after)
{
	struct row r = {.status = status, .body = body};
	struct err e;
	bool absent;

	classify(&r, ray, after, &e, &absent);
	return e;
}

static void the_sentence_does_not_quote_cloudflare(void **state)
{
	(void)state;
	struct err e = one(400, F(9021, "Invalid TTL."), "abc-AMS", NULL);

	assert_string_equal(e.message, "Cloudflare refused the request (code 9021, ray abc-AMS)");
	assert_string_equal(e.cloudflare.said, "Invalid TTL.");
	e = one(502, NULL, NULL, NULL);
	assert_string_equal(e.message, "Cloudflare is in trouble (HTTP 502)");
}

static void foreign_text_is_tamed(void **state)
{
	char body[2400], text[2001];
	struct err e;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)snprintf(body, sizeof(body),
		       "{\"success\":false,\"errors\":[{\"code\":5,\"message\":\"%s\"}]}", text);
	e = one(400, body, NULL, NULL);
	text[160] = '\0';
	assert_string_equal(e.cloudflare.said, text);
	assert_null(strstr(e.message, "xx"));

	e = one(400, F(5, "a\\\"b\\nc\\u001b[31m\\u202ed"), NULL, NULL);
	assert_string_equal(e.cloudflare.said, "a\"b?c?[31m?d");
}

/* A character of several bytes is not cut in two at the limit. */
static void text_is_cut_between_characters(void **state)
{
	char body[600] = "{\"success\":false,\"errors\":[{\"code\":5,\"message\":\"x";

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(body, "\xc3\xa9");
	strcat(body, "\"}]}");
	struct err e = one(400, body, NULL, NULL);

	assert_int_equal(strlen(e.cloudflare.said), 159);
	assert_null(strstr(e.cloudflare.said, "?"));
}

static void rays_are_checked(void **state)
{
	static const char *const bad[] = {"", "a b", "a\"b", "a\nb", "\xff", NULL};
	char huge[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = one(500, NULL, bad[i], NULL);

		assert_string_equal(e.cloudflare.ray, "");
		assert_null(strstr(e.message, "ray"));
	}
	memset(huge, 'a', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_string_equal(one(500, NULL, huge, NULL).cloudflare.ray, "");
}

static void a_403_names_the_permission(void **state)
{
	(void)state;
	struct err e = one(403, F(10000, "Authentication error"), NULL, NULL);

	assert_string_equal(e.missing_permission, "DNS: Edit");
	assert_non_null(strstr(e.hint, "\"DNS: Edit\""));
	assert_non_null(strstr(e.hint, "dashboard"));
	assert_non_null(strstr(e.hint, KEY));

	e = one(403, NULL, NULL, NULL);
	assert_string_equal(e.missing_permission, "");
	assert_non_null(strstr(e.hint, "between"));
	e = one(401, F(1000, "Invalid API Token"), NULL, NULL);
	assert_string_equal(e.missing_permission, "");
	assert_non_null(strstr(e.hint, KEY));
	e = one(400, F(6003, "Invalid request headers"), NULL, NULL);
	assert_non_null(strstr(e.hint, KEY));
}

static void a_403_without_a_known_permission(void **state)
{
	struct err e;
	bool absent;
	struct json_doc *doc = NULL;
	static const char body[] = F(9109, "no");

	(void)state;
	assert_int_equal(json_parse(body, strlen(body), NULL, &doc, &e), 0);
	cf_classify(403, json_root(doc), NULL, NULL, NULL, KEY, &e, &absent);
	json_doc_free(doc);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_string_equal(e.missing_permission, "");
	assert_true(e.hint[0]);
}

static void retry_after_is_kept(void **state)
{
	(void)state;
	assert_int_equal(one(429, NULL, NULL, "30").retry_after_ms, 30000);
	assert_int_equal(one(503, NULL, NULL, "2").retry_after_ms, 2000);
	assert_int_equal(one(429, NULL, NULL, "soon").retry_after_ms, 0);
	assert_int_equal(one(400, NULL, NULL, "30").retry_after_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows),
		cmocka_unit_test(the_sentence_does_not_quote_cloudflare),
		cmocka_unit_test(foreign_text_is_tamed),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(rays_are_checked),
		cmocka_unit_test(a_403_names_the_permission),
		cmocka_unit_test(a_403_without_a_known_permission),
		cmocka_unit_test(retry_after_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
