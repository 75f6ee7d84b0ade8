/* What puts drift back: the edits of each kind of difference, and how much may go unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/repair.h"

#define NOW    1700000000000LL
#define REMOTE "11111111-2222-4333-8444-555555555555"
#define ZONE   "0123456789abcdef0123456789abcdef"

struct site {
	struct world *w;
	struct tunnel *t;
	struct route *r;
	struct record *d;
	struct plan *p;
};

static void set_up(struct site *s)
{
	s->w = world_new();
	str_set(&s->w->system.owner, "edge1");
	(void)str_copy(s->w->system.install, sizeof(s->w->system.install), "a1b2c3d4");
	s->t = tunnel_new("web");
	(void)str_copy(s->t->remote_id, UUID_SIZE, REMOTE);
	s->t->applied_generation = s->t->generation;
	world_add_tunnel(s->w, s->t);
	s->r = route_new();
	(void)str_copy(s->r->tunnel_id, ID_SIZE, s->t->id);
	str_set(&s->r->hostname, "app.example.com");
	str_set(&s->r->service, "http://127.0.0.1:80");
	s->r->applied_generation = s->r->generation;
	world_add_route(s->w, s->r);
	s->d = record_new("app.example.com", "CNAME");
	(void)str_copy(s->d->tunnel_id, ID_SIZE, s->t->id);
	(void)str_copy(s->d->remote_id, CF_ID_SIZE, ZONE);
	s->d->applied_generation = s->d->generation;
	s->d->proxied = s->d->observed.proxied = true;
	s->d->observed.looked_ms = NOW;
	s->d->observed.found = s->d->observed.marked = true;
	str_set(&s->d->observed.type, "CNAME");
	str_set(&s->d->observed.content, REMOTE ".cfargotunnel.com");
	world_add_record(s->w, s->d);
	s->p = plan_new(REPAIR_OPERATION, "adit", NULL);
}

static void fill(struct site *s)
{
	AUTO(drift_list_t) l = {0};
	drift_find(s->w, &l);
	repair_fill(s->w, &l, s->p);
}

static const struct edit *edit_of(const struct site *s, const char *id)
{
	for (size_t i = 0; i < s->p->n_edits; i++)
		if (str_equal(s->p->edits[i].id, id))
			return &s->p->edits[i];
	fail_msg("no edit of %s", id);
	return NULL;
}

static void end(struct site *s)
{
	plan_free(s->p);
	world_free(s->w);
}

static void a_changed_record_is_put_as_it_is(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	str_set(&s.d->observed.content, "evil.example.net");
	fill(&s);
	assert_int_equal(s.p->n_edits, 1);
	const struct edit *ed = edit_of(&s, s.d->id);
	assert_true(ed->kind == EDIT_RECORD_PUT && !ed->anew && !ed->takes);
	assert_string_equal(s.p->changes[0].detail, "content back to " REMOTE ".cfargotunnel.com");
	/* What came from outside stands in no words. */
	assert_null(strstr(s.p->changes[0].detail, "evil"));
	end(&s);
}

static void two_fields_are_one_edit_and_exposure_is_said(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	str_set(&s.d->observed.content, "evil.example.net");
	s.d->observed.proxied = false;
	fill(&s);
	assert_int_equal(s.p->n_edits, 1);
	assert_int_equal(s.p->n_changes, 2);
	assert_non_null(strstr(edit_of(&s, s.d->id)->takes, "publish a name again"));
	end(&s);
}

static void what_is_gone_is_made_again(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	s.d->observed.gone = true;
	fill(&s);
	assert_true(edit_of(&s, s.d->id)->anew);
	assert_int_equal(s.p->changes[0].sign, '+');
	end(&s);
}

static void a_mark_comes_back_only_on_what_was_seen(void **state)
{
	struct site s;
	char seen[SHA256_HEX_SIZE];
	(void)state;
	set_up(&s);
	s.d->observed.marked = false;
	str_set(&s.d->observed.comment, "mine");
	record_observed_hash(s.d, seen);
	fill(&s);
	const char *takes = edit_of(&s, s.d->id)->takes;
	assert_non_null(strstr(takes, seen));
	assert_non_null(strstr(takes, ZONE));
	end(&s);
}

static void what_bears_another_adits_mark_is_left_to_it(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	s.d->observed.marked = false;
	str_set(&s.d->observed.comment, "adit:edge2/b1b2c3d4 theirs");
	fill(&s);
	assert_int_equal(s.p->n_edits, 0);
	assert_int_equal(s.p->warnings.n, 1);
	end(&s);
}

static void a_removed_rule_is_made_again_with_its_tunnel(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	s.r->observed.seen = ROUTE_REMOVED;
	fill(&s);
	assert_int_equal(s.p->n_edits, 2);
	assert_true(edit_of(&s, s.r->id)->anew);
	assert_int_equal(edit_of(&s, s.t->id)->kind, EDIT_TUNNEL_PUT);
	assert_false(edit_of(&s, s.t->id)->anew);
	end(&s);
}

static void a_deleted_tunnel_takes_all_along(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	s.t->observed.gone = true;
	struct record *leaving = record_new("old.example.com", "CNAME");
	(void)str_copy(leaving->tunnel_id, ID_SIZE, s.t->id);
	leaving->want = WANT_ABSENT;
	world_add_record(s.w, leaving);
	fill(&s);
	assert_int_equal(s.p->n_edits, 3); /* what is to go is not called back */
	assert_true(edit_of(&s, s.t->id)->anew);
	assert_false(edit_of(&s, s.r->id)->anew);
	assert_false(edit_of(&s, s.d->id)->anew);
	end(&s);
}

static void a_name_gives_way(void **state)
{
	struct site s;
	(void)state;
	set_up(&s);
	str_set(&s.t->observed.name, "theirs");
	fill(&s);
	assert_string_equal(edit_of(&s, s.t->id)->takes, "theirs");
	assert_string_equal(edit_of(&s, s.t->id)->name, "web");
	end(&s);
	set_up(&s);
	str_set(&s.t->observed.name, "two\nlines");
	fill(&s);
	assert_int_equal(s.p->n_edits, 0);
	assert_int_equal(s.p->warnings.n, 1);
	end(&s);
}

static void how_much_may_go_unasked(void **state)
{
	(void)state;
	assert_true(repair_is_small(0, 0));
	assert_true(repair_is_small(10, 10));
	assert_false(repair_is_small(11, 10));
	assert_false(repair_is_small(11, 109));
	assert_true(repair_is_small(11, 110));
	assert_true(repair_is_small(1100, 11000));
	assert_false(repair_is_small(1101, 11000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_record_is_put_as_it_is),
		cmocka_unit_test(two_fields_are_one_edit_and_exposure_is_said),
		cmocka_unit_test(what_is_gone_is_made_again),
		cmocka_unit_test(a_mark_comes_back_only_on_what_was_seen),
		cmocka_unit_test(what_bears_another_adits_mark_is_left_to_it),
		cmocka_unit_test(a_removed_rule_is_made_again_with_its_tunnel),
		cmocka_unit_test(a_deleted_tunnel_takes_all_along),
		cmocka_unit_test(a_name_gives_way),
		cmocka_unit_test(how_much_may_go_unasked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
