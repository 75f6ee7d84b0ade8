/*
 * One timer for all names; each has one request on its way at the most. A failure is confirmed
 * before it is told, the oftener the more of the tunnel's connectors are others', which know no
 * nonce of ours.
 */
#include "supervise/edge_probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervise/edge_gate.h"
#include "supervise/edge_listener.h"

#define STEADY_MS      (30 * 1000)
#define ALWAYS_MS      (5 * 60 * 1000) /* of one without an end */
#define DOWN_MS        (10 * 1000)
#define CONFIRM_MS     500
#define GATE_MS        200 /* while a process waits to be proved */
#define TIMEOUT_MS     (10 * 1000)
#define SETTLE_MS      (30 * 1000) /* so long connectors may take to get a new configuration */
#define SETTLE_LOOK_MS 500
#define DOUBTS         1 /* failures that are not told yet, */
#define DOUBTS_OTHERS  7 /* and where others have connectors of the tunnel */
#define TOGETHER_MS    50

struct target {
	struct edge_probes *all;
	struct http_req req;
	struct edge_nonce nonce;
	char route_id[ID_SIZE], tunnel_id[ID_SIZE];
	char *hostname;
	char via[ID_SIZE + 4]; /* connector that this request came by; "" = none yet */
	pid_t via_pid;
	int64_t due_ms, since_ms; /* monotonic: of the next request; wanted since */
	unsigned last;            /* requests that did not come, as bits, the newest lowest */
	int doubts;
	bool hurried, wanted;
};

struct edge_probes {
	struct loop *loop;
	struct world *world;
	struct http *pool;
	char *socket, *url;
	edge_whose_fn *whose;
	void *owner;
	struct watcher watcher;
	struct deferred sync;
	struct timer timer;
	struct map targets; /* by route id */
	struct edge_listener listener;
	struct edge_gates gates;
	bool mute; /* it cannot listen, which was told */
};

static void targets_ask(struct edge_probes *p);

static struct target *next_target(const struct edge_probes *p, size_t *i)
{
	const struct map_entry *e = map_next(&p->targets, i);

	return e ? e->value : NULL;
}

/* ---- what routes say of it ---- */

static bool set_words(char **slot, const char *words)
{
	if (str_equal(*slot, words))
		return false;
	str_set(slot, words);
	return true;
}

/* It is not asked about now, for that reason. */
static void tell_unasked(const struct edge_probes *p, struct route *r, const char *why)
{
	bool news = r->edge.seen != EDGE_UNASKED;

	news = set_words(&r->edge.words, why) || news;
	r->edge.seen = EDGE_UNASKED;
	r->edge.missed = r->edge.status = 0;
	set_words(&r->edge.via, NULL);
	if (news)
		world_changed(p->world, OBJECT_ROUTE, r->id);
}

static int count(unsigned bits)
{
	int n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

static void tell(struct target *x, enum edge_seen seen, bool always)
{
	struct route *r = world_route(x->all->world, x->route_id);
	bool failed = x->req.task.err.kind != ERR_NONE;

	if (!r)
		return;
	bool news = r->edge.seen != seen;
	if (news)
		log_info("edge %s: %s, was %s", x->hostname, edge_seen_name(seen),
			 edge_seen_name(r->edge.seen));
	if (news && (!r->edge.since_ms || edge_seen_fails(seen) != edge_seen_fails(r->edge.seen)))
		r->edge.since_ms = clock_wall_ms();
	r->edge.seen = seen;
	r->edge.asked_ms = clock_wall_ms();
	r->edge.took_ms = x->req.took_ms;
	r->edge.status = failed ? 0 : x->req.status;
	r->edge.missed = count(x->last);
	set_words(&r->edge.via, *x->via ? x->via : NULL);
	set_words(&r->edge.words, failed ? x->req.task.err.message : NULL);
	if (news || always)
		world_changed(x->all->world, OBJECT_ROUTE, r->id);
}

/* ---- which names ---- */

/* Why it is not to be asked about; NULL = it is. The caller frees it. */
static char *hindrance(const struct edge_probes *p, const struct route *r)
{
	const struct tunnel *t = world_tunnel(p->world, r->tunnel_id);
	const struct record *d = world_find_record(p->world, r->hostname, "CNAME");
	char *why = NULL;

	if (r->until_ms && clock_wall_ms() >= r->until_ms)
		return str_dup("Its time is over");
	if (!t || t->want != WANT_PRESENT || t->joined || t->replicas == 0)
		return str_dup("No connector of its tunnel is to run on this host");
	if (!d || d->want != WANT_PRESENT || !str_equal(d->tunnel_id, r->tunnel_id))
		return str_dup("Its DNS record is not adit's");
	if (!world_is_published(p->world, r->hostname, r->tunnel_id))
		return str_dup("Its name is published no more");
	if (!world_record_converged(p->world, d->id, &why) ||
	    !world_route_converged(p->world, r->id, &why))
		return why;
	return d->proxied ? NULL : str_dup("Its record is not proxied");
}

static void target_free(struct target *x)
{
	edge_nonce_end(&x->nonce);
	http_cancel(&x->req);
	http_req_reset(&x->req);
	free(x->hostname);
	free(x);
}

static bool connector_came(struct edge_nonce *n, pid_t pid)
{
	struct target *x = LIST_OF(n, struct target, nonce);
	const struct edge_probes *p = x->all;

	if (!p->whose(x->tunnel_id, pid, x->via, p->owner))
		return false;
	x->via_pid = pid;
	return true;
}

static void target_add(struct edge_probes *p, const struct route *r)
{
	struct target *x = mem_alloc(sizeof(*x));

	x->all = p;
	(void)str_copy(x->route_id, sizeof(x->route_id), r->id);
	(void)str_copy(x->tunnel_id, sizeof(x->tunnel_id), r->tunnel_id);
	x->hostname = str_dup(r->hostname);
	list_init(&x->nonce.node);
	x->nonce.hostname = x->hostname;
	x->nonce.came = connector_came;
	x->due_ms = x->since_ms = clock_mono_ms();
	x->wanted = true;
	struct target *old = map_remove(&p->targets, x->route_id);
	if (old)
		target_free(old);
	(void)map_set(&p->targets, x->route_id, x);
}

static void note_route(struct edge_probes *p, struct route *r)
{
	AUTO(str_t) why = hindrance(p, r);
	struct target *x = map_get(&p->targets, r->id);

	if (why)
		tell_unasked(p, r, why);
	else if (x && str_equal(x->tunnel_id, r->tunnel_id))
		x->wanted = true;
	else
		target_add(p, r);
}

static size_t note_routes(struct edge_probes *p)
{
	size_t n = 0;

	TABLE_EACH (i, struct route, r, &p->world->routes)
		if (route_is_edge_probe(r)) {
			note_route(p, r);
			n++;
		}
	return n;
}

static void drop_unwanted(struct edge_probes *p)
{
	AUTO(strlist_t) gone = {0};
	size_t at = 0;

	for (struct target *x = next_target(p, &at); x; x = next_target(p, &at))
		if (!x->wanted)
			strlist_add(&gone, x->route_id);
	for (size_t i = 0; i < gone.n; i++)
		target_free(map_remove(&p->targets, gone.items[i]));
}

static bool listens(struct edge_probes *p)
{
	struct err e;

	if (edge_listener_open(&p->listener, p->loop, p->socket, &e) == 0) {
		p->mute = false;
		return true;
	}
	if (!p->mute)
		log_warning("%s", e.message);
	p->mute = true;
	return false;
}

static void sync_called(struct deferred *d, void *owner)
{
	struct edge_probes *p = owner;
	size_t at = 0;

	(void)d;
	for (struct target *x = next_target(p, &at); x; x = next_target(p, &at))
		x->wanted = false;
	size_t n = note_routes(p);
	drop_unwanted(p);
	if (n == 0)
		edge_listener_close(&p->listener, p->socket);
	else if (listens(p))
		targets_ask(p);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct edge_probes *p = owner;

	(void)w;
	(void)id;
	/* Connectors do not matter: what they do is what is asked about. */
	if (type == OBJECT_ROUTE || type == OBJECT_RECORD || type == OBJECT_TUNNEL)
		deferred_start(&p->sync);
}

/* ---- answers ---- */

static enum edge_seen judge(const struct target *x)
{
	const char *proof = http_answer_header(&x->req, EDGE_PROBE_HEADER);
	const struct edge_answer a = {
		.failed = x->req.task.err.kind,
		.status = x->req.status,
		.arrived = *x->via,
		.proved = x->req.status == 200 && proof && strlen(proof) == EDGE_NONCE_DIGITS &&
			  const_time_equal(proof, x->nonce.answer, EDGE_NONCE_DIGITS),
	};

	return edge_judge(&a);
}

static int64_t doubts_of(const struct target *x)
{
	const struct tunnel *t = world_tunnel(x->all->world, x->tunnel_id);
	int64_t ours = 0;

	if (!t || t->observed.connections < 0)
		return DOUBTS;
	TABLE_EACH (i, struct connector, c, &x->all->world->connectors)
		if (str_equal(c->tunnel_id, t->id) && c->edge_connections > 0)
			ours += c->edge_connections;
	return t->observed.connections > ours ? DOUBTS_OTHERS : DOUBTS;
}

static int64_t pace_of(const struct target *x, bool fails)
{
	const struct route *r = world_route(x->all->world, x->route_id);

	if (edge_gate_waits(&x->all->gates, x->tunnel_id, clock_mono_ms()))
		return GATE_MS;
	if (fails)
		return DOWN_MS;
	return r && !r->until_ms ? ALWAYS_MS : STEADY_MS;
}

static void answered(struct task *t, void *owner)
{
	struct target *x = owner;
	struct edge_probes *p = x->all;
	enum edge_seen seen = judge(x);
	bool passed = seen == EDGE_PASSED, hurried = x->hurried;

	(void)t;
	edge_nonce_end(&x->nonce);
	x->last = (x->last << 1 | !passed) & ((1U << EDGE_LAST) - 1);
	/* Others' connectors know no nonce: that they had it says nothing of ours. */
	if (passed || doubts_of(x) == DOUBTS)
		edge_gate_seen(&p->gates, x->tunnel_id, passed ? x->via_pid : 0);
	if (!passed && x->doubts < doubts_of(x)) {
		x->doubts++;
		x->due_ms = clock_mono_ms() + CONFIRM_MS;
		targets_ask(p);
		return;
	}
	x->doubts = 0;
	x->hurried = false;
	x->due_ms = clock_mono_ms() + pace_of(x, !passed);
	targets_ask(p);
	tell(x, seen, hurried);
}

/* ---- asking ---- */

static void ask(struct target *x)
{
	struct edge_probes *p = x->all;

	edge_nonce_end(&x->nonce);
	edge_nonce_begin(&p->listener, &x->nonce);
	AUTO(str_t)
	url = p->url ? str_format("%s" EDGE_PROBE_PREFIX "%s", p->url, x->nonce.nonce)
		     : str_format("https://%s" EDGE_PROBE_PREFIX "%s", x->hostname, x->nonce.nonce);
	AUTO(str_t) host = str_format("Host: %s", x->hostname);
	const char *const headers[] = {"Cache-Control: no-store", p->url ? host : NULL, NULL};

	x->via[0] = '\0';
	x->via_pid = 0;
	http_req_reset(&x->req);
	x->req.method = "HEAD";
	x->req.url = url;
	x->req.headers = headers;
	x->req.alone = true;
	x->req.timeout_ms = x->req.connect_timeout_ms = TIMEOUT_MS;
	http_start(p->pool, &x->req, answered, x);
}

/* A rule that was just put is not in the connectors yet. */
static bool settles(const struct target *x, int64_t now)
{
	const struct tunnel *t = world_tunnel(x->all->world, x->tunnel_id);

	if (!t || now - x->since_ms > SETTLE_MS)
		return false;
	TABLE_EACH (i, struct connector, c, &x->all->world->connectors)
		if (str_equal(c->tunnel_id, t->id) && connector_serving(c) &&
		    c->config_version < t->config_version)
			return true;
	return false;
}

static bool is_over(const struct target *x)
{
	const struct route *r = world_route(x->all->world, x->route_id);

	return !r || (r->until_ms && clock_wall_ms() >= r->until_ms);
}

static void targets_ask(struct edge_probes *p)
{
	int64_t now = clock_mono_ms(), next = INT64_MAX;
	size_t at = 0;

	for (struct target *x = next_target(p, &at); x; x = next_target(p, &at)) {
		if (x->req.task.busy)
			continue;
		if (x->due_ms <= now + TOGETHER_MS && settles(x, now))
			x->due_ms = now + SETTLE_LOOK_MS;
		if (x->due_ms <= now + TOGETHER_MS && is_over(x)) {
			deferred_start(&p->sync);
			continue;
		}
		if (x->due_ms <= now + TOGETHER_MS)
			ask(x);
		else if (x->due_ms < next)
			next = x->due_ms;
	}
	timer_stop(&p->timer);
	if (next != INT64_MAX)
		timer_start(&p->timer, next > now ? next - now : 0);
}

static void timer_due(struct timer *t, void *owner)
{
	(void)t;
	targets_ask(owner);
}

bool edge_probes_hurry(struct edge_probes *p, const char *route_id)
{
	struct target *x = map_get(&p->targets, route_id);

	if (!x || !p->listener.server)
		return false;
	x->hurried = true;
	x->due_ms = clock_mono_ms();
	targets_ask(p);
	return true;
}

/* ---- a process that is to be proved ---- */

static struct target *target_through(const struct edge_probes *p, const char *tunnel_id)
{
	size_t at = 0;

	for (struct target *x = next_target(p, &at); x; x = next_target(p, &at))
		if (str_equal(x->tunnel_id, tunnel_id))
			return x;
	return NULL;
}

static bool passes(const struct edge_probes *p, const struct target *x)
{
	const struct route *r = world_route(p->world, x->route_id);

	return r && r->edge.seen == EDGE_PASSED && !x->last && !x->doubts;
}

enum edge_gate edge_probes_gate(struct edge_probes *p, const char *tunnel_id, pid_t pid)
{
	struct target *x = p->listener.server ? target_through(p, tunnel_id) : NULL;
	int64_t now = clock_mono_ms();

	if (!x)
		return EDGE_GATE_NONE;
	enum edge_gate g = edge_gate_ask(&p->gates, tunnel_id, pid, passes(p, x), now);
	if (g == EDGE_GATE_WAITS && x->due_ms > now + GATE_MS) {
		x->due_ms = now;
		targets_ask(p);
	}
	return g;
}

/* ---- life ---- */

struct edge_probes *edge_probes_new(struct loop *l, struct world *w, struct http *pool,
				    const struct edge_probes_options *o)
{
	struct edge_probes *p = mem_alloc(sizeof(*p));

	p->loop = l;
	p->world = w;
	p->pool = pool;
	p->socket = str_dup(o->socket);
	p->url = str_dup(o->url);
	p->whose = o->whose;
	p->owner = o->owner;
	edge_listener_init(&p->listener);
	timer_init(&p->timer, l, timer_due, p);
	deferred_init(&p->sync, l, sync_called, p);
	world_watch(w, &p->watcher, world_moved, p);
	deferred_start(&p->sync);
	return p;
}

void edge_probes_free(struct edge_probes *p)
{
	size_t at = 0;

	if (!p)
		return;
	world_unwatch(&p->watcher);
	deferred_stop(&p->sync);
	timer_stop(&p->timer);
	for (struct target *x = next_target(p, &at); x; x = next_target(p, &at))
		target_free(x);
	map_free(&p->targets);
	edge_listener_close(&p->listener, p->socket);
	free(p->socket);
	free(p->url);
	free(p);
}
