/* Walks the table of operations: what must hold for each of them, now and later. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "ops/decl/decl.h"

static bool sentence(const char *s)
{
	return s && strlen(s) > 3 && isupper((unsigned char)s[0]) && s[strlen(s) - 1] == '.';
}

static void check_field(const struct op *op, const struct field *f)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	struct err e;
	if (!f->doc || strlen(f->doc) < 4)
		fail_msg("%s.%s has no words", op->name, f->name);
	if ((f->flags & FIELD_UNTRUSTED) && !str_starts(f->name, "untrusted_"))
		fail_msg("%s.%s is from outside and does not say so", op->name, f->name);
	json_write_init(&w, &out);
	bool unsaid = f->flags & ARG_UNSAID;
	if (f->fallback && (fields_parse_text(f, f->fallback, &w, &e) < 0) != unsaid)
		fail_msg("%s.%s: default: %s", op->name, f->name, unsaid ? "" : e.message);
}

static void each_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		const struct op *op = op_at(i);
		assert_true(sentence(op->doc));
		assert_non_null(op->title);
		assert_true(strchr(op->name, '_') != NULL && strlen(op->name) <= 32);
		assert_non_null(op->tags);
		assert_non_null(op->tags[0]);
		assert_true(op->args_size > 0);
		for (const struct field *f = op->args; f->name; f++)
			check_field(op, f);
		for (const struct field *f = op->result; f->name; f++)
			check_field(op, f);
	}
}

static void names_find_their_operation(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		assert_ptr_equal(op_find(op_at(i)->name), op_at(i));
		assert_string_equal(op_names()[i], op_at(i)->name);
	}
	assert_null(op_find("tunnel_explode"));
	assert_null(op_find(""));
}

static void writes_take_the_common_arguments(void **state)
{
	static const char *const own[] = {"plan_approve",
					  "plan_reject",
					  "plan_apply",
					  "plan_create",
					  "connector_restart",
					  "connector_upgrade",
					  "writes_resume",
					  "grant_create",
					  "grant_revoke",
					  "grant_freeze",
					  NULL};
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		const struct op *op = op_at(i);
		bool special = false;
		for (size_t k = 0; own[k]; k++)
			special = special || str_equal(own[k], op->name);
		if (op->effects == OP_READS || special)
			continue;
		struct write_args *a = mem_alloc(op->args_size);
		fields_default(op->args, a);
		assert_true(a->wait);
		assert_false(a->dry_run);
		assert_int_equal(a->timeout.ms, 30000);
		fields_free(op->args, a);
		free(a);
		assert_true(fields_find(op->args, "approve")->flags & ARG_SOCKET_ONLY);
	}
}

static void each_has_methods_of_grants(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		const struct op *op = op_at(i);
		unsigned methods = op_methods(op);
		bool reads = op->effects == OP_READS;
		if (!methods || methods & ~(unsigned)(reads ? GRANT_READS : GRANT_WRITES))
			fail_msg("%s has the methods %u", op->name, methods);
		assert_true(op_has_tag(op, op->tags[0]));
		assert_true(op_tag_known(op->tags[0]));
		assert_false(op_has_tag(op, "nothing"));
	}
	assert_int_equal(op_methods(op_find("route_list")), GRANT_LIST);
	assert_int_equal(op_methods(op_find("log_search")), GRANT_LIST);
	assert_int_equal(op_methods(op_find("status_get")), GRANT_GET);
	assert_int_equal(op_methods(op_find("route_delete")), GRANT_DELETE);
	assert_int_equal(op_methods(op_find("route_set")), GRANT_CREATE | GRANT_UPDATE);
	assert_false(op_tag_known("nothing"));
	for (int i = 0; i < 5; i++)
		assert_non_null(op_method_names()[i]);
	assert_null(op_method_names()[5]);
}

static void lists_take_the_common_arguments(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		const struct op *op = op_at(i);
		if (!str_ends(op->name, "_list"))
			continue;
		struct list_args *a = mem_alloc(op->args_size);
		fields_default(op->args, a);
		assert_int_equal(a->limit, 50);
		assert_non_null(fields_find(op->result, "next_cursor"));
		fields_free(op->args, a);
		free(a);
	}
}

static void approving_is_for_the_socket_alone(void **state)
{
	static const char *const names[] = {"plan_approve",  "plan_reject",  "config_check",
					    "writes_resume", "grant_create", "grant_list",
					    "grant_test",    "grant_revoke", "grant_freeze",
					    "ledger_list",   "ledger_verify"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(op_find(names[i])->doors, OP_DOOR_SOCKET);
}

static void schemas_are_json(void **state)
{
	(void)state;
	for (size_t i = 0; op_at(i); i++) {
		for (int output = 0; output < 2; output++) {
			AUTO(buf_t) out = {0};
			AUTO(json_doc_t) doc = NULL;
			struct json_writer w;
			struct err e;
			json_write_init(&w, &out);
			fields_schema(output ? op_at(i)->result : op_at(i)->args, output, &w);
			assert_int_equal(json_parse(buf_text(&out), out.len, NULL, &doc, &e), 0);
			assert_string_equal(json_get_string(json_root(doc), "type"), "object");
		}
	}
}

static void roles(void **state)
{
	static const struct {
		enum role has, needs;
		bool holds;
	} rows[] = {
		{ROLE_VIEWER, ROLE_VIEWER, true},     {ROLE_VIEWER, ROLE_AUDITOR, false},
		{ROLE_VIEWER, ROLE_OPERATOR, false},  {ROLE_AUDITOR, ROLE_VIEWER, true},
		{ROLE_AUDITOR, ROLE_OPERATOR, false}, {ROLE_OPERATOR, ROLE_VIEWER, true},
		{ROLE_OPERATOR, ROLE_AUDITOR, false}, {ROLE_OPERATOR, ROLE_ADMIN, false},
		{ROLE_ADMIN, ROLE_AUDITOR, true},     {ROLE_ADMIN, ROLE_OPERATOR, true},
		{ROLE_NONE, ROLE_VIEWER, false},      {ROLE_NONE, ROLE_ADMIN, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(role_holds(rows[i].has, rows[i].needs), rows[i].holds);
	for (int r = 0; r < ROLES; r++)
		assert_int_equal(role_by_name(role_name((enum role)r)), r);
	assert_int_equal(role_by_name("root"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_described),
		cmocka_unit_test(names_find_their_operation),
		cmocka_unit_test(writes_take_the_common_arguments),
		cmocka_unit_test(each_has_methods_of_grants),
		cmocka_unit_test(lists_take_the_common_arguments),
		cmocka_unit_test(approving_is_for_the_socket_alone),
		cmocka_unit_test(schemas_are_json),
		cmocka_unit_test(roles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
