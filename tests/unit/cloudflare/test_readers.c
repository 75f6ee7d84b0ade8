/* Readers of rows and tokens: pure, and trusting nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/connections.h"
#include "cloudflare/records.h"
#include "cloudflare/tunnels.h"
#include "cloudflare/zones.h"
#include "tests/unit/cloudflare/parse.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define ZONE    "9a7806061c88ada191ed06f989cc3dac"
#define RECORD  "372e67954025e0ba6aaa6d586b9e0b59"
#define TUNNEL  "f70ff985-a4ef-4643-bbbc-4a0ed4fc8415"
#define LONG128                                                                                    \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"                         \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- tunnels ---- */

static void tunnels_read(void **state)
{
	AUTO(json_doc_t)
	doc = parse("{\"id\":\"" TUNNEL
		    "\",\"name\":\"web\",\"status\":\"healthy\",\"deleted_at\":null,"
		    "\"config_src\":\"cloudflare\",\"connections\":[{},{}],\"metadata\":[]}");
	AUTO(json_doc_t)
	gone = parse("{\"id\":\"" TUNNEL "\",\"name\":\"w\\nb\",\"status\":5,"
		     "\"deleted_at\":\"2026-01-01T00:00:00Z\","
		     "\"remote_config\":true}");
	AUTO(json_doc_t)
	local = parse("{\"id\":\"" TUNNEL "\",\"name\":\"w\",\"config_src\":"
		      "\"local\",\"remote_config\":true}");
	struct cf_tunnel t;
	struct err e;

	(void)state;
	assert_int_equal(cf_tunnel_read(json_root(doc), &t, &e), 0);
	assert_string_equal(t.id, TUNNEL);
	assert_string_equal(t.name, "web");
	assert_string_equal(t.status, "healthy");
	assert_true(t.remote && !t.deleted);
	assert_int_equal(t.connections, 2);
	assert_int_equal(cf_tunnel_read(json_root(gone), &t, &e), 0);
	assert_true(t.remote && t.deleted);
	assert_string_equal(t.name, "w?b");
	assert_string_equal(t.status, "");
	assert_int_equal(t.connections, -1);
	assert_int_equal(cf_tunnel_read(json_root(local), &t, &e), 0);
	assert_false(t.remote);
}

static void tunnels_refused(void **state)
{
	static const char *const bad[] = {
		"null",
		"[]",
		"\"x\"",
		"{}",
		"{\"name\":\"web\"}",
		"{\"id\":\"" TUNNEL "\"}",
		"{\"id\":\"" TUNNEL "\",\"name\":\"\"}",
		"{\"id\":\"" TUNNEL "\",\"name\":null}",
		"{\"id\":\"" TUNNEL "\",\"name\":5}",
		"{\"id\":\"" TUNNEL "\",\"name\":\"" LONG128 "\"}",
		"{\"id\":\"" ACCOUNT "\",\"name\":\"web\"}",
		"{\"id\":\"../../x\",\"name\":\"web\"}",
		"{\"id\":5,\"name\":\"web\"}",
		"{\"id\":\"" TUNNEL "\",\"name\":\"web\",\"deleted_at\":false}",
		"{\"id\":\"" TUNNEL "\",\"name\":\"web\",\"deleted_at\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json_doc_t) doc = parse(bad[i]);
		struct cf_tunnel t = {.connections = 77};
		struct err e;

		if (cf_tunnel_read(json_root(doc), &t, &e) == 0)
			fail_msg("%s was believed", bad[i]);
		assert_int_equal(e.kind, ERR_UPSTREAM);
		assert_int_equal(t.connections, 77);
	}
	struct cf_tunnel t;
	struct err e;
	assert_int_equal(cf_tunnel_read(NULL, &t, &e), -1);
}

/* ---- connections ---- */

static int connections_of(const char *text, struct tunnel_connections *out, struct err *e)
{
	AUTO(json_doc_t) doc = parse(text);
	struct cf_call c = {.result = json_root(doc)};
	return cf_connections_read(&c, out, e);
}

static void connections_read(void **state)
{
	AUTO(tunnel_connections_t) found = {0};
	struct err e;

	(void)state;
	assert_int_equal(
		connections_of("[{\"id\":\"" TUNNEL "\",\"config_version\":7,\"conns\":"
			       "[{\"is_pending_reconnect\":false},{},"
			       "{\"is_pending_reconnect\":true}]},"
			       "{\"id\":\"e70ff985-a4ef-4643-bbbc-4a0ed4fc8415\",\"conns\":null}]",
			       &found, &e),
		0);
	assert_int_equal(found.n, 2);
	assert_int_equal(tunnel_connections_count(&found), 2);
	assert_int_equal(tunnel_connections_find(&found, TUNNEL)->connections, 2);
	assert_int_equal(tunnel_connections_find(&found, TUNNEL)->config_version, 7);
	assert_int_equal(found.items[1].config_version, -1);
	assert_null(tunnel_connections_find(&found, "x"));
	tunnel_connections_t_cleanup(&found);
	assert_int_equal(connections_of("[]", &found, &e), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(tunnel_connections_count(&found), 0);
}

static void connections_refused(void **state)
{
	static const char *const bad[] = {
		"null",
		"{}",
		"7",
		"[7]",
		"[{}]",
		"[{\"id\":\"x\"}]",
		"[{\"id\":7}]",
		"[{\"id\":\"" TUNNEL "\",\"conns\":{}}]",
		"[{\"id\":\"" TUNNEL "\",\"conns\":[]},{\"id\":\"../x\"}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tunnel_connections found = {.n = 77};
		struct err e = {0};

		if (connections_of(bad[i], &found, &e) == 0)
			fail_msg("%s was believed", bad[i]);
		assert_int_equal(e.kind, ERR_UPSTREAM);
		assert_int_equal(found.n, 77);
	}
}

/* ---- records ---- */

static void usage_read(void **state)
{
	static const struct {
		const char *text;
		int64_t usage, quota; /* usage -1 = refused */
	} rows[] = {
		{"{\"record_usage\":7,\"record_quota\":200}", 7, 200},
		{"{\"record_usage\":0,\"record_quota\":null}", 0, -1},
		{"{\"record_usage\":0}", 0, -1},
		{"{\"record_quota\":200}", -1, 0},
		{"{\"record_usage\":-1}", -1, 0},
		{"{\"record_usage\":\"7\"}", -1, 0},
		{"{\"record_usage\":7,\"record_quota\":\"x\"}", -1, 0},
		{"[]", -1, 0},
		{"null", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(json_doc_t) doc = parse(rows[i].text);
		int64_t usage = -7, quota = -7;
		struct err e;
		int rc = cf_record_usage_read(json_root(doc), &usage, &quota, &e);

		if (rc != (rows[i].usage < 0 ? -1 : 0))
			fail_msg("row %zu", i);
		assert_int_equal(usage, rc ? -7 : rows[i].usage);
		assert_int_equal(quota, rc ? -7 : rows[i].quota);
	}
}

#define REC(more) "{\"id\":\"" RECORD "\",\"name\":\"a.example.com\",\"type\":\"CNAME\"" more "}"

#define SRV(data)                                                                                  \
	"{\"id\":\"" RECORD "\",\"name\":\"a.example.com\",\"type\":\"SRV\",\"priority\":10,"      \
	"\"content\":\"5\\t443\\tA.net.\",\"data\":" data "}"

static void records_with_data_read(void **state)
{
	static const char *const shown[] = {
		SRV("null"),
		SRV("{\"weight\":5}"),
		SRV("{\"priority\":10,\"weight\":5,\"port\":443,\"target\":\"a.net\"}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		AUTO(json_doc_t) doc = parse(shown[i]);
		struct cf_record r;
		struct err e;
		assert_int_equal(cf_record_read(json_root(doc), &r, &e), 0);
		AUTO(str_t) content = cf_record_content(&r);
		assert_string_equal(content, "10 5 443 a.net");
	}
}

static void records_read(void **state)
{
	AUTO(json_doc_t)
	doc = parse(REC(",\"content\":\"x.cfargotunnel.com\",\"comment\":\"adit\","
			"\"proxied\":true,\"ttl\":300,\"tags\":[]"));
	AUTO(json_doc_t) bare = parse(REC(",\"comment\":null,\"content\":null"));
	struct cf_record r;
	struct err e;

	(void)state;
	assert_int_equal(cf_record_read(json_root(doc), &r, &e), 0);
	assert_string_equal(r.id, RECORD);
	assert_string_equal(r.name, "a.example.com");
	assert_string_equal(r.type, "CNAME");
	assert_string_equal(r.content, "x.cfargotunnel.com");
	assert_string_equal(r.comment, "adit");
	assert_true(r.proxied);
	assert_int_equal(r.ttl, 300);
	assert_int_equal(cf_record_read(json_root(bare), &r, &e), 0);
	assert_string_equal(r.content, "");
	assert_null(r.comment);
	assert_false(r.proxied);
	assert_int_equal(r.ttl, 1);
}

static void records_refused(void **state)
{
	static const char *const bad[] = {
		"null",
		"[]",
		"{}",
		"{\"id\":\"" TUNNEL "\",\"name\":\"a\",\"type\":\"A\"}",
		"{\"id\":\"" RECORD "\",\"type\":\"A\"}",
		"{\"id\":\"" RECORD "\",\"name\":\"a\"}",
		"{\"id\":\"" RECORD "\",\"name\":\"\",\"type\":\"A\"}",
		"{\"id\":\"" RECORD "\",\"name\":\"a\",\"type\":7}",
		REC(",\"content\":7"),
		REC(",\"comment\":7"),
		REC(",\"comment\":[]"),
		REC(",\"proxied\":\"true\""),
		REC(",\"ttl\":\"1\""),
		REC(",\"ttl\":0"),
		REC(",\"ttl\":-5"),
		SRV("[]"),
		SRV("\"x\""),
		SRV("{\"port\":[]}"),
		SRV("{\"target\":5}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json_doc_t) doc = parse(bad[i]);
		struct cf_record r = {.ttl = 77};
		struct err e;

		if (cf_record_read(json_root(doc), &r, &e) == 0)
			fail_msg("%s was believed", bad[i]);
		assert_int_equal(e.kind, ERR_UPSTREAM);
		assert_int_equal(r.ttl, 77);
	}
}

/* ---- zones ---- */

static void zones_read(void **state)
{
	AUTO(json_doc_t)
	doc = parse("{\"id\":\"" ZONE "\",\"name\":\"B\xc3\xbc"
		    "cher.Example\","
		    "\"status\":\"active\",\"paused\":true,\"account\":{\"id\":"
		    "\"" ACCOUNT "\"},\"plan\":{\"legacy_id\":\"free\",\"name\":"
		    "\"Free Website\"}}");
	AUTO(json_doc_t)
	bare = parse("{\"id\":\"" ZONE "\",\"name\":\"example.com\",\"plan\":5,"
		     "\"status\":null}");
	struct err e;

	(void)state;
	struct zone *z = cf_zone_read(json_root(doc), &e);
	assert_non_null(z);
	assert_string_equal(z->id, ZONE);
	assert_string_equal(z->name, "xn--bcher-kva.example");
	assert_string_equal(z->status, "active");
	assert_string_equal(z->plan, "free");
	assert_string_equal(z->account_id, ACCOUNT);
	assert_true(z->paused);
	zone_free(z);
	z = cf_zone_read(json_root(bare), &e);
	assert_non_null(z);
	assert_string_equal(z->status, "unknown");
	assert_null(z->plan);
	assert_string_equal(z->account_id, "");
	zone_free(z);
}

static void zones_refused(void **state)
{
	static const char *const bad[] = {
		"null",
		"{}",
		"[]",
		"{\"id\":\"x\",\"name\":\"example.com\"}",
		"{\"id\":\"" ZONE "\"}",
		"{\"id\":\"" ZONE "\",\"name\":\"a b\"}",
		"{\"id\":\"" ZONE "\",\"name\":5}",
		"{\"id\":\"" ZONE "\",\"name\":\"example.com\",\"account\":{\"id\":\"/../\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		AUTO(json_doc_t) doc = parse(bad[i]);
		struct err e;

		if (cf_zone_read(json_root(doc), &e))
			fail_msg("%s was believed", bad[i]);
		assert_int_equal(e.kind, ERR_UPSTREAM);
	}
}

/* ---- tokens of tunnels ---- */

static int token_read(const char *json, struct cf_token *t, struct err *e)
{
	AUTO(str_t) token = base64_encode(json, strlen(json));

	return cf_token_read(token, t, e);
}

static void tokens_read(void **state)
{
	struct cf_token t = {0};
	struct err e;

	(void)state;
	assert_int_equal(token_read("{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL
				    "\",\"s\":\"c2VjcmV0LWJ5dGVz\",\"extra\":[1]}",
				    &t, &e),
			 0);
	assert_string_equal(t.account, ACCOUNT);
	assert_string_equal(t.tunnel, TUNNEL);
	assert_string_equal(t.secret.data, "c2VjcmV0LWJ5dGVz");
	cf_token_free(&t);
	assert_false(secret_present(&t.secret));
	cf_token_free(&t);
}

static void tokens_refused(void **state)
{
#define S ",\"s\":\"c2VjcmV0LWJ5dGVz\"}"
	static const char *const bad[] = {
		"",
		"null",
		"[]",
		"{}",
		"\"text\"",
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\"}",
		"{\"a\":\"" ACCOUNT "\"" S,
		"{\"t\":\"" TUNNEL "\"" S,
		"{\"a\":\"" TUNNEL "\",\"t\":\"" TUNNEL "\"" S,
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" ACCOUNT "\"" S,
		"{\"a\":1,\"t\":\"" TUNNEL "\"" S,
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\",\"s\":\"\"}",
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\",\"s\":5}",
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\",\"s\":\"not base64 at all\"}",
		"{\"a\":\"" ACCOUNT "\",\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\"" S,
		"{\"a\":\"" ACCOUNT "\",\"t\":\"" TUNNEL "\"" S "x",
	};
	static const char *const no_base64[] = {NULL, "", "!", "abc", "eyJh Ijox", "=="};
	struct cf_token t = {0};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (token_read(bad[i], &t, &e) == 0)
			fail_msg("%s was believed", bad[i]);
		assert_int_equal(e.kind, ERR_UPSTREAM);
		assert_null(strstr(e.message, "c2Vj"));
		assert_null(t.secret.data);
	}
	for (size_t i = 0; i < ARRAY_LEN(no_base64); i++) {
		assert_int_equal(cf_token_read(no_base64[i], &t, &e), -1);
		assert_int_equal(e.kind, ERR_UPSTREAM);
	}
	AUTO(str_t) huge = str_format("%08000d", 0);
	assert_int_equal(cf_token_read(huge, &t, &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels_read),
		cmocka_unit_test(tunnels_refused),
		cmocka_unit_test(connections_read),
		cmocka_unit_test(connections_refused),
		cmocka_unit_test(usage_read),
		cmocka_unit_test(records_read),
		cmocka_unit_test(records_with_data_read),
		cmocka_unit_test(records_refused),
		cmocka_unit_test(zones_read),
		cmocka_unit_test(zones_refused),
		cmocka_unit_test(tokens_read),
		cmocka_unit_test(tokens_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
