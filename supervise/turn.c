/*
 * One after the other. Of a tunnel's connectors one is replaced at a time; a new setting or a new
 * program, which concern all, reach the next connector when they work with this one. The turn is
 * kept until the new process serves: what does not work stops at the first.
 */
#include "base/clock.h"
#include "supervise/slot.h"

static bool concerns_all(enum reason cause)
{
	return cause == REASON_OPTIONS || cause == REASON_UPGRADE;
}

static bool holds_turn(const struct slot *x)
{
	const struct connector *c = slot_connector(x);

	return x->turn && c && c->want == WANT_PRESENT && !c->stopped_by_user &&
	       (slot_cause(x, c) != REASON_NONE || !connector_serving(c));
}

/* A person does not wait for what was in vain elsewhere. */
static bool in_the_way(const struct slot *other, enum reason cause)
{
	return holds_turn(other) && (cause != REASON_ASKED || slot_trouble(other)->tries == 0);
}

static bool tunnel_is_free(const struct slot *x, enum reason cause)
{
	for (int number = 1; number <= TUNNEL_SLOTS_MAX; number++) {
		char id[CONNECTOR_ID_SIZE];

		connector_slot_id(x->tunnel_id, number, id);
		const struct slot *y = number == x->number ? NULL : map_get(&x->s->slots, id);

		if (y && in_the_way(y, cause))
			return false;
	}
	return true;
}

static bool all_are_free(struct supervisor *s)
{
	const struct slot *x = *s->rolling ? map_get(&s->slots, s->rolling) : NULL;

	if (!x || !holds_turn(x))
		s->rolling[0] = '\0';
	return !*s->rolling;
}

void slot_turn(struct slot *x)
{
	const struct connector *c = slot_connector(x);
	enum reason cause = c ? slot_cause(x, c) : REASON_NONE;

	if (!holds_turn(x))
		x->turn = false;
	if (x->turn || cause == REASON_NONE || !process_serves(x->own) || x->other)
		return;
	if (!tunnel_is_free(x, cause) || (concerns_all(cause) && !all_are_free(x->s)))
		return;
	x->turn = true;
	if (concerns_all(cause))
		str_copy(x->s->rolling, sizeof(x->s->rolling), x->id);
	slot_look(x);
}

void slot_turn_again(struct slot *x)
{
	x->turn = false;
	slot_tries_forget(x);
}
