/* One connector as facts for step, and step's verdict as the object that people see. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

struct connector *slot_connector(const struct slot *x)
{
	return world_connector(x->s->world, x->id);
}

/* ---- facts ---- */

static bool has_token(const struct slot *x, const struct tunnel *t)
{
	return x->memory.has_token || (x->s->store && t && t->token_generation > 0);
}

static void process_facts(const struct slot *x, struct facts *f)
{
	const struct probe *p = &x->probe;

	f->running = x->running;
	f->started_ms = x->watched_ms;
	f->term_sent_ms = x->term_sent_ms;
	f->kill_sent = x->kill_sent;
	f->stop_reason = x->stop_reason;
	f->ever_ready = p->ever_ready;
	f->last_answer_ms = p->last_answer_ms;
	f->failures = p->failures;
	f->edge = p->edge;
	f->edge_wanted = EDGE_WANTED;
	f->unready_since_ms = p->zero_since_ms;
	f->log_class = outlog_refused(&x->log);
}

void slot_facts(const struct slot *x, const struct connector *c, struct facts *f)
{
	const struct supervisor_options *o = &x->s->options;

	*f = (struct facts){
		.now_ms = clock_mono_ms(),
		.absent = c->want == WANT_ABSENT,
		.stopped = c->stopped_by_user,
		.has_token = has_token(x, world_tunnel(x->s->world, x->tunnel_id)),
		.restart_asked = c->restart_asked != x->restart_seen || x->roll_now,
		.grace_ms = o->grace_ms,
		.last_exit = x->last_exit,
		.next_start_ms = x->next_start_ms,
		.retry = reason_info(x->last_exit)->retry,
		.failure_limit = (int)o->probe_failures,
		.unready_limit_ms = o->unready_ms,
		.window_ms = START_WINDOW_MS,
	};
	process_facts(x, f);
}

/* ---- telling ---- */

/* Our own changes need no pass: who makes them looks at the slot himself. */
void slot_changed(const struct slot *x)
{
	x->s->muted++;
	world_changed(x->s->world, OBJECT_CONNECTOR, x->id);
	x->s->muted--;
}

void supervisor_batch_begin(struct supervisor *s)
{
	struct err e;

	if (!s->store || s->batch++)
		return;
	s->batch_open = store_begin(s->store, &e) == 0;
	if (!s->batch_open)
		log_warning("what happens to connectors is not saved: %s", e.message);
}

void supervisor_batch_end(struct supervisor *s)
{
	struct err e;

	if (!s->store || --s->batch || !s->batch_open)
		return;
	s->batch_open = false;
	if (store_commit(s->store, &e))
		log_warning("what happened to connectors is not saved: %s", e.message);
}

void slot_save(const struct slot *x, const struct connector *c)
{
	struct err e;

	supervisor_batch_begin(x->s);
	if (x->s->batch_open && store_save_connector(x->s->store, c, &e))
		log_warning("connector %s is not saved: %s", x->id, e.message);
	supervisor_batch_end(x->s);
}

void slot_event(const struct slot *x, const struct connector *c, const char *kind,
		const char *detail, const char *fmt, ...)
{
	char name[128];
	AUTO(str_t) message = NULL;
	AUTO(str_t) outside = str_dup(detail);
	struct event ev = {.object_type = OBJECT_CONNECTOR};
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	message = str_vformat(fmt, ap);
	va_end(ap);
	connector_name(x->s->world, c, name, sizeof(name));
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"connector", x->id}, {"event", kind}),
		  "connector %s: %s", name, message);
	if (!x->s->store)
		return;
	AUTO(str_t) id = str_dup(x->id);
	AUTO(str_t) shown = str_dup(name);
	AUTO(str_t) word = str_dup(kind);
	ev.object_id = id;
	ev.object_name = shown;
	ev.kind = word;
	ev.message = message;
	ev.untrusted_detail = outside;
	if (store_add_event(x->s->store, &ev, &e))
		log_warning("an event is not saved: %s", e.message);
}

/* Sentences of ours only: what the log says is from outside and stands in last_line. */
void slot_problem(struct slot *x, struct connector *c, enum reason r)
{
	const struct reason_info *info = reason_info(r);
	struct err e;

	if (info->kind == ERR_NONE)
		return;
	x->problem_reason = r;
	if (x->start_err.kind != ERR_NONE)
		(void)err_set(&e, info->kind, "%s", x->start_err.message);
	else if (c->last_exit && !x->running)
		(void)err_set(&e, info->kind, "%s (%s)", info->sentence, c->last_exit);
	else
		(void)err_set(&e, info->kind, "%s", info->sentence);
	if (info->cure)
		(void)err_hint(&e, "%s", info->cure);
	problem_set(&c->problem, &e, clock_wall_ms());
	c->problem->next_try_ms = x->running ? 0 : x->next_start_ms;
}

/* ---- the object ---- */

static bool set_int(int64_t *slot, int64_t v)
{
	bool news = *slot != v;

	*slot = v;
	return news;
}

static bool set_text(char *slot, size_t size, const char *v)
{
	bool news = strcmp(slot, v) != 0;

	str_copy(slot, size, v);
	return news;
}

void slot_show(struct slot *x, struct connector *c)
{
	const struct probe *p = &x->probe;
	bool news = c->pid != x->pid || c->metrics_port != x->memory.metrics_port;

	c->pid = x->pid;
	c->metrics_port = x->memory.metrics_port;
	news |= set_int(&c->edge_connections, x->running ? p->edge : 0);
	news |= set_int(&c->config_version, x->running ? p->config_version : -1);
	news |= set_int(&c->next_try_ms, x->running ? 0 : x->next_start_ms);
	news |= set_text(c->connector_id, sizeof(c->connector_id),
			 x->running ? p->connector_id : "");
	if (*x->log.version && !str_equal(c->version, x->log.version)) {
		str_set(&c->version, x->log.version);
		news = true;
	}
	if (news)
		slot_changed(x);
}

/* Its log may know why it takes so long: cloudflared tries for ever and never ends of that. */
static char *starting_words(const struct slot *x, enum reason r)
{
	if (x->log.telling != REASON_NONE)
		return str_dup(reason_info(x->log.telling)->sentence);
	if (x->found)
		return str_dup("it was running already");
	if (r == REASON_NEW)
		return str_dup(reason_info(r)->sentence);
	return str_format("started again: %s", reason_info(r)->sentence);
}

/* Why it is in this state, as one sentence; NULL when there is nothing to explain. */
static char *words_for(const struct slot *x, const struct verdict *v)
{
	switch (v->state) {
	case CONNECTOR_READY:
		return NULL;
	case CONNECTOR_DEGRADED:
		return str_format("%d of %d edge connections", x->probe.edge, EDGE_WANTED);
	case CONNECTOR_STARTING:
		return starting_words(x, v->reason);
	case CONNECTOR_STOPPED:
	case CONNECTOR_UNREADY:
	case CONNECTOR_RESTARTING:
	case CONNECTOR_BLOCKED:
	case CONNECTOR_DRAINING:
	case CONNECTOR_STATES:
		break;
	}
	if (!x->running && x->start_err.kind != ERR_NONE)
		return str_dup(x->start_err.message);
	return str_dup(reason_info(v->reason)->sentence);
}

/* What people want to hear of once per change. */
static void tell_state(struct slot *x, struct connector *c, const struct verdict *v)
{
	bool serving = connector_serving(c);

	if (serving && !x->serving_told)
		slot_event(x, c, "connector_ready", NULL, "serves with %d edge connections",
			   x->probe.edge);
	x->serving_told = serving;
	if (c->state == CONNECTOR_BLOCKED) {
		if (v->reason == REASON_NO_TOKEN)
			slot_problem(x, c, v->reason);
		slot_event(x, c, "connector_blocked", outlog_line(&x->log, 0), "blocked: %s",
			   c->reason);
	} else if (c->state == CONNECTOR_UNREADY) {
		slot_problem(x, c, v->reason);
		slot_event(x, c, v->reason == REASON_HUNG ? "connector_hung" : "connector_unready",
			   outlog_line(&x->log, 0), "%s", c->reason);
	} else if (c->state == CONNECTOR_STOPPED && c->since_ms) {
		slot_event(x, c, "connector_stopped", NULL, "stopped");
	}
}

static void settle(struct slot *x, struct connector *c)
{
	if (connector_serving(c) || c->state == CONNECTOR_STOPPED)
		problem_clear(&c->problem);
	/* It may be replaced now, or the next one, if this was the one whose turn it was. */
	if (connector_serving(c) && (x->roll || str_equal(x->s->rolling, x->id)))
		deferred_start(&x->s->pass);
}

void slot_enter(struct slot *x, struct connector *c, const struct verdict *v)
{
	AUTO(str_t) words = words_for(x, v);
	bool moved = c->state != v->state || c->since_ms == 0;

	if (!moved && str_equal(c->reason, words))
		return;
	free(c->reason);
	c->reason = steal(&words);
	if (moved) {
		c->state = v->state;
		tell_state(x, c, v);
		settle(x, c);
		c->since_ms = clock_wall_ms();
	}
	slot_changed(x);
}
