/* Entries that are kept: whole, bounded, and held against rules of the firewall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/audit_kept.h"

#define RULE "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SET  "cccccccccccccccccccccccccccccccc"
#define AT   1790000000000LL

static void kept_newest_first_and_not_without_end(void **state)
{
	struct audit_kept k = {.most = 3};
	char id[] = "x";

	(void)state;
	for (int64_t i = 0; i < 5; i++) {
		struct cf_audit_entry x = {.id = id, .time_ms = AT + i, .agent = "a", .uri = "u"};
		audit_keep(&k, &x);
	}
	id[0] = 'y'; /* what is kept is a copy */
	audit_kept_sort(&k);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.more, 2);
	assert_int_equal(k.items[0].time_ms, AT + 2);
	assert_string_equal(k.items[0].id, "x");
	assert_null(k.items[0].agent);
	audit_kept_fini(&k);
	assert_int_equal(k.n, 0);
}

static void what_is_about_the_firewall(void **state)
{
	static const struct {
		struct cf_audit_entry x;
		bool is;
	} cases[] = {
		{{.resource_product = "WAF"}, true},
		{{.resource_type = "zone_ruleset"}, true},
		{{.uri = "/zones/z/firewall/access_rules/rules"}, true},
		{{.uri = "/zones/z/dns_records", .word = "waf"}, false},
		{{.word = "firewall_rule_add"}, true}, /* of the log of before */
		{{.resource_product = "dns"}, false},
		{{.id = "waf"}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (audit_of_firewall(&cases[i].x) != cases[i].is)
			fail_msg("case %zu", i);
}

static void who_wrote_a_rule(void **state)
{
	const struct cf_audit_entry entries[] = {
		{.id = "viewed", .time_ms = AT + 9, .uri = "/" RULE, .action = CF_AUDIT_VIEW},
		{.id = "failed",
		 .time_ms = AT + 8,
		 .uri = "/" RULE,
		 .failed = true,
		 .action = CF_AUDIT_UPDATE},
		{.id = "other", .time_ms = AT + 7, .uri = "/x/rules/1", .action = CF_AUDIT_UPDATE},
		{.id = "set", .time_ms = AT + 6, .resource_id = SET, .action = CF_AUDIT_UPDATE},
		{.id = "rule", .time_ms = AT, .uri = "/rules/" RULE, .action = CF_AUDIT_UPDATE},
	};
	struct audit_kept k = {.most = 9};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		audit_keep(&k, &entries[i]);
	assert_string_equal(audit_of_rule(&k, RULE, SET, "p", 0)->id, "rule");
	assert_string_equal(audit_of_rule(&k, RULE, SET, "p", AT)->id, "rule");
	assert_string_equal(audit_of_rule(&k, RULE, SET, "p", AT + 10005)->id, "set");
	assert_string_equal(audit_of_rule(&k, "none", SET, "p", AT)->id, "set");
	assert_null(audit_of_rule(&k, "none", SET, "p", AT + 60000));
	assert_null(audit_of_rule(&k, "none", SET, "p", 0));
	assert_null(audit_of_rule(&k, "none", NULL, NULL, AT));
	audit_kept_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_newest_first_and_not_without_end),
		cmocka_unit_test(what_is_about_the_firewall),
		cmocka_unit_test(who_wrote_a_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
