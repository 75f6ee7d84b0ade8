/* Events in the order of their last change: who was cut off in between goes on behind the last one
 * that he has, and misses nothing. */
#include "api/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/render.h"

struct pending {
	struct list node;
	enum object_type type;
	int64_t seq;
	char id[FEED_ID_SIZE];
};

typedef char pending_key[FEED_ID_SIZE + 4];

/* ---- pages ---- */

/* A number or a string behind one of these is other each time, and no news. */
static size_t volatile_value(const char *at, size_t left)
{
	static const char *const keys[] = {
		"\"as_of\":",      "\"observed\":",  "\"attempts\":", "\"reset_s\":",
		"\"next_try_s\":", "\"remaining\":", "\"limit\":",    "\"retry_after_s\":"};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t len = strlen(keys[i]);

		if (len > left || memcmp(at, keys[i], len) != 0)
			continue;
		while (len < left && !strchr(",}", at[len]))
			len++;
		return len;
	}
	return 0;
}

/* A quote inside of a string has a backslash before it, so these keys stand nowhere else. */
uint64_t page_digest(const char *text, size_t len)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < len;) {
		size_t skip = text[i] == '"' ? volatile_value(text + i, len - i) : 0;

		if (skip == 0)
			hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
		i += skip ? skip : 1;
	}
	return hash ? hash : 1;
}

struct page *page_new(struct buf *text)
{
	struct page *p = mem_alloc(sizeof(*p));

	p->refs = 1;
	p->text = *text;
	*text = (struct buf){0};
	p->digest = page_digest(buf_text(&p->text), p->text.len);
	return p;
}

struct page *page_take(struct page *p)
{
	p->refs++;
	return p;
}

void page_drop(struct page *p)
{
	if (!p || --p->refs > 0)
		return;
	buf_free(&p->text);
	free(p);
}

/* ---- what is pending ---- */

static void key_of(enum object_type type, const char *id, pending_key key)
{
	(void)snprintf(key, sizeof(pending_key), "%d:%s", (int)type, id);
}

static void pending_drop(struct feed *f, struct pending *p)
{
	pending_key key;

	key_of(p->type, p->id, key);
	(void)map_remove(&f->by_key, key);
	list_remove(&p->node);
	free(p);
}

static void pending_clear(struct feed *f)
{
	LIST_EACH (node, &f->pending)
		free(LIST_OF(node, struct pending, node));
	list_init(&f->pending);
	map_free(&f->by_key);
	f->by_key = (struct map){0};
	map_free(&f->touched);
	f->touched = (struct map){0};
}

static void pending_add(struct feed *f, enum object_type type, const char *id, int64_t seq)
{
	pending_key key;

	key_of(type, id, key);
	struct pending *p = map_get(&f->by_key, key);
	if (!p) {
		p = mem_alloc(sizeof(*p));
		p->type = type;
		(void)str_copy(p->id, sizeof(p->id), id);
		(void)map_set(&f->by_key, key, p);
	} else {
		list_remove(&p->node);
	}
	p->seq = seq;
	list_append(&f->pending, &p->node);
}

size_t feed_pending(const struct feed *f)
{
	return f->by_key.count;
}

/* In front of the last change, which brings it about: who was cut off before he heard of that one
 * is told of both again. */
static void derived_add(struct feed *f, enum object_type type, const char *id)
{
	struct list *last = f->pending.prev;
	struct pending *p;
	pending_key key;

	key_of(type, id, key);
	if (!f->sees[type] || map_get(&f->by_key, key))
		return;
	p = mem_alloc(sizeof(*p));
	p->type = type;
	p->seq = f->touched_seq - 1;
	(void)str_copy(p->id, sizeof(p->id), id);
	(void)map_set(&f->by_key, key, p);
	bool before = !list_empty(&f->pending) &&
		      LIST_OF(last, struct pending, node)->seq == f->touched_seq;
	list_append(before ? last : &f->pending, &p->node);
}

/* A route is live by its tunnel, its record and a connector; a tunnel is healthy by connectors. */
static void touched_expand(struct feed *f)
{
	const struct world *w = f->world;

	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (map_get(&f->touched, t->id))
			derived_add(f, OBJECT_TUNNEL, t->id);
	TABLE_EACH (j, struct route, r, &w->routes)
		if (map_get(&f->touched, r->tunnel_id))
			derived_add(f, OBJECT_ROUTE, r->id);
	TABLE_EACH (k, struct record, d, &w->records)
		if (map_get(&f->touched, d->tunnel_id))
			derived_add(f, OBJECT_RECORD, d->id);
	map_free(&f->touched);
	f->touched = (struct map){0};
	if (feed_pending(f) <= FEED_PENDING)
		return;
	pending_clear(f);
	f->overflow = true;
}

static void touch(struct feed *f, enum object_type type, const char *id, int64_t seq)
{
	const struct route *r = type == OBJECT_ROUTE ? world_route(f->world, id) : NULL;
	const struct record *d = type == OBJECT_RECORD ? world_record(f->world, id) : NULL;
	char tunnel[FEED_ID_SIZE] = "";

	if (type == OBJECT_TUNNEL || type == OBJECT_CONNECTOR)
		(void)str_copy(tunnel, sizeof(tunnel), id);
	if (type == OBJECT_CONNECTOR)
		tunnel[strcspn(tunnel, "-")] = '\0'; /* the rest is its slot */
	if (r || d)
		(void)str_copy(tunnel, sizeof(tunnel), r ? r->tunnel_id : d->tunnel_id);
	if (!*tunnel)
		return;
	(void)map_set(&f->touched, tunnel, f);
	f->touched_seq = seq;
}

/* ---- objects ---- */

static const struct table *table_of(const struct world *w, enum object_type type)
{
	switch (type) {
	case OBJECT_TUNNEL:
		return &w->tunnels;
	case OBJECT_ROUTE:
		return &w->routes;
	case OBJECT_RECORD:
		return &w->records;
	case OBJECT_CONNECTOR:
		return &w->connectors;
	case OBJECT_ZONE:
		return &w->zones;
	case OBJECT_PLAN:
	case OBJECT_SYSTEM:
	case OBJECT_TYPES:
		break;
	}
	return NULL;
}

static struct groups *groups_of(struct feed *f)
{
	if (!f->groups.w)
		groups_of_all(&f->groups, f->world);
	return &f->groups;
}

static void render(struct feed *f, enum object_type type, const void *object,
		   struct json_writer *out)
{
	const struct world *w = f->world;

	switch (type) {
	case OBJECT_TUNNEL:
		render_tunnel(groups_of(f), object, out);
		break;
	case OBJECT_ROUTE:
		render_route(groups_of(f), object, out);
		break;
	case OBJECT_RECORD:
		render_record(w, object, out);
		break;
	case OBJECT_CONNECTOR:
		render_connector(w, object, out);
		break;
	case OBJECT_ZONE:
		render_zone(object, out);
		break;
	case OBJECT_PLAN:
	case OBJECT_SYSTEM:
	case OBJECT_TYPES:
		break;
	}
}

/* Every object begins with its id. */
static const char *id_of(const void *object)
{
	return object;
}

/* ---- events ---- */

static void event_head(const struct feed *f, const char *type, int64_t seq, struct buf *out)
{
	(void)buf_printf(out, "id: %s:%" PRId64 "\nevent: %s\ndata: ", f->boot, seq, type);
}

/* The members that all events have; the object is left open. */
static void event_members(const struct feed *f, const char *type, enum object_type object,
			  const char *id, int64_t seq, struct json_writer *w)
{
	json_object_begin(w);
	json_put_int(w, "seq", seq);
	json_put_int(w, "revision", f->world->revision);
	json_put_string(w, "type", type);
	json_put_string(w, "object", object_type_name(object));
	json_put_string(w, "id", id);
}

static void event_end(struct buf *out)
{
	(void)buf_str(out, "}\n\n");
}

static void event_changed(struct feed *f, const struct pending *p, struct buf *out)
{
	const struct table *t = table_of(f->world, p->type);
	const void *object = t ? map_get(&t->by_id, p->id) : NULL;
	const char *type = t && !object ? "removed" : "changed";
	struct json_writer w;

	event_head(f, type, p->seq, out);
	json_write_init(&w, out);
	event_members(f, type, p->type, p->id, p->seq, &w);
	if (object) {
		json_write_key(&w, "data");
		render(f, p->type, object, &w);
	}
	json_object_end(&w);
	(void)buf_str(out, "\n\n");
}

void feed_end(struct feed *f, const char *why, struct buf *out)
{
	struct json_writer w;

	event_head(f, "end", f->world->sequence, out);
	json_write_init(&w, out);
	event_members(f, "end", OBJECT_SYSTEM, "", f->world->sequence, &w);
	json_put_string(&w, "message", why);
	json_object_end(&w);
	(void)buf_str(out, "\n\n");
}

/* ---- the page, in pieces: as a part of a snapshot, or an event of its own ---- */

static void page_begin(struct feed *f, bool in_snapshot, struct buf *out)
{
	const char *type = in_snapshot ? "snapshot" : "status";
	struct json_writer w;

	f->base = f->world->sequence;
	f->in_snapshot = in_snapshot;
	f->sent = page_take(*f->page);
	f->sent_at = 0;
	f->shown = f->sent->digest;
	f->phase = FEED_PAGE;
	event_head(f, type, f->base, out);
	json_write_init(&w, out);
	event_members(f, type, OBJECT_SYSTEM, "", f->base, &w);
	if (in_snapshot)
		json_put_string(&w, "boot", f->boot);
	(void)buf_str(out, ",\"status\":");
}

static void page_end(struct feed *f, struct buf *out)
{
	page_drop(f->sent);
	f->sent = NULL;
	f->phase = FEED_LIVE;
	if (!f->in_snapshot || f->status_only) {
		event_end(out);
		return;
	}
	(void)buf_str(out, ",\"objects\":[");
	f->phase = FEED_WALK;
	f->walk_type = 0;
	f->walk_at = 0;
	f->walk_first = true;
}

static void page_piece(struct feed *f, size_t room, struct buf *out)
{
	size_t left = f->sent->text.len - f->sent_at;
	size_t n = left < room ? left : room;

	(void)buf_add(out, f->sent->text.data + f->sent_at, n);
	f->sent_at += n;
	if (f->sent_at == f->sent->text.len)
		page_end(f, out);
}

/* ---- the walk over all objects ---- */

static void walk_object(struct feed *f, enum object_type type, const void *object, struct buf *out)
{
	struct json_writer w;

	if (!f->walk_first)
		(void)buf_char(out, ',');
	f->walk_first = false;
	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "object", object_type_name(type));
	json_put_string(&w, "id", id_of(object));
	json_write_key(&w, "data");
	render(f, type, object, &w);
	json_object_end(&w);
}

static void walk_step(struct feed *f, struct buf *out)
{
	enum object_type type = (enum object_type)f->walk_type;
	const struct table *t = f->walk_type < OBJECT_TYPES ? table_of(f->world, type) : NULL;

	if (f->walk_type == OBJECT_TYPES) {
		(void)buf_char(out, ']');
		event_end(out);
		f->phase = FEED_LIVE;
	} else if (!t || !f->sees[type] || f->walk_at >= t->n) {
		f->walk_type++;
		f->walk_at = 0;
	} else {
		walk_object(f, type, t->items[f->walk_at++], out);
	}
}

/* ---- all of it ---- */

/* false: there is nothing to tell. */
static bool live_step(struct feed *f, struct buf *out)
{
	if (f->touched.count)
		touched_expand(f);
	if (f->overflow) {
		feed_renew(f);
	} else if (!list_empty(&f->pending)) {
		struct pending *p = LIST_OF(f->pending.next, struct pending, node);

		event_changed(f, p, out);
		pending_drop(f, p);
	} else if (f->shown != (*f->page)->digest) {
		page_begin(f, false, out);
	} else {
		return false;
	}
	return true;
}

void feed_fill(struct feed *f, size_t room, struct buf *out)
{
	bool more = true;

	while (more && out->len < room) {
		switch (f->phase) {
		case FEED_BEGIN:
			f->overflow = false;
			page_begin(f, true, out);
			break;
		case FEED_PAGE:
			page_piece(f, room - out->len, out);
			break;
		case FEED_WALK:
			walk_step(f, out);
			break;
		case FEED_LIVE:
			more = live_step(f, out);
			break;
		}
	}
	groups_t_cleanup(&f->groups);
}

/* What is gone leaves no hole: the walk steps back, and tells one object twice at worst. */
static void walk_mind(struct feed *f, enum object_type type, const char *id)
{
	const struct table *t = table_of(f->world, type);

	if (f->phase == FEED_WALK && (int)type == f->walk_type && f->walk_at > 0 && t &&
	    !map_get(&t->by_id, id))
		f->walk_at--;
}

void feed_changed(struct feed *f, enum object_type type, const char *id, int64_t seq)
{
	walk_mind(f, type, id);
	if (f->status_only || type == OBJECT_SYSTEM || f->overflow || f->phase == FEED_BEGIN)
		return;
	touch(f, type, id, seq);
	if (!f->sees[type])
		return;
	pending_add(f, type, id, seq);
	if (feed_pending(f) <= FEED_PENDING)
		return;
	pending_clear(f);
	f->overflow = true;
}

/* An event that was begun is ended first. */
void feed_renew(struct feed *f)
{
	pending_clear(f);
	f->overflow = f->phase != FEED_LIVE;
	if (!f->overflow)
		f->phase = FEED_BEGIN;
}

void feed_resume(struct feed *f)
{
	f->phase = FEED_LIVE;
}

void feed_init(struct feed *f, const struct world *w, const char *boot, struct page *const *page,
	       const bool sees[OBJECT_TYPES], bool status_only)
{
	*f = (struct feed){.world = w, .boot = boot, .page = page, .status_only = status_only};
	memcpy(f->sees, sees, sizeof(f->sees));
	list_init(&f->pending);
}

void feed_free(struct feed *f)
{
	pending_clear(f);
	page_drop(f->sent);
	f->sent = NULL;
}
