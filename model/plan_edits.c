/* Edits from objects as they are, so that what an operation does not change stays as it was. */
#include "model/plan.h"

#include <stdlib.h>

#define TTL_AUTOMATIC 1

static struct edit *edit_in(struct plan *p, const char *id)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (str_equal(p->edits[i].id, id))
			return &p->edits[i];
	return NULL;
}

static struct edit *put(struct plan *p, enum edit_kind kind, const char *id, int64_t generation,
			bool *fresh)
{
	struct edit *d = edit_in(p, id);

	*fresh = !d;
	plan_touch(p, id, generation);
	return d ? d : plan_edit(p, kind, id);
}

struct edit *plan_put_tunnel(struct plan *p, const struct tunnel *t)
{
	bool fresh;
	struct edit *d = put(p, EDIT_TUNNEL_PUT, t->id, t->generation, &fresh);

	if (!fresh)
		return d;
	str_set(&d->name, t->name);
	str_set(&d->drift, drift_policy_name(t->drift));
	str_set(&d->manifest, t->manifest);
	d->replicas = t->replicas;
	d->joined = t->joined;
	return d;
}

struct edit *plan_put_route(struct plan *p, const struct route *r)
{
	bool fresh;
	struct edit *d = put(p, EDIT_ROUTE_PUT, r->id, r->generation, &fresh);

	if (!fresh)
		return d;
	(void)str_copy(d->tunnel_id, ID_SIZE, r->tunnel_id);
	str_set(&d->name, r->hostname);
	str_set(&d->path, r->path);
	str_set(&d->service, r->service);
	str_set(&d->origin, r->origin);
	str_set(&d->drift, drift_policy_name(r->drift));
	str_set(&d->probe, probing_said(r->probing));
	d->until_ms = r->until_ms;
	str_set(&d->manifest, r->manifest);
	return d;
}

struct edit *plan_put_record(struct plan *p, const struct record *r)
{
	bool fresh;
	struct edit *d = put(p, EDIT_RECORD_PUT, r->id, r->generation, &fresh);

	if (!fresh)
		return d;
	(void)str_copy(d->tunnel_id, ID_SIZE, r->tunnel_id);
	str_set(&d->name, r->name);
	str_set(&d->type, r->type);
	str_set(&d->content, r->content);
	str_set(&d->comment, r->comment);
	str_set(&d->drift, drift_policy_name(r->drift));
	str_set(&d->manifest, r->manifest);
	d->proxied = r->proxied;
	d->ttl = r->ttl == TTL_AUTOMATIC ? 0 : r->ttl;
	d->priority = r->priority;
	return d;
}

struct edit *plan_put_new(struct plan *p, enum edit_kind kind)
{
	char id[ID_SIZE] = {edit_letter(kind)};

	random_hex(id + 1, ID_DIGITS);
	plan_touch(p, id, 0);
	return plan_edit(p, kind, id);
}

struct edit *plan_take_off(struct plan *p, enum edit_kind kind, const char *id, int64_t generation)
{
	bool fresh;

	return put(p, kind, id, generation, &fresh);
}

/* ---- what kinds of edits are ---- */

/* Connectors of this host are no part of what revisions compare. */
enum effect { PUTS, DROPS, RELEASES, SWITCHES };

static const struct {
	char letter;
	enum effect effect;
} kinds[EDIT_KINDS] = {
	[EDIT_TUNNEL_PUT] = {'t', PUTS},          [EDIT_TUNNEL_DROP] = {'t', DROPS},
	[EDIT_TUNNEL_RELEASE] = {'t', RELEASES},  [EDIT_ROUTE_PUT] = {'r', PUTS},
	[EDIT_ROUTE_DROP] = {'r', DROPS},         [EDIT_ROUTE_RELEASE] = {'r', RELEASES},
	[EDIT_RECORD_PUT] = {'d', PUTS},          [EDIT_RECORD_DROP] = {'d', DROPS},
	[EDIT_RECORD_RELEASE] = {'d', RELEASES},  [EDIT_CONNECTOR_STOP] = {'c', SWITCHES},
	[EDIT_CONNECTOR_START] = {'c', SWITCHES},
};

int64_t plan_drops(const struct plan *p)
{
	int64_t n = 0;

	for (size_t i = 0; i < p->n_edits; i++)
		n += edit_is_drop(p->edits[i].kind) + p->edits[i].overwrites;
	return n;
}

bool edit_is_put(enum edit_kind k)
{
	return kinds[k].effect == PUTS;
}

bool edit_is_drop(enum edit_kind k)
{
	return kinds[k].effect == DROPS;
}

bool edit_is_release(enum edit_kind k)
{
	return kinds[k].effect == RELEASES;
}

char edit_letter(enum edit_kind k)
{
	return kinds[k].letter;
}
