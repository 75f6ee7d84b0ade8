/* One connector as facts for the two tables. */
#include "base/clock.h"
#include "supervise/slot.h"

struct connector *slot_connector(const struct slot *x)
{
	return world_connector(x->s->world, x->id);
}

static bool has_token(const struct slot *x, const struct tunnel *t)
{
	return x->own->memory.has_token || (x->s->store && t && t->token_generation > 0);
}

/* What counts on in the other clock. */
static int64_t mono_of(int64_t wall_ms)
{
	int64_t left = wall_ms ? wall_ms - clock_wall_ms() : 0;

	return wall_ms ? clock_mono_ms() + (left > 0 ? left : 0) : 0;
}

static bool other_runs(const struct slot *x)
{
	return x->other && x->other->running;
}

/* Whether it serves is not known yet. */
static bool is_unheard(const struct process *p)
{
	return p->running && p->probe.edge < 0 &&
	       p->probe.failures < p->x->s->options.probe_failures;
}

/* Where nobody is served, nothing is lost by stopping it before the next one is started. One that
 * ran before us served, for all that is known. */
static bool plain_restart(const struct slot *x, const struct connector *c)
{
	enum reason cause = slot_cause(x, c);

	if (!x->own->running)
		return c->restart_asked != x->own->restart_seen;
	if (cause == REASON_NONE || process_serves(x->own) || other_runs(x) ||
	    (x->own->found && is_unheard(x->own)))
		return false;
	return cause == REASON_ASKED || x->own->probe.edge >= 0;
}

static void process_facts(const struct process *p, struct facts *f)
{
	const struct probe *probe = &p->probe;

	f->running = p->running;
	f->started_ms = p->watched_ms;
	f->term_sent_ms = p->term_sent_ms;
	f->term_noted = p->term_noted;
	f->kill_sent = p->kill_sent;
	f->stop_reason = p->stop_reason;
	f->ever_ready = probe->ever_ready;
	f->last_answer_ms = probe->last_answer_ms;
	f->failures = probe->failures;
	f->edge = probe->edge;
	f->edge_wanted = EDGE_WANTED;
	f->unready_since_ms = probe->zero_since_ms;
	f->log_class = outlog_refused(process_log(p));
}

void slot_facts(const struct slot *x, const struct connector *c, struct facts *f)
{
	const struct supervisor_options *o = &x->s->options;

	*f = (struct facts){
		.now_ms = clock_mono_ms(),
		.absent = c->want == WANT_ABSENT,
		.stopped = c->stopped_by_user,
		.stopped_until_ms = mono_of(c->stopped_until_ms),
		.other_runs = other_runs(x),
		.has_token = has_token(x, world_tunnel(x->s->world, x->tunnel_id)),
		.restart_asked = plain_restart(x, c),
		.grace_ms = o->grace_ms,
		.last_exit = x->budget.last,
		.next_start_ms = x->budget.next_start_ms,
		.retry = reason_info(x->budget.last)->retry,
		.failure_limit = (int)o->probe_failures,
		.unready_limit_ms = o->unready_ms,
		.window_ms = START_WINDOW_MS,
	};
	process_facts(x->own, f);
	f->quic_useless = slot_quic_useless(x, x->own, &f->quic_until_ms);
}

/* Before it is as the one that serves, there is nothing to prove. */
static enum edge_gate gate_of(const struct slot *x, const struct process *p)
{
	bool comes_up = p->running && !p->replaced && !p->term_sent_ms && p->full_ms &&
			p->probe.config_version >= x->own->probe.config_version;

	return comes_up && x->s->edges ? edge_probes_gate(x->s->edges, x->tunnel_id, p->pid)
				       : EDGE_GATE_NONE;
}

static void other_facts(const struct slot *x, struct replace_other *o)
{
	const struct process *p = x->other;

	*o = (struct replace_other){
		.there = true,
		.running = p->running,
		.replaced = p->replaced,
		.started_ms = p->watched_ms,
		.term_sent_ms = p->term_sent_ms,
		.term_noted = p->term_noted,
		.kill_sent = p->kill_sent,
		.edge = p->probe.edge,
		.last_answer_ms = p->probe.last_answer_ms,
		.failures = p->probe.failures,
		.full_ms = p->full_ms,
		.outdated = p->outdated == REASON_NEW_TOKEN || p->outdated == REASON_OPTIONS,
		.edge_gate = gate_of(x, p),
		.config_behind = p->probe.config_version < x->own->probe.config_version,
		.log_class = outlog_refused(process_log(p)),
	};
	o->quic_useless = slot_quic_useless(x, p, &o->quic_until_ms);
}

void slot_replace_facts(const struct slot *x, const struct connector *c, struct replace_facts *f)
{
	const struct supervisor_options *o = &x->s->options;
	const struct process *own = x->own;

	*f = (struct replace_facts){
		.now_ms = clock_mono_ms(),
		.unwanted = c->want == WANT_ABSENT || c->stopped_by_user,
		.running = own->running && !own->term_sent_ms,
		.serves = process_serves(own),
		.unheard = is_unheard(own),
		.edge = own->probe.edge,
		.cause = x->turn ? slot_cause(x, c) : REASON_NONE,
		.not_before_ms = slot_trouble(x)->replace_again_ms,
		.failure_limit = (int)o->probe_failures,
		.grace_ms = o->grace_ms,
		.window_ms = START_WINDOW_MS,
		.settle_ms = REPLACE_SETTLE_MS,
	};
	if (x->other)
		other_facts(x, &f->other);
}
