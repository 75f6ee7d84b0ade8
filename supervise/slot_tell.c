/* A verdict as the object that people see: state, words, events, problem. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

/* ---- telling ---- */

/* Our own changes need no pass: who makes them looks at the slot himself. */
void slot_changed(const struct slot *x)
{
	x->s->muted++;
	world_changed(x->s->world, OBJECT_CONNECTOR, x->id);
	x->s->muted--;
}

void slot_save(const struct slot *x)
{
	notes_save(&x->s->notes, x->id);
}

void slot_event(const struct slot *x, const struct connector *c, const char *kind,
		const char *detail, const char *fmt, ...)
{
	char name[128];
	AUTO(str_t) message = NULL;
	va_list ap;

	va_start(ap, fmt);
	message = str_vformat(fmt, ap);
	va_end(ap);
	connector_name(x->s->world, c, name, sizeof(name));
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"connector", x->id}, {"event", kind}),
		  "connector %s: %s", name, message);
	if (!x->s->store)
		return;
	notes_event(&x->s->notes, &(struct note){.connector_id = x->id,
						 .name = name,
						 .kind = kind,
						 .message = message,
						 .untrusted_detail = detail});
}

/* Sentences of ours only: what the log says is from outside and stands in last_line. */
static void take_problem(struct slot *x, struct connector *c, struct err *e, const char *cure,
			 int64_t next_try_ms)
{
	if (cure)
		(void)err_hint(e, "%s", cure);
	problem_set(&c->problem, e, clock_wall_ms());
	c->problem->next_try_ms = next_try_ms;
	slot_changed(x);
}

void slot_problem(struct slot *x, struct connector *c, enum reason r)
{
	const struct reason_info *info = reason_info(r);
	const char *last_exit = connector_past(c)->last_exit;
	struct err e;

	if (info->kind == ERR_NONE)
		return;
	x->problem_reason = r;
	if (x->start_err)
		(void)err_set(&e, info->kind, "%s", x->start_err);
	else if (last_exit && !x->own->running)
		(void)err_set(&e, info->kind, "%s (%s)", info->sentence, last_exit);
	else
		(void)err_set(&e, info->kind, "%s", info->sentence);
	take_problem(x, c, &e, info->cure, x->own->running ? 0 : x->budget.next_start_ms);
}

void slot_problem_replacing(struct slot *x, struct connector *c, enum reason r,
			    const char *sentence)
{
	const struct reason_info *not_up = reason_info(REASON_NOT_UP);
	const struct reason_info *info = reason_info(r);
	struct err e;

	x->problem_reason = REASON_NOT_UP;
	(void)err_set(&e, info->kind == ERR_NONE ? not_up->kind : info->kind, "%s: %s",
		      not_up->sentence, sentence);
	take_problem(x, c, &e, info->cure ? info->cure : not_up->cure,
		     slot_trouble(x)->replace_again_ms);
}

/* ---- the object ---- */

static bool set_int(int64_t *slot, int64_t v)
{
	bool news = *slot != v;

	*slot = v;
	return news;
}

static bool set_small(int *slot, int v)
{
	bool news = *slot != v;

	*slot = v;
	return news;
}

static bool set_word(char **slot, const char *v)
{
	bool news = !str_equal(*slot, v);

	if (news)
		str_set(slot, v);
	return news;
}

/* By /ready, and until it has answered by its log. */
static struct uuid client_id(const struct process *p)
{
	if (!p || !p->running)
		return (struct uuid){0};
	if (uuid_known(&p->probe.connector_id))
		return p->probe.connector_id;
	return uuid_read(process_log(p)->connector_id);
}

static bool show_clients(const struct slot *x, struct connector *c)
{
	struct uuid own = client_id(x->own), other = client_id(x->other), was = c->connector_id;
	bool another = !uuid_same(&was, &own), news = false;
	char beside[UUID_SIZE] = "";

	c->connector_id = own;
	if (uuid_known(&other) || another)
		uuid_format(uuid_known(&other) ? &other : &was, beside);
	news = *beside && strcmp(connector_past(c)->other_id, beside) != 0;
	if (news)
		str_copy(connector_past_make(c)->other_id, UUID_SIZE, beside);
	return another || news;
}

static bool show_replacing(const struct slot *x, struct connector *c)
{
	const struct process *p = x->other;
	bool replacing = p && p->running && !p->replaced && !p->term_sent_ms;
	bool news = c->replacing != replacing;
	const char *why = replacing ? reason_info(x->replace_why)->sentence : NULL;

	c->replacing = replacing;
	if (str_equal(connector_past(c)->replacing_why, why))
		return news;
	str_set(&connector_past_make(c)->replacing_why, why);
	return true;
}

/* One sentence when it is there, and the version as soon as it is known. */
static bool show_disk(const struct slot *x, struct connector *c)
{
	bool other = slot_outruns(x), told = c->update_available;
	const char *version = other ? disk_version(&x->s->disk) : NULL;

	c->update_available = other;
	if (other && !told)
		slot_event(x, c, "connector_update_available", NULL, "%s",
			   reason_info(REASON_UPGRADE)->sentence);
	if (str_equal(connector_past(c)->disk_version, version))
		return told != other;
	str_set(&connector_past_make(c)->disk_version, version);
	return true;
}

void slot_show_remote(const struct slot *x, struct connector *c)
{
	if (!world_tunnel(x->s->world, x->tunnel_id))
		uuid_format(&x->own->memory.tunnel_id, connector_past_make(c)->remote_tunnel);
}

void slot_show(struct slot *x, struct connector *c)
{
	const struct process *own = x->own;
	const struct probe *p = &own->probe;
	bool news = c->pid != own->pid || c->metrics_port != own->memory.metrics_port;

	c->pid = own->pid;
	c->metrics_port = own->memory.metrics_port;
	news |= set_small(&c->edge_connections, own->running ? p->edge : 0);
	news |= set_int(&c->config_version, own->running ? p->config_version : -1);
	news |= set_int(&c->next_try_ms, own->running ? 0 : x->budget.next_start_ms);
	news |= show_clients(x, c);
	if (process_version(own))
		news |= set_word(&c->version, process_version(own));
	news |= show_replacing(x, c);
	news |= show_disk(x, c);
	news |= slot_show_health(x, c);
	if (news)
		slot_changed(x);
}

/* Its log may know why it takes so long: cloudflared tries for ever and never ends of that. */
static char *starting_words(const struct slot *x, enum reason r)
{
	if (process_log(x->own)->telling != REASON_NONE)
		return str_dup(reason_info(process_log(x->own)->telling)->sentence);
	if (x->own->found)
		return str_dup("it was running already");
	if (r == REASON_NEW)
		return str_dup(reason_info(r)->sentence);
	return str_format("started again: %s", reason_info(r)->sentence);
}

/* That it has no connection is seen; why, its log may know. */
static enum reason shown_reason(const struct slot *x, const struct verdict *v)
{
	enum reason telling = process_log(x->own)->telling;

	return v->reason == REASON_UNREADY && telling != REASON_NONE ? telling : v->reason;
}

/* Why it is in this state, as one sentence; NULL when there is nothing to explain. */
static char *words_for(const struct slot *x, const struct verdict *v)
{
	switch (v->state) {
	case CONNECTOR_READY:
		return NULL;
	case CONNECTOR_DEGRADED:
		return str_format("%d of %d edge connections", x->own->probe.edge, EDGE_WANTED);
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
	if (!x->own->running && x->start_err)
		return str_dup(x->start_err);
	return str_dup(reason_info(shown_reason(x, v))->sentence);
}

/* Somebody may have given the tunnel another secret: the token is read once more with each slow
 * try. The same one again changes nothing. */
static void ask_for_token(const struct slot *x)
{
	struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);

	if (!t || t->token_due)
		return;
	t->token_due = true;
	x->s->muted++;
	world_changed(x->s->world, OBJECT_TUNNEL, t->id);
	x->s->muted--;
}

/* What people want to hear of once per change. */
static void tell_state(struct slot *x, struct connector *c, const struct verdict *v)
{
	bool serving = connector_serving(c);
	AUTO(str_t) last = outlog_told(process_log(x->own));

	if (serving && !x->serving_told)
		slot_event(x, c, "connector_ready", NULL, "serves with %d edge connections",
			   x->own->probe.edge);
	x->serving_told = serving;
	if (c->state == CONNECTOR_BLOCKED) {
		if (v->reason == REASON_BAD_TOKEN)
			ask_for_token(x);
		if (v->reason == REASON_NO_TOKEN || !c->problem)
			slot_problem(x, c, v->reason);
		slot_event(x, c, "connector_blocked", last, "blocked: %s", c->reason);
	} else if (c->state == CONNECTOR_UNREADY) {
		slot_problem(x, c, shown_reason(x, v));
		slot_event(x, c, v->reason == REASON_HUNG ? "connector_hung" : "connector_unready",
			   last, "%s", c->reason);
	} else if (c->state == CONNECTOR_STOPPED && c->since_ms) {
		slot_event(x, c, "connector_stopped", NULL, "stopped");
	}
}

static void settle(struct slot *x, struct connector *c)
{
	/* That another one cannot take its place goes on being a problem while it serves. */
	bool lasting = connector_serving(c) && slot_trouble(x)->tries > 0 &&
		       x->problem_reason == REASON_NOT_UP;

	if (!lasting && (connector_serving(c) || c->state == CONNECTOR_STOPPED))
		problem_clear(&c->problem);
	/* It may be replaced now, or the next one, if this was the one whose turn it was. */
	if (connector_serving(c) && (x->turn || slot_cause(x, c) != REASON_NONE))
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
	} else if (c->state == CONNECTOR_UNREADY) {
		slot_problem(x, c, shown_reason(x, v));
	}
	slot_changed(x);
}
