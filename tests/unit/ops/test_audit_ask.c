/* Questions to the audit log: what Cloudflare is asked for, and which entries fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ops/audit_ask.h"

#define ZONE  "9a7806061c88ada191ed06f989cc3dac"
#define TOKEN "11112222333344445555666677778888"
#define AT    1790000000000LL

static void what_is_asked(void **state)
{
	static const struct {
		struct audit_ask ask;
		bool old;
		const char *holds, *lacks;
	} cases[] = {
		{{.actor = "a@b.c"}, false, "&actor_email=a%40b.c", "resource"},
		{{.actor = "192.0.2.1"}, false, "&actor_ip_address=192.0.2.1", "email"},
		{{.actor = "2001:db8::1"}, false, "&actor_ip_address=2001%3Adb8%3A%3A1", "email"},
		{{.actor = TOKEN}, false, "&actor_token_id=" TOKEN, "name"},
		{{.actor = "ci & x"}, false, "&actor_token_name=ci%20%26%20x", "_id"},
		{{.action = "change"}, false, "&action_type.not=view", "action_type="},
		{{.action = "delete"}, false, "&action_type=delete", ".not"},
		{{.result = "failure"}, false, "&action_result=failure", ".not"},
		{{.resource = "token"}, false, "direction=desc", "token"}, /* held against rows */
		{{.resource = ZONE}, false, "&resource_id=" ZONE, "type"},
		{{.product = "p", .type = "t"},
		 false,
		 "&resource_product=p&resource_type=t",
		 "_id"},
		{{.scope = "accounts"}, false, "&resource_scope=accounts", "type"},
		{{.actor = "a@b.c", .action = "delete"}, true, "&actor.email=a%40b.c", "action"},
		{{.actor = "192.0.2.1"}, true, "&actor.ip=192.0.2.1", "email"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) query = audit_ask_query(&cases[i].ask, cases[i].old);
		if (!strstr(query, cases[i].holds) || strstr(query, cases[i].lacks))
			fail_msg("case %zu: %s", i, query);
	}
	struct audit_ask ask = {.since_ms = AT + 1, .before_ms = AT + 2}, later = ask;
	AUTO(str_t) one = audit_ask_query(&ask, false);
	later.before_ms = AT / 30000 * 30000 + 29999;
	AUTO(str_t) two = audit_ask_query(&later, false);
	assert_string_equal(one, two); /* within half a minute it is the same question */
	struct zone *z = zone_new(ZONE, "example.com");
	AUTO(str_t) by_id = audit_ask_query(&(struct audit_ask){.zone = z}, false);
	AUTO(str_t) by_name = audit_ask_query(&(struct audit_ask){.zone = z}, true);
	assert_non_null(strstr(by_id, "&zone_id=" ZONE));
	assert_non_null(strstr(by_name, "&zone.name=example.com"));
	zone_free(z);
	assert_null(audit_ask_not_old(&(struct audit_ask){.actor = "a@b.c"}));
	assert_non_null(audit_ask_not_old(&(struct audit_ask){.actor = TOKEN}));
	assert_non_null(audit_ask_not_old(&(struct audit_ask){.product = "x"}));
}

static void what_fits(void **state)
{
	static const struct cf_audit_entry x = {.id = "e",
						.time_ms = AT,
						.action = CF_AUDIT_UPDATE,
						.resource_product = "Rulesets",
						.resource_type = "zone_ruleset",
						.resource_id = "abc",
						.email = "Alice@example.com",
						.token_name = "ci",
						.uri = "/client/v4/zones/" ZONE "/rulesets/abc"};
	struct zone *z = zone_new(ZONE, "example.com"),
		    *other = zone_new("00007806061c88ada191ed06f989cc3d", "example.net");
	const struct {
		struct audit_ask ask;
		bool fits;
	} cases[] = {
		{{0}, true},
		{{.since_ms = AT + 1}, false},
		{{.zone = z}, true},
		{{.zone = other}, false},
		{{.actor = "alice@example.com"}, true},
		{{.actor = "ci"}, true},
		{{.actor = "bob"}, false},
		{{.action = "change"}, true},
		{{.action = "delete"}, false},
		{{.result = "success"}, true},
		{{.result = "failure"}, false},
		{{.resource = "RULESET"}, true},
		{{.resource = "token"}, false},
		{{.product = "rulesets", .type = "zone_ruleset"}, true},
		{{.product = "ruleset"}, false},
		{{.type = "ruleset"}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_ask ask = cases[i].ask;
		ask.before_ms = ask.since_ms > AT ? ask.since_ms : AT;
		if (audit_ask_fits(&ask, &x) != cases[i].fits)
			fail_msg("case %zu", i);
	}
	const struct audit_ask wide = {.before_ms = AT, .scope = "accounts"};
	assert_true(audit_ask_fits(&wide, &(struct cf_audit_entry){.time_ms = AT}));
	assert_true(audit_ask_fits(
		&wide,
		&(struct cf_audit_entry){.time_ms = AT, .scope = "Accounts", .zone_name = "a.b"}));
	assert_false(audit_ask_fits(
		&wide, &(struct cf_audit_entry){.time_ms = AT, .zone_name = "example.com"}));
	assert_false(
		audit_ask_fits(&wide, &(struct cf_audit_entry){.time_ms = AT, .scope = "user"}));
	const struct audit_ask changes = {.before_ms = AT, .action = "change"};
	assert_false(audit_ask_fits(
		&changes, &(struct cf_audit_entry){.time_ms = AT, .action = CF_AUDIT_VIEW}));
	struct audit_ask early = {.before_ms = AT - 1};
	assert_false(audit_ask_fits(&early, &x));
	assert_true(audit_of_zone(&(struct cf_audit_entry){.zone_name = "EXAMPLE.com"}, z));
	assert_false(audit_of_zone(&(struct cf_audit_entry){.zone_id = ZONE}, other));
	assert_true(audit_of_zone(&(struct cf_audit_entry){.resource_id = ZONE}, z));
	zone_free(z);
	zone_free(other);
}

/* The log of before, asked for a zone by its name, need not tell it in each row. */
static void rows_that_tell_no_zone(void **state)
{
	struct zone *z = zone_new(ZONE, "example.com");
	const struct audit_ask wide = {.before_ms = AT, .zone = z};
	struct audit_ask narrow = wide;
	struct cf_audit_entry x = {.id = "e", .time_ms = AT, .old = true};

	(void)state;
	narrow.narrowed = true;
	assert_true(audit_ask_fits(&wide, &x));
	assert_false(audit_ask_unknown(&wide, &x));
	assert_false(audit_ask_fits(&narrow, &x));
	assert_true(audit_ask_unknown(&narrow, &x));
	x.time_ms = AT + 1;
	assert_false(audit_ask_unknown(&narrow, &x));
	x.time_ms = AT;
	x.resource_id = ZONE;
	assert_true(audit_ask_fits(&narrow, &x));
	assert_false(audit_ask_unknown(&narrow, &x));
	x = (struct cf_audit_entry){.id = "e", .time_ms = AT, .old = true, .zone_name = "a.b"};
	assert_false(audit_ask_fits(&wide, &x));
	assert_false(audit_ask_unknown(&narrow, &x));
	x = (struct cf_audit_entry){.id = "e", .time_ms = AT};
	assert_false(audit_ask_fits(&wide, &x));
	zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked),
		cmocka_unit_test(what_fits),
		cmocka_unit_test(rows_that_tell_no_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
