/* Lines as cloudflared writes them, and as it should not: read, classified, stripped, kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "supervise/outlog.h"

#define TOKEN  "eyJhIjoiMDIzZTEwNWY0ZWNlZjhhZDljYTMxYTgzNzJkMGMzNTMiLCJ0IjoiYzcxM2Q4OTAifQ=="
#define SECRET "AQIDBAUGBwgBAgMEBQYHCAECAwQFBgcIAQIDBAUGBwg="

static void add(struct outlog *o, const char *line)
{
	outlog_add(o, line, strlen(line), NULL);
}

static const struct {
	const char *line, *kept;
	enum reason telling;
} lines[] = {
	{"{\"level\":\"info\",\"message\":\"Starting tunnel\",\"tunnelID\":\"x\"}",
	 "Starting tunnel", REASON_NONE},
	{"{\"error\":\"Unauthorized: Invalid tunnel secret\",\"level\":\"error\",\"message\":"
	 "\"Register tunnel error from server side\"}",
	 "Register tunnel error from server side: Unauthorized: Invalid tunnel secret",
	 REASON_BAD_TOKEN},
	{"{\"error\":\"Unauthorized: Failed to get tunnel\",\"message\":\"Register tunnel error\"}",
	 "Register tunnel error: Unauthorized: Failed to get tunnel", REASON_TUNNEL_GONE},
	{"{\"error\":\"tunnel has been deleted\",\"level\":\"error\"}", "tunnel has been deleted",
	 REASON_TUNNEL_GONE},
	{"{\"connIndex\":0,\"error\":\"rate limited, try later\",\"event\":0,\"level\":\"error\","
	 "\"message\":\"Register tunnel error from server side\"}",
	 "Register tunnel error from server side: rate limited, try later", REASON_REFUSED},
	{"{\"error\":\"control stream encountered a failure while serving\",\"message\":\"Serve "
	 "tunnel error\"}",
	 "Serve tunnel error: control stream encountered a failure while serving", REASON_REFUSED},
	{"{\"error\":\"accept stream listener encountered a failure while serving\",\"message\":"
	 "\"Serve tunnel error\"}",
	 "Serve tunnel error: accept stream listener encountered a failure while serving",
	 REASON_NONE},
	{"Error opening metrics server listener: listen tcp 127.0.0.1:1: bind: address already in "
	 "use",
	 "Error opening metrics server listener: listen tcp 127.0.0.1:1: bind: address already in "
	 "use",
	 REASON_PORT_BUSY},
	{"Could not lookup srv records on _v2-origintunneld._tcp.argotunnel.com: no such host",
	 "Could not lookup srv records on _v2-origintunneld._tcp.argotunnel.com: no such host",
	 REASON_NO_NETWORK},
	{"{\"message\":\"edge discovery: error looking up Cloudflare edge IPs: the DNS query "
	 "failed\"}",
	 "edge discovery: error looking up Cloudflare edge IPs: the DNS query failed",
	 REASON_NO_NETWORK},
	{"Couldn't resolve SRV record &{region1.v2.argotunnel.com. 7844 1 1}: no such host",
	 "Couldn't resolve SRV record &{region1.v2.argotunnel.com. 7844 1 1}: no such host",
	 REASON_NO_NETWORK},
	{"expected at least 2 Cloudflare Regions regions, but SRV only returned 1",
	 "expected at least 2 Cloudflare Regions regions, but SRV only returned 1",
	 REASON_NO_NETWORK},
	{"{\"error\":\"already connected to this server, trying another address\",\"level\":"
	 "\"error\",\"message\":\"failed to serve incoming request\"}",
	 "failed to serve incoming request: already connected to this server, trying another "
	 "address",
	 REASON_REFUSED},
	{"there are no free edge addresses left to resolve to",
	 "there are no free edge addresses left to resolve to", REASON_NO_ADDRESSES},
	{"error parsing YAML in config file at /x: yaml: line 3: bad",
	 "error parsing YAML in config file at /x: yaml: line 3: bad", REASON_BAD_CONFIG},
	{"expected int found string for retries", "expected int found string for retries",
	 REASON_BAD_CONFIG},
	{"unknown protocol udp", "unknown protocol udp", REASON_BAD_CONFIG},
	/* the same words in an event are about something else */
	{"{\"message\":\"expected more\"}", "expected more", REASON_NONE},
	{"Provided Tunnel token is not valid.", "Provided Tunnel token is not valid.",
	 REASON_BAD_TOKEN},
	{"2024/03/01 21:38:31 failed to sufficiently increase receive buffer size",
	 "2024/03/01 21:38:31 failed to sufficiently increase receive buffer size", REASON_NONE},
	/* torn: an event begins inside another */
	{"{\"connIndex\":1,\"event\":0,\"ip\":\"198.41.1{\"error\":\"Unauthorized: no\","
	 "\"message\":\"Register\"}",
	 "Register: Unauthorized: no", REASON_BAD_TOKEN},
	{"{\"connIndex\":1,\"event\":0,\"ip\":\"198.41.1",
	 "{\"connIndex\":1,\"event\":0,\"ip\":\"198.41.1", REASON_NONE},
	{"{\"message\":7}", "{\"message\":7}", REASON_NONE},
	{"[1,2]", "[1,2]", REASON_NONE},
	{"{}", "{}", REASON_NONE},
	{"null", "null", REASON_NONE},
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct outlog o = {0};

		add(&o, lines[i].line);
		assert_string_equal(outlog_line(&o, 0), lines[i].kept);
		assert_int_equal(o.telling, lines[i].telling);
		outlog_free(&o);
	}
}

static void test_facts(void **state)
{
	struct outlog o = {0};

	(void)state;
	add(&o, "{\"message\":\"Version 2026.8.2 (Checksum 0123)\"}");
	assert_string_equal(o.version, "2026.8.2");
	add(&o, "{\"message\":\"Generated Connector ID: c713d890-1111-4222-8333-123456789abc\"}");
	assert_string_equal(o.connector_id, "c713d890-1111-4222-8333-123456789abc");
	add(&o, "{\"message\":\"Generated Connector ID: nonsense\"}");
	assert_string_equal(o.connector_id, "c713d890-1111-4222-8333-123456789abc");
	add(&o, "Version 1 in plain text is nobody's");
	assert_string_equal(o.version, "2026.8.2");
	outlog_begin(&o);
	assert_string_equal(o.connector_id, "");
	assert_string_equal(o.version, "2026.8.2");
	outlog_free(&o);
}

static void test_refusals_count_in_a_row(void **state)
{
	static const char refused[] = "{\"error\":\"Unauthorized: Invalid tunnel secret\"}";
	struct outlog o = {0};

	(void)state;
	add(&o, refused);
	add(&o, refused);
	assert_int_equal(outlog_refused(&o), REASON_NONE);
	add(&o, "{\"message\":\"Registered tunnel connection\"}");
	assert_int_equal(o.telling, REASON_NONE);
	add(&o, refused);
	add(&o, refused);
	assert_int_equal(outlog_refused(&o), REASON_NONE);
	add(&o, "{\"message\":\"Retrying connection in up to 8s\"}");
	add(&o, refused);
	assert_int_equal(outlog_refused(&o), REASON_BAD_TOKEN);
	outlog_begin(&o);
	assert_int_equal(outlog_refused(&o), REASON_NONE);
	outlog_free(&o);
}

static void test_the_ring(void **state)
{
	struct outlog o = {0};
	char text[32];

	(void)state;
	assert_null(outlog_line(&o, 0));
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		add(&o, text);
	}
	assert_string_equal(outlog_line(&o, 0), "line 49");
	assert_string_equal(outlog_line(&o, OUTLOG_LINES - 1), "line 30");
	assert_null(outlog_line(&o, OUTLOG_LINES));
	add(&o, "");
	add(&o, "See 'cloudflared tunnel run --help'.");
	add(&o, "{\"message\":\"Retrying connection in up to 8s\"}");
	add(&o, "{\"message\":\"Tunnel connection curve preferences: [CurveP256]\"}");
	assert_string_equal(outlog_line(&o, 0), "line 49");
	outlog_free(&o);
}

static const struct {
	const char *text, *struck;
} secrets[] = {
	{"token " TOKEN " end",
	 "token **************************************************************************== end"},
	{"\"" SECRET "\"", "\"*******************************************=\""},
	{"glued198.41.1" TOKEN, "glued198.41.1*****************************************************"
				"*********************=="},
	{"Version 2026.8.2 (Checksum "
	 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef)",
	 "Version 2026.8.2 (Checksum "
	 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef)"},
	{"connector c713d890-1111-4222-8333-123456789abc",
	 "connector c713d890-1111-4222-8333-123456789abc"},
	{"open /var/lib/adit/connectors/t0123456789-1/token: no such file",
	 "open /var/lib/adit/connectors/t0123456789-1/token: no such file"},
	{"my-own-secret is my-own-secret", "************* is *************"},
	{"eyJshort", "eyJshort"},
	{"", ""},
};

static void test_secrets_are_struck(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		AUTO(str_t) text = str_dup(secrets[i].text);

		outlog_strike(text, "my-own-secret");
		assert_string_equal(text, secrets[i].struck);
	}
}

static void test_kept_lines_hold_no_secret(void **state)
{
	struct outlog o = {0};

	(void)state;
	add(&o, "{\"message\":\"Settings: map[token:" TOKEN "]\"}");
	assert_null(strstr(outlog_line(&o, 0), "eyJ"));
	add(&o, "{\"torn\":\"" TOKEN);
	assert_null(strstr(outlog_line(&o, 0), "eyJ"));
	outlog_free(&o);
}

static void test_long_and_strange_lines(void **state)
{
	struct outlog o = {0};
	size_t size = 200000;
	AUTO(str_t) text = mem_alloc(size + 1);

	(void)state;
	memset(text, '{', size);
	add(&o, text);
	assert_int_equal(strlen(outlog_line(&o, 0)), OUTLOG_WIDTH);
	for (size_t i = 0; i < size; i++)
		text[i] = "{\""[i % 2];
	add(&o, text);
	add(&o, "\x1b[31mred\x07 \xff\xfe");
	assert_null(strchr(outlog_line(&o, 0), '\x1b'));
	outlog_free(&o);
}

static void last_lines_fit_into_their_room(void **state)
{
	struct outlog o = {0};
	(void)state;
	assert_null(outlog_last(&o, 10, 100));
	for (int i = 0; i < 30; i++) {
		AUTO(str_t) text = str_format("line %d", i);
		outlog_add(&o, text, strlen(text), NULL);
	}
	AUTO(str_t) three = outlog_last(&o, 3, 1000);
	assert_string_equal(three, "line 27\nline 28\nline 29");
	AUTO(str_t) two = outlog_last(&o, 3, 20);
	assert_string_equal(two, "line 28\nline 29");
	AUTO(str_t) all = outlog_last(&o, 100, 10000);
	assert_true(str_starts(all, "line 10\n"));
	assert_null(outlog_last(&o, 3, 5));
	outlog_free(&o);
}

static void an_entry_is_read_whole(void **state)
{
	static const struct {
		const char *line, *text, *level;
		int64_t time_ms;
		enum reason reason;
	} cases[] = {
		{"{\"connIndex\":1,\"error\":\"no\",\"ip\":\"::1\",\"level\":\"warn\",\"message\":"
		 "\"m\",\"time\":\"2026-01-01T00:00:01Z\",\"x\":{\"a\":[1]}}",
		 "m: no connIndex=1 ip=::1 x={\"a\":[1]}", "warn", 1767225601000, REASON_NONE},
		{"plain words", "plain words", "", 0, REASON_NONE},
		{"", "", "", 0, REASON_NONE},
		{"{\"message\":\"m\",\"time\":\"48h\"}", "m", "", 0, REASON_NONE},
		{"{\"message\":\"m\",\"level\":\"overlong\",\"time\":5}", "m", "", 0, REASON_NONE},
		{"{\"error\":\"Unauthorized: x\",\"level\":\"error\"}", "Unauthorized: x", "error",
		 0, REASON_BAD_TOKEN},
		{"{\"message\":\"t\",\"token\":\"eyJhIjoiMDEyMzQ1Njc4OSJ9\"}",
		 "t token=************************", "", 0, REASON_NONE},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct outlog_entry x;
		outlog_read(cases[i].line, strlen(cases[i].line), &x);
		assert_string_equal(x.text, cases[i].text);
		assert_string_equal(x.level, cases[i].level);
		assert_int_equal(x.time_ms, cases[i].time_ms);
		assert_int_equal(x.reason, cases[i].reason);
		outlog_entry_free(&x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_refusals_count_in_a_row),
		cmocka_unit_test(test_the_ring),
		cmocka_unit_test(test_secrets_are_struck),
		cmocka_unit_test(test_kept_lines_hold_no_secret),
		cmocka_unit_test(test_long_and_strange_lines),
		cmocka_unit_test(last_lines_fit_into_their_room),
		cmocka_unit_test(an_entry_is_read_whole),
	};

	return cmocka_run_group_tests_name("outlog", tests, NULL, NULL);
}
