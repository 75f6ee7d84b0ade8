/* Paths of the security sources: an id goes in only when it has the form of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "cloudflare/source.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define ZONE    "9a7806061c88ada191ed06f989cc3dac"
#define SET     "2f2feab2026849078ba485f918791bdc"
#define CUSTOM  "http_request_firewall_custom"

static void paths(void **state)
{
	static const struct {
		enum cf_source source;
		struct cf_target target;
		const char *path;
	} cases[] = {
		{CF_SOURCE_ACCOUNTS, {0}, "/accounts"},
		{CF_SOURCE_MEMBERS, {.account = ACCOUNT}, "/accounts/" ACCOUNT "/members"},
		{CF_SOURCE_MEMBERS,
		 {.account = ACCOUNT, .query = "status=pending"},
		 "/accounts/" ACCOUNT "/members?status=pending"},
		{CF_SOURCE_LOCKDOWNS,
		 {.zone = ZONE, .query = ""},
		 "/zones/" ZONE "/firewall/lockdowns"},
		{CF_SOURCE_ZONE_RULESET,
		 {.zone = ZONE, .id = SET},
		 "/zones/" ZONE "/rulesets/" SET},
		{CF_SOURCE_ZONE_ENTRY,
		 {.zone = ZONE, .id = CUSTOM},
		 "/zones/" ZONE "/rulesets/phases/" CUSTOM "/entrypoint"},
		{CF_SOURCE_MEMBERS, {0}, NULL},
		{CF_SOURCE_MEMBERS, {.account = ""}, NULL},
		{CF_SOURCE_MEMBERS, {.account = ACCOUNT "/x"}, NULL},
		{CF_SOURCE_LOCKDOWNS, {.zone = CUSTOM}, NULL},
		{CF_SOURCE_ZONE_ENTRY, {.zone = ZONE, .id = "../../x"}, NULL},
		{CF_SOURCE_ZONE_ENTRY, {.zone = ZONE, .id = ""}, NULL},
		{CF_SOURCE_ZONE_ENTRY, {.zone = ZONE, .id = "a?b"}, NULL},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) path = NULL;
		struct err e = {0};
		int rc = cf_source_path(cases[i].source, &cases[i].target, &path, &e);

		assert_int_equal(rc, cases[i].path ? 0 : -1);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else
			assert_int_equal(e.kind, ERR_INVALID);
	}
}

/* No line of the table was left out, and each says what it needs. */
static void the_table_is_whole(void **state)
{
	(void)state;
	for (int s = 0; s < CF_SOURCES; s++) {
		const struct cf_source_row *row = cf_source_row((enum cf_source)s);
		struct cf_target t = {.account = ACCOUNT, .zone = ZONE, .id = SET};
		AUTO(str_t) path = NULL;
		struct err e;

		assert_non_null(row->path);
		assert_true(str_ends(row->permission, ": Read"));
		assert_int_equal(cf_source_path((enum cf_source)s, &t, &path, &e), 0);
		assert_null(strpbrk(path, "{}"));
		if (row->paging == CF_PAGED_NOT)
			continue;
		assert_non_null(row->size_key);
		assert_true(row->per_page > 0);
		assert_true(row->max_rows >= (size_t)row->per_page);
	}
}

/* The firewall's permission is named where it helps, and nowhere else. */
static void permissions(void **state)
{
	static const struct {
		enum cf_source source;
		const char *id, *permission;
	} cases[] = {
		{CF_SOURCE_ZONE_ENTRY, CUSTOM, "Zone WAF: Read"},
		{CF_SOURCE_ZONE_ENTRY, "http_ratelimit", "Zone WAF: Read"},
		{CF_SOURCE_ACCOUNT_ENTRY, CUSTOM, "Account WAF: Read"},
		{CF_SOURCE_ZONE_ENTRY, "http_config_settings",
		 "Config Rules: Read (API: Config Settings Read)"},
		{CF_SOURCE_ZONE_ENTRY, "http_request_transform",
		 "Transform Rules: Read (API: Zone Transform Rules Read)"},
		{CF_SOURCE_ACCOUNT_ENTRY, "http_request_transform", "Transform Rules: Read"},
		{CF_SOURCE_ACCOUNT_ENTRY, "http_request_redirect",
		 "Bulk URL Redirects: Read (API: Mass URL Redirects Read)"},
		{CF_SOURCE_ZONE_ENTRY, "http_request_redirect", NULL},
		{CF_SOURCE_ZONE_ENTRY, "http_response_cache_settings", NULL},
		{CF_SOURCE_ZONE_ENTRY, "http_something_new", NULL},
		{CF_SOURCE_ZONE_RULESET, SET, NULL},
		{CF_SOURCE_ACCOUNT_RULESET, SET, NULL},
		{CF_SOURCE_LOCKDOWNS, NULL, "Firewall Services: Read"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *named = cf_source_permission(cases[i].source, cases[i].id);

		if (!str_equal(named, cases[i].permission))
			fail_msg("%zu: %s", i, named ? named : "(none)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(permissions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
