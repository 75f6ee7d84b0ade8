/* Facts, tables, actions: what happens to a connector, one action after the other. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

#define LOOKS_MOST 6 /* verdicts in a row for one look: start, then what follows from it */
#define UNSURE_MS  5000

/* ---- start ---- */

/* What kept it from starting does so no longer; another problem lasts until it serves. */
static void problem_of_running(struct slot *x, struct connector *c)
{
	enum reason r = x->problem_reason;

	if (r == REASON_NO_BINARY || r == REASON_NO_START || r == REASON_NO_TOKEN)
		problem_clear(&c->problem);
	if (c->problem)
		c->problem->next_try_ms = 0;
}

/* When the next start may come. */
static void plan_start(struct slot *x, enum reason r, int64_t ran_ms, bool served)
{
	budget_ended(&x->budget, &(struct budget_end){.reason = r,
						      .ran_ms = ran_ms,
						      .served = served,
						      .now_ms = clock_mono_ms(),
						      .random = random_u64()});
	x->keep_due = true;
}

static void start(struct slot *x, struct connector *c)
{
	bool tokens = c->token_generation != x->own->memory.token_generation;
	enum reason why = x->budget.last == REASON_NONE ? REASON_NEW : x->budget.last;
	enum reason failed;
	struct err e;

	failed = process_start(x->own, &e);
	if (failed != REASON_NONE) {
		str_set(&x->start_err, e.message);
		plan_start(x, failed, 0, false);
		slot_problem(x, c, failed);
		return;
	}
	str_set(&x->start_err, NULL);
	x->keep_due |= x->kept.restart || x->kept.upgrade;
	problem_of_running(x, c);
	c->started_ms = x->own->started_ms;
	tokens |= c->token_generation != x->own->memory.token_generation;
	c->token_generation = x->own->memory.token_generation;
	if (tokens)
		slot_save(x);
	slot_event(x, c, "connector_started", NULL, "started as process %d: %s", (int)x->own->pid,
		   reason_info(why)->sentence);
}

/* ---- end ---- */

static void set_last_exit(struct connector *c, int code, int signo, int64_t ran_ms)
{
	struct connector_past *past = connector_past_make(c);
	char ran[TEXT_TIME_SIZE];

	duration_human(ran_ms, ran);
	free(past->last_exit);
	if (signo)
		past->last_exit = str_format("signal %d after %s", signo, ran);
	else if (code >= 0)
		past->last_exit = str_format("exit %d after %s", code, ran);
	else
		past->last_exit = str_format("ended after %s", ran);
}

static void tell_end(struct slot *x, struct connector *c, enum reason r)
{
	AUTO(str_t) last = outlog_told(process_log(x->own));

	if (r == REASON_ASKED) {
		slot_event(x, c, "connector_exited", NULL, "%s, as asked",
			   connector_past(c)->last_exit);
		return;
	}
	c->restarts++;
	slot_save(x);
	slot_problem(x, c, r);
	slot_event(x, c, "connector_exited", last, "%s: %s", connector_past(c)->last_exit,
		   reason_info(r)->sentence);
}

static void own_ended(struct slot *x, struct connector *c, int code, int signo)
{
	struct process *p = x->own;
	bool served = p->probe.ever_ready || p->found;
	int64_t ran;
	enum reason r = process_ended(p, code, signo, &ran);

	if (!c)
		return;
	set_last_exit(c, code, signo, ran);
	slot_protocol_ended(x, c, p, r);
	plan_start(x, r, ran, served);
	tell_end(x, c, r);
	slot_look(x);
}

void slot_ended(struct slot *x, struct process *p, int code, int signo)
{
	struct connector *c = slot_connector(x);

	if (p == x->own) {
		own_ended(x, c, code, signo);
	} else {
		slot_other_ended(x, c, code, signo);
		slot_look(x);
	}
	if (!c)
		deferred_start(&x->s->pass);
}

/* ---- stop ---- */

static void put_down(struct slot *x, struct connector *c)
{
	process_kill(x->own);
	slot_event(x, c, "connector_killed", NULL, "did not stop in time and was killed");
}

/* A stop that was for a time is over. */
static void end_stop(struct slot *x, struct connector *c)
{
	if (!c->stopped_by_user || !c->stopped_until_ms || clock_wall_ms() < c->stopped_until_ms)
		return;
	connector_set_stopped(c, NULL);
	slot_save(x);
	slot_changed(x);
	slot_event(x, c, "connector_stop_over", NULL, "the time for which it was stopped is over");
}

/* The wish lies in the folder, too: it counts when there is no store. */
static void keep_stop(struct slot *x, const struct connector *c)
{
	if (c->stopped_by_user == x->kept.stopped &&
	    c->stopped_until_ms == x->kept.stopped_until_ms)
		return;
	x->keep_due = true;
	slot_keep(x, true);
}

/* ---- which configuration ---- */

static void want_version(struct process *p, int64_t version)
{
	if (!p || p->probe.version_wanted == version)
		return;
	p->probe.version_wanted = version;
	probe_hurry(&p->probe);
}

/* That we put, or that Cloudflare showed since. */
static int64_t newest_version(const struct tunnel *t)
{
	bool seen = t->observed.config_seen_ms && !t->observed.config_local;

	return seen && t->observed.config_version > t->config_version ? t->observed.config_version
								      : t->config_version;
}

/* The other one must have what the own one has, too, before it can take the place. */
void slot_want_version(struct slot *x)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);
	int64_t newest = t ? newest_version(t) : 0, own = x->own->probe.config_version;

	if (t)
		want_version(x->own, newest);
	want_version(x->other, own > newest ? own : newest);
}

/* ---- look ---- */

int64_t slot_earlier(int64_t a_ms, int64_t b_ms)
{
	return !a_ms || (b_ms && b_ms < a_ms) ? b_ms : a_ms;
}

static void arm(struct slot *x, int64_t a_ms, int64_t b_ms)
{
	int64_t now = clock_mono_ms();
	int64_t at = slot_earlier(a_ms, b_ms);

	timer_stop(&x->wake);
	if (at)
		timer_start(&x->wake, at > now ? at - now : 1);
}

/* true: look again, facts have changed. */
static bool act(struct slot *x, struct connector *c, const struct verdict *v)
{
	switch (v->action) {
	case STEP_NOTHING:
		return false;
	case STEP_START:
		start(x, c);
		return true;
	case STEP_TERM:
		process_terminate(x->own, v->reason);
		return true;
	case STEP_KILL:
		put_down(x, c);
		return true;
	case STEP_FORGET:
		x->forget = true;
		deferred_start(&x->s->pass);
		return false;
	}
	return false;
}

static bool unsure(const struct slot *x)
{
	return x->own->unsure || (x->other && x->other->unsure);
}

/* Whether it runs is asked again before anything is started. */
static bool still_unsure(struct slot *x)
{
	if (!unsure(x))
		return false;
	slot_find(x, NULL);
	if (unsure(x))
		timer_start(&x->wake, UNSURE_MS);
	return unsure(x);
}

static bool look_own(struct slot *x, struct connector *c, int64_t *wake_ms)
{
	struct facts f;
	struct verdict v;

	slot_facts(x, c, &f);
	v = step(&f);
	*wake_ms = v.wake_ms;
	/* A start that works is the next state; one that fails has its own. */
	if (v.action != STEP_START)
		slot_enter(x, c, &v);
	return act(x, c, &v);
}

/* The other process first: while it may take the place, no new one is started. */
void slot_look(struct slot *x)
{
	struct connector *c = slot_connector(x);
	int64_t replace_ms = 0, step_ms = 0, heal_ms = 0;
	bool again = true;

	if (!c) {
		deferred_start(&x->s->pass);
		return;
	}
	if (still_unsure(x))
		return;
	end_stop(x, c);
	keep_stop(x, c);
	slot_heal(x, c, &heal_ms);
	slot_replace_forget(x, c);
	for (int i = 0; again && i < LOOKS_MOST; i++)
		again = slot_replace(x, c, &replace_ms) || look_own(x, c, &step_ms);
	arm(x, again ? 1 : slot_earlier(replace_ms, step_ms), heal_ms);
	if (x->keep_due)
		slot_keep(x, false);
	slot_show(x, c);
}
