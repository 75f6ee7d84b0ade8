/* What replace_step says, done: the other process is started, takes the place, or is taken away. */
#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

#define LEFT_AGAIN_MS  5000
#define LEFT_DOUBLINGS 7

bool slot_outruns(const struct slot *x)
{
	const struct disk *d = &x->s->disk;

	return x->own->running && d->settled && binary_known(&d->id) &&
	       binary_known(x->own->binary) && !binary_same(&d->id, x->own->binary);
}

enum reason slot_cause(const struct slot *x, const struct connector *c)
{
	const struct process *p = x->own;

	if (c->restart_asked != p->restart_seen)
		return REASON_ASKED;
	if (p->running && p->outdated != REASON_NONE)
		return p->outdated;
	if (slot_outruns(x) && (c->upgrade_asked != p->upgrade_seen ||
				(x->s->options.upgrade_roll && disk_roll_due(&x->s->disk))))
		return REASON_UPGRADE;
	return p->running ? x->heal_cause : REASON_NONE;
}

/* ---- in vain ---- */

static void in_vain(struct slot *x, struct connector *c, enum reason r, const char *sentence)
{
	AUTO(str_t) last = x->other ? outlog_told(process_log(x->other)) : NULL;
	struct slot_trouble *t;

	if (slot_protocol_in_vain(x, c, r))
		return;
	t = slot_trouble_make(x);
	t->tries++;
	t->replace_again_ms = clock_mono_ms() + budget_replace_delay(t->tries, random_u64());
	connector_past_make(c)->replaced_in_vain++;
	slot_problem_replacing(x, c, r, sentence);
	slot_event(x, c, "connector_replace_failed", last,
		   "the process that was to replace it did not come up: %s", sentence);
}

void slot_tries_forget(struct slot *x)
{
	if (!x->trouble)
		return;
	x->trouble->tries = 0;
	x->trouble->replace_again_ms = 0;
}

/* What another one was wanted for is over: that none came up matters no more. */
void slot_replace_forget(struct slot *x, struct connector *c)
{
	if (!slot_trouble(x)->tries || x->other || !process_serves(x->own) ||
	    x->heal_told != REASON_NONE || slot_cause(x, c) != REASON_NONE)
		return;
	slot_tries_forget(x);
	if (x->problem_reason != REASON_NOT_UP || !c->problem)
		return;
	problem_clear(&c->problem);
	slot_changed(x);
}

static void abandon(struct slot *x, struct connector *c, enum reason r)
{
	process_terminate(x->other, REASON_ASKED);
	in_vain(x, c, r, reason_info(r)->sentence);
}

void slot_other_ended(struct slot *x, struct connector *c, int code, int signo)
{
	struct process *p = x->other;
	bool asked = p->term_sent_ms != 0;
	int64_t ran;
	enum reason r = process_ended(p, code, signo, &ran);

	if (!c)
		return;
	if (p->replaced)
		slot_event(x, c, "connector_drained", outlog_line(process_log(p), 0),
			   "the process that it replaced has ended");
	else if (!asked) {
		slot_addresses_ended(x, c, p, r);
		in_vain(x, c, r, reason_info(r)->sentence);
	}
}

/* ---- start ---- */

static void start_other(struct slot *x, struct connector *c, enum reason cause)
{
	struct launch_kept left; /* of one before: a new one has done nothing yet */
	struct err e;
	enum reason failed;

	/* Of what has served, the folder must say so before another one can, and that this one does
	 * all that was asked for. */
	x->keep_due |= x->kept.restart_again || x->kept.upgrade_again;
	slot_keep(x, false);
	x->other = process_new(x, !process_is_b(x->own), &left);
	if (x->trouble)
		x->trouble->left_again_ms = 0;
	slot_want_version(x);
	x->replace_why = cause;
	slot_heal_begins(x, cause);
	failed = process_start(x->other, &e);
	if (failed != REASON_NONE) {
		in_vain(x, c, failed, e.message);
		return;
	}
	slot_event(x, c, "connector_replacing", NULL,
		   "process %d comes up to replace process %d: %s", (int)x->other->pid,
		   (int)x->own->pid, reason_info(cause)->sentence);
}

/* ---- swap ---- */

static void take_own(struct slot *x, struct connector *c)
{
	const struct process *own = x->own;
	bool tokens = c->token_generation != own->memory.token_generation;

	c->started_ms = own->started_ms;
	c->token_generation = own->memory.token_generation;
	slot_show_remote(x, c);
	str_set(&c->last_line, outlog_line(process_log(own), 0));
	if (tokens)
		slot_save(x);
}

static void swap(struct slot *x, struct connector *c)
{
	struct process *old = x->own;

	x->own = x->other;
	x->other = old;
	x->own->replaced = false;
	x->other->replaced = true;
	/* A token or a setting may have changed while it came up. */
	x->own->outdated = process_outdated(x->own);
	x->kept.turn++;
	x->keep_due = true;
	slot_keep(x, true);
	slot_tries_forget(x);
	str_set(&x->start_err, NULL);
	connector_past_make(c)->replaced++;
	if (process_serves(x->own))
		problem_clear(&c->problem);
	take_own(x, c);
	slot_changed(x);
	slot_event(x, c, "connector_replaced", NULL, "process %d took the place of process %d",
		   (int)x->own->pid, (int)old->pid);
	deferred_start(&x->s->pass);
}

/* ---- tidy ---- */

static void left_forget(struct slot *x)
{
	if (!x->trouble)
		return;
	x->trouble->left_tries = 0;
	x->trouble->left_again_ms = 0;
}

static void remove_left(struct slot *x, const char *id)
{
	struct launcher *l = x->s->launcher;
	struct slot_trouble *t;
	struct err e;

	if (l->ops->remove(l, id, &e) == 0) {
		left_forget(x);
		return;
	}
	log_warning("what is left of connector %s cannot be removed: %s", id, e.message);
	t = slot_trouble_make(x);
	t->left_again_ms = clock_mono_ms() + ((int64_t)LEFT_AGAIN_MS << t->left_tries);
	if (t->left_tries < LEFT_DOUBLINGS)
		t->left_tries++;
}

static void tidy(struct slot *x)
{
	struct process *p = x->other;

	x->other = NULL;
	tail_stop(&p->tail);
	/* The first folder stays: it bears the connector's name. */
	if (process_is_b(p))
		remove_left(x, p->id);
	process_free(p);
	/* What was asked for meanwhile waits for its turn. */
	deferred_start(&x->s->pass);
}

/* No reason to keep another replacement waiting: that one would use the folder. */
static void tidy_again(struct slot *x, int64_t *wake_ms)
{
	AUTO(str_t) second = NULL;

	if (!slot_trouble(x)->left_again_ms)
		return;
	if (clock_mono_ms() >= slot_trouble(x)->left_again_ms) {
		second = str_format("%s.b", x->id);
		remove_left(x, second);
	}
	*wake_ms = slot_earlier(*wake_ms, slot_trouble(x)->left_again_ms);
}

bool slot_replace(struct slot *x, struct connector *c, int64_t *wake_ms)
{
	struct replace_facts f;
	struct replace_verdict v;

	slot_replace_facts(x, c, &f);
	v = replace_step(&f);
	*wake_ms = v.wake_ms;
	switch (v.action) {
	case REPLACE_NOTHING:
		tidy_again(x, wake_ms);
		return false;
	case REPLACE_START:
		start_other(x, c, v.reason);
		return true;
	case REPLACE_SWAP:
		swap(x, c);
		return true;
	case REPLACE_TERM:
		process_terminate(x->other, v.reason);
		return true;
	case REPLACE_ABANDON:
		abandon(x, c, v.reason);
		return true;
	case REPLACE_KILL:
		process_kill(x->other);
		slot_event(x, c, "connector_killed", NULL,
			   "process %d did not stop in time and was killed", (int)x->other->pid);
		return true;
	case REPLACE_TIDY:
		tidy(x);
		return true;
	}
	return false;
}
