/*
 * subscriptions/listen: a request that stays open and is told what changed, never how. Changes are
 * gathered for a moment, so that a busy host costs a listener one line and not hundreds; what it
 * may not read any more it is not told of.
 */
#include "mcp/private.h"
#include "mcp/resource.h"
#include "ops/grant.h"
#include "ops/sight.h"

#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 16 /* of one principal */
#define URIS_MAX      64
#define URI_MAX       300
#define GATHER_MS     300
#define ALIVE_MS      15000

enum listed { LISTED_TOOLS, LISTED_PROMPTS, LISTED_RESOURCES, LISTED };

static const struct {
	const char *wish, *method;
} lists[LISTED] = {
	[LISTED_TOOLS] = {"toolsListChanged", "notifications/tools/list_changed"},
	[LISTED_PROMPTS] = {"promptsListChanged", "notifications/prompts/list_changed"},
	[LISTED_RESOURCES] = {"resourcesListChanged", "notifications/resources/list_changed"},
};

struct listening {
	struct exchange *x;
	bool wants[LISTED], due[LISTED];
	struct strlist uris, tasks;
	bool uri_due[URIS_MAX];
	struct watcher world;
	struct grant_watch grants;
	struct timer gather, alive;
};

static void listening_drop(struct exchange *x)
{
	struct listening *l = x->state;
	world_unwatch(&l->world);
	grants_unwatch(&l->grants);
	timer_stop(&l->gather);
	timer_stop(&l->alive);
	strlist_free(&l->uris);
	strlist_free(&l->tasks);
	free(l);
	x->state = NULL;
}

/* ---- what it is told ---- */

/* The request's id is the subscription's, a number as a number. */
void put_subscription(const struct exchange *x, struct json_writer *w)
{
	json_write_key(w, META_PREFIX "subscriptionId");
	json_write_value(w, x->msg.id);
}

static void params_begin(const struct listening *l, struct buf *out, struct json_writer *w)
{
	json_write_init(w, out);
	json_object_begin(w);
	json_write_key(w, "_meta");
	json_object_begin(w);
	put_subscription(l->x, w);
	json_object_end(w);
}

static void tell_list(const struct listening *l, enum listed which)
{
	AUTO(buf_t) params = {0};
	struct json_writer w;
	params_begin(l, &params, &w);
	json_object_end(&w);
	exchange_notify(l->x, lists[which].method, &params);
}

static void tell_uri(const struct listening *l, const char *uri)
{
	AUTO(buf_t) params = {0};
	struct json_writer w;
	params_begin(l, &params, &w);
	json_put_string(&w, "uri", uri);
	json_object_end(&w);
	exchange_notify(l->x, "notifications/resources/updated", &params);
}

/* As tasks/get would answer at this moment. */
static void tell_task(const struct listening *l, const char *id)
{
	AUTO(buf_t) params = {0};
	struct json_writer w;
	params_begin(l, &params, &w);
	bool there = task_put(l->x, id, &w);
	json_object_end(&w);
	if (there)
		exchange_notify(l->x, "notifications/tasks", &params);
}

static void tell_accepted(const struct listening *l)
{
	AUTO(buf_t) params = {0};
	struct json_writer w;
	params_begin(l, &params, &w);
	json_write_key(&w, "notifications");
	json_object_begin(&w);
	for (int i = 0; i < LISTED; i++)
		if (l->wants[i])
			json_put_bool(&w, lists[i].wish, true);
	if (l->uris.n)
		json_put_strlist(&w, "resourceSubscriptions", &l->uris);
	if (l->tasks.n)
		json_put_strlist(&w, "taskIds", &l->tasks);
	json_object_end(&w);
	json_object_end(&w);
	exchange_notify(l->x, "notifications/subscriptions/acknowledged", &params);
}

static void gathered(struct timer *t, void *owner)
{
	struct listening *l = owner;
	const struct principal *who = &l->x->parcel->who;
	(void)t;
	for (int i = 0; i < LISTED; i++)
		if (l->due[i])
			tell_list(l, (enum listed)i);
	memset(l->due, 0, sizeof(l->due));
	for (size_t i = 0; i < l->uris.n; i++)
		if (l->uri_due[i] && resource_may(l->uris.items[i], who))
			tell_uri(l, l->uris.items[i]);
	memset(l->uri_due, 0, sizeof(l->uri_due));
}

static void gather(struct listening *l)
{
	if (!timer_active(&l->gather))
		timer_start(&l->gather, GATHER_MS);
}

static void still_there(struct timer *t, void *owner)
{
	struct listening *l = owner;
	struct parcel *p = l->x->parcel;
	timer_start(t, ALIVE_MS);
	p->carrier->alive(p);
}

/* ---- what changes ---- */

static const struct tunnel *tunnel_of(const struct world *w, enum object_type type, const char *id)
{
	const struct route *r = type == OBJECT_ROUTE ? world_route(w, id) : NULL;
	const struct record *d = type == OBJECT_RECORD ? world_record(w, id) : NULL;
	const struct connector *c = type == OBJECT_CONNECTOR ? world_connector(w, id) : NULL;
	if (type == OBJECT_TUNNEL)
		return world_tunnel(w, id);
	return r   ? world_tunnel(w, r->tunnel_id)
	       : d ? world_tunnel(w, d->tunnel_id)
	       : c ? world_tunnel(w, c->tunnel_id)
		   : NULL;
}

static void world_moved(struct watcher *watcher, enum object_type type, const char *id, void *owner)
{
	struct listening *l = owner;
	const struct principal *who = &l->x->parcel->who;
	struct ops *o = l->x->parcel->mcp->ops;
	const struct tunnel *tunnel = tunnel_of(o->world, type, id);
	bool any = false;
	(void)watcher;
	if (sight_is_limited(who) && !sight_object(o, who, type, id))
		return;
	for (size_t i = 0; i < l->uris.n; i++)
		if (resource_shows(l->uris.items[i], type, id, tunnel))
			l->uri_due[i] = any = true;
	if (type == OBJECT_TUNNEL && l->wants[LISTED_RESOURCES])
		l->due[LISTED_RESOURCES] = any = true;
	if (any)
		gather(l);
}

/* What a grant may call is another now. */
static void grants_froze(void *owner)
{
	struct listening *l = owner;
	l->due[LISTED_TOOLS] = l->wants[LISTED_TOOLS];
	l->due[LISTED_PROMPTS] = l->wants[LISTED_PROMPTS];
	gather(l);
}

static void finish(struct exchange *x)
{
	listening_drop(x);
	x->subscription = true;
	(void)exchange_result(x);
	exchange_done(x);
}

/* It was this one's: nothing more comes. */
static void grant_ended(int64_t id, void *owner)
{
	struct listening *l = owner;
	if (l->x->parcel->who.grant == id)
		finish(l->x);
}

static struct exchange *listens_at(const struct parcel *p)
{
	LIST_EACH (it, &p->exchanges) {
		struct exchange *x = LIST_OF(it, struct exchange, node);
		if (x->method->run == listen_run)
			return x;
	}
	return NULL;
}

void listens_end(struct mcp *m, const void *owner)
{
	LIST_EACH (it, &m->parcels) {
		const struct parcel *p = LIST_OF(it, struct parcel, node);
		struct exchange *x = p->owner == owner ? listens_at(p) : NULL;
		if (x)
			finish(x);
	}
}

void listens_task(struct mcp *m, const char *id)
{
	LIST_EACH (it, &m->parcels) {
		const struct exchange *x = listens_at(LIST_OF(it, struct parcel, node));
		const struct listening *l = x ? x->state : NULL;
		if (l && strlist_has(&l->tasks, id))
			tell_task(l, id);
	}
}

/* ---- how it begins ---- */

static size_t listeners_of(const struct exchange *x)
{
	size_t n = 0;
	LIST_EACH (it, &x->parcel->mcp->parcels) {
		const struct parcel *p = LIST_OF(it, struct parcel, node);
		if (!str_equal(p->who.name, x->parcel->who.name))
			continue;
		LIST_EACH (at, &p->exchanges)
			n += LIST_OF(at, struct exchange, node)->method->run == listen_run;
	}
	return n;
}

_Static_assert(TASKS_MAX == 128, "the sentence below says so");

static const char *tasks_read(struct listening *l, const struct json *ids)
{
	if (json_is_null(ids))
		return NULL;
	if (json_type(ids) != JSON_ARRAY || json_count(ids) > TASKS_MAX)
		return "taskIds: a list of at most 128 ids is accepted";
	JSON_EACH (id, ids) {
		const char *text = json_string(id);
		if (text && task_is_his(l->x, text) && !strlist_has(&l->tasks, text))
			strlist_add(&l->tasks, text);
	}
	return NULL;
}

/* NULL, or what is wrong with it. */
static const char *wishes_read(struct listening *l)
{
	const struct json *wishes = exchange_param(l->x, "notifications");
	const struct json *uris = json_get(wishes, "resourceSubscriptions");
	if (json_type(wishes) != JSON_OBJECT)
		return "notifications: an object that says what to tell of is wanted";
	for (int i = 0; i < LISTED; i++)
		l->wants[i] = json_get_bool(wishes, lists[i].wish, false);
	if (json_is_null(uris))
		return tasks_read(l, json_get(wishes, "taskIds"));
	if (json_type(uris) != JSON_ARRAY || json_count(uris) > URIS_MAX)
		return "resourceSubscriptions: a list of at most 64 addresses is accepted";
	JSON_EACH (uri, uris) {
		const char *text = json_string(uri);
		if (!text || strlen(text) > URI_MAX)
			return "resourceSubscriptions: an address is a string of at most 300 bytes";
		if (resource_may(text, &l->x->parcel->who) && !strlist_has(&l->uris, text))
			strlist_add(&l->uris, text);
	}
	return tasks_read(l, json_get(wishes, "taskIds"));
}

static void listening_start(struct listening *l)
{
	struct mcp *m = l->x->parcel->mcp;
	world_watch(m->ops->world, &l->world, world_moved, l);
	l->grants.ended = grant_ended;
	l->grants.froze = grants_froze;
	l->grants.owner = l;
	if (m->ops->grants && l->x->parcel->who.grant)
		grants_watch(m->ops->grants, &l->grants);
	timer_init(&l->gather, m->loop, gathered, l);
	timer_init(&l->alive, m->loop, still_there, l);
	if (l->x->parcel->carrier->alive)
		timer_start(&l->alive, ALIVE_MS);
	tell_accepted(l);
	for (size_t i = 0; i < l->tasks.n; i++)
		tell_task(l, l->tasks.items[i]); /* what ended meanwhile is told once */
}

void listen_run(struct exchange *x)
{
	if (!x->parcel->carrier->streams(x->parcel)) {
		exchange_fail(x, RPC_NO_REQUEST, 406, "Accept must take text/event-stream", NULL);
		return;
	}
	if (!task_may(x) && json_get(exchange_param(x, "notifications"), "taskIds")) {
		task_refuse(x);
		return;
	}
	if (listeners_of(x) > LISTENERS_MAX) {
		exchange_fail(x, RPC_INTERNAL, 200, "Subscription limit reached", NULL);
		return;
	}
	struct listening *l = mem_alloc(sizeof(*l));
	l->x = x;
	x->state = l;
	x->dropped = listening_drop;
	const char *amiss = wishes_read(l);
	if (amiss) {
		listening_drop(x);
		exchange_fail(x, RPC_PARAMS, 200, amiss, NULL);
		return;
	}
	listening_start(l);
}
