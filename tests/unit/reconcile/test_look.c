/* What a look at a name shows, as a table: what is ours, what may give way, what stands in the way,
 * and what is to be stored of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "reconcile/foreign.h"
#include "reconcile/look.h"
#include "reconcile/planner.h"

#define REMOTE "11111111-2222-4333-8444-555555555555"
#define OURS   REMOTE ".cfargotunnel.com"
#define MARK   "adit:edge1/a1b2c3d4"
#define ID_1   "11111111111111111111111111111111"
#define ID_2   "22222222222222222222222222222222"

struct shown {
	const char *id, *type, *content, *comment;
	bool named, changed, locked;
	const char *name; /* NULL = the one that was looked for */
};

struct row_of {
	const char *label;
	const char *remote;  /* our remote id before the look */
	bool sent, long_ago; /* a write without an answer */
	bool known;          /* what is shown first is another row's of ours */
	struct shown shown[2];
	const char *conflict; /* part of it; NULL = none */
	size_t taking;
	const char *remote_after;
	bool sent_after, takes_after;
};

static const struct row_of rows[] = {
	{.label = "nothing there", .remote_after = ""},
	{.label = "of another name, which nobody asked for",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .name = "b.example.com"}},
	 .remote_after = ""},
	{.label = "of another name, and it leads where ours was to lead",
	 .sent = true,
	 .shown = {{ID_1, "CNAME", OURS, MARK, .name = "b.example.com"}},
	 .remote_after = "",
	 .sent_after = true},
	{.label = "a foreign one",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL}},
	 .conflict = "not adit's",
	 .remote_after = ""},
	{.label = "a text beside it", .shown = {{ID_1, "TXT", "text", NULL}}, .remote_after = ""},
	{.label = "named, of another type",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true}},
	 .taking = 1,
	 .remote_after = "",
	 .takes_after = true},
	{.label = "named, of our type: it becomes ours by being changed",
	 .shown = {{ID_1, "CNAME", "x.example.net", NULL, .named = true}},
	 .remote_after = ID_1,
	 .takes_after = true},
	{.label = "named, and it changed",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true, .changed = true}},
	 .conflict = "changed since",
	 .remote_after = "",
	 .takes_after = true},
	{.label = "one named, one not",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true},
		   {ID_2, "AAAA", "2001:db8::1", NULL}},
	 .conflict = "AAAA",
	 .taking = 1,
	 .remote_after = "",
	 .takes_after = true},
	{.label = "both named",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true},
		   {ID_2, "AAAA", "2001:db8::1", NULL, .named = true}},
	 .taking = 2,
	 .remote_after = "",
	 .takes_after = true},
	{.label = "named, but Cloudflare keeps it",
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true, .locked = true}},
	 .conflict = "keeps it",
	 .remote_after = "",
	 .takes_after = true},
	{.label = "named, but another adit's",
	 .shown = {{ID_1, "A", "192.0.2.1", "adit:edge2/a1b2c3d4", .named = true}},
	 .conflict = "another adit's",
	 .remote_after = "",
	 .takes_after = true},
	{.label = "with our mark, and nothing was sent",
	 .shown = {{ID_1, "CNAME", OURS, MARK}},
	 .conflict = "mark",
	 .remote_after = ""},
	{.label = "what a lost write made is claimed",
	 .sent = true,
	 .shown = {{ID_1, "CNAME", OURS, MARK}},
	 .remote_after = ID_1},
	{.label = "what another row of ours has is not claimed",
	 .sent = true,
	 .known = true,
	 .shown = {{ID_1, "CNAME", OURS, MARK}},
	 .conflict = "adit's own",
	 .remote_after = ""},
	{.label = "nor taken, though it is named",
	 .known = true,
	 .shown = {{ID_1, "A", "192.0.2.1", MARK, .named = true}},
	 .conflict = "adit's own",
	 .remote_after = "",
	 .takes_after = true},
	{.label = "a lost write that was to replace what is named may still land",
	 .sent = true,
	 .shown = {{ID_1, "A", "192.0.2.1", NULL, .named = true, .changed = true}},
	 .conflict = "changed since",
	 .remote_after = "",
	 .sent_after = true,
	 .takes_after = true},
	{.label = "a lost write cannot land beside what is foreign",
	 .sent = true,
	 .shown = {{ID_1, "A", "192.0.2.1", NULL}},
	 .conflict = "not adit's",
	 .remote_after = ""},
	{.label = "what stood beside it for long is no work of that write",
	 .sent = true,
	 .long_ago = true,
	 .shown = {{ID_1, "A", "192.0.2.1", "adit:edge1/a1b2c3d4", .named = true, .changed = true}},
	 .conflict = "mark",
	 .remote_after = "",
	 .takes_after = true},
	{.label = "while a write is unknown nothing is adopted",
	 .sent = true,
	 .shown = {{ID_1, "CNAME", "x.example.net", NULL, .named = true}},
	 .taking = 1,
	 .remote_after = "",
	 .sent_after = true,
	 .takes_after = true},
	{.label = "our own of another type is replaced: not yet",
	 .remote = ID_1,
	 .sent = true,
	 .shown = {{ID_1, "A", "192.0.2.1", MARK}},
	 .remote_after = ID_1,
	 .sent_after = true},
	{.label = "our own of another type was replaced",
	 .remote = ID_1,
	 .sent = true,
	 .shown = {{ID_2, "CNAME", OURS, MARK}},
	 .remote_after = ID_2},
	{.label = "what was taken is ours by now",
	 .remote = ID_1,
	 .sent = true,
	 .shown = {{ID_1, "CNAME", OURS, MARK, .named = true}},
	 .remote_after = ID_1},
};

static struct cf_record cf_of(const struct shown *s)
{
	struct cf_record r = {.name = s->name ? s->name : "app.example.com",
			      .type = s->type,
			      .content = s->content,
			      .comment = s->comment,
			      .proxied = true,
			      .locked = s->locked,
			      .ttl = 1};
	(void)str_copy(r.id, sizeof(r.id), s->id);
	return r;
}

static struct record *record_of(struct world *w, const struct row_of *x, int64_t now)
{
	struct tunnel *t = tunnel_new("web");
	struct record *r = record_new("app.example.com", "CNAME");
	(void)str_copy(t->remote_id, UUID_SIZE, REMOTE);
	world_add_tunnel(w, t);
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	if (x->remote)
		(void)str_copy(r->remote_id, CF_ID_SIZE, x->remote);
	r->create_sent_ms = x->sent ? now - (x->long_ago ? SETTLE_MS : 1000) : 0;
	world_add_record(w, r);
	if (x->known) {
		struct record *other = record_new("app.example.com", x->shown[0].type);
		(void)str_copy(other->remote_id, CF_ID_SIZE, x->shown[0].id);
		world_add_record(w, other);
	}
	return r;
}

static size_t show(const struct row_of *x, struct record *r, struct cf_record found[2])
{
	size_t n = 0;
	for (; n < 2 && x->shown[n].id; n++) {
		char seen[SHA256_HEX_SIZE];
		found[n] = cf_of(&x->shown[n]);
		foreign_seen_hash(&found[n], seen);
		if (x->shown[n].named)
			record_takes_add(&r->takes, x->shown[n].id,
					 x->shown[n].changed ? "other" : seen, "it");
	}
	return n;
}

static void check_row(const struct row_of *x)
{
	struct world *w = world_new();
	int64_t now = clock_wall_ms();
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "a1b2c3d4");
	struct record *r = record_of(w, x, now), row;
	struct cf_record found[2];
	size_t n = show(x, r, found);
	print_message("%s\n", x->label);
	const char *operation = look_by_name(w, r, found, n, now, &row);
	assert_true((r->observed.conflict != NULL) == (x->conflict != NULL));
	if (x->conflict)
		assert_non_null(strstr(r->observed.conflict, x->conflict));
	assert_int_equal(r->observed.taking.n, x->taking);
	bool differs = !str_equal(row.remote_id, r->remote_id) ||
		       row.create_sent_ms != r->create_sent_ms || row.takes != r->takes;
	assert_true(operation || !differs);
	if (operation)
		look_stored(r, &row);
	assert_string_equal(r->remote_id, x->remote_after);
	assert_true((r->create_sent_ms != 0) == x->sent_after);
	assert_true((r->takes != NULL) == x->takes_after);
	world_free(w);
}

static void each_look_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

/* A DELETE without an answer may land for a while: only a later look says that it did not. */
static void a_late_look_ends_the_doubt_about_a_delete(void **state)
{
	static const struct row_of x = {.remote = ID_1, .shown = {{ID_1, "CNAME", OURS, MARK}}};
	struct world *w = world_new();
	int64_t now = clock_wall_ms();
	struct cf_record found[2];
	struct record *r = record_of(w, &x, now), row;
	(void)state;
	(void)show(&x, r, found);
	r->observed.deleting_ms = now;
	(void)look_by_id(w, r, found, now + SETTLE_MS - 1, &row);
	assert_true(r->observed.deleting_ms == now);
	(void)look_by_id(w, r, found, now + SETTLE_MS, &row);
	assert_int_equal(r->observed.deleting_ms, 0);
	world_free(w);
}

static void takes_name_what_was_shown_and_nothing_else(void **state)
{
	char *takes = NULL;
	(void)state;
	assert_int_equal(record_take(NULL, ID_1, "h"), TAKE_UNNAMED);
	assert_int_equal(record_take("{", ID_1, "h"), TAKE_UNNAMED);
	record_takes_add(&takes, ID_1, NULL, NULL);
	assert_true(record_takes_unseen(takes));
	assert_int_equal(record_take(takes, ID_1, "h"), TAKE_CHANGED);
	str_set(&takes, NULL);
	record_takes_add(&takes, ID_1, "h", "A 192.0.2.1");
	record_takes_add(&takes, ID_2, "i", "A 192.0.2.2");
	assert_false(record_takes_unseen(takes));
	assert_int_equal(record_take(takes, ID_1, "h"), TAKE_AS_SEEN);
	assert_int_equal(record_take(takes, ID_2, "h"), TAKE_CHANGED);
	assert_int_equal(record_take(takes, REMOTE, "h"), TAKE_UNNAMED);
	free(takes);
}

static void what_is_foreign_is_said_in_words(void **state)
{
	static const struct {
		struct shown shown;
		enum foreign kind;
		const char *words;
	} cases[] = {
		{{ID_1, "A", "192.0.2.1", NULL}, FOREIGN_PLAIN, "A 192.0.2.1"},
		{{ID_1, "A", "192.0.2.1", "adit:"}, FOREIGN_PLAIN, "A 192.0.2.1"},
		{{ID_1, "CNAME", REMOTE ".CFArgoTunnel.com", NULL},
		 FOREIGN_TUNNEL,
		 "another tunnel"},
		{{ID_1, "CNAME", OURS, MARK " text"}, FOREIGN_MARKED, "adit's mark"},
		{{ID_1, "CNAME", OURS, "adit:edge2/01234567"}, FOREIGN_ADIT, "edge2/01234567"},
		{{ID_1, "MX", "mx.example.net", NULL, .locked = true}, FOREIGN_LOCKED, "read-only"},
	};
	struct world *w = world_new();
	(void)state;
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "a1b2c3d4");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cf_record found = cf_of(&cases[i].shown);
		AUTO(str_t) words = foreign_words(w, &found);
		assert_int_equal(foreign_kind(w, &found), cases[i].kind);
		assert_non_null(strstr(words, cases[i].words));
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_look_is_judged),
		cmocka_unit_test(a_late_look_ends_the_doubt_about_a_delete),
		cmocka_unit_test(takes_name_what_was_shown_and_nothing_else),
		cmocka_unit_test(what_is_foreign_is_said_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
