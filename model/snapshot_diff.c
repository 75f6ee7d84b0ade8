/*
 * What lies between two snapshots, as edits and as sentences for people. Tunnels are made before
 * what leads through them and deleted after it; within a kind, names stand in order.
 */
#include <stdlib.h>
#include <string.h>

#include "model/snapshot.h"

struct pair {
	const struct edit *was, *now; /* one of them may be NULL */
};

struct differ {
	const struct snapshot *from, *to;
	struct pair *pairs;
	size_t n;
	struct plan *p;
};

static const struct edit *shown(const struct pair *x)
{
	return x->now ? x->now : x->was;
}

static bool same(const struct edit *a, const struct edit *b)
{
	AUTO(buf_t) one = {0};
	AUTO(buf_t) two = {0};
	struct json_writer w;

	json_write_init(&w, &one);
	edit_write(a, &w);
	json_write_init(&w, &two);
	edit_write(b, &w);
	return str_equal(buf_text(&one), buf_text(&two));
}

static void add_pair(struct differ *x, const struct edit *was, const struct edit *now)
{
	if (!was || !now || !same(was, now))
		x->pairs[x->n++] = (struct pair){was, now};
}

static void collect(struct differ *x)
{
	size_t i = 0, j = 0;

	while (i < x->from->n || j < x->to->n) {
		const struct edit *a = i < x->from->n ? &x->from->items[i] : NULL;
		const struct edit *b = j < x->to->n ? &x->to->items[j] : NULL;
		int order = !a ? 1 : !b ? -1 : strcmp(a->id, b->id);

		add_pair(x, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static int rank(const struct pair *x)
{
	enum edit_kind kind = shown(x)->kind;

	if (kind == EDIT_TUNNEL_PUT)
		return x->now ? 0 : 3;
	return kind == EDIT_ROUTE_PUT ? 1 : 2;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	int order = rank(x) - rank(y);

	if (!order)
		order = compare_texts(shown(x)->name, shown(y)->name);
	if (!order)
		order = compare_texts(shown(x)->path, shown(y)->path);
	return order ? order : strcmp(shown(x)->id, shown(y)->id);
}

/* ---- edits ---- */

static enum edit_kind drop_of(enum edit_kind put)
{
	return put == EDIT_TUNNEL_PUT  ? EDIT_TUNNEL_DROP
	       : put == EDIT_ROUTE_PUT ? EDIT_ROUTE_DROP
				       : EDIT_RECORD_DROP;
}

static void add_edit(struct plan *p, const struct pair *x)
{
	if (x->now)
		edit_copy(plan_edit(p, x->now->kind, x->now->id), x->now);
	else
		(void)plan_edit(p, drop_of(x->was->kind), x->was->id);
}

/* ---- words ---- */

static const char *tunnel_name(const struct snapshot *s, const char *id)
{
	const struct edit *t = snapshot_find(s, id);

	return t && t->name ? t->name : id;
}

/* ", " between parts, nothing before the first. */
PRINTF(2, 3) static void say(struct buf *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO(str_t) part = str_vformat(fmt, ap);
	va_end(ap);
	(void)buf_printf(out, "%s%s", out->len ? ", " : "", part);
}

/* What every kind of object has. */
static void say_common(const struct edit *was, const struct edit *now, struct buf *out)
{
	if (!str_equal(was->drift, now->drift))
		say(out, "drift %s to %s", was->drift ? was->drift : "as set",
		    now->drift ? now->drift : "as set");
	if (str_equal(was->manifest, now->manifest))
		return;
	if (now->manifest)
		say(out, "%s manifest %s", was->manifest ? "now in" : "in", now->manifest);
	else
		say(out, "no longer in manifest %s", was->manifest);
}

static void say_tunnel(const struct pair *t, struct buf *out)
{
	const struct edit *was = t->was, *now = t->now;

	if (was && now && !str_equal(was->name, now->name))
		say(out, "renamed from %s", was->name);
	if (was && now && was->joined != now->joined)
		say(out, now->joined ? "another host's, joined" : "this host's own");
	if (was && now && was->replicas != now->replicas)
		say(out, "replicas %lld to %lld", (long long)was->replicas,
		    (long long)now->replicas);
	if (!was)
		say(out, "%lld connector%s on this host", (long long)now->replicas,
		    now->replicas == 1 ? "" : "s");
}

static void say_route(const struct differ *x, const struct pair *r, struct buf *out)
{
	const struct edit *was = r->was, *now = r->now;

	if (shown(r)->path)
		say(out, "path %s", shown(r)->path);
	if (!was || !now) {
		say(out, "to %s through %s", shown(r)->service,
		    tunnel_name(now ? x->to : x->from, shown(r)->tunnel_id));
		return;
	}
	if (!str_equal(was->service, now->service))
		say(out, "%s to %s", was->service, now->service);
	if (!str_equal(was->tunnel_id, now->tunnel_id))
		say(out, "from tunnel %s to tunnel %s", tunnel_name(x->from, was->tunnel_id),
		    tunnel_name(x->to, now->tunnel_id));
	if (!str_equal(was->origin, now->origin))
		say(out, "other options");
	if (!str_equal(was->probe, now->probe))
		say(out, "probe %s to %s", probing_name(probing_by_name(was->probe)),
		    probing_name(probing_by_name(now->probe)));
	if (was->until_ms != now->until_ms)
		say(out, "ends at another time");
	if (!str_equal(was->name, now->name))
		say(out, "instead of %s", was->name);
}

/* From a tunnel to content of its own, or to another tunnel. */
static bool leads_elsewhere(const struct edit *was, const struct edit *now)
{
	return !str_equal(was->tunnel_id, now->tunnel_id) || !was->content != !now->content;
}

static void say_goal(const struct snapshot *s, const struct edit *d, struct buf *out)
{
	if (d->tunnel_id[0])
		say(out, "%s to tunnel %s", d->type, tunnel_name(s, d->tunnel_id));
	else
		say(out, "%s %s", d->type, d->content ? d->content : "");
	if (d->priority)
		say(out, "priority %lld", (long long)d->priority);
}

static void say_record(const struct differ *x, const struct pair *r, struct buf *out)
{
	const struct edit *was = r->was, *now = r->now;

	if (!was || !now || leads_elsewhere(was, now))
		say_goal(now ? x->to : x->from, shown(r), out);
	if (!was || !now)
		return;
	if (!str_equal(was->type, now->type) && !leads_elsewhere(was, now))
		say(out, "type %s to %s", was->type, now->type);
	if (was->content && now->content && !str_equal(was->content, now->content))
		say(out, "%s to %s", was->content, now->content);
	if (was->priority != now->priority && !leads_elsewhere(was, now))
		say(out, "priority %lld", (long long)now->priority);
	if (was->proxied != now->proxied)
		say(out, now->proxied ? "proxied" : "no longer proxied");
	if (was->ttl != now->ttl && now->ttl)
		say(out, "ttl %lld", (long long)now->ttl);
	else if (was->ttl != now->ttl)
		say(out, "automatic ttl");
	if (!str_equal(was->comment, now->comment))
		say(out, "another comment");
}

static void add_change(const struct differ *x, const struct pair *pair)
{
	char sign = !pair->was ? '+' : !pair->now ? '-' : '~';
	const struct edit *d = shown(pair);
	const char *object = "record";
	AUTO(buf_t) words = {0};

	if (d->kind == EDIT_TUNNEL_PUT) {
		object = "tunnel";
		say_tunnel(pair, &words);
	} else if (d->kind == EDIT_ROUTE_PUT) {
		object = "route";
		say_route(x, pair, &words);
	} else {
		say_record(x, pair, &words);
	}
	if (pair->was && pair->now)
		say_common(pair->was, pair->now, &words);
	plan_change(x->p, sign, object, d->name ? d->name : d->id, words.len ? "%s" : NULL,
		    buf_text(&words));
}

void snapshot_diff(const struct snapshot *from, const struct snapshot *to, struct plan *p)
{
	struct differ x = {.from = from, .to = to, .p = p};

	x.pairs = mem_array(from->n + to->n + 1, sizeof(*x.pairs));
	collect(&x);
	qsort(x.pairs, x.n, sizeof(*x.pairs), compare_pairs);
	for (size_t i = 0; i < x.n; i++) {
		add_edit(p, &x.pairs[i]);
		add_change(&x, &x.pairs[i]);
	}
	free(x.pairs);
}
