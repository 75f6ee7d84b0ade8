/*
 * What models are shown of the tools is pinned: for each role the list's size and hash, for each
 * tool its own, so that a change is seen, and which tool it is of. `unit_mcp_test_tool_pin renew`
 * prints the file as it is to be.
 */
#include "fake_carrier.h"

#include "base/file.h"

#include <errno.h>

#define PIN SOURCE_DIR "/tests/unit/mcp/tools_list.pin"

static const struct principal roles[] = {
	{.role = ROLE_VIEWER, .door = OP_DOOR_MCP, .uid = 5, .name = "games (uid 5)"},
	{.role = ROLE_AUDITOR, .door = OP_DOOR_MCP, .uid = 5, .name = "games (uid 5)"},
	{.role = ROLE_OPERATOR, .door = OP_DOOR_MCP, .uid = 5, .name = "games (uid 5)"},
};

static void put_line(struct buf *out, const char *what, struct json_span text)
{
	char hash[SHA256_HEX_SIZE];
	sha256_parts((const struct sha256_part[]){{text.p, text.len}}, 1, hash);
	(void)buf_printf(out, "%-30s %6zu %.16s\n", what, text.len, hash);
}

/* Once for all roles: a tool is the same to whoever sees it. */
static void put_tools(struct json_span tools, struct strlist *seen, struct buf *out)
{
	struct json_cursor c;
	struct json_span key, tool;
	assert_true(json_cursor_init(&c, tools));
	while (json_cursor_next(&c, &key, &tool)) {
		AUTO(str_t) name = json_span_string(json_span_member(tool, "name"));
		assert_non_null(name);
		if (strlist_has(seen, name))
			continue;
		strlist_add(seen, name);
		put_line(out, name, tool);
	}
}

static void put_role(struct fake *f, const struct principal *who, struct strlist *seen,
		     struct buf *lists, struct buf *tools)
{
	AUTO(str_t) what = str_format("tools/list of %s", role_name(who->role));
	f->who = who;
	(void)fake_ask(f, "tools/list", "");
	struct json_span whole = json_span_of(buf_text(&f->text), f->text.len);
	struct json_span list = json_span_member(json_span_member(whole, "result"), "tools");
	put_line(lists, what, list);
	put_tools(list, seen, tools);
}

static void pin_write(struct fake *f, struct buf *out)
{
	AUTO(strlist_t) seen = {0};
	AUTO(buf_t) tools = {0};
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		put_role(f, &roles[i], &seen, out, &tools);
	(void)buf_add(out, tools.data, tools.len);
}

/* The first line that is another, of both. */
static void fail_at(const char *is, const char *was)
{
	while (*is && *was && strcspn(is, "\n") == strcspn(was, "\n") &&
	       memcmp(is, was, strcspn(is, "\n")) == 0) {
		is += strcspn(is, "\n") + 1;
		was += strcspn(was, "\n") + 1;
	}
	fail_msg("What models are shown of the tools is not what was pinned:\n"
		 "  was %.*s\n  is  %.*s\nIf that is meant: %s renew > %s",
		 (int)strcspn(was, "\n"), was, (int)strcspn(is, "\n"), is, program_invocation_name,
		 PIN);
}

static void tools_are_as_pinned(void **state)
{
	AUTO(buf_t) is = {0};
	AUTO(buf_t) was = {0};
	struct err e;
	pin_write(*state, &is);
	if (file_read(AT_FDCWD, PIN, 1 << 16, &was, &e) < 0)
		fail_msg("%s", e.message);
	if (!str_equal(buf_text(&is), buf_text(&was)))
		fail_at(buf_text(&is), buf_text(&was));
}

/* The aliases are another's words, and another list. */
static void settings_change_no_tool(void **state)
{
	struct fake *f = *state;
	AUTO(buf_t) before = {0};
	AUTO(buf_t) after = {0};
	pin_write(f, &before);
	str_set(&f->desk->settings.mcp.listen, "127.0.0.1:7437");
	str_set(&f->desk->settings.owner, "another");
	pin_write(f, &after);
	assert_string_equal(buf_text(&before), buf_text(&after));
}

static void print_pin(struct fake *f)
{
	AUTO(buf_t) text = {0};
	pin_write(f, &text);
	(void)fputs(buf_text(&text), stdout);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(tools_are_as_pinned),
		FAKE_TEST(settings_change_no_tool),
	};
	void *state = NULL;

	if (argc < 2 || !str_equal(argv[1], "renew"))
		return cmocka_run_group_tests(tests, NULL, NULL);
	(void)fake_open(&state);
	print_pin(state);
	return fake_close(&state);
}
