/* Who is who on the Unix socket, and what a role may. */
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ops/principal.h"

static uid_t uid_of(const char *user)
{
	const struct passwd *pw = getpwnam(user);
	assert_non_null(pw);
	return pw->pw_uid;
}

static gid_t gid_of(const char *group)
{
	const struct group *gr = getgrnam(group);
	assert_non_null(gr);
	return gr->gr_gid;
}

static void settings_of(struct settings *s)
{
	settings_default(s);
	strlist_add(&s->access.viewer.users, "daemon");
	strlist_add(&s->access.operator.groups, "mail");
	strlist_add(&s->access.admin.users, "bin");
}

static int role_of(const char *user, const char *group, const char *extra, struct err *e)
{
	AUTO(settings_t) s = {0};
	struct principal p = {0};
	gid_t more = extra ? gid_of(extra) : 0;
	settings_of(&s);
	if (principal_of_user(&s, uid_of(user), gid_of(group), &more, extra ? 1 : 0, &p, e) < 0)
		return -1;
	assert_int_equal(p.person, p.uid == 0);
	assert_non_null(strstr(p.name, user));
	return (int)p.role;
}

static void users_and_groups_have_roles(void **state)
{
	struct err e;
	(void)state;
	assert_int_equal(role_of("root", "root", NULL, &e), ROLE_ADMIN);
	assert_int_equal(role_of("daemon", "daemon", NULL, &e), ROLE_VIEWER);
	assert_int_equal(role_of("bin", "bin", NULL, &e), ROLE_ADMIN);
	assert_int_equal(role_of("games", "mail", NULL, &e), ROLE_OPERATOR);
	assert_int_equal(role_of("games", "games", "mail", &e), ROLE_OPERATOR);
	assert_int_equal(role_of("daemon", "daemon", "mail", &e), ROLE_OPERATOR);
}

static void others_are_refused_with_a_sentence(void **state)
{
	struct err e = {0};
	(void)state;
	assert_int_equal(role_of("games", "games", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_non_null(strstr(e.message, "games"));
	assert_true(e.hint[0] != '\0');
}

static void a_caller_that_the_kernel_does_not_name_is_refused(void **state)
{
	AUTO(settings_t) s = {0};
	struct principal p = {0};
	struct err e = {0};
	(void)state;
	settings_of(&s);
	strlist_add(&s.access.admin.users, "nobody");
	assert_int_equal(principal_of_user(&s, (uid_t)-1, 0, NULL, 0, &p, &e), -1);
	assert_int_equal(principal_of_user(&s, 65534, 65534, NULL, 0, &p, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
}

/* A plan keeps its proposer's name; the number in it says who he is now. */
static void a_name_without_a_number_is_nobody(void **state)
{
	static const char *const names[] = {"root",
					    "root (uid )",
					    "root (uid -1)",
					    "root (uid +0)",
					    "root (uid 0",
					    "root (uid 0x0)",
					    "root (uid  0)",
					    "(uid 0)",
					    "root (uid 4294967295)",
					    "",
					    "root (gid 0)",
					    "root (uid 0) "};
	AUTO(settings_t) s = {0};
	struct principal p = {0};
	struct err e = {0};
	(void)state;
	settings_of(&s);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (principal_of_name(&s, names[i], &p, &e) == 0)
			fail_msg("\"%s\" is %s", names[i], p.name);
	assert_int_equal(principal_of_name(&s, "whoever (uid 0)", &p, &e), 0);
	assert_int_equal(p.uid, 0);
}

static void roles_and_doors_are_held_to(void **state)
{
	struct principal viewer = {.role = ROLE_VIEWER, .door = OP_DOOR_SOCKET, .name = "v"};
	struct principal mcp = {.role = ROLE_ADMIN, .door = OP_DOOR_MCP, .name = "m"};
	struct err e = {0};
	(void)state;
	assert_int_equal(principal_may(&viewer, op_status_get(), &e), 0);
	assert_int_equal(principal_may(&viewer, op_route_set(), &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_int_equal(principal_may(&viewer, op_config_check(), &e), -1);
	assert_int_equal(principal_may(&mcp, op_route_set(), &e), 0);
	assert_int_equal(principal_may(&mcp, op_plan_approve(), &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_and_groups_have_roles),
		cmocka_unit_test(others_are_refused_with_a_sentence),
		cmocka_unit_test(a_caller_that_the_kernel_does_not_name_is_refused),
		cmocka_unit_test(a_name_without_a_number_is_nobody),
		cmocka_unit_test(roles_and_doors_are_held_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
