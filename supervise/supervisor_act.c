/* What is done to a connector: found again, started, stopped, judged at its end, forgotten. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

#define LOG_CEILING ((int64_t)1 << 20)
#define PORT_TRIES  20
#define LOOKS_MOST  4 /* verdicts in a row for one look: start, then what follows from it */
#define UNSURE_MS   5000

/* ---- the log ---- */

static void line_came(struct tail *t, const char *line, size_t len, void *owner)
{
	struct slot *x = owner;
	struct connector *c = slot_connector(x);

	(void)t;
	outlog_add(&x->log, line, len, NULL);
	str_copy(x->probe.expected_id, sizeof(x->probe.expected_id), x->log.connector_id);
	if (!c)
		return;
	/* Not told: a chatty log is no reason to wake everybody; the next change brings it along.
	 */
	str_set(&c->last_line, outlog_line(&x->log, 0));
}

static void follow_log(struct slot *x)
{
	AUTO(fd_t) fd = x->tail.running ? -1 : x->s->launcher->ops->folder(x->s->launcher, x->id);
	struct err e;

	if (fd < 0)
		return;
	if (tail_start(&x->tail, x->s->loop, fd, "log", -1, LOG_CEILING, line_came, x, &e))
		log_warning("the log of connector %s is not followed: %s", x->id, e.message);
}

/* ---- ports ---- */

/* A loopback port that nobody listens on; 0 in = any. -1 when it is taken. */
static int port_try(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	AUTO(fd_t) fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (const struct sockaddr *)&at, len) ||
	    getsockname(fd, (struct sockaddr *)&at, &len))
		return -1;
	return ntohs(at.sin_port);
}

static bool port_promised(const struct slot *x, int port)
{
	const struct map_entry *entry;

	for (size_t i = 0; (entry = map_next(&x->s->slots, &i)) != NULL;) {
		const struct slot *other = entry->value;

		if (other != x && other->memory.metrics_port == port)
			return true;
	}
	return false;
}

/* The one it had, so that people and firewalls find it again; another when that one is taken. */
static int port_choose(const struct slot *x)
{
	int port = x->memory.metrics_port;

	if (port && x->last_exit != REASON_PORT_BUSY && port_try(port) == port &&
	    !port_promised(x, port))
		return port;
	for (int i = 0; i < PORT_TRIES; i++) {
		port = port_try(0);
		if (port > 0 && !port_promised(x, port))
			return port;
	}
	return 0;
}

/* ---- start ---- */

static struct launch_spec spec_of(const struct slot *x, int port)
{
	const struct supervisor_options *o = &x->s->options;
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);

	return (struct launch_spec){
		.id = x->id,
		.tunnel_id = t && *t->remote_id ? t->remote_id : x->memory.tunnel_id,
		.label = o->label,
		.protocol = o->protocol,
		.cloudflared = o->cloudflared,
		.grace_ms = o->grace_ms,
		.metrics_port = port,
		.token_generation = x->memory.token_generation,
	};
}

bool slot_outdated(const struct slot *x)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);
	struct launch_spec spec = spec_of(x, x->memory.metrics_port);

	if (x->s->store && t && t->token_generation > x->memory.token_generation)
		return true;
	return !x->s->launcher->ops->current(x->s->launcher, &spec);
}

/* A file that was spoilt here looks like a token that was refused: the store's copy may do. */
static bool token_is_newest(const struct slot *x, const struct tunnel *t)
{
	if (!x->memory.has_token || t->token_generation > x->memory.token_generation)
		return false;
	return x->last_exit != REASON_BAD_TOKEN || t->token_generation < x->memory.token_generation;
}

/* The store's token when it is newer than the folder's; none when the folder's is to be kept. */
static int newer_token(const struct slot *x, struct secret *token, int64_t *generation,
		       struct err *e)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);

	if (!x->s->store || !t || t->token_generation == 0)
		return 0;
	if (token_is_newest(x, t))
		return 0;
	if (store_load_token(x->s->store, x->tunnel_id, token, e))
		return x->memory.has_token ? 0 : -1; /* the old one may still do */
	*generation = t->token_generation;
	return 0;
}

static enum reason start_process(struct slot *x, struct err *e)
{
	struct launcher *l = x->s->launcher;
	struct launch_spec spec = spec_of(x, port_choose(x));
	AUTO(secret_t) token = {0};

	if (newer_token(x, &token, &spec.token_generation, e))
		return REASON_NO_TOKEN;
	if (!spec.metrics_port) {
		(void)err_set(e, ERR_INTERNAL, "no loopback port is free for its metrics");
		return REASON_NO_START;
	}
	if (l->ops->prepare(l, &spec, secret_present(&token) ? &token : NULL, e))
		return REASON_NO_START;
	x->memory.metrics_port = spec.metrics_port;
	x->memory.token_generation = spec.token_generation;
	x->memory.has_token = true;
	x->memory.stopped = false;
	str_copy(x->memory.tunnel_id, sizeof(x->memory.tunnel_id), spec.tunnel_id);
	follow_log(x);
	outlog_begin(&x->log);
	if (l->ops->start(l, &spec, e))
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_DENIED ? REASON_NO_BINARY
									 : REASON_NO_START;
	return REASON_NONE;
}

/* What kept it from starting does so no longer; another problem lasts until it serves. */
static void problem_of_running(struct slot *x, struct connector *c)
{
	enum reason r = x->problem_reason;

	if (r == REASON_NO_BINARY || r == REASON_NO_START || r == REASON_NO_TOKEN)
		problem_clear(&c->problem);
	if (c->problem)
		c->problem->next_try_ms = 0;
}

static void process_runs(struct slot *x, struct connector *c, pid_t pid, int64_t started_wall)
{
	int64_t age = clock_wall_ms() - started_wall;

	x->running = true;
	x->pid = pid;
	x->watched_ms = clock_mono_ms();
	x->began_ms = x->watched_ms - (age > 0 ? age : 0);
	x->term_sent_ms = 0;
	x->kill_sent = false;
	x->stop_reason = REASON_NONE;
	err_clear(&x->start_err);
	problem_of_running(x, c);
	c->started_ms = started_wall;
	probe_start(&x->probe, x->memory.metrics_port);
}

/* When the next start may come. A stable run is forgiven everything. */
static void plan_start(struct slot *x, enum reason r, int64_t ran_ms)
{
	static const struct backoff soon = {100, 60 * 1000, 50};
	static const struct backoff slowly = {60 * 1000, 600 * 1000, 10};
	int64_t delay = 0;

	x->last_exit = r;
	if (r == REASON_ASKED) {
		x->exits = x->blocks = 0;
	} else if (reason_info(r)->retry == RETRY_SLOWLY) {
		x->exits = 0;
		delay = backoff_delay(&slowly, ++x->blocks, random_u64());
	} else if (ran_ms >= STABLE_MS) {
		x->exits = x->blocks = 0;
	} else {
		x->blocks = 0;
		delay = backoff_delay(&soon, ++x->exits, random_u64());
	}
	x->next_start_ms = delay ? clock_mono_ms() + delay : 0;
}

static void start(struct slot *x, struct connector *c)
{
	bool tokens = c->token_generation != x->memory.token_generation;
	enum reason why = x->last_exit == REASON_NONE ? REASON_NEW : x->last_exit;
	enum reason failed;
	struct err e;
	int port;
	int64_t started;

	x->restart_seen = c->restart_asked;
	x->roll = x->roll_now = false;
	failed = start_process(x, &e);
	if (failed == REASON_NONE &&
	    x->s->launcher->ops->find(x->s->launcher, x->id, &x->pid, &port, &started, &e))
		failed = REASON_NO_START;
	if (failed != REASON_NONE) {
		x->start_err = e;
		plan_start(x, failed, 0);
		slot_problem(x, c, failed);
		return;
	}
	x->found = false;
	process_runs(x, c, x->pid, clock_wall_ms());
	tokens |= c->token_generation != x->memory.token_generation;
	c->token_generation = x->memory.token_generation;
	if (tokens)
		slot_save(x, c);
	slot_event(x, c, "connector_started", NULL, "started as process %d: %s", (int)x->pid,
		   reason_info(why)->sentence);
}

/* ---- found again ---- */

void slot_find(struct slot *x)
{
	struct launcher *l = x->s->launcher;
	struct connector *c = slot_connector(x);
	struct err e;
	int port;
	int64_t started;
	pid_t pid;

	if (l->ops->recall(l, x->id, &x->memory, &e) && e.kind != ERR_NOT_FOUND)
		log_warning("connector %s: %s", x->id, e.message);
	str_copy(c->remote_tunnel, sizeof(c->remote_tunnel), x->memory.tunnel_id);
	if (!c->token_generation) /* no row tells of it */
		c->token_generation = x->memory.token_generation;
	x->unsure = false;
	if (l->ops->find(l, x->id, &pid, &port, &started, &e)) {
		x->unsure = e.kind != ERR_NOT_FOUND;
		if (x->unsure)
			log_warning("connector %s: it may run: %s", x->id, e.message);
		return;
	}
	x->memory.metrics_port = port;
	x->found = true;
	process_runs(x, c, pid, started);
	c->token_generation = x->memory.token_generation;
	follow_log(x);
	x->roll = slot_outdated(x);
	slot_event(x, c, "connector_found", NULL, "runs already as process %d", (int)pid);
	slot_show(x, c);
}

/* ---- stop ---- */

static void terminate(struct slot *x, const struct verdict *v)
{
	x->stop_reason = v->reason;
	x->term_sent_ms = clock_mono_ms();
	/* While it drains it says 503 and then nothing: that is no news. */
	probe_stop(&x->probe);
	x->s->launcher->ops->stop(x->s->launcher, x->id, false);
}

static void put_down(struct slot *x, struct connector *c)
{
	x->kill_sent = true;
	x->s->launcher->ops->stop(x->s->launcher, x->id, true);
	slot_event(x, c, "connector_killed", NULL, "did not stop in time and was killed");
}

static void set_last_exit(struct connector *c, int code, int signo, int64_t ran_ms)
{
	char ran[TEXT_TIME_SIZE];

	duration_human(ran_ms, ran);
	free(c->last_exit);
	if (signo)
		c->last_exit = str_format("signal %d after %s", signo, ran);
	else if (code >= 0)
		c->last_exit = str_format("exit %d after %s", code, ran);
	else
		c->last_exit = str_format("ended after %s", ran);
}

/* What we sent the signal for is the reason, whatever it exits with. */
static enum reason end_reason(const struct slot *x, int code, int signo, int64_t ran_ms)
{
	const struct exit_facts facts = {
		.code = code, .signal = signo, .ran_ms = ran_ms, .log_class = x->log.telling};

	return x->term_sent_ms ? x->stop_reason : reason_of_exit(&facts);
}

static void tell_end(struct slot *x, struct connector *c, enum reason r)
{
	const char *last = outlog_line(&x->log, 0);

	if (r == REASON_ASKED) {
		slot_event(x, c, "connector_exited", NULL, "%s, as asked", c->last_exit);
		return;
	}
	c->restarts++;
	slot_save(x, c);
	slot_problem(x, c, r);
	slot_event(x, c, "connector_exited", last, "%s: %s", c->last_exit,
		   reason_info(r)->sentence);
}

void slot_ended(struct slot *x, int code, int signo)
{
	struct connector *c = slot_connector(x);
	int64_t ran = clock_mono_ms() - x->began_ms;
	enum reason r;

	tail_flush(&x->tail);
	probe_stop(&x->probe);
	x->running = x->found = false;
	x->pid = 0;
	if (!c) {
		deferred_start(&x->s->pass);
		return;
	}
	r = end_reason(x, code, signo, ran);
	set_last_exit(c, code, signo, ran);
	plan_start(x, r, ran);
	supervisor_batch_begin(x->s);
	tell_end(x, c, r);
	slot_look(x);
	supervisor_batch_end(x->s);
}

/* ---- look ---- */

static void arm(struct slot *x, const struct verdict *v)
{
	int64_t now = clock_mono_ms();

	timer_stop(&x->wake);
	if (v->wake_ms)
		timer_start(&x->wake, v->wake_ms > now ? v->wake_ms - now : 1);
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
		terminate(x, v);
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

/* Whether it runs is asked again before anything is started. */
static bool still_unsure(struct slot *x)
{
	if (x->unsure)
		slot_find(x);
	if (x->unsure)
		timer_start(&x->wake, UNSURE_MS);
	return x->unsure;
}

void slot_look(struct slot *x)
{
	struct connector *c = slot_connector(x);
	bool again = true;

	if (!c) {
		deferred_start(&x->s->pass);
		return;
	}
	if (still_unsure(x))
		return;
	for (int i = 0; again && i < LOOKS_MOST; i++) {
		struct facts f;
		struct verdict v;

		slot_facts(x, c, &f);
		v = step(&f);
		/* A start that works is the next state; one that fails has its own. */
		if (v.action != STEP_START)
			slot_enter(x, c, &v);
		arm(x, &v);
		again = act(x, c, &v);
	}
	slot_show(x, c);
}

static void wake_up(struct timer *t, void *owner)
{
	(void)t;
	slot_look(owner);
}

static void probe_told(struct probe *p, void *owner)
{
	(void)p;
	slot_look(owner);
}

/* ---- slots ---- */

struct slot *slot_new(struct supervisor *s, const struct connector *c)
{
	struct slot *x = mem_alloc(sizeof(*x));

	x->s = s;
	x->number = c->slot;
	x->restart_seen = c->restart_asked;
	str_copy(x->id, sizeof(x->id), c->id);
	str_copy(x->tunnel_id, sizeof(x->tunnel_id), c->tunnel_id);
	timer_init(&x->wake, s->loop, wake_up, x);
	probe_init(&x->probe, s->loop, s->probes, probe_told, x);
	x->probe.interval_ms = s->options.probe_interval_ms;
	x->probe.timeout_ms = s->options.probe_timeout_ms;
	x->probe.edge_wanted = EDGE_WANTED;
	return x;
}

void slot_free(struct slot *x)
{
	timer_stop(&x->wake);
	probe_stop(&x->probe);
	tail_stop(&x->tail);
	outlog_free(&x->log);
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

/* Folder first: what is left of it after a crash would look like the last good state. */
bool slot_forget(struct slot *x)
{
	struct launcher *l = x->s->launcher;
	struct err e;

	tail_stop(&x->tail);
	if (l->ops->remove(l, x->id, &e) || drop_row(x, &e)) {
		log_warning("connector %s cannot be removed: %s", x->id, e.message);
		return false;
	}
	return true;
}
