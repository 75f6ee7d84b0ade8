/* A timer knows its place, so that it is found when it is stopped. */
#include "loop/timers.h"

#include <stdlib.h>

#include "base/mem.h"

#define FIRST_CAP 16

/* Places count from 1: 0 is that of a timer that does not wait. */
static void put(struct timers *t, size_t place, struct timer *timer)
{
	t->heap[place - 1] = timer;
	timer->place = (uint32_t)place;
}

static struct timer *at(const struct timers *t, size_t place)
{
	return t->heap[place - 1];
}

static void rise(struct timers *t, size_t place, struct timer *timer)
{
	for (; place > 1 && at(t, place / 2)->due_us > timer->due_us; place /= 2)
		put(t, place, at(t, place / 2));
	put(t, place, timer);
}

/* The place of that child which is due first; 0 = it has none. */
static size_t first_child(const struct timers *t, size_t place)
{
	size_t left = place * 2;

	if (left > t->n)
		return 0;
	return left < t->n && at(t, left + 1)->due_us < at(t, left)->due_us ? left + 1 : left;
}

static void sink(struct timers *t, size_t place, struct timer *timer)
{
	size_t child;

	while ((child = first_child(t, place)) && at(t, child)->due_us < timer->due_us) {
		put(t, place, at(t, child));
		place = child;
	}
	put(t, place, timer);
}

struct timer *timers_first(const struct timers *t)
{
	return t->n ? at(t, 1) : NULL;
}

void timers_add(struct timers *t, struct timer *timer)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : FIRST_CAP;
		t->heap = mem_grow(t->heap, t->cap, sizeof(struct timer *));
	}
	rise(t, ++t->n, timer);
}

void timers_remove(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last = at(t, t->n--);

	timer->place = 0;
	if (last == timer)
		return;
	if (last->due_us < timer->due_us)
		rise(t, place, last);
	else
		sink(t, place, last);
}

void timers_free(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){0};
}
