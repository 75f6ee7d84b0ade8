/* Watchers come, go and speak while others are being told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/world.h"

enum { MAX = 4 };

struct listener {
	struct watcher watcher;
	int told;
	struct world *world;
	struct listener *other; /* whom it acts on */
	enum { NOTHING, LEAVE, LEAVE_OTHER, JOIN_OTHER, SWAP, SPEAK_ONCE } act;
};

static void listener_told(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct listener *l = owner;

	assert_ptr_equal(x, &l->watcher);
	assert_int_equal(type, OBJECT_ROUTE);
	assert_string_equal(id, "r1");
	l->told++;
	if (l->act == LEAVE || l->act == SWAP)
		world_unwatch(&l->watcher);
	if (l->act == LEAVE_OTHER)
		world_unwatch(&l->other->watcher);
	if (l->act == JOIN_OTHER || l->act == SWAP)
		world_watch(l->world, &l->other->watcher, listener_told, l->other);
	if (l->act == SPEAK_ONCE && l->told == 1)
		world_changed(l->world, OBJECT_ROUTE, "r1");
}

static struct world *world_with(struct listener l[MAX], int n)
{
	struct world *w = world_new();

	memset(l, 0, MAX * sizeof(*l));
	for (int i = 0; i < MAX; i++)
		l[i].world = w;
	for (int i = 0; i < n; i++)
		world_watch(w, &l[i].watcher, listener_told, &l[i]);
	return w;
}

static void expect_told(const struct listener l[MAX], int a, int b, int c, int d)
{
	assert_int_equal(l[0].told, a);
	assert_int_equal(l[1].told, b);
	assert_int_equal(l[2].told, c);
	assert_int_equal(l[3].told, d);
}

static void all_are_told(void **state)
{
	struct listener l[MAX];
	struct world *w = world_with(l, 3);

	(void)state;
	world_changed(w, OBJECT_ROUTE, "r1");
	expect_told(l, 1, 1, 1, 0);
	assert_int_equal(w->sequence, 1);
	world_changed(w, OBJECT_ROUTE, "r1");
	expect_told(l, 2, 2, 2, 0);
	assert_int_equal(w->sequence, 2);
	world_free(w);
}

static void one_leaves_itself(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		struct listener l[MAX];
		struct world *w = world_with(l, 3);

		l[who].act = LEAVE;
		world_changed(w, OBJECT_ROUTE, "r1");
		expect_told(l, 1, 1, 1, 0);
		world_changed(w, OBJECT_ROUTE, "r1");
		expect_told(l, who == 0 ? 1 : 2, who == 1 ? 1 : 2, who == 2 ? 1 : 2, 0);
		world_free(w);
	}
}

/* Who was told already was told; who was not, is not. */
static void one_throws_another_out(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++)
		for (int whom = 0; whom < 3; whom++) {
			struct listener l[MAX];
			struct world *w = world_with(l, 3);

			l[who].act = LEAVE_OTHER;
			l[who].other = &l[whom];
			world_changed(w, OBJECT_ROUTE, "r1");
			for (int i = 0; i < 3; i++)
				assert_int_equal(l[i].told, i != whom || whom <= who);
			world_free(w);
		}
}

static void who_joins_hears_the_next(void **state)
{
	struct listener l[MAX];
	struct world *w = world_with(l, 3);

	(void)state;
	l[2].act = JOIN_OTHER;
	l[2].other = &l[3];
	world_changed(w, OBJECT_ROUTE, "r1");
	expect_told(l, 1, 1, 1, 0);
	l[2].act = NOTHING;
	world_changed(w, OBJECT_ROUTE, "r1");
	expect_told(l, 2, 2, 2, 1);
	world_free(w);
}

/* Each that is told leaves and puts another in its place: the walk must still end. */
static void replacing_ends(void **state)
{
	struct listener l[MAX];
	struct world *w = world_with(l, 1);

	(void)state;
	for (int i = 0; i < MAX; i++) {
		l[i].act = SWAP;
		l[i].other = &l[(i + 1) % MAX];
	}
	for (int i = 1; i <= MAX; i++) {
		world_changed(w, OBJECT_ROUTE, "r1");
		assert_int_equal(l[0].told + l[1].told + l[2].told + l[3].told, i);
	}
	world_free(w);
}

static void a_change_inside_a_change(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		struct listener l[MAX];
		struct world *w = world_with(l, 3);

		l[who].act = SPEAK_ONCE;
		world_changed(w, OBJECT_ROUTE, "r1");
		expect_told(l, 2, 2, 2, 0);
		assert_int_equal(w->sequence, 2);
		world_free(w);
	}
}

static void unwatch_is_idempotent(void **state)
{
	struct listener l[MAX];
	struct world *w = world_with(l, 1);

	(void)state;
	world_unwatch(&l[1].watcher); /* never watched */
	world_unwatch(&l[0].watcher);
	world_unwatch(&l[0].watcher);
	world_changed(w, OBJECT_ROUTE, "r1");
	expect_told(l, 0, 0, 0, 0);
	world_watch(w, &l[0].watcher, listener_told, &l[0]);
	world_free(w);
	world_unwatch(&l[0].watcher); /* the world is gone */
}

static void dropped_told(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	char *seen = owner;

	(void)x;
	(void)type;
	strcpy(seen, id);
}

static void drop_tells_by_the_id_in_the_object(void **state)
{
	struct world *w = world_new();
	struct route *r = route_new();
	struct watcher watcher = {.changed = NULL};
	char seen[ID_SIZE] = "", id[ID_SIZE];

	(void)state;
	strcpy(id, r->id);
	world_watch(w, &watcher, dropped_told, seen);
	world_add_route(w, r);
	assert_string_equal(seen, id);
	seen[0] = '\0';
	assert_true(world_drop(w, OBJECT_ROUTE, r->id)); /* the id dies with the object */
	assert_string_equal(seen, id);
	assert_null(world_route(w, id));
	assert_int_equal(w->sequence, 2);
	assert_false(world_drop(w, OBJECT_ROUTE, id));
	assert_false(world_drop(w, OBJECT_PLAN, id));
	assert_false(world_drop(w, OBJECT_SYSTEM, ""));
	assert_int_equal(w->sequence, 2);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_told),
		cmocka_unit_test(one_leaves_itself),
		cmocka_unit_test(one_throws_another_out),
		cmocka_unit_test(who_joins_hears_the_next),
		cmocka_unit_test(replacing_ends),
		cmocka_unit_test(a_change_inside_a_change),
		cmocka_unit_test(unwatch_is_idempotent),
		cmocka_unit_test(drop_tells_by_the_id_in_the_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
