/* Members, roles, permission groups and tokens: pure, and trusting nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloudflare/members.h"
#include "cloudflare/tokens.h"
#include "tests/unit/cloudflare/parse.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define OTHER   "123e105f4ecef8ad9ca31a8372d0c353"
#define ZONE    "9a7806061c88ada191ed06f989cc3dac"
#define HEX     "4536bcfad5faccb111b47003c79917fa"
#define KEY     "com.cloudflare.api.account."

/* ---- rows ---- */

static void members_are_read(void **state)
{
	static const struct {
		const char *row;
		bool good;
		const char *email, *first;
		enum cf_member_status status;
		enum cf_told two_factor;
	} cases[] = {
		{"{\"id\":\"" HEX "\",\"email\":\"a@example.com\",\"status\":\"accepted\",\"user\":"
		 "{\"first_name\":\"A\",\"two_factor_authentication_enabled\":true},\"roles\":[]}",
		 true, "a@example.com", "A", CF_MEMBER_ACCEPTED, CF_TOLD_YES},
		{"{\"id\":\"m1\",\"user\":{\"email\":\"b@example.com\",\"first_name\":null,"
		 "\"two_factor_authentication_enabled\":false},\"status\":\"pending\"}",
		 true, "b@example.com", NULL, CF_MEMBER_PENDING, CF_TOLD_NO},
		{"{\"id\":\"m1\",\"email\":7,\"user\":[],\"status\":\"toString\"}", true, NULL,
		 NULL, CF_MEMBER_OTHER, CF_NOT_TOLD},
		{"{\"id\":\"m1\",\"user\":{\"two_factor_authentication_enabled\":\"yes\"}}", true,
		 NULL, NULL, CF_MEMBER_OTHER, CF_NOT_TOLD},
		{"{\"id\":\"m1\",\"user\":null,\"roles\":null,\"policies\":{}}", true, NULL, NULL,
		 CF_MEMBER_OTHER, CF_NOT_TOLD},
		{"{\"id\":\"../x\"}", false},
		{"{\"id\":\"\"}", false},
		{"{\"id\":5}", false},
		{"{}", false},
		{"[]", false},
		{"null", false},
		{"\"x\"", false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = parse(cases[i].row);
		struct cf_member m;
		struct err e;

		assert_int_equal(cf_member_read(json_root(doc), &m, &e), cases[i].good ? 0 : -1);
		if (!cases[i].good)
			continue;
		if (!str_equal(m.email, cases[i].email) || !str_equal(m.first, cases[i].first))
			fail_msg("%s", cases[i].row);
		assert_int_equal(m.status, cases[i].status);
		assert_int_equal(m.two_factor, cases[i].two_factor);
	}
}

static void roles_and_groups_are_read(void **state)
{
	static const struct {
		const char *row;
		bool role, group;
	} cases[] = {
		{"{\"id\":\"r\",\"name\":\"DNS\",\"description\":\"d\",\"permissions\":{}}", true,
		 true},
		{"{\"id\":\"r\",\"name\":\"DNS\",\"permissions\":[1]}", true, true},
		{"{\"id\":\"r\",\"name\":null}", false, true},
		{"{\"id\":\"r\"}", false, true},
		{"{\"name\":\"DNS\"}", false, false},
		{"{\"id\":\"a b\",\"name\":\"DNS\"}", false, false},
		{"7", false, false},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = parse(cases[i].row);
		struct cf_role r;
		struct cf_group g;
		struct err e;

		assert_int_equal(cf_role_read(json_root(doc), &r, &e), cases[i].role ? 0 : -1);
		assert_int_equal(cf_group_read(json_root(doc), &g, &e), cases[i].group ? 0 : -1);
	}
}

static void permissions_in_words(void **state)
{
	static const struct {
		const char *permissions, *words;
	} cases[] = {
		{"{\"dns_records\":{\"read\":true,\"write\":true},\"waf\":{\"write\":true},"
		 "\"logs\":{\"read\":true,\"write\":false}}",
		 "edit dns_records, waf; read logs"},
		{"{\"logs\":{\"read\":true}}", "read logs"},
		{"{\"logs\":{\"read\":false,\"write\":false}}", ""},
		{"{\"ig nore\":{\"read\":true},\"x\":{\"read\":\"true\",\"write\":1},\"y\":null}",
		 ""},
		{"{}", ""},
		{"[{\"read\":true}]", ""},
		{"null", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = parse(cases[i].permissions);
		AUTO(buf_t) words = {0};

		cf_permission_words(json_root(doc), &words);
		assert_string_equal(buf_text(&words), cases[i].words);
	}
}

/* ---- what a member holds ---- */

static void right_is_added(const struct cf_right *r, void *owner)
{
	struct buf *out = owner;

	(void)buf_printf(out, "%s%s(%s%s", out->len ? " " : "", r->denies ? "-" : "",
			 r->name ? r->name : r->id, cf_right_is_super(r) ? " super" : "");
	for (int p = 0; p < CF_POWERS; p++)
		if (cf_right_gives(r, (enum cf_power)p))
			(void)buf_printf(out, " %s", cf_power_name((enum cf_power)p));
	(void)buf_char(out, ')');
}

static const char *name_of_group(const char *id, void *owner)
{
	(void)owner;
	return str_equal(id, "g1") ? "DNS" : NULL;
}

#define WRITES "{\"read\":true,\"write\":true}"
#define READS  "{\"read\":true,\"write\":false}"

static void rights_and_what_they_give(void **state)
{
	static const struct {
		const char *held, *rights;
	} cases[] = {
		{"\"roles\":[{\"name\":\"Super Administrator - All "
		 "Privileges\",\"permissions\":{}}]",
		 "(Super Administrator - All Privileges super dns firewall members tokens)"},
		{"\"roles\":[{\"name\":\"Administrator\"},{\"name\":\"Administrator Read Only\"}]",
		 "(Administrator dns firewall) (Administrator Read Only)"},
		/* what a role tells of itself goes before what it is called */
		{"\"roles\":[{\"id\":\"r\",\"name\":\"Billing\",\"permissions\":{\"dns_"
		 "records\":" WRITES ",\"waf\":" READS "}}]",
		 "(Billing dns)"},
		{"\"roles\":[{\"id\":\"r\",\"name\":\"DNS\",\"permissions\":{\"dns\":" READS "}}]",
		 "(DNS)"},
		{"\"roles\":[{\"id\":\"r\",\"name\":\"O\",\"permissions\":{\"organization\":" WRITES
		 ",\"api_tokens\":" WRITES "}}]",
		 "(O members tokens)"},
		{"\"policies\":[{\"access\":\"allow\",\"permission_groups\":[{\"id\":\"g1\"},"
		 "{\"id\":\"g2\"},{\"id\":\"g3\",\"name\":\"Zone WAF Write\"}]}]",
		 "(DNS dns) (g2) (Zone WAF Write firewall)"},
		{"\"policies\":[{\"access\":\"deny\",\"permission_groups\":[{\"id\":\"g1\"}]},"
		 "{\"permission_groups\":[{\"name\":\"Super Administrator\"}]}]",
		 "-(DNS) (Super Administrator super dns firewall members tokens)"},
		{"\"policies\":[{\"access\":\"allow\",\"permission_groups\":["
		 "{\"name\":\"DNS Firewall Write\"},{\"name\":\"DNS View Write\"},"
		 "{\"name\":\"DNS Read\"},{\"name\":\"Account Settings Write\"},"
		 "{\"name\":\"Account API Tokens Write\"},{\"name\":\"Domain Administrator\"}]}]",
		 "(DNS Firewall Write) (DNS View Write) (DNS Read) (Account Settings Write "
		 "members) "
		 "(Account API Tokens Write tokens) (Domain Administrator dns firewall)"},
		{"\"roles\":[7,null,{},\"x\",{\"id\":\"a b\"}],\"policies\":[7,null,{\"access\":"
		 "\"allow\",\"permission_groups\":{}},{\"permission_groups\":[7,null,{}]}]",
		 ""},
		{"\"roles\":{\"name\":\"DNS\"},\"policies\":\"DNS\"", ""},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) row = str_format("{\"id\":\"m\",%s}", cases[i].held);
		AUTO(json_doc_t) doc = parse(row);
		AUTO(buf_t) said = {0};
		struct cf_member m;
		struct err e;

		assert_int_equal(cf_member_read(json_root(doc), &m, &e), 0);
		cf_member_rights(&m, name_of_group, right_is_added, &said);
		assert_string_equal(buf_text(&said), cases[i].rights);
	}
}

static void reach_is_added(enum cf_reach what, const char *zone, void *owner)
{
	static const char *const names[] = {"account", "zone", "other"};

	(void)buf_printf(owner, "%s%s ", names[what], zone ? zone + 30 : "");
}

static void rights_reach(const struct cf_right *r, void *owner)
{
	cf_right_reach(r, reach_is_added, owner);
}

static void what_a_right_is_for(void **state)
{
	static const struct {
		const char *resources, *reach;
	} cases[] = {
		{"[{\"scope\":{\"key\":\"" KEY ACCOUNT "\",\"objects\":[{\"key\":\"*\"}]}}]",
		 "account "},
		{"[{\"scope\":[{\"objects\":[{\"key\":\"" KEY "zone." ZONE "\"},{\"key\":\"" KEY
		 "zone." HEX "\"}]}]}]",
		 "zoneac zonefa "},
		{"[{\"id\":\"x\",\"name\":\"" KEY ACCOUNT "\"}]", "account "},
		{"[{\"name\":\"" KEY "zone." ZONE "\"},{\"name\":\"production\"}]",
		 "zoneac other "},
		{"[{\"scope\":{\"objects\":[{\"key\":\"" KEY "zone.x\"},{\"key\":7},{}]}}]",
		 "other other other "},
		{"[{\"scope\":[7,{\"objects\":\"*\"}]},7]", "other other "},
		{"[]", "other "},
		{"null", "other "},
		{"\"*\"", "other "},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t)
		row = str_format("{\"id\":\"m\",\"policies\":[{\"access\":\"allow\",\"resource_"
				 "groups\":%s,\"permission_groups\":[{\"id\":\"g1\"}]}]}",
				 cases[i].resources);
		AUTO(json_doc_t) doc = parse(row);
		AUTO(buf_t) said = {0};
		struct cf_member m;
		struct err e;

		assert_int_equal(cf_member_read(json_root(doc), &m, &e), 0);
		cf_member_rights(&m, NULL, rights_reach, &said);
		assert_string_equal(buf_text(&said), cases[i].reach);
	}
}

/* ---- tokens ---- */

static void tokens_are_read(void **state)
{
	static const struct {
		const char *row;
		bool good;
		enum cf_token_status status;
		int64_t expires_ms;
	} cases[] = {
		{"{\"id\":\"" HEX "\",\"status\":\"active\",\"expires_on\":"
		 "\"2026-11-20T10:00:00Z\"}",
		 true, CF_TOKEN_ACTIVE, 1795168800000},
		{"{\"id\":\"" HEX "\",\"status\":\"expired\",\"expires_on\":null}", true,
		 CF_TOKEN_EXPIRED, 0},
		{"{\"id\":\"" HEX "\",\"status\":\"disabled\",\"expires_on\":\"soon\"}", true,
		 CF_TOKEN_DISABLED, 0},
		{"{\"id\":\"" HEX "\",\"status\":3,\"expires_on\":3,\"policies\":{}}", true,
		 CF_TOKEN_OTHER, 0},
		{"{\"id\":\"x\",\"status\":\"active\"}", false, CF_TOKEN_OTHER, 0},
		{"{\"status\":\"active\"}", false, CF_TOKEN_OTHER, 0},
		{"null", false, CF_TOKEN_OTHER, 0},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = parse(cases[i].row);
		struct cf_token_row t;
		struct err e;

		assert_int_equal(cf_token_row_read(json_root(doc), &t, &e), cases[i].good ? 0 : -1);
		if (!cases[i].good)
			continue;
		assert_int_equal(t.status, cases[i].status);
		assert_int_equal(t.expires_ms, cases[i].expires_ms);
		assert_null(t.policies);
	}
}

#define POLICY(effect, group, resources)                                                           \
	"{\"effect\":\"" effect "\",\"permission_groups\":[{\"id\":\"x\",\"name\":\"" group        \
	"\"}],\"resources\":" resources "}"
#define WHOLE "{\"" KEY ACCOUNT "\":\"*\"}"
#define ONE   "{\"" KEY "zone." ZONE "\":\"*\"}"
#define ZONES "{\"" KEY "zone.*\":\"*\"}"

static void policies_allow(void **state)
{
	static const struct {
		const char *policies, *permission;
		enum cf_allowed allowed;
	} cases[] = {
		{"[" POLICY("allow", "DNS Write", ZONES) "]", "DNS: Edit", CF_ALLOWED},
		{"[" POLICY("allow", "DNS Write", ZONES) "]", "DNS: Read", CF_ALLOWED},
		{"[" POLICY("allow", "DNS Edit", ONE) "]", "DNS: Edit", CF_ALLOWED_PARTLY},
		{"[" POLICY("allow", "DNS Read", ZONES) "]", "DNS: Edit", CF_ALLOWED_NOT},
		{"[" POLICY("allow", "DNS Settings Read", ZONES) "]", "DNS: Read", CF_ALLOWED_NOT},
		{"[" POLICY("allow", "Account DNS Write", ZONES) "]", "DNS: Edit", CF_ALLOWED_NOT},
		{"[" POLICY("allow", "Argo Tunnel Write", WHOLE) "]", "Cloudflare Tunnel: Edit",
		 CF_ALLOWED},
		{"[" POLICY("allow", "Cloudflare Tunnel Read", WHOLE) "]",
		 "Cloudflare Tunnel: Edit", CF_ALLOWED_NOT},
		{"[" POLICY("allow", "Zone Read",
			    "{\"" KEY ACCOUNT "\":{\"" KEY "zone.*\":\"*\"}}") "]",
		 "Zone: Read", CF_ALLOWED},
		{"[" POLICY("allow", "Zone Read",
			    "{\"" KEY ACCOUNT "\":{\"" KEY "zone." ZONE "\":\"*\"}}") "]",
		 "Zone: Read", CF_ALLOWED_PARTLY},
		{"[" POLICY("allow", "Zone Read", "{\"" KEY OTHER "\":\"*\"}") "]", "Zone: Read",
		 CF_ALLOWED_NOT},
		{"[" POLICY("allow", "Zone Read", "{\"" KEY "*\":\"*\"}") "]", "Zone: Read",
		 CF_ALLOWED},
		{"[" POLICY("allow", "API Tokens Read",
			    "{\"com.cloudflare.api.user." HEX "\":\"*\"}") "]",
		 "API Tokens: Read", CF_ALLOWED},
		{"[" POLICY("allow", "DNS Write", ZONES) "," POLICY("deny", "DNS Write", ONE) "]",
		 "DNS: Edit", CF_ALLOWED_PARTLY},
		{"[" POLICY("deny", "DNS Write", ZONES) "," POLICY("allow", "DNS Write", ONE) "]",
		 "DNS: Edit", CF_ALLOWED_NOT},
		/* an effect that is not known is no permission */
		{"[" POLICY("perhaps", "DNS Write", ZONES) "]", "DNS: Edit", CF_ALLOWED_NOT},
		{"[7,null,{},{\"effect\":\"allow\",\"permission_groups\":[7,{\"name\":7}],"
		 "\"resources\":[]}]",
		 "DNS: Read", CF_ALLOWED_NOT},
		{"[" POLICY("allow", "DNS Read", "\"*\"") "]", "DNS: Read", CF_ALLOWED_NOT},
		{"null", "DNS: Read", CF_ALLOWED_NOT},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(json_doc_t) doc = parse(cases[i].policies);

		if (cf_token_allows(json_root(doc), cases[i].permission, ACCOUNT) !=
		    cases[i].allowed)
			fail_msg("%s: %s", cases[i].policies, cases[i].permission);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_read),     cmocka_unit_test(roles_and_groups_are_read),
		cmocka_unit_test(permissions_in_words), cmocka_unit_test(rights_and_what_they_give),
		cmocka_unit_test(what_a_right_is_for),  cmocka_unit_test(tokens_are_read),
		cmocka_unit_test(policies_allow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
