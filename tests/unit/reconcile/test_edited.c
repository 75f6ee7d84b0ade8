/* Whose is what stands there: adit's, sent without an answer, or somebody else's edit? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "reconcile/edited.h"

#define HEX  "372e67954025e0ba6aaa6d586b9e0b59"
#define HEX2 "00112233445566778899aabbccddeeff"
#define MARK "adit:edge1/0123abcd"

#define FACE_OF(t, c, m, p, n)                                                                     \
	{                                                                                          \
		.type = (t), .content = (c), .comment = (m), .proxied = (p), .ttl = (n)            \
	}
#define FACE(c, m, p, n) FACE_OF("A", c, m, p, n)

static const struct edited_face base = FACE("192.0.2.1", MARK, false, 300);

static const struct {
	const char *name;
	const char *id;             /* of the record now */
	struct edited_face sent[2]; /* type NULL = none */
	struct edited_face seen;
	bool goes; /* it is deleted; otherwise next is written */
	struct edited_face next;
	unsigned lost;
} cases[] = {
	{"as it was put",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", MARK, false, 300),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 0},
	{"as it was put, and it goes",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", MARK, false, 300),
	 true,
	 {0},
	 0},
	{"another content",
	 HEX,
	 {{0}},
	 FACE("192.0.2.66", MARK, false, 300),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 EDITED_CONTENT},
	{"another content that is wanted by now",
	 HEX,
	 {{0}},
	 FACE("192.0.2.9", MARK, false, 300),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 0},
	{"another content goes",
	 HEX,
	 {{0}},
	 FACE("192.0.2.9", MARK, false, 300),
	 true,
	 {0},
	 EDITED_CONTENT},
	{"all of it",
	 HEX,
	 {{0}},
	 FACE("192.0.2.66", MARK " theirs", false, 60),
	 true,
	 {0},
	 EDITED_CONTENT | EDITED_COMMENT | EDITED_TTL},
	{"behind a proxy the ttl is Cloudflare's",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", MARK, true, 1),
	 false,
	 FACE("192.0.2.1", MARK, false, 300),
	 EDITED_PROXIED},
	{"a comment that stays",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", MARK " theirs", false, 300),
	 false,
	 FACE("192.0.2.1", NULL, false, 60),
	 0},
	{"a comment that is written",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", MARK " theirs", false, 300),
	 false,
	 FACE("192.0.2.1", MARK " ours", false, 300),
	 EDITED_COMMENT},
	{"no comment any more",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", NULL, false, 300),
	 false,
	 FACE("192.0.2.1", MARK, false, 300),
	 EDITED_COMMENT},
	{"no comment any more, and it goes",
	 HEX,
	 {{0}},
	 FACE("192.0.2.1", NULL, false, 300),
	 true,
	 {0},
	 EDITED_COMMENT},
	{"another type",
	 HEX,
	 {{0}},
	 FACE_OF("TXT", "x", MARK, false, 300),
	 true,
	 {0},
	 EDITED_TYPE | EDITED_CONTENT},
	{"what was sent is adit's own",
	 HEX,
	 {FACE("192.0.2.7", MARK, false, 300)},
	 FACE("192.0.2.7", MARK, false, 300),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 0},
	{"what was sent before that, too",
	 HEX,
	 {FACE("192.0.2.7", MARK, false, 300), FACE("192.0.2.8", MARK, false, 300)},
	 FACE("192.0.2.7", MARK, false, 300),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 0},
	{"beside what was sent",
	 HEX,
	 {FACE("192.0.2.7", MARK, false, 300)},
	 FACE("192.0.2.7", MARK, false, 60),
	 false,
	 FACE("192.0.2.9", MARK, false, 300),
	 EDITED_TTL},
	{"sent without a comment",
	 HEX,
	 {FACE("192.0.2.7", NULL, false, 300)},
	 FACE("192.0.2.1", MARK " theirs", false, 300),
	 true,
	 {0},
	 EDITED_COMMENT},
	{"another record, of which nothing is known",
	 HEX2,
	 {{0}},
	 FACE("192.0.2.66", MARK, false, 300),
	 true,
	 {0},
	 0},
	{"another record, made by what was sent",
	 HEX2,
	 {FACE("192.0.2.7", MARK, false, 300)},
	 FACE("192.0.2.7", MARK, false, 60),
	 true,
	 {0},
	 EDITED_TTL},
	{"another record, sent without a comment",
	 HEX2,
	 {FACE("192.0.2.1", NULL, false, 300)},
	 FACE("192.0.2.1", "x", false, 60),
	 true,
	 {0},
	 EDITED_TTL},
};

static void each_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(str_t) applied = edited_was(HEX, &base);
		for (size_t k = 0; k < ARRAY_LEN(cases[i].sent) && cases[i].sent[k].type; k++) {
			char *after = edited_sent(applied, &cases[i].sent[k]);
			free(applied);
			applied = after;
		}
		unsigned lost = edited_lost(applied, cases[i].id, &cases[i].seen,
					    cases[i].goes ? NULL : &cases[i].next);
		if (lost != cases[i].lost)
			fail_msg("%s: %#x, not %#x, of %s", cases[i].name, lost, cases[i].lost,
				 applied);
	}
}

static void what_cannot_be_read_is_no_edit(void **state)
{
	static const char *const texts[] = {
		NULL,
		"",
		"{",
		"[]",
		"{}",
		"{\"id\":\"" HEX "\"}",
		"{\"id\":\"" HEX "\",\"was\":[]}",
		"{\"id\":\"" HEX "\",\"was\":[1,2,3,4,5,6]}",
		"{\"id\":\"" HEX "\",\"was\":[\"A\",\"192.0.2.7\",null,false,1,0,7]}",
		"{\"id\":\"" HEX "\",\"was\":{},\"sent\":[[],7,{}]}",
	};
	const struct edited_face seen = FACE("192.0.2.66", MARK, false, 300);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		AUTO(str_t) after = edited_sent(texts[i], &seen);
		assert_int_equal(edited_lost(texts[i], HEX, &seen, NULL), 0);
		assert_int_equal(edited_lost(after, HEX, &seen, NULL), 0);
	}
}

/* A write that is refused again and again makes the row no longer, nor do many different ones. */
static void what_was_sent_is_bounded(void **state)
{
	AUTO(str_t) applied = edited_was(HEX, &base);
	(void)state;
	for (int i = 0; i < 200; i++) {
		AUTO(str_t) content = str_format("192.0.2.%d", i);
		const struct edited_face next = FACE(content, MARK, false, 300);
		char *after = edited_sent(applied, &next);
		AUTO(str_t) twice = edited_sent(after, &next);
		assert_string_equal(after, twice);
		free(applied);
		applied = after;
	}
	assert_true(strlen(applied) < 1000);
	const struct edited_face last = FACE("192.0.2.199", MARK, false, 300),
				 old = FACE("192.0.2.1", MARK, false, 300);
	assert_int_equal(edited_lost(applied, HEX, &last, NULL), 0);
	assert_int_equal(edited_lost(applied, HEX, &old, NULL), 0);
}

static struct record *own(void)
{
	struct record *r = record_new("a.example.com", "A");
	str_set(&r->content, "192.0.2.1");
	r->proxied = false;
	r->ttl = 300;
	r->applied_generation = r->generation;
	(void)str_copy(r->remote_id, sizeof(r->remote_id), HEX);
	(void)str_copy(r->observed.found_id, sizeof(r->observed.found_id), HEX);
	r->observed.found = r->observed.marked = true;
	str_set(&r->observed.type, "A");
	str_set(&r->observed.content, "192.0.2.1");
	str_set(&r->observed.comment, MARK);
	r->observed.ttl = 300;
	return r;
}

static void a_look_settles_what_stands_there(void **state)
{
	struct world *w = world_new();
	struct record *r = own();
	(void)state;
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "0123abcd");
	assert_false(edited_is_settled(r));
	r->applied = edited_settled(w, r);
	AUTO(str_t) expected = edited_was(HEX, &base);
	assert_string_equal(r->applied, expected);
	assert_true(edited_is_settled(r));
	assert_null(edited_settled(w, r));
	/* An edit leaves it; of a row that knows nothing, what is wanted was put. */
	str_set(&r->observed.content, "192.0.2.66");
	assert_null(edited_settled(w, r));
	AUTO(str_t)
	otherwise = edited_was(HEX, &(struct edited_face)FACE("192.0.2.7", MARK, false, 60));
	str_set(&r->applied, otherwise); /* what was put is known better than what is wanted */
	assert_null(edited_settled(w, r));
	str_set(&r->applied, NULL);
	AUTO(str_t) wanted = edited_settled(w, r);
	assert_string_equal(wanted, expected);
	/* What is to be written yet settles nothing. */
	r->generation++;
	assert_null(edited_settled(w, r));
	assert_true(edited_is_settled(r));
	record_free(r);
	world_free(w);
}

static void who_asked_and_what_was_named(void **state)
{
	struct record *r = own();
	char seen[SHA256_HEX_SIZE];
	(void)state;
	record_observed_hash(r, seen);
	assert_false(edited_agreed(r));
	assert_null(edited_asker(r));
	r->asked = edited_asked(r, 4, seen);
	AUTO(str_t) asker = edited_asker(r);
	assert_string_equal(asker, "p4");
	assert_true(edited_agreed(r));
	str_set(&r->observed.content, "192.0.2.66");
	assert_false(edited_agreed(r));
	/* What p4 named and is not done yet, p5 does as well; later, nothing is named. */
	AUTO(str_t) later = edited_asked(r, 5, NULL);
	assert_string_equal(later, "p5");
	r->generation++;
	AUTO(str_t) still = edited_asked(r, 5, NULL);
	assert_true(str_starts(still, "p5 ") && strstr(still, seen));
	AUTO(str_t) fresh = edited_asked(NULL, 6, NULL);
	assert_string_equal(fresh, "p6");
	record_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(what_cannot_be_read_is_no_edit),
		cmocka_unit_test(what_was_sent_is_bounded),
		cmocka_unit_test(a_look_settles_what_stands_there),
		cmocka_unit_test(who_asked_and_what_was_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
