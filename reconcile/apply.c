#include "reconcile/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "reconcile/applied.h"
#include "reconcile/edited.h"
#include "reconcile/keep.h"

/* Rows are shallow copies: strings are borrowed from the edit or the world. */
#define BORROW(s) ((char *)(uintptr_t)(s))

static enum want want_of(enum edit_kind k)
{
	return edit_is_drop(k) ? WANT_ABSENT : edit_is_release(k) ? WANT_RELEASED : WANT_PRESENT;
}

static enum drift_policy policy_of(const struct edit *ed)
{
	int policy = drift_policy_by_name(ed->drift);
	return policy < 0 ? DRIFT_BY_SETTING : (enum drift_policy)policy;
}

/* ---- what an edit makes of an object ---- */

/* What was made of it at Cloudflare is no more: another one takes its place. */
static void tunnel_anew(struct tunnel *row)
{
	row->remote_id[0] = '\0';
	row->create_sent_ms = 0;
	row->applied_generation = row->config_version = 0;
	row->token_stale = row->token_generation > 0;
	row->adopted = false;
}

static void tunnel_row(const struct tunnel *t, const struct edit *ed, struct tunnel *row)
{
	*row = (struct tunnel){.replicas = 1, .observed.connections = -1};
	if (t)
		*row = *t;
	(void)str_copy(row->id, sizeof(row->id), ed->id);
	row->generation++;
	row->want = want_of(ed->kind);
	if (ed->kind != EDIT_TUNNEL_PUT)
		return;
	row->name = BORROW(ed->name);
	row->manifest = BORROW(ed->manifest);
	row->replicas = ed->replicas;
	row->joined = ed->joined;
	row->drift = policy_of(ed);
	row->convert = row->convert || ed->convert;
	if (ed->anew)
		tunnel_anew(row);
	if (ed->remote_id) {
		(void)str_copy(row->remote_id, sizeof(row->remote_id), ed->remote_id);
		row->adopted = true;
	}
}

/* ---- another name for a tunnel that has one at Cloudflare ---- */

char *apply_renames_key(const char *tunnel_id)
{
	return str_format("renames:%s", tunnel_id);
}

/* Names that may stand there and may give way after this edit; NULL = it renames nothing. What is
 * adopted comes with its name. */
static char *renames_after(const struct tunnel *t, const struct edit *ed)
{
	const char *seen = t && t->renames ? t->observed.name : NULL;
	if (!t || ed->kind != EDIT_TUNNEL_PUT || !t->remote_id[0] || ed->remote_id || ed->anew)
		return NULL;
	if (str_equal(t->name, ed->name)) /* a name that somebody else gave it gives way */
		return str_dup(ed->takes);
	return str_format("%s%s%s%s%s", t->renames ? t->renames : "", t->renames ? "\n" : "",
			  t->name, seen ? "\n" : "", seen ? seen : "");
}

static int save_renames(const struct tunnel *t, struct store *s, const struct edit *ed,
			struct err *e)
{
	AUTO(str_t) names = renames_after(t, ed);
	AUTO(str_t) key = apply_renames_key(ed->id);
	return names ? store_set_meta(s, key, names, e) : 0;
}

/* Only what Cloudflare does not know of changed, of something that it was told of: nothing is to be
 * written there, least of all over what somebody else made of it meanwhile. */
static bool is_local(enum drift_policy was, enum drift_policy is, const char *manifest_was,
		     const char *manifest_is)
{
	return was != is || !str_equal(manifest_was, manifest_is);
}

static bool route_is_told(const struct route *was, const struct route *is)
{
	return was->applied_generation == was->generation &&
	       (was->probing != is->probing || was->until_ms != is->until_ms ||
		is_local(was->drift, is->drift, was->manifest, is->manifest)) &&
	       str_equal(was->tunnel_id, is->tunnel_id) && str_equal(was->hostname, is->hostname) &&
	       str_equal(was->path, is->path) && str_equal(was->service, is->service) &&
	       str_equal(was->origin, is->origin);
}

static bool record_is_told(const struct record *was, const struct record *is)
{
	return was->applied_generation == was->generation &&
	       is_local(was->drift, is->drift, was->manifest, is->manifest) &&
	       str_equal(was->tunnel_id, is->tunnel_id) && str_equal(was->name, is->name) &&
	       str_equal(was->type, is->type) && str_equal(was->content, is->content) &&
	       str_equal(was->comment, is->comment) && was->proxied == is->proxied &&
	       was->ttl == is->ttl && was->priority == is->priority;
}

static void route_row(const struct route *r, const struct edit *ed, struct route *row)
{
	*row = (struct route){.generation = 0};
	if (r) {
		row->generation = r->generation;
		row->applied_generation = r->applied_generation;
		row->takes = r->takes;
	}
	row->generation++;
	(void)str_copy(row->id, sizeof(row->id), ed->id);
	(void)str_copy(row->tunnel_id, sizeof(row->tunnel_id), ed->tunnel_id);
	row->hostname = BORROW(ed->name);
	row->path = BORROW(ed->path);
	row->service = BORROW(ed->service);
	row->origin = BORROW(ed->origin);
	row->manifest = BORROW(ed->manifest);
	row->drift = policy_of(ed);
	row->probing = probing_by_name(ed->probe);
	row->until_ms = ed->until_ms;
	if (ed->takes)
		row->takes = BORROW(ed->takes);
	if (r && route_is_told(r, row) && !ed->takes)
		row->applied_generation = row->generation;
}

static void record_put(struct record *row, const struct edit *ed)
{
	(void)str_copy(row->tunnel_id, sizeof(row->tunnel_id), ed->tunnel_id);
	row->name = BORROW(ed->name);
	row->type = BORROW(ed->type);
	row->content = BORROW(ed->content);
	row->comment = BORROW(ed->comment);
	row->manifest = BORROW(ed->manifest);
	row->proxied = ed->proxied;
	row->ttl = ed->ttl ? ed->ttl : 1;
	row->priority = ed->priority;
	row->drift = policy_of(ed);
	if (ed->takes) /* what was allowed before and is not done yet, still is */
		row->takes = BORROW(ed->takes);
	if (ed->anew) {
		row->remote_id[0] = row->zone_id[0] = '\0';
		row->create_sent_ms = row->applied_generation = 0;
	}
	if (ed->remote_id)
		(void)str_copy(row->remote_id, sizeof(row->remote_id), ed->remote_id);
	if (ed->zone_id)
		(void)str_copy(row->zone_id, sizeof(row->zone_id), ed->zone_id);
}

void apply_record_row(const struct record *r, const struct edit *ed, struct record *row)
{
	*row = (struct record){.ttl = 1};
	if (r)
		*row = *r;
	(void)str_copy(row->id, sizeof(row->id), ed->id);
	row->generation++;
	row->want = want_of(ed->kind);
	if (ed->kind == EDIT_RECORD_PUT)
		record_put(row, ed);
	if (r && r->want == row->want && record_is_told(r, row) && !ed->takes && !ed->anew &&
	    !ed->remote_id)
		row->applied_generation = row->generation;
}

/* ---- the store ---- */

static int save_new_secret(struct store *s, const char *id, struct err *e)
{
	unsigned char raw[32];
	random_bytes(raw, sizeof(raw));
	char *text = base64_encode(raw, sizeof(raw));
	AUTO(secret_t) secret = {0};
	secret_set(&secret, text, strlen(text));
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text, strlen(text));
	free(text);
	return store_save_secret(s, id, &secret, e);
}

char *apply_rotate_key(const char *tunnel_id)
{
	return str_format("rotate:%s", tunnel_id);
}

/* What is made anew begins with its first secret. */
static int save_rotation(struct store *s, const struct edit *ed, struct err *e)
{
	AUTO(str_t) key = apply_rotate_key(ed->id);
	if (ed->anew)
		return store_set_meta(s, key, NULL, e);
	if (!ed->rotate)
		return 0;
	return store_set_meta(s, key, "0", e) < 0 ? -1 : save_new_secret(s, ed->id, e);
}

static int save_tunnel(const struct world *w, struct store *s, const struct edit *ed, struct err *e)
{
	const struct tunnel *t = world_tunnel(w, ed->id);
	struct tunnel row;
	tunnel_row(t, ed, &row);
	if (store_save_tunnel(s, &row, e) < 0)
		return -1;
	if (ed->anew && store_save_rules(s, ed->id, "[]", e) < 0)
		return -1;
	if (save_renames(t, s, ed, e) < 0 || save_rotation(s, ed, e) < 0)
		return -1;
	/* What was adopted has no secret of ours; what is made has one. */
	return (t && !ed->anew) || ed->remote_id ? 0 : save_new_secret(s, ed->id, e);
}

static int save_route(const struct world *w, struct store *s, const struct edit *ed, struct err *e)
{
	struct route row;
	route_row(world_route(w, ed->id), ed, &row);
	return store_save_route(s, &row, e);
}

static int save_record(const struct world *w, struct store *s, const struct edit *ed, int64_t plan,
		       struct err *e)
{
	const struct record *r = world_record(w, ed->id);
	AUTO(str_t) asked = edited_asked(r, plan, ed->seen);
	struct record row;
	apply_record_row(r, ed, &row);
	row.asked = asked;
	return store_save_record(s, &row, e);
}

/* Nor is it what a PUT without an answer (act_config) may have brought there. */
static int forget_sent(struct store *s, const struct route *r, struct err *e)
{
	AUTO(applied_t) known = {0};
	if (applied_load(s, r->tunnel_id, &known, e) < 0)
		return -1;
	AUTO(str_t) rest = rules_without(known.sent, r->hostname, r->path);
	return rest ? applied_save_sent(s, r->tunnel_id, rest, e) : 0;
}

/* Its rule is no longer what we put: the next merge leaves it where it stands. */
static int release_route(const struct world *w, struct store *s, const struct edit *ed,
			 struct err *e)
{
	const struct route *r = world_route(w, ed->id);
	AUTO(str_t) rules = NULL;
	AUTO(str_t) rest = NULL;
	if (!r)
		return 0;
	if (store_load_rules(s, r->tunnel_id, &rules, e) < 0)
		return -1;
	rest = rules_without(rules, r->hostname, r->path);
	if ((rest && store_save_rules(s, r->tunnel_id, rest, e) < 0) || forget_sent(s, r, e) < 0)
		return -1;
	return store_drop(s, OBJECT_ROUTE, ed->id, e);
}

/* Its rule goes from where it stands, as somebody edited it: the plan named that. */
static int save_agreed(const struct world *w, struct store *s, const struct edit *ed, struct err *e)
{
	const struct route *r = world_route(w, ed->id);
	return r && ed->takes ? applied_agree(s, r->tunnel_id, ed->takes, e) : 0;
}

/* ---- connectors ---- */

static struct connector_stop stop_of(const struct edit *ed)
{
	return (struct connector_stop){
		.by = ed->name,
		.why = ed->comment,
		.until_ms = ed->for_ms ? clock_wall_ms() + ed->for_ms : 0,
	};
}

static void switch_connector(struct connector *c, const struct edit *ed)
{
	struct connector_stop stop = stop_of(ed);
	connector_set_stopped(c, ed->kind == EDIT_CONNECTOR_STOP ? &stop : NULL);
}

static int save_connector(const struct world *w, struct store *s, const struct edit *ed,
			  struct err *e)
{
	const struct connector *c = world_connector(w, ed->id);
	struct connector row;
	int rc;
	if (!c)
		return 0;
	row = *c;
	row.past = NULL; /* but for the words of the stop none of it is in the row */
	switch_connector(&row, ed);
	rc = store_save_connector(s, &row, e);
	connector_past_free(row.past);
	return rc;
}

static void put_connector(struct world *w, const struct edit *ed)
{
	struct connector *c = world_connector(w, ed->id);
	if (!c)
		return;
	switch_connector(c, ed);
	world_changed(w, OBJECT_CONNECTOR, ed->id);
}

static int save_edit(const struct world *w, struct store *s, const struct edit *ed, int64_t plan,
		     struct err *e)
{
	switch (ed->kind) {
	case EDIT_TUNNEL_PUT:
	case EDIT_TUNNEL_DROP:
	case EDIT_TUNNEL_RELEASE:
		return save_tunnel(w, s, ed, e);
	case EDIT_ROUTE_PUT:
		return save_agreed(w, s, ed, e) < 0 ? -1 : save_route(w, s, ed, e);
	case EDIT_ROUTE_DROP:
		return save_agreed(w, s, ed, e) < 0 ? -1 : store_drop(s, OBJECT_ROUTE, ed->id, e);
	case EDIT_ROUTE_RELEASE:
		return release_route(w, s, ed, e);
	case EDIT_RECORD_PUT:
	case EDIT_RECORD_DROP:
	case EDIT_RECORD_RELEASE:
		return save_record(w, s, ed, plan, e);
	case EDIT_CONNECTOR_STOP:
	case EDIT_CONNECTOR_START:
		return save_connector(w, s, ed, e);
	case EDIT_KINDS:
		break;
	}
	return err_set(e, ERR_INTERNAL, "An edit of unknown kind %d", (int)ed->kind);
}

int apply_ledger(struct store *s, const struct plan *p, const struct ledger_row *who, struct err *e)
{
	AUTO(buf_t) body = {0};
	char id[24];
	plan_write_body(p, &body);
	plan_id(p->number, id);
	struct ledger_row row = *who;
	row.phase = LEDGER_INTENT;
	row.operation = p->operation;
	row.object = id;
	row.arguments = body.data;
	row.plan = id;
	row.plan_hash = BORROW(p->hash);
	return store_add_ledger(s, &row, NULL, e);
}

int apply_store(const struct world *w, struct store *s, const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (save_edit(w, s, &p->edits[i], p->number, e) < 0)
			return -1;
	return 0;
}

/* ---- the world ---- */

static void put_rotation(struct tunnel *t, const struct edit *ed)
{
	if (!ed->rotate && !ed->anew)
		return;
	t->rotating = ed->rotate && !ed->anew;
	t->rotate_lost = false;
	t->rotate_sent_ms = t->observed.secret_looked_ms = t->observed.secret_refused_ms = 0;
	str_set(&t->observed.secret_refusal, NULL);
}

static void put_tunnel(struct world *w, const struct edit *ed)
{
	struct tunnel *t = world_tunnel(w, ed->id), row;
	tunnel_row(t, ed, &row);
	if (!t) {
		t = tunnel_new(ed->name);
		(void)str_copy(t->id, sizeof(t->id), ed->id);
		world_add_tunnel(w, t);
	}
	if (ed->kind == EDIT_TUNNEL_PUT) {
		char *renames = renames_after(t, ed);
		if (renames) {
			free(t->renames);
			t->renames = renames;
			t->observed.named_ms = t->observed.name_refused_ms = 0;
		}
		str_set(&t->name, ed->name);
		str_set(&t->manifest, ed->manifest);
		put_rotation(t, ed);
	}
	t->want = row.want;
	t->generation = row.generation;
	t->applied_generation = row.applied_generation;
	t->replicas = row.replicas;
	t->adopted = row.adopted;
	t->joined = row.joined;
	t->convert = row.convert;
	t->drift = row.drift;
	t->config_version = row.config_version;
	t->create_sent_ms = row.create_sent_ms;
	t->token_stale = row.token_stale;
	if (ed->anew || ed->remote_id)
		t->observed.gone = false;
	(void)str_copy(t->remote_id, sizeof(t->remote_id), row.remote_id);
	t->observed.config_seen_ms = 0; /* what is to be written is looked at first */
	problem_clear(&t->problem);
	world_changed(w, OBJECT_TUNNEL, ed->id);
}

static void put_route(struct world *w, const struct edit *ed)
{
	struct route *r = world_route(w, ed->id), row;
	route_row(r, ed, &row);
	if (!r) {
		r = route_new();
		(void)str_copy(r->id, sizeof(r->id), ed->id);
		world_add_route(w, r);
	}
	r->generation = row.generation;
	r->applied_generation = row.applied_generation;
	r->drift = row.drift;
	r->probing = row.probing;
	r->until_ms = row.until_ms;
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), ed->tunnel_id);
	str_set(&r->hostname, ed->name);
	str_set(&r->path, ed->path);
	str_set(&r->service, ed->service);
	str_set(&r->origin, ed->origin);
	str_set(&r->manifest, ed->manifest);
	if (ed->takes)
		str_set(&r->takes, ed->takes);
	r->observed.seen = ROUTE_UNSEEN; /* that was about what was wanted before */
	problem_clear(&r->problem);
	world_changed(w, OBJECT_ROUTE, ed->id);
}

static void fill_record(struct record *r, const struct edit *ed, const struct record *row)
{
	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), row->tunnel_id);
	(void)str_copy(r->remote_id, sizeof(r->remote_id), row->remote_id);
	(void)str_copy(r->zone_id, sizeof(r->zone_id), row->zone_id);
	str_set(&r->name, ed->name);
	str_set(&r->type, ed->type);
	str_set(&r->content, ed->content);
	str_set(&r->comment, ed->comment);
	str_set(&r->manifest, ed->manifest);
	if (ed->takes)
		str_set(&r->takes, ed->takes);
	r->proxied = row->proxied;
	r->ttl = row->ttl;
	r->priority = row->priority;
	r->drift = row->drift;
	r->create_sent_ms = row->create_sent_ms;
	r->applied_generation = row->applied_generation;
	if (ed->anew || ed->remote_id)
		r->observed.gone = r->observed.found = r->observed.marked = false;
}

static void put_record(struct world *w, const struct edit *ed, int64_t plan)
{
	struct record *r = world_record(w, ed->id), row;
	AUTO(str_t) asked = edited_asked(r, plan, ed->seen);
	apply_record_row(r, ed, &row);
	if (!r) {
		r = record_new(ed->name, ed->type);
		(void)str_copy(r->id, sizeof(r->id), ed->id);
		world_add_record(w, r);
	}
	r->generation = row.generation;
	r->want = row.want;
	str_set(&r->asked, asked);
	if (ed->kind == EDIT_RECORD_PUT)
		fill_record(r, ed, &row);
	/* somebody may have taken our mark away since */
	r->observed.looked_ms = r->observed.named_ms = 0;
	problem_clear(&r->problem);
	world_changed(w, OBJECT_RECORD, ed->id);
}

static void put_edit(struct world *w, const struct edit *ed, int64_t plan)
{
	switch (ed->kind) {
	case EDIT_TUNNEL_PUT:
	case EDIT_TUNNEL_DROP:
	case EDIT_TUNNEL_RELEASE:
		put_tunnel(w, ed);
		break;
	case EDIT_ROUTE_PUT:
		put_route(w, ed);
		break;
	case EDIT_ROUTE_DROP:
	case EDIT_ROUTE_RELEASE:
		(void)world_drop(w, OBJECT_ROUTE, ed->id);
		break;
	case EDIT_RECORD_PUT:
	case EDIT_RECORD_DROP:
	case EDIT_RECORD_RELEASE:
		put_record(w, ed, plan);
		break;
	case EDIT_CONNECTOR_STOP:
	case EDIT_CONNECTOR_START:
		put_connector(w, ed);
		break;
	case EDIT_KINDS:
		break;
	}
}

void apply_world(struct world *w, const struct plan *p)
{
	for (size_t i = 0; i < p->n_edits; i++)
		put_edit(w, &p->edits[i], p->number);
	if (p->revision)
		w->revision = p->revision;
}
