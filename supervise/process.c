/* A process: its files, its port, its log; start, find again, stop. What becomes of the connector
 * is not decided here. */
#include "supervise/process.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/slot.h"

#define PORT_TRIES 20
#define SIDE_B     ".b"

/* ---- names ---- */

bool process_connector_id(const char *launch_id, char out[ID_SIZE + 4])
{
	size_t len = strlen(launch_id), tail = strlen(SIDE_B);
	AUTO(str_t) bare = NULL;

	if (len > tail && !strcmp(launch_id + len - tail, SIDE_B))
		len -= tail;
	bare = str_ndup(launch_id, len);
	return str_copy(out, ID_SIZE + 4, bare);
}

bool process_is_b(const struct process *p)
{
	return p->id != p->x->id;
}

/* ---- the log ---- */

void process_said(struct tail *t, const char *line, size_t len, void *owner)
{
	struct process *p = owner;
	struct connector *c = slot_connector(p->x);

	(void)t;
	if (!p->log)
		p->log = mem_alloc(sizeof(*p->log));
	outlog_add(p->log, line, len, NULL);
	if (!c || p != p->x->own)
		return;
	/* Not told: a chatty log is no reason to wake everybody; the next change brings it along.
	 */
	str_set(&c->last_line, outlog_line(p->log, 0));
}

static void follow_log(struct process *p)
{
	struct supervisor *s = p->x->s;
	AUTO(fd_t) fd = p->tail.running ? -1 : s->launcher->ops->folder(s->launcher, p->id);
	struct err e;

	if (fd < 0)
		return;
	if (tail_start(&p->tail, &s->logs, fd, "log", -1, p, &e))
		log_warning("the log of connector %s is not followed: %s", p->id, e.message);
}

/* ---- ports ---- */

static void port_let_go(struct process *p)
{
	fd_t_cleanup(&p->port_fd);
}

/* A loopback port that nobody listens on; 0 in = any. -1 when it is taken. Until it is let go the
 * kernel gives it to nobody, neither as a server's nor as a client's; cloudflared, which names it
 * and sets SO_REUSEADDR as all programs in Go do, can listen on it all the same. */
static int port_take(struct process *p, int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int on = 1;

	port_let_go(p);
	p->port_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->port_fd < 0 || setsockopt(p->port_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(p->port_fd, (const struct sockaddr *)&at, len) ||
	    (!port && getsockname(p->port_fd, (struct sockaddr *)&at, &len)))
		return -1;
	return ntohs(at.sin_port);
}

/* How many processes remember a port: what another one remembers is not given out. */
static void port_remember(struct process *p, int port)
{
	struct ports *ports = &p->x->s->ports;

	if (p->memory.metrics_port)
		ports_remove(ports, p->memory.metrics_port);
	if (port)
		ports_add(ports, port);
	p->memory.metrics_port = (uint16_t)port;
}

static bool port_promised(const struct process *p, int port)
{
	return ports_count(&p->x->s->ports, port) > (port == p->memory.metrics_port);
}

/* The one it had, so that people and firewalls find it again; another when that one is taken. */
static int port_choose(struct process *p)
{
	int port = p->memory.metrics_port;

	if (port && p->x->budget.last != REASON_PORT_BUSY && port_take(p, port) == port &&
	    !port_promised(p, port))
		return port;
	for (int i = 0; i < PORT_TRIES; i++) {
		port = port_take(p, 0);
		if (port > 0 && !port_promised(p, port))
			return port;
	}
	port_let_go(p);
	return 0;
}

/* ---- what it is started with ---- */

static const struct tunnel *tunnel_of(const struct process *p)
{
	return world_tunnel(p->x->s->world, p->x->tunnel_id);
}

/* One that is to show whether quic works again speaks it whatever stands in. */
static const char *protocol_of(const struct process *p)
{
	const char *wanted = p->x->s->options.protocol;

	if (p == p->x->other && !p->replaced && p->x->replace_why == REASON_QUIC_AGAIN)
		return wanted;
	return protocol_name(&slot_trouble(p->x)->protocol, wanted);
}

static struct launch_spec spec_of(const struct process *p, int port)
{
	const struct supervisor_options *o = &p->x->s->options;
	const struct tunnel *t = tunnel_of(p);
	struct launch_spec spec = {
		.id = p->id,
		.label = o->label,
		.protocol = protocol_of(p),
		.cloudflared = o->cloudflared,
		.grace_ms = o->grace_ms,
		.metrics_port = port,
		.ip4_only = protocol_ip4_only(&slot_trouble(p->x)->protocol, clock_wall_ms()),
		.token_generation = p->memory.token_generation,
	};

	if (t && *t->remote_id)
		str_copy(spec.tunnel_id, sizeof(spec.tunnel_id), t->remote_id);
	else
		uuid_format(&p->x->own->memory.tunnel_id, spec.tunnel_id);
	return spec;
}

/* It differs in its protocol alone. What is connected by quic does not leave it because another one
 * could not connect. */
static enum reason other_protocol(const struct process *p)
{
	const struct protocol_state *state = &slot_trouble(p->x)->protocol;

	if (!str_equal(p->x->s->options.protocol, "quic"))
		return REASON_OPTIONS;
	if (state->fallen)
		return state->why == REASON_NO_QUIC ? REASON_NONE : state->why;
	return state->rose_ms ? REASON_QUIC_AGAIN : REASON_OPTIONS;
}

enum reason process_outdated(const struct process *p)
{
	const struct supervisor *s = p->x->s;
	const struct tunnel *t = tunnel_of(p);
	struct launch_spec spec = spec_of(p, p->memory.metrics_port);

	if (s->store && t && !t->token_stale && t->token_generation > p->memory.token_generation)
		return REASON_NEW_TOKEN;
	/* Which addresses it takes is settled when it starts. */
	spec.ip4_only = p->memory.ip4_only;
	if (s->launcher->ops->current(s->launcher, &spec))
		return REASON_NONE;
	spec.protocol = p->memory.protocol;
	return s->launcher->ops->current(s->launcher, &spec) ? other_protocol(p) : REASON_OPTIONS;
}

void process_judge_outdated(struct process *p)
{
	if (p && p->running)
		p->outdated = process_outdated(p);
}

/* A file that was spoilt here looks like a token that was refused: the store's copy may do. */
static bool token_is_newest(const struct process *p, const struct tunnel *t)
{
	if (!p->memory.has_token || t->token_generation > p->memory.token_generation)
		return false;
	return p->x->budget.last != REASON_BAD_TOKEN ||
	       t->token_generation < p->memory.token_generation;
}

/* The token that serves now is as good as the store's when that one cannot be had. */
static int sibling_token(const struct process *p, struct launch_spec *spec, struct err *e)
{
	const struct process *own = p->x->own;

	if (p->memory.has_token &&
	    (own == p || own->memory.token_generation <= p->memory.token_generation))
		return 0;
	if (own == p || !own->memory.has_token)
		return e->kind ? -1 : err_set(e, ERR_NOT_FOUND, "its token is not known");
	spec->token_from = own->id;
	spec->token_generation = own->memory.token_generation;
	return 0;
}

/* The store's token when it is newer than the folder's; none when the folder's is to be kept. */
static int take_token(const struct process *p, struct launch_spec *spec, struct secret *token,
		      struct err *e)
{
	const struct store *s = p->x->s->store;
	const struct tunnel *t = tunnel_of(p);

	err_clear(e);
	if (s && t && t->token_generation > 0) {
		if (token_is_newest(p, t))
			return 0;
		if (store_load_token(p->x->s->store, p->x->tunnel_id, token, e) == 0) {
			spec->token_generation = t->token_generation;
			return 0;
		}
	}
	return sibling_token(p, spec, e); /* the old one may still do */
}

/* ---- start ---- */

static void keep_memory(struct process *p, const struct launch_spec *spec)
{
	struct launch_memory *m = &p->memory;

	port_remember(p, spec->metrics_port);
	m->token_generation = spec->token_generation;
	m->has_token = true;
	m->ip4_only = spec->ip4_only;
	str_copy(m->protocol, sizeof(m->protocol), spec->protocol);
	m->tunnel_id = uuid_read(spec->tunnel_id);
}

static void process_runs(struct process *p, const struct launch_found *f)
{
	int64_t now = clock_mono_ms(), wall = clock_wall_ms();
	int64_t age = wall - f->started_ms, stopping = wall - f->stopping_ms;

	p->running = true;
	p->pid = f->pid;
	p->binary = f->binary;
	p->watched_ms = now;
	p->began_ms = now - (age > 0 ? age : 0);
	p->started_ms = f->started_ms;
	p->term_noted = f->stopping_ms != 0;
	p->term_sent_ms = p->term_noted ? now - (stopping > 0 ? stopping : 0) : 0;
	p->stop_reason = p->term_noted ? REASON_ASKED : REASON_NONE;
	p->kill_sent = false;
	p->full_ms = 0;
	signs_begin(&p->signs);
	probe_start(&p->probe, p->memory.metrics_port);
}

static enum reason launch(struct process *p, const struct launch_spec *spec,
			  const struct secret *token, struct err *e)
{
	struct launcher *l = p->x->s->launcher;
	struct launch_kept none = {0};

	if (l->ops->prepare(l, spec, secret_present(token) ? token : NULL, e))
		return REASON_NO_START;
	keep_memory(p, spec);
	/* What a replacement is to keep, it gets when it serves. */
	if (p != p->x->own && l->ops->keep(l, p->id, &none, false, e))
		return REASON_NO_START;
	follow_log(p);
	if (p->log)
		outlog_begin(p->log);
	if (l->ops->start(l, spec, e))
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_DENIED ? REASON_NO_BINARY
									 : REASON_NO_START;
	return REASON_NONE;
}

static enum reason start(struct process *p, struct err *e)
{
	struct launcher *l = p->x->s->launcher;
	const struct connector *c = slot_connector(p->x);
	struct launch_spec spec = spec_of(p, port_choose(p));
	struct launch_found f;
	AUTO(secret_t) token = {0};
	enum reason r;

	p->restart_seen = c->restart_asked;
	p->upgrade_seen = c->upgrade_asked;
	p->outdated = REASON_NONE;
	p->found = p->replaced = false;
	if (take_token(p, &spec, &token, e))
		return REASON_NO_TOKEN;
	if (!spec.metrics_port) {
		(void)err_set(e, ERR_INTERNAL, "no loopback port is free for its metrics");
		return REASON_NO_START;
	}
	r = launch(p, &spec, &token, e);
	if (r != REASON_NONE)
		return r;
	if (l->ops->find(l, p->id, &f, e))
		return REASON_NO_START;
	f.started_ms = clock_wall_ms();
	process_runs(p, &f);
	return REASON_NONE;
}

/* What did not come up keeps nobody from its port, nor a descriptor. */
enum reason process_start(struct process *p, struct err *e)
{
	enum reason r = start(p, e);

	if (r != REASON_NONE)
		port_let_go(p);
	return r;
}

/* ---- found again ---- */

void process_find(struct process *p)
{
	struct launcher *l = p->x->s->launcher;
	struct launch_found f;
	struct err e;

	p->unsure = false;
	if (l->ops->find(l, p->id, &f, &e)) {
		p->unsure = e.kind != ERR_NOT_FOUND;
		if (p->unsure)
			log_warning("connector %s: it may run: %s", p->id, e.message);
		return;
	}
	port_remember(p, f.metrics_port);
	p->found = true;
	process_runs(p, &f);
	follow_log(p);
	p->outdated = process_outdated(p);
}

/* ---- stop ---- */

void process_terminate(struct process *p, enum reason r)
{
	p->stop_reason = r;
	p->term_sent_ms = clock_mono_ms();
	p->term_noted = false;
	/* While it drains it says 503 and then nothing: that is no news. */
	probe_stop(&p->probe);
	p->x->s->launcher->ops->stop(p->x->s->launcher, p->id, false);
}

void process_kill(struct process *p)
{
	p->kill_sent = true;
	p->x->s->launcher->ops->stop(p->x->s->launcher, p->id, true);
}

/* What we sent the signal for is the reason, whatever it exits with. */
enum reason process_ended(struct process *p, int code, int signo, int64_t *ran_ms)
{
	int64_t ran = clock_mono_ms() - p->began_ms;

	tail_flush(&p->tail);
	probe_stop(&p->probe);
	port_let_go(p);
	p->running = false;
	p->binary = NULL;
	p->pid = 0;
	*ran_ms = ran;
	const struct exit_facts facts = {
		.code = code, .signal = signo, .ran_ms = ran, .log_class = process_log(p)->telling};
	return p->term_sent_ms ? p->stop_reason : reason_of_exit(&facts);
}

/* ---- what it says ---- */

bool process_serves(const struct process *p)
{
	return p->running && !p->term_sent_ms && p->probe.edge > 0 &&
	       p->probe.failures < p->x->s->options.probe_failures;
}

const struct outlog *process_log(const struct process *p)
{
	static const struct outlog silent;

	return p->log ? p->log : &silent;
}

const char *process_version(const struct process *p)
{
	const struct outlog *log = process_log(p);

	return *log->version ? log->version : NULL;
}

const char *process_expected(void *owner)
{
	return process_log(owner)->connector_id;
}

void process_probed(struct probe *probe, void *owner)
{
	struct process *p = owner;

	disk_look(&p->x->s->disk);
	if (probe->last_answer_ms)
		port_let_go(p);
	if (probe->edge < probe->terms->edge_wanted || probe->failures > 0)
		p->full_ms = 0;
	else if (!p->full_ms)
		p->full_ms = clock_mono_ms();
	signs_probed(&p->signs, probe, p->pid, clock_mono_ms());
	/* It drains, as was noted: what comes now is no news. */
	if (p->term_noted && probe->edge <= 0)
		probe_stop(probe);
	slot_look(p->x);
}

/* ---- made and freed ---- */

struct process *process_new(struct slot *x, bool side_b, struct launch_kept *kept)
{
	struct process *p = mem_alloc(sizeof(*p));
	struct supervisor *s = x->s;
	struct launch_memory memory = {0};
	struct err e;

	p->x = x;
	p->port_fd = -1;
	p->id = side_b ? str_format("%s" SIDE_B, x->id) : x->id;
	probe_init(&p->probe, &s->terms, p);
	*kept = (struct launch_kept){0};
	if (s->launcher->ops->recall(s->launcher, p->id, &memory, kept, &e) &&
	    e.kind != ERR_NOT_FOUND)
		log_warning("connector %s: %s", p->id, e.message);
	port_remember(p, memory.metrics_port);
	p->memory = memory;
	p->served = kept->turn > 0;
	return p;
}

void process_free(struct process *p)
{
	if (!p)
		return;
	port_remember(p, 0);
	port_let_go(p);
	probe_stop(&p->probe);
	tail_stop(&p->tail);
	signs_free(&p->signs);
	if (p->log)
		outlog_free(p->log);
	free(p->log);
	if (process_is_b(p))
		free(p->id);
	free(p);
}
