/* What somebody changed of a record of ours is named by a plan that is about something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/edited.h"
#include "reconcile/guard.h"

#define HEX  "0123456789abcdef0123456789abcdef"
#define MARK "adit:edge1/00c0ffee"

static const struct guard_policy policy = {.max_delete = 10, .socket = "/run/adit/adit.sock"};

/* A record of ours as it was put, and as it stands there. */
static struct record *add_record(struct world *w)
{
	struct record *r = record_new("a.ex.org", "A");
	str_copy(r->id, ID_SIZE, "da");
	str_copy(r->remote_id, CF_ID_SIZE, HEX);
	str_copy(r->observed.found_id, CF_ID_SIZE, HEX);
	str_set(&r->content, "192.0.2.1");
	r->ttl = r->observed.ttl = 300;
	r->generation = r->applied_generation = 3;
	r->observed.found = r->observed.marked = true;
	str_set(&r->observed.type, "A");
	str_set(&r->observed.content, "192.0.2.1");
	str_set(&r->observed.comment, MARK);
	const struct edited_face as_put = edited_seen(r);
	r->applied = edited_was(HEX, &as_put);
	world_add_record(w, r);
	return r;
}

static void nothing(struct record *r, struct edit *d)
{
	(void)r;
	(void)d;
}
static void edited(struct record *r, struct edit *d)
{
	(void)d;
	str_set(&r->observed.content, "192.0.2.66");
	r->observed.ttl = 900;
}
static void to_the_same(struct record *r, struct edit *d)
{
	edited(r, d);
	str_set(&r->observed.content, "192.0.2.9");
}
static void words_only(struct record *r, struct edit *d)
{
	(void)d;
	str_set(&r->observed.comment, MARK " by Ann");
}
static void put_back(struct record *r, struct edit *d)
{
	edited(r, d);
	str_set(&d->seen, "what was seen");
}
static void agreed(struct record *r, struct edit *d)
{
	char seen[SHA256_HEX_SIZE];
	edited(r, d);
	record_observed_hash(r, seen);
	r->asked = str_format("p4 %s", seen);
}
static void policy_alone(struct record *r, struct edit *d)
{
	edited(r, d);
	str_set(&d->content, r->content);
	str_set(&d->drift, "ignore");
}
static void unmarked(struct record *r, struct edit *d)
{
	edited(r, d);
	r->observed.marked = false;
	str_set(&r->observed.comment, "mine");
}
static void renamed(struct record *r, struct edit *d)
{
	edited(r, d);
	str_set(&r->observed.renamed, "b.ex.org");
}
static void gone(struct record *r, struct edit *d)
{
	edited(r, d);
	r->observed.gone = true;
}
static void anew(struct record *r, struct edit *d)
{
	edited(r, d);
	d->anew = true;
}
static void another_one(struct record *r, struct edit *d)
{
	edited(r, d);
	str_copy(r->observed.found_id, CF_ID_SIZE, "fedcba9876543210fedcba9876543210");
}

static const struct {
	const char *what;
	enum edit_kind kind;
	void (*make)(struct record *r, struct edit *d);
	const char *said; /* NULL = nothing */
} cases[] = {
	{"as it was put", EDIT_RECORD_PUT, nothing, NULL},
	{"edited", EDIT_RECORD_PUT, edited, "(content, ttl): this plan writes over that"},
	{"edited to what is wanted", EDIT_RECORD_PUT, to_the_same, "(ttl): this plan writes"},
	{"its words", EDIT_RECORD_PUT, words_only, "(comment): this plan writes over that"},
	{"a plan about it", EDIT_RECORD_PUT, put_back, NULL},
	{"agreed to before", EDIT_RECORD_PUT, agreed, NULL},
	{"nothing is written", EDIT_RECORD_PUT, policy_alone, NULL},
	{"no longer marked", EDIT_RECORD_PUT, unmarked, NULL},
	{"another name", EDIT_RECORD_PUT, renamed, NULL},
	{"gone", EDIT_RECORD_PUT, gone, NULL},
	{"made again", EDIT_RECORD_PUT, anew, NULL},
	{"another record was seen", EDIT_RECORD_PUT, another_one, NULL},
	{"deleted as it was put", EDIT_RECORD_DROP, nothing, NULL},
	{"deleted", EDIT_RECORD_DROP, edited, "(content, ttl): this plan deletes it all the same"},
	{"not deleted, since unmarked", EDIT_RECORD_DROP, unmarked, NULL},
	{"not deleted, since renamed", EDIT_RECORD_DROP, renamed, NULL},
	{"given back as it was put", EDIT_RECORD_RELEASE, nothing, NULL},
	{"given back", EDIT_RECORD_RELEASE, edited, "(content, ttl): that stays as it is"},
};

static void what_a_plan_would_lose_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = world_new();
		AUTO(plan_t) p = plan_new("dns_set", "somebody", NULL);
		struct err e;
		str_set(&w->system.owner, "edge1");
		str_copy(w->system.install, sizeof(w->system.install), "00c0ffee");
		struct record *r = add_record(w);
		struct edit *d = cases[i].kind == EDIT_RECORD_PUT
					 ? plan_put_record(p, r)
					 : plan_edit(p, cases[i].kind, r->id);
		if (cases[i].kind == EDIT_RECORD_PUT)
			str_set(&d->content, "192.0.2.9");
		cases[i].make(r, d);
		AUTO(str_t) unsaid = guard_edited_unsaid(w, p);
		for (int again = 0; again < 2; again++) /* as before and after the look */
			if (guard_check(w, &policy, p, &e) < 0)
				fail_msg("%s: %s", cases[i].what, e.message);
		bool told = p->warnings.n == 1 && cases[i].said &&
			    strstr(p->warnings.items[0], cases[i].said);
		if (cases[i].said ? !told : p->warnings.n != 0)
			fail_msg("%s: %s", cases[i].what,
				 p->warnings.n ? p->warnings.items[0] : "nothing");
		AUTO(str_t) still_unsaid = guard_edited_unsaid(w, p);
		bool loses = cases[i].said && cases[i].kind != EDIT_RECORD_RELEASE;
		if (!unsaid == loses || still_unsaid)
			fail_msg("%s: %s", cases[i].what, unsaid ? unsaid : "nothing is unsaid");
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_plan_would_lose_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
