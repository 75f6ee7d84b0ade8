/*
 * Long lists of Cloudflare's do not keep the loop: their rows are walked in several turns, and who
 * calls meanwhile is answered first. Turns are counted, and no time is.
 */
#include "tests/unit/cloudflare/cf_bench.h"

#include "ops/gather.h"

#define A_TURN GATHER_ROWS_A_TURN

enum { MEMBERS = 10 * A_TURN, GROUPS = 4 * A_TURN, RULESETS = 6 * A_TURN };

static const struct principal root = {
	.role = ROLE_ADMIN, .door = OP_DOOR_SOCKET, .person = true, .name = "root (uid 0)"};

/* ---- what Cloudflare answers: all rows in one page ---- */

static void put_member(struct buf *out, int i)
{
	(void)buf_printf(out,
			 "{\"id\":\"m%d\",\"email\":\"m%d@example.com\",\"status\":\"accepted\","
			 "\"user\":{\"two_factor_authentication_enabled\":true},"
			 "\"roles\":[{\"id\":\"r%d\",\"name\":\"Reader\"}]}",
			 i, i, i % 7);
}

static void put_role(struct buf *out, int i)
{
	(void)buf_printf(out, "{\"id\":\"r%d\",\"name\":\"Role %d\"}", i, i);
}

static void put_ruleset(struct buf *out, int i)
{
	(void)buf_printf(out,
			 "{\"id\":\"%032x\",\"name\":\"Set %d\",\"kind\":\"custom\","
			 "\"phase\":\"http_request_firewall_custom\"}",
			 (unsigned)i, i);
}

static char *page_of(void (*put)(struct buf *out, int i), int n)
{
	struct buf text = {0};

	(void)buf_str(&text, "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[");
	for (int i = 0; i < n; i++) {
		if (i)
			(void)buf_char(&text, ',');
		put(&text, i);
	}
	(void)buf_printf(
		&text, "],\"result_info\":{\"page\":1,\"per_page\":%d,\"total_count\":%d}}", n, n);
	return buf_steal(&text);
}

/* ---- the desk ---- */

struct desk {
	struct cfb *b;
	struct settings settings;
	struct ops ops;
};

static void desk_begin(struct desk *d, struct cfb *b)
{
	*d = (struct desk){.b = b};
	settings_default(&d->settings);
	d->ops = (struct ops){.loop = b->loop,
			      .world = b->world,
			      .settings = &d->settings,
			      .cf = b->cf,
			      .security = cf_reads_new(b->cf)};
	ops_init(&d->ops);
}

static void desk_end(struct desk *d)
{
	ops_fini(&d->ops);
	cf_reads_free(d->ops.security);
	settings_free(&d->settings);
}

static void ended(struct task *t, void *owner)
{
	(void)t;
	*(bool *)owner = true;
}

static void begin(struct desk *d, struct call *c, const char *op, const char *args, bool *over)
{
	*over = false;
	call_start(&d->ops, c, op_find(op), &root, NULL, args, strlen(args), ended, over);
}

static int64_t total(const struct call *c)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;

	if (c->task.err.kind != ERR_NONE)
		fail_msg("%s", c->task.err.message);
	assert_int_equal(json_parse(buf_text(&c->result), c->result.len, NULL, &doc, &e), 0);
	return json_get_int(json_root(doc), "total", -1);
}

/* Turns until it is over. */
static int wait_for(struct desk *d, const bool *over)
{
	int turns = 0;

	for (; !*over && turns < 5000; turns++)
		loop_turn(d->b->loop);
	assert_true(*over);
	return turns;
}

/* ---- the operations ---- */

struct long_list {
	const char *op, *args;
	int rows;  /* that it tells of */
	int turns; /* that it takes at the least, when nothing has to be read */
};

/* What was read is kept: then nothing is waited for but the walking. */
static void check_turns(struct cfb *b, const struct long_list *x)
{
	struct desk d;
	struct call list, other;
	bool over, other_over;

	desk_begin(&d, b);
	begin(&d, &list, x->op, x->args, &over);
	(void)wait_for(&d, &over);
	assert_int_equal(total(&list), x->rows);
	call_fini(&list);
	size_t asked = b->n_asked;

	begin(&d, &list, x->op, x->args, &over);
	for (int i = 0; i < 3; i++) /* the reads, the first rows */
		loop_turn(b->loop);
	begin(&d, &other, "tunnel_list", "{}", &other_over);
	int meanwhile = wait_for(&d, &other_over);
	if (over)
		fail_msg("%s was in nobody's way only when it was over", x->op);
	assert_int_equal(total(&other), 0);
	int turns = wait_for(&d, &over) + meanwhile;
	if (turns + 3 < x->turns)
		fail_msg("%s took %d turns, not %d", x->op, turns + 3, x->turns);
	assert_int_equal(total(&list), x->rows);
	assert_int_equal(b->n_asked, asked);
	call_fini(&list);
	call_fini(&other);
	desk_end(&d);
}

static void others_are_answered_meanwhile(void **state)
{
	static const struct long_list lists[] = {
		{"member_list", "{}", MEMBERS, 2 * MEMBERS / A_TURN},
		{"role_list", "{}", GROUPS, GROUPS / A_TURN},
		{"role_list", "{\"members\":true}", GROUPS, (MEMBERS + GROUPS) / A_TURN},
		{"access_review", "{}", MEMBERS, 4 * MEMBERS / A_TURN},
		{"access_review", "{\"can\":\"dns\"}", 0, 3 * MEMBERS / A_TURN},
		{"ruleset_list", "{}", RULESETS, 2 * RULESETS / A_TURN},
	};
	struct cfb *b = *state;
	AUTO(str_t) members = page_of(put_member, MEMBERS);
	AUTO(str_t) roles = page_of(put_role, GROUPS);
	AUTO(str_t) rulesets = page_of(put_ruleset, RULESETS);
	const struct said_answer script[] = {{200, members}, {200, roles},   {200, roles},
					     {200, members}, {200, members}, {200, members},
					     {200, rulesets}};

	b->script = script;
	b->n_script = ARRAY_LEN(script);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		check_turns(b, &lists[i]);
}

/* Whoever leaves while rows are walked leaves nothing behind. */
static void who_leaves_is_walked_for_no_more(void **state)
{
	struct cfb *b = *state;
	AUTO(str_t) members = page_of(put_member, MEMBERS);
	const struct said_answer script[] = {{200, members}};
	struct desk d;
	struct call list;
	bool over;

	b->script = script;
	b->n_script = ARRAY_LEN(script);
	desk_begin(&d, b);
	begin(&d, &list, "access_review", "{}", &over);
	(void)wait_for(&d, &over);
	call_fini(&list);
	for (int turns = 1; turns < 4 * MEMBERS / A_TURN; turns += 5) {
		begin(&d, &list, "access_review", "{}", &over);
		for (int i = 0; i < turns; i++)
			loop_turn(b->loop);
		assert_false(over);
		call_cancel(&list);
		call_fini(&list);
	}
	assert_int_equal(d.ops.running, 0);
	desk_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_are_answered_meanwhile),
		TEST(who_leaves_is_walked_for_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
