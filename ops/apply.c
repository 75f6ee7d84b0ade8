#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "ops/write.h"

/* The rows are shallow copies: strings are borrowed from the edit or the world. */
#define BORROW(s) ((char *)(uintptr_t)(s))

static int save_new_secret(struct ops *o, const char *id, struct err *e)
{
	unsigned char raw[32];
	random_bytes(raw, sizeof(raw));
	char *text = base64_encode(raw, sizeof(raw));
	AUTO(secret_t) secret = {0};
	secret_set(&secret, text, strlen(text));
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text, strlen(text));
	free(text);
	return store_save_secret(o->store, id, &secret, e);
}

static int save_tunnel(struct ops *o, const struct edit *ed, struct err *e)
{
	const struct tunnel *t = world_tunnel(o->world, ed->id);
	struct tunnel row = {.replicas = 1, .observed.connections = -1};
	if (t)
		row = *t;
	(void)str_copy(row.id, sizeof(row.id), ed->id);
	row.generation++;
	row.want = ed->kind == EDIT_TUNNEL_DROP ? WANT_ABSENT : WANT_PRESENT;
	if (ed->kind == EDIT_TUNNEL_PUT) {
		row.name = BORROW(ed->name);
		row.replicas = ed->replicas;
	}
	if (store_save_tunnel(o->store, &row, e) < 0)
		return -1;
	return t ? 0 : save_new_secret(o, ed->id, e);
}

static int save_route(struct ops *o, const struct edit *ed, struct err *e)
{
	const struct route *r = world_route(o->world, ed->id);
	struct route row = {.generation = r ? r->generation + 1 : 1};
	(void)str_copy(row.id, sizeof(row.id), ed->id);
	(void)str_copy(row.tunnel_id, sizeof(row.tunnel_id), ed->tunnel_id);
	row.hostname = BORROW(ed->name);
	row.path = BORROW(ed->path);
	row.service = BORROW(ed->service);
	row.origin = BORROW(ed->origin);
	return store_save_route(o->store, &row, e);
}

static int save_record(struct ops *o, const struct edit *ed, struct err *e)
{
	const struct record *r = world_record(o->world, ed->id);
	struct record row = {.ttl = 1, .type = BORROW(ed->type)};
	if (r)
		row = *r;
	(void)str_copy(row.id, sizeof(row.id), ed->id);
	row.generation++;
	row.want = ed->kind == EDIT_RECORD_DROP ? WANT_ABSENT : WANT_PRESENT;
	if (ed->kind == EDIT_RECORD_PUT) {
		(void)str_copy(row.tunnel_id, sizeof(row.tunnel_id), ed->tunnel_id);
		row.name = BORROW(ed->name);
		row.content = BORROW(ed->content);
		row.comment = BORROW(ed->comment);
		row.proxied = ed->proxied;
		row.ttl = ed->ttl ? ed->ttl : 1;
		row.priority = ed->priority;
	}
	return store_save_record(o->store, &row, e);
}

static int save_edit(struct ops *o, const struct edit *ed, struct err *e)
{
	switch (ed->kind) {
	case EDIT_TUNNEL_PUT:
	case EDIT_TUNNEL_DROP:
		return save_tunnel(o, ed, e);
	case EDIT_ROUTE_PUT:
		return save_route(o, ed, e);
	case EDIT_ROUTE_DROP:
		return store_drop(o->store, OBJECT_ROUTE, ed->id, e);
	case EDIT_RECORD_PUT:
	case EDIT_RECORD_DROP:
		return save_record(o, ed, e);
	case EDIT_KINDS:
		break;
	}
	return err_set(e, ERR_INTERNAL, "An edit of unknown kind %d", (int)ed->kind);
}

int apply_store(struct ops *o, const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (save_edit(o, &p->edits[i], e) < 0)
			return -1;
	return 0;
}

static void put_tunnel(struct world *w, const struct edit *ed)
{
	struct tunnel *t = world_tunnel(w, ed->id);
	if (!t) {
		t = tunnel_new(ed->name);
		(void)str_copy(t->id, sizeof(t->id), ed->id);
		t->generation = 0;
		world_add_tunnel(w, t);
	}
	t->generation++;
	t->want = ed->kind == EDIT_TUNNEL_DROP ? WANT_ABSENT : WANT_PRESENT;
	if (ed->kind == EDIT_TUNNEL_PUT) {
		str_set(&t->name, ed->name);
		t->replicas = ed->replicas;
	}
	t->observed.config_seen_ms = 0; /* what is to be written is looked at first */
	problem_clear(&t->problem);
	world_changed(w, OBJECT_TUNNEL, ed->id);
}

static void put_route(struct world *w, const struct edit *ed)
{
	struct route *r = world_route(w, ed->id);
	if (!r) {
		r = route_new();
		(void)str_copy(r->id, sizeof(r->id), ed->id);
		r->generation = 0;
		world_add_route(w, r);
	}
	r->generation++;
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), ed->tunnel_id);
	str_set(&r->hostname, ed->name);
	str_set(&r->path, ed->path);
	str_set(&r->service, ed->service);
	str_set(&r->origin, ed->origin);
	problem_clear(&r->problem);
	world_changed(w, OBJECT_ROUTE, ed->id);
}

static void put_record(struct world *w, const struct edit *ed)
{
	struct record *r = world_record(w, ed->id);
	if (!r) {
		r = record_new(ed->name, ed->type);
		(void)str_copy(r->id, sizeof(r->id), ed->id);
		r->generation = 0;
		world_add_record(w, r);
	}
	r->generation++;
	r->want = ed->kind == EDIT_RECORD_DROP ? WANT_ABSENT : WANT_PRESENT;
	if (ed->kind == EDIT_RECORD_PUT) {
		(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), ed->tunnel_id);
		str_set(&r->name, ed->name);
		str_set(&r->content, ed->content);
		str_set(&r->comment, ed->comment);
		r->proxied = ed->proxied;
		r->ttl = ed->ttl ? ed->ttl : 1;
		r->priority = ed->priority;
	}
	r->observed.looked_ms = 0; /* somebody may have taken our mark away since */
	problem_clear(&r->problem);
	world_changed(w, OBJECT_RECORD, ed->id);
}

static void put_edit(struct world *w, const struct edit *ed)
{
	switch (ed->kind) {
	case EDIT_TUNNEL_PUT:
	case EDIT_TUNNEL_DROP:
		put_tunnel(w, ed);
		break;
	case EDIT_ROUTE_PUT:
		put_route(w, ed);
		break;
	case EDIT_ROUTE_DROP:
		(void)world_drop(w, OBJECT_ROUTE, ed->id);
		break;
	case EDIT_RECORD_PUT:
	case EDIT_RECORD_DROP:
		put_record(w, ed);
		break;
	case EDIT_KINDS:
		break;
	}
}

void apply_world(struct ops *o, const struct plan *p)
{
	for (size_t i = 0; i < p->n_edits; i++)
		put_edit(o->world, &p->edits[i]);
	o->world->revision = p->revision;
}

void edit_new_id(char letter, char out[ID_SIZE])
{
	out[0] = letter;
	random_hex(out + 1, 10);
}

void edit_touch_tunnel(struct plan *p, const struct tunnel *t)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (str_equal(p->edits[i].id, t->id))
			return;
	plan_touch(p, t->id, t->generation);
	struct edit *ed = plan_edit(p, EDIT_TUNNEL_PUT, t->id);
	str_set(&ed->name, t->name);
	ed->replicas = t->replicas;
}
