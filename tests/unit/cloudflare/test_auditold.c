/* Rows of the audit log of before: the same entry comes out of them, as far as they tell it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cloudflare/auditold.h"

#define WHEN       "\"when\":\"2025-11-20T10:00:00Z\""
#define DONE(word) "{\"id\":\"a\"," WHEN ",\"action\":{\"type\":\"" word "\",\"result\":true}}"

static int read_text(const char *text, json_doc_t *doc, struct cf_audit_entry *x)
{
	struct err e;

	assert_int_equal(json_parse(text, strlen(text), NULL, doc, &e), 0);
	return cf_audit_old_read(json_root(*doc), x, &e);
}

static void a_whole_row(void **state)
{
	AUTO(json_doc_t) doc = NULL;
	struct cf_audit_entry x = {0};

	(void)state;
	assert_int_equal(
		read_text("{\"id\":\"a\"," WHEN
			  ",\"action\":{\"type\":\"rec_del\",\"result\":false},"
			  "\"actor\":{\"id\":\"i\",\"email\":\"a@b.c\",\"ip\":\"192.0.2.1\","
			  "\"type\":\"user\"},\"interface\":\"API\",\"metadata\":{\"zone_name\":"
			  "\"example.com\"},\"resource\":{\"id\":\"r\",\"type\":\"DNS_record\"}}",
			  &doc, &x),
		0);
	assert_string_equal(x.id, "a");
	assert_int_equal(x.time_ms, 1763632800000LL);
	assert_int_equal(x.action, CF_AUDIT_DELETE);
	assert_true(x.failed);
	assert_true(x.old);
	assert_string_equal(x.word, "rec_del");
	assert_string_equal(x.email, "a@b.c");
	assert_string_equal(x.address, "192.0.2.1");
	assert_string_equal(x.context, "API");
	assert_string_equal(x.zone_name, "example.com");
	assert_string_equal(x.resource_id, "r");
	assert_string_equal(x.resource_type, "DNS_record");
	assert_null(x.token_id);
	assert_null(x.ray);
}

static void words_and_rows_with_little(void **state)
{
	static const struct {
		const char *text;
		int rc;
		enum cf_audit_action action;
	} cases[] = {
		{DONE("token_create"), 0, CF_AUDIT_CREATE},
		{DONE("rec_add"), 0, CF_AUDIT_CREATE},
		{DONE("purge"), 0, CF_AUDIT_DELETE},
		{DONE("ssl_set"), 0, CF_AUDIT_UPDATE},
		{DONE("login"), 0, CF_AUDIT_OTHER},
		{DONE("API_key_view"), 0, CF_AUDIT_VIEW},
		{"{\"id\":\"a\"," WHEN "}", 0, CF_AUDIT_OTHER},
		{"{\"id\":\"a\"," WHEN ",\"action\":7,\"actor\":[],\"metadata\":\"x\"}", 0,
		 CF_AUDIT_OTHER},
		{"{\"id\":\"a\",\"when\":\"48h\"}", -1, 0},
		{"{\"id\":\"a\",\"when\":null}", -1, 0},
		{"{" WHEN "}", -1, 0},
		{"[]", -1, 0},
		{"null", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = NULL;
		struct cf_audit_entry x = {0};
		assert_int_equal(read_text(cases[i].text, &doc, &x), cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(x.action, cases[i].action);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_row),
		cmocka_unit_test(words_and_rows_with_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
