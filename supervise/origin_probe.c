/*
 * One timer for all places; those that are due at about the same time are asked together. A place
 * that was up is asked twice before it counts as down: a service that restarts is no event.
 */
#include "supervise/origin_probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define STEADY_MS   (30 * 1000)
#define DOWN_MS     (10 * 1000) /* to see that it came back */
#define CONFIRM_MS  1500
#define TIMEOUT_MS  (5 * 1000)
#define EVENTS_MS   (3600 * 1000)
#define EVENTS_MOST 6 /* of a place within that time */
#define TOGETHER_MS 500
#define BUSY_MAX    8

struct place {
	struct origin_probes *all;
	struct http_req req;
	char *key;      /* "127.0.0.1:8080", or "127.0.0.1:8080 as app.example.com" for HTTP */
	char *address;  /* the first part of it */
	char *header;   /* "Host: app.example.com"; NULL = by a connection alone */
	int status;     /* of the last HTTP answer; 0 = none */
	int64_t due_ms; /* monotonic */
	enum reach state;
	int64_t since_ms, asked_ms; /* wall */
	bool doubted;               /* it was up, and the last answer says that it is not */
	bool hurried, wanted;
	bool told_down;  /* what the last event said */
	int64_t told_ms; /* monotonic: the first of the events that count for the hour */
	int told;        /* so many */
};

struct origin_probes {
	struct loop *loop;
	struct world *world;
	struct store *store; /* or NULL */
	struct http *pool;
	origin_permits_fn *permits;
	void *owner;
	struct watcher watcher;
	struct deferred sync;
	struct timer timer;
	struct map places; /* by key */
	int busy;
};

static void places_ask(struct origin_probes *p);

/* ---- which places ---- */

static char *address_of(const struct route *r)
{
	struct service s;
	struct err e;

	if (service_parse(r->service, &s, &e) < 0 || s.kind != SERVICE_URL || !service_port(&s))
		return NULL;
	return str_format(strchr(s.host, ':') ? "[%s]:%d" : "%s:%d", s.host, service_port(&s));
}

/* The name that cloudflared would ask for: what the origin says may hang on it. */
static char *host_of(const struct route *r)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	const char *said = NULL;

	if (r->origin && json_parse(r->origin, strlen(r->origin), NULL, &doc, &e) == 0)
		said = json_get_string(json_root(doc), "httpHostHeader");
	if (said && *said)
		return str_dup(said);
	return str_dup(r->hostname[0] == '*' ? "probe.invalid" : r->hostname);
}

static bool by_http(const struct route *r)
{
	struct err e;

	return r->probing == PROBE_HTTP && probing_check(r->probing, r->service, &e) == 0;
}

static char *key_of(const struct route *r)
{
	AUTO(str_t) address = r->probing == PROBE_NONE ? NULL : address_of(r);
	AUTO(str_t) host = address && by_http(r) ? host_of(r) : NULL;

	return host ? str_format("%s as %s", address, host) : str_dup(address);
}

static bool is_asked_about(const struct origin_probes *p, const struct route *r)
{
	const struct tunnel *t = world_tunnel(p->world, r->tunnel_id);

	return t && t->want == WANT_PRESENT && t->replicas > 0 && p->permits(r, p->owner);
}

/* NULL: it leads to no place that is asked about. */
static struct place *place_of(const struct origin_probes *p, const struct route *r)
{
	AUTO(str_t) key = is_asked_about(p, r) ? key_of(r) : NULL;

	return key ? map_get(&p->places, key) : NULL;
}

static void place_free(struct place *x)
{
	if (x->req.task.busy)
		x->all->busy--;
	http_cancel(&x->req);
	http_req_reset(&x->req);
	free(x->key);
	free(x->address);
	free(x->header);
	free(x);
}

static void place_add(struct origin_probes *p, const struct route *r, char *key)
{
	struct place *x = mem_alloc(sizeof(*x));
	AUTO(str_t) host = by_http(r) ? host_of(r) : NULL;

	x->all = p;
	x->key = key;
	x->address = address_of(r);
	x->header = host ? str_format("Host: %s", host) : NULL;
	x->due_ms = clock_mono_ms();
	x->wanted = true;
	(void)map_set(&p->places, x->key, x);
}

static void places_note(struct origin_probes *p)
{
	TABLE_EACH (i, struct route, r, &p->world->routes) {
		AUTO(str_t) key = is_asked_about(p, r) ? key_of(r) : NULL;
		struct place *x = key ? map_get(&p->places, key) : NULL;
		if (x)
			x->wanted = true;
		else if (key)
			place_add(p, r, steal(&key));
	}
}

/* The next place, from *i on; NULL past the last. */
static struct place *place_next(const struct origin_probes *p, size_t *i)
{
	const struct map_entry *e = map_next(&p->places, i);

	return e ? e->value : NULL;
}

static void places_drop_unwanted(struct origin_probes *p)
{
	AUTO(strlist_t) gone = {0};

	size_t at = 0;

	for (struct place *x = place_next(p, &at); x; x = place_next(p, &at))
		if (!x->wanted)
			strlist_add(&gone, x->key);
	for (size_t i = 0; i < gone.n; i++)
		place_free(map_remove(&p->places, gone.items[i]));
}

/* ---- what routes say of them ---- */

static bool route_tell(struct route *r, const struct place *x)
{
	enum reach state = x ? x->state : REACH_UNKNOWN;
	int status = x ? x->status : 0;
	bool changed = r->reach.state != state || r->reach.status != status;

	r->reach.state = state;
	r->reach.status = status;
	r->reach.since_ms = x ? x->since_ms : 0;
	r->reach.asked_ms = x ? x->asked_ms : 0;
	return changed;
}

static void routes_tell(struct origin_probes *p, const struct place *only, bool always)
{
	TABLE_EACH (i, struct route, r, &p->world->routes) {
		const struct place *x = place_of(p, r);
		if (only && x != only)
			continue;
		if (route_tell(r, x) || (only && always))
			world_changed(p->world, OBJECT_ROUTE, r->id);
	}
}

static void sync_called(struct deferred *d, void *owner)
{
	struct origin_probes *p = owner;

	(void)d;
	size_t at = 0;

	for (struct place *x = place_next(p, &at); x; x = place_next(p, &at))
		x->wanted = false;
	places_note(p);
	places_drop_unwanted(p);
	routes_tell(p, NULL, false);
	places_ask(p);
}

static void world_moved(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct origin_probes *p = owner;

	(void)x;
	(void)id;
	if (type == OBJECT_ROUTE || type == OBJECT_TUNNEL)
		deferred_start(&p->sync);
}

/* ---- events ---- */

static bool is_down(const struct place *x)
{
	return x->state == REACH_REFUSED || x->state == REACH_TIMEOUT;
}

static void tell_route(const struct origin_probes *p, const struct route *r, bool last)
{
	struct problem down;
	bool is_problem = route_reach_problem(r, &down);
	AUTO(str_t) id = str_dup(r->id);
	AUTO(str_t) name = str_dup(r->hostname);
	AUTO(str_t) kind = str_dup(is_problem ? "origin_down" : "origin_up");
	AUTO(str_t) up = str_format("The origin of %s is up again", r->hostname);
	AUTO(str_t)
	message = str_format("%s%s", is_problem ? down.err.message : up,
			     last ? "; it changes often: no more is told for an hour" : "");
	const struct event ev = {.object_type = OBJECT_ROUTE,
				 .object_id = id,
				 .object_name = name,
				 .kind = kind,
				 .message = message};
	struct err e;

	if (store_add_event(p->store, &ev, &e))
		log_warning("an event is not saved: %s", e.message);
}

/* In one transaction: many routes may lead to one place. */
static void tell_routes(const struct origin_probes *p, const struct place *x, bool last)
{
	struct err e;

	if (store_begin(p->store, &e)) {
		log_warning("what became of an origin is not saved: %s", e.message);
		return;
	}
	TABLE_EACH (i, struct route, r, &p->world->routes)
		if (place_of(p, r) == x)
			tell_route(p, r, last);
	if (store_commit(p->store, &e))
		log_warning("what became of an origin is not saved: %s", e.message);
}

/* Compared with what was told, not with what was before: what changes too often to be told each
 * time is told in the end. */
static void place_tell(struct place *x)
{
	int64_t now = clock_mono_ms();

	if (!x->all->store || is_down(x) == x->told_down)
		return;
	if (!x->told || now - x->told_ms >= EVENTS_MS) {
		x->told_ms = now;
		x->told = 0;
	}
	if (x->told == EVENTS_MOST)
		return;
	x->told++;
	x->told_down = is_down(x);
	tell_routes(x->all, x, x->told == EVENTS_MOST);
}

/* ---- asking ---- */

/* True when its state is another one now. */
static bool place_take(struct place *x, enum reach seen)
{
	bool down = seen != REACH_UP;

	x->asked_ms = clock_wall_ms();
	if (down && x->state == REACH_UP && !x->doubted && !x->hurried) {
		x->doubted = true;
		x->due_ms = clock_mono_ms() + CONFIRM_MS;
		return false;
	}
	x->doubted = false;
	x->due_ms = clock_mono_ms() + (down ? DOWN_MS : STEADY_MS);
	if (x->state == seen)
		return false;
	log_info("origin %s: %s, was %s", x->key, reach_name(seen), reach_name(x->state));
	if (!x->since_ms || down != is_down(x))
		x->since_ms = x->asked_ms;
	x->state = seen;
	return true;
}

static void place_answered(struct task *t, void *owner)
{
	struct place *x = owner;
	struct origin_probes *p = x->all;
	enum reach seen = t->err.kind == ERR_NONE      ? REACH_UP
			  : t->err.kind == ERR_TIMEOUT ? REACH_TIMEOUT
						       : REACH_REFUSED;

	p->busy--;
	bool told = x->hurried;
	x->status = x->header && seen == REACH_UP ? x->req.status : 0;
	told = place_take(x, seen) || told;
	x->hurried = false;
	places_ask(p);
	routes_tell(p, x, told);
	place_tell(x);
}

static void place_ask(struct place *x)
{
	AUTO(str_t) url = str_format("http://%s/", x->address);
	const char *const headers[] = {x->header, NULL};

	x->all->busy++;
	http_req_reset(&x->req);
	x->req.method = x->header ? "HEAD" : "GET";
	x->req.url = url;
	x->req.connect_only = !x->header;
	x->req.alone = x->header != NULL;
	x->req.headers = x->header ? headers : NULL;
	x->req.timeout_ms = x->req.connect_timeout_ms = TIMEOUT_MS;
	http_start(x->all->pool, &x->req, place_answered, x);
}

/* All that are due, so many at once; then sleeps until the next one is. */
static void places_ask(struct origin_probes *p)
{
	int64_t now = clock_mono_ms(), next = INT64_MAX;

	size_t at = 0;

	for (struct place *x = place_next(p, &at); x; x = place_next(p, &at)) {
		if (x->req.task.busy)
			continue;
		if (x->due_ms <= now + TOGETHER_MS && p->busy < BUSY_MAX)
			place_ask(x);
		else if (x->due_ms < next)
			next = x->due_ms;
	}
	timer_stop(&p->timer);
	/* Who waits for a turn gets it when one of those that are being asked has answered. */
	if (next != INT64_MAX && p->busy < BUSY_MAX)
		timer_start(&p->timer, next > now ? next - now : 0);
}

static void timer_due(struct timer *t, void *owner)
{
	(void)t;
	places_ask(owner);
}

bool origin_probes_hurry(struct origin_probes *p, const char *route_id)
{
	const struct route *r = world_route(p->world, route_id);
	struct place *x = r ? place_of(p, r) : NULL;

	if (!x)
		return false;
	x->hurried = true;
	x->due_ms = clock_mono_ms();
	places_ask(p);
	return true;
}

void origin_probes_attach(struct origin_probes *p, struct store *s)
{
	p->store = s;
}

/* ---- life ---- */

struct origin_probes *origin_probes_new(struct loop *l, struct world *w, struct http *pool,
					origin_permits_fn *permits, void *owner)
{
	struct origin_probes *p = mem_alloc(sizeof(*p));

	p->loop = l;
	p->world = w;
	p->pool = pool;
	p->permits = permits;
	p->owner = owner;
	timer_init(&p->timer, l, timer_due, p);
	deferred_init(&p->sync, l, sync_called, p);
	world_watch(w, &p->watcher, world_moved, p);
	deferred_start(&p->sync);
	return p;
}

void origin_probes_free(struct origin_probes *p)
{
	if (!p)
		return;
	world_unwatch(&p->watcher);
	deferred_stop(&p->sync);
	timer_stop(&p->timer);
	size_t at = 0;

	for (struct place *x = place_next(p, &at); x; x = place_next(p, &at))
		place_free(x);
	map_free(&p->places);
	free(p);
}
