/* A slot: made, found again, kept, forgotten. */
#include "supervise/slot.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

const struct slot_trouble *slot_trouble(const struct slot *x)
{
	static const struct slot_trouble none;

	return x->trouble ? x->trouble : &none;
}

struct slot_trouble *slot_trouble_make(struct slot *x)
{
	if (!x->trouble)
		x->trouble = mem_alloc(sizeof(*x->trouble));
	return x->trouble;
}

/* ---- what is to outlast us ---- */

static int64_t next_start_wall(const struct slot *x)
{
	int64_t left = x->budget.next_start_ms - clock_mono_ms();

	return x->budget.next_start_ms && left > 0 ? clock_wall_ms() + left : 0;
}

static struct slot_kept slot_kept_of(const struct launch_kept *k)
{
	return (struct slot_kept){.turn = k->turn,
				  .stopped_until_ms = k->stopped_until_ms,
				  .stopped = k->stopped,
				  .restart = k->restart,
				  .upgrade = k->upgrade,
				  .restart_again = k->restart_again,
				  .upgrade_again = k->upgrade_again};
}

static bool another_comes_up(const struct slot *x)
{
	return x->other && x->other->running && !x->other->replaced;
}

void slot_keep(struct slot *x, bool lasting)
{
	const struct connector *c = slot_connector(x);
	struct launcher *l = x->s->launcher;
	struct launch_kept k;
	struct err e;

	if (!c || (!x->keep_due && x->kept.turn))
		return;
	x->keep_due = false;
	k = (struct launch_kept){
		.turn = x->kept.turn ? x->kept.turn : 1,
		.stopped = c->stopped_by_user,
		.stopped_until_ms = c->stopped_until_ms,
		.restart = c->restart_asked != x->own->restart_seen,
		.upgrade = c->upgrade_asked != x->own->upgrade_seen,
		.restart_again = another_comes_up(x) && c->restart_asked != x->other->restart_seen,
		.upgrade_again = another_comes_up(x) && c->upgrade_asked != x->other->upgrade_seen,
		.exits = x->budget.exits,
		.blocks = x->budget.blocks,
		.last = x->budget.last,
		.next_start_ms = next_start_wall(x),
		.protocol = slot_trouble(x)->protocol,
		.heal = slot_trouble(x)->heal,
	};
	x->kept = slot_kept_of(&k);
	if (l->ops->keep(l, x->own->id, &k, lasting, &e))
		log_warning("connector %s: %s", x->id, e.message);
}

static void recall_trouble(struct slot *x, const struct launch_kept *k)
{
	struct slot_trouble *t;

	if (protocol_is_new(&k->protocol) && heal_is_new(&k->heal))
		return;
	t = slot_trouble_make(x);
	t->protocol = k->protocol;
	protocol_recall(&t->protocol, clock_wall_ms());
	t->heal = k->heal;
	heal_recall(&t->heal, clock_wall_ms());
}

/* A clock that was put back must not make it wait for ever. */
static void recall_budget(struct slot *x, const struct launch_kept *k)
{
	int64_t left = k->next_start_ms ? k->next_start_ms - clock_wall_ms() : 0;

	if (left > BUDGET_MOST_MS)
		left = BUDGET_MOST_MS;
	x->budget = (struct budget){
		.exits = k->exits,
		.blocks = k->blocks,
		.last = k->last,
		.next_start_ms = left > 0 ? clock_mono_ms() + left : 0,
	};
	recall_trouble(x, k);
	x->kept = slot_kept_of(k);
}

static void recall_stop(const struct slot *x, struct connector *c)
{
	bool row = x->s->store && !map_get(&x->s->rowless, x->id);

	if (row || !x->kept.stopped)
		return;
	c->stopped_by_user = true;
	c->stopped_until_ms = x->kept.stopped_until_ms;
}

/* What was asked for before is still to be done. The process that comes up does what was asked for
 * before its start. */
static void recall_wishes(const struct slot *x, struct connector *c)
{
	x->own->restart_seen = c->restart_asked;
	x->own->upgrade_seen = c->upgrade_asked;
	c->restart_asked += x->kept.restart;
	c->upgrade_asked += x->kept.upgrade;
	if (x->other) {
		x->other->restart_seen = c->restart_asked;
		x->other->upgrade_seen = c->upgrade_asked;
	}
	c->restart_asked += x->kept.restart_again;
	c->upgrade_asked += x->kept.upgrade_again;
}

/* ---- found again ---- */

static bool has_second_folder(const struct slot *x)
{
	AUTO(str_t) second = str_format("%s.b", x->id);
	AUTO(fd_t) fd = x->s->launcher->ops->folder(x->s->launcher, second);

	return fd >= 0;
}

/* Of two sides that one is the connector's own which served last. */
static void choose_sides(struct slot *x, struct launch_kept *recalled)
{
	struct launch_kept theirs;
	struct process *a = x->own, *b;

	if (!has_second_folder(x))
		return;
	b = process_new(x, true, &theirs);
	x->other = b;
	if (theirs.turn > recalled->turn) {
		*recalled = theirs;
		x->own = b;
		x->other = a;
	}
}

/* One that never had a turn comes up; any other one had its own. */
static void find_other(struct slot *x, const struct connector *c)
{
	struct process *p = x->other;

	process_find(p);
	if (p->running) {
		p->replaced = p->served;
		slot_event(x, c, "connector_found", NULL, "%s runs already as process %d",
			   p->replaced ? "the process that it replaced"
				       : "the process that comes up to replace it",
			   (int)p->pid);
	} else if (!p->unsure && !process_is_b(p)) {
		process_free(p);
		x->other = NULL;
	}
}

static void find_own(struct slot *x, struct connector *c)
{
	struct process *p = x->own;

	process_find(p);
	if (!p->running)
		return;
	c->started_ms = p->started_ms;
	c->token_generation = p->memory.token_generation;
	slot_event(x, c, "connector_found", NULL, "runs already as process %d", (int)p->pid);
}

void slot_find(struct slot *x, struct launch_kept *recalled)
{
	struct connector *c = slot_connector(x);

	/* Once: while nothing was found out, both stay as they are and are asked again. */
	if (recalled) {
		choose_sides(x, recalled);
		recall_budget(x, recalled);
		x->token_seen = x->own->memory.token_generation;
		x->remote_seen = x->own->memory.tunnel_id;
		recall_stop(x, c);
		recall_wishes(x, c);
	}
	if (!x->own->running)
		find_own(x, c);
	if (x->other && !x->other->running)
		find_other(x, c);
	slot_show_remote(x, c);
	if (!c->token_generation) /* no row tells of it */
		c->token_generation = x->own->memory.token_generation;
	slot_show(x, c);
}

/* ---- made and forgotten ---- */

static void wake_up(struct timer *t, void *owner)
{
	(void)t;
	slot_look(owner);
}

struct slot *slot_new(struct supervisor *s, const struct connector *c, struct launch_kept *recalled)
{
	struct slot *x = mem_alloc(sizeof(*x));

	x->s = s;
	x->number = (uint8_t)c->slot;
	str_copy(x->id, sizeof(x->id), c->id);
	str_copy(x->tunnel_id, sizeof(x->tunnel_id), c->tunnel_id);
	x->own = process_new(x, false, recalled);
	x->own->restart_seen = c->restart_asked;
	x->own->upgrade_seen = c->upgrade_asked;
	timer_init(&x->wake, s->loop, wake_up, x);
	return x;
}

void slot_free(struct slot *x)
{
	timer_stop(&x->wake);
	process_free(x->own);
	process_free(x->other);
	free(x->start_err);
	free(x->trouble);
	free(x);
}

static int drop_row(const struct slot *x, struct err *e)
{
	struct store *s = x->s->store;

	if (!s)
		return 0;
	if (store_begin(s, e))
		return -1;
	if (store_drop(s, OBJECT_CONNECTOR, x->id, e) || store_commit(s, e)) {
		store_rollback(s);
		return -1;
	}
	return 0;
}

static int remove_folders(struct slot *x, struct err *e)
{
	struct launcher *l = x->s->launcher;
	AUTO(str_t) second = str_format("%s.b", x->id);

	tail_stop(&x->own->tail);
	if (x->other)
		tail_stop(&x->other->tail);
	return l->ops->remove(l, second, e) || l->ops->remove(l, x->id, e) ? -1 : 0;
}

/* Folders first: what is left of them after a crash would look like the last good state. */
bool slot_forget(struct slot *x)
{
	struct err e;

	if (remove_folders(x, &e) || drop_row(x, &e)) {
		log_warning("connector %s cannot be removed: %s", x->id, e.message);
		return false;
	}
	return true;
}
