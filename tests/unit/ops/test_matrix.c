/*
 * Roles, doors, methods, tags and the read-only switch against every operation. What should be is
 * written down here, a line an operation, and not taken from the table of operations: a new one, or
 * one that changes sides, has to change here too.
 */
#include <stdlib.h>

#include "tests/unit/ops/scope_desk.h"

#define SOCKET OP_DOOR_SOCKET
#define BOTH   OP_DOOR_ALL

static const struct row {
	const char *op;
	enum role role;
	enum op_doors doors;
	const char *methods, *tag;
	bool reads;
} rows[] = {
	{"status_get", ROLE_VIEWER, BOTH, "get", "health", true},
	{"health_get", ROLE_VIEWER, BOTH, "get", "health", true},
	{"tunnel_list", ROLE_VIEWER, BOTH, "list", "tunnel", true},
	{"tunnel_get", ROLE_VIEWER, BOTH, "get", "tunnel", true},
	{"tunnel_create", ROLE_OPERATOR, BOTH, "create", "tunnel", false},
	{"tunnel_update", ROLE_OPERATOR, BOTH, "update", "tunnel", false},
	{"tunnel_delete", ROLE_OPERATOR, BOTH, "delete", "tunnel", false},
	{"tunnel_adopt", ROLE_OPERATOR, BOTH, "create", "tunnel", false},
	{"tunnel_join", ROLE_OPERATOR, BOTH, "create", "tunnel", false},
	{"tunnel_release", ROLE_OPERATOR, BOTH, "delete", "tunnel", false},
	{"tunnel_rotate", ROLE_OPERATOR, BOTH, "update", "tunnel", false},
	{"route_list", ROLE_VIEWER, BOTH, "list", "route", true},
	{"route_set", ROLE_OPERATOR, BOTH, "create update", "route", false},
	{"route_delete", ROLE_OPERATOR, BOTH, "delete", "route", false},
	{"route_test", ROLE_VIEWER, BOTH, "get", "route", true},
	{"route_probe", ROLE_OPERATOR, BOTH, "create update", "route", false},
	{"dns_list", ROLE_VIEWER, BOTH, "list", "dns", true},
	{"dns_set", ROLE_OPERATOR, BOTH, "create update", "dns", false},
	{"dns_delete", ROLE_OPERATOR, BOTH, "delete", "dns", false},
	{"dns_usage", ROLE_VIEWER, BOTH, "get", "dns", true},
	{"zone_list", ROLE_VIEWER, BOTH, "list", "dns", true},
	{"account_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"ruleset_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"ruleset_get", ROLE_AUDITOR, BOTH, "get", "security", true},
	{"firewall_rule_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"waf_override_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"member_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"access_review", ROLE_AUDITOR, BOTH, "get", "security", true},
	{"role_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"audit_log_list", ROLE_AUDITOR, BOTH, "list", "security", true},
	{"security_change_report", ROLE_AUDITOR, BOTH, "get", "security", true},
	{"incident_capsule", ROLE_AUDITOR, BOTH, "get", "security", true},
	{"plan_list", ROLE_VIEWER, BOTH, "list", "plan", true},
	{"plan_get", ROLE_VIEWER, BOTH, "get", "plan", true},
	{"plan_apply", ROLE_OPERATOR, BOTH, "create update delete", "plan", false},
	{"plan_approve", ROLE_OPERATOR, SOCKET, "create update delete", "plan", false},
	{"plan_reject", ROLE_OPERATOR, SOCKET, "create update delete", "plan", false},
	{"plan_create", ROLE_OPERATOR, BOTH, "create update delete", "plan", false},
	{"drift_list", ROLE_VIEWER, BOTH, "list", "plan", true},
	{"manifest_apply", ROLE_OPERATOR, BOTH, "create update delete", "plan", false},
	{"manifest_export", ROLE_VIEWER, BOTH, "get", "plan", true},
	{"manifest_import", ROLE_OPERATOR, BOTH, "create update", "plan", false},
	{"revision_list", ROLE_VIEWER, BOTH, "list", "plan", true},
	{"revision_diff", ROLE_VIEWER, BOTH, "get", "plan", true},
	{"connector_list", ROLE_VIEWER, BOTH, "list", "connector", true},
	{"connector_start", ROLE_OPERATOR, BOTH, "update", "connector", false},
	{"connector_stop", ROLE_OPERATOR, BOTH, "update", "connector", false},
	{"connector_restart", ROLE_OPERATOR, BOTH, "update", "connector", false},
	{"connector_upgrade", ROLE_OPERATOR, BOTH, "update", "connector", false},
	{"log_search", ROLE_VIEWER, BOTH, "list", "connector", true},
	{"event_list", ROLE_VIEWER, BOTH, "list", "health", true},
	{"config_check", ROLE_ADMIN, SOCKET, "get", "system", true},
	{"writes_resume", ROLE_ADMIN, SOCKET, "update", "system", false},
	{"token_check", ROLE_AUDITOR, BOTH, "get", "access", true},
	{"grant_create", ROLE_ADMIN, SOCKET, "create", "access", false},
	{"grant_list", ROLE_ADMIN, SOCKET, "list", "access", true},
	{"grant_test", ROLE_ADMIN, SOCKET, "get", "access", true},
	{"grant_revoke", ROLE_ADMIN, SOCKET, "delete", "access", false},
	{"grant_freeze", ROLE_ADMIN, SOCKET, "update", "access", false},
	{"ledger_list", ROLE_ADMIN, SOCKET, "list", "ledger", true},
	{"ledger_verify", ROLE_ADMIN, SOCKET, "get", "ledger", true},
};

static const char *const methods[] = {"list", "get", "create", "update", "delete", NULL};
static const char *const tags[] = {"health", "tunnel", "route",  "dns",      "plan", "connector",
				   "system", "access", "ledger", "security", NULL};
static const char *const role_names[] = {"viewer", "auditor", "operator", "admin"};
static const enum role roles[] = {ROLE_VIEWER, ROLE_AUDITOR, ROLE_OPERATOR, ROLE_ADMIN};

static const struct row *row_of(const char *op)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_equal(rows[i].op, op))
			return &rows[i];
	return NULL;
}

static bool has(const char *words, const char *word)
{
	const char *at = strstr(words, word);
	return at != NULL;
}

static void every_operation_has_its_line(void **state)
{
	(void)state;
	for (const char *const *name = op_names(); *name; name++) {
		const struct row *r = row_of(*name);
		const struct op *op = op_find(*name);
		if (!r) {
			fail_msg("%s has no line in the matrix", *name);
			abort();
		}
		assert_int_equal(r->role, op->role);
		assert_int_equal(r->doors, op->doors);
		assert_int_equal(r->reads, op->effects == OP_READS);
		for (size_t i = 0; methods[i]; i++)
			assert_int_equal(has(r->methods, methods[i]), (op_methods(op) >> i) & 1);
		for (size_t i = 0; tags[i]; i++)
			assert_int_equal(str_equal(r->tag, tags[i]), op_has_tag(op, tags[i]));
		if (!op->tags || op->tags[1])
			fail_msg("%s has not one tag", *name);
	}
}

static void the_lines_are_of_operations(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!op_find(rows[i].op))
			fail_msg("%s is no operation", rows[i].op);
}

static bool role_reaches(enum role has_role, enum role needs)
{
	if (has_role == ROLE_ADMIN || has_role == needs)
		return true;
	return needs == ROLE_VIEWER; /* which every other role holds */
}

/* ---- people on the socket ---- */

static void people_are_judged_by_role_and_door(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(roles); k++)
			for (int mcp = 0; mcp < 2; mcp++) {
				struct principal who = {
					.role = roles[k],
					.door = mcp ? OP_DOOR_MCP : OP_DOOR_SOCKET,
					.name = "somebody (uid 7)",
				};
				bool may = role_reaches(roles[k], rows[i].role) &&
					   (!mcp || rows[i].doors == BOTH);
				struct err e;
				if ((principal_may(&who, op_find(rows[i].op), &e) == 0) != may)
					fail_msg("%s as %s, MCP %d", rows[i].op, role_names[k],
						 mcp);
			}
}

/* ---- grants ---- */

struct cell {
	size_t role, method, tag; /* past the end of methods, tags: not narrowed */
	bool frozen;
};

static bool expected(const struct row *r, const struct cell *c)
{
	bool role = role_reaches(roles[c->role], r->role);
	bool method = !methods[c->method] || has(r->methods, methods[c->method]);
	bool tag = !tags[c->tag] || str_equal(r->tag, tags[c->tag]);
	return r->doors == BOTH && role && method && tag && (r->reads || !c->frozen);
}

static void check_cell(const struct principal *who, const struct cell *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e;
		bool may = principal_may(who, op_find(rows[i].op), &e) == 0;
		if (may != expected(&rows[i], c))
			fail_msg("%s: role %s, method %s, tag %s, frozen %d: %s", rows[i].op,
				 role_names[c->role], methods[c->method], tags[c->tag], c->frozen,
				 may ? "may" : "may not");
		if (!may)
			assert_int_equal(e.kind, ERR_DENIED);
	}
}

static struct principal cell_grant(struct desk *d, const struct cell *c)
{
	AUTO(str_t) name = str_format("g%zu-%zu-%zu", c->role, c->method, c->tag);
	AUTO(str_t)
	method = methods[c->method] ? str_format("\"%s\"", methods[c->method]) : str_dup("");
	AUTO(str_t) tag = tags[c->tag] ? str_format("\"%s\"", tags[c->tag]) : str_dup("");
	AUTO(str_t)
	spec = str_format("{\"role\":\"%s\",\"methods\":[%s],\"tags\":[%s]}", role_names[c->role],
			  method, tag);
	return grant_make(d, name, spec);
}

static void freeze(struct desk *d, bool on)
{
	struct call c = {.ops = &d->ops, .who = root};
	struct err e;
	assert_true(grants_set_freeze(d->ops.grants, on, "a test", &c, &e));
}

#define CELLS (ARRAY_LEN(roles) * ARRAY_LEN(methods) * ARRAY_LEN(tags))

static struct cell cell_at(size_t i)
{
	return (struct cell){
		.role = i / (ARRAY_LEN(methods) * ARRAY_LEN(tags)),
		.method = i / ARRAY_LEN(tags) % ARRAY_LEN(methods),
		.tag = i % ARRAY_LEN(tags),
	};
}

static void grants_are_judged_by_all_of_it(void **state)
{
	struct desk *d = *state;
	struct principal whos[CELLS];
	for (size_t i = 0; i < CELLS; i++) {
		struct cell c = cell_at(i);
		whos[i] = cell_grant(d, &c);
	}
	for (int frozen = 0; frozen < 2; frozen++) {
		freeze(d, frozen);
		for (size_t i = 0; i < CELLS; i++) {
			struct cell c = cell_at(i);
			c.frozen = frozen;
			check_cell(&whos[i], &c);
		}
	}
}

/* What is refused in the list is refused at the call, and leaves the world alone. */
static void calls_that_may_not_be_made_are_not_made(void **state)
{
	struct desk *d = *state;
	for (struct cell c = {.tag = ARRAY_LEN(tags) - 1}; c.role < ARRAY_LEN(roles); c.role++)
		for (c.method = 0; c.method < ARRAY_LEN(methods); c.method++) {
			struct principal who = cell_grant(d, &c);
			for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
				if (expected(&rows[i], &c))
					continue;
				const char *said = run(d, &who, rows[i].op, "{}");
				/* what is not MCP's is not known there */
				assert_true(
					str_equal(said, "denied") ||
					(rows[i].doors == SOCKET && str_equal(said, "not_found")));
			}
		}
	assert_int_equal(d->world->revision, 0);
}

static void a_grant_that_ended_may_nothing(void **state)
{
	struct desk *d = *state;
	struct principal who = grant_make(d, "brief", "{\"role\":\"admin\"}");
	struct err e;
	who.grant += 100;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(principal_may(&who, op_find(rows[i].op), &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_has_its_line),
		cmocka_unit_test(the_lines_are_of_operations),
		cmocka_unit_test(people_are_judged_by_role_and_door),
		TEST(grants_are_judged_by_all_of_it),
		TEST(calls_that_may_not_be_made_are_not_made),
		TEST(a_grant_that_ended_may_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
